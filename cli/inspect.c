/* SPDX-License-Identifier: MIT */
/* usermm inspect: look into a machine that a failed run has saved. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

#define SUB "inspect"
#define MAX_COUNTERS 256

static void help(void)
{
	printf("usage: usermm inspect [OPTION]... FILE\n\n"
	       "Opens a machine saved by 'usermm run --snapshot-on-failure FILE' and shows its\n"
	       "processes, their maps and pages, its counters, the last events, and whether it\n"
	       "contradicts itself.\n\n"
	       "  -e, --events  every event of the ring, not only the last ones\n"
	       "  -h, --help    this text\n\n"
	       "Exit status: 0 the machine is sound, 1 verify() found contradictions, 2 the file\n"
	       "is no such snapshot, 3 it cannot be opened here.\n");
}

static char *text_of(int64_t (*get)(struct umm_task *, char *, size_t), struct umm_task *task)
{
	int64_t len = get(task, NULL, 0);
	char *text = len < 0 ? NULL : malloc((size_t)len + 1);

	if (text)
		get(task, text, (size_t)len + 1);
	return text;
}

static void show_page(struct umm_task *task, uint64_t addr)
{
	struct umm_page_info info;

	if (umm_page_info(task, addr, &info) || !strcmp(info.state, "none"))
		return;
	printf("      %012" PRIx64 "  %s entry %016" PRIx64, addr, info.state, info.entry);
	if (!strcmp(info.state, "present"))
		printf(" pfn %" PRIu64 " refs %u maps %u%s%s%s%s%s", info.pfn, info.refcount,
		       info.mapcount, info.pincount ? " pinned" : "", info.zero_page ? " zero" : "",
		       info.anon_exclusive ? " exclusive" : "", info.dirty ? " dirty" : "",
		       info.mlocked ? " mlocked" : "");
	printf("\n");
}

static void show_process(struct umm_task *task)
{
	const uint64_t most = 64;
	char *maps = text_of(umm_proc_maps, task);

	printf("process %d\n", umm_task_pid(task));
	for (char *line = maps; line && *line;) {
		char *rest, *next = strchr(line, '\n');
		uint64_t start = strtoull(line, &rest, 16), end = strtoull(rest + 1, NULL, 16);

		if (next)
			*next++ = '\0';
		printf("    %s\n", line);
		for (uint64_t i = 0; i < most && start + i * UMM_PAGE_SIZE < end; i++)
			show_page(task, start + i * UMM_PAGE_SIZE);
		if ((end - start) / UMM_PAGE_SIZE > most)
			printf("      ... (only the first %" PRIu64 " pages are shown)\n", most);
		line = next;
	}
	free(maps);
}

static void show_counters(struct umm_machine *machine)
{
	struct umm_counter counters[MAX_COUNTERS];
	unsigned nr = umm_counters(machine, counters, MAX_COUNTERS);

	printf("counters\n");
	for (unsigned i = 0; i < nr && i < MAX_COUNTERS; i++) {
		if (counters[i].value)
			printf("    %-24s %" PRIu64 "\n", counters[i].name, counters[i].value);
	}
}

static void show_events(struct umm_machine *machine, bool all)
{
	const size_t most = 20;
	uint64_t cursor = 0;
	char buf[16384];
	size_t lines = 0, skip;

	for (size_t len; (len = umm_trace_read(machine, &cursor, buf, sizeof(buf))) > 0;) {
		for (size_t i = 0; i < len; i++)
			lines += buf[i] == '\n';
	}
	if (!lines)
		return;
	skip = all || lines <= most ? 0 : lines - most;
	printf(skip ? "the last %zu of %zu events\n" : "%.0zu%zu events\n", skip ? most : (size_t)0,
	       lines);
	cursor = 0;
	for (size_t len; (len = umm_trace_read(machine, &cursor, buf, sizeof(buf))) > 0;) {
		for (size_t at = 0; at < len;) {
			size_t line = 0;

			while (at + line < len && buf[at + line] != '\n')
				line++;
			if (skip)
				skip--;
			else
				printf("    %.*s\n", (int)line, buf + at);
			at += line + 1;
		}
	}
}

static int inspect(const char *path, bool all_events)
{
	static char report[65536];
	struct umm_machine *machine;
	struct umm_task *task;
	int last_pid = -1, found, ret = umm_machine_load(path, &machine);

	if (ret == -EINVAL || ret == -ENOENT || ret == -EISDIR) {
		fprintf(stderr, "usermm inspect: %s: %s\n", path,
			ret == -EINVAL ? "no snapshot of a machine, or of another version" :
					 strerror(-ret));
		return EXIT_USAGE;
	}
	if (ret) {
		fprintf(stderr, "usermm inspect: %s: %s\n", path, strerror(-ret));
		return EXIT_CANNOT;
	}
	for (task = umm_task_next(machine, NULL); task; task = umm_task_next(machine, task)) {
		if (umm_task_pid(task) != last_pid)
			show_process(task);
		last_pid = umm_task_pid(task);
	}
	show_counters(machine);
	show_events(machine, all_events);
	found = umm_verify(machine, report, sizeof(report));
	printf("verify: %s\n%s", found ? "contradictions" : "clean", found ? report : "");
	umm_machine_destroy(machine);
	return found ? EXIT_FAILED : EXIT_WELL;
}

static const struct option long_options[] = {
	{ "events", no_argument, NULL, 'e' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

int cmd_inspect(int argc, char **argv)
{
	bool all_events = false;
	int option;

	while ((option = getopt_long(argc, argv, "eh", long_options, NULL)) != -1) {
		if (option == 'e')
			all_events = true;
		else if (option == 'h')
			return help(), EXIT_WELL;
		else
			return fprintf(stderr, "Try 'usermm inspect --help'.\n"), EXIT_USAGE;
	}
	if (optind + 1 != argc)
		return cli_usage_error(SUB, "one file is expected");
	return inspect(argv[optind], all_events);
}
