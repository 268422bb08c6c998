/* SPDX-License-Identifier: MIT */
/*
 * Long-term pins of an mm (umm_pin). One pin is a few of these objects with the same id, each
 * holding some of its pages.
 */
#ifndef SYSCALL_PIN_H
#define SYSCALL_PIN_H

#include "phys/page.h"
#include "vma/mm.h"

#define PIN_PAGES 60

struct pin {
	struct list_head pins; /* mm->pins; mmap_lock write */
	s64 id;
	u64 nr;
	u64 charged; /* of which count for the user that all processes are of */
	struct page *pages[PIN_PAGES];
};

#endif
