/* SPDX-License-Identifier: MIT */
/* Covers: A3, P2 */
/*
 * Walks from a page to its entries: which vmas they visit and how many, what they leave in the
 * entries, and that everything counts again afterwards (umm_verify).
 */
#include "machine/bug_test.h"

#include <usermm/usermm.h>

#include "base/uapi.h"
#include "mmu/pgtable.h"
#include "rmap/rmap.h"

#define ADDR 0x3f00000000ull /* user space on every architecture */
#define FILE_ADDR 0x3f10000000ull
#define PRIVATE_FLAGS (MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED)
#define RW (PROT_READ | PROT_WRITE)
#define MANY 40

static struct umm_machine *machine;
static struct umm_task *task;

static void verify_clean(void)
{
	char text[2048];

	if (umm_verify(machine, text, sizeof(text)))
		fail_msg("%s", text);
}

static void build(void)
{
	struct umm_config config;

	umm_config_init(&config);
	config.ram_bytes = 8 << 20;
	config.soft_dirty = true;
	assert_int_equal(umm_machine_create(&config, &machine), 0);
	assert_int_equal(umm_process_create(machine, &task), 0);
}

static void map(u64 addr, u64 pages)
{
	assert_int_equal(umm_mmap(task, addr, pages * PAGE_SIZE, RW, PRIVATE_FLAGS, -1, 0), addr);
}

static void finish(void)
{
	verify_clean();
	umm_machine_destroy(machine);
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

static struct mm *mm_of(struct umm_task *who)
{
	return ((struct task *)who)->mm;
}

static pte_t entry_of(struct umm_task *who, u64 addr)
{
	pte_t *ptep = pte_offset(mm_of(who), addr);

	return ptep ? *ptep : (pte_t){ 0 };
}

static struct page *page_of(struct umm_task *who, u64 addr)
{
	pte_t pte = entry_of(who, addr);

	assert_true(pte_present(pte));
	return pte_page((struct machine *)machine, pte);
}

static s64 rss_of(struct umm_task *who, enum mm_counter counter)
{
	return atomic64_read(&mm_of(who)->rss[counter]);
}

/* ---- which vmas ---------------------------------------------------------------------------- */

struct counts {
	unsigned visited, mapped;
};

static bool count_one(struct page *page, struct vm_area *vma, vaddr_t addr, void *arg)
{
	struct page_vma_mapped_walk pvmw = { .page = page, .vma = vma, .address = addr };
	struct counts *counts = arg;

	counts->visited++;
	while (page_vma_mapped_walk(&pvmw))
		counts->mapped++;
	return true;
}

static struct counts count(struct page *page)
{
	struct counts counts = { 0 };
	struct rmap_walk walk = { .arg = &counts, .one = count_one };

	page_lock(page);
	rmap_walk(page, &walk);
	page_unlock(page);
	return counts;
}

static void assert_counts(struct page *page, unsigned visited, unsigned mapped)
{
	struct counts counts = count(page);

	assert_int_equal(counts.visited, visited);
	assert_int_equal(counts.mapped, mapped);
}

/* A page of the parent is looked for in all its children, one of a child there alone. */
static void test_family(void **state)
{
	struct umm_task *children[MANY];

	(void)state;
	build();
	map(ADDR, 4);
	write_to(task, ADDR, 1);
	assert_counts(page_of(task, ADDR), 1, 1);
	for (unsigned i = 0; i < MANY; i++)
		assert_int_equal(umm_fork(task, &children[i]), 0);
	assert_counts(page_of(task, ADDR), MANY + 1, MANY + 1);
	write_to(children[3], ADDR, 2);
	assert_counts(page_of(task, ADDR), MANY + 1, MANY);
	assert_counts(page_of(children[3], ADDR), 1, 1);
	umm_task_exit(children[7]);
	assert_counts(page_of(task, ADDR), MANY, MANY - 1);
	finish();
}

/*
 *   0         40
 *   WRWRWRWR..WR     one anon_vma, 40 vmas: a page is looked for in its own alone
 */
static void test_many_vmas(void **state)
{
	struct vm_area *vma;
	unsigned nr = 0;

	(void)state;
	build();
	map(ADDR, MANY);
	for (unsigned i = 0; i < MANY; i++)
		write_to(task, ADDR + i * PAGE_SIZE, i);
	for (unsigned i = 1; i < MANY; i += 2)
		assert_int_equal(umm_mprotect(task, ADDR + i * PAGE_SIZE, PAGE_SIZE, PROT_READ), 0);
	for_each_vma(mm_of(task), vma) {
		assert_ptr_equal(vma->anon_vma, vma_first(mm_of(task))->anon_vma);
		nr++;
	}
	assert_int_equal(nr, MANY);
	for (unsigned i = 0; i < MANY; i++)
		assert_counts(page_of(task, ADDR + i * PAGE_SIZE), 1, 1);
	/* Merged again, split elsewhere, moved. */
	assert_int_equal(umm_mprotect(task, ADDR, MANY * PAGE_SIZE, RW), 0);
	assert_int_equal(umm_munmap(task, ADDR + 5 * PAGE_SIZE, PAGE_SIZE), 0);
	assert_int_equal(umm_mremap(task, ADDR + 8 * PAGE_SIZE, 4 * PAGE_SIZE, 4 * PAGE_SIZE,
				    MREMAP_MAYMOVE | MREMAP_FIXED, FILE_ADDR),
			 FILE_ADDR);
	verify_clean();
	assert_counts(page_of(task, ADDR), 1, 1);
	assert_counts(page_of(task, FILE_ADDR + PAGE_SIZE), 1, 1);
	finish();
}

/*
 * Between the two, all entries of a page are migration entries. (Its lock is not held there: what
 * the tests do meanwhile is another thread's part, and needs locks that rank before it.)
 */
static struct anon_vma *take_away(struct page *page)
{
	struct anon_vma *anon_vma = page_get_anon_vma(page);

	get_page(page);
	page_lock(page);
	try_to_migrate(page, 0);
	page_unlock(page);
	return anon_vma;
}

static void bring_back(struct page *page, struct anon_vma *anon_vma)
{
	page_lock(page);
	remove_migration_ptes(page, page);
	page_unlock(page);
	put_page(page);
	if (anon_vma)
		put_anon_vma(anon_vma);
}

/* A marker is no mapping, and outlives a migration of the page that others map there. */
static void test_marker(void **state)
{
	struct umm_task *child;
	struct anon_vma *anon_vma;
	struct page *page;

	(void)state;
	build();
	map(ADDR, 1);
	write_to(task, ADDR, 1);
	page = page_of(task, ADDR);
	assert_int_equal(umm_fork(task, &child), 0);
	assert_int_equal(umm_madvise(child, ADDR, PAGE_SIZE, MADV_GUARD_INSTALL), 0);
	assert_counts(page, 2, 1);
	anon_vma = take_away(page);
	assert_true(pte_is_guard(entry_of(child, ADDR)));
	bring_back(page, anon_vma);
	assert_true(pte_is_guard(entry_of(child, ADDR)));
	assert_int_equal(read_from(task, ADDR), 1);
	finish();
}

/* Neither unmapped pages nor those of files that nobody maps have anything to walk. */
static void test_unmapped(void **state)
{
	struct page *page;

	(void)state;
	build();
	map(ADDR, 1);
	write_to(task, ADDR, 1);
	page = page_of(task, ADDR);
	get_page(page);
	assert_int_equal(umm_munmap(task, ADDR, PAGE_SIZE), 0);
	assert_counts(page, 0, 0);
	put_page(page);
	finish();
}

/* ---- migration entries --------------------------------------------------------------------- */

static u32 kind_of(struct umm_task *who, u64 addr)
{
	pte_t pte = entry_of(who, addr);

	assert_true(pte_is_swp(pte));
	return pte_to_swp_entry(pte).type;
}

static void test_migration_entries(void **state)
{
	struct umm_task *child;
	struct anon_vma *anon_vma;
	struct page *page;

	(void)state;
	build();
	map(ADDR, 3);
	write_to(task, ADDR, 1);
	page = page_of(task, ADDR);
	anon_vma = take_away(page);
	assert_int_equal(kind_of(task, ADDR), SWP_MIGRATION_WRITE);
	assert_int_equal(pte_swp_soft_dirty(entry_of(task, ADDR)), ARCH_HAS_SOFT_DIRTY);
	assert_int_equal(page_mapcount(page), 0);
	assert_int_equal(page_count(page), 1);
	assert_true(page_test_dirty(page));
	assert_int_equal(rss_of(task, MM_ANONPAGES), 1);
	bring_back(page, anon_vma);
	assert_ptr_equal(page_of(task, ADDR), page);
	assert_true(pte_write(entry_of(task, ADDR)));
	assert_true(page_test_anon_exclusive(page));
	verify_clean();

	/* Exclusive and read-only; then shared. */
	assert_int_equal(umm_mprotect(task, ADDR, PAGE_SIZE, PROT_READ), 0);
	anon_vma = take_away(page);
	assert_int_equal(kind_of(task, ADDR), SWP_MIGRATION_READ_EXCLUSIVE);
	bring_back(page, anon_vma);
	assert_true(page_test_anon_exclusive(page));
	assert_int_equal(umm_fork(task, &child), 0);
	anon_vma = take_away(page);
	assert_int_equal(kind_of(task, ADDR), SWP_MIGRATION_READ);
	assert_int_equal(kind_of(child, ADDR), SWP_MIGRATION_READ);
	bring_back(page, anon_vma);
	assert_int_equal(page_mapcount(page), 2);
	assert_int_equal(read_from(child, ADDR), 1);
	finish();
}

/* What happens to migration entries before the page arrives. */
static void test_migration_meanwhile(void **state)
{
	struct umm_task *child;
	struct anon_vma *anon_vma;
	struct page *page;

	(void)state;
	build();
	map(ADDR, 1);
	write_to(task, ADDR, 7);
	page = page_of(task, ADDR);
	anon_vma = take_away(page);
	assert_int_equal(umm_fork(task, &child), 0);
	assert_int_equal(kind_of(child, ADDR), SWP_MIGRATION_READ);
	assert_int_equal(kind_of(task, ADDR), SWP_MIGRATION_READ);
	bring_back(page, anon_vma);
	assert_int_equal(page_mapcount(page), 2);
	assert_false(page_test_anon_exclusive(page));
	assert_int_equal(read_from(child, ADDR), 7);
	verify_clean();
	/* One of the two goes. */
	anon_vma = take_away(page);
	umm_task_exit(child);
	bring_back(page, anon_vma);
	assert_int_equal(page_mapcount(page), 1);
	write_to(task, ADDR, 8);
	verify_clean();
	/* The last one: the anon_vma is the migration's alone by then. */
	page = page_of(task, ADDR);
	anon_vma = take_away(page);
	assert_int_equal(umm_munmap(task, ADDR, PAGE_SIZE), 0);
	assert_int_equal(atomic_read(&anon_vma->refcount), 1);
	bring_back(page, anon_vma);
	finish();
}

static void test_pinned_stays(void **state)
{
	struct anon_vma *anon_vma;
	struct page *page;
	s64 pin;

	(void)state;
	build();
	map(ADDR, 1);
	write_to(task, ADDR, 1);
	page = page_of(task, ADDR);
	pin = umm_pin(task, ADDR, PAGE_SIZE);
	assert_true(pin >= 0);
	anon_vma = take_away(page);
	assert_true(pte_present(entry_of(task, ADDR)));
	assert_true(page_test_anon_exclusive(page));
	assert_int_equal(page_mapcount(page), 1);
	bring_back(page, anon_vma);
	assert_int_equal(umm_unpin(task, (int)pin), 0);
	finish();
}

/* ---- unmapping for reclaim ----------------------------------------------------------------- */

/* As reclaim does it with a page: what remains mapped says it failed. */
static bool unmap_page(struct page *page, u32 flags)
{
	bool gone;

	get_page(page);
	page_lock(page);
	if (page_test_anon(page) && page_test_swapbacked(page) && !page_test_swapcache(page))
		assert_int_equal(add_to_swap(page), 0);
	try_to_unmap(page, flags);
	gone = !page_mapcount(page);
	page_unlock(page);
	put_page(page);
	return gone;
}

static void test_swap_entries(void **state)
{
	struct umm_task *child;
	struct page *page;

	(void)state;
	build();
	assert_true(umm_swap_create(machine, 64, -1) >= 0);
	map(ADDR, 3);
	write_to(task, ADDR, 1);
	page = page_of(task, ADDR);
	assert_true(unmap_page(page, 0));
	assert_true(pte_is_swap(entry_of(task, ADDR)));
	assert_true(pte_swp_exclusive(entry_of(task, ADDR)));
	assert_int_equal(pte_swp_soft_dirty(entry_of(task, ADDR)), ARCH_HAS_SOFT_DIRTY);
	assert_true(page_test_dirty(page));
	assert_int_equal(rss_of(task, MM_ANONPAGES), 0);
	assert_int_equal(rss_of(task, MM_SWAPENTS), 1);
	verify_clean();
	assert_int_equal(read_from(task, ADDR), 1);
	verify_clean();

	/* Shared by two: an entry each, and neither exclusive. */
	assert_int_equal(umm_fork(task, &child), 0);
	page = page_of(task, ADDR);
	assert_true(unmap_page(page, 0));
	assert_false(pte_swp_exclusive(entry_of(task, ADDR)));
	assert_false(pte_swp_exclusive(entry_of(child, ADDR)));
	assert_int_equal(rss_of(child, MM_SWAPENTS), 1);
	verify_clean();
	write_to(child, ADDR, 2);
	assert_int_equal(read_from(task, ADDR), 1);
	finish();
}

/* Locked into memory, or pinned: it stays mapped, and what it was. */
static void test_unmap_refused(void **state)
{
	s64 pin;

	(void)state;
	build();
	assert_true(umm_swap_create(machine, 64, -1) >= 0);
	map(ADDR, 2);
	write_to(task, ADDR, 1);
	write_to(task, ADDR + PAGE_SIZE, 1);
	assert_int_equal(umm_mlock(task, ADDR, PAGE_SIZE), 0);
	assert_false(unmap_page(page_of(task, ADDR), 0));
	pin = umm_pin(task, ADDR + PAGE_SIZE, PAGE_SIZE);
	assert_true(pin >= 0);
	assert_false(unmap_page(page_of(task, ADDR + PAGE_SIZE), 0));
	assert_true(page_test_anon_exclusive(page_of(task, ADDR + PAGE_SIZE)));
	assert_int_equal(umm_unpin(task, (int)pin), 0);
	verify_clean();
	assert_true(unmap_page(page_of(task, ADDR), TTU_IGNORE_MLOCK));
	finish();
}

static void test_lazyfree(void **state)
{
	struct page *page;

	(void)state;
	build();
	map(ADDR, 3);
	for (unsigned i = 0; i < 3; i++)
		write_to(task, ADDR + i * PAGE_SIZE, i + 1);
	assert_int_equal(umm_madvise(task, ADDR, 3 * PAGE_SIZE, MADV_FREE), 0);
	assert_true(unmap_page(page_of(task, ADDR), 0));
	assert_true(pte_none(entry_of(task, ADDR)));
	assert_int_equal(rss_of(task, MM_ANONPAGES), 2);

	/* Written since: it is kept, and wanted again. */
	write_to(task, ADDR + PAGE_SIZE, 9);
	page = page_of(task, ADDR + PAGE_SIZE);
	assert_false(unmap_page(page, 0));
	assert_true(page_test_swapbacked(page));
	assert_int_equal(read_from(task, ADDR + PAGE_SIZE), 9);

	/* Held by somebody, who may be about to write. */
	page = page_of(task, ADDR + 2 * PAGE_SIZE);
	get_page(page);
	assert_false(unmap_page(page, 0));
	assert_false(page_test_swapbacked(page));
	put_page(page);
	assert_int_equal(read_from(task, ADDR), 0);
	finish();
}

/* ---- bits of all entries ------------------------------------------------------------------- */

static int referenced(struct page *page, u64 *ret_flags)
{
	int ret;

	page_lock(page);
	ret = folio_referenced(page, ret_flags);
	page_unlock(page);
	return ret;
}

static void test_referenced(void **state)
{
	struct umm_task *child;
	struct page *page;
	u64 flags;

	(void)state;
	build();
	map(ADDR, 1);
	write_to(task, ADDR, 1);
	page = page_of(task, ADDR);
	assert_int_equal(referenced(page, &flags), 1);
	assert_true(flags & VM_WRITE);
	assert_int_equal(referenced(page, &flags), 0);
	assert_int_equal(flags, 0);
	assert_int_equal(umm_fork(task, &child), 0);
	(void)read_from(task, ADDR);
	(void)read_from(child, ADDR);
	verify_clean();
	assert_int_equal(referenced(page, &flags), 2);
	/* Use of a mapping that promises not to come back does not count. */
	assert_int_equal(umm_madvise(child, ADDR, PAGE_SIZE, MADV_SEQUENTIAL), 0);
	(void)read_from(task, ADDR);
	(void)read_from(child, ADDR);
	assert_int_equal(referenced(page, &flags), 1);
	assert_int_equal(umm_mlock(task, ADDR, PAGE_SIZE), 0);
	(void)referenced(page_of(task, ADDR), &flags);
	assert_true(flags & VM_LOCKED);
	finish();
}

/*
 * A page of a file: mapped shared, mapped private, and a private copy that is another page.
 */
static void test_file_page(void **state)
{
	struct page *page;
	int fd;

	(void)state;
	build();
	fd = umm_memfd_create(task, "file", 0);
	assert_true(fd >= 0);
	assert_int_equal(umm_ftruncate(task, fd, 4 * PAGE_SIZE), 0);
	assert_int_equal(umm_mmap(task, ADDR, 4 * PAGE_SIZE, RW, MAP_SHARED | MAP_FIXED, fd, 0),
			 ADDR);
	assert_int_equal(umm_mmap(task, FILE_ADDR, 2 * PAGE_SIZE, RW, MAP_PRIVATE | MAP_FIXED, fd,
				  PAGE_SIZE),
			 FILE_ADDR);
	write_to(task, ADDR + PAGE_SIZE, 5);
	assert_int_equal(read_from(task, FILE_ADDR), 5);
	page = page_of(task, ADDR + PAGE_SIZE);
	assert_ptr_equal(page_of(task, FILE_ADDR), page);
	assert_counts(page, 2, 2);
	verify_clean();

	page_lock(page);
	assert_int_equal(page_mkclean(page), 1);
	page_unlock(page);
	assert_false(pte_write(entry_of(task, ADDR + PAGE_SIZE)));
	assert_false(pte_dirty(entry_of(task, ADDR + PAGE_SIZE)));
	write_to(task, ADDR + PAGE_SIZE, 6);
	write_to(task, FILE_ADDR, 7);
	assert_counts(page, 2, 1);
	assert_int_equal(rss_of(task, MM_SHMEMPAGES), 1);
	assert_true(unmap_page(page, 0));
	assert_int_equal(rss_of(task, MM_SHMEMPAGES), 0);
	verify_clean();
	assert_int_equal(read_from(task, ADDR + PAGE_SIZE), 6);
	assert_int_equal(read_from(task, FILE_ADDR), 7);
	finish();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_family),
		cmocka_unit_test(test_many_vmas),
		cmocka_unit_test(test_marker),
		cmocka_unit_test(test_unmapped),
		cmocka_unit_test(test_migration_entries),
		cmocka_unit_test(test_migration_meanwhile),
		cmocka_unit_test(test_pinned_stays),
		cmocka_unit_test(test_swap_entries),
		cmocka_unit_test(test_unmap_refused),
		cmocka_unit_test(test_lazyfree),
		cmocka_unit_test(test_referenced),
		cmocka_unit_test(test_file_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
