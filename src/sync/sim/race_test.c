/* SPDX-License-Identifier: MIT */
/*
 * Data races and uses after free, planted: each program runs in a child process, which a report
 * ends; the report must say what and where, and the same program done right must have none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/host.h"
#include "sync/sim/race.h"
#include "sync/watch.h"
#include "usermm/usermm.h"

#define REPORT_BYTES 4096
#define NR_SEEDS 20

/* In an arena: nothing else is watched. */
struct shared {
	u64 data, other;
	u32 flag, second;
	struct mutex mutex;
	struct rw_semaphore sem;
	struct wait_queue_head queue;
	u64 bits;
	u64 object[8];
	int fiber;
};

static struct shared *s;
static char *report;

typedef void fiber_fn(void *arg);

static void on_bug(const char *text)
{
	if (report)
		snprintf(report, REPORT_BYTES, "%s", text);
	_exit(7);
}

struct pair {
	fiber_fn *a, *b;
};

static void main_fiber(void *arg)
{
	const struct pair *pair = arg;
	int a, b;

	memset(s, 0, sizeof(*s));
	mutex_init(&s->mutex, LC_MACHINE);
	init_rwsem(&s->sem, LC_MMAP);
	init_waitqueue_head(&s->queue);
	b = umm_sim_spawn("b", pair->b, NULL);
	a = umm_sim_spawn("a", pair->a, NULL);
	WRITE_ONCE(s->fiber, a);
	umm_sim_join(a);
	umm_sim_join(b);
	s->data = 0;
}

static void child(fiber_fn *a, fiber_fn *b, u64 seed)
{
	struct pair pair = { a, b };
	void *base;

	if (host_arena_reserve(7, &base) || host_arena_commit(base, 1 << 16))
		_exit(8);
	s = base;
	umm_bug_set_handler(on_bug);
	_exit(umm_sim_run(seed, main_fiber, &pair) ? 9 : 0);
}

/* The report of two fibers, "" when there was none with any seed. */
static const char *both(fiber_fn *a, fiber_fn *b)
{
	report[0] = '\0';
	for (u64 seed = 1; seed <= NR_SEEDS && !report[0]; seed++) {
		int status;
		pid_t pid = fork();

		if (pid == 0)
			child(a, b, seed);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), report[0] ? 7 : 0);
	}
	return report;
}

#define EXPECT_NONE(a, b) assert_string_equal(both(a, b), "")
#define EXPECT(a, b, ...)                                                     \
	do {                                                                  \
		static const char *const words[] = { __VA_ARGS__ };           \
		const char *text = both(a, b);                                \
                                                                              \
		for (unsigned i = 0; i < ARRAY_SIZE(words); i++) {            \
			if (!strstr(text, words[i]))                          \
				fail_msg("no \"%s\" in: %s", words[i], text); \
		}                                                             \
	} while (0)

/* ---- programs ---- */

#define FIBER(name, ...)                                      \
	static __attribute__((noinline)) void name(void *arg) \
	{                                                     \
		(void)arg;                                    \
		__VA_ARGS__                                   \
	}

FIBER(writes, s->data = 1;)
FIBER(writes_two, s->data = 2;)
FIBER(reads, s->other = s->data;)
FIBER(reads_too, s->flag = (u32)s->data;)
FIBER(reads_other_half, ((u32 *)&s->data)[1] = 1;)
FIBER(writes_one_half, ((u32 *)&s->data)[0] = 1;)
FIBER(marked_write, WRITE_ONCE(s->data, 3);)
FIBER(marked_read, (void)READ_ONCE(s->data);)

FIBER(locked_write, mutex_lock(&s->mutex); s->data++; mutex_unlock(&s->mutex);)

FIBER(under_read_lock, down_read(&s->sem); s->data++; up_read(&s->sem);)
FIBER(under_write_lock, down_write(&s->sem); s->data++; up_write(&s->sem);)
FIBER(after_downgrade, down_write(&s->sem); s->data++; downgrade_write(&s->sem); up_read(&s->sem);)
FIBER(looks_under_read_lock, down_read(&s->sem); (void)*(volatile u64 *)&s->data; s->other = 0;
      up_read(&s->sem);)

FIBER(bit_locked, bit_lock(&s->bits, 3, LC_FOLIO); s->data++; bit_unlock(&s->bits, 3, LC_FOLIO);)

FIBER(publishes, s->data = 1; smp_store_release(&s->flag, 1);)
FIBER(publishes_late, s->data = 1; smp_store_release(&s->flag, 1); WRITE_ONCE(s->flag, 2);)
FIBER(publishes_relaxed, s->data = 1; WRITE_ONCE(s->flag, 1);)
FIBER(publishes_fenced, s->data = 1; smp_wmb(); WRITE_ONCE(s->flag, 1);)
FIBER(takes, if (smp_load_acquire(&s->flag)) s->data++;)
FIBER(takes_relaxed, if (READ_ONCE(s->flag)) s->data++;)
FIBER(
	takes_fenced, if (READ_ONCE(s->flag)) {
		smp_rmb();
		s->data++;
	})
FIBER(takes_by_update, if (sync_fetch_add(&s->flag, 0, SYNC_FULL)) s->data++;)

FIBER(wakes, s->data = 1; smp_store_release(&s->flag, 1); wake_up_all(&s->queue);)
FIBER(waits, wait_event(&s->queue, smp_load_acquire(&s->flag)); s->data++;)

FIBER(nothing, )
FIBER(writes_after_join, while (!READ_ONCE(s->fiber)) cpu_relax();
      umm_sim_join(READ_ONCE(s->fiber)); s->data = 3;)

static __attribute__((noinline)) void gives_back(void)
{
	sync_watch_freed(s->object, sizeof(s->object));
}

FIBER(frees, mutex_lock(&s->mutex); gives_back(); mutex_unlock(&s->mutex);)
FIBER(frees_for_a_while, mutex_lock(&s->mutex); gives_back();
      sync_watch_used(s->object, sizeof(s->object)); mutex_unlock(&s->mutex);)
FIBER(uses, mutex_lock(&s->mutex); s->object[5] = 1; mutex_unlock(&s->mutex);)
FIBER(uses_marked, mutex_lock(&s->mutex); (void)READ_ONCE(s->object[5]); mutex_unlock(&s->mutex);)
FIBER(frees_page, mutex_lock(&s->mutex); sync_watch_freed((char *)s + 4096, 4096);
      mutex_unlock(&s->mutex);)
FIBER(uses_page, mutex_lock(&s->mutex); ((volatile char *)s)[5000] = 1; ((char *)s)[5001] = 1;
      mutex_unlock(&s->mutex);)

/* ---- tests ---- */

static void test_plain(void **state)
{
	(void)state;
	EXPECT(writes, writes_two, "data race", "plain write in writes+",
	       "plain write in writes_two+", "(a)", "(b)");
	EXPECT(writes, reads, "plain read in reads+");
	EXPECT_NONE(reads_too, reads);
	EXPECT_NONE(reads_other_half, writes_one_half);
	EXPECT(reads_other_half, writes, "data race");
}

static void test_marked(void **state)
{
	(void)state;
	EXPECT(marked_write, reads, "marked write in marked_write+");
	EXPECT(marked_read, writes, "marked read in marked_read+");
	EXPECT_NONE(marked_read, reads);
	EXPECT_NONE(marked_read, marked_write);
}

static void test_locks(void **state)
{
	(void)state;
	EXPECT_NONE(locked_write, locked_write);
	EXPECT(locked_write, writes, "data race");
	EXPECT(under_read_lock, under_read_lock, "data race");
	EXPECT_NONE(under_write_lock, under_write_lock);
	EXPECT_NONE(under_write_lock, under_read_lock);
	EXPECT_NONE(under_write_lock, looks_under_read_lock);
	EXPECT_NONE(after_downgrade, under_read_lock);
	EXPECT_NONE(bit_locked, bit_locked);
	EXPECT(bit_locked, locked_write, "data race");
}

static void test_publication(void **state)
{
	(void)state;
	EXPECT_NONE(publishes, takes);
	EXPECT_NONE(publishes, takes_by_update);
	EXPECT_NONE(publishes, takes_fenced);
	EXPECT_NONE(publishes_fenced, takes);
	EXPECT_NONE(publishes_fenced, takes_fenced);
	EXPECT_NONE(publishes_late, takes);
	EXPECT(publishes, takes_relaxed, "data race");
	EXPECT(publishes_relaxed, takes, "data race");
	EXPECT(publishes_relaxed, takes_fenced, "data race");
}

static void test_waiting(void **state)
{
	(void)state;
	EXPECT_NONE(wakes, waits);
	EXPECT_NONE(writes, writes_after_join);
	EXPECT_NONE(nothing, writes);
}

static void test_freed(void **state)
{
	(void)state;
	EXPECT(frees, uses, "use after free", "plain write in uses+", "freed by fiber",
	       "gives_back+", "called from frees+");
	EXPECT(frees, uses_marked, "use after free", "marked read in uses_marked+");
	EXPECT(frees_page, uses_page, "use after free", "uses_page+");
	EXPECT_NONE(frees_for_a_while, uses);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),   cmocka_unit_test(test_marked),
		cmocka_unit_test(test_locks),   cmocka_unit_test(test_publication),
		cmocka_unit_test(test_waiting), cmocka_unit_test(test_freed),
	};

#ifndef UMM_SIM_TSAN
	printf("skipped: built without sim_tsan\n");
	return 77;
#endif
	report =
		mmap(NULL, REPORT_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (report == MAP_FAILED)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
