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
 * refcount   one for each avc on the list, one for each anon_vma whose parent this is. A
 *            child's vmas have chains to all ancestors, so an anon_vma on whose list nothing
 *            is has no children either.
 * life       the last reference frees; a child gives back its parent's first.
 *
 * Locks: the root's rwsem, for write, around every change of a family's lists and counts;
 * page_table_lock inside it decides which of two first faults gives a vma its anon_vma.
 */
#include "rmap/anon_vma.h"

#include "base/uapi.h"

const struct vma_rmap_ops vma_rmap_ops = {
	.prepare = anon_vma_prepare,
	.clone = anon_vma_clone,
	.unlink = unlink_anon_vmas,
	.had_uncowed_parents = vma_had_uncowed_parents,
	.lock = anon_vma_lock_write,
	.unlock = anon_vma_unlock_write,
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

/* A root of its own with no references yet: its first avc brings one. */
static struct anon_vma *anon_vma_alloc(struct machine *m)
{
	struct anon_vma *anon_vma = kmem_cache_alloc(m, CACHE_ANON_VMA);

	if (!anon_vma)
		return NULL;
	anon_vma->root = anon_vma;
	anon_vma->parent = anon_vma;
	init_rwsem(&anon_vma->rwsem, LC_ANON_VMA);
	list_init(&anon_vma->avcs);
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
	VM_BUG_ON(!list_empty(&anon_vma->avcs));
	VM_BUG_ON2(anon_vma->num_active_vmas, anon_vma->num_active_vmas, 0);
	VM_BUG_ON2(anon_vma->num_children, anon_vma->num_children, 0);
	kmem_cache_free(machine_of(anon_vma), CACHE_ANON_VMA, anon_vma);
}

/* No lock of the family may be held: the root may go. */
static void put_anon_vma(struct anon_vma *anon_vma)
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

/* ---- chains ------------------------------------------------------------------------------- */

/* Lock of the family held for write. */
static void avc_link(struct vm_area *vma, struct anon_vma_chain *avc, struct anon_vma *anon_vma)
{
	avc->vma = vma;
	avc->anon_vma = anon_vma;
	list_add(&avc->same_vma, &vma->anon_vma_chain);
	list_add_tail(&avc->same_anon_vma, &anon_vma->avcs);
	atomic_inc(&anon_vma->refcount);
}

/*
 * Take an avc from both lists; the reference it had is the caller's to put. The counts of an
 * anon_vma that nothing is left on are settled here, under the lock.
 */
static struct anon_vma *avc_unlink(struct anon_vma_chain *avc)
{
	struct anon_vma *anon_vma = avc->anon_vma;

	list_del_init(&avc->same_vma);
	list_del_init(&avc->same_anon_vma);
	if (list_empty(&anon_vma->avcs)) {
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
		if (list_empty(&anon_vma->avcs))
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
	WRITE_ONCE(page->mapping, (u64)(uintptr_t)anon_vma | PAGE_MAPPING_ANON);
}

void page_add_new_anon_rmap(struct page *page, struct vm_area *vma, vaddr_t addr)
{
	VM_BUG_ON2(page_mapcount(page), page_mapcount(page), page_to_pfn(page).n);
	VM_BUG_ON2(addr < vma->start || addr >= vma->end, addr, vma->start);
	set_page_anon_vma(page, vma->anon_vma);
	page->index = linear_page_index(vma, addr);
	page_init_flags(page, BIT(PG_anon_exclusive) |
				      (vma->flags & VM_DROPPABLE ? 0 : BIT(PG_swapbacked)));
	atomic_set(&page->mlock_count, 0);
	if (vma->flags & VM_LOCKED)
		page_mlock(page);
	atomic_set(&page->mapcount, 0);
}

void page_dup_anon_rmap(struct page *page)
{
	VM_BUG_ON2(page_mapcount(page) <= 0, page_mapcount(page), page_to_pfn(page).n);
	VM_BUG_ON(!page_test_anon(page));
	atomic_inc(&page->mapcount);
}

void page_mlock(struct page *page)
{
	VM_BUG_ON(!page_test_anon(page));
	if (atomic_inc_return(&page->mlock_count) == 1)
		page_clear_active(page);
}

void page_munlock(struct page *page)
{
	int left = atomic_dec_return(&page->mlock_count);

	VM_BUG_ON2(left < 0, left, page_to_pfn(page).n);
}

void page_remove_rmap(struct page *page, const struct vm_area *vma)
{
	int left = atomic_dec_return(&page->mapcount) + 1;

	VM_BUG_ON2(left < 0, left, page_to_pfn(page).n);
	if (vma->flags & VM_LOCKED)
		page_munlock(page);
}

void page_move_anon_rmap(struct page *page, struct vm_area *vma)
{
	VM_BUG_ON(!page_test_anon(page));
	set_page_anon_vma(page, vma->anon_vma);
}
