/* SPDX-License-Identifier: MIT */
/* Covers: P3 */
#include "swap/fixture_test.h"

/* ---- one page ------------------------------------------------------------------------- */

static void a_page_goes_and_comes_back(void **state)
{
	u32 type;
	swp_entry_t entry;

	(void)state;
	build(256);
	type = area_of(8, -1);
	assert_int_equal(swap_free_pages(m), 8);
	entry = swap_away(100);
	assert_int_equal(entry.type, type);
	assert_true(entry.offset >= 1 && entry.offset <= 8);
	assert_int_equal(swap_free_pages(m), 7);
	swap_in_and_free(entry, 100);
	assert_int_equal(swap_free_pages(m), 8);
	assert_null(swap_cache_get(m, entry));
	remove_area(type);
	finish();
}

static void the_cache_keeps_one_page_of_a_slot(void **state)
{
	swp_entry_t entry;
	struct page *first, *second;

	(void)state;
	build(256);
	(void)area_of(8, -1);
	entry = swap_away(7);
	first = swap_in(entry);
	second = swap_in(entry);
	assert_ptr_equal(first, second);
	assert_int_equal(page_count(first), 3);
	put_page(second);
	page_lock(first);
	/* Somebody refers to it still. */
	assert_false(folio_free_swap(first));
	page_unlock(first);
	free_swap_and_cache(m, entry);
	/* The last entry takes the page out too. */
	assert_false(page_test_swapcache(first));
	assert_int_equal(page_count(first), 1);
	assert_int_equal(swap_free_pages(m), 8);
	put_page(first);
	remove_area(0);
	finish();
}

static void the_last_entry_leaves_a_locked_page(void **state)
{
	swp_entry_t entry;
	struct page *page;

	(void)state;
	build(256);
	(void)area_of(8, -1);
	entry = swap_away(7);
	page = swap_in(entry);
	page_lock(page);
	free_swap_and_cache(m, entry);
	assert_true(page_test_swapcache(page));
	assert_int_equal(swap_count(m, entry), 0);
	assert_int_equal(swap_free_pages(m), 7);
	assert_true(folio_free_swap(page));
	page_unlock(page);
	put_page(page);
	remove_area(0);
	finish();
}

static void reclaim_takes_what_nobody_uses(void **state)
{
	swp_entry_t entry;
	struct page *page;

	(void)state;
	build(256);
	(void)area_of(8, -1);
	page = page_of(5);
	entry = swap_out(page);
	page_lock(page);
	get_page(page);
	assert_false(swap_cache_take_unused(page));
	put_page(page);
	page_set_dirty(page);
	assert_false(swap_cache_take_unused(page));
	assert_int_equal(page_count(page), 2);
	page_clear_dirty(page);
	assert_true(swap_cache_take_unused(page));
	assert_int_equal(page_count(page), 0);
	page_unlock(page);
	free_zero_ref_page(page);
	verify();
	swap_in_and_free(entry, 5);
	remove_area(0);
	finish();
}

static void counts_of_entries(void **state)
{
	swp_entry_t entry;
	struct swap_slot *slot;
	struct swap_cluster *cluster;

	(void)state;
	build(256);
	(void)area_of(8, -1);
	entry = swap_away(1);
	for (int i = 0; i < 300; i++)
		assert_int_equal(swap_duplicate(m, entry), 0);
	assert_int_equal(swap_count(m, entry), 301);
	for (int i = 0; i < 300; i++)
		swap_free(m, entry);
	cluster = swap_lock_slot(m, entry, &slot);
	slot->count = SWAP_COUNT_MAX;
	spin_unlock(&cluster->lock);
	assert_int_equal(swap_duplicate(m, entry), -ENOMEM);
	assert_int_equal(swap_count(m, entry), SWAP_COUNT_MAX);
	slot->count = 1;
	swap_free(m, entry);
	assert_int_equal(swap_free_pages(m), 8);
	remove_area(0);
	finish();
}

/* ---- areas ---------------------------------------------------------------------------- */

static void priorities_and_turns(void **state)
{
	u32 low, a, b;
	u64 in_a = 0, in_b = 0;

	(void)state;
	build(256);
	low = area_of(40, 1);
	a = area_of(3 * SWAP_CLUSTER - 1, 5);
	b = area_of(3 * SWAP_CLUSTER - 1, 5);
	for (u64 i = 0; i < 4 * SWAP_CLUSTER - 1; i++) {
		swp_entry_t entry = swap_away(i);

		assert_true(entry.type != low);
		in_a += entry.type == a;
		in_b += entry.type == b;
	}
	/* A cluster of one, then one of the other. */
	assert_true(in_a >= 2 * SWAP_CLUSTER - 1 && in_b >= 2 * SWAP_CLUSTER - 1);
	for (u64 i = 4 * SWAP_CLUSTER - 1; i < 6 * SWAP_CLUSTER - 2; i++)
		assert_true(swap_away(i).type != low);
	assert_true(vm_swap_full(m));
	assert_int_equal(swap_free_pages(m), 40);
	for (u64 i = 0; i < 40; i++)
		assert_int_equal(swap_away(i).type, low);
	assert_int_equal(swap_free_pages(m), 0);
	/* verify() of the whole machine would miss the entries: there are no page tables. */
	verify();
	umm_machine_destroy(machine);
}

static void full_is_full(void **state)
{
	swp_entry_t entries[11];
	struct page *page;

	(void)state;
	build(256);
	(void)area_of(11, -1);
	for (u64 i = 0; i < 11; i++)
		entries[i] = swap_away(i);
	page = page_of(99);
	page_lock(page);
	assert_int_equal(add_to_swap(page), -ENOMEM);
	assert_int_equal(page_count(page), 1);
	assert_false(page_test_swapcache(page));
	verify();
	swap_in_and_free(entries[4], 4);
	assert_int_equal(add_to_swap(page), 0);
	assert_int_equal(page_swap_entry(page).offset, entries[4].offset);
	delete_from_swap_cache(page);
	page_unlock(page);
	put_page(page);
	for (u64 i = 0; i < 11; i++)
		if (i != 4)
			swap_in_and_free(entries[i], i);
	remove_area(0);
	finish();
}

static void given_priorities_and_others(void **state)
{
	struct swap_area_info info;
	u32 type = 0;
	static const s32 want[] = { -2, 7, -3 };

	(void)state;
	build(256);
	(void)area_of(4, -1);
	(void)area_of(4, 7);
	(void)area_of(4, -1);
	for (; swap_area_next(m, &type, &info); type++)
		assert_int_equal(info.priority, want[type]);
	remove_area(0);
	type = 2;
	assert_true(swap_area_next(m, &type, &info));
	assert_int_equal(info.priority, -2);
	assert_int_equal(swap_area_find(m, NULL, &(u32){ 0 }), -EINVAL);
	assert_int_equal(area_of(4, -1), 0);
	type = 0;
	assert_true(swap_area_next(m, &type, &info));
	assert_int_equal(info.priority, -3);
	for (u32 i = 0; i < 3; i++)
		remove_area(i);
	finish();
}

static void a_stopped_area_gives_no_slots(void **state)
{
	swp_entry_t entry;
	struct page *page;

	(void)state;
	build(256);
	(void)area_of(20, -1);
	entry = swap_away(3);
	assert_int_equal(swap_area_stop(m, 0), 0);
	assert_int_equal(swap_free_pages(m), 0);
	page = page_of(4);
	page_lock(page);
	assert_int_equal(add_to_swap(page), -ENOMEM);
	swap_area_resume(m, 0);
	verify();
	assert_int_equal(swap_free_pages(m), 19);
	assert_int_equal(add_to_swap(page), 0);
	assert_int_equal(swap_area_stop(m, 0), 0);
	delete_from_swap_cache(page);
	page_unlock(page);
	put_page(page);
	swap_area_resume(m, 0);
	verify();
	swap_in_and_free(entry, 3);
	remove_area(0);
	/* A stale entry finds nothing. */
	assert_null(swap_cache_get(m, entry));
	assert_int_equal(swap_count(m, entry), 0);
	finish();
}

static void areas_come_and_go(void **state)
{
	u64 used;

	(void)state;
	build(256);
	for (int round = 0; round < 3; round++)
		for (u64 pages = 1; pages < 2000; pages = pages * 3 + 1) {
			u32 type = area_of(pages, -1);
			swp_entry_t entry = swap_away(pages);

			swap_in_and_free(entry, pages);
			remove_area(type);
			used = m->heap_used;
		}
	for (u64 pages = 1; pages < 2000; pages = pages * 3 + 1)
		remove_area(area_of(pages, -1));
	/* Their memory is used again. */
	assert_int_equal(m->heap_used, used);
	for (u32 i = 0; i < MAX_SWAP_AREAS; i++)
		assert_int_equal(area_of(1 + i, -1), i);
	assert_int_equal(swap_area_add(m, NULL, 1, -1, &(u32){ 0 }), -EPERM);
	assert_int_equal(swap_area_add(m, NULL, 0, -1, &(u32){ 0 }), -EINVAL);
	for (u32 i = MAX_SWAP_AREAS; i-- > 0;)
		remove_area(i);
	finish();
}

static void another_cpu_has_the_last_slots(void **state)
{
	struct umm_task *tasks[2];
	swp_entry_t entries[6];

	(void)state;
	build(256);
	(void)area_of(6, -1);
	for (int i = 0; i < 2; i++)
		assert_int_equal(umm_process_create(machine, &tasks[i]), 0);
	((struct task_base *)tasks[0])->cpu = 0;
	((struct task_base *)tasks[1])->cpu = 1;
	sync_set_current((struct task *)tasks[0]);
	entries[0] = swap_away(0);
	sync_set_current((struct task *)tasks[1]);
	for (u64 i = 1; i < 6; i++)
		entries[i] = swap_away(i);
	for (u64 i = 0; i < 6; i++)
		swap_in_and_free(entries[i], i);
	sync_set_current(NULL);
	remove_area(0);
	for (int i = 0; i < 2; i++)
		umm_task_exit(tasks[i]);
	finish();
}
/* ---- failures ------------------------------------------------------------------------- */

static void fail_nth(const char *site, u64 nth)
{
	struct umm_fail fail = { .site = site, .order = -1, .nth = nth };

	assert_int_equal(umm_fail_set(machine, &fail), 0);
}

static void what_cannot_be_written_stays(void **state)
{
	struct page *page;
	swp_entry_t entry;

	(void)state;
	build(256);
	(void)area_of(8, -1);
	fail_nth("swap_slot", 1);
	page = page_of(77);
	page_lock(page);
	assert_int_equal(add_to_swap(page), -ENOMEM);
	assert_int_equal(add_to_swap(page), 0);
	entry = page_swap_entry(page);
	assert_int_equal(swap_duplicate(m, entry), 0);
	fail_nth("swap_write", 1);
	assert_int_equal(swap_writeout(page), -EIO);
	assert_true(page_test_dirty(page) && !page_test_writeback(page));
	assert_int_equal(swap_writeout(page), 0);
	assert_false(page_test_dirty(page));
	delete_from_swap_cache(page);
	page_unlock(page);
	put_page(page);
	swap_in_and_free(entry, 77);
	remove_area(0);
	finish();
}

static void what_cannot_be_read_is_not_up_to_date(void **state)
{
	struct page *page;
	swp_entry_t entry;
	int err = 0;

	(void)state;
	build(256);
	(void)area_of(8, -1);
	entry = swap_away(78);
	fail_nth("swapin_page", 1);
	assert_null(swapin_readahead(m, entry, 0, &err));
	assert_int_equal(err, -ENOMEM);
	fail_nth("swap_read", 1);
	page = swap_in(entry);
	assert_false(page_test_uptodate(page));
	assert_false(page_test_locked(page));
	page_lock(page);
	delete_from_swap_cache(page);
	page_unlock(page);
	put_page(page);
	swap_in_and_free(entry, 78);
	assert_null(swapin_readahead(m, entry, 0, &err));
	assert_int_equal(err, -ENOENT);
	remove_area(0);
	finish();
}

static void readahead_brings_neighbours(void **state)
{
	swp_entry_t entries[8];

	(void)state;
	build(256);
	m->config.page_cluster = 2;
	(void)area_of(8, -1);
	for (u64 i = 0; i < 8; i++)
		entries[i] = swap_away(i * 1000);
	swap_in_and_free(entries[5], 5000); /* slot 6, with 4, 5 and 7 */
	for (u64 i = 0; i < 8; i++) {
		struct page *page = swap_cache_get(m, entries[i]);

		assert_true(!!page == (i == 3 || i == 4 || i == 6));
		if (!page)
			continue;
		expect_tag(page, i * 1000);
		put_page(page);
	}
	assert_int_equal(vm_counter_sum(m, SWAP_RA), 3);
	for (u64 i = 0; i < 8; i++)
		if (i != 5)
			free_swap_and_cache(m, entries[i]);
	remove_area(0);
	finish();
}

static void swap_in_fails_n_times(void **state)
{
	swp_entry_t entries[8];

	(void)state;
	build(256);
	m->config.page_cluster = 3;
	(void)area_of(8, -1);
	for (u64 i = 0; i < 8; i++)
		entries[i] = swap_away(i);
	for (u64 nth = 1; nth < 10; nth++) {
		struct page *page;
		int err = 0;

		fail_nth("swapin_page", nth);
		page = swapin_readahead(m, entries[0], 0, &err);
		assert_true(page ? nth > 1 : err == -ENOMEM);
		verify();
		if (page)
			put_page(page);
		for (u64 i = 0; i < 8; i++) {
			page = swap_cache_get(m, entries[i]);
			if (!page)
				continue;
			page_lock(page);
			delete_from_swap_cache(page);
			page_unlock(page);
			put_page(page);
		}
	}
	for (u64 i = 0; i < 8; i++)
		swap_in_and_free(entries[i], i);
	remove_area(0);
	finish();
}

/* ---- misuse --------------------------------------------------------------------------- */

static void free_it(void *entry)
{
	swap_free(m, *(swp_entry_t *)entry);
}

static void misuse_is_found(void **state)
{
	swp_entry_t entry;

	(void)state;
	build(256);
	(void)area_of(8, -1);
	entry = swap_away(1);
	swap_in_and_free(entry, 1);
	expect_bug(free_it, &entry, "slot->count");
	umm_machine_destroy(machine);
}

/* ---- verify: planted faults ----------------------------------------------------------- */

static void ignore(void *arg, const char *what, u64 a, u64 b)
{
	(void)arg;
	(void)what;
	(void)a;
	(void)b;
}

static void expect_contradiction(void)
{
	assert_true(swap_verify(m, ignore, NULL) > 0);
}

static void verify_sees(void **state)
{
	struct swap_area *area;
	struct swap_cluster *cluster;
	swp_entry_t entry;
	char text[1024];

	(void)state;
	build(256);
	(void)area_of(8, 3);
	(void)area_of(8, 2);
	entry = swap_away(1);
	area = m->swap->areas[entry.type];
	cluster = &area->memory->clusters[0];
#define PLANT(change, undo)             \
	do {                            \
		change;                 \
		expect_contradiction(); \
		undo;                   \
		verify();               \
	} while (0)
	PLANT(area->memory->slots[3].count++, area->memory->slots[3].count--);
	PLANT(cluster->used++, cluster->used--);
	PLANT(cluster->lock.word = 1, cluster->lock.word = 0);
	PLANT(area->used.v++, area->used.v--);
	PLANT(m->swap->nr_free.v--, m->swap->nr_free.v++);
	PLANT(m->total_swap_pages.v--, m->total_swap_pages.v++);
	PLANT(area->writable = false, area->writable = true);
	PLANT(area->priority = 1, area->priority = 3);
	PLANT(cluster->state = CLUSTER_FULL, cluster->state = CLUSTER_CURRENT);
	PLANT(cluster->state = CLUSTER_PARTIAL, cluster->state = CLUSTER_CURRENT);
	PLANT(m->swap->lock.word = 1, m->swap->lock.word = 0);
	area->memory->slots[entry.offset].cache = pfn_to_page(m, pfn_of(1ull << 30));
	assert_true(umm_verify(machine, text, sizeof(text)) > 0);
	assert_non_null(strstr(text, "slot 1 of area 0: its page is no RAM\n"));
	area->memory->slots[entry.offset].cache = NULL;
	swap_in_and_free(entry, 1);
	remove_area(0);
	remove_area(1);
	finish();
}
int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_page_goes_and_comes_back),
		cmocka_unit_test(the_cache_keeps_one_page_of_a_slot),
		cmocka_unit_test(the_last_entry_leaves_a_locked_page),
		cmocka_unit_test(reclaim_takes_what_nobody_uses),
		cmocka_unit_test(counts_of_entries),
		cmocka_unit_test(priorities_and_turns),
		cmocka_unit_test(full_is_full),
		cmocka_unit_test(given_priorities_and_others),
		cmocka_unit_test(a_stopped_area_gives_no_slots),
		cmocka_unit_test(areas_come_and_go),
		cmocka_unit_test(another_cpu_has_the_last_slots),
		cmocka_unit_test(what_cannot_be_written_stays),
		cmocka_unit_test(what_cannot_be_read_is_not_up_to_date),
		cmocka_unit_test(readahead_brings_neighbours),
		cmocka_unit_test(swap_in_fails_n_times),
		cmocka_unit_test(verify_sees),
		/* Leaves a lock held: the last. */
		cmocka_unit_test(misuse_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
