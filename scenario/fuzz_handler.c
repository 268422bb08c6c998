/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/userfaultfd.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "scenario/fuzz_handler.h"
#include "scenario/fuzz_internal.h"
#include "scenario/words.h"

/* More messages for one op mean that answering leads nowhere. */
#define MOST_MESSAGES 200
/* On the kernel: so long without an end and without a message, and none will come. */
#define PATIENCE_S 5
#define FEATURE_EVENTS                                                                    \
	(UFFD_FEATURE_EVENT_FORK | UFFD_FEATURE_EVENT_REMAP | UFFD_FEATURE_EVENT_REMOVE | \
	 UFFD_FEATURE_EVENT_UNMAP)

void fuzz_handlers_init(struct fuzz_handlers *handlers, struct scn_session *session,
			struct scn_task *const *tasks, struct fuzz_case *c)
{
	memset(handlers, 0, sizeof(*handlers));
	handlers->session = session;
	handlers->tasks = tasks;
	handlers->c = c;
	if (c)
		c->nr_acts = 0;
}

void fuzz_handlers_close(struct fuzz_handlers *handlers)
{
	scn_buffer_free(&handlers->log);
}

static struct fuzz_handler *handler_of(struct fuzz_handlers *handlers,
				       const struct scn_task *process)
{
	for (unsigned i = 0; i < FUZZ_MAX_HANDLERS; i++) {
		if (process && handlers->all[i].process == process)
			return &handlers->all[i];
	}
	return NULL;
}

bool fuzz_has_handler(struct fuzz_handlers *handlers, const struct scn_task *process)
{
	return handler_of(handlers, process) != NULL;
}

/* ---- what a handler does -------------------------------------------------------------- */

/* Thread ids are each backend's own: what is kept of one is that it is there. */
static void forget_thread_id(struct fuzz_act *act)
{
	struct uffd_msg msg;

	if (act->op.kind != SCN_READ_FD || act->step.result != sizeof(msg))
		return;
	memcpy(&msg, act->step.out, sizeof(msg));
	if (msg.event == UFFD_EVENT_PAGEFAULT)
		msg.arg.pagefault.feat.ptid = msg.arg.pagefault.feat.ptid != 0;
	memcpy(act->step.out, &msg, sizeof(msg));
}

void fuzz_keep_act(struct fuzz_handlers *handlers, const struct fuzz_op *act)
{
	struct fuzz_case *c = handlers->c;

	if (c && c->nr_acts < FUZZ_MAX_ACTS)
		c->acts[c->nr_acts++] = *act;
}

static void keep(struct fuzz_handlers *handlers, const struct fuzz_act *act)
{
	char call[512], result[512];

	scn_buffer_printf(&handlers->log, "%s: %s = %s\n", act->step.task->process->label,
			  scn_step_format(&act->step, call, sizeof(call)),
			  scn_result_format(&act->step, result, sizeof(result)));
	fuzz_keep_act(handlers, &act->op);
}

static void fill_in(struct fuzz_act *act)
{
	struct scn_step *step = &act->step;

	step->kind = act->op.kind;
	memcpy(step->args, act->op.args, sizeof(step->args));
	if (act->op.kind == SCN_IOCTL) {
		step->in = step->out = act->words;
		step->in_bytes = step->out_bytes =
			fuzz_uffd_structure(&act->op, act->op.ranges, act->words);
	} else if (act->op.kind == SCN_READ_FD) {
		step->out = act->words;
		step->out_bytes = sizeof(struct uffd_msg);
	} else if (act->op.kind == SCN_WRITE) {
		memset(act->bytes, act->op.fill, act->op.bytes);
		step->in = act->bytes;
		step->in_bytes = act->op.bytes;
	}
}

/* How often somebody looks for messages is up to chance, and so is what has gone by then. */
static bool is_only_looking(const struct fuzz_act *act)
{
	return act->op.kind == SCN_POLL || act->op.kind == SCN_THREAD || act->op.kind == SCN_EXIT ||
	       (act->op.kind == SCN_READ_FD && act->step.result == -EAGAIN);
}

bool fuzz_do_act(struct fuzz_handlers *handlers, struct fuzz_handler *by, struct fuzz_act *act)
{
	struct scn_step *step = &act->step;
	int ret;

	fill_in(act);
	step->task = act->op.kind == SCN_THREAD ? by->process : by->thread;
	act->op.task = by->op;
	act->op.id = handlers->op->id;
	ret = scn_session_run(handlers->session, step);
	if (ret) {
		handlers->broken = ret;
		return false;
	}
	act->op.ran = true;
	act->op.result = step->result;
	act->op.signo = step->fault.signo;
	forget_thread_id(act);
	if (act->op.kind == SCN_READ_FD)
		memcpy(act->op.args + 1, act->words, 4 * sizeof(act->words[0]));
	if (!is_only_looking(act))
		keep(handlers, act);
	return true;
}

bool fuzz_call(struct fuzz_handlers *handlers, struct fuzz_handler *by, enum scn_kind kind,
	       uint64_t a, uint64_t b, uint64_t c, int64_t *ret_result)
{
	struct fuzz_act act = { .op = { .kind = kind, .args = { a, b, c } } };

	*ret_result = -EINTR;
	if (!fuzz_do_act(handlers, by, &act))
		return false;
	*ret_result = act.step.result;
	return true;
}

/* ---- handlers come and go ------------------------------------------------------------- */

void fuzz_watch(struct fuzz_handlers *handlers, struct fuzz_handler *handler, int fd)
{
	if (handlers->nr_fds < FUZZ_MAX_DESCRIPTORS)
		handlers->fds[handlers->nr_fds++] = (struct fuzz_descriptor){ handler, fd };
}

void fuzz_unwatch(struct fuzz_handlers *handlers, const struct fuzz_handler *handler, int fd)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < handlers->nr_fds; i++) {
		struct fuzz_descriptor *at = &handlers->fds[i];

		if (at->handler != handler || (fd >= 0 && at->fd != fd))
			handlers->fds[kept++] = *at;
	}
	handlers->nr_fds = kept;
}

/* Of a process that has none; NULL: no thread to be had. */
static struct fuzz_handler *make_handler(struct fuzz_handlers *handlers, struct scn_task *process,
					 uint32_t op)
{
	struct fuzz_act act = { .op = { .kind = SCN_THREAD } };
	struct fuzz_handler *handler = handlers->all;

	while (handler < handlers->all + FUZZ_MAX_HANDLERS && handler->process)
		handler++;
	if (handler == handlers->all + FUZZ_MAX_HANDLERS)
		return NULL;
	*handler = (struct fuzz_handler){ .op = op, .process = process };
	if (!fuzz_do_act(handlers, handler, &act) || act.step.result < 0) {
		handler->process = NULL;
		return NULL;
	}
	handler->thread = act.step.made;
	return handler;
}

static void make_source(struct fuzz_handlers *handlers, struct fuzz_handler *handler)
{
	static const uint8_t harmless[FUZZ_SOURCE_PAGES] = { 0x90, 0x98, 0xf8, 0xfc };
	struct fuzz_act map = { .op = { .kind = SCN_MMAP,
					.args = { FUZZ_SOURCE, (FUZZ_SOURCE_PAGES + 1) * PAGE,
						  PROT_READ | PROT_WRITE,
						  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
						  UINT64_MAX } } };

	if (!fuzz_do_act(handlers, handler, &map) || map.step.result < 0)
		return;
	for (unsigned i = 0; i < FUZZ_SOURCE_PAGES; i++) {
		struct fuzz_act write = { .op = { .kind = SCN_WRITE,
						  .args = { FUZZ_SOURCE + i * PAGE },
						  .bytes = UMM_PAGE_SIZE,
						  .fill = harmless[i] } };

		if (!fuzz_do_act(handlers, handler, &write))
			return;
	}
}

static uint32_t op_of(const struct fuzz_handlers *handlers, const struct scn_task *process)
{
	uint32_t op = 1;

	while (op < FUZZ_MAX_OPS && handlers->tasks[op] != process)
		op++;
	return op;
}

/* After its handshake a descriptor may make somebody wait, if it says nothing of SIGBUS. */
static void after_handshake(struct fuzz_handlers *handlers, const struct fuzz_op *op,
			    const struct scn_step *step)
{
	struct scn_task *process = step->task->process;
	struct fuzz_handler *handler = handler_of(handlers, process);

	if (op->args[3] & UFFD_FEATURE_SIGBUS && !(op->args[3] & FEATURE_EVENTS))
		return;
	handlers->events |= (op->args[3] & FEATURE_EVENTS) != 0;
	if (!handler) {
		handler = make_handler(handlers, process, op_of(handlers, process));
		if (handler)
			make_source(handlers, handler);
	}
	if (handler) {
		fuzz_watch(handlers, handler, (int)step->args[0]);
	} else if (!handlers->broken) {
		struct scn_step shut = { .kind = SCN_CLOSE,
					 .task = step->task,
					 .args = { step->args[0] } };

		handlers->broken = scn_session_run(handlers->session, &shut);
	}
}

/* A child has its parent's descriptors, and its own thread for them. */
static void after_fork(struct fuzz_handlers *handlers, const struct fuzz_op *op,
		       const struct scn_step *step, const struct fuzz_descriptor *fds, unsigned nr)
{
	const struct fuzz_handler *parent = handler_of(handlers, step->task->process);
	struct fuzz_handler *handler = NULL;

	for (unsigned i = 0; parent && i < nr; i++) {
		if (fds[i].handler != parent)
			continue;
		if (!handler)
			handler = make_handler(handlers, step->made, op->id);
		if (!handler)
			return;
		fuzz_watch(handlers, handler, fds[i].fd);
	}
}

/* A process ends with its last thread: the handler goes first. */
static void before_exit(struct fuzz_handlers *handlers, const struct scn_step *step)
{
	struct fuzz_handler *handler = handler_of(handlers, step->task);
	struct fuzz_act act = { .op = { .kind = SCN_EXIT } };

	if (!handler || step->task->thread_nr)
		return;
	fuzz_do_act(handlers, handler, &act);
	fuzz_unwatch(handlers, handler, -1);
	handler->process = NULL;
}

void fuzz_close_all(struct fuzz_handlers *handlers, const char *why)
{
	scn_buffer_printf(&handlers->log, "%s\n", why);
	while (handlers->nr_fds && !handlers->broken) {
		struct fuzz_descriptor at = handlers->fds[0];
		int64_t result;

		fuzz_call(handlers, at.handler, SCN_CLOSE, (uint64_t)at.fd, 0, 0, &result);
		fuzz_unwatch(handlers, at.handler, at.fd);
	}
}

/* ---- an op and its messages ----------------------------------------------------------- */

static void run_op(void *arg)
{
	struct fuzz_handlers *handlers = arg;

	handlers->ret = scn_session_run(handlers->session, handlers->step);
	handlers->ended = true;
}

/* The first descriptor that has a message; NULL: there is none. */
static const struct fuzz_descriptor *find_message(struct fuzz_handlers *handlers)
{
	for (unsigned i = 0; i < handlers->nr_fds && !handlers->broken; i++) {
		struct fuzz_descriptor *at = &handlers->fds[i];
		int64_t result;

		if (fuzz_call(handlers, at->handler, SCN_POLL, (uint64_t)at->fd, 0, 0, &result) &&
		    result == 1 /* POLLIN */)
			return at;
	}
	return NULL;
}

/* Answer a message, if there is one. */
static bool look(struct fuzz_handlers *handlers)
{
	const struct fuzz_descriptor *found = find_message(handlers);
	struct fuzz_descriptor at;

	/* It may have come while others were asked that share it: the first of them has it. */
	found = found ? find_message(handlers) : NULL;
	if (!found)
		return false;
	at = *found;
	if (handlers->nr_messages + handlers->nr_in_vain < MOST_MESSAGES)
		fuzz_take_message(handlers, &at);
	else
		fuzz_close_all(handlers, "the messages do not end");
	return true;
}

static void attend(void *arg)
{
	struct fuzz_handlers *handlers = arg;
	int fiber = umm_sim_spawn("op", run_op, handlers);
	time_t since = time(NULL);

	if (fiber < 0) {
		snprintf(handlers->session->reason, sizeof(handlers->session->reason),
			 "no fiber for an op");
		handlers->ret = SCN_BROKEN;
		return;
	}
	while (!handlers->ended && !handlers->broken) {
		/* Asked before looking: what comes to wait meanwhile has left a message. */
		bool blocked = umm_sim_blocked(fiber);

		if (look(handlers)) {
			since = time(NULL);
		} else if (blocked || time(NULL) - since > PATIENCE_S) {
			if (!handlers->nr_fds)
				return;
			fuzz_close_all(handlers, "nobody is told of what is waited for");
			since = time(NULL);
		}
		umm_sim_yield();
	}
}

static bool idle(void *arg)
{
	struct scn_session *session = arg;

	return session->ops->idle && session->ops->idle(session->backend);
}

static int run_attended(struct fuzz_handlers *handlers, uint64_t seed)
{
	struct scn_session *session = handlers->session;
	int ret;

	if (session->ops->set_wait)
		session->ops->set_wait(session->backend, umm_sim_wait_outside);
	umm_sim_set_idle(idle, session);
	ret = umm_sim_run(seed, attend, handlers);
	umm_sim_set_idle(NULL, NULL);
	if (session->ops->set_wait)
		session->ops->set_wait(session->backend, NULL);
	if (ret == -EDEADLK) {
		snprintf(session->reason, sizeof(session->reason), "it waits for ever: %s",
			 umm_sim_report());
		return SCN_CONTRADICTS;
	}
	return ret ? SCN_BROKEN : handlers->ret ? handlers->ret : handlers->broken;
}

/* What the runner does by itself, or what touches no memory. */
static bool never_waits(enum scn_kind kind)
{
	return kind == SCN_PROCESS || kind == SCN_THREAD || kind == SCN_EXIT ||
	       kind == SCN_SETRLIMIT || kind == SCN_CAP_IPC_LOCK || kind == SCN_SWAPON ||
	       kind == SCN_SWAPOFF;
}

static void after(struct fuzz_handlers *handlers, const struct fuzz_op *op,
		  const struct scn_step *step, const struct fuzz_descriptor *fds, unsigned nr)
{
	if (step->result < 0)
		return;
	if (op->kind == SCN_IOCTL && op->args[1] == fuzz_uffd_command(FUZZ_UFFD_API))
		after_handshake(handlers, op, step);
	else if (op->kind == SCN_FORK)
		after_fork(handlers, op, step, fds, nr);
	else if (op->kind == SCN_CLOSE && handler_of(handlers, step->task->process))
		fuzz_unwatch(handlers, handler_of(handlers, step->task->process),
			     (int)step->args[0]);
}

int fuzz_handlers_run(struct fuzz_handlers *handlers, const struct fuzz_op *op,
		      struct scn_step *step, uint64_t seed)
{
	struct fuzz_descriptor fds[FUZZ_MAX_DESCRIPTORS];
	unsigned nr = handlers->nr_fds;
	int ret;

	memcpy(fds, handlers->fds, sizeof(fds));
	handlers->op = op;
	handlers->step = step;
	handlers->nr_messages = handlers->nr_in_vain = 0;
	handlers->ended = false;
	handlers->ret = handlers->broken = 0;
	handlers->log.len = 0;
	if (op->kind == SCN_EXIT)
		before_exit(handlers, step);
	if (!nr || never_waits(op->kind))
		ret = scn_session_run(handlers->session, step);
	else
		ret = run_attended(handlers, seed);
	if (ret == 0)
		after(handlers, op, step, fds, nr);
	return ret ? ret : handlers->broken;
}
