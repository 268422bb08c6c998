/* SPDX-License-Identifier: MIT */
/*
 * Small random programs of every kind of operation, explored in every mode. What is to agree:
 *   naive    every interleaving: which traces there are, by their hash, and which outcomes
 *   others   the same traces, each once, and the same outcomes
 * An outcome is what all threads have seen and what is left in memory. A dependence that the
 * explorer does not know about loses outcomes; a race that it does not see loses traces.
 *
 * With a bound on preemptions: the same outcomes as the naive search with that bound.
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
#include "sync/membarrier.h"
#include "sync/sync.h"

#define THREADS 4
#define MAX_STEPS 10
#define NR_WORDS 3

enum step_kind {
	LOAD,
	STORE,
	ADD,
	EXCHANGE,
	COMPARE,
	AWAIT,
	RETRY,
	BYTE_LOAD,
	BYTE_STORE,
	LOCK,
	TRY,
	UNLOCK,
	MUTEX_LOCK,
	MUTEX_TRY,
	MUTEX_UNLOCK,
	READ_LOCK,
	READ_TRY,
	READ_UNLOCK,
	WRITE_LOCK,
	WRITE_TRY,
	WRITE_UNLOCK,
	DOWNGRADE,
	BIT_LOCK,
	BIT_TRY,
	BIT_UNLOCK,
	BIT_OR,
	SLEEP,
	WAKE,
	/* A word of eight bytes, and its halves. */
	WIDE_LOAD,
	WIDE_ADD,
	HALF_LOAD,
	HALF_STORE,
	/* What a simulated access is: a page, and a generation that it depends on. */
	ACCESS_READ,
	ACCESS_WRITE,
	GENERATION_ADD,
	NR_STEP_KINDS
};

struct step {
	u8 kind, object, value;
};

/* A program, and whether a lock was had: an unlock without it is left out. */
static struct {
	unsigned idle; /* threads before the others, so that those have other places in a clock */
	unsigned threads;
	bool accesses; /* what they change cannot be undone by the explorer */
	unsigned steps[THREADS];
	struct step step[THREADS][MAX_STEPS];
} p;

static struct {
	int word[NR_WORDS];
	spinlock_t spin;
	struct mutex mutex;
	struct rw_semaphore sem;
	u64 bits;
	struct wait_queue_head wq;
	union {
		u64 whole;
		u32 half[2];
	} wide;
	int page[2], generation;
} shared;

static u64 seen[THREADS]; /* of each thread, when it has ended */

static void reset(void *arg)
{
	(void)arg;
	memset(&shared, 0, sizeof(shared));
	memset(seen, 0, sizeof(seen));
	spin_lock_init(&shared.spin, LC_PTL);
	mutex_init(&shared.mutex, LC_MACHINE);
	init_rwsem(&shared.sem, LC_MMAP);
}

static u64 mix(u64 hash, u64 value)
{
	hash = (3 * hash + value + 1) * 0x9e3779b97f4a7c15ull;
	return hash ^ (hash >> 29);
}

enum { HAS_SPIN = 1, HAS_MUTEX = 2, HAS_READ = 4, HAS_WRITE = 8, HAS_BIT = 16 };

static u64 do_word(const struct step *step)
{
	int *word = &shared.word[step->object];

	switch (step->kind) {
	case LOAD:
		return (u64)READ_ONCE(*word);
	case STORE:
		WRITE_ONCE(*word, step->value);
		return 0;
	case ADD:
		return (u64)sync_fetch_add(word, step->value, SYNC_FULL);
	case EXCHANGE:
		return (u64)sync_xchg(word, step->value, SYNC_FULL);
	case COMPARE:
		return (u64)sync_cmpxchg(word, step->object ? 1 : 0, step->value, SYNC_FULL);
	case RETRY:
		while (sync_cmpxchg(word, 0, step->value + 1, SYNC_FULL) != 0)
			cpu_relax();
		return 0;
	case BYTE_LOAD:
		return READ_ONCE(((u8 *)word)[step->value]);
	case BYTE_STORE:
		WRITE_ONCE(((u8 *)word)[step->value], 9);
		return 0;
	default:
		while (READ_ONCE(*word) == 0)
			cpu_relax();
		return 1;
	}
}

static u64 do_spin(u8 kind, unsigned *has)
{
	bool got = false;

	if (kind == UNLOCK) {
		if (*has & HAS_SPIN)
			sync_spin_unlock(&shared.spin, NULL);
		*has &= ~(unsigned)HAS_SPIN;
	} else if (!(*has & HAS_SPIN)) {
		got = kind == TRY ? sync_spin_trylock(&shared.spin, NULL) :
				    (sync_spin_lock(&shared.spin, NULL), true);
		*has |= got ? HAS_SPIN : 0;
	}
	return got;
}

static u64 do_mutex(u8 kind, unsigned *has)
{
	bool got = false;

	if (kind == MUTEX_UNLOCK) {
		if (*has & HAS_MUTEX)
			sync_mutex_unlock(&shared.mutex, NULL);
		*has &= ~(unsigned)HAS_MUTEX;
	} else if (!(*has & HAS_MUTEX)) {
		got = kind == MUTEX_TRY ? sync_mutex_trylock(&shared.mutex, NULL) :
					  (sync_mutex_lock(&shared.mutex, NULL), true);
		*has |= got ? HAS_MUTEX : 0;
	}
	return got;
}

static void leave_sem(unsigned *has)
{
	if (*has & HAS_READ)
		sync_up_read(&shared.sem, NULL);
	else if (*has & HAS_WRITE)
		sync_up_write(&shared.sem, NULL);
	*has &= ~(unsigned)(HAS_READ | HAS_WRITE);
}

static u64 do_sem(u8 kind, unsigned *has)
{
	bool free = !(*has & (HAS_READ | HAS_WRITE));
	bool got = true;

	switch (kind) {
	case DOWNGRADE:
		if (*has & HAS_WRITE) {
			sync_downgrade_write(&shared.sem, NULL);
			*has ^= HAS_READ | HAS_WRITE;
		}
		return 0;
	case READ_UNLOCK:
	case WRITE_UNLOCK:
		leave_sem(has);
		return 0;
	default:
		break;
	}
	if (!free)
		return 0;
	if (kind == READ_LOCK)
		sync_down_read(&shared.sem, NULL);
	else if (kind == WRITE_LOCK)
		sync_down_write(&shared.sem, NULL);
	else if (kind == READ_TRY)
		got = sync_down_read_trylock(&shared.sem, NULL);
	else
		got = sync_down_write_trylock(&shared.sem, NULL);
	if (got)
		*has |= kind == READ_LOCK || kind == READ_TRY ? HAS_READ : HAS_WRITE;
	return got;
}

static u64 do_bit(const struct step *step, unsigned *has)
{
	bool got = true;

	switch (step->kind) {
	case BIT_OR:
		return sync_fetch_or(&shared.bits, BIT(8 + step->value), SYNC_RELAXED);
	case BIT_UNLOCK:
		if (*has & HAS_BIT)
			sync_bit_unlock(&shared.bits, 3, NULL);
		*has &= ~(unsigned)HAS_BIT;
		return 0;
	default:
		break;
	}
	if (*has & HAS_BIT)
		return 0;
	if (step->kind == BIT_LOCK)
		sync_bit_lock(&shared.bits, 3, NULL);
	else
		got = sync_bit_trylock(&shared.bits, 3, NULL);
	*has |= got ? HAS_BIT : 0;
	return got;
}

static u64 do_wait(const struct step *step)
{
	struct wait_queue_entry entry;

	if (step->kind == WAKE) {
		WRITE_ONCE(shared.word[0], 1);
		wake_up_all(&shared.wq);
		return 0;
	}
	prepare_to_wait(&shared.wq, &entry);
	if (!READ_ONCE(shared.word[0]))
		sync_wait(&shared.wq, entry.sequence, NULL);
	return entry.sequence;
}

static u64 do_wide(const struct step *step)
{
	switch (step->kind) {
	case WIDE_LOAD:
		return READ_ONCE(shared.wide.whole);
	case WIDE_ADD:
		return sync_fetch_add(&shared.wide.whole, (1ull << 32) + step->value, SYNC_FULL);
	case HALF_LOAD:
		return READ_ONCE(shared.wide.half[step->object]);
	default:
		WRITE_ONCE(shared.wide.half[step->object], step->value + 5u);
		return 0;
	}
}

static u64 do_access(const struct step *step)
{
	int *page = &shared.page[step->object];

	if (step->kind == GENERATION_ADD)
		return (u64)sync_fetch_add(&shared.generation, 1, SYNC_FULL);
	sync_access_point(page, &shared.generation, step->kind == ACCESS_WRITE);
	if (step->kind == ACCESS_READ)
		return (u64)*page * 16 + (u64)shared.generation;
	*page = 3 * *page + shared.generation + step->value;
	return 0;
}

static u64 do_step(const struct step *step, unsigned *has)
{
	if (step->kind >= ACCESS_READ)
		return do_access(step);
	if (step->kind >= WIDE_LOAD)
		return do_wide(step);
	if (step->kind <= BYTE_STORE)
		return do_word(step);
	if (step->kind <= UNLOCK)
		return do_spin(step->kind, has);
	if (step->kind <= MUTEX_UNLOCK)
		return do_mutex(step->kind, has);
	if (step->kind <= DOWNGRADE)
		return do_sem(step->kind, has);
	if (step->kind <= BIT_OR)
		return do_bit(step, has);
	return do_wait(step);
}

static void thread(void *arg, unsigned self)
{
	unsigned has = 0;
	u64 hash = self;

	(void)arg;
	if (self < p.idle)
		return;
	self -= p.idle;
	for (unsigned i = 0; i < p.steps[self]; i++)
		hash = mix(hash, do_step(&p.step[self][i], &has));
	seen[self] = hash;
	/* So that it is not left in the way of the others. */
	do_spin(UNLOCK, &has);
	do_mutex(MUTEX_UNLOCK, &has);
	leave_sem(&has);
	do_bit(&(struct step){ .kind = BIT_UNLOCK }, &has);
}

/* ---- programs that fit together ---- */

static const u8 themes[][8] = {
	{ LOAD, STORE, ADD, COMPARE, EXCHANGE, LOAD, STORE, COMPARE },
	{ LOCK, TRY, UNLOCK, LOAD, STORE, LOCK, UNLOCK, UNLOCK },
	{ MUTEX_LOCK, MUTEX_TRY, MUTEX_UNLOCK, LOCK, UNLOCK, STORE, MUTEX_UNLOCK, MUTEX_LOCK },
	{ READ_LOCK, READ_UNLOCK, WRITE_LOCK, WRITE_UNLOCK, STORE, READ_LOCK, WRITE_LOCK,
	  READ_UNLOCK },
	{ READ_TRY, READ_UNLOCK, WRITE_TRY, WRITE_UNLOCK, DOWNGRADE, READ_LOCK, WRITE_LOCK,
	  READ_UNLOCK },
	{ BIT_LOCK, BIT_UNLOCK, BIT_TRY, BIT_OR, STORE, BIT_LOCK, BIT_UNLOCK, BIT_OR },
	{ AWAIT, STORE, ADD, STORE, LOAD, AWAIT, STORE, EXCHANGE },
	{ SLEEP, WAKE, STORE, LOAD, SLEEP, WAKE, ADD, STORE },
	{ AWAIT, MUTEX_LOCK, MUTEX_UNLOCK, STORE, READ_LOCK, READ_UNLOCK, WRITE_LOCK,
	  WRITE_UNLOCK },
	{ WIDE_LOAD, WIDE_ADD, HALF_LOAD, HALF_STORE, HALF_STORE, WIDE_LOAD, STORE, HALF_LOAD },
	{ ACCESS_READ, ACCESS_WRITE, ACCESS_WRITE, GENERATION_ADD, ACCESS_READ, GENERATION_ADD,
	  STORE, LOAD },
	{ RETRY, STORE, BYTE_LOAD, BYTE_STORE, RETRY, STORE, BYTE_STORE, AWAIT },
};

static void make_program(u64 seed)
{
	struct prng rng;
	const u8 *theme;
	unsigned most;

	prng_seed(&rng, seed * 0x9e3779b97f4a7c15ull + 1);
	memset(&p, 0, sizeof(p));
	theme = themes[prng_below(&rng, sizeof(themes) / sizeof(themes[0]))];
	p.threads = 2 + (unsigned)prng_below(&rng, 2);
	if (prng_below(&rng, 8) == 0)
		p.threads = THREADS;
	most = p.threads == 2 ? 5 : p.threads == 3 ? 3 : 2;
	for (unsigned t = 0; t < p.threads; t++) {
		p.steps[t] = 1 + (unsigned)prng_below(&rng, most);
		for (unsigned i = 0; i < p.steps[t]; i++)
			p.step[t][i] = (struct step){
				.kind = theme[prng_below(&rng, 8)],
				.object = (u8)prng_below(&rng, 2),
				.value = (u8)prng_below(&rng, 2),
			};
	}
	/* Sometimes a mixture, sometimes anything. */
	if (prng_below(&rng, 4) == 0)
		for (unsigned t = 0; t < p.threads; t++)
			for (unsigned i = 0; i < p.steps[t]; i++)
				p.step[t][i].kind = (u8)prng_below(&rng, NR_STEP_KINDS);
	else if (prng_below(&rng, 2))
		p.step[0][0].kind = (u8)prng_below(&rng, NR_STEP_KINDS);
	p.idle = seed % 4 ? 0 : 7;
	for (unsigned t = 0; t < p.threads; t++)
		for (unsigned i = 0; i < p.steps[t]; i++)
			p.accesses |= p.step[t][i].kind >= ACCESS_READ;
}

static void print_program(u64 seed)
{
	print_error("seed %llu:\n", (unsigned long long)seed);
	for (unsigned t = 0; t < p.threads; t++) {
		for (unsigned i = 0; i < p.steps[t]; i++)
			print_error(" %u.%u.%u", p.step[t][i].kind, p.step[t][i].object,
				    p.step[t][i].value);
		print_error("\n");
	}
}

/* ---- sets of hashes ---- */

#define SET_SLOTS (1u << 17)

struct set {
	u32 nr, repeated;
	u64 slot[SET_SLOTS];
};

static struct set traces[2], outcomes[2];
static struct set *into_traces, *into_outcomes;

static void set_clear(struct set *set)
{
	memset(set, 0, sizeof(*set));
}

static bool set_has(const struct set *set, u64 hash)
{
	for (u64 at = hash % SET_SLOTS; set->slot[at]; at = (at + 1) % SET_SLOTS)
		if (set->slot[at] == hash)
			return true;
	return false;
}

static void set_add(struct set *set, u64 hash)
{
	u64 at;

	hash = hash ? hash : 1;
	at = hash % SET_SLOTS;
	if (set_has(set, hash)) {
		set->repeated++;
		return;
	}
	assert_true(set->nr < SET_SLOTS / 2);
	while (set->slot[at])
		at = (at + 1) % SET_SLOTS;
	set->slot[at] = hash;
	set->nr++;
}

static bool set_equal(const struct set *a, const struct set *b)
{
	if (a->nr != b->nr)
		return false;
	for (u32 i = 0; i < SET_SLOTS; i++)
		if (a->slot[i] && !set_has(b, a->slot[i]))
			return false;
	return true;
}

static u64 outcome(void)
{
	u64 hash = 1;

	for (unsigned t = 0; t < p.threads; t++)
		hash = mix(hash, engine.fibers[p.idle + t]->ended ? seen[t] : 0);
	for (unsigned i = 0; i < NR_WORDS; i++)
		hash = mix(hash, (u64)shared.word[i]);
	hash = mix(hash, shared.wide.whole);
	hash = mix(hash, (u64)shared.page[0] * 1000 + (u64)shared.page[1]);
	return mix(hash, shared.bits);
}

static void each(void *arg, u64 hash)
{
	(void)arg;
	if (!hash) {
		set_clear(into_traces);
		set_clear(into_outcomes);
		return;
	}
	set_add(into_traces, hash);
	set_add(into_outcomes, outcome());
}

/* ---- comparing ---- */

static struct explore_result result;

static void run(enum explore_mode mode, int bound, bool rewinds, unsigned which)
{
	struct explore_program program = {
		.name = "random",
		.threads = p.idle + p.threads,
		.reset = reset,
		.thread = thread,
		.stack_only = rewinds && !p.accesses,
	};
	struct explore_options options = {
		.mode = mode,
		.max_preemptions = bound,
		.deadlocks_allowed = true,
		.keep_going = true,
		.max_executions = SET_SLOTS / 2 - 1,
		.each = each,
	};

	into_traces = &traces[which];
	into_outcomes = &outcomes[which];
	set_clear(into_traces);
	set_clear(into_outcomes);
	assert_int_equal(explore(&program, &options, &result), 0);
}

static u64 first_seed = 1, nr_seeds = 150;
static u64 compared;

static void compare(u64 seed, enum explore_mode mode, bool rewinds)
{
	bool same;

	run(mode, -1, rewinds, 1);
	same = set_equal(&traces[0], &traces[1]) && set_equal(&outcomes[0], &outcomes[1]);
	if (!same || traces[1].repeated || result.infeasible ||
	    (mode == EXPLORE_OPTIMAL && result.blocked)) {
		print_program(seed);
		print_error("%s: %u of %u traces, %u twice; %u of %u outcomes; %llu blocked, "
			    "%llu infeasible\n",
			    explore_mode_name(mode), traces[1].nr, traces[0].nr, traces[1].repeated,
			    outcomes[1].nr, outcomes[0].nr, (unsigned long long)result.blocked,
			    (unsigned long long)result.infeasible);
		fail();
	}
	assert_true(result.complete);
}

static void test_modes_agree(void **state)
{
	(void)state;
	compared = 0;
	for (u64 seed = first_seed; seed < first_seed + nr_seeds; seed++) {
		make_program(seed);
		run(EXPLORE_NAIVE, -1, true, 0);
		if (!result.complete)
			continue;
		compared++;
		compare(seed, EXPLORE_SLEEP, true);
		compare(seed, EXPLORE_SOURCE, true);
		compare(seed, EXPLORE_OPTIMAL, true);
		compare(seed, EXPLORE_OPTIMAL, false);
	}
	assert_true(compared > nr_seeds / 2);
}

static void compare_bounded(u64 seed, enum explore_mode mode, int bound)
{
	run(mode, bound, true, 1);
	if (set_equal(&outcomes[0], &outcomes[1]))
		return;
	print_program(seed);
	print_error("%s, bound %d: %u of %u outcomes\n", explore_mode_name(mode), bound,
		    outcomes[1].nr, outcomes[0].nr);
	fail();
}

static void test_bound_agrees(void **state)
{
	/* Few programs show a race that has to be turned round where its block begins. */
	static const u64 rare_seed = 327444;

	(void)state;
	for (u64 i = 0; i <= nr_seeds; i++) {
		u64 seed = i < nr_seeds ? first_seed + i : rare_seed;
		int bound = (int)(seed % 4);

		make_program(seed);
		run(EXPLORE_NAIVE, bound, true, 0);
		if (!result.complete)
			continue;
		compare_bounded(seed, EXPLORE_SLEEP, bound);
		compare_bounded(seed, EXPLORE_SOURCE, bound);
	}
}

/* ---- a search in pieces ---- */

static struct {
	struct explore_piece *pieces[1024];
	unsigned nr;
	u64 given;
} heap;

static void keep_piece(void *arg, struct explore_piece *piece)
{
	(void)arg;
	assert_true(heap.nr < sizeof(heap.pieces) / sizeof(heap.pieces[0]));
	heap.pieces[heap.nr++] = piece;
	heap.given++;
}

/* One piece after another, the latest first. False: something was learned on the way. */
static bool run_pieces(enum explore_mode mode, int bound, bool rewinds,
		       struct explore_halves *halves)
{
	struct explore_program program = {
		.name = "random",
		.threads = p.idle + p.threads,
		.reset = reset,
		.thread = thread,
		.stack_only = rewinds && !p.accesses,
	};
	struct explore_options options = {
		.mode = mode,
		.max_preemptions = bound,
		.deadlocks_allowed = true,
		.keep_going = true,
		.each = each,
		.give = keep_piece,
		.give_after = 1,
		.halves = halves,
	};
	struct explore_piece *piece = NULL;
	bool anew = false;

	into_traces = &traces[1];
	into_outcomes = &outcomes[1];
	set_clear(into_traces);
	set_clear(into_outcomes);
	do {
		options.piece = piece;
		assert_int_equal(explore(&program, &options, &result), 0);
		anew |= result.anew;
		assert_true(result.complete || anew);
		free(piece);
		piece = heap.nr ? heap.pieces[--heap.nr] : NULL;
		if (mode == EXPLORE_OPTIMAL)
			options.mode = EXPLORE_SOURCE;
	} while (piece);
	return !anew;
}

static void compare_pieces(u64 seed, enum explore_mode mode, int bound, bool rewinds)
{
	struct explore_halves halves = { 0 };
	bool same;

	while (!run_pieces(mode, bound, rewinds, &halves))
		;
	same = set_equal(&outcomes[0], &outcomes[1]);
	if (bound < 0)
		same = same && set_equal(&traces[0], &traces[1]) && !traces[1].repeated;
	if (same)
		return;
	print_program(seed);
	print_error("%s in pieces, bound %d: %u of %u traces, %u twice; %u of %u outcomes\n",
		    explore_mode_name(mode), bound, traces[1].nr, traces[0].nr, traces[1].repeated,
		    outcomes[1].nr, outcomes[0].nr);
	fail();
}

static void test_pieces_agree(void **state)
{
	(void)state;
	for (u64 seed = first_seed; seed < first_seed + nr_seeds; seed++) {
		make_program(seed);
		for (int bound = -1; bound < 2; bound++) {
			run(EXPLORE_NAIVE, bound, true, 0);
			if (!result.complete)
				continue;
			if (bound < 0)
				compare_pieces(seed, EXPLORE_SLEEP, bound, true);
			compare_pieces(seed, EXPLORE_SOURCE, bound, seed % 2);
			compare_pieces(seed, EXPLORE_OPTIMAL, bound, !(seed % 2));
		}
	}
	assert_true(heap.given > nr_seeds);
}

/* Without what each of these leaves out, some program is seen to be explored wrongly. */
static void test_faults_are_noticed(void **state)
{
	static const struct {
		enum explore_fault fault;
		int bound;
	} faults[] = {
		{ FAULT_SLEEP_AS_ANNOUNCED, -1 }, { FAULT_LOCK_CLOCK, -1 },
		{ FAULT_NO_STUCK, -1 },           { FAULT_UNASKED_WAITS, -1 },
		{ FAULT_NO_BLOCK_START, 1 },      { FAULT_BOUNDED_SLEEP, 1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(faults); i++) {
		bool bounded = faults[i].bound >= 0, noticed = false;
		u64 seed = 1;

		for (; seed < 2000 && !noticed; seed++) {
			make_program(seed);
			run(EXPLORE_NAIVE, faults[i].bound, true, 0);
			if (!result.complete)
				continue;
			explore_fault = faults[i].fault;
			run(bounded ? EXPLORE_SOURCE : EXPLORE_OPTIMAL, faults[i].bound, true, 1);
			explore_fault = FAULT_NONE;
			noticed = !set_equal(&outcomes[0], &outcomes[1]) ||
				  (!bounded && (!set_equal(&traces[0], &traces[1]) ||
						traces[1].repeated || result.blocked));
		}
		print_message("fault %d: program %llu\n", (int)faults[i].fault,
			      (unsigned long long)seed);
		assert_true(noticed);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_modes_agree),
		cmocka_unit_test(test_bound_agrees),
		cmocka_unit_test(test_pieces_agree),
		cmocka_unit_test(test_faults_are_noticed),
	};

	if (argc > 1)
		first_seed = strtoull(argv[1], NULL, 0);
	if (argc > 2)
		nr_seeds = strtoull(argv[2], NULL, 0);
	return cmocka_run_group_tests_name("explore/agree", tests, NULL, NULL);
}
