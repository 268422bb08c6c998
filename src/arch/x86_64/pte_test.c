/* SPDX-License-Identifier: MIT */
/* Covers: A1, A2 */
/* Words as the processor's manual and the kernel lay them out, against what the makers give. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "arch/arch.h"

#define FRAME 0x12345ull
#define R PROT_RIGHT_READ
#define W PROT_RIGHT_WRITE
#define X PROT_RIGHT_EXEC
#define S PROT_RIGHT_SHARED
#define AT (FRAME << 12)

static pte_t page(u32 rights)
{
	return pfn_pte(pfn_of(FRAME), arch_page_prot(rights));
}

static void protections(void **state)
{
	(void)state;
	assert_int_equal(arch_page_prot(0).v, 0x120);
	assert_int_equal(arch_page_prot(R).v, 0x8000000000000025ull);
	assert_int_equal(arch_page_prot(R | W).v, 0x8000000000000025ull);
	assert_int_equal(arch_page_prot(R | W | S).v, 0x8000000000000027ull);
	assert_int_equal(arch_page_prot(X).v, 0x25);
	assert_int_equal(arch_page_prot(R | W | X | S).v, 0x27);
}

static void words(void **state)
{
	(void)state;
	assert_int_equal(page(R | W).v, AT | 0x8000000000000025ull);
	assert_int_equal(pte_mkdirty(pte_mkwrite(page(R | W)), false).v,
			 AT | 0x8000000000000067ull);
	assert_int_equal(pte_mkdirty(pte_mkwrite(page(R | W | X)), true).v, AT | 0x867);
	assert_int_equal(pte_mkuffd_wp(page(R | W | X)).v, AT | (ARCH_HAS_UFFD_WP ? 0x425 : 0x025));
	assert_int_equal(pte_mkspecial(page(R | W | X)).v, AT | 0x225);
}

/* Dirty without write would mean a shadow stack: it waits in bit 58. */
static void dirty_moves(void **state)
{
	pte_t dirty = pte_mkdirty(pte_mkwrite(page(R | W | X)), false);
	pte_t saved = pte_wrprotect(dirty);

	(void)state;
	assert_int_equal(saved.v, AT | 0x25 | 1ull << 58);
	assert_true(pte_dirty(saved));
	assert_int_equal(pte_mkwrite(saved).v, dirty.v);
	assert_int_equal(pte_mkdirty(page(R | W | X), false).v, saved.v);
	assert_int_equal(pte_mkclean(saved).v, page(R | W | X).v);
	assert_int_equal(pte_modify(dirty, arch_page_prot(R | X)).v, saved.v);
}

/* No frame that exists is named by an entry that is not present to the processor. */
static void frames_are_inverted_when_not_present(void **state)
{
	pte_t none = pte_modify(page(R | W | X), arch_page_prot(0));

	(void)state;
	assert_int_equal(none.v, (~AT & 0x000ffffffffff000ull) | 0x120);
	assert_int_equal(pte_pfn(none).n, FRAME);
	assert_int_equal(pfn_pte(pfn_of(0), arch_page_prot(0)).v, 0x000ffffffffff120ull);
	assert_true(pte_protnone(none));
}

static void swap_words(void **state)
{
	pte_t pte = swp_entry_to_pte((swp_entry_t){ 31, 4 });

	(void)state;
	assert_int_equal(pte.v, 31ull << 59 | ((~4ull << 14) >> 5));
	assert_int_equal(pte_swp_mksoft_dirty(pte).v, pte.v | 2);
	assert_int_equal(pte_swp_mkuffd_wp(pte).v, pte.v | (ARCH_HAS_UFFD_WP ? 4 : 0));
	assert_int_equal(pte_swp_mkexclusive(pte).v, pte.v | 8);
}

static void tables(void **state)
{
	(void)state;
	assert_int_equal(mk_table(pfn_of(FRAME)).v, AT | 0x27);
	assert_int_equal(table_pfn(mk_table(pfn_of(FRAME))).n, FRAME);
	assert_true(table_none((table_entry_t){ 0 }));
	assert_false(table_none(mk_table(pfn_of(0))));
	assert_int_equal(LEVEL_SIZE(PT_LEVELS), 1ull << 48);
	assert_int_equal(LEVEL_INDEX(3, TASK_SIZE), 255);
	assert_int_equal(PMD_SIZE, 2 << 20);
	assert_true(ARCH_MMAP_BASE < TASK_SIZE && IS_ALIGNED(ARCH_MMAP_BASE, PAGE_SIZE));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(protections),
		cmocka_unit_test(words),
		cmocka_unit_test(dirty_moves),
		cmocka_unit_test(frames_are_inverted_when_not_present),
		cmocka_unit_test(swap_words),
		cmocka_unit_test(tables),
	};

	return cmocka_run_group_tests_name("arch-x86_64", tests, NULL, NULL);
}
