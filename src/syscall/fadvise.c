/* SPDX-License-Identifier: MIT */
/* posix_fadvise: what a program expects to do with a file. Only two of the advices do anything. */
#include "base/uapi.h"
#include "filemap/filemap.h"
#include "shmem/shmem.h"
#include "syscall/syscall_internal.h"

static bool is_advice(int advice)
{
	switch (advice) {
	case POSIX_FADV_NORMAL:
	case POSIX_FADV_RANDOM:
	case POSIX_FADV_SEQUENTIAL:
	case POSIX_FADV_WILLNEED:
	case POSIX_FADV_DONTNEED:
	case POSIX_FADV_NOREUSE:
		return true;
	default:
		return false;
	}
}

/* Whole pages alone: of a partly advised one the rest may still be wanted. end: the last byte. */
static void fadvise_dontneed(struct inode *inode, u64 offset, u64 end)
{
	pgoff_t first = PAGE_ALIGN(offset) >> PAGE_SHIFT, last = end >> PAGE_SHIFT;

	(void)filemap_write_range(&inode->mapping, offset >> PAGE_SHIFT, last);
	if (PAGE_OFFSET_OF(end) != PAGE_SIZE - 1 && end != READ_ONCE(inode->size) - 1) {
		if (!last)
			return;
		last--;
	}
	if (first <= last)
		(void)invalidate_mapping_pages(&inode->mapping, first, last);
}

static int fadvise_file(struct file *file, s64 offset, s64 len, int advice, u32 group)
{
	struct inode *inode = file->inode;
	u64 end = (u64)offset + (u64)len - 1;

	if (len < 0 || !is_advice(advice))
		return -EINVAL;
	/* Nothing lies behind the page cache of shared memory; a userfaultfd has none. */
	if (file->uffd || inode_is_shmem(inode))
		return 0;
	if (!len || end < (u64)offset)
		end = MAX_FILE_BYTES;
	if (advice == POSIX_FADV_WILLNEED)
		filemap_readahead(&inode->mapping, (u64)offset >> PAGE_SHIFT, end >> PAGE_SHIFT,
				  group);
	else if (advice == POSIX_FADV_DONTNEED)
		fadvise_dontneed(inode, (u64)offset, end);
	return 0;
}

int umm_fadvise(struct umm_task *handle, int fd, int64_t offset_bytes, int64_t len_bytes,
		int advice)
{
	struct task *task = (struct task *)handle;
	struct syscall call = syscall_enter(task, NR_FADVISE64, (u32)fd, (u64)offset_bytes,
					    (u64)len_bytes, (u32)advice);
	struct file *file = fget(task->files, fd);
	int ret = -EBADF;

	if (file) {
		ret = fadvise_file(file, offset_bytes, len_bytes, advice,
				   READ_ONCE(task->mm->group));
		fput(file);
	}
	return (int)syscall_exit(&call, ret);
}
