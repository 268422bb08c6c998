/* SPDX-License-Identifier: MIT */
/*
 * Charging. A page is counted for its group before it is allocated and until it is freed, so that
 * the limit holds at every moment; what is over the limit is taken back at once.
 */
#include "phys/group.h"

#include "base/uapi.h"

int group_create(struct machine *m, u64 limit_pages, u32 *ret_id)
{
	struct mem_groups *groups = m->groups;
	struct mem_group *group;
	u32 id = groups->nr;

	if (id == MAX_GROUPS)
		return -ENOSPC;
	group = machine_alloc_forever(m, sizeof(*group));
	if (!group)
		return -ENOMEM;
	group->id = id;
	group->limit_pages = limit_pages;
	for (u32 node = 0; node < m->config.nodes; node++)
		lruvec_init(&group->lruvecs[node], id, node);
	groups->groups[id] = group;
	smp_store_release(&groups->nr, id + 1);
	*ret_id = id;
	return 0;
}

int groups_init(struct machine *m)
{
	u32 id;

	m->groups = machine_alloc_forever(m, sizeof(*m->groups));
	return m->groups ? group_create(m, GROUP_NO_LIMIT, &id) : -ENOMEM;
}

static bool group_charge(struct mem_group *group)
{
	u64 charged = (u64)atomic64_add_return(&group->charged, 1);

	if (charged <= READ_ONCE(group->limit_pages))
		return true;
	atomic64_sub(&group->charged, 1);
	atomic64_inc(&group->failcnt);
	return false;
}

void group_uncharge(const struct page *page)
{
	struct mem_group *group = group_of(machine_of(page), page->group);

	VM_BUG_ON2(!group, page->group, page_to_pfn(page).n);
	VM_BUG_ON2(atomic64_read(&group->charged) <= 0, page->group, page_to_pfn(page).n);
	atomic64_sub(&group->charged, 1);
}

/* Rounds of reclaim that bring something, and still not enough for who asks. */
#define MAX_RECLAIM_ATTEMPTS 16

bool try_room(struct machine *m, u32 group, u64 nr, u32 *attempts)
{
	/* Else it is a machine that is not complete yet. */
	return m->lru && reclaim_ops.try_to_free(m, group, nr) &&
	       ++*attempts <= MAX_RECLAIM_ATTEMPTS;
}

/* How often to look whether a process that was killed has given its memory back. */
#define MAX_OOM_WAITS 1000

bool make_room(struct machine *m, u32 group, u64 nr, u32 *attempts)
{
	enum oom_outcome outcome = OOM_WAIT;

	if (try_room(m, group, nr, attempts))
		return true;
	*attempts = 0;
	for (u32 waits = 0; m->lru && outcome == OOM_WAIT; waits++) {
		outcome = reclaim_ops.out_of_memory(m, group, waits < MAX_OOM_WAITS);
		if (outcome == OOM_WAIT)
			cpu_relax();
	}
	return outcome == OOM_FREED;
}

static bool charge_or_reclaim(struct mem_group *group, enum gfp gfp)
{
	u32 attempts = 0;

	while (!group_charge(group)) {
		if ((gfp & GFP_ATOMIC) ||
		    !make_room(machine_of(group), group->id, RECLAIM_WANTED, &attempts))
			return false;
	}
	return true;
}

u64 group_pages(struct machine *m, u32 id)
{
	return id ? (u64)atomic64_read(&group_of(m, id)->charged) : lru_pages(m, id);
}

struct page *alloc_user_page(struct machine *m, u32 id, enum gfp gfp, enum fail_site site)
{
	struct mem_group *group = id ? group_of(m, id) : NULL;
	struct page *page;

	VM_BUG_ON2(id && !group, id, m->groups->nr);
	if (group && !charge_or_reclaim(group, gfp))
		return NULL;
	page = alloc_pages(m, gfp | GFP_MOVABLE, 0, -1, site);
	if (page)
		page->group = (u16)id;
	else if (group)
		atomic64_sub(&group->charged, 1);
	return page;
}

void group_move_charge(struct page *from, struct page *to)
{
	VM_BUG_ON2(to->group, to->group, page_to_pfn(to).n);
	VM_BUG_ON2(READ_ONCE(from->flags) & (BIT(PG_lru) | BIT(PG_lru_batch)), from->flags,
		   page_to_pfn(from).n);
	to->group = from->group;
	from->group = 0;
}
