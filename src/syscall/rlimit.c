/* SPDX-License-Identifier: MIT */
/* What a process is allowed: resource limits and the right to lock without one. */
#include "base/uapi.h"
#include "syscall/syscall_internal.h"

static int which_limit(int resource)
{
	switch (resource) {
	case RLIMIT_AS:
		return MM_RLIMIT_AS;
	case RLIMIT_DATA:
		return MM_RLIMIT_DATA;
	case RLIMIT_STACK:
		return MM_RLIMIT_STACK;
	case RLIMIT_MEMLOCK:
		return MM_RLIMIT_MEMLOCK;
	default:
		return -EINVAL;
	}
}

int umm_setrlimit(struct umm_task *handle, int resource, uint64_t soft_bytes)
{
	struct task *task = (struct task *)handle;
	struct syscall call = syscall_enter(task, NR_SETRLIMIT, (u32)resource, soft_bytes, 0, 0);
	struct mm *mm = task->mm;
	int which = which_limit(resource);

	if (which < 0)
		return (int)syscall_exit(&call, which);
	down_write(&mm->mmap_lock);
	mm->rlimit[which] = soft_bytes;
	up_write(&mm->mmap_lock);
	return (int)syscall_exit(&call, 0);
}

void umm_set_cap_ipc_lock(struct umm_task *handle, bool capable)
{
	struct mm *mm = ((struct task *)handle)->mm;

	down_write(&mm->mmap_lock);
	mm->cap_ipc_lock = capable;
	up_write(&mm->mmap_lock);
}
