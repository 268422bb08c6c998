/* SPDX-License-Identifier: MIT */
/*
 * swap: what its files share.
 *
 *   cluster     on a list of its area   slots
 *   FREE        free                    none in use
 *   PARTIAL     partial                 some in use
 *   CURRENT     none: a CPU fills it    any
 *   FULL        none                    all in use
 *   OFF         none                    the area is off
 *
 *          pick                 last slot taken
 *   FREE ───────┐            ┌────────────────► FULL
 *               ▼            │                   │ slot freed
 *   PARTIAL ─► CURRENT ──────┘                   ▼
 *      ▲          └─ the CPU took another ────► PARTIAL ─ last slot freed ─► FREE
 *
 * A CPU's current cluster is a hint: what says that slots may be taken is its state, under its
 * lock. Memory of areas is kept for ever and is always the same kind of objects, so that who
 * comes with an entry that has gone, or a stale hint, finds a lock, and then that it was wrong.
 *
 * Locks: cluster.lock → swap.lock. A list is changed with both, but for the one who picks: it has
 * taken the cluster off before it locks it.
 */
#ifndef SWAP_SWAP_INTERNAL_H
#define SWAP_SWAP_INTERNAL_H

#include "host/host.h"
#include "swap/swap.h"

#define SWAP_PATH_BYTES 256
/* Slot 0 is the header of a swap file. */
#define SWAP_SLOT_BAD 0xffffffffu
#define SWAP_COUNT_MAX 0xfffffffeu

enum cluster_state {
	CLUSTER_OFF,
	CLUSTER_FREE,
	CLUSTER_PARTIAL,
	CLUSTER_CURRENT,
	CLUSTER_FULL,
};

struct swap_slot {
	u32 count;          /* cluster's lock */
	struct page *cache; /* cluster's lock */
};

struct swap_cluster {
	spinlock_t lock;
	u32 state;              /* lock: enum cluster_state */
	u32 used;               /* lock: slots in use, the bad one included */
	u32 next;               /* lock: where to look for a free one first */
	u32 nr;                 /* lock: slots */
	u64 first;              /* lock: number of the first slot */
	struct swap_area *area; /* lock */
	struct swap_slot *slots;
	struct list_head list; /* swap.lock */
};

/* Room for an area: never given back, used again by another one. */
struct swap_memory {
	struct swap_memory *next_free; /* swap.lock */
	u64 max_slots;                 /* c */
	struct swap_slot *slots;       /* c */
	struct swap_cluster *clusters; /* c */
	u8 *data;                      /* c: of slots 1, 2 ...; NULL: a file of the host has it */
};

struct swap_area {
	u32 type;                   /* c */
	struct swap_memory *memory; /* swap.lock to write; NULL: off */
	bool writable;              /* swap.lock to write */
	s32 priority;               /* swap.lock */
	u64 nr_slots;               /* with the bad one; c while on */
	atomic64_t used;            /* slots */
	atomic64_t changes;         /* while it is stopped: of counts, of the cache, of entries */
	struct list_head order;     /* swap.lock: among the writable ones, by priority */
	struct list_head free;      /* swap.lock: clusters */
	struct list_head partial;   /* swap.lock */
	char path[SWAP_PATH_BYTES]; /* c while on */
	struct host_file host;      /* c while on */
};

struct swap {
	struct mutex control; /* which areas are on changes with it only */
	spinlock_t lock;
	struct swap_area *areas[MAX_SWAP_AREAS]; /* set once; which are on: their memory */
	struct list_head order;                  /* lock */
	s32 least_priority;                      /* lock: of those that were given none */
	struct swap_memory *free_memory;         /* lock */
	atomic64_t nr_free;                      /* slots; those of a stopped area are taken off */
	struct swap_cluster *current_cluster[MAX_CPUS]; /* a: hints */
};

/*
 * The cluster of an entry, locked, and its slot. NULL: there is no such slot, for whoever came by
 * an entry that nothing keeps.
 */
struct swap_cluster *swap_lock_slot(struct machine *m, swp_entry_t entry,
				    struct swap_slot **ret_slot);
/*
 * Something about a slot has changed that swapoff may have looked at before. In order with it by
 * the lock that the caller holds: of the cluster, or of what has the entry.
 */
static inline void swap_slot_changed(struct swap_area *area)
{
	if (unlikely(!READ_ONCE(area->writable)))
		atomic64_inc(&area->changes);
}
/* cluster locked: nobody refers to the slot, and no page is cached for it. */
void swap_slot_release(struct swap_cluster *cluster, struct swap_slot *slot);
/* A free slot becomes the place of a page. -ENOMEM. */
int swap_slot_take(struct page *page, swp_entry_t *ret_entry);

static inline struct swap_area *swap_area_of(struct machine *m, u32 type)
{
	VM_BUG_ON2(type >= MAX_SWAP_AREAS, type, MAX_SWAP_AREAS);
	return READ_ONCE(m->swap->areas[type]);
}

/* Between a page and its slot. 0 or -EIO. */
int swap_read_page(struct page *page);
int swap_write_page(struct page *page);

/* A file that mkswap prepared. */
struct swap_file {
	struct host_file host;
	char path[SWAP_PATH_BYTES];
	u64 pages; /* without the header */
};
/* -EINVAL: it is none, or is shorter than it says. */
int swap_file_open(const char *path, struct swap_file *ret_file);

#endif
