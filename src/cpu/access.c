/* SPDX-License-Identifier: MIT */
/*
 * The virtual CPU: one access.
 *
 *   in_access odd ─ this CPU still mine? translations up to date? ─ look in the TLB
 *        │ miss                                                        │ hit
 *        walk the tables as hardware does: no locks, A and D set       │
 *        by compare-exchange; fill the TLB                             │
 *        │ refused                                 touch the frame ◄───┘
 *   in_access even ─ do_user_addr_fault ─ again    in_access even
 *
 * Everything between odd and even is one instruction: no lock is taken in it, and a flush
 * elsewhere waits for its end (mmu/tlb.h). Most accesses are hits: three loads, two compares,
 * two stores to a word of their own, and the access.
 *
 * Races between the accesses of a program are the program's; here they are relaxed atomics of
 * the accessed size, copies word by word.
 */
#include <usermm/usermm.h>

#include "base/uapi.h"
#include "fault/fault.h"
#include "fill/fill.h"
#include "mmu/tlb.h"
#include "sync/copy.h"
#include "sync/membarrier.h"

enum access { ACCESS_READ, ACCESS_WRITE, ACCESS_EXEC };

/* ---- one instruction ------------------------------------------------------------------------ */

/*
 * Two ways in and out. The short one is for a hit, in which nothing else can run on this fiber
 * of a simulation; the long one, around a walk, is announced like every shared word.
 */

static inline void access_begin(struct task *task)
{
	__atomic_store_n(&task->in_access, task->in_access + 1, __ATOMIC_RELAXED);
	sync_light_barrier();
}

static inline void access_end(struct task *task)
{
	__atomic_store_n(&task->in_access, task->in_access + 1, __ATOMIC_RELEASE);
}

static void walk_begin(struct task *task)
{
	WRITE_ONCE(task->in_access, task->in_access + 1);
	sync_light_barrier();
}

static void walk_end(struct task *task)
{
	smp_store_release(&task->in_access, task->in_access + 1);
}

/* The CPU that the task may use as it is, or NULL: take the long way. */
static inline struct cpu *access_cpu(const struct task *task)
{
	struct cpu *cpu = task->cpu;

	if (likely(cpu && __atomic_load_n(&cpu->curr, __ATOMIC_ACQUIRE) == task &&
		   cpu->tlb_gen == __atomic_load_n(&task->mm->tlb_gen, __ATOMIC_ACQUIRE)))
		return cpu;
	return NULL;
}

static inline u64 *access_tag(struct tlb_entry *entry, enum access access)
{
	return access == ACCESS_READ  ? &entry->read_tag :
	       access == ACCESS_WRITE ? &entry->write_tag :
					&entry->exec_tag;
}

static inline struct tlb_entry *tlb_slot(struct cpu *cpu, vaddr_t addr)
{
	return &cpu->tlb[(addr >> PAGE_SHIFT) & cpu->tlb_mask];
}

/* ---- the walker ----------------------------------------------------------------------------- */

static bool pte_cpu_may(pte_t pte, enum access access)
{
	switch (access) {
	case ACCESS_READ:
		return pte_cpu_may_read(pte);
	case ACCESS_WRITE:
		return pte_cpu_may_write(pte);
	case ACCESS_EXEC:
		return pte_cpu_may_exec(pte);
	}
	VM_UNREACHABLE();
}

/* Find the entry, set A (and D), as one atomic step; false: the access is refused. */
static bool hardware_walk(struct mm *mm, vaddr_t addr, enum access access, pte_t *ret_pte)
{
	u64 set = PTE_CPU_ACCESSED | (access == ACCESS_WRITE ? PTE_CPU_DIRTY : 0);
	pte_t *ptep = pte_offset(mm, addr);

	while (ptep) {
		pte_t pte = ptep_get(ptep);
		u64 seen;

		if (!pte_cpu_may(pte, access))
			return false;
		if ((pte.v & set) == set) {
			*ret_pte = pte;
			return true;
		}
		seen = sync_cmpxchg(&ptep->v, pte.v, pte.v | set, SYNC_ACQ_REL);
		if (seen == pte.v) {
			*ret_pte = (pte_t){ pte.v | set };
			return true;
		}
	}
	return false;
}

static struct tlb_entry *tlb_fill(struct cpu *cpu, struct mm *mm, vaddr_t addr, pte_t pte)
{
	struct tlb_entry *entry = tlb_slot(cpu, addr);
	vaddr_t page = addr & PAGE_MASK;

	entry->read_tag = pte_cpu_may_read(pte) ? page : ~0ull;
	/* Cached for writing only when dirty, so that the first write walks and sets D. */
	entry->write_tag = pte_cpu_may_write(pte) && (pte.v & PTE_CPU_DIRTY) ? page : ~0ull;
	entry->exec_tag = pte_cpu_may_exec(pte) ? page : ~0ull;
	entry->addend = (u64)(uintptr_t)pfn_to_virt(machine_of(mm), pte_pfn(pte)) - page;
	return entry;
}

/*
 * Translate inside an access, by cache or by walk; NULL: refused. Brings the CPU's cache up
 * to date first. The caller owns cpu.
 */
static struct tlb_entry *translate(struct cpu *cpu, struct mm *mm, vaddr_t addr, enum access access)
{
	struct tlb_entry *entry = tlb_slot(cpu, addr);
	pte_t pte;

	if (cpu->tlb_gen != smp_load_acquire(&mm->tlb_gen))
		cpu_tlb_catch_up(cpu, mm);
	if (*access_tag(entry, access) == (addr & PAGE_MASK))
		return entry;
	if (addr >= TASK_SIZE || !hardware_walk(mm, addr, access, &pte))
		return NULL;
	return tlb_fill(cpu, mm, addr, pte);
}

/* ---- refused accesses ----------------------------------------------------------------------- */

/* An address that is in neither half of the address space, where that is no page fault. */
static bool is_general_protection(vaddr_t addr)
{
	unsigned unused = 64 - PAGE_SHIFT - PT_LEVELS * PT_INDEX_BITS;

	return ARCH_GENERAL_PROTECTION && (vaddr_t)((s64)(addr << unused) >> unused) != addr;
}

#ifdef UMM_DEBUG
/* A fault that is served lets the access go on, or others have to do something each time. */
#define FAULTS_WITHOUT_END 65536

static bool faults_without_end(struct task *task, vaddr_t addr, enum access access)
{
	u64 what = addr ^ ((u64)access << 62);

	if (task->last_fault != what) {
		task->last_fault = what;
		task->same_faults = 0;
	}
	return ++task->same_faults > FAULTS_WITHOUT_END;
}
#endif

/* mode: FAULT_FLAG_USER, or 0 when a call makes the access. */
static int access_fault(struct task *task, vaddr_t addr, enum access access, u32 mode,
			struct umm_fault *ret_fault)
{
	u32 flags = mode | (access == ACCESS_WRITE ? FAULT_FLAG_WRITE :
			    access == ACCESS_EXEC  ? FAULT_FLAG_INSTRUCTION :
						     0);
	struct task *before = sync_current();
	struct umm_fault fault;
	int err;

#ifdef UMM_DEBUG
	VM_BUG_ON2(faults_without_end(task, addr, access), addr, access);
#endif
	if (is_general_protection(addr)) {
		fault = (struct umm_fault){ .signo = SIGSEGV, .code = SI_KERNEL };
		err = -EFAULT;
	} else {
		sync_set_current(task);
		err = do_user_addr_fault(task->mm, addr, flags, &fault);
		sync_set_current(before);
	}
	if (err && ret_fault)
		*ret_fault = fault;
	return err;
}

/* Begin an instruction on a CPU of the task's own. */
static void walk_begin_on_cpu(struct task *task)
{
	for (;;) {
		walk_begin(task);
		if (likely(task->cpu && READ_ONCE(task->cpu->curr) == task))
			return;
		walk_end(task);
		task_switch_to(task);
	}
}

static void *translate_host(struct task *task, vaddr_t addr, enum access access)
{
	struct tlb_entry *entry = translate(task->cpu, task->mm, addr, access);

	return entry ? (void *)(uintptr_t)(addr + entry->addend) : NULL;
}

/* Accesses are told apart by frame: a block copy and a byte of it depend on each other. */
static inline void *frame_of(void *host)
{
	return (void *)((uintptr_t)host & PAGE_MASK);
}

/*
 * Begin an access whose translation is wanted: on success the task is inside the access,
 * *ret_host is where addr's byte is, and walk_end() must follow.
 */
static int access_translate_as(struct task *task, vaddr_t addr, enum access access, u32 mode,
			       void **ret_host, struct umm_fault *ret_fault)
{
	for (;;) {
		void *host;
		int err;

		walk_begin_on_cpu(task);
		host = translate_host(task, addr, access);
		if (host) {
			sync_access_point(frame_of(host), NULL, access == ACCESS_WRITE);
			*ret_host = host;
			return 0;
		}
		walk_end(task);
		err = access_fault(task, addr, access, mode, ret_fault);
		if (err)
			return err;
	}
}

static int access_translate(struct task *task, vaddr_t addr, enum access access, void **ret_host,
			    struct umm_fault *ret_fault)
{
	return access_translate_as(task, addr, access, FAULT_FLAG_USER, ret_host, ret_fault);
}

/* ---- loads and stores ------------------------------------------------------------------------ */

/* A hit needs the page right and the address aligned to the size: one compare does both. */
#define ACCESS_HIT(entry, access, addr, size) \
	(*access_tag(entry, access) == ((addr) & (PAGE_MASK | ((size)-1))))

/*
 * Where an access would hit if it were begun now, or NULL. Looks at a CPU that may be taken away
 * meanwhile, so that what it sees decides nothing; it stands alone, since nothing of it may be
 * instrumented: neither a race nor a step of the simulation.
 */
static __attribute__((noinline, no_sanitize("thread"))) void *
guess_hit(const struct task *task, vaddr_t addr, u64 tag, enum access access)
{
	const struct cpu *cpu = task->cpu;
	const struct tlb_entry *entry;
	u64 seen;

	if (!cpu || cpu->curr != task || cpu->tlb_gen != task->mm->tlb_gen)
		return NULL;
	entry = &cpu->tlb[(addr >> PAGE_SHIFT) & cpu->tlb_mask];
	seen = access == ACCESS_READ  ? entry->read_tag :
	       access == ACCESS_WRITE ? entry->write_tag :
					entry->exec_tag;
	return seen == tag ? (void *)(uintptr_t)(addr + entry->addend) : NULL;
}

/*
 * In a simulation: the access that is about to hit, one step that looks at the mm's generation
 * and touches the frame. When what it hits has changed by the time it is its turn, the
 * generation has too, and the access takes the long way.
 */
static inline void announce_hit(struct task *task, vaddr_t addr, unsigned size, enum access access)
{
	void *host;

	if (!SYNC_ANNOUNCES)
		return;
	host = guess_hit(task, addr, addr & (PAGE_MASK | ((u64)size - 1)), access);
	if (host)
		sync_access_point(frame_of(host), &task->mm->tlb_gen, access == ACCESS_WRITE);
}

/* Begin an access that hits: where addr's byte is, and access_end() must follow; NULL: a miss. */
static inline void *access_begin_hit(struct task *task, vaddr_t addr, unsigned size,
				     enum access access)
{
	struct tlb_entry *entry;
	struct cpu *cpu;

	announce_hit(task, addr, size, access);
	access_begin(task);
	cpu = access_cpu(task);
	if (likely(cpu)) {
		entry = tlb_slot(cpu, addr);
		if (likely(ACCESS_HIT(entry, access, addr, (u64)size)))
			return (void *)(uintptr_t)(addr + entry->addend);
	}
	access_end(task);
	return NULL;
}

static inline u64 host_load(const void *host, unsigned size)
{
	switch (size) {
	case 1:
		return __atomic_load_n((const u8 *)host, __ATOMIC_RELAXED);
	case 2:
		return __atomic_load_n((const u16 *)host, __ATOMIC_RELAXED);
	case 4:
		return __atomic_load_n((const u32 *)host, __ATOMIC_RELAXED);
	default:
		return __atomic_load_n((const u64 *)host, __ATOMIC_RELAXED);
	}
}

static inline void host_store(void *host, unsigned size, u64 value)
{
	switch (size) {
	case 1:
		__atomic_store_n((u8 *)host, (u8)value, __ATOMIC_RELAXED);
		break;
	case 2:
		__atomic_store_n((u16 *)host, (u16)value, __ATOMIC_RELAXED);
		break;
	case 4:
		__atomic_store_n((u32 *)host, (u32)value, __ATOMIC_RELAXED);
		break;
	default:
		__atomic_store_n((u64 *)host, value, __ATOMIC_RELAXED);
	}
}

static inline bool size_is_valid(unsigned size)
{
	return size && size <= 8 && !(size & (size - 1));
}

/* An aligned access that missed, or any unaligned one: by bytes when it may cross a page. */
static int load_slow(struct task *task, vaddr_t addr, unsigned size, u64 *ret_value,
		     struct umm_fault *ret_fault)
{
	void *host;
	int err;

	if (!IS_ALIGNED(addr, (vaddr_t)size)) {
		u64 value = 0;

		err = umm_read((struct umm_task *)task, addr, &value, size, ret_fault);
		if (!err)
			*ret_value = value;
		return err;
	}
	err = access_translate(task, addr, ACCESS_READ, &host, ret_fault);
	if (err)
		return err;
	*ret_value = host_load(host, size);
	walk_end(task);
	return 0;
}

int umm_load(struct umm_task *handle, uint64_t addr, unsigned size_bytes, uint64_t *ret_value,
	     struct umm_fault *ret_fault)
{
	struct task *task = (struct task *)handle;
	void *host;

	if (unlikely(!size_is_valid(size_bytes)))
		return -EINVAL;
	host = access_begin_hit(task, addr, size_bytes, ACCESS_READ);
	if (unlikely(!host))
		return load_slow(task, addr, size_bytes, ret_value, ret_fault);
	*ret_value = host_load(host, size_bytes);
	access_end(task);
	return 0;
}

/* A store whose bytes lie on two pages: both allow it, or neither changes. */
static int store_crossing(struct task *task, vaddr_t addr, unsigned size, u64 value,
			  struct umm_fault *ret_fault)
{
	vaddr_t next = (addr & PAGE_MASK) + PAGE_SIZE;
	unsigned below = (unsigned)(next - addr);

	for (;;) {
		void *low, *high;
		int err;

		walk_begin_on_cpu(task);
		low = translate_host(task, addr, ACCESS_WRITE);
		high = low ? translate_host(task, next, ACCESS_WRITE) : NULL;
		if (high) {
			sync_access_point(frame_of(low), NULL, true);
			copy_relaxed(low, &value, below);
			sync_access_point(frame_of(high), NULL, true);
			copy_relaxed(high, (u8 *)&value + below, size - below);
			walk_end(task);
			return 0;
		}
		walk_end(task);
		err = access_fault(task, low ? next : addr, ACCESS_WRITE, FAULT_FLAG_USER,
				   ret_fault);
		if (err)
			return err;
	}
}

static int store_slow(struct task *task, vaddr_t addr, unsigned size, u64 value,
		      struct umm_fault *ret_fault)
{
	void *host;
	int err;

	if (PAGE_OFFSET_OF(addr) + size > PAGE_SIZE)
		return store_crossing(task, addr, size, value, ret_fault);
	if (!IS_ALIGNED(addr, (vaddr_t)size))
		return umm_write((struct umm_task *)task, addr, &value, size, ret_fault);
	err = access_translate(task, addr, ACCESS_WRITE, &host, ret_fault);
	if (err)
		return err;
	host_store(host, size, value);
	walk_end(task);
	return 0;
}

int umm_store(struct umm_task *handle, uint64_t addr, unsigned size_bytes, uint64_t value,
	      struct umm_fault *ret_fault)
{
	struct task *task = (struct task *)handle;
	void *host;

	if (unlikely(!size_is_valid(size_bytes)))
		return -EINVAL;
	host = access_begin_hit(task, addr, size_bytes, ACCESS_WRITE);
	if (unlikely(!host))
		return store_slow(task, addr, size_bytes, value, ret_fault);
	host_store(host, size_bytes, value);
	access_end(task);
	return 0;
}

int umm_fetch(struct umm_task *handle, uint64_t addr, struct umm_fault *ret_fault)
{
	struct task *task = (struct task *)handle;
	void *host;
	int err;

	err = access_translate(task, addr, ACCESS_EXEC, &host, ret_fault);
	if (!err)
		walk_end(task);
	return err;
}

/* ---- read-modify-writes ---------------------------------------------------------------------- */

enum rmw { RMW_ADD, RMW_XCHG, RMW_CMPXCHG };

#define HOST_RMW(type)                                                                   \
	do {                                                                             \
		type *word = host;                                                       \
		type old = (type)expected;                                               \
                                                                                         \
		if (op == RMW_ADD)                                                       \
			return __atomic_fetch_add(word, (type)value, __ATOMIC_SEQ_CST);  \
		if (op == RMW_XCHG)                                                      \
			return __atomic_exchange_n(word, (type)value, __ATOMIC_SEQ_CST); \
		(void)__atomic_compare_exchange_n(word, &old, (type)value, false,        \
						  __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);   \
		return old;                                                              \
	} while (0)

static u64 host_rmw(void *host, unsigned size, enum rmw op, u64 expected, u64 value)
{
	switch (size) {
	case 1:
		HOST_RMW(u8);
	case 2:
		HOST_RMW(u16);
	case 4:
		HOST_RMW(u32);
	default:
		HOST_RMW(u64);
	}
}

static int access_rmw(struct umm_task *handle, vaddr_t addr, unsigned size, enum rmw op,
		      u64 expected, u64 value, u64 *ret_old, struct umm_fault *ret_fault)
{
	struct task *task = (struct task *)handle;
	void *host;
	int err;

	if (!size_is_valid(size) || !IS_ALIGNED(addr, (vaddr_t)size))
		return -EINVAL;
	err = access_translate(task, addr, ACCESS_WRITE, &host, ret_fault);
	if (err)
		return err;
	*ret_old = host_rmw(host, size, op, expected, value);
	walk_end(task);
	return 0;
}

int umm_fetch_add(struct umm_task *task, uint64_t addr, unsigned size_bytes, uint64_t addend,
		  uint64_t *ret_old, struct umm_fault *ret_fault)
{
	return access_rmw(task, addr, size_bytes, RMW_ADD, 0, addend, ret_old, ret_fault);
}

int umm_xchg(struct umm_task *task, uint64_t addr, unsigned size_bytes, uint64_t value,
	     uint64_t *ret_old, struct umm_fault *ret_fault)
{
	return access_rmw(task, addr, size_bytes, RMW_XCHG, 0, value, ret_old, ret_fault);
}

int umm_cmpxchg(struct umm_task *task, uint64_t addr, unsigned size_bytes, uint64_t expected,
		uint64_t desired, uint64_t *ret_old, struct umm_fault *ret_fault)
{
	return access_rmw(task, addr, size_bytes, RMW_CMPXCHG, expected, desired, ret_old,
			  ret_fault);
}

/* ---- block copies ---------------------------------------------------------------------------- */

/* Page by page; what lies before a fault was transferred. */
static int access_copy(struct task *task, vaddr_t addr, u8 *buf, size_t len, enum access access,
		       u32 mode, struct umm_fault *ret_fault)
{
	while (len) {
		size_t chunk = MIN(len, (size_t)(PAGE_SIZE - PAGE_OFFSET_OF(addr)));
		void *host;
		int err;

		err = access_translate_as(task, addr, access, mode, &host, ret_fault);
		if (err)
			return err;
		if (access == ACCESS_WRITE)
			copy_relaxed(host, buf, chunk);
		else
			copy_relaxed(buf, host, chunk);
		walk_end(task);
		addr += chunk;
		buf += chunk;
		len -= chunk;
	}
	return 0;
}

int umm_read(struct umm_task *task, uint64_t addr, void *ret_buf, size_t len_bytes,
	     struct umm_fault *ret_fault)
{
	return access_copy((struct task *)task, addr, ret_buf, len_bytes, ACCESS_READ,
			   FAULT_FLAG_USER, ret_fault);
}

int umm_write(struct umm_task *task, uint64_t addr, const void *buf, size_t len_bytes,
	      struct umm_fault *ret_fault)
{
	/* access_copy only reads buf for a write. */
	return access_copy((struct task *)task, addr, (u8 *)(uintptr_t)buf, len_bytes, ACCESS_WRITE,
			   FAULT_FLAG_USER, ret_fault);
}

/* ---- for calls that read the program's memory ------------------------------------------------ */

/* Without a fault: what an instruction would get at once, page by page. */
static bool read_nofault(struct task *task, vaddr_t addr, void *ret_buf, u64 len)
{
	u8 *buf = ret_buf;

	while (len) {
		u64 chunk = MIN(len, PAGE_SIZE - PAGE_OFFSET_OF(addr));
		const void *host;

		walk_begin_on_cpu(task);
		host = translate_host(task, addr, ACCESS_READ);
		if (host) {
			sync_access_point(frame_of((void *)(uintptr_t)host), NULL, false);
			copy_relaxed(buf, host, chunk);
		}
		walk_end(task);
		if (!host)
			return false;
		addr += chunk;
		buf += chunk;
		len -= chunk;
	}
	return true;
}

static int read_faulting(struct task *task, vaddr_t addr, void *ret_buf, u64 len)
{
	return access_copy(task, addr, ret_buf, len, ACCESS_READ, 0, NULL);
}

const struct fill_user_ops fill_user_ops = {
	.read_nofault = read_nofault,
	.read = read_faulting,
};
