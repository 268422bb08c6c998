/* SPDX-License-Identifier: MIT */
/*
 * litmus [FILE]: the table of litmus tests, as each memory model answers them, in Markdown. With
 * a file: whether every line of the table is in it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "explore/litmus.h"

#define LINE_BYTES 512

static unsigned wrong;

static const char *verdict_name(enum litmus_verdict verdict)
{
	return verdict == LITMUS_NEVER ? "never" : "sometimes";
}

static const char *verdict_under(const struct litmus *test, enum weak_memory memory)
{
	struct litmus_result result = { 0 };

	if (litmus_run(test, memory, NULL, &result) ||
	    result.verdict != litmus_expected(test, memory)) {
		wrong++;
		return "NOT AS EXPECTED";
	}
	return verdict_name(result.verdict);
}

static void format_row(const struct litmus *test, char *line)
{
	char threads[128] = "";
	size_t at = 0;

	for (unsigned t = 0; t < LITMUS_MAX_THREADS && test->threads[t] && at < sizeof(threads);
	     t++)
		at += (size_t)snprintf(threads + at, sizeof(threads) - at, "%s%s", t ? " ‖ " : "",
				       test->threads[t]);
	snprintf(line, LINE_BYTES, "| %s%s | `%s` | `%s` | %s | %s | %s | %s | %s |\n", test->name,
		 test->overtakes ? " †" : "", threads, test->outcome, verdict_under(test, WEAK_SC),
		 verdict_under(test, WEAK_TSO), verdict_under(test, WEAK_WEAK),
		 verdict_name(test->linux_says), test->kernel_test ? test->kernel_test : "");
}

static bool has_line(FILE *file, const char *line)
{
	char other[LINE_BYTES];

	rewind(file);
	while (fgets(other, sizeof(other), file))
		if (!strcmp(other, line))
			return true;
	return false;
}

int main(int argc, char **argv)
{
	FILE *file = argc > 1 ? fopen(argv[1], "r") : NULL;
	unsigned missing = 0;

	if (argc > 1 && !file) {
		perror(argv[1]);
		return 2;
	}
	if (!file)
		printf("| shape | threads | outcome | `sc` | `tso` | `weak` | Linux "
		       "| the kernel's test |\n|---|---|---|---|---|---|---|---|\n");
	for (unsigned i = 0; i < nr_litmus_tests; i++) {
		char line[LINE_BYTES];

		format_row(&litmus_tests[i], line);
		if (file && has_line(file, line))
			continue;
		missing += !!file;
		printf("%s%s", file ? "not there: " : "", line);
	}
	if (file)
		fclose(file);
	return wrong || missing ? 1 : 0;
}
