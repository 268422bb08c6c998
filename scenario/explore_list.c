/* SPDX-License-Identifier: MIT */
/* An execution as columns: a line for every event, a column for every thread. */
#include <stdio.h>
#include <string.h>

#include "explore/engine.h"
#include "machine/machine.h"
#include "scenario/explore.h"
#include "sync/sim/sched.h"

#define COLUMN 44

/* Where in the machine an address lies. */
void scn_explore_object(const void *object, char *buf, size_t size)
{
	u64 offset = (uintptr_t)object % ARENA_SLOT_BYTES;

	if ((uintptr_t)object - ARENA_BASE >= ARENA_SLOTS * ARENA_SLOT_BYTES)
		snprintf(buf, size, "%p", object);
	else if (offset >= RAM_OFFSET)
		snprintf(buf, size, "frame %llu+%#llx",
			 (unsigned long long)((offset - RAM_OFFSET) >> PAGE_SHIFT),
			 (unsigned long long)(offset % PAGE_SIZE));
	else if (offset >= VMEMMAP_OFFSET)
		snprintf(buf, size, "page %llu+%llu",
			 (unsigned long long)((offset - VMEMMAP_OFFSET) / STRUCT_PAGE_BYTES),
			 (unsigned long long)((offset - VMEMMAP_OFFSET) % STRUCT_PAGE_BYTES));
	else
		snprintf(buf, size, "heap+%#llx", (unsigned long long)offset);
}

static const char *lock_name(const struct event *event)
{
	switch (event->kind) {
	case SIM_SPIN_LOCK:
	case SIM_SPIN_TRY:
	case SIM_SPIN_UNLOCK:
		return lock_class_name(((const spinlock_t *)event->address)->class);
	case SIM_MUTEX_LOCK:
	case SIM_MUTEX_TRY:
	case SIM_MUTEX_UNLOCK:
		return lock_class_name(((const struct mutex *)event->address)->class);
	case SIM_READ_LOCK:
	case SIM_READ_TRY:
	case SIM_READ_UNLOCK:
	case SIM_WRITE_LOCK:
	case SIM_WRITE_TRY:
	case SIM_WRITE_UNLOCK:
	case SIM_DOWNGRADE:
		return lock_class_name(((const struct rw_semaphore *)event->address)->class);
	default:
		return NULL;
	}
}

static void list_event(const struct event *event, FILE *out)
{
	const char *lock = lock_name(event), *site = event->site, *slash;
	char object[64], text[256];

	scn_explore_object(event->address, object, sizeof(object));
	if (lock)
		snprintf(object, sizeof(object), "%s", lock);
	slash = site ? strrchr(site, '/') : NULL;
	if (slash)
		site = slash + 1;
	snprintf(text, sizeof(text), "%s %s%s%s%s", sim_kind_words(event->kind), object,
		 site ? " (" : "", site ? site : "", site ? ")" : "");
	fprintf(out, "%*s%s\n", event->thread * COLUMN, "", text);
}

void scn_explore_list(struct scn_explore *scenario, const struct explore_result *result,
		      bool all_events, FILE *out)
{
	struct explore_options options = {
		.mode = EXPLORE_REPLAY,
		.max_preemptions = -1,
		.schedule = result->schedule,
		.schedule_len = result->schedule_len,
		.max_executions = 1,
	};
	static struct explore_result again;

	/* Samples of another process, and what has run since, left other events behind. */
	explore(scn_explore_program(scenario), &options, &again);
	/* What was there from the start can be named. */
	scn_explore_program(scenario)->reset(scn_explore_program(scenario)->arg);
	for (unsigned t = 0; t < scn_explore_program(scenario)->threads; t++)
		fprintf(out, "%-*s", COLUMN, scn_explore_thread(scenario, t));
	fprintf(out, "\n");
	for (s32 e = 0; e < engine.nr_events; e++) {
		const struct event *event = &engine.events[e];

		if (all_events || event->kind < SIM_SPIN_LOCK || event->kind > SIM_SPIN_UNLOCK)
			list_event(event, out);
	}
}
