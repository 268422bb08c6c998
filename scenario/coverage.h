/* SPDX-License-Identifier: MIT */
/*
 * Which calls, flags, advice, errors and signals the scenarios of this run reached, of those
 * that the model knows. The table is in coverage.c; a call that learns a flag or an error
 * learns it there too.
 */
#ifndef SCENARIO_COVERAGE_H
#define SCENARIO_COVERAGE_H

#include <stdio.h>

#include "scenario/session.h"

/* Notes the session's steps, and passes them on to its watcher. */
void scn_coverage_watch(struct scn_session *session);
/* The list; false when something that the model can do was reached by no scenario. */
bool scn_coverage_print(FILE *stream);

#endif
