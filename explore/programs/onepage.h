/* SPDX-License-Identifier: MIT */
/*
 * Two threads of one process on one page of the real memory core, on a machine that is put back
 * before each execution. For tests and figures without a scenario around it.
 */
#ifndef EXPLORE_PROGRAMS_ONEPAGE_H
#define EXPLORE_PROGRAMS_ONEPAGE_H

#include "explore/explore.h"

enum core_program {
	CORE_FAULT_FAULT, /* both write the page for the first time */
	CORE_FAULT_UNMAP, /* one writes it, the other unmaps it */
	CORE_READ_WRITE,  /* one reads it, one writes it, for the first time */
	CORE_BOTH_UNMAP,  /* both write it and unmap it */
	NR_CORE_PROGRAMS
};

/* 0, or -errno. One at a time; core_program_end before the next. */
int core_program_begin(enum core_program which, struct explore_program *ret_program);
void core_program_end(void);
const char *core_program_name(enum core_program which);

#endif
