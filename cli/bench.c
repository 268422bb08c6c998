/* SPDX-License-Identifier: MIT */
/*
 * usermm bench: a program of its own, because it measures the native library, and this command
 * links the simulator's.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

/* In the build directory; where this command was moved to with its neighbours; as installed. */
static const char *const places[] = {
	"../bench/usermm-native",
	"../libexec/usermm/usermm-native",
	USERMM_LIBEXECDIR "/usermm-native",
};

int cmd_bench(int argc, char **argv)
{
	char own[PATH_MAX], path[2 * PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", own, sizeof(own) - 1);
	static char name[] = "usermm bench";
	char *slash;

	(void)argc;
	argv[0] = name;
	own[len > 0 ? len : 0] = '\0';
	slash = strrchr(own, '/');
	if (slash)
		slash[1] = '\0';
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		snprintf(path, sizeof(path), "%s%s", places[i][0] == '/' ? "" : own, places[i]);
		if (access(path, X_OK) == 0) {
			execv(path, argv);
			break;
		}
	}
	fprintf(stderr, "usermm bench: %s cannot be started: %s\n", path, strerror(errno));
	return EXIT_CANNOT;
}
