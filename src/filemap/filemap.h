/* SPDX-License-Identifier: MIT */
/*
 * filemap: the page cache. A page of it has PG_uptodate once its data is there, mapping and index
 * of its place, a reference for the place and one for each mapping of it. It is found under
 * pages.lock, and looked at under its folio lock: page->mapping is then either this address space
 * or NULL (truncated).
 */
#ifndef FILEMAP_FILEMAP_H
#define FILEMAP_FILEMAP_H

#include "arch/arch.h"
#include "filemap/file.h"
#include "phys/alloc.h"
#include "vma/mm.h"
#include "vma/vm_fault.h"

/* The address space of a page that is not anonymous; NULL: truncated. */
static inline struct address_space *page_mapping_file(const struct page *page)
{
	u64 mapping = READ_ONCE(((struct page *)page)->mapping);

	return mapping & PAGE_MAPPING_ANON ? NULL : (struct address_space *)(uintptr_t)mapping;
}

/* Swap entries as values of a page cache. */
static inline u64 swp_to_value(swp_entry_t entry)
{
	return entry.offset << 5 | entry.type;
}
static inline swp_entry_t value_to_swp(u64 value)
{
	return (swp_entry_t){ (u32)(value & 31), value >> 5 };
}

/* Whether what is in the cache is a copy of something that it can be written to. */
static inline bool mapping_can_writeback(const struct address_space *mapping)
{
	return mapping->host->kind == INODE_REGULAR;
}

/* The group that what the running task allocates is charged to. */
static inline u32 current_group(void)
{
	const struct task *task = current;

	return task && task->mm ? READ_ONCE(task->mm->group) : 0;
}

/*
 * Put a page (locked, not uptodate or uptodate, charged) at index: expected is what is there now
 * (0 or a value). Takes a reference for the cache. 0; -EEXIST: something else is there; -ENOMEM.
 */
int filemap_add_page(struct address_space *mapping, struct page *page, pgoff_t index,
		     xa_entry_t expected);
/*
 * Take a locked page out, leaving replacement (0 or a value); its cache reference is the caller's
 * to put. pages.lock is taken inside.
 */
void filemap_remove_page(struct page *page, xa_entry_t replacement);
/* The same with pages.lock held by the caller, who may have frozen the page's count under it. */
void filemap_remove_page_locked(struct page *page, xa_entry_t replacement);
/* The page at index with a reference; NULL: none (or a value: *ret_value, which may be NULL). */
struct page *filemap_get_page(struct address_space *mapping, pgoff_t index, u64 *ret_value);
/* The same, locked and still in its place. */
struct page *filemap_lock_page(struct address_space *mapping, pgoff_t index, u64 *ret_value);
/*
 * The next page at or after *index, up to last, with a reference; *index is its place then. Values
 * are passed over. NULL: no more.
 */
struct page *filemap_next_page(struct address_space *mapping, pgoff_t *index, pgoff_t last);
/*
 * For fault-around: the next page at or after *index, up to last, that is uptodate and could be
 * locked at once; locked and referenced; *index is its place. NULL: no more.
 */
struct page *filemap_next_map_page(struct address_space *mapping, pgoff_t *index, pgoff_t last);
/* Mark a page dirty, and its place in the cache; false: it was. Any lock but pages.lock held. */
bool filemap_dirty_page(struct page *page);
/* The same for a page of any kind. */
static inline void set_page_dirty(struct page *page)
{
	if (page_test_anon(page))
		page_set_dirty(page);
	else
		(void)filemap_dirty_page(page);
}
/* Undo that: its data is being written, or is not wanted. Folio lock held. */
void filemap_clean_page(struct page *page);

/*
 * Whoever may make a shared mapping of the file writable says so, as the mappings themselves do:
 * -EPERM when there must be none. mapping_deny_writable: from now on; -EBUSY: there are some.
 */
int mapping_map_writable(struct address_space *mapping);
void mapping_unmap_writable(struct address_space *mapping);
int mapping_deny_writable(struct address_space *mapping);

/*
 * What the reverse map and the tables must do for the page cache, rooms further down. Defined in
 * range/mapping.c.
 */
struct filemap_ops {
	/* Zap every mapping of pages [first, first + nr), private copies too if even_cows. */
	void (*unmap_pages)(struct address_space *mapping, pgoff_t first, u64 nr, bool even_cows);
	/* Zap the mappings of one locked page, for good (markers go). */
	void (*unmap_page)(struct page *page);
	/* Write-protect and clean every mapping of a locked page; whether any was dirty. */
	bool (*mkclean)(struct page *page);
};
extern const struct filemap_ops filemap_ops;

/* ---- regular files ----------------------------------------------------------------------- */

/*
 * Open a file of the host; flags O_RDONLY, O_WRONLY, O_RDWR, O_CREAT, O_TRUNC. -errno of the host;
 * -EINVAL: other flags, no regular file; -ENAMETOOLONG: its full name does not fit.
 */
int regular_open(struct machine *m, const char *path, u32 flags, u32 mode, struct file **ret_file);
vm_fault_t filemap_fault(struct vm_fault *vmf);
vm_fault_t filemap_page_mkwrite(struct vm_fault *vmf);
extern const struct vm_operations filemap_vm_ops;
/*
 * The page at index, locked and referenced, read in if need be; beyond the end it is zeros.
 * -ENOMEM, -EIO or the host's errno. group: who is charged.
 */
int filemap_read_page(struct address_space *mapping, pgoff_t index, u32 group,
		      struct page **ret_page);
/* Read what of [first, last] is in the file and not in the cache, as far as that is easy. */
void filemap_readahead(struct address_space *mapping, pgoff_t first, pgoff_t last, u32 group);
/*
 * Write back the dirty pages of [first, last]; wait for them (synchronous here). The first error,
 * -EIO or the host's; the pages of a failed write stay dirty in memory, as lost for the file.
 */
int filemap_write_range(struct address_space *mapping, pgoff_t first, pgoff_t last);
/* One locked dirty page, for reclaim. 0: written and clean. */
int filemap_writepage(struct page *page);
/* fsync of a file of any kind: the same, or an earlier error that this file was not told of. */
int file_fsync_range(struct file *file, pgoff_t first, pgoff_t last);
/* Drop what is clean, unmapped and unused from the cache; pages dropped. */
u64 invalidate_mapping_pages(struct address_space *mapping, pgoff_t first, pgoff_t last);
/*
 * Set the size; pages beyond go, private copies of them too, and the last one's tail is zeroed.
 * rwsem and invalidate_lock held for write.
 */
void truncate_setsize(struct inode *inode, u64 size);
/* Before a write at offset makes the file longer: what lies between reads as zeros. rwsem write. */
void filemap_prepare_extend(struct inode *inode, u64 offset);
/*
 * Punch: whole pages of [start_bytes, last_byte] go, parts of pages are zeroed; private copies
 * stay. Locks as above.
 */
void truncate_pagecache_range(struct inode *inode, u64 start_bytes, u64 last_byte);
/* The cache of an inode that nobody uses any more. */
void truncate_inode_pages_final(struct address_space *mapping);

/* ---- reading and writing, of any kind ---------------------------------------------------- */

/* As pread and pwrite on a buffer of the host's caller: bytes done, or -errno. */
s64 generic_file_read(struct file *file, void *buf, u64 len, u64 offset);
s64 generic_file_write(struct file *file, const void *buf, u64 len, u64 offset);

/* By kind of inode; shmem/ fills in its own. */
struct inode_ops {
	/* A page of the file, locked and referenced, its data there; grow: made if it is a hole. */
	int (*get_page)(struct inode *inode, pgoff_t index, bool grow, struct page **ret_page);
	int (*set_size)(struct inode *inode, u64 size); /* rwsem held for write */
	/* Takes rwsem for write; the arguments are checked as far as vfs_fallocate does. */
	int (*fallocate)(struct inode *inode, u32 mode, u64 offset, u64 len);
	void (*evict)(struct inode *inode); /* the last user has gone */
	/* rwsem held for write: may these bytes be written (seals); they are going to be. */
	int (*may_write)(struct inode *inode, u64 offset, u64 len);
	u64 (*blocks)(struct inode *inode); /* of 512 bytes, as stat counts them */
};
extern const struct inode_ops regular_inode_ops;
extern const struct inode_ops *const inode_operations[NR_INODE_KINDS]; /* shmem/inode_ops.c */

#endif
