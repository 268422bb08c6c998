/* SPDX-License-Identifier: MIT */
/*
 * base: closed intervals [first, last] of page offsets in a balanced tree, each node knowing the
 * largest end below it, so that all intervals that meet a range are found in O(log n + hits).
 * Equal intervals may occur more than once. The caller's lock guards a tree.
 */
#ifndef BASE_INTERVAL_H
#define BASE_INTERVAL_H

#include <bsd/sys/tree.h>

#include "base/types.h"

struct interval_node {
	RB_ENTRY(interval_node) rb;
	pgoff_t first, last;
	pgoff_t subtree_last;
};

RB_HEAD(interval_tree, interval_node);

/* node->first and last are set by the caller and must not change while it is in a tree. */
void interval_insert(struct interval_tree *tree, struct interval_node *node);
void interval_remove(struct interval_tree *tree, struct interval_node *node);
/*
 * The nodes that meet [first, last], in order of their start, those with the same start in the
 * order in which they came: a walk that goes on while one is copied finds the original first.
 * NULL: no (more).
 */
struct interval_node *interval_first(struct interval_tree *tree, pgoff_t first, pgoff_t last);
struct interval_node *interval_next(struct interval_node *node, pgoff_t first, pgoff_t last);

#define for_each_interval(node, tree, from, to) \
	for (node = interval_first(tree, from, to); node; node = interval_next(node, from, to))

#endif
