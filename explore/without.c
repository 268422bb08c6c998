/* SPDX-License-Identifier: MIT */
/*
 * Orders of accesses, and barriers: which there are, and what becomes of a program without one of
 * them. That is the way to know what each of them is for.
 */
#include "explore/engine.h"

#include <string.h>

static bool is_place(const char *site, const char *place)
{
	size_t len = strlen(site), end = strlen(place);

	return end && end <= len && !strcmp(site + len - end, place) &&
	       (end == len || site[len - end - 1] == '/');
}

static int take_order(const char *site, enum sim_kind kind, int order)
{
	static const char *const names[] = {
		[SYNC_ACQUIRE] = "acquire",
		[SYNC_RELEASE] = "release",
		[SYNC_ACQ_REL] = "acquire and release",
		[SYNC_FULL] = "full",
	};
	const struct explore_options *options = engine.options;

	if (!site)
		return order;
	if (options->without && is_place(site, options->without))
		return SYNC_RELAXED;
	if (options->order)
		options->order(options->order_arg, site, sim_kind_words(kind), names[order]);
	return order;
}

void order_watch(void)
{
	sim_order = engine.options->without || engine.options->order ? take_order : NULL;
}
