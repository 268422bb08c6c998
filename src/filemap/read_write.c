/* SPDX-License-Identifier: MIT */
/* Reading and writing files of any kind, through the page cache. */
#include "base/uapi.h"
#include "filemap/filemap.h"
#include "phys/lru.h"
#include "sync/copy.h"

/* As much as one call moves. */
#define MAX_RW_BYTES (0x7fffffffull & PAGE_MASK)

static const u8 zeros[PAGE_SIZE];

static const struct inode_ops *ops_of(const struct inode *inode)
{
	return inode_operations[inode->kind];
}

/* Up to len bytes from within one page; bytes read, 0 at the end, or -errno. */
static s64 read_page_part(struct inode *inode, u8 *buf, u64 len, u64 offset)
{
	u64 in_page = PAGE_OFFSET_OF(offset), size = READ_ONCE(inode->size);
	struct page *page = NULL;
	int err;

	if (offset >= size)
		return 0;
	err = ops_of(inode)->get_page(inode, offset >> PAGE_SHIFT, false, &page);
	/* The end of the file has come before the page. */
	if (err == -EINVAL)
		return 0;
	if (err)
		return err;
	size = READ_ONCE(inode->size);
	len = offset < size ? MIN(len, MIN(PAGE_SIZE - in_page, size - offset)) : 0;
	copy_relaxed(buf, page ? (u8 *)page_address(page) + in_page : zeros, len);
	if (page) {
		page_mark_accessed(page);
		page_unlock(page);
		put_page(page);
	}
	return (s64)len;
}

s64 generic_file_read(struct file *file, void *buf, u64 len, u64 offset)
{
	u64 done = 0;

	len = MIN(len, MAX_RW_BYTES);
	while (done < len) {
		s64 ret = read_page_part(file->inode, (u8 *)buf + done, len - done, offset + done);

		if (ret < 0 && !done)
			return ret;
		if (ret <= 0)
			break;
		done += (u64)ret;
	}
	return (s64)done;
}

/* Up to len bytes into one page; bytes written, or -errno. rwsem held for write. */
static s64 write_page_part(struct inode *inode, const u8 *buf, u64 len, u64 offset)
{
	u64 in_page = PAGE_OFFSET_OF(offset);
	struct page *page;
	int err;

	len = MIN(len, PAGE_SIZE - in_page);
	err = ops_of(inode)->get_page(inode, offset >> PAGE_SHIFT, true, &page);
	if (err)
		return err;
	copy_relaxed((u8 *)page_address(page) + in_page, buf, len);
	if (offset + len > inode->size)
		WRITE_ONCE(inode->size, offset + len);
	(void)filemap_dirty_page(page);
	page_unlock(page);
	put_page(page);
	return (s64)len;
}

s64 generic_file_write(struct file *file, const void *buf, u64 len, u64 offset)
{
	struct inode *inode = file->inode;
	u64 done = 0;
	s64 ret = 0;

	if (!len)
		return 0;
	if (offset >= MAX_FILE_BYTES)
		return -EFBIG;
	len = MIN(len, MIN(MAX_RW_BYTES, MAX_FILE_BYTES - offset));
	down_write(&inode->rwsem);
	while (done < len && ret >= 0) {
		ret = ops_of(inode)->may_write(inode, offset + done,
					       MIN(len - done,
						   PAGE_SIZE - PAGE_OFFSET_OF(offset + done)));
		if (!ret)
			ret = write_page_part(inode, (const u8 *)buf + done, len - done,
					      offset + done);
		if (ret > 0)
			done += (u64)ret;
	}
	up_write(&inode->rwsem);
	return done ? (s64)done : ret;
}
