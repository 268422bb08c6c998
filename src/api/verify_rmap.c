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
	if (avc->same_anon_vma.next->prev != &avc->same_anon_vma ||
	    avc->same_anon_vma.prev->next != &avc->same_anon_vma || list_empty(&avc->same_anon_vma))
		finding(v, "mm %u: vma %#llx: a chain is not on the list of its anon_vma",
			vma->mm->id, (unsigned long long)vma->start);
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

/* The list of chains, cut when it is longer than it can be. */
static u64 list_length(const struct list_head *head, u64 most)
{
	u64 n = 0;

	for (const struct list_head *at = head->next; at != head && n <= most; at = at->next)
		n++;
	return n;
}

static void verify_anon_vma(struct verify *v, const struct anon_vma_record *record)
{
	struct anon_vma *anon_vma = record->anon_vma;
	u64 id = anon_vma_id(v, anon_vma);
	u64 others = record->children - (anon_vma->parent == anon_vma);
	u64 length = list_length(&anon_vma->avcs, v->nr_avcs);
	struct anon_vma_chain *avc;

	expect_equal(v, "anon_vma", id, "length of its list", length, record->chains);
	expect_equal(v, "anon_vma", id, "num_active_vmas", anon_vma->num_active_vmas,
		     record->active);
	expect_equal(v, "anon_vma", id, "num_children", anon_vma->num_children, record->children);
	expect_equal(v, "anon_vma", id, "refcount", (u64)anon_vma->refcount.v,
		     record->chains + others);
	expect_unlocked(v, "anon_vma", id, "its rwsem", anon_vma->rwsem.state);
	if (length > v->nr_avcs)
		return;
	list_for_each_entry(avc, &anon_vma->avcs, same_anon_vma)
		if (avc->anon_vma != anon_vma)
			finding(v, "anon_vma %llu: a chain on its list leads to another",
				(unsigned long long)id);
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
