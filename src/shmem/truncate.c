/* SPDX-License-Identifier: MIT */
/* shmem: cutting a file short, punching holes into it, and allocating ahead. */
#include "shmem/shmem_internal.h"

#include "base/mutant.h"
#include "phys/alloc.h"
#include "sync/copy.h"

static const u8 zeros[PAGE_SIZE];

/* Whole pages [first, last] that are to go. */
struct cut {
	struct inode *inode;
	pgoff_t first, last;
	bool only_untouched; /* undoing fallocate: what is up to date, and values, stay */
};

/* ---- what stands where ---------------------------------------------------------------- */

bool shmem_next_place(struct inode *inode, pgoff_t *index, pgoff_t last, struct shmem_place *ret)
{
	struct xarray *pages = &inode->mapping.pages;

	for (;;) {
		struct page *page = NULL;
		xa_entry_t entry;

		spin_lock(&pages->lock);
		entry = xa_find_locked(pages, index, last);
		if (entry && !xa_is_value(entry)) {
			page = xa_to_pointer(entry);
			/* Reclaim has taken all references and is about to take it out. */
			if (!atomic_inc_not_zero(&page->refcount)) {
				spin_unlock(&pages->lock);
				cpu_relax();
				continue;
			}
		}
		spin_unlock(&pages->lock);
		ret->page = page;
		ret->value = xa_is_value(entry) ? xa_to_value(entry) : 0;
		return entry != 0;
	}
}

bool shmem_erase_value(struct inode *inode, pgoff_t index, u64 value)
{
	struct xarray *pages = &inode->mapping.pages;
	swp_entry_t entry = value_to_swp(value);
	bool there;

	spin_lock(&pages->lock);
	there = xa_load_locked(pages, index) == xa_mk_value(value);
	if (there)
		(void)xa_store_locked(pages, index, 0, 0);
	spin_unlock(&pages->lock);
	if (!there)
		return false;
	/* A marker of lost data was accounted to nobody. */
	if (swp_is_special(entry))
		return true;
	shmem_count(inode, 0, -1);
	free_swap_and_cache(machine_of(inode), entry);
	return true;
}

/* ---- whole pages ---------------------------------------------------------------------- */

/* A locked page, if it still is where it was found. */
static void cut_page(const struct cut *cut, pgoff_t index, struct page *page)
{
	if (page_mapping_file(page) != &cut->inode->mapping || page->index != index)
		return;
	if (cut->only_untouched && page_test_uptodate(page))
		return;
	if (page_mapcount(page))
		filemap_ops.unmap_page(page);
	filemap_clean_page(page);
	filemap_remove_page(page, 0);
	put_page(page);
}

/* false: it is in somebody's hands, and wait forbids to wait. */
static bool cut_place(const struct cut *cut, pgoff_t index, const struct shmem_place *place,
		      bool wait)
{
	bool locked = true;

	if (!place->page) {
		/* Brought in meanwhile: there is a page then, for the next round. */
		if (!cut->only_untouched)
			return shmem_erase_value(cut->inode, index, place->value);
		return true;
	}
	if (wait)
		page_lock(place->page);
	else
		locked = page_trylock(place->page);
	if (locked) {
		cut_page(cut, index, place->page);
		page_unlock(place->page);
	}
	put_page(place->page);
	return locked;
}

/* One round; whether nothing was there that should have gone. */
static bool cut_round(const struct cut *cut, bool wait)
{
	struct shmem_place place;
	bool clean = true;

	for (pgoff_t index = cut->first;
	     index <= cut->last && shmem_next_place(cut->inode, &index, cut->last, &place);
	     index++) {
		if (!cut->only_untouched)
			clean = false;
		if (!cut_place(cut, index, &place, wait) && wait)
			clean = false;
		if (index == cut->last)
			break;
	}
	return clean;
}

static void cut_pages(const struct cut *cut)
{
	if (cut->first > cut->last)
		return;
	(void)cut_round(cut, false);
	while (!cut_round(cut, true))
		;
	shmem_recalc_inode(cut->inode);
}

static void undo_allocation(struct inode *inode, pgoff_t first, pgoff_t last)
{
	struct cut cut = { .inode = inode, .first = first, .last = last, .only_untouched = true };

	cut_pages(&cut);
}

/* ---- parts of pages ------------------------------------------------------------------- */

/* Zero [from, to) of a page, if it holds anything. It may be mapped and in use. */
static void zero_part(struct inode *inode, pgoff_t index, u64 from, u64 to)
{
	struct page *page;

	page = filemap_lock_page(&inode->mapping, index, NULL);
	/* In swap: it must come in for it; what is beyond the end needs no zeroing. */
	if (!page && shmem_get_page(inode, index, SGP_READ, current_group(), &page))
		return;
	if (!page)
		return;
	copy_relaxed((u8 *)page_address(page) + from, zeros, to - from);
	(void)filemap_dirty_page(page);
	page_unlock(page);
	put_page(page);
}

static void zero_edges(struct inode *inode, u64 start, u64 end)
{
	pgoff_t first = start >> PAGE_SHIFT, last = end >> PAGE_SHIFT;
	u64 from = PAGE_OFFSET_OF(start), to = PAGE_OFFSET_OF(end) + 1;

	if (first == last) {
		if (from || to < PAGE_SIZE)
			zero_part(inode, first, from, to);
		return;
	}
	if (from)
		zero_part(inode, first, from, PAGE_SIZE);
	if (to < PAGE_SIZE)
		zero_part(inode, last, 0, to);
}

void shmem_undo_range(struct inode *inode, u64 start, u64 end)
{
	struct cut cut = {
		.inode = inode,
		.first = PAGE_ALIGN(start) >> PAGE_SHIFT,
		.last = ~0ull >> PAGE_SHIFT,
	};

	VM_BUG_ON2(start > end, start, end);
	zero_edges(inode, start, end);
	if (end != ~0ull) {
		/* The page that the range ends in goes only if it ends with it. */
		if ((end + 1) >> PAGE_SHIFT == 0)
			return;
		cut.last = ((end + 1) >> PAGE_SHIFT) - 1;
	}
	cut_pages(&cut);
}

/* ---- fallocate ------------------------------------------------------------------------ */

static void set_hole(struct inode *inode, bool punching, u64 start, u64 end)
{
	struct shmem_falloc *falloc = &inode->falloc;

	spin_lock(&inode->info_lock);
	falloc->start = start >> PAGE_SHIFT;
	falloc->next = end >> PAGE_SHIFT;
	WRITE_ONCE(falloc->punching, punching);
	spin_unlock(&inode->info_lock);
	if (!punching)
		wake_up_all(&falloc->waitq);
}

static int punch_hole(struct inode *inode, u64 offset, u64 len)
{
	u64 start = PAGE_ALIGN(offset), end = ALIGN_DOWN(offset + len, PAGE_SIZE);
	pgoff_t first = start >> PAGE_SHIFT, nr = (end - start) >> PAGE_SHIFT;

	if (inode->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))
		return -EPERM;
	set_hole(inode, true, start, end);
	/*
	 * A hole within the first page has no whole pages, and the last of them, counted from the
	 * end downwards, would be before the first: Linux takes that for the end of all files, and
	 * unmaps everything from there on. It comes back by faults.
	 */
	if (!end)
		nr = (~0ull >> PAGE_SHIFT) - first + 1;
	/* Private copies stay: what was written to them is not the file's. */
	if (end > start || !end)
		filemap_ops.unmap_pages(&inode->mapping, first, nr, MUTANT(punch_zaps_private));
	shmem_undo_range(inode, offset, offset + len - 1);
	set_hole(inode, false, 0, 0);
	return 0;
}

static int allocate_ahead(struct inode *inode, bool keep_size, u64 offset, u64 len)
{
	pgoff_t first = offset >> PAGE_SHIFT, end = PAGE_ALIGN(offset + len) >> PAGE_SHIFT;

	if ((inode->seals & F_SEAL_GROW) && offset + len > inode->size)
		return -EPERM;
	for (pgoff_t index = first; index < end; index++) {
		struct page *page;
		int err = shmem_get_page(inode, index, SGP_FALLOC, current_group(), &page);

		if (err) {
			if (index > first)
				undo_allocation(inode, first, index - 1);
			return err;
		}
		/* Memory pressure must write it out, not drop it: it was promised. */
		(void)filemap_dirty_page(page);
		page_unlock(page);
		put_page(page);
	}
	if (!keep_size && offset + len > inode->size)
		WRITE_ONCE(inode->size, offset + len);
	return 0;
}

int shmem_fallocate(struct inode *inode, u32 mode, u64 offset, u64 len)
{
	int err;

	if (mode & ~(u32)(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE))
		return -EOPNOTSUPP;
	down_write(&inode->rwsem);
	if (mode & FALLOC_FL_PUNCH_HOLE)
		err = punch_hole(inode, offset, len);
	else
		err = allocate_ahead(inode, mode & FALLOC_FL_KEEP_SIZE, offset, len);
	up_write(&inode->rwsem);
	return err;
}
