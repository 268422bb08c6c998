/* SPDX-License-Identifier: MIT */
/*
 * /proc/PID/smaps and smaps_rollup. Both walk the entries and add up the pages behind them. A
 * proportional share is kept in 1/4096 bytes and cut only when printed, so that the rollup is
 * the sum of what the vmas hold, not of what their lines say.
 *
 *   zero page, markers, no entry   counted nowhere, but for what a shmem file has in swap there
 *   a swap slot                    swap; its share by the entries that refer to the slot
 *   an entry that waits            the page whose migration it waits for
 *   a page that is mapped once     private, and its whole size is its share
 *   mapped n times                 shared, its share is 1/n
 */
#include "procfs/procfs.h"

#include "mmu/pgtable.h"
#include "shmem/shmem.h"

#define PSS_SHIFT 12

struct mem_stats {
	u64 resident;
	u64 shared_clean, shared_dirty, private_clean, private_dirty;
	u64 referenced, anonymous, lazyfree, swap;
	/* << PSS_SHIFT */
	u64 pss, pss_dirty, pss_anon, pss_file, pss_shmem, pss_locked, swap_pss;
};

struct smaps_walk {
	struct vm_area *vma;
	struct mem_stats *stats;
	bool file_swap; /* what the file has in swap is looked up where nothing is mapped */
};

static u64 *pss_of_kind(struct mem_stats *stats, const struct page *page)
{
	switch (page_mm_counter(page)) {
	case MM_ANONPAGES:
		return &stats->pss_anon;
	case MM_SHMEMPAGES:
		return &stats->pss_shmem;
	default:
		return &stats->pss_file;
	}
}

static void account_share(struct smaps_walk *smaps, const struct page *page, bool dirty)
{
	struct mem_stats *stats = smaps->stats;
	int mapcount = page_mapcount(page);
	bool private = mapcount < 2;
	u64 share = PAGE_SIZE << PSS_SHIFT;

	if (!private)
		share /= (u64)mapcount;
	stats->pss += share;
	*pss_of_kind(stats, page) += share;
	if (smaps->vma->flags & VM_LOCKED)
		stats->pss_locked += share;
	if (dirty || page_test_dirty(page)) {
		stats->pss_dirty += share;
		*(private ? &stats->private_dirty : &stats->shared_dirty) += PAGE_SIZE;
	} else {
		*(private ? &stats->private_clean : &stats->shared_clean) += PAGE_SIZE;
	}
}

/* pte: the entry that maps it; none: one that stands for the mapping. */
static void account_page(struct smaps_walk *smaps, const struct page *page, pte_t pte)
{
	struct mem_stats *stats = smaps->stats;
	bool dirty = pte_dirty(pte);

	stats->resident += PAGE_SIZE;
	if (page_test_anon(page)) {
		stats->anonymous += PAGE_SIZE;
		if (!page_test_swapbacked(page) && !dirty && !page_test_dirty(page))
			stats->lazyfree += PAGE_SIZE;
	}
	if (pte_young(pte) || page_test_referenced(page))
		stats->referenced += PAGE_SIZE;
	account_share(smaps, page, dirty);
}

static void account_slot(struct smaps_walk *smaps, swp_entry_t entry)
{
	u64 share = PAGE_SIZE << PSS_SHIFT;
	u32 count = swap_count(machine_of(smaps->vma), entry);

	smaps->stats->swap += PAGE_SIZE;
	smaps->stats->swap_pss += count < 2 ? share : share / count;
}

/* Nothing is mapped in [start, end). */
static int account_hole(struct mm_walk *walk, vaddr_t start, vaddr_t end)
{
	struct smaps_walk *smaps = walk->private;
	struct vm_area *vma = smaps->vma;

	if (smaps->file_swap)
		smaps->stats->swap += shmem_partial_swap_usage(&vma->file->inode->mapping,
							       linear_page_index(vma, start),
							       linear_page_index(vma, end) - 1)
				      << PAGE_SHIFT;
	return 0;
}

static int account_entry(struct mm_walk *walk, vaddr_t addr, pte_t *ptep, pte_t pte)
{
	struct machine *m = machine_of(walk->mm);
	struct page *page = NULL;
	swp_entry_t entry;

	(void)ptep;
	if (pte_none(pte) || pte_is_marker(pte))
		return account_hole(walk, addr, addr + PAGE_SIZE);
	if (pte_present(pte)) {
		page = vm_normal_page(m, pte);
		if (page)
			account_page(walk->private, page, pte);
		return 0;
	}
	entry = pte_to_swp_entry(pte);
	if (!swp_is_special(entry))
		account_slot(walk->private, entry);
	else
		account_page(walk->private, pfn_to_page(m, swp_entry_pfn(entry)), (pte_t){ 0 });
	return 0;
}

static void gather_vma(struct vm_area *vma, struct mem_stats *stats)
{
	struct smaps_walk smaps = { .vma = vma, .stats = stats };
	struct mm_walk walk = {
		.pte = account_entry, .hole = account_hole, .mm = vma->mm, .private = &smaps
	};

	if (vma->backing == VMA_SHMEM) {
		u64 swapped = shmem_swap_usage(vma);

		/* Only a private copy can stand in the way of what the file has in swap. */
		smaps.file_swap = swapped && (vma->flags & (VM_SHARED | VM_WRITE)) == VM_WRITE;
		if (!smaps.file_swap)
			stats->swap += swapped << PAGE_SHIFT;
	}
	(void)walk_page_range(&walk, vma->start, vma->end);
}

/* ---- printing ------------------------------------------------------------------------------ */

static void put_kb(struct strbuf *sb, const char *label, u64 bytes)
{
	strbuf_printf(sb, "%-16s%8llu kB\n", label, (unsigned long long)(bytes >> 10));
}

static void put_pss(struct strbuf *sb, const char *label, u64 pss)
{
	put_kb(sb, label, pss >> PSS_SHIFT);
}

static void put_stats(struct strbuf *sb, const struct mem_stats *stats, bool rollup)
{
	static const char *const absent[] = {
		"AnonHugePages:",  "ShmemPmdMapped:",  "FilePmdMapped:",
		"Shared_Hugetlb:", "Private_Hugetlb:",
	};

	put_kb(sb, "Rss:", stats->resident);
	put_pss(sb, "Pss:", stats->pss);
	put_pss(sb, "Pss_Dirty:", stats->pss_dirty);
	if (rollup) {
		put_pss(sb, "Pss_Anon:", stats->pss_anon);
		put_pss(sb, "Pss_File:", stats->pss_file);
		put_pss(sb, "Pss_Shmem:", stats->pss_shmem);
	}
	put_kb(sb, "Shared_Clean:", stats->shared_clean);
	put_kb(sb, "Shared_Dirty:", stats->shared_dirty);
	put_kb(sb, "Private_Clean:", stats->private_clean);
	put_kb(sb, "Private_Dirty:", stats->private_dirty);
	put_kb(sb, "Referenced:", stats->referenced);
	put_kb(sb, "Anonymous:", stats->anonymous);
	put_kb(sb, "KSM:", 0);
	put_kb(sb, "LazyFree:", stats->lazyfree);
	/* Kinds of memory that this core does not make. */
	for (unsigned i = 0; i < ARRAY_SIZE(absent); i++)
		put_kb(sb, absent[i], 0);
	put_kb(sb, "Swap:", stats->swap);
	put_pss(sb, "SwapPss:", stats->swap_pss);
	put_pss(sb, "Locked:", stats->pss_locked);
}

static void put_flags(struct strbuf *sb, u64 flags)
{
	strbuf_puts(sb, "VmFlags: ");
#define X(name, bit, smaps) \
	if (flags & name)   \
		strbuf_write(sb, smaps " ", 3);
	VM_FLAGS(X)
#undef X
	strbuf_putc(sb, '\n');
}

void proc_smaps(struct mm *mm, vaddr_t start, vaddr_t end, struct strbuf *sb)
{
	struct vm_area *vma;

	down_read(&mm->mmap_lock);
	for_each_vma_range(mm, vma, start, end) {
		struct mem_stats stats = { 0 };

		gather_vma(vma, &stats);
		proc_vma_header(sb, vma);
		strbuf_putc(sb, '\n');
		put_kb(sb, "Size:", vma->end - vma->start);
		put_kb(sb, "KernelPageSize:", PAGE_SIZE);
		put_kb(sb, "MMUPageSize:", PAGE_SIZE);
		put_stats(sb, &stats, false);
		/* No huge pages here: no vma is eligible. */
		strbuf_printf(sb, "%-16s%8d\n", "THPeligible:", 0);
		put_flags(sb, vma->flags);
	}
	up_read(&mm->mmap_lock);
}

void proc_smaps_rollup(struct mm *mm, struct strbuf *sb)
{
	struct mem_stats stats = { 0 };
	struct vm_area *vma;
	vaddr_t first = 0, last = 0;
	size_t line_start;

	down_read(&mm->mmap_lock);
	for_each_vma(mm, vma) {
		if (!last)
			first = vma->start;
		last = vma->end;
		gather_vma(vma, &stats);
	}
	up_read(&mm->mmap_lock);
	line_start = proc_range_header(sb, first, last, 0);
	proc_range_name(sb, line_start, "[rollup]\n");
	put_stats(sb, &stats, true);
}
