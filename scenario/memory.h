/* SPDX-License-Identifier: MIT */
/*
 * Where a scenario's own state lives: its session, its tasks, its backend and all of Lua. From
 * the C library as a rule. While it is explored, from one region that is put back as a whole
 * before each execution.
 */
#ifndef SCENARIO_MEMORY_H
#define SCENARIO_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

/* Zeroed; NULL when there is none. */
void *scn_alloc(size_t size);
void scn_free(void *memory);
/* As an allocator of Lua's: old has old_size bytes; size 0 frees. */
void *scn_resize(void *old, size_t old_size, size_t size);

/* From here on, from a region of this size, which *ret_start tells. False: no memory. */
bool scn_region_begin(size_t bytes, void **ret_start);
/* What is free in the middle of the region stays free: from here on it grows at its end. */
void scn_region_seal(void);
void scn_region_end(void);

#endif
