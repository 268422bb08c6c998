/* SPDX-License-Identifier: MIT */
/*
 * weak: executions in which a load may see an old value. There is no single order in which all
 * that happens happens; an execution is a graph.
 *
 *   event      a read, a write or a barrier of one thread; an update is a read and a write
 *   from       the write that a read takes its value from
 *   place      of a write in the order in which the writes of its word follow each other
 *
 * Two executions are the same if these agree. A memory model says which graphs can be:
 *
 *   sc    there is one order of all events after all
 *   tso   each thread's stores reach the others late, in their order (x86)
 *   weak  what Linux promises its own code on every processor: barriers, acquire and release,
 *         address dependencies, the order of one word; a write never overtakes a read that
 *         comes before it in its thread
 */
#ifndef EXPLORE_WEAK_H
#define EXPLORE_WEAK_H

#include "explore/explore.h"

#define WEAK_MAX_EVENTS 512
#define WEAK_INITIAL (-1) /* what the word held at the start */
#define WEAK_NONE (-1)

enum weak_type { WEAK_READ, WEAK_WRITE, WEAK_BARRIER };

/* What an event orders. */
#define WEAK_ACQUIRE 0x01   /* a read: before all that follows */
#define WEAK_RELEASE 0x02   /* a write: after all that is before */
#define WEAK_MB_BEFORE 0x04 /* a full barrier right before it */
#define WEAK_MB_AFTER 0x08  /* right after it */
#define WEAK_RMB 0x10       /* a barrier between reads */
#define WEAK_WMB 0x20       /* between writes */
#define WEAK_EXCLUSIVE 0x40 /* a write: the other half of the read before it */
#define WEAK_UPDATE 0x80    /* a read: of an operation that may go on to write */

struct weak_event {
	u64 value;
	u64 arg, expected; /* as announced */
	const char *site;  /* where in the source; NULL: not known */
	s16 from;
	s16 depends; /* the read that its address comes from */
	u16 location;
	u16 place; /* from 1; 0 is the initial value */
	u8 thread;
	u8 type;
	u8 flags;
	u8 kind; /* enum sim_kind */
	u8 rmw;  /* enum sim_rmw_op */
	u8 order;
};

/* Events in the order in which they were added: each thread's in its own order. */
struct weak_graph {
	unsigned nr;
	struct weak_event events[WEAK_MAX_EVENTS];
};

/* Whether the model lets this graph be. */
bool weak_consistent(const struct weak_graph *graph, enum weak_memory memory);

/*
 * Explore all graphs of a program, each once. Of the options max_executions, max_ns, keep_going
 * and deadlocks_allowed count; mode does not. 0; -EINVAL: more threads than there can be;
 * -EOPNOTSUPP: an operation that has no place in a graph; -E2BIG: longer than a graph can be.
 */
int weak_explore(const struct explore_program *program, const struct explore_options *options,
		 enum weak_memory memory, struct explore_result *ret_result);

struct strbuf;
/* Events of a graph line by line, with whose value each read took. */
void weak_show(const struct weak_graph *graph, struct strbuf *sb);
/* The graph of the first failure of the last exploration; empty: there was none. */
const struct weak_graph *weak_failure(void);

/* explore_fail was called: false: not in such an execution. */
bool weak_fail(const char *text);

const char *weak_memory_name(enum weak_memory memory);

#endif
