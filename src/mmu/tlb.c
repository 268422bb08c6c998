/* SPDX-License-Identifier: MIT */
/* Translation caches, flushes, and gathering of what may be freed after them: see tlb.h. */
#include "mmu/tlb.h"

#include "base/mutant.h"
#include "base/uapi.h"
#include "sync/membarrier.h"

/* A longer range is cheaper to forget as a whole, as on x86. */
#define TLB_FLUSH_CEILING_PAGES 33

int cpus_init(struct machine *m)
{
	const struct umm_config *config = &m->config;

	sync_membarrier_init();
	spin_lock_init(&m->cpu_lock, LC_CPU);
	m->cpus = machine_alloc_forever(m, sizeof(struct cpu) * config->cpus);
	if (!m->cpus)
		return -ENOMEM;
	for (u32 i = 0; i < config->cpus; i++) {
		struct cpu *cpu = &m->cpus[i];

		cpu->id = i;
		cpu->tlb_mask = config->tlb_entries - 1;
		cpu->tlb = machine_alloc_forever(m, sizeof(struct tlb_entry) * config->tlb_entries);
		if (!cpu->tlb)
			return -ENOMEM;
		cpu_tlb_flush_all(cpu);
	}
	return 0;
}

/* ---- one CPU's cache ------------------------------------------------------------------------ */

static void tlb_entry_forget(struct tlb_entry *entry)
{
	entry->read_tag = ~0ull;
	entry->write_tag = ~0ull;
	entry->exec_tag = ~0ull;
}

void cpu_tlb_flush_all(struct cpu *cpu)
{
	memset(cpu->tlb, 0xff, (cpu->tlb_mask + 1) * sizeof(*cpu->tlb));
	count_vm_event(machine_of(cpu), NR_TLB_LOCAL_FLUSH_ALL);
}

static void cpu_tlb_flush_range(struct cpu *cpu, vaddr_t start, vaddr_t end)
{
	for (vaddr_t addr = start; addr < end; addr += PAGE_SIZE)
		tlb_entry_forget(&cpu->tlb[(addr >> PAGE_SHIFT) & cpu->tlb_mask]);
	count_vm_event(machine_of(cpu), NR_TLB_LOCAL_FLUSH_ONE);
}

/* The range of flush `gen`; false when the log no longer (or not yet) has it. */
static bool flush_log_read(struct mm *mm, u64 gen, vaddr_t *ret_start, vaddr_t *ret_end)
{
	struct tlb_flush_record *record = &mm->flush_log[gen % MM_FLUSH_LOG];

	if (smp_load_acquire(&record->gen) != gen)
		return false;
	*ret_start = READ_ONCE(record->start);
	*ret_end = READ_ONCE(record->end);
	smp_rmb();
	return READ_ONCE(record->gen) == gen;
}

void cpu_tlb_catch_up(struct cpu *cpu, struct mm *mm)
{
	u64 target = smp_load_acquire(&mm->tlb_gen);
	u64 gen = cpu->tlb_gen;
	bool all = target - gen > MM_FLUSH_LOG;

	while (!all && gen != target) {
		vaddr_t start, end;

		gen++;
		all = !flush_log_read(mm, gen, &start, &end) ||
		      (end - start) >> PAGE_SHIFT > TLB_FLUSH_CEILING_PAGES;
		if (!all)
			cpu_tlb_flush_range(cpu, start, end);
	}
	if (all)
		cpu_tlb_flush_all(cpu);
	cpu->tlb_gen = target;
}

/* ---- who runs where ------------------------------------------------------------------------- */

/* Wait until *word, odd while inside, is even or has moved on. */
static void wait_until_outside(u32 *word)
{
	u32 seen = smp_load_acquire(word);

	while ((seen & 1) && smp_load_acquire(word) == seen)
		cpu_relax();
}

static void cpu_unload_mm(struct cpu *cpu)
{
	if (cpu->loaded_mm)
		(void)sync_fetch_and(&cpu->loaded_mm->cpu_mask, ~BIT(cpu->id), SYNC_FULL);
	cpu->loaded_mm = NULL;
}

static void cpu_load_mm(struct cpu *cpu, struct mm *mm)
{
	if (cpu->loaded_mm == mm)
		return;
	cpu_unload_mm(cpu);
	/*
	 * The mask first: a flush that does not see this CPU has raised tlb_gen before we read
	 * it, and its changes are in the tables that this CPU will walk.
	 */
	(void)sync_fetch_or(&mm->cpu_mask, BIT(cpu->id), SYNC_FULL);
	cpu->tlb_gen = smp_load_acquire(&mm->tlb_gen);
	cpu_tlb_flush_all(cpu);
	cpu->loaded_mm = mm;
}

static struct cpu *choose_cpu(struct machine *m, struct task *task)
{
	if (task->cpu && (!task->cpu->curr || task->cpu->curr == task))
		return task->cpu;
	for (u32 i = 0; i < m->config.cpus; i++)
		if (!m->cpus[i].curr)
			return &m->cpus[i];
	return task->cpu ? task->cpu : &m->cpus[(u32)task->tid % m->config.cpus];
}

void task_switch_to(struct task *task)
{
	struct machine *m = machine_of(task);
	struct cpu *cpu;
	struct task *old;

	VM_BUG_ON(task->in_access & 1);
	spin_lock(&m->cpu_lock);
	cpu = choose_cpu(m, task);
	old = cpu->curr;
	if (old != task) {
		smp_store_release(&cpu->curr, task);
		if (old) {
			sync_membarrier();
			wait_until_outside(&old->in_access);
		}
	}
	cpu_load_mm(cpu, task->mm);
	task->cpu = cpu;
	task->cpu_id = cpu->id;
	spin_unlock(&m->cpu_lock);
}

void task_leave_cpu(struct task *task)
{
	struct machine *m = machine_of(task);

	spin_lock(&m->cpu_lock);
	if (task->cpu && task->cpu->curr == task) {
		smp_store_release(&task->cpu->curr, NULL);
		cpu_unload_mm(task->cpu);
	}
	task->cpu = NULL;
	spin_unlock(&m->cpu_lock);
}

/* ---- flushing ------------------------------------------------------------------------------- */

/* Raise the mm's generation and remember the range. */
static void flush_announce(struct mm *mm, vaddr_t start, vaddr_t end)
{
	struct tlb_flush_record *record;
	u64 gen;

	spin_lock(&mm->flush_lock);
	gen = mm->tlb_gen + 1;
	record = &mm->flush_log[gen % MM_FLUSH_LOG];
	WRITE_ONCE(record->gen, 0);
	smp_wmb();
	WRITE_ONCE(record->start, start);
	WRITE_ONCE(record->end, end);
	smp_store_release(&record->gen, gen);
	smp_store_release(&mm->tlb_gen, gen);
	spin_unlock(&mm->flush_lock);
	smp_mb();
}

static bool cpu_waits_for_irqs(const struct machine *m, const struct cpu *cpu)
{
	switch (m->config.tlb_flush) {
	case UMM_TLB_IPI:
		return true;
	case UMM_TLB_PARAVIRT:
		return !READ_ONCE(((struct cpu *)cpu)->preempted);
	case UMM_TLB_BROADCAST:
		return false;
	}
	VM_UNREACHABLE();
}

static void flush_wait_for_cpu(struct machine *m, struct cpu *cpu)
{
	struct task *task = READ_ONCE(cpu->curr);

	if (!task || task == current)
		return;
	count_vm_event(m, NR_TLB_REMOTE_FLUSH_RECEIVED);
	wait_until_outside(&task->in_access);
	if (cpu_waits_for_irqs(m, cpu))
		wait_until_outside(&task->irqs_off);
}

/* Whether a CPU other than the caller's may have translations of mm. */
static bool runs_elsewhere(struct mm *mm)
{
	struct task *self = current;
	u64 others = READ_ONCE(mm->cpu_mask);

	if (self && self->cpu && READ_ONCE(self->cpu->curr) == self)
		others &= ~BIT(self->cpu->id);
	return others != 0;
}

void flush_tlb_range(struct mm *mm, vaddr_t start, vaddr_t end)
{
	struct machine *m = machine_of(mm);
	bool remote;

	VM_BUG_ON2(start >= end, start, end);
	flush_announce(mm, start, end);
	remote = runs_elsewhere(mm);
	trace(m, TRACE_TLB_FLUSH, mm->id, start, end, remote);
	if (!remote)
		return;
	count_vm_event(m, NR_TLB_REMOTE_FLUSH);
	sync_membarrier();
	spin_lock(&m->cpu_lock);
	for (u32 i = 0; i < m->config.cpus; i++)
		if (READ_ONCE(mm->cpu_mask) & BIT(i))
			flush_wait_for_cpu(m, &m->cpus[i]);
	spin_unlock(&m->cpu_lock);
}

void flush_tlb_page(struct mm *mm, vaddr_t addr)
{
	flush_tlb_range(mm, addr & PAGE_MASK, (addr & PAGE_MASK) + PAGE_SIZE);
}

/* ---- gathering ------------------------------------------------------------------------------ */

static void gather_reset_range(struct mmu_gather *tlb)
{
	tlb->start = TASK_SIZE;
	tlb->end = 0;
}

_Static_assert(GATHER_BATCH <= FREE_BATCH, "what is gathered is freed at once");

void tlb_gather_mmu(struct mmu_gather *tlb, struct mm *mm)
{
	tlb->mm = mm;
	tlb->whole_mm = false;
	tlb->nr = 0;
	gather_reset_range(tlb);
}

void tlb_gather_mmu_fullmm(struct mmu_gather *tlb, struct mm *mm)
{
	VM_BUG_ON2(READ_ONCE(mm->cpu_mask), mm->cpu_mask, mm->id);
	tlb_gather_mmu(tlb, mm);
	tlb->whole_mm = true;
}

bool tlb_remove_page(struct mmu_gather *tlb, struct page *page)
{
	VM_BUG_ON(tlb->nr >= GATHER_BATCH);
	tlb->pages[tlb->nr++] = page;
	return tlb->nr == GATHER_BATCH;
}

void tlb_remove_table(struct mmu_gather *tlb, struct page *table)
{
	VM_BUG_ON(!page_test_table(table));
	tlb_change_range(tlb, table->table_start,
			 table->table_start + LEVEL_SIZE(table->table_level + 1));
	if (tlb_remove_page(tlb, table))
		tlb_flush_mmu(tlb);
}

void tlb_flush_only(struct mmu_gather *tlb)
{
	if (!tlb->whole_mm && tlb->start < tlb->end)
		flush_tlb_range(tlb->mm, tlb->start, tlb->end);
	gather_reset_range(tlb);
}

static void gather_free(struct mmu_gather *tlb)
{
	struct page *last[GATHER_BATCH];
	u32 nr_last = 0;

	for (u32 i = 0; i < tlb->nr; i++) {
		struct page *page = tlb->pages[i];
		u64 flags = READ_ONCE(page->flags);

		if (flags & BIT(PG_swapcache))
			tlb_swap_ops.free_swap_cache(page);
		if (flags & BIT(PG_table))
			table_free(page);
		else if (flags & (BIT(PG_head) | BIT(PG_tail)))
			put_page(page);
		else if (put_page_testzero(page))
			last[nr_last++] = page;
	}
	free_zero_ref_pages(last, nr_last);
	tlb->nr = 0;
}

void tlb_flush_mmu(struct mmu_gather *tlb)
{
	if (!MUTANT(flush_after_free))
		tlb_flush_only(tlb);
	gather_free(tlb);
	if (MUTANT(flush_after_free))
		tlb_flush_only(tlb);
}

void tlb_finish_mmu(struct mmu_gather *tlb)
{
	tlb_flush_mmu(tlb);
}
