/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scenario/memory.h"
#include "scenario/observe.h"
#include "scenario/words.h"

/* ---- growing text --------------------------------------------------------------------- */

static bool make_room(struct scn_buffer *buffer, size_t more)
{
	size_t size = buffer->size ? buffer->size : 4096;
	char *text;

	if (buffer->len + more + 1 <= buffer->size)
		return true;
	while (size < buffer->len + more + 1)
		size *= 2;
	text = realloc(buffer->text, size);
	if (!text) {
		buffer->failed = true;
		return false;
	}
	buffer->text = text;
	buffer->size = size;
	return true;
}

void scn_buffer_add(struct scn_buffer *buffer, const char *text, size_t len)
{
	if (!make_room(buffer, len))
		return;
	memcpy(buffer->text + buffer->len, text, len);
	buffer->len += len;
	buffer->text[buffer->len] = '\0';
}

void scn_buffer_printf(struct scn_buffer *buffer, const char *format, ...)
{
	va_list list;
	int len;

	for (size_t more = 256;; more = (size_t)len + 1) {
		if (!make_room(buffer, more))
			return;
		va_start(list, format);
		len = vsnprintf(buffer->text + buffer->len, more, format, list);
		va_end(list);
		if (len < 0)
			return;
		if ((size_t)len < more)
			break;
	}
	buffer->len += (size_t)len;
}

void scn_buffer_free(struct scn_buffer *buffer)
{
	free(buffer->text);
	memset(buffer, 0, sizeof(*buffer));
}

/* ---- what differs between two runs of the same ------------------------------------------ */

/*
 * The head of a vma that maps a file names its device and inode, which no two runs share, and for
 * a regular file the directory that this run keeps it in. Of those only "there is a file" and the
 * last part of the path are kept.
 */
static void add_head(struct scn_buffer *buffer, const char *line, size_t len)
{
	static const char directory[] = "/" SCN_DIRECTORY;
	const char *at = line, *end = line + len, *name;
	int fields = 0;

	/* start-end perms offset | device inode | name */
	while (at < end && fields < 3)
		fields += *at++ == ' ';
	name = at;
	while (name < end && fields < 5)
		fields += *name++ == ' ';
	while (name < end && *name == ' ')
		name++;
	if (fields < 5 || !strncmp(at, "00:00 0 ", 8)) {
		scn_buffer_add(buffer, line, len);
		return;
	}
	scn_buffer_add(buffer, line, (size_t)(at - line));
	scn_buffer_add(buffer, "file ", 5);
	for (const char *part = name; part + sizeof(directory) < end; part++) {
		if (!strncmp(part, directory, sizeof(directory) - 1)) {
			const char *slash = memchr(part + 1, '/', (size_t)(end - part - 1));

			name = slash ? slash : name;
			break;
		}
	}
	scn_buffer_add(buffer, name, (size_t)(end - name));
}

/*
 * How much of a regular file is brought in, mapped and called dirty at once is up to the file
 * system (folios of many pages, read ahead, write-back): of its mappings only place, rights and
 * flags are compared, and what the scenario reads of them.
 */
static bool is_regular(const char *line, size_t len)
{
	const char *slash = memchr(line, '/', len);

	return slash && memmem(slash, len - (size_t)(slash - line), "/" SCN_DIRECTORY,
			       sizeof("/" SCN_DIRECTORY) - 1);
}

/* Of the lines of smaps those that tell nothing about pages. */
static bool is_fixed(const char *line)
{
	static const char *const fixed[] = { "Size:", "KernelPageSize:", "MMUPageSize:",
					     "VmFlags:" };

	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++) {
		if (!strncmp(line, fixed[i], strlen(fixed[i])))
			return true;
	}
	return false;
}

static bool is_head(const char *line)
{
	size_t digits = strspn(line, "0123456789abcdef");

	return digits >= 8 && line[digits] == '-';
}

/* regular: some mapping of the process is of a regular file, which its sums include. */
static void add_text(struct scn_buffer *buffer, const char *text, enum scn_text which, bool regular)
{
	bool sums = which == SCN_TEXT_ROLLUP;
	bool hide = sums && regular;

	while (*text) {
		size_t len = strcspn(text, "\n");

		len += text[len] == '\n';
		if (is_head(text)) {
			hide = sums ? regular : is_regular(text, len);
			add_head(buffer, text, len);
		} else if (!hide || is_fixed(text)) {
			scn_buffer_add(buffer, text, len);
		}
		text += len;
	}
}

/* ---- one process ---------------------------------------------------------------------- */

#define MAX_RANGES 256

struct looked_at {
	struct umm_iovec ranges[MAX_RANGES];
	unsigned nr;
	uint64_t pages;
};

static void look_at(struct looked_at *at, uint64_t start, uint64_t pages)
{
	if (at->nr == MAX_RANGES || at->pages >= SCN_OBSERVE_PAGES)
		return;
	if (pages > SCN_OBSERVE_PAGES - at->pages)
		pages = SCN_OBSERVE_PAGES - at->pages;
	at->ranges[at->nr++] = (struct umm_iovec){ start, pages * UMM_PAGE_SIZE };
	at->pages += pages;
}

/* The ends of every vma in a text of maps; true: some are left out, of regular files. */
static bool choose_pages(const char *maps, struct looked_at *at)
{
	bool regular = false;

	memset(at, 0, sizeof(*at));
	while (*maps) {
		char *rest;
		uint64_t start = strtoull(maps, &rest, 16), end, pages;

		end = *rest == '-' ? strtoull(rest + 1, &rest, 16) : start;
		pages = (end - start) / UMM_PAGE_SIZE;
		if (is_regular(maps, strcspn(maps, "\n"))) {
			regular = true;
		} else if (pages <= 2 * SCN_OBSERVE_EDGE_PAGES) {
			look_at(at, start, pages);
		} else {
			uint64_t edge = SCN_OBSERVE_EDGE_PAGES;

			look_at(at, start, edge);
			look_at(at, end - edge * UMM_PAGE_SIZE, edge);
		}
		maps = strchr(rest, '\n');
		if (!maps)
			break;
		maps++;
	}
	return regular;
}

static void add_page(struct scn_buffer *buffer, uint64_t addr, uint64_t word)
{
	static const struct {
		unsigned bit;
		const char *name;
	} bits[] = {
		{ 63, " present" }, { 62, " swapped" },   { 61, " file" },       { 58, " guard" },
		{ 57, " uffd_wp" }, { 56, " exclusive" }, { 55, " soft_dirty" },
	};
	char line[160];
	int len = snprintf(line, sizeof(line), "%" PRIx64, addr);

	for (size_t i = 0; i < sizeof(bits) / sizeof(bits[0]); i++) {
		if (word >> bits[i].bit & 1) {
			size_t more = strlen(bits[i].name);

			memcpy(line + len, bits[i].name, more);
			len += (int)more;
		}
	}
	line[len++] = '\n';
	scn_buffer_add(buffer, line, (size_t)len);
}

static int add_pagemap(struct scn_session *session, struct scn_task *process,
		       const struct looked_at *at, struct scn_buffer *buffer)
{
	static const char title[] = "== pagemap\n";
	uint64_t words[512];

	scn_buffer_add(buffer, title, sizeof(title) - 1);
	for (unsigned i = 0; i < at->nr; i++) {
		uint64_t addr = at->ranges[i].addr, end = addr + at->ranges[i].len_bytes;

		while (addr < end) {
			uint64_t nr = (end - addr) / UMM_PAGE_SIZE;
			int ret;

			if (nr > 512)
				nr = 512;
			ret = session->ops->pagemap(session->backend, process, addr, nr, words);
			if (ret) {
				snprintf(session->reason, sizeof(session->reason),
					 "pagemap of %s: %s", process->label, scn_errno_name(-ret));
				return SCN_BROKEN;
			}
			for (uint64_t k = 0; k < nr; k++) {
				if (words[k] >> 55)
					add_page(buffer, addr + k * UMM_PAGE_SIZE, words[k]);
			}
			addr += nr * UMM_PAGE_SIZE;
		}
	}
	return 0;
}

/* Not 0xff, and no answer of mincore(2). */
#define CHANCE 0xfe

/*
 * With swap, what is mapped nowhere may have stayed in a cache until its write-back ended, and
 * longer: nothing a program could rely on.
 */
static int forget_cached(struct scn_session *session, struct scn_task *process,
			 const struct umm_iovec *range, uint8_t *vec)
{
	uint64_t pages = range->len_bytes / UMM_PAGE_SIZE, words[512];

	for (uint64_t at = 0; at < pages; at += 512) {
		uint64_t nr = pages - at < 512 ? pages - at : 512;
		int ret = session->ops->pagemap(session->backend, process,
						range->addr + at * UMM_PAGE_SIZE, nr, words);

		if (ret)
			return SCN_BROKEN;
		for (uint64_t i = 0; i < nr; i++) {
			if (vec[at + i] != 0xff && !(words[i] >> 63))
				vec[at + i] = CHANCE;
		}
	}
	return 0;
}

/* Runs of one value: "7ffff7ffb000 3 pages: 1". */
static void add_vector(struct scn_buffer *buffer, uint64_t addr, const uint8_t *vec, uint64_t nr)
{
	uint64_t from = 0;

	for (uint64_t i = 1; i <= nr; i++) {
		if (i < nr && vec[i] == vec[from])
			continue;
		scn_buffer_printf(buffer, "%" PRIx64 " %" PRIu64 " pages: %s\n",
				  addr + from * UMM_PAGE_SIZE, i - from,
				  vec[from] == 0xff   ? "refused" :
				  vec[from] == CHANCE ? "0 or 1" :
				  vec[from] & 1       ? "1" :
							"0");
		from = i;
	}
}

static int add_mincore(struct scn_session *session, struct scn_task *process,
		       const struct looked_at *at, struct scn_buffer *buffer)
{
	static const char title[] = "== mincore\n";
	uint8_t *vec = malloc(at->pages + 1), *next = vec;
	int ret = SCN_BROKEN;

	scn_buffer_add(buffer, title, sizeof(title) - 1);
	if (vec)
		ret = session->ops->mincore(session->backend, process, at->ranges, at->nr, vec);
	if (ret) {
		snprintf(session->reason, sizeof(session->reason), "%s",
			 vec ? session->ops->reason(session->backend) : "out of memory");
		free(vec);
		return ret;
	}
	for (unsigned i = 0; i < at->nr; i++) {
		uint64_t pages = at->ranges[i].len_bytes / UMM_PAGE_SIZE;

		if (session->swapped)
			ret = forget_cached(session, process, &at->ranges[i], next);
		if (ret)
			break;
		add_vector(buffer, at->ranges[i].addr, next, pages);
		next += pages;
	}
	free(vec);
	return ret;
}

int scn_observe(struct scn_session *session, struct scn_task *process, struct scn_buffer *buffer)
{
	static const struct {
		enum scn_text which;
		const char *title;
	} texts[] = {
		{ SCN_TEXT_MAPS, "== maps\n" },
		{ SCN_TEXT_SMAPS, "== smaps\n" },
		{ SCN_TEXT_ROLLUP, "== smaps_rollup\n" },
	};
	struct looked_at at;
	bool regular = false;
	int ret;

	buffer->len = 0;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		char *text = scn_session_text(session, process, texts[i].which, 0, UINT64_MAX);

		if (!text)
			return SCN_BROKEN;
		if (i == 0)
			regular = choose_pages(text, &at);
		scn_buffer_add(buffer, texts[i].title, strlen(texts[i].title));
		add_text(buffer, text, texts[i].which, regular);
		scn_free(text);
	}
	ret = add_pagemap(session, process, &at, buffer);
	if (ret == 0)
		ret = add_mincore(session, process, &at, buffer);
	if (ret == 0 && buffer->failed) {
		snprintf(session->reason, sizeof(session->reason), "out of memory");
		ret = SCN_BROKEN;
	}
	return ret;
}

/* ---- side by side --------------------------------------------------------------------- */

#define COLUMN 50

void scn_report_row(struct scn_buffer *report, const char *left, size_t left_len, const char *right,
		    size_t right_len)
{
	bool same = left && right && left_len == right_len && !memcmp(left, right, left_len);

	scn_buffer_printf(report, "    %-*.*s %s %.*s\n", COLUMN, (int)left_len, left ? left : "",
			  same ? " " : "|", (int)right_len, right ? right : "");
}

void scn_report_head(struct scn_buffer *report, const char *left, const char *right)
{
	scn_buffer_printf(report, "    %-*s   %s\n", COLUMN, left, right);
}

static size_t line_of(const char *text)
{
	return strcspn(text, "\n");
}

static const char *next_line(const char *line)
{
	line += line_of(line);
	return *line ? line + 1 : line;
}

static bool starts_section(const char *line)
{
	return !strncmp(line, "== ", 3);
}

static bool same_line(const char *a, const char *b)
{
	size_t len = line_of(a);

	return len == line_of(b) && !memcmp(a, b, len);
}

/* More is referenced on linux, on a machine where that may come from elsewhere. */
static bool is_noise(const char *linux_line, const char *model_line)
{
	static const char name[] = "Referenced:";
	const size_t len = sizeof(name) - 1;

	return !strncmp(linux_line, name, len) && !strncmp(model_line, name, len) &&
	       strtoull(linux_line + len, NULL, 10) > strtoull(model_line + len, NULL, 10) &&
	       scn_linux_watches_accesses();
}

/* The rest of a section from where it differs, not too much of it. */
static void show_section(struct scn_buffer *report, const char *left, const char *right)
{
	const int most = 24;

	for (int row = 0; row < most; row++) {
		bool left_on = *left && !starts_section(left);
		bool right_on = *right && !starts_section(right);

		if (!left_on && !right_on)
			return;
		if (!left_on || !right_on || (!same_line(left, right) && !is_noise(left, right)))
			scn_report_row(report, left_on ? left : NULL, left_on ? line_of(left) : 0,
				       right_on ? right : NULL, right_on ? line_of(right) : 0);
		left = left_on ? next_line(left) : left;
		right = right_on ? next_line(right) : right;
	}
	scn_buffer_printf(report, "    ...\n");
}

bool scn_view_differs(const char *left, const char *right, struct scn_buffer *report)
{
	const char *section = "", *head = NULL;

	if (!strcmp(left, right))
		return false;
	while (*left && *right && (same_line(left, right) || is_noise(left, right))) {
		if (starts_section(left)) {
			section = left + 3;
			head = NULL;
		} else if (left[0] >= '0' && left[0] <= 'f' && left[0] != 'A' &&
			   strspn(left, "0123456789abcdef") >= 8) {
			head = left;
		}
		left = next_line(left);
		right = next_line(right);
	}
	if (!*left && !*right)
		return false;
	scn_buffer_printf(report, "  in %.*s:\n", (int)line_of(section), section);
	scn_report_head(report, "linux", "model");
	if (head && !strncmp(section, "smaps", 5))
		scn_report_row(report, head, line_of(head), head, line_of(head));
	show_section(report, left, right);
	return true;
}
