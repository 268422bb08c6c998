/* SPDX-License-Identifier: MIT */
/* Machines as values: several at once, copied, rewound, saved and opened again; huge ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/uapi.h"
#include "host/host.h"
#include "machine/machine.h"

#define PAGE 4096ull
#define A 0x100000ull
#define MAX_MACHINES 8

static struct umm_machine *small_machine(void)
{
	struct umm_config config;
	struct umm_machine *machine;

	umm_config_init(&config);
	config.ram_bytes = 1 << 20;
	config.tlb_entries = 16;
	assert_int_equal(umm_machine_create(&config, &machine), 0);
	return machine;
}

static struct umm_task *process_with_page(struct umm_machine *machine, u64 value)
{
	struct umm_task *task;

	assert_int_equal(umm_process_create(machine, &task), 0);
	assert_int_equal(umm_mmap(task, A, 4 * PAGE, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
			 A);
	assert_int_equal(umm_store(task, A, 8, value, NULL), 0);
	return task;
}

static u64 value_at(struct umm_task *task, u64 addr)
{
	u64 value;

	assert_int_equal(umm_load(task, addr, 8, &value, NULL), 0);
	return value;
}

static void assert_clean(struct umm_machine *machine)
{
	char text[4096];

	if (umm_verify(machine, text, sizeof(text)))
		fail_msg("%s", text);
}

static void as_many_as_there_are_places(void **state)
{
	struct umm_machine *machines[MAX_MACHINES], *one_more;
	struct umm_task *tasks[MAX_MACHINES];
	struct umm_config config;

	(void)state;
	for (u64 i = 0; i < MAX_MACHINES; i++) {
		machines[i] = small_machine();
		tasks[i] = process_with_page(machines[i], i);
	}
	umm_config_init(&config);
	assert_int_equal(umm_machine_create(&config, &one_more), -EMFILE);
	for (u64 i = 0; i < MAX_MACHINES; i++) {
		assert_int_equal(value_at(tasks[i], A), i);
		assert_ptr_equal(umm_task_machine(tasks[i]), machines[i]);
		assert_clean(machines[i]);
	}
	umm_machine_destroy(machines[3]);
	machines[3] = small_machine();
	for (u64 i = 0; i < MAX_MACHINES; i++)
		umm_machine_destroy(machines[i]);
	umm_machine_destroy(NULL);
}

static void bad_configurations_are_refused(void **state)
{
	struct umm_machine *machine = NULL;
	struct umm_config config;

	(void)state;
	umm_config_init(&config);
	config.cpus = 0;
	assert_int_equal(umm_machine_create(&config, &machine), -EINVAL);
	umm_config_init(&config);
	config.ram_bytes = 12345;
	assert_int_equal(umm_machine_create(&config, &machine), -EINVAL);
	assert_null(machine);
}

/* RAM costs what is touched, and so does making a machine. */
static void a_machine_of_a_tebibyte(void **state)
{
#ifdef UMM_TSAN_HOST
	(void)state;
	skip(); /* the thread sanitizer leaves no room for an arena of this size */
#else
	struct umm_machine *machine;
	struct umm_config config;
	struct umm_task *task;
	u64 began = host_monotonic_ns(), took;

	(void)state;
	umm_config_init(&config);
	config.ram_bytes = 1ull << 40;
	assert_int_equal(umm_machine_create(&config, &machine), 0);
	task = process_with_page(machine, 7);
	took = host_monotonic_ns() - began;
	assert_clean(machine);
	umm_task_exit(task);
	assert_clean(machine);
	umm_machine_destroy(machine);
	/* Milliseconds; a loaded host gets twenty times as long. */
	if (took > 200000000)
		fail_msg("a machine of 1 TiB took %llu us", (unsigned long long)took / 1000);
#endif
}

static void rewinding(void **state)
{
	struct umm_machine *machine = small_machine();
	struct umm_task *task = process_with_page(machine, 1), *child;
	struct umm_snapshot *snapshot;

	(void)state;
	assert_int_equal(umm_snapshot_take(machine, &snapshot), 0);
	for (u64 round = 0; round < 3; round++) {
		assert_int_equal(umm_store(task, A, 8, 100 + round, NULL), 0);
		assert_int_equal(umm_store(task, A + PAGE, 8, 5, NULL), 0);
		assert_int_equal(umm_fork(task, &child), 0);
		assert_int_equal(umm_store(child, A, 8, 3, NULL), 0);
		assert_int_equal(umm_munmap(task, A + 2 * PAGE, PAGE), 0);
		assert_clean(machine);
		umm_snapshot_restore(machine, snapshot);
		assert_clean(machine);
		assert_int_equal(value_at(task, A), 1);
		assert_int_equal(value_at(task, A + PAGE), 0);
		assert_int_equal(value_at(task, A + 2 * PAGE), 0);
		assert_null(umm_task_next(machine, task));
	}
	umm_snapshot_free(snapshot);
	umm_snapshot_free(NULL);
	umm_machine_destroy(machine);
}

static void in_a_file(void **state)
{
	char path[] = "/tmp/usermm-test-XXXXXX";
	struct umm_machine *machine = small_machine(), *loaded;
	struct umm_task *task = process_with_page(machine, 42), *child;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	(void)close(fd);
	assert_int_equal(umm_fork(task, &child), 0);
	assert_int_equal(umm_store(child, A, 8, 43, NULL), 0);
	assert_int_equal(umm_machine_save(machine, path), 0);
	assert_int_equal(umm_machine_load(path, &loaded), -EBUSY);
	umm_machine_destroy(machine);
	assert_int_equal(umm_machine_load(path, &loaded), 0);
	assert_clean(loaded);
	task = umm_task_next(loaded, NULL);
	child = umm_task_next(loaded, task);
	assert_int_equal(value_at(task, A), 42);
	assert_int_equal(value_at(child, A), 43);
	assert_int_equal(umm_store(task, A + PAGE, 8, 1, NULL), 0);
	umm_task_exit(child);
	umm_task_exit(task);
	assert_clean(loaded);
	umm_machine_destroy(loaded);
	assert_int_equal(truncate(path, 100), 0);
	assert_int_equal(umm_machine_load(path, &loaded), -EINVAL);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(umm_machine_load(path, &loaded), -ENOENT);
}

/* Every allocation of building a process and forking it fails once; nothing is left behind. */
static void failing_allocations(void **state)
{
	struct umm_machine *machine = small_machine();
	struct umm_task *task = process_with_page(machine, 1), *child;
	u64 seen, failed;
	int err;

	(void)state;
	for (u64 nth = 1;; nth++) {
		struct umm_fail fail = { .order = -1, .nth = nth };

		assert_int_equal(umm_fail_set(machine, &fail), 0);
		err = umm_fork(task, &child);
		umm_fail_stats(machine, &seen, &failed);
		assert_int_equal(umm_fail_set(machine, NULL), 0);
		assert_clean(machine);
		if (!failed)
			break;
		assert_int_equal(err, -ENOMEM);
	}
	assert_int_equal(err, 0);
	assert_true(seen > 4);
	umm_machine_destroy(machine);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_many_as_there_are_places),
		cmocka_unit_test(bad_configurations_are_refused),
		cmocka_unit_test(a_machine_of_a_tebibyte),
		cmocka_unit_test(rewinding),
		cmocka_unit_test(in_a_file),
		cmocka_unit_test(failing_allocations),
	};

	return cmocka_run_group_tests_name("api-machine", tests, NULL, NULL);
}
