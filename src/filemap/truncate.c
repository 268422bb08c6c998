/* SPDX-License-Identifier: MIT */
/*
 * Pages leave the cache of a regular file: because the file becomes shorter, because a hole is
 * punched, or because nobody needs them.
 *
 *   1  the size (truncation)        faults from here on end in SIGBUS, or find the page gone
 *   2  unmap the whole range        quickly, without locks of pages; what was faulted in before 1
 *                                   may be mapped still
 *   3  page by page, locked         unmap what is still mapped, out of the cache
 *   4  unmap again (truncation)     copies of private mappings that were made from a page between 2
 *                                   and 3
 *
 * Truncation takes private copies away too, a punch leaves them (even_cows).
 */
#include "base/mutant.h"
#include "filemap/filemap.h"
#include "sync/copy.h"

#define LAST_PAGE (~0ull >> PAGE_SHIFT)

static const u8 zeros[PAGE_SIZE];

/* ---- pages ------------------------------------------------------------------------------- */

/* Out of the cache, whatever it holds; locked, referenced by the caller. */
static void drop_page(struct page *page)
{
	if (page_mapcount(page))
		filemap_ops.unmap_page(page);
	filemap_clean_page(page);
	filemap_remove_page(page, 0);
	put_page(page);
}

static void drop_pages(struct address_space *mapping, pgoff_t first, pgoff_t last)
{
	struct page *page;

	for (pgoff_t index = first; index <= last; index++) {
		page = filemap_next_page(mapping, &index, last);
		if (!page)
			break;
		page_lock(page);
		if (page_mapping_file(page) == mapping && page->index == index)
			drop_page(page);
		page_unlock(page);
		put_page(page);
	}
}

/* Zero [from, to) of a page, if it is in memory: what is not is read as the file has it then. */
static void zero_part(struct address_space *mapping, pgoff_t index, u64 from, u64 to)
{
	struct page *page = filemap_lock_page(mapping, index, NULL);

	if (!page)
		return;
	if (page_test_uptodate(page))
		copy_relaxed((u8 *)page_address(page) + from, zeros, to - from);
	page_unlock(page);
	put_page(page);
}

/* What a mapping has written behind the end is not part of the file. */
static void zero_tail(struct address_space *mapping, u64 size)
{
	if (PAGE_OFFSET_OF(size))
		zero_part(mapping, size >> PAGE_SHIFT, PAGE_OFFSET_OF(size), PAGE_SIZE);
}

void filemap_prepare_extend(struct inode *inode, u64 offset)
{
	if (offset > inode->size)
		zero_tail(&inode->mapping, inode->size);
}

/* ---- truncation -------------------------------------------------------------------------- */

static void unmap_beyond(struct address_space *mapping, pgoff_t first)
{
	filemap_ops.unmap_pages(mapping, first, LAST_PAGE - first, true);
}

void truncate_setsize(struct inode *inode, u64 size)
{
	struct address_space *mapping = &inode->mapping;
	pgoff_t first = PAGE_ALIGN(size) >> PAGE_SHIFT;
	u64 old = inode->size;

	VM_DEBUG_ON(!rwsem_is_write_locked(&inode->rwsem));
	VM_DEBUG_ON(!rwsem_is_write_locked(&mapping->invalidate_lock));
	if (size > old)
		zero_tail(mapping, old);
	WRITE_ONCE(inode->size, size);
	if (size > old)
		return;
	zero_tail(mapping, size);
	unmap_beyond(mapping, first);
	drop_pages(mapping, first, LAST_PAGE);
	if (!MUTANT(truncate_unmaps_once))
		unmap_beyond(mapping, first);
}

void truncate_pagecache_range(struct inode *inode, u64 start_bytes, u64 last_byte)
{
	struct address_space *mapping = &inode->mapping;
	pgoff_t first = PAGE_ALIGN(start_bytes) >> PAGE_SHIFT;
	pgoff_t end = (last_byte + 1) >> PAGE_SHIFT; /* the first that does not go whole */

	VM_DEBUG_ON(!rwsem_is_write_locked(&mapping->invalidate_lock));
	if (first < end) {
		filemap_ops.unmap_pages(mapping, first, end - first, MUTANT(punch_zaps_private));
		drop_pages(mapping, first, end - 1);
	}
	if (first > end) { /* within one page */
		zero_part(mapping, end, PAGE_OFFSET_OF(start_bytes), PAGE_OFFSET_OF(last_byte) + 1);
		return;
	}
	if (PAGE_OFFSET_OF(start_bytes))
		zero_part(mapping, first - 1, PAGE_OFFSET_OF(start_bytes), PAGE_SIZE);
	if (PAGE_OFFSET_OF(last_byte + 1))
		zero_part(mapping, end, 0, PAGE_OFFSET_OF(last_byte + 1));
}

void truncate_inode_pages_final(struct address_space *mapping)
{
	drop_pages(mapping, 0, LAST_PAGE);
}

/* ---- what nobody needs ------------------------------------------------------------------- */

/*
 * A locked page goes if it is clean and the caller's reference is the only one beside the cache's:
 * then it is not mapped either. Taking both at once keeps others from finding it meanwhile; that it
 * is clean is asked after that, as who makes it dirty has a reference or a mapping.
 */
static bool invalidate_page(struct address_space *mapping, struct page *page)
{
	bool dropped = false;

	spin_lock(&mapping->pages.lock);
	if (page_mapping_file(page) == mapping && atomic_cmpxchg(&page->refcount, 2, 0) == 2) {
		dropped = !page_test_dirty(page);
		if (dropped)
			filemap_remove_page_locked(page, 0);
		atomic_set(&page->refcount, dropped ? 1 : 2);
	}
	spin_unlock(&mapping->pages.lock);
	return dropped;
}

u64 invalidate_mapping_pages(struct address_space *mapping, pgoff_t first, pgoff_t last)
{
	struct page *page;
	u64 dropped = 0;

	for (pgoff_t index = first; index <= last; index++) {
		page = filemap_next_page(mapping, &index, last);
		if (!page)
			break;
		if (page_trylock(page)) {
			if (page->index == index && invalidate_page(mapping, page))
				dropped++;
			page_unlock(page);
		}
		put_page(page);
	}
	return dropped;
}
