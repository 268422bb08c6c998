/* SPDX-License-Identifier: MIT */
/*
 * mremap
 *
 *   same size                         nothing
 *   smaller                           unmap the tail
 *   larger, room behind the vma       extend it where it is
 *   larger, MREMAP_MAYMOVE            move
 *   MREMAP_FIXED                      unmap the target; unmap a tail; move
 *   MREMAP_FIXED, same size           the same for each vma of the range, holes kept
 *   MREMAP_DONTUNMAP                  move the pages, leave the old vma empty
 *   old length 0                      map shared memory a second time
 *
 * A move: a vma at the new place (with a neighbour, if one takes it), entries over, the old
 * range unmapped. When the entries cannot all be moved they are moved back and the new range
 * is unmapped instead.
 */
#include "base/uapi.h"
#include "gup/gup.h"
#include "range/range.h"
#include "rmap/anon_vma.h"
#include "syscall/syscall_internal.h"
#include "vma/copy.h"
#include "vma/gap.h"

/* What is told when mmap_lock is dropped, in this order. */
struct remap_events {
	struct uffd_notes target;     /* unmapped to make room */
	struct userfaultfd_ctx *uffd; /* of what moved, or NULL */
	vaddr_t from, to;
	u64 len;
	struct uffd_notes unmapped;
};

enum resize { RESIZE_NONE, RESIZE_SHRINK, RESIZE_EXPAND };

struct remap {
	/* input */
	struct mm *mm;
	vaddr_t addr, new_addr;
	u64 old_len, new_len; /* page aligned */
	u32 flags;
	struct remap_events *events;

	/* fixed after checking, for one vma */
	struct vm_area *vma;
	enum resize resize;
	u64 delta;     /* bytes of the resize */
	bool populate; /* the new part is locked */

	/* scratch */
	u64 charged_pages;
};

static bool implies_new_addr(const struct remap *remap)
{
	return remap->flags & (MREMAP_FIXED | MREMAP_DONTUNMAP);
}

/* ---- checking ------------------------------------------------------------------------------ */

static bool overlaps(const struct remap *remap)
{
	return remap->addr + remap->old_len > remap->new_addr &&
	       remap->new_addr + remap->new_len > remap->addr;
}

/* What can be said without looking at the address space, but for its number of vmas. */
static int check_arguments(const struct remap *remap)
{
	if (remap->flags & ~(u32)(MREMAP_FIXED | MREMAP_MAYMOVE | MREMAP_DONTUNMAP))
		return -EINVAL;
	if (PAGE_OFFSET_OF(remap->addr) || !remap->new_len || remap->new_len > TASK_SIZE)
		return -EINVAL;
	if (!implies_new_addr(remap))
		return 0;
	if (remap->new_addr > TASK_SIZE - remap->new_len || PAGE_OFFSET_OF(remap->new_addr))
		return -EINVAL;
	if (!(remap->flags & MREMAP_MAYMOVE))
		return -EINVAL;
	if ((remap->flags & MREMAP_DONTUNMAP) && remap->old_len != remap->new_len)
		return -EINVAL;
	if (overlaps(remap))
		return -EINVAL;
	/* Source and target may each be split in three before anything goes. */
	if (remap->mm->map_count + 2 >= machine_of(remap->mm)->config.max_map_count - 3)
		return -ENOMEM;
	return 0;
}

static void set_resize(struct remap *remap)
{
	if (remap->old_len == remap->new_len)
		remap->resize = RESIZE_NONE;
	else
		remap->resize = remap->old_len > remap->new_len ? RESIZE_SHRINK : RESIZE_EXPAND;
	remap->delta = remap->resize == RESIZE_SHRINK ? remap->old_len - remap->new_len :
							remap->new_len - remap->old_len;
}

/* Whether growing by delta is within the vma's rights and the process's limits. */
static int check_expand(struct remap *remap)
{
	const struct vm_area *vma = remap->vma;
	pgoff_t pgoff = linear_page_index(vma, remap->addr);

	if (vma->flags & VM_LOCKED)
		remap->populate = true;
	if (pgoff + (remap->new_len >> PAGE_SHIFT) < pgoff)
		return -EINVAL;
	if (vma->flags & (VM_DONTEXPAND | VM_PFNMAP))
		return -EFAULT;
	if (!mlock_future_ok(remap->mm, vma->flags, remap->delta))
		return -EAGAIN;
	if (!may_expand_vm(remap->mm, vma->flags, remap->delta >> PAGE_SHIFT))
		return -ENOMEM;
	return 0;
}

static int check_vma(struct remap *remap)
{
	const struct vm_area *vma = remap->vma;
	u64 old_len;

	if (!vma)
		return -EFAULT;
	set_resize(remap);
	if (!implies_new_addr(remap))
		remap->new_addr = remap->addr;
	if (remap->resize != RESIZE_EXPAND && !implies_new_addr(remap))
		return 0;
	/* Length zero asks for a second mapping of shared memory. */
	if (!remap->old_len && !(vma->flags & (VM_SHARED | VM_MAYSHARE)))
		return -EINVAL;
	if ((remap->flags & MREMAP_DONTUNMAP) && (vma->flags & (VM_DONTEXPAND | VM_PFNMAP)))
		return -EINVAL;
	old_len = remap->resize == RESIZE_SHRINK ? remap->new_len : remap->old_len;
	if (old_len > vma->end - remap->addr)
		return -EFAULT;
	if (remap->new_len == old_len)
		return 0;
	return check_expand(remap);
}

/* ---- accounting ---------------------------------------------------------------------------- */

static int charge(struct remap *remap)
{
	u64 bytes = remap->flags & MREMAP_DONTUNMAP ? remap->new_len : remap->delta;

	remap->charged_pages = 0;
	if (!(remap->vma->flags & VM_ACCOUNT))
		return 0;
	if (vm_enough_memory(remap->mm, bytes >> PAGE_SHIFT))
		return -ENOMEM;
	remap->charged_pages = bytes >> PAGE_SHIFT;
	return 0;
}

static void account_mapped(struct remap *remap, u64 flags, u64 bytes)
{
	vm_stat_account(remap->mm, flags, (s64)(bytes >> PAGE_SHIFT));
	if (flags & VM_LOCKED)
		remap->mm->locked_vm += bytes >> PAGE_SHIFT;
}

/* ---- moving --------------------------------------------------------------------------------- */

static int set_new_addr(struct remap *remap)
{
	u32 map_flags = remap->flags & MREMAP_FIXED ? MAP_FIXED : 0;
	u64 found = get_unmapped_area(remap->mm, remap->vma->file,
				      implies_new_addr(remap) ? remap->new_addr : 0, remap->new_len,
				      map_flags);

	if (is_error_value(found))
		return (int)(s64)found;
	remap->new_addr = found;
	return 0;
}

/*
 * Entries over to new_vma; on failure back again, and then it is the new range that has to be
 * unmapped: remap names that one.
 */
static int move_entries(struct remap *remap, struct vm_area *new_vma)
{
	u64 moved =
		move_page_tables(remap->vma, remap->addr, new_vma, remap->new_addr, remap->old_len);
	u64 back;

	if (moved == remap->old_len)
		return 0;
	/* The tables that it came from are still there. */
	back = move_page_tables(new_vma, remap->new_addr, remap->vma, remap->addr, moved);
	VM_BUG_ON2(back != moved, back, moved);
	remap->vma = new_vma;
	remap->old_len = remap->new_len;
	remap->addr = remap->new_addr;
	return -ENOMEM;
}

/*
 * The promise of memory has moved with the pages, so unmapping must not take it back: hide it
 * from the vma meanwhile, and give it again to what remains on either side.
 */
static void unmap_source(struct remap *remap, struct uffd_notes *notes)
{
	struct mm *mm = remap->mm;
	struct vm_area *vma = remap->vma;
	vaddr_t start = vma->start, end = vma->end;
	vaddr_t addr = remap->addr, addr_end = remap->addr + remap->old_len;
	bool hide = (vma->flags & VM_ACCOUNT) && !(remap->flags & MREMAP_DONTUNMAP);
	int err;

	if (hide)
		vma_set_flags(vma, vma->flags & ~VM_ACCOUNT);
	err = do_munmap(mm, addr, remap->old_len, notes);
	remap->vma = NULL;
	if (!hide)
		return;
	if (err) /* no memory to split: both ranges stay, and both count */
		atomic64_add(&machine_of(mm)->committed_pages, (s64)(remap->old_len >> PAGE_SHIFT));
	if (err || start < addr) {
		vma = vma_lookup(mm, start);
		vma_set_flags(vma, vma->flags | VM_ACCOUNT);
	}
	if (!err && addr_end < end) {
		vma = vma_lookup(mm, addr_end);
		vma_set_flags(vma, vma->flags | VM_ACCOUNT);
	}
}

/* The old vma stays, without pages and without locks. */
static void finish_dontunmap(struct remap *remap, struct vm_area *new_vma)
{
	struct vm_area *vma = remap->vma;
	bool whole = remap->addr == vma->start && remap->addr + remap->old_len == vma->end;

	if (vma->flags & VM_LOCKED)
		remap->mm->locked_vm_lost += vma_pages(vma);
	vma_set_flags(vma, vma->flags & ~VM_LOCKED_MASK);
	if (new_vma != vma && whole)
		unlink_anon_vmas(vma);
}

/*
 * Split the source from the rest of its vma ahead, and note who is to be told, so that unmapping it
 * cannot fail after the pages have moved. Nothing is split when the vma has no pages and the new
 * range touches it: what remains of it may merge with the new range, and must be found whole.
 */
static int split_source(struct remap *remap, struct unmap *ret_source)
{
	const struct vm_area *vma = remap->vma;
	struct unmap source = {
		.mm = remap->mm,
		.start = remap->addr,
		.end = remap->addr + remap->old_len,
		.notes = &remap->events->unmapped,
	};
	bool touches =
		remap->new_addr == vma->end || remap->new_addr + remap->new_len == vma->start;
	int err;

	if ((remap->flags & MREMAP_DONTUNMAP) || !remap->old_len)
		return 0;
	if (touches && vma_is_anonymous(vma) && !vma->anon_vma)
		err = unmap_note(&source);
	else
		err = unmap_prepare(&source);
	if (err) {
		userfaultfd_unmap_forget(source.notes, source.start, source.end);
		return err;
	}
	*ret_source = source;
	remap->vma = vma_lookup(remap->mm, remap->addr);
	return 0;
}

/* Its handler is told where it went, or has nothing to do with it any more. */
static void note_move(const struct remap *remap, struct vm_area *new_vma)
{
	struct remap_events *events = remap->events;
	bool protected = new_vma->flags & VM_UFFD_WP;

	events->uffd = mremap_userfaultfd_prep(new_vma);
	/* What it was merged with is let go of as well, but as it is. */
	if (protected && !(new_vma->flags & VM_UFFD_WP) &&
	    new_vma->end - new_vma->start > remap->new_len)
		WRITE_ONCE(remap->mm->uffd_wp_stale, true);
	/* The old place as well, then: it goes without a word. */
	if (!remap->vma->uffd)
		userfaultfd_unmap_forget(&events->unmapped, remap->addr,
					 remap->addr + remap->old_len);
	events->from = remap->addr;
	events->to = remap->new_addr;
	events->len = remap->old_len;
}

/* A vma at the new place, and the entries there; the old range is as it was on failure. */
static int copy_and_move(struct remap *remap)
{
	struct mm *mm = remap->mm;
	u64 flags = remap->vma->flags;
	u64 hiwater_vm = mm->hiwater_vm;
	struct vm_area *new_vma;
	int err;

	new_vma = copy_vma(&remap->vma, remap->addr, remap->new_addr, remap->new_len);
	if (!new_vma)
		return -ENOMEM;
	err = move_entries(remap, new_vma);
	if (!err)
		note_move(remap, new_vma);
	account_mapped(remap, flags, remap->new_len);
	if (!err && (remap->flags & MREMAP_DONTUNMAP))
		finish_dontunmap(remap, new_vma);
	else if (remap->old_len)
		unmap_source(remap, err ? NULL : &remap->events->unmapped);
	if (err && (remap->flags & MREMAP_DONTUNMAP))
		remap->charged_pages = 0; /* goes, or stays, with the new range */
	/* Both places at once were never the process's to see. */
	mm->hiwater_vm = hiwater_vm;
	return err;
}

static int move_vma(struct remap *remap)
{
	struct mm *mm = remap->mm;
	struct unmap source = { .mm = mm };
	int err;

	if (mm->map_count >= machine_of(mm)->config.max_map_count - 3)
		return -ENOMEM;
	err = charge(remap);
	if (err)
		return err;
	err = split_source(remap, &source);
	if (!err) {
		err = copy_and_move(remap);
		if (err)
			unmap_cancel(&source);
	}
	if (err)
		vm_unacct_memory(mm, remap->charged_pages);
	return err;
}

/* ---- the ways of mremap ---------------------------------------------------------------------- */

static int shrink_vma(struct remap *remap)
{
	return do_munmap(remap->mm, remap->addr + remap->new_len, remap->delta,
			 &remap->events->unmapped);
}

/* To a given place (MREMAP_FIXED), or anywhere but here (MREMAP_DONTUNMAP). */
static int remap_to(struct remap *remap)
{
	int err;

	if (remap->flags & MREMAP_FIXED) {
		err = do_munmap(remap->mm, remap->new_addr, remap->new_len, &remap->events->target);
		if (err)
			return err;
		/* The target may have been cut out of the same vma. */
		remap->vma = vma_lookup(remap->mm, remap->addr);
		if (!remap->vma)
			return -EFAULT;
	}
	if (remap->resize == RESIZE_SHRINK) {
		err = shrink_vma(remap);
		if (err)
			return err;
		remap->old_len = remap->new_len;
		remap->delta = 0;
		remap->vma = vma_lookup(remap->mm, remap->addr);
	}
	if ((remap->flags & MREMAP_DONTUNMAP) &&
	    !may_expand_vm(remap->mm, remap->vma->flags, remap->old_len >> PAGE_SHIFT))
		return -ENOMEM;
	err = set_new_addr(remap);
	return err ? err : move_vma(remap);
}

static bool can_expand_in_place(const struct remap *remap)
{
	const struct vm_area *vma = remap->vma;
	vaddr_t end = vma->end + remap->delta;

	if (vma->end - remap->addr != remap->old_len || end < vma->end)
		return false;
	if (find_vma_intersection(remap->mm, vma->end, end))
		return false;
	return !is_error_value(
		get_unmapped_area(remap->mm, vma->file, vma->start, end - vma->start, MAP_FIXED));
}

/* The new part merges with the vma itself, and perhaps with what follows. */
static int expand_in_place(struct remap *remap)
{
	struct vm_area *vma = remap->vma;
	struct vma_merge merge = {
		.prev = vma,
		.next = vma_next(vma),
		.start = vma->end,
		.end = vma->end + remap->delta,
		.pgoff = vma->pgoff + vma_pages(vma),
		.flags = vma->flags,
		.file = vma->file,
		.anon_vma = vma->anon_vma,
		.uffd = vma->uffd,
	};

	if (charge(remap))
		return -ENOMEM;
	vma = vma_merge_new_range(&merge);
	if (!vma) {
		vm_unacct_memory(remap->mm, remap->charged_pages);
		return -ENOMEM;
	}
	remap->vma = vma;
	account_mapped(remap, vma->flags, remap->delta);
	return 0;
}

static int remap_at(struct remap *remap)
{
	int err;

	switch (remap->resize) {
	case RESIZE_NONE:
		return 0;
	case RESIZE_SHRINK:
		return shrink_vma(remap);
	case RESIZE_EXPAND:
		if (can_expand_in_place(remap))
			return expand_in_place(remap);
		if (!(remap->flags & MREMAP_MAYMOVE))
			return -ENOMEM;
		err = set_new_addr(remap);
		return err ? err : move_vma(remap);
	}
	VM_UNREACHABLE();
}

/*
 * A move to a fixed place without resizing: all vmas of the range, with the holes between. What a
 * handler has to be told of is moved alone.
 */
static s64 move_range(const struct remap *whole)
{
	vaddr_t addr = whole->addr, end = whole->addr + whole->old_len;
	vaddr_t to = whole->new_addr;
	s64 ret = -EFAULT;

	while (addr < end) {
		struct vm_area *vma = find_vma(whole->mm, addr);
		struct remap part = *whole;
		int err;

		if (!vma || vma->start >= end)
			break;
		if (addr < vma->start) {
			if (addr == whole->addr)
				return -EFAULT;
			to += vma->start - addr;
			addr = vma->start;
		}
		if (userfaultfd_armed(vma) && (ret >= 0 || vma->end < end))
			return -EFAULT;
		part.vma = vma;
		part.addr = addr;
		part.new_addr = to;
		part.old_len = MIN(vma->end, end) - addr;
		part.new_len = part.old_len;
		addr += part.old_len;
		err = check_vma(&part);
		if (!err)
			err = remap_to(&part);
		if (err)
			return err;
		if (ret < 0)
			ret = (s64)part.new_addr;
		to = part.new_addr + part.new_len;
	}
	return ret;
}

static s64 remap_locked(struct remap *remap)
{
	int err;

	if ((remap->flags & MREMAP_FIXED) && remap->old_len == remap->new_len)
		return move_range(remap);
	remap->vma = vma_lookup(remap->mm, remap->addr);
	err = check_vma(remap);
	if (!err)
		err = implies_new_addr(remap) ? remap_to(remap) : remap_at(remap);
	return err ? err : (s64)remap->new_addr;
}

static void tell_events(struct remap_events *events)
{
	userfaultfd_unmap_complete(&events->target);
	mremap_userfaultfd_complete(events->uffd, events->from, events->to, events->len);
	userfaultfd_unmap_complete(&events->unmapped);
}

static s64 do_mremap(struct remap *remap)
{
	struct mm *mm = remap->mm;
	u64 old_len = remap->old_len;
	s64 ret;

	down_write(&mm->mmap_lock);
	ret = check_arguments(remap);
	if (!ret)
		ret = remap_locked(remap);
	up_write(&mm->mmap_lock);
	if (MUTANT(mremap_flushes_late) && ret >= 0)
		flush_tlb_range(mm, remap->addr, remap->addr + old_len);
	/* Before anyone is told that it moved: nothing can be filled until then. */
	if (ret >= 0 && remap->populate)
		(void)mm_populate(mm, (u64)ret + old_len, remap->delta, true);
	tell_events(remap->events);
	return ret;
}

int64_t umm_mremap(struct umm_task *handle, uint64_t old_addr, uint64_t old_bytes,
		   uint64_t new_bytes, int flags, uint64_t new_addr)
{
	struct task *task = (struct task *)handle;
	struct remap_events events = { .uffd = NULL };
	struct remap remap = {
		.mm = task->mm,
		.addr = old_addr,
		.old_len = PAGE_ALIGN(old_bytes),
		.new_len = PAGE_ALIGN(new_bytes),
		.flags = (u32)flags,
		.new_addr = new_addr,
		.events = &events,
	};
	struct syscall call =
		syscall_enter(task, NR_MREMAP, old_addr, old_bytes, new_bytes, (u32)flags);

	return syscall_exit(&call, do_mremap(&remap));
}
