/* SPDX-License-Identifier: MIT */
/*
 * The linux backend: limits, and the right to be above one.
 *
 * Where a limit counts memory of the whole process, the puppet's image is added to it, so that
 * the scenario's own memory meets the limit where it would in a process of its own.
 */
#define _GNU_SOURCE
#include <asm/unistd.h>
#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/resource.h>

#include "scenario/linux/linux.h"

/* Under the hard limit: the scenario's own may be too low for it by now. */
int linux_lock_image(struct scn_backend *backend, struct linux_task *task)
{
	uint64_t args[2] = { PUPPET_IMAGE, PUPPET_OVERHEAD };
	pid_t pid = task->process->pid;
	struct rlimit limit, raised;
	int64_t result = 0;
	int ret;

	if (prlimit(pid, RLIMIT_MEMLOCK, NULL, &limit))
		return linux_skip(backend, "cannot ask for a limit: %s", strerror(errno));
	raised = (struct rlimit){ limit.rlim_max, limit.rlim_max };
	if (prlimit(pid, RLIMIT_MEMLOCK, &raised, NULL))
		return linux_skip(backend, "cannot raise a limit: %s", strerror(errno));
	ret = linux_syscall(backend, task, __NR_mlock, args, 2, &result);
	if (prlimit(pid, RLIMIT_MEMLOCK, &limit, NULL) && !ret)
		ret = linux_broken(backend, "cannot lower a limit: %s", strerror(errno));
	if (ret)
		return ret;
	if (result)
		return linux_skip(backend, "cannot lock the puppet's image: %s",
				  strerror((int)-result));
	task->process->image_locked = true;
	return 0;
}

int linux_setrlimit(struct scn_backend *backend, struct scn_step *step)
{
	struct linux_task *task = step->task->impl;
	uint64_t resource = step->args[0], soft = step->args[1];
	bool counts =
		resource == RLIMIT_AS || resource == RLIMIT_DATA || resource == RLIMIT_MEMLOCK;
	struct rlimit limits[2] = { { 0, 0 }, { 0, 0 } };
	struct puppet_cmd cmd = { .op = PUPPET_SYSCALL, .nr = __NR_prlimit64 };
	struct puppet_reply reply;
	int ret;

	if (resource == RLIMIT_MEMLOCK && !task->process->image_locked) {
		ret = linux_lock_image(backend, task);
		if (ret)
			return ret;
	}
	cmd.args[1] = resource;
	cmd.args[3] = linux_scratch(task);
	cmd.reply_bytes = sizeof(limits[0]);
	ret = linux_command(backend, task, &cmd, NULL, &reply, &limits[1], sizeof(limits[1]));
	if (ret)
		return ret;
	step->result = reply.result;
	if (reply.result)
		return 0;
	/* Zero is a word of its own: "may not lock at all", "no limit of data but the hard one". */
	if (counts && soft < SCN_UNLIMITED - PUPPET_OVERHEAD && (soft || resource == RLIMIT_AS))
		soft += PUPPET_OVERHEAD;
	task->process->memlock_set |= resource == RLIMIT_MEMLOCK;
	limits[0].rlim_cur = soft;
	limits[0].rlim_max = limits[1].rlim_max;
	cmd.args[2] = linux_scratch(task);
	cmd.args[3] = 0;
	cmd.reply_bytes = 0;
	cmd.payload_bytes = sizeof(limits[0]);
	ret = linux_command(backend, task, &cmd, limits, &reply, NULL, 0);
	if (ret)
		return ret;
	step->result = reply.result;
	if (reply.result == -EINVAL && soft > limits[1].rlim_max)
		return linux_skip(backend, "the limit is above this user's hard limit");
	return 0;
}

int linux_cap_ipc_lock(struct scn_backend *backend, struct scn_step *step)
{
	struct linux_task *task = step->task->impl;
	struct {
		struct __user_cap_header_struct head;
		struct __user_cap_data_struct data[2];
	} caps = { .head = { .version = _LINUX_CAPABILITY_VERSION_3 } };
	struct puppet_cmd cmd = { .op = PUPPET_SYSCALL, .nr = __NR_capget };
	struct puppet_reply reply;
	int ret;

	cmd.args[0] = linux_scratch(task);
	cmd.args[1] = linux_scratch(task) + sizeof(caps.head);
	cmd.payload_bytes = cmd.reply_bytes = sizeof(caps);
	ret = linux_command(backend, task, &cmd, &caps, &reply, &caps, sizeof(caps));
	if (ret)
		return ret;
	if (step->args[0] && !(caps.data[0].permitted & (1u << CAP_IPC_LOCK)))
		return linux_skip(backend, "CAP_IPC_LOCK is not ours to give");
	if (step->args[0])
		caps.data[0].effective |= 1u << CAP_IPC_LOCK;
	else
		caps.data[0].effective &= ~(1u << CAP_IPC_LOCK);
	task->process->cap_dropped = !step->args[0];
	cmd.nr = __NR_capset;
	cmd.reply_bytes = 0;
	ret = linux_command(backend, task, &cmd, &caps, &reply, NULL, 0);
	if (ret == 0)
		step->result = reply.result;
	return ret;
}
