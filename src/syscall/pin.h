/* SPDX-License-Identifier: MIT */
/* syscall: what a long-term pin holds (umm_pin). */
#ifndef SYSCALL_PIN_H
#define SYSCALL_PIN_H

#include "base/list.h"
#include "phys/page.h"

#define PIN_PAGES 60

/* A part of a registration: one of more pages takes several of these with the same id. */
struct pin {
	struct list_head pins; /* mm->pins; mmap_lock write */
	s64 id;                /* as umm_pin returned it */
	u64 nr_pages;          /* of pages in use */
	struct page *pages[PIN_PAGES];
};

#endif
