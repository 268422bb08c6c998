/* SPDX-License-Identifier: MIT */
/*
 * Faults of memory that a file backs.
 *
 *   entry none or a stale marker          the file's page comes from ->fault, locked
 *     read                                mapped as it is; neighbours in the cache with it
 *     write, private                      copied into an anonymous page, which is mapped
 *     write, shared                       page_mkwrite, then mapped writable and dirty
 *   entry read-only, write, shared        page_mkwrite, then made writable; but protected by
 *                                         userfaultfd its handler is told instead
 *   (private: copy-on-write, anon/)
 *
 * Nothing is mapped unless the entry is still what the fault began with: whoever was faster has
 * mapped a page, or left a marker that says what must be done first. The folio lock is held from
 * ->fault until the page is mapped, so that truncation, which takes it for each page after it has
 * unmapped all, finds the mapping.
 *
 * Locks: mmap_lock read (the caller's), folio lock, ptl. ->fault may drop mmap_lock
 * (VM_FAULT_RETRY); vmf->vma may be gone then.
 */
#include "fault/file_fault.h"

#include "anon/anon.h"
#include "base/mutant.h"
#include "filemap/filemap.h"
#include "rmap/rmap.h"
#include "uffd/uffd.h"

/* The backing has nothing to map, for now or at all. */
#define VM_FAULT_NOT_MAPPED (VM_FAULT_ERROR | VM_FAULT_NOPAGE | VM_FAULT_RETRY | VM_FAULT_DONE_COW)

static const struct vm_operations *ops_of(const struct vm_area *vma)
{
	return vm_operations[vma->backing];
}

/* vmf->page locked and referenced, unless the result has one of VM_FAULT_NOT_MAPPED. */
static vm_fault_t call_fault(struct vm_fault *vmf)
{
	vm_fault_t ret = ops_of(vmf->vma)->fault(vmf);

	if (ret & VM_FAULT_NOT_MAPPED)
		return ret;
	if (!(ret & VM_FAULT_LOCKED))
		page_lock(vmf->page);
	return ret | VM_FAULT_LOCKED;
}

static void release_page(struct page *page)
{
	page_unlock(page);
	put_page(page);
}

/* ---- mapping a page of the file -------------------------------------------------------------- */

static pte_t file_entry(const struct vm_fault *vmf, const struct page *page, bool write)
{
	const struct vm_area *vma = vmf->vma;
	bool soft_dirty = machine_of(vma)->config.soft_dirty;
	pte_t entry = pfn_pte(page_to_pfn(page), vma->page_prot);

	if (write)
		entry = maybe_mkwrite(pte_mkdirty(entry, soft_dirty), vma);
	else if (pte_write(entry) && page_test_dirty(page))
		/* A write will not fault: its dirty bit changes nothing any more. */
		entry = pte_mkdirty(entry, soft_dirty);
	return entry;
}

/* Takes over the caller's reference of the page. ptl held. */
static void map_file_page(struct vm_fault *vmf, vaddr_t addr, pte_t *ptep, struct page *page,
			  pte_t entry)
{
	VM_BUG_ON2(page_test_anon(page), page->mapping, addr);
	page_add_file_rmap(page, vmf->vma);
	add_mm_counter(vmf->mm, page_mm_counter(page), 1);
	set_pte_at(vmf->mm, addr, ptep, entry);
}

/* Lock the entry, in a table made if need be, and see that it is still orig_pte. */
static vm_fault_t lock_pte_for_page(struct vm_fault *vmf)
{
	if (!pte_alloc(vmf->mm, vmf->address))
		return VM_FAULT_OOM;
	if (MUTANT(finish_fault_checks_none))
		vmf->orig_pte.v = 0;
	return lock_same_pte(vmf) ? 0 : VM_FAULT_NOPAGE;
}

/* Map vmf->page, whose reference the mapping takes over unless the result says it was not. */
static vm_fault_t finish_fault(struct vm_fault *vmf)
{
	vm_fault_t ret = lock_pte_for_page(vmf);
	pte_t entry;

	if (ret)
		return ret;
	entry = pte_mkyoung(file_entry(vmf, vmf->page, vmf->write));
	if (pte_any_uffd_wp(vmf->orig_pte))
		entry = pte_mkuffd_wp(entry);
	map_file_page(vmf, vmf->address, vmf->pte, vmf->page, entry);
	fault_unlock_pte(vmf);
	return 0;
}

/* ---- reads: fault-around --------------------------------------------------------------------- */

/*
 * The pages around the fault: a window of the configured size, aligned to it by address, as far
 * as the vma and the table go.
 */
static void around_window(const struct vm_fault *vmf, pgoff_t *ret_first, pgoff_t *ret_last)
{
	const struct vm_area *vma = vmf->vma;
	u64 bytes = machine_of(vma)->config.fault_around_bytes;
	vaddr_t start, end;

	bytes = MIN(bytes, PMD_SIZE);
	start = MAX(ALIGN_DOWN(vmf->address, bytes), vma->start);
	/* A window that the vma cuts at its start still has its whole length. */
	end = MIN(start + bytes, ALIGN_DOWN(vmf->address, PMD_SIZE) + PMD_SIZE);
	end = MIN(end, vma->end);
	*ret_first = linear_page_index(vma, start);
	*ret_last = linear_page_index(vma, end) - 1;
}

/* A page found for the window: mapped if nothing is in its place. ptl held, page locked. */
static bool map_neighbour(struct vm_fault *vmf, pgoff_t index, struct page *page, pte_t *first_pte,
			  vaddr_t first_addr)
{
	vaddr_t addr = vmf->vma->start + ((index - vmf->vma->pgoff) << PAGE_SHIFT);
	pte_t *ptep = first_pte + ((s64)(addr - first_addr) >> PAGE_SHIFT);
	pte_t entry = file_entry(vmf, page, false);

	/* A marker is for its own fault to handle. */
	if (!pte_none(ptep_get(ptep))) {
		release_page(page);
		return false;
	}
	if (addr == vmf->address)
		entry = pte_mkyoung(entry);
	map_file_page(vmf, addr, ptep, page, entry);
	page_unlock(page);
	return addr == vmf->address;
}

/* Map what of the window is in the cache; VM_FAULT_NOPAGE: the faulting page was among it. */
static vm_fault_t do_fault_around(struct vm_fault *vmf)
{
	struct address_space *mapping = &vmf->vma->file->inode->mapping;
	pgoff_t index, last;
	struct page *page;
	bool found = false;
	spinlock_t *ptl;
	pte_t *ptep;

	around_window(vmf, &index, &last);
	page = filemap_next_map_page(mapping, &index, last);
	if (!page)
		return 0;
	ptep = pte_alloc_lock(vmf->mm, vmf->address, &ptl);
	if (!ptep) {
		release_page(page);
		return VM_FAULT_OOM;
	}
	while (page) {
		found |= map_neighbour(vmf, index, page, ptep, vmf->address);
		index++;
		page = index <= last ? filemap_next_map_page(mapping, &index, last) : NULL;
	}
	spin_unlock(ptl);
	return found ? VM_FAULT_NOPAGE : 0;
}

static bool should_fault_around(const struct vm_area *vma)
{
	if (!ops_of(vma)->map_around)
		return false;
	/* What userfaultfd watches is shown to it page by page. */
	if ((userfaultfd_wp(vma) || userfaultfd_minor(vma)) && !MUTANT(fault_around_ignores_uffd))
		return false;
	return machine_of(vma)->config.fault_around_bytes > PAGE_SIZE;
}

static vm_fault_t do_read_fault(struct vm_fault *vmf)
{
	vm_fault_t ret;

	if (should_fault_around(vmf->vma)) {
		ret = do_fault_around(vmf);
		if (ret)
			return ret;
	}
	ret = call_fault(vmf);
	if (ret & VM_FAULT_NOT_MAPPED)
		return ret;
	ret |= finish_fault(vmf);
	page_unlock(vmf->page);
	if (ret & VM_FAULT_NOT_MAPPED)
		put_page(vmf->page);
	return ret;
}

/* ---- writes to private mappings -------------------------------------------------------------- */

/* The copy of vmf->page in its place; the file's page is only read. */
static vm_fault_t map_copy(struct vm_fault *vmf)
{
	struct page *copy = vmf->cow_page;
	bool soft_dirty = machine_of(vmf->mm)->config.soft_dirty;
	vm_fault_t ret;
	pte_t entry;

	anon_page_fill(copy, vmf->page);
	ret = lock_pte_for_page(vmf);
	if (ret)
		return ret;
	entry = pte_mkyoung(pfn_pte(page_to_pfn(copy), vmf->vma->page_prot));
	entry = maybe_mkwrite(pte_mkdirty(entry, soft_dirty), vmf->vma);
	if (pte_any_uffd_wp(vmf->orig_pte))
		entry = pte_mkuffd_wp(entry);
	add_mm_counter(vmf->mm, MM_ANONPAGES, 1);
	install_anon_page(vmf, copy, entry);
	fault_unlock_pte(vmf);
	vmf->cow_page = NULL;
	count_vm_event(machine_of(vmf->mm), COW_COPY);
	return 0;
}

static vm_fault_t do_cow_fault(struct vm_fault *vmf)
{
	vm_fault_t ret;

	if (anon_vma_prepare(vmf->vma))
		return VM_FAULT_OOM;
	vmf->cow_page = anon_page_alloc_for_copy(vmf->mm);
	if (!vmf->cow_page)
		return VM_FAULT_OOM;
	ret = call_fault(vmf);
	if (!(ret & VM_FAULT_NOT_MAPPED)) {
		ret |= map_copy(vmf);
		release_page(vmf->page);
	}
	if (vmf->cow_page)
		put_page(vmf->cow_page);
	return ret;
}

/* ---- writes to shared mappings --------------------------------------------------------------- */

/* Ask whether the page, referenced and not locked, may be written; locked on success. */
static vm_fault_t do_page_mkwrite(struct vm_fault *vmf)
{
	vm_fault_t ret = ops_of(vmf->vma)->page_mkwrite(vmf);

	if (ret & (VM_FAULT_ERROR | VM_FAULT_NOPAGE))
		return ret;
	if (!(ret & VM_FAULT_LOCKED)) {
		page_lock(vmf->page);
		if (!page_mapping_file(vmf->page)) {
			/* Truncated: whoever touches it again learns so. */
			page_unlock(vmf->page);
			return VM_FAULT_NOPAGE;
		}
	}
	return ret | VM_FAULT_LOCKED;
}

/* The page is mapped writable and locked: it is dirty from now on. Unlocks it. */
static void dirty_shared_page(struct page *page)
{
	(void)filemap_dirty_page(page);
	page_unlock(page);
}

static vm_fault_t do_shared_fault(struct vm_fault *vmf)
{
	vm_fault_t ret = call_fault(vmf);

	if (ret & VM_FAULT_NOT_MAPPED)
		return ret;
	if (ops_of(vmf->vma)->page_mkwrite) {
		vm_fault_t mkwrite;

		page_unlock(vmf->page);
		mkwrite = do_page_mkwrite(vmf);
		if (mkwrite & (VM_FAULT_ERROR | VM_FAULT_NOPAGE)) {
			put_page(vmf->page);
			return mkwrite;
		}
	}
	ret |= finish_fault(vmf);
	if (ret & VM_FAULT_NOT_MAPPED) {
		release_page(vmf->page);
		return ret;
	}
	dirty_shared_page(vmf->page);
	return ret;
}

vm_fault_t do_fault(struct vm_fault *vmf)
{
	VM_BUG_ON2(vma_is_anonymous(vmf->vma), vmf->address, vmf->vma->flags);
	if (!vmf->write)
		return do_read_fault(vmf);
	if (!(vmf->vma->flags & VM_SHARED))
		return do_cow_fault(vmf);
	return do_shared_fault(vmf);
}

/* ---- a shared entry that is read-only -------------------------------------------------------- */

/* page_mkwrite with the entry let go of; then writable if it is still the same. */
static vm_fault_t mkwrite_and_reuse(struct vm_fault *vmf)
{
	vm_fault_t ret;

	fault_unlock_pte(vmf);
	ret = do_page_mkwrite(vmf);
	if (ret & (VM_FAULT_ERROR | VM_FAULT_NOPAGE))
		return ret;
	if (!lock_same_pte(vmf)) {
		page_unlock(vmf->page);
		return VM_FAULT_NOPAGE;
	}
	wp_page_reuse(vmf);
	fault_unlock_pte(vmf);
	return ret;
}

vm_fault_t wp_page_shared(struct vm_fault *vmf)
{
	struct page *page = vm_normal_page(machine_of(vmf->mm), vmf->orig_pte);
	vm_fault_t ret = wp_userfault(vmf);

	if (ret)
		return ret;
	VM_BUG_ON2(!page || page_test_anon(page), vmf->orig_pte.v, vmf->address);
	vmf->page = page;
	get_page(page);
	if (ops_of(vmf->vma)->page_mkwrite) {
		ret = mkwrite_and_reuse(vmf);
		if (ret & (VM_FAULT_ERROR | VM_FAULT_NOPAGE)) {
			put_page(page);
			return ret;
		}
	} else {
		wp_page_reuse(vmf);
		fault_unlock_pte(vmf);
		page_lock(page);
	}
	dirty_shared_page(page);
	put_page(page);
	return ret;
}
