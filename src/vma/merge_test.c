/* SPDX-License-Identifier: MIT */
/* Covers: P1 */
/*
 * Merge and split, enumerated: every sequence of three calls on three pages, against a model
 * that knows each page's attributes and nothing of vmas. What the process sees must be the
 * longest runs of equal pages, because memory that was never touched always merges.
 */
#include "machine/bug_test.h"

#include <usermm/usermm.h>

#include "base/uapi.h"
#include "vma/vma.h"

#define ADDR 0x3f00000000ull /* user space on every architecture */
#define PAGES 3
#define RANGES 6 /* of 3 pages: 1+2+3 */
#define DEPTH 3

/* Read-only mappings of a file begin so many pages further on in it. */
#define SHIFT_PAGES 8

enum call {
	CALL_MMAP_RW,
	CALL_MMAP_R,
	CALL_MUNMAP,
	CALL_PROT_NONE,
	CALL_PROT_RW,
	CALL_DONTFORK,
	CALL_DOFORK,
	CALL_GUARD,
	NR_CALLS
};

/* One page: 0 when it is not mapped. */
#define PAGE_MAPPED BIT(32)
#define PAGE_SHIFTED BIT(33)
struct naive {
	u64 page[PAGES];
};

static struct umm_machine *machine;
static struct umm_task *task;
static u64 sequences;
/* What is mapped. */
static int fd, map_flags;

static void verify_clean(void)
{
	char text[2048];

	if (umm_verify(machine, text, sizeof(text)))
		fail_msg("%s", text);
}

static const u8 range_first[RANGES] = { 0, 1, 2, 0, 1, 0 };
static const u8 range_pages[RANGES] = { 1, 1, 1, 2, 2, 3 };

static int map_at(vaddr_t addr, u64 len, int prot, pgoff_t shift)
{
	pgoff_t pgoff = ((addr - ADDR) >> PAGE_SHIFT) + shift;
	s64 ret = umm_mmap(task, addr, len, prot, map_flags | MAP_FIXED, fd, pgoff << PAGE_SHIFT);

	return ret == (s64)addr ? 0 : -1;
}

static int call_real(enum call call, vaddr_t addr, u64 len)
{
	switch (call) {
	case CALL_MMAP_RW:
		return map_at(addr, len, PROT_READ | PROT_WRITE, 0);
	case CALL_MMAP_R:
		return map_at(addr, len, PROT_READ, fd < 0 ? 0 : SHIFT_PAGES);
	case CALL_MUNMAP:
		return umm_munmap(task, addr, len);
	case CALL_PROT_NONE:
		return umm_mprotect(task, addr, len, PROT_NONE);
	case CALL_PROT_RW:
		return umm_mprotect(task, addr, len, PROT_READ | PROT_WRITE);
	case CALL_DONTFORK:
		return umm_madvise(task, addr, len, MADV_DONTFORK);
	case CALL_DOFORK:
		return umm_madvise(task, addr, len, MADV_DOFORK);
	default:
		return umm_madvise(task, addr, len, MADV_GUARD_REMOVE);
	}
}

/* Shared memory is promised to the file; of a file's copies a promise is never taken back. */
static u64 naive_prot(u64 page, u64 access)
{
	bool account = (access & VM_WRITE) || (fd >= 0 && (page & VM_ACCOUNT));

	account &= !(map_flags & MAP_SHARED);

	page &= ~(u64)(VM_READ | VM_WRITE | VM_ACCOUNT);
	return page | access | (account ? VM_ACCOUNT : 0);
}

static int naive_page(enum call call, u64 *page)
{
	bool mapped = *page;

	switch (call) {
	case CALL_MMAP_RW:
		*page = naive_prot(PAGE_MAPPED, VM_READ | VM_WRITE);
		return 0;
	case CALL_MMAP_R:
		*page = naive_prot(PAGE_MAPPED | (fd < 0 ? 0 : PAGE_SHIFTED), VM_READ);
		return 0;
	case CALL_MUNMAP:
		*page = 0;
		return 0;
	case CALL_PROT_NONE:
	case CALL_PROT_RW:
		if (mapped)
			*page = naive_prot(*page, call == CALL_PROT_RW ? VM_READ | VM_WRITE : 0);
		break;
	case CALL_DONTFORK:
		*page |= mapped ? VM_DONTCOPY : 0;
		break;
	case CALL_DOFORK:
		*page &= ~VM_DONTCOPY;
		break;
	default:
		break;
	}
	return mapped ? 0 : -ENOMEM;
}

/* A hole ends mprotect; an advice goes on behind it. */
static int call_naive(struct naive *naive, enum call call, unsigned range)
{
	bool stops = call == CALL_PROT_NONE || call == CALL_PROT_RW;
	int ret = 0;

	for (unsigned i = 0; i < range_pages[range]; i++) {
		int err = naive_page(call, &naive->page[range_first[range] + i]);

		if (err)
			ret = err;
		if (err && stops)
			break;
	}
	return ret;
}

/* The vmas must be the runs of equal pages. */
static void compare(const struct naive *naive)
{
	struct mm *mm = ((struct task *)task)->mm;
	struct vm_area *vma;
	unsigned page = 0;

	down_read(&mm->mmap_lock);
	for_each_vma(mm, vma) {
		u64 flags = VM_READ | VM_WRITE | VM_ACCOUNT | VM_DONTCOPY;
		unsigned first = (unsigned)((vma->start - ADDR) >> PAGE_SHIFT);
		unsigned end = (unsigned)((vma->end - ADDR) >> PAGE_SHIFT);
		u64 shifted = fd >= 0 && vma->pgoff >= SHIFT_PAGES ? PAGE_SHIFTED : 0;

		for (; page < first; page++)
			assert_int_equal(naive->page[page], 0);
		if (fd >= 0)
			assert_int_equal(vma->pgoff, first + (shifted ? SHIFT_PAGES : 0));
		for (; page < end; page++)
			assert_int_equal(naive->page[page],
					 PAGE_MAPPED | shifted | (vma->flags & flags));
		if (end < PAGES)
			assert_true(naive->page[end] != naive->page[end - 1]);
	}
	for (; page < PAGES; page++)
		assert_int_equal(naive->page[page], 0);
	up_read(&mm->mmap_lock);
}

static void run_sequence(const unsigned calls[DEPTH])
{
	struct naive naive = { { 0 } };

	for (unsigned i = 0; i < DEPTH; i++) {
		enum call call = calls[i] / RANGES;
		unsigned range = calls[i] % RANGES;
		int expected = call_naive(&naive, call, range);
		int got = call_real(call, ADDR + ((u64)range_first[range] << PAGE_SHIFT),
				    (u64)range_pages[range] << PAGE_SHIFT);

		if (got != expected)
			fail_msg("call %u of %u,%u,%u: %d, expected %d", i, calls[0], calls[1],
				 calls[2], got, expected);
		compare(&naive);
	}
	if (sequences++ % 64 == 0)
		verify_clean();
	assert_int_equal(umm_munmap(task, ADDR, PAGES * PAGE_SIZE), 0);
}

static void build(void)
{
	struct umm_config config;

	umm_config_init(&config);
	config.ram_bytes = 1 << 20;
	config.trace_events = 0;
	fd = -1;
	map_flags = MAP_PRIVATE | MAP_ANONYMOUS;
	assert_int_equal(umm_machine_create(&config, &machine), 0);
	assert_int_equal(umm_process_create(machine, &task), 0);
}

static void finish(void)
{
	umm_task_exit(task);
	verify_clean();
	umm_machine_destroy(machine);
}

static void enumerate(unsigned nr_calls)
{
	const unsigned each = nr_calls * RANGES;

	sequences = 0;
	for (unsigned a = 0; a < each; a++) {
		for (unsigned b = 0; b < each; b++) {
			for (unsigned c = 0; c < each; c++)
				run_sequence((unsigned[DEPTH]){ a, b, c });
		}
	}
	assert_int_equal(sequences, (u64)each * each * each);
}

static void test_enumerate(void **state)
{
	(void)state;
	build();
	enumerate(NR_CALLS - 1);
	finish();
}

/* The same for a file, where the offsets tell neighbours apart. */
static void test_enumerate_files(void **state)
{
	(void)state;
	build();
	fd = umm_memfd_create(task, "merge", 0);
	assert_true(fd >= 0);
	map_flags = MAP_SHARED;
	enumerate(CALL_PROT_RW + 1);
	map_flags = MAP_PRIVATE;
	enumerate(CALL_PROT_RW + 1);
	finish();
}

/* ---- anon_vmas decide --------------------------------------------------------------------- */

static u32 map_count(struct umm_task *who)
{
	return ((struct task *)who)->mm->map_count;
}

static void touch(struct umm_task *who, unsigned page)
{
	assert_int_equal(umm_store(who, ADDR + page * PAGE_SIZE, 8, 1, NULL), 0);
}

static void map(unsigned page, unsigned pages, int prot)
{
	assert_int_equal(umm_mmap(task, ADDR + page * PAGE_SIZE, pages * PAGE_SIZE, prot,
				  map_flags | MAP_FIXED, -1, 0),
			 ADDR + page * PAGE_SIZE);
}

/*
 *    0 1 2 3
 *    AABB      two vmas with pages of their own, then the same rights: they stay two
 *    AA··      one with pages, one without: one
 */
static void test_two_families_stay_apart(void **state)
{
	const int rw = PROT_READ | PROT_WRITE;

	(void)state;
	build();
	/* Not mergeable neighbours when first touched, or they would share an anon_vma. */
	map(0, 2, rw);
	touch(task, 0);
	map(4, 2, rw);
	touch(task, 4);
	assert_int_equal(umm_mremap(task, ADDR + 4 * PAGE_SIZE, 2 * PAGE_SIZE, 2 * PAGE_SIZE,
				    MREMAP_MAYMOVE | MREMAP_FIXED, ADDR + 2 * PAGE_SIZE),
			 ADDR + 2 * PAGE_SIZE);
	assert_int_equal(map_count(task), 2);
	verify_clean();
	/* The page offsets of what moved do not run on, but those of a new mapping do. */
	map(2, 2, rw);
	assert_int_equal(map_count(task), 1);
	verify_clean();
	finish();
}

/* A neighbour that differs only in its rights lends its anon_vma, so that they can merge later. */
static void test_neighbour_lends_anon_vma(void **state)
{
	(void)state;
	build();
	map(0, 2, PROT_READ | PROT_WRITE);
	touch(task, 0);
	map(2, 2, PROT_READ | PROT_WRITE | PROT_EXEC);
	touch(task, 2);
	assert_int_equal(map_count(task), 2);
	assert_int_equal(
		umm_mprotect(task, ADDR + 2 * PAGE_SIZE, 2 * PAGE_SIZE, PROT_READ | PROT_WRITE), 0);
	/* The flags that differed were rights; VM_ACCOUNT is the same: one vma. */
	assert_int_equal(map_count(task), 1);
	verify_clean();
	finish();
}

/* So does one that may hold guards: a flag that merges ignore must not keep them apart before. */
static void test_guarded_neighbour_lends_anon_vma(void **state)
{
	(void)state;
	build();
	map(0, 1, PROT_READ | PROT_WRITE);
	map(1, 1, PROT_READ | PROT_WRITE | PROT_EXEC);
	assert_int_equal(umm_madvise(task, ADDR + PAGE_SIZE, PAGE_SIZE, MADV_GUARD_INSTALL), 0);
	touch(task, 0);
	assert_int_equal(umm_mprotect(task, ADDR, 2 * PAGE_SIZE, PROT_READ), 0);
	assert_int_equal(map_count(task), 1);
	verify_clean();
	finish();
}

/* After fork a vma still shares pages with the parent: nothing new joins it. */
static void test_uncowed_parents(void **state)
{
	struct umm_task *child;

	(void)state;
	build();
	map(0, 2, PROT_READ | PROT_WRITE);
	touch(task, 0);
	assert_int_equal(umm_fork(task, &child), 0);
	assert_int_equal(umm_mmap(child, ADDR + 2 * PAGE_SIZE, PAGE_SIZE, PROT_READ | PROT_WRITE,
				  map_flags | MAP_FIXED, -1, 0),
			 ADDR + 2 * PAGE_SIZE);
	assert_int_equal(map_count(child), 2);
	map(2, 1, PROT_READ | PROT_WRITE);
	assert_int_equal(map_count(task), 1);
	/* But a vma grows into what follows it, which is itself. */
	assert_int_equal(umm_munmap(child, ADDR + 2 * PAGE_SIZE, PAGE_SIZE), 0);
	assert_int_equal(umm_mremap(child, ADDR, 2 * PAGE_SIZE, 3 * PAGE_SIZE, 0, 0), ADDR);
	assert_int_equal(map_count(child), 1);
	verify_clean();
	umm_task_exit(child);
	finish();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_enumerate),
		cmocka_unit_test(test_enumerate_files),
		cmocka_unit_test(test_two_families_stay_apart),
		cmocka_unit_test(test_neighbour_lends_anon_vma),
		cmocka_unit_test(test_guarded_neighbour_lends_anon_vma),
		cmocka_unit_test(test_uncowed_parents),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
