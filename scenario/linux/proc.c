/* SPDX-License-Identifier: MIT */
/*
 * What /proc says of a puppet, without what belongs to the puppet itself.
 *
 * maps and smaps lose the image's lines (and vsyscall's). smaps_rollup loses what smaps says
 * of the image, which are whole private pages (the puppet sees to that), and status loses its
 * constant sizes. A field that only some processors or kernels show and that no scenario can
 * change (ProtectionKey) is left out.
 */
#define _GNU_SOURCE
#include <asm/unistd.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "scenario/linux/linux.h"
#include "scenario/scan.h"

static const char *const files[] = { "maps", "smaps", "smaps_rollup", "status" };

/*
 * The kernel moves folios between its lists in batches per CPU. What marks a folio as used or
 * as free to drop depends on whether it still waits in one, and shows in smaps only once it
 * does not. Asking to move a page of ours to where it is empties the batches of all CPUs.
 */
void linux_settle(void)
{
	static char page[UMM_PAGE_SIZE] __attribute__((aligned(UMM_PAGE_SIZE))) = { 1 };
	void *pages = page;
	int node = 0, status;

	syscall(__NR_move_pages, 0, 1ul, &pages, &node, &status, 0);
}

int linux_proc_open(struct scn_backend *backend, struct linux_process *process)
{
	char path[64];

	for (int i = 0; i < 4; i++)
		process->fd_text[i] = -1;
	process->fd_pagemap = -1;
	process->sums_at = UINT64_MAX;
	snprintf(path, sizeof(path), "/proc/%d", (int)process->pid);
	process->fd_dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (process->fd_dir < 0)
		return linux_skip(backend, "%s: %s", path, strerror(errno));
	return 0;
}

void linux_proc_close(struct linux_process *process)
{
	for (int i = 0; i < 4; i++) {
		if (process->fd_text[i] >= 0)
			close(process->fd_text[i]);
		process->fd_text[i] = -1;
	}
	if (process->fd_pagemap >= 0)
		close(process->fd_pagemap);
	if (process->fd_dir >= 0)
		close(process->fd_dir);
	process->fd_pagemap = process->fd_dir = -1;
}

/* The whole file into backend->text, NUL-terminated; its length or -errno. */
static int64_t slurp(struct scn_backend *backend, struct linux_process *process,
		     enum scn_text which)
{
	int *fd = &process->fd_text[which];
	size_t len = 0;

	if (*fd < 0)
		*fd = openat(process->fd_dir, files[which], O_RDONLY | O_CLOEXEC);
	if (*fd < 0)
		return -errno;
	for (;;) {
		ssize_t got;

		if (backend->text_size - len < 8192) {
			size_t size = backend->text_size ? 2 * backend->text_size : 65536;
			char *text = realloc(backend->text, size);

			if (!text)
				return -ENOMEM;
			backend->text = text;
			backend->text_size = size;
		}
		got = pread(*fd, backend->text + len, backend->text_size - len - 1, (off_t)len);
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		len += (size_t)got;
	}
	backend->text[len] = '\0';
	return (int64_t)len;
}

/* A text that grows past its buffer is counted on, as snprintf does. */
struct out {
	char *buf;
	size_t size;
	size_t len;
};

static void put(struct out *out, const char *text, size_t len)
{
	if (out->len + len < out->size)
		memcpy(out->buf + out->len, text, len);
	else if (out->len + 1 < out->size)
		memcpy(out->buf + out->len, text, out->size - out->len - 1);
	out->len += len;
}

static int64_t finish(struct out *out)
{
	if (out->size)
		out->buf[out->len < out->size ? out->len : out->size - 1] = '\0';
	return (int64_t)out->len;
}

/* Is the line the head of a vma ("start-end perms ...")? */
static bool parse_head(const char *line, uint64_t *ret_start, uint64_t *ret_end)
{
	char *end;

	*ret_start = strtoull(line, &end, 16);
	if (end == line || *end != '-')
		return false;
	line = end + 1;
	*ret_end = strtoull(line, &end, 16);
	return end != line && *end == ' ';
}

static bool in_window(uint64_t start, uint64_t end)
{
	return start < WINDOW_END && (end <= WINDOW_HOLE || start >= WINDOW_HOLE_END);
}

static size_t line_length(const char *line)
{
	const char *end = strchr(line, '\n');

	return end ? (size_t)(end - line) + 1 : strlen(line);
}

/*
 * A mapping where the loader had put the puppet's stack is called that, though the puppet has
 * none. The name is dropped with the padding before it.
 */
static void put_head(struct out *out, const char *line, size_t len)
{
	static const char name[] = " [stack]\n";
	const size_t name_len = sizeof(name) - 1;

	if (len <= name_len || memcmp(line + len - name_len, name, name_len)) {
		put(out, line, len);
		return;
	}
	len -= name_len;
	while (len && line[len - 1] == ' ')
		len--;
	put(out, line, len);
	put(out, " \n", 2);
}

/* The vmas of maps or smaps that are in the window and touch [start, end). */
static void filter_vmas(const char *text, uint64_t start, uint64_t end, struct out *out)
{
	bool shown = false;

	while (*text) {
		size_t len = line_length(text);
		uint64_t vma_start, vma_end;

		bool head = parse_head(text, &vma_start, &vma_end);

		if (head)
			shown = in_window(vma_start, vma_end) && vma_start < end && vma_end > start;
		if (shown && head)
			put_head(out, text, len);
		else if (shown && strncmp(text, "ProtectionKey:", 14))
			put(out, text, len);
		text += len;
	}
}

static uint64_t *sum_field(struct linux_sums *sums, const char *name, size_t len)
{
	for (unsigned i = 0; i < sums->nr; i++) {
		if (!strncmp(sums->field[i].name, name, len) && !sums->field[i].name[len])
			return &sums->field[i].kb;
	}
	if (sums->nr == LINUX_MAX_SUMS || len >= sizeof(sums->field[0].name))
		return NULL;
	memcpy(sums->field[sums->nr].name, name, len);
	sums->field[sums->nr].name[len] = '\0';
	sums->field[sums->nr].kb = 0;
	return &sums->field[sums->nr++].kb;
}

/* Add up what smaps says of the image, and see how far the window's vmas reach. */
static void sum_image(const char *text, struct linux_sums *sums)
{
	bool image = false;

	memset(sums, 0, sizeof(*sums));
	for (; *text; text += line_length(text)) {
		uint64_t start, end, *field;
		const char *colon;

		if (parse_head(text, &start, &end)) {
			image = end > WINDOW_HOLE && start < WINDOW_HOLE_END;
			if (in_window(start, end)) {
				if (!sums->end)
					sums->start = start;
				sums->end = end;
			}
			continue;
		}
		colon = strchr(text, ':');
		if (!image || !colon)
			continue;
		field = sum_field(sums, text, (size_t)(colon - text));
		if (field)
			*field += strtoull(colon + 1, NULL, 10);
	}
}

/* From the text of smaps just read; good until a puppet does something. */
static void keep_sums(struct scn_backend *backend, struct linux_process *process)
{
	sum_image(backend->text, &process->sums);
	process->sums_at = backend->commands;
}

/* What the image counts under a name of smaps_rollup or status. */
static uint64_t image_kb(struct linux_sums *sums, const char *name, size_t len)
{
	static const char *const same_as[][2] = {
		{ "Pss_Anon", "Pss" }, { "VmSize", "Size" }, { "VmData", "Size" },
		{ "VmRSS", "Rss" },    { "RssAnon", "Rss" }, { "VmLck", "Locked" },
	};
	uint64_t *field;

	if ((len == 8 && !memcmp(name, "Pss_File", 8)) ||
	    (len == 9 && !memcmp(name, "Pss_Shmem", 9)))
		return 0;
	for (size_t i = 0; i < sizeof(same_as) / sizeof(same_as[0]); i++) {
		if (strlen(same_as[i][0]) == len && !memcmp(name, same_as[i][0], len)) {
			name = same_as[i][1];
			len = strlen(name);
			break;
		}
	}
	field = sum_field(sums, name, len);
	return field ? *field : 0;
}

static void subtract_image(const char *text, struct linux_sums *sums, bool rollup, struct out *out)
{
	static const char *const status[] = { "VmSize",  "VmLck",    "VmPin",  "VmRSS", "RssAnon",
					      "RssFile", "RssShmem", "VmData", "VmStk", "VmSwap" };

	for (; *text; text += line_length(text)) {
		const char *colon = strchr(text, ':');
		uint64_t start, end, kb;
		char line[128];
		size_t len;
		bool known = rollup;

		if (rollup && parse_head(text, &start, &end)) {
			len = (size_t)snprintf(line, sizeof(line),
					       "%08" PRIx64 "-%08" PRIx64 " ---p 00000000 00:00 0 ",
					       sums->start, sums->end);
			put(out, line, len);
			for (; len < 73; len++)
				put(out, " ", 1);
			put(out, "[rollup]\n", 9);
			continue;
		}
		len = colon ? (size_t)(colon - text) : 0;
		for (size_t i = 0; !rollup && i < sizeof(status) / sizeof(status[0]); i++)
			known = known ||
				(strlen(status[i]) == len && !memcmp(status[i], text, len));
		if (!len || !known || (rollup && len == 13 && !memcmp(text, "ProtectionKey", 13)))
			continue;
		kb = strtoull(colon + 1, NULL, 10) - image_kb(sums, text, len);
		if (rollup)
			len = (size_t)snprintf(line, sizeof(line), "%.*s:%*" PRIu64 " kB\n",
					       (int)len, text, (int)(23 - len), kb);
		else
			len = (size_t)snprintf(line, sizeof(line), "%.*s:\t%8" PRIu64 " kB\n",
					       (int)len, text, kb);
		put(out, line, len);
	}
}

int64_t linux_text(struct scn_backend *backend, struct scn_task *task, enum scn_text which,
		   uint64_t start, uint64_t end, char *buf, size_t size)
{
	struct linux_process *process = ((struct linux_task *)task->process->impl)->process;
	struct out out = { buf, size, 0 };
	int64_t ret;

	if (which == SCN_TEXT_MAPS || which == SCN_TEXT_SMAPS) {
		ret = slurp(backend, process, which);
		if (ret < 0)
			return ret;
		if (which == SCN_TEXT_SMAPS)
			keep_sums(backend, process);
		filter_vmas(backend->text, start, end, &out);
		return finish(&out);
	}
	if (process->sums_at != backend->commands || backend->wait) {
		ret = slurp(backend, process, SCN_TEXT_SMAPS);
		if (ret < 0)
			return ret;
		keep_sums(backend, process);
	}
	ret = slurp(backend, process, which);
	if (ret < 0)
		return ret;
	subtract_image(backend->text, &process->sums, which == SCN_TEXT_ROLLUP, &out);
	return finish(&out);
}

/* -errno when there is none. */
static int pagemap_of(struct scn_task *task)
{
	struct linux_process *process = ((struct linux_task *)task->process->impl)->process;

	if (process->fd_pagemap < 0)
		process->fd_pagemap = openat(process->fd_dir, "pagemap", O_RDONLY | O_CLOEXEC);
	return process->fd_pagemap < 0 ? -errno : process->fd_pagemap;
}

int linux_pagemap(struct scn_backend *backend, struct scn_task *task, uint64_t addr,
		  uint64_t nr_pages, uint64_t *ret_words)
{
	ssize_t want = (ssize_t)(nr_pages * 8), got;
	int fd = pagemap_of(task);

	(void)backend;
	if (addr % UMM_PAGE_SIZE)
		return -EINVAL;
	if (fd < 0)
		return fd;
	got = pread(fd, ret_words, (size_t)want, (off_t)(addr / UMM_PAGE_SIZE * 8));
	if (got < 0)
		return -errno;
	/* Past the end of the address space the file is at its end. */
	memset((char *)ret_words + got, 0, (size_t)(want - got));
	return 0;
}

/* The file tells whose memory is scanned, so that the runner may ask. */
int linux_pagemap_scan(struct scn_backend *backend, struct scn_step *step)
{
	int fd = pagemap_of(step->task);
	struct scn_scan scan;

	memcpy(&scan, step->in, sizeof(scan));
	if (scan.vec)
		scan.vec = (uintptr_t)step->out;
	step->result = fd < 0 ? fd : ioctl(fd, SCN_PAGEMAP_SCAN_COMMAND, &scan);
	if (fd >= 0 && step->result < 0)
		step->result = -errno;
	if (step->result == -ENOTTY)
		return linux_skip(backend, "this kernel lacks PAGEMAP_SCAN");
	if (step->result < 0)
		return 0;
	step->done = (uint64_t)step->result * sizeof(struct scn_region);
	step->value = scan.walk_end;
	return 0;
}
