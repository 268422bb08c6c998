/* SPDX-License-Identifier: MIT */
/*
 * Filling: COPY, ZEROPAGE, CONTINUE and POISON are one loop over pages with a step of their own.
 *
 *   mmap_lock read ─ the vma of the whole range, registered ─ page after page ─ done
 *         ▲                                                     │ the source of a COPY is missing
 *         └───── fault it in and copy it, without mmap_lock ◄───┘
 *
 * The source is the caller's own memory, and its fault may need mmap_lock, a page from a file, or
 * another handler; after it everything about the destination is looked at anew.
 */
#include "base/mutant.h"
#include "base/uapi.h"
#include "fill/fill_internal.h"
#include "mmu/pgtable.h"
#include "rmap/anon_vma.h"

int fill_find_vma(struct mm *mm, vaddr_t addr, struct vm_area **ret_vma)
{
	struct vm_area *vma = vma_lookup(mm, addr);

	if (!vma)
		return -ENOENT;
	if (!(vma->flags & VM_SHARED) && anon_vma_prepare(vma))
		return -ENOMEM;
	*ret_vma = vma;
	return 0;
}

/* The vma that holds the whole range, if it may be filled this way. */
static int fill_vma(const struct fill *fill, struct vm_area **ret_vma)
{
	struct vm_area *vma;
	int err = fill_find_vma(fill->mm, fill->dst, &vma);

	if (err)
		return err;
	if (fill->dst + fill->len > vma->end || !vma->uffd)
		return -ENOENT;
	if (atomic_read(&fill->ctx->mmap_changing) && !MUTANT(fill_ignores_changes))
		return -EAGAIN;
	if ((fill->flags & MFILL_WP) && !userfaultfd_wp(vma))
		return -EINVAL;
	if (vma->backing != VMA_SHMEM && (vma->backing != VMA_ANON || fill->shmem_only))
		return -EINVAL;
	*ret_vma = vma;
	return 0;
}

/* As far as it goes. mmap_lock read held. */
static int fill_pages(struct fill *fill)
{
	struct vm_area *vma;
	int err = fill_vma(fill, &vma);

	while (!err && fill->done < fill->len) {
		vaddr_t addr = fill->dst + fill->done;

		err = pte_alloc(fill->mm, addr) ? fill->one(fill, vma, addr) : -ENOMEM;
		if (!err)
			fill->done += PAGE_SIZE;
	}
	return err;
}

/* The source of the next page, faulted in as the caller's own access would. No lock held. */
static int read_source(struct fill *fill)
{
	fill->source_missing = false;
	return fill_user_ops.read(current, fill->src + fill->done, page_address(fill->spare),
				  PAGE_SIZE);
}

static s64 fill_range(struct fill *fill)
{
	int err;

	VM_BUG_ON2(PAGE_OFFSET_OF(fill->dst) || PAGE_OFFSET_OF(fill->len), fill->dst, fill->len);
	fill->mm = fill->ctx->mm;
	for (;;) {
		down_read(&fill->mm->mmap_lock);
		err = fill_pages(fill);
		up_read(&fill->mm->mmap_lock);
		if (!fill->source_missing)
			break;
		err = read_source(fill);
		if (err)
			break;
	}
	if (fill->spare)
		put_page(fill->spare);
	return fill->done ? (s64)fill->done : err;
}

s64 mfill_atomic_copy(struct userfaultfd_ctx *ctx, vaddr_t dst, vaddr_t src, u64 len, u32 flags)
{
	struct fill fill = {
		.ctx = ctx,
		.dst = dst,
		.src = src,
		.len = len,
		.flags = flags,
		.one = fill_copy,
	};

	return fill_range(&fill);
}

s64 mfill_atomic_zeropage(struct userfaultfd_ctx *ctx, vaddr_t dst, u64 len)
{
	struct fill fill = { .ctx = ctx, .dst = dst, .len = len, .one = fill_zero };

	return fill_range(&fill);
}

s64 mfill_atomic_continue(struct userfaultfd_ctx *ctx, vaddr_t dst, u64 len, u32 flags)
{
	struct fill fill = {
		.ctx = ctx,
		.dst = dst,
		.len = len,
		.flags = flags,
		.one = fill_cached,
		.shmem_only = true,
	};

	return fill_range(&fill);
}

s64 mfill_atomic_poison(struct userfaultfd_ctx *ctx, vaddr_t dst, u64 len)
{
	struct fill fill = { .ctx = ctx, .dst = dst, .len = len, .one = fill_poison };

	return fill_range(&fill);
}
