/* SPDX-License-Identifier: MIT */
/* usermm explore: every interleaving of a scenario that matters, or many random ones. */
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/explore.h"

#define SUB "explore"
#define DEFAULT_SECONDS 60

static void help(void)
{
	printf("usage: usermm explore [OPTION]... FILE...\n\n"
	       "Runs the functions that a scenario gives to concurrent() under every interleaving\n"
	       "that matters, and its checks after each. A failed expectation, a contradiction,\n"
	       "a failed assertion of the core, a deadlock, a wake-up that was lost and anything\n"
	       "left over at the end are failures; the first one is shown event by event.\n\n"
	       "  -s, --strategy NAME      optimal, source, sleep or naive: every interleaving;\n"
	       "                           random, pos, pct or urw: samples. Default: optimal\n"
	       "                           while its estimate fits the budget, else samples of\n"
	       "                           each kind\n"
	       "  -m, --memory MODEL       sc (default), tso or weak\n"
	       "  -p, --preemptions K      at most K switches away from a thread that could go on\n"
	       "  -n, --executions N       the budget in executions\n"
	       "  -t, --time S             the budget in seconds (default %d)\n"
	       "      --seed N             what samples start from (default 1)\n"
	       "  -M, --mutant NAME        switch a known bug on; may be repeated\n"
	       "  -o, --option NAME=VALUE  an option of the machine, see usermm(7)\n"
	       "      --save FILE          write the schedule of the first failure there\n"
	       "      --replay FILE        run that schedule once, and show it\n"
	       "      --all-events         show every event of a failure, not only the\n"
	       "                           telling ones\n"
	       "      --as-found           do not look for a failure with fewer preemptions\n"
	       "  -j, --jobs N             so many processes for samples\n"
	       "      --json               one JSON object per file instead\n"
	       "  -h, --help               this text\n\n"
	       "A scenario may ask for options of its own: -- explore: --preemptions 2\n\n"
	       "Exit status: 0 no failure, 1 a failure, 2 bad usage or input, 3 the budget was\n"
	       "not enough (what was covered is said), or it cannot run here.\n",
	       DEFAULT_SECONDS);
}

/* ---- options -------------------------------------------------------------------------- */

enum {
	OPT_SEED = 256,
	OPT_SAVE,
	OPT_REPLAY,
	OPT_JSON,
	OPT_ALL_EVENTS,
	OPT_AS_FOUND,
};

static const struct option long_options[] = {
	{ "strategy", required_argument, NULL, 's' },
	{ "memory", required_argument, NULL, 'm' },
	{ "preemptions", required_argument, NULL, 'p' },
	{ "executions", required_argument, NULL, 'n' },
	{ "time", required_argument, NULL, 't' },
	{ "seed", required_argument, NULL, OPT_SEED },
	{ "mutant", required_argument, NULL, 'M' },
	{ "option", required_argument, NULL, 'o' },
	{ "save", required_argument, NULL, OPT_SAVE },
	{ "replay", required_argument, NULL, OPT_REPLAY },
	{ "all-events", no_argument, NULL, OPT_ALL_EVENTS },
	{ "as-found", no_argument, NULL, OPT_AS_FOUND },
	{ "jobs", required_argument, NULL, 'j' },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};
#define SHORT_OPTIONS "s:m:p:n:t:M:o:j:h"

static bool set_strategy(struct explore_command *command, const char *name)
{
	for (unsigned mode = 0; mode < EXPLORE_REPLAY; mode++) {
		if (strcmp(explore_mode_name((enum explore_mode)mode), name) != 0)
			continue;
		command->chosen = true;
		command->mode = (enum explore_mode)mode;
		return true;
	}
	cli_usage_error(SUB, "there is no strategy '%s'", name);
	return false;
}

static bool set_memory(struct explore_command *command, const char *name)
{
	if (strcmp(name, "sc") != 0 && strcmp(name, "tso") != 0 && strcmp(name, "weak") != 0) {
		cli_usage_error(SUB, "--memory is sc, tso or weak, not '%s'", name);
		return false;
	}
	command->memory = name;
	return true;
}

static bool add_mutant(struct explore_command *command, const char *name)
{
	if (umm_mutant_set(name, false)) {
		cli_usage_error(SUB, "there is no mutant '%s'; usermm mutants lists them", name);
		return false;
	}
	if (command->nr_mutants == MAX_MUTANTS) {
		cli_usage_error(SUB, "at most %d mutants", MAX_MUTANTS);
		return false;
	}
	snprintf(command->mutants[command->nr_mutants++], MUTANT_NAME_BYTES, "%s", name);
	return true;
}

static bool set_option(struct explore_command *command, int option, const char *text)
{
	uint64_t number = 0;

	switch (option) {
	case 's':
		return set_strategy(command, text);
	case 'm':
		return set_memory(command, text);
	case 'M':
		return add_mutant(command, text);
	case 'o':
		return cli_config(SUB, text, &command->config);
	case OPT_SAVE:
		command->save_path = text;
		return true;
	case OPT_REPLAY:
		command->replay_path = text;
		return true;
	case OPT_JSON:
		command->json = true;
		return true;
	case OPT_ALL_EVENTS:
		command->all_events = true;
		return true;
	case OPT_AS_FOUND:
		command->as_found = true;
		return true;
	case 'p':
		if (!cli_number(SUB, "--preemptions", text, &number))
			return false;
		command->preemptions = number > 1000 ? 1000 : (int)number;
		return true;
	case 'n':
		return cli_number(SUB, "--executions", text, &command->executions);
	case 't':
		return cli_number(SUB, "--time", text, &command->seconds);
	case OPT_SEED:
		return cli_number(SUB, "--seed", text, &command->config.seed);
	default:
		if (!cli_number(SUB, "--jobs", text, &number))
			return false;
		command->jobs = number < 1 ? 1 : number > 64 ? 64 : (unsigned)number;
		return true;
	}
}

/* Options, from the command line or a scenario. -1: go on; else the exit status. */
static int parse(struct explore_command *command, int argc, char **argv)
{
	int option;

	optind = 0; /* from the start, also of a second list */
	while ((option = getopt_long(argc, argv, SHORT_OPTIONS, long_options, NULL)) != -1) {
		if (option == 'h') {
			help();
			return EXIT_WELL;
		}
		if (option == '?') {
			fprintf(stderr, "Try 'usermm " SUB " --help'.\n");
			return EXIT_USAGE;
		}
		if (!set_option(command, option, optarg))
			return EXIT_USAGE;
	}
	return -1;
}

/* "-- explore: OPTIONS" among the first comment lines; the words stay in buf. */
static int file_words(const struct scn_file *file, char *buf, size_t size, char **argv, int max)
{
	const char *line = file->text;
	int argc = 1;

	for (; !strncmp(line, "--", 2); line += strcspn(line, "\n"), line += *line == '\n') {
		size_t len = strcspn(line, "\n");
		char *rest = buf, *word;

		if (strncmp(line, "-- explore:", 11) != 0)
			continue;
		snprintf(buf, size, "%.*s", (int)(len - 11), line + 11);
		while (argc < max - 1 && (word = strsep(&rest, " \t\r")) != NULL) {
			if (*word)
				argv[argc++] = word;
		}
		break;
	}
	argv[argc] = NULL;
	return argc;
}

/* The file's options first, so that those of the command line win. */
static int options_of(const struct scn_file *file, int argc, char **argv, char *buf, size_t size,
		      struct explore_command *ret_command)
{
	static char name[] = SUB;
	char *words[32] = { name };
	int nr = file_words(file, buf, size, words, 32), ret;

	*ret_command = (struct explore_command){ .memory = "sc", .preemptions = -1, .jobs = 1 };
	scn_explore_config(&ret_command->config);
	ret_command->config.seed = 1;
	ret = parse(ret_command, nr, words);
	if (ret >= 0) {
		fprintf(stderr, "usermm " SUB ": %s: the options after -- explore: are wrong\n",
			file->path);
		return EXIT_USAGE;
	}
	return parse(ret_command, argc, argv);
}

/* ---- one file ------------------------------------------------------------------------- */

static int explore_file(const char *path, int argc, char **argv)
{
	char buf[512], message[512];
	struct explore_command command;
	struct scn_file file;
	enum scn_only only;
	int ret;

	if (!scn_file_read(path, &file, message, sizeof(message))) {
		fprintf(stderr, "usermm " SUB ": %s\n", message);
		return EXIT_USAGE;
	}
	only = scn_file_only(&file, message, sizeof(message));
	ret = options_of(&file, argc, argv, buf, sizeof(buf), &command);
	if (ret < 0 && !command.seconds && !command.executions)
		command.seconds = DEFAULT_SECONDS;
	if (ret >= 0) {
		/* It is said. */
	} else if (only == SCN_ONLY_LINUX) {
		printf("%s: only for %s\n", path, message);
		ret = EXIT_CANNOT;
	} else if (strcmp(command.memory, "sc") != 0) {
		printf("%s: the memory core is explored under sc only, not %s\n", path,
		       command.memory);
		ret = EXIT_CANNOT;
	} else {
		for (unsigned i = 0; i < command.nr_mutants; i++)
			umm_mutant_set(command.mutants[i], true);
		ret = explore_command_run(&command, &file);
		for (unsigned i = 0; i < command.nr_mutants; i++)
			umm_mutant_set(command.mutants[i], false);
	}
	scn_file_free(&file);
	return ret;
}

int cmd_explore(int argc, char **argv)
{
	struct explore_command command = { .memory = "sc" };
	int ret, first;

	scn_explore_config(&command.config);
	ret = parse(&command, argc, argv);
	first = optind;
	if (ret >= 0)
		return ret;
	if (first == argc)
		return cli_usage_error(SUB, "a file is missing");
	ret = EXIT_WELL;
	for (int i = first; i < argc; i++)
		ret = cli_worse(ret, explore_file(argv[i], first, argv));
	return ret;
}
