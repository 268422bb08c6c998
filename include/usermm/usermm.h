/* SPDX-License-Identifier: MIT */
/*
 * usermm: Linux's virtual-memory core as a library.
 *
 * Glossary
 *   machine  one simulated computer: RAM, CPUs, and everything the kernel's memory core
 *            would hold. A value: it can be copied (snapshot), rewound and saved to a file.
 *   task     one thread of one process, as in Linux: it has an mm (shared with the other
 *            threads of its process) and runs on one simulated CPU at a time.
 *   fault    a signal that an access ended with; it is reported, never delivered.
 *
 * Conventions
 *   Calls that stand for a Linux system call have its name, its argument order and its
 *   result: zero, a count or an address, or -errno. Flags and advice values are those of
 *   <sys/mman.h> on x86-64. Addresses and lengths are bytes in the simulated address space.
 *   Outputs are last, are called ret_..., and are untouched on failure unless said otherwise.
 *   Pointers are not NULL unless said otherwise. A handle belongs to one machine and is gone with
 *   what it stands for; that one is used later, or with another machine, is the caller's mistake
 *   and not an error that is returned.
 *
 * Threads
 *   A task is used by one host thread at a time; different tasks may be used by different
 *   host threads at once. Machine-wide calls (snapshot, restore, save, verify, destroy)
 *   need every task of the machine to be idle.
 */
#ifndef USERMM_USERMM_H
#define USERMM_USERMM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define UMM_API __attribute__((visibility("default")))

#define UMM_PAGE_SIZE 4096u

struct umm_machine;
struct umm_task;
struct umm_snapshot;

/* ---- configuration ------------------------------------------------------------------- */

/* What a remote TLB flush waits for (see usermm(7), "TLB flush models"). */
enum umm_tlb_flush {
	UMM_TLB_IPI,       /* wait until every CPU has left its interrupts-off section */
	UMM_TLB_PARAVIRT,  /* a preempted CPU flushes before it runs again, not waited for */
	UMM_TLB_BROADCAST, /* hardware broadcast: interrupts-off sections are not waited for */
};

struct umm_config {
	uint32_t nodes; /* NUMA nodes, 1..8 */
	uint32_t cpus;  /* simulated CPUs, 1..64, spread over the nodes */
	/*
	 * RAM of each node: a multiple of 4 MiB, or below that of 4 KiB; at least 64 KiB, and
	 * 256 KiB to 2 TiB in all.
	 */
	uint64_t ram_bytes;
	uint64_t movable_bytes; /* of which ZONE_MOVABLE, whole pages, all but 64 KiB at most */
	uint32_t tlb_entries;   /* per CPU, a power of two, 16..65536 */
	uint32_t trace_events;  /* size of the event ring, a power of two; 0: no ring */
	enum umm_tlb_flush tlb_flush;
	uint64_t seed;   /* of everything random in this machine */
	bool soft_dirty; /* CONFIG_MEM_SOFT_DIRTY */
	bool poison;     /* fill freed frames and objects, check when handed out */
	/* Page aligned; the other two are below mmap_base. */
	uint64_t mmap_base;             /* top of the top-down search of mmap */
	uint64_t mmap_min_addr;         /* vm.mmap_min_addr */
	uint64_t brk_start;             /* where the heap of a process starts, not 0 */
	uint32_t max_map_count;         /* vm.max_map_count, 1..2^31-1 */
	uint32_t overcommit;            /* vm.overcommit_memory: 0, 1 or 2 */
	uint32_t stack_guard_gap_pages; /* the gap kept below a growing stack, up to 2^20 */
	uint32_t swappiness;            /* vm.swappiness, 0..200 */
	uint32_t page_cluster;          /* vm.page-cluster: swap reads 2^n pages at once, 0..5 */
	uint64_t fault_around_bytes;    /* a power of two, 4 KiB..2 MiB */
	bool accurate_shmem_swap;       /* pagemap of shmem asks the page cache for the swap bit */
	bool shmem_swap_bit;            /* reclaim leaves a bit in the entry, which pagemap shows */
	bool pagemap_marker_swap;       /* pagemap shows a write-protect marker as swapped */
};

/* Fill *config with the defaults: 1 node, 2 CPUs, 256 MiB, TLB of 1024, tlb_flush=ipi. */
UMM_API void umm_config_init(struct umm_config *config);

/*
 * Set one field by name, as "--option k=v" does: nodes, cpus, ram (bytes, suffix K M G T),
 * movable, tlb, trace, tlb_flush (ipi, paravirt, broadcast), seed, soft_dirty (on, off),
 * poison, max_map_count, overcommit, stack_guard_gap, swappiness, page_cluster, fault_around,
 * accurate_shmem_swap, shmem_swap_bit, pagemap_marker_swap.
 * -ENOENT: no such option. -EINVAL: the value is malformed or out of range. Whether the fields go
 * together is for umm_machine_create to say.
 */
UMM_API int umm_config_set(struct umm_config *config, const char *name, const char *value);
/* The index-th of those names, and in words what it takes ("on or off"); NULL past the last. */
UMM_API const char *umm_config_option(unsigned index, const char **ret_takes);

/* ---- machines ------------------------------------------------------------------------ */

/*
 * Build a machine. -EINVAL: a field is out of range. -ENOMEM: the host refused the address
 * space. -EMFILE: too many machines at once (8).
 */
UMM_API int umm_machine_create(const struct umm_config *config, struct umm_machine **ret_machine);
/* With all its tasks. NULL: nothing. */
UMM_API void umm_machine_destroy(struct umm_machine *machine);

/* The configuration it was built with. */
UMM_API const struct umm_config *umm_machine_config(const struct umm_machine *machine);

/*
 * Copy the whole machine, later put it back as it was, as often as wanted. A restore brings back
 * the tasks that existed when the snapshot was taken, under the same handles, also those that have
 * ended since; those made since are gone. -ENOMEM. A snapshot may outlive its machine; free takes
 * NULL too.
 */
UMM_API int umm_snapshot_take(struct umm_machine *machine, struct umm_snapshot **ret_snapshot);
UMM_API void umm_snapshot_restore(struct umm_machine *machine, const struct umm_snapshot *snapshot);
UMM_API void umm_snapshot_free(struct umm_snapshot *snapshot);

/*
 * Write the machine to a file, or build one from such a file. -errno of the file operations;
 * load: -EINVAL when it is no snapshot, is damaged, or is of another build or version;
 * -EBUSY when its place in the address space is taken by another machine; -ENOMEM.
 */
UMM_API int umm_machine_save(struct umm_machine *machine, const char *path);
UMM_API int umm_machine_load(const char *path, struct umm_machine **ret_machine);

/*
 * Recount everything from the page tables and compare. Returns the number of contradictions
 * found (0: clean) and writes one line each into buf, cut at size (0: buf may be NULL).
 */
UMM_API int umm_verify(struct umm_machine *machine, char *buf, size_t size);

/* ---- processes and threads ------------------------------------------------------------ */

/* A process with an empty address space. -ENOMEM. */
UMM_API int umm_process_create(struct umm_machine *machine, struct umm_task **ret_task);
/* fork(2): a new process with a copy of the address space. -ENOMEM. -EINTR: killed meanwhile. */
UMM_API int umm_fork(struct umm_task *task, struct umm_task **ret_child);
/* clone(2) with CLONE_VM|CLONE_THREAD: another thread of the same process. -ENOMEM. */
UMM_API int umm_thread_create(struct umm_task *task, struct umm_task **ret_thread);
/* The thread ends; the last one takes the address space with it. The handle is gone. */
UMM_API void umm_task_exit(struct umm_task *task);
/*
 * tgkill(2): a signal for a task, which another thread of the host may be using. SIGKILL ends the
 * process: accesses of its tasks end with that signal from now on, those too that wait for a
 * handler of userfaultfd, whose message goes with them, and calls that wait give up; what the
 * process has stays until umm_task_exit() of its tasks. Another signal (1..64) stands for one whose
 * handler does nothing: an access that waits for a handler of userfaultfd takes its message back
 * and is made again, umm_fd_read() that waits is -EINTR, and who does not wait notices nothing. 0:
 * nothing is sent. -ESRCH: the task has ended. -EINVAL: no such signal.
 */
UMM_API int umm_tgkill(struct umm_task *task, int signo);
/* Numbers from 2 up, never given out twice. The first thread of a process has its pid for tid. */
UMM_API int umm_task_pid(const struct umm_task *task);
UMM_API int umm_task_tid(const struct umm_task *task);
UMM_API struct umm_machine *umm_task_machine(const struct umm_task *task);
/* Walk the tasks of a machine: task NULL starts; NULL ends. None may come or go meanwhile. */
UMM_API struct umm_task *umm_task_next(struct umm_machine *machine, struct umm_task *task);

/*
 * Soft limits of the process (setrlimit(2)); resource is RLIMIT_AS, _DATA, _STACK or _MEMLOCK,
 * -EINVAL: another. RLIM_INFINITY: none.
 */
UMM_API int umm_setrlimit(struct umm_task *task, int resource, uint64_t soft_bytes);
/* Whether the process has CAP_IPC_LOCK (default: yes, as root has). */
UMM_API void umm_set_cap_ipc_lock(struct umm_task *task, bool capable);

/* ---- system calls --------------------------------------------------------------------- */

/*
 * As the manual pages say, errors included, on anonymous memory and files; usermm(7) lists what is
 * not modelled and what it answers. Any value of any argument is accepted: what is unaligned,
 * wraps or lies outside of the address space is refused as Linux refuses it.
 */
UMM_API int64_t umm_mmap(struct umm_task *task, uint64_t addr, uint64_t len_bytes, int prot,
			 int flags, int fd, uint64_t offset_bytes);
UMM_API int umm_munmap(struct umm_task *task, uint64_t addr, uint64_t len_bytes);
UMM_API int umm_mprotect(struct umm_task *task, uint64_t addr, uint64_t len_bytes, int prot);
UMM_API int64_t umm_mremap(struct umm_task *task, uint64_t old_addr, uint64_t old_bytes,
			   uint64_t new_bytes, int flags, uint64_t new_addr);
UMM_API int umm_madvise(struct umm_task *task, uint64_t addr, uint64_t len_bytes, int advice);
UMM_API int umm_mlock(struct umm_task *task, uint64_t addr, uint64_t len_bytes);
UMM_API int umm_mlock2(struct umm_task *task, uint64_t addr, uint64_t len_bytes, int flags);
UMM_API int umm_munlock(struct umm_task *task, uint64_t addr, uint64_t len_bytes);
UMM_API int umm_mlockall(struct umm_task *task, int flags);
UMM_API int umm_munlockall(struct umm_task *task);
/*
 * Files. A process gets the lowest free descriptor from 3 up, below 256 (-EMFILE). A
 * descriptor is closed by umm_close or with the last thread of the process; fork copies them.
 *
 * umm_memfd_create: memfd_create(2); flags MFD_CLOEXEC, MFD_ALLOW_SEALING, MFD_NOEXEC_SEAL,
 * MFD_EXEC. umm_open: open(2) on a regular file of the host: O_RDONLY, O_WRONLY, O_RDWR, O_CREAT,
 * O_TRUNC, O_CLOEXEC (-EINVAL: other flags, or no regular file). Its contents are the host's: a
 * snapshot holds the pages that are in memory, and the file is opened by name again (-ESTALE:
 * another one).
 */
UMM_API int umm_memfd_create(struct umm_task *task, const char *name, unsigned flags);
UMM_API int umm_open(struct umm_task *task, const char *path, int flags, unsigned mode);
UMM_API int umm_close(struct umm_task *task, int fd);
UMM_API int umm_ftruncate(struct umm_task *task, int fd, int64_t size_bytes);
/* fallocate(2): mode 0, FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE with it. */
UMM_API int umm_fallocate(struct umm_task *task, int fd, int mode, int64_t offset_bytes,
			  int64_t len_bytes);
/* fcntl(2): F_ADD_SEALS and F_GET_SEALS alone; -EINVAL: another command. */
UMM_API int umm_fcntl(struct umm_task *task, int fd, int command, uint64_t arg);
/* Between the file and a buffer of the caller. */
UMM_API int64_t umm_pread(struct umm_task *task, int fd, void *ret_buf, uint64_t len_bytes,
			  int64_t offset_bytes);
UMM_API int64_t umm_pwrite(struct umm_task *task, int fd, const void *buf, uint64_t len_bytes,
			   int64_t offset_bytes);
UMM_API int umm_fsync(struct umm_task *task, int fd);
/* posix_fadvise(2) as the system call: -errno. */
UMM_API int umm_fadvise(struct umm_task *task, int fd, int64_t offset_bytes, int64_t len_bytes,
			int advice);
/* Size of the file in bytes, as fstat(2) says; *ret_blocks (may be NULL): st_blocks. */
UMM_API int64_t umm_fstat_size(struct umm_task *task, int fd, uint64_t *ret_blocks);

/*
 * move_pages(2) of the process of `remote`: nr pages at addrs to nodes (NULL: ask where they are);
 * ret_status: the node of each, or -errno. flags MPOL_MF_MOVE, MPOL_MF_MOVE_ALL.
 */
UMM_API int64_t umm_move_pages(struct umm_task *task, struct umm_task *remote, uint64_t nr,
			       const uint64_t *addrs, const int *nodes, int *ret_status, int flags);

/*
 * One byte a page into ret_vec, which has room for len_bytes / 4096, rounded up. -ENOMEM: a page is
 * not mapped; ret_vec holds those before it.
 */
UMM_API int umm_mincore(struct umm_task *task, uint64_t addr, uint64_t len_bytes, uint8_t *ret_vec);
/* brk(2) as the system call, not the C function: returns the break, moved or not. */
UMM_API uint64_t umm_brk(struct umm_task *task, uint64_t addr);
UMM_API int umm_msync(struct umm_task *task, uint64_t addr, uint64_t len_bytes, int flags);

/* One element of a remote range. */
struct umm_iovec {
	uint64_t addr;
	uint64_t len_bytes;
};
/*
 * process_vm_readv(2), process_vm_writev(2): between buf (len_bytes) of the caller and the
 * ranges of the process of `remote`. Bytes copied, or -errno when nothing was. A remote of NULL
 * stands for a process that has ended: -ESRCH, if the call comes so far as to look for it.
 */
UMM_API int64_t umm_process_vm_readv(struct umm_task *task, struct umm_task *remote, void *buf,
				     uint64_t len_bytes, const struct umm_iovec *ranges,
				     uint64_t nr_ranges, uint64_t flags);
UMM_API int64_t umm_process_vm_writev(struct umm_task *task, struct umm_task *remote,
				      const void *buf, uint64_t len_bytes,
				      const struct umm_iovec *ranges, uint64_t nr_ranges,
				      uint64_t flags);

/*
 * Long-term pins, as an RDMA or io_uring registered buffer takes them (pin_user_pages with
 * FOLL_LONGTERM, writable). It waits for a handler of userfaultfd as an access does; where it may
 * not (UFFD_USER_MODE_ONLY, UFFD_FEATURE_SIGBUS), that is -EFAULT. Returns a pin handle >= 0, or
 * -EFAULT, -ENOMEM, -EINVAL (range empty or wrapping), -EINTR (the process was killed). Without the
 * right of umm_set_cap_ipc_lock the pinned pages of all processes together keep within
 * RLIMIT_MEMLOCK: -ENOMEM.
 */
UMM_API int64_t umm_pin(struct umm_task *task, uint64_t addr, uint64_t len_bytes);
/* -EINVAL: the process has no such pin. Its end gives back what it has. */
UMM_API int umm_unpin(struct umm_task *task, int64_t pin);

/* ---- userfaultfd ------------------------------------------------------------------------- */

/*
 * userfaultfd(2): flags O_CLOEXEC, O_NONBLOCK, UFFD_USER_MODE_ONLY. The descriptor is one of the
 * process, as those of files are. -EINVAL: another flag; -EMFILE; -ENOMEM; -ENOSYS: in a build
 * without.
 */
UMM_API int umm_userfaultfd(struct umm_task *task, int flags);
/*
 * The features of UFFDIO_API that this build has, UFFD_FEATURE_*: 0 in one without userfaultfd, and
 * nothing of write-protection where the page table entries have no bit for it or the build leaves
 * it out.
 */
UMM_API uint64_t umm_userfaultfd_features(void);
/*
 * ioctl_userfaultfd(2): arg points at the structure of <linux/userfaultfd.h> that the command
 * takes, in memory of the caller; addresses in it are of the process. What the kernel writes back
 * is written back, also on failure where the kernel does. -EFAULT: arg is NULL. -ENOTTY: not a
 * userfaultfd. -EINVAL: a command that it does not know, or any before UFFDIO_API. -EBADF.
 */
UMM_API int umm_ioctl(struct umm_task *task, int fd, uint64_t command, void *arg);
/*
 * read(2). Of a userfaultfd: as many struct uffd_msg as there are and fit, at least one, waiting
 * unless the descriptor is non-blocking (-EAGAIN). -EINVAL: no room for one, or UFFDIO_API has not
 * been called. -EINTR: a signal, or the process was killed. A fork message brings a descriptor into
 * the process of `task`. Of a file: bytes from where the last read of this open file ended,
 * at first 0; fewer than asked for at its end, where it is 0; errors as umm_pread. -EBADF: no such
 * descriptor, or one not for reading.
 */
UMM_API int64_t umm_fd_read(struct umm_task *task, int fd, void *ret_buf, uint64_t len_bytes);
/*
 * poll(2) without waiting: POLLIN, POLLERR (blocking descriptor, or before UFFDIO_API); of a file
 * always POLLIN; -EBADF.
 */
UMM_API int umm_poll(struct umm_task *task, int fd);
/*
 * A descriptor of the host that is readable (POLLIN) while umm_poll would say POLLIN, for an event
 * loop of the program; it is only to be polled, belongs to the userfaultfd and closes with it.
 * -EINVAL: a file, or a descriptor without O_NONBLOCK; -EMFILE; -EBADF; -ENOSYS in the simulator.
 */
UMM_API int umm_uffd_host_fd(struct umm_task *task, int fd);

/* ---- swap, reclaim, limits ------------------------------------------------------------- */

/*
 * swapon(2) of a file that mkswap(8) prepared; flags SWAP_FLAG_PREFER and a priority. The contents
 * are the host's. umm_swap_create: an area of that many pages in the machine itself, which
 * snapshots hold; returns its number, as umm_swapoff_area takes it.
 */
UMM_API int umm_swapon(struct umm_machine *machine, const char *path, int flags);
UMM_API int umm_swapoff(struct umm_machine *machine, const char *path);
UMM_API int umm_swap_create(struct umm_machine *machine, uint64_t pages, int priority);
UMM_API int umm_swapoff_area(struct umm_machine *machine, int area);
/* The lines of /proc/swaps, header included; as umm_proc_maps. */
UMM_API int64_t umm_proc_swaps(struct umm_machine *machine, char *buf, size_t size);

/*
 * One round of the background reclaimer of a node, if free memory is below its low watermark or
 * force: pages freed. A scenario steps it; a program may run it from a thread of its own.
 */
UMM_API int64_t umm_kswapd(struct umm_machine *machine, unsigned node, bool force);

/*
 * A group of processes with a limit on their memory, like a memory cgroup: returns its number, or
 * -ENOSPC, -EINVAL (no page at all). What a process had before it joined stays with its old group.
 */
UMM_API int umm_group_create(struct umm_machine *machine, uint64_t limit_bytes);
UMM_API int umm_group_set_limit(struct umm_machine *machine, int group, uint64_t limit_bytes);
UMM_API int umm_group_join(struct umm_task *task, int group); /* -EINVAL: no such group */
UMM_API int64_t umm_group_usage(struct umm_machine *machine, int group); /* bytes; -EINVAL */
/* memory.reclaim: take so many bytes back from a group (0: of all). Bytes taken; -EINVAL. */
UMM_API int64_t umm_group_reclaim(struct umm_machine *machine, int group, uint64_t bytes);

/* ---- memory access -------------------------------------------------------------------- */

/* The signal that an access ended with. */
struct umm_fault {
	int signo; /* SIGSEGV, SIGBUS; SIGKILL: no memory could be found, the process is killed */
	int code;  /* SEGV_MAPERR, SEGV_ACCERR, BUS_ADRERR ..., SI_KERNEL: no address (addr 0) */
	uint64_t addr; /* si_addr */
};

/*
 * What the instructions of a thread do. 0, or -EFAULT with *ret_fault filled (ret_fault may
 * be NULL). size_bytes is 1, 2, 4 or 8 (-EINVAL). Loads and stores that do not cross their own
 * size are single-copy atomic; the read-modify-writes must be aligned (-EINVAL). Bytes before the
 * faulting page of a block copy are transferred; an empty one touches nothing.
 */
UMM_API int umm_load(struct umm_task *task, uint64_t addr, unsigned size_bytes, uint64_t *ret_value,
		     struct umm_fault *ret_fault);
UMM_API int umm_store(struct umm_task *task, uint64_t addr, unsigned size_bytes, uint64_t value,
		      struct umm_fault *ret_fault);
UMM_API int umm_fetch_add(struct umm_task *task, uint64_t addr, unsigned size_bytes,
			  uint64_t addend, uint64_t *ret_old, struct umm_fault *ret_fault);
UMM_API int umm_xchg(struct umm_task *task, uint64_t addr, unsigned size_bytes, uint64_t value,
		     uint64_t *ret_old, struct umm_fault *ret_fault);
/* The old value tells whether it was stored. */
UMM_API int umm_cmpxchg(struct umm_task *task, uint64_t addr, unsigned size_bytes,
			uint64_t expected, uint64_t desired, uint64_t *ret_old,
			struct umm_fault *ret_fault);
UMM_API int umm_read(struct umm_task *task, uint64_t addr, void *ret_buf, size_t len_bytes,
		     struct umm_fault *ret_fault);
UMM_API int umm_write(struct umm_task *task, uint64_t addr, const void *buf, size_t len_bytes,
		      struct umm_fault *ret_fault);
/* An instruction fetch: needs PROT_EXEC. */
UMM_API int umm_fetch(struct umm_task *task, uint64_t addr, struct umm_fault *ret_fault);

/* ---- what one can see ----------------------------------------------------------------- */

/*
 * The text of /proc/PID/maps, smaps, smaps_rollup, and the lines of /proc/PID/status that
 * concern memory. Returns the length of the whole text; at most size - 1 bytes and a NUL
 * are written (size 0: buf may be NULL). smaps: only the vmas that touch [start, end).
 */
UMM_API int64_t umm_proc_maps(struct umm_task *task, char *buf, size_t size);
UMM_API int64_t umm_proc_smaps(struct umm_task *task, uint64_t start, uint64_t end, char *buf,
			       size_t size);
UMM_API int64_t umm_proc_smaps_rollup(struct umm_task *task, char *buf, size_t size);
UMM_API int64_t umm_proc_status(struct umm_task *task, char *buf, size_t size);
/*
 * /proc/PID/pagemap: one 64-bit word a page, 0 where nothing is mapped or can be. -EINVAL: addr is
 * not page aligned.
 */
UMM_API int umm_proc_pagemap(struct umm_task *task, uint64_t addr, uint64_t nr_pages,
			     uint64_t *ret_words);
/*
 * ioctl(2) PAGEMAP_SCAN on /proc/PID/pagemap: arg points at struct pm_scan_arg of <linux/fs.h>,
 * whose start and end are addresses of the process and whose vec is memory of the caller. Returns
 * how many regions it has filled in, and sets walk_end. -EINVAL: bad size, flags, categories or
 * start, or no vec; -EFAULT: arg is NULL, the range is none, or vec_len more than any memory holds;
 * -EPERM: PM_SCAN_CHECK_WPASYNC, and not all of it is protected that way; -ENOMEM.
 */
UMM_API int64_t umm_pagemap_scan(struct umm_task *task, void *arg);

/* What only a model can answer: the entry that maps an address, and the page behind it. */
struct umm_page_info {
	uint64_t entry; /* raw page table entry; 0 also when there is no table */
	char state[24]; /* "none", "present", "swap", "marker", ... */
	uint64_t pfn;   /* the rest only when present */
	uint32_t refcount;
	uint32_t mapcount;
	uint32_t pincount;
	bool anon, anon_exclusive, zero_page, dirty, lru, locked, mlocked;
	bool file, swapbacked, swapcache, active, referenced, uptodate;
	uint64_t swap_slot; /* of a swapped page: its slot, and how many entries refer to it */
	uint32_t swap_area, swap_count;
};
/* Of the page of any address. Returns 0. */
UMM_API int umm_page_info(struct umm_task *task, uint64_t addr, struct umm_page_info *ret_info);

/*
 * A raw entry in words, as trace events show it: its state, its bits as letters, and the frame,
 * slot or marker that it holds: "present PWUADX pfn=12". Returns the length; cut at size.
 */
UMM_API size_t umm_entry_describe(uint64_t entry, char *buf, size_t size);

/* Counters of the machine, as /proc/vmstat names them. */
struct umm_counter {
	const char *name;
	uint64_t value;
};
/* Returns how many there are; fills at most nr (0: ret may be NULL). */
UMM_API unsigned umm_counters(struct umm_machine *machine, struct umm_counter *ret, unsigned nr);

/* ---- trace events --------------------------------------------------------------------- */

/*
 * Format the events with sequence numbers from *cursor on (0: the oldest), one ftrace-like line
 * each, into buf; advance *cursor past them. Returns bytes written, the NUL not counted; 0: no
 * more, or size below 2. Events that the ring has lost are skipped and reported as a line
 * "[N events lost]". A line that is longer than the buffer is cut.
 */
UMM_API size_t umm_trace_read(struct umm_machine *machine, uint64_t *cursor, char *buf,
			      size_t size);

/* ---- failing allocations -------------------------------------------------------------- */

struct umm_fail {
	const char *site;   /* NULL: every site; else "page", "slab", or a name of umm_fail_site */
	int order;          /* only allocations of this order; -1: any */
	uint64_t nth;       /* the n-th matching one fails, 1 is the next; 0: none */
	double probability; /* else each fails with this probability, 0..1, from the seed */
};
/* NULL clears. -EINVAL: no such site, or values out of range. */
UMM_API int umm_fail_set(struct umm_machine *machine, const struct umm_fail *fail);
/* Matching allocations seen, and failed, since umm_fail_set. */
UMM_API void umm_fail_stats(struct umm_machine *machine, uint64_t *ret_seen, uint64_t *ret_failed);
/* Names of the sites; NULL past the last. */
UMM_API const char *umm_fail_site(unsigned index);

/* ---- mutants ----------------------------------------------------------------------------- */

/* A known bug that the simulator's library can be told to have, to see what notices. */
struct umm_mutant {
	const char *name, *requirement, *what, *origin;
	/*
	 * How it is caught: "run" (a scenario, with up to so many seeds), "explore" (a scenario
	 * under every interleaving), "watch" (that, and it needs umm_sim_watched) or "program"
	 * (one of the command's own).
	 */
	const char *how, *where;
	uint32_t seeds;
	const char *says; /* in the failure; "this|or that" */
};
/* For the whole process. -ENOENT: no such mutant. -ENOSYS: this library has none built in. */
UMM_API int umm_mutant_set(const char *name, bool on);
/* The index-th; false past the last. */
UMM_API bool umm_mutant_get(unsigned index, struct umm_mutant *ret_mutant);

/* ---- the simulator (library usermm-sim only) ------------------------------------------- */

/*
 * Run fn as the first fiber of a scheduler whose every decision comes from seed, until all
 * fibers have ended. 0; -EDEADLK: fibers were left that nothing can wake (described in
 * umm_sim_report). One scheduler at a time in a process.
 */
UMM_API int umm_sim_run(uint64_t seed, void (*fn)(void *arg), void *arg);
/* Inside: another fiber; returns its id, or -ENOMEM. */
UMM_API int umm_sim_spawn(const char *name, void (*fn)(void *arg), void *arg);
UMM_API int umm_sim_join(int fiber);
UMM_API bool umm_sim_done(int fiber);
/* It cannot go on until another fiber does something; false for one that waits for the outside. */
UMM_API bool umm_sim_blocked(int fiber);
UMM_API void umm_sim_yield(void);
/* The calling fiber's id, 0 for the first; -1 outside umm_sim_run. */
UMM_API int umm_sim_self(void);
/*
 * Called when no fiber can run but some wait for the outside (umm_sim_wait_outside): it must
 * block until something may have changed and return true, or return false to give up.
 */
UMM_API void umm_sim_set_idle(bool (*idle)(void *arg), void *arg);
/* Let others run; come back when the idle hook has run or it is this fiber's turn again. */
UMM_API void umm_sim_wait_outside(void);
/* Switch seeded preemption at sync points off and on (for set-up); nests. Default on. */
UMM_API void umm_sim_preempt_disable(void);
UMM_API void umm_sim_preempt_enable(void);
/* What went wrong in the last run, in words; empty when nothing did. */
UMM_API const char *umm_sim_report(void);
/* Whether plain accesses of the core are watched for data races (build option sim_tsan). */
UMM_API bool umm_sim_watched(void);
/* Tells schedules apart: equal for equal seeds, whatever the compiler. Of the last run. */
UMM_API uint64_t umm_sim_trace_hash(void);

UMM_API const char *umm_version(void);

#ifdef __cplusplus
}
#endif

#endif
