/* SPDX-License-Identifier: MIT */
/*
 * anon_vma: from an anonymous page to the vmas that may map it.
 *
 *   parent's vma ── avc ── A (root)      pages faulted in before fork say A: found through
 *                          │             both vmas' chains
 *   child's vma ─┬─ avc ───┘
 *                └─ avc ── B (parent A)  pages that the child copies say B: found in the
 *                                        child alone
 *
 * tree       the avcs of an anon_vma by the page offsets of their vmas, so that a page's walk
 *            meets only vmas that can map it; a vma whose bounds change is out of it meanwhile.
 *            Of vmas that start at the same offset the elder comes first: a child after its parent.
 * refcount   one for each avc in the tree, one for each anon_vma whose parent this is, one for
 *            each walk from a page. A child's vmas have chains to all ancestors, so an anon_vma
 *            without avcs has no children either.
 * life       the last reference frees; a child gives back its parent's after that.
 *
 * From a page: page->mapping alone keeps nothing alive. As long as the page is mapped, the vma
 * that maps it has a chain to the anon_vma; so whoever sees it mapped while nothing can be freed
 * (the lock of the slab cache) may take a reference, and with that the lock.
 *
 * Locks: the root's rwsem, for write, around every change of a family's trees and counts;
 * page_table_lock inside it decides which of two first faults gives a vma its anon_vma.
 */
#include "rmap/anon_vma.h"

#include "base/uapi.h"
#include "phys/lru.h"
#include "rmap/rmap.h"

const struct vma_rmap_ops vma_rmap_ops = {
	.prepare = anon_vma_prepare,
	.clone = anon_vma_clone,
	.unlink = unlink_anon_vmas,
	.had_uncowed_parents = vma_had_uncowed_parents,
	.lock = anon_vma_lock_write,
	.unlock = anon_vma_unlock_write,
	.insert = anon_vma_insert_vma,
	.remove = anon_vma_remove_vma,
};

/* ---- objects ------------------------------------------------------------------------------ */

void anon_vma_lock_write(struct anon_vma *anon_vma)
{
	down_write(&anon_vma->root->rwsem);
}

void anon_vma_unlock_write(struct anon_vma *anon_vma)
{
	up_write(&anon_vma->root->rwsem);
}

void anon_vma_lock_read(struct anon_vma *anon_vma)
{
	down_read(&anon_vma->root->rwsem);
}

bool anon_vma_trylock_read(struct anon_vma *anon_vma)
{
	return down_read_trylock(&anon_vma->root->rwsem);
}

void anon_vma_unlock_read(struct anon_vma *anon_vma)
{
	up_read(&anon_vma->root->rwsem);
}

/* A root of its own with no references yet: its first avc brings one. */
static struct anon_vma *anon_vma_alloc(struct machine *m)
{
	struct anon_vma *anon_vma = kmem_cache_alloc(m, CACHE_ANON_VMA);

	if (!anon_vma)
		return NULL;
	anon_vma->root = anon_vma;
	anon_vma->parent = anon_vma;
	init_rwsem(&anon_vma->rwsem, LC_ANON_VMA);
	RB_INIT(&anon_vma->avcs);
	return anon_vma;
}

static struct anon_vma_chain *avc_alloc(struct machine *m)
{
	return kmem_cache_alloc(m, CACHE_AVC);
}

static void avc_free(struct anon_vma_chain *avc)
{
	kmem_cache_free(machine_of(avc), CACHE_AVC, avc);
}

static void anon_vma_free(struct anon_vma *anon_vma)
{
	VM_BUG_ON(!RB_EMPTY(&anon_vma->avcs));
	VM_BUG_ON2(anon_vma->num_active_vmas, anon_vma->num_active_vmas, 0);
	VM_BUG_ON2(anon_vma->num_children, anon_vma->num_children, 0);
	kmem_cache_free(machine_of(anon_vma), CACHE_ANON_VMA, anon_vma);
}

void put_anon_vma(struct anon_vma *anon_vma)
{
	while (atomic_dec_and_test(&anon_vma->refcount)) {
		struct anon_vma *parent = anon_vma->parent;
		bool is_root = parent == anon_vma;

		anon_vma_free(anon_vma);
		if (is_root)
			break;
		anon_vma = parent;
	}
}

struct anon_vma *page_get_anon_vma(const struct page *page)
{
	struct machine *m = machine_of(page);
	struct anon_vma *anon_vma;

	if (!page_test_anon(page))
		return NULL;
	kmem_cache_hold(m, CACHE_ANON_VMA);
	anon_vma = page_mapcount(page) > 0 ? page_anon_vma(page) : NULL;
	/* Unmapped since, it may be about to be freed. */
	if (anon_vma && !atomic_inc_not_zero(&anon_vma->refcount))
		anon_vma = NULL;
	kmem_cache_release(m, CACHE_ANON_VMA);
	return anon_vma;
}

/* ---- chains ------------------------------------------------------------------------------- */

/* By the bounds that the vma has now. Lock of the family held for write. */
static void avc_insert(struct anon_vma_chain *avc)
{
	avc->node.first = avc->vma->pgoff;
	avc->node.last = avc->vma->pgoff + vma_pages(avc->vma) - 1;
	interval_insert(&avc->anon_vma->avcs, &avc->node);
}

/* Lock of the family held for write. */
static void avc_link(struct vm_area *vma, struct anon_vma_chain *avc, struct anon_vma *anon_vma)
{
	avc->vma = vma;
	avc->anon_vma = anon_vma;
	list_add(&avc->same_vma, &vma->anon_vma_chain);
	avc_insert(avc);
	atomic_inc(&anon_vma->refcount);
}

/*
 * Take an avc from list and tree; the reference it had is the caller's to put. The counts of an
 * anon_vma that nothing is left on are settled here, under the lock.
 */
static struct anon_vma *avc_unlink(struct anon_vma_chain *avc)
{
	struct anon_vma *anon_vma = avc->anon_vma;

	list_del_init(&avc->same_vma);
	interval_remove(&anon_vma->avcs, &avc->node);
	if (RB_EMPTY(&anon_vma->avcs)) {
		VM_BUG_ON2(!anon_vma->parent->num_children, 0, 0);
		anon_vma->parent->num_children--;
	}
	return anon_vma;
}

/* Undo what anon_vma_clone has linked so far; vma->anon_vma is left to the caller. */
static void unlink_chains(struct vm_area *vma)
{
	struct anon_vma_chain *avc, *tmp;

	list_for_each_entry_safe(avc, tmp, &vma->anon_vma_chain, same_vma) {
		struct anon_vma *root = avc->anon_vma->root;
		struct anon_vma *anon_vma;

		down_write(&root->rwsem);
		anon_vma = avc_unlink(avc);
		up_write(&root->rwsem);
		avc_free(avc);
		put_anon_vma(anon_vma);
	}
}

void unlink_anon_vmas(struct vm_area *vma)
{
	struct anon_vma *anon_vma = vma->anon_vma;

	if (anon_vma) {
		anon_vma_lock_write(anon_vma);
		VM_BUG_ON2(!anon_vma->num_active_vmas, vma->start, vma->end);
		anon_vma->num_active_vmas--;
		vma->anon_vma = NULL;
		anon_vma_unlock_write(anon_vma);
	}
	unlink_chains(vma);
}

void anon_vma_remove_vma(struct vm_area *vma)
{
	struct anon_vma_chain *avc;

	list_for_each_entry(avc, &vma->anon_vma_chain, same_vma)
		interval_remove(&avc->anon_vma->avcs, &avc->node);
}

void anon_vma_insert_vma(struct vm_area *vma)
{
	struct anon_vma_chain *avc;

	list_for_each_entry(avc, &vma->anon_vma_chain, same_vma)
		avc_insert(avc);
}

bool vma_had_uncowed_parents(const struct vm_area *vma)
{
	return vma->anon_vma && !list_is_singular(&vma->anon_vma_chain);
}

/* ---- prepare ------------------------------------------------------------------------------ */

/* Whether two neighbours could be one but for their access rights, which may still change. */
static bool anon_vma_compatible(const struct vm_area *low, const struct vm_area *high)
{
	return low->end == high->start && low->backing == high->backing &&
	       !((low->flags ^ high->flags) & ~(VM_ACCESS_FLAGS | VM_STICKY)) &&
	       high->pgoff == low->pgoff + vma_pages(low);
}

static struct anon_vma *reusable_anon_vma(struct vm_area *neighbour)
{
	/* Set after its chain was linked, by a thread that holds mmap_lock for read as we do. */
	struct anon_vma *anon_vma = smp_load_acquire(&neighbour->anon_vma);

	return anon_vma && list_is_singular(&neighbour->anon_vma_chain) ? anon_vma : NULL;
}

static struct anon_vma *find_mergeable_anon_vma(struct vm_area *vma)
{
	struct vm_area *next = vma_next(vma);
	struct vm_area *prev = vma_prev(vma);
	struct anon_vma *anon_vma = NULL;

	if (next && anon_vma_compatible(vma, next))
		anon_vma = reusable_anon_vma(next);
	if (!anon_vma && prev && anon_vma_compatible(prev, vma))
		anon_vma = reusable_anon_vma(prev);
	return anon_vma;
}

/* Another thread may be doing the same to this vma: the first to come here wins. */
static bool attach_anon_vma(struct vm_area *vma, struct anon_vma *anon_vma,
			    struct anon_vma_chain *avc)
{
	bool attached = false;

	anon_vma_lock_write(anon_vma);
	spin_lock(&vma->mm->page_table_lock);
	if (!vma->anon_vma) {
		if (RB_EMPTY(&anon_vma->avcs))
			anon_vma->num_children++; /* a root is its own child */
		avc_link(vma, avc, anon_vma);
		anon_vma->num_active_vmas++;
		smp_store_release(&vma->anon_vma, anon_vma);
		attached = true;
	}
	spin_unlock(&vma->mm->page_table_lock);
	anon_vma_unlock_write(anon_vma);
	return attached;
}

int anon_vma_prepare(struct vm_area *vma)
{
	struct machine *m = machine_of(vma);
	struct anon_vma *anon_vma, *allocated = NULL;
	struct anon_vma_chain *avc;

	if (likely(smp_load_acquire(&vma->anon_vma)))
		return 0;
	avc = avc_alloc(m);
	if (!avc)
		return -ENOMEM;
	anon_vma = find_mergeable_anon_vma(vma);
	if (!anon_vma) {
		allocated = anon_vma_alloc(m);
		if (!allocated) {
			avc_free(avc);
			return -ENOMEM;
		}
		anon_vma = allocated;
	}
	if (attach_anon_vma(vma, anon_vma, avc))
		return 0;
	avc_free(avc);
	if (allocated)
		anon_vma_free(allocated);
	return 0;
}

/* ---- clone and fork ----------------------------------------------------------------------- */

/* An ancestor's anon_vma that no vma puts pages into any more, with one child at most. */
static bool can_reuse(const struct anon_vma *anon_vma)
{
	return anon_vma->num_children < 2 && anon_vma->num_active_vmas == 0;
}

/*
 * dst->anon_vma is set by the caller (split, merge) or NULL (fork), which lets dst take over an
 * ancestor's that lies idle.
 */
int anon_vma_clone(struct vm_area *dst, struct vm_area *src)
{
	struct machine *m = machine_of(dst);
	bool may_reuse = !dst->anon_vma && src->anon_vma;

	VM_BUG_ON2(!list_empty(&dst->anon_vma_chain), dst->start, dst->end);
	/* From the tail, as avc_link adds in front: the order stays. */
	for (struct list_head *pos = src->anon_vma_chain.prev; pos != &src->anon_vma_chain;
	     pos = pos->prev) {
		struct anon_vma *anon_vma =
			list_entry(pos, struct anon_vma_chain, same_vma)->anon_vma;
		struct anon_vma_chain *avc = avc_alloc(m);

		if (!avc) {
			/* Not counted as active yet, so it must not be counted out. */
			dst->anon_vma = NULL;
			unlink_chains(dst);
			return -ENOMEM;
		}
		anon_vma_lock_write(anon_vma);
		avc_link(dst, avc, anon_vma);
		if (may_reuse && !dst->anon_vma && can_reuse(anon_vma))
			dst->anon_vma = anon_vma;
		anon_vma_unlock_write(anon_vma);
	}
	if (dst->anon_vma) {
		anon_vma_lock_write(dst->anon_vma);
		dst->anon_vma->num_active_vmas++;
		anon_vma_unlock_write(dst->anon_vma);
	}
	return 0;
}

/* An anon_vma of its own below the parent's, for the pages that the child copies. */
static int attach_child(struct vm_area *vma, struct anon_vma *parent)
{
	struct machine *m = machine_of(vma);
	struct anon_vma *anon_vma = anon_vma_alloc(m);
	struct anon_vma_chain *avc = anon_vma ? avc_alloc(m) : NULL;

	if (!avc) {
		if (anon_vma)
			anon_vma_free(anon_vma);
		return -ENOMEM;
	}
	anon_vma->root = parent->root;
	anon_vma->parent = parent;
	anon_vma_lock_write(anon_vma);
	atomic_inc(&parent->refcount);
	parent->num_children++;
	avc_link(vma, avc, anon_vma);
	anon_vma->num_active_vmas = 1;
	vma->anon_vma = anon_vma;
	anon_vma_unlock_write(anon_vma);
	return 0;
}

int anon_vma_fork(struct vm_area *vma, struct vm_area *parent_vma)
{
	int err;

	VM_BUG_ON2(vma->anon_vma, vma->start, vma->end);
	if (!parent_vma->anon_vma)
		return 0;
	err = anon_vma_clone(vma, parent_vma);
	if (err || vma->anon_vma)
		return err;
	err = attach_child(vma, parent_vma->anon_vma);
	if (err)
		unlink_chains(vma);
	return err;
}

/* ---- pages -------------------------------------------------------------------------------- */

static void set_page_anon_vma(struct page *page, struct anon_vma *anon_vma)
{
	VM_BUG_ON(!anon_vma);
	/* A walk that finds the anon_vma here finds it complete. */
	smp_store_release(&page->mapping, (u64)(uintptr_t)anon_vma | PAGE_MAPPING_ANON);
}

void page_add_new_anon_rmap(struct page *page, struct vm_area *vma, vaddr_t addr)
{
	VM_BUG_ON2(page_mapcount(page), page_mapcount(page), page_to_pfn(page).n);
	VM_BUG_ON2(addr < vma->start || addr >= vma->end, addr, vma->start);
	set_page_anon_vma(page, vma->anon_vma);
	page->index = linear_page_index(vma, addr);
	page_init_flags(page, BIT(PG_anon_exclusive) |
				      (vma->flags & VM_DROPPABLE ? 0 : BIT(PG_swapbacked)));
	if (vma->flags & VM_LOCKED)
		page_mlock(page);
	atomic_set(&page->mapcount, 0);
}

void page_add_anon_rmap_mlocked(struct page *page, struct vm_area *vma, vaddr_t addr,
				u32 rmap_flags)
{
	bool exclusive = rmap_flags & RMAP_EXCLUSIVE;

	/*
	 * A page that was read in: others may have entries of its slot, so only the root's tree is
	 * sure to have all their vmas. One that comes from the swap cache or another frame has kept
	 * what it was found by.
	 */
	if (!page_test_anon(page)) {
		page->index = linear_page_index(vma, addr);
		set_page_anon_vma(page, exclusive ? vma->anon_vma : vma->anon_vma->root);
	}
	VM_BUG_ON2(page->index != linear_page_index(vma, addr), page->index, addr);
	if (exclusive)
		page_set_anon_exclusive(page);
	VM_BUG_ON2(page_test_anon_exclusive(page) && page_mapcount(page), page_to_pfn(page).n,
		   addr);
	atomic_inc(&page->mapcount);
	if (rmap_flags & RMAP_MLOCKED)
		page_mlock(page);
}

void page_add_anon_rmap(struct page *page, struct vm_area *vma, vaddr_t addr, bool exclusive)
{
	page_add_anon_rmap_mlocked(page, vma, addr,
				   (exclusive ? RMAP_EXCLUSIVE : 0) |
					   (vma->flags & VM_LOCKED ? RMAP_MLOCKED : 0));
}

void page_dup_anon_rmap(struct page *page)
{
	VM_BUG_ON2(page_mapcount(page) <= 0, page_mapcount(page), page_to_pfn(page).n);
	VM_BUG_ON(!page_test_anon(page));
	atomic_inc(&page->mapcount);
}

void page_remove_rmap_mlocked(struct page *page, bool mlocked)
{
	int left = atomic_dec_return(&page->mapcount) + 1;

	VM_BUG_ON2(left < 0, left, page_to_pfn(page).n);
	if (mlocked)
		page_munlock(page);
}

void page_remove_rmap(struct page *page, const struct vm_area *vma)
{
	page_remove_rmap_mlocked(page, vma->flags & VM_LOCKED);
}

void page_move_anon_rmap(struct page *page, struct vm_area *vma)
{
	VM_BUG_ON(!page_test_anon(page));
	set_page_anon_vma(page, vma->anon_vma);
}
