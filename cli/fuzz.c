/* SPDX-License-Identifier: MIT */
/*
 * usermm fuzz: random sequences of steps, on the model or on both backends.
 *
 * The runs happen in a worker process, so that a run may crash or hang; what it has done so
 * far lies in memory that both share.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli/cli.h"
#include "scenario/fuzz.h"

#define SUB "fuzz"
#define LOOK_MS 200
#define TRIES 3
#define MOST_UNSTEADY 2

struct fuzz_options {
	struct fuzz_setup setup;
	uint64_t seed, runs;
	const char *out_dir;
	bool keep_going;
};

/* What the worker and its parent share. */
struct shared {
	struct fuzz_case c;
	struct fuzz_report report;
	uint64_t runs; /* finished */
	uint64_t calls, skipped;
	char skip_text[512]; /* why the last skipped one was */
};

static void help(void)
{
	printf("usage: usermm fuzz [OPTION…]\n\n"
	       "Runs random sequences of system calls and accesses, on few pages and in up to\n"
	       "three processes: on the model, which is verified after every one, or with\n"
	       "--vs linux on the model and on this kernel, compared after every one. What goes\n"
	       "wrong is made as small as possible and written as a scenario.\n\n"
	       "      --vs linux                compare with this kernel\n"
	       "  -p, --pressure                give the model's processes little memory, and\n"
	       "                                swap; compare only what calls and accesses give\n"
	       "  -f, --fail                    let each allocation of the model fail in turn\n"
	       "  -s, --seed N                  of the first run; the next has N + 1 (default 1)\n"
	       "  -r, --runs N                  how many sequences (default 100)\n"
	       "  -n, --ops N                   how long each is, up to %d (default 50)\n"
	       "      --without NAME,…          leave out these classes of steps:",
	       FUZZ_MAX_OPS);
	for (unsigned i = 0; fuzz_class_name(i); i++)
		printf("%s%s%s", i ? ", " : "", i % 8 ? "" : "\n                                  ",
		       fuzz_class_name(i));
	printf("\n  -d, --out DIRECTORY           where to write the scenario (default: here)\n"
	       "  -k, --keep-going              go on after a find; look at all runs\n"
	       "  -o, --option NAME=VALUE       an option of the model's machine, see usermm(7)\n"
	       "      --mutant NAME             a known bug of the model (usermm mutants); may be\n"
	       "                                given several times\n"
	       "      --backend linux           on this kernel in place of the model\n"
	       "  -h, --help                    this text\n\n"
	       "Exit status: 0 nothing was found, 1 something was, 2 bad usage, 3 cannot run\n"
	       "here.\n");
}

/* ---- the worker ----------------------------------------------------------------------- */

/* Every allocation of the case in turn; the report of the first that ends badly. */
static void fail_in_turn(const struct fuzz_options *options, struct shared *shared)
{
	bool failed = true;

	for (uint64_t nth = 1; failed && shared->report.verdict == FUZZ_SAME; nth++) {
		alarm(FUZZ_HUNG_SECONDS);
		fuzz_run_failing(&options->setup, &shared->c, nth, &shared->calls, &failed,
				 &shared->report);
	}
}

static void work(const struct fuzz_options *options, struct shared *shared, uint64_t first)
{
	for (uint64_t run = first; run < options->runs; run++) {
		struct fuzz_gen gen;

		alarm(FUZZ_HUNG_SECONDS);
		shared->c.seed = options->seed + run;
		fuzz_gen_init(&gen, shared->c.seed, options->setup.nr_ops, options->setup.classes);
		gen.swap |= options->setup.pressure;
		gen.no_minor = options->setup.pressure;
		fuzz_run(&options->setup, &gen, &shared->c, &shared->calls, &shared->report);
		if (options->setup.fail && shared->report.verdict == FUZZ_SAME)
			fail_in_turn(options, shared);
		shared->runs = run + 1;
		if (shared->report.verdict == FUZZ_SKIPPED) {
			shared->skipped++;
			snprintf(shared->skip_text, sizeof(shared->skip_text), "%.500s",
				 shared->report.text);
		} else if (shared->report.verdict != FUZZ_SAME) {
			return;
		}
	}
	shared->report.verdict = FUZZ_SAME;
}

/* ---- the parent ----------------------------------------------------------------------- */

static void show_progress(const struct fuzz_options *options, const struct shared *shared,
			  time_t since)
{
	double seconds = difftime(time(NULL), since);

	if (!isatty(STDERR_FILENO))
		return;
	fprintf(stderr, "\r\033[K%" PRIu64 " of %" PRIu64 " runs, %" PRIu64 " calls, %.0f a second",
		shared->runs, options->runs, shared->calls,
		seconds > 0 ? (double)shared->calls / seconds : 0.0);
	fflush(stderr);
}

static void clear_progress(void)
{
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r\033[K");
}

static void show_shrinking(unsigned nr_ops)
{
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r\033[Kmaking it smaller: %u steps", nr_ops);
}

/* Wait for the worker with the line of progress kept up; its status. */
static int wait_for(const struct fuzz_options *options, const struct shared *shared, pid_t worker,
		    time_t since)
{
	struct timespec look = { .tv_nsec = LOOK_MS * 1000000L };
	sigset_t child;
	int status = 0;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	while (waitpid(worker, &status, WNOHANG) == 0) {
		sigtimedwait(&child, NULL, &look);
		show_progress(options, shared, since);
	}
	clear_progress();
	return status;
}

/* Let a worker do the runs from `first` on, up to the first find. */
static bool run_worker(const struct fuzz_options *options, struct shared *shared, uint64_t first,
		       time_t since)
{
	int fd = memfd_create("usermm-fuzz", MFD_CLOEXEC), status;
	pid_t parent = getpid(), worker = fd < 0 ? -1 : fork();

	if (worker < 0) {
		fprintf(stderr, "usermm fuzz: cannot start a process: %s\n", strerror(errno));
		return false;
	}
	if (worker == 0) {
		fuzz_child_setup(parent, fd);
		work(options, shared, first);
		_exit(0);
	}
	status = wait_for(options, shared, worker, since);
	if (!WIFEXITED(status) || WEXITSTATUS(status)) {
		fuzz_describe_death(status, &shared->report);
		fuzz_read_words(fd, &shared->report);
		shared->runs++;
	}
	close(fd);
	return true;
}

static const char *verdict_words(enum fuzz_verdict verdict)
{
	static const char *const words[] = {
		[FUZZ_SAME] = "nothing found",
		[FUZZ_DIFFERS] = "the model differs from the kernel",
		[FUZZ_FINDING] = "the model contradicts itself",
		[FUZZ_CRASHED] = "the model crashed",
		[FUZZ_SKIPPED] = "skipped",
		[FUZZ_BROKEN] = "the runner failed",
	};

	return words[verdict];
}

static bool write_scenario(const struct fuzz_options *options, const struct fuzz_case *c,
			   const struct fuzz_report *report)
{
	char path[PATH_MAX];
	FILE *out;

	snprintf(path, sizeof(path), "%s/fuzz-%" PRIu64 ".lua", options->out_dir, c->seed);
	out = fopen(path, "w");
	if (!out) {
		fprintf(stderr, "usermm fuzz: %s: %s\n", path, strerror(errno));
		return false;
	}
	fuzz_write(out, &options->setup, c, report);
	if (fclose(out)) {
		fprintf(stderr, "usermm fuzz: %s: %s\n", path, strerror(errno));
		return false;
	}
	printf("  written to %s (%u steps)\n", path, c->nr);
	if (options->setup.vs_linux)
		printf("  see it again:    usermm diff %s\n", path);
	else if (!report->fail_nth)
		printf("  see it again:    usermm run %s\n", path);
	return true;
}

/* Run the case again; the same end of it in *report, or false. */
static bool happens_again(const struct fuzz_options *options, struct fuzz_case *c,
			  struct fuzz_report *report)
{
	static struct fuzz_case copy;

	for (unsigned i = 0; i < TRIES; i++) {
		struct fuzz_report again = { .fail_nth = report->fail_nth };

		copy = *c;
		if (fuzz_run_apart(&options->setup, &copy, &again) == 0 &&
		    again.verdict == report->verdict) {
			*c = copy;
			*report = again;
			return true;
		}
	}
	return false;
}

/*
 * The kernel has other work too: reclaim, or who watches for accesses (DAMON), may age a page
 * of a process between two steps. What the model does comes from the seed, so a difference
 * that never comes again is the kernel's.
 */
static void show_unsteady(const struct shared *shared)
{
	const struct cli_colours *c = cli_colours(stdout);

	printf("%sunsteady%s, seed %" PRIu64 ": this difference did not come again\n%s", c->yellow,
	       c->off, shared->c.seed, shared->report.text);
	fflush(stdout);
}

/* False: it was the kernel's own unrest. */
static bool show_find(const struct fuzz_options *options, struct shared *shared)
{
	const struct cli_colours *c = cli_colours(stdout);
	struct fuzz_report report = shared->report;
	struct fuzz_case *kept = &shared->c;
	bool again;

	if (report.verdict == FUZZ_CRASHED)
		kept->nr = report.at + 1 > kept->nr ? report.at + 1 : kept->nr;
	again = happens_again(options, kept, &report);
	if (!again && report.verdict == FUZZ_DIFFERS) {
		show_unsteady(shared);
		return false;
	}
	printf("%s%s%s, seed %" PRIu64, c->red, verdict_words(report.verdict), c->off, kept->seed);
	if (report.fail_nth)
		printf(", with allocation %" PRIu64 " failing", report.fail_nth);
	printf("\n");
	fflush(stdout);
	if (again) {
		fuzz_minimise(&options->setup, kept, &report, show_shrinking);
		clear_progress();
	}
	printf("%s%s", report.text, again ? "" : "  It did not happen a second time.\n");
	write_scenario(options, kept, &report);
	printf("  the whole run:   usermm fuzz%s%s%s --seed %" PRIu64 " --runs 1 --ops %u\n",
	       options->setup.vs_linux ? " --vs linux" : "", options->setup.fail ? " --fail" : "",
	       options->setup.pressure ? " --pressure" : "", kept->seed, options->setup.nr_ops);
	fflush(stdout);
	return true;
}

static int fuzz(const struct fuzz_options *options)
{
	struct shared *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	time_t since = time(NULL);
	unsigned finds = 0, unsteady = 0;
	sigset_t child;

	if (shared == MAP_FAILED)
		return EXIT_CANNOT;
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL);
	while (shared->runs < options->runs) {
		if (!run_worker(options, shared, shared->runs, since))
			return EXIT_CANNOT;
		if (shared->report.verdict == FUZZ_BROKEN) {
			fprintf(stderr, "usermm fuzz: seed %" PRIu64 ":\n%s", shared->c.seed,
				shared->report.text);
			return EXIT_CANNOT;
		}
		if (shared->report.verdict == FUZZ_SAME)
			break;
		if (!show_find(options, shared)) {
			unsteady++;
			continue;
		}
		finds++;
		if (!options->keep_going)
			break;
	}
	/* Rare unrest is one thing; this would be something that nobody understands. */
	if (unsteady > MOST_UNSTEADY + shared->runs / 1000)
		finds++;
	printf("%" PRIu64 " runs, %" PRIu64 " calls in %.0f s%s: %s%u found\n", shared->runs,
	       shared->calls, difftime(time(NULL), since),
	       options->setup.vs_linux ? ", each compared with the kernel" : "",
	       finds ? "" : "nothing wrong, ", finds);
	if (unsteady)
		printf("%u differences did not come again\n", unsteady);
	if (shared->skipped)
		printf("%" PRIu64 " runs ended early; the last one:\n%s", shared->skipped,
		       shared->skip_text);
	if (finds)
		return EXIT_FAILED;
	return shared->skipped && shared->skipped == shared->runs ? EXIT_CANNOT : EXIT_WELL;
}

/* ---- options -------------------------------------------------------------------------- */

enum { OPT_VS = 256, OPT_WITHOUT, OPT_MUTANT, OPT_BACKEND };

static const struct option long_options[] = {
	{ "vs", required_argument, NULL, OPT_VS },
	{ "pressure", no_argument, NULL, 'p' },
	{ "fail", no_argument, NULL, 'f' },
	{ "seed", required_argument, NULL, 's' },
	{ "runs", required_argument, NULL, 'r' },
	{ "ops", required_argument, NULL, 'n' },
	{ "without", required_argument, NULL, OPT_WITHOUT },
	{ "out", required_argument, NULL, 'd' },
	{ "keep-going", no_argument, NULL, 'k' },
	{ "option", required_argument, NULL, 'o' },
	{ "mutant", required_argument, NULL, OPT_MUTANT },
	{ "backend", required_argument, NULL, OPT_BACKEND },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

/* The names of a list, taken out of *classes. */
static bool leave_out(const char *list, uint64_t *classes)
{
	while (*list) {
		size_t len = strcspn(list, ",");
		unsigned i = 0;

		while (fuzz_class_name(i) &&
		       (strncmp(fuzz_class_name(i), list, len) || fuzz_class_name(i)[len]))
			i++;
		if (!fuzz_class_name(i)) {
			cli_usage_error(SUB, "--without: there is no class '%.*s'", (int)len, list);
			return false;
		}
		*classes &= ~(1ull << i);
		list += len + (list[len] == ',');
	}
	return true;
}

static bool number_up_to(const char *option, uint64_t most, uint64_t *ret_value)
{
	if (!cli_number(SUB, option, optarg, ret_value))
		return false;
	if (*ret_value >= 1 && *ret_value <= most)
		return true;
	cli_usage_error(SUB, "%s is 1 to %" PRIu64, option, most);
	return false;
}

/* 0: go on; 1: nothing more to do; 2: bad usage. */
static int parse_option(struct fuzz_options *options, int option)
{
	uint64_t ops;

	switch (option) {
	case OPT_VS:
	case OPT_BACKEND:
		if (strcmp(optarg, "linux")) {
			cli_usage_error(SUB, "%s takes only linux, not '%s'",
					option == OPT_VS ? "--vs" : "--backend", optarg);
			return 2;
		}
		options->setup.vs_linux |= option == OPT_VS;
		if (option == OPT_BACKEND)
			options->setup.ops = &scn_linux;
		return 0;
	case 'p':
		options->setup.pressure = true;
		return 0;
	case 'f':
		options->setup.fail = true;
		return 0;
	case 's':
		return cli_number(SUB, "--seed", optarg, &options->seed) ? 0 : 2;
	case 'r':
		return number_up_to("--runs", 1ull << 32, &options->runs) ? 0 : 2;
	case 'n':
		if (!number_up_to("--ops", FUZZ_MAX_OPS, &ops))
			return 2;
		options->setup.nr_ops = (unsigned)ops;
		return 0;
	case OPT_WITHOUT:
		return leave_out(optarg, &options->setup.classes) ? 0 : 2;
	case 'd':
		options->out_dir = optarg;
		return 0;
	case 'k':
		options->keep_going = true;
		return 0;
	case 'o':
		return cli_config(SUB, optarg, &options->setup.config) ? 0 : 2;
	case OPT_MUTANT:
		return cli_mutant(SUB, optarg) ? 0 : 2;
	case 'h':
		help();
		return 1;
	default:
		fprintf(stderr, "Try 'usermm fuzz --help'.\n");
		return 2;
	}
}

int cmd_fuzz(int argc, char **argv)
{
	struct fuzz_options options = {
		.setup = { .ops = &scn_model, .nr_ops = 50, .classes = UINT64_MAX },
		.seed = 1,
		.runs = 100,
		.out_dir = ".",
	};
	int option;

	umm_config_init(&options.setup.config);
	scn_linux_config(&options.setup.config);
	while ((option = getopt_long(argc, argv, "pfs:r:n:d:ko:h", long_options, NULL)) != -1) {
		int stop = parse_option(&options, option);

		if (stop)
			return stop == 1 ? EXIT_WELL : EXIT_USAGE;
	}
	if (optind < argc)
		return cli_usage_error(SUB, "it takes options only, not '%s'", argv[optind]);
	if (options.setup.fail && (options.setup.vs_linux || options.setup.ops == &scn_linux))
		return cli_usage_error(SUB, "only allocations of the model can be made to fail");
	return fuzz(&options);
}
