/* SPDX-License-Identifier: MIT */
/*
 * Undoing events. What one event changes is little: a word or a lock, the stack of the thread
 * that carried it out from its own last announcement on, and a few fields of its fiber. All of
 * that is copied aside before the event and back when the explorer goes back over it, latest
 * first. Neither the start nor the kept part of an execution is ever repeated.
 */
#include "explore/engine.h"

#define POOL_BYTES (8u << 20)

struct saved_event {
	struct sim_fiber *fiber;
	u32 pool_before;
	u32 stack_bytes, object_bytes, held_bytes;
	void *sp;
	struct sim_op op;
	const void *last_load;
	u64 last_value;
	u8 last_size;
	unsigned lock_depth, lock_spins;
};

static struct {
	struct saved_event events[MAX_EVENTS];
	u32 used;
	u8 pool[POOL_BYTES];
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
	VM_BUG_ON2(rewind_state.used + bytes > POOL_BYTES, rewind_state.used, bytes);
	memcpy(&rewind_state.pool[rewind_state.used], from, bytes);
	rewind_state.used += bytes;
}

/* Bytes at its object that an operation may change. */
static u32 changed_bytes(const struct sim_op *op)
{
	switch (op->kind) {
	case SIM_STORE:
	case SIM_RMW:
		return op->size;
	case SIM_SPIN_LOCK:
	case SIM_SPIN_TRY:
	case SIM_SPIN_UNLOCK:
		return sizeof(spinlock_t);
	case SIM_MUTEX_LOCK:
	case SIM_MUTEX_TRY:
	case SIM_MUTEX_UNLOCK:
		return sizeof(struct mutex);
	case SIM_READ_LOCK:
	case SIM_READ_TRY:
	case SIM_READ_UNLOCK:
	case SIM_WRITE_LOCK:
	case SIM_WRITE_TRY:
	case SIM_WRITE_UNLOCK:
	case SIM_DOWNGRADE:
		return sizeof(struct rw_semaphore);
	case SIM_BIT_LOCK:
	case SIM_BIT_TRY:
	case SIM_BIT_UNLOCK:
		return sizeof(u64);
	case SIM_WAKE:
		return sizeof(struct wait_queue_head);
	default:
		return 0;
	}
}

void rewind_save(s32 e, struct sim_fiber *fiber)
{
	struct saved_event *saved = &rewind_state.events[e];

	if (e == 0)
		rewind_state.used = 0;
	saved->fiber = fiber;
	saved->pool_before = rewind_state.used;
	saved->sp = fiber->fiber.sp;
	saved->stack_bytes = (u32)((char *)fiber->stack + SIM_STACK_BYTES - (char *)saved->sp);
	saved->object_bytes = changed_bytes(&fiber->op);
	saved->held_bytes = (u32)(fiber->lockdep.depth * sizeof(fiber->lockdep.held[0]));
	saved->op = fiber->op;
	saved->last_load = fiber->last_load;
	saved->last_value = fiber->last_value;
	saved->last_size = fiber->last_size;
	saved->lock_depth = fiber->lockdep.depth;
	saved->lock_spins = fiber->lockdep.spins;
	pool_put(saved->sp, saved->stack_bytes);
	pool_put(saved->op.object, saved->object_bytes);
	pool_put(fiber->lockdep.held, saved->held_bytes);
}

void rewind_undo(s32 e)
{
	struct saved_event *saved = &rewind_state.events[e];
	struct sim_fiber *fiber = saved->fiber;
	const u8 *from = &rewind_state.pool[saved->pool_before];

	memcpy(saved->sp, from, saved->stack_bytes);
	from += saved->stack_bytes;
	memcpy((void *)(uintptr_t)saved->op.object, from, saved->object_bytes);
	from += saved->object_bytes;
	memcpy(fiber->lockdep.held, from, saved->held_bytes);
	fiber->fiber.sp = saved->sp;
	fiber->op = saved->op;
	fiber->last_load = saved->last_load;
	fiber->last_value = saved->last_value;
	fiber->last_size = saved->last_size;
	fiber->lockdep.depth = saved->lock_depth;
	fiber->lockdep.spins = saved->lock_spins;
	fiber->ended = false;
	rewind_state.used = saved->pool_before;
}
