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
	  "CVE-2018-18281", CAUGHT_BY_EXPLORE, "mremap-dontneed-hit.lua", 1,                       \
	  "use after free|written to")                                                             \
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
	X(unmap_loses_dirty, "P3", "reclaim forgets the dirty bit of an entry that it takes away", \
	  "dirty bits lost between the entry and the page", CAUGHT_BY_RUN,                         \
	  "written-again-in-swap-cache.lua", 1, "expectation failed: p:load(a) == 2")              \
	X(unmap_before_flush, "P4", "reclaim takes a page that CPUs still have cached",            \
	  "stale translations of reclaimed pages: batched flushes since 4.3", CAUGHT_BY_RUN,       \
	  "swapped-page-is-out-of-reach.lua", 1, "cached for writing")                             \
	X(rmap_misses_forked_child, "P2",                                                          \
	  "a walk from a page visits its own anon_vma's vmas only",                                \
	  "anon_vma chains since 2.6.34", CAUGHT_BY_RUN, "moved-with-children.lua", 1,             \
	  "expectation failed")                                                                    \
	X(migration_entry_lost_at_fork, "P2", "fork leaves out pages that are moving just then",   \
	  "entries that are not present and not none", CAUGHT_BY_EXPLORE, "move-fork.lua", 1,      \
	  "expectation failed: c:load(a) == 5")                                                    \
	X(even_cows_inverted, "Z1",                                                                \
	  "truncation leaves private copies, and a punched hole takes them",                       \
	  "the argument of unmap_mapping_range", CAUGHT_BY_RUN, "truncation-takes-copies.lua", 1,  \
	  "expected SIGBUS")                                                                       \
	X(punch_zaps_private, "Z1", "a punched hole takes private copies of its pages",            \
	  "the argument of unmap_mapping_range", CAUGHT_BY_RUN, "punch-keeps-copies.lua", 1,       \
	  "expected \"copied\"")                                                                   \
	X(swap_slot_freed_early, "P3", "a page that leaves the swap cache takes the slot with it", \
	  "slots reused under readers: swapcache_prepare since 6.8", CAUGHT_BY_RUN,                \
	  "slots-are-kept-apart.lua", 1, "count is 0, counted 1")                                  \
	X(shmem_swapin_ignores_truncate, "P3",                                                     \
	  "shared memory comes back from swap to where it was cut off",                            \
	  "swap-in of tmpfs looks again under the lock of the page cache", CAUGHT_BY_EXPLORE,      \
	  "swapin-truncate.lua", 1, "inode->swapped")                                              \
	X(swapoff_misses_entry, "P3", "swapoff looks for entries once, and not for late ones",     \
	  "the retry loop of try_to_unuse", CAUGHT_BY_EXPLORE, "swapoff-pageout.lua", 1,           \
	  "area->used")                                                                            \
	X(swap_write_error_forgotten, "P3",                                                        \
	  "a page that could not be written to swap stays clean",                                  \
	  "end_swap_bio_write sets the page dirty again", CAUGHT_BY_RUN,                           \
	  "swap-write-that-fails-is-done-again.lua", 1, "expected \"kept\"")                       \
	X(failed_write_leaves_page, "P1",                                                          \
	  "a write beyond the end that fails leaves its page in the cache",                        \
	  "file systems truncate the page cache after a failed write", CAUGHT_BY_RUN,              \
	  "write-that-fails-leaves-nothing.lua", 1, "of its cache, of 0 in the file")              \
	X(truncate_unmaps_once, "Z1",                                                              \
	  "truncation does not look again for copies made while it dropped pages",                 \
	  "the second unmap_mapping_range of truncate_pagecache", CAUGHT_BY_EXPLORE,               \
	  "truncate-private-write.lua", 1, "expected SIGBUS")                                      \
	X(writeback_skips_mkclean, "P1", "a page is written back and stays writable in mappings",  \
	  "page_mkclean in clear_page_dirty_for_io", CAUGHT_BY_RUN, "written-back-twice.lua", 1,   \
	  "its page is clean|expectation failed")                                                  \
	X(fork_links_late, "P1", "fork copies entries before the file knows of the child's vma",   \
	  "the order of dup_mmap", CAUGHT_BY_EXPLORE, "truncate-fork.lua", 1, "expected SIGBUS")   \
	X(split_in_two_steps, "P1", "the upper part of a vma is in no reverse map for a moment",   \
	  "vma_prepare and vma_complete around a split", CAUGHT_BY_EXPLORE, "truncate-split.lua",  \
	  1, "contradicts itself")                                                                 \
	X(zap_loses_dirty, "P3", "munmap does not tell a file's page that its entry was dirty",    \
	  "the dirty bit of zap_present_pte", CAUGHT_BY_RUN, "unmapped-data-is-kept.lua", 1,       \
	  "expectation failed: p:load(a) == 5")                                                    \
	X(zap_unmaps_before_flush, "P3",                                                           \
	  "a dirty page of a file counts as unmapped while CPUs can still write it",               \
	  "page_remove_rmap delayed until after the flush, 6.2", CAUGHT_BY_RUN,                    \
	  "unmapped-page-is-written-back.lua", 2000, "expectation failed: p:pread(fd, 1)")         \
	X(lru_isolation_race, "P4",                                                                \
	  "a page is taken off its list by who saw PG_lru, not by who cleared it",                 \
	  "folio_test_clear_lru since 5.11", CAUGHT_BY_EXPLORE, "isolate-isolate.lua", 1,          \
	  "lruvec->nr")                                                                            \
	X(lazyfree_drops_redirtied, "G1", "reclaim frees a page that was written after MADV_FREE", \
	  "the dirty check for lazily freed pages", CAUGHT_BY_EXPLORE, "lazyfree-write.lua", 1,    \
	  "expectation failed")                                                                    \
	X(fill_leaves_clean, "B3", "a page that a handler fills in is mapped clean",               \
	  "the dirty bit of mfill_atomic_install_pte, 5.14", CAUGHT_BY_RUN,                        \
	  "filled-page-is-kept.lua", 1, "expectation failed: p:read(a, 1)")                        \
	X(copy_refuses_marker, "B9", "UFFDIO_COPY takes a marker for a page that is there",        \
	  "the check of mfill_atomic_install_pte, 5.19", CAUGHT_BY_RUN, "copy-over-marker.lua", 1, \
	  "EEXIST")                                                                                \
	X(wp_skips_none_entries, "B7", "write protection leaves out what nobody has touched",      \
	  "markers for none entries of files, 5.19", CAUGHT_BY_RUN, "protect-untouched.lua", 1,    \
	  "expectation failed: p:pagemap(a).uffd_wp")                                              \
	X(wp_skips_missing_tables, "B7", "write protection leaves out what has no page table",     \
	  "tables for markers, 5.19", CAUGHT_BY_RUN, "protect-without-table.lua", 1,               \
	  "expectation failed: p:pagemap(a).uffd_wp")                                              \
	X(wp_resolve_needs_dirty, "B16",                                                           \
	  "only dirty entries become writable again, and every write to a clean one is reported",  \
	  "write protection of 4.19 under QEMU: the writer faults for ever", CAUGHT_BY_RUN,        \
	  "resolved-once.lua", 1, "threads are stuck")                                             \
	X(finish_fault_checks_none, "B5",                                                          \
	  "the end of a fault wants the entry to be none, not what it started from",               \
	  "orig_pte in finish_fault, 5.19", CAUGHT_BY_RUN, "marker-is-faulted-in.lua", 1,          \
	  "faults_without_end")                                                                    \
	X(fault_around_ignores_uffd, "B4", "a fault maps neighbours that userfaultfd watches",     \
	  "uffd_disable_fault_around, 5.19", CAUGHT_BY_RUN, "neighbours-are-watched.lua", 1,       \
	  "expected SIGBUS")                                                                       \
	X(unmap_drops_uffd_wp, "B11", "reclaim and migration forget that an entry was protected",  \
	  "pte_install_uffd_wp_if_needed in try_to_unmap_one, 5.19", CAUGHT_BY_RUN,                \
	  "protected-pages-go-out.lua", 1, "expectation failed")                                   \
	X(fork_skips_shmem_wp, "B12",                                                              \
	  "fork leaves out shared memory, protected or not: faults bring it again",                \
	  "vma_needs_copy, 5.19", CAUGHT_BY_RUN, "child-is-protected-too.lua", 1,                  \
	  "expectation failed")                                                                    \
	X(punch_first_pass_drops_marker, "Z2",                                                     \
	  "the first pass of a punch, without the page's lock, drops markers",                     \
	  "ZAP_FLAG_DROP_MARKER, 5.19", CAUGHT_BY_EXPLORE, "punch-fault-protected.lua", 1,         \
	  "expectation failed")                                                                    \
	X(swapin_drops_uffd_wp, "B10",                                                             \
	  "a page that comes back from swap has forgotten its protection",                         \
	  "the uffd-wp bit of swap entries, 5.7", CAUGHT_BY_RUN, "protected-pages-go-out.lua", 1,  \
	  "expected SIGBUS")                                                                       \
	X(mremap_keeps_uffd_wp, "B15", "moved memory that nobody is told of stays protected",      \
	  "clearing of uffd-wp in move_ptes, 6.13", CAUGHT_BY_RUN, "moved-unwatched.lua", 1,       \
	  "which the vma is not|which the vma does not have")                                      \
	X(fork_keeps_uffd_wp, "B12",                                                               \
	  "a child that nobody is told of is protected like its parent",                           \
	  "the uffd-wp bit in copy_present_pte, 5.7", CAUGHT_BY_RUN, "forked-unwatched.lua", 1,    \
	  "which the vma is not")                                                                  \
	X(mprotect_lifts_uffd_wp, "B15",                                                           \
	  "mprotect gives write permission to what userfaultfd protects",                          \
	  "can_change_pte_writable, 6.1", CAUGHT_BY_RUN, "two-protections.lua", 1,                 \
	  "write-protected by userfaultfd")                                                        \
	X(resolve_ignores_rights, "B15",                                                           \
	  "lifting protection gives write permission in a read-only vma",                          \
	  "the vma's rights in change_pte_range", CAUGHT_BY_RUN, "two-protections.lua", 1,         \
	  "writable, which the vma is not")                                                        \
	X(unregister_wakes_nobody, "B17",                                                          \
	  "who waits for a page goes on waiting when its range is unregistered",                   \
	  "the wake-up in userfaultfd_unregister", CAUGHT_BY_EXPLORE, "uffd-unregister-fault.lua", \
	  1, "stuck")                                                                              \
	X(move_takes_shared, "B17", "UFFDIO_MOVE moves a page that a child has, too",              \
	  "PageAnonExclusive in move_present_pte, 6.8", CAUGHT_BY_RUN, "moved-page-is-alone.lua",  \
	  1, "EBUSY|exclusive")                                                                    \
	X(copy_unprotected, "B2", "UFFDIO_COPY forgets that it was to protect the page",           \
	  "UFFDIO_COPY_MODE_WP, 5.7", CAUGHT_BY_RUN, "copied-protected.lua", 1, "expected SIGBUS") \
	X(zap_leaves_no_marker, "Z3", "DONTNEED of a file's page drops its protection",            \
	  "zap_install_uffd_wp_if_needed, 5.19", CAUGHT_BY_RUN,                                    \
	  "dropped-page-stays-protected.lua", 1, "expected SIGBUS")                                \
	X(scan_protects_later, "B17",                                                              \
	  "PAGEMAP_SCAN looks at all entries first, and then protects what it found",              \
	  "dirty tracking by pagemap and UFFDIO_WRITEPROTECT, before 6.7", CAUGHT_BY_EXPLORE,      \
	  "uffd-scan-store.lua", 1, "expected 2")                                                  \
	X(userfault_waits_unchecked, "B17",                                                        \
	  "a fault waits for the handler without another look at the entry",                       \
	  "userfaultfd_must_wait, 4.3", CAUGHT_BY_EXPLORE, "uffd-fault-copy.lua", 1,               \
	  "stuck, perhaps a lost wake-up")                                                         \
	X(userfault_ignores_signal, "B17",                                                         \
	  "a fault of the program waits for its handler, whatever signal comes",                   \
	  "FAULT_FLAG_INTERRUPTIBLE, 5.7", CAUGHT_BY_RUN, "interrupted-fault.lua", 1, "stuck")     \
	X(kill_wakes_first, "B17", "who is killed is woken before anything says that he is",       \
	  "signal_wake_up comes after the signal is pending", CAUGHT_BY_EXPLORE,                   \
	  "uffd-kill-fault.lua", 1, "stuck, perhaps a lost wake-up")                               \
	X(close_forgets_events, "B17",                                                             \
	  "closing the descriptor lets faults go, and not who tells of an event",                  \
	  "ctx->released in userfaultfd_event_wait_completion, 4.11", CAUGHT_BY_EXPLORE,           \
	  "uffd-close-event.lua", 1, "stuck, perhaps a lost wake-up")                              \
	X(fill_ignores_changes, "B17", "filling goes on while the mappings change",                \
	  "mmap_changing in mfill_atomic, 4.18", CAUGHT_BY_RUN, "copy-while-mappings-change.lua",  \
	  1, "expected EAGAIN")                                                                    \
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
