/* SPDX-License-Identifier: MIT */
/*
 * phys: groups of processes with a limit on their memory (a memory cgroup). A page of user memory
 * is charged to the group of the mm that it was allocated for, and stays so until it is freed.
 * Group 0 is everybody's: it has no limit, and nothing is counted for it. Groups are flat and last
 * as long as the machine.
 */
#ifndef PHYS_GROUP_H
#define PHYS_GROUP_H

#include "phys/alloc.h"
#include "phys/lru.h"

#define MAX_GROUPS 64
#define GROUP_NO_LIMIT (~0ull)

struct mem_group {
	u32 id;
	u64 limit_pages;    /* a: GROUP_NO_LIMIT: none */
	atomic64_t charged; /* a: pages; not for group 0 */
	atomic64_t failcnt; /* a: charges that met the limit */
	struct lruvec lruvecs[MAX_NODES];
};

struct mem_groups {
	u32 nr; /* tasks_lock to change; groups below it are complete */
	struct mem_group *groups[MAX_GROUPS];
};

/* Group 0. */
int groups_init(struct machine *m);
/* tasks_lock held. -ENOSPC: MAX_GROUPS; -ENOMEM. */
int group_create(struct machine *m, u64 limit_pages, u32 *ret_id);

/* NULL: no such group. */
static inline struct mem_group *group_of(const struct machine *m, u32 id)
{
	return id < smp_load_acquire(&m->groups->nr) ? m->groups->groups[id] : NULL;
}

/*
 * Taking memory back is a room further down; reclaim/reclaim.c defines the table. The caller
 * may hold folio locks and what is outside of them.
 */
enum oom_outcome {
	OOM_FREED,   /* try again */
	OOM_WAIT,    /* who was killed is giving back what it has */
	OOM_GIVE_UP, /* nobody can be killed, or it is the current process that was */
};
struct mm;
struct reclaim_ops {
	u64 (*try_to_free)(struct machine *m, u32 group, u64 nr_wanted);
	/* patient: rather wait than kill another. */
	enum oom_outcome (*out_of_memory)(struct machine *m, u32 group, bool patient);
	/* Isolated pages, linked through lru, each with a reference that goes. */
	u64 (*reclaim_pages)(struct machine *m, struct list_head *pages);
	/* Take the private memory of a process that was killed. mmap_lock not held. */
	void (*reap)(struct mm *mm);
};
extern const struct reclaim_ops reclaim_ops;

/* What is reclaimed at a time. */
#define RECLAIM_WANTED 32
/*
 * Make room for nr pages, of a group or (0) anywhere: by reclaim, at last (make_room) by killing
 * somebody. False: that has become hopeless. *attempts starts at 0.
 */
bool try_room(struct machine *m, u32 group, u64 nr, u32 *attempts);
bool make_room(struct machine *m, u32 group, u64 nr, u32 *attempts);

/*
 * A page of user memory charged to a group, not yet on an LRU list. Reclaims from the group when
 * it is at its limit. NULL: no memory, the limit, or an injected failure. May sleep unless
 * GFP_ATOMIC.
 */
struct page *alloc_user_page(struct machine *m, u32 id, enum gfp gfp, enum fail_site site);
/* Migration: to, which has none, takes over what from is charged as. Cannot fail. */
void group_move_charge(struct page *from, struct page *to);
/* Pages of a group that are in use; of group 0: those on its lists and in batches. */
u64 group_pages(struct machine *m, u32 id);
/* A page of a group other than 0 is freed. */
void group_uncharge(const struct page *page);

#endif
