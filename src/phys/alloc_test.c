/* SPDX-License-Identifier: MIT */
/* Covers: P4, R6 */
#include "machine/bug_test.h"

#include "base/uapi.h"
#include "phys/phys_internal.h"

static struct machine *m;

static void print_contradiction(void *arg, const char *what, u64 a, u64 b)
{
	(void)arg;
	print_error("%s (%#llx, %#llx)\n", what, (unsigned long long)a, (unsigned long long)b);
}

static void verify(void)
{
	assert_int_equal(phys_verify(m, print_contradiction, NULL), 0);
}

static struct umm_config config_of(u64 ram_pages)
{
	struct umm_config config;

	umm_config_init(&config);
	config.ram_bytes = ram_pages * PAGE_SIZE;
	config.poison = true;
	return config;
}

static void build(const struct umm_config *config)
{
	assert_int_equal(machine_create(config, &m), 0);
	assert_int_equal(phys_init(m), 0);
}

static void build_small(void)
{
	struct umm_config config = config_of(64);

	build(&config);
}

static void finish(void)
{
	drain_all_pages(m);
	verify();
	assert_int_equal(phys_free_pages(m), phys_total_pages(m));
	machine_destroy(m);
}

static struct page *take(enum gfp gfp)
{
	return alloc_page(m, gfp, FAIL_OTHER_PAGE);
}

/* As many as there are, chained through private; returns how many. */
static u64 take_all(enum gfp gfp, struct page **ret_chain)
{
	u64 nr = 0;

	for (struct page *page; (page = take(gfp)) != NULL; nr++) {
		page->private = (uintptr_t)*ret_chain;
		*ret_chain = page;
	}
	return nr;
}

static void free_chain(struct page *chain)
{
	while (chain) {
		struct page *page = chain;

		chain = (struct page *)(uintptr_t)page->private;
		put_page(page);
	}
}

/* ---- frames as they are handed out --------------------------------------------------------- */

static void a_page_is_handed_out_clean(void **state)
{
	static const u8 zeros[PAGE_SIZE];

	(void)state;
	build_small();
	for (int round = 0; round < 100; round++) {
		struct page *page = take(GFP_ZERO);

		assert_non_null(page);
		assert_true(page_to_pfn(page).n > 0 && page_to_pfn(page).n < 64);
		assert_int_equal(page_count(page), 1);
		assert_int_equal(page_mapcount(page), 0);
		assert_true((page->flags & ~PAGE_PLACE_FLAGS) == 0);
		assert_true(page->mapping == 0 && page->index == 0 && page->private == 0);
		assert_true(list_empty(&page->lru));
		assert_memory_equal(page_address(page), zeros, PAGE_SIZE);
		assert_ptr_equal(virt_to_page(page_address(page)), page);
		assert_ptr_equal(page_address(page), pfn_to_virt(m, page_to_pfn(page)));
		memset(page_address(page), round, PAGE_SIZE);
		page->mapping = PAGE_MAPPING_ANON;
		page->index = 5;
		page->private = 6;
		page_set_dirty(page);
		page_set_anon_exclusive(page);
		page_set_swapbacked(page);
		verify();
		put_page(page);
		verify();
	}
	finish();
}

static void larger_blocks_are_folios(void **state)
{
	struct umm_config config = config_of(2048);

	(void)state;
	build(&config);
	for (unsigned order = 1; order <= MAX_ORDER; order++) {
		struct page *head = alloc_pages(m, GFP_ZERO, order, -1, FAIL_OTHER_PAGE);

		if (order == MAX_ORDER && !head)
			continue; /* frame 0 breaks the first block, the watermark the second */
		assert_non_null(head);
		assert_true(IS_ALIGNED(page_to_pfn(head).n, BIT(order)));
		assert_true(page_test_head(head) && !page_test_tail(head));
		assert_int_equal(page_order(head), order);
		for (u64 i = 1; i < BIT(order); i++) {
			assert_true(page_test_tail(head + i) && !page_test_head(head + i));
			assert_ptr_equal(page_head(head + i), head);
			assert_int_equal(page_count(head + i), 0);
		}
		verify();
		/* A reference is the folio's, whichever page it is taken through. */
		get_page(head);
		put_page(head + BIT(order) - 1);
		assert_int_equal(page_count(head), 1);
		put_page(head);
		verify();
	}
	assert_null(alloc_pages(m, 0, MAX_ORDER + 1, -1, FAIL_OTHER_PAGE));
	finish();
}

/* ---- misuse is found -------------------------------------------------------------------- */

static void put_it(void *page)
{
	put_page(page);
}

static void get_it(void *page)
{
	get_page(page);
}

static void take_one(void *arg)
{
	(void)arg;
	take(0);
}

static void free_order_2(void *page)
{
	free_pages_to_buddy(page, 2);
}

static void misuse_is_found(void **state)
{
	struct page *page;

	(void)state;
	build_small();
	page = take(0);
	page_set_unevictable(page);
	expect_bug(put_it, page, "PAGE_BUSY_FLAGS");
	machine_destroy(m);

	build_small();
	page = take(0);
	atomic_inc(&page->mapcount);
	expect_bug(put_it, page, "page_mapcount(page) != 0");
	machine_destroy(m);

	build_small();
	page = take(0);
	put_page(page);
	expect_bug(put_it, page, "page_count(head) <= 0");
	expect_bug(get_it, page, "page_count(page) <= 0");
	machine_destroy(m);

	build_small();
	page = alloc_pages(m, 0, 3, -1, FAIL_OTHER_PAGE);
	atomic_set(&page->refcount, 0);
	expect_bug(free_order_2, page, "head->order != order");
	machine_destroy(m);

	build_small();
	page = take(0);
	put_page(page);
	*(u8 *)page_address(page) = 0;
	expect_bug(take_one, NULL, "a free frame was written to");
	machine_destroy(m);

	/* One that was never handed out. */
	build_small();
	page = take(0);
	for (u64 pfn = 1; pfn < 64; pfn++) {
		if (pfn != page_to_pfn(page).n)
			*(u8 *)pfn_to_virt(m, pfn_of(pfn)) = 1;
	}
	expect_bug(take_one, NULL, "a free frame was written to");
	machine_destroy(m);
}

/* ---- verify() sees what it is for -------------------------------------------------------- */

static void do_damage(int damage, struct page *used, struct page *folio)
{
	struct zone *zone = &m->phys->zones[0];
	struct pcp_list *list = &m->phys->pcps[0].lists[0];
	struct page *block = list_first_entry(&zone->areas[9].blocks, struct page, lru);

	assert_non_null(list->top);
	switch (damage) {
	case 0:
		zone->nr_free++;
		break;
	case 1:
		zone->nr_unused++;
		break;
	case 2:
		zone->areas[9].nr--;
		break;
	case 3:
		block->private = 8;
		break;
	case 4:
		block->refcount.v = 1;
		break;
	case 5:
		block[3].mapcount.v = 0;
		break;
	case 6:
		page_set_dirty(block + 17);
		break;
	case 7:
		used->refcount.v = 0;
		break;
	case 8:
		list->count++;
		break;
	case 9:
		list->top->refcount.v = 1;
		break;
	case 10:
		folio[3].compound_head = folio + 1;
		break;
	case 11:
		page_clear_reserved(pfn_to_page(m, pfn_of(0)));
		break;
	case 12:
		zone->lock.word = 1;
		break;
	case 13:
		m->phys->pcps[1].lock.word = 1;
		break;
	}
}

static void verify_sees_damage(void **state)
{
	(void)state;
	/* One change each to a machine at rest with free, listed and used frames. */
	for (int damage = 0; damage < 14; damage++) {
		struct umm_config config = config_of(1024);
		struct page *used, *folio;

		build(&config);
		used = take(0);
		folio = alloc_pages(m, 0, 2, -1, FAIL_OTHER_PAGE);
		verify();
		do_damage(damage, used, folio);
		if (phys_verify(m, NULL, NULL) == 0)
			fail_msg("damage %d was not seen", damage);
		machine_destroy(m);
	}
}

/* ---- watermarks, lists, nodes -------------------------------------------------------------- */

static void watermarks_hold_frames_back(void **state)
{
	static const u64 sizes[] = { 64, 128, 1024, 4096, 65536 };

	(void)state;
	for (u64 i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct umm_config config = config_of(sizes[i]);
		struct page *normal = NULL, *atomic = NULL;
		u64 min, nr;

		config.poison = false;
		build(&config);
		min = m->phys->zones[0].wmark[WMARK_MIN];
		assert_in_range(min, 1, sizes[i] / 32);
		nr = take_all(0, &normal);
		assert_int_equal(nr, sizes[i] - 1 - min);
		verify();
		nr = take_all(GFP_ATOMIC, &atomic);
		assert_int_equal(nr, min - m->phys->zones[0].wmark[WMARK_ATOMIC]);
		assert_null(take(0));
		free_chain(atomic);
		free_chain(normal);
		finish();
	}
}

static void linux_would_keep_as_many_back(void **state)
{
	/* min_free_kbytes of machines of 256 MiB, 4 GiB and 16 GiB. */
	static const u64 sizes[][2] = { { 65536, 2048 }, { 1048576, 8192 }, { 4194304, 16384 } };

	(void)state;
	for (u64 i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct umm_config config = config_of(sizes[i][0]);

		if (config.ram_bytes > ARENA_SLOT_BYTES - RAM_OFFSET)
			continue;
		build(&config);
		assert_int_equal(m->phys->zones[0].wmark[WMARK_MIN] * 4, sizes[i][1]);
		machine_destroy(m);
	}
}

static void on_cpu(struct task_base *task, unsigned cpu)
{
	task->cpu = cpu;
	sync_set_current((struct task *)task);
}

static void each_cpu_keeps_its_own(void **state)
{
	struct umm_config config = config_of(4096);
	struct page *pages[400];
	struct task_base *task;

	(void)state;
	build(&config);
	task = machine_alloc_forever(m, CACHELINE);
	on_cpu(task, 1);
	for (u64 i = 0; i < ARRAY_SIZE(pages); i++)
		assert_non_null(pages[i] = take(0));
	assert_int_equal(m->phys->pcps[0].lists[0].count, 0);
	assert_in_range(m->phys->pcps[1].lists[0].count, 0, m->phys->zones[0].batch);
	assert_int_equal(m->counters[1].c[PGALLOC].v, ARRAY_SIZE(pages));
	/* What another CPU frees stays with that one, up to its limit. */
	on_cpu(task, 0);
	for (u64 i = 0; i < ARRAY_SIZE(pages); i++) {
		put_page(pages[i]);
		assert_in_range(m->phys->pcps[0].lists[0].count, 0, m->phys->zones[0].pcp_high);
	}
	assert_int_equal(m->counters[0].c[PGFREE].v, ARRAY_SIZE(pages));
	struct page *hot = take(0);

	assert_ptr_equal(hot, pages[ARRAY_SIZE(pages) - 1]);
	put_page(hot);
	sync_set_current(NULL);
	verify();
	drain_all_pages(m);
	assert_int_equal(m->phys->pcps[0].lists[0].count, 0);
	finish();
}

/* The last frames of a machine, kept by other CPUs, can still be had. */
static void other_cpus_lists_are_drained(void **state)
{
	struct umm_config config = config_of(256);
	struct page *chain = NULL;
	struct task_base *task;
	u64 nr;

	(void)state;
	config.cpus = 4;
	build(&config);
	task = machine_alloc_forever(m, CACHELINE);
	for (unsigned cpu = 0; cpu < 4; cpu++) {
		on_cpu(task, cpu);
		put_page(take(0));
		assert_true(m->phys->pcps[cpu].lists[0].count > 0);
	}
	nr = take_all(0, &chain);
	assert_int_equal(nr, 255 - m->phys->zones[0].wmark[WMARK_MIN]);
	sync_set_current(NULL);
	free_chain(chain);
	finish();
}

static void nodes_fall_back_in_order(void **state)
{
	struct umm_config config = config_of(1024);
	struct page *chain = NULL;
	unsigned seen[3] = { 0, 0, 0 }, last = 1;

	(void)state;
	config.nodes = 3;
	config.cpus = 3;
	config.poison = false;
	build(&config);
	for (u32 node = 0; node < 3; node++) {
		pfn_t first, end;

		phys_node_range(m, node, &first, &end);
		assert_int_equal(first.n, node * 1024);
		assert_int_equal(end.n, (node + 1) * 1024);
	}
	for (struct page *page; (page = alloc_pages(m, 0, 0, 1, FAIL_OTHER_PAGE)) != NULL;) {
		seen[page_node(page)]++;
		page->private = (uintptr_t)chain;
		chain = page;
		assert_int_equal(page_to_pfn(page).n / 1024, page_node(page));
		if (seen[0] + seen[1] + seen[2] <= 900)
			last = page_node(page);
		else if (seen[2] == 0)
			assert_int_equal(page_node(page), 1);
	}
	assert_int_equal(last, 1);
	assert_true(seen[0] > 900 && seen[1] > 900 && seen[2] > 900);
	verify();
	free_chain(chain);
	/* Without a wish, the node of the CPU. */
	struct task_base *task = machine_alloc_forever(m, CACHELINE);

	for (unsigned cpu = 0; cpu < 3; cpu++) {
		on_cpu(task, cpu);
		struct page *page = take(0);

		assert_int_equal(page_node(page), cpu);
		put_page(page);
	}
	sync_set_current(NULL);
	finish();
}

static void movable_frames_are_for_users_only(void **state)
{
	struct umm_config config = config_of(1024);
	struct page *kernel = NULL, *users = NULL;

	(void)state;
	config.movable_bytes = 512 * PAGE_SIZE;
	config.poison = false;
	build(&config);
	u64 nr_kernel = take_all(0, &kernel);

	assert_in_range(nr_kernel, 450, 511);
	for (struct page *p = kernel; p; p = (struct page *)(uintptr_t)p->private)
		assert_int_equal(page_zone_type(p), ZONE_NORMAL);
	u64 nr_users = take_all(GFP_MOVABLE, &users);

	assert_in_range(nr_users, 450, 512);
	for (struct page *p = users; p; p = (struct page *)(uintptr_t)p->private)
		assert_int_equal(page_zone_type(p), ZONE_MOVABLE);
	free_chain(kernel);
	kernel = NULL;
	/* Users take ordinary frames too, when theirs have run out. */
	assert_in_range(take_all(GFP_MOVABLE, &kernel), 450, 511);
	verify();
	free_chain(kernel);
	free_chain(users);
	finish();
}

static void tiny_machines_work(void **state)
{
	(void)state;
	for (u32 nodes = 1; nodes <= 4; nodes++) {
		for (u32 cpus = 1; cpus <= 64; cpus *= 4) {
			struct umm_config config = config_of(64 / nodes + 1);
			struct page *chain = NULL;

			config.nodes = nodes;
			config.cpus = cpus;
			build(&config);
			assert_in_range(take_all(GFP_ZERO, &chain), 55, 68);
			verify();
			free_chain(chain);
			finish();
		}
	}
}

/* ---- size ---------------------------------------------------------------------------------- */

static void a_terabyte_costs_what_is_touched(void **state)
{
	struct umm_config config = config_of(1ull << 28);
	struct page *head, *page;
	u64 start = host_monotonic_ns();

	(void)state;
	if (config.ram_bytes > ARENA_SLOT_BYTES - RAM_OFFSET) {
		print_message("the arenas of this build are smaller than 1 TiB\n");
		skip();
	}
	config.poison = false;
	build(&config);
	assert_in_range(host_monotonic_ns() - start, 0, 50000000);
	assert_int_equal(phys_total_pages(m), (1ull << 28) - 1);
	assert_int_equal(phys_free_pages(m), (1ull << 28) - 1);
	assert_true(m->heap_used < 1 << 20);
	page = take(GFP_ZERO);
	head = alloc_pages(m, 0, MAX_ORDER, -1, FAIL_OTHER_PAGE);
	assert_true(page && head);
	memset(page_address(page), 1, PAGE_SIZE);
	/* Two sections are in use, whatever the size of the machine. */
	assert_in_range(m->phys->zones[0].next, 1, 2 * SECTION_PAGES);
	verify();
	put_page(page);
	put_page(head);
	finish();
}

static void used_frames_can_be_walked(void **state)
{
	struct umm_config config = config_of(4096);
	struct page *pages[3], *folio;
	pfn_t at = pfn_of(0), found;
	u64 nr = 0, sum = 0;

	(void)state;
	config.nodes = 2;
	config.cpus = 2;
	build(&config);
	assert_false(phys_next_used(m, pfn_of(0), &found));
	for (int i = 0; i < 3; i++)
		pages[i] = alloc_pages(m, 0, 0, i & 1, FAIL_OTHER_PAGE);
	folio = alloc_pages(m, 0, 3, 1, FAIL_OTHER_PAGE);
	for (; phys_next_used(m, at, &found); at = pfn_of(found.n + 1)) {
		nr++;
		sum += found.n;
	}
	assert_int_equal(nr, 4);
	for (int i = 0; i < 3; i++) {
		sum -= page_to_pfn(pages[i]).n;
		put_page(pages[i]);
	}
	assert_int_equal(sum, page_to_pfn(folio).n);
	put_page(folio);
	finish();
}

static void every_allocation_can_fail(void **state)
{
	(void)state;
	build_small();
	for (u64 nth = 1; nth <= 8; nth++) {
		const struct umm_fail fail = { .site = "page", .order = -1, .nth = nth };
		struct page *chain = NULL;

		assert_int_equal(fail_set(m, &fail), 0);
		assert_int_equal(take_all(0, &chain), nth - 1);
		verify();
		free_chain(chain);
	}
	fail_set(m, NULL);
	finish();
}

/* ---- snapshots ------------------------------------------------------------------------------ */

static void snapshots_keep_the_lists(void **state)
{
	static const u64 sizes[] = { 64, 4096, 65536 };

	(void)state;
	for (u64 i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct umm_config config = config_of(sizes[i]);
		struct umm_snapshot *early, *late;
		struct page *page, *chain = NULL;
		u64 free_pages;

		build(&config);
		assert_int_equal(machine_snapshot_take(m, &early), 0);
		page = take(GFP_ZERO);
		memset(page_address(page), 0x5a, PAGE_SIZE);
		free_pages = phys_free_pages(m);
		assert_int_equal(machine_snapshot_take(m, &late), 0);
		for (int round = 0; round < 3; round++) {
			for (int k = 0; k < 30; k++) {
				struct page *more = take(GFP_ZERO);

				memset(page_address(more), k, PAGE_SIZE);
				more->private = (uintptr_t)chain;
				chain = more;
			}
			if (round == 1)
				free_chain(chain);
			chain = NULL;
			machine_snapshot_restore(m, late);
			verify();
			assert_int_equal(phys_free_pages(m), free_pages);
			assert_int_equal(*(u8 *)page_address(page), 0x5a);
		}
		put_page(page);
		/* Back to before any frame was in use; and forward again. */
		machine_snapshot_restore(m, early);
		verify();
		assert_int_equal(m->phys->zones[0].next, 0);
		put_page(take(GFP_ZERO));
		machine_snapshot_restore(m, late);
		verify();
		assert_int_equal(*(u8 *)page_address(page), 0x5a);
		put_page(page);
		machine_snapshot_free(early);
		machine_snapshot_free(late);
		finish();
	}
}

/* ---- several CPUs at once -------------------------------------------------------------------- */

#ifndef UMM_SIM
#define THREADS 3

static void churn(void *arg)
{
	struct task_base *task = arg;
	struct page *held[64] = { NULL };
	struct prng rng;

	prng_seed(&rng, task->cpu);
	sync_set_current((struct task *)task);
	for (int i = 0; i < 30000; i++) {
		u64 at = prng_below(&rng, ARRAY_SIZE(held));

		if (held[at]) {
			/* Its own, and nobody else's. */
			assert_int_equal(*(u64 *)page_address(held[at]), (uintptr_t)&held[at]);
			put_page(held[at]);
			held[at] = NULL;
			continue;
		}
		unsigned order = prng_below(&rng, 8) ? 0 : (unsigned)prng_below(&rng, 4);

		held[at] = alloc_pages(m, GFP_ZERO, order, -1, FAIL_OTHER_PAGE);
		if (held[at]) {
			assert_int_equal(*(u64 *)page_address(held[at]), 0);
			*(u64 *)page_address(held[at]) = (uintptr_t)&held[at];
		}
	}
	for (u64 i = 0; i < ARRAY_SIZE(held); i++) {
		if (held[i])
			put_page(held[i]);
	}
	sync_set_current(NULL);
}

static void many_cpus_at_once(void **state)
{
	struct host_thread *threads[THREADS];
	struct umm_config config = config_of(512);

	(void)state;
	config.cpus = THREADS;
	config.nodes = 2;
	build(&config);
	for (unsigned i = 0; i < THREADS; i++) {
		struct task_base *task = machine_alloc_forever(m, CACHELINE);

		/* Two of them on one CPU: its lists are locked, not owned. */
		task->cpu = i / 2;
		assert_int_equal(host_thread_start(churn, task, &threads[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++)
		host_thread_join(threads[i]);
	assert_int_equal(vm_counter_sum(m, PGALLOC), vm_counter_sum(m, PGFREE));
	finish();
}
#else
static void many_cpus_at_once(void **state)
{
	(void)state;
	skip(); /* needs threads that run at once */
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_page_is_handed_out_clean),
		cmocka_unit_test(larger_blocks_are_folios),
		cmocka_unit_test(misuse_is_found),
		cmocka_unit_test(verify_sees_damage),
		cmocka_unit_test(watermarks_hold_frames_back),
		cmocka_unit_test(linux_would_keep_as_many_back),
		cmocka_unit_test(each_cpu_keeps_its_own),
		cmocka_unit_test(other_cpus_lists_are_drained),
		cmocka_unit_test(nodes_fall_back_in_order),
		cmocka_unit_test(movable_frames_are_for_users_only),
		cmocka_unit_test(tiny_machines_work),
		cmocka_unit_test(a_terabyte_costs_what_is_touched),
		cmocka_unit_test(used_frames_can_be_walked),
		cmocka_unit_test(every_allocation_can_fail),
		cmocka_unit_test(snapshots_keep_the_lists),
		cmocka_unit_test(many_cpus_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
