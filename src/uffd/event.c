/* SPDX-License-Identifier: MIT */
/*
 * Events: what becomes of registered memory without a fault. Who makes one waits until it is read,
 * so that the handler knows before anything else happens there; from the moment it is noted until
 * then mmap_changing keeps memory from being filled on the strength of what is no longer true.
 */
#include "uffd/uffd_internal.h"

static bool wants(const struct userfaultfd_ctx *ctx, u64 feature)
{
	return ctx && (READ_ONCE(((struct userfaultfd_ctx *)ctx)->features) & feature);
}

static void begin_change(struct userfaultfd_ctx *ctx)
{
	userfaultfd_ctx_get(ctx);
	atomic_inc(&ctx->mmap_changing);
}

static void end_change(struct userfaultfd_ctx *ctx)
{
	atomic_dec(&ctx->mmap_changing);
	userfaultfd_ctx_put(ctx);
}

/*
 * Tell, and wait until it is read. wait->msg, wait->child are set; the change of ctx ends. False:
 * nobody read it.
 */
static bool tell(struct userfaultfd_ctx *ctx, struct uffd_wait *wait)
{
	bool queued;

	wait->ctx = ctx;
	wait->interruptible = false;
	WRITE_ONCE(wait->woken, false);
	WRITE_ONCE(wait->taken, false);
	wait->read = false;
	spin_lock(&ctx->lock);
	queued = !READ_ONCE(ctx->released);
	if (queued)
		list_add_tail(&wait->queue, &ctx->events);
	uffd_unlock(ctx);
	if (queued) {
		uffd_notify(ctx);
		uffd_wait_sleep(wait);
	}
	end_change(ctx);
	return wait->read;
}

/* ---- notes ------------------------------------------------------------------------------- */

static void note_append(struct uffd_notes *notes, struct uffd_wait *note)
{
	note->next = NULL;
	if (notes->last)
		notes->last->next = note;
	else
		notes->first = note;
	notes->last = note;
}

static struct uffd_wait *note_add(struct machine *m, struct uffd_notes *notes,
				  struct userfaultfd_ctx *ctx)
{
	struct uffd_wait *note = kmem_cache_alloc(m, CACHE_UFFD_WAIT);

	if (!note)
		return NULL;
	list_init(&note->queue);
	note->ctx = ctx;
	note_append(notes, note);
	return note;
}

static struct uffd_wait *note_take(struct uffd_notes *notes)
{
	struct uffd_wait *note = notes->first;

	if (note) {
		notes->first = note->next;
		if (!notes->first)
			notes->last = NULL;
	}
	return note;
}

static void note_free(struct uffd_wait *note)
{
	kmem_cache_free(machine_of(note), CACHE_UFFD_WAIT, note);
}

/* ---- fork -------------------------------------------------------------------------------- */

static void reset_ctx(struct vm_area *vma)
{
	vma->uffd = NULL;
	vma_set_flags(vma, vma->flags & ~VM_UFFD_FLAGS);
}

/* The context of mm that is to take the place of the parent's. */
static struct userfaultfd_ctx *child_ctx(struct uffd_notes *forks, struct userfaultfd_ctx *parent,
					 struct mm *mm)
{
	struct userfaultfd_ctx *child;
	struct uffd_wait *note;

	for (note = forks->first; note; note = note->next)
		if (note->ctx == parent)
			return note->child;
	child = userfaultfd_ctx_alloc(mm, parent->flags);
	if (!child)
		return NULL;
	note = note_add(machine_of(mm), forks, parent);
	if (!note) {
		userfaultfd_ctx_put(child);
		return NULL;
	}
	WRITE_ONCE(child->features, READ_ONCE(parent->features));
	note->child = child;
	note->msg = (struct uffd_msg){ .event = UFFD_EVENT_FORK };
	begin_change(parent);
	return child;
}

int dup_userfaultfd(struct vm_area *vma, struct uffd_notes *forks)
{
	struct userfaultfd_ctx *ctx;

	if (!vma->uffd)
		return 0;
	if (!wants(vma->uffd, UFFD_FEATURE_EVENT_FORK)) {
		reset_ctx(vma);
		return 0;
	}
	ctx = child_ctx(forks, vma->uffd, vma->mm);
	if (!ctx) {
		reset_ctx(vma);
		return -ENOMEM;
	}
	vma->uffd = ctx;
	return 0;
}

/* mmap_lock held for write. */
static void forget_ctx(struct mm *mm, const struct userfaultfd_ctx *ctx)
{
	struct vm_area *vma;

	for_each_vma(mm, vma)
		if (vma->uffd == ctx)
			reset_ctx(vma);
}

void dup_userfaultfd_complete(struct uffd_notes *forks)
{
	struct uffd_wait *note;

	while ((note = note_take(forks))) {
		/* Unread, nobody is going to have a descriptor of the child's. */
		if (!tell(note->ctx, note))
			userfaultfd_release(note->child);
		note_free(note);
	}
}

void dup_userfaultfd_fail(struct mm *child, struct uffd_notes *forks)
{
	struct uffd_wait *note;

	while ((note = note_take(forks))) {
		down_write(&child->mmap_lock);
		forget_ctx(child, note->child);
		up_write(&child->mmap_lock);
		end_change(note->ctx);
		userfaultfd_ctx_put(note->child);
		note_free(note);
	}
}

/* ---- mremap, madvise --------------------------------------------------------------------- */

struct userfaultfd_ctx *mremap_userfaultfd_prep(struct vm_area *vma)
{
	struct userfaultfd_ctx *ctx = vma->uffd;

	if (!ctx)
		return NULL;
	if (!wants(ctx, UFFD_FEATURE_EVENT_REMAP)) {
		reset_ctx(vma);
		return NULL;
	}
	begin_change(ctx);
	return ctx;
}

void mremap_userfaultfd_complete(struct userfaultfd_ctx *ctx, vaddr_t from, vaddr_t to, u64 len)
{
	struct uffd_wait *wait = &current->uffd_wait;

	if (!ctx)
		return;
	wait->msg = (struct uffd_msg){ .event = UFFD_EVENT_REMAP };
	wait->msg.arg.remap.from = from;
	wait->msg.arg.remap.to = to;
	wait->msg.arg.remap.len = len;
	(void)tell(ctx, wait);
}

void mremap_userfaultfd_fail(struct userfaultfd_ctx *ctx)
{
	if (ctx)
		end_change(ctx);
}

bool userfaultfd_remove(struct vm_area *vma, vaddr_t start, vaddr_t end)
{
	struct userfaultfd_ctx *ctx = vma->uffd;
	struct uffd_wait *wait = &current->uffd_wait;

	if (!wants(ctx, UFFD_FEATURE_EVENT_REMOVE))
		return true;
	begin_change(ctx);
	up_read(&vma->mm->mmap_lock);
	wait->msg = (struct uffd_msg){ .event = UFFD_EVENT_REMOVE };
	wait->msg.arg.remove.start = start;
	wait->msg.arg.remove.end = end;
	(void)tell(ctx, wait);
	return false;
}

/* ---- munmap ------------------------------------------------------------------------------ */

static bool is_of(const struct uffd_wait *note, vaddr_t start, vaddr_t end)
{
	return note->msg.arg.remove.start == start && note->msg.arg.remove.end == end;
}

static bool is_noted(const struct uffd_notes *unmaps, const struct userfaultfd_ctx *ctx,
		     vaddr_t start, vaddr_t end)
{
	const struct uffd_wait *note;

	for (note = unmaps->first; note; note = note->next)
		if (note->ctx == ctx && is_of(note, start, end))
			return true;
	return false;
}

int userfaultfd_unmap_prep(struct vm_area *vma, vaddr_t start, vaddr_t end,
			   struct uffd_notes *unmaps)
{
	struct userfaultfd_ctx *ctx = vma->uffd;
	struct uffd_wait *note;

	if (!wants(ctx, UFFD_FEATURE_EVENT_UNMAP) || is_noted(unmaps, ctx, start, end))
		return 0;
	note = note_add(machine_of(vma), unmaps, ctx);
	if (!note)
		return -ENOMEM;
	begin_change(ctx);
	note->msg = (struct uffd_msg){ .event = UFFD_EVENT_UNMAP };
	note->msg.arg.remove.start = start;
	note->msg.arg.remove.end = end;
	return 0;
}

void userfaultfd_unmap_forget(struct uffd_notes *unmaps, vaddr_t start, vaddr_t end)
{
	struct uffd_notes kept = { 0 };
	struct uffd_wait *note;

	while ((note = note_take(unmaps))) {
		if (is_of(note, start, end)) {
			end_change(note->ctx);
			note_free(note);
		} else {
			note_append(&kept, note);
		}
	}
	*unmaps = kept;
}

void userfaultfd_unmap_complete(struct uffd_notes *unmaps)
{
	struct uffd_wait *note;

	while ((note = note_take(unmaps))) {
		(void)tell(note->ctx, note);
		note_free(note);
	}
}
