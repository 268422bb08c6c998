/* SPDX-License-Identifier: MIT */
/*
 * A schedule as text:
 *
 *      usermm schedule 1
 *      program twostage 3          what it is of: any number of lines of word and value
 *      thread 0 5                  thread 0 does five events,
 *      thread 2 3                  then thread 2 does three
 *      end
 */
#include "explore/explore.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/format.h"
#include "base/uapi.h"

#define FIRST_LINE "usermm schedule 1"
#define MAX_LINE 1024

size_t explore_schedule_write(const u8 *schedule, unsigned len, const char *about, char *buf,
			      size_t size)
{
	struct strbuf sb;

	strbuf_init(&sb, buf, size);
	strbuf_puts(&sb, FIRST_LINE "\n");
	strbuf_puts(&sb, about);
	for (unsigned i = 0, nr; i < len; i += nr) {
		for (nr = 1; i + nr < len && schedule[i + nr] == schedule[i];)
			nr++;
		strbuf_printf(&sb, "thread %u %u\n", schedule[i], nr);
	}
	strbuf_puts(&sb, "end\n");
	return sb.len;
}

static bool read_number(const char **text, unsigned long *ret_number)
{
	char *end;

	if (!isdigit((unsigned char)**text))
		return false;
	*ret_number = strtoul(*text, &end, 10);
	*text = end;
	return true;
}

/* "T N" of a line of threads. NULL, or what is wrong. */
static const char *read_block(const char *text, struct explore_schedule *schedule)
{
	unsigned long thread, nr;

	if (!read_number(&text, &thread) || *text++ != ' ' || !read_number(&text, &nr) || *text)
		return "expected: thread NUMBER EVENTS";
	if (thread >= EXPLORE_MAX_THREADS)
		return "there are no so many threads";
	if (!nr || nr > EXPLORE_MAX_EVENTS - schedule->len)
		return "a schedule has 1 to 4096 events";
	while (nr--)
		schedule->threads[schedule->len++] = (u8)thread;
	return NULL;
}

static const char *read_about(const char *line, struct explore_schedule *schedule)
{
	size_t have = strlen(schedule->about), more = strlen(line);
	const char *space = strchr(line, ' ');

	if (!space || space == line || !space[1])
		return "expected: thread NUMBER EVENTS, a word and its value, or end";
	if (have + more + 2 > sizeof(schedule->about))
		return "too much about what it is a schedule of";
	snprintf(schedule->about + have, sizeof(schedule->about) - have, "%s\n", line);
	return NULL;
}

static const char *read_line(const char *line, unsigned nr, struct explore_schedule *schedule,
			     bool *ret_end)
{
	if (nr == 1)
		return strcmp(line, FIRST_LINE) ? "not a schedule: expected " FIRST_LINE : NULL;
	if (!strcmp(line, "end")) {
		*ret_end = true;
		return NULL;
	}
	if (!strncmp(line, "thread ", 7))
		return read_block(line + 7, schedule);
	if (schedule->len)
		return "expected: thread NUMBER EVENTS, or end";
	return read_about(line, schedule);
}

int explore_schedule_parse(const char *text, struct explore_schedule *ret_schedule, char *error,
			   size_t error_size)
{
	const char *wrong = NULL;
	bool ended = false;
	unsigned nr = 0;

	memset(ret_schedule, 0, sizeof(*ret_schedule));
	while (!wrong && !ended) {
		size_t len = strcspn(text, "\n");
		char line[MAX_LINE];

		nr++;
		if (!text[len]) {
			wrong = *text ? "the line has no end" : "ends without a line: end";
			break;
		}
		if (len >= sizeof(line)) {
			wrong = "too long a line";
			break;
		}
		memcpy(line, text, len);
		line[len] = '\0';
		text += len + 1;
		wrong = read_line(line, nr, ret_schedule, &ended);
	}
	if (!wrong && *text) {
		nr++;
		wrong = "something after the end";
	}
	if (!wrong)
		return 0;
	snprintf(error, error_size, "line %u: %s", nr, wrong);
	return -EINVAL;
}
