/* SPDX-License-Identifier: MIT */
/*
 * Taking a page out of every page table.
 *
 *   try_to_unmap     its entry becomes                     and stays what it was when
 *     anonymous      a swap entry (exclusive, soft-dirty   locked into memory; exclusive and maybe
 *                    and uffd-wp bits kept)                pinned; no count left in the slot
 *     lazily freed   none                                  written since, or held by somebody
 *     of a file      none, or a marker that remembers      locked into memory
 *                    uffd-wp, or that it was swapped out
 *                    (option shmem_swap_bit)
 *   try_to_migrate   a migration entry                     exclusive and maybe pinned
 *
 * The order for each entry: read and made none in one step, so that no dirty bit of a processor is
 * lost; every CPU told, so that none writes through what it has cached; the dirty bit to the page;
 * then what takes its place. Only after that does the page lose the mapping and its reference, so
 * whoever then finds it unmapped may write it out, move it or free it.
 */
#include "base/mutant.h"
#include "rmap/rmap.h"

struct unmap_walk {
	u32 flags; /* enum ttu_flag */
	bool migrate;
};

/* Take the entry away for good, but for putting something in its place. ptl held. */
static pte_t take_entry(const struct page_vma_mapped_walk *pvmw)
{
	struct mm *mm = pvmw->vma->mm;
	pte_t pte = ptep_get_and_clear(mm, pvmw->address, pvmw->pte);

	if (!MUTANT(unmap_before_flush))
		flush_tlb_page(mm, pvmw->address);
	if (pte_dirty(pte) && !MUTANT(unmap_loses_dirty))
		set_page_dirty(pvmw->page);
	update_hiwater_rss(mm);
	return pte;
}

static void put_entry(const struct page_vma_mapped_walk *pvmw, pte_t pte)
{
	set_pte_at(pvmw->vma->mm, pvmw->address, pvmw->pte, pte);
}

/* What every swap-type entry takes over from the one that mapped the page. */
static pte_t keep_bits(pte_t swp, pte_t pte)
{
	if (pte_soft_dirty(pte))
		swp = pte_swp_mksoft_dirty(swp);
	if (pte_uffd_wp(pte) && !MUTANT(unmap_drops_uffd_wp))
		swp = pte_swp_mkuffd_wp(swp);
	return swp;
}

/*
 * The page is to be exclusive no longer, because its entry goes: not while a pin may hold it, which
 * must go on meaning the page that the process sees. The entry is none and every CPU knows it, so a
 * pin is either counted already or finds no entry.
 */
static bool give_up_exclusive(struct page *page)
{
	smp_mb();
	if (page_maybe_dma_pinned(page))
		return false;
	page_clear_anon_exclusive(page);
	return true;
}

/*
 * A lazily freed page may go if nobody has written to it, or could be about to: somebody who holds
 * a reference may have found it through the entry before it was gone.
 */
static bool may_discard(const struct page_vma_mapped_walk *pvmw)
{
	struct page *page = pvmw->page;
	int refs, maps;

	/* The entry first, the count, then the dirty flag: who writes goes the other way. */
	smp_mb();
	refs = page_count(page);
	maps = page_mapcount(page);
	smp_rmb();
	if (page_test_dirty(page) && !(READ_ONCE(pvmw->vma->flags) & VM_DROPPABLE) &&
	    !MUTANT(lazyfree_drops_redirtied)) {
		page_set_swapbacked(page);
		return false;
	}
	return refs == 1 + maps;
}

static bool unmap_lazyfree(const struct page_vma_mapped_walk *pvmw)
{
	if (!may_discard(pvmw))
		return false;
	add_mm_counter(pvmw->vma->mm, MM_ANONPAGES, -1);
	return true;
}

/* pte has been taken; false: it has to be put back. */
static bool unmap_anon(const struct page_vma_mapped_walk *pvmw, pte_t pte)
{
	struct page *page = pvmw->page;
	struct mm *mm = pvmw->vma->mm;
	bool exclusive = page_test_anon_exclusive(page);
	swp_entry_t entry;
	pte_t swp;

	if (!page_test_swapbacked(page))
		return unmap_lazyfree(pvmw);
	entry = page_swap_entry(page);
	if (swap_duplicate(machine_of(mm), entry))
		return false;
	if (exclusive && !give_up_exclusive(page)) {
		swap_free(machine_of(mm), entry);
		return false;
	}
	add_mm_counter(mm, MM_ANONPAGES, -1);
	add_mm_counter(mm, MM_SWAPENTS, 1);
	swp = keep_bits(swp_entry_to_pte(entry), pte);
	put_entry(pvmw, exclusive ? pte_swp_mkexclusive(swp) : swp);
	return true;
}

static bool unmap_file(const struct page_vma_mapped_walk *pvmw, pte_t pte)
{
	u32 bits = 0;

	add_mm_counter(pvmw->vma->mm, page_mm_counter(pvmw->page), -1);
	/* Where nobody is told of writes any more, a bit that was left means nothing. */
	if (pte_uffd_wp(pte) && (pvmw->vma->flags & VM_UFFD_WP) && !MUTANT(unmap_drops_uffd_wp))
		bits |= PTE_MARKER_UFFD_WP;
	if (page_test_swapbacked(pvmw->page) && machine_of(pvmw->page)->config.shmem_swap_bit)
		bits |= PTE_MARKER_SWAPPED;
	if (bits)
		put_entry(pvmw, make_pte_marker(bits));
	return true;
}

/* rss stays: the page is still the process's. */
static bool unmap_for_migration(const struct page_vma_mapped_walk *pvmw, pte_t pte)
{
	struct page *page = pvmw->page;
	bool exclusive = page_test_anon(page) && page_test_anon_exclusive(page);
	enum special_entry type = SWP_MIGRATION_READ;

	if (exclusive && !give_up_exclusive(page))
		return false;
	if (pte_write(pte))
		type = SWP_MIGRATION_WRITE;
	else if (exclusive)
		type = SWP_MIGRATION_READ_EXCLUSIVE;
	put_entry(pvmw, keep_bits(make_migration_pte(type, page_to_pfn(page)), pte));
	return true;
}

static bool unmap_one(struct page *page, struct vm_area *vma, vaddr_t addr, void *arg)
{
	const struct unmap_walk *unmap = arg;
	struct page_vma_mapped_walk pvmw = { .page = page, .vma = vma, .address = addr };
	bool gone = true;

	while (gone && page_vma_mapped_walk(&pvmw)) {
		bool mlocked = mlock_counted(vma, addr);
		pte_t pte;

		gone = (unmap->flags & TTU_IGNORE_MLOCK) || !mlocked;
		if (!gone)
			break;
		pte = take_entry(&pvmw);
		if (unmap->migrate)
			gone = unmap_for_migration(&pvmw, pte);
		else if (page_test_anon(page))
			gone = unmap_anon(&pvmw, pte);
		else
			gone = unmap_file(&pvmw, pte);
		if (!gone) {
			put_entry(&pvmw, pte);
			break;
		}
		page_remove_rmap_mlocked(page, mlocked);
		put_page(page);
	}
	page_vma_mapped_walk_done(&pvmw);
	return gone;
}

static bool not_mapped(struct page *page, void *arg)
{
	(void)arg;
	return !page_mapcount(page);
}

static void unmap_all(struct page *page, struct unmap_walk *unmap)
{
	struct rmap_walk walk = {
		.arg = unmap,
		.one = unmap_one,
		.done = not_mapped,
		.locked = unmap->flags & TTU_RMAP_LOCKED,
	};

	VM_BUG_ON2(!page_test_locked(page), page_to_pfn(page).n, page->flags);
	rmap_walk(page, &walk);
}

void try_to_unmap(struct page *page, u32 ttu_flags)
{
	struct unmap_walk unmap = { .flags = ttu_flags };

	VM_BUG_ON2(page_test_anon(page) && page_test_swapbacked(page) && !page_test_swapcache(page),
		   page_to_pfn(page).n, page->flags);
	unmap_all(page, &unmap);
}

/* A page that is locked into memory stays so in its new frame. */
void try_to_migrate(struct page *page, u32 ttu_flags)
{
	struct unmap_walk unmap = { .flags = ttu_flags | TTU_IGNORE_MLOCK, .migrate = true };

	unmap_all(page, &unmap);
}
