/* SPDX-License-Identifier: MIT */
/*
 * mmap. The phases, as mmap_region() shows them:
 *
 *   check the request ─ find the place ─ allocate the vma, the file of shared anonymous memory
 *      ─ split what is in the way ─ limits ─ unmap what is in the way ─ merge with a neighbour,
 *      or link ─ account
 *
 * Everything that can fail comes before the unmapping. What a refused limit leaves behind are
 * the splits, as in Linux; a refused allocation leaves nothing.
 *
 * What is not modelled, and the answer: MAP_HUGETLB is -ENOMEM, as with an empty pool of huge
 * pages, and -EINVAL for a size that x86 does not have.
 */
#include "base/uapi.h"
#include "filemap/filemap.h"
#include "gup/gup.h"
#include "shmem/shmem.h"
#include "syscall/syscall_internal.h"
#include "vma/gap.h"

struct mmap_request {
	/* input */
	struct mm *mm;
	vaddr_t addr;
	u64 len;
	u32 prot, map_flags;
	struct file *file; /* held; NULL: anonymous, or made for it when that is shared */
	pgoff_t pgoff;     /* in the file; of anonymous memory fixed after checking */

	/* fixed after checking */
	u64 vm_flags;

	/* scratch: allocated ahead, NULL once used */
	struct vm_area *vma;
	struct uffd_notes notes; /* of what was in the way */
};

/* What MAP_SHARED_VALIDATE knows; MAP_SHARED passes over the rest. */
#define SHARED_VALIDATE_FLAGS                                                                \
	((u32)(MAP_SHARED | MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS | MAP_DENYWRITE |        \
	       MAP_EXECUTABLE | MAP_GROWSDOWN | MAP_LOCKED | MAP_NORESERVE | MAP_POPULATE |  \
	       MAP_NONBLOCK | MAP_STACK | MAP_HUGETLB | MAP_HUGE_2MB | MAP_HUGE_1GB | 0x40 | \
	       0x80))

static const enum vma_backing file_backing[NR_INODE_KINDS] = {
	[INODE_SHMEM] = VMA_SHMEM,
	[INODE_REGULAR] = VMA_FILE,
};

static u64 calc_vm_flag_bits(u32 map_flags)
{
	return (map_flags & MAP_GROWSDOWN ? VM_GROWSDOWN : 0) |
	       (map_flags & MAP_LOCKED ? VM_LOCKED : 0) | (map_flags & MAP_SYNC ? VM_SYNC : 0) |
	       (map_flags & MAP_STACK ? VM_NOHUGEPAGE : 0);
}

/* What the kind of mapping adds to the flags of anonymous memory, or refuses. */
static int check_anonymous_type(struct mmap_request *req)
{
	switch (req->map_flags & MAP_TYPE) {
	case MAP_PRIVATE:
		req->pgoff = req->addr >> PAGE_SHIFT;
		return 0;
	case MAP_SHARED:
		if (req->vm_flags & VM_GROWSDOWN)
			return -EINVAL;
		req->vm_flags |= VM_SHARED | VM_MAYSHARE;
		req->pgoff = 0;
		return 0;
	case MAP_DROPPABLE:
		if (req->map_flags & (MAP_LOCKED | MAP_HUGETLB))
			return -EINVAL;
		if (req->vm_flags & VM_GROWSDOWN)
			return -EINVAL;
		req->vm_flags |= VM_DROPPABLE | VM_NORESERVE | VM_WIPEONFORK | VM_DONTDUMP;
		req->pgoff = req->addr >> PAGE_SHIFT;
		return 0;
	default:
		return -EINVAL;
	}
}

/* A shared mapping: what the file was opened for is what can be done. */
static int check_shared_file(struct mmap_request *req)
{
	bool writable = req->file->mode & FMODE_WRITE;

	if ((req->prot & PROT_WRITE) && !writable)
		return -EACCES;
	req->vm_flags |= VM_SHARED | VM_MAYSHARE;
	if (!writable)
		req->vm_flags &= ~(VM_MAYWRITE | VM_SHARED);
	return 0;
}

/* A seal against writing keeps shared mappings from being writable, or from becoming it. */
static int check_seals(struct mmap_request *req)
{
	u32 seals = READ_ONCE(req->file->inode->seals);

	if (!(seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)) || !(req->vm_flags & VM_SHARED))
		return 0;
	if (req->vm_flags & VM_WRITE)
		return -EPERM;
	req->vm_flags &= ~VM_MAYWRITE;
	return 0;
}

static int check_file_type(struct mmap_request *req)
{
	bool is_regular = !req->file->uffd && req->file->inode->kind == INODE_REGULAR;
	/* The last byte of a file is at most the largest offset there is; others have no size. */
	u64 most = req->file->uffd ? ~0ull : MAX_FILE_BYTES;
	int err = 0;

	if (req->len > most || req->pgoff > (most - req->len) >> PAGE_SHIFT)
		return -EOVERFLOW;
	switch (req->map_flags & MAP_TYPE) {
	case MAP_SHARED:
		err = check_shared_file(req);
		break;
	case MAP_SHARED_VALIDATE:
		if (req->map_flags & ~(SHARED_VALIDATE_FLAGS | (is_regular ? MAP_SYNC : 0)))
			return -EOPNOTSUPP;
		err = check_shared_file(req);
		break;
	case MAP_PRIVATE:
		break;
	default:
		return -EINVAL;
	}
	if (err)
		return err;
	if (!(req->file->mode & FMODE_READ))
		return -EACCES;
	/* It is where nothing may be executed, which is asked before whether it can be mapped. */
	if (req->file->uffd)
		return req->vm_flags & VM_EXEC ? -EPERM : -ENODEV;
	if (req->vm_flags & VM_GROWSDOWN)
		return -EINVAL;
	/* It would have to be persistent memory. */
	if (is_regular && (req->vm_flags & VM_SYNC))
		return -EOPNOTSUPP;
	return check_seals(req);
}

/* From the arguments to a place and flags; the order of the checks is Linux's. */
static int check_request(struct mmap_request *req)
{
	struct mm *mm = req->mm;
	u64 found;
	int err;

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
	found = get_unmapped_area(mm, req->file, req->addr, req->len, req->map_flags);
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
	err = req->file ? check_file_type(req) : check_anonymous_type(req);
	if (err)
		return err;
	if ((req->map_flags & MAP_NORESERVE) &&
	    machine_of(req->mm)->config.overcommit != OVERCOMMIT_NEVER)
		req->vm_flags |= VM_NORESERVE;
	return 0;
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
		.pgoff = req->pgoff,
		.flags = req->vm_flags,
		.file = req->file,
	};
	struct vm_area *vma = vma_merge_new_range(&merge);

	if (vma)
		return vma;
	vma = req->vma;
	req->vma = NULL;
	vma->start = merge.start;
	vma->end = merge.end;
	vma->pgoff = merge.pgoff;
	if (req->file) {
		vma->file = req->file;
		get_file(req->file);
		vma->backing = file_backing[req->file->inode->kind];
	}
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

/* Shared anonymous memory is a file of its own, which nobody can open. */
static int set_up_shared_anonymous(struct mmap_request *req)
{
	if (req->file || !(req->vm_flags & VM_SHARED))
		return 0;
	return shmem_file_setup(machine_of(req->mm), "/dev/zero", req->len, req->vm_flags,
				&req->file);
}

static int mmap_prepared_region(struct mmap_request *req)
{
	struct unmap unmap = {
		.mm = req->mm,
		.start = req->addr,
		.end = req->addr + req->len,
		.notes = &req->notes,
	};
	int err = unmap_prepare(&unmap);

	if (err)
		return err;
	err = charge_request(req, &unmap);
	if (err)
		return err;
	unmap_commit(&unmap);
	account_mapped(req, link_request(req, &unmap));
	return 0;
}

static int mmap_region(struct mmap_request *req)
{
	const u64 shared_maywrite = VM_SHARED | VM_MAYWRITE;
	struct address_space *writable = NULL;
	int err;

	if (req->file && (req->vm_flags & shared_maywrite) == shared_maywrite) {
		/* No seal may be put on it until the vma is there to refuse one. */
		err = mapping_map_writable(&req->file->inode->mapping);
		if (err)
			return err;
		writable = &req->file->inode->mapping;
	}
	req->vma = vm_area_alloc(req->mm);
	err = req->vma ? set_up_shared_anonymous(req) : -ENOMEM;
	if (!err)
		err = mmap_prepared_region(req);
	if (req->vma)
		vm_area_free(req->vma);
	if (writable)
		mapping_unmap_writable(writable);
	return err;
}

/* What has to be refused before the address space is looked at; the file is held then. */
static int get_mapped_file(struct mmap_request *req, struct task *task, int fd)
{
	u32 huge_size = (req->map_flags >> MAP_HUGE_SHIFT) & MAP_HUGE_MASK;

	if (req->map_flags & MAP_ANONYMOUS) {
		if (req->map_flags & MAP_HUGETLB)
			return huge_size == 0 || huge_size == 21 || huge_size == 30 ? -ENOMEM :
										      -EINVAL;
		return 0;
	}
	req->file = fget(task->files, fd);
	if (!req->file)
		return -EBADF;
	/* None is of huge pages. */
	return req->map_flags & MAP_HUGETLB ? -EINVAL : 0;
}

static s64 do_mmap(struct mmap_request *req)
{
	struct mm *mm = req->mm;
	bool populate;
	int err;

	down_write(&mm->mmap_lock);
	err = check_request(req);
	if (!err)
		err = mmap_region(req);
	up_write(&mm->mmap_lock);
	userfaultfd_unmap_complete(&req->notes);
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
		.pgoff = offset_bytes >> PAGE_SHIFT,
	};
	struct syscall call = syscall_enter(task, NR_MMAP, addr, len_bytes, (u32)prot, (u32)flags);
	s64 ret = -EINVAL;

	if (!PAGE_OFFSET_OF(offset_bytes))
		ret = get_mapped_file(&req, task, fd);
	if (!ret)
		ret = do_mmap(&req);
	if (req.file)
		fput(req.file);
	return syscall_exit(&call, ret);
}
