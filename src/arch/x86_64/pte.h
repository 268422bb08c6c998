/* SPDX-License-Identifier: MIT */
/*
 * x86-64, four levels. Bits 9-11 and 58 are the operating system's, used as Linux uses them.
 *
 * Not present, not none (swap-type):
 *   63..59  58..........9  8  3   2  1  0
 *   type    ~offset        0  E   U  S  0       E exclusive, U uffd-wp, S soft-dirty
 * The offset is stored inverted, so that a speculating processor that takes it for a frame
 * finds none there; a PROT_NONE entry (bit 0 clear, bit 8 set) inverts its frame for the same
 * reason.
 *
 * A write-protected entry keeps "was written" in SAVED_DIRTY, because Write=0 with Dirty=1
 * would mean a shadow stack to the processor.
 */
#ifndef ARCH_X86_64_PTE_H
#define ARCH_X86_64_PTE_H

#define PT_LEVELS 4
#define PT_INDEX_BITS 9
#define TASK_SIZE 0x7ffffffff000ull
/* What a process gets with an unrandomised address space and 8 MiB of stack at most. */
#define ARCH_MMAP_BASE 0x7ffff7fff000ull
#define ARCH_HAS_UFFD_WP BUILD_UFFD_WP
#define ARCH_HAS_SOFT_DIRTY 1
/* An address in neither half of the address space is a general protection, not a page fault. */
#define ARCH_GENERAL_PROTECTION 1

/*      name               bit letter */
#define ENTRY_BITS(X)               \
	X(PTE_P, 0, 'P')            \
	X(PTE_RW, 1, 'W')           \
	X(PTE_US, 2, 'U')           \
	X(PTE_PWT, 3, 't')          \
	X(PTE_PCD, 4, 'c')          \
	X(PTE_A, 5, 'A')            \
	X(PTE_D, 6, 'D')            \
	X(PTE_PSE, 7, 'H')          \
	X(PTE_G, 8, 'N')            \
	X(PTE_SPECIAL, 9, 's')      \
	X(PTE_UFFD_WP, 10, 'w')     \
	X(PTE_SOFT_DIRTY, 11, 'd')  \
	X(PTE_SAVED_DIRTY, 58, 'v') \
	X(PTE_NX, 63, 'X')

#define PTE_VALID_BIT PTE_P_BIT
#define PTE_PROTNONE_BIT PTE_G_BIT
#define PTE_SWP_SOFT_DIRTY_BIT 1
#define PTE_SWP_UFFD_WP_BIT 2
#define PTE_SWP_EXCLUSIVE_BIT 3
#define SWP_OFFSET_FIRST_BIT 9
#define SWP_TYPE_FIRST_BIT 59

#define PTE_PFN_SHIFT PAGE_SHIFT
#define PTE_PFN_MASK 0x000ffffffffff000ull
#include "arch/pte_bits.h"

/* No bit at all in a build without write-protection. */
#define UFFD_WP_MASK ((u64)ARCH_HAS_UFFD_WP << PTE_UFFD_WP_BIT)
#define SWP_UFFD_WP_MASK ((u64)ARCH_HAS_UFFD_WP << PTE_SWP_UFFD_WP_BIT)

/* What survives a change of protection. */
#define PTE_KEEP_MASK                                                                           \
	(PTE_PFN_MASK | ENTRY_BIT(PTE_PWT) | ENTRY_BIT(PTE_PCD) | ENTRY_BIT(PTE_A) |            \
	 ENTRY_BIT(PTE_D) | ENTRY_BIT(PTE_SPECIAL) | UFFD_WP_MASK | ENTRY_BIT(PTE_SOFT_DIRTY) | \
	 ENTRY_BIT(PTE_SAVED_DIRTY))

/* ---- leaf entries -------------------------------------------------------------------------- */

/* What inverts the frame of an entry that the processor does not read. */
static inline u64 pte_guard_mask(u64 v)
{
	return v && !(v & ENTRY_BIT(PTE_P)) ? ~0ull : 0;
}

static inline pfn_t pte_pfn(pte_t pte)
{
	return pfn_of(((pte.v ^ pte_guard_mask(pte.v)) & PTE_PFN_MASK) >> PTE_PFN_SHIFT);
}

static inline pte_t pfn_pte(pfn_t pfn, pgprot_t prot)
{
	u64 frame = (pfn.n << PTE_PFN_SHIFT) ^ pte_guard_mask(prot.v);

	return (pte_t){ (frame & PTE_PFN_MASK) | prot.v };
}

PTE_TEST(pte_write, ENTRY_BIT(PTE_RW))
PTE_TEST(pte_dirty, ENTRY_BIT(PTE_D) | ENTRY_BIT(PTE_SAVED_DIRTY))
PTE_TEST(pte_young, ENTRY_BIT(PTE_A))
PTE_TEST(pte_special, ENTRY_BIT(PTE_SPECIAL))
PTE_TEST(pte_uffd_wp, UFFD_WP_MASK)
PTE_TEST(pte_soft_dirty, ENTRY_BIT(PTE_SOFT_DIRTY))
PTE_SET(pte_mkyoung, ENTRY_BIT(PTE_A))
PTE_SET(pte_mkspecial, ENTRY_BIT(PTE_SPECIAL))
PTE_SET(pte_mkuffd_wp_bit, UFFD_WP_MASK)
PTE_SET(pte_mksoft_dirty, ENTRY_BIT(PTE_SOFT_DIRTY))
PTE_CLEAR(pte_mkold, ENTRY_BIT(PTE_A))
PTE_CLEAR(pte_mkclean, ENTRY_BIT(PTE_D) | ENTRY_BIT(PTE_SAVED_DIRTY))
PTE_CLEAR(pte_clear_uffd_wp, UFFD_WP_MASK)
PTE_CLEAR(pte_clear_soft_dirty, ENTRY_BIT(PTE_SOFT_DIRTY))

static inline bool pte_exec(pte_t pte)
{
	return !(pte.v & ENTRY_BIT(PTE_NX));
}

/* Dirty lives in D while writable and in SAVED_DIRTY while not. */
static inline pte_t pte_place_dirty(pte_t pte)
{
	u64 both = ENTRY_BIT(PTE_D) | ENTRY_BIT(PTE_SAVED_DIRTY);

	if (!(pte.v & both))
		return pte;
	pte.v &= ~both;
	pte.v |= pte.v & ENTRY_BIT(PTE_RW) ? ENTRY_BIT(PTE_D) : ENTRY_BIT(PTE_SAVED_DIRTY);
	return pte;
}

static inline pte_t pte_wrprotect(pte_t pte)
{
	pte.v &= ~ENTRY_BIT(PTE_RW);
	return pte_place_dirty(pte);
}

static inline pte_t pte_mkwrite(pte_t pte)
{
	pte.v |= ENTRY_BIT(PTE_RW);
	return pte_place_dirty(pte);
}

/* soft_dirty: whether the machine tracks it (CONFIG_MEM_SOFT_DIRTY). */
static inline pte_t pte_mkdirty(pte_t pte, bool soft_dirty)
{
	pte.v |= ENTRY_BIT(PTE_D) | (soft_dirty ? ENTRY_BIT(PTE_SOFT_DIRTY) : 0);
	return pte_place_dirty(pte);
}

static inline pte_t pte_mkuffd_wp(pte_t pte)
{
	return pte_wrprotect(pte_mkuffd_wp_bit(pte));
}

static inline pte_t pte_modify(pte_t pte, pgprot_t prot)
{
	u64 frame = (pte.v ^ pte_guard_mask(pte.v)) & PTE_PFN_MASK;
	u64 kept = pte.v & PTE_KEEP_MASK & ~PTE_PFN_MASK;
	u64 v = kept | (prot.v & ~PTE_KEEP_MASK);

	v |= (frame ^ pte_guard_mask(v)) & PTE_PFN_MASK;
	return pte_place_dirty((pte_t){ v });
}

/* ---- swap-type entries --------------------------------------------------------------------- */

#define SWP_OFFSET_BITS (SWP_TYPE_FIRST_BIT - SWP_OFFSET_FIRST_BIT)
#define SWP_OFFSET_MASK ((1ull << SWP_OFFSET_BITS) - 1)

static inline pte_t swp_entry_to_pte(swp_entry_t entry)
{
	u64 offset = ~entry.offset & SWP_OFFSET_MASK;

	return (pte_t){ ((u64)entry.type << SWP_TYPE_FIRST_BIT) |
			(offset << SWP_OFFSET_FIRST_BIT) };
}

static inline swp_entry_t pte_to_swp_entry(pte_t pte)
{
	u64 offset = ~(pte.v >> SWP_OFFSET_FIRST_BIT) & SWP_OFFSET_MASK;

	return (swp_entry_t){ (u32)(pte.v >> SWP_TYPE_FIRST_BIT), offset };
}

PTE_TEST(pte_swp_uffd_wp, SWP_UFFD_WP_MASK)
PTE_SET(pte_swp_mkuffd_wp, SWP_UFFD_WP_MASK)
PTE_CLEAR(pte_swp_clear_uffd_wp, SWP_UFFD_WP_MASK)
PTE_TEST(pte_swp_soft_dirty, 1ull << PTE_SWP_SOFT_DIRTY_BIT)
PTE_SET(pte_swp_mksoft_dirty, 1ull << PTE_SWP_SOFT_DIRTY_BIT)
PTE_TEST(pte_swp_exclusive, 1ull << PTE_SWP_EXCLUSIVE_BIT)
PTE_SET(pte_swp_mkexclusive, 1ull << PTE_SWP_EXCLUSIVE_BIT)
PTE_CLEAR(pte_swp_clear_exclusive, 1ull << PTE_SWP_EXCLUSIVE_BIT)

/* ---- entries that point at a table --------------------------------------------------------- */

static inline table_entry_t mk_table(pfn_t pfn)
{
	return (table_entry_t){ (pfn.n << PTE_PFN_SHIFT) | ENTRY_BIT(PTE_P) | ENTRY_BIT(PTE_RW) |
				ENTRY_BIT(PTE_US) | ENTRY_BIT(PTE_A) };
}

/* ---- protections --------------------------------------------------------------------------- */

/*
 * The protection of a private mapping: never writable at first, so that a write faults and
 * copies; that of a shared one is. Execute implies read; write implies read.
 */
static inline pgprot_t arch_page_prot(u32 rights)
{
	u64 v = ENTRY_BIT(PTE_A);

	if (!(rights & (PROT_RIGHT_READ | PROT_RIGHT_WRITE | PROT_RIGHT_EXEC)))
		return (pgprot_t){ v | ENTRY_BIT(PTE_G) };
	v |= ENTRY_BIT(PTE_P) | ENTRY_BIT(PTE_US);
	if ((rights & PROT_RIGHT_WRITE) && (rights & PROT_RIGHT_SHARED))
		v |= ENTRY_BIT(PTE_RW);
	if (!(rights & PROT_RIGHT_EXEC))
		v |= ENTRY_BIT(PTE_NX);
	return (pgprot_t){ v };
}

/* ---- the hardware's view ------------------------------------------------------------------- */

static inline bool pte_cpu_may_read(pte_t pte)
{
	return (pte.v & (ENTRY_BIT(PTE_P) | ENTRY_BIT(PTE_US))) ==
	       (ENTRY_BIT(PTE_P) | ENTRY_BIT(PTE_US));
}

static inline bool pte_cpu_may_write(pte_t pte)
{
	u64 need = ENTRY_BIT(PTE_P) | ENTRY_BIT(PTE_US) | ENTRY_BIT(PTE_RW);

	return (pte.v & need) == need;
}

static inline bool pte_cpu_may_exec(pte_t pte)
{
	return pte_cpu_may_read(pte) && !(pte.v & ENTRY_BIT(PTE_NX));
}

#define PTE_CPU_ACCESSED ENTRY_BIT(PTE_A)
#define PTE_CPU_DIRTY ENTRY_BIT(PTE_D)

#endif
