/* SPDX-License-Identifier: MIT */
/* WRITEPROTECT: every registered vma of the range; holes between them are passed over. */
#include "base/uapi.h"
#include "fill/fill.h"
#include "range/range.h"

static int protect_vmas(struct mm *mm, vaddr_t start, vaddr_t end, bool enable)
{
	struct vm_area *vma;
	int err = -ENOENT;

	for_each_vma_range(mm, vma, start, end) {
		if (!userfaultfd_wp(vma))
			return -ENOENT;
		err = uffd_wp_range(vma, MAX(start, vma->start), MIN(end, vma->end), enable);
		if (err)
			return err;
	}
	return err;
}

int mwriteprotect_range(struct userfaultfd_ctx *ctx, vaddr_t start, u64 len, bool enable)
{
	struct mm *mm = ctx->mm;
	int err = -EAGAIN;

	VM_BUG_ON2(PAGE_OFFSET_OF(start) || PAGE_OFFSET_OF(len), start, len);
	down_read(&mm->mmap_lock);
	if (!atomic_read(&ctx->mmap_changing))
		err = protect_vmas(mm, start, start + len, enable);
	up_read(&mm->mmap_lock);
	return err;
}
