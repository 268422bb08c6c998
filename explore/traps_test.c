/* SPDX-License-Identifier: MIT */
/*
 * The details that decide whether an exploration is right, one test each. Most plant the fault of
 * leaving the detail out and see that the numbers change: a number that is right either way would
 * prove nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "explore/engine.h"
#include "explore/programs/programs.h"
#include "sync/epoch.h"
#include "usermm/usermm.h"

static struct explore_result result;

static void run_bounded(const struct explore_program *program, enum explore_mode mode, int bound,
			enum explore_fault fault)
{
	struct explore_options options = {
		.mode = mode,
		.max_preemptions = bound,
		.deadlocks_allowed = true,
		.max_executions = 1000000,
	};

	explore_fault = fault;
	assert_int_equal(explore(program, &options, &result), 0);
	explore_fault = FAULT_NONE;
}

static void run(const struct explore_program *program, enum explore_mode mode,
		enum explore_fault fault)
{
	run_bounded(program, mode, -1, fault);
}

static struct explore_program known_program(const char *name, unsigned n)
{
	struct explore_program program;

	assert_true(program_make(name, n, &program));
	return program;
}

static int x, y, data;
static struct mutex mutex;
static struct rw_semaphore sem;
static struct wait_queue_head wq;

static void reset(void *arg)
{
	(void)arg;
	x = 0;
	y = 0;
	data = 0;
	mutex_init(&mutex, LC_MMAP);
	init_rwsem(&sem, LC_MMAP);
	init_waitqueue_head(&wq);
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

/* ---- races are looked at once ---- */

static void test_races_of_new_events_alone(void **state)
{
	struct explore_program program = known_program("fib_bench", 4);
	u64 races;

	(void)state;
	run(&program, EXPLORE_OPTIMAL, FAULT_NONE);
	assert_int_equal(result.executions, 19605);
	races = result.races;
	assert_in_range(races, 1, 2 * result.events);
	run(&program, EXPLORE_OPTIMAL, FAULT_OLD_RACES);
	print_message("%llu races, %llu with those of the kept part\n", (unsigned long long)races,
		      (unsigned long long)result.races);
	assert_true(result.races > 3 * races);
}

/* ---- what failed may succeed when turned round ---- */

static void test_failed_exchange_may_succeed(void **state)
{
	struct explore_program program = known_program("casrot", 8);

	(void)state;
	run(&program, EXPLORE_OPTIMAL, FAULT_NONE);
	assert_int_equal(result.executions, 2048);
	run(&program, EXPLORE_OPTIMAL, FAULT_REVERSAL_AS_DONE);
	assert_true(result.executions < 2048);
	assert_true(result.complete);
}

static void failing_and_reading(void *arg, unsigned self)
{
	(void)arg;
	if (self == 0)
		(void)sync_cmpxchg(&x, 7, 8, SYNC_FULL);
	else
		(void)READ_ONCE(x);
}

static void looking(void *arg, unsigned self)
{
	(void)arg;
	if (self == 0)
		WRITE_ONCE(x, 0);
	else if (self < 3)
		(void)sync_cmpxchg(&x, 7, 8, SYNC_FULL);
	else
		(void)READ_ONCE(x);
}

/* Each of three looks comes before the store or after it, also those announced as changes. */
static void test_exchanges_that_go_on_failing(void **state)
{
	struct explore_program program = two_threads(looking);

	(void)state;
	program.threads = 4;
	for (int mode = EXPLORE_SLEEP; mode <= EXPLORE_OPTIMAL; mode++) {
		run(&program, mode, FAULT_NONE);
		assert_int_equal(result.executions, 8);
		assert_true(mode != EXPLORE_OPTIMAL || !result.blocked);
	}
	run(&program, EXPLORE_OPTIMAL, FAULT_REVERSAL_IN_FULL);
	assert_int_equal(result.executions, 7);
	assert_true(result.complete);
}

static void crossing(void *arg, unsigned self)
{
	(void)arg;
	switch (self) {
	case 0:
		(void)READ_ONCE(x);
		__attribute__((fallthrough));
	case 2:
		WRITE_ONCE(x, 1);
		WRITE_ONCE(data, 1);
		break;
	case 1:
		WRITE_ONCE(y, 1);
		WRITE_ONCE(y, 2);
		break;
	default:
		WRITE_ONCE(y, 3);
		WRITE_ONCE(x, 3);
	}
}

/* What comes after both events of a race counts too, when it is asked who has been explored. */
static void test_all_of_a_reversal(void **state)
{
	struct explore_program program = two_threads(crossing);

	(void)state;
	program.threads = 4;
	for (int mode = EXPLORE_SLEEP; mode <= EXPLORE_OPTIMAL; mode++) {
		run(&program, mode, FAULT_NONE);
		assert_int_equal(result.executions, 72);
		assert_true(mode != EXPLORE_OPTIMAL || !result.blocked);
	}
	run(&program, EXPLORE_OPTIMAL, FAULT_SHORT_SEQUENCE);
	print_message("%llu of 72\n", (unsigned long long)result.executions);
	assert_true(result.executions < 72);
	assert_true(result.complete);
}

static void test_failed_exchange_sleeps_as_read(void **state)
{
	struct explore_program program = two_threads(failing_and_reading);

	(void)state;
	run(&program, EXPLORE_SLEEP, FAULT_NONE);
	assert_int_equal(result.executions, 1);
	run(&program, EXPLORE_SLEEP, FAULT_SLEEP_AS_ANNOUNCED);
	assert_int_equal(result.executions, 2);
}

/* ---- locks ---- */

static void locking(void *arg, unsigned self)
{
	(void)arg;
	(void)self;
	mutex_lock(&mutex);
	mutex_unlock(&mutex);
}

static void test_takings_are_turned_round(void **state)
{
	struct explore_program program = two_threads(locking);

	(void)state;
	run(&program, EXPLORE_OPTIMAL, FAULT_NONE);
	assert_int_equal(result.executions, 2);
	run(&program, EXPLORE_OPTIMAL, FAULT_LOCK_CLOCK);
	assert_int_equal(result.executions, 1);
}

static void reading_locked(void *arg, unsigned self)
{
	(void)arg;
	(void)self;
	down_read(&sem);
	up_read(&sem);
}

static void test_readers_do_not_depend(void **state)
{
	struct explore_program program = two_threads(reading_locked);

	(void)state;
	run(&program, EXPLORE_OPTIMAL, FAULT_NONE);
	assert_int_equal(result.executions, 1);
	run(&program, EXPLORE_OPTIMAL, FAULT_READERS_DEPEND);
	assert_true(result.executions > 1);
}

/* Who took it for write and keeps it for read is in the way of a writer, as readers are. */
static void downgrading(void *arg, unsigned self)
{
	(void)arg;
	if (self == 0 && down_write_trylock(&sem)) {
		downgrade_write(&sem);
		up_read(&sem);
	} else if (self == 1) {
		down_write(&sem);
		up_write(&sem);
	} else if (self == 2) {
		down_read(&sem);
		up_read(&sem);
		if (down_write_trylock(&sem))
			up_write(&sem);
	}
}

static void test_downgraded_are_readers(void **state)
{
	struct explore_program program = two_threads(downgrading);
	u64 traces;

	(void)state;
	program.threads = 3;
	run(&program, EXPLORE_SLEEP, FAULT_NONE);
	traces = result.executions;
	run(&program, EXPLORE_OPTIMAL, FAULT_NONE);
	assert_int_equal(result.executions, traces);
	assert_int_equal(result.blocked, 0);
	assert_int_equal(result.infeasible, 0);
}

/* Whoever only looks whether it is taken sees a release. */
static void trying(void *arg, unsigned self)
{
	(void)arg;
	if (self == 0)
		locking(arg, self);
	else if (mutex_trylock(&mutex))
		mutex_unlock(&mutex);
}

static void test_tries_race_with_releases(void **state)
{
	struct explore_program program = two_threads(trying);

	(void)state;
	for (int mode = EXPLORE_SLEEP; mode <= EXPLORE_OPTIMAL; mode++) {
		run(&program, mode, FAULT_NONE);
		assert_int_equal(result.executions, 3);
	}
}

/* ---- what is blocked at the end ---- */

/* What is waited for is true for a moment: who waits in vain could have gone on there. */
static void passing_by(void *arg, unsigned self)
{
	(void)arg;
	if (self == 0) {
		while (!READ_ONCE(x))
			cpu_relax();
		return;
	}
	WRITE_ONCE(x, 1);
	WRITE_ONCE(x, 0);
}

static void test_blocked_threads_race(void **state)
{
	struct explore_program program = two_threads(passing_by);
	u64 traces;

	(void)state;
	run(&program, EXPLORE_SLEEP, FAULT_NONE);
	traces = result.executions;
	assert_in_range(result.deadlocks, 1, traces - 1);
	run(&program, EXPLORE_OPTIMAL, FAULT_NONE);
	assert_int_equal(result.executions, traces);
	run(&program, EXPLORE_OPTIMAL, FAULT_NO_STUCK);
	assert_true(result.executions < traces);
}

static void test_deadlock_is_reported(void **state)
{
	struct explore_program program = known_program("phil", 2);
	struct explore_options options = { .mode = EXPLORE_OPTIMAL, .max_preemptions = -1 };

	(void)state;
	assert_int_equal(explore(&program, &options, &result), 0);
	assert_int_equal(result.failure, EXPLORE_FAIL_DEADLOCK);
	assert_ptr_equal(strstr(result.failure_text, "deadlock"), result.failure_text);
	assert_non_null(strstr(result.failure_text, "fiber 1 takes the mutex"));
	assert_non_null(strstr(result.failure_text, "held by fiber 0 since "));
	assert_non_null(strstr(result.failure_text, "explore/programs/locks.c:"));
}

static void careless_sleeper(void *arg, unsigned self)
{
	struct wait_queue_entry entry;

	(void)arg;
	if (self == 1) {
		WRITE_ONCE(x, 1);
		wake_up_all(&wq);
	} else if (!READ_ONCE(x)) {
		prepare_to_wait(&wq, &entry);
		wait_schedule(&wq, &entry);
	}
}

static void careful_sleeper(void *arg, unsigned self)
{
	if (self == 1)
		careless_sleeper(arg, self);
	else
		wait_event(&wq, READ_ONCE(x));
}

static void test_lost_wake_up_is_reported(void **state)
{
	struct explore_program careless = two_threads(careless_sleeper);
	struct explore_program careful = two_threads(careful_sleeper);
	struct explore_options options = { .mode = EXPLORE_OPTIMAL, .max_preemptions = -1 };

	(void)state;
	assert_int_equal(explore(&careless, &options, &result), 0);
	assert_int_equal(result.failure, EXPLORE_FAIL_DEADLOCK);
	assert_non_null(strstr(result.failure_text, "lost wake-up"));
	assert_int_equal(explore(&careful, &options, &result), 0);
	assert_int_equal(result.failures, 0);
	assert_true(result.complete);
}

/* ---- waiting ---- */

static void spinning(void *arg, unsigned self)
{
	(void)arg;
	if (self == 1) {
		WRITE_ONCE(data, 5);
		WRITE_ONCE(x, 1);
		return;
	}
	while (!READ_ONCE(x))
		cpu_relax();
	explore_assert(READ_ONCE(data) == 5);
}

static void test_spinning_is_waiting(void **state)
{
	struct explore_program program = two_threads(spinning);

	(void)state;
	for (int mode = EXPLORE_SLEEP; mode <= EXPLORE_OPTIMAL; mode++) {
		run(&program, mode, FAULT_NONE);
		assert_int_equal(result.executions, 2);
		assert_int_equal(result.blocked + result.cut, 0);
	}
	run(&program, EXPLORE_OPTIMAL, FAULT_SPINNING);
	assert_true(result.cut > 0);
	assert_false(result.complete);
}

static void blinking(void *arg, unsigned self)
{
	(void)arg;
	if (self == 0) {
		while (!READ_ONCE(x))
			cpu_relax();
		return;
	}
	WRITE_ONCE(x, 1);
	WRITE_ONCE(x, 0);
	WRITE_ONCE(x, 1);
}

static void test_wait_ends_at_any_change(void **state)
{
	struct explore_program program = two_threads(blinking);
	u64 traces;

	(void)state;
	run(&program, EXPLORE_SLEEP, FAULT_NONE);
	traces = result.executions;
	run(&program, EXPLORE_OPTIMAL, FAULT_NONE);
	assert_int_equal(result.executions, traces);
	run(&program, EXPLORE_OPTIMAL, FAULT_UNASKED_WAITS);
	assert_true(result.executions < traces);
}

/* Who tries again and again waits for the lock word, who polls by yielding for what it read. */
static void retrying(void *arg, unsigned self)
{
	(void)arg;
	if (self == 0) {
		while (!mutex_trylock(&mutex))
			cpu_relax();
		mutex_unlock(&mutex);
		while (!READ_ONCE(x))
			umm_sim_yield();
		while (sync_cmpxchg(&y, 1, 2, SYNC_FULL) != 1)
			cpu_relax();
		return;
	}
	locking(arg, self);
	WRITE_ONCE(x, 1);
	WRITE_ONCE(y, 1);
}

static void test_retries_are_waits(void **state)
{
	struct explore_program program = two_threads(retrying);
	u64 traces;

	(void)state;
	run(&program, EXPLORE_SLEEP, FAULT_NONE);
	traces = result.executions;
	run(&program, EXPLORE_OPTIMAL, FAULT_NONE);
	assert_int_equal(result.executions, traces);
	assert_int_equal(result.blocked + result.cut + result.deadlocks, 0);
	assert_true(result.complete);
}

/* ---- epochs ---- */

#define POISON 0x6b6b6b6b

static struct epoch epoch;
static struct epoch_record records[2];
static int old_object, new_object;
static int *pointer;
static bool waits;

static void epoch_reset(void *arg)
{
	(void)arg;
	epoch_init(&epoch);
	epoch_register(&epoch, &records[0]);
	epoch_register(&epoch, &records[1]);
	old_object = 1;
	new_object = 2;
	pointer = &old_object;
}

static void epoch_thread(void *arg, unsigned self)
{
	(void)arg;
	if (self == 1) {
		WRITE_ONCE(pointer, &new_object);
		if (waits)
			epoch_wait(&records[1]);
		WRITE_ONCE(old_object, POISON);
		return;
	}
	epoch_enter(&records[0]);
	explore_assert(READ_ONCE(*READ_ONCE(pointer)) != POISON);
	epoch_exit(&records[0]);
}

static void test_epochs_protect(void **state)
{
	struct explore_program program = two_threads(epoch_thread);

	(void)state;
	program.reset = epoch_reset;
	program.stack_only = false;
	waits = true;
	run(&program, EXPLORE_OPTIMAL, FAULT_NONE);
	assert_int_equal(result.failures, 0);
	assert_int_equal(result.deadlocks, 0);
	assert_true(result.complete);
	waits = false;
	run(&program, EXPLORE_OPTIMAL, FAULT_NONE);
	assert_int_equal(result.failures, 1);
}

/* ---- states are not merged: all increments end alike ---- */

static void test_equal_states_are_not_merged(void **state)
{
	struct explore_program program = known_program("ainc", 6);

	(void)state;
	run(&program, EXPLORE_OPTIMAL, FAULT_NONE);
	assert_int_equal(result.executions, 720);
}

/* ---- the estimate ---- */

static void test_estimate(void **state)
{
	static const struct {
		const char *name;
		unsigned n;
		double traces;
	} known[] = {
		{ "fib_bench", 4, 19605 }, { "ainc", 8, 40320 },    { "szymanski", 2, 22945 },
		{ "peterson", 2, 2420 },   { "dekker", 2, 1599 },   { "lastzero", 10, 3328 },
		{ "indexer", 15, 4096 },   { "casrot", 10, 38486 }, { "floating_read", 7, 40320 },
	};
	static const unsigned parts[] = { 100, 30, 10, 4, 2 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		struct explore_program program = known_program(known[i].name, known[i].n);
		struct explore_options options = {
			.mode = EXPLORE_OPTIMAL,
			.max_preemptions = -1,
		};

		print_message("%s(%u): %.0f, after", known[i].name, known[i].n, known[i].traces);
		for (size_t j = 0; j < ARRAY_SIZE(parts); j++) {
			options.max_executions = (u64)known[i].traces / parts[j];
			assert_int_equal(explore(&program, &options, &result), 0);
			assert_false(result.complete);
			print_message(" 1/%u: %.0f", parts[j], result.estimate);
			assert_true(result.estimate > known[i].traces / 8);
			assert_true(result.estimate < known[i].traces * 8);
		}
		print_message("\n");
		options.max_executions = 0;
		assert_int_equal(explore(&program, &options, &result), 0);
		assert_true(result.estimate == known[i].traces);
	}
}

/* ---- a program that does not put back what it changes ---- */

static int kept_outside;

static void forgetful(void *arg, unsigned self)
{
	(void)arg;
	(void)self;
	(void)READ_ONCE(x);
	WRITE_ONCE(*(kept_outside++ % 3 ? &x : &y), 1);
	(void)READ_ONCE(x);
}

static void test_differing_execution_is_noticed(void **state)
{
	struct explore_program program = two_threads(forgetful);

	(void)state;
	program.stack_only = false;
	run(&program, EXPLORE_NAIVE, FAULT_NONE);
	assert_int_equal(result.failure, EXPLORE_FAIL_DIFFERS);
	assert_false(result.complete);
}

/* ---- failures and going on ---- */

static void failing(void *arg, unsigned self)
{
	(void)arg;
	if (self == 0) {
		WRITE_ONCE(x, 1);
		explore_assert(READ_ONCE(y) == 0);
		return;
	}
	WRITE_ONCE(y, 1);
	(void)READ_ONCE(x);
}

static void test_going_on_after_failures(void **state)
{
	struct explore_program program = two_threads(failing);
	struct explore_options options = {
		.mode = EXPLORE_OPTIMAL,
		.max_preemptions = -1,
		.keep_going = true,
	};

	(void)state;
	for (int rewinds = 0; rewinds < 2; rewinds++) {
		program.stack_only = rewinds;
		assert_int_equal(explore(&program, &options, &result), 0);
		assert_int_equal(result.executions, 3);
		assert_int_equal(result.failures, 2);
		assert_true(result.complete);
	}
}

static void checking(void *arg)
{
	(void)arg;
	VM_BUG_ON(x == 1);
}

static void storing(void *arg, unsigned self)
{
	(void)arg;
	WRITE_ONCE(x, (int)self);
}

static void test_bug_in_check(void **state)
{
	struct explore_program program = two_threads(storing);
	struct explore_options options = {
		.mode = EXPLORE_OPTIMAL,
		.max_preemptions = -1,
		.keep_going = true,
	};

	(void)state;
	program.check = checking;
	assert_int_equal(explore(&program, &options, &result), 0);
	assert_int_equal(result.executions, 2);
	assert_int_equal(result.failures, 1);
	assert_non_null(strstr(result.failure_text, "x == 1"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_races_of_new_events_alone),
		cmocka_unit_test(test_failed_exchange_may_succeed),
		cmocka_unit_test(test_exchanges_that_go_on_failing),
		cmocka_unit_test(test_all_of_a_reversal),
		cmocka_unit_test(test_failed_exchange_sleeps_as_read),
		cmocka_unit_test(test_takings_are_turned_round),
		cmocka_unit_test(test_readers_do_not_depend),
		cmocka_unit_test(test_downgraded_are_readers),
		cmocka_unit_test(test_tries_race_with_releases),
		cmocka_unit_test(test_blocked_threads_race),
		cmocka_unit_test(test_deadlock_is_reported),
		cmocka_unit_test(test_lost_wake_up_is_reported),
		cmocka_unit_test(test_spinning_is_waiting),
		cmocka_unit_test(test_wait_ends_at_any_change),
		cmocka_unit_test(test_retries_are_waits),
		cmocka_unit_test(test_epochs_protect),
		cmocka_unit_test(test_equal_states_are_not_merged),
		cmocka_unit_test(test_estimate),
		cmocka_unit_test(test_differing_execution_is_noticed),
		cmocka_unit_test(test_going_on_after_failures),
		cmocka_unit_test(test_bug_in_check),
	};

	return cmocka_run_group_tests_name("explore/traps", tests, NULL, NULL);
}
