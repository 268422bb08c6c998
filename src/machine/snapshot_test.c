/* SPDX-License-Identifier: MIT */
/* Snapshots in memory, and machines in files, whole and damaged. */
#include "machine/bug_test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/uapi.h"
#include "machine/machine.h"

static char path[64];

static struct machine *build(u64 ram_bytes)
{
	struct umm_config config;
	struct machine *m = NULL;

	umm_config_init(&config);
	config.ram_bytes = ram_bytes;
	config.trace_events = 16;
	config.seed = 1234;
	assert_int_equal(machine_create(&config, &m), 0);
	return m;
}

static u8 *ram(struct machine *m, u64 pfn)
{
	return (u8 *)m + RAM_OFFSET + (pfn << PAGE_SHIFT);
}

static u8 *structs(struct machine *m, u64 pfn)
{
	return (u8 *)m + VMEMMAP_OFFSET + pfn * STRUCT_PAGE_BYTES;
}

static u64 sum_of(const u8 *bytes, u64 nr)
{
	u64 sum = 0;

	for (u64 i = 0; i < nr; i++)
		sum = sum * 31 + bytes[i];
	return sum;
}

/* ---- in memory ------------------------------------------------------------------------------ */

static void compare_ram(struct machine *m, const u8 *shadow, u64 pages)
{
	for (u64 pfn = 0; pfn < pages; pfn += SECTION_PAGES) {
		const u8 *expected = shadow + (pfn << PAGE_SHIFT);
		u64 nr = MIN(SECTION_PAGES, pages - pfn) << PAGE_SHIFT;

		if (machine_section_online(m, pfn_of(pfn)))
			assert_memory_equal(ram(m, pfn), expected, nr);
		else
			assert_true(expected[0] == 0 &&
				    memcmp(expected, expected + 1, nr - 1) == 0);
	}
}

/* Random writes, snapshots and restores, against a plain copy of the same bytes. */
static void compare_with_copies(u64 ram_bytes, u64 seed)
{
	enum { STEPS = 60, MAX_SNAPSHOTS = 3 };
	struct machine *m = build(ram_bytes);
	u64 pages = MIN(m->nr_pages, 3 * SECTION_PAGES), bytes = pages << PAGE_SHIFT;
	u8 *shadow = host_alloc(bytes), *copies[MAX_SNAPSHOTS];
	struct umm_snapshot *snapshots[MAX_SNAPSHOTS] = { NULL };
	struct prng rng;

	prng_seed(&rng, seed);
	for (int i = 0; i < MAX_SNAPSHOTS; i++)
		copies[i] = host_alloc(bytes);
	for (int step = 0; step < STEPS; step++) {
		bool restored = false;
		u64 slot = prng_below(&rng, MAX_SNAPSHOTS);

		switch (prng_below(&rng, 4)) {
		case 0:
			machine_snapshot_free(snapshots[slot]);
			assert_int_equal(machine_snapshot_take(m, &snapshots[slot]), 0);
			memcpy(copies[slot], shadow, bytes);
			break;
		case 1:
			if (!snapshots[slot])
				break;
			machine_snapshot_restore(m, snapshots[slot]);
			memcpy(shadow, copies[slot], bytes);
			restored = true;
			break;
		default:
			for (int i = 0; i < 20; i++) {
				u64 at = prng_below(&rng, bytes);

				assert_true(machine_online_section(m, pfn_of(at >> PAGE_SHIFT)) >=
					    0);
				ram(m, 0)[at] = shadow[at] = (u8)prng_next(&rng);
			}
			machine_alloc_forever(m, prng_below(&rng, 10000));
			break;
		}
		if (restored || step == STEPS - 1)
			compare_ram(m, shadow, pages);
	}
	for (int i = 0; i < MAX_SNAPSHOTS; i++) {
		machine_snapshot_free(snapshots[i]);
		host_free(copies[i], bytes);
	}
	host_free(shadow, bytes);
	machine_destroy(m);
}

static void small_machines_come_back(void **state)
{
	(void)state;
	for (u64 seed = 1; seed <= 10; seed++)
		compare_with_copies(64 * PAGE_SIZE, seed);
}

static void large_machines_come_back(void **state)
{
	(void)state;
	for (u64 seed = 1; seed <= 2; seed++)
		compare_with_copies(1ull << 30, seed);
}

static void the_heap_comes_back_zeroed(void **state)
{
	static const u64 sizes[] = { 100, 5000, 300000, 3000000 };

	(void)state;
	for (u64 i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct machine *m = build(64 * PAGE_SIZE);
		struct umm_snapshot *snapshot;
		u64 *kept = machine_alloc_forever(m, 64);
		u64 used;

		*kept = 77;
		used = m->heap_used;
		assert_int_equal(machine_snapshot_take(m, &snapshot), 0);
		for (int round = 0; round < 3; round++) {
			u8 *extra = machine_alloc_forever(m, sizes[i]);

			assert_non_null(extra);
			assert_int_equal(sum_of(extra, sizes[i]), 0);
			memset(extra, 0xee, sizes[i]);
			*kept = 0;
			m->next_pid = 99;
			machine_snapshot_restore(m, snapshot);
			assert_int_equal(m->heap_used, used);
			assert_int_equal(*kept, 77);
			assert_int_equal(m->next_pid, 1);
		}
		machine_snapshot_free(snapshot);
		machine_destroy(m);
	}
}

static void a_machine_of_another_snapshot(void *arg)
{
	struct umm_snapshot *snapshot = arg;
	struct machine *m = build(64 * PAGE_SIZE);

	machine_snapshot_restore(m, snapshot);
}

static void snapshots_belong_to_their_machine(void **state)
{
	struct machine *m = build(64 * PAGE_SIZE);
	struct umm_snapshot *snapshot;

	(void)state;
	assert_int_equal(machine_snapshot_take(m, &snapshot), 0);
	expect_bug(a_machine_of_another_snapshot, snapshot, "snapshot->machine != m");
	machine_snapshot_free(snapshot);
	machine_snapshot_free(NULL);
	host_arena_release(m->slot + 1);
	machine_destroy(m);
}

/* A terabyte with a few pages in use: neither time nor memory for the rest. */
static void sparse_machines_are_cheap(void **state)
{
	struct machine *m = build(1ull << (ARENA_SLOT_SHIFT - 2));
	struct umm_snapshot *snapshot;
	u64 last = m->nr_pages - 1;
	u64 start = host_monotonic_ns();

	(void)state;
	machine_online_section(m, pfn_of(0));
	machine_online_section(m, pfn_of(last));
	ram(m, last)[5] = 1;
	structs(m, last)[5] = 2;
	assert_int_equal(machine_snapshot_take(m, &snapshot), 0);
	ram(m, 1)[0] = 9;
	ram(m, last)[5] = 9;
	structs(m, last)[5] = 9;
	machine_snapshot_restore(m, snapshot);
	assert_int_equal(ram(m, 1)[0], 0);
	assert_int_equal(ram(m, last)[5], 1);
	assert_int_equal(structs(m, last)[5], 2);
	machine_snapshot_free(snapshot);
	assert_in_range(host_monotonic_ns() - start, 0, 1000000000);
	machine_destroy(m);
}

/* ---- in files -------------------------------------------------------------------------------- */

static int make_path(void **state)
{
	(void)state;
	strcpy(path, "/tmp/usermm-snapshot-XXXXXX");
	int fd = mkstemp(path);

	return fd < 0 ? -1 : close(fd);
}

static int remove_path(void **state)
{
	(void)state;
	return unlink(path);
}

static struct machine *build_and_save(u64 ram_bytes)
{
	struct machine *m = build(ram_bytes);

	machine_online_section(m, pfn_of(3));
	memset(ram(m, 3), 0x33, PAGE_SIZE);
	memset(structs(m, 3), 0x44, STRUCT_PAGE_BYTES);
	trace(m, TRACE_MM_PAGE_FREE, 3, 0);
	assert_int_equal(machine_save(m, path), 0);
	return m;
}

static void a_saved_machine_opens(void **state)
{
	static const u64 sizes[] = { 64 * PAGE_SIZE, 256 << 20, 1ull << (ARENA_SLOT_SHIFT - 2) };

	(void)state;
	for (u64 i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct machine *m = build_and_save(sizes[i]), *loaded = NULL;
		char buf[200];
		u64 cursor = 0;

		/* Its place is taken. */
		assert_int_equal(machine_load(path, &loaded), -EBUSY);
		assert_null(loaded);
		machine_destroy(m);
		assert_int_equal(machine_load(path, &loaded), 0);
		assert_ptr_equal(loaded, m);
		assert_int_equal(loaded->config.seed, 1234);
		for (u64 k = 0; k < PAGE_SIZE; k++)
			assert_int_equal(ram(loaded, 3)[k], 0x33);
		assert_int_equal(structs(loaded, 3)[63], 0x44);
		assert_int_equal(ram(loaded, 4)[0], 0);
		assert_true(trace_read(loaded, &cursor, buf, sizeof(buf)) > 0);
		assert_non_null(strstr(buf, "mm_page_free: pfn=0x3 order=0"));
		/* It goes on living. */
		memset(machine_alloc_forever(loaded, 3 << 20), 1, 3 << 20);
		assert_int_equal(machine_online_section(loaded, pfn_of(3)), 0);
		assert_int_equal(machine_save(loaded, path), 0);
		machine_destroy(loaded);
		assert_int_equal(machine_load(path, &loaded), 0);
		machine_destroy(loaded);
	}
}

static void absent_files(void **state)
{
	struct machine *m = build(64 * PAGE_SIZE), *loaded = NULL;

	(void)state;
	assert_int_equal(machine_load("/nonexistent/file", &loaded), -ENOENT);
	assert_int_equal(machine_save(m, "/nonexistent/file"), -ENOENT);
	assert_int_equal(machine_save(m, "/"), -EISDIR);
	assert_int_equal(machine_load("/", &loaded), -EISDIR);
	assert_int_equal(machine_load("/dev/null", &loaded), -EINVAL);
	assert_null(loaded);
	machine_destroy(m);
}

struct file {
	u8 *bytes;
	u64 size;
};

static struct file read_file(void)
{
	struct stat st;
	struct file file;
	int fd = host_open(path, HOST_READ);

	assert_int_equal(stat(path, &st), 0);
	file.size = (u64)st.st_size;
	file.bytes = malloc(file.size);
	assert_int_equal(host_pread(fd, file.bytes, file.size, 0), 0);
	host_close(fd);
	return file;
}

static void write_file(const u8 *bytes, u64 size)
{
	int fd = host_open(path, HOST_WRITE);

	assert_true(fd >= 0);
	assert_int_equal(host_pwrite(fd, bytes, size, 0), 0);
	host_close(fd);
}

/* Refused, and the slot is free again. */
static void assert_refused(const char *what, u64 at)
{
	struct machine *loaded = NULL;
	int err = machine_load(path, &loaded);

	if (err != -EINVAL)
		fail_msg("%s at %llu: %d", what, (unsigned long long)at, err);
	assert_null(loaded);
}

static void damaged_files_are_refused(void **state)
{
	struct prng rng;

	(void)state;
	machine_destroy(build_and_save(64 * PAGE_SIZE));
	struct file file = read_file();
	u64 head = 72 + 3 * 16; /* the header, and the table of three runs */

	prng_seed(&rng, 5);
	/* Every byte of the header and the table, then some of the contents. */
	for (u64 i = 0; i < head + 200; i++) {
		u64 at = i < head ? i : prng_below(&rng, file.size);
		u8 bit = (u8)(1u << prng_below(&rng, 8));

		file.bytes[at] ^= bit;
		write_file(file.bytes, file.size);
		assert_refused("flipped", at);
		file.bytes[at] ^= bit;
	}
	for (u64 i = 0; i < head + 50; i++) {
		u64 size = i < head ? i : prng_below(&rng, file.size);

		write_file(file.bytes, size);
		assert_refused("cut", size);
	}
	u8 *longer = malloc(file.size + 1);

	memcpy(longer, file.bytes, file.size);
	longer[file.size] = 0;
	write_file(longer, file.size + 1);
	assert_refused("longer", file.size);
	free(longer);
	/* The same bytes undamaged are a machine. */
	struct machine *m = NULL;

	write_file(file.bytes, file.size);
	assert_int_equal(machine_load(path, &m), 0);
	machine_destroy(m);
	free(file.bytes);
}

static void foreign_files_are_refused(void **state)
{
	struct prng rng;
	u8 bytes[2048];

	(void)state;
	prng_seed(&rng, 6);
	for (u64 i = 0; i < 500; i++) {
		u64 size = prng_below(&rng, sizeof(bytes));

		for (u64 k = 0; k < size; k++)
			bytes[k] = (u8)prng_next(&rng);
		if (i % 2 && size >= 16)
			memcpy(bytes, "usermm machine\n", 16);
		write_file(bytes, size);
		assert_refused("random bytes", i);
	}
}

int main(void)
{
#define FILE_TEST(fn) cmocka_unit_test_setup_teardown(fn, make_path, remove_path)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(small_machines_come_back),
		cmocka_unit_test(large_machines_come_back),
		cmocka_unit_test(the_heap_comes_back_zeroed),
		cmocka_unit_test(snapshots_belong_to_their_machine),
		cmocka_unit_test(sparse_machines_are_cheap),
		FILE_TEST(a_saved_machine_opens),
		FILE_TEST(absent_files),
		FILE_TEST(damaged_files_are_refused),
		FILE_TEST(foreign_files_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
