/* SPDX-License-Identifier: MIT */
/*
 * Explorations by several processes, with the result that one process would have.
 *
 * Searches (of the modes that go back) are cut into pieces (pieces.c), samples into batches; both
 * have an order that does not depend on who is done first. Counts are those of the whole. The
 * failure is the first one in that order: after it nothing is begun, what comes before it is
 * brought to its end. Pieces come in the order of one process that goes back, so with naive and
 * sleep it is the failure that the one process finds; with source and optimal, whose order is
 * made up on the way, it may be another one, but always the same. These two may also turn out to be
 * no search to be cut into pieces; then one process does all of it, which does not depend on who
 * is faster either.
 */
#ifndef EXPLORE_JOBS_H
#define EXPLORE_JOBS_H

#include "explore/explore.h"

#define EXPLORE_MAX_JOBS 64
#define EXPLORE_MAX_KINDS 4

struct explore_jobs {
	unsigned processes; /* 1 .. EXPLORE_MAX_JOBS */
	/* Samples: batch i has so many executions of kind i % nr_kinds, seed options.seed + i. */
	u64 batch;
	enum explore_mode kinds[EXPLORE_MAX_KINDS];
	unsigned nr_kinds; /* 0: a search, of options.mode */
};

struct explore_jobs_result {
	struct explore_result all;
	u64 hash;               /* of all trace hashes, in any order */
	enum explore_mode mode; /* of the failure, or of the last batch */
	u64 parts;              /* pieces or batches that were finished */
	bool lost;              /* a process has ended without an answer */
	bool alone;             /* pieces were not worth it: one process has done it all */
};

/*
 * As explore(), but for this: a failure always ends it; each is not called, and if it is NULL
 * there is no hash; a search may exceed max_executions, which pieces that are under way at once
 * do not know of each other. Output that is not flushed is written by every process. 0; -EINVAL,
 * also for a search under memory that is not sc; or another -errno.
 */
int explore_by_jobs(const struct explore_program *program, const struct explore_options *options,
		    const struct explore_jobs *jobs, struct explore_jobs_result *ret_result);

/* A sum: what it gives does not depend on the order. */
u64 explore_hash_add(u64 sum, u64 trace_hash);

#endif
