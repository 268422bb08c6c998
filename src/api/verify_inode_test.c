/* SPDX-License-Identifier: MIT */
/* Covers: R6, P1 */
/*
 * As verify_test.c, for descriptors, files, inodes and what maps them: every check of
 * verify_files.c is proven by a planted fault.
 *
 *     3, child's 3   a memfd      A shared, 0 written      B private, 0 written
 *     4              a file       R shared, 0 written, 1 read
 */
#include <stdlib.h>
#include <unistd.h>

#include "filemap/filemap.h"

/* Last: it has a machine m. */
#include "api/planted_test.h"

#define PAGE 4096ull
#define A 0x100000ull
#define B 0x200000ull
#define R 0x400000ull
#define Z 0x500000ull
#define RW (PROT_READ | PROT_WRITE)

static struct task *task, *child;
static struct inode *memfd, *regular;
static char path[] = "/tmp/usermm-inode-XXXXXX";

static struct umm_task *handle(struct task *t)
{
	return (struct umm_task *)t;
}

static struct vm_area *vma_of(u64 addr)
{
	struct vm_area *vma;

	for_each_vma(task->mm, vma)
		if (vma->start <= addr && addr < vma->end)
			return vma;
	fail_msg("no vma at %#llx", LL(addr));
	return NULL;
}

static struct page *cached(struct inode *inode, pgoff_t index)
{
	struct page *page = filemap_get_page(&inode->mapping, index, NULL);

	assert_non_null(page);
	put_page(page);
	return page;
}

/* Put something else in the place of a page. */
static void replace(struct inode *inode, pgoff_t index, xa_entry_t entry)
{
	struct xarray *pages = &inode->mapping.pages;

	spin_lock(&pages->lock);
	assert_true(xa_replace_locked(pages, index, xa_load_locked(pages, index), entry));
	spin_unlock(&pages->lock);
}

/* ---- a machine with files ---------------------------------------------------------------- */

static void map(u64 addr, int flags, int fd)
{
	assert_int_equal(umm_mmap(handle(task), addr, 2 * PAGE, RW, flags | MAP_FIXED, fd, 0),
			 addr);
}

static int set_up(void **state)
{
	struct umm_config config;
	int host = mkstemp(path);
	u64 value;

	(void)state;
	assert_true(host >= 0);
	assert_int_equal(ftruncate(host, 2 * PAGE), 0);
	(void)close(host);
	umm_config_init(&config);
	config.ram_bytes = 2 << 20;
	config.tlb_entries = 16;
	assert_int_equal(umm_machine_create(&config, (struct umm_machine **)&m), 0);
	assert_int_equal(umm_process_create((struct umm_machine *)m, (struct umm_task **)&task), 0);
	assert_int_equal(umm_memfd_create(handle(task), "x", 0), 3);
	assert_int_equal(umm_ftruncate(handle(task), 3, 2 * PAGE), 0);
	assert_int_equal(umm_open(handle(task), path, O_RDWR, 0), 4);
	map(A, MAP_SHARED, 3);
	map(B, MAP_PRIVATE, 3);
	map(R, MAP_SHARED, 4);
	map(Z, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	assert_int_equal(umm_store(handle(task), A, 8, 1, NULL), 0);
	assert_int_equal(umm_store(handle(task), B, 8, 2, NULL), 0);
	assert_int_equal(umm_store(handle(task), R, 8, 3, NULL), 0);
	assert_int_equal(umm_load(handle(task), R + PAGE, 8, &value, NULL), 0);
	assert_int_equal(umm_fork(handle(task), (struct umm_task **)&child), 0);
	assert_int_equal(umm_munmap(handle(child), 0, 1ull << 30), 0);
	assert_int_equal(umm_close(handle(child), 4), 0);
	memfd = task->files->fd[3]->inode;
	regular = task->files->fd[4]->inode;
	assert_int_equal(umm_snapshot_take((struct umm_machine *)m, &snapshot), 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	umm_snapshot_free(snapshot);
	umm_machine_destroy((struct umm_machine *)m);
	return unlink(path);
}

/* ---- references -------------------------------------------------------------------------- */

static void inode_has_one_too_many(void)
{
	memfd->refs.v++;
	WANT("inode %u: refs is 2, counted 1", memfd->ino);
}

static void file_has_one_too_few(void)
{
	task->files->fd[3]->refs.v--;
	WANT("a file of inode %u: refs is 3, counted 4", memfd->ino);
}

static void descriptors_have_one_too_many(void)
{
	task->files->refs.v++;
	WANT("machine %u: users of a table of descriptors is 2, counted 1", m->slot);
}

static void inode_nobody_uses(void)
{
	struct inode *inode = inode_alloc(m, INODE_SHMEM);

	WANT("inode %u: refs is 1, counted 0", inode->ino);
}

static void inode_forgotten(void)
{
	list_del_init(&regular->inodes);
	WANT("cache inode: 2 objects in use, found 1");
}

static void file_leaked(void)
{
	task->files->fd[5] = file_alloc(memfd, FMODE_READ);
	task->files->fd[5] = NULL;
	WANT("cache file: 3 objects in use, found 2");
}

static void descriptors_leaked(void)
{
	(void)files_alloc(m);
	WANT("cache files_struct: 3 objects in use, found 2");
}

static void node_leaked(void)
{
	(void)kmem_cache_alloc(m, CACHE_XA_NODE);
	WANT("cache xa_node: 3 objects in use, found 2");
}

static void task_without_descriptors(void)
{
	child->files = NULL;
	WANT("task %d: has no descriptors", child->tid);
}

static void descriptor_of_no_file(void)
{
	task->files->fd[9] = (struct file *)(uintptr_t)0x40;
	WANT("task %d: has a file that is none", task->tid);
}

static void descriptor_too_low(void)
{
	task->files->fd[0] = task->files->fd[3];
	WANT("task %d: descriptor 0 is not ours to give", task->tid);
}

static void file_of_no_inode(void)
{
	task->files->fd[4]->inode = NULL;
	WANT("task %d: its file has no inode", task->tid);
}

static void mode_unknown(void)
{
	task->files->fd[4]->mode = 4;
	WANT("task %d: the mode of its file is 0x4", task->tid);
}

/* ---- vmas -------------------------------------------------------------------------------- */

static void anonymous_with_a_backing(void)
{
	vma_of(Z)->backing = VMA_FILE;
	WANT("mm %u: vma %#llx: backing %u, without a file", task->mm->id, Z, VMA_FILE);
}

static void anonymous_in_a_reverse_map(void)
{
	vma_of(Z)->in_i_mmap = true;
	WANT("mm %u: vma %#llx: backing %u, without a file", task->mm->id, Z, VMA_ANON);
}

static void backing_of_another_kind(void)
{
	vma_of(B)->backing = VMA_FILE;
	WANT("mm %u: vma %#llx: backing %u is not its file's", task->mm->id, B, VMA_FILE);
}

static void vma_not_found(void)
{
	vma_of(A)->in_i_mmap = false;
	WANT("mm %u: vma %#llx: its file's reverse map does not have it", task->mm->id, A);
}

static void vma_lost_by_the_tree(void)
{
	interval_remove(&memfd->mapping.i_mmap, &vma_of(B)->shared);
	WANT("inode %u: vmas in its reverse map is 1, counted 2", memfd->ino);
}

static void vma_found_elsewhere(void)
{
	vma_of(R)->shared.first = 1;
	WANT("mm %u: vma %#llx: found by pages 1-1, maps 2 pages from 0", task->mm->id, R);
}

static void end_of_the_tree_wrong(void)
{
	vma_of(R)->shared.subtree_last = 7;
	WANT("inode %u: its reverse map is out of order at pages 0-1", regular->ino);
}

static void writable_too_many(void)
{
	memfd->mapping.i_mmap_writable.v++;
	WANT("inode %u: i_mmap_writable is 2, counted 1", memfd->ino);
}

static void writable_though_denied(void)
{
	memfd->mapping.i_mmap_writable.v = -1;
	WANT("inode %u: i_mmap_writable is %llu, counted 1", memfd->ino, ~0ull);
}

/* ---- page caches ------------------------------------------------------------------------- */

static void page_says_elsewhere(void)
{
	cached(memfd, 0)->index = 1;
	WANT("inode %u: page 0 of its cache says it is elsewhere", memfd->ino);
}

static void page_is_no_ram(void)
{
	replace(memfd, 0, (xa_entry_t)(uintptr_t)(pfn_to_page(m, pfn_of(m->nr_pages + 5))));
	WANT("inode %u: page 0 of its cache is no RAM", memfd->ino);
}

static void page_of_another_machine(void)
{
	replace(memfd, 0, (xa_entry_t)(uintptr_t)(&memfd) & ~7ull);
	WANT("inode %u: page 0 of its cache is no RAM", memfd->ino);
}

static void dirty_without_a_mark(void)
{
	cached(regular, 1)->flags |= BIT(PG_dirty);
	WANT("inode %u: page 1 of its cache is dirty, and its place is clean", regular->ino);
}

static void marked_and_clean(void)
{
	cached(regular, 0)->flags &= ~BIT(PG_dirty);
	WANT("inode %u: page 0 of its cache is clean, and its place is dirty", regular->ino);
}

static void page_beyond_the_end(void)
{
	regular->size = PAGE;
	WANT("inode %u: page 1 of its cache, of 1 in the file", regular->ino);
}

static void pages_miscounted(void)
{
	regular->mapping.nr_pages++;
	WANT("inode %u: nr_pages is 3, counted 2", regular->ino);
}

static void value_in_a_file(void)
{
	replace(regular, 1, xa_mk_value(77));
	WANT("inode %u: a value in its cache, at 1", regular->ino);
}

static void shmem_miscounted(void)
{
	memfd->alloced++;
	WANT("inode %u: alloced - swapped is 2, counted 1", memfd->ino);
}

static void promise_forgotten(void)
{
	u64 kept = (u64)m->committed_pages.v;

	memfd->vm_flags &= ~VM_NORESERVE;
	WANT("machine %u: committed_pages is %llu, counted %llu", m->slot, LL(kept), LL(kept + 1));
}

/* ---- locks ------------------------------------------------------------------------------- */

static void rwsem_held(void)
{
	regular->rwsem.state = RWSEM_WRITER;
	WANT("inode %u: rwsem is held (%#x)", regular->ino, RWSEM_WRITER);
}

static void info_lock_held(void)
{
	memfd->info_lock.word = 1;
	WANT("inode %u: info_lock is held (0x1)", memfd->ino);
}

static void invalidate_lock_held(void)
{
	regular->mapping.invalidate_lock.state = 1;
	WANT("inode %u: invalidate_lock is held (0x1)", regular->ino);
}

static void i_mmap_rwsem_held(void)
{
	regular->mapping.i_mmap_rwsem.state = 1;
	WANT("inode %u: i_mmap_rwsem is held (0x1)", regular->ino);
}

static void pages_lock_held(void)
{
	regular->mapping.pages.lock.word = 1;
	WANT("inode %u: the lock of its pages is held (0x1)", regular->ino);
}

static void descriptors_lock_held(void)
{
	task->files->lock.word = 1;
	WANT("task %d: the lock of its descriptors is held (0x1)", task->tid);
}

static void files_lock_held(void)
{
	m->files_lock.word = 1;
	WANT("machine %u: files_lock is held (0x1)", m->slot);
}

static void shmem_lock_held(void)
{
	m->shmem_lock.word = 1;
	WANT("machine %u: shmem_lock is held (0x1)", m->slot);
}

/* ---- the loop ---------------------------------------------------------------------------- */

static const struct planted faults[] = {
	FAULT(inode_has_one_too_many),
	FAULT(file_has_one_too_few),
	FAULT(descriptors_have_one_too_many),
	FAULT(inode_nobody_uses),
	FAULT(inode_forgotten),
	FAULT(file_leaked),
	FAULT(descriptors_leaked),
	FAULT(node_leaked),
	FAULT(task_without_descriptors),
	FAULT(descriptor_of_no_file),
	FAULT(descriptor_too_low),
	FAULT(file_of_no_inode),
	FAULT(mode_unknown),
	FAULT(anonymous_with_a_backing),
	FAULT(anonymous_in_a_reverse_map),
	FAULT(backing_of_another_kind),
	FAULT(vma_not_found),
	FAULT(vma_lost_by_the_tree),
	FAULT(vma_found_elsewhere),
	FAULT(end_of_the_tree_wrong),
	FAULT(writable_too_many),
	FAULT(writable_though_denied),
	FAULT(page_says_elsewhere),
	FAULT(page_is_no_ram),
	FAULT(page_of_another_machine),
	FAULT(dirty_without_a_mark),
	FAULT(marked_and_clean),
	FAULT(page_beyond_the_end),
	FAULT(pages_miscounted),
	FAULT(value_in_a_file),
	FAULT(shmem_miscounted),
	FAULT(promise_forgotten),
	FAULT(rwsem_held),
	FAULT(info_lock_held),
	FAULT(invalidate_lock_held),
	FAULT(i_mmap_rwsem_held),
	FAULT(pages_lock_held),
	FAULT(descriptors_lock_held),
	FAULT(files_lock_held),
	FAULT(shmem_lock_held),
};

static void every_planted_fault_is_found(void **state)
{
	(void)state;
	find_planted(faults, ARRAY_SIZE(faults));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_healthy_machine_is_clean),
		cmocka_unit_test(every_planted_fault_is_found),
	};

	return cmocka_run_group_tests_name("verify_inode", tests, set_up, tear_down);
}
