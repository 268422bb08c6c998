/* SPDX-License-Identifier: MIT */
/* Covers: A2, B2, B3, B7, B9, B17, B19, P6 */
/*
 * What a handler does to memory, entry by entry: what it may put over what, where the bytes come
 * from, what moves, and every allocation failing in turn.
 */
#include "machine/bug_test.h"

#include <usermm/usermm.h>

#include "base/uapi.h"
#include "fill/fill.h"
#include "mmu/pgtable.h"
#include "rmap/rmap.h"
#include "vma/task.h"

#define PAGE 4096ull
#define RW (PROT_READ | PROT_WRITE)
#define A 0x3f00000000ull /* user space on every architecture */
#define S 0x3e00000000ull
#define PAGES 8
#define HAS_WP ARCH_HAS_UFFD_WP

static struct umm_machine *machine;
static struct umm_task *task;
static int fd;

static void verify_clean(void)
{
	char text[4096];

	if (umm_verify(machine, text, sizeof(text)))
		fail_msg("%s", text);
}

/* ---- calls ---------------------------------------------------------------------------------- */

static int ioctl_of(u64 command, void *arg)
{
	return umm_ioctl(task, fd, command, arg);
}

static void map(u64 addr, int flags)
{
	assert_int_equal(umm_mmap(task, addr, PAGES * PAGE, RW, flags | MAP_ANONYMOUS | MAP_FIXED,
				  -1, 0),
			 addr);
}

static void enroll(u64 addr, u64 mode)
{
	struct uffdio_register reg = { .range = { addr, PAGES * PAGE }, .mode = mode };

	assert_int_equal(ioctl_of(UFFDIO_REGISTER, &reg), 0);
}

static s64 copy(u64 dst, u64 src, u64 len, u64 mode)
{
	struct uffdio_copy arg = { .dst = dst, .src = src, .len = len, .mode = mode };
	int err = ioctl_of(UFFDIO_COPY, &arg);

	return err == -EAGAIN && arg.copy > 0 ? arg.copy : err ? err : arg.copy;
}

static s64 zeropage(u64 addr)
{
	struct uffdio_zeropage arg = { .range = { addr, PAGE } };
	int err = ioctl_of(UFFDIO_ZEROPAGE, &arg);

	return err ? err : arg.zeropage;
}

static s64 cont(u64 addr, u64 len)
{
	struct uffdio_continue arg = { .range = { addr, len } };
	int err = ioctl_of(UFFDIO_CONTINUE, &arg);

	return err == -EAGAIN && arg.mapped > 0 ? arg.mapped : err ? err : arg.mapped;
}

static s64 poison(u64 addr)
{
	struct uffdio_poison arg = { .range = { addr, PAGE } };
	int err = ioctl_of(UFFDIO_POISON, &arg);

	return err ? err : arg.updated;
}

static s64 move(u64 dst, u64 src, u64 len, u64 mode)
{
	struct uffdio_move arg = { .dst = dst, .src = src, .len = len, .mode = mode };
	int err = ioctl_of(UFFDIO_MOVE, &arg);

	return err == -EAGAIN && arg.move > 0 ? arg.move : err ? err : arg.move;
}

static int protect(u64 addr, u64 len, bool on)
{
	struct uffdio_writeprotect arg = {
		.range = { addr, len },
		.mode = on ? UFFDIO_WRITEPROTECT_MODE_WP : 0,
	};

	return ioctl_of(UFFDIO_WRITEPROTECT, &arg);
}

static u64 load(u64 addr)
{
	u64 value = 0;

	assert_int_equal(umm_load(task, addr, 8, &value, NULL), 0);
	return value;
}

static void store(u64 addr, u64 value)
{
	assert_int_equal(umm_store(task, addr, 8, value, NULL), 0);
}

static pte_t *ptep_of(u64 addr)
{
	return pte_offset(((struct task *)task)->mm, addr);
}

static pte_t entry_of(u64 addr)
{
	pte_t *ptep = ptep_of(addr);

	return ptep ? ptep_get(ptep) : (pte_t){ 0 };
}

/* ---- fixture -------------------------------------------------------------------------------- */

static int set_up(void **state)
{
	struct uffdio_api api = {
		.api = UFFD_API,
		.features =
			UFFD_FEATURE_MISSING_SHMEM | UFFD_FEATURE_MINOR_SHMEM | UFFD_FEATURE_MOVE |
			UFFD_FEATURE_POISON |
			(HAS_WP ? UFFD_FEATURE_PAGEFAULT_FLAG_WP | UFFD_FEATURE_WP_HUGETLBFS_SHMEM :
				  0),
	};
	struct umm_config config;

	(void)state;
	umm_config_init(&config);
	config.ram_bytes = 4 << 20;
	config.page_cluster = 0;
	assert_int_equal(umm_machine_create(&config, &machine), 0);
	assert_true(umm_swap_create(machine, 64, -1) >= 0);
	assert_int_equal(umm_process_create(machine, &task), 0);
	fd = umm_userfaultfd(task, O_NONBLOCK);
	assert_true(fd >= 0);
	assert_int_equal(ioctl_of(UFFDIO_API, &api), 0);
	map(S, MAP_PRIVATE);
	for (u64 i = 0; i < PAGES; i++)
		store(S + i * PAGE, 100 + i);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	verify_clean();
	umm_task_exit(task);
	verify_clean();
	umm_machine_destroy(machine);
	return 0;
}

static void page_out(u64 addr)
{
	assert_int_equal(umm_madvise(task, addr, PAGE, MADV_PAGEOUT), 0);
	assert_true(pte_is_swap(entry_of(addr)));
}

/* ---- filling -------------------------------------------------------------------------------- */

static void filled_entries(void **state)
{
	(void)state;
	for (unsigned shared = 0; shared < 2; shared++) {
		map(A, shared ? MAP_SHARED : MAP_PRIVATE);
		enroll(A, UFFDIO_REGISTER_MODE_MISSING | (HAS_WP ? UFFDIO_REGISTER_MODE_WP : 0));
		assert_int_equal(copy(A, S, PAGE, 0), PAGE);
		assert_true(pte_dirty(entry_of(A)) && pte_young(entry_of(A)));
		assert_true(pte_write(entry_of(A)));
		assert_int_equal(copy(A, S, PAGE, 0), -EEXIST);
		assert_int_equal(zeropage(A), -EEXIST);
		assert_int_equal(poison(A), -EEXIST);
		if (HAS_WP) {
			assert_int_equal(copy(A + PAGE, S, PAGE, UFFDIO_COPY_MODE_WP), PAGE);
			assert_true(pte_dirty(entry_of(A + PAGE)));
			assert_true(pte_uffd_wp(entry_of(A + PAGE)));
			assert_false(pte_write(entry_of(A + PAGE)));
		}
		assert_int_equal(zeropage(A + 2 * PAGE), PAGE);
		assert_int_equal(load(A + 2 * PAGE), 0);
		assert_int_equal(pte_special(entry_of(A + 2 * PAGE)), !shared);
		assert_int_equal(load(A), 100);
		verify_clean();
	}
}

static void read_only_vma(void **state)
{
	(void)state;
	map(A, MAP_PRIVATE);
	enroll(A, UFFDIO_REGISTER_MODE_MISSING);
	assert_int_equal(umm_mprotect(task, A, PAGES * PAGE, PROT_READ), 0);
	assert_int_equal(copy(A, S, PAGE, 0), PAGE);
	assert_true(pte_dirty(entry_of(A)));
	assert_false(pte_write(entry_of(A)));
	assert_int_equal(umm_store(task, A, 8, 1, NULL), -EFAULT);
}

static void over_markers(void **state)
{
	(void)state;
	map(A, MAP_PRIVATE);
	enroll(A, UFFDIO_REGISTER_MODE_MISSING);
	assert_int_equal(umm_madvise(task, A, PAGE, MADV_GUARD_INSTALL), 0);
	assert_int_equal(zeropage(A), -EEXIST);
	assert_int_equal(poison(A), -EEXIST);
	assert_int_equal(copy(A, S, PAGE, 0), PAGE);
	assert_int_equal(load(A), 100);
	assert_int_equal(poison(A + PAGE), PAGE);
	assert_int_equal(zeropage(A + PAGE), -EEXIST);
	assert_int_equal(copy(A + PAGE, S, PAGE, 0), PAGE);
	assert_int_equal(load(A + PAGE), 100);
}

/* The source is not there, or only in part: it is brought in as the caller's own access would. */
static void sources(void **state)
{
	(void)state;
	map(A, MAP_PRIVATE);
	enroll(A, UFFDIO_REGISTER_MODE_MISSING);
	page_out(S);
	page_out(S + 2 * PAGE);
	assert_int_equal(copy(A, S, 3 * PAGE, 0), 3 * PAGE);
	for (u64 i = 0; i < 3; i++)
		assert_int_equal(load(A + i * PAGE), 100 + i);
	assert_int_equal(umm_madvise(task, S + PAGE, PAGE, MADV_DONTNEED), 0);
	assert_int_equal(copy(A + 3 * PAGE, S + PAGE - 8, PAGE, 0), PAGE);
	assert_int_equal(load(A + 3 * PAGE + 8), 0);
	/* What was done before the hole is kept. */
	assert_int_equal(umm_munmap(task, S + 5 * PAGE, PAGE), 0);
	assert_int_equal(copy(A + 4 * PAGE, S + 4 * PAGE, 2 * PAGE, 0), PAGE);
	assert_int_equal(copy(A + 5 * PAGE, S + 5 * PAGE, PAGE, 0), -EFAULT);
	verify_clean();
}

static void beyond_the_file(void **state)
{
	int file = umm_memfd_create(task, "f", 0);

	(void)state;
	assert_true(file >= 0);
	assert_int_equal(umm_ftruncate(task, file, 2 * PAGE + 1), 0);
	assert_int_equal(umm_mmap(task, A, PAGES * PAGE, RW, MAP_SHARED | MAP_FIXED, file, 0), A);
	enroll(A, UFFDIO_REGISTER_MODE_MISSING | UFFDIO_REGISTER_MODE_MINOR);
	assert_int_equal(copy(A, S, 4 * PAGE, 0), 3 * PAGE);
	assert_int_equal(copy(A + 3 * PAGE, S, PAGE, 0), -EFAULT);
	assert_int_equal(zeropage(A + 3 * PAGE), -EFAULT);
	assert_int_equal(poison(A + 3 * PAGE), -EFAULT);
	assert_int_equal(cont(A + 3 * PAGE, PAGE), -EINVAL);
	verify_clean();
	/* Unmapped, the pages are in the cache still. */
	assert_int_equal(umm_madvise(task, A, PAGES * PAGE, MADV_DONTNEED), 0);
	assert_int_equal(copy(A, S, PAGE, 0), -EEXIST);
	assert_int_equal(cont(A, 4 * PAGE), 3 * PAGE);
	assert_true(pte_write(entry_of(A)) && pte_dirty(entry_of(A)));
	assert_int_equal(cont(A, PAGE), -EEXIST);
	assert_int_equal(load(A + PAGE), 101);
	assert_int_equal(umm_ftruncate(task, file, 0), 0);
	assert_true(pte_none(entry_of(A)));
}

/* In a private mapping the page of the file stays read-only. */
static void continue_private(void **state)
{
	int file = umm_memfd_create(task, "f", 0);

	(void)state;
	assert_int_equal(umm_ftruncate(task, file, PAGES * PAGE), 0);
	assert_int_equal(umm_mmap(task, A, PAGES * PAGE, RW, MAP_PRIVATE | MAP_FIXED, file, 0), A);
	assert_int_equal(umm_mmap(task, A - PAGES * PAGE, PAGES * PAGE, RW, MAP_SHARED | MAP_FIXED,
				  file, 0),
			 A - PAGES * PAGE);
	store(A - PAGES * PAGE, 5);
	enroll(A, UFFDIO_REGISTER_MODE_MINOR);
	assert_int_equal(cont(A, PAGE), PAGE);
	assert_true(pte_dirty(entry_of(A)));
	assert_false(pte_write(entry_of(A)));
	store(A, 6);
	assert_int_equal(load(A - PAGES * PAGE), 5);
	assert_int_equal(cont(A + PAGE, PAGE), -EFAULT);
	verify_clean();
}

/* ---- write protection ----------------------------------------------------------------------- */

static void protected_states(void **state)
{
	(void)state;
	if (!HAS_WP)
		skip();
	map(A, MAP_PRIVATE);
	store(A, 1);
	store(A + PAGE, 2);
	page_out(A + PAGE);
	(void)load(A + 2 * PAGE);
	enroll(A, UFFDIO_REGISTER_MODE_MISSING | UFFDIO_REGISTER_MODE_WP);
	assert_int_equal(poison(A + 3 * PAGE), PAGE);
	assert_int_equal(protect(A, PAGES * PAGE, true), 0);
	assert_true(pte_uffd_wp(entry_of(A)) && !pte_write(entry_of(A)));
	assert_true(pte_swp_uffd_wp(entry_of(A + PAGE)));
	assert_true(pte_uffd_wp(entry_of(A + 2 * PAGE)));
	assert_int_equal(pte_marker_bits(entry_of(A + 3 * PAGE)), PTE_MARKER_POISONED);
	assert_true(pte_none(entry_of(A + 4 * PAGE)));
	verify_clean();
	assert_int_equal(load(A + PAGE), 2);
	assert_true(pte_uffd_wp(entry_of(A + PAGE)) && !pte_write(entry_of(A + PAGE)));
	page_out(A + PAGE);
	assert_int_equal(protect(A, PAGES * PAGE, false), 0);
	/* An exclusive page is writable again at once, as its own fault would make it. */
	assert_true(pte_write(entry_of(A)) && !pte_uffd_wp(entry_of(A)));
	assert_false(pte_swp_uffd_wp(entry_of(A + PAGE)));
	assert_false(pte_write(entry_of(A + 2 * PAGE)));
	store(A + PAGE, 3);
	store(A + 2 * PAGE, 4);
	verify_clean();
}

static void protected_ranges(void **state)
{
	(void)state;
	if (!HAS_WP)
		skip();
	map(A, MAP_SHARED);
	enroll(A, UFFDIO_REGISTER_MODE_WP);
	assert_int_equal(protect(S, PAGE, true), -ENOENT);
	assert_int_equal(umm_munmap(task, A + 2 * PAGE, PAGE), 0);
	assert_int_equal(protect(A, PAGES * PAGE, true), 0);
	for (u64 i = 0; i < PAGES; i++)
		assert_int_equal(pte_marker_bits(entry_of(A + i * PAGE)),
				 i == 2 ? 0 : PTE_MARKER_UFFD_WP);
	assert_int_equal(protect(A + 2 * PAGE, PAGE, true), -ENOENT);
	assert_int_equal(protect(A, PAGES * PAGE, false), 0);
	assert_true(pte_none(entry_of(A)));
}

/* ---- moving --------------------------------------------------------------------------------- */

static void moved_states(void **state)
{
	u64 holes = UFFDIO_MOVE_MODE_ALLOW_SRC_HOLES;

	(void)state;
	map(A, MAP_PRIVATE);
	enroll(A, UFFDIO_REGISTER_MODE_MISSING);
	page_out(S + PAGE);
	/* One with a page in the swap cache: read ahead by who was then not given it. */
	page_out(S + 2 * PAGE);
	assert_int_equal(umm_madvise(task, S + 2 * PAGE, PAGE, MADV_WILLNEED), 0);
	assert_int_equal(umm_madvise(task, S + 3 * PAGE, 2 * PAGE, MADV_DONTNEED), 0);
	(void)load(S + 3 * PAGE);
	assert_int_equal(move(A, S, 5 * PAGE, 0), 4 * PAGE);
	verify_clean();
	assert_int_equal(move(A + 4 * PAGE, S + 4 * PAGE, PAGE, 0), -ENOENT);
	assert_int_equal(move(A + 4 * PAGE, S + 4 * PAGE, 2 * PAGE, holes), 2 * PAGE);
	for (u64 i = 0; i < 6; i++)
		assert_true(pte_none(entry_of(S + i * PAGE)));
	assert_true(pte_present(entry_of(A)) && pte_write(entry_of(A)));
	assert_true(pte_is_swap(entry_of(A + PAGE)) && pte_is_swap(entry_of(A + 2 * PAGE)));
	assert_true(pte_special(entry_of(A + 3 * PAGE)));
	for (u64 i = 0; i < 3; i++)
		assert_int_equal(load(A + i * PAGE), 100 + i);
	assert_int_equal(load(A + 3 * PAGE), 0);
	assert_int_equal(load(A + 5 * PAGE), 105);
	/* The reverse map finds them where they are. */
	page_out(A);
	assert_int_equal(load(A), 100);
	verify_clean();
}

static void unmovable(void **state)
{
	struct umm_task *child;
	s64 pin;

	(void)state;
	map(A, MAP_PRIVATE);
	enroll(A, UFFDIO_REGISTER_MODE_MISSING);
	pin = umm_pin(task, S, PAGE);
	assert_true(pin >= 0);
	assert_int_equal(move(A, S, PAGE, 0), -EBUSY);
	assert_int_equal(umm_unpin(task, pin), 0);
	assert_int_equal(move(A, S, PAGE, 0), PAGE);
	page_out(S + 2 * PAGE);
	assert_int_equal(umm_fork(task, &child), 0);
	assert_int_equal(move(A + PAGE, S + PAGE, PAGE, 0), -EBUSY);
	assert_int_equal(move(A + 2 * PAGE, S + 2 * PAGE, PAGE, 0), -EBUSY);
	umm_task_exit(child);
	assert_int_equal(umm_madvise(task, S + 3 * PAGE, PAGE, MADV_GUARD_INSTALL), 0);
	assert_int_equal(move(A + 3 * PAGE, S + 3 * PAGE, PAGE, 0), -EFAULT);
	assert_int_equal(umm_mprotect(task, S + 4 * PAGE, PAGE, PROT_READ), 0);
	assert_int_equal(move(A + 4 * PAGE, S + 4 * PAGE, PAGE, 0), -EINVAL);
	assert_int_equal(move(S, A, PAGE, 0), -EINVAL);
	assert_int_equal(move(A + 5 * PAGE, S + 5 * PAGE, 4 * PAGE, 0), -EINVAL);
}

/* ---- failing allocations -------------------------------------------------------------------- */

static void everything(unsigned shared)
{
	map(A, shared ? MAP_SHARED : MAP_PRIVATE);
	enroll(A, UFFDIO_REGISTER_MODE_MISSING | (HAS_WP ? UFFDIO_REGISTER_MODE_WP : 0));
	page_out(S + PAGE);
}

static void fill_all(unsigned shared)
{
	(void)copy(A, S, 2 * PAGE, 0);
	(void)zeropage(A + 2 * PAGE);
	(void)poison(A + 3 * PAGE);
	if (HAS_WP)
		(void)protect(A, PAGES * PAGE, true);
	if (!shared)
		(void)move(A + 4 * PAGE, S + 4 * PAGE, PAGE, 0);
}

static void every_allocation_fails_once(void **state)
{
	uint64_t seen, failed;

	for (unsigned shared = 0; shared < 2; shared++) {
		for (u64 n = 1;; n++) {
			struct umm_fail rule = { .order = -1, .nth = n };

			(void)set_up(state);
			everything(shared);
			assert_int_equal(umm_fail_set(machine, &rule), 0);
			fill_all(shared);
			umm_fail_stats(machine, &seen, &failed);
			assert_int_equal(umm_fail_set(machine, NULL), 0);
			(void)tear_down(state);
			if (!failed)
				break;
			assert_true(n < 1000);
		}
		assert_true(seen > 2);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(filled_entries),
		TEST(read_only_vma),
		TEST(over_markers),
		TEST(sources),
		TEST(beyond_the_file),
		TEST(continue_private),
		TEST(protected_states),
		TEST(protected_ranges),
		TEST(moved_states),
		TEST(unmovable),
		cmocka_unit_test(every_allocation_fails_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
