/* SPDX-License-Identifier: MIT */
/*
 * fork: a copy of the address space. Per vma of the parent
 *
 *   VM_DONTCOPY     nothing in the child
 *   VM_WIPEONFORK   the vma without pages
 *   else            the vma, its anon_vma family, its entries (range/copy.c)
 *
 * A registered vma stays registered when the handler asked to be told of forks: it reads of the
 * child, and gets a descriptor for it, before fork returns.
 *
 * Locks are not inherited. A failure half way drops the whole child; the parent keeps its
 * memory, with pages possibly write-protected already.
 */
#include "base/mutant.h"
#include "base/uapi.h"
#include "filemap/file.h"
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
	mm->group = parent->group;
}

/* The promise of memory comes first, so that it is only taken back with the vma. */
static int dup_vma(struct mm *mm, struct vm_area *src, struct uffd_notes *uffds)
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
	err = dup_userfaultfd(vma, uffds);
	if (err)
		goto free_vma;
	if (!(vma->flags & VM_WIPEONFORK)) {
		err = anon_vma_fork(vma, src);
		if (err)
			goto free_vma;
	}
	/* The file knows of it before it maps anything: a walk finds it after the original. */
	vma_insert(mm, vma);
	if (!MUTANT(fork_links_late))
		vma_link_file(vma);
	vm_stat_account(mm, vma->flags, (s64)vma_pages(vma));
	if (vma->flags & VM_WIPEONFORK)
		return 0;
	err = copy_page_range(vma, src);
	if (MUTANT(fork_links_late))
		vma_link_file(vma);
	return err;

free_vma:
	vm_area_free(vma);
uncharge:
	vm_unacct_memory(mm, charge);
	return -ENOMEM;
}

/* Both mmap_locks held for write. */
static int dup_mmap(struct mm *mm, struct mm *parent, struct uffd_notes *uffds)
{
	struct vm_area *vma;
	int err = 0;

	copy_mm_settings(mm, parent);
	for_each_vma(parent, vma) {
		if (vma->flags & VM_DONTCOPY)
			continue;
		err = dup_vma(mm, vma, uffds);
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
	struct files_struct *files = files_dup(task->files);
	struct mm *mm = files ? mm_alloc(m) : NULL;
	struct uffd_notes uffds = { 0 };
	struct task *child;
	int err;

	if (!mm) {
		if (files)
			files_put(files);
		return -ENOMEM;
	}
	down_write(&task->mm->mmap_lock);
	down_write(&mm->mmap_lock);
	err = dup_mmap(mm, task->mm, &uffds);
	up_write(&mm->mmap_lock);
	up_write(&task->mm->mmap_lock);
	child = err ? NULL : task_create(m, mm, files, 0);
	if (!child) {
		dup_userfaultfd_fail(mm, &uffds);
		mm_put(mm);
		files_put(files);
		return -ENOMEM;
	}
	memcpy(child->comm, task->comm, sizeof(child->comm));
	dup_userfaultfd_complete(&uffds);
	/* It may have waited for a handler until it was killed. */
	if (READ_ONCE(task->mm->killed)) {
		umm_task_exit((struct umm_task *)child);
		return -EINTR;
	}
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
