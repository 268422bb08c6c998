/* SPDX-License-Identifier: MIT */
/*
 * What an operation touches. An object is a word of four bytes or a lock, known by its address. A
 * word of eight is known by where it begins; when its second half turns out to be used on its
 * own, the halves are one object, and the exploration starts anew with that knowledge.
 *
 * Locks: taking one comes after the release before it, but the release is not the second of a
 * race with it, since the lock cannot be had before it. What can be turned round are two
 * takings. Who only looks, or tries, does race with a release.
 */
#include "explore/engine.h"

#define RD [USE_READ]
#define WR [USE_WRITE]
#define AQ [USE_ACQUIRE]
#define AS [USE_ACQUIRE_SHARED]
#define TR [USE_TRY]
#define TS [USE_TRY_SHARED]
#define RL [USE_RELEASE]
#define RS [USE_RELEASE_SHARED]
#define R RACING
#define T TAKING
#define O ORDERED

/* Row: what came first; unnamed: unrelated. Holder and releaser are one thread. */
const u8 relations[NR_USES][NR_USES] = {
	RD = { WR = R, AQ = R, AS = R, TR = R, TS = R, RL = R, RS = R },
	WR = { RD = R, WR = R, AQ = R, AS = R, TR = R, TS = R, RL = R, RS = R },
	AQ = { RD = R, WR = R, AQ = T, AS = T, TR = R, TS = R, RL = O, RS = O },
	AS = { RD = R, WR = R, AQ = T, TR = R, RL = O },
	TR = { RD = R, WR = R, AQ = T, AS = T, TR = R, TS = R, RL = O, RS = O },
	TS = { RD = R, WR = R, AQ = T, TR = R, RL = O },
	RL = { RD = R, WR = R, AQ = O, AS = O, TR = R, TS = R, RL = O, RS = O },
	RS = { RD = R, WR = R, AQ = O, TR = R, RL = O },
};

#undef RD
#undef WR
#undef AQ
#undef AS
#undef TR
#undef TS
#undef RL
#undef RS
#undef R
#undef T
#undef O

static bool uses_depend(u8 a, u8 b)
{
	if (planted(FAULT_READERS_DEPEND) && a == USE_ACQUIRE_SHARED && b == a)
		return true;
	return relations[a][b] | relations[b][a];
}

bool footprints_meet(const struct footprint *a, const struct footprint *b)
{
	if (a->object == b->object && a->object && uses_depend(a->use, b->use))
		return true;
	if (!(a->object2 | b->object2))
		return false;
	if (a->object2 && a->object2 == b->object && uses_depend(USE_READ, b->use))
		return true;
	return b->object2 && b->object2 == a->object && uses_depend(USE_READ, a->use);
}

static const u8 use_of_kind[NR_SIM_KINDS] = {
	[SIM_LOAD] = USE_READ,
	[SIM_STORE] = USE_WRITE,
	[SIM_RMW] = USE_WRITE,
	[SIM_SPIN_LOCK] = USE_ACQUIRE,
	[SIM_SPIN_TRY] = USE_TRY,
	[SIM_SPIN_UNLOCK] = USE_RELEASE,
	[SIM_MUTEX_LOCK] = USE_ACQUIRE,
	[SIM_MUTEX_TRY] = USE_TRY,
	[SIM_MUTEX_UNLOCK] = USE_RELEASE,
	[SIM_READ_LOCK] = USE_ACQUIRE_SHARED,
	[SIM_READ_TRY] = USE_TRY_SHARED,
	[SIM_READ_UNLOCK] = USE_RELEASE_SHARED,
	[SIM_WRITE_LOCK] = USE_ACQUIRE,
	[SIM_WRITE_TRY] = USE_TRY,
	[SIM_WRITE_UNLOCK] = USE_RELEASE,
	[SIM_DOWNGRADE] = USE_RELEASE,
	/* The bits of one word are not told apart: other operations use the word whole. */
	[SIM_BIT_LOCK] = USE_WRITE,
	[SIM_BIT_TRY] = USE_WRITE,
	[SIM_BIT_UNLOCK] = USE_WRITE,
	[SIM_WAIT] = USE_READ,
	[SIM_WAKE] = USE_WRITE,
	[SIM_RELAX] = USE_READ,
};

static void object_new(u64 key, u32 slot)
{
	if (engine.nr_objects + 1 == MAX_OBJECTS) {
		engine.end = END_TOO_LONG;
		return;
	}
	engine.objects[++engine.nr_objects] = (struct object){
		.key = key,
		.slot = slot,
		.last_write = NO_EVENT,
		.reads = NO_EVENT,
		.releases = NO_EVENT,
	};
	engine.object_of[slot] = (u16)engine.nr_objects;
}

static u32 slot_of(u64 key)
{
	u32 slot = (u32)((key * 0x9e3779b97f4a7c15ull) >> 40) % ARRAY_SIZE(engine.object_of);

	while (engine.object_of[slot] && engine.objects[engine.object_of[slot]].key != key)
		slot = (slot + 1) % ARRAY_SIZE(engine.object_of);
	return slot;
}

/* Of more words than can be told apart: all of them are whole. */
static bool is_joined(u64 key)
{
	if (engine.joined.nr > EXPLORE_MAX_HALVES)
		return true;
	for (unsigned i = 0; i < engine.joined.nr; i++)
		if (engine.joined.keys[i] == (key & ~1ull))
			return true;
	return false;
}

/* The two halves of this word are one object from now on. */
static void join_halves(u64 key)
{
	if (engine.joined.nr < EXPLORE_MAX_HALVES)
		engine.joined.keys[engine.joined.nr] = key & ~1ull;
	engine.joined.nr++;
	engine.end = END_ANEW;
}

static bool is_known(u64 key)
{
	return engine.object_of[slot_of(key)] != 0;
}

u32 object_id(const void *address, unsigned size)
{
	u64 key = (u64)(uintptr_t)address >> 2;
	struct object *object;
	u32 slot;

	if (!key)
		return 0;
	if (unlikely(engine.joined.nr) && is_joined(key))
		key &= ~1ull;
	slot = slot_of(key);
	if (unlikely(!engine.object_of[slot])) {
		u32 half = engine.object_of[slot_of(key - 1)];

		if (key % 2 && half && engine.objects[half].wide)
			join_halves(key);
		object_new(key, slot);
	}
	object = &engine.objects[engine.object_of[slot]];
	if (unlikely(size == sizeof(u64) && !object->wide)) {
		object->wide = true;
		if (key % 2 == 0 && !is_joined(key) && is_known(key + 1))
			join_halves(key);
	}
	return engine.object_of[slot];
}

static bool is_bit_lock(u8 kind)
{
	return kind == SIM_BIT_LOCK || kind == SIM_BIT_TRY || kind == SIM_BIT_UNLOCK;
}

struct footprint announced_footprint(const struct sim_op *op)
{
	struct footprint print = { .use = use_of_kind[op->kind] };

	if (print.use == USE_NONE)
		return print;
	print.object = object_id(op->object, is_bit_lock(op->kind) ? sizeof(u64) : op->size);
	if (print.use >= USE_ACQUIRE)
		engine.objects[print.object].lock = true;
	if (op->object2)
		print.object2 = object_id(op->object2, 0);
	if (print.object2 == print.object)
		print.object2 = 0;
	return print;
}

void footprint_reset(void)
{
	for (u32 id = 1; id <= engine.nr_objects; id++)
		engine.object_of[engine.objects[id].slot] = 0;
	engine.nr_objects = 0;
}

unsigned changed_bytes(const struct sim_op *op)
{
	switch (op->kind) {
	case SIM_STORE:
	case SIM_RMW:
		return op->size;
	case SIM_SPIN_LOCK:
	case SIM_SPIN_TRY:
	case SIM_SPIN_UNLOCK:
		return sizeof(spinlock_t);
	case SIM_MUTEX_LOCK:
	case SIM_MUTEX_TRY:
	case SIM_MUTEX_UNLOCK:
		return sizeof(struct mutex);
	case SIM_READ_LOCK:
	case SIM_READ_TRY:
	case SIM_READ_UNLOCK:
	case SIM_WRITE_LOCK:
	case SIM_WRITE_TRY:
	case SIM_WRITE_UNLOCK:
	case SIM_DOWNGRADE:
		return sizeof(struct rw_semaphore);
	case SIM_BIT_LOCK:
	case SIM_BIT_TRY:
	case SIM_BIT_UNLOCK:
		return sizeof(u64);
	case SIM_WAKE:
		return sizeof(struct wait_queue_head);
	default:
		return 0;
	}
}

static uintptr_t double_word(const void *address)
{
	return (uintptr_t)address & ~(uintptr_t)(sizeof(u64) - 1);
}

/* What lies beside the object may be nobody's. */
__attribute__((no_sanitize("address"))) u64 told_before(const struct sim_op *op)
{
	return *(const volatile u64 *)double_word(op->object);
}

/* Of those eight bytes, what the event looks at. */
static u64 part_of(u64 there, const struct event *event, unsigned size)
{
	u64 value = there >> 8 * ((uintptr_t)event->address % sizeof(u64));

	return size < sizeof(u64) ? value & (BIT(8 * size) - 1) : value;
}

bool could_go_on_before(const struct event *event, const struct event *change)
{
	/* An access to simulated memory changes what it likes. */
	if (double_word(event->address) != double_word(change->address) ||
	    (change->kind == SIM_STORE && !change->size))
		return true;
	switch (event->kind) {
	case SIM_BIT_LOCK:
		return !(change->before & BIT(event->arg));
	case SIM_WAIT:
		return part_of(change->before, event, sizeof(u32)) != (u32)event->arg;
	case SIM_RELAX:
		return part_of(change->before, event, event->size) != event->arg;
	default:
		return true;
	}
}

bool would_do(const struct event *event, u64 there)
{
	switch (event->kind) {
	case SIM_RMW:
		return !event->compares || part_of(there, event, event->size) == event->arg;
	case SIM_SPIN_TRY:
	case SIM_MUTEX_TRY:
		return !part_of(there, event, sizeof(u32));
	case SIM_READ_TRY:
		return !(part_of(there, event, sizeof(u32)) & RWSEM_WRITER);
	case SIM_WRITE_TRY:
		return !(part_of(there, event, sizeof(u32)) & (RWSEM_WRITER | RWSEM_READERS));
	case SIM_BIT_TRY:
		return !(there & BIT(event->arg));
	default:
		return true;
	}
}
