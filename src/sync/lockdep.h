/* SPDX-License-Identifier: MIT */
/*
 * lockdep: the lock order, checked as locks are taken. Each thread or fiber has a stack of the
 * locks it holds. Stops the program (umm_bug_text) when a thread
 *   takes a lock whose class ranks before one it holds, or equal unless the class may nest;
 *   takes a lock it holds already, or releases one that it does not hold;
 *   may sleep (any lock but a spinlock, or a wait) while it holds a spinlock.
 * A try-lock cannot deadlock and is exempt from the order, but counts as held afterwards.
 *
 * Only in builds with SYNC_CHECKED; elsewhere every call below is empty.
 * Included by sync/sync.h, which declares the classes.
 */
#ifndef SYNC_LOCKDEP_H
#define SYNC_LOCKDEP_H

#ifndef SYNC_SYNC_H
#error "include sync/sync.h"
#endif

enum lockdep_kind {
	LOCKDEP_SPIN,  /* spinlock: the holder may not sleep */
	LOCKDEP_SLEEP, /* exclusive, the holder may sleep */
	LOCKDEP_READ,  /* shared with other readers, the holder may sleep */
};

#define LOCKDEP_DEPTH 48

struct lockdep_held {
	const void *lock;
	const char *site;
	u8 class;
	u8 kind;
};

/* What one thread or fiber holds, outermost first. */
struct lockdep_stack {
	unsigned depth;
	unsigned spins; /* how many of them are spinlocks */
	struct lockdep_held held[LOCKDEP_DEPTH];
};

const char *lock_class_name(unsigned cls);
/* Supplied by the implementation: the stack of the calling thread or fiber. */
struct lockdep_stack *sync_lockdep_stack(void);

#ifdef SYNC_CHECKED

void lockdep_before(const void *lock, unsigned cls, enum lockdep_kind kind, const char *site);
void lockdep_acquired(const void *lock, unsigned cls, enum lockdep_kind kind, const char *site);
void lockdep_released(const void *lock, unsigned cls, const char *site);
void lockdep_downgraded(const void *lock, unsigned cls, const char *site);
/* The caller is about to do what may sleep. */
void lockdep_may_sleep(const char *site);
/* Whether this thread holds the lock; for write, not only for read. */
bool lockdep_is_held(const void *lock);
bool lockdep_is_held_write(const void *lock);
/* Locks held by this thread, for assertions and at the end of every public call. */
unsigned lockdep_held_count(void);

#define lockdep_assert_held(lock) VM_BUG_ON(!lockdep_is_held(lock))
#define lockdep_assert_held_write(lock) VM_BUG_ON(!lockdep_is_held_write(lock))
#define might_sleep() lockdep_may_sleep(SYNC_SITE)

#else

static inline void lockdep_before(const void *lock, unsigned cls, enum lockdep_kind kind,
				  const char *site)
{
	(void)lock, (void)cls, (void)kind, (void)site;
}

static inline void lockdep_acquired(const void *lock, unsigned cls, enum lockdep_kind kind,
				    const char *site)
{
	(void)lock, (void)cls, (void)kind, (void)site;
}

static inline void lockdep_released(const void *lock, unsigned cls, const char *site)
{
	(void)lock, (void)cls, (void)site;
}

static inline void lockdep_downgraded(const void *lock, unsigned cls, const char *site)
{
	(void)lock, (void)cls, (void)site;
}

static inline void lockdep_may_sleep(const char *site)
{
	(void)site;
}

#define lockdep_assert_held(lock) ((void)(lock))
#define lockdep_assert_held_write(lock) ((void)(lock))
#define might_sleep() ((void)0)

static inline unsigned lockdep_held_count(void)
{
	return 0;
}

#endif

static inline bool lockdep_enabled(void)
{
#ifdef SYNC_CHECKED
	return true;
#else
	return false;
#endif
}

#endif
