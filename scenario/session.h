/* SPDX-License-Identifier: MIT */
/*
 * A scenario's run on one backend: its tasks, its steps in order, and who watches them.
 */
#ifndef SCENARIO_SESSION_H
#define SCENARIO_SESSION_H

#include "scenario/backend.h"

struct scn_session;

/* Who watches: called after each step, and for what the scenario prints. */
struct scn_watcher {
	/* SCN_STOPPED ends the scenario. */
	int (*step)(void *arg, struct scn_session *session, const struct scn_step *step);
	int (*print)(void *arg, struct scn_session *session, const char *text);
	void *arg;
};

#define SCN_STOPPED (-100002)
#define SCN_CONTRADICTS (-100003) /* verify() found something */
#define SCN_MISUSED (-100004)     /* two threads of the scenario use one task at once */

struct scn_session {
	const struct scn_backend_ops *ops;
	struct scn_backend *backend;
	struct umm_config config;
	struct scn_watcher watcher;
	struct scn_task *tasks, **tasks_end;
	unsigned nr_processes;
	unsigned nr_live;    /* tasks */
	unsigned nr_sending; /* signals under way */
	unsigned nr_looking; /* looks at a process, which may hold locks of it */
	uint64_t nr_steps;
	unsigned line;        /* of the scenario: the last step begun */
	bool quiet;           /* steps are not shown to the watcher */
	bool concurrent;      /* several functions of the scenario run */
	unsigned nr_unjoined; /* threads begun and not joined yet, whether they have ended or not */
	bool swapped;         /* a swap area was made: what stays cached of it is chance */
	bool put_back; /* with its machine, over and over: no file of the host may take part */
	/* Of the model: set as soon as its machine is there. NULL: nothing fails. */
	const struct umm_fail *fail;
	bool verify;       /* recount the model after each step; on by default */
	char reason[2048]; /* why the last call returned a code below -100000 */
};

/* The backend is opened by the first step, so that a scenario may still set the machine up. */
void scn_session_init(struct scn_session *session, const struct scn_backend_ops *ops,
		      const struct umm_config *config);
/*
 * Are there threads beside the main ones, or is a step under way? Then steps overlap, and no
 * one may look around.
 */
bool scn_session_concurrent(const struct scn_session *session);
/* How many tasks may live at once. */
#define SCN_MAX_TASKS 512
/* Ends what still lives. */
void scn_session_close(struct scn_session *session);
int scn_session_start(struct scn_session *session);

/*
 * Run a step: 0, with its outcome in it, or SCN_SKIPPED, SCN_BROKEN, SCN_STOPPED,
 * SCN_CONTRADICTS, SCN_MISUSED, with session->reason. The step's task must be alive.
 */
int scn_session_run(struct scn_session *session, struct scn_step *step);
int scn_session_print(struct scn_session *session, const char *text);

/* A text of the process in memory that the caller gives to scn_free; NULL with reason if not. */
char *scn_session_text(struct scn_session *session, struct scn_task *task, enum scn_text which,
		       uint64_t start, uint64_t end);

#endif
