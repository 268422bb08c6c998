/* SPDX-License-Identifier: MIT */
/*
 * Memory under a model weaker than sc, for executions that are stepped: interleavings in which,
 * beside who goes on, it is chosen what a load reads.
 *
 *      word   ── newest ──► message ── older ──► message ── older ──► what it held at the start
 *                           (in memory)          value, writer, how long ago
 *
 * A store changes memory at once, so that accesses that are not marked, which must not race, see
 * what they should. A marked load may be behind by some changes (its age). Under weak a store or
 * an update may be late too: it takes its place among what the word has held, and memory stays as
 * it is. Which ages are possible is asked of the memory model: what has been executed is a graph
 * as in weak.h, and that must be one that the model lets be. Locks are taken and given back as
 * the newest.
 *
 * That an age is possible depends on whose value each read took and on the order of the writes
 * of each word: on nothing that the order of independent events changes. So who reads what old
 * value is one more branch of the search, and reductions stay right.
 *
 * Many graphs have several interleavings. An operation that goes past a write which nothing puts
 * before it could have come before that write instead, in an execution that is explored as well.
 * Where clocks are kept, only those are behind that could not.
 */
#include "explore/memory.h"

#include "explore/weak_internal.h"
#include "sync/sim/race.h"

#include <string.h>

struct memory memory;

/* ---- what a thread knows ---- */

static void learn(u32 *knows, const u32 *from)
{
	for (unsigned t = 0; t < engine.threads; t++)
		knows[t] = MAX(knows[t], from[t]);
}

static bool acquires(const struct sim_op *op, bool changes)
{
	const struct weak_shape *shape = weak_shape(op->kind);

	if (memory.model == WEAK_TSO)
		return true;
	if (shape->bytes)
		return changes || !shape->writes;
	if (op->kind == SIM_RMW && !changes)
		return false;
	return op->order == SYNC_ACQUIRE || op->order == SYNC_ACQ_REL || op->order == SYNC_FULL;
}

static bool releases(const struct sim_op *op)
{
	const struct weak_shape *shape = weak_shape(op->kind);

	if (memory.model == WEAK_TSO)
		return true;
	if (shape->bytes)
		return (shape->write_flags & (WEAK_RELEASE | WEAK_MB_AFTER)) != 0;
	return op->order == SYNC_RELEASE || op->order == SYNC_ACQ_REL || op->order == SYNC_FULL;
}

static void read_from(unsigned thread, s32 message, bool acquiring)
{
	s32 entry = memory.messages[message].entry;

	if (entry == NO_MESSAGE)
		return;
	if (acquiring || planted(FAULT_OLD_KNOWN))
		learn(memory.known[thread], memory.released[entry]);
	else
		learn(memory.pending[thread], memory.released[entry]);
}

static bool is_known(unsigned thread, const struct message *message)
{
	return message->thread == thread || memory.known[thread][message->thread] >= message->seq;
}

/* In whatever order independent events come, the message comes before what the thread does. */
static bool has_happened(unsigned thread, const struct message *message)
{
	s16 count = lane_of(counts_at(memory_event()), thread);

	return count && lane_of(clock_of(engine.event_of[thread][count]), message->thread) >=
				engine.events[message->event].index;
}

/*
 * The load or update that reads `from` could not have come before the message: that comes before
 * it, or before what it reads.
 */
static bool is_between(unsigned thread, const struct message *message, const struct message *from)
{
	if (!engine.orders || message->event == NO_EVENT)
		return true;
	return has_happened(thread, message) || (from && from->event > message->event &&
						 happens_before(message->event, from->event));
}

/* ---- the log ---- */

static struct entry *entry_new(const struct sim_op *op, struct word *word)
{
	struct entry *entry;
	unsigned t = memory_self();

	if (memory.nr_entries == MEMORY_LOG) {
		memory.full = true;
		return NULL;
	}
	entry = &memory.log[memory.nr_entries++];
	*entry = (struct entry){
		.seq = ++memory.seq,
		.thread = (u8)t,
		.kind = op->kind,
		.size = weak_shape(op->kind)->bytes ? weak_shape(op->kind)->bytes : op->size,
		.order = op->order,
		.object = op->object,
		.site = op->site,
		.word = word,
		.from = NO_MESSAGE,
		.wrote = NO_MESSAGE,
		.arg = op->arg,
	};
	memory.known[t][t] = memory.seq;
	if (word) {
		if (entry->size == 8 && !word->wide) {
			if (word->halved)
				memory_add_mixed(word->key);
			word->wide = true;
		}
		word->halved |= entry->size < 8;
		entry->mask = word->wide ? 0xff : memory_mask_of(op->object, entry->size);
		memory_used_by(word, entry->mask, t);
	}
	return entry;
}

static void note_barrier(int order)
{
	static const struct sim_op barrier = { .kind = SIM_FENCE };
	struct sim_op op = barrier;
	unsigned t = memory_self();

	op.order = order;
	(void)entry_new(&op, NULL);
	if (order != SYNC_RELEASE)
		learn(memory.known[t], memory.pending[t]);
}

/* A wait that is over has seen what ended it. */
static void note_wait(const struct sim_op *op)
{
	unsigned t = memory_self();
	struct word *word = op->object ? memory_word_at(op->object) : NULL;

	memory.waited[t] = word;
	if (word)
		memory.waited_for[t] =
			message_of(word->newest, memory_mask_of(op->object, op->size));
}

static void note_release(const struct entry *entry, const struct sim_op *op)
{
	if (!releases(op))
		return;
	memory.messages[entry->wrote].entry = (s32)(entry - memory.log);
	for (unsigned t = 0; t < engine.threads; t++)
		memory.released[entry - memory.log][t] = memory.known[entry->thread][t];
}

static void write_message(struct entry *entry, const struct sim_op *op)
{
	struct word *word = entry->word;
	s32 message =
		memory_message_new(word, entry->thread, entry->seq, memory_event(), entry->mask);

	if (message == NO_MESSAGE)
		return;
	memory_keep_value(word, op->object);
	word->newest = message;
	entry->writes = true;
	entry->wrote = message;
	note_release(entry, op);
}

static void carry_out(const struct sim_op *op, bool changes)
{
	const struct weak_shape *shape = weak_shape(op->kind);
	struct entry *entry;
	struct word *word;

	if (op->kind == SIM_RELAX)
		note_wait(op);
	if (!shape->known || (!shape->reads && !shape->writes))
		return;
	word = memory_word_at(op->object);
	entry = word ? entry_new(op, word) : NULL;
	if (!entry)
		return;
	if (shape->reads) {
		entry->reads = true;
		entry->from = message_of(word->newest, entry->mask);
		entry->value = sim_peek(op->object, entry->size);
		word->read_seq = entry->seq;
		read_from(entry->thread, entry->from, acquires(op, changes));
	}
	if (changes)
		write_message(entry, op);
}

static void store_direct(const struct sim_op *op)
{
	struct word *word = memory_word_at(op->object);

	if (!word)
		return;
	word->direct = true;
	if (op->order == SYNC_RELEASE)
		carry_out(op, true);
}

/* ---- which value ---- */

/* Whether the event may choose how old its value is; if not, that is *ret_age. */
static bool wants_age(unsigned *ret_age)
{
	s32 e = memory_event();
	u8 age;

	*ret_age = 0;
	/* The first access of an event chooses. */
	if (e < 0 || memory.chosen == e)
		return false;
	memory.chosen = e;
	age = engine.frames[e].age;
	if (age != AGE_OPEN)
		*ret_age = age;
	return age == AGE_OPEN;
}

/* One of these ages; the others will be tried. */
static unsigned choose_age(u32 ages)
{
	struct frame *frame = &engine.frames[engine.nr_events - 1];

	if (engine.goes_back) {
		frame->age = (u8)lowest(ages);
		frame->ages = (u8)(planted(FAULT_OLD_ONCE) ? 0 : ages & (ages - 1));
	} else {
		frame->age = (u8)random_age(ages);
	}
	return frame->age;
}

/* For who shows the event. */
static void tell_load(u64 value, bool old)
{
	engine.result->old_reads += old;
	if (engine.told_op.kind != SIM_LOAD)
		return;
	engine.told_value = value;
	engine.told_old |= old;
}

static void tell_late(u64 read, u64 written)
{
	engine.result->old_reads++;
	engine.told_old = true;
	engine.told_value = read;
	engine.told_after = written;
}

/* Whatever is chosen comes after this message in the order of the word, or right there. */
static bool may_not_pass(const struct entry *entry, s32 at)
{
	return is_known(entry->thread, &memory.messages[at]) ||
	       (memory.waited[entry->thread] == entry->word &&
		at == memory.waited_for[entry->thread]);
}

/* None of the messages above entry->from could be left to later. */
static bool is_new(const struct entry *entry)
{
	const struct message *from = entry->reads ? &memory.messages[entry->from] : NULL;
	s32 at = message_of(entry->word->newest, entry->mask);

	for (; at != entry->from; at = message_of(memory.messages[at].older, entry->mask))
		if (is_between(entry->thread, &memory.messages[at], from) ==
		    planted(FAULT_OLD_UNORDERED))
			return false;
	return true;
}

/* Which of the values that the word has held the load may read, newest first. */
static u32 possible_ages(struct entry *load)
{
	const struct word *word = load->word;
	s32 at = message_of(word->newest, load->mask);
	u32 ages = 1;

	for (unsigned age = 1; memory.messages[at].seq; age++) {
		if (may_not_pass(load, at))
			break;
		if (age == MEMORY_AGES) {
			memory.full = true;
			break;
		}
		at = message_of(memory.messages[at].older, load->mask);
		load->from = at;
		load->value = memory_value_of(word, at, load->object, load->size);
		if (is_new(load) && memory_allows(load))
			ages |= 1u << age;
	}
	return ages;
}

/* ---- writes that others have overwritten before they are done ---- */

static u64 masked(u64 value, unsigned size)
{
	return size < 8 ? value & (BIT(8 * size) - 1) : value;
}

/* What the operation makes of a value; false: nothing. */
static bool result_of(const struct sim_op *op, u64 old, u64 *ret_value)
{
	struct weak_event event = {
		.kind = op->kind,
		.rmw = op->rmw,
		.arg = op->arg,
		.expected = masked(op->expected, op->size),
		.value = old,
	};
	struct weak_outcome outcome = weak_evaluate(&event);

	*ret_value = op->kind == SIM_STORE ? op->arg : outcome.value;
	return op->kind == SIM_STORE || outcome.writes;
}

/* The message of the entry below `above`. */
static void put_below(struct entry *entry, s32 above, u64 value)
{
	struct message *message = &memory.messages[entry->wrote];
	unsigned shift = 8 * ((uintptr_t)entry->object & 7);
	u64 bits = masked(~0ull, entry->size) << shift;

	message->older = memory.messages[above].older;
	memory.messages[above].older = entry->wrote;
	message->value = (memory.messages[message->older].value & ~bits) | (value << shift & bits);
}

static void take_out(const struct entry *entry, s32 above)
{
	memory.messages[above].older = memory.messages[entry->wrote].older;
}

/*
 * The operation as if it had come before as many changes of its word: above the message at
 * entry->from, below `above`. False: the model forbids that.
 */
static bool possible_late(struct entry *entry, const struct sim_op *op, s32 above)
{
	u64 value;
	bool may;

	entry->value = memory_value_of(entry->word, entry->from, op->object, op->size);
	entry->writes = result_of(op, entry->value, &value);
	if (!entry->writes)
		return memory_allows(entry);
	put_below(entry, above, masked(value, op->size));
	may = memory_allows(entry);
	take_out(entry, above);
	return may;
}

static u32 possible_places(struct entry *entry, const struct sim_op *op)
{
	const struct word *word = entry->word;
	s32 at = message_of(word->newest, entry->mask);
	u32 ages = 1;

	for (unsigned age = 1; memory.messages[at].seq; age++) {
		const struct message *passed = &memory.messages[at];
		s32 above = at;

		if (may_not_pass(entry, at) || passed->mask != memory_mask_of(op->object, op->size))
			break;
		if (age == MEMORY_AGES) {
			memory.full = true;
			break;
		}
		at = message_of(passed->older, entry->mask);
		entry->from = at;
		if (is_new(entry) && possible_late(entry, op, above))
			ages |= 1u << age;
	}
	entry->writes = false;
	return ages;
}

/*
 * Whether the operation may be done as the newest, with its entry; if not, it has been done below
 * *ret_above, and *ret_at is what it has read.
 */
static bool is_newest(struct entry *entry, const struct sim_op *op, s32 *ret_above)
{
	s32 at = message_of(entry->word->newest, entry->mask);
	unsigned age;

	if (wants_age(&age)) {
		entry->wrote =
			memory_message_new(entry->word, entry->thread, entry->seq, memory_event(),
					   memory_mask_of(op->object, op->size));
		if (entry->wrote == NO_MESSAGE)
			return true;
		age = choose_age(possible_places(entry, op));
		memory.nr_messages--;
	}
	if (!age)
		return true;
	for (; age; age--) {
		*ret_above = at;
		at = message_of(memory.messages[at].older, entry->mask);
	}
	entry->from = at;
	return false;
}

/* False: late; *ret_old is what it has read. */
static bool do_change(const struct sim_op *op, const void *pc, u64 *ret_old)
{
	bool reads = op->kind == SIM_RMW;
	struct word *word = memory_word_at(op->object);
	struct entry *entry;
	u32 version;
	s32 above;
	u64 value;

	if (memory.model != WEAK_WEAK || !word || word->direct)
		return true;
	entry = entry_new(op, word);
	if (!entry)
		return true;
	entry->reads = reads;
	if (is_newest(entry, op, &above)) {
		/* It is carried out like any other. */
		memory.nr_entries--;
		return true;
	}
	*ret_old = entry->value = memory_value_of(word, entry->from, op->object, op->size);
	version = memory.messages[entry->from].version;
	entry->writes = result_of(op, *ret_old, &value);
	if (reads) {
		word->read_seq = entry->seq;
		read_from(entry->thread, entry->from, acquires(op, entry->writes));
	}
	if (entry->writes) {
		entry->wrote = memory_message_new(word, entry->thread, entry->seq, memory_event(),
						  memory_mask_of(op->object, op->size));
		if (entry->wrote == NO_MESSAGE)
			return false;
		put_below(entry, above, masked(value, op->size));
		note_release(entry, op);
		memory.messages[entry->wrote].version = race_late(
			op->object, op->size, op->order, pc, reads ? &version : NULL, true);
	} else {
		(void)race_late(op->object, op->size, op->order, pc, &version, false);
		sim_current()->took_effect = false;
	}
	tell_late(entry->value, masked(value, op->size));
	return false;
}

static bool store_value(const struct sim_op *op, const void *pc)
{
	u64 old;

	if (!do_change(op, pc, &old))
		return false;
	carry_out(op, true);
	return true;
}

static u64 load_value(const struct sim_op *op, u32 *ret_version)
{
	struct word *word = memory_word_at(op->object);
	struct entry *load = word ? entry_new(op, word) : NULL;
	unsigned age = 0;
	s32 at;

	*ret_version = RACE_NEWEST;
	if (!load)
		return sim_peek(op->object, op->size);
	load->reads = true;
	if (wants_age(&age) && !word->direct)
		age = choose_age(possible_ages(load));
	at = message_of(word->newest, load->mask);
	for (; age && memory.messages[at].seq; age--) {
		at = message_of(memory.messages[at].older, load->mask);
		*ret_version = memory.messages[at].version;
	}
	load->from = at;
	load->value = memory_value_of(word, at, op->object, op->size);
	word->read_seq = load->seq;
	read_from(load->thread, at, acquires(op, false));
	tell_load(load->value, at != message_of(word->newest, load->mask));
	return load->value;
}

/* ---- for the engine ---- */

static const struct sim_memory hooks = {
	.load = load_value,
	.store = store_value,
	.update = do_change,
	.carry_out = carry_out,
	.fence = note_barrier,
	.direct = store_direct,
	.plain = memory_plain,
	.page = memory_page_made,
};

void memory_open(void)
{
	memory.nr_mixed = 0;
}

void memory_begin(void)
{
	memory.model = engine.options->memory;
}

void memory_start(void)
{
	memory_words_reset();
	memory.seq = 0;
	memory.nr_entries = 0;
	memory.chosen = NO_EVENT;
	memory.full = false;
	memset(memory.known, 0, sizeof(memory.known));
	memset(memory.pending, 0, sizeof(memory.pending));
	memset(memory.waited, 0, sizeof(memory.waited));
	sim_memory = &hooks;
}

void memory_stop(void)
{
	sim_memory = NULL;
}
