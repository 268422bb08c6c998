/* SPDX-License-Identifier: MIT */
/* Messages: what a descriptor gives to read, and whether there is any. */
#include <string.h>

#include "host/host.h"
#include "uffd/uffd_internal.h"

/* Of faults first; NULL: none. A fork's is taken: it needs a descriptor before it is over. */
static struct uffd_wait *next_message(struct userfaultfd_ctx *ctx)
{
	struct uffd_wait *wait;

	lockdep_assert_held(&ctx->lock);
	if (!list_empty(&ctx->pending)) {
		wait = list_first_entry(&ctx->pending, struct uffd_wait, queue);
		list_del_init(&wait->queue);
		list_add_tail(&wait->queue, &ctx->faulting);
		return wait;
	}
	if (list_empty(&ctx->events))
		return NULL;
	wait = list_first_entry(&ctx->events, struct uffd_wait, queue);
	if (wait->msg.event == UFFD_EVENT_FORK) {
		list_del_init(&wait->queue);
		WRITE_ONCE(wait->taken, true);
	} else {
		wait->read = true;
		uffd_wait_end(wait);
	}
	return wait;
}

/* Whether next_message() left it to be given back. */
static bool is_fork(const struct uffd_wait *wait)
{
	return wait->msg.event == UFFD_EVENT_FORK;
}

/* The child's context in a descriptor of its own; it stays unread without one. */
static int read_fork(struct userfaultfd_ctx *ctx, struct uffd_wait *wait,
		     struct files_struct *files, struct uffd_msg *msg)
{
	struct file *file = file_alloc_uffd(machine_of(ctx), wait->child);
	int fd = file ? fd_install(files, file) : -ENOMEM;

	spin_lock(&ctx->lock);
	WRITE_ONCE(wait->taken, false);
	if (fd >= 0) {
		msg->arg.fork.ufd = (u32)fd;
		wait->read = true;
		uffd_wait_end(wait);
	} else {
		list_add(&wait->queue, &ctx->events);
		wake_up_all(&wait->waitq);
	}
	uffd_unlock(ctx);
	if (fd < 0 && file)
		file_free_uffd(file);
	return fd < 0 ? fd : 0;
}

/* One message; -EAGAIN: none, and not to be waited for; -EINTR: a signal came first. */
static int read_one(struct userfaultfd_ctx *ctx, struct files_struct *files, bool no_wait,
		    struct uffd_msg *ret_msg)
{
	struct wait_queue_entry entry;
	struct uffd_wait *wait;

	for (;;) {
		bool fork = false;

		prepare_to_wait(&ctx->fd_waitq, &entry);
		spin_lock(&ctx->lock);
		wait = next_message(ctx);
		if (wait) {
			*ret_msg = wait->msg;
			fork = is_fork(wait);
		}
		uffd_unlock(ctx);
		if (wait)
			return fork ? read_fork(ctx, wait, files, ret_msg) : 0;
		if (uffd_current_killed() || signal_pending(current))
			return -EINTR;
		if (no_wait)
			return -EAGAIN;
		wait_schedule(&ctx->fd_waitq, &entry);
	}
}

s64 userfaultfd_read(struct userfaultfd_ctx *ctx, struct files_struct *files, void *buf, u64 len)
{
	bool no_wait = ctx->flags & O_NONBLOCK;
	u64 done = 0;

	if (!userfaultfd_initialized(ctx))
		return -EINVAL;
	while (len - done >= sizeof(struct uffd_msg)) {
		struct uffd_msg msg;
		int err = read_one(ctx, files, no_wait, &msg);

		if (err)
			return done ? (s64)done : err;
		memcpy((u8 *)buf + done, &msg, sizeof(msg));
		done += sizeof(msg);
		no_wait = true;
	}
	return done ? (s64)done : -EINVAL;
}

static bool has_message(const struct userfaultfd_ctx *ctx)
{
	return !list_empty(&ctx->pending) || !list_empty(&ctx->events);
}

int userfaultfd_poll(struct userfaultfd_ctx *ctx)
{
	bool any;

	/* To wait in poll and then again in read is no use. */
	if (!userfaultfd_initialized(ctx) || !(ctx->flags & O_NONBLOCK))
		return UFFD_POLLERR;
	spin_lock(&ctx->lock);
	any = has_message(ctx);
	uffd_unlock(ctx);
	return any ? UFFD_POLLIN : 0;
}

void uffd_unlock(struct userfaultfd_ctx *ctx)
{
	if (ctx->host_polled)
		host_event_set(ctx, has_message(ctx));
	spin_unlock(&ctx->lock);
}

int userfaultfd_host_fd(struct userfaultfd_ctx *ctx)
{
	int fd;

	/* A descriptor that read waits on is never ready, as poll sees it. */
	if (!(ctx->flags & O_NONBLOCK))
		return -EINVAL;
	fd = host_event_open(ctx);
	if (fd < 0)
		return fd;
	spin_lock(&ctx->lock);
	ctx->host_polled = true;
	uffd_unlock(ctx);
	return fd;
}
