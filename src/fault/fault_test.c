/* SPDX-License-Identifier: MIT */
/* Covers: A3, P2, P5 */
/*
 * Every combination of what the vma allows, what the entry is and what the access wants, and
 * what must come of it; then the same with every allocation failing in turn.
 */
#include "machine/bug_test.h"

#include <usermm/usermm.h>

#include "base/uapi.h"
#include "fault/fault.h"
#include "mmu/tlb.h"

#define ADDR 0x3f00000000ull /* user space on every architecture */
#define OLD_VALUE 0x1122334455667788ull
#define NEW_VALUE 0x99aabbccddeeff00ull

enum entry_before { E_NONE, E_ZERO, E_EXCLUSIVE, E_SHARED, E_WAS_SHARED, E_GUARD, NR_BEFORE };
enum wanted { WANT_READ, WANT_WRITE, WANT_FETCH, NR_WANTED };

static const char *const before_names[] = { "none",   "zero page",  "exclusive",
					    "shared", "was shared", "guard" };

static struct umm_machine *machine;
static struct umm_task *task, *child;

static void verify_clean(void)
{
	char text[2048];

	if (umm_verify(machine, text, sizeof(text)))
		fail_msg("%s", text);
}

static void build(void)
{
	struct umm_config config;

	umm_config_init(&config);
	config.ram_bytes = 1 << 20;
	assert_int_equal(umm_machine_create(&config, &machine), 0);
	assert_int_equal(umm_process_create(machine, &task), 0);
	child = NULL;
}

static void finish(void)
{
	if (child)
		umm_task_exit(child);
	umm_task_exit(task);
	verify_clean();
	umm_machine_destroy(machine);
}

static u64 load(struct umm_task *who)
{
	u64 value = 0;

	assert_int_equal(umm_load(who, ADDR, 8, &value, NULL), 0);
	return value;
}

static void store(struct umm_task *who, u64 value)
{
	assert_int_equal(umm_store(who, ADDR, 8, value, NULL), 0);
}

/* One page at ADDR whose entry is `before`, in a vma with `prot`. */
static void prepare(enum entry_before before, int prot)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;

	assert_int_equal(umm_mmap(task, ADDR, PAGE_SIZE, PROT_READ | PROT_WRITE, flags, -1, 0),
			 ADDR);
	if (before == E_ZERO)
		assert_int_equal(load(task), 0);
	if (before == E_GUARD)
		assert_int_equal(umm_madvise(task, ADDR, PAGE_SIZE, MADV_GUARD_INSTALL), 0);
	if (before == E_EXCLUSIVE || before == E_SHARED || before == E_WAS_SHARED)
		store(task, OLD_VALUE);
	if (before == E_SHARED || before == E_WAS_SHARED)
		assert_int_equal(umm_fork(task, &child), 0);
	if (before == E_WAS_SHARED) {
		umm_task_exit(child);
		child = NULL;
	}
	assert_int_equal(umm_mprotect(task, ADDR, PAGE_SIZE, prot), 0);
	verify_clean();
}

static bool holds_data(enum entry_before before)
{
	return before == E_EXCLUSIVE || before == E_SHARED || before == E_WAS_SHARED;
}

static bool vma_allows(int prot, enum wanted want)
{
	switch (want) {
	case WANT_READ: /* write or execute imply it on this hardware */
		return prot != PROT_NONE;
	case WANT_WRITE:
		return prot & PROT_WRITE;
	default:
		return prot & PROT_EXEC;
	}
}

/* What may not be executed is found out when it is there, which a guard never is. */
static bool guard_is_met(enum entry_before before, int prot, enum wanted want)
{
	return before == E_GUARD &&
	       (vma_allows(prot, want) || (want == WANT_FETCH && vma_allows(prot, WANT_READ)));
}

static int access_as(enum wanted want, struct umm_fault *ret_fault)
{
	u64 value;

	switch (want) {
	case WANT_READ:
		return umm_load(task, ADDR, 8, &value, ret_fault);
	case WANT_WRITE:
		return umm_store(task, ADDR, 8, NEW_VALUE, ret_fault);
	default:
		return umm_fetch(task, ADDR, ret_fault);
	}
}

static void check_served(enum entry_before before, enum wanted want)
{
	struct umm_page_info info;

	assert_int_equal(umm_page_info(task, ADDR, &info), 0);
	assert_string_equal(info.state, "present");
	if (want != WANT_WRITE) {
		assert_int_equal(info.zero_page, !holds_data(before));
		return;
	}
	assert_true(info.anon && info.anon_exclusive && !info.zero_page);
	assert_int_equal(info.mapcount, 1);
	assert_int_equal(info.refcount, 1);
	assert_true(pte_write((pte_t){ info.entry }) && pte_dirty((pte_t){ info.entry }));
	if (child) /* the copy is ours, the old page the child's */
		assert_int_equal(load(child), OLD_VALUE);
}

static void check_contents(enum entry_before before, int prot, bool written)
{
	assert_int_equal(umm_mprotect(task, ADDR, PAGE_SIZE, prot | PROT_READ | PROT_WRITE), 0);
	assert_int_equal(load(task), written ? NEW_VALUE : holds_data(before) ? OLD_VALUE : 0);
}

static void check_one(enum entry_before before, int prot, enum wanted want)
{
	struct umm_fault fault = { 0 };
	bool allowed = vma_allows(prot, want);
	int err;

	build();
	prepare(before, prot);
	err = access_as(want, &fault);
	verify_clean();
	if (allowed && before != E_GUARD) {
		assert_int_equal(err, 0);
		check_served(before, want);
	} else {
		assert_int_equal(err, -EFAULT);
		assert_int_equal(fault.signo, SIGSEGV);
		assert_int_equal(fault.code,
				 guard_is_met(before, prot, want) ? SEGV_MAPERR : SEGV_ACCERR);
		assert_int_equal(fault.addr, ADDR);
	}
	if (before != E_GUARD)
		check_contents(before, prot, allowed && want == WANT_WRITE);
	finish();
}

static void test_every_combination(void **state)
{
	(void)state;
	for (int before = 0; before < NR_BEFORE; before++)
		for (int prot = 0; prot <= (PROT_READ | PROT_WRITE | PROT_EXEC); prot++)
			for (int want = 0; want < NR_WANTED; want++) {
				print_message("[ %s, prot %d, access %d ]\n", before_names[before],
					      prot, want);
				check_one((enum entry_before)before, prot, (enum wanted)want);
			}
}

static void test_no_vma(void **state)
{
	static const u64 addresses[] = { 0,         0x10,
					 ADDR,      TASK_SIZE - 1,
					 TASK_SIZE, 0xffffffffff600000ull };
	struct umm_fault fault;
	u64 value;

	(void)state;
	build();
	for (size_t i = 0; i < ARRAY_SIZE(addresses); i++) {
		assert_int_equal(umm_load(task, addresses[i], 1, &value, &fault), -EFAULT);
		assert_int_equal(fault.signo, SIGSEGV);
		assert_int_equal(fault.code, SEGV_MAPERR);
		assert_int_equal(fault.addr, addresses[i]);
	}
	/* No half of the address space holds it: on x86-64 no page fault at all. */
	assert_int_equal(umm_load(task, 1ull << 62, 1, &value, &fault), -EFAULT);
	assert_int_equal(fault.code, ARCH_GENERAL_PROTECTION ? SI_KERNEL : SEGV_MAPERR);
	assert_int_equal(fault.addr, ARCH_GENERAL_PROTECTION ? 0 : 1ull << 62);
	finish();
}

/* Fork, write on both sides, with the n-th allocation failing: nothing lost, nothing leaked. */
static bool run_with_failure(u64 nth)
{
	struct umm_fail plan = { .order = -1, .nth = nth };
	u64 seen, failed;
	int err;

	build();
	prepare(E_EXCLUSIVE, PROT_READ | PROT_WRITE);
	assert_int_equal(umm_fail_set(machine, &plan), 0);
	err = umm_fork(task, &child);
	verify_clean();
	if (err) {
		assert_int_equal(err, -ENOMEM);
		child = NULL;
	} else {
		/* A fault that fails to allocate is tried again, as Linux does. */
		store(task, NEW_VALUE);
		verify_clean();
		assert_int_equal(load(child), OLD_VALUE);
	}
	umm_fail_stats(machine, &seen, &failed);
	assert_int_equal(umm_fail_set(machine, NULL), 0);
	assert_int_equal(load(task), err ? OLD_VALUE : NEW_VALUE);
	finish();
	return failed != 0;
}

static void test_every_allocation_fails(void **state)
{
	u64 nth = 1;

	(void)state;
	while (run_with_failure(nth))
		nth++;
	print_message("%llu allocations failed in turn\n", (unsigned long long)nth - 1);
	assert_true(nth > 5);
}

/* No memory at all: the task is killed, and stays so. */
static void test_out_of_memory(void **state)
{
	u64 len = 2 << 20; /* twice the RAM */
	struct umm_fault fault = { 0 };
	int err = 0;

	(void)state;
	build();
	assert_int_equal(umm_mmap(task, ADDR, len, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0),
			 ADDR);
	for (u64 at = 0; at < len && !err; at += PAGE_SIZE)
		err = umm_store(task, ADDR + at, 8, at, &fault);
	assert_int_equal(err, -EFAULT);
	assert_int_equal(fault.signo, SIGKILL);
	verify_clean();
	finish();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_combination),
		cmocka_unit_test(test_no_vma),
		cmocka_unit_test(test_every_allocation_fails),
		cmocka_unit_test(test_out_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
