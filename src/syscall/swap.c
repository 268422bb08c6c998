/* SPDX-License-Identifier: MIT */
/*
 * swapon and swapoff. Switching an area off brings everything home:
 *
 *   no more slots ─► files in memory ─► page tables of every process ─► pages left in the cache
 *                     ▲                                                        │
 *                     └──────── slots still in use: somebody was on his way ◄──┘
 *
 * An entry can be missed in a round: by who has taken a slot and not yet put its entry anywhere,
 * by fork into a process that the round has passed, by a fault that holds a page. Each of them
 * gets on, and is found by the next round.
 */
#include "base/mutant.h"
#include "base/uapi.h"
#include "procfs/procfs.h"
#include "range/range.h"
#include "shmem/shmem.h"
#include "syscall/syscall_internal.h"

/* linux/swap.h of the kernel; glibc has the first two only with what calls. */
#define SWAP_FLAG_PREFER 0x8000
#define SWAP_FLAG_PRIO_MASK 0x7fff
#define SWAP_FLAG_DISCARD 0x10000
#define SWAP_FLAG_DISCARD_ONCE 0x20000
#define SWAP_FLAG_DISCARD_PAGES 0x40000
#define SWAP_FLAGS_VALID                                                                       \
	(SWAP_FLAG_PRIO_MASK | SWAP_FLAG_PREFER | SWAP_FLAG_DISCARD | SWAP_FLAG_DISCARD_ONCE | \
	 SWAP_FLAG_DISCARD_PAGES)

/* ---- on ------------------------------------------------------------------------------- */

/* The number of the area, or -errno. */
static int area_on(struct machine *m, const char *path, u64 pages, s32 prio)
{
	u32 type;
	int err;

	swap_control_lock(m);
	err = swap_area_add(m, path, pages, prio, &type);
	swap_control_unlock(m);
	return err ? err : (int)type;
}

int umm_swapon(struct umm_machine *machine, const char *path, int flags)
{
	s32 prio = flags & SWAP_FLAG_PREFER ? flags & SWAP_FLAG_PRIO_MASK : -1;
	int ret;

	if (flags & ~SWAP_FLAGS_VALID)
		return -EINVAL;
	ret = area_on((struct machine *)machine, path, 0, prio);
	return ret < 0 ? ret : 0;
}

int umm_swap_create(struct umm_machine *machine, uint64_t pages, int priority)
{
	if (priority < -1 || priority > SWAP_FLAG_PRIO_MASK)
		return -EINVAL;
	return area_on((struct machine *)machine, NULL, pages, priority);
}

/* ---- off ------------------------------------------------------------------------------ */

/* The process after one (NULL: the first), with a use of it; the one before is put. */
static struct mm *next_mm(struct machine *m, struct mm *done)
{
	struct mm *next = NULL;
	struct list_head *at;

	mutex_lock(&m->tasks_lock);
	at = done ? done->mms.next : m->mms.next;
	for (; at != &m->mms && !next; at = at->next) {
		struct mm *mm = list_entry(at, struct mm, mms);

		if (atomic_inc_not_zero(&mm->users))
			next = mm;
	}
	mutex_unlock(&m->tasks_lock);
	if (done)
		mm_put(done);
	return next;
}

static int unuse_mms(struct machine *m, u32 type)
{
	struct mm *mm = NULL;
	int err = 0;

	while (!err && (mm = next_mm(m, mm)))
		err = unuse_mm(mm, type);
	if (mm)
		mm_put(mm);
	return err;
}

/* Pages that nothing refers to by an entry any more keep their data, and lose their slots. */
static void empty_cache(struct machine *m, u32 type)
{
	for (u64 slot = 1; swap_next_used(m, type, &slot); slot++) {
		struct page *page = swap_cache_get(m, (swp_entry_t){ type, slot });

		if (!page)
			continue;
		page_lock(page);
		(void)folio_free_swap(page);
		page_unlock(page);
		put_page(page);
	}
}

/* One look at everything. */
static int bring_home_once(struct machine *m, u32 type)
{
	int err = shmem_unuse(m, type);

	if (!err)
		err = unuse_mms(m, type);
	if (!err)
		empty_cache(m, type);
	return err;
}

static int bring_home(struct machine *m, u32 type)
{
	while (swap_area_used(m, type)) {
		u64 changes = swap_area_changes(m, type);
		int err = bring_home_once(m, type);

		if (err)
			return err;
		if (!swap_area_used(m, type) || MUTANT(swapoff_misses_entry))
			break;
		/* Nothing came or went meanwhile: who is on his way must get on first. */
		if (swap_area_changes(m, type) == changes)
			cpu_relax();
	}
	return 0;
}

static int area_off(struct machine *m, const char *path, u32 type)
{
	int err;

	swap_control_lock(m);
	err = swap_area_find(m, path, &type);
	if (!err)
		err = swap_area_stop(m, type);
	if (!err) {
		err = bring_home(m, type);
		if (err)
			swap_area_resume(m, type);
		else
			swap_area_remove(m, type);
	}
	swap_control_unlock(m);
	return err;
}

int umm_swapoff(struct umm_machine *machine, const char *path)
{
	return area_off((struct machine *)machine, path, 0);
}

int umm_swapoff_area(struct umm_machine *machine, int area)
{
	return area < 0 ? -EINVAL : area_off((struct machine *)machine, NULL, (u32)area);
}

/* ---- what there is -------------------------------------------------------------------- */

int64_t umm_proc_swaps(struct umm_machine *machine, char *buf, size_t size)
{
	struct strbuf sb;

	strbuf_init(&sb, buf, size);
	proc_swaps((struct machine *)machine, &sb);
	return (int64_t)sb.len;
}
