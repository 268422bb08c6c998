/* SPDX-License-Identifier: MIT */
/* /proc/PID/maps, and the line of a vma that smaps begins with. */
#include "procfs/procfs.h"

#include "filemap/file.h"

/* Names stand in this column, one after a blank. */
#define NAME_COLUMN 73

/* Where a range is in a file; all zero for memory without one. */
struct range_place {
	u64 offset;
	unsigned major, minor;
	u32 ino;
};

static size_t put_range(struct strbuf *sb, vaddr_t start, vaddr_t end, u64 flags,
			const struct range_place *place)
{
	size_t line_start = sb->len;

	strbuf_printf(sb, "%08llx-%08llx %c%c%c%c %08llx %02x:%02x %u ", (unsigned long long)start,
		      (unsigned long long)end, flags & VM_READ ? 'r' : '-',
		      flags & VM_WRITE ? 'w' : '-', flags & VM_EXEC ? 'x' : '-',
		      flags & VM_MAYSHARE ? 's' : 'p', (unsigned long long)place->offset,
		      place->major, place->minor, place->ino);
	return line_start;
}

size_t proc_range_header(struct strbuf *sb, vaddr_t start, vaddr_t end, u64 flags)
{
	return put_range(sb, start, end, flags, &(struct range_place){ 0 });
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

/* A newline in a name would end the line: it is written in octal. */
static void put_file_name(struct strbuf *sb, size_t line_start, const char *name)
{
	proc_range_name(sb, line_start, "");
	for (; *name; name++) {
		if (*name == '\n')
			strbuf_puts(sb, "\\012");
		else
			strbuf_putc(sb, *name);
	}
}

void proc_vma_header(struct strbuf *sb, const struct vm_area *vma)
{
	struct range_place place = { 0 };
	size_t line_start;

	if (vma->file) {
		place.offset = vma->pgoff << PAGE_SHIFT;
		place.ino = vma->file->inode->ino;
		/* The kernel's own tmpfs is the first device without number; a disk the others. */
		place.major = vma->backing == VMA_SHMEM ? 0 : 8;
		place.minor = 1;
	}
	line_start = put_range(sb, vma->start, vma->end, vma->flags, &place);
	if (vma->file)
		put_file_name(sb, line_start, vma->file->inode->name);
	else if (vma_is_heap(vma))
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
