/* SPDX-License-Identifier: MIT */
/* Covers: A1, A2 */
/*
 * Every state of an entry with every combination of its bits: exactly one predicate holds, the
 * makers and the questions agree, and what must not be asked asserts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mmu/entry.h"

static const u64 pfns[] = { 0, 1, 2, 0x12345, (1ull << 28) - 1, 1ull << 38, (1ull << 40) - 1 };

/* ---- expecting an assertion ---------------------------------------------------------------- */

static jmp_buf bug_jump;
static char bug_said[512];

static void catch_bug(const char *text)
{
	size_t len = strlen(text);

	memcpy(bug_said, text, MIN(len + 1, sizeof(bug_said)));
	longjmp(bug_jump, 1);
}

/* fn(a, b) must assert, in words that hold `word`. */
static void expect_bug(void (*fn)(u64 a, u64 b), u64 a, u64 b, const char *word)
{
	umm_bug_handler *old = umm_bug_set_handler(catch_bug);

	bug_said[0] = '\0';
	if (!setjmp(bug_jump))
		fn(a, b);
	umm_bug_set_handler(old);
	if (!strstr(bug_said, word))
		fail_msg("no assertion about %s for %#llx, %#llx, but: %s", word,
			 (unsigned long long)a, (unsigned long long)b, bug_said);
}

static void ask_pfn(u64 type, u64 offset)
{
	(void)swp_entry_pfn((swp_entry_t){ (u32)type, offset });
}

static void ask_slot(u64 type, u64 offset)
{
	(void)swp_entry_slot((swp_entry_t){ (u32)type, offset });
}

static void ask_marker(u64 bits, u64 unused)
{
	(void)unused;
	(void)make_pte_marker((u32)bits);
}

/* ---- states -------------------------------------------------------------------------------- */

static unsigned states_of(pte_t pte)
{
	return (unsigned)pte_none(pte) + pte_present(pte) + pte_is_swp(pte);
}

static void none_is_nothing_else(void **state)
{
	pte_t none = { 0 };

	(void)state;
	assert_true(pte_none(none));
	assert_int_equal(states_of(none), 1);
	assert_false(pte_is_marker(none));
	assert_false(pte_is_guard(none));
	assert_false(pte_any_uffd_wp(none));
	assert_int_equal(pte_marker_bits(none), 0);
	assert_string_equal(pte_state_name(none), "none");
	assert_false(pte_cpu_may_read(none) || pte_cpu_may_write(none) || pte_cpu_may_exec(none));
}

/* One word of a processor's bits at a time: all of them, so every combination. */
static void every_word_is_in_one_state(void **state)
{
	static const u8 bits[] = {
#define X(name, bit, letter) bit,
		ENTRY_BITS(X)
#undef X
	};
	u64 words = 1ull << ARRAY_SIZE(bits);

	(void)state;
	for (u64 word = 0; word < words; word++) {
		pte_t pte = { 0 };

		for (unsigned i = 0; i < ARRAY_SIZE(bits); i++)
			pte.v |= word & BIT(i) ? 1ull << bits[i] : 0;
		if (states_of(pte) != 1)
			fail_msg("entry %#llx is in %u states", (unsigned long long)pte.v,
				 states_of(pte));
		if (pte_protnone(pte) && (!pte_present(pte) || pte_cpu_may_read(pte)))
			fail_msg("entry %#llx: inaccessible, yet not", (unsigned long long)pte.v);
		if (pte_cpu_may_write(pte) && !(pte_present(pte) && pte_write(pte)))
			fail_msg("entry %#llx: processor writes", (unsigned long long)pte.v);
		if (!pte_present(pte) && (pte_cpu_may_read(pte) || pte_cpu_may_exec(pte)))
			fail_msg("entry %#llx: processor reads", (unsigned long long)pte.v);
	}
}

/* ---- present entries ----------------------------------------------------------------------- */

/* The attributes of a present entry, as a naive model keeps them. */
struct attributes {
	bool write, exec, dirty, young, special, uffd_wp, soft_dirty, protnone;
};

static void check_present(pte_t pte, struct attributes want, u64 pfn)
{
	assert_true(pte_present(pte));
	assert_int_equal(states_of(pte), 1);
	assert_string_equal(pte_state_name(pte), "present");
	assert_int_equal(pte_pfn(pte).n, pfn);
	assert_int_equal(pte_protnone(pte), want.protnone);
	if (!want.protnone) /* the processor looks at no right of an inaccessible page */
		assert_int_equal(pte_exec(pte), want.exec);
	assert_int_equal(pte_write(pte), want.write);
	assert_int_equal(pte_dirty(pte), want.dirty);
	assert_int_equal(pte_young(pte), want.young);
	assert_int_equal(pte_special(pte), want.special);
	assert_int_equal(pte_uffd_wp(pte), want.uffd_wp && ARCH_HAS_UFFD_WP);
	assert_int_equal(pte_any_uffd_wp(pte), want.uffd_wp && ARCH_HAS_UFFD_WP);
	if (ARCH_HAS_SOFT_DIRTY)
		assert_int_equal(pte_soft_dirty(pte), want.soft_dirty);
	assert_false(pte_is_marker(pte));
	assert_int_equal(pte_cpu_may_read(pte), !want.protnone);
	assert_int_equal(pte_cpu_may_write(pte), !want.protnone && want.write);
	if (want.protnone)
		assert_false(pte_cpu_may_exec(pte));
	else
		assert_int_equal(pte_cpu_may_exec(pte), want.exec);
}

static pgprot_t prot_of(unsigned rwx)
{
	return arch_page_prot(rwx);
}

/* A private mapping's entry with the attributes in the bits of `set`. */
static pte_t build(unsigned rwx, unsigned set, u64 pfn, struct attributes *ret_want)
{
	struct attributes want = { .protnone = !rwx, .exec = rwx & 4 };
	pte_t pte = pte_mkold(pfn_pte(pfn_of(pfn), prot_of(rwx)));

	if (set & 1)
		pte = pte_mkdirty(pte, set & 32), want.dirty = true, want.soft_dirty = set & 32;
	if (set & 2)
		pte = pte_mkyoung(pte), want.young = true;
	if (set & 4)
		pte = pte_mkspecial(pte), want.special = true;
	if (set & 8)
		pte = pte_mkuffd_wp(pte), want.uffd_wp = true;
	else if ((set & 16) && rwx)
		pte = pte_mkwrite(pte), want.write = true;
	if (set & 64)
		pte = pte_mksoft_dirty(pte), want.soft_dirty = true;
	*ret_want = want;
	return pte;
}

static void check_changes(pte_t pte, struct attributes want, u64 pfn)
{
	struct attributes w;

	w = want, w.young = true;
	check_present(pte_mkyoung(pte), w, pfn);
	w = want, w.young = false;
	check_present(pte_mkold(pte), w, pfn);
	w = want, w.dirty = false;
	check_present(pte_mkclean(pte), w, pfn);
	w = want, w.dirty = true;
	check_present(pte_mkdirty(pte, false), w, pfn);
	w.soft_dirty = true;
	check_present(pte_mkdirty(pte, true), w, pfn);
	w = want, w.write = false;
	check_present(pte_wrprotect(pte), w, pfn);
	w.uffd_wp = true;
	check_present(pte_mkuffd_wp(pte), w, pfn);
	w = want, w.uffd_wp = false;
	check_present(pte_clear_uffd_wp(pte), w, pfn);
	w = want, w.soft_dirty = false;
	check_present(pte_clear_soft_dirty(pte), w, pfn);
	if (!want.protnone) {
		w = want, w.write = true;
		check_present(pte_mkwrite(pte), w, pfn);
	}
}

/* A change of protection keeps the page and its history and takes the rights of the new one. */
static void check_modify(pte_t pte, struct attributes want, u64 pfn)
{
	for (unsigned rwx = 0; rwx < 8; rwx++) {
		struct attributes w = want;

		w.write = false;
		w.exec = rwx & 4;
		w.protnone = !rwx;
		check_present(pte_modify(pte, prot_of(rwx)), w, pfn);
	}
}

static void present_entries(void **state)
{
	(void)state;
	for (unsigned rwx = 0; rwx < 8; rwx++)
		for (unsigned set = 0; set < 128; set++)
			for (unsigned i = 0; i < ARRAY_SIZE(pfns); i++) {
				struct attributes want;
				pte_t pte = build(rwx, set, pfns[i], &want);

				check_present(pte, want, pfns[i]);
				check_changes(pte, want, pfns[i]);
				check_modify(pte, want, pfns[i]);
			}
}

/* There and back through "no access": nothing of the page's history is lost on the way. */
static void modify_through_none_and_back(void **state)
{
	(void)state;
	for (unsigned set = 0; set < 128; set++)
		for (unsigned i = 0; i < ARRAY_SIZE(pfns); i++) {
			struct attributes want;
			pte_t pte = build(3, set, pfns[i], &want);
			pte_t back = pte_modify(pte_modify(pte, prot_of(0)), prot_of(3));

			assert_int_equal(back.v, pte_wrprotect(pte).v);
		}
}

/* ---- swap-type entries --------------------------------------------------------------------- */

/* Type 0 has one offset that would read as none: no swap area reaches it. */
static bool reads_as_none(u32 type, u64 offset)
{
	return pte_none(swp_entry_to_pte((swp_entry_t){ type, offset }));
}

static void check_swap_type(u32 type, u64 offset, unsigned set)
{
	pte_t pte = swp_entry_to_pte((swp_entry_t){ type, offset });
	swp_entry_t entry;

	if (set & 1)
		pte = pte_swp_mkexclusive(pte);
	if (set & 2)
		pte = pte_swp_mkuffd_wp(pte);
	if (set & 4)
		pte = pte_swp_mksoft_dirty(pte);
	entry = pte_to_swp_entry(pte);
	assert_true(pte_is_swp(pte));
	assert_int_equal(states_of(pte), 1);
	assert_int_equal(entry.type, type);
	assert_int_equal(entry.offset, offset);
	assert_int_equal(swp_is_special(entry), type >= MAX_SWAP_AREAS);
	assert_int_equal(pte_swp_exclusive(pte), set & 1);
	assert_int_equal(pte_swp_uffd_wp(pte), (set & 2) && ARCH_HAS_UFFD_WP);
	if (ARCH_HAS_SOFT_DIRTY)
		assert_int_equal(pte_swp_soft_dirty(pte), !!(set & 4));
	assert_int_equal(pte_is_marker(pte), type == SWP_PTE_MARKER);
	assert_false(pte_cpu_may_read(pte) || pte_cpu_may_write(pte) || pte_cpu_may_exec(pte));
	assert_false(pte_protnone(pte));
	if (!pte_is_marker(pte)) {
		assert_int_equal(pte_any_uffd_wp(pte), (set & 2) && ARCH_HAS_UFFD_WP);
		assert_int_equal(pte_marker_bits(pte), 0);
		assert_false(pte_is_guard(pte));
	}
	assert_int_equal(pte_to_swp_entry(pte_swp_clear_exclusive(pte)).offset, offset);
	assert_false(pte_swp_exclusive(pte_swp_clear_exclusive(pte)));
	assert_false(pte_swp_uffd_wp(pte_swp_clear_uffd_wp(pte)));
}

static void every_swap_type_at_its_edges(void **state)
{
	const u64 offsets[] = { 0,
				1,
				2,
				7,
				0x1000,
				1ull << 32,
				SWP_OFFSET_MASK >> 1,
				SWP_OFFSET_MASK - 1,
				SWP_OFFSET_MASK };
	unsigned none = 0;

	(void)state;
	for (u32 type = 0; type < NR_SWP_TYPES; type++)
		for (unsigned i = 0; i < ARRAY_SIZE(offsets); i++)
			for (unsigned set = 0; set < 8; set++) {
				if (reads_as_none(type, offsets[i])) {
					none++;
					assert_int_equal(type, 0);
					continue;
				}
				check_swap_type(type, offsets[i], set);
			}
	assert_int_equal(none, 8);
}

static void special_entries_are_named(void **state)
{
	static const struct {
		u32 type;
		const char *name;
		enum entry_holds holds;
	} table[] = {
#define X(id, type, name, holds) { type, name, holds },
		SPECIAL_ENTRIES(X)
#undef X
	};

	(void)state;
	assert_int_equal(ARRAY_SIZE(table), NR_SWP_TYPES - MAX_SWAP_AREAS);
	for (unsigned i = 0; i < ARRAY_SIZE(table); i++) {
		pte_t pte = swp_entry_to_pte((swp_entry_t){ table[i].type, 5 });
		swp_entry_t entry = pte_to_swp_entry(pte);

		assert_int_equal(table[i].type, MAX_SWAP_AREAS + i);
		assert_string_equal(pte_state_name(pte), table[i].name);
		assert_int_equal(swp_entry_holds(entry), table[i].holds);
		if (table[i].holds == HOLDS_PFN)
			assert_int_equal(swp_entry_pfn(entry).n, 5);
	}
	for (u32 type = 0; type < MAX_SWAP_AREAS; type++) {
		pte_t pte = swp_entry_to_pte((swp_entry_t){ type, 5 });

		assert_string_equal(pte_state_name(pte), "swap");
		assert_int_equal(swp_entry_slot(pte_to_swp_entry(pte)), 5);
	}
}

/* ---- markers ------------------------------------------------------------------------------- */

static void every_marker(void **state)
{
	(void)state;
	for (u32 bits = 1; bits <= PTE_MARKER_MASK; bits++) {
		pte_t pte = make_pte_marker(bits);

		assert_int_equal(states_of(pte), 1);
		assert_true(pte_is_marker(pte));
		assert_false(pte_none(pte) || pte_present(pte));
		assert_string_equal(pte_state_name(pte), "marker");
		assert_int_equal(pte_marker_bits(pte), bits);
		assert_int_equal(pte_is_guard(pte), !!(bits & PTE_MARKER_GUARD));
		assert_int_equal(pte_any_uffd_wp(pte), !!(bits & PTE_MARKER_UFFD_WP));
		expect_bug(ask_pfn, SWP_PTE_MARKER, bits, "HOLDS_PFN");
		expect_bug(ask_slot, SWP_PTE_MARKER, bits, "HOLDS_SLOT");
	}
	expect_bug(ask_marker, 0, 0, "bits");
	expect_bug(ask_marker, PTE_MARKER_MASK + 1, 0, "bits");
}

static void a_slot_is_no_frame(void **state)
{
	(void)state;
	expect_bug(ask_pfn, 0, 9, "HOLDS_PFN");
	for (u32 type = MAX_SWAP_AREAS; type < NR_SWP_TYPES; type++)
		expect_bug(ask_slot, type, 9, "HOLDS_SLOT");
}

/* ---- printing ------------------------------------------------------------------------------ */

static void expect_text(pte_t pte, const char *want)
{
	char buf[128];

	assert_int_equal(pte_describe(pte, buf, sizeof(buf)), strlen(want));
	assert_string_equal(buf, want);
}

static void descriptions(void **state)
{
	pte_t pte = pfn_pte(pfn_of(12), prot_of(3));
	char small[5];

	(void)state;
	expect_text((pte_t){ 0 }, "none");
	expect_text(make_pte_marker(PTE_MARKER_GUARD | PTE_MARKER_UFFD_WP), "marker wg");
	expect_text(swp_entry_to_pte((swp_entry_t){ 3, 77 }), "swap area=3 slot=77");
	expect_text(pte_swp_mkexclusive(swp_entry_to_pte((swp_entry_t){ 3, 77 })),
		    "swap e area=3 slot=77");
	expect_text(swp_entry_to_pte((swp_entry_t){ SWP_MIGRATION_WRITE, 12 }),
		    "migration-write pfn=12");
#ifdef UMM_ARCH_RISCV64
	expect_text(pte_mkdirty(pte_mkwrite(pte), false), "present VRWUAD pfn=12");
	expect_text(pte_modify(pte, prot_of(0)), "present RNA pfn=12");
#else
	expect_text(pte_mkdirty(pte_mkwrite(pte), false), "present PWUADX pfn=12");
	expect_text(pte_wrprotect(pte_mkdirty(pte, true)), "present PUAdvX pfn=12");
	expect_text(pte_modify(pte, prot_of(0)), "present AN pfn=12");
#endif
	assert_int_equal(pte_describe(make_pte_marker(PTE_MARKER_GUARD), small, sizeof(small)), 8);
	assert_string_equal(small, "mark");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(none_is_nothing_else),
		cmocka_unit_test(every_word_is_in_one_state),
		cmocka_unit_test(present_entries),
		cmocka_unit_test(modify_through_none_and_back),
		cmocka_unit_test(every_swap_type_at_its_edges),
		cmocka_unit_test(special_entries_are_named),
		cmocka_unit_test(every_marker),
		cmocka_unit_test(a_slot_is_no_frame),
		cmocka_unit_test(descriptions),
	};

	return cmocka_run_group_tests_name("mmu-entry", tests, NULL, NULL);
}
