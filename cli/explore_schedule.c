/* SPDX-License-Identifier: MIT */
/*
 * Schedules in files. What a schedule is of is said before it, as far as it decides what the
 * scenario does: --replay switches the same mutants on and sets the same options.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/explore.h"

#define MAX_SCHEDULE_BYTES (1u << 20)

static void write_about(const struct exploration *x, char *buf, size_t size)
{
	const struct explore_command *command = x->command;
	size_t len = 0;

	/* A path that does not fit into a line is left out: it is only for who gives no other. */
	if (!strpbrk(x->file->path, "\n\r") && strlen(x->file->path) < size / 3)
		len = (size_t)snprintf(buf, size, "scenario %s\n", x->file->path);
	len += (size_t)snprintf(buf + len, size - len, "seed %" PRIu64 "\n", command->config.seed);
	if (command->memory != WEAK_SC)
		len += (size_t)snprintf(buf + len, size - len, "memory %s\n",
					weak_memory_name(command->memory));
	if (command->without)
		len += (size_t)snprintf(buf + len, size - len, "without %.100s\n",
					command->without);
	if (command->allow_races)
		len += (size_t)snprintf(buf + len, size - len, "races allowed\n");
	for (unsigned i = 0; i < command->nr_mutants; i++)
		len += (size_t)snprintf(buf + len, size - len, "mutant %s\n", command->mutants[i]);
	for (unsigned i = 0; i < command->nr_machine_options && len < size; i++)
		len += (size_t)snprintf(buf + len, size - len, "option %.100s\n",
					command->machine_options[i]);
}

bool explore_save(const struct exploration *x)
{
	const struct explore_result *result = &x->result;
	char about[EXPLORE_ABOUT_BYTES], *text;
	const char *path = x->command->save_path;
	size_t len;
	FILE *out;
	bool good;

	write_about(x, about, sizeof(about));
	len = explore_schedule_write(result->schedule, result->schedule_len, about, NULL, 0);
	text = malloc(len + 1);
	out = text ? fopen(path, "w") : NULL;
	if (text)
		explore_schedule_write(result->schedule, result->schedule_len, about, text,
				       len + 1);
	good = out && fwrite(text, 1, len, out) == len;
	if (out && fclose(out) != 0)
		good = false;
	if (!good)
		fprintf(stderr, "usermm explore: %s: %s\n", path, strerror(errno));
	free(text);
	return good;
}

struct explore_schedule *explore_load(const char *path)
{
	struct explore_schedule *schedule = malloc(sizeof(*schedule));
	char *text = malloc(MAX_SCHEDULE_BYTES + 1), error[200];
	FILE *in = fopen(path, "r");
	size_t len = text && in ? fread(text, 1, MAX_SCHEDULE_BYTES + 1, in) : 0;
	bool good = false;

	if (!in || !text || !schedule || ferror(in)) {
		fprintf(stderr, "usermm explore: %s: %s\n", path, strerror(errno));
	} else if (len > MAX_SCHEDULE_BYTES || memchr(text, 0, len)) {
		fprintf(stderr, "usermm explore: %s: not a schedule\n", path);
	} else {
		text[len] = '\0';
		good = !explore_schedule_parse(text, schedule, error, sizeof(error));
		if (!good)
			fprintf(stderr,
				"usermm explore: %s: no schedule that --save has written: "
				"%s\n",
				path, error);
	}
	if (in)
		fclose(in);
	free(text);
	if (good)
		return schedule;
	free(schedule);
	return NULL;
}
