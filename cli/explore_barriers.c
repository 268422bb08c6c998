/* SPDX-License-Identifier: MIT */
/*
 * usermm explore --barriers: what each barrier of the core, and the order of each access, is for.
 * The scenario is explored once for each that it comes by, without it.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/explore.h"

#define MAX_PLACES 256

struct place {
	char site[96];
	const char *words, *order;
};

struct places {
	unsigned nr;
	struct place of[MAX_PLACES];
};

/* "../src/mmu/tlb.c:184" is "mmu/tlb.c:184". */
static const char *short_site(const char *site)
{
	const char *src = strstr(site, "src/");

	return src ? src + 4 : site;
}

static void note(void *arg, const char *site, const char *words, const char *order)
{
	struct places *places = arg;
	const char *name = short_site(site);

	for (unsigned i = 0; i < places->nr; i++)
		if (!strcmp(places->of[i].site, name))
			return;
	if (places->nr == MAX_PLACES)
		return;
	snprintf(places->of[places->nr].site, sizeof(places->of[0].site), "%s", name);
	places->of[places->nr].words = words;
	places->of[places->nr++].order = order;
}

static int by_site(const void *a, const void *b)
{
	return strcmp(((const struct place *)a)->site, ((const struct place *)b)->site);
}

static void explore_without(const struct explore_command *command, struct scn_explore *opened,
			    const char *site, struct places *places, struct explore_result *result)
{
	struct explore_options options = {
		.mode = command->chosen ? command->mode : EXPLORE_OPTIMAL,
		.memory = command->memory,
		.races_allowed = command->allow_races,
		.max_executions = command->executions,
		.max_ns = command->seconds * 1000000000u,
		.seed = command->config.seed,
		.max_preemptions = command->preemptions,
		.without = site,
		.order = places ? note : NULL,
		.order_arg = places,
	};

	explore(scn_explore_program(opened), &options, result);
}

/* Of a text that may go on over lines: what it says first, without what changes. */
static void say_failure(const char *text)
{
	static const char *const names[] = { "data race", "use after free" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strstr(text, names[i])) {
			printf("%s\n", names[i]);
			return;
		}
	}
	if (!strncmp(text, "usermm: ", 8))
		text += 8;
	printf("%.*s\n", (int)strcspn(text, "\n"), text);
}

static void say(const struct place *place, const struct explore_result *result)
{
	char what[64];

	snprintf(what, sizeof(what), "%s%s%s", place->words,
		 strcmp(place->words, "passes a barrier") != 0 ? ", " : ": ", place->order);
	printf("  %-24s %-28s ", place->site, what);
	if (result->failures)
		say_failure(result->failure_text);
	else
		printf("-%s\n", result->complete ? "" : " in what was explored");
}

int explore_barriers_run(const struct explore_command *command, const struct scn_file *file)
{
	struct explore_result *result = calloc(1, sizeof(*result));
	struct places *places = calloc(1, sizeof(*places));
	struct scn_outcome outcome;
	struct scn_explore *opened = scn_explore_open(file, &command->config, &outcome);
	unsigned needed = 0;
	int ret = EXIT_WELL;

	if (!opened || !result || !places) {
		fprintf(stderr, "%s\n", opened ? "out of memory" : outcome.message);
		ret = opened ? EXIT_CANNOT : cli_exit_of(outcome.verdict);
	} else {
		explore_without(command, opened, NULL, places, result);
		if (result->failures)
			ret = EXIT_FAILED;
		qsort(places->of, places->nr, sizeof(places->of[0]), by_site);
	}
	if (ret == EXIT_FAILED)
		printf("failed %s, with all its barriers:\n%s\n", file->path, result->failure_text);
	for (unsigned i = 0; ret == EXIT_WELL && i < places->nr; i++) {
		explore_without(command, opened, places->of[i].site, NULL, result);
		needed += result->failures != 0;
		say(&places->of[i], result);
	}
	if (ret == EXIT_WELL)
		printf("%s: %u of %u orders are needed under %s\n", file->path, needed, places->nr,
		       weak_memory_name(command->memory));
	if (opened)
		scn_explore_close(opened);
	free(result);
	free(places);
	return ret;
}
