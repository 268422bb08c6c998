/* SPDX-License-Identifier: MIT */
/* A scenario's steps as lines for people, or as JSON. */
#ifndef CLI_TIMELINE_H
#define CLI_TIMELINE_H

#include <stdio.h>

#include "scenario/session.h"

enum timeline_style { TIMELINE_TEXT, TIMELINE_JSON, TIMELINE_QUIET };

#define TIMELINE_COUNTERS 256

struct json_object;
struct pages;

struct timeline {
	struct scn_session *session;
	struct umm_counter first[TIMELINE_COUNTERS]; /* when the machine was new */
	unsigned nr_first;
	bool started;
	enum timeline_style style;
	FILE *trace;     /* every event goes there too; or NULL */
	uint64_t cursor; /* of the events shown so far */
	struct json_object *steps;
	struct json_object *now; /* the last step, for what happened in it */
	unsigned shown;          /* lines below the last step */
	struct pages *pages;     /* entries as they were after the last step */
};

/* Becomes the session's watcher. */
void timeline_init(struct timeline *timeline, struct scn_session *session,
		   enum timeline_style style, FILE *trace);
/* The counters, in text style. */
void timeline_finish(struct timeline *timeline);
void timeline_print_json(struct timeline *timeline, const char *path, const char *verdict,
			 const char *message);
void timeline_free(struct timeline *timeline);

#endif
