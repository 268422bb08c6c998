/* SPDX-License-Identifier: MIT */
/*
 * sync: a barrier whose cost is all on one side. The frequent side runs sync_light_barrier()
 * (a compiler barrier where the host can help), the rare side sync_membarrier(); between the
 * two every store before one is seen after the other.
 */
#ifndef SYNC_MEMBARRIER_H
#define SYNC_MEMBARRIER_H

#include "sync/sync.h"

#ifdef UMM_SIM

static inline void sync_membarrier_init(void)
{
}

static inline void sync_membarrier(void)
{
	smp_mb();
}

/*
 * A simulated instruction is about to touch a frame, after looking at a generation (NULL:
 * none): where the scheduler may run somebody else first.
 */
#define SYNC_ANNOUNCES 1
void sync_access_point(const void *frame, const void *generation, bool write);

/* Fibers interleave at scheduling points only. */
static inline void sync_light_barrier(void)
{
	sim_light_barrier();
}

#else

#define SYNC_ANNOUNCES 0

static inline void sync_access_point(const void *frame, const void *generation, bool write)
{
	(void)frame;
	(void)generation;
	(void)write;
}

extern bool sync_membarrier_is_light; /* written once, before any thread uses it */

void sync_membarrier_init(void);
void sync_membarrier(void);

static inline void sync_light_barrier(void)
{
	if (unlikely(!sync_membarrier_is_light))
		smp_mb();
	else
		barrier();
}

#endif

#endif
