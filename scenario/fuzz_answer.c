/* SPDX-License-Identifier: MIT */
/* One message of a userfaultfd, read and answered (fuzz_handler.h). */
#include <errno.h>
#include <linux/userfaultfd.h>
#include <string.h>
#include <sys/mman.h>

#include "scenario/fuzz_handler.h"
#include "scenario/fuzz_internal.h"

struct answer {
	struct fuzz_handlers *handlers;
	struct fuzz_handler *by;
	int fd;
	unsigned nth; /* message of the op */
	uint64_t flags, page;
	bool woke; /* who waits for it goes on */
};

/* Does what came of it wake who waits at the page? */
static bool wakes(const struct answer *answer, const struct fuzz_act *act, unsigned nr)
{
	size_t last = act->step.in_bytes / sizeof(act->words[0]) - 1;
	uint64_t from = act->op.ranges[0].addr;

	switch (nr) {
	case FUZZ_UFFD_REGISTER:
		return false;
	case FUZZ_UFFD_UNREGISTER:
		/* Only where missing pages are told of. */
		return act->step.result == 0 &&
		       !(answer->flags & (UFFD_PAGEFAULT_FLAG_WP | UFFD_PAGEFAULT_FLAG_MINOR));
	case FUZZ_UFFD_WAKE:
		return act->step.result == 0;
	case FUZZ_UFFD_WRITEPROTECT:
		return act->step.result == 0 && !act->op.args[2];
	default:
		return !(act->op.args[2] & 1) && (int64_t)act->words[last] > 0 &&
		       from + act->words[last] > answer->page;
	}
}

/* An ioctl on so many pages from addr on; source: of what is copied or moved. */
static void ask(struct answer *answer, unsigned nr, uint64_t addr, uint64_t pages, uint64_t source,
		uint64_t mode)
{
	struct fuzz_act act = { .op = { .kind = SCN_IOCTL,
					.args = { (uint64_t)answer->fd, fuzz_uffd_command(nr),
						  mode },
					.nr_ranges = 2,
					.ranges = { { addr, pages * PAGE }, { source, 0 } } } };

	if (answer->woke || !fuzz_do_act(answer->handlers, answer->by, &act))
		return;
	answer->woke = wakes(answer, &act, nr);
}

/* What the message asks for, of so many pages. */
static void fill(struct answer *answer, uint64_t addr, uint64_t pages, uint64_t mode)
{
	uint64_t source = FUZZ_SOURCE + (pages == 1 ? answer->nth % FUZZ_SOURCE_PAGES * PAGE : 0);
	unsigned nr = FUZZ_UFFD_COPY;

	if (answer->flags & UFFD_PAGEFAULT_FLAG_MINOR)
		nr = FUZZ_UFFD_CONTINUE;
	if (answer->flags & UFFD_PAGEFAULT_FLAG_WP) {
		nr = FUZZ_UFFD_WRITEPROTECT;
		/* The same two bits, the other way round. */
		mode = mode >> 1 | (mode & 1) << 1;
	}
	ask(answer, nr, addr, pages, nr == FUZZ_UFFD_COPY ? source : 0, mode);
}

static void plain_ioctl(struct answer *answer, unsigned nr, uint64_t mode)
{
	ask(answer, nr, answer->page, 1, 0, mode);
}

static void move(struct answer *answer)
{
	struct fuzz_act write = { .op = { .kind = SCN_WRITE,
					  .args = { FUZZ_MOVE_SOURCE },
					  .bytes = UMM_PAGE_SIZE,
					  .fill = 0x99 } };

	if (fuzz_do_act(answer->handlers, answer->by, &write))
		ask(answer, FUZZ_UFFD_MOVE, answer->page, 1, FUZZ_MOVE_SOURCE, 0);
}

/* Change the mapping, so that who waits finds another one. */
static void change(struct answer *answer, enum scn_kind kind, uint64_t value)
{
	int64_t result;

	/* Nobody would read that one's message. */
	if (kind != SCN_MPROTECT && answer->handlers->events)
		return;
	if (fuzz_call(answer->handlers, answer->by, kind, answer->page, PAGE, value, &result))
		plain_ioctl(answer, FUZZ_UFFD_WAKE, 0);
}

static void answer_as(struct answer *answer, enum fuzz_how how)
{
	bool wp = answer->flags & UFFD_PAGEFAULT_FLAG_WP;

	switch (how) {
	case FUZZ_FILL_WP:
		fill(answer, answer->page, 1, UFFDIO_COPY_MODE_WP);
		break;
	case FUZZ_ZEROPAGE:
		plain_ioctl(answer, FUZZ_UFFD_ZEROPAGE, 0);
		break;
	case FUZZ_POISON:
		plain_ioctl(answer, FUZZ_UFFD_POISON, 0);
		break;
	case FUZZ_WAKE_LATER:
		fill(answer, answer->page, 1, UFFDIO_COPY_MODE_DONTWAKE);
		plain_ioctl(answer, FUZZ_UFFD_WAKE, 0);
		break;
	case FUZZ_AROUND:
		fill(answer, answer->page, 3, 0);
		break;
	case FUZZ_BEFORE:
		fill(answer, answer->page - PAGE, 3, 0);
		break;
	case FUZZ_MOVE:
		move(answer);
		break;
	case FUZZ_WRONG:
		plain_ioctl(answer, wp ? FUZZ_UFFD_ZEROPAGE : FUZZ_UFFD_WRITEPROTECT, wp ? 0 : 1);
		break;
	case FUZZ_NO_ACCESS:
		change(answer, SCN_MPROTECT, PROT_NONE);
		break;
	case FUZZ_READONLY:
		change(answer, SCN_MPROTECT, PROT_READ);
		break;
	case FUZZ_DROP:
		change(answer, SCN_MADVISE, MADV_DONTNEED);
		break;
	case FUZZ_UNMAP:
		change(answer, SCN_MUNMAP, 0);
		break;
	case FUZZ_REGISTER:
		plain_ioctl(answer, FUZZ_UFFD_REGISTER, 1 + answer->nth % 7);
		plain_ioctl(answer, FUZZ_UFFD_WAKE, 0);
		break;
	case FUZZ_UNREGISTER:
		plain_ioctl(answer, FUZZ_UFFD_UNREGISTER, 0);
		plain_ioctl(answer, FUZZ_UFFD_WAKE, 0);
		break;
	default:
		break;
	}
}

static enum fuzz_how how_of(const struct answer *answer)
{
	return answer->handlers->op->answers >> 4 * (answer->nth % 16) & 15;
}

static void answer_fault(struct answer *answer)
{
	answer_as(answer, how_of(answer));
	fill(answer, answer->page, 1, 0);
	plain_ioctl(answer, FUZZ_UFFD_ZEROPAGE, 0);
	answer_as(answer, FUZZ_UNREGISTER);
	if (!answer->woke)
		fuzz_close_all(answer->handlers, "no answer wakes who waits");
}

/* Whether what an op can wait for is that an event is read, and no fault. */
static bool waits_for_events_only(const struct fuzz_op *op)
{
	return op->kind == SCN_FORK || op->kind == SCN_MUNMAP ||
	       (op->kind == SCN_MADVISE &&
		(op->args[2] == MADV_DONTNEED || op->args[2] == MADV_FREE));
}

/* The scenario has to wait, too, where nothing is read. */
static void keep_wait(const struct answer *answer)
{
	struct fuzz_op wait = { .id = answer->handlers->op->id,
				.kind = SCN_POLL,
				.task = answer->by->op,
				.args = { (uint64_t)answer->fd },
				.ran = true };

	fuzz_keep_act(answer->handlers, &wait);
}

/* Who waits goes on, unless another process has the descriptor too and so the message. */
static void close_unread(struct answer *answer)
{
	int64_t result;

	answer->handlers->nr_messages++;
	keep_wait(answer);
	if (fuzz_call(answer->handlers, answer->by, SCN_CLOSE, (uint64_t)answer->fd, 0, 0, &result))
		fuzz_unwatch(answer->handlers, answer->by, answer->fd);
}

/* What fills is refused until the event has been read. */
static void answer_early(struct answer *answer)
{
	keep_wait(answer);
	answer->page = answer->handlers->step->args[0] & ~(PAGE - 1);
	plain_ioctl(answer, FUZZ_UFFD_ZEROPAGE, 0);
}

void fuzz_take_message(struct fuzz_handlers *handlers, const struct fuzz_descriptor *from)
{
	struct answer answer = { .handlers = handlers,
				 .by = from->handler,
				 .fd = from->fd,
				 .nth = handlers->nr_messages };
	struct fuzz_act read = { .op = { .kind = SCN_READ_FD,
					 .args = { (uint64_t)from->fd },
					 .bytes = sizeof(struct uffd_msg) } };
	struct uffd_msg msg;

	/* A call on it, or a child not known yet, holds it: who waits would wait for ever. */
	if (how_of(&answer) == FUZZ_CLOSE && handlers->op->kind != SCN_IOCTL &&
	    handlers->op->kind != SCN_FORK) {
		close_unread(&answer);
		return;
	}
	if (waits_for_events_only(handlers->op) && how_of(&answer) != FUZZ_FILL)
		answer_early(&answer);
	if (!fuzz_do_act(handlers, from->handler, &read) || read.step.result != sizeof(msg)) {
		handlers->nr_in_vain++;
		return;
	}
	handlers->nr_messages++;
	memcpy(&msg, read.words, sizeof(msg));
	if (msg.event == UFFD_EVENT_FORK)
		fuzz_watch(handlers, from->handler, (int)msg.arg.fork.ufd);
	if (msg.event != UFFD_EVENT_PAGEFAULT)
		return;
	answer.flags = msg.arg.pagefault.flags;
	answer.page = msg.arg.pagefault.address & ~(PAGE - 1);
	answer_fault(&answer);
}
