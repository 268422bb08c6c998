/* SPDX-License-Identifier: MIT */
/*
 * The page fault.
 *
 *   access refused ─ do_user_addr_fault ─ mmap_lock read ─ find the vma (grow a stack)
 *        │              may it at all? ── no ─ SIGSEGV
 *        │              handle_mm_fault ─ entry is
 *        │                   none       the backing's first touch     anon/, file_fault.c
 *        │                   marker     guard: SIGSEGV; poisoned: SIGBUS; uffd-wp: as none,
 *        │                              and what comes is write-protected
 *        │                   swap       brought in                    anon/
 *        │                   migration  waited for                    rmap/
 *        │                   read-only  and a write: copy-on-write    anon/
 *        │                              shared: page_mkwrite          file_fault.c
 *        │                   otherwise  set young (dirty), or spurious
 *        └─ try again ◄─── 0
 *
 * An access is always retried after 0, so a phase that finds the entry changed just returns.
 * The room has no other retry loop than the one in do_user_addr_fault.
 */
#include "fault/fault.h"

#include "base/mutant.h"
#include "base/uapi.h"
#include "fault/file_fault.h"
#include "phys/group.h"
#include "rmap/rmap.h"
#include "uffd/uffd.h"

/* Faults in a row that ended in VM_FAULT_OOM before the task is given up. */
#define OOM_RETRIES 16

/* ---- handle_mm_fault ------------------------------------------------------------------------ */

/* A write-protect marker in a vma that nobody watches is as good as none: make it so. */
static vm_fault_t clear_stale_marker(struct vm_fault *vmf)
{
	if (!lock_same_pte(vmf))
		return 0;
	(void)ptep_get_and_clear(vmf->mm, vmf->address, vmf->pte);
	fault_unlock_pte(vmf);
	return 0;
}

static vm_fault_t do_pte_missing(struct vm_fault *vmf)
{
	return vma_is_anonymous(vmf->vma) ? do_anonymous_page(vmf) : do_fault(vmf);
}

static vm_fault_t handle_pte_marker(struct vm_fault *vmf)
{
	u32 bits = pte_marker_bits(vmf->orig_pte);

	if (bits & PTE_MARKER_POISONED)
		return VM_FAULT_HWPOISON;
	if (bits & PTE_MARKER_GUARD)
		return VM_FAULT_SIGSEGV;
	if ((bits & PTE_MARKER_UFFD_WP) && !userfaultfd_wp(vmf->vma))
		return clear_stale_marker(vmf);
	return do_pte_missing(vmf);
}

static vm_fault_t wait_for_migration(struct vm_fault *vmf)
{
	pte_t *ptep = vmf->pte;
	spinlock_t *ptl = vmf->ptl;

	vmf->pte = NULL;
	vmf->ptl = NULL;
	migration_entry_wait(vmf->mm, ptep, ptl);
	return 0;
}

static vm_fault_t handle_swap_type(struct vm_fault *vmf)
{
	swp_entry_t entry = pte_to_swp_entry(vmf->orig_pte);

	if (!swp_is_special(entry))
		return do_swap_page(vmf);
	switch (entry.type) {
	case SWP_PTE_MARKER:
		return handle_pte_marker(vmf);
	case SWP_HWPOISON:
		return VM_FAULT_HWPOISON;
	case SWP_MIGRATION_READ:
	case SWP_MIGRATION_READ_EXCLUSIVE:
	case SWP_MIGRATION_WRITE:
		return lock_same_pte(vmf) ? wait_for_migration(vmf) : 0;
	default:
		/* No room that makes entries of devices exists below this one. */
		VM_BUG_ON2(true, vmf->orig_pte.v, vmf->address);
		return VM_FAULT_SIGBUS;
	}
}

/* The entry allows the access, or will with its accessed (and dirty) bit set. ptl held. */
static void fault_touch_entry(struct vm_fault *vmf)
{
	struct machine *m = machine_of(vmf->mm);
	pte_t entry = pte_mkyoung(vmf->orig_pte);

	if (vmf->write)
		entry = pte_mkdirty(entry, m->config.soft_dirty);
	if (entry.v == vmf->orig_pte.v)
		count_vm_event(m, FAULT_SPURIOUS);
	else
		(void)ptep_try_update(vmf->mm, vmf->address, vmf->pte, vmf->orig_pte, entry);
	fault_unlock_pte(vmf);
}

static vm_fault_t handle_pte_fault(struct vm_fault *vmf)
{
	pte_t *ptep = pte_offset(vmf->mm, vmf->address);

	vmf->orig_pte = ptep ? ptep_get(ptep) : (pte_t){ 0 };
	if (pte_none(vmf->orig_pte))
		return do_pte_missing(vmf);
	if (!pte_present(vmf->orig_pte))
		return handle_swap_type(vmf);

	vmf->pte = ptep;
	vmf->ptl = pte_lockptr(ptep);
	spin_lock(vmf->ptl);
	if (ptep_get(ptep).v != vmf->orig_pte.v) {
		fault_unlock_pte(vmf);
		return MUTANT(fault_race_is_fatal) ? VM_FAULT_SIGSEGV : 0;
	}
	if ((vmf->write || vmf->unshare) && !pte_write(vmf->orig_pte))
		return vmf->vma->flags & (VM_SHARED | VM_MAYSHARE) ? wp_page_shared(vmf) :
								     do_wp_page(vmf);
	fault_touch_entry(vmf);
	return 0;
}

/* What no caller may ask for: a bug of ours, not of the program. */
static void check_fault_flags(const struct vm_area *vma, u32 flags)
{
	if (flags & FAULT_FLAG_UNSHARE) {
		VM_BUG_ON2(flags & FAULT_FLAG_WRITE, flags, 0);
		VM_BUG_ON2(!is_cow_mapping(vma->flags), vma->flags, flags);
	}
	/* A write that the vma forbids is only ever forced, and only onto a private copy. */
	if ((flags & FAULT_FLAG_WRITE) && !(vma->flags & VM_WRITE))
		VM_BUG_ON2(!is_cow_mapping(vma->flags), vma->flags, flags);
}

vm_fault_t handle_mm_fault(struct vm_area *vma, vaddr_t addr, u32 flags)
{
	struct vm_fault vmf = {
		.vma = vma,
		.mm = vma->mm,
		.address = addr & PAGE_MASK,
		.real_address = addr,
		.pgoff = linear_page_index(vma, addr & PAGE_MASK),
		.flags = flags,
		.write = flags & FAULT_FLAG_WRITE,
		.unshare = flags & FAULT_FLAG_UNSHARE,
	};
	vm_fault_t ret;

	VM_DEBUG_ON(!rwsem_is_locked(&vma->mm->mmap_lock));
	VM_BUG_ON2(addr < vma->start || addr >= vma->end, addr, vma->start);
	check_fault_flags(vma, flags);
	count_vm_event(machine_of(vma->mm), PGFAULT);
	ret = handle_pte_fault(&vmf);
	VM_BUG_ON(vmf.ptl);
	VM_BUG_ON(vmf.pte);
	return ret;
}

/* ---- from an access ------------------------------------------------------------------------- */

/*
 * The vma for a fault at addr, growing a stack down to it when one may; NULL: none.
 * mmap_lock read held on entry and, unless NULL is returned, on exit (it may have been
 * dropped in between); NULL: dropped.
 */
static struct vm_area *find_vma_or_grow(struct mm *mm, vaddr_t addr)
{
	struct vm_area *vma = find_vma(mm, addr);
	bool may_grow;

	if (vma && vma->start <= addr)
		return vma;
	/* Once the lock is dropped the vma may go. */
	may_grow = vma && (vma->flags & VM_GROWSDOWN);
	up_read(&mm->mmap_lock);
	if (!may_grow)
		return NULL;

	/* Growing needs the lock for write, and everything may change on the way to it. */
	down_write(&mm->mmap_lock);
	vma = find_vma(mm, addr);
	if (vma && vma->start > addr && expand_stack_locked(vma, addr))
		vma = NULL;
	if (!vma) {
		up_write(&mm->mmap_lock);
		return NULL;
	}
	downgrade_write(&mm->mmap_lock);
	return vma;
}

static bool is_mapped(struct mm *mm, vaddr_t addr)
{
	pte_t *ptep = pte_offset(mm, addr);

	return ptep && pte_cpu_may_read(ptep_get(ptep));
}

/*
 * Whether the vma forbids the access, or the entry does for good. That a page is not to be
 * executed is found out only when it is there: before that, the fetch reads it in.
 */
static bool access_error(const struct vm_area *vma, vaddr_t addr, u32 flags)
{
	if (flags & FAULT_FLAG_WRITE)
		return !(vma->flags & VM_WRITE);
	if (!vma_is_accessible(vma))
		return true;
	return (flags & FAULT_FLAG_INSTRUCTION) && !(vma->flags & VM_EXEC) &&
	       is_mapped(vma->mm, addr);
}

static int fault_signal(struct mm *mm, int signo, int code, vaddr_t addr,
			struct umm_fault *ret_fault)
{
	trace(machine_of(mm), TRACE_SIGNAL, (u64)signo, (u64)code, addr);
	*ret_fault = (struct umm_fault){ .signo = signo, .code = code, .addr = addr };
	return -EFAULT;
}

/* One attempt; 0: no signal, and *ret_result says whether to go on. mmap_lock not held. */
static int fault_once(struct mm *mm, vaddr_t addr, u32 flags, vm_fault_t *ret_result,
		      struct umm_fault *ret_fault)
{
	struct vm_area *vma;
	vm_fault_t result;

	down_read(&mm->mmap_lock);
	vma = find_vma_or_grow(mm, addr);
	if (!vma)
		return fault_signal(mm, SIGSEGV, SEGV_MAPERR, addr, ret_fault);
	if (access_error(vma, addr, flags)) {
		up_read(&mm->mmap_lock);
		return fault_signal(mm, SIGSEGV, SEGV_ACCERR, addr, ret_fault);
	}
	result = handle_mm_fault(vma, addr, flags);
	if (!(result & (VM_FAULT_RETRY | VM_FAULT_COMPLETED)))
		up_read(&mm->mmap_lock);
	*ret_result = result;
	if (result & VM_FAULT_SIGSEGV)
		return fault_signal(mm, SIGSEGV, SEGV_MAPERR, addr, ret_fault);
	/* Without CONFIG_MEMORY_FAILURE lost data looks like any other bus error. */
	if (result & (VM_FAULT_SIGBUS | VM_FAULT_HWPOISON))
		return fault_signal(mm, SIGBUS, BUS_ADRERR, addr, ret_fault);
	return 0;
}

/*
 * Killed for want of memory: by another task, by itself when it asked for more, or because nothing
 * could be done for it. What it has is given back here at the latest.
 */
static int fault_oom_kill(struct mm *mm, vaddr_t addr, struct umm_fault *ret_fault)
{
	if (!READ_ONCE(mm->killed)) {
		count_vm_event(machine_of(mm), NR_COUNTER_OOM);
		WRITE_ONCE(mm->killed, MM_KILLED);
		userfaultfd_signalled(machine_of(mm));
	}
	reclaim_ops.reap(mm);
	return fault_signal(mm, SIGKILL, 0, addr, ret_fault);
}

int do_user_addr_fault(struct mm *mm, vaddr_t addr, u32 flags, struct umm_fault *ret_fault)
{
	flags |= FAULT_FLAG_ALLOW_RETRY | FAULT_FLAG_KILLABLE | FAULT_FLAG_INTERRUPTIBLE;
	trace(machine_of(mm), TRACE_PAGE_FAULT_USER, addr, flags);
	if (flags & FAULT_FLAG_USER)
		deliver_signals(current);
	if (READ_ONCE(mm->killed))
		return fault_oom_kill(mm, addr, ret_fault);
	if (addr >= TASK_SIZE)
		return fault_signal(mm, SIGSEGV, SEGV_MAPERR, addr, ret_fault);
	for (unsigned attempt = 0;; attempt++) {
		vm_fault_t result = 0;
		int err = fault_once(mm, addr, flags, &result, ret_fault);

		if (err)
			return err;
		if (!(result & (VM_FAULT_OOM | VM_FAULT_RETRY)))
			return 0;
		if ((result & VM_FAULT_OOM) && (attempt >= OOM_RETRIES || READ_ONCE(mm->killed)))
			return fault_oom_kill(mm, addr, ret_fault);
		if (result & VM_FAULT_RETRY) {
			/* It may have waited for a handler until it was killed. */
			if (READ_ONCE(mm->killed))
				return fault_oom_kill(mm, addr, ret_fault);
			/* The program's access is made again after the signal's handler. */
			if (signal_pending(current) && (flags & FAULT_FLAG_USER))
				return 0;
			/* One of a call only ends with it: Linux tries again without a pause. */
			if (signal_pending(current))
				flags &= ~(u32)FAULT_FLAG_INTERRUPTIBLE;
			flags |= FAULT_FLAG_TRIED;
			count_vm_event(machine_of(mm), FAULT_RETRY);
		}
	}
}
