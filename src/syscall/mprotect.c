/* SPDX-License-Identifier: MIT */
/* mprotect: vma by vma; what was changed before an error stays changed, as in Linux. */
#include "base/uapi.h"
#include "gup/gup.h"
#include "range/range.h"
#include "syscall/syscall_internal.h"

#define PROT_SEM_BIT 0x8u
#define PROT_KNOWN (PROT_READ | PROT_WRITE | PROT_EXEC | PROT_SEM_BIT)

struct protect {
	struct mm *mm;
	struct mmu_gather tlb;
	vaddr_t start, end;
	u64 access; /* VM_READ, VM_WRITE, VM_EXEC */
	bool grows_down;
};

/* Becoming writable may cost a promise of memory; giving it up may give one back. */
static int account_new_flags(struct vm_area *vma, u64 pages, u64 *flags)
{
	struct mm *mm = vma->mm;

	if (!(*flags & VM_WRITE)) {
		if ((vma->flags & VM_ACCOUNT) && vma_is_anonymous(vma) && !vma->anon_vma)
			*flags &= ~VM_ACCOUNT;
		return 0;
	}
	if (!may_expand_vm(mm, *flags, pages) && may_expand_vm(mm, vma->flags, pages))
		return -ENOMEM;
	if (vma->flags & (VM_ACCOUNT | VM_WRITE | VM_HUGETLB | VM_SHARED | VM_NORESERVE))
		return 0;
	if (vm_enough_memory(mm, pages))
		return -ENOMEM;
	*flags |= VM_ACCOUNT;
	return 0;
}

/* [start, end) of vma gets new flags; *ret_vma holds it afterwards. */
static int protect_vma(struct protect *protect, struct vm_area *vma, vaddr_t start, vaddr_t end,
		       u64 flags, struct vm_area **ret_vma)
{
	struct mm *mm = protect->mm;
	u64 old = vma->flags;
	u64 pages = (end - start) >> PAGE_SHIFT;
	int err;

	*ret_vma = vma;
	if (flags == old)
		return 0;
	err = account_new_flags(vma, pages, &flags);
	if (err)
		return err;
	err = vma_modify_flags(vma, start, end, flags, ret_vma);
	if (err) {
		if ((flags & ~old) & VM_ACCOUNT)
			vm_unacct_memory(mm, pages);
		return err;
	}
	vma = *ret_vma;
	vma_set_flags(vma, flags | (vma->flags & VM_STICKY));
	(void)change_protection(&protect->tlb, vma, start, end, 0);
	if ((old & ~flags) & VM_ACCOUNT)
		vm_unacct_memory(mm, pages);
	vm_stat_account(mm, old, -(s64)pages);
	vm_stat_account(mm, flags, (s64)pages);
	/* Locked pages are there for reading; bring the private copies now, not at a fault. */
	if ((old & (VM_WRITE | VM_SHARED | VM_LOCKED)) == VM_LOCKED && (flags & VM_WRITE))
		(void)populate_vma_page_range(vma, start, end);
	return 0;
}

/* Find where to begin; PROT_GROWSDOWN moves the start down to that of a stack. */
static int protect_first(struct protect *protect, struct vm_area **ret_vma)
{
	struct vm_area *vma = find_vma(protect->mm, protect->start);

	if (!vma || vma->start >= protect->end)
		return -ENOMEM;
	if (protect->grows_down) {
		protect->start = vma->start;
		if (!(vma->flags & VM_GROWSDOWN))
			return -EINVAL;
	} else if (vma->start > protect->start) {
		return -ENOMEM;
	}
	*ret_vma = vma;
	return 0;
}

static int protect_range(struct protect *protect)
{
	struct vm_area *vma;
	vaddr_t addr;
	int err = protect_first(protect, &vma);

	if (err)
		return err;
	for (addr = protect->start; addr < protect->end; vma = vma_next(vma)) {
		u64 flags;

		if (!vma || vma->start > addr)
			return -ENOMEM;
		flags = (vma->flags & ~VM_ACCESS_FLAGS) | protect->access;
		/* VM_MAYREAD and its like stand four bits above what they allow. */
		if ((flags & ~(flags >> 4)) & VM_ACCESS_FLAGS)
			return -EACCES;
		err = protect_vma(protect, vma, addr, MIN(vma->end, protect->end), flags, &vma);
		if (err)
			return err;
		addr = vma->end;
	}
	return 0;
}

static int do_mprotect(struct mm *mm, vaddr_t start, u64 len, u32 prot)
{
	u32 grows = prot & (PROT_GROWSDOWN | PROT_GROWSUP);
	struct protect protect = { .mm = mm, .start = start };
	int err;

	prot &= ~grows;
	if (grows == (PROT_GROWSDOWN | PROT_GROWSUP) || PAGE_OFFSET_OF(start))
		return -EINVAL;
	if (!len)
		return 0;
	protect.end = start + PAGE_ALIGN(len);
	if (protect.end <= start)
		return -ENOMEM;
	if (prot & ~(u32)PROT_KNOWN)
		return -EINVAL;
	protect.access = calc_vm_prot_bits(prot);
	protect.grows_down = grows & PROT_GROWSDOWN;

	down_write(&mm->mmap_lock);
	tlb_gather_mmu(&protect.tlb, mm);
	if (grows & PROT_GROWSUP) {
		/* Nothing grows upwards here. */
		struct vm_area *vma = find_vma(mm, start);

		err = vma && vma->start <= start ? -EINVAL : -ENOMEM;
	} else {
		err = protect_range(&protect);
	}
	tlb_finish_mmu(&protect.tlb);
	up_write(&mm->mmap_lock);
	return err;
}

int umm_mprotect(struct umm_task *handle, uint64_t addr, uint64_t len_bytes, int prot)
{
	struct task *task = (struct task *)handle;
	struct syscall call = syscall_enter(task, NR_MPROTECT, addr, len_bytes, (u32)prot, 0);
	int err = do_mprotect(task->mm, addr, len_bytes, (u32)prot);

	return (int)syscall_exit(&call, err);
}
