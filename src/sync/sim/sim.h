/* SPDX-License-Identifier: MIT */
/*
 * The simulated implementation: every primitive announces itself to a scheduler of fibers, which
 * may let another fiber go on; then it happens. sim_load, sim_store, sim_rmw and sim_fence are
 * the only ways to shared words that are not locks. While no other fiber lives nothing is
 * announced: the flag sim_shared is all that a primitive costs.
 * Included by sync/sync.h only.
 */
#ifndef SYNC_SIM_SIM_H
#define SYNC_SIM_SIM_H

#ifndef SYNC_SYNC_H
#error "include sync/sync.h"
#endif

/*
 * What a fiber can be about to do, and how a report says it.
 *      kind              words
 */
#define SIM_KINDS(X)                                                   \
	X(SIM_START, "starts")                                         \
	X(SIM_LOAD, "reads")                                           \
	X(SIM_STORE, "writes")                                         \
	X(SIM_RMW, "updates")                                          \
	X(SIM_FENCE, "passes a barrier")                               \
	X(SIM_SPIN_LOCK, "takes the spinlock")                         \
	X(SIM_SPIN_TRY, "tries the spinlock")                          \
	X(SIM_SPIN_UNLOCK, "releases the spinlock")                    \
	X(SIM_MUTEX_LOCK, "takes the mutex")                           \
	X(SIM_MUTEX_TRY, "tries the mutex")                            \
	X(SIM_MUTEX_UNLOCK, "releases the mutex")                      \
	X(SIM_READ_LOCK, "takes for read the rw_semaphore")            \
	X(SIM_READ_QUEUED, "is queued for read at the rw_semaphore")   \
	X(SIM_READ_TRY, "tries for read the rw_semaphore")             \
	X(SIM_READ_UNLOCK, "releases for read the rw_semaphore")       \
	X(SIM_WRITE_LOCK, "takes for write the rw_semaphore")          \
	X(SIM_WRITE_QUEUED, "is queued for write at the rw_semaphore") \
	X(SIM_WRITE_TRY, "tries for write the rw_semaphore")           \
	X(SIM_WRITE_UNLOCK, "releases for write the rw_semaphore")     \
	X(SIM_DOWNGRADE, "downgrades the rw_semaphore")                \
	X(SIM_BIT_LOCK, "takes the bit lock")                          \
	X(SIM_BIT_TRY, "tries the bit lock")                           \
	X(SIM_BIT_UNLOCK, "releases the bit lock")                     \
	X(SIM_WAIT, "sleeps in the wait queue")                        \
	X(SIM_WAKE, "wakes the wait queue")                            \
	X(SIM_RELAX, "spins until another fiber writes")               \
	X(SIM_YIELD, "yields")                                         \
	X(SIM_SPAWN, "starts a fiber")                                 \
	X(SIM_JOIN, "waits for the end of a fiber")                    \
	X(SIM_OUTSIDE, "waits for something outside")

enum sim_kind {
#define X(id, words) id,
	SIM_KINDS(X)
#undef X
		NR_SIM_KINDS
};

enum sim_rmw_op { SIM_XCHG, SIM_CMPXCHG, SIM_ADD, SIM_AND, SIM_OR };

/* Another fiber lives: primitives are scheduling points. */
extern bool sim_shared;

/* site: where in the source, for listings. */
u64 sim_shared_load(const void *p, unsigned size, int order, const char *site);
void sim_shared_store(void *p, unsigned size, u64 value, int order, const char *site);
u64 sim_rmw(enum sim_rmw_op op, void *p, unsigned size, u64 value, u64 expected, int order,
	    const char *site);
void sim_shared_fence(int order, const char *site);

/* The access itself; for constant sizes one instruction. */
static inline u64 sim_peek(const void *p, unsigned size)
{
	switch (size) {
	case 1:
		return *(const volatile u8 *)p;
	case 2:
		return *(const volatile u16 *)p;
	case 4:
		return *(const volatile u32 *)p;
	default:
		return *(const volatile u64 *)p;
	}
}

static inline void sim_poke(void *p, unsigned size, u64 value)
{
	switch (size) {
	case 1:
		*(volatile u8 *)p = (u8)value;
		break;
	case 2:
		*(volatile u16 *)p = (u16)value;
		break;
	case 4:
		*(volatile u32 *)p = (u32)value;
		break;
	default:
		*(volatile u64 *)p = value;
		break;
	}
}

static inline u64 sim_load(const void *p, unsigned size, int order, const char *site)
{
	return unlikely(sim_shared) ? sim_shared_load(p, size, order, site) : sim_peek(p, size);
}

static inline void sim_store(void *p, unsigned size, u64 value, int order, const char *site)
{
	if (unlikely(sim_shared))
		sim_shared_store(p, size, value, order, site);
	else
		sim_poke(p, size, value);
}

static inline void sim_fence(int order, const char *site)
{
	if (unlikely(sim_shared))
		sim_shared_fence(order, site);
}

/* The type of *(p) without qualifiers. */
#define SYNC_TYPE(p) __typeof__(((void)0, *(p)))
/* A value as *(p) would hold it, as a word. */
#define SIM_WORD(p, v) ((u64)(SYNC_TYPE(p))(v))

/* Not announced: nothing may depend on it but an assertion. */
#define sync_peek(p) ((SYNC_TYPE(p))sim_peek(p, sizeof(*(p))))
#define sync_load_at(p, order, site) ((SYNC_TYPE(p))sim_load(p, sizeof(*(p)), order, site))
#define sync_store_at(p, v, order, site) sim_store(p, sizeof(*(p)), SIM_WORD(p, v), order, site)
#define sync_xchg_at(p, v, order, site) SIM_RMW_EXPR(SIM_XCHG, p, v, 0, order, site)
#define sync_cmpxchg_at(p, expected, desired, order, site) \
	SIM_RMW_EXPR(SIM_CMPXCHG, p, desired, expected, order, site)
#define sync_fetch_add_at(p, v, order, site) SIM_RMW_EXPR(SIM_ADD, p, v, 0, order, site)
#define sync_fetch_and(p, v, order) SIM_RMW_EXPR(SIM_AND, p, v, 0, order, SYNC_SITE)
#define sync_fetch_or(p, v, order) SIM_RMW_EXPR(SIM_OR, p, v, 0, order, SYNC_SITE)
#define sync_fence(order) sim_fence(order, SYNC_SITE)
#define sync_load(p, order) sync_load_at(p, order, SYNC_SITE)
#define sync_store(p, v, order) sync_store_at(p, v, order, SYNC_SITE)
#define sync_xchg(p, v, order) sync_xchg_at(p, v, order, SYNC_SITE)
#define sync_cmpxchg(p, expected, desired, order) \
	sync_cmpxchg_at(p, expected, desired, order, SYNC_SITE)
#define sync_fetch_add(p, v, order) sync_fetch_add_at(p, v, order, SYNC_SITE)

/* In braces, so that the value may be left unused. */
#define SIM_RMW_EXPR(op, p, v, expected, order, site)                                              \
	({                                                                                         \
		(SYNC_TYPE(p)) sim_rmw(op, p, sizeof(*(p)), SIM_WORD(p, v), SIM_WORD(p, expected), \
				       order, site);                                               \
	})

/* The head of every fiber, also of the one that is none: the program outside umm_sim_run. */
struct sim_self {
	struct task *task;
};
extern struct sim_self *sim_self;

static inline struct task *sync_current(void)
{
	return sim_self->task;
}

static inline void sync_set_current(struct task *task)
{
	sim_self->task = task;
}

/*
 * The fiber goes on only after another one has written since its cpu_relax() before this one
 * (so that a loop that reads several words misses no write), and others go first.
 */
void sim_relax(const char *site);
#define cpu_relax() sim_relax(SYNC_SITE)

/* Nothing where memory is one; else a full barrier, but for an access that hits: one step. */
void sim_light_barrier(void);

void sync_spin_lock(spinlock_t *lock, const char *site);
bool sync_spin_trylock(spinlock_t *lock, const char *site);
void sync_spin_unlock(spinlock_t *lock, const char *site);
void sync_mutex_lock(struct mutex *lock, const char *site);
bool sync_mutex_trylock(struct mutex *lock, const char *site);
void sync_mutex_unlock(struct mutex *lock, const char *site);
void sync_down_read(struct rw_semaphore *sem, const char *site);
bool sync_down_read_trylock(struct rw_semaphore *sem, const char *site);
void sync_up_read(struct rw_semaphore *sem, const char *site);
void sync_down_write(struct rw_semaphore *sem, const char *site);
bool sync_down_write_trylock(struct rw_semaphore *sem, const char *site);
void sync_up_write(struct rw_semaphore *sem, const char *site);
void sync_downgrade_write(struct rw_semaphore *sem, const char *site);
void sync_bit_lock(u64 *word, unsigned bit, const char *site);
bool sync_bit_trylock(u64 *word, unsigned bit, const char *site);
void sync_bit_unlock(u64 *word, unsigned bit, const char *site);
void sync_wait(struct wait_queue_head *wq, u32 sequence, const char *site);
void sync_wake_all(struct wait_queue_head *wq);

#endif
