/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "scenario/words.h"

int cli_usage_error(const char *sub, const char *format, ...)
{
	va_list list;

	fprintf(stderr, "usermm%s%s: ", sub ? " " : "", sub ? sub : "");
	va_start(list, format);
	vfprintf(stderr, format, list);
	va_end(list);
	fprintf(stderr, "\nTry 'usermm%s%s --help'.\n", sub ? " " : "", sub ? sub : "");
	return EXIT_USAGE;
}

bool cli_number(const char *sub, const char *option, const char *text, uint64_t *ret_value)
{
	static const char suffixes[] = "KMGT";
	const char *suffix;
	char *end;
	uint64_t value;
	unsigned shift = 0;

	errno = 0;
	value = strtoull(text, &end, 0);
	if (*end && !end[1] && (suffix = strchr(suffixes, *end)) != NULL) {
		shift = 10 * (unsigned)(suffix - suffixes + 1);
		end++;
	}
	if (errno || end == text || *end || *text == '-' || value << shift >> shift != value) {
		cli_usage_error(sub, "%s: '%s' is not a number, as 10, 0xa or 10K", option, text);
		return false;
	}
	*ret_value = value << shift;
	return true;
}

bool cli_config(const char *sub, const char *text, struct umm_config *config)
{
	const char *equals = strchr(text, '=');
	char name[64], why[512];
	int ret;

	if (!equals || equals == text || (size_t)(equals - text) >= sizeof(name)) {
		cli_usage_error(sub, "--option takes name=value, not '%s'", text);
		return false;
	}
	memcpy(name, text, (size_t)(equals - text));
	name[equals - text] = '\0';
	ret = umm_config_set(config, name, equals + 1);
	if (ret)
		cli_usage_error(sub, "--option: %s",
				scn_option_error(ret, name, equals + 1, why, sizeof(why)));
	return ret == 0;
}

bool cli_mutant(const char *sub, const char *name)
{
	if (!umm_mutant_set(name, true))
		return true;
	cli_usage_error(sub, "--mutant: there is no '%s'; 'usermm mutants' lists them", name);
	return false;
}

int cli_exit_of(enum scn_verdict verdict)
{
	switch (verdict) {
	case SCN_PASSED:
		return EXIT_WELL;
	case SCN_FAILED:
	case SCN_DIFFERED:
		return EXIT_FAILED;
	case SCN_BAD_INPUT:
		return EXIT_USAGE;
	case SCN_SKIPPED_HERE:
	case SCN_INTERNAL:
		break;
	}
	return EXIT_CANNOT;
}

int cli_worse(int a, int b)
{
	static const int order[] = { EXIT_FAILED, EXIT_USAGE, EXIT_CANNOT };

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		if (a == order[i] || b == order[i])
			return order[i];
	}
	return EXIT_WELL;
}

const struct cli_colours *cli_colours(FILE *stream)
{
	static const struct cli_colours plain = { "", "", "", "", "", "", "" };
	static const struct cli_colours ansi = { "\033[1m",  "\033[2m",  "\033[31m", "\033[32m",
						 "\033[33m", "\033[36m", "\033[0m" };
	const char *no = getenv("NO_COLOR");

	return isatty(fileno(stream)) && !(no && *no) ? &ansi : &plain;
}
