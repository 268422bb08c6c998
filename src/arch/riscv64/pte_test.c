/* SPDX-License-Identifier: MIT */
/* Covers: A1, A4 */
/* Words as the privileged specification and the kernel lay them out, against the makers. */
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
#define AT (FRAME << 10)

static pte_t page(u32 rights)
{
	return pfn_pte(pfn_of(FRAME), arch_page_prot(rights));
}

static void protections(void **state)
{
	(void)state;
	assert_int_equal(arch_page_prot(0).v, 0x22);
	assert_int_equal(arch_page_prot(R).v, 0x53);
	assert_int_equal(arch_page_prot(R | W).v, 0x53);
	assert_int_equal(arch_page_prot(R | W | S).v, 0x57);
	assert_int_equal(arch_page_prot(X).v, 0x5b);
	assert_int_equal(arch_page_prot(R | W | X | S).v, 0x5f);
}

static void words(void **state)
{
	(void)state;
	assert_int_equal(page(R | W).v, AT | 0x53);
	assert_int_equal(pte_mkdirty(pte_mkwrite(page(R | W)), true).v, AT | 0xd7);
	assert_int_equal(pte_wrprotect(pte_mkdirty(pte_mkwrite(page(R | W | X)), false)).v,
			 AT | 0xdb);
	assert_int_equal(pte_mkspecial(page(R | W)).v, AT | 0x153);
}

static void no_access_keeps_the_frame(void **state)
{
	pte_t none = pte_modify(page(R | W | X), arch_page_prot(0));

	(void)state;
	assert_int_equal(none.v, AT | 0x62);
	assert_int_equal(pte_pfn(none).n, FRAME);
	assert_true(pte_present(none));
	assert_true(pte_protnone(none));
	assert_false(pte_cpu_may_read(none));
}

/* The questions that this architecture has no bit for. */
static void absent_bits(void **state)
{
	pte_t swap = swp_entry_to_pte((swp_entry_t){ 3, 9 });

	(void)state;
	assert_false(pte_uffd_wp(pte_mkuffd_wp(page(R | W))));
	assert_false(pte_soft_dirty(pte_mkdirty(page(R | W), true)));
	assert_int_equal(pte_swp_mkuffd_wp(swap).v, swap.v);
	assert_int_equal(pte_swp_mksoft_dirty(swap).v, swap.v);
}

static void swap_words(void **state)
{
	pte_t pte = swp_entry_to_pte((swp_entry_t){ 31, 4 });

	(void)state;
	assert_int_equal(pte.v, 4ull << 12 | 31 << 7);
	assert_int_equal(pte_swp_mkexclusive(pte).v, pte.v | 1 << 6);
}

static void tables(void **state)
{
	(void)state;
	assert_int_equal(mk_table(pfn_of(FRAME)).v, AT | 1);
	assert_int_equal(table_pfn(mk_table(pfn_of(FRAME))).n, FRAME);
	assert_true(table_none((table_entry_t){ 0 }));
	assert_int_equal(LEVEL_SIZE(PT_LEVELS), 1ull << 39);
	assert_int_equal(LEVEL_INDEX(2, TASK_SIZE - 1), 255);
	assert_true(ARCH_MMAP_BASE < TASK_SIZE && IS_ALIGNED(ARCH_MMAP_BASE, PAGE_SIZE));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(protections),
		cmocka_unit_test(words),
		cmocka_unit_test(no_access_keeps_the_frame),
		cmocka_unit_test(absent_bits),
		cmocka_unit_test(swap_words),
		cmocka_unit_test(tables),
	};

	return cmocka_run_group_tests_name("arch-riscv64", tests, NULL, NULL);
}
