/* SPDX-License-Identifier: MIT */
/*
 * usermm run --fail-each: a scenario again and again, another allocation failing each time.
 *
 * A run may end early, when a call of the scenario gives an error that it does not expect. It is a
 * finding when the machine contradicts itself, when something is left after all processes have
 * ended, when threads are stuck, or when memory has other contents although every call until then
 * did what it does when nothing fails.
 */
#ifndef CLI_FAILING_H
#define CLI_FAILING_H

#include "scenario/script.h"

struct failing_options {
	const struct umm_config *config;
	const char *site; /* a name, or "any" */
	uint64_t only;    /* the run with that number alone; 0: all */
	uint64_t runs;    /* at most so many, spread evenly; 0: all */
	bool tell;        /* how each run ended */
};

/* An exit status of the command. */
int failing_run(const struct failing_options *options, const struct scn_file *file);

#endif
