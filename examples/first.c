/* SPDX-License-Identifier: MIT */
/* A machine, two processes, one page: what fork and a write do to it. */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include <usermm/usermm.h>

static void show(const char *who, struct umm_task *task, uint64_t addr)
{
	struct umm_page_info page;

	if (umm_page_info(task, addr, &page))
		return;
	printf("%-6s frame %3llu, %u mappings, %s\n", who, (unsigned long long)page.pfn,
	       page.mapcount, page.anon_exclusive ? "exclusive" : "shared");
}

int main(void)
{
	struct umm_machine *machine;
	struct umm_task *parent, *child;
	struct umm_config config;
	char text[16] = "";
	int64_t addr;

	umm_config_init(&config);
	if (umm_machine_create(&config, &machine) || umm_process_create(machine, &parent))
		return 1;
	addr = umm_mmap(parent, 0, UMM_PAGE_SIZE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (addr < 0 || umm_write(parent, (uint64_t)addr, "before", 7, NULL))
		return 1;
	show("before", parent, (uint64_t)addr);

	if (umm_fork(parent, &child))
		return 1;
	show("parent", parent, (uint64_t)addr);
	show("child", child, (uint64_t)addr);

	if (umm_write(child, (uint64_t)addr, "after", 6, NULL) ||
	    umm_read(parent, (uint64_t)addr, text, sizeof("before"), NULL))
		return 1;
	printf("the child has written; the parent reads \"%s\"\n", text);
	show("parent", parent, (uint64_t)addr);
	show("child", child, (uint64_t)addr);

	umm_task_exit(child);
	umm_task_exit(parent);
	umm_machine_destroy(machine);
	return strcmp(text, "before") != 0;
}
