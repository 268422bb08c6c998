/* SPDX-License-Identifier: MIT */
/*
 * A scenario's two worlds behind one table of functions.
 *
 * A *step* is one thing that a scenario does: a system call, an access, a fork. It is plain
 * data, so that it can be printed, recorded, compared and made up at random; a backend runs
 * it and fills in what came out. What can be seen of a process after a step is asked for
 * separately, as text in the kernel's formats.
 *
 * Both backends show one *window* of the address space: all of it but the range
 * [WINDOW_HOLE, WINDOW_HOLE_END), where the runner of the linux backend lives.
 */
#ifndef SCENARIO_BACKEND_H
#define SCENARIO_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "usermm/usermm.h"

/* How the name of the directory begins in which a backend keeps a scenario's regular files. */
#define SCN_DIRECTORY "usermm-files."

#define WINDOW_HOLE 0x400000ull
#define WINDOW_HOLE_END 0x800000ull
#define WINDOW_BRK_START 0xc00000ull
#define WINDOW_MMAP_BASE 0x7ffff7fff000ull
#define WINDOW_END 0x7ffffffff000ull

enum scn_kind {
	SCN_PROCESS, /* a process with an empty address space */
	SCN_FORK,
	SCN_THREAD,
	SCN_EXIT,
	SCN_MMAP, /* addr, len, prot, flags, fd, offset */
	SCN_MUNMAP,
	SCN_MPROTECT,
	SCN_MREMAP, /* old, old_len, new_len, flags, new */
	SCN_MADVISE,
	SCN_MLOCK,
	SCN_MLOCK2,
	SCN_MUNLOCK,
	SCN_MLOCKALL,
	SCN_MUNLOCKALL,
	SCN_MINCORE,      /* addr, len; out: one byte a page */
	SCN_PAGEMAP_SCAN, /* addr, len; in: scn_scan; out: scn_regions; value: walk_end */
	SCN_BRK,
	SCN_MSYNC,
	SCN_VM_READV,  /* flags; remote, ranges; out: the bytes */
	SCN_VM_WRITEV, /* flags; remote, ranges, in */
	SCN_PIN,       /* addr, len; result: a handle, counted from 1 in each backend run */
	SCN_UNPIN,
	SCN_SETRLIMIT, /* resource, soft limit */
	SCN_CAP_IPC_LOCK,
	SCN_KILL,        /* SIGKILL for the process of the task, which may be in a call */
	SCN_SIGNAL,      /* one whose handler does nothing, for the task, which may be in a call */
	SCN_MEMFD,       /* flags; in: the name */
	SCN_OPEN,        /* flags, mode; in: a name in the scenario's own directory */
	SCN_CLOSE,       /* fd */
	SCN_FTRUNCATE,   /* fd, size */
	SCN_FALLOCATE,   /* fd, mode, offset, len */
	SCN_ADD_SEALS,   /* fd, seals */
	SCN_GET_SEALS,   /* fd */
	SCN_PREAD,       /* fd, offset; out */
	SCN_PWRITE,      /* fd, offset; in */
	SCN_FSYNC,       /* fd */
	SCN_FADVISE,     /* fd, offset, len, advice */
	SCN_FSTAT,       /* fd; result: size, value: st_blocks */
	SCN_MOVE_PAGES,  /* addr, pages, node (-1: ask), flags; out: an int32_t a page */
	SCN_SWAPON,      /* pages, priority (-1: none asked for); result: an area, from 1 */
	SCN_SWAPOFF,     /* area */
	SCN_USERFAULTFD, /* flags */
	SCN_IOCTL,       /* fd, command; in and out: the structure that it points at */
	SCN_READ_FD,     /* fd; out: one message, or what comes next in a file */
	SCN_POLL,        /* fd; result: POLLIN and its like */
	SCN_READ,        /* addr; out */
	SCN_WRITE,       /* addr; in */
	SCN_LOAD,        /* addr, size */
	SCN_STORE,       /* addr, size, value */
	SCN_XCHG,        /* addr, size, value */
	SCN_FETCH_ADD,   /* addr, size, addend */
	SCN_CMPXCHG,     /* addr, size, desired, expected */
	SCN_FETCH,       /* addr */
	SCN_NR_KINDS,
};

/* RLIM_INFINITY of SCN_SETRLIMIT. */
#define SCN_UNLIMITED UINT64_MAX

struct scn_backend;

/* A task of a scenario. The session owns it; `impl` belongs to the backend. */
struct scn_task {
	struct scn_task *next;    /* in order of birth */
	struct scn_task *process; /* the main thread of its process; itself if it is that */
	unsigned process_nr;      /* 1, 2, ... in order of birth */
	unsigned thread_nr;       /* 0: the main thread */
	unsigned live_threads;    /* of the process, in its main thread; it included */
	bool dead;
	/* Of the process, in its main thread: SIGKILL is being sent, it was. */
	bool killed, dying;
	bool busy; /* a step of it is under way */
	/* Which of the functions that run concurrently acts as it, from 1; 0: none. */
	unsigned body;
	char label[24];
	void *impl;
};

struct scn_step {
	/* what to do */
	enum scn_kind kind;
	struct scn_task *task; /* NULL for SCN_PROCESS */
	uint64_t args[6];
	const void *in;
	uint64_t in_bytes;
	void *out;
	uint64_t out_bytes; /* room; reads: how many to read */
	struct scn_task *remote;
	const struct umm_iovec *ranges;
	uint64_t nr_ranges;
	unsigned line; /* of the scenario file, 0 if none */
	bool quiet;    /* not shown to the watcher: how often it is done is up to chance */

	/* what came out */
	int64_t result; /* count, address, zero, or -errno */
	uint64_t value; /* loaded or old value */
	uint64_t done;  /* bytes of `out` that are valid */
	struct umm_fault fault;
	struct scn_task *made; /* PROCESS, FORK, THREAD: given by the session, impl filled in */
};

enum scn_text { SCN_TEXT_MAPS, SCN_TEXT_SMAPS, SCN_TEXT_ROLLUP, SCN_TEXT_STATUS };

/* What run() and open() return beside 0 when the world cannot do what was asked. */
#define SCN_SKIPPED (-100000) /* here: no permission, no such kernel feature */
#define SCN_BROKEN (-100001)  /* the backend itself failed */

struct scn_backend_ops {
	const char *name;
	/* *ret_backend is set also on failure, for reason(), unless memory ran out. */
	int (*open)(const struct umm_config *config, struct scn_backend **ret_backend);
	void (*close)(struct scn_backend *backend);
	/* The task's impl is freed; what still lives of it is killed. Threads come first. */
	void (*forget)(struct scn_backend *backend, struct scn_task *task);
	/* Why the last call returned SCN_SKIPPED or SCN_BROKEN. */
	const char *(*reason)(struct scn_backend *backend);
	/* 0: ran, whatever came out of it; SCN_SKIPPED or SCN_BROKEN: ends the scenario. */
	int (*run)(struct scn_backend *backend, struct scn_step *step);
	/* Called in place of blocking while other fibers may run; NULL: block. */
	void (*set_wait)(struct scn_backend *backend, void (*wait)(void));
	/*
	 * Block until something that a waiting fiber waits for may have happened; false: nothing
	 * will, as each of them waits for a userfaultfd that nobody is left to answer for.
	 */
	bool (*idle)(struct scn_backend *backend);

	/*
	 * Length of the whole text, of which at most size - 1 bytes and a NUL are written.
	 * smaps: the vmas that touch [start, end).
	 */
	int64_t (*text)(struct scn_backend *backend, struct scn_task *task, enum scn_text which,
			uint64_t start, uint64_t end, char *buf, size_t size);
	/* 0 or -errno. */
	int (*pagemap)(struct scn_backend *backend, struct scn_task *task, uint64_t addr,
		       uint64_t nr_pages, uint64_t *ret_words);
	/* Residency of several ranges, end to end; 0xff where mincore(2) refuses. */
	int (*mincore)(struct scn_backend *backend, struct scn_task *task,
		       const struct umm_iovec *ranges, unsigned nr_ranges, uint8_t *ret_vec);

	/* Only a model has these; NULL elsewhere. */
	struct umm_machine *(*machine)(struct scn_backend *backend);
	struct umm_task *(*model_task)(struct scn_task *task);
};

/*
 * Give a model the size and the settings of the machine underneath, as far as a scenario can
 * see them: RAM (for overcommit), max_map_count, overcommit_memory, mmap_min_addr, soft-dirty.
 */
void scn_linux_config(struct umm_config *config);

/*
 * Whether DAMON watches the memory of this machine. It takes the accessed bit of a page now and
 * then and notes in the page that it was set, which a later fork or MADV_FREE does not undo: a
 * page counts as referenced that would not otherwise.
 */
bool scn_linux_watches_accesses(void);

/*
 * Leave a swap area on when a session ends, for the next one that wants one of the same size:
 * making one takes longer than most sessions. false: take back what is left, and do so from now on.
 */
void scn_linux_keep_swap(bool keep);

extern const struct scn_backend_ops scn_linux;
extern const struct scn_backend_ops scn_model;

#endif
