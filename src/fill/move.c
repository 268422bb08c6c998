/* SPDX-License-Identifier: MIT */
/*
 * MOVE: an anonymous page leaves its place and is mapped, uncopied, where one is missing.
 *
 *   source                        what moves
 *   none                          nothing, if holes are allowed; else -ENOENT
 *   page, exclusive               the page, which then belongs to the destination's anon_vma
 *   page, shared or pinned        -EBUSY: others go on seeing it where it is
 *   zero page                     the zero page
 *   slot, exclusive               the entry, and the page that the swap cache may have of it
 *   slot, shared                  -EBUSY
 *   migration                     waited for
 *   marker                        -EFAULT
 *
 * Both vmas are private, anonymous and alike in rights and locking.
 *
 * Locks: mmap_lock read, the folio lock, the family's lock for write (walks that look for the page
 * without the folio lock), both tables' locks, the lower one first: two moves may go opposite ways.
 */
#include "base/mutant.h"
#include "base/uapi.h"
#include "fill/fill_internal.h"
#include "mmu/tlb.h"
#include "rmap/rmap.h"
#include "swap/swap.h"

struct move {
	struct mm *mm;
	struct vm_area *dst_vma, *src_vma;
	vaddr_t dst, src; /* of the page that is next */
	u64 mode;
	/* of that page */
	pte_t *dst_ptep, *src_ptep;
	pte_t src_pte; /* as it was seen; the destination's was none */
};

static void unlock_both(const struct move *move)
{
	pte_unlock_both(move->dst_ptep, move->src_ptep);
}

/* Both tables locked; false: an entry is no longer what was seen, nothing is locked. */
static bool lock_both(const struct move *move)
{
	pte_lock_both(move->dst_ptep, move->src_ptep);
	if (pte_none(ptep_get(move->dst_ptep)) && ptep_get(move->src_ptep).v == move->src_pte.v)
		return true;
	unlock_both(move);
	return false;
}

/* The source's entry, gone, with every CPU told. Both tables locked. */
static pte_t clear_flush_source(const struct move *move)
{
	pte_t pte = ptep_get_and_clear(move->mm, move->src, move->src_ptep);

	flush_tlb_page(move->mm, move->src);
	return pte;
}

static int move_zero_page(const struct move *move)
{
	pte_t entry = pfn_pte(machine_of(move->mm)->zero_pfn, move->dst_vma->page_prot);

	if (!lock_both(move))
		return -EAGAIN;
	(void)clear_flush_source(move);
	set_pte_at(move->mm, move->dst, move->dst_ptep, pte_mkspecial(entry));
	unlock_both(move);
	return 0;
}

/* ---- pages ---------------------------------------------------------------------------------- */

/* From now on the page is found by its new place. Nobody walks its family. */
static void give_page_to_dst(const struct move *move, struct page *page)
{
	/* A walk that finds the new anon_vma finds the new index, too. */
	WRITE_ONCE(page->index, linear_page_index(move->dst_vma, move->dst));
	page_move_anon_rmap(page, move->dst_vma);
}

static pte_t moved_entry(const struct move *move, const struct page *page, pte_t old)
{
	bool soft_dirty = machine_of(move->mm)->config.soft_dirty;
	pte_t entry = pfn_pte(page_to_pfn(page), move->dst_vma->page_prot);

	if (soft_dirty)
		entry = pte_mksoft_dirty(entry);
	if (pte_dirty(old))
		entry = pte_mkdirty(entry, soft_dirty);
	return pte_mkwrite(entry);
}

static bool is_ours_alone(const struct page *page)
{
	return page_test_anon_exclusive(page) || MUTANT(move_takes_shared);
}

/* The page is locked, and its family for write. */
static int move_locked_page(const struct move *move, struct page *page)
{
	int err = -EBUSY;
	pte_t old;

	if (!lock_both(move))
		return -EAGAIN;
	if (!is_ours_alone(page) || page_maybe_dma_pinned(page))
		goto out;
	old = clear_flush_source(move);
	if (page_maybe_dma_pinned(page)) {
		/* By who looked without locks before the CPUs were told. */
		set_pte_at(move->mm, move->src, move->src_ptep, old);
		goto out;
	}
	give_page_to_dst(move, page);
	set_pte_at(move->mm, move->dst, move->dst_ptep, moved_entry(move, page, old));
	err = 0;
out:
	unlock_both(move);
	return err;
}

/* The page of the source's entry, referenced. -EAGAIN: the entry has changed. */
static int get_source_page(const struct move *move, struct page **ret_page)
{
	spinlock_t *ptl = pte_lockptr(move->src_ptep);
	struct page *page = NULL;
	int err = -EAGAIN;

	spin_lock(ptl);
	if (ptep_get(move->src_ptep).v == move->src_pte.v) {
		page = vm_normal_page(machine_of(move->mm), move->src_pte);
		err = page && page_test_anon(page) && is_ours_alone(page) ? 0 : -EBUSY;
		if (!err)
			get_page(page);
	}
	spin_unlock(ptl);
	*ret_page = page;
	return err;
}

static int move_page(const struct move *move)
{
	struct anon_vma *anon_vma;
	struct page *page;
	int err = get_source_page(move, &page);

	if (err)
		return err;
	page_lock(page);
	err = -EAGAIN;
	anon_vma = page_get_anon_vma(page);
	if (anon_vma) {
		anon_vma_lock_write(anon_vma);
		err = move_locked_page(move, page);
		anon_vma_unlock_write(anon_vma);
		put_anon_vma(anon_vma);
	}
	page_unlock(page);
	free_swap_cache(page);
	put_page(page);
	return err;
}

/* ---- swap ----------------------------------------------------------------------------------- */

static bool page_has_slot(const struct page *page, swp_entry_t slot)
{
	swp_entry_t own;

	if (!page_test_swapcache(page))
		return false;
	own = page_swap_entry(page);
	return own.type == slot.type && own.offset == slot.offset;
}

/* page: the locked page of the slot; NULL: there was none in the cache. */
static int move_slot_entry(const struct move *move, swp_entry_t slot, struct page *page)
{
	struct machine *m = machine_of(move->mm);
	struct page *late;
	pte_t pte;

	if (!lock_both(move))
		return -EAGAIN;
	late = page ? NULL : swap_cache_get(m, slot);
	if (late) {
		/* Brought in since: it has to be moved, too. */
		unlock_both(move);
		put_page(late);
		return -EAGAIN;
	}
	/* One that was read ahead belongs to nobody yet. */
	if (page && page_test_anon(page))
		give_page_to_dst(move, page);
	pte = ptep_get_and_clear(move->mm, move->src, move->src_ptep);
	if (m->config.soft_dirty)
		pte = pte_swp_mksoft_dirty(pte);
	/* Protection goes along; where it is not registered it means nothing. */
	if (pte_swp_uffd_wp(pte) && !userfaultfd_wp(move->dst_vma))
		WRITE_ONCE(move->mm->uffd_wp_stale, true);
	set_pte_at(move->mm, move->dst, move->dst_ptep, pte);
	swap_entry_placed(m, slot);
	unlock_both(move);
	return 0;
}

static int move_slot(const struct move *move)
{
	swp_entry_t slot = pte_to_swp_entry(move->src_pte);
	struct page *page;
	int err = -EAGAIN;

	if (!pte_swp_exclusive(move->src_pte))
		return -EBUSY;
	page = swap_cache_get(machine_of(move->mm), slot);
	if (!page)
		return move_slot_entry(move, slot, NULL);
	page_lock(page);
	if (page_has_slot(page, slot))
		err = move_slot_entry(move, slot, page);
	page_unlock(page);
	free_swap_cache(page);
	put_page(page);
	return err;
}

/* ---- the range ------------------------------------------------------------------------------ */

static int wait_for_source_migration(const struct move *move)
{
	spinlock_t *ptl = pte_lockptr(move->src_ptep);

	spin_lock(ptl);
	if (ptep_get(move->src_ptep).v == move->src_pte.v)
		migration_entry_wait(move->mm, move->src_ptep, ptl);
	else
		spin_unlock(ptl);
	return -EAGAIN;
}

/* The source's entry is src_pte, the destination's none. -EAGAIN: look again. */
static int move_entry(const struct move *move)
{
	if (pte_present(move->src_pte)) {
		if (pte_pfn(move->src_pte).n == machine_of(move->mm)->zero_pfn.n)
			return move_zero_page(move);
		return move_page(move);
	}
	if (pte_is_swap(move->src_pte))
		return move_slot(move);
	if (pte_is_migration(move->src_pte))
		return wait_for_source_migration(move);
	return -EFAULT;
}

/* Under the lock: who replaces an entry makes it none for a moment. */
static pte_t read_entry(pte_t *ptep)
{
	spinlock_t *ptl = pte_lockptr(ptep);
	pte_t pte;

	spin_lock(ptl);
	pte = ptep_get(ptep);
	spin_unlock(ptl);
	return pte;
}

static int move_one(struct move *move)
{
	bool holes = move->mode & UFFDIO_MOVE_MODE_ALLOW_SRC_HOLES;

	move->src_ptep = pte_offset(move->mm, move->src);
	if (!move->src_ptep && !holes)
		return -ENOENT;
	move->dst_ptep = pte_alloc(move->mm, move->dst);
	if (!move->dst_ptep)
		return -ENOMEM;
	if (!pte_none(read_entry(move->dst_ptep)))
		return -EEXIST;
	move->src_pte = move->src_ptep ? read_entry(move->src_ptep) : (pte_t){ 0 };
	if (pte_none(move->src_pte))
		return holes ? 0 : -ENOENT;
	return move_entry(move);
}

/* Which of each other's pages the two vmas may have. */
static int check_vmas(const struct userfaultfd_ctx *ctx, const struct vm_area *dst,
		      const struct vm_area *src)
{
	if ((src->flags ^ dst->flags) & (VM_ACCESS_FLAGS | VM_LOCKED))
		return -EINVAL;
	if (src->page_prot.v != dst->page_prot.v || !(src->flags & VM_WRITE))
		return -EINVAL;
	if ((src->flags | dst->flags) & (VM_PFNMAP | VM_IO | VM_HUGETLB | VM_MIXEDMAP))
		return -EINVAL;
	if (dst->uffd != ctx)
		return -EINVAL;
	return vma_is_anonymous(src) && vma_is_anonymous(dst) ? 0 : -EINVAL;
}

static int find_vmas(struct userfaultfd_ctx *ctx, struct move *move, u64 len)
{
	int err = fill_find_vma(move->mm, move->dst, &move->dst_vma);

	if (err)
		return err;
	move->src_vma = vma_lookup(move->mm, move->src);
	if (!move->src_vma)
		return -ENOENT;
	if (atomic_read(&ctx->mmap_changing))
		return -EAGAIN;
	if ((move->src_vma->flags | move->dst_vma->flags) & VM_SHARED)
		return -EINVAL;
	if (move->src + len > move->src_vma->end || move->dst + len > move->dst_vma->end)
		return -EINVAL;
	return check_vmas(ctx, move->dst_vma, move->src_vma);
}

/* As far as it goes. mmap_lock read held. */
static s64 move_pages_locked(struct userfaultfd_ctx *ctx, struct move *move, u64 len)
{
	u64 moved = 0;
	int err = find_vmas(ctx, move, len);

	while (!err && moved < len) {
		do
			err = move_one(move);
		while (err == -EAGAIN);
		if (err)
			break;
		moved += PAGE_SIZE;
		move->src += PAGE_SIZE;
		move->dst += PAGE_SIZE;
	}
	return moved ? (s64)moved : err;
}

s64 uffd_move_pages(struct userfaultfd_ctx *ctx, vaddr_t dst, vaddr_t src, u64 len, u64 mode)
{
	struct move move = { .mm = ctx->mm, .dst = dst, .src = src, .mode = mode };
	s64 ret;

	VM_BUG_ON2(PAGE_OFFSET_OF(dst | src | len) || !len, dst | src, len);
	down_read(&move.mm->mmap_lock);
	ret = move_pages_locked(ctx, &move, len);
	up_read(&move.mm->mmap_lock);
	return ret;
}
