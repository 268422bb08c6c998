/* SPDX-License-Identifier: MIT */
/* The host as it is: address space, files, threads, waiting, and what a refusal looks like. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "host/host.h"

#define SLOT 5

static void test_arena(void **state)
{
	u8 touched[64];
	void *base, *again;
	char *p;

	(void)state;
	assert_int_equal(host_arena_reserve(SLOT, &base), 0);
	assert_true((uintptr_t)base == ARENA_BASE + SLOT * ARENA_SLOT_BYTES);
	assert_int_equal(host_arena_reserve(SLOT, &again), -EBUSY);

	p = (char *)base + (1u << 30);
	assert_int_equal(host_arena_commit(p, 64 * PAGE_SIZE), 0);
	assert_int_equal(p[5], 0);
	p[3 * PAGE_SIZE] = 'x';
	p[63 * PAGE_SIZE] = 'y';
	assert_int_equal(host_arena_touched(p, 64, touched), 0);
	assert_true(touched[3] && touched[63]);
	assert_int_equal(host_arena_discard(p, 63 * PAGE_SIZE), 0);
	assert_int_equal(p[3 * PAGE_SIZE], 0);
	assert_int_equal(p[63 * PAGE_SIZE], 'y');
	assert_int_equal(host_arena_populate(p, 64 * PAGE_SIZE), 0);
	assert_int_equal(host_arena_touched(p, 64, touched), 0);
	for (int i = 0; i < 64; i++)
		assert_true(touched[i]);
	assert_int_equal(p[63 * PAGE_SIZE], 'y');

	host_arena_release(SLOT);
	assert_int_equal(host_arena_reserve(SLOT, &again), 0);
	assert_ptr_equal(again, base);
	host_arena_release(SLOT);
}

/* A large untouched range says so, or a snapshot would copy all of it. */
static void test_untouched(void **state)
{
	static u8 touched[100000];
	size_t nr = 0;
	void *base;

	(void)state;
	if (access("/proc/self/pagemap", R_OK))
		skip();
	assert_int_equal(host_arena_reserve(SLOT, &base), 0);
	assert_int_equal(host_arena_commit(base, sizeof(touched) * PAGE_SIZE), 0);
	((char *)base)[77777 * PAGE_SIZE] = 1;
	assert_int_equal(host_arena_touched(base, sizeof(touched), touched), 0);
	for (size_t i = 0; i < sizeof(touched); i++)
		nr += touched[i];
	assert_int_equal(nr, 1);
	assert_int_equal(touched[77777], 1);
	host_arena_release(SLOT);
}

/* Both ends of a stack can be used; one byte below it cannot. */
static void test_stack(void **state)
{
	volatile char *stack = host_stack_alloc(1 << 16);
	int status;
	pid_t pid;

	(void)state;
	assert_non_null((void *)(uintptr_t)stack);
	stack[0] = 1;
	stack[(1 << 16) - 1] = 1;
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		signal(SIGSEGV, SIG_DFL);
		stack[-1] = 1;
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
	host_stack_free((void *)(uintptr_t)stack, 1 << 16);
}

static void test_alloc(void **state)
{
	char *p = host_alloc(3 * PAGE_SIZE);

	(void)state;
	assert_non_null(p);
	assert_int_equal(p[2 * PAGE_SIZE], 0);
	p[2 * PAGE_SIZE] = 1;
	host_free(p, 3 * PAGE_SIZE);
	assert_null(host_alloc(1ull << 60));
	host_free(NULL, 0);
}

static void test_files(void **state)
{
	char path[64], buf[16];
	int fd;

	(void)state;
	snprintf(path, sizeof(path), "/tmp/usermm-host-test-%d", (int)getpid());
	assert_int_equal(host_open("/nonexistent/usermm", HOST_READ), -ENOENT);
	fd = host_open(path, HOST_WRITE);
	assert_true(fd >= 0);
	assert_int_equal(host_pwrite(fd, "0123456789", 10, 3), 0);
	assert_int_equal(host_close(fd), 0);
	fd = host_open(path, HOST_READ);
	assert_true(fd >= 0);
	assert_int_equal(host_pread(fd, buf, 5, 5), 0);
	assert_memory_equal(buf, "23456", 5);
	assert_int_equal(host_pread(fd, buf, 5, 9), -EINVAL);
	assert_int_equal(host_pwrite(fd, "x", 1, 0), -EBADF);
	assert_int_equal(host_close(fd), 0);
	assert_int_equal(host_close(fd), -EBADF);
	unlink(path);
}

static void test_time_and_chance(void **state)
{
	u64 before = host_monotonic_ns();

	(void)state;
	host_sleep_ns(1000);
	assert_true(host_monotonic_ns() >= before + 1000);
	assert_true(host_random_seed() != host_random_seed());
}

static u32 word;
static u32 turns;

static void ping(void *arg)
{
	u32 mine = (u32)(uintptr_t)arg;

	for (int i = 0; i < 500; i++) {
		u32 seen;

		while ((seen = __atomic_load_n(&word, __ATOMIC_ACQUIRE)) != mine)
			host_wait(&word, seen);
		turns++;
		__atomic_store_n(&word, 1 - mine, __ATOMIC_RELEASE);
		host_wake(&word, 1);
	}
}

static void test_wait_and_wake(void **state)
{
	struct host_thread *threads[2];

	(void)state;
	word = 0;
	turns = 0;
	for (uintptr_t i = 0; i < 2; i++)
		assert_int_equal(host_thread_start(ping, (void *)i, &threads[i]), 0);
	for (int i = 0; i < 2; i++)
		host_thread_join(threads[i]);
	assert_int_equal(turns, 1000);
	host_wait(&word, word + 1); /* another value: returns at once */
	host_thread_yield();
}

static void test_membarrier(void **state)
{
	(void)state;
	if (!host_membarrier_init())
		skip();
	host_membarrier();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_arena),         cmocka_unit_test(test_untouched),
		cmocka_unit_test(test_stack),         cmocka_unit_test(test_alloc),
		cmocka_unit_test(test_files),         cmocka_unit_test(test_time_and_chance),
		cmocka_unit_test(test_wait_and_wake), cmocka_unit_test(test_membarrier),
	};

	return cmocka_run_group_tests_name("host", tests, NULL, NULL);
}
