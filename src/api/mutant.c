/* SPDX-License-Identifier: MIT */
#include <usermm/usermm.h>

#include "base/mutant.h"
#include "base/uapi.h"

int umm_mutant_set(const char *name, bool on)
{
	for (unsigned i = 0; i < NR_MUTANTS; i++) {
		if (strcmp(mutant_infos[i].name, name) != 0)
			continue;
#ifdef UMM_SIM
		mutants_on = on ? mutants_on | BIT(i) : mutants_on & ~BIT(i);
		return 0;
#else
		return on ? -ENOSYS : 0;
#endif
	}
	return -ENOENT;
}

bool umm_mutant_get(unsigned index, struct umm_mutant *ret_mutant)
{
	if (index >= NR_MUTANTS)
		return false;
	static const char *const how[] = {
		[CAUGHT_BY_RUN] = "run",
		[CAUGHT_BY_EXPLORE] = "explore",
		[CAUGHT_BY_WATCH] = "watch",
		[CAUGHT_BY_PROGRAM] = "program",
	};
	const struct mutant_info *info = &mutant_infos[index];

	*ret_mutant = (struct umm_mutant){
		.name = info->name,
		.requirement = info->requirement,
		.what = info->what,
		.origin = info->origin,
		.how = how[info->how],
		.where = info->where,
		.seeds = info->seeds,
		.says = info->says,
	};
	return true;
}
