/* SPDX-License-Identifier: MIT */
/* Covers: R6 */
/*
 * What verify() says of places for reclaim and of charges, each finding proven by a planted fault;
 * phys/lru_test.c proves those of the lists themselves.
 */
#include "mmu/pgtable.h"
#include "phys/group.h"
#include "vma/mm.h"

/* Last: it has a machine m. */
#include "api/planted_test.h"

#define A 0x100000ull

static struct page *page;

static int set_up(void **state)
{
	struct umm_machine *machine;
	struct umm_config config;
	struct umm_task *task;

	(void)state;
	umm_config_init(&config);
	config.ram_bytes = 2 << 20;
	assert_int_equal(umm_machine_create(&config, &machine), 0);
	m = (struct machine *)machine;
	assert_int_equal(umm_process_create(machine, &task), 0);
	assert_int_equal(umm_group_create(machine, 1 << 20), 1);
	assert_int_equal(umm_group_join(task, 1), 0);
	assert_int_equal(umm_mmap(task, A, 2 * PAGE_SIZE, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_LOCKED, -1, 0),
			 A);
	assert_int_equal(umm_store(task, A, 8, 1, NULL), 0);
	page = pte_page(m, *pte_offset(((struct task *)task)->mm, A));
	return umm_snapshot_take(machine, &snapshot);
}

static int tear_down(void **state)
{
	(void)state;
	umm_snapshot_free(snapshot);
	umm_machine_destroy((struct umm_machine *)m);
	return 0;
}

static void no_place(void)
{
	page->flags &= ~(BIT(PG_lru) | BIT(PG_lru_batch) | PAGE_CPU_MASK);
	WANT("page %llu: on no LRU list and in no batch", LL(page_to_pfn(page).n));
}

static void no_lock(void)
{
	page->mlock_count = 0;
	WANT("page %llu: locked by 0 mappings, counted 1", LL(page_to_pfn(page).n));
}

static void no_group(void)
{
	page->group = 7;
	WANT("page %llu: of group 7, which there is not", LL(page_to_pfn(page).n));
}

static void no_charge(void)
{
	page->group = 0;
	WANT("group 1: pages charged is 2, counted 1");
}

static const struct planted faults[] = {
	FAULT(no_place),
	FAULT(no_lock),
	FAULT(no_group),
	FAULT(no_charge),
};

static void every_planted_fault_is_found(void **state)
{
	(void)state;
	find_planted(faults, ARRAY_SIZE(faults));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_healthy_machine_is_clean),
		cmocka_unit_test(every_planted_fault_is_found),
	};

	return cmocka_run_group_tests_name("verify_lru", tests, set_up, tear_down);
}
