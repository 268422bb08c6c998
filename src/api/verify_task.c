/* SPDX-License-Identifier: MIT */
/* verify: the lists of mms and of tasks, and how the two belong together. */
#include "api/verify_internal.h"

void verify_mm_list(struct verify *v)
{
	struct mm *mm;

	list_for_each_entry(mm, &v->m->mms, mms) {
		v->nr_mms++;
		if (mm->id > v->m->next_mm_id)
			finding(v, "mm %u: its number was not given out, the last is %u", mm->id,
				v->m->next_mm_id);
		else if (v->mms[mm->id].mm)
			finding(v, "mm %u: there are two of it", mm->id);
		else
			v->mms[mm->id].mm = mm;
	}
}

/* The threads of a process have its mm, and nobody else has. */
static void verify_process(struct verify *v, const struct task *task)
{
	struct mm_record *record = mm_record_of(v, task->mm);
	struct task_record *process;

	if (!record) {
		finding(v, "task %d: its mm is on no list", task->tid);
		return;
	}
	record->tasks++;
	if (!record->pid)
		record->pid = task->pid;
	if (record->pid != task->pid)
		finding(v, "task %d: of process %d, with the mm of process %d", task->tid,
			task->pid, record->pid);
	if (task->pid <= 0 || task->pid > v->m->next_pid) {
		finding(v, "task %d: process %d was never made, the last is %d", task->tid,
			task->pid, v->m->next_pid);
		return;
	}
	process = &v->tasks[task->pid];
	if (!process->mm)
		process->mm = task->mm;
	if (process->mm != task->mm)
		finding(v, "task %d: of process %d, which has another mm", task->tid, task->pid);
}

static void verify_task(struct verify *v, const struct task *task)
{
	if (task->in_access & 1)
		finding(v, "task %d: in an access (%u) while idle", task->tid, task->in_access);
	if (task->irqs_off & 1)
		finding(v, "task %d: interrupts are off (%u) while idle", task->tid,
			task->irqs_off);
	if (task->tasks.next->prev != &task->tasks)
		finding(v, "task %d: the list of tasks is torn behind it", task->tid);
	if (task->tid <= 0 || task->tid > v->m->next_pid)
		finding(v, "task %d: its number was not given out, the last is %d", task->tid,
			v->m->next_pid);
	else if (v->tasks[task->tid].tasks++)
		finding(v, "task %d: there are two of it", task->tid);
	verify_process(v, task);
}

void verify_tasks(struct verify *v)
{
	const struct task *task;

	list_for_each_entry(task, &v->m->tasks, tasks) {
		v->nr_tasks++;
		verify_task(v, task);
	}
}
