/* SPDX-License-Identifier: MIT */
/* Covers: R6 */
/*
 * Every check of verify() is proven by a planted fault: one field is spoilt, the exact finding
 * must be reported, and the machine, put back by a snapshot, must be clean again.
 *
 *     heap  A  A  Z  .  G  .   B(locked)   S(stack)     A written, Z zero page, G guard
 *     fork: page 0 copied by the child, page 1 shared
 */
#include "mmu/tlb.h"
#include "phys/alloc.h"
#include "rmap/anon_vma.h"
#include "syscall/pin.h"
#include "vma/vma.h"

/* Last: it has a machine m. */
#include "api/planted_test.h"

#define PAGE 4096ull
#define A 0x100000ull
#define B 0x40000000ull
#define S 0x200000ull
#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED)

static struct umm_task *parent, *child;
static struct mm *mm; /* the parent's */

/* ---- a machine with something of everything ------------------------------------------------ */

static void map(u64 addr, u64 pages, int prot, int flags)
{
	assert_int_equal(umm_mmap(parent, addr, pages * PAGE, prot, ANON | flags, -1, 0), addr);
}

static int set_up(void **state)
{
	struct umm_config config;

	(void)state;
	umm_config_init(&config);
	config.ram_bytes = 2 << 20;
	config.tlb_entries = 16;
	assert_int_equal(umm_machine_create(&config, (struct umm_machine **)&m), 0);
	assert_int_equal(umm_process_create((struct umm_machine *)m, &parent), 0);
	mm = ((struct task *)parent)->mm;
	map(A, 6, RW, 0);
	map(B, 2, RW, MAP_LOCKED);
	map(S, 2, RW, MAP_GROWSDOWN);
	map(B + 0x10000, 1, PROT_READ | PROT_EXEC, 0);
	assert_int_equal(umm_store(parent, A, 8, 1, NULL), 0);
	assert_int_equal(umm_store(parent, A + PAGE, 8, 1, NULL), 0);
	assert_int_equal(umm_madvise(parent, A + 4 * PAGE, PAGE, MADV_GUARD_INSTALL), 0);
	assert_true(umm_pin(parent, B, PAGE) >= 0);
	assert_int_equal(umm_fork(parent, &child), 0);
	assert_int_equal(umm_store(child, A, 8, 2, NULL), 0);
	assert_int_equal(umm_load(parent, A + 2 * PAGE, 8, &(u64){ 0 }, NULL), 0);
	assert_int_equal(umm_store(parent, B, 8, 1, NULL), 0);
	assert_int_equal(umm_store(parent, A, 8, 1, NULL), 0);
	assert_int_equal(umm_snapshot_take((struct umm_machine *)m, &snapshot), 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	umm_snapshot_free(snapshot);
	umm_machine_destroy((struct umm_machine *)m);
	return 0;
}

static pte_t *pte_of(u64 addr)
{
	pte_t *ptep = pte_offset(mm, addr);

	assert_non_null(ptep);
	return ptep;
}

static struct page *page_of(u64 addr)
{
	return pte_page(m, *pte_of(addr));
}

static u64 pfn_of_page(const struct page *page)
{
	return page_to_pfn(page).n;
}

static struct page *table_of(u64 addr)
{
	return virt_to_page(pte_of(addr));
}

static struct vm_area *vma_of(u64 addr)
{
	struct vm_area *vma;

	for_each_vma(mm, vma)
		if (vma->start <= addr && addr < vma->end)
			return vma;
	fail_msg("no vma at %#llx", LL(addr));
	return NULL;
}

static const char *described(pte_t pte)
{
	static char text[64];

	(void)pte_describe(pte, text, sizeof(text));
	return text;
}

/* What bad_entry says of an entry of the parent. */
static void want_entry(u64 addr, const char *what)
{
	WANT("mm %u: entry of %#llx (%s): %s", mm->id, LL(addr), described(*pte_of(addr)), what);
}

/* ---- frames -------------------------------------------------------------------------------- */

static void reference_too_many(void)
{
	struct page *page = page_of(A + PAGE);

	page->refcount.v++;
	WANT("page %llu: refcount is 3, counted 2", LL(pfn_of_page(page)));
}

static void reference_too_few(void)
{
	struct page *page = page_of(A + PAGE);

	page->refcount.v--;
	WANT("page %llu: refcount is 1, counted 2", LL(pfn_of_page(page)));
}

static void mapping_too_many(void)
{
	struct page *page = page_of(A + PAGE);

	page->mapcount.v++;
	WANT("page %llu: mapcount is 3, counted 2", LL(pfn_of_page(page)));
}

static void pin_forgotten(void)
{
	struct page *page = page_of(B);

	page->refcount.v -= GUP_PIN_COUNTING_BIAS;
	WANT("page %llu: refcount is 1, counted 1025", LL(pfn_of_page(page)));
}

static void frame_leaked(void)
{
	struct page *page = alloc_page(m, GFP_KERNEL, FAIL_OTHER_PAGE);

	WANT("page %llu: 1 references, and nobody has it (a leak)", LL(pfn_of_page(page)));
}

static void shared_and_exclusive(void)
{
	struct page *page = page_of(A + PAGE);

	page->flags |= BIT(PG_anon_exclusive);
	WANT("page %llu: exclusive, with 2 mappings", LL(pfn_of_page(page)));
}

static void page_left_locked(void)
{
	struct page *page = page_of(A);

	page->flags |= BIT(PG_locked);
	WANT("page %llu: locked", LL(pfn_of_page(page)));
}

static void page_not_uptodate(void)
{
	struct page *page = page_of(A);

	page->flags &= ~BIT(PG_uptodate);
	WANT("page %llu: in use and not up to date", LL(pfn_of_page(page)));
}

static void zero_page_written(void)
{
	u64 *words = pfn_to_virt(m, m->zero_pfn);

	words[5] = 7;
	WANT("zero page %llu: 0x7 in word 5", LL(m->zero_pfn.n));
}

static void zero_page_counted(void)
{
	pfn_to_page(m, m->zero_pfn)->refcount.v++;
	WANT("zero page %llu: refcount is 2, counted 1", LL(m->zero_pfn.n));
}

static void zero_page_not_reserved(void)
{
	pfn_to_page(m, m->zero_pfn)->flags &= ~BIT(PG_reserved);
	WANT("zero page %llu: not reserved", LL(m->zero_pfn.n));
}

static void zero_page_mapped(void)
{
	pfn_to_page(m, m->zero_pfn)->mapcount.v++;
	WANT("zero page %llu: mapcount is 1, counted 0", LL(m->zero_pfn.n));
}

static void frame_vanished(void)
{
	alloc_page(m, GFP_KERNEL, FAIL_OTHER_PAGE)->refcount.v = 0;
	WANT("machine %u: frames neither free nor in use is 1, counted 0", m->slot);
}

static void table_of_nobody(void)
{
	struct page *page = alloc_page(m, GFP_ZERO, FAIL_OTHER_PAGE);

	page->flags |= BIT(PG_table);
	WANT("page %llu: 1 references, and nobody has it (a leak)", LL(pfn_of_page(page)));
}

/* ---- entries ------------------------------------------------------------------------------- */

static void entry_lost(void)
{
	struct page *page = page_of(A);

	pte_of(A)->v = 0;
	WANT("page %llu: 1 references, and nobody has it (a leak)", LL(pfn_of_page(page)));
}

static void writable_not_exclusive(void)
{
	page_of(A)->flags &= ~BIT(PG_anon_exclusive);
	want_entry(A, "writable, and its page is not exclusive");
}

static void writable_against_the_vma(void)
{
	u64 addr = B + 0x10000;
	struct page *page = alloc_page(m, GFP_ZERO, FAIL_OTHER_PAGE);
	pte_t pte = pte_mkyoung(pfn_pte(page_to_pfn(page), vma_of(addr)->page_prot));

	*pte_of(addr) = pte_mkwrite(pte);
	want_entry(addr, "writable, which the vma is not");
}

static void rights_of_another(void)
{
	*pte_of(A + PAGE) = pte_modify(*pte_of(A + PAGE), vma_of(B + 0x10000)->page_prot);
	want_entry(A + PAGE, "its rights are not those of the vma");
}

static void entry_outside(void)
{
	u64 addr = A - PAGE;

	*pte_of(addr) = make_pte_marker(PTE_MARKER_POISONED);
	want_entry(addr, "in no vma");
}

static void zero_page_writable(void)
{
	*pte_of(A + 2 * PAGE) = pte_mkwrite(*pte_of(A + 2 * PAGE));
	want_entry(A + 2 * PAGE, "the zero page, writable");
}

static void zero_page_plain(void)
{
	pte_of(A + 2 * PAGE)->v = pfn_pte(m->zero_pfn, vma_of(A)->page_prot).v;
	want_entry(A + 2 * PAGE, "the zero page, not special");
}

static void special_of_a_page(void)
{
	*pte_of(A) = pte_mkspecial(*pte_of(A));
	want_entry(A, "special, and not the zero page");
}

static void frame_beyond_ram(void)
{
	*pte_of(A + 2 * PAGE) = pfn_pte(pfn_of(m->nr_pages), vma_of(A)->page_prot);
	want_entry(A + 2 * PAGE, "its frame is no RAM");
}

static void frame_that_is_free(void)
{
	struct page *page = alloc_page(m, GFP_KERNEL, FAIL_OTHER_PAGE);

	put_page(page);
	*pte_of(A + 3 * PAGE) = pfn_pte(page_to_pfn(page), vma_of(A)->page_prot);
	want_entry(A + 3 * PAGE, "its frame is free");
}

static void frame_that_is_a_table(void)
{
	*pte_of(A + 3 * PAGE) = pfn_pte(page_to_pfn(table_of(A)), vma_of(A)->page_prot);
	want_entry(A + 3 * PAGE, "its frame is a page table");
}

static void page_not_anonymous(void)
{
	page_of(A)->mapping = 0;
	want_entry(A, "its page is not anonymous");
}

static void rmap_index_wrong(void)
{
	page_of(A)->index++;
	WANT("mm %u: entry of %#llx: index of its page is %#llx, counted %#llx", mm->id, LL(A),
	     LL((A >> 12) + 1), LL(A >> 12));
}

static void rmap_anon_vma_wrong(void)
{
	page_of(A)->mapping = page_of(B)->mapping;
	want_entry(A, "the anon_vma of its page has no chain to this vma");
}

static void guard_unannounced(void)
{
	struct vm_area *vma = vma_of(A);

	vma->flags &= ~VM_MAYBE_GUARD;
	want_entry(A + 4 * PAGE, "a guard in a vma that says it has none");
}

static void marker_of_uffd(void)
{
	*pte_of(A + 4 * PAGE) = make_pte_marker(PTE_MARKER_UFFD_WP);
	want_entry(A + 4 * PAGE, "a write-protect marker, which the vma does not have");
}

static void marker_without_bits(void)
{
	*pte_of(A + 4 * PAGE) = swp_entry_to_pte((swp_entry_t){ SWP_PTE_MARKER, 16 });
	want_entry(A + 4 * PAGE, "a marker that no maker makes");
}

static void swapped_out(void)
{
	*pte_of(A + 4 * PAGE) = swp_entry_to_pte((swp_entry_t){ 0, 9 });
	want_entry(A + 4 * PAGE, "there is no such slot");
}

#if ARCH_HAS_SOFT_DIRTY
static void soft_dirty_untracked(void)
{
	*pte_of(A) = pte_mksoft_dirty(*pte_of(A));
	want_entry(A, "soft-dirty, which this machine does not track");
}
#endif

#if ARCH_HAS_UFFD_WP
static void protected_unregistered(void)
{
	*pte_of(A + PAGE) = pte_mkuffd_wp(*pte_of(A + PAGE));
	want_entry(A + PAGE, "write-protected by userfaultfd, which the vma is not");
}

static void protected_writable(void)
{
	*pte_of(A + PAGE) = pte_mkwrite(pte_mkuffd_wp(*pte_of(A + PAGE)));
	want_entry(A + PAGE, "writable, and write-protected by userfaultfd");
}
#endif

/* ---- tables -------------------------------------------------------------------------------- */

static table_entry_t *parent_entry(u64 addr)
{
	struct page *table = pfn_to_page(m, mm->pgd);
	unsigned level = PT_LEVELS - 1;

	while (level > 1) {
		table_entry_t *entries = page_address(table);

		table = pfn_to_page(m, table_pfn(entries[LEVEL_INDEX(level, addr)]));
		level--;
	}
	return (table_entry_t *)page_address(table) + LEVEL_INDEX(1, addr);
}

static void table_use_miscounted(void)
{
	struct page *table = table_of(A);

	table->nr_used.v++;
	WANT("table %llu: nr_used is %d, counted %d", LL(pfn_of_page(table)), table->nr_used.v,
	     table->nr_used.v - 1);
}

static void table_of_other_mm(void)
{
	struct page *table = table_of(A);

	table->table_mm = ((struct task *)child)->mm;
	WANT("table %llu: its mm is not mm %u, from which it hangs", LL(pfn_of_page(table)),
	     mm->id);
}

static void table_level_wrong(void)
{
	struct page *table = table_of(A);

	table->table_level = 1;
	WANT("table %llu: its level is 1, counted 0", LL(pfn_of_page(table)));
}

static void table_start_wrong(void)
{
	struct page *table = table_of(A);

	table->table_start = PMD_SIZE;
	WANT("table %llu: its start is %llu, counted 0", LL(pfn_of_page(table)), LL(PMD_SIZE));
}

static void table_lock_held(void)
{
	struct page *table = table_of(A);

	table->ptl.word = 1;
	WANT("table %llu: ptl is held (0x1)", LL(pfn_of_page(table)));
}

static void table_reached_twice(void)
{
	*parent_entry(B + PMD_SIZE) = mk_table(page_to_pfn(table_of(A)));
	WANT("table %llu: reached twice, again at %#llx of mm %u", LL(pfn_of_page(table_of(A))),
	     LL(B + PMD_SIZE), mm->id);
}

static void table_that_is_none(void)
{
	struct page *table = table_of(A);

	table->flags &= ~BIT(PG_table);
	WANT("table %llu: hangs from mm %u, and its page says it is none", LL(pfn_of_page(table)),
	     mm->id);
}

static void table_entry_odd(void)
{
	parent_entry(A)->v ^= 1;
	WANT("mm %u: level 1 entry of 0 is %#llx, which is no table's", mm->id,
	     LL(parent_entry(A)->v));
}

static void table_frame_beyond(void)
{
	*parent_entry(B + PMD_SIZE) = mk_table(pfn_of(m->nr_pages));
	WANT("mm %u: level 1 entry of %#llx: frame %llu is no RAM", mm->id, LL(B + PMD_SIZE),
	     LL(m->nr_pages));
}

static void table_for_nothing(void)
{
	(void)pte_alloc(mm, 0x80000000);
	WANT("table %llu: maps 0x80000000 at level 0 of mm %u, where no vma is",
	     LL(pfn_of_page(table_of(0x80000000))), mm->id);
}

static void root_beyond_ram(void)
{
	mm->pgd.n = m->nr_pages;
	WANT("mm %u: its root, frame %llu, is no RAM", mm->id, LL(m->nr_pages));
}

static void table_bytes_miscounted(void)
{
	mm->pgtables_bytes.v += PAGE;
	WANT("mm %u: pgtables_bytes is %lld, counted %lld", mm->id, (long long)mm->pgtables_bytes.v,
	     (long long)(mm->pgtables_bytes.v - (s64)PAGE));
}

static void table_counter_wrong(void)
{
	m->counters[0].c[NR_TABLE_PAGES].v++;
	WANT("machine %u: nr_page_table_pages is ...", m->slot);
}

/* ---- vmas ---------------------------------------------------------------------------------- */

static void counter_up(u64 *counter, const char *name)
{
	++*counter;
	WANT("mm %u: %s is %llu, counted %llu", mm->id, name, LL(*counter), LL(*counter - 1));
}

static void total_vm_wrong(void)
{
	counter_up(&mm->total_vm, "total_vm");
}

static void locked_vm_wrong(void)
{
	counter_up(&mm->locked_vm, "locked_vm");
}

static void data_vm_wrong(void)
{
	counter_up(&mm->data_vm, "data_vm");
}

static void exec_vm_wrong(void)
{
	counter_up(&mm->exec_vm, "exec_vm");
}

static void stack_vm_wrong(void)
{
	counter_up(&mm->stack_vm, "stack_vm");
}

static void map_count_wrong(void)
{
	mm->map_count++;
	WANT("mm %u: map_count is %u, counted %u", mm->id, mm->map_count, mm->map_count - 1);
}

static void rss_wrong(void)
{
	mm->rss[MM_ANONPAGES].v++;
	WANT("mm %u: anon rss is %lld, counted %lld", mm->id, (long long)mm->rss[MM_ANONPAGES].v,
	     (long long)mm->rss[MM_ANONPAGES].v - 1);
}

static void swap_entries_wrong(void)
{
	mm->rss[MM_SWAPENTS].v = 2;
	WANT("mm %u: swap entries is 2, counted 0", mm->id);
}

static void committed_wrong(void)
{
	m->committed_pages.v += 3;
	WANT("machine %u: committed_pages is %lld, counted %lld", m->slot,
	     (long long)m->committed_pages.v, (long long)m->committed_pages.v - 3);
}

static void gap_wrong(void)
{
	struct vm_area *vma = vma_of(B);

	vma->gap += PAGE;
	WANT("mm %u: vma %#llx: gap is %#llx, counted %#llx", mm->id, LL(B), LL(vma->gap),
	     LL(vma->gap - PAGE));
}

static void subtree_gap_wrong(void)
{
	struct vm_area *root = RB_ROOT(&mm->vmas);

	root->subtree_gap += PAGE;
	WANT("mm %u: vma %#llx: subtree_gap is %#llx, counted %#llx", mm->id, LL(root->start),
	     LL(root->subtree_gap), LL(root->subtree_gap - PAGE));
}

static void vmas_overlap(void)
{
	struct vm_area *vma = vma_of(A);

	vma->end = S + PAGE;
	WANT("mm %u: vma %#llx-%#llx begins before %#llx, the end of the one before", mm->id, LL(S),
	     LL(S + 2 * PAGE), LL(S + PAGE));
}

static void vma_unaligned(void)
{
	struct vm_area *vma = vma_of(S);

	vma->end -= 1;
	WANT("mm %u: vma %#llx-%#llx is no range of pages", mm->id, LL(S), LL(S + 2 * PAGE - 1));
}

static void vma_of_other_mm(void)
{
	struct mm *other = ((struct task *)child)->mm;

	vma_of(S)->mm = other;
	WANT("mm %u: vma %#llx is in its tree and says it is of mm %u", mm->id, LL(S), other->id);
}

static void page_prot_wrong(void)
{
	struct vm_area *vma = vma_of(S);

	vma->page_prot.v = 0;
	WANT("mm %u: vma %#llx: page_prot is 0, by its flags %#llx", mm->id, LL(S),
	     LL(vm_get_page_prot(vma->flags).v));
}

static void vma_soft_dirty(void)
{
	vma_of(S)->flags |= VM_SOFTDIRTY;
	WANT("mm %u: vma %#llx is soft-dirty, which this machine does not track", mm->id, LL(S));
}

static void vma_backed_by_nothing(void)
{
	vma_of(S)->backing = NR_VMA_BACKINGS;
	WANT("mm %u: vma %#llx: backing %u does not exist", mm->id, LL(S), NR_VMA_BACKINGS);
}

static void vma_cache_stale(void)
{
	mm->vma_cache = vma_first(((struct task *)child)->mm);
	WANT("mm %u: vma_cache names a vma that is not in the tree", mm->id);
}

/* ---- tasks, locks, caches, CPUs ------------------------------------------------------------ */

static void users_wrong(void)
{
	mm->users.v++;
	WANT("mm %u: users is 2, counted 1", mm->id);
}

static void mmap_lock_held(void)
{
	mm->mmap_lock.state = 1;
	WANT("mm %u: mmap_lock is held (0x1)", mm->id);
}

static void page_table_lock_held(void)
{
	mm->page_table_lock.word = 1;
	WANT("mm %u: page_table_lock is held (0x1)", mm->id);
}

static void flush_lock_held(void)
{
	mm->flush_lock.word = 1;
	WANT("mm %u: flush_lock is held (0x1)", mm->id);
}

static void cpu_lock_held(void)
{
	m->cpu_lock.word = 1;
	WANT("machine %u: cpu_lock is held (0x1)", m->slot);
}

static void tasks_lock_held(void)
{
	m->tasks_lock.word = 1;
	WANT("machine %u: tasks_lock is held (0x1)", m->slot);
}

static void heap_lock_held(void)
{
	m->heap_lock.word = 1;
	WANT("machine %u: heap_lock is held (0x1)", m->slot);
}

static void fail_lock_held(void)
{
	m->fail.lock.word = 1;
	WANT("machine %u: the lock of failure injection is held (0x1)", m->slot);
}

static void cache_lock_held(void)
{
	m->caches[CACHE_VMA].lock.word = 1;
	WANT("cache %u: its lock is held (0x1)", CACHE_VMA);
}

static void zone_miscounted(void)
{
	/* The first frame of a free block claims to be a bigger one. */
	for (u64 pfn = 1; pfn < m->nr_pages; pfn++) {
		struct page *page = pfn_to_page(m, pfn_of(pfn));

		if (page->flags & BIT(PG_buddy)) {
			page->private ++;
			break;
		}
	}
	WANT("phys: ...");
}

static void object_leaked(void)
{
	u64 before = m->caches[CACHE_AVC].objects_in_use;

	(void)kmem_cache_alloc(m, CACHE_AVC);
	WANT("cache anon_vma_chain: %llu objects in use, found %llu", LL(before + 1), LL(before));
}

static void task_in_access(void)
{
	((struct task *)parent)->in_access |= 1;
	WANT("task %d: in an access (...", umm_task_tid(parent));
}

static void task_irqs_off(void)
{
	((struct task *)parent)->irqs_off |= 1;
	WANT("task %d: interrupts are off (1) while idle", umm_task_tid(parent));
}

static void task_twice(void)
{
	((struct task *)child)->tid = umm_task_tid(parent);
	WANT("task %d: there are two of it", umm_task_tid(parent));
}

static void task_from_the_future(void)
{
	((struct task *)child)->tid = m->next_pid + 1;
	WANT("task %d: its number was not given out, the last is %d", m->next_pid + 1, m->next_pid);
}

static void task_of_no_mm(void)
{
	list_del_init(&mm->mms);
	WANT("task %d: its mm is on no list", umm_task_tid(parent));
}

static void loaded_mm_of_nobody(void)
{
	list_del_init(&mm->mms);
	WANT("cpu %u: the mm it has loaded is on no list", ((struct task *)parent)->cpu->id);
}

static void task_list_torn(void)
{
	struct task *task = (struct task *)parent;

	task->tasks.next->prev = &m->tasks;
	WANT("task %d: the list of tasks is torn behind it", task->tid);
}

static void thread_of_another_process(void)
{
	((struct task *)child)->mm = mm;
	WANT("task %d: of process %d, with the mm of process %d", umm_task_tid(child),
	     umm_task_pid(child), umm_task_pid(parent));
}

static void process_with_two_mms(void)
{
	((struct task *)child)->pid = umm_task_pid(parent);
	WANT("task %d: of process %d, which has another mm", umm_task_tid(child),
	     umm_task_pid(parent));
}

static void process_from_the_future(void)
{
	((struct task *)child)->pid = m->next_pid + 1;
	WANT("task %d: process %d was never made, the last is %d", umm_task_tid(child),
	     m->next_pid + 1, m->next_pid);
}

static void mm_twice(void)
{
	((struct task *)child)->mm->id = mm->id;
	WANT("mm %u: there are two of it", mm->id);
}

static void mm_from_the_future(void)
{
	mm->id = m->next_mm_id + 1;
	WANT("mm %u: its number was not given out, the last is %u", mm->id, m->next_mm_id);
}

static void pins_miscounted(void)
{
	mm->pinned_pages.v++;
	WANT("mm %u: pinned_pages is 2, counted 1", mm->id);
}

static void pin_of_no_frame(void)
{
	struct pin *pin = list_first_entry(&mm->pins, struct pin, pins);

	pin->pages[0] = pfn_to_page(m, pfn_of(m->nr_pages));
	WANT("mm %u: a pin holds frame %llu, which is no RAM", mm->id, LL(m->nr_pages));
}

static void pins_denied(void)
{
	mm->has_pinned.v = 0;
	WANT("mm %u: 1 pages are pinned, has_pinned says never", mm->id);
}

/* The CPU that has the parent's translation of addr cached, and the translation. */
static struct tlb_entry *cached(u64 addr, struct cpu **ret_cpu)
{
	struct cpu *cpu = ((struct task *)parent)->cpu;

	assert_non_null(cpu);
	assert_ptr_equal(cpu->loaded_mm, mm);
	assert_int_equal(cpu->tlb_gen, mm->tlb_gen);
	*ret_cpu = cpu;
	return &cpu->tlb[(addr >> PAGE_SHIFT) & cpu->tlb_mask];
}

static void translation_stale(void)
{
	struct cpu *cpu;
	struct tlb_entry *entry = cached(A + 3 * PAGE, &cpu);

	entry->read_tag = A + 3 * PAGE;
	WANT("cpu %u: cached for reading: %#llx of mm %u, whose entry is none", cpu->id,
	     LL(A + 3 * PAGE), mm->id);
}

static void translation_writes_read_only(void)
{
	struct cpu *cpu;
	struct tlb_entry *entry = cached(A + PAGE, &cpu);

	entry->write_tag = A + PAGE;
	WANT("cpu %u: cached for writing: %#llx of mm %u, whose entry is %s", cpu->id, LL(A + PAGE),
	     mm->id, described(*pte_of(A + PAGE)));
}

static void translation_executes_data(void)
{
	struct cpu *cpu;
	struct tlb_entry *entry = cached(A, &cpu);

	entry->exec_tag = A;
	WANT("cpu %u: cached for execution: %#llx of mm %u, whose entry is %s", cpu->id, LL(A),
	     mm->id, described(*pte_of(A)));
}

static void translation_of_old_frame(void)
{
	struct cpu *cpu;
	struct tlb_entry *entry = cached(A, &cpu);

	assert_int_equal(entry->write_tag, A);
	entry->addend += PAGE;
	WANT("cpu %u: cached for another frame: %#llx of mm %u, whose entry is %s", cpu->id, LL(A),
	     mm->id, described(*pte_of(A)));
}

static void dirty_bit_lost(void)
{
	struct cpu *cpu;

	assert_int_equal(cached(A, &cpu)->write_tag, A);
	*pte_of(A) = pte_mkclean(*pte_of(A));
	WANT("cpu %u: cached for writing: %#llx of mm %u, whose entry is %s", cpu->id, LL(A),
	     mm->id, described(*pte_of(A)));
}

static void generation_ahead(void)
{
	struct cpu *cpu = ((struct task *)parent)->cpu;

	cpu->tlb_gen++;
	WANT("cpu %u: generation %llu of mm %u, which is at %llu", cpu->id, LL(cpu->tlb_gen),
	     mm->id, LL(cpu->tlb_gen - 1));
}

static void mask_forgets_cpu(void)
{
	struct cpu *cpu = ((struct task *)parent)->cpu;

	mm->cpu_mask = 0;
	WANT("cpu %u: mm %u is loaded, its cpu_mask says otherwise", cpu->id, mm->id);
}

static void wrong_mm_loaded(void)
{
	struct cpu *cpu = ((struct task *)parent)->cpu;

	cpu->curr = (struct task *)child;
	WANT("cpu %u: task %d runs on an mm that is not its own", cpu->id, umm_task_tid(child));
}

/* ---- the run ------------------------------------------------------------------------------- */

static const struct planted faults[] = {
	FAULT(reference_too_many),
	FAULT(reference_too_few),
	FAULT(mapping_too_many),
	FAULT(pin_forgotten),
	FAULT(frame_leaked),
	FAULT(shared_and_exclusive),
	FAULT(page_left_locked),
	FAULT(page_not_uptodate),
	FAULT(zero_page_written),
	FAULT(zero_page_counted),
	FAULT(zero_page_not_reserved),
	FAULT(zero_page_mapped),
	FAULT(frame_vanished),
	FAULT(table_of_nobody),
	FAULT(entry_lost),
	FAULT(writable_not_exclusive),
	FAULT(writable_against_the_vma),
	FAULT(rights_of_another),
	FAULT(entry_outside),
	FAULT(zero_page_writable),
	FAULT(zero_page_plain),
	FAULT(special_of_a_page),
	FAULT(frame_beyond_ram),
	FAULT(frame_that_is_free),
	FAULT(frame_that_is_a_table),
	FAULT(page_not_anonymous),
	FAULT(rmap_index_wrong),
	FAULT(rmap_anon_vma_wrong),
	FAULT(guard_unannounced),
	FAULT(marker_of_uffd),
	FAULT(marker_without_bits),
	FAULT(swapped_out),
#if ARCH_HAS_SOFT_DIRTY
	FAULT(soft_dirty_untracked),
#endif
#if ARCH_HAS_UFFD_WP
	FAULT(protected_unregistered),
	FAULT(protected_writable),
#endif
	FAULT(table_use_miscounted),
	FAULT(table_of_other_mm),
	FAULT(table_level_wrong),
	FAULT(table_start_wrong),
	FAULT(table_lock_held),
	FAULT(table_reached_twice),
	FAULT(table_that_is_none),
	FAULT(table_entry_odd),
	FAULT(table_frame_beyond),
	FAULT(table_for_nothing),
	FAULT(root_beyond_ram),
	FAULT(table_bytes_miscounted),
	FAULT(table_counter_wrong),
	FAULT(total_vm_wrong),
	FAULT(locked_vm_wrong),
	FAULT(data_vm_wrong),
	FAULT(exec_vm_wrong),
	FAULT(stack_vm_wrong),
	FAULT(map_count_wrong),
	FAULT(rss_wrong),
	FAULT(swap_entries_wrong),
	FAULT(committed_wrong),
	FAULT(gap_wrong),
	FAULT(subtree_gap_wrong),
	FAULT(vmas_overlap),
	FAULT(vma_unaligned),
	FAULT(vma_of_other_mm),
	FAULT(page_prot_wrong),
	FAULT(vma_soft_dirty),
	FAULT(vma_backed_by_nothing),
	FAULT(vma_cache_stale),
	FAULT(users_wrong),
	FAULT(mmap_lock_held),
	FAULT(page_table_lock_held),
	FAULT(flush_lock_held),
	FAULT(cpu_lock_held),
	FAULT(tasks_lock_held),
	FAULT(heap_lock_held),
	FAULT(fail_lock_held),
	FAULT(cache_lock_held),
	FAULT(zone_miscounted),
	FAULT(object_leaked),
	FAULT(task_in_access),
	FAULT(task_irqs_off),
	FAULT(task_twice),
	FAULT(task_from_the_future),
	FAULT(task_of_no_mm),
	FAULT(loaded_mm_of_nobody),
	FAULT(task_list_torn),
	FAULT(thread_of_another_process),
	FAULT(process_with_two_mms),
	FAULT(process_from_the_future),
	FAULT(mm_twice),
	FAULT(mm_from_the_future),
	FAULT(pins_miscounted),
	FAULT(pin_of_no_frame),
	FAULT(pins_denied),
	FAULT(translation_stale),
	FAULT(translation_writes_read_only),
	FAULT(translation_executes_data),
	FAULT(translation_of_old_frame),
	FAULT(dirty_bit_lost),
	FAULT(generation_ahead),
	FAULT(mask_forgets_cpu),
	FAULT(wrong_mm_loaded),
};

static void every_planted_fault_is_found(void **state)
{
	(void)state;
	find_planted(faults, ARRAY_SIZE(faults));
}

/* Looking must not change the machine: not one byte of its header, page structs or tables. */
static void verifying_changes_nothing(void **state)
{
	static u8 before[sizeof(struct machine)];
	u64 events[64];
	struct umm_counter counters[64];
	unsigned nr = umm_counters((struct umm_machine *)m, counters, 64);

	(void)state;
	for (unsigned i = 0; i < nr; i++)
		events[i] = counters[i].value;
	memcpy(before, m, sizeof(before));
	assert_int_equal(umm_verify((struct umm_machine *)m, NULL, 0), 0);
	assert_memory_equal(before, m, sizeof(before));
	(void)umm_counters((struct umm_machine *)m, counters, 64);
	for (unsigned i = 0; i < nr; i++)
		assert_int_equal(events[i], counters[i].value);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_healthy_machine_is_clean),
		cmocka_unit_test(every_planted_fault_is_found),
		cmocka_unit_test(verifying_changes_nothing),
	};

	return cmocka_run_group_tests_name("verify", tests, set_up, tear_down);
}
