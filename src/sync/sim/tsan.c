/* SPDX-License-Identifier: MIT */
/*
 * The runtime that code compiled with -fsanitize=thread calls: each access of the core that is
 * not marked. (With -fsanitize=thread at the link the compiler's own runtime has these names.)
 */
#include "sync/sim/race.h"

#ifdef UMM_SIM_TSAN

#define PC __builtin_return_address(0)

void __tsan_init(void);
void __tsan_init(void)
{
	race_built = true;
}

void __tsan_func_entry(void *pc);
void __tsan_func_entry(void *pc)
{
	(void)pc;
}

void __tsan_func_exit(void);
void __tsan_func_exit(void)
{
}

#define ACCESS(name, bytes, flags)                        \
	void __tsan_##name(void *p);                      \
	void __tsan_##name(void *p)                       \
	{                                                 \
		if (unlikely(race_on) && race_watched(p)) \
			race_access(p, bytes, flags, PC); \
	}

#define ACCESSES(bytes)                                   \
	ACCESS(read##bytes, bytes, 0)                     \
	ACCESS(write##bytes, bytes, RACE_WRITE)           \
	ACCESS(unaligned_read##bytes, bytes, 0)           \
	ACCESS(unaligned_write##bytes, bytes, RACE_WRITE) \
	ACCESS(read_write##bytes, bytes, RACE_WRITE)      \
	ACCESS(unaligned_read_write##bytes, bytes, RACE_WRITE)

ACCESSES(1)
ACCESSES(2)
ACCESSES(4)
ACCESSES(8)
ACCESSES(16)

/* Accesses that only watch the machine: nothing is decided by them. */
#define VOLATILE(bytes)                                       \
	void __tsan_volatile_read##bytes(void *p);            \
	void __tsan_volatile_read##bytes(void *p)             \
	{                                                     \
		(void)p;                                      \
	}                                                     \
	void __tsan_volatile_write##bytes(void *p);           \
	void __tsan_volatile_write##bytes(void *p)            \
	{                                                     \
		(void)p;                                      \
	}                                                     \
	void __tsan_unaligned_volatile_read##bytes(void *p);  \
	void __tsan_unaligned_volatile_read##bytes(void *p)   \
	{                                                     \
		(void)p;                                      \
	}                                                     \
	void __tsan_unaligned_volatile_write##bytes(void *p); \
	void __tsan_unaligned_volatile_write##bytes(void *p)  \
	{                                                     \
		(void)p;                                      \
	}

VOLATILE(1)
VOLATILE(2)
VOLATILE(4)
VOLATILE(8)
VOLATILE(16)

void __tsan_read_range(void *p, unsigned long bytes);
void __tsan_read_range(void *p, unsigned long bytes)
{
	if (unlikely(race_on))
		race_access(p, bytes, 0, PC);
}

void __tsan_write_range(void *p, unsigned long bytes);
void __tsan_write_range(void *p, unsigned long bytes)
{
	if (unlikely(race_on))
		race_access(p, bytes, RACE_WRITE, PC);
}

/* ---- accesses of a simulated instruction: atomic, no scheduling points ---- */

/* Within a page that sync_access_point has just announced: data of a simulated program. */
static bool is_data(const volatile void *p)
{
	const struct sim_op *op = &sim_current()->op;

	return unlikely(sim_memory) && sim_shared && !op->site && !op->size &&
	       (op->kind == SIM_LOAD || op->kind == SIM_STORE) &&
	       (uintptr_t)p - (uintptr_t)op->object < 4096;
}

static struct sim_op data_op(enum sim_kind kind, const volatile void *p, unsigned size, int order)
{
	return (struct sim_op){
		.kind = (u8)kind,
		.size = (u8)size,
		.order = order,
		.object = (const void *)(uintptr_t)p,
	};
}

static u64 data_load(const volatile void *p, unsigned size, int order, const void *pc)
{
	struct sim_op op = data_op(SIM_LOAD, p, size, order);
	u32 version;
	u64 value = sim_memory->load(&op, &version);

	race_loaded_version(op.object, size, order, pc, version);
	return value;
}

static void data_change(enum sim_kind kind, const volatile void *p, unsigned size, int order,
			bool changes)
{
	struct sim_op op = data_op(kind, p, size, order);

	sim_memory->carry_out(&op, changes);
}

/* False: it is overwritten already. */
static bool direct_store(const volatile void *p, unsigned size, u64 value, int order,
			 const void *pc)
{
	struct sim_op op = data_op(SIM_STORE, p, size, order);

	op.arg = value;
	if (is_data(p))
		return sim_memory->store(&op, pc);
	sim_memory->direct(&op);
	return true;
}

#define ATOMICS(bits, T)                                                                        \
	T __tsan_atomic##bits##_load(const volatile T *p, int order);                           \
	T __tsan_atomic##bits##_load(const volatile T *p, int order)                            \
	{                                                                                       \
		T value;                                                                        \
                                                                                                \
		if (is_data(p))                                                                 \
			return (T)data_load(p, sizeof(T), order, PC);                           \
		value = __atomic_load_n(p, __ATOMIC_SEQ_CST);                                   \
		if (unlikely(race_on))                                                          \
			race_loaded((const void *)(uintptr_t)p, sizeof(T), order, PC);          \
		return value;                                                                   \
	}                                                                                       \
	void __tsan_atomic##bits##_store(volatile T *p, T value, int order);                    \
	void __tsan_atomic##bits##_store(volatile T *p, T value, int order)                     \
	{                                                                                       \
		if (unlikely(sim_memory) && sim_shared &&                                       \
		    !direct_store(p, sizeof(T), value, order, PC))                              \
			return;                                                                 \
		if (unlikely(race_on))                                                          \
			race_stored((const void *)(uintptr_t)p, sizeof(T), order, PC);          \
		__atomic_store_n(p, value, __ATOMIC_SEQ_CST);                                   \
	}                                                                                       \
	T __tsan_atomic##bits##_compare_exchange_val(volatile T *p, T expected, T value,        \
						     int order, int failed);                    \
	T __tsan_atomic##bits##_compare_exchange_val(volatile T *p, T expected, T value,        \
						     int order, int failed)                     \
	{                                                                                       \
		if (is_data(p))                                                                 \
			data_change(SIM_RMW, p, sizeof(T), order, *p == expected);              \
		if (unlikely(race_on))                                                          \
			race_updated((const void *)(uintptr_t)p, sizeof(T), order, PC);         \
		(void)failed;                                                                   \
		__atomic_compare_exchange_n(p, &expected, value, false, __ATOMIC_SEQ_CST,       \
					    __ATOMIC_SEQ_CST);                                  \
		return expected;                                                                \
	}                                                                                       \
	int __tsan_atomic##bits##_compare_exchange_strong(volatile T *p, T *expected, T value,  \
							  int order, int failed);               \
	int __tsan_atomic##bits##_compare_exchange_strong(volatile T *p, T *expected, T value,  \
							  int order, int failed)                \
	{                                                                                       \
		if (is_data(p))                                                                 \
			data_change(SIM_RMW, p, sizeof(T), order, *p == *expected);             \
		if (unlikely(race_on))                                                          \
			race_updated((const void *)(uintptr_t)p, sizeof(T), order, PC);         \
		(void)failed;                                                                   \
		return __atomic_compare_exchange_n(p, expected, value, false, __ATOMIC_SEQ_CST, \
						   __ATOMIC_SEQ_CST);                           \
	}

#define UPDATE(bits, T, name, builtin)                                                  \
	T __tsan_atomic##bits##_##name(volatile T *p, T value, int order);              \
	T __tsan_atomic##bits##_##name(volatile T *p, T value, int order)               \
	{                                                                               \
		if (is_data(p))                                                         \
			data_change(SIM_RMW, p, sizeof(T), order, true);                \
		if (unlikely(race_on))                                                  \
			race_updated((const void *)(uintptr_t)p, sizeof(T), order, PC); \
		return builtin(p, value, __ATOMIC_SEQ_CST);                             \
	}

#define ALL_ATOMICS(bits, T)                           \
	ATOMICS(bits, T)                               \
	UPDATE(bits, T, exchange, __atomic_exchange_n) \
	UPDATE(bits, T, fetch_add, __atomic_fetch_add) \
	UPDATE(bits, T, fetch_sub, __atomic_fetch_sub) \
	UPDATE(bits, T, fetch_and, __atomic_fetch_and) \
	UPDATE(bits, T, fetch_or, __atomic_fetch_or)   \
	UPDATE(bits, T, fetch_xor, __atomic_fetch_xor)

ALL_ATOMICS(8, u8)
ALL_ATOMICS(16, u16)
ALL_ATOMICS(32, u32)
ALL_ATOMICS(64, u64)

void __tsan_atomic_thread_fence(int order);
void __tsan_atomic_thread_fence(int order)
{
	race_fence(order);
}

void __tsan_atomic_signal_fence(int order);
void __tsan_atomic_signal_fence(int order)
{
	(void)order;
}

#endif
