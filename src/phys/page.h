/* SPDX-License-Identifier: MIT */
/*
 * phys: struct page and folio. One struct page a frame, 64 bytes, found by arithmetic. A folio
 * is a head page: one page, or 2^order with one set of counts. What a page is decides which
 * part of the union is alive:
 *
 *   free    PG_buddy: on a buddy list, private is its order; PG_pcp: on a per-CPU list,
 *           linked through lru.next
 *   table   PG_table: a page-table page: its lock, its mm, its count of non-none entries
 *   anon    mapping holds the anon_vma with PAGE_MAPPING_ANON set, index its place
 *   file    mapping is its address_space, index its place
 *
 * Pages of user memory (anon, file) are on LRU lists (phys/lru.h); mlock_count says how many
 * mappings of locked vmas they have.
 *
 * Reference counts: one for each mapping, one for each holder. mapcount is kept with a bias
 * of -1, as Linux does: -1 is "mapped nowhere".
 */
#ifndef PHYS_PAGE_H
#define PHYS_PAGE_H

#include "base/list.h"
#include "machine/machine.h"
#include "sync/sync.h"

struct mm;
struct anon_vma;

/*      flag            meaning                                                        */
#define PAGE_FLAGS(X)                                                                             \
	X(PG_locked, locked) /* the folio lock */                                                 \
	X(PG_referenced, referenced)                                                              \
	X(PG_uptodate, uptodate)                                                                  \
	X(PG_dirty, dirty)                                                                        \
	X(PG_lru, lru)                                                                            \
	X(PG_active, active)                                                                      \
	X(PG_head, head)                     /* first page of a folio of order > 0 */             \
	X(PG_tail, tail)                     /* another page of one: compound_head names it */    \
	X(PG_reserved, reserved)             /* never allocated: frame 0, the zero page */        \
	X(PG_swapbacked, swapbacked)         /* anonymous; clear: lazily freed (MADV_FREE) */     \
	X(PG_unevictable, unevictable)       /* on the list of those that reclaim leaves alone */ \
	X(PG_mlocked, mlocked)               /* mapped by locked vmas: mlock_count */             \
	X(PG_anon_exclusive, anon_exclusive) /* per page: only this mapping may write it */       \
	X(PG_buddy, buddy)                   /* head of a free block of the buddy allocator */    \
	X(PG_pcp, pcp)                       /* on a per-CPU list */                              \
	X(PG_table, table)                   /* a page-table page */                              \
	X(PG_zeroed, zeroed)                 /* free, never handed out: reads as zeros */         \
	X(PG_swapcache, swapcache)           /* private is its slot; mapping that of the owner */ \
	X(PG_writeback, writeback)           /* being written out */                              \
	X(PG_reclaim, reclaim)               /* wanted back as soon as it is written */           \
	X(PG_lru_batch, lru_batch)           /* in a CPU's batch, about to go on an LRU list */

enum page_flag {
#define X(id, name) id,
	PAGE_FLAGS(X)
#undef X
		NR_PAGE_FLAGS
};

/*
 * Above the flags: with PG_lru_batch the CPU whose batch it is; node and zone of the frame, set
 * when its section comes into use.
 */
#define PAGE_CPU_SHIFT 48
#define PAGE_CPU_MASK ((u64)(MAX_CPUS - 1) << PAGE_CPU_SHIFT)
#define PAGE_ZONE_SHIFT 56
#define PAGE_NODE_SHIFT 58
#define PAGE_PLACE_FLAGS (~0ull << PAGE_ZONE_SHIFT)

#define PAGE_MAPPING_ANON 1ull

struct page {
	u64 flags; /* atomic */
	atomic_t refcount;
	atomic_t mapcount;
	union {
		struct { /* in use, or free on a list */
			struct list_head lru;
			u64 mapping; /* a pointer and low bits */
			pgoff_t index;
			u64 private; /* order of a free block; PG_swapcache: the swap entry */
		};
		struct { /* PG_table */
			spinlock_t ptl;
			u32 table_level;  /* 0: of PTEs */
			atomic_t nr_used; /* entries that are not none */
			struct mm *table_mm;
			vaddr_t table_start; /* first address it maps */
		};
	};
	union {
		struct page *compound_head; /* PG_tail */
		struct {                    /* else */
			u8 order;           /* PG_head: of the folio */
			u16 group;          /* whose memory it counts as, phys/group.h */
			u32 mlock_count;    /* lru_lock: mappings by locked vmas */
		};
	};
};

_Static_assert(sizeof(struct page) == STRUCT_PAGE_BYTES, "struct page is one cache line");

#define X(id, name)                                                         \
	static inline bool page_test_##name(const struct page *page)        \
	{                                                                   \
		return READ_ONCE(((struct page *)page)->flags) & BIT(id);   \
	}                                                                   \
	static inline void page_set_##name(struct page *page)               \
	{                                                                   \
		(void)sync_fetch_or(&page->flags, BIT(id), SYNC_RELAXED);   \
	}                                                                   \
	static inline void page_clear_##name(struct page *page)             \
	{                                                                   \
		(void)sync_fetch_and(&page->flags, ~BIT(id), SYNC_RELAXED); \
	}
PAGE_FLAGS(X)
#undef X

/* For a page that nobody else can find yet: needs no atomic. */
static inline void page_init_flags(struct page *page, u64 flags)
{
	WRITE_ONCE(page->flags, READ_ONCE(page->flags) | flags);
}

static inline struct page *pfn_to_page(const struct machine *m, pfn_t pfn)
{
	return (struct page *)((uintptr_t)m + VMEMMAP_OFFSET) + pfn.n;
}

static inline pfn_t page_to_pfn(const struct page *page)
{
	uintptr_t base = (uintptr_t)machine_of(page) + VMEMMAP_OFFSET;

	return pfn_of((u64)(page - (const struct page *)base));
}

/* Where the frame's bytes are in the arena. */
static inline void *pfn_to_virt(const struct machine *m, pfn_t pfn)
{
	return (void *)((uintptr_t)m + RAM_OFFSET + (pfn.n << PAGE_SHIFT));
}

static inline void *page_address(const struct page *page)
{
	uintptr_t m = (uintptr_t)machine_of(page);

	/* A frame is PAGE_SIZE / sizeof(struct page) times as large as its page struct. */
	return (void *)(m + RAM_OFFSET +
			((uintptr_t)page - m - VMEMMAP_OFFSET) / STRUCT_PAGE_BYTES * PAGE_SIZE);
}

static inline struct page *virt_to_page(const void *virt)
{
	struct machine *m = machine_of(virt);

	return pfn_to_page(m, pfn_of(((uintptr_t)virt - (uintptr_t)m - RAM_OFFSET) >> PAGE_SHIFT));
}

static inline int page_count(const struct page *page)
{
	return atomic_read(&page->refcount);
}

/* Mappings of this page: 0 when it is mapped nowhere. */
static inline int page_mapcount(const struct page *page)
{
	return atomic_read(&page->mapcount) + 1;
}

static inline bool page_test_anon(const struct page *page)
{
	return READ_ONCE(((struct page *)page)->mapping) & PAGE_MAPPING_ANON;
}

static inline unsigned page_node(const struct page *page)
{
	return (READ_ONCE(((struct page *)page)->flags) >> PAGE_NODE_SHIFT) & (MAX_NODES - 1);
}

static inline unsigned page_zone_type(const struct page *page)
{
	return (READ_ONCE(((struct page *)page)->flags) >> PAGE_ZONE_SHIFT) & 3;
}

/* The page itself, or the head of the folio that it is a tail of. */
static inline struct page *page_head(struct page *page)
{
	return unlikely(page_test_tail(page)) ? READ_ONCE(page->compound_head) : page;
}

static inline unsigned page_order(const struct page *head)
{
	return unlikely(page_test_head(head)) ? head->order : 0;
}

static inline void get_page(struct page *page)
{
	VM_BUG_ON2(page_count(page) <= 0, page_count(page), page_to_pfn(page).n);
	atomic_inc(&page->refcount);
}

/* Freed by the caller's having been the last: counts must be as of a page nobody uses. */
void free_zero_ref_page(struct page *page);
/* The same for up to FREE_BATCH pages of order 0, with each lock taken once. */
#define FREE_BATCH 64
void free_zero_ref_pages(struct page *const *pages, u32 nr);

/* Gives one reference of a head page back; true: it was the last, to be freed by the caller. */
static inline bool put_page_testzero(struct page *head)
{
	VM_BUG_ON2(page_count(head) <= 0, page_count(head), page_to_pfn(head).n);
	return atomic_dec_and_test(&head->refcount);
}

/* Gives one reference of the page's folio back; the last one frees it. */
static inline void put_page(struct page *page)
{
	struct page *head = page_head(page);

	if (put_page_testzero(head))
		free_zero_ref_page(head);
}

/* A reference to a page that may be about to be freed; false: it is. */
static inline bool get_page_unless_zero(struct page *page)
{
	return atomic_inc_not_zero(&page->refcount);
}

/*
 * Pins (FOLL_PIN) of a small folio are GUP_PIN_COUNTING_BIAS references each, so that
 * "maybe pinned" can be asked of the count alone.
 */
#define GUP_PIN_COUNTING_BIAS 1024

static inline bool page_maybe_dma_pinned(const struct page *page)
{
	return page_count(page) >= GUP_PIN_COUNTING_BIAS;
}

/*
 * Used by somebody who does not go through an entry: twice makes a page active. What is locked
 * into memory is on no list where that would matter. phys/lru.c.
 */
void page_mark_accessed(struct page *page);

static inline bool page_trylock(struct page *page)
{
	return bit_trylock(&page->flags, PG_locked, LC_FOLIO);
}

static inline void page_lock(struct page *page)
{
	bit_lock(&page->flags, PG_locked, LC_FOLIO);
}

static inline void page_unlock(struct page *page)
{
	bit_unlock(&page->flags, PG_locked, LC_FOLIO);
}

#endif
