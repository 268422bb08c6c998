/* SPDX-License-Identifier: MIT */
/*
 * One process has the list of parts and hands them out; the others explore.
 *
 *      list    ■ done, counted │ ▶ running │ ▶ running │ · waiting │ · waiting
 *              in order ───────────────────────────────────────────────────►
 *
 * A piece that is given away comes right after its giver, before what that gave away earlier: the
 * order of going back. The first part that waits is handed out next. A part that ends in a
 * failure drops all that comes after it, and is the answer when nothing is left before it. So is
 * one that has learned that halves of a word are used on their own, which makes everything begin
 * anew; and one that was blocked so often that the pieces cost more than they bring (many threads
 * that have little to do with each other): then one process does the whole.
 *
 * The processes are forked when the exploration begins, and end with it.
 */
#include "explore/jobs.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/assert.h"
#include "host/host.h"

/* A search gives its first piece away after so many executions. */
#define GIVE_AFTER 64
/* Pieces that are blocked more often than that and once for each execution are not worth it. */
#define MAX_BLOCKED 256
#define POLL_MS 100
#define MAX_PIECE_BYTES (64u << 20)

enum part_state { PART_WAITING, PART_RUNNING, PART_FAILED, PART_ANEW };

struct counts {
	u64 executions, blocked, deadlocks, cut, unasked, races, infeasible, events, longest;
	u64 hash, parts;
};

struct part {
	struct part *next, *prev; /* a ring with the head of the list in it */
	enum part_state state;
	u64 number; /* of a batch */
	struct explore_piece *piece;
	struct explore_result *failure;
	struct explore_halves *learned;
	struct counts counts; /* its own */
	struct counts after;  /* of finished parts between it and the next in the list */
};

/* To a worker, followed by the piece. */
struct order {
	enum explore_mode mode;
	u64 seed, max_executions, max_ns;
	u32 piece_bytes;
	bool alone;
	struct explore_halves halves;
};

/* From a worker: a piece given away, or the answer. */
struct answer {
	u32 piece_bytes; /* 0: an answer, followed by the result, and the halves */
	u64 hash;
};

/* Seen by all processes. */
struct shared {
	u32 stop[EXPLORE_MAX_JOBS];
	u64 executions[EXPLORE_MAX_JOBS]; /* so far, of what it is at */
};

struct worker {
	pid_t pid;
	int fd;
	struct part *part; /* NULL: it waits */
};

struct pool {
	const struct explore_program *program;
	const struct explore_options *options;
	const struct explore_jobs *jobs;
	struct explore_jobs_result *result;
	struct shared *shared;
	struct worker workers[EXPLORE_MAX_JOBS];
	unsigned nr_workers;
	struct part head; /* of the list: counts of what was finished before the first part */
	struct explore_halves halves;
	u64 start_ns;
	u64 next_batch, batched; /* batches begun, and their executions */
	u64 finished;            /* executions of finished parts */
	bool out_of_budget, lost;
	bool alone; /* the search is not cut into pieces */
};

u64 explore_hash_add(u64 sum, u64 trace_hash)
{
	trace_hash *= 0x9e3779b97f4a7c15ull;
	return sum + (trace_hash ^ (trace_hash >> 32));
}

/* ---- bytes ---------------------------------------------------------------------------- */

static bool send_bytes(int fd, const void *bytes, size_t len)
{
	const char *at = bytes;

	while (len) {
		ssize_t n = send(fd, at, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		at += n;
		len -= (size_t)n;
	}
	return true;
}

static bool receive_bytes(int fd, void *bytes, size_t len)
{
	char *at = bytes;

	while (len) {
		ssize_t n = recv(fd, at, len, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		at += n;
		len -= (size_t)n;
	}
	return true;
}

/* A piece of so many bytes; NULL: it did not come. */
static struct explore_piece *receive_piece(int fd, u32 bytes)
{
	struct explore_piece *piece;

	if (bytes < sizeof(*piece) || bytes > MAX_PIECE_BYTES)
		return NULL;
	piece = malloc(bytes);
	if (piece && receive_bytes(fd, piece, bytes) && piece->bytes == bytes)
		return piece;
	free(piece);
	return NULL;
}

/* ---- a worker ------------------------------------------------------------------------- */

static struct {
	struct shared *shared;
	unsigned nr;
	int fd;
	u64 hash;
} self;

static void on_trace(void *arg, u64 trace_hash)
{
	(void)arg;
	self.hash = trace_hash ? explore_hash_add(self.hash, trace_hash) : 0;
}

static void on_progress(void *arg, const struct explore_result *so_far)
{
	(void)arg;
	__atomic_store_n(&self.shared->executions[self.nr], so_far->executions, __ATOMIC_RELAXED);
}

static void on_give(void *arg, struct explore_piece *piece)
{
	struct answer answer = { .piece_bytes = piece->bytes };

	(void)arg;
	if (!send_bytes(self.fd, &answer, sizeof(answer)) ||
	    !send_bytes(self.fd, piece, piece->bytes))
		_exit(1);
	free(piece);
}

static void carry_out(const struct pool *pool, struct order *order, struct explore_piece *piece)
{
	struct explore_result *result = calloc(1, sizeof(*result));
	struct explore_options options = *pool->options;
	struct answer answer = { 0 };

	if (!result)
		_exit(1);
	options.mode = piece && order->mode == EXPLORE_OPTIMAL ? EXPLORE_SOURCE : order->mode;
	options.seed = order->seed;
	options.max_executions = order->max_executions;
	options.max_ns = order->max_ns;
	options.keep_going = false;
	options.progress = on_progress;
	options.each = options.each ? on_trace : NULL;
	options.stop = &self.shared->stop[self.nr];
	options.piece = piece;
	options.halves = &order->halves;
	options.give = order->mode <= EXPLORE_OPTIMAL && !order->alone ? on_give : NULL;
	options.give_after = GIVE_AFTER;
	options.max_blocked = piece && order->mode > EXPLORE_SLEEP ? MAX_BLOCKED : 0;
	self.hash = 0;
	if (explore(pool->program, &options, result))
		_exit(1);
	answer.hash = self.hash;
	if (!send_bytes(self.fd, &answer, sizeof(answer)) ||
	    !send_bytes(self.fd, result, sizeof(*result)) ||
	    !send_bytes(self.fd, &order->halves, sizeof(order->halves)))
		_exit(1);
	free(result);
}

static void work(const struct pool *pool, unsigned nr, int fd)
{
	struct order *order = malloc(sizeof(*order));

	self.shared = pool->shared;
	self.nr = nr;
	self.fd = fd;
	while (order && receive_bytes(fd, order, sizeof(*order))) {
		struct explore_piece *piece = NULL;

		if (order->piece_bytes && !(piece = receive_piece(fd, order->piece_bytes)))
			_exit(1);
		carry_out(pool, order, piece);
		free(piece);
	}
	_exit(0);
}

static void start_workers(struct pool *pool)
{
	for (unsigned i = 0; i < (pool->alone ? 1 : pool->jobs->processes); i++) {
		struct worker *worker = &pool->workers[i];
		int ends[2];

		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
			break;
		worker->pid = fork();
		if (worker->pid == 0) {
			/* The ends of the others too, or they would never see them closed. */
			for (unsigned k = 0; k < i; k++)
				close(pool->workers[k].fd);
			close(ends[0]);
			work(pool, i, ends[1]);
		}
		close(ends[1]);
		if (worker->pid < 0) {
			close(ends[0]);
			break;
		}
		worker->fd = ends[0];
		pool->nr_workers++;
	}
}

static void end_workers(struct pool *pool)
{
	for (unsigned i = 0; i < pool->nr_workers; i++)
		__atomic_store_n(&pool->shared->stop[i], 1, __ATOMIC_RELAXED);
	for (unsigned i = 0; i < pool->nr_workers; i++)
		close(pool->workers[i].fd);
	for (unsigned i = 0; i < pool->nr_workers; i++)
		while (waitpid(pool->workers[i].pid, NULL, 0) < 0 && errno == EINTR)
			;
}

/* ---- the list ------------------------------------------------------------------------- */

static void counts_add(struct counts *to, const struct counts *from)
{
	to->executions += from->executions;
	to->blocked += from->blocked;
	to->deadlocks += from->deadlocks;
	to->cut += from->cut;
	to->unasked += from->unasked;
	to->races += from->races;
	to->infeasible += from->infeasible;
	to->events += from->events;
	to->longest = to->longest > from->longest ? to->longest : from->longest;
	to->hash += from->hash;
	to->parts += from->parts;
}

static struct part *part_after(struct part *prev)
{
	struct part *part = calloc(1, sizeof(*part));

	VM_BUG_ON(!part);
	part->prev = prev;
	part->next = prev->next;
	prev->next->prev = part;
	prev->next = part;
	return part;
}

/* What was given away before comes after it, also what of that is finished. */
static void add_given(struct part *giver, struct explore_piece *piece)
{
	struct part *part = part_after(giver);

	part->piece = piece;
	part->after = giver->after;
	giver->after = (struct counts){ 0 };
}

/* Those between two go, and all that is known of them. */
static void free_between(struct part *first, struct part *last)
{
	struct part *part = first->next, *next;

	first->next = last;
	last->prev = first;
	for (; part != last; part = next) {
		next = part->next;
		free(part->piece);
		free(part->failure);
		free(part->learned);
		free(part);
	}
}

static void part_finished(struct part *part)
{
	counts_add(&part->prev->after, &part->counts);
	counts_add(&part->prev->after, &part->after);
	free_between(part->prev, part->next);
}

/* Nothing that comes after it matters any more. */
static void drop_after(struct pool *pool, struct part *part)
{
	for (unsigned i = 0; i < pool->nr_workers; i++) {
		struct worker *worker = &pool->workers[i];
		struct part *at = worker->part ? worker->part->prev : NULL;

		while (at && at != part && at != &pool->head)
			at = at->prev;
		if (!at || at != part)
			continue;
		worker->part = &pool->head; /* busy with nothing of interest */
		__atomic_store_n(&pool->shared->stop[i], 1, __ATOMIC_RELAXED);
	}
	free_between(part, &pool->head);
	part->after = (struct counts){ 0 };
}

static bool is_sampling(const struct pool *pool)
{
	return pool->jobs->nr_kinds != 0;
}

static bool has_ended(const struct pool *pool, const struct part *part)
{
	return part != &pool->head && (part->state == PART_FAILED || part->state == PART_ANEW);
}

static u64 executions_left(const struct pool *pool)
{
	u64 limit = pool->options->max_executions;
	u64 used = is_sampling(pool) ? pool->batched : pool->finished;

	return !limit ? ~0ull : limit > used ? limit - used : 0;
}

/* The next part to be handed out; NULL: none now. */
static struct part *next_waiting(struct pool *pool)
{
	struct part *part = pool->head.next;

	if (pool->out_of_budget || (!is_sampling(pool) && !executions_left(pool)))
		return NULL;
	while (part != &pool->head && part->state != PART_WAITING)
		part = part->next;
	if (part != &pool->head)
		return part;
	/* A new batch, unless the last one is a failure already. */
	if (!is_sampling(pool) || has_ended(pool, pool->head.prev) || !executions_left(pool))
		return NULL;
	part = part_after(pool->head.prev);
	part->number = pool->next_batch++;
	return part;
}

/* ---- handing out, and what comes back ------------------------------------------------- */

static u64 ns_left(const struct pool *pool)
{
	u64 spent = host_monotonic_ns() - pool->start_ns, limit = pool->options->max_ns;

	return limit > spent ? limit - spent : 1;
}

static void lose(struct pool *pool, struct worker *worker)
{
	pool->lost = true;
	pool->out_of_budget = true;
	worker->part = NULL;
	close(worker->fd);
	worker->fd = -1;
}

static void hand_out(struct pool *pool, unsigned nr, struct part *part)
{
	const struct explore_jobs *jobs = pool->jobs;
	struct worker *worker = &pool->workers[nr];
	u64 left = executions_left(pool);
	struct order order = {
		.mode = pool->options->mode,
		.seed = pool->options->seed + part->number,
		.max_executions = left == ~0ull ? 0 : left,
		.max_ns = pool->options->max_ns ? ns_left(pool) : 0,
		.piece_bytes = part->piece ? part->piece->bytes : 0,
		.alone = pool->alone,
		.halves = pool->halves,
	};

	if (is_sampling(pool)) {
		order.mode = jobs->kinds[part->number % jobs->nr_kinds];
		order.max_executions = left < jobs->batch ? left : jobs->batch;
		pool->batched += order.max_executions;
	}
	__atomic_store_n(&pool->shared->stop[nr], 0, __ATOMIC_RELAXED);
	worker->part = part;
	part->state = PART_RUNNING;
	if (!send_bytes(worker->fd, &order, sizeof(order)) ||
	    (part->piece && !send_bytes(worker->fd, part->piece, part->piece->bytes)))
		lose(pool, worker);
}

/* A piece that was given up because it was blocked too often. */
static bool is_vain(const struct pool *pool, const struct part *part,
		    const struct explore_result *result)
{
	return part->piece && pool->options->mode > EXPLORE_SLEEP && !result->complete &&
	       result->blocked > MAX_BLOCKED + result->executions;
}

/* The part of a worker is over. */
static void take_result(struct pool *pool, struct worker *worker, struct explore_result *result,
			const struct answer *answer, const struct explore_halves *halves)
{
	struct part *part = worker->part;

	worker->part = NULL;
	pool->shared->executions[worker - pool->workers] = 0;
	if (part == &pool->head)
		return;
	part->counts = (struct counts){
		.executions = result->executions,
		.blocked = result->blocked,
		.deadlocks = result->deadlocks,
		.cut = result->cut,
		.unasked = result->unasked,
		.races = result->races,
		.infeasible = result->infeasible,
		.events = result->events,
		.longest = result->longest,
		.hash = answer->hash,
		.parts = 1,
	};
	pool->finished += result->executions;
	if (result->anew || result->failures || is_vain(pool, part, result)) {
		part->state = result->failures ? PART_FAILED : PART_ANEW;
		part->failure = malloc(sizeof(*result));
		part->learned = malloc(sizeof(*halves));
		VM_BUG_ON(!part->failure || !part->learned);
		*part->failure = *result;
		*part->learned = *halves;
		drop_after(pool, part);
		return;
	}
	if (!is_sampling(pool) && !result->complete && !result->cut)
		pool->out_of_budget = true;
	part_finished(part);
}

static void take_answer(struct pool *pool, struct worker *worker)
{
	struct explore_result *result = malloc(sizeof(*result));
	struct explore_halves halves;
	struct answer answer;
	bool good = result && receive_bytes(worker->fd, &answer, sizeof(answer));

	if (good && answer.piece_bytes) {
		struct explore_piece *piece = receive_piece(worker->fd, answer.piece_bytes);

		good = piece != NULL;
		if (good && worker->part != &pool->head)
			add_given(worker->part, piece);
		else
			free(piece);
	} else if (good) {
		good = receive_bytes(worker->fd, result, sizeof(*result)) &&
		       receive_bytes(worker->fd, &halves, sizeof(halves));
		if (good)
			take_result(pool, worker, result, &answer, &halves);
	}
	free(result);
	if (!good)
		lose(pool, worker);
}

/* ---- until it is over ----------------------------------------------------------------- */

static void show_progress(const struct pool *pool)
{
	struct explore_result *so_far = pool->options->progress ? calloc(1, sizeof(*so_far)) : NULL;

	if (!so_far)
		return;
	so_far->executions = pool->finished;
	for (unsigned i = 0; i < pool->nr_workers; i++)
		so_far->executions +=
			__atomic_load_n(&pool->shared->executions[i], __ATOMIC_RELAXED);
	so_far->ns = host_monotonic_ns() - pool->start_ns;
	pool->options->progress(pool->options->progress_arg, so_far);
	free(so_far);
}

/* Wait for anything to come back. */
static void wait_for_answers(struct pool *pool)
{
	struct pollfd fds[EXPLORE_MAX_JOBS];

	for (unsigned i = 0; i < pool->nr_workers; i++) {
		fds[i].fd = pool->workers[i].fd;
		fds[i].events = POLLIN;
		fds[i].revents = 0;
	}
	if (poll(fds, pool->nr_workers, POLL_MS) > 0)
		for (unsigned i = 0; i < pool->nr_workers; i++)
			if (fds[i].revents)
				take_answer(pool, &pool->workers[i]);
	if (pool->options->max_ns && host_monotonic_ns() - pool->start_ns >= pool->options->max_ns)
		pool->out_of_budget = true;
}

/* Those who wait get something to do. False: nobody does anything, and there is nothing. */
static bool keep_busy(struct pool *pool)
{
	bool busy = false;

	for (unsigned i = 0; i < pool->nr_workers; i++) {
		struct part *part;

		if (pool->workers[i].fd >= 0 && !pool->workers[i].part) {
			part = next_waiting(pool);
			if (part)
				hand_out(pool, i, part);
		}
		busy |= pool->workers[i].part != NULL;
	}
	return busy;
}

/* Nothing before the first failure in the list is left: it is the answer. */
static bool is_decided(const struct pool *pool)
{
	return pool->head.next != &pool->head && has_ended(pool, pool->head.next);
}

/* Until it is decided; those who are still busy then are stopped. */
static void run_parts(struct pool *pool)
{
	while (!is_decided(pool) && keep_busy(pool)) {
		wait_for_answers(pool);
		show_progress(pool);
		for (unsigned i = 0; pool->out_of_budget && i < pool->nr_workers; i++)
			__atomic_store_n(&pool->shared->stop[i], 1, __ATOMIC_RELAXED);
	}
}

static void tell(struct pool *pool)
{
	struct explore_jobs_result *to = pool->result;
	struct part *part = pool->head.next;
	struct counts counts = pool->head.after;
	bool failed = part != &pool->head && part->state == PART_FAILED;

	to->mode = is_sampling(pool) ? pool->jobs->kinds[0] : pool->options->mode;
	to->all.complete = part == &pool->head && !pool->out_of_budget && !is_sampling(pool);
	/* When the budget was not enough there may be a failure behind what was not explored. */
	for (; part != &pool->head && !failed; part = part->next) {
		failed = part->state == PART_FAILED;
		if (failed)
			break;
		counts_add(&counts, &part->after);
	}
	if (failed) {
		to->all = *part->failure;
		to->all.first_failure += counts.executions;
		to->all.complete = false;
		if (is_sampling(pool))
			to->mode = pool->jobs->kinds[part->number % pool->jobs->nr_kinds];
		counts_add(&counts, &part->counts);
	}
	to->all.executions = counts.executions;
	to->all.blocked = counts.blocked;
	to->all.deadlocks = counts.deadlocks;
	to->all.cut = counts.cut;
	to->all.unasked = counts.unasked;
	to->all.races = counts.races;
	to->all.infeasible = counts.infeasible;
	to->all.events = counts.events;
	to->all.longest = counts.longest;
	to->all.bounded = pool->options->max_preemptions >= 0;
	to->all.complete = to->all.complete && !counts.cut;
	to->all.ns = host_monotonic_ns() - pool->start_ns;
	to->hash = counts.hash;
	to->parts = counts.parts;
	to->lost = pool->lost;
	to->alone = pool->alone;
}

/* True: something was learned. Everything begins anew with that. */
static bool learned(struct pool *pool)
{
	struct part *part = pool->head.next;

	if (part == &pool->head || part->state != PART_ANEW)
		return false;
	pool->halves = *part->learned;
	pool->alone |= !part->failure->anew;
	return true;
}

static void empty_list(struct pool *pool)
{
	free_between(&pool->head, &pool->head);
	memset(&pool->head.after, 0, sizeof(pool->head.after));
	pool->finished = pool->next_batch = pool->batched = 0;
}

/* Once, from the beginning. */
static void explore_once(struct pool *pool)
{
	memset(pool->shared, 0, sizeof(*pool->shared));
	memset(pool->workers, 0, sizeof(pool->workers));
	pool->nr_workers = 0;
	if (!is_sampling(pool))
		(void)part_after(&pool->head);
	start_workers(pool);
	if (pool->nr_workers)
		run_parts(pool);
	end_workers(pool);
}

int explore_by_jobs(const struct explore_program *program, const struct explore_options *options,
		    const struct explore_jobs *jobs, struct explore_jobs_result *ret_result)
{
	struct pool *pool = calloc(1, sizeof(*pool));
	bool again, started;

	memset(ret_result, 0, sizeof(*ret_result));
	if (!pool)
		return -ENOMEM;
	if (!jobs->processes || jobs->processes > EXPLORE_MAX_JOBS ||
	    jobs->nr_kinds > EXPLORE_MAX_KINDS || (jobs->nr_kinds && !jobs->batch) ||
	    (!jobs->nr_kinds && options->memory != WEAK_SC)) {
		free(pool);
		return -EINVAL;
	}
	pool->shared = mmap(NULL, sizeof(*pool->shared), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (pool->shared == MAP_FAILED) {
		free(pool);
		return -ENOMEM;
	}
	pool->program = program;
	pool->options = options;
	pool->jobs = jobs;
	pool->result = ret_result;
	pool->head.next = pool->head.prev = &pool->head;
	pool->start_ns = host_monotonic_ns();
	do {
		explore_once(pool);
		started = pool->nr_workers != 0;
		again = !pool->out_of_budget && learned(pool);
		if (!again)
			tell(pool);
		empty_list(pool);
	} while (again);
	munmap(pool->shared, sizeof(*pool->shared));
	free(pool);
	return started ? 0 : -EAGAIN;
}
