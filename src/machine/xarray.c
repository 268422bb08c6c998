/* SPDX-License-Identifier: MIT */
/*
 * A radix tree. A node covers 64 slots of 2^shift indices each; the root's shift grows with the
 * highest index in use, and every leaf is where the order of its entry says:
 *
 *   entry of order 0, 6, 12, ...   one slot of a node of that shift
 *   entry of order 7               two slots of a node of shift 6: | entry | sibling |
 *
 *   slot    ...00 pointer   ...01 value   ...10 below 256: sibling, the entry's slot << 2
 *                                         ...10 else: a node
 *
 * Siblings lead a look-up to their entry. Marks stand at the entry's own slot, and in each node
 * above at the slot that leads there. A node without entries is freed at once, and the root goes
 * down again as far as it can: an array looks the same whichever way its contents came to be.
 *
 * What a change needs is allocated before anything changes, so that failing leaves nothing behind.
 * Rejected: the root slot as a place for the entry of index 0. It saves a node for files of one
 * page and costs a case in every function.
 */
#include "machine/xarray.h"

#include "base/uapi.h"
#include "machine/machine.h"

#define SLOT_MASK (XA_NODE_SLOTS - 1)
#define SIBLING_END 256
#define MAX_XA_ORDER 18

static bool is_internal(xa_entry_t slot)
{
	return (slot & 3) == 2;
}

static bool is_sibling(xa_entry_t slot)
{
	return is_internal(slot) && slot < SIBLING_END;
}

static xa_entry_t mk_sibling(unsigned offset)
{
	return (xa_entry_t)offset << 2 | 2;
}

static struct xa_node *slot_node(xa_entry_t slot)
{
	return is_internal(slot) && slot >= SIBLING_END ? (struct xa_node *)(uintptr_t)(slot - 2) :
							  NULL;
}

static xa_entry_t mk_node(const struct xa_node *node)
{
	return (xa_entry_t)(uintptr_t)node | 2;
}

/* The slot of the entry that a slot belongs to. */
static unsigned entry_offset(const struct xa_node *node, unsigned offset)
{
	return is_sibling(node->slots[offset]) ? (unsigned)(node->slots[offset] >> 2) : offset;
}

static unsigned offset_in(const struct xa_node *node, u64 index)
{
	return (unsigned)(index >> node->shift) & SLOT_MASK;
}

/* Slots that an entry takes up, its own included. */
static unsigned entry_slots(const struct xa_node *node, unsigned offset)
{
	unsigned end = offset + 1;

	while (end < XA_NODE_SLOTS && node->slots[end] == mk_sibling(offset))
		end++;
	return end - offset;
}

/* Shift of the node that holds entries of an order, and how many of its slots one takes. */
static unsigned order_shift(unsigned order)
{
	return order - order % XA_NODE_SHIFT;
}

static unsigned order_slots(unsigned order)
{
	return 1u << order % XA_NODE_SHIFT;
}

/* Whether index lies below a tree whose root has this many levels. */
static bool height_covers(unsigned height, u64 index)
{
	return height * XA_NODE_SHIFT >= 64 || !(index >> height * XA_NODE_SHIFT);
}

void xa_init(struct xarray *xa, enum lock_class cls)
{
	spin_lock_init(&xa->lock, cls);
	xa->height = 0;
	xa->root = NULL;
	xa->nr_nodes = 0;
}

/* ---- looking ------------------------------------------------------------------------------- */

/* The node and slot of the entry that covers index; NULL: there is none. */
static struct xa_node *find_entry(const struct xarray *xa, u64 index, unsigned *ret_offset)
{
	struct xa_node *node = xa->root, *below;

	VM_DEBUG_ON(!spin_is_locked(&xa->lock));
	if (!node || !height_covers(xa->height, index))
		return NULL;
	for (;;) {
		unsigned offset = entry_offset(node, offset_in(node, index));

		if (!node->slots[offset])
			return NULL;
		below = slot_node(node->slots[offset]);
		if (!below) {
			*ret_offset = offset;
			return node;
		}
		node = below;
	}
}

xa_entry_t xa_load_locked(const struct xarray *xa, u64 index)
{
	unsigned offset;
	struct xa_node *node = find_entry(xa, index, &offset);

	return node ? node->slots[offset] : 0;
}

unsigned xa_order_locked(const struct xarray *xa, u64 index)
{
	unsigned offset;
	struct xa_node *node = find_entry(xa, index, &offset);

	return node ? node->shift + (unsigned)__builtin_ctz(entry_slots(node, offset)) : 0;
}

/* The first index that a slot covers. index: any that the node covers. */
static u64 slot_index(const struct xa_node *node, unsigned offset, u64 index)
{
	unsigned above = node->shift + XA_NODE_SHIFT;
	u64 base = above >= 64 ? 0 : index >> above << above;

	return base | (u64)offset << node->shift;
}

/* Whether a slot leads to something that is looked for. mark NR_XA_MARKS: anything. */
static bool slot_wanted(const struct xa_node *node, unsigned offset, enum xa_mark mark)
{
	return mark == NR_XA_MARKS ? node->slots[offset] != 0 : node->marks[mark] & BIT(offset);
}

/*
 * From index on, the first index that a wanted slot of this node covers; true. Else where the
 * node ends, *ret_end, 0 standing for the end of all indices.
 */
static bool next_in_node(const struct xa_node *node, enum xa_mark mark, u64 *index,
			 unsigned *ret_offset, u64 *ret_end)
{
	unsigned from = offset_in(node, *index);
	unsigned offset = entry_offset(node, from);

	if (slot_wanted(node, offset, mark)) {
		*ret_offset = offset;
		return true;
	}
	for (offset = from + 1; offset < XA_NODE_SLOTS; offset++) {
		if (!slot_wanted(node, offset, mark) || is_sibling(node->slots[offset]))
			continue;
		*index = slot_index(node, offset, *index);
		*ret_offset = offset;
		return true;
	}
	*ret_end = slot_index(node, SLOT_MASK, *index) + (1ull << node->shift);
	return false;
}

static xa_entry_t find(const struct xarray *xa, u64 *index, u64 last, enum xa_mark mark)
{
	struct xa_node *node = xa->root;
	u64 at = *index;

	VM_DEBUG_ON(!spin_is_locked(&xa->lock));
	while (node && at <= last && height_covers(xa->height, at)) {
		unsigned offset;
		u64 end;

		if (!next_in_node(node, mark, &at, &offset, &end)) {
			if (!end)
				return 0;
			at = end;
			node = xa->root;
			continue;
		}
		if (!slot_node(node->slots[offset])) {
			if (at > last)
				return 0;
			*index = slot_index(node, offset, at);
			return node->slots[offset];
		}
		node = slot_node(node->slots[offset]);
	}
	return 0;
}

xa_entry_t xa_find_locked(const struct xarray *xa, u64 *index, u64 last)
{
	return find(xa, index, last, NR_XA_MARKS);
}

xa_entry_t xa_find_marked_locked(const struct xarray *xa, u64 *index, u64 last, enum xa_mark mark)
{
	return find(xa, index, last, mark);
}

/* ---- marks --------------------------------------------------------------------------------- */

static void set_mark(struct xa_node *node, unsigned offset, enum xa_mark mark)
{
	while (node && !(node->marks[mark] & BIT(offset))) {
		node->marks[mark] |= BIT(offset);
		offset = node->offset;
		node = node->parent;
	}
}

static void clear_mark(struct xa_node *node, unsigned offset, enum xa_mark mark)
{
	while (node && node->marks[mark] & BIT(offset)) {
		node->marks[mark] &= ~BIT(offset);
		if (node->marks[mark])
			return;
		offset = node->offset;
		node = node->parent;
	}
}

void xa_set_mark_locked(struct xarray *xa, u64 index, enum xa_mark mark)
{
	unsigned offset;
	struct xa_node *node = find_entry(xa, index, &offset);

	if (node)
		set_mark(node, offset, mark);
}

void xa_clear_mark_locked(struct xarray *xa, u64 index, enum xa_mark mark)
{
	unsigned offset;
	struct xa_node *node = find_entry(xa, index, &offset);

	if (node)
		clear_mark(node, offset, mark);
}

bool xa_get_mark_locked(const struct xarray *xa, u64 index, enum xa_mark mark)
{
	unsigned offset;
	struct xa_node *node = find_entry(xa, index, &offset);

	return node && node->marks[mark] & BIT(offset);
}

bool xa_marked_locked(const struct xarray *xa, enum xa_mark mark)
{
	VM_DEBUG_ON(!spin_is_locked(&xa->lock));
	return xa->root && xa->root->marks[mark];
}

/* ---- nodes --------------------------------------------------------------------------------- */

static void return_node(struct xarray *xa, struct xa_node *node)
{
	kmem_cache_free(machine_of(xa), CACHE_XA_NODE, node);
}

/* Nodes allocated ahead, linked by their parents. */
struct spares {
	struct xa_node *top;
};

static void spares_free(struct xarray *xa, struct spares *spares)
{
	while (spares->top) {
		struct xa_node *node = spares->top;

		spares->top = node->parent;
		return_node(xa, node);
	}
}

static int spares_fill(struct xarray *xa, struct spares *spares, u64 nr)
{
	spares->top = NULL;
	while (nr-- > 0) {
		struct xa_node *node = kmem_cache_alloc(machine_of(xa), CACHE_XA_NODE);

		if (!node) {
			spares_free(xa, spares);
			return -ENOMEM;
		}
		VM_BUG_ON2((uintptr_t)node & 3, (uintptr_t)node, nr);
		node->parent = spares->top;
		spares->top = node;
	}
	return 0;
}

static struct xa_node *new_node(struct xarray *xa, struct spares *spares, unsigned shift)
{
	struct xa_node *node = spares->top;

	VM_BUG_ON2(!node, shift, xa->nr_nodes);
	spares->top = node->parent;
	node->parent = NULL;
	node->shift = (u8)shift;
	xa->nr_nodes++;
	return node;
}

/* Hang a node into a free slot. */
static void link_node(struct xa_node *parent, unsigned offset, struct xa_node *node)
{
	VM_BUG_ON2(parent->slots[offset], parent->slots[offset], offset);
	node->parent = parent;
	node->offset = (u8)offset;
	parent->slots[offset] = mk_node(node);
	parent->count++;
}

static void set_root(struct xarray *xa, struct xa_node *root)
{
	WRITE_ONCE(xa->root, root);
	xa->height = root ? (u8)(root->shift / XA_NODE_SHIFT + 1) : 0;
}

static void free_node(struct xarray *xa, struct xa_node *node)
{
	xa->nr_nodes--;
	return_node(xa, node);
}

/* Put an entry into slots that are free, without marks. */
static void fill_entry(struct xa_node *node, unsigned offset, unsigned nr_slots, xa_entry_t entry)
{
	for (unsigned i = 0; i < nr_slots; i++) {
		VM_BUG_ON2(node->slots[offset + i], node->slots[offset + i], offset + i);
		node->slots[offset + i] = i ? mk_sibling(offset) : entry;
	}
	node->count = (u8)(node->count + nr_slots);
}

/* Empty the slots of an entry; what nodes are left without any stays. */
static void clear_entry(struct xa_node *node, unsigned offset)
{
	unsigned nr_slots = entry_slots(node, offset);

	for (enum xa_mark mark = 0; mark < NR_XA_MARKS; mark++)
		clear_mark(node, offset, mark);
	memset(&node->slots[offset], 0, nr_slots * sizeof(node->slots[0]));
	node->count = (u8)(node->count - nr_slots);
}

/* Free the nodes below and including one that hangs in a slot; the slot becomes free. */
static void clear_subtree(struct xarray *xa, struct xa_node *parent, unsigned offset)
{
	struct xa_node *top = slot_node(parent->slots[offset]), *node = top;

	for (enum xa_mark mark = 0; mark < NR_XA_MARKS; mark++)
		clear_mark(parent, offset, mark);
	for (unsigned i = 0; node != parent;) {
		struct xa_node *below = i < XA_NODE_SLOTS ? slot_node(node->slots[i]) : NULL;

		if (below) {
			node = below;
			i = 0;
		} else if (++i >= XA_NODE_SLOTS) {
			struct xa_node *done = node;

			i = done->offset + 1u;
			node = done->parent;
			free_node(xa, done);
		}
	}
	parent->slots[offset] = 0;
	parent->count--;
}

/* Free node and those above it as long as they are empty; then lower the root. */
static void shrink(struct xarray *xa, struct xa_node *node)
{
	while (node && node->count == 0) {
		struct xa_node *parent = node->parent;

		if (parent) {
			parent->slots[node->offset] = 0;
			parent->count--;
		} else {
			set_root(xa, NULL);
		}
		free_node(xa, node);
		node = parent;
	}
	while (xa->root && xa->root->count == 1 && slot_node(xa->root->slots[0])) {
		struct xa_node *old = xa->root;

		set_root(xa, slot_node(old->slots[0]));
		xa->root->parent = NULL;
		xa->root->offset = 0;
		free_node(xa, old);
	}
}

/* ---- storing ------------------------------------------------------------------------------- */

static unsigned wanted_height(const struct xarray *xa, u64 index, unsigned order)
{
	unsigned height = MAX(xa->height, order_shift(order) / XA_NODE_SHIFT + 1);

	while (!height_covers(height, index + (BIT(order) - 1)))
		height++;
	return height;
}

/* How many nodes a store will make. */
static u64 nodes_to_make(const struct xarray *xa, u64 index, unsigned order)
{
	unsigned height = wanted_height(xa, index, order);
	unsigned leaf = order_shift(order), shift = (height - 1) * XA_NODE_SHIFT;
	u64 growth = height - xa->height;
	struct xa_node *node = xa->root;

	if (!node)
		return (shift - leaf) / XA_NODE_SHIFT + 1;
	if (growth && !height_covers(xa->height, index))
		return growth + (shift - leaf) / XA_NODE_SHIFT;
	while (node && node->shift > leaf) {
		shift = node->shift;
		node = slot_node(node->slots[entry_offset(node, offset_in(node, index))]);
	}
	return growth + (node ? 0 : (shift - leaf) / XA_NODE_SHIFT);
}

static void grow(struct xarray *xa, unsigned height, struct spares *spares)
{
	if (!xa->root)
		set_root(xa, new_node(xa, spares, (height - 1) * XA_NODE_SHIFT));
	while (xa->height < height) {
		struct xa_node *old = xa->root;
		struct xa_node *root = new_node(xa, spares, old->shift + XA_NODE_SHIFT);

		link_node(root, 0, old);
		for (enum xa_mark mark = 0; mark < NR_XA_MARKS; mark++)
			root->marks[mark] = old->marks[mark] ? BIT(0) : 0;
		set_root(xa, root);
	}
}

/* The node for entries of an order at index, everything in the way removed. */
static struct xa_node *make_path(struct xarray *xa, u64 index, unsigned order,
				 struct spares *spares)
{
	struct xa_node *node = xa->root;

	while (node->shift > order_shift(order)) {
		unsigned offset = offset_in(node, index);
		struct xa_node *below = slot_node(node->slots[offset]);

		if (!below) {
			if (node->slots[offset])
				clear_entry(node, entry_offset(node, offset));
			below = new_node(xa, spares, node->shift - XA_NODE_SHIFT);
			link_node(node, offset, below);
		}
		node = below;
	}
	return node;
}

static void clear_slots(struct xarray *xa, struct xa_node *node, unsigned offset, unsigned nr)
{
	for (unsigned i = offset; i < offset + nr; i++) {
		if (slot_node(node->slots[i]))
			clear_subtree(xa, node, i);
		else if (node->slots[i])
			clear_entry(node, entry_offset(node, i));
	}
}

static void erase(struct xarray *xa, u64 index)
{
	unsigned offset;
	struct xa_node *node = find_entry(xa, index, &offset);

	if (!node)
		return;
	clear_entry(node, offset);
	shrink(xa, node);
}

int xa_store_locked(struct xarray *xa, u64 index, unsigned order, xa_entry_t entry)
{
	struct spares spares;
	struct xa_node *node;
	unsigned offset;

	VM_DEBUG_ON(!spin_is_locked(&xa->lock));
	VM_BUG_ON2(order > MAX_XA_ORDER || !IS_ALIGNED(index, BIT(order)), index, order);
	VM_BUG_ON2(is_internal(entry), entry, index);
	if (!entry) {
		erase(xa, index);
		return 0;
	}
	if (spares_fill(xa, &spares, nodes_to_make(xa, index, order)))
		return -ENOMEM;
	grow(xa, wanted_height(xa, index, order), &spares);
	node = make_path(xa, index, order, &spares);
	VM_BUG_ON2(spares.top, index, order);
	offset = offset_in(node, index);
	clear_slots(xa, node, offset, order_slots(order));
	fill_entry(node, offset, order_slots(order), entry);
	shrink(xa, node);
	return 0;
}

bool xa_replace_locked(struct xarray *xa, u64 index, xa_entry_t old, xa_entry_t entry)
{
	unsigned offset;
	struct xa_node *node = find_entry(xa, index, &offset);

	VM_BUG_ON2(!old || is_internal(entry), index, entry);
	if (!node || node->slots[offset] != old)
		return false;
	if (entry) {
		node->slots[offset] = entry;
	} else {
		clear_entry(node, offset);
		shrink(xa, node);
	}
	return true;
}

/* ---- splitting ----------------------------------------------------------------------------- */

/* Nodes below each slot at shift from, down to shift to. */
static u64 nodes_below(unsigned from, unsigned to)
{
	u64 nr = 0;

	for (; from > to; from -= XA_NODE_SHIFT)
		nr = nr * XA_NODE_SLOTS + 1;
	return nr;
}

struct split {
	struct xarray *xa;
	struct spares spares;
	unsigned order;
	xa_entry_t entry;
	u32 marks;
};

/* Fill [offset, offset + nr) of a node with pieces. As deep as there are levels between. */
static void fill_pieces(struct split *split, struct xa_node *node, unsigned offset, unsigned nr)
{
	unsigned step = order_slots(split->order);

	for (unsigned i = offset; node->shift > order_shift(split->order) && i < offset + nr; i++) {
		struct xa_node *below =
			new_node(split->xa, &split->spares, node->shift - XA_NODE_SHIFT);

		link_node(node, i, below);
		fill_pieces(split, below, 0, XA_NODE_SLOTS);
	}
	for (unsigned i = offset; node->shift == order_shift(split->order) && i < offset + nr;
	     i += step) {
		fill_entry(node, i, step, split->entry);
		for (enum xa_mark mark = 0; mark < NR_XA_MARKS; mark++) {
			if (split->marks & BIT(mark))
				set_mark(node, i, mark);
		}
	}
}

int xa_split_locked(struct xarray *xa, u64 index, unsigned order)
{
	unsigned old_order = xa_order_locked(xa, index), offset, nr_slots;
	struct xa_node *node = find_entry(xa, index, &offset);
	struct split split = { .xa = xa, .order = order };

	if (!node || order >= old_order)
		return 0;
	nr_slots = entry_slots(node, offset);
	if (spares_fill(xa, &split.spares, nr_slots * nodes_below(node->shift, order_shift(order))))
		return -ENOMEM;
	split.entry = node->slots[offset];
	for (enum xa_mark mark = 0; mark < NR_XA_MARKS; mark++)
		split.marks |= node->marks[mark] & BIT(offset) ? (u32)BIT(mark) : 0;
	clear_entry(node, offset);
	fill_pieces(&split, node, offset, nr_slots);
	return 0;
}
