/* SPDX-License-Identifier: MIT */
/*
 * syscall: what the system calls share. Each public function takes the mm's mmap_lock, so a
 * task must not be inside one when it makes another.
 */
#ifndef SYSCALL_SYSCALL_INTERNAL_H
#define SYSCALL_SYSCALL_INTERNAL_H

#include <usermm/usermm.h>

#include "base/uapi.h"
#include "mmu/tlb.h"
#include "uffd/uffd.h"
#include "vma/merge.h"
#include "vma/task.h"

/* Numbers of the x86-64 table, for the trace. */
enum syscall_nr {
	NR_READ = 0,
	NR_OPEN = 2,
	NR_CLOSE = 3,
	NR_FSTAT = 5,
	NR_POLL = 7,
	NR_MMAP = 9,
	NR_MPROTECT = 10,
	NR_MUNMAP = 11,
	NR_BRK = 12,
	NR_IOCTL = 16,
	NR_PREAD64 = 17,
	NR_PWRITE64 = 18,
	NR_MREMAP = 25,
	NR_MSYNC = 26,
	NR_MINCORE = 27,
	NR_MADVISE = 28,
	NR_CLONE = 56,
	NR_FORK = 57,
	NR_EXIT = 60,
	NR_FCNTL = 72,
	NR_FSYNC = 74,
	NR_FTRUNCATE = 77,
	NR_MLOCK = 149,
	NR_MUNLOCK = 150,
	NR_MLOCKALL = 151,
	NR_MUNLOCKALL = 152,
	NR_SETRLIMIT = 160,
	NR_MOVE_PAGES = 279,
	NR_FADVISE64 = 221,
	NR_FALLOCATE = 285,
	NR_PROCESS_VM_READV = 310,
	NR_PROCESS_VM_WRITEV = 311,
	NR_MEMFD_CREATE = 319,
	NR_USERFAULTFD = 323,
	NR_MLOCK2 = 325,
	NR_IO_URING_REGISTER = 427,
};

/* One system call under way: task is `current` from enter to exit. */
struct syscall {
	struct task *task, *outer;
	enum syscall_nr nr;
};

struct syscall syscall_enter(struct task *task, enum syscall_nr nr, u64 a, u64 b, u64 c, u64 d);
s64 syscall_exit(const struct syscall *call, s64 ret);

/* VM_READ, VM_WRITE, VM_EXEC of PROT_*. */
static inline u64 calc_vm_prot_bits(u32 prot)
{
	return (prot & PROT_READ ? VM_READ : 0) | (prot & PROT_WRITE ? VM_WRITE : 0) |
	       (prot & PROT_EXEC ? VM_EXEC : 0);
}

/* ---- unmapping: mmap_lock held for write ---------------------------------------------------- */

/* A range about to be unmapped. */
struct unmap {
	struct mm *mm;
	vaddr_t start, end;
	struct uffd_notes *notes; /* who is to be told of it is noted there; NULL: nobody is told */
	/* fixed by unmap_prepare: the vmas are exactly those in [start, end) */
	struct vm_area *prev, *next;
	bool split_start, split_end; /* what for */
	u64 pages, locked_pages, accounted_pages;
};

/*
 * Split off what the range cuts, and count. -ENOMEM: no memory, or too many vmas; nothing has
 * changed then, and nothing is noted. mm, start, end and notes are set.
 */
int unmap_prepare(struct unmap *unmap);
/* The part of it that notes who watches the memory; noted once, however often. -ENOMEM. */
int unmap_note(const struct unmap *unmap);
/* Put together again what unmap_prepare split, and forget its notes. Cannot fail. */
void unmap_cancel(const struct unmap *unmap);
/* Pages, tables and vmas go. Cannot fail. */
void unmap_commit(struct unmap *unmap);
/* As munmap: checks the range. What is noted is to be told when mmap_lock is dropped. */
int do_munmap(struct mm *mm, vaddr_t start, u64 len, struct uffd_notes *notes);

/* ---- processes ------------------------------------------------------------------------------- */

/*
 * A task for mm and files, which it takes over one use of; on the machine's list. pid 0: a new
 * process.
 */
struct task *task_create(struct machine *m, struct mm *mm, struct files_struct *files, int pid);
/*
 * The mm of another task and its process, held for the caller (mm_put); NULL: it has ended. The
 * pointer is only compared: what it pointed to may be gone.
 */
struct mm *task_get_mm(struct task *caller, const struct task *wanted, int *ret_pid);
/* Give back every pin of an mm that nobody uses any more. */
void release_pins(struct mm *mm);

#endif
