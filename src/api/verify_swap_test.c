/* SPDX-License-Identifier: MIT */
/* Covers: P3 */
/*
 * As verify_test.c, for slots of swap and what names them: every check is proven by a planted
 * fault.
 *
 *     A  shared mapping of a memfd    0 there    1 in swap    2 in swap and in the swap cache
 *     C  private anonymous            0 there    1 in swap    2 in swap and in the swap cache
 */
#include "filemap/filemap.h"
#include "mmu/tlb.h"
#include "phys/lru.h"
#include "rmap/rmap.h"
#include "shmem/shmem.h"

/* Last: it has a machine m. */
#include "api/planted_test.h"

#define PAGE 4096ull
#define A 0x100000ull
#define C 0x300000ull
#define RW (PROT_READ | PROT_WRITE)

static struct umm_task *task;
static struct mm *mm;
static struct inode *inode;

static struct page *page_at(u64 addr)
{
	return pte_page(m, *pte_offset(mm, addr));
}

/* The slot of a page of C, or of A by the value in its place. */
static swp_entry_t entry_of(u64 addr)
{
	u64 value = 0;

	if (addr >= C)
		return pte_to_swp_entry(*pte_offset(mm, addr));
	assert_null(filemap_get_page(&inode->mapping, (addr - A) / PAGE, &value));
	assert_true(value != 0);
	return value_to_swp(value);
}

static u64 slot_nr(u64 addr)
{
	return entry_of(addr).offset;
}

static struct page *cached_page(u64 addr)
{
	struct page *page = NULL;
	u32 count;

	assert_true(swap_peek(m, entry_of(addr), &count, &page));
	assert_non_null(page);
	return page;
}

/* ---- a machine with something of everything ------------------------------------------------- */

static void swap_out(u64 addr, bool keep)
{
	struct page *page = page_at(addr);

	get_page(page);
	page_lock(page);
	if (page_test_anon(page))
		assert_int_equal(add_to_swap(page), 0);
	try_to_unmap(page, 0);
	if (page_test_swapcache(page))
		assert_int_equal(swap_writeout(page), 0);
	else
		assert_int_equal(shmem_writeout(page), 0);
	if (!keep && swap_cache_take_unused(page)) {
		page_unlock(page);
		free_zero_ref_page(page);
		return;
	}
	assert_true(keep);
	page_unlock(page);
	put_page(page);
}

static void map(u64 addr, int flags, int fd)
{
	assert_int_equal(umm_mmap(task, addr, 3 * PAGE, RW, flags | MAP_FIXED, fd, 0), addr);
	for (u64 i = 0; i < 3; i++)
		assert_int_equal(umm_store(task, addr + i * PAGE, 8, i, NULL), 0);
}

static int set_up(void **state)
{
	struct umm_config config;
	int fd;

	(void)state;
	umm_config_init(&config);
	config.ram_bytes = 2 << 20;
	assert_int_equal(umm_machine_create(&config, (struct umm_machine **)&m), 0);
	assert_int_equal(umm_swap_create((struct umm_machine *)m, 64, -1), 0);
	assert_int_equal(umm_process_create((struct umm_machine *)m, &task), 0);
	mm = ((struct task *)task)->mm;
	fd = umm_memfd_create(task, "x", 0);
	assert_int_equal(umm_ftruncate(task, fd, 3 * PAGE), 0);
	map(A, MAP_SHARED, fd);
	map(C, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	inode = ((struct task *)task)->files->fd[fd]->inode;
	lru_add_drain_all(m);
	for (u64 base = A; base <= C; base += C - A) {
		swap_out(base + PAGE, false);
		swap_out(base + 2 * PAGE, true);
	}
	return umm_snapshot_take((struct umm_machine *)m, &snapshot);
}

static int tear_down(void **state)
{
	(void)state;
	umm_snapshot_free(snapshot);
	umm_machine_destroy((struct umm_machine *)m);
	return 0;
}

/* ---- counts --------------------------------------------------------------------------------- */

static void count_too_high(void)
{
	assert_int_equal(swap_duplicate(m, entry_of(C + PAGE)), 0);
	WANT("slot %llu of area 0: count is 2, counted 1", LL(slot_nr(C + PAGE)));
}

static void count_too_low(void)
{
	swap_free(m, entry_of(A + 2 * PAGE));
	WANT("slot %llu of area 0: count is 0, counted 1", LL(slot_nr(A + 2 * PAGE)));
}

static void last_entry_gone(void)
{
	struct page *page = swap_cache_get(m, entry_of(C + 2 * PAGE));
	u64 nr = slot_nr(C + 2 * PAGE), pfn = page_to_pfn(page).n;

	put_page(page);
	swap_free(m, entry_of(C + 2 * PAGE));
	*pte_offset(mm, C + 2 * PAGE) = (pte_t){ 0 };
	WANT("slot %llu of area 0: nobody wants it, nor page %llu", LL(nr), LL(pfn));
}

static void two_entries_of_one_slot(void)
{
	u64 nr = slot_nr(C + PAGE);

	*pte_offset(mm, C + 2 * PAGE) = *pte_offset(mm, C + PAGE);
	WANT("slot %llu of area 0: count is 1, counted 2", LL(nr));
}

static void value_of_no_slot(void)
{
	struct xarray *pages = &inode->mapping.pages;
	swp_entry_t none = { 0, 65 };

	spin_lock(&pages->lock);
	(void)xa_store_locked(pages, 1, 0, xa_mk_value(swp_to_value(none)));
	spin_unlock(&pages->lock);
	WANT("inode %u: page 1 is in slot 65 of area 0, which there is not", inode->ino);
}

static void swapped_too_high(void)
{
	inode->swapped++;
	inode->alloced++;
	WANT("inode %u: swapped is 3, counted 2", inode->ino);
}

static void out_of_sight_of_swapoff(void)
{
	list_del_init(&inode->swaplist);
	WANT("inode %u: has pages in swap, and swapoff would not find it", inode->ino);
}

static void slots_miscounted(void)
{
	m->total_swap_pages.v++;
	WANT("swap: the slots of all areas are miscounted (0x41, 0x40)");
}

/* ---- the cache ------------------------------------------------------------------------------ */

static void page_that_does_not_know(void)
{
	struct page *page = cached_page(C + 2 * PAGE);

	page->flags &= ~BIT(PG_swapcache);
	WANT("slot %llu of area 0: page %llu does not know that it has one",
	     LL(slot_nr(C + 2 * PAGE)), LL(page_to_pfn(page).n));
}

static void page_with_another_slot(void)
{
	struct page *page = cached_page(C + 2 * PAGE);

	page->private ^= 32;
	WANT("slot %llu of area 0: page %llu has another one", LL(slot_nr(C + 2 * PAGE)),
	     LL(page_to_pfn(page).n));
}

static void page_that_may_not_be_swapped(void)
{
	struct page *page = cached_page(A + 2 * PAGE);

	page->flags &= ~BIT(PG_swapbacked);
	WANT("slot %llu of area 0: page %llu may not be swapped", LL(slot_nr(A + 2 * PAGE)),
	     LL(page_to_pfn(page).n));
}

static void page_being_written(void)
{
	struct page *page = cached_page(A + 2 * PAGE);

	page->flags |= BIT(PG_writeback);
	WANT("slot %llu of area 0: page %llu is being written, for ever", LL(slot_nr(A + 2 * PAGE)),
	     LL(page_to_pfn(page).n));
}

static void page_of_no_slot(void)
{
	struct page *page = page_at(C);

	page->flags |= BIT(PG_swapcache);
	WANT("page %llu: slots that it is cached for is 1, counted 0", LL(page_to_pfn(page).n));
}

/* ---- the loop ------------------------------------------------------------------------------- */

static const struct planted faults[] = {
	FAULT(count_too_high),
	FAULT(count_too_low),
	FAULT(last_entry_gone),
	FAULT(two_entries_of_one_slot),
	FAULT(value_of_no_slot),
	FAULT(swapped_too_high),
	FAULT(out_of_sight_of_swapoff),
	FAULT(slots_miscounted),
	FAULT(page_that_does_not_know),
	FAULT(page_with_another_slot),
	FAULT(page_that_may_not_be_swapped),
	FAULT(page_being_written),
	FAULT(page_of_no_slot),
};

static void every_planted_fault_is_found(void **state)
{
	(void)state;
	find_planted(faults, ARRAY_SIZE(faults));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_healthy_machine_is_clean),
		cmocka_unit_test(every_planted_fault_is_found),
	};

	return cmocka_run_group_tests_name("verify_swap", tests, set_up, tear_down);
}
