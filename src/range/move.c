/* SPDX-License-Identifier: MIT */
/*
 * Move: entries go to another address of the same mm; pages keep their place in the reverse
 * map, because the new vma keeps the old page offsets. The CPUs forget the old addresses
 * before the old table's lock is dropped, so that no write can land under the old address
 * after the page can be seen, and taken away, at the new one. The reverse maps are locked: a walk
 * that has visited the new vma already and comes to the old one too late would miss the entry.
 */
#include "range/range.h"

#include "base/mutant.h"
#include "rmap/rmap.h"
#include "uffd/uffd.h"

struct move_range {
	struct mm *mm;
	vaddr_t old_addr, new_addr;
	bool soft_dirty;
	bool unprotect; /* userfaultfd is not told: its protection stays behind */
};

/* The entry without protection by userfaultfd; none when it was nothing else. */
static pte_t without_uffd_wp(pte_t pte)
{
	u32 bits = pte_marker_bits(pte);

	if (pte_present(pte))
		return pte_clear_uffd_wp(pte);
	if (!bits)
		return pte_swp_clear_uffd_wp(pte);
	bits &= ~(u32)PTE_MARKER_UFFD_WP;
	return bits ? make_pte_marker(bits) : (pte_t){ 0 };
}

/* One entry; true when CPUs may have cached it. */
static bool move_pte(const struct move_range *move, pte_t *old, pte_t *to)
{
	pte_t pte = ptep_get(old);
	bool cached;

	if (pte_none(pte))
		return false;
	VM_BUG_ON2(!pte_none(ptep_get(to)), ptep_get(to).v, move->new_addr);
	pte = ptep_get_and_clear(move->mm, move->old_addr, old);
	if (move->soft_dirty && pte_present(pte))
		pte = pte_mksoft_dirty(pte);
	cached = pte_present(pte);
	if (move->unprotect && !MUTANT(mremap_keeps_uffd_wp))
		pte = without_uffd_wp(pte);
	if (!pte_none(pte))
		set_pte_at(move->mm, move->new_addr, to, pte);
	return cached;
}

/* The part of a move that stays in one old and one new table. */
static void move_ptes(struct move_range *move, pte_t *old, pte_t *to, u64 bytes)
{
	vaddr_t start = move->old_addr;
	u64 pages = bytes >> PAGE_SHIFT;
	bool flush = false;

	pte_lock_both(old, to);
	for (u64 i = 0; i < pages; i++) {
		flush |= move_pte(move, old + i, to + i);
		move->old_addr += PAGE_SIZE;
		move->new_addr += PAGE_SIZE;
	}
	if (flush && !MUTANT(mremap_flushes_late))
		flush_tlb_range(move->mm, start, start + bytes);
	pte_unlock_both(old, to);
}

u64 move_page_tables(struct vm_area *vma, vaddr_t old_addr, struct vm_area *new_vma,
		     vaddr_t new_addr, u64 len)
{
	struct move_range move = {
		.mm = vma->mm,
		.old_addr = old_addr,
		.new_addr = new_addr,
		.soft_dirty = machine_of(vma)->config.soft_dirty,
		.unprotect = vma_has_uffd_without_event_remap(vma),
	};
	vaddr_t end = old_addr + len;

	VM_BUG_ON2(vma->mm != new_vma->mm, vma->start, new_vma->start);
	while (move.old_addr < end) {
		vaddr_t next = pgtable_next_table(move.mm, move.old_addr, end);
		u64 bytes;
		pte_t *to;

		move.new_addr += next - move.old_addr;
		move.old_addr = next;
		if (next == end)
			break;
		bytes = MIN(end - next, PMD_SIZE - (next & ~PMD_MASK));
		bytes = MIN(bytes, PMD_SIZE - (move.new_addr & ~PMD_MASK));
		to = pte_alloc(move.mm, move.new_addr);
		if (!to)
			break;
		rmap_lock_vma(vma);
		move_ptes(&move, pte_offset(move.mm, next), to, bytes);
		rmap_unlock_vma(vma);
	}
	return move.old_addr - old_addr;
}
