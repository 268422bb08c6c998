/* SPDX-License-Identifier: MIT */
/* Covers: P3 */
/*
 * Swap from the system calls down: pages of processes and of files in memory go out, come back by
 * faults and by swapoff, with all that can fail on the way. Pages go out one at a time by hand, as
 * reclaim does it.
 */
#include "machine/bug_test.h"

#include <stdlib.h>

#include "base/uapi.h"
#include "phys/alloc.h"
#include "phys/lru.h"
#include "rmap/rmap.h"
#include "shmem/shmem.h"
#include "vma/task.h"

#define PAGE 4096ull
#define RW (PROT_READ | PROT_WRITE)
#define A 0x3f00000000ull /* user space on every architecture */
#define B 0x3f10000000ull
#define PAGES 8

static struct umm_machine *machine;
static struct machine *m;
static struct umm_task *task;

static void build(u64 swap_pages)
{
	struct umm_config config;

	umm_config_init(&config);
	config.ram_bytes = 2 << 20;
	config.poison = true;
	config.page_cluster = 0;
	assert_int_equal(umm_machine_create(&config, &machine), 0);
	m = (struct machine *)machine;
	assert_int_equal(umm_process_create(machine, &task), 0);
	if (swap_pages)
		assert_int_equal(umm_swap_create(machine, swap_pages, -1), 0);
}

static void verify(void)
{
	char text[4096];

	if (umm_verify(machine, text, sizeof(text)))
		fail_msg("%s", text);
}

static void finish(void)
{
	verify();
	umm_task_exit(task);
	verify();
	assert_int_equal(swap_free_pages(m), swap_total_pages(m));
	umm_machine_destroy(machine);
}

static void map_anon(struct umm_task *who, u64 addr, u64 pages)
{
	assert_int_equal(umm_mmap(who, addr, pages * PAGE, RW,
				  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
			 addr);
}

static int map_memfd(struct umm_task *who, u64 addr, u64 pages)
{
	int fd = umm_memfd_create(who, "x", 0);

	assert_true(fd >= 0);
	assert_int_equal(umm_ftruncate(who, fd, (s64)(pages * PAGE)), 0);
	assert_int_equal(umm_mmap(who, addr, pages * PAGE, RW, MAP_SHARED | MAP_FIXED, fd, 0),
			 addr);
	return fd;
}

static void put_word(struct umm_task *who, u64 addr, u64 value)
{
	assert_int_equal(umm_store(who, addr, 8, value, NULL), 0);
}

static u64 get_word(struct umm_task *who, u64 addr)
{
	u64 value = ~0ull;

	assert_int_equal(umm_load(who, addr, 8, &value, NULL), 0);
	return value;
}

static int load_signal(struct umm_task *who, u64 addr)
{
	struct umm_fault fault;
	u64 value;

	return umm_load(who, addr, 8, &value, &fault) ? fault.signo : 0;
}

static struct umm_page_info info_of(struct umm_task *who, u64 addr)
{
	struct umm_page_info info;

	assert_int_equal(umm_page_info(who, addr, &info), 0);
	return info;
}

/* ---- reclaim by hand ------------------------------------------------------------------ */

/* A locked page that nobody maps any more: out, if it is dirty. */
static int write_unmapped(struct page *page)
{
	if (page_mapcount(page))
		return -EBUSY;
	if (!page_test_anon(page) && !page_test_swapcache(page))
		return shmem_writeout(page);
	return page_test_dirty(page) ? swap_writeout(page) : 0;
}

static int out_locked(struct page *page)
{
	if (page_test_anon(page) && page_test_swapbacked(page) && !page_test_swapcache(page) &&
	    add_to_swap(page))
		return -ENOMEM;
	if (page_mapcount(page))
		try_to_unmap(page, 0);
	return write_unmapped(page);
}

/*
 * The page of a frame goes to swap, if there is one that can. Isolated first: that is what makes
 * it ours to look at.
 */
static int out_frame(pfn_t pfn)
{
	struct page *page = pfn_to_page(m, pfn);
	bool gone = false;
	int err;

	if (page_test_table(page) || !atomic_inc_not_zero(&page->refcount))
		return -ENOENT;
	if (!lru_isolate(page)) {
		put_page(page);
		return -ENOENT;
	}
	page_lock(page);
	err = READ_ONCE(page->mapping) || page_test_swapcache(page) ? out_locked(page) : -ENOENT;
	if (!err)
		gone = page_test_swapcache(page) && swap_cache_take_unused(page);
	page_unlock(page);
	if (gone) {
		free_zero_ref_page(page);
		return 0;
	}
	lru_putback(page);
	put_page(page);
	return err;
}

static void page_out(struct umm_task *who, u64 addr)
{
	struct umm_page_info info = info_of(who, addr);

	assert_string_equal(info.state, "present");
	lru_add_drain_all(m);
	assert_int_equal(out_frame(pfn_of(info.pfn)), 0);
}

/* ---- anonymous memory ----------------------------------------------------------------- */

static void a_page_goes_and_comes_back(void **state)
{
	struct umm_page_info info;

	(void)state;
	build(PAGES);
	map_anon(task, A, 1);
	put_word(task, A, 42);
	page_out(task, A);
	info = info_of(task, A);
	assert_string_equal(info.state, "swap");
	assert_int_equal(info.swap_count, 1);
	verify();
	assert_int_equal(get_word(task, A), 42);
	info = info_of(task, A);
	assert_true(info.anon && info.anon_exclusive);
	verify();
	/* Out again: it is clean, and has its slot still. */
	page_out(task, A);
	put_word(task, A, 43);
	assert_int_equal(get_word(task, A), 43);
	/* Written: the slot is of no use. */
	assert_int_equal(swap_free_pages(m), PAGES);
	page_out(task, A);
	assert_int_equal(umm_munmap(task, A, PAGE), 0);
	assert_int_equal(swap_free_pages(m), PAGES);
	finish();
}

static void forked_pages_share_a_slot(void **state)
{
	struct umm_task *child;

	(void)state;
	build(PAGES);
	map_anon(task, A, 2);
	put_word(task, A, 1);
	put_word(task, A + PAGE, 2);
	page_out(task, A);
	assert_int_equal(umm_fork(task, &child), 0);
	page_out(task, A + PAGE);
	assert_int_equal(info_of(child, A).swap_count, 2);
	assert_int_equal(info_of(child, A + PAGE).swap_count, 2);
	assert_int_equal(swap_free_pages(m), PAGES - 2);
	verify();
	put_word(child, A, 11);
	assert_int_equal(get_word(task, A), 1);
	assert_int_equal(get_word(child, A + PAGE), 2);
	put_word(task, A + PAGE, 12);
	assert_int_equal(get_word(child, A + PAGE), 2);
	assert_int_equal(get_word(child, A), 11);
	verify();
	umm_task_exit(child);
	assert_int_equal(get_word(task, A), 1);
	assert_int_equal(get_word(task, A + PAGE), 12);
	finish();
}

static void what_cannot_be_read_is_a_signal(void **state)
{
	struct umm_fail fail = { .site = "swap_read", .order = -1, .nth = 1 };

	(void)state;
	build(PAGES);
	map_anon(task, A, 2);
	map_memfd(task, B, 1);
	put_word(task, A, 1);
	put_word(task, A + PAGE, 2);
	put_word(task, B, 3);
	page_out(task, A);
	page_out(task, A + PAGE);
	page_out(task, B);
	assert_int_equal(umm_fail_set(machine, &fail), 0);
	assert_int_equal(load_signal(task, A), SIGBUS);
	verify();
	assert_int_equal(get_word(task, A + PAGE), 2);
	assert_int_equal(umm_fail_set(machine, &fail), 0);
	assert_int_equal(load_signal(task, B), SIGBUS);
	assert_int_equal(load_signal(task, B), SIGBUS);
	verify();
	/* swapoff poisons what it cannot read, and succeeds. */
	assert_int_equal(umm_swapoff_area(machine, 0), 0);
	verify();
	assert_int_equal(load_signal(task, A), SIGBUS);
	assert_int_equal(get_word(task, A + PAGE), 2);
	/* Until nobody wants it any more. */
	assert_int_equal(umm_madvise(task, A, PAGE, MADV_FREE), 0);
	assert_int_equal(get_word(task, A), 0);
	finish();
}

/* ---- swapoff -------------------------------------------------------------------------- */

/* Everything that can be in swap, in two processes. */
static struct umm_task *fill(void)
{
	struct umm_task *child;

	map_anon(task, A, PAGES);
	(void)map_memfd(task, B, PAGES);
	for (u64 i = 0; i < PAGES; i++) {
		put_word(task, A + i * PAGE, 100 + i);
		put_word(task, B + i * PAGE, 200 + i);
	}
	for (u64 i = 0; i < PAGES; i += 2)
		page_out(task, A + i * PAGE);
	assert_int_equal(umm_fork(task, &child), 0);
	for (u64 i = 1; i < PAGES; i += 4)
		page_out(task, A + i * PAGE);
	for (u64 i = 0; i < PAGES; i++)
		if (i % 3)
			page_out(task, B + i * PAGE);
	/* Cached as well, and mapped. */
	assert_int_equal(get_word(child, A + 2 * PAGE), 102);
	verify();
	return child;
}

static void expect_filled(struct umm_task *who)
{
	for (u64 i = 0; i < PAGES; i++) {
		assert_int_equal(get_word(who, A + i * PAGE), 100 + i);
		assert_int_equal(get_word(who, B + i * PAGE), 200 + i);
	}
}

static void swapoff_brings_everything_home(void **state)
{
	struct umm_task *child;

	(void)state;
	build(4 * PAGES);
	child = fill();
	assert_int_equal(umm_swapoff_area(machine, 0), 0);
	verify();
	for (u64 i = 0; i < PAGES; i++)
		assert_string_equal(info_of(task, A + i * PAGE).state, "present");
	assert_int_equal(umm_swapoff_area(machine, 0), -EINVAL);
	assert_int_equal(umm_swapoff_area(machine, -1), -EINVAL);
	expect_filled(task);
	expect_filled(child);
	umm_task_exit(child);
	finish();
}

static void swapoff_fails_and_is_tried_again(void **state)
{
	struct umm_task *child;

	(void)state;
	build(4 * PAGES);
	child = fill();
	for (u64 nth = 1;; nth++) {
		struct umm_fail fail = { .site = "swapin_page", .order = -1, .nth = nth };
		int err;

		assert_int_equal(umm_fail_set(machine, &fail), 0);
		err = umm_swapoff_area(machine, 0);
		assert_int_equal(umm_fail_set(machine, NULL), 0);
		verify();
		if (!err)
			break;
		assert_int_equal(err, -ENOMEM);
		assert_int_equal(swap_total_pages(m), 4 * PAGES);
	}
	expect_filled(child);
	expect_filled(task);
	umm_task_exit(child);
	finish();
}

static void swapoff_moves_nothing_to_another_area(void **state)
{
	struct umm_task *child;

	(void)state;
	build(4 * PAGES);
	child = fill();
	assert_int_equal(umm_swap_create(machine, PAGES, 9), 1);
	assert_int_equal(umm_swapoff_area(machine, 0), 0);
	assert_int_equal(swap_free_pages(m), PAGES);
	verify();
	expect_filled(child);
	expect_filled(task);
	umm_task_exit(child);
	finish();
}

/* ---- with everything failing once ----------------------------------------------------- */

/* A process with pages in swap forks, writes in both, and the child ends. May fail anywhere. */
static void walk_through(void)
{
	struct umm_task *child;
	struct umm_fault fault;

	if (umm_fork(task, &child))
		return;
	for (u64 i = 0; i < PAGES; i++) {
		(void)umm_store(child, A + i * PAGE, 8, i, &fault);
		(void)umm_store(task, A + i * PAGE + 8, 8, i, &fault);
		(void)umm_store(child, B + i * PAGE + 8, 8, i, &fault);
	}
	umm_task_exit(child);
}

static void nothing_is_lost_when_something_fails(void **state)
{
	(void)state;
	for (u64 nth = 1;; nth++) {
		struct umm_fail fail = { .order = -1, .nth = nth };
		u64 seen, failed;

		build(4 * PAGES);
		umm_task_exit(fill());
		assert_int_equal(umm_fail_set(machine, &fail), 0);
		walk_through();
		umm_fail_stats(machine, &seen, &failed);
		assert_int_equal(umm_fail_set(machine, NULL), 0);
		verify();
		/* What could not be read is lost, and nothing else. */
		for (u64 i = 0; i < PAGES; i++) {
			u64 value;

			if (!umm_load(task, A + i * PAGE, 8, &value, NULL))
				assert_int_equal(value, 100 + i);
			if (!umm_load(task, B + i * PAGE, 8, &value, NULL))
				assert_int_equal(value, 200 + i);
		}
		assert_int_equal(umm_swapoff_area(machine, 0), 0);
		finish();
		if (!failed)
			break;
	}
}

/* ---- against a naive model ------------------------------------------------------------ */

#define MODEL_TASKS 3

enum op { OP_WRITE, OP_READ, OP_OUT, OP_FORK, OP_EXIT, OP_SWAPOFF, OP_DONTNEED, OP_PUNCH, NR_OPS };

struct model {
	struct prng rng;
	u32 off;
	struct umm_task *tasks[MODEL_TASKS]; /* the first is the parent of all */
	u64 anon[MODEL_TASKS][PAGES];
	u64 file[PAGES];
	u64 next;
	int area;
};

static void model_write(struct model *model, u32 who, u64 page)
{
	u64 value = ++model->next;

	if (prng_below(&model->rng, 2)) {
		put_word(model->tasks[who], A + page * PAGE, value);
		model->anon[who][page] = value;
	} else {
		put_word(model->tasks[who], B + page * PAGE, value);
		model->file[page] = value;
	}
}

static void model_compare(struct model *model, u32 who, u64 page)
{
	assert_int_equal(get_word(model->tasks[who], A + page * PAGE), model->anon[who][page]);
	assert_int_equal(get_word(model->tasks[who], B + page * PAGE), model->file[page]);
}

static void model_fork(struct model *model, u32 who)
{
	for (u32 i = 0; i < MODEL_TASKS; i++) {
		if (model->tasks[i])
			continue;
		assert_int_equal(umm_fork(model->tasks[who], &model->tasks[i]), 0);
		memcpy(model->anon[i], model->anon[who], sizeof(model->anon[i]));
		return;
	}
}

static void model_dontneed(struct model *model, u32 who, u64 page)
{
	assert_int_equal(umm_madvise(model->tasks[who], A + page * PAGE, PAGE, MADV_DONTNEED), 0);
	model->anon[who][page] = 0;
}

static void model_out(struct model *model)
{
	lru_add_drain_all(m);
	for (pfn_t pfn = pfn_of(1); phys_next_used(m, pfn, &pfn); pfn.n++)
		if (!page_test_table(pfn_to_page(m, pfn)) && !prng_below(&model->rng, 4))
			(void)out_frame(pfn);
}

static void model_step(struct model *model)
{
	enum op op = (enum op)prng_below(&model->rng, NR_OPS);
	u32 who = (u32)prng_below(&model->rng, MODEL_TASKS);
	u64 page = prng_below(&model->rng, PAGES);

	if ((model->off & BIT(op)) || !model->tasks[who])
		return;
	if (op == OP_WRITE) {
		model_write(model, who, page);
	} else if (op == OP_READ) {
		model_compare(model, who, page);
	} else if (op == OP_OUT) {
		model_out(model);
	} else if (op == OP_FORK) {
		model_fork(model, who);
	} else if (op == OP_EXIT && who) {
		umm_task_exit(model->tasks[who]);
		model->tasks[who] = NULL;
	} else if (op == OP_SWAPOFF) {
		assert_int_equal(umm_swapoff_area(machine, model->area), 0);
		model->area = umm_swap_create(machine, 3 * PAGES, -1);
		assert_true(model->area >= 0);
	} else if (op == OP_DONTNEED) {
		model_dontneed(model, who, page);
	} else if (op == OP_PUNCH) {
		assert_int_equal(umm_madvise(model->tasks[who], B + page * PAGE, PAGE, MADV_REMOVE),
				 0);
		model->file[page] = 0;
	}
}

static void model_run(u64 seed)
{
	static struct model model;

	memset(&model, 0, sizeof(model));
	prng_seed(&model.rng, seed);
	model.off =
		(u32)prng_below(&model.rng, 1u << NR_OPS) & (u32) ~(BIT(OP_WRITE) | BIT(OP_OUT));
	build(3 * PAGES);
	model.tasks[0] = task;
	map_anon(task, A, PAGES);
	(void)map_memfd(task, B, PAGES);
	for (int step = 0; step < 150; step++) {
		model_step(&model);
		verify();
	}
	for (u32 i = MODEL_TASKS; i-- > 0;) {
		for (u64 page = 0; model.tasks[i] && page < PAGES; page++)
			model_compare(&model, i, page);
		if (i && model.tasks[i])
			umm_task_exit(model.tasks[i]);
	}
	finish();
}

static void processes_against_a_model(void **state)
{
	(void)state;
	for (u64 seed = 1; seed <= 40; seed++)
		model_run(seed);
}

/* ---- the calls themselves ------------------------------------------------------------- */

static void arguments_and_what_proc_says(void **state)
{
	static const char want[] =
		"Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"
		"[memory:0]                              file\t\t32\t\t4\t\t-2\n"
		"[memory:1]                              file\t\t40000\t\t0\t\t7\n";
	char text[1024];

	(void)state;
	build(PAGES);
	map_anon(task, A, 1);
	put_word(task, A, 42);
	page_out(task, A);
	assert_int_equal(umm_swap_create(machine, 0, -1), -EINVAL);
	assert_int_equal(umm_swap_create(machine, 1, -2), -EINVAL);
	assert_int_equal(umm_swap_create(machine, 1, 32768), -EINVAL);
	assert_int_equal(umm_swap_create(machine, 10000, 7), 1);
	assert_int_equal(umm_swapon(machine, "/", 0), -EISDIR);
	assert_int_equal(umm_swapon(machine, "/no/such/file", 0), -ENOENT);
	assert_int_equal(umm_swapon(machine, "/no/such/file", 0x100000), -EINVAL);
	assert_int_equal(umm_swapoff(machine, "/no/such/file"), -ENOENT);
	assert_int_equal(umm_proc_swaps(machine, text, sizeof(text)), sizeof(want) - 1);
	assert_string_equal(text, want);
	assert_int_equal(umm_proc_swaps(machine, NULL, 0), sizeof(want) - 1);
	finish();
}

static void a_snapshot_holds_what_is_in_swap(void **state)
{
	struct umm_snapshot *snapshot;

	(void)state;
	build(PAGES);
	map_anon(task, A, PAGES);
	put_word(task, A, 42);
	page_out(task, A);
	assert_int_equal(umm_snapshot_take(machine, &snapshot), 0);
	assert_int_equal(umm_swapoff_area(machine, 0), 0);
	assert_int_equal(umm_swap_create(machine, PAGES, -1), 0);
	for (u64 i = 0; i < PAGES; i++) {
		put_word(task, A + i * PAGE, i);
		page_out(task, A + i * PAGE);
	}
	umm_snapshot_restore(machine, snapshot);
	umm_snapshot_free(snapshot);
	verify();
	assert_int_equal(get_word(task, A), 42);
	finish();
}

/* ---- all at once ---------------------------------------------------------------------- */

#ifdef UMM_SIM
#define NR_FIBERS 5

static struct umm_task *threads[NR_FIBERS];
static u64 race_seed;

/* Each byte of the file is what was written to it or zero: punched, or cut. */
static void race_access(struct prng *rng)
{
	for (int i = 0; i < 6; i++) {
		u64 page = prng_below(rng, PAGES);
		struct umm_fault fault;
		u64 value = 0;
		int err;

		assert_int_equal(get_word(threads[0], A + page * PAGE), 100 + page);
		if (prng_below(rng, 2))
			put_word(threads[0], A + page * PAGE, 100 + page);
		err = umm_load(threads[0], B + page * PAGE, 8, &value, &fault);
		if (err)
			assert_int_equal(fault.signo, SIGBUS);
		else
			assert_true(!value || value == 200 + page);
	}
}

static void race_write(struct prng *rng)
{
	for (int i = 0; i < 6; i++) {
		u64 page = prng_below(rng, PAGES);
		struct umm_fault fault;

		(void)umm_store(threads[1], B + page * PAGE, 8, 200 + page, &fault);
	}
}

static void race_cut(struct prng *rng)
{
	for (int i = 0; i < 4; i++) {
		u64 page = prng_below(rng, PAGES);

		if (prng_below(rng, 2)) {
			assert_int_equal(
				umm_madvise(threads[2], B + page * PAGE, PAGE, MADV_REMOVE), 0);
			continue;
		}
		assert_int_equal(umm_ftruncate(threads[2], 3, (s64)(page * PAGE)), 0);
		assert_int_equal(umm_ftruncate(threads[2], 3, (s64)(PAGES * PAGE)), 0);
	}
}

static void race_out(struct prng *rng)
{
	for (int i = 0; i < 2; i++) {
		lru_add_drain_all(m);
		for (pfn_t pfn = pfn_of(1); pfn.n < m->nr_pages; pfn.n++)
			if ((sync_peek(&pfn_to_page(m, pfn)->flags) & BIT(PG_lru)) &&
			    prng_below(rng, 3))
				(void)out_frame(pfn);
	}
}

static void race_swapoff(struct prng *rng)
{
	(void)rng;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(umm_swapoff_area(machine, 0), 0);
		assert_int_equal(umm_swap_create(machine, 3 * PAGES, -1), 0);
	}
}

static void race_fiber(void *arg)
{
	static void (*const acts[NR_FIBERS])(struct prng *) = {
		race_access, race_write, race_cut, race_out, race_swapoff,
	};
	u64 self = (u64)(uintptr_t)arg;
	struct prng rng;

	prng_seed(&rng, race_seed * NR_FIBERS + self);
	acts[self](&rng);
}

static void race_main(void *arg)
{
	int fibers[NR_FIBERS];

	for (u64 i = 0; i < NR_FIBERS; i++) {
		fibers[i] = umm_sim_spawn("race", race_fiber, (void *)(uintptr_t)i);
		assert_true(fibers[i] > 0);
	}
	for (u64 i = 0; i < NR_FIBERS; i++)
		umm_sim_join(fibers[i]);
	(void)arg;
}

static void everything_at_once(void **state)
{
	const char *more = getenv("USERMM_RACE_SEEDS");
	u64 seeds = more ? strtoull(more, NULL, 10) : 60;

	(void)state;
	for (race_seed = 1; race_seed <= seeds; race_seed++) {
		build(3 * PAGES);
		m->config.page_cluster = race_seed % 2;
		map_anon(task, A, PAGES);
		assert_int_equal(map_memfd(task, B, PAGES), 3);
		for (u64 i = 0; i < PAGES; i++) {
			put_word(task, A + i * PAGE, 100 + i);
			put_word(task, B + i * PAGE, 200 + i);
		}
		threads[0] = task;
		for (u64 i = 1; i < NR_FIBERS; i++)
			assert_int_equal(umm_thread_create(task, &threads[i]), 0);
		if (umm_sim_run(race_seed, race_main, NULL))
			fail_msg("seed %llu: %s", (unsigned long long)race_seed, umm_sim_report());
		for (u64 i = 1; i < NR_FIBERS; i++)
			umm_task_exit(threads[i]);
		for (u64 i = 0; i < PAGES; i++)
			assert_int_equal(get_word(task, A + i * PAGE), 100 + i);
		/* A slot whose page was locked when its last entry went is left for this. */
		assert_int_equal(umm_swapoff_area(machine, 0), 0);
		finish();
	}
}
#endif

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_page_goes_and_comes_back),
		cmocka_unit_test(forked_pages_share_a_slot),
		cmocka_unit_test(what_cannot_be_read_is_a_signal),
		cmocka_unit_test(swapoff_brings_everything_home),
		cmocka_unit_test(swapoff_fails_and_is_tried_again),
		cmocka_unit_test(swapoff_moves_nothing_to_another_area),
		cmocka_unit_test(nothing_is_lost_when_something_fails),
		cmocka_unit_test(processes_against_a_model),
		cmocka_unit_test(arguments_and_what_proc_says),
		cmocka_unit_test(a_snapshot_holds_what_is_in_swap),
#ifdef UMM_SIM
		cmocka_unit_test(everything_at_once),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
