/* SPDX-License-Identifier: MIT */
/*
 * The fuzzer's handlers: that every kind of message comes and is answered in every way, that a wait
 * which nobody answers ends, and that the known bugs of userfaultfd are found.
 * Covers: B3, B7, B9, B16, B17
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <linux/userfaultfd.h>
#include <stdlib.h>
#include <string.h>

#include "scenario/fuzz.h"
#include "scenario/fuzz_internal.h"

static struct fuzz_case one, other;
static struct fuzz_report report;

static struct fuzz_setup plain_setup(void)
{
	struct fuzz_setup setup = { .ops = &scn_model, .nr_ops = 50, .classes = UINT64_MAX };

	umm_config_init(&setup.config);
	/* An area of swap is the machine's: others may be at work on it. */
	for (unsigned i = 0; fuzz_class_name(i); i++) {
		if (!strcmp(fuzz_class_name(i), "swap"))
			setup.classes &= ~(1ull << i);
	}
	return setup;
}

static void run_seed(const struct fuzz_setup *setup, uint64_t seed, struct fuzz_case *c)
{
	struct fuzz_gen gen;
	uint64_t calls = 0;

	memset(c, 0, sizeof(*c));
	c->seed = seed;
	fuzz_gen_init(&gen, seed, setup->nr_ops, setup->classes);
	fuzz_run(setup, &gen, c, &calls, &report);
}

/* ---- what is told, and what is done about it ---------------------------------------------- */

struct tally {
	unsigned missing, minor, wp, events[UFFD_EVENT_UNMAP + 1];
	unsigned done[FUZZ_UFFD_NR_PLAIN];    /* by ioctl: it succeeded */
	unsigned refused[FUZZ_UFFD_NR_PLAIN]; /* or failed */
	unsigned others[SCN_NR_KINDS];
};

static void count_message(struct tally *tally, const struct fuzz_op *act)
{
	unsigned event = act->args[1] & 0xff;

	assert_in_range(event, UFFD_EVENT_PAGEFAULT, UFFD_EVENT_UNMAP);
	tally->events[event]++;
	if (event != UFFD_EVENT_PAGEFAULT)
		return;
	if (act->args[2] & UFFD_PAGEFAULT_FLAG_WP)
		tally->wp++;
	else if (act->args[2] & UFFD_PAGEFAULT_FLAG_MINOR)
		tally->minor++;
	else
		tally->missing++;
}

static void count_acts(struct tally *tally, const struct fuzz_case *c)
{
	for (unsigned i = 0; i < c->nr_acts; i++) {
		const struct fuzz_op *act = &c->acts[i];
		unsigned nr = act->args[1] & 0xff;

		if (act->kind == SCN_READ_FD && act->result > 0)
			count_message(tally, act);
		else if (act->kind == SCN_IOCTL && act->result < 0)
			tally->refused[nr]++;
		else if (act->kind == SCN_IOCTL)
			tally->done[nr]++;
		else
			tally->others[act->kind]++;
	}
}

/* What a build leaves out, nobody is told of. */
static void need(uint64_t features)
{
	if ((umm_userfaultfd_features() & features) == features)
		return;
	print_message("skipped: this build lacks userfaultfd, or its write-protection\n");
	skip();
}

static void every_message_and_answer(void **state)
{
	struct fuzz_setup setup = plain_setup();
	struct tally tally = { 0 };

	(void)state;
	need(UFFD_FEATURE_PAGEFAULT_FLAG_WP);
	for (uint64_t seed = 1; seed <= 1500; seed++) {
		run_seed(&setup, seed, &one);
		assert_int_equal(report.verdict, FUZZ_SAME);
		count_acts(&tally, &one);
	}
	assert_true(tally.missing > 100 && tally.minor > 5 && tally.wp > 50);
	for (unsigned event = UFFD_EVENT_FORK; event <= UFFD_EVENT_UNMAP; event++)
		assert_true(tally.events[event] > 5);
	for (unsigned nr = 0; nr < FUZZ_UFFD_NR_PLAIN; nr++)
		assert_true(tally.done[nr] > 0);
	/* Filling is refused over what is there already, or while an event waits. */
	assert_true(tally.refused[FUZZ_UFFD_COPY] > 0 && tally.refused[FUZZ_UFFD_ZEROPAGE] > 0);
	assert_true(tally.others[SCN_MPROTECT] > 0 && tally.others[SCN_MADVISE] > 0);
}

/* ---- waits that nobody answers -------------------------------------------------------------- */

static struct scn_backend_ops planted;

/* Descriptors never have a message. */
static int deaf(struct scn_backend *backend, struct scn_step *step)
{
	int ret = scn_model.run(backend, step);

	if (step->kind == SCN_POLL)
		step->result = 0;
	return ret;
}

/* And cannot be closed. */
static int deaf_and_clinging(struct scn_backend *backend, struct scn_step *step)
{
	return step->kind == SCN_CLOSE ? 0 : deaf(backend, step);
}

/* A case in which somebody is told of a fault. */
static void run_telling_seed(const struct fuzz_setup *setup)
{
	struct tally tally = { 0 };

	for (uint64_t seed = 1; !tally.missing; seed++) {
		assert_true(seed < 200);
		run_seed(setup, seed, &one);
		count_acts(&tally, &one);
	}
}

static void unanswered_wait_ends(void **state)
{
	struct fuzz_setup setup = plain_setup();
	struct tally tally = { 0 };

	(void)state;
	need(UFFD_FEATURE_EVENT_FORK);
	run_telling_seed(&setup);
	planted = scn_model;
	planted.run = deaf;
	setup.ops = &planted;
	other = one;
	assert_int_equal(fuzz_run_apart(&setup, &other, &report), 0);
	/* All descriptors were closed, and the case went on. */
	assert_int_equal(report.verdict, FUZZ_SAME);
	count_acts(&tally, &other);
	assert_int_equal(tally.missing, 0);
	assert_true(tally.others[SCN_CLOSE] > 0);

	planted.run = deaf_and_clinging;
	other = one;
	assert_int_equal(fuzz_run_apart(&setup, &other, &report), 0);
	assert_int_equal(report.verdict, FUZZ_FINDING);
	assert_non_null(strstr(report.text, "it waits for ever"));
}

/* ---- against the kernel --------------------------------------------------------------------- */

static bool kernel_answers(struct fuzz_setup *setup)
{
	setup->vs_linux = true;
	scn_linux_config(&setup->config);
	if (setup->config.mmap_base < 1ull << 46) {
		print_message("the model's addresses are smaller than the kernel's here\n");
		return false;
	}
	run_seed(setup, 1, &one);
	if (report.verdict != FUZZ_SKIPPED)
		return true;
	print_message("%s", report.text);
	return false;
}

static void unanswered_wait_is_a_difference(void **state)
{
	struct fuzz_setup setup = plain_setup();

	(void)state;
	need(UFFD_FEATURE_PAGEFAULT_FLAG_WP);
	run_telling_seed(&setup);
	other = one;
	if (!kernel_answers(&setup))
		skip();
	planted = scn_model;
	planted.run = deaf;
	setup.ops = &planted;
	assert_int_equal(fuzz_run_apart(&setup, &other, &report), 0);
	assert_int_equal(report.verdict, FUZZ_DIFFERS);
	assert_non_null(strstr(report.text, "nobody is told of what is waited for"));
}

/* Each is found within so many cases; the case is as on the kernel without the bug. */
static void known_bugs_are_found(void **state)
{
	static const char *const names[] = {
		"fill_leaves_clean",      "copy_refuses_marker",     "wp_skips_none_entries",
		"wp_resolve_needs_dirty", "wp_skips_missing_tables",
	};
	struct fuzz_setup setup = plain_setup();

	(void)state;
	need(UFFD_FEATURE_PAGEFAULT_FLAG_WP);
	if (!kernel_answers(&setup))
		skip();
	for (unsigned i = 0; i < NR(names); i++) {
		unsigned found = 0;

		assert_int_equal(umm_mutant_set(names[i], true), 0);
		for (uint64_t seed = 1000; !found; seed++) {
			if (seed == 1400)
				fail_msg("%s is not found", names[i]);
			run_seed(&setup, seed, &one);
			found = report.verdict == FUZZ_DIFFERS;
		}
		umm_mutant_set(names[i], false);
		other = one;
		assert_int_equal(fuzz_run_apart(&setup, &other, &report), 0);
		assert_int_equal(report.verdict, FUZZ_SAME);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_message_and_answer),
		cmocka_unit_test(unanswered_wait_ends),
		cmocka_unit_test(unanswered_wait_is_a_difference),
		cmocka_unit_test(known_bugs_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
