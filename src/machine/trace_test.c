/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/uapi.h"
#include "machine/machine.h"

static struct machine *m;

static struct machine *machine_with_ring(u32 events)
{
	struct umm_config config;
	struct machine *machine = NULL;

	umm_config_init(&config);
	config.ram_bytes = 64 * PAGE_SIZE;
	config.trace_events = events;
	assert_int_equal(machine_create(&config, &machine), 0);
	return machine;
}

static int setup(void **state)
{
	(void)state;
	m = machine_with_ring(16);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	machine_destroy(m);
	return 0;
}

static void lines_look_like_ftrace(void **state)
{
	char buf[4096];
	u64 cursor = 0;
	struct task_base *task = machine_alloc_forever(m, 64);

	(void)state;
	task->cpu = 1;
	task->tid = 42;
	trace(m, TRACE_PAGE_FAULT_USER, 0x7f0000001000, 0x14);
	sync_set_current((struct task *)task);
	trace(m, TRACE_SYS_EXIT, 9, (u64)-22);
	trace(m, TRACE_RSS_STAT, 1, 0, 8192);
	sync_set_current(NULL);
	size_t len = trace_read(m, &cursor, buf, sizeof(buf));

	assert_string_equal(
		buf,
		"          <none>-0       [000] 000001: page_fault_user: "
		"address=0x7f0000001000 flags=0x14\n"
		"            task-42      [001] 000002: sys_exit: nr=9 ret=-22\n"
		"            task-42      [001] 000003: rss_stat: mm_id=1 member=0 size=8192B\n");
	assert_int_equal(len, strlen(buf));
	assert_int_equal(cursor, 4);
	assert_int_equal(trace_read(m, &cursor, buf, sizeof(buf)), 0);
}

static void reading_line_by_line_gives_the_same(void **state)
{
	char whole[4096], part[120], joined[4096];
	u64 cursor = 0;
	size_t at = 0, len;

	(void)state;
	for (u64 i = 0; i < 16; i++)
		trace(m, TRACE_MM_PAGE_ALLOC, i, 0, 1);
	assert_true(trace_read(m, &cursor, whole, sizeof(whole)) > 0);
	cursor = 0;
	while ((len = trace_read(m, &cursor, part, sizeof(part))) > 0) {
		assert_int_equal(part[len - 1], '\n');
		memcpy(joined + at, part, len);
		at += len;
	}
	joined[at] = '\0';
	assert_string_equal(joined, whole);
}

static void a_line_that_cannot_fit_is_cut(void **state)
{
	char tiny[20];
	u64 cursor = 0;

	(void)state;
	trace(m, TRACE_MM_PAGE_FREE, 1, 2);
	assert_int_equal(trace_read(m, &cursor, tiny, sizeof(tiny)), sizeof(tiny) - 1);
	assert_int_equal(tiny[sizeof(tiny) - 1], '\0');
	assert_int_equal(cursor, 2);
	assert_int_equal(trace_read(m, &cursor, tiny, 1), 0);
}

static void lost_events_are_counted(void **state)
{
	char buf[4096];
	u64 cursor = 0;

	(void)state;
	for (u64 i = 1; i <= 100; i++)
		trace(m, TRACE_MM_PAGE_ALLOC, i, 0, 0);
	assert_true(trace_read(m, &cursor, buf, sizeof(buf)) > 0);
	const char *first = "[84 events lost]\n          <none>-0       [000] 000085: "
			    "mm_page_alloc: pfn=0x55 order=0 site=0\n";

	assert_memory_equal(buf, first, strlen(first));
	assert_int_equal(cursor, 101);
}

static void no_ring_no_events(void **state)
{
	struct machine *silent = machine_with_ring(0);
	char buf[100];
	u64 cursor = 0;

	(void)state;
	trace(silent, TRACE_MM_PAGE_FREE, 1, 2);
	assert_int_equal(trace_read(silent, &cursor, buf, sizeof(buf)), 0);
	machine_destroy(silent);
}

/* ---- several writers: real threads, so only where threads are real ------------------------- */

#ifndef UMM_SIM
#define WRITERS 3
#define EVENTS 20000u

static void write_events(void *arg)
{
	u64 writer = (u64)(uintptr_t)arg;

	/* What belongs together can be told from the arguments: a torn event would not agree. */
	for (u64 i = 0; i < EVENTS; i++)
		trace(m, TRACE_VM_UNMAPPED_AREA, writer << 32 | i, (writer << 32 | i) * 3);
}

static u64 check_lines(const char *text, u64 next[WRITERS])
{
	u64 lines = 0;

	for (const char *line = text; (line = strstr(line, "addr=0x")) != NULL; lines++) {
		char *end;
		u64 a = strtoull(line + 5, &end, 16);
		u64 b = strtoull(end + 5, &end, 16);
		u64 writer = a >> 32;

		assert_int_equal(b, a * 3);
		assert_in_range(writer, 0, WRITERS - 1);
		assert_in_range(a & 0xffffffff, next[writer], EVENTS - 1);
		next[writer] = (a & 0xffffffff) + 1;
		line = end;
	}
	return lines;
}

static void many_writers_one_reader(void **state)
{
	struct host_thread *threads[WRITERS];
	static char buf[65536];
	u64 cursor = 0, next[WRITERS] = { 0 }, lines = 0;

	(void)state;
	for (u64 i = 0; i < WRITERS; i++)
		assert_int_equal(host_thread_start(write_events, (void *)(uintptr_t)i, &threads[i]),
				 0);
	while (cursor < WRITERS * EVENTS / 2) {
		if (trace_read(m, &cursor, buf, sizeof(buf)) > 0)
			lines += check_lines(buf, next);
	}
	for (u64 i = 0; i < WRITERS; i++)
		host_thread_join(threads[i]);
	while (trace_read(m, &cursor, buf, sizeof(buf)) > 0)
		lines += check_lines(buf, next);
	assert_int_equal(cursor, WRITERS * EVENTS + 1);
	assert_in_range(lines, 16, WRITERS * EVENTS);
	/* At rest the whole ring is readable. */
	cursor = cursor - 16;
	assert_true(trace_read(m, &cursor, buf, sizeof(buf)) > 0);
	memset(next, 0, sizeof(next));
	assert_int_equal(check_lines(buf, next), 16);
}
#else
static void many_writers_one_reader(void **state)
{
	(void)state;
	skip(); /* fibers do not run at once */
}
#endif

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(lines_look_like_ftrace),
		TEST(reading_line_by_line_gives_the_same),
		TEST(a_line_that_cannot_fit_is_cut),
		TEST(lost_events_are_counted),
		TEST(no_ring_no_events),
		TEST(many_writers_one_reader),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
