/* SPDX-License-Identifier: MIT */
/* mincore and msync: calls that only look. */
#include "base/uapi.h"
#include "range/range.h"
#include "syscall/syscall_internal.h"

static int do_mincore(struct mm *mm, vaddr_t addr, u64 len, u8 *ret_vec)
{
	vaddr_t end;
	int err = 0;

	if (PAGE_OFFSET_OF(addr))
		return -EINVAL;
	if (addr > TASK_SIZE || len > TASK_SIZE - addr)
		return -ENOMEM;
	end = addr + PAGE_ALIGN(len);
	down_read(&mm->mmap_lock);
	while (addr < end) {
		struct vm_area *vma = vma_lookup(mm, addr);
		vaddr_t stop;

		if (!vma) {
			err = -ENOMEM;
			break;
		}
		stop = MIN(vma->end, end);
		mincore_range(vma, addr, stop, ret_vec);
		ret_vec += (stop - addr) >> PAGE_SHIFT;
		addr = stop;
	}
	up_read(&mm->mmap_lock);
	return err;
}

int umm_mincore(struct umm_task *handle, uint64_t addr, uint64_t len_bytes, uint8_t *ret_vec)
{
	struct task *task = (struct task *)handle;
	struct syscall call = syscall_enter(task, NR_MINCORE, addr, len_bytes, 0, 0);

	return (int)syscall_exit(&call, do_mincore(task->mm, addr, len_bytes, ret_vec));
}

/* There is no file to write to: what is left are the checks. mmap_lock read. */
static int check_msync_range(struct mm *mm, vaddr_t start, vaddr_t end, int flags)
{
	struct vm_area *vma = find_vma(mm, start);
	int hole = 0;

	for (;; vma = vma_next(vma)) {
		if (!vma)
			return -ENOMEM;
		if (start < vma->start) {
			if (flags == MS_ASYNC || vma->start >= end)
				return -ENOMEM;
			hole = -ENOMEM;
		}
		if ((flags & MS_INVALIDATE) && (vma->flags & VM_LOCKED))
			return -EBUSY;
		start = vma->end;
		if (start >= end)
			return hole;
	}
}

static int do_msync(struct mm *mm, vaddr_t start, u64 len, int flags)
{
	vaddr_t end = start + PAGE_ALIGN(len);
	int err;

	if ((flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC)) || PAGE_OFFSET_OF(start) ||
	    ((flags & MS_ASYNC) && (flags & MS_SYNC)))
		return -EINVAL;
	if (end < start)
		return -ENOMEM;
	if (end == start)
		return 0;
	down_read(&mm->mmap_lock);
	err = check_msync_range(mm, start, end, flags);
	up_read(&mm->mmap_lock);
	return err;
}

int umm_msync(struct umm_task *handle, uint64_t addr, uint64_t len_bytes, int flags)
{
	struct task *task = (struct task *)handle;
	struct syscall call = syscall_enter(task, NR_MSYNC, addr, len_bytes, (u32)flags, 0);

	return (int)syscall_exit(&call, do_msync(task->mm, addr, len_bytes, flags));
}
