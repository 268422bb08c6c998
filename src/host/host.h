/* SPDX-License-Identifier: MIT */
/*
 * host: the only contact with the operating system. Address space for arenas, files at an
 * offset, waiting and waking on a word, threads, time, random seeds. Every function returns
 * 0 or -errno unless it says otherwise, prints nothing and keeps no state of its own but for
 * descriptors that can be opened again.
 */
#ifndef HOST_HOST_H
#define HOST_HOST_H

#include "base/types.h"

/*
 * Arenas live in slots of 1 << ARENA_SLOT_SHIFT bytes, aligned to their size, from
 * ARENA_BASE up: a pointer into an arena names its arena by its high bits. The thread
 * sanitizer reserves most of the address space, so that build uses small slots low down.
 */
#ifdef UMM_TSAN_HOST
#define ARENA_SLOT_SHIFT 35
#define ARENA_BASE 0x1000000000ull
#else
#define ARENA_SLOT_SHIFT 42
#define ARENA_BASE 0x200000000000ull
#endif
#define ARENA_SLOTS 8
#define ARENA_SLOT_BYTES (1ull << ARENA_SLOT_SHIFT)

/* Reserve slot `slot` at its fixed address, inaccessible. -EBUSY: something is there. */
int host_arena_reserve(unsigned slot, void **ret_base);
/* Make [addr, addr + bytes) readable and writable, zero filled when first touched. */
int host_arena_commit(void *addr, u64 bytes);
/* Give the contents back to the host: reads as zeros afterwards. */
int host_arena_discard(void *addr, u64 bytes);
void host_arena_release(unsigned slot);
/*
 * Which pages of [addr, addr + nr_pages * 4096) hold anything: one byte a page into ret_vec,
 * non-zero when the page may be non-zero. Never-touched pages are reported as zero.
 */
int host_arena_touched(const void *addr, u64 nr_pages, u8 *ret_vec);
/* Fault the range in ahead of use (benchmarks). */
int host_arena_populate(void *addr, u64 bytes);

/* Memory outside every arena, for snapshots. NULL when there is none. */
void *host_alloc(u64 bytes);
void host_free(void *ptr, u64 bytes);
/*
 * A stack of `bytes`, committed as it is touched, with an inaccessible page below it: an overflow
 * faults instead of writing elsewhere. Returns its lowest usable address, or NULL.
 */
void *host_stack_alloc(u64 bytes);
void host_stack_free(void *stack, u64 bytes);

/* Files. mode: HOST_READ, or HOST_WRITE (create, truncate). Returns a descriptor or -errno. */
enum { HOST_READ, HOST_WRITE };
int host_open(const char *path, int mode);
int host_close(int fd);
/* The whole length or an error; a short file is -EINVAL. */
int host_pread(int fd, void *buf, u64 len, u64 offset);
int host_pwrite(int fd, const void *buf, u64 len, u64 offset);

/*
 * Files that a machine has open. The machine names a file by device and inode number, and by path:
 * it is a value, that may be put back as it was or opened by another process, and cannot hold a
 * descriptor. The descriptors are kept here, as many as fit; one that is gone is opened by path
 * again (-ESTALE: another file has taken the place).
 */
struct host_file {
	u64 dev, ino;
};
/*
 * Open a regular file (-EINVAL: it is none); flags are those of open(2). Its full path goes to
 * ret_path (-ENAMETOOLONG).
 */
int host_file_open(const char *path, int flags, unsigned mode, struct host_file *ret_file,
		   char *ret_path, size_t path_size);
/* No descriptor need be kept for it. */
void host_file_close(const struct host_file *file);
/* Bytes beyond the end read as zeros. */
int host_file_read(const struct host_file *file, const char *path, void *buf, u64 len, u64 offset);
int host_file_write(const struct host_file *file, const char *path, const void *buf, u64 len,
		    u64 offset);
int host_file_truncate(const struct host_file *file, const char *path, u64 size);
/* fallocate(2) */
int host_file_allocate(const struct host_file *file, const char *path, int mode, u64 offset,
		       u64 len);
/* Size in bytes, blocks of 512 bytes. */
int host_file_stat(const struct host_file *file, const char *path, u64 *ret_size, u64 *ret_blocks);

/*
 * A descriptor that an event loop can wait on, one for each owner (any address): made when first
 * asked for, readable while it is set. -EMFILE: there are too many. What has none is passed over.
 */
int host_event_open(const void *owner);
void host_event_set(const void *owner, bool on);
void host_event_close(const void *owner);

u64 host_monotonic_ns(void);
u64 host_random_seed(void);

/* Threads of the host. */
struct host_thread;
int host_thread_start(void (*fn)(void *arg), void *arg, struct host_thread **ret_thread);
void host_thread_join(struct host_thread *thread);
void host_thread_yield(void);
void host_sleep_ns(u64 ns);

/*
 * Sleep while *word == expected (a wake-up may be spurious); wake up to nr sleepers. The word
 * may be shared between processes.
 */
void host_wait(u32 *word, u32 expected);
void host_wake(u32 *word, int nr);

/*
 * After host_membarrier() returns, every other thread of this process has passed a full
 * barrier: stores before it here are seen by what they do next, and stores they made before
 * are seen here. Lets the fast side use compiler barriers only. host_membarrier_init() once a
 * process; returns false when the host lacks it, and then the fast side must fence itself.
 */
bool host_membarrier_init(void);
void host_membarrier(void);

/* The last words: write text to standard error and end the process with abort(). */
_Noreturn void host_die(const char *text);

#endif
