/* SPDX-License-Identifier: MIT */
/*
 * mmap of private anonymous memory. The phases, as mmap_region() shows them:
 *
 *   check the request ─ find the place ─ allocate the vma ─ split what is in the way
 *      ─ limits ─ unmap what is in the way ─ merge with a neighbour, or link ─ account
 *
 * Everything that can fail comes before the unmapping. What a refused limit leaves behind are
 * the splits, as in Linux; a refused allocation leaves nothing.
 *
 * What is not modelled, and the answer:
 *   a file descriptor            -EBADF: a simulated process has none open
 *   MAP_HUGETLB                  -ENOMEM, as with an empty pool of huge pages; -EINVAL for
 *                                a size that x86 does not have
 *   MAP_SHARED | MAP_ANONYMOUS   -ENODEV
 */
#include "base/uapi.h"
#include "gup/gup.h"
#include "syscall/syscall_internal.h"
#include "vma/gap.h"

struct mmap_request {
	/* input */
	struct mm *mm;
	vaddr_t addr;
	u64 len;
	u32 prot, map_flags;

	/* fixed after checking */
	u64 vm_flags;

	/* scratch: allocated ahead, NULL once used */
	struct vm_area *vma;
};

static u64 calc_vm_flag_bits(u32 map_flags)
{
	return (map_flags & MAP_GROWSDOWN ? VM_GROWSDOWN : 0) |
	       (map_flags & MAP_LOCKED ? VM_LOCKED : 0) | (map_flags & MAP_SYNC ? VM_SYNC : 0) |
	       (map_flags & MAP_STACK ? VM_NOHUGEPAGE : 0);
}

/* What the kind of mapping adds to the flags, or refuses. */
static int check_map_type(struct mmap_request *req)
{
	switch (req->map_flags & MAP_TYPE) {
	case MAP_PRIVATE:
		break;
	case MAP_SHARED:
		return req->vm_flags & VM_GROWSDOWN ? -EINVAL : -ENODEV;
	case MAP_DROPPABLE:
		if (req->map_flags & (MAP_LOCKED | MAP_HUGETLB))
			return -EINVAL;
		if (req->vm_flags & VM_GROWSDOWN)
			return -EINVAL;
		req->vm_flags |= VM_DROPPABLE | VM_NORESERVE | VM_WIPEONFORK | VM_DONTDUMP;
		break;
	default:
		return -EINVAL;
	}
	if ((req->map_flags & MAP_NORESERVE) &&
	    machine_of(req->mm)->config.overcommit != OVERCOMMIT_NEVER)
		req->vm_flags |= VM_NORESERVE;
	return 0;
}

/* From the arguments to a place and flags; the order of the checks is Linux's. */
static int check_request(struct mmap_request *req)
{
	struct mm *mm = req->mm;
	u64 found;

	if (!req->len)
		return -EINVAL;
	if (req->map_flags & MAP_FIXED_NOREPLACE)
		req->map_flags |= MAP_FIXED;
	if (!(req->map_flags & MAP_FIXED))
		req->addr = round_hint_to_min(mm, req->addr);
	req->len = PAGE_ALIGN(req->len);
	if (!req->len)
		return -ENOMEM;
	if (mm->map_count > machine_of(mm)->config.max_map_count)
		return -ENOMEM;
	found = get_unmapped_area(mm, req->addr, req->len, req->map_flags);
	if (is_error_value(found))
		return (int)(s64)found;
	req->addr = found;
	if ((req->map_flags & MAP_FIXED_NOREPLACE) &&
	    find_vma_intersection(mm, req->addr, req->addr + req->len))
		return -EEXIST;
	if ((req->map_flags & MAP_LOCKED) && !can_do_mlock(mm))
		return -EPERM;
	req->vm_flags = calc_vm_prot_bits(req->prot) | calc_vm_flag_bits(req->map_flags) |
			mm->def_flags | VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC;
	if (!mlock_future_ok(mm, req->vm_flags, req->len))
		return -EAGAIN;
	return check_map_type(req);
}

/* Limits, and the promise of memory; what is unmapped counts as gone already. */
static int charge_request(struct mmap_request *req, struct unmap *unmap)
{
	u64 pages = req->len >> PAGE_SHIFT;
	int err;

	if (!may_expand_vm(req->mm, req->vm_flags, pages - unmap->pages))
		return -ENOMEM;
	if (!accountable_mapping(req->vm_flags))
		return 0;
	VM_BUG_ON2(unmap->accounted_pages > pages, unmap->accounted_pages, pages);
	err = vm_enough_memory(req->mm, pages - unmap->accounted_pages);
	if (err)
		return err;
	/* The promise of what goes is taken over. */
	unmap->accounted_pages = 0;
	req->vm_flags |= VM_ACCOUNT;
	return 0;
}

/* Put the range into the tree, with a neighbour if one takes it. */
static struct vm_area *link_request(struct mmap_request *req, const struct unmap *unmap)
{
	struct vma_merge merge = {
		.prev = unmap->prev,
		.next = unmap->next,
		.start = req->addr,
		.end = req->addr + req->len,
		.pgoff = req->addr >> PAGE_SHIFT,
		.flags = req->vm_flags,
	};
	struct vm_area *vma = vma_merge_new_range(&merge);

	if (vma)
		return vma;
	vma = req->vma;
	req->vma = NULL;
	vma->start = merge.start;
	vma->end = merge.end;
	vma->pgoff = merge.pgoff;
	vma_set_flags(vma, merge.flags);
	vma_link(req->mm, vma);
	return vma;
}

static void account_mapped(struct mmap_request *req, struct vm_area *vma)
{
	u64 pages = req->len >> PAGE_SHIFT;

	vm_stat_account(req->mm, vma->flags, (s64)pages);
	/* What may be dropped at any time cannot be locked, though all of the future shall be. */
	if (vma->flags & VM_DROPPABLE)
		vma_set_flags(vma, vma->flags & ~VM_LOCKED_MASK);
	if (vma->flags & VM_LOCKED)
		req->mm->locked_vm += pages;
	/* A new mapping, or one that grew, counts as written. */
	if (machine_of(vma)->config.soft_dirty)
		vma_set_flags(vma, vma->flags | VM_SOFTDIRTY);
}

static int mmap_region(struct mmap_request *req)
{
	struct mm *mm = req->mm;
	struct unmap unmap;
	int err;

	req->vma = vm_area_alloc(mm);
	if (!req->vma)
		return -ENOMEM;
	err = unmap_prepare(mm, req->addr, req->addr + req->len, &unmap);
	if (!err)
		err = charge_request(req, &unmap);
	if (!err) {
		unmap_commit(&unmap);
		account_mapped(req, link_request(req, &unmap));
	}
	if (req->vma)
		vm_area_free(req->vma);
	return err;
}

/* What has to be refused before the address space is looked at. */
static int check_arguments(u32 map_flags, u64 offset_bytes)
{
	u32 huge_size = (map_flags >> MAP_HUGE_SHIFT) & MAP_HUGE_MASK;

	if (PAGE_OFFSET_OF(offset_bytes))
		return -EINVAL;
	if (!(map_flags & MAP_ANONYMOUS))
		return -EBADF;
	if (map_flags & MAP_HUGETLB)
		return huge_size == 0 || huge_size == 21 || huge_size == 30 ? -ENOMEM : -EINVAL;
	return 0;
}

static s64 do_mmap(struct mmap_request *req, u64 offset_bytes)
{
	struct mm *mm = req->mm;
	bool populate;
	int err = check_arguments(req->map_flags, offset_bytes);

	if (err)
		return err;
	down_write(&mm->mmap_lock);
	err = check_request(req);
	if (!err)
		err = mmap_region(req);
	up_write(&mm->mmap_lock);
	if (err)
		return err;
	populate = (req->vm_flags & VM_LOCKED) ||
		   (req->map_flags & (MAP_POPULATE | MAP_NONBLOCK)) == MAP_POPULATE;
	if (populate)
		(void)mm_populate(mm, req->addr, req->len, true);
	return (s64)req->addr;
}

int64_t umm_mmap(struct umm_task *handle, uint64_t addr, uint64_t len_bytes, int prot, int flags,
		 int fd, uint64_t offset_bytes)
{
	struct task *task = (struct task *)handle;
	struct mmap_request req = {
		.mm = task->mm,
		.addr = addr,
		.len = len_bytes,
		.prot = (u32)prot,
		.map_flags = (u32)flags,
	};
	struct syscall call = syscall_enter(task, NR_MMAP, addr, len_bytes, (u32)prot, (u32)flags);

	(void)fd;
	return syscall_exit(&call, do_mmap(&req, offset_bytes));
}
