/* SPDX-License-Identifier: MIT */
/*
 * The native implementation: compiler atomics, and futex-like waits of host/ when a lock is
 * contended. The uncontended paths are inline, one atomic read-modify-write each.
 * Included by sync/sync.h only.
 */
#ifndef SYNC_NATIVE_NATIVE_H
#define SYNC_NATIVE_NATIVE_H

#ifndef SYNC_SYNC_H
#error "include sync/sync.h"
#endif

/* The type of *(p) without qualifiers. */
#define SYNC_TYPE(p) __typeof__(((void)0, *(p)))
/* The order of a compare-exchange that failed: a plain read. */
#define SYNC_FAIL_ORDER(order)                        \
	((order) == SYNC_RELEASE ? __ATOMIC_RELAXED : \
	 (order) == SYNC_ACQ_REL ? __ATOMIC_ACQUIRE : \
				   (int)(order))

#define sync_load(p, order) __atomic_load_n(p, order)
#define sync_peek(p) __atomic_load_n(p, __ATOMIC_RELAXED)
#define sync_store(p, v, order) __atomic_store_n(p, v, order)
#define sync_xchg(p, v, order) __atomic_exchange_n(p, v, order)
#define sync_fetch_add(p, v, order) __atomic_fetch_add(p, v, order)
#define sync_fetch_and(p, v, order) __atomic_fetch_and(p, v, order)
#define sync_fetch_or(p, v, order) __atomic_fetch_or(p, v, order)
#define sync_cmpxchg(p, expected, desired, order)                                   \
	({                                                                          \
		SYNC_TYPE(p) seen_ = (expected);                                    \
                                                                                    \
		(void)__atomic_compare_exchange_n(p, &seen_, desired, false, order, \
						  SYNC_FAIL_ORDER(order));          \
		seen_;                                                              \
	})

#define sync_load_at(p, order, site) sync_load(p, order)
#define sync_store_at(p, v, order, site) sync_store(p, v, order)
#define sync_xchg_at(p, v, order, site) sync_xchg(p, v, order)
#define sync_cmpxchg_at(p, expected, desired, order, site) sync_cmpxchg(p, expected, desired, order)
#define sync_fetch_add_at(p, v, order, site) sync_fetch_add(p, v, order)

#if defined(__SANITIZE_THREAD__)
#define SYNC_NO_FENCE 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SYNC_NO_FENCE 1
#endif
#endif

#ifdef SYNC_NO_FENCE
/* The thread sanitizer does not understand fences: a read-modify-write of one word for all. */
extern u32 native_fence_word;
#define sync_fence(order) ((void)__atomic_fetch_add(&native_fence_word, 0, __ATOMIC_SEQ_CST))
#else
#define sync_fence(order) __atomic_thread_fence(order)
#endif

/* ---- current ---- */

extern _Thread_local struct task *native_current __attribute__((tls_model("initial-exec")));

static inline struct task *sync_current(void)
{
	return native_current;
}

static inline void sync_set_current(struct task *task)
{
	native_current = task;
}

/* Busy waiting: pauses, and lets other threads of the host run now and then. */
void cpu_relax(void);

/* ---- spinlock: 0 free, 1 held ---- */

void native_spin_lock_slow(spinlock_t *lock);

static inline bool sync_spin_trylock(spinlock_t *lock, const char *site)
{
	(void)site;
	return __atomic_load_n(&lock->word, __ATOMIC_RELAXED) == 0 &&
	       __atomic_exchange_n(&lock->word, 1, __ATOMIC_ACQUIRE) == 0;
}

static inline void sync_spin_lock(spinlock_t *lock, const char *site)
{
	(void)site;
	if (unlikely(__atomic_exchange_n(&lock->word, 1, __ATOMIC_ACQUIRE) != 0))
		native_spin_lock_slow(lock);
}

static inline void sync_spin_unlock(spinlock_t *lock, const char *site)
{
	(void)site;
	__atomic_store_n(&lock->word, 0, __ATOMIC_RELEASE);
}

/* ---- mutex: 0 free, 1 held, 2 held and somebody may sleep ---- */

void native_mutex_lock_slow(struct mutex *lock);
void native_mutex_wake(struct mutex *lock);

static inline bool sync_mutex_trylock(struct mutex *lock, const char *site)
{
	u32 expected = 0;

	(void)site;
	return __atomic_compare_exchange_n(&lock->word, &expected, 1, false, __ATOMIC_ACQUIRE,
					   __ATOMIC_RELAXED);
}

static inline void sync_mutex_lock(struct mutex *lock, const char *site)
{
	if (unlikely(!sync_mutex_trylock(lock, site)))
		native_mutex_lock_slow(lock);
}

static inline void sync_mutex_unlock(struct mutex *lock, const char *site)
{
	(void)site;
	if (unlikely(__atomic_exchange_n(&lock->word, 0, __ATOMIC_RELEASE) == 2))
		native_mutex_wake(lock);
}

/*
 * ---- rw_semaphore ----
 *
 * A reader adds itself first and looks afterwards; if it may not be there it takes itself off
 * again and queues. So the number of readers may be too high for a moment, but only while
 * RWSEM_WRITER or RWSEM_WAITERS is set.
 */

void native_down_read_slow(struct rw_semaphore *sem);
void native_down_write_slow(struct rw_semaphore *sem);
void native_rwsem_wake(struct rw_semaphore *sem);

static inline void sync_down_read(struct rw_semaphore *sem, const char *site)
{
	u32 old = __atomic_fetch_add(&sem->state, 1, __ATOMIC_ACQUIRE);

	(void)site;
	if (unlikely(old & (RWSEM_WRITER | RWSEM_WAITERS)))
		native_down_read_slow(sem);
}

static inline bool sync_down_read_trylock(struct rw_semaphore *sem, const char *site)
{
	u32 old = __atomic_load_n(&sem->state, __ATOMIC_RELAXED);

	(void)site;
	while (!(old & (RWSEM_WRITER | RWSEM_WAITERS))) {
		if (__atomic_compare_exchange_n(&sem->state, &old, old + 1, false, __ATOMIC_ACQUIRE,
						__ATOMIC_RELAXED))
			return true;
	}
	return false;
}

static inline void sync_up_read(struct rw_semaphore *sem, const char *site)
{
	u32 old = __atomic_fetch_sub(&sem->state, 1, __ATOMIC_RELEASE);

	(void)site;
	if (unlikely((old & RWSEM_WAITERS) && (old & RWSEM_READERS) == 1))
		native_rwsem_wake(sem);
}

static inline bool sync_down_write_trylock(struct rw_semaphore *sem, const char *site)
{
	u32 expected = 0;

	(void)site;
	return __atomic_compare_exchange_n(&sem->state, &expected, RWSEM_WRITER, false,
					   __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

static inline void sync_down_write(struct rw_semaphore *sem, const char *site)
{
	if (unlikely(!sync_down_write_trylock(sem, site)))
		native_down_write_slow(sem);
}

static inline void sync_up_write(struct rw_semaphore *sem, const char *site)
{
	u32 old = __atomic_fetch_sub(&sem->state, RWSEM_WRITER, __ATOMIC_RELEASE);

	(void)site;
	if (unlikely(old & RWSEM_WAITERS))
		native_rwsem_wake(sem);
}

static inline void sync_downgrade_write(struct rw_semaphore *sem, const char *site)
{
	u32 old = __atomic_fetch_sub(&sem->state, RWSEM_WRITER - 1, __ATOMIC_RELEASE);

	(void)site;
	if (unlikely(old & RWSEM_WAITERS))
		native_rwsem_wake(sem);
}

/* ---- bit lock ---- */

#define NATIVE_BIT_WAITERS 256

/*
 * How many threads sleep for a bit of a word whose address hashes here. In this process only:
 * of all locks, bit locks alone do not wake sleepers of another process.
 */
extern u32 native_bit_waiters[NATIVE_BIT_WAITERS];

void native_bit_lock_slow(u64 *word, unsigned bit);
void native_bit_wake(u64 *word, unsigned bit);

static inline u32 *native_bit_waiters_of(const u64 *word)
{
	return &native_bit_waiters[((uintptr_t)word >> 6) % NATIVE_BIT_WAITERS];
}

static inline bool sync_bit_trylock(u64 *word, unsigned bit, const char *site)
{
	(void)site;
	return !(__atomic_fetch_or(word, BIT(bit), __ATOMIC_ACQUIRE) & BIT(bit));
}

static inline void sync_bit_lock(u64 *word, unsigned bit, const char *site)
{
	if (unlikely(!sync_bit_trylock(word, bit, site)))
		native_bit_lock_slow(word, bit);
}

/* Sequentially consistent on both sides: either the waiter sees the bit clear, or it is seen. */
static inline void sync_bit_unlock(u64 *word, unsigned bit, const char *site)
{
	(void)site;
	__atomic_fetch_and(word, ~BIT(bit), __ATOMIC_SEQ_CST);
	if (unlikely(__atomic_load_n(native_bit_waiters_of(word), __ATOMIC_SEQ_CST) != 0))
		native_bit_wake(word, bit);
}

/* ---- wait queue ---- */

void sync_wait(struct wait_queue_head *wq, u32 sequence, const char *site);
void sync_wake_all(struct wait_queue_head *wq);

#endif
