/* SPDX-License-Identifier: MIT */
/*
 * The linux backend: system calls on files and on pages by node. Names, buffers and vectors go
 * through the scratch of the task's slot. The descriptors of the puppet's own are above
 * PUPPET_FD0, so that a scenario gets the lowest ones.
 */
#define _GNU_SOURCE
#include <asm/unistd.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>

#include "scenario/linux/linux.h"

static struct linux_task *task_of(const struct scn_step *step)
{
	return step->task->impl;
}

/* One system call with bytes to and from scratch. */
static int call(struct scn_backend *backend, struct scn_step *step, long nr, const uint64_t args[6],
		const void *in, uint32_t in_bytes, void *out, uint32_t out_bytes)
{
	struct puppet_cmd cmd = { .op = PUPPET_SYSCALL,
				  .nr = (uint64_t)nr,
				  .payload_bytes = in_bytes,
				  .reply_bytes = out_bytes };
	struct puppet_reply reply;
	int ret;

	memcpy(cmd.args, args, sizeof(cmd.args));
	ret = linux_command(backend, task_of(step), &cmd, in, &reply, out, out_bytes);
	if (ret)
		return ret;
	if (reply.signo && !task_of(step)->process->killed)
		return linux_broken(backend, "the process was killed by signal %d in a system call",
				    reply.signo);
	step->result = reply.result;
	if (reply.result == -ENOSYS)
		return linux_skip(backend, "this kernel lacks the system call");
	return 0;
}

static int run_named(struct scn_backend *backend, struct scn_step *step)
{
	uint64_t args[6] = { linux_scratch(task_of(step)), step->args[0], step->args[1] };
	char path[320] = "";
	char name[1025] = "";
	int ret;

	if (step->kind == SCN_MEMFD) {
		memcpy(name, step->in, step->in_bytes);
		return call(backend, step, __NR_memfd_create, args, name,
			    (uint32_t)step->in_bytes + 1, NULL, 0);
	}
	ret = scn_directory_file(&backend->directory, step->in, step->in_bytes, path, sizeof(path));
	if (ret)
		return linux_skip(backend, "no directory for files: %s", strerror(-ret));
	return call(backend, step, __NR_open, args, path, (uint32_t)strlen(path) + 1, NULL, 0);
}

/* In pieces that scratch holds, up to the first that is short. */
static int run_transfer(struct scn_backend *backend, struct scn_step *step)
{
	bool write = step->kind == SCN_PWRITE;
	uint64_t len = write ? step->in_bytes : step->out_bytes;
	uint64_t done = 0;

	do {
		uint32_t now = (uint32_t)(len - done < PUPPET_MAX_PAYLOAD ? len - done :
									    PUPPET_MAX_PAYLOAD);
		uint64_t args[6] = { step->args[0], linux_scratch(task_of(step)), now,
				     step->args[1] + done };
		int ret = call(backend, step, write ? __NR_pwrite64 : __NR_pread64, args,
			       write ? (const char *)step->in + done : NULL, write ? now : 0,
			       write ? NULL : (char *)step->out + done, write ? 0 : now);

		if (ret)
			return ret;
		if (step->result < 0)
			break;
		done += (uint64_t)step->result;
		if ((uint64_t)step->result < now)
			break;
	} while (done < len);
	/* What was done before an error is what the call returns. */
	if (step->result >= 0 || done)
		step->result = (int64_t)done;
	step->done = write ? 0 : done;
	return 0;
}

static int run_fstat(struct scn_backend *backend, struct scn_step *step)
{
	uint64_t args[6] = { step->args[0], linux_scratch(task_of(step)) };
	struct stat st;
	int ret = call(backend, step, __NR_fstat, args, NULL, 0, &st, sizeof(st));

	if (ret == 0 && step->result == 0) {
		step->result = st.st_size;
		step->value = (uint64_t)st.st_blocks;
	}
	return ret;
}

static int run_move_pages(struct scn_backend *backend, struct scn_step *step)
{
	struct {
		uint64_t addrs[1024];
		int32_t nodes[1024];
		int32_t statuses[1024];
	} vectors;
	uint64_t scratch = linux_scratch(task_of(step)), nr = step->args[1];
	bool ask = (int64_t)step->args[2] < 0;
	uint64_t args[6] = { 0,
			     nr,
			     scratch,
			     ask ? 0 : scratch + sizeof(vectors.addrs),
			     scratch + sizeof(vectors.addrs) + sizeof(vectors.nodes),
			     step->args[3] };
	int ret;

	_Static_assert(sizeof(vectors) <= PUPPET_MAX_PAYLOAD, "the vectors fit into scratch");
	memset(&vectors, 0, sizeof(vectors));
	for (uint64_t i = 0; i < nr; i++) {
		vectors.addrs[i] = step->args[0] + i * UMM_PAGE_SIZE;
		vectors.nodes[i] = (int32_t)step->args[2];
	}
	ret = call(backend, step, __NR_move_pages, args, &vectors, sizeof(vectors), &vectors,
		   sizeof(vectors));
	if (ret == 0 && step->result >= 0) {
		memcpy(step->out, vectors.statuses, nr * sizeof(int32_t));
		step->done = nr * sizeof(int32_t);
	}
	return ret;
}

/* The structure comes back whatever the result: some calls say in it how far they came. */
static int run_ioctl(struct scn_backend *backend, struct scn_step *step)
{
	uint64_t args[6] = { step->args[0], step->args[1], linux_scratch(task_of(step)) };
	uint32_t len = (uint32_t)step->in_bytes;
	int ret = call(backend, step, __NR_ioctl, args, step->in, len, step->out, len);

	step->done = ret ? 0 : len;
	return ret;
}

static int run_read_fd(struct scn_backend *backend, struct scn_step *step)
{
	uint64_t args[6] = { step->args[0], linux_scratch(task_of(step)), step->out_bytes };
	int ret =
		call(backend, step, __NR_read, args, NULL, 0, step->out, (uint32_t)step->out_bytes);

	step->done = !ret && step->result > 0 ? (uint64_t)step->result : 0;
	return ret;
}

/* Asked, not waited for. */
static int run_poll(struct scn_backend *backend, struct scn_step *step)
{
	struct pollfd pollfd = { .fd = (int)step->args[0], .events = POLLIN };
	uint64_t args[6] = { linux_scratch(task_of(step)), 1, 0 };
	int ret = call(backend, step, __NR_poll, args, &pollfd, sizeof(pollfd), &pollfd,
		       sizeof(pollfd));

	if (!ret && step->result >= 0)
		step->result = pollfd.revents;
	return ret;
}

uint64_t linux_descriptor(uint64_t fd)
{
	unsigned number = (unsigned)fd;

	if (number > INT_MAX || (number >= PUPPET_FIRST_FD && number < PUPPET_FD0))
		return fd;
	return INT_MAX;
}

static int run_file_call(struct scn_backend *backend, struct scn_step *step)
{
	const uint64_t *a = step->args;

	switch (step->kind) {
	case SCN_MEMFD:
	case SCN_OPEN:
		return run_named(backend, step);
	case SCN_PREAD:
	case SCN_PWRITE:
		return run_transfer(backend, step);
	case SCN_USERFAULTFD:
		return call(backend, step, __NR_userfaultfd, a, NULL, 0, NULL, 0);
	case SCN_IOCTL:
		return run_ioctl(backend, step);
	case SCN_READ_FD:
		return run_read_fd(backend, step);
	case SCN_POLL:
		return run_poll(backend, step);
	case SCN_FSTAT:
		return run_fstat(backend, step);
	case SCN_MOVE_PAGES:
		return run_move_pages(backend, step);
	case SCN_CLOSE:
		return call(backend, step, __NR_close, a, NULL, 0, NULL, 0);
	case SCN_FTRUNCATE:
		return call(backend, step, __NR_ftruncate, a, NULL, 0, NULL, 0);
	case SCN_FALLOCATE:
		return call(backend, step, __NR_fallocate, a, NULL, 0, NULL, 0);
	case SCN_FSYNC:
		return call(backend, step, __NR_fsync, a, NULL, 0, NULL, 0);
	case SCN_FADVISE:
		return call(backend, step, __NR_fadvise64, a, NULL, 0, NULL, 0);
	case SCN_ADD_SEALS: {
		uint64_t args[6] = { a[0], F_ADD_SEALS, a[1] };

		return call(backend, step, __NR_fcntl, args, NULL, 0, NULL, 0);
	}
	default: {
		uint64_t args[6] = { a[0], F_GET_SEALS };

		return call(backend, step, __NR_fcntl, args, NULL, 0, NULL, 0);
	}
	}
}

int linux_file_call(struct scn_backend *backend, struct scn_step *step)
{
	uint64_t given = step->args[0];
	int ret;

	if (step->kind != SCN_MEMFD && step->kind != SCN_OPEN && step->kind != SCN_USERFAULTFD &&
	    step->kind != SCN_MOVE_PAGES)
		step->args[0] = linux_descriptor(given);
	ret = run_file_call(backend, step);
	step->args[0] = given;
	return ret;
}
