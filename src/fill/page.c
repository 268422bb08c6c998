/* SPDX-License-Identifier: MIT */
/*
 * Filling one page.
 *
 *              private memory            shared memory             over what
 *   COPY       an anonymous page         a new page of the file    none, a marker
 *   ZEROPAGE   the zero page             a new page of the file    none (shared: or a marker)
 *   CONTINUE   the page that the file has in its cache             none, a marker
 *   POISON     a marker                                            none
 *
 * A marker here is that of write protection, which says nothing about the page (a waiting fault
 * takes it for none), of poison, or a guard, both of which a page lifts. The entry is dirty: its
 * data is nowhere else, and a clean page of shared memory counts as zeros that may be dropped. It
 * is writable at once if the vma is, but not a page of the cache in a private mapping.
 *
 * A new page of a file stays locked from the moment it is in the cache until it is mapped, so that
 * a truncation that missed it there finds the mapping; it checks the size under the ptl for the
 * other order.
 */
#include "base/mutant.h"
#include "base/uapi.h"
#include "fill/fill_internal.h"
#include "mmu/pgtable.h"
#include "phys/group.h"
#include "phys/lru.h"
#include "rmap/rmap.h"
#include "shmem/shmem.h"

/* Nothing there, and nothing to be kept. */
static bool is_none(pte_t pte)
{
	return pte_none(pte) || pte_marker_bits(pte) == PTE_MARKER_SWAPPED;
}

static bool may_fill_over(pte_t pte)
{
	if (MUTANT(copy_refuses_marker))
		return is_none(pte);
	return pte_none(pte) || pte_marker_bits(pte);
}

static bool beyond_file(const struct vm_area *vma, vaddr_t addr)
{
	u64 size;

	if (!vma->file)
		return false;
	size = READ_ONCE(vma->file->inode->size);
	return linear_page_index(vma, addr) >= PAGE_ALIGN(size) >> PAGE_SHIFT;
}

/* The entry, locked; -EFAULT: the file does not reach so far. */
static int lock_entry(struct vm_area *vma, vaddr_t addr, pte_t **ret_ptep, spinlock_t **ret_ptl)
{
	*ret_ptep = pte_offset_lock(vma->mm, addr, ret_ptl);
	VM_BUG_ON2(!*ret_ptep, addr, vma->start);
	if (!beyond_file(vma, addr))
		return 0;
	spin_unlock(*ret_ptl);
	return -EFAULT;
}

/* Put an entry that maps no counted page; strictly over none. */
static int install_bare(struct vm_area *vma, vaddr_t addr, pte_t entry)
{
	spinlock_t *ptl;
	pte_t *ptep;
	int err = lock_entry(vma, addr, &ptep, &ptl);

	if (err)
		return err;
	if (is_none(ptep_get(ptep)))
		set_pte_at(vma->mm, addr, ptep, entry);
	else
		err = -EEXIST;
	spin_unlock(ptl);
	return err;
}

static pte_t filled_entry(const struct fill *fill, const struct vm_area *vma,
			  const struct page *page, bool of_file)
{
	pte_t entry = pte_mkyoung(pfn_pte(page_to_pfn(page), vma->page_prot));

	if (!MUTANT(fill_leaves_clean))
		entry = pte_mkdirty(entry, machine_of(vma)->config.soft_dirty);
	if ((vma->flags & VM_WRITE) && (!of_file || (vma->flags & VM_SHARED)))
		entry = pte_mkwrite(entry);
	if ((fill->flags & MFILL_WP) && !MUTANT(copy_unprotected))
		entry = pte_mkuffd_wp(entry);
	return entry;
}

/*
 * Map a page: one of the file's, locked, or a new one for private memory. On success the mapping
 * has taken over the caller's reference.
 */
static int install_page(const struct fill *fill, struct vm_area *vma, vaddr_t addr,
			struct page *page, bool of_file)
{
	spinlock_t *ptl;
	pte_t *ptep;
	int err = lock_entry(vma, addr, &ptep, &ptl);

	if (err)
		return err;
	if (!may_fill_over(ptep_get(ptep))) {
		spin_unlock(ptl);
		return -EEXIST;
	}
	if (of_file) {
		page_add_file_rmap(page, vma);
	} else {
		page_add_new_anon_rmap(page, vma, addr);
		lru_add(page);
	}
	add_mm_counter(vma->mm, page_mm_counter(page), 1);
	set_pte_at(vma->mm, addr, ptep, filled_entry(fill, vma, page, of_file));
	spin_unlock(ptl);
	return 0;
}

/* ---- new pages ------------------------------------------------------------------------------ */

/* A new page becomes the file's at addr, and is mapped. Takes over the caller's reference. */
static int install_in_file(const struct fill *fill, struct vm_area *vma, vaddr_t addr,
			   struct page *page)
{
	struct inode *inode = vma->file->inode;
	int err;

	if (beyond_file(vma, addr)) {
		put_page(page);
		return -EFAULT;
	}
	err = shmem_add_page(inode, linear_page_index(vma, addr), page);
	if (err) {
		put_page(page);
		return err == -ENOSPC ? -ENOMEM : err;
	}
	page_set_uptodate(page);
	err = install_page(fill, vma, addr, page, true);
	if (err) {
		shmem_drop_page(inode, page);
		return err;
	}
	page_unlock(page);
	return 0;
}

/* A new page, filled, known to nobody, is mapped. Takes over the caller's reference. */
static int install_new(const struct fill *fill, struct vm_area *vma, vaddr_t addr,
		       struct page *page)
{
	int err;

	if (vma->flags & VM_SHARED)
		return install_in_file(fill, vma, addr, page);
	page_init_flags(page, BIT(PG_uptodate));
	err = install_page(fill, vma, addr, page, false);
	if (err)
		put_page(page);
	return err;
}

static struct page *fill_alloc(const struct fill *fill, enum gfp gfp)
{
	return alloc_user_page(machine_of(fill->mm), fill->mm->group, gfp | GFP_MOVABLE,
			       FAIL_FILL_PAGE);
}

int fill_copy(struct fill *fill, struct vm_area *vma, vaddr_t addr)
{
	struct page *page = fill->spare;

	if (!page) {
		page = fill_alloc(fill, GFP_KERNEL);
		if (!page)
			return -ENOMEM;
		if (!fill_user_ops.read_nofault(current, fill->src + fill->done, page_address(page),
						PAGE_SIZE)) {
			fill->spare = page;
			fill->source_missing = true;
			return -EFAULT;
		}
	}
	fill->spare = NULL;
	return install_new(fill, vma, addr, page);
}

int fill_zero(struct fill *fill, struct vm_area *vma, vaddr_t addr)
{
	struct page *page;

	if (!(vma->flags & VM_SHARED)) {
		pfn_t zero = machine_of(vma)->zero_pfn;

		return install_bare(vma, addr, pte_mkspecial(pfn_pte(zero, vma->page_prot)));
	}
	page = fill_alloc(fill, GFP_ZERO);
	return page ? install_new(fill, vma, addr, page) : -ENOMEM;
}

/* ---- pages that are there, and poison ------------------------------------------------------- */

int fill_cached(struct fill *fill, struct vm_area *vma, vaddr_t addr)
{
	struct page *page = NULL;
	int err = shmem_get_page(vma->file->inode, linear_page_index(vma, addr), SGP_NOALLOC,
				 fill->mm->group, &page);

	/* That there is none is not for the caller to read as "no such range". */
	if (err)
		return err == -ENOENT ? -EFAULT : err;
	err = install_page(fill, vma, addr, page, true);
	page_unlock(page);
	if (err)
		put_page(page);
	return err;
}

int fill_poison(struct fill *fill, struct vm_area *vma, vaddr_t addr)
{
	(void)fill;
	return install_bare(vma, addr, make_pte_marker(PTE_MARKER_POISONED));
}
