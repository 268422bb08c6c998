/* SPDX-License-Identifier: MIT */
/*
 * Exploring graphs. One graph grows at a time, by the next event of some thread; whatever else
 * could have been is put aside, as a whole graph, to be gone on with later:
 *
 *   a read    may take its value from any write of its word, of those that are there
 *   a write   may have any place among the writes of its word; and any read that is there and
 *             not before it may take its value from it instead. Then all that was added after
 *             that read, and is not before the write, is taken back.
 *
 *      T0      T1             T0      T1
 *      R x=0                  R x=1 ◄──┐          the read is revisited; what followed it in
 *      R y=0    W x=1    ──►           W x=1      T0 has yet to come again
 *
 * The same graph would come about in many ways. It is made just once: a read is revisited only
 * in the one graph of those that differ in what is taken back where everything taken back had
 * read, or had been placed as, the latest there was (Kokologiannakis, Marmanis, Gladstein,
 * Vafeiadis: Truly stateless, optimal dynamic partial order reduction, POPL 2022).
 * No graph is built that the memory model forbids; each can go on, by taking the latest.
 *
 * Threads are fibers. To go on with a graph that was put aside they start again and are given
 * the values of the graph, in an order in which no read comes before its write. An operation
 * finds the value it is to read in its word; at the end each word holds its last write.
 */
#include "explore/weak_internal.h"

#include "base/uapi.h"
#include "host/host.h"

#include <stdlib.h>

#define MAX_WORDS 1024
/* An access so close after the value of a load is taken to go through that pointer. */
#define DEREFERENCE_BYTES 512

struct word {
	void *address;
	u64 initial;
	u8 size;
};

struct saved {
	struct saved *next;
	unsigned nr;
	struct weak_event events[];
};

static struct {
	const struct explore_program *program;
	const struct explore_options *options;
	struct explore_result *result;
	enum weak_memory memory;
	struct sim_fiber *fibers[EXPLORE_MAX_THREADS];
	unsigned threads;
	bool running, checking, stop;
	int error;
	u64 start_ns;

	struct weak_graph graph, other, failure;
	/* Of the threads, in this graph. */
	bool waits[EXPLORE_MAX_THREADS];  /* for what it has read to be another value */
	bool half[EXPLORE_MAX_THREADS];   /* it has read, and will write */
	bool failed[EXPLORE_MAX_THREADS]; /* and gone */

	struct word words[MAX_WORDS];
	unsigned nr_words;
	struct saved *saved;
} weak;

/* ---- words ---- */

/* Met for the first time it holds its initial value: who changes it meets it first. */
static unsigned word_of(const struct sim_op *op)
{
	u8 size = weak_shape(op->kind)->bytes ? weak_shape(op->kind)->bytes : op->size;
	void *address = (void *)(uintptr_t)op->object;

	for (unsigned i = 0; i < weak.nr_words; i++)
		if (weak.words[i].address == address)
			return i;
	VM_BUG_ON2(weak.nr_words == MAX_WORDS, weak.nr_words, (uintptr_t)address);
	weak.words[weak.nr_words] = (struct word){
		.address = address,
		.initial = sim_peek(address, size),
		.size = size,
	};
	return weak.nr_words++;
}

static u64 fit(u64 value, unsigned word)
{
	unsigned size = weak.words[word].size;

	return size < sizeof(u64) ? value & (BIT(8 * size) - 1) : value;
}

/* ---- graphs ---- */

static void put_aside(const struct weak_graph *graph)
{
	struct saved *saved = malloc(sizeof(*saved) + graph->nr * sizeof(graph->events[0]));

	VM_BUG_ON(!saved);
	saved->nr = graph->nr;
	memcpy(saved->events, graph->events, graph->nr * sizeof(graph->events[0]));
	saved->next = weak.saved;
	weak.saved = saved;
}

static bool take_up(void)
{
	struct saved *saved = weak.saved;

	if (!saved)
		return false;
	weak.saved = saved->next;
	weak.graph.nr = saved->nr;
	memcpy(weak.graph.events, saved->events, saved->nr * sizeof(saved->events[0]));
	free(saved);
	return true;
}

static unsigned last_place(const struct weak_graph *graph, unsigned word)
{
	unsigned last = 0;

	for (unsigned e = 0; e < graph->nr; e++)
		if (graph->events[e].type == WEAK_WRITE && graph->events[e].location == word)
			last = MAX(last, (unsigned)graph->events[e].place);
	return last;
}

static s16 write_at(const struct weak_graph *graph, unsigned word, unsigned place)
{
	for (unsigned e = 0; place && e < graph->nr; e++) {
		const struct weak_event *event = &graph->events[e];

		if (event->type == WEAK_WRITE && event->location == word && event->place == place)
			return (s16)e;
	}
	return WEAK_INITIAL;
}

static unsigned place_of(const struct weak_graph *graph, s16 write)
{
	return write == WEAK_INITIAL ? 0 : graph->events[write].place;
}

static void set_from(struct weak_graph *graph, unsigned read, s16 write)
{
	struct weak_event *event = &graph->events[read];

	event->from = write;
	event->value = write == WEAK_INITIAL ? weak.words[event->location].initial :
					       graph->events[write].value;
	weak_set_flags(event);
}

/* The event of the same thread right before e. */
static s16 previous(const struct weak_graph *graph, unsigned e)
{
	s16 p = (s16)e - 1;

	while (p >= 0 && graph->events[p].thread != graph->events[e].thread)
		p--;
	return p;
}

static s16 last_of(const struct weak_graph *graph, unsigned thread)
{
	s16 e = (s16)graph->nr - 1;

	while (e >= 0 && graph->events[e].thread != thread)
		e--;
	return e;
}

/* The load that gave a pointer to about there, or WEAK_NONE. */
static s16 pointer_to(const struct weak_graph *graph, unsigned thread, const void *address)
{
	for (s16 e = last_of(graph, thread); e >= 0; e = previous(graph, (unsigned)e)) {
		const struct weak_event *event = &graph->events[e];
		u64 distance = (u64)(uintptr_t)address - event->value;

		if (event->type == WEAK_READ && event->value && distance < DEREFERENCE_BYTES &&
		    weak.words[event->location].size == sizeof(u64))
			return e;
	}
	return WEAK_NONE;
}

static struct weak_event *append(unsigned thread, enum weak_type type, const struct sim_op *op)
{
	struct weak_event *event = &weak.graph.events[weak.graph.nr];

	*event = (struct weak_event){
		.thread = (u8)thread,
		.type = (u8)type,
		.kind = op->kind,
		.rmw = op->rmw,
		.order = (u8)op->order,
		.arg = op->arg,
		.site = op->site,
		.from = WEAK_INITIAL,
		.depends = WEAK_NONE,
	};
	if (type != WEAK_BARRIER) {
		event->location = (u16)word_of(op);
		event->depends = pointer_to(&weak.graph, thread, op->object);
		event->expected = fit(op->expected, event->location);
	}
	weak.graph.nr++;
	return event;
}

/* ---- threads ---- */

static void start_threads(void)
{
	weak.program->reset(weak.program->arg);
	sim_restart(weak.fibers, weak.threads);
	memset(weak.waits, 0, sizeof(weak.waits));
	memset(weak.half, 0, sizeof(weak.half));
	memset(weak.failed, 0, sizeof(weak.failed));
	for (unsigned t = 0; t < weak.threads; t++)
		sim_step(weak.fibers[t]);
}

/* The thread does what it announced, with `before` in its word, and goes on to the next. */
static void carry_out(unsigned thread, u64 before, bool writes)
{
	struct sim_fiber *fiber = weak.fibers[thread];
	const struct word *word;
	u64 old;

	weak.result->events++;
	if (fiber->op.kind == SIM_FENCE) {
		sim_step(fiber);
		return;
	}
	word = &weak.words[word_of(&fiber->op)];
	old = sim_peek(word->address, word->size);
	sim_poke(word->address, word->size, before);
	sim_step(fiber);
	if (!writes)
		sim_poke(word->address, word->size, old);
}

/* Of a write that reads nothing: whoever releases a lock has it. */
static u64 held_before(const struct weak_event *write)
{
	return write->kind == SIM_SPIN_UNLOCK || write->kind == SIM_MUTEX_UNLOCK;
}

/* The read is in the graph: what follows from its value. */
static void settle(unsigned thread, const struct weak_event *read)
{
	struct weak_outcome outcome = weak_evaluate(read);

	if (outcome.waits)
		weak.waits[thread] = true;
	else if (outcome.writes)
		weak.half[thread] = true;
	else
		carry_out(thread, read->value, false);
}

/* One event of the thread again, `*at` on; false: it has to wait for others, or is done. */
static bool repeat_event(unsigned thread, unsigned *at, bool *done)
{
	const struct weak_graph *graph = &weak.graph;
	const struct weak_event *event;

	while (*at < graph->nr && graph->events[*at].thread != thread)
		++*at;
	if (*at == graph->nr)
		return false;
	event = &graph->events[*at];
	if (event->type == WEAK_READ && event->from != WEAK_INITIAL && !done[event->from])
		return false;
	done[(*at)++] = true;
	VM_BUG_ON2(event->kind != weak.fibers[thread]->op.kind, event->kind,
		   weak.fibers[thread]->op.kind);
	if (event->type == WEAK_READ) {
		settle(thread, event);
		return true;
	}
	if (event->flags & WEAK_EXCLUSIVE) {
		weak.half[thread] = false;
		carry_out(thread, graph->events[previous(graph, *at - 1)].value, true);
	} else {
		carry_out(thread, held_before(event), true);
	}
	return true;
}

static void repeat(void)
{
	unsigned at[EXPLORE_MAX_THREADS] = { 0 };
	bool done[WEAK_MAX_EVENTS] = { false };
	bool any = true;

	start_threads();
	while (any) {
		any = false;
		for (unsigned t = 0; t < weak.threads; t++)
			while (repeat_event(t, &at[t], done))
				any = true;
	}
}

/* It has ended, or waits for what it has read to change. */
static bool is_over(unsigned thread)
{
	const struct sim_fiber *fiber = weak.fibers[thread];

	return fiber->ended || weak.failed[thread] || weak.waits[thread] ||
	       fiber->op.kind == SIM_RELAX;
}

/* What it announced would wait, given the latest value of its word. */
static bool would_wait(unsigned thread)
{
	const struct sim_op *op = &weak.fibers[thread]->op;
	struct weak_event event = { .kind = op->kind, .arg = op->arg };
	s16 write;

	if (!weak_shape(op->kind)->bytes)
		return false;
	event.location = (u16)word_of(op);
	write = write_at(&weak.graph, event.location, last_place(&weak.graph, event.location));
	event.value = write == WEAK_INITIAL ? weak.words[event.location].initial :
					      weak.graph.events[write].value;
	return weak_evaluate(&event).waits;
}

/* Whoever has begun an update; else the first that can go on; -1: nobody. */
static int next_thread(void)
{
	int waiter = -1, next = -1;

	for (unsigned t = 0; t < weak.threads; t++) {
		if (weak.half[t])
			return (int)t;
		if (is_over(t) || next >= 0)
			continue;
		if (!would_wait(t))
			next = (int)t;
		else if (waiter < 0)
			waiter = (int)t;
	}
	return next >= 0 ? next : waiter;
}

/* ---- growing ---- */

static void add_read(unsigned thread)
{
	struct weak_event *event = append(thread, WEAK_READ, &weak.fibers[thread]->op);
	unsigned e = weak.graph.nr - 1;
	unsigned latest = last_place(&weak.graph, event->location);

	for (unsigned place = 0; place < latest; place++) {
		set_from(&weak.graph, e, write_at(&weak.graph, event->location, place));
		/* Nothing would ever come of it. */
		if (weak_evaluate(event).waits)
			continue;
		if (weak_consistent(&weak.graph, weak.memory))
			put_aside(&weak.graph);
	}
	set_from(&weak.graph, e, write_at(&weak.graph, event->location, latest));
	settle(thread, event);
}

/* Everything before e, in its thread or by having been read. */
static void find_before(const struct weak_graph *graph, unsigned e, bool *before)
{
	s16 stack[2 * WEAK_MAX_EVENTS];
	unsigned nr = 0;

	memset(before, 0, graph->nr * sizeof(before[0]));
	stack[nr++] = (s16)e;
	while (nr) {
		unsigned x = (unsigned)stack[--nr];
		s16 p = previous(graph, x);
		s16 from = graph->events[x].type == WEAK_READ ? graph->events[x].from : WEAK_NONE;

		if (p >= 0 && !before[p]) {
			before[p] = true;
			stack[nr++] = p;
		}
		if (from >= 0 && !before[from]) {
			before[from] = true;
			stack[nr++] = from;
		}
	}
}

/* Among what was there before x, or is before the write, x took the latest. */
static bool took_latest(const struct weak_graph *graph, unsigned x, const bool *before)
{
	const struct weak_event *event = &graph->events[x];
	unsigned place;

	if (event->type == WEAK_BARRIER)
		return true;
	place = event->type == WEAK_WRITE ? event->place : place_of(graph, event->from);
	for (unsigned e = 0; e < graph->nr; e++) {
		const struct weak_event *other = &graph->events[e];

		if (e > x && !before[e])
			continue;
		if (event->type == WEAK_WRITE && other->type == WEAK_READ && other->from == (s16)x)
			return false;
		if (other->type == WEAK_WRITE && other->location == event->location &&
		    other->place > place)
			return false;
	}
	return true;
}

static bool may_revisit(const struct weak_graph *graph, unsigned read, const bool *before)
{
	for (unsigned e = read; e + 1 < graph->nr; e++)
		if (!before[e] && !took_latest(graph, e, before))
			return false;
	return true;
}

/* Without what came after the read and is not before the last write; the read takes that. */
static void build_revisit(struct weak_graph *to, const struct weak_graph *from, unsigned read,
			  const bool *before)
{
	s16 renamed[WEAK_MAX_EVENTS];
	u16 gaps[WEAK_MAX_EVENTS + 1];

	to->nr = 0;
	for (unsigned e = 0; e < from->nr; e++) {
		renamed[e] = WEAK_NONE;
		if (e <= read || before[e] || e + 1 == from->nr) {
			renamed[e] = (s16)to->nr;
			to->events[to->nr++] = from->events[e];
		}
	}
	for (unsigned e = 0; e < to->nr; e++) {
		struct weak_event *event = &to->events[e];

		if (event->type == WEAK_READ && event->from >= 0)
			event->from = renamed[event->from];
		if (event->depends >= 0)
			event->depends = renamed[event->depends];
	}
	/* Places without gaps. */
	for (unsigned e = 0; e < to->nr; e++) {
		const struct weak_event *event = &to->events[e];

		gaps[e] = 0;
		for (unsigned i = 0; event->type == WEAK_WRITE && i < from->nr; i++) {
			const struct weak_event *gone = &from->events[i];

			gaps[e] += renamed[i] == WEAK_NONE && gone->type == WEAK_WRITE &&
				   gone->location == event->location && gone->place < event->place;
		}
	}
	for (unsigned e = 0; e < to->nr; e++)
		to->events[e].place -= gaps[e];
	set_from(to, (unsigned)renamed[read], (s16)(to->nr - 1));
}

/* The last write gets a place, the others of its word make room. */
static void set_place(struct weak_graph *graph, unsigned place)
{
	struct weak_event *write = &graph->events[graph->nr - 1];

	for (unsigned e = 0; e + 1 < graph->nr; e++)
		if (graph->events[e].type == WEAK_WRITE &&
		    graph->events[e].location == write->location && graph->events[e].place >= place)
			graph->events[e].place++;
	write->place = (u16)place;
}

static void unset_place(struct weak_graph *graph)
{
	struct weak_event *write = &graph->events[graph->nr - 1];

	for (unsigned e = 0; e + 1 < graph->nr; e++)
		if (graph->events[e].type == WEAK_WRITE &&
		    graph->events[e].location == write->location &&
		    graph->events[e].place > write->place)
			graph->events[e].place--;
	write->place = 0;
}

/* An update follows what it read at once. */
static unsigned first_place(const struct weak_graph *graph)
{
	const struct weak_event *write = &graph->events[graph->nr - 1];

	if (!(write->flags & WEAK_EXCLUSIVE))
		return 1;
	return place_of(graph, graph->events[previous(graph, graph->nr - 1)].from) + 1;
}

/* Put every graph aside in which the last write has a place up to `end`. */
static void put_places_aside(struct weak_graph *graph, unsigned end)
{
	const struct weak_event *write = &graph->events[graph->nr - 1];
	unsigned first = first_place(graph);

	if (write->flags & WEAK_EXCLUSIVE)
		end = MIN(end, first);
	for (unsigned place = first; place <= end; place++) {
		set_place(graph, place);
		if (weak_consistent(graph, weak.memory))
			put_aside(graph);
		unset_place(graph);
	}
}

static void revisit_reads(void)
{
	unsigned w = weak.graph.nr - 1;
	const struct weak_event *write = &weak.graph.events[w];
	bool before[WEAK_MAX_EVENTS];

	find_before(&weak.graph, w, before);
	for (unsigned r = 0; r < w; r++) {
		const struct weak_event *read = &weak.graph.events[r];

		if (read->type != WEAK_READ || read->location != write->location || before[r] ||
		    !may_revisit(&weak.graph, r, before))
			continue;
		build_revisit(&weak.other, &weak.graph, r, before);
		put_places_aside(&weak.other, last_place(&weak.other, write->location) + 1);
	}
}

/* False: nowhere could it go in this graph. */
static bool add_write(unsigned thread)
{
	const struct sim_op *op = &weak.fibers[thread]->op;
	struct weak_event *event = append(thread, WEAK_WRITE, op);
	u64 old = held_before(event);
	unsigned latest = last_place(&weak.graph, event->location);

	if (weak.half[thread]) {
		s16 read = previous(&weak.graph, weak.graph.nr - 1);

		event->flags = WEAK_EXCLUSIVE;
		old = weak.graph.events[read].value;
		event->value = weak_evaluate(&weak.graph.events[read]).value;
	} else if (event->kind == SIM_STORE) {
		event->value = op->arg;
	}
	event->value = fit(event->value, event->location);
	weak_set_flags(event);
	revisit_reads();
	put_places_aside(&weak.graph, latest);
	if (first_place(&weak.graph) > latest + 1 ||
	    ((event->flags & WEAK_EXCLUSIVE) && first_place(&weak.graph) != latest + 1))
		return false;
	event->place = (u16)(latest + 1);
	weak.half[thread] = false;
	carry_out(thread, old, true);
	return true;
}

static void add_barrier(unsigned thread)
{
	weak_set_flags(append(thread, WEAK_BARRIER, &weak.fibers[thread]->op));
	carry_out(thread, 0, false);
}

/* ---- the end of a graph ---- */

bool weak_fail(const char *text)
{
	struct explore_result *result = weak.result;
	struct strbuf sb;

	if (!weak.running)
		return false;
	if (!result->first_failure) {
		result->first_failure = result->executions + 1;
		result->failure = EXPLORE_FAIL_CHECK;
		strbuf_init(&sb, result->failure_text, sizeof(result->failure_text));
		strbuf_puts(&sb, text);
		weak.failure = weak.graph;
	}
	if (weak.checking) {
		result->failures++;
		return true;
	}
	weak.failed[sim_current()->id] = true;
	if (!weak.options->keep_going)
		weak.stop = true;
	sim_abandon();
	return true;
}

const struct weak_graph *weak_failure(void)
{
	return &weak.failure;
}

/* Nothing that comes later could let it go on. */
static bool is_stuck(unsigned thread)
{
	s16 e = last_of(&weak.graph, thread);

	while (e >= 0 && weak.graph.events[e].type != WEAK_READ)
		e = previous(&weak.graph, (unsigned)e);
	return e < 0 || place_of(&weak.graph, weak.graph.events[e].from) ==
				last_place(&weak.graph, weak.graph.events[e].location);
}

static void store_words(void)
{
	for (unsigned i = 0; i < weak.nr_words; i++) {
		s16 write = write_at(&weak.graph, i, last_place(&weak.graph, i));

		if (write != WEAK_INITIAL)
			sim_poke(weak.words[i].address, weak.words[i].size,
				 weak.graph.events[write].value);
	}
}

static void judge(void)
{
	struct explore_result *result = weak.result;
	bool stuck = true, waits = false, failed = false;

	result->longest = MAX(result->longest, (u64)weak.graph.nr);
	for (unsigned t = 0; t < weak.threads; t++) {
		failed |= weak.failed[t];
		if (weak.fibers[t]->ended || weak.failed[t])
			continue;
		waits = true;
		stuck &= is_stuck(t);
	}
	if (failed) {
		result->failures++;
	} else if (waits && !stuck) {
		result->blocked++;
		return;
	} else if (waits) {
		result->deadlocks++;
		if (!weak.options->deadlocks_allowed) {
			weak.checking = true;
			(void)weak_fail("deadlock");
			result->failure = EXPLORE_FAIL_DEADLOCK;
		}
	} else if (weak.program->check) {
		store_words();
		weak.checking = true;
		weak.program->check(weak.program->arg);
	}
	weak.checking = false;
	result->executions++;
}

/* ---- the loop ---- */

/* One event more, of whoever is next. False: this graph is at its end. */
static bool grow(void)
{
	int thread = next_thread();
	const struct weak_shape *shape;
	u8 kind;

	if (thread < 0 || weak.stop) {
		judge();
		return false;
	}
	kind = weak.fibers[thread]->op.kind;
	shape = weak_shape(kind);
	if (!shape->known || (kind != SIM_FENCE && !shape->bytes && !weak.fibers[thread]->op.size))
		weak.error = -EOPNOTSUPP;
	else if (weak.graph.nr + 1 >= WEAK_MAX_EVENTS)
		weak.error = -E2BIG;
	if (weak.error)
		return false;
	if (kind == SIM_FENCE)
		add_barrier((unsigned)thread);
	else if (shape->reads && !weak.half[thread])
		add_read((unsigned)thread);
	else
		return add_write((unsigned)thread);
	return true;
}

static bool within_limits(void)
{
	const struct explore_options *options = weak.options;
	struct explore_result *result = weak.result;

	if (weak.error || (result->failures && !options->keep_going))
		return false;
	if (options->max_executions && result->executions >= options->max_executions)
		return false;
	result->ns = host_monotonic_ns() - weak.start_ns;
	return !options->max_ns || result->ns < options->max_ns;
}

static void weak_thread_main(void *arg)
{
	weak.program->thread(weak.program->arg, (unsigned)(uintptr_t)arg);
}

static void explore_graphs(void)
{
	weak.graph.nr = 0;
	start_threads();
	for (;;) {
		while (grow())
			;
		if (!within_limits())
			return;
		if (!take_up()) {
			weak.result->complete = true;
			return;
		}
		repeat();
	}
}

static void bug_in_graph(const char *text)
{
	weak_fail(text);
}

int weak_explore(const struct explore_program *program, const struct explore_options *options,
		 enum weak_memory memory, struct explore_result *ret_result)
{
	umm_bug_handler *before;

	if (!program->threads || program->threads > EXPLORE_MAX_THREADS)
		return -EINVAL;
	VM_BUG_ON(sim.active);
	memset(ret_result, 0, sizeof(*ret_result));
	memset(&weak, 0, sizeof(weak));
	weak.program = program;
	weak.options = options;
	weak.result = ret_result;
	weak.memory = memory;
	weak.threads = program->threads;
	weak.running = true;
	weak.start_ns = host_monotonic_ns();
	fiber_init_host(&sim.outside.fiber);
	sim_stepped = true;
	sim_barriers = true;
	sim.active = true;
	sim.next_id = 0;
	for (unsigned t = 0; t < weak.threads; t++)
		weak.fibers[t] = sim_fiber_new(NULL, weak_thread_main, (void *)(uintptr_t)t);
	before = umm_bug_set_handler(bug_in_graph);
	explore_graphs();
	umm_bug_set_handler(before);
	while (take_up())
		;
	sim.active = false;
	sim_discard_fibers();
	sim_stepped = false;
	sim_barriers = false;
	weak.running = false;
	ret_result->ns = host_monotonic_ns() - weak.start_ns;
	return weak.error;
}

const char *weak_memory_name(enum weak_memory memory)
{
	static const char *const names[NR_WEAK_MEMORIES] = { "sc", "tso", "weak" };

	return memory < NR_WEAK_MEMORIES ? names[memory] : "(no such memory)";
}
