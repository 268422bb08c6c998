/* SPDX-License-Identifier: MIT */
/*
 * usermm bench: programs of their own: one measures the native library, where this command links
 * the simulator's; the other the explorer.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

/* In the build directory; where this command was moved to with its neighbours; as installed. */
static const char *const places[][3] = {
	{ "../bench/usermm-native", "../libexec/usermm/usermm-native",
	  USERMM_LIBEXECDIR "/usermm-native" },
	{ "../explore/explore-bench", "../libexec/usermm/explore-bench",
	  USERMM_LIBEXECDIR "/explore-bench" },
};

int cmd_bench(int argc, char **argv)
{
	bool explorer = argc > 1 && !strcmp(argv[1], "explore");
	char own[PATH_MAX], path[2 * PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", own, sizeof(own) - 1);
	static char name[] = "usermm bench", explorer_name[] = "usermm bench explore";
	char *slash;

	argv += explorer;
	argv[0] = explorer ? explorer_name : name;
	own[len > 0 ? len : 0] = '\0';
	slash = strrchr(own, '/');
	if (slash)
		slash[1] = '\0';
	for (size_t i = 0; i < sizeof(places[0]) / sizeof(places[0][0]); i++) {
		const char *place = places[explorer][i];

		snprintf(path, sizeof(path), "%s%s", place[0] == '/' ? "" : own, place);
		if (access(path, X_OK) == 0) {
			execv(path, argv);
			break;
		}
	}
	fprintf(stderr, "usermm bench: %s cannot be started: %s\n", path, strerror(errno));
	return EXIT_CANNOT;
}
