/* SPDX-License-Identifier: MIT */
/* usermm explore: what was asked for, for the files that do it. */
#ifndef CLI_EXPLORE_H
#define CLI_EXPLORE_H

#include "cli/cli.h"
#include "scenario/explore.h"

#define MAX_MUTANTS 8
#define MUTANT_NAME_BYTES 64

struct explore_command {
	bool chosen; /* a strategy was named */
	enum explore_mode mode;
	const char *memory;
	int preemptions;              /* below 0: no bound */
	uint64_t executions, seconds; /* the budget; 0: none */
	struct umm_config config;
	char mutants[MAX_MUTANTS][MUTANT_NAME_BYTES];
	unsigned nr_mutants;
	const char *save_path, *replay_path;
	unsigned jobs;
	bool json, all_events, as_found;
};

/* The exit status. */
int explore_command_run(const struct explore_command *command, const struct scn_file *file);

#endif
