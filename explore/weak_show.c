/* SPDX-License-Identifier: MIT */
/*
 * A graph as text: its events in an order in which no read comes before the write it reads, and
 * of each read whose value it took, and whether that was still the latest then. That a read took
 * an old value is what no interleaving shows.
 */
#include "explore/weak_internal.h"

static const char *event_words(const struct weak_event *event)
{
	switch (event->type) {
	case WEAK_READ:
		return "reads";
	case WEAK_WRITE:
		return "writes";
	default:
		return event->flags & WEAK_RMB ? event->flags & WEAK_WMB ? "passes a barrier" :
									   "passes a read barrier" :
		       event->flags & WEAK_WMB ? "passes a write barrier" :
						 "passes a full barrier";
	}
}

static const char *order_words(const struct weak_event *event)
{
	if (event->flags & WEAK_ACQUIRE)
		return " (acquire)";
	if (event->flags & WEAK_RELEASE)
		return " (release)";
	return "";
}

/* Of the writes shown before it, the last in the order of its word. */
static unsigned latest_shown(const struct weak_graph *graph, const bool *shown, unsigned word)
{
	unsigned latest = 0;

	for (unsigned e = 0; e < graph->nr; e++)
		if (shown[e] && graph->events[e].type == WEAK_WRITE &&
		    graph->events[e].location == word)
			latest = MAX(latest, (unsigned)graph->events[e].place);
	return latest;
}

static void show_event(struct strbuf *sb, const struct weak_graph *graph, unsigned e,
		       const bool *shown)
{
	const struct weak_event *event = &graph->events[e];
	unsigned place = 0;

	strbuf_printf(sb, "  T%u %s", event->thread, event_words(event));
	if (event->type != WEAK_BARRIER)
		strbuf_printf(sb, " word %u: %llu%s", event->location,
			      (unsigned long long)event->value, order_words(event));
	if (event->type == WEAK_READ) {
		if (event->from == WEAK_INITIAL) {
			strbuf_puts(sb, ", as at the start");
		} else {
			place = graph->events[event->from].place;
			strbuf_printf(sb, ", from T%u", graph->events[event->from].thread);
		}
		if (place < latest_shown(graph, shown, event->location))
			strbuf_puts(sb, ": AN OLD VALUE");
	} else if (event->type == WEAK_WRITE &&
		   event->place < latest_shown(graph, shown, event->location)) {
		strbuf_puts(sb, ", BEFORE a write above");
	}
	if (event->site)
		strbuf_printf(sb, "   %s", event->site);
	strbuf_putc(sb, '\n');
}

static bool may_come(const struct weak_graph *graph, unsigned e, const bool *shown)
{
	const struct weak_event *event = &graph->events[e];

	if (event->type == WEAK_READ && event->from != WEAK_INITIAL && !shown[event->from])
		return false;
	for (unsigned p = 0; p < e; p++)
		if (graph->events[p].thread == event->thread && !shown[p])
			return false;
	return true;
}

void weak_show(const struct weak_graph *graph, struct strbuf *sb)
{
	bool shown[WEAK_MAX_EVENTS] = { false };
	bool any = true;

	while (any) {
		any = false;
		for (unsigned e = 0; e < graph->nr; e++) {
			if (shown[e] || !may_come(graph, e, shown))
				continue;
			show_event(sb, graph, e, shown);
			shown[e] = true;
			any = true;
		}
	}
}
