/* SPDX-License-Identifier: MIT */
/* The model backend: calls on files, swap and nodes. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "scenario/memory.h"
#include "scenario/model/model.h"

static struct umm_task *task_of(const struct scn_step *step)
{
	return step->task->impl;
}

static int run_named(struct scn_backend *backend, struct scn_step *step)
{
	char name[1025], path[320];
	int ret;

	if (step->kind == SCN_MEMFD) {
		memcpy(name, step->in, step->in_bytes);
		name[step->in_bytes] = '\0';
		step->result = umm_memfd_create(task_of(step), name, (unsigned)step->args[0]);
		return 0;
	}
	ret = scn_directory_file(&backend->directory, step->in, step->in_bytes, path, sizeof(path));
	if (ret)
		return model_broken(backend, "make a directory for files", ret);
	step->result = umm_open(task_of(step), path, (int)step->args[0], (unsigned)step->args[1]);
	return 0;
}

static void run_transfer(struct scn_step *step)
{
	int fd = (int)step->args[0];

	if (step->kind == SCN_PWRITE) {
		step->result = umm_pwrite(task_of(step), fd, step->in, step->in_bytes,
					  (int64_t)step->args[1]);
		return;
	}
	step->result =
		umm_pread(task_of(step), fd, step->out, step->out_bytes, (int64_t)step->args[1]);
	step->done = step->result > 0 ? (uint64_t)step->result : 0;
}

static int run_move_pages(struct scn_backend *backend, struct scn_step *step)
{
	uint64_t nr = step->args[1];
	uint64_t *addrs = scn_alloc((nr + 1) * sizeof(*addrs));
	int *nodes = scn_alloc((nr + 1) * sizeof(*nodes));
	bool ask = (int64_t)step->args[2] < 0;

	if (!addrs || !nodes) {
		scn_free(addrs);
		scn_free(nodes);
		return model_broken(backend, "move pages", -ENOMEM);
	}
	for (uint64_t i = 0; i < nr; i++) {
		addrs[i] = step->args[0] + i * UMM_PAGE_SIZE;
		nodes[i] = (int)step->args[2];
	}
	step->result = umm_move_pages(task_of(step), task_of(step), nr, addrs, ask ? NULL : nodes,
				      step->out, (int)step->args[3]);
	step->done = step->result >= 0 ? nr * sizeof(int) : 0;
	scn_free(addrs);
	scn_free(nodes);
	return 0;
}

int model_file_call(struct scn_backend *backend, struct scn_step *step)
{
	struct umm_task *task = task_of(step);
	const uint64_t *a = step->args;
	int fd = (int)a[0];

	switch (step->kind) {
	case SCN_MEMFD:
	case SCN_OPEN:
		return run_named(backend, step);
	case SCN_USERFAULTFD:
		step->result = umm_userfaultfd(task, (int)a[0]);
		break;
	case SCN_IOCTL:
		memcpy(step->out, step->in, step->in_bytes);
		step->result = umm_ioctl(task, fd, a[1], step->out);
		step->done = step->in_bytes;
		break;
	case SCN_READ_FD:
		step->result = umm_fd_read(task, fd, step->out, step->out_bytes);
		step->done = step->result > 0 ? (uint64_t)step->result : 0;
		break;
	case SCN_POLL:
		step->result = umm_poll(task, fd);
		/* One that is no number at all is left out. */
		if (step->result == -EBADF)
			step->result = fd < 0 ? 0 : POLLNVAL;
		break;
	case SCN_PREAD:
	case SCN_PWRITE:
		run_transfer(step);
		break;
	case SCN_MOVE_PAGES:
		return run_move_pages(backend, step);
	case SCN_CLOSE:
		step->result = umm_close(task, fd);
		break;
	case SCN_FTRUNCATE:
		step->result = umm_ftruncate(task, fd, (int64_t)a[1]);
		break;
	case SCN_FALLOCATE:
		step->result = umm_fallocate(task, fd, (int)a[1], (int64_t)a[2], (int64_t)a[3]);
		break;
	case SCN_FSYNC:
		step->result = umm_fsync(task, fd);
		break;
	case SCN_FADVISE:
		step->result = umm_fadvise(task, fd, (int64_t)a[1], (int64_t)a[2], (int)a[3]);
		break;
	case SCN_FSTAT:
		step->result = umm_fstat_size(task, fd, &step->value);
		break;
	case SCN_ADD_SEALS:
		step->result = umm_fcntl(task, fd, F_ADD_SEALS, a[1]);
		break;
	default:
		step->result = umm_fcntl(task, fd, F_GET_SEALS, 0);
	}
	return 0;
}

/* Areas of the machine itself: a rewind takes what they hold back too. */
void model_swap_call(struct scn_backend *backend, struct scn_step *step)
{
	uint64_t nr = step->args[0];

	if (step->kind == SCN_SWAPON) {
		if (backend->nr_areas == MAX_AREAS) {
			step->result = -EPERM;
			return;
		}
		/* The first page of a file is its header. */
		step->result = umm_swap_create(backend->machine, nr ? nr - 1 : 0,
					       (int)(int64_t)step->args[1]);
		if (step->result < 0)
			return;
		backend->areas[backend->nr_areas++] = (int)step->result + 1;
		step->result = backend->nr_areas;
		return;
	}
	step->result = -EINVAL;
	if (!nr || nr > backend->nr_areas || !backend->areas[nr - 1])
		return;
	step->result = umm_swapoff_area(backend->machine, backend->areas[nr - 1] - 1);
	if (step->result == 0)
		backend->areas[nr - 1] = 0;
}
