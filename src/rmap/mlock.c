/* SPDX-License-Identifier: MIT */
/*
 * Which mappings are counted in a page's mlock_count: those in vmas that are VM_LOCKED, but not at
 * every moment. mlock gives a vma its flags, or makes it part of one that has them, before it has
 * counted the pages; munlock takes them away before it has counted them out. Everything that holds
 * mmap_lock is kept out meanwhile; who comes by the reverse map and takes a mapping away, or
 * brings it back, asks here.
 *
 *   mlock_begin          vma_modify_flags      mlock_done, once a table, under its ptl    mlock_end
 *   ───┼──────────────────────┼──────────────────────┼──────────────┼──────────────────────────┼───
 *      └─ by address: below done as it is going to be, above as it was ────────────────────────┘
 *         before and after: by the flags of the vma
 *
 * The asker holds the ptl of the entry, so the walk of mlock has passed that table or has not
 * come to it.
 */
#include "rmap/rmap.h"

static void change_begin(struct mlock_change *change)
{
	WRITE_ONCE(change->seq, change->seq + 1);
	smp_wmb();
}

static void change_end(struct mlock_change *change)
{
	smp_store_release(&change->seq, change->seq + 1);
}

void mlock_begin(struct mm *mm, vaddr_t start, vaddr_t end, bool locked)
{
	struct mlock_change *change = &mm->mlock;

	VM_BUG_ON2(change->end || start >= end, change->end, start);
	VM_DEBUG_ON(!rwsem_is_write_locked(&mm->mmap_lock));
	change_begin(change);
	WRITE_ONCE(change->start, start);
	WRITE_ONCE(change->end, end);
	WRITE_ONCE(change->done, start);
	WRITE_ONCE(change->locked, locked);
	change_end(change);
}

void mlock_done(struct mm *mm, vaddr_t addr)
{
	VM_BUG_ON2(addr < mm->mlock.done || addr > mm->mlock.end, addr, mm->mlock.end);
	WRITE_ONCE(mm->mlock.done, addr);
}

void mlock_end(struct mm *mm)
{
	struct mlock_change *change = &mm->mlock;

	change_begin(change);
	WRITE_ONCE(change->end, 0);
	change_end(change);
}

bool mlock_counted(struct vm_area *vma, vaddr_t addr)
{
	struct mlock_change *change = &vma->mm->mlock;

	for (;;) {
		/* The flags first: a change that they are part of has begun by then. */
		bool locked = smp_load_acquire(&vma->flags) & VM_LOCKED, to;
		vaddr_t start, end, done;
		u32 seq;

		while ((seq = smp_load_acquire(&change->seq)) & 1)
			cpu_relax();
		start = READ_ONCE(change->start);
		end = READ_ONCE(change->end);
		done = READ_ONCE(change->done);
		to = READ_ONCE(change->locked);
		smp_rmb();
		if (READ_ONCE(change->seq) != seq)
			continue;
		if (!end || addr < start || addr >= end)
			return locked;
		return addr < done ? to : !to;
	}
}
