/* SPDX-License-Identifier: MIT */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "scenario/memory.h"

#define STEP 16u
#define SMALL 1024u /* up to here a free list for each multiple of STEP, then for each power of 2 */
#define SMALL_LISTS (SMALL / STEP + 1)
#define LISTS (SMALL_LISTS + 48)

/* At the start of the region, so that it is put back with all the rest. */
struct region {
	size_t bytes;
	size_t used;
	void *free[LISTS]; /* linked through the first word */
};

/* Before what scn_alloc gives out. */
struct header {
	size_t size;
	size_t unused;
};

static struct region *region;

static unsigned list_of(size_t size, size_t *ret_rounded)
{
	unsigned bits = 11;

	if (size <= SMALL) {
		*ret_rounded = (size + STEP - 1) / STEP * STEP;
		return (unsigned)(*ret_rounded / STEP);
	}
	while (((size_t)1 << bits) < size)
		bits++;
	*ret_rounded = (size_t)1 << bits;
	return SMALL_LISTS + bits - 11;
}

static void *region_get(size_t size)
{
	size_t rounded;
	unsigned list = list_of(size, &rounded);
	void *memory = region->free[list];

	if (memory) {
		memcpy(&region->free[list], memory, sizeof(void *));
		return memory;
	}
	if (rounded > region->bytes - region->used)
		return NULL;
	memory = (char *)region + region->used;
	region->used += rounded;
	return memory;
}

static void region_put(void *memory, size_t size)
{
	size_t rounded;
	unsigned list = list_of(size, &rounded);

	memcpy(memory, &region->free[list], sizeof(void *));
	region->free[list] = memory;
}

static bool in_region(const void *memory)
{
	return region && (uintptr_t)memory - (uintptr_t)region < region->bytes;
}

void *scn_alloc(size_t size)
{
	struct header *header;

	if (!region)
		return calloc(1, size);
	header = region_get(sizeof(*header) + size);
	if (!header)
		return NULL;
	header->size = size;
	return memset(header + 1, 0, size);
}

void scn_free(void *memory)
{
	struct header *header = memory;

	if (!in_region(memory)) {
		free(memory);
		return;
	}
	header--;
	region_put(header, sizeof(*header) + header->size);
}

void *scn_resize(void *old, size_t old_size, size_t size)
{
	size_t rounded, old_rounded;
	void *memory;

	if (!in_region(old) && (old || !region)) {
		if (size)
			return realloc(old, size);
		free(old);
		return NULL;
	}
	if (!size) {
		if (old)
			region_put(old, old_size);
		return NULL;
	}
	if (old && list_of(size, &rounded) == list_of(old_size, &old_rounded))
		return old;
	memory = region_get(size);
	if (!memory || !old)
		return memory;
	memcpy(memory, old, old_size < size ? old_size : size);
	region_put(old, old_size);
	return memory;
}

bool scn_region_begin(size_t bytes, void **ret_start)
{
	void *start = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (start == MAP_FAILED)
		return false;
	*ret_start = region = start;
	region->bytes = bytes;
	region->used = (sizeof(*region) + 63) / 64 * 64;
	return true;
}

void scn_region_seal(void)
{
	memset(region->free, 0, sizeof(region->free));
	/* What comes now shares no page with what was there before. */
	region->used = (region->used + 4095) / 4096 * 4096;
}

void scn_region_end(void)
{
	munmap(region, region->bytes);
	region = NULL;
}
