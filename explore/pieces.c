/* SPDX-License-Identifier: MIT */
/*
 * A search in pieces, for several processes. A piece is a path and a range of its frames: what
 * was not tried yet at those is the piece; the subtree that the path goes on into is not.
 *
 *      frames   0 ............ base ............ len-1 | len
 *                others' own    the piece's own        | its giver's, from now on
 *
 * Races are turned round at the frames that they begin at, and those of a subtree that is
 * searched elsewhere are not known here. So at the frames of a piece every thread that can go on
 * is tried, as if there had been a race, but for those that sleep; and races that begin there are
 * no reason for anything any more, neither for the giver nor for who takes the piece.
 *
 * Each trace is still explored once: threads that sleep see to that, in whatever order and by
 * whomever subtrees are searched. But more executions begin in vain (blocked), and a bounded
 * search, in which fewer threads sleep, takes more of them. Wakeup trees are of no use in a piece:
 * that a thread sleeps is a reason there to leave a branch out, because what was explored when it
 * went first would have come up with a better one, and that has been explored by somebody else. So
 * what is given away by the optimal search is searched with source sets.
 *
 * Giving away happens after a number of executions, at the first frame where something is known
 * to be left. So what the pieces are does not depend on who has them and how fast he is.
 */
#include "explore/engine.h"

#include <stdlib.h>

/* From one giving to the next: twice as long each time, up to so many times the first. */
#define MAX_DOUBLINGS 5

/* Who sleeps at a frame, and what he does. */
struct sleeper {
	u64 key, key2; /* of the objects; 0: none */
	u16 depth;
	u8 thread, use;
	bool wide, wide2;
};

/* After the piece: who was tried, who sleeps, by frame; the sleepers; the path. */
struct piece_parts {
	u32 *done, *sleep;
	struct sleeper *sleepers;
	u8 *path;
};

static struct piece_parts parts_of(const struct explore_piece *piece)
{
	u32 own = piece->len - piece->base;
	u8 *rest = (u8 *)(uintptr_t)piece->rest;
	struct piece_parts parts;

	parts.done = (u32 *)(void *)rest;
	parts.sleep = parts.done + own;
	parts.sleepers = (struct sleeper *)(void *)(rest + 2 * own * sizeof(u32));
	parts.path = (u8 *)(parts.sleepers + piece->nr_sleepers);
	return parts;
}

static u32 bytes_of(u32 own, u32 nr_sleepers, u32 len)
{
	return (u32)(sizeof(struct explore_piece) + 2 * own * sizeof(u32) +
		     nr_sleepers * sizeof(struct sleeper) + len);
}

/* ---- taking a piece ------------------------------------------------------------------ */

void piece_begin(void)
{
	const struct explore_piece *piece = engine.options->piece;

	engine.base = engine.expanded = 0;
	engine.opening = false;
	engine.nr_given = 0;
	engine.next_give = engine.options->give_after;
	if (!piece)
		return;
	VM_BUG_ON(!engine.goes_back || !piece->len || piece->len > MAX_EVENTS);
	engine.base = (s32)piece->base;
	engine.expanded = (s32)piece->len;
	engine.opening = true;
	engine.prefix = (s32)piece->len;
}

static void wake(const struct sleeper *from, struct footprint *print)
{
	*print = (struct footprint){ .use = from->use };
	if (from->key)
		print->object = object_id((const void *)(uintptr_t)(from->key << 2),
					  from->wide ? sizeof(u64) : sizeof(u32));
	if (from->key2)
		print->object2 = object_id((const void *)(uintptr_t)(from->key2 << 2),
					   from->wide2 ? sizeof(u64) : sizeof(u32));
	if (print->use >= USE_ACQUIRE)
		engine.objects[print->object].lock = true;
}

void piece_frame(s32 depth)
{
	const struct explore_piece *piece = engine.options->piece;
	struct piece_parts parts = parts_of(piece);
	struct frame *frame = &engine.frames[depth];

	frame->chosen = parts.path[depth];
	if (!(frame->enabled & bit_of(frame->chosen))) {
		engine.end = END_FAILED;
		engine.result->differs = true;
		return;
	}
	if (depth < engine.base)
		return;
	frame->done = parts.done[depth - engine.base];
	frame->sleep = parts.sleep[depth - engine.base];
	frame->backtrack = frame->enabled;
	for (u32 i = 0; i < piece->nr_sleepers; i++)
		if (parts.sleepers[i].depth == depth)
			wake(&parts.sleepers[i], &engine.sleep_op[depth][parts.sleepers[i].thread]);
}

/* ---- giving one ---------------------------------------------------------------------- */

/* Whether something is known to be left to try at the frame. */
static bool wanted(s32 depth)
{
	const struct frame *frame = &engine.frames[depth];
	u32 left = frame->enabled & ~frame->done & ~frame->sleep & ~bit_of(frame->chosen);

	if (engine.options->mode == EXPLORE_OPTIMAL && !engine.bounded)
		return left && frame->tree;
	for (left &= frame->backtrack; engine.bounded && left; left &= left - 1)
		if (bound_allows(depth, lowest(left)))
			break;
	return left != 0;
}

static void write_sleeper(struct sleeper *to, s32 depth, unsigned thread)
{
	const struct footprint *print = &engine.sleep_op[depth][thread];

	*to = (struct sleeper){ .depth = (u16)depth, .thread = (u8)thread, .use = print->use };
	if (print->object) {
		to->key = engine.objects[print->object].key;
		to->wide = engine.objects[print->object].wide;
	}
	if (print->object2) {
		to->key2 = engine.objects[print->object2].key;
		to->wide2 = engine.objects[print->object2].wide;
	}
}

/* What is left at frames base .. len - 1. */
static struct explore_piece *piece_new(s32 len)
{
	u32 own = (u32)(len - engine.base), nr_sleepers = 0, nr = 0;
	struct explore_piece *piece;
	struct piece_parts parts;

	for (s32 d = engine.base; d < len; d++)
		nr_sleepers += count_of(engine.frames[d].sleep);
	piece = calloc(1, bytes_of(own, nr_sleepers, (u32)len));
	VM_BUG_ON(!piece);
	piece->bytes = bytes_of(own, nr_sleepers, (u32)len);
	piece->base = (u32)engine.base;
	piece->len = (u32)len;
	piece->nr_sleepers = nr_sleepers;
	parts = parts_of(piece);
	for (s32 d = 0; d < len; d++)
		parts.path[d] = engine.frames[d].chosen;
	for (s32 d = engine.base; d < len; d++) {
		parts.done[d - engine.base] = engine.frames[d].done;
		parts.sleep[d - engine.base] = engine.frames[d].sleep;
		for (u32 set = engine.frames[d].sleep; set; set &= set - 1)
			write_sleeper(&parts.sleepers[nr++], d, lowest(set));
	}
	return piece;
}

/* They are somebody else's now. */
static void leave_frames(s32 len)
{
	for (s32 d = engine.base; d < len; d++) {
		wakeup_free(engine.frames[d].tree);
		engine.frames[d].tree = NULL;
	}
	engine.base = len;
	engine.expanded = MAX(engine.expanded, len);
}

void piece_give(void)
{
	const struct explore_options *options = engine.options;
	const struct explore_result *result = engine.result;
	struct explore_piece *piece;
	s32 depth = engine.base;

	if (!engine.goes_back || result->executions + result->blocked < engine.next_give)
		return;
	engine.next_give = result->executions + result->blocked +
			   (options->give_after << MIN(engine.nr_given, MAX_DOUBLINGS));
	while (depth < engine.prefix && !wanted(depth))
		depth++;
	if (depth == engine.prefix)
		return;
	engine.nr_given++;
	piece = piece_new(depth + 1);
	leave_frames(depth + 1);
	options->give(options->give_arg, piece);
}
