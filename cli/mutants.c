/* SPDX-License-Identifier: MIT */
/*
 * usermm mutants: the known bugs that can be switched on, and the proof that each is caught: by
 * the check that it names, for the reason that it names, and the same check passes without it.
 *
 * Each check runs in a child process, because a bug may end it by a failed assertion.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/mutant_programs.h"

#define SUB "mutants"
#define OUTPUT_BYTES 65536
/* A check that is caught by its first seed passes with more than that one. */
#define MIN_SEEDS 20

struct mutants_options {
	const char *folder;
	bool check;
};

/* What a child did. */
struct outcome {
	bool failed;  /* an expectation, or an assertion that ended it */
	bool broken;  /* it could not run at all */
	bool skipped; /* this build lacks what it is about */
	uint64_t seed;
	char text[OUTPUT_BYTES];
};

static void help(void)
{
	printf("usage: usermm mutants [--check [--scenarios DIR]] [NAME]...\n\n"
	       "Lists the known bugs that --mutant switches on: the requirement\n"
	       "that each breaks, where it comes from, and what catches it. With --check, proves\n"
	       "it: with the mutant that check fails, and says why; without it, it passes.\n\n"
	       "  -c, --check           prove that each is caught\n"
	       "      --scenarios DIR   where the scenarios are (default scenarios)\n"
	       "  -h, --help            this text\n\n"
	       "Exit status: 0 all caught, 1 one is not, 2 bad usage, 3 the scenarios are\n"
	       "missing.\n");
}

/* ---- one check ------------------------------------------------------------------------- */

static const struct mutant_program *find_program(const char *name)
{
	const struct mutant_program *program = mutant_programs;

	while (program->name && strcmp(program->name, name) != 0)
		program++;
	return program->name ? program : NULL;
}

static bool is_run(const struct umm_mutant *mutant)
{
	return strcmp(mutant->how, "run") == 0;
}

static bool is_explored(const struct umm_mutant *mutant)
{
	return strcmp(mutant->how, "explore") == 0 || strcmp(mutant->how, "watch") == 0;
}

static void path_of(const struct mutants_options *options, const struct umm_mutant *mutant,
		    char *buf, size_t size)
{
	snprintf(buf, size, "%s/%s/%s", options->folder, is_run(mutant) ? "mutants" : "explore",
		 mutant->where);
}

/* In the child: does not return. */
static void child_program(const struct umm_mutant *mutant, bool on)
{
	const struct mutant_program *program = find_program(mutant->where);
	const char *text;

	if (!program)
		exit(EXIT_CANNOT);
	umm_mutant_set(mutant->name, on);
	text = program->run();
	if (text)
		printf("%s\n", text);
	exit(text ? EXIT_FAILED : EXIT_WELL);
}

static void child_run(const struct mutants_options *options, const struct umm_mutant *mutant,
		      bool on, uint64_t seeds)
{
	char path[4096], number[32];
	char *argv[] = { (char *)"run", (char *)"--quiet",  (char *)"--seeds",    number,
			 path,          (char *)"--mutant", (char *)mutant->name, NULL };

	path_of(options, mutant, path, sizeof(path));
	snprintf(number, sizeof(number), "%" PRIu64, seeds);
	if (!on)
		argv[5] = NULL;
	optind = 0;
	exit(cmd_run(on ? 7 : 5, argv));
}

static void child_explore(const struct mutants_options *options, const struct umm_mutant *mutant,
			  bool on)
{
	char path[4096];
	char *argv[] = {
		(char *)"explore",    path, (char *)"--time", (char *)"30", (char *)"--mutant",
		(char *)mutant->name, NULL
	};

	path_of(options, mutant, path, sizeof(path));
	if (!on)
		argv[4] = NULL;
	optind = 0;
	exit(cmd_explore(on ? 6 : 4, argv));
}

static void read_all(int fd, char *buf, size_t size)
{
	size_t used = 0;

	for (;;) {
		char rest[4096];
		ssize_t got = used < size - 1 ? read(fd, buf + used, size - 1 - used) :
						read(fd, rest, sizeof(rest));

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		if (used < size - 1)
			used += (size_t)got;
	}
	buf[used] = '\0';
}

static void judge(struct outcome *outcome, int status)
{
	const char *seed = strstr(outcome->text, "with --seed ");

	if (WIFEXITED(status))
		outcome->failed = WEXITSTATUS(status) == EXIT_FAILED;
	else
		outcome->failed = true;
	outcome->broken = WIFEXITED(status) && WEXITSTATUS(status) > EXIT_FAILED;
	outcome->skipped = WIFEXITED(status) && WEXITSTATUS(status) == EXIT_CANNOT;
	outcome->seed = seed ? strtoull(seed + strlen("with --seed "), NULL, 10) : 0;
}

static void run_check(const struct mutants_options *options, const struct umm_mutant *mutant,
		      bool on, uint64_t seeds, struct outcome *outcome)
{
	int fds[2], status = 0;
	pid_t pid;

	memset(outcome, 0, sizeof(*outcome));
	fflush(NULL);
	if (pipe(fds) || (pid = fork()) < 0) {
		outcome->broken = true;
		snprintf(outcome->text, sizeof(outcome->text), "%s", strerror(errno));
		return;
	}
	if (pid == 0) {
		dup2(fds[1], STDOUT_FILENO);
		dup2(fds[1], STDERR_FILENO);
		close(fds[0]);
		close(fds[1]);
		if (is_run(mutant))
			child_run(options, mutant, on, seeds);
		if (is_explored(mutant))
			child_explore(options, mutant, on);
		child_program(mutant, on);
	}
	close(fds[1]);
	read_all(fds[0], outcome->text, sizeof(outcome->text));
	close(fds[0]);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	judge(outcome, status);
}

/* ---- the table --------------------------------------------------------------------------- */

static void show_text(const char *text)
{
	const char *end;

	for (; *text; text = *end ? end + 1 : end) {
		end = text + strcspn(text, "\n");
		if (end > text)
			printf("      %.*s\n", (int)(end - text), text);
	}
}

/* "this|or that": the one that the text has, or NULL; its length in *ret_len. */
static const char *said(const char *text, const char *says, int *ret_len)
{
	char word[256];

	for (;; says += *ret_len + 1) {
		*ret_len = (int)strcspn(says, "|");
		snprintf(word, sizeof(word), "%.*s", *ret_len, says);
		if (strstr(text, word))
			return says;
		if (!says[*ret_len])
			return NULL;
	}
}

enum proof { CAUGHT, NOT_CAUGHT, SKIPPED };

static enum proof not_caught(const struct umm_mutant *mutant, const char *why,
			     const struct outcome *outcome)
{
	const struct cli_colours *c = cli_colours(stdout);

	printf("%sNOT CAUGHT%s %s: %s\n", c->red, c->off, mutant->name, why);
	show_text(outcome->text);
	return NOT_CAUGHT;
}

static enum proof caught(const struct umm_mutant *mutant, const struct outcome *outcome,
			 uint64_t seeds)
{
	const struct cli_colours *c = cli_colours(stdout);
	const char *words;
	int len;

	printf("%scaught%s  %-23s %s", c->green, c->off, mutant->name, mutant->where);
	if (outcome->seed > 1)
		printf(", seed %" PRIu64, outcome->seed);
	if (seeds)
		printf("; passes without (%" PRIu64 " seeds)", seeds);
	else
		printf("%s; passes without", is_explored(mutant) ? ", explored" : "");
	words = said(outcome->text, mutant->says, &len);
	printf(": \"%.*s\"\n", len, words ? words : "");
	return CAUGHT;
}

static enum proof skipped(const struct umm_mutant *mutant, const char *why)
{
	printf("skipped %-23s %.*s\n", mutant->name, (int)strcspn(why, "\n"), why);
	return SKIPPED;
}

static enum proof check_one(const struct mutants_options *options, const struct umm_mutant *mutant)
{
	static struct outcome outcome;
	struct outcome *with = malloc(sizeof(*with));
	enum proof proof = NOT_CAUGHT;
	uint64_t seeds;
	int len;

	if (!with)
		return not_caught(mutant, "out of memory", &outcome);
	run_check(options, mutant, true, mutant->seeds, with);
	seeds = with->seed > MIN_SEEDS ? with->seed : MIN_SEEDS;
	if (with->skipped && strcmp(mutant->how, "program") != 0) {
		proof = skipped(mutant, with->text);
	} else if (with->broken) {
		not_caught(mutant, "its check cannot run", with);
	} else if (!with->failed) {
		not_caught(mutant, "its check passes", with);
	} else if (!said(with->text, mutant->says, &len)) {
		not_caught(mutant, "its check fails for another reason", with);
	} else {
		run_check(options, mutant, false, seeds, &outcome);
		if (!outcome.failed && !outcome.broken)
			proof = caught(mutant, with, is_run(mutant) ? seeds : 0);
		else
			not_caught(mutant, "its check fails without it too", &outcome);
	}
	free(with);
	return proof;
}

static void list_one(const struct umm_mutant *mutant)
{
	printf("%s (%s)\n    %s\n    origin: %s\n", mutant->name, mutant->requirement, mutant->what,
	       mutant->origin);
	if (is_run(mutant)) {
		printf("    caught by: usermm run");
		if (mutant->seeds > 1)
			printf(" --seeds %" PRIu32, mutant->seeds);
		printf(" --mutant %s scenarios/mutants/%s\n", mutant->name, mutant->where);
	} else if (is_explored(mutant)) {
		printf("    caught by: usermm explore --mutant %s scenarios/explore/%s\n",
		       mutant->name, mutant->where);
	} else {
		printf("    caught by: the program %s of usermm mutants --check\n", mutant->where);
	}
}

static bool wanted(const struct umm_mutant *mutant, int argc, char **argv)
{
	for (int i = optind; i < argc; i++) {
		if (strcmp(argv[i], mutant->name) == 0)
			return true;
	}
	return optind == argc;
}

static int show_all(const struct mutants_options *options, int argc, char **argv)
{
	unsigned nr[SKIPPED + 1] = { 0 };
	struct umm_mutant mutant;

	for (unsigned i = 0; umm_mutant_get(i, &mutant); i++) {
		if (!wanted(&mutant, argc, argv))
			continue;
		if (!options->check) {
			list_one(&mutant);
		} else if (strcmp(mutant.how, "watch") == 0 && !umm_sim_watched()) {
			nr[skipped(&mutant, "needs a build with sim_tsan")]++;
		} else {
			nr[check_one(options, &mutant)]++;
		}
	}
	if (!options->check)
		return EXIT_WELL;
	printf("%u caught, %u not caught, %u skipped\n", nr[CAUGHT], nr[NOT_CAUGHT], nr[SKIPPED]);
	return nr[NOT_CAUGHT] ? EXIT_FAILED : EXIT_WELL;
}

/* ---- the command ------------------------------------------------------------------------- */

static bool names_exist(int argc, char **argv)
{
	struct umm_mutant mutant;

	for (int i = optind; i < argc; i++) {
		bool found = false;

		for (unsigned k = 0; !found && umm_mutant_get(k, &mutant); k++)
			found = strcmp(argv[i], mutant.name) == 0;
		if (!found) {
			cli_usage_error(SUB, "there is no mutant '%s'", argv[i]);
			return false;
		}
	}
	return true;
}

enum { OPT_SCENARIOS = 256 };

int cmd_mutants(int argc, char **argv)
{
	static const struct option long_options[] = {
		{ "check", no_argument, NULL, 'c' },
		{ "scenarios", required_argument, NULL, OPT_SCENARIOS },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct mutants_options options = { .folder = "scenarios" };
	char path[4096];
	int option;

	while ((option = getopt_long(argc, argv, "ch", long_options, NULL)) != -1) {
		switch (option) {
		case 'c':
			options.check = true;
			break;
		case OPT_SCENARIOS:
			options.folder = optarg;
			break;
		case 'h':
			help();
			return EXIT_WELL;
		default:
			fprintf(stderr, "Try 'usermm mutants --help'.\n");
			return EXIT_USAGE;
		}
	}
	if (!names_exist(argc, argv))
		return EXIT_USAGE;
	snprintf(path, sizeof(path), "%s/mutants", options.folder);
	if (options.check && access(path, R_OK)) {
		fprintf(stderr, "usermm mutants: %s: %s; name the folder with --scenarios\n", path,
			strerror(errno));
		return EXIT_CANNOT;
	}
	return show_all(&options, argc, argv);
}
