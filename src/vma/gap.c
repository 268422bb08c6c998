/* SPDX-License-Identifier: MIT */
/*
 * The search for free room: from mmap_base downwards, and where that finds nothing, from a
 * third of the address space upwards. The gap below a stack that may grow is not free.
 *
 *   0   mmap_min_addr        TASK_SIZE/3                     mmap_base       TASK_SIZE
 *   |   |                    | ── bottom-up ──────────────────────────────── ►|
 *   |   | ◄────────────────────── top-down ──────────────────|
 */
#include "vma/gap.h"

#include "base/uapi.h"

#define BOTTOM_UP_BASE PAGE_ALIGN(TASK_SIZE / 3)
#define MAP_32BIT_START 0x40000000ull
#define MAP_32BIT_END 0x80000000ull
#define FOUR_GIB (1ull << 32)

/* x86 has these; elsewhere the bits mean nothing. */
#ifndef MAP_32BIT
#define MAP_32BIT 0x40
#endif
#ifndef MAP_ABOVE4G
#define MAP_ABOVE4G 0x80
#endif

struct gap_search {
	/* input */
	struct mm *mm;
	u64 len;
	/* scratch: shrinks when a stack's guard gap is in the way */
	vaddr_t low, high;
};

vaddr_t vm_start_gap(const struct vm_area *vma)
{
	u64 gap = 0;

	if (vma->flags & VM_GROWSDOWN)
		gap = (u64)machine_of(vma)->config.stack_guard_gap_pages << PAGE_SHIFT;
	return vma->start > gap ? vma->start - gap : 0;
}

/* Whether [start, end), clipped to what is searched, is long enough. */
static bool fits(const struct gap_search *search, vaddr_t start, vaddr_t end)
{
	start = MAX(start, search->low);
	end = MIN(end, search->high);
	return start < end && end - start >= search->len;
}

static bool gap_fits(const struct gap_search *search, const struct vm_area *vma)
{
	return fits(search, vma->start - vma->gap, vma->start);
}

/* The highest, or lowest, vma below node with a gap in front that fits. */
static struct vm_area *highest_gap(const struct gap_search *search, struct vm_area *node)
{
	while (node && node->subtree_gap >= search->len) {
		struct vm_area *found = NULL;

		if (node->end < search->high)
			found = highest_gap(search, RB_RIGHT(node, rb));
		if (found)
			return found;
		if (gap_fits(search, node))
			return node;
		if (node->start <= search->low)
			return NULL;
		node = RB_LEFT(node, rb);
	}
	return NULL;
}

static struct vm_area *lowest_gap(const struct gap_search *search, struct vm_area *node)
{
	while (node && node->subtree_gap >= search->len) {
		struct vm_area *found = NULL;

		if (node->start > search->low)
			found = lowest_gap(search, RB_LEFT(node, rb));
		if (found)
			return found;
		if (gap_fits(search, node))
			return node;
		if (node->end >= search->high)
			return NULL;
		node = RB_RIGHT(node, rb);
	}
	return NULL;
}

/* One step of a search: the vma above the gap (NULL: the end) and the address, or -ENOMEM. */
static u64 find_topdown(const struct gap_search *search, struct vm_area **ret_above)
{
	struct vm_area *last = vma_last(search->mm);
	struct vm_area *above;

	*ret_above = NULL;
	if (fits(search, last ? last->end : 0, TASK_SIZE))
		return MIN(search->high, TASK_SIZE) - search->len;
	above = highest_gap(search, RB_ROOT(&search->mm->vmas));
	if (!above)
		return (u64)-ENOMEM;
	*ret_above = above;
	return MIN(above->start, search->high) - search->len;
}

static u64 find_bottomup(const struct gap_search *search, struct vm_area **ret_above)
{
	struct vm_area *above = lowest_gap(search, RB_ROOT(&search->mm->vmas));
	struct vm_area *last = vma_last(search->mm);

	*ret_above = above;
	if (above)
		return MAX(above->start - above->gap, search->low);
	if (!fits(search, last ? last->end : 0, TASK_SIZE))
		return (u64)-ENOMEM;
	return MAX(last ? last->end : 0, search->low);
}

static u64 unmapped_area_topdown(struct gap_search *search)
{
	for (;;) {
		struct vm_area *above;
		u64 addr = find_topdown(search, &above);

		if (is_error_value(addr) || !above)
			return addr;
		if (vm_start_gap(above) >= addr + search->len)
			return addr;
		search->high = vm_start_gap(above);
	}
}

static u64 unmapped_area_bottomup(struct gap_search *search)
{
	for (;;) {
		struct vm_area *above;
		u64 addr = find_bottomup(search, &above);

		if (is_error_value(addr) || !above)
			return addr;
		if (vm_start_gap(above) >= addr + search->len)
			return addr;
		search->low = above->end;
	}
}

/* ---- what mmap asks ----------------------------------------------------------------------- */

vaddr_t round_hint_to_min(const struct mm *mm, vaddr_t hint)
{
	vaddr_t min_addr = machine_of(mm)->config.mmap_min_addr;

	hint &= PAGE_MASK;
	return hint && hint < min_addr ? PAGE_ALIGN(min_addr) : hint;
}

static bool hint_is_free(struct mm *mm, vaddr_t addr, u64 len)
{
	struct vm_area *vma;

	if (addr > TASK_SIZE - len)
		return false;
	vma = find_vma(mm, addr);
	return !vma || addr + len <= vm_start_gap(vma);
}

static u64 area_bottomup(struct mm *mm, vaddr_t addr, u64 len, u32 flags)
{
	bool low = flags & MAP_32BIT;
	struct gap_search search = {
		.mm = mm,
		.len = len,
		.low = low ? MAP_32BIT_START : BOTTOM_UP_BASE,
		.high = low ? MAP_32BIT_END : TASK_SIZE,
	};

	if (len > search.high)
		return (u64)-ENOMEM;
	addr = PAGE_ALIGN(addr);
	if (addr && search.high - len >= addr && hint_is_free(mm, addr, len))
		return addr;
	search.low = MAX(search.low, machine_of(mm)->config.mmap_min_addr);
	return unmapped_area_bottomup(&search);
}

static u64 area_topdown(struct mm *mm, vaddr_t addr, u64 len, u32 flags)
{
	struct gap_search search = {
		.mm = mm,
		.len = len,
		.low = flags & MAP_ABOVE4G ? FOUR_GIB : PAGE_SIZE,
		.high = mm->mmap_base,
	};
	u64 found;

	if (len > TASK_SIZE)
		return (u64)-ENOMEM;
	if (flags & MAP_FIXED)
		return addr;
	if (flags & MAP_32BIT)
		return area_bottomup(mm, addr, len, flags);
	addr &= PAGE_MASK;
	if (addr && hint_is_free(mm, addr, len))
		return addr;
	search.low = MAX(search.low, machine_of(mm)->config.mmap_min_addr);
	found = unmapped_area_topdown(&search);
	if (!is_error_value(found))
		return found;
	return area_bottomup(mm, addr, len, flags);
}

/*
 * On a 2 MiB boundary, so that huge pages can back it: search for 2 MiB more than needed and
 * take the highest aligned part. 0: no such room.
 */
static u64 area_large_aligned(struct mm *mm, u64 len, u32 flags)
{
	u64 found;

	found = area_topdown(mm, 0, len + PMD_SIZE, flags);
	if (is_error_value(found) || !found)
		return 0;
	if (IS_ALIGNED(found, PMD_SIZE))
		return found + PMD_SIZE;
	return ALIGN_UP(found, PMD_SIZE);
}

u64 get_unmapped_area(struct mm *mm, const struct file *file, vaddr_t addr, u64 len, u32 flags)
{
	u64 found = 0;

	VM_BUG_ON2(!len || !IS_ALIGNED(len, PAGE_SIZE), len, addr);
	if (len > TASK_SIZE)
		return (u64)-ENOMEM;
	if (!file && !addr && IS_ALIGNED(len, PMD_SIZE) && !(flags & (MAP_FIXED | MAP_SHARED)))
		found = area_large_aligned(mm, len, flags);
	if (!found)
		found = area_topdown(mm, addr, len, flags);
	if (is_error_value(found))
		return found;
	if (found > TASK_SIZE - len)
		return (u64)-ENOMEM;
	if (!IS_ALIGNED(found, PAGE_SIZE))
		return (u64)-EINVAL;
	if (!(flags & MAP_FIXED))
		trace(machine_of(mm), TRACE_VM_UNMAPPED_AREA, found, len);
	return found;
}
