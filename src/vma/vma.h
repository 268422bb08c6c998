/* SPDX-License-Identifier: MIT */
/*
 * vma: ranges of an address space with one set of attributes, in a balanced tree by address.
 * Each node also knows the largest gap in front of a vma in its subtree, so that searching
 * for room is logarithmic.
 */
#ifndef VMA_VMA_H
#define VMA_VMA_H

#include "arch/arch.h"
#include "base/interval.h"
#include "vma/mm.h"

/*      flag            bit  smaps  meaning */
#define VM_FLAGS(X)                 \
	X(VM_READ, 0, "rd")         \
	X(VM_WRITE, 1, "wr")        \
	X(VM_EXEC, 2, "ex")         \
	X(VM_SHARED, 3, "sh")       \
	X(VM_MAYREAD, 4, "mr")      \
	X(VM_MAYWRITE, 5, "mw")     \
	X(VM_MAYEXEC, 6, "me")      \
	X(VM_MAYSHARE, 7, "ms")     \
	X(VM_GROWSDOWN, 8, "gd")    \
	X(VM_UFFD_MISSING, 9, "um") \
	X(VM_PFNMAP, 10, "pf")      \
	X(VM_MAYBE_GUARD, 11, "gu") \
	X(VM_UFFD_WP, 12, "uw")     \
	X(VM_LOCKED, 13, "lo")      \
	X(VM_IO, 14, "io")          \
	X(VM_SEQ_READ, 15, "sr")    \
	X(VM_RAND_READ, 16, "rr")   \
	X(VM_DONTCOPY, 17, "dc")    \
	X(VM_DONTEXPAND, 18, "de")  \
	X(VM_LOCKONFAULT, 19, "lf") \
	X(VM_ACCOUNT, 20, "ac")     \
	X(VM_NORESERVE, 21, "nr")   \
	X(VM_HUGETLB, 22, "ht")     \
	X(VM_SYNC, 23, "sf")        \
	X(VM_ARCH_1, 24, "ar")      \
	X(VM_WIPEONFORK, 25, "wf")  \
	X(VM_DONTDUMP, 26, "dd")    \
	X(VM_SOFTDIRTY, 27, "sd")   \
	X(VM_MIXEDMAP, 28, "mm")    \
	X(VM_HUGEPAGE, 29, "hg")    \
	X(VM_NOHUGEPAGE, 30, "nh")  \
	X(VM_MERGEABLE, 31, "mg")   \
	X(VM_DROPPABLE, 40, "dp")   \
	X(VM_UFFD_MINOR, 41, "ui")  \
	X(VM_SEALED, 42, "sl")

#define X(name, bit, smaps) static const u64 name __attribute__((unused)) = 1ull << (bit);
VM_FLAGS(X)
#undef X

#define VM_ACCESS_FLAGS (VM_READ | VM_WRITE | VM_EXEC)
#define VM_LOCKED_MASK (VM_LOCKED | VM_LOCKONFAULT)
#define VM_UFFD_FLAGS (VM_UFFD_MISSING | VM_UFFD_WP | VM_UFFD_MINOR)
#define VM_SPECIAL (VM_IO | VM_DONTEXPAND | VM_PFNMAP | VM_MIXEDMAP)
/* Flags that do not keep two vmas apart; the merged one has them if either had. */
#define VM_STICKY (VM_SOFTDIRTY | VM_MAYBE_GUARD)

struct anon_vma;
struct file;
struct userfaultfd_ctx;

/*
 * What backs a vma, by number: a pointer to its functions would point out of the machine
 * (vma/vm_fault.h: vm_operations).
 */
enum vma_backing {
	VMA_ANON,  /* private anonymous memory */
	VMA_SHMEM, /* memfd, shared anonymous memory */
	VMA_FILE,  /* a regular file */
	NR_VMA_BACKINGS
};

/*
 * (m) mmap_lock for write to change, read to look
 */
struct vm_area {
	RB_ENTRY(vm_area) rb; /* m */
	vaddr_t start, end;   /* m: [start, end), page aligned */
	vaddr_t gap;          /* m: free bytes between the previous vma's end and start */
	vaddr_t subtree_gap;  /* m: the largest of them below this node, itself included */
	struct mm *mm;
	u64 flags;          /* m: VM_* */
	pgprot_t page_prot; /* m: follows from flags */
	pgoff_t pgoff;      /* m: anonymous: start >> 12 when first populated; else in the file */
	enum vma_backing backing;
	struct file *file;               /* m: NULL: anonymous; the vma holds a reference */
	struct interval_node shared;     /* i_mmap_rwsem of the file: in its i_mmap */
	struct userfaultfd_ctx *uffd;    /* m: NULL: not registered */
	bool in_i_mmap;                  /* i_mmap_rwsem: whether it is */
	struct anon_vma *anon_vma;       /* mmap_lock read + page_table_lock to set */
	struct list_head anon_vma_chain; /* m: avcs of this vma, rmap/anon_vma.h */
};

static inline u64 vma_pages(const struct vm_area *vma)
{
	return (vma->end - vma->start) >> PAGE_SHIFT;
}

/* The page offset of an address, by which the reverse map finds it. */
static inline pgoff_t linear_page_index(const struct vm_area *vma, vaddr_t addr)
{
	return vma->pgoff + ((addr - vma->start) >> PAGE_SHIFT);
}

static inline bool vma_is_accessible(const struct vm_area *vma)
{
	return vma->flags & VM_ACCESS_FLAGS;
}

static inline bool vma_is_anonymous(const struct vm_area *vma)
{
	return vma->backing == VMA_ANON;
}

static inline bool is_cow_mapping(u64 flags)
{
	return (flags & (VM_SHARED | VM_MAYWRITE)) == VM_MAYWRITE;
}

pgprot_t vm_get_page_prot(u64 flags);
/*
 * The protection of a vma's entries with these flags: that of vm_get_page_prot(), without the right
 * to write where the first write to each page has to be seen (a shared regular file, soft-dirty,
 * userfaultfd).
 */
pgprot_t vma_page_prot(const struct vm_area *vma, u64 flags);

/* ---- the tree ---------------------------------------------------------------------------- */

/* The first vma with addr < end, or NULL; it may start above addr. */
struct vm_area *find_vma(struct mm *mm, vaddr_t addr);
/* The vma that holds addr, or NULL. */
struct vm_area *vma_lookup(struct mm *mm, vaddr_t addr);
/* The first vma that touches [start, end), or NULL. */
struct vm_area *find_vma_intersection(struct mm *mm, vaddr_t start, vaddr_t end);
struct vm_area *vma_first(struct mm *mm);
struct vm_area *vma_last(struct mm *mm);
struct vm_area *vma_next(struct vm_area *vma);
struct vm_area *vma_prev(struct vm_area *vma);

#define for_each_vma(mm, vma) for (vma = vma_first(mm); vma; vma = vma_next(vma))
#define for_each_vma_range(mm, vma, from, to) \
	for (vma = find_vma(mm, from); vma && (vma)->start < (to); vma = vma_next(vma))

/* New object, not in the tree, no anon_vma, no file; NULL: no memory. */
struct vm_area *vm_area_alloc(struct mm *mm);
/* In no tree, without anon_vma. Its use of a file ends (may sleep). */
void vm_area_free(struct vm_area *vma);
/* Into and out of the tree of the mm; map_count follows, the other counters are the caller's. */
void vma_insert(struct mm *mm, struct vm_area *vma);
void vma_unlink(struct mm *mm, struct vm_area *vma);
/* Into the tree, and where the reverse map of the file finds it. */
void vma_link(struct mm *mm, struct vm_area *vma);
/* The reverse map of the file finds it, or does not any more; nothing when there is none. */
void vma_link_file(struct vm_area *vma);
void vma_unlink_file(struct vm_area *vma);
/*
 * Change the bounds of a linked vma; pgoff as given. Neighbours' gaps follow. Walks of the reverse
 * maps must be kept out: vma_adjust() does.
 */
void vma_set_range(struct vm_area *vma, vaddr_t start, vaddr_t end, pgoff_t pgoff);
void vma_set_flags(struct vm_area *vma, u64 flags);

/* Where the gap that a growing stack keeps free below itself begins; vma->start for others. */
vaddr_t vm_start_gap(const struct vm_area *vma);
/*
 * Grow a VM_GROWSDOWN vma down to the page of addr. mmap_lock write. -ENOMEM: a limit, the
 * guard gap or memory forbids it. -EFAULT: it may not grow.
 */
int expand_stack_locked(struct vm_area *vma, vaddr_t addr);

/*
 * What a vma needs of the reverse map, which is a room above this one. rmap/anon_vma.c defines
 * the table; the functions do what rmap/anon_vma.h says of the ones with these names.
 */
struct vma_rmap_ops {
	int (*prepare)(struct vm_area *vma);
	int (*clone)(struct vm_area *dst, struct vm_area *src);
	void (*unlink)(struct vm_area *vma);
	bool (*had_uncowed_parents)(const struct vm_area *vma);
	/* Keep walks of the reverse map out while vmas of the family change their bounds. */
	void (*lock)(struct anon_vma *anon_vma);
	void (*unlock)(struct anon_vma *anon_vma);
	/* Under it: into the trees of its anon_vmas, by the bounds of that moment; out of them. */
	void (*insert)(struct vm_area *vma);
	void (*remove)(struct vm_area *vma);
};
extern const struct vma_rmap_ops vma_rmap_ops;

/*
 * What a vma needs of the file that backs it, a room below this one; filemap/mmap.c defines the
 * table. Only for vmas with a file.
 */
struct vma_file_ops {
	/* Another vma refers to the file; a vma that goes no longer does (may sleep). */
	void (*get)(struct vm_area *vma);
	void (*put)(struct vm_area *vma);
	/* i_mmap_rwsem of the file for write: no walk comes by its vmas meanwhile. */
	void (*lock)(struct vm_area *vma);
	void (*unlock)(struct vm_area *vma);
	/*
	 * Under it: into i_mmap, behind those with the same start, by start, end and pgoff of that
	 * moment; and out of it.
	 */
	void (*insert)(struct vm_area *vma);
	void (*remove)(struct vm_area *vma);
};
extern const struct vma_file_ops vma_file_ops;

#endif
