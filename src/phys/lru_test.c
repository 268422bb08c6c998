/* SPDX-License-Identifier: MIT */
/* Covers: P4, R6 */
/*
 * Pages on LRU lists against a model: an array that says of each where it is, and the order of
 * each list. Then every contradiction that lru_verify() looks for, planted.
 */
#include "machine/bug_test.h"

#include "base/prng.h"
#include "base/uapi.h"
#include "phys/group.h"
#include "phys/lru_internal.h"

#define PAGES 120
#define STEPS 3000
#define GROUPS 3

enum place { FREE, NEW, BATCHED, LISTED, ISOLATED };

struct known {
	struct page *page;
	enum place place;
	u32 group, locks;
	bool active, anon;
	u64 since; /* when it came to the head of its list, or into a batch */
};

static struct machine *m;
static struct known known[PAGES];
static struct prng rng;
static u64 now;

static void print_contradiction(void *arg, const char *what, u64 a, u64 b)
{
	(void)arg;
	print_error("%s (%#llx, %#llx)\n", what, (unsigned long long)a, (unsigned long long)b);
}

static void build(void)
{
	struct umm_config config;
	u32 id;

	umm_config_init(&config);
	config.ram_bytes = 256 * PAGE_SIZE;
	config.nodes = 2;
	config.poison = true;
	assert_int_equal(machine_create(&config, &m), 0);
	assert_int_equal(phys_init(m), 0);
	assert_int_equal(groups_init(m), 0);
	assert_int_equal(lru_init(m), 0);
	for (u32 i = 1; i < GROUPS; i++)
		assert_int_equal(group_create(m, GROUP_NO_LIMIT, &id), 0);
	memset(known, 0, sizeof(known));
	now = 0;
}

static void verify(void)
{
	assert_int_equal(lru_verify(m, print_contradiction, NULL), 0);
}

/* ---- the model ------------------------------------------------------------------------------ */

static enum lru_list list_of(const struct known *k)
{
	if (k->locks)
		return LRU_UNEVICTABLE;
	return (enum lru_list)((k->anon ? 0 : LRU_INACTIVE_FILE) + k->active);
}

static struct known *known_of(const struct page *page)
{
	for (unsigned i = 0; i < PAGES; i++) {
		if (known[i].place != FREE && known[i].page == page)
			return &known[i];
	}
	fail_msg("a page that nobody has");
	return NULL;
}

/* A batch has been worked off: what is in it comes to the heads of lists, the oldest first. */
static void drained(void)
{
	for (;;) {
		struct known *oldest = NULL;

		for (unsigned i = 0; i < PAGES; i++) {
			if (known[i].place == BATCHED &&
			    (!oldest || known[i].since < oldest->since))
				oldest = &known[i];
		}
		if (!oldest)
			return;
		oldest->place = LISTED;
		oldest->since = ++now;
		if (oldest->locks)
			oldest->active = false;
	}
}

static void compare_list(struct lruvec *lruvec, enum lru_list list)
{
	u64 before = ~0ull, nr = 0, expected = 0;
	struct page *page;

	list_for_each_entry(page, &lruvec->lists[list], lru) {
		const struct known *k = known_of(page);

		assert_int_equal(k->place, LISTED);
		assert_int_equal(list_of(k), list);
		assert_int_equal(k->group, lruvec->group);
		assert_true(k->since < before);
		before = k->since;
		nr++;
	}
	for (unsigned i = 0; i < PAGES; i++)
		expected += known[i].place == LISTED && known[i].group == lruvec->group &&
			    page_node(known[i].page) == lruvec->node && list_of(&known[i]) == list;
	assert_int_equal(nr, expected);
	assert_int_equal(nr, lruvec->nr[list]);
}

static void compare(void)
{
	u64 in_group[GROUPS] = { 0 };

	verify();
	for (u32 group = 0; group < GROUPS; group++)
		for (u32 node = 0; node < 2; node++)
			for (unsigned list = 0; list < NR_LRU_LISTS; list++)
				compare_list(&group_of(m, group)->lruvecs[node],
					     (enum lru_list)list);
	for (unsigned i = 0; i < PAGES; i++) {
		const struct known *k = &known[i];

		if (k->place == FREE)
			continue;
		in_group[k->group]++;
		assert_int_equal(page_test_lru_batch(k->page), k->place == BATCHED);
		assert_int_equal(page_test_lru(k->page), k->place == LISTED);
		assert_int_equal(page_test_mlocked(k->page), k->locks > 0);
	}
	for (u32 group = 1; group < GROUPS; group++)
		assert_int_equal(group_pages(m, group), in_group[group]);
}

/* ---- steps ---------------------------------------------------------------------------------- */

static void come(struct known *k)
{
	k->group = (u32)prng_below(&rng, GROUPS);
	k->page = alloc_user_page(m, k->group, GFP_KERNEL, FAIL_ANON_PAGE);
	assert_non_null(k->page);
	assert_int_equal(k->page->group, k->group);
	k->anon = prng_below(&rng, 2);
	k->active = prng_below(&rng, 4) == 0;
	k->locks = 0;
	k->place = NEW;
	k->page->mapping = k->anon ? PAGE_MAPPING_ANON : 0;
	if (k->anon)
		page_set_swapbacked(k->page);
	if (k->active)
		page_set_active(k->page);
}

static void add(struct known *k)
{
	unsigned batched = 1;

	for (unsigned i = 0; i < PAGES; i++)
		batched += known[i].place == BATCHED;
	lru_add(k->page);
	k->place = BATCHED;
	k->since = ++now;
	if (batched == LRU_BATCH)
		drained();
}

/* To the head of another list, if that is where it goes. */
static void move(struct known *k, bool allowed)
{
	if (allowed && k->place == LISTED)
		k->since = ++now;
}

static bool can_move(const struct known *k)
{
	return (k->place == LISTED || k->place == BATCHED) && !k->locks;
}

static void step_move(struct known *k)
{
	bool can = can_move(k);

	switch (prng_below(&rng, 3)) {
	case 0:
		lru_activate(k->page);
		move(k, can && !k->active);
		k->active |= can;
		break;
	case 1:
		lru_deactivate(k->page);
		move(k, can && k->active);
		k->active &= !can;
		break;
	default:
		if (!(k->page->mapping & PAGE_MAPPING_ANON))
			break;
		lru_lazyfree(k->page);
		if (!can || !k->anon)
			break;
		move(k, true);
		k->anon = k->active = false;
	}
}

static void step_lock(struct known *k)
{
	bool moves;

	if (prng_below(&rng, 2)) {
		page_mlock(k->page);
		moves = k->locks++ == 0;
		if (moves && k->place == LISTED)
			k->active = false;
	} else if (k->locks) {
		page_munlock(k->page);
		moves = --k->locks == 0;
	} else {
		return;
	}
	move(k, moves);
}

static void step_isolate(struct known *k)
{
	bool taken = lru_isolate(k->page);

	assert_int_equal(taken, k->place == LISTED || k->place == BATCHED);
	if (!taken)
		return;
	k->place = ISOLATED;
	assert_true(list_empty(&k->page->lru));
	assert_false(lru_isolate(k->page));
	assert_false(page_test_unevictable(k->page));
}

static void step(struct known *k)
{
	if (k->place == FREE) {
		come(k);
		return;
	}
	switch (prng_below(&rng, 8)) {
	case 0:
		while (k->locks) {
			page_munlock(k->page);
			k->locks--;
		}
		put_page(k->page);
		k->place = FREE;
		break;
	case 1:
		step_isolate(k);
		break;
	case 2:
		if (k->place != ISOLATED)
			break;
		lru_putback(k->page);
		k->place = LISTED;
		k->since = ++now;
		if (k->locks)
			k->active = false;
		break;
	case 3:
		step_lock(k);
		break;
	case 4:
		if (prng_below(&rng, 10) == 0) {
			lru_add_drain_all(m);
			drained();
		}
		break;
	default:
		if (k->place == NEW)
			add(k);
		else
			step_move(k);
	}
}

static void lists_agree_with_a_model(void **state)
{
	(void)state;
	for (u64 seed = 1; seed <= 6; seed++) {
		print_message("seed %llu\n", (unsigned long long)seed);
		prng_seed(&rng, seed);
		build();
		for (int i = 0; i < STEPS; i++) {
			step(&known[prng_below(&rng, PAGES)]);
			if (i % 16 == 0)
				compare();
		}
		for (unsigned i = 0; i < PAGES; i++) {
			if (known[i].place == FREE)
				continue;
			known[i].place = FREE;
			put_page(known[i].page);
		}
		compare();
		drain_all_pages(m);
		assert_int_equal(phys_free_pages(m), phys_total_pages(m));
		machine_destroy(m);
	}
}

/* What a gather frees: some in batches, some on lists, of several groups. */
static void many_are_freed_at_once(void **state)
{
	struct page *pages[FREE_BATCH];

	(void)state;
	build();
	prng_seed(&rng, 9);
	for (unsigned i = 0; i < FREE_BATCH; i++) {
		come(&known[i]);
		if (i % 7)
			lru_add(known[i].page);
		pages[i] = known[i].page;
		assert_true(put_page_testzero(pages[i]));
	}
	free_zero_ref_pages(pages, FREE_BATCH);
	verify();
	for (u32 group = 0; group < GROUPS; group++)
		assert_int_equal(group_pages(m, group), 0);
	drain_all_pages(m);
	assert_int_equal(phys_free_pages(m), phys_total_pages(m));
	machine_destroy(m);
}

static void used_twice_is_active(void **state)
{
	struct page *page;

	(void)state;
	build();
	page = alloc_user_page(m, 0, GFP_KERNEL, FAIL_ANON_PAGE);
	lru_add(page);
	lru_add_drain(m);
	page_mark_accessed(page);
	assert_true(page_test_referenced(page) && !page_test_active(page));
	page_mark_accessed(page);
	assert_true(!page_test_referenced(page) && page_test_active(page));
	page_mark_accessed(page);
	page_mark_accessed(page);
	assert_true(page_test_referenced(page) && page_test_active(page));
	lru_deactivate(page);
	assert_true(!page_test_referenced(page) && !page_test_active(page));
	verify();
	put_page(page);
	machine_destroy(m);
}

/* Wanted back, and written meanwhile: next to go. */
static void written_back_goes_next(void **state)
{
	struct lruvec *lruvec;
	struct page *pages[3];

	(void)state;
	build();
	for (unsigned i = 0; i < 3; i++) {
		pages[i] = alloc_user_page(m, 0, GFP_KERNEL, FAIL_FILE_PAGE);
		lru_add(pages[i]);
	}
	lru_add_drain(m);
	lruvec = page_lruvec(pages[0]);
	lru_activate(pages[2]);
	page_set_dirty(pages[1]);
	lru_rotate_reclaimable(pages[1]);
	assert_ptr_equal(list_last_entry(&lruvec->lists[LRU_INACTIVE_FILE], struct page, lru),
			 pages[0]);
	lru_rotate_reclaimable(pages[2]);
	assert_ptr_equal(list_last_entry(&lruvec->lists[LRU_INACTIVE_FILE], struct page, lru),
			 pages[2]);
	assert_false(page_test_active(pages[2]));
	verify();
	for (unsigned i = 0; i < 3; i++)
		put_page(pages[i]);
	machine_destroy(m);
}

static void a_limit_is_kept(void **state)
{
	struct page *pages[5];
	u32 id;

	(void)state;
	build();
	/* Without what could be reclaimed, or anybody to kill. */
	assert_int_equal(group_create(m, 4, &id), 0);
	m->lru = NULL;
	for (unsigned i = 0; i < 4; i++)
		assert_non_null(pages[i] = alloc_user_page(m, id, GFP_KERNEL, FAIL_ANON_PAGE));
	assert_null(alloc_user_page(m, id, GFP_KERNEL, FAIL_ANON_PAGE));
	assert_null(alloc_user_page(m, id, GFP_ATOMIC, FAIL_ANON_PAGE));
	assert_int_equal(atomic64_read(&group_of(m, id)->failcnt), 2);
	put_page(pages[0]);
	assert_non_null(pages[0] = alloc_user_page(m, id, GFP_KERNEL, FAIL_ANON_PAGE));
	assert_int_equal(group_pages(m, id), 4);
	machine_destroy(m);
}

/* ---- damage --------------------------------------------------------------------------------- */

static struct page *listed, *batched, *locked;

static const struct damage {
	const char *says;
	int what;
} damages[] = {
	{ "page on an LRU list without PG_lru", 0 },
	{ "page on an LRU list that its flags do not say", 1 },
	{ "page on an LRU list of another group or node", 2 },
	{ "LRU list is longer than its count", 3 },
	{ "LRU list is shorter than its count", 4 },
	{ "free page on an LRU list", 5 },
	{ "page in an LRU batch says otherwise", 6 },
	{ "PG_mlocked contradicts the mappings that lock", 7 },
	{ "PG_unevictable contradicts PG_mlocked", 8 },
	{ "pages on LRU lists, less those with PG_lru", 9 },
	{ "pages in LRU batches, less those with PG_lru_batch", 10 },
	{ "page on an LRU list and in a batch", 11 },
	{ "LRU list leads out of the page structs", 12 },
	{ "lru_lock is held", 13 },
	{ "lock of an LRU batch is held", 14 },
	{ "LRU batch is too full", 15 },
};

static void do_damage(int what)
{
	struct lruvec *lruvec = page_lruvec(listed);
	struct lru_batch *batch = &m->lru->batches[0];

	switch (what) {
	case 0:
		page_clear_lru(listed);
		break;
	case 1:
		page_set_active(listed);
		break;
	case 2:
		listed->group = 2;
		break;
	case 3:
		lruvec->nr[LRU_INACTIVE_FILE]--;
		break;
	case 4:
		lruvec->nr[LRU_INACTIVE_FILE]++;
		break;
	case 5:
		atomic_set(&listed->refcount, 0);
		break;
	case 6:
		page_clear_lru_batch(batched);
		break;
	case 7:
		locked->mlock_count = 0;
		break;
	case 8:
		page_set_unevictable(batched);
		break;
	case 9:
		list_del_init(&listed->lru);
		lruvec->nr[LRU_INACTIVE_FILE]--;
		break;
	case 10:
		batch->nr = 0;
		break;
	case 11:
		page_set_lru(batched);
		break;
	case 12:
		lruvec->lists[LRU_ACTIVE_ANON].next = (struct list_head *)&m->sections;
		break;
	case 13:
		lruvec->lru_lock.word = 1;
		break;
	case 14:
		batch->lock.word = 1;
		break;
	default:
		batch->nr = LRU_BATCH;
	}
}

static void look_for(void *arg, const char *what, u64 a, u64 b)
{
	const char **says = arg;

	(void)a;
	(void)b;
	if (*says && !strcmp(*says, what))
		*says = NULL;
}

static void verify_sees_damage(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(damages); i++) {
		const char *says = damages[i].says;

		build();
		listed = alloc_user_page(m, 1, GFP_KERNEL, FAIL_ANON_PAGE);
		batched = alloc_user_page(m, 1, GFP_KERNEL, FAIL_ANON_PAGE);
		locked = alloc_user_page(m, 1, GFP_KERNEL, FAIL_ANON_PAGE);
		lru_add(locked);
		lru_add(listed);
		lru_add_drain(m);
		page_mlock(locked);
		lru_add(batched);
		verify();
		do_damage(damages[i].what);
		assert_true(lru_verify(m, look_for, &says) > 0);
		if (says)
			fail_msg("not seen: %s", says);
		machine_destroy(m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_agree_with_a_model),
		cmocka_unit_test(many_are_freed_at_once),
		cmocka_unit_test(used_twice_is_active),
		cmocka_unit_test(written_back_goes_next),
		cmocka_unit_test(a_limit_is_kept),
		cmocka_unit_test(verify_sees_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
