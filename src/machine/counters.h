/* SPDX-License-Identifier: MIT */
/* Event counters under /proc/vmstat's names, one set a CPU. */
#ifndef MACHINE_COUNTERS_H
#define MACHINE_COUNTERS_H

#include "sync/sync.h"

struct machine;

#define VM_COUNTERS(X)                                                  \
	X(PGFAULT, "pgfault")                                           \
	X(PGALLOC, "pgalloc")                                           \
	X(PGFREE, "pgfree")                                             \
	X(PGREUSE, "pgreuse")                                           \
	X(COW_COPY, "cow_copy")                                         \
	X(UNSHARE_COPY, "unshare_copy")                                 \
	X(FAULT_SPURIOUS, "fault_spurious")                             \
	X(FAULT_RETRY, "fault_retry")                                   \
	X(NR_TLB_LOCAL_FLUSH_ALL, "nr_tlb_local_flush_all")             \
	X(NR_TLB_LOCAL_FLUSH_ONE, "nr_tlb_local_flush_one")             \
	X(NR_TLB_REMOTE_FLUSH, "nr_tlb_remote_flush")                   \
	X(NR_TLB_REMOTE_FLUSH_RECEIVED, "nr_tlb_remote_flush_received") \
	X(NR_TABLE_PAGES, "nr_page_table_pages")                        \
	X(NR_COUNTER_FORK, "fork")                                      \
	X(NR_COUNTER_OOM, "oom_kill")                                   \
	X(PGMAJFAULT, "pgmajfault")                                     \
	X(PGSCAN_DIRECT, "pgscan_direct")                               \
	X(PGSCAN_KSWAPD, "pgscan_kswapd")                               \
	X(PGSTEAL_DIRECT, "pgsteal_direct")                             \
	X(PGSTEAL_KSWAPD, "pgsteal_kswapd")                             \
	X(PGACTIVATE, "pgactivate")                                     \
	X(PGDEACTIVATE, "pgdeactivate")                                 \
	X(PGLAZYFREE, "pglazyfree")                                     \
	X(PGLAZYFREED, "pglazyfreed")                                   \
	X(PSWPIN, "pswpin")                                             \
	X(PSWPOUT, "pswpout")                                           \
	X(SWAP_RA, "swap_ra")                                           \
	X(PGMIGRATE_SUCCESS, "pgmigrate_success")                       \
	X(PGMIGRATE_FAIL, "pgmigrate_fail")

enum vm_counter {
#define X(id, name) id,
	VM_COUNTERS(X)
#undef X
		NR_VM_COUNTERS
};

struct vm_counters {
	atomic64_t c[NR_VM_COUNTERS];
} __cacheline_aligned;

int counters_init(struct machine *m);
/* On the current task's CPU, CPU 0 when there is no task. */
void count_vm_events(struct machine *m, enum vm_counter counter, s64 delta);
#define count_vm_event(m, counter) count_vm_events(m, counter, 1)
/* For a counter of which each CPU's part has a lock of its own, held by the caller. */
void count_vm_events_locked(struct machine *m, unsigned cpu, enum vm_counter counter, s64 delta);
u64 vm_counter_sum(const struct machine *m, enum vm_counter counter);
const char *vm_counter_name(enum vm_counter counter);

#endif
