/* SPDX-License-Identifier: MIT */
/* The public way in: usermm/explore.h over the engine and the simulator's primitives. */
#include "usermm/explore.h"

#include <stdlib.h>

#include "base/format.h"
#include "base/uapi.h"
#include "explore/explore.h"
#include "explore/render.h"
#include "explore/weak.h"
#include "sync/sync.h"

_Static_assert(sizeof(struct umm_mutex) == sizeof(struct mutex), "one is the other");
_Static_assert(sizeof(struct umm_rwlock) == sizeof(struct rw_semaphore), "one is the other");
_Static_assert(sizeof(struct umm_wait_queue) == sizeof(struct wait_queue_head), "one is the other");

/* The last failure: of which program, and how to have it again. */
static struct {
	bool any;
	bool deadlocks_allowed;
	enum weak_memory memory;
	u8 schedule[EXPLORE_MAX_EVENTS];
	unsigned len;
} last;

/* As thorough as a search for a smaller failure may be. */
#define MINIMISE_EXECUTIONS 1000000
#define MINIMISE_NS 10000000000ull

static const u8 modes[] = {
	[UMM_OPTIMAL] = EXPLORE_OPTIMAL, [UMM_SOURCE] = EXPLORE_SOURCE, [UMM_SLEEP] = EXPLORE_SLEEP,
	[UMM_NAIVE] = EXPLORE_NAIVE,     [UMM_RANDOM] = EXPLORE_RANDOM, [UMM_POS] = EXPLORE_POS,
	[UMM_PCT] = EXPLORE_PCT,         [UMM_URW] = EXPLORE_URW,
};

static const u8 memories[] = {
	[UMM_MEMORY_SC] = WEAK_SC,
	[UMM_MEMORY_TSO] = WEAK_TSO,
	[UMM_MEMORY_WEAK] = WEAK_WEAK,
};

void umm_exploration_init(struct umm_exploration *exploration)
{
	*exploration = (struct umm_exploration){ .max_preemptions = -1 };
}

const char *umm_strategy_name(enum umm_strategy strategy)
{
	return strategy < ARRAY_SIZE(modes) ? explore_mode_name(modes[strategy]) : NULL;
}

static void to_program(const struct umm_exploration *from, struct explore_program *program)
{
	*program = (struct explore_program){
		.name = from->name,
		.threads = from->threads,
		.arg = from->arg,
		.reset = from->reset,
		.thread = from->thread,
		.check = from->check,
		.stack_only = from->stack_only,
	};
}

static void tell(const struct explore_result *result, struct umm_explored *ret_explored)
{
	struct strbuf sb;

	*ret_explored = (struct umm_explored){
		.executions = result->executions,
		.blocked = result->blocked,
		.deadlocks = result->deadlocks,
		.failures = result->failures,
		.first_failure = result->first_failure,
		.events = result->events,
		.ns = result->ns,
		.estimate = result->estimate,
		.complete = result->complete,
		.bounded = result->bounded,
	};
	strbuf_init(&sb, ret_explored->failure, sizeof(ret_explored->failure));
	strbuf_puts(&sb, result->failure_text);
}

/* As graphs, which have no schedule. */
static bool by_graphs(const struct explore_options *options)
{
	return options->memory != WEAK_SC && options->mode == EXPLORE_OPTIMAL;
}

static void keep(const struct explore_result *result, const struct explore_options *options)
{
	last.any = result->failures && !by_graphs(options);
	last.deadlocks_allowed = options->deadlocks_allowed;
	last.memory = options->memory;
	last.len = result->schedule_len;
	memcpy(last.schedule, result->schedule, result->schedule_len);
}

static int run(const struct umm_exploration *exploration, const struct explore_options *options,
	       struct umm_explored *ret_explored)
{
	struct explore_result *result = calloc(1, sizeof(*result));
	struct explore_program program;
	int err;

	if (!result)
		return -ENOMEM;
	to_program(exploration, &program);
	if (by_graphs(options))
		err = weak_explore(&program, options, options->memory, result);
	else
		err = explore(&program, options, result);
	if (!err) {
		tell(result, ret_explored);
		keep(result, options);
	}
	free(result);
	return err;
}

int umm_explore(const struct umm_exploration *exploration, struct umm_explored *ret_explored)
{
	struct explore_options options = {
		.max_preemptions = exploration->max_preemptions,
		.max_executions = exploration->max_executions,
		.max_ns = exploration->max_ns,
		.seed = exploration->seed,
		.keep_going = exploration->keep_going,
		.deadlocks_allowed = exploration->deadlocks_allowed,
	};

	if (exploration->strategy >= ARRAY_SIZE(modes) ||
	    exploration->memory >= ARRAY_SIZE(memories))
		return -EINVAL;
	options.mode = modes[exploration->strategy];
	options.memory = memories[exploration->memory];
	return run(exploration, &options, ret_explored);
}

/* ---- the last failure ------------------------------------------------------------------ */

int umm_explore_minimise(const struct umm_exploration *exploration)
{
	struct explore_options limits = {
		.max_executions = MINIMISE_EXECUTIONS,
		.max_ns = MINIMISE_NS,
		.deadlocks_allowed = last.deadlocks_allowed,
		.memory = last.memory,
	};
	struct explore_minimised *small;
	struct explore_program program;
	int err;

	if (!last.any)
		return -ENOENT;
	small = malloc(sizeof(*small));
	if (!small)
		return -ENOMEM;
	to_program(exploration, &program);
	err = explore_minimise(&program, &limits, last.schedule, last.len, small);
	if (!err) {
		last.len = small->schedule_len;
		memcpy(last.schedule, small->schedule, small->schedule_len);
	}
	free(small);
	return err;
}

size_t umm_explore_listing(const struct umm_exploration *exploration, char *buf, size_t size)
{
	struct explore_view view = { .all_events = true, .memory = last.memory };
	struct explore_program program;

	if (!last.any)
		return 0;
	to_program(exploration, &program);
	return explore_render(&program, last.schedule, last.len, &view, buf, size);
}

size_t umm_explore_schedule(const struct umm_exploration *exploration, char *buf, size_t size)
{
	char about[EXPLORE_TEXT_BYTES];
	struct strbuf sb;

	if (!last.any)
		return 0;
	strbuf_init(&sb, about, sizeof(about));
	if (exploration->name && exploration->name[0])
		strbuf_printf(&sb, "program %.200s\n", exploration->name);
	return explore_schedule_write(last.schedule, last.len, about, buf, size);
}

int umm_explore_replay(const struct umm_exploration *exploration, const char *text,
		       struct umm_explored *ret_explored, char *error, size_t error_size)
{
	struct explore_schedule *schedule = malloc(sizeof(*schedule));
	struct explore_options options = {
		.mode = EXPLORE_REPLAY,
		.max_preemptions = -1,
		.max_executions = 1,
		.deadlocks_allowed = exploration->deadlocks_allowed,
	};
	int err = -ENOMEM;

	if (!schedule)
		return err;
	if (exploration->memory < ARRAY_SIZE(memories))
		options.memory = memories[exploration->memory];
	err = explore_schedule_parse(text, schedule, error, error_size);
	if (!err) {
		options.schedule = schedule->threads;
		options.schedule_len = schedule->len;
		err = run(exploration, &options, ret_explored);
	}
	free(schedule);
	return err;
}

void umm_explore_fail(const char *text)
{
	explore_fail(text);
}

/* ---- operations ------------------------------------------------------------------------ */

static int order_of(enum umm_order order)
{
	static const int orders[] = {
		[UMM_RELAXED] = SYNC_RELAXED,
		[UMM_ACQUIRE] = SYNC_ACQUIRE,
		[UMM_RELEASE] = SYNC_RELEASE,
		[UMM_FULL] = SYNC_FULL,
	};

	return orders[order];
}

uint64_t umm_explore_load(const void *p, unsigned size, enum umm_order order, const char *site)
{
	return sim_load(p, size, order_of(order), site);
}

void umm_explore_store(void *p, unsigned size, uint64_t value, enum umm_order order,
		       const char *site)
{
	sim_store(p, size, value, order_of(order), site);
}

uint64_t umm_explore_update(unsigned op, void *p, unsigned size, uint64_t value, uint64_t expected,
			    enum umm_order order, const char *site)
{
	static const u8 ops[] = { SIM_XCHG, SIM_CMPXCHG, SIM_ADD, SIM_AND, SIM_OR };

	VM_BUG_ON(op >= ARRAY_SIZE(ops));
	return sim_rmw(ops[op], p, size, value, expected, order_of(order), site);
}

void umm_explore_fence(enum umm_order order, const char *site)
{
	sim_fence(order_of(order), site);
}

uint64_t umm_explore_await_not(const void *p, unsigned size, uint64_t value, enum umm_order order,
			       const char *site)
{
	u64 mask = size < sizeof(u64) ? BIT(8 * size) - 1 : ~0ull;
	u64 seen;

	while ((seen = sim_load(p, size, order_of(order), site)) == (value & mask))
		sim_relax(site);
	return seen;
}

void umm_explore_lock(struct umm_mutex *lock, const char *site)
{
	sync_mutex_lock((struct mutex *)lock, site);
}

bool umm_explore_trylock(struct umm_mutex *lock, const char *site)
{
	return sync_mutex_trylock((struct mutex *)lock, site);
}

void umm_explore_unlock(struct umm_mutex *lock, const char *site)
{
	sync_mutex_unlock((struct mutex *)lock, site);
}

void umm_explore_read_lock(struct umm_rwlock *lock, const char *site)
{
	sync_down_read((struct rw_semaphore *)lock, site);
}

void umm_explore_read_unlock(struct umm_rwlock *lock, const char *site)
{
	sync_up_read((struct rw_semaphore *)lock, site);
}

void umm_explore_write_lock(struct umm_rwlock *lock, const char *site)
{
	sync_down_write((struct rw_semaphore *)lock, site);
}

void umm_explore_write_unlock(struct umm_rwlock *lock, const char *site)
{
	sync_up_write((struct rw_semaphore *)lock, site);
}

uint32_t umm_wait_prepare(struct umm_wait_queue *queue)
{
	struct wait_queue_entry entry;

	prepare_to_wait((struct wait_queue_head *)queue, &entry);
	return entry.sequence;
}

void umm_explore_sleep(struct umm_wait_queue *queue, uint32_t prepared, const char *site)
{
	sync_wait((struct wait_queue_head *)queue, prepared, site);
}

void umm_wake_all(struct umm_wait_queue *queue)
{
	sync_wake_all((struct wait_queue_head *)queue);
}
