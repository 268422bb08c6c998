/* SPDX-License-Identifier: MIT */
/*
 * The stress on a worker's own process: random calls on a window of pages, and for each page
 * what it must hold and allow. Frames come from and go to all the others, so a page that shows
 * somebody else's bytes is found here.
 */
#include <string.h>

#include "stress.h"

#define FIXED (MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED)

#define ADVICE_GUARD_INSTALL 102 /* newer than some headers */
#define ADVICE_GUARD_REMOVE 103

static const int prots[] = { PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE, PROT_READ, PROT_NONE };

static uint64_t addr_of(uint64_t page)
{
	return WINDOW + page * PAGE;
}

static bool may_read(const struct window_page *page)
{
	return page->mapped && !page->guard && (page->prot & PROT_READ);
}

static bool may_write(const struct window_page *page)
{
	return page->mapped && !page->guard && (page->prot & PROT_WRITE);
}

/* Why an access to the page is refused. */
static int fault_code(const struct window_page *page, bool write)
{
	bool vma_allows = page->prot & (write ? PROT_WRITE : PROT_READ);

	return page->mapped && !vma_allows ? SEGV_ACCERR : SEGV_MAPERR;
}

static void expect_refused(struct worker *worker, uint64_t i, int err,
			   const struct umm_fault *fault, bool write)
{
	EXPECT(worker, err == -EFAULT, err, -EFAULT);
	EXPECT(worker, fault->signo == SIGSEGV, fault->signo, SIGSEGV);
	EXPECT(worker, fault->code == fault_code(&worker->window[i], write), fault->code, i);
	EXPECT(worker, (fault->addr & ~(uint64_t)(PAGE - 1)) == addr_of(i), fault->addr,
	       addr_of(i));
}

static void window_load(struct worker *worker, struct umm_task *task, uint64_t i)
{
	const struct window_page *page = &worker->window[i];

	for (uint32_t offset = 0; offset < PAGE; offset += 1360) {
		struct umm_fault fault;
		uint64_t value;
		int err = umm_load(task, addr_of(i) + offset, 8, &value, &fault);

		if (may_read(page))
			EXPECT(worker, !err && value == page->value, value, page->value);
		else
			expect_refused(worker, i, err, &fault, false);
	}
}

static void window_store(struct worker *worker, uint64_t i)
{
	struct window_page *page = &worker->window[i];
	uint64_t value = (uint64_t)(worker->id + 1) << 56 | ++worker->nonce;

	/* The offsets that window_load looks at: 0, 1360, 2720, 4080. */
	for (uint32_t offset = 0; offset < PAGE; offset += 1360) {
		struct umm_fault fault;
		int err = umm_store(worker->own, addr_of(i) + offset, 8, value, &fault);

		if (!may_write(page)) {
			expect_refused(worker, i, err, &fault, true);
			return;
		}
		EXPECT(worker, !err, err, 0);
	}
	page->value = value;
}

/* ---- calls ---- */

struct range {
	uint64_t first, nr;
};

static struct range pick_range(struct worker *worker, uint64_t max)
{
	struct range range = { .nr = 1 + pick(worker, max) };

	range.first = pick(worker, WINDOW_PAGES - range.nr + 1);
	return range;
}

static bool all_mapped(const struct worker *worker, struct range range)
{
	for (uint64_t i = range.first; i < range.first + range.nr; i++)
		if (!worker->window[i].mapped)
			return false;
	return true;
}

static void do_mmap(struct worker *worker, struct range range)
{
	int prot = prots[pick(worker, 4)];
	int64_t at = umm_mmap(worker->own, addr_of(range.first), range.nr * PAGE, prot,
			      FIXED | (pick(worker, 4) ? 0 : MAP_POPULATE), -1, 0);

	EXPECT(worker, at == (int64_t)addr_of(range.first), at, addr_of(range.first));
	for (uint64_t i = range.first; i < range.first + range.nr; i++)
		worker->window[i] = (struct window_page){ .mapped = true, .prot = prot };
}

static void do_munmap(struct worker *worker, struct range range)
{
	int err = umm_munmap(worker->own, addr_of(range.first), range.nr * PAGE);

	EXPECT(worker, !err, err, 0);
	for (uint64_t i = range.first; i < range.first + range.nr; i++)
		worker->window[i] = (struct window_page){ 0 };
}

static void do_mprotect(struct worker *worker, struct range range)
{
	int prot = prots[pick(worker, 4)];
	int err = umm_mprotect(worker->own, addr_of(range.first), range.nr * PAGE, prot);

	EXPECT(worker, err == (all_mapped(worker, range) ? 0 : -ENOMEM), err, range.first);
	/* Up to the first hole it is done all the same. */
	for (uint64_t i = range.first; i < range.first + range.nr; i++) {
		if (!worker->window[i].mapped)
			break;
		worker->window[i].prot = prot;
	}
}

static void advise_page(struct window_page *page, int advice)
{
	switch (advice) {
	case ADVICE_GUARD_INSTALL:
		page->guard = true;
		page->value = 0;
		break;
	case ADVICE_GUARD_REMOVE:
		page->guard = false;
		break;
	case MADV_DONTNEED:
		page->value = 0;
		break;
	case MADV_WIPEONFORK:
	case MADV_KEEPONFORK:
		page->wipe = advice == MADV_WIPEONFORK;
		break;
	case MADV_DONTFORK:
	case MADV_DOFORK:
		page->drop = advice == MADV_DONTFORK;
		break;
	default: /* nothing that one could see */
		break;
	}
}

static void do_madvise(struct worker *worker, struct range range)
{
	static const int advices[] = {
		MADV_DONTNEED, MADV_DONTNEED, ADVICE_GUARD_INSTALL, ADVICE_GUARD_REMOVE,
		MADV_COLD,     MADV_FREE,     MADV_WIPEONFORK,      MADV_KEEPONFORK,
		MADV_DONTFORK, MADV_DOFORK,   MADV_RANDOM,          MADV_NORMAL,
	};
	int advice = advices[pick(worker, sizeof(advices) / sizeof(advices[0]))];
	int err = umm_madvise(worker->own, addr_of(range.first), range.nr * PAGE, advice);

	EXPECT(worker, err == (all_mapped(worker, range) ? 0 : -ENOMEM), err, range.first);
	for (uint64_t i = range.first; i < range.first + range.nr; i++)
		if (worker->window[i].mapped)
			advise_page(&worker->window[i], advice);
}

/* One mapped page to another place; what was there goes. */
static void do_mremap(struct worker *worker)
{
	uint64_t from = pick(worker, WINDOW_PAGES), to = pick(worker, WINDOW_PAGES);
	struct window_page page = worker->window[from];
	int64_t at;

	if (from == to || !page.mapped)
		return;
	at = umm_mremap(worker->own, addr_of(from), PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
			addr_of(to));
	EXPECT(worker, at == (int64_t)addr_of(to), at, addr_of(to));
	worker->window[to] = page;
	worker->window[from] = (struct window_page){ 0 };
}

/* From what the parent's window is to what the child's is. */
static void inherit_window(struct worker *worker)
{
	for (uint32_t i = 0; i < WINDOW_PAGES; i++) {
		struct window_page *page = &worker->window[i];

		if (page->drop) {
			*page = (struct window_page){ 0 };
		} else if (page->wipe) {
			page->value = 0;
			page->guard = false;
		}
	}
}

/* The child has it all; what either writes afterwards the other does not see. */
static void do_fork(struct worker *worker)
{
	struct window_page before[WINDOW_PAGES];
	struct umm_task *parent = worker->own, *child;
	int err = umm_fork(parent, &child);

	EXPECT(worker, !err, err, 0);
	memcpy(before, worker->window, sizeof(before));
	worker->own = child;
	inherit_window(worker);
	window_check(worker, child);
	for (uint32_t n = 0; n < 8; n++)
		window_store(worker, pick(worker, WINDOW_PAGES));
	if (pick(worker, 2))
		do_munmap(worker, pick_range(worker, 8));
	window_check(worker, child);
	worker->own = parent;
	/* Now and then the child goes on in the parent's place. */
	if (pick(worker, 8) == 0) {
		worker->own = child;
		child = parent;
	} else {
		memcpy(worker->window, before, sizeof(before));
		window_check(worker, parent);
	}
	umm_task_exit(child);
}

void window_step(struct worker *worker)
{
	switch (pick(worker, 20)) {
	case 0:
		do_mmap(worker, pick_range(worker, 16));
		break;
	case 1:
		do_munmap(worker, pick_range(worker, 8));
		break;
	case 2:
		do_mprotect(worker, pick_range(worker, 8));
		break;
	case 3:
		do_madvise(worker, pick_range(worker, 8));
		break;
	case 4:
		do_mremap(worker);
		break;
	case 5:
		if (pick(worker, 4) == 0)
			do_fork(worker);
		break;
	default:
		for (uint32_t n = 0; n < 8; n++) {
			window_store(worker, pick(worker, WINDOW_PAGES));
			window_load(worker, worker->own, pick(worker, WINDOW_PAGES));
		}
	}
}

void window_check(struct worker *worker, struct umm_task *task)
{
	for (uint64_t i = 0; i < WINDOW_PAGES; i++)
		window_load(worker, task, i);
}
