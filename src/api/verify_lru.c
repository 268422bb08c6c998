/* SPDX-License-Identifier: MIT */
/*
 * verify: where pages of user memory are for reclaim, and whose memory they count as. Every frame
 * that is neither a table's nor the zero page is in exactly one place: on one list, or in one
 * batch; phys/ compares these with the flags. Each group is charged for the pages that name it.
 */
#include "api/verify_internal.h"

#include "phys/group.h"

static void report(void *arg, const char *what, u64 a, u64 b)
{
	finding(arg, "lru: %s (%#llx, %#llx)", what, (unsigned long long)a, (unsigned long long)b);
}

static void verify_place(struct verify *v, const struct page *page,
			 const struct frame_record *record)
{
	u64 pfn = page_to_pfn(page).n;

	if (!(page->flags & (BIT(PG_lru) | BIT(PG_lru_batch))))
		finding(v, "page %llu: on no LRU list and in no batch", (unsigned long long)pfn);
	/* MREMAP_DONTUNMAP unlocks a vma without its pages: then it counts more than there are. */
	if (page->mlock_count < record->locks)
		finding(v, "page %llu: locked by %u mappings, counted %u", (unsigned long long)pfn,
			page->mlock_count, record->locks);
}

void verify_lru(struct verify *v)
{
	u64 charged[MAX_GROUPS] = { 0 };
	struct mem_group *group;

	for (pfn_t pfn = pfn_of(1); pfn.n < v->m->nr_pages && phys_next_used(v->m, pfn, &pfn);
	     pfn.n++) {
		const struct page *page = pfn_to_page(v->m, pfn);

		if (v->frames[pfn.n].is_table || pfn.n == v->m->zero_pfn.n)
			continue;
		verify_place(v, page, &v->frames[pfn.n]);
		if (page->group >= v->m->groups->nr)
			finding(v, "page %llu: of group %u, which there is not",
				(unsigned long long)pfn.n, page->group);
		else
			charged[page->group]++;
	}
	for (u32 id = 1; (group = group_of(v->m, id)) != NULL; id++)
		expect_equal(v, "group", id, "pages charged", (u64)group->charged.v, charged[id]);
	(void)lru_verify(v->m, report, v);
}
