/* SPDX-License-Identifier: MIT */
/*
 * Reclaim: who needs memory makes it.
 *
 *   alloc_pages      no frame above min              try_to_free_pages: direct, then OOM
 *   alloc_user_page  the group is at its limit       the same, of the group
 *   kswapd           below low, until above high     kswapd_balance, stepped by umm_kswapd
 *   MADV_PAGEOUT     these pages                     reclaim_pages
 *
 *   page.c    what becomes of one page
 *   lists.c   which pages are looked at
 *   oom.c     when nothing could be had
 *
 * Locks: mmap_lock may be held by the caller. A page is locked by trying only; then the reverse
 * map's locks, entries, the caches' spinlocks. lru_lock is held for isolating and putting back,
 * never across any other of these. Writing is synchronous: there is no page under write-back to
 * wait for, and no flusher, whose part (dirty pages of files) reclaim does itself.
 *
 * Two lists of each kind, as Linux has without CONFIG_LRU_GEN: a page that is used twice becomes
 * active, active pages age as long as the inactive ones are few. Rejected: generations. They find
 * pages by walking page tables of processes that ran, in the background and by statistics over
 * time; a machine that is stepped has neither a background nor time, so that what they would choose
 * had to be made up, while the two lists follow from the accesses alone and can be predicted by who
 * writes a scenario. Not here either: refault distances (a page that comes back soon after it was
 * reclaimed counts as any other).
 */
#include "base/uapi.h"
#include "reclaim/reclaim_internal.h"

const struct reclaim_ops reclaim_ops = {
	.try_to_free = try_to_free_pages,
	.out_of_memory = out_of_memory,
	.reclaim_pages = reclaim_pages,
	.reap = oom_reap,
};

u64 reclaim_pages(struct machine *m, struct list_head *pages)
{
	struct scan scan = { .m = m, .ignore_references = true };
	u64 activated[2] = { 0, 0 };

	shrink_page_list(&scan, pages, activated);
	return scan.nr_freed;
}

/* One round over a node: of one group, or of all. */
static void shrink_node(struct scan *scan, u32 group, unsigned node)
{
	struct mem_group *one;

	for (u32 id = group; (one = group_of(scan->m, id)) != NULL; id++) {
		shrink_lruvec(scan, &one->lruvecs[node]);
		if (group || scan->nr_freed >= scan->nr_wanted)
			break;
	}
}

u64 try_to_free_pages(struct machine *m, u32 group, u64 nr_wanted)
{
	struct scan scan = { .m = m, .nr_wanted = nr_wanted, .write_files = true };

	lru_add_drain_all(m);
	for (scan.priority = DEF_PRIORITY; scan.priority >= 0; scan.priority--) {
		for (unsigned node = 0; node < m->config.nodes; node++)
			shrink_node(&scan, group, node);
		if (scan.nr_freed >= nr_wanted)
			break;
	}
	return scan.nr_freed;
}

bool kswapd_wanted(struct machine *m, unsigned node)
{
	return phys_node_below(m, node, WMARK_LOW);
}

u64 kswapd_balance(struct machine *m, unsigned node, bool force)
{
	struct scan scan = { .m = m, .kswapd = true, .write_files = true };

	lru_add_drain_all(m);
	for (scan.priority = DEF_PRIORITY; scan.priority >= 0; scan.priority--) {
		drain_all_pages(m);
		if (!phys_node_below(m, node, WMARK_HIGH) && (!force || scan.nr_freed))
			break;
		scan.nr_wanted = scan.nr_freed + phys_node_high(m, node);
		shrink_node(&scan, 0, node);
	}
	return scan.nr_freed;
}
