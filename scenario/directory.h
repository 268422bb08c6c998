/* SPDX-License-Identifier: MIT */
/*
 * A directory of a scenario's own, for its regular files and swap areas: on a disk, not in memory
 * (TMPDIR, else /var/tmp), made when first asked for, removed with what is in it.
 */
#ifndef SCENARIO_DIRECTORY_H
#define SCENARIO_DIRECTORY_H

#include <stdbool.h>
#include <stddef.h>

struct scn_directory {
	char path[200]; /* empty: not made */
};

/* 0 or -errno. */
int scn_directory_make(struct scn_directory *directory);
/* The path of a file in it, made if need be: 0 or -errno. */
int scn_directory_file(struct scn_directory *directory, const char *name, size_t name_len,
		       char *path, size_t size);
void scn_directory_remove(struct scn_directory *directory);

#endif
