/* SPDX-License-Identifier: MIT */
/*
 * msync. What a shared mapping of a file has changed is written to it (MS_SYNC); nothing else has
 * anything to do, and only looks whether the range is mapped.
 */
#include "base/uapi.h"
#include "filemap/filemap.h"
#include "syscall/syscall_internal.h"

struct msync {
	struct mm *mm;
	vaddr_t start, end; /* what is left */
	int flags;
	int hole; /* -ENOMEM once part of the range was not mapped */
};

/*
 * One vma, from start on. 0: go on behind it; or the result. mmap_lock read held, also on exit; it
 * may have been dropped.
 */
static int sync_vma(struct msync *sync, struct vm_area *vma)
{
	pgoff_t first = linear_page_index(vma, sync->start), last;
	struct file *file = vma->file;
	int err;

	if ((sync->flags & MS_INVALIDATE) && (vma->flags & VM_LOCKED))
		return -EBUSY;
	last = linear_page_index(vma, MIN(sync->end, vma->end)) - 1;
	sync->start = vma->end;
	if (!(sync->flags & MS_SYNC) || !file || !(vma->flags & VM_SHARED))
		return 0;
	get_file(file);
	up_read(&sync->mm->mmap_lock);
	err = file_fsync_range(file, first, last);
	fput(file);
	down_read(&sync->mm->mmap_lock);
	return err;
}

/* mmap_lock read held. */
static int sync_range(struct msync *sync)
{
	while (sync->start < sync->end) {
		struct vm_area *vma = find_vma(sync->mm, sync->start);
		int err;

		if (!vma)
			return -ENOMEM;
		if (sync->start < vma->start) {
			if (sync->flags == MS_ASYNC || vma->start >= sync->end)
				return -ENOMEM;
			sync->start = vma->start;
			sync->hole = -ENOMEM;
		}
		err = sync_vma(sync, vma);
		if (err)
			return err;
	}
	return sync->hole;
}

static int do_msync(struct mm *mm, vaddr_t start, u64 len, int flags)
{
	struct msync sync = {
		.mm = mm,
		.start = start,
		.end = start + PAGE_ALIGN(len),
		.flags = flags,
	};
	int err;

	if ((flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC)) || PAGE_OFFSET_OF(start) ||
	    ((flags & MS_ASYNC) && (flags & MS_SYNC)))
		return -EINVAL;
	if (sync.end < start)
		return -ENOMEM;
	down_read(&mm->mmap_lock);
	err = sync_range(&sync);
	up_read(&mm->mmap_lock);
	return err;
}

int umm_msync(struct umm_task *handle, uint64_t addr, uint64_t len_bytes, int flags)
{
	struct task *task = (struct task *)handle;
	struct syscall call = syscall_enter(task, NR_MSYNC, addr, len_bytes, (u32)flags, 0);

	return (int)syscall_exit(&call, do_msync(task->mm, addr, len_bytes, flags));
}
