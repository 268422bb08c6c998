/* SPDX-License-Identifier: MIT */
/*
 * verify: the web of vmas, chains and anon_vmas. From the vmas' side every chain is followed
 * and counted for the anon_vma it leads to; then each anon_vma found must have as many chains,
 * vmas and children as were counted.
 */
#include "api/verify_internal.h"

static u64 anon_vma_hash(const struct anon_vma *anon_vma)
{
	return ((uintptr_t)anon_vma >> 5) * 0x9e3779b97f4a7c15ull >> 20;
}

/* The record of an anon_vma, made when there is none; NULL: more than can be. */
static struct anon_vma_record *record_of(struct verify *v, struct anon_vma *anon_vma)
{
	u64 slot = anon_vma_hash(anon_vma) & v->anon_vma_mask;

	while (v->anon_vmas[slot].anon_vma) {
		if (v->anon_vmas[slot].anon_vma == anon_vma)
			return &v->anon_vmas[slot];
		slot = (slot + 1) & v->anon_vma_mask;
	}
	if (v->nr_anon_vmas * 2 > v->anon_vma_mask)
		return NULL;
	v->nr_anon_vmas++;
	v->anon_vmas[slot].anon_vma = anon_vma;
	return &v->anon_vmas[slot];
}

static void verify_chain(struct verify *v, struct vm_area *vma, struct anon_vma_chain *avc)
{
	struct anon_vma_record *record;

	if (avc->vma != vma)
		finding(v, "mm %u: vma %#llx: one of its chains says it is of another", vma->mm->id,
			(unsigned long long)vma->start);
	if (!in_heap(v, avc->anon_vma)) {
		finding(v, "mm %u: vma %#llx: a chain leads to %#llx, which is no anon_vma",
			vma->mm->id, (unsigned long long)vma->start,
			(unsigned long long)(uintptr_t)avc->anon_vma);
		return;
	}
	if (avc->node.first != vma->pgoff || avc->node.last != vma->pgoff + vma_pages(vma) - 1)
		finding(v, "mm %u: vma %#llx: a chain is sorted in as pages %#llx to %#llx",
			vma->mm->id, (unsigned long long)vma->start,
			(unsigned long long)avc->node.first, (unsigned long long)avc->node.last);
	record = record_of(v, avc->anon_vma);
	if (record)
		record->chains++;
}

void verify_chains(struct verify *v, struct vm_area *vma)
{
	struct anon_vma_chain *avc;
	bool own = !vma->anon_vma;
	struct anon_vma_record *record;

	list_for_each_entry(avc, &vma->anon_vma_chain, same_vma) {
		v->nr_avcs++;
		own |= avc->anon_vma == vma->anon_vma;
		verify_chain(v, vma, avc);
	}
	if (!own)
		finding(v, "mm %u: vma %#llx: no chain leads to its own anon_vma", vma->mm->id,
			(unsigned long long)vma->start);
	if (!vma->anon_vma && !list_empty(&vma->anon_vma_chain))
		finding(v, "mm %u: vma %#llx: chains, and no anon_vma of its own", vma->mm->id,
			(unsigned long long)vma->start);
	if (!vma->anon_vma || !in_heap(v, vma->anon_vma))
		return;
	record = record_of(v, vma->anon_vma);
	if (record)
		record->active++;
}

bool vma_has_anon_vma(const struct vm_area *vma, const struct anon_vma *anon_vma)
{
	struct anon_vma_chain *avc;

	if (vma->anon_vma == anon_vma)
		return anon_vma;
	list_for_each_entry(avc, &vma->anon_vma_chain, same_vma)
		if (avc->anon_vma == anon_vma)
			return true;
	return false;
}

/* ---- from the anon_vmas' side -------------------------------------------------------------- */

static u64 anon_vma_id(const struct verify *v, const struct anon_vma *anon_vma)
{
	return (u64)((uintptr_t)anon_vma - (uintptr_t)v->m);
}

/* Each is one of its parent's children; a root is its own. */
static void count_child(struct verify *v, struct anon_vma *anon_vma)
{
	unsigned long long id = anon_vma_id(v, anon_vma);
	struct anon_vma_record *parent;

	if (!in_heap(v, anon_vma->root) || !in_heap(v, anon_vma->parent)) {
		finding(v, "anon_vma %llu: root or parent is no anon_vma", id);
		return;
	}
	if ((anon_vma->root == anon_vma) != (anon_vma->parent == anon_vma) ||
	    anon_vma->root != anon_vma->parent->root || anon_vma->root->root != anon_vma->root)
		finding(v, "anon_vma %llu: its root is not its parent's", id);
	parent = record_of(v, anon_vma->parent);
	if (parent)
		parent->children++;
}

/* One anon_vma's tree on the way. */
struct tree_check {
	struct verify *v;
	struct anon_vma *anon_vma;
	pgoff_t before; /* start of the last one seen */
	u64 nr;
};

/* The avcs below a node, in order; the largest end there. Cut when there are more than can be. */
static pgoff_t verify_tree(struct tree_check *c, struct interval_node *node)
{
	unsigned long long id = anon_vma_id(c->v, c->anon_vma);
	struct interval_node *left = RB_LEFT(node, rb), *right = RB_RIGHT(node, rb);
	pgoff_t last = node->last, below = 0;

	if (left && c->nr <= c->v->nr_avcs)
		below = verify_tree(c, left);
	last = MAX(last, below);
	if (container_of(node, struct anon_vma_chain, node)->anon_vma != c->anon_vma)
		finding(c->v, "anon_vma %llu: a chain in its tree leads to another", id);
	if (c->nr++ && node->first < c->before)
		finding(c->v, "anon_vma %llu: its tree is not sorted at page %#llx", id,
			(unsigned long long)node->first);
	c->before = node->first;
	if (right && c->nr <= c->v->nr_avcs)
		below = verify_tree(c, right);
	last = MAX(last, below);
	if (c->nr <= c->v->nr_avcs && node->subtree_last != last)
		finding(c->v,
			"anon_vma %llu: largest end in its tree at page %#llx is %#llx, "
			"counted %#llx",
			id, (unsigned long long)node->first, (unsigned long long)node->subtree_last,
			(unsigned long long)last);
	return last;
}

static void verify_anon_vma(struct verify *v, const struct anon_vma_record *record)
{
	struct anon_vma *anon_vma = record->anon_vma;
	struct tree_check tree = { .v = v, .anon_vma = anon_vma };
	u64 id = anon_vma_id(v, anon_vma);
	u64 others = record->children - (anon_vma->parent == anon_vma);

	if (!RB_EMPTY(&anon_vma->avcs))
		(void)verify_tree(&tree, RB_ROOT(&anon_vma->avcs));
	expect_equal(v, "anon_vma", id, "size of its tree", tree.nr, record->chains);
	expect_equal(v, "anon_vma", id, "num_active_vmas", anon_vma->num_active_vmas,
		     record->active);
	expect_equal(v, "anon_vma", id, "num_children", anon_vma->num_children, record->children);
	expect_equal(v, "anon_vma", id, "refcount", (u64)anon_vma->refcount.v,
		     record->chains + others);
	expect_unlocked(v, "anon_vma", id, "its rwsem", anon_vma->rwsem.state);
}

void verify_anon_vmas(struct verify *v)
{
	for (u64 i = 0; i <= v->anon_vma_mask; i++)
		if (v->anon_vmas[i].anon_vma)
			count_child(v, v->anon_vmas[i].anon_vma);
	for (u64 i = 0; i <= v->anon_vma_mask; i++)
		if (v->anon_vmas[i].anon_vma)
			verify_anon_vma(v, &v->anon_vmas[i]);
}
