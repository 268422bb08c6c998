/* SPDX-License-Identifier: MIT */
/*
 * The scheduler. One fiber runs; all others stand before an operation that they have announced.
 * The scheduler has no stack of its own: it runs on that of the fiber that announces, and does
 * not switch when the same one goes on.
 *
 *        announce          chosen                     announce
 *   ────► pending ───────────────────► running ─────────────────► pending ─ ─ ►
 *            │  ▲                         │
 *            │  │ somebody wrote           └── its function ends ──► ended (stack kept for reuse)
 *            ▼  │
 *         disabled: what it announced is not possible now (sim_enabled)
 *
 * Nothing is woken: whether a pending operation is possible is asked anew at each choice, of the
 * lock or word itself. So an operation that is carried out never has to be repeated.
 *
 * A choice falls at a point with probability 1 in SIM_SWITCH_ONE_IN, and always when the running
 * fiber yields or its own operation is disabled. All randomness comes from one generator, so a
 * seed gives one schedule; trace_hash tells two schedules apart. It leaves out addresses outside
 * the arenas, which differ from build to build.
 *
 * When no fiber is enabled but some wait for the outside, the idle hook blocks until something
 * may have changed there. When there is none of those either, the run ends as a deadlock.
 */
#include "sync/sim/race.h"
#include "base/uapi.h"
#include "host/host.h"

struct sim sim;
struct sim_self *sim_self = &sim.outside.self;
bool sim_shared;
bool sim_stepped;
bool sim_watch_steps;
void (*sim_watch)(const struct sim_fiber *fiber);
bool sim_barriers;
const struct sim_memory *sim_memory;
int (*sim_order)(const char *site, enum sim_kind kind, int order);
bool sim_races_allowed;
struct sim_fiber *(*sim_next)(void);

static void hash_mix(u64 value)
{
	u64 h = (sim.trace_hash ^ value) * 0x9e3779b97f4a7c15ull;

	sim.trace_hash = h ^ (h >> 32);
}

static u64 stable_address(const void *object)
{
	u64 address = (uintptr_t)object - ARENA_BASE;

	return address < ARENA_SLOTS * ARENA_SLOT_BYTES ? address % ARENA_SLOT_BYTES : 0;
}

static u64 writes_of_others(const struct sim_fiber *fiber)
{
	return sim.writes - fiber->own_writes;
}

static bool rwsem_turn(const struct sim_op *op, u32 blockers)
{
	const struct rw_semaphore *sem = op->object;

	return sem->serving == (u32)op->arg && !(sem->state & blockers);
}

static bool has_ended(int id)
{
	const struct sim_fiber *fiber = sim_fiber_by_id(id);

	return !fiber || fiber->ended;
}

bool sim_enabled(const struct sim_fiber *fiber)
{
	const struct sim_op *op = &fiber->op;

	switch (op->kind) {
	case SIM_SPIN_LOCK:
		return ((const spinlock_t *)op->object)->word == 0;
	case SIM_MUTEX_LOCK:
		return ((const struct mutex *)op->object)->word == 0;
	case SIM_READ_LOCK:
		return !sim_stepped ||
		       !(((const struct rw_semaphore *)op->object)->state & RWSEM_WRITER);
	case SIM_WRITE_LOCK:
		return !sim_stepped || !(((const struct rw_semaphore *)op->object)->state &
					 (RWSEM_WRITER | RWSEM_READERS));
	case SIM_READ_QUEUED:
		return rwsem_turn(op, RWSEM_WRITER);
	case SIM_WRITE_QUEUED:
		return rwsem_turn(op, RWSEM_WRITER | RWSEM_READERS);
	case SIM_BIT_LOCK:
		return !(*(const u64 *)op->object & BIT(op->arg));
	case SIM_WAIT:
		return ((const struct wait_queue_head *)op->object)->sequence != (u32)op->arg;
	case SIM_RELAX:
		if (sim_stepped)
			return !op->object || sim_peek(op->object, op->size) != op->arg;
		return writes_of_others(fiber) != op->arg;
	case SIM_JOIN:
		return has_ended((int)op->arg);
	case SIM_OUTSIDE:
		return fiber->outside_ready;
	default:
		return true;
	}
}

/* Any of the other fibers that are enabled (or that wait for the outside), or NULL. */
static struct sim_fiber *choose(const struct sim_fiber *self, bool outside)
{
	struct sim_fiber *candidates[SIM_MAX_FIBERS];
	unsigned nr = 0;

	for (unsigned i = 0; i < sim.nr_live; i++) {
		struct sim_fiber *fiber = sim.live[i];

		if (fiber != self && (outside ? fiber->op.kind == SIM_OUTSIDE : sim_enabled(fiber)))
			candidates[nr++] = fiber;
	}
	return nr ? candidates[prng_below(&sim.rng, nr)] : NULL;
}

/* Lets the hook wait for the outside. False: nobody waits for it, or it gave up. */
static bool ask_outside(void)
{
	bool any = false;

	for (unsigned i = 0; i < sim.nr_live; i++)
		any |= sim.live[i]->op.kind == SIM_OUTSIDE;
	if (!any || (sim.idle && !sim.idle(sim.idle_arg)))
		return false;
	for (unsigned i = 0; i < sim.nr_live; i++) {
		if (sim.live[i]->op.kind == SIM_OUTSIDE)
			sim.live[i]->outside_ready = true;
	}
	return true;
}

static void run(struct sim_fiber *next)
{
	sim_self = &next->self;
	sim.switches++;
	hash_mix(0x100 | (u64)next->id << 16 | next->op.kind);
}

static void switch_to(struct sim_fiber *next)
{
	struct sim_fiber *self = sim_current();

	if (next == self)
		return;
	run(next);
	fiber_switch(&self->fiber, &next->fiber);
}

/* All that are left are stuck: say so, and end the run from outside. */
static _Noreturn void give_up(struct sim_fiber *self)
{
	sim_report_stuck();
	sim.result = -EDEADLK;
	sim_self = &sim.outside.self;
	fiber_switch_last(&self->fiber, &sim.outside.fiber);
}

/* The running fiber cannot go on, or has ended. May return it when the outside has answered. */
static struct sim_fiber *choose_without(struct sim_fiber *self, bool ended)
{
	struct sim_fiber *next = choose(self, false);

	while (!next) {
		if (!ask_outside())
			give_up(self);
		next = choose(NULL, false);
		VM_BUG_ON(ended && next == self);
	}
	return next;
}

static void fiber_main(void *arg);

static void outside_point(const struct sim_fiber *fiber)
{
	char text[512];
	struct strbuf sb;

	if (sim_enabled(fiber))
		return;
	strbuf_init(&sb, text, sizeof(text));
	strbuf_puts(&sb, "usermm: would block for ever, there is only one thread: ");
	sim_describe(&sb, fiber);
	umm_bug_text(text);
}

static void announce(struct sim_fiber *self, const struct sim_op *op)
{
	self->op = *op;
	sim.points++;
	hash_mix(op->kind | (u64)op->size << 8 | (u64)self->id << 16 |
		 stable_address(op->object) << 24);
}

/* ---- stepped from outside ---- */

static void leave(struct sim_fiber *self)
{
	race_on = false;
	sim_self = &sim.outside.self;
	fiber_switch(&self->fiber, &sim.outside.fiber);
}

void sim_step(struct sim_fiber *fiber)
{
	sim_self = &fiber->self;
	race_on = race_armed;
	fiber->took_effect = true;
	fiber_switch(&sim.outside.fiber, &fiber->fiber);
}

void sim_abandon(void)
{
	leave(sim_current());
}

/* Nobody can notice these. */
static bool is_silent(const struct sim_op *op)
{
	return op->kind == SIM_FENCE && !sim_barriers;
}

/* Who polls waits for another value of what it looked at last, if it looked at anything. */
static bool poll(struct sim_fiber *self)
{
	if (!self->last_load)
		return false;
	self->op = (struct sim_op){
		.kind = SIM_RELAX,
		.object = self->last_load,
		.size = self->last_size,
		.arg = self->last_value,
	};
	self->last_load = NULL;
	return true;
}

static void stepped_point(struct sim_fiber *self, const struct sim_op *op)
{
	struct sim_fiber *next;

	if (is_silent(op))
		return;
	if (op->kind != SIM_YIELD)
		self->op = *op;
	else if (!poll(self))
		return;
	if (unlikely(sim_watch))
		sim_watch(self);
	next = sim_next ? sim_next() : NULL;
	if (next == self) {
		self->took_effect = true;
	} else if (next) {
		next->took_effect = true;
		sim_self = &next->self;
		fiber_switch(&self->fiber, &next->fiber);
	} else {
		leave(self);
	}
}

void sim_restart(struct sim_fiber **fibers, unsigned nr)
{
	for (unsigned i = 0; i < nr; i++) {
		struct sim_fiber *fiber = fibers[i];

		fiber_destroy(&fiber->fiber);
		fiber_init(&fiber->fiber, fiber->stack, SIM_STACK_BYTES, fiber_main, fiber);
		fiber->op = (struct sim_op){ .kind = SIM_START };
		/* It may have been abandoned in the middle of something. */
		fiber->self.task = NULL;
		fiber->lockdep.depth = 0;
		fiber->lockdep.spins = 0;
		fiber->no_preempt = 0;
		fiber->ended = false;
		fiber->last_load = NULL;
		sim.live[i] = fiber;
	}
	sim.nr_live = nr;
	sim.nr_free = 0;
	sim_shared = true;
	if (sim_watch_steps)
		race_begin_all(fibers, nr);
}

void sim_point(const struct sim_op *op)
{
	struct sim_fiber *self = sim_current();
	struct sim_fiber *next;

	if (unlikely(!sim.active)) {
		self->op = *op;
		outside_point(self);
		return;
	}
	if (sim_stepped) {
		stepped_point(self, op);
		return;
	}
	announce(self, op);
	if (!sim_enabled(self)) {
		switch_to(choose_without(self, false));
	} else if (sim_shared && !self->no_preempt &&
		   prng_below(&sim.rng, SIM_SWITCH_ONE_IN) == 0) {
		next = choose(self, false);
		if (next)
			switch_to(next);
	}
}

void sim_point_yield(const struct sim_op *op)
{
	struct sim_fiber *self = sim_current();
	struct sim_fiber *next;

	if (!sim.active) {
		self->op = *op;
		outside_point(self);
		return;
	}
	if (sim_stepped) {
		stepped_point(self, op);
		return;
	}
	announce(self, op);
	next = choose(self, false);
	if (!next && sim_enabled(self))
		next = choose(self, true);
	if (next)
		switch_to(next);
	else if (!sim_enabled(self))
		switch_to(choose_without(self, false));
}

void sim_wrote(void)
{
	sim.writes++;
	sim_current()->own_writes++;
}

/* ---- birth and end of fibers ---- */

static void fiber_main(void *arg)
{
	struct sim_fiber *self = arg;
	struct sim_fiber *next;
	unsigned i = 0;

	fiber_entered(&self->fiber);
	self->fn(self->arg);

	VM_BUG_ON2(self->lockdep.depth > 0, self->id, self->lockdep.depth);
	self->ended = true;
	if (sim_stepped) {
		leave(self);
		VM_UNREACHABLE();
	}
	while (sim.live[i] != self)
		i++;
	sim.nr_live--;
	memmove(&sim.live[i], &sim.live[i + 1], (sim.nr_live - i) * sizeof(sim.live[0]));
	sim.free[sim.nr_free++] = self;
	sim_wrote();
	race_ended(self);
	sim_shared = sim.nr_live > 1;
	if (!sim_shared)
		race_stop();
	if (sim.nr_live == 0) {
		sim_self = &sim.outside.self;
		fiber_switch_last(&self->fiber, &sim.outside.fiber);
	}
	next = choose_without(self, true);
	run(next);
	fiber_switch_last(&self->fiber, &next->fiber);
}

static struct sim_fiber *slot_get(void)
{
	struct sim_fiber *fiber;
	void *stack;

	if (sim.nr_free > 0) {
		fiber = sim.free[--sim.nr_free];
		stack = fiber->stack;
		fiber_destroy(&fiber->fiber);
	} else {
		if (sim.nr_slots == SIM_MAX_FIBERS)
			return NULL;
		fiber = &sim.slots[sim.nr_slots];
		stack = fiber->stack ? fiber->stack : host_stack_alloc(SIM_STACK_BYTES);
		if (!stack)
			return NULL;
		sim.nr_slots++;
	}
	memset(fiber, 0, sizeof(*fiber));
	fiber->stack = stack;
	return fiber;
}

struct sim_fiber *sim_fiber_new(const char *name, void (*fn)(void *arg), void *arg)
{
	struct sim_fiber *fiber = slot_get();
	struct strbuf sb;

	if (!fiber)
		return NULL;
	fiber->id = sim.next_id++;
	fiber->fn = fn;
	fiber->arg = arg;
	fiber->op = (struct sim_op){ .kind = SIM_START };
	strbuf_init(&sb, fiber->name, sizeof(fiber->name));
	strbuf_puts(&sb, name ? name : "");
	fiber_init(&fiber->fiber, fiber->stack, SIM_STACK_BYTES, fiber_main, fiber);
	sim.live[sim.nr_live++] = fiber;
	if (sim.nr_live > 1) {
		if (!sim_shared && !sim_stepped)
			race_begin();
		sim_shared = true;
		race_spawned(fiber);
	}
	return fiber;
}

struct sim_fiber *sim_fiber_by_id(int id)
{
	for (unsigned i = 0; i < sim.nr_live; i++) {
		if (sim.live[i]->id == id)
			return sim.live[i];
	}
	return NULL;
}

void sim_run_fibers(void)
{
	struct sim_fiber *first = sim.live[0];

	fiber_init_host(&sim.outside.fiber);
	run(first);
	fiber_switch(&sim.outside.fiber, &first->fiber);
}

/* The stacks stay for the next run. */
void sim_discard_fibers(void)
{
	sim_shared = false;
	race_stop();
	for (unsigned i = 0; i < sim.nr_slots; i++)
		fiber_destroy(&sim.slots[i].fiber);
	sim.nr_live = 0;
	sim.nr_free = 0;
	sim.nr_slots = 0;
}
