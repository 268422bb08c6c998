/* SPDX-License-Identifier: MIT */
/* Covers: idea 1, idea 4 */
/*
 * The real core under the engine: every mode that reduces finds the same number of traces, and
 * an execution is put back by copying few pages.
 *
 * With an argument: executions a second of processor time, for the figures.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#include "explore/programs/onepage.h"
#include "explore/restore.h"

static struct explore_result result;

static void run(const struct explore_program *program, enum explore_mode mode, u64 limit)
{
	struct explore_options options = {
		.mode = mode,
		.seed = 1,
		.max_preemptions = -1,
		.max_executions = limit,
	};

	assert_int_equal(explore(program, &options, &result), 0);
	assert_int_equal(result.failures, 0);
	assert_int_equal(result.infeasible, 0);
}

static void test_modes_agree(void **state)
{
	(void)state;
	for (unsigned which = 0; which < NR_CORE_PROGRAMS; which++) {
		struct explore_program program;
		u64 traces;

		assert_int_equal(core_program_begin((enum core_program)which, &program), 0);
		run(&program, EXPLORE_OPTIMAL, 0);
		assert_true(result.complete);
		assert_int_equal(result.blocked, 0);
		traces = result.executions;
		assert_true(traces > 5 && traces < 5000);
		run(&program, EXPLORE_SOURCE, 0);
		assert_int_equal(result.executions, traces);
		run(&program, EXPLORE_SLEEP, 0);
		assert_int_equal(result.executions, traces);
		core_program_end();
	}
}

static void test_few_pages_are_put_back(void **state)
{
	struct explore_program program;
	u64 pages;

	(void)state;
	assert_int_equal(core_program_begin(CORE_BOTH_UNMAP, &program), 0);
	run(&program, EXPLORE_RANDOM, 200);
	pages = restore_pages();
	assert_in_range(pages, 2, 40);
	run(&program, EXPLORE_RANDOM, 200);
	assert_int_equal(restore_pages(), pages);
	core_program_end();
}

static int measure(void)
{
	static const enum explore_mode modes[] = { EXPLORE_OPTIMAL, EXPLORE_RANDOM, EXPLORE_PCT };

	for (unsigned which = 0; which < NR_CORE_PROGRAMS; which++) {
		struct explore_program program;

		if (core_program_begin((enum core_program)which, &program))
			return 1;
		for (unsigned i = 0; i < ARRAY_SIZE(modes); i++) {
			struct explore_options options = {
				.mode = modes[i],
				.max_preemptions = -1,
				.max_executions = 50000,
			};
			clock_t start = clock();
			u64 executions = 0;

			while (executions < 50000 && !explore(&program, &options, &result))
				executions += result.executions;
			printf("%-12s %-8s %8.0f executions/s, %llu events the longest\n",
			       program.name, explore_mode_name(modes[i]),
			       (double)executions * CLOCKS_PER_SEC / (double)(clock() - start),
			       (unsigned long long)result.longest);
		}
		core_program_end();
	}
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_modes_agree),
		cmocka_unit_test(test_few_pages_are_put_back),
	};

	(void)argv;
	if (argc > 1)
		return measure();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
