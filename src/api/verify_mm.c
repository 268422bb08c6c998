/* SPDX-License-Identifier: MIT */
/* verify: the vmas of an mm, their tree, and what the mm keeps counted of them. */
#include "api/verify_internal.h"

struct vma_sums {
	u64 map_count, total, locked, data, exec, stack;
};

/* Which of the counters of the mm a vma belongs to, besides total_vm. */
static void add_vma(struct vma_sums *sums, const struct vm_area *vma)
{
	u64 pages = vma_pages(vma);
	u64 flags = vma->flags;

	sums->map_count++;
	sums->total += pages;
	if (flags & VM_LOCKED)
		sums->locked += pages;
	if ((flags & (VM_EXEC | VM_WRITE | VM_GROWSDOWN)) == VM_EXEC)
		sums->exec += pages;
	else if (flags & VM_GROWSDOWN)
		sums->stack += pages;
	else if ((flags & (VM_WRITE | VM_SHARED)) == VM_WRITE)
		sums->data += pages;
}

static void verify_vma_bounds(struct verify *v, const struct vm_area *vma, vaddr_t prev_end)
{
	u32 id = vma->mm->id;

	if (vma->start >= vma->end || !IS_ALIGNED(vma->start | vma->end, PAGE_SIZE) ||
	    vma->end > TASK_SIZE)
		finding(v, "mm %u: vma %#llx-%#llx is no range of pages", id,
			(unsigned long long)vma->start, (unsigned long long)vma->end);
	if (vma->start < prev_end)
		finding(v, "mm %u: vma %#llx-%#llx begins before %#llx, the end of the one before",
			id, (unsigned long long)vma->start, (unsigned long long)vma->end,
			(unsigned long long)prev_end);
	else if (vma->gap != vma->start - prev_end)
		finding(v, "mm %u: vma %#llx: gap is %#llx, counted %#llx", id,
			(unsigned long long)vma->start, (unsigned long long)vma->gap,
			(unsigned long long)(vma->start - prev_end));
}

static void verify_vma(struct verify *v, const struct vm_area *vma, const struct mm *mm)
{
	if (vma->mm != mm)
		finding(v, "mm %u: vma %#llx is in its tree and says it is of mm %u", mm->id,
			(unsigned long long)vma->start, vma->mm ? vma->mm->id : 0);
	if (vma->page_prot.v != vma_page_prot(vma, vma->flags).v)
		finding(v, "mm %u: vma %#llx: page_prot is %#llx, by its flags %#llx", mm->id,
			(unsigned long long)vma->start, (unsigned long long)vma->page_prot.v,
			(unsigned long long)vma_page_prot(vma, vma->flags).v);
	if (!v->m->config.soft_dirty && (vma->flags & VM_SOFTDIRTY))
		finding(v, "mm %u: vma %#llx is soft-dirty, which this machine does not track",
			mm->id, (unsigned long long)vma->start);
	if (vma->backing >= NR_VMA_BACKINGS)
		finding(v, "mm %u: vma %#llx: backing %u does not exist", mm->id,
			(unsigned long long)vma->start, (u32)vma->backing);
}

/* The largest gap of a subtree, counted; every node must have that of its own. */
static u64 verify_subtree(struct verify *v, const struct vm_area *vma)
{
	u64 gap, below;

	if (!vma)
		return 0;
	gap = vma->gap;
	below = verify_subtree(v, RB_LEFT(vma, rb));
	gap = MAX(gap, below);
	below = verify_subtree(v, RB_RIGHT(vma, rb));
	gap = MAX(gap, below);
	if (vma->subtree_gap != gap)
		finding(v, "mm %u: vma %#llx: subtree_gap is %#llx, counted %#llx", vma->mm->id,
			(unsigned long long)vma->start, (unsigned long long)vma->subtree_gap,
			(unsigned long long)gap);
	return gap;
}

static void compare_sums(struct verify *v, const struct mm *mm, const struct vma_sums *sums)
{
	expect_equal(v, "mm", mm->id, "map_count", mm->map_count, sums->map_count);
	expect_equal(v, "mm", mm->id, "total_vm", mm->total_vm, sums->total);
	expect_equal(v, "mm", mm->id, "locked_vm", mm->locked_vm,
		     sums->locked + mm->locked_vm_lost);
	expect_equal(v, "mm", mm->id, "data_vm", mm->data_vm, sums->data);
	expect_equal(v, "mm", mm->id, "exec_vm", mm->exec_vm, sums->exec);
	expect_equal(v, "mm", mm->id, "stack_vm", mm->stack_vm, sums->stack);
}

void verify_vmas(struct verify *v, struct mm *mm)
{
	struct vma_sums sums = { 0 };
	bool hint_found = !mm->vma_cache;
	struct vm_area *vma;
	vaddr_t prev_end = 0;

	for_each_vma(mm, vma) {
		verify_vma_bounds(v, vma, prev_end);
		verify_vma(v, vma, mm);
		verify_chains(v, vma);
		add_vma(&sums, vma);
		if (vma->flags & VM_ACCOUNT)
			v->committed_pages += vma_pages(vma);
		hint_found |= vma == mm->vma_cache;
		prev_end = vma->end;
	}
	v->nr_vmas += sums.map_count;
	if (!hint_found)
		finding(v, "mm %u: vma_cache names a vma that is not in the tree", mm->id);
	(void)verify_subtree(v, RB_ROOT(&mm->vmas));
	compare_sums(v, mm, &sums);
}
