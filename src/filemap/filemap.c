/* SPDX-License-Identifier: MIT */
/*
 * The page cache.
 *
 *   fault, read, write                     truncation, reclaim
 *     find under pages.lock, reference       folio lock
 *     folio lock                             unmap
 *     page->mapping still that?              out of the cache (pages.lock): page->mapping is NULL
 *     use it                                 unlock, reference of the cache put
 *
 * The folio lock decides: who has it and finds the page in its place can rely on that until it lets
 * go. A page that is found without it may have been truncated meanwhile.
 *
 * A page that is dirty has PG_dirty; its place has XA_MARK_DIRTY as well where the file can be
 * written back. Both are set by filemap_dirty_page() and cleared under the folio lock by what
 * writes the page.
 */
#include "filemap/filemap.h"

#include "base/uapi.h"

/* ---- in and out -------------------------------------------------------------------------- */

int filemap_add_page(struct address_space *mapping, struct page *page, pgoff_t index,
		     xa_entry_t expected)
{
	int err;

	VM_BUG_ON2(!page_test_locked(page), page_to_pfn(page).n, index);
	VM_BUG_ON2(page_test_anon(page), page_to_pfn(page).n, index);
	get_page(page);
	page->index = index;
	spin_lock(&mapping->pages.lock);
	err = -EEXIST;
	if (xa_load_locked(&mapping->pages, index) == expected) {
		/* Who finds it there may look at once. */
		WRITE_ONCE(page->mapping, (u64)(uintptr_t)mapping);
		err = xa_store_locked(&mapping->pages, index, 0, xa_mk_pointer(page));
		if (err)
			WRITE_ONCE(page->mapping, 0);
		else
			mapping->nr_pages++;
	}
	spin_unlock(&mapping->pages.lock);
	if (err)
		put_page(page);
	return err;
}

void filemap_remove_page_locked(struct page *page, xa_entry_t replacement)
{
	struct address_space *mapping = page_mapping_file(page);

	VM_BUG_ON2(!mapping || !page_test_locked(page), page_to_pfn(page).n, page->index);
	VM_BUG_ON2(xa_load_locked(&mapping->pages, page->index) != xa_mk_pointer(page),
		   page_to_pfn(page).n, page->index);
	/* Erasing, or storing over what has the same order, needs no memory. */
	(void)xa_store_locked(&mapping->pages, page->index, 0, replacement);
	mapping->nr_pages--;
	WRITE_ONCE(page->mapping, 0);
}

void filemap_remove_page(struct page *page, xa_entry_t replacement)
{
	struct address_space *mapping = page_mapping_file(page);

	VM_BUG_ON2(!mapping, page_to_pfn(page).n, page->index);
	spin_lock(&mapping->pages.lock);
	filemap_remove_page_locked(page, replacement);
	spin_unlock(&mapping->pages.lock);
}

/* ---- finding ----------------------------------------------------------------------------- */

/*
 * A reference to the page of an entry; NULL: a value, or none. False: reclaim has taken all
 * references and is about to take the page out; look again. pages.lock held.
 */
static bool try_get_entry(xa_entry_t entry, struct page **ret_page)
{
	struct page *page = entry && !xa_is_value(entry) ? xa_to_pointer(entry) : NULL;

	if (page && !atomic_inc_not_zero(&page->refcount))
		return false;
	*ret_page = page;
	return true;
}

struct page *filemap_get_page(struct address_space *mapping, pgoff_t index, u64 *ret_value)
{
	struct page *page;
	xa_entry_t entry;
	bool done = false;

	while (!done) {
		spin_lock(&mapping->pages.lock);
		entry = xa_load_locked(&mapping->pages, index);
		done = try_get_entry(entry, &page);
		spin_unlock(&mapping->pages.lock);
		if (!done)
			cpu_relax();
	}
	if (ret_value && xa_is_value(entry))
		*ret_value = xa_to_value(entry);
	return page;
}

struct page *filemap_lock_page(struct address_space *mapping, pgoff_t index, u64 *ret_value)
{
	for (;;) {
		struct page *page = filemap_get_page(mapping, index, ret_value);

		if (!page)
			return NULL;
		page_lock(page);
		if (page_mapping_file(page) == mapping && page->index == index)
			return page;
		page_unlock(page);
		put_page(page);
	}
}

struct page *filemap_next_page(struct address_space *mapping, pgoff_t *index, pgoff_t last)
{
	pgoff_t at = *index;

	for (;;) {
		struct page *page = NULL;
		xa_entry_t entry;
		bool done;

		spin_lock(&mapping->pages.lock);
		entry = at <= last ? xa_find_locked(&mapping->pages, &at, last) : 0;
		done = try_get_entry(entry, &page);
		spin_unlock(&mapping->pages.lock);
		if (page)
			*index = at;
		if (page || !entry)
			return page;
		if (done)
			at++;
		else
			cpu_relax();
	}
}

/* Whether the page in a place can be mapped by who does not wait for anything: locked then. */
static bool try_map_page(const struct address_space *mapping, struct page *page, pgoff_t index)
{
	u64 pages = PAGE_ALIGN(READ_ONCE(((struct inode *)mapping->host)->size)) >> PAGE_SHIFT;

	if (index >= pages || !page_test_uptodate(page) || !page_trylock(page))
		return false;
	/* In its place, as pages.lock is held. */
	if (page_test_uptodate(page))
		return true;
	page_unlock(page);
	return false;
}

struct page *filemap_next_map_page(struct address_space *mapping, pgoff_t *index, pgoff_t last)
{
	struct page *found = NULL;
	pgoff_t at = *index;

	spin_lock(&mapping->pages.lock);
	while (!found && at <= last) {
		xa_entry_t entry = xa_find_locked(&mapping->pages, &at, last);

		if (!entry)
			break;
		/* A page whose references are taken for good is locked by who did that. */
		if (!xa_is_value(entry) && try_map_page(mapping, xa_to_pointer(entry), at)) {
			found = xa_to_pointer(entry);
			get_page(found);
			*index = at;
		}
		at++;
	}
	spin_unlock(&mapping->pages.lock);
	return found;
}

/* ---- dirty ------------------------------------------------------------------------------- */

bool filemap_dirty_page(struct page *page)
{
	struct address_space *mapping;

	if (sync_fetch_or(&page->flags, BIT(PG_dirty), SYNC_FULL) & BIT(PG_dirty))
		return false;
	mapping = page_mapping_file(page);
	if (!mapping || !mapping_can_writeback(mapping))
		return true;
	spin_lock(&mapping->pages.lock);
	/* Truncated in between, it needs no mark. */
	if (page_mapping_file(page) == mapping)
		xa_set_mark_locked(&mapping->pages, page->index, XA_MARK_DIRTY);
	spin_unlock(&mapping->pages.lock);
	return true;
}

void filemap_clean_page(struct page *page)
{
	struct address_space *mapping = page_mapping_file(page);

	VM_BUG_ON2(!page_test_locked(page), page_to_pfn(page).n, page->index);
	page_clear_dirty(page);
	if (!mapping || !mapping_can_writeback(mapping))
		return;
	spin_lock(&mapping->pages.lock);
	/* Set again by a zap that carried a dirty bit over meanwhile: stays marked. */
	if (!page_test_dirty(page))
		xa_clear_mark_locked(&mapping->pages, page->index, XA_MARK_DIRTY);
	spin_unlock(&mapping->pages.lock);
}
