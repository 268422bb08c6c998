/* SPDX-License-Identifier: MIT */
/*
 * verify: recount the machine and compare. Nothing of what is kept for speed is trusted: all
 * counts are made again from the page tables and the lists they hang on.
 *
 *   tasks ── mms ──┬─ vmas ── chains ── anon_vmas         verify_mm.c, verify_rmap.c
 *                  └─ tables ── entries ─┐                verify_tables.c
 *                     pins ──────────────┤
 *                                        ▼
 *               a record per frame: mappings, references, pins
 *                                        │
 *                     compared with every struct page     verify_frames.c
 *                     and with what each CPU has cached
 *
 * The machine is idle: no locks are taken, and that none is held is one of the checks. Reads
 * are plain, so that a simulated scheduler sees nothing of them. The records are memory of the
 * host, not of the machine, zero until touched; the cost follows what is in use.
 */
#include "api/verify_internal.h"

#include <stdarg.h>

#include "host/host.h"
#include "phys/alloc.h"
#include "syscall/pin.h"

void finding(struct verify *v, const char *fmt, ...)
{
	va_list args;

	v->findings++;
	va_start(args, fmt);
	strbuf_vprintf(v->text, fmt, args);
	va_end(args);
	strbuf_putc(v->text, '\n');
}

/* ---- tasks --------------------------------------------------------------------------------- */

static u32 count_tasks_of(const struct machine *m, const struct mm *mm)
{
	struct task *task;
	u32 n = 0;

	list_for_each_entry(task, &m->tasks, tasks)
		n += task->mm == mm;
	return n;
}

static bool mm_is_listed(const struct machine *m, const struct mm *wanted)
{
	struct mm *mm;

	list_for_each_entry(mm, &m->mms, mms)
		if (mm == wanted)
			return true;
	return false;
}

static void verify_task(struct verify *v, struct task *task)
{
	struct task *other;

	if (!mm_is_listed(v->m, task->mm))
		finding(v, "task %d: its mm is on no list", task->tid);
	if (task->in_access & 1)
		finding(v, "task %d: in an access (%u) while idle", task->tid, task->in_access);
	if (task->irqs_off & 1)
		finding(v, "task %d: interrupts are off (%u) while idle", task->tid,
			task->irqs_off);
	if (task->tid <= 0 || task->tid > v->m->next_pid)
		finding(v, "task %d: its number was not given out, the last is %d", task->tid,
			v->m->next_pid);
	if (task->tasks.next->prev != &task->tasks)
		finding(v, "task %d: the list of tasks is torn behind it", task->tid);
	list_for_each_entry(other, &v->m->tasks, tasks) {
		if (other == task)
			break;
		if (other->tid == task->tid)
			finding(v, "task %d: there are two of it", task->tid);
		if ((other->pid == task->pid) != (other->mm == task->mm))
			finding(v, "task %d: process %d, but task %d of process %d has %s mm",
				task->tid, task->pid, other->tid, other->pid,
				other->mm == task->mm ? "the same" : "another");
	}
}

static void verify_tasks(struct verify *v)
{
	struct task *task;

	list_for_each_entry(task, &v->m->tasks, tasks) {
		v->nr_tasks++;
		verify_task(v, task);
	}
}

/* ---- mms ----------------------------------------------------------------------------------- */

/* Each pin adds its references to the frames it holds. */
static void verify_pins(struct verify *v, struct mm *mm)
{
	struct pin *pin;
	u64 pages = 0;

	list_for_each_entry(pin, &mm->pins, pins) {
		v->nr_pins++;
		for (u64 i = 0; i < pin->nr; i++) {
			pfn_t pfn = page_to_pfn(pin->pages[i]);

			pages++;
			if (!frame_exists(v, pfn))
				finding(v, "mm %u: a pin holds frame %llu, which is no RAM", mm->id,
					(unsigned long long)pfn.n);
			else if (pfn.n != v->m->zero_pfn.n)
				v->frames[pfn.n].pins++;
		}
	}
	if (pages && !atomic_read(&mm->has_pinned))
		finding(v, "mm %u: %llu pages are pinned, has_pinned says never", mm->id,
			(unsigned long long)pages);
	expect_equal(v, "mm", mm->id, "pinned_pages", (u64)mm->pinned_pages.v, pages);
}

static void verify_mm(struct verify *v, struct mm *mm)
{
	expect_equal(v, "mm", mm->id, "users", (u64)mm->users.v, count_tasks_of(v->m, mm));
	expect_unlocked(v, "mm", mm->id, "mmap_lock", mm->mmap_lock.state);
	expect_unlocked(v, "mm", mm->id, "page_table_lock", mm->page_table_lock.word);
	expect_unlocked(v, "mm", mm->id, "flush_lock", mm->flush_lock.word);
	verify_vmas(v, mm);
	verify_tables(v, mm);
	verify_pins(v, mm);
}

static void verify_mms(struct verify *v)
{
	struct mm *mm;

	list_for_each_entry(mm, &v->m->mms, mms) {
		v->nr_mms++;
		verify_mm(v, mm);
	}
}

/* ---- the machine as a whole ---------------------------------------------------------------- */

static void verify_caches(struct verify *v)
{
	const u64 counted[NR_KMEM_CACHES] = {
		[CACHE_MM] = v->nr_mms,
		[CACHE_VMA] = v->nr_vmas,
		[CACHE_ANON_VMA] = v->nr_anon_vmas,
		[CACHE_AVC] = v->nr_avcs,
		[CACHE_TASK] = v->nr_tasks,
		[CACHE_PIN] = v->nr_pins,
		[CACHE_GATHER] = 0,
	};

	for (u32 id = 0; id < NR_KMEM_CACHES; id++) {
		const struct kmem_cache *cache = &v->m->caches[id];

		if (cache->objects_in_use != counted[id])
			finding(v, "cache %s: %llu objects in use, found %llu",
				kmem_cache_name((enum kmem_id)id),
				(unsigned long long)cache->objects_in_use,
				(unsigned long long)counted[id]);
		expect_unlocked(v, "cache", id, "its lock", cache->lock.word);
	}
}

static void verify_machine(struct verify *v)
{
	struct machine *m = v->m;

	expect_unlocked(v, "machine", m->slot, "heap_lock", m->heap_lock.word);
	expect_unlocked(v, "machine", m->slot, "cpu_lock", m->cpu_lock.word);
	expect_unlocked(v, "machine", m->slot, "tasks_lock", m->tasks_lock.word);
	expect_unlocked(v, "machine", m->slot, "the lock of failure injection", m->fail.lock.word);
	expect_equal(v, "machine", m->slot, "committed_pages", (u64)m->committed_pages.v,
		     v->committed_pages);
	expect_equal(v, "machine", m->slot, "nr_page_table_pages",
		     vm_counter_sum(m, NR_TABLE_PAGES), v->nr_tables);
}

static void report_phys(void *arg, const char *what, u64 a, u64 b)
{
	finding(arg, "phys: %s (%#llx, %#llx)", what, (unsigned long long)a, (unsigned long long)b);
}

/* Room for a record per frame, and for four times the anon_vmas there ever were. */
static bool alloc_scratch(struct verify *v)
{
	u64 frames_bytes = v->m->nr_pages * sizeof(*v->frames);
	u64 slots = 64;

	while (slots < 4 * v->m->caches[CACHE_ANON_VMA].objects_total)
		slots *= 2;
	v->scratch_bytes = PAGE_ALIGN(frames_bytes + slots * sizeof(*v->anon_vmas));
	v->scratch = host_alloc(v->scratch_bytes);
	if (!v->scratch)
		return false;
	v->frames = v->scratch;
	v->anon_vmas = (void *)((char *)v->scratch + frames_bytes);
	v->anon_vma_mask = slots - 1;
	return true;
}

static void verify_all(struct verify *v)
{
	if (!alloc_scratch(v)) {
		finding(v, "verify: no memory of the host for its records");
		return;
	}
	verify_tasks(v);
	verify_mms(v);
	verify_anon_vmas(v);
	verify_frames(v);
	verify_cpus(v);
	verify_caches(v);
	verify_machine(v);
	(void)phys_verify(v->m, report_phys, v);
	host_free(v->scratch, v->scratch_bytes);
}

int umm_verify(struct umm_machine *machine, char *buf, size_t size)
{
	struct strbuf text;
	struct verify v = { .m = (struct machine *)machine, .text = &text };

	strbuf_init(&text, buf, size);
#ifdef UMM_SIM
	bool in_fiber = umm_sim_self() >= 0;

	if (in_fiber)
		umm_sim_preempt_disable();
#endif
	verify_all(&v);
#ifdef UMM_SIM
	if (in_fiber)
		umm_sim_preempt_enable();
#endif
	return v.findings;
}
