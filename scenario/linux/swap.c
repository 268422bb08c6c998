/* SPDX-License-Identifier: MIT */
/*
 * The linux backend: swap areas, which are the machine's, not a scenario's. Each is a file that
 * the runner makes, swaps on and takes back.
 *
 *   lock       a session holds it shared, one that swaps exclusively: areas change what every
 *              process of the machine sees
 *   guardian   a process of its own that takes back what is left when the runner ends in whatever
 *              way, and keeps the lock until then
 *   kept       an area that is left on for the next session (scn_linux_keep_swap)
 *
 * All of it belongs to the process; a child that the runner forks begins anew.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/swap.h>
#include <unistd.h>

#include "scenario/linux/linux.h"

#define LOCK_FILE "/run/lock/usermm-swap.lock"
/* How long the data of pages that go out may take to reach the file. */
#define WRITEBACK_MS 500

static struct {
	pid_t owner;
	int lock; /* -1: none */
	unsigned sessions;
	pid_t guardian; /* 0: there is none */
	int guardian_fd;
	struct scn_directory directory;
	unsigned made; /* files so far */
	bool keep;
	struct linux_area kept; /* pages 0: none */
} ours = { .lock = -1 };

static void forget_parent(void)
{
	if (ours.owner == getpid())
		return;
	if (ours.lock >= 0)
		close(ours.lock);
	if (ours.guardian)
		close(ours.guardian_fd);
	memset(&ours, 0, sizeof(ours));
	ours.owner = getpid();
	ours.lock = -1;
}

/* What others do with the machine is not time that a limit on this process should count. */
static int take_lock(int operation)
{
	unsigned left = alarm(0);
	int ret = flock(ours.lock, operation);

	alarm(left);
	return ret;
}

/* One that cannot be had only means that nobody else takes it either. */
void linux_swap_open(void)
{
	forget_parent();
	if (ours.lock < 0)
		ours.lock = open(LOCK_FILE, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	if (ours.lock >= 0 && !ours.sessions && !ours.kept.pages)
		(void)take_lock(LOCK_SH);
	ours.sessions++;
}

/* ---- the guardian --------------------------------------------------------------------- */

#define MAX_GUARDED 64

/* Reads the paths of areas; when the runner has closed its end, every one goes. */
static _Noreturn void guard(int fd)
{
	static char paths[MAX_GUARDED][LINUX_PATH_BYTES];
	unsigned nr = 0;
	char more[LINUX_PATH_BYTES];

	setsid();
	for (int signo = 1; signo < 32; signo++)
		signal(signo, SIG_IGN);
	while (read(fd, more, sizeof(more)) > 0)
		memcpy(paths[nr++ % MAX_GUARDED], more, sizeof(more));
	for (unsigned i = 0; i < nr && i < MAX_GUARDED; i++) {
		char *slash = strrchr(paths[i], '/');

		(void)swapoff(paths[i]);
		(void)unlink(paths[i]);
		if (slash)
			*slash = '\0';
		(void)rmdir(paths[i]);
	}
	_exit(0);
}

static int start_guardian(void)
{
	int ends[2];
	pid_t pid;

	if (ours.guardian)
		return 0;
	/* A packet a path. */
	if (pipe2(ends, O_CLOEXEC | O_DIRECT))
		return -errno;
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0) {
		for (int fd = 0; fd < 1024; fd++) {
			if (fd != ends[0] && fd != ours.lock)
				close(fd);
		}
		guard(ends[0]);
	}
	close(ends[0]);
	ours.guardian = pid;
	ours.guardian_fd = ends[1];
	return 0;
}

static int tell_guardian(const char *path)
{
	char text[LINUX_PATH_BYTES] = "";
	int ret = start_guardian();

	if (ret)
		return ret;
	snprintf(text, sizeof(text), "%s", path);
	return write(ours.guardian_fd, text, sizeof(text)) == sizeof(text) ? 0 : -EIO;
}

/* ---- areas ---------------------------------------------------------------------------- */

/*
 * What mkswap(8) writes: a header of version 1 that knows the last page, and the magic at the end
 * of the first page. The kernel wants a file without holes.
 */
static int write_area(const char *path, uint64_t pages)
{
	static char page[UMM_PAGE_SIZE];
	static const char magic[10] = { 'S', 'W', 'A', 'P', 'S', 'P', 'A', 'C', 'E', '2' };
	uint32_t words[3] = { 1, (uint32_t)(pages - 1), 0 };
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int ret = 0;

	if (fd < 0)
		return -errno;
	memset(page, 0, sizeof(page));
	for (uint64_t i = 1; i < pages && !ret; i++) {
		if (pwrite(fd, page, sizeof(page), (off_t)(i * sizeof(page))) != sizeof(page))
			ret = errno ? -errno : -ENOSPC;
	}
	memcpy(page + 1024, words, sizeof(words));
	memcpy(page + sizeof(page) - sizeof(magic), magic, sizeof(magic));
	if (!ret && pwrite(fd, page, sizeof(page), 0) != sizeof(page))
		ret = errno ? -errno : -ENOSPC;
	if (!ret && fsync(fd))
		ret = -errno;
	close(fd);
	return ret;
}

static int make_area(uint64_t pages, char *path, size_t size)
{
	char name[32];
	int ret;

	snprintf(name, sizeof(name), "swap%u", ++ours.made);
	ret = scn_directory_file(&ours.directory, name, strlen(name), path, size);
	if (!ret)
		ret = tell_guardian(path);
	return ret ? ret : write_area(path, pages);
}

static void drop_area(struct linux_area *area)
{
	if (area->pages) {
		(void)swapoff(area->path);
		(void)unlink(area->path);
	}
	area->pages = 0;
}

static int run_swapon(struct scn_backend *backend, struct scn_step *step)
{
	int64_t priority = (int64_t)step->args[1];
	int flags = priority < 0 ? 0 : SWAP_FLAG_PREFER | ((int)priority & SWAP_FLAG_PRIO_MASK);
	struct linux_area *area = &backend->areas[backend->nr_areas];
	uint64_t pages = step->args[0];
	int ret;

	if (backend->nr_areas == LINUX_MAX_AREAS)
		return linux_skip(backend, "the runner makes at most %d swap areas",
				  LINUX_MAX_AREAS);
	if (ours.kept.pages && ours.kept.pages == pages && priority < 0) {
		*area = ours.kept;
		ours.kept.pages = 0;
		step->result = ++backend->nr_areas;
		return 0;
	}
	if (ours.lock < 0 || take_lock(LOCK_EX))
		return linux_skip(backend, "%s: %s", LOCK_FILE, strerror(errno));
	drop_area(&ours.kept);
	ret = make_area(pages ? pages : 1, area->path, sizeof(area->path));
	if (ret)
		return linux_skip(backend, "cannot make a file to swap to: %s", strerror(-ret));
	if (swapon(area->path, flags)) {
		ret = errno;
		(void)unlink(area->path);
		if (ret == EPERM)
			return linux_skip(backend, "swapon needs CAP_SYS_ADMIN");
		/* The kernel wants ten pages at least. */
		if (ret != EINVAL || pages >= 10)
			return linux_skip(backend, "swapon: %s", strerror(ret));
		step->result = -ret;
		return 0;
	}
	area->pages = pages;
	step->result = ++backend->nr_areas;
	return 0;
}

static int run_swapoff(struct scn_backend *backend, struct scn_step *step)
{
	uint64_t nr = step->args[0];
	struct linux_area *area = nr && nr <= backend->nr_areas ? &backend->areas[nr - 1] : NULL;

	if (!area || !area->pages) {
		step->result = -EINVAL;
		return 0;
	}
	if (swapoff(area->path)) {
		step->result = -errno;
		return 0;
	}
	(void)unlink(area->path);
	area->pages = 0;
	return 0;
}

int linux_swap_call(struct scn_backend *backend, struct scn_step *step)
{
	return step->kind == SCN_SWAPON ? run_swapon(backend, step) : run_swapoff(backend, step);
}

/* Processes have ended by now, so that nothing has to be brought home. */
void linux_swap_close(struct scn_backend *backend)
{
	for (unsigned i = 0; i < backend->nr_areas; i++) {
		struct linux_area *area = &backend->areas[i];

		if (area->pages && ours.keep && !ours.kept.pages) {
			ours.kept = *area;
			area->pages = 0;
		}
		drop_area(area);
	}
	ours.sessions--;
	if (!ours.sessions && !ours.kept.pages)
		scn_linux_keep_swap(ours.keep);
}

void scn_linux_keep_swap(bool keep)
{
	forget_parent();
	ours.keep = keep;
	if (keep && ours.kept.pages)
		return;
	drop_area(&ours.kept);
	if (ours.sessions)
		return;
	scn_directory_remove(&ours.directory);
	if (ours.guardian) {
		close(ours.guardian_fd);
		linux_wait_for(ours.guardian);
		ours.guardian = 0;
	}
	if (ours.lock >= 0)
		(void)flock(ours.lock, LOCK_UN);
}

/*
 * A page whose data is still on its way to the file cannot go out again, nor be found clean: wait
 * until nothing is on its way, if that does not take long.
 */
void linux_swap_settle(const struct scn_backend *backend)
{
	static const char name[] = "nr_writeback ";
	char text[8192];

	for (int ms = 0; backend->nr_areas && ms < WRITEBACK_MS; ms++) {
		int fd = open("/proc/vmstat", O_RDONLY | O_CLOEXEC);
		ssize_t got = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
		const char *at;

		if (fd >= 0)
			close(fd);
		text[got > 0 ? got : 0] = '\0';
		at = strstr(text, name);
		if (!at || strtoul(at + sizeof(name) - 1, NULL, 10) == 0)
			return;
		usleep(1000);
	}
}
