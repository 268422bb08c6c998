/* SPDX-License-Identifier: MIT */
/*
 * Faults that wait. No wake-up is lost: who waits is on the queue before it looks at the entry
 * again, and who fills an entry does so before it looks at the queue.
 */
#include "base/mutant.h"
#include "mmu/entry.h"
#include "mmu/pgtable.h"
#include "uffd/uffd_internal.h"

/* ---- waiting ----------------------------------------------------------------------------- */

bool uffd_current_killed(void)
{
	return READ_ONCE(current->mm->killed);
}

void uffd_notify(struct userfaultfd_ctx *ctx)
{
	wake_up_all(&ctx->fd_waitq);
}

void uffd_wait_end(struct uffd_wait *wait)
{
	list_del_init(&wait->queue);
	WRITE_ONCE(wait->woken, true);
	wake_up_all(&wait->waitq);
}

static bool may_leave(struct uffd_wait *wait)
{
	if (READ_ONCE(wait->woken))
		return true;
	if (READ_ONCE(wait->taken))
		return false;
	return uffd_current_killed() || (wait->interruptible && signal_pending(current));
}

void uffd_wait_sleep(struct uffd_wait *wait)
{
	struct userfaultfd_ctx *ctx = wait->ctx;

	for (;;) {
		wait_event(&wait->waitq, may_leave(wait));
		/* Who woke it is done with it when the lock is free. */
		spin_lock(&ctx->lock);
		if (!wait->taken)
			break;
		uffd_unlock(ctx);
	}
	list_del_init(&wait->queue);
	uffd_unlock(ctx);
}

static void wake_queue(struct list_head *queue, vaddr_t start, u64 len)
{
	struct uffd_wait *wait, *tmp;

	list_for_each_entry_safe(wait, tmp, queue, queue) {
		if (!len || (wait->address >= start && wait->address - start < len))
			uffd_wait_end(wait);
	}
}

void wake_userfault(struct userfaultfd_ctx *ctx, vaddr_t start, u64 len)
{
	spin_lock(&ctx->lock);
	wake_queue(&ctx->pending, start, len);
	wake_queue(&ctx->faulting, start, len);
	uffd_unlock(ctx);
}

static void nudge_queue(struct list_head *queue)
{
	struct uffd_wait *wait;

	list_for_each_entry(wait, queue, queue)
		wake_up_all(&wait->waitq);
}

void userfaultfd_signalled(struct machine *m)
{
	struct userfaultfd_ctx *ctx;

	spin_lock(&m->files_lock);
	list_for_each_entry(ctx, &m->uffds, ctxs) {
		spin_lock(&ctx->lock);
		nudge_queue(&ctx->pending);
		nudge_queue(&ctx->faulting);
		nudge_queue(&ctx->events);
		uffd_unlock(ctx);
		wake_up_all(&ctx->fd_waitq);
	}
	spin_unlock(&m->files_lock);
}

/* ---- the fault --------------------------------------------------------------------------- */

/* Whether the entry still is what the handler has to change; mmap_lock keeps the tables. */
static bool must_wait(struct mm *mm, vaddr_t addr, u64 reason)
{
	pte_t *ptep = pte_offset(mm, addr);
	pte_t pte;

	if (!ptep)
		return true;
	pte = ptep_get(ptep);
	if (pte_none(pte))
		return true;
	if (pte_is_marker(pte))
		return !(pte_marker_bits(pte) & (PTE_MARKER_POISONED | PTE_MARKER_GUARD));
	return reason == VM_UFFD_WP && pte_present(pte) && !pte_write(pte);
}

static void fill_message(struct uffd_msg *msg, const struct vm_fault *vmf, u64 reason, u64 features)
{
	u64 flags = 0;

	if (vmf->flags & FAULT_FLAG_WRITE)
		flags |= UFFD_PAGEFAULT_FLAG_WRITE;
	if (reason == VM_UFFD_WP)
		flags |= UFFD_PAGEFAULT_FLAG_WP;
	if (reason == VM_UFFD_MINOR)
		flags |= UFFD_PAGEFAULT_FLAG_MINOR;
	*msg = (struct uffd_msg){ .event = UFFD_EVENT_PAGEFAULT };
	msg->arg.pagefault.flags = flags;
	msg->arg.pagefault.address =
		features & UFFD_FEATURE_EXACT_ADDRESS ? vmf->real_address : vmf->address;
	if (features & UFFD_FEATURE_THREAD_ID)
		msg->arg.pagefault.feat.ptid = (u32)current->tid;
}

/* On the queue, unless the context has been released. */
static bool queue_fault(struct userfaultfd_ctx *ctx, struct uffd_wait *wait, vaddr_t address)
{
	bool queued;

	wait->ctx = ctx;
	wait->address = address;
	WRITE_ONCE(wait->woken, false);
	WRITE_ONCE(wait->taken, false);
	spin_lock(&ctx->lock);
	queued = !READ_ONCE(ctx->released);
	if (queued)
		list_add_tail(&wait->queue, &ctx->pending);
	uffd_unlock(ctx);
	return queued;
}

static void unqueue(struct userfaultfd_ctx *ctx, struct uffd_wait *wait)
{
	spin_lock(&ctx->lock);
	list_del_init(&wait->queue);
	uffd_unlock(ctx);
}

vm_fault_t handle_userfault(struct vm_fault *vmf, u64 reason)
{
	struct userfaultfd_ctx *ctx = vmf->vma->uffd;
	struct uffd_wait *wait = &current->uffd_wait;
	struct mm *mm = vmf->mm;
	bool queued, wait_for_it;
	u64 features;

	VM_BUG_ON(vmf->ptl);
	VM_BUG_ON2(reason != VM_UFFD_MISSING && reason != VM_UFFD_WP && reason != VM_UFFD_MINOR,
		   reason, vmf->address);
	VM_DEBUG_ON(!rwsem_is_locked(&mm->mmap_lock));
	if (!ctx)
		return VM_FAULT_SIGBUS;
	VM_BUG_ON2(ctx->mm != mm, ctx->mm->id, mm->id);
	features = READ_ONCE(ctx->features);
	if (features & UFFD_FEATURE_SIGBUS)
		return VM_FAULT_SIGBUS;
	if (!(vmf->flags & FAULT_FLAG_USER) && (ctx->flags & UFFD_USER_MODE_ONLY))
		return VM_FAULT_SIGBUS;
	if (!(vmf->flags & FAULT_FLAG_ALLOW_RETRY))
		return VM_FAULT_SIGBUS;
	if (vmf->flags & FAULT_FLAG_RETRY_NOWAIT)
		return VM_FAULT_RETRY;

	userfaultfd_ctx_get(ctx);
	fill_message(&wait->msg, vmf, reason, features);
	wait->interruptible =
		(vmf->flags & FAULT_FLAG_INTERRUPTIBLE) && !MUTANT(userfault_ignores_signal);
	queued = queue_fault(ctx, wait, vmf->address);
	wait_for_it = queued &&
		      (MUTANT(userfault_waits_unchecked) || must_wait(mm, vmf->address, reason));
	if (queued && !wait_for_it)
		unqueue(ctx, wait);
	up_read(&mm->mmap_lock);
	if (!queued)
		wait_event(&ctx->fd_waitq, READ_ONCE(ctx->released) == UFFD_GONE);
	if (wait_for_it) {
		uffd_notify(ctx);
		uffd_wait_sleep(wait);
	}
	userfaultfd_ctx_put(ctx);
	return VM_FAULT_RETRY;
}
