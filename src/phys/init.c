/* SPDX-License-Identifier: MIT */
/* Nodes, zones, watermarks and the order in which zones are tried, from the configuration. */
#include "base/uapi.h"
#include "phys/phys_internal.h"

#define MAX_BATCH 63u

static u64 square_root(u64 n)
{
	u64 root = 0;

	for (u64 bit = 1ull << 31; bit; bit >>= 1) {
		if ((root + bit) * (root + bit) <= n)
			root += bit;
	}
	return root;
}

/* Frames kept back in a whole machine: 4 * sqrt(KiB) KiB between two bounds, as Linux keeps. */
static u64 min_free_pages(u64 nr_pages)
{
	u64 kib = square_root((nr_pages << (PAGE_SHIFT - 10)) * 16);

	kib = MIN(MAX(kib, 128), 262144);
	/* Linux never meets machines this small: leave nearly all of one to its user. */
	return MIN(kib >> (PAGE_SHIFT - 10), nr_pages / 32);
}

static void set_watermarks(struct zone *zone, u64 machine_min, u64 normal_pages)
{
	u64 pages = zone->end - zone->start;
	u64 min = machine_min * pages / normal_pages;

	if (zone->type == ZONE_MOVABLE)
		min = MIN(MIN(MAX(pages / 1024, 32), 128), pages / 32);
	zone->wmark[WMARK_MIN] = min;
	zone->wmark[WMARK_ATOMIC] = min - min / 2;
	zone->wmark[WMARK_LOW] = min + MAX(min / 4, pages / 1000);
	zone->wmark[WMARK_HIGH] = min + 2 * MAX(min / 4, pages / 1000);
}

/*
 * Batches such that all the lists together never keep more than a quarter of a zone from the
 * other CPUs.
 */
static void set_batch(struct zone *zone, u32 cpus)
{
	VM_BUG_ON(cpus == 0);
	u64 share = (zone->end - zone->start) / (16 * cpus);

	zone->batch = (u32)MIN(MAX(share, 1), MAX_BATCH);
	zone->pcp_high = share ? 3 * zone->batch : 0;
}

static void init_zone(struct machine *m, u32 node, u32 type, u64 start, u64 end)
{
	struct zone *zone = &m->phys->zones[node * NR_ZONES + type];

	zone->node = node;
	zone->type = type;
	zone->index = node * NR_ZONES + type;
	zone->start = zone->next = start;
	zone->end = end;
	zone->nr_unused = end - start - (start == 0 && end > 0);
	zone_init(zone);
	set_batch(zone, m->config.cpus);
}

static void add_zone(struct zonelist *list, struct zone *zone)
{
	if (zone->start < zone->end)
		list->zones[list->nr++] = zone;
}

/* Nearer nodes first: the nodes of a machine stand in a ring. In a node the movable zone first. */
static void build_zonelists(struct machine *m, u32 node)
{
	struct phys *phys = m->phys;

	for (u32 i = 0; i < m->config.nodes; i++) {
		struct zone *zones = &phys->zones[(node + i) % m->config.nodes * NR_ZONES];

		add_zone(&phys->movable_lists[node], &zones[ZONE_MOVABLE]);
		add_zone(&phys->movable_lists[node], &zones[ZONE_NORMAL]);
		add_zone(&phys->kernel_lists[node], &zones[ZONE_NORMAL]);
	}
}

int phys_init(struct machine *m)
{
	const struct umm_config *config = &m->config;
	u64 node_pages = config->ram_bytes >> PAGE_SHIFT;
	u64 movable = config->movable_bytes >> PAGE_SHIFT;
	u64 normal_pages = (node_pages - movable) * config->nodes;
	struct phys *phys = machine_alloc_forever(m, sizeof(*phys));

	if (!phys)
		return -ENOMEM;
	m->phys = phys;
	phys->node_pages = node_pages;
	phys->nr_zones = config->nodes * NR_ZONES;
	phys->pcps = machine_alloc_forever(m, config->cpus * sizeof(*phys->pcps));
	if (!phys->pcps)
		return -ENOMEM;
	for (u32 cpu = 0; cpu < config->cpus; cpu++)
		spin_lock_init(&phys->pcps[cpu].lock, LC_PCP);
	for (u32 node = 0; node < config->nodes; node++) {
		u64 start = node * node_pages, end = start + node_pages;

		init_zone(m, node, ZONE_NORMAL, start, end - movable);
		init_zone(m, node, ZONE_MOVABLE, end - movable, end);
	}
	for (u32 i = 0; i < phys->nr_zones; i++)
		set_watermarks(&phys->zones[i], min_free_pages(normal_pages), normal_pages);
	for (u32 node = 0; node < config->nodes; node++)
		build_zonelists(m, node);
	return 0;
}
