/* SPDX-License-Identifier: MIT */
/*
 * What every architecture makes of its table in the same way. Included by its header, which has
 * defined before
 *   ENTRY_BITS(X)                 the table
 *   PTE_PFN_MASK, PTE_PFN_SHIFT   where the frame is in an entry that the processor reads
 *   PTE_VALID_BIT                 the processor reads the entry
 *   PTE_PROTNONE_BIT              set without PTE_VALID: a page is there, for nobody to access
 */
#ifndef ARCH_PTE_BITS_H
#define ARCH_PTE_BITS_H

enum {
#define X(name, bit, letter) name##_BIT = bit,
	ENTRY_BITS(X)
#undef X
};

#define ENTRY_BIT(name) (1ull << name##_BIT)

/* Questions and changes that are one mask. */
#define PTE_TEST(name, mask)                  \
	static inline bool name(pte_t pte)    \
	{                                     \
		return (pte.v & (mask)) != 0; \
	}
#define PTE_SET(name, mask)                       \
	static inline pte_t name(pte_t pte)       \
	{                                         \
		return (pte_t){ pte.v | (mask) }; \
	}
#define PTE_CLEAR(name, mask)                      \
	static inline pte_t name(pte_t pte)        \
	{                                          \
		return (pte_t){ pte.v & ~(mask) }; \
	}

static inline bool pte_none(pte_t pte)
{
	return pte.v == 0;
}

PTE_TEST(pte_present, ENTRY_BIT(PTE_VALID) | ENTRY_BIT(PTE_PROTNONE))

/* Present for the kernel, not for the processor. */
static inline bool pte_protnone(pte_t pte)
{
	return pte_present(pte) && !(pte.v & ENTRY_BIT(PTE_VALID));
}

static inline bool table_none(table_entry_t entry)
{
	return entry.v == 0;
}

static inline pfn_t table_pfn(table_entry_t entry)
{
	return pfn_of((entry.v & PTE_PFN_MASK) >> PTE_PFN_SHIFT);
}

#endif
