/* SPDX-License-Identifier: MIT */
/*
 * The vmas that map a file: a use of it, and a place in its i_mmap, by which the reverse map comes
 * from a page of the file to the vmas that may map it.
 *
 * i_mmap_writable counts the vmas there that are, or can be made, writable and shared. Below zero
 * it says that there can be none (a seal): see mapping_map_writable().
 */
#include "base/uapi.h"
#include "filemap/filemap.h"

static struct address_space *mapping_of(const struct vm_area *vma)
{
	return &vma->file->inode->mapping;
}

static bool is_shared_maywrite(const struct vm_area *vma)
{
	return (vma->flags & (VM_SHARED | VM_MAYWRITE)) == (VM_SHARED | VM_MAYWRITE);
}

int mapping_map_writable(struct address_space *mapping)
{
	int was = atomic_read(&mapping->i_mmap_writable);

	while (was >= 0) {
		int seen = atomic_cmpxchg(&mapping->i_mmap_writable, was, was + 1);

		if (seen == was)
			return 0;
		was = seen;
	}
	return -EPERM;
}

void mapping_unmap_writable(struct address_space *mapping)
{
	VM_BUG_ON2(atomic_read(&mapping->i_mmap_writable) <= 0, mapping->host->ino, 0);
	atomic_dec(&mapping->i_mmap_writable);
}

int mapping_deny_writable(struct address_space *mapping)
{
	int was = atomic_read(&mapping->i_mmap_writable);

	while (was <= 0) {
		int seen = atomic_cmpxchg(&mapping->i_mmap_writable, was, was - 1);

		if (seen == was)
			return 0;
		was = seen;
	}
	return -EBUSY;
}

/* ---- what the room above asks for -------------------------------------------------------- */

static void vma_get_file(struct vm_area *vma)
{
	get_file(vma->file);
}

static void vma_put_file(struct vm_area *vma)
{
	fput(vma->file);
	vma->file = NULL;
}

static void vma_lock_file(struct vm_area *vma)
{
	down_write(&mapping_of(vma)->i_mmap_rwsem);
}

static void vma_unlock_file(struct vm_area *vma)
{
	up_write(&mapping_of(vma)->i_mmap_rwsem);
}

static void vma_insert_file(struct vm_area *vma)
{
	struct address_space *mapping = mapping_of(vma);

	VM_DEBUG_ON(!rwsem_is_write_locked(&mapping->i_mmap_rwsem));
	VM_BUG_ON2(vma->in_i_mmap, vma->start, vma->end);
	if (is_shared_maywrite(vma))
		atomic_inc(&mapping->i_mmap_writable);
	vma->shared.first = vma->pgoff;
	vma->shared.last = vma->pgoff + vma_pages(vma) - 1;
	interval_insert(&mapping->i_mmap, &vma->shared);
	vma->in_i_mmap = true;
}

static void vma_remove_file(struct vm_area *vma)
{
	struct address_space *mapping = mapping_of(vma);

	VM_DEBUG_ON(!rwsem_is_write_locked(&mapping->i_mmap_rwsem));
	VM_BUG_ON2(!vma->in_i_mmap, vma->start, vma->end);
	interval_remove(&mapping->i_mmap, &vma->shared);
	vma->in_i_mmap = false;
	if (is_shared_maywrite(vma))
		mapping_unmap_writable(mapping);
}

const struct vma_file_ops vma_file_ops = {
	.get = vma_get_file,
	.put = vma_put_file,
	.lock = vma_lock_file,
	.unlock = vma_unlock_file,
	.insert = vma_insert_file,
	.remove = vma_remove_file,
};
