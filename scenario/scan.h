/* SPDX-License-Identifier: MIT */
/*
 * PAGEMAP_SCAN as a step: its structures, which <linux/fs.h> has since Linux 6.7. `in` of the step
 * is a scn_scan, whose vec only says whether there is one; `out` takes the regions.
 */
#ifndef SCENARIO_SCAN_H
#define SCENARIO_SCAN_H

#include <stdint.h>

struct scn_scan {
	uint64_t size, flags;
	uint64_t start, end, walk_end;
	uint64_t vec, vec_len, max_pages;
	uint64_t category_inverted, category_mask, category_anyof_mask, return_mask;
};

struct scn_region {
	uint64_t start, end;
	uint64_t categories;
};

/* Without vec_len; without return_mask: every category. */
#define SCN_SCAN_REGIONS 1024
#define SCN_SCAN_ALL 0x1ffu

/* _IOWR('f', 16, struct pm_scan_arg) */
#define SCN_PAGEMAP_SCAN_COMMAND 0xc0606610u

_Static_assert(sizeof(struct scn_scan) == 96, "as in the number of the ioctl");

#endif
