/* SPDX-License-Identifier: MIT */
/* Swap areas: switched on, stopped, switched off, listed. */
#include "base/format.h"
#include "base/uapi.h"
#include "swap/swap_internal.h"

/* vm.overcommit_ratio: the kernel's default, as in vma/mm.c. */
#define OVERCOMMIT_RATIO 50
#define MAX_AREA_PAGES (1ull << 32)

int swap_init(struct machine *m)
{
	struct swap *swap = machine_alloc_forever(m, sizeof(*swap));

	if (!swap)
		return -ENOMEM;
	spin_lock_init(&swap->lock, LC_SWAP);
	mutex_init(&swap->control, LC_SWAPON);
	list_init(&swap->order);
	swap->least_priority = -1;
	m->swap = swap;
	return 0;
}

void swap_control_lock(struct machine *m)
{
	mutex_lock(&m->swap->control);
}

void swap_control_unlock(struct machine *m)
{
	mutex_unlock(&m->swap->control);
}

u64 swap_free_pages(struct machine *m)
{
	return (u64)MAX(atomic64_read(&m->swap->nr_free), 0);
}

u64 swap_total_pages(struct machine *m)
{
	return (u64)atomic64_read(&m->total_swap_pages);
}

bool vm_swap_full(struct machine *m)
{
	return swap_free_pages(m) * 2 < swap_total_pages(m);
}

/* ---- room for an area ----------------------------------------------------------------- */

static struct swap_memory *memory_create(struct machine *m, u64 max_slots, bool data)
{
	struct swap_memory *memory = machine_alloc_forever(m, sizeof(*memory));
	u64 nr_clusters = (max_slots + SWAP_CLUSTER - 1) / SWAP_CLUSTER;

	if (!memory)
		return NULL;
	memory->max_slots = max_slots;
	memory->slots = machine_alloc_forever(m, max_slots * sizeof(*memory->slots));
	memory->clusters = machine_alloc_forever(m, nr_clusters * sizeof(*memory->clusters));
	if (data)
		memory->data = machine_alloc_forever(m, (max_slots - 1) << PAGE_SHIFT);
	if (!memory->slots || !memory->clusters || (data && !memory->data))
		return NULL;
	for (u64 i = 0; i < nr_clusters; i++) {
		struct swap_cluster *cluster = &memory->clusters[i];

		spin_lock_init(&cluster->lock, LC_SWAP_CLUSTER);
		list_init(&cluster->list);
		cluster->first = i * SWAP_CLUSTER;
		cluster->slots = &memory->slots[cluster->first];
	}
	return memory;
}

/* One that an area before has left, if it is large enough and not much too large. */
static struct swap_memory *memory_reuse(struct swap *swap, u64 nr_slots, bool data)
{
	struct swap_memory **link = &swap->free_memory, *memory;

	spin_lock(&swap->lock);
	while ((memory = *link) &&
	       ((memory->data != NULL) != data || memory->max_slots < nr_slots ||
		memory->max_slots / 4 > nr_slots))
		link = &memory->next_free;
	if (memory)
		*link = memory->next_free;
	spin_unlock(&swap->lock);
	return memory;
}

static struct swap_memory *memory_get(struct machine *m, u64 nr_slots, bool data)
{
	struct swap_memory *memory = memory_reuse(m->swap, nr_slots, data);
	u64 max_slots = 16;

	if (memory)
		return memory;
	while (max_slots < nr_slots)
		max_slots *= 2;
	/* Data is what costs: not more of it than is asked for. */
	return memory_create(m, data ? nr_slots : max_slots, data);
}

static void memory_put(struct swap *swap, struct swap_memory *memory)
{
	spin_lock(&swap->lock);
	memory->next_free = swap->free_memory;
	swap->free_memory = memory;
	spin_unlock(&swap->lock);
}

/* ---- on ------------------------------------------------------------------------------- */

/* The area of the lowest number that is off. */
static struct swap_area *find_unused_area(struct machine *m)
{
	struct swap *swap = m->swap;

	for (u32 type = 0; type < MAX_SWAP_AREAS; type++) {
		struct swap_area *area = swap->areas[type];

		if (area && !area->memory)
			return area;
		if (area)
			continue;
		area = machine_alloc_forever(m, sizeof(*area));
		if (!area)
			return NULL;
		area->type = type;
		list_init(&area->order);
		list_init(&area->free);
		list_init(&area->partial);
		smp_store_release(&swap->areas[type], area);
		return area;
	}
	return NULL;
}

static bool areas_full(const struct swap *swap)
{
	for (u32 type = 0; type < MAX_SWAP_AREAS; type++)
		if (!swap->areas[type] || !swap->areas[type]->memory)
			return false;
	return true;
}

static void clusters_on(struct swap_area *area, struct swap_memory *memory)
{
	for (u64 first = 0; first < area->nr_slots; first += SWAP_CLUSTER) {
		struct swap_cluster *cluster = &memory->clusters[first / SWAP_CLUSTER];

		spin_lock(&cluster->lock);
		cluster->area = area;
		cluster->nr = (u32)MIN(area->nr_slots - first, SWAP_CLUSTER);
		cluster->next = 0;
		cluster->used = 0;
		cluster->state = CLUSTER_FREE;
		if (!first) {
			cluster->slots[0].count = SWAP_SLOT_BAD;
			cluster->used = 1;
			cluster->state = cluster->nr > 1 ? CLUSTER_PARTIAL : CLUSTER_FULL;
		}
		spin_unlock(&cluster->lock);
	}
}

/* swap->lock held: among the writable ones, behind those of its priority. */
static void area_enqueue(struct swap *swap, struct swap_area *area)
{
	struct list_head *at = swap->order.next;

	while (at != &swap->order &&
	       list_entry(at, struct swap_area, order)->priority >= area->priority)
		at = at->next;
	list_insert_between(&area->order, at->prev, at);
	WRITE_ONCE(area->writable, true);
	atomic64_add(&swap->nr_free, (s64)area->nr_slots - 1);
	atomic64_add(&machine_of(swap)->total_swap_pages, (s64)area->nr_slots - 1);
}

static void area_on(struct swap *swap, struct swap_area *area, struct swap_memory *memory, s32 prio)
{
	clusters_on(area, memory);
	spin_lock(&swap->lock);
	for (u64 first = 0; first < area->nr_slots; first += SWAP_CLUSTER) {
		struct swap_cluster *cluster = &memory->clusters[first / SWAP_CLUSTER];

		list_add_tail(&cluster->list, first ? &area->free : &area->partial);
	}
	area->priority = prio >= 0 ? prio : --swap->least_priority;
	smp_store_release(&area->memory, memory);
	area_enqueue(swap, area);
	spin_unlock(&swap->lock);
}

static bool file_in_use(const struct swap *swap, const struct host_file *host)
{
	for (u32 type = 0; type < MAX_SWAP_AREAS; type++) {
		const struct swap_area *area = swap->areas[type];

		if (area && area->memory && area->path[0] && area->host.dev == host->dev &&
		    area->host.ino == host->ino)
			return true;
	}
	return false;
}

static int area_add(struct machine *m, const struct swap_file *file, u64 pages, s32 prio,
		    u32 *ret_type)
{
	struct swap_memory *memory;
	struct swap_area *area;

	if (!pages || pages > MAX_AREA_PAGES)
		return -EINVAL;
	if (file && file_in_use(m->swap, &file->host))
		return -EBUSY;
	if (areas_full(m->swap))
		return -EPERM;
	memory = memory_get(m, pages + 1, !file);
	if (!memory)
		return -ENOMEM;
	area = find_unused_area(m);
	if (!area) {
		memory_put(m->swap, memory);
		return -ENOMEM;
	}
	area->nr_slots = pages + 1;
	atomic64_set(&area->used, 0);
	area->path[0] = '\0';
	if (file) {
		memcpy(area->path, file->path, sizeof(area->path));
		area->host = file->host;
	}
	area_on(m->swap, area, memory, prio);
	*ret_type = area->type;
	return 0;
}

int swap_area_add(struct machine *m, const char *path, u64 pages, s32 prio, u32 *ret_type)
{
	struct swap_file file;
	int err;

	if (!path)
		return area_add(m, NULL, pages, prio, ret_type);
	err = swap_file_open(path, &file);
	if (err)
		return err;
	err = area_add(m, &file, file.pages, prio, ret_type);
	if (err && err != -EBUSY)
		host_file_close(&file.host);
	return err;
}

/* ---- off ------------------------------------------------------------------------------ */

static struct swap_area *area_that_is_on(struct machine *m, u32 type)
{
	struct swap_area *area = type < MAX_SWAP_AREAS ? m->swap->areas[type] : NULL;

	return area && area->memory ? area : NULL;
}

int swap_area_find(struct machine *m, const char *path, u32 *ret_type)
{
	struct swap_file file;
	int err;

	if (!path)
		return area_that_is_on(m, *ret_type) ? 0 : -EINVAL;
	err = host_file_open(path, O_RDWR, 0, &file.host, file.path, sizeof(file.path));
	if (err)
		return err;
	for (u32 type = 0; type < MAX_SWAP_AREAS; type++) {
		const struct swap_area *area = area_that_is_on(m, type);

		if (area && area->path[0] && area->host.dev == file.host.dev &&
		    area->host.ino == file.host.ino) {
			*ret_type = type;
			return 0;
		}
	}
	host_file_close(&file.host);
	return -EINVAL;
}

/* What the kernel asks before it starts: whether as much memory could be promised. */
static bool fits_without(struct machine *m, u64 pages)
{
	u64 allowed = phys_total_pages(m) * OVERCOMMIT_RATIO / 100 + swap_total_pages(m);

	if (m->config.overcommit == OVERCOMMIT_ALWAYS)
		return true;
	if (m->config.overcommit == OVERCOMMIT_GUESS)
		return pages <= phys_total_pages(m) + swap_total_pages(m);
	return (u64)atomic64_read(&m->committed_pages) + pages < allowed;
}

/* Nobody is taking a slot of it any more, once its clusters have been locked in turn. */
static void wait_for_takers(struct swap_area *area)
{
	for (u64 first = 0; first < area->nr_slots; first += SWAP_CLUSTER) {
		struct swap_cluster *cluster = &area->memory->clusters[first / SWAP_CLUSTER];

		spin_lock(&cluster->lock);
		spin_unlock(&cluster->lock);
	}
}

int swap_area_stop(struct machine *m, u32 type)
{
	struct swap *swap = m->swap;
	struct swap_area *area = area_that_is_on(m, type);

	VM_BUG_ON2(!area || !area->writable, type, 0);
	if (!fits_without(m, area->nr_slots - 1))
		return -ENOMEM;
	spin_lock(&swap->lock);
	WRITE_ONCE(area->writable, false);
	list_del_init(&area->order);
	atomic64_sub(&swap->nr_free, area->nr_slots - 1);
	atomic64_sub(&m->total_swap_pages, area->nr_slots - 1);
	spin_unlock(&swap->lock);
	wait_for_takers(area);
	return 0;
}

void swap_area_resume(struct machine *m, u32 type)
{
	struct swap *swap = m->swap;

	spin_lock(&swap->lock);
	area_enqueue(swap, swap->areas[type]);
	spin_unlock(&swap->lock);
}

static void clusters_off(struct swap_area *area)
{
	struct swap *swap = machine_of(area)->swap;

	for (u64 first = 0; first < area->nr_slots; first += SWAP_CLUSTER) {
		struct swap_cluster *cluster = &area->memory->clusters[first / SWAP_CLUSTER];

		spin_lock(&cluster->lock);
		VM_BUG_ON2(cluster->used != (first ? 0 : 1), cluster->used, first);
		cluster->slots[0].count = 0;
		spin_lock(&swap->lock);
		if (!list_empty(&cluster->list))
			list_del_init(&cluster->list);
		spin_unlock(&swap->lock);
		cluster->state = CLUSTER_OFF;
		spin_unlock(&cluster->lock);
	}
}

/* swap->lock held. Those that were given no priority close ranks, as Linux has them do. */
static void close_ranks(struct swap *swap, s32 gone)
{
	for (u32 type = 0; type < MAX_SWAP_AREAS; type++) {
		struct swap_area *area = swap->areas[type];

		if (area && area->memory && area->priority < gone)
			area->priority++;
	}
	swap->least_priority++;
}

void swap_area_remove(struct machine *m, u32 type)
{
	struct swap *swap = m->swap;
	struct swap_area *area = area_that_is_on(m, type);
	struct swap_memory *memory;

	VM_BUG_ON2(!area || area->writable, type, 0);
	VM_BUG_ON2(atomic64_read(&area->used), type, atomic64_read(&area->used));
	clusters_off(area);
	if (area->path[0])
		host_file_close(&area->host);
	spin_lock(&swap->lock);
	memory = area->memory;
	WRITE_ONCE(area->memory, NULL);
	if (area->priority < 0)
		close_ranks(swap, area->priority);
	spin_unlock(&swap->lock);
	memory_put(swap, memory);
}

u64 swap_area_used(struct machine *m, u32 type)
{
	return (u64)atomic64_read(&m->swap->areas[type]->used);
}

u64 swap_area_changes(struct machine *m, u32 type)
{
	return (u64)atomic64_read(&m->swap->areas[type]->changes);
}

void swap_entry_placed(struct machine *m, swp_entry_t entry)
{
	swap_slot_changed(swap_area_of(m, entry.type));
}

bool swap_area_next(struct machine *m, u32 *type, struct swap_area_info *ret_info)
{
	for (; *type < MAX_SWAP_AREAS; ++*type) {
		const struct swap_area *area = area_that_is_on(m, *type);

		if (!area)
			continue;
		*ret_info = (struct swap_area_info){
			.type = *type,
			.total_pages = area->nr_slots - 1,
			.used_pages = (u64)atomic64_read(&area->used),
			.priority = area->priority,
		};
		memcpy(ret_info->path, area->path, sizeof(ret_info->path));
		return true;
	}
	return false;
}
