/* SPDX-License-Identifier: MIT */
/*
 * The free lists recounted, twice: from the lists to the pages, and over all page structs in
 * use, each of which must be exactly one of: part of a free block, on a per-CPU list, in use,
 * frame 0. What both counts find must agree with each other and with the counters.
 */
#include "phys/phys_internal.h"

struct checker {
	struct machine *m;
	void (*report)(void *arg, const char *what, u64 a, u64 b);
	void *arg;
	int found;
};

static void contradiction(struct checker *checker, const char *what, u64 a, u64 b)
{
	checker->found++;
	if (checker->report)
		checker->report(checker->arg, what, a, b);
}

/* True: as it should be. */
static bool expect(struct checker *checker, bool holds, const char *what, u64 a, u64 b)
{
	if (!holds)
		contradiction(checker, what, a, b);
	return holds;
}

/* Nobody uses it: `flags` and PG_zeroed are all that it may have. */
static void check_free_page(struct checker *checker, const struct page *page, u64 flags)
{
	u64 pfn = page_to_pfn(page).n;

	expect(checker, page_count(page) == 0, "free frame has references", pfn,
	       (u64)page_count(page));
	expect(checker, page_mapcount(page) == 0, "free frame is mapped", pfn,
	       (u64)page_mapcount(page));
	expect(checker, (page->flags & ~PAGE_PLACE_FLAGS & ~BIT(PG_zeroed)) == flags,
	       "free frame has flags", pfn, page->flags);
}

static bool page_in_zone(const struct zone *zone, const struct page *page)
{
	u64 pfn = page_to_pfn(page).n;

	return pfn >= zone->start && pfn < zone->next;
}

/* ---- from the lists to the pages ----------------------------------------------------------- */

/* Frames on the list of one order. Stops at the first node that leads nowhere sensible. */
static u64 check_area(struct checker *checker, struct zone *zone, unsigned order)
{
	const struct free_area *area = &zone->areas[order];
	u64 blocks = 0;
	struct page *page;

	list_for_each_entry(page, &area->blocks, lru) {
		u64 pfn = page_to_pfn(page).n;

		if (!expect(checker, machine_of(page) == checker->m && page_in_zone(zone, page),
			    "block on a list of another zone", pfn, zone->index) ||
		    !expect(checker, page_test_buddy(page), "block on a list without PG_buddy", pfn,
			    order) ||
		    !expect(checker, ++blocks <= area->nr, "list is longer than its count",
			    zone->index, order))
			break;
		expect(checker, page->private == order, "block on the list of another order", pfn,
		       page->private);
	}
	expect(checker, blocks == area->nr, "list is shorter than its count", blocks, area->nr);
	return blocks << order;
}

static u64 check_pcp_list(struct checker *checker, struct zone *zone, const struct pcp_list *list)
{
	u64 pages = 0;

	for (struct page *page = list->top; page; page = (struct page *)page->lru.next) {
		u64 pfn = page_to_pfn(page).n;

		if (!expect(checker, machine_of(page) == checker->m && page_in_zone(zone, page),
			    "per-CPU list holds a frame of another zone", pfn, zone->index) ||
		    !expect(checker, page_test_pcp(page), "per-CPU list holds a frame in use", pfn,
			    page->flags) ||
		    !expect(checker, ++pages <= list->count, "per-CPU list is too long",
			    zone->index, list->count))
			break;
	}
	expect(checker, pages == list->count, "per-CPU list is too short", pages, list->count);
	return pages;
}

/* ---- over the pages ------------------------------------------------------------------------ */

struct tally {
	u64 buddy, pcp;
};

/* Frames of the block, all free. */
static u64 check_block(struct checker *checker, struct zone *zone, struct page *page)
{
	u64 pfn = page_to_pfn(page).n, order = page->private;

	if (!expect(checker,
		    order <= MAX_ORDER && IS_ALIGNED(pfn, BIT(order)) &&
			    pfn + BIT(order) <= zone->next,
		    "free block does not fit", pfn, order))
		return 1;
	check_free_page(checker, page, BIT(PG_buddy));
	for (u64 i = 1; i < BIT(order); i++)
		check_free_page(checker, page + i, 0);

	u64 other = pfn ^ BIT(order);

	if (order < MAX_ORDER && other >= zone->start && other + BIT(order) <= zone->next) {
		struct page *buddy = pfn_to_page(checker->m, pfn_of(other));

		expect(checker, !page_test_buddy(buddy) || buddy->private != order,
		       "two free buddies side by side", pfn, other);
	}
	return BIT(order);
}

/* Frames of a folio in use, or 1. */
static u64 check_used(struct checker *checker, struct page *page)
{
	u64 pfn = page_to_pfn(page).n;

	expect(checker, page_count(page) > 0, "frame is neither free nor in use", pfn, page->flags);
	expect(checker, !page_test_zeroed(page), "frame in use is marked untouched", pfn, 0);
	if (!page_test_head(page)) {
		expect(checker, !page_test_tail(page), "tail without its head", pfn, page->flags);
		return 1;
	}
	if (!expect(checker, page->order > 0 && page->order <= MAX_ORDER,
		    "folio of an impossible order", pfn, page->order))
		return 1;
	for (u64 i = 1; i < BIT(page->order); i++)
		expect(checker, page_test_tail(page + i) && page[i].compound_head == page,
		       "folio lacks a tail", pfn, i);
	return BIT(page->order);
}

static struct tally check_pages(struct checker *checker, struct zone *zone)
{
	struct tally tally = { 0, 0 };

	for (u64 pfn = zone->start; pfn < zone->next;) {
		struct page *page = pfn_to_page(checker->m, pfn_of(pfn));
		u64 frames = 1;

		expect(checker, page_zone(checker->m, page) == zone, "frame names another zone",
		       pfn, page->flags);
		if (pfn == 0) {
			expect(checker, page_test_reserved(page) && page_count(page) == 1,
			       "frame 0 is not reserved", page->flags, (u64)page_count(page));
		} else if (page_test_buddy(page)) {
			frames = check_block(checker, zone, page);
			tally.buddy += frames;
		} else if (page_test_pcp(page)) {
			check_free_page(checker, page, BIT(PG_pcp));
			tally.pcp++;
		} else {
			frames = check_used(checker, page);
		}
		pfn += frames;
	}
	return tally;
}

/* -------------------------------------------------------------------------------------------- */

static void check_zone(struct checker *checker, struct zone *zone)
{
	u64 on_lists = 0, on_pcps = 0;
	u64 unused = zone->end - zone->next - (zone->next == 0 && zone->end > 0);

	if (!expect(checker, zone->start <= zone->next && zone->next <= zone->end,
		    "zone has grown out of its bounds", zone->next, zone->end))
		return;
	for (u64 pfn = zone->start; pfn < zone->next; pfn += SECTION_PAGES)
		expect(checker, machine_section_online(checker->m, pfn_of(pfn)),
		       "frames in use in a section that is not", pfn, zone->index);
	for (unsigned order = 0; order <= MAX_ORDER; order++)
		on_lists += check_area(checker, zone, order);
	for (unsigned cpu = 0; cpu < checker->m->config.cpus; cpu++)
		on_pcps += check_pcp_list(checker, zone,
					  &checker->m->phys->pcps[cpu].lists[zone->index]);

	struct tally tally = check_pages(checker, zone);

	expect(checker, on_lists == zone->nr_free, "free frames listed, counted", on_lists,
	       zone->nr_free);
	expect(checker, tally.buddy == zone->nr_free, "free frames found, counted", tally.buddy,
	       zone->nr_free);
	expect(checker, tally.pcp == on_pcps, "per-CPU frames found, listed", tally.pcp, on_pcps);
	expect(checker, zone->nr_unused == unused, "frames not yet in use: counted, true",
	       zone->nr_unused, unused);
}

int phys_verify(struct machine *m, void (*report)(void *arg, const char *what, u64 a, u64 b),
		void *arg)
{
	struct checker checker = { .m = m, .report = report, .arg = arg };

	for (u32 i = 0; i < m->phys->nr_zones; i++) {
		expect(&checker, !m->phys->zones[i].lock.word, "lock of a zone is held", i,
		       m->phys->zones[i].lock.word);
		check_zone(&checker, &m->phys->zones[i]);
	}
	for (u32 cpu = 0; cpu < m->config.cpus; cpu++)
		expect(&checker, !m->phys->pcps[cpu].lock.word, "lock of per-CPU lists is held",
		       cpu, m->phys->pcps[cpu].lock.word);
	return checker.found;
}
