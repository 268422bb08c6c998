/* SPDX-License-Identifier: MIT */
/* The model backend: what its files share. */
#ifndef SCENARIO_MODEL_MODEL_H
#define SCENARIO_MODEL_MODEL_H

#include "scenario/backend.h"
#include "scenario/directory.h"

#define MAX_PINS 4096
#define MAX_AREAS 64

struct scn_backend {
	char reason[256];
	struct umm_machine *machine;
	/* The library's handles, counted from 1 as the scenario sees them; 0: let go. */
	int64_t pins[MAX_PINS];
	int64_t last_pin;
	struct scn_directory directory; /* of the scenario's regular files */
	/* The library's numbers, plus 1; counted from 1 as the scenario sees them; 0: off. */
	int areas[MAX_AREAS];
	unsigned nr_areas;
};

int model_broken(struct scn_backend *backend, const char *what, int64_t code);
int model_file_call(struct scn_backend *backend, struct scn_step *step);
void model_swap_call(struct scn_backend *backend, struct scn_step *step);

#endif
