/* SPDX-License-Identifier: MIT */
/*
 * arch: what a page-table entry is, bit for bit. One header an architecture, each offering the
 * same names; which one is a build option. Nothing above this room knows a bit position.
 *
 * An architecture gives
 *   PT_LEVELS, PT_INDEX_BITS     geometry: level 0 holds PTEs, level PT_LEVELS - 1 is the root
 *   TASK_SIZE                    first address past user space
 *   ENTRY_BITS(X)                the bits of a present entry: X(NAME, position, letter)
 *   pte_*                        questions and changes of a leaf entry
 *   pte_swp_*                    the same for a non-present entry that is not none
 *   table_*                      entries that point at a lower table
 *   arch_page_prot               protection bits for PROT_RIGHT_* rights
 *   pte_cpu_*                    what the hardware walker asks and sets
 */
#ifndef ARCH_ARCH_H
#define ARCH_ARCH_H

#include "base/assert.h"
#include "base/build.h"
#include "base/types.h"

typedef struct {
	u64 v;
} pte_t;

/* An entry of any level above the last. */
typedef struct {
	u64 v;
} table_entry_t;

typedef struct {
	u64 v;
} pgprot_t;

/* What a non-present, not-none entry holds: see mmu/entry.h for the types. */
typedef struct {
	u32 type;
	u64 offset;
} swp_entry_t;

/* Rights of a mapping, as arch_page_prot takes them. */
enum {
	PROT_RIGHT_READ = 1,
	PROT_RIGHT_WRITE = 2,
	PROT_RIGHT_EXEC = 4,
	PROT_RIGHT_SHARED = 8,
};

#define SWP_TYPE_BITS 5
#define NR_SWP_TYPES (1u << SWP_TYPE_BITS)

#ifdef UMM_ARCH_RISCV64
#include "arch/riscv64/pte.h"
#else
#include "arch/x86_64/pte.h"
#endif

#define PT_INDEX_MASK ((1u << PT_INDEX_BITS) - 1)
#define PTRS_PER_TABLE (1u << PT_INDEX_BITS)

/* Bytes that one entry of a level covers, and the index of an address in a table of it. */
#define LEVEL_SHIFT(level) (PAGE_SHIFT + (level)*PT_INDEX_BITS)
#define LEVEL_SIZE(level) (1ull << LEVEL_SHIFT(level))
#define LEVEL_INDEX(level, addr) (((addr) >> LEVEL_SHIFT(level)) & PT_INDEX_MASK)

#define PMD_SIZE LEVEL_SIZE(1)
#define PMD_MASK (~(PMD_SIZE - 1))

#endif
