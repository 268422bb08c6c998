/* SPDX-License-Identifier: MIT */
/*
 * Assertions for our own mistakes. VM_BUG_ON and VM_BUG_ON2 stay in every build and must
 * cost O(1); VM_DEBUG_ON is for debug and sim builds only. A failed one says what, where
 * and the values given, and stops the program: nothing can be trusted after it.
 */
#ifndef BASE_ASSERT_H
#define BASE_ASSERT_H

#include "base/types.h"

/* Never returns. a and b are values worth seeing. */
_Noreturn void umm_bug(const char *what, const char *file, int line, const char *func, u64 a, u64 b)
	__attribute__((cold));
/* The same with a text made by the caller; it ends with a newline. */
_Noreturn void umm_bug_text(const char *text) __attribute__((cold));

/*
 * Who gets the last words; it must not return. host/ installs the one that prints and aborts
 * when the program starts. Returns the one before. A test that expects a failed assertion
 * installs one that jumps out.
 */
typedef void umm_bug_handler(const char *text);
umm_bug_handler *umm_bug_set_handler(umm_bug_handler *handler);

#define VM_BUG_ON(cond)                                                     \
	do {                                                                \
		if (unlikely(cond))                                         \
			umm_bug(#cond, __FILE__, __LINE__, __func__, 0, 0); \
	} while (0)

/* With two values that explain it. */
#define VM_BUG_ON2(cond, a, b)                                                            \
	do {                                                                              \
		if (unlikely(cond))                                                       \
			umm_bug(#cond, __FILE__, __LINE__, __func__, (u64)(a), (u64)(b)); \
	} while (0)

#ifdef UMM_DEBUG
#define VM_DEBUG_ON(cond) VM_BUG_ON(cond)
#else
#define VM_DEBUG_ON(cond) ((void)sizeof(cond))
#endif

#define VM_UNREACHABLE() umm_bug("unreachable", __FILE__, __LINE__, __func__, 0, 0)

#endif
