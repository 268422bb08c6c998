/* SPDX-License-Identifier: MIT */
/* Covers: P6 */
/*
 * move_pages on a machine with two nodes: pages of every kind arrive with what they hold, those
 * that cannot move stay as they were, and everything counts again afterwards (umm_verify).
 */
#include "machine/bug_test.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <usermm/usermm.h>

#include "base/uapi.h"
#include "migrate/migrate.h"
#include "mmu/pgtable.h"

#define ADDR 0x3f00000000ull /* user space on every architecture */
#define FILE_ADDR 0x3f10000000ull
#define PRIVATE_FLAGS (MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED)
#define RW (PROT_READ | PROT_WRITE)

static struct umm_machine *machine;
static struct umm_task *task;

static void verify_clean(void)
{
	char text[2048];

	if (umm_verify(machine, text, sizeof(text)))
		fail_msg("%s", text);
}

static void build(u64 ram_bytes)
{
	struct umm_config config;

	umm_config_init(&config);
	config.ram_bytes = ram_bytes;
	config.nodes = 2;
	config.cpus = 2;
	config.soft_dirty = true;
	assert_int_equal(umm_machine_create(&config, &machine), 0);
	assert_int_equal(umm_process_create(machine, &task), 0);
}

static void finish(void)
{
	verify_clean();
	umm_machine_destroy(machine);
}

static void map(u64 addr, u64 pages)
{
	assert_int_equal(umm_mmap(task, addr, pages * PAGE_SIZE, RW, PRIVATE_FLAGS, -1, 0), addr);
}

static void write_to(struct umm_task *who, u64 addr, u64 value)
{
	assert_int_equal(umm_store(who, addr, 8, value, NULL), 0);
}

static u64 read_from(struct umm_task *who, u64 addr)
{
	u64 value;

	assert_int_equal(umm_load(who, addr, 8, &value, NULL), 0);
	return value;
}

static s64 move_flags(u64 addr, int node, int flags, int *ret_status)
{
	return umm_move_pages(task, task, 1, &addr, &node, ret_status, flags);
}

static int node_of(u64 addr)
{
	int status = -1;

	assert_int_equal(umm_move_pages(task, task, 1, &addr, NULL, &status, 0), 0);
	return status;
}

/* To the other node, which must work. */
static void move(u64 addr)
{
	int node = 1 - node_of(addr), status = -1;

	assert_int_equal(move_flags(addr, node, MPOL_MF_MOVE, &status), 0);
	assert_int_equal(status, node);
	assert_int_equal(node_of(addr), node);
	verify_clean();
}

static struct umm_page_info info_of(struct umm_task *who, u64 addr)
{
	struct umm_page_info info;

	assert_int_equal(umm_page_info(who, addr, &info), 0);
	return info;
}

static u64 counter(const char *name)
{
	struct umm_counter counters[64];
	unsigned nr = umm_counters(machine, counters, 64);

	for (unsigned i = 0; i < nr; i++)
		if (!strcmp(counters[i].name, name))
			return counters[i].value;
	fail_msg("no counter %s", name);
	return 0;
}

/* ---- what arrives -------------------------------------------------------------------------- */

static void test_anonymous(void **state)
{
	struct umm_page_info before, after;

	(void)state;
	build(8 << 20);
	map(ADDR, 4);
	write_to(task, ADDR, 1);
	write_to(task, ADDR + 4088, 2);
	before = info_of(task, ADDR);
	move(ADDR);
	after = info_of(task, ADDR);
	assert_int_not_equal(after.pfn, before.pfn);
	assert_int_equal(after.refcount, 1);
	assert_int_equal(after.mapcount, 1);
	assert_true(after.anon_exclusive && after.swapbacked && after.uptodate && after.lru);
	assert_int_equal(read_from(task, ADDR), 1);
	assert_int_equal(read_from(task, ADDR + 4088), 2);
	write_to(task, ADDR, 3);
	move(ADDR);
	assert_int_equal(read_from(task, ADDR), 3);
	assert_int_equal(counter("pgmigrate_success"), 2);
	assert_int_equal(counter("pgmigrate_fail"), 0);
	finish();
}

static void test_shared(void **state)
{
	struct umm_task *child;
	int node, status = 0;

	(void)state;
	build(8 << 20);
	map(ADDR, 1);
	write_to(task, ADDR, 1);
	assert_int_equal(umm_fork(task, &child), 0);
	node = 1 - node_of(ADDR);
	assert_int_equal(move_flags(ADDR, node, MPOL_MF_MOVE, &status), 0);
	assert_int_equal(status, -EACCES);
	assert_int_equal(move_flags(ADDR, node, MPOL_MF_MOVE_ALL, &status), 0);
	assert_int_equal(status, node);
	assert_int_equal(info_of(child, ADDR).pfn, info_of(task, ADDR).pfn);
	assert_int_equal(info_of(task, ADDR).mapcount, 2);
	assert_false(info_of(task, ADDR).anon_exclusive);
	write_to(child, ADDR, 2);
	assert_int_equal(read_from(task, ADDR), 1);
	finish();
}

static void test_shmem(void **state)
{
	u64 value = 0;
	int fd;

	(void)state;
	build(8 << 20);
	fd = umm_memfd_create(task, "file", 0);
	assert_true(fd >= 0);
	assert_int_equal(umm_ftruncate(task, fd, 4 * PAGE_SIZE), 0);
	assert_int_equal(umm_mmap(task, FILE_ADDR, 4 * PAGE_SIZE, RW, MAP_SHARED | MAP_FIXED, fd,
				  0),
			 FILE_ADDR);
	write_to(task, FILE_ADDR + PAGE_SIZE, 5);
	move(FILE_ADDR + PAGE_SIZE);
	assert_true(info_of(task, FILE_ADDR + PAGE_SIZE).file);
	assert_int_equal(info_of(task, FILE_ADDR + PAGE_SIZE).refcount, 2);
	assert_int_equal(umm_pread(task, fd, &value, 8, PAGE_SIZE), 8);
	assert_int_equal(value, 5);
	write_to(task, FILE_ADDR + PAGE_SIZE, 6);
	assert_int_equal(umm_pread(task, fd, &value, 8, PAGE_SIZE), 8);
	assert_int_equal(value, 6);
	assert_int_equal(umm_ftruncate(task, fd, PAGE_SIZE), 0);
	finish();
}

/* Dirty, it stays so, and is written from its new frame. */
static void test_regular_file(void **state)
{
	char path[] = "/tmp/usermm-migrate-XXXXXX";
	int host = mkstemp(path);
	u64 value = 0;
	int fd;

	(void)state;
	assert_true(host >= 0);
	assert_int_equal(ftruncate(host, 2 * PAGE_SIZE), 0);
	build(8 << 20);
	fd = umm_open(task, path, O_RDWR, 0);
	assert_true(fd >= 0);
	assert_int_equal(umm_mmap(task, FILE_ADDR, 2 * PAGE_SIZE, RW, MAP_SHARED | MAP_FIXED, fd,
				  0),
			 FILE_ADDR);
	write_to(task, FILE_ADDR + PAGE_SIZE, 5);
	move(FILE_ADDR + PAGE_SIZE);
	assert_int_equal(pread(host, &value, 8, PAGE_SIZE), 8);
	assert_int_equal(value, 0);
	assert_int_equal(umm_fsync(task, fd), 0);
	assert_int_equal(pread(host, &value, 8, PAGE_SIZE), 8);
	assert_int_equal(value, 5);
	/* Clean now, and write-protected. */
	move(FILE_ADDR + PAGE_SIZE);
	write_to(task, FILE_ADDR + PAGE_SIZE, 6);
	assert_int_equal(umm_msync(task, FILE_ADDR, 2 * PAGE_SIZE, MS_SYNC), 0);
	assert_int_equal(pread(host, &value, 8, PAGE_SIZE), 8);
	assert_int_equal(value, 6);
	finish();
	(void)close(host);
	assert_int_equal(unlink(path), 0);
}

/* Locked into memory it is on no list; it stays locked. */
static void test_mlocked(void **state)
{
	(void)state;
	build(8 << 20);
	map(ADDR, 2);
	write_to(task, ADDR, 1);
	assert_int_equal(umm_mlock(task, ADDR, PAGE_SIZE), 0);
	move(ADDR);
	assert_true(info_of(task, ADDR).mlocked);
	assert_int_equal(umm_munlock(task, ADDR, PAGE_SIZE), 0);
	assert_false(info_of(task, ADDR).mlocked);
	move(ADDR);
	assert_int_equal(read_from(task, ADDR), 1);
	finish();
}

/* As reclaim does it, but that the page stays in the swap cache. */
static void swap_out(u64 addr)
{
	struct page *page = pfn_to_page((struct machine *)machine, pfn_of(info_of(task, addr).pfn));

	get_page(page);
	page_lock(page);
	if (!page_test_swapcache(page))
		assert_int_equal(add_to_swap(page), 0);
	try_to_unmap(page, 0);
	assert_int_equal(page_mapcount(page), 0);
	if (page_test_dirty(page))
		assert_int_equal(swap_writeout(page), 0);
	page_unlock(page);
	put_page(page);
	assert_string_equal(info_of(task, addr).state, "swap");
}

/* In the swap cache, clean: it is found there, and swapped out again without being written. */
static void test_swap_cache(void **state)
{
	u64 written;

	(void)state;
	build(8 << 20);
	assert_true(umm_swap_create(machine, 64, -1) >= 0);
	map(ADDR, 1);
	write_to(task, ADDR, 1);
	swap_out(ADDR);
	assert_int_equal(node_of(ADDR), -ENOENT);
	assert_int_equal(read_from(task, ADDR), 1);
	assert_true(info_of(task, ADDR).swapcache);
	move(ADDR);
	assert_true(info_of(task, ADDR).swapcache);
	assert_true(info_of(task, ADDR).anon_exclusive);
	written = counter("pswpout");
	swap_out(ADDR);
	assert_int_equal(counter("pswpout"), written);
	assert_int_equal(read_from(task, ADDR), 1);
	move(ADDR);
	write_to(task, ADDR, 2);
	swap_out(ADDR);
	assert_int_equal(counter("pswpout"), written + 1);
	assert_int_equal(read_from(task, ADDR), 2);
	finish();
}

/* ---- what does not ------------------------------------------------------------------------- */

static void test_pinned(void **state)
{
	struct umm_page_info before;
	int status = 77;
	s64 pin;

	(void)state;
	build(8 << 20);
	map(ADDR, 1);
	write_to(task, ADDR, 1);
	pin = umm_pin(task, ADDR, PAGE_SIZE);
	assert_true(pin >= 0);
	before = info_of(task, ADDR);
	assert_int_equal(move_flags(ADDR, 1 - node_of(ADDR), MPOL_MF_MOVE, &status), 1);
	assert_int_equal(status, 77);
	assert_int_equal(info_of(task, ADDR).pfn, before.pfn);
	assert_true(info_of(task, ADDR).anon_exclusive);
	assert_true(info_of(task, ADDR).lru);
	assert_int_equal(counter("pgmigrate_fail"), 1);
	verify_clean();
	assert_int_equal(umm_unpin(task, (int)pin), 0);
	move(ADDR);
	finish();
}

static void test_statuses(void **state)
{
	const u64 addrs[] = { ADDR, ADDR + PAGE_SIZE, ADDR + 2 * PAGE_SIZE, ADDR + 0x100000 };
	int status[4] = { 77, 77, 77, 77 };
	int nodes[4];

	(void)state;
	build(8 << 20);
	map(ADDR, 3);
	write_to(task, ADDR, 1);
	(void)read_from(task, ADDR + PAGE_SIZE);
	assert_int_equal(umm_move_pages(task, task, 4, addrs, NULL, status, 0), 0);
	assert_in_range(status[0], 0, 1);
	assert_int_equal(status[1], -EFAULT); /* the zero page */
	assert_int_equal(status[2], -ENOENT);
	assert_int_equal(status[3], -EFAULT);
	for (unsigned i = 0; i < 4; i++)
		nodes[i] = 1 - status[0];
	assert_int_equal(umm_move_pages(task, task, 4, addrs, nodes, status, MPOL_MF_MOVE), 0);
	assert_int_equal(status[0], nodes[0]);
	assert_int_equal(status[1], -EFAULT);
	assert_int_equal(status[2], -ENOENT);
	assert_int_equal(status[3], -EFAULT);
	/* It is there already. */
	assert_int_equal(move_flags(ADDR, nodes[0], 0, status), 0);
	assert_int_equal(status[0], nodes[0]);
	nodes[2] = 2;
	assert_int_equal(umm_move_pages(task, task, 4, addrs, nodes, status, MPOL_MF_MOVE),
			 -ENODEV);
	assert_int_equal(umm_move_pages(task, task, 4, addrs, nodes, status, 1 << 5), -EINVAL);
	assert_int_equal(umm_move_pages(task, NULL, 4, addrs, nodes, status, 0), -ESRCH);
	finish();
}

/* One of three cannot move: the statuses of its batch are not written. */
static void test_failing_batch(void **state)
{
	u64 addrs[4];
	int status[4] = { 77, 77, 77, 77 };
	int nodes[4];
	s64 pin;

	(void)state;
	build(8 << 20);
	map(ADDR, 4);
	for (unsigned i = 0; i < 4; i++) {
		addrs[i] = ADDR + i * PAGE_SIZE;
		write_to(task, addrs[i], i);
		nodes[i] = 1 - node_of(ADDR);
	}
	pin = umm_pin(task, addrs[1], PAGE_SIZE);
	assert_true(pin >= 0);
	assert_int_equal(umm_move_pages(task, task, 4, addrs, nodes, status, MPOL_MF_MOVE), 1);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(status[i], 77);
		assert_int_equal(node_of(addrs[i]), i == 1 ? 1 - nodes[i] : nodes[i]);
		assert_int_equal(read_from(task, addrs[i]), i);
	}
	/* A node that there is not is worse. */
	nodes[2] = 2;
	assert_int_equal(umm_move_pages(task, task, 3, addrs, nodes, status, MPOL_MF_MOVE),
			 -ENODEV);
	assert_int_equal(umm_unpin(task, (int)pin), 0);
	finish();
}

static void test_no_memory(void **state)
{
	struct umm_fail fail = { .site = "migrate_page", .order = 0, .nth = 1 };
	int status = 77;

	(void)state;
	build(8 << 20);
	map(ADDR, 1);
	write_to(task, ADDR, 1);
	assert_int_equal(umm_fail_set(machine, &fail), 0);
	assert_int_equal(move_flags(ADDR, 1 - node_of(ADDR), MPOL_MF_MOVE, &status), -ENOMEM);
	assert_int_equal(umm_fail_set(machine, NULL), 0);
	assert_int_equal(status, 77);
	assert_true(info_of(task, ADDR).lru);
	verify_clean();
	move(ADDR);
	finish();
}

/* ---- while others use it ------------------------------------------------------------------- */

#ifdef UMM_SIM
static struct umm_task *thread, *child;

static void writer(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < 6; i++) {
		u64 old;

		assert_int_equal(umm_fetch_add(thread, ADDR, 8, 1, &old, NULL), 0);
		assert_int_equal(old, i);
	}
}

static void forker(void *arg)
{
	u64 value;

	(void)arg;
	assert_int_equal(umm_fork(task, &child), 0);
	assert_int_equal(umm_load(child, ADDR, 8, &value, NULL), 0);
	assert_in_range(value, 0, 6);
}

static void locker(void *arg)
{
	(void)arg;
	assert_int_equal(umm_mlock(task, ADDR, PAGE_SIZE), 0);
	assert_int_equal(umm_munlock(task, ADDR, PAGE_SIZE), 0);
}

/* Where the page is at any moment; where it is not says so. */
static void mover(void *arg)
{
	const u64 addrs[] = { ADDR, FILE_ADDR };
	struct umm_task *self = arg;

	for (int i = 0; i < 4; i++) {
		int nodes[] = { i & 1, i & 1 }, status[2];

		(void)umm_move_pages(self, self, 2, addrs, nodes, status, MPOL_MF_MOVE_ALL);
	}
}

/* To another vma and back, which walks must not miss. */
static void remapper(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(umm_mremap(task, ADDR, PAGE_SIZE, PAGE_SIZE,
					    MREMAP_MAYMOVE | MREMAP_FIXED, FILE_ADDR),
				 FILE_ADDR);
		assert_int_equal(umm_mremap(task, FILE_ADDR, PAGE_SIZE, PAGE_SIZE,
					    MREMAP_MAYMOVE | MREMAP_FIXED, ADDR),
				 ADDR);
	}
}

static void no_writer(void *arg)
{
	(void)arg;
}

static int shared_fd;

static void truncater(void *arg)
{
	(void)arg;
	assert_int_equal(umm_ftruncate(task, shared_fd, 0), 0);
	assert_int_equal(umm_ftruncate(task, shared_fd, PAGE_SIZE), 0);
}

/* A page of the file, or none where it was cut. */
static void toucher(void *arg)
{
	struct umm_fault fault;

	(void)arg;
	for (unsigned i = 0; i < 4; i++)
		if (umm_store(thread, FILE_ADDR, 8, 3, &fault))
			assert_int_equal(fault.signo, SIGBUS);
}

struct together {
	void (*writer)(void *arg);
	void (*other)(void *arg);
	u64 value; /* at the end */
	bool file;
};

static void map_shared(void)
{
	shared_fd = umm_memfd_create(task, "file", 0);
	assert_true(shared_fd >= 0);
	assert_int_equal(umm_ftruncate(task, shared_fd, PAGE_SIZE), 0);
	assert_int_equal(umm_mmap(task, FILE_ADDR, PAGE_SIZE, RW, MAP_SHARED | MAP_FIXED, shared_fd,
				  0),
			 FILE_ADDR);
	write_to(task, FILE_ADDR, 2);
}

static void run_together(void *arg)
{
	const struct together *together = arg;
	struct umm_task *movers;
	int fibers[3];

	umm_sim_preempt_disable();
	build(1 << 20);
	map(ADDR, 1);
	write_to(task, ADDR, 0);
	if (together->file)
		map_shared();
	assert_int_equal(umm_thread_create(task, &thread), 0);
	assert_int_equal(umm_thread_create(task, &movers), 0);
	umm_sim_preempt_enable();
	fibers[0] = umm_sim_spawn("writer", together->writer, NULL);
	fibers[1] = umm_sim_spawn("mover", mover, movers);
	fibers[2] = umm_sim_spawn("other", together->other, NULL);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(umm_sim_join(fibers[i]), 0);
	assert_int_equal(read_from(task, ADDR), together->value);
	finish();
}

static void run_seeds(struct together together)
{
	for (u64 seed = 0; seed < 150; seed++) {
		assert_int_equal(umm_sim_run(seed, run_together, &together), 0);
		assert_string_equal(umm_sim_report(), "");
	}
}

static void test_with_fork(void **state)
{
	(void)state;
	run_seeds((struct together){ writer, forker, 6, false });
}

static void test_with_mlock(void **state)
{
	(void)state;
	run_seeds((struct together){ writer, locker, 6, false });
}

static void test_with_mremap(void **state)
{
	(void)state;
	run_seeds((struct together){ no_writer, remapper, 0, false });
}

static void test_with_truncate(void **state)
{
	(void)state;
	run_seeds((struct together){ toucher, truncater, 0, true });
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_anonymous),     cmocka_unit_test(test_shared),
		cmocka_unit_test(test_shmem),         cmocka_unit_test(test_regular_file),
		cmocka_unit_test(test_mlocked),       cmocka_unit_test(test_swap_cache),
		cmocka_unit_test(test_pinned),        cmocka_unit_test(test_statuses),
		cmocka_unit_test(test_failing_batch), cmocka_unit_test(test_no_memory),
#ifdef UMM_SIM
		cmocka_unit_test(test_with_mremap),   cmocka_unit_test(test_with_truncate),
		cmocka_unit_test(test_with_fork),     cmocka_unit_test(test_with_mlock),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
