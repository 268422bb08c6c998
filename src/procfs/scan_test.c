/* SPDX-License-Identifier: MIT */
/* Covers: B17, G1, A3 */
/*
 * PAGEMAP_SCAN over eight pages of anonymous memory, private and shared; every answer is what Linux
 * 6.18 gave for the same history:
 *
 *     0  1  2  3  4  5  6  7
 *     W  W  .  r  .  W  .  .        written, only read, untouched
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/uapi.h"
#include "procfs/procfs.h"

#define PAGE 4096ull
#define PAGES 8
#define RW (PROT_READ | PROT_WRITE)
#define MAX_REGIONS 16

static struct umm_machine *machine;
static struct umm_task *task;
static u64 a;
static struct page_region regions[MAX_REGIONS];

static void set_up(int map_flags)
{
	struct umm_config config;
	u64 value;

	umm_config_init(&config);
	config.ram_bytes = 4 << 20;
	assert_int_equal(umm_machine_create(&config, &machine), 0);
	assert_int_equal(umm_process_create(machine, &task), 0);
	a = (u64)umm_mmap(task, 0x10000000, PAGES * PAGE, RW, map_flags | MAP_ANONYMOUS | MAP_FIXED,
			  -1, 0);
	assert_int_equal(a, 0x10000000);
	assert_int_equal(umm_store(task, a, 8, 1, NULL), 0);
	assert_int_equal(umm_store(task, a + PAGE, 8, 1, NULL), 0);
	assert_int_equal(umm_load(task, a + 3 * PAGE, 8, &value, NULL), 0);
	assert_int_equal(umm_store(task, a + 5 * PAGE, 8, 1, NULL), 0);
}

static void finish(void)
{
	char findings[4096];

	if (umm_verify(machine, findings, sizeof(findings)))
		fail_msg("%s", findings);
	umm_machine_destroy(machine);
}

static struct pm_scan_arg new_arg(u64 flags, u64 mask, u64 return_mask)
{
	return (struct pm_scan_arg){
		.size = sizeof(struct pm_scan_arg),
		.flags = flags,
		.start = a,
		.end = a + PAGES * PAGE,
		.vec = (u64)(uintptr_t)regions,
		.vec_len = MAX_REGIONS,
		.category_mask = mask,
		.return_mask = return_mask,
	};
}

/* "[0,2) a [3,4) 8 -> 5": regions in pages with their categories, and where it stopped. */
static void want_scan(struct pm_scan_arg arg, const char *want)
{
	char text[512];
	int64_t nr = umm_pagemap_scan(task, &arg);
	size_t len = 0;

	if (nr < 0)
		fail_msg("scan: %d", (int)nr);
	for (int64_t i = 0; i < nr; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "[%d,%d) %x ",
					(int)((regions[i].start - a) / PAGE),
					(int)((regions[i].end - a) / PAGE),
					(unsigned)regions[i].categories);
	(void)snprintf(text + len, sizeof(text) - len, "-> %d", (int)((arg.walk_end - a) / PAGE));
	assert_string_equal(text, want);
}

static void want(u64 flags, u64 mask, u64 return_mask, const char *text)
{
	want_scan(new_arg(flags, mask, return_mask), text);
}

static void want_limit(u64 mask, u64 vec_len, u64 max_pages, const char *text)
{
	struct pm_scan_arg arg = new_arg(0, mask, mask);

	arg.vec_len = vec_len;
	arg.max_pages = max_pages;
	want_scan(arg, text);
}

static void register_async(void)
{
	struct uffdio_api api = { .api = UFFD_API,
				  .features = UFFD_FEATURE_WP_ASYNC | UFFD_FEATURE_WP_UNPOPULATED |
					      UFFD_FEATURE_WP_HUGETLBFS_SHMEM |
					      UFFD_FEATURE_PAGEFAULT_FLAG_WP };
	struct uffdio_register reg = { .range = { a, PAGES * PAGE },
				       .mode = UFFDIO_REGISTER_MODE_WP };
	int fd = umm_userfaultfd(task, O_NONBLOCK);

	assert_true(fd >= 0);
	assert_int_equal(umm_ioctl(task, fd, UFFDIO_API, &api), 0);
	assert_int_equal(umm_ioctl(task, fd, UFFDIO_REGISTER, &reg), 0);
}

static void what_is_there(void **state)
{
	(void)state;
	set_up(MAP_PRIVATE);
	want(0, 0, 0xff, "[0,2) a [2,3) 2 [3,4) 2a [4,5) 2 [5,6) a [6,8) 2 -> 8");
	want(0, PAGE_IS_WRITTEN, PAGE_IS_WRITTEN, "[0,8) 2 -> 8");
	want(0, PAGE_IS_FILE, 0xff, "-> 8");
	want(PM_SCAN_WP_MATCHING, PAGE_IS_WRITTEN, PAGE_IS_WRITTEN, "-> 8");
	finish();
	set_up(MAP_SHARED);
	want(0, 0, 0xff, "[0,2) e [2,3) 2 [3,4) e [4,5) 2 [5,6) e [6,8) 2 -> 8");
	finish();
}

static void as_much_as_fits(void **state)
{
	(void)state;
	set_up(MAP_PRIVATE);
	want_limit(PAGE_IS_PRESENT, 1, 0, "[0,2) 8 -> 3");
	want_limit(PAGE_IS_PRESENT, 2, 0, "[0,2) 8 [3,4) 8 -> 5");
	want_limit(PAGE_IS_PRESENT, 0, 0, "-> 8");
	want_limit(PAGE_IS_PRESENT, 16, 1, "[0,1) 8 -> 1");
	want_limit(PAGE_IS_PRESENT, 16, 2, "[0,2) 8 -> 3");
	want_limit(PAGE_IS_PRESENT, 16, 3, "[0,2) 8 [3,4) 8 -> 5");
	want_limit(PAGE_IS_PRESENT, 16, 4, "[0,2) 8 [3,4) 8 [5,6) 8 -> 8");
	finish();
}

/* One that protects what it finds says next time what was written since. */
static void what_was_written_since(void **state)
{
	struct pm_scan_arg arg;

	(void)state;
	if (!ARCH_HAS_UFFD_WP) {
		print_message("skipped: no uffd-wp bit in the entries of this architecture\n");
		skip();
	}
	for (int shared = 0; shared < 2; shared++) {
		set_up(shared ? MAP_SHARED : MAP_PRIVATE);
		register_async();
		want(3, 2, 2, "[0,8) 2 -> 8");
		want(3, 2, 2, "-> 8");
		assert_int_equal(umm_store(task, a + PAGE, 8, 2, NULL), 0);
		assert_int_equal(umm_store(task, a + 7 * PAGE, 8, 2, NULL), 0);
		want(0, 2, 2, "[1,2) 2 [7,8) 2 -> 8");
		want(3, 2, 0xff, shared ? "[1,2) f [7,8) f -> 8" : "[1,2) b [7,8) b -> 8");
		assert_int_equal(umm_store(task, a, 8, 2, NULL), 0);
		assert_int_equal(umm_madvise(task, a + PAGE, PAGE, MADV_DONTNEED), 0);
		want(0, 0, 0xff,
		     shared ? "[0,1) f [1,3) 11 [3,4) d [4,5) 11 [5,6) d [6,7) 11 [7,8) d -> 8" :
			      "[0,1) b [1,2) 3 [2,3) 11 [3,4) 29 [4,5) 11 [5,6) 9 [6,7) 11 [7,8) 9 "
			      "-> 8");
		/* Nobody asks which: all. */
		arg = new_arg(PM_SCAN_WP_MATCHING, 2, 2);
		arg.vec = arg.vec_len = 0;
		want_scan(arg, "-> 8");
		want(0, 2, 2, "-> 8");
		/* No room is as good as no vec, and the mask says nothing then. */
		assert_int_equal(umm_store(task, a, 8, 3, NULL), 0);
		arg = new_arg(PM_SCAN_WP_MATCHING, PAGE_IS_SWAPPED, 2);
		arg.vec_len = 0;
		want_scan(arg, "-> 8");
		want(0, 2, 2, "-> 8");
		finish();
	}
}

static int64_t scan(struct pm_scan_arg arg)
{
	return umm_pagemap_scan(task, &arg);
}

static void bad_input(void **state)
{
	struct pm_scan_arg arg;

	(void)state;
	set_up(MAP_PRIVATE);
	assert_int_equal(umm_pagemap_scan(task, NULL), -EFAULT);
	arg = new_arg(0, 0, 0xff), arg.size = 8;
	assert_int_equal(scan(arg), -EINVAL);
	assert_int_equal(scan(new_arg(4, 0, 0xff)), -EINVAL);
	assert_int_equal(scan(new_arg(0, 0, 0x200)), -EINVAL);
	arg = new_arg(0, 0, 0xff), arg.start++;
	assert_int_equal(scan(arg), -EINVAL);
	arg = new_arg(0, 0, 0xff), arg.end = a - PAGE;
	assert_int_equal(scan(arg), -EFAULT);
	arg = new_arg(0, 0, 0xff), arg.end = ~0ull;
	assert_int_equal(scan(arg), -EFAULT);
	arg = new_arg(0, 0, 0xff), arg.vec = 0;
	assert_int_equal(scan(arg), -EINVAL);
	arg = new_arg(0, 0, 0xff), arg.vec_len = ~0ull;
	assert_int_equal(scan(arg), -EFAULT);
	arg = new_arg(0, 0, 0xff), arg.end = a;
	assert_int_equal(scan(arg), 0);
	assert_int_equal(scan(new_arg(PM_SCAN_CHECK_WPASYNC, 2, 2)), -EPERM);
	finish();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_there),
		cmocka_unit_test(as_much_as_fits),
		cmocka_unit_test(what_was_written_since),
		cmocka_unit_test(bad_input),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
