/* SPDX-License-Identifier: MIT */
/* shmem: what its files share. See shmem.c. */
#ifndef SHMEM_SHMEM_INTERNAL_H
#define SHMEM_SHMEM_INTERNAL_H

#include "base/uapi.h"
#include "shmem/shmem.h"

/* A value at an index for data that is lost. */
static inline u64 shmem_poison_value(void)
{
	return swp_to_value((swp_entry_t){ SWP_PTE_MARKER, PTE_MARKER_POISONED });
}

/*
 * Change the counts of an inode, after the page cache has changed; pages that it has lost without
 * being told are counted out. Writing out counts before the page leaves.
 */
void shmem_count(struct inode *inode, s64 alloced, s64 swapped);
/* Promise memory, and take a promise back. 0 or -ENOMEM. */
int shmem_acct(struct inode *inode, u64 pages);
void shmem_unacct(struct inode *inode, u64 pages);

/* What stands at an index: a page, referenced, or a value. */
struct shmem_place {
	struct page *page;
	u64 value;
};
/* The next one at or after *index, up to last; *index is its place. false: none. */
bool shmem_next_place(struct inode *inode, pgoff_t *index, pgoff_t last, struct shmem_place *ret);
/* Erase a value, if it still is there, and give up what it names. */
bool shmem_erase_value(struct inode *inode, pgoff_t index, u64 value);

/*
 * Bring the page of a value in: locked, referenced, in the page cache. -EEXIST: the value is no
 * longer there, look again; -ENOMEM, -EIO. *ret_major is set when it had to be read.
 */
int shmem_swapin(struct inode *inode, pgoff_t index, u64 value, u32 group, bool *ret_major,
		 struct page **ret_page);

/* inode_ops.fallocate. */
int shmem_fallocate(struct inode *inode, u32 mode, u64 offset, u64 len);

#endif
