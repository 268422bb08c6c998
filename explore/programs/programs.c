/* SPDX-License-Identifier: MIT */
#include "explore/programs/programs.h"

#include <string.h>

const struct program_info programs[] = {
#define X(name, smallest, largest) { #name, smallest, largest, program_##name },
	PROGRAMS(X)
#undef X
		{ 0 },
};

bool program_make(const char *name, unsigned n, struct explore_program *ret_program)
{
	for (const struct program_info *info = programs; info->name; info++) {
		if (strcmp(info->name, name))
			continue;
		if (n < info->smallest || n > info->largest)
			return false;
		*ret_program = (struct explore_program){ .name = info->name, .stack_only = true };
		info->make(n, ret_program);
		return true;
	}
	return false;
}
