/* SPDX-License-Identifier: MIT */
/* Checks of mutants that no scenario can make. */
#ifndef CLI_MUTANT_PROGRAMS_H
#define CLI_MUTANT_PROGRAMS_H

struct mutant_program {
	const char *name;
	/* What went wrong, in words; NULL when nothing did. */
	const char *(*run)(void);
};

/* Ends with a NULL name. */
extern const struct mutant_program mutant_programs[];

#endif
