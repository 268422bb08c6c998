/* SPDX-License-Identifier: MIT */
/*
 * Which pages are in memory (mincore), and bringing in those that are in swap (MADV_WILLNEED).
 *
 *   entry              mincore says
 *   page               in memory
 *   swap slot          whether its page is in the swap cache
 *   migration, poison  in memory
 *   none, marker       whether the file has it in its page cache (or in the swap cache)
 */
#include "range/range.h"

#include "swap/swap.h"

/* ---- mincore ------------------------------------------------------------------------------- */

struct mincore {
	struct vm_area *vma;
	vaddr_t start;
	u8 *vec;
};

static bool slot_is_resident(struct machine *m, swp_entry_t entry)
{
	struct page *page = swap_cache_get(m, entry);
	bool resident = page && page_test_uptodate(page);

	if (page)
		put_page(page);
	return resident;
}

/* What the file knows of a page that is not mapped here. */
static bool file_page_is_resident(const struct vm_area *vma, vaddr_t addr)
{
	struct page *page;
	bool resident;
	u64 value = 0;

	if (!vma->file)
		return false;
	page = filemap_get_page(&vma->file->inode->mapping, linear_page_index(vma, addr), &value);
	/* What could not be read from swap is a value, too, of no slot. */
	if (!page)
		return value && !swp_is_special(value_to_swp(value)) &&
		       slot_is_resident(machine_of(vma), value_to_swp(value));
	resident = page_test_uptodate(page);
	put_page(page);
	return resident;
}

static bool entry_is_resident(const struct vm_area *vma, vaddr_t addr, pte_t pte)
{
	swp_entry_t entry;

	if (pte_none(pte) || pte_is_marker(pte))
		return file_page_is_resident(vma, addr);
	if (pte_present(pte))
		return true;
	entry = pte_to_swp_entry(pte);
	return swp_is_special(entry) || slot_is_resident(machine_of(vma), entry);
}

static int mincore_pte(struct mm_walk *walk, vaddr_t addr, pte_t *ptep, pte_t pte)
{
	struct mincore *mincore = walk->private;

	(void)ptep;
	mincore->vec[(addr - mincore->start) >> PAGE_SHIFT] =
		entry_is_resident(mincore->vma, addr, pte);
	return 0;
}

static int mincore_hole(struct mm_walk *walk, vaddr_t start, vaddr_t end)
{
	struct mincore *mincore = walk->private;

	for (vaddr_t addr = start; addr < end; addr += PAGE_SIZE)
		mincore->vec[(addr - mincore->start) >> PAGE_SHIFT] =
			file_page_is_resident(mincore->vma, addr);
	return 0;
}

void mincore_range(struct vm_area *vma, vaddr_t start, vaddr_t end, u8 *ret_vec)
{
	struct mincore mincore = { .vma = vma, .start = start, .vec = ret_vec };
	struct mm_walk walk = {
		.pte = mincore_pte, .hole = mincore_hole, .mm = vma->mm, .private = &mincore
	};

	(void)walk_page_range(&walk, start, end);
}

/* ---- MADV_WILLNEED ------------------------------------------------------------------------- */

struct willneed {
	vaddr_t addr;
	swp_entry_t entry;
};

/* Stops at the first slot: reading it needs the table's lock dropped. */
static int find_slot(struct mm_walk *walk, vaddr_t addr, pte_t *ptep, pte_t pte)
{
	struct willneed *willneed = walk->private;

	(void)ptep;
	if (!pte_is_swp(pte) || swp_is_special(pte_to_swp_entry(pte)))
		return 0;
	*willneed = (struct willneed){ addr, pte_to_swp_entry(pte) };
	return 1;
}

static void read_slot(struct mm *mm, swp_entry_t entry)
{
	int err;
	struct page *page = swapin_readahead(machine_of(mm), entry, mm->group, &err);

	if (!page)
		return;
	/* It stays in the swap cache for the fault to find, unless its last entry has gone. */
	free_swap_cache(page);
	put_page(page);
}

static void willneed_anon(struct vm_area *vma, vaddr_t start, vaddr_t end)
{
	struct willneed willneed;
	struct mm_walk walk = { .pte = find_slot, .mm = vma->mm, .private = &willneed };

	while (start < end && walk_page_range(&walk, start, end)) {
		read_slot(vma->mm, willneed.entry);
		start = willneed.addr + PAGE_SIZE;
	}
}

/* Slots of a shmem file. */
static void willneed_file(struct vm_area *vma, vaddr_t start, vaddr_t end)
{
	struct address_space *mapping = &vma->file->inode->mapping;

	for (vaddr_t addr = start; addr < end; addr += PAGE_SIZE) {
		u64 value = 0;
		struct page *page = filemap_get_page(mapping, linear_page_index(vma, addr), &value);

		if (page)
			put_page(page);
		else if (value && !swp_is_special(value_to_swp(value)))
			read_slot(vma->mm, value_to_swp(value));
	}
}

void madvise_willneed_range(struct vm_area *vma, vaddr_t start, vaddr_t end)
{
	if (vma->file)
		willneed_file(vma, start, end);
	else
		willneed_anon(vma, start, end);
}
