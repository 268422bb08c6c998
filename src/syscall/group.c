/* SPDX-License-Identifier: MIT */
/* Groups with a limit on their memory, and the background reclaimer. */
#include "phys/group.h"
#include "reclaim/reclaim.h"
#include "syscall/syscall_internal.h"

static struct mem_group *limited_group(struct machine *m, int group)
{
	return group > 0 ? group_of(m, (u32)group) : NULL;
}

int umm_group_create(struct umm_machine *machine, uint64_t limit_bytes)
{
	struct machine *m = (struct machine *)machine;
	u32 id;
	int err;

	if (limit_bytes < PAGE_SIZE)
		return -EINVAL;
	mutex_lock(&m->tasks_lock);
	err = group_create(m, limit_bytes >> PAGE_SHIFT, &id);
	mutex_unlock(&m->tasks_lock);
	return err ? err : (int)id;
}

/* Under a limit that is below what it has, a group loses memory at once, or a process. */
int umm_group_set_limit(struct umm_machine *machine, int group, uint64_t limit_bytes)
{
	struct machine *m = (struct machine *)machine;
	struct mem_group *limited = limited_group(m, group);
	u64 limit = limit_bytes >> PAGE_SHIFT;
	u32 attempts = 0;

	if (!limited || !limit)
		return -EINVAL;
	WRITE_ONCE(limited->limit_pages, limit);
	for (;;) {
		u64 charged = (u64)atomic64_read(&limited->charged);

		if (charged <= limit || !make_room(m, limited->id, charged - limit, &attempts))
			return 0;
	}
}

int umm_group_join(struct umm_task *handle, int group)
{
	struct task *task = (struct task *)handle;
	struct mm *mm = task->mm;

	if (group < 0 || !group_of(machine_of(task), (u32)group))
		return -EINVAL;
	down_write(&mm->mmap_lock);
	WRITE_ONCE(mm->group, (u32)group);
	up_write(&mm->mmap_lock);
	return 0;
}

int64_t umm_group_usage(struct umm_machine *machine, int group)
{
	struct machine *m = (struct machine *)machine;

	if (group < 0 || !group_of(m, (u32)group))
		return -EINVAL;
	return (int64_t)(group_pages(m, (u32)group) << PAGE_SHIFT);
}

int64_t umm_group_reclaim(struct umm_machine *machine, int group, uint64_t bytes)
{
	struct machine *m = (struct machine *)machine;
	u64 pages = (bytes >> PAGE_SHIFT) + (PAGE_OFFSET_OF(bytes) != 0);
	u64 freed = 0, round = 1;

	if (group < 0 || !group_of(m, (u32)group))
		return -EINVAL;
	while (freed < pages && round) {
		round = try_to_free_pages(m, (u32)group, pages - freed);
		freed += round;
	}
	return (int64_t)(freed << PAGE_SHIFT);
}

int64_t umm_kswapd(struct umm_machine *machine, unsigned node, bool force)
{
	struct machine *m = (struct machine *)machine;

	if (node >= m->config.nodes)
		return -EINVAL;
	if (!force && !kswapd_wanted(m, node))
		return 0;
	return (int64_t)kswapd_balance(m, node, force);
}
