/* SPDX-License-Identifier: MIT */
/*
 * What can be seen of a process, as one text that is the same on both backends when they
 * agree: sections "== maps", "== smaps", "== smaps_rollup", "== pagemap" (the bits of every
 * page that is not empty, without frame numbers) and "== mincore".
 */
#ifndef SCENARIO_OBSERVE_H
#define SCENARIO_OBSERVE_H

#include "scenario/session.h"

/* A text that grows; zero-initialised it is empty. */
struct scn_buffer {
	char *text;
	size_t len, size;
	bool failed; /* memory ran out: the text is not complete */
};

void scn_buffer_add(struct scn_buffer *buffer, const char *text, size_t len);
void scn_buffer_printf(struct scn_buffer *buffer, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void scn_buffer_free(struct scn_buffer *buffer);

/* Of a vma at most this many pages are looked at one by one: so many at each end. */
#define SCN_OBSERVE_EDGE_PAGES 2048
/* And of a process at most this many. */
#define SCN_OBSERVE_PAGES 32768

/* Replaces the buffer's text. 0, or SCN_BROKEN with session->reason. */
int scn_observe(struct scn_session *session, struct scn_task *process, struct scn_buffer *buffer);

/*
 * The first section in which two views differ, side by side, appended to the report; false
 * when they are the same.
 */
bool scn_view_differs(const char *left, const char *right, struct scn_buffer *report);
/* One row of the two columns, marked when they differ; NULL is an absent line. */
void scn_report_row(struct scn_buffer *report, const char *left, size_t left_len, const char *right,
		    size_t right_len);
void scn_report_head(struct scn_buffer *report, const char *left, const char *right);

#endif
