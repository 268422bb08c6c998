/* SPDX-License-Identifier: MIT */
/* Covers: A5 */
/*
 * Whatever a fault ends in, the entry that it looked at is out of its hands: the lock of the
 * table is dropped, and the context has no pointer left that somebody could use by mistake.
 */
#include "machine/bug_test.h"

#include <usermm/usermm.h>

#include "anon/anon.h"
#include "base/uapi.h"
#include "vma/task.h"

#define ADDR 0x3f00000000ull /* user space on every architecture */

enum before { NONE, ZERO, EXCLUSIVE, SHARED, ALONE_AGAIN, NR_BEFORE };

static struct umm_machine *machine;
static struct umm_task *task, *child;

static void build(enum before before)
{
	struct umm_config config;
	u64 value;

	umm_config_init(&config);
	config.ram_bytes = 1 << 20;
	assert_int_equal(umm_machine_create(&config, &machine), 0);
	assert_int_equal(umm_process_create(machine, &task), 0);
	assert_int_equal(umm_mmap(task, ADDR, PAGE_SIZE, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
			 ADDR);
	child = NULL;
	if (before == ZERO)
		assert_int_equal(umm_load(task, ADDR, 8, &value, NULL), 0);
	if (before >= EXCLUSIVE)
		assert_int_equal(umm_store(task, ADDR, 8, 1, NULL), 0);
	if (before >= SHARED)
		assert_int_equal(umm_fork(task, &child), 0);
	if (before == ALONE_AGAIN) {
		umm_task_exit(child);
		child = NULL;
	}
	/* A forced write: the page is ours, but the vma allows no write any more. */
	if (before == EXCLUSIVE)
		assert_int_equal(umm_mprotect(task, ADDR, PAGE_SIZE, PROT_READ), 0);
}

static void finish(void)
{
	char text[2048];

	if (child)
		umm_task_exit(child);
	umm_task_exit(task);
	if (umm_verify(machine, text, sizeof(text)))
		fail_msg("%s", text);
	umm_machine_destroy(machine);
}

/* The phase that fault/ chooses for what it saw, while mmap_lock is held. */
static u32 fault(const struct vm_fault *input, pte_t seen)
{
	struct vm_fault vmf = *input;
	u32 ret;

	vmf.orig_pte = seen;
	down_read(&vmf.mm->mmap_lock);
	if (pte_none(seen)) {
		ret = do_anonymous_page(&vmf);
	} else {
		vmf.pte = pte_offset_lock(vmf.mm, vmf.address, &vmf.ptl);
		ret = do_wp_page(&vmf);
	}
	up_read(&vmf.mm->mmap_lock);
	assert_null(vmf.pte);
	assert_null(vmf.ptl);
	return ret;
}

static struct vm_fault fault_at(bool write)
{
	struct mm *mm = ((struct task *)task)->mm;
	struct vm_fault vmf = { .mm = mm, .address = ADDR, .write = write };

	down_read(&mm->mmap_lock);
	vmf.vma = find_vma(mm, ADDR);
	up_read(&mm->mmap_lock);
	return vmf;
}

static pte_t entry_of(const struct vm_fault *vmf)
{
	pte_t *pte = pte_offset(vmf->mm, vmf->address);

	return pte ? ptep_get(pte) : (pte_t){ 0 };
}

static void served(void **state)
{
	(void)state;
	for (enum before before = NONE; before < NR_BEFORE; before++) {
		/* A read has nothing to do where the entry is there. */
		for (int write = before != NONE; write < 2; write++) {
			struct vm_fault vmf;

			build(before);
			vmf = fault_at(write);
			assert_int_equal(fault(&vmf, entry_of(&vmf)), 0);
			assert_int_equal(pte_write(entry_of(&vmf)), write && before != EXCLUSIVE);
			finish();
		}
	}
}

/* Somebody else was faster: the entry is not what it was when the phase was chosen. */
static void overtaken(void **state)
{
	(void)state;
	for (int write = 0; write < 2; write++) {
		struct vm_fault vmf;
		pte_t there;

		build(ZERO);
		vmf = fault_at(write);
		there = entry_of(&vmf);
		assert_int_equal(fault(&vmf, (pte_t){ 0 }), 0);
		assert_int_equal(entry_of(&vmf).v, there.v);
		finish();
	}
}

/* Without memory, at each allocation in turn. */
static void failed(void **state)
{
	(void)state;
	for (enum before before = NONE; before < NR_BEFORE; before++) {
		for (u64 nth = 1, seen = 0, hit = 1; hit; nth++) {
			struct umm_fail fail = { .order = -1, .nth = nth };
			struct vm_fault vmf;
			u32 ret;

			build(before);
			vmf = fault_at(true);
			assert_int_equal(umm_fail_set(machine, &fail), 0);
			ret = fault(&vmf, entry_of(&vmf));
			umm_fail_stats(machine, &seen, &hit);
			assert_int_equal(ret, hit ? VM_FAULT_OOM : 0);
			assert_int_equal(umm_fail_set(machine, NULL), 0);
			finish();
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(served),
		cmocka_unit_test(overtaken),
		cmocka_unit_test(failed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
