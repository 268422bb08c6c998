/* SPDX-License-Identifier: MIT */
/*
 * Pages of regular files come into the cache, and become writable.
 *
 *   fault ─ in the cache and uptodate? ── lock ─ still in its place, within the size? ─ map
 *             │ no: major
 *             └ read around: a window of READ_AROUND pages about the fault is read, page by page
 *               (only what is asked for with MADV_RANDOM, what follows with MADV_SEQUENTIAL);
 *               then the page itself
 *
 * The host is read at once, with mmap_lock held: Linux lets go of it for the time of the transfer.
 * invalidate_lock, held for reading from looking for the page until it is uptodate, keeps
 * truncation from cutting the file between the two.
 *
 * A shared mapping is read-only until it is written to: so page_mkwrite sees the first write to
 * each page after each write-back, and marks it dirty.
 */
#include "base/uapi.h"
#include "filemap/filemap.h"
#include "phys/group.h"

#define READ_AROUND 32
/* As many pages one call for readahead reads. */
#define READ_AHEAD_MAX 512

/* ---- reading in -------------------------------------------------------------------------- */

/* Fill a locked page that is in the cache. */
static int read_into(struct address_space *mapping, struct page *page)
{
	struct inode *inode = mapping->host;
	int err = -EIO;

	if (!should_fail(machine_of(page), FAIL_FILE_READ, 0))
		err = host_file_read(&inode->host_file, inode->name, page_address(page), PAGE_SIZE,
				     page->index << PAGE_SHIFT);
	if (!err)
		page_set_uptodate(page);
	return err;
}

/* A new page at index, locked and referenced, not uptodate. -EEXIST: somebody was faster. */
static int add_new_page(struct address_space *mapping, pgoff_t index, u32 group,
			struct page **ret_page)
{
	struct page *page =
		alloc_user_page(machine_of(mapping), group, GFP_MOVABLE, FAIL_FILE_PAGE);
	int err;

	if (!page)
		return -ENOMEM;
	page_lock(page);
	err = filemap_add_page(mapping, page, index, 0);
	if (err) {
		page_unlock(page);
		put_page(page);
		return err;
	}
	lru_add(page);
	*ret_page = page;
	return 0;
}

int filemap_read_page(struct address_space *mapping, pgoff_t index, u32 group,
		      struct page **ret_page)
{
	struct page *page;
	int err;

	VM_DEBUG_ON(!rwsem_is_locked(&mapping->invalidate_lock));
	do {
		page = filemap_lock_page(mapping, index, NULL);
		err = page ? 0 : add_new_page(mapping, index, group, &page);
	} while (err == -EEXIST);
	if (err)
		return err;
	if (!page_test_uptodate(page))
		err = read_into(mapping, page);
	if (err) {
		page_unlock(page);
		put_page(page);
		return err;
	}
	*ret_page = page;
	return 0;
}

static bool is_cached(struct address_space *mapping, pgoff_t index)
{
	bool cached;

	spin_lock(&mapping->pages.lock);
	cached = xa_load_locked(&mapping->pages, index);
	spin_unlock(&mapping->pages.lock);
	return cached;
}

void filemap_readahead(struct address_space *mapping, pgoff_t first, pgoff_t last, u32 group)
{
	u64 pages;
	int err = 0;

	down_read(&mapping->invalidate_lock);
	pages = PAGE_ALIGN(READ_ONCE(mapping->host->size)) >> PAGE_SHIFT;
	last = MIN(last, first + READ_AHEAD_MAX - 1);
	for (pgoff_t index = first; index <= last && index < pages && !err; index++) {
		struct page *page;

		if (is_cached(mapping, index))
			continue;
		err = add_new_page(mapping, index, group, &page);
		if (err == -EEXIST) {
			err = 0;
			continue;
		}
		if (err)
			break;
		err = read_into(mapping, page);
		page_unlock(page);
		put_page(page);
	}
	up_read(&mapping->invalidate_lock);
}

static void read_around(const struct vm_fault *vmf, struct address_space *mapping)
{
	u64 flags = vmf->vma->flags;
	pgoff_t first = vmf->pgoff;

	if (flags & VM_RAND_READ)
		return;
	if (!(flags & VM_SEQ_READ))
		first -= MIN(first, READ_AROUND / 2);
	filemap_readahead(mapping, first, first + READ_AROUND - 1, READ_ONCE(vmf->mm->group));
}

/* ---- faults ------------------------------------------------------------------------------ */

static bool beyond_size(struct address_space *mapping, pgoff_t index)
{
	return index >= PAGE_ALIGN(READ_ONCE(mapping->host->size)) >> PAGE_SHIFT;
}

/* The page is not there, or not read: bring it, locked. */
static vm_fault_t fault_read(struct vm_fault *vmf, struct address_space *mapping)
{
	int err;

	count_vm_event(machine_of(vmf->mm), PGMAJFAULT);
	read_around(vmf, mapping);
	down_read(&mapping->invalidate_lock);
	err = beyond_size(mapping, vmf->pgoff) ?
		      -EIO :
		      filemap_read_page(mapping, vmf->pgoff, READ_ONCE(vmf->mm->group), &vmf->page);
	up_read(&mapping->invalidate_lock);
	if (err)
		return err == -ENOMEM ? VM_FAULT_OOM : VM_FAULT_SIGBUS;
	return VM_FAULT_LOCKED | VM_FAULT_MAJOR;
}

/* A page that was found in the cache; false: it is of no use, look again. */
static bool fault_lock(struct vm_fault *vmf, struct address_space *mapping, struct page *page,
		       vm_fault_t *ret_result)
{
	*ret_result = page_lock_or_retry(page, vmf);
	if (*ret_result) {
		put_page(page);
		return true;
	}
	if (page_mapping_file(page) == mapping && page->index == vmf->pgoff &&
	    page_test_uptodate(page)) {
		vmf->page = page;
		*ret_result = VM_FAULT_LOCKED;
		return true;
	}
	page_unlock(page);
	put_page(page);
	return false;
}

vm_fault_t filemap_fault(struct vm_fault *vmf)
{
	struct address_space *mapping = &vmf->vma->file->inode->mapping;
	vm_fault_t ret = 0;

	while (!ret) {
		struct page *page;

		if (beyond_size(mapping, vmf->pgoff))
			return VM_FAULT_SIGBUS;
		page = filemap_get_page(mapping, vmf->pgoff, NULL);
		if (page && page_test_uptodate(page)) {
			(void)fault_lock(vmf, mapping, page, &ret);
			continue;
		}
		if (page)
			put_page(page);
		ret = fault_read(vmf, mapping);
	}
	/* Truncation sets the size before it takes the page's lock. */
	if ((ret & VM_FAULT_LOCKED) && beyond_size(mapping, vmf->pgoff)) {
		page_unlock(vmf->page);
		put_page(vmf->page);
		return VM_FAULT_SIGBUS;
	}
	return ret;
}

vm_fault_t filemap_page_mkwrite(struct vm_fault *vmf)
{
	struct address_space *mapping = &vmf->vma->file->inode->mapping;
	struct page *page = vmf->page;

	page_lock(page);
	if (page_mapping_file(page) != mapping || beyond_size(mapping, page->index)) {
		page_unlock(page);
		return VM_FAULT_NOPAGE;
	}
	(void)filemap_dirty_page(page);
	return VM_FAULT_LOCKED;
}
