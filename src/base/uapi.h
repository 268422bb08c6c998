/* SPDX-License-Identifier: MIT */
/*
 * The one place where the constants of Linux's interface come in: errno, signals and their
 * codes, memory flags and advice, resource limits. Constants only: nothing here is called.
 * Those that are newer than the headers of Debian 12 are defined below, once.
 */
#ifndef BASE_UAPI_H
#define BASE_UAPI_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* for SEGV_MAPERR and its like */
#endif
#include <errno.h>
#include <linux/mman.h>
#include <signal.h>
#include <sys/resource.h>

#include "base/types.h"

#ifndef MAP_DROPPABLE
#define MAP_DROPPABLE 0x08
#endif
#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif
#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif
#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif
#ifndef MADV_GUARD_REMOVE
#define MADV_GUARD_REMOVE 103
#endif
#ifndef MLOCK_ONFAULT
#define MLOCK_ONFAULT 0x01
#endif
#ifndef MCL_ONFAULT
#define MCL_ONFAULT 4
#endif
#ifndef SEGV_PKUERR
#define SEGV_PKUERR 4
#endif
#ifndef BUS_MCEERR_AR
#define BUS_MCEERR_AR 4
#endif

/* The largest -errno that a system call can return: results above it are values. */
#define MAX_ERRNO 4095

/* What a size or an address looks like when it is a negated errno. */
static inline bool is_error_value(u64 value)
{
	return value >= (u64)-MAX_ERRNO;
}

#endif
