/* SPDX-License-Identifier: MIT */
/*
 * The kernel's side: real system calls in a process of its own, with transparent huge pages
 * off, so that it works on the same 4 KiB pages as the model. The process is forked before
 * anything large is mapped here, and is asked over a socket.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel_internal.h"

static pid_t server;
static int server_socket = -1;

struct request {
	uint64_t benchmark;
	struct work work;
};

/* ---- work ---- */

static volatile char *map_pages(uint64_t pages)
{
	void *p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		       0);

	if (p == MAP_FAILED)
		cannot_run("the kernel maps no %llu pages: %s", (unsigned long long)pages,
			   strerror(errno));
	return p;
}

static void unmap_pages(volatile char *p, uint64_t pages)
{
	if (munmap((void *)(uintptr_t)p, pages * PAGE))
		cannot_run("munmap: %s", strerror(errno));
}

static void touch_pages(volatile char *p, uint64_t pages)
{
	for (uint64_t i = 0; i < pages; i++)
		p[i * PAGE] = 1;
}

static volatile char *map_touched(uint64_t pages)
{
	volatile char *p = map_pages(pages);

	touch_pages(p, pages);
	return p;
}

struct share {
	volatile char *base;
	uint64_t pages; /* of each thread */
	double fork_ns[2];
};

static void touch_share(void *arg, uint32_t i)
{
	const struct share *share = arg;

	touch_pages(share->base + i * share->pages * PAGE, share->pages);
}

double kernel_first_touch(const struct work *work)
{
	struct share share = { .base = map_pages(work->pages),
			       .pages = work->pages / work->threads };
	double ns = run_threads(work, &(struct thread_work){ .fn = touch_share, .arg = &share });

	unmap_pages(share.base, work->pages);
	return ns / (double)(share.pages * work->threads);
}

/* A child that lives until the returned descriptor is closed. */
static pid_t fork_idle(int *ret_fd, double *ret_ns)
{
	int fds[2];
	double begin;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC))
		cannot_run("pipe: %s", strerror(errno));
	begin = now_ns();
	pid = fork();
	if (pid == 0) {
		char byte;

		close(fds[1]);
		_exit(read(fds[0], &byte, 1) == 0 ? 0 : 1);
	}
	*ret_ns = now_ns() - begin;
	if (pid < 0)
		cannot_run("fork: %s", strerror(errno));
	close(fds[0]);
	*ret_fd = fds[1];
	return pid;
}

static void end_idle(pid_t pid, int fd)
{
	close(fd);
	waitpid(pid, NULL, 0);
}

static double fork_once(uint64_t pages)
{
	volatile char *p = map_touched(pages);
	double ns;
	int fd;
	pid_t pid = fork_idle(&fd, &ns);

	end_idle(pid, fd);
	unmap_pages(p, pages);
	return ns;
}

/* With two threads, each forks a process of its own: here, two processes that fork. */
static double fork_in_processes(const struct work *work)
{
	double *ns = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint32_t *arrived = (void *)(ns + 16);
	double slowest = 0;

	if (ns == MAP_FAILED)
		cannot_run("mmap: %s", strerror(errno));
	for (uint32_t i = 0; i < work->threads; i++) {
		pid_t forker = fork();

		if (forker < 0)
			cannot_run("fork: %s", strerror(errno));
		if (forker == 0) {
			/* Not to wait for ever for another that there is not. */
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			volatile char *p = map_touched(work->pages / work->threads);
			int fd;
			pid_t pid;

			meet(arrived, work->threads);
			pid = fork_idle(&fd, &ns[i]);
			end_idle(pid, fd);
			unmap_pages(p, work->pages / work->threads);
			_exit(0);
		}
	}
	for (uint32_t i = 0; i < work->threads; i++)
		wait(NULL);
	for (uint32_t i = 0; i < work->threads; i++)
		slowest = ns[i] > slowest ? ns[i] : slowest;
	munmap(ns, PAGE);
	return slowest;
}

double kernel_fork(const struct work *work)
{
	double ns = work->threads > 1 ? fork_in_processes(work) : fork_once(work->pages);

	return ns / (double)work->pages;
}

double kernel_cow(const struct work *work)
{
	volatile char *p = map_touched(work->pages);
	double ns, begin;
	int fd;
	pid_t pid = fork_idle(&fd, &ns);

	begin = now_ns();
	touch_pages(p, work->pages);
	ns = now_ns() - begin;
	end_idle(pid, fd);
	unmap_pages(p, work->pages);
	return ns / (double)work->pages;
}

double kernel_munmap(const struct work *work)
{
	volatile char *p = map_touched(work->pages);
	double begin = now_ns();

	unmap_pages(p, work->pages);
	return (now_ns() - begin) / (double)work->pages;
}

double kernel_mprotect(const struct work *work)
{
	volatile char *p = map_touched(work->pages);
	void *start = (void *)(uintptr_t)p;
	double begin = now_ns(), ns;

	if (mprotect(start, work->pages * PAGE, PROT_READ) ||
	    mprotect(start, work->pages * PAGE, PROT_READ | PROT_WRITE))
		cannot_run("mprotect: %s", strerror(errno));
	ns = now_ns() - begin;
	unmap_pages(p, work->pages);
	return ns / (double)(2 * work->pages);
}

double kernel_pagemap(const struct work *work)
{
	volatile char *p = map_touched(work->pages);
	uint64_t bytes = work->pages * sizeof(uint64_t);
	uint64_t *words = malloc(bytes);
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	double begin, ns;

	if (!words || fd < 0)
		cannot_run("/proc/self/pagemap: %s", strerror(errno));
	memset(words, 1, bytes);
	begin = now_ns();
	if (pread(fd, words, bytes, (off_t)((uintptr_t)p / PAGE * sizeof(uint64_t))) !=
	    (ssize_t)bytes)
		cannot_run("/proc/self/pagemap: short read");
	ns = now_ns() - begin;
	close(fd);
	free(words);
	unmap_pages(p, work->pages);
	return ns / (double)work->pages;
}

/* Loads of a process are plain loads; two threads load what each has for itself. */
double kernel_load(const struct work *work)
{
	return plain_load(work);
}

/* ---- the process ---- */

static void serve(int socket)
{
	static const int ends[] = { SIGHUP, SIGINT, SIGTERM, SIGPIPE };
	struct request request;

	/* What was changed of the machine is undone at the end: when nobody asks any more. */
	atexit(kernel_swap_stop);
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		signal(ends[i], SIG_IGN);
	if (prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0))
		cannot_run("huge pages cannot be switched off: %s", strerror(errno));
	while (read(socket, &request, sizeof(request)) == (ssize_t)sizeof(request)) {
		const struct benchmark *benchmark = &benchmarks[request.benchmark];
		double ns = benchmark->measure[SIDE_LINUX](&request.work);

		if (write(socket, &ns, sizeof(ns)) != (ssize_t)sizeof(ns))
			break;
	}
	exit(0);
}

void kernel_start(void)
{
	int sockets[2];

	fflush(NULL);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets))
		cannot_run("socketpair: %s", strerror(errno));
	server = fork();
	if (server < 0)
		cannot_run("fork: %s", strerror(errno));
	if (server == 0) {
		close(sockets[0]);
		serve(sockets[1]);
	}
	close(sockets[1]);
	server_socket = sockets[0];
}

double kernel_measure(size_t benchmark, const struct work *work)
{
	struct request request = { .benchmark = benchmark, .work = *work };
	double ns;

	if (write(server_socket, &request, sizeof(request)) != (ssize_t)sizeof(request) ||
	    read(server_socket, &ns, sizeof(ns)) != (ssize_t)sizeof(ns))
		cannot_run("the process that measures the kernel has gone");
	return ns;
}

void kernel_stop(void)
{
	if (server_socket < 0)
		return;
	close(server_socket);
	server_socket = -1;
	waitpid(server, NULL, 0);
}
