/* SPDX-License-Identifier: MIT */
#include "usermm/usermm.h"
#include "sync/sim/race.h"
#include "base/uapi.h"

int umm_sim_run(uint64_t seed, void (*fn)(void *arg), void *arg)
{
	VM_BUG_ON(sim.active);
	VM_BUG_ON(sim.outside.lockdep.depth > 0);
	prng_seed(&sim.rng, seed);
	sim.result = 0;
	sim.writes = 0;
	sim.points = 0;
	sim.switches = 0;
	sim.trace_hash = 0;
	sim.next_id = 0;
	sim.report[0] = '\0';
	if (!sim_fiber_new("main", fn, arg))
		return -ENOMEM;
	sim.active = true;
	sim_run_fibers();
	sim.active = false;
	sim_discard_fibers();
	return sim.result;
}

int umm_sim_spawn(const char *name, void (*fn)(void *arg), void *arg)
{
	struct sim_op op = { .kind = SIM_SPAWN };
	struct sim_fiber *fiber;
	int id;

	VM_BUG_ON(!sim.active);
	fiber = sim_fiber_new(name, fn, arg);
	if (!fiber)
		return -ENOMEM;
	id = fiber->id;
	sim_point(&op);
	return id;
}

int umm_sim_join(int fiber)
{
	struct sim_op op = { .kind = SIM_JOIN, .arg = (u64)fiber };

	if (fiber < 0 || fiber >= sim.next_id || fiber == umm_sim_self())
		return -EINVAL;
	sim_point(&op);
	race_joined(fiber);
	return 0;
}

bool umm_sim_done(int fiber)
{
	return fiber >= 0 && fiber < sim.next_id && !sim_fiber_by_id(fiber);
}

bool umm_sim_blocked(int fiber)
{
	const struct sim_fiber *found =
		fiber >= 0 && fiber < sim.next_id ? sim_fiber_by_id(fiber) : NULL;

	return found && found->op.kind != SIM_OUTSIDE && !sim_enabled(found);
}

void umm_sim_yield(void)
{
	struct sim_op op = { .kind = SIM_YIELD };

	sim_point_yield(&op);
}

int umm_sim_self(void)
{
	return sim.active ? sim_current()->id : -1;
}

void umm_sim_set_idle(bool (*idle)(void *arg), void *arg)
{
	sim.idle = idle;
	sim.idle_arg = arg;
}

void umm_sim_wait_outside(void)
{
	struct sim_op op = { .kind = SIM_OUTSIDE };

	if (!sim.active) {
		if (sim.idle)
			(void)sim.idle(sim.idle_arg);
		return;
	}
	sim_current()->outside_ready = false;
	sim_point_yield(&op);
}

void umm_sim_preempt_disable(void)
{
	sim_current()->no_preempt++;
}

void umm_sim_preempt_enable(void)
{
	VM_BUG_ON(sim_current()->no_preempt == 0);
	sim_current()->no_preempt--;
}

const char *umm_sim_report(void)
{
	return sim.report;
}

uint64_t umm_sim_trace_hash(void)
{
	return sim.trace_hash;
}

bool umm_sim_watched(void)
{
	return race_built;
}
