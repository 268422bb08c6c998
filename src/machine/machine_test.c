/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/uapi.h"
#include "machine/machine.h"

static struct umm_config small_config(void)
{
	struct umm_config config;

	umm_config_init(&config);
	config.ram_bytes = 64 * PAGE_SIZE;
	config.tlb_entries = 16;
	return config;
}

/* ---- configuration ----------------------------------------------------------------------- */

static void defaults_are_as_documented(void **state)
{
	struct umm_config config;

	(void)state;
	memset(&config, 0xff, sizeof(config));
	umm_config_init(&config);
	assert_int_equal(config.nodes, 1);
	assert_int_equal(config.cpus, 2);
	assert_int_equal(config.ram_bytes, 256ull << 20);
	assert_int_equal(config.movable_bytes, 0);
	assert_int_equal(config.tlb_entries, 1024);
	assert_int_equal(config.trace_events, 0);
	assert_int_equal(config.tlb_flush, UMM_TLB_IPI);
	assert_int_equal(config.max_map_count, 65530);
	assert_int_equal(config.overcommit, 0);
	assert_int_equal(config.stack_guard_gap_pages, 256);
	assert_false(config.soft_dirty);
	assert_int_equal(machine_config_check(&config), 0);
}

static void options_are_parsed(void **state)
{
	struct umm_config config;

	(void)state;
	umm_config_init(&config);
	assert_int_equal(umm_config_set(&config, "nodes", "4"), 0);
	assert_int_equal(config.nodes, 4);
	/* 1 TiB does not fit into the small arenas beside the thread sanitizer. */
	assert_int_equal(umm_config_set(&config, "ram", "1T"),
			 ARENA_SLOT_BYTES > 1ull << 40 ? 0 : -EINVAL);
	assert_int_equal(umm_config_set(&config, "ram", "2g"), 0);
	assert_int_equal(config.ram_bytes, 2ull << 30);
	assert_int_equal(umm_config_set(&config, "ram", "0x400000"), 0);
	assert_int_equal(config.ram_bytes, 4 << 20);
	assert_int_equal(umm_config_set(&config, "movable", "64k"), 0);
	assert_int_equal(config.movable_bytes, 65536);
	assert_int_equal(umm_config_set(&config, "tlb_flush", "broadcast"), 0);
	assert_int_equal(config.tlb_flush, UMM_TLB_BROADCAST);
	assert_int_equal(umm_config_set(&config, "soft_dirty", "on"), 0);
	assert_true(config.soft_dirty);
	assert_int_equal(umm_config_set(&config, "soft_dirty", "off"), 0);
	assert_false(config.soft_dirty);
	assert_int_equal(umm_config_set(&config, "seed", "18446744073709551615"), 0);
	assert_true(config.seed == ~0ull);
	assert_int_equal(umm_config_set(&config, "trace", "0"), 0);
	assert_int_equal(umm_config_set(&config, "trace", "4096"), 0);
	assert_int_equal(config.trace_events, 4096);
}

static void bad_options_are_refused(void **state)
{
	static const char *const bad[][2] = {
		{ "nodes", "0" },
		{ "nodes", "9" },
		{ "nodes", "" },
		{ "nodes", "-1" },
		{ "nodes", " 1" },
		{ "nodes", "1 " },
		{ "nodes", "0x" },
		{ "nodes", "1K" },
		{ "cpus", "65" },
		{ "ram", "1" },
		{ "ram", "4097" },
		{ "ram", "K" },
		{ "ram", "1KK" },
		{ "ram", "1Q" },
		{ "ram", "99999999999T" },
		{ "tlb", "17" },
		{ "tlb", "8" },
		{ "tlb", "131072" },
		{ "trace", "3" },
		{ "tlb_flush", "IPI" },
		{ "tlb_flush", "" },
		{ "poison", "yes" },
		{ "overcommit", "3" },
		{ "seed", "18446744073709551616" },
		{ "max_map_count", "0" },
		{ "seed", "1.5" },
	};
	struct umm_config config, before;

	(void)state;
	umm_config_init(&config);
	memcpy(&before, &config, sizeof(config));
	for (u64 i = 0; i < ARRAY_SIZE(bad); i++) {
		if (umm_config_set(&config, bad[i][0], bad[i][1]) != -EINVAL)
			fail_msg("%s=%s was taken", bad[i][0], bad[i][1]);
	}
	assert_int_equal(umm_config_set(&config, "colour", "red"), -ENOENT);
	assert_int_equal(umm_config_set(&config, "", ""), -ENOENT);
	assert_memory_equal(&before, &config, sizeof(config));
}

/* What an option says it takes, it takes. */
static void options_say_what_they_take(void **state)
{
	static const char *const said[][2] = {
		{ "nodes", "1" },        { "nodes", "8" },
		{ "cpus", "64" },        { "ram", "64K" },
		{ "tlb", "16" },         { "tlb", "65536" },
		{ "trace", "0" },        { "trace", "16777216" },
		{ "tlb_flush", "ipi" },  { "tlb_flush", "paravirt" },
		{ "poison", "on" },      { "tlb_flush", "broadcast" },
		{ "soft_dirty", "off" }, { "max_map_count", "2147483647" },
		{ "overcommit", "2" },   { "stack_guard_gap", "1048576" },
	};
	struct umm_config config;
	const char *name, *takes;
	u64 found = 0;

	(void)state;
	umm_config_init(&config);
	for (unsigned i = 0; (name = umm_config_option(i, &takes)) != NULL; i++) {
		assert_int_equal(umm_config_set(&config, name, "?"), -EINVAL);
		for (u64 j = 0; j < ARRAY_SIZE(said); j++) {
			if (strcmp(said[j][0], name) != 0)
				continue;
			assert_non_null(strstr(takes, said[j][1]));
			assert_int_equal(umm_config_set(&config, name, said[j][1]), 0);
			found++;
		}
	}
	assert_int_equal(found, ARRAY_SIZE(said));
}

static void impossible_machines_are_refused(void **state)
{
	struct machine *m = NULL;
	struct umm_config config;

	(void)state;
#define REFUSED(change)                                                 \
	do {                                                            \
		config = small_config();                                \
		change;                                                 \
		assert_int_equal(machine_create(&config, &m), -EINVAL); \
	} while (0)
	REFUSED(config.nodes = 0);
	REFUSED(config.cpus = 65);
	REFUSED(config.ram_bytes = 63 * PAGE_SIZE);
	REFUSED(config.ram_bytes += 1);
	REFUSED(config.ram_bytes = (5ull << 20));
	REFUSED(config.ram_bytes = ARENA_SLOT_BYTES);
	REFUSED(config.ram_bytes = ARENA_SLOT_BYTES / 2; config.nodes = 2);
	REFUSED(config.movable_bytes = config.ram_bytes);
	REFUSED(config.tlb_entries = 100);
	REFUSED(config.trace_events = 5);
	REFUSED(config.tlb_flush = (enum umm_tlb_flush)7);
	REFUSED(config.overcommit = 3);
	REFUSED(config.mmap_base = 12345);
	REFUSED(config.brk_start = config.mmap_base);
	REFUSED(config.mmap_min_addr = config.mmap_base);
#undef REFUSED
	assert_null(m);
}

/* ---- the arena --------------------------------------------------------------------------- */

static void eight_machines_at_once(void **state)
{
	struct umm_config config = small_config();
	struct machine *m[ARENA_SLOTS], *more = NULL;

	(void)state;
	for (unsigned i = 0; i < ARENA_SLOTS; i++) {
		assert_int_equal(machine_create(&config, &m[i]), 0);
		assert_int_equal(m[i]->slot, i);
		assert_ptr_equal(machine_of(&m[i]->config), m[i]);
	}
	assert_int_equal(machine_create(&config, &more), -EMFILE);
	assert_null(more);
	machine_destroy(m[3]);
	assert_int_equal(machine_create(&config, &m[3]), 0);
	assert_int_equal(m[3]->slot, 3);
	for (unsigned i = 0; i < ARENA_SLOTS; i++)
		machine_destroy(m[i]);
}

static void heap_gives_zeroed_aligned_memory(void **state)
{
	struct umm_config config = small_config();
	struct machine *m;
	u64 sum = 0;

	(void)state;
	assert_int_equal(machine_create(&config, &m), 0);
	u8 *a = machine_alloc_forever(m, 1);
	u8 *b = machine_alloc_forever(m, 5 << 20);
	u8 *c = machine_alloc_forever(m, 100);

	assert_true(a && b && c);
	assert_true(IS_ALIGNED((uintptr_t)a | (uintptr_t)b | (uintptr_t)c, 64));
	assert_true(b >= a + 1 && c >= b + (5 << 20));
	for (u64 i = 0; i < (5u << 20); i += 4096)
		sum += b[i];
	assert_int_equal(sum, 0);
	memset(b, 1, 5 << 20);
	/* More than there is: refused, and the heap stays usable. */
	assert_null(machine_alloc_forever(m, VMEMMAP_OFFSET));
	assert_null(machine_alloc_forever(m, ~0ull));
	assert_non_null(machine_alloc_forever(m, 100));
	machine_destroy(m);
}

static void sections_come_into_use_once(void **state)
{
	struct umm_config config = small_config();
	struct machine *m;

	(void)state;
	config.ram_bytes = 1ull << (ARENA_SLOT_SHIFT - 2); /* 1 TiB but for the thread sanitizer */
	assert_int_equal(machine_create(&config, &m), 0);
	u64 last = m->nr_pages - 1;

	assert_false(machine_section_online(m, pfn_of(0)));
	assert_false(machine_section_online(m, pfn_of(last)));
	assert_int_equal(machine_online_section(m, pfn_of(last)), 1);
	assert_int_equal(machine_online_section(m, pfn_of(last)), 0);
	assert_int_equal(machine_online_section(m, pfn_of(last - SECTION_PAGES + 1)), 0);
	assert_int_equal(machine_online_section(m, pfn_of(last - SECTION_PAGES)), 1);
	assert_true(machine_section_online(m, pfn_of(last)));
	assert_false(machine_section_online(m, pfn_of(0)));
	/* Both ends of it can be touched. */
	u8 *ram = (u8 *)m + RAM_OFFSET;
	u8 *structs = (u8 *)m + VMEMMAP_OFFSET;

	ram[(last << PAGE_SHIFT) + PAGE_SIZE - 1] = 1;
	structs[last * STRUCT_PAGE_BYTES + STRUCT_PAGE_BYTES - 1] = 1;
	machine_destroy(m);
}

static void counters_add_up(void **state)
{
	struct umm_config config = small_config();
	struct machine *m;
	struct task_base *task;

	(void)state;
	config.cpus = 4;
	assert_int_equal(machine_create(&config, &m), 0);
	task = machine_alloc_forever(m, 64);
	assert_int_equal(vm_counter_sum(m, PGFAULT), 0);
	count_vm_event(m, PGFAULT);
	task->cpu = 3;
	sync_set_current((struct task *)task);
	count_vm_events(m, PGFAULT, 4);
	assert_int_equal(machine_this_cpu(m), 3);
	sync_set_current(NULL);
	assert_int_equal(machine_this_cpu(m), 0);
	assert_int_equal(vm_counter_sum(m, PGFAULT), 5);
	assert_int_equal(m->counters[0].c[PGFAULT].v, 1);
	assert_int_equal(m->counters[3].c[PGFAULT].v, 4);
	assert_string_equal(vm_counter_name(PGFAULT), "pgfault");
	machine_destroy(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_are_as_documented),
		cmocka_unit_test(options_are_parsed),
		cmocka_unit_test(bad_options_are_refused),
		cmocka_unit_test(options_say_what_they_take),
		cmocka_unit_test(impossible_machines_are_refused),
		cmocka_unit_test(eight_machines_at_once),
		cmocka_unit_test(heap_gives_zeroed_aligned_memory),
		cmocka_unit_test(sections_come_into_use_once),
		cmocka_unit_test(counters_add_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
