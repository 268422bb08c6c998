/* SPDX-License-Identifier: MIT */
/*
 * The primitives: each announces itself, which may let other fibers run, and then happens at
 * once. One that blocks is announced also when no other fiber lives, so that what can never be
 * had is noticed.
 *
 * A rw_semaphore has arrival order: who cannot have it takes a ticket, which is a step that
 * others see, and then waits for its turn.
 */
#include "sync/sim/race.h"

#include "sync/membarrier.h"

static void point(enum sim_kind kind, const void *object, u64 arg, const char *site)
{
	struct sim_op op = { .kind = (u8)kind, .object = object, .arg = arg, .site = site };

	sim_point(&op);
}

static void shared_point(enum sim_kind kind, const void *object, u64 arg, const char *site)
{
	if (sim_shared)
		point(kind, object, arg, site);
}

/* Of an operation that may have to wait. */
static void blocking_point(bool possible, enum sim_kind kind, const void *object, u64 arg,
			   const char *site)
{
	if (sim_shared || !possible)
		point(kind, object, arg, site);
}

/* ---- words ---- */

static void access_point(enum sim_kind kind, const void *p, unsigned size, u64 value, int order,
			 const char *site)
{
	struct sim_op op = {
		.kind = (u8)kind,
		.object = p,
		.size = (u8)size,
		.order = order,
		.site = site,
		.arg = value,
	};

	sim_point(&op);
}

/* What a loop around cpu_relax() waits to see changed. */
static void note_look(const void *p, unsigned size, u64 value)
{
	struct sim_fiber *self = sim_current();

	self->last_load = p;
	self->last_value = value;
	self->last_size = (u8)size;
}

/* What was announced as a change only looked. */
static void no_effect(const void *p, unsigned size, u64 value)
{
	note_look(p, size, value);
	sim_current()->took_effect = false;
}

static inline int order_of(enum sim_kind kind, int order, const char *site)
{
	return unlikely(sim_order) && order != SYNC_RELAXED ? sim_order(site, kind, order) : order;
}

/* What was announced happens now, to the newest value. */
static inline void effect(bool changes)
{
	if (unlikely(sim_memory) && sim_shared)
		sim_memory->carry_out(&sim_current()->op, changes);
}

u64 sim_shared_load(const void *p, unsigned size, int order, const char *site)
{
	const void *pc = __builtin_return_address(0);
	u64 value;
	u32 version;

	order = order_of(SIM_LOAD, order, site);
	access_point(SIM_LOAD, p, size, 0, order, site);
	if (unlikely(sim_memory)) {
		value = sim_memory->load(&sim_current()->op, &version);
		race_loaded_version(p, size, order, pc, version);
	} else {
		race_loaded(p, size, order, pc);
		value = sim_peek(p, size);
	}
	note_look(p, size, value);
	return value;
}

void sim_shared_store(void *p, unsigned size, u64 value, int order, const char *site)
{
	const void *pc = __builtin_return_address(0);

	order = order_of(SIM_STORE, order, site);
	access_point(SIM_STORE, p, size, value, order, site);
	sim_wrote();
	if (unlikely(sim_memory) && !sim_memory->store(&sim_current()->op, pc))
		return;
	race_stored(p, size, order, pc);
	sim_poke(p, size, value);
}

u64 sim_rmw(enum sim_rmw_op op, void *p, unsigned size, u64 value, u64 expected, int order,
	    const char *site)
{
	u64 mask = size < sizeof(u64) ? BIT(8 * size) - 1 : ~0ull;
	u64 old;

	order = order_of(SIM_RMW, order, site);
	if (sim_shared) {
		struct sim_op announced = {
			.kind = SIM_RMW,
			.object = p,
			.size = (u8)size,
			.rmw = (u8)op,
			.order = order,
			.site = site,
			.arg = value,
			.expected = expected,
		};

		sim_point(&announced);
	}
	VM_BUG_ON2((uintptr_t)p % size, (uintptr_t)p, size);
	if (unlikely(sim_memory) && sim_shared &&
	    !sim_memory->update(&sim_current()->op, __builtin_return_address(0), &old)) {
		sim_wrote();
		return old;
	}
	old = sim_peek(p, size);
	switch (op) {
	case SIM_XCHG:
		break;
	case SIM_CMPXCHG:
		if (old != (expected & mask)) {
			no_effect(p, size, old);
			effect(false);
			race_loaded(p, size, order, __builtin_return_address(0));
			return old;
		}
		break;
	case SIM_ADD:
		value += old;
		break;
	case SIM_AND:
		value &= old;
		break;
	case SIM_OR:
		value |= old;
		break;
	}
	effect(true);
	race_updated(p, size, order, __builtin_return_address(0));
	sim_poke(p, size, value);
	sim_wrote();
	return old;
}

void sync_access_point(const void *frame, const void *generation, bool write)
{
	struct sim_op op = {
		.kind = write ? SIM_STORE : SIM_LOAD,
		.object = frame,
		.object2 = generation,
	};

	if (sim_shared)
		sim_point(&op);
	if (write)
		sim_wrote();
}

void sim_shared_fence(int order, const char *site)
{
	order = order_of(SIM_FENCE, order, site);
	if (order == SYNC_RELAXED)
		return;
	access_point(SIM_FENCE, NULL, 0, 0, order, site);
	race_fence(order);
	if (unlikely(sim_memory))
		sim_memory->fence(order);
}

void sim_light_barrier(void)
{
	barrier();
	if (unlikely(sim_memory) && sim_shared && !sim_current()->op.object2)
		sim_memory->fence(SYNC_FULL);
}

void sim_relax(const char *site)
{
	struct sim_fiber *self = sim_current();
	struct sim_op op = { .kind = SIM_RELAX, .arg = self->relax_seen, .site = site };

	if (sim_stepped) {
		op.object = self->last_load;
		op.arg = self->last_value;
		op.size = self->last_size;
	}
	sim_point_yield(&op);
	effect(false);
	self->last_load = NULL;
	self->relax_seen = sim.writes - self->own_writes;
}

/* ---- spinlock and mutex: 0 free, 1 held ---- */

void sync_spin_lock(spinlock_t *lock, const char *site)
{
	blocking_point(!lock->word, SIM_SPIN_LOCK, lock, 0, site);
	effect(true);
	lock->word = 1;
	sim_wrote();
	race_acquire(lock);
}

bool sync_spin_trylock(spinlock_t *lock, const char *site)
{
	shared_point(SIM_SPIN_TRY, lock, 0, site);
	if (lock->word) {
		no_effect(&lock->word, sizeof(lock->word), lock->word);
		effect(false);
		return false;
	}
	effect(true);
	lock->word = 1;
	sim_wrote();
	race_acquire(lock);
	return true;
}

void sync_spin_unlock(spinlock_t *lock, const char *site)
{
	shared_point(SIM_SPIN_UNLOCK, lock, 0, site);
	VM_BUG_ON(!lock->word);
	race_release(lock);
	effect(true);
	lock->word = 0;
	sim_wrote();
}

void sync_mutex_lock(struct mutex *lock, const char *site)
{
	blocking_point(!lock->word, SIM_MUTEX_LOCK, lock, 0, site);
	effect(true);
	lock->word = 1;
	sim_wrote();
	race_acquire(lock);
}

bool sync_mutex_trylock(struct mutex *lock, const char *site)
{
	shared_point(SIM_MUTEX_TRY, lock, 0, site);
	if (lock->word) {
		no_effect(&lock->word, sizeof(lock->word), lock->word);
		effect(false);
		return false;
	}
	effect(true);
	lock->word = 1;
	sim_wrote();
	race_acquire(lock);
	return true;
}

void sync_mutex_unlock(struct mutex *lock, const char *site)
{
	shared_point(SIM_MUTEX_UNLOCK, lock, 0, site);
	VM_BUG_ON(!lock->word);
	race_release(lock);
	effect(true);
	lock->word = 0;
	sim_wrote();
}

/* ---- rw_semaphore ---- */

/* Stepped, there is no queue: who may have it next is chosen outside. */
static bool rwsem_plain(struct rw_semaphore *sem, enum sim_kind kind, u32 blockers,
			const char *site)
{
	if (!sim_stepped)
		return false;
	blocking_point(!(sem->state & blockers), kind, sem, 0, site);
	return true;
}

static bool rwsem_free(const struct rw_semaphore *sem, u32 blockers)
{
	return sem->next == sem->serving && !(sem->state & blockers);
}

/* Leaves the caller at the head of the queue, with none of `blockers` set, and takes it off. */
static void rwsem_queue(struct rw_semaphore *sem, enum sim_kind kind, const char *site)
{
	u32 ticket = sem->next++;

	sem->state |= RWSEM_WAITERS;
	sim_wrote();
	point(kind, sem, ticket, site);
	sem->serving++;
	if (sem->next == sem->serving)
		sem->state &= ~RWSEM_WAITERS;
}

void sync_down_read(struct rw_semaphore *sem, const char *site)
{
	if (!rwsem_plain(sem, SIM_READ_LOCK, RWSEM_WRITER, site)) {
		shared_point(SIM_READ_LOCK, sem, 0, site);
		if (!rwsem_free(sem, RWSEM_WRITER))
			rwsem_queue(sem, SIM_READ_QUEUED, site);
	}
	effect(true);
	sem->state++;
	race_acquire(sem);
	sim_wrote();
}

bool sync_down_read_trylock(struct rw_semaphore *sem, const char *site)
{
	shared_point(SIM_READ_TRY, sem, 0, site);
	if (!rwsem_free(sem, RWSEM_WRITER)) {
		no_effect(&sem->state, sizeof(sem->state), sem->state);
		effect(false);
		return false;
	}
	effect(true);
	sem->state++;
	race_acquire(sem);
	sim_wrote();
	return true;
}

void sync_up_read(struct rw_semaphore *sem, const char *site)
{
	shared_point(SIM_READ_UNLOCK, sem, 0, site);
	VM_BUG_ON(!(sem->state & RWSEM_READERS));
	race_release_readers(sem);
	effect(true);
	sem->state--;
	sim_wrote();
}

void sync_down_write(struct rw_semaphore *sem, const char *site)
{
	if (!rwsem_plain(sem, SIM_WRITE_LOCK, RWSEM_WRITER | RWSEM_READERS, site)) {
		shared_point(SIM_WRITE_LOCK, sem, 0, site);
		if (!rwsem_free(sem, RWSEM_WRITER | RWSEM_READERS))
			rwsem_queue(sem, SIM_WRITE_QUEUED, site);
	}
	effect(true);
	sem->state |= RWSEM_WRITER;
	race_acquire(sem);
	race_acquire_readers(sem);
	sim_wrote();
}

bool sync_down_write_trylock(struct rw_semaphore *sem, const char *site)
{
	shared_point(SIM_WRITE_TRY, sem, 0, site);
	if (!rwsem_free(sem, RWSEM_WRITER | RWSEM_READERS)) {
		no_effect(&sem->state, sizeof(sem->state), sem->state);
		effect(false);
		return false;
	}
	effect(true);
	sem->state |= RWSEM_WRITER;
	race_acquire(sem);
	race_acquire_readers(sem);
	sim_wrote();
	return true;
}

void sync_up_write(struct rw_semaphore *sem, const char *site)
{
	shared_point(SIM_WRITE_UNLOCK, sem, 0, site);
	VM_BUG_ON(!(sem->state & RWSEM_WRITER));
	race_release(sem);
	effect(true);
	sem->state &= ~RWSEM_WRITER;
	sim_wrote();
}

void sync_downgrade_write(struct rw_semaphore *sem, const char *site)
{
	shared_point(SIM_DOWNGRADE, sem, 0, site);
	VM_BUG_ON(!(sem->state & RWSEM_WRITER));
	race_release(sem);
	effect(true);
	sem->state = (sem->state & ~RWSEM_WRITER) + 1;
	sim_wrote();
}

/* ---- bit lock ---- */

void sync_bit_lock(u64 *word, unsigned bit, const char *site)
{
	blocking_point(!(*word & BIT(bit)), SIM_BIT_LOCK, word, bit, site);
	effect(true);
	*word |= BIT(bit);
	race_acquire(word);
	sim_wrote();
}

bool sync_bit_trylock(u64 *word, unsigned bit, const char *site)
{
	shared_point(SIM_BIT_TRY, word, bit, site);
	if (*word & BIT(bit)) {
		no_effect(word, sizeof(*word), *word);
		effect(false);
		return false;
	}
	effect(true);
	*word |= BIT(bit);
	race_acquire(word);
	sim_wrote();
	return true;
}

void sync_bit_unlock(u64 *word, unsigned bit, const char *site)
{
	shared_point(SIM_BIT_UNLOCK, word, bit, site);
	VM_BUG_ON(!(*word & BIT(bit)));
	race_release(word);
	effect(true);
	*word &= ~BIT(bit);
	sim_wrote();
}

/* ---- wait queue ---- */

void sync_wait(struct wait_queue_head *wq, u32 sequence, const char *site)
{
	blocking_point(wq->sequence != sequence, SIM_WAIT, wq, sequence, site);
	effect(false);
	race_acquire(wq);
}

void sync_wake_all(struct wait_queue_head *wq)
{
	shared_point(SIM_WAKE, wq, 0, NULL);
	race_release(wq);
	effect(true);
	wq->sequence++;
	sim_wrote();
}

struct lockdep_stack *sync_lockdep_stack(void)
{
	return &sim_current()->lockdep;
}
