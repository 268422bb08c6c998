/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/failing.h"
#include "scenario/ending.h"
#include "scenario/words.h"

#ifndef MAP_DROPPABLE
#define MAP_DROPPABLE 0x08
#endif

/* Steps after the failure that are followed by a recount; one more comes at the end. */
#define VERIFIED_STEPS 4

/* What a step did and what came of it. */
struct record {
	enum scn_kind kind;
	int64_t result;
	uint64_t asked;  /* digest of task and arguments */
	uint64_t digest; /* of what it read */
};

struct records {
	struct record *all;
	size_t nr, room;
};

/* How runs end that are no findings. */
static const char *const endings[] = {
	"ENOMEM", "EIO", "SIGBUS", "SIGKILL", "EFAULT", "EAGAIN", "ENOSPC", "an expectation",
};
#define NR_ENDINGS (sizeof(endings) / sizeof(endings[0]))

struct failing {
	const struct failing_options *options;
	const struct scn_file *file;
	struct records first; /* of the run in which nothing failed */
	uint64_t seen;        /* allocations of that run */
	/* of all runs */
	uint64_t runs, passed, missed, ended[NR_ENDINGS];
	/* of the run that is under way */
	uint64_t nth; /* 0: nothing fails */
	size_t step;
	bool comparable;
	unsigned verified;
	char finding[4096];
};

/* ---- the steps of a run ----------------------------------------------------------------- */

static uint64_t mix(uint64_t digest, const void *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		digest = (digest ^ ((const uint8_t *)bytes)[i]) * 0x100000001b3u;
	return digest;
}

static struct record record_of(const struct scn_step *step)
{
	struct record record = { .kind = step->kind, .result = step->result };
	unsigned task[2] = { 0, 0 };

	if (step->task) {
		task[0] = step->task->process_nr;
		task[1] = step->task->thread_nr;
	}
	record.asked = mix(0, task, sizeof(task));
	record.asked = mix(record.asked, step->args, sizeof(step->args));
	record.digest = mix(0, &step->value, sizeof(step->value));
	/* What is in memory may differ, what is in it may not. */
	if (step->kind != SCN_MINCORE && step->kind != SCN_MOVE_PAGES && step->out)
		record.digest = mix(record.digest, step->out, step->done);
	return record;
}

static bool reads(enum scn_kind kind)
{
	return kind == SCN_READ || kind == SCN_LOAD || kind == SCN_PREAD || kind == SCN_VM_READV ||
	       kind == SCN_XCHG || kind == SCN_FETCH_ADD || kind == SCN_CMPXCHG;
}

static bool keep(struct records *records, const struct record *record)
{
	if (records->nr == records->room) {
		size_t room = records->room ? 2 * records->room : 256;
		struct record *all = realloc(records->all, room * sizeof(*all));

		if (!all)
			return false;
		records->all = all;
		records->room = room;
	}
	records->all[records->nr++] = *record;
	return true;
}

static void compare(struct failing *failing, const struct scn_step *step,
		    const struct record *record)
{
	const struct record *first = &failing->first.all[failing->step];

	if (failing->step >= failing->first.nr || first->kind != record->kind ||
	    first->asked != record->asked || first->result != record->result) {
		failing->comparable = false;
		return;
	}
	if (!reads(record->kind) || first->digest == record->digest)
		return;
	failing->comparable = false;
	snprintf(failing->finding, sizeof(failing->finding),
		 "line %u: %s has other contents than without the failure, and no call gave an "
		 "error",
		 step->line, step->task ? step->task->label : "memory");
}

/* From here on some contents may be lost or not. */
static bool declares_lost(const struct scn_step *step)
{
	return (step->kind == SCN_MADVISE && step->args[2] == MADV_FREE) ||
	       (step->kind == SCN_MMAP && (step->args[3] & 0xf) == MAP_DROPPABLE);
}

static int on_step(void *arg, struct scn_session *session, const struct scn_step *step)
{
	struct umm_machine *machine = session->ops->machine(session->backend);
	struct failing *failing = arg;
	struct record record = record_of(step);
	uint64_t seen, failed;

	umm_fail_stats(machine, &seen, &failed);
	/* Nothing has failed yet: a recount would find what the first run's did. */
	session->verify = failed && failing->verified++ < VERIFIED_STEPS;
	if (scn_session_concurrent(session) || declares_lost(step))
		failing->comparable = false;
	if (failing->comparable && failing->nth)
		compare(failing, step, &record);
	else if (failing->comparable)
		failing->comparable = keep(&failing->first, &record);
	failing->step++;
	return 0;
}

/* ---- a run ------------------------------------------------------------------------------ */

static char run_words[160];

/* A failed assertion ends the process: say which run it was. */
static void on_abort(int signo)
{
	(void)signo;
	if (write(STDERR_FILENO, run_words, strlen(run_words)) < 0)
		_exit(EXIT_CANNOT);
}

static void name_run(const struct failing *failing)
{
	snprintf(run_words, sizeof(run_words),
		 "usermm run: with --fail-each %s --fail-only "
		 "%" PRIu64 " %s\n",
		 failing->options->site, failing->nth, failing->file->path);
	signal(SIGABRT, on_abort);
}

static void found(struct failing *failing, const char *text)
{
	if (!failing->finding[0])
		snprintf(failing->finding, sizeof(failing->finding), "%s", text);
}

/* A thread that the failure left waiting for another: the machine will never be idle. */
static bool is_waited_in(const struct scn_session *session)
{
	for (const struct scn_task *task = session->tasks; task; task = task->next) {
		if (!task->dead && task->busy)
			return true;
	}
	return false;
}

static void end_machine(struct failing *failing, struct scn_session *session)
{
	struct umm_machine *machine;
	char report[480];

	if (!session->backend)
		return;
	machine = session->ops->machine(session->backend);
	if (!machine)
		return;
	session->watcher.step = NULL;
	session->verify = false;
	umm_fail_set(machine, NULL);
	if (is_waited_in(session))
		return;
	if (umm_verify(machine, report, sizeof(report)))
		found(failing, report);
	scn_end_tasks(session);
	if (scn_find_leaks((struct machine *)machine, report, sizeof(report)))
		found(failing, report);
	if (umm_verify(machine, report, sizeof(report)))
		found(failing, report);
}

static void count_ending(struct failing *failing, const struct scn_outcome *outcome)
{
	size_t i = 0;

	if (outcome->verdict == SCN_PASSED) {
		failing->passed++;
		return;
	}
	while (i + 1 < NR_ENDINGS && !strstr(outcome->message, endings[i]))
		i++;
	failing->ended[i]++;
}

static void run_once(struct failing *failing, struct scn_outcome *outcome)
{
	const char *site = failing->options->site;
	struct umm_fail fail = {
		.site = strcmp(site, "any") ? site : NULL,
		.order = -1,
		.nth = failing->nth,
	};
	struct scn_session session;
	uint64_t seen = 0, failed = 0;
	bool stuck;

	name_run(failing);
	failing->step = 0;
	failing->verified = 0;
	failing->comparable = true;
	failing->finding[0] = '\0';
	scn_session_init(&session, &scn_model, failing->options->config);
	session.fail = &fail;
	session.verify = false;
	session.watcher = (struct scn_watcher){ .step = on_step, .arg = failing };
	scn_script_run(&session, failing->file, outcome);
	if (session.backend)
		umm_fail_stats(session.ops->machine(session.backend), &seen, &failed);
	if (failing->nth)
		failing->missed += !failed;
	else
		failing->seen = seen;
	stuck = strstr(outcome->message, "threads are stuck") != NULL;
	if (stuck || strstr(outcome->message, "the machine contradicts itself") ||
	    outcome->verdict == SCN_INTERNAL)
		found(failing, outcome->message);
	/* Who is stuck is in the middle of something, and so is its memory. */
	if (!stuck)
		end_machine(failing, &session);
	scn_session_close(&session);
	signal(SIGABRT, SIG_DFL);
}

/* ---- all of them ------------------------------------------------------------------------ */

static int report_finding(const struct failing *failing, const struct scn_outcome *outcome)
{
	const struct cli_colours *c = cli_colours(stdout);

	printf("%sfailed%s %s\n%s\n", c->red, c->off, failing->file->path, failing->finding);
	if (outcome->message[0] && !strstr(outcome->message, failing->finding))
		printf("the scenario: %s\n", outcome->message);
	printf("again: %s", run_words);
	return EXIT_FAILED;
}

static void report(const struct failing *failing)
{
	printf("%s: %" PRIu64 " of %" PRIu64 " failures: %" PRIu64 " passed", failing->file->path,
	       failing->runs, failing->seen, failing->passed);
	for (size_t i = 0; i < NR_ENDINGS; i++) {
		if (failing->ended[i])
			printf(", %" PRIu64 " ended with %s", failing->ended[i], endings[i]);
	}
	if (failing->missed)
		printf("; %" PRIu64 " did not come to it", failing->missed);
	putchar('\n');
}

/* One n after the other, or evenly spread. */
static int run_all(struct failing *failing, struct scn_outcome *outcome)
{
	const struct failing_options *options = failing->options;
	uint64_t runs = failing->seen, last = 0;

	if (options->runs && runs > options->runs)
		runs = options->runs;
	for (uint64_t i = 0; i < runs; i++) {
		failing->nth = options->only ? options->only : 1 + i * failing->seen / runs;
		if (failing->nth == last)
			continue;
		last = failing->nth;
		run_once(failing, outcome);
		failing->runs++;
		if (options->tell)
			printf("%" PRIu64 ": %s\n", failing->nth,
			       outcome->message[0] ? outcome->message : "passed");
		if (failing->finding[0])
			return report_finding(failing, outcome);
		count_ending(failing, outcome);
	}
	report(failing);
	return EXIT_WELL;
}

int failing_run(const struct failing_options *options, const struct scn_file *file)
{
	struct scn_outcome *outcome = calloc(1, sizeof(*outcome));
	struct failing failing = { .options = options, .file = file };
	int ret;

	if (!outcome)
		return EXIT_CANNOT;
	run_once(&failing, outcome);
	if (failing.finding[0]) {
		ret = report_finding(&failing, outcome);
	} else if (outcome->verdict != SCN_PASSED) {
		printf("%s: does not pass when nothing fails: %s\n", file->path, outcome->message);
		ret = cli_exit_of(outcome->verdict);
	} else {
		ret = run_all(&failing, outcome);
	}
	free(failing.first.all);
	free(outcome);
	return ret;
}
