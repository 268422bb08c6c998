/* SPDX-License-Identifier: MIT */
/* The frame around every system call. */
#include "syscall/syscall_internal.h"

struct syscall syscall_enter(struct task *task, enum syscall_nr nr, u64 a, u64 b, u64 c, u64 d)
{
	struct syscall call = { .task = task, .outer = sync_current(), .nr = nr };

	VM_BUG_ON(!task || !task->mm);
	VM_BUG_ON2(task->in_access & 1, task->tid, nr);
	sync_set_current(task);
	deliver_signals(task);
	trace(machine_of(task), TRACE_SYS_ENTER, nr, a, b, c, d);
	return call;
}

s64 syscall_exit(const struct syscall *call, s64 ret)
{
	VM_BUG_ON2(lockdep_held_count(), lockdep_held_count(), call->nr);
	trace(machine_of(call->task), TRACE_SYS_EXIT, call->nr, (u64)ret);
	sync_set_current(call->outer);
	return ret;
}
