/* SPDX-License-Identifier: MIT */
/* Contexts: their life, what they are asked for (UFFDIO_API), and what is registered with them. */
#include "base/mutant.h"
#include "host/host.h"
#include "uffd/uffd_internal.h"
#include "vma/merge.h"

/* ---- what a vma's context says ----------------------------------------------------------- */

static u64 features_of(const struct vm_area *vma)
{
	return vma->uffd ? READ_ONCE(vma->uffd->features) : 0;
}

bool userfaultfd_wp_async(const struct vm_area *vma)
{
	return features_of(vma) & UFFD_FEATURE_WP_ASYNC;
}

bool userfaultfd_wp_use_markers(const struct vm_area *vma)
{
	if (!userfaultfd_wp(vma))
		return false;
	return !vma_is_anonymous(vma) || (features_of(vma) & UFFD_FEATURE_WP_UNPOPULATED);
}

bool vma_has_uffd_without_event_remap(const struct vm_area *vma)
{
	return vma->uffd && !(features_of(vma) & UFFD_FEATURE_EVENT_REMAP);
}

/* ---- life -------------------------------------------------------------------------------- */

struct userfaultfd_ctx *userfaultfd_ctx_alloc(struct mm *mm, u32 flags)
{
	struct machine *m = machine_of(mm);
	struct userfaultfd_ctx *ctx = kmem_cache_alloc(m, CACHE_UFFD_CTX);

	if (!ctx)
		return NULL;
	atomic_set(&ctx->refs, 1);
	mm_grab(mm);
	ctx->mm = mm;
	ctx->flags = flags;
	spin_lock_init(&ctx->lock, LC_UFFD);
	list_init(&ctx->pending);
	list_init(&ctx->faulting);
	list_init(&ctx->events);
	init_waitqueue_head(&ctx->fd_waitq);
	spin_lock(&m->files_lock);
	list_add_tail(&ctx->ctxs, &m->uffds);
	spin_unlock(&m->files_lock);
	return ctx;
}

void userfaultfd_ctx_get(struct userfaultfd_ctx *ctx)
{
	VM_BUG_ON2(atomic_read(&ctx->refs) <= 0, atomic_read(&ctx->refs), ctx->mm->id);
	atomic_inc(&ctx->refs);
}

void userfaultfd_ctx_put(struct userfaultfd_ctx *ctx)
{
	struct machine *m = machine_of(ctx);

	VM_BUG_ON2(atomic_read(&ctx->refs) <= 0, atomic_read(&ctx->refs), ctx->mm->id);
	if (!atomic_dec_and_test(&ctx->refs))
		return;
	VM_BUG_ON(!list_empty(&ctx->pending));
	VM_BUG_ON(!list_empty(&ctx->faulting));
	VM_BUG_ON(!list_empty(&ctx->events));
	spin_lock(&m->files_lock);
	list_del_init(&ctx->ctxs);
	spin_unlock(&m->files_lock);
	if (ctx->host_polled)
		host_event_close(ctx);
	mm_drop(ctx->mm);
	kmem_cache_free(m, CACHE_UFFD_CTX, ctx);
}

/* ---- UFFDIO_API -------------------------------------------------------------------------- */

u64 userfaultfd_features(void)
{
	u64 features = UFFD_FEATURE_EVENT_FORK | UFFD_FEATURE_EVENT_REMAP |
		       UFFD_FEATURE_EVENT_REMOVE | UFFD_FEATURE_EVENT_UNMAP |
		       UFFD_FEATURE_MISSING_HUGETLBFS | UFFD_FEATURE_MISSING_SHMEM |
		       UFFD_FEATURE_SIGBUS | UFFD_FEATURE_THREAD_ID | UFFD_FEATURE_MINOR_HUGETLBFS |
		       UFFD_FEATURE_MINOR_SHMEM | UFFD_FEATURE_EXACT_ADDRESS | UFFD_FEATURE_POISON |
		       UFFD_FEATURE_MOVE;

	if (ARCH_HAS_UFFD_WP)
		features |= UFFD_FEATURE_PAGEFAULT_FLAG_WP | UFFD_FEATURE_WP_HUGETLBFS_SHMEM |
			    UFFD_FEATURE_WP_UNPOPULATED | UFFD_FEATURE_WP_ASYNC;
	return features;
}

int userfaultfd_api(struct userfaultfd_ctx *ctx, struct uffdio_api *api)
{
	u64 wanted = api->features;
	bool known = api->api == UFFD_API;

	/* Who is told of every write later must be able to tell untouched pages apart. */
	if (wanted & UFFD_FEATURE_WP_ASYNC)
		wanted |= UFFD_FEATURE_WP_UNPOPULATED;
	if (!known || (wanted & ~userfaultfd_features()) ||
	    sync_cmpxchg(&ctx->features, 0ull, wanted | UFFD_INITIALIZED, SYNC_FULL) != 0) {
		*api = (struct uffdio_api){ 0 };
		return -EINVAL;
	}
	api->features = userfaultfd_features();
	api->ioctls = 1ull << _UFFDIO_REGISTER | 1ull << _UFFDIO_UNREGISTER | 1ull << _UFFDIO_API;
	return 0;
}

/* ---- registering ------------------------------------------------------------------------- */

int userfaultfd_check_unaligned(vaddr_t start, u64 len)
{
	if (PAGE_OFFSET_OF(len) || !len)
		return -EINVAL;
	return start >= TASK_SIZE || len > TASK_SIZE - start ? -EINVAL : 0;
}

int userfaultfd_check_range(vaddr_t start, u64 len)
{
	return PAGE_OFFSET_OF(start) ? -EINVAL : userfaultfd_check_unaligned(start, len);
}

static int register_flags(u64 mode, u64 *ret_flags)
{
	u64 modes =
		UFFDIO_REGISTER_MODE_MISSING | UFFDIO_REGISTER_MODE_WP | UFFDIO_REGISTER_MODE_MINOR;

	if (!mode || (mode & ~modes))
		return -EINVAL;
	if ((mode & UFFDIO_REGISTER_MODE_WP) && !ARCH_HAS_UFFD_WP)
		return -EINVAL;
	*ret_flags = (mode & UFFDIO_REGISTER_MODE_MISSING ? VM_UFFD_MISSING : 0) |
		     (mode & UFFDIO_REGISTER_MODE_WP ? VM_UFFD_WP : 0) |
		     (mode & UFFDIO_REGISTER_MODE_MINOR ? VM_UFFD_MINOR : 0);
	return 0;
}

static bool vma_can_userfault(const struct vm_area *vma, u64 flags, bool wp_async)
{
	flags &= VM_UFFD_FLAGS;
	if (vma->flags & VM_DROPPABLE)
		return false;
	if ((flags & VM_UFFD_MINOR) && vma->backing != VMA_SHMEM)
		return false;
	/* A fault that resolves itself needs nobody to fill pages. */
	if (wp_async && flags == VM_UFFD_WP)
		return true;
	return vma->backing == VMA_ANON || vma->backing == VMA_SHMEM;
}

static bool ctx_wp_async(const struct userfaultfd_ctx *ctx)
{
	return READ_ONCE(((struct userfaultfd_ctx *)ctx)->features) & UFFD_FEATURE_WP_ASYNC;
}

static void set_ctx(struct vm_area *vma, struct userfaultfd_ctx *ctx, u64 flags)
{
	vma->uffd = ctx;
	vma_set_flags(vma, (vma->flags & ~VM_UFFD_FLAGS) | flags);
}

static int check_register(const struct userfaultfd_ctx *ctx, vaddr_t start, vaddr_t end, u64 flags)
{
	struct vm_area *vma;

	if (!find_vma_intersection(ctx->mm, start, end))
		return -EINVAL;
	for_each_vma_range(ctx->mm, vma, start, end) {
		VM_BUG_ON2(!vma->uffd != !(vma->flags & VM_UFFD_FLAGS), vma->start, vma->flags);
		if (!vma_can_userfault(vma, flags, ctx_wp_async(ctx)))
			return -EINVAL;
		/* Who fills it writes to it. */
		if (!(vma->flags & VM_MAYWRITE))
			return -EPERM;
		if (vma->uffd && vma->uffd != ctx)
			return -EBUSY;
	}
	return 0;
}

static int register_locked(struct userfaultfd_ctx *ctx, vaddr_t start, vaddr_t end, u64 flags)
{
	struct vm_area *vma;
	int err = check_register(ctx, start, end, flags);

	if (err)
		return err;
	for_each_vma_range(ctx->mm, vma, start, end) {
		u64 new_flags = (vma->flags & ~VM_UFFD_FLAGS) | flags;

		if (vma->uffd == ctx && (vma->flags & flags) == flags)
			continue;
		if (userfaultfd_wp(vma) && !(flags & VM_UFFD_WP))
			WRITE_ONCE(ctx->mm->uffd_wp_stale, true);
		err = vma_modify_uffd(vma, MAX(start, vma->start), MIN(end, vma->end), new_flags,
				      ctx, &vma);
		if (err)
			return err;
		set_ctx(vma, ctx, flags);
	}
	return 0;
}

int userfaultfd_register(struct userfaultfd_ctx *ctx, struct uffdio_register *reg)
{
	u64 ioctls = 1ull << _UFFDIO_WAKE | 1ull << _UFFDIO_COPY | 1ull << _UFFDIO_ZEROPAGE |
		     1ull << _UFFDIO_MOVE | 1ull << _UFFDIO_POISON;
	vaddr_t start = reg->range.start;
	struct mm *mm = ctx->mm;
	u64 flags;
	int err = register_flags(reg->mode, &flags);

	if (!err)
		err = userfaultfd_check_range(start, reg->range.len);
	if (err)
		return err;
	if (!mm_get_not_zero(mm))
		return -ENOMEM;
	down_write(&mm->mmap_lock);
	err = register_locked(ctx, start, start + reg->range.len, flags);
	up_write(&mm->mmap_lock);
	mm_put(mm);
	if (err)
		return err;
	if (flags & VM_UFFD_WP)
		ioctls |= 1ull << _UFFDIO_WRITEPROTECT;
	if (flags & VM_UFFD_MINOR)
		ioctls |= 1ull << _UFFDIO_CONTINUE;
	reg->ioctls = ioctls;
	return 0;
}

/* ---- unregistering ----------------------------------------------------------------------- */

/* [start, end) of vma is not registered any more; *ret_vma holds it, and perhaps more. */
static int clear_vma(struct vm_area *vma, vaddr_t start, vaddr_t end, struct vm_area **ret_vma)
{
	int err;

	if (userfaultfd_wp(vma))
		uffd_range_ops.resolve_wp(vma, start, end);
	err = vma_modify_uffd(vma, start, end, vma->flags & ~VM_UFFD_FLAGS, NULL, ret_vma);
	if (!err)
		set_ctx(*ret_vma, NULL, 0);
	return err;
}

static int check_unregister(const struct userfaultfd_ctx *ctx, vaddr_t start, vaddr_t end)
{
	struct vm_area *vma;

	if (!find_vma_intersection(ctx->mm, start, end))
		return -EINVAL;
	for_each_vma_range(ctx->mm, vma, start, end) {
		if (vma->uffd && vma->uffd != ctx)
			return -EINVAL;
		if (!vma_can_userfault(vma, vma->flags, ctx_wp_async(ctx)))
			return -EINVAL;
	}
	return 0;
}

static int unregister_locked(struct userfaultfd_ctx *ctx, vaddr_t start, vaddr_t end)
{
	struct vm_area *vma;
	int err = check_unregister(ctx, start, end);

	if (err)
		return err;
	for_each_vma_range(ctx->mm, vma, start, end) {
		vaddr_t from = MAX(start, vma->start), to = MIN(end, vma->end);

		if (!vma->uffd)
			continue;
		/* Who waits would wait for ever: nobody is going to fill it. */
		if (userfaultfd_missing(vma) && !MUTANT(unregister_wakes_nobody))
			wake_userfault(ctx, from, to - from);
		err = clear_vma(vma, from, to, &vma);
		if (err)
			return err;
	}
	return 0;
}

int userfaultfd_unregister(struct userfaultfd_ctx *ctx, const struct uffdio_range *range)
{
	struct mm *mm = ctx->mm;
	int err = userfaultfd_check_range(range->start, range->len);

	if (err)
		return err;
	if (!mm_get_not_zero(mm))
		return -ENOMEM;
	down_write(&mm->mmap_lock);
	err = unregister_locked(ctx, range->start, range->start + range->len);
	up_write(&mm->mmap_lock);
	mm_put(mm);
	return err;
}

/* A vma that cannot merge for want of memory stays on its own. */
static void release_vmas(struct userfaultfd_ctx *ctx)
{
	struct mm *mm = ctx->mm;
	struct vm_area *vma;

	if (!mm_get_not_zero(mm))
		return;
	down_write(&mm->mmap_lock);
	for_each_vma(mm, vma) {
		if (vma->uffd == ctx && clear_vma(vma, vma->start, vma->end, &vma))
			set_ctx(vma, NULL, 0);
	}
	up_write(&mm->mmap_lock);
	mm_put(mm);
}

void userfaultfd_release(struct userfaultfd_ctx *ctx)
{
	struct uffd_wait *wait, *tmp;

	WRITE_ONCE(ctx->released, UFFD_CLOSING);
	release_vmas(ctx);
	WRITE_ONCE(ctx->released, UFFD_GONE);
	wake_up_all(&ctx->fd_waitq);
	spin_lock(&ctx->lock);
	list_for_each_entry_safe(wait, tmp, &ctx->pending, queue)
		uffd_wait_end(wait);
	list_for_each_entry_safe(wait, tmp, &ctx->faulting, queue)
		uffd_wait_end(wait);
	if (!MUTANT(close_forgets_events))
		list_for_each_entry_safe(wait, tmp, &ctx->events, queue)
			uffd_wait_end(wait);
	uffd_unlock(ctx);
	userfaultfd_ctx_put(ctx);
}

const struct file_uffd_ops file_uffd_ops = {
	.release = userfaultfd_release,
};
