/* SPDX-License-Identifier: MIT */
/* /proc/PID/maps, and the line of a vma that smaps begins with. */
#include "procfs/procfs.h"

/* Names stand in this column, one after a blank. */
#define NAME_COLUMN 73

size_t proc_range_header(struct strbuf *sb, vaddr_t start, vaddr_t end, u64 flags)
{
	size_t line_start = sb->len;

	/* Private anonymous memory has no file: offset, device and inode are zero. */
	strbuf_printf(sb, "%08llx-%08llx %c%c%c%c 00000000 00:00 0 ", (unsigned long long)start,
		      (unsigned long long)end, flags & VM_READ ? 'r' : '-',
		      flags & VM_WRITE ? 'w' : '-', flags & VM_EXEC ? 'x' : '-',
		      flags & VM_MAYSHARE ? 's' : 'p');
	return line_start;
}

void proc_range_name(struct strbuf *sb, size_t line_start, const char *name)
{
	strbuf_pad_to(sb, line_start, NAME_COLUMN);
	strbuf_puts(sb, name);
}

/* The heap is every vma that touches [brk_start, brk), as the kernel has it. */
static bool vma_is_heap(const struct vm_area *vma)
{
	return vma->start < vma->mm->brk && vma->end > vma->mm->brk_start;
}

void proc_vma_header(struct strbuf *sb, const struct vm_area *vma)
{
	size_t line_start = proc_range_header(sb, vma->start, vma->end, vma->flags);

	if (vma_is_heap(vma))
		proc_range_name(sb, line_start, "[heap]");
}

void proc_maps(struct mm *mm, struct strbuf *sb)
{
	struct vm_area *vma;

	down_read(&mm->mmap_lock);
	for_each_vma(mm, vma) {
		proc_vma_header(sb, vma);
		strbuf_putc(sb, '\n');
	}
	up_read(&mm->mmap_lock);
}
