/* SPDX-License-Identifier: MIT */
/*
 * explore-bench, what "usermm bench explore" runs: the explorer on the programs that the
 * literature counts with, beside the figures of its peers. Times are processor time, the best of
 * the repetitions. A number of traces that is wrong is worse than any time: exit status 4.
 */
#include <errno.h>
#include <getopt.h>
#include <json-c/json.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "explore/programs/onepage.h"
#include "explore/programs/programs.h"

enum { EXIT_WELL, EXIT_MISSED, EXIT_USAGE, EXIT_CANNOT, EXIT_WRONG };

#define SEEDS 100
#define MEAN_TOLERANCE 0.2
#define RANDOM_EXECUTIONS 1000000
#define CORE_EXECUTIONS 50000

/* Seconds of GenMC 0.10.3 on a machine of this kind; 0: not measured. */
static const struct counted {
	const char *name;
	unsigned n;
	uint64_t traces;
	double genmc, aim;
} counted[] = {
	{ "fib_bench", 4, 19605, 0.23, 0 },        { "fib_bench", 5, 218243, 2.36, 0.25 },
	{ "fib_bench", 6, 2364418, 27.5, 2.7 },    { "ainc", 8, 40320, 0.73, 0.05 },
	{ "indexer", 15, 4096, 2.03, 0.2 },        { "lastzero", 10, 3328, 0.11, 0 },
	{ "lastzero", 15, 147456, 3.81, 0.5 },     { "readers", 13, 8192, 0.14, 0.03 },
	{ "casrot", 10, 38486, 0.17, 0.05 },       { "szymanski", 2, 22945, 0.34, 0.03 },
	{ "peterson", 2, 2420, 0.06, 0.03 },       { "dekker", 2, 1599, 0.06, 0.03 },
	{ "floating_read", 8, 362880, 2.35, 0.3 },
};

/* Executions a second; the aims are what Relacy does on a machine of this kind. */
static const struct drawn {
	const char *name;
	unsigned n;
	double aim;
} drawn[] = {
	{ "fib2", 2, 1500000 },
	{ "fib2", 4, 1000000 },
};

/* Mean executions to the first failure, by partial order sampling. */
static const struct found {
	const char *name;
	unsigned n;
	double mean;
} found[] = {
	{ "reorder", 3, 11 },    { "reorder", 5, 14 },  { "reorder", 10, 28 },
	{ "reorder", 20, 67 },   { "twostage", 2, 11 }, { "twostage", 20, 93 },
	{ "wronglock", 8, 4.6 },
};

#define CORE_AIM 50000

static struct {
	unsigned repetitions;
	bool check, as_json;
	char **names;
	int nr_names;
	struct json_object *rows;
	bool missed, wrong;
} bench = { .repetitions = 3 };

static struct explore_result result;

static double processor_seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static bool chosen(const char *name)
{
	for (int i = 0; i < bench.nr_names; i++)
		if (!strncmp(name, bench.names[i], strlen(bench.names[i])))
			return true;
	return !bench.nr_names;
}

/* The shortest processor time of the repetitions. */
static double measure(const struct explore_program *program, const struct explore_options *options)
{
	double best = INFINITY;

	for (unsigned i = 0; i < bench.repetitions; i++) {
		double start = processor_seconds();

		explore(program, options, &result);
		best = fmin(best, processor_seconds() - start);
	}
	return best;
}

/* ---- rows --------------------------------------------------------------------------------- */

static void heading(const char *text)
{
	if (!bench.as_json)
		printf("%s\n", text);
}

static struct json_object *new_row(const char *kind, const char *name, unsigned n, const char *mode)
{
	struct json_object *row = json_object_new_object();

	json_object_object_add(row, "kind", json_object_new_string(kind));
	json_object_object_add(row, "program", json_object_new_string(name));
	if (n)
		json_object_object_add(row, "n", json_object_new_int64(n));
	json_object_object_add(row, "mode", json_object_new_string(mode));
	json_object_array_add(bench.rows, row);
	return row;
}

static void add_number(struct json_object *row, const char *key, double value)
{
	if (value > 0)
		json_object_object_add(row, key, json_object_new_double(value));
}

/* met: 1, 0, or -1 when nothing is aimed at. */
static void end_row(struct json_object *row, int met)
{
	if (met >= 0)
		json_object_object_add(row, "met", json_object_new_boolean(met));
	bench.missed |= met == 0;
	if (!bench.as_json)
		printf("%s\n", met < 0 ? "" : met ? "  met" : "  missed");
}

static void bench_counted(const struct counted *c)
{
	static const enum explore_mode modes[] = { EXPLORE_OPTIMAL, EXPLORE_SOURCE };
	struct explore_program program;

	if (!program_make(c->name, c->n, &program))
		return;
	for (unsigned i = 0; i < 2; i++) {
		struct explore_options options = { .mode = modes[i], .max_preemptions = -1 };
		const char *mode = explore_mode_name(modes[i]);
		struct json_object *row;
		bool best_mode = modes[i] == EXPLORE_OPTIMAL;
		double seconds;

		/* Sleeping sets alone do not keep it from starting in vain millions of times. */
		if (!best_mode && !strcmp(c->name, "lastzero") && c->n > 10)
			continue;
		seconds = measure(&program, &options);
		row = new_row("traces", c->name, c->n, mode);
		json_object_object_add(row, "traces",
				       json_object_new_int64((int64_t)result.executions));
		json_object_object_add(row, "blocked",
				       json_object_new_int64((int64_t)result.blocked));
		add_number(row, "seconds", seconds);
		add_number(row, "aim_seconds", c->aim);
		add_number(row, "genmc_seconds", c->genmc);
		if (result.executions != c->traces || !result.complete) {
			bench.wrong = true;
			json_object_object_add(row, "expected_traces",
					       json_object_new_int64((int64_t)c->traces));
		}
		if (!bench.as_json) {
			printf("%-13s %3u  %-8s %9llu %9.3f", c->name, c->n, mode,
			       (unsigned long long)result.executions, seconds);
			if (c->aim > 0)
				printf(" %9.2f", c->aim);
			else
				printf(" %9s", "-");
			printf(" %9.2f %6.1f x", c->genmc, c->genmc / seconds);
			if (result.executions != c->traces)
				printf("  WRONG: %llu traces", (unsigned long long)c->traces);
		}
		end_row(row, c->aim > 0 && best_mode ? seconds <= c->aim : -1);
	}
}

static void bench_drawn(const struct drawn *d)
{
	static const enum explore_mode modes[] = { EXPLORE_RANDOM, EXPLORE_POS, EXPLORE_PCT,
						   EXPLORE_URW };
	struct explore_program program;

	if (!program_make(d->name, d->n, &program))
		return;
	for (unsigned i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		struct explore_options options = {
			.mode = modes[i],
			.seed = 1,
			.max_preemptions = -1,
			.max_executions = RANDOM_EXECUTIONS,
		};
		const char *mode = explore_mode_name(modes[i]);
		double aim = modes[i] == EXPLORE_RANDOM ? d->aim : 0;
		double rate = RANDOM_EXECUTIONS / measure(&program, &options);
		struct json_object *row = new_row("rate", d->name, d->n, mode);

		add_number(row, "executions_per_second", rate);
		add_number(row, "aim_per_second", aim);
		if (!bench.as_json && aim > 0)
			printf("%-13s %3u  %-8s %11.0f %11.0f", d->name, d->n, mode, rate, aim);
		else if (!bench.as_json)
			printf("%-13s %3u  %-8s %11.0f %11s", d->name, d->n, mode, rate, "-");
		end_row(row, aim > 0 ? rate >= aim : -1);
	}
}

static void bench_found(const struct found *f)
{
	static const enum explore_mode modes[] = { EXPLORE_POS, EXPLORE_RANDOM, EXPLORE_PCT,
						   EXPLORE_URW };
	struct explore_program program;

	if (!program_make(f->name, f->n, &program))
		return;
	for (unsigned i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		const char *mode = explore_mode_name(modes[i]);
		bool aimed = modes[i] == EXPLORE_POS;
		struct json_object *row;
		double sum = 0;

		for (unsigned seed = 1; seed <= SEEDS; seed++) {
			struct explore_options options = {
				.mode = modes[i],
				.seed = seed,
				.max_preemptions = -1,
				.max_executions = 1000000,
			};

			explore(&program, &options, &result);
			sum += (double)result.executions;
		}
		row = new_row("mean", f->name, f->n, mode);
		add_number(row, "mean_executions", sum / SEEDS);
		add_number(row, "known_mean", aimed ? f->mean : 0);
		if (!bench.as_json && aimed)
			printf("%-13s %3u  %-8s %11.1f %11.1f", f->name, f->n, mode, sum / SEEDS,
			       f->mean);
		else if (!bench.as_json)
			printf("%-13s %3u  %-8s %11.1f %11s", f->name, f->n, mode, sum / SEEDS,
			       "-");
		end_row(row, aimed ? fabs(sum / SEEDS - f->mean) <= MEAN_TOLERANCE * f->mean : -1);
	}
}

static void bench_core(enum core_program which)
{
	static const enum explore_mode modes[] = { EXPLORE_OPTIMAL, EXPLORE_RANDOM };
	struct explore_program program;

	if (core_program_begin(which, &program))
		return;
	for (unsigned i = 0; i < 2; i++) {
		struct explore_options options = {
			.mode = modes[i],
			.seed = 1,
			.max_preemptions = -1,
			.max_executions = CORE_EXECUTIONS,
		};
		double start = processor_seconds(), rate;
		struct json_object *row;
		uint64_t executions = 0;

		while (executions < CORE_EXECUTIONS && !explore(&program, &options, &result))
			executions += result.executions;
		rate = (double)executions / (processor_seconds() - start);
		row = new_row("core", program.name, 0, explore_mode_name(modes[i]));
		add_number(row, "executions_per_second", rate);
		add_number(row, "aim_per_second", CORE_AIM);
		if (!bench.as_json)
			printf("%-17s  %-8s %11.0f %11d", program.name, explore_mode_name(modes[i]),
			       rate, CORE_AIM);
		end_row(row, rate >= CORE_AIM);
	}
	core_program_end();
}

/* ---- the command -------------------------------------------------------------------------- */

/* Before the first row of a table that has any. */
static bool in_table(const char *name, const char *head, bool *ret_begun)
{
	if (!chosen(name))
		return false;
	if (!*ret_begun)
		heading(head);
	*ret_begun = true;
	return true;
}

static void bench_all(void)
{
	bool begun[4] = { false };

	for (size_t i = 0; i < sizeof(counted) / sizeof(counted[0]); i++)
		if (in_table(counted[i].name,
			     "program         n  mode        traces   seconds       aim     GenMC  "
			     "faster",
			     &begun[0]))
			bench_counted(&counted[i]);
	for (size_t i = 0; i < sizeof(drawn) / sizeof(drawn[0]); i++)
		if (in_table(drawn[i].name,
			     "\nprogram         n  mode     executions/s   aim (Relacy)",
			     &begun[1]))
			bench_drawn(&drawn[i]);
	for (size_t i = 0; i < sizeof(found) / sizeof(found[0]); i++)
		if (in_table(found[i].name,
			     "\nprogram         n  mode     mean executions to the failure, known "
			     "for pos",
			     &begun[2]))
			bench_found(&found[i]);
	for (int which = 0; which < NR_CORE_PROGRAMS; which++) {
		const char *name = core_program_name((enum core_program)which);

		if (in_table(chosen("core") ? "core" : name,
			     "\nthe real core      mode     executions/s         aim", &begun[3]))
			bench_core((enum core_program)which);
	}
}

static void help(void)
{
	printf("usage: usermm bench explore [NAME]... [OPTION]...\n\n"
	       "Measures the explorer on the programs that the literature counts with, beside\n"
	       "the figures of its peers, and on the real core. Times are processor time, the\n"
	       "best of the repetitions.\n\n"
	       "  NAME               only programs whose names begin so; core: the real core\n"
	       "  --repetitions N    of each measurement (default 3)\n"
	       "  --check            exit with status 1 when an aim is missed\n"
	       "  --json             for machines\n"
	       "  --help\n\n"
	       "Exit status: 0 all well; 1 an aim was missed and --check given; 2 bad usage;\n"
	       "4 a number of traces is wrong. docs/performance.md explains the numbers.\n");
}

static int bad_usage(const char *what, const char *value)
{
	fprintf(stderr, "usermm bench explore: %s%s\nTry 'usermm bench explore --help'.\n", what,
		value);
	return EXIT_USAGE;
}

enum { OPT_REPETITIONS = 256, OPT_CHECK, OPT_JSON, OPT_HELP };

static const struct option long_options[] = {
	{ "repetitions", required_argument, NULL, OPT_REPETITIONS },
	{ "check", no_argument, NULL, OPT_CHECK },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "help", no_argument, NULL, OPT_HELP },
	{ 0 },
};

/* -1: go on; else the exit status. */
static int parse_option(int option)
{
	char *end;

	switch (option) {
	case OPT_REPETITIONS:
		errno = 0;
		bench.repetitions = (unsigned)strtoul(optarg, &end, 10);
		if (errno || *end || !bench.repetitions || bench.repetitions > 1000)
			return bad_usage("--repetitions expects 1 to 1000, not ", optarg);
		return -1;
	case OPT_CHECK:
		bench.check = true;
		return -1;
	case OPT_JSON:
		bench.as_json = true;
		return -1;
	case OPT_HELP:
		help();
		return EXIT_WELL;
	default:
		return bad_usage("no such option", "");
	}
}

static bool is_known(const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < sizeof(counted) / sizeof(counted[0]); i++)
		if (!strncmp(counted[i].name, name, len))
			return true;
	for (size_t i = 0; i < sizeof(found) / sizeof(found[0]); i++)
		if (!strncmp(found[i].name, name, len))
			return true;
	for (int which = 0; which < NR_CORE_PROGRAMS; which++)
		if (!strncmp(core_program_name((enum core_program)which), name, len))
			return true;
	return !strncmp("fib2", name, len) || !strncmp("core", name, len);
}

int main(int argc, char **argv)
{
	struct json_object *root;
	int option, status;

	opterr = 0;
	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		status = parse_option(option);
		if (status >= 0)
			return status;
	}
	bench.names = argv + optind;
	bench.nr_names = argc - optind;
	for (int i = 0; i < bench.nr_names; i++)
		if (!is_known(bench.names[i]))
			return bad_usage("nothing is named ", bench.names[i]);
	root = json_object_new_object();
	bench.rows = json_object_new_array();
	json_object_object_add(root, "results", bench.rows);
	setvbuf(stdout, NULL, _IOLBF, 0);
	bench_all();
	if (bench.as_json)
		printf("%s\n", json_object_to_json_string_ext(root, JSON_C_TO_STRING_PRETTY));
	json_object_put(root);
	if (bench.wrong)
		return EXIT_WRONG;
	return bench.missed && bench.check ? EXIT_MISSED : EXIT_WELL;
}
