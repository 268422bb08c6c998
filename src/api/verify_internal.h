/* SPDX-License-Identifier: MIT */
/* verify: what its files share. See verify.c. */
#ifndef API_VERIFY_INTERNAL_H
#define API_VERIFY_INTERNAL_H

#include "base/format.h"
#include "mmu/tlb.h"
#include "rmap/anon_vma.h"
#include "vma/vma.h"

/* What the tables and the pins say of a frame. */
struct frame_record {
	u32 refs; /* mappings, and one for a table's parent */
	u32 maps;
	u32 pins;
	u32 is_table;
	u32 caches; /* page caches that it is in */
	u32 slots;  /* of swap, that it is cached for */
	u32 locks;  /* mappings by locked vmas */
};

/* What the vmas say of an anon_vma. */
struct anon_vma_record {
	struct anon_vma *anon_vma; /* NULL: a free slot */
	u32 chains;                /* avcs of vmas that lead to it */
	u32 active;                /* vmas whose own it is */
	u32 children;              /* others whose parent it is */
	u32 rooted;                /* others whose root it is */
};

/* What the list of mms and the tasks say of an mm. */
struct mm_record {
	struct mm *mm; /* NULL: there is none of this number */
	u32 tasks;
	int pid; /* of the first task */
};

/* What the tasks say of a number. */
struct task_record {
	struct mm *mm; /* of the process */
	u32 tasks;     /* that have it for their own */
};

/* What refers to an object: a files_struct, a file, an inode, a userfaultfd or an mm. */
enum ref_kind { REF_INODE, REF_FILE, REF_FILES, REF_UFFD, REF_MM };
struct ref_record {
	const void *object; /* NULL: a free slot */
	enum ref_kind kind;
	u32 refs;
	u32 vmas, writable; /* of an inode: in its i_mmap; those that count in i_mmap_writable */
};

struct inode;

struct verify {
	struct machine *m;
	struct strbuf *text;
	int findings;

	/* scratch, outside the machine */
	void *scratch;
	u64 scratch_bytes;
	struct frame_record *frames;       /* by frame number */
	struct anon_vma_record *anon_vmas; /* a hash, open addressing */
	u64 anon_vma_mask;
	u64 nr_anon_vmas;
	struct mm_record *mms;     /* by mm->id */
	struct task_record *tasks; /* by tid and pid */
	struct ref_record *refs;   /* a hash, open addressing */
	u64 refs_mask;
	u32 *slots; /* of swap, area by area: entries and values that name each */

	/* counted on the way */
	u64 nr_mms, nr_vmas, nr_avcs, nr_tasks, nr_pins, nr_tables;
	u64 nr_files_structs, nr_files, nr_inodes, nr_xa_nodes, nr_uffds;
	u64 nr_dead_mms; /* that a userfaultfd outlives */
	u64 nr_frames;   /* accounted for */
	u64 committed_pages;
};

/* One line; counted. */
void finding(struct verify *v, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/*
 * Two values that must be equal: what the machine keeps and what was counted. The object is
 * named by a text and a number.
 */
static inline void expect_equal(struct verify *v, const char *object, u64 id, const char *what,
				u64 kept, u64 counted)
{
	if (kept != counted)
		finding(v, "%s %llu: %s is %llu, counted %llu", object, (unsigned long long)id,
			what, (unsigned long long)kept, (unsigned long long)counted);
}

/* A lock must not be held while the machine is idle. */
static inline void expect_unlocked(struct verify *v, const char *object, u64 id, const char *what,
				   u32 word)
{
	if (word)
		finding(v, "%s %llu: %s is held (%#x)", object, (unsigned long long)id, what, word);
}

/* A frame that has a struct page to look at. */
static inline bool frame_exists(const struct verify *v, pfn_t pfn)
{
	return pfn.n > 0 && pfn.n < v->m->nr_pages && machine_section_online(v->m, pfn);
}

/* Whether a pointer can be to an object of this machine. */
static inline bool in_heap(const struct verify *v, const void *ptr)
{
	uintptr_t base = (uintptr_t)v->m;

	return (uintptr_t)ptr > base && (uintptr_t)ptr < base + v->m->heap_used;
}

/* The record of an mm that is on the machine's list; NULL: it is not. */
static inline struct mm_record *mm_record_of(const struct verify *v, const struct mm *mm)
{
	if (!in_heap(v, mm) || mm->id > v->m->next_mm_id || v->mms[mm->id].mm != mm)
		return NULL;
	return &v->mms[mm->id];
}

/* verify_task.c: who there is; the mms get their records. */
void verify_mm_list(struct verify *v);
void verify_tasks(struct verify *v);
/* verify_mm.c: vmas of an mm and what is counted of them. */
void verify_vmas(struct verify *v, struct mm *mm);
/* verify_tables.c: the tables of an mm and every entry; rss. */
void verify_tables(struct verify *v, struct mm *mm);
/* The entry of addr, as a processor would find it; none where the tables lead out of RAM. */
pte_t verify_read_entry(const struct verify *v, const struct mm *mm, vaddr_t addr);
/* verify_rmap.c: chains of a vma; then, when all are seen, the anon_vmas themselves. */
void verify_chains(struct verify *v, struct vm_area *vma);
void verify_anon_vmas(struct verify *v);
/* Whether the reverse map of a page of anon_vma comes by this vma. */
bool vma_has_anon_vma(const struct vm_area *vma, const struct anon_vma *anon_vma);
/* verify_files.c: descriptors, files, inodes, page caches; after the vmas were looked at. */
void verify_files(struct verify *v);
/* The record of an object; one more use of it, true: the first. */
struct ref_record *ref_record_of(struct verify *v, const void *object);
bool count_ref(struct verify *v, const void *object, enum ref_kind kind);
/* verify_uffd.c: userfaultfds, after the files. */
void verify_uffds(struct verify *v);
/*
 * verify_swap.c: an entry or a value that names a slot is counted (false: there is no such slot);
 * then, when all have been, the slots and the swap cache.
 */
u64 verify_swap_slots(const struct machine *m);
bool verify_swap_entry(struct verify *v, swp_entry_t entry);
void verify_swap_value(struct verify *v, const struct inode *inode, pgoff_t index, u64 value,
		       u64 *nr_swapped);
void verify_swapped_inode(struct verify *v, const struct inode *inode, u64 nr_swapped);
void verify_swap(struct verify *v);
/* verify_lru.c: lists for reclaim, charges of groups. */
void verify_lru(struct verify *v);
/* verify_frames.c: every frame in use against its record; what the CPUs have cached. */
void verify_frames(struct verify *v);
void verify_cpus(struct verify *v);

#endif
