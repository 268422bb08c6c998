/* SPDX-License-Identifier: MIT */
/*
 * The life of an address space, and what a process may have of it: resource limits, and the
 * promise of memory that overcommit keeps or refuses.
 */
#include "vma/mm.h"

#include "base/uapi.h"
#include "phys/alloc.h"
#include "vma/vma.h"

#define DEFAULT_STACK_BYTES (8ull << 20)
#define DEFAULT_MEMLOCK_BYTES (8ull << 20)

/* vm.overcommit_ratio, vm.user_reserve_kbytes: the kernel's defaults. */
#define OVERCOMMIT_RATIO 50
#define USER_RESERVE_PAGES ((128ull << 20) >> PAGE_SHIFT)

/* ---- life --------------------------------------------------------------------------------- */

static void mm_init(struct mm *mm)
{
	const struct umm_config *config = &machine_of(mm)->config;

	atomic_set(&mm->users, 1);
	atomic_set(&mm->refs, 1);
	init_rwsem(&mm->mmap_lock, LC_MMAP);
	spin_lock_init(&mm->page_table_lock, LC_MM_TABLES);
	spin_lock_init(&mm->flush_lock, LC_FLUSH);
	RB_INIT(&mm->vmas);
	list_init(&mm->pins);
	mm->mmap_base = config->mmap_base;
	mm->brk_start = config->brk_start;
	mm->brk = config->brk_start;
	mm->rlimit[MM_RLIMIT_AS] = MM_RLIM_INFINITY;
	mm->rlimit[MM_RLIMIT_DATA] = MM_RLIM_INFINITY;
	mm->rlimit[MM_RLIMIT_STACK] = DEFAULT_STACK_BYTES;
	mm->rlimit[MM_RLIMIT_MEMLOCK] = DEFAULT_MEMLOCK_BYTES;
	mm->cap_ipc_lock = true;
}

struct mm *mm_alloc(struct machine *m)
{
	struct mm *mm = kmem_cache_alloc(m, CACHE_MM);

	if (!mm)
		return NULL;
	mm_init(mm);
	if (mm_exit_ops.alloc_root(mm)) {
		kmem_cache_free(m, CACHE_MM, mm);
		return NULL;
	}
	mutex_lock(&m->tasks_lock);
	mm->id = ++m->next_mm_id;
	list_add_tail(&mm->mms, &m->mms);
	mutex_unlock(&m->tasks_lock);
	return mm;
}

void mm_get(struct mm *mm)
{
	VM_BUG_ON2(atomic_read(&mm->users) <= 0, atomic_read(&mm->users), mm->id);
	atomic_inc(&mm->users);
}

bool mm_get_not_zero(struct mm *mm)
{
	VM_BUG_ON2(atomic_read(&mm->refs) <= 0, atomic_read(&mm->refs), mm->id);
	return atomic_inc_not_zero(&mm->users);
}

void mm_grab(struct mm *mm)
{
	VM_BUG_ON2(atomic_read(&mm->refs) <= 0, atomic_read(&mm->refs), mm->id);
	atomic_inc(&mm->refs);
}

void mm_drop(struct mm *mm)
{
	VM_BUG_ON2(atomic_read(&mm->refs) <= 0, atomic_read(&mm->refs), mm->id);
	if (atomic_dec_and_test(&mm->refs))
		kmem_cache_free(machine_of(mm), CACHE_MM, mm);
}

void mm_put(struct mm *mm)
{
	struct machine *m = machine_of(mm);

	VM_BUG_ON2(atomic_read(&mm->users) <= 0, atomic_read(&mm->users), mm->id);
	if (!atomic_dec_and_test(&mm->users))
		return;
	mm_exit_ops.exit_mmap(mm);
	VM_BUG_ON2(!RB_EMPTY(&mm->vmas) || mm->map_count, mm->map_count, mm->id);
	VM_BUG_ON2(get_mm_rss(mm), get_mm_rss(mm), mm->id);
	VM_BUG_ON(!list_empty(&mm->pins));
	mutex_lock(&m->tasks_lock);
	list_del_init(&mm->mms);
	mutex_unlock(&m->tasks_lock);
	mm_drop(mm);
}

/* ---- high-water marks --------------------------------------------------------------------- */

void update_hiwater_rss(struct mm *mm)
{
	s64 rss = get_mm_rss(mm);
	s64 seen = atomic64_read(&mm->hiwater_rss);

	while (seen < rss) {
		s64 was = atomic64_cmpxchg(&mm->hiwater_rss, seen, rss);

		if (was == seen)
			break;
		seen = was;
	}
}

void update_hiwater_vm(struct mm *mm)
{
	mm->hiwater_vm = MAX(mm->hiwater_vm, mm->total_vm);
}

/* ---- limits ------------------------------------------------------------------------------- */

static u64 limit_pages(const struct mm *mm, enum mm_rlimit which)
{
	return mm->rlimit[which] >> PAGE_SHIFT;
}

static bool is_exec_mapping(u64 flags)
{
	return (flags & (VM_EXEC | VM_WRITE | VM_GROWSDOWN)) == VM_EXEC;
}

static bool is_stack_mapping(u64 flags)
{
	return flags & VM_GROWSDOWN;
}

static bool is_data_mapping(u64 flags)
{
	return (flags & (VM_WRITE | VM_SHARED | VM_GROWSDOWN)) == VM_WRITE;
}

bool may_expand_vm(const struct mm *mm, u64 flags, u64 pages)
{
	if (mm->total_vm + pages > limit_pages(mm, MM_RLIMIT_AS))
		return false;
	/* A data limit of zero means none, as long as the hard limit, which is none, allows it. */
	if (!is_data_mapping(flags) || !mm->rlimit[MM_RLIMIT_DATA])
		return true;
	return mm->data_vm + pages <= limit_pages(mm, MM_RLIMIT_DATA);
}

void vm_stat_account(struct mm *mm, u64 flags, s64 pages)
{
	mm->total_vm += (u64)pages;
	if (is_exec_mapping(flags))
		mm->exec_vm += (u64)pages;
	else if (is_stack_mapping(flags))
		mm->stack_vm += (u64)pages;
	else if (is_data_mapping(flags))
		mm->data_vm += (u64)pages;
}

bool can_do_mlock(const struct mm *mm)
{
	return mm->cap_ipc_lock || mm->rlimit[MM_RLIMIT_MEMLOCK];
}

bool mlock_future_ok(const struct mm *mm, u64 flags, u64 bytes)
{
	if (!(flags & VM_LOCKED) || mm->cap_ipc_lock)
		return true;
	return mm->locked_vm + (bytes >> PAGE_SHIFT) <= limit_pages(mm, MM_RLIMIT_MEMLOCK);
}

/* ---- promised memory ---------------------------------------------------------------------- */

bool accountable_mapping(u64 flags)
{
	return (flags & (VM_NORESERVE | VM_SHARED | VM_WRITE)) == VM_WRITE;
}

static bool commit_allowed(const struct machine *m, const struct mm *mm, u64 pages)
{
	u64 ram = phys_total_pages(m), swap = (u64)atomic64_read(&m->total_swap_pages);
	s64 allowed = (s64)(ram * OVERCOMMIT_RATIO / 100 + swap);

	if (m->config.overcommit == OVERCOMMIT_ALWAYS)
		return true;
	if (m->config.overcommit == OVERCOMMIT_GUESS)
		return pages <= ram + swap;
	/* Keep a reserve, so that one process cannot grow until nobody can act any more. */
	allowed -= (s64)MIN(mm->total_vm / 32, USER_RESERVE_PAGES);
	return atomic64_read(&m->committed_pages) < allowed;
}

int vm_enough_memory(struct mm *mm, u64 pages)
{
	struct machine *m = machine_of(mm);

	atomic64_add(&m->committed_pages, (s64)pages);
	if (commit_allowed(m, mm, pages))
		return 0;
	vm_unacct_memory(mm, pages);
	return -ENOMEM;
}

void vm_unacct_memory(struct mm *mm, u64 pages)
{
	atomic64_sub(&machine_of(mm)->committed_pages, (s64)pages);
}
