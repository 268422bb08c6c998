/* SPDX-License-Identifier: MIT */
/* Covers: P3 */
#include "machine/bug_test.h"

#include <stdlib.h>

#include "phys/group.h"
#include "phys/lru.h"
#include "shmem/shmem_internal.h"

#define PAGES 24
#define BYTES (PAGES * PAGE_SIZE)

static struct umm_machine *machine;
static struct machine *m;
static struct umm_task *task;
static struct file *file;
static struct inode *inode;

static void build_with(u64 ram_pages, u64 swap_pages, u32 overcommit)
{
	struct umm_config config;

	umm_config_init(&config);
	config.ram_bytes = ram_pages * PAGE_SIZE;
	config.poison = true;
	config.page_cluster = 1;
	config.overcommit = overcommit;
	assert_int_equal(umm_machine_create(&config, &machine), 0);
	m = (struct machine *)machine;
	assert_int_equal(umm_process_create(machine, &task), 0);
	sync_set_current((struct task *)task);
	if (swap_pages)
		assert_true(umm_swap_create(machine, swap_pages, -1) >= 0);
	assert_int_equal(shmem_file_setup(m, "/memfd:test", 0, VM_NORESERVE, &file), 0);
	inode = file->inode;
	inode->seals = 0;
}

static void build(u64 swap_pages)
{
	build_with(512, swap_pages, 0);
}

/* The file is in nobody's table of descriptors, so that verify() would not find it used. */
static void verify(void)
{
	assert_int_equal(inode->mapping.nr_pages, inode->alloced - inode->swapped);
}

static void finish(void)
{
	char text[2048];

	fput(file);
	sync_set_current(NULL);
	umm_task_exit(task);
	if (umm_verify(machine, text, sizeof(text)))
		fail_msg("%s", text);
	assert_int_equal(m->committed_pages.v, 0);
	umm_machine_destroy(machine);
}

static int set_size(u64 size)
{
	int err;

	down_write(&inode->rwsem);
	err = shmem_inode_ops.set_size(inode, size);
	up_write(&inode->rwsem);
	return err;
}

static void expect_byte(u64 offset, u8 want)
{
	u8 byte = 0xee;

	assert_int_equal(generic_file_read(file, &byte, 1, offset), 1);
	assert_int_equal(byte, want);
}

static void put_byte(u64 offset, u8 byte)
{
	assert_int_equal(generic_file_write(file, &byte, 1, offset), 1);
}

/* What reclaim does with a page, or tries: 0, or why not. */
static int page_out(pgoff_t index, bool drop)
{
	struct page *page = filemap_lock_page(&inode->mapping, index, NULL);
	int err;

	if (!page)
		return -ENOENT;
	err = shmem_writeout(page);
	if (!err && drop && page_count(page) == 2 && swap_cache_take_unused(page)) {
		page_unlock(page);
		free_zero_ref_page(page);
		return 0;
	}
	page_unlock(page);
	put_page(page);
	return err;
}

static bool in_cache(pgoff_t index, u64 *ret_value)
{
	struct page *page;

	*ret_value = 0;
	page = filemap_get_page(&inode->mapping, index, ret_value);
	if (page)
		put_page(page);
	return page;
}

/* ---- pages ---------------------------------------------------------------------------- */

static void holes_read_as_zeros(void **state)
{
	struct page *page = NULL;

	(void)state;
	build(0);
	assert_int_equal(set_size(BYTES), 0);
	expect_byte(5, 0);
	assert_int_equal(inode->alloced, 0);
	assert_int_equal(shmem_get_page(inode, 1, SGP_NOALLOC, 0, &page), -ENOENT);
	assert_int_equal(shmem_get_page(inode, 1, SGP_READ, 0, &page), 0);
	assert_null(page);
	assert_int_equal(shmem_get_page(inode, PAGES, SGP_CACHE, 0, &page), -EINVAL);
	assert_int_equal(shmem_get_page(inode, PAGES, SGP_READ, 0, &page), -EINVAL);
	assert_int_equal(shmem_get_page(inode, ~0ull >> 12, SGP_WRITE, 0, &page), -EFBIG);
	assert_int_equal(shmem_get_page(inode, 1, SGP_CACHE, 0, &page), 0);
	assert_true(page_test_locked(page) && page_test_uptodate(page));
	assert_true(page_test_swapbacked(page) && !page_test_dirty(page));
	assert_int_equal(page_count(page), 2);
	page_unlock(page);
	put_page(page);
	assert_int_equal(inode->alloced, 1);
	assert_string_equal(inode->name, "/memfd:test (deleted)");
	verify();
	finish();
}

static void allocated_ahead_is_not_touched(void **state)
{
	struct page *page;

	(void)state;
	build(0);
	assert_int_equal(shmem_fallocate(inode, FALLOC_FL_KEEP_SIZE, PAGE_SIZE, 3 * PAGE_SIZE), 0);
	assert_int_equal(inode->size, 0);
	assert_int_equal(inode->alloced, 3);
	assert_int_equal(shmem_fallocate(inode, 0, 0, 3 * PAGE_SIZE - 1), 0);
	assert_int_equal(inode->size, 3 * PAGE_SIZE - 1);
	assert_int_equal(inode->alloced, 4);
	page = filemap_get_page(&inode->mapping, 0, NULL);
	assert_true(!page_test_uptodate(page) && page_test_dirty(page));
	put_page(page);
	expect_byte(0, 0);
	assert_int_equal(shmem_get_page(inode, 0, SGP_CACHE, 0, &page), 0);
	assert_true(page_test_uptodate(page));
	page_unlock(page);
	put_page(page);
	/* What lies beyond the size goes even when the size stays. */
	assert_int_equal(set_size(3 * PAGE_SIZE - 1), 0);
	assert_int_equal(inode->alloced, 3);
	verify();
	finish();
}

static void fallocate_that_fails_leaves_nothing(void **state)
{
	(void)state;
	build(0);
	put_byte(2 * PAGE_SIZE, 7);
	for (u64 nth = 1;; nth++) {
		struct umm_fail fail = { .site = "shmem_page", .order = -1, .nth = nth };
		int err;

		assert_int_equal(umm_fail_set(machine, &fail), 0);
		err = shmem_fallocate(inode, 0, 0, 6 * PAGE_SIZE);
		verify();
		if (!err)
			break;
		assert_int_equal(err, -ENOMEM);
		assert_int_equal(inode->alloced, 1);
		assert_int_equal(inode->size, 2 * PAGE_SIZE + 1);
	}
	assert_int_equal(inode->alloced, 6);
	expect_byte(2 * PAGE_SIZE, 7);
	finish();
}

static void truncation_zeroes_what_is_left_of_a_page(void **state)
{
	(void)state;
	build(0);
	for (u64 i = 0; i < PAGES; i++) {
		put_byte(i * PAGE_SIZE, 1);
		put_byte(i * PAGE_SIZE + 100, 2);
	}
	assert_int_equal(set_size(5 * PAGE_SIZE + 50), 0);
	assert_int_equal(inode->alloced, 6);
	assert_int_equal(set_size(BYTES), 0);
	expect_byte(5 * PAGE_SIZE, 1);
	expect_byte(5 * PAGE_SIZE + 100, 0);
	expect_byte(6 * PAGE_SIZE, 0);
	assert_int_equal(shmem_fallocate(inode, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
					 PAGE_SIZE + 50, 2 * PAGE_SIZE + 50),
			 0);
	expect_byte(PAGE_SIZE, 1);
	expect_byte(PAGE_SIZE + 100, 0);
	expect_byte(2 * PAGE_SIZE, 0);
	expect_byte(3 * PAGE_SIZE, 0);
	expect_byte(3 * PAGE_SIZE + 100, 2);
	assert_int_equal(inode->alloced, 5);
	/* Within one page. */
	assert_int_equal(
		shmem_fallocate(inode, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 50, 100), 0);
	expect_byte(0, 1);
	expect_byte(100, 0);
	assert_int_equal(inode->alloced, 5);
	verify();
	finish();
}

/* ---- promised memory ------------------------------------------------------------------ */

static void memory_is_promised(void **state)
{
	struct file *shared;
	struct page *page;

	(void)state;
	build_with(512, 0, 2);
	/* By the page. */
	assert_int_equal(m->committed_pages.v, 0);
	put_byte(0, 1);
	put_byte(5 * PAGE_SIZE, 1);
	assert_int_equal(m->committed_pages.v, 2);
	/* At once. */
	assert_int_equal(shmem_file_setup(m, "dev/zero", 10 * PAGE_SIZE + 1, 0, &shared), 0);
	assert_int_equal(m->committed_pages.v, 13);
	assert_int_equal(shmem_get_page(shared->inode, 0, SGP_CACHE, 0, &page), 0);
	page_unlock(page);
	put_page(page);
	assert_int_equal(m->committed_pages.v, 13);
	fput(shared);
	assert_int_equal(m->committed_pages.v, 2);
	assert_int_equal(shmem_file_setup(m, "dev/zero", 1000 * PAGE_SIZE, 0, &shared), -ENOMEM);
	assert_int_equal(shmem_file_setup(m, "dev/zero", ~0ull, 0, &shared), -EINVAL);
	assert_int_equal(m->committed_pages.v, 2);
	assert_int_equal(set_size(BYTES * 100), 0);
	for (pgoff_t i = 0;; i++) {
		int err = shmem_get_page(inode, i, SGP_CACHE, 0, &page);

		if (err) {
			assert_int_equal(err, -ENOSPC);
			break;
		}
		page_unlock(page);
		put_page(page);
	}
	assert_int_equal(set_size(0), 0);
	assert_int_equal(m->committed_pages.v, 0);
	finish();
}

/* A clean page that reclaim drops is counted out when the counts are looked at. */
static void a_clean_page_may_go(void **state)
{
	struct page *page;

	(void)state;
	build(0);
	assert_int_equal(set_size(BYTES), 0);
	assert_int_equal(shmem_get_page(inode, 3, SGP_CACHE, 0, &page), 0);
	filemap_remove_page(page, 0);
	page_unlock(page);
	put_page(page);
	put_page(page);
	assert_int_equal(inode->alloced, 1);
	shmem_recalc_inode(inode);
	assert_int_equal(inode->alloced, 0);
	assert_int_equal(m->committed_pages.v, 0);
	finish();
}

/* ---- seals ---------------------------------------------------------------------------- */

static void seals_forbid(void **state)
{
	struct page *page;

	(void)state;
	build(0);
	put_byte(BYTES - 1, 3);
	assert_int_equal(shmem_add_seals(file, 0x40), -EINVAL);
	file->mode = FMODE_READ;
	assert_int_equal(shmem_add_seals(file, F_SEAL_GROW), -EPERM);
	file->mode = FMODE_READ | FMODE_WRITE;
	assert_int_equal(shmem_add_seals(file, F_SEAL_GROW), 0);
	assert_int_equal(set_size(BYTES + 1), -EPERM);
	assert_int_equal(generic_file_write(file, "x", 1, BYTES), -EPERM);
	assert_int_equal(shmem_fallocate(inode, 0, BYTES, PAGE_SIZE), -EPERM);
	assert_int_equal(shmem_fallocate(inode, FALLOC_FL_KEEP_SIZE, BYTES, PAGE_SIZE), -EPERM);
	assert_int_equal(set_size(BYTES - 1), 0);
	assert_int_equal(shmem_add_seals(file, F_SEAL_SHRINK), 0);
	assert_int_equal(set_size(BYTES - 2), -EPERM);
	assert_int_equal(set_size(BYTES - 1), 0);
	/* Writing: not while somebody may. */
	atomic_inc(&inode->mapping.i_mmap_writable);
	assert_int_equal(shmem_add_seals(file, F_SEAL_WRITE), -EBUSY);
	assert_int_equal(shmem_add_seals(file, F_SEAL_EXEC), -EBUSY);
	atomic_dec(&inode->mapping.i_mmap_writable);
	page = filemap_get_page(&inode->mapping, PAGES - 1, NULL);
	assert_int_equal(shmem_add_seals(file, F_SEAL_WRITE), -EBUSY);
	put_page(page);
	assert_int_equal(atomic_read(&inode->mapping.i_mmap_writable), 0);
	assert_int_equal(shmem_get_seals(file), F_SEAL_GROW | F_SEAL_SHRINK);
	assert_int_equal(shmem_add_seals(file, F_SEAL_FUTURE_WRITE), 0);
	assert_int_equal(generic_file_write(file, "x", 1, 0), -EPERM);
	assert_int_equal(shmem_fallocate(inode, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
					 PAGE_SIZE),
			 -EPERM);
	assert_int_equal(shmem_add_seals(file, F_SEAL_EXEC), 0);
	assert_int_equal(shmem_get_seals(file), 0x3e);
	assert_int_equal(shmem_add_seals(file, F_SEAL_SEAL), 0);
	assert_int_equal(shmem_add_seals(file, F_SEAL_SEAL), -EPERM);
	finish();
}

/* ---- swap ----------------------------------------------------------------------------- */

static void a_page_goes_to_swap_and_comes_back(void **state)
{
	u64 value;

	(void)state;
	build(PAGES);
	put_byte(100, 42);
	assert_int_equal(page_out(0, true), 0);
	assert_false(in_cache(0, &value));
	assert_true(value != 0);
	assert_int_equal(inode->swapped, 1);
	assert_int_equal(inode->alloced, 1);
	assert_int_equal(shmem_partial_swap_usage(&inode->mapping, 0, 5), 1);
	assert_int_equal(swap_count(m, value_to_swp(value)), 1);
	verify();
	expect_byte(100, 42);
	assert_true(in_cache(0, &value));
	assert_int_equal(inode->swapped, 0);
	assert_int_equal(swap_free_pages(m), PAGES);
	/* Still in the swap cache when it is wanted back. */
	assert_int_equal(page_out(0, false), 0);
	assert_int_equal(page_out(0, false), -ENOENT);
	expect_byte(100, 42);
	assert_int_equal(swap_free_pages(m), PAGES);
	verify();
	finish();
}

static void truncation_frees_slots(void **state)
{
	(void)state;
	build(PAGES);
	for (u64 i = 0; i < PAGES; i++)
		put_byte(i * PAGE_SIZE + 9, (u8)(i + 1));
	for (u64 i = 0; i < PAGES; i++)
		assert_int_equal(page_out(i, i % 3), 0);
	assert_int_equal(swap_free_pages(m), 0);
	assert_int_equal(set_size(7 * PAGE_SIZE + 10), 0);
	verify();
	/* The last page had to come in to be zeroed. */
	assert_int_equal(inode->swapped, 7);
	expect_byte(7 * PAGE_SIZE + 9, 8);
	assert_int_equal(shmem_fallocate(inode, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
					 2 * PAGE_SIZE, PAGE_SIZE),
			 0);
	expect_byte(2 * PAGE_SIZE + 9, 0);
	expect_byte(3 * PAGE_SIZE + 9, 4);
	verify();
	finish();
}

static void no_slot_no_writeout(void **state)
{
	u64 value;

	(void)state;
	build(2);
	for (u64 i = 0; i < 3; i++)
		put_byte(i * PAGE_SIZE, (u8)(i + 1));
	assert_int_equal(page_out(0, true), 0);
	assert_int_equal(page_out(1, true), 0);
	assert_int_equal(page_out(2, true), -ENOMEM);
	assert_true(in_cache(2, &value));
	verify();
	for (u64 i = 0; i < 3; i++)
		expect_byte(i * PAGE_SIZE, (u8)(i + 1));
	finish();
}

static void fail_nth(const char *site, u64 nth)
{
	struct umm_fail fail = { .site = site, .order = -1, .nth = nth };

	assert_int_equal(umm_fail_set(machine, &fail), 0);
}

static void what_cannot_be_written_is_kept(void **state)
{
	u64 value;

	(void)state;
	build(PAGES);
	put_byte(0, 5);
	fail_nth("swap_write", 1);
	assert_int_equal(page_out(0, true), -EIO);
	/* In the swap cache, dirty. */
	assert_false(in_cache(0, &value));
	assert_int_equal(inode->swapped, 1);
	expect_byte(0, 5);
	verify();
	finish();
}

static void what_cannot_be_read_is_lost_for_good(void **state)
{
	struct page *page;
	u8 byte;

	(void)state;
	build(PAGES);
	put_byte(0, 5);
	put_byte(PAGE_SIZE, 6);
	assert_int_equal(page_out(0, true), 0);
	fail_nth("swapin_page", 1);
	assert_int_equal(shmem_get_page(inode, 0, SGP_CACHE, 0, &page), -ENOMEM);
	expect_byte(0, 5);
	assert_int_equal(page_out(0, true), 0);
	fail_nth("swap_read", 1);
	assert_int_equal(generic_file_read(file, &byte, 1, 0), -EIO);
	assert_int_equal(generic_file_read(file, &byte, 1, 0), -EIO);
	assert_int_equal(swap_free_pages(m), PAGES);
	assert_int_equal(inode->alloced, 1);
	verify();
	/* Nothing that swapoff would stumble over. */
	assert_int_equal(umm_swapoff_area(machine, 0), 0);
	expect_byte(PAGE_SIZE, 6);
	/* Cut off and grown again, it is a hole. */
	assert_int_equal(set_size(0), 0);
	assert_int_equal(set_size(PAGE_SIZE), 0);
	expect_byte(0, 0);
	finish();
}

static void swapoff_brings_everything_home(void **state)
{
	u64 value;

	(void)state;
	build(PAGES);
	for (u64 i = 0; i < PAGES; i++)
		put_byte(i * PAGE_SIZE + 9, (u8)(i + 1));
	for (u64 i = 0; i < PAGES; i += 2)
		assert_int_equal(page_out(i, i % 3), 0);
	/* Every allocation on the way fails once. */
	for (u64 nth = 1;; nth++) {
		int err;

		fail_nth("swapin_page", nth);
		err = umm_swapoff_area(machine, 0);
		verify();
		if (!err)
			break;
		assert_int_equal(err, -ENOMEM);
	}
	assert_int_equal(inode->swapped, 0);
	assert_true(list_empty(&m->shmem_swaplist));
	for (u64 i = 0; i < PAGES; i++) {
		assert_true(in_cache(i, &value));
		expect_byte(i * PAGE_SIZE + 9, (u8)(i + 1));
	}
	assert_int_equal(umm_swapoff_area(machine, 0), -EINVAL);
	finish();
}

/* ---- against a naive model ------------------------------------------------------------ */

enum op {
	OP_WRITE,
	OP_READ,
	OP_SIZE,
	OP_PUNCH,
	OP_FALLOCATE,
	OP_OUT,
	OP_OUT_DROP,
	OP_SWAPOFF,
	NR_OPS
};

struct model {
	struct prng rng;
	u32 off;
	u8 bytes[BYTES];
	u64 size;
	int area;
};

static u8 scratch[BYTES];

static void model_write(struct model *model)
{
	u64 at = prng_below(&model->rng, BYTES);
	u64 len = 1 + prng_below(&model->rng, MIN(BYTES - at, 3 * PAGE_SIZE));

	memset(scratch, (int)(1 + prng_below(&model->rng, 255)), len);
	assert_int_equal(generic_file_write(file, scratch, len, at), len);
	memcpy(model->bytes + at, scratch, len);
	model->size = MAX(model->size, at + len);
}

static void model_size(struct model *model)
{
	u64 size = prng_below(&model->rng, BYTES + 1);

	assert_int_equal(set_size(size), 0);
	if (size < model->size)
		memset(model->bytes + size, 0, model->size - size);
	model->size = size;
}

static void model_range(struct model *model, bool punch)
{
	u64 at = prng_below(&model->rng, BYTES);
	u64 len = 1 + prng_below(&model->rng, BYTES - at);
	bool keep = punch || prng_below(&model->rng, 2);
	u32 mode = (punch ? FALLOC_FL_PUNCH_HOLE : 0) | (keep ? FALLOC_FL_KEEP_SIZE : 0);

	assert_int_equal(shmem_fallocate(inode, mode, at, len), 0);
	if (punch)
		memset(model->bytes + at, 0, len);
	else if (!keep)
		model->size = MAX(model->size, at + len);
}

static void model_compare(struct model *model)
{
	s64 got = generic_file_read(file, scratch, BYTES, 0);

	assert_int_equal(got, model->size);
	assert_memory_equal(scratch, model->bytes, model->size);
	verify();
}

static void model_swapoff(struct model *model)
{
	assert_int_equal(umm_swapoff_area(machine, model->area), 0);
	model->area = umm_swap_create(machine, PAGES / 2, -1);
	assert_true(model->area >= 0);
}

static void model_step(struct model *model)
{
	enum op op = (enum op)prng_below(&model->rng, NR_OPS);

	if (model->off & BIT(op))
		return;
	if (op == OP_WRITE)
		model_write(model);
	else if (op == OP_READ)
		model_compare(model);
	else if (op == OP_SIZE)
		model_size(model);
	else if (op == OP_PUNCH || op == OP_FALLOCATE)
		model_range(model, op == OP_PUNCH);
	else if (op == OP_SWAPOFF)
		model_swapoff(model);
	else
		(void)page_out(prng_below(&model->rng, PAGES), op == OP_OUT_DROP);
	verify();
}

static void model_run(u64 seed)
{
	static struct model model;

	memset(&model, 0, sizeof(model));
	prng_seed(&model.rng, seed);
	model.off = (u32)prng_below(&model.rng, 1u << NR_OPS) & (u32)~BIT(OP_WRITE);
	build(PAGES / 2);
	for (int step = 0; step < 120; step++)
		model_step(&model);
	model_compare(&model);
	finish();
}

static void files_against_a_model(void **state)
{
	(void)state;
	for (u64 seed = 1; seed <= 40; seed++)
		model_run(seed);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(holes_read_as_zeros),
		cmocka_unit_test(allocated_ahead_is_not_touched),
		cmocka_unit_test(fallocate_that_fails_leaves_nothing),
		cmocka_unit_test(truncation_zeroes_what_is_left_of_a_page),
		cmocka_unit_test(memory_is_promised),
		cmocka_unit_test(a_clean_page_may_go),
		cmocka_unit_test(seals_forbid),
		cmocka_unit_test(a_page_goes_to_swap_and_comes_back),
		cmocka_unit_test(truncation_frees_slots),
		cmocka_unit_test(no_slot_no_writeout),
		cmocka_unit_test(what_cannot_be_written_is_kept),
		cmocka_unit_test(what_cannot_be_read_is_lost_for_good),
		cmocka_unit_test(swapoff_brings_everything_home),
		cmocka_unit_test(files_against_a_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
