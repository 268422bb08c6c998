/* SPDX-License-Identifier: MIT */
/*
 * Who answers the messages of userfaultfds while an op waits for it.
 *
 * Each process that has a descriptor on which somebody may wait gets a handler: a thread of its
 * own, beside those of the case. An op then runs on a fiber; the handlers look for messages until
 * it has ended, and answer each in the way that the op says (fuzz_op.answers). What does not wake
 * who waits is followed by what does:
 *
 *   op:       ---fault~~~~~~~~~~~~~~~~~~~~~~~fault~~~~~~~~~~~~~~~~---> ends
 *   handler:        read, answer, plainer answer    read, answer
 *
 * Who waits does nothing until it is woken, and what wakes it is the last thing that is done about
 * its message: so both backends give the same messages and the same results, in the same order.
 */
#ifndef SCENARIO_FUZZ_HANDLER_H
#define SCENARIO_FUZZ_HANDLER_H

#include "scenario/fuzz.h"
#include "scenario/observe.h"

#define FUZZ_MAX_HANDLERS 16
#define FUZZ_MAX_DESCRIPTORS 32

/* How a message is answered; four bits each in fuzz_op.answers, the first message's lowest. */
enum fuzz_how {
	FUZZ_FILL, /* with what the message asks for: copy, continue, or lift the protection */
	FUZZ_FILL_WP,
	FUZZ_ZEROPAGE,
	FUZZ_POISON,
	FUZZ_WAKE_LATER, /* fill without waking, then wake */
	FUZZ_AROUND,     /* fill three pages from this one on */
	FUZZ_BEFORE,     /* from the one before it on */
	FUZZ_MOVE,
	FUZZ_WRONG,     /* first with what the message does not ask for */
	FUZZ_NO_ACCESS, /* take every right away, then wake */
	FUZZ_READONLY,
	FUZZ_DROP, /* drop the page, then wake */
	FUZZ_UNMAP,
	FUZZ_REGISTER, /* again, in another mode */
	FUZZ_UNREGISTER,
	FUZZ_CLOSE, /* the descriptor, before the message is read */
	FUZZ_NR_HOWS,
};

_Static_assert(FUZZ_NR_HOWS <= 16, "four bits");

struct fuzz_handler {
	uint32_t op; /* that made the process */
	struct scn_task *process, *thread;
};

struct fuzz_handlers {
	struct scn_session *session;
	struct scn_task *const *tasks; /* by op */
	struct fuzz_case *c;           /* what handlers do is kept in it; NULL: not here */
	struct fuzz_handler all[FUZZ_MAX_HANDLERS]; /* process NULL: free */
	/* Which process has which descriptor, in order of birth. */
	struct fuzz_descriptor {
		struct fuzz_handler *handler;
		int fd;
	} fds[FUZZ_MAX_DESCRIPTORS];
	unsigned nr_fds;
	bool events; /* some descriptor asks for them: who changes mappings may have to wait */
	struct scn_buffer log; /* of what handlers did during the last op, a line each */

	/* the op under way */
	const struct fuzz_op *op;
	struct scn_step *step;
	unsigned nr_messages;
	unsigned nr_in_vain; /* messages that had gone when they were read */
	bool ended;
	int ret;    /* of its session */
	int broken; /* of a handler's step */
};

void fuzz_handlers_init(struct fuzz_handlers *handlers, struct scn_session *session,
			struct scn_task *const *tasks, struct fuzz_case *c);
void fuzz_handlers_close(struct fuzz_handlers *handlers);

/* Whether the process has a handler: one thread more than those of the case. */
bool fuzz_has_handler(struct fuzz_handlers *handlers, const struct scn_task *process);

/*
 * Run the step of an op, and answer what it waits for. seed: of the schedule. 0 or what
 * scn_session_run returns, with session->reason; also when nobody can make it go on.
 */
int fuzz_handlers_run(struct fuzz_handlers *handlers, const struct fuzz_op *op,
		      struct scn_step *step, uint64_t seed);

/* ---- between fuzz_handler.c and fuzz_answer.c ------------------------------------------- */

/* What is copied: pages of different bytes, harmless as instructions, away from where ops go. */
#define FUZZ_SOURCE 0x30000000ull
#define FUZZ_SOURCE_PAGES 4
#define FUZZ_MOVE_SOURCE (FUZZ_SOURCE + FUZZ_SOURCE_PAGES * UMM_PAGE_SIZE)

/* One act of a handler, as an op that nothing in the case refers to. */
struct fuzz_act {
	struct fuzz_op op;
	struct scn_step step;
	uint64_t words[5];
	uint8_t bytes[UMM_PAGE_SIZE];
};

/* False: it could not be done here at all. */
bool fuzz_do_act(struct fuzz_handlers *handlers, struct fuzz_handler *by, struct fuzz_act *act);
/* A call with up to three arguments; *ret_result: what it returned. */
bool fuzz_call(struct fuzz_handlers *handlers, struct fuzz_handler *by, enum scn_kind kind,
	       uint64_t a, uint64_t b, uint64_t c, int64_t *ret_result);
/* For the scenario, not for the log. */
void fuzz_keep_act(struct fuzz_handlers *handlers, const struct fuzz_op *act);
void fuzz_watch(struct fuzz_handlers *handlers, struct fuzz_handler *handler, int fd);
/* fd < 0: all of the handler. */
void fuzz_unwatch(struct fuzz_handlers *handlers, const struct fuzz_handler *handler, int fd);
/* Close what there is: then nobody waits any more. */
void fuzz_close_all(struct fuzz_handlers *handlers, const char *why);

/* There is a message: read it, and answer. */
void fuzz_take_message(struct fuzz_handlers *handlers, const struct fuzz_descriptor *from);

#endif
