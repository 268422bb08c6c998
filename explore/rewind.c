/* SPDX-License-Identifier: MIT */
/*
 * Undoing events. What one event changes is little: a word or a lock, the stack of the thread
 * that carried it out from its own last announcement on, and a few fields of its fiber. All of
 * that is copied aside before the event and back when the explorer goes back over it, latest
 * first. Neither the start nor the kept part of an execution is ever repeated. In the modes that
 * do not go back the start itself is put back that way.
 *
 * Stacks that are deep, or events that are many, may come to more than there is room for: then
 * the exploration begins anew without any of this.
 */
#include "explore/engine.h"

#define POOL_BYTES (32u << 20)

/* Of a fiber that stands before an operation: all but its stack and what it holds. */
struct saved_fiber {
	struct sim_fiber *fiber;
	u32 pool_before;
	u32 stack_bytes, object_bytes, held_bytes;
	void *sp;
	struct sim_op op;
	const void *last_load;
	u64 last_value;
	u8 last_size;
	unsigned lock_depth, lock_spins;
	bool ended;
};

static struct {
	struct saved_fiber events[MAX_EVENTS];
	struct saved_fiber start[MAX_THREADS];
	u32 used, start_used;
	u8 pool[POOL_BYTES] __attribute__((aligned(64)));
} rewind_state;

bool rewind_possible(void)
{
#if defined(UMM_FIBER_UCONTEXT) || !defined(__x86_64__) || defined(__SANITIZE_ADDRESS__) || \
	defined(__SANITIZE_THREAD__)
	return false;
#elif defined(__has_feature)
	return !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer);
#else
	return true;
#endif
}

static void pool_put(const void *from, u32 bytes)
{
	memcpy(&rewind_state.pool[rewind_state.used], from, bytes);
	rewind_state.used += bytes;
}

/* False: no room. */
static bool save(struct saved_fiber *saved, struct sim_fiber *fiber, bool object)
{
	saved->fiber = fiber;
	saved->pool_before = rewind_state.used;
	saved->sp = fiber->fiber.sp;
	saved->stack_bytes =
		(u32)((char *)fiber->stack + SIM_STACK_BYTES - (char *)fiber->fiber.sp);
	saved->object_bytes = object ? changed_bytes(&fiber->op) : 0;
	saved->held_bytes = (u32)(fiber->lockdep.depth * sizeof(fiber->lockdep.held[0]));
	if (unlikely(saved->stack_bytes + saved->held_bytes + 64 > POOL_BYTES - rewind_state.used))
		return false;
	saved->op = fiber->op;
	saved->last_load = fiber->last_load;
	saved->last_value = fiber->last_value;
	saved->last_size = fiber->last_size;
	saved->lock_depth = fiber->lockdep.depth;
	saved->lock_spins = fiber->lockdep.spins;
	saved->ended = fiber->ended;
	pool_put(saved->sp, saved->stack_bytes);
	if (saved->object_bytes)
		pool_put(saved->op.object, saved->object_bytes);
	if (saved->held_bytes)
		pool_put(fiber->lockdep.held, saved->held_bytes);
	return true;
}

static void put_back(const struct saved_fiber *saved)
{
	struct sim_fiber *fiber = saved->fiber;
	const u8 *from = &rewind_state.pool[saved->pool_before];

	memcpy(saved->sp, from, saved->stack_bytes);
	from += saved->stack_bytes;
	if (saved->object_bytes)
		memcpy((void *)(uintptr_t)saved->op.object, from, saved->object_bytes);
	from += saved->object_bytes;
	if (saved->held_bytes)
		memcpy(fiber->lockdep.held, from, saved->held_bytes);
	fiber->fiber.sp = saved->sp;
	fiber->op = saved->op;
	fiber->last_load = saved->last_load;
	fiber->last_value = saved->last_value;
	fiber->last_size = saved->last_size;
	fiber->lockdep.depth = saved->lock_depth;
	fiber->lockdep.spins = saved->lock_spins;
	fiber->ended = saved->ended;
}

bool rewind_save(s32 e, struct sim_fiber *fiber)
{
	if (e == 0)
		rewind_state.used = rewind_state.start_used;
	return save(&rewind_state.events[e], fiber, true);
}

void rewind_undo(s32 e)
{
	put_back(&rewind_state.events[e]);
	rewind_state.used = rewind_state.events[e].pool_before;
}

bool rewind_save_start(void)
{
	rewind_state.used = 0;
	for (unsigned t = 0; t < engine.threads; t++)
		if (!save(&rewind_state.start[t], engine.fibers[t], false))
			return false;
	rewind_state.start_used = rewind_state.used;
	return true;
}

void rewind_start(void)
{
	for (unsigned t = 0; t < engine.threads; t++)
		put_back(&rewind_state.start[t]);
}
