/* SPDX-License-Identifier: MIT */
/*
 * The array against a list of entries searched from end to end: random stores of all orders,
 * replacements, splits, marks and searches, with allocations failing on the way.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/uapi.h"
#include "machine/machine.h"
#include "machine/xarray.h"

#define ENTRIES 6000
#define STEPS 5000

struct entry {
	u64 index;
	unsigned order;
	xa_entry_t entry;
	u32 marks;
};

static struct machine *m;
static struct xarray *xa;
static struct prng rng;
static struct entry model[ENTRIES];
static unsigned nr_entries;

static int setup(void **state)
{
	struct umm_config config;

	(void)state;
	umm_config_init(&config);
	config.ram_bytes = 64 * PAGE_SIZE;
	config.poison = true;
	if (machine_create(&config, &m))
		return -1;
	kmem_cache_init(m, CACHE_XA_NODE, sizeof(struct xa_node));
	xa = machine_alloc_forever(m, sizeof(*xa));
	if (!xa)
		return -1;
	xa_init(xa, LC_XA);
	nr_entries = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	machine_destroy(m);
	return 0;
}

/* ---- the list ------------------------------------------------------------------------------- */

static u64 entry_last(const struct entry *e)
{
	return e->index + (BIT(e->order) - 1);
}

static struct entry *model_at(u64 index)
{
	for (unsigned i = 0; i < nr_entries; i++) {
		if (model[i].index <= index && index <= entry_last(&model[i]))
			return &model[i];
	}
	return NULL;
}

static void model_remove(struct entry *e)
{
	*e = model[--nr_entries];
}

static void model_store(u64 index, unsigned order, xa_entry_t entry)
{
	u64 last = index + (BIT(order) - 1);

	for (unsigned i = nr_entries; i-- > 0;) {
		if (model[i].index <= last && entry_last(&model[i]) >= index)
			model_remove(&model[i]);
	}
	assert_true(nr_entries < ENTRIES);
	model[nr_entries++] = (struct entry){ index, order, entry, 0 };
}

static struct entry *model_find(u64 from, u64 last, enum xa_mark mark)
{
	struct entry *best = NULL;

	for (unsigned i = 0; i < nr_entries; i++) {
		struct entry *e = &model[i];

		if (entry_last(e) < from || e->index > last)
			continue;
		if (mark != NR_XA_MARKS && !(e->marks & BIT(mark)))
			continue;
		if (!best || e->index < best->index)
			best = e;
	}
	return best;
}

/* ---- comparing ------------------------------------------------------------------------------ */

static void check_node(const struct xa_node *node, const struct xa_node *parent, u64 *nodes)
{
	unsigned used = 0;

	(*nodes)++;
	assert_ptr_equal(node->parent, parent);
	for (unsigned i = 0; i < XA_NODE_SLOTS; i++) {
		xa_entry_t slot = node->slots[i];
		u32 below_marks = 0;

		used += slot != 0;
		if ((slot & 3) != 2 || slot < 256)
			continue;
		const struct xa_node *below = (const void *)(uintptr_t)(slot - 2);

		assert_int_equal(below->offset, i);
		assert_int_equal(below->shift + XA_NODE_SHIFT, node->shift);
		check_node(below, node, nodes);
		for (unsigned mark = 0; mark < NR_XA_MARKS; mark++) {
			below_marks = below->marks[mark] != 0;
			assert_int_equal(!!(node->marks[mark] & BIT(i)), below_marks);
		}
	}
	assert_int_equal(node->count, used);
	assert_true(used > 0);
}

static void check_nodes(void)
{
	u64 nodes = 0;

	if (xa->root)
		check_node(xa->root, NULL, &nodes);
	assert_int_equal(xa->nr_nodes, nodes);
	assert_int_equal(kmem_cache_in_use(m, CACHE_XA_NODE), nodes);
	assert_int_equal(xa_empty(xa), nr_entries == 0);
	assert_int_equal(xa->root ? xa->root->shift / XA_NODE_SHIFT + 1 : 0, xa->height);
}

static void compare_at(u64 index)
{
	struct entry *e = model_at(index);

	assert_int_equal(xa_load_locked(xa, index), e ? e->entry : 0);
	assert_int_equal(xa_order_locked(xa, index), e ? e->order : 0);
	for (unsigned mark = 0; mark < NR_XA_MARKS; mark++)
		assert_int_equal(xa_get_mark_locked(xa, index, (enum xa_mark)mark),
				 e && e->marks & BIT(mark));
}

static void compare_find(u64 from, u64 last, enum xa_mark mark)
{
	struct entry *e = model_find(from, last, mark);
	u64 index = from;
	xa_entry_t found = mark == NR_XA_MARKS ? xa_find_locked(xa, &index, last) :
						 xa_find_marked_locked(xa, &index, last, mark);

	assert_int_equal(found, e ? e->entry : 0);
	assert_int_equal(index, e ? e->index : from);
}

static void compare_marks(void)
{
	u32 all = 0;

	for (unsigned i = 0; i < nr_entries; i++)
		all |= model[i].marks;
	for (unsigned mark = 0; mark < NR_XA_MARKS; mark++)
		assert_int_equal(xa_marked_locked(xa, (enum xa_mark)mark), !!(all & BIT(mark)));
}

/* ---- steps ---------------------------------------------------------------------------------- */

/* Crowded at the start, sparse beyond, and the very last ones. */
static u64 random_index(void)
{
	u64 any = prng_next(&rng);

	switch (prng_below(&rng, 8)) {
	case 0:
		return any;
	case 1:
		return ~0ull - any % 200;
	case 2:
		return any % BIT(20);
	case 3:
		return any % BIT(13);
	default:
		return any % 300;
	}
}

static unsigned random_order(void)
{
	return prng_below(&rng, 4) ? 0 : (unsigned)prng_below(&rng, 19);
}

static xa_entry_t random_entry(void)
{
	u64 any = prng_next(&rng);

	return any & 1 ? xa_mk_value(any >> 1) : xa_mk_pointer((void *)(uintptr_t)((any | 4) & ~3));
}

static void step_store(bool may_fail)
{
	unsigned order = random_order();
	u64 index = random_index() & ~(BIT(order) - 1);
	xa_entry_t entry = random_entry();
	struct entry *old = model_at(index);
	bool same = old && old->index == index && old->order == order;
	int err = xa_store_locked(xa, index, order, entry);

	if (err) {
		assert_int_equal(err, -ENOMEM);
		assert_true(may_fail && !same);
	} else {
		model_store(index, order, entry);
	}
}

static void step_erase(void)
{
	struct entry *e = prng_below(&rng, 8) ? model_find(random_index(), ~0ull, NR_XA_MARKS) :
						model_at(random_index());
	u64 index = e ? e->index + prng_below(&rng, BIT(e->order)) : random_index();

	e = model_at(index);
	if (e && prng_below(&rng, 2)) {
		assert_true(xa_replace_locked(xa, index, e->entry, 0));
	} else {
		assert_int_equal(xa_store_locked(xa, index, 0, 0), 0);
	}
	if (e)
		model_remove(e);
}

static void step_replace(void)
{
	u64 index = random_index();
	struct entry *e = model_at(index);
	xa_entry_t entry = random_entry();

	assert_false(xa_replace_locked(xa, index, xa_mk_value(prng_next(&rng)), entry));
	if (!e)
		return;
	assert_true(xa_replace_locked(xa, index, e->entry, entry));
	e->entry = entry;
}

static void step_split(bool may_fail)
{
	struct entry *e = model_find(random_index(), ~0ull, NR_XA_MARKS);
	unsigned order;
	struct entry old;

	if (!e || e->order == 0)
		return;
	order = (unsigned)prng_below(&rng, e->order);
	/* The list has to hold them. */
	if (e->order - order > 8 || nr_entries + 256 > ENTRIES / 2)
		return;
	old = *e;
	if (xa_split_locked(xa, e->index + prng_below(&rng, BIT(e->order)), order)) {
		assert_true(may_fail);
		return;
	}
	model_remove(e);
	for (u64 i = 0; i < BIT(old.order); i += BIT(order))
		model[nr_entries++] = (struct entry){ old.index + i, order, old.entry, old.marks };
}

static void step_mark(void)
{
	u64 index = random_index();
	struct entry *e = model_at(index);
	enum xa_mark mark = (enum xa_mark)prng_below(&rng, NR_XA_MARKS);

	if (!e)
		e = model_find(index, ~0ull, NR_XA_MARKS);
	if (e)
		index = e->index + prng_below(&rng, BIT(e->order));
	if (prng_below(&rng, 2)) {
		xa_set_mark_locked(xa, index, mark);
		if (e)
			e->marks |= (u32)BIT(mark);
	} else {
		xa_clear_mark_locked(xa, index, mark);
		if (e)
			e->marks &= ~(u32)BIT(mark);
	}
}

static void step(bool may_fail, const unsigned *weights)
{
	u64 pick = prng_below(&rng, weights[0] + weights[1] + weights[2] + weights[3] + weights[4]);
	unsigned kind = 0;

	for (; pick >= weights[kind]; kind++)
		pick -= weights[kind];
	switch (kind) {
	case 0:
		step_store(may_fail);
		break;
	case 1:
		step_erase();
		break;
	case 2:
		step_replace();
		break;
	case 3:
		step_split(may_fail);
		break;
	default:
		step_mark();
	}
}

static void run(u64 seed, bool may_fail)
{
	unsigned weights[5];

	prng_seed(&rng, seed);
	for (unsigned i = 0; i < 5; i++)
		weights[i] = (unsigned)prng_below(&rng, 8);
	weights[0] += 2;
	print_message("seed %llu\n", (unsigned long long)seed);
	spin_lock(&xa->lock);
	for (int i = 0; i < STEPS; i++) {
		u64 from = random_index();

		step(may_fail, weights);
		compare_at(from);
		compare_find(from, prng_below(&rng, 2) ? ~0ull : from + prng_below(&rng, 500),
			     (enum xa_mark)prng_below(&rng, NR_XA_MARKS + 1));
		if (i % 64 == 0) {
			check_nodes();
			compare_marks();
		}
	}
	while (nr_entries > 0) {
		assert_int_equal(xa_store_locked(xa, entry_last(&model[0]), 0, 0), 0);
		model_remove(&model[0]);
	}
	check_nodes();
	spin_unlock(&xa->lock);
}

static void it_agrees_with_a_list(void **state)
{
	(void)state;
	for (u64 seed = 1; seed <= 6; seed++)
		run(seed, false);
}

/* Every third node or so is not to be had: nothing changes then. */
static void it_agrees_when_allocations_fail(void **state)
{
	const struct umm_fail fail = { .site = "xa_node", .order = -1, .probability = 0.3 };

	(void)state;
	assert_int_equal(fail_set(m, &fail), 0);
	for (u64 seed = 11; seed <= 14; seed++)
		run(seed, true);
	assert_int_equal(fail_set(m, NULL), 0);
}

/* The n-th allocation of one store or split fails, for each n until it succeeds. */
static void each_allocation_may_fail(void **state)
{
	u64 nodes;

	(void)state;
	spin_lock(&xa->lock);
	assert_int_equal(xa_store_locked(xa, 0, 12, xa_mk_value(7)), 0);
	xa_set_mark_locked(xa, 5, XA_MARK_DIRTY);
	for (u64 nth = 1;; nth++) {
		const struct umm_fail fail = { .site = "xa_node", .order = -1, .nth = nth };

		nodes = xa->nr_nodes;
		assert_int_equal(fail_set(m, &fail), 0);
		if (xa_split_locked(xa, 99, 0) == 0) {
			assert_int_equal(nth, 66);
			break;
		}
		assert_int_equal(xa->nr_nodes, nodes);
		assert_int_equal(kmem_cache_in_use(m, CACHE_XA_NODE), nodes);
		assert_int_equal(xa_order_locked(xa, 4095), 12);
		assert_true(xa_get_mark_locked(xa, 4095, XA_MARK_DIRTY));
	}
	assert_int_equal(fail_set(m, NULL), 0);
	for (u64 i = 0; i < 4096; i++) {
		assert_int_equal(xa_load_locked(xa, i), xa_mk_value(7));
		assert_int_equal(xa_order_locked(xa, i), 0);
		assert_true(xa_get_mark_locked(xa, i, XA_MARK_DIRTY));
		assert_int_equal(xa_store_locked(xa, i, 0, 0), 0);
	}
	assert_true(xa_empty(xa));
	for (u64 nth = 1; nth <= 11; nth++) {
		const struct umm_fail fail = { .site = "xa_node", .order = -1, .nth = nth };

		assert_int_equal(fail_set(m, &fail), 0);
		assert_int_equal(xa_store_locked(xa, ~0ull, 0, xa_mk_value(1)), -ENOMEM);
		assert_true(xa_empty(xa));
		assert_int_equal(kmem_cache_in_use(m, CACHE_XA_NODE), 0);
	}
	assert_int_equal(fail_set(m, NULL), 0);
	assert_int_equal(xa_store_locked(xa, ~0ull, 0, xa_mk_value(1)), 0);
	assert_int_equal(xa->height, 11);
	assert_int_equal(xa_store_locked(xa, ~0ull, 0, 0), 0);
	spin_unlock(&xa->lock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(it_agrees_with_a_list, setup, teardown),
		cmocka_unit_test_setup_teardown(it_agrees_when_allocations_fail, setup, teardown),
		cmocka_unit_test_setup_teardown(each_allocation_may_fail, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
