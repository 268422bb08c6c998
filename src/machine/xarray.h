/* SPDX-License-Identifier: MIT */
/*
 * machine: an array of sparse entries by index, a radix tree of 64-way nodes. An entry is a pointer
 * (aligned to 4) or a value (63 bits, made by xa_mk_value); 0 is "nothing there". An entry of
 * order n takes up 2^n indices, aligned to their number: every look-up within finds it.
 *
 * Locks: the array's own spinlock, held by the caller around every call that says _locked; the
 * others take it. Marks are bits beside the entries that can be searched for.
 * Nodes come from the machine that the array lies in (CACHE_XA_NODE).
 */
#ifndef MACHINE_XARRAY_H
#define MACHINE_XARRAY_H

#include "base/types.h"
#include "machine/slab.h"
#include "sync/sync.h"

#define XA_NODE_SHIFT 6
#define XA_NODE_SLOTS (1u << XA_NODE_SHIFT)

typedef u64 xa_entry_t;

struct xa_node;

struct xarray {
	spinlock_t lock;
	u8 height;            /* lock: levels of nodes; 0: empty */
	struct xa_node *root; /* lock */
	u64 nr_nodes;         /* lock */
};

enum xa_mark { XA_MARK_DIRTY, XA_MARK_WRITEBACK, XA_MARK_TOWRITE, NR_XA_MARKS };

/* The array's own business; here for its size. */
struct xa_node {
	struct xa_node *parent;
	u8 shift;  /* bits of the index below this node's */
	u8 offset; /* its slot in the parent */
	u8 count;  /* slots in use */
	xa_entry_t slots[XA_NODE_SLOTS];
	u64 marks[NR_XA_MARKS];
};

static inline xa_entry_t xa_mk_value(u64 value)
{
	return value << 1 | 1;
}
static inline u64 xa_to_value(xa_entry_t entry)
{
	return entry >> 1;
}
static inline bool xa_is_value(xa_entry_t entry)
{
	return entry & 1;
}
static inline xa_entry_t xa_mk_pointer(const void *pointer)
{
	return (xa_entry_t)(uintptr_t)pointer;
}
static inline void *xa_to_pointer(xa_entry_t entry)
{
	return (void *)(uintptr_t)entry;
}

void xa_init(struct xarray *xa, enum lock_class cls);
xa_entry_t xa_load_locked(const struct xarray *xa, u64 index);
/*
 * Store an entry of an order (0..18) at index (aligned to 2^order), without marks; entries that
 * meet its indices go, also where they reach beyond. 0 erases the entry that covers index.
 * 0, or -ENOMEM with nothing changed: never when an entry of the same order is there, or when
 * erasing.
 */
int xa_store_locked(struct xarray *xa, u64 index, unsigned order, xa_entry_t entry);
/*
 * Put entry (0: nothing) in the place of old (not 0), marks and order kept. False: something else
 * is there, nothing changed. Cannot fail else.
 */
bool xa_replace_locked(struct xarray *xa, u64 index, xa_entry_t old, xa_entry_t entry);
/*
 * The entry at the lowest index >= *index and <= last (a multi-index entry that covers *index
 * counts); *index becomes its first index. 0: none, *index untouched.
 */
xa_entry_t xa_find_locked(const struct xarray *xa, u64 *index, u64 last);
xa_entry_t xa_find_marked_locked(const struct xarray *xa, u64 *index, u64 last, enum xa_mark mark);
/* Order of the entry that covers index; 0 when there is none. */
unsigned xa_order_locked(const struct xarray *xa, u64 index);
/* Cut a multi-index entry into ones of a smaller order, equal to it, marks too. 0 or -ENOMEM. */
int xa_split_locked(struct xarray *xa, u64 index, unsigned order);
void xa_set_mark_locked(struct xarray *xa, u64 index, enum xa_mark mark);
void xa_clear_mark_locked(struct xarray *xa, u64 index, enum xa_mark mark);
bool xa_get_mark_locked(const struct xarray *xa, u64 index, enum xa_mark mark);
bool xa_marked_locked(const struct xarray *xa, enum xa_mark mark);
static inline bool xa_empty(const struct xarray *xa)
{
	return !READ_ONCE(((struct xarray *)xa)->root);
}

#endif
