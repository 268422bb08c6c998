/* SPDX-License-Identifier: MIT */
/*
 * The fuzzer itself: that it finds what is planted, makes it small, and writes a scenario that
 * shows it; that a seed gives the same case each time.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "scenario/fuzz.h"
#include "scenario/script.h"

static struct fuzz_case one, other;
static struct fuzz_report report;

static struct fuzz_setup plain_setup(void)
{
	struct fuzz_setup setup = { .ops = &scn_model, .nr_ops = 50, .classes = UINT64_MAX };

	umm_config_init(&setup.config);
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

static char *written(const struct fuzz_setup *setup, const struct fuzz_case *c)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	fuzz_write(out, setup, c, &report);
	fclose(out);
	return text;
}

static void run_script(const struct umm_config *config, char *text, struct scn_outcome *outcome)
{
	struct scn_file file = { .path = "fuzz.lua", .text = text, .size = strlen(text) };
	struct scn_session session;

	scn_session_init(&session, &scn_model, config);
	scn_script_run(&session, &file, outcome);
	scn_session_close(&session);
}

static void same_seed_same_case(void **state)
{
	struct fuzz_setup setup = plain_setup();

	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		run_seed(&setup, seed, &one);
		assert_int_equal(report.verdict, FUZZ_SAME);
		run_seed(&setup, seed, &other);
		assert_memory_equal(&one, &other, sizeof(one));
		assert_true(one.nr > 10);
	}
}

/* What is written is a scenario, in which each step ends as it did in the case. */
static void what_is_written_runs(void **state)
{
	struct fuzz_setup setup = plain_setup();
	bool lacks = !(umm_userfaultfd_features() & 1); /* UFFD_FEATURE_PAGEFAULT_FLAG_WP */
	struct scn_outcome outcome;
	unsigned passed = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 200; seed++) {
		char *text;

		run_seed(&setup, seed, &one);
		text = written(&setup, &one);
		run_script(&setup.config, text, &outcome);
		passed += outcome.verdict == SCN_PASSED;
		/* A scenario that is about what a build lacks is not run to its end. */
		if (outcome.verdict != SCN_PASSED &&
		    !(lacks && outcome.verdict == SCN_SKIPPED_HERE))
			fail_msg("seed %d: %s\n%s", (int)seed, outcome.message, text);
		free(text);
	}
	assert_true(passed > 20);
}

/* ---- planted ------------------------------------------------------------------------------ */

static struct scn_backend_ops planted;

static int crash_on_free(struct scn_backend *backend, struct scn_step *step)
{
	if (step->kind == SCN_MADVISE && step->args[2] == MADV_FREE) {
		fputs("planted: freed\n", stderr);
		abort();
	}
	return scn_model.run(backend, step);
}

static void crash_is_found_and_made_small(void **state)
{
	struct fuzz_setup setup = plain_setup();
	char *text;

	(void)state;
	planted = scn_model;
	planted.run = crash_on_free;
	setup.ops = &planted;
	for (uint64_t seed = 1;; seed++) {
		struct fuzz_setup sound = plain_setup();

		assert_true(seed < 100);
		run_seed(&sound, seed, &one);
		assert_int_equal(fuzz_run_apart(&setup, &one, &report), 0);
		if (report.verdict == FUZZ_CRASHED)
			break;
		assert_int_equal(report.verdict, FUZZ_SAME);
	}
	assert_non_null(strstr(report.text, "planted: freed"));
	fuzz_minimise(&setup, &one, &report, NULL);
	assert_int_equal(report.verdict, FUZZ_CRASHED);
	assert_int_equal(one.nr, 2);
	text = written(&setup, &one);
	assert_non_null(strstr(text, "local p1 = process()\np1:madvise("));
	assert_non_null(strstr(text, "\"free\")"));
	free(text);
}

static int never_exit(struct scn_backend *backend, struct scn_step *step)
{
	return step->kind == SCN_EXIT ? 0 : scn_model.run(backend, step);
}

static void leak_is_found(void **state)
{
	struct fuzz_setup setup = plain_setup();
	uint64_t calls = 0;
	bool failed;

	(void)state;
	run_seed(&setup, 1, &one);
	planted = scn_model;
	planted.run = never_exit;
	setup.ops = &planted;
	fuzz_run_failing(&setup, &one, 1u << 30, &calls, &failed, &report);
	assert_false(failed);
	assert_int_equal(report.verdict, FUZZ_FINDING);
	assert_non_null(strstr(report.text, "free pages"));
}

static void each_allocation_fails(void **state)
{
	struct fuzz_setup setup = plain_setup();
	uint64_t calls = 0, nth = 0;
	bool failed = true;

	(void)state;
	run_seed(&setup, 3, &one);
	while (failed) {
		fuzz_run_failing(&setup, &one, ++nth, &calls, &failed, &report);
		if (report.verdict != FUZZ_SAME)
			fail_msg("allocation %d: %s", (int)nth, report.text);
	}
	assert_true(nth > 10);
}

/* A model that is not like this kernel: its pages are soft-dirty, or they are not. */
static void difference_is_found_and_made_small(void **state)
{
	struct fuzz_setup setup = plain_setup();

	(void)state;
	setup.vs_linux = true;
	scn_linux_config(&setup.config);
	if (setup.config.mmap_base < 1ull << 46) {
		print_message("the model's addresses are smaller than the kernel's here\n");
		skip();
	}
	setup.config.soft_dirty = !setup.config.soft_dirty;
	run_seed(&setup, 1, &one);
	if (report.verdict == FUZZ_SKIPPED) {
		print_message("%s", report.text);
		skip();
	}
	for (uint64_t seed = 2; report.verdict != FUZZ_DIFFERS; seed++) {
		assert_true(seed < 20);
		run_seed(&setup, seed, &one);
	}
	fuzz_minimise(&setup, &one, &report, NULL);
	assert_int_equal(report.verdict, FUZZ_DIFFERS);
	assert_in_range(one.nr, 2, 3);

	/* The same case, the model as it should be. */
	setup.config.soft_dirty = !setup.config.soft_dirty;
	assert_int_equal(fuzz_run_apart(&setup, &one, &report), 0);
	assert_int_equal(report.verdict, FUZZ_SAME);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same_seed_same_case),
		cmocka_unit_test(what_is_written_runs),
		cmocka_unit_test(crash_is_found_and_made_small),
		cmocka_unit_test(leak_is_found),
		cmocka_unit_test(each_allocation_fails),
		cmocka_unit_test(difference_is_found_and_made_small),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
