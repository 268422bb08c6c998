/* SPDX-License-Identifier: MIT */
/* The modes that draw their executions: what they find, how evenly, and that seeds repeat. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "explore/engine.h"
#include "explore/programs/programs.h"

static struct explore_result result;

/* ---- how soon failures are found ---- */

#define SEEDS 100

static double mean_to_failure(const char *name, unsigned n, enum explore_mode mode)
{
	struct explore_program program;
	double sum = 0;

	assert_true(program_make(name, n, &program));
	for (u64 seed = 1; seed <= SEEDS; seed++) {
		struct explore_options options = {
			.mode = mode,
			.seed = seed,
			.max_preemptions = -1,
			.max_executions = 100000,
		};

		assert_int_equal(explore(&program, &options, &result), 0);
		assert_int_equal(result.failures, 1);
		sum += (double)result.first_failure;
	}
	return sum / SEEDS;
}

/* The means of partial order sampling are known; by chance they differ by a fifth at most. */
static void test_means(void **state)
{
	static const struct {
		const char *name;
		unsigned n;
		double mean;
	} known[] = {
		{ "reorder", 3, 11 },    { "reorder", 5, 14 },  { "reorder", 10, 28 },
		{ "reorder", 20, 67 },   { "twostage", 2, 11 }, { "twostage", 20, 93 },
		{ "wronglock", 8, 4.6 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		double mean = mean_to_failure(known[i].name, known[i].n, EXPLORE_POS);

		print_message("%s_%u: %.1f, known %.1f\n", known[i].name, known[i].n, mean,
			      known[i].mean);
		assert_true(mean > 0.8 * known[i].mean);
		assert_true(mean < 1.2 * known[i].mean);
		/* Without priorities it takes longer. */
		assert_true(mean_to_failure(known[i].name, known[i].n, EXPLORE_RANDOM) > mean);
	}
}

/* ---- how evenly ---- */

#define WAYS 924 /* of 12 events of two threads */
#define DRAWS (40 * WAYS)

static u32 drawn[1u << 12];

static void count_schedule(void *arg, u64 hash)
{
	unsigned way = 0;

	(void)arg;
	(void)hash;
	for (s32 e = 0; e < engine.nr_events; e++)
		way |= (unsigned)engine.frames[e].chosen << e;
	drawn[way]++;
}

/* Sum of (seen - expected)^2 / expected over all ways: about WAYS when they are equally likely. */
static double unevenness(enum explore_mode mode, unsigned *ret_ways)
{
	struct explore_options options = {
		.mode = mode,
		.seed = 7,
		.max_preemptions = -1,
		.max_executions = DRAWS,
		.each = count_schedule,
	};
	double expected = (double)DRAWS / WAYS, sum = 0;
	struct explore_program program;

	memset(drawn, 0, sizeof(drawn));
	*ret_ways = 0;
	assert_true(program_make("fib2", 2, &program));
	assert_int_equal(explore(&program, &options, &result), 0);
	assert_int_equal(result.executions, DRAWS);
	for (size_t way = 0; way < ARRAY_SIZE(drawn); way++) {
		double off = drawn[way] - expected;

		if (__builtin_popcount((unsigned)way) != 6)
			assert_int_equal(drawn[way], 0);
		else
			sum += off * off / expected;
		*ret_ways += drawn[way] > 0;
	}
	return sum;
}

static void test_urw_is_even(void **state)
{
	double even, plain;
	unsigned ways;

	(void)state;
	even = unevenness(EXPLORE_URW, &ways);
	assert_int_equal(ways, WAYS);
	plain = unevenness(EXPLORE_RANDOM, &ways);
	print_message("unevenness over %u ways: urw %.0f, random %.0f\n", WAYS, even, plain);
	assert_true(even < 1.2 * WAYS);
	assert_true(plain > 3 * WAYS);
}

/* ---- PCT: a failure that one change of priorities brings about, with probability 1/nk ---- */

static int x, y;

static void reset(void *arg)
{
	(void)arg;
	x = 0;
	y = 0;
}

/* Fails when thread 1 runs whole between the two stores of thread 0, far apart. */
static void one_place(void *arg, unsigned self)
{
	(void)arg;
	if (self == 1) {
		explore_assert(READ_ONCE(x) != 1);
		return;
	}
	for (int i = 0; i < 8; i++)
		WRITE_ONCE(y, i);
	WRITE_ONCE(x, 1);
	WRITE_ONCE(x, 2);
}

static void test_pct_keeps_its_promise(void **state)
{
	struct explore_program program = {
		.name = "one place",
		.threads = 2,
		.reset = reset,
		.thread = one_place,
		.stack_only = true,
	};
	struct explore_options options = {
		.mode = EXPLORE_PCT,
		.pct_depth = 2,
		.seed = 3,
		.max_preemptions = -1,
		.max_executions = 20000,
		.keep_going = true,
	};
	const double n = 2, k = 11;

	(void)state;
	assert_int_equal(explore(&program, &options, &result), 0);
	print_message("%llu of %llu\n", (unsigned long long)result.failures,
		      (unsigned long long)result.executions);
	assert_true((double)result.failures > 0.9 * 20000 / (n * k));
}

/* ---- seeds ---- */

static u64 schedules;

static void hash_schedule(void *arg, u64 hash)
{
	u64 *sum = arg;

	(void)hash;
	for (s32 e = 0; e < engine.nr_events; e++)
		*sum = *sum * 31 + engine.frames[e].chosen + 1;
}

static u64 schedules_of(enum explore_mode mode, u64 seed, bool rewinds)
{
	struct explore_options options = {
		.mode = mode,
		.seed = seed,
		.max_preemptions = -1,
		.max_executions = 100,
		.keep_going = true,
		.each = hash_schedule,
		.each_arg = &schedules,
	};
	struct explore_program program;

	assert_true(program_make("twostage", 4, &program));
	program.stack_only = rewinds;
	schedules = 0;
	assert_int_equal(explore(&program, &options, &result), 0);
	return schedules;
}

static void test_seeds_repeat(void **state)
{
	(void)state;
	for (int mode = EXPLORE_RANDOM; mode <= EXPLORE_URW; mode++) {
		u64 first = schedules_of(mode, 5, true);

		assert_true(schedules_of(mode, 5, true) == first);
		assert_true(schedules_of(mode, 5, false) == first);
		assert_true(schedules_of(mode, 6, true) != first);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_means),
		cmocka_unit_test(test_urw_is_even),
		cmocka_unit_test(test_pct_keeps_its_promise),
		cmocka_unit_test(test_seeds_repeat),
	};

	return cmocka_run_group_tests_name("explore/random", tests, NULL, NULL);
}
