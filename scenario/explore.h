/* SPDX-License-Identifier: MIT */
/*
 * A scenario as a program under exploration. Its set-up runs once, up to concurrent(); from
 * there on everything, the machine, Lua, the scenario's own state and the stack it stands on,
 * is put back before each execution, which runs the functions and then what follows them.
 *
 *   scn_explore_open   set-up ──► concurrent() ═╗
 *                                               ║ taken
 *   each execution     put back ► functions ► checks ► every process ends ► recount ► leaks
 */
#ifndef SCENARIO_EXPLORE_H
#define SCENARIO_EXPLORE_H

#include <stdio.h>

#include "explore/explore.h"
#include "scenario/script.h"

struct scn_explore;
struct explore_view;

/* A machine small enough to be put back fast, for a scenario that says nothing else. */
void scn_explore_config(struct umm_config *config);

/*
 * Run the set-up. NULL: it failed, or there is nothing to explore; outcome says which. One at
 * a time in a process.
 */
struct scn_explore *scn_explore_open(const struct scn_file *file, const struct umm_config *config,
				     struct scn_outcome *outcome);
/* For explore(), as often as wanted. */
const struct explore_program *scn_explore_program(struct scn_explore *explore);
/* What the thread of a number is called, "p1", "p1.t1", and the line of its concurrent(). */
const char *scn_explore_thread(struct scn_explore *explore, unsigned nr);
/*
 * The failure of the result again, as a column of events for each thread (explore/render.h). Of
 * the view, all_events, races_allowed and memory count.
 */
void scn_explore_list(struct scn_explore *scenario, const struct explore_result *result,
		      const struct explore_view *how, FILE *out);
/* Pages that each execution puts back. */
uint64_t scn_explore_pages(void);
void scn_explore_close(struct scn_explore *explore);

#endif
