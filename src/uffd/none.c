/* SPDX-License-Identifier: MIT */
/* A build without userfaultfd: no vma is ever registered, so that nothing waits or is told. */
#include "uffd/uffd.h"

u64 userfaultfd_features(void)
{
	return 0;
}

bool userfaultfd_wp_async(const struct vm_area *vma)
{
	VM_BUG_ON(vma->uffd);
	return false;
}

bool userfaultfd_wp_use_markers(const struct vm_area *vma)
{
	VM_BUG_ON(vma->uffd);
	return false;
}

bool vma_has_uffd_without_event_remap(const struct vm_area *vma)
{
	VM_BUG_ON(vma->uffd);
	return false;
}

vm_fault_t handle_userfault(struct vm_fault *vmf, u64 reason)
{
	VM_BUG_ON2(true, vmf->address, reason);
	return VM_FAULT_SIGBUS;
}

void userfaultfd_signalled(struct machine *m)
{
	VM_BUG_ON(!list_empty(&m->uffds));
}

int dup_userfaultfd(struct vm_area *vma, struct uffd_notes *forks)
{
	VM_BUG_ON(vma->uffd || forks->first);
	return 0;
}

void dup_userfaultfd_complete(struct uffd_notes *forks)
{
	VM_BUG_ON(forks->first);
}

void dup_userfaultfd_fail(struct mm *child, struct uffd_notes *forks)
{
	(void)child;
	VM_BUG_ON(forks->first);
}

struct userfaultfd_ctx *mremap_userfaultfd_prep(struct vm_area *vma)
{
	VM_BUG_ON(vma->uffd);
	return NULL;
}

void mremap_userfaultfd_complete(struct userfaultfd_ctx *ctx, vaddr_t from, vaddr_t to, u64 len)
{
	(void)to;
	VM_BUG_ON2(ctx, from, len);
}

void mremap_userfaultfd_fail(struct userfaultfd_ctx *ctx)
{
	VM_BUG_ON(ctx);
}

bool userfaultfd_remove(struct vm_area *vma, vaddr_t start, vaddr_t end)
{
	VM_BUG_ON2(vma->uffd, start, end);
	return true;
}

int userfaultfd_unmap_prep(struct vm_area *vma, vaddr_t start, vaddr_t end,
			   struct uffd_notes *unmaps)
{
	VM_BUG_ON2(vma->uffd || unmaps->first, start, end);
	return 0;
}

void userfaultfd_unmap_forget(struct uffd_notes *unmaps, vaddr_t start, vaddr_t end)
{
	VM_BUG_ON2(unmaps->first, start, end);
}

void userfaultfd_unmap_complete(struct uffd_notes *unmaps)
{
	VM_BUG_ON(unmaps->first);
}

s64 userfaultfd_read(struct userfaultfd_ctx *ctx, struct files_struct *files, void *buf, u64 len)
{
	(void)files;
	(void)buf;
	VM_BUG_ON2(ctx, len, 0);
	return -EINVAL;
}

static void release(struct userfaultfd_ctx *ctx)
{
	VM_BUG_ON(ctx);
}

const struct file_uffd_ops file_uffd_ops = {
	.release = release,
};
