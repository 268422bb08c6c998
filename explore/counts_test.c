/* SPDX-License-Identifier: MIT */
/*
 * The number of traces of the programs that the literature counts with is known exactly. Each
 * mode has to find that number; the optimal one without a blocked execution.
 *
 * With an argument: the large ones too, which take minutes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "explore/programs/programs.h"

#define MODE(m) (1u << EXPLORE_##m)
#define REDUCED (MODE(SLEEP) | MODE(SOURCE) | MODE(OPTIMAL))

/* In which modes it is small enough, and in which for the long run. */
static const struct known {
	const char *name;
	unsigned n;
	u64 traces;
	u64 deadlocks;
	unsigned modes, long_modes;
} known[] = {
	{ "fib_bench", 2, 140, 0, REDUCED, 0 },
	{ "fib_bench", 3, 1698, 0, REDUCED, 0 },
	{ "fib_bench", 4, 19605, 0, REDUCED, 0 },
	{ "fib_bench", 5, 218243, 0, MODE(OPTIMAL), REDUCED },
	{ "fib_bench", 6, 2364418, 0, 0, MODE(SOURCE) | MODE(OPTIMAL) },
	{ "fib2", 3, 141, 0, REDUCED, 0 },
	{ "fib2", 4, 1107, 0, REDUCED, 0 },
	{ "ainc", 4, 24, 0, REDUCED, 0 },
	{ "ainc", 8, 40320, 0, REDUCED, 0 },
	{ "indexer", 11, 1, 0, MODE(SOURCE) | MODE(OPTIMAL), 0 },
	{ "indexer", 12, 8, 0, MODE(SOURCE) | MODE(OPTIMAL), 0 },
	{ "indexer", 15, 4096, 0, MODE(OPTIMAL), MODE(SOURCE) },
	{ "lastzero", 5, 64, 0, REDUCED, 0 },
	{ "lastzero", 10, 3328, 0, MODE(SOURCE) | MODE(OPTIMAL), MODE(SLEEP) },
	{ "lastzero", 15, 147456, 0, 0, MODE(SOURCE) | MODE(OPTIMAL) },
	{ "readers", 6, 64, 0, REDUCED, 0 },
	{ "readers", 13, 8192, 0, MODE(SOURCE) | MODE(OPTIMAL), MODE(SLEEP) },
	{ "casrot", 8, 2048, 0, REDUCED, 0 },
	{ "casrot", 9, 8597, 0, REDUCED, 0 },
	{ "casrot", 10, 38486, 0, MODE(OPTIMAL), REDUCED },
	{ "szymanski", 2, 22945, 0, REDUCED, 0 },
	{ "peterson", 2, 2420, 0, REDUCED, 0 },
	{ "dekker", 2, 1599, 0, REDUCED, 0 },
	{ "floating_read", 5, 720, 0, REDUCED, 0 },
	{ "floating_read", 8, 362880, 0, MODE(OPTIMAL), REDUCED },
	{ "phil", 2, 3, 1, REDUCED, 0 },
	{ "phil", 5, 31, 1, REDUCED, 0 },
	{ "phil", 8, 255, 1, MODE(SOURCE) | MODE(OPTIMAL), MODE(SLEEP) },
	{ "sb", 2, 3, 0, REDUCED, 0 },
	{ "sb", 6, 63, 0, REDUCED, 0 },
	{ "mp", 4, 5, 0, REDUCED, 0 },
	{ "mp", 6, 7, 0, REDUCED, 0 },
};

/* Every interleaving: for two threads a binomial coefficient. */
static const struct known interleavings[] = {
	{ "ainc", 5, 120, 0, 0, 0 }, { "floating_read", 4, 120, 0, 0, 0 },
	{ "fib2", 2, 924, 0, 0, 0 }, { "fib2", 3, 48620, 0, 0, 0 },
	{ "mp", 5, 252, 0, 0, 0 },   { "sb", 2, 6, 0, 0, 0 },
};

static bool long_run;
static struct explore_result result;

static void run(const struct known *k, enum explore_mode mode, bool rewinds)
{
	struct explore_program program;
	struct explore_options options = {
		.mode = mode,
		.max_preemptions = -1,
		.deadlocks_allowed = true,
	};

	assert_true(program_make(k->name, k->n, &program));
	program.stack_only = rewinds;
	assert_int_equal(explore(&program, &options, &result), 0);
	if (result.executions != k->traces || result.deadlocks != k->deadlocks)
		print_error("%s(%u) %s\n", k->name, k->n, explore_mode_name(mode));
	assert_int_equal(result.executions, k->traces);
	assert_int_equal(result.deadlocks, k->deadlocks);
	assert_int_equal(result.failures, 0);
	assert_true(result.complete);
	if (mode == EXPLORE_OPTIMAL || mode == EXPLORE_NAIVE)
		assert_int_equal(result.blocked, 0);
}

static void run_all(enum explore_mode mode)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		const struct known *k = &known[i];

		if ((k->modes | (long_run ? k->long_modes : 0)) & 1u << mode)
			run(k, mode, true);
	}
}

static void test_optimal(void **state)
{
	(void)state;
	run_all(EXPLORE_OPTIMAL);
}

static void test_source(void **state)
{
	(void)state;
	run_all(EXPLORE_SOURCE);
}

static void test_sleep(void **state)
{
	(void)state;
	run_all(EXPLORE_SLEEP);
}

static void test_naive(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(interleavings) / sizeof(interleavings[0]); i++) {
		run(&interleavings[i], EXPLORE_NAIVE, true);
		run(&interleavings[i], EXPLORE_NAIVE, false);
	}
}

/* Starting again instead of undoing events finds the same. */
static void test_restarting(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i].traces < 3000)
			run(&known[i], EXPLORE_OPTIMAL, false);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_optimal),    cmocka_unit_test(test_source),
		cmocka_unit_test(test_sleep),      cmocka_unit_test(test_naive),
		cmocka_unit_test(test_restarting),
	};

	long_run = argc > 1;
	(void)argv;
	return cmocka_run_group_tests_name("explore/counts", tests, NULL, NULL);
}
