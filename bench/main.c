/* SPDX-License-Identifier: MIT */
/* usermm-native: what the command runs for "usermm bench". */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

enum { EXIT_WELL, EXIT_MISSED, EXIT_USAGE };

#define MAX_REPETITIONS 1001
#define MAX_PAGES (1u << 20)

static void help(void)
{
	printf("usage: usermm bench [NAME]... [--vs linux] [OPTION]...\n\n"
	       "Measures the model, in one run with what it is held against: plain memory, with\n"
	       "--vs linux also this kernel. Times are processor time of the thread that does\n"
	       "the work, medians over repetitions with the shortest and the longest; the kernel\n"
	       "works without huge pages.\n\n"
	       "  NAME               only these, or those whose names begin so (see --list)\n"
	       "  --vs linux         also measure the kernel\n"
	       "  --repetitions N    of each measurement (default 11)\n"
	       "  --pages N          mapped by each, 4 KiB each (default 16384)\n"
	       "  --check            exit with status 1 when an aim is missed\n"
	       "  --json             for machines\n"
	       "  --list             what can be measured\n"
	       "  --help\n\n"
	       "Exit status: 0 all well; 1 an aim was missed and --check given; 2 bad usage;\n"
	       "3 it cannot run here. docs/performance.md explains the numbers.\n"
	       "usermm bench explore measures the explorer; see its --help.\n");
}

static int usage_error(const char *what, const char *value)
{
	fprintf(stderr, "usermm bench: %s '%s'\nTry 'usermm bench --help'.\n", what, value);
	return EXIT_USAGE;
}

static bool parse_number(const char *text, uint64_t max, uint64_t *ret_value)
{
	char *end;
	unsigned long long value;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno || end == text || *end || *text == '-' || value == 0 || value > max)
		return false;
	*ret_value = value;
	return true;
}

enum { OPT_VS = 256, OPT_REPETITIONS, OPT_PAGES, OPT_CHECK, OPT_JSON, OPT_LIST, OPT_HELP };

static const struct option long_options[] = {
	{ "vs", required_argument, NULL, OPT_VS },
	{ "repetitions", required_argument, NULL, OPT_REPETITIONS },
	{ "pages", required_argument, NULL, OPT_PAGES },
	{ "check", no_argument, NULL, OPT_CHECK },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "list", no_argument, NULL, OPT_LIST },
	{ "help", no_argument, NULL, OPT_HELP },
	{ 0 },
};

/* -1: go on; else the exit status. */
static int parse_option(int option, struct options *options)
{
	uint64_t value;

	switch (option) {
	case OPT_VS:
		if (strcmp(optarg, "linux"))
			return usage_error("--vs expects linux, not", optarg);
		options->vs_linux = true;
		return -1;
	case OPT_REPETITIONS:
		if (!parse_number(optarg, MAX_REPETITIONS, &value))
			return usage_error("--repetitions expects 1 to 1001, not", optarg);
		options->repetitions = (uint32_t)value;
		return -1;
	case OPT_PAGES:
		if (!parse_number(optarg, MAX_PAGES, &options->pages) || options->pages % 64)
			return usage_error("--pages expects a multiple of 64 up to 1048576, not",
					   optarg);
		return -1;
	case OPT_CHECK:
		options->check = true;
		return -1;
	case OPT_JSON:
		options->json = true;
		return -1;
	case OPT_LIST:
		report_list();
		return EXIT_WELL;
	case OPT_HELP:
		help();
		return EXIT_WELL;
	default:
		fprintf(stderr, "Try 'usermm bench --help'.\n");
		return EXIT_USAGE;
	}
}

/* ---- measuring ---- */

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static struct timing summarise(double *ns, uint32_t nr)
{
	qsort(ns, nr, sizeof(*ns), by_value);
	return (struct timing){
		.present = true,
		.median_ns = (ns[(nr - 1) / 2] + ns[nr / 2]) / 2,
		.min_ns = ns[0],
		.max_ns = ns[nr - 1],
	};
}

static double measure_once(size_t index, enum side side, const struct work *work)
{
	return side == SIDE_LINUX ? kernel_measure(index, work) :
				    benchmarks[index].measure[side](work);
}

static void measure(size_t index, const struct options *options, uint32_t threads)
{
	const struct benchmark *benchmark = &benchmarks[index];
	struct result result = { .benchmark = benchmark, .work = benchmark->work };
	static double ns[NR_SIDES][MAX_REPETITIONS];
	enum side other = benchmark->against;
	bool with_other = other != SIDE_LINUX || options->vs_linux;

	result.work.threads = threads;
	if (!result.work.pages)
		result.work.pages = options->pages;
	for (uint32_t i = 0; i < options->repetitions; i++) {
		ns[SIDE_MODEL][i] = measure_once(index, SIDE_MODEL, &result.work);
		if (with_other)
			ns[other][i] = measure_once(index, other, &result.work);
	}
	result.side[SIDE_MODEL] = summarise(ns[SIDE_MODEL], options->repetitions);
	if (with_other) {
		result.side[other] = summarise(ns[other], options->repetitions);
		result.ratio = result.side[other].median_ns / result.side[SIDE_MODEL].median_ns;
	}
	report_result(&result);
}

static const char *lacks(const struct benchmark *benchmark, const struct options *options)
{
	const char *reason = model_lacks(benchmark->needs);

	if (!reason && benchmark->against == SIDE_LINUX && options->vs_linux)
		reason = kernel_lacks(benchmark->needs);
	return reason;
}

static void run_benchmark(size_t index, const struct options *options)
{
	const char *reason = lacks(&benchmarks[index], options);

	if (reason) {
		report_skipped(&benchmarks[index], reason);
		return;
	}
	measure(index, options, 1);
	if (benchmarks[index].scaling)
		measure(index, options, 2);
}

static bool is_wanted(const struct benchmark *benchmark, char **names, int nr)
{
	bool wanted = nr == 0;

	for (int i = 0; i < nr; i++)
		wanted |= !strncmp(benchmark->name, names[i], strlen(names[i]));
	return wanted;
}

/* Every name given must mean something. */
static const char *unknown_name(char **names, int nr)
{
	for (int i = 0; i < nr; i++) {
		bool known = false;

		for (size_t b = 0; b < nr_benchmarks; b++)
			known |= is_wanted(&benchmarks[b], &names[i], 1);
		if (!known)
			return names[i];
	}
	return NULL;
}

int main(int argc, char **argv)
{
	struct options options = { .repetitions = 11, .pages = 16384 };
	struct host_description host;
	const char *unknown;
	unsigned missed;
	int option;

	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		int status = parse_option(option, &options);

		if (status >= 0)
			return status;
	}
	unknown = unknown_name(argv + optind, argc - optind);
	if (unknown)
		return usage_error("there is no benchmark", unknown);
	host_describe(&host);
	if (options.vs_linux)
		kernel_start();
	model_start(options.pages);
	report_begin(&options, &host);
	for (size_t i = 0; i < nr_benchmarks; i++) {
		if (is_wanted(&benchmarks[i], argv + optind, argc - optind))
			run_benchmark(i, &options);
	}
	missed = report_end();
	model_stop();
	kernel_stop();
	return missed && options.check ? EXIT_MISSED : EXIT_WELL;
}
