/* SPDX-License-Identifier: MIT */
/*
 * explore: run a small concurrent program under every interleaving that matters, or under many
 * random ones, deterministically.
 *
 * Glossary
 *   event      one announced operation (sync/sim) that a thread has carried out
 *   execution  the events from the start until no thread can go on
 *   trace      a class of executions that differ only in the order of independent events
 *   blocked    an execution given up because every thread that could go on is asleep: its
 *              traces were all explored before
 */
#ifndef EXPLORE_EXPLORE_H
#define EXPLORE_EXPLORE_H

#include "base/types.h"

#define EXPLORE_MAX_THREADS 32

enum explore_mode {
	EXPLORE_NAIVE,   /* every interleaving */
	EXPLORE_SLEEP,   /* sleep sets only */
	EXPLORE_SOURCE,  /* source sets with sleep sets */
	EXPLORE_OPTIMAL, /* wakeup trees: each trace once, nothing blocked */
	EXPLORE_RANDOM,  /* any enabled thread, each time anew */
	EXPLORE_POS,     /* random priorities, redrawn for who races (partial order sampling) */
	EXPLORE_PCT,     /* random thread priorities and few points of change */
	EXPLORE_URW,     /* by remaining events: each interleaving equally likely */
	EXPLORE_REPLAY,  /* the schedule given in options */
	NR_EXPLORE_MODES
};

/* What a load may read. */
enum weak_memory {
	WEAK_SC,   /* the newest value */
	WEAK_TSO,  /* an older one where stores of its thread are still on their way (x86) */
	WEAK_WEAK, /* what Linux has to expect of some processor */
	NR_WEAK_MEMORIES
};

/*
 * A program under exploration. reset brings the shared state, and nothing else, to its start;
 * thread(arg, self) is run by threads 0 .. threads - 1; check runs after all have ended.
 */
struct explore_program {
	const char *name;
	unsigned threads;
	void *arg;
	void (*reset)(void *arg);
	void (*thread)(void *arg, unsigned self);
	void (*check)(void *arg); /* may be NULL */
	/*
	 * Threads keep all they have on their stacks and change what they share through sync/
	 * alone: going back then undoes single events instead of starting again.
	 */
	bool stack_only;
	/*
	 * For dependencies by address: where simulated frames are, and what tells about each; how
	 * far left a frame's number stands in an entry that points to it. NULL: there are none.
	 */
	const void *frames, *frame_structs;
	unsigned frame_struct_bytes, frame_shift;
};

struct explore_result;
struct explore_piece;
struct sim_op;

/*
 * What turns out on the way, and is known from then on: words whose halves are used on their own
 * (nr above EXPLORE_MAX_HALVES: all that are wide), stacks too deep to be put back event by event.
 */
#define EXPLORE_MAX_HALVES 64
struct explore_halves {
	bool deep;
	unsigned nr;
	u64 keys[EXPLORE_MAX_HALVES];
};

/* What a thread has done, or stands before. */
struct explore_event {
	unsigned thread;
	const char *words; /* "reads" */
	const char *site;  /* "file.c:12"; NULL: not known */
	const void *object;
	unsigned size; /* of the word, bytes; 0: there is no value to show */
	u64 before, after;
	bool changes; /* it was announced as a change */
	bool failed;  /* and only looked: a try, a compare-exchange */
	bool waits;   /* not done: it cannot go on */
	bool old;     /* it read an older value than there was, or its own is overwritten */
};

struct explore_options {
	enum explore_mode mode;
	/* But for sc: EXPLORE_OPTIMAL is EXPLORE_SOURCE, and no pieces. Theory: memory.c. */
	enum weak_memory memory;
	u64 max_executions; /* 0: no limit */
	u64 max_ns;         /* 0: no limit */
	u64 seed;
	int max_preemptions;    /* below 0: no bound */
	unsigned pct_depth;     /* bugs of this depth are hit with the known probability; 0: 3 */
	bool keep_going;        /* do not stop at the first failure: the other threads go on */
	bool deadlocks_allowed; /* counted, no failure */
	bool races_allowed;     /* data races are not noticed: to see what they do */
	const u8 *schedule;     /* EXPLORE_REPLAY: a step for each event, then as it comes */
	unsigned schedule_len;
	/* Called about every tenth of a second; may be NULL. */
	void (*progress)(void *arg, const struct explore_result *so_far);
	void *progress_arg;
	/*
	 * Called after every execution; the hash is equal for executions of one trace. 0: all
	 * begins anew, with what has been learned; what was called before does not count.
	 */
	void (*each)(void *arg, u64 trace_hash);
	void *each_arg;
	/*
	 * Called after every event, and at the end for what each stuck thread waits for; and, if
	 * not NULL beside it, before every event.
	 */
	void (*event)(void *arg, const struct explore_event *event);
	void (*before)(void *arg, unsigned thread, const struct sim_op *op);
	void *event_arg;
	/*
	 * without: the order of the access, or the barrier, at this place ("mmu/tlb.c:184") does
	 * nothing; NULL: none. order: told of each that has an order; words: "writes", "release".
	 */
	const char *without;
	void (*order)(void *arg, const char *site, const char *words, const char *order);
	void *order_arg;
	/* Not 0, set by whom it may concern: stop. May be NULL. */
	const volatile u32 *stop;
	/*
	 * A search in pieces (pieces.c), in a mode that goes back. piece: only this, NULL: all; not
	 * with EXPLORE_OPTIMAL, which gives but cannot take: EXPLORE_SOURCE takes what it gave.
	 * give: NULL, or takes a part of what is left, now and then, first after give_after
	 * executions; the piece is the callee's, to be freed. halves: what is known before, and
	 * what was learned; when that is more, the result is `anew`, and all pieces are void.
	 */
	const struct explore_piece *piece;
	void (*give)(void *arg, struct explore_piece *piece);
	void *give_arg;
	u64 give_after;
	struct explore_halves *halves;
	/* Not 0: stop when more are blocked than so many and one for each execution. */
	u64 max_blocked;
};

/* A flat block of so many bytes, of use to any process with the program at the same place. */
struct explore_piece {
	u32 bytes;
	u32 base, len; /* frames; those from base on are its own */
	u32 nr_sleepers;
	u8 rest[] __attribute__((aligned(8)));
};

/* A step of a schedule: who goes on, and by how many changes of its word it is behind. */
static inline unsigned explore_step_thread(u8 step)
{
	return step % EXPLORE_MAX_THREADS;
}

static inline unsigned explore_step_age(u8 step)
{
	return step / EXPLORE_MAX_THREADS;
}

enum explore_failure {
	EXPLORE_FAIL_NONE,
	EXPLORE_FAIL_CHECK,    /* explore_fail, or an assertion */
	EXPLORE_FAIL_DEADLOCK, /* threads wait that nothing can wake */
	EXPLORE_FAIL_DIFFERS,  /* the same choices did not lead to the same operations */
};

#define EXPLORE_MAX_EVENTS 4096
#define EXPLORE_TEXT_BYTES 1024

struct explore_result {
	u64 executions; /* complete ones; for the exhaustive modes: traces */
	u64 blocked;
	u64 deadlocks;
	u64 failures;
	u64 cut;        /* executions that were too long to follow to their end */
	u64 old_reads;  /* of the last execution: operations that were behind */
	u64 unasked;    /* executions in which not all that loads may read was looked at */
	u64 races;      /* looked at */
	u64 infeasible; /* branches that could not be taken: 0 unless a footprint is wrong */
	u64 events;     /* carried out in all */
	u64 longest;    /* events of the longest execution */
	u64 ns;
	double estimate;   /* executions of a full search, by Knuth's estimator; 0: unknown */
	bool complete;     /* the whole space was covered */
	bool differs;      /* EXPLORE_FAIL_DIFFERS was seen */
	bool bounded;      /* by preemptions: complete only within the bound */
	bool anew;         /* a piece, or a search that gave some away: see options.halves */
	u64 first_failure; /* number of the execution, from 1; 0: none */
	enum explore_failure failure;
	char failure_text[EXPLORE_TEXT_BYTES];
	int failed_thread; /* that found it; below 0: none, it was found after they had ended */
	u8 schedule[EXPLORE_MAX_EVENTS]; /* of the first failure: the step of each event */
	unsigned schedule_len;
	/* Of that schedule: threads left, and those of them that could have gone on. */
	unsigned switches, preemptions;
};

/* Explore. 0; -EINVAL: more threads than there can be, or a piece in a mode that takes none. One at
 * a time in a process. */
int explore(const struct explore_program *program, const struct explore_options *options,
	    struct explore_result *ret_result);

/* From a thread or from check: this execution is a failure. Does not return from a thread. */
void explore_fail(const char *text);

/* ---- schedules: exactly what failed, again, smaller, as text ---- */

struct explore_minimised {
	u8 schedule[EXPLORE_MAX_EVENTS];
	unsigned schedule_len;
	unsigned preemptions, switches;
	unsigned preemptions_before, switches_before;
	u64 runs;    /* executions that it took */
	bool proven; /* no failure has fewer preemptions: everything with one less was tried */
	char text[EXPLORE_TEXT_BYTES];
};

/*
 * The same failure with the fewest preemptions, then the fewest switches that are found. Of
 * limits max_executions, max_ns, deadlocks_allowed, races_allowed, memory and without count. 0;
 * -ENOENT: the schedule does not fail; -ENOMEM.
 */
int explore_minimise(const struct explore_program *program, const struct explore_options *limits,
		     const u8 *schedule, unsigned len, struct explore_minimised *ret_minimised);

#define EXPLORE_ABOUT_BYTES 8192

struct explore_schedule {
	u8 threads[EXPLORE_MAX_EVENTS]; /* the step of each event */
	unsigned len;
	char about[EXPLORE_ABOUT_BYTES]; /* lines of word and value */
};

/* As a file for replaying: about is lines of word and value, or "". Returns the whole length. */
size_t explore_schedule_write(const u8 *schedule, unsigned len, const char *about, char *buf,
			      size_t size);
/* 0; -EINVAL: it is none, and what is wrong in which line. */
int explore_schedule_parse(const char *text, struct explore_schedule *ret_schedule, char *error,
			   size_t error_size);
/* The value of the nth line, from 0, that is about this word; false: there is none. */
bool explore_schedule_about(const struct explore_schedule *schedule, const char *word, unsigned nth,
			    char *buf, size_t size);

#define explore_assert(cond)                                                \
	do {                                                                \
		if (!(cond))                                                \
			explore_fail(__FILE__ ": " #cond " does not hold"); \
	} while (0)

const char *explore_mode_name(enum explore_mode mode);

#endif
