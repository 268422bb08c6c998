/* SPDX-License-Identifier: MIT */
/* usermm explore: every interleaving of a scenario that matters, or many random ones. */
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/explore.h"
#include "explore/jobs.h"

#define SUB "explore"
#define DEFAULT_SECONDS 60

static void help(void)
{
	printf("usage: usermm explore [OPTION]... FILE...\n"
	       "       usermm explore --replay SCHEDULE [OPTION]... [FILE]\n\n"
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
	       "      --replay FILE        run that schedule once, and show it, with the\n"
	       "                           mutants and options that it was found with\n"
	       "      --no-mutants         but without its mutants\n"
	       "      --all-events         show every event of a failure, not only the\n"
	       "                           telling ones\n"
	       "      --allow-races        a data race is no failure: to see what it does\n"
	       "      --without PLACE      the barrier, or the order of the access, at a place\n"
	       "                           of the core (mmu/pgtable.c:192) does nothing\n"
	       "      --barriers           explore without each of them, and say what breaks\n"
	       "      --as-found           do not look for a failure with fewer preemptions\n"
	       "  -j, --jobs N             so many processes\n"
	       "      --json               one JSON object per file instead\n"
	       "  -h, --help               this text\n\n"
	       "A scenario may ask for options of its own: -- explore: --preemptions 2\n"
	       "With several such lines it is explored once with each.\n\n"
	       "Exit status: 0 no failure, 1 a failure, 2 bad usage or input, 3 the budget was\n"
	       "not enough (what was covered is said), or it cannot run here.\n",
	       DEFAULT_SECONDS);
}

/* ---- options -------------------------------------------------------------------------- */

enum {
	OPT_SEED = 256,
	OPT_SAVE,
	OPT_REPLAY,
	OPT_NO_MUTANTS,
	OPT_JSON,
	OPT_ALL_EVENTS,
	OPT_WITHOUT,
	OPT_BARRIERS,
	OPT_AS_FOUND,
	OPT_ALLOW_RACES,
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
	{ "allow-races", no_argument, NULL, OPT_ALLOW_RACES },
	{ "without", required_argument, NULL, OPT_WITHOUT },
	{ "barriers", no_argument, NULL, OPT_BARRIERS },
	{ "jobs", required_argument, NULL, 'j' },
	{ "no-mutants", no_argument, NULL, OPT_NO_MUTANTS },
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
	for (unsigned memory = 0; memory < NR_WEAK_MEMORIES; memory++) {
		if (strcmp(weak_memory_name((enum weak_memory)memory), name) != 0)
			continue;
		command->memory = (enum weak_memory)memory;
		return true;
	}
	cli_usage_error(SUB, "--memory is sc, tso or weak, not '%s'", name);
	return false;
}

static bool add_mutant(struct explore_command *command, const char *name)
{
	if (umm_mutant_set(name, false)) {
		cli_usage_error(SUB, "there is no mutant '%s'; usermm mutants lists them", name);
		return false;
	}
	for (unsigned i = 0; i < command->nr_mutants; i++)
		if (strcmp(command->mutants[i], name) == 0)
			return true;
	if (command->nr_mutants == MAX_MUTANTS) {
		cli_usage_error(SUB, "at most %d mutants", MAX_MUTANTS);
		return false;
	}
	snprintf(command->mutants[command->nr_mutants++], MUTANT_NAME_BYTES, "%s", name);
	return true;
}

static bool add_machine_option(struct explore_command *command, const char *text)
{
	if (!cli_config(SUB, text, &command->config))
		return false;
	if (command->nr_machine_options == MAX_MACHINE_OPTIONS) {
		cli_usage_error(SUB, "at most %d options of the machine", MAX_MACHINE_OPTIONS);
		return false;
	}
	command->machine_options[command->nr_machine_options++] = text;
	return true;
}

static bool set_number(struct explore_command *command, int option, const char *text)
{
	uint64_t number = 0;

	switch (option) {
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
		command->jobs = number < 1                ? 1 :
				number > EXPLORE_MAX_JOBS ? EXPLORE_MAX_JOBS :
							    (unsigned)number;
		return true;
	}
}

static bool set_option(struct explore_command *command, int option, const char *text)
{
	switch (option) {
	case 's':
		return set_strategy(command, text);
	case 'm':
		return set_memory(command, text);
	case 'M':
		return add_mutant(command, text);
	case 'o':
		return add_machine_option(command, text);
	case OPT_SAVE:
		command->save_path = text;
		return true;
	case OPT_REPLAY:
		command->replay_path = text;
		return true;
	case OPT_JSON:
		command->json = true;
		return true;
	case OPT_WITHOUT:
		command->without = text;
		return true;
	case OPT_BARRIERS:
		command->barriers = true;
		return true;
	case OPT_ALL_EVENTS:
		command->all_events = true;
		return true;
	case OPT_AS_FOUND:
		command->as_found = true;
		return true;
	case OPT_ALLOW_RACES:
		command->allow_races = true;
		return true;
	case OPT_NO_MUTANTS:
		command->no_mutants = true;
		return true;
	default:
		return set_number(command, option, text);
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

/* ---- options that are not from the command line --------------------------------------- */

#define MAX_WORDS 128

struct words {
	char *argv[MAX_WORDS + 1];
	int argc;
	char text[16384]; /* what they are made of */
	size_t used;
};

static void words_begin(struct words *words)
{
	static char name[] = SUB;

	words->argv[0] = name;
	words->argv[1] = NULL;
	words->argc = 1;
	words->used = 0;
}

/* False: too many, or too long. */
static bool add_word(struct words *words, const char *text, size_t len)
{
	char *word = words->text + words->used;

	if (words->argc == MAX_WORDS || len >= sizeof(words->text) - words->used)
		return false;
	memcpy(word, text, len);
	word[len] = '\0';
	words->used += len + 1;
	words->argv[words->argc++] = word;
	words->argv[words->argc] = NULL;
	return true;
}

/* The nth "-- explore: OPTIONS" among the first comment lines, the words at *ret_text. */
static bool find_line(const struct scn_file *file, unsigned nth, const char **ret_text,
		      size_t *ret_len)
{
	static const char begin[] = "-- explore:";
	const char *line = file->text;

	for (; !strncmp(line, "--", 2); line += strcspn(line, "\n"), line += *line == '\n') {
		if (strncmp(line, begin, strlen(begin)) != 0 || nth--)
			continue;
		line += strlen(begin);
		line += strspn(line, " \t");
		*ret_text = line;
		*ret_len = strcspn(line, "\r\n");
		return true;
	}
	return false;
}

static bool words_of_line(const char *line, size_t len, struct words *words)
{
	const char *end = line + len;

	words_begin(words);
	while (line < end) {
		size_t word = strcspn(line, " \t\r\n");

		if (word > (size_t)(end - line))
			word = (size_t)(end - line);
		if (word && !add_word(words, line, word))
			return false;
		line += word + 1;
	}
	return true;
}

/* What the schedule was found with. */
static bool words_of_schedule(const struct explore_schedule *schedule, bool mutants,
			      struct words *words)
{
	static const struct {
		const char *word, *option;
	} known[] = {
		{ "seed", "--seed" },     { "memory", "--memory" }, { "without", "--without" },
		{ "option", "--option" }, { "mutant", "--mutant" },
	};
	char value[EXPLORE_ABOUT_BYTES];

	words_begin(words);
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (!mutants && !strcmp(known[i].word, "mutant"))
			continue;
		for (unsigned n = 0;
		     explore_schedule_about(schedule, known[i].word, n, value, sizeof(value)); n++)
			if (!add_word(words, known[i].option, strlen(known[i].option)) ||
			    !add_word(words, value, strlen(value)))
				return false;
	}
	if (explore_schedule_about(schedule, "races", 0, value, sizeof(value)) &&
	    !strcmp(value, "allowed"))
		return add_word(words, "--allow-races", strlen("--allow-races"));
	return true;
}

static void command_init(struct explore_command *command)
{
	*command = (struct explore_command){ .preemptions = -1, .jobs = 1 };
	scn_explore_config(&command->config);
	command->config.seed = 1;
}

/* ---- one file ------------------------------------------------------------------------- */

/* What all explorations share. */
struct given {
	int argc; /* options of the command line */
	char **argv;
	const struct explore_schedule *schedule; /* NULL: none to replay */
	bool no_mutants;
	bool saved; /* the first failure has been */
};

static int run_with_mutants(const struct explore_command *command, const struct scn_file *file,
			    const char *which)
{
	int ret;

	for (unsigned i = 0; i < command->nr_mutants; i++)
		umm_mutant_set(command->mutants[i], true);
	ret = command->barriers && !command->schedule ? explore_barriers_run(command, file) :
							explore_command_run(command, file, which);
	for (unsigned i = 0; i < command->nr_mutants; i++)
		umm_mutant_set(command->mutants[i], false);
	return ret;
}

/* With the options of words first, so that those of the command line win. */
static int explore_with(const struct scn_file *file, const char *which, struct words *words,
			struct given *given)
{
	struct explore_command command;
	int ret;

	command_init(&command);
	ret = parse(&command, words->argc, words->argv);
	if (ret >= 0) {
		fprintf(stderr, "usermm " SUB ": %s: the options %s are wrong\n", file->path,
			given->schedule ? "of the schedule" : "after -- explore:");
		return EXIT_USAGE;
	}
	ret = parse(&command, given->argc, given->argv);
	if (ret >= 0)
		return ret;
	command.schedule = given->schedule;
	if (given->saved)
		command.save_path = NULL;
	if (!command.seconds && !command.executions)
		command.seconds = DEFAULT_SECONDS;
	if (command.memory != WEAK_SC && !umm_sim_watched()) {
		printf("%s: --memory %s needs a build that watches plain accesses (sim_tsan)\n",
		       file->path, weak_memory_name(command.memory));
		return EXIT_CANNOT;
	}
	ret = run_with_mutants(&command, file, which);
	given->saved |= ret == EXIT_FAILED;
	return ret;
}

static int too_many_options(const struct scn_file *file)
{
	fprintf(stderr, "usermm " SUB ": %s: too many options\n", file->path);
	return EXIT_USAGE;
}

/* Once with each line of options, or once. */
static int explore_lines(const struct scn_file *file, struct given *given)
{
	bool several = false, more = true;
	static struct words words;
	int ret = EXIT_WELL;
	const char *line;
	size_t len = 0;

	several = find_line(file, 1, &line, &len);
	for (unsigned nth = 0; more; nth++) {
		char which[256] = "";

		words_begin(&words);
		if (find_line(file, nth, &line, &len)) {
			if (!words_of_line(line, len, &words))
				return too_many_options(file);
			if (several)
				snprintf(which, sizeof(which), "%.*s", (int)len, line);
		}
		ret = cli_worse(ret, explore_with(file, which, &words, given));
		more = find_line(file, nth + 1, &line, &len);
	}
	return ret;
}

static int replay_file(const struct scn_file *file, struct given *given)
{
	static struct words words;

	if (!words_of_schedule(given->schedule, !given->no_mutants, &words))
		return too_many_options(file);
	return explore_with(file, "", &words, given);
}

static int explore_file(const char *path, struct given *given)
{
	struct scn_file file;
	char message[512];
	int ret;

	if (!scn_file_read(path, &file, message, sizeof(message))) {
		fprintf(stderr, "usermm " SUB ": %s\n", message);
		return EXIT_USAGE;
	}
	if (scn_file_only(&file, message, sizeof(message)) == SCN_ONLY_LINUX) {
		printf("%s: only for %s\n", path, message);
		ret = EXIT_CANNOT;
	} else if (given->schedule) {
		ret = replay_file(&file, given);
	} else {
		ret = explore_lines(&file, given);
	}
	scn_file_free(&file);
	return ret;
}

/* The files of the command line, or the one that the schedule is of. */
static int explore_files(struct given *given, int argc, char **argv)
{
	char path[EXPLORE_ABOUT_BYTES];
	int ret = EXIT_WELL;

	if (!argc && given->schedule &&
	    explore_schedule_about(given->schedule, "scenario", 0, path, sizeof(path)))
		return explore_file(path, given);
	if (!argc)
		return cli_usage_error(SUB, "a file is missing");
	for (int i = 0; i < argc; i++)
		ret = cli_worse(ret, explore_file(argv[i], given));
	return ret;
}

int cmd_explore(int argc, char **argv)
{
	struct explore_schedule *schedule = NULL;
	struct explore_command command;
	struct given given;
	int ret;

	command_init(&command);
	ret = parse(&command, argc, argv);
	if (ret >= 0)
		return ret;
	/* Options stand before the files by now. */
	given = (struct given){ .argc = optind, .argv = argv, .no_mutants = command.no_mutants };
	if (command.replay_path) {
		given.schedule = schedule = explore_load(command.replay_path);
		if (!schedule)
			return EXIT_USAGE;
	}
	ret = explore_files(&given, argc - given.argc, argv + given.argc);
	free(schedule);
	return ret;
}
