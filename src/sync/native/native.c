/* SPDX-License-Identifier: MIT */
/*
 * What a contended lock does. Spin a little first: sections under these locks are short, and the
 * holder usually runs on another processor. If it does not (few processors, holder preempted),
 * let the host run it: spinlocks yield and then sleep a moment, everything else sleeps on a word
 * until woken. Words are waited on where they lie, so that this works in shared memory too.
 */
#include "sync/sync.h"
#include "host/host.h"

#define SPIN_PAUSES 128 /* before the host is bothered */
#define SPIN_YIELDS 64  /* before a spinner sleeps */
#define SPIN_SLEEP_NS 20000
/* Before a waiter sleeps, as long as that has paid; and how often it is tried when it has not. */
#define WAIT_MIN_PAUSES 8
#define WAIT_MAX_PAUSES 2048
#define WAIT_TRY_EVERY 128

_Thread_local struct task *native_current __attribute__((tls_model("initial-exec")));
u32 native_bit_waiters[NATIVE_BIT_WAITERS];
#ifdef SYNC_NO_FENCE
u32 native_fence_word;
#endif

static inline void pause_cpu(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield" ::: "memory");
#else
	barrier();
#endif
}

/* One step of a spin; *step counts them. */
static void back_off(unsigned *step)
{
	unsigned n = (*step)++;

	if (n < SPIN_PAUSES)
		pause_cpu();
	else if (n < SPIN_PAUSES + SPIN_YIELDS)
		host_thread_yield();
	else
		host_sleep_ns(SPIN_SLEEP_NS);
}

void cpu_relax(void)
{
	static _Thread_local unsigned calls __attribute__((tls_model("initial-exec")));

	if (++calls % SPIN_PAUSES == 0)
		host_thread_yield();
	else
		pause_cpu();
}

void native_spin_lock_slow(spinlock_t *lock)
{
	unsigned step = 0;

	do {
		while (__atomic_load_n(&lock->word, __ATOMIC_RELAXED))
			back_off(&step);
	} while (__atomic_exchange_n(&lock->word, 1, __ATOMIC_ACQUIRE));
}

void native_mutex_lock_slow(struct mutex *lock)
{
	for (unsigned n = 0; n < SPIN_PAUSES; n++) {
		if (__atomic_load_n(&lock->word, __ATOMIC_RELAXED) == 0 &&
		    sync_mutex_trylock(lock, NULL))
			return;
		pause_cpu();
	}
	/* Held with 2 even if nobody else sleeps: at worst one wake-up too many. */
	while (__atomic_exchange_n(&lock->word, 2, __ATOMIC_ACQUIRE) != 0)
		host_wait(&lock->word, 2);
}

void native_mutex_wake(struct mutex *lock)
{
	host_wake(&lock->word, 1);
}

/*
 * The queue of a rw_semaphore: tickets. Only the head of the queue looks at the state and sleeps
 * on it; the others sleep on the word `serving`. The head sets RWSEM_WAITERS again before each
 * sleep, so whoever takes the bit away when the queue looks empty can not hurt it.
 */
static void rwsem_queue(struct rw_semaphore *sem, u32 *ret_ticket)
{
	u32 ticket = __atomic_fetch_add(&sem->next, 1, __ATOMIC_SEQ_CST);
	u32 serving;

	*ret_ticket = ticket;
	while ((serving = __atomic_load_n(&sem->serving, __ATOMIC_ACQUIRE)) != ticket)
		host_wait(&sem->serving, serving);
}

static void rwsem_dequeue(struct rw_semaphore *sem, u32 ticket)
{
	if (__atomic_load_n(&sem->next, __ATOMIC_RELAXED) == ticket + 1)
		__atomic_fetch_and(&sem->state, ~RWSEM_WAITERS, __ATOMIC_RELAXED);
	__atomic_store_n(&sem->serving, ticket + 1, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&sem->next, __ATOMIC_SEQ_CST) != ticket + 1)
		host_wake(&sem->serving, INT32_MAX);
}

/* The head of the queue waits until none of `blockers` is set, then adds `add`. */
static void rwsem_wait_turn(struct rw_semaphore *sem, u32 blockers, u32 add)
{
	unsigned spins = 0;

	for (;;) {
		u32 state = __atomic_or_fetch(&sem->state, RWSEM_WAITERS, __ATOMIC_RELAXED);

		if (!(state & blockers)) {
			if (__atomic_compare_exchange_n(&sem->state, &state, state + add, false,
							__ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
				return;
		} else if (spins++ < SPIN_PAUSES) {
			pause_cpu();
		} else {
			host_wait(&sem->state, state);
		}
	}
}

void native_down_read_slow(struct rw_semaphore *sem)
{
	u32 ticket;

	sync_up_read(sem, NULL);
	rwsem_queue(sem, &ticket);
	rwsem_wait_turn(sem, RWSEM_WRITER, 1);
	rwsem_dequeue(sem, ticket);
}

void native_down_write_slow(struct rw_semaphore *sem)
{
	u32 ticket;

	rwsem_queue(sem, &ticket);
	rwsem_wait_turn(sem, RWSEM_WRITER | RWSEM_READERS, RWSEM_WRITER);
	rwsem_dequeue(sem, ticket);
}

/* Only the head of the queue sleeps on the state. */
void native_rwsem_wake(struct rw_semaphore *sem)
{
	host_wake(&sem->state, 1);
}

/* The half of the word that holds the bit: the host waits on 32 bits. */
static u32 *bit_half(u64 *word, unsigned bit)
{
	bool high = bit >= 32;

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	high = !high;
#endif
	return (u32 *)word + (high ? 1 : 0);
}

void native_bit_lock_slow(u64 *word, unsigned bit)
{
	u32 *waiters = native_bit_waiters_of(word);

	for (unsigned n = 0; n < SPIN_PAUSES; n++) {
		if (!(__atomic_load_n(word, __ATOMIC_RELAXED) & BIT(bit)) &&
		    sync_bit_trylock(word, bit, NULL))
			return;
		pause_cpu();
	}
	__atomic_fetch_add(waiters, 1, __ATOMIC_SEQ_CST);
	while (!sync_bit_trylock(word, bit, NULL)) {
		u64 seen = __atomic_load_n(word, __ATOMIC_SEQ_CST);

		if (seen & BIT(bit))
			host_wait(bit_half(word, bit), (u32)(bit >= 32 ? seen >> 32 : seen));
	}
	__atomic_fetch_sub(waiters, 1, __ATOMIC_SEQ_CST);
}

void native_bit_wake(u64 *word, unsigned bit)
{
	host_wake(bit_half(word, bit), INT32_MAX);
}

/*
 * Whether the answer came while the thread stayed on its processor. Where two threads answer each
 * other, to be woken takes much longer than the answer; where others want the processor, or the
 * answer takes long, staying is a waste. A thread goes by its own luck.
 */
static bool wait_awake(const struct wait_queue_head *wq, u32 sequence)
{
	static _Thread_local unsigned most = WAIT_MAX_PAUSES, waits;
	unsigned pauses = ++waits % WAIT_TRY_EVERY ? most : WAIT_MAX_PAUSES;

	for (unsigned n = 0; n < pauses; n++) {
		if (__atomic_load_n(&wq->sequence, __ATOMIC_ACQUIRE) != sequence) {
			most = WAIT_MAX_PAUSES;
			return true;
		}
		pause_cpu();
	}
	most = MAX(most / 2, WAIT_MIN_PAUSES);
	return false;
}

void sync_wait(struct wait_queue_head *wq, u32 sequence, const char *site)
{
	(void)site;
	if (wait_awake(wq, sequence))
		return;
	__atomic_fetch_add(&wq->sleepers, 1, __ATOMIC_SEQ_CST);
	host_wait(&wq->sequence, sequence);
	__atomic_fetch_sub(&wq->sleepers, 1, __ATOMIC_RELAXED);
}

void sync_wake_all(struct wait_queue_head *wq)
{
	__atomic_fetch_add(&wq->sequence, 1, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&wq->sleepers, __ATOMIC_SEQ_CST) != 0)
		host_wake(&wq->sequence, INT32_MAX);
}

#ifdef SYNC_CHECKED
struct lockdep_stack *sync_lockdep_stack(void)
{
	static _Thread_local struct lockdep_stack stack;

	return &stack;
}
#endif
