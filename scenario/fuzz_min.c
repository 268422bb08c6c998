/* SPDX-License-Identifier: MIT */
/*
 * A case made smaller while it still ends the same way: first ops are left out, in halves,
 * quarters, down to single ones; then what is left gets plainer arguments, one at a time; and
 * again from the start while that helped.
 */
#include <linux/mman.h>
#include <stdlib.h>
#include <string.h>

#include "scenario/fuzz.h"

#define PAGE ((uint64_t)UMM_PAGE_SIZE)
#define MOST_TRIES 4000

struct shrink {
	const struct fuzz_setup *setup;
	struct fuzz_case *c;
	struct fuzz_report *report;
	enum fuzz_verdict verdict; /* that it must end with */
	struct fuzz_case *trial;
	unsigned tries;
	void (*progress)(unsigned nr_ops);
};

/* Does the trial end as the case did? Then it is the case from now on. */
static bool accept_trial(struct shrink *shrink)
{
	struct fuzz_report report = { .fail_nth = shrink->report->fail_nth };
	unsigned kept = 0;

	if (++shrink->tries > MOST_TRIES || fuzz_run_apart(shrink->setup, shrink->trial, &report) ||
	    report.verdict != shrink->verdict)
		return false;
	/* What had no process to run in, and what came after the end, goes too. */
	for (unsigned i = 0; i <= report.at && i < shrink->trial->nr; i++) {
		if (shrink->trial->ops[i].ran)
			shrink->trial->ops[kept++] = shrink->trial->ops[i];
	}
	shrink->trial->nr = kept;
	report.at = kept ? kept - 1 : 0;
	*shrink->report = report;
	*shrink->c = *shrink->trial;
	if (shrink->progress)
		shrink->progress(kept);
	return true;
}

/* ---- leaving out ---------------------------------------------------------------------- */

static void settle(uint32_t *base, uint64_t *addr, const struct fuzz_op *gone)
{
	if (*base != gone->id)
		return;
	*base = 0;
	if (gone->ran && gone->result > 0)
		*addr += (uint64_t)gone->result;
}

/* Addresses relative to what is left out become absolute, as they were. */
static void settle_all(struct fuzz_case *c, const struct fuzz_op *gone)
{
	for (unsigned i = 0; i < c->nr; i++) {
		struct fuzz_op *op = &c->ops[i];

		settle(&op->base, &op->args[0], gone);
		settle(&op->base_new, &op->args[4], gone);
		for (unsigned r = 0; r < op->nr_ranges; r++)
			settle(&op->range_base[r], &op->ranges[r].addr, gone);
	}
}

static bool try_without(struct shrink *shrink, unsigned from, unsigned nr)
{
	const struct fuzz_case *c = shrink->c;
	struct fuzz_case *trial = shrink->trial;

	*trial = *c;
	memmove(&trial->ops[from], &trial->ops[from + nr],
		(c->nr - from - nr) * sizeof(trial->ops[0]));
	trial->nr -= nr;
	for (unsigned i = from; i < from + nr; i++)
		settle_all(trial, &c->ops[i]);
	return accept_trial(shrink);
}

static bool leave_out(struct shrink *shrink)
{
	bool helped = false;

	for (unsigned chunk = shrink->c->nr / 2; chunk; chunk /= 2) {
		unsigned from = 0;

		/* The last op is the one that the case ends with. */
		while (from + chunk < shrink->c->nr) {
			if (try_without(shrink, from, chunk))
				helped = true;
			else
				from += chunk;
		}
	}
	return helped;
}

/* ---- plainer arguments ---------------------------------------------------------------- */

static bool try_value(struct shrink *shrink, unsigned at, uint64_t *field_of_case, uint64_t value)
{
	size_t offset = (size_t)((char *)field_of_case - (char *)&shrink->c->ops[at]);

	if (*field_of_case == value)
		return false;
	*shrink->trial = *shrink->c;
	memcpy((char *)&shrink->trial->ops[at] + offset, &value, sizeof(value));
	return accept_trial(shrink);
}

/* Each bit of a set that can go, goes. */
static bool fewer_bits(struct shrink *shrink, unsigned at, uint64_t *field, uint64_t keep)
{
	bool helped = false;

	for (unsigned bit = 0; bit < 32; bit++) {
		uint64_t mask = 1ull << bit;

		if ((*field & mask) && !(keep & mask))
			helped |= try_value(shrink, at, field, *field & ~mask);
	}
	return helped;
}

static bool fewer_pages(struct shrink *shrink, unsigned at, uint64_t *field)
{
	uint64_t pages;
	bool helped = false;

	if (*field < WINDOW_END && *field % PAGE)
		helped |= try_value(shrink, at, field, (*field + PAGE - 1) / PAGE * PAGE);
	for (pages = 1; pages < *field / PAGE && pages <= 4; pages++) {
		if (try_value(shrink, at, field, pages * PAGE))
			return true;
	}
	return helped;
}

static bool fewer_bytes(struct shrink *shrink, unsigned at)
{
	static const uint32_t plain[] = { 1, 8, UMM_PAGE_SIZE, 2 * UMM_PAGE_SIZE };
	struct fuzz_op *op = &shrink->c->ops[at];

	for (unsigned i = 0; i < 4 && plain[i] < op->bytes; i++) {
		*shrink->trial = *shrink->c;
		shrink->trial->ops[at].bytes = plain[i];
		for (unsigned r = 0; r < op->nr_ranges; r++)
			shrink->trial->ops[at].ranges[r].len_bytes = plain[i];
		if (accept_trial(shrink))
			return true;
	}
	return false;
}

static bool fewer_ranges(struct shrink *shrink, unsigned at)
{
	bool helped = false;

	while (shrink->c->ops[at].nr_ranges > 1) {
		*shrink->trial = *shrink->c;
		shrink->trial->ops[at].nr_ranges--;
		if (!accept_trial(shrink))
			break;
		helped = true;
	}
	return helped;
}

static bool takes_address(enum scn_kind kind)
{
	return (kind >= SCN_MMAP && kind <= SCN_MUNLOCK) || kind == SCN_MINCORE ||
	       kind == SCN_MSYNC || kind == SCN_PIN || (kind >= SCN_READ && kind < SCN_FETCH);
}

/* All of them as plain as can be, or one after the other. */
static bool plainer_answers(struct shrink *shrink, unsigned at)
{
	uint64_t *answers = &shrink->c->ops[at].answers;
	bool helped = try_value(shrink, at, answers, 0);

	for (unsigned bit = 0; bit < 64; bit += 4)
		helped |= try_value(shrink, at, answers, *answers & ~(15ull << bit));
	return helped;
}

static bool plainer(struct shrink *shrink, unsigned at)
{
	struct fuzz_op *op = &shrink->c->ops[at];
	uint64_t *args = op->args;
	bool helped = plainer_answers(shrink, at);

	switch (op->kind) {
	case SCN_MMAP:
		helped |= try_value(shrink, at, &args[2], 3);
		helped |= fewer_bits(shrink, at, &args[3], MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED);
		helped |= fewer_pages(shrink, at, &args[1]);
		break;
	case SCN_MPROTECT:
		helped |= try_value(shrink, at, &args[2], 1);
		helped |= fewer_bits(shrink, at, &args[2], 7);
		helped |= fewer_pages(shrink, at, &args[1]);
		break;
	case SCN_MREMAP:
		helped |= fewer_bits(shrink, at, &args[3], 0);
		helped |= fewer_pages(shrink, at, &args[2]);
		helped |= fewer_pages(shrink, at, &args[1]);
		break;
	case SCN_MUNMAP:
	case SCN_MADVISE:
	case SCN_MLOCK:
	case SCN_MLOCK2:
	case SCN_MUNLOCK:
	case SCN_MINCORE:
	case SCN_MSYNC:
	case SCN_PIN:
	case SCN_FTRUNCATE:
		helped |= fewer_pages(shrink, at, &args[1]);
		break;
	case SCN_VM_READV:
	case SCN_VM_WRITEV:
		helped |= fewer_ranges(shrink, at);
		helped |= fewer_bytes(shrink, at);
		break;
	case SCN_READ:
	case SCN_WRITE:
	case SCN_PREAD:
	case SCN_PWRITE:
	case SCN_MEMFD:
		helped |= fewer_bytes(shrink, at);
		break;
	case SCN_STORE:
	case SCN_XCHG:
	case SCN_FETCH_ADD:
	case SCN_CMPXCHG:
		helped |= try_value(shrink, at, &args[2], 1);
		break;
	default:
		break;
	}
	if (takes_address(op->kind) && args[0] % PAGE && args[0] < WINDOW_END)
		helped |= try_value(shrink, at, &args[0], args[0] & ~(PAGE - 1));
	return helped;
}

void fuzz_minimise(const struct fuzz_setup *setup, struct fuzz_case *c, struct fuzz_report *report,
		   void (*progress)(unsigned nr_ops))
{
	struct shrink shrink = { .setup = setup,
				 .c = c,
				 .report = report,
				 .verdict = report->verdict,
				 .trial = malloc(sizeof(*c)),
				 .progress = progress };
	bool helped = true;

	if (!shrink.trial)
		return;
	/* Nothing after the op that it ended with took part. */
	c->nr = report->at + 1 < c->nr ? report->at + 1 : c->nr;
	while (helped && shrink.tries < MOST_TRIES) {
		helped = leave_out(&shrink);
		for (unsigned i = 0; i < c->nr; i++)
			helped |= plainer(&shrink, i);
	}
	free(shrink.trial);
}
