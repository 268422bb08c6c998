/* SPDX-License-Identifier: MIT */
/* The descriptors of the files that machines have open: a small table for the whole process. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/host.h"

#define MAX_KEPT 64

struct kept {
	struct host_file file;
	int fd;
	bool used, writable;
	unsigned busy; /* calls that are using fd */
	u64 last_use;
};

static struct kept table[MAX_KEPT];
static u64 uses;
static pthread_mutex_t table_lock = PTHREAD_MUTEX_INITIALIZER;

/* ---- the table: table_lock held ---------------------------------------------------------- */

static struct kept *find_kept(const struct host_file *file)
{
	for (unsigned i = 0; i < MAX_KEPT; i++)
		if (table[i].used && table[i].file.dev == file->dev &&
		    table[i].file.ino == file->ino)
			return &table[i];
	return NULL;
}

static void drop_kept(struct kept *kept)
{
	close(kept->fd);
	kept->used = false;
}

/* A free place, if need be that of the one that was not used for longest; NULL: all are busy. */
static struct kept *free_place(void)
{
	struct kept *oldest = NULL;

	for (unsigned i = 0; i < MAX_KEPT; i++) {
		if (!table[i].used)
			return &table[i];
		if (!table[i].busy && (!oldest || table[i].last_use < oldest->last_use))
			oldest = &table[i];
	}
	if (oldest)
		drop_kept(oldest);
	return oldest;
}

/* Takes over fd, which may be closed when there is a better one. NULL: no room. */
static struct kept *keep(const struct host_file *file, int fd, bool writable)
{
	struct kept *kept = find_kept(file);

	if (kept && (kept->busy || kept->writable || !writable)) {
		close(fd);
		return kept;
	}
	if (kept)
		drop_kept(kept);
	else
		kept = free_place();
	if (!kept) {
		close(fd);
		return NULL;
	}
	*kept = (struct kept){ .file = *file, .fd = fd, .used = true, .writable = writable };
	return kept;
}

/* ---- opening ----------------------------------------------------------------------------- */

static int identify(int fd, struct host_file *ret_file)
{
	struct stat st;

	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	*ret_file = (struct host_file){ .dev = st.st_dev, .ino = st.st_ino };
	return 0;
}

static int path_of(int fd, char *ret_path, size_t size)
{
	char link[32];
	ssize_t len;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, ret_path, size);
	if (len < 0)
		return -errno;
	if ((size_t)len >= size)
		return -ENAMETOOLONG;
	ret_path[len] = '\0';
	return 0;
}

int host_file_open(const char *path, int flags, unsigned mode, struct host_file *ret_file,
		   char *ret_path, size_t path_size)
{
	bool writable = (flags & O_ACCMODE) != O_RDONLY;
	struct host_file file;
	int fd, err;

	/* Pages are read before they are written; and the descriptor is everybody's. */
	if (writable)
		flags = (flags & ~O_ACCMODE) | O_RDWR;
	/* A FIFO without a writer must not be waited for. */
	fd = open(path, flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, mode);
	if (fd < 0)
		return -errno;
	err = identify(fd, &file);
	if (!err)
		err = path_of(fd, ret_path, path_size);
	if (err) {
		close(fd);
		return err;
	}
	pthread_mutex_lock(&table_lock);
	(void)keep(&file, fd, writable);
	pthread_mutex_unlock(&table_lock);
	*ret_file = file;
	return 0;
}

void host_file_close(const struct host_file *file)
{
	struct kept *kept;

	pthread_mutex_lock(&table_lock);
	kept = find_kept(file);
	if (kept && !kept->busy)
		drop_kept(kept);
	pthread_mutex_unlock(&table_lock);
}

static int reopen(const struct host_file *file, const char *path, bool write)
{
	int fd = open(path, (write ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct host_file found;
	int err;

	if (fd < 0)
		return -errno;
	err = identify(fd, &found);
	if (!err && (found.dev != file->dev || found.ino != file->ino))
		err = -ESTALE;
	if (!err)
		return fd;
	close(fd);
	return err;
}

/* The file's descriptor for one call, opened if need be; until put_kept(). */
static int get_kept(const struct host_file *file, const char *path, bool write,
		    struct kept **ret_kept)
{
	struct kept *kept;
	int fd, err = 0;

	pthread_mutex_lock(&table_lock);
	while ((kept = find_kept(file)) && write && !kept->writable && kept->busy) {
		/* One that can be written takes its place as soon as nobody reads by it. */
		pthread_mutex_unlock(&table_lock);
		sched_yield();
		pthread_mutex_lock(&table_lock);
	}
	if (!kept || (write && !kept->writable)) {
		fd = reopen(file, path, write);
		kept = fd < 0 ? NULL : keep(file, fd, write);
		if (!kept)
			err = fd < 0 ? fd : -EMFILE;
	}
	if (!err) {
		kept->busy++;
		kept->last_use = ++uses;
		*ret_kept = kept;
	}
	pthread_mutex_unlock(&table_lock);
	return err;
}

static void put_kept(struct kept *kept)
{
	pthread_mutex_lock(&table_lock);
	kept->busy--;
	pthread_mutex_unlock(&table_lock);
}

/* ---- what is done with them -------------------------------------------------------------- */

static int read_zero_filled(int fd, char *buf, u64 len, u64 offset)
{
	while (len > 0) {
		ssize_t n = pread(fd, buf, MIN(len, 1u << 30), (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0) {
			memset(buf, 0, len);
			return 0;
		}
		buf += n;
		len -= (u64)n;
		offset += (u64)n;
	}
	return 0;
}

int host_file_read(const struct host_file *file, const char *path, void *buf, u64 len, u64 offset)
{
	struct kept *kept;
	int err = get_kept(file, path, false, &kept);

	if (err)
		return err;
	err = read_zero_filled(kept->fd, buf, len, offset);
	put_kept(kept);
	return err;
}

int host_file_write(const struct host_file *file, const char *path, const void *buf, u64 len,
		    u64 offset)
{
	struct kept *kept;
	int err = get_kept(file, path, true, &kept);

	if (err)
		return err;
	err = host_pwrite(kept->fd, buf, len, offset);
	put_kept(kept);
	return err;
}

int host_file_truncate(const struct host_file *file, const char *path, u64 size)
{
	struct kept *kept;
	int err = get_kept(file, path, true, &kept);

	if (err)
		return err;
	err = ftruncate(kept->fd, (off_t)size) ? -errno : 0;
	put_kept(kept);
	return err;
}

int host_file_allocate(const struct host_file *file, const char *path, int mode, u64 offset,
		       u64 len)
{
	struct kept *kept;
	int err = get_kept(file, path, true, &kept);

	if (err)
		return err;
	err = fallocate(kept->fd, mode, (off_t)offset, (off_t)len) ? -errno : 0;
	put_kept(kept);
	return err;
}

int host_file_stat(const struct host_file *file, const char *path, u64 *ret_size, u64 *ret_blocks)
{
	struct kept *kept;
	struct stat st;
	int err = get_kept(file, path, false, &kept);

	if (err)
		return err;
	err = fstat(kept->fd, &st) ? -errno : 0;
	put_kept(kept);
	if (err)
		return err;
	*ret_size = (u64)st.st_size;
	*ret_blocks = (u64)st.st_blocks;
	return 0;
}
