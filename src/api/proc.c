/* SPDX-License-Identifier: MIT */
/* The files of /proc as public functions: procfs/ writes the text, this counts and cuts it. */
#include "procfs/procfs.h"

#include "base/uapi.h"

static struct mm *mm_of(const struct umm_task *task)
{
	return ((const struct task *)task)->mm;
}

int64_t umm_proc_maps(struct umm_task *task, char *buf, size_t size)
{
	struct strbuf sb;

	strbuf_init(&sb, buf, size);
	proc_maps(mm_of(task), &sb);
	return (int64_t)sb.len;
}

int64_t umm_proc_smaps(struct umm_task *task, uint64_t start, uint64_t end, char *buf, size_t size)
{
	struct strbuf sb;

	strbuf_init(&sb, buf, size);
	proc_smaps(mm_of(task), start, end, &sb);
	return (int64_t)sb.len;
}

int64_t umm_proc_smaps_rollup(struct umm_task *task, char *buf, size_t size)
{
	struct strbuf sb;

	strbuf_init(&sb, buf, size);
	proc_smaps_rollup(mm_of(task), &sb);
	return (int64_t)sb.len;
}

int64_t umm_proc_status(struct umm_task *task, char *buf, size_t size)
{
	struct strbuf sb;

	strbuf_init(&sb, buf, size);
	proc_status(mm_of(task), &sb);
	return (int64_t)sb.len;
}

int umm_proc_pagemap(struct umm_task *task, uint64_t addr, uint64_t nr_pages, uint64_t *ret_words)
{
	if (!IS_ALIGNED(addr, PAGE_SIZE))
		return -EINVAL;
	proc_pagemap(mm_of(task), addr, nr_pages, ret_words);
	return 0;
}
