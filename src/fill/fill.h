/* SPDX-License-Identifier: MIT */
/*
 * fill: what a handler does to memory: COPY, ZEROPAGE, CONTINUE, POISON, MOVE, WRITEPROTECT. Each
 * takes mmap_lock of ctx->mm for read, checks the whole range against one registered vma, and does
 * page after page: a result is the bytes done, or -errno when not even one was. -EAGAIN, also after
 * some pages, while the mappings are changing (ctx->mmap_changing). The caller has checked that the
 * ranges are page aligned and do not wrap, and keeps ctx->mm's users above zero.
 */
#ifndef FILL_FILL_H
#define FILL_FILL_H

#include "uffd/uffd.h"

enum uffd_fill_flag {
	MFILL_WP = 1 << 0, /* UFFDIO_COPY_MODE_WP, UFFDIO_CONTINUE_MODE_WP */
};

s64 mfill_atomic_copy(struct userfaultfd_ctx *ctx, vaddr_t dst, vaddr_t src, u64 len, u32 flags);
s64 mfill_atomic_zeropage(struct userfaultfd_ctx *ctx, vaddr_t dst, u64 len);
s64 mfill_atomic_continue(struct userfaultfd_ctx *ctx, vaddr_t dst, u64 len, u32 flags);
s64 mfill_atomic_poison(struct userfaultfd_ctx *ctx, vaddr_t dst, u64 len);
/* mode: UFFDIO_MOVE_MODE_ALLOW_SRC_HOLES. */
s64 uffd_move_pages(struct userfaultfd_ctx *ctx, vaddr_t dst, vaddr_t src, u64 len, u64 mode);
/* 0 or -errno; several registered vmas, with holes between them, will do. */
int mwriteprotect_range(struct userfaultfd_ctx *ctx, vaddr_t start, u64 len, bool enable);

/*
 * What COPY needs of the virtual CPU, a room further down: bytes of the task's own memory. Defined
 * in cpu/access.c.
 */
struct fill_user_ops {
	/* False: part of it is missing, or not to be read. mmap_lock may be held, no spinlock. */
	bool (*read_nofault)(struct task *task, vaddr_t addr, void *ret_buf, u64 len);
	/* The same, and what is missing is faulted in: 0, -EFAULT. No lock held. */
	int (*read)(struct task *task, vaddr_t addr, void *ret_buf, u64 len);
};
extern const struct fill_user_ops fill_user_ops;

#endif
