/* SPDX-License-Identifier: MIT */
/*
 * Accesses that only watch the machine: counters, trace events, switches that are set while it
 * is idle. Nothing decides by them, so in the simulator they are no scheduling points: a trace
 * that is switched on must not move the schedule. Between threads they are atomic.
 */
#ifndef MACHINE_QUIET_H
#define MACHINE_QUIET_H

#include "sync/sync.h"

#ifdef UMM_SIM
#define quiet_load(p) (*(volatile __typeof__(*(p)) *)(p))
#define quiet_load_acquire(p) quiet_load(p)
#define quiet_store(p, v) ((void)(*(volatile __typeof__(*(p)) *)(p) = (v)))
#define quiet_store_release(p, v) quiet_store(p, v)
static inline u64 quiet_fetch_add(u64 *p, u64 v)
{
	u64 old = quiet_load(p);

	quiet_store(p, old + v);
	return old;
}
static inline u64 quiet_cmpxchg(u64 *p, u64 expected, u64 desired)
{
	u64 old = quiet_load(p);

	if (old == expected)
		quiet_store(p, desired);
	return old;
}
#define quiet_fence() barrier()
#else
#define quiet_load(p) sync_load(p, SYNC_RELAXED)
#define quiet_load_acquire(p) sync_load(p, SYNC_ACQUIRE)
#define quiet_store(p, v) sync_store(p, v, SYNC_RELAXED)
#define quiet_store_release(p, v) sync_store(p, v, SYNC_RELEASE)
#define quiet_fetch_add(p, v) sync_fetch_add(p, v, SYNC_RELAXED)
#define quiet_cmpxchg(p, expected, desired) sync_cmpxchg(p, expected, desired, SYNC_ACQ_REL)
#define quiet_fence() sync_fence(SYNC_ACQ_REL)
#endif

#endif
