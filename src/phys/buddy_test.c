/* SPDX-License-Identifier: MIT */
/*
 * The buddy lists against a naive model: a flag for each frame. Which free blocks there must
 * be follows from the flags alone: a block is on the list of its order when all its frames are
 * free, and the block of twice its size around it is not wholly free or leaves the zone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "phys/phys_internal.h"

#define MAX_FRAMES 4096

static struct machine *m;
static struct zone *zone;
static bool frame_free[MAX_FRAMES]; /* by frame number */

static void print_contradiction(void *arg, const char *what, u64 a, u64 b)
{
	(void)arg;
	print_error("%s (%#llx, %#llx)\n", what, (unsigned long long)a, (unsigned long long)b);
}

static void build(const struct umm_config *config, unsigned zone_index)
{
	assert_int_equal(machine_create(config, &m), 0);
	assert_int_equal(phys_init(m), 0);
	zone = &m->phys->zones[zone_index];
	memset(frame_free, 0, sizeof(frame_free));
	for (u64 pfn = MAX(zone->start, 1); pfn < zone->end; pfn++)
		frame_free[pfn] = true;
}

/* ---- the model ----------------------------------------------------------------------------- */

static bool model_block_free(u64 pfn, unsigned order)
{
	if (pfn < zone->start || pfn + BIT(order) > zone->next)
		return false;
	for (u64 i = 0; i < BIT(order); i++) {
		if (!frame_free[pfn + i])
			return false;
	}
	return true;
}

static bool model_on_list(u64 pfn, unsigned order)
{
	return model_block_free(pfn, order) &&
	       (order == MAX_ORDER || !model_block_free(pfn & ~BIT(order), order + 1));
}

/* Whether a block can be had, bringing untouched frames into use if need be. */
static bool model_can_take(unsigned order)
{
	for (u64 pfn = ALIGN_UP(zone->start, BIT(order)); pfn + BIT(order) <= zone->end;
	     pfn += BIT(order)) {
		bool all = true;

		for (u64 i = 0; all && i < BIT(order); i++)
			all = frame_free[pfn + i];
		if (all)
			return true;
	}
	return false;
}

static void compare(void)
{
	u64 listed = 0;

	for (unsigned order = 0; order <= MAX_ORDER; order++) {
		u64 expected = 0, found = 0;
		struct page *page;

		for (u64 pfn = ALIGN_UP(zone->start, BIT(order)); pfn < zone->next;
		     pfn += BIT(order))
			expected += model_on_list(pfn, order);
		list_for_each_entry(page, &zone->areas[order].blocks, lru) {
			assert_true(model_on_list(page_to_pfn(page).n, order));
			found++;
		}
		assert_int_equal(found, expected);
		listed += found << order;
	}
	assert_int_equal(listed, zone->nr_free);
}

/* ---- steps, in both ------------------------------------------------------------------------- */

static struct page *take(unsigned order)
{
	bool can = model_can_take(order);

	spin_lock(&zone->lock);
	struct page *page = zone_take_locked(m, zone, order);

	spin_unlock(&zone->lock);
	if (!can) {
		assert_null(page);
		return NULL;
	}
	assert_non_null(page);
	u64 pfn = page_to_pfn(page).n;

	assert_true(IS_ALIGNED(pfn, BIT(order)));
	for (u64 i = 0; i < BIT(order); i++) {
		assert_true(frame_free[pfn + i]);
		frame_free[pfn + i] = false;
		/* As in use, so that the recount is content. */
		page_clear_zeroed(page + i);
		page[i].refcount.v = 1;
	}
	return page;
}

static void give(struct page *page, unsigned order)
{
	for (u64 i = 0; i < BIT(order); i++) {
		frame_free[page_to_pfn(page).n + i] = true;
		page[i].refcount.v = 0;
	}
	spin_lock(&zone->lock);
	zone_give_locked(m, zone, page, order);
	spin_unlock(&zone->lock);
}

static void check(void)
{
	compare();
	assert_int_equal(phys_verify(m, print_contradiction, NULL), 0);
}

/* ---- complete enumeration ------------------------------------------------------------------ */

/* Every set of free frames of a zone, and then every order that can be asked for. */
static void enumerate_zone(void)
{
	u64 first = MAX(zone->start, 1), nr = zone->end - first;

	while (take(0))
		;
	for (u64 set = 0; set < BIT(nr); set++) {
		/* Alternate sides, so that merging goes both ways. */
		for (u64 i = 0; i < nr; i++) {
			u64 bit = set & 1 ? nr - 1 - i : i;

			if (set & BIT(bit))
				give(pfn_to_page(m, pfn_of(first + bit)), 0);
		}
		check();
		for (unsigned order = 0; order <= 4; order++) {
			struct page *page = take(order);

			if (!page)
				continue;
			check();
			give(page, order);
			compare();
		}
		while (take(0))
			;
		assert_int_equal(zone->nr_free, 0);
	}
}

static void every_state_of_a_small_zone(void **state)
{
	struct umm_config config;

	(void)state;
	umm_config_init(&config);
	config.nodes = 4;
	config.ram_bytes = 27 * PAGE_SIZE;
	config.movable_bytes = 11 * PAGE_SIZE;
	/* Frames 16..26, and 43..53: bounds on no power of two. */
	for (unsigned index = 1; index <= 3; index += 2) {
		build(&config, index);
		enumerate_zone();
		machine_destroy(m);
	}
}

/* ---- random steps ---------------------------------------------------------------------------- */

#define MAX_BLOCKS 256

static void random_steps(u64 seed, u64 ram_pages, unsigned steps)
{
	struct prng rng;
	struct umm_config config;
	struct {
		struct page *page;
		unsigned order;
	} blocks[MAX_BLOCKS];
	unsigned nr = 0;

	prng_seed(&rng, seed);
	umm_config_init(&config);
	config.ram_bytes = ram_pages * PAGE_SIZE;
	build(&config, 0);
	/* Each run has orders of its own, and a liking for taking or giving that changes. */
	unsigned max_order = (unsigned)prng_below(&rng, MAX_ORDER + 1);
	u64 taking = 50;

	for (unsigned step = 0; step < steps; step++) {
		if (prng_below(&rng, 20) == 0)
			taking = 20 + prng_below(&rng, 60);
		if (nr < MAX_BLOCKS && prng_below(&rng, 100) < taking) {
			unsigned order = (unsigned)prng_below(&rng, max_order + 1);
			struct page *page = take(order);

			if (page) {
				blocks[nr].page = page;
				blocks[nr++].order = order;
			}
		} else if (nr > 0) {
			unsigned i = (unsigned)prng_below(&rng, nr);

			give(blocks[i].page, blocks[i].order);
			blocks[i] = blocks[--nr];
		}
		check();
	}
	while (nr-- > 0)
		give(blocks[nr].page, blocks[nr].order);
	check();
	assert_int_equal(zone_available_locked(zone), zone->end - 1);
	machine_destroy(m);
}

static void random_steps_on_several_sizes(void **state)
{
	static const u64 sizes[] = { 64, 100, 1023, 1024, 2048, 4096 };

	(void)state;
	for (u64 seed = 1; seed <= 24; seed++) {
		u64 size = sizes[seed % ARRAY_SIZE(sizes)];

		print_message("seed %llu, %llu frames\n", (unsigned long long)seed,
			      (unsigned long long)size);
		random_steps(seed, size, 300);
	}
}

/* A zone starts with nothing in use. */
static void sections_come_into_use_when_needed(void **state)
{
	struct umm_config config;
	struct page *pages[3];

	(void)state;
	umm_config_init(&config);
	config.ram_bytes = 3 * SECTION_PAGES * PAGE_SIZE;
	build(&config, 0);
	assert_int_equal(zone->next, 0);
	pages[0] = take(0);
	assert_int_equal(zone->next, SECTION_PAGES);
	/* The first section has frame 0 in it: its largest block is half of it. */
	pages[1] = take(MAX_ORDER);
	assert_int_equal(page_to_pfn(pages[1]).n, SECTION_PAGES);
	assert_int_equal(zone->next, 2 * SECTION_PAGES);
	pages[2] = take(MAX_ORDER - 1);
	assert_int_equal(zone->next, 2 * SECTION_PAGES);
	give(pages[1], MAX_ORDER);
	give(pages[2], MAX_ORDER - 1);
	give(pages[0], 0);
	check();
	machine_destroy(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_state_of_a_small_zone),
		cmocka_unit_test(random_steps_on_several_sizes),
		cmocka_unit_test(sections_come_into_use_when_needed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
