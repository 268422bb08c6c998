/* SPDX-License-Identifier: MIT */
/*
 * A red-black tree by start of interval, each node with the largest end below it. A look-up goes
 * left as long as something there ends late enough: then either the first hit is there, or what
 * ends late enough also starts too late, and so does all that follows.
 *
 * libbsd's macros call RB_AUGMENT for the nodes that a rotation turns, not for all ancestors of a
 * node that came or went; update_path() does that from the lowest node affected.
 */
struct interval_node;
static void interval_augment(struct interval_node *node);
#define RB_AUGMENT(x) interval_augment(x)

#include "base/interval.h"

#include "base/assert.h"

/* Compares the one that is coming (a) with one that is there: equal ones stand as they came. */
static int interval_compare(const struct interval_node *a, const struct interval_node *b)
{
	if (a == b)
		return 0;
	return a->first < b->first ? -1 : 1;
}

RB_GENERATE_INTERNAL(interval_tree, interval_node, rb, interval_compare,
		     static __attribute__((unused)))

static void interval_augment(struct interval_node *node)
{
	pgoff_t last = node->last;

	if (RB_LEFT(node, rb))
		last = MAX(last, RB_LEFT(node, rb)->subtree_last);
	if (RB_RIGHT(node, rb))
		last = MAX(last, RB_RIGHT(node, rb)->subtree_last);
	node->subtree_last = last;
}

static void update_path(struct interval_node *node)
{
	for (; node; node = RB_PARENT(node, rb))
		interval_augment(node);
}

void interval_insert(struct interval_tree *tree, struct interval_node *node)
{
	struct interval_node *clash;

	VM_BUG_ON2(node->first > node->last, node->first, node->last);
	node->subtree_last = node->last;
	clash = RB_INSERT(interval_tree, tree, node);
	VM_BUG_ON2(clash, node->first, node->last);
	update_path(node);
}

/* Where a removal leaves the tree stale: the parent of the node that leaves its place. */
static struct interval_node *lowest_affected(struct interval_node *node)
{
	struct interval_node *successor;

	if (!RB_LEFT(node, rb) || !RB_RIGHT(node, rb))
		return RB_PARENT(node, rb);
	successor = RB_RIGHT(node, rb);
	while (RB_LEFT(successor, rb))
		successor = RB_LEFT(successor, rb);
	return RB_PARENT(successor, rb) == node ? successor : RB_PARENT(successor, rb);
}

void interval_remove(struct interval_tree *tree, struct interval_node *node)
{
	struct interval_node *affected = lowest_affected(node);

	VM_BUG_ON2(RB_EMPTY(tree), node->first, node->last);
	(void)RB_REMOVE(interval_tree, tree, node);
	update_path(affected);
}

/* The first hit below node, of which something ends at first or later. */
static struct interval_node *first_below(struct interval_node *node, pgoff_t first, pgoff_t last)
{
	for (;;) {
		struct interval_node *left = RB_LEFT(node, rb);

		if (left && left->subtree_last >= first) {
			node = left;
			continue;
		}
		if (node->first > last)
			return NULL;
		if (node->last >= first)
			return node;
		node = RB_RIGHT(node, rb);
		if (!node || node->subtree_last < first)
			return NULL;
	}
}

struct interval_node *interval_first(struct interval_tree *tree, pgoff_t first, pgoff_t last)
{
	struct interval_node *root = RB_ROOT(tree);

	VM_BUG_ON2(first > last, first, last);
	return root && root->subtree_last >= first ? first_below(root, first, last) : NULL;
}

struct interval_node *interval_next(struct interval_node *node, pgoff_t first, pgoff_t last)
{
	for (;;) {
		struct interval_node *right = RB_RIGHT(node, rb), *from;

		/* What lies to the right starts after node, and before all nodes above it. */
		if (right && right->subtree_last >= first)
			return first_below(right, first, last);
		do {
			from = node;
			node = RB_PARENT(node, rb);
		} while (node && RB_RIGHT(node, rb) == from);
		if (!node || node->first > last)
			return NULL;
		if (node->last >= first)
			return node;
	}
}
