/* SPDX-License-Identifier: MIT */
/*
 * How many graphs each memory model lets a program have is known for the programs that the
 * literature counts with. Under sc graphs are traces: the search of interleavings has to find
 * as many, with as many deadlocks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "explore/programs/programs.h"
#include "base/format.h"
#include "explore/weak.h"
#include "sync/sync.h"

static struct explore_result result;

static void run(const struct explore_program *program, enum weak_memory memory)
{
	struct explore_options options = { .deadlocks_allowed = true, .keep_going = true };

	assert_int_equal(weak_explore(program, &options, memory, &result), 0);
	assert_true(result.complete);
}

static void run_named(const char *name, unsigned n, enum weak_memory memory)
{
	struct explore_program program;

	assert_true(program_make(name, n, &program));
	run(&program, memory);
}

/* ---- known numbers ---- */

static const struct known {
	const char *name;
	unsigned n;
	u64 graphs[NR_WEAK_MEMORIES];
} known[] = {
	{ "sb", 2, { 3, 4, 4 } },           { "sb", 6, { 63, 64, 64 } },
	{ "mp", 4, { 5, 5, 16 } },          { "mp", 6, { 7, 7, 64 } },
	{ "fib2", 3, { 141, 175, 175 } },   { "fib2", 4, { 1107, 1764, 1764 } },
	{ "big0", 1, { 69112, 0, 82472 } },
};

static void test_known(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		const struct known *k = &known[i];

		for (unsigned m = 0; m < NR_WEAK_MEMORIES; m++) {
			if (!k->graphs[m])
				continue;
			run_named(k->name, k->n, m);
			if (result.executions != k->graphs[m])
				print_error("%s(%u) %s\n", k->name, k->n, weak_memory_name(m));
			assert_int_equal(result.executions, k->graphs[m]);
			assert_int_equal(result.blocked, 0);
			assert_int_equal(result.failures, 0);
		}
	}
}

/* ---- against the search of interleavings ---- */

static const struct {
	const char *name;
	unsigned n;
} same[] = {
	{ "fib_bench", 3 },     { "fib_bench", 4 }, { "ainc", 6 },      { "readers", 6 },
	{ "floating_read", 5 }, { "lastzero", 6 },  { "casrot", 8 },    { "indexer", 12 },
	{ "szymanski", 1 },     { "peterson", 2 },  { "dekker", 2 },    { "phil", 2 },
	{ "phil", 5 },          { "twostage", 3 },  { "wronglock", 3 }, { "mp", 7 },
};

static void test_same_as_interleavings(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
		struct explore_options options = {
			.mode = EXPLORE_OPTIMAL,
			.max_preemptions = -1,
			.deadlocks_allowed = true,
			.keep_going = true,
		};
		static struct explore_result interleavings;
		struct explore_program program;

		assert_true(program_make(same[i].name, same[i].n, &program));
		assert_int_equal(explore(&program, &options, &interleavings), 0);
		run(&program, WEAK_SC);
		if (interleavings.failures == 0 && result.executions != interleavings.executions)
			print_error("%s(%u)\n", same[i].name, same[i].n);
		/* A failed thread ends an interleaving, and not a graph. */
		if (interleavings.failures == 0)
			assert_int_equal(result.executions, interleavings.executions);
		assert_int_equal(result.deadlocks, interleavings.deadlocks);
		assert_int_equal(!!result.failures, !!interleavings.failures);
	}
}

/* ---- waiting ---- */

static int flag, data;
static struct mutex lock;
static struct wait_queue_head queue;

static void reset(void *arg)
{
	(void)arg;
	flag = 0;
	data = 0;
	mutex_init(&lock, LC_MMAP);
	init_waitqueue_head(&queue);
}

static void spin_thread(void *arg, unsigned self)
{
	bool ordered = arg;

	if (self == 1) {
		WRITE_ONCE(data, 1);
		if (ordered)
			smp_store_release(&flag, 1);
		else
			WRITE_ONCE(flag, 1);
		return;
	}
	while (ordered ? !smp_load_acquire(&flag) : !READ_ONCE(flag))
		cpu_relax();
	explore_assert(READ_ONCE(data) == 1);
}

/* A loop that waits is one read, of what it waits for. */
static void test_spinning(void **state)
{
	static int yes;
	struct explore_program program = { .threads = 2, .reset = reset, .thread = spin_thread };

	(void)state;
	program.arg = &yes;
	run(&program, WEAK_WEAK);
	assert_int_equal(result.executions, 1);
	assert_int_equal(result.failures, 0);
	program.arg = NULL;
	run(&program, WEAK_TSO);
	assert_int_equal(result.executions, 1);
	assert_int_equal(result.failures, 0);
	run(&program, WEAK_WEAK);
	assert_int_equal(result.executions, 2);
	assert_int_equal(result.failures, 1);
	assert_non_null(strstr(result.failure_text, "READ_ONCE(data) == 1"));
}

/* A failure can be told, with what was old. */
static void test_showing(void **state)
{
	struct explore_program program = { .threads = 2, .reset = reset, .thread = spin_thread };
	struct explore_options options = { 0 };
	char text[1024];
	struct strbuf sb;

	(void)state;
	assert_int_equal(weak_explore(&program, &options, WEAK_WEAK, &result), 0);
	assert_int_equal(result.failures, 1);
	strbuf_init(&sb, text, sizeof(text));
	weak_show(weak_failure(), &sb);
	assert_non_null(strstr(text, "T0 reads word 0: 1, from T1"));
	assert_non_null(strstr(text, "0, as at the start: AN OLD VALUE"));
	assert_int_equal(weak_explore(&program, &options, WEAK_TSO, &result), 0);
	assert_int_equal(weak_failure()->nr, 0);
}

static void forever_thread(void *arg, unsigned self)
{
	(void)arg;
	if (self == 0)
		while (!READ_ONCE(flag))
			cpu_relax();
	else
		WRITE_ONCE(data, 1);
}

static void test_waiting_forever(void **state)
{
	struct explore_program program = { .threads = 2, .reset = reset, .thread = forever_thread };
	struct explore_options options = { 0 };

	(void)state;
	run(&program, WEAK_WEAK);
	assert_int_equal(result.deadlocks, 1);
	assert_int_equal(weak_explore(&program, &options, WEAK_WEAK, &result), 0);
	assert_int_equal(result.failure, EXPLORE_FAIL_DEADLOCK);
}

/* Plain words under a lock need no marks. */
static void locked_thread(void *arg, unsigned self)
{
	(void)arg;
	(void)self;
	mutex_lock(&lock);
	data++;
	mutex_unlock(&lock);
}

static void locked_check(void *arg)
{
	(void)arg;
	explore_assert(data == 3);
}

static void test_locks(void **state)
{
	struct explore_program program = {
		.threads = 3,
		.reset = reset,
		.thread = locked_thread,
		.check = locked_check,
	};

	(void)state;
	for (unsigned m = 0; m < NR_WEAK_MEMORIES; m++) {
		run(&program, m);
		assert_int_equal(result.executions, 6);
		assert_int_equal(result.deadlocks, 0);
		assert_int_equal(result.failures, 0);
	}
}

static void sleep_thread(void *arg, unsigned self)
{
	(void)arg;
	if (self == 0) {
		wait_event(&queue, READ_ONCE(flag));
	} else {
		WRITE_ONCE(flag, 1);
		wake_up_all(&queue);
	}
}

static void test_wait_queue(void **state)
{
	struct explore_program program = { .threads = 2, .reset = reset, .thread = sleep_thread };

	(void)state;
	for (unsigned m = 0; m < NR_WEAK_MEMORIES; m++) {
		run(&program, m);
		assert_true(result.executions >= 2);
		assert_int_equal(result.deadlocks, 0);
		assert_int_equal(result.failures, 0);
	}
}

/* ---- limits ---- */

static void test_limits(void **state)
{
	struct explore_options options = { .max_executions = 10 };
	struct explore_program program;

	(void)state;
	assert_true(program_make("fib2", 4, &program));
	assert_int_equal(weak_explore(&program, &options, WEAK_WEAK, &result), 0);
	assert_int_equal(result.executions, 10);
	assert_false(result.complete);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_same_as_interleavings),
		cmocka_unit_test(test_spinning),
		cmocka_unit_test(test_showing),
		cmocka_unit_test(test_waiting_forever),
		cmocka_unit_test(test_locks),
		cmocka_unit_test(test_wait_queue),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests_name("explore/weak", tests, NULL, NULL);
}
