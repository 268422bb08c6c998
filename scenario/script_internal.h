/* SPDX-License-Identifier: MIT */
#ifndef SCENARIO_SCRIPT_INTERNAL_H
#define SCENARIO_SCRIPT_INTERNAL_H

#include <lauxlib.h>
#include <lua.h>

#include "scenario/script.h"
#include "scenario/words.h"

#define SCRIPT_MAX_FIBERS 64
#define SCRIPT_MAX_BODIES 4
#define SCRIPT_MAX_STEPS 1000000u
#define SCRIPT_RUNAWAY (-200000) /* beside the codes of a session: does not end by itself */

/* A Lua function that runs as a thread of a scenario process. */
struct script_fiber {
	int id; /* the scheduler's */
	struct scn_task *task;
	lua_State *L;
	int ref; /* keeps L alive */
	struct script *script;
	unsigned line; /* where it was started */
	bool joined, ended;
	char error[1024]; /* empty: ended well */
	bool failed;      /* the error is a failed expectation, not a misuse */
	unsigned body;    /* one of the functions of concurrent(), from 1; else 0 */
};

struct script {
	struct scn_session *session;
	const struct scn_file *file;
	struct scn_outcome *outcome;
	lua_State *L;
	size_t memory_used;
	uint64_t memory_volume; /* allocated in all */
	uint64_t instructions;
	char error[2048]; /* of the main function */
	bool failed;      /* it is a failed expectation, not a misuse */
	int status;       /* of the main function, as lua_pcall gives it */
	int ending;       /* SCN_SKIPPED and the like: nothing more can be caught or run */
	struct script_fiber fibers[SCRIPT_MAX_FIBERS];
	unsigned nr_fibers;
	struct script_fiber *bodies[SCRIPT_MAX_BODIES]; /* of concurrent() */
	unsigned nr_bodies;
	/* While it is explored: runs the bodies, in place of the scenario's own scheduler. */
	void (*run_bodies)(struct script *script);
	bool explored; /* concurrent() has been called */
};

static inline struct script *script_of(lua_State *L)
{
	return *(struct script **)lua_getextraspace(L);
}

/* Ends the scenario for good, for the session's reason: no pcall holds it. */
int script_end(lua_State *L, int code);
/*
 * The error value on top of the stack, popped, as text. True: it is a failed expectation (a
 * table), not a misuse. Raises nothing.
 */
bool script_take_error(lua_State *L, char *buf, size_t size);
/* A message handler: errors name the scenario's line. */
int script_place_error(lua_State *L);
/* The line of the scenario file that is running, 0 if none is. */
unsigned script_line(lua_State *L);

/* Adds the process methods and the functions that the prelude builds on. */
void api_open(lua_State *L);
/* Adds threads, and what only a model can answer. */
void api_open_threads(lua_State *L);
void api_open_model(lua_State *L);
void api_open_concurrent(lua_State *L);
/* Files, swap, nodes. */
void api_open_files(lua_State *L);
void api_open_uffd(lua_State *L);
void api_open_scan(lua_State *L);

/* A block of memory at once. */
#define API_MAX_BLOCK_BYTES (16u << 20)
uint64_t api_check_length(lua_State *L, int index);
/* An argument in words or as a number; `otherwise` where there is none. */
uint64_t api_check_words(lua_State *L, int index, enum scn_vocabulary which);
uint64_t api_opt_words(lua_State *L, int index, enum scn_vocabulary which, uint64_t otherwise);

/* The task that stands for the process at index: of this fiber's thread, if it is one of it. */
struct scn_task *api_check_task(lua_State *L, int index);
void api_push_task(lua_State *L, struct scn_task *task);
/* Run the step of a call; raises what its failure or its fault amount to. */
void api_run(lua_State *L, struct scn_step *step);
/* A signal, SCN_KILL or SCN_SIGNAL, for a task that may be in use. Pushes nothing. */
int api_send(lua_State *L, enum scn_kind kind, struct scn_task *task);
/* The text on top of the stack becomes a failure with that message. */
void api_push_failure(lua_State *L, const char *kind);

/* Wait for every thread that was not joined. */
void script_join_all(struct script *script);
/* A script for the session; NULL: no memory. The session and the file stay the caller's. */
struct script *script_new(struct scn_session *session, const struct scn_file *file,
			  struct scn_outcome *outcome);
/* Run the file to its end, protected. */
void script_main(struct script *script);
/* What came of it, into its outcome. */
void script_judge(struct script *script);
/* What a body of concurrent() does, on the fiber that it was given. */
void script_run_body(struct script_fiber *fiber);
/* The error that the fiber ended with, raised; nothing when it ended well. */
void script_raise_of(lua_State *L, const struct script_fiber *fiber);
/* NULL in the main fiber. */
struct script_fiber *script_current_fiber(struct script *script);

#endif
