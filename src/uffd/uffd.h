/* SPDX-License-Identifier: MIT */
/*
 * uffd: contexts, who waits on them and what they are told.
 *
 *   faulting thread                    handler
 *   handle_userfault: queue a wait     umm_fd_read: take the message, the wait moves from
 *     in `pending`, drop mmap_lock,      `pending` to `faulting`
 *     sleep                            fill, protect or wake the range: the waits in it end
 *   woken: VM_FAULT_RETRY, the access
 *     is made again
 *
 * A signal wakes, too, and takes the message back: a fault of the program, or of COPY reading its
 * source, may be interrupted; one of get_user_pages and an event end with SIGKILL alone.
 *
 *   a wait is    pending ── read ──► faulting ── wake ──► gone (its owner frees it)
 *                   └──────────── wake, close ──────────┘
 *   an event is  queued ── read ──► gone; its maker waits until then, mmap_changing is raised
 *
 * Locks: ctx->lock (LC_UFFD, a spinlock) guards the three queues; inside mmap_lock, never held
 * while waiting. A context lives as long as its descriptor or a wait (vma/task.h) refers to it.
 * Vmas point at it without a reference: closing marks it released, unregisters them and ends every
 * wait. A context that fork made belongs to the event until that is read.
 */
#ifndef UFFD_UFFD_H
#define UFFD_UFFD_H

#include "arch/arch.h"
#include "base/build.h"
#include "base/list.h"
#include "base/mutant.h"
#include "base/uapi.h"
#include "filemap/file.h"
#include "vma/vm_fault.h"

/* Closing: no fault waits from now on. Gone: no vma is registered any more. */
enum uffd_released { UFFD_OPEN, UFFD_CLOSING, UFFD_GONE };

struct userfaultfd_ctx {
	atomic_t refs;
	struct list_head ctxs; /* machine->files_lock: all of a machine */
	struct mm *mm;         /* c: a reference; users for each operation (mm_get_not_zero) */
	u32 flags;             /* c: O_NONBLOCK, O_CLOEXEC, UFFD_USER_MODE_ONLY */
	u64 features;          /* a: UFFD_FEATURE_*, set once by UFFDIO_API with UFFD_INITIALIZED */
	u32 released;          /* a: enum uffd_released */
	atomic_t mmap_changing; /* an event is being told: filling gets -EAGAIN */

	spinlock_t lock;                 /* LC_UFFD */
	bool host_polled;                /* lock: a descriptor of the host says what poll would */
	struct list_head pending;        /* lock: struct uffd_wait not read yet */
	struct list_head faulting;       /* lock: read, not woken yet */
	struct list_head events;         /* lock: struct uffd_wait of events not read yet */
	struct wait_queue_head fd_waitq; /* readers; faults while it is closing */
};

#define UFFD_INITIALIZED (1ull << 63)

#define UFFD_POLLIN 0x001
#define UFFD_POLLERR 0x008

/* The context of a vma (vma->uffd), NULL when it has none; mmap_lock. */
static inline bool userfaultfd_missing(const struct vm_area *vma)
{
	return BUILD_USERFAULTFD && (vma->flags & VM_UFFD_MISSING);
}
static inline bool userfaultfd_wp(const struct vm_area *vma)
{
	return ARCH_HAS_UFFD_WP && (vma->flags & VM_UFFD_WP);
}
static inline bool userfaultfd_minor(const struct vm_area *vma)
{
	return BUILD_USERFAULTFD && (vma->flags & VM_UFFD_MINOR);
}
static inline bool userfaultfd_armed(const struct vm_area *vma)
{
	return BUILD_USERFAULTFD && (vma->flags & VM_UFFD_FLAGS);
}
/* Entries of this vma are to be judged by their own uffd-wp bit, which this one is set in. */
static inline bool userfaultfd_pte_wp(const struct vm_area *vma, pte_t pte)
{
	return userfaultfd_wp(vma) && (pte_uffd_wp(pte) || MUTANT(wp_resolve_needs_dirty));
}
/* UFFD_FEATURE_WP_ASYNC: a write fault resolves itself and drops the bit. */
bool userfaultfd_wp_async(const struct vm_area *vma);
/* None entries of this vma are protected by markers (files; anonymous with WP_UNPOPULATED). */
bool userfaultfd_wp_use_markers(const struct vm_area *vma);
/* What moves away loses its protection: nobody will be told where it went. */
bool vma_has_uffd_without_event_remap(const struct vm_area *vma);

/* ---- faults: fault/, anon/, shmem/ call these ------------------------------------------------ */

/*
 * The fault is the handler's: queue it and wait. reason: VM_UFFD_MISSING, _WP or _MINOR.
 * mmap_lock read held, no ptl; it is dropped with VM_FAULT_RETRY (kept with
 * FAULT_FLAG_RETRY_NOWAIT). Without the right to wait, or with UFFD_FEATURE_SIGBUS:
 * VM_FAULT_SIGBUS, mmap_lock kept.
 */
vm_fault_t handle_userfault(struct vm_fault *vmf, u64 reason);
/* Somebody has a signal pending: who waits looks whether it is him. No lock inside LC_FILES. */
void userfaultfd_signalled(struct machine *m);

/* ---- events: syscall/, vma/ call these ----------------------------------------------- */

/*
 * What is going to be told when no mmap_lock is held any more, in objects of CACHE_UFFD_WAIT.
 * Between noting and telling, mmap_changing of the context is raised.
 */
struct uffd_notes {
	struct uffd_wait *first, *last;
};

/*
 * fork, of a vma of the child: with EVENT_FORK it gets a context of the child, one for each of
 * the parent's, and a note; without, it is not registered. -ENOMEM.
 */
int dup_userfaultfd(struct vm_area *vma, struct uffd_notes *forks);
/* The child is complete, or is not going to be and its vmas let go of the contexts. */
void dup_userfaultfd_complete(struct uffd_notes *forks);
void dup_userfaultfd_fail(struct mm *child, struct uffd_notes *forks);

/*
 * mremap, of the vma at the new place: its context, referenced, when it is to be told; NULL: not,
 * and the vma is not registered any more.
 */
struct userfaultfd_ctx *mremap_userfaultfd_prep(struct vm_area *vma);
/* NULL is all right. mmap_lock not held. */
void mremap_userfaultfd_complete(struct userfaultfd_ctx *ctx, vaddr_t from, vaddr_t to, u64 len);
void mremap_userfaultfd_fail(struct userfaultfd_ctx *ctx);
/*
 * MADV_DONTNEED, FREE, REMOVE: true: go on; false: mmap_lock (read) was dropped to tell: take it
 * and look the vma up again.
 */
bool userfaultfd_remove(struct vm_area *vma, vaddr_t start, vaddr_t end);
/* munmap, of each vma of [start, end): noted once a context. -ENOMEM. */
int userfaultfd_unmap_prep(struct vm_area *vma, vaddr_t start, vaddr_t end,
			   struct uffd_notes *unmaps);
/* [start, end) is not unmapped after all: nobody is told of it. */
void userfaultfd_unmap_forget(struct uffd_notes *unmaps, vaddr_t start, vaddr_t end);
void userfaultfd_unmap_complete(struct uffd_notes *unmaps);

/* ---- contexts ------------------------------------------------------------------------- */

/* With one reference. NULL: no memory. */
struct userfaultfd_ctx *userfaultfd_ctx_alloc(struct mm *mm, u32 flags);
void userfaultfd_ctx_get(struct userfaultfd_ctx *ctx);
void userfaultfd_ctx_put(struct userfaultfd_ctx *ctx);
/*
 * The descriptor is closed: waits end, vmas are unregistered; takes over its reference. May sleep.
 */
void userfaultfd_release(struct userfaultfd_ctx *ctx);
/* End the waits of [start, start + len); len 0: all. */
void wake_userfault(struct userfaultfd_ctx *ctx, vaddr_t start, u64 len);
/* Messages into buf, as umm_fd_read. files: where a fork's descriptor goes. */
s64 userfaultfd_read(struct userfaultfd_ctx *ctx, struct files_struct *files, void *buf, u64 len);
int userfaultfd_poll(struct userfaultfd_ctx *ctx);
/* A descriptor of the host that is readable while it would say POLLIN; -errno. */
int userfaultfd_host_fd(struct userfaultfd_ctx *ctx);

/* The ioctls that are not filling; arguments in place, checked, results written back. */
int userfaultfd_api(struct userfaultfd_ctx *ctx, struct uffdio_api *api);
int userfaultfd_register(struct userfaultfd_ctx *ctx, struct uffdio_register *reg);
int userfaultfd_unregister(struct userfaultfd_ctx *ctx, const struct uffdio_range *range);
/* What an ioctl's range may be: 0 or -EINVAL. unaligned: start may be any. */
int userfaultfd_check_unaligned(vaddr_t start, u64 len);
int userfaultfd_check_range(vaddr_t start, u64 len);
static inline bool userfaultfd_initialized(const struct userfaultfd_ctx *ctx)
{
	return READ_ONCE(((struct userfaultfd_ctx *)ctx)->features) & UFFD_INITIALIZED;
}
/* Every feature that this architecture and this build can offer. */
u64 userfaultfd_features(void);

/* What unregistering needs of a room below: present and swapped entries lose their protection. */
struct uffd_range_ops {
	void (*resolve_wp)(struct vm_area *vma, vaddr_t start, vaddr_t end);
};
extern const struct uffd_range_ops uffd_range_ops;

#endif
