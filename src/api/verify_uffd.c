/* SPDX-License-Identifier: MIT */
/*
 * verify: userfaultfds. While a machine is idle nobody waits on one and nothing is being told, so a
 * context is referred to by its descriptors alone, and by the vmas that are registered with it:
 *
 *   descriptors ── file ── context ── mm (a struct that may outlive its address space)
 *                     vmas ──┘
 */
#include "api/verify_internal.h"
#include "uffd/uffd.h"

static bool is_listed(const struct verify *v, const struct userfaultfd_ctx *wanted)
{
	const struct userfaultfd_ctx *ctx;

	list_for_each_entry(ctx, &v->m->uffds, ctxs)
		if (ctx == wanted)
			return true;
	return false;
}

static void verify_queue(struct verify *v, u64 id, const char *what, const struct list_head *queue)
{
	if (!list_empty(queue))
		finding(v, "userfaultfd of mm %llu: somebody is among the %s while idle",
			(unsigned long long)id, what);
}

static void verify_ctx(struct verify *v, struct userfaultfd_ctx *ctx)
{
	u64 known = userfaultfd_features() | UFFD_INITIALIZED;
	u64 id = ctx->mm->id;

	expect_equal(v, "userfaultfd of mm", id, "refs", (u64)ctx->refs.v,
		     ref_record_of(v, ctx)->refs);
	expect_equal(v, "userfaultfd of mm", id, "mmap_changing", (u64)ctx->mmap_changing.v, 0);
	expect_equal(v, "userfaultfd of mm", id, "released", ctx->released, 0);
	expect_unlocked(v, "userfaultfd of mm", id, "its lock", ctx->lock.word);
	verify_queue(v, id, "unread faults", &ctx->pending);
	verify_queue(v, id, "faults", &ctx->faulting);
	verify_queue(v, id, "events", &ctx->events);
	if ((ctx->features & ~known) || (ctx->features && !(ctx->features & UFFD_INITIALIZED)))
		finding(v, "userfaultfd of mm %llu: its features are %#llx", (unsigned long long)id,
			(unsigned long long)ctx->features);
}

static void verify_registered(struct verify *v, const struct vm_area *vma)
{
	u64 flags = vma->flags & VM_UFFD_FLAGS;

	if (!vma->uffd && !flags)
		return;
	if (!vma->uffd || !flags) {
		finding(v, "mm %u: vma %#llx: registered for %#llx, with %s", vma->mm->id,
			(unsigned long long)vma->start, (unsigned long long)flags,
			vma->uffd ? "a userfaultfd" : "none");
	} else if (!is_listed(v, vma->uffd)) {
		finding(v, "mm %u: vma %#llx: registered with a userfaultfd that is none",
			vma->mm->id, (unsigned long long)vma->start);
	} else {
		if (vma->uffd->mm != vma->mm)
			finding(v, "mm %u: vma %#llx: registered with one of mm %u", vma->mm->id,
				(unsigned long long)vma->start, vma->uffd->mm->id);
		if (!(vma->uffd->features & UFFD_INITIALIZED))
			finding(v, "mm %u: vma %#llx: registered before UFFDIO_API", vma->mm->id,
				(unsigned long long)vma->start);
	}
}

static void verify_mm_refs(struct verify *v, struct mm *mm)
{
	struct vm_area *vma;

	for_each_vma(mm, vma)
		verify_registered(v, vma);
	expect_equal(v, "mm", mm->id, "refs", (u64)mm->refs.v, ref_record_of(v, mm)->refs);
}

void verify_uffds(struct verify *v)
{
	struct userfaultfd_ctx *ctx;
	struct mm *mm;

	list_for_each_entry(mm, &v->m->mms, mms)
		(void)count_ref(v, mm, REF_MM);
	list_for_each_entry(ctx, &v->m->uffds, ctxs) {
		v->nr_uffds++;
		if (!in_heap(v, ctx->mm)) {
			finding(v, "a userfaultfd has an mm that is none");
			continue;
		}
		if (count_ref(v, ctx->mm, REF_MM))
			v->nr_dead_mms++;
		verify_ctx(v, ctx);
	}
	list_for_each_entry(mm, &v->m->mms, mms)
		if (mm_record_of(v, mm))
			verify_mm_refs(v, mm);
}
