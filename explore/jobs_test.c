/* SPDX-License-Identifier: MIT */
/*
 * A search in pieces, and by several processes: the traces are those of one search, each once,
 * however it is cut; the failure is the same one, whoever is faster.
 *
 * With an argument: the large programs too, and how long they take.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/uapi.h"
#include "explore/engine.h"
#include "explore/jobs.h"
#include "explore/programs/programs.h"
#include "sync/sync.h"

#define MODE(m) (1u << EXPLORE_##m)
#define REDUCED (MODE(SLEEP) | MODE(SOURCE) | MODE(OPTIMAL))

static bool long_run;
static struct explore_result result;
static struct explore_jobs_result by_jobs, again;

static void add_hash(void *arg, u64 trace_hash)
{
	u64 *sum = arg;

	*sum = trace_hash ? explore_hash_add(*sum, trace_hash) : 0;
}

/* ---- pieces, one after another -------------------------------------------------------- */

static struct {
	struct explore_piece *pieces[4096];
	unsigned nr, total;
} heap;

static void keep(void *arg, struct explore_piece *piece)
{
	(void)arg;
	assert_true(heap.nr < ARRAY_SIZE(heap.pieces));
	heap.pieces[heap.nr++] = piece;
	heap.total++;
}

struct sums {
	u64 executions, blocked, hash;
};

static void explore_piecewise(const struct explore_program *program, enum explore_mode mode,
			      u64 give_after, struct sums *sums)
{
	u64 hash;
	struct explore_options options = {
		.mode = mode,
		.max_preemptions = -1,
		.deadlocks_allowed = true,
		.each = add_hash,
		.each_arg = &hash,
		.give = keep,
		.give_after = give_after,
	};
	struct explore_piece *piece = NULL;

	memset(sums, 0, sizeof(*sums));
	memset(&heap, 0, sizeof(heap));
	for (;;) {
		hash = 0;
		options.piece = piece;
		if (piece && mode == EXPLORE_OPTIMAL)
			options.mode = EXPLORE_SOURCE;
		assert_int_equal(explore(program, &options, &result), 0);
		assert_true(result.complete);
		assert_int_equal(result.infeasible, 0);
		assert_false(result.anew);
		sums->executions += result.executions;
		sums->blocked += result.blocked;
		sums->hash += hash;
		free(piece);
		if (!heap.nr)
			break;
		piece = heap.pieces[--heap.nr];
	}
}

static const struct {
	const char *name;
	unsigned n;
	u64 traces;
	unsigned modes;
} known[] = {
	{ "fib_bench", 3, 1698, REDUCED },
	{ "fib2", 3, 141, REDUCED },
	{ "fib2", 2, 924, MODE(NAIVE) },
	{ "ainc", 5, 120, REDUCED | MODE(NAIVE) },
	{ "indexer", 12, 8, MODE(SOURCE) | MODE(OPTIMAL) },
	{ "indexer", 13, 64, MODE(OPTIMAL) },
	{ "lastzero", 6, 144, REDUCED },
	{ "readers", 6, 64, REDUCED },
	{ "casrot", 7, 523, REDUCED },
	{ "peterson", 2, 2420, REDUCED },
	{ "dekker", 2, 1599, REDUCED },
	{ "floating_read", 5, 720, REDUCED },
	{ "phil", 5, 31, REDUCED },
	{ "sb", 6, 63, REDUCED },
	{ "mp", 5, 252, MODE(NAIVE) },
};

static void run_whole(const struct explore_program *program, enum explore_mode mode,
		      struct sums *sums)
{
	struct explore_options options = {
		.mode = mode,
		.max_preemptions = -1,
		.deadlocks_allowed = true,
		.each = add_hash,
		.each_arg = &sums->hash,
	};

	sums->hash = 0;
	assert_int_equal(explore(program, &options, &result), 0);
	assert_true(result.complete);
	sums->executions = result.executions;
	sums->blocked = result.blocked;
}

static void check_pieces(const struct explore_program *program, enum explore_mode mode,
			 u64 give_after, const struct sums *whole)
{
	struct sums pieces;

	explore_piecewise(program, mode, give_after, &pieces);
	if (pieces.executions != whole->executions || pieces.hash != whole->hash)
		print_error("%s %s: pieces after %llu\n", program->name, explore_mode_name(mode),
			    (unsigned long long)give_after);
	assert_int_equal(pieces.executions, whole->executions);
	assert_int_equal(pieces.hash, whole->hash);
	if (mode <= EXPLORE_SLEEP)
		assert_int_equal(pieces.blocked, whole->blocked);
	assert_true(whole->executions + whole->blocked <= 2 * give_after || heap.total > 0);
}

static void test_pieces(void **state)
{
	static const u64 after[] = { 1, 2, 7, 50 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		for (unsigned mode = 0; mode <= EXPLORE_OPTIMAL; mode++) {
			struct explore_program program;
			struct sums whole;

			if (!(known[i].modes & 1u << mode))
				continue;
			assert_true(program_make(known[i].name, known[i].n, &program));
			for (int rewinds = 0; rewinds < 2; rewinds++) {
				program.stack_only = rewinds;
				run_whole(&program, mode, &whole);
				assert_int_equal(whole.executions, known[i].traces);
				for (size_t a = 0; a < ARRAY_SIZE(after); a++)
					check_pieces(&program, mode, after[a], &whole);
			}
		}
	}
}

/* ---- several processes ---------------------------------------------------------------- */

static void run_jobs(const struct explore_program *program, enum explore_mode mode,
		     unsigned processes, struct explore_jobs_result *ret_result)
{
	struct explore_options options = {
		.mode = mode,
		.max_preemptions = -1,
		.deadlocks_allowed = true,
		.each = add_hash,
	};
	struct explore_jobs jobs = { .processes = processes };

	assert_int_equal(explore_by_jobs(program, &options, &jobs, ret_result), 0);
	assert_false(ret_result->lost);
}

static const struct counted {
	const char *name;
	unsigned n;
	u64 traces;
	enum explore_mode mode;
} counted[] = {
	{ "fib_bench", 4, 19605, EXPLORE_OPTIMAL }, { "fib_bench", 4, 19605, EXPLORE_SOURCE },
	{ "fib_bench", 4, 19605, EXPLORE_SLEEP },   { "ainc", 8, 40320, EXPLORE_OPTIMAL },
	{ "casrot", 9, 8597, EXPLORE_OPTIMAL },     { "szymanski", 2, 22945, EXPLORE_OPTIMAL },
	{ "peterson", 2, 2420, EXPLORE_OPTIMAL },   { "dekker", 2, 1599, EXPLORE_OPTIMAL },
	{ "lastzero", 10, 3328, EXPLORE_OPTIMAL },  { "fib2", 3, 48620, EXPLORE_NAIVE },
	{ "phil", 8, 255, EXPLORE_OPTIMAL },        { "indexer", 12, 8, EXPLORE_OPTIMAL },
	{ "readers", 13, 8192, EXPLORE_OPTIMAL },
};

static const struct counted counted_long[] = {
	{ "fib_bench", 5, 218243, EXPLORE_OPTIMAL },
	{ "fib_bench", 6, 2364418, EXPLORE_OPTIMAL },
	{ "fib_bench", 5, 218243, EXPLORE_SLEEP },
	{ "indexer", 15, 4096, EXPLORE_OPTIMAL },
	{ "lastzero", 15, 147456, EXPLORE_OPTIMAL },
	{ "casrot", 10, 38486, EXPLORE_OPTIMAL },
	{ "floating_read", 8, 362880, EXPLORE_OPTIMAL },
};

static void check_counted(const struct counted *k)
{
	struct explore_program program;
	struct sums whole;
	u64 whole_ns;

	assert_true(program_make(k->name, k->n, &program));
	run_whole(&program, k->mode, &whole);
	assert_int_equal(whole.executions, k->traces);
	whole_ns = result.ns;
	for (unsigned processes = 1; processes <= 4; processes += 1 + (processes > 1)) {
		run_jobs(&program, k->mode, processes, &by_jobs);
		assert_true(by_jobs.all.complete);
		assert_int_equal(by_jobs.all.executions, k->traces);
		assert_int_equal(by_jobs.hash, whole.hash);
		assert_int_equal(by_jobs.all.failures, 0);
		if (k->mode <= EXPLORE_SLEEP)
			assert_int_equal(by_jobs.all.blocked, whole.blocked);
		/* Who takes a piece does not change it. */
		if (processes > 1)
			assert_int_equal(by_jobs.all.blocked, again.all.blocked);
		again = by_jobs;
		if (long_run)
			print_message("%s(%u) %s: %.2f s; %u processes: %.2f s, %llu blocked\n",
				      k->name, k->n, explore_mode_name(k->mode),
				      (double)whole_ns / 1e9, processes,
				      (double)by_jobs.all.ns / 1e9,
				      (unsigned long long)by_jobs.all.blocked);
	}
	assert_true(by_jobs.parts > 1 || k->traces < 100 || by_jobs.alone);
	/* Threads that have little to do with each other; one that looks at what all of them do. */
	assert_true(by_jobs.alone == !strcmp(k->name, "lastzero") || k->n > 10);
}

static void test_counts(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(counted); i++)
		check_counted(&counted[i]);
	for (size_t i = 0; long_run && i < ARRAY_SIZE(counted_long); i++)
		check_counted(&counted_long[i]);
}

/* ---- failures ------------------------------------------------------------------------- */

static struct {
	int x;
} shared;

static void reset(void *arg)
{
	(void)arg;
	memset(&shared, 0, sizeof(shared));
}

/* Many executions fail, not the first ones. */
static void thread(void *arg, unsigned self)
{
	(void)arg;
	for (int i = 0; i < 4; i++)
		WRITE_ONCE(shared.x, READ_ONCE(shared.x) + (int)self + 1);
}

static void check(void *arg)
{
	(void)arg;
	if (shared.x == 3)
		explore_fail("three");
}

static const struct explore_program adders = {
	.name = "adders",
	.threads = 2,
	.reset = reset,
	.thread = thread,
	.check = check,
	.stack_only = true,
};

static void same_failure(const struct explore_result *a, const struct explore_result *b)
{
	assert_int_equal(a->failures, 1);
	assert_int_equal(b->failures, 1);
	assert_int_equal(a->first_failure, b->first_failure);
	assert_int_equal(a->executions, b->executions);
	assert_int_equal(a->blocked, b->blocked);
	assert_int_equal(a->schedule_len, b->schedule_len);
	assert_memory_equal(a->schedule, b->schedule, a->schedule_len);
	assert_string_equal(a->failure_text, b->failure_text);
}

static void test_failure_is_the_same(void **state)
{
	(void)state;
	for (unsigned mode = 0; mode <= EXPLORE_OPTIMAL; mode++) {
		struct explore_options options = { .mode = mode, .max_preemptions = -1 };

		assert_int_equal(explore(&adders, &options, &result), 0);
		assert_true(result.first_failure > 200);
		run_jobs(&adders, mode, 1, &again);
		for (unsigned processes = 2; processes <= 5; processes++) {
			run_jobs(&adders, mode, processes, &by_jobs);
			same_failure(&by_jobs.all, &again.all);
		}
		/* Here the order of pieces is that of one process. */
		if (mode <= EXPLORE_SLEEP)
			same_failure(&result, &again.all);
	}
}

static void test_samples(void **state)
{
	struct explore_options options = { .seed = 5,
					   .max_preemptions = -1,
					   .max_executions = 950 };
	struct explore_jobs jobs = {
		.batch = 100,
		.nr_kinds = 3,
		.kinds = { EXPLORE_POS, EXPLORE_RANDOM, EXPLORE_PCT },
	};
	struct explore_program program;
	u64 hash = 0;

	(void)state;
	assert_true(program_make("fib2", 4, &program));
	options.each = add_hash;
	for (unsigned processes = 1; processes <= 3; processes++) {
		jobs.processes = processes;
		assert_int_equal(explore_by_jobs(&program, &options, &jobs, &by_jobs), 0);
		assert_int_equal(by_jobs.all.executions, 950);
		assert_int_equal(by_jobs.parts, 10);
		assert_false(by_jobs.all.complete);
		assert_true(processes == 1 || by_jobs.hash == hash);
		hash = by_jobs.hash;
	}
	assert_true(program_make("reorder", 20, &program));
	for (u64 seed = 1; seed <= 10; seed++) {
		options.seed = seed;
		options.max_executions = 100000;
		for (jobs.processes = 1; jobs.processes <= 3; jobs.processes++) {
			assert_int_equal(explore_by_jobs(&program, &options, &jobs, &by_jobs), 0);
			if (jobs.processes > 1)
				same_failure(&by_jobs.all, &again.all);
			again = by_jobs;
		}
	}
}

/* ---- what may go wrong ---------------------------------------------------------------- */

static void test_budgets(void **state)
{
	struct explore_options options = {
		.mode = EXPLORE_NAIVE,
		.max_preemptions = -1,
		.max_executions = 1000,
	};
	struct explore_jobs jobs = { .processes = 2 };
	struct explore_program program;

	(void)state;
	assert_true(program_make("fib2", 5, &program));
	assert_int_equal(explore_by_jobs(&program, &options, &jobs, &by_jobs), 0);
	assert_false(by_jobs.all.complete);
	assert_in_range(by_jobs.all.executions, 1000, 2000);
	options.max_executions = 0;
	options.max_ns = 50000000;
	assert_true(program_make("fib2", 8, &program));
	assert_int_equal(explore_by_jobs(&program, &options, &jobs, &by_jobs), 0);
	assert_false(by_jobs.all.complete);
	assert_false(by_jobs.lost);
	jobs.processes = 0;
	assert_int_equal(explore_by_jobs(&program, &options, &jobs, &by_jobs), -EINVAL);
	jobs.processes = EXPLORE_MAX_JOBS + 1;
	assert_int_equal(explore_by_jobs(&program, &options, &jobs, &by_jobs), -EINVAL);
}

static void die(void *arg)
{
	(void)arg;
	if (shared.x == 3)
		_Exit(9);
}

static void test_lost_process(void **state)
{
	struct explore_program dying = adders;

	(void)state;
	dying.check = die;
	for (unsigned processes = 1; processes <= 2; processes++) {
		struct explore_options options = { .mode = EXPLORE_NAIVE, .max_preemptions = -1 };
		struct explore_jobs jobs = { .processes = processes };

		assert_int_equal(explore_by_jobs(&dying, &options, &jobs, &by_jobs), 0);
		assert_true(by_jobs.lost);
		assert_false(by_jobs.all.complete);
	}
}

/* The halves of a word are used on their own late in the search. */
static struct {
	u64 wide;
	u32 first;
} halves;

static void halves_reset(void *arg)
{
	(void)arg;
	memset(&halves, 0, sizeof(halves));
}

static void halves_thread(void *arg, unsigned self)
{
	(void)arg;
	for (int i = 0; i < 3; i++)
		(void)sync_xchg(&halves.first, self + 1, SYNC_FULL);
	if (self == 0) {
		WRITE_ONCE(halves.wide, 1);
		(void)READ_ONCE(halves.wide);
	} else if (READ_ONCE(halves.first) == 1) {
		WRITE_ONCE(((u32 *)&halves.wide)[1], 2);
	}
}

static void test_halves(void **state)
{
	static const struct explore_program program = {
		.name = "halves",
		.threads = 2,
		.reset = halves_reset,
		.thread = halves_thread,
		.stack_only = true,
	};
	struct sums whole;

	(void)state;
	for (unsigned mode = EXPLORE_SLEEP; mode <= EXPLORE_OPTIMAL; mode++) {
		run_whole(&program, mode, &whole);
		for (unsigned processes = 1; processes <= 3; processes++) {
			run_jobs(&program, mode, processes, &by_jobs);
			assert_true(by_jobs.all.complete);
			assert_int_equal(by_jobs.all.executions, whole.executions);
			assert_int_equal(by_jobs.hash, whole.hash);
		}
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_failure_is_the_same),
		cmocka_unit_test(test_samples),
		cmocka_unit_test(test_budgets),
		cmocka_unit_test(test_lost_process),
		cmocka_unit_test(test_halves),
	};

	long_run = argc > 1;
	(void)argv;
	return cmocka_run_group_tests_name("explore/jobs", tests, NULL, NULL);
}
