/* SPDX-License-Identifier: MIT */
/* Covers: P1, P2, P5, Z1, G1, G3 */
/*
 * Memory that a file backs, from the system calls down: shared and private mappings of a memfd,
 * shared anonymous memory, fork, truncation, holes; then the same with every allocation failing.
 */
#include "machine/bug_test.h"

#include <usermm/usermm.h>

#include "base/uapi.h"
#include "rmap/rmap.h"
#include "shmem/shmem.h"
#include "vma/task.h"

#define PAGE 4096ull
#define RW (PROT_READ | PROT_WRITE)
#define A 0x3f00000000ull /* user space on every architecture */
#define B 0x3f10000000ull
/* Bits of a word of pagemap. */
#define PM_SWAP BIT(62)
#define PM_PRESENT BIT(63)

static struct umm_machine *machine;
static struct umm_task *task;
static u64 fault_around = 4096;

static void verify_clean(void)
{
	char text[4096];

	if (umm_verify(machine, text, sizeof(text)))
		fail_msg("%s", text);
}

static void build(void)
{
	struct umm_config config;

	umm_config_init(&config);
	config.ram_bytes = 2 << 20;
	config.fault_around_bytes = fault_around;
	assert_int_equal(umm_machine_create(&config, &machine), 0);
	assert_int_equal(umm_process_create(machine, &task), 0);
}

static int set_up(void **state)
{
	(void)state;
	build();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	verify_clean();
	umm_task_exit(task);
	verify_clean();
	umm_machine_destroy(machine);
	return 0;
}

static int new_file(u64 pages)
{
	int fd = umm_memfd_create(task, "file", 0);

	assert_true(fd >= 3);
	assert_int_equal(umm_ftruncate(task, fd, (int64_t)(pages * PAGE)), 0);
	return fd;
}

static u64 map_file(u64 addr, u64 pages, int prot, int flags, int fd, u64 first)
{
	assert_int_equal(umm_mmap(task, addr, pages * PAGE, prot, flags | MAP_FIXED, fd,
				  (int64_t)(first * PAGE)),
			 addr);
	return addr;
}

static u64 load(struct umm_task *who, u64 addr)
{
	u64 value = 0;

	assert_int_equal(umm_load(who, addr, 8, &value, NULL), 0);
	return value;
}

static void store(struct umm_task *who, u64 addr, u64 value)
{
	assert_int_equal(umm_store(who, addr, 8, value, NULL), 0);
}

/* The signal that an access ends with; 0: none. */
static int signal_of(struct umm_task *who, u64 addr, bool write, int *ret_code)
{
	struct umm_fault fault = { 0 };
	u64 value;
	int err =
		write ? umm_store(who, addr, 8, 1, &fault) : umm_load(who, addr, 8, &value, &fault);

	*ret_code = fault.code;
	return err ? fault.signo : 0;
}

static void want_sigbus(struct umm_task *who, u64 addr, bool write)
{
	int code;

	assert_int_equal(signal_of(who, addr, write, &code), SIGBUS);
	assert_int_equal(code, BUS_ADRERR);
}

static u64 pread_word(int fd, u64 offset)
{
	u64 value = 0;

	assert_int_equal(umm_pread(task, fd, &value, sizeof(value), (int64_t)offset),
			 sizeof(value));
	return value;
}

/* ---- shared mappings ----------------------------------------------------------------------- */

static void one_file_seen_from_everywhere(void **state)
{
	int fd = new_file(4);
	struct umm_task *child;
	u64 value = 77;

	(void)state;
	map_file(A, 4, RW, MAP_SHARED, fd, 0);
	map_file(B, 3, RW, MAP_SHARED, fd, 1);
	store(task, A + PAGE, 11);
	assert_int_equal(load(task, B), 11);
	assert_int_equal(pread_word(fd, PAGE), 11);
	verify_clean();
	store(task, B + 2 * PAGE + 8, 12);
	assert_int_equal(load(task, A + 3 * PAGE + 8), 12);
	assert_int_equal(umm_pwrite(task, fd, &value, sizeof(value), 2 * PAGE), sizeof(value));
	assert_int_equal(load(task, A + 2 * PAGE), 77);
	assert_int_equal(umm_fork(task, &child), 0);
	verify_clean();
	store(child, A, 13);
	assert_int_equal(load(task, A), 13);
	assert_int_equal(load(child, B), 11);
	assert_int_equal(umm_munmap(task, A, 4 * PAGE), 0);
	assert_int_equal(load(task, B), 11);
	verify_clean();
	umm_task_exit(child);
	verify_clean();
	assert_int_equal(umm_close(task, fd), 0);
	assert_int_equal(load(task, B), 11);
}

static void truncation_takes_pages_away(void **state)
{
	int fd = new_file(4);

	(void)state;
	map_file(A, 4, RW, MAP_SHARED, fd, 0);
	for (u64 i = 0; i < 4; i++)
		store(task, A + i * PAGE, i + 1);
	assert_int_equal(umm_ftruncate(task, fd, PAGE + 8), 0);
	verify_clean();
	assert_int_equal(load(task, A), 1);
	assert_int_equal(load(task, A + PAGE), 2);
	want_sigbus(task, A + 2 * PAGE, false);
	want_sigbus(task, A + 3 * PAGE, true);
	assert_int_equal(umm_ftruncate(task, fd, 4 * PAGE), 0);
	assert_int_equal(load(task, A + 3 * PAGE), 0);
	assert_int_equal(load(task, A + PAGE), 2);
	/* What lay behind the end is gone. */
	assert_int_equal(load(task, A + PAGE + 8), 0);
}

static void a_hole_reads_as_zeros(void **state)
{
	int fd = new_file(4);

	(void)state;
	map_file(A, 4, RW, MAP_SHARED, fd, 0);
	map_file(B, 4, RW, MAP_PRIVATE, fd, 0);
	for (u64 i = 0; i < 4; i++)
		store(task, A + i * PAGE, i + 1);
	store(task, B + PAGE, 99);
	assert_int_equal(load(task, B + 2 * PAGE), 3);
	assert_int_equal(umm_fallocate(task, fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, PAGE,
				       2 * PAGE),
			 0);
	verify_clean();
	assert_int_equal(load(task, A + PAGE), 0);
	assert_int_equal(load(task, A + 3 * PAGE), 4);
	/* A private copy is nobody's to take. */
	assert_int_equal(load(task, B + PAGE), 99);
	assert_int_equal(load(task, B + 2 * PAGE), 0);
	assert_int_equal(umm_madvise(task, A, PAGE, MADV_REMOVE), 0);
	assert_int_equal(load(task, A), 0);
	assert_int_equal(umm_madvise(task, B, PAGE, MADV_REMOVE), -EACCES);
}

static void shared_anonymous_memory(void **state)
{
	struct umm_task *child;

	(void)state;
	assert_int_equal(
		umm_mmap(task, A, 4 * PAGE, RW, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0), A);
	assert_int_equal(load(task, A), 0);
	assert_int_equal(umm_fork(task, &child), 0);
	store(child, A + PAGE, 5);
	store(task, A, 6);
	assert_int_equal(load(task, A + PAGE), 5);
	assert_int_equal(load(child, A), 6);
	verify_clean();
	assert_int_equal(umm_madvise(task, A, 4 * PAGE, MADV_DONTNEED), 0);
	assert_int_equal(load(task, A + PAGE), 5);
	umm_task_exit(child);
}

/* ---- private mappings ---------------------------------------------------------------------- */

static void a_private_copy_is_apart(void **state)
{
	int fd = new_file(3);
	struct umm_task *child;
	u64 value = 21;

	(void)state;
	map_file(A, 3, RW, MAP_PRIVATE, fd, 0);
	assert_int_equal(umm_pwrite(task, fd, &value, sizeof(value), 0), sizeof(value));
	assert_int_equal(load(task, A), 21);
	store(task, A, 22);
	store(task, A + PAGE, 23);
	assert_int_equal(pread_word(fd, 0), 21);
	assert_int_equal(pread_word(fd, PAGE), 0);
	value = 24;
	assert_int_equal(umm_pwrite(task, fd, &value, sizeof(value), 0), sizeof(value));
	assert_int_equal(umm_pwrite(task, fd, &value, sizeof(value), 2 * PAGE), sizeof(value));
	assert_int_equal(load(task, A), 22);
	assert_int_equal(load(task, A + 2 * PAGE), 24);
	assert_int_equal(umm_fork(task, &child), 0);
	store(child, A, 25);
	assert_int_equal(load(task, A), 22);
	verify_clean();
	umm_task_exit(child);
	/* Dropped copies show the file again. */
	assert_int_equal(umm_madvise(task, A, PAGE, MADV_DONTNEED), 0);
	assert_int_equal(load(task, A), 24);
	/* Truncation takes private copies, too. */
	assert_int_equal(umm_ftruncate(task, fd, PAGE), 0);
	want_sigbus(task, A + PAGE, false);
}

static void rights_of_a_mapping(void **state)
{
	int fd = new_file(2), code;

	(void)state;
	map_file(A, 2, PROT_READ, MAP_SHARED, fd, 0);
	assert_int_equal(signal_of(task, A, true, &code), SIGSEGV);
	assert_int_equal(code, SEGV_ACCERR);
	assert_int_equal(load(task, A), 0);
	assert_int_equal(umm_mprotect(task, A, 2 * PAGE, RW), 0);
	store(task, A, 1);
	assert_int_equal(umm_mprotect(task, A, 2 * PAGE, PROT_READ), 0);
	assert_int_equal(signal_of(task, A, true, &code), SIGSEGV);
	assert_int_equal(load(task, A), 1);
	verify_clean();
}

/* ---- fault-around -------------------------------------------------------------------------- */

static u64 pages_present(u64 addr, u64 pages)
{
	u64 words[64], nr = 0;

	assert_true(pages <= 64);
	assert_int_equal(umm_proc_pagemap(task, addr, pages, words), 0);
	for (u64 i = 0; i < pages; i++)
		nr += (words[i] & PM_PRESENT) != 0;
	return nr;
}

static void read_faults_map_neighbours(void **state)
{
	u64 value = 1;
	int fd;

	(void)state;
	fault_around = 4 * PAGE;
	build();
	fd = new_file(16);
	for (u64 i = 0; i < 16; i++)
		if (i != 6)
			assert_int_equal(umm_pwrite(task, fd, &value, 8, (int64_t)(i * PAGE)), 8);
	map_file(A, 16, RW, MAP_SHARED, fd, 0);
	assert_int_equal(load(task, A + 5 * PAGE), 1);
	/* 4, 5 and 7: the window is aligned, and 6 is a hole. */
	assert_int_equal(pages_present(A, 16), 3);
	assert_int_equal(pages_present(A + 4 * PAGE, 1), 1);
	assert_int_equal(pages_present(A + 6 * PAGE, 1), 0);
	/* The hole is filled by its own fault, a write brings one page. */
	assert_int_equal(load(task, A + 6 * PAGE), 0);
	store(task, A + 12 * PAGE, 2);
	assert_int_equal(pages_present(A, 16), 5);
	/* Not beyond the vma. */
	map_file(B, 2, RW, MAP_PRIVATE, fd, 3);
	assert_int_equal(load(task, B), 1);
	assert_int_equal(pages_present(B, 2), 2);
	verify_clean();
	umm_task_exit(task);
	verify_clean();
	umm_machine_destroy(machine);
	fault_around = 4096;
}

/* ---- in swap ------------------------------------------------------------------------------- */

/* Out to swap, as reclaim does with a page of shmem. */
static void swap_out(u64 addr)
{
	struct machine *m = (struct machine *)machine;
	struct page *page = pte_page(m, ptep_get(pte_offset(((struct task *)task)->mm, addr)));

	get_page(page);
	page_lock(page);
	try_to_unmap(page, 0);
	assert_int_equal(page_mapcount(page), 0);
	assert_int_equal(shmem_writeout(page), 0);
	assert_true(swap_cache_take_unused(page));
	page_unlock(page);
	free_zero_ref_page(page);
}

enum told { BY_NOBODY, BY_CACHE = 1, BY_ENTRY = 2 };

/* What pagemap says of swapped shmem, under each option; and that nothing else depends on it. */
static void swapped_shmem(u32 told)
{
	struct umm_config config;
	u64 words[4];
	u8 vec[4];
	int fd;

	umm_config_init(&config);
	config.ram_bytes = 2 << 20;
	config.page_cluster = 0;
	config.fault_around_bytes = PAGE;
	config.accurate_shmem_swap = told & BY_CACHE;
	config.shmem_swap_bit = told & BY_ENTRY;
	assert_int_equal(umm_machine_create(&config, &machine), 0);
	assert_true(umm_swap_create(machine, 64, -1) >= 0);
	assert_int_equal(umm_process_create(machine, &task), 0);
	fd = new_file(4);
	map_file(A, 4, RW, MAP_SHARED, fd, 0);
	map_file(B, 4, RW, MAP_PRIVATE, fd, 0);
	for (u64 i = 0; i < 3; i++)
		store(task, A + i * PAGE, 10 + i);
	store(task, B + PAGE, 7);
	for (u64 i = 0; i < 3; i++)
		swap_out(A + i * PAGE);
	verify_clean();
	assert_int_equal(umm_proc_pagemap(task, A, 4, words), 0);
	assert_int_equal(words[0] & (PM_SWAP | PM_PRESENT), told ? PM_SWAP : 0);
	assert_int_equal(words[3] & (PM_SWAP | PM_PRESENT), 0);
	/* Where it was never mapped, the bit has nowhere to be. */
	assert_int_equal(umm_proc_pagemap(task, B, 4, words), 0);
	assert_int_equal(words[0] & (PM_SWAP | PM_PRESENT), told & BY_CACHE ? PM_SWAP : 0);
	assert_int_equal(words[1] & (PM_SWAP | PM_PRESENT), PM_PRESENT);
	assert_int_equal(umm_mincore(task, A, 4 * PAGE, vec), 0);
	assert_int_equal(vec[0], 0);
	assert_int_equal(load(task, A), 10);
	assert_int_equal(load(task, B + 2 * PAGE), 12);
	assert_int_equal(load(task, B + PAGE), 7);
	store(task, A + PAGE, 20);
	assert_int_equal(pread_word(fd, PAGE), 20);
	verify_clean();
	swap_out(A);
	assert_int_equal(
		umm_fallocate(task, fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE), 0);
	assert_int_equal(load(task, A), 0);
	swap_out(A + PAGE);
	assert_int_equal(umm_madvise(task, A, 4 * PAGE, MADV_DONTNEED), 0);
	assert_int_equal(load(task, A + PAGE), 20);
	umm_task_exit(task);
	verify_clean();
	umm_machine_destroy(machine);
}

static void pagemap_of_swapped_shmem(void **state)
{
	(void)state;
	swapped_shmem(BY_NOBODY);
	swapped_shmem(BY_CACHE);
	swapped_shmem(BY_ENTRY);
	swapped_shmem(BY_CACHE | BY_ENTRY);
}

/* ---- failing allocations ------------------------------------------------------------------- */

/* Everything above in short; whatever fails, fails cleanly. */
static void everything(void)
{
	struct umm_task *child = NULL;
	struct umm_fault fault;
	u64 value = 1;
	int fd = umm_memfd_create(task, "f", 0);

	if (fd >= 0) {
		(void)umm_ftruncate(task, fd, 4 * PAGE);
		(void)umm_mmap(task, A, 4 * PAGE, RW, MAP_SHARED | MAP_FIXED, fd, 0);
		(void)umm_mmap(task, B, 4 * PAGE, RW, MAP_PRIVATE | MAP_FIXED, fd, 0);
		(void)umm_pwrite(task, fd, &value, 8, 0);
	}
	for (u64 i = 0; i < 4; i++) {
		(void)umm_store(task, A + i * PAGE, 8, i, &fault);
		(void)umm_load(task, B + i * PAGE, 8, &value, &fault);
	}
	(void)umm_store(task, B, 8, 7, &fault);
	verify_clean();
	(void)umm_fork(task, &child);
	verify_clean();
	if (child) {
		(void)umm_store(child, B, 8, 8, &fault);
		(void)umm_store(child, A, 8, 8, &fault);
	}
	if (fd >= 0) {
		(void)umm_fallocate(task, fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE);
		(void)umm_ftruncate(task, fd, PAGE + 8);
	}
	verify_clean();
	if (child)
		umm_task_exit(child);
}

static void every_allocation_fails_once(void **state)
{
	uint64_t seen, failed;

	(void)state;
	for (u64 n = 1;; n++) {
		struct umm_fail rule = { .order = -1, .nth = n };

		build();
		assert_int_equal(umm_fail_set(machine, &rule), 0);
		everything();
		umm_fail_stats(machine, &seen, &failed);
		assert_int_equal(umm_fail_set(machine, NULL), 0);
		umm_task_exit(task);
		verify_clean();
		umm_machine_destroy(machine);
		if (!failed)
			break;
		assert_true(n < 1000);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(one_file_seen_from_everywhere),
		TEST(truncation_takes_pages_away),
		TEST(a_hole_reads_as_zeros),
		TEST(shared_anonymous_memory),
		TEST(a_private_copy_is_apart),
		TEST(rights_of_a_mapping),
		cmocka_unit_test(read_faults_map_neighbours),
		cmocka_unit_test(pagemap_of_swapped_shmem),
		cmocka_unit_test(every_allocation_fails_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
