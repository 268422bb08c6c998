/* SPDX-License-Identifier: MIT */
/* What one can ask a machine: its tasks, an entry and the page behind it, counters, events. */
#include "base/format.h"
#include "base/uapi.h"
#include "mmu/pgtable.h"
#include "swap/swap.h"
#include "vma/task.h"

/* ---- tasks --------------------------------------------------------------------------------- */

int umm_task_pid(const struct umm_task *task)
{
	return ((const struct task *)task)->pid;
}

int umm_task_tid(const struct umm_task *task)
{
	return ((const struct task *)task)->tid;
}

struct umm_machine *umm_task_machine(const struct umm_task *task)
{
	return (struct umm_machine *)machine_of(task);
}

struct umm_task *umm_task_next(struct umm_machine *machine, struct umm_task *task)
{
	struct machine *m = (struct machine *)machine;
	struct list_head *next;

	VM_BUG_ON2(task && machine_of(task) != m, (uintptr_t)task, m->slot);
	mutex_lock(&m->tasks_lock);
	next = task ? ((struct task *)task)->tasks.next : m->tasks.next;
	mutex_unlock(&m->tasks_lock);
	if (next == &m->tasks)
		return NULL;
	return (struct umm_task *)list_entry(next, struct task, tasks);
}

/* ---- an entry and its page ----------------------------------------------------------------- */

static void describe_page(struct machine *m, const struct page *page, struct umm_page_info *info)
{
	u32 refcount = (u32)page_count(page);

	info->refcount = refcount;
	info->mapcount = (u32)page_mapcount(page);
	info->zero_page = page_to_pfn(page).n == m->zero_pfn.n;
	/* A small page counts a pin as so many references. */
	info->pincount = refcount / GUP_PIN_COUNTING_BIAS;
	info->anon = page_test_anon(page);
	info->anon_exclusive = page_test_anon_exclusive(page);
	/* A CPU's batch is as good as the list that it is for. */
	info->lru = page_test_lru(page) || page_test_lru_batch(page);
	info->locked = page_test_locked(page);
	info->mlocked = page_test_mlocked(page);
	info->file = !info->anon && !info->zero_page;
	info->swapbacked = page_test_swapbacked(page);
	info->swapcache = page_test_swapcache(page);
	info->active = page_test_active(page);
	info->referenced = page_test_referenced(page);
	info->uptodate = page_test_uptodate(page);
}

static void describe_slot(struct machine *m, swp_entry_t entry, struct umm_page_info *info)
{
	info->swap_area = entry.type;
	info->swap_slot = entry.offset;
	info->swap_count = swap_count(m, entry);
}

static void describe_entry(struct machine *m, pte_t pte, struct umm_page_info *info)
{
	struct strbuf sb;
	struct page *page;

	strbuf_init(&sb, info->state, sizeof(info->state));
	strbuf_puts(&sb, pte_state_name(pte));
	info->entry = pte.v;
	if (pte_is_swap(pte))
		describe_slot(m, pte_to_swp_entry(pte), info);
	if (!pte_present(pte))
		return;
	page = pte_page(m, pte);
	info->pfn = pte_pfn(pte).n;
	info->dirty = pte_dirty(pte);
	describe_page(m, page, info);
	/* What is locked may be on its way out of the swap cache. */
	if (info->swapcache && page_trylock(page)) {
		if (page_test_swapcache(page))
			describe_slot(m, page_swap_entry(page), info);
		page_unlock(page);
	}
}

int umm_page_info(struct umm_task *task, uint64_t addr, struct umm_page_info *ret_info)
{
	struct mm *mm = ((struct task *)task)->mm;
	struct umm_page_info info = { 0 };
	spinlock_t *ptl;
	pte_t *ptep = NULL;

	down_read(&mm->mmap_lock);
	if (addr < TASK_SIZE)
		ptep = pte_offset_lock(mm, addr, &ptl);
	describe_entry(machine_of(mm), ptep ? ptep_get(ptep) : (pte_t){ 0 }, &info);
	if (ptep)
		spin_unlock(ptl);
	up_read(&mm->mmap_lock);
	*ret_info = info;
	return 0;
}

/* ---- counters and events ------------------------------------------------------------------- */

unsigned umm_counters(struct umm_machine *machine, struct umm_counter *ret, unsigned nr)
{
	struct machine *m = (struct machine *)machine;

	for (unsigned i = 0; i < nr && i < NR_VM_COUNTERS; i++)
		ret[i] = (struct umm_counter){ vm_counter_name((enum vm_counter)i),
					       vm_counter_sum(m, (enum vm_counter)i) };
	if (nr > NR_VM_COUNTERS)
		ret[NR_VM_COUNTERS] = (struct umm_counter){ "nr_free_pages", phys_free_pages(m) };
	return NR_VM_COUNTERS + 1;
}

size_t umm_trace_read(struct umm_machine *machine, uint64_t *cursor, char *buf, size_t size)
{
	return trace_read((struct machine *)machine, cursor, buf, size);
}

/* ---- failing allocations ------------------------------------------------------------------- */

int umm_fail_set(struct umm_machine *machine, const struct umm_fail *fail)
{
	return fail_set((struct machine *)machine, fail);
}

void umm_fail_stats(struct umm_machine *machine, uint64_t *ret_seen, uint64_t *ret_failed)
{
	fail_stats((struct machine *)machine, ret_seen, ret_failed);
}

const char *umm_fail_site(unsigned index)
{
	return fail_site_name(index);
}
