/* SPDX-License-Identifier: MIT */
/*
 * verify: recount the machine and compare. Nothing of what is kept for speed is trusted: all
 * counts are made again from the page tables and the lists they hang on.
 *
 *   tasks ─┬─ mms ──┬─ vmas ── chains ── anon_vmas        verify_task.c, _mm.c, _rmap.c
 *          │        ├─ tables ── entries ─┐               verify_tables.c
 *          │        │  pins ──────────────┤
 *          └─ descriptors, vmas ── files ── inodes ── page caches      verify_files.c
 *                                         │
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

#include "base/mutant.h"
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
	expect_equal(v, "mm", mm->id, "users", (u64)mm->users.v, v->mms[mm->id].tasks);
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

	list_for_each_entry(mm, &v->m->mms, mms)
		if (mm_record_of(v, mm))
			verify_mm(v, mm);
}

/* ---- the machine as a whole ---------------------------------------------------------------- */

static void verify_caches(struct verify *v)
{
	const u64 counted[NR_KMEM_CACHES] = {
		[CACHE_MM] = v->nr_mms + v->nr_dead_mms,
		[CACHE_VMA] = v->nr_vmas,
		[CACHE_ANON_VMA] = v->nr_anon_vmas,
		[CACHE_AVC] = v->nr_avcs,
		[CACHE_TASK] = v->nr_tasks,
		[CACHE_PIN] = v->nr_pins,
		[CACHE_XA_NODE] = v->nr_xa_nodes,
		[CACHE_INODE] = v->nr_inodes,
		[CACHE_FILE] = v->nr_files,
		[CACHE_FILES] = v->nr_files_structs,
		[CACHE_UFFD_CTX] = v->nr_uffds,
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
	expect_unlocked(v, "machine", m->slot, "files_lock", m->files_lock.word);
	expect_unlocked(v, "machine", m->slot, "shmem_lock", m->shmem_lock.word);
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

/*
 * Memory of the host, zeroed. The simulator verifies small machines many thousand times a
 * second, in one thread: it keeps what it had.
 */
#ifdef UMM_SIM
#define KEPT_BYTES 65536u

static void *kept;

static void *scratch_get(u64 bytes)
{
	if (bytes > KEPT_BYTES)
		return host_alloc(bytes);
	if (!kept)
		kept = host_alloc(KEPT_BYTES);
	return kept ? memset(kept, 0, bytes) : NULL;
}

static void scratch_put(void *scratch, u64 bytes)
{
	if (scratch != kept)
		host_free(scratch, bytes);
}
#else
#define scratch_get host_alloc
#define scratch_put host_free
#endif

/* Room to spare, and a power of two. */
static u64 hash_slots(u64 objects)
{
	u64 slots = 64;

	while (slots < 4 * objects)
		slots *= 2;
	return slots;
}

/*
 * Records for every frame and for every number there was of mms and tasks, and slots for four
 * times the anon_vmas, and the objects of the files, there ever were. Untouched ones cost nothing.
 */
static bool alloc_scratch(struct verify *v)
{
	u64 frames_bytes = v->m->nr_pages * sizeof(*v->frames);
	u64 mms_bytes = (v->m->next_mm_id + 1ull) * sizeof(*v->mms);
	u64 tasks_bytes = ((u64)v->m->next_pid + 1) * sizeof(*v->tasks);
	u64 slots = hash_slots(v->m->caches[CACHE_ANON_VMA].objects_total);
	u64 anon_vmas_bytes = slots * sizeof(*v->anon_vmas);
	u64 ref_slots = hash_slots(
		v->m->caches[CACHE_INODE].objects_total + v->m->caches[CACHE_FILE].objects_total +
		v->m->caches[CACHE_FILES].objects_total +
		v->m->caches[CACHE_UFFD_CTX].objects_total + v->m->caches[CACHE_MM].objects_total);
	u64 refs_bytes = ref_slots * sizeof(*v->refs);
	u64 swap_bytes = verify_swap_slots(v->m) * sizeof(*v->slots);
	char *at;

	v->scratch_bytes = PAGE_ALIGN(frames_bytes + mms_bytes + tasks_bytes + anon_vmas_bytes +
				      refs_bytes + swap_bytes);
	v->scratch = at = scratch_get(v->scratch_bytes);
	if (!v->scratch)
		return false;
	v->frames = (void *)at;
	v->mms = (void *)(at += frames_bytes);
	v->tasks = (void *)(at += mms_bytes);
	v->anon_vmas = (void *)(at += tasks_bytes);
	v->anon_vma_mask = slots - 1;
	v->refs = (void *)(at += anon_vmas_bytes);
	v->refs_mask = ref_slots - 1;
	v->slots = (void *)(at + refs_bytes);
	return true;
}

static void verify_all(struct verify *v)
{
	if (!alloc_scratch(v)) {
		finding(v, "verify: no memory of the host for its records");
		return;
	}
	verify_mm_list(v);
	verify_tasks(v);
	verify_mms(v);
	verify_anon_vmas(v);
	verify_files(v);
	verify_uffds(v);
	verify_swap(v);
	verify_frames(v);
	verify_lru(v);
	verify_cpus(v);
	verify_caches(v);
	verify_machine(v);
	(void)phys_verify(v->m, report_phys, v);
	scratch_put(v->scratch, v->scratch_bytes);
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
	return MUTANT(verify_blind) ? 0 : v.findings;
}
