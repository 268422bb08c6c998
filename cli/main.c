/* SPDX-License-Identifier: MIT */
/* The usermm command: finds the subcommand. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

static const struct cli_command commands[] = {
	{ "run", "run scenarios on the model and show what happens", cmd_run },
	{ "diff", "run scenarios on the model and on this kernel, show the first difference",
	  cmd_diff },
	{ "fuzz", "run random sequences of steps, and make what goes wrong small", cmd_fuzz },
	{ "explore", "run a scenario under every interleaving that matters", cmd_explore },
	{ "mutants", "known bugs that can be switched on, and what catches each", cmd_mutants },
	{ "bench", "how long things take, beside plain memory and this kernel", cmd_bench },
	{ "inspect", "open a machine saved by run --snapshot-on-failure", cmd_inspect },
};

static void help(void)
{
	printf("usage: usermm COMMAND [OPTION]... [ARGUMENT]...\n\n"
	       "Linux's virtual-memory core in user space: run a scenario on it, and on the\n"
	       "kernel underneath, and see where they differ.\n\n");
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		printf("  %-9s %s\n", commands[i].name, commands[i].summary);
	printf("\n'usermm COMMAND --help' explains a command; usermm(1) all of them,\n"
	       "usermm-scenario(7) how to write a scenario.\n");
}

int main(int argc, char **argv)
{
	static char name[32];

	signal(SIGPIPE, SIG_IGN);
	if (argc < 2)
		return cli_usage_error(NULL, "a command is missing");
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
		help();
		return EXIT_WELL;
	}
	if (!strcmp(argv[1], "--version")) {
		printf("usermm %s\n", umm_version());
		return EXIT_WELL;
	}
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(argv[1], commands[i].name))
			continue;
		/* getopt's messages begin with it. */
		snprintf(name, sizeof(name), "usermm %s", argv[1]);
		argv[1] = name;
		return commands[i].run(argc - 1, argv + 1);
	}
	return cli_usage_error(NULL, "there is no command '%s'", argv[1]);
}
