/* SPDX-License-Identifier: MIT */
/*
 * fork: a copy of the address space. Per vma of the parent
 *
 *   VM_DONTCOPY     nothing in the child
 *   VM_WIPEONFORK   the vma without pages
 *   else            the vma, its anon_vma family, its entries (range/copy.c)
 *
 * Locks are not inherited. A failure half way drops the whole child; the parent keeps its
 * memory, with pages possibly write-protected already.
 */
#include "base/uapi.h"
#include "range/range.h"
#include "rmap/anon_vma.h"
#include "syscall/syscall_internal.h"

/* What a new process takes over beside its vmas. */
static void copy_mm_settings(struct mm *mm, const struct mm *parent)
{
	mm->brk = parent->brk;
	mm->brk_start = parent->brk_start;
	mm->mmap_base = parent->mmap_base;
	mm->def_flags = parent->def_flags & ~VM_LOCKED_MASK;
	memcpy(mm->rlimit, parent->rlimit, sizeof(mm->rlimit));
	mm->cap_ipc_lock = parent->cap_ipc_lock;
}

/* The promise of memory comes first, so that it is only taken back with the vma. */
static int dup_vma(struct mm *mm, struct vm_area *src)
{
	u64 charge = src->flags & VM_ACCOUNT ? vma_pages(src) : 0;
	struct vm_area *vma;
	int err;

	if (charge && vm_enough_memory(src->mm, charge))
		return -ENOMEM;
	vma = vm_area_dup(src, mm);
	if (!vma)
		goto uncharge;
	vma_set_flags(vma, vma->flags & ~VM_LOCKED_MASK);
	if (!(vma->flags & VM_WIPEONFORK)) {
		err = anon_vma_fork(vma, src);
		if (err)
			goto free_vma;
	}
	vma_link(mm, vma);
	vm_stat_account(mm, vma->flags, (s64)vma_pages(vma));
	if (vma->flags & VM_WIPEONFORK)
		return 0;
	return copy_page_range(vma, src);

free_vma:
	vm_area_free(vma);
uncharge:
	vm_unacct_memory(mm, charge);
	return -ENOMEM;
}

/* Both mmap_locks held for write. */
static int dup_mmap(struct mm *mm, struct mm *parent)
{
	struct vm_area *vma;
	int err = 0;

	copy_mm_settings(mm, parent);
	for_each_vma(parent, vma) {
		if (vma->flags & VM_DONTCOPY)
			continue;
		err = dup_vma(mm, vma);
		if (err)
			break;
	}
	mm->hiwater_vm = mm->total_vm;
	atomic64_set(&mm->hiwater_rss, get_mm_rss(mm));
	return err;
}

static int do_fork(struct task *task, struct task **ret_child)
{
	struct machine *m = machine_of(task);
	struct mm *mm = mm_alloc(m);
	struct task *child;
	int err;

	if (!mm)
		return -ENOMEM;
	down_write(&task->mm->mmap_lock);
	down_write(&mm->mmap_lock);
	err = dup_mmap(mm, task->mm);
	up_write(&mm->mmap_lock);
	up_write(&task->mm->mmap_lock);
	child = err ? NULL : task_create(m, mm, 0);
	if (!child) {
		mm_put(mm);
		return -ENOMEM;
	}
	memcpy(child->comm, task->comm, sizeof(child->comm));
	count_vm_event(m, NR_COUNTER_FORK);
	trace(m, TRACE_SCHED_PROCESS_FORK, (u64)task->pid, (u64)child->pid);
	*ret_child = child;
	return 0;
}

int umm_fork(struct umm_task *handle, struct umm_task **ret_child)
{
	struct task *task = (struct task *)handle;
	struct syscall call = syscall_enter(task, NR_FORK, 0, 0, 0, 0);
	struct task *child;
	int err = do_fork(task, &child);

	if (!err)
		*ret_child = (struct umm_task *)child;
	return (int)syscall_exit(&call, err);
}
