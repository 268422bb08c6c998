/* SPDX-License-Identifier: MIT */
/* What came of an exploration, for people and for programs. */
#include <inttypes.h>
#include <json-c/json.h>

#include "cli/explore.h"
#include "explore/render.h"

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

static void show_failure(struct exploration *x)
{
	const struct explore_view view = {
		.all_events = x->command->all_events,
		.races_allowed = x->command->allow_races,
		.memory = x->command->memory,
		.without = x->command->without,
	};
	unsigned preemptions = x->result.preemptions;

	scn_explore_list(x->explore, &x->result, &view, stdout);
	if (!x->command->as_found && !x->command->replay_path)
		printf("with %u preemption%s%s:\n", preemptions, preemptions == 1 ? "" : "s",
		       x->proven ? ", and no failure with fewer" : "");
	printf("%s\n", x->result.failure_text);
}

static void show_text(struct exploration *x)
{
	const struct cli_colours *c = cli_colours(stdout);
	const char *colour = x->end == END_FAILED ? c->red :
			     x->end == END_SHORT  ? c->yellow :
						    c->green;

	if (x->end == END_FAILED)
		show_failure(x);
	if (x->note[0])
		printf("%s: %s\n", x->file->path, x->note);
	printf("%s%s%s %s%s%s (%s", colour, end_word(x), c->off, x->file->path,
	       x->which[0] ? " " : "", x->which,
	       x->mixed && x->end != END_FAILED ? "samples of each kind" : x->strategy);
	if (x->jobs > 1)
		printf(" by %u processes", x->jobs);
	printf(": %" PRIu64 " executions", x->executions);
	if (x->end == END_FAILED)
		printf(", failed in number %" PRIu64, x->failed_number);
	if (x->blocked)
		printf(", %" PRIu64 " blocked", x->blocked);
	if (x->cut)
		printf(", %" PRIu64 " cut at %d events", x->cut, EXPLORE_MAX_EVENTS);
	if (x->infeasible)
		printf(", %" PRIu64 " that could not be, which is a bug", x->infeasible);
	printf(", longest %" PRIu64 " events, %.2f s", x->longest, explore_seconds_spent(x));
	if (x->command->preemptions >= 0)
		printf(", at most %d preemptions", x->command->preemptions);
	if (x->estimate > 0 && x->end != END_COMPLETE)
		printf(", about %.3g in all", x->estimate);
	printf(")\n");
}

static void add_number(struct json_object *o, const char *name, uint64_t value)
{
	json_object_object_add(o, name, json_object_new_int64((int64_t)value));
}

static void add_text(struct json_object *o, const char *name, const char *text)
{
	json_object_object_add(o, name, json_object_new_string(text));
}

static void show_json(const struct exploration *x)
{
	struct json_object *o = json_object_new_object();
	char hash[20];

	add_text(o, "file", x->file->path);
	if (x->which[0])
		add_text(o, "which", x->which);
	add_text(o, "verdict", end_word(x));
	add_text(o, "strategy", x->mixed ? "samples" : x->strategy);
	add_text(o, "memory", weak_memory_name(x->command->memory));
	add_number(o, "jobs", x->jobs);
	add_number(o, "executions", x->executions);
	add_number(o, "cut", x->cut);
	add_number(o, "infeasible", x->infeasible);
	add_number(o, "blocked", x->blocked);
	add_number(o, "events", x->events);
	add_number(o, "longest", x->longest);
	json_object_object_add(o, "complete", json_object_new_boolean(x->end == END_COMPLETE));
	json_object_object_add(o, "bounded", json_object_new_boolean(x->command->preemptions >= 0));
	json_object_object_add(o, "seconds", json_object_new_double(explore_seconds_spent(x)));
	if (x->estimate > 0)
		json_object_object_add(o, "estimate", json_object_new_double(x->estimate));
	if (x->end == END_FAILED) {
		add_text(o, "failure", x->result.failure_text);
		add_number(o, "preemptions", x->result.preemptions);
		json_object_object_add(o, "fewest", json_object_new_boolean(x->proven));
		add_number(o, "execution", x->failed_number);
	}
	snprintf(hash, sizeof(hash), "%016" PRIx64, x->hash);
	add_text(o, "hash", hash);
	printf("%s\n", json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN));
	json_object_put(o);
}

void explore_show(struct exploration *x)
{
	if (x->command->json)
		show_json(x);
	else
		show_text(x);
}
