/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scenario/record.h"
#include "scenario/words.h"

/* What was seen of a process; shared by the steps that did not change it. */
struct view {
	struct view *next; /* of all, to free them */
	unsigned process_nr;
	char *text;
};

struct record {
	char label[24]; /* the task that made the step; empty: the scenario itself */
	unsigned line;
	char *call, *result;
	uint8_t *bytes; /* that were read */
	uint64_t nr_bytes;
	struct view **views; /* of the live processes, in order of birth */
	unsigned nr_views;
	bool matched;
	bool concurrent; /* other threads ran: what was read depends on the schedule */
	bool failed;     /* with an errno or a signal */
};

struct scn_recording {
	struct record *records;
	size_t nr, room;
	size_t first_unmatched;
	struct view *views;
	struct scn_buffer scratch;
	struct scn_buffer *report;
	bool stopped; /* a difference was reported */
};

struct scn_recording *scn_recording_new(void)
{
	return calloc(1, sizeof(struct scn_recording));
}

static void free_record(struct record *record)
{
	free(record->call);
	free(record->result);
	free(record->bytes);
	free(record->views);
}

void scn_recording_free(struct scn_recording *recording)
{
	if (!recording)
		return;
	for (size_t i = 0; i < recording->nr; i++)
		free_record(&recording->records[i]);
	while (recording->views) {
		struct view *view = recording->views;

		recording->views = view->next;
		free(view->text);
		free(view);
	}
	scn_buffer_free(&recording->scratch);
	free(recording->records);
	free(recording);
}

uint64_t scn_recording_steps(const struct scn_recording *recording)
{
	return recording->nr;
}

static int out_of_memory(struct scn_session *session)
{
	snprintf(session->reason, sizeof(session->reason), "out of memory");
	return SCN_BROKEN;
}

/* The process's view, shared with the last one taken of it if nothing changed. */
static struct view *keep_view(struct scn_recording *recording, unsigned process_nr,
			      const char *text)
{
	struct view *view = recording->views;

	while (view && view->process_nr != process_nr)
		view = view->next;
	if (view && !strcmp(view->text, text))
		return view;
	view = calloc(1, sizeof(*view));
	if (!view)
		return NULL;
	view->text = strdup(text);
	if (!view->text) {
		free(view);
		return NULL;
	}
	view->process_nr = process_nr;
	view->next = recording->views;
	recording->views = view;
	return view;
}

/*
 * Not after a step of a thread, be it the last one's exit: how far the main thread has come by
 * then depends on the schedule.
 */
static bool may_look(const struct scn_session *session, const struct scn_step *step)
{
	return !scn_session_concurrent(session) && !(step->task && step->task->thread_nr);
}

static int add_views(struct scn_recording *recording, struct scn_session *session,
		     const struct scn_step *step, struct record *record)
{
	if (!may_look(session, step))
		return 0;
	record->views = calloc(session->nr_processes + 1, sizeof(struct view *));
	if (!record->views)
		return out_of_memory(session);
	for (struct scn_task *task = session->tasks; task; task = task->next) {
		struct view *view;
		int ret;

		if (task->dead || task->thread_nr)
			continue;
		ret = scn_observe(session, task, &recording->scratch);
		if (ret)
			return ret;
		view = keep_view(recording, task->process_nr, recording->scratch.text);
		if (!view)
			return out_of_memory(session);
		record->views[record->nr_views++] = view;
	}
	return 0;
}

static int fill_record(struct record *record, const struct scn_session *session,
		       const struct scn_step *step, const char *print)
{
	char call[1024], result[512];

	memset(record, 0, sizeof(*record));
	record->line = step ? step->line : session->line;
	record->concurrent = scn_session_concurrent(session);
	record->failed = step && (step->fault.signo || (step->result < 0 && step->result > -4096));
	if (step && step->task)
		snprintf(record->label, sizeof(record->label), "%s", step->task->label);
	if (step) {
		record->call = strdup(scn_step_format(step, call, sizeof(call)));
		record->result = strdup(scn_result_format(step, result, sizeof(result)));
	} else {
		record->call = strdup("print");
		record->result = strdup(print);
	}
	if (step && step->done && step->out) {
		record->bytes = malloc(step->done);
		if (!record->bytes)
			return SCN_BROKEN;
		memcpy(record->bytes, step->out, step->done);
		record->nr_bytes = step->done;
	}
	return record->call && record->result ? 0 : SCN_BROKEN;
}

/* ---- writing down --------------------------------------------------------------------- */

static int write_down(struct scn_recording *recording, struct scn_session *session,
		      const struct scn_step *step, const char *print)
{
	struct record *record;
	int ret;

	if (recording->nr == recording->room) {
		size_t room = recording->room ? 2 * recording->room : 64;
		struct record *records = realloc(recording->records, room * sizeof(*records));

		if (!records)
			return out_of_memory(session);
		recording->records = records;
		recording->room = room;
	}
	record = &recording->records[recording->nr];
	ret = fill_record(record, session, step, print);
	recording->nr++;
	if (ret)
		return out_of_memory(session);
	return step ? add_views(recording, session, step, record) : 0;
}

static int record_step(void *arg, struct scn_session *session, const struct scn_step *step)
{
	return write_down(arg, session, step, NULL);
}

/* When a thread ends is up to chance, when it is joined is not. */
static bool print_counts(const struct scn_session *session)
{
	return !session->concurrent && !session->nr_unjoined;
}

static int record_print(void *arg, struct scn_session *session, const char *text)
{
	if (!print_counts(session))
		return 0;
	return write_down(arg, session, NULL, text);
}

void scn_record(struct scn_recording *recording, struct scn_session *session)
{
	session->watcher = (struct scn_watcher){ record_step, record_print, recording };
}

/* ---- comparing ------------------------------------------------------------------------ */

/* The next step that the first run made as this task. */
static struct record *find_match(struct scn_recording *recording, const struct record *seen)
{
	while (recording->first_unmatched < recording->nr &&
	       recording->records[recording->first_unmatched].matched)
		recording->first_unmatched++;
	for (size_t i = recording->first_unmatched; i < recording->nr; i++) {
		struct record *record = &recording->records[i];

		if (!record->matched && !strcmp(record->label, seen->label))
			return record;
	}
	return NULL;
}

static int stop(struct scn_recording *recording, struct scn_session *session)
{
	recording->stopped = true;
	snprintf(session->reason, sizeof(session->reason), "the backends differ");
	return SCN_STOPPED;
}

static void head(struct scn_buffer *report, const struct record *record)
{
	scn_buffer_printf(report, "  line %u: %s%s%s = %s\n", record->line, record->label,
			  record->label[0] ? ": " : "", record->call, record->result);
}

static bool results_differ(struct scn_buffer *report, const struct record *linux_side,
			   const struct record *model_side)
{
	if (strcmp(linux_side->call, model_side->call)) {
		scn_buffer_printf(report, "  line %u: the scenario went on differently\n",
				  linux_side->line);
		scn_report_head(report, "linux", "model");
		scn_report_row(report, linux_side->call, strlen(linux_side->call), model_side->call,
			       strlen(model_side->call));
		return true;
	}
	if ((linux_side->concurrent || model_side->concurrent) && !linux_side->failed &&
	    !model_side->failed)
		return false;
	if (!strcmp(linux_side->result, model_side->result) &&
	    linux_side->nr_bytes == model_side->nr_bytes &&
	    (!linux_side->nr_bytes ||
	     !memcmp(linux_side->bytes, model_side->bytes, linux_side->nr_bytes)))
		return false;
	scn_buffer_printf(report, "  line %u: %s%s%s\n", linux_side->line, linux_side->label,
			  linux_side->label[0] ? ": " : "", linux_side->call);
	scn_report_head(report, "linux", "model");
	scn_report_row(report, linux_side->result, strlen(linux_side->result), model_side->result,
		       strlen(model_side->result));
	if (!strcmp(linux_side->result, model_side->result))
		scn_buffer_printf(report, "    (the bytes differ further on)\n");
	return true;
}

static int compare_views(struct scn_recording *recording, struct scn_session *session,
			 const struct scn_step *step, const struct record *expected)
{
	unsigned i = 0;

	if (!expected->views || !may_look(session, step))
		return 0;
	for (struct scn_task *task = session->tasks; task; task = task->next) {
		size_t at = recording->report->len;
		int ret;

		if (task->dead || task->thread_nr)
			continue;
		ret = scn_observe(session, task, &recording->scratch);
		if (ret)
			return ret;
		if (i >= expected->nr_views)
			break;
		head(recording->report, expected);
		scn_buffer_printf(recording->report, "  afterwards, what is seen of %s differs\n",
				  task->label);
		if (scn_view_differs(expected->views[i]->text, recording->scratch.text,
				     recording->report))
			return stop(recording, session);
		recording->report->len = at;
		i++;
	}
	return 0;
}

static int compare_with(struct scn_recording *recording, struct scn_session *session,
			const struct scn_step *step, const char *print)
{
	struct record seen, *expected;
	int ret;

	if (recording->stopped)
		return SCN_STOPPED;
	ret = fill_record(&seen, session, step, print);
	if (ret) {
		ret = out_of_memory(session);
		goto out;
	}
	expected = find_match(recording, &seen);
	if (!expected) {
		scn_buffer_printf(recording->report, "  only the model went on to:\n");
		head(recording->report, &seen);
		ret = stop(recording, session);
		goto out;
	}
	expected->matched = true;
	if (results_differ(recording->report, expected, &seen))
		ret = stop(recording, session);
	else if (step)
		ret = compare_views(recording, session, step, expected);
out:
	free_record(&seen);
	return ret;
}

static int compare_step(void *arg, struct scn_session *session, const struct scn_step *step)
{
	return compare_with(arg, session, step, NULL);
}

static int compare_print(void *arg, struct scn_session *session, const char *text)
{
	if (!print_counts(session))
		return 0;
	return compare_with(arg, session, NULL, text);
}

void scn_compare(struct scn_recording *recording, struct scn_session *session,
		 struct scn_buffer *report)
{
	recording->report = report;
	session->watcher = (struct scn_watcher){ compare_step, compare_print, recording };
}

bool scn_compare_rest(struct scn_recording *recording, struct scn_buffer *report)
{
	for (size_t i = 0; i < recording->nr; i++) {
		if (!recording->records[i].matched) {
			scn_buffer_printf(report, "  only linux went on to:\n");
			head(report, &recording->records[i]);
			return true;
		}
	}
	return false;
}
