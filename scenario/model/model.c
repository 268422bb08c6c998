/* SPDX-License-Identifier: MIT */
/* The model backend: every step as a call of libusermm, in one machine per scenario. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scenario/model/model.h"
#include "scenario/memory.h"
#include "scenario/scan.h"

int model_broken(struct scn_backend *backend, const char *what, int64_t code)
{
	snprintf(backend->reason, sizeof(backend->reason), "the model cannot %s: %s", what,
		 strerror((int)-code));
	return SCN_BROKEN;
}

static int model_open(const struct umm_config *config, struct scn_backend **ret_backend)
{
	struct scn_backend *backend = scn_alloc(sizeof(*backend));
	struct umm_config window = *config;
	int ret;

	if (!backend)
		return SCN_BROKEN;
	*ret_backend = backend;
	/* An architecture with a smaller address space keeps its own top. */
	if (window.mmap_base > WINDOW_MMAP_BASE)
		window.mmap_base = WINDOW_MMAP_BASE;
	window.brk_start = WINDOW_BRK_START;
	ret = umm_machine_create(&window, &backend->machine);
	return ret ? model_broken(backend, "build the machine", ret) : 0;
}

static void model_close(struct scn_backend *backend)
{
	if (backend->machine)
		umm_machine_destroy(backend->machine);
	scn_directory_remove(&backend->directory);
	scn_free(backend);
}

static const char *model_reason(struct scn_backend *backend)
{
	return backend->reason;
}

static struct umm_task *task_of(struct scn_task *task)
{
	return task->impl;
}

/* ---- steps ---------------------------------------------------------------------------- */

static void run_pin(struct scn_backend *backend, struct scn_step *step)
{
	int64_t pin;

	if (backend->last_pin == MAX_PINS - 1) {
		step->result = -EMFILE;
		return;
	}
	pin = umm_pin(task_of(step->task), step->args[0], step->args[1]);
	step->result = pin;
	if (pin < 0)
		return;
	step->result = ++backend->last_pin;
	backend->pins[step->result] = pin + 1;
}

static void run_unpin(struct scn_backend *backend, struct scn_step *step)
{
	uint64_t number = step->args[0];

	step->result = -EINVAL;
	if (!number || number >= MAX_PINS || !backend->pins[number])
		return;
	step->result = umm_unpin(task_of(step->task), backend->pins[number] - 1);
	if (step->result == 0)
		backend->pins[number] = 0;
}

static void run_made(struct scn_backend *backend, struct scn_step *step)
{
	struct umm_task *made = NULL;
	int ret;

	if (step->kind == SCN_PROCESS)
		ret = umm_process_create(backend->machine, &made);
	else if (step->kind == SCN_FORK)
		ret = umm_fork(task_of(step->task), &made);
	else
		ret = umm_thread_create(task_of(step->task), &made);
	step->result = ret;
	step->made->impl = made;
}

static void run_access(struct scn_step *step)
{
	struct umm_task *task = task_of(step->task);
	const uint64_t *args = step->args;
	unsigned size = (unsigned)args[1];

	switch (step->kind) {
	case SCN_LOAD:
		step->result = umm_load(task, args[0], size, &step->value, &step->fault);
		break;
	case SCN_STORE:
		step->result = umm_store(task, args[0], size, args[2], &step->fault);
		break;
	case SCN_XCHG:
		step->result = umm_xchg(task, args[0], size, args[2], &step->value, &step->fault);
		break;
	case SCN_FETCH_ADD:
		step->result =
			umm_fetch_add(task, args[0], size, args[2], &step->value, &step->fault);
		break;
	case SCN_CMPXCHG:
		step->result = umm_cmpxchg(task, args[0], size, args[3], args[2], &step->value,
					   &step->fault);
		break;
	case SCN_FETCH:
		step->result = umm_fetch(task, args[0], &step->fault);
		break;
	case SCN_READ:
		step->result = umm_read(task, args[0], step->out, step->out_bytes, &step->fault);
		step->done = step->out_bytes;
		break;
	default:
		step->result = umm_write(task, args[0], step->in, step->in_bytes, &step->fault);
		break;
	}
	/* Of a block that faulted, the bytes below the fault were transferred. */
	if (step->kind == SCN_READ && step->result == -EFAULT) {
		uint64_t below = step->fault.addr - args[0];

		step->done = below < step->out_bytes ? below : 0;
	}
}

static void run_call(struct scn_step *step)
{
	struct umm_task *task = task_of(step->task);
	const uint64_t *args = step->args;

	switch (step->kind) {
	case SCN_MMAP:
		step->result = umm_mmap(task, args[0], args[1], (int)args[2], (int)args[3],
					(int)args[4], args[5]);
		break;
	case SCN_MUNMAP:
		step->result = umm_munmap(task, args[0], args[1]);
		break;
	case SCN_MPROTECT:
		step->result = umm_mprotect(task, args[0], args[1], (int)args[2]);
		break;
	case SCN_MREMAP:
		step->result = umm_mremap(task, args[0], args[1], args[2], (int)args[3], args[4]);
		break;
	case SCN_MADVISE:
		step->result = umm_madvise(task, args[0], args[1], (int)args[2]);
		break;
	case SCN_MLOCK:
		step->result = umm_mlock(task, args[0], args[1]);
		break;
	case SCN_MLOCK2:
		step->result = umm_mlock2(task, args[0], args[1], (int)args[2]);
		break;
	case SCN_MUNLOCK:
		step->result = umm_munlock(task, args[0], args[1]);
		break;
	case SCN_MLOCKALL:
		step->result = umm_mlockall(task, (int)args[0]);
		break;
	case SCN_MUNLOCKALL:
		step->result = umm_munlockall(task);
		break;
	case SCN_BRK:
		step->result = (int64_t)umm_brk(task, args[0]);
		break;
	case SCN_MSYNC:
		step->result = umm_msync(task, args[0], args[1], (int)args[2]);
		break;
	case SCN_SETRLIMIT:
		step->result = umm_setrlimit(task, (int)args[0], args[1]);
		break;
	default:
		umm_set_cap_ipc_lock(task, args[0] != 0);
	}
}

static void run_memory_call(struct scn_step *step)
{
	struct umm_task *task = task_of(step->task);

	if (step->kind == SCN_MINCORE) {
		step->result = umm_mincore(task, step->args[0], step->args[1], step->out);
		step->done = step->result == 0 ? step->out_bytes : 0;
		return;
	}
	if (step->kind == SCN_VM_READV) {
		step->result = umm_process_vm_readv(task, task_of(step->remote), step->out,
						    step->out_bytes, step->ranges, step->nr_ranges,
						    step->args[0]);
		step->done = step->result > 0 ? (uint64_t)step->result : 0;
		return;
	}
	step->result = umm_process_vm_writev(task, task_of(step->remote), step->in, step->in_bytes,
					     step->ranges, step->nr_ranges, step->args[0]);
}

static void run_scan(struct scn_step *step)
{
	struct scn_scan scan;

	memcpy(&scan, step->in, sizeof(scan));
	if (scan.vec)
		scan.vec = (uintptr_t)step->out;
	step->result = umm_pagemap_scan(task_of(step->task), &scan);
	if (step->result < 0)
		return;
	step->done = (uint64_t)step->result * sizeof(struct scn_region);
	step->value = scan.walk_end;
}

static int model_run(struct scn_backend *backend, struct scn_step *step)
{
	switch (step->kind) {
	case SCN_PROCESS:
	case SCN_FORK:
	case SCN_THREAD:
		run_made(backend, step);
		break;
	case SCN_KILL:
		step->result = umm_tgkill(task_of(step->task), SIGKILL);
		break;
	case SCN_SIGNAL:
		step->result = umm_tgkill(task_of(step->task), SIGUSR1);
		break;
	case SCN_EXIT:
		umm_task_exit(task_of(step->task));
		step->task->impl = NULL;
		break;
	case SCN_SWAPON:
	case SCN_SWAPOFF:
		model_swap_call(backend, step);
		break;
	case SCN_PIN:
		run_pin(backend, step);
		break;
	case SCN_UNPIN:
		run_unpin(backend, step);
		break;
	case SCN_PAGEMAP_SCAN:
		run_scan(step);
		break;
	case SCN_MINCORE:
	case SCN_VM_READV:
	case SCN_VM_WRITEV:
		run_memory_call(step);
		break;
	default:
		if (step->kind >= SCN_READ)
			run_access(step);
		else if (step->kind >= SCN_MEMFD)
			return model_file_call(backend, step);
		else
			run_call(step);
	}
	return 0;
}

/* The machine goes as a whole. */
static void model_forget(struct scn_backend *backend, struct scn_task *task)
{
	(void)backend;
	task->impl = NULL;
}

/* ---- what one can see ----------------------------------------------------------------- */

static int64_t model_text(struct scn_backend *backend, struct scn_task *task, enum scn_text which,
			  uint64_t start, uint64_t end, char *buf, size_t size)
{
	(void)backend;
	switch (which) {
	case SCN_TEXT_MAPS:
		return umm_proc_maps(task_of(task), buf, size);
	case SCN_TEXT_SMAPS:
		return umm_proc_smaps(task_of(task), start, end, buf, size);
	case SCN_TEXT_ROLLUP:
		return umm_proc_smaps_rollup(task_of(task), buf, size);
	default:
		return umm_proc_status(task_of(task), buf, size);
	}
}

static int model_pagemap(struct scn_backend *backend, struct scn_task *task, uint64_t addr,
			 uint64_t nr_pages, uint64_t *ret_words)
{
	(void)backend;
	return umm_proc_pagemap(task_of(task), addr, nr_pages, ret_words);
}

static int model_mincore(struct scn_backend *backend, struct scn_task *task,
			 const struct umm_iovec *ranges, unsigned nr_ranges, uint8_t *ret_vec)
{
	(void)backend;
	for (unsigned i = 0; i < nr_ranges; i++) {
		uint64_t pages = ranges[i].len_bytes / UMM_PAGE_SIZE;

		if (umm_mincore(task_of(task), ranges[i].addr, ranges[i].len_bytes, ret_vec))
			memset(ret_vec, 0xff, pages);
		ret_vec += pages;
	}
	return 0;
}

static struct umm_machine *model_machine(struct scn_backend *backend)
{
	return backend->machine;
}

static struct umm_task *model_task(struct scn_task *task)
{
	return task_of(task);
}

const struct scn_backend_ops scn_model = {
	.name = "model",
	.open = model_open,
	.close = model_close,
	.forget = model_forget,
	.reason = model_reason,
	.run = model_run,
	.text = model_text,
	.pagemap = model_pagemap,
	.mincore = model_mincore,
	.machine = model_machine,
	.model_task = model_task,
};
