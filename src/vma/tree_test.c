/* SPDX-License-Identifier: MIT */
/*
 * The tree and the search for room against naive models: an array of slots for the tree, a walk
 * over all gaps for the search.
 */
#include "machine/bug_test.h"

#include <usermm/usermm.h>

#include "base/prng.h"
#include "base/uapi.h"
#include "vma/gap.h"
#include "vma/vma.h"

#define SLOTS 96
#define STEPS 4000
#define LOW_BASE 0x10000000ull /* slots are pages from here */

static struct umm_machine *machine;
static struct umm_task *task;
static struct mm *mm;
static struct prng rng;

static void build(u32 guard_pages)
{
	struct umm_config config;

	umm_config_init(&config);
	config.ram_bytes = 4 << 20;
	config.stack_guard_gap_pages = guard_pages;
	assert_int_equal(umm_machine_create(&config, &machine), 0);
	assert_int_equal(umm_process_create(machine, &task), 0);
	mm = ((struct task *)task)->mm;
	down_write(&mm->mmap_lock);
}

static void finish(void)
{
	struct vm_area *vma;

	while ((vma = vma_first(mm))) {
		vma_unlink(mm, vma);
		vm_area_free(vma);
	}
	up_write(&mm->mmap_lock);
	umm_task_exit(task);
	umm_machine_destroy(machine);
}

static struct vm_area *add(vaddr_t start, vaddr_t end, u64 flags)
{
	struct vm_area *vma = vm_area_alloc(mm);

	assert_non_null(vma);
	vma->start = start;
	vma->end = end;
	vma_set_flags(vma, flags);
	vma_link(mm, vma);
	return vma;
}

/* ---- the tree ------------------------------------------------------------------------------- */

static vaddr_t slot_addr(unsigned slot)
{
	return LOW_BASE + ((u64)slot << PAGE_SHIFT);
}

static u64 check_subtree(const struct vm_area *vma)
{
	u64 largest;

	if (!vma)
		return 0;
	largest = MAX(check_subtree(RB_LEFT(vma, rb)), check_subtree(RB_RIGHT(vma, rb)));
	largest = MAX(largest, vma->gap);
	assert_int_equal(vma->subtree_gap, largest);
	return largest;
}

/* slots[i] is the vma that holds page i, or NULL. */
static void check_tree(struct vm_area *const slots[SLOTS])
{
	struct vm_area *vma = vma_first(mm), *prev = NULL;
	vaddr_t end = 0;
	u32 count = 0;

	for (unsigned i = 0; i < SLOTS; i++) {
		assert_ptr_equal(vma_lookup(mm, slot_addr(i)), slots[i]);
		if (!slots[i] || slots[i] == prev)
			continue;
		assert_ptr_equal(vma, slots[i]);
		assert_ptr_equal(vma_prev(vma), prev);
		assert_int_equal(vma->gap, vma->start - end);
		end = vma->end;
		prev = vma;
		vma = vma_next(vma);
		count++;
	}
	assert_null(vma);
	assert_ptr_equal(vma_last(mm), prev);
	assert_int_equal(mm->map_count, count);
	check_subtree(RB_ROOT(&mm->vmas));
}

static unsigned free_run(struct vm_area *const slots[SLOTS], unsigned first)
{
	unsigned n = 0;

	while (first + n < SLOTS && !slots[first + n])
		n++;
	return n;
}

static void fill(struct vm_area *slots[SLOTS], const struct vm_area *range, struct vm_area *vma)
{
	for (unsigned i = 0; i < SLOTS; i++) {
		if (slot_addr(i) >= range->start && slot_addr(i) < range->end)
			slots[i] = vma;
	}
}

static void step_tree(struct vm_area *slots[SLOTS])
{
	unsigned slot = (unsigned)prng_below(&rng, SLOTS);
	struct vm_area *vma = slots[slot];

	if (!vma) {
		unsigned n = 1 + (unsigned)prng_below(&rng, MIN(free_run(slots, slot), 5));

		vma = add(slot_addr(slot), slot_addr(slot + n), VM_READ);
		fill(slots, vma, vma);
	} else if (prng_below(&rng, 2)) {
		fill(slots, vma, NULL);
		vma_unlink(mm, vma);
		vm_area_free(vma);
	} else {
		/* Other bounds between the neighbours. */
		unsigned room = free_run(slots, (unsigned)((vma->end - LOW_BASE) >> PAGE_SHIFT));
		vaddr_t end = vma->end + (prng_below(&rng, room + 1) << PAGE_SHIFT);
		vaddr_t start = vma->start +
				(prng_below(&rng, (end - vma->start) >> PAGE_SHIFT) << PAGE_SHIFT);

		fill(slots, vma, NULL);
		vma_set_range(vma, start, end, 0);
		fill(slots, vma, vma);
	}
}

static void test_tree(void **state)
{
	struct vm_area *slots[SLOTS] = { NULL };

	(void)state;
	build(256);
	prng_seed(&rng, 1);
	for (unsigned i = 0; i < STEPS; i++) {
		step_tree(slots);
		check_tree(slots);
	}
	finish();
}

static void test_find(void **state)
{
	struct vm_area *a, *b;

	(void)state;
	build(256);
	assert_null(find_vma(mm, 0));
	a = add(slot_addr(2), slot_addr(4), VM_READ);
	b = add(slot_addr(4), slot_addr(6), VM_READ);
	assert_ptr_equal(find_vma(mm, 0), a);
	assert_ptr_equal(find_vma(mm, a->end - 1), a);
	assert_ptr_equal(find_vma(mm, a->end), b);
	assert_null(find_vma(mm, b->end));
	assert_null(vma_lookup(mm, a->start - 1));
	assert_ptr_equal(find_vma_intersection(mm, 0, a->start + 1), a);
	assert_null(find_vma_intersection(mm, 0, a->start));
	assert_null(find_vma_intersection(mm, b->end, ~0ull));
	finish();
}

static void link_over_another(void *arg)
{
	(void)arg;
	add(slot_addr(3), slot_addr(5), VM_READ);
}

static void test_overlap_is_a_bug(void **state)
{
	struct vm_area *vma;

	(void)state;
	build(256);
	vma = add(slot_addr(2), slot_addr(4), VM_READ);
	expect_bug(link_over_another, NULL, "prev->end > vma->start");
	/* The tree is as the bug left it: take both out by hand. */
	(void)vma;
	up_write(&mm->mmap_lock);
	umm_machine_destroy(machine);
}

/* ---- the search ------------------------------------------------------------------------ */

/* Gap by gap from the top, with what a stack's guard gap does to the upper end. */
static u64 naive_topdown(u64 len)
{
	u64 low = machine_of(mm)->config.mmap_min_addr;
	u64 high = mm->mmap_base;

	for (struct vm_area *above = NULL;;) {
		struct vm_area *below = above ? vma_prev(above) : vma_last(mm);
		u64 top = MIN(above ? above->start : TASK_SIZE, high);
		u64 bottom = MAX(below ? below->end : 0, low);

		if (top > bottom && top - bottom >= len) {
			if (!above || vm_start_gap(above) >= top)
				return top - len;
			high = vm_start_gap(above);
			continue;
		}
		if (!below)
			return 0;
		above = below;
	}
}

static void random_layout(unsigned percent)
{
	vaddr_t base = mm->mmap_base - ((u64)SLOTS << PAGE_SHIFT);

	for (unsigned i = 0; i < SLOTS;) {
		unsigned n = 1 + (unsigned)prng_below(&rng, 4);
		vaddr_t start = base + ((u64)i << PAGE_SHIFT);

		if (prng_below(&rng, 100) < percent)
			add(start, start + ((u64)n << PAGE_SHIFT),
			    VM_READ | (prng_below(&rng, 6) ? 0 : VM_GROWSDOWN));
		i += n + (unsigned)prng_below(&rng, 3);
	}
}

static void clear_layout(void)
{
	struct vm_area *vma;

	while ((vma = vma_first(mm))) {
		vma_unlink(mm, vma);
		vm_area_free(vma);
	}
}

static void test_topdown(void **state)
{
	(void)state;
	build(3);
	prng_seed(&rng, 2);
	for (unsigned i = 0; i < STEPS; i++) {
		u64 len = (1 + prng_below(&rng, 8)) << PAGE_SHIFT;

		random_layout(20 + 10 * (i % 8));
		assert_int_equal(get_unmapped_area(mm, NULL, 0, len, 0), naive_topdown(len));
		clear_layout();
	}
	finish();
}

/* Everything from mmap_min_addr to mmap_base is taken: what is left is above. */
static void test_bottomup_fallback(void **state)
{
	struct vm_area *vma;

	(void)state;
	build(3);
	vma = add(machine_of(mm)->config.mmap_min_addr, mm->mmap_base, VM_READ);
	assert_int_equal(get_unmapped_area(mm, NULL, 0, PAGE_SIZE, 0), vma->end);
	add(vma->end, TASK_SIZE - PAGE_SIZE, VM_READ);
	assert_int_equal(get_unmapped_area(mm, NULL, 0, PAGE_SIZE, 0), TASK_SIZE - PAGE_SIZE);
	assert_int_equal((s64)get_unmapped_area(mm, NULL, 0, 2 * PAGE_SIZE, 0), -ENOMEM);
	finish();
}

static void test_large_is_aligned(void **state)
{
	u64 first;

	(void)state;
	build(3);
	first = get_unmapped_area(mm, NULL, 0, PMD_SIZE, 0);
	assert_int_equal(first, ALIGN_DOWN(mm->mmap_base - PMD_SIZE, PMD_SIZE));
	/* No room for the alignment: anywhere will do. */
	add(machine_of(mm)->config.mmap_min_addr, mm->mmap_base - PMD_SIZE, VM_READ);
	add(mm->mmap_base, TASK_SIZE, VM_READ);
	assert_int_equal(get_unmapped_area(mm, NULL, 0, PMD_SIZE, 0), mm->mmap_base - PMD_SIZE);
	finish();
}

static void test_hints(void **state)
{
	u64 min_addr;

	(void)state;
	build(3);
	min_addr = machine_of(mm)->config.mmap_min_addr;
	add(slot_addr(8), slot_addr(10), VM_READ | VM_GROWSDOWN);
	assert_int_equal(round_hint_to_min(mm, 0), 0);
	assert_int_equal(round_hint_to_min(mm, PAGE_SIZE - 1), 0);
	assert_int_equal(round_hint_to_min(mm, slot_addr(1) + 17), slot_addr(1));
	if (min_addr > PAGE_SIZE)
		assert_int_equal(round_hint_to_min(mm, min_addr - PAGE_SIZE), min_addr);
	assert_int_equal(get_unmapped_area(mm, NULL, slot_addr(3), 2 * PAGE_SIZE, 0), slot_addr(3));
	/* Into the guard gap of the stack, or past the end: somewhere else. */
	assert_int_equal(get_unmapped_area(mm, NULL, slot_addr(4), 2 * PAGE_SIZE, 0),
			 mm->mmap_base - 2 * PAGE_SIZE);
	assert_int_equal(get_unmapped_area(mm, NULL, TASK_SIZE - PAGE_SIZE, 2 * PAGE_SIZE, 0),
			 mm->mmap_base - 2 * PAGE_SIZE);
	/* A fixed place is taken as it is, when it can be at all. */
	assert_int_equal(get_unmapped_area(mm, NULL, slot_addr(8), PAGE_SIZE, MAP_FIXED),
			 slot_addr(8));
	assert_int_equal((s64)get_unmapped_area(mm, NULL, slot_addr(1) + 1, PAGE_SIZE, MAP_FIXED),
			 -EINVAL);
	assert_int_equal((s64)get_unmapped_area(mm, NULL, TASK_SIZE, PAGE_SIZE, MAP_FIXED),
			 -ENOMEM);
	assert_int_equal((s64)get_unmapped_area(mm, NULL, 0, TASK_SIZE + PAGE_SIZE, 0), -ENOMEM);
	finish();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tree),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_overlap_is_a_bug),
		cmocka_unit_test(test_topdown),
		cmocka_unit_test(test_bottomup_fallback),
		cmocka_unit_test(test_large_is_aligned),
		cmocka_unit_test(test_hints),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
