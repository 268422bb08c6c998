/* SPDX-License-Identifier: MIT */
/*
 * What an announced operation does to its word, as reads and writes: a lock is an update that
 * waits while somebody has it, a release is a store or an update back.
 */
#include "explore/weak_internal.h"

#define ACQ WEAK_ACQUIRE
#define REL WEAK_RELEASE

/*
 *      kind                  bytes reads  writes  read orders, write orders
 */
static const struct weak_shape shapes[NR_SIM_KINDS] = {
	[SIM_LOAD] = { true, 0, true, false, 0, 0 },
	[SIM_STORE] = { true, 0, false, true, 0, 0 },
	[SIM_RMW] = { true, 0, true, true, 0, 0 },
	[SIM_FENCE] = { true, 0, false, false, 0, 0 },
	[SIM_SPIN_LOCK] = { true, 4, true, true, ACQ, 0 },
	[SIM_SPIN_TRY] = { true, 4, true, true, ACQ, 0 },
	[SIM_SPIN_UNLOCK] = { true, 4, false, true, 0, REL },
	[SIM_MUTEX_LOCK] = { true, 4, true, true, ACQ, 0 },
	[SIM_MUTEX_TRY] = { true, 4, true, true, ACQ, 0 },
	[SIM_MUTEX_UNLOCK] = { true, 4, false, true, 0, REL },
	[SIM_READ_LOCK] = { true, 4, true, true, ACQ, 0 },
	[SIM_READ_TRY] = { true, 4, true, true, ACQ, 0 },
	[SIM_READ_UNLOCK] = { true, 4, true, true, 0, REL },
	[SIM_WRITE_LOCK] = { true, 4, true, true, ACQ, 0 },
	[SIM_WRITE_TRY] = { true, 4, true, true, ACQ, 0 },
	[SIM_WRITE_UNLOCK] = { true, 4, true, true, 0, REL },
	[SIM_DOWNGRADE] = { true, 4, true, true, 0, REL },
	[SIM_BIT_LOCK] = { true, 8, true, true, ACQ, 0 },
	[SIM_BIT_TRY] = { true, 8, true, true, ACQ, 0 },
	[SIM_BIT_UNLOCK] = { true, 8, true, true, 0, REL },
	[SIM_WAIT] = { true, 4, true, false, ACQ, 0 },
	[SIM_WAKE] = { true, 4, true, true, WEAK_MB_BEFORE, WEAK_MB_AFTER },
};

const struct weak_shape *weak_shape(unsigned kind)
{
	return &shapes[kind];
}

static u8 order_flags(const struct weak_event *event)
{
	bool full = event->order == SYNC_FULL;
	bool acquires = event->order == SYNC_ACQUIRE || event->order == SYNC_ACQ_REL;
	bool releases = event->order == SYNC_RELEASE || event->order == SYNC_ACQ_REL;

	if (event->type == WEAK_BARRIER) {
		if (full)
			return WEAK_MB_BEFORE;
		return (acquires ? WEAK_RMB : 0) | (releases ? WEAK_WMB : 0);
	}
	if (event->type == WEAK_READ) {
		/* An update that does not write orders nothing. */
		if (event->kind == SIM_RMW && !weak_evaluate(event).writes)
			return 0;
		if (full)
			return event->kind == SIM_RMW ? WEAK_MB_BEFORE : WEAK_ACQUIRE;
		return acquires ? WEAK_ACQUIRE : 0;
	}
	if (full)
		return WEAK_RELEASE | WEAK_MB_AFTER;
	return releases ? WEAK_RELEASE : 0;
}

void weak_set_flags(struct weak_event *event)
{
	const struct weak_shape *shape = &shapes[event->kind];
	bool word = shape->bytes == 0;

	event->flags &= WEAK_EXCLUSIVE;
	if (event->type == WEAK_READ && shape->writes)
		event->flags |= WEAK_UPDATE;
	if (word)
		event->flags |= order_flags(event);
	else if (event->type == WEAK_READ)
		event->flags |=
			weak_evaluate(event).writes || !shape->writes ? shape->read_flags : 0;
	else
		event->flags |= shape->write_flags;
}

static struct weak_outcome update(const struct weak_event *event, u64 old)
{
	switch (event->rmw) {
	case SIM_CMPXCHG:
		return (struct weak_outcome){ .writes = old == event->expected,
					      .value = event->arg };
	case SIM_ADD:
		return (struct weak_outcome){ .writes = true, .value = old + event->arg };
	case SIM_AND:
		return (struct weak_outcome){ .writes = true, .value = old & event->arg };
	case SIM_OR:
		return (struct weak_outcome){ .writes = true, .value = old | event->arg };
	default:
		return (struct weak_outcome){ .writes = true, .value = event->arg };
	}
}

static bool is_try(u8 kind)
{
	return kind == SIM_SPIN_TRY || kind == SIM_MUTEX_TRY || kind == SIM_READ_TRY ||
	       kind == SIM_WRITE_TRY || kind == SIM_BIT_TRY;
}

/* A lock: waits, or only looks, while it is busy. */
static struct weak_outcome take(u8 kind, bool busy, u64 value)
{
	return (struct weak_outcome){
		.waits = busy && !is_try(kind),
		.writes = !busy,
		.value = value,
	};
}

static struct weak_outcome give(u64 value)
{
	return (struct weak_outcome){ .writes = true, .value = value };
}

struct weak_outcome weak_evaluate(const struct weak_event *event)
{
	u64 old = event->value;

	switch (event->kind) {
	case SIM_RMW:
		return update(event, old);
	case SIM_SPIN_LOCK:
	case SIM_MUTEX_LOCK:
	case SIM_SPIN_TRY:
	case SIM_MUTEX_TRY:
		return take(event->kind, old, 1);
	case SIM_READ_LOCK:
	case SIM_READ_TRY:
		return take(event->kind, old & RWSEM_WRITER, old + 1);
	case SIM_WRITE_LOCK:
	case SIM_WRITE_TRY:
		return take(event->kind, old & (RWSEM_WRITER | RWSEM_READERS), old | RWSEM_WRITER);
	case SIM_READ_UNLOCK:
		return give(old - 1);
	case SIM_WRITE_UNLOCK:
		return give(old & ~(u64)RWSEM_WRITER);
	case SIM_DOWNGRADE:
		return give((old & ~(u64)RWSEM_WRITER) + 1);
	case SIM_BIT_LOCK:
	case SIM_BIT_TRY:
		return take(event->kind, old & BIT(event->arg), old | BIT(event->arg));
	case SIM_BIT_UNLOCK:
		return give(old & ~BIT(event->arg));
	case SIM_WAKE:
		return give(old + 1);
	case SIM_WAIT:
		return (struct weak_outcome){ .waits = old == event->arg };
	default:
		return (struct weak_outcome){ 0 };
	}
}
