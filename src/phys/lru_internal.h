/* SPDX-License-Identifier: MIT */
/* phys: the batches of pages about to go on LRU lists. */
#ifndef PHYS_LRU_INTERNAL_H
#define PHYS_LRU_INTERNAL_H

#include "phys/lru.h"

#define LRU_BATCH 31

struct lru_batch {
	spinlock_t lock; /* LC_LRU_BATCH */
	u32 nr;
	struct page *pages[LRU_BATCH]; /* the oldest first */
} __cacheline_aligned;

struct lru {
	struct lru_batch *batches; /* one a CPU */
};

#define PAGE_BATCH_MASK (BIT(PG_lru_batch) | PAGE_CPU_MASK)

static inline u64 batch_flags(unsigned cpu)
{
	return BIT(PG_lru_batch) | (u64)cpu << PAGE_CPU_SHIFT;
}

#endif
