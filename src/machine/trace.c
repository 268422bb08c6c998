/* SPDX-License-Identifier: MIT */
/*
 * The ring of trace events. A writer takes a sequence number, then its place in the ring:
 *
 *   place holds        the writer of number n
 *   older, complete    claims it (n | BUSY), fills it, stores n
 *   being written      waits: the other one has the whole ring less a lap of delay
 *   newer              drops its event: it was overtaken by a lap, the reader counts it as lost
 *
 * A reader copies an event and looks at its number again: changed, it was overwritten.
 */
#include "machine/trace.h"

#include "base/format.h"
#include "base/uapi.h"
#include "machine/machine.h"
#include "machine/quiet.h"

_Static_assert(sizeof(struct trace_event) == CACHELINE, "one event a cache line");

struct event_text {
	const char *name, *format;
};

static const struct event_text texts[NR_TRACE_EVENTS] = {
#define X(id, event_name, event_format) [id] = { event_name, event_format },
	TRACE_EVENTS(X)
#undef X
};

int trace_init(struct machine *m)
{
	if (!m->config.trace_events)
		return 0;
	m->trace.size = m->config.trace_events;
	m->trace.next = 1;
	m->trace.events = machine_alloc_forever(m, m->trace.size * sizeof(struct trace_event));
	return m->trace.events ? 0 : -ENOMEM;
}

/* False: overtaken. */
static bool claim(struct trace_event *event, u64 sequence)
{
	for (;;) {
		u64 seen = quiet_load(&event->sequence);

		if (seen & TRACE_BUSY) {
			cpu_relax();
			continue;
		}
		if (seen >= sequence)
			return false;
		if (quiet_cmpxchg(&event->sequence, seen, sequence | TRACE_BUSY) == seen)
			return true;
	}
}

void trace_record(struct machine *m, enum trace_id id, const u64 args[5])
{
	struct trace_ring *ring = &m->trace;
	const struct task_base *task = (const struct task_base *)sync_current();
	u64 sequence = quiet_fetch_add(&ring->next, 1);
	struct trace_event *event = &ring->events[sequence & (ring->size - 1)];

	if (!claim(event, sequence))
		return;
	quiet_store(&event->id, (u32)id);
	quiet_store(&event->cpu, machine_this_cpu(m));
	quiet_store(&event->tid, task && machine_of(task) == m ? (u32)task->tid : 0);
	for (unsigned i = 0; i < ARRAY_SIZE(event->args); i++)
		quiet_store(&event->args[i], args[i]);
	quiet_store_release(&event->sequence, sequence);
}

enum read_result {
	READ_EVENT,
	READ_LOST,
	READ_IN_FLIGHT,
};

static enum read_result read_event(struct trace_ring *ring, u64 sequence,
				   struct trace_event *ret_event)
{
	struct trace_event *event = &ring->events[sequence & (ring->size - 1)];
	u64 seen = quiet_load_acquire(&event->sequence);

	if (seen != sequence)
		return (seen & ~TRACE_BUSY) > sequence ? READ_LOST : READ_IN_FLIGHT;
	ret_event->id = quiet_load(&event->id);
	ret_event->cpu = quiet_load(&event->cpu);
	ret_event->tid = quiet_load(&event->tid);
	for (unsigned i = 0; i < ARRAY_SIZE(event->args); i++)
		ret_event->args[i] = quiet_load(&event->args[i]);
	quiet_fence();
	return quiet_load(&event->sequence) == sequence ? READ_EVENT : READ_LOST;
}

/* The formats are those of the table and take as many arguments as their events have. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static void print_args(struct strbuf *sb, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	strbuf_vprintf(sb, format, args);
	va_end(args);
}
#pragma GCC diagnostic pop

static void print_event(struct strbuf *sb, u64 sequence, const struct trace_event *event)
{
	const struct event_text *text = &texts[event->id];

	strbuf_printf(sb, "%16s-%-7u [%03u] %06llu: %s: ", event->tid ? "task" : "<none>",
		      event->tid, event->cpu, (unsigned long long)sequence, text->name);
	print_args(sb, text->format, event->args[0], event->args[1], event->args[2], event->args[3],
		   event->args[4]);
	strbuf_putc(sb, '\n');
}

/* Whether the text added since `start` may stay; a first line is cut rather than lost. */
static bool keep_line(struct strbuf *sb, size_t start)
{
	if (strbuf_complete(sb))
		return true;
	if (start > 0) {
		sb->len = start;
		sb->p[start] = '\0';
		return false;
	}
	sb->len = sb->size - 1;
	return true;
}

size_t trace_read(struct machine *m, u64 *cursor, char *buf, size_t size)
{
	struct trace_ring *ring = &m->trace;
	struct strbuf sb;
	u64 at = MAX(*cursor, 1);
	u64 next = ring->events ? quiet_load_acquire(&ring->next) : 0;
	u64 lost = 0;

	if (size < 2)
		return 0;
	strbuf_init(&sb, buf, size);
	if (at + ring->size < next) {
		lost = next - ring->size - at;
		at += lost;
	}
	while (at < next) {
		struct trace_event event;
		enum read_result result = read_event(ring, at, &event);

		if (result == READ_IN_FLIGHT)
			break;
		if (result == READ_LOST) {
			lost++;
			at++;
			continue;
		}
		size_t start = sb.len;

		if (lost)
			strbuf_printf(&sb, "[%llu events lost]\n", (unsigned long long)lost);
		print_event(&sb, at, &event);
		if (!keep_line(&sb, start))
			return sb.len; /* *cursor was moved with the last line that fitted */
		lost = 0;
		*cursor = ++at;
	}
	return sb.len;
}
