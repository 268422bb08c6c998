/* SPDX-License-Identifier: MIT */
/*
 * Nothing could be reclaimed: the process that has most memory goes. It is marked, so that every
 * access of its threads ends with SIGKILL, and what it has of private memory is taken from it at
 * once: it is of no use any more, and who asked for memory need not wait for its end.
 *
 * Who asks holds locks, its own mmap_lock among them. The victim's is only tried for; the memory of
 * the asking process itself is left to the end of its fault. tasks_lock, which ranks first, is
 * waited for by trying: who has it waits for nobody.
 */
#include "base/uapi.h"
#include "range/range.h"
#include "reclaim/reclaim_internal.h"
#include "uffd/uffd.h"

/* Memory that its end would give back, in pages. */
static u64 badness(const struct mm *mm)
{
	s64 pages = get_mm_rss(mm) + atomic64_read(&mm->rss[MM_SWAPENTS]);

	return (u64)MAX(pages, 0) + ((u64)atomic64_read(&mm->pgtables_bytes) >> PAGE_SHIFT);
}

static struct mm *current_mm(struct machine *m)
{
	struct task *task = current;

	return task && machine_of(task) == m ? task->mm : NULL;
}

/* mmap_lock held for read. */
static void reap_vmas(struct mm *mm)
{
	struct vm_area *vma;

	for_each_vma(mm, vma) {
		if (vma_is_anonymous(vma) || !(vma->flags & VM_SHARED))
			zap_page_range_single(vma, vma->start, vma->end, NULL);
	}
	smp_store_release(&mm->killed, MM_REAPED);
}

/* One thread reaps; the others can tell when that is done. */
static bool begin_reap(struct mm *mm)
{
	return sync_cmpxchg(&mm->killed, MM_KILLED, MM_REAPING, SYNC_FULL) == MM_KILLED;
}

void oom_reap(struct mm *mm)
{
	if (!begin_reap(mm))
		return;
	down_read(&mm->mmap_lock);
	reap_vmas(mm);
	up_read(&mm->mmap_lock);
}

/* False: somebody is reaping it, or changing its vmas, and is not done. */
static bool try_reap(struct mm *mm)
{
	if (!begin_reap(mm))
		return smp_load_acquire(&mm->killed) == MM_REAPED;
	if (!down_read_trylock(&mm->mmap_lock)) {
		smp_store_release(&mm->killed, MM_KILLED);
		return false;
	}
	reap_vmas(mm);
	up_read(&mm->mmap_lock);
	return true;
}

static bool is_candidate(const struct mm *mm, u32 group)
{
	return atomic_read(&mm->users) > 0 && (!group || READ_ONCE(mm->group) == group);
}

/* tasks_lock held. The one with most memory; the last of equals, which is the youngest. */
static struct mm *choose_victim(struct machine *m, u32 group)
{
	struct mm *mm, *victim = NULL;
	u64 most = 0;

	list_for_each_entry(mm, &m->mms, mms) {
		u64 points = is_candidate(mm, group) && !READ_ONCE(mm->killed) ? badness(mm) : 0;

		if (points && points >= most) {
			most = points;
			victim = mm;
		}
	}
	return victim;
}

/* tasks_lock held. One that was killed and has not given back what it has; NULL: none. */
static struct mm *find_unreaped(struct machine *m, u32 group)
{
	struct mm *mm;

	list_for_each_entry(mm, &m->mms, mms) {
		u32 killed = smp_load_acquire(&mm->killed);

		if (is_candidate(mm, group) && (killed == MM_KILLED || killed == MM_REAPING))
			return mm;
	}
	return NULL;
}

/* What was killed a moment ago may be gone since the caller looked. */
static bool there_is_room(struct machine *m, u32 group)
{
	const struct mem_group *limited = group_of(m, group);

	if (group)
		return (u64)atomic64_read(&limited->charged) < READ_ONCE(limited->limit_pages);
	for (unsigned node = 0; node < m->config.nodes; node++) {
		if (!phys_node_below(m, node, WMARK_MIN))
			return true;
	}
	return false;
}

static enum oom_outcome kill_one(struct machine *m, u32 group, bool patient)
{
	struct mm *self = current_mm(m), *victim = find_unreaped(m, group);

	if (self && READ_ONCE(self->killed))
		return OOM_GIVE_UP;
	if (there_is_room(m, group) || (victim && try_reap(victim)))
		return OOM_FREED;
	if (victim && patient)
		return OOM_WAIT;
	victim = choose_victim(m, group);
	if (!victim)
		return OOM_GIVE_UP;
	WRITE_ONCE(victim->killed, MM_KILLED);
	userfaultfd_signalled(m);
	count_vm_event(m, NR_COUNTER_OOM);
	if (victim == self)
		return OOM_GIVE_UP;
	(void)try_reap(victim);
	return OOM_FREED;
}

enum oom_outcome out_of_memory(struct machine *m, u32 group, bool patient)
{
	enum oom_outcome outcome = OOM_FREED;
	bool waited = false;

	while (!mutex_trylock(&m->tasks_lock)) {
		waited = true;
		cpu_relax();
	}
	/* Somebody else has killed, or come or gone: look again first. */
	if (!waited)
		outcome = kill_one(m, group, patient);
	mutex_unlock(&m->tasks_lock);
	return outcome;
}
