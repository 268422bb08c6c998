/* SPDX-License-Identifier: MIT */
/*
 * Protect: give entries the protection of their vma, or that of userfaultfd.
 *
 *   entry            of its vma      write-protected by userfaultfd    released
 *   present          rights          bit set, not writable             bit cleared, rights
 *   swap, migration  (*)             bit set                           bit cleared
 *   marker: uffd-wp  -               -                                 none
 *   marker: other    -               -                                 -
 *   none             -               a marker, where such are used     -
 *
 * (*) A mapping that waits for a migration loses the right to write; what is in swap has none.
 *
 * Write permission is taken away at once and given back by the next write fault, except where
 * that fault would do nothing but set the bit: a private page that is exclusive may become
 * writable here, and so may a page of a shared mapping that is dirty, as its file has been told
 * (unless write notification is wanted: soft-dirty tracking, uffd-wp).
 */
#include "range/range.h"

#include "base/mutant.h"
#include "base/uapi.h"
#include "uffd/uffd.h"

struct protect_range {
	struct mmu_gather *tlb;
	struct vm_area *vma;
	bool soft_dirty;
	bool wp, resolve; /* MM_CP_UFFD_WP, MM_CP_UFFD_WP_RESOLVE */
	bool use_markers; /* wp: none entries are protected, too */
};

static bool may_become_writable(const struct protect_range *protect, pte_t pte)
{
	struct page *page;

	if (!(protect->vma->flags & VM_WRITE) && !MUTANT(resolve_ignores_rights))
		return false;
	if (pte_protnone(pte))
		return false;
	if (pte_uffd_wp(pte) && userfaultfd_wp(protect->vma) && !MUTANT(mprotect_lifts_uffd_wp))
		return false;
	if (protect->soft_dirty && !pte_soft_dirty(pte))
		return false;
	/* Of shared memory without a file system the next write asks, and marks the page dirty. */
	if (protect->vma->flags & VM_SHARED)
		return protect->vma->backing == VMA_FILE && pte_dirty(pte);
	if (MUTANT(wp_resolve_needs_dirty) && !pte_dirty(pte))
		return false;
	page = vm_normal_page(machine_of(protect->vma), pte);
	return page && page_test_anon(page) && page_test_anon_exclusive(page);
}

static pte_t protected_entry(const struct protect_range *protect, pte_t old)
{
	pte_t pte = pte_modify(old, protect->vma->page_prot);

	if (protect->wp)
		return pte_mkuffd_wp(pte);
	if (protect->resolve)
		pte = pte_clear_uffd_wp(pte);
	if (!pte_write(pte) && may_become_writable(protect, pte))
		pte = pte_mkwrite(pte);
	return pte;
}

/* Whether a CPU may have cached something that the new entry no longer allows. */
static bool needs_flush(pte_t old, pte_t pte)
{
	return (pte_cpu_may_read(old) && !pte_cpu_may_read(pte)) ||
	       (pte_cpu_may_write(old) && !pte_cpu_may_write(pte)) ||
	       (pte_cpu_may_exec(old) && !pte_cpu_may_exec(pte));
}

static void protect_present(const struct protect_range *protect, vaddr_t addr, pte_t *ptep,
			    pte_t old)
{
	struct mm *mm = protect->vma->mm;
	pte_t pte = protected_entry(protect, old);

	if (pte.v == old.v)
		return;
	if (pte_settled(old)) {
		set_pte_at(mm, addr, ptep, pte);
	} else {
		/* The processor may set A or D between the look and the change. */
		while (!ptep_try_update(mm, addr, ptep, old, pte)) {
			old = ptep_get(ptep);
			pte = protected_entry(protect, old);
		}
	}
	if (needs_flush(old, pte))
		tlb_change_range(protect->tlb, addr, addr + PAGE_SIZE);
}

static pte_t migration_without_write(struct machine *m, pte_t old)
{
	swp_entry_t entry = pte_to_swp_entry(old);
	const struct page *page = pfn_to_page(m, swp_entry_pfn(entry));
	pte_t pte;

	entry.type = page_test_anon(page) ? SWP_MIGRATION_READ_EXCLUSIVE : SWP_MIGRATION_READ;
	pte = swp_entry_to_pte(entry);
	if (pte_swp_soft_dirty(old))
		pte = pte_swp_mksoft_dirty(pte);
	if (pte_swp_uffd_wp(old))
		pte = pte_swp_mkuffd_wp(pte);
	return pte;
}

/* What a marker, or none, becomes. */
static pte_t protected_marker(const struct protect_range *protect, pte_t old)
{
	u32 bits = pte_marker_bits(old);

	/* An access ends in a signal whatever userfaultfd says. */
	if (bits & (PTE_MARKER_POISONED | PTE_MARKER_GUARD))
		return old;
	if (protect->wp && protect->use_markers && !MUTANT(wp_skips_none_entries))
		bits |= PTE_MARKER_UFFD_WP;
	if (protect->resolve)
		bits &= ~(u32)PTE_MARKER_UFFD_WP;
	return bits ? make_pte_marker(bits) : (pte_t){ 0 };
}

static pte_t protected_swap_type(const struct protect_range *protect, pte_t old)
{
	pte_t pte = old;

	if (pte_to_swp_entry(old).type == SWP_MIGRATION_WRITE)
		pte = migration_without_write(machine_of(protect->vma), old);
	if (protect->wp)
		pte = pte_swp_mkuffd_wp(pte);
	else if (protect->resolve)
		pte = pte_swp_clear_uffd_wp(pte);
	return pte;
}

static int protect_ptes(struct mm_walk *walk, vaddr_t start, vaddr_t end, pte_t *first)
{
	const struct protect_range *protect = walk->private;
	pte_t *ptep = first;
	int used = 0;

	for (vaddr_t addr = start; addr < end; addr += PAGE_SIZE, ptep++) {
		pte_t old = ptep_get(ptep), pte;

		if (pte_present(old)) {
			protect_present(protect, addr, ptep, old);
			continue;
		}
		if (pte_none(old) || pte_is_marker(old))
			pte = protected_marker(protect, old);
		else
			pte = protected_swap_type(protect, old);
		if (pte.v != old.v)
			used += set_pte_uncounted(walk->mm, addr, ptep, old, pte);
	}
	table_add_used(first, used);
	return 0;
}

int change_protection(struct mmu_gather *tlb, struct vm_area *vma, vaddr_t start, vaddr_t end,
		      u32 flags)
{
	struct protect_range protect = {
		.tlb = tlb,
		.vma = vma,
		.soft_dirty = machine_of(vma)->config.soft_dirty,
		.wp = flags & MM_CP_UFFD_WP,
		.resolve = flags & MM_CP_UFFD_WP_RESOLVE,
		.use_markers = (flags & MM_CP_UFFD_WP) && userfaultfd_wp_use_markers(vma),
	};
	struct mm_walk walk = { .ptes = protect_ptes, .mm = vma->mm, .private = &protect };

	VM_BUG_ON2(start < vma->start || end > vma->end, start, end);
	for (vaddr_t addr = start, next; addr < end; addr = next) {
		next = end;
		if (protect.use_markers && !MUTANT(wp_skips_missing_tables)) {
			next = MIN(ALIGN_DOWN(addr, PMD_SIZE) + PMD_SIZE, end);
			if (!pte_alloc(vma->mm, addr))
				return -ENOMEM;
		}
		(void)walk_page_range(&walk, addr, next);
	}
	return 0;
}

int uffd_wp_range(struct vm_area *vma, vaddr_t start, vaddr_t end, bool enable)
{
	struct mmu_gather tlb;
	int err;

	tlb_gather_mmu(&tlb, vma->mm);
	err = change_protection(&tlb, vma, start, end,
				enable ? MM_CP_UFFD_WP : MM_CP_UFFD_WP_RESOLVE);
	tlb_finish_mmu(&tlb);
	return err;
}

void uffd_wp_ptes(struct mmu_gather *tlb, struct vm_area *vma, vaddr_t start, vaddr_t end,
		  pte_t *ptep)
{
	struct protect_range protect = {
		.tlb = tlb,
		.vma = vma,
		.wp = true,
		.use_markers = userfaultfd_wp_use_markers(vma),
	};
	struct mm_walk walk = { .mm = vma->mm, .private = &protect };

	VM_BUG_ON2(start < vma->start || end > vma->end, start, end);
	(void)protect_ptes(&walk, start, end, ptep);
}
