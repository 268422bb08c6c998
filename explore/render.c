/* SPDX-License-Identifier: MIT */
#include "explore/render.h"

#include <stdlib.h>
#include <unwind.h>

#include "base/format.h"
#include "explore/engine.h"
#include "host/symbol.h"

#define MAX_LINES (MAX_EVENTS + 256)
#define COLUMN_GAP 2
/* Larger values are addresses and sets of bits. */
#define MAX_DECIMAL 9999

static struct {
	const struct explore_view *view;
	struct explore_line *lines; /* NULL: nothing is being shown */
	unsigned nr;
	struct explore_line *under_way;
	const void *pc[MAX_THREADS][RENDER_CALLS]; /* where each thread announced */
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

	if (!pc || walk->nr == RENDER_CALLS)
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

static const char *function_of(const struct explore_line *line)
{
	u64 offset, size;

	for (unsigned i = 0; i < RENDER_CALLS && line->pc[i]; i++) {
		const char *name = host_symbol_find(line->pc[i], &offset, &size);

		if (name && !is_primitive(name))
			return name;
	}
	return NULL;
}

/* The file without the way to it, and the function. */
static void find_place(struct explore_line *line)
{
	const char *function = function_of(line);
	const char *slash = line->site ? strrchr(line->site, '/') : NULL;
	struct strbuf sb;

	strbuf_init(&sb, line->place, sizeof(line->place));
	if (line->site)
		strbuf_puts(&sb, slash ? slash + 1 : line->site);
	if (function)
		strbuf_printf(&sb, "%s%s", line->site ? " " : "", function);
}

static void find_places(void)
{
	if (render.view->find_places)
		render.view->find_places(render.view->arg, render.lines, render.nr);
	for (unsigned i = 0; i < render.nr; i++) {
		struct explore_line *line = &render.lines[i];

		if (line->shown && !line->text_only && !line->place[0])
			find_place(line);
	}
}

/* ---- what ---- */

static void name_by_symbol(const struct sim_op *op, char *buf, size_t buf_size)
{
	u64 offset, size;
	const char *name = op->object ? host_symbol_find(op->object, &offset, &size) : "";
	struct strbuf sb;

	strbuf_init(&sb, buf, buf_size);
	if (!name)
		strbuf_printf(&sb, "%p", op->object);
	else if (!op->object)
		strbuf_puts(&sb, "");
	else if (op->size && size > op->size && offset % op->size == 0)
		strbuf_printf(&sb, "%s[%llu]", name, (unsigned long long)(offset / op->size));
	else if (offset)
		strbuf_printf(&sb, "%s+%llu", name, (unsigned long long)offset);
	else
		strbuf_puts(&sb, name);
}

static struct explore_line *add_line(unsigned thread)
{
	struct explore_line *line;

	if (render.nr == MAX_LINES)
		return NULL;
	line = &render.lines[render.nr++];
	*line = (struct explore_line){ .thread = (u8)thread };
	return line;
}

static void add_text(unsigned thread, const char *text)
{
	struct explore_line *line = add_line(thread);
	size_t len = strcspn(text, "\n");
	struct strbuf sb;

	if (!line)
		return;
	line->text_only = true;
	strbuf_init(&sb, line->name, sizeof(line->name));
	strbuf_write(&sb, text, len);
}

void explore_render_text(const char *text)
{
	if (!render.lines)
		return;
	for (unsigned t = 0; t < engine.threads; t++)
		if (engine.fibers[t] == sim_current())
			add_text(t, text);
}

static struct explore_line *add_operation(unsigned thread, const struct sim_op *op)
{
	struct explore_line *line = add_line(thread);

	if (!line)
		return NULL;
	line->kind = op->kind;
	line->size = op->size;
	line->object = op->object;
	line->object2 = op->object2;
	line->site = op->site;
	memcpy(line->pc, render.pc[thread], sizeof(line->pc));
	if (render.view->name_object)
		render.view->name_object(render.view->arg, op, line->name, sizeof(line->name));
	else
		name_by_symbol(op, line->name, sizeof(line->name));
	return line;
}

static void before_event(void *arg, unsigned thread, const struct sim_op *op)
{
	(void)arg;
	render.under_way = op->kind == SIM_START ? NULL : add_operation(thread, op);
}

static void after_event(void *arg, const struct explore_event *event)
{
	struct explore_line *line = render.under_way;

	(void)arg;
	if (event->waits)
		line = add_operation(event->thread, &engine.fibers[event->thread]->op);
	render.under_way = NULL;
	if (!line)
		return;
	line->waits = event->waits;
	line->changes = event->changes;
	line->failed = event->failed;
	line->old = event->old;
	line->before = event->before;
	line->after = event->after;
}

/* ---- which ---- */

/* Other than by looking at it. */
static bool may_change(const struct explore_line *line)
{
	return line->kind != SIM_LOAD && line->kind != SIM_RELAX && line->kind != SIM_WAIT;
}

/* Used by several threads, and changed by one of them. */
static bool is_shared(const void *object)
{
	unsigned users = 0;
	bool changed = false;

	for (unsigned i = 0; i < render.nr; i++) {
		const struct explore_line *line = &render.lines[i];

		if (line->text_only || (line->object != object && line->object2 != object))
			continue;
		users |= 1u << line->thread;
		changed |= line->object == object && may_change(line);
	}
	return changed && (users & (users - 1));
}

static void choose_lines(void)
{
	for (unsigned i = 0; i < render.nr; i++) {
		struct explore_line *line = &render.lines[i];

		line->shown = render.view->all_events || line->text_only || line->waits ||
			      line->old || is_shared(line->object);
	}
}

/* ---- columns ---- */

static void put_number(struct strbuf *sb, u64 value, unsigned size)
{
	unsigned unused = 64 - 8 * size;
	long long number = (long long)(value << unused) >> unused;

	if (number >= -MAX_DECIMAL && number <= MAX_DECIMAL)
		strbuf_printf(sb, "%lld", number);
	else
		strbuf_printf(sb, "%#llx", (unsigned long long)value);
}

static void put_value(struct strbuf *sb, const struct explore_line *line)
{
	bool word = line->size && line->size <= 8 && !(line->size & (line->size - 1));
	bool changed = line->changes && !line->failed && !line->waits;

	if (!word)
		return;
	strbuf_puts(sb, ": ");
	put_number(sb, line->before, line->size);
	if (!changed && (line->old || line->before == line->after))
		return;
	strbuf_puts(sb, " -> ");
	put_number(sb, line->after, line->size);
}

static void put_words(struct strbuf *sb, const struct explore_line *line)
{
	if (line->text_only) {
		strbuf_puts(sb, line->name);
		return;
	}
	strbuf_printf(sb, "%s%s", line->waits ? "waits: " : "", sim_kind_words(line->kind));
	if (line->name[0])
		strbuf_printf(sb, " %s", line->name);
	put_value(sb, line);
	if (line->failed)
		strbuf_puts(sb, ", in vain");
	if (line->old)
		strbuf_puts(sb, line->changes ? ", overwritten already" : ", an old value");
}

static size_t words_length(const struct explore_line *line)
{
	struct strbuf sb;

	strbuf_init(&sb, NULL, 0);
	put_words(&sb, line);
	return sb.len;
}

static size_t put_name(struct strbuf *sb, unsigned thread)
{
	size_t before = sb->len;

	if (render.view->thread_name)
		strbuf_puts(sb, render.view->thread_name(render.view->arg, thread));
	else
		strbuf_printf(sb, "thread %u", thread);
	return sb->len - before;
}

/* Where the column of each thread begins; the one after the last too. */
static void measure(unsigned threads, size_t *begin)
{
	size_t widest[MAX_THREADS + 1] = { 0 };
	struct strbuf sb;

	for (unsigned t = 0; t < threads; t++) {
		strbuf_init(&sb, NULL, 0);
		widest[t + 1] = put_name(&sb, t);
	}
	for (unsigned i = 0; i < render.nr; i++) {
		const struct explore_line *line = &render.lines[i];
		size_t *words = &widest[line->thread + 1];

		if (!line->shown)
			continue;
		*words = MAX(*words, words_length(line));
		widest[0] = MAX(widest[0], strlen(line->place));
	}
	begin[0] = widest[0] ? widest[0] + COLUMN_GAP : 0;
	for (unsigned t = 0; t < threads; t++)
		begin[t + 1] = begin[t] + widest[t + 1] + COLUMN_GAP;
}

static void put_columns(struct strbuf *sb, unsigned threads)
{
	size_t begin[MAX_THREADS + 1], start = sb->len;

	measure(threads, begin);
	for (unsigned t = 0; t < threads; t++) {
		strbuf_pad_to(sb, start, begin[t]);
		put_name(sb, t);
	}
	strbuf_putc(sb, '\n');
	for (unsigned i = 0; i < render.nr; i++) {
		const struct explore_line *line = &render.lines[i];

		if (!line->shown)
			continue;
		start = sb->len;
		strbuf_puts(sb, line->place);
		strbuf_pad_to(sb, start, begin[line->thread]);
		put_words(sb, line);
		strbuf_putc(sb, '\n');
	}
}

size_t explore_render(const struct explore_program *program, const u8 *schedule, unsigned len,
		      const struct explore_view *view, char *buf, size_t size)
{
	static const struct explore_view plain;
	struct explore_options options = {
		.mode = EXPLORE_REPLAY,
		.max_preemptions = -1,
		.max_executions = 1,
		.memory = view ? view->memory : WEAK_SC,
		.races_allowed = view && view->races_allowed,
		.without = view ? view->without : NULL,
		.schedule = schedule,
		.schedule_len = len,
		.before = before_event,
		.event = after_event,
	};
	struct explore_result *result = calloc(1, sizeof(*result));
	struct strbuf sb;

	strbuf_init(&sb, buf, size);
	memset(&render, 0, sizeof(render));
	render.view = view ? view : &plain;
	render.lines = calloc(MAX_LINES, sizeof(*render.lines));
	if (result && render.lines) {
		sim_watch = watch;
		explore(program, &options, result);
		sim_watch = NULL;
		if (result->failures && result->failed_thread >= 0)
			add_text((unsigned)result->failed_thread, result->failure_text);
		choose_lines();
		find_places();
		put_columns(&sb, program->threads);
	}
	free(render.lines);
	render.lines = NULL;
	free(result);
	return sb.len;
}
