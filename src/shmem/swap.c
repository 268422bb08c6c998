/* SPDX-License-Identifier: MIT */
/*
 * shmem: out to swap and back. The value in the page cache is the one entry that refers to the
 * slot. Values go away without any lock but pages.lock, so that whoever brings a page in looks
 * at the value again when he puts the page in its place: if it has gone, truncation has been
 * there, and the data is nobody's.
 */
#include "base/mutant.h"
#include "shmem/shmem_internal.h"

/* ---- out ------------------------------------------------------------------------------ */

/*
 * A slot for the page, which swapoff will find by the inode: whoever takes an inode off its list
 * looks at swapped with the same lock.
 */
static int take_slot(struct inode *inode, struct page *page)
{
	struct machine *m = machine_of(page);
	int err;

	mutex_lock(&m->shmem_lock);
	err = add_to_swap(page);
	if (!err) {
		if (list_empty(&inode->swaplist))
			list_add_tail(&inode->swaplist, &m->shmem_swaplist);
		shmem_count(inode, 0, 1);
	}
	mutex_unlock(&m->shmem_lock);
	return err;
}

int shmem_writeout(struct page *page)
{
	struct address_space *mapping = page_mapping_file(page);
	swp_entry_t entry;

	VM_BUG_ON2(!page_test_locked(page) || !mapping, page->flags, page_to_pfn(page).n);
	VM_BUG_ON2(page_mapcount(page) || page_test_swapcache(page), page->flags,
		   page_to_pfn(page).n);
	/* Allocated ahead and never touched: from here on it is data like any other. */
	page_set_uptodate(page);
	if (take_slot(mapping->host, page))
		return -ENOMEM;
	entry = page_swap_entry(page);
	/* The first of its entries: cannot be one too many. */
	if (swap_duplicate(machine_of(page), entry))
		VM_UNREACHABLE();
	filemap_remove_page(page, xa_mk_value(swp_to_value(entry)));
	swap_entry_placed(machine_of(page), entry);
	put_page(page);
	return swap_writeout(page);
}

/* ---- and back ------------------------------------------------------------------------- */

static bool value_is_there(struct inode *inode, pgoff_t index, u64 value)
{
	struct xarray *pages = &inode->mapping.pages;
	bool there;

	spin_lock(&pages->lock);
	there = xa_load_locked(pages, index) == xa_mk_value(value);
	spin_unlock(&pages->lock);
	return there || MUTANT(shmem_swapin_ignores_truncate);
}

/* The page in the swap cache for a value; it may be another slot's by the time it is locked. */
static int find_page(struct inode *inode, u64 value, u32 group, bool *ret_major,
		     struct page **ret_page)
{
	struct machine *m = machine_of(inode);
	swp_entry_t entry = value_to_swp(value);
	int err;

	*ret_page = swap_cache_get(m, entry);
	if (*ret_page)
		return 0;
	*ret_page = swapin_readahead(m, entry, group, &err);
	if (!*ret_page)
		return err == -ENOENT ? -EEXIST : err;
	if (!*ret_major)
		count_vm_event(m, PGMAJFAULT);
	*ret_major = true;
	return 0;
}

/*
 * The slot could not be read: its data is lost, and said to be lost for good, so that the slot
 * can go. The page is locked.
 */
static void poison_value(struct inode *inode, pgoff_t index, u64 value, struct page *page)
{
	struct xarray *pages = &inode->mapping.pages;
	bool there;

	spin_lock(&pages->lock);
	there = xa_replace_locked(pages, index, xa_mk_value(value),
				  xa_mk_value(shmem_poison_value()));
	spin_unlock(&pages->lock);
	delete_from_swap_cache(page);
	if (!there)
		return;
	shmem_count(inode, 0, -1);
	free_swap_and_cache(machine_of(inode), value_to_swp(value));
}

/* A locked page of the swap cache takes the place of its value. */
static int replace_value(struct inode *inode, pgoff_t index, u64 value, struct page *page)
{
	swp_entry_t entry = value_to_swp(value);
	int err;

	if (!page_test_uptodate(page)) {
		poison_value(inode, index, value, page);
		return -EIO;
	}
	err = filemap_add_page(&inode->mapping, page, index, xa_mk_value(value));
	if (err && MUTANT(shmem_swapin_ignores_truncate))
		err = filemap_add_page(&inode->mapping, page, index, 0);
	if (err)
		return err;
	shmem_count(inode, 0, -1);
	delete_from_swap_cache(page);
	(void)filemap_dirty_page(page);
	/* Somebody may have read the slot ahead since. */
	free_swap_and_cache(machine_of(inode), entry);
	return 0;
}

int shmem_swapin(struct inode *inode, pgoff_t index, u64 value, u32 group, bool *ret_major,
		 struct page **ret_page)
{
	swp_entry_t entry = value_to_swp(value);
	struct page *page;
	int err;

	if (swp_is_special(entry))
		return -EIO;
	err = find_page(inode, value, group, ret_major, &page);
	if (err)
		return err;
	page_lock(page);
	if (!page_test_swapcache(page) || swp_to_value(page_swap_entry(page)) != value ||
	    !value_is_there(inode, index, value))
		err = -EEXIST;
	else
		err = replace_value(inode, index, value, page);
	if (!err) {
		*ret_page = page;
		return 0;
	}
	page_unlock(page);
	/* Who cut it while it was locked could not take it out of the swap cache. */
	free_swap_cache(page);
	put_page(page);
	return err;
}

/* ---- swapoff -------------------------------------------------------------------------- */

/* shmem_lock held: an inode that has no pages in swap any more need not be looked at. */
static void forget_inode(struct inode *inode)
{
	s64 swapped;

	spin_lock(&inode->info_lock);
	swapped = inode->swapped;
	spin_unlock(&inode->info_lock);
	if (!swapped)
		list_del_init(&inode->swaplist);
}

/* The inode after one that is done with (NULL: the first); NULL: that was the last. */
static struct inode *next_inode(struct machine *m, struct inode *done)
{
	struct list_head *at;
	struct inode *next = NULL;

	mutex_lock(&m->shmem_lock);
	at = done ? done->swaplist.next : m->shmem_swaplist.next;
	for (; at != &m->shmem_swaplist && !next; at = at->next) {
		struct inode *inode = list_entry(at, struct inode, swaplist);

		if (atomic_inc_not_zero(&inode->refs))
			next = inode;
	}
	if (done)
		forget_inode(done);
	mutex_unlock(&m->shmem_lock);
	if (done)
		inode_put(done);
	return next;
}

static int unuse_inode(struct inode *inode, u32 type)
{
	struct shmem_place place;

	for (pgoff_t index = 0; shmem_next_place(inode, &index, ~0ull >> PAGE_SHIFT, &place);
	     index++) {
		struct page *page;
		bool major = true;
		int err;

		if (place.page) {
			put_page(place.page);
			continue;
		}
		if (value_to_swp(place.value).type != type)
			continue;
		err = shmem_swapin(inode, index, place.value, current_group(), &major, &page);
		if (err == -ENOMEM)
			return err;
		/* Gone, or lost: it is no longer in the area. */
		if (err)
			continue;
		page_unlock(page);
		put_page(page);
	}
	return 0;
}

int shmem_unuse(struct machine *m, u32 type)
{
	struct inode *inode = NULL;
	int err = 0;

	while (!err && (inode = next_inode(m, inode)))
		err = unuse_inode(inode, type);
	if (inode)
		inode_put(inode);
	return err;
}

/* ---- what smaps shows ----------------------------------------------------------------- */

u64 shmem_partial_swap_usage(struct address_space *mapping, pgoff_t first, pgoff_t last)
{
	u64 pages = 0;

	spin_lock(&mapping->pages.lock);
	for (pgoff_t index = first; index <= last; index++) {
		xa_entry_t entry = xa_find_locked(&mapping->pages, &index, last);

		if (!entry)
			break;
		pages += xa_is_value(entry);
	}
	spin_unlock(&mapping->pages.lock);
	return pages;
}

u64 shmem_swap_usage(struct vm_area *vma)
{
	struct inode *inode = vma->file->inode;
	s64 swapped;

	spin_lock(&inode->info_lock);
	swapped = inode->swapped;
	spin_unlock(&inode->info_lock);
	if (!swapped)
		return 0;
	return shmem_partial_swap_usage(&inode->mapping, vma->pgoff,
					vma->pgoff + vma_pages(vma) - 1);
}
