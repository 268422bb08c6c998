/* SPDX-License-Identifier: MIT */
/* Covers: P2, P3, P5, P6, A3, G1 */
/*
 * Anonymous pages out to swap and back: what comes back is what went out, for each way of asking
 * for it, alone or shared by fork, read or not readable; and every allocation failing in turn.
 */
#include "machine/bug_test.h"

#include <usermm/usermm.h>

#include "base/uapi.h"
#include "phys/lru.h"
#include "rmap/rmap.h"
#include "vma/task.h"

#define PAGE 4096ull
#define RW (PROT_READ | PROT_WRITE)
#define A 0x3f00000000ull /* user space on every architecture */
#define PAGES 4
/* Bits of a word of pagemap. */
#define PM_SWAP BIT(62)
#define PM_PRESENT BIT(63)

static struct umm_machine *machine;
static struct umm_task *task;
static int area;

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
	config.page_cluster = 0;
	assert_int_equal(umm_machine_create(&config, &machine), 0);
	area = umm_swap_create(machine, 64, -1);
	assert_true(area >= 0);
	assert_int_equal(umm_process_create(machine, &task), 0);
}

static int set_up(void **state)
{
	(void)state;
	build();
	assert_int_equal(umm_mmap(task, A, PAGES * PAGE, RW,
				  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
			 A);
	for (u64 i = 0; i < PAGES; i++)
		assert_int_equal(umm_store(task, A + i * PAGE, 8, 100 + i, NULL), 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	verify_clean();
	umm_task_exit(task);
	verify_clean();
	assert_int_equal(umm_swapoff_area(machine, area), 0);
	verify_clean();
	umm_machine_destroy(machine);
	return 0;
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

static u64 pagemap(struct umm_task *who, u64 addr)
{
	u64 word;

	assert_int_equal(umm_proc_pagemap(who, addr, 1, &word), 0);
	return word;
}

static pte_t entry_of(struct umm_task *who, u64 addr)
{
	pte_t *ptep = pte_offset(((struct task *)who)->mm, addr);

	return ptep ? ptep_get(ptep) : (pte_t){ 0 };
}

/* Unmap the page at addr into swap, as reclaim does; it stays in the swap cache if keep. */
static void swap_out(struct umm_task *who, u64 addr, bool keep)
{
	struct page *page = pte_page((struct machine *)machine, entry_of(who, addr));

	get_page(page);
	page_lock(page);
	if (!page_test_swapcache(page))
		assert_int_equal(add_to_swap(page), 0);
	try_to_unmap(page, 0);
	assert_int_equal(page_mapcount(page), 0);
	assert_int_equal(swap_writeout(page), 0);
	if (!keep && swap_cache_take_unused(page)) {
		page_unlock(page);
		free_zero_ref_page(page);
		return;
	}
	assert_true(keep);
	page_unlock(page);
	put_page(page);
}

/* ---- out and in ---------------------------------------------------------------------------- */

static void what_went_out_comes_back(void **state)
{
	(void)state;
	for (unsigned keep = 0; keep < 2; keep++) {
		for (u64 i = 0; i < PAGES; i++)
			swap_out(task, A + i * PAGE, keep);
		verify_clean();
		assert_int_equal(pagemap(task, A) & (PM_SWAP | PM_PRESENT), PM_SWAP);
		assert_int_equal(load(task, A), 100);
		store(task, A + PAGE, 101);
		assert_int_equal(load(task, A + 2 * PAGE), 102);
		store(task, A + 3 * PAGE, 103);
		verify_clean();
	}
}

/* A page that was its process's alone needs no copy when it comes back. */
static void exclusive_stays_exclusive(void **state)
{
	struct umm_page_info info;

	(void)state;
	swap_out(task, A, false);
	assert_true(pte_swp_exclusive(entry_of(task, A)));
	assert_int_equal(load(task, A), 100);
	assert_int_equal(umm_page_info(task, A, &info), 0);
	assert_true(info.anon_exclusive);
	/* It is writable at once, and what is written is not lost with the slot. */
	assert_true(pte_write(entry_of(task, A)));
	store(task, A, 7);
	swap_out(task, A, false);
	assert_int_equal(load(task, A), 7);
}

static void fork_shares_slots(void **state)
{
	struct umm_task *child;

	(void)state;
	swap_out(task, A, false);
	swap_out(task, A + PAGE, true);
	assert_int_equal(umm_fork(task, &child), 0);
	verify_clean();
	assert_false(pte_swp_exclusive(entry_of(task, A)));
	assert_false(pte_swp_exclusive(entry_of(child, A)));
	store(child, A, 1);
	store(task, A + PAGE, 2);
	assert_int_equal(load(task, A), 100);
	assert_int_equal(load(child, A + PAGE), 101);
	verify_clean();
	assert_int_equal(umm_munmap(task, A, PAGE), 0);
	assert_int_equal(load(child, A), 1);
	umm_task_exit(child);
}

static void slots_go_with_their_entries(void **state)
{
	(void)state;
	for (u64 i = 0; i < PAGES; i++)
		swap_out(task, A + i * PAGE, i & 1);
	verify_clean();
	assert_int_equal(umm_madvise(task, A, 2 * PAGE, MADV_DONTNEED), 0);
	verify_clean();
	assert_int_equal(load(task, A), 0);
	assert_int_equal(umm_munmap(task, A + 2 * PAGE, 2 * PAGE), 0);
	verify_clean();
}

static void moved_and_protected(void **state)
{
	u64 to = A + 0x100000;

	(void)state;
	swap_out(task, A, false);
	swap_out(task, A + PAGE, true);
	assert_int_equal(umm_mprotect(task, A, 2 * PAGE, PROT_READ), 0);
	assert_int_equal(umm_mremap(task, A, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to),
			 to);
	verify_clean();
	assert_int_equal(load(task, to), 100);
	assert_int_equal(load(task, to + PAGE), 101);
	assert_int_equal(umm_store(task, to, 8, 1, NULL), -EFAULT);
	assert_int_equal(umm_mprotect(task, to, 2 * PAGE, RW), 0);
	store(task, to, 9);
}

/* ---- looking ------------------------------------------------------------------------------- */

static void residency(void **state)
{
	u8 vec[PAGES];

	(void)state;
	swap_out(task, A, false);
	swap_out(task, A + PAGE, true);
	assert_int_equal(umm_mincore(task, A, PAGES * PAGE, vec), 0);
	assert_int_equal(vec[0], 0);
	assert_int_equal(vec[1], 1);
	assert_int_equal(vec[2], 1);
	assert_int_equal(umm_madvise(task, A, PAGES * PAGE, MADV_WILLNEED), 0);
	assert_int_equal(umm_mincore(task, A, PAGES * PAGE, vec), 0);
	assert_int_equal(vec[0], 1);
	assert_int_equal(pagemap(task, A) & (PM_SWAP | PM_PRESENT), PM_SWAP);
	verify_clean();
}

static void shares_of_swap(void **state)
{
	static char text[8192];
	struct umm_task *child;

	(void)state;
	swap_out(task, A, false);
	swap_out(task, A + PAGE, false);
	assert_int_equal(umm_fork(task, &child), 0);
	store(child, A, 1);
	(void)umm_proc_smaps(task, A, A + 1, text, sizeof(text));
	assert_non_null(strstr(text, "\nSwap:                  8 kB\n"));
	assert_non_null(strstr(text, "\nSwapPss:               6 kB\n"));
	(void)umm_proc_status(task, text, sizeof(text));
	assert_non_null(strstr(text, "VmSwap:\t       8 kB\n"));
	umm_task_exit(child);
}

/* ---- what cannot be read ------------------------------------------------------------------- */

static void fail_next(const char *site)
{
	struct umm_fail rule = { .site = site, .order = -1, .nth = 1 };

	assert_int_equal(umm_fail_set(machine, &rule), 0);
}

static void a_failed_read_is_sigbus(void **state)
{
	struct umm_fault fault;
	u64 value;

	(void)state;
	swap_out(task, A, false);
	fail_next("swap_read");
	assert_int_equal(umm_load(task, A, 8, &value, &fault), -EFAULT);
	assert_int_equal(fault.signo, SIGBUS);
	assert_int_equal(fault.code, BUS_ADRERR);
	assert_int_equal(umm_fail_set(machine, NULL), 0);
	verify_clean();
	assert_int_equal(umm_munmap(task, A, PAGE), 0);
}

/* swapoff does not wait for who needs the data: who asks for it learns that it is lost. */
static void swapoff_poisons_what_it_cannot_read(void **state)
{
	struct umm_fault fault;
	u64 value;

	(void)state;
	swap_out(task, A, false);
	swap_out(task, A + PAGE, false);
	fail_next("swap_read");
	assert_int_equal(umm_swapoff_area(machine, area), 0);
	assert_int_equal(umm_fail_set(machine, NULL), 0);
	verify_clean();
	assert_int_equal(umm_load(task, A, 8, &value, &fault), -EFAULT);
	assert_int_equal(fault.signo, SIGBUS);
	assert_int_equal(load(task, A + PAGE), 101);
	area = umm_swap_create(machine, 64, -1);
}

static void swapoff_brings_home(void **state)
{
	struct umm_task *child;

	(void)state;
	swap_out(task, A, false);
	swap_out(task, A + PAGE, true);
	assert_int_equal(umm_fork(task, &child), 0);
	swap_out(task, A + 2 * PAGE, false);
	assert_int_equal(umm_swapoff_area(machine, area), 0);
	verify_clean();
	assert_int_equal(pagemap(task, A) & (PM_SWAP | PM_PRESENT), PM_PRESENT);
	for (u64 i = 0; i < PAGES; i++) {
		assert_int_equal(load(task, A + i * PAGE), 100 + i);
		assert_int_equal(load(child, A + i * PAGE), 100 + i);
	}
	store(child, A, 1);
	assert_int_equal(load(task, A), 100);
	umm_task_exit(child);
	area = umm_swap_create(machine, 64, -1);
}

/* ---- failing allocations ------------------------------------------------------------------- */

static void out_fork_and_in(void)
{
	struct umm_task *child = NULL;
	struct umm_fault fault;
	u64 value;

	(void)umm_fork(task, &child);
	verify_clean();
	for (u64 i = 0; i < PAGES; i++) {
		if (child && i & 1)
			(void)umm_store(child, A + i * PAGE, 8, 1, &fault);
		if (umm_load(task, A + i * PAGE, 8, &value, &fault) == 0)
			assert_int_equal(value, 100 + i);
	}
	verify_clean();
	if (child)
		umm_task_exit(child);
	(void)umm_swapoff_area(machine, area);
}

static void every_allocation_fails_once(void **state)
{
	uint64_t seen, failed;

	for (u64 n = 1;; n++) {
		struct umm_fail rule = { .order = -1, .nth = n };

		(void)set_up(state);
		for (u64 i = 0; i < PAGES; i++)
			swap_out(task, A + i * PAGE, i & 1);
		assert_int_equal(umm_fail_set(machine, &rule), 0);
		out_fork_and_in();
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
		TEST(what_went_out_comes_back),
		TEST(exclusive_stays_exclusive),
		TEST(fork_shares_slots),
		TEST(slots_go_with_their_entries),
		TEST(moved_and_protected),
		TEST(residency),
		TEST(shares_of_swap),
		TEST(a_failed_read_is_sigbus),
		TEST(swapoff_poisons_what_it_cannot_read),
		TEST(swapoff_brings_home),
		cmocka_unit_test(every_allocation_fails_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
