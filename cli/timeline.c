/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <json.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
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

static int on_step(void *arg, struct scn_session *session, const struct scn_step *step)
{
	struct timeline *timeline = arg;
	char call[1024], result[512];

	(void)session;
	if (timeline->style == TIMELINE_QUIET)
		return 0;
	scn_step_format(step, call, sizeof(call));
	scn_result_format(step, result, sizeof(result));
	if (timeline->style == TIMELINE_TEXT)
		show_step(step, call, result);
	else
		add_json_step(timeline, step, call, result);
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

void timeline_finish(struct timeline *timeline)
{
	(void)timeline;
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
	json_object_object_add(object, "steps", json_object_get(timeline->steps));
	printf("%s\n", json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN));
	json_object_put(object);
}

void timeline_free(struct timeline *timeline)
{
	if (timeline->steps)
		json_object_put(timeline->steps);
}
