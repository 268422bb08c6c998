/* SPDX-License-Identifier: MIT */
/*
 * process_vm_readv and process_vm_writev: pages of the other process are pinned a batch at a
 * time and copied from or to. A batch is as many pages as Linux takes, because it is pinned
 * whole even when the caller's buffer ends before it.
 */
#include "base/uapi.h"
#include "gup/gup.h"
#include "sync/copy.h"
#include "sync/membarrier.h"
#include "syscall/syscall_internal.h"

#define BATCH_PAGES 1024
#define MAX_RANGES 1024            /* UIO_MAXIOV */
#define MAX_RW_COUNT 0x7ffff000ull /* what one transfer is cut to */

struct vm_copy {
	/* input */
	struct mm *mm; /* of the other process, NULL: it has ended */
	bool write;    /* to it */
	/* what is left of the caller's buffer */
	u8 *buf;
	u64 left;
};

static void copy_page_part(struct vm_copy *copy, struct page *page, u64 offset, u64 len)
{
	u8 *frame = (u8 *)page_address(page) + offset;

	sync_access_point(page_address(page), NULL, copy->write);
	if (copy->write)
		copy_relaxed(frame, copy->buf, len);
	else
		copy_relaxed(copy->buf, frame, len);
	copy->buf += len;
	copy->left -= len;
}

/* Copy len bytes, from offset of the first page on, as far as the buffer goes. */
static void copy_pages(struct vm_copy *copy, struct page **pages, u64 offset, u64 len)
{
	for (len = MIN(len, copy->left); len; pages++) {
		u64 part = MIN(len, PAGE_SIZE - offset);

		copy_page_part(copy, *pages, offset, part);
		len -= part;
		offset = 0;
	}
}

static void unpin_pages(const struct vm_copy *copy, struct page **pages, s64 nr)
{
	for (s64 i = 0; i < nr; i++) {
		if (copy->write)
			set_page_dirty_lock(pages[i]);
		unpin_user_page(pages[i]);
	}
}

static int copy_range(struct vm_copy *copy, vaddr_t addr, u64 len)
{
	u32 flags = FOLL_PIN | FOLL_REMOTE | FOLL_TOUCH | FOLL_UNLOCKABLE |
		    (copy->write ? FOLL_WRITE : 0);
	vaddr_t page_addr = addr & PAGE_MASK;
	u64 offset = addr - page_addr;
	u64 nr = len ? (addr + len - 1) / PAGE_SIZE - addr / PAGE_SIZE + 1 : 0;
	struct page *pages[BATCH_PAGES];

	while (nr && copy->left) {
		s64 got;
		u64 bytes;

		down_read(&copy->mm->mmap_lock);
		got = get_user_pages_remote(copy->mm, page_addr, MIN(nr, BATCH_PAGES), flags,
					    pages);
		up_read(&copy->mm->mmap_lock);
		if (got <= 0)
			return -EFAULT;
		bytes = MIN(((u64)got << PAGE_SHIFT) - offset, len);
		copy_pages(copy, pages, offset, bytes);
		unpin_pages(copy, pages, got);
		len -= bytes;
		offset = 0;
		nr -= (u64)got;
		page_addr += (u64)got << PAGE_SHIFT;
	}
	return 0;
}

static s64 copy_ranges(struct vm_copy *copy, const struct umm_iovec *ranges, u64 nr_ranges)
{
	u64 whole = copy->left;
	int err = 0;

	for (u64 i = 0; i < nr_ranges && copy->left && !err; i++)
		err = copy_range(copy, ranges[i].addr, ranges[i].len_bytes);
	return whole > copy->left ? (s64)(whole - copy->left) : err;
}

static int check_ranges(const struct umm_iovec *ranges, u64 nr_ranges)
{
	if (nr_ranges > MAX_RANGES)
		return -EINVAL;
	for (u64 i = 0; i < nr_ranges; i++) {
		if ((s64)ranges[i].len_bytes < 0)
			return -EINVAL;
	}
	return 0;
}

static bool ranges_are_empty(const struct umm_iovec *ranges, u64 nr_ranges)
{
	while (nr_ranges && !ranges[nr_ranges - 1].len_bytes)
		nr_ranges--;
	return !nr_ranges;
}

static s64 process_vm_rw(struct vm_copy *copy, u64 len, const struct umm_iovec *ranges,
			 u64 nr_ranges, u64 flags)
{
	s64 ret;

	if (flags || (s64)len < 0)
		return -EINVAL;
	copy->left = MIN(len, MAX_RW_COUNT);
	if (!copy->left)
		return 0;
	ret = check_ranges(ranges, nr_ranges);
	if (ret)
		return ret;
	/* Only now it matters whether there is such a process. */
	if (ranges_are_empty(ranges, nr_ranges))
		return 0;
	return copy->mm ? copy_ranges(copy, ranges, nr_ranges) : -ESRCH;
}

/* The other process may end at any time; its address space stays until this is over. */
static s64 process_vm_call(struct task *task, struct task *remote, struct vm_copy *copy, u64 len,
			   const struct umm_iovec *ranges, u64 nr_ranges, u64 flags)
{
	int pid = 0;
	struct syscall call;
	s64 ret;

	copy->mm = remote ? task_get_mm(task, remote, &pid) : NULL;
	call = syscall_enter(task, copy->write ? NR_PROCESS_VM_WRITEV : NR_PROCESS_VM_READV,
			     (u64)pid, len, nr_ranges, flags);
	ret = process_vm_rw(copy, len, ranges, nr_ranges, flags);
	if (copy->mm)
		mm_put(copy->mm);
	return syscall_exit(&call, ret);
}

int64_t umm_process_vm_readv(struct umm_task *task, struct umm_task *remote, void *buf,
			     uint64_t len_bytes, const struct umm_iovec *ranges, uint64_t nr_ranges,
			     uint64_t flags)
{
	struct vm_copy copy = { .buf = buf };

	return process_vm_call((struct task *)task, (struct task *)remote, &copy, len_bytes, ranges,
			       nr_ranges, flags);
}

int64_t umm_process_vm_writev(struct umm_task *task, struct umm_task *remote, const void *buf,
			      uint64_t len_bytes, const struct umm_iovec *ranges,
			      uint64_t nr_ranges, uint64_t flags)
{
	/* Only read from: copy.write says which way the bytes go. */
	struct vm_copy copy = { .write = true, .buf = (u8 *)(uintptr_t)buf };

	return process_vm_call((struct task *)task, (struct task *)remote, &copy, len_bytes, ranges,
			       nr_ranges, flags);
}
