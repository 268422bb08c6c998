/* SPDX-License-Identifier: MIT */
/*
 * rmap: from a page to every entry that maps it.
 *
 *   anonymous page   page->mapping: anon_vma → its interval tree of avcs → vmas
 *   page of a file   page->mapping: address_space → i_mmap → vmas
 *
 * A walk locks the anon_vma's root (read) or i_mmap_rwsem (read), and in each vma the table with
 * the entry. mapcount counts the entries that are present; migration and device entries stand for
 * mappings that were taken away.
 */
#ifndef RMAP_RMAP_H
#define RMAP_RMAP_H

#include "filemap/filemap.h"
#include "mmu/tlb.h"
#include "phys/lru.h"
#include "rmap/anon_vma.h"
#include "swap/swap.h"

/* ---- counting mappings --------------------------------------------------------------------- */

/* A mapping of a page of a file; mlock as the vma says. ptl held. */
void page_add_file_rmap(struct page *page, struct vm_area *vma);
/* An anonymous page that is mapped again (swap-in, migration): exclusive or not. ptl held. */
void page_add_anon_rmap(struct page *page, struct vm_area *vma, vaddr_t addr, bool exclusive);
/* page_dup_file_rmap: one more by fork. */
void page_dup_file_rmap(struct page *page);

/*
 * The same three for who comes by the reverse map, without mmap_lock: mlocked is what
 * mlock_counted() says of the mapping, once, under the ptl.
 */
enum rmap_flag { RMAP_EXCLUSIVE = 1 << 0, RMAP_MLOCKED = 1 << 1 };
void page_add_file_rmap_mlocked(struct page *page, bool mlocked);
void page_add_anon_rmap_mlocked(struct page *page, struct vm_area *vma, vaddr_t addr,
				u32 rmap_flags);
void page_remove_rmap_mlocked(struct page *page, bool mlocked);
bool mlock_counted(struct vm_area *vma, vaddr_t addr);
/*
 * mlock (locked) or munlock of pages of [start, end), around the change of flags and the walk that
 * counts them; mlock_done under the ptl of each table that the walk is through with: it has counted
 * all below addr. mmap_lock write.
 */
void mlock_begin(struct mm *mm, vaddr_t start, vaddr_t end, bool locked);
void mlock_done(struct mm *mm, vaddr_t addr);
void mlock_end(struct mm *mm);

/* ---- walking ------------------------------------------------------------------------------- */

struct rmap_walk {
	void *arg;
	/* false: stop. addr: where page would be mapped in vma. */
	bool (*one)(struct page *page, struct vm_area *vma, vaddr_t addr, void *arg);
	/* May be NULL: whether to leave a vma out; whether all is done. */
	bool (*skip)(struct vm_area *vma, void *arg);
	bool (*done)(struct page *page, void *arg);
	bool try_lock;       /* do not wait for the reverse map's lock */
	bool locked;         /* a page of a file: the caller has the i_mmap_rwsem */
	bool keeps_anon_vma; /* the caller has a reference to the page's anon_vma */
	bool contended;      /* result: try_lock failed */
};
/*
 * Every vma that can map the page, in the order of their start and age: one that is copied from
 * another (fork) comes after it. A reference to the page is held; for a page of a file its folio
 * lock too, which keeps page->mapping. An anonymous page that is not mapped has no vmas to walk,
 * unless keeps_anon_vma says that the anon_vma is still there.
 */
void rmap_walk(struct page *page, struct rmap_walk *walk);

/*
 * Keep all walks away from a vma and those of its file and family: entries move from one vma to
 * another, and a walk must find each in one of them. mmap_lock held for write.
 */
void rmap_lock_vma(struct vm_area *vma);
void rmap_unlock_vma(struct vm_area *vma);

/* The entry at addr that maps the page, or stands for its mapping; found under its ptl. */
struct page_vma_mapped_walk {
	struct page *page;
	struct vm_area *vma;
	vaddr_t address;
	bool migration; /* look for migration entries of the page instead of mappings */
	pte_t *pte;
	spinlock_t *ptl; /* held while page_vma_mapped_walk() returns true */
};
bool page_vma_mapped_walk(struct page_vma_mapped_walk *pvmw);
static inline void page_vma_mapped_walk_done(struct page_vma_mapped_walk *pvmw)
{
	if (pvmw->ptl)
		spin_unlock(pvmw->ptl);
	pvmw->ptl = NULL;
	pvmw->pte = NULL;
}
vaddr_t vma_address(const struct vm_area *vma, pgoff_t index); /* ~0: not in this vma */

/* ---- what walks do ------------------------------------------------------------------------- */

enum ttu_flag {
	TTU_IGNORE_MLOCK = 1 << 0,
	TTU_RMAP_LOCKED = 1 << 1, /* i_mmap_rwsem held for write by the caller */
	TTU_SYNC = 1 << 2,
};
/*
 * Replace every mapping of a locked page: an anonymous one in the swap cache by swap entries (its
 * dirty bits go to the page; lazily freed and clean: none), one of a file by none (or a marker
 * where uffd-wp says). What could not be (mlocked, dirty lazyfree, pinned exclusive) stays mapped.
 */
void try_to_unmap(struct page *page, u32 ttu_flags);
/* Replace every mapping by a migration entry; what remains mapped says it failed. */
void try_to_migrate(struct page *page, u32 ttu_flags);
/*
 * Migration entries of old become mappings of page (which may be old), and who waits at them goes
 * on. Both locked; the caller has kept the anon_vma of an anonymous page since before
 * try_to_migrate, and page has it.
 */
void remove_migration_ptes(struct page *old, struct page *page);
/*
 * Test and clear A in every entry: how many were young; *ret_vm_flags: VM_* of those vmas, and
 * VM_LOCKED when one of them is locked into memory. Entries of vmas that said that what was used
 * once is not used again (MADV_SEQUENTIAL, MADV_RANDOM) do not count. A reverse map that is busy:
 * -1. The folio lock is held, or (an anonymous page only) a reference.
 */
int folio_referenced(struct page *page, u64 *ret_vm_flags);
/* Clean and write-protect every entry of a locked page of a file; how many were dirty/writable. */
int page_mkclean(struct page *page);

/* Wait at an entry for the migration of its page to end: drops ptl (and ptep) and sleeps. */
void migration_entry_wait(struct mm *mm, pte_t *ptep, spinlock_t *ptl);

#endif
