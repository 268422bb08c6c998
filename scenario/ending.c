/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "machine/machine.h"
#include "phys/alloc.h"
#include "scenario/ending.h"
#include "swap/swap.h"

void scn_end_tasks(struct scn_session *session)
{
	for (int threads = 1; threads >= 0; threads--) {
		for (struct scn_task *task = session->tasks; task; task = task->next) {
			struct scn_step step = { .kind = SCN_EXIT, .task = task };

			if (!task->dead && !!task->thread_nr == threads)
				(void)scn_session_run(session, &step);
		}
	}
}

bool scn_find_leaks(struct machine *m, char *ret_text, size_t size)
{
	static const enum kmem_id kinds[] = { CACHE_MM,      CACHE_VMA,      CACHE_ANON_VMA,
					      CACHE_AVC,     CACHE_TASK,     CACHE_PIN,
					      CACHE_XA_NODE, CACHE_INODE,    CACHE_FILE,
					      CACHE_FILES,   CACHE_UFFD_CTX, CACHE_UFFD_WAIT };
	struct swap_area_info area;
	pfn_t pfn = { 1 };
	u32 type = 0;

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		u64 nr = kmem_cache_in_use(m, kinds[i]);

		if (!nr)
			continue;
		snprintf(ret_text, size, "leaked: %llu x %s after every process has ended",
			 (unsigned long long)nr, kmem_cache_name(kinds[i]));
		return true;
	}
	for (; phys_next_used(m, pfn, &pfn); pfn.n++) {
		const struct page *page = pfn_to_page(m, pfn);

		if (page_test_reserved(page))
			continue;
		snprintf(ret_text, size,
			 "leaked: frame %llu, %d references, after every process has ended",
			 (unsigned long long)pfn.n, atomic_read(&page->refcount));
		return true;
	}
	for (; swap_area_next(m, &type, &area); type++) {
		if (!area.used_pages)
			continue;
		snprintf(ret_text, size,
			 "leaked: %llu slots of swap area %u after every process has ended",
			 (unsigned long long)area.used_pages, area.type);
		return true;
	}
	return false;
}
