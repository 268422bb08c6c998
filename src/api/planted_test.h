/* SPDX-License-Identifier: MIT */
/*
 * For tests of verify(): something of a healthy machine is spoilt, exactly that must be reported,
 * and the machine, put back by a snapshot, must be healthy again.
 */
#ifndef API_PLANTED_TEST_H
#define API_PLANTED_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/uapi.h"
#include "machine/machine.h"

#define LL(x) ((unsigned long long)(x))
/* What the fault just planted must lead to: a line of the report, or what one begins with "...". */
#define WANT(...) ((void)snprintf(want, sizeof(want), __VA_ARGS__))

struct planted {
	const char *name;
	void (*plant)(void);
};
#define FAULT(name) ((struct planted){ #name, name })

static struct machine *m;
static struct umm_snapshot *snapshot; /* of the healthy machine; set by the test's set-up */
static char want[512], said[65536];

static int findings_of(void)
{
	return umm_verify((struct umm_machine *)m, said, sizeof(said));
}

static bool was_said(const char *line)
{
	size_t len = strlen(line);
	bool whole = len < 3 || strcmp(line + len - 3, "...") != 0;
	const char *at = said;

	len -= whole ? 0 : 3;
	while (at && len) {
		if (!strncmp(at, line, len) && (!whole || at[len] == '\n'))
			return true;
		at = strchr(at, '\n');
		at += at ? 1 : 0;
	}
	return false;
}

static void a_healthy_machine_is_clean(void **state)
{
	(void)state;
	if (findings_of())
		fail_msg("%s", said);
}

static void find_planted(const struct planted *faults, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		int lines = 0, findings;

		want[0] = '\0';
		faults[i].plant();
		findings = findings_of();
		if (!findings || !was_said(want))
			fail_msg("%s: expected\n%s\nbut found (%d)\n%s", faults[i].name, want,
				 findings, said);
		for (const char *at = said; *at; at++)
			lines += *at == '\n';
		assert_int_equal(lines, findings);
		umm_snapshot_restore((struct umm_machine *)m, snapshot);
		if (findings_of())
			fail_msg("%s: not undone:\n%s", faults[i].name, said);
	}
}

#endif
