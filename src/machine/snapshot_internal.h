/* SPDX-License-Identifier: MIT */
/* machine: what a snapshot is made of, for the files that take, restore, save and load one. */
#ifndef MACHINE_SNAPSHOT_INTERNAL_H
#define MACHINE_SNAPSHOT_INTERNAL_H

#include "machine/machine.h"

/* Consecutive pages of the arena; the same in memory and in a file. */
struct snapshot_run {
	u64 offset; /* bytes from the base of the arena, a multiple of 4096 */
	u64 bytes;  /* a multiple of 4096, not zero */
};

/* Runs in the order of their offsets; the contents of all of them behind each other. */
struct umm_snapshot {
	struct machine *machine;
	struct snapshot_run *runs;
	u8 *data;
	u64 nr_runs, max_runs;
	u64 data_bytes;
};

#endif
