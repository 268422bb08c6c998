/* SPDX-License-Identifier: MIT */
/* Covers: R6 */
/*
 * As verify_test.c, for anon_vmas and the chains that lead to them: every check of verify_rmap.c
 * is proven by a planted fault.
 *
 *     A written by parent and child   B locked, written by the parent after the fork
 */
#include "rmap/anon_vma.h"

/* Last: it has a machine m. */
#include "api/planted_test.h"

#define PAGE 4096ull
#define A 0x100000ull
#define B 0x40000000ull
#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED)

static struct umm_task *parent, *child;
static struct mm *mm; /* the parent's */

static int set_up(void **state)
{
	struct umm_config config;

	(void)state;
	umm_config_init(&config);
	config.ram_bytes = 2 << 20;
	assert_int_equal(umm_machine_create(&config, (struct umm_machine **)&m), 0);
	assert_int_equal(umm_process_create((struct umm_machine *)m, &parent), 0);
	mm = ((struct task *)parent)->mm;
	assert_int_equal(umm_mmap(parent, A, 2 * PAGE, RW, ANON, -1, 0), A);
	assert_int_equal(umm_mmap(parent, B, 2 * PAGE, RW, ANON | MAP_LOCKED, -1, 0), B);
	assert_int_equal(umm_store(parent, A, 8, 1, NULL), 0);
	assert_int_equal(umm_fork(parent, &child), 0);
	assert_int_equal(umm_store(child, A, 8, 2, NULL), 0);
	assert_int_equal(umm_store(parent, B, 8, 1, NULL), 0);
	assert_int_equal(umm_snapshot_take((struct umm_machine *)m, &snapshot), 0);
	assert_int_equal(umm_verify((struct umm_machine *)m, NULL, 0), 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	umm_snapshot_free(snapshot);
	umm_machine_destroy((struct umm_machine *)m);
	return 0;
}

static struct vm_area *vma_of(u64 addr)
{
	struct vm_area *vma;

	for_each_vma(mm, vma)
		if (vma->start <= addr && addr < vma->end)
			return vma;
	fail_msg("no vma at %#llx", LL(addr));
	return NULL;
}

static u64 heap_offset(const void *object)
{
	return (u64)((uintptr_t)object - (uintptr_t)m);
}

/* ---- faults --------------------------------------------------------------------------- */

static void active_vmas_wrong(void)
{
	struct anon_vma *anon_vma = vma_of(A)->anon_vma;

	anon_vma->num_active_vmas++;
	WANT("anon_vma %llu: num_active_vmas is %u, counted %u", LL(heap_offset(anon_vma)),
	     anon_vma->num_active_vmas, anon_vma->num_active_vmas - 1);
}

static void children_wrong(void)
{
	struct anon_vma *anon_vma = vma_of(A)->anon_vma;

	anon_vma->num_children++;
	WANT("anon_vma %llu: num_children is %u, counted %u", LL(heap_offset(anon_vma)),
	     anon_vma->num_children, anon_vma->num_children - 1);
}

static void anon_vma_refs_wrong(void)
{
	struct anon_vma *anon_vma = vma_of(A)->anon_vma;

	anon_vma->refcount.v++;
	WANT("anon_vma %llu: refcount is %d, counted %d", LL(heap_offset(anon_vma)),
	     anon_vma->refcount.v, anon_vma->refcount.v - 1);
}

static struct anon_vma_chain *chain_of(u64 addr)
{
	return list_first_entry(&vma_of(addr)->anon_vma_chain, struct anon_vma_chain, same_vma);
}

static void chain_off_the_tree(void)
{
	struct anon_vma *anon_vma = vma_of(B)->anon_vma;

	interval_remove(&anon_vma->avcs, &chain_of(B)->node);
	WANT("anon_vma %llu: size of its tree is ...", LL(heap_offset(anon_vma)));
}

static void chain_sorted_wrong(void)
{
	struct interval_node *node = &chain_of(B)->node;

	node->first++;
	WANT("mm %u: vma %#llx: a chain is sorted in as pages %#llx to %#llx", mm->id, LL(B),
	     LL(node->first), LL(node->last));
}

static void tree_end_wrong(void)
{
	struct anon_vma *anon_vma = vma_of(A)->anon_vma;
	struct interval_node *root = RB_ROOT(&anon_vma->avcs);

	root->subtree_last++;
	WANT("anon_vma %llu: largest end in its tree at page %#llx is %#llx, counted %#llx",
	     LL(heap_offset(anon_vma)), LL(root->first), LL(root->subtree_last),
	     LL(root->subtree_last - 1));
}

static void tree_out_of_order(void)
{
	struct anon_vma *anon_vma = vma_of(A)->anon_vma;
	struct interval_node *root = RB_ROOT(&anon_vma->avcs);
	struct interval_node *other = RB_LEFT(root, rb) ? RB_LEFT(root, rb) : RB_RIGHT(root, rb);

	if (other == RB_LEFT(root, rb))
		root->first = 0;
	else
		other->first = 0;
	WANT("anon_vma %llu: its tree is not sorted at page 0", LL(heap_offset(anon_vma)));
}

static void chain_of_other_vma(void)
{
	chain_of(B)->vma = vma_of(A);
	WANT("mm %u: vma %#llx: one of its chains says it is of another", mm->id, LL(B));
}

static void chain_missing(void)
{
	list_init(&vma_of(B)->anon_vma_chain);
	WANT("mm %u: vma %#llx: no chain leads to its own anon_vma", mm->id, LL(B));
}

static void chain_to_nowhere(void)
{
	chain_of(B)->anon_vma = NULL;
	WANT("mm %u: vma %#llx: a chain leads to 0, which is no anon_vma", mm->id, LL(B));
}

static void anon_vma_forgotten(void)
{
	vma_of(B)->anon_vma = NULL;
	WANT("mm %u: vma %#llx: chains, and no anon_vma of its own", mm->id, LL(B));
}

static void anon_vma_lock_held(void)
{
	struct anon_vma *anon_vma = vma_of(B)->anon_vma;

	anon_vma->rwsem.state = RWSEM_WRITER;
	WANT("anon_vma %llu: its rwsem is held (0x80000000)", LL(heap_offset(anon_vma)));
}

static void root_lost(void)
{
	struct anon_vma *anon_vma = vma_of(A)->anon_vma;

	anon_vma->root = NULL;
	WANT("anon_vma %llu: root or parent is no anon_vma", LL(heap_offset(anon_vma)));
}

static void root_of_another(void)
{
	struct anon_vma *anon_vma = vma_of(A)->anon_vma;

	anon_vma->root = vma_of(B)->anon_vma;
	WANT("anon_vma %llu: its root is not its parent's", LL(heap_offset(anon_vma)));
}

static void trees_mixed_up(void)
{
	struct anon_vma *anon_vma = vma_of(B)->anon_vma;

	chain_of(B)->anon_vma = vma_of(A)->anon_vma;
	WANT("anon_vma %llu: a chain in its tree leads to another", LL(heap_offset(anon_vma)));
}

/* ---- the run -------------------------------------------------------------------------- */

static const struct planted faults[] = {
	FAULT(active_vmas_wrong),  FAULT(children_wrong),     FAULT(anon_vma_refs_wrong),
	FAULT(chain_off_the_tree), FAULT(chain_sorted_wrong), FAULT(tree_end_wrong),
	FAULT(tree_out_of_order),  FAULT(chain_of_other_vma), FAULT(chain_missing),
	FAULT(chain_to_nowhere),   FAULT(anon_vma_forgotten), FAULT(anon_vma_lock_held),
	FAULT(root_lost),          FAULT(root_of_another),    FAULT(trees_mixed_up),
};

static void every_planted_fault_is_found(void **state)
{
	(void)state;
	find_planted(faults, ARRAY_SIZE(faults));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_healthy_machine_is_clean),
		cmocka_unit_test(every_planted_fault_is_found),
	};

	return cmocka_run_group_tests_name("verify-rmap", tests, set_up, tear_down);
}
