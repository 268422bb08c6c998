/* SPDX-License-Identifier: MIT */
/* What a file of shared memory does, seals, and the table of all kinds of files. */
#include "shmem/shmem_internal.h"

#include "base/mutant.h"
#include "vma/mm.h"

#define ALL_SEALS                                                                 \
	(F_SEAL_SEAL | F_SEAL_EXEC | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | \
	 F_SEAL_FUTURE_WRITE)
#define SEAL_ROUNDS 5

/* ---- operations ----------------------------------------------------------------------- */

static int get_page_op(struct inode *inode, pgoff_t index, bool grow, struct page **ret_page)
{
	return shmem_get_page(inode, index, grow ? SGP_WRITE : SGP_READ, current_group(), ret_page);
}

static u64 size_pages(u64 bytes)
{
	return PAGE_ALIGN(bytes) >> PAGE_SHIFT;
}

/* A file that was promised its whole size is promised another one. */
static int reacct_size(struct inode *inode, u64 old, u64 size)
{
	if (inode->vm_flags & VM_NORESERVE)
		return 0;
	if (size_pages(size) > size_pages(old))
		return shmem_acct(inode, size_pages(size) - size_pages(old));
	shmem_unacct(inode, size_pages(old) - size_pages(size));
	return 0;
}

static void unmap_beyond(struct inode *inode, u64 size, u64 old)
{
	pgoff_t first = size_pages(size);

	if (old > PAGE_ALIGN(size))
		filemap_ops.unmap_pages(&inode->mapping, first, (~0ull >> PAGE_SHIFT) - first + 1,
					true);
}

static int set_size(struct inode *inode, u64 size)
{
	u64 old = inode->size;
	int err;

	if ((size < old && (inode->seals & F_SEAL_SHRINK)) ||
	    (size > old && (inode->seals & F_SEAL_GROW)))
		return -EPERM;
	err = reacct_size(inode, old, size);
	if (err)
		return err;
	WRITE_ONCE(inode->size, size);
	if (size > old)
		return 0;
	/* Also when the size stays: pages beyond it may have been allocated ahead. */
	unmap_beyond(inode, size, old);
	shmem_undo_range(inode, size, ~0ull);
	/* Private copies that a fault made of pages it had found before the size was set. */
	if (!MUTANT(truncate_unmaps_once))
		unmap_beyond(inode, size, old);
	return 0;
}

static void evict(struct inode *inode)
{
	struct machine *m = machine_of(inode);

	shmem_undo_range(inode, 0, ~0ull);
	mutex_lock(&m->shmem_lock);
	list_del_init(&inode->swaplist);
	mutex_unlock(&m->shmem_lock);
	VM_BUG_ON2(inode->alloced || inode->swapped, inode->alloced, inode->swapped);
	if (!(inode->vm_flags & VM_NORESERVE))
		shmem_unacct(inode, size_pages(inode->size));
}

static int may_write(struct inode *inode, u64 offset, u64 len)
{
	if (inode->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))
		return -EPERM;
	return (inode->seals & F_SEAL_GROW) && offset + len > inode->size ? -EPERM : 0;
}

/* Pages in memory and in swap. */
static u64 blocks(struct inode *inode)
{
	u64 pages;

	shmem_recalc_inode(inode);
	spin_lock(&inode->info_lock);
	pages = (u64)inode->alloced;
	spin_unlock(&inode->info_lock);
	return pages * (PAGE_SIZE / 512);
}

const struct inode_ops shmem_inode_ops = {
	.get_page = get_page_op,
	.set_size = set_size,
	.fallocate = shmem_fallocate,
	.evict = evict,
	.may_write = may_write,
	.blocks = blocks,
};

const struct inode_ops *const inode_operations[NR_INODE_KINDS] = {
	[INODE_SHMEM] = &shmem_inode_ops,
	[INODE_REGULAR] = &regular_inode_ops,
};

/* ---- seals ---------------------------------------------------------------------------- */

/* Whether somebody holds a page beside the cache, its mappings, and us. */
static bool page_is_held(struct page *page)
{
	bool held;

	page_lock(page);
	held = page_count(page) - page_mapcount(page) - (int)page_test_swapcache(page) != 2;
	page_unlock(page);
	return held;
}

static bool has_held_pages(struct inode *inode)
{
	struct shmem_place place;
	bool held = false;

	for (pgoff_t index = 0;
	     !held && shmem_next_place(inode, &index, ~0ull >> PAGE_SHIFT, &place); index++) {
		if (!place.page)
			continue;
		held = page_is_held(place.page);
		put_page(place.page);
	}
	return held;
}

/*
 * No more writes: by mappings, which can only be counted, or by who holds pages for writing. A
 * fault on its way lets go of its page soon; a pin does not.
 */
static int deny_writes(struct inode *inode)
{
	int err = mapping_deny_writable(&inode->mapping);

	if (err)
		return err;
	for (int round = 0; round < SEAL_ROUNDS; round++)
		if (!has_held_pages(inode))
			return 0;
	atomic_inc(&inode->mapping.i_mmap_writable);
	return -EBUSY;
}

int shmem_add_seals(struct file *file, u32 seals)
{
	struct inode *inode = file->inode;
	int err = 0;

	if (!inode_is_shmem(inode))
		return -EINVAL;
	if (!(file->mode & FMODE_WRITE))
		return -EPERM;
	if (seals & ~(u32)ALL_SEALS)
		return -EINVAL;
	down_write(&inode->rwsem);
	/* What can be executed and is sealed so can no longer be written either. */
	if ((seals & F_SEAL_EXEC) && !(inode->seals & F_SEAL_EXEC))
		seals |= F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE;
	if (inode->seals & F_SEAL_SEAL)
		err = -EPERM;
	else if ((seals & F_SEAL_WRITE) && !(inode->seals & F_SEAL_WRITE))
		err = deny_writes(inode);
	if (!err)
		WRITE_ONCE(inode->seals, inode->seals | seals); /* mmap looks without the lock */
	up_write(&inode->rwsem);
	return err;
}

int shmem_get_seals(struct file *file)
{
	struct inode *inode = file->inode;
	int seals;

	if (!inode_is_shmem(inode))
		return -EINVAL;
	down_read(&inode->rwsem);
	seals = (int)inode->seals;
	up_read(&inode->rwsem);
	return seals;
}
