/* SPDX-License-Identifier: MIT */
/*
 * Mutants: known bugs as named switches beside the line that is right. In simulator builds one
 * can be turned on for the whole process, to see what it breaks and that a check notices; in
 * release builds MUTANT(name) is a constant 0. A check that no mutant can trip is no check.
 */
#ifndef BASE_MUTANT_H
#define BASE_MUTANT_H

#include "base/types.h"

/*
 *      name                           requirement
 *        what it does wrong
 *        where it comes from
 */
#define MUTANTS(X)                                                                                 \
	X(cow_check_before_lock, "P2",                                                             \
	  "a write fault acts on the entry it saw before it took the table's lock",                \
	  "copy-on-write races: CVE-2016-5195, CVE-2022-2590")                                     \
	X(reuse_ignores_count, "P2", "a write fault keeps a page that others still map or hold",   \
	  "CVE-2020-29374 and its relatives")                                                      \
	X(pin_shared_by_fork, "P2", "fork shares a page that a pin holds",                         \
	  "pins that lose their page at the next write; copy at fork since 5.9")                   \
	X(unshare_skipped, "P2", "a read-only pin takes a page that is not exclusive",             \
	  "pins that miss later writes; unshare faults since 5.19")                                \
	X(fork_copies_writable, "P2", "fork leaves the parent's entries writable and copies that", \
	  "the invariant behind copy-on-write")                                                    \
	X(fork_skips_flush, "P2", "fork takes write permission away and tells no CPU",             \
	  "stale writable translations after fork")                                                \
	X(flush_after_free, "idea 2", "frames are freed before the CPUs have forgotten them",      \
	  "use after free through a stale translation")                                            \
	X(mremap_flushes_late, "P1", "moved entries are flushed after the locks are dropped",      \
	  "CVE-2018-18281")                                                                        \
	X(fault_race_is_fatal, "P5", "a fault that finds the entry changed ends in a signal",      \
	  "retry of spurious faults left out")                                                     \
	X(munmap_reads_mmap_lock, "P1", "munmap takes mmap_lock for read",                         \
	  "StackRot, CVE-2023-3269: the tree changed under a lock for reading")                    \
	X(put_page_twice, "R6", "a copied page's old frame loses one reference too many",          \
	  "reference underflow")                                                                   \
	X(table_published_early, "R5", "a new page table is linked without a release barrier",     \
	  "the write barrier in __pte_alloc")                                                      \
	X(wakeup_lost, "B17", "a waiter looks at the queue's sequence only when it goes to sleep", \
	  "condition checked before the task state is set")                                        \
	X(verify_blind, "idea 6", "verify() reports nothing", "a check that cannot fail")

enum mutant {
#define X(name, requirement, what, origin) MUTANT_##name,
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
};
extern const struct mutant_info mutant_infos[NR_MUTANTS];

#endif
