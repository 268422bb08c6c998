/* SPDX-License-Identifier: MIT */
/* For tests: a failed assertion that is expected. What it was about is done for afterwards. */
#ifndef MACHINE_BUG_TEST_H
#define MACHINE_BUG_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/assert.h"

static jmp_buf bug_test_jump;
static char bug_test_text[512];

static void bug_test_handler(const char *text)
{
	strncpy(bug_test_text, text, sizeof(bug_test_text) - 1);
	longjmp(bug_test_jump, 1);
}

/* fn(arg) must end in umm_bug, with these words. */
__attribute__((unused)) static void expect_bug(void (*fn)(void *arg), void *arg, const char *words)
{
	umm_bug_handler *before = umm_bug_set_handler(bug_test_handler);

	bug_test_text[0] = '\0';
	if (!setjmp(bug_test_jump))
		fn(arg);
	umm_bug_set_handler(before);
	if (!strstr(bug_test_text, words))
		fail_msg("expected a bug '%s', there was '%s'", words, bug_test_text);
}

#endif
