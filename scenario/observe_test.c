/* SPDX-License-Identifier: MIT */
/* Two views side by side: the first difference, in its section, under its mapping. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "scenario/observe.h"

static const char view[] = "== maps\n"
			   "7ffff7ffd000-7ffff7fff000 rw-p 00000000 00:00 0 \n"
			   "== smaps\n"
			   "7ffff7ffd000-7ffff7fff000 rw-p 00000000 00:00 0 \n"
			   "Rss:                   4 kB\n"
			   "VmFlags: rd wr \n"
			   "== pagemap\n"
			   "7ffff7ffd000 present exclusive\n"
			   "== mincore\n"
			   "7ffff7ffd000 1 pages: 1\n";

/* The view with one piece of it replaced. */
static void replaced(char *buf, size_t size, const char *from, const char *to)
{
	const char *at = strstr(view, from);

	assert_non_null(at);
	assert_true(snprintf(buf, size, "%.*s%s%s", (int)(at - view), view, to, at + strlen(from)) <
		    (int)size);
}

static void assert_report(const char *from, const char *to, const char *const *texts)
{
	struct scn_buffer report = { 0 };
	char other[1024];

	replaced(other, sizeof(other), from, to);
	assert_true(scn_view_differs(view, other, &report));
	for (; *texts; texts++) {
		if (!strstr(report.text, *texts))
			fail_msg("no '%s' in:\n%s", *texts, report.text);
	}
	scn_buffer_free(&report);
}

static void same_views(void **state)
{
	struct scn_buffer report = { 0 };

	(void)state;
	assert_false(scn_view_differs(view, view, &report));
	assert_int_equal(report.len, 0);
	scn_buffer_free(&report);
}

static void each_section(void **state)
{
	const char *smaps[] = { "in smaps:", "7ffff7ffd000-", "Rss:                   4 kB  ",
				"| Rss:                   8 kB", NULL };
	const char *pages[] = { "in pagemap:", "| 7ffff7ffd000 present\n", NULL };
	const char *gone[] = { "in pagemap:", "7ffff7ffd000 present exclusive", NULL };
	const char *mincore[] = { "in mincore:", "| 7ffff7ffd000 1 pages: 0", NULL };
	const char *maps[] = { "in maps:", "| 7ffff7ffd000-7ffff7ffe000", NULL };

	(void)state;
	assert_report("Rss:                   4", "Rss:                   8", smaps);
	assert_report(" exclusive", "", pages);
	assert_report("7ffff7ffd000 present exclusive\n", "", gone);
	assert_report("pages: 1", "pages: 0", mincore);
	assert_report("7fff000 rw-p", "7ffe000 rw-p", maps);
}

static void a_buffer_grows(void **state)
{
	struct scn_buffer buffer = { 0 };
	char piece[300];

	(void)state;
	memset(piece, 'x', sizeof(piece) - 1);
	piece[sizeof(piece) - 1] = '\0';
	for (unsigned i = 0; i < 100; i++)
		scn_buffer_printf(&buffer, "%s%u\n", piece, i);
	assert_int_equal(buffer.len, 100 * 299 + 100 + 10 + 90 * 2);
	assert_int_equal(strlen(buffer.text), buffer.len);
	scn_buffer_free(&buffer);
	assert_null(buffer.text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same_views),
		cmocka_unit_test(each_section),
		cmocka_unit_test(a_buffer_grows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
