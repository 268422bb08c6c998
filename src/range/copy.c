/* SPDX-License-Identifier: MIT */
/*
 * Fork: both address spaces get the same pages, none of them writable.
 *
 *   parent's entry             child's entry
 *   none                       none
 *   page, exclusive            the same page, read-only in both, exclusive in neither
 *   page that may be pinned    a copy made now: the holder of the pin must go on seeing the
 *                              parent's page
 *   page of a file             the same; clean in the child, where it is shared
 *   zero page                  zero page
 *   swap slot                  the same slot, exclusive in neither
 *   migration                  the same, for reading only in both if copied on write
 *   guard, poisoned marker     the same marker
 *
 * A vma without anon_vma holds nothing that faults would not bring again, and is not copied;
 * but one that userfaultfd write-protects in the child, too, is, and one that may have guards.
 * Locks: both mmap_locks for write; the child's table before the parent's (ptl nests).
 */
#include "range/range.h"

#include "anon/anon.h"
#include "base/mutant.h"
#include "base/uapi.h"
#include "phys/group.h"
#include "rmap/rmap.h"
#include "uffd/uffd.h"

struct copy_range {
	struct vm_area *dst_vma, *src_vma;
	struct page *spare;      /* allocated outside the locks, for a pinned source */
	bool write_protected;    /* the parent's CPUs must be told */
	s64 rss[NR_MM_COUNTERS]; /* mapped in the child, not in its counters yet */
};

/* An exclusive page that a pin may hold must not be shared by fork. */
static bool must_copy_now(const struct vm_area *vma, const struct page *page)
{
	return page_test_anon_exclusive(page) && atomic_read(&vma->mm->has_pinned) &&
	       page_maybe_dma_pinned(page) && !MUTANT(pin_shared_by_fork);
}

static void copy_pinned_page(struct copy_range *copy, vaddr_t addr, pte_t *dst, pte_t pte,
			     struct page *src)
{
	struct vm_area *vma = copy->dst_vma;
	struct page *page = copy->spare;
	bool soft_dirty = machine_of(page)->config.soft_dirty;
	bool uffd_wp = userfaultfd_pte_wp(vma, pte);

	copy->spare = NULL;
	anon_page_fill(page, src);
	page_add_new_anon_rmap(page, vma, addr);
	lru_add(page);
	copy->rss[MM_ANONPAGES]++;
	pte = pte_mkdirty(pfn_pte(page_to_pfn(page), vma->page_prot), soft_dirty);
	pte = maybe_mkwrite(pte, vma);
	set_pte_at(vma->mm, addr, dst, uffd_wp ? pte_mkuffd_wp(pte) : pte);
}

/* Write-protect the parent's entry; A and D that the processor sets meanwhile are kept. */
static pte_t wrprotect_source(struct copy_range *copy, vaddr_t addr, pte_t *src, pte_t pte)
{
	while (pte_write(pte) && !MUTANT(fork_copies_writable)) {
		if (ptep_try_update(copy->src_vma->mm, addr, src, pte, pte_wrprotect(pte))) {
			copy->write_protected = true;
			return pte_wrprotect(pte);
		}
		pte = ptep_get(src);
	}
	return pte;
}

/* One mapping more of a page that both see from now on. */
static void share_page(struct copy_range *copy, struct page *page)
{
	get_page(page);
	if (page_test_anon(page)) {
		page_clear_anon_exclusive(page);
		page_dup_anon_rmap(page);
	} else {
		page_dup_file_rmap(page);
	}
	copy->rss[page_mm_counter(page)]++;
}

/* -EAGAIN: a spare page is wanted first. */
static int copy_present_pte(struct copy_range *copy, vaddr_t addr, pte_t *dst, pte_t *src,
			    pte_t pte)
{
	struct mm *mm = copy->dst_vma->mm;
	struct page *page = vm_normal_page(machine_of(mm), pte);

	if (page && page_test_anon(page) && must_copy_now(copy->src_vma, page)) {
		if (!copy->spare)
			return -EAGAIN;
		copy_pinned_page(copy, addr, dst, pte, page);
		return 0;
	}
	if (page)
		share_page(copy, page);
	if (is_cow_mapping(copy->src_vma->flags))
		pte = wrprotect_source(copy, addr, src, pte);
	else if (copy->src_vma->flags & VM_SHARED)
		pte = pte_mkclean(pte);
	pte = pte_mkold(pte);
	if (!userfaultfd_wp(copy->dst_vma) && !MUTANT(fork_keeps_uffd_wp))
		pte = pte_clear_uffd_wp(pte);
	set_pte_at(mm, addr, dst, pte);
	return 0;
}

/* One more entry for a slot, which none of them has for itself any more. */
static int copy_swap_pte(struct copy_range *copy, vaddr_t addr, pte_t *src, pte_t *pte)
{
	int err = swap_duplicate(machine_of(copy->dst_vma), pte_to_swp_entry(*pte));

	if (err)
		return err;
	if (pte_swp_exclusive(*pte)) {
		*pte = pte_swp_clear_exclusive(*pte);
		set_pte_at(copy->src_vma->mm, addr, src, *pte);
	}
	copy->rss[MM_SWAPENTS]++;
	return 0;
}

/* The mapping that it stands for is not writable, nor exclusive, when it comes back. */
static void copy_migration_pte(struct copy_range *copy, vaddr_t addr, pte_t *src, pte_t *pte)
{
	swp_entry_t entry = pte_to_swp_entry(*pte);
	pte_t old = *pte;

	copy->rss[page_mm_counter(pfn_to_page(machine_of(copy->dst_vma), swp_entry_pfn(entry)))]++;
	if (entry.type == SWP_MIGRATION_READ || !is_cow_mapping(copy->src_vma->flags))
		return;
	entry.type = SWP_MIGRATION_READ;
	*pte = swp_entry_to_pte(entry);
	if (pte_swp_soft_dirty(old))
		*pte = pte_swp_mksoft_dirty(*pte);
	if (pte_swp_uffd_wp(old))
		*pte = pte_swp_mkuffd_wp(*pte);
	set_pte_at(copy->src_vma->mm, addr, src, *pte);
}

static void copy_marker(struct copy_range *copy, vaddr_t addr, pte_t *dst, pte_t pte)
{
	u32 bits = pte_marker_bits(pte) & ~(u32)PTE_MARKER_SWAPPED;

	if (!userfaultfd_wp(copy->dst_vma))
		bits &= ~(u32)PTE_MARKER_UFFD_WP;
	if (bits)
		set_pte_at(copy->dst_vma->mm, addr, dst, make_pte_marker(bits));
}

static int copy_swap_type_pte(struct copy_range *copy, vaddr_t addr, pte_t *dst, pte_t *src,
			      pte_t pte)
{
	swp_entry_t entry = pte_to_swp_entry(pte);

	if (pte_is_marker(pte)) {
		copy_marker(copy, addr, dst, pte);
		return 0;
	}
	if (!swp_is_special(entry)) {
		int err = copy_swap_pte(copy, addr, src, &pte);

		if (err)
			return err;
	} else if (entry.type != SWP_HWPOISON) {
		VM_BUG_ON2(entry.type < SWP_MIGRATION_READ || entry.type > SWP_MIGRATION_WRITE,
			   pte.v, addr);
		if (MUTANT(migration_entry_lost_at_fork))
			return 0;
		copy_migration_pte(copy, addr, src, &pte);
	}
	if (!userfaultfd_wp(copy->dst_vma))
		pte = pte_swp_clear_uffd_wp(pte);
	set_pte_at(copy->dst_vma->mm, addr, dst, pte);
	return 0;
}

static int copy_one_pte(struct copy_range *copy, vaddr_t addr, pte_t *dst, pte_t *src)
{
	pte_t pte = ptep_get(src);

	if (pte_none(pte))
		return 0;
	if (pte_present(pte))
		return copy_present_pte(copy, addr, dst, src, pte);
	return copy_swap_type_pte(copy, addr, dst, src, pte);
}

/* One table's worth from *addr on; -EAGAIN with *addr where it stopped. */
static int copy_table(struct copy_range *copy, vaddr_t *addr, vaddr_t end)
{
	spinlock_t *dst_ptl, *src_ptl;
	pte_t *dst = pte_alloc_lock(copy->dst_vma->mm, *addr, &dst_ptl);
	pte_t *src;
	int err = 0;

	if (!dst)
		return -ENOMEM;
	src = pte_offset_lock(copy->src_vma->mm, *addr, &src_ptl);
	VM_BUG_ON2(!src, *addr, end);
	for (; *addr < end; *addr += PAGE_SIZE, dst++, src++) {
		err = copy_one_pte(copy, *addr, dst, src);
		if (err)
			break;
	}
	spin_unlock(src_ptl);
	spin_unlock(dst_ptl);
	return err;
}

static int copy_tables(struct copy_range *copy)
{
	struct vm_area *vma = copy->src_vma;
	vaddr_t addr = vma->start;
	int err = 0;

	while (!err && (addr = pgtable_next_table(vma->mm, addr, vma->end)) < vma->end) {
		err = copy_table(copy, &addr, MIN(ALIGN_DOWN(addr, PMD_SIZE) + PMD_SIZE, vma->end));
		if (err == -EAGAIN) {
			copy->spare = alloc_user_page(machine_of(vma), copy->dst_vma->mm->group,
						      GFP_KERNEL, FAIL_FORK_PAGE);
			err = copy->spare ? 0 : -ENOMEM;
		}
	}
	return err;
}

/* Whether it holds what faults would not bring again. */
static bool needs_copy(const struct vm_area *dst_vma, const struct vm_area *src_vma)
{
	if (src_vma->anon_vma || (src_vma->flags & VM_MAYBE_GUARD))
		return true;
	return userfaultfd_wp(dst_vma) && !MUTANT(fork_skips_shmem_wp);
}

int copy_page_range(struct vm_area *dst_vma, struct vm_area *src_vma)
{
	struct copy_range copy = { .dst_vma = dst_vma, .src_vma = src_vma };
	int err;

	if (!needs_copy(dst_vma, src_vma))
		return 0;
	err = copy_tables(&copy);
	for (unsigned i = 0; i < NR_MM_COUNTERS; i++)
		add_mm_counter(dst_vma->mm, (enum mm_counter)i, copy.rss[i]);
	if (copy.spare)
		put_page(copy.spare);
	if (copy.write_protected && !MUTANT(fork_skips_flush))
		flush_tlb_range(src_vma->mm, src_vma->start, src_vma->end);
	return err;
}
