/* SPDX-License-Identifier: MIT */
/*
 * The execution of a schedule as columns: it is run once more, and each event written down with
 * the line it comes from, the function, the object and its value.
 *
 *      thread 0                             thread 1
 *      writes a: 0 -> 1  x.c:12 set
 *                                           reads a: 1  x.c:20 look
 */
#include "explore/engine.h"

#include <stdlib.h>
#include <unwind.h>

#include "base/format.h"
#include "host/symbol.h"

#define MAX_TEXT 160
#define COLUMN_GAP 2
#define MAX_DEPTH 16

struct line {
	unsigned thread;
	char text[MAX_TEXT];
};

static struct {
	struct line *lines;
	unsigned nr, room;
	const void *pc[MAX_THREADS][MAX_DEPTH]; /* where each thread announced, innermost first */
} render;

/* ---- where ---- */

struct walk {
	const void **pc;
	unsigned nr;
};

static _Unwind_Reason_Code one_frame(struct _Unwind_Context *context, void *arg)
{
	struct walk *walk = arg;
	uintptr_t pc = _Unwind_GetIP(context);

	if (!pc || walk->nr == MAX_DEPTH)
		return _URC_END_OF_STACK;
	walk->pc[walk->nr++] = (const void *)(pc - 1);
	return _URC_NO_REASON;
}

/* On the stack of the fiber that announces. */
static void watch(const struct sim_fiber *fiber)
{
	for (unsigned t = 0; t < engine.threads; t++) {
		struct walk walk = { .pc = render.pc[t] };

		if (engine.fibers[t] != fiber)
			continue;
		memset(render.pc[t], 0, sizeof(render.pc[t]));
		_Unwind_Backtrace(one_frame, &walk);
	}
}

static bool is_primitive(const char *name)
{
	static const char *const ours[] = { "sim_",          "sync_",        "umm_explore_",
					    "watch",         "point",        "access_point",
					    "stepped_point", "shared_point", "blocking_point",
					    "fiber_main",    "thread_main" };

	for (size_t i = 0; i < ARRAY_SIZE(ours); i++) {
		size_t len = strlen(ours[i]);

		if (!strncmp(name, ours[i], len) && (ours[i][len - 1] == '_' || !name[len]))
			return true;
	}
	return false;
}

static const char *function_of(unsigned thread)
{
	u64 offset, size;

	for (unsigned i = 0; i < MAX_DEPTH && render.pc[thread][i]; i++) {
		const char *name = host_symbol_find(render.pc[thread][i], &offset, &size);

		if (name && !is_primitive(name))
			return name;
	}
	return NULL;
}

/* ---- what ---- */

static void name_object(struct strbuf *sb, const struct explore_event *event)
{
	u64 offset, size;
	const char *name = host_symbol_find(event->object, &offset, &size);

	if (!event->object)
		return;
	if (!name)
		strbuf_printf(sb, " %p", event->object);
	else if (event->size && size > event->size && offset % event->size == 0)
		strbuf_printf(sb, " %s[%llu]", name, (unsigned long long)(offset / event->size));
	else if (offset)
		strbuf_printf(sb, " %s+%llu", name, (unsigned long long)offset);
	else
		strbuf_printf(sb, " %s", name);
}

static void put_value(struct strbuf *sb, const struct explore_event *event)
{
	if (!event->size)
		return;
	strbuf_printf(sb, ": %lld", (long long)event->before);
	if (event->changes && !event->failed && !event->waits)
		strbuf_printf(sb, " -> %lld", (long long)event->after);
}

/* The file without the way to it. */
static const char *short_site(const char *site)
{
	const char *slash = strrchr(site, '/');

	return slash ? slash + 1 : site;
}

static void add_line(void *arg, const struct explore_event *event)
{
	const char *function = function_of(event->thread);
	struct line *line;
	struct strbuf sb;

	(void)arg;
	if (render.nr == render.room)
		return;
	line = &render.lines[render.nr++];
	line->thread = event->thread;
	strbuf_init(&sb, line->text, sizeof(line->text));
	strbuf_printf(&sb, "%s%s", event->waits ? "waits: " : "", event->words);
	name_object(&sb, event);
	put_value(&sb, event);
	if (event->failed)
		strbuf_puts(&sb, ", in vain");
	if (event->site)
		strbuf_printf(&sb, "  %s", short_site(event->site));
	if (function)
		strbuf_printf(&sb, "%s%s", event->site ? " " : "  ", function);
}

/* ---- columns ---- */

static void put_columns(struct strbuf *sb, unsigned threads)
{
	size_t begin[MAX_THREADS + 1] = { 0 };
	size_t widest[MAX_THREADS] = { 0 };

	for (unsigned t = 0; t < threads; t++)
		widest[t] = sizeof("thread 00") - 1;
	for (unsigned i = 0; i < render.nr; i++) {
		const struct line *line = &render.lines[i];

		widest[line->thread] = MAX(widest[line->thread], strlen(line->text));
	}
	for (unsigned t = 0; t < threads; t++)
		begin[t + 1] = begin[t] + widest[t] + COLUMN_GAP;
	for (unsigned t = 0; t < threads; t++)
		strbuf_printf(sb, "thread %-*u",
			      t + 1 < threads ? (int)(begin[t + 1] - begin[t]) - 7 : 0, t);
	strbuf_putc(sb, '\n');
	for (unsigned i = 0; i < render.nr; i++) {
		const struct line *line = &render.lines[i];

		strbuf_printf(sb, "%*s%s\n", (int)begin[line->thread], "", line->text);
	}
}

size_t explore_render(const struct explore_program *program, const u8 *schedule, unsigned len,
		      char *buf, size_t size)
{
	struct explore_options options = {
		.mode = EXPLORE_REPLAY,
		.max_preemptions = -1,
		.max_executions = 1,
		.schedule = schedule,
		.schedule_len = len,
		.event = add_line,
	};
	struct explore_result *result = calloc(1, sizeof(*result));
	struct strbuf sb;

	strbuf_init(&sb, buf, size);
	render.nr = 0;
	render.room = MAX_EVENTS + MAX_THREADS;
	render.lines = calloc(render.room, sizeof(*render.lines));
	if (result && render.lines) {
		sim_watch = watch;
		explore(program, &options, result);
		sim_watch = NULL;
		put_columns(&sb, program->threads);
	}
	free(render.lines);
	free(result);
	return sb.len;
}
