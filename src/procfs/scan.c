/* SPDX-License-Identifier: MIT */
/*
 * PAGEMAP_SCAN: ranges of pages by what they are, and (PM_SCAN_WP_MATCHING) write protection of
 * what was found, in one step: a page is written from then on only after userfaultfd's WP_ASYNC
 * has seen it. That is how one learns what changed since the last time.
 *
 *   entry                         WRITTEN           beside
 *   present, swap type            without uffd-wp   PRESENT or SWAPPED, FILE, PFNZERO, GUARD
 *   none                          yes
 *   no table                      WPALLOWED
 *
 * Where nobody wants a report (there is no room for one) all that has a table is protected.
 *
 * An entry is judged and protected under one hold of its table's lock, and the CPUs know of it
 * before that ends: a write is either in this answer or in the next.
 */
#include "procfs/procfs.h"

#include "base/mutant.h"
#include "base/uapi.h"
#include "filemap/filemap.h"
#include "range/range.h"
#include "uffd/uffd.h"

/*
 * Linux hands the regions over so many at a time and takes a walk up again at walk_end; a walk that
 * then comes to the end of the range leaves it there.
 */
#define REGIONS_AT_ONCE 512

struct pagemap_scan {
	/* input */
	struct pm_scan_arg *arg;
	u64 max_pages;
	bool only_written;
	bool asks_file;   /* whether a page is a file's, which its struct page tells */
	bool protect;     /* PM_SCAN_WP_MATCHING */
	bool protect_all; /* nobody wants to know which */
	/* scratch */
	struct vm_area *vma;
	u64 vma_categories;
	struct mmu_gather tlb;
	/* result */
	struct page_region *regions; /* NULL: not wanted */
	u64 nr_regions, nr_pages;
};

/* ---- what is found ------------------------------------------------------------------------- */

static bool is_interesting(const struct pm_scan_arg *arg, u64 categories)
{
	categories ^= arg->category_inverted;
	if ((categories & arg->category_mask) != arg->category_mask)
		return false;
	return !arg->category_anyof_mask || (categories & arg->category_anyof_mask);
}

static bool is_interesting_vma(const struct pm_scan_arg *arg, u64 categories)
{
	u64 required = arg->category_mask & PAGE_IS_WPALLOWED;

	return ((categories ^ arg->category_inverted) & required) == required;
}

/* Room for one region more, or in the last one. */
static bool push_region(struct pagemap_scan *scan, u64 categories, vaddr_t start, vaddr_t end)
{
	struct page_region *last = &scan->regions[scan->nr_regions];

	if (scan->nr_regions && last[-1].end == start && last[-1].categories == categories) {
		last[-1].end = end;
		return true;
	}
	if (scan->nr_regions == scan->arg->vec_len)
		return false;
	if (scan->nr_regions && scan->nr_regions % REGIONS_AT_ONCE == 0)
		scan->arg->walk_end = start;
	*last = (struct page_region){ .start = start, .end = end, .categories = categories };
	scan->nr_regions++;
	return true;
}

/* As much of [start, *end) as there is room for; 1: that was not all, *end is where it stopped. */
static int report(struct pagemap_scan *scan, u64 categories, vaddr_t start, vaddr_t *end)
{
	u64 pages = (*end - start) >> PAGE_SHIFT;
	u64 left = scan->max_pages - scan->nr_pages;
	int stop = pages > left;

	if (!scan->regions)
		return 0;
	pages = MIN(pages, left);
	*end = start + (pages << PAGE_SHIFT);
	if (pages && !push_region(scan, categories & scan->arg->return_mask, start, *end)) {
		*end = start;
		pages = 0;
		stop = 1;
	}
	scan->nr_pages += pages;
	if (stop)
		scan->arg->walk_end = *end;
	return stop;
}

/* ---- entries --------------------------------------------------------------------------------- */

static bool is_file(struct machine *m, pte_t pte)
{
	const struct page *page = vm_normal_page(m, pte);

	return page && !page_test_anon(page);
}

static u64 present_categories(const struct pagemap_scan *scan, struct machine *m, pte_t pte)
{
	u64 categories = PAGE_IS_PRESENT;

	if (scan->asks_file && is_file(m, pte))
		categories |= PAGE_IS_FILE;
	if (pte_pfn(pte).n == m->zero_pfn.n)
		categories |= PAGE_IS_PFNZERO;
	return pte_soft_dirty(pte) ? categories | PAGE_IS_SOFT_DIRTY : categories;
}

static u64 swp_categories(struct machine *m, pte_t pte)
{
	swp_entry_t entry = pte_to_swp_entry(pte);
	u64 categories = PAGE_IS_SWAPPED;

	if (swp_entry_holds(entry) == HOLDS_PFN &&
	    !page_test_anon(pfn_to_page(m, swp_entry_pfn(entry))))
		categories |= PAGE_IS_FILE;
	if (pte_is_guard(pte))
		categories |= PAGE_IS_GUARD;
	return pte_swp_soft_dirty(pte) ? categories | PAGE_IS_SOFT_DIRTY : categories;
}

static u64 entry_categories(const struct pagemap_scan *scan, pte_t pte)
{
	u64 categories = pte_any_uffd_wp(pte) ? 0 : PAGE_IS_WRITTEN;
	struct machine *m = machine_of(scan->vma);

	if (pte_present(pte))
		return categories | present_categories(scan, m, pte);
	return pte_none(pte) ? categories : categories | swp_categories(m, pte);
}

/* Nothing gets past a guard or poison: there the bit only says that the entry was seen. */
static void protect_guard(struct pagemap_scan *scan, vaddr_t addr, pte_t *ptep)
{
	pte_t pte = ptep_get(ptep);

	if (pte_marker_bits(pte) & (PTE_MARKER_GUARD | PTE_MARKER_POISONED))
		set_pte_at(scan->vma->mm, addr, ptep, pte_swp_mkuffd_wp(pte));
}

/* 1: the walk ends here. *ret_protect: this one is found, and not protected. */
static int scan_entry(struct pagemap_scan *scan, vaddr_t addr, pte_t *ptep, bool *ret_protect)
{
	pte_t pte = ptep_get(ptep);
	vaddr_t next = addr + PAGE_SIZE;
	u64 categories;
	int stop = 0;

	*ret_protect = false;
	/* The most frequent case: nothing happened since the last scan. */
	if (scan->only_written && pte_any_uffd_wp(pte))
		return 0;
	categories = entry_categories(scan, pte);
	if (!scan->protect_all) {
		categories |= scan->vma_categories;
		if (!is_interesting(scan->arg, categories))
			return 0;
		stop = report(scan, categories, addr, &next);
		if (next == addr)
			return stop;
	}
	*ret_protect = scan->protect && (categories & PAGE_IS_WRITTEN);
	return stop;
}

static void protect_run(struct pagemap_scan *scan, vaddr_t start, vaddr_t end, pte_t *ptep)
{
	if (start < end)
		uffd_wp_ptes(&scan->tlb, scan->vma, start, end, ptep);
}

/* Neighbours that are found are protected together. */
static int scan_entries(struct mm_walk *walk, vaddr_t start, vaddr_t end, pte_t *first)
{
	struct pagemap_scan *scan = walk->private;
	vaddr_t addr, from = start; /* [from, addr) is to be protected */
	pte_t *ptep = first;
	int stop = 0;

	for (addr = start; addr < end && !stop; addr += PAGE_SIZE, ptep++) {
		bool protect;

		stop = scan_entry(scan, addr, ptep, &protect);
		if (protect) {
			protect_guard(scan, addr, ptep);
			continue;
		}
		protect_run(scan, from, addr, first);
		from = addr + PAGE_SIZE;
		first = ptep + 1;
	}
	protect_run(scan, from, addr, first);
	tlb_flush_only(&scan->tlb);
	return stop;
}

static int scan_hole(struct mm_walk *walk, vaddr_t start, vaddr_t end)
{
	struct pagemap_scan *scan = walk->private;
	u64 categories = scan->vma_categories;
	int stop, err = 0;

	if (categories & PAGE_IS_WPALLOWED)
		categories |= PAGE_IS_WRITTEN;
	if (!is_interesting(scan->arg, categories))
		return 0;
	stop = report(scan, categories, start, &end);
	if (scan->protect && start < end)
		err = uffd_wp_range(scan->vma, start, end, true);
	return err ? err : stop;
}

/* ---- the call -------------------------------------------------------------------------------- */

/* 0: to be walked; 1: to be left out; -EPERM. */
static int enter_vma(struct pagemap_scan *scan, struct vm_area *vma)
{
	bool allowed = userfaultfd_wp_async(vma) && userfaultfd_wp_use_markers(vma);

	if (!allowed && (scan->arg->flags & PM_SCAN_CHECK_WPASYNC))
		return -EPERM;
	if ((!allowed && scan->protect) || (vma->flags & VM_PFNMAP))
		return 1;
	scan->vma = vma;
	scan->vma_categories = (allowed ? PAGE_IS_WPALLOWED : 0) |
			       (vma->flags & VM_SOFTDIRTY ? PAGE_IS_SOFT_DIRTY : 0);
	return !is_interesting_vma(scan->arg, scan->vma_categories);
}

/* What is found is protected on the way. */
static int scan_vma(struct mm_walk *walk, vaddr_t start, vaddr_t end)
{
	struct pagemap_scan *scan = walk->private;
	bool later = MUTANT(scan_protects_later) && scan->protect;
	int err;

	if (later)
		scan->protect = false;
	err = walk_page_range(walk, start, end);
	if (!later)
		return err;
	scan->protect = true;
	(void)uffd_wp_range(scan->vma, start, end, true);
	return err;
}

static int scan_vmas(struct pagemap_scan *scan, struct mm *mm)
{
	struct mm_walk walk = {
		.ptes = scan_entries,
		.hole = scan_hole,
		.mm = mm,
		.private = scan,
	};
	vaddr_t start = scan->arg->start, end = scan->arg->end;
	struct vm_area *vma;
	int err = 0;

	down_read(&mm->mmap_lock);
	tlb_gather_mmu(&scan->tlb, mm);
	for_each_vma_range(mm, vma, start, end) {
		err = enter_vma(scan, vma);
		if (!err)
			err = scan_vma(&walk, MAX(vma->start, start), MIN(vma->end, end));
		else if (err > 0)
			err = 0;
		if (err)
			break;
	}
	tlb_finish_mmu(&scan->tlb);
	up_read(&mm->mmap_lock);
	return MIN(err, 0);
}

static int check_arg(const struct pm_scan_arg *arg)
{
	u64 categories = arg->category_inverted | arg->category_mask | arg->category_anyof_mask |
			 arg->return_mask;

	if (arg->size != sizeof(*arg))
		return -EINVAL;
	if (arg->flags & ~(u64)(PM_SCAN_WP_MATCHING | PM_SCAN_CHECK_WPASYNC))
		return -EINVAL;
	if ((categories & ~PM_SCAN_CATEGORIES) || PAGE_OFFSET_OF(arg->start))
		return -EINVAL;
	if (arg->end < arg->start || arg->end > TASK_SIZE)
		return -EFAULT;
	if (!arg->vec && arg->vec_len)
		return -EINVAL;
	return arg->vec_len > TASK_SIZE / sizeof(struct page_region) ? -EFAULT : 0;
}

s64 proc_pagemap_scan(struct mm *mm, struct pm_scan_arg *arg)
{
	struct pm_scan_arg copy = *arg;
	struct pagemap_scan scan = {
		.arg = &copy,
		.max_pages = copy.max_pages ? copy.max_pages : ~0ull,
		.only_written = copy.category_mask & ~copy.category_inverted & PAGE_IS_WRITTEN,
		.asks_file = (copy.category_mask | copy.category_anyof_mask | copy.return_mask) &
			     PAGE_IS_FILE,
		.protect = copy.flags & PM_SCAN_WP_MATCHING,
		.protect_all = (copy.flags & PM_SCAN_WP_MATCHING) && !copy.vec_len,
		.regions = copy.vec_len ? (struct page_region *)(uintptr_t)copy.vec : NULL,
	};
	int err = check_arg(&copy);

	if (err)
		return err;
	copy.end = PAGE_ALIGN(copy.end);
	copy.walk_end = 0;
	err = scan_vmas(&scan, mm);
	arg->walk_end = copy.walk_end ? copy.walk_end : copy.end;
	return err ? err : (s64)scan.nr_regions;
}
