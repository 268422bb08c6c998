/* SPDX-License-Identifier: MIT */
/*
 * What has been executed as a graph of weak.h, for its memory models to judge. In it are the
 * words that more than one thread uses, and what orders accesses to them; a word of its own tells
 * a thread nothing, but an update of one may be a barrier. Eight bytes are one word where
 * somebody accesses them at once, else two.
 */
#include "explore/memory.h"

#include "explore/weak_internal.h"

#define MAX_PLAIN 4096
#define DEREFERENCE_BYTES 512

static struct {
	struct weak_graph graph;
	u32 stamp;
	unsigned nr_locations;
	bool too_large;
	/* Of the last event of each thread: it was a barrier of this order. */
	s16 last[MAX_THREADS];
	/* Writes that are not marked, in order. */
	unsigned nr_plain;
	struct {
		struct word *word;
		s32 message;
	} plain[MAX_PLAIN];
	const void *objects[WEAK_MAX_EVENTS];
} build;

static bool is_shared(const struct word *word, unsigned half)
{
	u32 users = word->wide ? word->users[0] | word->users[1] : word->users[half];

	return users & (users - 1);
}

/* ---- words ---- */

static void add_plain(struct word *word, s32 message)
{
	unsigned at = build.nr_plain;

	if (at == MAX_PLAIN) {
		build.too_large = true;
		return;
	}
	/* Those of one word come newest first. */
	for (;
	     at && memory.messages[build.plain[at - 1].message].seq > memory.messages[message].seq;
	     at--)
		build.plain[at] = build.plain[at - 1];
	build.plain[at].word = word;
	build.plain[at].message = message;
	build.nr_plain++;
}

/* What the messages are numbered by: the oldest, from before the start, is 0. */
static void find_places(const struct word *word, unsigned half)
{
	u8 mask = word->wide ? 0xff : half ? 0xf0 : 0x0f;
	u16 place = 0;

	for (s32 m = word->newest; m != NO_MESSAGE; m = memory.messages[m].older)
		place += (memory.messages[m].mask & mask) != 0;
	for (s32 m = word->newest; m != NO_MESSAGE; m = memory.messages[m].older) {
		memory.messages[m].events[half] = WEAK_INITIAL;
		place -= (memory.messages[m].mask & mask) != 0;
		memory.messages[m].places[half] = place;
	}
}

static void meet(struct word *word)
{
	if (word->stamp == build.stamp)
		return;
	word->stamp = build.stamp;
	for (unsigned half = 0; half < 2; half++) {
		word->location[half] = (u16)build.nr_locations++;
		find_places(word, half);
	}
	if (!is_shared(word, 0) && !is_shared(word, 1))
		return;
	for (s32 m = word->newest; m != NO_MESSAGE; m = memory.messages[m].older)
		if (memory.messages[m].plain)
			add_plain(word, m);
}

/* ---- events ---- */

static struct weak_event *add_event(unsigned thread, enum weak_type type)
{
	struct weak_event *event = &build.graph.events[build.graph.nr];

	if (build.graph.nr + 1 >= WEAK_MAX_EVENTS) {
		build.too_large = true;
		return event;
	}
	*event = (struct weak_event){
		.thread = (u8)thread,
		.type = (u8)type,
		.kind = type == WEAK_WRITE ? SIM_STORE : SIM_LOAD,
		.from = WEAK_INITIAL,
		.depends = WEAK_NONE,
	};
	build.objects[build.graph.nr] = NULL;
	build.last[thread] = (s16)build.graph.nr++;
	return event;
}

static void add_barrier(unsigned thread, int order)
{
	struct weak_event *event;

	/* Before everything, or a second time. */
	if (build.last[thread] < 0)
		return;
	event = &build.graph.events[build.last[thread]];
	if (event->type == WEAK_BARRIER && event->order == order)
		return;
	event = add_event(thread, WEAK_BARRIER);
	event->kind = SIM_FENCE;
	event->order = (u8)order;
	weak_set_flags(event);
}

/* The number of the frame that the object is in, or tells about. */
static bool frame_of(const void *object, u64 *ret_number)
{
	const struct explore_program *program = engine.program;
	u64 into_structs = (u64)(uintptr_t)object - (u64)(uintptr_t)program->frame_structs;
	u64 into_frames = (u64)(uintptr_t)object - (u64)(uintptr_t)program->frames;

	if (!program->frames)
		return false;
	*ret_number = object >= program->frames ? into_frames >> 12 :
						  into_structs / program->frame_struct_bytes;
	return object >= program->frame_structs;
}

static bool points_to(u64 value, const void *object)
{
	u64 distance = (u64)(uintptr_t)object - value, number;

	if (value && distance < DEREFERENCE_BYTES)
		return true;
	/* As an entry of a page table does. */
	return value && frame_of(object, &number) &&
	       (value & (BIT(52) - 1)) >> engine.program->frame_shift == number;
}

/* The load of the thread that gave the way to the object. */
static s16 pointer_to(unsigned thread, const void *object)
{
	for (s32 e = (s32)build.graph.nr - 1; e >= 0; e--) {
		const struct weak_event *event = &build.graph.events[e];

		if (event->thread == thread && event->type == WEAK_READ && build.objects[e] &&
		    points_to(event->value, object))
			return (s16)e;
	}
	return WEAK_NONE;
}

/* The half of the word, of those of the access, that stands for it. */
static unsigned half_of(const struct word *word, u8 mask)
{
	return !word->wide && !(mask & 0x0f);
}

static void set_operation(struct weak_event *event, const struct entry *entry)
{
	event->kind = entry->kind;
	event->order = (u8)entry->order;
	event->arg = entry->arg;
	event->site = entry->site;
	event->value = entry->value;
	if (entry->kind != SIM_RMW)
		return;
	/* What it does is known. */
	event->rmw = entry->writes ? SIM_XCHG : SIM_CMPXCHG;
	event->expected = ~entry->value;
}

static void add_read(const struct entry *entry, unsigned half)
{
	s16 depends = pointer_to(entry->thread, entry->object);
	struct weak_event *event = add_event(entry->thread, WEAK_READ);

	event->location = entry->word->location[half];
	event->from = memory.messages[entry->from].seq ? memory.messages[entry->from].events[half] :
							 WEAK_INITIAL;
	event->depends = depends;
	set_operation(event, entry);
	weak_set_flags(event);
	if (entry->size == sizeof(u64))
		build.objects[build.graph.nr - 1] = entry->object;
}

static void add_write(const struct entry *entry, unsigned half)
{
	s16 depends = pointer_to(entry->thread, entry->object);
	struct weak_event *event = add_event(entry->thread, WEAK_WRITE);

	memory.messages[entry->wrote].events[half] = (s16)(build.graph.nr - 1);
	event->location = entry->word->location[half];
	event->place = memory.messages[entry->wrote].places[half];
	event->depends = depends;
	event->flags = entry->reads ? WEAK_EXCLUSIVE : 0;
	set_operation(event, entry);
	weak_set_flags(event);
}

static void add_plain_write(struct word *word, s32 m)
{
	struct message *message = &memory.messages[m];

	for (unsigned half = 0; half < (word->wide ? 1 : 2); half++) {
		struct weak_event *event;

		if (!is_shared(word, half) ||
		    (!word->wide && !(message->mask & (half ? 0xf0 : 0x0f))))
			continue;
		event = add_event(message->thread, WEAK_WRITE);
		event->location = word->location[half];
		event->place = message->places[half];
		message->events[half] = (s16)(build.graph.nr - 1);
	}
}

static bool is_plain_lock(const struct entry *entry)
{
	return entry->kind == SIM_SPIN_LOCK || entry->kind == SIM_MUTEX_LOCK ||
	       entry->kind == SIM_SPIN_UNLOCK || entry->kind == SIM_MUTEX_UNLOCK;
}

static void add_entry(const struct entry *entry)
{
	unsigned half;

	if (!entry->word) {
		if (planted(FAULT_OLD_FENCES))
			return;
		add_barrier(entry->thread, entry->order);
		return;
	}
	half = half_of(entry->word, entry->mask);
	if (!is_shared(entry->word, half) && !is_plain_lock(entry)) {
		bool full = (entry->kind == SIM_RMW && entry->order == SYNC_FULL) ||
			    entry->kind == SIM_WAKE;

		if (full && entry->writes)
			add_barrier(entry->thread, SYNC_FULL);
		return;
	}
	if (entry->reads)
		add_read(entry, half);
	if (entry->writes)
		add_write(entry, half);
}

/* ---- the whole ---- */

static void build_graph(void)
{
	unsigned plain = 0;

	build.graph.nr = 0;
	build.nr_plain = 0;
	build.nr_locations = 0;
	build.too_large = false;
	build.stamp++;
	for (unsigned t = 0; t < engine.threads; t++)
		build.last[t] = -1;
	for (u32 i = 0; i < memory.nr_entries; i++)
		if (memory.log[i].word)
			meet(memory.log[i].word);
	for (u32 i = 0; i < memory.nr_entries; i++) {
		for (; plain < build.nr_plain &&
		       memory.messages[build.plain[plain].message].seq < memory.log[i].seq;
		     plain++)
			add_plain_write(build.plain[plain].word, build.plain[plain].message);
		add_entry(&memory.log[i]);
	}
}

bool memory_allows(const struct entry *entry)
{
	VM_BUG_ON(entry != &memory.log[memory.nr_entries - 1]);
	build_graph();
	if (build.too_large) {
		memory.full = true;
		return false;
	}
	return planted(FAULT_OLD_ANYHOW) || weak_consistent(&build.graph, memory.model);
}
