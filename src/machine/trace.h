/* SPDX-License-Identifier: MIT */
/*
 * Trace events under the kernel's tracepoint names, in a ring. An event is declared once, in
 * the table: identifier, name, format of its arguments (64-bit each, at most five). Events
 * that no kernel has begin with umm_.
 */
#ifndef MACHINE_TRACE_H
#define MACHINE_TRACE_H

#include "base/types.h"
#include "sync/sync.h"

struct machine;

#define TRACE_EVENTS(X)                                                                   \
	X(TRACE_PAGE_FAULT_USER, "page_fault_user", "address=0x%llx flags=0x%llx")        \
	X(TRACE_MM_PAGE_ALLOC, "mm_page_alloc", "pfn=0x%llx order=%llu site=%llu")        \
	X(TRACE_MM_PAGE_FREE, "mm_page_free", "pfn=0x%llx order=%llu")                    \
	X(TRACE_RSS_STAT, "rss_stat", "mm_id=%llu member=%llu size=%lluB")                \
	X(TRACE_TLB_FLUSH, "tlb_flush", "mm_id=%llu start=0x%llx end=0x%llx remote=%llu") \
	X(TRACE_VM_UNMAPPED_AREA, "vm_unmapped_area", "addr=0x%llx len=0x%llx")           \
	X(TRACE_SYS_ENTER, "sys_enter", "nr=%llu args=0x%llx,0x%llx,0x%llx,0x%llx")       \
	X(TRACE_SYS_EXIT, "sys_exit", "nr=%llu ret=%lld")                                 \
	X(TRACE_SCHED_PROCESS_FORK, "sched_process_fork", "parent=%llu child=%llu")       \
	X(TRACE_SCHED_PROCESS_EXIT, "sched_process_exit", "pid=%llu")                     \
	X(TRACE_PTE, "umm_set_pte", "mm_id=%llu address=0x%llx old=0x%llx new=0x%llx")    \
	X(TRACE_SIGNAL, "signal_generate", "sig=%llu code=%llu address=0x%llx")           \
	X(TRACE_FAIL, "umm_fail_allocation", "site=%llu order=%llu")

enum trace_id {
#define X(id, name, format) id,
	TRACE_EVENTS(X)
#undef X
		NR_TRACE_EVENTS
};

struct trace_event {
	u64 sequence; /* zero: never written; TRACE_BUSY set: being written */
	u32 id;       /* enum trace_id */
	u32 cpu;
	u32 tid;
	u64 args[5];
};

#define TRACE_BUSY (1ull << 63)

struct trace_ring {
	struct trace_event *events; /* NULL: off */
	u64 size;                   /* a power of two */
	u64 next;                   /* sequence of the next event, from 1 */
};

int trace_init(struct machine *m);
void trace_record(struct machine *m, enum trace_id id, const u64 args[5]);

#define trace(m, id, ...)                                                   \
	do {                                                                \
		if (unlikely((m)->trace.events))                            \
			trace_record(m, id, (const u64[5]){ __VA_ARGS__ }); \
	} while (0)

/* As umm_trace_read. */
size_t trace_read(struct machine *m, u64 *cursor, char *buf, size_t size);

#endif
