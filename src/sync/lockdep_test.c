/* SPDX-License-Identifier: MIT */
/* Each rule of the lock order, broken once, and what is allowed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sync/sync.h"

static struct {
	spinlock_t ptl, other_ptl, zone, other_zone;
	struct mutex machine;
	struct rw_semaphore mmap, other_mmap;
	struct wait_queue_head wq;
	u64 flags;
} s;

static jmp_buf jump;
static char said[4096];

static void catch_bug(const char *text)
{
	strncpy(said, text, sizeof(said) - 1);
	longjmp(jump, 1);
}

/* Whether the statement is refused, in these words. */
#define refused(statement, words)                                       \
	({                                                              \
		umm_bug_handler *old_ = umm_bug_set_handler(catch_bug); \
                                                                        \
		said[0] = '\0';                                         \
		if (setjmp(jump) == 0) {                                \
			statement;                                      \
		}                                                       \
		umm_bug_set_handler(old_);                              \
		strstr(said, words) != NULL;                            \
	})

static int setup(void **state)
{
	(void)state;
	memset(&s, 0, sizeof(s));
	spin_lock_init(&s.ptl, LC_PTL);
	spin_lock_init(&s.other_ptl, LC_PTL);
	spin_lock_init(&s.zone, LC_ZONE);
	spin_lock_init(&s.other_zone, LC_ZONE);
	mutex_init(&s.machine, LC_MACHINE);
	init_rwsem(&s.mmap, LC_MMAP);
	init_rwsem(&s.other_mmap, LC_MMAP);
	init_waitqueue_head(&s.wq);
	return 0;
}

static void need_lockdep(void)
{
	if (!lockdep_enabled())
		skip();
}

static void test_order_is_allowed(void **state)
{
	(void)state;
	mutex_lock(&s.machine);
	down_read(&s.mmap);
	down_write(&s.other_mmap);
	bit_lock(&s.flags, 0, LC_FOLIO);
	spin_lock(&s.ptl);
	spin_lock(&s.other_ptl);
	spin_lock(&s.zone);
	assert_int_equal(lockdep_held_count(), lockdep_enabled() ? 7 : 0);
	lockdep_assert_held(&s.ptl);
	lockdep_assert_held(&s.mmap);
	lockdep_assert_held_write(&s.other_mmap);
	/* Released in any order. */
	spin_unlock(&s.ptl);
	mutex_unlock(&s.machine);
	spin_unlock(&s.zone);
	spin_unlock(&s.other_ptl);
	bit_unlock(&s.flags, 0, LC_FOLIO);
	downgrade_write(&s.other_mmap);
	up_read(&s.other_mmap);
	up_read(&s.mmap);
	assert_int_equal(lockdep_held_count(), 0);
}

static void test_trylock_is_exempt(void **state)
{
	(void)state;
	spin_lock(&s.zone);
	assert_true(spin_trylock(&s.ptl));
	assert_true(down_read_trylock(&s.mmap));
	assert_true(bit_trylock(&s.flags, 3, LC_FOLIO));
	assert_int_equal(lockdep_held_count(), lockdep_enabled() ? 4 : 0);
	bit_unlock(&s.flags, 3, LC_FOLIO);
	up_read(&s.mmap);
	spin_unlock(&s.ptl);
	spin_unlock(&s.zone);
}

static void test_wrong_order(void **state)
{
	(void)state;
	need_lockdep();
	spin_lock(&s.zone);
	assert_true(refused(spin_lock(&s.ptl), "taken while a lock that ranks after it is held"));
	assert_non_null(strstr(said, "ptl (spinlock"));
	assert_non_null(strstr(said, "zone (spinlock"));
	assert_non_null(strstr(said, "lockdep_test.c:"));
	spin_unlock(&s.zone);
}

static void test_same_class(void **state)
{
	(void)state;
	need_lockdep();
	spin_lock(&s.zone);
	assert_true(refused(spin_lock(&s.other_zone), "taken while another of its class is held"));
	spin_unlock(&s.zone);
}

static void test_same_lock(void **state)
{
	(void)state;
	need_lockdep();
	down_read(&s.mmap);
	assert_true(refused(down_read(&s.mmap), "taken again by its holder"));
	up_read(&s.mmap);
}

static void test_sleep_under_spinlock(void **state)
{
	struct wait_queue_entry entry;

	(void)state;
	need_lockdep();
	spin_lock(&s.zone);
	spin_unlock(&s.zone);
	might_sleep();
	/* Ranks after the spinlock, so that it is the sleeping alone that is wrong. */
	mutex_init(&s.machine, LC_TRACE);
	spin_lock(&s.zone);
	assert_true(refused(mutex_lock(&s.machine), "may sleep, taken while a spinlock is held"));
	prepare_to_wait(&s.wq, &entry);
	assert_true(refused(wait_schedule(&s.wq, &entry), "where one may sleep"));
	assert_true(refused(might_sleep(), "zone (spinlock"));
	spin_unlock(&s.zone);
}

static void test_release(void **state)
{
	(void)state;
	need_lockdep();
	assert_true(refused(spin_unlock(&s.ptl), "released by a thread that does not hold it"));
	down_read(&s.mmap);
	assert_true(refused(downgrade_write(&s.mmap), "does not hold it for write"));
	assert_true(refused(lockdep_assert_held_write(&s.mmap), "lockdep_is_held_write"));
	assert_true(refused(lockdep_assert_held(&s.ptl), "lockdep_is_held"));
	up_read(&s.mmap);
}

static void test_too_many(void **state)
{
	static spinlock_t locks[LOCKDEP_DEPTH + 1];

	(void)state;
	need_lockdep();
	for (int i = 0; i <= LOCKDEP_DEPTH; i++)
		spin_lock_init(&locks[i], LC_PTL);
	for (int i = 0; i < LOCKDEP_DEPTH; i++)
		spin_lock(&locks[i]);
	assert_true(refused(spin_lock(&locks[LOCKDEP_DEPTH]), "too many locks held at once"));
	for (int i = 0; i < LOCKDEP_DEPTH; i++)
		spin_unlock(&locks[i]);
	assert_int_equal(lockdep_held_count(), 0);
}

static void test_names(void **state)
{
	(void)state;
	assert_string_equal(lock_class_name(LC_MMAP), "mmap_lock");
	assert_string_equal(lock_class_name(NR_LOCK_CLASSES), "(no such class)");
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_order_is_allowed),
		TEST(test_trylock_is_exempt),
		TEST(test_wrong_order),
		TEST(test_same_class),
		TEST(test_same_lock),
		TEST(test_sleep_under_spinlock),
		TEST(test_release),
		TEST(test_too_many),
		TEST(test_names),
	};

	return cmocka_run_group_tests_name("sync/lockdep", tests, NULL, NULL);
}
