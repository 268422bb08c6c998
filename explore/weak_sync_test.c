/* SPDX-License-Identifier: MIT */
/*
 * What sync/ builds out of its primitives keeps its promises under weak memory too. Each test
 * has a twin with one barrier less, which must fail: then the promise depends on the barrier,
 * and the explorer sees it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "explore/weak.h"
#include "sync/epoch.h"

static struct explore_result result;

struct test {
	bool weakened;
};

static void run(const struct explore_program *base, bool weakened, enum weak_memory memory)
{
	struct test test = { weakened };
	struct explore_program program = *base;
	struct explore_options options = { 0 };

	program.arg = &test;
	assert_int_equal(weak_explore(&program, &options, memory, &result), 0);
}

/* Right as it is under every model; wrong without its barrier, under this one at least. */
static void check_pair(const struct explore_program *program, enum weak_memory fails_under)
{
	for (unsigned m = 0; m < NR_WEAK_MEMORIES; m++) {
		run(program, false, m);
		if (result.failures)
			print_error("%s: %s\n", weak_memory_name(m), result.failure_text);
		assert_int_equal(result.failures, 0);
		assert_true(result.complete);
		assert_true(result.executions > 0);
	}
	run(program, true, fails_under);
	assert_int_equal(result.failures, 1);
}

/* ---- epochs: what a reader has found is not freed under it ---- */

static struct epoch epoch;
static struct epoch_record records[2];
static int object, *published;
static int wake_flag;

static void epoch_reset(void *arg)
{
	(void)arg;
	memset(records, 0, sizeof(records));
	epoch_init(&epoch);
	epoch_register(&epoch, &records[0]);
	epoch_register(&epoch, &records[1]);
	object = 1;
	published = &object;
}

/* epoch_enter without its barrier. */
static void enter_weakened(struct epoch_record *record)
{
	record->depth++;
	WRITE_ONCE(record->sequence, record->sequence + 1);
}

static void epoch_thread(void *arg, unsigned self)
{
	const struct test *test = arg;
	int *found;

	if (self == 1) {
		WRITE_ONCE(published, NULL);
		epoch_wait(&records[1]);
		WRITE_ONCE(object, 0); /* freed */
		return;
	}
	if (test->weakened)
		enter_weakened(&records[0]);
	else
		epoch_enter(&records[0]);
	found = READ_ONCE(published);
	if (found)
		explore_assert(READ_ONCE(*found) == 1);
	epoch_exit(&records[0]);
}

static void test_epoch(void **state)
{
	struct explore_program program = {
		.threads = 2,
		.reset = epoch_reset,
		.thread = epoch_thread,
	};

	(void)state;
	/* A missing full barrier shows with store buffers already. */
	check_pair(&program, WEAK_TSO);
}

/* ---- the last reference: who drops it sees all that others did before they dropped theirs ---- */

static atomic_t references;
static int used[2];

static void reference_reset(void *arg)
{
	(void)arg;
	references = (atomic_t)ATOMIC_INIT(2);
	memset(used, 0, sizeof(used));
}

static void reference_thread(void *arg, unsigned self)
{
	const struct test *test = arg;
	bool last;

	WRITE_ONCE(used[self], 1);
	if (test->weakened)
		last = sync_fetch_add(&references.v, -1, SYNC_RELAXED) == 1;
	else
		last = atomic_dec_and_test(&references);
	if (last)
		explore_assert(READ_ONCE(used[0]) && READ_ONCE(used[1]));
}

static void test_last_reference(void **state)
{
	struct explore_program program = {
		.threads = 2,
		.reset = reference_reset,
		.thread = reference_thread,
	};

	(void)state;
	check_pair(&program, WEAK_WEAK);
}

/* ---- publishing: a table is filled before it is linked ---- */

static struct table {
	int entry;
} table;
static struct table *linked;

static void publish_reset(void *arg)
{
	(void)arg;
	table.entry = 0;
	linked = NULL;
}

static void publish_thread(void *arg, unsigned self)
{
	const struct test *test = arg;
	struct table *found;

	if (self == 0) {
		WRITE_ONCE(table.entry, 1);
		if (test->weakened)
			WRITE_ONCE(linked, &table);
		else
			smp_store_release(&linked, &table);
		return;
	}
	found = READ_ONCE(linked);
	if (found)
		explore_assert(READ_ONCE(found->entry) == 1);
}

static void test_publishing(void **state)
{
	struct explore_program program = {
		.threads = 2,
		.reset = publish_reset,
		.thread = publish_thread,
	};

	(void)state;
	check_pair(&program, WEAK_WEAK);
}

/* ---- wait queues: no wake-up is lost, and what was done before it is seen ---- */

static struct wait_queue_head queue;
static int payload;

static void queue_reset(void *arg)
{
	(void)arg;
	init_waitqueue_head(&queue);
	wake_flag = 0;
	payload = 0;
}

static void queue_thread(void *arg, unsigned self)
{
	const struct test *test = arg;

	if (self == 1) {
		WRITE_ONCE(payload, 1);
		if (test->weakened)
			WRITE_ONCE(wake_flag, 1);
		else
			smp_store_release(&wake_flag, 1);
		wake_up_all(&queue);
		return;
	}
	wait_event(&queue, smp_load_acquire(&wake_flag));
	explore_assert(READ_ONCE(payload) == 1);
}

static void test_wait_queue(void **state)
{
	struct explore_program program = {
		.threads = 2,
		.reset = queue_reset,
		.thread = queue_thread,
	};

	(void)state;
	check_pair(&program, WEAK_WEAK);
}

/* ---- reader-writer locks: a reader sees what writers before it did ---- */

static struct rw_semaphore sem;
static int halves[2];

static void sem_reset(void *arg)
{
	(void)arg;
	init_rwsem(&sem, LC_MMAP);
	memset(halves, 0, sizeof(halves));
}

static void sem_thread(void *arg, unsigned self)
{
	const struct test *test = arg;

	if (self == 0) {
		down_write(&sem);
		WRITE_ONCE(halves[0], 1);
		WRITE_ONCE(halves[1], 1);
		up_write(&sem);
		return;
	}
	if (!test->weakened)
		down_read(&sem);
	explore_assert(READ_ONCE(halves[1]) <= READ_ONCE(halves[0]));
	if (!test->weakened)
		up_read(&sem);
}

static void test_rwsem(void **state)
{
	struct explore_program program = {
		.threads = 3,
		.reset = sem_reset,
		.thread = sem_thread,
	};

	(void)state;
	check_pair(&program, WEAK_WEAK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_epoch),      cmocka_unit_test(test_last_reference),
		cmocka_unit_test(test_publishing), cmocka_unit_test(test_wait_queue),
		cmocka_unit_test(test_rwsem),
	};

	return cmocka_run_group_tests_name("explore/weak-sync", tests, NULL, NULL);
}
