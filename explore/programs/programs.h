/* SPDX-License-Identifier: MIT */
/*
 * programs: the small concurrent programs that the literature counts with. Each takes a size n;
 * its state is static, so one of them at a time.
 */
#ifndef EXPLORE_PROGRAMS_PROGRAMS_H
#define EXPLORE_PROGRAMS_PROGRAMS_H

#include "explore/explore.h"

/*
 * What each is, and how large it may be.
 *      name              smallest  largest
 */
#define PROGRAMS(X)                                                                          \
	X(fib_bench, 1, 12)     /* two threads add each to the other's word; one reads */    \
	X(fib2, 1, 12)          /* the same, and nobody reads */                             \
	X(ainc, 1, 12)          /* n threads increment one word */                           \
	X(readers, 1, 31)       /* one writes, n read */                                     \
	X(floating_read, 1, 12) /* n write, one reads */                                     \
	X(lastzero, 1, 31)      /* n count up along an array, one looks for its zero */      \
	X(casrot, 1, 31)        /* thread i exchanges i for i + 1 */                         \
	X(sb, 2, 12)            /* store buffering, a ring of n threads */                   \
	X(mp, 1, 31)            /* message passing: n words written, read backwards */       \
	X(big0, 1, 1)           /* two read four words in turn, which two others write */    \
	X(indexer, 1, 31)       /* n threads enter keys into a hash table of locked slots */ \
	X(phil, 2, 31)          /* dining philosophers, left fork first: deadlocks */        \
	X(szymanski, 1, 2)      /* mutual exclusion, n rounds, two tries for each wait */    \
	X(peterson, 1, 2)                                                                    \
	X(dekker, 1, 2)                                                                      \
	X(reorder, 2, 32)   /* n - 1 set two words, one sees half of it */                   \
	X(twostage, 2, 32)  /* n - 1 update in two critical sections, one looks between */   \
	X(wronglock, 2, 32) /* one update is under a lock, n - 1 under another */

struct program_info {
	const char *name;
	unsigned smallest, largest;
	void (*make)(unsigned n, struct explore_program *ret_program);
};

extern const struct program_info programs[];

/* False: there is none of this name, or not of this size. */
bool program_make(const char *name, unsigned n, struct explore_program *ret_program);

#define X(name, smallest, largest) \
	void program_##name(unsigned n, struct explore_program *ret_program);
PROGRAMS(X)
#undef X

#endif
