/* SPDX-License-Identifier: MIT */
/* One scenario under one budget: which strategies, in what order, and what came of it. */
#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli/explore.h"

/* Of each kind of samples before the next one has its turn: so many, or this part of the budget. */
#define SAMPLES_AT_ONCE 5000
#define SAMPLES_PART 16
/* This part of the budget shows whether the whole tree fits into it. */
#define TRY_PART 8
/* Of a search for a failure with fewer preemptions, each. */
#define MINIMISE_SECONDS 3
#define MINIMISE_PREEMPTIONS 8

enum end { END_SHORT, END_FAILED, END_COMPLETE, END_SAMPLED, END_REPLAYED };

struct exploration {
	const struct explore_command *command;
	const struct scn_file *file;
	struct scn_explore *explore;
	struct explore_result result; /* of the last call, and of the failure */
	const char *strategy;         /* of that */
	uint64_t start_ns;
	uint64_t executions, blocked, cut, infeasible, events, longest;
	uint64_t hash; /* of every execution, in order */
	double estimate;
	bool progress_shown;
	bool mixed; /* samples of each kind */
	int fewest; /* preemptions of the failure; below 0: not known */
	enum end end;
	char note[256];
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static double spent(const struct exploration *x)
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

/* The same explorations have the same hash, whatever the compiler. */
static void each(void *arg, uint64_t trace_hash)
{
	struct exploration *x = arg;

	x->hash = (x->hash ^ trace_hash) * 0x9e3779b97f4a7c15ull;
	x->hash ^= x->hash >> 32;
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
	return x->command->seconds && spent(x) >= (double)x->command->seconds;
}

/* True: nothing more to do. seconds 0: what is left of the budget; executions 0: the same. */
static bool run(struct exploration *x, enum explore_mode mode, double seconds, uint64_t executions,
		uint64_t seed)
{
	struct explore_options options = {
		.mode = mode,
		.max_executions = left_executions(x),
		.seed = seed,
		.max_preemptions = x->command->preemptions,
		.progress = show_progress,
		.progress_arg = x,
		.each = each,
		.each_arg = x,
	};
	double left = (double)x->command->seconds - spent(x);

	if (executions && (!options.max_executions || executions < options.max_executions))
		options.max_executions = executions;
	if (x->command->seconds && (!seconds || seconds > left))
		seconds = left;
	if (x->command->seconds || seconds > 0)
		options.max_ns = seconds > 0.001 ? (uint64_t)(seconds * 1e9) : 1000000;
	x->strategy = explore_mode_name(mode);
	explore(scn_explore_program(x->explore), &options, &x->result);
	x->executions += x->result.executions;
	x->blocked += x->result.blocked;
	x->events += x->result.events;
	x->cut += x->result.cut;
	x->infeasible += x->result.infeasible;
	if (x->result.longest > x->longest)
		x->longest = x->result.longest;
	if (x->result.failures)
		x->end = END_FAILED;
	else if (x->result.complete && !x->cut)
		x->end = END_COMPLETE;
	else if (x->result.complete)
		x->end = END_SHORT;
	else
		return false;
	return true;
}

/* ---- samples, by one process or several ----------------------------------------------- */

static const enum explore_mode kinds[] = { EXPLORE_POS, EXPLORE_PCT, EXPLORE_URW, EXPLORE_RANDOM };

static void sample(struct exploration *x, unsigned worker)
{
	const struct explore_command *command = x->command;
	uint64_t seed = command->config.seed + ((uint64_t)worker << 32), nr = SAMPLES_AT_ONCE;
	double seconds = 0;

	if (!command->chosen) {
		seconds = (double)command->seconds / SAMPLES_PART;
		if (command->executions && command->executions / SAMPLES_PART < nr)
			nr = command->executions / SAMPLES_PART + 1;
	}
	for (unsigned i = 0; !out_of_budget(x); i++, seed++) {
		enum explore_mode mode = command->chosen ? command->mode : kinds[i % 4];

		if (run(x, mode, seconds, nr, seed))
			return;
	}
	x->end = command->chosen ? END_SAMPLED : END_SHORT;
}

/* What a worker sends back. */
struct sent {
	struct explore_result result;
	uint64_t executions, cut, events, longest;
	enum end end;
	enum explore_mode mode;
};

static void work(struct exploration *x, unsigned worker, int fd)
{
	struct sent sent = { 0 };
	const char *bytes = (const char *)&sent;
	size_t left = sizeof(sent);

	x->executions = x->cut = x->events = 0;
	sample(x, worker);
	sent.result = x->result;
	sent.executions = x->executions;
	sent.cut = x->cut;
	sent.events = x->events;
	sent.longest = x->longest;
	sent.end = x->end;
	while (strcmp(explore_mode_name(sent.mode), x->strategy) != 0)
		sent.mode++;
	while (left) {
		ssize_t n = write(fd, bytes, left);

		if (n <= 0)
			_exit(1);
		bytes += n;
		left -= (size_t)n;
	}
	_exit(0);
}

static bool read_sent(int fd, struct sent *sent)
{
	size_t got = 0;

	while (got < sizeof(*sent)) {
		ssize_t n = read(fd, (char *)sent + got, sizeof(*sent) - got);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		got += (size_t)n;
	}
	return true;
}

static void take_sent(struct exploration *x, const struct sent *sent)
{
	x->executions += sent->executions;
	x->cut += sent->cut;
	x->events += sent->events;
	if (sent->longest > x->longest)
		x->longest = sent->longest;
	if (x->end == END_FAILED)
		return;
	x->end = sent->end;
	x->result = sent->result;
	x->strategy = explore_mode_name(sent->mode);
}

static void sample_by_many(struct exploration *x)
{
	unsigned jobs = x->command->jobs, nr = 0;
	struct sent *sent = malloc(sizeof(*sent));
	pid_t pids[64];
	int fds[64];

	if (jobs == 1) {
		sample(x, 0);
		free(sent);
		return;
	}
	fflush(NULL);
	for (; sent && nr < jobs; nr++) {
		int ends[2];

		if (pipe(ends))
			break;
		pids[nr] = fork();
		if (pids[nr] == 0)
			work(x, nr, ends[1]);
		close(ends[1]);
		fds[nr] = ends[0];
		if (pids[nr] < 0) {
			close(ends[0]);
			break;
		}
	}
	if (!nr)
		sample(x, 0);
	for (unsigned i = 0; i < nr; i++) {
		if (read_sent(fds[i], sent))
			take_sent(x, sent);
		else
			snprintf(x->note, sizeof(x->note), "worker %u ended without an answer", i);
		close(fds[i]);
		waitpid(pids[i], NULL, 0);
	}
	free(sent);
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

	if (x->estimate <= 0)
		return false;
	if (command->executions && x->estimate >= (double)left_executions(x))
		return false;
	return !command->seconds || x->estimate * each_s < (double)command->seconds - spent(x);
}

/* The whole tree if it fits; else samples. */
static void explore_by_default(struct exploration *x)
{
	uint64_t seed = x->command->config.seed, limit = x->command->executions;
	double budget = (double)x->command->seconds;

	if (run(x, EXPLORE_OPTIMAL, budget / TRY_PART, limit ? limit / TRY_PART + 1 : 0, seed))
		return;
	take_estimate(x);
	if (tree_fits(x)) {
		double part = budget ? (budget - spent(x)) / 2 : 0;

		limit = left_executions(x) / 2;
		forget_counts(x);
		if (run(x, EXPLORE_OPTIMAL, part, limit, seed))
			return;
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
	sample_by_many(x);
}

static void explore_it(struct exploration *x)
{
	const struct explore_command *command = x->command;

	if (!command->chosen) {
		explore_by_default(x);
	} else if (command->mode <= EXPLORE_OPTIMAL) {
		if (!run(x, command->mode, 0, 0, command->config.seed)) {
			take_estimate(x);
			x->end = END_SHORT;
		}
	} else {
		sample_by_many(x);
	}
}

/* ---- the failure with the fewest preemptions ------------------------------------------ */

/*
 * Everything with none of them, with one, two: the first failure that this finds cannot be had
 * with fewer. What is said of the exploration stays that of the first one.
 */
static void minimise(struct exploration *x)
{
	struct explore_result *found = malloc(sizeof(*found));
	struct explore_options options = {
		.mode = EXPLORE_OPTIMAL,
		.max_ns = (uint64_t)MINIMISE_SECONDS * 1000000000u,
		.progress = show_progress,
		.progress_arg = x,
	};
	uint64_t number = x->result.first_failure;
	int limit = x->command->preemptions;

	if (limit < 0 || limit > MINIMISE_PREEMPTIONS)
		limit = MINIMISE_PREEMPTIONS;
	for (int k = 0; found && k <= limit; k++) {
		options.max_preemptions = k;
		explore(scn_explore_program(x->explore), &options, found);
		if (found->failures) {
			x->result = *found;
			x->result.first_failure = number;
			x->fewest = k;
			break;
		}
		if (!found->complete)
			break;
	}
	free(found);
}

/* ---- replaying ------------------------------------------------------------------------ */

static bool save(const struct exploration *x)
{
	FILE *out = fopen(x->command->save_path, "w");
	const struct explore_result *result = &x->result;

	if (!out) {
		fprintf(stderr, "usermm explore: %s: %s\n", x->command->save_path, strerror(errno));
		return false;
	}
	fprintf(out, "usermm schedule 1\nscenario %s\n", x->file->path);
	for (unsigned i = 0; i < x->command->nr_mutants; i++)
		fprintf(out, "mutant %s\n", x->command->mutants[i]);
	for (unsigned i = 0, n; i < result->schedule_len; i += n) {
		for (n = 1; i + n < result->schedule_len &&
			    result->schedule[i + n] == result->schedule[i];)
			n++;
		fprintf(out, "thread %u %u\n", result->schedule[i], n);
	}
	fprintf(out, "end\n");
	return fclose(out) == 0;
}

/* The schedule of a file into the result; false: it is none, said. */
static bool load(const char *path, struct explore_result *result)
{
	FILE *in = fopen(path, "r");
	unsigned line_nr = 0, thread, nr;
	char line[512];
	bool good = in != NULL, ended = false;

	if (!in)
		fprintf(stderr, "usermm explore: %s: %s\n", path, strerror(errno));
	result->schedule_len = 0;
	while (good && !ended && fgets(line, sizeof(line), in)) {
		if (++line_nr == 1) {
			good = !strcmp(line, "usermm schedule 1\n");
		} else if (sscanf(line, "thread %u %u", &thread, &nr) == 2) {
			good = thread < EXPLORE_MAX_THREADS &&
			       nr <= EXPLORE_MAX_EVENTS - result->schedule_len;
			for (; good && nr; nr--)
				result->schedule[result->schedule_len++] = (uint8_t)thread;
		} else {
			ended = !strcmp(line, "end\n");
			good = ended || !strncmp(line, "scenario ", 9) ||
			       !strncmp(line, "mutant ", 7);
		}
	}
	if (in)
		fclose(in);
	if (in && !(good && ended))
		fprintf(stderr, "usermm explore: %s:%u: no schedule that --save has written\n",
			path, line_nr);
	return good && ended;
}

static int replay(struct exploration *x)
{
	struct explore_result *from = calloc(1, sizeof(*from));
	struct explore_options options = { .mode = EXPLORE_REPLAY, .max_preemptions = -1 };
	bool good = from && load(x->command->replay_path, from);

	if (good) {
		options.schedule = from->schedule;
		options.schedule_len = from->schedule_len;
		options.max_executions = 1;
		x->strategy = "replay";
		explore(scn_explore_program(x->explore), &options, &x->result);
		x->executions = x->result.executions;
		x->events = x->longest = x->result.events;
		x->end = x->result.failures ? END_FAILED : END_REPLAYED;
	}
	free(from);
	return good ? -1 : EXIT_USAGE;
}

/* ---- what came of it ------------------------------------------------------------------ */

static const char *end_word(const struct exploration *x)
{
	static const char *const words[] = {
		[END_FAILED] = "failed",      [END_COMPLETE] = "complete",
		[END_SAMPLED] = "sampled",    [END_REPLAYED] = "no failure",
		[END_SHORT] = "not complete",
	};

	if (x->end == END_COMPLETE && x->command->preemptions >= 0)
		return "complete within the bound";
	return words[x->end];
}

static void show_text(struct exploration *x)
{
	const struct cli_colours *c = cli_colours(stdout);
	const char *colour = x->end == END_FAILED ? c->red :
			     x->end == END_SHORT  ? c->yellow :
						    c->green;

	if (x->end == END_FAILED) {
		scn_explore_list(x->explore, &x->result, x->command->all_events, stdout);
		if (x->fewest >= 0)
			printf("with %d preemption%s, and no failure with fewer:\n", x->fewest,
			       x->fewest == 1 ? "" : "s");
		printf("%s\n", x->result.failure_text);
	}
	if (x->note[0])
		printf("%s: %s\n", x->file->path, x->note);
	printf("%s%s%s %s (%s: %" PRIu64 " executions", colour, end_word(x), c->off, x->file->path,
	       x->mixed && x->end != END_FAILED ? "samples of each kind" : x->strategy,
	       x->executions);
	if (x->end == END_FAILED)
		printf(", failed in number %" PRIu64, x->result.first_failure);
	if (x->blocked)
		printf(", %" PRIu64 " blocked", x->blocked);
	if (x->cut)
		printf(", %" PRIu64 " cut at %d events", x->cut, EXPLORE_MAX_EVENTS);
	if (x->infeasible)
		printf(", %" PRIu64 " that could not be, which is a bug", x->infeasible);
	printf(", longest %" PRIu64 " events, %.2f s", x->longest, spent(x));
	if (x->command->preemptions >= 0)
		printf(", at most %d preemptions", x->command->preemptions);
	if (x->estimate > 0 && x->end != END_COMPLETE)
		printf(", about %.3g in all", x->estimate);
	printf(")\n");
}

static void show_json(struct exploration *x)
{
	struct json_object *o = json_object_new_object();
	char hash[20];

	json_object_object_add(o, "file", json_object_new_string(x->file->path));
	json_object_object_add(o, "verdict", json_object_new_string(end_word(x)));
	json_object_object_add(o, "strategy",
			       json_object_new_string(x->mixed ? "samples" : x->strategy));
	json_object_object_add(o, "memory", json_object_new_string(x->command->memory));
	json_object_object_add(o, "executions", json_object_new_int64((int64_t)x->executions));
	json_object_object_add(o, "cut", json_object_new_int64((int64_t)x->cut));
	json_object_object_add(o, "infeasible", json_object_new_int64((int64_t)x->infeasible));
	json_object_object_add(o, "blocked", json_object_new_int64((int64_t)x->blocked));
	json_object_object_add(o, "events", json_object_new_int64((int64_t)x->events));
	json_object_object_add(o, "longest", json_object_new_int64((int64_t)x->longest));
	json_object_object_add(o, "complete", json_object_new_boolean(x->end == END_COMPLETE));
	json_object_object_add(o, "bounded", json_object_new_boolean(x->command->preemptions >= 0));
	json_object_object_add(o, "seconds", json_object_new_double(spent(x)));
	if (x->estimate > 0)
		json_object_object_add(o, "estimate", json_object_new_double(x->estimate));
	if (x->end == END_FAILED) {
		json_object_object_add(o, "failure",
				       json_object_new_string(x->result.failure_text));
		if (x->fewest >= 0)
			json_object_object_add(o, "preemptions", json_object_new_int(x->fewest));
		json_object_object_add(o, "execution",
				       json_object_new_int64((int64_t)x->result.first_failure));
	}
	snprintf(hash, sizeof(hash), "%016" PRIx64, x->hash);
	json_object_object_add(o, "hash", json_object_new_string(hash));
	printf("%s\n", json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN));
	json_object_put(o);
}

static int exit_of(const struct exploration *x)
{
	return x->end == END_FAILED ? EXIT_FAILED : x->end == END_SHORT ? EXIT_CANNOT : EXIT_WELL;
}

int explore_command_run(const struct explore_command *command, const struct scn_file *file)
{
	static struct exploration x;
	struct scn_outcome outcome;
	int ret = -1;

	x = (struct exploration){
		.command = command,
		.file = file,
		.start_ns = now_ns(),
		.fewest = -1,
	};
	x.explore = scn_explore_open(file, &command->config, &outcome);
	if (!x.explore) {
		fprintf(stderr, "%s\n", outcome.message);
		return cli_exit_of(outcome.verdict);
	}
	if (command->replay_path)
		ret = replay(&x);
	else
		explore_it(&x);
	if (x.end == END_FAILED && !command->replay_path && !command->as_found)
		minimise(&x);
	clear_progress(&x);
	if (ret < 0) {
		ret = exit_of(&x);
		if (command->json)
			show_json(&x);
		else
			show_text(&x);
		if (x.end == END_FAILED && command->save_path && !save(&x))
			ret = EXIT_CANNOT;
	}
	scn_explore_close(x.explore);
	return ret;
}
