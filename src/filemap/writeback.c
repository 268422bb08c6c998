/* SPDX-License-Identifier: MIT */
/*
 * Dirty pages go to the file. One page at a time, its folio lock held:
 *
 *   write-protect and clean its mappings ─ PG_dirty off ─ write ── failed: dirty again, and the
 *                                                                  error is counted
 *
 * Whoever writes to it from then on faults, waits for the lock and makes it dirty again, so that
 * what is written to the file is one state of the page, and no change is lost.
 *
 * Errors: see address_space in file.h. Each open file is told of an error once.
 */
#include "base/mutant.h"
#include "base/uapi.h"
#include "filemap/filemap.h"
#include "phys/lru.h"
#include "sync/copy.h"

static const u8 zeros[PAGE_SIZE];

static int write_to_host(struct inode *inode, struct page *page, u64 size)
{
	u64 start = page->index << PAGE_SHIFT, len;
	u8 *frame = page_address(page);

	if (start >= size)
		return 0; /* is being truncated */
	if (should_fail(machine_of(page), FAIL_FILE_WRITE, 0))
		return -EIO;
	len = MIN(size - start, PAGE_SIZE);
	/* What was written behind the end through a mapping is not part of the file. */
	copy_relaxed(frame + len, zeros, PAGE_SIZE - len);
	return host_file_write(&inode->host_file, inode->name, frame, len, start);
}

int filemap_writepage(struct page *page)
{
	struct address_space *mapping = page_mapping_file(page);
	struct inode *inode = mapping->host;
	int err;

	VM_BUG_ON2(!page_test_locked(page), page_to_pfn(page).n, page->index);
	if (page_mapcount(page) && !MUTANT(writeback_skips_mkclean) && filemap_ops.mkclean(page))
		(void)filemap_dirty_page(page);
	filemap_clean_page(page);
	err = write_to_host(inode, page, READ_ONCE(inode->size));
	if (err) {
		(void)filemap_dirty_page(page);
		WRITE_ONCE(mapping->wb_err, err);
		(void)sync_fetch_add(&mapping->wb_errors, 1, SYNC_RELEASE);
	} else if (page_test_reclaim(page)) {
		/* Reclaim has waited for that. */
		page_clear_reclaim(page);
		lru_rotate_reclaimable(page);
	}
	return err;
}

/* The next dirty page at or after *index, with a reference. */
static struct page *next_dirty(struct address_space *mapping, pgoff_t *index, pgoff_t last)
{
	struct page *page = NULL;
	xa_entry_t entry;

	spin_lock(&mapping->pages.lock);
	entry = xa_find_marked_locked(&mapping->pages, index, last, XA_MARK_DIRTY);
	if (entry) {
		page = xa_to_pointer(entry);
		/* Reclaim does not take the references of a dirty page. */
		get_page(page);
	}
	spin_unlock(&mapping->pages.lock);
	return page;
}

int filemap_write_range(struct address_space *mapping, pgoff_t first, pgoff_t last)
{
	struct page *page;
	int err = 0;

	if (!mapping_can_writeback(mapping))
		return 0;
	for (pgoff_t index = first; index <= last; index++) {
		int page_err = 0;

		page = next_dirty(mapping, &index, last);
		if (!page)
			break;
		page_lock(page);
		if (page_mapping_file(page) == mapping && page_test_dirty(page))
			page_err = filemap_writepage(page);
		page_unlock(page);
		put_page(page);
		if (!err)
			err = page_err;
	}
	return err;
}

/* An error that this file was not told of, told now. */
static int advance_wb_error(struct file *file)
{
	struct address_space *mapping = &file->inode->mapping;
	u32 errors = smp_load_acquire(&mapping->wb_errors);

	if (READ_ONCE(file->wb_seen) == errors)
		return 0;
	WRITE_ONCE(file->wb_seen, errors);
	WRITE_ONCE(mapping->wb_told, errors);
	return READ_ONCE(mapping->wb_err);
}

int file_fsync_range(struct file *file, pgoff_t first, pgoff_t last)
{
	int err = filemap_write_range(&file->inode->mapping, first, last);
	int earlier = advance_wb_error(file);

	return err ? err : earlier;
}
