/* SPDX-License-Identifier: MIT */
/* Names for the objects of the machine, and for places in the source. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "machine/machine.h"
#include "mmu/tlb.h"
#include "phys/page.h"
#include "scenario/explore_internal.h"
#include "vma/mm.h"
#include "vma/task.h"

/* ---- objects -------------------------------------------------------------------------- */

struct field {
	u64 offset;
	const char *name;
};

#define FIELD(type, field)                                      \
	{                                                       \
		offsetof(struct type, field), #type "->" #field \
	}

static const struct field page_fields[] = {
	FIELD(page, flags),   FIELD(page, refcount), FIELD(page, mapcount),
	FIELD(page, mapping), { 0, NULL },
};
static const struct field table_fields[] = {
	FIELD(page, flags),
	FIELD(page, ptl),
	FIELD(page, nr_used),
	{ 0, NULL },
};
static const struct field mm_fields[] = {
	FIELD(mm, users),      FIELD(mm, mmap_lock),   FIELD(mm, vma_cache),
	FIELD(mm, flush_lock), FIELD(mm, tlb_gen),     FIELD(mm, cpu_mask),
	FIELD(mm, has_pinned), FIELD(mm, hiwater_rss), FIELD(mm, page_table_lock),
	FIELD(mm, rss[0]),     FIELD(mm, rss[1]),      { 0, NULL },
};
static const struct field task_fields[] = {
	FIELD(task, in_access),
	FIELD(task, irqs_off),
	FIELD(task, cpu),
	{ 0, NULL },
};
static const struct field cpu_fields[] = { FIELD(cpu, curr), { 0, NULL } };

static const char *field_at(const struct field *fields, u64 offset)
{
	for (; fields->name; fields++)
		if (fields->offset == offset)
			return fields->name;
	return NULL;
}

static bool name_field(const void *object, const void *base, u64 bytes, const struct field *fields,
		       const char *of, u64 number, char *buf, size_t size)
{
	u64 offset = (u64)((const u8 *)object - (const u8 *)base);
	const char *name;

	if ((const u8 *)object < (const u8 *)base || offset >= bytes)
		return false;
	name = field_at(fields, offset);
	if (name)
		snprintf(buf, size, "%s of %s %llu", name, of, (unsigned long long)number);
	else
		snprintf(buf, size, "%s %llu + %llu", of, (unsigned long long)number,
			 (unsigned long long)offset);
	return true;
}

/* Threads stand where they are meanwhile: nothing here may be an operation of its own. */
static bool is_table(const struct page *page)
{
	return page->flags & BIT(PG_table);
}

/* An entry of a table, or a frame. */
static void name_in_ram(const struct machine *m, u64 offset, char *buf, size_t size)
{
	const struct page *page = pfn_to_page(m, pfn_of(offset >> PAGE_SHIFT));
	u64 entry = offset % PAGE_SIZE / sizeof(u64);
	vaddr_t address;

	if (!is_table(page)) {
		snprintf(buf, size, "frame %llu", (unsigned long long)(offset >> PAGE_SHIFT));
		return;
	}
	address = page->table_start + (entry << (PAGE_SHIFT + 9 * page->table_level));
	snprintf(buf, size, "%s of %#llx", page->table_level ? "table entry" : "pte",
		 (unsigned long long)address);
}

static bool name_in_heap(struct machine *m, const void *object, char *buf, size_t size)
{
	const struct task *task;
	const struct mm *mm;

	for (u32 i = 0; i < m->config.cpus; i++)
		if (name_field(object, &m->cpus[i], sizeof(struct cpu), cpu_fields, "cpu", i, buf,
			       size))
			return true;
	list_for_each_entry(task, &m->tasks, tasks)
		if (name_field(object, task, sizeof(*task), task_fields, "task", (u64)task->tid,
			       buf, size))
			return true;
	list_for_each_entry(mm, &m->mms, mms)
		if (name_field(object, mm, sizeof(*mm), mm_fields, "mm", mm->id, buf, size))
			return true;
	return false;
}

static const char *lock_name(const struct sim_op *op)
{
	switch (op->kind) {
	case SIM_SPIN_LOCK:
	case SIM_SPIN_TRY:
	case SIM_SPIN_UNLOCK:
		return lock_class_name(((const spinlock_t *)op->object)->class);
	case SIM_MUTEX_LOCK:
	case SIM_MUTEX_TRY:
	case SIM_MUTEX_UNLOCK:
		return lock_class_name(((const struct mutex *)op->object)->class);
	case SIM_READ_LOCK:
	case SIM_READ_TRY:
	case SIM_READ_UNLOCK:
	case SIM_WRITE_LOCK:
	case SIM_WRITE_TRY:
	case SIM_WRITE_UNLOCK:
	case SIM_DOWNGRADE:
		return lock_class_name(((const struct rw_semaphore *)op->object)->class);
	default:
		return NULL;
	}
}

void explore_name_object(const struct sim_op *op, char *buf, size_t size)
{
	const void *object = op->object;
	u64 offset = (uintptr_t)object % ARENA_SLOT_BYTES;
	const char *lock = lock_name(op);
	struct machine *m;

	buf[0] = '\0';
	if ((uintptr_t)object - ARENA_BASE >= ARENA_SLOTS * ARENA_SLOT_BYTES) {
		if (object)
			snprintf(buf, size, "%p", object);
		return;
	}
	m = machine_of(object);
	if (offset >= RAM_OFFSET) {
		name_in_ram(m, offset - RAM_OFFSET, buf, size);
	} else if (offset >= VMEMMAP_OFFSET) {
		u64 pfn = (offset - VMEMMAP_OFFSET) / STRUCT_PAGE_BYTES;
		const struct page *page = pfn_to_page(m, pfn_of(pfn));

		(void)name_field(object, page, sizeof(*page),
				 is_table(page) ? table_fields : page_fields,
				 is_table(page) ? "table" : "frame", pfn, buf, size);
	} else if (!name_in_heap(m, object, buf, size)) {
		snprintf(buf, size, "%s%sheap+%#llx", lock ? lock : "", lock ? " " : "",
			 (unsigned long long)offset);
	}
}

/* ---- places in the source ------------------------------------------------------------- */

/* As many calls outwards as are asked about. */
#define MAX_CALLS 10

extern const char __executable_start[];

/* The primitives themselves, and small functions of headers around them. */
static bool is_plumbing(const char *file)
{
	size_t len = strcspn(file, ":");

	return strstr(file, "/sync/") || strstr(file, "/explore/") || strstr(file, "??") ||
	       (len && file[len - 1] == 'h');
}

/*
 * One answer of addr2line -i -f for a pc, up to the line that begins the next: the innermost
 * place that tells something, if buf is empty still.
 */
static void read_place(FILE *in, char *line, size_t line_size, bool *more, char *buf, size_t size)
{
	char function[128];
	const char *slash;

	*more = false;
	while (fgets(line, (int)line_size, in)) {
		if (!strncmp(line, "0x", 2)) {
			*more = true;
			break;
		}
		snprintf(function, sizeof(function), "%.*s", (int)strcspn(line, "\n"), line);
		if (!fgets(line, (int)line_size, in))
			break;
		line[strcspn(line, "\n (")] = '\0';
		if (buf[0] || is_plumbing(line))
			continue;
		slash = strrchr(line, '/');
		snprintf(buf, size, "%.60s %.50s", slash ? slash + 1 : line, function);
	}
}

static bool is_asked(const struct explore_line *line, unsigned call)
{
	return line->shown && !line->text_only && call < MAX_CALLS && line->pc[call];
}

static void write_addresses(const struct explore_line *lines, unsigned nr, FILE *out)
{
	for (unsigned i = 0; i < nr; i++)
		for (unsigned f = 0; is_asked(&lines[i], f); f++)
			fprintf(out, "%#llx\n",
				(unsigned long long)((uintptr_t)lines[i].pc[f] -
						     (uintptr_t)__executable_start));
}

static void read_places(struct explore_line *lines, unsigned nr, FILE *in)
{
	char text[1024];
	bool more = fgets(text, sizeof(text), in) != NULL;

	for (unsigned i = 0; i < nr; i++)
		for (unsigned f = 0; more && is_asked(&lines[i], f); f++)
			read_place(in, text, sizeof(text), &more, lines[i].place,
				   sizeof(lines[i].place));
}

/* With addr2line of binutils, if it is there and this program has debug information. */
void explore_find_places(struct explore_line *lines, unsigned nr)
{
	char path[] = "/tmp/usermm-explore-XXXXXX", command[256];
	int fd = mkstemp(path);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "w");

	if (!file)
		return;
	write_addresses(lines, nr, file);
	fclose(file);
	snprintf(command, sizeof(command), "addr2line -a -i -f -e /proc/%d/exe <%s 2>/dev/null",
		 getpid(), path);
	file = popen(command, "r");
	if (file) {
		read_places(lines, nr, file);
		pclose(file);
	}
	unlink(path);
}
