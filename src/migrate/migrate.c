/* SPDX-License-Identifier: MIT */
/*
 * A page moves to another frame.
 *
 *   lru_isolate          nobody reclaims it
 *   folio lock           nobody truncates, swaps or writes it
 *   try_to_migrate       no entry maps it; who wants it waits at a migration entry, or in fast GUP
 *                        comes to the slow path
 *   count = expected?    no pin, no reader of the file: else undone, and tried again
 *   copy                 contents, flags
 *   page cache, swap     the new page takes the old one's place, under the lock of that place,
 *   cache                the count looked at again
 *   remove_migration_ptes, unlock, the old frame is freed
 *
 *   page                     references expected, the caller's aside
 *   anonymous                none
 *   ... in the swap cache    the cache's
 *   of a file                the cache's
 *
 * A dirty page of a regular file stays dirty in its new frame. Nothing is written out for a
 * migration, and a page under write-back is waited for by its lock: write-back is synchronous here.
 * What fails leaves the page mapped as it was.
 *
 * Locks: folio lock of the old page, then of the new one, which nobody else knows.
 */
#include "migrate/migrate.h"

#include "base/uapi.h"
#include "phys/group.h"
#include "sync/membarrier.h"

/* A frame of that node alone; NULL: there is none. */
static struct page *alloc_on_node(struct machine *m, unsigned node)
{
	struct page *page = alloc_pages(m, GFP_MOVABLE, 0, (int)node, FAIL_MIGRATE_PAGE);

	if (page && page_node(page) != node) {
		put_page(page);
		return NULL;
	}
	return page;
}

/* ---- from frame to frame ------------------------------------------------------------------- */

/* Nobody can write to old: it is mapped nowhere and nobody holds it. */
static void copy_contents(struct page *page, struct page *old)
{
	u8 *to = page_address(page);
	const u8 *from = page_address(old);

	sync_access_point(from, NULL, false);
	for (u64 at = 0; at < PAGE_SIZE; at += CACHELINE)
		memcpy(to + at, from + at, CACHELINE);
}

/* What page is from now on, before anybody can find it. */
static void take_over(struct page *page, struct page *old)
{
	const u64 kept = BIT(PG_referenced) | BIT(PG_uptodate) | BIT(PG_dirty) | BIT(PG_active) |
			 BIT(PG_swapbacked) | BIT(PG_swapcache);

	page_init_flags(page, READ_ONCE(old->flags) & kept);
	page->index = old->index;
	page->private = old->private;
	smp_store_release(&page->mapping, READ_ONCE(old->mapping));
	group_move_charge(old, page);
}

static bool only_held_by(const struct page *page, int refs)
{
	return page_count(page) == refs && !page_mapcount(page);
}

static int move_uncached(struct page *page, struct page *old)
{
	if (!only_held_by(old, 1))
		return -EAGAIN;
	copy_contents(page, old);
	take_over(page, old);
	return 0;
}

static int move_in_page_cache(struct page *page, struct page *old)
{
	struct address_space *mapping = page_mapping_file(old);
	bool alone;

	if (!only_held_by(old, 2))
		return -EAGAIN;
	copy_contents(page, old);
	spin_lock(&mapping->pages.lock);
	/* Whoever finds it from here on waits for this lock, and finds the other. */
	alone = only_held_by(old, 2);
	if (alone) {
		take_over(page, old);
		get_page(page);
		if (!xa_replace_locked(&mapping->pages, old->index, xa_mk_pointer(old),
				       xa_mk_pointer(page)))
			VM_UNREACHABLE();
		WRITE_ONCE(old->mapping, 0);
	}
	spin_unlock(&mapping->pages.lock);
	if (!alone)
		return -EAGAIN;
	put_page(old);
	return 0;
}

static int move_in_swap_cache(struct page *page, struct page *old)
{
	if (!only_held_by(old, 2))
		return -EAGAIN;
	copy_contents(page, old);
	take_over(page, old);
	if (swap_cache_replace(old, page))
		return 0;
	/* Nobody has seen it: it is a blank frame again. */
	group_move_charge(page, old);
	page->flags &= PAGE_PLACE_FLAGS | BIT(PG_locked);
	page->private = 0;
	WRITE_ONCE(page->mapping, 0);
	return -EAGAIN;
}

static int move_page(struct page *page, struct page *old)
{
	if (page_test_swapcache(old))
		return move_in_swap_cache(page, old);
	if (page_mapping_file(old))
		return move_in_page_cache(page, old);
	/* Truncated: about to be freed. */
	return page_test_anon(old) ? move_uncached(page, old) : -EAGAIN;
}

/* Both locked. 0, or -EAGAIN with old as it was. */
static int migrate_locked(struct page *page, struct page *old)
{
	struct anon_vma *anon_vma = page_get_anon_vma(old);
	bool mapped = page_mapcount(old);
	int err;

	/* Unmapped since, the walks below have nothing to keep it by; and nothing to do. */
	if (page_test_anon(old) && !anon_vma)
		mapped = false;
	if (mapped)
		try_to_migrate(old, 0);
	err = page_mapcount(old) ? -EAGAIN : move_page(page, old);
	/* Before its mappings come, so that it leaves the list again where one is locked. */
	if (!err)
		lru_add(page);
	if (mapped)
		remove_migration_ptes(old, err ? old : page);
	if (anon_vma)
		put_anon_vma(anon_vma);
	return err;
}

int migrate_page_to_node(struct page *old, unsigned node)
{
	struct machine *m = machine_of(old);
	struct page *page = alloc_on_node(m, node);
	int err = page ? -EAGAIN : -ENOMEM;

	for (unsigned i = 0; err == -EAGAIN && i < NR_MIGRATE_ATTEMPTS; i++) {
		page_lock(old);
		/* All others have let go meanwhile. */
		if (page_count(old) == 1) {
			page_unlock(old);
			err = 0;
			break;
		}
		page_lock(page);
		err = migrate_locked(page, old);
		page_unlock(page);
		page_unlock(old);
	}
	/* Whoever gave up the last entry of the slot meanwhile could not lock the page. */
	free_swap_cache(old);
	if (page) {
		free_swap_cache(page);
		put_page(page);
	}
	count_vm_event(m, err ? PGMIGRATE_FAIL : PGMIGRATE_SUCCESS);
	if (err)
		lru_putback(old);
	put_page(old);
	return err;
}

/* ---- one address of a process -------------------------------------------------------------- */

/* The page at addr with a reference, or -errno as move_pages reports it. */
static int page_at(struct mm *mm, vaddr_t addr, struct page **ret_page)
{
	struct vm_area *vma = vma_lookup(mm, addr);
	spinlock_t *ptl;
	pte_t *ptep, pte;
	int err = -ENOENT;

	if (!vma)
		return -EFAULT;
	ptep = pte_offset_lock(mm, addr, &ptl);
	if (!ptep)
		return -ENOENT;
	pte = ptep_get(ptep);
	if (pte_present(pte) && !vm_normal_page(machine_of(mm), pte)) {
		err = -EFAULT;
	} else if (pte_present(pte)) {
		*ret_page = vm_normal_page(machine_of(mm), pte);
		get_page(*ret_page);
		err = 0;
	}
	spin_unlock(ptl);
	return err;
}

/* Whether it has to move; else *ret_status says why not. */
static bool must_move(struct page *page, int node, bool move_all, int *ret_status)
{
	if (node < 0 || page_node(page) == (unsigned)node)
		*ret_status = (int)page_node(page);
	else if (page_mapcount(page) > 1 && !move_all)
		*ret_status = -EACCES;
	else
		return true;
	return false;
}

int move_page_of(struct mm *mm, vaddr_t addr, int node, bool move_all, int *ret_status)
{
	struct page *page = NULL;
	bool move = false;
	int err;

	VM_BUG_ON2(node >= (int)machine_of(mm)->config.nodes, (u64)node, addr);
	down_read(&mm->mmap_lock);
	err = page_at(mm, addr, &page);
	up_read(&mm->mmap_lock);
	if (!err)
		move = must_move(page, node, move_all, ret_status);
	else
		*ret_status = err;
	if (!move) {
		if (page)
			put_page(page);
		return 0;
	}
	lru_add_drain_all(machine_of(mm));
	if (!lru_isolate(page)) {
		put_page(page);
		*ret_status = -EBUSY;
		return 0;
	}
	err = migrate_page_to_node(page, (unsigned)node);
	return err ? err : 1;
}
