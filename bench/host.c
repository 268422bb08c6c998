/* SPDX-License-Identifier: MIT */
/* The machine that the numbers are from. */
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "bench.h"

/* The first line of a file that begins with prefix, from behind the colon; "" when none does. */
static void file_line(const char *path, const char *prefix, char *out, size_t size)
{
	FILE *file = fopen(path, "re");
	char line[4096];

	out[0] = '\0';
	if (!file)
		return;
	while (!out[0] && fgets(line, sizeof(line), file)) {
		const char *text = line;

		if (strncmp(line, prefix, strlen(prefix)))
			continue;
		if (*prefix) {
			text = strchr(line, ':');
			text = text ? text + 1 + strspn(text + 1, " \t") : "";
		}
		snprintf(out, size, "%.*s", (int)strcspn(text, "\n"), text);
	}
	fclose(file);
}

static bool runs_virtualised(void)
{
	char flags[4096];

	file_line("/proc/cpuinfo", "flags", flags, sizeof(flags));
	return strstr(flags, " hypervisor") != NULL;
}

void host_describe(struct host_description *host)
{
	struct utsname name;

	memset(host, 0, sizeof(*host));
	file_line("/proc/cpuinfo", "model name", host->cpu, sizeof(host->cpu));
	if (uname(&name) == 0)
		snprintf(host->kernel, sizeof(host->kernel), "%.30s %.60s %.30s", name.sysname,
			 name.release, name.machine);
	if (!host->cpu[0])
		snprintf(host->cpu, sizeof(host->cpu), "%.60s", name.machine);
	host->cpus = (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
	host->memory_bytes = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
	file_line("/sys/kernel/mm/transparent_hugepage/enabled", "", host->thp, sizeof(host->thp));
	snprintf(host->virt, sizeof(host->virt), "%s",
		 runs_virtualised() ? "virtual machine" : "bare metal");
#ifdef __clang__
	snprintf(host->compiler, sizeof(host->compiler), "clang %d.%d", __clang_major__,
		 __clang_minor__);
#else
	snprintf(host->compiler, sizeof(host->compiler), "gcc %d.%d", __GNUC__, __GNUC_MINOR__);
#endif
}
