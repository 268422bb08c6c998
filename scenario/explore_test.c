/* SPDX-License-Identifier: MIT */
/* Covers: idea 4 */
/*
 * What the search takes to be independent is: an execution drawn at random is always one of the
 * traces that it has seen. If two steps told each other something that neither announces, random
 * executions would show orders that the search never tries, or the same choices would not lead
 * to the same steps.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "scenario/explore.h"

#define MAX_TRACES 4096
#define SAMPLES 1000

static const char *folder;

static struct {
	uint64_t hash[MAX_TRACES];
	unsigned nr;
	unsigned unknown;
} traces;

static bool known(uint64_t hash)
{
	for (unsigned i = 0; i < traces.nr; i++)
		if (traces.hash[i] == hash)
			return true;
	return false;
}

static void learn(void *arg, uint64_t hash)
{
	(void)arg;
	if (traces.nr < MAX_TRACES)
		traces.hash[traces.nr++] = hash;
}

static void compare(void *arg, uint64_t hash)
{
	(void)arg;
	traces.unknown += !known(hash);
}

static void check_scenario(const char *name)
{
	static struct explore_result result;
	struct explore_options options = { .mode = EXPLORE_OPTIMAL,
					   .max_preemptions = -1,
					   .each = learn };
	static const enum explore_mode samples[] = { EXPLORE_RANDOM, EXPLORE_POS, EXPLORE_PCT };
	struct scn_outcome outcome;
	struct scn_explore *scenario;
	struct umm_config config;
	char path[512], message[512];
	struct scn_file file;

	snprintf(path, sizeof(path), "%s/explore/%s.lua", folder, name);
	assert_true(scn_file_read(path, &file, message, sizeof(message)));
	scn_explore_config(&config);
	scenario = scn_explore_open(&file, &config, &outcome);
	assert_non_null(scenario);
	memset(&traces, 0, sizeof(traces));
	assert_int_equal(explore(scn_explore_program(scenario), &options, &result), 0);
	assert_true(result.complete);
	assert_int_equal(result.infeasible, 0);
	assert_int_equal(traces.nr, result.executions);
	assert_true(traces.nr < MAX_TRACES);
	for (unsigned i = 0; i < traces.nr; i++)
		for (unsigned k = 0; k < i; k++)
			assert_true(traces.hash[i] != traces.hash[k]);
	options.each = compare;
	options.max_executions = SAMPLES;
	for (unsigned i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		options.mode = samples[i];
		options.seed = i + 1;
		assert_int_equal(explore(scn_explore_program(scenario), &options, &result), 0);
		assert_int_equal(result.failures, 0);
		if (traces.unknown)
			print_error("%s: %u of %u samples are no known trace\n", name,
				    traces.unknown, SAMPLES);
		assert_int_equal(traces.unknown, 0);
	}
	scn_explore_close(scenario);
	scn_file_free(&file);
}

static void test_samples_are_known_traces(void **state)
{
	static const char *const names[] = {
		"fault-fault",        "fault-munmap",    "fault-remap",
		"hit-munmap",         "read-write",      "cow-cow",
		"cow-fork",           "cow-cow-threads", "fork-fork",
		"fork-munmap",        "mprotect-fault",  "mprotect-hit",
		"mremap-fault",       "dontneed-fault",  "dontneed-dontneed",
		"exit-remote-read",   "stack-growth",    "stack-growth-munmap",
		"guard-remove-fault", "mlock-fault",     "pin-cow",
		"pin-fork",
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		check_scenario(names[i]);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_samples_are_known_traces),
	};

	if (argc < 2)
		return 2;
	folder = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
