/* SPDX-License-Identifier: MIT */
/*
 * The scheduler of the simulator, for the files of this room. Theory: sched.c.
 */
#ifndef SYNC_SIM_SCHED_H
#define SYNC_SIM_SCHED_H

#include "sync/sync.h"
#include "sync/sim/fiber.h"
#include "base/format.h"
#include "base/prng.h"

#define SIM_MAX_FIBERS 256
/* Lua nests up to 200 calls of C; what is not touched costs nothing. */
#define SIM_STACK_BYTES (1ull << 20)
#define SIM_NAME_BYTES 24
/* At a point where the fiber could go on, it is left with probability one in: */
#define SIM_SWITCH_ONE_IN 8

/* What a fiber is about to do. */
struct sim_op {
	u8 kind; /* enum sim_kind */
	u8 size; /* of the access, bytes */
	u8 rmw;  /* RMW: enum sim_rmw_op */
	int order;
	const void *object;
	const void *object2; /* read beside: the generation that an access depends on */
	const char *site;
	/* STORE, RMW: value; JOIN: fiber; WAIT: sequence; BIT_*: bit; *_QUEUED: ticket;
	 * RELAX: writes */
	u64 arg;
	u64 expected; /* of a compare-exchange */
};

struct sim_fiber {
	struct sim_self self; /* first: sim_self points here */
	struct fiber fiber;
	struct lockdep_stack lockdep;
	int id;
	unsigned no_preempt; /* depth of umm_sim_preempt_disable */
	struct sim_op op;
	u64 own_writes;
	u64 relax_seen;     /* writes of others at the cpu_relax() before */
	bool outside_ready; /* the idle hook has run since it began to wait */
	bool ended;
	bool took_effect; /* the last operation changed what it looked at (a try that failed: no) */
	const void *last_load; /* stepped: what cpu_relax() waits to change */
	u64 last_value;
	u8 last_size;
	void *stack;
	void (*fn)(void *arg);
	void *arg;
	char name[SIM_NAME_BYTES];
};

struct sim {
	bool active;
	int result;
	struct prng rng;
	u64 writes;
	u64 points;
	u64 switches;
	u64 trace_hash;
	int next_id;
	unsigned nr_live;
	unsigned nr_free;
	struct sim_fiber *live[SIM_MAX_FIBERS]; /* in order of birth */
	struct sim_fiber *free[SIM_MAX_FIBERS]; /* ended, with their stacks */
	struct sim_fiber slots[SIM_MAX_FIBERS];
	unsigned nr_slots; /* ever used in this run */
	struct sim_fiber outside;
	bool (*idle)(void *arg);
	void *idle_arg;
	char report[8192];
};

extern struct sim sim;

/*
 * Stepped: every announced operation that another fiber could notice goes back to the outside,
 * which decides who goes on and calls sim_step. The seed has no say then, and an operation is
 * told by its fiber's op (and ended, took_effect).
 */
extern bool sim_stepped;
/*
 * Watch for data races from each sim_restart on. Only where memory is then put back as it was,
 * and steps are not undone one by one.
 */
extern bool sim_watch_steps;
/* Stepped: barriers are announced too. */
extern bool sim_barriers;
/*
 * Memory that is not one copy of everything: told of each operation right before it changes a
 * word, and asked what a load reads. What is in memory itself is always the newest. NULL: every
 * load reads that.
 */
struct sim_memory {
	/* Of a word of op->size bytes. version: for race_loaded_version. */
	u64 (*load)(const struct sim_op *op, u32 *ret_version);
	/*
	 * False: the store is overwritten already; the update has read *ret_old, an older value,
	 * and what it has made of that is overwritten. Memory stays as it is.
	 */
	bool (*store)(const struct sim_op *op, const void *pc);
	bool (*update)(const struct sim_op *op, const void *pc, u64 *ret_old);
	/* The operation looks at the newest value, and perhaps changes it. */
	void (*carry_out)(const struct sim_op *op, bool changes);
	void (*fence)(int order);
	/*
	 * A store in the middle of a step, about which whoever needs to know asks by interrupting
	 * that processor: nobody reads an older value.
	 */
	void (*direct)(const struct sim_op *op);
	/* An access that is not marked is about to write; a whole page is about to be made anew. */
	void (*plain)(const void *p, u64 bytes);
	void (*page)(const void *p);
};
extern const struct sim_memory *sim_memory;
/*
 * Not NULL: asked for the order of each access and barrier that has one. What it answers is what
 * the operation does; a barrier without an order is none.
 */
extern int (*sim_order)(const char *site, enum sim_kind kind, int order);
/* Data races are no failures: for who wants to see what they do. */
extern bool sim_races_allowed;
/*
 * Stepped, and not NULL: asked on the stack of the fiber that has just announced who goes on from
 * there; NULL: back to the outside. Saves switches.
 */
extern struct sim_fiber *(*sim_next)(void);

/* Put fibers back to their start, all of them alive. */
void sim_restart(struct sim_fiber **fibers, unsigned nr);
/* From outside: the fiber does what it announced, and runs up to what it announces next. */
void sim_step(struct sim_fiber *fiber);
/* Stepped: called by a fiber, on its stack, when it announces. For who shows an execution. */
extern void (*sim_watch)(const struct sim_fiber *fiber);
/* From a fiber: back to the outside for good. It can only be restarted or rewound. */
void sim_abandon(void);

static inline struct sim_fiber *sim_current(void)
{
	return (struct sim_fiber *)sim_self;
}

/*
 * The calling fiber announces what it does next; returns when it is its turn, and then the
 * operation is possible. Outside umm_sim_run it must be possible at once.
 */
void sim_point(const struct sim_op *op);
/* The same, and others that can run go first. */
void sim_point_yield(const struct sim_op *op);
/* The operation changed a word that others may look at. */
void sim_wrote(void);
/* Operations that may have to wait: others are enabled at any time. */
static inline bool sim_can_block(unsigned kind)
{
	return (BIT(kind) & (BIT(SIM_SPIN_LOCK) | BIT(SIM_MUTEX_LOCK) | BIT(SIM_READ_LOCK) |
			     BIT(SIM_READ_QUEUED) | BIT(SIM_WRITE_LOCK) | BIT(SIM_WRITE_QUEUED) |
			     BIT(SIM_BIT_LOCK) | BIT(SIM_WAIT) | BIT(SIM_RELAX) | BIT(SIM_JOIN) |
			     BIT(SIM_OUTSIDE))) != 0;
}

/* Whether the fiber could do what it announced, now. */
bool sim_enabled(const struct sim_fiber *fiber);

struct sim_fiber *sim_fiber_new(const char *name, void (*fn)(void *arg), void *arg);
struct sim_fiber *sim_fiber_by_id(int id);
/* From outside: runs fibers until none is left or none can go on. */
void sim_run_fibers(void);
void sim_discard_fibers(void);

const char *sim_kind_words(unsigned kind);
/* What every fiber waits for, and who has it, into sim.report. */
void sim_report_stuck(void);
void sim_describe(struct strbuf *sb, const struct sim_fiber *fiber);

#endif
