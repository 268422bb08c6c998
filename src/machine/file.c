/* SPDX-License-Identifier: MIT */
/*
 * A machine in a file: a header, the table of runs, their contents.
 *
 *   | file_header | snapshot_run × nr_runs | pages of the runs, behind each other |
 *
 * Numbers are the processor's own; addresses in the contents are absolute, so a machine comes
 * back in the slot that it was in. Only the build that wrote a file reads it: the layout word
 * mixes everything that shapes an arena. Loading believes nothing before its checksum is right,
 * and checks what it then reads all the same.
 */
#include "base/uapi.h"
#include "machine/snapshot_internal.h"

#define FILE_VERSION 1u
#define MAX_RUNS (1ull << 24)

#ifndef UMM_VERSION
#define UMM_VERSION "unknown"
#endif

struct file_header {
	char magic[16];
	u32 version;
	u32 slot;
	u64 layout;
	u64 nr_runs;
	u64 data_bytes;
	u64 runs_sum;
	u64 data_sum;
	u64 header_sum; /* of what stands before it */
};

static const char file_magic[16] = "usermm machine\n";

/* ---- checksums --------------------------------------------------------------------------- */

/* Damage, not malice: any changed word changes it. bytes is a multiple of 8. */
static u64 checksum(u64 sum, const void *data, u64 bytes)
{
	const u64 *word = data;

	for (u64 i = 0; i < bytes / sizeof(u64); i++) {
		sum = (sum ^ word[i]) * 0x9e3779b97f4a7c15ull;
		sum ^= sum >> 32;
	}
	return sum;
}

static u64 mix(u64 sum, u64 word)
{
	return checksum(sum, &word, sizeof(word));
}

static u64 layout_word(void)
{
	u64 sum = mix(0, MACHINE_VERSION);

	for (const char *c = UMM_VERSION; *c; c++)
		sum = mix(sum, (u8)*c);
	sum = mix(sum, ARENA_BASE);
	sum = mix(sum, ARENA_SLOT_SHIFT);
	sum = mix(sum, SECTION_SHIFT);
	sum = mix(sum, sizeof(struct machine));
	sum = mix(sum, offsetof(struct machine, caches));
	sum = mix(sum, offsetof(struct machine, tasks));
	sum = mix(sum, sizeof(struct umm_config));
	sum = mix(sum, sizeof(struct trace_event));
	sum = mix(sum, sizeof(struct vm_counters));
	sum = mix(sum, sizeof(struct mutex) << 32 | sizeof(struct rw_semaphore));
	sum = mix(sum, (u64)NR_TRACE_EVENTS << 32 | NR_KMEM_CACHES);
#ifdef UMM_SIM
	sum = mix(sum, 1);
#endif
#ifdef UMM_DEBUG
	sum = mix(sum, 2);
#endif
#ifdef UMM_ARCH_RISCV64
	sum = mix(sum, 3);
#endif
	return sum;
}

_Static_assert(offsetof(struct file_header, header_sum) % sizeof(u64) == 0, "whole words");
_Static_assert(sizeof(struct snapshot_run) % sizeof(u64) == 0, "whole words");

static u64 header_sum(const struct file_header *header)
{
	return checksum(1, header, offsetof(struct file_header, header_sum));
}

/* ---- saving ------------------------------------------------------------------------------ */

static int write_file(int fd, const struct umm_snapshot *snapshot)
{
	u64 runs_bytes = snapshot->nr_runs * sizeof(*snapshot->runs);
	struct file_header header = {
		.version = FILE_VERSION,
		.slot = snapshot->machine->slot,
		.layout = layout_word(),
		.nr_runs = snapshot->nr_runs,
		.data_bytes = snapshot->data_bytes,
		.runs_sum = checksum(2, snapshot->runs, runs_bytes),
		.data_sum = checksum(3, snapshot->data, snapshot->data_bytes),
	};

	memcpy(header.magic, file_magic, sizeof(header.magic));
	header.header_sum = header_sum(&header);
	int err = host_pwrite(fd, &header, sizeof(header), 0);

	if (!err)
		err = host_pwrite(fd, snapshot->runs, runs_bytes, sizeof(header));
	if (!err)
		err = host_pwrite(fd, snapshot->data, snapshot->data_bytes,
				  sizeof(header) + runs_bytes);
	return err;
}

int machine_save(struct machine *m, const char *path)
{
	struct umm_snapshot *snapshot;
	int err = machine_snapshot_take(m, &snapshot);

	if (err)
		return err;
	int fd = host_open(path, HOST_WRITE);

	err = fd < 0 ? fd : write_file(fd, snapshot);
	if (fd >= 0) {
		int close_err = host_close(fd);

		err = err ? err : close_err;
	}
	machine_snapshot_free(snapshot);
	return err;
}

/* ---- loading ----------------------------------------------------------------------------- */

static int read_header(int fd, struct file_header *ret_header)
{
	struct file_header header;
	int err = host_pread(fd, &header, sizeof(header), 0);

	if (err)
		return err;
	if (memcmp(header.magic, file_magic, sizeof(header.magic)) != 0 ||
	    header.version != FILE_VERSION || header.header_sum != header_sum(&header) ||
	    header.layout != layout_word())
		return -EINVAL;
	if (header.slot >= ARENA_SLOTS || header.nr_runs == 0 || header.nr_runs > MAX_RUNS)
		return -EINVAL;
	*ret_header = header;
	return 0;
}

/* Ascending, apart, inside the arena, as long together as the header says. */
static bool runs_are_sound(const struct file_header *header, const struct snapshot_run *runs)
{
	u64 at = 0, sum = 0;

	if (checksum(2, runs, header->nr_runs * sizeof(*runs)) != header->runs_sum)
		return false;
	for (u64 i = 0; i < header->nr_runs; i++) {
		const struct snapshot_run *run = &runs[i];

		if (!IS_ALIGNED(run->offset | run->bytes, PAGE_SIZE) || run->bytes == 0 ||
		    run->offset < at || run->offset >= ARENA_SLOT_BYTES ||
		    run->bytes > ARENA_SLOT_BYTES - run->offset)
			return false;
		at = run->offset + run->bytes;
		sum += run->bytes;
	}
	return sum == header->data_bytes && runs[0].offset == 0 &&
	       runs[0].bytes >= sizeof(struct machine);
}

/* Into the reserved arena. */
static int read_contents(int fd, struct machine *m, const struct file_header *header,
			 const struct snapshot_run *runs)
{
	u64 at = sizeof(*header) + header->nr_runs * sizeof(*runs);
	u64 sum = 3;
	u8 byte;

	for (u64 i = 0; i < header->nr_runs; i++) {
		u8 *to = (u8 *)m + runs[i].offset;
		int err = host_arena_commit(to, runs[i].bytes);

		if (!err)
			err = host_pread(fd, to, runs[i].bytes, at);
		if (err)
			return err;
		sum = checksum(sum, to, runs[i].bytes);
		at += runs[i].bytes;
	}
	/* Nothing may follow. */
	if (sum != header->data_sum || host_pread(fd, &byte, 1, at) != -EINVAL)
		return -EINVAL;
	return 0;
}

static bool machine_is_sound(const struct machine *m, const struct file_header *header)
{
	u64 nr_pages;

	if (m->magic != MACHINE_MAGIC || m->version != MACHINE_VERSION || m->slot != header->slot ||
	    machine_config_check(&m->config) != 0)
		return false;
	nr_pages = m->config.nodes * (m->config.ram_bytes >> PAGE_SHIFT);
	return m->nr_pages == nr_pages &&
	       m->nr_sections == (nr_pages + SECTION_PAGES - 1) / SECTION_PAGES &&
	       m->heap_used >= sizeof(*m) && m->heap_used <= m->heap_committed &&
	       m->heap_committed <= VMEMMAP_OFFSET && IS_ALIGNED(m->heap_committed, PAGE_SIZE) &&
	       machine_of(m->sections) == m &&
	       (u64)((u8 *)m->sections - (const u8 *)m) < m->heap_used;
}

static int load_into_slot(int fd, const struct file_header *header, const struct snapshot_run *runs,
			  struct machine **ret_machine)
{
	void *base;
	int err = host_arena_reserve(header->slot, &base);

	if (err)
		return err;
	err = read_contents(fd, base, header, runs);
	if (!err && !machine_is_sound(base, header))
		err = -EINVAL;
	if (!err)
		err = machine_commit_used(base);
	if (err) {
		host_arena_release(header->slot);
		return err;
	}
	*ret_machine = base;
	return 0;
}

static int load_file(int fd, struct machine **ret_machine)
{
	struct file_header header;
	int err = read_header(fd, &header);

	if (err)
		return err;
	u64 bytes = header.nr_runs * sizeof(struct snapshot_run);
	struct snapshot_run *runs = host_alloc(bytes);

	if (!runs)
		return -ENOMEM;
	err = host_pread(fd, runs, bytes, sizeof(header));
	if (!err && !runs_are_sound(&header, runs))
		err = -EINVAL;
	if (!err)
		err = load_into_slot(fd, &header, runs, ret_machine);
	host_free(runs, bytes);
	return err;
}

int machine_load(const char *path, struct machine **ret_machine)
{
	int fd = host_open(path, HOST_READ);

	if (fd < 0)
		return fd;
	int err = load_file(fd, ret_machine);

	host_close(fd);
	return err;
}
