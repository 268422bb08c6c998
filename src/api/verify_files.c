/* SPDX-License-Identifier: MIT */
/*
 * verify: files. References are counted on the way down, from tasks and vmas:
 *
 *   tasks ── files_struct ── descriptors ─┐
 *                     vmas ───────────────┴── file ── inode ── i_mmap, page cache
 *
 * and then every inode of the machine is compared with what was counted for it. Each page in a
 * cache gets the reference that its place holds.
 */
#include "api/verify_internal.h"

#include "filemap/filemap.h"

/* ---- records ----------------------------------------------------------------------------- */

struct ref_record *ref_record_of(struct verify *v, const void *object)
{
	u64 i = ((uintptr_t)object >> 6) * 0x9e3779b97f4a7c15ull >> 20 & v->refs_mask;

	while (v->refs[i].object && v->refs[i].object != object)
		i = (i + 1) & v->refs_mask;
	v->refs[i].object = object;
	return &v->refs[i];
}

bool count_ref(struct verify *v, const void *object, enum ref_kind kind)
{
	struct ref_record *record = ref_record_of(v, object);

	record->kind = kind;
	return record->refs++ == 0;
}

/* ---- from tasks and vmas down ------------------------------------------------------------ */

/* One use of a file. */
static void verify_file(struct verify *v, const struct file *file, const char *by, u64 id)
{
	if (!in_heap(v, file)) {
		finding(v, "%s %llu: has a file that is none", by, (unsigned long long)id);
		return;
	}
	if (!count_ref(v, file, REF_FILE))
		return;
	v->nr_files++;
	if (!file->mode || (file->mode & ~(u32)(FMODE_READ | FMODE_WRITE)))
		finding(v, "%s %llu: the mode of its file is %#x", by, (unsigned long long)id,
			file->mode);
	if (file->uffd && !file->inode && in_heap(v, file->uffd))
		(void)count_ref(v, file->uffd, REF_UFFD);
	else if (!in_heap(v, file->inode) || file->uffd)
		finding(v, "%s %llu: its file has no inode", by, (unsigned long long)id);
	else
		(void)count_ref(v, file->inode, REF_INODE);
}

static void verify_descriptors(struct verify *v, const struct task *task)
{
	const struct files_struct *files = task->files;

	if (!in_heap(v, files)) {
		finding(v, "task %d: has no descriptors", task->tid);
		return;
	}
	if (!count_ref(v, files, REF_FILES))
		return;
	v->nr_files_structs++;
	expect_unlocked(v, "task", (u64)task->tid, "the lock of its descriptors", files->lock.word);
	for (int fd = 0; fd < MAX_FDS; fd++) {
		if (files->fd[fd] && fd < FIRST_FD)
			finding(v, "task %d: descriptor %d is not ours to give", task->tid, fd);
		if (files->fd[fd])
			verify_file(v, files->fd[fd], "task", (u64)task->tid);
	}
}

/* The place of a vma in the reverse map of its file; counted for the inode. */
static void verify_place(struct verify *v, const struct vm_area *vma)
{
	const u64 shared_maywrite = VM_SHARED | VM_MAYWRITE;
	struct ref_record *record = ref_record_of(v, vma->file->inode);
	bool is_shmem = vma->file->inode->kind == INODE_SHMEM;
	u64 id = vma->mm->id;

	if ((vma->backing == VMA_SHMEM) != is_shmem)
		finding(v, "mm %llu: vma %#llx: backing %u is not its file's",
			(unsigned long long)id, (unsigned long long)vma->start, (u32)vma->backing);
	if (!vma->in_i_mmap) {
		finding(v, "mm %llu: vma %#llx: its file's reverse map does not have it",
			(unsigned long long)id, (unsigned long long)vma->start);
		return;
	}
	record->vmas++;
	if ((vma->flags & shared_maywrite) == shared_maywrite)
		record->writable++;
	if (vma->shared.first != vma->pgoff || vma->shared.last != vma->pgoff + vma_pages(vma) - 1)
		finding(v,
			"mm %llu: vma %#llx: found by pages %llu-%llu, maps %llu pages from %llu",
			(unsigned long long)id, (unsigned long long)vma->start,
			(unsigned long long)vma->shared.first, (unsigned long long)vma->shared.last,
			(unsigned long long)vma_pages(vma), (unsigned long long)vma->pgoff);
}

static void verify_vma_file(struct verify *v, const struct vm_area *vma)
{
	if (!vma->file) {
		if (vma->backing != VMA_ANON || vma->in_i_mmap)
			finding(v, "mm %u: vma %#llx: backing %u, without a file", vma->mm->id,
				(unsigned long long)vma->start, (u32)vma->backing);
		return;
	}
	verify_file(v, vma->file, "mm", vma->mm->id);
	if (in_heap(v, vma->file) && in_heap(v, vma->file->inode))
		verify_place(v, vma);
}

static void count_refs(struct verify *v)
{
	const struct task *task;
	struct vm_area *vma;
	struct mm *mm;

	list_for_each_entry(task, &v->m->tasks, tasks)
		verify_descriptors(v, task);
	list_for_each_entry(mm, &v->m->mms, mms) {
		if (!mm_record_of(v, mm))
			continue;
		for_each_vma(mm, vma)
			verify_vma_file(v, vma);
	}
}

/* ---- what was counted, compared ---------------------------------------------------------- */

/* Of inodes: when their turn comes. */
static void compare_refs(struct verify *v)
{
	for (u64 i = 0; i <= v->refs_mask; i++) {
		const struct ref_record *record = &v->refs[i];
		const struct file *file = record->object;
		const struct files_struct *files = record->object;

		if (!record->object)
			continue;
		if (record->kind == REF_FILE)
			expect_equal(v, "a file of inode", file->inode ? file->inode->ino : 0,
				     "refs", (u64)file->refs.v, record->refs);
		else if (record->kind == REF_FILES)
			expect_equal(v, "machine", v->m->slot, "users of a table of descriptors",
				     (u64)files->refs.v, record->refs);
	}
}

/* Nodes of a reverse map, the ends that each one knows, and their order. */
static u64 count_nodes(struct verify *v, const struct inode *inode,
		       const struct interval_node *node, pgoff_t *ret_last)
{
	pgoff_t left = 0, right = 0;
	u64 nr;

	*ret_last = 0;
	if (!node)
		return 0;
	nr = 1 + count_nodes(v, inode, RB_LEFT(node, rb), &left) +
	     count_nodes(v, inode, RB_RIGHT(node, rb), &right);
	*ret_last = MAX(node->last, MAX(left, right));
	if (node->subtree_last != *ret_last ||
	    (RB_LEFT(node, rb) && RB_LEFT(node, rb)->first > node->first) ||
	    (RB_RIGHT(node, rb) && RB_RIGHT(node, rb)->first < node->first))
		finding(v, "inode %u: its reverse map is out of order at pages %llu-%llu",
			inode->ino, (unsigned long long)node->first,
			(unsigned long long)node->last);
	return nr;
}

static void verify_mappings(struct verify *v, struct inode *inode, const struct ref_record *record)
{
	struct address_space *mapping = &inode->mapping;
	int writable = mapping->i_mmap_writable.v;
	pgoff_t last;

	expect_equal(v, "inode", inode->ino, "vmas in its reverse map",
		     count_nodes(v, inode, RB_ROOT(&mapping->i_mmap), &last), record->vmas);
	/* Below zero nothing may be counted. */
	if (writable >= 0 || record->writable)
		expect_equal(v, "inode", inode->ino, "i_mmap_writable", (u64)writable,
			     record->writable);
}

/* A page in the cache at index. */
static void verify_cached(struct verify *v, struct inode *inode, pgoff_t index,
			  const struct page *page)
{
	struct address_space *mapping = &inode->mapping;
	pfn_t pfn = pfn_of(0);
	bool marked = xa_get_mark_locked(&mapping->pages, index, XA_MARK_DIRTY);
	u64 file_pages = PAGE_ALIGN(inode->size) >> PAGE_SHIFT;

	if (machine_of(page) == v->m)
		pfn = page_to_pfn(page);
	if (!frame_exists(v, pfn)) {
		finding(v, "inode %u: page %llu of its cache is no RAM", inode->ino,
			(unsigned long long)index);
		return;
	}
	v->frames[pfn.n].refs++;
	v->frames[pfn.n].caches++;
	if (page->mapping != (u64)(uintptr_t)mapping || page->index != index)
		finding(v, "inode %u: page %llu of its cache says it is elsewhere", inode->ino,
			(unsigned long long)index);
	if (inode->kind != INODE_REGULAR)
		return;
	if (marked != !!(page->flags & BIT(PG_dirty)))
		finding(v, "inode %u: page %llu of its cache is %s, and its place is %s",
			inode->ino, (unsigned long long)index, marked ? "clean" : "dirty",
			marked ? "dirty" : "clean");
	if (index >= file_pages)
		finding(v, "inode %u: page %llu of its cache, of %llu in the file", inode->ino,
			(unsigned long long)index, (unsigned long long)file_pages);
}

static void verify_cache(struct verify *v, struct inode *inode)
{
	struct xarray *pages = &inode->mapping.pages;
	u64 nr_pages = 0, nr_swapped = 0;
	xa_entry_t entry;

	/* Looks held to what asks, and the simulator sees nothing of it. */
	pages->lock.word = 1;
	for (pgoff_t index = 0; (entry = xa_find_locked(pages, &index, ~0ull)); index++) {
		if (xa_is_value(entry)) {
			verify_swap_value(v, inode, index, xa_to_value(entry), &nr_swapped);
		} else {
			nr_pages++;
			verify_cached(v, inode, index, xa_to_pointer(entry));
		}
	}
	pages->lock.word = 0;
	v->nr_xa_nodes += pages->nr_nodes;
	expect_equal(v, "inode", inode->ino, "nr_pages", inode->mapping.nr_pages, nr_pages);
	verify_swapped_inode(v, inode, nr_swapped);
}

/* Pages promised to a shmem file: all of it, or those that it has. */
static void verify_shmem(struct verify *v, const struct inode *inode)
{
	u64 pages = PAGE_ALIGN(inode->size) >> PAGE_SHIFT;

	if (inode->kind != INODE_SHMEM)
		return;
	if (inode->vm_flags & VM_NORESERVE)
		pages = (u64)inode->alloced;
	v->committed_pages += pages;
	expect_equal(v, "inode", inode->ino, "alloced - swapped",
		     (u64)(inode->alloced - inode->swapped), inode->mapping.nr_pages);
}

static void verify_inode_locks(struct verify *v, const struct inode *inode)
{
	const struct address_space *mapping = &inode->mapping;

	expect_unlocked(v, "inode", inode->ino, "rwsem", inode->rwsem.state);
	expect_unlocked(v, "inode", inode->ino, "info_lock", inode->info_lock.word);
	expect_unlocked(v, "inode", inode->ino, "invalidate_lock", mapping->invalidate_lock.state);
	expect_unlocked(v, "inode", inode->ino, "i_mmap_rwsem", mapping->i_mmap_rwsem.state);
	expect_unlocked(v, "inode", inode->ino, "the lock of its pages", mapping->pages.lock.word);
}

static void verify_inodes(struct verify *v)
{
	struct inode *inode;

	list_for_each_entry(inode, &v->m->inodes, inodes) {
		const struct ref_record *record = ref_record_of(v, inode);

		v->nr_inodes++;
		expect_equal(v, "inode", inode->ino, "refs", (u64)inode->refs.v, record->refs);
		verify_inode_locks(v, inode);
		verify_mappings(v, inode, record);
		if (!inode->mapping.pages.lock.word)
			verify_cache(v, inode);
		verify_shmem(v, inode);
	}
}

void verify_files(struct verify *v)
{
	count_refs(v);
	compare_refs(v);
	verify_inodes(v);
}
