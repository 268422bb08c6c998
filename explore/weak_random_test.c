/* SPDX-License-Identifier: MIT */
/*
 * Random programs without branches, against two other ways to count their graphs:
 *
 *   all assignments   every way to choose whom each read reads and how the writes of a word
 *                     follow each other, of which the memory model lets some be
 *   store buffers     a machine of threads that write through queues, run in every way: what
 *                     tso is meant to be
 *
 * The seed of a program that differs is printed.
 *
 * arguments: [first seed] [how many]
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/prng.h"
#include "explore/weak_internal.h"

#define MAX_OPS 4
#define MAX_THREADS 3
#define NR_WORDS 2
#define MAX_ACCESSES 24

enum op_kind {
	LOAD,
	LOAD_ACQUIRE,
	STORE,
	STORE_RELEASE,
	UPDATE,
	UPDATE_RELAXED,
	MB,
	RMB,
	WMB,
	NR_OPS
};

static u64 first_seed = 1, nr_seeds = 1500;

static struct {
	unsigned threads, nr[MAX_THREADS];
	struct {
		enum op_kind kind;
		unsigned word;
	} ops[MAX_THREADS][MAX_OPS];
} random_program;

static int words[NR_WORDS];

/* So that the shapes that barriers are for come up. */
static const enum op_kind likely_ops[] = {
	LOAD,
	LOAD,
	LOAD,
	LOAD,
	STORE,
	STORE,
	STORE,
	STORE,
	LOAD_ACQUIRE,
	STORE_RELEASE,
	UPDATE,
	UPDATE_RELAXED,
	UPDATE_RELAXED,
	UPDATE_RELAXED,
	MB,
	MB,
	MB,
	RMB,
	WMB,
};

static void make_random(u64 seed)
{
	struct prng rng;
	unsigned left = 8;

	prng_seed(&rng, seed);
	memset(&random_program, 0, sizeof(random_program));
	random_program.threads = 2 + (unsigned)prng_below(&rng, MAX_THREADS - 1);
	for (unsigned t = 0; t < random_program.threads; t++) {
		unsigned nr = 1 + (unsigned)prng_below(&rng, MAX_OPS);

		nr = MIN(nr, left - (random_program.threads - 1 - t));
		left -= nr;
		random_program.nr[t] = nr;
		for (unsigned i = 0; i < nr; i++) {
			random_program.ops[t][i].kind =
				likely_ops[prng_below(&rng, ARRAY_SIZE(likely_ops))];
			random_program.ops[t][i].word = (unsigned)prng_below(&rng, NR_WORDS);
		}
	}
}

/* ---- run for real ---- */

static void reset(void *arg)
{
	(void)arg;
	memset(words, 0, sizeof(words));
}

static void run_op(enum op_kind kind, int *word)
{
	switch (kind) {
	case LOAD:
		(void)READ_ONCE(*word);
		break;
	case LOAD_ACQUIRE:
		(void)smp_load_acquire(word);
		break;
	case STORE:
		WRITE_ONCE(*word, 1);
		break;
	case STORE_RELEASE:
		smp_store_release(word, 1);
		break;
	case UPDATE:
		(void)sync_fetch_add(word, 1, SYNC_FULL);
		break;
	case UPDATE_RELAXED:
		(void)sync_fetch_add(word, 1, SYNC_RELAXED);
		break;
	case MB:
		smp_mb();
		break;
	case RMB:
		smp_rmb();
		break;
	default:
		smp_wmb();
		break;
	}
}

static void run_thread(void *arg, unsigned self)
{
	(void)arg;
	for (unsigned i = 0; i < random_program.nr[self]; i++)
		run_op(random_program.ops[self][i].kind, &words[random_program.ops[self][i].word]);
}

static u64 explored(enum weak_memory memory)
{
	static struct explore_result result;
	struct explore_options options = { .keep_going = true };
	struct explore_program program = {
		.threads = random_program.threads,
		.reset = reset,
		.thread = run_thread,
	};

	assert_int_equal(weak_explore(&program, &options, memory, &result), 0);
	assert_int_equal(result.blocked + result.deadlocks + result.failures, 0);
	return result.executions;
}

/* ---- all assignments ---- */

static struct weak_graph graph;
static enum weak_memory now;
static u64 nr_consistent;

static void add(unsigned thread, enum weak_type type, enum op_kind kind, unsigned word, u8 flags)
{
	static const u8 orders[NR_OPS] = {
		[LOAD_ACQUIRE] = WEAK_ACQUIRE,
		[STORE_RELEASE] = WEAK_RELEASE,
		[MB] = WEAK_MB_BEFORE,
		[RMB] = WEAK_RMB,
		[WMB] = WEAK_WMB,
	};

	graph.events[graph.nr++] = (struct weak_event){
		.thread = (u8)thread,
		.type = (u8)type,
		.location = (u16)word,
		.flags = orders[kind] | flags,
		.from = WEAK_INITIAL,
		.depends = WEAK_NONE,
	};
}

static void build_graph(void)
{
	graph.nr = 0;
	for (unsigned t = 0; t < random_program.threads; t++) {
		for (unsigned i = 0; i < random_program.nr[t]; i++) {
			enum op_kind kind = random_program.ops[t][i].kind;
			unsigned word = random_program.ops[t][i].word;
			bool full = kind == UPDATE;

			if (kind >= MB) {
				add(t, WEAK_BARRIER, kind, 0, 0);
			} else if (kind >= UPDATE) {
				add(t, WEAK_READ, kind, word,
				    WEAK_UPDATE | (full ? WEAK_MB_BEFORE : 0));
				add(t, WEAK_WRITE, kind, word,
				    WEAK_EXCLUSIVE | (full ? WEAK_MB_AFTER | WEAK_RELEASE : 0));
			} else {
				add(t, kind >= STORE ? WEAK_WRITE : WEAK_READ, kind, word, 0);
			}
		}
	}
}

static void choose_from(unsigned e)
{
	struct weak_event *event = &graph.events[e];

	if (e == graph.nr) {
		nr_consistent += weak_consistent(&graph, now);
		return;
	}
	if (event->type != WEAK_READ) {
		choose_from(e + 1);
		return;
	}
	event->from = WEAK_INITIAL;
	choose_from(e + 1);
	for (unsigned w = 0; w < graph.nr; w++) {
		if (graph.events[w].type != WEAK_WRITE ||
		    graph.events[w].location != event->location)
			continue;
		event->from = (s16)w;
		choose_from(e + 1);
	}
}

/* Every order: each write in turn goes to any place among those before it. */
static void choose_place(unsigned e)
{
	struct weak_event *event = &graph.events[e];
	unsigned others = 0;

	if (e == graph.nr) {
		choose_from(0);
		return;
	}
	if (event->type != WEAK_WRITE) {
		choose_place(e + 1);
		return;
	}
	for (unsigned w = 0; w < e; w++)
		others += graph.events[w].type == WEAK_WRITE &&
			  graph.events[w].location == event->location;
	for (unsigned place = 1; place <= others + 1; place++) {
		struct weak_graph before = graph;

		for (unsigned w = 0; w < e; w++)
			if (graph.events[w].type == WEAK_WRITE &&
			    graph.events[w].location == event->location &&
			    graph.events[w].place >= place)
				graph.events[w].place++;
		event->place = (u16)place;
		choose_place(e + 1);
		graph = before;
	}
}

static u64 assignments(enum weak_memory memory)
{
	build_graph();
	now = memory;
	nr_consistent = 0;
	choose_place(0);
	return nr_consistent;
}

/* ---- store buffers ---- */

struct machine {
	unsigned at[MAX_THREADS];
	unsigned queued[MAX_THREADS];
	u8 queue[MAX_THREADS][MAX_OPS]; /* indices of ops */
	u8 memory[NR_WORDS];            /* who wrote it last; 0: nobody */
	/* The outcome: whom each read, and the order of writes. */
	u8 from[MAX_THREADS][MAX_OPS];
	u8 nr_order[NR_WORDS];
	u8 order[NR_WORDS][MAX_ACCESSES];
};

static struct machine outcomes[16384];
static unsigned nr_outcomes;

static u8 name(unsigned thread, unsigned op)
{
	return (u8)(1 + thread * MAX_OPS + op);
}

static void write_memory(struct machine *m, unsigned word, u8 who)
{
	m->memory[word] = who;
	m->order[word][m->nr_order[word]++] = who;
}

static void note_outcome(const struct machine *m)
{
	for (unsigned i = 0; i < nr_outcomes; i++)
		if (!memcmp(outcomes[i].from, m->from, sizeof(m->from)) &&
		    !memcmp(outcomes[i].order, m->order, sizeof(m->order)))
			return;
	assert_true(nr_outcomes < sizeof(outcomes) / sizeof(outcomes[0]));
	outcomes[nr_outcomes++] = *m;
}

/* False: not before the queue is empty. */
static bool step(struct machine *m, unsigned t)
{
	unsigned i = m->at[t];
	enum op_kind kind = random_program.ops[t][i].kind;
	unsigned word = random_program.ops[t][i].word;

	if ((kind == UPDATE || kind == UPDATE_RELAXED || kind == MB) && m->queued[t])
		return false;
	m->at[t]++;
	if (kind == STORE || kind == STORE_RELEASE) {
		m->queue[t][m->queued[t]++] = (u8)i;
	} else if (kind == UPDATE || kind == UPDATE_RELAXED) {
		m->from[t][i] = m->memory[word];
		write_memory(m, word, name(t, i));
	} else if (kind == LOAD || kind == LOAD_ACQUIRE) {
		m->from[t][i] = m->memory[word];
		for (unsigned q = 0; q < m->queued[t]; q++)
			if (random_program.ops[t][m->queue[t][q]].word == word)
				m->from[t][i] = name(t, m->queue[t][q]);
	}
	return true;
}

static void run_machine(const struct machine *m)
{
	bool over = true;

	for (unsigned t = 0; t < random_program.threads; t++) {
		struct machine next = *m;

		if (m->at[t] < random_program.nr[t]) {
			over = false;
			if (step(&next, t))
				run_machine(&next);
		}
		if (m->queued[t]) {
			unsigned i = m->queue[t][0];

			over = false;
			next = *m;
			next.queued[t]--;
			memmove(next.queue[t], next.queue[t] + 1, next.queued[t]);
			write_memory(&next, random_program.ops[t][i].word, name(t, i));
			run_machine(&next);
		}
	}
	if (over)
		note_outcome(m);
}

static u64 buffered(void)
{
	struct machine m;

	memset(&m, 0, sizeof(m));
	nr_outcomes = 0;
	run_machine(&m);
	return nr_outcomes;
}

/* ---- the tests ---- */

static void test_all_assignments(void **state)
{
	(void)state;
	for (u64 seed = first_seed; seed < first_seed + nr_seeds; seed++) {
		make_random(seed);
		for (unsigned m = 0; m < NR_WEAK_MEMORIES; m++) {
			u64 expected = assignments(m), found = explored(m);

			if (expected != found)
				print_error("seed %u, %s\n", (unsigned)seed, weak_memory_name(m));
			assert_int_equal(found, expected);
		}
	}
}

static void test_store_buffers(void **state)
{
	(void)state;
	for (u64 seed = first_seed; seed < first_seed + nr_seeds; seed++) {
		u64 expected, found;

		make_random(seed);
		expected = buffered();
		found = explored(WEAK_TSO);
		if (expected != found)
			print_error("seed %u\n", (unsigned)seed);
		assert_int_equal(found, expected);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_assignments),
		cmocka_unit_test(test_store_buffers),
	};

	if (argc > 1)
		first_seed = strtoull(argv[1], NULL, 0);
	if (argc > 2)
		nr_seeds = strtoull(argv[2], NULL, 0);
	return cmocka_run_group_tests_name("explore/weak-random", tests, NULL, NULL);
}
