/* SPDX-License-Identifier: MIT */
/*
 * Snapshots in memory. What can hold something in an arena is its heap up to heap_used, and
 * the page structs and the RAM of its sections in use; call these its regions, in the order of
 * their addresses. Everything else reads as zeros.
 *
 *   take     copy the pages of the regions that were ever touched
 *   restore  zero the pages of today's regions that are not in the snapshot, copy the others
 *            back
 *
 * The host knows which pages were touched, but asking costs a system call for each region. A
 * machine of a few hundred pages is copied whole instead: then taking and restoring are a
 * memcpy for each region, which is what makes a rewind cheap enough to do it for every
 * schedule.
 */
#include "machine/snapshot_internal.h"

#include "base/uapi.h"

#define SMALL_PAGES 512u
#define QUERY_PAGES 2048u
/* Fewer pages in a row are cleared by hand: giving them to the host costs a call and faults. */
#define DISCARD_PAGES 64u

typedef int region_fn(void *arg, struct machine *m, u64 offset, u64 pages);

static u64 next_section(const struct machine *m, u64 section, bool online)
{
	while (section < m->nr_sections &&
	       !!(m->sections[section / 64] & BIT(section % 64)) != online)
		section++;
	return section;
}

/* fn for the part of each run of sections in use that lies in [base, ...), `shift` a frame. */
static int for_each_section_run(struct machine *m, u64 base, unsigned shift, region_fn *fn,
				void *arg)
{
	int err = 0;

	for (u64 first = next_section(m, 0, true); !err && first < m->nr_sections;) {
		u64 end = next_section(m, first, false);
		u64 start_pfn = first * SECTION_PAGES;
		u64 end_pfn = MIN(end * SECTION_PAGES, m->nr_pages);

		err = fn(arg, m, base + (start_pfn << shift),
			 PAGE_ALIGN((end_pfn - start_pfn) << shift) >> PAGE_SHIFT);
		first = next_section(m, end, true);
	}
	return err;
}

static int for_each_region(struct machine *m, region_fn *fn, void *arg)
{
	_Static_assert(STRUCT_PAGE_BYTES == 1 << 6, "the shift of page structs");
	int err = fn(arg, m, 0, PAGE_ALIGN(m->heap_used) >> PAGE_SHIFT);

	if (!err)
		err = for_each_section_run(m, VMEMMAP_OFFSET, 6, fn, arg);
	if (!err)
		err = for_each_section_run(m, RAM_OFFSET, PAGE_SHIFT, fn, arg);
	return err;
}

static int count_pages(void *arg, struct machine *m, u64 offset, u64 pages)
{
	(void)m;
	(void)offset;
	*(u64 *)arg += pages;
	return 0;
}

static bool machine_is_small(struct machine *m)
{
	u64 pages = 0;

	for_each_region(m, count_pages, &pages);
	return pages <= SMALL_PAGES;
}

/* ---- taking ------------------------------------------------------------------------------ */

/* Room for one more run. */
static int grow_runs(struct umm_snapshot *snapshot)
{
	u64 max = snapshot->max_runs ? 2 * snapshot->max_runs : 256;
	struct snapshot_run *runs = host_alloc(max * sizeof(*runs));

	if (!runs)
		return -ENOMEM;
	if (snapshot->runs)
		memcpy(runs, snapshot->runs, snapshot->nr_runs * sizeof(*runs));
	host_free(snapshot->runs, snapshot->max_runs * sizeof(*runs));
	snapshot->runs = runs;
	snapshot->max_runs = max;
	return 0;
}

static int add_run(struct umm_snapshot *snapshot, u64 offset, u64 bytes)
{
	struct snapshot_run *last =
		snapshot->nr_runs ? &snapshot->runs[snapshot->nr_runs - 1] : NULL;

	snapshot->data_bytes += bytes;
	if (last && last->offset + last->bytes == offset) {
		last->bytes += bytes;
		return 0;
	}
	if ((!snapshot->runs || snapshot->nr_runs == snapshot->max_runs) &&
	    grow_runs(snapshot) != 0)
		return -ENOMEM;
	snapshot->runs[snapshot->nr_runs++] = (struct snapshot_run){ offset, bytes };
	return 0;
}

static int add_region(void *arg, struct machine *m, u64 offset, u64 pages)
{
	(void)m;
	return add_run(arg, offset, pages << PAGE_SHIFT);
}

static int add_touched(void *arg, struct machine *m, u64 offset, u64 pages)
{
	u8 touched[QUERY_PAGES];

	for (u64 done = 0; done < pages; done += QUERY_PAGES) {
		u64 nr = MIN(pages - done, QUERY_PAGES);
		u64 start = offset + (done << PAGE_SHIFT);
		int err = host_arena_touched((u8 *)m + start, nr, touched);

		for (u64 i = 0; !err && i < nr; i++) {
			if (touched[i])
				err = add_run(arg, start + (i << PAGE_SHIFT), PAGE_SIZE);
		}
		if (err)
			return err;
	}
	return 0;
}

static void copy_out(struct umm_snapshot *snapshot)
{
	u8 *to = snapshot->data;

	for (u64 i = 0; i < snapshot->nr_runs; i++) {
		const struct snapshot_run *run = &snapshot->runs[i];

		memcpy(to, (const u8 *)snapshot->machine + run->offset, run->bytes);
		to += run->bytes;
	}
}

int machine_snapshot_take(struct machine *m, struct umm_snapshot **ret_snapshot)
{
	struct umm_snapshot *snapshot = host_alloc(sizeof(*snapshot));

	if (!snapshot)
		return -ENOMEM;
	snapshot->machine = m;
	int err = for_each_region(m, machine_is_small(m) ? add_region : add_touched, snapshot);

	if (!err) {
		snapshot->data = host_alloc(snapshot->data_bytes);
		err = snapshot->data ? 0 : -ENOMEM;
	}
	if (err) {
		machine_snapshot_free(snapshot);
		return err;
	}
	copy_out(snapshot);
	*ret_snapshot = snapshot;
	return 0;
}

void machine_snapshot_free(struct umm_snapshot *snapshot)
{
	if (!snapshot)
		return;
	host_free(snapshot->data, snapshot->data_bytes);
	host_free(snapshot->runs, snapshot->max_runs * sizeof(*snapshot->runs));
	host_free(snapshot, sizeof(*snapshot));
}

/* ---- restoring --------------------------------------------------------------------------- */

struct zeroing {
	const struct umm_snapshot *snapshot;
	u64 run; /* the first run that may end behind where we are */
};

static void zero_pages(struct machine *m, u64 offset, u64 bytes)
{
	if (bytes < DISCARD_PAGES * PAGE_SIZE || host_arena_discard((u8 *)m + offset, bytes) != 0)
		memset((u8 *)m + offset, 0, bytes);
}

/* Zero what of [offset, end) is in no run. Called with ascending offsets. */
static void zero_uncovered(struct zeroing *zeroing, struct machine *m, u64 offset, u64 end)
{
	const struct umm_snapshot *snapshot = zeroing->snapshot;

	while (offset < end) {
		while (zeroing->run < snapshot->nr_runs &&
		       snapshot->runs[zeroing->run].offset + snapshot->runs[zeroing->run].bytes <=
			       offset)
			zeroing->run++;
		u64 covered = end, covered_end = end;

		if (zeroing->run < snapshot->nr_runs) {
			const struct snapshot_run *run = &snapshot->runs[zeroing->run];

			covered = MIN(MAX(run->offset, offset), end);
			covered_end = MIN(run->offset + run->bytes, end);
		}
		if (covered > offset)
			zero_pages(m, offset, covered - offset);
		offset = MAX(covered, covered_end);
	}
}

static int zero_region(void *arg, struct machine *m, u64 offset, u64 pages)
{
	zero_uncovered(arg, m, offset, offset + (pages << PAGE_SHIFT));
	return 0;
}

static int zero_touched(void *arg, struct machine *m, u64 offset, u64 pages)
{
	u8 touched[QUERY_PAGES];

	for (u64 done = 0; done < pages; done += QUERY_PAGES) {
		u64 nr = MIN(pages - done, QUERY_PAGES);
		u64 start = offset + (done << PAGE_SHIFT);

		if (host_arena_touched((u8 *)m + start, nr, touched) != 0)
			memset(touched, 1, nr);
		for (u64 i = 0; i < nr;) {
			u64 first = i;

			while (i < nr && touched[i] == touched[first])
				i++;
			if (touched[first])
				zero_uncovered(arg, m, start + (first << PAGE_SHIFT),
					       start + (i << PAGE_SHIFT));
		}
	}
	return 0;
}

void machine_snapshot_restore(struct machine *m, const struct umm_snapshot *snapshot)
{
	struct zeroing zeroing = { .snapshot = snapshot };
	const u8 *from = snapshot->data;

	VM_BUG_ON2(snapshot->machine != m, (uintptr_t)snapshot->machine, (uintptr_t)m);
	for_each_region(m, machine_is_small(m) ? zero_region : zero_touched, &zeroing);
	for (u64 i = 0; i < snapshot->nr_runs; i++) {
		const struct snapshot_run *run = &snapshot->runs[i];

		memcpy((u8 *)m + run->offset, from, run->bytes);
		from += run->bytes;
	}
	VM_BUG_ON2(m->magic != MACHINE_MAGIC, m->magic, m->slot);
}
