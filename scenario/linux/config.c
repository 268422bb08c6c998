/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "scenario/backend.h"

static bool read_number(const char *path, uint64_t *ret_value)
{
	FILE *file = fopen(path, "r");
	unsigned long long value;
	bool ok = file && fscanf(file, "%llu", &value) == 1;

	if (file)
		fclose(file);
	if (ok)
		*ret_value = value;
	return ok;
}

/*
 * The lowest address that the kernel gives out: the sysctl's, or a security module's. A lower
 * hint is raised to it.
 */
static bool lowest_address(uint64_t *ret_addr)
{
	void *hint = (void *)(uintptr_t)UMM_PAGE_SIZE;
	void *place = mmap(hint, UMM_PAGE_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (place == MAP_FAILED)
		return false;
	munmap(place, UMM_PAGE_SIZE);
	if ((uintptr_t)place > 1u << 20)
		return false;
	*ret_addr = (uintptr_t)place;
	return true;
}

/* A page that was just written is soft-dirty, on a kernel that keeps track. */
static bool has_soft_dirty(void)
{
	FILE *file = fopen("/proc/self/pagemap", "r");
	uint64_t word = 0;

	if (!file)
		return false;
	if (fseek(file, (long)((uintptr_t)&word / UMM_PAGE_SIZE * 8), SEEK_SET) ||
	    fread(&word, sizeof(word), 1, file) != 1)
		word = 0;
	fclose(file);
	return (word >> 55 & 1) != 0;
}

/* Whether one of the files says so, or may say so to those who are allowed to read it. */
static bool begins_with(const char *pattern, const char *word)
{
	glob_t files = { 0 };
	bool found = false;

	if (glob(pattern, 0, NULL, &files) == 0) {
		for (size_t i = 0; i < files.gl_pathc && !found; i++) {
			FILE *file = fopen(files.gl_pathv[i], "r");
			char text[16] = "";

			if (!file) {
				found = errno == EACCES;
				continue;
			}
			found = fgets(text, sizeof(text), file) &&
				!strncmp(text, word, strlen(word));
			fclose(file);
		}
	}
	globfree(&files);
	return found;
}

bool scn_linux_watches_accesses(void)
{
	static int watches = -1;

	if (watches < 0)
		watches = begins_with("/sys/kernel/mm/damon/admin/kdamonds/*/state", "on") ||
			  begins_with("/sys/module/damon_*/parameters/enabled", "Y");
	return watches;
}

void scn_linux_config(struct umm_config *config)
{
	const uint64_t block = 4ull << 20;
	uint64_t value;
	long pages = sysconf(_SC_PHYS_PAGES);

	if (pages > 0)
		config->ram_bytes = (uint64_t)pages * UMM_PAGE_SIZE / block * block;
	if (read_number("/proc/sys/vm/max_map_count", &value))
		config->max_map_count = (uint32_t)value;
	if (read_number("/proc/sys/vm/overcommit_memory", &value))
		config->overcommit = (uint32_t)value;
	if (lowest_address(&value) || read_number("/proc/sys/vm/mmap_min_addr", &value))
		config->mmap_min_addr = value;
	config->soft_dirty = has_soft_dirty();
}
