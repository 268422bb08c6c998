/* SPDX-License-Identifier: MIT */
/* For tests of swap: a machine, areas in its memory, and pages that go there and come back. */
#ifndef SWAP_FIXTURE_TEST_H
#define SWAP_FIXTURE_TEST_H

#include "machine/bug_test.h"

#include "base/uapi.h"
#include "phys/group.h"
#include "swap/swap_internal.h"

static struct umm_machine *machine;
static struct machine *m;

static inline void build(u64 ram_pages)
{
	struct umm_config config;

	umm_config_init(&config);
	config.ram_bytes = ram_pages * PAGE_SIZE;
	config.poison = true;
	config.page_cluster = 0;
	assert_int_equal(umm_machine_create(&config, &machine), 0);
	m = (struct machine *)machine;
}

static inline void print_contradiction(void *arg, const char *what, u64 a, u64 b)
{
	(void)arg;
	print_error("%s (%#llx, %#llx)\n", what, (unsigned long long)a, (unsigned long long)b);
}

static inline void verify(void)
{
	assert_int_equal(swap_verify(m, print_contradiction, NULL), 0);
}

static inline void finish(void)
{
	char text[2048];

	verify();
	if (umm_verify(machine, text, sizeof(text)))
		fail_msg("%s", text);
	umm_machine_destroy(machine);
}

static inline u32 area_of(u64 pages, s32 prio)
{
	u32 type;

	assert_int_equal(swap_area_add(m, NULL, pages, prio, &type), 0);
	verify();
	return type;
}

static inline void remove_area(u32 type)
{
	assert_int_equal(swap_area_stop(m, type), 0);
	assert_int_equal(swap_area_used(m, type), 0);
	swap_area_remove(m, type);
	verify();
}

/* A page as anonymous memory has them, filled with a number. */
static inline struct page *page_of(u64 tag)
{
	struct page *page = alloc_user_page(m, 0, GFP_MOVABLE, FAIL_ANON_PAGE);
	u64 *words;

	assert_non_null(page);
	words = page_address(page);
	for (u64 i = 0; i < PAGE_SIZE / sizeof(u64); i++)
		words[i] = tag + i;
	page_init_flags(page, BIT(PG_uptodate) | BIT(PG_swapbacked));
	lru_add(page);
	return page;
}

static inline void expect_tag(struct page *page, u64 tag)
{
	const u64 *words = page_address(page);

	assert_true(page_test_uptodate(page));
	for (u64 i = 0; i < PAGE_SIZE / sizeof(u64); i++)
		assert_int_equal(words[i], tag + i);
}

/* Into the swap cache with an entry; written if so wanted. The caller's reference stays. */
static inline swp_entry_t swap_out(struct page *page)
{
	swp_entry_t entry;

	page_lock(page);
	assert_int_equal(add_to_swap(page), 0);
	entry = page_swap_entry(page);
	assert_int_equal(swap_duplicate(m, entry), 0);
	assert_int_equal(swap_writeout(page), 0);
	assert_false(page_test_dirty(page));
	page_unlock(page);
	verify();
	return entry;
}

/* The page goes, its data is in the slot alone. */
static inline swp_entry_t swap_away(u64 tag)
{
	struct page *page = page_of(tag);
	swp_entry_t entry = swap_out(page);

	page_lock(page);
	delete_from_swap_cache(page);
	page_unlock(page);
	put_page(page);
	assert_null(swap_cache_get(m, entry));
	assert_int_equal(swap_count(m, entry), 1);
	verify();
	return entry;
}

static inline struct page *swap_in(swp_entry_t entry)
{
	int err = 0;
	struct page *page = swapin_readahead(m, entry, 0, &err);

	assert_non_null(page);
	verify();
	return page;
}

static inline void swap_in_and_free(swp_entry_t entry, u64 tag)
{
	struct page *page = swap_in(entry);

	expect_tag(page, tag);
	swap_free(m, entry);
	page_lock(page);
	assert_true(folio_free_swap(page));
	assert_true(page_test_dirty(page));
	page_unlock(page);
	put_page(page);
	verify();
}

#endif
