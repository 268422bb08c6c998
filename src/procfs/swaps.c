/* SPDX-License-Identifier: MIT */
/* /proc/swaps. */
#include "procfs/procfs.h"
#include "swap/swap.h"

#define NAME_COLUMNS 40
/* From here on a number reaches the next tab stop by itself. */
#define WIDE_KIB 10000000

/* What separates fields, and the backslash, in octal: as seq_file_path does. */
static void put_path(struct strbuf *sb, const char *path)
{
	for (; *path; path++) {
		if (strchr(" \t\n\\", *path))
			strbuf_printf(sb, "\\%03o", (unsigned)(u8)*path);
		else
			strbuf_putc(sb, *path);
	}
}

static void put_area(struct strbuf *sb, const struct swap_area_info *info)
{
	u64 size_kib = info->total_pages << (PAGE_SHIFT - 10);
	u64 used_kib = info->used_pages << (PAGE_SHIFT - 10);
	size_t start = sb->len;

	if (info->path[0])
		put_path(sb, info->path);
	else
		strbuf_printf(sb, "[memory:%u]", info->type);
	if (sb->len - start < NAME_COLUMNS)
		strbuf_pad_to(sb, start, NAME_COLUMNS);
	else
		strbuf_putc(sb, ' ');
	strbuf_printf(sb, "file\t\t%llu\t%s%llu\t%s%d\n", (unsigned long long)size_kib,
		      size_kib < WIDE_KIB ? "\t" : "", (unsigned long long)used_kib,
		      used_kib < WIDE_KIB ? "\t" : "", info->priority);
}

void proc_swaps(struct machine *m, struct strbuf *sb)
{
	struct swap_area_info info;

	strbuf_puts(sb, "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
	swap_control_lock(m);
	for (u32 type = 0; swap_area_next(m, &type, &info); type++)
		put_area(sb, &info);
	swap_control_unlock(m);
}
