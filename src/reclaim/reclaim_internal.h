/* SPDX-License-Identifier: MIT */
/* reclaim: what one round of reclaim works on. */
#ifndef RECLAIM_RECLAIM_INTERNAL_H
#define RECLAIM_RECLAIM_INTERNAL_H

#include "reclaim/reclaim.h"

/* Pages worked on at a time, and what a direct reclaimer wants. */
#define RECLAIM_BATCH 32
#define DEF_PRIORITY 12

struct scan {
	/* input */
	struct machine *m;
	u64 nr_wanted;
	bool kswapd;
	bool ignore_references; /* MADV_PAGEOUT */
	bool write_files;       /* dirty pages of regular files, too */
	/* scratch */
	int priority; /* a 2^priority-th of each list is looked at in a round */
	/* result */
	u64 nr_scanned, nr_freed;
};

enum page_fate {
	PAGE_FREED,    /* the last reference has been taken: free_zero_ref_page() */
	PAGE_KEPT,     /* back to its list */
	PAGE_ACTIVATED /* to its active list */
};

/* Try to free one isolated page, the caller having a reference. */
enum page_fate shrink_page(struct scan *scan, struct page *page);
/*
 * All pages of a list of isolated ones, each with a reference that goes. What cannot be freed is
 * put back; *ret_activated counts what was made active, of anonymous and file pages.
 */
void shrink_page_list(struct scan *scan, struct list_head *pages, u64 ret_activated[2]);

/* A round over the lists of one node of a group. */
void shrink_lruvec(struct scan *scan, struct lruvec *lruvec);

#endif
