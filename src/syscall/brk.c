/* SPDX-License-Identifier: MIT */
/* brk: the heap grows from a fixed start; any refusal just returns the break as it is. */
#include "base/uapi.h"
#include "gup/gup.h"
#include "syscall/syscall_internal.h"
#include "vma/gap.h"

#define HEAP_FLAGS (VM_READ | VM_WRITE | VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC | VM_ACCOUNT)

/* A program has data of its own that counts too, so a limit of zero is always passed. */
static bool over_data_limit(const struct mm *mm, vaddr_t brk)
{
	u64 limit = mm->rlimit[MM_RLIMIT_DATA];

	return limit != MM_RLIM_INFINITY && (!limit || brk - mm->brk_start > limit);
}

/* The heap's vma must be there, up to the old break. */
static bool shrink_heap(struct mm *mm, vaddr_t new_end, vaddr_t old_end, struct uffd_notes *notes)
{
	struct vm_area *vma = find_vma(mm, new_end);
	struct unmap unmap = { .mm = mm, .start = new_end, .end = old_end, .notes = notes };

	if (!vma || vma->start >= old_end)
		return false;
	if (unmap_prepare(&unmap))
		return false;
	unmap_commit(&unmap);
	return true;
}

/* Room above, with the guard gap of a stack that may be there. */
static bool room_above(struct mm *mm, vaddr_t old_end, vaddr_t new_end)
{
	u64 len = new_end - old_end;
	struct vm_area *next;

	if (len > TASK_SIZE || is_error_value(get_unmapped_area(mm, NULL, old_end, len, MAP_FIXED)))
		return false;
	if (!mlock_future_ok(mm, mm->def_flags, len))
		return false;
	next = find_vma(mm, old_end);
	return !next || new_end + PAGE_SIZE <= vm_start_gap(next);
}

/* Extend the heap's vma, or begin it. What lies above the heap is never merged with. */
static bool link_heap(struct mm *mm, vaddr_t start, vaddr_t end, u64 flags, struct vm_area *prev)
{
	struct vma_merge merge = {
		.prev = prev,
		.start = start,
		.end = end,
		.pgoff = start >> PAGE_SHIFT,
		.flags = flags,
	};
	struct vm_area *vma = NULL;

	if (prev && prev->end == start)
		vma = vma_merge_new_range(&merge);
	if (!vma) {
		vma = vm_area_alloc(mm);
		if (!vma)
			return false;
		vma->start = start;
		vma->end = end;
		vma->pgoff = merge.pgoff;
		vma_set_flags(vma, flags);
		vma_link(mm, vma);
	}
	if (machine_of(mm)->config.soft_dirty)
		vma_set_flags(vma, vma->flags | VM_SOFTDIRTY);
	return true;
}

static bool grow_heap(struct mm *mm, vaddr_t old_end, vaddr_t new_end)
{
	u64 pages = (new_end - old_end) >> PAGE_SHIFT;
	u64 flags = HEAP_FLAGS | mm->def_flags;
	struct vm_area *next = find_vma(mm, old_end);
	struct vm_area *prev = next ? vma_prev(next) : vma_last(mm);

	if (prev && prev->start < mm->brk_start)
		prev = NULL;
	if (!may_expand_vm(mm, flags, pages) ||
	    mm->map_count > machine_of(mm)->config.max_map_count || vm_enough_memory(mm, pages))
		return false;
	if (!link_heap(mm, old_end, new_end, flags, prev)) {
		vm_unacct_memory(mm, pages);
		return false;
	}
	vm_stat_account(mm, flags, (s64)pages);
	if (flags & VM_LOCKED)
		mm->locked_vm += pages;
	return true;
}

/* Returns whether the new part is to be populated. mmap_lock held for write. */
static bool set_brk(struct mm *mm, vaddr_t brk, struct uffd_notes *notes)
{
	vaddr_t old_end = PAGE_ALIGN(mm->brk);
	vaddr_t new_end = PAGE_ALIGN(brk);

	if (brk < mm->brk_start || over_data_limit(mm, brk))
		return false;
	if (new_end == old_end) {
		mm->brk = brk;
		return false;
	}
	if (brk <= mm->brk) {
		if (shrink_heap(mm, new_end, old_end, notes))
			mm->brk = brk;
		return false;
	}
	if (!room_above(mm, old_end, new_end) || !grow_heap(mm, old_end, new_end))
		return false;
	mm->brk = brk;
	return mm->def_flags & VM_LOCKED;
}

uint64_t umm_brk(struct umm_task *handle, uint64_t addr)
{
	struct task *task = (struct task *)handle;
	struct syscall call = syscall_enter(task, NR_BRK, addr, 0, 0, 0);
	struct uffd_notes notes = { 0 };
	struct mm *mm = task->mm;
	vaddr_t old, now;
	bool populate;

	down_write(&mm->mmap_lock);
	old = PAGE_ALIGN(mm->brk);
	populate = set_brk(mm, addr, &notes);
	now = mm->brk;
	up_write(&mm->mmap_lock);
	userfaultfd_unmap_complete(&notes);
	if (populate)
		(void)mm_populate(mm, old, PAGE_ALIGN(now) - old, true);
	return (u64)syscall_exit(&call, (s64)now);
}
