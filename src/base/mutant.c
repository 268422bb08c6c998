/* SPDX-License-Identifier: MIT */
#include "base/mutant.h"

const struct mutant_info mutant_infos[NR_MUTANTS] = {
#define X(name, requirement, what, origin, how, where, seeds, says) \
	{ #name, requirement, what, origin, how, where, seeds, says },
	MUTANTS(X)
#undef X
};

#ifdef UMM_SIM
u64 mutants_on;
#endif
