/* SPDX-License-Identifier: MIT */
/* Covers: B17 */
/* The primitives under the seeded scheduler: what must hold for every seed, and what must not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "usermm/usermm.h"
#include "sync/sync.h"
#include "base/uapi.h"

#define SEEDS 300
#define ROUNDS 3
#define WORKERS 3

/* What the fibers of a test share. */
static struct {
	int counter;
	int inside;
	int writing;
	int readers;
	int most_readers;
	int order[8];
	int nr_order;
	bool ready;
	bool wake;
	u64 bits;
	atomic_t atomic;
	spinlock_t spin, other_spin;
	struct mutex mutex;
	struct rw_semaphore sem;
	struct wait_queue_head wq;
} s;

static void reset(void)
{
	memset(&s, 0, sizeof(s));
	spin_lock_init(&s.spin, LC_PTL);
	spin_lock_init(&s.other_spin, LC_PTL);
	mutex_init(&s.mutex, LC_MACHINE);
	init_rwsem(&s.sem, LC_MMAP);
	init_waitqueue_head(&s.wq);
}

/* Runs main under each seed; counts how often it got stuck and how often check() said no. */
static void over_seeds(void (*main_fn)(void *), bool (*check)(void), int *ret_stuck, int *ret_wrong)
{
	*ret_stuck = 0;
	*ret_wrong = 0;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		reset();
		if (umm_sim_run(seed, main_fn, NULL) != 0)
			++*ret_stuck;
		else if (check && !check())
			++*ret_wrong;
	}
}

static void assert_always(void (*main_fn)(void *), bool (*check)(void))
{
	int stuck, wrong;

	over_seeds(main_fn, check, &stuck, &wrong);
	assert_int_equal(stuck, 0);
	assert_int_equal(wrong, 0);
}

static void spawn_workers(void (*fn)(void *), int nr)
{
	for (int i = 0; i < nr; i++)
		assert_true(umm_sim_spawn("worker", fn, (void *)(intptr_t)i) > 0);
}

static bool counted_all(void)
{
	return s.counter == WORKERS * ROUNDS;
}

/* A read and a write, with room for another fiber between them. */
static void increment(void)
{
	int seen = READ_ONCE(s.counter);

	WRITE_ONCE(s.counter, seen + 1);
}

/* ---- increments ---- */

static void bare_worker(void *arg)
{
	(void)arg;
	for (int i = 0; i < ROUNDS; i++)
		increment();
}

static void bare_main(void *arg)
{
	(void)arg;
	spawn_workers(bare_worker, WORKERS);
}

static void test_lost_update_is_found(void **state)
{
	int stuck, wrong;

	(void)state;
	over_seeds(bare_main, counted_all, &stuck, &wrong);
	assert_int_equal(stuck, 0);
	assert_in_range(wrong, 1, SEEDS - 1);
}

static void unpreempted_worker(void *arg)
{
	(void)arg;
	for (int i = 0; i < ROUNDS; i++) {
		umm_sim_preempt_disable();
		umm_sim_preempt_disable();
		increment();
		umm_sim_preempt_enable();
		increment();
		WRITE_ONCE(s.counter, READ_ONCE(s.counter) - 1);
		umm_sim_preempt_enable();
	}
}

static void unpreempted_main(void *arg)
{
	(void)arg;
	spawn_workers(unpreempted_worker, WORKERS);
}

static void test_preempt_disable(void **state)
{
	(void)state;
	assert_always(unpreempted_main, counted_all);
}

enum how {
	BY_SPIN,
	BY_MUTEX,
	BY_WRITE,
	BY_BIT,
	BY_SPIN_TRY,
	BY_MUTEX_TRY,
	BY_WRITE_TRY,
	BY_BIT_TRY
};
static enum how how;

static void enter(void)
{
	switch (how) {
	case BY_SPIN:
		spin_lock(&s.spin);
		break;
	case BY_MUTEX:
		mutex_lock(&s.mutex);
		break;
	case BY_WRITE:
		down_write(&s.sem);
		break;
	case BY_BIT:
		bit_lock(&s.bits, 40, LC_FOLIO);
		break;
	case BY_SPIN_TRY:
		while (!spin_trylock(&s.spin))
			cpu_relax();
		break;
	case BY_MUTEX_TRY:
		while (!mutex_trylock(&s.mutex))
			umm_sim_yield();
		break;
	case BY_WRITE_TRY:
		while (!down_write_trylock(&s.sem))
			cpu_relax();
		break;
	case BY_BIT_TRY:
		while (!bit_trylock(&s.bits, 40, LC_FOLIO))
			cpu_relax();
		break;
	}
}

static void leave(void)
{
	switch (how) {
	case BY_SPIN:
	case BY_SPIN_TRY:
		spin_unlock(&s.spin);
		break;
	case BY_MUTEX:
	case BY_MUTEX_TRY:
		mutex_unlock(&s.mutex);
		break;
	case BY_WRITE:
	case BY_WRITE_TRY:
		up_write(&s.sem);
		break;
	case BY_BIT:
	case BY_BIT_TRY:
		bit_unlock(&s.bits, 40, LC_FOLIO);
		break;
	}
}

static void locked_worker(void *arg)
{
	(void)arg;
	for (int i = 0; i < ROUNDS; i++) {
		enter();
		assert_int_equal(s.inside++, 0);
		assert_int_equal(lockdep_held_count(), 1);
		increment();
		s.inside--;
		leave();
	}
}

static void locked_main(void *arg)
{
	(void)arg;
	spawn_workers(locked_worker, WORKERS);
}

static void test_locks_exclude(void **state)
{
	(void)state;
	for (how = BY_SPIN; how <= BY_BIT_TRY; how++)
		assert_always(locked_main, counted_all);
}

static void atomic_worker(void *arg)
{
	(void)arg;
	for (int i = 0; i < ROUNDS; i++) {
		int seen = atomic_read(&s.atomic);

		if (i == 0) {
			atomic_inc(&s.atomic);
		} else if (i == 1) {
			assert_true(atomic_add_unless(&s.atomic, 1, -5));
		} else {
			while (atomic_cmpxchg(&s.atomic, seen, seen + 1) != seen)
				seen = atomic_read(&s.atomic);
		}
	}
}

static void atomic_main(void *arg)
{
	(void)arg;
	spawn_workers(atomic_worker, WORKERS);
}

static bool atomics_counted_all(void)
{
	return s.atomic.v == WORKERS * ROUNDS;
}

static void test_atomics(void **state)
{
	u8 byte = 0xff;
	s64 wide = -1;
	int *pointer = &s.counter;

	(void)state;
	assert_always(atomic_main, atomics_counted_all);
	assert_int_equal(sync_fetch_add(&byte, 2, SYNC_FULL), 0xff);
	assert_int_equal(byte, 1);
	assert_int_equal(sync_cmpxchg(&wide, -1, -7, SYNC_FULL), -1);
	assert_true(wide == -7);
	assert_int_equal(sync_fetch_and(&wide, 0xf0, SYNC_RELAXED), -7);
	assert_int_equal(sync_fetch_or(&wide, 1, SYNC_RELAXED), 0xf0);
	assert_int_equal(sync_xchg(&wide, 3, SYNC_RELAXED), 0xf1);
	assert_ptr_equal(sync_xchg(&pointer, NULL, SYNC_FULL), &s.counter);
	assert_null(smp_load_acquire(&pointer));
	smp_store_release(&pointer, &s.counter);
	assert_ptr_equal(READ_ONCE(pointer), &s.counter);
}

/* ---- getting stuck ---- */

static void other_order_worker(void *arg)
{
	bool flip = (intptr_t)arg;

	spin_lock(flip ? &s.other_spin : &s.spin);
	spin_lock(flip ? &s.spin : &s.other_spin);
	spin_unlock(&s.spin);
	spin_unlock(&s.other_spin);
}

static void other_order_main(void *arg)
{
	(void)arg;
	spawn_workers(other_order_worker, 2);
}

static void test_deadlock_is_found(void **state)
{
	int stuck, wrong;

	(void)state;
	over_seeds(other_order_main, NULL, &stuck, &wrong);
	assert_in_range(stuck, 1, SEEDS - 1);
	for (uint64_t seed = 1;; seed++) {
		reset();
		if (umm_sim_run(seed, other_order_main, NULL))
			break;
	}
	assert_non_null(strstr(umm_sim_report(), "deadlock: 2 fibers"));
	assert_non_null(strstr(umm_sim_report(), "fiber 1 (worker) takes the spinlock \"ptl\""));
	assert_non_null(strstr(umm_sim_report(), "held by fiber 2 (worker) since"));
	assert_non_null(strstr(umm_sim_report(), "sim_test.c:"));
}

/* The condition is looked at before the sleeper is on the queue: the wake-up can be lost. */
static void careless_sleeper(void *arg)
{
	struct wait_queue_entry entry;

	(void)arg;
	while (!READ_ONCE(s.ready)) {
		prepare_to_wait(&s.wq, &entry);
		wait_schedule(&s.wq, &entry);
	}
}

static void careful_sleeper(void *arg)
{
	(void)arg;
	wait_event(&s.wq, READ_ONCE(s.ready));
}

static void waker(void *arg)
{
	(void)arg;
	WRITE_ONCE(s.ready, true);
	wake_up_all(&s.wq);
}

static void careless_main(void *arg)
{
	umm_sim_spawn("sleeper", careless_sleeper, arg);
	umm_sim_spawn("waker", waker, arg);
}

static void careful_main(void *arg)
{
	umm_sim_spawn("sleeper", careful_sleeper, arg);
	umm_sim_spawn("sleeper", careful_sleeper, arg);
	umm_sim_spawn("waker", waker, arg);
}

static void test_wake_ups(void **state)
{
	int stuck, wrong;

	(void)state;
	assert_always(careful_main, NULL);
	over_seeds(careless_main, NULL, &stuck, &wrong);
	assert_in_range(stuck, 1, SEEDS - 1);
	for (uint64_t seed = 1;; seed++) {
		reset();
		if (umm_sim_run(seed, careless_main, NULL))
			break;
	}
	assert_non_null(strstr(umm_sim_report(), "lost wake-up"));
	assert_non_null(strstr(umm_sim_report(), "(sleeper) sleeps in the wait queue"));
}

static void spin_on_two_words(void *arg)
{
	(void)arg;
	while (READ_ONCE(s.ready) || READ_ONCE(s.wake))
		cpu_relax();
}

static void clear_two_words(void *arg)
{
	(void)arg;
	WRITE_ONCE(s.wake, true);
	WRITE_ONCE(s.ready, false);
	WRITE_ONCE(s.counter, 1);
	WRITE_ONCE(s.wake, false);
}

static void relax_main(void *arg)
{
	s.ready = true;
	umm_sim_spawn("spinner", spin_on_two_words, arg);
	umm_sim_spawn("spinner", spin_on_two_words, arg);
	umm_sim_spawn("writer", clear_two_words, arg);
}

static void relax_alone_main(void *arg)
{
	(void)arg;
	s.ready = true;
	while (READ_ONCE(s.ready))
		cpu_relax();
}

static void test_relax(void **state)
{
	(void)state;
	assert_always(relax_main, NULL);
	reset();
	assert_int_equal(umm_sim_run(1, relax_alone_main, NULL), -EDEADLK);
	assert_non_null(strstr(umm_sim_report(), "spins until another fiber writes at "));
}

/* ---- rw_semaphore ---- */

static void rw_worker(void *arg)
{
	bool writes = (intptr_t)arg == 0;

	for (int i = 0; i < ROUNDS; i++) {
		if (writes) {
			down_write(&s.sem);
			assert_int_equal(s.writing, 0);
			assert_int_equal(s.readers, 0);
			assert_true(rwsem_is_write_locked(&s.sem));
			s.writing = 1;
			WRITE_ONCE(s.counter, s.counter + 1);
			s.writing = 0;
			if (i == 1) {
				downgrade_write(&s.sem);
				s.readers++;
				s.most_readers = MAX(s.readers, s.most_readers);
				assert_false(rwsem_is_write_locked(&s.sem));
				s.readers--;
				up_read(&s.sem);
			} else {
				up_write(&s.sem);
			}
			continue;
		}
		down_read(&s.sem);
		assert_int_equal(s.writing, 0);
		s.readers++;
		s.most_readers = MAX(s.readers, s.most_readers);
		(void)READ_ONCE(s.counter);
		s.readers--;
		up_read(&s.sem);
	}
}

static void rw_main(void *arg)
{
	(void)arg;
	spawn_workers(rw_worker, 4);
}

static bool readers_met(void)
{
	return s.most_readers > 1 && s.counter == ROUNDS && !rwsem_is_locked(&s.sem);
}

static void test_rwsem(void **state)
{
	int stuck, wrong;

	(void)state;
	over_seeds(rw_main, readers_met, &stuck, &wrong);
	assert_int_equal(stuck, 0);
	assert_in_range(wrong, 0, SEEDS - 1);
}

static void note(int who)
{
	s.order[s.nr_order++] = who;
}

static void late_writer(void *arg)
{
	(void)arg;
	umm_sim_preempt_disable();
	assert_false(down_write_trylock(&s.sem));
	down_write(&s.sem);
	note(1);
	up_write(&s.sem);
	umm_sim_preempt_enable();
}

static void late_reader(void *arg)
{
	(void)arg;
	umm_sim_preempt_disable();
	assert_false(down_read_trylock(&s.sem));
	down_read(&s.sem);
	note(2);
	up_read(&s.sem);
	umm_sim_preempt_enable();
}

/* A reader inside; a writer queues; a reader that comes later has to stay behind it. */
static void arrival_main(void *arg)
{
	umm_sim_preempt_disable();
	assert_true(down_read_trylock(&s.sem));
	umm_sim_spawn("writer", late_writer, arg);
	umm_sim_yield();
	umm_sim_spawn("reader", late_reader, arg);
	umm_sim_yield();
	note(0);
	up_read(&s.sem);
	umm_sim_preempt_enable();
}

static bool in_arrival_order(void)
{
	return s.nr_order == 3 && s.order[0] == 0 && s.order[1] == 1 && s.order[2] == 2;
}

static void test_rwsem_arrival_order(void **state)
{
	(void)state;
	assert_always(arrival_main, in_arrival_order);
}

/* Reading twice with a writer queued between is the deadlock it is in Linux. */
static void nested_reader(void *arg)
{
	(void)arg;
	sync_down_read(&s.sem, NULL);
	sync_down_read(&s.sem, NULL);
	sync_up_read(&s.sem, NULL);
	sync_up_read(&s.sem, NULL);
}

static void between_writer(void *arg)
{
	(void)arg;
	sync_down_write(&s.sem, NULL);
	sync_up_write(&s.sem, NULL);
}

static void nested_main(void *arg)
{
	umm_sim_spawn("reader", nested_reader, arg);
	umm_sim_spawn("writer", between_writer, arg);
}

static void test_nested_read_is_found(void **state)
{
	int stuck, wrong;

	(void)state;
	over_seeds(nested_main, NULL, &stuck, &wrong);
	assert_in_range(stuck, 1, SEEDS - 1);
}

/* ---- fibers ---- */

static void short_fiber(void *arg)
{
	*(int *)arg += 1;
	assert_null(current);
	sync_set_current((struct task *)arg);
	umm_sim_yield();
	assert_ptr_equal(current, arg);
}

static void family_main(void *arg)
{
	int ran = 0;
	int first = 0;

	assert_int_equal(umm_sim_self(), 0);
	sync_set_current((struct task *)&s);
	for (int i = 0; i < 1000; i++) {
		int id = umm_sim_spawn("short", short_fiber, &ran);

		if (i == 0)
			first = id;
		assert_int_equal(id, i + 1);
		assert_int_equal(umm_sim_join(id), 0);
		assert_true(umm_sim_done(id));
		assert_int_equal(umm_sim_join(id), 0);
		assert_int_equal(ran, i + 1);
	}
	assert_ptr_equal(current, &s);
	assert_true(umm_sim_done(first));
	assert_false(umm_sim_done(0));
	assert_int_equal(umm_sim_join(0), -EINVAL);
	assert_int_equal(umm_sim_join(5000), -EINVAL);
	*(int *)arg = ran;
}

static void test_birth_and_end(void **state)
{
	int ran = 0;

	(void)state;
	assert_int_equal(umm_sim_self(), -1);
	assert_int_equal(umm_sim_run(7, family_main, &ran), 0);
	assert_int_equal(ran, 1000);
	assert_int_equal(umm_sim_self(), -1);
	assert_null(current);
	assert_string_equal(umm_sim_report(), "");
}

static void crowd_main(void *arg)
{
	int *nr = arg;

	umm_sim_preempt_disable();
	while (umm_sim_spawn("one", short_fiber, &s.counter) > 0)
		++*nr;
}

static void test_many_fibers(void **state)
{
	int nr = 0;

	(void)state;
	reset();
	assert_int_equal(umm_sim_run(7, crowd_main, &nr), 0);
	assert_int_equal(nr, 255);
	assert_int_equal(s.counter, nr);
}

/* ---- the outside ---- */

static int outside_events;

static bool idle_hook(void *arg)
{
	int *budget = arg;

	if (*budget == 0)
		return false;
	--*budget;
	outside_events++;
	return true;
}

static void outside_worker(void *arg)
{
	int want = (int)(intptr_t)arg + 2;

	while (outside_events < want)
		umm_sim_wait_outside();
	WRITE_ONCE(s.counter, s.counter + 1);
}

static void outside_main(void *arg)
{
	(void)arg;
	spawn_workers(outside_worker, 3);
}

static void join_first(void *arg)
{
	*(bool *)arg = umm_sim_join(0) == 0;
}

/* One fiber polls for the end of another by yielding: it must not starve the one outside. */
static void polling_main(void *arg)
{
	int id = umm_sim_spawn("outside", outside_worker, NULL);
	int joiner = umm_sim_spawn("joiner", join_first, arg);

	while (!umm_sim_done(id)) {
		umm_sim_yield();
		outside_events++;
		assert_false(umm_sim_blocked(id));
	}
	assert_true(umm_sim_blocked(joiner));
	assert_false(umm_sim_blocked(umm_sim_self()));
	assert_false(umm_sim_blocked(id));
	assert_false(umm_sim_blocked(5000));
}

static void test_outside(void **state)
{
	bool joined = false;
	int budget = 4;

	(void)state;
	reset();
	umm_sim_set_idle(idle_hook, &budget);
	outside_events = 0;
	assert_int_equal(umm_sim_run(3, outside_main, NULL), 0);
	assert_int_equal(budget, 0);
	assert_int_equal(s.counter, 3);
	outside_events = 0;
	budget = 3;
	assert_int_equal(umm_sim_run(3, outside_main, NULL), -EDEADLK);
	assert_non_null(strstr(umm_sim_report(), "waits for something outside"));
	outside_events = 0;
	assert_int_equal(umm_sim_run(3, polling_main, &joined), 0);
	assert_true(joined);
	umm_sim_set_idle(NULL, NULL);
}

/* ---- sameness ---- */

static void mixed_worker(void *arg)
{
	bare_worker(arg);
	rw_worker(arg);
	locked_worker(arg);
	atomic_worker(arg);
}

static void mixed_main(void *arg)
{
	(void)arg;
	spawn_workers(mixed_worker, WORKERS);
}

static uint64_t mixed_hash(uint64_t seed)
{
	reset();
	how = BY_MUTEX;
	assert_int_equal(umm_sim_run(seed, mixed_main, NULL), 0);
	return umm_sim_trace_hash();
}

/* The numbers are those of every compiler and every set of sanitizers. */
static void test_same_seed_same_schedule(void **state)
{
	(void)state;
	assert_true(mixed_hash(1) == mixed_hash(1));
	assert_true(mixed_hash(1) != mixed_hash(2));
	assert_true(mixed_hash(1) == UINT64_C(0x0446a198b84464a9));
	assert_true(mixed_hash(12345) == UINT64_C(0x0bfdda28b1e2dace));
}

/* ---- without a scheduler ---- */

static jmp_buf bug_jump;
static char bug_text[512];

static void catch_bug(const char *text)
{
	strncpy(bug_text, text, sizeof(bug_text) - 1);
	longjmp(bug_jump, 1);
}

#define assert_bug(statement, words)                                    \
	do {                                                            \
		umm_bug_handler *old_ = umm_bug_set_handler(catch_bug); \
                                                                        \
		bug_text[0] = '\0';                                     \
		if (setjmp(bug_jump) == 0) {                            \
			statement;                                      \
		}                                                       \
		umm_bug_set_handler(old_);                              \
		assert_non_null(strstr(bug_text, words));               \
	} while (0)

static void test_alone(void **state)
{
	struct wait_queue_entry entry;

	(void)state;
	reset();
	for (how = BY_SPIN; how <= BY_BIT_TRY; how++) {
		enter();
		leave();
	}
	down_read(&s.sem);
	assert_false(down_write_trylock(&s.sem));
	up_read(&s.sem);
	assert_int_equal(lockdep_held_count(), 0);

	sync_spin_lock(&s.spin, NULL);
	assert_false(spin_trylock(&s.spin));
	assert_bug(sync_spin_lock(&s.spin, NULL), "would block for ever");
	sync_spin_unlock(&s.spin, NULL);
	assert_bug(sync_spin_unlock(&s.spin, NULL), "lock->word");
	prepare_to_wait(&s.wq, &entry);
	assert_bug(wait_schedule(&s.wq, &entry), "sleeps in the wait queue");
	wake_up_all(&s.wq);
	wait_schedule(&s.wq, &entry);
	umm_sim_yield();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lost_update_is_found),
		cmocka_unit_test(test_preempt_disable),
		cmocka_unit_test(test_locks_exclude),
		cmocka_unit_test(test_atomics),
		cmocka_unit_test(test_deadlock_is_found),
		cmocka_unit_test(test_wake_ups),
		cmocka_unit_test(test_relax),
		cmocka_unit_test(test_rwsem),
		cmocka_unit_test(test_rwsem_arrival_order),
		cmocka_unit_test(test_nested_read_is_found),
		cmocka_unit_test(test_birth_and_end),
		cmocka_unit_test(test_many_fibers),
		cmocka_unit_test(test_outside),
		cmocka_unit_test(test_same_seed_same_schedule),
		cmocka_unit_test(test_alone),
	};

	return cmocka_run_group_tests_name("sync/sim", tests, NULL, NULL);
}
