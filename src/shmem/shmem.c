/* SPDX-License-Identifier: MIT */
/*
 * Shared memory: files without a disk. A page of one lives in the page cache, or in swap, or
 * nowhere, which reads as zeros.
 *
 *                      shmem_get_page                        shmem_writeout
 *          nothing ────────────────────► page, clean ─┐   ┌────────────────────► slot's value
 *             ▲  ▲                         │     write▼   │                          │  │
 *             │  └── reclaim drops it ─────┘        page, dirty ◄── shmem_swapin ─────┘  │
 *             │                                       │                                  │
 *             └──────────── shmem_undo_range (truncate, punch) ──────────────────────────┘
 *
 * A page changes its place under its folio lock; a value under pages.lock alone, so that
 * swap-in must look whether its value is still there when it puts the page in its stead.
 *
 * Who keeps faults away from what is being cut:
 *   truncate   the size is set first, and a page is looked at again under its lock
 *   punch      unmap without locks, then page by page under its lock, while inode->falloc makes
 *              faults into the hole wait: else a busy reader could refill it for ever
 *
 * Memory is promised to a file in one of two ways: at once for its whole size (shared anonymous
 * memory), or page by page (VM_NORESERVE: memfd); alloced counts the pages either way.
 *
 * Locks: inode->rwsem (size, seals) → mmap_lock → folio lock → pages.lock → swap → info_lock.
 */
#include "shmem/shmem_internal.h"

#include "base/format.h"
#include "phys/group.h"
#include "uffd/uffd.h"
#include "vma/mm.h"

bool inode_is_shmem(const struct inode *inode)
{
	return inode->kind == INODE_SHMEM;
}

/* ---- promised memory ------------------------------------------------------------------ */

int shmem_acct(struct inode *inode, u64 pages)
{
	const struct task *task = current;

	if (task && task->mm)
		return vm_enough_memory(task->mm, pages);
	atomic64_add(&machine_of(inode)->committed_pages, (s64)pages);
	return 0;
}

void shmem_unacct(struct inode *inode, u64 pages)
{
	atomic64_sub(&machine_of(inode)->committed_pages, (s64)pages);
}

/* One page more for a file that is promised page by page. */
static int shmem_acct_page(struct inode *inode)
{
	return inode->vm_flags & VM_NORESERVE ? shmem_acct(inode, 1) : 0;
}

static void shmem_unacct_pages(struct inode *inode, u64 pages)
{
	if (inode->vm_flags & VM_NORESERVE)
		shmem_unacct(inode, pages);
}

/*
 * pages.lock held. Writing out counts a page as swapped before it leaves the cache, so that it
 * never looks like one that was dropped; what it adds is left out of the comparison.
 */
static void shmem_count_locked(struct inode *inode, s64 alloced, s64 swapped)
{
	s64 dropped;

	spin_lock(&inode->info_lock);
	inode->alloced += alloced;
	inode->swapped += swapped;
	dropped = inode->alloced - inode->swapped - (s64)inode->mapping.nr_pages;
	if (swapped > 0)
		dropped += swapped;
	if (dropped > 0)
		inode->alloced -= dropped;
	VM_BUG_ON2(inode->alloced < 0 || inode->swapped < 0, inode->alloced, inode->swapped);
	spin_unlock(&inode->info_lock);
	if (dropped > 0)
		shmem_unacct_pages(inode, (u64)dropped);
}

void shmem_count(struct inode *inode, s64 alloced, s64 swapped)
{
	struct xarray *pages = &inode->mapping.pages;

	spin_lock(&pages->lock);
	shmem_count_locked(inode, alloced, swapped);
	spin_unlock(&pages->lock);
}

void shmem_recalc_inode(struct inode *inode)
{
	shmem_count(inode, 0, 0);
}

void shmem_page_dropped(struct inode *inode)
{
	shmem_count_locked(inode, 0, 0);
}

/* ---- a page of a file ----------------------------------------------------------------- */

static bool beyond_size(struct inode *inode, pgoff_t index, enum sgp_type sgp)
{
	return sgp <= SGP_CACHE && index << PAGE_SHIFT >= READ_ONCE(inode->size);
}

int shmem_add_page(struct inode *inode, pgoff_t index, struct page *page)
{
	int err;

	if (shmem_acct_page(inode))
		return -ENOSPC;
	page_init_flags(page, BIT(PG_swapbacked));
	page_lock(page);
	err = filemap_add_page(&inode->mapping, page, index, 0);
	if (err) {
		page_unlock(page);
		shmem_unacct_pages(inode, 1);
		return err;
	}
	lru_add(page);
	shmem_count(inode, 1, 0);
	return 0;
}

/* A page of zeros at a hole. -EEXIST: somebody was faster. */
static int shmem_alloc_page(struct inode *inode, pgoff_t index, u32 group, struct page **ret_page)
{
	struct page *page;
	int err;

	page = alloc_user_page(machine_of(inode), group, GFP_ZERO | GFP_MOVABLE, FAIL_SHMEM_PAGE);
	if (!page)
		return -ENOMEM;
	err = shmem_add_page(inode, index, page);
	if (err)
		put_page(page);
	*ret_page = page;
	return err;
}

void shmem_drop_page(struct inode *inode, struct page *page)
{
	filemap_clean_page(page);
	filemap_remove_page(page, 0);
	page_unlock(page);
	put_page(page); /* the cache's */
	put_page(page);
	shmem_recalc_inode(inode);
}

static int shmem_fill_hole(struct inode *inode, pgoff_t index, enum sgp_type sgp, u32 group,
			   struct page **ret_page)
{
	struct page *page;
	int err = shmem_alloc_page(inode, index, group, &page);

	if (err)
		return err;
	if (beyond_size(inode, index, sgp)) {
		shmem_drop_page(inode, page);
		return -EINVAL;
	}
	/* What fallocate allocates is told by this from what has been touched. */
	if (sgp != SGP_FALLOC)
		page_set_uptodate(page);
	/* The first use of it: the second, when it is found here again, makes it active. */
	if (sgp == SGP_WRITE)
		page_set_referenced(page);
	*ret_page = page;
	return 0;
}

/* What is asked for. */
struct shmem_get {
	struct inode *inode;
	pgoff_t index;
	enum sgp_type sgp;
	u32 group;
	struct vm_fault *vmf; /* for a fault; NULL: none */
	vm_fault_t result;    /* of a fault without a page, or VM_FAULT_MAJOR */
};

/* The handler's, if its vma is watched for that: no page then, but get->result. */
static bool is_userfault(const struct shmem_get *get, u64 mode)
{
	return get->vmf && unlikely(get->vmf->vma->flags & mode);
}

static int shmem_userfault(struct shmem_get *get, u64 mode, struct page **ret_page)
{
	get->result = handle_userfault(get->vmf, mode);
	*ret_page = NULL;
	return 0;
}

static bool has_place(struct inode *inode, pgoff_t index)
{
	struct xarray *pages = &inode->mapping.pages;
	bool found;

	spin_lock(&pages->lock);
	found = xa_load_locked(pages, index);
	spin_unlock(&pages->lock);
	return found;
}

/* A page that was found, locked. */
static int use_page(const struct shmem_get *get, struct page *page, struct page **ret_page)
{
	if (get->sgp == SGP_WRITE)
		page_mark_accessed(page);
	page_set_uptodate(page);
	*ret_page = page;
	return 0;
}

static int swap_in_page(struct shmem_get *get, u64 value, struct page **ret_page)
{
	bool major = false;
	int err = shmem_swapin(get->inode, get->index, value, get->group, &major, ret_page);

	if (major)
		get->result |= VM_FAULT_MAJOR;
	return err;
}

/* As shmem_get_page; -EEXIST: what was there has changed, look again. */
static int get_page_once(struct shmem_get *get, struct page **ret_page)
{
	struct inode *inode = get->inode;
	u64 value = 0;
	struct page *page;

	if (beyond_size(inode, get->index, get->sgp))
		return -EINVAL;
	if (is_userfault(get, VM_UFFD_MINOR) && has_place(inode, get->index))
		return shmem_userfault(get, VM_UFFD_MINOR, ret_page);
	page = filemap_lock_page(&inode->mapping, get->index, &value);
	if ((page || value) && is_userfault(get, VM_UFFD_MINOR)) {
		/* It has come since: a minor fault after all. */
		if (page) {
			page_unlock(page);
			put_page(page);
		}
		return -EEXIST;
	}
	if (!page && value)
		return swap_in_page(get, value, ret_page);
	if (page && !page_test_uptodate(page) && get->sgp == SGP_READ) {
		page_unlock(page);
		put_page(page);
		page = NULL;
	}
	if (page)
		return use_page(get, page, ret_page);
	if (is_userfault(get, VM_UFFD_MISSING))
		return shmem_userfault(get, VM_UFFD_MISSING, ret_page);
	if (get->sgp == SGP_READ) {
		*ret_page = NULL;
		return 0;
	}
	if (get->sgp == SGP_NOALLOC)
		return -ENOENT;
	return shmem_fill_hole(inode, get->index, get->sgp, get->group, ret_page);
}

static int do_get_page(struct shmem_get *get, struct page **ret_page)
{
	int err;

	if (get->index > MAX_FILE_BYTES >> PAGE_SHIFT)
		return -EFBIG;
	do
		err = get_page_once(get, ret_page);
	while (err == -EEXIST);
	return err;
}

int shmem_get_page(struct inode *inode, pgoff_t index, enum sgp_type sgp, u32 group,
		   struct page **ret_page)
{
	struct shmem_get get = { .inode = inode, .index = index, .sgp = sgp, .group = group };

	return do_get_page(&get, ret_page);
}

/* ---- faults --------------------------------------------------------------------------- */

static bool in_hole(const struct inode *inode, pgoff_t index)
{
	const struct shmem_falloc *falloc = &inode->falloc;

	return READ_ONCE(((struct shmem_falloc *)falloc)->punching) && index >= falloc->start &&
	       index < falloc->next;
}

/*
 * The hole is being punched: wait for its end, on the first try without mmap_lock, and come
 * back. 0: there is none.
 */
static vm_fault_t wait_for_punch(struct vm_fault *vmf, struct inode *inode)
{
	u32 first = vmf->flags & (FAULT_FLAG_ALLOW_RETRY | FAULT_FLAG_TRIED);
	struct wait_queue_entry wait;
	struct file *file = NULL;

	spin_lock(&inode->info_lock);
	if (!in_hole(inode, vmf->pgoff)) {
		spin_unlock(&inode->info_lock);
		return 0;
	}
	prepare_to_wait(&inode->falloc.waitq, &wait);
	spin_unlock(&inode->info_lock);
	if (first == FAULT_FLAG_ALLOW_RETRY && !(vmf->flags & FAULT_FLAG_RETRY_NOWAIT)) {
		/* Without mmap_lock the vma may go; the queue is in the inode. */
		file = vmf->vma->file;
		get_file(file);
		up_read(&vmf->mm->mmap_lock);
	}
	wait_schedule(&inode->falloc.waitq, &wait);
	finish_wait(&inode->falloc.waitq, &wait);
	if (!file)
		return VM_FAULT_NOPAGE;
	fput(file);
	return VM_FAULT_RETRY;
}

vm_fault_t shmem_fault(struct vm_fault *vmf)
{
	struct inode *inode = vmf->vma->file->inode;
	struct shmem_get get = {
		.inode = inode,
		.index = vmf->pgoff,
		.sgp = SGP_CACHE,
		.group = READ_ONCE(vmf->mm->group),
		.vmf = vmf,
	};
	struct page *page = NULL;
	vm_fault_t ret;
	int err;

	/*
	 * The entry was looked at before: one that the first pass of a punch has emptied is seen
	 * only together with the punch that was announced before it.
	 */
	smp_rmb();
	if (READ_ONCE(inode->falloc.punching)) {
		ret = wait_for_punch(vmf, inode);
		if (ret)
			return ret;
	}
	err = do_get_page(&get, &page);
	if (err)
		return err == -ENOMEM ? VM_FAULT_OOM : VM_FAULT_SIGBUS;
	if (!page)
		return get.result;
	VM_BUG_ON2(!page_test_uptodate(page), page->flags, page_to_pfn(page).n);
	vmf->page = page;
	return VM_FAULT_LOCKED | get.result;
}

static size_t shmem_vma_name(const struct vm_area *vma, char *buf, size_t size)
{
	struct strbuf sb;

	strbuf_init(&sb, buf, size);
	strbuf_puts(&sb, vma->file->inode->name);
	return sb.len;
}

const struct vm_operations shmem_vm_ops = {
	.fault = shmem_fault,
	.map_around = true,
	.name = shmem_vma_name,
};

/* ---- life ----------------------------------------------------------------------------- */

static void shmem_set_name(struct inode *inode, const char *name)
{
	struct strbuf sb;

	strbuf_init(&sb, inode->name, sizeof(inode->name));
	strbuf_puts(&sb, name);
	strbuf_puts(&sb, " (deleted)");
}

int shmem_file_setup(struct machine *m, const char *name, u64 size_bytes, u64 vm_flags,
		     struct file **ret_file)
{
	struct inode *inode;
	struct file *file;

	if (size_bytes > MAX_FILE_BYTES)
		return -EINVAL;
	inode = inode_alloc(m, INODE_SHMEM);
	if (!inode)
		return -ENOMEM;
	inode->vm_flags = vm_flags & VM_NORESERVE;
	inode->seals = F_SEAL_SEAL;
	init_waitqueue_head(&inode->falloc.waitq);
	shmem_set_name(inode, name);
	if (!inode->vm_flags && shmem_acct(inode, PAGE_ALIGN(size_bytes) >> PAGE_SHIFT)) {
		inode_put(inode);
		return -ENOMEM;
	}
	WRITE_ONCE(inode->size, size_bytes);
	file = file_alloc(inode, FMODE_READ | FMODE_WRITE);
	if (!file) {
		inode_put(inode);
		return -ENOMEM;
	}
	*ret_file = file;
	return 0;
}
