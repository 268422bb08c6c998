/* SPDX-License-Identifier: MIT */
/* Covers: P1, P6 */
/*
 * The system calls where a kernel to compare with is no help: every allocation failing in turn,
 * the overcommit modes, and limits on the way to them.
 */
#include "machine/bug_test.h"

#include <usermm/usermm.h>

#include "base/uapi.h"
#include "vma/vma.h"

#define ADDR 0x1000000000ull /* user space on every architecture */
#define AT(page) (ADDR + (page)*PAGE_SIZE)
#define FAR_PAGES 0x40000ull /* 1 GiB: another table */
#define RW (PROT_READ | PROT_WRITE)
#define MMAP_FLAGS (MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED)

static struct umm_machine *machine;
static struct umm_task *task, *other, *child;

static void verify_clean(void)
{
	char text[2048];

	if (umm_verify(machine, text, sizeof(text)))
		fail_msg("%s", text);
}

static void map(u64 page, u64 pages, int prot)
{
	assert_int_equal(umm_mmap(task, AT(page), pages * PAGE_SIZE, prot, MMAP_FLAGS, -1, 0),
			 AT(page));
}

static void build(u32 overcommit)
{
	struct umm_config config;

	umm_config_init(&config);
	config.ram_bytes = 4 << 20;
	config.overcommit = overcommit;
	assert_int_equal(umm_machine_create(&config, &machine), 0);
	assert_int_equal(umm_process_create(machine, &task), 0);
	assert_int_equal(umm_process_create(machine, &other), 0);
	child = NULL;
}

static void finish(void)
{
	umm_task_exit(task);
	umm_task_exit(other);
	if (child)
		umm_task_exit(child);
	verify_clean();
	umm_machine_destroy(machine);
}

/*
 *     0        8    12   16   20   24        32
 *     wwwwwwww rrrr      wwww rrrr           down    w writable, r read-only
 *     x x x x             x                          x touched, shared with a child
 */
static void build_layout(void)
{
	build(OVERCOMMIT_GUESS);
	map(0, 8, RW);
	map(8, 4, PROT_READ);
	map(16, 4, RW);
	map(20, 4, PROT_READ);
	for (u64 page = 0; page < 8; page += 2)
		assert_int_equal(umm_store(task, AT(page), 1, page, NULL), 0);
	assert_int_equal(umm_store(task, AT(17), 1, 1, NULL), 0);
	assert_int_equal(umm_mmap(task, AT(32), PAGE_SIZE, RW, MMAP_FLAGS | MAP_GROWSDOWN, -1, 0),
			 AT(32));
	umm_brk(task, umm_brk(task, 0) + 3 * PAGE_SIZE);
	assert_int_equal(umm_fork(task, &child), 0);
	assert_int_equal(umm_store(task, AT(0), 1, 7, NULL), 0);
}

/* ---- every allocation fails in turn --------------------------------------------------------- */

static s64 try_mmap(void)
{
	return umm_mmap(task, 0, 4 * PAGE_SIZE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static s64 try_mmap_over_one(void)
{
	return umm_mmap(task, AT(2), 4 * PAGE_SIZE, PROT_READ, MMAP_FLAGS, -1, 0);
}

static s64 try_mmap_over_many(void)
{
	return umm_mmap(task, AT(2), 16 * PAGE_SIZE, RW, MMAP_FLAGS, -1, 0);
}

static s64 try_munmap_middle(void)
{
	return umm_munmap(task, AT(2), 3 * PAGE_SIZE);
}

static s64 try_munmap_many(void)
{
	return umm_munmap(task, AT(2), 16 * PAGE_SIZE);
}

static s64 try_mprotect(void)
{
	return umm_mprotect(task, AT(2), 3 * PAGE_SIZE, PROT_READ);
}

static s64 try_mprotect_merge(void)
{
	return umm_mprotect(task, AT(8), 2 * PAGE_SIZE, RW);
}

static s64 try_mprotect_two(void)
{
	return umm_mprotect(task, AT(2), 9 * PAGE_SIZE, PROT_READ | PROT_EXEC);
}

static s64 try_madvise_split(void)
{
	return umm_madvise(task, AT(2), 3 * PAGE_SIZE, MADV_DONTFORK);
}

static s64 try_guard(void)
{
	return umm_madvise(task, AT(20), 3 * PAGE_SIZE, MADV_GUARD_INSTALL);
}

static s64 try_populate(void)
{
	return umm_madvise(task, AT(0), 8 * PAGE_SIZE, MADV_POPULATE_WRITE);
}

static s64 try_mlock(void)
{
	return umm_mlock(task, AT(1), 3 * PAGE_SIZE);
}

static s64 try_mlockall(void)
{
	return umm_mlockall(task, MCL_CURRENT | MCL_FUTURE);
}

static s64 try_move_whole(void)
{
	return umm_mremap(task, AT(0), 8 * PAGE_SIZE, 8 * PAGE_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED,
			  AT(FAR_PAGES));
}

static s64 try_move_part(void)
{
	return umm_mremap(task, AT(2), 3 * PAGE_SIZE, 3 * PAGE_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED,
			  AT(FAR_PAGES));
}

static s64 try_move_growing(void)
{
	return umm_mremap(task, AT(2), 3 * PAGE_SIZE, 6 * PAGE_SIZE, MREMAP_MAYMOVE, 0);
}

static s64 try_move_over(void)
{
	return umm_mremap(task, AT(2), 3 * PAGE_SIZE, 3 * PAGE_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED,
			  AT(18));
}

static s64 try_move_beside(void)
{
	return umm_mremap(task, AT(16), 2 * PAGE_SIZE, 2 * PAGE_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED,
			  AT(14));
}

static s64 try_move_shrinking(void)
{
	return umm_mremap(task, AT(0), 8 * PAGE_SIZE, 4 * PAGE_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED,
			  AT(FAR_PAGES));
}

static s64 try_move_many(void)
{
	return umm_mremap(task, AT(0), 20 * PAGE_SIZE, 20 * PAGE_SIZE,
			  MREMAP_MAYMOVE | MREMAP_FIXED, AT(FAR_PAGES));
}

static s64 try_dontunmap(void)
{
	return umm_mremap(task, AT(2), 3 * PAGE_SIZE, 3 * PAGE_SIZE,
			  MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP, AT(FAR_PAGES));
}

static s64 try_fork(void)
{
	struct umm_task *new_child;
	int err = umm_fork(task, &new_child);

	if (!err)
		umm_task_exit(new_child);
	return err;
}

static s64 try_thread(void)
{
	struct umm_task *thread;
	int err = umm_thread_create(task, &thread);

	if (!err)
		umm_task_exit(thread);
	return err;
}

/* The break that does not move is how brk says it. */
static s64 try_brk_grow(void)
{
	u64 before = umm_brk(task, 0);

	return umm_brk(task, before + 5 * PAGE_SIZE) == before ? -ENOMEM : 0;
}

static s64 try_brk_first(void)
{
	u64 before = umm_brk(other, 0);

	return umm_brk(other, before + PAGE_SIZE) == before ? -ENOMEM : 0;
}

static s64 try_brk_shrink(void)
{
	u64 before = umm_brk(task, 0);

	return umm_brk(task, before - PAGE_SIZE) == before ? -ENOMEM : 0;
}

static s64 try_pin(void)
{
	s64 pin = umm_pin(task, AT(0), 8 * PAGE_SIZE);

	if (pin >= 0)
		assert_int_equal(umm_unpin(task, pin), 0);
	return pin;
}

static s64 try_process_vm_writev(void)
{
	static char buf[8 * PAGE_SIZE];
	struct umm_iovec range = { AT(0), sizeof(buf) };

	return umm_process_vm_writev(other, task, buf, sizeof(buf), &range, 1, 0);
}

/* What a failed allocation may leave behind. */
enum leaves {
	NOTHING,  /* the address space is as it was */
	PROGRESS, /* what was done before, as Linux leaves it */
	NO_NEED,  /* nothing fails: the call allocates nothing */
};

static const struct attempt {
	const char *name;
	s64 (*call)(void);
	int error; /* 0: the call succeeds all the same */
	enum leaves leaves;
} attempts[] = {
	{ "mmap", try_mmap, -ENOMEM, NOTHING },
	{ "mmap over a part", try_mmap_over_one, -ENOMEM, NOTHING },
	{ "mmap over many", try_mmap_over_many, -ENOMEM, NOTHING },
	{ "munmap in the middle", try_munmap_middle, -ENOMEM, NOTHING },
	{ "munmap of many", try_munmap_many, -ENOMEM, NOTHING },
	{ "mprotect", try_mprotect, -ENOMEM, NOTHING },
	{ "mprotect that merges", try_mprotect_merge, 0, NO_NEED },
	{ "mprotect of two vmas", try_mprotect_two, -ENOMEM, PROGRESS },
	{ "madvise that splits", try_madvise_split, -EAGAIN, NOTHING },
	{ "guards", try_guard, -ENOMEM, PROGRESS },
	{ "populate", try_populate, -ENOMEM, PROGRESS },
	{ "mlock", try_mlock, -EAGAIN, PROGRESS },
	{ "mlockall", try_mlockall, 0, PROGRESS },
	{ "move", try_move_whole, -ENOMEM, NOTHING },
	{ "move of a part", try_move_part, -ENOMEM, NOTHING },
	{ "move that grows", try_move_growing, -ENOMEM, NOTHING },
	{ "move over something", try_move_over, -ENOMEM, PROGRESS },
	{ "move to a neighbour", try_move_beside, -ENOMEM, NOTHING },
	{ "move that shrinks", try_move_shrinking, -ENOMEM, PROGRESS },
	{ "move of many", try_move_many, -ENOMEM, PROGRESS },
	{ "move that leaves the vma", try_dontunmap, -ENOMEM, NOTHING },
	{ "fork", try_fork, -ENOMEM, NOTHING },
	{ "thread", try_thread, -ENOMEM, NOTHING },
	{ "brk up", try_brk_grow, 0, NO_NEED },
	{ "the first brk", try_brk_first, -ENOMEM, NOTHING },
	{ "brk down", try_brk_shrink, -ENOMEM, NOTHING },
	{ "pin", try_pin, 0, PROGRESS },
	{ "process_vm_writev", try_process_vm_writev, 0, PROGRESS },
};

static char maps_before[4096], maps_after[4096];

/* Whether the n-th allocation of the call exists, and failed. */
static bool attempt_without(const struct attempt *attempt, u64 nth)
{
	struct umm_fail fail = { .order = -1, .nth = nth };
	u64 seen, failed;
	s64 ret;

	build_layout();
	(void)umm_proc_maps(task, maps_before, sizeof(maps_before));
	assert_int_equal(umm_fail_set(machine, &fail), 0);
	ret = attempt->call();
	umm_fail_stats(machine, &seen, &failed);
	assert_int_equal(umm_fail_set(machine, NULL), 0);
	verify_clean();
	(void)umm_proc_maps(task, maps_after, sizeof(maps_after));
	if (!failed && ret < 0)
		fail_msg("%s: %lld though nothing failed", attempt->name, (long long)ret);
	/* mlock: the flags first, then the pages. */
	if (failed && ret < 0 && ret != attempt->error && ret != -ENOMEM)
		fail_msg("%s, allocation %llu: %lld", attempt->name, (unsigned long long)nth,
			 (long long)ret);
	if (failed && ret >= 0 && attempt->leaves == NOTHING)
		fail_msg("%s, allocation %llu: failed unnoticed", attempt->name,
			 (unsigned long long)nth);
	if (failed && attempt->leaves == NOTHING)
		assert_string_equal(maps_before, maps_after);
	finish();
	return failed;
}

static void test_every_allocation_fails(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(attempts); i++) {
		u64 nth = 1;

		while (attempt_without(&attempts[i], nth))
			nth++;
		if ((nth == 1) != (attempts[i].leaves == NO_NEED))
			fail_msg("%s: %llu allocations", attempts[i].name,
				 (unsigned long long)(nth - 1));
	}
}

/* ---- promised memory ------------------------------------------------------------------- */

static void test_overcommit_guess(void **state)
{
	u64 ram = 4 << 20;

	(void)state;
	build(OVERCOMMIT_GUESS);
	/* One mapping larger than all RAM is refused; many together are not looked at. */
	assert_int_equal(umm_mmap(task, ADDR, 2 * ram, RW, MMAP_FLAGS, -1, 0), -ENOMEM);
	assert_int_equal(umm_mmap(task, ADDR, 2 * ram, PROT_READ, MMAP_FLAGS, -1, 0), ADDR);
	assert_int_equal(umm_mprotect(task, ADDR, 2 * ram, RW), -ENOMEM);
	assert_int_equal(umm_mmap(task, ADDR, 2 * ram, RW, MMAP_FLAGS | MAP_NORESERVE, -1, 0),
			 ADDR);
	for (u64 i = 0; i < 8; i++)
		map(FAR_PAGES * (i + 1), ram / 2 / PAGE_SIZE, RW);
	verify_clean();
	finish();
}

static void test_overcommit_never(void **state)
{
	u64 half = (4 << 20) / 2;

	(void)state;
	build(OVERCOMMIT_NEVER);
	assert_int_equal(umm_mmap(task, ADDR, half, RW, MMAP_FLAGS, -1, 0), -ENOMEM);
	assert_int_equal(umm_mmap(task, ADDR, half, RW, MMAP_FLAGS | MAP_NORESERVE, -1, 0),
			 -ENOMEM);
	map(0, half / 2 / PAGE_SIZE, RW);
	/* The second half of the promise is not there for a child. */
	assert_int_equal(umm_madvise(task, ADDR, half / 2, MADV_DONTFORK), 0);
	assert_int_equal(umm_fork(task, &child), 0);
	umm_task_exit(child);
	assert_int_equal(umm_madvise(task, ADDR, half / 2, MADV_DOFORK), 0);
	map(half / 2 / PAGE_SIZE, half / 4 / PAGE_SIZE, RW);
	assert_int_equal(umm_fork(task, &child), -ENOMEM);
	child = NULL;
	verify_clean();
	/* What goes comes back. */
	assert_int_equal(umm_munmap(task, ADDR, half), 0);
	map(0, half / 2 / PAGE_SIZE, RW);
	verify_clean();
	finish();
}

static void test_overcommit_always(void **state)
{
	(void)state;
	build(OVERCOMMIT_ALWAYS);
	map(0, 16 * FAR_PAGES, RW);
	verify_clean();
	finish();
}

/* Replacing a mapping takes its promise over: no more is needed than there was. */
static void test_promise_is_taken_over(void **state)
{
	u64 pages = (4 << 20) / 2 / PAGE_SIZE * 9 / 10;
	s64 before;

	(void)state;
	build(OVERCOMMIT_NEVER);
	map(0, pages, RW);
	before = atomic64_read(&((struct machine *)machine)->committed_pages);
	map(0, pages, RW);
	assert_int_equal(atomic64_read(&((struct machine *)machine)->committed_pages), before);
	assert_int_equal(umm_mremap(task, ADDR, pages * PAGE_SIZE, pages * PAGE_SIZE,
				    MREMAP_MAYMOVE | MREMAP_FIXED, AT(FAR_PAGES)),
			 AT(FAR_PAGES));
	assert_int_equal(atomic64_read(&((struct machine *)machine)->committed_pages), before);
	verify_clean();
	finish();
}

/* ---- locked memory that Linux loses count of --------------------------------------------- */

static void test_dontunmap_of_locked_memory(void **state)
{
	struct mm *mm;

	(void)state;
	build(OVERCOMMIT_GUESS);
	map(0, 8, RW);
	mm = ((struct task *)task)->mm;
	assert_int_equal(umm_mlock(task, ADDR, 8 * PAGE_SIZE), 0);
	assert_int_equal(umm_mremap(task, ADDR, 4 * PAGE_SIZE, 4 * PAGE_SIZE,
				    MREMAP_MAYMOVE | MREMAP_DONTUNMAP | MREMAP_FIXED,
				    AT(FAR_PAGES)),
			 AT(FAR_PAGES));
	assert_int_equal(mm->locked_vm, 12);
	verify_clean();
	assert_int_equal(umm_munmap(task, AT(FAR_PAGES), 4 * PAGE_SIZE), 0);
	assert_int_equal(umm_munmap(task, ADDR, 8 * PAGE_SIZE), 0);
	assert_int_equal(mm->locked_vm, 8);
	verify_clean();
	finish();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_allocation_fails),
		cmocka_unit_test(test_overcommit_guess),
		cmocka_unit_test(test_overcommit_never),
		cmocka_unit_test(test_overcommit_always),
		cmocka_unit_test(test_promise_is_taken_over),
		cmocka_unit_test(test_dontunmap_of_locked_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
