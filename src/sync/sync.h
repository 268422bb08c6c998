/* SPDX-License-Identifier: MIT */
/*
 * sync: the one door for concurrency. Names and meaning are Linux's.
 *
 * Two implementations of the primitives below, chosen at build time:
 *   native  C11 atomics and futex-like waits; locks live in the arena and work across processes
 *   sim     (UMM_SIM) fibers: every primitive announces itself to a scheduler and may switch
 * Everything else in this header is written once, on top of the primitives.
 *
 * A lock carries its class; debug and sim builds check the lock order at run time against the
 * rank of the classes (docs/LOCKING.md).
 */
#ifndef SYNC_SYNC_H
#define SYNC_SYNC_H

#include "base/mutant.h"
#include "base/types.h"
#include "base/assert.h"

#if defined(UMM_SIM) || defined(UMM_DEBUG)
#define SYNC_CHECKED 1
/* Where a lock was taken, for reports. */
#define SYNC_SITE __FILE__ ":" SYNC_STRING(__LINE__)
#define SYNC_STRING(x) SYNC_STRING_(x)
#define SYNC_STRING_(x) #x
#else
#define SYNC_SITE NULL
#endif

/* ---- lock classes, outermost first: the order is the rank ------------------------------- */

/*
 *      class          lock                                        may nest in itself
 */
#define LOCK_CLASSES(X)                                                             \
	X(LC_SWAPON, "swapon", false)   /* one swapon or swapoff at a time */       \
	X(LC_MACHINE, "machine", false) /* task list, configuration */              \
	X(LC_FILE_POS, "f_pos", false)  /* where read(2) goes on */                 \
	X(LC_INODE, "i_rwsem", false)   /* size of a file, writes to it */          \
	X(LC_MMAP, "mmap_lock", true)   /* fork and process_vm take two */          \
	X(LC_INVALIDATE, "invalidate_lock", false)                                  \
	X(LC_FOLIO, "folio lock", true) /* migration: the old, then the new */      \
	X(LC_SHMEM_LIST, "shmem_swaplist", false)                                   \
	X(LC_I_MMAP, "i_mmap_rwsem", true)                                          \
	X(LC_ANON_VMA, "anon_vma", true)                                            \
	X(LC_MM_TABLES, "page_table_lock", true) /* entries that point at tables */ \
	X(LC_PTL, "ptl", true)                   /* a table page; fork takes two */ \
	X(LC_FLUSH, "tlb flush", false)          /* generations of one mm */        \
	X(LC_CPU, "cpu", false)                  /* who runs on which CPU */        \
	X(LC_FILES, "files", false)              /* descriptors; all inodes */      \
	X(LC_UFFD, "userfaultfd", false)         /* who waits on a context */       \
	X(LC_XA, "i_pages", false)               /* a page cache */                 \
	X(LC_SWAP_CLUSTER, "swap cluster", false)                                   \
	X(LC_SWAP, "swap", false)   /* areas, free clusters */                      \
	X(LC_SHMEM, "shmem", false) /* counts of a shmem inode */                   \
	X(LC_LRU_BATCH, "lru batch", false)                                         \
	X(LC_LRU, "lru_lock", false)                                                \
	X(LC_PCP, "per-CPU pages", false)                                           \
	X(LC_ZONE, "zone", false)                                                   \
	X(LC_SLAB, "slab", false)                                                   \
	X(LC_HEAP, "heap", false)                                                   \
	X(LC_WAIT, "wait queue", false)                                             \
	X(LC_FAIL, "failure injection", false)                                      \
	X(LC_TRACE, "trace", false)

enum lock_class {
#define X(id, name, nest) id,
	LOCK_CLASSES(X)
#undef X
		NR_LOCK_CLASSES
};

/* ---- types ------------------------------------------------------------------------------- */

typedef struct {
	u32 word;
	u8 class; /* enum lock_class */
} spinlock_t;

struct mutex {
	u32 word;
	u8 class;
};

/*
 * Readers and writers in arrival order: one that has to wait takes a ticket, and while there is
 * a queue newcomers join it. A downgrade lets the readers at the head of the queue in.
 */
struct rw_semaphore {
	u32 state;   /* number of readers, RWSEM_WRITER, RWSEM_WAITERS */
	u32 next;    /* the next ticket */
	u32 serving; /* the ticket at the head of the queue */
	u8 class;
};

#define RWSEM_WRITER 0x80000000u
#define RWSEM_WAITERS 0x40000000u
#define RWSEM_READERS 0x3fffffffu

struct wait_queue_head {
	u32 sequence; /* of wake-ups */
	u32 sleepers;
};

struct wait_queue_entry {
	u32 sequence; /* when prepared */
};

struct task;

/* ---- primitives: atomics ------------------------------------------------------------------ */

enum sync_order {
	SYNC_RELAXED = __ATOMIC_RELAXED,
	SYNC_ACQUIRE = __ATOMIC_ACQUIRE,
	SYNC_RELEASE = __ATOMIC_RELEASE,
	SYNC_ACQ_REL = __ATOMIC_ACQ_REL,
	SYNC_FULL = __ATOMIC_SEQ_CST,
};

/*
 * The primitive accesses are macros over typed objects (1, 2, 4, 8 bytes, pointers too):
 *   sync_load(p, order)  sync_store(p, v, order)  sync_xchg(p, v, order)
 *   sync_cmpxchg(p, expected, desired, order)     returns the old value
 *   sync_fetch_add(p, v, order)  sync_fetch_and(p, v, order)  sync_fetch_or(p, v, order)
 *   sync_fence(order)
 */

/*
 * What an implementation supplies, beside the accesses above: struct task *sync_current(void),
 * void sync_set_current(task), cpu_relax(), and the sync_* functions used below.
 */
#ifdef UMM_SIM
#include "sync/sim/sim.h"
#else
#include "sync/native/native.h"
#endif
#include "sync/lockdep.h"

#define READ_ONCE(x) sync_load(&(x), SYNC_RELAXED)
#define WRITE_ONCE(x, v) sync_store(&(x), (v), SYNC_RELAXED)
#define smp_load_acquire(p) sync_load(p, SYNC_ACQUIRE)
#define smp_store_release(p, v) sync_store(p, v, SYNC_RELEASE)
#define smp_mb() sync_fence(SYNC_FULL)
#define smp_rmb() sync_fence(SYNC_ACQUIRE)
#define smp_wmb() sync_fence(SYNC_RELEASE)
#define barrier() __asm__ volatile("" ::: "memory")

typedef struct {
	int v;
} atomic_t;

typedef struct {
	s64 v;
} atomic64_t;

#define ATOMIC_INIT(i) \
	{              \
		(i)    \
	}

/*
 * Linux's order: the ones that return a value are full barriers, the others relaxed. Each is a
 * macro over an inline function, so that a listing can name the line.
 */
#define ATOMIC_OPS(T, prefix, word)                                                            \
	static inline word prefix##_read_at(const T *a, const char *site)                      \
	{                                                                                      \
		(void)site;                                                                    \
		return sync_load_at(&((T *)a)->v, SYNC_RELAXED, site);                         \
	}                                                                                      \
	static inline void prefix##_set_at(T *a, word i, const char *site)                     \
	{                                                                                      \
		(void)site;                                                                    \
		sync_store_at(&a->v, i, SYNC_RELAXED, site);                                   \
	}                                                                                      \
	static inline void prefix##_add_at(T *a, word i, const char *site)                     \
	{                                                                                      \
		(void)site;                                                                    \
		(void)sync_fetch_add_at(&a->v, i, SYNC_RELAXED, site);                         \
	}                                                                                      \
	static inline word prefix##_fetch_add_at(T *a, word i, const char *site)               \
	{                                                                                      \
		(void)site;                                                                    \
		return sync_fetch_add_at(&a->v, i, SYNC_FULL, site);                           \
	}                                                                                      \
	static inline word prefix##_cmpxchg_at(T *a, word expected, word desired,              \
					       const char *site)                               \
	{                                                                                      \
		(void)site;                                                                    \
		return sync_cmpxchg_at(&a->v, expected, desired, SYNC_FULL, site);             \
	}                                                                                      \
	static inline word prefix##_xchg_at(T *a, word i, const char *site)                    \
	{                                                                                      \
		(void)site;                                                                    \
		return sync_xchg_at(&a->v, i, SYNC_FULL, site);                                \
	}                                                                                      \
	/* Adds unless it equals `unless`; true when added. */                                 \
	static inline bool prefix##_add_unless_at(T *a, word i, word unless, const char *site) \
	{                                                                                      \
		word old = prefix##_read_at(a, site);                                          \
                                                                                               \
		while (old != unless) {                                                        \
			word seen = prefix##_cmpxchg_at(a, old, old + i, site);                \
                                                                                               \
			if (seen == old)                                                       \
				return true;                                                   \
			old = seen;                                                            \
		}                                                                              \
		return false;                                                                  \
	}

ATOMIC_OPS(atomic_t, atomic, int)
ATOMIC_OPS(atomic64_t, atomic64, s64)

#define atomic_read(a) atomic_read_at(a, SYNC_SITE)
#define atomic_set(a, i) atomic_set_at(a, i, SYNC_SITE)
#define atomic_add(a, i) atomic_add_at(a, i, SYNC_SITE)
#define atomic_sub(a, i) atomic_add_at(a, -(i), SYNC_SITE)
#define atomic_inc(a) atomic_add_at(a, 1, SYNC_SITE)
#define atomic_dec(a) atomic_add_at(a, -1, SYNC_SITE)
#define atomic_fetch_add(a, i) atomic_fetch_add_at(a, i, SYNC_SITE)
#define atomic_add_return(a, i) sync_add_return(atomic, int, a, i)
#define atomic_sub_return(a, i) sync_add_return(atomic, int, a, -(i))
#define atomic_inc_return(a) sync_add_return(atomic, int, a, 1)
#define atomic_dec_return(a) sync_add_return(atomic, int, a, -1)
#define atomic_sub_and_test(a, i) (atomic_sub_return(a, i) == 0)
#define atomic_dec_and_test(a) (atomic_dec_return(a) == 0)
#define atomic_cmpxchg(a, expected, desired) atomic_cmpxchg_at(a, expected, desired, SYNC_SITE)
#define atomic_xchg(a, i) atomic_xchg_at(a, i, SYNC_SITE)
#define atomic_add_unless(a, i, unless) atomic_add_unless_at(a, i, unless, SYNC_SITE)
#define atomic_inc_not_zero(a) atomic_add_unless(a, 1, 0)

#define atomic64_read(a) atomic64_read_at(a, SYNC_SITE)
#define atomic64_set(a, i) atomic64_set_at(a, i, SYNC_SITE)
#define atomic64_add(a, i) atomic64_add_at(a, i, SYNC_SITE)
#define atomic64_sub(a, i) atomic64_add_at(a, -(s64)(i), SYNC_SITE)
#define atomic64_inc(a) atomic64_add_at(a, 1, SYNC_SITE)
#define atomic64_dec(a) atomic64_add_at(a, -1, SYNC_SITE)
#define atomic64_fetch_add(a, i) atomic64_fetch_add_at(a, i, SYNC_SITE)
#define atomic64_add_return(a, i) sync_add_return(atomic64, s64, a, i)
#define atomic64_sub_return(a, i) sync_add_return(atomic64, s64, a, -(s64)(i))
#define atomic64_inc_return(a) sync_add_return(atomic64, s64, a, 1)
#define atomic64_dec_return(a) sync_add_return(atomic64, s64, a, -1)
#define atomic64_sub_and_test(a, i) (atomic64_sub_return(a, i) == 0)
#define atomic64_dec_and_test(a) (atomic64_dec_return(a) == 0)
#define atomic64_cmpxchg(a, expected, desired) atomic64_cmpxchg_at(a, expected, desired, SYNC_SITE)
#define atomic64_xchg(a, i) atomic64_xchg_at(a, i, SYNC_SITE)

#define sync_add_return(prefix, word, a, i)                           \
	({                                                            \
		word added_ = (i);                                    \
                                                                      \
		prefix##_fetch_add_at(a, added_, SYNC_SITE) + added_; \
	})

/* ---- locks --------------------------------------------------------------------------------- */

/*
 * Each lock is a macro over an inline function, so that a report can name the line. A spinlock
 * holder must not sleep: every lock below that is not a spinlock may.
 */
#define LOCK_OP(name, T, kind, take)                             \
	static inline void name##_at(T *lock, const char *site)  \
	{                                                        \
		lockdep_before(lock, lock->class, kind, site);   \
		take(lock, site);                                \
		lockdep_acquired(lock, lock->class, kind, site); \
	}
#define TRYLOCK_OP(name, T, kind, try)                           \
	static inline bool name##_at(T *lock, const char *site)  \
	{                                                        \
		if (!try(lock, site))                            \
			return false;                            \
		lockdep_acquired(lock, lock->class, kind, site); \
		return true;                                     \
	}
#define UNLOCK_OP(name, T, release)                             \
	static inline void name##_at(T *lock, const char *site) \
	{                                                       \
		lockdep_released(lock, lock->class, site);      \
		release(lock, site);                            \
	}

static inline void spin_lock_init(spinlock_t *lock, enum lock_class cls)
{
	*lock = (spinlock_t){ .class = (u8)cls };
}

/* The questions whether a lock is held are for assertions; the simulator does not see them. */
static inline bool spin_is_locked(const spinlock_t *lock)
{
	return sync_peek(&lock->word) != 0;
}

LOCK_OP(spin_lock, spinlock_t, LOCKDEP_SPIN, sync_spin_lock)
TRYLOCK_OP(spin_trylock, spinlock_t, LOCKDEP_SPIN, sync_spin_trylock)
UNLOCK_OP(spin_unlock, spinlock_t, sync_spin_unlock)
#define spin_lock(lock) spin_lock_at(lock, SYNC_SITE)
#define spin_trylock(lock) spin_trylock_at(lock, SYNC_SITE)
#define spin_unlock(lock) spin_unlock_at(lock, SYNC_SITE)

static inline void mutex_init(struct mutex *lock, enum lock_class cls)
{
	*lock = (struct mutex){ .class = (u8)cls };
}

static inline bool mutex_is_locked(const struct mutex *lock)
{
	return sync_peek(&lock->word) != 0;
}

LOCK_OP(mutex_lock, struct mutex, LOCKDEP_SLEEP, sync_mutex_lock)
TRYLOCK_OP(mutex_trylock, struct mutex, LOCKDEP_SLEEP, sync_mutex_trylock)
UNLOCK_OP(mutex_unlock, struct mutex, sync_mutex_unlock)
#define mutex_lock(lock) mutex_lock_at(lock, SYNC_SITE)
#define mutex_trylock(lock) mutex_trylock_at(lock, SYNC_SITE)
#define mutex_unlock(lock) mutex_unlock_at(lock, SYNC_SITE)

static inline void init_rwsem(struct rw_semaphore *sem, enum lock_class cls)
{
	*sem = (struct rw_semaphore){ .class = (u8)cls };
}

/* For assertions: held by anyone; held by anyone for write. */
static inline bool rwsem_is_locked(const struct rw_semaphore *sem)
{
	return (sync_peek(&sem->state) & ~RWSEM_WAITERS) != 0;
}

static inline bool rwsem_is_write_locked(const struct rw_semaphore *sem)
{
	return (sync_peek(&sem->state) & RWSEM_WRITER) != 0;
}

LOCK_OP(down_read, struct rw_semaphore, LOCKDEP_READ, sync_down_read)
TRYLOCK_OP(down_read_trylock, struct rw_semaphore, LOCKDEP_READ, sync_down_read_trylock)
UNLOCK_OP(up_read, struct rw_semaphore, sync_up_read)
LOCK_OP(down_write, struct rw_semaphore, LOCKDEP_SLEEP, sync_down_write)
TRYLOCK_OP(down_write_trylock, struct rw_semaphore, LOCKDEP_SLEEP, sync_down_write_trylock)
UNLOCK_OP(up_write, struct rw_semaphore, sync_up_write)
#define down_read(sem) down_read_at(sem, SYNC_SITE)
#define down_read_trylock(sem) down_read_trylock_at(sem, SYNC_SITE)
#define up_read(sem) up_read_at(sem, SYNC_SITE)
#define down_write(sem) down_write_at(sem, SYNC_SITE)
#define down_write_trylock(sem) down_write_trylock_at(sem, SYNC_SITE)
#define up_write(sem) up_write_at(sem, SYNC_SITE)

/* From held for write to held for read, without letting a writer in between. */
static inline void downgrade_write_at(struct rw_semaphore *sem, const char *site)
{
	lockdep_downgraded(sem, sem->class, site);
	sync_downgrade_write(sem, site);
}
#define downgrade_write(sem) downgrade_write_at(sem, SYNC_SITE)

/* A bit of a flags word as a sleeping lock (the folio lock). */
static inline void bit_lock_at(u64 *word, unsigned bit, enum lock_class cls, const char *site)
{
	lockdep_before(word, cls, LOCKDEP_SLEEP, site);
	sync_bit_lock(word, bit, site);
	lockdep_acquired(word, cls, LOCKDEP_SLEEP, site);
}

static inline bool bit_trylock_at(u64 *word, unsigned bit, enum lock_class cls, const char *site)
{
	if (!sync_bit_trylock(word, bit, site))
		return false;
	lockdep_acquired(word, cls, LOCKDEP_SLEEP, site);
	return true;
}

static inline void bit_unlock_at(u64 *word, unsigned bit, enum lock_class cls, const char *site)
{
	lockdep_released(word, cls, site);
	sync_bit_unlock(word, bit, site);
}
#define bit_lock(word, bit, cls) bit_lock_at(word, bit, cls, SYNC_SITE)
#define bit_trylock(word, bit, cls) bit_trylock_at(word, bit, cls, SYNC_SITE)
#define bit_unlock(word, bit, cls) bit_unlock_at(word, bit, cls, SYNC_SITE)

/* ---- waiting ------------------------------------------------------------------------------- */

/*
 * Wait queues, as Linux builds them: prepare_to_wait, check the condition, schedule, until it
 * holds; finish_wait. A wake-up after prepare_to_wait is never lost: it moves the sequence, and
 * wait_schedule sleeps only while the sequence is the one that prepare_to_wait saw. The waker
 * makes the condition true before it calls wake_up_all.
 */
static inline void init_waitqueue_head(struct wait_queue_head *wq)
{
	*wq = (struct wait_queue_head){ 0 };
}

static inline void prepare_to_wait(struct wait_queue_head *wq, struct wait_queue_entry *entry)
{
	entry->sequence = sync_load(&wq->sequence, SYNC_ACQUIRE);
}

static inline void wait_schedule_at(struct wait_queue_head *wq, struct wait_queue_entry *entry,
				    const char *site)
{
	lockdep_may_sleep(site);
	if (MUTANT(wakeup_lost))
		prepare_to_wait(wq, entry);
	sync_wait(wq, entry->sequence, site);
}
#define wait_schedule(wq, entry) wait_schedule_at(wq, entry, SYNC_SITE)

static inline void finish_wait(struct wait_queue_head *wq, struct wait_queue_entry *entry)
{
	(void)wq;
	(void)entry;
}

static inline void wake_up_all(struct wait_queue_head *wq)
{
	sync_wake_all(wq);
}

#define wait_event(wq, condition)                    \
	do {                                         \
		struct wait_queue_entry wait_;       \
                                                     \
		prepare_to_wait(wq, &wait_);         \
		while (!(condition)) {               \
			wait_schedule(wq, &wait_);   \
			prepare_to_wait(wq, &wait_); \
		}                                    \
		finish_wait(wq, &wait_);             \
	} while (0)

/*
 * cpu_relax(): busy waiting for another CPU, and only for that. Native backs off to the host; in
 * sim the fiber is not scheduled again until some other fiber has written.
 */

/* The task that runs on this host thread or fiber; NULL outside the library. */
#define current (sync_current())

#endif
