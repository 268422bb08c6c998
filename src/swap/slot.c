/* SPDX-License-Identifier: MIT */
/*
 * Slots: which are free, and how many entries refer to each.
 *
 * Every CPU fills a cluster of its own, so that two of them that write out meet at no lock, and
 * what one process loses together lies together, where readahead finds it. Only when its cluster
 * is full does a CPU ask for another one: of the area with the highest priority that has room;
 * areas of the same priority take turns at that.
 */
#include "base/uapi.h"
#include "swap/swap_internal.h"

/* ---- an entry's slot ------------------------------------------------------------------ */

struct swap_cluster *swap_lock_slot(struct machine *m, swp_entry_t entry,
				    struct swap_slot **ret_slot)
{
	struct swap_area *area = swap_area_of(m, entry.type);
	struct swap_memory *memory = area ? smp_load_acquire(&area->memory) : NULL;
	struct swap_cluster *cluster;

	if (!memory || entry.offset >= memory->max_slots)
		return NULL;
	cluster = &memory->clusters[entry.offset / SWAP_CLUSTER];
	spin_lock(&cluster->lock);
	if (cluster->state == CLUSTER_OFF || cluster->area != area ||
	    entry.offset - cluster->first >= cluster->nr) {
		spin_unlock(&cluster->lock);
		return NULL;
	}
	*ret_slot = &cluster->slots[entry.offset - cluster->first];
	return cluster;
}

/* ---- free slots ----------------------------------------------------------------------- */

/* cluster locked and on no list, or (nobody has picked it meanwhile) on one: onto another. */
static void cluster_move(struct swap_cluster *cluster, enum cluster_state state)
{
	struct swap *swap = machine_of(cluster)->swap;
	struct list_head *list = NULL;

	if (state == CLUSTER_FREE)
		list = &cluster->area->free;
	else if (state == CLUSTER_PARTIAL)
		list = &cluster->area->partial;
	spin_lock(&swap->lock);
	if (!list_empty(&cluster->list))
		list_del_init(&cluster->list);
	if (list)
		list_add_tail(&cluster->list, list);
	cluster->state = state;
	spin_unlock(&swap->lock);
}

/* Somebody took a listed cluster off and is about to make it current. */
static bool cluster_is_picked(struct swap_cluster *cluster)
{
	struct swap *swap = machine_of(cluster)->swap;
	bool picked;

	spin_lock(&swap->lock);
	picked = list_empty(&cluster->list);
	spin_unlock(&swap->lock);
	return picked;
}

void swap_slot_release(struct swap_cluster *cluster, struct swap_slot *slot)
{
	struct machine *m = machine_of(cluster);

	VM_BUG_ON2(slot->count || slot->cache, slot->count, slot - cluster->slots);
	VM_BUG_ON2(cluster->used == 0, cluster->first, cluster->nr);
	cluster->used--;
	atomic64_dec(&cluster->area->used);
	atomic64_inc(&m->swap->nr_free);
	if (cluster->state == CLUSTER_FULL)
		cluster_move(cluster, cluster->used ? CLUSTER_PARTIAL : CLUSTER_FREE);
	else if (cluster->state == CLUSTER_PARTIAL && !cluster->used && !cluster_is_picked(cluster))
		cluster_move(cluster, CLUSTER_FREE);
}

static bool slot_is_free(const struct swap_slot *slot)
{
	return !slot->count && !slot->cache;
}

/* cluster locked and current: one of its free slots becomes the page's. */
static bool cluster_take(struct swap_cluster *cluster, struct page *page, swp_entry_t *ret_entry)
{
	for (u32 i = 0; i < cluster->nr; i++) {
		u32 at = (cluster->next + i) % cluster->nr;
		struct swap_slot *slot = &cluster->slots[at];

		if (!slot_is_free(slot))
			continue;
		slot->cache = page;
		cluster->next = at + 1;
		cluster->used++;
		atomic64_inc(&cluster->area->used);
		atomic64_dec(&machine_of(cluster)->swap->nr_free);
		*ret_entry = (swp_entry_t){ cluster->area->type, cluster->first + at };
		return true;
	}
	return false;
}

/* A slot of a cluster that some CPU fills; false: it does no more, or has none. */
static bool current_cluster_take(struct swap_cluster *cluster, struct page *page,
				 swp_entry_t *ret_entry)
{
	bool taken = false;

	spin_lock(&cluster->lock);
	if (cluster->state == CLUSTER_CURRENT && READ_ONCE(cluster->area->writable)) {
		taken = cluster_take(cluster, page, ret_entry);
		if (!taken)
			cluster_move(cluster, CLUSTER_FULL);
	}
	spin_unlock(&cluster->lock);
	return taken;
}

/* The CPU goes on with another one. */
static void cluster_put_back(struct swap_cluster *cluster)
{
	spin_lock(&cluster->lock);
	if (cluster->state == CLUSTER_CURRENT) {
		if (cluster->used == cluster->nr)
			cluster_move(cluster, CLUSTER_FULL);
		else
			cluster_move(cluster, cluster->used ? CLUSTER_PARTIAL : CLUSTER_FREE);
	}
	spin_unlock(&cluster->lock);
}

/* swap->lock held: behind the others of its priority. */
static void area_rotate(struct swap *swap, struct swap_area *area)
{
	struct list_head *at = area->order.next;

	while (at != &swap->order &&
	       list_entry(at, struct swap_area, order)->priority == area->priority)
		at = at->next;
	list_del_init(&area->order);
	list_insert_between(&area->order, at->prev, at);
}

/* Takes a cluster with free slots off its list; NULL: there is none. */
static struct swap_cluster *pick_cluster(struct swap *swap)
{
	struct swap_cluster *cluster = NULL;
	struct swap_area *area;

	spin_lock(&swap->lock);
	list_for_each_entry(area, &swap->order, order) {
		struct list_head *from = list_empty(&area->free) ? &area->partial : &area->free;

		if (list_empty(from))
			continue;
		cluster = list_first_entry(from, struct swap_cluster, list);
		list_del_init(&cluster->list);
		area_rotate(swap, area);
		break;
	}
	spin_unlock(&swap->lock);
	return cluster;
}

/* The cluster that was picked becomes the one of this CPU. */
static void adopt_cluster(struct machine *m, struct swap_cluster *cluster)
{
	struct swap_cluster **hint = &m->swap->current_cluster[machine_this_cpu(m)];
	struct swap_cluster *old;

	spin_lock(&cluster->lock);
	if (cluster->state != CLUSTER_OFF)
		cluster_move(cluster, CLUSTER_CURRENT);
	spin_unlock(&cluster->lock);
	old = sync_xchg(hint, cluster, SYNC_ACQ_REL);
	if (old && old != cluster)
		cluster_put_back(old);
}

/* Nothing is left but what other CPUs have for themselves. */
static bool steal_slot(struct machine *m, struct page *page, swp_entry_t *ret_entry)
{
	for (u32 cpu = 0; cpu < m->config.cpus; cpu++) {
		struct swap_cluster *cluster = smp_load_acquire(&m->swap->current_cluster[cpu]);

		if (cluster && current_cluster_take(cluster, page, ret_entry))
			return true;
	}
	return false;
}

int swap_slot_take(struct page *page, swp_entry_t *ret_entry)
{
	struct machine *m = machine_of(page);
	struct swap *swap = m->swap;
	struct swap_cluster *cluster =
		smp_load_acquire(&swap->current_cluster[machine_this_cpu(m)]);

	while (!cluster || !current_cluster_take(cluster, page, ret_entry)) {
		cluster = pick_cluster(swap);
		if (!cluster)
			return steal_slot(m, page, ret_entry) ? 0 : -ENOMEM;
		adopt_cluster(m, cluster);
	}
	return 0;
}

/* ---- counts --------------------------------------------------------------------------- */

int swap_duplicate(struct machine *m, swp_entry_t entry)
{
	struct swap_slot *slot;
	struct swap_cluster *cluster = swap_lock_slot(m, entry, &slot);
	int err = 0;

	VM_BUG_ON2(!cluster, entry.type, entry.offset);
	VM_BUG_ON2(slot_is_free(slot) || slot->count == SWAP_SLOT_BAD, entry.type, entry.offset);
	if (slot->count == SWAP_COUNT_MAX)
		err = -ENOMEM;
	else
		slot->count++;
	swap_slot_changed(cluster->area);
	spin_unlock(&cluster->lock);
	return err;
}

/* One entry less. *ret_page, if wanted: the page of a slot that no entry refers to any more. */
static void swap_put(struct machine *m, swp_entry_t entry, struct page **ret_page)
{
	struct swap_slot *slot;
	struct swap_cluster *cluster = swap_lock_slot(m, entry, &slot);

	VM_BUG_ON2(!cluster, entry.type, entry.offset);
	VM_BUG_ON2(!slot->count || slot->count == SWAP_SLOT_BAD, entry.type, entry.offset);
	slot->count--;
	swap_slot_changed(cluster->area);
	if (slot_is_free(slot)) {
		swap_slot_release(cluster, slot);
	} else if (ret_page && !slot->count) {
		get_page(slot->cache);
		*ret_page = slot->cache;
	}
	spin_unlock(&cluster->lock);
}

void swap_free(struct machine *m, swp_entry_t entry)
{
	swap_put(m, entry, NULL);
}

void free_swap_and_cache(struct machine *m, swp_entry_t entry)
{
	struct page *page = NULL;

	swap_put(m, entry, &page);
	if (!page)
		return;
	if (page_trylock(page)) {
		/* Somebody may have taken it out since, or still map it. */
		if (page_test_swapcache(page) && (!page_mapcount(page) || vm_swap_full(m)))
			(void)folio_free_swap(page);
		page_unlock(page);
	}
	put_page(page);
}

u32 swap_count(struct machine *m, swp_entry_t entry)
{
	struct swap_slot *slot;
	struct swap_cluster *cluster = swap_lock_slot(m, entry, &slot);
	u32 count;

	if (!cluster)
		return 0;
	count = slot->count == SWAP_SLOT_BAD ? 0 : slot->count;
	spin_unlock(&cluster->lock);
	return count;
}

bool swap_next_used(struct machine *m, u32 type, u64 *slot)
{
	struct swap_area *area = swap_area_of(m, type);
	u64 nr = area && READ_ONCE(area->memory) ? area->nr_slots : 0;

	for (u64 at = MAX(*slot, 1); at < nr; at++) {
		struct swap_slot *found;
		struct swap_cluster *cluster = swap_lock_slot(m, (swp_entry_t){ type, at }, &found);
		bool used;

		if (!cluster)
			return false;
		used = !slot_is_free(found);
		spin_unlock(&cluster->lock);
		if (used) {
			*slot = at;
			return true;
		}
	}
	return false;
}
