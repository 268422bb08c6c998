/* SPDX-License-Identifier: MIT */
/*
 * A fault on a swap entry.
 *
 *   entry ── page of the swap cache, or read in ── lock it ── still that slot's? the entry still
 *            the same? ── count the entry off the slot ── map the page
 *
 * The page is mapped exclusive, and writable if the vma is, when the entry says that it was
 * exclusive as it went out (fork clears that), or when no reference but ours is left once it is
 * out of the swap cache. Otherwise it is shared with other entries of the slot or other mappings,
 * and a write goes on to copy-on-write.
 *
 * Order: folio lock, then ptl. Under the folio lock a page keeps its slot; under the ptl the entry
 * keeps its meaning, and fork cannot make a second one of it.
 */
#include "anon/anon.h"

#include "base/mutant.h"
#include "base/uapi.h"
#include "rmap/rmap.h"
#include "swap/swap.h"
#include "uffd/uffd.h"

/* The slot's page, referenced; NULL with what the fault comes to. */
static struct page *find_or_read(struct vm_fault *vmf, swp_entry_t entry, vm_fault_t *ret_fault)
{
	struct machine *m = machine_of(vmf->mm);
	struct page *page = swap_cache_get(m, entry);
	int err = 0;

	*ret_fault = 0;
	if (page)
		return page;
	page = swapin_readahead(m, entry, vmf->mm->group, &err);
	if (page) {
		count_vm_event(m, PGMAJFAULT);
		*ret_fault = VM_FAULT_MAJOR;
	} else if (lock_same_pte(vmf)) {
		fault_unlock_pte(vmf);
		/* The slot went to who served this fault, under the lock that was waited for. */
		*ret_fault = err == -ENOENT ? 0 : VM_FAULT_OOM;
	}
	return page;
}

static bool page_holds_slot(const struct page *page, swp_entry_t entry)
{
	swp_entry_t own;

	if (!page_test_swapcache(page))
		return false;
	own = page_swap_entry(page);
	return own.type == entry.type && own.offset == entry.offset;
}

/* Whether to give the slot up now: it is scarce, or in the way of having the page alone. */
static bool should_try_to_free_swap(const struct vm_fault *vmf, const struct page *page)
{
	if (vm_swap_full(machine_of(vmf->mm)) || (vmf->vma->flags & VM_LOCKED) ||
	    page_test_mlocked(page))
		return true;
	/* Ours and the cache's. */
	return vmf->write && page_count(page) == 2;
}

static bool may_map_writable(const struct vm_area *vma, pte_t entry)
{
	bool track = machine_of(vma)->config.soft_dirty && !(vma->flags & VM_SOFTDIRTY);

	if (!(vma->flags & VM_WRITE) || userfaultfd_pte_wp(vma, entry))
		return false;
	return !track || pte_soft_dirty(entry);
}

/* The entry of the page; vmf->write is cleared when that is served with it. */
static pte_t swapped_in_entry(struct vm_fault *vmf, const struct page *page, bool exclusive)
{
	pte_t entry = pte_mkyoung(pfn_pte(page_to_pfn(page), vmf->vma->page_prot));

	if (pte_swp_soft_dirty(vmf->orig_pte))
		entry = pte_mksoft_dirty(entry);
	/* A write is the handler's then, when the page is there: do_wp_page. */
	if (pte_swp_uffd_wp(vmf->orig_pte) && !MUTANT(swapin_drops_uffd_wp))
		entry = pte_mkuffd_wp(entry);
	if (!exclusive || !may_map_writable(vmf->vma, entry))
		return entry;
	entry = pte_mkwrite(entry);
	if (vmf->write) {
		entry = pte_mkdirty(entry, machine_of(vmf->mm)->config.soft_dirty);
		vmf->write = false;
	}
	return entry;
}

/* Page locked, ptl held. The mapping takes over the caller's reference. */
static void map_swapped_in(struct vm_fault *vmf, struct page *page, swp_entry_t slot)
{
	bool exclusive = pte_swp_exclusive(vmf->orig_pte);
	pte_t entry;

	swap_free(machine_of(vmf->mm), slot);
	if (should_try_to_free_swap(vmf, page))
		(void)folio_free_swap(page);
	add_mm_counter(vmf->mm, MM_SWAPENTS, -1);
	add_mm_counter(vmf->mm, MM_ANONPAGES, 1);
	exclusive = exclusive || page_count(page) == 1;
	entry = swapped_in_entry(vmf, page, exclusive);
	page_add_anon_rmap(page, vmf->vma, vmf->address, exclusive);
	set_pte_at(vmf->mm, vmf->address, vmf->pte, entry);
	vmf->orig_pte = entry;
}

/* The page is locked and referenced; both end here. */
static vm_fault_t swap_page_locked(struct vm_fault *vmf, struct page *page, swp_entry_t slot)
{
	vm_fault_t ret = 0;

	if (!page_holds_slot(page, slot) || !lock_same_pte(vmf))
		goto out;
	if (!page_test_uptodate(page)) {
		fault_unlock_pte(vmf);
		ret = VM_FAULT_SIGBUS;
		goto out;
	}
	map_swapped_in(vmf, page, slot);
	page_unlock(page);
	if (vmf->write)
		return do_wp_page(vmf);
	fault_unlock_pte(vmf);
	return 0;
out:
	page_unlock(page);
	/* Who zapped the last entry of the slot could not lock the page. */
	free_swap_cache(page);
	put_page(page);
	return ret;
}

vm_fault_t do_swap_page(struct vm_fault *vmf)
{
	swp_entry_t slot = pte_to_swp_entry(vmf->orig_pte);
	vm_fault_t ret, locked;
	struct page *page;

	VM_BUG_ON2(swp_is_special(slot), vmf->orig_pte.v, vmf->address);
	page = find_or_read(vmf, slot, &ret);
	if (!page)
		return ret;
	locked = page_lock_or_retry(page, vmf);
	if (locked) {
		/* It was locked for a moment, when who zapped the entry could not lock it. */
		free_swap_cache(page);
		put_page(page);
		return ret | locked;
	}
	return ret | swap_page_locked(vmf, page, slot);
}
