/* SPDX-License-Identifier: MIT */
/* Failure injection: the n-th, or each with a probability, by site and by order. */
#ifndef MACHINE_FAIL_H
#define MACHINE_FAIL_H

#include "base/prng.h"
#include "machine/quiet.h"
#include "machine/slab.h"
#include "sync/sync.h"

struct umm_fail;

/*
 * Sites of page allocations, and of what else can fail: slots, reads and writes. The slab caches
 * are sites of their own after these.
 */
#define PAGE_FAIL_SITES(X)                   \
	X(FAIL_ANON_PAGE, "anon_page")       \
	X(FAIL_COW_PAGE, "cow_page")         \
	X(FAIL_FORK_PAGE, "fork_page")       \
	X(FAIL_PGD, "pgd")                   \
	X(FAIL_PUD, "pud")                   \
	X(FAIL_PMD, "pmd")                   \
	X(FAIL_PTE, "pte")                   \
	X(FAIL_OTHER_PAGE, "other_page")     \
	X(FAIL_FILE_PAGE, "file_page")       \
	X(FAIL_SHMEM_PAGE, "shmem_page")     \
	X(FAIL_SWAPIN_PAGE, "swapin_page")   \
	X(FAIL_FILL_PAGE, "fill_page")       \
	X(FAIL_MIGRATE_PAGE, "migrate_page") \
	X(FAIL_SWAP_SLOT, "swap_slot")       \
	X(FAIL_SWAP_READ, "swap_read")       \
	X(FAIL_SWAP_WRITE, "swap_write")     \
	X(FAIL_FILE_READ, "file_read")       \
	X(FAIL_FILE_WRITE, "file_write")

enum fail_site {
#define X(id, name) id,
	PAGE_FAIL_SITES(X)
#undef X
		NR_PAGE_FAIL_SITES,
	FAIL_SLAB_FIRST = NR_PAGE_FAIL_SITES,
	NR_FAIL_SITES = FAIL_SLAB_FIRST + NR_KMEM_CACHES
};

struct fail_state {
	u32 armed; /* read without the lock; zero: nothing to do */
	/* lock */
	spinlock_t lock;
	u64 site_mask;
	int order;          /* -1: any */
	u64 nth;            /* countdown */
	u64 probability_32; /* of 2^32 */
	struct prng rng;
	u64 seen, failed;
};

/* Whether this allocation must fail; order is 0 for slab objects. */
bool should_fail_slow(struct machine *m, enum fail_site site, unsigned order);
void fail_init(struct machine *m);
/* As umm_fail_set. */
int fail_set(struct machine *m, const struct umm_fail *fail);
void fail_stats(struct machine *m, u64 *ret_seen, u64 *ret_failed);
/* NULL past the last. */
const char *fail_site_name(unsigned site);

#define should_fail(m, site, order) \
	(unlikely(quiet_load(&(m)->fail.armed)) && should_fail_slow(m, site, order))

#endif
