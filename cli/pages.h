/* SPDX-License-Identifier: MIT */
/* The page table entries of a model's processes, to see what a step changed in them. */
#ifndef CLI_PAGES_H
#define CLI_PAGES_H

#include "scenario/session.h"

struct pages;

/* What is mapped now; NULL when memory ran out. Looks at no more than the first pages. */
struct pages *pages_look(struct scn_session *session);
void pages_free(struct pages *pages);
/* Calls show for each page whose entry differs; either text may be "none". */
void pages_compare(const struct pages *before, const struct pages *after,
		   void (*show)(void *arg, unsigned process_nr, uint64_t addr, const char *before,
				const char *after),
		   void *arg);

#endif
