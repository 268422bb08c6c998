/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/pages.h"
#include "scenario/memory.h"

#define MAX_PAGES_OF_VMA 512
#define MAX_PAGES 4096

#ifdef UMM_ARCH_RISCV64
#define ENTRY_WRITABLE_BIT 2
#else
#define ENTRY_WRITABLE_BIT 1
#endif

struct page {
	unsigned process_nr;
	uint64_t addr;
	char what[112];
};

struct pages {
	struct page *page; /* by process, then by address */
	size_t nr, room;
	bool failed;
};

static void describe(const struct umm_page_info *info, char *buf, size_t size)
{
	bool writable = (info->entry >> ENTRY_WRITABLE_BIT & 1) != 0;

	if (strcmp(info->state, "present")) {
		snprintf(buf, size, "%s", info->state);
		return;
	}
	if (info->zero_page) {
		snprintf(buf, size, "zero page");
		return;
	}
	snprintf(buf, size, "pfn %" PRIu64 "%s%s%s%s%s, refs %u, maps %u", info->pfn,
		 writable ? " writable" : " read-only", info->dirty ? " dirty" : "",
		 info->anon_exclusive ? " exclusive" : "", info->mlocked ? " mlocked" : "",
		 info->pincount ? " pinned" : "", info->refcount, info->mapcount);
}

static void add(struct pages *pages, struct scn_session *session, struct scn_task *task,
		uint64_t addr)
{
	struct umm_page_info info;
	struct page *page;

	if (umm_page_info(session->ops->model_task(task), addr, &info) ||
	    !strcmp(info.state, "none"))
		return;
	if (pages->nr == pages->room) {
		size_t room = pages->room ? 2 * pages->room : 64;
		struct page *more = realloc(pages->page, room * sizeof(*more));

		if (!more) {
			pages->failed = true;
			return;
		}
		pages->page = more;
		pages->room = room;
	}
	page = &pages->page[pages->nr++];
	page->process_nr = task->process_nr;
	page->addr = addr;
	describe(&info, page->what, sizeof(page->what));
}

static void add_process(struct pages *pages, struct scn_session *session, struct scn_task *task)
{
	char *maps = scn_session_text(session, task, SCN_TEXT_MAPS, 0, UINT64_MAX);
	const char *line = maps;

	while (line && *line && !pages->failed) {
		char *rest;
		uint64_t start = strtoull(line, &rest, 16), end = strtoull(rest + 1, NULL, 16);
		uint64_t most = start + MAX_PAGES_OF_VMA * UMM_PAGE_SIZE;

		for (; start < end && start < most && pages->nr < MAX_PAGES; start += UMM_PAGE_SIZE)
			add(pages, session, task, start);
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
	scn_free(maps);
}

struct pages *pages_look(struct scn_session *session)
{
	struct pages *pages = calloc(1, sizeof(*pages));

	if (!pages)
		return NULL;
	for (struct scn_task *task = session->tasks; task; task = task->next) {
		if (!task->dead && !task->thread_nr)
			add_process(pages, session, task);
	}
	if (!pages->failed)
		return pages;
	pages_free(pages);
	return NULL;
}

void pages_free(struct pages *pages)
{
	if (!pages)
		return;
	free(pages->page);
	free(pages);
}

static int order(const struct page *a, const struct page *b)
{
	if (a->process_nr != b->process_nr)
		return a->process_nr < b->process_nr ? -1 : 1;
	return a->addr < b->addr ? -1 : a->addr > b->addr;
}

void pages_compare(const struct pages *before, const struct pages *after,
		   void (*show)(void *arg, unsigned process_nr, uint64_t addr, const char *before,
				const char *after),
		   void *arg)
{
	size_t i = 0, k = 0, nr = before ? before->nr : 0;

	while (i < nr || k < after->nr) {
		const struct page *was = i < nr ? &before->page[i] : NULL;
		const struct page *is = k < after->nr ? &after->page[k] : NULL;
		int which = !was ? 1 : !is ? -1 : order(was, is);

		if (which < 0) {
			show(arg, was->process_nr, was->addr, was->what, "none");
		} else if (which > 0) {
			show(arg, is->process_nr, is->addr, "none", is->what);
		} else if (strcmp(was->what, is->what)) {
			show(arg, is->process_nr, is->addr, was->what, is->what);
		}
		i += which <= 0;
		k += which >= 0;
	}
}
