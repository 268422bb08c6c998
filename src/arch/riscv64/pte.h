/* SPDX-License-Identifier: MIT */
/*
 * riscv64, Sv39: three levels. Bits 8 and 9 are the operating system's; Linux uses 8. There is
 * no bit for userfaultfd write protection and none for soft-dirty: their questions are answered
 * with "no" and nothing sets them. The processor is one that sets A and D itself (Svadu).
 *
 * Present: 53..10 frame | 9 8 software | 7 D | 6 A | 5 G | 4 U | 3 X | 2 W | 1 R | 0 V
 * An inaccessible page keeps its frame with V clear and G set.
 *
 * Not present, not none (swap-type):
 *   63......12  11..7  6   5..0
 *   offset      type   E   0        E exclusive
 */
#ifndef ARCH_RISCV64_PTE_H
#define ARCH_RISCV64_PTE_H

#define PT_LEVELS 3
#define PT_INDEX_BITS 9
#define TASK_SIZE 0x4000000000ull
/* What a process gets with an unrandomised address space and 8 MiB of stack at most. */
#define ARCH_MMAP_BASE 0x3ff8000000ull
#define ARCH_HAS_UFFD_WP 0
#define ARCH_HAS_SOFT_DIRTY 0
/* Every bad address is a page fault. */
#define ARCH_GENERAL_PROTECTION 0

/*      name               bit letter */
#define ENTRY_BITS(X)    \
	X(PTE_V, 0, 'V') \
	X(PTE_R, 1, 'R') \
	X(PTE_W, 2, 'W') \
	X(PTE_X, 3, 'X') \
	X(PTE_U, 4, 'U') \
	X(PTE_G, 5, 'N') \
	X(PTE_A, 6, 'A') \
	X(PTE_D, 7, 'D') \
	X(PTE_SPECIAL, 8, 's')

#define PTE_VALID_BIT PTE_V_BIT
#define PTE_PROTNONE_BIT PTE_G_BIT
#define PTE_SWP_EXCLUSIVE_BIT 6
#define SWP_TYPE_FIRST_BIT 7
#define SWP_OFFSET_FIRST_BIT 12
#define SWP_OFFSET_BITS (64 - SWP_OFFSET_FIRST_BIT)
#define SWP_OFFSET_MASK ((1ull << SWP_OFFSET_BITS) - 1)

#define PTE_PFN_SHIFT 10
#define PTE_PFN_MASK 0x003ffffffffffc00ull
#include "arch/pte_bits.h"

/* What survives a change of protection. */
#define PTE_KEEP_MASK (PTE_PFN_MASK | ENTRY_BIT(PTE_A) | ENTRY_BIT(PTE_D) | ENTRY_BIT(PTE_SPECIAL))

/* ---- leaf entries -------------------------------------------------------------------------- */

static inline pfn_t pte_pfn(pte_t pte)
{
	return pfn_of((pte.v & PTE_PFN_MASK) >> PTE_PFN_SHIFT);
}

static inline pte_t pfn_pte(pfn_t pfn, pgprot_t prot)
{
	return (pte_t){ ((pfn.n << PTE_PFN_SHIFT) & PTE_PFN_MASK) | prot.v };
}

PTE_TEST(pte_write, ENTRY_BIT(PTE_W))
PTE_TEST(pte_exec, ENTRY_BIT(PTE_X))
PTE_TEST(pte_dirty, ENTRY_BIT(PTE_D))
PTE_TEST(pte_young, ENTRY_BIT(PTE_A))
PTE_TEST(pte_special, ENTRY_BIT(PTE_SPECIAL))
PTE_TEST(pte_uffd_wp, 0ull)
PTE_TEST(pte_soft_dirty, 0ull)
PTE_SET(pte_mkyoung, ENTRY_BIT(PTE_A))
PTE_SET(pte_mkspecial, ENTRY_BIT(PTE_SPECIAL))
PTE_SET(pte_mkwrite, ENTRY_BIT(PTE_R) | ENTRY_BIT(PTE_W))
PTE_SET(pte_mkuffd_wp_bit, 0ull)
PTE_SET(pte_mksoft_dirty, 0ull)
PTE_CLEAR(pte_mkold, ENTRY_BIT(PTE_A))
PTE_CLEAR(pte_mkclean, ENTRY_BIT(PTE_D))
PTE_CLEAR(pte_wrprotect, ENTRY_BIT(PTE_W))
PTE_CLEAR(pte_clear_uffd_wp, 0ull)
PTE_CLEAR(pte_clear_soft_dirty, 0ull)

/* soft_dirty: whether the machine tracks it; here no entry can. */
static inline pte_t pte_mkdirty(pte_t pte, bool soft_dirty)
{
	(void)soft_dirty;
	return (pte_t){ pte.v | ENTRY_BIT(PTE_D) };
}

static inline pte_t pte_mkuffd_wp(pte_t pte)
{
	return pte_wrprotect(pte);
}

static inline pte_t pte_modify(pte_t pte, pgprot_t prot)
{
	return (pte_t){ (pte.v & PTE_KEEP_MASK) | (prot.v & ~PTE_KEEP_MASK) };
}

/* ---- swap-type entries --------------------------------------------------------------------- */

static inline pte_t swp_entry_to_pte(swp_entry_t entry)
{
	return (pte_t){ ((u64)entry.type << SWP_TYPE_FIRST_BIT) |
			((entry.offset & SWP_OFFSET_MASK) << SWP_OFFSET_FIRST_BIT) };
}

static inline swp_entry_t pte_to_swp_entry(pte_t pte)
{
	return (swp_entry_t){ (u32)(pte.v >> SWP_TYPE_FIRST_BIT) & (NR_SWP_TYPES - 1),
			      pte.v >> SWP_OFFSET_FIRST_BIT };
}

PTE_TEST(pte_swp_uffd_wp, 0ull)
PTE_SET(pte_swp_mkuffd_wp, 0ull)
PTE_CLEAR(pte_swp_clear_uffd_wp, 0ull)
PTE_TEST(pte_swp_soft_dirty, 0ull)
PTE_SET(pte_swp_mksoft_dirty, 0ull)
PTE_TEST(pte_swp_exclusive, 1ull << PTE_SWP_EXCLUSIVE_BIT)
PTE_SET(pte_swp_mkexclusive, 1ull << PTE_SWP_EXCLUSIVE_BIT)
PTE_CLEAR(pte_swp_clear_exclusive, 1ull << PTE_SWP_EXCLUSIVE_BIT)

/* ---- entries that point at a table --------------------------------------------------------- */

static inline table_entry_t mk_table(pfn_t pfn)
{
	return (table_entry_t){ (pfn.n << PTE_PFN_SHIFT) | ENTRY_BIT(PTE_V) };
}

/* ---- protections --------------------------------------------------------------------------- */

/*
 * The protection of a private mapping: never writable at first, so that a write faults and
 * copies; that of a shared one is. Execute implies read here as on x86-64, although this
 * architecture could do without: what a process may do must not depend on the tables chosen.
 */
static inline pgprot_t arch_page_prot(u32 rights)
{
	u64 v = ENTRY_BIT(PTE_R);

	if (!(rights & (PROT_RIGHT_READ | PROT_RIGHT_WRITE | PROT_RIGHT_EXEC)))
		return (pgprot_t){ v | ENTRY_BIT(PTE_G) };
	v |= ENTRY_BIT(PTE_V) | ENTRY_BIT(PTE_A) | ENTRY_BIT(PTE_U);
	if ((rights & PROT_RIGHT_WRITE) && (rights & PROT_RIGHT_SHARED))
		v |= ENTRY_BIT(PTE_W);
	if (rights & PROT_RIGHT_EXEC)
		v |= ENTRY_BIT(PTE_X);
	return (pgprot_t){ v };
}

/* ---- the hardware's view ------------------------------------------------------------------- */

static inline bool pte_cpu_has(pte_t pte, u64 right)
{
	u64 need = ENTRY_BIT(PTE_V) | ENTRY_BIT(PTE_U) | right;

	return (pte.v & need) == need;
}

static inline bool pte_cpu_may_read(pte_t pte)
{
	return pte_cpu_has(pte, ENTRY_BIT(PTE_R));
}

static inline bool pte_cpu_may_write(pte_t pte)
{
	return pte_cpu_has(pte, ENTRY_BIT(PTE_W));
}

static inline bool pte_cpu_may_exec(pte_t pte)
{
	return pte_cpu_has(pte, ENTRY_BIT(PTE_X));
}

#define PTE_CPU_ACCESSED ENTRY_BIT(PTE_A)
#define PTE_CPU_DIRTY ENTRY_BIT(PTE_D)

#endif
