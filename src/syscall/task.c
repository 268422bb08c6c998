/* SPDX-License-Identifier: MIT */
/* Tasks come and go; an address space ends with the last one that uses it. */
#include "vma/task.h"

#include "base/mutant.h"
#include "base/uapi.h"
#include "filemap/file.h"
#include "range/range.h"
#include "rmap/anon_vma.h"
#include "syscall/syscall_internal.h"

/* ---- the end of an address space ----------------------------------------------------------- */

static void exit_mmap(struct mm *mm)
{
	struct mmu_gather tlb;
	struct vm_area *vma;

	update_hiwater_rss(mm);
	down_write(&mm->mmap_lock);
	tlb_gather_mmu_fullmm(&tlb, mm);
	for_each_vma(mm, vma)
		unmap_page_range(&tlb, vma, vma->start, vma->end, NULL);
	for_each_vma(mm, vma) {
		unlink_anon_vmas(vma);
		vma_unlink_file(vma);
	}
	free_pgtables(&tlb, 0, TASK_SIZE, 0, ~0ull);
	tlb_finish_mmu(&tlb);

	while ((vma = vma_first(mm))) {
		vm_stat_account(mm, vma->flags, -(s64)vma_pages(vma));
		if (vma->flags & VM_LOCKED)
			mm->locked_vm -= vma_pages(vma);
		if (vma->flags & VM_ACCOUNT)
			vm_unacct_memory(mm, vma_pages(vma));
		vma_remove(vma);
	}
	VM_BUG_ON2(mm->total_vm, mm->total_vm, mm->id);
	VM_BUG_ON2(mm->locked_vm != mm->locked_vm_lost, mm->locked_vm, mm->locked_vm_lost);
	release_pins(mm);
	up_write(&mm->mmap_lock);
	pgd_free(mm);
}

const struct mm_exit_ops mm_exit_ops = {
	.alloc_root = pgd_alloc,
	.exit_mmap = exit_mmap,
};

/* ---- tasks ----------------------------------------------------------------------------------- */

#define NR_SIGNALS 64

static const char default_comm[] = "usermm";

struct task *task_create(struct machine *m, struct mm *mm, struct files_struct *files, int pid)
{
	struct task *task = kmem_cache_alloc(m, CACHE_TASK);

	if (!task)
		return NULL;
	task->mm = mm;
	task->files = files;
	list_init(&task->uffd_wait.queue);
	memcpy(task->comm, default_comm, sizeof(default_comm));
	mutex_lock(&m->tasks_lock);
	task->tid = ++m->next_pid;
	task->pid = pid ? pid : task->tid;
	list_add_tail(&task->tasks, &m->tasks);
	mutex_unlock(&m->tasks_lock);
	return task;
}

/* Nobody finds it from here on, nor its mm through it. */
static void task_unlink(struct task *task)
{
	struct machine *m = machine_of(task);

	mutex_lock(&m->tasks_lock);
	list_del_init(&task->tasks);
	mutex_unlock(&m->tasks_lock);
}

struct mm *task_get_mm(struct task *caller, const struct task *wanted, int *ret_pid)
{
	struct machine *m = machine_of(caller);
	struct mm *mm = NULL;
	struct task *task;

	mutex_lock(&m->tasks_lock);
	list_for_each_entry(task, &m->tasks, tasks) {
		if (task != wanted)
			continue;
		mm = task->mm;
		mm_get(mm);
		*ret_pid = task->pid;
		break;
	}
	mutex_unlock(&m->tasks_lock);
	return mm;
}

int umm_process_create(struct umm_machine *handle, struct umm_task **ret_task)
{
	struct machine *m = (struct machine *)handle;
	struct files_struct *files = files_alloc(m);
	struct mm *mm = files ? mm_alloc(m) : NULL;
	struct task *task = mm ? task_create(m, mm, files, 0) : NULL;

	if (!task) {
		if (mm)
			mm_put(mm);
		if (files)
			files_put(files);
		return -ENOMEM;
	}
	*ret_task = (struct umm_task *)task;
	return 0;
}

int umm_thread_create(struct umm_task *handle, struct umm_task **ret_thread)
{
	struct task *task = (struct task *)handle;
	struct syscall call = syscall_enter(task, NR_CLONE, 0, 0, 0, 0);
	struct task *thread;

	mm_get(task->mm);
	files_get(task->files);
	thread = task_create(machine_of(task), task->mm, task->files, task->pid);
	if (!thread) {
		files_put(task->files);
		mm_put(task->mm);
		return (int)syscall_exit(&call, -ENOMEM);
	}
	memcpy(thread->comm, task->comm, sizeof(thread->comm));
	*ret_thread = (struct umm_task *)thread;
	return (int)syscall_exit(&call, 0);
}

/* tasks_lock held, so that the task does not end meanwhile. */
static void send_signal(struct task *task, int signo)
{
	if (MUTANT(kill_wakes_first))
		userfaultfd_signalled(machine_of(task));
	if (signo == SIGKILL)
		sync_cmpxchg(&task->mm->killed, MM_ALIVE, MM_KILLED, SYNC_FULL);
	else
		WRITE_ONCE(task->sigpending, 1);
	if (!MUTANT(kill_wakes_first))
		userfaultfd_signalled(machine_of(task));
}

int umm_tgkill(struct umm_task *handle, int signo)
{
	const struct task *wanted = (struct task *)handle;
	struct machine *m = machine_of(wanted);
	struct task *task;
	int err = -ESRCH;

	if (signo < 0 || signo > NR_SIGNALS)
		return -EINVAL;
	mutex_lock(&m->tasks_lock);
	list_for_each_entry(task, &m->tasks, tasks) {
		if (task != wanted)
			continue;
		if (signo)
			send_signal(task, signo);
		err = 0;
		break;
	}
	mutex_unlock(&m->tasks_lock);
	return err;
}

void umm_task_exit(struct umm_task *handle)
{
	struct task *task = (struct task *)handle;
	struct syscall call = syscall_enter(task, NR_EXIT, 0, 0, 0, 0);
	struct files_struct *files = task->files;
	struct mm *mm = task->mm;

	trace(machine_of(task), TRACE_SCHED_PROCESS_EXIT, (u64)task->tid);
	task_unlink(task);
	task_leave_cpu(task);
	mm_put(mm);
	files_put(files);
	sync_set_current(call.outer);
	kmem_cache_free(machine_of(task), CACHE_TASK, task);
}
