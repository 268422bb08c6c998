/* SPDX-License-Identifier: MIT */
/*
 * A schedule as text:
 *
 *      usermm schedule 1
 *      program twostage 3          what it is of: any number of lines of word and value
 *      thread 0 5                  thread 0 does five events,
 *      thread 2 3                  then thread 2 does three
 *      thread 2 1 old 4            and one that is behind by four changes of its word
 *      end
 */
#include "explore/explore.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/format.h"
#include "base/uapi.h"

#define FIRST_LINE "usermm schedule 1"
#define MAX_LINE 4400
#define MAX_AGE (255 / EXPLORE_MAX_THREADS)

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
		strbuf_printf(&sb, "thread %u %u", explore_step_thread(schedule[i]), nr);
		if (explore_step_age(schedule[i]))
			strbuf_printf(&sb, " old %u", explore_step_age(schedule[i]));
		strbuf_putc(&sb, '\n');
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

/* "T N" or "T N old A" of a line of threads. NULL, or what is wrong. */
static const char *read_block(const char *text, struct explore_schedule *schedule)
{
	unsigned long thread, nr, age = 0;

	if (!read_number(&text, &thread) || *text++ != ' ' || !read_number(&text, &nr))
		return "expected: thread NUMBER EVENTS";
	if (!strncmp(text, " old ", 5)) {
		text += 5;
		if (!read_number(&text, &age) || age > MAX_AGE)
			return "expected: old and a number up to 7";
	}
	if (*text)
		return "expected: thread NUMBER EVENTS";
	if (thread >= EXPLORE_MAX_THREADS)
		return "there are no so many threads";
	if (!nr || nr > EXPLORE_MAX_EVENTS - schedule->len)
		return "a schedule has 1 to 4096 events";
	while (nr--)
		schedule->threads[schedule->len++] = (u8)(thread + age * EXPLORE_MAX_THREADS);
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

bool explore_schedule_about(const struct explore_schedule *schedule, const char *word, unsigned nth,
			    char *buf, size_t size)
{
	size_t word_len = strlen(word);

	for (const char *line = schedule->about; *line; line += strcspn(line, "\n") + 1) {
		if (strncmp(line, word, word_len) || line[word_len] != ' ' || nth--)
			continue;
		line += word_len + 1;
		snprintf(buf, size, "%.*s", (int)strcspn(line, "\n"), line);
		return true;
	}
	return false;
}
