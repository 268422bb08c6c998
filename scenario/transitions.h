/* SPDX-License-Identifier: MIT */
/* Which changes of page table entries were made by the steps of a corpus; for coverage. */
#ifndef SCENARIO_TRANSITIONS_H
#define SCENARIO_TRANSITIONS_H

#include <stdio.h>

#include "usermm/usermm.h"

/* Before the machine is built: it has to keep events. */
void scn_transitions_prepare(struct umm_config *config);
/* After each step on the model; alone: no other step has been under way since the last. */
void scn_transitions_step(struct umm_machine *machine, bool alone);
/* The list; adds to the counts: reached, missed, and what happened although it is not listed. */
void scn_transitions_print(FILE *stream, unsigned *reached, unsigned *missed, unsigned *unlisted);

#endif
