/* SPDX-License-Identifier: MIT */
/* Covers: P4, G1 */
/*
 * Machines that are too small for what is done on them: every byte must come back from swap, or
 * from the file, and verify() must find nothing, whatever was reclaimed on the way.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <usermm/usermm.h>

#include "base/prng.h"
#include "base/uapi.h"
#include "phys/group.h"
#include "reclaim/reclaim.h"
#include "vma/task.h"

#define RAM_PAGES 256ull
#define A 0x10000000ull
#define B 0x20000000ull
#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED)

static struct umm_machine *machine;
static struct machine *m;
static struct umm_task *task;

static void build(u64 swap_pages, u32 nodes)
{
	struct umm_config config;

	umm_config_init(&config);
	config.ram_bytes = RAM_PAGES * PAGE_SIZE / nodes;
	config.nodes = nodes;
	config.poison = true;
	config.overcommit = OVERCOMMIT_ALWAYS;
	config.page_cluster = 0;
	assert_int_equal(umm_machine_create(&config, &machine), 0);
	m = (struct machine *)machine;
	assert_int_equal(umm_process_create(machine, &task), 0);
	if (swap_pages)
		assert_true(umm_swap_create(machine, swap_pages, 0) >= 0);
}

static void verify_clean(void)
{
	static char text[8192];

	if (umm_verify(machine, text, sizeof(text)))
		fail_msg("%s", text);
}

/* Everything goes: no page, no slot may be left. */
static void finish(void)
{
	struct umm_task *next = NULL;

	while ((next = umm_task_next(machine, NULL)))
		umm_task_exit(next);
	verify_clean();
	assert_int_equal(swap_free_pages(m), swap_total_pages(m));
	umm_machine_destroy(machine);
}

static void map(struct umm_task *who, u64 addr, u64 pages, int flags)
{
	assert_int_equal(umm_mmap(who, addr, pages * PAGE_SIZE, RW, flags, -1, 0), addr);
}

static u64 value_of(u64 page)
{
	return page * 0x9e3779b97f4a7c15ull + 1;
}

static void fill(struct umm_task *who, u64 addr, u64 pages)
{
	for (u64 i = 0; i < pages; i++)
		assert_int_equal(umm_store(who, addr + i * PAGE_SIZE, 8, value_of(i), NULL), 0);
}

static void check(struct umm_task *who, u64 addr, u64 pages)
{
	for (u64 i = 0; i < pages; i++) {
		u64 value = 0;

		assert_int_equal(umm_load(who, addr + i * PAGE_SIZE, 8, &value, NULL), 0);
		assert_int_equal(value, value_of(i));
	}
}

static s64 swapped(struct umm_task *who)
{
	return atomic64_read(&((struct task *)who)->mm->rss[MM_SWAPENTS]);
}

/* ---- anonymous memory, shmem, files -------------------------------------------------------- */

static void more_than_ram_comes_back_from_swap(void **state)
{
	(void)state;
	for (u32 nodes = 1; nodes <= 2; nodes++) {
		build(2000, nodes);
		map(task, A, 1000, ANON);
		fill(task, A, 1000);
		assert_true(swapped(task) > 700);
		verify_clean();
		check(task, A, 1000);
		verify_clean();
		check(task, A, 1000);
		finish();
	}
}

static void shared_memory_comes_back_from_swap(void **state)
{
	struct umm_task *child;

	(void)state;
	build(2000, 1);
	map(task, A, 600, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED);
	fill(task, A, 600);
	verify_clean();
	assert_int_equal(umm_fork(task, &child), 0);
	check(child, A, 600);
	verify_clean();
	fill(child, A, 600);
	check(task, A, 600);
	finish();
}

static void children_share_what_is_swapped(void **state)
{
	struct umm_task *child;

	(void)state;
	build(2000, 1);
	map(task, A, 500, ANON);
	fill(task, A, 500);
	assert_int_equal(umm_fork(task, &child), 0);
	verify_clean();
	check(child, A, 500);
	fill(child, A + 100 * PAGE_SIZE, 300);
	verify_clean();
	check(task, A, 500);
	check(child, A + 100 * PAGE_SIZE, 300);
	verify_clean();
	finish();
}

/* Dirty pages of a file go to it; what is in it comes from it again. */
static void a_file_larger_than_ram(void **state)
{
	char path[] = "/tmp/usermm-reclaim-XXXXXX";
	int host = mkstemp(path), fd;

	(void)state;
	assert_true(host >= 0);
	build(0, 1);
	fd = umm_open(task, path, O_RDWR, 0);
	assert_true(fd >= 0);
	assert_int_equal(umm_ftruncate(task, fd, (s64)(600 * PAGE_SIZE)), 0);
	assert_int_equal(umm_mmap(task, A, 600 * PAGE_SIZE, RW, MAP_SHARED | MAP_FIXED, fd, 0), A);
	fill(task, A, 600);
	verify_clean();
	check(task, A, 600);
	assert_int_equal(umm_fsync(task, fd), 0);
	for (u64 i = 0; i < 600; i++) {
		u64 value = 0;

		assert_int_equal(pread(host, &value, 8, (off_t)(i * PAGE_SIZE)), 8);
		assert_int_equal(value, value_of(i));
	}
	verify_clean();
	finish();
	close(host);
	unlink(path);
}

/* ---- failures ------------------------------------------------------------------------------ */

/* What could not be written stays in memory; nothing is lost. */
static void swap_that_cannot_be_written(void **state)
{
	struct umm_fail fail = { .site = "swap_write", .order = -1, .probability = 0.4 };

	(void)state;
	build(2000, 1);
	map(task, A, 600, ANON);
	assert_int_equal(umm_fail_set(machine, &fail), 0);
	fill(task, A, 600);
	verify_clean();
	check(task, A, 600);
	assert_int_equal(umm_fail_set(machine, NULL), 0);
	verify_clean();
	check(task, A, 600);
	finish();
}

static void swap_that_cannot_be_read(void **state)
{
	struct umm_fail fail = { .site = "swap_read", .order = -1, .nth = 1 };
	struct umm_fault fault = { 0 };
	u64 value;

	(void)state;
	build(2000, 1);
	map(task, A, 20, ANON);
	fill(task, A, 20);
	assert_int_equal(umm_madvise(task, A, 20 * PAGE_SIZE, MADV_PAGEOUT), 0);
	assert_int_equal(umm_fail_set(machine, &fail), 0);
	assert_int_equal(umm_load(task, A, 8, &value, &fault), -EFAULT);
	assert_int_equal(fault.signo, SIGBUS);
	verify_clean();
	for (u64 i = 1; i < 20; i++) {
		assert_int_equal(umm_load(task, A + i * PAGE_SIZE, 8, &value, NULL), 0);
		assert_int_equal(value, value_of(i));
	}
	verify_clean();
	finish();
}

/* The n-th of all allocations, slots, reads and writes; for each n. Accesses are tried again. */
static void anything_fails_once(void **state)
{
	u64 seen, failed = 1, nth;

	(void)state;
	for (nth = 1; failed; nth++) {
		struct umm_fail fail = { .order = -1, .nth = nth };
		struct umm_fault fault;
		u64 value;

		build(1000, 1);
		map(task, A, 400, ANON);
		assert_int_equal(umm_fail_set(machine, &fail), 0);
		for (u64 i = 0; i < 400; i += 1 + i % 3)
			(void)umm_store(task, A + i * PAGE_SIZE, 8, value_of(i), &fault);
		(void)umm_madvise(task, A, 100 * PAGE_SIZE, MADV_PAGEOUT);
		for (u64 i = 0; i < 400; i += 1 + i % 3) {
			/* A read that failed is the only way to lose an access. */
			if (umm_load(task, A + i * PAGE_SIZE, 8, &value, &fault))
				assert_int_equal(fault.signo, SIGBUS);
			else
				assert_int_equal(value, value_of(i));
		}
		umm_fail_stats(machine, &seen, &failed);
		assert_int_equal(umm_fail_set(machine, NULL), 0);
		verify_clean();
		finish();
		/* All of the first, then a sample. */
		if (nth > 40)
			nth += 37;
	}
	assert_true(nth > 400);
}

/* ---- what goes first ----------------------------------------------------------------------- */

/* Pages that are used again and again stay, when others come and go once. */
static void what_is_used_stays(void **state)
{
	u64 value, majors;

	(void)state;
	build(4000, 1);
	map(task, A, 40, ANON);
	map(task, B, 2000, ANON);
	fill(task, A, 40);
	for (u64 i = 0; i < 2000; i++) {
		assert_int_equal(umm_store(task, B + i * PAGE_SIZE, 8, i, NULL), 0);
		assert_int_equal(umm_load(task, A + i % 40 * PAGE_SIZE, 8, &value, NULL), 0);
	}
	majors = vm_counter_sum(m, PGMAJFAULT);
	/* One round more: nearly all of them are there. */
	check(task, A, 40);
	assert_true(vm_counter_sum(m, PGMAJFAULT) - majors <= 8);
	verify_clean();
	finish();
}

static void locked_memory_stays(void **state)
{
	u8 resident[50];

	(void)state;
	build(2000, 1);
	map(task, A, 50, ANON | MAP_LOCKED);
	fill(task, A, 50);
	map(task, B, 800, ANON);
	fill(task, B, 800);
	verify_clean();
	assert_int_equal(umm_mincore(task, A, 50 * PAGE_SIZE, resident), 0);
	for (unsigned i = 0; i < 50; i++)
		assert_true(resident[i] & 1);
	assert_int_equal(umm_munlock(task, A, 50 * PAGE_SIZE), 0);
	fill(task, B, 800);
	fill(task, B, 800);
	verify_clean();
	check(task, A, 50);
	finish();
}

static void lazily_freed_memory_goes_without_swap(void **state)
{
	u64 value;

	(void)state;
	build(0, 1);
	map(task, A, 150, ANON);
	map(task, B, 150, ANON);
	fill(task, A, 150);
	assert_int_equal(umm_madvise(task, A, 150 * PAGE_SIZE, MADV_FREE), 0);
	assert_int_equal(umm_store(task, A, 8, 77, NULL), 0);
	fill(task, B, 150);
	check(task, B, 150);
	verify_clean();
	assert_true(vm_counter_sum(m, PGLAZYFREED) > 0);
	/* Written after it was given up: it stays. */
	assert_int_equal(umm_load(task, A, 8, &value, NULL), 0);
	assert_int_equal(value, 77);
	assert_int_equal(umm_load(task, A + PAGE_SIZE, 8, &value, NULL), 0);
	assert_true(value == 0 || value == value_of(1));
	finish();
}

/* ---- advices -------------------------------------------------------------------------------- */

static void pageout_and_back(void **state)
{
	struct umm_task *child;
	u8 resident[20];

	(void)state;
	build(100, 1);
	map(task, A, 20, ANON);
	fill(task, A, 20);
	assert_int_equal(umm_madvise(task, A, 20 * PAGE_SIZE, MADV_PAGEOUT), 0);
	verify_clean();
	assert_int_equal(swapped(task), 20);
	assert_int_equal(umm_mincore(task, A, 20 * PAGE_SIZE, resident), 0);
	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(resident[i] & 1, 0);
	check(task, A, 20);
	verify_clean();
	assert_int_equal(umm_fork(task, &child), 0);
	/* Others map them too. */
	assert_int_equal(umm_madvise(task, A, 20 * PAGE_SIZE, MADV_PAGEOUT), 0);
	assert_int_equal(swapped(task), 0);
	check(child, A, 20);
	verify_clean();
	finish();
}

static void a_pinned_page_stays(void **state)
{
	s64 pin;

	(void)state;
	build(2000, 1);
	map(task, A, 2, ANON);
	fill(task, A, 2);
	pin = umm_pin(task, A, PAGE_SIZE);
	assert_true(pin >= 0);
	assert_int_equal(umm_madvise(task, A, 2 * PAGE_SIZE, MADV_PAGEOUT), 0);
	assert_int_equal(swapped(task), 1);
	map(task, B, 1000, ANON);
	fill(task, B, 1000);
	verify_clean();
	assert_int_equal(swapped(task) > 0, 1);
	assert_int_equal(umm_unpin(task, pin), 0);
	check(task, A, 2);
	finish();
}

/* ---- background, groups, the end ------------------------------------------------------------ */

static void kswapd_restores_the_high_mark(void **state)
{
	u64 free_pages;

	(void)state;
	build(2000, 1);
	map(task, A, 300, ANON);
	for (u64 i = 0; i < 300 && !kswapd_wanted(m, 0); i++)
		assert_int_equal(umm_store(task, A + i * PAGE_SIZE, 8, value_of(i), NULL), 0);
	assert_true(kswapd_wanted(m, 0));
	free_pages = phys_free_pages(m);
	assert_true(umm_kswapd(machine, 0, false) > 0);
	assert_true(phys_free_pages(m) > free_pages);
	assert_false(phys_node_below(m, 0, WMARK_HIGH));
	assert_int_equal(umm_kswapd(machine, 0, false), 0);
	assert_true(umm_kswapd(machine, 0, true) > 0);
	assert_int_equal(umm_kswapd(machine, 1, true), -EINVAL);
	verify_clean();
	finish();
}

static void a_group_keeps_its_limit(void **state)
{
	struct umm_task *other;
	int group;

	(void)state;
	build(2000, 1);
	assert_int_equal(umm_group_create(machine, 100), -EINVAL);
	group = umm_group_create(machine, 40 * PAGE_SIZE);
	assert_true(group > 0);
	assert_int_equal(umm_process_create(machine, &other), 0);
	map(other, A, 50, ANON);
	fill(other, A, 50);
	assert_int_equal(umm_group_join(task, 99), -EINVAL);
	assert_int_equal(umm_group_join(task, group), 0);
	map(task, A, 200, ANON);
	fill(task, A, 200);
	assert_true(umm_group_usage(machine, group) <= (s64)(40 * PAGE_SIZE));
	assert_true(swapped(task) >= 160);
	assert_int_equal(swapped(other), 0);
	verify_clean();
	check(task, A, 200);
	assert_int_equal(umm_group_set_limit(machine, group, 10 * PAGE_SIZE), 0);
	assert_true(umm_group_usage(machine, group) <= (s64)(10 * PAGE_SIZE));
	verify_clean();
	check(task, A, 200);
	assert_true(umm_group_reclaim(machine, group, 5 * PAGE_SIZE) >= (s64)(5 * PAGE_SIZE));
	check(task, A, 200);
	assert_int_equal(swapped(other), 0);
	verify_clean();
	finish();
}

static void a_group_without_swap_kills_its_own(void **state)
{
	struct umm_task *other;
	struct umm_fault fault = { 0 };
	int group, ret = 0;

	(void)state;
	build(0, 1);
	group = umm_group_create(machine, 40 * PAGE_SIZE);
	assert_int_equal(umm_process_create(machine, &other), 0);
	map(other, A, 60, ANON);
	fill(other, A, 60);
	assert_int_equal(umm_group_join(task, group), 0);
	map(task, A, 50, ANON);
	for (u64 i = 0; i < 50 && !ret; i++)
		ret = umm_store(task, A + i * PAGE_SIZE, 8, 1, &fault);
	assert_int_equal(ret, -EFAULT);
	assert_int_equal(fault.signo, SIGKILL);
	assert_int_equal(umm_group_usage(machine, group), 0);
	check(other, A, 60);
	verify_clean();
	finish();
}

/* The one that has most dies; who asked goes on. */
static void the_largest_dies(void **state)
{
	struct umm_task *large;
	struct umm_fault fault = { 0 };
	u64 value;

	(void)state;
	build(0, 1);
	assert_int_equal(umm_process_create(machine, &large), 0);
	map(large, A, 150, ANON);
	fill(large, A, 150);
	map(task, A, 120, ANON);
	fill(task, A, 120);
	check(task, A, 120);
	assert_int_equal(umm_load(large, A, 8, &value, &fault), -EFAULT);
	assert_int_equal(fault.signo, SIGKILL);
	assert_int_equal(vm_counter_sum(m, NR_COUNTER_OOM), 1);
	verify_clean();
	finish();
}

/* ---- anything, in any order ----------------------------------------------------------------- */

#define TASKS 3
#define PAGES 160

struct model {
	struct umm_task *task;
	u64 value[PAGES];
};

static void random_step(struct prng *rng, struct model *models)
{
	struct model *model = &models[prng_below(rng, TASKS)];
	u64 first = prng_below(rng, PAGES), nr = 1 + prng_below(rng, PAGES - first), value;
	u64 addr = A + first * PAGE_SIZE;

	switch (prng_below(rng, 9)) {
	case 0:
		assert_int_equal(umm_madvise(model->task, addr, nr * PAGE_SIZE, MADV_PAGEOUT), 0);
		break;
	case 1:
		assert_int_equal(umm_madvise(model->task, addr, nr * PAGE_SIZE, MADV_COLD), 0);
		break;
	case 2:
		nr = MIN(nr, 10);
		assert_int_equal(umm_madvise(model->task, addr, nr * PAGE_SIZE, MADV_DONTNEED), 0);
		memset(&model->value[first], 0, nr * sizeof(u64));
		break;
	case 3:
		(void)umm_kswapd(machine, 0, true);
		break;
	case 4: {
		struct model *child = &models[prng_below(rng, TASKS)];

		if (child == model)
			break;
		umm_task_exit(child->task);
		memcpy(child->value, model->value, sizeof(child->value));
		assert_int_equal(umm_fork(model->task, &child->task), 0);
		break;
	}
	case 5:
		nr = MIN(nr, 8);
		assert_int_equal(umm_mlock(model->task, addr, nr * PAGE_SIZE), 0);
		assert_int_equal(umm_munlock(model->task, addr, nr * PAGE_SIZE), 0);
		break;
	default:
		for (u64 i = first; i < first + nr; i++) {
			if (prng_below(rng, 2)) {
				model->value[i] = prng_next(rng);
				assert_int_equal(umm_store(model->task, A + i * PAGE_SIZE, 8,
							   model->value[i], NULL),
						 0);
			} else {
				assert_int_equal(umm_load(model->task, A + i * PAGE_SIZE, 8, &value,
							  NULL),
						 0);
				assert_int_equal(value, model->value[i]);
			}
		}
	}
}

static void anything_in_any_order(void **state)
{
	static struct model models[TASKS];
	struct prng rng;

	(void)state;
	for (u64 seed = 1; seed <= 4; seed++) {
		print_message("seed %llu\n", (unsigned long long)seed);
		prng_seed(&rng, seed);
		memset(models, 0, sizeof(models));
		build(2000, 1 + seed % 2);
		models[0].task = task;
		for (unsigned i = 0; i < TASKS; i++) {
			if (i)
				assert_int_equal(umm_process_create(machine, &models[i].task), 0);
			map(models[i].task, A, PAGES, ANON);
		}
		for (int i = 0; i < 400; i++) {
			random_step(&rng, models);
			if (i % 20 == 0)
				verify_clean();
		}
		finish();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(more_than_ram_comes_back_from_swap),
		cmocka_unit_test(shared_memory_comes_back_from_swap),
		cmocka_unit_test(children_share_what_is_swapped),
		cmocka_unit_test(a_file_larger_than_ram),
		cmocka_unit_test(swap_that_cannot_be_written),
		cmocka_unit_test(swap_that_cannot_be_read),
		cmocka_unit_test(anything_fails_once),
		cmocka_unit_test(what_is_used_stays),
		cmocka_unit_test(locked_memory_stays),
		cmocka_unit_test(lazily_freed_memory_goes_without_swap),
		cmocka_unit_test(pageout_and_back),
		cmocka_unit_test(a_pinned_page_stays),
		cmocka_unit_test(kswapd_restores_the_high_mark),
		cmocka_unit_test(a_group_keeps_its_limit),
		cmocka_unit_test(a_group_without_swap_kills_its_own),
		cmocka_unit_test(the_largest_dies),
		cmocka_unit_test(anything_in_any_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
