/* SPDX-License-Identifier: MIT */
/*
 * The linux backend: every step as a real system call or access of a real task.
 */
#define _GNU_SOURCE
#include <asm/unistd.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/io_uring.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "scenario/linux/linux.h"

/* process_vm_*: the ranges lie at the start of scratch, the bytes behind them. */
#define VM_MAX_RANGES 1024
#define VM_RANGES_AT 16
#define VM_BYTES_AT (VM_RANGES_AT + VM_MAX_RANGES * 16)
#define VM_MAX_BYTES (PUPPET_MAX_PAYLOAD - VM_BYTES_AT)

static struct linux_task *task_of(struct scn_task *task)
{
	return task->impl;
}

/* ---- plain system calls --------------------------------------------------------------- */

static const struct {
	long nr;
	unsigned nr_args;
	bool range; /* args 0 and 1 are a range of addresses */
} calls[SCN_NR_KINDS] = {
	[SCN_MMAP] = { __NR_mmap, 6, false },
	[SCN_MUNMAP] = { __NR_munmap, 2, true },
	[SCN_MPROTECT] = { __NR_mprotect, 3, true },
	[SCN_MREMAP] = { __NR_mremap, 5, true },
	[SCN_MADVISE] = { __NR_madvise, 3, true },
	[SCN_MLOCK] = { __NR_mlock, 2, true },
	[SCN_MLOCK2] = { __NR_mlock2, 3, true },
	[SCN_MUNLOCK] = { __NR_munlock, 2, true },
	[SCN_MLOCKALL] = { __NR_mlockall, 1, false },
	[SCN_MUNLOCKALL] = { __NR_munlockall, 0, false },
	[SCN_BRK] = { __NR_brk, 1, false },
	[SCN_MSYNC] = { __NR_msync, 3, true },
};

static bool meets_image(uint64_t addr, uint64_t len)
{
	uint64_t end = addr + len;

	return end > addr && end <= WINDOW_END && addr < WINDOW_HOLE_END && end > WINDOW_HOLE;
}

static bool touches_image(const struct scn_step *step)
{
	const uint64_t *args = step->args;

	if (calls[step->kind].range && meets_image(args[0], args[1]))
		return true;
	if (step->kind == SCN_MMAP && (args[3] & MAP_FIXED))
		return meets_image(args[0], args[1]);
	if (step->kind == SCN_MREMAP && (args[3] & MREMAP_FIXED))
		return meets_image(args[4], args[2]);
	return false;
}

/* Advice that came after Linux 5.0: MADV_COLD to MADV_COLLAPSE, and the guards. */
#define ADVICE_FIRST_LATER 20
#define ADVICE_LAST_LATER 25
#define ADVICE_GUARD_INSTALL 102
#define ADVICE_GUARD_REMOVE 103

/* An advice that the kernel does not know at all is refused even for an empty range. */
static int check_known(struct scn_backend *backend, struct scn_step *step)
{
	uint64_t advice = step->args[2], args[3] = { 0, 0, advice };
	int64_t result;
	int ret;

	if (step->result == -ENOSYS)
		return linux_skip(backend, "this kernel lacks the system call");
	if (step->kind != SCN_MADVISE || step->result != -EINVAL)
		return 0;
	if ((advice < ADVICE_FIRST_LATER || advice > ADVICE_LAST_LATER) &&
	    advice != ADVICE_GUARD_INSTALL && advice != ADVICE_GUARD_REMOVE)
		return 0;
	ret = linux_syscall(backend, task_of(step->task), __NR_madvise, args, 3, &result);
	if (ret)
		return ret;
	if (result == -EINVAL)
		return linux_skip(backend, "this kernel does not know madvise advice %d",
				  (int)advice);
	return 0;
}

static int check_capable(struct scn_backend *backend, struct scn_step *step)
{
	bool locks = step->kind == SCN_MLOCK || step->kind == SCN_MLOCK2 ||
		     step->kind == SCN_MLOCKALL ||
		     (step->kind == SCN_MMAP && (step->args[3] & MAP_LOCKED));

	if (!locks || backend->capable || task_of(step->task)->process->cap_dropped)
		return 0;
	if (step->result == -EPERM || step->result == -ENOMEM || step->result == -EAGAIN)
		return linux_skip(backend, "locking memory without a limit needs CAP_IPC_LOCK");
	return 0;
}

static int run_call(struct scn_backend *backend, struct scn_step *step)
{
	struct linux_task *task = task_of(step->task);
	uint64_t args[6];
	int ret;

	if (touches_image(step))
		return linux_skip(backend, "the range meets 0x400000-0x800000, the runner's code");
	memcpy(args, step->args, sizeof(args));
	if (step->kind == SCN_MMAP)
		args[4] = linux_descriptor(args[4]);
	ret = linux_syscall(backend, task, calls[step->kind].nr, args, calls[step->kind].nr_args,
			    &step->result);
	if (ret)
		return ret;
	if (step->kind == SCN_MUNLOCKALL && task->process->image_locked) {
		ret = linux_lock_image(backend, task);
		if (ret)
			return ret;
	}
	ret = check_known(backend, step);
	return ret ? ret : check_capable(backend, step);
}

/* ---- calls with memory of ours -------------------------------------------------------- */

static int run_mincore(struct scn_backend *backend, struct scn_step *step)
{
	struct linux_task *task = task_of(step->task);
	uint64_t addr = step->args[0], len = step->args[1];
	uint64_t pages = len / UMM_PAGE_SIZE + (len % UMM_PAGE_SIZE != 0);
	/* What the kernel refuses as a whole is asked as a whole. */
	bool whole = addr % UMM_PAGE_SIZE || addr + len < addr || addr + len > WINDOW_END || !len;

	if (whole)
		pages = 0;
	step->done = 0;
	do {
		struct puppet_cmd cmd = { .op = PUPPET_SYSCALL, .nr = __NR_mincore };
		struct puppet_reply reply;
		uint64_t now = pages < PUPPET_MAX_PAYLOAD ? pages : PUPPET_MAX_PAYLOAD;
		int ret;

		cmd.args[0] = addr + step->done * UMM_PAGE_SIZE;
		cmd.args[1] = whole ? len : now * UMM_PAGE_SIZE;
		cmd.args[2] = linux_scratch(task);
		cmd.reply_bytes = (uint32_t)now;
		if (step->done + now > step->out_bytes)
			return linux_broken(backend, "no room for the vector of mincore");
		ret = linux_command(backend, task, &cmd, NULL, &reply,
				    (char *)step->out + step->done, now);
		if (ret)
			return ret;
		step->result = reply.result;
		if (reply.result)
			break;
		step->done += now;
		pages -= now;
	} while (pages);
	return 0;
}

static int run_process_vm(struct scn_backend *backend, struct scn_step *step)
{
	struct linux_task *task = task_of(step->task);
	bool write = step->kind == SCN_VM_WRITEV;
	uint64_t len = write ? step->in_bytes : step->out_bytes;
	uint64_t scratch = linux_scratch(task);
	uint64_t sent = step->nr_ranges < VM_MAX_RANGES ? step->nr_ranges : VM_MAX_RANGES;
	struct iovec local = { (void *)(scratch + VM_BYTES_AT), len };
	struct puppet_cmd cmd = { .op = PUPPET_SYSCALL };
	struct puppet_reply reply;
	char *message;
	int ret;

	if (len > VM_MAX_BYTES)
		return linux_skip(backend, "the runner moves at most %u bytes in one such call",
				  (unsigned)VM_MAX_BYTES);
	message = calloc(1, PUPPET_SCRATCH_BYTES);
	if (!message)
		return linux_broken(backend, "out of memory");
	memcpy(message, &local, sizeof(local));
	if (sent)
		memcpy(message + VM_RANGES_AT, step->ranges, sent * sizeof(*step->ranges));
	if (write && len)
		memcpy(message + VM_BYTES_AT, step->in, len);
	cmd.nr = write ? __NR_process_vm_writev : __NR_process_vm_readv;
	cmd.args[0] = (uint64_t)task_of(step->remote)->process->pid;
	cmd.args[1] = scratch;
	cmd.args[2] = 1;
	cmd.args[3] = scratch + VM_RANGES_AT;
	cmd.args[4] = step->nr_ranges;
	cmd.args[5] = step->args[0];
	cmd.payload_bytes = (uint32_t)(VM_BYTES_AT + (write ? len : 0));
	cmd.reply_bytes = write ? 0 : (uint32_t)(VM_BYTES_AT + len);
	ret = linux_command(backend, task, &cmd, message, &reply, message, PUPPET_SCRATCH_BYTES);
	if (ret == 0) {
		step->result = reply.result;
		step->done = reply.result > 0 && !write ? (uint64_t)reply.result : 0;
		if (step->done)
			memcpy(step->out, message + VM_BYTES_AT, step->done);
		ret = check_known(backend, step);
	}
	free(message);
	return ret;
}

/* ---- pins ----------------------------------------------------------------------------- */

/* A system call whose argument 1 or 2 points at bytes of ours. */
static int call_with(struct scn_backend *backend, struct linux_task *task, long nr,
		     const uint64_t *args, const void *bytes, uint32_t len, int64_t *ret_value)
{
	struct puppet_cmd cmd = { .op = PUPPET_SYSCALL, .nr = (uint64_t)nr, .payload_bytes = len };
	struct puppet_reply reply;
	int ret;

	memcpy(cmd.args, args, 4 * sizeof(*args));
	ret = linux_command(backend, task, &cmd, bytes, &reply, NULL, 0);
	if (ret == 0)
		*ret_value = reply.result;
	return ret;
}

static int close_ring(struct scn_backend *backend, struct linux_task *task, int fd)
{
	uint64_t args[4] = { (uint64_t)fd };
	int64_t result;

	return linux_syscall(backend, task, __NR_close, args, 1, &result);
}

/* The scenario's own descriptors are the lowest: out of their way. */
static int move_ring(struct scn_backend *backend, struct linux_task *task, int64_t *fd)
{
	uint64_t args[3] = { (uint64_t)*fd, F_DUPFD, LINUX_OWN_FDS };
	int64_t high;
	int ret = linux_syscall(backend, task, __NR_fcntl, args, 3, &high);

	if (ret)
		return ret;
	if (high < 0)
		return linux_skip(backend, "fcntl: %s", strerror((int)-high));
	ret = close_ring(backend, task, (int)*fd);
	*fd = high;
	return ret;
}

static int run_pin(struct scn_backend *backend, struct scn_step *step)
{
	struct linux_task *task = task_of(step->task);
	struct linux_pin *pin = task->process->pins, *end = pin + LINUX_MAX_PINS;
	struct io_uring_params params = { 0 };
	struct iovec range = { (void *)step->args[0], step->args[1] };
	uint64_t args[4] = { 1, linux_scratch(task) };
	int64_t fd;
	int ret;

	if (!step->args[1] || step->args[0] + step->args[1] < step->args[0]) {
		step->result = -EINVAL;
		return 0;
	}
	if (task->process->memlock_set && task->process->cap_dropped)
		return linux_skip(backend, "an io_uring's own memory counts against the limit too");
	if (step->args[1] > 1ull << 30)
		return linux_skip(backend, "io_uring pins at most 1 GiB at once");
	while (pin < end && pin->handle)
		pin++;
	if (pin == end)
		return linux_skip(backend, "the runner keeps at most %d pins", LINUX_MAX_PINS);
	ret = call_with(backend, task, __NR_io_uring_setup, args, &params, sizeof(params), &fd);
	if (ret)
		return ret;
	if (fd < 0)
		return linux_skip(backend, "pins need io_uring: %s", strerror((int)-fd));
	ret = move_ring(backend, task, &fd);
	if (ret)
		return ret;
	args[0] = (uint64_t)fd;
	args[1] = IORING_REGISTER_BUFFERS;
	args[2] = linux_scratch(task);
	args[3] = 1;
	ret = call_with(backend, task, __NR_io_uring_register, args, &range, sizeof(range),
			&step->result);
	if (ret)
		return ret;
	if (step->result)
		return close_ring(backend, task, (int)fd);
	pin->ring_fd = (int)fd;
	pin->handle = step->result = ++backend->last_pin;
	return 0;
}

/* Unregister first: closing alone lets go of the pages some time later. */
static int drop_pin(struct scn_backend *backend, struct linux_task *task, struct linux_pin *pin)
{
	uint64_t args[4] = { (uint64_t)pin->ring_fd, IORING_UNREGISTER_BUFFERS };
	int64_t result;
	int ret = linux_syscall(backend, task, __NR_io_uring_register, args, 4, &result);

	if (ret)
		return ret;
	pin->handle = 0;
	return close_ring(backend, task, pin->ring_fd);
}

static int run_unpin(struct scn_backend *backend, struct scn_step *step)
{
	struct linux_task *task = task_of(step->task);

	for (int i = 0; i < LINUX_MAX_PINS; i++) {
		struct linux_pin *pin = &task->process->pins[i];

		if (pin->handle && pin->handle == (int64_t)step->args[0])
			return drop_pin(backend, task, pin);
	}
	step->result = -EINVAL;
	return 0;
}

/* ---- accesses ------------------------------------------------------------------------- */

static void take_fault(struct scn_step *step, const struct puppet_reply *reply)
{
	if (!reply->signo)
		return;
	step->result = -EFAULT;
	step->fault.signo = reply->signo;
	step->fault.code = reply->code;
	step->fault.addr = reply->addr;
}

static int run_block(struct scn_backend *backend, struct scn_step *step)
{
	bool write = step->kind == SCN_WRITE;
	uint64_t len = write ? step->in_bytes : step->out_bytes;

	if (meets_image(step->args[0], len ? len : 1))
		return linux_skip(backend, "the address is where the runner's own code is");
	step->done = 0;
	while (step->done < len && !step->fault.signo) {
		struct puppet_cmd cmd = { .op = write ? PUPPET_WRITE : PUPPET_READ };
		uint64_t now = len - step->done;
		struct puppet_reply reply;
		int ret;

		if (now > PUPPET_MAX_PAYLOAD)
			now = PUPPET_MAX_PAYLOAD;
		cmd.args[PUPPET_ARG_ADDR] = step->args[0] + step->done;
		cmd.args[PUPPET_ARG_SIZE] = now;
		cmd.payload_bytes = write ? (uint32_t)now : 0;
		ret = linux_command(backend, task_of(step->task), &cmd,
				    write ? (const char *)step->in + step->done : NULL, &reply,
				    write ? NULL : (char *)step->out + step->done, write ? 0 : now);
		if (ret)
			return ret;
		take_fault(step, &reply);
		step->done += reply.value;
	}
	return 0;
}

static int run_access(struct scn_backend *backend, struct scn_step *step)
{
	static const uint32_t ops[SCN_NR_KINDS] = {
		[SCN_LOAD] = PUPPET_LOAD,       [SCN_STORE] = PUPPET_STORE,
		[SCN_XCHG] = PUPPET_XCHG,       [SCN_FETCH_ADD] = PUPPET_FETCHADD,
		[SCN_CMPXCHG] = PUPPET_CMPXCHG, [SCN_FETCH] = PUPPET_FETCH,
	};
	struct puppet_cmd cmd = { .op = ops[step->kind] };
	bool rmw = step->kind >= SCN_XCHG && step->kind <= SCN_CMPXCHG;
	struct puppet_reply reply;
	uint64_t size = step->args[1];
	int ret;

	if (step->kind != SCN_FETCH && size != 1 && size != 2 && size != 4 && size != 8) {
		step->result = -EINVAL;
		return 0;
	}
	if (rmw && step->args[0] % size) {
		step->result = -EINVAL;
		return 0;
	}
	if (meets_image(step->args[0], 1))
		return linux_skip(backend, "the address is where the runner's own code is");
	memcpy(cmd.args, step->args, 4 * sizeof(cmd.args[0]));
	ret = linux_command(backend, task_of(step->task), &cmd, NULL, &reply, NULL, 0);
	if (ret)
		return ret;
	step->value = reply.value;
	take_fault(step, &reply);
	return 0;
}

/* ---- tasks ---------------------------------------------------------------------------- */

static struct linux_task *new_task(struct scn_backend *backend, struct linux_process *process)
{
	struct linux_task *task = calloc(1, sizeof(*task));

	if (!task)
		return NULL;
	task->slot = linux_slot_take(backend);
	if (task->slot < 0) {
		free(task);
		return NULL;
	}
	task->process = process;
	return task;
}

/* One that did not come to be, and its process if that has no other. */
static void drop_task(struct scn_backend *backend, struct linux_task *task, bool process_too)
{
	backend->used[task->slot] = false;
	if (process_too)
		free(task->process);
	free(task);
}

static int no_task(struct scn_backend *backend)
{
	return linux_skip(backend, "the runner keeps at most %d tasks", PUPPET_NR_SLOTS);
}

static int run_process(struct scn_backend *backend, struct scn_step *step)
{
	struct linux_process *process = calloc(1, sizeof(*process));
	struct linux_task *task = process ? new_task(backend, process) : NULL;
	struct puppet_reply hello;
	int ret;

	if (!task) {
		free(process);
		return no_task(backend);
	}
	process->first_slot = task->slot;
	ret = linux_launch(backend, task->slot, &hello);
	if (ret) {
		drop_task(backend, task, true);
		return ret;
	}
	process->pid = task->tid = (pid_t)hello.value;
	step->made->impl = task;
	return linux_proc_open(backend, process);
}

/* A child inherits the descriptors of its parent's pins, and must not keep them alive. */
static int close_inherited_pins(struct scn_backend *backend, struct linux_process *parent,
				struct linux_task *child)
{
	for (int i = 0; i < LINUX_MAX_PINS; i++) {
		int ret = 0;

		if (parent->pins[i].handle)
			ret = close_ring(backend, child, parent->pins[i].ring_fd);
		if (ret)
			return ret;
	}
	return 0;
}

static int run_fork(struct scn_backend *backend, struct scn_step *step)
{
	struct linux_task *parent = task_of(step->task), *task;
	struct linux_process *process = calloc(1, sizeof(*process));
	struct puppet_cmd cmd = { .op = PUPPET_FORK };
	struct puppet_reply reply;
	int ret;

	task = process ? new_task(backend, process) : NULL;
	if (!task) {
		free(process);
		return no_task(backend);
	}
	process->first_slot = parent->process->first_slot;
	process->cap_dropped = parent->process->cap_dropped;
	process->memlock_set = parent->process->memlock_set;
	cmd.nr = (uint64_t)linux_own_slot(process, task->slot);
	ret = linux_command(backend, parent, &cmd, NULL, &reply, NULL, 0);
	if (ret == 0 && reply.signo) {
		/* Killed before there was a child. */
		step->result = -EINTR;
	} else if (ret == 0 && reply.result >= 0) {
		process->pid = (pid_t)reply.result;
		ret = linux_hello(backend, task, &reply);
		if (ret == 0 && reply.signo)
			ret = linux_broken(backend, "the child died at once");
	} else if (ret == 0) {
		step->result = reply.result;
	}
	if (ret || step->result) {
		drop_task(backend, task, true);
		return ret;
	}
	task->tid = process->pid;
	step->made->impl = task;
	ret = linux_proc_open(backend, process);
	if (ret == 0)
		ret = close_inherited_pins(backend, parent->process, task);
	if (ret == 0 && parent->process->image_locked)
		ret = linux_lock_image(backend, task);
	return ret;
}

static int run_thread(struct scn_backend *backend, struct scn_step *step)
{
	struct linux_task *maker = task_of(step->task);
	struct linux_task *task = new_task(backend, maker->process);
	struct puppet_cmd cmd = { .op = PUPPET_THREAD };
	struct puppet_reply reply;
	int ret;

	if (!task)
		return no_task(backend);
	cmd.nr = (uint64_t)linux_own_slot(maker->process, task->slot);
	ret = linux_command(backend, maker, &cmd, NULL, &reply, NULL, 0);
	if (ret == 0 && reply.result < 0)
		ret = linux_skip(backend, "cannot make a thread: %s", strerror((int)-reply.result));
	if (ret == 0)
		ret = linux_hello(backend, task, &reply);
	if (ret) {
		drop_task(backend, task, false);
		return ret;
	}
	task->tid = (pid_t)reply.value;
	step->made->impl = task;
	return 0;
}

static int run_exit(struct scn_backend *backend, struct scn_step *step)
{
	struct linux_task *task = task_of(step->task);
	bool thread = step->task->thread_nr != 0;
	struct puppet_cmd cmd = { .op = thread ? PUPPET_EXIT_THREAD : PUPPET_EXIT };
	int ret;

	if (task->process->killed) {
		linux_end_killed(step->task);
		return 0;
	}
	for (int i = 0; !thread && i < LINUX_MAX_PINS; i++) {
		if (task->process->pins[i].handle) {
			ret = drop_pin(backend, task, &task->process->pins[i]);
			if (ret)
				return ret;
		}
	}
	ret = linux_send(backend, task, &cmd, NULL);
	if (ret)
		return ret;
	if (thread) {
		/* Its slot's stack is in use until it is gone. */
		while (kill(task->process->pid, 0) == 0 &&
		       syscall(__NR_tgkill, task->process->pid, task->tid, 0) == 0)
			usleep(50);
	} else {
		linux_reap(task->process);
		linux_proc_close(task->process);
	}
	backend->used[task->slot] = false;
	return 0;
}

/* ---- the table ------------------------------------------------------------------------ */

static int run_step(struct scn_backend *backend, struct scn_step *step)
{
	switch (step->kind) {
	case SCN_PROCESS:
		return run_process(backend, step);
	case SCN_FORK:
		return run_fork(backend, step);
	case SCN_THREAD:
		return run_thread(backend, step);
	case SCN_EXIT:
		return run_exit(backend, step);
	case SCN_KILL:
		linux_kill(step);
		return 0;
	case SCN_SIGNAL:
		linux_signal(step);
		return 0;
	case SCN_MINCORE:
		return run_mincore(backend, step);
	case SCN_PAGEMAP_SCAN:
		if (meets_image(step->args[0], step->args[1]))
			return linux_skip(backend,
					  "the range meets 0x400000-0x800000, the runner's code");
		return linux_pagemap_scan(backend, step);
	case SCN_VM_READV:
	case SCN_VM_WRITEV:
		return run_process_vm(backend, step);
	case SCN_PIN:
		return run_pin(backend, step);
	case SCN_UNPIN:
		return run_unpin(backend, step);
	case SCN_SETRLIMIT:
		return linux_setrlimit(backend, step);
	case SCN_CAP_IPC_LOCK:
		return linux_cap_ipc_lock(backend, step);
	case SCN_READ:
	case SCN_WRITE:
		return run_block(backend, step);
	case SCN_SWAPON:
	case SCN_SWAPOFF:
		return linux_swap_call(backend, step);
	case SCN_LOAD:
	case SCN_STORE:
	case SCN_XCHG:
	case SCN_FETCH_ADD:
	case SCN_CMPXCHG:
	case SCN_FETCH:
		return run_access(backend, step);
	default:
		return calls[step->kind].nr ? run_call(backend, step) :
					      linux_file_call(backend, step);
	}
}

static int linux_run(struct scn_backend *backend, struct scn_step *step)
{
	int ret = run_step(backend, step);

	if (step->kind == SCN_MADVISE)
		linux_swap_settle(backend);
	linux_settle();
	return ret;
}

static int linux_mincore(struct scn_backend *backend, struct scn_task *task,
			 const struct umm_iovec *ranges, unsigned nr_ranges, uint8_t *ret_vec)
{
	struct puppet_cmd cmd = { .op = PUPPET_MINCORE };
	struct umm_iovec pairs[64];
	struct puppet_reply reply;
	unsigned done = 0;

	while (done < nr_ranges) {
		uint64_t pages = 0;
		unsigned nr = 0;
		int ret;

		for (; nr < 64 && done + nr < nr_ranges; nr++) {
			uint64_t more = ranges[done + nr].len_bytes / UMM_PAGE_SIZE;

			if (nr && pages + more > PUPPET_MAX_PAYLOAD - sizeof(pairs))
				break;
			pages += more;
			pairs[nr].addr = ranges[done + nr].addr;
			pairs[nr].len_bytes = more;
		}
		cmd.payload_bytes = nr * (uint32_t)sizeof(pairs[0]);
		ret = linux_command(backend, task_of(task), &cmd, pairs, &reply, ret_vec, pages);
		if (ret)
			return ret;
		ret_vec += pages;
		done += nr;
	}
	return 0;
}

static bool may_lock(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { 0 };

	return syscall(__NR_capget, &head, data) == 0 &&
	       (data[0].effective & (1u << CAP_IPC_LOCK)) != 0;
}

static int linux_open(const struct umm_config *config, struct scn_backend **ret_backend)
{
	struct scn_backend *backend = calloc(1, sizeof(*backend));

	(void)config;
	if (!backend)
		return SCN_BROKEN;
	*ret_backend = backend;
	backend->capable = may_lock();
	linux_swap_open();
	return linux_channels_open(backend);
}

static void linux_close(struct scn_backend *backend)
{
	linux_channels_close(backend);
	linux_swap_close(backend);
	scn_directory_remove(&backend->directory);
	free(backend->text);
	free(backend);
}

/* Kill and forget a task that a scenario left behind, or the memory of one that ended. */
static void linux_forget(struct scn_backend *backend, struct scn_task *task)
{
	struct linux_task *mine = task->impl;

	(void)backend;
	if (mine && task->process == task) {
		if (!mine->process->reaped) {
			kill(mine->process->pid, SIGKILL);
			linux_reap(mine->process);
		}
		linux_proc_close(mine->process);
		free(mine->process);
	}
	free(mine);
	task->impl = NULL;
}

static const char *linux_reason(struct scn_backend *backend)
{
	return backend->reason;
}

static void linux_set_wait(struct scn_backend *backend, void (*wait)(void))
{
	backend->wait = wait;
}

/* Whether the thread sleeps in the kernel for a userfaultfd's sake, as far as can be told. */
static bool waits_for_uffd(pid_t tid)
{
	char path[40], place[64] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/wchan", (int)tid);
	file = fopen(path, "r");
	if (!file)
		return false;
	if (!fgets(place, sizeof(place), file))
		place[0] = '\0';
	fclose(file);
	return strstr(place, "userfault") != NULL;
}

#define IDLE_MS 100

static bool linux_idle(struct scn_backend *backend)
{
	struct pollfd fds[PUPPET_NR_SLOTS];
	unsigned stuck = 0;
	nfds_t nr = 0;

	for (int i = 0; i < PUPPET_NR_SLOTS; i++) {
		if (backend->waiting[i])
			fds[nr++] = (struct pollfd){ .fd = backend->socks[i], .events = POLLIN };
	}
	if (poll(fds, nr, IDLE_MS))
		return true;
	for (int i = 0; i < PUPPET_NR_SLOTS; i++)
		stuck += backend->waiting[i] && waits_for_uffd(backend->waiting[i]);
	/* Who was just woken has answered by then, or is elsewhere. */
	return !nr || stuck < nr || poll(fds, nr, IDLE_MS);
}

const struct scn_backend_ops scn_linux = {
	.name = "linux",
	.open = linux_open,
	.close = linux_close,
	.forget = linux_forget,
	.reason = linux_reason,
	.run = linux_run,
	.set_wait = linux_set_wait,
	.idle = linux_idle,
	.text = linux_text,
	.pagemap = linux_pagemap,
	.mincore = linux_mincore,
};
