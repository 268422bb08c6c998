/* SPDX-License-Identifier: MIT */
/*
 * filemap: files, what they are read into, and who has them open.
 *
 *   descriptor ── struct file (open description: mode, position) ── struct inode (size, kind)
 *                                                                        │
 *   vma->file ──────────┘                          address_space: page cache, vmas that map it
 *
 *   inode kind   backing of its vmas   the data of a page that is not in memory is
 *   SHMEM        VMA_SHMEM             nowhere (zeros) or in swap; memfd, shared anonymous memory
 *   REGULAR      VMA_FILE              in a file of the host
 *
 * An inode lives as long as a file does; a file as long as a descriptor or a vma refers to it.
 */
#ifndef FILEMAP_FILE_H
#define FILEMAP_FILE_H

#include "base/interval.h"
#include "machine/machine.h"
#include "machine/xarray.h"
#include "vma/task.h"
#include "vma/vma.h"

struct page;

enum inode_kind { INODE_SHMEM, INODE_REGULAR, NR_INODE_KINDS };

/*
 * Page cache of an inode. An entry of pages is a page (order 0: an uptodate or locked one that
 * holds one reference for being here) or a value: where shmem data is in swap (swp_to_value).
 */
struct address_space {
	struct inode *host;
	struct xarray pages;                 /* its lock is Linux's i_pages lock, LC_XA */
	u64 nr_pages;                        /* pages.lock: pages, not values */
	struct rw_semaphore invalidate_lock; /* faults read, truncation writes (INODE_REGULAR) */
	struct rw_semaphore i_mmap_rwsem;
	struct interval_tree i_mmap; /* i_mmap_rwsem: vm_area.shared by page offset */
	atomic_t i_mmap_writable;    /* shared mappings that may become writable; < 0: denied */
	/*
	 * a: the failed write-backs: how many so far, and the -errno of the last. A file has been
	 * told of the first wb_seen of them; the first file opened after one that nobody was told
	 * of is told.
	 */
	u32 wb_errors, wb_told;
	s32 wb_err;
};

/* The largest offset that there is. */
#define MAX_FILE_BYTES 0x7fffffffffffffffull
/* "/memfd:", a name of NAME_MAX less "memfd:", " (deleted)". */
#define INODE_NAME_BYTES 272

/* A hole being punched into a shmem file: faults in [start, next) wait for its end. */
struct shmem_falloc {
	bool punching;
	pgoff_t start, next;
	struct wait_queue_head waitq;
};

struct inode {
	u32 kind; /* c: enum inode_kind */
	u32 ino;  /* c: what maps shows */
	atomic_t refs;
	struct rw_semaphore rwsem; /* LC_INODE, outside mmap_lock: size changes, writes */
	u64 size;                  /* rwsem to write, READ_ONCE to read: bytes */
	struct address_space mapping;
	char name[INODE_NAME_BYTES]; /* c: as maps shows it: "/memfd:x (deleted)", a path */
	struct host_file host_file;  /* c: REGULAR: which file of the host, and name its path */

	/* SHMEM: shmem/shmem.h */
	spinlock_t info_lock; /* LC_SHMEM: the counts below */
	u32 seals;            /* rwsem: F_SEAL_* */
	u64 vm_flags;         /* c: VM_NORESERVE or not */
	s64 alloced;          /* info_lock: pages accounted to the inode, in the cache or in swap */
	s64 swapped;          /* info_lock: of which in swap */
	struct shmem_falloc falloc; /* info_lock: a hole being punched */
	struct list_head swaplist;  /* machine->shmem_lock: inodes that may have pages in swap */
	struct list_head inodes;    /* machine->files_lock: all of a machine */
};

enum file_mode { FMODE_READ = 1, FMODE_WRITE = 2 };

struct file {
	struct inode *inode;          /* c; NULL: a userfaultfd */
	struct userfaultfd_ctx *uffd; /* c; its context, otherwise NULL */
	atomic_t refs;
	u32 mode;              /* c: enum file_mode */
	u32 wb_seen;           /* a: write-back errors that it was told of */
	struct mutex pos_lock; /* LC_FILE_POS, outside inode.rwsem */
	u64 pos;               /* pos_lock: of the next byte that read(2) gives */
};

/* ---- life -------------------------------------------------------------------------------- */

/* A new inode with no pages and refs 1. NULL: no memory. */
struct inode *inode_alloc(struct machine *m, enum inode_kind kind);
void inode_get(struct inode *inode);
/* The last one drops the cache (shmem: the data), closes the host's file. May sleep. */
void inode_put(struct inode *inode);
/*
 * The inode of a regular file of the host: the one that the machine has already, or a new one of
 * that name and of the size that the host says. -ENOMEM or the host's errno.
 */
int inode_of_host_file(struct machine *m, const struct host_file *host_file, const char *name,
		       struct inode **ret_inode);
/*
 * An open description with refs 1; takes over the caller's use of the inode, on success. NULL: no
 * memory.
 */
struct file *file_alloc(struct inode *inode, u32 mode);
/* A descriptor's side of a userfaultfd; takes over the caller's reference to ctx, on success. */
struct file *file_alloc_uffd(struct machine *m, struct userfaultfd_ctx *ctx);
/* Nobody else has it: gives the reference to its context back to the caller. */
void file_free_uffd(struct file *file);
void get_file(struct file *file);
/* The last one of a userfaultfd closes it, and may sleep. */
void fput(struct file *file);
/* The context's part of that, a room below; uffd/context.c. */
struct file_uffd_ops {
	void (*release)(struct userfaultfd_ctx *ctx);
};
extern const struct file_uffd_ops file_uffd_ops;

/* ---- descriptors of a process: files_struct, shared by threads, copied by fork ----------- */

#define MAX_FDS 256
/* The first that is given out: a program has 0, 1 and 2 open, on nothing of ours. */
#define FIRST_FD 3

struct files_struct {
	atomic_t refs;
	spinlock_t lock; /* LC_FILES */
	struct file *fd[MAX_FDS];
};

/* Once, when a machine is built. */
void files_init(struct machine *m);
struct files_struct *files_alloc(struct machine *m);
struct files_struct *files_dup(struct files_struct *files); /* fork; NULL: no memory */
void files_get(struct files_struct *files);
void files_put(struct files_struct *files);
/* The lowest free descriptor, which takes over file; -EMFILE. */
int fd_install(struct files_struct *files, struct file *file);
/* The file with a reference for the caller; NULL: not open. It may be a userfaultfd. */
struct file *fget(struct files_struct *files, int fd);
/* -EBADF. */
int fd_close(struct files_struct *files, int fd);

#endif
