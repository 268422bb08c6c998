/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "scenario/directory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "scenario/backend.h"

int scn_directory_make(struct scn_directory *directory)
{
	const char *parent = getenv("TMPDIR");
	int len;

	if (directory->path[0])
		return 0;
	len = snprintf(directory->path, sizeof(directory->path), "%s/" SCN_DIRECTORY "XXXXXX",
		       parent && *parent == '/' ? parent : "/var/tmp");
	if (len >= (int)sizeof(directory->path)) {
		directory->path[0] = '\0';
		return -ENAMETOOLONG;
	}
	if (!mkdtemp(directory->path)) {
		directory->path[0] = '\0';
		return -errno;
	}
	return 0;
}

int scn_directory_file(struct scn_directory *directory, const char *name, size_t name_len,
		       char *path, size_t size)
{
	int ret = scn_directory_make(directory);

	if (ret)
		return ret;
	if (snprintf(path, size, "%s/%.*s", directory->path, (int)name_len, name) >= (int)size)
		return -ENAMETOOLONG;
	return 0;
}

void scn_directory_remove(struct scn_directory *directory)
{
	DIR *dir = directory->path[0] ? opendir(directory->path) : NULL;
	struct dirent *entry;

	if (dir) {
		while ((entry = readdir(dir)) != NULL)
			(void)unlinkat(dirfd(dir), entry->d_name, 0);
		closedir(dir);
	}
	if (directory->path[0])
		(void)rmdir(directory->path);
	directory->path[0] = '\0';
}
