/* SPDX-License-Identifier: MIT */
/*
 * Inside the explorer. engine.c runs executions and goes back; footprint.c says what an operation
 * touches; order.c keeps what happened before what and finds races; wakeup.c keeps the branches
 * still to be explored; bound.c does both for a search bounded by preemptions; random.c has the
 * modes that do not go back; pieces.c shares a search out; memory.c lets loads read old values.
 *
 *   depth       0        1        2                     n
 *   frames    [f0] e0  [f1] e1  [f2] e2  ...  e(n-1)  [fn]
 *
 * A frame is the state before its event: who could go on, who sleeps, what is still to be
 * tried there. Going back to depth d keeps frames 0..d and events 0..d-1.
 */
#ifndef EXPLORE_ENGINE_H
#define EXPLORE_ENGINE_H

#include <setjmp.h>

#include "base/assert.h"
#include "base/prng.h"
#include "explore/explore.h"
#include "sync/sim/sched.h"

#define MAX_THREADS EXPLORE_MAX_THREADS
#define MAX_EVENTS EXPLORE_MAX_EVENTS
#define MAX_OBJECTS 16384
#define MAX_RACES (16 * MAX_EVENTS)
#define NO_EVENT (-1)

/* How an operation uses an object. */
enum use {
	USE_NONE,
	USE_READ,           /* also a try that failed */
	USE_WRITE,          /* also a read-modify-write */
	USE_ACQUIRE,        /* takes a lock for itself */
	USE_ACQUIRE_SHARED, /* takes it for read */
	USE_TRY,            /* takes it or only looks: notices releases too */
	USE_TRY_SHARED,
	USE_RELEASE,
	USE_RELEASE_SHARED,
	NR_USES
};

/* How two uses of one object, by different threads and in this order, depend on each other. */
enum relation {
	UNRELATED, /* they commute */
	ORDERED,   /* the second cannot come before the first */
	RACING,    /* either order is possible */
	TAKING,    /* two takings of a lock: either order, what lies between going along */
};

/* What an operation touches: at most two objects (an access: its generation and its page). */
struct footprint {
	u32 object;
	u32 object2; /* read only; 0: none */
	u8 use;
};

/*
 * Vector clocks: of each thread, how many of its events. As many lanes as the program has
 * threads, in steps of eight.
 */
#define CLOCK_LANES 8
typedef s16 clock_lanes __attribute__((vector_size(16)));

struct event {
	struct footprint done;
	u8 thread;
	u8 kind; /* enum sim_kind */
	u8 size;
	u8 announced;  /* enum use: what it would have done if it did all that it announced */
	bool compares; /* a compare-exchange */
	s16 index;     /* of its thread, from 1 */
	s16 thread_last;
	/* What the object was before, for going back; chains. */
	s16 prev_write, prev_reads, prev_releases;
	s16 next_read;    /* from object.reads, also of shared takings */
	s16 next_release; /* from object.releases */
	s16 prev_reads2, next_read2;
	const void *address;
	u64 before; /* what was there before a change: the eight bytes around the address */
	u64 arg;    /* of its sim_op; of a compare-exchange what it expects */
};

struct object {
	u64 key;
	u32 slot;       /* in engine.object_of */
	s32 last_write; /* or exclusive taking */
	s32 reads;      /* since then; also shared takings */
	s32 releases;   /* since then */
	bool lock;
	bool wide; /* accessed as a word of eight bytes */
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
	u8 age;              /* of what its event loads; AGE_OPEN: nothing has been loaded */
	u8 ages;             /* a bit for each age still to be tried */
	u16 preemptions;     /* before this point */
	bool cut;            /* something at it or after it was left out because of the bound */
	struct wakeup *tree; /* branches after the current one */
};

#define AGE_OPEN 0xff

/*
 * Who may come first in the reversal of a race although they have no part in it, and the objects
 * that they use, a bit for each (and for others). What was made of the race hangs on them, and may
 * not do for another end of the execution.
 */
struct absent {
	u32 threads;
	u64 read, written;
};

struct race {
	s16 first, second; /* second may be a pending operation: index nr_events + i */
	struct absent absent;
};

enum engine_end {
	END_NONE,
	END_COMPLETE,
	END_BLOCKED,
	END_FAILED,
	END_TOO_LONG,
	END_ANEW,
	END_OPENED, /* where a piece begins */
};

struct engine {
	const struct explore_program *program;
	const struct explore_options *options;
	struct explore_result *result;
	struct sim_fiber *fibers[MAX_THREADS];
	unsigned threads;
	unsigned lanes; /* of a clock: threads, rounded up */

	s32 nr_events; /* carried out in this execution */
	s32 prefix;    /* of which these are repeated from the one before */
	s32 kept;      /* events whose order is known */
	bool rewinds;  /* going back undoes events one by one */
	bool goes_back;
	bool decides_on_fiber; /* without switching to the outside between events */
	bool under_way;        /* the last event has begun and is not over */
	bool bounded;          /* by preemptions */
	bool sleeps;           /* there are sleep sets */
	bool orders;           /* clocks are kept */
	bool prints;           /* footprints are needed */
	bool weak;             /* loads may read old values */
	bool collects;         /* races are wanted */
	bool pends;            /* those too that cannot be turned round */
	/* Of a piece: frames from base on are gone back to; at those below expanded everyone is
	 * tried. */
	s32 base, expanded;
	bool opening; /* on the way to where the piece begins */
	unsigned nr_given;
	u64 next_give;
	s32 failed_at; /* events before this execution failed; NO_EVENT: it has not */
	bool checking;
	jmp_buf checked;
	/* For options.event: what is under way. */
	struct sim_op told_op;
	u64 told_value, told_after;
	bool told_old;
	enum engine_end end;

	s32 thread_last[MAX_THREADS];
	u32 nr_races;
	u32 nr_objects;
	struct explore_halves joined; /* keys of the first halves of words that are one object */
	struct prng rng;
	u64 start_ns, next_progress_ns;

	struct event events[MAX_EVENTS + MAX_THREADS]; /* room for what is pending at the end */
	struct frame frames[MAX_EVENTS + 1];
	struct race races[MAX_RACES];
	u32 race_of[MAX_EVENTS + 1]; /* first race of each event */
	struct object objects[MAX_OBJECTS];
	u16 object_of[2 * MAX_OBJECTS];                         /* hash table */
	s16 event_of[MAX_THREADS][MAX_EVENTS + 2];              /* by its index in its thread */
	struct footprint sleep_op[MAX_EVENTS + 1][MAX_THREADS]; /* of those in frame.sleep */
	/* Clocks of events; of frames: how many events each thread has behind it. */
	clock_lanes clocks[(MAX_EVENTS + MAX_THREADS) * (MAX_THREADS / CLOCK_LANES)];
	clock_lanes counts[(MAX_EVENTS + 1) * (MAX_THREADS / CLOCK_LANES)];
};

extern struct engine engine;

static inline unsigned lowest(u32 set)
{
	return (unsigned)__builtin_ctz(set);
}

static inline unsigned count_of(u32 set)
{
	unsigned nr = 0;

	for (; set; set &= set - 1)
		nr++;
	return nr;
}

static inline u32 bit_of(unsigned thread)
{
	return (u32)1 << thread;
}

/*
 * Faults that the tests plant, one at a time, to prove that they would be noticed: each leaves
 * out one of the details that decide whether an exploration is right.
 */
enum explore_fault {
	FAULT_NONE,
	FAULT_OLD_RACES,        /* races of the kept part are dealt with again */
	FAULT_REVERSAL_AS_DONE, /* the racing event of a reversal does what it did before */
	FAULT_REVERSAL_IN_FULL, /* it does all that it announced */
	FAULT_SHORT_SEQUENCE,   /* what happens after the racing event is left out of a reversal */
	FAULT_SLEEP_AS_ANNOUNCED, /* who sleeps is woken as if it did all that it announced */
	FAULT_LOCK_CLOCK,         /* takings are compared after they have joined the lock */
	FAULT_READERS_DEPEND,     /* two readers of a lock are told apart by their order */
	FAULT_NO_STUCK,           /* what is blocked at the end has no part in races */
	FAULT_SPINNING,           /* who waits for a word is not kept from going on */
	FAULT_UNASKED_WAITS,      /* waits are turned round at the last change only */
	FAULT_NO_BLOCK_START,     /* a bounded search tries the other thread at the race alone */
	FAULT_OLD_ANYHOW,         /* what a load may read is not asked of the model */
	FAULT_OLD_ONCE,           /* of the ages of a load the first is tried alone */
	FAULT_OLD_UNORDERED,      /* a load reads past a write only if it could come before it */
	FAULT_OLD_KNOWN,          /* a load that is no acquire makes known what one would */
	FAULT_OLD_FENCES,         /* barriers are not in the graph */
	FAULT_BOUNDED_SLEEP,      /* threads sleep in a bounded search */
};
extern enum explore_fault explore_fault;
/* Of engine.races; less in a test of what happens then. */
extern u32 explore_race_limit;
#define planted(fault) unlikely(explore_fault == (fault))

/* ---- clocks ---- */

static inline clock_lanes *clock_of(s32 e)
{
	return &engine.clocks[(unsigned)e * engine.lanes];
}

static inline clock_lanes *counts_at(s32 depth)
{
	return &engine.counts[(unsigned)depth * engine.lanes];
}

static inline s16 lane_of(const clock_lanes *clock, unsigned thread)
{
	/* A clock is copied whole. NOLINTNEXTLINE(clang-analyzer-core.uninitialized.UndefReturn) */
	return ((const s16 *)clock)[thread];
}

/* One in one lane. Whole registers are written: a lane by itself would be slow to read back. */
extern const clock_lanes lane_one[CLOCK_LANES];

/* The lane of this thread is one more. */
static inline void count_up(clock_lanes *clock, unsigned thread)
{
	clock[thread / CLOCK_LANES] += lane_one[thread % CLOCK_LANES];
}

static inline void clock_copy(clock_lanes *to, const clock_lanes *from)
{
	for (unsigned i = 0; i < engine.lanes; i++)
		to[i] = from[i];
}

static inline clock_lanes lanes_max(clock_lanes a, clock_lanes b)
{
	clock_lanes more = (clock_lanes)(a > b);

	return (a & more) | (b & ~more);
}

static inline void clock_join(clock_lanes *to, const clock_lanes *from)
{
	for (unsigned i = 0; i < engine.lanes; i++)
		to[i] = lanes_max(from[i], to[i]);
}

/* The same without the last event of this thread. */
static inline void clock_join_but_last(clock_lanes *to, const clock_lanes *from, unsigned thread)
{
	clock_lanes one = lane_one[thread % CLOCK_LANES];

	for (unsigned i = 0; i < engine.lanes; i++)
		to[i] = lanes_max(i == thread / CLOCK_LANES ? from[i] - one : from[i], to[i]);
}

/* No lane is above that of the bound, but perhaps the one of this thread. */
static inline bool clock_within(const clock_lanes *clock, const clock_lanes *bound, unsigned but)
{
	typedef u64 halves __attribute__((vector_size(16)));
	clock_lanes mask = lane_one[but % CLOCK_LANES] - 1; /* zero for this thread alone */
	halves above = { 0, 0 };

	for (unsigned i = 0; i < engine.lanes; i++) {
		clock_lanes more = (clock_lanes)(clock[i] > bound[i]);

		above |= (halves)(i == but / CLOCK_LANES ? more & mask : more);
	}
	return !(above[0] | above[1]);
}

/* What happened before the event without what its object orders. */
const clock_lanes *clock_before(const struct event *event);

static inline bool happens_before(s32 a, s32 b)
{
	const struct event *first = &engine.events[a];

	return lane_of(clock_of(b), first->thread) >= first->index;
}

/* ---- footprint.c ---- */

extern const u8 relations[NR_USES][NR_USES];

/* Those of two that may have an object in common. */
bool footprints_meet(const struct footprint *a, const struct footprint *b);
static inline bool footprints_depend(const struct footprint *a, const struct footprint *b)
{
	if (likely(a->object != b->object && !(a->object2 | b->object2)))
		return false;
	return footprints_meet(a, b);
}
/* What the operation would touch if it did all that it announces. */
struct footprint announced_footprint(const struct sim_op *op);
void footprint_reset(void);
/* The word that the operation may change, for going back and for what waits for it. */
unsigned changed_bytes(const struct sim_op *op);
/* The eight bytes, aligned, in which the operation is about to change something. */
u64 told_before(const struct sim_op *op);
/*
 * Whether the event, of an operation that waits for a word or for a bit of it, could have been
 * carried out right before that change of it.
 */
bool could_go_on_before(const struct event *event, const struct event *change);
/*
 * Whether the event, of an operation that may do what it announces or only look, would do it
 * where `there` is what is in the eight bytes around its object.
 */
bool would_do(const struct event *event, u64 there);
static inline bool waits_for_word(u8 kind)
{
	return kind == SIM_RELAX || kind == SIM_WAIT || kind == SIM_BIT_LOCK;
}

/* The object at an address, of so many bytes. */
u32 object_id(const void *address, unsigned size);

/* ---- order.c ---- */

/* The event e has been carried out: its clock, its races. */
void order_event(s32 e);
/* As order_event for what a thread stands before, as event e past the last; not kept. */
void order_pending(s32 e, unsigned thread);
/* The same for all that can never go on: from nr_events on. Returns how many. */
unsigned order_stuck(void);
/* Forget the last event. */
void order_undo(s32 e);
void order_reset(void);
/* Equal for two executions of a trace. */
u64 order_hash(void);

/* ---- without.c ---- */

/* For options.order and options.without; until finish. */
void order_watch(void);

/* ---- wakeup.c ---- */

/* Deal with the races whose second event is new in this execution: first_new or later. */
void reverse_races(s32 first_new);
void wakeup_free(struct wakeup *tree);
void wakeup_pool_reset(void);

/* ---- bound.c ---- */

/* Going on with this thread at the frame stays within the bound. */
bool bound_allows(s32 depth, unsigned thread);
/* Preemptions after going on with it. */
unsigned preemptions_after(s32 depth, unsigned thread);
/* Where the events that the thread of event e does in a row begin. */
s32 block_begin(s32 e);
void bound_event(s32 e);
void bound_stuck(void);

/* ---- estimate.c ---- */

/* Of the whole tree, the part that has been walked, as far as can be seen from here. */
double explored_share(void);

/* ---- rewind.c ---- */

/* Whether this build can copy stacks behind their owners' backs. */
bool rewind_possible(void);
/* Remember what event e, about to be carried out by the fiber, will change. False: no room. */
bool rewind_save(s32 e, struct sim_fiber *fiber);
/* Undo event e, the last one. */
void rewind_undo(s32 e);
/* Everyone stands before his first operation: remember (false: no room); and be there again. */
bool rewind_save_start(void);
void rewind_start(void);

/* ---- pieces.c ---- */

/* Begin with the way to options.piece. */
void piece_begin(void);
/* A frame on that way, its enabled threads known. */
void piece_frame(s32 depth);
/* Before an execution that goes on from a frame just gone back to: perhaps give some away. */
void piece_give(void);

/* ---- random.c ---- */

void random_begin(void);
unsigned random_pick(s32 depth, u32 enabled);
/* One of a set of ages. */
unsigned random_age(u32 ages);
/* What the thread stands before; partial order sampling knows it already. */
struct footprint random_pending(unsigned thread);
void random_event(s32 e);
bool random_more(void);

#endif
