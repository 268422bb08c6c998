/* SPDX-License-Identifier: MIT */
/*
 * A case on one backend, or on two in step.
 *
 * After each op: its result, errno, signal and bytes are compared, then what can be seen of
 * every live process, then the model is verified. The kernel goes first; what it returned is
 * what later ops are placed relative to, on both sides, until the first difference ends the
 * case.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "scenario/fuzz.h"
#include "scenario/fuzz_handler.h"
#include "scenario/observe.h"
#include "scenario/words.h"

struct world {
	struct scn_session session;
	struct fuzz_handlers handlers;
	struct scn_task *tasks[FUZZ_MAX_OPS + 1]; /* by op */
	int64_t results[FUZZ_MAX_OPS + 1];
	struct scn_step step;
	struct umm_iovec ranges[FUZZ_MAX_RANGES];
	struct scn_buffer view;
	uint8_t out[FUZZ_MAX_BYTES];
};

/* Pages that the processes of a case may have in memory together, under pressure. */
#define PRESSURE_PAGES 24

struct run {
	struct world *worlds; /* the kernel's first if there are two */
	unsigned nr_worlds;
	struct world *model; /* NULL: none takes part */
	bool pressure;
	uint64_t seed;
	struct fuzz_report *report;
	struct scn_buffer text;
	uint8_t in[FUZZ_MAX_BYTES];
};

static void put_text(struct run *run, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void put_text(struct run *run, const char *format, ...)
{
	size_t len = strlen(run->report->text);
	va_list list;

	va_start(list, format);
	vsnprintf(run->report->text + len, sizeof(run->report->text) - len, format, list);
	va_end(list);
}

static bool end_with(struct run *run, enum fuzz_verdict verdict)
{
	run->report->verdict = verdict;
	return false;
}

/* ---- one op in one world -------------------------------------------------------------- */

static struct scn_task *task_of(struct world *world, uint32_t op)
{
	struct scn_task *task = op ? world->tasks[op] : NULL;

	return task && !task->dead ? task : NULL;
}

static uint64_t address(const struct world *world, uint32_t base, uint64_t offset)
{
	int64_t result = base ? world->results[base] : 0;

	return (result > 0 ? (uint64_t)result : 0) + offset;
}

/* False: there is no such process any more. */
static bool prepare(struct run *run, struct world *world, const struct fuzz_op *op)
{
	struct scn_step *step = &world->step;

	memset(step, 0, sizeof(*step));
	step->kind = op->kind;
	memcpy(step->args, op->args, sizeof(step->args));
	step->args[0] = address(world, op->base, op->args[0]);
	step->args[4] = address(world, op->base_new, op->args[4]);
	step->task = task_of(world, op->task);
	step->remote = task_of(world, op->remote);
	if (op->kind != SCN_PROCESS && (!step->task || (op->remote && !step->remote)))
		return false;
	/* A process ends with its last thread, or takes the others along: not here. */
	if (op->kind == SCN_EXIT && !step->task->thread_nr &&
	    step->task->live_threads > 1u + fuzz_has_handler(&world->handlers, step->task))
		return false;
	step->nr_ranges = op->nr_ranges;
	step->ranges = world->ranges;
	for (unsigned i = 0; i < op->nr_ranges; i++) {
		world->ranges[i] = op->ranges[i];
		world->ranges[i].addr = address(world, op->range_base[i], op->ranges[i].addr);
	}
	step->in = run->in;
	if (op->kind == SCN_READ || op->kind == SCN_VM_READV || op->kind == SCN_MINCORE ||
	    op->kind == SCN_PREAD || op->kind == SCN_MOVE_PAGES || op->kind == SCN_IOCTL ||
	    op->kind == SCN_READ_FD)
		step->out = world->out;
	if (op->kind == SCN_MOVE_PAGES) {
		step->out_bytes = op->args[1] * sizeof(int32_t);
		memset(world->out, 0, step->out_bytes);
	} else if (op->kind == SCN_IOCTL) {
		uint64_t words[5];

		step->nr_ranges = 0;
		step->in_bytes = step->out_bytes = fuzz_uffd_structure(op, world->ranges, words);
		memcpy(run->in, words, step->in_bytes);
	} else if (op->kind == SCN_WRITE || op->kind == SCN_VM_WRITEV || op->kind == SCN_PWRITE ||
		   op->kind == SCN_MEMFD) {
		step->in_bytes = op->bytes;
		memset(run->in, op->fill, op->bytes);
	} else if (op->kind == SCN_MINCORE) {
		uint64_t pages =
			step->args[1] / UMM_PAGE_SIZE + (step->args[1] % UMM_PAGE_SIZE != 0);

		step->out_bytes = pages <= FUZZ_MAX_BYTES ? pages : 1;
	} else {
		step->out_bytes = op->bytes;
	}
	return true;
}

static uint64_t counter(struct umm_machine *machine, const char *name)
{
	struct umm_counter counters[128];
	unsigned nr = umm_counters(machine, counters, 128);

	for (unsigned i = 0; i < nr && i < 128; i++) {
		if (!strcmp(counters[i].name, name))
			return counters[i].value;
	}
	return 0;
}

/* A process of the model, and with it its children, gets little memory. */
static bool squeeze(struct run *run, struct world *world)
{
	const struct scn_backend_ops *ops = world->session.ops;
	struct umm_machine *machine = ops->machine(world->session.backend);
	int group = umm_group_create(machine, PRESSURE_PAGES * (uint64_t)UMM_PAGE_SIZE);
	int ret = group < 0 ? group : umm_group_join(ops->model_task(world->step.made), group);

	if (!ret)
		return true;
	put_text(run, "  model: no group of processes: %s\n", strerror(-ret));
	return end_with(run, FUZZ_BROKEN);
}

/* False ends the case. */
static bool run_in(struct run *run, struct world *world, const struct fuzz_op *op)
{
	struct scn_step *step = &world->step;
	int ret = fuzz_handlers_run(&world->handlers, op, step,
				    run->seed ^ op->id * 0x9e3779b97f4a7c15ull);

	if (ret) {
		put_text(run, "  %s: %s\n", world->session.ops->name, world->session.reason);
		return end_with(run, ret == SCN_SKIPPED     ? FUZZ_SKIPPED :
				     ret == SCN_CONTRADICTS ? FUZZ_FINDING :
							      FUZZ_BROKEN);
	}
	if (step->made && step->result >= 0)
		world->tasks[op->id] = step->made;
	world->session.swapped |= op->kind == SCN_SWAPON;
	world->results[op->id] = step->result;
	if (run->pressure && world == run->model && op->kind == SCN_PROCESS && step->made &&
	    !squeeze(run, world))
		return false;
	/* What is locked or pinned may be more than there is: somebody has died, in the model. */
	return !(run->pressure && world == run->model &&
		 counter(world->session.ops->machine(world->session.backend), "oom_kill"));
}

/* ---- after an op ---------------------------------------------------------------------- */

static void name_step(struct run *run, const struct scn_step *step)
{
	char call[512];

	put_text(run, "  %s%s%s\n", step->task ? step->task->label : "", step->task ? ": " : "",
		 scn_step_format(step, call, sizeof(call)));
}

static bool same_results(struct run *run)
{
	const struct scn_step *a = &run->worlds[0].step, *b = &run->worlds[1].step;
	struct scn_buffer *text = &run->text;
	char left[512], right[512];

	scn_result_format(a, left, sizeof(left));
	scn_result_format(b, right, sizeof(right));
	/* Only of what was read are the bytes in `out`. */
	if (!strcmp(left, right) &&
	    (!a->out || (a->done == b->done && !memcmp(a->out, b->out, a->done))))
		return true;
	name_step(run, a);
	text->len = 0;
	scn_report_head(text, "linux", "model");
	scn_report_row(text, left, strlen(left), right, strlen(right));
	put_text(run, "%s", text->text);
	if (!strcmp(left, right))
		put_text(run, "    (the bytes differ further on)\n");
	return end_with(run, FUZZ_DIFFERS);
}

/* What the handlers were told and what they did about it. */
static bool same_logs(struct run *run)
{
	const struct scn_buffer *a = &run->worlds[0].handlers.log;
	const struct scn_buffer *b = &run->worlds[1].handlers.log;
	const char *left = a->len ? a->text : "", *right = b->len ? b->text : "";
	struct scn_buffer *text = &run->text;

	if (!strcmp(left, right))
		return true;
	name_step(run, &run->worlds[0].step);
	text->len = 0;
	scn_report_head(text, "linux's handlers", "the model's");
	while (*left || *right) {
		size_t l = strcspn(left, "\n"), r = strcspn(right, "\n");

		scn_report_row(text, *left ? left : NULL, l, *right ? right : NULL, r);
		left += l + (left[l] == '\n');
		right += r + (right[r] == '\n');
	}
	put_text(run, "%s", text->text);
	return end_with(run, FUZZ_DIFFERS);
}

static bool observe(struct run *run, struct world *world, struct scn_task *task)
{
	int ret = scn_observe(&world->session, task, &world->view);

	if (!ret)
		return true;
	put_text(run, "  %s: %s\n", world->session.ops->name, world->session.reason);
	return end_with(run, ret == SCN_SKIPPED ? FUZZ_SKIPPED : FUZZ_BROKEN);
}

static bool observe_all(struct run *run, struct world *world)
{
	for (struct scn_task *task = world->session.tasks; task; task = task->next) {
		if (!task->dead && !task->thread_nr && !observe(run, world, task))
			return false;
	}
	return true;
}

static bool same_views(struct run *run)
{
	struct world *a = &run->worlds[0], *b = &run->worlds[1];
	struct scn_task *task = a->session.tasks, *twin = b->session.tasks;

	for (; task && twin; task = task->next, twin = twin->next) {
		if (task->dead || task->thread_nr)
			continue;
		if (!observe(run, a, task) || !observe(run, b, twin))
			return false;
		if (a->view.len == b->view.len && !memcmp(a->view.text, b->view.text, a->view.len))
			continue;
		run->text.len = 0;
		if (!scn_view_differs(a->view.text, b->view.text, &run->text))
			continue;
		name_step(run, &a->step);
		put_text(run, "  afterwards, what is seen of %s differs\n", task->label);
		put_text(run, "%s", run->text.text);
		return end_with(run, FUZZ_DIFFERS);
	}
	return true;
}

static bool verified(struct run *run)
{
	struct scn_session *session = &run->model->session;
	char text[2048];

	if (umm_verify(session->ops->machine(session->backend), text, sizeof(text)) == 0)
		return true;
	name_step(run, &run->model->step);
	put_text(run, "  afterwards verify() finds:\n%s", text);
	return end_with(run, FUZZ_FINDING);
}

static bool run_op(struct run *run, struct fuzz_op *op)
{
	struct world *first = &run->worlds[0];

	op->ran = false;
	for (unsigned i = 0; i < run->nr_worlds; i++) {
		if (!prepare(run, &run->worlds[i], op))
			return true;
	}
	op->ran = true;
	op->result = 0;
	op->signo = 0;
	if (!run_in(run, first, op))
		return false;
	op->result = first->step.result;
	op->signo = first->step.fault.signo;
	if (run->nr_worlds > 1 && (!run_in(run, &run->worlds[1], op) || !same_logs(run) ||
				   !same_results(run) || (!run->pressure && !same_views(run))))
		return false;
	return run->model ? verified(run) : observe_all(run, first);
}

/* ---- a case --------------------------------------------------------------------------- */

static bool open_worlds(struct run *run, const struct fuzz_setup *setup, struct fuzz_case *c)
{
	const struct scn_backend_ops *ops[2] = { &scn_linux, setup->ops };
	unsigned from = setup->vs_linux ? 0 : 1;

	run->pressure = setup->pressure;
	run->seed = c->seed;
	run->nr_worlds = 2 - from;
	run->worlds = calloc(run->nr_worlds, sizeof(*run->worlds));
	if (!run->worlds)
		return false;
	for (unsigned i = 0; i < run->nr_worlds; i++) {
		struct world *world = &run->worlds[i];

		scn_session_init(&world->session, ops[from + i], &setup->config);
		fuzz_handlers_init(&world->handlers, &world->session, world->tasks, i ? NULL : c);
		if (ops[from + i]->machine)
			run->model = &run->worlds[i];
	}
	return true;
}

static void close_worlds(struct run *run)
{
	for (unsigned i = 0; i < run->nr_worlds; i++) {
		scn_session_close(&run->worlds[i].session);
		fuzz_handlers_close(&run->worlds[i].handlers);
		scn_buffer_free(&run->worlds[i].view);
	}
	scn_buffer_free(&run->text);
	free(run->worlds);
}

void fuzz_run(const struct fuzz_setup *setup, struct fuzz_gen *gen, struct fuzz_case *c,
	      uint64_t *calls, struct fuzz_report *ret_report)
{
	struct run run = { .report = ret_report };

	memset(ret_report, 0, sizeof(*ret_report));
	ret_report->verdict = FUZZ_BROKEN;
	if (!open_worlds(&run, setup, c))
		return;
	ret_report->verdict = FUZZ_SAME;
	if (setup->vs_linux && gen)
		scn_linux_keep_swap(gen->swap);
	if (gen)
		c->nr = 0;
	for (unsigned i = 0; i < FUZZ_MAX_OPS; i++) {
		if (gen && !fuzz_gen_next(gen, i, &c->ops[i]))
			break;
		if (gen)
			c->nr = i + 1;
		if (i >= c->nr)
			break;
		/* Where it was, should this be the end of it. */
		ret_report->at = i;
		if (!run_op(&run, &c->ops[i]))
			break;
		if (gen)
			fuzz_gen_learn(gen, &c->ops[i]);
		(*calls)++;
	}
	close_worlds(&run);
	/* Who runs the case again must find the machine as it was. */
	if (ret_report->verdict != FUZZ_SAME && setup->vs_linux)
		scn_linux_keep_swap(false);
}

/* ---- failing allocations -------------------------------------------------------------- */

/* Everything ends; nothing may be left of it. */
static bool nothing_left(struct run *run, uint64_t free_before)
{
	struct scn_session *session = &run->model->session;
	uint64_t free_now;

	for (struct scn_task *task = session->tasks; task; task = task->next) {
		run->model->step = (struct scn_step){ .kind = SCN_EXIT, .task = task };
		if (!task->dead && scn_session_run(session, &run->model->step))
			return end_with(run, FUZZ_BROKEN);
	}
	if (!verified(run))
		return false;
	free_now = counter(session->ops->machine(session->backend), "nr_free_pages");
	if (free_now == free_before)
		return true;
	put_text(run, "  all processes have ended, but of %llu free pages there are %llu\n",
		 (unsigned long long)free_before, (unsigned long long)free_now);
	return end_with(run, FUZZ_FINDING);
}

void fuzz_run_failing(const struct fuzz_setup *setup, struct fuzz_case *c, uint64_t nth,
		      uint64_t *calls, bool *ret_failed, struct fuzz_report *ret_report)
{
	struct umm_fail fail = { .order = -1, .nth = nth };
	struct run run = { .report = ret_report };
	struct umm_machine *machine;
	uint64_t seen, failed = 0, free_before;

	memset(ret_report, 0, sizeof(*ret_report));
	ret_report->verdict = FUZZ_BROKEN;
	if (!open_worlds(&run, setup, c))
		return;
	if (scn_session_start(&run.model->session)) {
		put_text(&run, "  model: %s\n", run.model->session.reason);
		close_worlds(&run);
		return;
	}
	machine = scn_model.machine(run.model->session.backend);
	ret_report->verdict = FUZZ_SAME;
	ret_report->fail_nth = nth;
	free_before = counter(machine, "nr_free_pages");
	umm_fail_set(machine, &fail);
	for (unsigned i = 0; i < c->nr; i++) {
		ret_report->at = i;
		if (!run_op(&run, &c->ops[i]))
			break;
		(*calls)++;
	}
	if (ret_report->verdict == FUZZ_SAME) {
		umm_fail_stats(machine, &seen, &failed);
		umm_fail_set(machine, NULL);
		nothing_left(&run, free_before);
	}
	*ret_failed = failed != 0;
	close_worlds(&run);
}

/* ---- in a process of its own ---------------------------------------------------------- */

struct apart {
	struct fuzz_case c;
	struct fuzz_report report;
	bool ended;
};

static void run_here(const struct fuzz_setup *setup, struct apart *apart)
{
	uint64_t calls = 0;
	bool failed;

	if (apart->report.fail_nth)
		fuzz_run_failing(setup, &apart->c, apart->report.fail_nth, &calls, &failed,
				 &apart->report);
	else
		fuzz_run(setup, NULL, &apart->c, &calls, &apart->report);
	apart->ended = true;
}

void fuzz_read_words(int fd, struct fuzz_report *report)
{
	size_t len = strlen(report->text);
	ssize_t got = pread(fd, report->text + len, sizeof(report->text) - len - 1, 0);

	if (got > 0)
		report->text[len + (size_t)got] = '\0';
}

void fuzz_child_setup(pid_t parent, int fd_words)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	prctl(PR_SET_DUMPABLE, 0);
	dup2(fd_words, STDERR_FILENO);
	alarm(FUZZ_HUNG_SECONDS);
}

void fuzz_describe_death(int status, struct fuzz_report *report)
{
	int signo = WIFSIGNALED(status) ? WTERMSIG(status) : 0;

	report->verdict = FUZZ_CRASHED;
	if (signo == SIGALRM)
		snprintf(report->text, sizeof(report->text), "  no end after %d s\n",
			 FUZZ_HUNG_SECONDS);
	else if (signo)
		snprintf(report->text, sizeof(report->text), "  ended by SIG%s\n",
			 sigabbrev_np(signo));
	else
		snprintf(report->text, sizeof(report->text), "  ended with status %d\n",
			 WEXITSTATUS(status));
}

int fuzz_run_apart(const struct fuzz_setup *setup, struct fuzz_case *c,
		   struct fuzz_report *ret_report)
{
	struct apart *apart = mmap(NULL, sizeof(*apart), PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int fd = memfd_create("usermm-fuzz", MFD_CLOEXEC), status = 0;
	pid_t parent = getpid(), pid;

	if (apart == MAP_FAILED || fd < 0)
		return -errno;
	apart->c = *c;
	apart->report.fail_nth = ret_report->fail_nth;
	pid = fork();
	if (pid == 0) {
		fuzz_child_setup(parent, fd);
		run_here(setup, apart);
		_exit(0);
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (pid > 0) {
		*c = apart->c;
		*ret_report = apart->report;
		if (!apart->ended) {
			fuzz_describe_death(status, ret_report);
			fuzz_read_words(fd, ret_report);
		}
	}
	close(fd);
	munmap(apart, sizeof(*apart));
	return pid > 0 ? 0 : -EAGAIN;
}
