/* SPDX-License-Identifier: MIT */
/* Covers: A1, Z1, P3 */
/*
 * As verify_test.c, for memory of files and in swap: every check is proven by a planted fault.
 *
 *     A  shared mapping of a memfd        0 written  1 written  2 -
 *     B  private mapping of the same      0 read     1 copied   2 -
 *     R  shared mapping of a real file    0 written  1 read
 *     C  private anonymous                0 there    1 in swap  2 in swap and in the swap cache
 */
#include <stdlib.h>
#include <unistd.h>

#include "filemap/filemap.h"
#include "mmu/tlb.h"
#include "rmap/rmap.h"
#include "swap/swap.h"

/* Last: it has a machine m. */
#include "api/planted_test.h"

#define PAGE 4096ull
#define A 0x100000ull
#define B 0x200000ull
#define C 0x300000ull
#define R 0x400000ull
#define RW (PROT_READ | PROT_WRITE)

static struct umm_task *task;
static struct mm *mm;
static char path[] = "/tmp/usermm-verify-XXXXXX";

static pte_t *pte_of(u64 addr)
{
	pte_t *ptep = pte_offset(mm, addr);

	assert_non_null(ptep);
	return ptep;
}

static struct page *page_of(u64 addr)
{
	return pte_page(m, *pte_of(addr));
}

static u64 pfn_at(u64 addr)
{
	return page_to_pfn(page_of(addr)).n;
}

static struct vm_area *vma_of(u64 addr)
{
	struct vm_area *vma;

	for_each_vma(mm, vma)
		if (vma->start <= addr && addr < vma->end)
			return vma;
	fail_msg("no vma at %#llx", LL(addr));
	return NULL;
}

/* What bad_entry says of an entry. */
static void want_entry(u64 addr, const char *what)
{
	char text[64];

	(void)pte_describe(*pte_of(addr), text, sizeof(text));
	WANT("mm %u: entry of %#llx (%s): %s", mm->id, LL(addr), text, what);
}

static struct page *cached_page(u64 addr)
{
	struct page *page = swap_cache_get(m, pte_to_swp_entry(*pte_of(addr)));

	assert_non_null(page);
	put_page(page);
	return page;
}

/* ---- a machine with something of everything ------------------------------------------------ */

static void map(u64 addr, u64 pages, int flags, int fd)
{
	assert_int_equal(umm_mmap(task, addr, pages * PAGE, RW, flags | MAP_FIXED, fd, 0), addr);
}

static void touch(u64 addr, bool write)
{
	u64 value;

	if (write)
		assert_int_equal(umm_store(task, addr, 8, addr, NULL), 0);
	else
		assert_int_equal(umm_load(task, addr, 8, &value, NULL), 0);
}

static void swap_out(u64 addr, bool keep)
{
	struct page *page = page_of(addr);

	get_page(page);
	page_lock(page);
	assert_int_equal(add_to_swap(page), 0);
	try_to_unmap(page, 0);
	assert_int_equal(swap_writeout(page), 0);
	if (!keep && swap_cache_take_unused(page)) {
		page_unlock(page);
		free_zero_ref_page(page);
		return;
	}
	assert_true(keep);
	page_unlock(page);
	put_page(page);
}

static int set_up(void **state)
{
	struct umm_config config;
	int fd, host = mkstemp(path);

	(void)state;
	assert_true(host >= 0);
	assert_int_equal(ftruncate(host, 2 * PAGE), 0);
	(void)close(host);
	umm_config_init(&config);
	config.ram_bytes = 2 << 20;
	config.tlb_entries = 16;
	config.fault_around_bytes = PAGE;
	assert_int_equal(umm_machine_create(&config, (struct umm_machine **)&m), 0);
	assert_true(umm_swap_create((struct umm_machine *)m, 64, -1) >= 0);
	assert_int_equal(umm_process_create((struct umm_machine *)m, &task), 0);
	mm = ((struct task *)task)->mm;
	fd = umm_memfd_create(task, "x", 0);
	assert_int_equal(umm_ftruncate(task, fd, 3 * PAGE), 0);
	map(A, 3, MAP_SHARED, fd);
	map(B, 3, MAP_PRIVATE, fd);
	map(C, 4, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	map(R, 2, MAP_SHARED, umm_open(task, path, O_RDWR, 0));
	touch(A, true);
	touch(A + PAGE, true);
	touch(B, false);
	touch(B + PAGE, true);
	touch(R, true);
	touch(R + PAGE, false);
	for (u64 i = 0; i < 3; i++)
		touch(C + i * PAGE, true);
	swap_out(C + PAGE, false);
	swap_out(C + 2 * PAGE, true);
	lru_add_drain_all(m);
	return umm_snapshot_take((struct umm_machine *)m, &snapshot);
}

static int tear_down(void **state)
{
	(void)state;
	umm_snapshot_free(snapshot);
	umm_machine_destroy((struct umm_machine *)m);
	(void)unlink(path);
	return 0;
}

/* ---- entries ------------------------------------------------------------------------------- */

static void page_of_another_file(void)
{
	pte_t *ptep = pte_of(R + PAGE);

	*ptep = pte_wrprotect(pfn_pte(page_to_pfn(page_of(A)), vma_of(R)->page_prot));
	want_entry(R + PAGE, "its page is not of the file of the vma");
}

static void page_at_another_place(void)
{
	pte_t first = *pte_of(A);

	*pte_of(A) = *pte_of(A + PAGE);
	*pte_of(A + PAGE) = first;
	WANT("mm %u: entry of %#llx: index of its page is 0x1, counted 0", mm->id, LL(A));
}

static void private_and_writable(void)
{
	*pte_of(B) = pte_mkwrite(*pte_of(B));
	want_entry(B, "a page of a file, writable in a private mapping");
}

static void written_and_clean(void)
{
	page_of(R)->flags &= ~BIT(PG_dirty);
	want_entry(R, "writable, and its page is clean");
}

static void slot_that_is_none(void)
{
	*pte_of(C + PAGE) = swp_entry_to_pte((swp_entry_t){ 0, 4000 });
	want_entry(C + PAGE, "there is no such slot");
}

static void slot_in_shared_memory(void)
{
	struct page *table = virt_to_page(pte_of(A + 2 * PAGE));

	*pte_of(A + 2 * PAGE) = *pte_of(C + PAGE);
	table->nr_used.v++;
	want_entry(A + 2 * PAGE, "in swap, in a vma that has no anonymous pages");
}

#if ARCH_HAS_UFFD_WP
static void slot_protected(void)
{
	*pte_of(C + PAGE) = pte_swp_mkuffd_wp(*pte_of(C + PAGE));
	want_entry(C + PAGE, "write-protected by userfaultfd, which the vma is not");
}
#endif

static void migration_that_never_ends(void)
{
	*pte_of(C) = make_migration_pte(SWP_MIGRATION_WRITE, page_to_pfn(page_of(C)));
	want_entry(C, "in a state that nothing here makes");
}

static void file_rss_wrong(void)
{
	mm->rss[MM_FILEPAGES].v++;
	WANT("mm %u: file rss is 3, counted 2", mm->id);
}

static void shmem_rss_wrong(void)
{
	mm->rss[MM_SHMEMPAGES].v--;
	WANT("mm %u: shmem rss is 2, counted 3", mm->id);
}

static void swap_entries_wrong(void)
{
	mm->rss[MM_SWAPENTS].v++;
	WANT("mm %u: swap entries is 3, counted 2", mm->id);
}

/* ---- frames -------------------------------------------------------------------------------- */

static void cached_nowhere(void)
{
	struct page *page = page_of(A);

	page->mapping = 0;
	WANT("page %llu: page caches that hold it is 0, counted 1", LL(page_to_pfn(page).n));
}

static void reference_of_the_cache_lost(void)
{
	page_of(A)->refcount.v--;
	WANT("page %llu: refcount is 2, counted 3", LL(pfn_at(A)));
}

static void reference_of_swap_lost(void)
{
	struct page *page = cached_page(C + 2 * PAGE);

	page->refcount.v++;
	WANT("page %llu: refcount is 2, counted 1", LL(page_to_pfn(page).n));
}

static void exclusive_of_a_file(void)
{
	page_of(A)->flags |= BIT(PG_anon_exclusive);
	WANT("page %llu: exclusive, and of a file", LL(pfn_at(A)));
}

static void mapped_too_early(void)
{
	page_of(A)->flags &= ~BIT(PG_uptodate);
	WANT("page %llu: mapped and not up to date", LL(pfn_at(A)));
}

static void anonymous_in_a_cache(void)
{
	page_of(A)->mapping = page_of(C)->mapping;
	WANT("page %llu: anonymous, and in a page cache", LL(pfn_at(A)));
}

static void swapped_of_a_file(void)
{
	page_of(A)->flags |= BIT(PG_swapcache);
	WANT("page %llu: in the swap cache, and of a file", LL(pfn_at(A)));
}

static void written_for_ever(void)
{
	page_of(R)->flags |= BIT(PG_writeback);
	WANT("page %llu: being written", LL(pfn_at(R)));
}

/* ---- the loop ------------------------------------------------------------------------------ */

static const struct planted faults[] = {
	FAULT(page_of_another_file),
	FAULT(page_at_another_place),
	FAULT(private_and_writable),
	FAULT(written_and_clean),
	FAULT(slot_that_is_none),
	FAULT(slot_in_shared_memory),
#if ARCH_HAS_UFFD_WP
	FAULT(slot_protected),
#endif
	FAULT(migration_that_never_ends),
	FAULT(file_rss_wrong),
	FAULT(shmem_rss_wrong),
	FAULT(swap_entries_wrong),
	FAULT(cached_nowhere),
	FAULT(reference_of_the_cache_lost),
	FAULT(reference_of_swap_lost),
	FAULT(exclusive_of_a_file),
	FAULT(mapped_too_early),
	FAULT(anonymous_in_a_cache),
	FAULT(swapped_of_a_file),
	FAULT(written_for_ever),
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

	return cmocka_run_group_tests_name("verify_file", tests, set_up, tear_down);
}
