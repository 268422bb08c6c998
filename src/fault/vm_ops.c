/* SPDX-License-Identifier: MIT */
/* What backs a vma, by number. */
#include "fault/fault.h"
#include "filemap/filemap.h"
#include "shmem/shmem.h"

const struct vm_operations *const vm_operations[NR_VMA_BACKINGS] = {
	[VMA_ANON] = NULL,
	[VMA_SHMEM] = &shmem_vm_ops,
	[VMA_FILE] = &filemap_vm_ops,
};
