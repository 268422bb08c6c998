/* SPDX-License-Identifier: MIT */
/*
 * Interleavings in which loads read old values, against graphs: the litmus tests, and the
 * outcomes of random programs. What is compared is what was read, and what words hold at the end.
 *
 * The seed of a program that differs is printed.
 *
 * arguments: [first seed] [how many]
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/prng.h"
#include "explore/engine.h"
#include "explore/litmus.h"
#include "sync/sync.h"

#define MAX_OPS 4
#define NR_THREADS 3
#define NR_WORDS 2
#define MAX_OUTCOMES 4096

static u64 first_seed = 1, nr_seeds = 1000;

static struct explore_result result;

/* ---- litmus tests ---- */

static void test_litmus(void **state)
{
	static const enum explore_mode modes[] = { EXPLORE_NAIVE, EXPLORE_SLEEP, EXPLORE_SOURCE };

	(void)state;
	for (unsigned i = 0; i < nr_litmus_tests; i++) {
		const struct litmus *test = &litmus_tests[i];

		for (unsigned m = WEAK_TSO; m < NR_WEAK_MEMORIES; m++) {
			for (size_t k = 0; k < ARRAY_SIZE(modes); k++) {
				struct litmus_result r = { 0 };
				enum litmus_verdict expected = litmus_expected(test, m);

				assert_int_equal(litmus_run_stepped(test, m, modes[k], 0, &r), 0);
				if (r.verdict != expected)
					print_error("%s under %s, %s\n", test->name,
						    weak_memory_name(m),
						    explore_mode_name(modes[k]));
				assert_int_equal(r.verdict, expected);
			}
		}
	}
}

static void test_samples(void **state)
{
	static const enum explore_mode modes[] = { EXPLORE_POS, EXPLORE_RANDOM };
	unsigned seen = 0, possible = 0;

	(void)state;
	for (unsigned i = 0; i < nr_litmus_tests; i++) {
		const struct litmus *test = &litmus_tests[i];

		for (size_t k = 0; k < ARRAY_SIZE(modes); k++) {
			struct litmus_result r = { 0 };
			bool may = litmus_expected(test, WEAK_WEAK);

			assert_int_equal(litmus_run_stepped(test, WEAK_WEAK, modes[k], 3000, &r),
					 0);
			assert_true(may || r.verdict == LITMUS_NEVER);
			seen += r.verdict == LITMUS_SOMETIMES;
			possible += may;
		}
	}
	assert_int_equal(seen, possible);
}

/* ---- random programs ---- */

enum op_kind {
	LOAD,
	LOAD_ACQUIRE,
	STORE,
	STORE_RELEASE,
	EXCHANGE,
	EXCHANGE_RELAXED,
	COMPARE_EXCHANGE,
	LOCKED_STORE,
	MB,
	RMB,
	WMB,
};

static const enum op_kind likely_ops[] = {
	LOAD,
	LOAD,
	LOAD,
	LOAD,
	STORE,
	STORE,
	STORE,
	STORE,
	EXCHANGE,
	EXCHANGE_RELAXED,
	COMPARE_EXCHANGE,
	LOCKED_STORE,
	LOAD_ACQUIRE,
	STORE_RELEASE,
	MB,
	MB,
	RMB,
	WMB,
};

struct outcome {
	u8 read[NR_THREADS][MAX_OPS], end[NR_WORDS];
};

struct outcomes {
	unsigned nr;
	struct outcome of[MAX_OUTCOMES];
};

static struct {
	unsigned nr[NR_THREADS];
	struct {
		enum op_kind kind;
		unsigned word;
	} ops[NR_THREADS][MAX_OPS];
	/* While it runs. */
	u64 words[NR_WORDS * 512];
	spinlock_t lock;
	struct outcome outcome;
	struct outcomes *into;
} random_program;

static struct outcomes graphs, steps;

static u64 *word(unsigned nr)
{
	return &random_program.words[nr * 512];
}

static void make_random(u64 seed)
{
	struct prng rng;
	unsigned left = 8;

	prng_seed(&rng, seed);
	for (unsigned t = 0; t < NR_THREADS; t++) {
		unsigned nr = 1 + (unsigned)prng_below(&rng, MAX_OPS);

		nr = MIN(nr, left - (NR_THREADS - 1 - t));
		left -= nr;
		random_program.nr[t] = nr;
		for (unsigned i = 0; i < nr; i++) {
			enum op_kind kind = likely_ops[prng_below(&rng, ARRAY_SIZE(likely_ops))];
			unsigned w = (unsigned)prng_below(&rng, NR_WORDS);

			random_program.ops[t][i].kind = kind;
			random_program.ops[t][i].word = w;
		}
	}
}

static void reset(void *arg)
{
	(void)arg;
	for (unsigned w = 0; w < NR_WORDS; w++)
		*word(w) = 0;
	spin_lock_init(&random_program.lock, LC_PTL);
	memset(&random_program.outcome, 0, sizeof(random_program.outcome));
}

/* What it reads. */
static u64 run_op(enum op_kind kind, u64 *at, u64 value)
{
	switch (kind) {
	case LOAD:
		return READ_ONCE(*at);
	case LOAD_ACQUIRE:
		return smp_load_acquire(at);
	case STORE:
		WRITE_ONCE(*at, value);
		return 0;
	case STORE_RELEASE:
		smp_store_release(at, value);
		return 0;
	case EXCHANGE:
		return sync_xchg(at, value, SYNC_FULL);
	case EXCHANGE_RELAXED:
		return sync_xchg(at, value, SYNC_RELAXED);
	case COMPARE_EXCHANGE:
		return sync_cmpxchg(at, (u64)0, value, SYNC_FULL);
	case LOCKED_STORE:
		spin_lock(&random_program.lock);
		WRITE_ONCE(*at, value);
		spin_unlock(&random_program.lock);
		return 0;
	case MB:
		smp_mb();
		return 0;
	case RMB:
		smp_rmb();
		return 0;
	default:
		smp_wmb();
		return 0;
	}
}

static void run_thread(void *arg, unsigned self)
{
	(void)arg;
	for (unsigned i = 0; i < random_program.nr[self]; i++)
		random_program.outcome.read[self][i] =
			(u8)run_op(random_program.ops[self][i].kind,
				   word(random_program.ops[self][i].word), 1 + self * MAX_OPS + i);
}

static bool has(const struct outcomes *outcomes, const struct outcome *outcome)
{
	for (unsigned i = 0; i < outcomes->nr; i++)
		if (!memcmp(&outcomes->of[i], outcome, sizeof(*outcome)))
			return true;
	return false;
}

static void note_outcome(void *arg)
{
	struct outcomes *into = random_program.into;

	(void)arg;
	for (unsigned w = 0; w < NR_WORDS; w++)
		random_program.outcome.end[w] = (u8)*word(w);
	if (has(into, &random_program.outcome))
		return;
	assert_true(into->nr < MAX_OUTCOMES);
	into->of[into->nr++] = random_program.outcome;
}

static const struct explore_program program = {
	.threads = NR_THREADS,
	.reset = reset,
	.thread = run_thread,
	.check = note_outcome,
};

static void find_graphs(enum weak_memory memory)
{
	struct explore_options options = { .keep_going = true };

	graphs.nr = 0;
	random_program.into = &graphs;
	assert_int_equal(weak_explore(&program, &options, memory, &result), 0);
}

static void find_steps(enum weak_memory memory, enum explore_mode mode)
{
	struct explore_options options = {
		.mode = mode,
		.memory = memory,
		.keep_going = true,
		.max_preemptions = -1,
	};

	steps.nr = 0;
	random_program.into = &steps;
	assert_int_equal(explore(&program, &options, &result), 0);
	assert_true(result.complete);
	assert_int_equal(result.failures + result.deadlocks + result.infeasible, 0);
}

/* How many outcomes of `a` are not in `b`. */
static unsigned missing(const struct outcomes *a, const struct outcomes *b)
{
	unsigned nr = 0;

	for (unsigned i = 0; i < a->nr; i++)
		nr += !has(b, &a->of[i]);
	return nr;
}

static void expect_steps(u64 seed)
{
	unsigned more = missing(&steps, &graphs), fewer = missing(&graphs, &steps);

	if (more || fewer)
		print_error("seed %u: %u too many, %u too few\n", (unsigned)seed, more, fewer);
	assert_int_equal(more + fewer, 0);
}

static void test_tso(void **state)
{
	(void)state;
	for (u64 seed = first_seed; seed < first_seed + nr_seeds; seed++) {
		make_random(seed);
		find_graphs(WEAK_TSO);
		find_steps(WEAK_TSO, EXPLORE_SOURCE);
		expect_steps(seed);
	}
}

static void test_weak(void **state)
{
	(void)state;
	for (u64 seed = first_seed; seed < first_seed + nr_seeds; seed++) {
		make_random(seed);
		find_graphs(WEAK_WEAK);
		find_steps(WEAK_WEAK, EXPLORE_SOURCE);
		expect_steps(seed);
	}
}

/* No reduction loses an outcome. */
static void test_reductions(void **state)
{
	static const enum explore_mode modes[] = { EXPLORE_SLEEP, EXPLORE_SOURCE, EXPLORE_OPTIMAL };

	(void)state;
	for (u64 seed = first_seed; seed < first_seed + nr_seeds / 8; seed++) {
		for (unsigned m = WEAK_TSO; m < NR_WEAK_MEMORIES; m++) {
			make_random(seed);
			find_steps(m, EXPLORE_NAIVE);
			graphs = steps;
			for (size_t k = 0; k < ARRAY_SIZE(modes); k++) {
				find_steps(m, modes[k]);
				expect_steps(seed);
			}
		}
	}
}

/* Each fault of what is looked at shows in one of these programs. */
static void test_faults(void **state)
{
	static const enum explore_fault faults[] = { FAULT_OLD_ANYHOW, FAULT_OLD_ONCE,
						     FAULT_OLD_UNORDERED, FAULT_OLD_KNOWN,
						     FAULT_OLD_FENCES };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(faults); i++) {
		unsigned differ = 0;

		for (u64 seed = 1; seed <= 1000 && !differ; seed++) {
			make_random(seed);
			find_steps(WEAK_WEAK, EXPLORE_SOURCE);
			graphs = steps;
			explore_fault = faults[i];
			find_steps(WEAK_WEAK, EXPLORE_SOURCE);
			explore_fault = FAULT_NONE;
			differ = missing(&steps, &graphs) + missing(&graphs, &steps);
		}
		if (!differ)
			print_error("fault %u\n", (unsigned)faults[i]);
		assert_true(differ);
	}
}

/* ---- failures ---- */

static int flag, data;

static void mp_reset(void *arg)
{
	(void)arg;
	flag = 0;
	data = 0;
}

/* Waits for the flag, then looks at what it announces. */
static void mp_thread(void *arg, unsigned self)
{
	bool ordered = arg;

	if (self == 1) {
		WRITE_ONCE(data, 1);
		if (ordered)
			smp_store_release(&flag, 1);
		else
			WRITE_ONCE(flag, 1);
		return;
	}
	while (!smp_load_acquire(&flag))
		cpu_relax();
	explore_assert(READ_ONCE(data) == 1);
}

static struct explore_program mp = { .threads = 2, .reset = mp_reset, .thread = mp_thread };

static void run_mp(bool ordered, struct explore_options options)
{
	static int yes;

	mp.arg = ordered ? &yes : NULL;
	options.max_preemptions = -1;
	assert_int_equal(explore(&mp, &options, &result), 0);
}

static void test_waiting(void **state)
{
	(void)state;
	run_mp(true, (struct explore_options){ .mode = EXPLORE_SOURCE, .memory = WEAK_WEAK });
	assert_true(result.complete);
	assert_int_equal(result.failures, 0);
	run_mp(false, (struct explore_options){ .mode = EXPLORE_SOURCE, .memory = WEAK_TSO });
	assert_int_equal(result.failures, 0);
	run_mp(false, (struct explore_options){ .mode = EXPLORE_SOURCE, .memory = WEAK_WEAK });
	assert_int_equal(result.failures, 1);
	assert_non_null(strstr(result.failure_text, "READ_ONCE(data) == 1"));
}

#define MAX_PLACES 8

static struct {
	unsigned nr;
	char places[MAX_PLACES][64];
} orders;

static void note_order(void *arg, const char *site, const char *words, const char *order)
{
	const char *slash = strrchr(site, '/');

	(void)arg;
	assert_non_null(slash);
	assert_true(!strcmp(words, "reads") ? !strcmp(order, "acquire") :
					      !strcmp(order, "release"));
	for (unsigned i = 0; i < orders.nr; i++)
		if (!strcmp(orders.places[i], slash + 1))
			return;
	assert_true(orders.nr < MAX_PLACES);
	(void)snprintf(orders.places[orders.nr++], sizeof(orders.places[0]), "%s", slash + 1);
}

/* Each of the two orders is needed. */
static void test_without(void **state)
{
	(void)state;
	orders.nr = 0;
	run_mp(true, (struct explore_options){
			     .mode = EXPLORE_SOURCE, .memory = WEAK_WEAK, .order = note_order });
	assert_int_equal(result.failures, 0);
	assert_int_equal(orders.nr, 2);
	for (unsigned i = 0; i < orders.nr; i++) {
		run_mp(true, (struct explore_options){ .mode = EXPLORE_SOURCE,
						       .memory = WEAK_WEAK,
						       .without = orders.places[i] });
		assert_int_equal(result.failures, 1);
		run_mp(true, (struct explore_options){ .mode = EXPLORE_SOURCE,
						       .memory = WEAK_TSO,
						       .without = orders.places[i] });
		assert_int_equal(result.failures, 0);
	}
	/* The end of a place is no place. */
	run_mp(true, (struct explore_options){ .mode = EXPLORE_SOURCE,
					       .memory = WEAK_WEAK,
					       .without = orders.places[0] + 1 });
	assert_int_equal(result.failures, 0);
}

static unsigned nr_old;

static void count_old(void *arg, const struct explore_event *event)
{
	(void)arg;
	nr_old += event->old;
	if (event->old)
		assert_int_equal(event->before, 0);
}

/* A schedule says how old what is read is. */
static void test_replay(void **state)
{
	static u8 schedule[EXPLORE_MAX_EVENTS];
	unsigned len;

	(void)state;
	run_mp(false, (struct explore_options){ .mode = EXPLORE_SOURCE, .memory = WEAK_WEAK });
	assert_int_equal(result.failures, 1);
	len = result.schedule_len;
	memcpy(schedule, result.schedule, len);
	nr_old = 0;
	run_mp(false, (struct explore_options){ .mode = EXPLORE_REPLAY,
						.memory = WEAK_WEAK,
						.schedule = schedule,
						.schedule_len = len,
						.event = count_old });
	assert_int_equal(result.failures, 1);
	assert_int_equal(nr_old, 1);
	/* Where memory is one, and where it is ordered, there is nothing old. */
	run_mp(false, (struct explore_options){
			      .mode = EXPLORE_REPLAY, .schedule = schedule, .schedule_len = len });
	assert_int_equal(result.failures, 0);
	run_mp(true, (struct explore_options){ .mode = EXPLORE_REPLAY,
					       .memory = WEAK_WEAK,
					       .schedule = schedule,
					       .schedule_len = len });
	assert_int_equal(result.failures, 0);
}

static unsigned count_ages(const u8 *schedule, unsigned len)
{
	unsigned nr = 0;

	for (unsigned i = 0; i < len; i++)
		nr += explore_step_age(schedule[i]) != 0;
	return nr;
}

/* Of what is old in a failure only that is left which it takes. */
static void test_minimise(void **state)
{
	static struct explore_minimised small;
	struct explore_options limits = { .memory = WEAK_WEAK };
	unsigned before = 0;

	(void)state;
	for (u64 seed = 1; seed <= 20; seed++) {
		run_mp(false, (struct explore_options){
				      .mode = EXPLORE_RANDOM, .memory = WEAK_WEAK, .seed = seed });
		assert_int_equal(result.failures, 1);
		before += count_ages(result.schedule, result.schedule_len);
		assert_int_equal(explore_minimise(&mp, &limits, result.schedule,
						  result.schedule_len, &small),
				 0);
		assert_true(small.proven);
		assert_int_equal(small.preemptions, 0);
		assert_int_equal(count_ages(small.schedule, small.schedule_len), 1);
	}
	assert_true(before > 20);
}

static u32 two[2];

static void two_reset(void *arg)
{
	(void)arg;
	two[0] = 0;
	two[1] = 0;
}

/* Both words are written by both, in opposite orders. */
static void two_thread(void *arg, unsigned self)
{
	(void)arg;
	WRITE_ONCE(two[self], 1);
	WRITE_ONCE(two[!self], 2);
}

static void two_check(void *arg)
{
	(void)arg;
	explore_assert(two[0] == 2 || two[1] == 2);
}

static void show_late(void *arg, const struct explore_event *event)
{
	(void)arg;
	if (!event->old)
		return;
	nr_old++;
	assert_true(event->changes);
	assert_int_equal(event->before, 0);
	assert_int_equal(event->after, 2);
}

/* A store comes too late to be seen. */
static void test_late_store(void **state)
{
	struct explore_program twice = {
		.threads = 2,
		.reset = two_reset,
		.thread = two_thread,
		.check = two_check,
	};
	struct explore_options options = {
		.mode = EXPLORE_SOURCE,
		.memory = WEAK_TSO,
		.max_preemptions = -1,
	};
	static u8 schedule[EXPLORE_MAX_EVENTS];

	(void)state;
	assert_int_equal(explore(&twice, &options, &result), 0);
	assert_true(result.complete && !result.failures);
	options.memory = WEAK_WEAK;
	assert_int_equal(explore(&twice, &options, &result), 0);
	assert_int_equal(result.failures, 1);
	memcpy(schedule, result.schedule, result.schedule_len);
	options.mode = EXPLORE_REPLAY;
	options.schedule = schedule;
	options.schedule_len = result.schedule_len;
	options.event = show_late;
	nr_old = 0;
	assert_int_equal(explore(&twice, &options, &result), 0);
	assert_int_equal(result.failures, 1);
	assert_in_range(nr_old, 1, 2);
}

static u64 hash;

static void add_hash(void *arg, u64 trace)
{
	(void)arg;
	hash = (hash ^ trace) * 0x9e3779b97f4a7c15ull;
}

static u64 hash_of(u64 seed)
{
	struct explore_options options = {
		.mode = EXPLORE_POS,
		.memory = WEAK_WEAK,
		.seed = seed,
		.max_executions = 200,
		.max_preemptions = -1,
		.keep_going = true,
		.each = add_hash,
	};

	hash = 0;
	steps.nr = 0;
	random_program.into = &steps;
	assert_int_equal(explore(&program, &options, &result), 0);
	return hash;
}

/* One seed is one series of executions. */
static void test_seeds(void **state)
{
	unsigned different = 0;

	(void)state;
	for (u64 seed = 1; seed <= 20; seed++) {
		unsigned nr;
		u64 first;

		make_random(seed);
		first = hash_of(seed);
		nr = steps.nr;
		assert_true(hash_of(seed) == first);
		assert_int_equal(steps.nr, nr);
		different += hash_of(seed + 1000) != first;
	}
	assert_true(different > 10);
}

/* ---- words and their halves ---- */

static union {
	u64 whole;
	u32 halves[2];
} cell;

static unsigned whole_seen;

static void cell_reset(void *arg)
{
	(void)arg;
	cell.whole = 0;
}

/* Both halves are set by one thread, in an order that nothing keeps; another reads them. */
static void cell_thread(void *arg, unsigned self)
{
	bool whole = arg;

	if (self == 0) {
		WRITE_ONCE(cell.halves[1], 1);
		WRITE_ONCE(cell.halves[0], 1);
	} else if (whole) {
		whole_seen |= 1u << (READ_ONCE(cell.whole) == 1);
	} else if (READ_ONCE(cell.halves[0]) == 1) {
		whole_seen |= 1u << (READ_ONCE(cell.halves[1]) == 0);
	}
}

static void run_cell(bool whole)
{
	static int yes;
	struct explore_program cells = {
		.threads = 2,
		.arg = whole ? &yes : NULL,
		.reset = cell_reset,
		.thread = cell_thread,
	};
	struct explore_options options = {
		.mode = EXPLORE_SOURCE,
		.memory = WEAK_WEAK,
		.max_preemptions = -1,
	};

	whole_seen = 0;
	assert_int_equal(explore(&cells, &options, &result), 0);
	assert_true(result.complete);
}

static void test_halves(void **state)
{
	(void)state;
	/* Halves are words like others. */
	run_cell(false);
	assert_int_equal(whole_seen, 3);
	/* Who reads both at once sees them in their order. */
	run_cell(true);
	assert_int_equal(whole_seen, 1);
}

/* Searches that are shared out are of one memory. */
static void test_refused(void **state)
{
	struct explore_piece *piece = calloc(1, sizeof(*piece));
	struct explore_options options = {
		.mode = EXPLORE_SOURCE,
		.memory = WEAK_WEAK,
		.piece = piece,
	};

	(void)state;
	assert_non_null(piece);
	assert_int_equal(explore(&mp, &options, &result), -22);
	free(piece);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_litmus),     cmocka_unit_test(test_samples),
		cmocka_unit_test(test_tso),        cmocka_unit_test(test_weak),
		cmocka_unit_test(test_reductions), cmocka_unit_test(test_faults),
		cmocka_unit_test(test_waiting),    cmocka_unit_test(test_without),
		cmocka_unit_test(test_replay),     cmocka_unit_test(test_minimise),
		cmocka_unit_test(test_late_store), cmocka_unit_test(test_seeds),
		cmocka_unit_test(test_halves),     cmocka_unit_test(test_refused),
	};

	if (argc > 1)
		first_seed = strtoull(argv[1], NULL, 0);
	if (argc > 2)
		nr_seeds = strtoull(argv[2], NULL, 0);
	return cmocka_run_group_tests_name("explore/memory", tests, NULL, NULL);
}
