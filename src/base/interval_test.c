/* SPDX-License-Identifier: MIT */
/* The tree of intervals against an array of them, searched from end to end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/interval.h"
#include "base/prng.h"

#define NODES 200
#define STEPS 6000

static struct interval_tree tree;
static struct interval_node nodes[NODES];
static bool present[NODES];
static u64 came[NODES]; /* when it was inserted */
static u64 insertions;
static struct prng rng;

/* Each node's largest end is right, and starts are in order. */
static pgoff_t check_subtree(const struct interval_node *node)
{
	const struct interval_node *left, *right;
	pgoff_t last;

	if (!node)
		return 0;
	left = RB_LEFT(node, rb);
	right = RB_RIGHT(node, rb);
	assert_true(!left || left->first <= node->first);
	assert_true(!right || right->first >= node->first);
	last = MAX(check_subtree(left), check_subtree(right));
	last = MAX(last, node->last);
	assert_int_equal(node->subtree_last, last);
	return last;
}

static void compare_search(pgoff_t first, pgoff_t last)
{
	struct interval_node *node;
	bool found[NODES] = { false };
	pgoff_t before = 0;
	u64 came_before = 0;

	for_each_interval(node, &tree, first, last)
	{
		long i = node - nodes;

		assert_in_range(i, 0, NODES - 1);
		assert_true(present[i]);
		assert_false(found[i]);
		assert_true(node->first >= before);
		assert_true(node->first > before || came[i] > came_before);
		came_before = came[i];
		before = node->first;
		found[i] = true;
	}
	for (int i = 0; i < NODES; i++)
		assert_int_equal(found[i],
				 present[i] && nodes[i].first <= last && nodes[i].last >= first);
}

static pgoff_t random_offset(unsigned bits)
{
	/* Some at the very end: nothing may wrap around. */
	if (prng_below(&rng, 16) == 0)
		return ~0ull - prng_below(&rng, 4);
	return prng_below(&rng, BIT(bits));
}

static void random_range(unsigned bits, pgoff_t *ret_first, pgoff_t *ret_last)
{
	pgoff_t a = random_offset(bits), b = random_offset(bits);

	*ret_first = MIN(a, b);
	*ret_last = MAX(a, b);
	/* Short ones too, or everything meets everything. */
	if (prng_below(&rng, 2) && *ret_last - *ret_first > 3)
		*ret_last = *ret_first + prng_below(&rng, 4);
}

static void run(u64 seed)
{
	unsigned bits = 3 + (unsigned)prng_below(&rng, 8);
	u64 bias = 1 + prng_below(&rng, 8);

	print_message("seed %llu\n", (unsigned long long)seed);
	for (int step = 0; step < STEPS; step++) {
		u64 i = prng_below(&rng, NODES);
		pgoff_t first, last;

		if (!present[i] && prng_below(&rng, 10) < bias) {
			random_range(bits, &nodes[i].first, &nodes[i].last);
			interval_insert(&tree, &nodes[i]);
			present[i] = true;
			came[i] = ++insertions;
		} else if (present[i]) {
			interval_remove(&tree, &nodes[i]);
			present[i] = false;
		}
		if (step % 8)
			continue;
		(void)check_subtree(RB_ROOT(&tree));
		random_range(bits, &first, &last);
		compare_search(first, last);
	}
	for (int i = 0; i < NODES; i++) {
		if (present[i])
			interval_remove(&tree, &nodes[i]);
		present[i] = false;
	}
	assert_true(RB_EMPTY(&tree));
}

static void searches_agree_with_an_array(void **state)
{
	(void)state;
	for (u64 seed = 1; seed <= 8; seed++) {
		prng_seed(&rng, seed);
		run(seed);
	}
}

static void equal_intervals_are_all_found(void **state)
{
	(void)state;
	for (int i = 0; i < NODES; i++) {
		nodes[i].first = 5;
		nodes[i].last = 9;
		interval_insert(&tree, &nodes[i]);
		present[i] = true;
		came[i] = ++insertions;
	}
	(void)check_subtree(RB_ROOT(&tree));
	compare_search(9, 9);
	compare_search(0, 4);
	compare_search(10, ~0ull);
	for (int i = 0; i < NODES; i++) {
		interval_remove(&tree, &nodes[i]);
		present[i] = false;
		if (i % 16 == 0)
			compare_search(0, 5);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(searches_agree_with_an_array),
		cmocka_unit_test(equal_intervals_are_all_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
