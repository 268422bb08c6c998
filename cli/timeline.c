/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <inttypes.h>
#include <json.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/pages.h"
#include "cli/timeline.h"
#include "scenario/words.h"

static void show_step(const struct scn_step *step, const char *call, const char *result)
{
	const struct cli_colours *c = cli_colours(stdout);
	bool bad = step->fault.signo || (step->result < 0 && step->result > -4096);

	printf("%s%5u%s  %s%-6s%s %s %s= %s%s%s\n", c->dim, step->line, c->off, c->cyan,
	       step->task ? step->task->label : "", c->off, call, c->dim, bad ? c->yellow : c->off,
	       result, c->off);
}

static void add_json_step(struct timeline *timeline, const struct scn_step *step, const char *call,
			  const char *result)
{
	struct json_object *object = json_object_new_object();

	json_object_object_add(object, "line", json_object_new_int64(step->line));
	if (step->task)
		json_object_object_add(object, "task", json_object_new_string(step->task->label));
	json_object_object_add(object, "call", json_object_new_string(call));
	json_object_object_add(object, "result", json_object_new_string(result));
	json_object_array_add(timeline->steps, object);
	timeline->now = object;
}

/* ---- what happened in a step ---------------------------------------------------------- */

#define MOST_LINES 16 /* below one step */

/* Of the flags that a fault event carries, as Linux numbers them. */
#define FAULT_WRITE 0x1
#define FAULT_TRIED 0x20
#define FAULT_INSTRUCTION 0x100

static void detail(struct timeline *timeline, const char *kind, const char *text, size_t len)
{
	const struct cli_colours *c = cli_colours(stdout);
	struct json_object *list;

	if (timeline->style == TIMELINE_TEXT) {
		if (timeline->shown++ < MOST_LINES)
			printf("%s               %.*s%s\n", c->dim, (int)len, text, c->off);
		return;
	}
	if (!timeline->now)
		return;
	if (!json_object_object_get_ex(timeline->now, kind, &list)) {
		list = json_object_new_array();
		json_object_object_add(timeline->now, kind, list);
	}
	json_object_array_add(list, json_object_new_string_len(text, (int)len));
}

/* What the step's own line or the entries below it say already. */
static bool is_said(const char *event, size_t len)
{
	static const char *const said[] = { "sys_enter",      "sys_exit",     "umm_set_pte",
					    "mm_page_alloc",  "mm_page_free", "vm_unmapped_area",
					    "signal_generate" };

	for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
		if (len > strlen(said[i]) && !memcmp(event, said[i], strlen(said[i])))
			return true;
	}
	return false;
}

/* "page_fault_user: address=0x10 flags=0x255" as "fault: write to 0x10". */
static bool show_fault(struct timeline *timeline, const char *event)
{
	unsigned long long addr, flags;
	char text[96];
	int len;

	if (sscanf(event, "page_fault_user: address=%llx flags=%llx", &addr, &flags) != 2)
		return false;
	len = snprintf(text, sizeof(text), "fault: %s 0x%llx%s",
		       flags & FAULT_WRITE       ? "write to" :
		       flags & FAULT_INSTRUCTION ? "fetch at" :
						   "read of",
		       addr, flags & FAULT_TRIED ? ", tried again" : "");
	detail(timeline, "events", text, (size_t)len);
	return true;
}

/* A line of the ring: "task-pid [cpu] time: event: fields". Of its columns the text shows two. */
static void show_event(struct timeline *timeline, const char *line, size_t len)
{
	const char *event = memmem(line, len, ": ", 2);

	if (timeline->style != TIMELINE_TEXT || !event) {
		detail(timeline, "events", line, len);
		return;
	}
	event += 2;
	len -= (size_t)(event - line);
	if (!is_said(event, len) && !show_fault(timeline, event))
		detail(timeline, "events", event, len);
}

static void take_events(struct timeline *timeline, struct umm_machine *machine)
{
	char buf[16384];
	size_t len;

	while ((len = umm_trace_read(machine, &timeline->cursor, buf, sizeof(buf) - 1)) > 0) {
		buf[len] = '\0';
		if (timeline->trace)
			fwrite(buf, 1, len, timeline->trace);
		if (timeline->style == TIMELINE_QUIET)
			continue;
		for (size_t at = 0; at < len;) {
			const char *end = memchr(buf + at, '\n', len - at);
			size_t line = end ? (size_t)(end - buf) - at : len - at;

			show_event(timeline, buf + at, line);
			at += line + 1;
		}
	}
}

static void show_change(void *arg, unsigned process_nr, uint64_t addr, const char *before,
			const char *after)
{
	char text[320];
	int len = snprintf(text, sizeof(text), "p%u %" PRIx64 ": %s -> %s", process_nr, addr,
			   before, after);

	detail(arg, "entries", text, (size_t)len);
}

static void take_changes(struct timeline *timeline)
{
	struct pages *pages;

	if (timeline->style == TIMELINE_QUIET || scn_session_concurrent(timeline->session))
		return;
	pages = pages_look(timeline->session);
	if (!pages)
		return;
	pages_compare(timeline->pages, pages, show_change, timeline);
	pages_free(timeline->pages);
	timeline->pages = pages;
}

static void take_details(struct timeline *timeline)
{
	struct umm_machine *machine = timeline->session->ops->machine(timeline->session->backend);

	timeline->shown = 0;
	take_events(timeline, machine);
	take_changes(timeline);
	if (timeline->style == TIMELINE_TEXT && timeline->shown > MOST_LINES)
		printf("               ... and %u lines more (--json or --trace has all)\n",
		       timeline->shown - MOST_LINES);
}

static int on_step(void *arg, struct scn_session *session, const struct scn_step *step)
{
	struct timeline *timeline = arg;
	char call[1024], result[512];

	if (session->ops->machine && !timeline->started) {
		timeline->nr_first = umm_counters(session->ops->machine(session->backend),
						  timeline->first, TIMELINE_COUNTERS);
		timeline->started = true;
	}
	scn_step_format(step, call, sizeof(call));
	scn_result_format(step, result, sizeof(result));
	if (timeline->style == TIMELINE_TEXT)
		show_step(step, call, result);
	else if (timeline->style == TIMELINE_JSON)
		add_json_step(timeline, step, call, result);
	if (session->ops->machine)
		take_details(timeline);
	return 0;
}

static int on_print(void *arg, struct scn_session *session, const char *text)
{
	struct timeline *timeline = arg;
	const struct cli_colours *c = cli_colours(stdout);
	struct json_object *object;

	if (timeline->style == TIMELINE_QUIET)
		return 0;
	if (timeline->style == TIMELINE_TEXT) {
		printf("%s%5u%s  %s\n", c->dim, session->line, c->off, text);
		return 0;
	}
	object = json_object_new_object();
	json_object_object_add(object, "line", json_object_new_int64(session->line));
	json_object_object_add(object, "print", json_object_new_string(text));
	json_object_array_add(timeline->steps, object);
	return 0;
}

void timeline_init(struct timeline *timeline, struct scn_session *session,
		   enum timeline_style style, FILE *trace)
{
	memset(timeline, 0, sizeof(*timeline));
	timeline->session = session;
	timeline->style = style;
	timeline->trace = trace;
	if (style == TIMELINE_JSON)
		timeline->steps = json_object_new_array();
	session->watcher = (struct scn_watcher){ on_step, on_print, timeline };
}

static uint64_t at_first(const struct timeline *timeline, const char *name)
{
	for (unsigned i = 0; i < timeline->nr_first && i < TIMELINE_COUNTERS; i++) {
		if (!strcmp(timeline->first[i].name, name))
			return timeline->first[i].value;
	}
	return 0;
}

/* The counters that moved since the first step. */
static unsigned moved_counters(struct timeline *timeline, struct umm_counter *ret)
{
	struct scn_session *session = timeline->session;
	unsigned nr, moved = 0;

	if (!timeline->started)
		return 0;
	nr = umm_counters(session->ops->machine(session->backend), ret, TIMELINE_COUNTERS);
	for (unsigned i = 0; i < nr && i < TIMELINE_COUNTERS; i++) {
		struct umm_counter counter = ret[i];

		counter.value -= at_first(timeline, counter.name);
		if (counter.value)
			ret[moved++] = counter;
	}
	return moved;
}

void timeline_finish(struct timeline *timeline)
{
	const struct cli_colours *c = cli_colours(stdout);
	struct umm_counter counters[TIMELINE_COUNTERS];
	unsigned nr;

	if (timeline->style != TIMELINE_TEXT)
		return;
	nr = moved_counters(timeline, counters);
	for (unsigned i = 0; i < nr; i++)
		printf("%s%s%s %+" PRId64 "%s", i ? ", " : "counters: ", c->dim, counters[i].name,
		       (int64_t)counters[i].value, c->off);
	if (nr)
		printf("\n");
}

static void add_json_counters(struct timeline *timeline, struct json_object *object)
{
	struct json_object *list = json_object_new_object();
	struct umm_counter counters[TIMELINE_COUNTERS];
	unsigned nr = moved_counters(timeline, counters);

	for (unsigned i = 0; i < nr; i++)
		json_object_object_add(list, counters[i].name,
				       json_object_new_int64((int64_t)counters[i].value));
	json_object_object_add(object, "counters", list);
}

void timeline_print_json(struct timeline *timeline, const char *path, const char *verdict,
			 const char *message)
{
	struct json_object *object = json_object_new_object();

	json_object_object_add(object, "file", json_object_new_string(path));
	json_object_object_add(object, "backend",
			       json_object_new_string(timeline->session->ops->name));
	json_object_object_add(object, "verdict", json_object_new_string(verdict));
	json_object_object_add(object, "message", json_object_new_string(message));
	add_json_counters(timeline, object);
	json_object_object_add(object, "steps", json_object_get(timeline->steps));
	printf("%s\n", json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN));
	json_object_put(object);
}

void timeline_free(struct timeline *timeline)
{
	pages_free(timeline->pages);
	if (timeline->steps)
		json_object_put(timeline->steps);
}
