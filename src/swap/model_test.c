/* SPDX-License-Identifier: MIT */
/* Covers: P3 */
/* Slots and the swap cache, against a model that is a list. */
#include "swap/fixture_test.h"

enum op { OP_OUT, OP_DUP, OP_FREE, OP_FREE_CACHE, OP_IN, OP_DROP, OP_LET_GO, NR_OPS };

#define MODEL_SLOTS 40

/* What a slot must be. */
struct model_slot {
	swp_entry_t entry;
	u32 count;
	struct page *page; /* cached, held by us too */
	u64 tag;
	bool clean; /* written: may leave the cache */
};

struct model {
	struct prng rng;
	u32 off; /* operations that this run does without */
	struct model_slot slots[MODEL_SLOTS];
	u64 next_tag;
};

static struct model_slot *model_find(struct model *model, swp_entry_t entry)
{
	for (u32 i = 0; i < MODEL_SLOTS; i++) {
		struct model_slot *slot = &model->slots[i];

		if ((slot->count || slot->page) && slot->entry.type == entry.type &&
		    slot->entry.offset == entry.offset)
			return slot;
	}
	return NULL;
}

static struct model_slot *model_pick(struct model *model, bool used)
{
	u32 start = (u32)prng_below(&model->rng, MODEL_SLOTS);

	for (u32 i = 0; i < MODEL_SLOTS; i++) {
		struct model_slot *slot = &model->slots[(start + i) % MODEL_SLOTS];

		if ((slot->count || slot->page) == used)
			return slot;
	}
	return NULL;
}

static void model_out(struct model *model)
{
	struct model_slot *slot = model_pick(model, false);
	struct page *page;
	swp_entry_t entry;
	u64 tag = model->next_tag += 1000;
	u64 free = swap_free_pages(m);

	if (!slot)
		return;
	page = page_of(tag);
	page_lock(page);
	if (add_to_swap(page)) {
		assert_int_equal(free, 0);
		page_unlock(page);
		put_page(page);
		return;
	}
	entry = page_swap_entry(page);
	page_unlock(page);
	assert_true(free > 0);
	assert_null(model_find(model, entry));
	*slot = (struct model_slot){ .entry = entry, .page = page, .tag = tag };
}

static void model_let_go(struct model_slot *slot)
{
	page_lock(slot->page);
	if (!slot->count)
		assert_true(folio_free_swap(slot->page));
	else if (slot->clean)
		delete_from_swap_cache(slot->page);
	page_unlock(slot->page);
	if (slot->count && !slot->clean)
		return;
	put_page(slot->page);
	slot->page = NULL;
}

static void model_drop_count(struct model_slot *slot, bool and_cache)
{
	if (!slot->count)
		return;
	slot->count--;
	if (!and_cache) {
		swap_free(m, slot->entry);
		return;
	}
	free_swap_and_cache(m, slot->entry);
	if (slot->count || !slot->page)
		return;
	assert_false(page_test_swapcache(slot->page));
	expect_tag(slot->page, slot->tag);
	put_page(slot->page);
	slot->page = NULL;
}

static void model_in(struct model_slot *slot)
{
	struct page *page;

	if (!slot->count)
		return;
	page = swap_in(slot->entry);
	expect_tag(page, slot->tag);
	if (slot->page) {
		assert_ptr_equal(page, slot->page);
		put_page(page);
	} else {
		slot->page = page;
		slot->clean = true;
	}
}

static void model_write(struct model_slot *slot)
{
	if (!slot->page)
		return;
	page_lock(slot->page);
	assert_int_equal(swap_writeout(slot->page), 0);
	page_unlock(slot->page);
	slot->clean = true;
}

static void model_step(struct model *model)
{
	enum op op = (enum op)prng_below(&model->rng, NR_OPS);
	struct model_slot *slot = model_pick(model, true);

	if (model->off & BIT(op))
		return;
	if (op == OP_OUT) {
		model_out(model);
		return;
	}
	if (!slot)
		return;
	if (op == OP_DUP) {
		assert_int_equal(swap_duplicate(m, slot->entry), 0);
		slot->count++;
	} else if (op == OP_FREE || op == OP_FREE_CACHE) {
		model_drop_count(slot, op == OP_FREE_CACHE);
	} else if (op == OP_IN) {
		model_in(slot);
	} else if (op == OP_DROP) {
		model_write(slot);
	} else if (slot->page) {
		model_let_go(slot);
	}
}

static void model_compare(struct model *model)
{
	u64 used = 0;

	for (u32 i = 0; i < MODEL_SLOTS; i++) {
		const struct model_slot *slot = &model->slots[i];
		struct page *page;

		if (!slot->count && !slot->page)
			continue;
		used++;
		assert_int_equal(swap_count(m, slot->entry), slot->count);
		page = swap_cache_get(m, slot->entry);
		assert_ptr_equal(page, slot->page);
		if (page)
			put_page(page);
	}
	assert_int_equal(swap_total_pages(m) - swap_free_pages(m), used);
	verify();
}

static void model_run(u64 seed)
{
	struct model model = { .next_tag = 0 };

	prng_seed(&model.rng, seed);
	model.off = (u32)prng_below(&model.rng, 1u << NR_OPS) & (u32)~BIT(OP_OUT);
	build(256);
	(void)area_of(7, (s32)prng_below(&model.rng, 3));
	(void)area_of(13, (s32)prng_below(&model.rng, 3));
	for (int step = 0; step < 300; step++) {
		model_step(&model);
		model_compare(&model);
	}
	for (u32 i = 0; i < MODEL_SLOTS; i++) {
		struct model_slot *slot = &model.slots[i];

		while (slot->count)
			model_drop_count(slot, false);
		if (slot->page)
			model_let_go(slot);
	}
	remove_area(0);
	remove_area(1);
	finish();
}

static void slots_against_a_model(void **state)
{
	(void)state;
	for (u64 seed = 1; seed <= 40; seed++)
		model_run(seed);
}
int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(slots_against_a_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
