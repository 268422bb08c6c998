/* SPDX-License-Identifier: MIT */
/*
 * Regular files: what is behind the page cache is a file of the host. Its contents, and its size as
 * it was when the first description of it was opened, are what the machine knows of it; that the
 * host changes it meanwhile is not seen.
 *
 *   several descriptors, mappings, processes   one inode, by the host's device and inode number
 *   the machine is put back, or opened         the inode's pages are as they were in it; the file
 *   elsewhere                                  is opened again, by name, and is as the host has it
 *
 * Locks: rwsem (size, writes) → mmap_lock → invalidate_lock (write: the size changes, pages go;
 * read: pages come) → folio lock.
 */
#include "base/mutant.h"
#include "base/format.h"
#include "base/uapi.h"
#include "filemap/filemap.h"

#define OPEN_CLOEXEC 02000000u /* O_CLOEXEC: there is no exec */
#define OPEN_FLAGS ((u32)(O_ACCMODE | O_CREAT | O_TRUNC) | OPEN_CLOEXEC)

/* ---- opening ----------------------------------------------------------------------------- */

static u32 file_mode(u32 flags)
{
	switch (flags & O_ACCMODE) {
	case O_RDONLY:
		return FMODE_READ;
	case O_WRONLY:
		return FMODE_WRITE;
	default:
		return FMODE_READ | FMODE_WRITE;
	}
}

/* *ret_inode is the caller's to put. */
static int open_inode(struct machine *m, const char *path, u32 flags, u32 mode,
		      struct inode **ret_inode)
{
	char name[INODE_NAME_BYTES];
	struct host_file host_file;
	int err;

	/* What there is of pages has to go with the contents: truncating is done below. */
	err = host_file_open(path, (int)(flags & ~(u32)O_TRUNC), mode, &host_file, name,
			     sizeof(name));
	return err ? err : inode_of_host_file(m, &host_file, name, ret_inode);
}

static int truncate_opened(struct inode *inode)
{
	int err;

	down_write(&inode->rwsem);
	err = regular_inode_ops.set_size(inode, 0);
	up_write(&inode->rwsem);
	return err;
}

int regular_open(struct machine *m, const char *path, u32 flags, u32 mode, struct file **ret_file)
{
	struct inode *inode;
	int err;

	if ((flags & ~OPEN_FLAGS) || (flags & O_ACCMODE) == O_ACCMODE)
		return -EINVAL;
	err = open_inode(m, path, flags, mode, &inode);
	if (err)
		return err;
	if (flags & O_TRUNC)
		err = truncate_opened(inode);
	if (!err) {
		*ret_file = file_alloc(inode, file_mode(flags));
		if (!*ret_file)
			err = -ENOMEM;
	}
	if (err)
		inode_put(inode);
	return err;
}

/* ---- inode_ops --------------------------------------------------------------------------- */

/* A page that could not be read in for a write beyond the end: it does not stay there. */
static void drop_beyond_end(struct inode *inode)
{
	down_write(&inode->mapping.invalidate_lock);
	truncate_pagecache_range(inode, PAGE_ALIGN(inode->size), MAX_FILE_BYTES - 1);
	up_write(&inode->mapping.invalidate_lock);
}

static int regular_get_page(struct inode *inode, pgoff_t index, bool grow, struct page **ret_page)
{
	int err;

	if (!grow && index << PAGE_SHIFT >= READ_ONCE(inode->size))
		return -EINVAL;
	down_read(&inode->mapping.invalidate_lock);
	err = filemap_read_page(&inode->mapping, index, current_group(), ret_page);
	up_read(&inode->mapping.invalidate_lock);
	if (err && grow && !MUTANT(failed_write_leaves_page))
		drop_beyond_end(inode);
	return err;
}

/* The pages before the file: what is still being written back must not make it longer again. */
static int regular_set_size(struct inode *inode, u64 size)
{
	int err;

	down_write(&inode->mapping.invalidate_lock);
	truncate_setsize(inode, size);
	err = host_file_truncate(&inode->host_file, inode->name, size);
	up_write(&inode->mapping.invalidate_lock);
	return err;
}

static int punch_hole(struct inode *inode, u64 offset, u64 len)
{
	int err;

	/* What is dropped might be what was to make the host's file as long as it should be. */
	err = host_file_truncate(&inode->host_file, inode->name, inode->size);
	if (err)
		return err;
	down_write(&inode->mapping.invalidate_lock);
	truncate_pagecache_range(inode, offset, offset + len - 1);
	err = host_file_allocate(&inode->host_file, inode->name,
				 FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, len);
	up_write(&inode->mapping.invalidate_lock);
	return err;
}

static int allocate_ahead(struct inode *inode, bool keep_size, u64 offset, u64 len)
{
	int err = host_file_allocate(&inode->host_file, inode->name, FALLOC_FL_KEEP_SIZE, offset,
				     len);

	if (err || keep_size || offset + len <= inode->size)
		return err;
	return regular_set_size(inode, offset + len);
}

static int regular_fallocate(struct inode *inode, u32 mode, u64 offset, u64 len)
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

/* Nobody is left to be told of an error. */
static void regular_evict(struct inode *inode)
{
	(void)filemap_write_range(&inode->mapping, 0, MAX_FILE_BYTES >> PAGE_SHIFT);
	truncate_inode_pages_final(&inode->mapping);
	host_file_close(&inode->host_file);
}

static int regular_may_write(struct inode *inode, u64 offset, u64 len)
{
	(void)len;
	filemap_prepare_extend(inode, offset);
	return 0;
}

static u64 regular_blocks(struct inode *inode)
{
	u64 size, blocks;

	return host_file_stat(&inode->host_file, inode->name, &size, &blocks) ? 0 : blocks;
}

const struct inode_ops regular_inode_ops = {
	.get_page = regular_get_page,
	.set_size = regular_set_size,
	.fallocate = regular_fallocate,
	.evict = regular_evict,
	.may_write = regular_may_write,
	.blocks = regular_blocks,
};

/* ---- as a backing of vmas ---------------------------------------------------------------- */

static size_t regular_vma_name(const struct vm_area *vma, char *buf, size_t size)
{
	struct strbuf text;

	strbuf_init(&text, buf, size);
	strbuf_puts(&text, vma->file->inode->name);
	return text.len;
}

const struct vm_operations filemap_vm_ops = {
	.fault = filemap_fault,
	.page_mkwrite = filemap_page_mkwrite,
	.map_around = true,
	.name = regular_vma_name,
};
