/* SPDX-License-Identifier: MIT */
/*
 * Random sequences of steps, run on one backend or on two in step.
 *
 * A *case* is a sequence of ops. An op is plain data and speaks of other ops only by number:
 * the process that an earlier op made, the address that an earlier op returned. So a case can
 * be run again, with ops left out, in another process, or written as a scenario.
 *
 *   generate ---> case ---> run ---> same: the next case
 *                            |
 *                            +-----> not the same: make it smaller, run again, write it
 */
#ifndef SCENARIO_FUZZ_H
#define SCENARIO_FUZZ_H

#include <stdio.h>
#include <sys/types.h>

#include "scenario/session.h"

#define FUZZ_MAX_OPS 1024
#define FUZZ_MAX_RANGES 3
#define FUZZ_MAX_ACTS 2048
#define FUZZ_MAX_BYTES 16384
/* The window in whose pages most of a case happens. */
#define FUZZ_PAGES 16
/* A run that takes longer has hung. */
#define FUZZ_HUNG_SECONDS 20

struct fuzz_op {
	uint32_t id; /* counted from 1; 0 in the references below: none */
	enum scn_kind kind;
	uint32_t task, remote; /* the ops that made these processes and threads */
	uint64_t args[6];
	uint32_t base;     /* what that op returned is added to args[0] */
	uint32_t base_new; /* and to args[4] */
	uint32_t bytes;    /* how many to read or write, */
	uint8_t fill;      /* all of this value */
	uint8_t nr_ranges;
	struct umm_iovec ranges[FUZZ_MAX_RANGES];
	uint32_t range_base[FUZZ_MAX_RANGES];
	uint64_t answers; /* to the messages that it leads to: fuzz_handler.h */

	/* what came of it in the last run, on the kernel if it took part */
	bool ran;
	int64_t result;
	int signo;
};

struct fuzz_case {
	uint64_t seed;
	unsigned nr;
	struct fuzz_op ops[FUZZ_MAX_OPS];
	/* What handlers did in the last run; their id is the op's. What is too much is not kept. */
	unsigned nr_acts;
	struct fuzz_op acts[FUZZ_MAX_ACTS];
};

/* ---- generation ----------------------------------------------------------------------- */

#define FUZZ_MAX_PROCESSES 3
#define FUZZ_MAX_TASKS 6
#define FUZZ_MAX_REGIONS 8
#define FUZZ_MAX_UFFDS 3

struct fuzz_gen {
	uint64_t rng;
	unsigned nr_ops;
	uint64_t window;
	uint64_t classes; /* of ops, that this case uses, by bit */
	bool bad_input;   /* some arguments are wrong on purpose */
	bool files, swap; /* the case has them */
	bool no_minor;    /* one side alone reclaims, and minor faults would tell */
	bool handled;     /* who faults under a userfaultfd may wait */
	unsigned nr_files;
	bool printable; /* written bytes are letters, else harmless instructions */
	struct fuzz_task {
		uint32_t op;      /* that made it */
		uint32_t process; /* made its process: itself, but for a thread */
	} tasks[FUZZ_MAX_TASKS];  /* alive */
	unsigned nr_tasks;
	struct fuzz_region {
		uint32_t op;
		uint64_t pages;
	} regions[FUZZ_MAX_REGIONS];
	unsigned nr_regions;
	/* Of cases with userfaultfds: what was mapped of late, and what registered. */
	struct fuzz_places {
		struct fuzz_place {
			uint32_t base; /* an op; or 0: absolute */
			uint64_t addr, pages;
			bool shared;
		} all[FUZZ_MAX_REGIONS];
		unsigned nr;
	} mapped, registered;
	bool to_protect;  /* what was registered last, all of it */
	bool to_register; /* what was mapped last */
	bool begins;      /* such a case begins with memory that is registered, */
	unsigned opening; /* of which this is the next step */
	struct {
		uint32_t op, task;
	} pins[FUZZ_MAX_REGIONS];
	unsigned nr_pins;
	uint32_t uffds[FUZZ_MAX_UFFDS]; /* the ops that made them */
	unsigned nr_uffds;
	uint32_t uffd_fresh; /* the one that has not had its handshake, which is next; 0: none */
	uint32_t uffd_maker; /* the task that made it */
	unsigned nr_final;   /* reads at the end of the case */
};

/* Whether cases of this seed swap, if they may. */
bool fuzz_seed_swaps(uint64_t seed);
/* Names of the classes of ops, up to NULL. */
const char *fuzz_class_name(unsigned index);

/* allowed: what may be used at all; each case leaves some of it out. */
void fuzz_gen_init(struct fuzz_gen *gen, uint64_t seed, unsigned nr_ops, uint64_t allowed);
/* The next op, after `done` ops; false: the case is complete. */
bool fuzz_gen_next(struct fuzz_gen *gen, unsigned done, struct fuzz_op *ret_op);
/* Tell what came of it. */
void fuzz_gen_learn(struct fuzz_gen *gen, const struct fuzz_op *op);

/*
 * The structure of an ioctl, into words, which has room for five; its length in bytes. ranges: the
 * op's, with the addresses that they have in this run.
 */
size_t fuzz_uffd_structure(const struct fuzz_op *op, const struct umm_iovec *ranges,
			   uint64_t *words);
/* How a scenario calls it: a start, s source, l length, m mode, f features, v version. */
const char *fuzz_uffd_shape(const struct fuzz_op *op, const char **ret_method);

/* ---- runs ----------------------------------------------------------------------------- */

enum fuzz_verdict {
	FUZZ_SAME,
	FUZZ_DIFFERS, /* the two backends */
	FUZZ_FINDING, /* verify() contradicts */
	FUZZ_CRASHED,
	FUZZ_SKIPPED, /* cannot be done here */
	FUZZ_BROKEN,  /* the runner itself failed */
};

struct fuzz_setup {
	struct umm_config config;
	const struct scn_backend_ops *ops; /* on which it runs: the model, or for a trial linux */
	bool vs_linux;                     /* and on the kernel, compared */
	/*
	 * The model's processes may have few pages in memory at once, so that it takes back and
	 * brings home all the time: only what calls and accesses give is compared then.
	 */
	bool pressure;
	bool fail; /* let each allocation of the model fail in turn */
	unsigned nr_ops;
	uint64_t classes;
};

struct fuzz_report {
	enum fuzz_verdict verdict;
	unsigned at;       /* index of the op */
	uint64_t fail_nth; /* the allocation that failed; 0: none was made to */
	char text[6000];
};

/*
 * Generate and run the case of a seed (gen given), or run a case again (gen NULL). In this
 * process: an assertion of the model ends it. *calls is advanced with each op.
 */
void fuzz_run(const struct fuzz_setup *setup, struct fuzz_gen *gen, struct fuzz_case *c,
	      uint64_t *calls, struct fuzz_report *ret_report);
/* The same with the n-th allocation of the model failing; *ret_failed: one did. */
void fuzz_run_failing(const struct fuzz_setup *setup, struct fuzz_case *c, uint64_t nth,
		      uint64_t *calls, bool *ret_failed, struct fuzz_report *ret_report);

/*
 * Run a case again in a process of its own, so that it may crash or hang. 0, or -errno.
 */
int fuzz_run_apart(const struct fuzz_setup *setup, struct fuzz_case *c,
		   struct fuzz_report *ret_report);

/* For who forks by itself: the child's first steps, and what its death means. */
void fuzz_child_setup(pid_t parent, int fd_words);
void fuzz_describe_death(int status, struct fuzz_report *report);
/* What the child wrote to its standard error. */
void fuzz_read_words(int fd, struct fuzz_report *report);

/* ---- making it smaller, and writing it ------------------------------------------------ */

/*
 * Leave out and simplify what is not needed for the case to end as *report says; both are
 * brought up to date. progress, if given, is called now and then.
 */
void fuzz_minimise(const struct fuzz_setup *setup, struct fuzz_case *c, struct fuzz_report *report,
		   void (*progress)(unsigned nr_ops));

/* The case as a scenario in Lua; comment lines first, from report. */
void fuzz_write(FILE *out, const struct fuzz_setup *setup, const struct fuzz_case *c,
		const struct fuzz_report *report);

#endif
