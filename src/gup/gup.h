/* SPDX-License-Identifier: MIT */
/* gup: taking references to the pages of an address space, faulting them in. */
#ifndef GUP_GUP_H
#define GUP_GUP_H

#include "phys/page.h"
#include "vma/vma.h"

enum foll_flag {
	FOLL_WRITE = 1 << 0,
	FOLL_GET = 1 << 1,
	FOLL_FORCE = 1 << 3,
	FOLL_NOFAULT = 1 << 5,
	FOLL_HWPOISON = 1 << 6, /* lost data is -EHWPOISON, not -EFAULT */
	FOLL_LONGTERM = 1 << 8,
	FOLL_PIN = 1 << 9,
	FOLL_REMOTE = 1 << 10,
	FOLL_TOUCH = 1 << 12,      /* mark what is found as accessed */
	FOLL_FAST = 1 << 13,       /* look without locks first, which only marks it as referenced */
	FOLL_TRIED = 1 << 14,      /* this page has been waited for without mmap_lock */
	FOLL_UNLOCKABLE = 1 << 15, /* mmap_lock may be dropped meanwhile, to wait for a page */
};

/*
 * References (FOLL_GET) or pins (FOLL_PIN) to the pages of [addr, addr + nr * 4096) of mm.
 * Returns how many, which may be fewer than nr, or -errno when not even one: -EFAULT, -ENOMEM,
 * -EHWPOISON, -EINTR (killed while it waited). ret_pages may be NULL when neither is asked for.
 * mmap_lock held throughout; with FOLL_UNLOCKABLE for read, and dropped and taken again when a page
 * has to be waited for: vmas may have changed then.
 */
s64 get_user_pages_remote(struct mm *mm, vaddr_t addr, u64 nr, u32 flags, struct page **ret_pages);
void unpin_user_page(struct page *page);
/* Its holder has written it. May sleep; no lock held. */
void set_page_dirty_lock(struct page *page);

/*
 * Fault in [start, end) of one vma as its own accesses would (mlock, MAP_POPULATE): for write
 * when the vma is writable and private. 0 or the first -errno. mmap_lock held throughout.
 */
int populate_vma_page_range(struct vm_area *vma, vaddr_t start, vaddr_t end);
/* All vmas of the range, taking mmap_lock itself; ignore_errors as MAP_POPULATE does. */
int mm_populate(struct mm *mm, vaddr_t start, u64 len, bool ignore_errors);
/*
 * MADV_POPULATE_READ/WRITE: pages of the range, -errno as madvise returns it. mmap_lock read,
 * dropped and taken again when a page has to be waited for.
 */
int faultin_page_range(struct mm *mm, vaddr_t start, vaddr_t end, bool write);

#endif
