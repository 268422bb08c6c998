/* SPDX-License-Identifier: MIT */
/*
 * Merging, in three steps: choose (what would become of the neighbours), duplicate the
 * anon_vma if the one that grows has none (the only step that can fail), commit.
 *
 *   new range          PPPP....NNNN   → PPPPPPPPPPPP  both;  PPPPPPPPNNNN  left
 *                                                             PPPPNNNNNNNN  right
 *   changed range      PPPPmmmmNNNN   → the same three; the middle one goes
 *                      PPPPmmMMNNNN   → PPPPPPMMNNNN  left, middle keeps its upper part
 *                      PPPPMMmmNNNN   → PPPPMMNNNNNN  right, middle keeps its lower part
 *
 * Whether anon_vmas can be one: a vma without anon_vma takes the other's chains. That is
 * refused when the one with pages has more than one chain, which means it still shares pages
 * with a parent process: copying its chains around would make the parent's reverse map grow
 * with every merge. The same rule keeps a range without pages from joining such a vma.
 */
#include "vma/merge.h"

#include "base/mutant.h"
#include "base/uapi.h"

/* ---- may they be one? --------------------------------------------------------------------- */

static bool attributes_match(const struct vma_merge *merge, const struct vm_area *vma)
{
	return !((vma->flags ^ merge->flags) & ~VM_STICKY) && vma->file == merge->file &&
	       vma->uffd == merge->uffd;
}

static bool had_uncowed_parents(const struct vm_area *vma)
{
	return vma && vma_rmap_ops.had_uncowed_parents(vma);
}

static bool anon_vma_matches(const struct vma_merge *merge, const struct vm_area *target)
{
	if (!target->anon_vma && merge->anon_vma)
		return !had_uncowed_parents(merge->middle) &&
		       !had_uncowed_parents(merge->copied_from);
	if (target->anon_vma && !merge->anon_vma)
		return !had_uncowed_parents(target);
	return target->anon_vma == merge->anon_vma;
}

static bool can_merge_left(const struct vma_merge *merge)
{
	const struct vm_area *prev = merge->prev;

	return prev && prev->end == merge->start && attributes_match(merge, prev) &&
	       prev->pgoff + vma_pages(prev) == merge->pgoff && anon_vma_matches(merge, prev);
}

static bool can_merge_right(const struct vma_merge *merge)
{
	const struct vm_area *next = merge->next;
	u64 pages = (merge->end - merge->start) >> PAGE_SHIFT;

	return next && next->start == merge->end && attributes_match(merge, next) &&
	       next->pgoff == merge->pgoff + pages && anon_vma_matches(merge, next);
}

/* Each may match a range that has no pages without matching the other. */
static bool neighbours_match(const struct vma_merge *merge)
{
	const struct anon_vma *a = merge->prev->anon_vma;
	const struct anon_vma *b = merge->next->anon_vma;

	return !a || !b || a == b;
}

/* ---- commit ------------------------------------------------------------------------------- */

int dup_anon_vma(struct vm_area *dst, struct vm_area *src)
{
	int err;

	if (!src || !src->anon_vma || dst->anon_vma)
		return 0;
	dst->anon_vma = src->anon_vma;
	err = vma_rmap_ops.clone(dst, src);
	if (err)
		dst->anon_vma = NULL;
	return err;
}

/* What is left when the tree and the file's reverse map have forgotten it. */
static void vma_dispose(struct vm_area *vma)
{
	vma_rmap_ops.unlink(vma);
	vm_area_free(vma);
}

void vma_remove(struct vm_area *vma)
{
	vma_unlink(vma->mm, vma);
	vma_unlink_file(vma);
	vma_dispose(vma);
}

/*
 * Around a change of the bounds of vmas of one file and one family, the first of which has the
 * family's anon_vma if any has: walks of the reverse maps see all of the change or nothing of it,
 * so that a page is found at every moment where it is mapped. The first nr_kept are found at their
 * old bounds before and at their new ones after.
 */
static void change_begin(struct vm_area *const *vmas, unsigned nr, unsigned nr_kept)
{
	if (vmas[0]->file) {
		vma_file_ops.lock(vmas[0]);
		for (unsigned i = 0; i < nr; i++)
			vma_file_ops.remove(vmas[i]);
	}
	if (vmas[0]->anon_vma) {
		vma_rmap_ops.lock(vmas[0]->anon_vma);
		for (unsigned i = 0; i < nr_kept; i++)
			vma_rmap_ops.remove(vmas[i]);
	}
}

/* The first nr of them are found by their file from now on. */
static void change_end(struct vm_area *const *vmas, unsigned nr, unsigned nr_kept)
{
	if (vmas[0]->anon_vma) {
		for (unsigned i = 0; i < nr_kept; i++)
			vma_rmap_ops.insert(vmas[i]);
		vma_rmap_ops.unlock(vmas[0]->anon_vma);
	}
	if (vmas[0]->file) {
		for (unsigned i = 0; i < nr; i++)
			vma_file_ops.insert(vmas[i]);
		vma_file_ops.unlock(vmas[0]);
	}
}

void vma_adjust(struct vm_area *vma, vaddr_t start, vaddr_t end, pgoff_t pgoff)
{
	change_begin(&vma, 1, 1);
	vma_set_range(vma, start, end, pgoff);
	change_end(&vma, 1, 1);
}

/* What of middle lies outside the target keeps its attributes. */
static void shrink_middle(const struct vma_merge *merge)
{
	struct vm_area *middle = merge->middle;

	if (merge->target == merge->prev)
		vma_set_range(middle, merge->end, middle->end,
			      linear_page_index(middle, merge->end));
	else
		vma_set_range(middle, middle->start, merge->start, middle->pgoff);
}

static struct vm_area *commit_merge(struct vma_merge *merge)
{
	struct vm_area *target = merge->target, *middle = merge->middle;
	struct vm_area *gone[2], *vmas[3] = { target };
	unsigned nr_gone = 0, nr_stay = 1;
	u64 sticky = merge->flags & VM_STICKY;

	if (merge->remove_next) {
		sticky |= merge->next->flags & VM_STICKY;
		gone[nr_gone++] = merge->next;
	}
	if (merge->remove_middle)
		gone[nr_gone++] = middle;
	else if (middle)
		vmas[nr_stay++] = middle;
	for (unsigned i = 0; i < nr_gone; i++)
		vmas[nr_stay + i] = gone[i];

	change_begin(vmas, nr_stay + nr_gone, nr_stay);
	for (unsigned i = 0; i < nr_gone; i++)
		vma_unlink(target->mm, gone[i]);
	if (nr_stay > 1)
		shrink_middle(merge);
	vma_set_range(target, merge->new_start, merge->new_end, merge->new_pgoff);
	change_end(vmas, nr_stay, nr_stay);

	for (unsigned i = 0; i < nr_gone; i++)
		vma_dispose(gone[i]);
	vma_set_flags(target, target->flags | sticky);
	return target;
}

/*
 * The range joins the neighbours that match it, and each other. Taking over the chains is the only
 * thing that can fail; afterwards the merge happens.
 */
static struct vm_area *merge_range(struct vma_merge *merge)
{
	struct vm_area *middle = merge->middle;
	struct vm_area *source = middle ? middle : merge->copied_from;
	bool from_start = !middle || merge->start == middle->start;
	bool to_end = !middle || merge->end == middle->end;
	bool left = from_start && can_merge_left(merge);
	bool right = to_end && can_merge_right(merge) && (!left || neighbours_match(merge));

	merge->err = 0;
	if ((merge->flags & VM_SPECIAL) || (!left && !right))
		return NULL;

	merge->target = left ? merge->prev : merge->next;
	merge->remove_middle = middle && from_start && to_end;
	merge->remove_next = left && right;
	merge->new_start = left ? merge->prev->start : merge->start;
	merge->new_end = right ? merge->next->end : merge->end;
	merge->new_pgoff = left ? merge->prev->pgoff : merge->pgoff;
	if (merge->remove_next && merge->next->anon_vma)
		source = merge->next;
	merge->err = dup_anon_vma(merge->target, source);
	return merge->err ? NULL : commit_merge(merge);
}

struct vm_area *vma_merge_new_range(struct vma_merge *merge)
{
	VM_BUG_ON(merge->middle);
	VM_BUG_ON2(merge->prev && merge->prev->end > merge->start, merge->start, merge->end);
	VM_BUG_ON2(merge->next && merge->next->start < merge->end, merge->start, merge->end);
	return merge_range(merge);
}

/* Split off [start, end) of vma; without memory, vma is as it was. */
static int split_range(struct vm_area *vma, vaddr_t start, vaddr_t end, struct vm_area **ret_vma)
{
	struct vm_area *part = vma;
	int err;

	if (vma->start < start) {
		err = split_vma(vma, start, &part);
		if (err)
			return err;
	}
	if (end < part->end) {
		bool at_limit = vma->mm->map_count >= machine_of(vma)->config.max_map_count;
		struct vm_area *upper;

		err = split_vma(part, end, &upper);
		if (err && part != vma && !at_limit)
			vma_unsplit(vma, part);
		if (err)
			return err;
	}
	*ret_vma = part;
	return 0;
}

int vma_modify_uffd(struct vm_area *vma, vaddr_t start, vaddr_t end, u64 flags,
		    struct userfaultfd_ctx *uffd, struct vm_area **ret_vma)
{
	struct vma_merge merge = {
		.middle = vma,
		.prev = vma_prev(vma),
		.next = vma_next(vma),
		.start = start,
		.end = end,
		.pgoff = linear_page_index(vma, start),
		.flags = flags,
		.anon_vma = vma->anon_vma,
		.file = vma->file,
		.uffd = uffd,
	};
	struct vm_area *merged;

	VM_BUG_ON2(start < vma->start || end > vma->end || start >= end, start, end);
	merged = merge_range(&merge);
	if (merge.err)
		return merge.err;
	if (merged) {
		*ret_vma = merged;
		return 0;
	}
	return split_range(vma, start, end, ret_vma);
}

int vma_modify_flags(struct vm_area *vma, vaddr_t start, vaddr_t end, u64 flags,
		     struct vm_area **ret_vma)
{
	return vma_modify_uffd(vma, start, end, flags, vma->uffd, ret_vma);
}

/* ---- splitting ---------------------------------------------------------------------------- */

struct vm_area *vm_area_dup(const struct vm_area *vma, struct mm *mm)
{
	struct vm_area *dup = vm_area_alloc(mm);

	if (!dup)
		return NULL;
	dup->start = vma->start;
	dup->end = vma->end;
	dup->pgoff = vma->pgoff;
	dup->backing = vma->backing;
	dup->uffd = vma->uffd;
	dup->file = vma->file;
	if (dup->file)
		vma_file_ops.get(dup);
	vma_set_flags(dup, vma->flags);
	return dup;
}

int vma_split_nolimit(struct vm_area *vma, vaddr_t addr, struct vm_area **ret_upper)
{
	struct vm_area *upper, *both[2];

	VM_BUG_ON2(addr <= vma->start || addr >= vma->end, addr, vma->start);
	VM_BUG_ON2(!IS_ALIGNED(addr, PAGE_SIZE), addr, vma->start);
	upper = vm_area_dup(vma, vma->mm);
	if (!upper)
		return -ENOMEM;
	upper->start = addr;
	upper->pgoff = linear_page_index(vma, addr);
	if (dup_anon_vma(upper, vma)) {
		vm_area_free(upper);
		return -ENOMEM;
	}
	*ret_upper = upper;
	if (MUTANT(split_in_two_steps)) {
		vma_adjust(vma, vma->start, addr, vma->pgoff);
		vma_link(vma->mm, upper);
		return 0;
	}
	both[0] = vma;
	both[1] = upper;
	change_begin(both, 1, 1);
	vma_set_range(vma, vma->start, addr, vma->pgoff);
	vma_insert(vma->mm, upper);
	change_end(both, 2, 1);
	return 0;
}

int split_vma(struct vm_area *vma, vaddr_t addr, struct vm_area **ret_upper)
{
	if (vma->mm->map_count >= machine_of(vma)->config.max_map_count)
		return -ENOMEM;
	return vma_split_nolimit(vma, addr, ret_upper);
}

void vma_unsplit(struct vm_area *lower, struct vm_area *upper)
{
	struct vm_area *both[2] = { lower, upper };
	vaddr_t end = upper->end;

	VM_BUG_ON2(lower->end != upper->start, lower->end, upper->start);
	VM_BUG_ON2(lower->flags != upper->flags, lower->flags, upper->flags);
	change_begin(both, 2, 1);
	vma_unlink(upper->mm, upper);
	vma_set_range(lower, lower->start, end, lower->pgoff);
	change_end(both, 1, 1);
	vma_dispose(upper);
}
