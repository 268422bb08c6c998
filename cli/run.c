/* SPDX-License-Identifier: MIT */
/* usermm run: scenarios on one backend, as a timeline, then counters and the verdict. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/failing.h"
#include "cli/timeline.h"
#include "scenario/words.h"

#define SUB "run"
/* The ring is read after every step. For a file, it holds a step that populates gigabytes. */
#define TRACE_EVENTS 65536u
#define TRACE_FILE_EVENTS (1u << 22)

struct run_options {
	const struct scn_backend_ops *ops;
	struct umm_config config;
	bool json, quiet;
	bool silent; /* and no verdict of what passes */
	const char *trace_path, *snapshot_path;
	uint64_t seeds; /* how many, from config.seed on */
	struct failing_options failing;
};

static void help(void)
{
	printf("usage: usermm run [OPTION]... FILE...\n\n"
	       "Runs each scenario on the model: a line for every step with what it did, then the\n"
	       "counters that moved, then the verdict.\n\n"
	       "  -b, --backend NAME            model (default), or linux: the kernel underneath\n"
	       "  -j, --json                    one JSON object per file instead\n"
	       "  -q, --quiet                   the verdicts only\n"
	       "  -t, --trace FILE              write every trace event there (model)\n"
	       "  -s, --seed N                  what everything random starts from (default 1)\n"
	       "      --seeds N                 with N seeds from there on, until one fails\n"
	       "      --fail-each SITE          again and again: one allocation of SITE, or any,\n"
	       "                                fails, another one each time (model)\n"
	       "      --fail-runs N             at most N of them, evenly spread\n"
	       "      --fail-only N             the N-th alone\n"
	       "      --mutant NAME             with that known bug (usermm mutants); repeatable\n"
	       "  -o, --option NAME=VALUE       an option of the machine, see usermm(7)\n"
	       "      --snapshot-on-failure FILE  save the machine there when a scenario fails\n"
	       "  -h, --help                    this text\n\n"
	       "Exit status: 0 all passed, 1 an expectation failed, 2 bad usage or input,\n"
	       "3 a scenario cannot run here.\n");
}

static const char *verdict_name(enum scn_verdict verdict)
{
	static const char *const names[] = {
		[SCN_PASSED] = "passed",       [SCN_FAILED] = "failed",
		[SCN_BAD_INPUT] = "bad input", [SCN_SKIPPED_HERE] = "skipped",
		[SCN_DIFFERED] = "differed",   [SCN_INTERNAL] = "broken",
	};

	return names[verdict];
}

static void show_verdict(const struct scn_file *file, const struct scn_session *session,
			 const struct scn_outcome *outcome)
{
	const struct cli_colours *c = cli_colours(stdout);
	const char *colour = outcome->verdict == SCN_PASSED       ? c->green :
			     outcome->verdict == SCN_SKIPPED_HERE ? c->yellow :
								    c->red;

	if (outcome->message[0])
		printf("%s\n", outcome->message);
	printf("%s%s%s %s (%s, %" PRIu64 " steps)\n", colour, verdict_name(outcome->verdict),
	       c->off, file->path, session->ops->name, session->nr_steps);
}

static void save_snapshot(const struct run_options *options, struct scn_session *session)
{
	struct umm_machine *machine = NULL;
	int ret;

	if (session->backend && session->ops->machine)
		machine = session->ops->machine(session->backend);
	if (!machine)
		return;
	ret = umm_machine_save(machine, options->snapshot_path);
	if (ret)
		fprintf(stderr, "usermm run: %s: %s\n", options->snapshot_path, strerror(-ret));
	else
		printf("the machine is saved in %s; open it with: usermm inspect %s\n",
		       options->snapshot_path, options->snapshot_path);
}

/* Does the file's "only" line allow the backend? */
static bool allowed(const struct run_options *options, const struct scn_file *file,
		    struct scn_outcome *outcome)
{
	enum scn_only only;
	char why[256];

	only = scn_file_only(file, why, sizeof(why));
	if (only == SCN_ANYWHERE || (only == SCN_ONLY_LINUX) == (options->ops == &scn_linux))
		return true;
	outcome->verdict = SCN_SKIPPED_HERE;
	snprintf(outcome->message, sizeof(outcome->message), "%s: only for %s", file->path, why);
	return false;
}

/* ---- many seeds ------------------------------------------------------------------------- */

static char seed_words[64];

/* A failed assertion ends the process: say which run it was. */
static void on_abort(int signo)
{
	(void)signo;
	if (write(STDERR_FILENO, seed_words, strlen(seed_words)) < 0)
		_exit(EXIT_CANNOT);
}

static void name_seed(uint64_t seed)
{
	snprintf(seed_words, sizeof(seed_words), "usermm run: with --seed %" PRIu64 "\n", seed);
	signal(SIGABRT, on_abort);
}

static int run_file(const struct run_options *options, const char *path, FILE *trace)
{
	struct scn_outcome outcome = { .verdict = SCN_BAD_INPUT };
	struct scn_session session;
	struct timeline timeline;
	struct scn_file file;

	if (!scn_file_read(path, &file, outcome.message, sizeof(outcome.message))) {
		fprintf(stderr, "usermm run: %s\n", outcome.message);
		return EXIT_USAGE;
	}
	scn_session_init(&session, options->ops, &options->config);
	timeline_init(&timeline, &session,
		      options->json  ? TIMELINE_JSON :
		      options->quiet ? TIMELINE_QUIET :
				       TIMELINE_TEXT,
		      trace);
	if (allowed(options, &file, &outcome))
		scn_script_run(&session, &file, &outcome);
	timeline_finish(&timeline);
	if (options->json)
		timeline_print_json(&timeline, path, verdict_name(outcome.verdict),
				    outcome.message);
	else if (!options->silent || outcome.verdict != SCN_PASSED)
		show_verdict(&file, &session, &outcome);
	if (outcome.verdict == SCN_FAILED && options->snapshot_path)
		save_snapshot(options, &session);
	timeline_free(&timeline);
	scn_session_close(&session);
	scn_file_free(&file);
	return cli_exit_of(outcome.verdict);
}

static int run_failing(const struct run_options *options, const char *path)
{
	struct scn_outcome outcome = { .verdict = SCN_BAD_INPUT };
	struct scn_file file;
	int ret;

	if (!scn_file_read(path, &file, outcome.message, sizeof(outcome.message))) {
		fprintf(stderr, "usermm run: %s\n", outcome.message);
		return EXIT_USAGE;
	}
	if (allowed(options, &file, &outcome)) {
		ret = failing_run(&options->failing, &file);
	} else {
		printf("%s\n", outcome.message);
		ret = cli_exit_of(outcome.verdict);
	}
	scn_file_free(&file);
	return ret;
}

/* Only what fails is shown, as one would see it with its seed alone. */
static int run_seeds(struct run_options *options, const char *path, FILE *trace)
{
	struct run_options quiet = *options;

	if (options->failing.site)
		return run_failing(options, path);
	if (options->seeds == 1) {
		name_seed(options->config.seed);
		return run_file(options, path, trace);
	}
	quiet.silent = quiet.quiet = true;
	for (uint64_t i = 0; i < options->seeds; i++) {
		int ret;

		quiet.config.seed = options->config.seed + i;
		name_seed(quiet.config.seed);
		ret = run_file(&quiet, path, trace);
		if (ret != EXIT_WELL) {
			printf("with --seed %" PRIu64 "\n", quiet.config.seed);
			return ret;
		}
	}
	printf("%s: passed with %" PRIu64 " seeds\n", path, options->seeds);
	return EXIT_WELL;
}

enum { OPT_SNAPSHOT = 256, OPT_SEEDS, OPT_MUTANT, OPT_FAIL_EACH, OPT_FAIL_RUNS, OPT_FAIL_ONLY };

static const struct option long_options[] = {
	{ "backend", required_argument, NULL, 'b' },
	{ "json", no_argument, NULL, 'j' },
	{ "quiet", no_argument, NULL, 'q' },
	{ "trace", required_argument, NULL, 't' },
	{ "seed", required_argument, NULL, 's' },
	{ "seeds", required_argument, NULL, OPT_SEEDS },
	{ "mutant", required_argument, NULL, OPT_MUTANT },
	{ "fail-each", required_argument, NULL, OPT_FAIL_EACH },
	{ "fail-runs", required_argument, NULL, OPT_FAIL_RUNS },
	{ "fail-only", required_argument, NULL, OPT_FAIL_ONLY },
	{ "option", required_argument, NULL, 'o' },
	{ "snapshot-on-failure", required_argument, NULL, OPT_SNAPSHOT },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static bool known_site(const char *name)
{
	static const char *const sets[] = { "any", "page", "slab" };

	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
		if (!strcmp(name, sets[i]))
			return true;
	}
	for (unsigned i = 0; umm_fail_site(i); i++) {
		if (!strcmp(name, umm_fail_site(i)))
			return true;
	}
	return false;
}

/* 0: go on; 2: bad usage. */
static int parse_failing(struct failing_options *failing, int option)
{
	if (option == OPT_FAIL_RUNS)
		return cli_number(SUB, "--fail-runs", optarg, &failing->runs) ? 0 : 2;
	if (option == OPT_FAIL_ONLY)
		return cli_number(SUB, "--fail-only", optarg, &failing->only) ? 0 : 2;
	failing->site = optarg;
	if (known_site(optarg))
		return 0;
	fprintf(stderr, "usermm run: --fail-each: there is no '%s', but any, page, slab", optarg);
	for (unsigned i = 0; umm_fail_site(i); i++)
		fprintf(stderr, ", %s", umm_fail_site(i));
	fprintf(stderr, "\n");
	return 2;
}

/* 0: go on; 1: nothing more to do; 2: bad usage. */
static int parse_option(struct run_options *options, int option)
{
	switch (option) {
	case 'b':
		if (strcmp(optarg, "model") && strcmp(optarg, "linux")) {
			cli_usage_error(SUB, "--backend is model or linux, not '%s'", optarg);
			return 2;
		}
		options->ops = strcmp(optarg, "linux") ? &scn_model : &scn_linux;
		return 0;
	case 'j':
		options->json = true;
		return 0;
	case 'q':
		options->quiet = true;
		return 0;
	case 't':
		options->trace_path = optarg;
		return 0;
	case 's':
		return cli_number(SUB, "--seed", optarg, &options->config.seed) ? 0 : 2;
	case 'o':
		return cli_config(SUB, optarg, &options->config) ? 0 : 2;
	case OPT_SEEDS:
		if (!cli_number(SUB, "--seeds", optarg, &options->seeds))
			return 2;
		if (options->seeds && !options->json)
			return 0;
		cli_usage_error(SUB, "--seeds is at least 1, and not for --json");
		return 2;
	case OPT_MUTANT:
		return cli_mutant(SUB, optarg) ? 0 : 2;
	case OPT_FAIL_EACH:
	case OPT_FAIL_RUNS:
	case OPT_FAIL_ONLY:
		return parse_failing(&options->failing, option);
	case OPT_SNAPSHOT:
		options->snapshot_path = optarg;
		return 0;
	case 'h':
		help();
		return 1;
	default:
		fprintf(stderr, "Try 'usermm run --help'.\n");
		return 2;
	}
}

int cmd_run(int argc, char **argv)
{
	struct run_options options = { .ops = &scn_model, .seeds = 1 };
	FILE *trace = NULL;
	int option, ret = EXIT_WELL;

	umm_config_init(&options.config);
	options.config.seed = 1;
	options.config.trace_events = TRACE_EVENTS;
	while ((option = getopt_long(argc, argv, "b:jqt:s:o:h", long_options, NULL)) != -1) {
		int stop = parse_option(&options, option);

		if (stop)
			return stop == 1 ? EXIT_WELL : EXIT_USAGE;
	}
	options.failing.config = &options.config;
	options.failing.tell = !options.quiet;
	if (options.failing.site &&
	    (options.ops != &scn_model || options.json || options.seeds != 1 ||
	     options.trace_path || options.snapshot_path))
		return cli_usage_error(SUB, "--fail-each takes the model, a seed and no output "
					    "but its own");
	if (optind == argc)
		return cli_usage_error(SUB, "a scenario file is missing");
	if (options.trace_path) {
		if (options.config.trace_events == TRACE_EVENTS)
			options.config.trace_events = TRACE_FILE_EVENTS;
		trace = fopen(options.trace_path, "w");
		if (!trace)
			return cli_usage_error(SUB, "%s: %s", options.trace_path, strerror(errno));
	}
	for (int i = optind; i < argc; i++)
		ret = cli_worse(ret, run_seeds(&options, argv[i], trace));
	if (trace && fclose(trace))
		return cli_usage_error(SUB, "%s: %s", options.trace_path, strerror(errno));
	return ret;
}
