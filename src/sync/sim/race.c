/* SPDX-License-Identifier: MIT */
/*
 * Every fiber has a vector clock: how far it knows each fiber to have come. A release leaves the
 * clock with the object, an acquire takes it along. An access is remembered by the fiber and its
 * own clock then, four to eight bytes of memory; it races with a later one of another fiber if
 * that does not know the clock, one of them writes, and one of them is plain.
 *
 *   granule    | 8 bytes of memory |  ──►  | freed by | cell | cell | cell | cell |
 *   cell       whose, at what clock, which bytes, write or read, plain or marked, from where
 *
 * When the cells are full one is forgotten, so a race may be missed; none is reported that is
 * not there. Watched is the arena alone. Frames are freed as wholes: a page that is free is one
 * entry.
 *
 * All tables are of fixed size and are emptied by raising the generation. When the table of
 * objects is full, or there are more fibers than clocks, watching stops until the next run.
 */
#include "sync/sim/race.h"

#include "host/symbol.h"
#include "sync/watch.h"

#define RACE_FIBERS 72u
#define NR_CELLS 4u
#define NR_GRANULES (1u << 17)
#define NEAR 8u
#define NR_OBJECTS (1u << 13)
#define NR_PAGES (1u << 13)
#define WATCHED_PAGE 4096u
#define NR_FREES 1024u
#define NR_VERSIONS 4096u
#define CHAIN 6u
#define MAX_PROBES 64u

struct clock {
	u32 at[RACE_FIBERS];
};

struct cell {
	const void *pc;
	u32 clock; /* 0: empty */
	u8 fiber, mask, flags;
};

struct granule {
	u64 key;
	u32 generation;
	u32 freed; /* number of the free, from 1 */
	struct cell cells[NR_CELLS];
};

struct object {
	u64 key;
	u32 generation;
	u32 releaser; /* whose store it was: later ones of the same fiber still carry it */
	struct clock clock;
};

struct freed_page {
	u64 key;
	u32 generation;
	u32 freed; /* 0: in use again */
};

struct free_record {
	u32 number;
	int fiber;
	const void *pcs[CHAIN];
};

static struct race {
	u32 generation;
	unsigned nr; /* clocks in use */
	u32 nr_frees;
	u32 nr_freed_pages;
	u32 victim;
	struct clock fibers[RACE_FIBERS];
	struct clock fences[RACE_FIBERS];  /* as of the last release fence */
	struct clock pending[RACE_FIBERS]; /* what an acquire fence will take along */
	struct granule granules[NR_GRANULES];
	struct object objects[NR_OBJECTS];
	struct freed_page pages[NR_PAGES];
	struct free_record frees[NR_FREES];
	u32 nr_versions;
	struct clock versions[NR_VERSIONS]; /* from 1; the last: nothing is known */
} race;

bool race_on;
bool race_built;
bool race_armed;

/* No more until the next run. */
static void give_up(void)
{
	race_on = false;
	race_armed = false;
}

/* ---- clocks ------------------------------------------------------------------------------ */

static unsigned index_of(const struct sim_fiber *fiber)
{
	return (unsigned)(fiber - sim.slots);
}

static void clock_join(struct clock *to, const struct clock *from)
{
	for (unsigned i = 0; i < race.nr; i++)
		to->at[i] = MAX(to->at[i], from->at[i]);
}

static void fiber_begin(const struct sim_fiber *fiber)
{
	unsigned i = index_of(fiber);

	if (i >= RACE_FIBERS) {
		give_up();
		return;
	}
	race.nr = MAX(race.nr, i + 1);
	memset(&race.fences[i], 0, sizeof(race.fences[i]));
	memset(&race.pending[i], 0, sizeof(race.pending[i]));
}

static void begin(void)
{
	race.generation++;
	race.nr = 0;
	race.nr_frees = 0;
	race.nr_versions = 0;
	race.nr_freed_pages = 0;
	memset(race.fibers, 0, sizeof(race.fibers));
	race_on = race_built;
	race_armed = race_built;
}

void race_begin(void)
{
	begin();
	for (unsigned i = 0; i < sim.nr_live; i++) {
		fiber_begin(sim.live[i]);
		if (race_on)
			race.fibers[index_of(sim.live[i])].at[index_of(sim.live[i])] = 1;
	}
}

void race_begin_all(struct sim_fiber **fibers, unsigned nr)
{
	begin();
	for (unsigned i = 0; i < nr && race_on; i++) {
		fiber_begin(fibers[i]);
		if (race_on)
			race.fibers[index_of(fibers[i])].at[index_of(fibers[i])] = 1;
	}
	/* From the first step on. */
	race_on = false;
}

void race_stop(void)
{
	give_up();
}

/* The calling fiber's index; false: it is none. */
static bool self(unsigned *ret_index)
{
	*ret_index = index_of(sim_current());
	return *ret_index < race.nr;
}

static void tick(unsigned fiber)
{
	race.fibers[fiber].at[fiber]++;
}

void race_spawned(const struct sim_fiber *child)
{
	unsigned me, it = index_of(child);
	u32 before;

	if (!race_on || !self(&me))
		return;
	fiber_begin(child);
	if (!race_on || it == me)
		return;
	/* Its place may have been another's: that one's accesses are not its own. */
	before = race.fibers[it].at[it];
	race.fibers[it] = race.fibers[me];
	race.fibers[it].at[it] = before + 1;
	tick(me);
}

/* ---- objects ----------------------------------------------------------------------------- */

static u64 hash(u64 key)
{
	return (key * 0x9e3779b97f4a7c15ull) >> 20;
}

/* NULL: there is none, or no room for it. */
static struct object *object_at(u64 key, bool make)
{
	u64 h = hash(key);

	for (u64 probe = 0; probe < MAX_PROBES; probe++) {
		struct object *object = &race.objects[(h + probe) % NR_OBJECTS];

		if (object->generation == race.generation) {
			if (object->key == key)
				return object;
			continue;
		}
		if (!make)
			return NULL;
		object->key = key;
		object->generation = race.generation;
		object->releaser = ~0u;
		memset(&object->clock, 0, sizeof(object->clock));
		return object;
	}
	if (make)
		give_up();
	return NULL;
}

static void acquire_key(u64 key)
{
	const struct object *object = object_at(key, false);
	unsigned me;

	if (object && self(&me))
		clock_join(&race.fibers[me], &object->clock);
}

static void release_key(u64 key)
{
	struct object *object;
	unsigned me;

	if (!self(&me))
		return;
	object = object_at(key, true);
	if (!object)
		return;
	clock_join(&object->clock, &race.fibers[me]);
	tick(me);
}

static u64 key_of(const void *object)
{
	return (u64)(uintptr_t)object << 1;
}

void race_acquire(const void *object)
{
	if (race_on)
		acquire_key(key_of(object));
}

void race_release(const void *object)
{
	if (race_on)
		release_key(key_of(object));
}

void race_acquire_readers(const void *object)
{
	if (race_on)
		acquire_key(key_of(object) | 1);
}

void race_release_readers(const void *object)
{
	if (race_on)
		release_key(key_of(object) | 1);
}

/* The end of a fiber is an object of its own. */
static u64 end_key(int id)
{
	return ~(u64)id;
}

void race_ended(const struct sim_fiber *fiber)
{
	if (race_on)
		release_key(end_key(fiber->id));
}

void race_joined(int id)
{
	if (race_on)
		acquire_key(end_key(id));
}

/* ---- marked accesses --------------------------------------------------------------------- */

static bool acquires(int order)
{
	return order == SYNC_ACQUIRE || order == SYNC_ACQ_REL || order == SYNC_FULL;
}

static bool releases(int order)
{
	return order == SYNC_RELEASE || order == SYNC_ACQ_REL || order == SYNC_FULL;
}

static void take_along(u64 key, unsigned me, int order)
{
	const struct object *object = object_at(key, false);

	if (object)
		clock_join(acquires(order) ? &race.fibers[me] : &race.pending[me], &object->clock);
}

/* `keep`: what was left with the object before stays (a read-modify-write). */
static void leave_with(u64 key, unsigned me, int order, bool keep)
{
	const struct clock *clock = releases(order) ? &race.fibers[me] : &race.fences[me];
	bool empty = !clock->at[me];
	struct object *object = object_at(key, !empty);

	if (!object)
		return;
	if (!keep && object->releaser != me)
		memset(&object->clock, 0, sizeof(object->clock));
	if (!keep)
		object->releaser = me;
	if (!empty)
		clock_join(&object->clock, clock);
	if (releases(order))
		tick(me);
}

void race_loaded(const void *p, unsigned size, int order, const void *pc)
{
	unsigned me;

	if (!race_on || !self(&me))
		return;
	take_along(key_of(p), me, order);
	race_access(p, size, RACE_MARKED, pc);
}

u32 race_version(const void *p)
{
	const struct object *object;

	if (!race_on || race.nr_versions + 2 >= NR_VERSIONS)
		return RACE_NEWEST;
	object = object_at(key_of(p), false);
	if (!object)
		return NR_VERSIONS - 1;
	race.versions[++race.nr_versions] = object->clock;
	return race.nr_versions;
}

void race_loaded_version(const void *p, unsigned size, int order, const void *pc, u32 version)
{
	if (version == RACE_NEWEST)
		race_loaded(p, size, order, pc);
	else
		(void)race_late(p, size, order, pc, &version, false);
}

u32 race_late(const void *p, unsigned size, int order, const void *pc, const u32 *version,
	      bool writes)
{
	const struct clock *read = version ? &race.versions[*version] : NULL;
	unsigned me;

	if (!race_on || !self(&me))
		return RACE_NEWEST;
	if (read)
		clock_join(acquires(order) ? &race.fibers[me] : &race.pending[me], read);
	race_access(p, size, writes ? RACE_MARKED | RACE_WRITE : RACE_MARKED, pc);
	if (!writes || race.nr_versions + 2 >= NR_VERSIONS)
		return RACE_NEWEST;
	race.nr_versions++;
	race.versions[race.nr_versions] = releases(order) ? race.fibers[me] : race.fences[me];
	if (read)
		clock_join(&race.versions[race.nr_versions], read);
	if (releases(order))
		tick(me);
	return race.nr_versions;
}

void race_stored(const void *p, unsigned size, int order, const void *pc)
{
	unsigned me;

	if (!race_on || !self(&me))
		return;
	race_access(p, size, RACE_MARKED | RACE_WRITE, pc);
	leave_with(key_of(p), me, order, false);
}

void race_updated(const void *p, unsigned size, int order, const void *pc)
{
	unsigned me;

	if (!race_on || !self(&me))
		return;
	take_along(key_of(p), me, order);
	race_access(p, size, RACE_MARKED | RACE_WRITE, pc);
	leave_with(key_of(p), me, order, true);
}

void race_fence(int order)
{
	unsigned me;

	if (!race_on || !self(&me))
		return;
	if (acquires(order))
		clock_join(&race.fibers[me], &race.pending[me]);
	if (releases(order)) {
		race.fences[me] = race.fibers[me];
		tick(me);
	}
}

/* ---- reports ------------------------------------------------------------------------------ */

static void name_place(struct strbuf *sb, const void *pc)
{
	char name[160];

	host_symbol(pc, name, sizeof(name));
	strbuf_puts(sb, name);
}

static void name_fiber(struct strbuf *sb, unsigned slot)
{
	const struct sim_fiber *fiber = &sim.slots[slot];

	strbuf_printf(sb, "fiber %d", fiber->id);
	if (fiber->name[0])
		strbuf_printf(sb, " (%s)", fiber->name);
}

static const char *kind_of(unsigned flags)
{
	static const char *const kinds[] = { "plain read", "plain write", "marked read",
					     "marked write" };

	return kinds[flags & 3];
}

static _Noreturn __attribute__((cold)) void report_race(u64 address, unsigned me, unsigned flags,
							const void *pc, const struct cell *cell)
{
	char text[1024];
	struct strbuf sb;

	give_up();
	strbuf_init(&sb, text, sizeof(text));
	strbuf_printf(&sb, "usermm: data race at %p:\n  ", (void *)(uintptr_t)address);
	name_fiber(&sb, me);
	strbuf_printf(&sb, ": %s in ", kind_of(flags));
	name_place(&sb, pc);
	strbuf_puts(&sb, "\n  ");
	name_fiber(&sb, cell->fiber);
	strbuf_printf(&sb, ": %s in ", kind_of(cell->flags));
	name_place(&sb, cell->pc);
	strbuf_puts(&sb, ", before it and in no order with it\n");
	umm_bug_text(text);
}

static _Noreturn __attribute__((cold)) void report_freed(u64 address, unsigned me, unsigned flags,
							 const void *pc, u32 number)
{
	const struct free_record *record = &race.frees[number % NR_FREES];
	char text[2048];
	struct strbuf sb;

	give_up();
	strbuf_init(&sb, text, sizeof(text));
	strbuf_printf(&sb, "usermm: use after free at %p:\n  ", (void *)(uintptr_t)address);
	name_fiber(&sb, me);
	strbuf_printf(&sb, ": %s in ", kind_of(flags));
	name_place(&sb, pc);
	if (record->number == number) {
		strbuf_printf(&sb, "\n  freed by fiber %d in ", record->fiber);
		for (unsigned i = 0; i < CHAIN && record->pcs[i]; i++) {
			strbuf_puts(&sb, i ? "\n    called from " : "");
			name_place(&sb, record->pcs[i]);
		}
	}
	strbuf_putc(&sb, '\n');
	umm_bug_text(text);
}

/* ---- accesses ------------------------------------------------------------------------------ */

/* Neighbours in memory are neighbours here. */
static struct granule *granule_at(u64 key, bool make)
{
	u64 h = hash(key / NEAR);

	for (u64 probe = 0; probe < MAX_PROBES; probe++) {
		struct granule *granule =
			&race.granules[(h + probe) % (NR_GRANULES / NEAR) * NEAR + key % NEAR];

		if (granule->generation == race.generation) {
			if (granule->key == key)
				return granule;
			continue;
		}
		if (!make)
			return NULL;
		granule->key = key;
		granule->generation = race.generation;
		granule->freed = 0;
		memset(granule->cells, 0, sizeof(granule->cells));
		return granule;
	}
	return NULL;
}

static struct freed_page *page_at(u64 key, bool make)
{
	u64 h = hash(key);

	for (u64 probe = 0; probe < MAX_PROBES; probe++) {
		struct freed_page *page = &race.pages[(h + probe) % NR_PAGES];

		if (page->generation == race.generation) {
			if (page->key == key)
				return page;
			continue;
		}
		if (!make)
			return NULL;
		page->key = key;
		page->generation = race.generation;
		page->freed = 0;
		return page;
	}
	return NULL;
}

/* What may be forgotten for the new access: its own part, what is before it, anything. */
static struct cell *cell_for(struct granule *granule, const struct cell *it)
{
	const struct clock *mine = &race.fibers[it->fiber];
	struct cell *old = NULL;

	for (unsigned i = 0; i < NR_CELLS; i++) {
		struct cell *cell = &granule->cells[i];
		bool stronger = (it->flags & RACE_WRITE) || !(cell->flags & RACE_WRITE);
		bool plainer = !(it->flags & RACE_MARKED) || (cell->flags & RACE_MARKED);

		if (!cell->clock)
			return cell;
		if (cell->clock <= mine->at[cell->fiber] && !(cell->mask & ~it->mask) && stronger &&
		    plainer)
			old = cell;
	}
	return old ? old : &granule->cells[race.victim++ % NR_CELLS];
}

static void access_granule(u64 address, u8 mask, unsigned me, unsigned flags, const void *pc)
{
	struct cell it = {
		.pc = pc,
		.clock = race.fibers[me].at[me],
		.fiber = (u8)me,
		.mask = mask,
		.flags = (u8)flags,
	};
	struct granule *granule = granule_at(address >> 3, true);

	if (!granule)
		return;
	if (granule->freed)
		report_freed(address, me, flags, pc, granule->freed);
	for (unsigned i = 0; i < NR_CELLS; i++) {
		const struct cell *cell = &granule->cells[i];

		/* The same again: whoever came between has looked at it. */
		if (cell->clock == it.clock && cell->fiber == me && cell->flags == flags &&
		    !(mask & ~cell->mask))
			return;
		if (!cell->clock || !(cell->mask & mask) || cell->fiber == me ||
		    cell->clock <= race.fibers[me].at[cell->fiber])
			continue;
		if (((cell->flags | flags) & RACE_WRITE) && !(cell->flags & flags & RACE_MARKED) &&
		    !sim_races_allowed)
			report_race(address, me, flags, pc, cell);
	}
	*cell_for(granule, &it) = it;
}

void race_access(const void *p, u64 bytes, unsigned flags, const void *pc)
{
	u64 address = (uintptr_t)p, end = address + bytes;
	unsigned me;

	if (!race_on || !race_watched(p) || !self(&me))
		return;
	if (unlikely(sim_memory) && flags == RACE_WRITE)
		sim_memory->plain(p, bytes);
	if (race.nr_freed_pages) {
		const struct freed_page *page = page_at(address >> 12, false);

		if (page && page->freed)
			report_freed(address, me, flags, pc, page->freed);
	}
	while (address < end) {
		u64 next = MIN(end, (address | 7) + 1);

		access_granule(address, (u8)((BIT(next - address) - 1) << (address & 7)), me, flags,
			       pc);
		address = next;
	}
}

/* ---- what is free ------------------------------------------------------------------------- */

/* By frame pointers, which the watched code keeps; within the fiber's stack. */
static void call_chain(const void **pcs, const void *pc)
{
	const u64 *frame = __builtin_frame_address(0);
	u64 low = (uintptr_t)sim_current()->stack;

	memset(pcs, 0, CHAIN * sizeof(*pcs));
	for (unsigned i = 0; i < CHAIN; i++) {
		u64 at = (uintptr_t)frame;

		if (!low || at < low || at > low + SIM_STACK_BYTES - 16 || at % 8)
			break;
		pcs[i] = (const void *)(uintptr_t)frame[1];
		if (frame[0] <= at)
			break;
		frame = (const u64 *)(uintptr_t)frame[0];
	}
	if (!pcs[0])
		pcs[0] = pc;
}

static void set_freed(u64 address, u64 bytes, u32 number)
{
	if (!(address % 4096) && bytes >= 4096) {
		for (u64 at = address; at < address + bytes; at += 4096) {
			struct freed_page *page = page_at(at >> 12, number != 0);

			if (!page)
				continue;
			race.nr_freed_pages += (number != 0) - (page->freed != 0);
			page->freed = number;
		}
		return;
	}
	for (u64 at = address & ~7ull; at < address + bytes; at += 8) {
		struct granule *granule = granule_at(at >> 3, number != 0);

		if (granule)
			granule->freed = number;
	}
}

void sync_watch_freed(const void *p, u64 bytes)
{
	struct free_record *record;
	u32 number;

	if (!race_on || !race_watched(p))
		return;
	number = ++race.nr_frees;
	record = &race.frees[number % NR_FREES];
	record->number = number;
	record->fiber = sim_current()->id;
	call_chain(record->pcs, __builtin_return_address(0));
	set_freed((uintptr_t)p, bytes, number);
}

void sync_watch_used(const void *p, u64 bytes)
{
	if (!race_on || !race_watched(p))
		return;
	set_freed((uintptr_t)p, bytes, 0);
	if (unlikely(sim_memory) && (bytes != WATCHED_PAGE || (uintptr_t)p % WATCHED_PAGE))
		sim_memory->plain(p, bytes);
	else if (unlikely(sim_memory))
		sim_memory->page(p);
}
