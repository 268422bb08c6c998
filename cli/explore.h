/* SPDX-License-Identifier: MIT */
/* usermm explore: what was asked for and what came of it, for the files that do it. */
#ifndef CLI_EXPLORE_H
#define CLI_EXPLORE_H

#include "cli/cli.h"
#include "explore/explore.h"
#include "explore/weak.h"
#include "scenario/explore.h"

#define MAX_MUTANTS 8
#define MUTANT_NAME_BYTES 64
#define MAX_MACHINE_OPTIONS 32

struct explore_command {
	bool chosen; /* a strategy was named */
	enum explore_mode mode;
	enum weak_memory memory;
	int preemptions;              /* below 0: no bound */
	uint64_t executions, seconds; /* the budget; 0: none */
	struct umm_config config;
	const char *machine_options[MAX_MACHINE_OPTIONS]; /* as given, "name=value" */
	unsigned nr_machine_options;
	char mutants[MAX_MUTANTS][MUTANT_NAME_BYTES];
	unsigned nr_mutants;
	const char *save_path, *replay_path;
	const struct explore_schedule *schedule; /* of replay_path */
	bool no_mutants;                         /* of the schedule */
	unsigned jobs;
	bool json, all_events, as_found;
	bool allow_races; /* data races are no failures */
	bool barriers;    /* explore without each of them */
	const char *without;
};

enum end { END_SHORT, END_FAILED, END_COMPLETE, END_SAMPLED, END_REPLAYED };

struct exploration {
	const struct explore_command *command;
	const struct scn_file *file;
	const char *which; /* of the file's explorations, its options; "" if it has one */
	struct scn_explore *explore;
	struct explore_result result; /* of the last call, and of the failure */
	const char *strategy;         /* of that */
	unsigned jobs;                /* of that: processes */
	uint64_t start_ns;
	uint64_t executions, blocked, cut, infeasible, events, longest;
	uint64_t failed_number; /* the execution that failed, from 1 */
	uint64_t hash;          /* of all traces, in any order */
	uint64_t call_hash;     /* of those of the call that is under way */
	double estimate;
	bool progress_shown;
	bool mixed;  /* samples of each kind */
	bool proven; /* no failure has fewer preemptions */
	enum end end;
	char note[256];
};

/* Explore, and say what came of it. The exit status. */
int explore_command_run(const struct explore_command *command, const struct scn_file *file,
			const char *which);

double explore_seconds_spent(const struct exploration *x);

/* ---- explore_barriers.c ---- */

/* Explore without each barrier, and say what each is for. The exit status. */
int explore_barriers_run(const struct explore_command *command, const struct scn_file *file);

/* ---- explore_show.c ---- */

void explore_show(struct exploration *x);

/* ---- explore_schedule.c ---- */

/* The schedule of the failure into command->save_path; false after saying why not. */
bool explore_save(const struct exploration *x);
/* The schedule in a file, to be freed; NULL after saying what is wrong. */
struct explore_schedule *explore_load(const char *path);

#endif
