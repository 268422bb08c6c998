/* SPDX-License-Identifier: MIT */
/*
 * usermm: explorations in C. A small concurrent program, written against the operations below
 * alone, is run under every interleaving that matters, or under many random ones.
 *
 * Glossary
 *   execution  one run of the program's threads, from the start until none can go on
 *   trace      executions that differ only in the order of operations that do not touch
 *   failure    an expectation that does not hold, or threads that wait for ever
 *   schedule   which thread does its next operation, over and over: a failure can be had again
 *
 * Between two operations a thread runs alone: plain variables of its own are free. What threads
 * share is read and written by operations only. The program ends its threads by returning.
 *
 * One exploration at a time in a process, on one host thread.
 */
#ifndef USERMM_EXPLORE_H
#define USERMM_EXPLORE_H

#include "usermm/usermm.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- exploring --------------------------------------------------------------------------- */

enum umm_strategy {
	UMM_OPTIMAL, /* every trace once */
	UMM_SOURCE,  /* every trace; now and then an execution that turns out to be needless */
	UMM_SLEEP,   /* the same, more of them needless */
	UMM_NAIVE,   /* every interleaving */
	UMM_RANDOM,  /* any thread that can go on, drawn anew at each operation */
	UMM_POS,     /* random priorities of operations, drawn anew where they touch */
	UMM_PCT,     /* random priorities of threads, with few changes */
	UMM_URW,     /* every interleaving about equally likely */
};

/*
 * What a load may read. But for UMM_MEMORY_SC, UMM_OPTIMAL explores graphs, each once, of small
 * programs; the other strategies go step by step as ever, may come by one graph several times, and
 * have a schedule to show. docs/memory-model.md says what each of the two leaves out.
 */
enum umm_memory {
	UMM_MEMORY_SC,   /* one order of everything */
	UMM_MEMORY_TSO,  /* stores are seen late by others (x86) */
	UMM_MEMORY_WEAK, /* what Linux promises on every processor */
};

struct umm_exploration {
	const char *name;
	void *arg;
	unsigned threads;                         /* 1..32 */
	void (*reset)(void *arg);                 /* what is shared, to its start */
	void (*thread)(void *arg, unsigned self); /* run by threads 0 .. threads - 1 */
	void (*check)(void *arg);                 /* after all have ended; may be NULL */

	enum umm_strategy strategy;
	enum umm_memory memory;
	int max_preemptions;     /* of a search that is not random; below 0: any number */
	uint64_t max_executions; /* 0: any number */
	uint64_t max_ns;         /* 0: any time */
	uint64_t seed;
	bool keep_going;        /* after a failure too */
	bool deadlocks_allowed; /* they are counted, and no failures */
	/*
	 * Threads keep nothing but on their stacks, and change nothing but by operations: going
	 * back then undoes operations one by one, which is many times faster than starting again.
	 */
	bool stack_only;
};

struct umm_explored {
	uint64_t executions; /* without the needless ones; of UMM_OPTIMAL and such: traces */
	uint64_t blocked;    /* needless ones */
	uint64_t deadlocks;
	uint64_t failures;
	uint64_t first_failure; /* number of the execution, from 1; 0: none */
	uint64_t events;        /* operations carried out */
	uint64_t ns;
	double estimate; /* executions that the whole takes; 0: not known */
	bool complete;   /* everything was covered */
	bool bounded;    /* with no more than max_preemptions */
	char failure[1024];
};

/* No bound, UMM_OPTIMAL, UMM_MEMORY_SC. */
UMM_API void umm_exploration_init(struct umm_exploration *exploration);
/*
 * Explore. 0; -EINVAL: not so many threads, or no such strategy or memory; -EOPNOTSUPP, -E2BIG:
 * no graph can hold this program (UMM_OPTIMAL, and memory that is not UMM_MEMORY_SC).
 */
UMM_API int umm_explore(const struct umm_exploration *exploration,
			struct umm_explored *ret_explored);
UMM_API const char *umm_strategy_name(enum umm_strategy strategy);

/*
 * After umm_explore or umm_explore_replay has found a failure, of that one, unless it is a graph.
 * Each returns the length of the whole text, which may exceed size, as snprintf does; 0:
 * there was no failure.
 *   minimise  make it as small as can be; 0, or -ENOENT: no failure
 *   listing   operation by operation, a column for each thread
 *   schedule  for umm_explore_replay
 */
UMM_API int umm_explore_minimise(const struct umm_exploration *exploration);
UMM_API size_t umm_explore_listing(const struct umm_exploration *exploration, char *buf,
				   size_t size);
UMM_API size_t umm_explore_schedule(const struct umm_exploration *exploration, char *buf,
				    size_t size);
/* Exactly this execution. 0; -EINVAL: text is no schedule, and why. */
UMM_API int umm_explore_replay(const struct umm_exploration *exploration, const char *text,
			       struct umm_explored *ret_explored, char *error, size_t error_size);

/* From a thread or from check: a failure. Does not return to a thread. */
UMM_API void umm_explore_fail(const char *text);

#define UMM_EXPLORE_SITE __FILE__ ":" UMM_EXPLORE_STRING(__LINE__)
#define UMM_EXPLORE_STRING(x) UMM_EXPLORE_STRING_(x)
#define UMM_EXPLORE_STRING_(x) #x

#define umm_expect(cond)                                                                \
	do {                                                                            \
		if (!(cond))                                                            \
			umm_explore_fail(UMM_EXPLORE_SITE ": " #cond " does not hold"); \
	} while (0)

/* ---- operations on words of 1, 2, 4 or 8 bytes, or pointers --------------------------- */

enum umm_order { UMM_RELAXED, UMM_ACQUIRE, UMM_RELEASE, UMM_FULL };

/* p is a typed pointer. These return the old value. */
#define umm_load(p, order) \
	UMM_EXPLORE_AS(p, umm_explore_load(p, sizeof(*(p)), order, UMM_EXPLORE_SITE))
#define umm_exchange(p, v, order) UMM_EXPLORE_UPDATE(0, p, v, 0, order)
#define umm_compare_exchange(p, expected, desired, order) \
	UMM_EXPLORE_UPDATE(1, p, desired, expected, order)
#define umm_fetch_add(p, v, order) UMM_EXPLORE_UPDATE(2, p, v, 0, order)
#define umm_fetch_and(p, v, order) UMM_EXPLORE_UPDATE(3, p, v, 0, order)
#define umm_fetch_or(p, v, order) UMM_EXPLORE_UPDATE(4, p, v, 0, order)
#define umm_store(p, v, order) \
	umm_explore_store(p, sizeof(*(p)), UMM_EXPLORE_WORD(p, v), order, UMM_EXPLORE_SITE)
/* A barrier: UMM_ACQUIRE between reads, UMM_RELEASE between writes, UMM_FULL. */
#define umm_fence(order) umm_explore_fence(order, UMM_EXPLORE_SITE)
/* Wait until the word is not v; what it is then. Always instead of a loop of loads. */
#define umm_await_not(p, v, order)                                                              \
	UMM_EXPLORE_AS(p, umm_explore_await_not(p, sizeof(*(p)), UMM_EXPLORE_WORD(p, v), order, \
						UMM_EXPLORE_SITE))

#define UMM_EXPLORE_WORD(p, v) ((uint64_t)(__typeof__(*(p)))(v))
/* A value that nobody has to look at. */
#define UMM_EXPLORE_AS(p, word) (__extension__({ (__typeof__(*(p)))(word); }))
#define UMM_EXPLORE_UPDATE(op, p, v, expected, order)                                  \
	UMM_EXPLORE_AS(p,                                                              \
		       umm_explore_update(op, p, sizeof(*(p)), UMM_EXPLORE_WORD(p, v), \
					  UMM_EXPLORE_WORD(p, expected), order, UMM_EXPLORE_SITE))

UMM_API uint64_t umm_explore_load(const void *p, unsigned size, enum umm_order order,
				  const char *site);
UMM_API void umm_explore_store(void *p, unsigned size, uint64_t value, enum umm_order order,
			       const char *site);
UMM_API uint64_t umm_explore_update(unsigned op, void *p, unsigned size, uint64_t value,
				    uint64_t expected, enum umm_order order, const char *site);
UMM_API void umm_explore_fence(enum umm_order order, const char *site);
UMM_API uint64_t umm_explore_await_not(const void *p, unsigned size, uint64_t value,
				       enum umm_order order, const char *site);

/* ---- locks and waiting; all zero is free ---------------------------------------------- */

struct umm_mutex {
	uint32_t opaque[2];
};

struct umm_rwlock {
	uint32_t opaque[4];
};

struct umm_wait_queue {
	uint32_t opaque[2];
};

#define umm_mutex_lock(lock) umm_explore_lock(lock, UMM_EXPLORE_SITE)
#define umm_mutex_trylock(lock) umm_explore_trylock(lock, UMM_EXPLORE_SITE)
#define umm_mutex_unlock(lock) umm_explore_unlock(lock, UMM_EXPLORE_SITE)
#define umm_read_lock(lock) umm_explore_read_lock(lock, UMM_EXPLORE_SITE)
#define umm_read_unlock(lock) umm_explore_read_unlock(lock, UMM_EXPLORE_SITE)
#define umm_write_lock(lock) umm_explore_write_lock(lock, UMM_EXPLORE_SITE)
#define umm_write_unlock(lock) umm_explore_write_unlock(lock, UMM_EXPLORE_SITE)
/*
 * As Linux waits: prepare, look whether there is a reason to wait, sleep. A wake-up since the
 * preparation is not lost.
 */
#define umm_wait_sleep(queue, prepared) umm_explore_sleep(queue, prepared, UMM_EXPLORE_SITE)
UMM_API uint32_t umm_wait_prepare(struct umm_wait_queue *queue);
UMM_API void umm_wake_all(struct umm_wait_queue *queue);

UMM_API void umm_explore_lock(struct umm_mutex *lock, const char *site);
UMM_API bool umm_explore_trylock(struct umm_mutex *lock, const char *site);
UMM_API void umm_explore_unlock(struct umm_mutex *lock, const char *site);
UMM_API void umm_explore_read_lock(struct umm_rwlock *lock, const char *site);
UMM_API void umm_explore_read_unlock(struct umm_rwlock *lock, const char *site);
UMM_API void umm_explore_write_lock(struct umm_rwlock *lock, const char *site);
UMM_API void umm_explore_write_unlock(struct umm_rwlock *lock, const char *site);
UMM_API void umm_explore_sleep(struct umm_wait_queue *queue, uint32_t prepared, const char *site);

#ifdef __cplusplus
}
#endif

#endif
