/* SPDX-License-Identifier: MIT */
/* fault: handle_mm_fault, and the entry by which a CPU's access comes to it. */
#ifndef FAULT_FAULT_H
#define FAULT_FAULT_H

#include "anon/anon.h"
#include "vma/vma.h"

/*
 * Serve a fault of vma at addr. mmap_lock read held on entry; dropped on return only with
 * VM_FAULT_RETRY or VM_FAULT_COMPLETED.
 */
vm_fault_t handle_mm_fault(struct vm_area *vma, vaddr_t addr, u32 flags);

/*
 * A CPU refused an access of current: serve it. 0: try the access again; -EFAULT: *ret_fault is the
 * signal. flags: FAULT_FLAG_WRITE or _INSTRUCTION; _USER unless a call makes the access for it.
 */
int do_user_addr_fault(struct mm *mm, vaddr_t addr, u32 flags, struct umm_fault *ret_fault);

#endif
