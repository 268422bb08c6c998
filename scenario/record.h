/* SPDX-License-Identifier: MIT */
/*
 * A run written down, and a second run held against it.
 *
 * While only one thread runs, steps are compared in order, and every live process is looked
 * at after each. While several run, the backends interleave them differently: then each
 * thread's own steps are compared in its own order, without the values they read, and nothing
 * is looked at or printed for comparison.
 */
#ifndef SCENARIO_RECORD_H
#define SCENARIO_RECORD_H

#include "scenario/observe.h"

struct scn_recording;

struct scn_recording *scn_recording_new(void);
void scn_recording_free(struct scn_recording *recording);
/* The session writes its steps down. */
void scn_record(struct scn_recording *recording, struct scn_session *session);
/*
 * The session is stopped (SCN_STOPPED) at its first difference, which is described in
 * report. The recording must not be in use by another session.
 */
void scn_compare(struct scn_recording *recording, struct scn_session *session,
		 struct scn_buffer *report);
/* After the second run: did it leave out steps of the first? Describes the first such. */
bool scn_compare_rest(struct scn_recording *recording, struct scn_buffer *report);
uint64_t scn_recording_steps(const struct scn_recording *recording);

#endif
