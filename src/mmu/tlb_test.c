/* SPDX-License-Identifier: MIT */
/*
 * What a CPU may still believe after a change of the tables, and what tables are left after
 * ranges have gone.
 */
#include "machine/bug_test.h"

#include <usermm/usermm.h>

#include "base/uapi.h"
#include "mmu/tlb.h"

#define BASE 0x3f00000000ull
#define RW (PROT_READ | PROT_WRITE)

static struct umm_machine *machine;
static struct umm_task *task;

static void verify_clean(void)
{
	char text[2048];

	if (umm_verify(machine, text, sizeof(text)))
		fail_msg("%s", text);
}

static void build(u32 cpus, enum umm_tlb_flush model)
{
	struct umm_config config;

	umm_config_init(&config);
	config.ram_bytes = 4 << 20;
	config.cpus = cpus;
	config.tlb_entries = 64;
	config.tlb_flush = model;
	assert_int_equal(umm_machine_create(&config, &machine), 0);
	assert_int_equal(umm_process_create(machine, &task), 0);
}

static void finish(void)
{
	umm_task_exit(task);
	verify_clean();
	umm_machine_destroy(machine);
}

static void map(u64 addr, u64 len)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE;

	assert_int_equal(umm_mmap(task, addr, len, RW, flags, -1, 0), addr);
}

static void store(struct umm_task *who, u64 addr, u64 value)
{
	assert_int_equal(umm_store(who, addr, 8, value, NULL), 0);
}

static u64 load(struct umm_task *who, u64 addr)
{
	u64 value = 0;

	assert_int_equal(umm_load(who, addr, 8, &value, NULL), 0);
	return value;
}

static struct mm *mm_of(struct umm_task *who)
{
	return ((struct task *)who)->mm;
}

/* Another thread's CPU has cached the page; after each change its next access must know. */
static void check_remote_cpu(enum umm_tlb_flush model)
{
	struct umm_fault fault;
	struct umm_task *other;
	u64 value;

	build(2, model);
	assert_int_equal(umm_thread_create(task, &other), 0);
	map(BASE, 2 * PAGE_SIZE);
	store(task, BASE, 1);
	store(other, BASE, 2);
	assert_int_equal(load(task, BASE), 2);

	assert_int_equal(umm_mprotect(task, BASE, PAGE_SIZE, PROT_READ), 0);
	assert_int_equal(umm_store(other, BASE, 8, 3, &fault), -EFAULT);
	assert_int_equal(load(other, BASE), 2);
	assert_int_equal(umm_madvise(task, BASE, PAGE_SIZE, MADV_DONTNEED), 0);
	assert_int_equal(load(other, BASE), 0);
	assert_int_equal(umm_munmap(task, BASE, PAGE_SIZE), 0);
	assert_int_equal(umm_load(other, BASE, 8, &value, &fault), -EFAULT);
	verify_clean();
	umm_task_exit(other);
	finish();
}

static void test_remote_cpu_forgets(void **state)
{
	(void)state;
	check_remote_cpu(UMM_TLB_IPI);
	check_remote_cpu(UMM_TLB_PARAVIRT);
	check_remote_cpu(UMM_TLB_BROADCAST);
}

/* Fork takes write permission away from a page that the parent's CPU has cached writable. */
static void test_fork_flushes_writable(void **state)
{
	struct umm_task *child;

	(void)state;
	build(2, UMM_TLB_IPI);
	map(BASE, PAGE_SIZE);
	store(task, BASE, 1);
	assert_int_equal(umm_fork(task, &child), 0);
	store(task, BASE, 2);
	assert_int_equal(load(child, BASE), 1);
	verify_clean();
	umm_task_exit(child);
	finish();
}

/* More processes than CPUs: each takes a CPU over and must not see the other's translations. */
static void test_cpu_changes_hands(void **state)
{
	struct umm_task *children[5];

	(void)state;
	build(1, UMM_TLB_IPI);
	map(BASE, PAGE_SIZE);
	store(task, BASE, 100);
	for (u64 i = 0; i < ARRAY_SIZE(children); i++)
		assert_int_equal(umm_fork(task, &children[i]), 0);
	for (u64 round = 0; round < 3; round++)
		for (u64 i = 0; i < ARRAY_SIZE(children); i++)
			store(children[i], BASE, i + round);
	for (u64 i = 0; i < ARRAY_SIZE(children); i++) {
		assert_int_equal(load(children[i], BASE), i + 2);
		umm_task_exit(children[i]);
	}
	assert_int_equal(load(task, BASE), 100);
	finish();
}

/* More flushes than the log remembers, and one longer than is dropped page by page. */
static void test_flush_log_overrun(void **state)
{
	struct umm_task *other;

	(void)state;
	build(2, UMM_TLB_IPI);
	assert_int_equal(umm_thread_create(task, &other), 0);
	map(BASE, 80 * PAGE_SIZE);
	for (u64 i = 0; i < 80; i++)
		store(other, BASE + i * PAGE_SIZE, i + 1);
	for (u64 i = 0; i < 2 * MM_FLUSH_LOG; i++)
		assert_int_equal(umm_madvise(task, BASE + i * PAGE_SIZE, PAGE_SIZE, MADV_DONTNEED),
				 0);
	for (u64 i = 0; i < 80; i++)
		assert_int_equal(load(other, BASE + i * PAGE_SIZE),
				 i < 2 * MM_FLUSH_LOG ? 0 : i + 1);
	assert_int_equal(umm_madvise(task, BASE, 80 * PAGE_SIZE, MADV_DONTNEED), 0);
	for (u64 i = 0; i < 80; i++)
		assert_int_equal(load(other, BASE + i * PAGE_SIZE), 0);
	umm_task_exit(other);
	finish();
}

/* Tables come with the first page of their range and go with the last vma that needs them. */
static void test_tables_come_and_go(void **state)
{
	struct mm *mm;

	(void)state;
	build(1, UMM_TLB_IPI);
	mm = mm_of(task);
	assert_int_equal(atomic64_read(&mm->pgtables_bytes), 0);
	map(BASE, PAGE_SIZE);
	map(BASE + PMD_SIZE, PAGE_SIZE);
	assert_null(pte_offset(mm, BASE));
	store(task, BASE, 1);
	assert_int_equal(atomic64_read(&mm->pgtables_bytes), (PT_LEVELS - 1) * PAGE_SIZE);
	store(task, BASE + PMD_SIZE, 1);
	assert_int_equal(atomic64_read(&mm->pgtables_bytes), PT_LEVELS * PAGE_SIZE);
	assert_int_equal(pgtable_next_table(mm, 0, TASK_SIZE), BASE);
	assert_int_equal(pgtable_next_table(mm, BASE + 2 * PMD_SIZE, TASK_SIZE), TASK_SIZE);
	assert_int_equal(umm_munmap(task, BASE, PAGE_SIZE), 0);
	verify_clean();
	assert_null(pte_offset(mm, BASE));
	assert_int_equal(umm_munmap(task, BASE + PMD_SIZE, PAGE_SIZE), 0);
	assert_int_equal(atomic64_read(&mm->pgtables_bytes), 0);
	verify_clean();
	finish();
}

struct seen_range {
	vaddr_t addresses[16];
	unsigned entries, holes;
};

static int see_entry(struct mm_walk *walk, vaddr_t addr, pte_t *ptep, pte_t pte)
{
	struct seen_range *seen = walk->private;

	(void)ptep;
	if (!pte_none(pte))
		seen->addresses[seen->entries++] = addr;
	return seen->entries == 3 ? 7 : 0;
}

static int see_hole(struct mm_walk *walk, vaddr_t start, vaddr_t end)
{
	struct seen_range *seen = walk->private;

	assert_true(start < end);
	seen->holes++;
	return 0;
}

static void test_walk_range(void **state)
{
	struct seen_range seen = { .entries = 0 };
	struct mm_walk walk = { .pte = see_entry, .hole = see_hole, .private = &seen };

	(void)state;
	build(1, UMM_TLB_IPI);
	walk.mm = mm_of(task);
	map(BASE, 6 * PMD_SIZE);
	store(task, BASE + PMD_SIZE, 1);
	store(task, BASE + 3 * PMD_SIZE - PAGE_SIZE, 1);
	assert_int_equal(walk_page_range(&walk, BASE, BASE + 6 * PMD_SIZE), 0);
	assert_int_equal(seen.entries, 2);
	assert_int_equal(seen.holes, 2);
	assert_int_equal(seen.addresses[0], BASE + PMD_SIZE);
	assert_int_equal(seen.addresses[1], BASE + 3 * PMD_SIZE - PAGE_SIZE);

	/* What the callback returns stops the walk. */
	store(task, BASE + 2 * PMD_SIZE, 1);
	store(task, BASE + 5 * PMD_SIZE, 1);
	seen = (struct seen_range){ .entries = 0 };
	assert_int_equal(walk_page_range(&walk, BASE, BASE + 6 * PMD_SIZE), 7);
	assert_int_equal(seen.addresses[2], BASE + 3 * PMD_SIZE - PAGE_SIZE);
	finish();
}

/* A table page whose count of entries is wrong is not given back quietly. */
static void free_used_table(void *arg)
{
	table_free(arg);
}

static void test_used_table_is_not_freed(void **state)
{
	(void)state;
	build(1, UMM_TLB_IPI);
	map(BASE, PAGE_SIZE);
	store(task, BASE, 1);
	expect_bug(free_used_table, virt_to_page(pte_offset(mm_of(task), BASE)), "nr_used");
	finish();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_remote_cpu_forgets),
		cmocka_unit_test(test_fork_flushes_writable),
		cmocka_unit_test(test_cpu_changes_hands),
		cmocka_unit_test(test_flush_log_overrun),
		cmocka_unit_test(test_tables_come_and_go),
		cmocka_unit_test(test_walk_range),
		cmocka_unit_test(test_used_table_is_not_freed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
