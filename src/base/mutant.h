/* SPDX-License-Identifier: MIT */
/*
 * Mutants: known bugs as named switches beside the line that is right. In simulator builds one
 * can be turned on for the whole process, to see what it breaks and that a check notices; in
 * release builds MUTANT(name) is a constant 0. A check that no mutant can trip is no check.
 */
#ifndef BASE_MUTANT_H
#define BASE_MUTANT_H

#include "base/types.h"

/* How a mutant is caught ("usermm mutants --check" proves it). */
enum mutant_how {
	CAUGHT_BY_RUN,     /* usermm run of scenarios/mutants/where, with up to `seeds` seeds */
	CAUGHT_BY_EXPLORE, /* usermm explore of scenarios/explore/where */
	CAUGHT_BY_WATCH,   /* the same, where the simulator watches plain accesses */
	CAUGHT_BY_PROGRAM, /* a program of the command, cli/mutant_programs.c */
};

/*
 *      name                           requirement
 *        what it does wrong
 *        where it comes from
 *        how it is caught, where, seeds, and what the failure says ("this|or that")
 */
#define MUTANTS(X)                                                                                 \
	X(cow_check_before_lock, "P2",                                                             \
	  "a write fault acts on the entry it saw before it took the table's lock",                \
	  "copy-on-write races: CVE-2016-5195, CVE-2022-2590", CAUGHT_BY_EXPLORE,                  \
	  "fault-fault.lua", 1, "contradicts itself")                                              \
	X(reuse_ignores_count, "P2", "a write fault keeps a page that others still map or hold",   \
	  "CVE-2020-29374 and its relatives", CAUGHT_BY_RUN, "fork-keeps-apart.lua", 1,            \
	  "exclusive, with 2 mappings")                                                            \
	X(pin_shared_by_fork, "P2", "fork shares a page that a pin holds",                         \
	  "pins that lose their page at the next write; copy at fork since 5.9", CAUGHT_BY_RUN,    \
	  "pin-keeps-its-page.lua", 1, "expectation failed: p:pagemap(a).exclusive")               \
	X(unshare_skipped, "P2", "a read-only pin takes a page that is not exclusive",             \
	  "pins that miss later writes; unshare faults since 5.19", CAUGHT_BY_RUN,                 \
	  "read-only-pin-unshares.lua", 1, "expectation failed: p:pagemap(a).exclusive")           \
	X(fork_copies_writable, "P2", "fork leaves the parent's entries writable and copies that", \
	  "the invariant behind copy-on-write", CAUGHT_BY_RUN, "fork-keeps-apart.lua", 1,          \
	  "writable, and its page is not exclusive")                                               \
	X(fork_skips_flush, "P2", "fork takes write permission away and tells no CPU",             \
	  "stale writable translations after fork", CAUGHT_BY_RUN, "fork-flushes.lua", 1,          \
	  "cached for writing")                                                                    \
	X(flush_after_free, "idea 2", "frames are freed before the CPUs have forgotten them",      \
	  "use after free through a stale translation", CAUGHT_BY_EXPLORE, "dontneed-fault.lua",   \
	  1, "use after free|written to|expectation failed")                                       \
	X(mremap_flushes_late, "P1", "moved entries are flushed after the locks are dropped",      \
	  "CVE-2018-18281", CAUGHT_BY_RUN, "moved-page-is-out-of-reach.lua", 20000,                \
	  "a freed frame was read|use after free")                                                 \
	X(fault_race_is_fatal, "P5", "a fault that finds the entry changed ends in a signal",      \
	  "retry of spurious faults left out", CAUGHT_BY_EXPLORE, "cow-cow-threads.lua", 1,        \
	  "SIGSEGV")                                                                               \
	X(munmap_reads_mmap_lock, "P1", "munmap takes mmap_lock for read",                         \
	  "StackRot, CVE-2023-3269: the tree changed under a lock for reading", CAUGHT_BY_WATCH,   \
	  "fault-munmap.lua", 1, "data race")                                                      \
	X(put_page_twice, "R6", "a copied page's old frame loses one reference too many",          \
	  "reference underflow", CAUGHT_BY_RUN, "fork-keeps-apart.lua", 1,                         \
	  "page_mapcount(page) != 0")                                                              \
	X(table_published_early, "R5", "a new page table is linked without a release barrier",     \
	  "the write barrier in __pte_alloc", CAUGHT_BY_WATCH, "first-touch-tables.lua", 1,        \
	  "data race")                                                                             \
	X(wakeup_lost, "B17", "a waiter looks at the queue's sequence only when it goes to sleep", \
	  "condition checked before the task state is set", CAUGHT_BY_PROGRAM, "wait-queue", 1,    \
	  "waits for ever")                                                                        \
	X(verify_blind, "idea 6", "verify() reports nothing", "a check that cannot fail",          \
	  CAUGHT_BY_PROGRAM, "planted-contradiction", 1, "verify() does not see")

enum mutant {
#define X(name, requirement, what, origin, how, where, seeds, says) MUTANT_##name,
	MUTANTS(X)
#undef X
		NR_MUTANTS
};

#ifdef UMM_SIM
extern u64 mutants_on;
#define MUTANT(name) unlikely(mutants_on &BIT(MUTANT_##name))
#else
#define MUTANT(name) 0
#endif

struct mutant_info {
	const char *name, *requirement, *what, *origin;
	enum mutant_how how;
	const char *where;
	u32 seeds;
	const char *says;
};
extern const struct mutant_info mutant_infos[NR_MUTANTS];

#endif
