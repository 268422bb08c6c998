/* SPDX-License-Identifier: MIT */
/* phys: zones and the per-CPU lists, for the files of this room. */
#ifndef PHYS_PHYS_INTERNAL_H
#define PHYS_PHYS_INTERNAL_H

#include "phys/alloc.h"

#define MAX_ZONES (MAX_NODES * NR_ZONES)

struct free_area {
	struct list_head blocks; /* PG_buddy pages, by lru */
	u64 nr;
};

/* (c) constant after phys_init; the rest by lock */
struct zone {
	u64 start, end;       /* c: frames [start, end) */
	u32 node;             /* c */
	u32 type;             /* c: enum zone_type */
	u32 index;            /* c: in phys->zones and in the per-CPU lists */
	u32 batch;            /* c: frames moved at once between a per-CPU list and here */
	u32 pcp_high;         /* c: a per-CPU list longer than this gives a batch back */
	u64 wmark[NR_WMARKS]; /* c: frames */

	spinlock_t lock;
	u64 next;      /* frames [start, next) have page structs */
	u64 nr_unused; /* frames in [next, end) that can be handed out */
	u64 nr_free;   /* frames on the lists below; read without the lock by statistics */
	struct free_area areas[MAX_ORDER + 1];
} __cacheline_aligned;

/* Free frames of one zone that a CPU keeps; a stack, linked through lru.next. */
struct pcp_list {
	struct page *top;
	u32 count; /* read without the lock by statistics */
};

struct pcp {
	spinlock_t lock; /* also for this CPU's part of PGALLOC and PGFREE */
	struct pcp_list lists[MAX_ZONES];
} __cacheline_aligned;

/* The zones to try, best first. */
struct zonelist {
	u32 nr;
	struct zone *zones[MAX_ZONES];
};

/* Constant after phys_init but for what it points to. */
struct phys {
	u64 node_pages;
	u32 nr_zones;
	struct pcp *pcps;                         /* one a CPU */
	struct zonelist kernel_lists[MAX_NODES];  /* by preferred node */
	struct zonelist movable_lists[MAX_NODES]; /* for GFP_MOVABLE */
	struct zone zones[MAX_ZONES];
};

static inline struct zone *page_zone(const struct machine *m, const struct page *page)
{
	return &m->phys->zones[page_node(page) * NR_ZONES + page_zone_type(page)];
}

/* Frames that could still be handed out. Locked. */
static inline u64 zone_available_locked(const struct zone *zone)
{
	return zone->nr_free + zone->nr_unused;
}

/*
 * A block of 2^order frames off the lists, brought into use if need be; NULL: there is none.
 * Its pages keep their flags but PG_buddy. Locked.
 */
struct page *zone_take_locked(struct machine *m, struct zone *zone, unsigned order);
/* The order in which to take frames, of which nr (not zero) are wanted in any blocks. Locked. */
unsigned zone_bulk_order_locked(const struct zone *zone, u64 nr);
/* A block back, merged with its free neighbours. Locked. */
void zone_give_locked(struct machine *m, struct zone *zone, struct page *page, unsigned order);
void zone_init(struct zone *zone);

#endif
