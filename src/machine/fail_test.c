/* SPDX-License-Identifier: MIT */
/* Covers: P6 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/uapi.h"
#include "machine/machine.h"

static struct machine *m;

static int setup(void **state)
{
	struct umm_config config;

	(void)state;
	umm_config_init(&config);
	config.ram_bytes = 64 * PAGE_SIZE;
	config.seed = 7;
	return machine_create(&config, &m);
}

static int teardown(void **state)
{
	(void)state;
	machine_destroy(m);
	return 0;
}

/* Which of the next 64 allocations at the site fail, the first in bit 0. */
static u64 pattern(enum fail_site site, unsigned order)
{
	u64 bits = 0;

	for (unsigned i = 0; i < 64; i++) {
		if (should_fail(m, site, order))
			bits |= BIT(i);
	}
	return bits;
}

static void nothing_fails_unasked(void **state)
{
	(void)state;
	assert_int_equal(pattern(FAIL_PTE, 0), 0);
}

static void the_nth_fails_alone(void **state)
{
	(void)state;
	for (u64 nth = 1; nth <= 64; nth++) {
		const struct umm_fail fail = { .order = -1, .nth = nth };

		assert_int_equal(fail_set(m, &fail), 0);
		assert_true(pattern(FAIL_PTE, 0) == BIT(nth - 1));
	}
	assert_int_equal(fail_set(m, NULL), 0);
	assert_int_equal(pattern(FAIL_PTE, 0), 0);
}

static void sites_and_orders_select(void **state)
{
	static const struct {
		const char *site;
		int order;
		bool pte0, pte3, vma;
	} cases[] = {
		{ NULL, -1, true, true, true },
		{ "page", -1, true, true, false },
		{ "slab", -1, false, false, true },
		{ "pte", -1, true, true, false },
		{ "cow_page", -1, false, false, false },
		{ "vm_area_struct", -1, false, false, true },
		{ "page", 3, false, true, false },
		{ "page", 0, true, false, false },
		{ NULL, 0, true, false, true },
	};
	u64 seen, failed;

	(void)state;
	for (u64 i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct umm_fail fail = { .site = cases[i].site,
					       .order = cases[i].order,
					       .probability = 1 };
		u64 expected = 64 * (cases[i].pte0 + cases[i].pte3 + cases[i].vma);

		assert_int_equal(fail_set(m, &fail), 0);
		assert_true(pattern(FAIL_PTE, 0) == (cases[i].pte0 ? ~0ull : 0));
		assert_true(pattern(FAIL_PTE, 3) == (cases[i].pte3 ? ~0ull : 0));
		assert_true(pattern((enum fail_site)(FAIL_SLAB_FIRST + CACHE_VMA), 0) ==
			    (cases[i].vma ? ~0ull : 0));
		fail_stats(m, &seen, &failed);
		assert_int_equal(seen, expected);
		assert_int_equal(failed, expected);
	}
}

static void probability_follows_the_seed(void **state)
{
	const struct umm_fail fail = { .order = -1, .probability = 0.25 };
	const struct umm_fail never = { .order = -1, .probability = 0 };
	u64 first[16], failures = 0;

	(void)state;
	assert_int_equal(fail_set(m, &fail), 0);
	for (int i = 0; i < 16; i++) {
		first[i] = pattern(FAIL_PTE, 0);
		failures += (u64)__builtin_popcountll(first[i]);
	}
	/* 1024 draws, mean 256, five standard deviations. */
	assert_in_range(failures, 256 - 70, 256 + 70);
	assert_int_equal(fail_set(m, &fail), 0);
	for (int i = 0; i < 16; i++)
		assert_true(pattern(FAIL_PTE, 0) == first[i]);
	assert_int_equal(fail_set(m, &never), 0);
	assert_int_equal(pattern(FAIL_PTE, 0), 0);
}

static void nonsense_is_refused(void **state)
{
	const struct umm_fail bad[] = {
		{ .site = "nowhere", .order = -1 },
		{ .site = "", .order = -1 },
		{ .order = -2 },
		{ .order = -1, .probability = -0.1 },
		{ .order = -1, .probability = 1.1 },
		{ .order = -1, .probability = __builtin_nan("") },
	};

	(void)state;
	for (u64 i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(fail_set(m, &bad[i]), -EINVAL);
	assert_int_equal(pattern(FAIL_PTE, 0), 0);
}

static void every_site_has_a_name(void **state)
{
	(void)state;
	for (unsigned i = 0; i < NR_FAIL_SITES; i++) {
		const struct umm_fail fail = { .site = fail_site_name(i), .order = -1, .nth = 1 };

		assert_non_null(fail_site_name(i));
		assert_int_equal(fail_set(m, &fail), 0);
		assert_int_equal(pattern((enum fail_site)i, 0), 1);
	}
	assert_null(fail_site_name(NR_FAIL_SITES));
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(nothing_fails_unasked),   TEST(the_nth_fails_alone),
		TEST(sites_and_orders_select), TEST(probability_follows_the_seed),
		TEST(nonsense_is_refused),     TEST(every_site_has_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
