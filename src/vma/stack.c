/* SPDX-License-Identifier: MIT */
/* A growing stack: a VM_GROWSDOWN vma moves its start down to meet a fault below it. */
#include "base/uapi.h"
#include "vma/merge.h"

/* A neighbour that can be used must stay a guard gap away; another stack need not. */
static bool too_close(const struct vm_area *vma, const struct vm_area *prev, vaddr_t addr)
{
	u64 guard = (u64)machine_of(vma)->config.stack_guard_gap_pages << PAGE_SHIFT;

	if (!prev || (prev->flags & VM_GROWSDOWN) || !vma_is_accessible(prev))
		return false;
	return addr - prev->end < guard;
}

/* The limits, and the promise of the memory. */
static int account_growth(struct vm_area *vma, vaddr_t addr, u64 grow_pages)
{
	struct mm *mm = vma->mm;

	if (!may_expand_vm(mm, vma->flags, grow_pages))
		return -ENOMEM;
	if (vma->end - addr > mm->rlimit[MM_RLIMIT_STACK])
		return -ENOMEM;
	if (!mlock_future_ok(mm, vma->flags, grow_pages << PAGE_SHIFT))
		return -ENOMEM;
	/* Only what the unmapping will take back; Linux promises here whatever the flags. */
	return vma->flags & VM_ACCOUNT ? vm_enough_memory(mm, grow_pages) : 0;
}

int expand_stack_locked(struct vm_area *vma, vaddr_t addr)
{
	struct mm *mm = vma->mm;
	u64 grow_pages;
	int err;

	VM_DEBUG_ON(!rwsem_is_write_locked(&mm->mmap_lock));
	addr &= PAGE_MASK;
	if (!(vma->flags & VM_GROWSDOWN))
		return -EFAULT;
	if (addr < machine_of(mm)->config.mmap_min_addr)
		return -EPERM;
	if (addr >= vma->start)
		return 0;
	if (too_close(vma, vma_prev(vma), addr))
		return -ENOMEM;
	/* So that there is a lock that keeps the reverse map out while the start moves. */
	err = vma_rmap_ops.prepare(vma);
	if (err)
		return err;

	grow_pages = (vma->start - addr) >> PAGE_SHIFT;
	if (grow_pages > vma->pgoff)
		return -ENOMEM;
	err = account_growth(vma, addr, grow_pages);
	if (err)
		return err;
	if (vma->flags & VM_LOCKED)
		mm->locked_vm += grow_pages;
	vm_stat_account(mm, vma->flags, (s64)grow_pages);
	vma_adjust(vma, addr, vma->end, vma->pgoff - grow_pages);
	return 0;
}
