/* SPDX-License-Identifier: MIT */
/*
 * LRU lists and batches recounted: from the lists to the pages, and over all pages in use, whose
 * flags must say the same.
 */
#include "phys/group.h"
#include "phys/lru_internal.h"

struct lru_checker {
	struct machine *m;
	void (*report)(void *arg, const char *what, u64 a, u64 b);
	void *arg;
	int found;
	s64 listed, batched; /* found there, less those whose flags say so */
};

/* True: as it should be. */
static bool expect(struct lru_checker *checker, bool holds, const char *what, u64 a, u64 b)
{
	if (holds)
		return true;
	checker->found++;
	if (checker->report)
		checker->report(checker->arg, what, a, b);
	return false;
}

static bool is_page_struct(const struct machine *m, const struct page *page)
{
	u64 offset = (uintptr_t)page - (uintptr_t)m - VMEMMAP_OFFSET;

	return offset < m->nr_pages * sizeof(*page) && offset % sizeof(*page) == 0;
}

static void check_listed_page(struct lru_checker *checker, const struct lruvec *lruvec,
			      enum lru_list list, const struct page *page)
{
	u64 pfn = page_to_pfn(page).n;

	expect(checker, page->flags & BIT(PG_lru), "page on an LRU list without PG_lru", pfn,
	       page->flags);
	expect(checker, lru_list_of_flags(page->flags) == list,
	       "page on an LRU list that its flags do not say", pfn, page->flags);
	expect(checker, page->group == lruvec->group && page_node(page) == lruvec->node,
	       "page on an LRU list of another group or node", pfn, page->group);
	expect(checker, page->refcount.v > 0, "free page on an LRU list", pfn, page->flags);
}

/* Stops at the first node that leads nowhere sensible. */
static void check_list(struct lru_checker *checker, struct lruvec *lruvec, enum lru_list list)
{
	struct page *page;
	u64 nr = 0;

	list_for_each_entry(page, &lruvec->lists[list], lru) {
		if (!expect(checker, is_page_struct(checker->m, page),
			    "LRU list leads out of the page structs", lruvec->group, list) ||
		    !expect(checker, nr < lruvec->nr[list], "LRU list is longer than its count",
			    list, lruvec->nr[list]))
			break;
		check_listed_page(checker, lruvec, list, page);
		nr++;
	}
	expect(checker, nr == lruvec->nr[list], "LRU list is shorter than its count", nr,
	       lruvec->nr[list]);
	checker->listed += (s64)nr;
}

static void check_lruvec(struct lru_checker *checker, struct lruvec *lruvec)
{
	expect(checker, !spin_is_locked(&lruvec->lru_lock), "lru_lock is held", lruvec->group,
	       lruvec->node);
	for (unsigned list = 0; list < NR_LRU_LISTS; list++)
		check_list(checker, lruvec, (enum lru_list)list);
}

static void check_batch(struct lru_checker *checker, unsigned cpu)
{
	const struct lru_batch *batch = &checker->m->lru->batches[cpu];

	expect(checker, !spin_is_locked(&batch->lock), "lock of an LRU batch is held", cpu, 0);
	if (!expect(checker, batch->nr < LRU_BATCH, "LRU batch is too full", cpu, batch->nr))
		return;
	for (u32 i = 0; i < batch->nr; i++) {
		const struct page *page = batch->pages[i];

		expect(checker, (page->flags & PAGE_BATCH_MASK) == batch_flags(cpu),
		       "page in an LRU batch says otherwise", page_to_pfn(page).n, page->flags);
		expect(checker, page->refcount.v > 0, "free page in an LRU batch",
		       page_to_pfn(page).n, page->flags);
	}
	checker->batched += batch->nr;
}

static void check_page(struct lru_checker *checker, const struct page *page)
{
	u64 flags = page->flags, pfn = page_to_pfn(page).n;
	bool lru = flags & BIT(PG_lru), batched = flags & BIT(PG_lru_batch);

	if (flags & BIT(PG_table))
		return;
	expect(checker, !lru || !(flags & PAGE_BATCH_MASK), "page on an LRU list and in a batch",
	       pfn, flags);
	expect(checker, !(flags & BIT(PG_mlocked)) == !page->mlock_count,
	       "PG_mlocked contradicts the mappings that lock", pfn, page->mlock_count);
	expect(checker, !(flags & BIT(PG_unevictable)) == !(flags & BIT(PG_mlocked) && lru),
	       "PG_unevictable contradicts PG_mlocked", pfn, flags);
	checker->listed -= lru;
	checker->batched -= batched;
}

int lru_verify(struct machine *m, void (*report)(void *arg, const char *what, u64 a, u64 b),
	       void *arg)
{
	struct lru_checker checker = { .m = m, .report = report, .arg = arg };
	struct mem_group *group;

	for (u32 id = 0; (group = group_of(m, id)) != NULL; id++) {
		for (u32 node = 0; node < m->config.nodes; node++)
			check_lruvec(&checker, &group->lruvecs[node]);
	}
	for (unsigned cpu = 0; cpu < m->config.cpus; cpu++)
		check_batch(&checker, cpu);
	for (pfn_t pfn = pfn_of(1); pfn.n < m->nr_pages && phys_next_used(m, pfn, &pfn); pfn.n++)
		check_page(&checker, pfn_to_page(m, pfn));
	expect(&checker, !checker.listed, "pages on LRU lists, less those with PG_lru",
	       (u64)checker.listed, 0);
	expect(&checker, !checker.batched, "pages in LRU batches, less those with PG_lru_batch",
	       (u64)checker.batched, 0);
	return checker.found;
}
