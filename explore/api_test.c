/* SPDX-License-Identifier: MIT */
/* Explorations written against the public header alone. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "usermm/explore.h"

static struct {
	int x, y, data;
	int *pointer;
	uint64_t wide;
	unsigned char byte;
	struct umm_mutex mutex;
	struct umm_rwlock rwlock;
	struct umm_wait_queue queue;
	int seen[3];
} s;

static struct umm_explored explored;
static char text[8192], error[100];

static void reset(void *arg)
{
	(void)arg;
	memset(&s, 0, sizeof(s));
}

static struct umm_exploration program(unsigned threads, void (*thread)(void *arg, unsigned self))
{
	struct umm_exploration exploration;

	umm_exploration_init(&exploration);
	exploration.name = "test";
	exploration.threads = threads;
	exploration.reset = reset;
	exploration.thread = thread;
	return exploration;
}

static void store_buffering(void *arg, unsigned self)
{
	int *mine = self ? &s.y : &s.x, *other = self ? &s.x : &s.y;

	umm_store(mine, 1, UMM_RELAXED);
	if (arg)
		umm_fence(UMM_FULL);
	s.seen[self] = umm_load(other, UMM_RELAXED);
}

static void both_missed(void *arg)
{
	(void)arg;
	umm_expect(s.seen[0] || s.seen[1]);
}

static void test_strategies_and_memories(void **state)
{
	struct umm_exploration sb = program(2, store_buffering);

	(void)state;
	sb.check = both_missed;
	for (sb.strategy = UMM_OPTIMAL; sb.strategy <= UMM_URW; sb.strategy++) {
		sb.max_executions = 100;
		assert_int_equal(umm_explore(&sb, &explored), 0);
		assert_int_equal(explored.failures, 0);
		if (sb.strategy <= UMM_SLEEP)
			assert_int_equal(explored.executions, 3);
		assert_true(explored.complete == (sb.strategy <= UMM_NAIVE));
		assert_non_null(umm_strategy_name(sb.strategy));
	}
	assert_int_equal(umm_explore(&sb, &explored), -EINVAL);
	sb.strategy = UMM_OPTIMAL;
	for (sb.memory = UMM_MEMORY_TSO; sb.memory <= UMM_MEMORY_WEAK; sb.memory++) {
		sb.arg = NULL;
		assert_int_equal(umm_explore(&sb, &explored), 0);
		assert_int_equal(explored.failures, 1);
		assert_int_equal(umm_explore_schedule(&sb, text, sizeof(text)), 0);
		sb.arg = &s;
		assert_int_equal(umm_explore(&sb, &explored), 0);
		assert_int_equal(explored.failures, 0);
	}
	assert_int_equal(umm_explore(&sb, &explored), -EINVAL);
	sb.arg = NULL;
	for (sb.memory = UMM_MEMORY_SC; sb.memory <= UMM_MEMORY_WEAK; sb.memory++) {
		bool weak = sb.memory != UMM_MEMORY_SC;

		for (sb.strategy = UMM_SOURCE; sb.strategy <= UMM_URW; sb.strategy++) {
			assert_int_equal(umm_explore(&sb, &explored), 0);
			assert_int_equal(explored.failures, weak);
			assert_int_equal(umm_explore_minimise(&sb), weak ? 0 : -ENOENT);
			assert_int_equal(umm_explore_listing(&sb, text, sizeof(text)) != 0, weak);
			assert_true(!weak || strstr(text, ", an old value"));
			assert_int_equal(umm_explore_schedule(&sb, text, sizeof(text)) != 0, weak);
			assert_true(!weak || strstr(text, " old 1\n"));
		}
		if (!weak)
			continue;
		sb.arg = &s;
		assert_int_equal(umm_explore_replay(&sb, text, &explored, text, 0), 0);
		assert_int_equal(explored.failures, 0);
		sb.arg = NULL;
		assert_int_equal(umm_explore_replay(&sb, text, &explored, text, 0), 0);
		assert_int_equal(explored.failures, 1);
	}
	sb.strategy = UMM_OPTIMAL;
	sb.memory = UMM_MEMORY_SC;
	sb.threads = 33;
	assert_int_equal(umm_explore(&sb, &explored), -EINVAL);
}

static void operations(void *arg, unsigned self)
{
	(void)arg;
	(void)self;
	umm_expect(umm_exchange(&s.x, 3, UMM_FULL) == 0);
	umm_expect(umm_compare_exchange(&s.x, 4, 5, UMM_FULL) == 3);
	umm_expect(umm_compare_exchange(&s.x, 3, -1, UMM_FULL) == 3);
	umm_expect(umm_load(&s.x, UMM_ACQUIRE) == -1);
	umm_expect(umm_fetch_add(&s.wide, 1ull << 40, UMM_RELAXED) == 0);
	umm_expect(umm_fetch_or(&s.wide, 6, UMM_RELAXED) == 1ull << 40);
	umm_expect(umm_fetch_and(&s.wide, 4, UMM_RELAXED) == ((1ull << 40) | 6));
	umm_expect(umm_load(&s.wide, UMM_RELAXED) == 4);
	umm_store(&s.byte, 0x1ff, UMM_RELEASE);
	umm_expect(umm_load(&s.byte, UMM_RELAXED) == 0xff);
	umm_store(&s.pointer, &s.y, UMM_RELEASE);
	umm_expect(umm_load(&s.pointer, UMM_RELAXED) == &s.y);
	umm_expect(umm_mutex_trylock(&s.mutex));
	umm_expect(!umm_mutex_trylock(&s.mutex));
	umm_mutex_unlock(&s.mutex);
}

static void test_operations(void **state)
{
	struct umm_exploration alone = program(1, operations);

	(void)state;
	assert_int_equal(umm_explore(&alone, &explored), 0);
	assert_string_equal(explored.failure, "");
	assert_int_equal(explored.executions, 1);
	assert_int_equal(explored.events, 15);
}

static void waiting(void *arg, unsigned self)
{
	uint32_t prepared;

	(void)arg;
	if (self == 0) {
		umm_store(&s.data, 5, UMM_RELAXED);
		umm_store(&s.x, 1, UMM_RELEASE);
		umm_wake_all(&s.queue);
		return;
	}
	if (self == 1) {
		umm_expect(umm_await_not(&s.x, 0, UMM_ACQUIRE) == 1);
	} else {
		for (;;) {
			prepared = umm_wait_prepare(&s.queue);
			if (umm_load(&s.x, UMM_ACQUIRE))
				break;
			umm_wait_sleep(&s.queue, prepared);
		}
	}
	umm_expect(umm_load(&s.data, UMM_RELAXED) == 5);
}

static void test_waiting(void **state)
{
	struct umm_exploration waits = program(3, waiting);
	uint64_t traces;

	(void)state;
	waits.strategy = UMM_SLEEP;
	assert_int_equal(umm_explore(&waits, &explored), 0);
	traces = explored.executions;
	waits.strategy = UMM_OPTIMAL;
	assert_int_equal(umm_explore(&waits, &explored), 0);
	assert_int_equal(explored.executions, traces);
	assert_int_equal(explored.failures + explored.deadlocks + explored.blocked, 0);
	assert_true(explored.complete);
}

/* A writer excludes readers, readers not each other. */
static void reading_and_writing(void *arg, unsigned self)
{
	(void)arg;
	if (self == 0) {
		umm_write_lock(&s.rwlock);
		s.data = 1;
		umm_store(&s.x, 1, UMM_RELAXED);
		s.data = 0;
		umm_write_unlock(&s.rwlock);
		return;
	}
	umm_read_lock(&s.rwlock);
	umm_expect(s.data == 0);
	(void)umm_load(&s.x, UMM_RELAXED);
	umm_expect(s.data == 0);
	umm_read_unlock(&s.rwlock);
}

static void test_readers_and_writer(void **state)
{
	struct umm_exploration rw = program(3, reading_and_writing);

	(void)state;
	assert_int_equal(umm_explore(&rw, &explored), 0);
	assert_int_equal(explored.failures, 0);
	assert_int_equal(explored.executions, 4);
	assert_true(explored.complete);
}

static void lost_update(void *arg, unsigned self)
{
	(void)arg;
	(void)self;
	umm_store(&s.x, umm_load(&s.x, UMM_RELAXED) + 1, UMM_RELAXED);
}

static void counted(void *arg)
{
	(void)arg;
	umm_expect(s.x == 2);
}

static void test_failure_kept(void **state)
{
	struct umm_exploration update = program(2, lost_update);
	size_t len;

	(void)state;
	update.stack_only = true;
	update.check = counted;
	update.strategy = UMM_RANDOM;
	update.max_executions = 1000;
	assert_int_equal(umm_explore(&update, &explored), 0);
	assert_int_equal(explored.failures, 1);
	assert_non_null(strstr(explored.failure, ": s.x == 2 does not hold"));
	assert_int_equal(umm_explore_minimise(&update), 0);
	len = umm_explore_listing(&update, text, sizeof(text));
	assert_int_equal(len, strlen(text));
	assert_non_null(strstr(text, "writes s[0]: 0 -> 1\n"));
	assert_true(umm_explore_schedule(&update, text, sizeof(text)) > 0);
	assert_ptr_equal(strstr(text, "usermm schedule 1\nprogram test\nthread "), text);
	memset(&explored, 0, sizeof(explored));
	assert_int_equal(umm_explore_replay(&update, text, &explored, error, sizeof(error)), 0);
	assert_int_equal(explored.failures, 1);
	assert_int_equal(umm_explore_replay(&update, "what?\n", &explored, error, sizeof(error)),
			 -EINVAL);
	assert_string_equal(error, "line 1: not a schedule: expected usermm schedule 1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_strategies_and_memories),
		cmocka_unit_test(test_operations),
		cmocka_unit_test(test_waiting),
		cmocka_unit_test(test_readers_and_writer),
		cmocka_unit_test(test_failure_kept),
	};

	return cmocka_run_group_tests_name("explore/api", tests, NULL, NULL);
}
