/* SPDX-License-Identifier: MIT */
/* vma: a task, one thread of one process. */
#ifndef VMA_TASK_H
#define VMA_TASK_H

#include "base/list.h"
#include "machine/machine.h"
#include "sync/sync.h"

struct mm;
struct cpu;

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

	struct list_head tasks; /* tasks_lock */
	int pid;
	char comm[16];
} __cacheline_aligned;

#endif
