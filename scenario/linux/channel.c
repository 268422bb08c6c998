/* SPDX-License-Identifier: MIT */
/*
 * Puppets and the sockets to them.
 *
 * All sockets are made before the first puppet and inherited by every one, so that no
 * descriptor is ever passed. Every puppet is our own child (it forks with CLONE_PARENT), dies
 * with us (PR_SET_PDEATHSIG) and is waited for here. Nobody notices a puppet's death on its
 * socket, since all the others hold its end too; a reply that takes long makes us look.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "scenario/linux/linux.h"

extern const char linux_puppet_start[], linux_puppet_end[];

#define LOOK_MS 200   /* how long a reply may take before we look for a dead puppet */
#define PATIENCE_S 60 /* before we give up on a living one */

__attribute__((format(printf, 3, 0))) static int say(struct scn_backend *backend, int code,
						     const char *format, va_list list)
{
	vsnprintf(backend->reason, sizeof(backend->reason), format, list);
	return code;
}

int linux_skip(struct scn_backend *backend, const char *format, ...)
{
	va_list list;
	int ret;

	va_start(list, format);
	ret = say(backend, SCN_SKIPPED, format, list);
	va_end(list);
	return ret;
}

int linux_broken(struct scn_backend *backend, const char *format, ...)
{
	va_list list;
	int ret;

	va_start(list, format);
	ret = say(backend, SCN_BROKEN, format, list);
	va_end(list);
	return ret;
}

int linux_channels_open(struct scn_backend *backend)
{
	struct timeval look = { .tv_usec = LOOK_MS * 1000 };

	for (int i = 0; i < PUPPET_NR_SLOTS; i++)
		backend->socks[i] = backend->ends[i] = -1;
	for (int i = 0; i < PUPPET_NR_SLOTS; i++) {
		int pair[2], high;

		if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
			return linux_skip(backend, "socketpair: %s", strerror(errno));
		backend->socks[i] = pair[0];
		/* Out of the way of the numbers that a puppet's ends get. */
		high = fcntl(pair[1], F_DUPFD_CLOEXEC, PUPPET_FD0 + 2 * PUPPET_NR_SLOTS);
		close(pair[1]);
		if (high < 0)
			return linux_skip(backend, "too few descriptors: %s", strerror(errno));
		backend->ends[i] = high;
		setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &look, sizeof(look));
	}
	return 0;
}

void linux_channels_close(struct scn_backend *backend)
{
	for (int i = 0; i < PUPPET_NR_SLOTS; i++) {
		if (backend->socks[i] >= 0)
			close(backend->socks[i]);
		if (backend->ends[i] >= 0)
			close(backend->ends[i]);
	}
}

int linux_slot_take(struct scn_backend *backend)
{
	for (int i = 0; i < PUPPET_NR_SLOTS; i++) {
		if (!backend->used[i]) {
			backend->used[i] = true;
			return i;
		}
	}
	return -1;
}

/* The puppet as an executable file without a name, made once. */
static int puppet_file(void)
{
	static int fd = -1;
	size_t size = (size_t)(linux_puppet_end - linux_puppet_start);
	int low;

	if (fd >= 0)
		return fd;
	low = memfd_create("usermm-puppet", MFD_CLOEXEC);
	if (low < 0)
		return -1;
	fd = fcntl(low, F_DUPFD_CLOEXEC, PUPPET_FD0 + 2 * PUPPET_NR_SLOTS);
	close(low);
	if (fd < 0)
		return -1;
	if (write(fd, linux_puppet_start, size) != (ssize_t)size || fchmod(fd, 0755)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

struct launch {
	struct scn_backend *backend;
	int slot, file;
	pid_t runner;
	int error;
};

/*
 * Runs in our memory until the exec (CLONE_VFORK), so it only makes system calls. A first
 * puppet calls its own slot 0, whichever it is to us: its slots count from there.
 */
static int launch_child(void *arg)
{
	struct launch *launch = arg;
	struct rlimit stack = { 8ul << 20, RLIM_INFINITY }, none = { 0, 0 }, limit;
	char *argv[] = { (char *)"usermm-puppet", NULL }, *envp[] = { NULL };
	int nothing;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != launch->runner)
		_exit(1);
	setsid();
	personality(ADDR_NO_RANDOMIZE);
	getrlimit(RLIMIT_STACK, &limit);
	stack.rlim_max = limit.rlim_max;
	setrlimit(RLIMIT_STACK, &stack);
	setrlimit(RLIMIT_CORE, &none);
	for (int i = 0; i < PUPPET_NR_SLOTS; i++) {
		int end = launch->backend->ends[(i + launch->slot) % PUPPET_NR_SLOTS];

		if (dup2(end, PUPPET_FD0 + i) < 0) {
			launch->error = errno;
			_exit(1);
		}
	}
	close_range(0, PUPPET_FD0 - 1, CLOSE_RANGE_CLOEXEC);
	/* As a program has them open, so that its own begin with 3. */
	nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int i = 0; i < 3; i++) {
		if (nothing != i && dup2(nothing, i) < 0) {
			launch->error = errno;
			_exit(1);
		}
	}
	close_range(PUPPET_FD0 + PUPPET_NR_SLOTS, ~0u, CLOSE_RANGE_CLOEXEC);
	syscall(SYS_execveat, launch->file, "", argv, envp, AT_EMPTY_PATH);
	launch->error = errno;
	_exit(1);
}

static bool is_dead(pid_t pid, int *ret_signo)
{
	siginfo_t info = { 0 };

	if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT)) {
		/* It was killed and waited for already. */
		*ret_signo = SIGKILL;
		return errno == ECHILD;
	}
	if (!info.si_pid)
		return false;
	*ret_signo = info.si_code == CLD_EXITED ? SIGKILL : info.si_status;
	return true;
}

/* One message from the slot, or what became of the puppet. */
static int receive(struct scn_backend *backend, int slot, pid_t pid, pid_t tid,
		   struct puppet_reply *reply, void *out, uint64_t out_bytes)
{
	struct iovec iov[2] = { { reply, sizeof(*reply) }, { out, out_bytes } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = out_bytes ? 2 : 1 };
	time_t begin = 0; /* 0: nothing had to be waited for */
	int signo = 0;

	do {
		ssize_t got = recvmsg(backend->socks[slot], &msg, backend->wait ? MSG_DONTWAIT : 0);

		if (got >= (ssize_t)sizeof(*reply))
			return 0;
		if (got >= 0)
			return linux_broken(backend, "a puppet answered with %zd bytes", got);
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return linux_broken(backend, "reading from a puppet: %s", strerror(errno));
		if (is_dead(pid, &signo)) {
			*reply = (struct puppet_reply){ .signo = signo, .code = SI_KERNEL };
			return 0;
		}
		if (backend->wait) {
			backend->waiting[slot] = tid;
			backend->wait();
			backend->waiting[slot] = 0;
		}
		begin = begin ? begin : time(NULL);
	} while (!begin || time(NULL) - begin <= PATIENCE_S);
	/* Whoever waits for its end would wait as long. */
	kill(pid, SIGKILL);
	return linux_broken(backend, "a puppet has not answered for %d s", PATIENCE_S);
}

int linux_launch(struct scn_backend *backend, int slot, struct puppet_reply *ret_hello)
{
	static char stack[64 << 10] __attribute__((aligned(16)));
	struct launch launch = { .backend = backend, .slot = slot, .file = puppet_file() };
	void (*wait)(void) = backend->wait;
	sigset_t all, old;
	pid_t pid;
	int ret;

	if (launch.file < 0)
		return linux_skip(backend, "memfd_create: %s", strerror(errno));
	launch.runner = getpid();
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &old);
	pid = clone(launch_child, stack + sizeof(stack), CLONE_VM | CLONE_VFORK | SIGCHLD, &launch);
	sigprocmask(SIG_SETMASK, &old, NULL);
	if (pid < 0)
		return linux_skip(backend, "cannot start a process: %s", strerror(errno));
	if (launch.error) {
		waitpid(pid, NULL, 0);
		return linux_skip(backend, "cannot run the puppet: %s", strerror(launch.error));
	}
	backend->wait = NULL;
	ret = receive(backend, slot, pid, pid, ret_hello, NULL, 0);
	backend->wait = wait;
	if (ret == 0 && ret_hello->signo)
		ret = linux_skip(backend, "the puppet does not start here (signal %d)",
				 ret_hello->signo);
	else if (ret == 0 && ret_hello->result < 0)
		ret = linux_skip(backend, "the puppet cannot empty its address space: %s",
				 strerror((int)-ret_hello->result));
	if (ret) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	return ret;
}

int linux_hello(struct scn_backend *backend, struct linux_task *task,
		struct puppet_reply *ret_hello)
{
	return receive(backend, task->slot, task->process->pid, task->process->pid, ret_hello, NULL,
		       0);
}

int linux_send(struct scn_backend *backend, struct linux_task *task, struct puppet_cmd *cmd,
	       const void *in)
{
	struct iovec iov[2] = { { cmd, sizeof(*cmd) },
				{ (void *)(uintptr_t)in, cmd->payload_bytes } };
	ssize_t want = (ssize_t)(sizeof(*cmd) + cmd->payload_bytes);

	backend->commands++;
	if (writev(backend->socks[task->slot], iov, cmd->payload_bytes ? 2 : 1) != want)
		return linux_broken(backend, "writing to a puppet: %s", strerror(errno));
	return 0;
}

int linux_command(struct scn_backend *backend, struct linux_task *task, struct puppet_cmd *cmd,
		  const void *in, struct puppet_reply *ret_reply, void *out, uint64_t out_bytes)
{
	int ret = linux_send(backend, task, cmd, in);

	if (ret)
		return ret;
	return receive(backend, task->slot, task->process->pid, task->tid, ret_reply, out,
		       out_bytes);
}

int linux_syscall(struct scn_backend *backend, struct linux_task *task, long nr,
		  const uint64_t *args, unsigned nr_args, int64_t *ret_value)
{
	struct puppet_cmd cmd = { .op = PUPPET_SYSCALL, .nr = (uint64_t)nr };
	struct puppet_reply reply;
	int ret;

	memcpy(cmd.args, args, nr_args * sizeof(*args));
	ret = linux_command(backend, task, &cmd, NULL, &reply, NULL, 0);
	if (ret)
		return ret;
	if (reply.signo && !task->process->killed)
		return linux_broken(backend, "the process was killed by signal %d in a system call",
				    reply.signo);
	*ret_value = reply.result;
	return 0;
}

void linux_wait_for(pid_t pid)
{
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

void linux_reap(struct linux_process *process)
{
	if (process->reaped)
		return;
	linux_wait_for(process->pid);
	process->reaped = true;
}
