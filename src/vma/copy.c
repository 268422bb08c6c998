/* SPDX-License-Identifier: MIT */
/* The vma that a moved range gets at its new place. */
#include "vma/copy.h"

#include "base/uapi.h"

/* A vma of its own for the new place, with the chains of the old one. */
static struct vm_area *link_copy(struct vm_area *vma, vaddr_t addr, u64 len, pgoff_t pgoff)
{
	struct vm_area *copy = vm_area_dup(vma, vma->mm);

	if (!copy)
		return NULL;
	copy->start = addr;
	copy->end = addr + len;
	copy->pgoff = pgoff;
	if (dup_anon_vma(copy, vma)) {
		vm_area_free(copy);
		return NULL;
	}
	vma_link(vma->mm, copy);
	return copy;
}

struct vm_area *copy_vma(struct vm_area **vma_ptr, vaddr_t old_addr, vaddr_t addr, u64 len)
{
	struct vm_area *vma = *vma_ptr;
	vaddr_t old_start = vma->start;
	struct vma_merge merge = {
		.start = addr,
		.end = addr + len,
		.pgoff = linear_page_index(vma, old_addr),
		.flags = vma->flags,
		.file = vma->file,
		.uffd = vma->uffd,
		.anon_vma = vma->anon_vma,
		.copied_from = vma,
	};
	struct vm_area *copy;

	/* Without pages the offsets are free: those of the new place make it merge better. */
	if (vma_is_anonymous(vma) && !vma->anon_vma)
		merge.pgoff = addr >> PAGE_SHIFT;
	merge.next = find_vma(vma->mm, addr);
	VM_BUG_ON2(merge.next && merge.next->start < addr + len, addr, len);
	merge.prev = merge.next ? vma_prev(merge.next) : vma_last(vma->mm);
	copy = vma_merge_new_range(&merge);
	if (!copy)
		return link_copy(vma, addr, len, merge.pgoff);
	/* The source may have been merged into the copy, when it had no pages. */
	if (copy->start <= old_start && old_start < copy->end)
		*vma_ptr = copy;
	return copy;
}
