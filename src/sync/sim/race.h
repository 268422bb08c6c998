/* SPDX-License-Identifier: MIT */
/*
 * race: notices on its first execution that two fibers touch the same memory with no order
 * between them, and that somebody touches what was freed. Theory: race.c.
 */
#ifndef SYNC_SIM_RACE_H
#define SYNC_SIM_RACE_H

#include "host/host.h"
#include "sync/sim/sched.h"

/* More than one fiber lives and the code was built to be watched (option sim_tsan). */
extern bool race_on;
/* Stepped: race_on while a fiber does its step, and not outside. */
extern bool race_armed;
/* Whether there are accesses to watch: somebody called __tsan_init. */
extern bool race_built;

/* ---- order: from fiber to fiber --------------------------------------------------------- */

/* The second fiber comes to life: what was before is before everything. */
void race_begin(void);
/* All of these start now, in no order. */
void race_begin_all(struct sim_fiber **fibers, unsigned nr);
void race_stop(void);
void race_spawned(const struct sim_fiber *child);
void race_ended(const struct sim_fiber *fiber);
void race_joined(int id);

/* What the object's releases ordered is before what the caller does next; the other way round. */
void race_acquire(const void *object);
void race_release(const void *object);
/* Readers that have left a rw_semaphore are before the next writer only. */
void race_acquire_readers(const void *object);
void race_release_readers(const void *object);
/* A marked access was carried out, with its order. */
void race_loaded(const void *p, unsigned size, int order, const void *pc);
/*
 * What the object's releases order now, for race_loaded_version of a load that reads what the
 * object holds now later on. RACE_NEWEST: what they order when it is read.
 */
#define RACE_NEWEST 0
u32 race_version(const void *p);
void race_loaded_version(const void *p, unsigned size, int order, const void *pc, u32 version);
/*
 * A marked access to a value that is not the newest any more, or never was: it reads what a
 * version tells about, and writes, or one of the two. The version of what it writes.
 */
u32 race_late(const void *p, unsigned size, int order, const void *pc, const u32 *version,
	      bool writes);
void race_stored(const void *p, unsigned size, int order, const void *pc);
void race_updated(const void *p, unsigned size, int order, const void *pc);
void race_fence(int order);

/* ---- accesses ---------------------------------------------------------------------------- */

enum { RACE_WRITE = 1, RACE_MARKED = 2 };

static inline bool race_watched(const void *p)
{
	return (uintptr_t)p - ARENA_BASE < ARENA_SLOTS * ARENA_SLOT_BYTES;
}

void race_access(const void *p, u64 bytes, unsigned flags, const void *pc);

#endif
