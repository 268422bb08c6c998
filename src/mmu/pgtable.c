/* SPDX-License-Identifier: MIT */
/*
 * Page tables: walking down, installing what is missing, changing entries.
 *
 *   mm->pgd ── level PT_LEVELS-1 ── ... ── level 1 (PMDs) ── level 0 (PTEs) ── frames
 *
 * A table is a frame of simulated RAM, zeroed, whose struct page says PG_table. A parent's
 * entry is published with a release after the table's contents and struct page are complete,
 * because others walk down without a lock. Tables go only with mmap_lock held for write (or by
 * the mm's last user), so a walk under mmap_lock read never loses one under its feet.
 */
#include "mmu/pgtable.h"

#include "base/mutant.h"
#include "base/uapi.h"

static table_entry_t *table_entries(struct page *table)
{
	return page_address(table);
}

static table_entry_t table_entry_get(const table_entry_t *entry)
{
	return (table_entry_t){ smp_load_acquire(&((table_entry_t *)entry)->v) };
}

static struct page *root_table(const struct mm *mm)
{
	return pfn_to_page(machine_of(mm), mm->pgd);
}

static enum fail_site table_site(unsigned level)
{
	static const enum fail_site sites[] = { FAIL_PTE, FAIL_PMD, FAIL_PUD, FAIL_PGD };

	return sites[MIN(level, ARRAY_SIZE(sites) - 1)];
}

static struct page *table_alloc(struct mm *mm, unsigned level, vaddr_t start)
{
	struct machine *m = machine_of(mm);
	struct page *table = alloc_page(m, GFP_ZERO, table_site(level));

	if (!table)
		return NULL;
	page_set_table(table);
	spin_lock_init(&table->ptl, LC_PTL);
	table->table_level = level;
	atomic_set(&table->nr_used, 0);
	table->table_mm = mm;
	table->table_start = start;
	count_vm_event(m, NR_TABLE_PAGES);
	return table;
}

void table_free(struct page *table)
{
	VM_BUG_ON2(atomic_read(&table->nr_used), atomic_read(&table->nr_used), table->table_start);
	VM_BUG_ON(spin_is_locked(&table->ptl));
	count_vm_events(machine_of(table), NR_TABLE_PAGES, -1);
	page_clear_table(table);
	list_init(&table->lru);
	table->mapping = 0;
	table->index = 0;
	table->private = 0;
	put_page(table);
}

int pgd_alloc(struct mm *mm)
{
	struct page *root = table_alloc(mm, PT_LEVELS - 1, 0);

	if (!root)
		return -ENOMEM;
	mm->pgd = page_to_pfn(root);
	return 0;
}

void pgd_free(struct mm *mm)
{
	table_free(root_table(mm));
	mm->pgd = pfn_of(0);
}

/* Put a fresh table under entry unless somebody was faster. page_table_lock inside. */
static bool table_install(struct mm *mm, table_entry_t *entry, unsigned level, vaddr_t addr)
{
	struct page *table = table_alloc(mm, level, ALIGN_DOWN(addr, LEVEL_SIZE(level + 1)));
	bool used = false;

	if (!table)
		return false;
	spin_lock(&mm->page_table_lock);
	if (table_none(table_entry_get(entry))) {
		atomic64_add(&mm->pgtables_bytes, PAGE_SIZE);
		atomic_inc(&virt_to_page(entry)->nr_used);
		if (MUTANT(table_published_early))
			WRITE_ONCE(entry->v, mk_table(page_to_pfn(table)).v);
		else
			smp_store_release(&entry->v, mk_table(page_to_pfn(table)).v);
		used = true;
	}
	spin_unlock(&mm->page_table_lock);
	if (!used)
		table_free(table);
	return true;
}

/* The level-0 table for addr, or NULL; *ret_hole_level is the level whose entry was none. */
static pte_t *find_table(struct mm *mm, vaddr_t addr, unsigned *ret_hole_level)
{
	struct machine *m = machine_of(mm);
	table_entry_t *table = pfn_to_virt(m, mm->pgd);

	for (unsigned level = PT_LEVELS - 1; level > 0; level--) {
		table_entry_t entry = table_entry_get(&table[LEVEL_INDEX(level, addr)]);

		if (table_none(entry)) {
			*ret_hole_level = level;
			return NULL;
		}
		table = pfn_to_virt(m, table_pfn(entry));
		VM_DEBUG_ON(!page_test_table(virt_to_page(table)));
	}
	return (pte_t *)table;
}

pte_t *pte_offset(struct mm *mm, vaddr_t addr)
{
	unsigned hole;
	pte_t *table = find_table(mm, addr, &hole);

	return table ? &table[LEVEL_INDEX(0, addr)] : NULL;
}

pte_t *pte_alloc(struct mm *mm, vaddr_t addr)
{
	struct machine *m = machine_of(mm);
	table_entry_t *table = pfn_to_virt(m, mm->pgd);

	VM_BUG_ON2(addr >= TASK_SIZE, addr, 0);
	for (unsigned level = PT_LEVELS - 1; level > 0; level--) {
		table_entry_t *slot = &table[LEVEL_INDEX(level, addr)];
		table_entry_t entry = table_entry_get(slot);

		if (unlikely(table_none(entry))) {
			if (!table_install(mm, slot, level - 1, addr))
				return NULL;
			entry = table_entry_get(slot);
		}
		table = pfn_to_virt(m, table_pfn(entry));
	}
	return (pte_t *)&table[LEVEL_INDEX(0, addr)];
}

static pte_t *pte_lock(pte_t *ptep, spinlock_t **ret_ptl)
{
	if (ptep) {
		*ret_ptl = pte_lockptr(ptep);
		spin_lock(*ret_ptl);
	}
	return ptep;
}

pte_t *pte_offset_lock(struct mm *mm, vaddr_t addr, spinlock_t **ret_ptl)
{
	return pte_lock(pte_offset(mm, addr), ret_ptl);
}

pte_t *pte_alloc_lock(struct mm *mm, vaddr_t addr, spinlock_t **ret_ptl)
{
	return pte_lock(pte_alloc(mm, addr), ret_ptl);
}

/* ---- changing entries ---------------------------------------------------------------------- */

void table_add_used(pte_t *ptep, int delta)
{
	struct page *table = virt_to_page(ptep);

	VM_DEBUG_ON(!spin_is_locked(&table->ptl));
	if (delta)
		atomic_set(&table->nr_used, atomic_read(&table->nr_used) + delta);
}

static int used_delta(pte_t old, pte_t pte)
{
	return (int)pte_none(old) - (int)pte_none(pte);
}

static void account_entry(pte_t *ptep, pte_t old, pte_t pte)
{
	table_add_used(ptep, used_delta(old, pte));
}

int set_pte_uncounted(struct mm *mm, vaddr_t addr, pte_t *ptep, pte_t old, pte_t pte)
{
	smp_store_release(&ptep->v, pte.v);
	trace(machine_of(mm), TRACE_PTE, mm->id, addr, old.v, pte.v);
	return used_delta(old, pte);
}

void set_pte_at(struct mm *mm, vaddr_t addr, pte_t *ptep, pte_t pte)
{
	pte_t old = ptep_get(ptep);

	account_entry(ptep, old, pte);
	smp_store_release(&ptep->v, pte.v);
	trace(machine_of(mm), TRACE_PTE, mm->id, addr, old.v, pte.v);
}

pte_t ptep_get_and_clear(struct mm *mm, vaddr_t addr, pte_t *ptep)
{
	pte_t old = ptep_get(ptep);

	if (pte_settled(old))
		smp_store_release(&ptep->v, (u64)0);
	else
		old.v = sync_xchg(&ptep->v, (u64)0, SYNC_ACQ_REL);
	account_entry(ptep, old, (pte_t){ 0 });
	trace(machine_of(mm), TRACE_PTE, mm->id, addr, old.v, 0);
	return old;
}

bool ptep_try_update(struct mm *mm, vaddr_t addr, pte_t *ptep, pte_t old, pte_t pte)
{
	if (sync_cmpxchg(&ptep->v, old.v, pte.v, SYNC_ACQ_REL) != old.v)
		return false;
	account_entry(ptep, old, pte);
	trace(machine_of(mm), TRACE_PTE, mm->id, addr, old.v, pte.v);
	return true;
}

/* ---- walking ranges ------------------------------------------------------------------------ */

vaddr_t pgtable_next_table(struct mm *mm, vaddr_t addr, vaddr_t end)
{
	while (addr < end) {
		unsigned hole;

		if (find_table(mm, addr, &hole))
			return addr;
		addr = ALIGN_DOWN(addr, LEVEL_SIZE(hole)) + LEVEL_SIZE(hole);
	}
	return end;
}

static int walk_table(struct mm_walk *walk, vaddr_t start, vaddr_t end)
{
	spinlock_t *ptl;
	pte_t *ptep = pte_offset_lock(walk->mm, start, &ptl);
	int err = 0;

	VM_BUG_ON2(!ptep, start, end);
	if (walk->ptes)
		err = walk->ptes(walk, start, end, ptep);
	else
		for (vaddr_t addr = start; addr < end && !err; addr += PAGE_SIZE, ptep++)
			err = walk->pte(walk, addr, ptep, ptep_get(ptep));
	spin_unlock(ptl);
	return err;
}

int walk_page_range(struct mm_walk *walk, vaddr_t start, vaddr_t end)
{
	vaddr_t addr = start;
	int err = 0;

	while (addr < end && !err) {
		vaddr_t table = pgtable_next_table(walk->mm, addr, end);
		vaddr_t stop = MIN(ALIGN_DOWN(table, PMD_SIZE) + PMD_SIZE, end);

		if (table > addr && walk->hole)
			err = walk->hole(walk, addr, table);
		if (table < end && !err)
			err = walk_table(walk, table, stop);
		addr = table < end ? stop : end;
	}
	return err;
}

static void for_each_table_below(struct page *table, void (*fn)(void *arg, struct page *table),
				 void *arg)
{
	fn(arg, table);
	if (table->table_level == 0)
		return;
	for (unsigned i = 0; i < PTRS_PER_TABLE; i++) {
		table_entry_t entry = table_entry_get(&table_entries(table)[i]);

		if (!table_none(entry))
			for_each_table_below(pfn_to_page(machine_of(table), table_pfn(entry)), fn,
					     arg);
	}
}

void for_each_table(struct mm *mm, void (*fn)(void *arg, struct page *table), void *arg)
{
	for_each_table_below(root_table(mm), fn, arg);
}

/* ---- freeing ------------------------------------------------------------------------------- */

/* One level of free_table_range: entries of `table` for [start, end). */
static void free_tables_below(struct mm *mm, struct page *table, const struct table_range *range,
			      void (*release)(void *arg, struct page *table), void *arg)
{
	unsigned level = table->table_level;
	vaddr_t addr = MAX(range->start, table->table_start);

	while (addr < range->end && addr < table->table_start + LEVEL_SIZE(level + 1)) {
		vaddr_t first = ALIGN_DOWN(addr, LEVEL_SIZE(level));
		vaddr_t next = first + LEVEL_SIZE(level);
		table_entry_t *slot = &table_entries(table)[LEVEL_INDEX(level, addr)];
		table_entry_t entry = table_entry_get(slot);

		addr = next;
		if (table_none(entry))
			continue;

		struct page *child = pfn_to_page(machine_of(mm), table_pfn(entry));

		if (level > 1)
			free_tables_below(mm, child, range, release, arg);
		if (first < range->floor || next > range->ceiling)
			continue;
		smp_store_release(&slot->v, (u64)0);
		atomic_dec(&table->nr_used);
		atomic64_add(&mm->pgtables_bytes, -(s64)PAGE_SIZE);
		release(arg, child);
	}
}

void free_table_range(struct mm *mm, const struct table_range *range,
		      void (*release)(void *arg, struct page *table), void *arg)
{
	free_tables_below(mm, root_table(mm), range, release, arg);
}
