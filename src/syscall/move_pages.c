/* SPDX-License-Identifier: MIT */
/*
 * move_pages
 *
 *   nodes NULL    the status of each page is the node that it is on
 *   else          pages in a row that go to the same node are a batch. A page that does not have to
 *                 move, or cannot be looked up, ends it with a status of its own; the statuses of a
 *                 batch are only written when all of it has moved. One that has not ends the call,
 *                 which returns how many pages were not moved, those not looked at yet included.
 */
#include "base/uapi.h"
#include "migrate/migrate.h"
#include "syscall/syscall_internal.h"

struct move_pages {
	struct mm *mm;
	u64 nr;
	const u64 *addrs;
	const int *nodes;
	int *status;
	bool move_all;

	/* the batch: [start, i) go to node */
	u64 start;
	int node;   /* -1: none */
	u64 failed; /* of them */
};

static void ask_where(const struct move_pages *move)
{
	for (u64 i = 0; i < move->nr; i++)
		(void)move_page_of(move->mm, move->addrs[i], -1, false, &move->status[i]);
}

/* The batch ends before page i: how many were not moved, all that follow included; or 0. */
static s64 end_batch(struct move_pages *move, u64 i)
{
	if (move->failed)
		return (s64)(move->failed + move->nr - i);
	for (u64 at = move->start; move->node >= 0 && at < i; at++)
		move->status[at] = move->node;
	move->node = -1;
	return 0;
}

/* Page i, which has a valid node. Above 0: not moved, the call is over. */
static s64 move_one(struct move_pages *move, u64 i)
{
	int node = move->nodes[i], status = 0;
	s64 left;
	int err;

	if (move->node != node) {
		left = end_batch(move, i);
		if (left)
			return left;
		move->node = node;
		move->start = i;
	}
	err = move_page_of(move->mm, move->addrs[i], node, move->move_all, &status);
	if (err == -ENOMEM)
		return err;
	if (err) {
		move->failed += err < 0;
		return 0;
	}
	move->status[i] = status;
	left = end_batch(move, i);
	/* This one has been accounted for. */
	return left ? left - 1 : 0;
}

static s64 do_move_pages(struct move_pages *move)
{
	u32 nodes = machine_of(move->mm)->config.nodes;
	s64 ret = 0;

	for (u64 i = 0; i < move->nr; i++) {
		if (move->nodes[i] < 0 || move->nodes[i] >= (int)nodes) {
			/* Worse than pages of the batch that were not moved. */
			(void)end_batch(move, i);
			return -ENODEV;
		}
		ret = move_one(move, i);
		if (ret)
			return ret;
	}
	return end_batch(move, move->nr);
}

int64_t umm_move_pages(struct umm_task *handle, struct umm_task *remote, uint64_t nr,
		       const uint64_t *addrs, const int *nodes, int *ret_status, int flags)
{
	struct task *task = (struct task *)handle;
	struct syscall call = syscall_enter(task, NR_MOVE_PAGES, nr, (u32)flags, nodes != NULL, 0);
	struct move_pages move = {
		.nr = nr,
		.addrs = addrs,
		.nodes = nodes,
		.status = ret_status,
		.move_all = flags & MPOL_MF_MOVE_ALL,
		.node = -1,
	};
	s64 ret = 0;
	int pid;

	if (flags & ~(MPOL_MF_MOVE | MPOL_MF_MOVE_ALL))
		return syscall_exit(&call, -EINVAL);
	move.mm = remote ? task_get_mm(task, (struct task *)remote, &pid) : NULL;
	if (!move.mm)
		return syscall_exit(&call, -ESRCH);
	if (nodes)
		ret = do_move_pages(&move);
	else
		ask_where(&move);
	mm_put(move.mm);
	return syscall_exit(&call, ret);
}
