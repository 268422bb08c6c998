/* SPDX-License-Identifier: MIT */
/* What a reader holds is not freed under it: with threads of the host, or with fibers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sync/epoch.h"
#include "host/host.h"
#ifdef UMM_SIM
#include "usermm/usermm.h"
#endif

#define READERS 3
#define OBJECTS 64
#define FREED 0xdeadu

struct object {
	struct epoch_head head;
	u32 value;
};

static struct {
	struct epoch epoch;
	struct epoch_record records[READERS + 1];
	struct object objects[OBJECTS];
	struct object *shown;
	int done;
	int bad;
	int freed;
	int rounds;
	bool careless;
} s;

static void reset(void)
{
	memset(&s, 0, sizeof(s));
	epoch_init(&s.epoch);
	for (int i = 0; i <= READERS; i++)
		epoch_register(&s.epoch, &s.records[i]);
	for (u32 i = 0; i < OBJECTS; i++)
		s.objects[i].value = i;
	s.shown = &s.objects[0];
}

static void reader(void *arg)
{
	struct epoch_record *record = &s.records[1 + (uintptr_t)arg];

	for (int i = 0; i < s.rounds && !READ_ONCE(s.done); i++) {
		struct object *seen;

		epoch_enter(record);
		epoch_enter(record);
		seen = smp_load_acquire(&s.shown);
		epoch_exit(record);
		if (READ_ONCE(seen->value) == FREED)
			sync_fetch_add(&s.bad, 1, SYNC_RELAXED);
		epoch_exit(record);
	}
}

static void free_object(struct epoch_head *head)
{
	struct object *object = container_of(head, struct object, head);

	WRITE_ONCE(object->value, FREED);
	s.freed++;
}

static void writer(void *arg)
{
	struct epoch_record *record = &s.records[0];

	(void)arg;
	for (int i = 1; i < OBJECTS; i++) {
		struct object *old = s.shown;

		smp_store_release(&s.shown, &s.objects[i]);
		if (s.careless) {
			free_object(&old->head);
		} else if (i % 8 == 0) {
			epoch_wait(record);
			free_object(&old->head);
		} else {
			epoch_defer(record, &old->head, free_object);
			epoch_poll(record);
		}
	}
	epoch_barrier(record);
	WRITE_ONCE(s.done, 1);
}

#ifdef UMM_SIM

static void sim_main(void *arg)
{
	for (uintptr_t i = 0; i < READERS; i++)
		umm_sim_spawn("reader", reader, (void *)i);
	writer(arg);
}

static int run_all(void)
{
	int bad = 0;

	for (uint64_t seed = 1; seed <= 100; seed++) {
		bool careless = s.careless;

		reset();
		s.careless = careless;
		s.rounds = 20;
		assert_int_equal(umm_sim_run(seed, sim_main, NULL), 0);
		bad += s.bad;
	}
	return bad;
}

static void test_carelessness_is_found(void **state)
{
	(void)state;
	s.careless = true;
	assert_int_not_equal(run_all(), 0);
	s.careless = false;
}

#else

static int run_all(void)
{
	struct host_thread *threads[READERS];

	reset();
	s.rounds = INT32_MAX;
	for (uintptr_t i = 0; i < READERS; i++)
		assert_int_equal(host_thread_start(reader, (void *)i, &threads[i]), 0);
	writer(NULL);
	for (int i = 0; i < READERS; i++)
		host_thread_join(threads[i]);
	return s.bad;
}

/* Which schedule the host will choose is not known: there is nothing to assert. */
static void test_carelessness_is_found(void **state)
{
	(void)state;
	skip();
}

#endif

static void test_readers_are_waited_for(void **state)
{
	(void)state;
	assert_int_equal(run_all(), 0);
	assert_int_equal(s.freed, OBJECTS - 1);
	assert_int_equal(epoch_pending(&s.records[0]), 0);
}

static void test_defer(void **state)
{
	(void)state;
	reset();
	epoch_enter(&s.records[1]);
	epoch_defer(&s.records[0], &s.objects[1].head, free_object);
	epoch_poll(&s.records[0]);
	epoch_poll(&s.records[0]);
	epoch_poll(&s.records[0]);
	assert_int_equal(s.freed, 0);
	assert_int_equal(epoch_pending(&s.records[0]), 1);
	epoch_exit(&s.records[1]);
	epoch_barrier(&s.records[0]);
	assert_int_equal(s.freed, 1);
	assert_int_equal(epoch_pending(&s.records[0]), 0);
	epoch_wait(&s.records[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defer),
		cmocka_unit_test(test_readers_are_waited_for),
		cmocka_unit_test(test_carelessness_is_found),
	};

	return cmocka_run_group_tests_name("sync/epoch", tests, NULL, NULL);
}
