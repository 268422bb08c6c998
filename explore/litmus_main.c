/* SPDX-License-Identifier: MIT */
/* litmus: the table of litmus tests, as each memory model answers them. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "explore/litmus.h"

static const char *verdict_name(enum litmus_verdict verdict)
{
	return verdict == LITMUS_NEVER ? "never" : "sometimes";
}

static unsigned show(const struct litmus *test)
{
	unsigned wrong = 0;

	printf("%-20s", test->name);
	for (unsigned m = 0; m < NR_WEAK_MEMORIES; m++) {
		struct litmus_result result = { 0 };
		int err = litmus_run(test, m, NULL, &result);

		if (err || result.verdict != litmus_expected(test, m)) {
			wrong++;
			printf(" %-11s", err ? "error!" : "wrong!");
		} else {
			printf(" %-11s", verdict_name(result.verdict));
		}
	}
	printf(" %-10s %s%s\n", verdict_name(test->linux_says),
	       test->overtakes ? "[no write overtakes a read here] " : "",
	       test->kernel_test ? test->kernel_test : "");
	return wrong;
}

int main(void)
{
	unsigned wrong = 0;

	printf("%-20s %-11s %-11s %-11s %-10s %s\n", "shape", "sc", "tso", "weak", "Linux",
	       "the kernel's test");
	for (unsigned i = 0; i < nr_litmus_tests; i++)
		wrong += show(&litmus_tests[i]);
	printf("%u shapes, %u not as expected\n", nr_litmus_tests, wrong);
	return wrong ? 1 : 0;
}
