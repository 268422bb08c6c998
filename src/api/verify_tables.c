/* SPDX-License-Identifier: MIT */
/*
 * verify: the tables of an mm, walked from its root by frame number as a processor would, and
 * every entry in them. Entries are met in the order of their addresses, so the vma of each is
 * found by going along.
 */
#include "api/verify_internal.h"

#include "filemap/file.h"

struct table_check {
	struct verify *v;
	struct mm *mm;
	struct vm_area *vma; /* the first that ends above where the walk is */
	u64 nr_tables;       /* below the root */
	u64 rss[NR_MM_COUNTERS];
};

static struct vm_area *vma_at(struct table_check *c, vaddr_t addr)
{
	while (c->vma && c->vma->end <= addr)
		c->vma = vma_next(c->vma);
	return c->vma && c->vma->start <= addr ? c->vma : NULL;
}

/* ---- leaf entries -------------------------------------------------------------------------- */

static void bad_entry(struct table_check *c, vaddr_t addr, pte_t pte, const char *what)
{
	char text[64];

	(void)pte_describe(pte, text, sizeof(text));
	finding(c->v, "mm %u: entry of %#llx (%s): %s", c->mm->id, (unsigned long long)addr, text,
		what);
}

static bool may_be_protected(const struct vm_area *vma)
{
	return (vma->flags & VM_UFFD_WP) || READ_ONCE(vma->mm->uffd_wp_stale);
}

/* The entry's rights are the vma's, but for write permission, which comes with a fault. */
static void verify_rights(struct table_check *c, const struct vm_area *vma, vaddr_t addr, pte_t pte)
{
	/* Userfaultfd's protection leaves shared memory read-only that has no need of it. */
	pte_t want = pte_wrprotect(pte_modify(pte, vma->page_prot));

	if (pte_write(pte)) {
		if (!(vma->flags & VM_WRITE))
			bad_entry(c, addr, pte, "writable, which the vma is not");
		if (pte_uffd_wp(pte) && !READ_ONCE(c->mm->uffd_wp_stale))
			bad_entry(c, addr, pte, "writable, and write-protected by userfaultfd");
		want = pte_mkwrite(want);
	}
	if (want.v != pte.v)
		bad_entry(c, addr, pte, "its rights are not those of the vma");
	if (pte_uffd_wp(pte) && !may_be_protected(vma))
		bad_entry(c, addr, pte, "write-protected by userfaultfd, which the vma is not");
	if (pte_soft_dirty(pte) && !c->v->m->config.soft_dirty)
		bad_entry(c, addr, pte, "soft-dirty, which this machine does not track");
}

static void verify_special(struct table_check *c, vaddr_t addr, pte_t pte)
{
	if (pte_pfn(pte).n != c->v->m->zero_pfn.n)
		bad_entry(c, addr, pte, "special, and not the zero page");
	if (pte_write(pte))
		bad_entry(c, addr, pte, "the zero page, writable");
}

/* By the page's anon_vma and index the reverse map must come to this vma and this address. */
static void verify_page_rmap(struct table_check *c, const struct vm_area *vma, vaddr_t addr,
			     pte_t pte, const struct page *page)
{
	const struct anon_vma *anon_vma = (void *)(uintptr_t)(page->mapping & ~PAGE_MAPPING_ANON);

	if (!vma_has_anon_vma(vma, anon_vma))
		bad_entry(c, addr, pte, "the anon_vma of its page has no chain to this vma");
	if (page->index != linear_page_index(vma, addr))
		finding(c->v, "mm %u: entry of %#llx: index of its page is %#llx, counted %#llx",
			c->mm->id, (unsigned long long)addr, (unsigned long long)page->index,
			(unsigned long long)linear_page_index(vma, addr));
}

/* A page of a file: the vma's, at its place; what may be written is known to be dirty. */
static void verify_file_page(struct table_check *c, const struct vm_area *vma, vaddr_t addr,
			     pte_t pte, const struct page *page)
{
	const struct inode *inode = vma->file->inode;

	if (!inode || page->mapping != (u64)(uintptr_t)&inode->mapping)
		bad_entry(c, addr, pte, "its page is not of the file of the vma");
	if (page->index != linear_page_index(vma, addr))
		finding(c->v, "mm %u: entry of %#llx: index of its page is %#llx, counted %#llx",
			c->mm->id, (unsigned long long)addr, (unsigned long long)page->index,
			(unsigned long long)linear_page_index(vma, addr));
	if (pte_write(pte) && !(vma->flags & VM_SHARED))
		bad_entry(c, addr, pte, "a page of a file, writable in a private mapping");
	if (pte_write(pte) && vma->backing == VMA_FILE && !(page->flags & BIT(PG_dirty)))
		bad_entry(c, addr, pte, "writable, and its page is clean");
}

static void verify_page(struct table_check *c, const struct vm_area *vma, vaddr_t addr, pte_t pte)
{
	pfn_t pfn = pte_pfn(pte);
	const struct page *page = pfn_to_page(c->v->m, pfn);

	c->v->frames[pfn.n].maps++;
	c->v->frames[pfn.n].locks += vma && vma->flags & VM_LOCKED;
	c->v->frames[pfn.n].refs++;
	if (pfn.n == c->v->m->zero_pfn.n) {
		bad_entry(c, addr, pte, "the zero page, not special");
	} else if (page->flags & BIT(PG_table)) {
		bad_entry(c, addr, pte, "its frame is a page table");
	} else if (page->refcount.v <= 0) {
		bad_entry(c, addr, pte, "its frame is free");
	} else if (page_test_anon(page)) {
		if (vma)
			verify_page_rmap(c, vma, addr, pte, page);
		if (pte_write(pte) && !(page->flags & BIT(PG_anon_exclusive)))
			bad_entry(c, addr, pte, "writable, and its page is not exclusive");
	} else if (!page->mapping || (vma && !vma->file)) {
		bad_entry(c, addr, pte, "its page is not anonymous");
	} else if (vma) {
		verify_file_page(c, vma, addr, pte, page);
	}
	c->rss[page_mm_counter(page)]++;
}

/* A slot: it must be one in use; private memory alone goes to swap by its entries. */
static void verify_slot(struct table_check *c, const struct vm_area *vma, vaddr_t addr, pte_t pte)
{
	c->rss[MM_SWAPENTS]++;
	if (!verify_swap_entry(c->v, pte_to_swp_entry(pte)))
		bad_entry(c, addr, pte, "there is no such slot");
	if (vma && !vma->anon_vma)
		bad_entry(c, addr, pte, "in swap, in a vma that has no anonymous pages");
	if (pte_swp_uffd_wp(pte) && vma && !may_be_protected(vma))
		bad_entry(c, addr, pte, "write-protected by userfaultfd, which the vma is not");
}

static void verify_marker(struct table_check *c, const struct vm_area *vma, vaddr_t addr, pte_t pte)
{
	u32 bits = pte_marker_bits(pte);

	/* PAGEMAP_SCAN notes on an entry that nobody gets past that it has seen it. */
	if (bits & (PTE_MARKER_GUARD | PTE_MARKER_POISONED))
		pte = pte_swp_clear_uffd_wp(pte);
	if (!bits || make_pte_marker(bits).v != pte.v)
		bad_entry(c, addr, pte, "a marker that no maker makes");
	if ((bits & PTE_MARKER_UFFD_WP) && !may_be_protected(vma))
		bad_entry(c, addr, pte, "a write-protect marker, which the vma does not have");
	if ((bits & PTE_MARKER_SWAPPED) &&
	    (vma->backing != VMA_SHMEM || !c->v->m->config.shmem_swap_bit))
		bad_entry(c, addr, pte, "swapped out by a machine that does not keep that here");
	if ((bits & PTE_MARKER_GUARD) && !(vma->flags & VM_MAYBE_GUARD))
		bad_entry(c, addr, pte, "a guard in a vma that says it has none");
}

static void verify_pte(struct table_check *c, vaddr_t addr, pte_t pte)
{
	const struct vm_area *vma = vma_at(c, addr);

	if (!vma)
		bad_entry(c, addr, pte, "in no vma");
	if (pte_present(pte)) {
		if (vma)
			verify_rights(c, vma, addr, pte);
		if (pte_special(pte))
			verify_special(c, addr, pte);
		else if (frame_exists(c->v, pte_pfn(pte)))
			verify_page(c, vma, addr, pte);
		else
			bad_entry(c, addr, pte, "its frame is no RAM");
	} else if (!swp_is_special(pte_to_swp_entry(pte))) {
		verify_slot(c, vma, addr, pte);
	} else if (!pte_is_marker(pte)) {
		/* Migration entries are gone when the machine is idle. */
		bad_entry(c, addr, pte, "in a state that nothing here makes");
	} else if (vma) {
		verify_marker(c, vma, addr, pte);
	}
}

/* ---- tables -------------------------------------------------------------------------------- */

static void verify_table(struct table_check *c, struct page *table, unsigned level, vaddr_t start);

/* Whether entry leads to a table that can be looked at; said what is wrong if not. */
static struct page *child_table(struct table_check *c, table_entry_t entry, unsigned level,
				vaddr_t start)
{
	pfn_t pfn = table_pfn(entry);

	if (entry.v != mk_table(pfn).v)
		finding(c->v, "mm %u: level %u entry of %#llx is %#llx, which is no table's",
			c->mm->id, level, (unsigned long long)start, (unsigned long long)entry.v);
	if (!frame_exists(c->v, pfn)) {
		finding(c->v, "mm %u: level %u entry of %#llx: frame %llu is no RAM", c->mm->id,
			level, (unsigned long long)start, (unsigned long long)pfn.n);
		return NULL;
	}
	c->nr_tables++;
	return pfn_to_page(c->v->m, pfn);
}

static u32 verify_entries(struct table_check *c, const struct page *table, unsigned level,
			  vaddr_t start)
{
	const u64 *entries = page_address(table);
	u32 used = 0;

	for (unsigned i = 0; i < PTRS_PER_TABLE; i++) {
		vaddr_t addr = start + i * LEVEL_SIZE(level);
		struct page *child;

		if (likely(!entries[i]))
			continue;
		used++;
		if (level == 0) {
			verify_pte(c, addr, (pte_t){ entries[i] });
			continue;
		}
		child = child_table(c, (table_entry_t){ entries[i] }, level, addr);
		if (child)
			verify_table(c, child, level - 1, addr);
	}
	return used;
}

/* What the struct page of a table must say. */
static void verify_table_page(struct table_check *c, const struct page *table, unsigned level,
			      vaddr_t start)
{
	u64 pfn = page_to_pfn(table).n;

	if (table->table_mm != c->mm)
		finding(c->v, "table %llu: its mm is not mm %u, from which it hangs",
			(unsigned long long)pfn, c->mm->id);
	expect_equal(c->v, "table", pfn, "its level", table->table_level, level);
	expect_equal(c->v, "table", pfn, "its start", table->table_start, start);
	expect_unlocked(c->v, "table", pfn, "ptl", table->ptl.word);
	(void)vma_at(c, start);
	if (level < PT_LEVELS - 1 && (!c->vma || c->vma->start >= start + LEVEL_SIZE(level + 1)))
		finding(c->v, "table %llu: maps %#llx at level %u of mm %u, where no vma is",
			(unsigned long long)pfn, (unsigned long long)start, level, c->mm->id);
}

static void verify_table(struct table_check *c, struct page *table, unsigned level, vaddr_t start)
{
	u64 pfn = page_to_pfn(table).n;
	struct frame_record *record = &c->v->frames[pfn];

	if (record->is_table) {
		finding(c->v, "table %llu: reached twice, again at %#llx of mm %u",
			(unsigned long long)pfn, (unsigned long long)start, c->mm->id);
		return;
	}
	record->is_table = 1;
	record->refs++;
	c->v->nr_tables++;
	if (!(table->flags & BIT(PG_table))) {
		finding(c->v, "table %llu: hangs from mm %u, and its page says it is none",
			(unsigned long long)pfn, c->mm->id);
		return;
	}
	verify_table_page(c, table, level, start);
	expect_equal(c->v, "table", pfn, "nr_used", (u64)table->nr_used.v,
		     verify_entries(c, table, level, start));
}

pte_t verify_read_entry(const struct verify *v, const struct mm *mm, vaddr_t addr)
{
	pfn_t pfn = mm->pgd;

	for (unsigned level = PT_LEVELS - 1; addr < TASK_SIZE && frame_exists(v, pfn); level--) {
		const u64 *entry = (const u64 *)pfn_to_virt(v->m, pfn) + LEVEL_INDEX(level, addr);

		if (level == 0)
			return (pte_t){ *entry };
		pfn = table_pfn((table_entry_t){ *entry });
	}
	return (pte_t){ 0 };
}

void verify_tables(struct verify *v, struct mm *mm)
{
	static const char *const names[NR_MM_COUNTERS] = { "file rss", "anon rss", "swap entries",
							   "shmem rss" };
	struct table_check c = { .v = v, .mm = mm, .vma = vma_first(mm) };

	if (!frame_exists(v, mm->pgd)) {
		finding(v, "mm %u: its root, frame %llu, is no RAM", mm->id,
			(unsigned long long)mm->pgd.n);
		return;
	}
	verify_table(&c, pfn_to_page(v->m, mm->pgd), PT_LEVELS - 1, 0);
	expect_equal(v, "mm", mm->id, "pgtables_bytes", (u64)mm->pgtables_bytes.v,
		     c.nr_tables * PAGE_SIZE);
	for (unsigned i = 0; i < NR_MM_COUNTERS; i++)
		expect_equal(v, "mm", mm->id, names[i], (u64)mm->rss[i].v, c.rss[i]);
}
