/* SPDX-License-Identifier: MIT */
/* A failing execution of a scenario as columns (explore/render.h), with its calls as they end. */
#include <stdio.h>
#include <stdlib.h>

#include "explore/render.h"
#include "scenario/explore_internal.h"
#include "scenario/script_internal.h"
#include "scenario/words.h"

#define MAX_LISTING_BYTES (4u << 20)

/* A call of the scenario is over. */
int explore_tell_step(void *arg, struct scn_session *session, const struct scn_step *step)
{
	char call[100], result[60], text[200];

	(void)arg;
	(void)session;
	scn_step_format(step, call, sizeof(call));
	scn_result_format(step, result, sizeof(result));
	snprintf(text, sizeof(text), "= line %u: %s = %s", step->line, call, result);
	explore_render_text(text);
	return 0;
}

static const char *thread_name(void *arg, unsigned thread)
{
	return scn_explore_thread(arg, thread);
}

static void name_object(void *arg, const struct sim_op *op, char *buf, size_t size)
{
	(void)arg;
	explore_name_object(op, buf, size);
}

static void find_places(void *arg, struct explore_line *lines, unsigned nr)
{
	(void)arg;
	explore_find_places(lines, nr);
}

void scn_explore_list(struct scn_explore *scenario, const struct explore_result *result,
		      const struct explore_view *how, FILE *out)
{
	struct explore_view view = *how;
	char *text = malloc(MAX_LISTING_BYTES);
	size_t len;

	if (!text)
		return;
	view.arg = scenario;
	view.thread_name = thread_name;
	view.name_object = name_object;
	view.find_places = find_places;
	explore_tell_steps(scenario, true);
	len = explore_render(scn_explore_program(scenario), result->schedule, result->schedule_len,
			     &view, text, MAX_LISTING_BYTES);
	explore_tell_steps(scenario, false);
	fputs(text, out);
	if (len >= MAX_LISTING_BYTES)
		fprintf(out, "\n(and so on: %zu bytes more)\n", len - MAX_LISTING_BYTES + 1);
	free(text);
}
