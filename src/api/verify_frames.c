/* SPDX-License-Identifier: MIT */
/*
 * verify: every frame in use against what the tables and pins said of it, and what each CPU has
 * cached against the tables.
 */
#include "api/verify_internal.h"

#include "phys/alloc.h"

/* ---- frames -------------------------------------------------------------------------------- */

static void verify_zero_page(struct verify *v, const struct page *page)
{
	const u64 *words = page_address(page);

	expect_equal(v, "zero page", page_to_pfn(page).n, "refcount", (u64)page->refcount.v, 1);
	expect_equal(v, "zero page", page_to_pfn(page).n, "mapcount", (u64)page_mapcount(page), 0);
	if (!(page->flags & BIT(PG_reserved)))
		finding(v, "zero page %llu: not reserved", (unsigned long long)page_to_pfn(page).n);
	for (unsigned i = 0; i < PAGE_SIZE / sizeof(u64); i++)
		if (words[i]) {
			finding(v, "zero page %llu: %#llx in word %u",
				(unsigned long long)page_to_pfn(page).n,
				(unsigned long long)words[i], i);
			break;
		}
}

static void verify_anon_page(struct verify *v, const struct page *page,
			     const struct frame_record *record)
{
	u64 pfn = page_to_pfn(page).n;

	if ((page->flags & BIT(PG_anon_exclusive)) && record->maps > 1)
		finding(v, "page %llu: exclusive, with %u mappings", (unsigned long long)pfn,
			record->maps);
	if (!(page->flags & BIT(PG_uptodate)))
		finding(v, "page %llu: in use and not up to date", (unsigned long long)pfn);
}

/* In one page cache, whose address space it names; truncated ones that are held name none. */
static void verify_file_page(struct verify *v, const struct page *page,
			     const struct frame_record *record)
{
	u64 pfn = page_to_pfn(page).n;

	expect_equal(v, "page", pfn, "page caches that hold it", page->mapping != 0,
		     record->caches);
	if (page->flags & BIT(PG_anon_exclusive))
		finding(v, "page %llu: exclusive, and of a file", (unsigned long long)pfn);
	if (record->maps && !(page->flags & BIT(PG_uptodate)))
		finding(v, "page %llu: mapped and not up to date", (unsigned long long)pfn);
}

/* One that swap holds and nobody maps belongs to nobody, or still to who had it. */
static void verify_user_page(struct verify *v, const struct page *page,
			     const struct frame_record *record)
{
	u64 pfn = page_to_pfn(page).n;
	bool swapcache = page->flags & BIT(PG_swapcache);

	if (page_test_anon(page)) {
		verify_anon_page(v, page, record);
		if (record->caches)
			finding(v, "page %llu: anonymous, and in a page cache",
				(unsigned long long)pfn);
	} else if (!swapcache) {
		verify_file_page(v, page, record);
	} else if (record->caches || record->maps) {
		finding(v, "page %llu: in the swap cache, and of a file", (unsigned long long)pfn);
	}
	if (page->flags & BIT(PG_writeback))
		finding(v, "page %llu: being written", (unsigned long long)pfn);
}

static void verify_frame(struct verify *v, pfn_t pfn)
{
	const struct frame_record *record = &v->frames[pfn.n];
	const struct page *page = pfn_to_page(v->m, pfn);
	u64 refs = record->refs + (u64)record->pins * GUP_PIN_COUNTING_BIAS;

	v->nr_frames++;
	if (pfn.n == v->m->zero_pfn.n) {
		verify_zero_page(v, page);
		return;
	}
	if (page->flags & BIT(PG_locked))
		finding(v, "page %llu: locked", (unsigned long long)pfn.n);
	if (!refs) {
		finding(v, "page %llu: %d references, and nobody has it (a leak)",
			(unsigned long long)pfn.n, page->refcount.v);
		return;
	}
	expect_equal(v, "page", pfn.n, "refcount", (u64)page->refcount.v, refs);
	if (!record->is_table)
		expect_equal(v, "page", pfn.n, "slots that it is cached for",
			     !!(page->flags & BIT(PG_swapcache)), record->slots);
	expect_equal(v, "page", pfn.n, "mapcount", (u64)page->mapcount.v + 1, record->maps);
	if (!record->is_table)
		verify_user_page(v, page, record);
}

void verify_frames(struct verify *v)
{
	pfn_t pfn = pfn_of(1);

	while (pfn.n < v->m->nr_pages && phys_next_used(v->m, pfn, &pfn)) {
		verify_frame(v, pfn);
		pfn.n++;
	}
	expect_equal(v, "machine", v->m->slot, "frames neither free nor in use",
		     phys_total_pages(v->m) - phys_free_pages(v->m) - v->nr_frames, 0);
}

/* ---- CPUs ---------------------------------------------------------------------------------- */

static void stale(struct verify *v, const struct cpu *cpu, vaddr_t addr, pte_t pte,
		  const char *what)
{
	char text[64];

	(void)pte_describe(pte, text, sizeof(text));
	finding(v, "cpu %u: cached for %s: %#llx of mm %u, whose entry is %s", cpu->id, what,
		(unsigned long long)addr, cpu->loaded_mm->id, text);
}

/* A cached right must be one that a walk would give, with the bits it would have set. */
static void verify_translation(struct verify *v, const struct cpu *cpu,
			       const struct tlb_entry *entry)
{
	static const char *const names[] = { "reading", "writing", "execution" };
	const u64 tags[] = { entry->read_tag, entry->write_tag, entry->exec_tag };

	for (unsigned i = 0; i < ARRAY_SIZE(tags); i++) {
		pte_t pte;
		bool good;

		if (tags[i] == ~0ull)
			continue;
		pte = verify_read_entry(v, cpu->loaded_mm, tags[i]);
		good = i == 0 ? pte_cpu_may_read(pte) :
		       i == 1 ? pte_cpu_may_write(pte) && pte_dirty(pte) :
				pte_cpu_may_exec(pte);
		if (!good || !pte_young(pte))
			stale(v, cpu, tags[i], pte, names[i]);
		else if (tags[i] + entry->addend != (u64)(uintptr_t)pfn_to_virt(v->m, pte_pfn(pte)))
			stale(v, cpu, tags[i], pte, "another frame");
	}
}

static void verify_cpu(struct verify *v, const struct cpu *cpu)
{
	struct mm *mm, *loaded = cpu->loaded_mm;

	list_for_each_entry(mm, &v->m->mms, mms) {
		bool in_mask = mm->cpu_mask & BIT(cpu->id);

		if (in_mask != (mm == cpu->loaded_mm))
			finding(v, "cpu %u: mm %u %s, its cpu_mask says otherwise", cpu->id, mm->id,
				in_mask ? "is not loaded" : "is loaded");
	}
	if (loaded && !mm_record_of(v, loaded)) {
		finding(v, "cpu %u: the mm it has loaded is on no list", cpu->id);
		return;
	}
	if (cpu->curr && cpu->curr->mm != cpu->loaded_mm)
		finding(v, "cpu %u: task %d runs on an mm that is not its own", cpu->id,
			cpu->curr->tid);
	if (!loaded)
		return;
	if (cpu->tlb_gen > loaded->tlb_gen)
		finding(v, "cpu %u: generation %llu of mm %u, which is at %llu", cpu->id,
			(unsigned long long)cpu->tlb_gen, loaded->id,
			(unsigned long long)loaded->tlb_gen);
	/* One that lags behind forgets before its next access. */
	if (cpu->tlb_gen != loaded->tlb_gen)
		return;
	for (u64 i = 0; i <= cpu->tlb_mask; i++) {
		const struct tlb_entry *entry = &cpu->tlb[i];

		if ((entry->read_tag & entry->write_tag & entry->exec_tag) != ~0ull)
			verify_translation(v, cpu, entry);
	}
}

void verify_cpus(struct verify *v)
{
	for (u32 i = 0; i < v->m->config.cpus; i++)
		verify_cpu(v, &v->m->cpus[i]);
}
