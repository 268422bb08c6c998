/* SPDX-License-Identifier: MIT */
/*
 * sync: bytes of a simulated program, which its other threads may be using meanwhile. Their races
 * are the program's: here every byte, and every aligned word, is copied in one piece.
 */
#ifndef SYNC_COPY_H
#define SYNC_COPY_H

#include "sync/sync.h"

/* Between simulated and other memory, both directions; relaxed, word by word where aligned. */
static inline void copy_relaxed(void *to, const void *from, size_t len)
{
	u8 *dst = to;
	const u8 *src = from;

	if (((uintptr_t)dst & 7) == ((uintptr_t)src & 7)) {
		for (; len && ((uintptr_t)src & 7); len--)
			__atomic_store_n(dst++, __atomic_load_n(src++, __ATOMIC_RELAXED),
					 __ATOMIC_RELAXED);
		for (; len >= 8; len -= 8, dst += 8, src += 8)
			__atomic_store_n((u64 *)(void *)dst,
					 __atomic_load_n((const u64 *)(const void *)src,
							 __ATOMIC_RELAXED),
					 __ATOMIC_RELAXED);
	}
	for (; len; len--)
		__atomic_store_n(dst++, __atomic_load_n(src++, __ATOMIC_RELAXED), __ATOMIC_RELAXED);
}

#endif
