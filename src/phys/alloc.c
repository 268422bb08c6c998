/* SPDX-License-Identifier: MIT */
/*
 * Physical memory: which zones there are, and how a frame is found and given back.
 *
 *   node 0                        node 1
 *   | NORMAL      | MOVABLE      | NORMAL      | MOVABLE      |     by frame number
 *
 *   alloc_pages:  this CPU's list of the best zone         one lock, no other cache line
 *                 else a batch from that zone's buddy lists, down to its low watermark
 *                 else the next zone, other nodes last
 *                 else all of it again down to min (GFP_ATOMIC: half of it)
 *                 else once more after every CPU has given back what it keeps
 *                 else again after reclaim, at last after killing somebody (not GFP_ATOMIC)
 *
 * Locks: a CPU's pcp lock, inside it a zone lock. What the lists keep was taken from the zone,
 * so watermarks look at the zone alone. Per-CPU lists for order 0 only: larger blocks are rare
 * here, and keeping them would hide what can be merged.
 *
 * A frame that was never handed out since its section came into use reads as zeros (PG_zeroed),
 * so GFP_ZERO costs nothing for it. With config.poison every freed frame is filled with POISON,
 * and every frame handed out is checked for what it must hold.
 */
#include "phys/alloc.h"

#include "base/uapi.h"
#include "machine/quiet.h"
#include "phys/group.h"
#include "phys/phys_internal.h"
#include "sync/membarrier.h"
#include "sync/watch.h"

#define POISON_WORD 0xaaaaaaaaaaaaaaaaull
#define POISON 0xaa

/*
 * Set in a page that is given back: somebody still uses it. PG_mlocked is none of them: a vma can
 * be unlocked without its pages (MREMAP_DONTUNMAP).
 */
#define PAGE_BUSY_FLAGS                                                                           \
	(BIT(PG_locked) | BIT(PG_lru) | BIT(PG_lru_batch) | BIT(PG_unevictable) |                 \
	 BIT(PG_swapcache) | BIT(PG_writeback) | BIT(PG_reserved) | BIT(PG_buddy) | BIT(PG_pcp) | \
	 BIT(PG_table))

/* ---- frames as they come and go --------------------------------------------------------- */

/* Not watched: a free frame is nobody's to race for. */
static __attribute__((no_sanitize("thread"))) void check_frame(const struct page *page,
							       u64 expected)
{
	const u64 *word = page_address(page);

	for (u64 i = 0; i < PAGE_SIZE / sizeof(u64); i++) {
		if (unlikely(word[i] != expected))
			umm_bug("a free frame was written to (frame, value found)", __FILE__,
				__LINE__, __func__, page_to_pfn(page).n, word[i]);
	}
}

/* Not brought into use yet: nothing is known of it but that it is zeros. */
static bool frame_is_unused(const struct machine *m, pfn_t pfn)
{
	for (u32 i = 0; i < m->phys->nr_zones; i++) {
		const struct zone *zone = &m->phys->zones[i];

		if (pfn.n >= zone->start && pfn.n < zone->end)
			return pfn.n >= zone->next;
	}
	return true;
}

void phys_check_free_frame(struct machine *m, pfn_t pfn)
{
	const struct page *page = pfn_to_page(m, pfn);
	bool zeroed = frame_is_unused(m, pfn) || page->flags & BIT(PG_zeroed);

	if (!machine_section_online(m, pfn))
		return; /* never in use: no page struct says what it holds */
	if (m->config.poison && page_count(page) == 0 && !page_test_reserved(page))
		check_frame(page, zeroed ? 0 : POISON_WORD);
}

/*
 * Frames are handed out in ascending order, and the next locked instruction waits until the zeroes
 * have reached the cache: so the lines of the frame that comes next are asked for now.
 */
static void zero_frame(u8 *frame)
{
	memset(frame, 0, PAGE_SIZE);
	for (u64 at = PAGE_SIZE; at < 2 * PAGE_SIZE; at += CACHELINE)
		__builtin_prefetch(frame + at, 1);
}

static void prepare_page(struct machine *m, struct page *page, enum gfp gfp)
{
	u64 flags = READ_ONCE(page->flags);

	VM_BUG_ON2(page_count(page) != 0, page_count(page), page_to_pfn(page).n);
	VM_BUG_ON2(page_mapcount(page) != 0, page_mapcount(page), page_to_pfn(page).n);
	/* Whoever still writes to it, writes to what another will own. */
	sync_access_point(page_address(page), NULL, true);
	sync_watch_used(page_address(page), PAGE_SIZE);
	if (m->config.poison)
		check_frame(page, flags & BIT(PG_zeroed) ? 0 : POISON_WORD);
	WRITE_ONCE(page->flags, flags & PAGE_PLACE_FLAGS);
	list_init(&page->lru);
	page->mapping = 0;
	page->index = 0;
	page->private = 0;
	page->compound_head = NULL;
	if ((gfp & GFP_ZERO) && !(flags & BIT(PG_zeroed)))
		zero_frame(page_address(page));
}

static void prepare_pages(struct machine *m, struct page *head, unsigned order, enum gfp gfp)
{
	prepare_page(m, head, gfp);
	for (u64 i = 1; i < BIT(order); i++) {
		prepare_page(m, head + i, gfp);
		head[i].compound_head = head;
		page_set_tail(head + i);
	}
	if (order > 0) {
		head->order = (u8)order;
		page_set_head(head);
	}
	atomic_set(&head->refcount, 1);
}

/* Nobody uses it any more: no flags but its place, and nothing of what it held. */
static void retire_page(struct machine *m, struct page *page, u64 extra_flags)
{
	u64 flags = READ_ONCE(page->flags);

	VM_BUG_ON2(page_count(page) != 0, page_count(page), page_to_pfn(page).n);
	VM_BUG_ON2(page_mapcount(page) != 0, page_mapcount(page), page_to_pfn(page).n);
	VM_BUG_ON2(flags & PAGE_BUSY_FLAGS, flags, page_to_pfn(page).n);
	WRITE_ONCE(page->flags, (flags & PAGE_PLACE_FLAGS) | extra_flags);
	page->mapping = 0;
	page->compound_head = NULL;
	sync_access_point(page_address(page), NULL, true);
	if (m->config.poison)
		memset(page_address(page), POISON, PAGE_SIZE);
	sync_watch_freed(page_address(page), PAGE_SIZE);
}

static void retire_folio(struct machine *m, struct page *head, unsigned order)
{
	VM_BUG_ON2(!page_test_head(head), page_to_pfn(head).n, order);
	VM_BUG_ON2(head->order != order, head->order, order);
	retire_page(m, head, 0);
	for (u64 i = 1; i < BIT(order); i++) {
		VM_BUG_ON2(!page_test_tail(head + i), page_to_pfn(head).n, i);
		VM_BUG_ON2(head[i].compound_head != head, page_to_pfn(head).n, i);
		retire_page(m, head + i, 0);
	}
}

/* ---- the per-CPU lists ------------------------------------------------------------------- */

static void pcp_push(struct pcp_list *list, struct page *page)
{
	page->lru.next = (struct list_head *)list->top;
	list->top = page;
	quiet_store(&list->count, list->count + 1);
}

static struct page *pcp_pop(struct pcp_list *list)
{
	struct page *page = list->top;

	list->top = (struct page *)page->lru.next;
	quiet_store(&list->count, list->count - 1);
	return page;
}

/* Append the frames of a block to a per-CPU list that ends with *last (NULL: is empty). */
static void pcp_append_block(struct pcp_list *list, struct page **last, struct page *block, u64 nr)
{
	for (struct page *page = block; page < block + nr; page++) {
		WRITE_ONCE(page->flags, READ_ONCE(page->flags) | BIT(PG_pcp));
		page->lru.next = NULL;
		if (*last)
			(*last)->lru.next = (struct list_head *)page;
		else
			list->top = page;
		*last = page;
	}
}

/*
 * pcp locked, the list empty. Moves up to a batch of the zone's frames above the mark onto it:
 * whole blocks, in ascending order, as a processor reads ahead.
 */
static void pcp_refill(struct machine *m, struct pcp_list *list, struct zone *zone, u64 mark)
{
	struct page *last = NULL;
	u64 nr = 0;

	VM_BUG_ON2(list->top, page_to_pfn(list->top).n, list->count);
	spin_lock(&zone->lock);
	while (nr < zone->batch && zone_available_locked(zone) > mark) {
		u64 wanted = MIN(zone->batch - nr, zone_available_locked(zone) - mark);
		unsigned order = zone_bulk_order_locked(zone, wanted);
		struct page *block = zone_take_locked(m, zone, order);

		if (!block)
			break;
		pcp_append_block(list, &last, block, BIT(order));
		nr += BIT(order);
	}
	spin_unlock(&zone->lock);
	quiet_store(&list->count, (u32)nr);
}

/* pcp locked. */
static void pcp_flush(struct machine *m, struct pcp_list *list, struct zone *zone, u32 nr)
{
	spin_lock(&zone->lock);
	while (nr-- > 0 && list->top) {
		struct page *page = pcp_pop(list);

		WRITE_ONCE(page->flags, READ_ONCE(page->flags) & ~BIT(PG_pcp));
		zone_give_locked(m, zone, page, 0);
	}
	spin_unlock(&zone->lock);
}

void drain_all_pages(struct machine *m)
{
	for (unsigned cpu = 0; cpu < m->config.cpus; cpu++) {
		struct pcp *pcp = &m->phys->pcps[cpu];

		spin_lock(&pcp->lock);
		for (u32 i = 0; i < m->phys->nr_zones; i++) {
			if (pcp->lists[i].top)
				pcp_flush(m, &pcp->lists[i], &m->phys->zones[i], ~0u);
		}
		spin_unlock(&pcp->lock);
	}
}

/* ---- allocation ---------------------------------------------------------------------------- */

/* pcp locked. */
static struct page *take_from_zone(struct machine *m, struct pcp *pcp, struct zone *zone,
				   unsigned order, enum wmark wmark)
{
	u64 mark = zone->wmark[wmark];

	if (order == 0) {
		struct pcp_list *list = &pcp->lists[zone->index];

		if (unlikely(!list->top))
			pcp_refill(m, list, zone, mark);
		return likely(list->top) ? pcp_pop(list) : NULL;
	}
	struct page *page = NULL;

	spin_lock(&zone->lock);
	if (zone_available_locked(zone) >= mark + BIT(order))
		page = zone_take_locked(m, zone, order);
	spin_unlock(&zone->lock);
	return page;
}

static struct page *take_from_list(struct machine *m, unsigned cpu, const struct zonelist *list,
				   unsigned order, enum wmark wmark)
{
	struct pcp *pcp = &m->phys->pcps[cpu];
	struct page *page = NULL;

	spin_lock(&pcp->lock);
	for (u32 i = 0; i < list->nr && !page; i++)
		page = take_from_zone(m, pcp, list->zones[i], order, wmark);
	if (likely(page))
		count_vm_events_locked(m, cpu, PGALLOC, 1 << order);
	spin_unlock(&pcp->lock);
	return page;
}

static struct page *take_last(struct machine *m, unsigned cpu, const struct zonelist *list,
			      unsigned order, enum wmark wmark)
{
	struct page *page = take_from_list(m, cpu, list, order, wmark);

	if (page)
		return page;
	drain_all_pages(m);
	return take_from_list(m, cpu, list, order, wmark);
}

static __attribute__((noinline)) struct page *take_below_low(struct machine *m, unsigned cpu,
							     const struct zonelist *list,
							     unsigned order, enum gfp gfp)
{
	struct page *page;
	u32 attempts = 0;

	if (gfp & GFP_ATOMIC)
		return take_last(m, cpu, list, order, WMARK_ATOMIC);
	do {
		page = take_last(m, cpu, list, order, WMARK_MIN);
		/* Nobody is killed for frames that lie side by side. */
	} while (!page && (order == 0 ? make_room(m, 0, RECLAIM_WANTED, &attempts) :
					try_room(m, 0, BIT(order), &attempts)));
	return page;
}

struct page *alloc_pages(struct machine *m, enum gfp gfp, unsigned order, int node,
			 enum fail_site site)
{
	struct phys *phys = m->phys;
	unsigned cpu = machine_this_cpu(m);
	unsigned prefer = node < 0 ? machine_cpu_node(m, cpu) : (unsigned)node;

	VM_BUG_ON2(prefer >= m->config.nodes, prefer, m->config.nodes);
	if (!(gfp & GFP_ATOMIC))
		might_sleep();
	if (order > MAX_ORDER || should_fail(m, site, order))
		return NULL;
	const struct zonelist *list =
		gfp & GFP_MOVABLE ? &phys->movable_lists[prefer] : &phys->kernel_lists[prefer];
	struct page *page = take_from_list(m, cpu, list, order, WMARK_LOW);

	if (unlikely(!page)) {
		page = take_below_low(m, cpu, list, order, gfp);
		if (!page)
			return NULL;
	}
	prepare_pages(m, page, order, gfp);
	trace(m, TRACE_MM_PAGE_ALLOC, page_to_pfn(page).n, order, site);
	return page;
}

/* ---- giving back ---------------------------------------------------------------------------- */

/* pcp locked. */
static void pcp_free_one(struct machine *m, struct pcp *pcp, struct page *page)
{
	struct zone *zone = page_zone(m, page);
	struct pcp_list *list = &pcp->lists[zone->index];

	pcp_push(list, page);
	if (unlikely(list->count > zone->pcp_high))
		pcp_flush(m, list, zone, zone->batch);
}

/* Pages of order 0. */
static void free_singles(struct machine *m, struct page *const *pages, u32 nr)
{
	unsigned cpu = machine_this_cpu(m);
	struct pcp *pcp = &m->phys->pcps[cpu];

	for (u32 i = 0; i < nr; i++) {
		u64 flags = READ_ONCE(pages[i]->flags);

		VM_BUG_ON2(flags & (BIT(PG_head) | BIT(PG_tail)), page_to_pfn(pages[i]).n, flags);
		trace(m, TRACE_MM_PAGE_FREE, page_to_pfn(pages[i]).n, 0);
		retire_page(m, pages[i], BIT(PG_pcp));
	}
	spin_lock(&pcp->lock);
	for (u32 i = 0; i < nr; i++)
		pcp_free_one(m, pcp, pages[i]);
	count_vm_events_locked(m, cpu, PGFREE, nr);
	spin_unlock(&pcp->lock);
}

void free_pages_to_buddy(struct page *page, unsigned order)
{
	struct machine *m = machine_of(page);

	if (order == 0) {
		free_singles(m, &page, 1);
		return;
	}
	trace(m, TRACE_MM_PAGE_FREE, page_to_pfn(page).n, order);
	unsigned cpu = machine_this_cpu(m);
	struct pcp *pcp = &m->phys->pcps[cpu];
	struct zone *zone = page_zone(m, page);

	retire_folio(m, page, order);
	spin_lock(&pcp->lock);
	spin_lock(&zone->lock);
	zone_give_locked(m, zone, page, order);
	spin_unlock(&zone->lock);
	count_vm_events_locked(m, cpu, PGFREE, 1 << order);
	spin_unlock(&pcp->lock);
}

/* What user memory has beside its frame: a place on an LRU list, a charge. */
static void leave_user_memory(struct page *const *pages, u32 nr)
{
	struct page *on_lru[FREE_BATCH];
	bool charged = false;
	u32 nr_on_lru = 0;

	for (u32 i = 0; i < nr; i++) {
		if (READ_ONCE(pages[i]->flags) & (BIT(PG_lru) | BIT(PG_lru_batch)))
			on_lru[nr_on_lru++] = pages[i];
		charged |= pages[i]->group != 0;
	}
	if (nr_on_lru)
		lru_del_freed(on_lru, nr_on_lru);
	for (u32 i = 0; charged && i < nr; i++) {
		if (pages[i]->group)
			group_uncharge(pages[i]);
	}
}

void free_zero_ref_page(struct page *page)
{
	leave_user_memory(&page, 1);
	free_pages_to_buddy(page, page_order(page));
}

void free_zero_ref_pages(struct page *const *pages, u32 nr)
{
	VM_BUG_ON2(nr > FREE_BATCH, nr, FREE_BATCH);
	if (nr == 0)
		return;
	leave_user_memory(pages, nr);
	free_singles(machine_of(pages[0]), pages, nr);
}

/* ---- counting ------------------------------------------------------------------------------ */

static u64 zone_free_quiet(const struct machine *m, const struct zone *zone)
{
	u64 sum = quiet_load(&zone->nr_free) + quiet_load(&zone->nr_unused);

	for (unsigned cpu = 0; cpu < m->config.cpus; cpu++)
		sum += quiet_load(&m->phys->pcps[cpu].lists[zone->index].count);
	return sum;
}

u64 phys_total_pages(const struct machine *m)
{
	return m->nr_pages - 1;
}

u64 phys_free_pages(const struct machine *m)
{
	u64 sum = 0;

	for (u32 i = 0; i < m->phys->nr_zones; i++)
		sum += zone_free_quiet(m, &m->phys->zones[i]);
	return sum;
}

bool phys_node_below(const struct machine *m, unsigned node, enum wmark wmark)
{
	for (u32 type = 0; type < NR_ZONES; type++) {
		const struct zone *zone = &m->phys->zones[node * NR_ZONES + type];

		if (zone->start < zone->end && zone_free_quiet(m, zone) <= zone->wmark[wmark])
			return true;
	}
	return false;
}

u64 phys_node_high(const struct machine *m, unsigned node)
{
	u64 sum = 0;

	for (u32 type = 0; type < NR_ZONES; type++)
		sum += m->phys->zones[node * NR_ZONES + type].wmark[WMARK_HIGH];
	return sum;
}

void phys_node_range(const struct machine *m, unsigned node, pfn_t *ret_first, pfn_t *ret_end)
{
	VM_BUG_ON2(node >= m->config.nodes, node, m->config.nodes);
	*ret_first = pfn_of(node * m->phys->node_pages);
	*ret_end = pfn_of((node + 1) * m->phys->node_pages);
}

/* Zones are in the order of their frames, whatever of them is empty. */
bool phys_next_used(struct machine *m, pfn_t pfn, pfn_t *ret_pfn)
{
	u64 at = MAX(pfn.n, 1);

	for (u32 i = 0; i < m->phys->nr_zones; i++) {
		const struct zone *zone = &m->phys->zones[i];

		at = MAX(at, zone->start);
		while (at < zone->next) {
			const struct page *page = pfn_to_page(m, pfn_of(at));

			if (page_count(page) > 0) {
				*ret_pfn = pfn_of(at);
				return true;
			}
			at += page_test_buddy(page) ? BIT(page->private) : 1;
		}
	}
	return false;
}
