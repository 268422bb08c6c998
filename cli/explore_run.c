/* SPDX-License-Identifier: MIT */
/*
 * One scenario under one budget: which strategies, in what order.
 *
 *   a strategy was named    that one
 *   none                    the optimal search for a part of the budget; when its estimate fits
 *                           into what is left, all of it; else samples of each kind
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/explore.h"
#include "explore/jobs.h"

/* Of each kind of samples before the next one has its turn: so many, or this part of the budget. */
#define SAMPLES_AT_ONCE 500
#define SAMPLES_PART 16
/* This part of the budget shows whether the whole tree fits into it. */
#define TRY_PART 8
/* For a failure as small as can be. */
#define MINIMISE_SECONDS 10

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

double explore_seconds_spent(const struct exploration *x)
{
	return (double)(now_ns() - x->start_ns) / 1e9;
}

/* ---- progress ------------------------------------------------------------------------- */

static void show_progress(void *arg, const struct explore_result *so_far)
{
	struct exploration *x = arg;

	if (!isatty(STDERR_FILENO) || x->command->json)
		return;
	x->progress_shown = true;
	fprintf(stderr, "\r%s: %s, %" PRIu64 " executions, %.0f/s", x->file->path, x->strategy,
		x->executions + so_far->executions,
		(double)so_far->executions * 1e9 / (double)(so_far->ns ? so_far->ns : 1));
	if (so_far->estimate > 0)
		fprintf(stderr, ", about %.3g in all", so_far->estimate);
	fprintf(stderr, "\033[K");
}

static void clear_progress(const struct exploration *x)
{
	if (x->progress_shown)
		fprintf(stderr, "\r\033[K");
}

/* The same explorations have the same hash, whatever the compiler and how many processes. */
static void each(void *arg, uint64_t trace_hash)
{
	struct exploration *x = arg;

	x->call_hash = trace_hash ? explore_hash_add(x->call_hash, trace_hash) : 0;
}

/* ---- one strategy --------------------------------------------------------------------- */

static uint64_t left_executions(const struct exploration *x)
{
	uint64_t limit = x->command->executions;

	return !limit ? 0 : limit > x->executions ? limit - x->executions : 1;
}

static bool out_of_budget(const struct exploration *x)
{
	if (x->command->executions && x->executions >= x->command->executions)
		return true;
	return x->command->seconds && explore_seconds_spent(x) >= (double)x->command->seconds;
}

/* What one call may do; seconds 0 and executions 0: what is left of the budget. */
static void set_limits(struct exploration *x, double seconds, uint64_t executions,
		       struct explore_options *options)
{
	double left = (double)x->command->seconds - explore_seconds_spent(x);

	options->max_executions = left_executions(x);
	if (executions && (!options->max_executions || executions < options->max_executions))
		options->max_executions = executions;
	if (x->command->seconds && (seconds <= 0 || seconds > left))
		seconds = left;
	if (x->command->seconds || seconds > 0)
		options->max_ns = seconds > 0.001 ? (uint64_t)(seconds * 1e9) : 1000000;
	options->max_preemptions = x->command->preemptions;
	options->memory = x->command->memory;
	options->races_allowed = x->command->allow_races;
	options->without = x->command->without;
	options->progress = show_progress;
	options->progress_arg = x;
	options->each = each;
	options->each_arg = x;
}

/* A call is over. True: nothing more to do. */
static bool take_result(struct exploration *x)
{
	const struct explore_result *result = &x->result;

	x->failed_number = x->executions + result->first_failure;
	x->executions += result->executions;
	x->blocked += result->blocked;
	x->events += result->events;
	x->cut += result->cut;
	x->infeasible += result->infeasible;
	x->hash += x->call_hash;
	if (result->unasked)
		snprintf(x->note, sizeof(x->note),
			 "%" PRIu64 " executions were too long to look at all that is old in them",
			 result->unasked);
	if (result->longest > x->longest)
		x->longest = result->longest;
	if (result->failures)
		x->end = END_FAILED;
	else if (result->complete && !x->cut)
		x->end = END_COMPLETE;
	else
		return false;
	return true;
}

static bool run(struct exploration *x, enum explore_mode mode, double seconds, uint64_t executions,
		uint64_t seed)
{
	struct explore_options options = { .seed = seed };

	/* What it does then. */
	if (x->command->memory != WEAK_SC && mode == EXPLORE_OPTIMAL)
		mode = EXPLORE_SOURCE;
	options.mode = mode;
	set_limits(x, seconds, executions, &options);
	x->strategy = explore_mode_name(mode);
	x->jobs = 1;
	x->call_hash = 0;
	explore(scn_explore_program(x->explore), &options, &x->result);
	return take_result(x);
}

/* The same by several processes, or samples when there are kinds of them. */
static bool run_by_jobs(struct exploration *x, enum explore_mode mode, double seconds,
			uint64_t executions, struct explore_jobs *jobs)
{
	struct explore_jobs_result *result = calloc(1, sizeof(*result));
	struct explore_options options = { .mode = mode, .seed = x->command->config.seed };
	bool over = false;

	set_limits(x, seconds, executions, &options);
	jobs->processes = x->command->jobs;
	x->strategy = jobs->nr_kinds > 1 ? "samples of each kind" : explore_mode_name(mode);
	x->jobs = jobs->processes;
	fflush(NULL);
	if (!result || explore_by_jobs(scn_explore_program(x->explore), &options, jobs, result)) {
		snprintf(x->note, sizeof(x->note), "there are no processes to be had");
	} else {
		x->result = result->all;
		x->call_hash = result->hash;
		x->strategy = explore_mode_name(result->mode);
		x->jobs = result->alone ? 1 : jobs->processes;
		over = take_result(x);
		if (result->lost)
			snprintf(x->note, sizeof(x->note), "a process ended without an answer");
	}
	free(result);
	return over;
}

/* Everything, by as many processes as there are to be. */
static bool search(struct exploration *x, enum explore_mode mode, double seconds,
		   uint64_t executions)
{
	struct explore_jobs jobs = { .processes = x->command->jobs };

	if (x->command->jobs > 1 && x->command->memory == WEAK_SC)
		return run_by_jobs(x, mode, seconds, executions, &jobs);
	return run(x, mode, seconds, executions, x->command->config.seed);
}

/* ---- samples -------------------------------------------------------------------------- */

static void sample(struct exploration *x)
{
	const struct explore_command *command = x->command;
	struct explore_jobs jobs = {
		.batch = SAMPLES_AT_ONCE,
		.nr_kinds = 4,
		.kinds = { EXPLORE_POS, EXPLORE_PCT, EXPLORE_URW, EXPLORE_RANDOM },
	};

	if (command->chosen) {
		jobs.nr_kinds = 1;
		jobs.kinds[0] = command->mode;
	}
	if (command->executions && command->executions / SAMPLES_PART < jobs.batch)
		jobs.batch = command->executions / SAMPLES_PART + 1;
	x->end = command->chosen ? END_SAMPLED : END_SHORT;
	if (command->jobs > 1) {
		if (!run_by_jobs(x, jobs.kinds[0], 0, 0, &jobs) && x->note[0])
			x->end = END_SHORT;
		return;
	}
	for (unsigned i = 0; !out_of_budget(x); i++)
		if (run(x, jobs.kinds[i % jobs.nr_kinds], 0, jobs.batch, command->config.seed + i))
			return;
}

/* ---- which strategy ------------------------------------------------------------------- */

static void forget_counts(struct exploration *x)
{
	x->executions = x->blocked = x->cut = x->infeasible = x->events = x->longest = 0;
	x->hash = 0;
}

/* An estimate that was passed without coming to the end is none. */
static void take_estimate(struct exploration *x)
{
	double estimate = x->result.estimate;

	x->estimate = estimate > (double)x->result.executions ? estimate : 0;
}

/* Whether what is left of the budget should do for the whole tree. */
static bool tree_fits(const struct exploration *x)
{
	const struct explore_command *command = x->command;
	double each_s = (double)x->result.ns / 1e9 / (double)(x->result.executions + 1);
	double left = (double)command->seconds - explore_seconds_spent(x);

	if (x->estimate <= 0)
		return false;
	if (command->executions && x->estimate >= (double)left_executions(x))
		return false;
	return !command->seconds || x->estimate * each_s / command->jobs < left;
}

/* The whole tree if it fits; else samples. */
static void explore_by_default(struct exploration *x)
{
	uint64_t seed = x->command->config.seed, limit = x->command->executions;
	double budget = (double)x->command->seconds;

	if (run(x, EXPLORE_OPTIMAL, budget / TRY_PART, limit ? limit / TRY_PART + 1 : 0, seed))
		return;
	take_estimate(x);
	if (tree_fits(x) && !x->result.complete) {
		double part = budget > 0 ? (budget - explore_seconds_spent(x)) / 2 : 0;

		limit = left_executions(x) / 2;
		forget_counts(x);
		if (search(x, EXPLORE_OPTIMAL, part, limit))
			return;
		if (x->jobs == 1)
			take_estimate(x);
	}
	if (x->estimate > 0)
		snprintf(x->note, sizeof(x->note),
			 "about %.3g executions are needed to see everything; samples instead",
			 x->estimate);
	else
		snprintf(x->note, sizeof(x->note),
			 "to see everything takes more than this budget; samples instead");
	x->mixed = true;
	forget_counts(x);
	sample(x);
}

static void explore_it(struct exploration *x)
{
	const struct explore_command *command = x->command;

	if (!command->chosen) {
		explore_by_default(x);
	} else if (command->mode <= EXPLORE_OPTIMAL) {
		if (!search(x, command->mode, 0, 0))
			take_estimate(x);
	} else {
		sample(x);
	}
}

/* ---- a failure ------------------------------------------------------------------------ */

/* With the fewest preemptions and switches. What is said of the exploration stays. */
static void minimise(struct exploration *x)
{
	struct explore_minimised *small = malloc(sizeof(*small));
	struct explore_options limits = {
		.max_ns = (uint64_t)MINIMISE_SECONDS * 1000000000u,
		.memory = x->command->memory,
		.races_allowed = x->command->allow_races,
		.without = x->command->without,
	};
	struct explore_result *result = &x->result;

	if (small && !explore_minimise(scn_explore_program(x->explore), &limits, result->schedule,
				       result->schedule_len, small)) {
		memcpy(result->schedule, small->schedule, small->schedule_len);
		memcpy(result->failure_text, small->text, sizeof(small->text));
		result->schedule_len = small->schedule_len;
		result->preemptions = small->preemptions;
		result->switches = small->switches;
		x->proven = small->proven;
	}
	free(small);
}

static void replay(struct exploration *x)
{
	struct explore_options options = {
		.mode = EXPLORE_REPLAY,
		.memory = x->command->memory,
		.races_allowed = x->command->allow_races,
		.without = x->command->without,
		.max_preemptions = -1,
		.max_executions = 1,
		.schedule = x->command->schedule->threads,
		.schedule_len = x->command->schedule->len,
		.each = each,
		.each_arg = x,
	};

	x->strategy = "replay";
	explore(scn_explore_program(x->explore), &options, &x->result);
	if (!take_result(x))
		x->end = END_REPLAYED;
}

int explore_command_run(const struct explore_command *command, const struct scn_file *file,
			const char *which)
{
	static struct exploration x;
	struct scn_outcome outcome;
	int ret;

	x = (struct exploration){
		.command = command,
		.file = file,
		.which = which,
		.start_ns = now_ns(),
		.jobs = 1,
	};
	x.explore = scn_explore_open(file, &command->config, &outcome);
	if (!x.explore) {
		fprintf(stderr, "%s\n", outcome.message);
		return cli_exit_of(outcome.verdict);
	}
	if (command->schedule)
		replay(&x);
	else
		explore_it(&x);
	if (x.end == END_FAILED && !command->schedule && !command->as_found)
		minimise(&x);
	clear_progress(&x);
	explore_show(&x);
	ret = x.end == END_FAILED ? EXIT_FAILED : x.end == END_SHORT ? EXIT_CANNOT : EXIT_WELL;
	/* That it cannot be saved is said; the failure stays one. */
	if (x.end == END_FAILED && command->save_path)
		(void)explore_save(&x);
	scn_explore_close(x.explore);
	return ret;
}
