/* SPDX-License-Identifier: MIT */
/* phys: the buddy allocator, by node and zone, with per-CPU lists for order 0. */
#ifndef PHYS_ALLOC_H
#define PHYS_ALLOC_H

#include "phys/page.h"

#define MAX_ORDER 10

enum zone_type { ZONE_NORMAL, ZONE_MOVABLE, NR_ZONES };

enum gfp {
	GFP_KERNEL = 0,
	GFP_ZERO = 1 << 0,    /* zero the frame(s) */
	GFP_MOVABLE = 1 << 1, /* user memory: ZONE_MOVABLE first */
	GFP_ATOMIC = 1 << 2,  /* may go below the min watermark */
};

/* Marks of free frames: what may go how far down, and what is to be restored. */
enum wmark {
	WMARK_ATOMIC, /* half of min: GFP_ATOMIC may go there */
	WMARK_MIN,
	WMARK_LOW,  /* below: the background reclaimer is wanted */
	WMARK_HIGH, /* above: it has done enough */
	NR_WMARKS
};

/* Nodes and zones from the configuration. Only arithmetic: sections come into use later. */
int phys_init(struct machine *m);

/*
 * 2^order frames, refcount 1, mapcount none, no flags but node and zone; NULL when there are
 * none above the watermark and none could be made, or an injected failure says so. node -1: the
 * current CPU's node first. May reclaim, and sleep, unless GFP_ATOMIC: see struct reclaim_ops.
 */
struct page *alloc_pages(struct machine *m, enum gfp gfp, unsigned order, int node,
			 enum fail_site site);
static inline struct page *alloc_page(struct machine *m, enum gfp gfp, enum fail_site site)
{
	return alloc_pages(m, gfp, 0, -1, site);
}

/* Back to the allocator; the page must have no references, mappings or flags of use left. */
void free_pages_to_buddy(struct page *page, unsigned order);
/* Empty the per-CPU lists into the buddy lists. */
void drain_all_pages(struct machine *m);

/* Frames that can be handed out: all but frame 0. */
u64 phys_total_pages(const struct machine *m);
/* Those that are free now, on whichever list or not yet in use. */
u64 phys_free_pages(const struct machine *m);
/* Whether a zone of the node has no more free frames than the mark; and its frames at "high". */
bool phys_node_below(const struct machine *m, unsigned node, enum wmark wmark);
u64 phys_node_high(const struct machine *m, unsigned node);
/* [first, end) of a node's frames. */
void phys_node_range(const struct machine *m, unsigned node, pfn_t *ret_first, pfn_t *ret_end);
/* The lists recounted: returns the number of contradictions, described through report. Idle. */
int phys_verify(struct machine *m, void (*report)(void *arg, const char *what, u64 a, u64 b),
		void *arg);
/* With config.poison: a frame that is free holds what it was left with. Idle. */
void phys_check_free_frame(struct machine *m, pfn_t pfn);
/*
 * Next frame in use (refcount above zero) at or after pfn; false: no more. Skips frame 0 and
 * sections not in use.
 */
bool phys_next_used(struct machine *m, pfn_t pfn, pfn_t *ret_pfn);

#endif
