/* SPDX-License-Identifier: MIT */
/*
 * The tree of vmas of an address space: red-black, by address, each node knowing the free
 * bytes in front of it (gap) and the largest such gap below it (subtree_gap).
 *
 *   0        start   end    start   end
 *   |--gap-->|vma 1  |--gap->|vma 2  |  what follows the last vma is nobody's gap
 *
 * libbsd's macros rotate and recolour. They call RB_AUGMENT for the nodes that a rotation
 * turns, but not for all ancestors of a node that came or went, so after every change
 * update_path() recomputes from the lowest node affected up to the root: rotations have
 * by then put the affected node below all nodes that may be stale.
 */
struct vm_area;
static void vma_augment(struct vm_area *vma);
#define RB_AUGMENT(x) vma_augment(x)

#include "vma/vma.h"

static int vma_compare(const struct vm_area *a, const struct vm_area *b)
{
	return a->start < b->start ? -1 : a->start > b->start;
}

RB_GENERATE_INTERNAL(vma_tree, vm_area, rb, vma_compare, static __attribute__((unused)))

static void vma_augment(struct vm_area *vma)
{
	vaddr_t largest = vma->gap;

	if (RB_LEFT(vma, rb))
		largest = MAX(largest, RB_LEFT(vma, rb)->subtree_gap);
	if (RB_RIGHT(vma, rb))
		largest = MAX(largest, RB_RIGHT(vma, rb)->subtree_gap);
	vma->subtree_gap = largest;
}

static void update_path(struct vm_area *vma)
{
	for (; vma; vma = RB_PARENT(vma, rb))
		vma_augment(vma);
}

/* The gap in front of vma, or of nothing at all, follows from the one before. */
static void update_gap(struct vm_area *vma)
{
	struct vm_area *prev;

	if (!vma)
		return;
	prev = vma_prev(vma);
	VM_BUG_ON2(prev && prev->end > vma->start, prev->end, vma->start);
	vma->gap = vma->start - (prev ? prev->end : 0);
	update_path(vma);
}

/* ---- looking ------------------------------------------------------------------------------ */

static struct vm_area *tree_find(struct mm *mm, vaddr_t addr)
{
	struct vm_area *vma = RB_ROOT(&mm->vmas);
	struct vm_area *best = NULL;

	while (vma) {
		if (addr < vma->end) {
			best = vma;
			if (vma->start <= addr)
				break;
			vma = RB_LEFT(vma, rb);
		} else {
			vma = RB_RIGHT(vma, rb);
		}
	}
	return best;
}

struct vm_area *find_vma(struct mm *mm, vaddr_t addr)
{
	struct vm_area *vma = READ_ONCE(mm->vma_cache);

	VM_DEBUG_ON(!rwsem_is_locked(&mm->mmap_lock));
	if (vma && vma->start <= addr && addr < vma->end)
		return vma;
	vma = tree_find(mm, addr);
	if (vma)
		WRITE_ONCE(mm->vma_cache, vma);
	return vma;
}

struct vm_area *vma_lookup(struct mm *mm, vaddr_t addr)
{
	struct vm_area *vma = find_vma(mm, addr);

	return vma && vma->start <= addr ? vma : NULL;
}

struct vm_area *find_vma_intersection(struct mm *mm, vaddr_t start, vaddr_t end)
{
	struct vm_area *vma = find_vma(mm, start);

	return vma && vma->start < end ? vma : NULL;
}

struct vm_area *vma_first(struct mm *mm)
{
	return RB_MIN(vma_tree, &mm->vmas);
}

struct vm_area *vma_last(struct mm *mm)
{
	return RB_MAX(vma_tree, &mm->vmas);
}

struct vm_area *vma_next(struct vm_area *vma)
{
	return RB_NEXT(vma_tree, NULL, vma);
}

struct vm_area *vma_prev(struct vm_area *vma)
{
	return RB_PREV(vma_tree, NULL, vma);
}

/* ---- changing ----------------------------------------------------------------------------- */

void vma_insert(struct mm *mm, struct vm_area *vma)
{
	struct vm_area *clash;

	VM_BUG_ON2(vma->start >= vma->end, vma->start, vma->end);
	VM_BUG_ON2(vma->end > TASK_SIZE, vma->start, vma->end);
	VM_BUG_ON(vma->mm != mm);
	vma->gap = 0;
	vma->subtree_gap = 0;
	clash = RB_INSERT(vma_tree, &mm->vmas, vma);
	VM_BUG_ON2(clash, vma->start, vma->end);
	update_gap(vma);
	update_gap(vma_next(vma));
	mm->map_count++;
}

void vma_link(struct mm *mm, struct vm_area *vma)
{
	vma_insert(mm, vma);
	vma_link_file(vma);
}

void vma_link_file(struct vm_area *vma)
{
	if (!vma->file)
		return;
	vma_file_ops.lock(vma);
	vma_file_ops.insert(vma);
	vma_file_ops.unlock(vma);
}

void vma_unlink_file(struct vm_area *vma)
{
	if (!vma->in_i_mmap)
		return;
	vma_file_ops.lock(vma);
	vma_file_ops.remove(vma);
	vma_file_ops.unlock(vma);
}

/* Where a removal leaves the tree stale: the parent of the node that leaves its place. */
static struct vm_area *lowest_affected(struct vm_area *vma)
{
	struct vm_area *successor;

	if (!RB_LEFT(vma, rb) || !RB_RIGHT(vma, rb))
		return RB_PARENT(vma, rb);
	successor = vma_next(vma);
	return RB_PARENT(successor, rb) == vma ? successor : RB_PARENT(successor, rb);
}

void vma_unlink(struct mm *mm, struct vm_area *vma)
{
	struct vm_area *next = vma_next(vma);
	struct vm_area *affected = lowest_affected(vma);

	VM_BUG_ON2(!mm->map_count, vma->start, vma->end);
	(void)RB_REMOVE(vma_tree, &mm->vmas, vma);
	update_path(affected);
	update_gap(next);
	mm->map_count--;
	if (READ_ONCE(mm->vma_cache) == vma)
		WRITE_ONCE(mm->vma_cache, NULL);
}

void vma_set_range(struct vm_area *vma, vaddr_t start, vaddr_t end, pgoff_t pgoff)
{
	VM_BUG_ON2(start >= end, start, end);
	VM_BUG_ON2(!IS_ALIGNED(start | end, PAGE_SIZE), start, end);
	vma->start = start;
	vma->end = end;
	vma->pgoff = pgoff;
	update_gap(vma);
	update_gap(vma_next(vma));
}

/* ---- objects ------------------------------------------------------------------------------ */

/* The lowest flags are the rights, bit for bit. */
_Static_assert(PROT_RIGHT_READ == 1 << 0 && PROT_RIGHT_WRITE == 1 << 1 &&
		       PROT_RIGHT_EXEC == 1 << 2 && PROT_RIGHT_SHARED == 1 << 3,
	       "as VM_FLAGS numbers them");

pgprot_t vm_get_page_prot(u64 flags)
{
	return arch_page_prot((u32)(flags & (VM_ACCESS_FLAGS | VM_SHARED)));
}

/* Whether the first write to each page of a shared mapping has to be seen. */
static bool wants_write_notify(const struct vm_area *vma, u64 flags)
{
	if ((flags & (VM_WRITE | VM_SHARED)) != (VM_WRITE | VM_SHARED))
		return false;
	if (vma->backing == VMA_FILE || (flags & VM_UFFD_WP))
		return true;
	return machine_of(vma)->config.soft_dirty && !(flags & VM_SOFTDIRTY);
}

pgprot_t vma_page_prot(const struct vm_area *vma, u64 flags)
{
	if (wants_write_notify(vma, flags))
		flags &= ~VM_SHARED;
	return vm_get_page_prot(flags);
}

void vma_set_flags(struct vm_area *vma, u64 flags)
{
	/* Walks of the reverse maps look without mmap_lock. */
	WRITE_ONCE(vma->flags, flags);
	WRITE_ONCE(vma->page_prot.v, vma_page_prot(vma, flags).v);
}

struct vm_area *vm_area_alloc(struct mm *mm)
{
	struct vm_area *vma = kmem_cache_alloc(machine_of(mm), CACHE_VMA);

	if (!vma)
		return NULL;
	vma->mm = mm;
	vma->backing = VMA_ANON;
	list_init(&vma->anon_vma_chain);
	return vma;
}

void vm_area_free(struct vm_area *vma)
{
	VM_BUG_ON(vma->anon_vma);
	VM_BUG_ON(!list_empty(&vma->anon_vma_chain));
	VM_BUG_ON2(vma->in_i_mmap, vma->start, vma->end);
	if (vma->file)
		vma_file_ops.put(vma);
	kmem_cache_free(machine_of(vma), CACHE_VMA, vma);
}
