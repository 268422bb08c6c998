/* SPDX-License-Identifier: MIT */
#ifndef HOST_SYMBOL_H
#define HOST_SYMBOL_H

#include "base/types.h"

/*
 * Which function of this program the instruction before pc is in, as "function+0x1f", or
 * "0x1234" when the program has no symbols.
 */
void host_symbol(const void *pc, char *buf, u64 size);
/*
 * The function or variable that the address is in, how far in and how large it is; NULL: none,
 * or the program has no symbols. The name stays valid.
 */
const char *host_symbol_find(const void *address, u64 *ret_offset, u64 *ret_size);

#endif
