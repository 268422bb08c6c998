/* SPDX-License-Identifier: MIT */
#include "sync/sim/sched.h"

static const char *const kind_words[NR_SIM_KINDS] = {
#define X(id, words) [id] = words,
	SIM_KINDS(X)
#undef X
};

const char *sim_kind_words(unsigned kind)
{
	return kind < NR_SIM_KINDS ? kind_words[kind] : "(no such operation)";
}

static void name_fiber(struct strbuf *sb, const struct sim_fiber *fiber)
{
	strbuf_printf(sb, "fiber %d", fiber->id);
	if (fiber->name[0])
		strbuf_printf(sb, " (%s)", fiber->name);
}

static void name_object(struct strbuf *sb, const struct sim_op *op)
{
	const void *object = op->object;
	const char *name = NULL;

	switch (op->kind) {
	case SIM_SPIN_LOCK:
		name = lock_class_name(((const spinlock_t *)object)->class);
		break;
	case SIM_MUTEX_LOCK:
		name = lock_class_name(((const struct mutex *)object)->class);
		break;
	case SIM_READ_QUEUED:
	case SIM_WRITE_QUEUED:
		name = lock_class_name(((const struct rw_semaphore *)object)->class);
		break;
	case SIM_JOIN:
		strbuf_printf(sb, " %llu", (unsigned long long)op->arg);
		break;
	default:
		break;
	}
	if (name)
		strbuf_printf(sb, " \"%s\"", name);
	if (object)
		strbuf_printf(sb, " %p", object);
	if (op->kind == SIM_BIT_LOCK)
		strbuf_printf(sb, " bit %llu", (unsigned long long)op->arg);
	if (op->site)
		strbuf_printf(sb, " at %s", op->site);
}

/* Who of the living has the lock that the operation wants. */
static void name_holders(struct strbuf *sb, const struct sim_op *op)
{
	const char *lead = ", held by ";

	if (!op->object)
		return;
	for (unsigned i = 0; i < sim.nr_live; i++) {
		const struct sim_fiber *fiber = sim.live[i];

		for (unsigned k = 0; k < fiber->lockdep.depth; k++) {
			const struct lockdep_held *held = &fiber->lockdep.held[k];

			if (held->lock != op->object)
				continue;
			strbuf_puts(sb, lead);
			name_fiber(sb, fiber);
			if (held->site)
				strbuf_printf(sb, " since %s", held->site);
			lead = " and by ";
		}
	}
}

void sim_describe(struct strbuf *sb, const struct sim_fiber *fiber)
{
	name_fiber(sb, fiber);
	strbuf_printf(sb, " %s", sim_kind_words(fiber->op.kind));
	name_object(sb, &fiber->op);
	name_holders(sb, &fiber->op);
	strbuf_putc(sb, '\n');
}

void sim_report_stuck(void)
{
	bool lock = false;
	struct strbuf sb;

	for (unsigned i = 0; i < sim.nr_live; i++)
		lock |= sim.live[i]->lockdep.depth > 0;
	strbuf_init(&sb, sim.report, sizeof(sim.report));
	strbuf_printf(&sb, "%s: %u %s left and nothing can wake %s\n",
		      lock ? "deadlock" : "stuck, perhaps a lost wake-up", sim.nr_live,
		      sim.nr_live == 1 ? "fiber is" : "fibers are",
		      sim.nr_live == 1 ? "it" : "them");
	for (unsigned i = 0; i < sim.nr_live; i++) {
		strbuf_puts(&sb, "  ");
		sim_describe(&sb, sim.live[i]);
	}
}
