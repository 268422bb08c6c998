/* SPDX-License-Identifier: MIT */
/* What is kept for going back has its limits: they are not passed unseen, and few are noticed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "explore/engine.h"
#include "explore/programs/programs.h"
#include "sync/sync.h"

static struct explore_result result;

static void run(const struct explore_program *program, struct explore_options options)
{
	options.keep_going = true;
	options.deadlocks_allowed = true;
	assert_int_equal(explore(program, &options, &result), 0);
}

static void run_all(const struct explore_program *program, enum explore_mode mode, int bound)
{
	run(program, (struct explore_options){ .mode = mode, .max_preemptions = bound });
}

static int x, y;
static spinlock_t lock;
static u64 words[512];

static void reset(void *arg)
{
	(void)arg;
	x = 0;
	y = 0;
	spin_lock_init(&lock, LC_PTL);
	memset(words, 0, sizeof(words));
}

static struct explore_program two_threads(void (*thread)(void *arg, unsigned self))
{
	return (struct explore_program){
		.name = "test",
		.threads = 2,
		.reset = reset,
		.thread = thread,
		.stack_only = true,
	};
}

/* ---- stacks ---- */

#define DEEP_BYTES (512 * 1024)

static void deep(void *arg, unsigned self)
{
	volatile char much[DEEP_BYTES];

	(void)arg;
	much[0] = (char)self;
	for (unsigned i = 0; i < 2 * 32 * 1024 * 1024 / DEEP_BYTES; i++)
		WRITE_ONCE(words[self], words[self] + (u64)much[0]);
	WRITE_ONCE(x, (int)self);
}

/* More to put back than there is room for: started again instead, and all of it seen. */
static void test_deep_stacks(void **state)
{
	struct explore_program program = two_threads(deep);

	(void)state;
	run_all(&program, EXPLORE_OPTIMAL, -1);
	assert_true(result.complete);
	assert_int_equal(result.executions, 2);
	/* One after the other has no such cost. */
	program = two_threads(deep);
	program.threads = 1;
	run_all(&program, EXPLORE_OPTIMAL, -1);
	assert_int_equal(result.executions, 1);
}

static void deepest(void *arg, unsigned self)
{
	volatile char much[1000 * 1024];

	(void)arg;
	much[0] = (char)self;
	WRITE_ONCE(x, much[0]);
}

/* Too deep to begin with. */
static void test_deepest_stacks(void **state)
{
	struct explore_program program = two_threads(deepest);

	(void)state;
	program.threads = EXPLORE_MAX_THREADS;
	run(&program, (struct explore_options){
			      .mode = EXPLORE_SOURCE, .max_preemptions = -1, .max_executions = 3 });
	assert_int_equal(result.executions, 3);
	run(&program, (struct explore_options){
			      .mode = EXPLORE_RANDOM, .max_preemptions = -1, .max_executions = 3 });
	assert_int_equal(result.executions, 3);
}

/* ---- words and their halves ---- */

static void halving(void *arg, unsigned self)
{
	(void)arg;
	for (unsigned i = 0; self == 0 && i < ARRAY_SIZE(words); i++)
		WRITE_ONCE(words[i], 1);
	for (unsigned i = 0; self == 1 && i < ARRAY_SIZE(words); i++)
		WRITE_ONCE(((u32 *)&words[i])[1], 1);
}

/* More words used by halves than are remembered one by one. */
static void test_many_halves(void **state)
{
	struct explore_program program = two_threads(halving);

	(void)state;
	run_all(&program, EXPLORE_OPTIMAL, 0);
	assert_true(result.complete);
	assert_int_equal(result.cut, 0);
}

/* A byte of a word that somebody waits for: where the wait could end is known. */
static void waiting_for_a_byte(void *arg, unsigned self)
{
	(void)arg;
	if (self) {
		while (READ_ONCE(x) == 0)
			cpu_relax();
	} else {
		WRITE_ONCE(((u8 *)&x)[1], 0);
		WRITE_ONCE(((u8 *)&x)[2], 1);
	}
}

static void test_bytes_of_a_word(void **state)
{
	struct explore_program program = two_threads(waiting_for_a_byte);
	u64 traces;

	(void)state;
	run_all(&program, EXPLORE_SLEEP, -1);
	traces = result.executions;
	run_all(&program, EXPLORE_OPTIMAL, -1);
	assert_true(result.complete);
	assert_int_equal(result.executions, traces);
	assert_int_equal(result.blocked, 0);
	assert_int_equal(result.infeasible, 0);
}

/* ---- objects ---- */

static u32 wandering[64 * 1024];
static unsigned at;

static void wander_on(void *arg)
{
	(void)arg;
	at = (at + 64) % ARRAY_SIZE(wandering);
}

static void wandering_thread(void *arg, unsigned self)
{
	(void)arg;
	for (unsigned i = 0; i < 32; i++)
		WRITE_ONCE(wandering[at + 32 * self + i], 1);
}

/* Samples whose words are elsewhere each time do not add up. */
static void test_objects_of_samples(void **state)
{
	struct explore_program program = two_threads(wandering_thread);

	(void)state;
	program.reset = wander_on;
	program.stack_only = false;
	run(&program, (struct explore_options){
			      .mode = EXPLORE_POS, .max_preemptions = -1, .max_executions = 2000 });
	assert_int_equal(result.executions, 2000);
	assert_int_equal(result.cut, 0);
}

/* ---- races ---- */

/* Who waits at the end has races too: if they cannot all be kept, not everything was seen. */
static void stuck(void *arg, unsigned self)
{
	(void)arg;
	if (self == 0) {
		while (READ_ONCE(x) != 1)
			cpu_relax();
	} else {
		WRITE_ONCE(x, 1);
		WRITE_ONCE(x, 2);
	}
}

static void test_races_of_the_stuck(void **state)
{
	struct explore_program program = two_threads(stuck);

	(void)state;
	run_all(&program, EXPLORE_OPTIMAL, -1);
	assert_true(result.complete);
	explore_race_limit = 0;
	run_all(&program, EXPLORE_OPTIMAL, -1);
	explore_race_limit = MAX_RACES;
	assert_true(result.cut > 0);
	assert_false(result.complete);
}

/* Only a search that turns races round keeps them. */
static void test_races_that_nobody_wants(void **state)
{
	struct explore_program program;

	(void)state;
	assert_true(program_make("fib_bench", 3, &program));
	explore_race_limit = 12;
	run(&program, (struct explore_options){
			      .mode = EXPLORE_POS, .max_preemptions = -1, .max_executions = 100 });
	assert_int_equal(result.cut, 0);
	explore_race_limit = MAX_RACES;
}

/* ---- executions without an end ---- */

static void polling(void *arg, unsigned self)
{
	(void)arg;
	if (self) {
		spin_lock(&lock);
		WRITE_ONCE(y, 1);
		spin_unlock(&lock);
		return;
	}
	spin_lock(&lock);
	while (!READ_ONCE(y))
		;
	spin_unlock(&lock);
}

/*
 * Of who waits for a lock whose holder never ends nothing is learned: he must not be taken for
 * one who has next to nothing to do, or nothing else would ever be drawn.
 */
static void test_urw_learns_from_what_ends(void **state)
{
	struct explore_program program = two_threads(polling);
	unsigned ended = 0;

	(void)state;
	for (u64 seed = 1; seed <= 20; seed++) {
		run(&program, (struct explore_options){ .mode = EXPLORE_URW,
							.max_preemptions = -1,
							.seed = seed,
							.max_executions = 30 });
		assert_int_equal(result.executions, 30);
		ended += result.cut < 30;
	}
	assert_int_equal(ended, 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_deep_stacks),
		cmocka_unit_test(test_deepest_stacks),
		cmocka_unit_test(test_many_halves),
		cmocka_unit_test(test_bytes_of_a_word),
		cmocka_unit_test(test_objects_of_samples),
		cmocka_unit_test(test_races_of_the_stuck),
		cmocka_unit_test(test_races_that_nobody_wants),
		cmocka_unit_test(test_urw_learns_from_what_ends),
	};

	return cmocka_run_group_tests_name("explore/limits", tests, NULL, NULL);
}
