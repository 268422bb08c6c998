/* SPDX-License-Identifier: MIT */
/*
 * mmu: the states of a page-table entry. An entry is exactly one of
 *
 *   none | present | swap | migration (read, read-exclusive, write) | hwpoison
 *        | device-private (read, write) | device-exclusive | marker
 *
 * Everything but none and present is a swap-type entry: a type and an offset. The types below
 * MAX_SWAP_AREAS are swap areas; the others are declared once, in SPECIAL_ENTRIES, from which
 * the predicates, the printer and the checks come. A marker holds no frame and no slot, only
 * its bits; the uffd-wp bit of an entry can be asked in any state.
 */
#ifndef MMU_ENTRY_H
#define MMU_ENTRY_H

#include "arch/arch.h"
#include "base/assert.h"

/*      type                     name                 what the offset is */
#define SPECIAL_ENTRIES(X)                                                         \
	X(SWP_HWPOISON, 24, "hwpoison", HOLDS_PFN)                                 \
	X(SWP_MIGRATION_READ, 25, "migration-read", HOLDS_PFN)                     \
	X(SWP_MIGRATION_READ_EXCLUSIVE, 26, "migration-read-exclusive", HOLDS_PFN) \
	X(SWP_MIGRATION_WRITE, 27, "migration-write", HOLDS_PFN)                   \
	X(SWP_DEVICE_WRITE, 28, "device-private-write", HOLDS_PFN)                 \
	X(SWP_DEVICE_READ, 29, "device-private-read", HOLDS_PFN)                   \
	X(SWP_DEVICE_EXCLUSIVE, 30, "device-exclusive", HOLDS_PFN)                 \
	X(SWP_PTE_MARKER, 31, "marker", HOLDS_BITS)

enum entry_holds { HOLDS_SLOT, HOLDS_PFN, HOLDS_BITS };

enum special_entry {
#define X(id, type, name, holds) id = type,
	SPECIAL_ENTRIES(X)
#undef X
};

#define MAX_SWAP_AREAS 24

/*      bit of a marker            position  letter */
#define PTE_MARKERS(X)                                                                    \
	X(PTE_MARKER_UFFD_WP, 0, 'w')                                                     \
	X(PTE_MARKER_POISONED, 1, 'p')                                                    \
	X(PTE_MARKER_GUARD, 2, 'g')                                                       \
	/* reclaim took the page of a shmem file (option shmem_swap_bit); else as none */ \
	X(PTE_MARKER_SWAPPED, 3, 's')

enum pte_marker {
#define X(id, bit, letter) id = 1 << bit,
	PTE_MARKERS(X)
#undef X
};
#define PTE_MARKER_MASK 15u

/* Not none, not present. */
static inline bool pte_is_swp(pte_t pte)
{
	return !pte_none(pte) && !pte_present(pte);
}

static inline bool swp_is_special(swp_entry_t entry)
{
	return entry.type >= MAX_SWAP_AREAS;
}

static inline enum entry_holds swp_entry_holds(swp_entry_t entry)
{
	switch (entry.type) {
#define X(id, type, name, holds) \
	case id:                 \
		return holds;
		SPECIAL_ENTRIES(X)
#undef X
	default:
		return HOLDS_SLOT;
	}
}

/* The frame of an entry that stands for a page. A marker or a slot has none: a bug to ask. */
static inline pfn_t swp_entry_pfn(swp_entry_t entry)
{
	VM_BUG_ON2(swp_entry_holds(entry) != HOLDS_PFN, entry.type, entry.offset);
	return pfn_of(entry.offset);
}

/* The slot of a swapped page. */
static inline u64 swp_entry_slot(swp_entry_t entry)
{
	VM_BUG_ON2(swp_entry_holds(entry) != HOLDS_SLOT, entry.type, entry.offset);
	return entry.offset;
}

/* Whether it stands for a swapped page: it holds a slot. */
static inline bool pte_is_swap(pte_t pte)
{
	return pte_is_swp(pte) && !swp_is_special(pte_to_swp_entry(pte));
}

static inline bool pte_is_migration(pte_t pte)
{
	u32 type = pte_is_swp(pte) ? pte_to_swp_entry(pte).type : 0;

	return type >= SWP_MIGRATION_READ && type <= SWP_MIGRATION_WRITE;
}

/* The entry of a page on its way to another frame: one of the SWP_MIGRATION_ types. */
static inline pte_t make_migration_pte(enum special_entry type, pfn_t pfn)
{
	VM_BUG_ON2(type < SWP_MIGRATION_READ || type > SWP_MIGRATION_WRITE, type, pfn.n);
	return swp_entry_to_pte((swp_entry_t){ type, pfn.n });
}

static inline pte_t make_pte_marker(u32 bits)
{
	VM_BUG_ON2(!bits || (bits & ~PTE_MARKER_MASK), bits, 0);
	return swp_entry_to_pte((swp_entry_t){ SWP_PTE_MARKER, bits });
}

static inline bool pte_is_marker(pte_t pte)
{
	return pte_is_swp(pte) && pte_to_swp_entry(pte).type == SWP_PTE_MARKER;
}

/* The bits of a marker; 0 when it is none. */
static inline u32 pte_marker_bits(pte_t pte)
{
	return pte_is_marker(pte) ? (u32)(pte_to_swp_entry(pte).offset & PTE_MARKER_MASK) : 0;
}

static inline bool pte_is_guard(pte_t pte)
{
	return pte_marker_bits(pte) & PTE_MARKER_GUARD;
}

/* Write protection by userfaultfd, in whatever state the entry is. */
static inline bool pte_any_uffd_wp(pte_t pte)
{
	if (pte_present(pte))
		return pte_uffd_wp(pte);
	return pte_is_swp(pte) &&
	       (pte_swp_uffd_wp(pte) || (pte_marker_bits(pte) & PTE_MARKER_UFFD_WP));
}

/* "none", "present", "swap", "marker", ...: a static string. */
const char *pte_state_name(pte_t pte);
/* State, bits as letters and frame, slot or marker: "present PWUAD pfn=12". Returns its length. */
size_t pte_describe(pte_t pte, char *buf, size_t size);

#endif
