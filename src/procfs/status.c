/* SPDX-License-Identifier: MIT */
/* The lines of /proc/PID/status that concern memory. */
#include "procfs/procfs.h"

static void put_line(struct strbuf *sb, const char *label, u64 bytes)
{
	strbuf_printf(sb, "%s:\t%8llu kB\n", label, (unsigned long long)(bytes >> 10));
}

static void put_pages(struct strbuf *sb, const char *label, u64 pages)
{
	put_line(sb, label, pages << PAGE_SHIFT);
}

static u64 rss_of(const struct mm *mm, enum mm_counter member)
{
	s64 pages = atomic64_read(&mm->rss[member]);

	return pages > 0 ? (u64)pages : 0; /* a reader may come between two updates */
}

void proc_status(struct mm *mm, struct strbuf *sb)
{
	u64 anon = rss_of(mm, MM_ANONPAGES);
	u64 file = rss_of(mm, MM_FILEPAGES);
	u64 shmem = rss_of(mm, MM_SHMEMPAGES);
	u64 rss = anon + file + shmem;

	down_read(&mm->mmap_lock);
	put_pages(sb, "VmPeak", MAX(mm->hiwater_vm, mm->total_vm));
	put_pages(sb, "VmSize", mm->total_vm);
	put_pages(sb, "VmLck", mm->locked_vm);
	put_pages(sb, "VmPin", (u64)atomic64_read(&mm->pinned_pages));
	put_pages(sb, "VmHWM", MAX((u64)atomic64_read(&mm->hiwater_rss), rss));
	put_pages(sb, "VmRSS", rss);
	put_pages(sb, "RssAnon", anon);
	put_pages(sb, "RssFile", file);
	put_pages(sb, "RssShmem", shmem);
	put_pages(sb, "VmData", mm->data_vm);
	put_pages(sb, "VmStk", mm->stack_vm);
	/* A process here has no program image: what is executable is no part of one. */
	put_pages(sb, "VmExe", 0);
	put_pages(sb, "VmLib", mm->exec_vm);
	put_line(sb, "VmPTE", (u64)atomic64_read(&mm->pgtables_bytes));
	put_pages(sb, "VmSwap", rss_of(mm, MM_SWAPENTS));
	put_pages(sb, "HugetlbPages", 0);
	up_read(&mm->mmap_lock);
}
