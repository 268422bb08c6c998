/* SPDX-License-Identifier: MIT */
/* fault: handle_mm_fault, and the entry by which a CPU's access comes to it. */
#ifndef FAULT_FAULT_H
#define FAULT_FAULT_H

#include "anon/anon.h"
#include "vma/vma.h"

/* Linux's names and meanings. */
enum fault_flag {
	FAULT_FLAG_WRITE = 1 << 0,
	FAULT_FLAG_ALLOW_RETRY = 1 << 2,
	FAULT_FLAG_KILLABLE = 1 << 4,
	FAULT_FLAG_TRIED = 1 << 5,
	FAULT_FLAG_USER = 1 << 6,
	FAULT_FLAG_REMOTE = 1 << 7,
	FAULT_FLAG_INSTRUCTION = 1 << 8,
	FAULT_FLAG_INTERRUPTIBLE = 1 << 9,
	FAULT_FLAG_UNSHARE = 1 << 10,
};

/*
 * Serve a fault of vma at addr. mmap_lock read held on entry; dropped on return only with
 * VM_FAULT_RETRY or VM_FAULT_COMPLETED.
 */
vm_fault_t handle_mm_fault(struct vm_area *vma, vaddr_t addr, u32 flags);

/*
 * A CPU refused an access: serve it. 0: try the access again; -EFAULT: *ret_fault is the
 * signal. flags: FAULT_FLAG_WRITE or _INSTRUCTION, or 0.
 */
int do_user_addr_fault(struct mm *mm, vaddr_t addr, u32 flags, struct umm_fault *ret_fault);

#endif
