/* SPDX-License-Identifier: MIT */
/* Memory that is put back: all of it, over and over, also more than what is usual. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/uapi.h"
#include "explore/restore.h"
#include "host/host.h"

#define PAGES 10000

static void count_page(void *arg, void *page)
{
	(void)page;
	(*(u64 *)arg)++;
}

static void test_all_of_it(void **state)
{
	u64 bytes = (u64)PAGES << PAGE_SHIFT, nr = 0;
	volatile u8 *memory = host_alloc(bytes);

	(void)state;
	assert_non_null(memory);
	memory[3] = 7;
	assert_int_equal(restore_add((void *)memory, bytes), 0);
	assert_int_equal(restore_take(), 0);
	assert_int_equal(restore_pages(), 0);
	for (int round = 1; round <= 3; round++) {
		for (u64 page = 0; page < PAGES; page++)
			memory[(page << PAGE_SHIFT) + 3] += (u8)round;
		restore_back();
		assert_int_equal(memory[3], 7);
		for (u64 page = 1; page < PAGES; page++)
			assert_int_equal(memory[(page << PAGE_SHIFT) + 3], 0);
	}
	assert_int_equal(restore_pages(), PAGES);
	restore_each((void *)(memory + PAGE_SIZE), bytes / 2, count_page, &nr);
	assert_int_equal(nr, PAGES / 2);
	restore_end();
	memory[3] = 8;
	assert_int_equal(restore_pages(), 0);
	host_free((void *)memory, bytes);
}

/* Only what is written costs anything. */
static void test_what_is_written(void **state)
{
	u64 bytes = (u64)PAGES << PAGE_SHIFT;
	volatile u8 *memory = host_alloc(bytes);
	u64 sum = 0;

	(void)state;
	assert_int_equal(restore_add((void *)memory, bytes / 2), 0);
	assert_int_equal(restore_add((void *)(memory + bytes / 2), bytes / 2), 0);
	assert_int_equal(restore_take(), 0);
	for (u64 page = 0; page < PAGES; page++)
		sum += memory[page << PAGE_SHIFT];
	assert_int_equal(sum, 0);
	memory[bytes - 1] = 1;
	memory[0] = 1;
	memory[1] = 2;
	assert_int_equal(restore_pages(), 2);
	restore_back();
	assert_int_equal(memory[bytes - 1] + memory[0] + memory[1], 0);
	restore_end();
	host_free((void *)memory, bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_of_it),
		cmocka_unit_test(test_what_is_written),
	};

	return cmocka_run_group_tests_name("explore/restore", tests, NULL, NULL);
}
