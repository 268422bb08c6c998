/* SPDX-License-Identifier: MIT */
/*
 * litmus: the smallest programs that tell one memory model from another. Each is a few threads
 * and an outcome; the question is whether any execution ends with it.
 *
 *   x=1    write        x:=1   write, release       a=x    read        a:=x   read, acquire
 *   p=&x   a pointer    a=*b   read through it      +s -s  take and release a lock
 *   mb rmb wmb          barriers
 *
 * Words x y z and p, which points to z at first; the others begin as 0. Registers a b c d e.
 * Locks s t. The outcome is of registers and of what words hold at the end.
 */
#ifndef EXPLORE_LITMUS_H
#define EXPLORE_LITMUS_H

#include "explore/weak.h"

#define LITMUS_MAX_THREADS 4

enum litmus_verdict { LITMUS_NEVER, LITMUS_SOMETIMES };

struct litmus {
	const char *name;
	const char *threads[LITMUS_MAX_THREADS];
	const char *outcome;
	/* Under tso; and what Linux's model says. Under sc the outcomes are all impossible. */
	enum litmus_verdict tso, linux_says;
	/* The kernel's own test of this shape; NULL: the verdict follows from its model's rules. */
	const char *kernel_test;
	/* Stricter here than there: a write that would have to overtake a read. */
	bool overtakes;
};

extern const struct litmus litmus_tests[];
extern const unsigned nr_litmus_tests;

struct litmus_result {
	enum litmus_verdict verdict;
	u64 graphs;
	u64 with_outcome;
};

/* What the model must say. */
enum litmus_verdict litmus_expected(const struct litmus *test, enum weak_memory memory);

/*
 * Run the test in every way. without: a barrier that does nothing this time, or ":=": release
 * and acquire are plain; or NULL. 0, or as weak_explore.
 */
int litmus_run(const struct litmus *test, enum weak_memory memory, const char *without,
	       struct litmus_result *ret_result);
/*
 * The same step by step, in a mode of the explorer, under tso or weak. result.graphs: executions,
 * of which several may be one graph.
 */
int litmus_run_stepped(const struct litmus *test, enum weak_memory memory, enum explore_mode mode,
		       u64 executions, struct litmus_result *ret_result);

#endif
