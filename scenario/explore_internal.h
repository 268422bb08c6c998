/* SPDX-License-Identifier: MIT */
#ifndef SCENARIO_EXPLORE_INTERNAL_H
#define SCENARIO_EXPLORE_INTERNAL_H

#include "explore/render.h"
#include "scenario/explore.h"

/* While it is shown: executions tell each call of the scenario when it is over. */
void explore_tell_steps(struct scn_explore *explore, bool tell);
int explore_tell_step(void *arg, struct scn_session *session, const struct scn_step *step);
/* What an operation is about, in words of the machine, as it is now. */
void explore_name_object(const struct sim_op *op, char *buf, size_t size);
/* Where the shown events come from, as far as the program's debug information tells. */
void explore_find_places(struct explore_line *lines, unsigned nr);

#endif
