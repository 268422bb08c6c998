/* SPDX-License-Identifier: MIT */
/*
 * Private anonymous memory.
 *
 *   entry         read                     write
 *   none          zero page, read-only     zeroed page, dirty, exclusive
 *    (a userfaultfd that is told of missing pages has the fault instead)
 *   marker        as none, write-protected
 *   write-protected by userfaultfd:        its handler has the fault
 *   zero page     -                        zeroed page replaces it
 *   exclusive     -                        made writable where it is
 *   shared        -                        alone now? made exclusive and writable
 *                                          else copied; the old page loses a mapping
 *
 * "Exclusive" (PG_anon_exclusive) says that this mapping is the only one there can be, so a
 * writer may have the page without looking at its counts; fork takes it away. Only exclusive
 * pages are ever mapped writable, which is what lets a pin trust that the page it holds is
 * the page that the process sees. An unshare fault makes a page exclusive without write.
 *
 * Locks: mmap_lock read (the caller's); the table's ptl around every look-and-change. Memory
 * is allocated before the ptl is taken, and the entry is compared with orig_pte after.
 */
#include "anon/anon.h"

#include "base/mutant.h"
#include "base/uapi.h"
#include "phys/group.h"
#include "swap/swap.h"
#include "sync/membarrier.h"
#include "uffd/uffd.h"

pte_t maybe_mkwrite(pte_t pte, const struct vm_area *vma)
{
	return vma->flags & VM_WRITE ? pte_mkwrite(pte) : pte;
}

static pte_t mkdirty(const struct vm_fault *vmf, pte_t pte)
{
	return pte_mkdirty(pte, machine_of(vmf->mm)->config.soft_dirty);
}

struct page *anon_page_alloc(struct mm *mm, enum fail_site site)
{
	struct page *page = alloc_user_page(machine_of(mm), mm->group, GFP_ZERO, site);

	if (page)
		page_init_flags(page, BIT(PG_uptodate));
	return page;
}

/*
 * Nobody writes a page that is copied on write: shared pages are mapped read-only everywhere, the
 * CPUs know it, and pins that write hold exclusive pages only.
 */
void anon_page_fill(struct page *page, struct page *src)
{
	u8 *to = page_address(page);
	const u8 *from = page_address(src);

	sync_access_point(from, NULL, false);
	/* By the line: a copy of a constant 4 KiB becomes a string instruction, and slower. */
	for (u64 at = 0; at < PAGE_SIZE; at += CACHELINE)
		memcpy(to + at, from + at, CACHELINE);
	page_init_flags(page, BIT(PG_uptodate));
}

struct page *anon_page_alloc_for_copy(struct mm *mm)
{
	return alloc_user_page(machine_of(mm), mm->group, GFP_KERNEL, FAIL_COW_PAGE);
}

static struct page *anon_page_copy(struct mm *mm, struct page *src)
{
	struct page *page = anon_page_alloc_for_copy(mm);

	if (page)
		anon_page_fill(page, src);
	return page;
}

bool lock_same_pte(struct vm_fault *vmf)
{
	vmf->pte = pte_offset_lock(vmf->mm, vmf->address, &vmf->ptl);
	if (!vmf->pte) {
		vmf->ptl = NULL;
		return false;
	}
	if (ptep_get(vmf->pte).v == vmf->orig_pte.v || MUTANT(cow_check_before_lock))
		return true;
	fault_unlock_pte(vmf);
	return false;
}

void install_anon_page(struct vm_fault *vmf, struct page *page, pte_t entry)
{
	page_add_new_anon_rmap(page, vmf->vma, vmf->address);
	lru_add(page);
	set_pte_at(vmf->mm, vmf->address, vmf->pte, entry);
}

/* ---- first touch ---------------------------------------------------------------------------- */

/* Protection that a marker kept goes on; the write is looked at when the page is there. */
static pte_t keep_uffd_wp(const struct vm_fault *vmf, pte_t entry)
{
	return pte_any_uffd_wp(vmf->orig_pte) ? pte_mkuffd_wp(entry) : entry;
}

static vm_fault_t map_zero_page(struct vm_fault *vmf)
{
	pte_t entry = pte_mkspecial(pfn_pte(machine_of(vmf->mm)->zero_pfn, vmf->vma->page_prot));

	entry = keep_uffd_wp(vmf, entry);
	if (lock_same_pte(vmf)) {
		set_pte_at(vmf->mm, vmf->address, vmf->pte, entry);
		fault_unlock_pte(vmf);
	}
	return 0;
}

/* No page has been allocated for it: filling is the handler's. */
static vm_fault_t missing_userfault(struct vm_fault *vmf)
{
	/* As for any write: the mapping counts as one that has pages of its own from here on. */
	if (vmf->write && anon_vma_prepare(vmf->vma))
		return VM_FAULT_OOM;
	if (!lock_same_pte(vmf))
		return 0;
	fault_unlock_pte(vmf);
	return handle_userfault(vmf, VM_UFFD_MISSING);
}

vm_fault_t do_anonymous_page(struct vm_fault *vmf)
{
	struct vm_area *vma = vmf->vma;
	struct page *page;
	pte_t entry;

	VM_BUG_ON2(!pte_none(vmf->orig_pte) && !pte_is_marker(vmf->orig_pte), vmf->orig_pte.v,
		   vmf->address);
	if (!pte_alloc(vmf->mm, vmf->address))
		return VM_FAULT_OOM;
	if (userfaultfd_missing(vma))
		return missing_userfault(vmf);
	if (!vmf->write)
		return map_zero_page(vmf);
	if (anon_vma_prepare(vma))
		return VM_FAULT_OOM;
	page = anon_page_alloc(vmf->mm, FAIL_ANON_PAGE);
	if (!page)
		return VM_FAULT_OOM;

	entry = pte_mkyoung(pfn_pte(page_to_pfn(page), vma->page_prot));
	if (vma->flags & VM_WRITE)
		entry = pte_mkwrite(mkdirty(vmf, entry));
	entry = keep_uffd_wp(vmf, entry);
	if (!lock_same_pte(vmf)) {
		put_page(page);
		return 0;
	}
	add_mm_counter(vmf->mm, MM_ANONPAGES, 1);
	install_anon_page(vmf, page, entry);
	fault_unlock_pte(vmf);
	return 0;
}

/* ---- copy-on-write -------------------------------------------------------------------------- */

static pte_t reused_entry(const struct vm_fault *vmf)
{
	return maybe_mkwrite(mkdirty(vmf, pte_mkyoung(vmf->orig_pte)), vmf->vma);
}

void wp_page_reuse(struct vm_fault *vmf)
{
	/* Only the processor's A and D can change under the lock. */
	while (!ptep_try_update(vmf->mm, vmf->address, vmf->pte, vmf->orig_pte, reused_entry(vmf)))
		vmf->orig_pte = ptep_get(vmf->pte);
	count_vm_event(machine_of(vmf->mm), PGREUSE);
}

/*
 * Whether a shared page has become ours alone: one reference, which is our mapping's, once it is
 * out of the swap cache. The page lock keeps others from taking new ones by way of the page.
 */
static bool wp_can_reuse_page(struct vm_fault *vmf, struct page *page)
{
	bool alone;

	if (page_count(page) > 1 + page_test_swapcache(page) && !MUTANT(reuse_ignores_count))
		return false;
	if (!page_trylock(page))
		return false;
	if (page_test_swapcache(page))
		(void)folio_free_swap(page);
	alone = page_count(page) == 1 || MUTANT(reuse_ignores_count);
	if (alone) {
		page_move_anon_rmap(page, vmf->vma);
		page_set_anon_exclusive(page);
	}
	page_unlock(page);
	return alone;
}

static pte_t copied_entry(const struct vm_fault *vmf, struct page *page)
{
	pte_t entry = pte_mkyoung(pfn_pte(page_to_pfn(page), vmf->vma->page_prot));

	if (!vmf->unshare)
		return maybe_mkwrite(mkdirty(vmf, entry), vmf->vma);
	if (pte_soft_dirty(vmf->orig_pte))
		entry = pte_mksoft_dirty(entry);
	if (pte_uffd_wp(vmf->orig_pte))
		entry = pte_mkuffd_wp(entry);
	return entry;
}

/* Replace old (NULL: the zero page) by its copy. The ptl is held. */
static void wp_page_replace(struct vm_fault *vmf, struct page *old, struct page *page)
{
	if (!old || !page_test_anon(old)) {
		if (old)
			add_mm_counter(vmf->mm, page_mm_counter(old), -1);
		add_mm_counter(vmf->mm, MM_ANONPAGES, 1);
	}
	/*
	 * None first, and every CPU told, before the copy can be seen: else one thread could
	 * write the copy while another still reads the old page.
	 */
	(void)ptep_get_and_clear(vmf->mm, vmf->address, vmf->pte);
	flush_tlb_page(vmf->mm, vmf->address);
	install_anon_page(vmf, page, copied_entry(vmf, page));
	if (old)
		page_remove_rmap(old, vmf->vma);
}

/* The entry's lock is held on entry, and a reference to old, which this gives back. */
static vm_fault_t wp_page_copy(struct vm_fault *vmf, struct page *old)
{
	struct machine *m = machine_of(vmf->mm);
	struct page *page = NULL;
	vm_fault_t ret = 0;

	fault_unlock_pte(vmf);
	if (anon_vma_prepare(vmf->vma) == 0)
		page = old ? anon_page_copy(vmf->mm, old) : anon_page_alloc(vmf->mm, FAIL_COW_PAGE);
	if (!page) {
		ret = VM_FAULT_OOM;
	} else if (lock_same_pte(vmf)) {
		wp_page_replace(vmf, old, page);
		fault_unlock_pte(vmf);
		count_vm_event(m, vmf->unshare ? UNSHARE_COPY : COW_COPY);
		if (old) {
			free_swap_cache(old);
			put_page(old); /* the mapping's reference */
		}
		if (old && MUTANT(put_page_twice))
			put_page(old);
	} else {
		put_page(page);
	}
	if (old)
		put_page(old);
	return ret;
}

vm_fault_t wp_userfault(struct vm_fault *vmf)
{
	if (likely(!userfaultfd_pte_wp(vmf->vma, vmf->orig_pte)) || vmf->unshare)
		return 0;
	if (!userfaultfd_wp_async(vmf->vma)) {
		fault_unlock_pte(vmf);
		return handle_userfault(vmf, VM_UFFD_WP);
	}
	/* Only the processor's A and D can change under the lock; no CPU has cached the bit. */
	while (!ptep_try_update(vmf->mm, vmf->address, vmf->pte, vmf->orig_pte,
				pte_clear_uffd_wp(vmf->orig_pte)))
		vmf->orig_pte = ptep_get(vmf->pte);
	vmf->orig_pte = ptep_get(vmf->pte);
	return 0;
}

vm_fault_t do_wp_page(struct vm_fault *vmf)
{
	struct machine *m = machine_of(vmf->mm);
	struct page *page = vm_normal_page(m, vmf->orig_pte);
	vm_fault_t ret = wp_userfault(vmf);

	if (ret)
		return ret;
	VM_BUG_ON(!vmf->ptl);
	VM_BUG_ON2(pte_write(vmf->orig_pte), vmf->orig_pte.v, vmf->address);
	VM_BUG_ON2(vmf->vma->flags & (VM_SHARED | VM_MAYSHARE), vmf->vma->flags, vmf->address);
	if (page && page_test_anon(page) &&
	    (page_test_anon_exclusive(page) || wp_can_reuse_page(vmf, page))) {
		if (!vmf->unshare)
			wp_page_reuse(vmf);
		fault_unlock_pte(vmf);
		return 0;
	}
	if (page)
		get_page(page);
	return wp_page_copy(vmf, page);
}
