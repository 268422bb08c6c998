/* SPDX-License-Identifier: MIT */
/* What the subcommands share. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdbool.h>
#include <stdio.h>

#include "scenario/script.h"
#include "usermm/usermm.h"

enum cli_exit {
	EXIT_WELL = 0,
	EXIT_FAILED = 1, /* an expectation failed, or a difference was found */
	EXIT_USAGE = 2,  /* bad usage or input */
	EXIT_CANNOT = 3, /* cannot run here */
};

struct cli_command {
	const char *name;
	const char *summary;
	int (*run)(int argc, char **argv); /* argv[0] is "usermm SUB" */
};

/* "usermm SUB: message" and where to find help; returns EXIT_USAGE. */
int cli_usage_error(const char *sub, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Numbers of options, with suffixes K M G; false after saying what is wrong. */
bool cli_number(const char *sub, const char *option, const char *text, uint64_t *ret_value);
/* "k=v" into the configuration; false after saying what is wrong. */
bool cli_config(const char *sub, const char *text, struct umm_config *config);

/* Turns the known bug on; false after saying what is wrong. */
bool cli_mutant(const char *sub, const char *name);

/* How a verdict ends the command. */
int cli_exit_of(enum scn_verdict verdict);
/* The worse of two: failed, then usage, then cannot, then well. */
int cli_worse(int a, int b);

/* ---- colour: empty strings unless the stream is a terminal and NO_COLOR is unset ------- */

struct cli_colours {
	const char *bold, *dim, *red, *green, *yellow, *cyan, *off;
};
const struct cli_colours *cli_colours(FILE *stream);

int cmd_run(int argc, char **argv);
int cmd_diff(int argc, char **argv);
int cmd_explore(int argc, char **argv);
int cmd_fuzz(int argc, char **argv);
int cmd_inspect(int argc, char **argv);
int cmd_bench(int argc, char **argv);
int cmd_mutants(int argc, char **argv);

#endif
