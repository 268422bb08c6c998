/* SPDX-License-Identifier: MIT */
/* Between the files of weak. */
#ifndef EXPLORE_WEAK_INTERNAL_H
#define EXPLORE_WEAK_INTERNAL_H

#include "explore/weak.h"
#include "sync/sim/sched.h"

/* What an operation is made of. */
struct weak_shape {
	bool known; /* it has a place in a graph */
	u8 bytes;   /* of its word; 0: as announced */
	bool reads, writes;
	u8 read_flags, write_flags;
};

const struct weak_shape *weak_shape(unsigned kind);

/* What an operation does, given what it read. */
struct weak_outcome {
	bool waits;  /* it cannot go on */
	bool writes; /* it goes on to write `value` */
	u64 value;
};

struct weak_outcome weak_evaluate(const struct weak_event *event);
/* By what it is and has read. */
void weak_set_flags(struct weak_event *event);

#endif
