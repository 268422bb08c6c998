/* SPDX-License-Identifier: MIT */
/*
 * /proc/PID/pagemap: a word a page, from its entry and the vma around it.
 *
 * Where a page of shmem has been swapped out nothing is mapped, and the kernel does not tell it
 * from one that never was. Two options do:
 *
 *   accurate_shmem_swap  asks the page cache for each page that is not mapped: always right
 *   shmem_swap_bit       shows a bit that reclaim left in the entry: costs nothing, but knows
 *                        nothing of mappings and children made since, and does not see the page
 *                        come back by another mapping
 *
 * A marker of write protection is shown as swapped, unless pagemap_marker_swap is off.
 */
#include "procfs/procfs.h"

#include "filemap/filemap.h"
#include "mmu/pgtable.h"

struct pagemap_walk {
	struct vm_area *vma;
	vaddr_t first; /* the address of words[0] */
	u64 *words;
};

static u64 present_word(struct machine *m, pte_t pte)
{
	const struct page *page = vm_normal_page(m, pte);
	u64 word = PM_PRESENT | (pte_pfn(pte).n & (BIT(PM_FRAME_BITS) - 1));

	if (page && !page_test_anon(page))
		word |= PM_FILE;
	if (page && page_mapcount(page) == 1)
		word |= PM_MMAP_EXCLUSIVE;
	if (pte_soft_dirty(pte))
		word |= PM_SOFT_DIRTY;
	return word;
}

static bool frame_is_files(struct machine *m, pfn_t pfn)
{
	return !page_test_anon(pfn_to_page(m, pfn));
}

static u64 slot_word(swp_entry_t entry)
{
	u64 frame = entry.type | (entry.offset << SWP_TYPE_BITS);

	return PM_SWAP | (frame & (BIT(PM_FRAME_BITS) - 1));
}

/* Nothing but write protection, which is not to look like a page in swap. */
static bool is_protection_alone(struct machine *m, pte_t pte)
{
	return pte_marker_bits(pte) == PTE_MARKER_UFFD_WP && !m->config.pagemap_marker_swap;
}

/* Also a marker, which the kernel shows as swapped with its bits for an offset. */
static u64 swp_word(struct machine *m, pte_t pte)
{
	swp_entry_t entry = pte_to_swp_entry(pte);
	u64 word = slot_word(entry);

	if (pte_marker_bits(pte) == PTE_MARKER_SWAPPED)
		return PM_SWAP;
	if (is_protection_alone(m, pte))
		return 0;
	if (swp_entry_holds(entry) == HOLDS_PFN && frame_is_files(m, swp_entry_pfn(entry)))
		word |= PM_FILE;

	if (pte_is_guard(pte))
		word |= PM_GUARD_REGION;
	if (pte_swp_soft_dirty(pte))
		word |= PM_SOFT_DIRTY;
	return word;
}

static u64 entry_word(struct machine *m, pte_t pte)
{
	u64 word;

	if (pte_none(pte))
		return 0;
	word = pte_present(pte) ? present_word(m, pte) : swp_word(m, pte);
	return pte_any_uffd_wp(pte) ? word | PM_UFFD_WP : word;
}

/* What the page cache says of shmem that is not mapped (option accurate_shmem_swap). */
static u64 file_word(const struct vm_area *vma, vaddr_t addr)
{
	u64 value = 0;
	struct page *page =
		filemap_get_page(&vma->file->inode->mapping, linear_page_index(vma, addr), &value);

	if (!page)
		return value && !swp_is_special(value_to_swp(value)) ?
			       slot_word(value_to_swp(value)) :
			       0;
	put_page(page);
	return 0;
}

static bool asks_file(const struct vm_area *vma)
{
	return machine_of(vma)->config.accurate_shmem_swap && vma->backing == VMA_SHMEM;
}

static int pagemap_entries(struct mm_walk *walk, vaddr_t start, vaddr_t end, pte_t *ptep)
{
	struct pagemap_walk *pagemap = walk->private;
	struct machine *m = machine_of(walk->mm);
	u64 always = pagemap->vma->flags & VM_SOFTDIRTY ? PM_SOFT_DIRTY : 0;
	u64 *words = &pagemap->words[(start - pagemap->first) >> PAGE_SHIFT];
	u64 nr = (end - start) >> PAGE_SHIFT;

	for (u64 i = 0; i < nr; i++)
		words[i] = entry_word(m, ptep_get(&ptep[i])) | always;
	if (unlikely(asks_file(pagemap->vma)))
		for (u64 i = 0; i < nr; i++)
			if (pte_none(ptep_get(&ptep[i])) ||
			    is_protection_alone(m, ptep_get(&ptep[i])))
				words[i] |= file_word(pagemap->vma, start + (i << PAGE_SHIFT));
	return 0;
}

static int pagemap_hole(struct mm_walk *walk, vaddr_t start, vaddr_t end)
{
	struct pagemap_walk *pagemap = walk->private;

	if (pagemap->vma->flags & VM_SOFTDIRTY)
		for (vaddr_t addr = start; addr < end; addr += PAGE_SIZE)
			pagemap->words[(addr - pagemap->first) >> PAGE_SHIFT] = PM_SOFT_DIRTY;
	if (unlikely(asks_file(pagemap->vma)))
		for (vaddr_t addr = start; addr < end; addr += PAGE_SIZE)
			pagemap->words[(addr - pagemap->first) >> PAGE_SHIFT] |=
				file_word(pagemap->vma, addr);
	return 0;
}

void proc_pagemap(struct mm *mm, vaddr_t addr, u64 nr_pages, u64 *ret_words)
{
	struct pagemap_walk pagemap = { .first = addr, .words = ret_words };
	struct mm_walk walk = {
		.ptes = pagemap_entries, .hole = pagemap_hole, .mm = mm, .private = &pagemap
	};
	u64 mappable = addr < TASK_SIZE ? (TASK_SIZE - addr) >> PAGE_SHIFT : 0;
	vaddr_t end = addr + (MIN(nr_pages, mappable) << PAGE_SHIFT);
	struct vm_area *vma;

	memset(ret_words, 0, nr_pages * sizeof(*ret_words));
	down_read(&mm->mmap_lock);
	for_each_vma_range(mm, vma, addr, end) {
		pagemap.vma = vma;
		(void)walk_page_range(&walk, MAX(vma->start, addr), MIN(vma->end, end));
	}
	up_read(&mm->mmap_lock);
}
