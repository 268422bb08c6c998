/* SPDX-License-Identifier: MIT */
/* Locks and waits under real threads; run under the thread sanitizer too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sync/sync.h"
#include "host/host.h"

#define THREADS 4
#define ROUNDS 20000

static struct {
	int counter; /* plain: what the lock protects */
	int other;
	int readers;
	u64 bits;
	atomic_t atomic;
	atomic64_t atomic64;
	spinlock_t spin;
	struct mutex mutex;
	struct rw_semaphore sem;
	struct wait_queue_head wq;
	int turn;
} s;

static int failures; /* cmocka cannot fail a test from another thread */

#define EXPECT(cond)                                                        \
	do {                                                                \
		if (!(cond))                                                \
			__atomic_fetch_add(&failures, 1, __ATOMIC_RELAXED); \
	} while (0)

static void run_threads(void (*fn)(void *), int nr)
{
	struct host_thread *threads[16];

	failures = 0;
	for (intptr_t i = 0; i < nr; i++)
		assert_int_equal(host_thread_start(fn, (void *)i, &threads[i]), 0);
	for (int i = 0; i < nr; i++)
		host_thread_join(threads[i]);
	assert_int_equal(failures, 0);
}

static int reset(void **state)
{
	(void)state;
	memset(&s, 0, sizeof(s));
	spin_lock_init(&s.spin, LC_PTL);
	mutex_init(&s.mutex, LC_MACHINE);
	init_rwsem(&s.sem, LC_MMAP);
	init_waitqueue_head(&s.wq);
	return 0;
}

static void touch_both(void)
{
	EXPECT(s.counter == s.other);
	s.counter++;
	s.other++;
}

static void spin_worker(void *arg)
{
	(void)arg;
	for (int i = 0; i < ROUNDS; i++) {
		if (i % 4 == 0) {
			while (!spin_trylock(&s.spin))
				cpu_relax();
		} else {
			spin_lock(&s.spin);
		}
		EXPECT(spin_is_locked(&s.spin));
		touch_both();
		spin_unlock(&s.spin);
	}
}

static void test_spinlock(void **state)
{
	(void)state;
	run_threads(spin_worker, THREADS);
	assert_int_equal(s.counter, THREADS * ROUNDS);
	assert_false(spin_is_locked(&s.spin));
}

static void mutex_worker(void *arg)
{
	(void)arg;
	for (int i = 0; i < ROUNDS; i++) {
		if (i % 4 == 0) {
			while (!mutex_trylock(&s.mutex))
				host_thread_yield();
		} else {
			mutex_lock(&s.mutex);
		}
		EXPECT(mutex_is_locked(&s.mutex));
		touch_both();
		if (i % 1024 == 0)
			host_sleep_ns(1000); /* so that others come to sleep on it */
		mutex_unlock(&s.mutex);
	}
}

static void test_mutex(void **state)
{
	(void)state;
	run_threads(mutex_worker, THREADS);
	assert_int_equal(s.counter, THREADS * ROUNDS);
	assert_false(mutex_is_locked(&s.mutex));
}

static void bit_worker(void *arg)
{
	u64 *word = &s.bits;

	/* Others change other bits of the word all the time. */
	for (int i = 0; i < ROUNDS; i++) {
		u64 own = BIT((uintptr_t)arg);

		sync_fetch_or(word, own, SYNC_RELAXED);
		if (i % 4 == 0) {
			while (!bit_trylock(word, 40, LC_FOLIO))
				cpu_relax();
		} else {
			bit_lock(word, 40, LC_FOLIO);
		}
		touch_both();
		if (i % 1024 == 0)
			host_sleep_ns(1000);
		bit_unlock(word, 40, LC_FOLIO);
		EXPECT(sync_fetch_and(word, ~own, SYNC_RELAXED) & own);
	}
}

static void test_bit_lock(void **state)
{
	(void)state;
	run_threads(bit_worker, THREADS);
	assert_int_equal(s.counter, THREADS * ROUNDS);
	assert_true(s.bits == 0);
	for (int i = 0; i < NATIVE_BIT_WAITERS; i++)
		assert_int_equal(native_bit_waiters[i], 0);
}

static void read_inside(void)
{
	__atomic_fetch_add(&s.readers, 1, __ATOMIC_RELAXED);
	EXPECT(s.counter == s.other);
	__atomic_fetch_sub(&s.readers, 1, __ATOMIC_RELAXED);
}

static void write_inside(void)
{
	EXPECT(rwsem_is_write_locked(&s.sem));
	EXPECT(__atomic_load_n(&s.readers, __ATOMIC_RELAXED) == 0);
	touch_both();
}

static void rwsem_worker(void *arg)
{
	int writes = 0;

	for (int i = 0; i < ROUNDS; i++) {
		switch ((i + (intptr_t)arg) % 8) {
		case 0:
			down_write(&s.sem);
			write_inside();
			if (i % 512 == 0)
				host_sleep_ns(1000);
			up_write(&s.sem);
			writes++;
			break;
		case 1:
			down_write(&s.sem);
			write_inside();
			downgrade_write(&s.sem);
			read_inside();
			up_read(&s.sem);
			writes++;
			break;
		case 2:
			if (down_write_trylock(&s.sem)) {
				write_inside();
				up_write(&s.sem);
				writes++;
			}
			break;
		case 3:
			if (down_read_trylock(&s.sem)) {
				read_inside();
				up_read(&s.sem);
			}
			break;
		default:
			down_read(&s.sem);
			read_inside();
			up_read(&s.sem);
			break;
		}
	}
	atomic_add(&s.atomic, writes);
}

static void test_rwsem(void **state)
{
	(void)state;
	run_threads(rwsem_worker, THREADS);
	assert_int_equal(s.counter, s.atomic.v);
	assert_false(rwsem_is_locked(&s.sem));
	assert_int_equal(s.sem.state, 0);
	assert_int_equal(s.sem.next, s.sem.serving);
}

/* Two readers are inside at once, and see each other. */
static void meeting_reader(void *arg)
{
	(void)arg;
	down_read(&s.sem);
	atomic_inc(&s.atomic);
	while (atomic_read(&s.atomic) < 2)
		cpu_relax();
	EXPECT(!down_write_trylock(&s.sem));
	up_read(&s.sem);
}

static void test_readers_share(void **state)
{
	(void)state;
	run_threads(meeting_reader, 2);
}

static void atomic_worker(void *arg)
{
	(void)arg;
	for (int i = 0; i < ROUNDS; i++) {
		atomic_inc(&s.atomic);
		atomic64_add(&s.atomic64, 3);
		EXPECT(atomic_add_unless(&s.atomic, 1, -1));
		if (i % 2)
			EXPECT(!atomic_dec_and_test(&s.atomic));
		else
			atomic_dec(&s.atomic);
	}
}

static void test_atomics(void **state)
{
	(void)state;
	run_threads(atomic_worker, THREADS);
	assert_int_equal(s.atomic.v, THREADS * ROUNDS);
	assert_true(s.atomic64.v == 3ll * THREADS * ROUNDS);
	assert_false(atomic_add_unless(&s.atomic, 1, THREADS * ROUNDS));
	assert_int_equal(atomic_cmpxchg(&s.atomic, 0, 5), THREADS * ROUNDS);
	assert_int_equal(atomic_xchg(&s.atomic, 1), THREADS * ROUNDS);
	assert_true(atomic_dec_and_test(&s.atomic));
	assert_false(atomic_inc_not_zero(&s.atomic));
}

/* A ring of threads, each waiting for its turn: one wake-up lost and it stands still. */
static void ring_worker(void *arg)
{
	int mine = (int)(intptr_t)arg;

	for (int i = 0; i < 2000; i++) {
		wait_event(&s.wq, smp_load_acquire(&s.turn) == mine);
		s.counter++;
		smp_store_release(&s.turn, (mine + 1) % THREADS);
		wake_up_all(&s.wq);
	}
}

static void test_wait_queue(void **state)
{
	(void)state;
	run_threads(ring_worker, THREADS);
	assert_int_equal(s.counter, THREADS * 2000);
	assert_int_equal(s.wq.sleepers, 0);
}

static void current_worker(void *arg)
{
	struct task *mine = (struct task *)((char *)&s + (intptr_t)arg);

	EXPECT(current == NULL);
	sync_set_current(mine);
	host_thread_yield();
	EXPECT(current == mine);
}

static void test_current(void **state)
{
	(void)state;
	run_threads(current_worker, THREADS);
	assert_null(current);
}

#define TEST(name) cmocka_unit_test_setup(name, reset)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_spinlock),   TEST(test_mutex),         TEST(test_bit_lock),
		TEST(test_rwsem),      TEST(test_readers_share), TEST(test_atomics),
		TEST(test_wait_queue), TEST(test_current),
	};

	return cmocka_run_group_tests_name("sync/native", tests, NULL, NULL);
}
