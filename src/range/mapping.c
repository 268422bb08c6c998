/* SPDX-License-Identifier: MIT */
/*
 * What the page cache needs of the tables: zapping a file's pages wherever they are mapped.
 *
 * i_mmap_rwsem is held for read. It stands in for mmap_lock: a vma leaves the tree of its file
 * before its tables are freed, and changes its bounds only with the lock held for write.
 */
#include "range/range.h"

#include "base/mutant.h"
#include "rmap/rmap.h"

static void unmap_mapping_range(struct address_space *mapping, pgoff_t first, pgoff_t last,
				const struct zap_details *details)
{
	struct interval_node *node;

	down_read(&mapping->i_mmap_rwsem);
	for_each_interval(node, &mapping->i_mmap, first, last)
	{
		struct vm_area *vma = container_of(node, struct vm_area, shared);
		pgoff_t from = MAX(first, node->first);
		pgoff_t to = MIN(last, node->last);

		zap_page_range_single(vma, vma->start + ((from - vma->pgoff) << PAGE_SHIFT),
				      vma->start + ((to - vma->pgoff + 1) << PAGE_SHIFT), details);
	}
	up_read(&mapping->i_mmap_rwsem);
}

void unmap_mapping_pages(struct address_space *mapping, pgoff_t first, u64 nr, bool even_cows)
{
	struct zap_details details = { .skip_cows = !even_cows, .flags = ZAP_BY_RMAP };
	pgoff_t last = first + nr - 1;

	if (!nr)
		return;
	if (MUTANT(punch_first_pass_drops_marker))
		details.flags |= ZAP_DROP_MARKERS;
	if (MUTANT(even_cows_inverted))
		details.skip_cows = even_cows;
	unmap_mapping_range(mapping, first, last < first ? ~0ull : last, &details);
}

void unmap_mapping_page(struct page *page)
{
	struct zap_details details = {
		.single_page = page,
		.skip_cows = true,
		.flags = ZAP_DROP_MARKERS | ZAP_BY_RMAP,
	};

	VM_BUG_ON2(!page_test_locked(page), page->flags, page_to_pfn(page).n);
	unmap_mapping_range(page_mapping_file(page), page->index, page->index, &details);
}

static bool mkclean(struct page *page)
{
	return page_mkclean(page) > 0;
}

const struct filemap_ops filemap_ops = {
	.unmap_pages = unmap_mapping_pages,
	.unmap_page = unmap_mapping_page,
	.mkclean = mkclean,
};
