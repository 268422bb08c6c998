/* SPDX-License-Identifier: MIT */
/*
 * A scenario file, run in a Lua state of its own with a small library and hard limits: a
 * hostile file ends with an error, whatever it does.
 */
#ifndef SCENARIO_SCRIPT_H
#define SCENARIO_SCRIPT_H

#include <lua.h>

#include "scenario/session.h"

enum scn_verdict {
	SCN_PASSED,
	SCN_FAILED,    /* an expectation, or a call that should have worked */
	SCN_BAD_INPUT, /* not a scenario, or wrongly used */
	SCN_SKIPPED_HERE,
	SCN_DIFFERED, /* the watcher stopped it */
	SCN_INTERNAL, /* the backend broke */
};

struct scn_outcome {
	enum scn_verdict verdict;
	char message[4096]; /* with file and line where there is one */
};

struct scn_file {
	const char *path;
	char *text;
	size_t size;
};

/* Which backends a file is for, from "-- only: model (reason)" in its first comment lines. */
enum scn_only { SCN_ANYWHERE, SCN_ONLY_MODEL, SCN_ONLY_LINUX };

/* False: unreadable or too big, with the reason in message. scn_file_free it. */
bool scn_file_read(const char *path, struct scn_file *file, char *message, size_t size);
void scn_file_free(struct scn_file *file);
enum scn_only scn_file_only(const struct scn_file *file, char *ret_reason, size_t size);

/* Run the file in the session, whose watcher sees every step. */
void scn_script_run(struct scn_session *session, const struct scn_file *file,
		    struct scn_outcome *outcome);

#endif
