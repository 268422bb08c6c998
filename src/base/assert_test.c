/* SPDX-License-Identifier: MIT */
/* A failed assertion says what, where and which values, to the handler that is installed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/assert.h"
#include "base/list.h"
#include "base/prng.h"
#include "base/uapi.h"

static jmp_buf jump;
static char said[512];

static void catch_bug(const char *text)
{
	strncpy(said, text, sizeof(said) - 1);
	longjmp(jump, 1);
}

static void test_says_what(void **state)
{
	umm_bug_handler *old = umm_bug_set_handler(catch_bug);
	volatile int apples = 3;

	(void)state;
	if (setjmp(jump) == 0)
		VM_BUG_ON2(apples > 2, apples, 0xbeef);
	assert_non_null(strstr(said, "BUG: apples > 2, at "));
	assert_non_null(strstr(said, "assert_test.c:"));
	assert_non_null(strstr(said, "test_says_what (0x3, 0xbeef)\n"));
	said[0] = '\0';
	if (setjmp(jump) == 0)
		VM_BUG_ON(apples == 4);
	assert_string_equal(said, "");
	if (setjmp(jump) == 0)
		VM_UNREACHABLE();
	assert_non_null(strstr(said, "unreachable"));
	said[0] = '\0';
	if (setjmp(jump) == 0)
		VM_DEBUG_ON(apples == 3);
#ifdef UMM_DEBUG
	assert_non_null(strstr(said, "apples == 3"));
#else
	assert_string_equal(said, "");
#endif
	assert_ptr_equal(umm_bug_set_handler(old), catch_bug);
}

struct node {
	int value;
	struct list_head list;
};

static int sum(struct list_head *head)
{
	struct node *node;
	int total = 0;

	list_for_each_entry(node, head, list)
		total = total * 10 + node->value;
	return total;
}

static void test_list(void **state)
{
	struct node nodes[4] = { { .value = 1 }, { .value = 2 }, { .value = 3 }, { .value = 4 } };
	struct node *node, *next;
	struct list_head head;

	(void)state;
	list_init(&head);
	assert_true(list_empty(&head));
	list_add(&nodes[1].list, &head);
	assert_true(list_is_singular(&head));
	list_add(&nodes[0].list, &head);
	list_add_tail(&nodes[2].list, &head);
	list_add_tail(&nodes[3].list, &head);
	assert_false(list_is_singular(&head));
	assert_int_equal(sum(&head), 1234);
	assert_int_equal(list_first_entry(&head, struct node, list)->value, 1);
	assert_int_equal(list_last_entry(&head, struct node, list)->value, 4);
	list_for_each_entry_safe(node, next, &head, list) {
		if (node->value % 2)
			list_del_init(&node->list);
	}
	assert_int_equal(sum(&head), 24);
	assert_true(list_empty(&nodes[0].list));
}

static void test_prng(void **state)
{
	struct prng a, b;
	unsigned seen[10] = { 0 };

	(void)state;
	prng_seed(&a, 42);
	prng_seed(&b, 42);
	assert_true(prng_next(&a) == UINT64_C(0xbdd732262feb6e95));
	assert_true(prng_next(&b) == UINT64_C(0xbdd732262feb6e95));
	for (int i = 0; i < 10000; i++) {
		u64 below = prng_below(&a, 10);

		assert_true(below == prng_below(&b, 10));
		assert_in_range(below, 0, 9);
		seen[below]++;
	}
	for (int i = 0; i < 10; i++)
		assert_in_range(seen[i], 800, 1200);
}

static void test_error_values(void **state)
{
	(void)state;
	assert_true(is_error_value((u64)-EINVAL));
	assert_true(is_error_value((u64)-MAX_ERRNO));
	assert_false(is_error_value((u64)-MAX_ERRNO - 1));
	assert_false(is_error_value(0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_says_what),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_prng),
		cmocka_unit_test(test_error_values),
	};

	return cmocka_run_group_tests_name("base/assert", tests, NULL, NULL);
}
