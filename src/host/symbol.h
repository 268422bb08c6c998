/* SPDX-License-Identifier: MIT */
#ifndef HOST_SYMBOL_H
#define HOST_SYMBOL_H

#include "base/types.h"

/*
 * Which function of this program the instruction before pc is in, as "function+0x1f", or
 * "0x1234" when the program has no symbols.
 */
void host_symbol(const void *pc, char *buf, u64 size);

#endif
