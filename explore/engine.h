/* SPDX-License-Identifier: MIT */
/*
 * Inside the explorer. engine.c runs executions and goes back; order.c keeps what happened
 * before what and finds races; wakeup.c keeps the branches still to be explored; random.c has
 * the modes that do not go back.
 *
 *   depth       0        1        2                     n
 *   frames    [f0] e0  [f1] e1  [f2] e2  ...  e(n-1)  [fn]
 *
 * A frame is the state before its event: who could go on, who sleeps, what is still to be
 * tried there. Going back to depth d keeps frames 0..d and events 0..d-1.
 */
#ifndef EXPLORE_ENGINE_H
#define EXPLORE_ENGINE_H

#include "base/prng.h"
#include "explore/explore.h"
#include "sync/sim/sched.h"

#define MAX_THREADS EXPLORE_MAX_THREADS
#define MAX_EVENTS EXPLORE_MAX_EVENTS
#define MAX_OBJECTS 4096
#define MAX_RACES (4 * MAX_EVENTS)
#define NO_EVENT (-1)

/* How an operation uses an object. Two uses of one object depend on each other unless the table
 * in order.c says that they commute. */
enum use {
	USE_NONE,
	USE_READ,
	USE_WRITE,          /* also a read-modify-write */
	USE_ACQUIRE,        /* takes a lock for itself */
	USE_ACQUIRE_SHARED, /* takes it for read */
	USE_TRY,            /* takes or only looks: depends on releases too */
	USE_RELEASE,
	USE_RELEASE_SHARED,
	NR_USES
};

/* What an operation touches: at most two objects (an access: its generation and its page). */
struct footprint {
	u32 object;
	u32 object2; /* read only; 0: none */
	u8 use;
};

struct clock {
	s16 at[MAX_THREADS];
};

struct event {
	u8 thread;
	u8 kind; /* enum sim_kind */
	u8 size;
	bool tried; /* announced as a change that may turn out to be a look */
	s16 index;  /* of its thread, from 1 */
	struct footprint done;
	const void *address;
	const char *site;
	u64 value;           /* what the word held after it */
	struct clock clock;  /* what happened before it, itself included */
	struct clock before; /* the same without what its object orders */
	/* For going back: what the object and the thread were before. */
	s32 thread_last;
	s32 prev_write, prev_reads, prev_releases;
	s32 next_read;    /* chain from object.reads, also of shared acquires */
	s32 next_release; /* chain from object.releases */
	s32 prev_reads2, next_read2;
};

struct object {
	u64 key;
	s32 last_write; /* or exclusive acquire */
	s32 reads;      /* since then */
	s32 releases;   /* the last exclusive one and the shared ones since */
};

/* A branch still to be explored: what a thread will do, and then. */
struct wakeup {
	struct footprint op;
	u8 thread;
	struct wakeup *child, *next; /* first child; next sibling, in order */
};

struct frame {
	u32 enabled, sleep, backtrack, done;
	u8 chosen;
	u8 preemptions;                         /* before this point */
	struct wakeup *tree;                    /* branches after the current one */
	struct footprint sleep_op[MAX_THREADS]; /* of those in sleep */
};

struct race {
	s32 first, second; /* second may be a pending operation: index nr_events + thread */
};

struct engine {
	const struct explore_program *program;
	const struct explore_options *options;
	struct explore_result *result;
	struct sim_fiber *fibers[MAX_THREADS];
	unsigned threads;

	s32 nr_events; /* carried out in this execution */
	s32 prefix;    /* of which these are repeated from the one before */
	s32 kept;      /* events whose order is known */
	bool rewinds;  /* going back undoes events one by one */
	enum { END_NONE, END_COMPLETE, END_BLOCKED, END_FAILED, END_TOO_LONG } end;

	s32 thread_last[MAX_THREADS];
	u32 nr_races;
	u32 nr_objects;
	struct prng rng;
	u64 start_ns, next_progress_ns;

	struct event events[MAX_EVENTS + MAX_THREADS]; /* room for what is pending at the end */
	struct frame frames[MAX_EVENTS + 1];
	struct race races[MAX_RACES];
	u32 race_of[MAX_EVENTS + 1]; /* first race of each event */
	struct object objects[MAX_OBJECTS];
	u16 object_of[2 * MAX_OBJECTS]; /* hash table */
};

extern struct engine engine;

/* ---- order.c ---- */

bool footprints_depend(const struct footprint *a, const struct footprint *b);
/* What the operation would touch if it did all that it announces. */
struct footprint announced_footprint(const struct sim_op *op);
/* The event e has been carried out: its clock, its races. */
void order_event(s32 e);
/*
 * The same for the operations that threads stand before at the end, as events past the last;
 * any: whether there are such at all.
 */
void order_pending(bool any);
/* Forget events from `from` on, latest first. */
void order_undo(s32 from);
void order_reset(void);
static inline bool happens_before(const struct event *a, const struct event *b)
{
	return b->clock.at[a->thread] >= a->index;
}

/* ---- wakeup.c ---- */

/* Deal with the races whose second event is new in this execution: first_new or later. */
void reverse_races(s32 first_new);
void wakeup_free(struct wakeup *tree);
void wakeup_pool_reset(void);

/* ---- rewind.c ---- */

/* Whether this build can copy stacks behind their owners' backs. */
bool rewind_possible(void);
/* Remember what event e, about to be carried out by the fiber, will change. */
void rewind_save(s32 e, struct sim_fiber *fiber);
/* Undo event e, the last one. */
void rewind_undo(s32 e);

/* ---- random.c ---- */

void random_begin(void);
unsigned random_pick(u32 enabled);
void random_event(s32 e);
bool random_more(void);

static inline unsigned lowest(u32 set)
{
	return (unsigned)__builtin_ctz(set);
}

#endif
