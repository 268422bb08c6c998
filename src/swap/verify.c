/* SPDX-License-Identifier: MIT */
/* swap: what is kept of free slots and clusters, recounted; and what an idle slot looks like. */
#include "swap/swap_internal.h"

struct swap_checker {
	const struct machine *m;
	void (*report)(void *arg, const char *what, u64 a, u64 b);
	void *arg;
	int findings;
};

static void expect(struct swap_checker *checker, bool holds, const char *what, u64 a, u64 b)
{
	if (holds)
		return;
	checker->findings++;
	checker->report(checker->arg, what, a, b);
}

static const struct swap_area *area_on(const struct machine *m, u32 type)
{
	const struct swap_area *area =
		m->swap && type < MAX_SWAP_AREAS ? m->swap->areas[type] : NULL;

	return area && area->memory ? area : NULL;
}

u64 swap_peek_slots(const struct machine *m, u32 type)
{
	const struct swap_area *area = area_on(m, type);

	return area ? area->nr_slots : 0;
}

bool swap_peek(const struct machine *m, swp_entry_t entry, u32 *ret_count, struct page **ret_page)
{
	const struct swap_area *area = area_on(m, entry.type);
	const struct swap_slot *slot;

	if (!area || entry.offset == 0 || entry.offset >= area->nr_slots)
		return false;
	slot = &area->memory->slots[entry.offset];
	*ret_count = slot->count;
	*ret_page = slot->cache;
	return true;
}

/* How often a cluster is on a list. */
static u32 times_listed(const struct swap_cluster *cluster, const struct list_head *head)
{
	const struct list_head *at;
	u32 nr = 0;

	for (at = head->next; at != head; at = at->next)
		nr += at == &cluster->list;
	return nr;
}

static void check_cluster(struct swap_checker *checker, const struct swap_area *area,
			  const struct swap_cluster *cluster)
{
	u32 free = times_listed(cluster, &area->free);
	u32 partial = times_listed(cluster, &area->partial);
	u64 id = (u64)area->type << 32 | cluster->first;
	u32 used = 0;

	for (u32 i = 0; i < cluster->nr; i++)
		used += cluster->slots[i].count || cluster->slots[i].cache;
	expect(checker, cluster->used == used, "a cluster miscounts its slots in use", id,
	       cluster->used);
	expect(checker, !cluster->lock.word, "the lock of a cluster is held", id, 0);
	expect(checker, cluster->area == area, "a cluster belongs to another area", id, 0);
	expect(checker, free == (cluster->state == CLUSTER_FREE),
	       "a cluster and the list of free ones disagree", id, cluster->state);
	expect(checker, partial == (cluster->state == CLUSTER_PARTIAL),
	       "a cluster and the list of partial ones disagree", id, cluster->state);
	switch (cluster->state) {
	case CLUSTER_FREE:
		expect(checker, !used, "a free cluster has slots in use", id, used);
		break;
	case CLUSTER_PARTIAL:
		expect(checker, used && used < cluster->nr, "a partial cluster is empty or full",
		       id, used);
		break;
	case CLUSTER_FULL:
		expect(checker, used == cluster->nr, "a full cluster has free slots", id, used);
		break;
	default:
		expect(checker, cluster->state == CLUSTER_CURRENT, "a cluster is off", id, 0);
	}
}

static u64 check_area(struct swap_checker *checker, const struct swap_area *area)
{
	u64 used = 0;

	for (u64 first = 0; first < area->nr_slots; first += SWAP_CLUSTER) {
		const struct swap_cluster *cluster = &area->memory->clusters[first / SWAP_CLUSTER];

		check_cluster(checker, area, cluster);
		used += cluster->used;
	}
	used--; /* the one that is no slot */
	expect(checker, (u64)area->used.v == used, "an area miscounts its slots in use", area->type,
	       (u64)area->used.v);
	expect(checker, area->writable, "an area was left stopped", area->type, 0);
	return used;
}

static void check_order(struct swap_checker *checker, const struct swap *swap, u32 nr_on)
{
	const struct swap_area *area, *last = NULL;
	u32 nr = 0;

	list_for_each_entry(area, &swap->order, order) {
		expect(checker, !last || last->priority >= area->priority, "areas are out of order",
		       area->type, (u64)area->priority);
		last = area;
		nr++;
	}
	expect(checker, nr == nr_on, "areas that are on, and those listed, differ", nr_on, nr);
}

int swap_verify(struct machine *m, void (*report)(void *arg, const char *what, u64 a, u64 b),
		void *arg)
{
	struct swap_checker checker = { .m = m, .report = report, .arg = arg };
	u64 used = 0, total = 0;
	u32 nr_on = 0;

	for (u32 type = 0; type < MAX_SWAP_AREAS; type++) {
		const struct swap_area *area = area_on(m, type);

		if (!area)
			continue;
		nr_on++;
		total += area->nr_slots - 1;
		used += check_area(&checker, area);
	}
	check_order(&checker, m->swap, nr_on);
	expect(&checker, (u64)m->total_swap_pages.v == total,
	       "the slots of all areas are miscounted", (u64)m->total_swap_pages.v, total);
	expect(&checker, (u64)m->swap->nr_free.v == total - used, "free slots are miscounted",
	       (u64)m->swap->nr_free.v, total - used);
	expect(&checker, !m->swap->lock.word, "the lock of the areas is held", 0, 0);
	expect(&checker, !m->swap->control.word, "the lock of swapon is held", 0, 0);
	return checker.findings;
}
