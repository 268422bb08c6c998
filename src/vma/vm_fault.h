/* SPDX-License-Identifier: MIT */
/*
 * vma: what a page fault knows, and the functions by which what backs a vma serves it. The room
 * fault/ drives; the backings (anon/, shmem/, filemap/) fill in.
 */
#ifndef VMA_VM_FAULT_H
#define VMA_VM_FAULT_H

#include "phys/page.h"
#include "vma/vma.h"

/* What came of a fault: Linux's names and meanings; 0: served, or somebody else was faster. */
typedef u32 vm_fault_t;
enum {
	VM_FAULT_OOM = 1 << 0,
	VM_FAULT_SIGBUS = 1 << 1,
	VM_FAULT_MAJOR = 1 << 2, /* it read from a disk */
	VM_FAULT_HWPOISON = 1 << 4,
	VM_FAULT_SIGSEGV = 1 << 6,
	VM_FAULT_NOPAGE = 1 << 8, /* ->fault mapped it itself, or wants the access retried */
	VM_FAULT_LOCKED = 1 << 9, /* ->fault returns vmf->page locked and referenced */
	VM_FAULT_RETRY = 1 << 10, /* mmap_lock was dropped */
	VM_FAULT_DONE_COW = 1 << 12,
	VM_FAULT_COMPLETED = 1 << 14,
};
#define VM_FAULT_ERROR (VM_FAULT_OOM | VM_FAULT_SIGBUS | VM_FAULT_HWPOISON | VM_FAULT_SIGSEGV)

/* How the fault came about: Linux's names and meanings. */
enum fault_flag {
	FAULT_FLAG_WRITE = 1 << 0,
	FAULT_FLAG_ALLOW_RETRY = 1 << 2,
	FAULT_FLAG_RETRY_NOWAIT = 1 << 3,
	FAULT_FLAG_KILLABLE = 1 << 4,
	FAULT_FLAG_TRIED = 1 << 5,
	FAULT_FLAG_USER = 1 << 6,
	FAULT_FLAG_REMOTE = 1 << 7,
	FAULT_FLAG_INSTRUCTION = 1 << 8,
	FAULT_FLAG_INTERRUPTIBLE = 1 << 9,
	FAULT_FLAG_UNSHARE = 1 << 10,
	FAULT_FLAG_ORIG_PTE_VALID = 1 << 11,
};

/* Everything one fault knows. Filled in by groups as the phases of fault/ go on. */
struct vm_fault {
	/* input */
	struct vm_area *vma;
	struct mm *mm;
	vaddr_t address;      /* page aligned */
	vaddr_t real_address; /* as the access had it */
	pgoff_t pgoff;        /* of address in what backs the vma */
	u32 flags;            /* enum fault_flag */

	/* scratch: NULL whenever it must not be used */
	pte_t *pte;      /* the entry, mapped; valid only until the table's lock is dropped */
	spinlock_t *ptl; /* held when not NULL */
	pte_t orig_pte;  /* what the entry was when the phase was chosen */

	/* what the access wants, decided once */
	bool write;   /* FAULT_FLAG_WRITE */
	bool unshare; /* FAULT_FLAG_UNSHARE: an exclusive page, still read-only */

	/* results of the backing's functions */
	struct page *page;     /* of ->fault: referenced, and locked with VM_FAULT_LOCKED */
	struct page *cow_page; /* allocated ahead for a write to a private mapping */
};

/* Let go of the entry, so that nobody uses it by mistake. */
static inline void fault_unlock_pte(struct vm_fault *vmf)
{
	spin_unlock(vmf->ptl);
	vmf->ptl = NULL;
	vmf->pte = NULL;
}

/*
 * Take a page's lock in a fault: at once, or by waiting; a first attempt waits without mmap_lock
 * and returns VM_FAULT_RETRY, the page not locked (with FAULT_FLAG_RETRY_NOWAIT: mmap_lock kept,
 * not waited). No spinlock held; a reference to the page.
 */
static inline vm_fault_t page_lock_or_retry(struct page *page, const struct vm_fault *vmf)
{
	u32 first = vmf->flags & (FAULT_FLAG_ALLOW_RETRY | FAULT_FLAG_TRIED);

	if (page_trylock(page))
		return 0;
	if (first != FAULT_FLAG_ALLOW_RETRY) {
		page_lock(page);
		return 0;
	}
	if (vmf->flags & FAULT_FLAG_RETRY_NOWAIT)
		return VM_FAULT_RETRY;
	up_read(&vmf->mm->mmap_lock);
	page_lock(page);
	page_unlock(page);
	return VM_FAULT_RETRY;
}

/* What backs a vma, one table for each enum vma_backing; anonymous memory has none. */
struct vm_operations {
	/* Find or bring in vmf->page for vmf->pgoff. mmap_lock read held; see VM_FAULT_RETRY. */
	vm_fault_t (*fault)(struct vm_fault *vmf);
	/*
	 * vmf->page, referenced and not locked, is about to become writable: VM_FAULT_LOCKED, or an
	 * error. NULL: it always may.
	 */
	vm_fault_t (*page_mkwrite)(struct vm_fault *vmf);
	/* Whether read faults may map neighbours that are in the page cache already. */
	bool map_around;
	/* What maps and smaps call it, into buf. NULL: nothing. */
	size_t (*name)(const struct vm_area *vma, char *buf, size_t size);
};

/* By enum vma_backing; NULL for VMA_ANON. fault/vm_ops.c. */
extern const struct vm_operations *const vm_operations[NR_VMA_BACKINGS];

#endif
