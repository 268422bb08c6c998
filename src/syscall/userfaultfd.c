/* SPDX-License-Identifier: MIT */
/*
 * userfaultfd and what is done with its descriptor. The structures of the ioctls lie in memory of
 * the host's caller; what the kernel writes back is written there, on failure too where it does so.
 */
#include "base/uapi.h"
#include "fill/fill.h"
#include "filemap/file.h"
#include "range/range.h"
#include "syscall/syscall_internal.h"
#include "uffd/uffd.h"

#define USERFAULTFD_FLAGS (02000000u /* O_CLOEXEC */ | O_NONBLOCK | UFFD_USER_MODE_ONLY)

/* The descriptor's userfaultfd, its file held; NULL: *ret_err says why. */
static struct file *get_uffd(struct task *task, int fd, int otherwise, int *ret_err)
{
	struct file *file = fget(task->files, fd);

	*ret_err = file ? otherwise : -EBADF;
	if (file && !file->uffd) {
		fput(file);
		return NULL;
	}
	return file;
}

/* ---- opening ----------------------------------------------------------------------------- */

static int do_userfaultfd(struct task *task, u32 flags)
{
	struct userfaultfd_ctx *ctx;
	struct file *file;
	int fd;

	if (flags & ~(u32)USERFAULTFD_FLAGS)
		return -EINVAL;
	ctx = userfaultfd_ctx_alloc(task->mm, flags);
	if (!ctx)
		return -ENOMEM;
	file = file_alloc_uffd(machine_of(task), ctx);
	if (!file) {
		userfaultfd_ctx_put(ctx);
		return -ENOMEM;
	}
	fd = fd_install(task->files, file);
	if (fd < 0)
		fput(file);
	return fd;
}

int umm_userfaultfd(struct umm_task *handle, int flags)
{
	struct task *task = (struct task *)handle;
	struct syscall call = syscall_enter(task, NR_USERFAULTFD, (u32)flags, 0, 0, 0);

	return (int)syscall_exit(&call, do_userfaultfd(task, (u32)flags));
}

uint64_t umm_userfaultfd_features(void)
{
	return userfaultfd_features();
}

/* ---- ioctls ------------------------------------------------------------------------------ */

static int ioctl_wake(struct userfaultfd_ctx *ctx, const struct uffdio_range *range)
{
	int err = userfaultfd_check_range(range->start, range->len);

	if (!err)
		wake_userfault(ctx, range->start, range->len);
	return err;
}

/*
 * What every filling ends with: how far it came is written back, and who waits there is woken. 0 or
 * -errno; -EAGAIN: not all was done.
 */
static int filled(struct userfaultfd_ctx *ctx, vaddr_t start, u64 len, bool wake, s64 done,
		  __s64 *ret_done)
{
	*ret_done = done;
	if (done < 0)
		return (int)done;
	VM_BUG_ON2(!done || (u64)done > len, (u64)done, len);
	if (wake)
		wake_userfault(ctx, start, (u64)done);
	return (u64)done == len ? 0 : -EAGAIN;
}

static int ioctl_copy(struct userfaultfd_ctx *ctx, struct uffdio_copy *copy)
{
	int err = userfaultfd_check_unaligned(copy->src, copy->len);
	s64 done;

	if (!err)
		err = userfaultfd_check_range(copy->dst, copy->len);
	if (!err && (copy->mode & ~(UFFDIO_COPY_MODE_DONTWAKE | UFFDIO_COPY_MODE_WP)))
		err = -EINVAL;
	if (err)
		return err;
	if (!mm_get_not_zero(ctx->mm))
		return -ESRCH;
	done = mfill_atomic_copy(ctx, copy->dst, copy->src, copy->len,
				 copy->mode & UFFDIO_COPY_MODE_WP ? MFILL_WP : 0);
	mm_put(ctx->mm);
	return filled(ctx, copy->dst, copy->len, !(copy->mode & UFFDIO_COPY_MODE_DONTWAKE), done,
		      &copy->copy);
}

/* A range, a mode of which some bits are known, and a user of the mm for the caller. */
static int begin_fill(struct userfaultfd_ctx *ctx, const struct uffdio_range *range, u64 mode,
		      u64 known)
{
	int err = userfaultfd_check_range(range->start, range->len);

	if (err)
		return err;
	if (mode & ~known)
		return -EINVAL;
	return mm_get_not_zero(ctx->mm) ? 0 : -ESRCH;
}

static int ioctl_zeropage(struct userfaultfd_ctx *ctx, struct uffdio_zeropage *zero)
{
	const u64 dontwake = UFFDIO_ZEROPAGE_MODE_DONTWAKE;
	const struct uffdio_range *range = &zero->range;
	int err = begin_fill(ctx, range, zero->mode, dontwake);
	s64 done;

	if (err)
		return err;
	done = mfill_atomic_zeropage(ctx, range->start, range->len);
	mm_put(ctx->mm);
	return filled(ctx, range->start, range->len, !(zero->mode & dontwake), done,
		      &zero->zeropage);
}

static int ioctl_continue(struct userfaultfd_ctx *ctx, struct uffdio_continue *cont)
{
	const u64 dontwake = UFFDIO_CONTINUE_MODE_DONTWAKE;
	const struct uffdio_range *range = &cont->range;
	int err = begin_fill(ctx, range, cont->mode, dontwake | UFFDIO_CONTINUE_MODE_WP);
	s64 done;

	if (err)
		return err;
	done = mfill_atomic_continue(ctx, range->start, range->len,
				     cont->mode & UFFDIO_CONTINUE_MODE_WP ? MFILL_WP : 0);
	mm_put(ctx->mm);
	return filled(ctx, range->start, range->len, !(cont->mode & dontwake), done, &cont->mapped);
}

static int ioctl_poison(struct userfaultfd_ctx *ctx, struct uffdio_poison *poison)
{
	const u64 dontwake = UFFDIO_POISON_MODE_DONTWAKE;
	const struct uffdio_range *range = &poison->range;
	int err = begin_fill(ctx, range, poison->mode, dontwake);
	s64 done;

	if (err)
		return err;
	done = mfill_atomic_poison(ctx, range->start, range->len);
	mm_put(ctx->mm);
	return filled(ctx, range->start, range->len, !(poison->mode & dontwake), done,
		      &poison->updated);
}

static int ioctl_move(struct userfaultfd_ctx *ctx, struct uffdio_move *move)
{
	const u64 dontwake = UFFDIO_MOVE_MODE_DONTWAKE;
	const u64 known = dontwake | UFFDIO_MOVE_MODE_ALLOW_SRC_HOLES;
	struct uffdio_range to = { .start = move->dst, .len = move->len };
	int err = 0;
	s64 done;

	/* Only a process's own pages. */
	if (ctx->mm != current->mm)
		return -EINVAL;
	err = userfaultfd_check_range(move->src, move->len);
	if (!err)
		err = begin_fill(ctx, &to, move->mode, known);
	if (err)
		return err;
	done = uffd_move_pages(ctx, move->dst, move->src, move->len, move->mode & ~dontwake);
	mm_put(ctx->mm);
	return filled(ctx, move->dst, move->len, !(move->mode & dontwake), done, &move->move);
}

static int ioctl_writeprotect(struct userfaultfd_ctx *ctx, const struct uffdio_writeprotect *wp)
{
	const u64 protect = UFFDIO_WRITEPROTECT_MODE_WP;
	const u64 dontwake = UFFDIO_WRITEPROTECT_MODE_DONTWAKE;
	const struct uffdio_range *range = &wp->range;
	int err;

	/* Protecting wakes nobody anyway. */
	if ((wp->mode & (protect | dontwake)) == (protect | dontwake))
		return -EINVAL;
	err = begin_fill(ctx, range, wp->mode, protect | dontwake);
	if (err)
		return err;
	err = mwriteprotect_range(ctx, range->start, range->len, wp->mode & protect);
	mm_put(ctx->mm);
	if (!err && !(wp->mode & (protect | dontwake)))
		wake_userfault(ctx, range->start, range->len);
	return err;
}

/* While mappings change, nothing is filled; where the structure says how far it came, it does. */
static int refuse_fill(u64 command, void *arg)
{
	if (command == UFFDIO_COPY)
		((struct uffdio_copy *)arg)->copy = -EAGAIN;
	else if (command == UFFDIO_ZEROPAGE)
		((struct uffdio_zeropage *)arg)->zeropage = -EAGAIN;
	else if (command == UFFDIO_CONTINUE)
		((struct uffdio_continue *)arg)->mapped = -EAGAIN;
	else if (command == UFFDIO_POISON)
		((struct uffdio_poison *)arg)->updated = -EAGAIN;
	else if (command == UFFDIO_MOVE)
		((struct uffdio_move *)arg)->move = -EAGAIN;
	return -EAGAIN;
}

static int ioctl_fill(struct userfaultfd_ctx *ctx, u64 command, void *arg)
{
	if (atomic_read(&ctx->mmap_changing))
		return refuse_fill(command, arg);
	switch (command) {
	case UFFDIO_COPY:
		return ioctl_copy(ctx, arg);
	case UFFDIO_ZEROPAGE:
		return ioctl_zeropage(ctx, arg);
	case UFFDIO_CONTINUE:
		return ioctl_continue(ctx, arg);
	case UFFDIO_POISON:
		return ioctl_poison(ctx, arg);
	case UFFDIO_MOVE:
		return ioctl_move(ctx, arg);
	default:
		return ioctl_writeprotect(ctx, arg);
	}
}

static int do_ioctl(struct userfaultfd_ctx *ctx, u64 command, void *arg)
{
	if (command != UFFDIO_API && !userfaultfd_initialized(ctx))
		return -EINVAL;
	switch (command) {
	case UFFDIO_API:
		return arg ? userfaultfd_api(ctx, arg) : -EFAULT;
	case UFFDIO_REGISTER:
		return arg ? userfaultfd_register(ctx, arg) : -EFAULT;
	case UFFDIO_UNREGISTER:
		return arg ? userfaultfd_unregister(ctx, arg) : -EFAULT;
	case UFFDIO_WAKE:
		return arg ? ioctl_wake(ctx, arg) : -EFAULT;
	case UFFDIO_COPY:
	case UFFDIO_ZEROPAGE:
	case UFFDIO_CONTINUE:
	case UFFDIO_POISON:
	case UFFDIO_MOVE:
	case UFFDIO_WRITEPROTECT:
		return arg ? ioctl_fill(ctx, command, arg) : -EFAULT;
	default:
		return -EINVAL;
	}
}

int umm_ioctl(struct umm_task *handle, int fd, uint64_t command, void *arg)
{
	struct task *task = (struct task *)handle;
	struct syscall call = syscall_enter(task, NR_IOCTL, (u32)fd, command, 0, 0);
	int ret;
	struct file *file = get_uffd(task, fd, -ENOTTY, &ret);

	if (file) {
		ret = do_ioctl(file->uffd, command, arg);
		fput(file);
	}
	return (int)syscall_exit(&call, ret);
}

/* ---- waiting for messages ---------------------------------------------------------------- */

int umm_poll(struct umm_task *handle, int fd)
{
	struct task *task = (struct task *)handle;
	struct syscall call = syscall_enter(task, NR_POLL, (u32)fd, 0, 0, 0);
	int ret;
	/* Of a file there is always something to read, be it that it has ended. */
	struct file *file = get_uffd(task, fd, UFFD_POLLIN, &ret);

	if (file) {
		ret = userfaultfd_poll(file->uffd);
		fput(file);
	}
	return (int)syscall_exit(&call, ret);
}

int umm_uffd_host_fd(struct umm_task *handle, int fd)
{
#ifdef UMM_SIM
	/* What the host sees is no part of a schedule. */
	(void)handle;
	(void)fd;
	return -ENOSYS;
#else
	struct task *task = (struct task *)handle;
	struct syscall call = syscall_enter(task, NR_POLL, (u32)fd, 1, 0, 0);
	int ret;
	struct file *file = get_uffd(task, fd, -EINVAL, &ret);

	if (file) {
		ret = userfaultfd_host_fd(file->uffd);
		fput(file);
	}
	return (int)syscall_exit(&call, ret);
#endif
}

/* No memory is needed to take protection away. */
static void resolve_wp(struct vm_area *vma, vaddr_t start, vaddr_t end)
{
	int err = uffd_wp_range(vma, start, end, false);

	VM_BUG_ON2(err, (u64)-err, start);
}

const struct uffd_range_ops uffd_range_ops = {
	.resolve_wp = resolve_wp,
};
