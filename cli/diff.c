/* SPDX-License-Identifier: MIT */
/* usermm diff: scenarios on the kernel and on the model, step by step side by side. */
#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/cli.h"
#include "scenario/coverage.h"
#include "scenario/record.h"

#define SUB "diff"

struct diff_options {
	struct umm_config config;
	bool verbose, coverage;
};

struct diff_counts {
	unsigned same, different, failed, bad, skipped, elsewhere;
	uint64_t steps;
};

static void help(void)
{
	printf("usage: usermm diff [OPTION]... FILE|DIRECTORY...\n\n"
	       "Runs each scenario on this kernel and on the model and compares results, errnos,\n"
	       "signals and bytes, and after every step maps, smaps, smaps_rollup, pagemap and\n"
	       "mincore of every process. Shows the first difference side by side. Of a\n"
	       "directory, every *.lua in it and below.\n\n"
	       "  -c, --coverage           then list which calls, flags and errors were reached,\n"
	       "                           and fail if one that the model can return was not;\n"
	       "                           runs the files that are only for the model, too\n"
	       "  -s, --seed N             what everything random starts from (default 1)\n"
	       "  -o, --option NAME=VALUE  an option of the model's machine, see usermm(7)\n"
	       "  -v, --verbose            a line for every scenario, also when it agrees\n"
	       "  -h, --help               this text\n\n"
	       "Exit status: 0 no difference, 1 a difference or a failed expectation, 2 bad\n"
	       "usage or input, 3 nothing could be compared here.\n");
}

/* ---- one file ------------------------------------------------------------------------- */

static void say(const struct scn_file *file, const char *colour, const char *what, const char *why)
{
	const struct cli_colours *c = cli_colours(stdout);

	/* Most reasons begin with the file and a line. */
	if (!strncmp(why, file->path, strlen(file->path)))
		printf("%s%s%s %s\n", colour, what, c->off, why);
	else
		printf("%s%s%s %s%s%s\n", colour, what, c->off, file->path, why[0] ? ": " : "",
		       why);
}

struct diff_run {
	const struct diff_options *options;
	const struct scn_file *file;
	struct scn_recording *recording;
	struct scn_outcome linux_side, model_side;
	struct scn_buffer report;
	bool differs;
};

static void run_sides(struct diff_run *run)
{
	struct scn_session session;

	scn_session_init(&session, &scn_linux, &run->options->config);
	scn_record(run->recording, &session);
	scn_script_run(&session, run->file, &run->linux_side);
	scn_session_close(&session);
	if (run->linux_side.verdict != SCN_PASSED && run->linux_side.verdict != SCN_FAILED)
		return;
	scn_session_init(&session, &scn_model, &run->options->config);
	scn_compare(run->recording, &session, &run->report);
	scn_coverage_watch(&session);
	scn_script_run(&session, run->file, &run->model_side);
	scn_session_close(&session);
	if (run->model_side.verdict == SCN_SKIPPED_HERE) {
		run->linux_side = run->model_side;
		return;
	}
	run->differs = run->model_side.verdict == SCN_DIFFERED;
	if (!run->differs && run->model_side.verdict == SCN_PASSED)
		run->differs = scn_compare_rest(run->recording, &run->report);
	if (run->differs && run->linux_side.message[0])
		scn_buffer_printf(&run->report, "  linux ended with: %s\n",
				  run->linux_side.message);
	if (run->differs && run->model_side.verdict != SCN_DIFFERED && run->model_side.message[0])
		scn_buffer_printf(&run->report, "  the model ended with: %s\n",
				  run->model_side.message);
	if (!run->differs && run->model_side.verdict != run->linux_side.verdict) {
		run->differs = true;
		scn_buffer_printf(
			&run->report, "  linux: %s\n  model: %s\n",
			run->linux_side.verdict == SCN_PASSED ? "passed" : run->linux_side.message,
			run->model_side.verdict == SCN_PASSED ? "passed" : run->model_side.message);
	}
}

static void judge(const struct diff_run *run, struct diff_counts *counts)
{
	const struct cli_colours *c = cli_colours(stdout);
	const struct scn_outcome *outcome = &run->linux_side;

	counts->steps += scn_recording_steps(run->recording);
	if (run->differs) {
		counts->different++;
		say(run->file, c->red, "differs", "");
		printf("%s  run it again: usermm diff %s\n", run->report.text, run->file->path);
	} else if (outcome->verdict == SCN_PASSED) {
		counts->same++;
		if (run->options->verbose)
			say(run->file, c->green, "same", "");
	} else if (outcome->verdict == SCN_FAILED) {
		counts->failed++;
		say(run->file, c->red, "failed", "on both");
		printf("  %s\n", outcome->message);
	} else if (outcome->verdict == SCN_BAD_INPUT) {
		counts->bad++;
		say(run->file, c->red, "bad input", outcome->message);
	} else {
		counts->skipped++;
		say(run->file, c->yellow, "skipped", outcome->message);
	}
}

/* Nothing to compare, but what it reaches counts, and it has to pass. */
static void cover_alone(const struct diff_run *run, struct diff_counts *counts)
{
	struct scn_outcome outcome = { .verdict = SCN_PASSED };
	struct scn_session session;

	scn_session_init(&session, &scn_model, &run->options->config);
	scn_coverage_watch(&session);
	scn_script_run(&session, run->file, &outcome);
	scn_session_close(&session);
	if (outcome.verdict != SCN_PASSED) {
		counts->failed++;
		say(run->file, cli_colours(stdout)->red, "failed", "on the model");
		printf("  %s\n", outcome.message);
	}
}

static void diff_file(const struct diff_options *options, const char *path,
		      struct diff_counts *counts)
{
	struct diff_run run = { .options = options };
	char message[512];
	struct scn_file file;
	enum scn_only only;

	if (!scn_file_read(path, &file, message, sizeof(message))) {
		fprintf(stderr, "usermm diff: %s\n", message);
		counts->bad++;
		return;
	}
	run.file = &file;
	run.recording = scn_recording_new();
	only = scn_file_only(&file, message, sizeof(message));
	if (!run.recording) {
		counts->skipped++;
	} else if (only != SCN_ANYWHERE) {
		counts->elsewhere++;
		if (options->verbose)
			say(&file, cli_colours(stdout)->yellow, "not compared, only for", message);
		if (options->coverage && only == SCN_ONLY_MODEL)
			cover_alone(&run, counts);
	} else {
		run_sides(&run);
		judge(&run, counts);
	}
	fflush(stdout);
	scn_recording_free(run.recording);
	scn_buffer_free(&run.report);
	scn_file_free(&file);
}

/* ---- directories ---------------------------------------------------------------------- */

static int keep_entry(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static void diff_path(const struct diff_options *options, const char *path,
		      struct diff_counts *counts, unsigned depth);

static void diff_directory(const struct diff_options *options, const char *path,
			   struct diff_counts *counts, unsigned depth)
{
	struct dirent **entries;
	int nr = scandir(path, &entries, keep_entry, alphasort);

	if (nr < 0) {
		fprintf(stderr, "usermm diff: %s: %s\n", path, strerror(errno));
		counts->bad++;
		return;
	}
	for (int i = 0; i < nr; i++) {
		char below[4096];
		struct stat status;
		size_t len = strlen(entries[i]->d_name);

		snprintf(below, sizeof(below), "%s/%s", path, entries[i]->d_name);
		if (stat(below, &status) == 0 &&
		    (S_ISDIR(status.st_mode) ||
		     (len > 4 && !strcmp(entries[i]->d_name + len - 4, ".lua"))))
			diff_path(options, below, counts, depth + 1);
		free(entries[i]);
	}
	free(entries);
}

static void diff_path(const struct diff_options *options, const char *path,
		      struct diff_counts *counts, unsigned depth)
{
	struct stat status;

	if (stat(path, &status) == 0 && S_ISDIR(status.st_mode) && depth < 8)
		diff_directory(options, path, counts, depth);
	else
		diff_file(options, path, counts);
}

/* ---- the command ---------------------------------------------------------------------- */

static int conclude(const struct diff_counts *counts)
{
	unsigned compared = counts->same + counts->different + counts->failed;

	printf("%u same, %u different, %u failed, %u bad input, %u skipped, "
	       "%u for one backend only (%" PRIu64 " steps)\n",
	       counts->same, counts->different, counts->failed, counts->bad, counts->skipped,
	       counts->elsewhere, counts->steps);
	if (counts->different || counts->failed)
		return EXIT_FAILED;
	if (counts->bad)
		return EXIT_USAGE;
	return compared ? EXIT_WELL : EXIT_CANNOT;
}

static const struct option long_options[] = {
	{ "coverage", no_argument, NULL, 'c' },     { "seed", required_argument, NULL, 's' },
	{ "option", required_argument, NULL, 'o' }, { "verbose", no_argument, NULL, 'v' },
	{ "help", no_argument, NULL, 'h' },         { NULL, 0, NULL, 0 },
};

int cmd_diff(int argc, char **argv)
{
	struct diff_options options = { 0 };
	struct diff_counts counts = { 0 };
	int option, ret;

	umm_config_init(&options.config);
	scn_linux_config(&options.config);
	options.config.seed = 1;
	while ((option = getopt_long(argc, argv, "cs:o:vh", long_options, NULL)) != -1) {
		bool good = true;

		if (option == 'c')
			options.coverage = true;
		else if (option == 'v')
			options.verbose = true;
		else if (option == 's')
			good = cli_number(SUB, "--seed", optarg, &options.config.seed);
		else if (option == 'o')
			good = cli_config(SUB, optarg, &options.config);
		else if (option == 'h')
			return help(), EXIT_WELL;
		else
			return fprintf(stderr, "Try 'usermm diff --help'.\n"), EXIT_USAGE;
		if (!good)
			return EXIT_USAGE;
	}
	if (optind == argc)
		return cli_usage_error(SUB, "a scenario file or directory is missing");
	for (int i = optind; i < argc; i++)
		diff_path(&options, argv[i], &counts, 0);
	ret = conclude(&counts);
	if (options.coverage && !scn_coverage_print(stdout))
		ret = cli_worse(ret, EXIT_FAILED);
	return ret;
}
