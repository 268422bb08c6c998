/* SPDX-License-Identifier: MIT */
/*
 * mlock and its family. Locking is two steps: the flags of the vmas under mmap_lock, then the
 * pages after it is dropped; a failure of the second leaves the first in place.
 */
#include "base/uapi.h"
#include "gup/gup.h"
#include "range/range.h"
#include "rmap/rmap.h"
#include "syscall/syscall_internal.h"

static int mlock_fixup(struct vm_area *vma, vaddr_t start, vaddr_t end, u64 flags,
		       struct vm_area **ret_vma)
{
	struct mm *mm = vma->mm;
	u64 old = vma->flags;
	u64 pages = (end - start) >> PAGE_SHIFT;
	int err;

	*ret_vma = vma;
	if (flags == old || (old & (VM_SPECIAL | VM_HUGETLB | VM_DROPPABLE)))
		return 0;
	if ((flags ^ old) & VM_LOCKED)
		mlock_begin(mm, start, end, flags & VM_LOCKED);
	err = vma_modify_flags(vma, start, end, flags, ret_vma);
	if (err)
		goto end;
	vma = *ret_vma;
	flags |= vma->flags & VM_STICKY;
	if (!(flags & VM_LOCKED))
		mm->locked_vm -= old & VM_LOCKED ? pages : 0;
	else if (!(old & VM_LOCKED))
		mm->locked_vm += pages;
	if ((flags ^ old) & VM_LOCKED)
		mlock_vma_pages_range(vma, start, end, flags);
	else
		vma_set_flags(vma, flags);
end:
	if ((flags ^ old) & VM_LOCKED)
		mlock_end(mm);
	return err;
}

/* Every vma of the range gets lock_flags, which may be none; a hole ends it. */
static int apply_vma_lock_flags(struct mm *mm, vaddr_t start, u64 len, u64 lock_flags)
{
	vaddr_t end = start + len;
	struct vm_area *vma;
	int err;

	if (end < start)
		return -EINVAL;
	if (end == start)
		return 0;
	for (vma = vma_lookup(mm, start); start < end; vma = vma_next(vma)) {
		if (!vma || vma->start > start)
			return -ENOMEM;
		err = mlock_fixup(vma, start, MIN(vma->end, end),
				  (vma->flags & ~VM_LOCKED_MASK) | lock_flags, &vma);
		if (err)
			return err;
		start = vma->end;
	}
	return 0;
}

/* Pages of the range that are locked already do not count twice. */
static u64 count_locked_pages(struct mm *mm, vaddr_t start, u64 len)
{
	vaddr_t end = start + len < start ? TASK_SIZE : start + len;
	struct vm_area *vma;
	u64 pages = 0;

	for_each_vma_range(mm, vma, start, end) {
		if (vma->flags & VM_LOCKED)
			pages += (MIN(end, vma->end) - MAX(start, vma->start)) >> PAGE_SHIFT;
	}
	return pages;
}

static bool within_lock_limit(struct mm *mm, vaddr_t start, u64 len)
{
	u64 limit = mm->rlimit[MM_RLIMIT_MEMLOCK] >> PAGE_SHIFT;
	u64 locked = (len >> PAGE_SHIFT) + mm->locked_vm;

	if (mm->cap_ipc_lock || locked <= limit)
		return true;
	return locked - count_locked_pages(mm, start, len) <= limit;
}

static int do_mlock(struct mm *mm, vaddr_t start, u64 len, u64 lock_flags)
{
	int err = -ENOMEM;

	if (!can_do_mlock(mm))
		return -EPERM;
	len = PAGE_ALIGN(len + PAGE_OFFSET_OF(start));
	start &= PAGE_MASK;
	down_write(&mm->mmap_lock);
	if (within_lock_limit(mm, start, len))
		err = apply_vma_lock_flags(mm, start, len, lock_flags);
	up_write(&mm->mmap_lock);
	if (err)
		return err;
	err = mm_populate(mm, start, len, false);
	/* POSIX's words for it. */
	if (err == -EFAULT)
		return -ENOMEM;
	return err == -ENOMEM ? -EAGAIN : err;
}

/* flags: MCL_*, or 0 to unlock everything. */
static void apply_mlockall_flags(struct mm *mm, u32 flags)
{
	u64 lock_flags = VM_LOCKED | (flags & MCL_ONFAULT ? VM_LOCKONFAULT : 0);
	struct vm_area *vma;

	mm->def_flags &= ~VM_LOCKED_MASK;
	if (flags & MCL_FUTURE)
		mm->def_flags |= lock_flags;
	if ((flags & MCL_FUTURE) && !(flags & MCL_CURRENT))
		return;
	if (!(flags & MCL_CURRENT))
		lock_flags = 0;
	for (vma = vma_first(mm); vma; vma = vma_next(vma)) {
		/* One that cannot be done does not stop the others. */
		(void)mlock_fixup(vma, vma->start, vma->end,
				  (vma->flags & ~VM_LOCKED_MASK) | lock_flags, &vma);
	}
}

static int do_mlockall(struct mm *mm, u32 flags)
{
	bool allowed;

	if (!flags || (flags & ~(u32)(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT)) ||
	    flags == MCL_ONFAULT)
		return -EINVAL;
	if (!can_do_mlock(mm))
		return -EPERM;
	down_write(&mm->mmap_lock);
	allowed = !(flags & MCL_CURRENT) || mm->cap_ipc_lock ||
		  mm->total_vm <= mm->rlimit[MM_RLIMIT_MEMLOCK] >> PAGE_SHIFT;
	if (allowed)
		apply_mlockall_flags(mm, flags);
	up_write(&mm->mmap_lock);
	if (!allowed)
		return -ENOMEM;
	if (flags & MCL_CURRENT)
		(void)mm_populate(mm, 0, TASK_SIZE, true);
	return 0;
}

int umm_mlock(struct umm_task *handle, uint64_t addr, uint64_t len_bytes)
{
	struct task *task = (struct task *)handle;
	struct syscall call = syscall_enter(task, NR_MLOCK, addr, len_bytes, 0, 0);

	return (int)syscall_exit(&call, do_mlock(task->mm, addr, len_bytes, VM_LOCKED));
}

int umm_mlock2(struct umm_task *handle, uint64_t addr, uint64_t len_bytes, int flags)
{
	struct task *task = (struct task *)handle;
	struct syscall call = syscall_enter(task, NR_MLOCK2, addr, len_bytes, (u32)flags, 0);
	u64 lock_flags = VM_LOCKED | (flags & MLOCK_ONFAULT ? VM_LOCKONFAULT : 0);
	int err = -EINVAL;

	if (!(flags & ~MLOCK_ONFAULT))
		err = do_mlock(task->mm, addr, len_bytes, lock_flags);
	return (int)syscall_exit(&call, err);
}

int umm_munlock(struct umm_task *handle, uint64_t addr, uint64_t len_bytes)
{
	struct task *task = (struct task *)handle;
	struct syscall call = syscall_enter(task, NR_MUNLOCK, addr, len_bytes, 0, 0);
	u64 len = PAGE_ALIGN(len_bytes + PAGE_OFFSET_OF(addr));
	struct mm *mm = task->mm;
	int err;

	down_write(&mm->mmap_lock);
	err = apply_vma_lock_flags(mm, addr & PAGE_MASK, len, 0);
	up_write(&mm->mmap_lock);
	return (int)syscall_exit(&call, err);
}

int umm_mlockall(struct umm_task *handle, int flags)
{
	struct task *task = (struct task *)handle;
	struct syscall call = syscall_enter(task, NR_MLOCKALL, (u32)flags, 0, 0, 0);

	return (int)syscall_exit(&call, do_mlockall(task->mm, (u32)flags));
}

int umm_munlockall(struct umm_task *handle)
{
	struct task *task = (struct task *)handle;
	struct syscall call = syscall_enter(task, NR_MUNLOCKALL, 0, 0, 0, 0);
	struct mm *mm = task->mm;

	down_write(&mm->mmap_lock);
	apply_mlockall_flags(mm, 0);
	up_write(&mm->mmap_lock);
	return (int)syscall_exit(&call, 0);
}
