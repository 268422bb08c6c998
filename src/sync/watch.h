/* SPDX-License-Identifier: MIT */
/*
 * Tells the simulator which memory is free, so that it can say who freed what somebody uses.
 * Nothing in other builds.
 */
#ifndef SYNC_WATCH_H
#define SYNC_WATCH_H

#include "base/types.h"

#ifdef UMM_SIM
/* An object, or whole pages, from here on until sync_watch_used. */
void sync_watch_freed(const void *p, u64 bytes);
void sync_watch_used(const void *p, u64 bytes);
#else
static inline void sync_watch_freed(const void *p, u64 bytes)
{
	(void)p;
	(void)bytes;
}

static inline void sync_watch_used(const void *p, u64 bytes)
{
	(void)p;
	(void)bytes;
}
#endif

#endif
