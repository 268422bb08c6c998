/* SPDX-License-Identifier: MIT */
/*
 * get_user_pages, the way that takes mmap_lock.
 *
 *   for each page: follow the entry ── may not, or is not there ── fault it in, again
 *                        │
 *                        └─ reference (FOLL_GET) or pin (FOLL_PIN) under the table's lock
 *
 * A pin must stay the page that the process sees. For writing that follows, because only
 * exclusive pages are mapped writable; a read-only pin of a page that is not exclusive asks
 * for an unshare fault first.
 */
#include "gup/gup.h"

#include "base/mutant.h"
#include "base/uapi.h"
#include "fault/fault.h"
#include "filemap/filemap.h"
#include "mmu/pgtable.h"
#include "swap/swap.h"
#include "uffd/uffd.h"

/* What following an entry says. */
enum follow {
	FOLLOW_PAGE,    /* got it */
	FOLLOW_FAULT,   /* not there, or not so that it may be written */
	FOLLOW_UNSHARE, /* there, but a pin wants it exclusive */
};

static bool is_zero_pfn(const struct machine *m, pte_t pte)
{
	return pte_pfn(pte).n == m->zero_pfn.n;
}

/* A forced write may use a private copy that is already there, though the vma forbids it. */
static bool can_follow_write(const struct vm_area *vma, const struct page *page, pte_t pte,
			     u32 flags)
{
	if (pte_write(pte))
		return true;
	return (flags & FOLL_FORCE) && is_cow_mapping(vma->flags) && !(vma->flags & VM_WRITE) &&
	       page && page_test_anon(page) && page_test_anon_exclusive(page) && pte_dirty(pte) &&
	       !userfaultfd_pte_wp(vma, pte);
}

static void grab_page(struct page *page, u32 flags)
{
	if (page_test_reserved(page)) /* the zero page is not counted */
		return;
	if (flags & FOLL_PIN)
		atomic_add(&page->refcount, GUP_PIN_COUNTING_BIAS);
	else if (flags & FOLL_GET)
		get_page(page);
}

/*
 * Whether a pin for reading must have the page exclusive first: an anonymous one always, that of
 * a file when it is held for long and the mapping is to be copied on write.
 */
static bool must_unshare(const struct vm_area *vma, const struct page *page, u32 flags)
{
	if ((flags & (FOLL_PIN | FOLL_WRITE)) != FOLL_PIN || MUTANT(unshare_skipped))
		return false;
	if (page_test_anon(page))
		return !page_test_anon_exclusive(page);
	return (flags & FOLL_LONGTERM) && is_cow_mapping(vma->flags);
}

/* The process itself has not touched it: the entry stays as it is, the page remembers. */
static void touch_page(struct page *page, pte_t pte, u32 flags)
{
	if (page_test_reserved(page))
		return;
	if (flags & FOLL_FAST) {
		page_set_referenced(page);
	} else if (flags & FOLL_TOUCH) {
		if ((flags & FOLL_WRITE) && !pte_dirty(pte) && !page_test_dirty(page))
			set_page_dirty(page);
		page_mark_accessed(page);
	}
}

static enum follow follow_pte(struct vm_area *vma, pte_t pte, u32 flags, struct page **ret_page)
{
	struct machine *m = machine_of(vma);
	struct page *page;

	if (!pte_present(pte))
		return FOLLOW_FAULT;
	page = vm_normal_page(m, pte);
	if ((flags & FOLL_WRITE) && !can_follow_write(vma, page, pte, flags))
		return FOLLOW_FAULT;
	if (!page && is_zero_pfn(m, pte))
		page = pte_page(m, pte);
	VM_BUG_ON2(!page, pte.v, 0);
	if (!pte_write(pte) && must_unshare(vma, page, flags))
		return FOLLOW_UNSHARE;
	grab_page(page, flags);
	touch_page(page, pte, flags);
	*ret_page = page;
	return FOLLOW_PAGE;
}

static enum follow follow_page(struct vm_area *vma, vaddr_t addr, u32 flags, struct page **ret_page)
{
	spinlock_t *ptl;
	pte_t *ptep = pte_offset_lock(vma->mm, addr, &ptl);
	enum follow follow;

	if (!ptep)
		return FOLLOW_FAULT;
	follow = follow_pte(vma, ptep_get(ptep), flags, ret_page);
	spin_unlock(ptl);
	return follow;
}

/*
 * A pin for long writes at any time and tells nobody: the file's write-back would not know what
 * is dirty.
 */
static bool needs_dirty_tracking(const struct vm_area *vma, u32 flags)
{
	return (flags & FOLL_PIN) && (flags & FOLL_LONGTERM) && vma->backing == VMA_FILE &&
	       (vma->flags & (VM_SHARED | VM_WRITE)) == (VM_SHARED | VM_WRITE);
}

/* Whether the vma lets GUP in at all. */
static int check_vma_flags(const struct vm_area *vma, u32 flags)
{
	if (vma->flags & (VM_IO | VM_PFNMAP))
		return -EFAULT;
	if (flags & FOLL_WRITE) {
		if (needs_dirty_tracking(vma, flags))
			return -EFAULT;
		if (vma->flags & VM_WRITE)
			return 0;
		/* Force makes a private copy, never a change of somebody's file. */
		return (flags & FOLL_FORCE) && is_cow_mapping(vma->flags) ? 0 : -EFAULT;
	}
	if (vma->flags & VM_READ)
		return 0;
	return (flags & FOLL_FORCE) && (vma->flags & VM_MAYREAD) ? 0 : -EFAULT;
}

static int fault_result(vm_fault_t result, u32 flags)
{
	if (result & VM_FAULT_OOM)
		return -ENOMEM;
	if (result & VM_FAULT_HWPOISON)
		return flags & FOLL_HWPOISON ? -EHWPOISON : -EFAULT;
	if (result & (VM_FAULT_SIGBUS | VM_FAULT_SIGSEGV))
		return -EFAULT;
	return 0;
}

/* -EAGAIN: mmap_lock has been dropped. */
static int faultin_page(struct vm_area *vma, vaddr_t addr, u32 flags, bool unshare)
{
	u32 fault_flags = 0;
	vm_fault_t result;

	if (flags & FOLL_NOFAULT)
		return -EFAULT;
	if (flags & FOLL_WRITE)
		fault_flags |= FAULT_FLAG_WRITE;
	if (flags & FOLL_REMOTE)
		fault_flags |= FAULT_FLAG_REMOTE;
	if (unshare)
		fault_flags |= FAULT_FLAG_UNSHARE;
	if (flags & FOLL_UNLOCKABLE)
		fault_flags |= FAULT_FLAG_ALLOW_RETRY | FAULT_FLAG_KILLABLE;
	if (flags & FOLL_TRIED)
		fault_flags |= FAULT_FLAG_TRIED;
	result = handle_mm_fault(vma, addr, fault_flags);
	return result & (VM_FAULT_RETRY | VM_FAULT_COMPLETED) ? -EAGAIN :
								fault_result(result, flags);
}

/* Whoever asks has been killed while it waited. */
static bool is_killed(void)
{
	const struct task *task = current;

	return task && task->mm && READ_ONCE(task->mm->killed);
}

/*
 * Follow, faulting as often as it takes. The first page that needs it ends FOLL_FAST. -EAGAIN:
 * mmap_lock was dropped and taken again; the vma may be gone.
 */
static int get_one_page(struct vm_area *vma, vaddr_t addr, u32 *flags, struct page **ret_page)
{
	struct mm *mm = vma->mm;

	for (;;) {
		enum follow follow = follow_page(vma, addr, *flags, ret_page);
		int err;

		if (follow == FOLLOW_PAGE) {
			*flags &= ~(u32)FOLL_TRIED;
			return 0;
		}
		if (*flags & FOLL_FAST)
			*flags = (*flags & ~(u32)FOLL_FAST) | FOLL_TOUCH;
		err = faultin_page(vma, addr, *flags, follow == FOLLOW_UNSHARE);
		if (err == -EAGAIN) {
			down_read(&mm->mmap_lock);
			*flags |= FOLL_TRIED;
			if (is_killed())
				err = -EINTR;
		}
		if (err)
			return err;
	}
}

s64 get_user_pages_remote(struct mm *mm, vaddr_t addr, u64 nr, u32 flags, struct page **ret_pages)
{
	struct vm_area *vma = NULL;
	u64 got = 0;
	int err = 0;

	VM_BUG_ON2((flags & FOLL_PIN) && (flags & FOLL_GET), flags, 0);
	VM_DEBUG_ON(!rwsem_is_locked(&mm->mmap_lock));
	if (flags & FOLL_PIN)
		atomic_set(&mm->has_pinned, 1);
	while (got < nr) {
		struct page *page;

		if (!vma || addr >= vma->end) {
			vma = vma_lookup(mm, addr);
			err = vma ? check_vma_flags(vma, flags) : -EFAULT;
		}
		if (!err)
			err = get_one_page(vma, addr, &flags, &page);
		if (err == -EAGAIN) {
			vma = NULL;
			continue;
		}
		if (err)
			break;
		if (ret_pages)
			ret_pages[got] = page;
		got++;
		addr += PAGE_SIZE;
	}
	return got ? (s64)got : err;
}

void unpin_user_page(struct page *page)
{
	if (page_test_reserved(page))
		return;
	VM_BUG_ON2(page_count(page) < GUP_PIN_COUNTING_BIAS, page_count(page), page_to_pfn(page).n);
	/* The last reference may be among these: leave it to put_page to see it. */
	atomic_add(&page->refcount, -(GUP_PIN_COUNTING_BIAS - 1));
	put_page(page);
}

void set_page_dirty_lock(struct page *page)
{
	if (page_test_reserved(page) || page_test_dirty(page))
		return;
	page_lock(page);
	set_page_dirty(page);
	page_unlock(page);
	/* Who unmapped it meanwhile could not lock it. */
	free_swap_cache(page);
}

/* ---- populating ----------------------------------------------------------------------------- */

/*
 * From *addr on, which moves along. -EAGAIN: mmap_lock was dropped and taken again, the vma may be
 * gone.
 */
static int populate_pages(struct vm_area *vma, vaddr_t *addr, vaddr_t end, u32 *flags)
{
	int err = check_vma_flags(vma, *flags);

	for (; *addr < end && !err; *addr += PAGE_SIZE) {
		struct page *page;

		err = get_one_page(vma, *addr, flags, &page);
		if (err)
			break;
	}
	return err;
}

/* How the vma's own accesses fault. */
static u32 populate_flags(const struct vm_area *vma)
{
	u32 flags = FOLL_TOUCH;

	/* Break copy-on-write ahead of time, but do not dirty shared memory. */
	if ((vma->flags & (VM_WRITE | VM_SHARED)) == VM_WRITE)
		flags |= FOLL_WRITE;
	/* Any permission will do for a lock, but PROT_NONE. */
	if (vma_is_accessible(vma))
		flags |= FOLL_FORCE;
	return flags;
}

int populate_vma_page_range(struct vm_area *vma, vaddr_t start, vaddr_t end)
{
	u32 flags = populate_flags(vma);

	VM_BUG_ON2(start < vma->start || end > vma->end, start, end);
	if (vma->flags & VM_LOCKONFAULT)
		return 0;
	return populate_pages(vma, &start, end, &flags);
}

/* As much of *addr to end as is in one vma, or in none. As populate_pages. */
static int populate_next_vma(struct mm *mm, vaddr_t *addr, vaddr_t end, u32 *tried)
{
	struct vm_area *vma = find_vma(mm, *addr);
	vaddr_t stop;
	u32 flags;
	int err;

	if (!vma || vma->start >= end) {
		*addr = end;
		return 0;
	}
	*addr = MAX(*addr, vma->start);
	stop = MIN(vma->end, end);
	if (vma->flags & (VM_IO | VM_PFNMAP | VM_LOCKONFAULT)) {
		*addr = stop;
		return 0;
	}
	flags = populate_flags(vma) | FOLL_UNLOCKABLE | *tried;
	err = populate_pages(vma, addr, stop, &flags);
	*tried = flags & FOLL_TRIED;
	/* What cannot be had does not keep the next vma from it. */
	if (err && err != -EAGAIN)
		*addr = stop;
	return err;
}

int mm_populate(struct mm *mm, vaddr_t start, u64 len, bool ignore_errors)
{
	vaddr_t end = start + len;
	u32 tried = 0;
	int err = 0;

	/* An empty range lies within a vma, but has no pages that could be refused. */
	if (!len)
		return 0;
	down_read(&mm->mmap_lock);
	while (start < end) {
		err = populate_next_vma(mm, &start, end, &tried);
		if (err && err != -EAGAIN && !ignore_errors)
			break;
	}
	up_read(&mm->mmap_lock);
	return ignore_errors ? 0 : err;
}

int faultin_page_range(struct mm *mm, vaddr_t start, vaddr_t end, bool write)
{
	u32 flags = FOLL_TOUCH | FOLL_HWPOISON | FOLL_UNLOCKABLE | (write ? FOLL_WRITE : 0);

	while (start < end) {
		struct vm_area *vma = vma_lookup(mm, start);
		int err;

		if (!vma)
			return -ENOMEM;
		if (check_vma_flags(vma, flags))
			return -EINVAL;
		err = populate_pages(vma, &start, MIN(end, vma->end), &flags);
		if (err && err != -EAGAIN)
			return err;
	}
	return 0;
}
