/* SPDX-License-Identifier: MIT */
/*
 * An execution as text: a line for every event, a column for every thread, the place in the
 * source on the left. It is run once more for that, so that objects can be named and values read
 * as they are at that moment.
 *
 *                              thread 0               thread 1
 *      x.c:12 set              writes a: 0 -> 1
 *      x.c:20 look                                    reads a: 1
 *
 * Shown are events on objects that several threads use and one of them changes, loads of old
 * values, or all events; texts that are added meanwhile; what every thread that is stuck waits
 * for; and a failure, in the column of the thread that found it.
 */
#ifndef EXPLORE_RENDER_H
#define EXPLORE_RENDER_H

#include "explore/explore.h"
#include "sync/sim/sched.h"

/* Calls that the place of an event is looked for in, innermost first. */
#define RENDER_CALLS 16

struct explore_line {
	u8 thread, kind, size;
	bool shown;
	bool text_only, changes, failed, waits, old;
	const void *object, *object2;
	const char *site; /* of the operation: "file.c:12"; NULL: not known */
	u64 before, after;
	const void *pc[RENDER_CALLS]; /* up to the first NULL */
	char name[120];               /* of the object; or the text */
	char place[120];              /* "x.c:12 function"; empty: not known */
};

/* What differs between programs. Each function may be NULL. */
struct explore_view {
	void *arg;
	bool all_events;
	bool races_allowed;
	enum weak_memory memory;
	const char *without;                                    /* as in the options; may be NULL */
	const char *(*thread_name)(void *arg, unsigned thread); /* NULL: "thread 0" */
	/* What an operation that is about to be done is about. NULL: the symbol of the object. */
	void (*name_object)(void *arg, const struct sim_op *op, char *buf, size_t size);
	/* The places of the lines that are shown. Those it leaves empty: by site and symbol. */
	void (*find_places)(void *arg, struct explore_line *lines, unsigned nr);
};

/*
 * view NULL: nothing of its own. Returns the length of the whole, which may exceed size, as
 * snprintf does.
 */
size_t explore_render(const struct explore_program *program, const u8 *schedule, unsigned len,
		      const struct explore_view *view, char *buf, size_t size);
/* From a thread of an execution that is being shown: a line in its column. Else nothing. */
void explore_render_text(const char *text);

#endif
