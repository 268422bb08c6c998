/* SPDX-License-Identifier: MIT */
/* Entries in words, for who has only their bits. */
#include <usermm/usermm.h>

#include "mmu/entry.h"

size_t umm_entry_describe(uint64_t entry, char *buf, size_t size)
{
	return pte_describe((pte_t){ entry }, buf, size);
}
