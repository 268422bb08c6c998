/* SPDX-License-Identifier: MIT */
/*
 * Each litmus test has the verdict that is known for it, under each memory model; and the
 * tests notice when a barrier does nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "explore/litmus.h"

/* How many tests do not say what they should. */
static unsigned wrong(enum weak_memory memory, const char *without, bool loud)
{
	unsigned nr = 0;

	for (unsigned i = 0; i < nr_litmus_tests; i++) {
		struct litmus_result result = { 0 };

		assert_int_equal(litmus_run(&litmus_tests[i], memory, without, &result), 0);
		assert_true(result.graphs > 0);
		if (result.verdict == litmus_expected(&litmus_tests[i], memory))
			continue;
		if (loud)
			print_error("%s under %s\n", litmus_tests[i].name,
				    weak_memory_name(memory));
		nr++;
	}
	return nr;
}

static void test_verdicts(void **state)
{
	(void)state;
	for (unsigned m = 0; m < NR_WEAK_MEMORIES; m++)
		assert_int_equal(wrong(m, NULL, true), 0);
}

/* What is stricter here than in Linux is stricter for this one reason. */
static void test_limits(void **state)
{
	(void)state;
	for (unsigned i = 0; i < nr_litmus_tests; i++)
		if (litmus_tests[i].overtakes)
			assert_int_equal(litmus_tests[i].linux_says, LITMUS_SOMETIMES);
}

/* Every model allows what a stricter one does. */
static void test_each_allows_more(void **state)
{
	(void)state;
	for (unsigned i = 0; i < nr_litmus_tests; i++) {
		u64 before = 0;

		for (unsigned m = 0; m < NR_WEAK_MEMORIES; m++) {
			struct litmus_result result = { 0 };

			assert_int_equal(litmus_run(&litmus_tests[i], m, NULL, &result), 0);
			assert_true(result.graphs >= before);
			before = result.graphs;
		}
	}
}

/* A barrier that is none, a release or an acquire that is a plain access. */
static void test_missing_barriers(void **state)
{
	static const char *const words[] = { "mb", "rmb", "wmb", ":=", NULL };

	(void)state;
	for (unsigned i = 0; words[i]; i++)
		assert_true(wrong(WEAK_WEAK, words[i], false) > 0);
	assert_true(wrong(WEAK_TSO, "mb", false) > 0);
	/* There only full barriers do anything. */
	assert_int_equal(wrong(WEAK_TSO, "rmb", true), 0);
	assert_int_equal(wrong(WEAK_TSO, "wmb", true), 0);
	assert_int_equal(wrong(WEAK_TSO, ":=", true), 0);
	assert_int_equal(wrong(WEAK_SC, "mb", true), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_each_allows_more),
		cmocka_unit_test(test_missing_barriers),
	};

	return cmocka_run_group_tests_name("explore/litmus", tests, NULL, NULL);
}
