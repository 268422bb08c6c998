/* SPDX-License-Identifier: MIT */
/*
 * The arena of a machine. A slot of the address space is reserved whole and made accessible
 * piece by piece, so that a machine costs what it touches:
 *
 *   heap      by HEAP_STEP as it grows; only ever grows, objects come back through the slab
 *             caches
 *   sections  page structs and RAM of SECTION_PAGES frames are marked as in use when their zone
 *             first needs them; the host is asked for COMMIT_SECTIONS of them at once
 *
 * Memory that the host has just given reads as zeros, and a restore puts that back, so fresh
 * heap and fresh frames need no clearing. That is the one promise the rooms above build on.
 */
#include "machine/machine.h"

#include "base/uapi.h"

#define HEAP_STEP (1ull << 20)
/* Half a word of the bitmap. */
#define COMMIT_SECTIONS 32

_Static_assert(COMMIT_SECTIONS == 32, "the test for a fresh unit looks at half a word");
_Static_assert(IS_ALIGNED(VMEMMAP_OFFSET, HEAP_STEP), "the heap may grow up to its end");
_Static_assert((RAM_OFFSET >> PAGE_SHIFT) * STRUCT_PAGE_BYTES <= RAM_OFFSET - VMEMMAP_OFFSET,
	       "page structs for all the RAM that fits");

static void *arena_at(const struct machine *m, u64 offset)
{
	return (void *)((uintptr_t)m + offset);
}

void *machine_alloc_forever(struct machine *m, u64 bytes)
{
	void *object = NULL;

	if (bytes > VMEMMAP_OFFSET)
		return NULL;
	spin_lock(&m->heap_lock);
	u64 start = ALIGN_UP(m->heap_used, CACHELINE);
	u64 end = start + bytes;

	if (end > VMEMMAP_OFFSET)
		goto out;
	if (end > m->heap_committed) {
		u64 committed = ALIGN_UP(end, HEAP_STEP);

		if (host_arena_commit(arena_at(m, m->heap_committed),
				      committed - m->heap_committed) != 0)
			goto out;
		m->heap_committed = committed;
	}
	m->heap_used = end;
	object = arena_at(m, start);
out:
	spin_unlock(&m->heap_lock);
	return object;
}

bool machine_section_online(const struct machine *m, pfn_t pfn)
{
	u64 section = pfn.n / SECTION_PAGES;

	VM_BUG_ON2(pfn.n >= m->nr_pages, pfn.n, m->nr_pages);
	return READ_ONCE(m->sections[section / 64]) & BIT(section % 64);
}

/* The bits of a section's unit in the word of the bitmap that has them. */
static u64 unit_bits(u64 section)
{
	return 0xffffffffull << (section & 32);
}

/* The page structs and the RAM of a whole unit; harmless when it was done before. */
static int commit_unit(struct machine *m, u64 section)
{
	u64 first = ALIGN_DOWN(section, COMMIT_SECTIONS) * SECTION_PAGES;
	u64 pages = MIN(COMMIT_SECTIONS * SECTION_PAGES, m->nr_pages - first);
	int err = host_arena_commit(arena_at(m, VMEMMAP_OFFSET + first * STRUCT_PAGE_BYTES),
				    PAGE_ALIGN(pages * STRUCT_PAGE_BYTES));

	if (!err)
		err = host_arena_commit(arena_at(m, RAM_OFFSET + (first << PAGE_SHIFT)),
					pages << PAGE_SHIFT);
	return err;
}

int machine_commit_ram(struct machine *m)
{
	int err = 0;

	for (u64 section = 0; section < m->nr_sections && !err; section += COMMIT_SECTIONS)
		err = commit_unit(m, section);
	m->ram_committed = !err;
	return err;
}

int machine_online_section(struct machine *m, pfn_t pfn)
{
	u64 section = pfn.n / SECTION_PAGES;
	u64 *word = &m->sections[section / 64];

	VM_BUG_ON2(pfn.n >= m->nr_pages, pfn.n, m->nr_pages);
	/* A bit is set after its unit was committed: seeing any of them is enough. */
	if (!m->ram_committed && !(sync_load(word, SYNC_ACQUIRE) & unit_bits(section))) {
		int err = commit_unit(m, section);

		if (err)
			return err;
	}
	return !(sync_fetch_or(word, BIT(section % 64), SYNC_ACQ_REL) & BIT(section % 64));
}

int machine_commit_used(struct machine *m)
{
	int err = host_arena_commit(m, m->heap_committed);

	for (u64 s = 0; !err && s < m->nr_sections; s += COMMIT_SECTIONS) {
		if (m->sections[s / 64] & unit_bits(s))
			err = commit_unit(m, s);
	}
	return err;
}

/* What every room finds in a machine that has just been built. */
static int machine_init(struct machine *m, const struct umm_config *config, unsigned slot)
{
	m->magic = MACHINE_MAGIC;
	m->version = MACHINE_VERSION;
	m->slot = slot;
	m->config = *config;
	m->nr_pages = config->nodes * (config->ram_bytes >> PAGE_SHIFT);
	m->nr_sections = (m->nr_pages + SECTION_PAGES - 1) / SECTION_PAGES;
	spin_lock_init(&m->heap_lock, LC_HEAP);
	m->heap_used = sizeof(*m);
	m->heap_committed = HEAP_STEP;
	mutex_init(&m->tasks_lock, LC_MACHINE);
	list_init(&m->tasks);
	list_init(&m->mms);
	m->next_pid = 1;
	m->next_mm_id = 1;
	m->next_pin = 1;
	fail_init(m);

	m->sections = machine_alloc_forever(m, (m->nr_sections + 63) / 64 * sizeof(u64));
	if (!m->sections)
		return -ENOMEM;
	int err = counters_init(m);

	if (!err)
		err = trace_init(m);
	return err;
}

_Static_assert(sizeof(struct machine) <= HEAP_STEP, "the header is in the first step");

int machine_create(const struct umm_config *config, struct machine **ret_machine)
{
	int err = machine_config_check(config);

	if (err)
		return err;
	for (unsigned slot = 0; slot < ARENA_SLOTS; slot++) {
		void *base;

		err = host_arena_reserve(slot, &base);
		if (err == -EBUSY)
			continue;
		if (err)
			return err;
		err = host_arena_commit(base, HEAP_STEP);
		if (!err)
			err = machine_init(base, config, slot);
		if (err) {
			host_arena_release(slot);
			return err;
		}
		*ret_machine = base;
		return 0;
	}
	return -EMFILE;
}

void machine_destroy(struct machine *m)
{
	VM_BUG_ON2(m->magic != MACHINE_MAGIC, m->magic, m->slot);
	host_arena_release(m->slot);
}
