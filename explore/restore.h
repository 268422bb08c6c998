/* SPDX-License-Identifier: MIT */
/*
 * restore: put memory back as it was at one moment, over and over, at the cost of copying the
 * pages that are ever written.
 *
 *   clean page    protected; the first write to it keeps a copy, lifts the protection and makes
 *                 it a written page
 *   written page  copied back by every restore, whether this execution wrote it or not
 *
 * An execution does much the same as the one before it, so after the first few no write is
 * caught any more, and a restore is a plain copy of some tens of pages.
 *
 * The kernel does not write to protected pages on a program's behalf: a system call that is
 * given such a buffer fails. One such memory at a time in a process.
 */
#ifndef EXPLORE_RESTORE_H
#define EXPLORE_RESTORE_H

#include "base/types.h"

/* Whole pages that are to be put back. 0, or -ENOMEM. Before restore_take. */
int restore_add(void *start, u64 bytes);
/* This is the moment. */
int restore_take(void);
void restore_back(void);
/* Forget it all; the memory stays as it is, writable. */
void restore_end(void);
/* The pages in [start, start + bytes) that may have been written since. */
void restore_each(void *start, u64 bytes, void (*fn)(void *arg, void *page), void *arg);
/* How many pages every restore copies by now. */
u64 restore_pages(void);

#endif
