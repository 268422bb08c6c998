/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scenario/memory.h"
#include "scenario/session.h"
#include "scenario/words.h"

void scn_session_init(struct scn_session *session, const struct scn_backend_ops *ops,
		      const struct umm_config *config)
{
	memset(session, 0, sizeof(*session));
	session->ops = ops;
	session->config = *config;
	session->tasks_end = &session->tasks;
	session->verify = true;
}

bool scn_session_concurrent(const struct scn_session *session)
{
	if (session->concurrent || session->nr_sending || session->nr_looking)
		return true;
	for (const struct scn_task *task = session->tasks; task; task = task->next) {
		if (!task->dead && (task->thread_nr || task->busy))
			return true;
	}
	return false;
}

static int fail(struct scn_session *session, int code)
{
	const char *reason = session->backend ? session->ops->reason(session->backend) : "";

	snprintf(session->reason, sizeof(session->reason), "%s", reason);
	return code;
}

int scn_session_start(struct scn_session *session)
{
	int ret;

	if (session->backend)
		return 0;
	ret = session->ops->open(&session->config, &session->backend);
	if (ret)
		return fail(session, ret);
	if (session->fail && session->ops->machine)
		ret = umm_fail_set(session->ops->machine(session->backend), session->fail);
	if (!ret)
		return 0;
	snprintf(session->reason, sizeof(session->reason), "no allocation like that can fail");
	return SCN_SKIPPED;
}

void scn_session_close(struct scn_session *session)
{
	struct scn_task *task;

	for (task = session->tasks; task; task = task->next) {
		if (task->thread_nr)
			session->ops->forget(session->backend, task);
	}
	for (task = session->tasks; task; task = task->next) {
		if (!task->thread_nr)
			session->ops->forget(session->backend, task);
	}
	while (session->tasks) {
		task = session->tasks;
		session->tasks = task->next;
		scn_free(task);
	}
	if (session->backend)
		session->ops->close(session->backend);
	session->backend = NULL;
}

static struct scn_task *new_task(struct scn_session *session, const struct scn_step *step)
{
	struct scn_task *task = scn_alloc(sizeof(*task));

	if (!task)
		return NULL;
	if (step->kind == SCN_THREAD) {
		struct scn_task *other;

		task->process = step->task->process;
		task->process_nr = task->process->process_nr;
		for (other = session->tasks; other; other = other->next) {
			if (other->process == task->process && other->thread_nr >= task->thread_nr)
				task->thread_nr = other->thread_nr + 1;
		}
		snprintf(task->label, sizeof(task->label), "p%u.t%u", task->process_nr,
			 task->thread_nr);
	} else {
		task->process = task;
		task->process_nr = session->nr_processes + 1;
		snprintf(task->label, sizeof(task->label), "p%u", task->process_nr);
	}
	return task;
}

static void add_task(struct scn_session *session, struct scn_task *task)
{
	*session->tasks_end = task;
	session->tasks_end = &task->next;
	task->process->live_threads++;
	session->nr_live++;
	if (!task->thread_nr)
		session->nr_processes++;
}

static void bury(struct scn_session *session, struct scn_task *task)
{
	session->nr_live--;
	task->dead = true;
	task->process->live_threads--;
}

/*
 * A thread that was killed ends with its function, and so does a main thread that has one; another
 * when it is in no call.
 */
static int end_killed(struct scn_session *session, struct scn_task *process)
{
	struct scn_step step = { .kind = SCN_EXIT, .task = process };
	int ret;

	if (!process->dying || process->dead || process->busy || process->body)
		return 0;
	process->busy = true;
	ret = session->ops->run(session->backend, &step);
	if (!ret)
		bury(session, process);
	return ret;
}

/* The program does not see what a call would have come to that it was killed in. */
static void end_with_sigkill(struct scn_step *step)
{
	step->result = -EFAULT;
	step->fault = (struct umm_fault){ .signo = SIGKILL };
	step->done = 0;
}

static bool sends_signal(const struct scn_step *step)
{
	return step->kind == SCN_KILL || step->kind == SCN_SIGNAL;
}

static int run_step(struct scn_session *session, struct scn_step *step)
{
	struct scn_task *task = step->task;
	int ret;

	if (!task)
		return session->ops->run(session->backend, step);
	if (task->process->killed && step->kind != SCN_EXIT) {
		end_with_sigkill(step);
		return 0;
	}
	if (sends_signal(step)) {
		task->process->killed |= step->kind == SCN_KILL;
		session->nr_sending++;
		ret = session->ops->run(session->backend, step);
		session->nr_sending--;
		task->process->dying = task->process->killed;
	} else {
		task->busy = true;
		ret = session->ops->run(session->backend, step);
		task->busy = false;
		if (!ret && task->process->killed && step->kind != SCN_EXIT)
			end_with_sigkill(step);
	}
	return ret ? ret : end_killed(session, task->process);
}

static int verify(struct scn_session *session)
{
	char report[1536];

	if (!session->verify || !session->ops->machine || scn_session_concurrent(session))
		return 0;
	if (!umm_verify(session->ops->machine(session->backend), report, sizeof(report)))
		return 0;
	snprintf(session->reason, sizeof(session->reason), "the machine contradicts itself:\n%s",
		 report);
	return SCN_CONTRADICTS;
}

int scn_session_run(struct scn_session *session, struct scn_step *step)
{
	bool makes =
		step->kind == SCN_PROCESS || step->kind == SCN_FORK || step->kind == SCN_THREAD;
	int ret = scn_session_start(session);

	if (ret)
		return ret;
	step->made = NULL;
	if (step->task && step->task->busy && !sends_signal(step)) {
		snprintf(session->reason, sizeof(session->reason),
			 "%s is in a call that another thread of the scenario makes: a task does "
			 "one thing at a time",
			 step->task->label);
		return SCN_MISUSED;
	}
	if (step->kind == SCN_OPEN && session->put_back) {
		snprintf(session->reason, sizeof(session->reason),
			 "usermm explore puts the machine back, not files of the host: use "
			 "memfd_create");
		return SCN_MISUSED;
	}
	if (makes && session->nr_live >= SCN_MAX_TASKS) {
		snprintf(session->reason, sizeof(session->reason),
			 "a scenario has at most %d tasks at once", SCN_MAX_TASKS);
		return SCN_SKIPPED;
	}
	if (makes) {
		step->made = new_task(session, step);
		if (!step->made) {
			snprintf(session->reason, sizeof(session->reason), "out of memory");
			return SCN_BROKEN;
		}
	}
	ret = run_step(session, step);
	if (makes && step->made->impl) {
		add_task(session, step->made);
	} else if (makes) {
		scn_free(step->made);
		step->made = NULL;
	}
	if (ret)
		return fail(session, ret);
	if (step->kind == SCN_EXIT && step->result == 0 && !step->task->dead)
		bury(session, step->task);
	session->nr_steps += !step->quiet;
	/* Looking must not decide who runs: the same seed does the same, watched or not. */
	umm_sim_preempt_disable();
	if (!session->quiet && !step->quiet && session->watcher.step)
		ret = session->watcher.step(session->watcher.arg, session, step);
	ret = ret ? ret : verify(session);
	umm_sim_preempt_enable();
	return ret;
}

int scn_session_print(struct scn_session *session, const char *text)
{
	if (session->quiet || !session->watcher.print)
		return 0;
	return session->watcher.print(session->watcher.arg, session, text);
}

char *scn_session_text(struct scn_session *session, struct scn_task *task, enum scn_text which,
		       uint64_t start, uint64_t end)
{
	size_t size = 16384;

	for (;;) {
		char *buf = scn_alloc(size);
		int64_t len;

		if (!buf) {
			snprintf(session->reason, sizeof(session->reason), "out of memory");
			return NULL;
		}
		session->nr_looking++;
		len = session->ops->text(session->backend, task, which, start, end, buf, size);
		session->nr_looking--;
		if (len >= 0 && (uint64_t)len < size)
			return buf;
		scn_free(buf);
		if (len < 0) {
			snprintf(session->reason, sizeof(session->reason),
				 "reading /proc of %s: %s", task->label, scn_errno_name((int)-len));
			return NULL;
		}
		size = (size_t)len + 4096;
	}
}
