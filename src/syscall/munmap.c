/* SPDX-License-Identifier: MIT */
/*
 * munmap, and the unmapping that mmap, mremap, brk and exit do.
 *
 *   before   AAAAAAAA   BBBB  CCCCCC
 *   range        [-------------)
 *   prepare  AAAAaaaa   BBBB  cccCCC     split at both ends, count
 *   commit   AAAA                CCC     zap, free tables, flush, then the vmas
 */
#include "base/mutant.h"
#include "base/uapi.h"
#include "range/range.h"
#include "rmap/anon_vma.h"
#include "syscall/syscall_internal.h"

/* Split at both ends of the range, or at neither. */
static int split_ends(struct unmap *unmap)
{
	struct mm *mm = unmap->mm;
	struct vm_area *first = find_vma(mm, unmap->start);
	struct vm_area *last, *upper;
	int err;

	if (first && first->start < unmap->start) {
		/* In the end there must not be more vmas than allowed; meanwhile there may. */
		if (unmap->end < first->end &&
		    mm->map_count >= machine_of(mm)->config.max_map_count)
			return -ENOMEM;
		err = vma_split_nolimit(first, unmap->start, &upper);
		if (err)
			return err;
		unmap->split_start = true;
	}
	last = vma_lookup(mm, unmap->end - 1);
	if (last && unmap->end < last->end) {
		err = vma_split_nolimit(last, unmap->end, &upper);
		if (err) {
			unmap_cancel(unmap);
			return err;
		}
		unmap->split_end = true;
	}
	return 0;
}

void unmap_cancel(const struct unmap *unmap)
{
	struct mm *mm = unmap->mm;

	if (unmap->notes)
		userfaultfd_unmap_forget(unmap->notes, unmap->start, unmap->end);
	if (unmap->split_end)
		vma_unsplit(vma_lookup(mm, unmap->end - 1), vma_lookup(mm, unmap->end));
	if (unmap->split_start)
		vma_unsplit(vma_lookup(mm, unmap->start - 1), vma_lookup(mm, unmap->start));
}

int unmap_note(const struct unmap *unmap)
{
	struct vm_area *vma;
	int err = 0;

	if (!unmap->notes)
		return 0;
	for_each_vma_range(unmap->mm, vma, unmap->start, unmap->end) {
		err = userfaultfd_unmap_prep(vma, unmap->start, unmap->end, unmap->notes);
		if (err)
			break;
	}
	return err;
}

int unmap_prepare(struct unmap *unmap)
{
	vaddr_t start = unmap->start, end = unmap->end;
	struct mm *mm = unmap->mm;
	struct vm_area *vma;
	int err;

	VM_DEBUG_ON(!rwsem_is_write_locked(&mm->mmap_lock) && !MUTANT(munmap_reads_mmap_lock));
	VM_BUG_ON2(start >= end || end > TASK_SIZE, start, end);
	if (find_vma_intersection(mm, start, end)) {
		err = split_ends(unmap);
		if (err)
			return err;
		err = unmap_note(unmap);
		if (err) {
			unmap_cancel(unmap);
			return err;
		}
	}
	for_each_vma_range(mm, vma, start, end) {
		unmap->pages += vma_pages(vma);
		if (vma->flags & VM_LOCKED)
			unmap->locked_pages += vma_pages(vma);
		if (vma->flags & VM_ACCOUNT)
			unmap->accounted_pages += vma_pages(vma);
	}
	unmap->next = vma;
	unmap->prev = vma ? vma_prev(vma) : vma_last(mm);
	while (unmap->prev && unmap->prev->start >= start)
		unmap->prev = vma_prev(unmap->prev);
	return 0;
}

/* Pages and tables of the range go, and every CPU has forgotten them. */
static void unmap_region(const struct unmap *unmap)
{
	struct mm *mm = unmap->mm;
	struct mmu_gather tlb;
	struct vm_area *vma;

	update_hiwater_rss(mm);
	tlb_gather_mmu(&tlb, mm);
	for_each_vma_range(mm, vma, unmap->start, unmap->end)
		unmap_page_range(&tlb, vma, vma->start, vma->end, NULL);
	/* No reverse map walk may come to a table that is about to go. */
	for_each_vma_range(mm, vma, unmap->start, unmap->end) {
		unlink_anon_vmas(vma);
		vma_unlink_file(vma);
	}
	free_pgtables(&tlb, unmap->start, unmap->end, unmap->prev ? unmap->prev->end : 0,
		      unmap->next ? unmap->next->start : ~0ull);
	tlb_finish_mmu(&tlb);
}

void unmap_commit(struct unmap *unmap)
{
	struct mm *mm = unmap->mm;
	struct vm_area *vma, *next;

	if (!unmap->pages)
		return;
	unmap_region(unmap);
	update_hiwater_vm(mm);
	for (vma = find_vma(mm, unmap->start); vma != unmap->next; vma = next) {
		next = vma_next(vma);
		vm_stat_account(mm, vma->flags, -(s64)vma_pages(vma));
		vma_remove(vma);
	}
	mm->locked_vm -= unmap->locked_pages;
	vm_unacct_memory(mm, unmap->accounted_pages);
}

int do_munmap(struct mm *mm, vaddr_t start, u64 len, struct uffd_notes *notes)
{
	struct unmap unmap = { .mm = mm, .start = start, .notes = notes };
	int err;

	if (PAGE_OFFSET_OF(start) || start > TASK_SIZE || len > TASK_SIZE - start)
		return -EINVAL;
	unmap.end = start + PAGE_ALIGN(len);
	if (unmap.end == start)
		return -EINVAL;
	err = unmap_prepare(&unmap);
	if (!err)
		unmap_commit(&unmap);
	return err;
}

int umm_munmap(struct umm_task *handle, uint64_t addr, uint64_t len_bytes)
{
	struct task *task = (struct task *)handle;
	struct syscall call = syscall_enter(task, NR_MUNMAP, addr, len_bytes, 0, 0);
	struct uffd_notes notes = { 0 };
	struct mm *mm = task->mm;
	int err;

	if (MUTANT(munmap_reads_mmap_lock)) {
		down_read(&mm->mmap_lock);
		err = do_munmap(mm, addr, len_bytes, NULL);
		up_read(&mm->mmap_lock);
		return (int)syscall_exit(&call, err);
	}
	down_write(&mm->mmap_lock);
	err = do_munmap(mm, addr, len_bytes, &notes);
	up_write(&mm->mmap_lock);
	userfaultfd_unmap_complete(&notes);
	return (int)syscall_exit(&call, err);
}
