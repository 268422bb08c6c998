/* SPDX-License-Identifier: MIT */
/* Signals for tasks that may be in a step: their puppets have a handler that does nothing. */
#define _GNU_SOURCE
#include <asm/unistd.h>
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "scenario/linux/linux.h"

static struct linux_task *task_of(struct scn_task *task)
{
	return task->impl;
}

void linux_kill(struct scn_step *step)
{
	struct linux_process *process = task_of(step->task)->process;
	siginfo_t info;

	process->killed = true;
	kill(process->pid, SIGKILL);
	while (waitid(P_PID, (id_t)process->pid, &info, WEXITED | WNOWAIT) && errno == EINTR)
		;
}

void linux_signal(struct scn_step *step)
{
	struct linux_task *task = task_of(step->task);

	if (syscall(__NR_tgkill, task->process->pid, task->tid, SIGUSR1))
		step->result = -errno;
}

void linux_end_killed(struct scn_task *task)
{
	struct linux_process *process = task_of(task)->process;

	if (task->thread_nr)
		return;
	linux_reap(process);
	linux_proc_close(process);
}
