/* SPDX-License-Identifier: MIT */
/*
 * madvise: a walk over the vmas of the range that does what the advice says to each. A hole
 * does not stop the walk; it makes the result -ENOMEM when nothing worse happens.
 *
 * Advice either changes the vma's flags (and may split and merge it: mmap_lock for write) or
 * does something to its pages (mmap_lock for read). The tables below say which, and what.
 *
 * Not modelled, with the answer that Linux gives without the feature:
 *   MADV_HWPOISON, MADV_SOFT_OFFLINE  -EINVAL, as without CONFIG_MEMORY_FAILURE
 *   MADV_COLLAPSE                     -EINVAL, as in a process with huge pages disabled
 *   MADV_MERGEABLE, MADV_HUGEPAGE ... the flag alone, as when the daemons are off
 */
#include "base/uapi.h"
#include "filemap/filemap.h"
#include "gup/gup.h"
#include "range/range.h"
#include "syscall/syscall_internal.h"

/* In the columns below: not a flag of a vma, but that it has a file. */
#define OF_FILE BIT(63)
#define KSM_IGNORES (VM_SHARED | VM_MAYSHARE | VM_SPECIAL | VM_HUGETLB | VM_DROPPABLE)

/*      advice            sets          clears                        -EINVAL on    skips */
#define FLAG_ADVICE(X)                                               \
	X(MADV_NORMAL, 0, VM_RAND_READ | VM_SEQ_READ, 0, 0)          \
	X(MADV_RANDOM, VM_RAND_READ, VM_SEQ_READ, 0, 0)              \
	X(MADV_SEQUENTIAL, VM_SEQ_READ, VM_RAND_READ, 0, 0)          \
	X(MADV_DONTFORK, VM_DONTCOPY, 0, 0, 0)                       \
	X(MADV_DOFORK, 0, VM_DONTCOPY, VM_IO, 0)                     \
	X(MADV_WIPEONFORK, VM_WIPEONFORK, 0, VM_SHARED | OF_FILE, 0) \
	X(MADV_KEEPONFORK, 0, VM_WIPEONFORK, VM_DROPPABLE, 0)        \
	X(MADV_DONTDUMP, VM_DONTDUMP, 0, 0, 0)                       \
	X(MADV_DODUMP, 0, VM_DONTDUMP, VM_SPECIAL | VM_DROPPABLE, 0) \
	X(MADV_MERGEABLE, VM_MERGEABLE, 0, 0, KSM_IGNORES)           \
	X(MADV_UNMERGEABLE, 0, VM_MERGEABLE, 0, 0)                   \
	X(MADV_HUGEPAGE, VM_HUGEPAGE, VM_NOHUGEPAGE, 0, 0)           \
	X(MADV_NOHUGEPAGE, VM_NOHUGEPAGE, VM_HUGEPAGE, 0, 0)

struct flag_advice {
	int advice;
	u64 set, clear, refused, skipped; /* VM_* */
};

static const struct flag_advice flag_advices[] = {
#define X(advice, set, clear, refused, skipped) { advice, set, clear, refused, skipped },
	FLAG_ADVICE(X)
#undef X
};

/*
 * Contents of [start, *end) are about to go: who watches the vma is told first. That may take
 * mmap_lock away for a while; *vma and *end are what is found then.
 */
static int tell_removal(struct vm_area **vma, vaddr_t start, vaddr_t *end, u64 refused)
{
	struct mm *mm = (*vma)->mm;

	if (userfaultfd_remove(*vma, start, *end))
		return 0;
	down_read(&mm->mmap_lock);
	*vma = vma_lookup(mm, start);
	if (!*vma)
		return -ENOMEM;
	if ((*vma)->flags & refused)
		return -EINVAL;
	*end = MIN(*end, (*vma)->end);
	return 0;
}

static int dontneed(struct vm_area *vma, vaddr_t start, vaddr_t *end, u64 refused)
{
	int err = tell_removal(&vma, start, end, refused);

	if (!err)
		zap_page_range_single(vma, start, *end, &(struct zap_details){ 0 });
	return err;
}

static int advise_dontneed(struct vm_area *vma, vaddr_t start, vaddr_t *end)
{
	return dontneed(vma, start, end, VM_PFNMAP | VM_LOCKED);
}

static int advise_dontneed_locked(struct vm_area *vma, vaddr_t start, vaddr_t *end)
{
	return dontneed(vma, start, end, VM_PFNMAP);
}

/* That files cannot be freed so is found out after the telling, by Linux too. */
static int advise_free(struct vm_area *vma, vaddr_t start, vaddr_t *end)
{
	int err = tell_removal(&vma, start, end, VM_PFNMAP | VM_LOCKED);

	if (err)
		return err;
	if (!vma_is_anonymous(vma))
		return -EINVAL;
	madvise_free_range(vma, start, *end);
	return 0;
}

static int advise_cold(struct vm_area *vma, vaddr_t start, vaddr_t end)
{
	madvise_cold_range(vma, start, end);
	return 0;
}

static int advise_pageout(struct vm_area *vma, vaddr_t start, vaddr_t end)
{
	madvise_pageout_range(vma, start, end);
	return 0;
}

static int advise_guard_remove(struct vm_area *vma, vaddr_t start, vaddr_t end)
{
	guard_remove_range(vma, start, end);
	return 0;
}

static int willneed_regular(struct vm_area *vma, vaddr_t start, vaddr_t end)
{
	struct file *file = vma->file;
	struct mm *mm = vma->mm;
	pgoff_t first = linear_page_index(vma, start);

	get_file(file);
	up_read(&mm->mmap_lock);
	filemap_readahead(&file->inode->mapping, first, first + ((end - start) >> PAGE_SHIFT) - 1,
			  READ_ONCE(mm->group));
	fput(file);
	down_read(&mm->mmap_lock);
	return 0;
}

static int advise_willneed(struct vm_area *vma, vaddr_t start, vaddr_t end)
{
	if (vma->backing == VMA_FILE)
		return willneed_regular(vma, start, end);
	madvise_willneed_range(vma, start, end);
	return 0;
}

/* Punch a hole into the file. Takes the inode's lock, which is outside of mmap_lock. */
static int advise_remove(struct vm_area *vma, vaddr_t start, vaddr_t end)
{
	struct file *file = vma->file;
	struct mm *mm = vma->mm;
	u64 offset = linear_page_index(vma, start) << PAGE_SHIFT;
	int err;

	if (!file)
		return -EINVAL;
	if ((vma->flags & (VM_SHARED | VM_MAYWRITE)) != (VM_SHARED | VM_MAYWRITE))
		return -EACCES;
	get_file(file);
	if (userfaultfd_remove(vma, start, end))
		up_read(&mm->mmap_lock);
	err = inode_operations[file->inode->kind]->fallocate(
		file->inode, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, end - start);
	fput(file);
	down_read(&mm->mmap_lock);
	return err;
}

static int advise_refused(struct vm_area *vma, vaddr_t start, vaddr_t end)
{
	(void)vma;
	(void)start;
	(void)end;
	return -EINVAL;
}

/* act may drop mmap_lock in between: vma may be gone when it returns. */
struct page_advice {
	int advice;
	u64 refused; /* VM_*, OF_FILE: -EINVAL */
	int (*act)(struct vm_area *vma, vaddr_t start, vaddr_t end);
	/* The same, where *end may come nearer meanwhile: the vma may have been cut. */
	int (*act_on_part)(struct vm_area *vma, vaddr_t start, vaddr_t *end);
};

static const struct page_advice page_advices[] = {
	{ MADV_DONTNEED, VM_PFNMAP | VM_LOCKED, .act_on_part = advise_dontneed },
	{ MADV_DONTNEED_LOCKED, VM_PFNMAP, .act_on_part = advise_dontneed_locked },
	{ MADV_FREE, VM_PFNMAP | VM_LOCKED, .act_on_part = advise_free },
	{ MADV_COLD, VM_LOCKED | VM_PFNMAP | VM_HUGETLB, .act = advise_cold },
	{ MADV_PAGEOUT, VM_LOCKED | VM_PFNMAP | VM_HUGETLB, .act = advise_pageout },
	{ MADV_GUARD_INSTALL, VM_SPECIAL | VM_HUGETLB | VM_LOCKED, .act = guard_install_range },
	{ MADV_GUARD_REMOVE, VM_SPECIAL | VM_HUGETLB, .act = advise_guard_remove },
	{ MADV_WILLNEED, 0, .act = advise_willneed },
	{ MADV_REMOVE, VM_LOCKED, .act = advise_remove },
	{ MADV_COLLAPSE, 0, .act = advise_refused },
};

/* What to do to each vma (flags or pages is not NULL), or to the range (populate). */
struct madvise {
	struct mm *mm;
	vaddr_t start, end;
	const struct flag_advice *flags;
	const struct page_advice *pages;
	bool populate, populate_write;
};

/* Which table the advice is in; false: there is no such advice. */
static bool find_advice(struct madvise *madvise, int advice)
{
	for (unsigned i = 0; i < ARRAY_SIZE(flag_advices); i++) {
		if (flag_advices[i].advice == advice)
			madvise->flags = &flag_advices[i];
	}
	for (unsigned i = 0; i < ARRAY_SIZE(page_advices); i++) {
		if (page_advices[i].advice == advice)
			madvise->pages = &page_advices[i];
	}
	madvise->populate_write = advice == MADV_POPULATE_WRITE;
	madvise->populate = advice == MADV_POPULATE_READ || madvise->populate_write;
	return madvise->flags || madvise->pages || madvise->populate;
}

static bool is_refused(const struct vm_area *vma, u64 refused)
{
	return (vma->flags | (vma->file ? OF_FILE : 0)) & refused;
}

static int advise_flags(const struct flag_advice *advice, struct vm_area *vma, vaddr_t start,
			vaddr_t end, struct vm_area **ret_vma)
{
	u64 flags = (vma->flags & ~advice->clear) | advice->set;
	int err;

	if (is_refused(vma, advice->refused))
		return -EINVAL;
	*ret_vma = vma;
	if (flags == vma->flags || (vma->flags & advice->skipped))
		return 0;
	err = vma_modify_flags(vma, start, end, flags, ret_vma);
	if (err)
		return err == -ENOMEM ? -EAGAIN : err;
	vma_set_flags(*ret_vma, flags | ((*ret_vma)->flags & VM_STICKY));
	return 0;
}

/* *ret_next is where to go on. */
static int advise_vma(const struct madvise *madvise, struct vm_area *vma, vaddr_t start,
		      vaddr_t end, vaddr_t *ret_next)
{
	int err;

	if (madvise->flags) {
		err = advise_flags(madvise->flags, vma, start, end, &vma);
		*ret_next = vma->end;
		return err;
	}
	*ret_next = end;
	if (is_refused(vma, madvise->pages->refused))
		return -EINVAL;
	if (madvise->pages->act_on_part)
		return madvise->pages->act_on_part(vma, start, ret_next);
	return madvise->pages->act(vma, start, end);
}

static int walk_vmas(const struct madvise *madvise)
{
	vaddr_t addr = madvise->start;
	int hole = 0;

	while (addr < madvise->end) {
		struct vm_area *vma = find_vma(madvise->mm, addr);
		int err;

		if (!vma)
			return -ENOMEM;
		if (addr < vma->start) {
			hole = -ENOMEM;
			addr = vma->start;
			if (addr >= madvise->end)
				break;
		}
		err = advise_vma(madvise, vma, addr, MIN(vma->end, madvise->end), &addr);
		if (err)
			return err;
	}
	return hole;
}

/*
 * A vma that may hold guards says so, and keeps saying so through merges. Up to the first one
 * that will refuse, every vma of the range is marked; the flags need mmap_lock for write.
 */
static void mark_guarded(const struct madvise *madvise)
{
	struct vm_area *vma;

	for_each_vma_range(madvise->mm, vma, madvise->start, madvise->end) {
		if (is_refused(vma, madvise->pages->refused))
			break;
		vma_set_flags(vma, vma->flags | VM_MAYBE_GUARD);
	}
}

static void lock_for_pages(const struct madvise *madvise)
{
	struct rw_semaphore *lock = &madvise->mm->mmap_lock;

	if (madvise->populate || madvise->pages->act != guard_install_range) {
		down_read(lock);
		return;
	}
	down_write(lock);
	mark_guarded(madvise);
	downgrade_write(lock);
}

static int do_madvise(struct mm *mm, vaddr_t start, u64 len, int advice)
{
	struct madvise madvise = { .mm = mm, .start = start, .end = start + PAGE_ALIGN(len) };
	int err;

	if (!find_advice(&madvise, advice) || PAGE_OFFSET_OF(start))
		return -EINVAL;
	/* Rounding up wrapped to nothing, or the end did. */
	if ((len && !PAGE_ALIGN(len)) || madvise.end < start)
		return -EINVAL;
	if (madvise.end == start)
		return 0;

	if (madvise.flags) {
		down_write(&mm->mmap_lock);
		err = walk_vmas(&madvise);
		up_write(&mm->mmap_lock);
		return err;
	}
	lock_for_pages(&madvise);
	if (madvise.populate)
		err = faultin_page_range(mm, start, madvise.end, madvise.populate_write);
	else
		err = walk_vmas(&madvise);
	up_read(&mm->mmap_lock);
	return err;
}

int umm_madvise(struct umm_task *handle, uint64_t addr, uint64_t len_bytes, int advice)
{
	struct task *task = (struct task *)handle;
	struct syscall call = syscall_enter(task, NR_MADVISE, addr, len_bytes, (u32)advice, 0);

	return (int)syscall_exit(&call, do_madvise(task->mm, addr, len_bytes, advice));
}
