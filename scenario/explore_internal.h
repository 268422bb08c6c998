/* SPDX-License-Identifier: MIT */
#ifndef SCENARIO_EXPLORE_INTERNAL_H
#define SCENARIO_EXPLORE_INTERNAL_H

#include "scenario/explore.h"
#include "sync/sim/sched.h"

#define MAX_LISTED (EXPLORE_MAX_EVENTS + 256)
#define MAX_FRAMES 6

struct script;

/* An event of an execution that is shown; kind 0: words about a thread. */
struct listed {
	u8 thread, kind, size;
	bool shown;
	const void *object, *object2;
	const char *site;
	u64 before, after;
	void *pc[MAX_FRAMES]; /* innermost first */
	char *source;         /* "file.c:12 function", when it could be found */
	char text[200];
};

struct explore_listing {
	unsigned nr;
	struct listed events[MAX_LISTED];
};

struct script *scn_explore_script(struct scn_explore *explore);
/* Run the execution of the result again and write it down. */
void explore_list_run(struct scn_explore *explore, const struct explore_result *result,
		      struct explore_listing *listing);
/* What an operation is about, in words of the machine, as it is now. */
void explore_name_object(const struct sim_op *op, char *buf, size_t size);
/* Where the shown events come from, as far as the program's debug information tells. */
void explore_find_sources(struct explore_listing *listing);
void explore_free_sources(struct explore_listing *listing);

#endif
