/* SPDX-License-Identifier: MIT */
#include "mmu/entry.h"

#include "base/format.h"

const char *pte_state_name(pte_t pte)
{
	if (pte_none(pte))
		return "none";
	if (pte_present(pte))
		return "present";
	switch (pte_to_swp_entry(pte).type) {
#define X(id, type, name, holds) \
	case id:                 \
		return name;
		SPECIAL_ENTRIES(X)
#undef X
	default:
		return "swap";
	}
}

static void describe_present(struct strbuf *sb, pte_t pte)
{
	strbuf_putc(sb, ' ');
#define X(name, bit, letter)         \
	if (pte.v & (1ull << (bit))) \
		strbuf_putc(sb, letter);
	ENTRY_BITS(X)
#undef X
	strbuf_printf(sb, " pfn=%llu", (unsigned long long)pte_pfn(pte).n);
}

static void describe_swp(struct strbuf *sb, pte_t pte)
{
	swp_entry_t entry = pte_to_swp_entry(pte);

	if (pte_swp_exclusive(pte) || pte_swp_uffd_wp(pte) || pte_swp_soft_dirty(pte))
		strbuf_putc(sb, ' ');
	if (pte_swp_exclusive(pte))
		strbuf_putc(sb, 'e');
	if (pte_swp_uffd_wp(pte))
		strbuf_putc(sb, 'w');
	if (pte_swp_soft_dirty(pte))
		strbuf_putc(sb, 'd');
	switch (swp_entry_holds(entry)) {
	case HOLDS_SLOT:
		strbuf_printf(sb, " area=%u slot=%llu", entry.type,
			      (unsigned long long)entry.offset);
		break;
	case HOLDS_PFN:
		strbuf_printf(sb, " pfn=%llu", (unsigned long long)entry.offset);
		break;
	case HOLDS_BITS:
		strbuf_putc(sb, ' ');
#define X(id, bit, letter)       \
	if (entry.offset & (id)) \
		strbuf_putc(sb, letter);
		PTE_MARKERS(X)
#undef X
		break;
	}
}

size_t pte_describe(pte_t pte, char *buf, size_t size)
{
	struct strbuf sb;

	strbuf_init(&sb, buf, size);
	strbuf_puts(&sb, pte_state_name(pte));
	if (pte_present(pte))
		describe_present(&sb, pte);
	else if (!pte_none(pte))
		describe_swp(&sb, pte);
	return sb.len;
}
