/* SPDX-License-Identifier: MIT */
/*
 * From a page to every entry that maps it.
 *
 *   page ─┬─ anonymous: anon_vma ── tree of avcs ──┐
 *         └─ of a file: address_space ── i_mmap ───┴─ vmas whose page offsets cover page->index
 *                                                         │ vma_address
 *                                                      table, its ptl, the entry: is it the page's?
 *
 * A walk is as long as there are vmas that can map the page, not as there are that do: of a page
 * that a child copied the parent's vma is visited too, and a vma that never touched it.
 *
 * What keeps the things on the way from going
 *   page              the caller's reference
 *   anon_vma          a reference taken while the page is mapped (anon_vma.c), or the caller's
 *   address_space     the folio lock: truncation takes it before page->mapping becomes NULL
 *   vma               the lock of the reverse map: a vma leaves its trees before it is freed
 *   table             the same: tables are freed after their vmas have left the trees
 *
 * Locks: folio lock, then i_mmap_rwsem or the anon_vma's, read; in it one ptl at a time. mmap_lock
 * is not held: a vma's bounds change only with these locks held for write, its flags are looked at
 * by READ_ONCE.
 */
#include "rmap/rmap.h"

#include "base/mutant.h"

/* ---- counting mappings --------------------------------------------------------------------- */

void page_add_file_rmap_mlocked(struct page *page, bool mlocked)
{
	VM_BUG_ON2(page_test_anon(page), page_to_pfn(page).n, page->mapping);
	VM_DEBUG_ON(page_count(page) <= 0);
	atomic_inc(&page->mapcount);
	if (mlocked)
		page_mlock(page);
}

void page_add_file_rmap(struct page *page, struct vm_area *vma)
{
	page_add_file_rmap_mlocked(page, vma->flags & VM_LOCKED);
}

void page_dup_file_rmap(struct page *page)
{
	VM_BUG_ON2(page_mapcount(page) <= 0, page_mapcount(page), page_to_pfn(page).n);
	VM_BUG_ON2(page_test_anon(page), page_to_pfn(page).n, page->mapping);
	atomic_inc(&page->mapcount);
}

/* ---- walking ------------------------------------------------------------------------------- */

vaddr_t vma_address(const struct vm_area *vma, pgoff_t index)
{
	if (index < vma->pgoff || index - vma->pgoff >= vma_pages(vma))
		return ~0ull;
	return vma->start + ((index - vma->pgoff) << PAGE_SHIFT);
}

/* One vma of a walk; false: the walk is over. */
static bool visit_vma(struct page *page, struct vm_area *vma, struct rmap_walk *walk)
{
	vaddr_t addr = vma_address(vma, page->index);

	VM_BUG_ON2(addr == ~0ull, page->index, vma->pgoff);
	if (walk->skip && walk->skip(vma, walk->arg))
		return true;
	if (!walk->one(page, vma, addr, walk->arg))
		return false;
	return !walk->done || !walk->done(page, walk->arg);
}

static void walk_anon_vma(struct page *page, struct anon_vma *anon_vma, struct rmap_walk *walk)
{
	struct interval_node *node;

	if (!walk->try_lock) {
		anon_vma_lock_read(anon_vma);
	} else if (!anon_vma_trylock_read(anon_vma)) {
		walk->contended = true;
		return;
	}
	for_each_interval(node, &anon_vma->avcs, page->index, page->index)
	{
		struct vm_area *vma = container_of(node, struct anon_vma_chain, node)->vma;

		if (MUTANT(rmap_misses_forked_child) && vma->anon_vma != anon_vma)
			continue;
		if (!visit_vma(page, vma, walk))
			break;
	}
	anon_vma_unlock_read(anon_vma);
}

static void rmap_walk_anon(struct page *page, struct rmap_walk *walk)
{
	struct anon_vma *anon_vma;

	if (walk->keeps_anon_vma) {
		walk_anon_vma(page, page_anon_vma(page), walk);
		return;
	}
	anon_vma = page_get_anon_vma(page);
	if (!anon_vma)
		return;
	walk_anon_vma(page, anon_vma, walk);
	put_anon_vma(anon_vma);
}

static void rmap_walk_file(struct page *page, struct rmap_walk *walk)
{
	struct address_space *mapping = page_mapping_file(page);
	struct interval_node *node;

	VM_BUG_ON2(!page_test_locked(page), page_to_pfn(page).n, page->flags);
	if (!mapping)
		return;
	if (!walk->locked && !walk->try_lock) {
		down_read(&mapping->i_mmap_rwsem);
	} else if (!walk->locked && !down_read_trylock(&mapping->i_mmap_rwsem)) {
		walk->contended = true;
		return;
	}
	for_each_interval(node, &mapping->i_mmap, page->index, page->index)
	{
		if (!visit_vma(page, container_of(node, struct vm_area, shared), walk))
			break;
	}
	if (!walk->locked)
		up_read(&mapping->i_mmap_rwsem);
}

void rmap_walk(struct page *page, struct rmap_walk *walk)
{
	VM_BUG_ON2(page_count(page) <= 0, page_to_pfn(page).n, page_count(page));
	walk->contended = false;
	if (page_test_anon(page))
		rmap_walk_anon(page, walk);
	else
		rmap_walk_file(page, walk);
}

void rmap_lock_vma(struct vm_area *vma)
{
	if (vma->file)
		vma_file_ops.lock(vma);
	if (vma->anon_vma)
		anon_vma_lock_write(vma->anon_vma);
}

void rmap_unlock_vma(struct vm_area *vma)
{
	if (vma->anon_vma)
		anon_vma_unlock_write(vma->anon_vma);
	if (vma->file)
		vma_file_ops.unlock(vma);
}

/* ---- the entry ----------------------------------------------------------------------------- */

static bool entry_is_of_page(const struct page_vma_mapped_walk *pvmw, pte_t pte)
{
	u64 pfn = page_to_pfn(pvmw->page).n;

	if (pvmw->migration)
		return pte_is_migration(pte) && swp_entry_pfn(pte_to_swp_entry(pte)).n == pfn;
	return pte_present(pte) && !pte_special(pte) && pte_pfn(pte).n == pfn;
}

bool page_vma_mapped_walk(struct page_vma_mapped_walk *pvmw)
{
	/* A page of one frame is in one entry of a vma. */
	if (pvmw->pte) {
		page_vma_mapped_walk_done(pvmw);
		return false;
	}
	pvmw->pte = pte_offset_lock(pvmw->vma->mm, pvmw->address, &pvmw->ptl);
	if (!pvmw->pte)
		return false;
	if (entry_is_of_page(pvmw, ptep_get(pvmw->pte)))
		return true;
	page_vma_mapped_walk_done(pvmw);
	return false;
}
