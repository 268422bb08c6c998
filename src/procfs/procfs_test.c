/* SPDX-License-Identifier: MIT */
/* Covers: G1, G4 */
/*
 * The text of /proc as Linux 6.18 prints it for the same history, and what must hold of it:
 * the rollup is the sum of the vmas, and looking changes nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/uapi.h"
#include "procfs/procfs.h"

#define PAGE 4096ull
#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define BASE 0x10000000000000ull
/* What stands between the inode number and a name: 33 blanks. */
#define PAD "                                 "

static struct umm_machine *machine;
static struct umm_task *task;
static char text[65536];

static int set_up(void **state)
{
	struct umm_config config;

	(void)state;
	umm_config_init(&config);
	config.ram_bytes = 4 << 20;
	assert_int_equal(umm_machine_create(&config, &machine), 0);
	assert_int_equal(umm_process_create(machine, &task), 0);
	return 0;
}

static int tear_down(void **state)
{
	char findings[4096];

	(void)state;
	if (umm_verify(machine, findings, sizeof(findings)))
		fail_msg("%s", findings);
	umm_machine_destroy(machine);
	return 0;
}

static u64 map_at(u64 addr, u64 pages, int prot)
{
	int64_t got = umm_mmap(task, addr, pages * PAGE, prot, ANON | MAP_FIXED, -1, 0);

	assert_true(got > 0);
	return (u64)got;
}

static void touch(struct umm_task *who, u64 addr, u64 pages)
{
	for (u64 i = 0; i < pages; i++)
		assert_int_equal(umm_store(who, addr + i * PAGE, 8, i + 1, NULL), 0);
}

static void peek(struct umm_task *who, u64 addr)
{
	u64 value;

	assert_int_equal(umm_load(who, addr, 8, &value, NULL), 0);
}

static const char *smaps_of(struct umm_task *who, u64 addr)
{
	assert_true(umm_proc_smaps(who, addr, addr + 1, text, sizeof(text)) < (int)sizeof(text));
	return text;
}

/* The value in KiB of one line of what was read last. */
static long line_kb(const char *label)
{
	char key[32];
	const char *at;

	(void)snprintf(key, sizeof(key), "\n%s:", label);
	at = strstr(text, key);
	if (!at)
		fail_msg("no line %s in:\n%s", label, text);
	return strtol(at + strlen(key), NULL, 10);
}

/* ---- formats ------------------------------------------------------------------------------- */

static void maps_lines(void **state)
{
	u64 heap = umm_brk(task, 0);
	int64_t len;

	(void)state;
	assert_int_equal(heap, 0x10000000);
	assert_int_equal(umm_brk(task, heap + 3 * PAGE), heap + 3 * PAGE);
	map_at(0x10000, 1, RW);
	map_at(0x200000, 2, PROT_READ | PROT_EXEC);
	map_at(0x3000000000, 1, PROT_NONE);
	len = umm_proc_maps(task, text, sizeof(text));
	assert_int_equal(len, strlen(text));
	assert_string_equal(text, "00010000-00011000 rw-p 00000000 00:00 0 \n"
				  "00200000-00202000 r-xp 00000000 00:00 0 \n"
				  "10000000-10003000 rw-p 00000000 00:00 0 " PAD "[heap]\n"
				  "3000000000-3000001000 ---p 00000000 00:00 0 \n");
}

static void text_is_cut_and_counted(void **state)
{
	char small[16];

	(void)state;
	assert_int_equal(umm_proc_maps(task, text, sizeof(text)), 0);
	map_at(0x10000, 1, RW);
	assert_int_equal(umm_proc_maps(task, small, sizeof(small)), 41);
	assert_string_equal(small, "00010000-000110");
	assert_int_equal(umm_proc_maps(task, NULL, 0), 41);
}

static void smaps_of_a_mixed_vma(void **state)
{
	u64 a = map_at(0x100000, 8, RW);

	(void)state;
	touch(task, a, 2);
	peek(task, a + 2 * PAGE);
	assert_string_equal(smaps_of(task, a), "00100000-00108000 rw-p 00000000 00:00 0 \n"
					       "Size:                 32 kB\n"
					       "KernelPageSize:        4 kB\n"
					       "MMUPageSize:           4 kB\n"
					       "Rss:                   8 kB\n"
					       "Pss:                   8 kB\n"
					       "Pss_Dirty:             8 kB\n"
					       "Shared_Clean:          0 kB\n"
					       "Shared_Dirty:          0 kB\n"
					       "Private_Clean:         0 kB\n"
					       "Private_Dirty:         8 kB\n"
					       "Referenced:            8 kB\n"
					       "Anonymous:             8 kB\n"
					       "KSM:                   0 kB\n"
					       "LazyFree:              0 kB\n"
					       "AnonHugePages:         0 kB\n"
					       "ShmemPmdMapped:        0 kB\n"
					       "FilePmdMapped:         0 kB\n"
					       "Shared_Hugetlb:        0 kB\n"
					       "Private_Hugetlb:       0 kB\n"
					       "Swap:                  0 kB\n"
					       "SwapPss:               0 kB\n"
					       "Locked:                0 kB\n"
					       "THPeligible:           0\n"
					       "VmFlags: rd wr mr mw me ac \n");
}

static void rollup_text(void **state)
{
	(void)state;
	map_at(0x100000, 8, RW);
	touch(task, 0x100000, 1);
	map_at(0x400000, 1, PROT_READ);
	assert_true(umm_proc_smaps_rollup(task, text, sizeof(text)) < (int)sizeof(text));
	assert_string_equal(text, "00100000-00401000 ---p 00000000 00:00 0 " PAD "[rollup]\n"
				  "Rss:                   4 kB\n"
				  "Pss:                   4 kB\n"
				  "Pss_Dirty:             4 kB\n"
				  "Pss_Anon:              4 kB\n"
				  "Pss_File:              0 kB\n"
				  "Pss_Shmem:             0 kB\n"
				  "Shared_Clean:          0 kB\n"
				  "Shared_Dirty:          0 kB\n"
				  "Private_Clean:         0 kB\n"
				  "Private_Dirty:         4 kB\n"
				  "Referenced:            4 kB\n"
				  "Anonymous:             4 kB\n"
				  "KSM:                   0 kB\n"
				  "LazyFree:              0 kB\n"
				  "AnonHugePages:         0 kB\n"
				  "ShmemPmdMapped:        0 kB\n"
				  "FilePmdMapped:         0 kB\n"
				  "Shared_Hugetlb:        0 kB\n"
				  "Private_Hugetlb:       0 kB\n"
				  "Swap:                  0 kB\n"
				  "SwapPss:               0 kB\n"
				  "Locked:                0 kB\n");
}

static void status_text(void **state)
{
	(void)state;
	map_at(0x100000, 8, RW);
	map_at(0x400000, 4, PROT_READ | PROT_EXEC);
	touch(task, 0x100000, 3);
	assert_int_equal(umm_munmap(task, 0x100000, PAGE), 0);
	assert_true(umm_proc_status(task, text, sizeof(text)) < (int)sizeof(text));
	assert_string_equal(text, "VmPeak:\t      48 kB\n"
				  "VmSize:\t      44 kB\n"
				  "VmLck:\t       0 kB\n"
				  "VmPin:\t       0 kB\n"
				  "VmHWM:\t      12 kB\n"
				  "VmRSS:\t       8 kB\n"
				  "RssAnon:\t       8 kB\n"
				  "RssFile:\t       0 kB\n"
				  "RssShmem:\t       0 kB\n"
				  "VmData:\t      28 kB\n"
				  "VmStk:\t       0 kB\n"
				  "VmExe:\t       0 kB\n"
				  "VmLib:\t      16 kB\n"
#ifdef UMM_ARCH_RISCV64
				  "VmPTE:\t       8 kB\n"
#else
				  "VmPTE:\t      12 kB\n"
#endif
				  "VmSwap:\t       0 kB\n"
				  "HugetlbPages:\t       0 kB\n");
}

static void flags_in_words(void **state)
{
	u64 a = map_at(0x100000, 8, RW);

	(void)state;
	assert_int_equal(umm_madvise(task, a, 8 * PAGE, MADV_SEQUENTIAL), 0);
	assert_int_equal(umm_madvise(task, a, 8 * PAGE, MADV_DONTFORK), 0);
	assert_int_equal(umm_madvise(task, a, 8 * PAGE, MADV_DONTDUMP), 0);
	assert_int_equal(umm_madvise(task, a, 8 * PAGE, MADV_WIPEONFORK), 0);
	assert_int_equal(umm_madvise(task, a, PAGE, MADV_GUARD_INSTALL), 0);
	assert_non_null(strstr(smaps_of(task, a), "VmFlags: rd wr mr mw me gu sr dc ac wf dd \n"));
}

/* ---- shares -------------------------------------------------------------------------------- */

static void shares_after_fork(void **state)
{
	u64 a = map_at(0x100000, 9, RW);
	struct umm_task *child, *second;

	(void)state;
	touch(task, a, 9);
	assert_int_equal(umm_fork(task, &child), 0);
	(void)smaps_of(child, a);
	assert_int_equal(line_kb("Rss"), 36);
	assert_int_equal(line_kb("Pss"), 18);
	assert_int_equal(line_kb("Pss_Dirty"), 18);
	assert_int_equal(line_kb("Shared_Dirty"), 36);
	assert_int_equal(line_kb("Private_Dirty"), 0);
	/* The child has not touched its copy of the entries. */
	assert_int_equal(line_kb("Referenced"), 0);
	assert_int_equal(umm_fork(child, &second), 0);
	(void)smaps_of(task, a);
	/* A third of 4 KiB is cut to 1365.33: the sum is cut once, at the end. */
	assert_int_equal(line_kb("Pss"), 11);
	assert_int_equal(line_kb("Referenced"), 36);
	touch(second, a, 1);
	(void)smaps_of(second, a);
	assert_int_equal(line_kb("Private_Dirty"), 4);
	assert_int_equal(line_kb("Shared_Dirty"), 32);
	umm_task_exit(second);
	umm_task_exit(child);
	(void)smaps_of(task, a);
	assert_int_equal(line_kb("Private_Dirty"), 36);
}

static void locked_is_the_share(void **state)
{
	u64 a = map_at(0x100000, 4, RW);

	(void)state;
	assert_int_equal(umm_mlock(task, a, 4 * PAGE), 0);
	(void)smaps_of(task, a);
	assert_int_equal(line_kb("Locked"), 16);
	assert_int_equal(line_kb("Rss"), 16);
	assert_non_null(strstr(text, " lo "));
}

static void lazily_freed(void **state)
{
	u64 a = map_at(0x100000, 4, RW);

	(void)state;
	touch(task, a, 4);
	assert_int_equal(umm_madvise(task, a, 2 * PAGE, MADV_FREE), 0);
	(void)smaps_of(task, a);
	assert_int_equal(line_kb("LazyFree"), 8);
	assert_int_equal(line_kb("Private_Clean"), 8);
	assert_int_equal(line_kb("Referenced"), 8);
	touch(task, a, 1);
	(void)smaps_of(task, a);
	assert_int_equal(line_kb("LazyFree"), 4);
	assert_int_equal(line_kb("Private_Dirty"), 12);
	assert_int_equal(line_kb("Anonymous"), 16);
}

/* ---- pagemap ------------------------------------------------------------------------------- */

static u64 pagemap_of(struct umm_task *who, u64 addr)
{
	u64 word;

	assert_int_equal(umm_proc_pagemap(who, addr, 1, &word), 0);
	return word;
}

static u64 frame_of(struct umm_task *who, u64 addr)
{
	struct umm_page_info info;

	assert_int_equal(umm_page_info(who, addr, &info), 0);
	return info.pfn;
}

static void pagemap_words(void **state)
{
	u64 a = map_at(0x100000, 6, RW);
	struct umm_task *child;
	u64 words[8];

	(void)state;
	touch(task, a, 1);
	peek(task, a + PAGE);
	touch(task, a + 2 * PAGE, 1);
	assert_int_equal(umm_mprotect(task, a + 2 * PAGE, PAGE, PROT_NONE), 0);
	assert_int_equal(umm_madvise(task, a + 3 * PAGE, PAGE, MADV_GUARD_INSTALL), 0);
	assert_int_equal(umm_proc_pagemap(task, a - PAGE, 8, words), 0);
	assert_int_equal(words[0], 0);
	assert_int_equal(words[1], PM_PRESENT | PM_MMAP_EXCLUSIVE | frame_of(task, a));
	assert_int_equal(words[2], PM_PRESENT | frame_of(task, a + PAGE));
	assert_int_equal(words[3], PM_PRESENT | PM_MMAP_EXCLUSIVE | frame_of(task, a + 2 * PAGE));
	/* A guard: type 31 and its bit, as an offset above the five bits of the type. */
	assert_int_equal(words[4], PM_SWAP | PM_GUARD_REGION | 0x9f);
	assert_int_equal(words[5], 0);
	assert_int_equal(words[7], 0);
	assert_int_equal(umm_fork(task, &child), 0);
	assert_int_equal(pagemap_of(task, a), PM_PRESENT | frame_of(task, a));
	assert_int_equal(pagemap_of(child, a), PM_PRESENT | frame_of(task, a));
	assert_int_equal(pagemap_of(child, a + 3 * PAGE), PM_SWAP | PM_GUARD_REGION | 0x9f);
	umm_task_exit(child);
}

static void pagemap_edges(void **state)
{
	u64 words[3] = { 1, 1, 1 };

	(void)state;
	assert_int_equal(umm_proc_pagemap(task, 0x1001, 1, words), -EINVAL);
	assert_int_equal(words[0], 1);
	assert_int_equal(umm_proc_pagemap(task, TASK_SIZE - PAGE, 3, words), 0);
	assert_int_equal(words[0] | words[1] | words[2], 0);
	words[0] = 1;
	assert_int_equal(umm_proc_pagemap(task, BASE, 1, words), 0);
	assert_int_equal(words[0], 0);
	assert_int_equal(umm_proc_pagemap(task, 0, 0, words), 0);
}

/* ---- looking ------------------------------------------------------------------------------- */

struct totals {
	long rss, pss, shared, private_dirty, private_clean, referenced, anonymous, lazy, locked;
};

static struct totals totals_of_text(void)
{
	return (struct totals){
		line_kb("Rss"),           line_kb("Pss"),           line_kb("Shared_Dirty"),
		line_kb("Private_Dirty"), line_kb("Private_Clean"), line_kb("Referenced"),
		line_kb("Anonymous"),     line_kb("LazyFree"),      line_kb("Locked"),
	};
}

static void make_a_mess(void)
{
	struct umm_task *child;

	for (u64 i = 0; i < 5; i++) {
		u64 a = map_at(0x100000 + i * 0x300000, 6, RW);

		touch(task, a, i + 1);
		peek(task, a + 5 * PAGE);
	}
	assert_int_equal(umm_mlock(task, 0x100000, 6 * PAGE), 0);
	assert_int_equal(umm_madvise(task, 0x400000, PAGE, MADV_FREE), 0);
	assert_int_equal(umm_fork(task, &child), 0);
	touch(child, 0x700000, 2);
	assert_int_equal(umm_madvise(child, 0xa00000, 4 * PAGE, MADV_DONTNEED), 0);
}

static void rollup_is_the_sum(void **state)
{
	struct totals all, sum = { 0 };

	(void)state;
	make_a_mess();
	for (u64 i = 0; i < 5; i++) {
		struct totals one;

		(void)smaps_of(task, 0x100000 + i * 0x300000);
		one = totals_of_text();
		for (unsigned f = 0; f < sizeof(one) / sizeof(long); f++)
			((long *)&sum)[f] += ((long *)&one)[f];
	}
	(void)umm_proc_smaps_rollup(task, text, sizeof(text));
	all = totals_of_text();
	assert_memory_equal(&all, &sum, sizeof(all));
	assert_true(all.pss < all.rss && all.locked > 0 && all.lazy > 0);
}

static void looking_changes_nothing(void **state)
{
	static char first[65536];
	struct umm_page_info before, after;
	u64 words[6];

	(void)state;
	make_a_mess();
	assert_int_equal(umm_page_info(task, 0x400000, &before), 0);
	(void)umm_proc_smaps(task, 0, TASK_SIZE, first, sizeof(first));
	for (int round = 0; round < 3; round++) {
		(void)umm_proc_maps(task, text, sizeof(text));
		(void)umm_proc_smaps_rollup(task, text, sizeof(text));
		(void)umm_proc_status(task, text, sizeof(text));
		assert_int_equal(umm_proc_pagemap(task, 0x400000, 6, words), 0);
		(void)umm_proc_smaps(task, 0, TASK_SIZE, text, sizeof(text));
		assert_string_equal(text, first);
	}
	assert_int_equal(umm_page_info(task, 0x400000, &after), 0);
	assert_memory_equal(&before, &after, sizeof(before));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(maps_lines),
		TEST(text_is_cut_and_counted),
		TEST(smaps_of_a_mixed_vma),
		TEST(rollup_text),
		TEST(status_text),
		TEST(flags_in_words),
		TEST(shares_after_fork),
		TEST(locked_is_the_share),
		TEST(lazily_freed),
		TEST(pagemap_words),
		TEST(pagemap_edges),
		TEST(rollup_is_the_sum),
		TEST(looking_changes_nothing),
	};

	return cmocka_run_group_tests_name("procfs", tests, NULL, NULL);
}
