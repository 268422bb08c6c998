/* SPDX-License-Identifier: MIT */
/* The end of a scenario on the model: every process ends, and nothing of any may be left. */
#ifndef SCENARIO_ENDING_H
#define SCENARIO_ENDING_H

#include "scenario/session.h"

struct machine;

/* Threads first. What comes of it is not looked at. */
void scn_end_tasks(struct scn_session *session);
/* Objects, frames or slots that are still in use, in words; false: none. */
bool scn_find_leaks(struct machine *m, char *ret_text, size_t size);

#endif
