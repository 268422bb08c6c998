/* SPDX-License-Identifier: MIT */
/* ioctl(2) on /proc/PID/pagemap: procfs/scan.c does it. */
#include "procfs/procfs.h"
#include "syscall/syscall_internal.h"

int64_t umm_pagemap_scan(struct umm_task *handle, void *arg)
{
	struct task *task = (struct task *)handle;
	struct syscall call = syscall_enter(task, NR_IOCTL, 0, PAGEMAP_SCAN, 0, 0);

	return syscall_exit(&call, arg ? proc_pagemap_scan(task->mm, arg) : -EFAULT);
}
