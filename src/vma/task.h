/* SPDX-License-Identifier: MIT */
/* vma: a task, one thread of one process. */
#ifndef VMA_TASK_H
#define VMA_TASK_H

#include "base/list.h"
#include "base/uapi.h"
#include "machine/machine.h"
#include "sync/sync.h"

struct mm;
struct userfaultfd_ctx;
struct files_struct;
struct cpu;

/*
 * One who waits on a userfaultfd, or is going to. A task waits for one thing at a time and has one
 * of its own; what a fork or an unmapping has to tell beside comes from CACHE_UFFD_WAIT. Nothing
 * points at a stack.
 */
struct uffd_wait {
	struct list_head queue; /* ctx->lock: one of the three of ctx */
	struct userfaultfd_ctx *ctx;
	struct uffd_wait *next;        /* of a note (uffd/uffd.h): what is to be told after it */
	struct userfaultfd_ctx *child; /* of a fork: what its message brings */
	struct uffd_msg msg;
	vaddr_t address;    /* of a fault: of its page */
	bool interruptible; /* a signal ends it */
	bool woken;         /* ctx->lock to set */
	bool taken;         /* ctx->lock to set: being read, must not go */
	bool read;          /* ctx->lock: of an event: somebody was told */
	struct wait_queue_head waitq;
};

struct task {
	/* First: what machine/ and phys/ know of a task. */
	union {
		struct task_base base;
		struct {
			u32 cpu_id; /* that of cpu; set with it by task_switch_to, 0 before */
			int tid;
		};
	};
	/*
	 * Odd while an access is in flight (mmu/tlb.h). The words that every access looks at
	 * share a cache line.
	 */
	u32 in_access;
	u32 irqs_off;    /* odd while interrupts are off: fast GUP */
	struct cpu *cpu; /* where it last ran; it runs there while cpu->curr says so */
	struct mm *mm;
	struct files_struct *files; /* shared by the threads of a process */

	struct list_head tasks; /* tasks_lock */
	int pid;
	char comm[16];
	struct uffd_wait uffd_wait;
	/*
	 * a: a signal was sent since the task entered the kernel; its handler, which does nothing,
	 * runs when the task leaves it.
	 */
	u32 sigpending;
	/* debug builds: an access that never ends shows */
	u64 last_fault;
	u32 same_faults;
} __cacheline_aligned;

/* Whether a signal keeps the task from waiting where it may be interrupted. */
static inline bool signal_pending(const struct task *task)
{
	return READ_ONCE(((struct task *)task)->sigpending);
}

/* What was sent to the program is delivered to the program. */
static inline void deliver_signals(struct task *task)
{
	if (signal_pending(task))
		WRITE_ONCE(task->sigpending, 0);
}

#endif
