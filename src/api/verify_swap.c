/* SPDX-License-Identifier: MIT */
/*
 * verify: swap. Every entry of a page table and every value of a page cache that names a slot
 * was counted on the way; here each slot is compared with that, and with the page that is cached
 * for it. What swap/ keeps beside (free slots, clusters) it recounts itself.
 */
#include "api/verify_internal.h"

#include "filemap/filemap.h"
#include "swap/swap.h"

u64 verify_swap_slots(const struct machine *m)
{
	u64 slots = 0;

	for (u32 type = 0; type < MAX_SWAP_AREAS; type++)
		slots += swap_peek_slots(m, type);
	return slots;
}

/* The record of a slot; NULL: there is no such slot. */
static u32 *slot_record(const struct verify *v, swp_entry_t entry)
{
	u32 *record = v->slots;

	if (entry.type >= MAX_SWAP_AREAS || !entry.offset ||
	    entry.offset >= swap_peek_slots(v->m, entry.type))
		return NULL;
	for (u32 type = 0; type < entry.type; type++)
		record += swap_peek_slots(v->m, type);
	return &record[entry.offset];
}

bool verify_swap_entry(struct verify *v, swp_entry_t entry)
{
	u32 *record = slot_record(v, entry);

	if (record)
		++*record;
	return record;
}

void verify_swap_value(struct verify *v, const struct inode *inode, pgoff_t index, u64 value,
		       u64 *nr_swapped)
{
	swp_entry_t entry = value_to_swp(value);

	if (inode->kind != INODE_SHMEM) {
		finding(v, "inode %u: a value in its cache, at %llu", inode->ino,
			(unsigned long long)index);
		return;
	}
	if (entry.type == SWP_PTE_MARKER && entry.offset == PTE_MARKER_POISONED)
		return;
	++*nr_swapped;
	if (!verify_swap_entry(v, entry))
		finding(v, "inode %u: page %llu is in slot %llu of area %u, which there is not",
			inode->ino, (unsigned long long)index, (unsigned long long)entry.offset,
			entry.type);
}

void verify_swapped_inode(struct verify *v, const struct inode *inode, u64 nr_swapped)
{
	const struct inode *at;
	bool listed = false;

	expect_equal(v, "inode", inode->ino, "swapped", (u64)inode->swapped, nr_swapped);
	list_for_each_entry(at, &v->m->shmem_swaplist, swaplist)
		listed |= at == inode;
	if (nr_swapped && !listed)
		finding(v, "inode %u: has pages in swap, and swapoff would not find it",
			inode->ino);
}

/* The page that is cached for a slot. */
static void verify_cached_page(struct verify *v, swp_entry_t entry, const struct page *page)
{
	unsigned long long slot = entry.offset;
	pfn_t pfn = pfn_of(0);

	if (machine_of(page) == v->m)
		pfn = page_to_pfn(page);
	if (!frame_exists(v, pfn)) {
		finding(v, "slot %llu of area %u: its page is no RAM", slot, entry.type);
		return;
	}
	v->frames[pfn.n].refs++;
	v->frames[pfn.n].slots++;
	if (!(page->flags & BIT(PG_swapcache)))
		finding(v, "slot %llu of area %u: page %llu does not know that it has one", slot,
			entry.type, (unsigned long long)pfn.n);
	else if (page->private != swp_to_value(entry))
		finding(v, "slot %llu of area %u: page %llu has another one", slot, entry.type,
			(unsigned long long)pfn.n);
	if (!(page->flags & BIT(PG_swapbacked)))
		finding(v, "slot %llu of area %u: page %llu may not be swapped", slot, entry.type,
			(unsigned long long)pfn.n);
	if (page->flags & BIT(PG_writeback))
		finding(v, "slot %llu of area %u: page %llu is being written, for ever", slot,
			entry.type, (unsigned long long)pfn.n);
}

static void verify_slot(struct verify *v, swp_entry_t entry)
{
	unsigned long long slot = entry.offset;
	struct page *page;
	u32 count;

	if (!swap_peek(v->m, entry, &count, &page))
		return;
	if (count != *slot_record(v, entry))
		finding(v, "slot %llu of area %u: count is %u, counted %u", slot, entry.type, count,
			*slot_record(v, entry));
	if (page)
		verify_cached_page(v, entry, page);
	/* Whoever gives up the last entry, or keeps another from it, takes the page out. */
	if (page && machine_of(page) == v->m && !count && page_count(page) == 1)
		finding(v, "slot %llu of area %u: nobody wants it, nor page %llu", slot, entry.type,
			(unsigned long long)page_to_pfn(page).n);
}

static void report_swap(void *arg, const char *what, u64 a, u64 b)
{
	finding(arg, "swap: %s (%#llx, %#llx)", what, (unsigned long long)a, (unsigned long long)b);
}

void verify_swap(struct verify *v)
{
	for (u32 type = 0; type < MAX_SWAP_AREAS; type++)
		for (u64 slot = 1; slot < swap_peek_slots(v->m, type); slot++)
			verify_slot(v, (swp_entry_t){ type, slot });
	(void)swap_verify(v->m, report_swap, v);
}
