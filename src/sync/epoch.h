/* SPDX-License-Identifier: MIT */
/*
 * Epochs: Linux's RCU in its smallest form. A reader marks a section with epoch_enter and
 * epoch_exit; who takes something out of the readers' sight waits (epoch_wait), or defers the
 * freeing (epoch_defer), until every section that was open at that moment is closed.
 *
 *   epoch         a domain of readers: an epoch_wait waits for the readers of its own only
 *   epoch_record  the place of one reader: whoever uses it does so alone (say, one per CPU); the
 *                 caller places it, and it stays registered as long as the epoch lives
 *
 * native: Concurrency Kit. sim: a word per record; both run what was deferred in epoch_poll and
 * epoch_barrier only, on the caller. A deferred call is a pointer into the program, so that a
 * machine with one pending cannot be saved: call epoch_barrier first.
 */
#ifndef SYNC_EPOCH_H
#define SYNC_EPOCH_H

#include "sync/sync.h"

#ifndef UMM_SIM
#include <ck_epoch.h>
#endif

struct epoch_head;
typedef void epoch_fn(struct epoch_head *head);

/* Embedded in what is to be freed. */
struct epoch_head {
#ifdef UMM_SIM
	struct epoch_head *next;
#else
	ck_epoch_entry_t entry;
	struct epoch *epoch;
#endif
	epoch_fn *fn;
};

struct epoch {
#ifdef UMM_SIM
	struct epoch_record *records;
#else
	ck_epoch_t ck;
#endif
};

struct epoch_record {
#ifdef UMM_SIM
	struct epoch *epoch;
	struct epoch_record *next;
	struct epoch_head *pending;
	u32 sequence; /* odd: inside a section */
	unsigned depth;
	unsigned nr_pending;
#else
	ck_epoch_record_t ck;
#endif
};

void epoch_init(struct epoch *epoch);
/* Not at the same time as any other use of the epoch. */
void epoch_register(struct epoch *epoch, struct epoch_record *record);

/* A section; sections of one record may nest. The reader may not wait for the epoch inside. */
void epoch_enter(struct epoch_record *record);
void epoch_exit(struct epoch_record *record);

/* Returns when every section that was open on entry is closed. May sleep. */
void epoch_wait(struct epoch_record *record);
/* Calls fn(head) from a later epoch_poll or epoch_barrier of this record. */
void epoch_defer(struct epoch_record *record, struct epoch_head *head, epoch_fn *fn);
/* Runs what has been deferred and can be run without waiting. */
void epoch_poll(struct epoch_record *record);
/* Waits, then runs all that this record has deferred. May sleep. */
void epoch_barrier(struct epoch_record *record);
/* How many calls this record has deferred that have not run. */
unsigned epoch_pending(const struct epoch_record *record);

#endif
