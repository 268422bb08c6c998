/* SPDX-License-Identifier: MIT */
/*
 * shmem: files whose data is in memory or swap only: memfd, shared anonymous memory.
 *
 *   entry at an index   data
 *   none                zeros
 *   page, uptodate      there; swap-backed; clean while nobody has written: zeros, may be dropped
 *   page, not uptodate  zeros: allocated ahead by fallocate, never touched; dirty
 *   value               in the swap slot it names (the slot's count includes it), or a poison
 *                       marker: it could not be read, -EIO for ever
 *
 * See shmem.c for the ways between them.
 */
#ifndef SHMEM_SHMEM_H
#define SHMEM_SHMEM_H

#include "filemap/filemap.h"
#include "swap/swap.h"

/*
 * A file of size bytes named "NAME (deleted)" by maps. vm_flags: VM_NORESERVE: pages are promised
 * one by one instead of at once. -ENOMEM, -EINVAL (size).
 */
int shmem_file_setup(struct machine *m, const char *name, u64 size_bytes, u64 vm_flags,
		     struct file **ret_file);
enum sgp_type { SGP_READ, SGP_NOALLOC, SGP_CACHE, SGP_WRITE, SGP_FALLOC };
/*
 * The page at index, locked and referenced, its data there. SGP_READ: *ret_page NULL for a hole;
 * SGP_NOALLOC: -ENOENT. -EINVAL: beyond the size (SGP_READ, _NOALLOC, _CACHE); -ENOSPC; -ENOMEM;
 * -EIO: swap could not be read; -EEXIST never comes out. group: who is charged.
 */
int shmem_get_page(struct inode *inode, pgoff_t index, enum sgp_type sgp, u32 group,
		   struct page **ret_page);
/*
 * A new page, known to nobody, becomes the one at index: locked, in the cache, not uptodate yet.
 * -EEXIST: there is one, or a value; -ENOSPC: it cannot be promised; -ENOMEM.
 */
int shmem_add_page(struct inode *inode, pgoff_t index, struct page *page);
/* Undo that before anybody has used it; the caller's reference is put, too. */
void shmem_drop_page(struct inode *inode, struct page *page);
vm_fault_t shmem_fault(struct vm_fault *vmf);
extern const struct vm_operations shmem_vm_ops;
extern const struct inode_ops shmem_inode_ops;
/* Cut or punch [start, end] (bytes; end ~0: to the end). inode->rwsem held for write. */
void shmem_undo_range(struct inode *inode, u64 start, u64 end);
/* Reclaim has taken a clean page out of the cache; pages.lock held, as the inode may go after. */
void shmem_page_dropped(struct inode *inode);
/* Pages that left the cache behind the inode's back are no longer accounted to it. */
void shmem_recalc_inode(struct inode *inode);
/*
 * Reclaim: a locked, unmapped, dirty page goes from the page cache to the swap cache, its place
 * taken by the slot. 0: written, clean, to be freed by the caller. -ENOMEM: no slot; all is as it
 * was, dirty. -EIO: it could not be written: in the swap cache, dirty.
 */
int shmem_writeout(struct page *page);
/* swapoff: bring all pages that are in the area back into their page caches. 0, -ENOMEM. */
int shmem_unuse(struct machine *m, u32 type);
/* Pages of [first, last] in swap, for smaps; and of an inode. */
u64 shmem_swap_usage(struct vm_area *vma);
u64 shmem_partial_swap_usage(struct address_space *mapping, pgoff_t first, pgoff_t last);
int shmem_add_seals(struct file *file, u32 seals);
int shmem_get_seals(struct file *file);
bool inode_is_shmem(const struct inode *inode);

#endif
