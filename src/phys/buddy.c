/* SPDX-License-Identifier: MIT */
/*
 * The buddy lists of a zone. A free block of order n has 2^n frames, starts at a multiple of
 * 2^n, and is represented by its first page: PG_buddy, its order in private. Its buddy is the
 * block whose number differs in bit n alone; two free buddies of one order never exist side by
 * side, they are one block of the next order.
 *
 *      zone   |####····####################|............................|
 *             start                        next                         end
 *                 page structs initialised    untouched, nr_unused
 *
 * A zone starts with nothing in use. When its lists have no block that is large enough, the
 * next section gets its page structs and goes onto the lists.
 */
#include "machine/quiet.h"
#include "phys/phys_internal.h"

_Static_assert(1u << MAX_ORDER == SECTION_PAGES, "no block crosses a section");
_Static_assert(NR_ZONES <= 4, "two bits of the flags");
_Static_assert(NR_PAGE_FLAGS <= PAGE_ZONE_SHIFT, "the zone is above the flags");

void zone_init(struct zone *zone)
{
	spin_lock_init(&zone->lock, LC_ZONE);
	for (unsigned order = 0; order <= MAX_ORDER; order++)
		list_init(&zone->areas[order].blocks);
}

static void block_add(struct zone *zone, struct page *page, unsigned order)
{
	page->private = order;
	WRITE_ONCE(page->flags, READ_ONCE(page->flags) | BIT(PG_buddy));
	list_add(&page->lru, &zone->areas[order].blocks);
	zone->areas[order].nr++;
}

static void block_remove(struct zone *zone, struct page *page, unsigned order)
{
	VM_BUG_ON2(page->private != order, page->private, order);
	list_del_init(&page->lru);
	zone->areas[order].nr--;
	WRITE_ONCE(page->flags, READ_ONCE(page->flags) & ~BIT(PG_buddy));
	page->private = 0;
}

/* The free block of this order at pfn, or NULL. */
static struct page *free_block_at(struct machine *m, struct zone *zone, u64 pfn, unsigned order)
{
	if (pfn < zone->start || pfn + BIT(order) > zone->next)
		return NULL;
	struct page *page = pfn_to_page(m, pfn_of(pfn));

	return page_test_buddy(page) && page->private == order ? page : NULL;
}

void zone_give_locked(struct machine *m, struct zone *zone, struct page *page, unsigned order)
{
	u64 pfn = page_to_pfn(page).n;

	VM_BUG_ON2(!IS_ALIGNED(pfn, BIT(order)), pfn, order);
	VM_BUG_ON2(pfn < zone->start || pfn + BIT(order) > zone->next, pfn, order);
	VM_BUG_ON2(page_test_buddy(page), pfn, order);
	quiet_store(&zone->nr_free, zone->nr_free + BIT(order));
	for (; order < MAX_ORDER; order++) {
		struct page *buddy = free_block_at(m, zone, pfn ^ BIT(order), order);

		if (!buddy)
			break;
		block_remove(zone, buddy, order);
		pfn &= ~BIT(order);
	}
	block_add(zone, pfn_to_page(m, pfn_of(pfn)), order);
}

static void init_page(struct zone *zone, struct page *page)
{
	VM_DEBUG_ON(page->flags != 0 || page->refcount.v != 0);
	WRITE_ONCE(page->flags, (u64)zone->type << PAGE_ZONE_SHIFT |
					(u64)zone->node << PAGE_NODE_SHIFT | BIT(PG_zeroed));
	atomic_set(&page->mapcount, -1);
	list_init(&page->lru);
}

/* Bring the rest of the section at zone->next into use; false: none left, or no memory. */
static bool zone_grow_locked(struct machine *m, struct zone *zone)
{
	u64 first = zone->next;
	u64 end = MIN(ALIGN_DOWN(first + SECTION_PAGES, SECTION_PAGES), zone->end);

	if (first >= end || machine_online_section(m, pfn_of(first)) < 0)
		return false;
	for (u64 pfn = first; pfn < end; pfn++)
		init_page(zone, pfn_to_page(m, pfn_of(pfn)));
	quiet_store(&zone->next, end);
	if (first == 0) {
		struct page *page = pfn_to_page(m, pfn_of(0));

		WRITE_ONCE(page->flags, (page->flags & PAGE_PLACE_FLAGS) | BIT(PG_reserved));
		atomic_set(&page->refcount, 1);
		first = 1;
	}
	quiet_store(&zone->nr_unused, zone->nr_unused - (end - first));
	while (first < end) {
		unsigned order = MIN((unsigned)__builtin_ctzll(first), MAX_ORDER);

		while (first + BIT(order) > end)
			order--;
		zone_give_locked(m, zone, pfn_to_page(m, pfn_of(first)), order);
		first += BIT(order);
	}
	return true;
}

/* The smallest order with a block that holds 2^order frames; above MAX_ORDER: none. */
static unsigned fitting_order(const struct zone *zone, unsigned order)
{
	while (order <= MAX_ORDER && list_empty(&zone->areas[order].blocks))
		order++;
	return order;
}

unsigned zone_bulk_order_locked(const struct zone *zone, u64 nr)
{
	unsigned smallest = fitting_order(zone, 0);

	VM_BUG_ON(nr == 0);
	/* The smallest blocks first, so that the large ones stay whole. */
	return smallest > MAX_ORDER ? 0 : MIN(smallest, 63 - (unsigned)__builtin_clzll(nr));
}

struct page *zone_take_locked(struct machine *m, struct zone *zone, unsigned order)
{
	unsigned from = fitting_order(zone, order);

	while (from > MAX_ORDER) {
		if (!zone_grow_locked(m, zone))
			return NULL;
		from = fitting_order(zone, order);
	}
	struct page *page = list_first_entry(&zone->areas[from].blocks, struct page, lru);

	block_remove(zone, page, from);
	quiet_store(&zone->nr_free, zone->nr_free - BIT(order));
	/* What is too much goes back in halves, the upper one each time. */
	while (from > order) {
		from--;
		block_add(zone, page + BIT(from), from);
	}
	VM_BUG_ON2(page_count(page) != 0, page_count(page), page_to_pfn(page).n);
	return page;
}
