/* SPDX-License-Identifier: MIT */
/* What one can ask a machine, and that the answers are those of what has happened. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/uapi.h"
#include "machine/machine.h"

#define PAGE 4096ull
#define A 0x100000ull

static struct umm_machine *machine;
static struct umm_task *task;

static int set_up(void **state)
{
	struct umm_config config;

	(void)state;
	umm_config_init(&config);
	config.ram_bytes = 4 << 20;
	config.trace_events = 256;
	assert_int_equal(umm_machine_create(&config, &machine), 0);
	assert_int_equal(umm_process_create(machine, &task), 0);
	assert_int_equal(umm_mmap(task, A, 8 * PAGE, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
			 A);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	umm_machine_destroy(machine);
	return 0;
}

static struct umm_page_info info_of(struct umm_task *who, u64 addr)
{
	struct umm_page_info info;

	assert_int_equal(umm_page_info(who, addr, &info), 0);
	return info;
}

static void an_entry_and_its_page(void **state)
{
	struct umm_page_info info = info_of(task, A);
	struct umm_task *child;
	u64 value;

	(void)state;
	assert_int_equal(info.entry, 0);
	assert_string_equal(info.state, "none");
	assert_int_equal(umm_load(task, A, 8, &value, NULL), 0);
	info = info_of(task, A);
	assert_string_equal(info.state, "present");
	assert_true(info.zero_page && !info.anon && !info.dirty && !info.mapcount);
	assert_int_equal(umm_store(task, A, 8, 1, NULL), 0);
	info = info_of(task, A);
	assert_true(info.anon && info.anon_exclusive && info.dirty && !info.zero_page);
	assert_int_equal(info.refcount, 1);
	assert_int_equal(info.mapcount, 1);
	assert_int_equal(info.pincount, 0);
	assert_int_equal(umm_fork(task, &child), 0);
	info = info_of(task, A + 17);
	assert_true(info.anon && !info.anon_exclusive && info.dirty);
	assert_int_equal(info.refcount, 2);
	assert_int_equal(info.mapcount, 2);
	assert_int_equal(info_of(child, A).pfn, info.pfn);
	umm_task_exit(child);
	assert_int_equal(umm_madvise(task, A, PAGE, MADV_GUARD_INSTALL), 0);
	assert_string_equal(info_of(task, A).state, "marker");
	assert_int_equal(info_of(task, ~0ull).entry, 0);
}

/* A page of a file; one in swap, in the swap cache, and out of it again. */
static void where_a_page_is_kept(void **state)
{
	struct umm_page_info info;
	struct umm_task *child;
	int area, fd;
	u64 value;

	(void)state;
	fd = umm_memfd_create(task, "file", 0);
	assert_int_equal(umm_ftruncate(task, fd, PAGE), 0);
	assert_int_equal(umm_mmap(task, 2 * A, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
				  fd, 0),
			 2 * A);
	assert_int_equal(umm_store(task, 2 * A, 8, 1, NULL), 0);
	info = info_of(task, 2 * A);
	assert_true(info.file && info.swapbacked && info.uptodate && info.lru);
	assert_true(!info.anon && !info.swapcache && !info.swap_count);
	assert_int_equal(info.refcount, 2);

	area = umm_swap_create(machine, 64, -1);
	assert_true(area >= 0);
	assert_int_equal(umm_store(task, A, 8, 1, NULL), 0);
	assert_int_equal(umm_madvise(task, A, PAGE, MADV_PAGEOUT), 0);
	info = info_of(task, A);
	assert_string_equal(info.state, "swap");
	assert_int_equal(info.swap_area, area);
	assert_in_range(info.swap_slot, 1, 63);
	assert_int_equal(info.swap_count, 1);
	assert_true(!info.pfn && !info.anon && !info.refcount);
	assert_int_equal(umm_fork(task, &child), 0);
	assert_int_equal(info_of(child, A).swap_count, 2);
	assert_int_equal(umm_load(task, A, 8, &value, NULL), 0);
	value = info.swap_slot;
	info = info_of(task, A);
	assert_true(info.anon && info.swapcache && info.swapbacked && !info.anon_exclusive);
	assert_int_equal(info.swap_slot, value);
	assert_int_equal(info.swap_count, 1);
	umm_task_exit(child);
	assert_int_equal(umm_store(task, A, 8, 2, NULL), 0);
	assert_int_equal(info_of(task, A).swap_count, 0);
}

static void pins_are_counted(void **state)
{
	int64_t pin = umm_pin(task, A, 2 * PAGE);
	struct umm_page_info info = info_of(task, A);

	(void)state;
	assert_true(pin >= 0);
	assert_int_equal(info.pincount, 1);
	assert_int_equal(info.refcount, 1025);
	assert_int_equal(info.mapcount, 1);
	assert_int_equal(umm_unpin(task, pin), 0);
	assert_int_equal(info_of(task, A).pincount, 0);
}

static void tasks_in_a_row(void **state)
{
	struct umm_task *thread, *child, *at;
	unsigned n = 0;

	(void)state;
	assert_int_equal(umm_thread_create(task, &thread), 0);
	assert_int_equal(umm_fork(thread, &child), 0);
	assert_int_equal(umm_task_pid(thread), umm_task_pid(task));
	assert_int_not_equal(umm_task_tid(thread), umm_task_tid(task));
	assert_int_equal(umm_task_pid(task), umm_task_tid(task));
	assert_int_not_equal(umm_task_pid(child), umm_task_pid(task));
	for (at = umm_task_next(machine, NULL); at; at = umm_task_next(machine, at)) {
		assert_ptr_equal(umm_task_machine(at), machine);
		n++;
	}
	assert_int_equal(n, 3);
	umm_task_exit(thread);
	assert_ptr_equal(umm_task_next(machine, task), child);
	assert_null(umm_task_next(machine, child));
}

static u64 counter(const char *name)
{
	struct umm_counter counters[64];
	unsigned nr = umm_counters(machine, counters, 64);

	assert_true(nr <= 64);
	for (unsigned i = 0; i < nr; i++)
		if (!strcmp(counters[i].name, name))
			return counters[i].value;
	fail_msg("no counter %s", name);
	return 0;
}

static void counters_count(void **state)
{
	struct umm_counter one[2] = { { "untouched", 9 }, { "untouched", 9 } };
	u64 faults = counter("pgfault"), copies = counter("cow_copy");
	u64 free = counter("nr_free_pages");
	struct umm_task *child;

	(void)state;
	assert_int_equal(umm_store(task, A, 8, 1, NULL), 0);
	assert_int_equal(counter("pgfault"), faults + 1);
	assert_int_equal(umm_fork(task, &child), 0);
	assert_int_equal(umm_store(child, A, 8, 1, NULL), 0);
	assert_int_equal(counter("cow_copy"), copies + 1);
	assert_true(counter("nr_free_pages") < free);
	assert_true(umm_counters(machine, one, 1) > 1);
	assert_string_equal(one[1].name, "untouched");
}

static void events_are_told(void **state)
{
	char text[4096];
	uint64_t cursor = 0;
	size_t len;

	(void)state;
	assert_int_equal(umm_store(task, A + 2 * PAGE, 8, 1, NULL), 0);
	len = umm_trace_read(machine, &cursor, text, sizeof(text) - 1);
	assert_true(len > 0);
	text[len] = '\0';
	assert_non_null(strstr(text, "page_fault_user: address=0x102000"));
	assert_non_null(strstr(text, "mm_page_alloc: pfn="));
	assert_non_null(strstr(text, "umm_set_pte: "));
	assert_int_equal(umm_trace_read(machine, &cursor, text, sizeof(text)), 0);
}

static void sites_have_names(void **state)
{
	struct umm_fail fail = { .site = "no such site", .order = -1, .nth = 1 };
	uint64_t seen, failed;
	unsigned n = 0;

	(void)state;
	assert_int_equal(umm_fail_set(machine, &fail), -EINVAL);
	for (const char *name; (name = umm_fail_site(n)); n++) {
		fail.site = name;
		assert_int_equal(umm_fail_set(machine, &fail), 0);
	}
	assert_true(n > 8);
	fail.site = "anon_page";
	assert_int_equal(umm_fail_set(machine, &fail), 0);
	/* The instruction is given up only after the fault has been tried again and again. */
	assert_int_equal(umm_store(task, A, 8, 1, NULL), 0);
	umm_fail_stats(machine, &seen, &failed);
	assert_int_equal(failed, 1);
	assert_int_equal(seen, 2);
	assert_int_equal(umm_fail_set(machine, NULL), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_entry_and_its_page), TEST(where_a_page_is_kept), TEST(pins_are_counted),
		TEST(tasks_in_a_row),        TEST(counters_count),       TEST(events_are_told),
		TEST(sites_have_names),
	};

	return cmocka_run_group_tests_name("api-inspect", tests, NULL, NULL);
}
