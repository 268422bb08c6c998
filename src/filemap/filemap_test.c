/* SPDX-License-Identifier: MIT */
/* Covers: P1, P3 */
/*
 * Regular files: against an array of bytes that knows nothing of pages, with failing reads, writes
 * and allocations, and across snapshots.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/prng.h"
#include "base/uapi.h"
#include "filemap/filemap.h"
#include "mmu/pgtable.h"

#define PAGE 4096ull
#define A 0x100000ull
#define B 0x200000ull
#define C 0x900000ull
#define PAGES 10
#define BYTES (PAGES * PAGE)
#define RW (PROT_READ | PROT_WRITE)

static struct umm_machine *machine;
static struct umm_task *task;
static char path[64];

/* ---- surroundings ------------------------------------------------------------------------ */

static void verify_clean(void)
{
	char text[4096];

	if (umm_verify(machine, text, sizeof(text)))
		fail_msg("%s", text);
}

static int set_up(void **state)
{
	struct umm_config config;
	int host;

	(void)state;
	(void)snprintf(path, sizeof(path), "/tmp/usermm-filemap-XXXXXX");
	host = mkstemp(path);
	assert_true(host >= 0);
	(void)close(host);
	umm_config_init(&config);
	config.ram_bytes = 2 << 20;
	assert_int_equal(umm_machine_create(&config, &machine), 0);
	assert_int_equal(umm_process_create(machine, &task), 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	verify_clean();
	umm_machine_destroy(machine);
	return unlink(path);
}

static int open_file(int flags)
{
	int fd = umm_open(task, path, flags, 0);

	assert_true(fd >= 0);
	return fd;
}

static void map(u64 addr, u64 bytes, int prot, int flags, int fd)
{
	assert_int_equal(umm_mmap(task, addr, bytes, prot, flags | MAP_FIXED, fd, 0), addr);
}

static u64 load(u64 addr)
{
	u64 value;

	assert_int_equal(umm_load(task, addr, 8, &value, NULL), 0);
	return value;
}

static void store(u64 addr, u64 value)
{
	assert_int_equal(umm_store(task, addr, 8, value, NULL), 0);
}

/* The signal that a load ends with. */
static int signal_of(u64 addr)
{
	struct umm_fault fault = { 0 };
	u64 value;

	return umm_load(task, addr, 8, &value, &fault) ? fault.signo : 0;
}

/* A word of the host's file; 0 beyond its end. */
static u64 host_word(u64 offset)
{
	FILE *file = fopen(path, "rb");
	u64 word = 0;

	assert_non_null(file);
	assert_int_equal(fseek(file, (long)offset, SEEK_SET), 0);
	if (fread(&word, 1, sizeof(word), file) != sizeof(word))
		word = 0;
	(void)fclose(file);
	return word;
}

static u64 host_size(void)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return (u64)st.st_size;
}

static void fail_nth(const char *site, u64 nth)
{
	struct umm_fail fail = { .site = site, .order = -1, .nth = nth };

	assert_int_equal(umm_fail_set(machine, &fail), 0);
}

static pte_t entry_of(u64 addr)
{
	return ptep_get(pte_offset(((struct task *)task)->mm, addr));
}

/* ---- against an array -------------------------------------------------------------------- */

struct naive {
	u8 bytes[BYTES];
	u64 size;
	int fd;
	u8 next; /* what is written next */
};

static struct prng rng;

static void naive_write(struct naive *naive, u64 offset, u64 len)
{
	static u8 buf[BYTES];

	memset(buf, ++naive->next, len);
	assert_int_equal(umm_pwrite(task, naive->fd, buf, len, (s64)offset), len);
	memcpy(naive->bytes + offset, buf, len);
	if (len)
		naive->size = MAX(naive->size, offset + len);
}

static void naive_set_size(struct naive *naive, u64 size)
{
	assert_int_equal(umm_ftruncate(task, naive->fd, (s64)size), 0);
	if (size < naive->size)
		memset(naive->bytes + size, 0, naive->size - size);
	naive->size = size;
}

static void naive_punch(struct naive *naive, u64 offset, u64 len)
{
	assert_int_equal(umm_fallocate(task, naive->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				       (s64)offset, (s64)len),
			 0);
	memset(naive->bytes + offset, 0, len);
}

/* Through the mapping: within the file it is part of it, behind the end of the last page not. */
static void naive_store(struct naive *naive, u64 offset)
{
	bool mapped = offset < PAGE_ALIGN(naive->size);
	int err = umm_store(task, A + offset, 1, ++naive->next, NULL);

	assert_int_equal(err, mapped ? 0 : -EFAULT);
	if (offset < naive->size)
		naive->bytes[offset] = naive->next;
}

static void compare(struct naive *naive)
{
	static u8 buf[BYTES];
	u64 value;

	assert_int_equal(umm_fstat_size(task, naive->fd, NULL), naive->size);
	assert_int_equal(umm_pread(task, naive->fd, buf, BYTES, 0), naive->size);
	assert_memory_equal(buf, naive->bytes, naive->size);
	for (u64 at = 0; at < naive->size; at += 1000) {
		assert_int_equal(umm_load(task, A + at, 1, &value, NULL), 0);
		assert_int_equal(value, naive->bytes[at]);
	}
}

static void compare_host(struct naive *naive)
{
	static u8 buf[BYTES];
	FILE *file;

	assert_int_equal(umm_fsync(task, naive->fd), 0);
	file = fopen(path, "rb");
	assert_non_null(file);
	assert_int_equal(fread(buf, 1, BYTES, file), naive->size);
	assert_memory_equal(buf, naive->bytes, naive->size);
	(void)fclose(file);
}

static void naive_step(struct naive *naive)
{
	u64 offset = prng_below(&rng, BYTES), len = 1 + prng_below(&rng, BYTES - offset);

	switch (prng_below(&rng, 9)) {
	case 0:
		naive_write(naive, offset, len);
		break;
	case 1:
		naive_write(naive, offset, MIN(len, 100));
		break;
	case 2:
		naive_set_size(naive, offset);
		break;
	case 3:
		naive_punch(naive, offset, len);
		break;
	case 4:
		compare_host(naive);
		break;
	case 5:
		assert_int_equal(umm_fadvise(task, naive->fd, (s64)offset, (s64)len,
					     prng_below(&rng, 2) ? POSIX_FADV_DONTNEED :
								   POSIX_FADV_WILLNEED),
				 0);
		break;
	case 6:
		assert_int_equal(umm_msync(task, A + ALIGN_DOWN(offset, PAGE), PAGE, MS_SYNC), 0);
		break;
	default:
		naive_store(naive, offset);
	}
}

static void a_file_is_an_array(void **state)
{
	static struct naive naive;

	(void)state;
	for (u64 seed = 1; seed <= 6; seed++) {
		print_message("seed %llu\n", (unsigned long long)seed);
		prng_seed(&rng, seed);
		naive = (struct naive){ .fd = open_file(O_RDWR | O_TRUNC) };
		map(A, BYTES, RW, MAP_SHARED, naive.fd);
		for (int step = 0; step < 400; step++) {
			naive_step(&naive);
			if (step % 8)
				continue;
			compare(&naive);
			verify_clean();
		}
		compare_host(&naive);
		assert_int_equal(umm_munmap(task, A, BYTES), 0);
		assert_int_equal(umm_close(task, naive.fd), 0);
	}
}

/* ---- one inode --------------------------------------------------------------------------- */

static void one_inode_by_any_name(void **state)
{
	char other[80];
	int a = open_file(O_RDWR), b, c;

	(void)state;
	(void)snprintf(other, sizeof(other), "%s-link", path);
	assert_int_equal(link(path, other), 0);
	b = umm_open(task, other, O_RDONLY, 0);
	assert_true(b >= 0);
	assert_int_equal(umm_ftruncate(task, a, 3 * PAGE), 0);
	map(A, 3 * PAGE, RW, MAP_SHARED, a);
	map(B, 3 * PAGE, PROT_READ, MAP_SHARED, b);
	store(A + PAGE, 77);
	assert_int_equal(load(B + PAGE), 77);
	/* To be emptied by opening takes the pages away. */
	c = umm_open(task, other, O_WRONLY | O_TRUNC, 0);
	assert_true(c >= 0);
	assert_int_equal(umm_fstat_size(task, a, NULL), 0);
	assert_int_equal(signal_of(B + PAGE), SIGBUS);
	assert_int_equal(umm_pread(task, c, other, 1, 0), -EBADF);
	assert_int_equal(unlink(other), 0);
	verify_clean();
}

static void what_cannot_be_opened(void **state)
{
	(void)state;
	assert_int_equal(umm_open(task, "/tmp", O_RDONLY, 0), -EINVAL);
	assert_int_equal(umm_open(task, "/dev/null", O_RDWR, 0), -EINVAL);
	assert_int_equal(umm_open(task, "/nonexistent/x", O_RDWR, 0), -ENOENT);
	assert_int_equal(umm_open(task, path, O_ACCMODE, 0), -EINVAL);
	assert_int_equal(umm_open(task, path, O_RDWR | 02000, 0), -EINVAL);
}

/* What was written and never asked to be stored is, when the last user goes. */
static void the_last_user_writes_back(void **state)
{
	int fd = open_file(O_RDWR);

	(void)state;
	assert_int_equal(umm_ftruncate(task, fd, PAGE), 0);
	map(A, PAGE, RW, MAP_SHARED, fd);
	store(A + 8, 123);
	assert_int_equal(umm_close(task, fd), 0);
	assert_int_equal(host_word(8), 0);
	assert_int_equal(umm_munmap(task, A, PAGE), 0);
	assert_int_equal(host_word(8), 123);
}

/* ---- write notification ------------------------------------------------------------------ */

static void a_written_page_is_noticed_again(void **state)
{
	int fd = open_file(O_RDWR);

	(void)state;
	assert_int_equal(umm_ftruncate(task, fd, PAGE), 0);
	map(A, PAGE, RW, MAP_SHARED, fd);
	map(B, PAGE, RW, MAP_SHARED, fd);
	assert_int_equal(load(A), 0);
	assert_false(pte_write(entry_of(A)));
	for (u64 round = 1; round <= 3; round++) {
		store(A, round);
		store(B + 8, round);
		assert_true(pte_write(entry_of(A)) && pte_dirty(entry_of(A)));
		assert_true(pte_write(entry_of(B)));
		verify_clean();
		assert_int_equal(umm_msync(task, A, PAGE, MS_SYNC), 0);
		assert_int_equal(host_word(0), round);
		assert_int_equal(host_word(8), round);
		assert_false(pte_write(entry_of(A)) || pte_dirty(entry_of(A)));
		assert_false(pte_write(entry_of(B)));
		verify_clean();
	}
}

/* ---- errors ------------------------------------------------------------------------------ */

static void a_failed_read_is_a_signal(void **state)
{
	int fd = open_file(O_RDWR);
	u64 value = 5;

	(void)state;
	assert_int_equal(umm_pwrite(task, fd, &value, 8, 0), 8);
	assert_int_equal(umm_fsync(task, fd), 0);
	assert_int_equal(umm_fadvise(task, fd, 0, 0, POSIX_FADV_DONTNEED), 0);
	map(A, PAGE, RW, MAP_SHARED, fd);
	/* The window first, then the page. */
	assert_int_equal(umm_madvise(task, A, PAGE, MADV_RANDOM), 0);
	fail_nth("file_read", 1);
	assert_int_equal(signal_of(A), SIGBUS);
	verify_clean();
	fail_nth("file_read", 1);
	assert_int_equal(umm_pread(task, fd, &value, 8, 0), -EIO);
	assert_int_equal(umm_fail_set(machine, NULL), 0);
	assert_int_equal(load(A), 5);
}

static void a_failed_write_is_told_once(void **state)
{
	int a = open_file(O_RDWR), b = open_file(O_RDWR), late;

	(void)state;
	assert_int_equal(umm_ftruncate(task, a, 2 * PAGE), 0);
	map(A, 2 * PAGE, RW, MAP_SHARED, a);
	store(A, 1);
	store(A + PAGE, 2);
	fail_nth("file_write", 1);
	/* The other page is written all the same. */
	assert_int_equal(umm_fsync(task, a), -EIO);
	assert_int_equal(umm_fail_set(machine, NULL), 0);
	assert_int_equal(host_word(0), 0);
	assert_int_equal(host_word(PAGE), 2);
	assert_int_equal(umm_fsync(task, a), 0);
	assert_int_equal(host_word(0), 1);
	late = open_file(O_RDONLY);
	assert_int_equal(umm_fsync(task, late), 0);
	assert_int_equal(umm_fsync(task, b), -EIO);
	assert_int_equal(umm_fsync(task, b), 0);
	verify_clean();
}

/* An error that nobody was told of waits for the next to open the file. */
static void an_untold_error_waits(void **state)
{
	int a = open_file(O_RDWR), late;

	(void)state;
	assert_int_equal(umm_ftruncate(task, a, PAGE), 0);
	map(A, PAGE, RW, MAP_SHARED, a);
	store(A, 1);
	assert_int_equal(umm_close(task, a), 0);
	fail_nth("file_write", 1);
	late = open_file(O_RDWR);
	assert_int_equal(umm_fadvise(task, late, 0, 0, POSIX_FADV_DONTNEED), 0);
	assert_int_equal(umm_fail_set(machine, NULL), 0);
	assert_int_equal(umm_close(task, late), 0);
	late = open_file(O_RDWR);
	assert_int_equal(umm_fsync(task, late), -EIO);
	assert_int_equal(umm_fsync(task, late), 0);
	assert_int_equal(host_word(0), 1);
}

/* ---- snapshots --------------------------------------------------------------------------- */

static void a_machine_put_back_finds_its_file(void **state)
{
	struct umm_snapshot *snapshot;
	int fd = open_file(O_RDWR);

	(void)state;
	assert_int_equal(umm_ftruncate(task, fd, 2 * PAGE), 0);
	map(A, 2 * PAGE, RW, MAP_SHARED, fd);
	store(A, 1);
	assert_int_equal(umm_snapshot_take(machine, &snapshot), 0);
	store(A, 2);
	assert_int_equal(umm_munmap(task, A, 2 * PAGE), 0);
	assert_int_equal(umm_close(task, fd), 0);
	assert_int_equal(host_word(0), 2);
	umm_snapshot_restore(machine, snapshot);
	umm_snapshot_free(snapshot);
	/* What was in memory is as it was; the file is what the host has. */
	assert_int_equal(load(A), 1);
	assert_int_equal(umm_fsync(task, fd), 0);
	assert_int_equal(host_word(0), 1);
	assert_int_equal(load(A + PAGE), 0);
}

/* Another file under the name is not the file; its pages cannot be had any more. */
static void a_file_replaced_is_not_the_file(void **state)
{
	struct umm_snapshot *snapshot;
	int fd = open_file(O_RDWR);
	char old[80];
	FILE *file;

	(void)state;
	assert_int_equal(umm_ftruncate(task, fd, PAGE), 0);
	map(A, PAGE, RW, MAP_SHARED, fd);
	assert_int_equal(umm_snapshot_take(machine, &snapshot), 0);
	assert_int_equal(umm_munmap(task, A, PAGE), 0);
	assert_int_equal(umm_close(task, fd), 0);
	/* It lives on under another name, so that the new one has another number. */
	(void)snprintf(old, sizeof(old), "%s-old", path);
	assert_int_equal(rename(path, old), 0);
	file = fopen(path, "wb");
	assert_non_null(file);
	(void)fclose(file);
	umm_snapshot_restore(machine, snapshot);
	umm_snapshot_free(snapshot);
	assert_int_equal(signal_of(A), SIGBUS);
	assert_int_equal(umm_pread(task, fd, &(u64){ 0 }, 8, 0), -ESTALE);
	assert_int_equal(unlink(old), 0);
}

/* ---- every allocation fails -------------------------------------------------------------- */

/* Something of everything; stops at the first failure. */
static int life_of_a_file(void)
{
	struct umm_task *child;
	int fd = umm_open(task, path, O_RDWR | O_TRUNC, 0), err;
	u64 value = 9;

	if (fd < 0)
		return fd;
	err = umm_ftruncate(task, fd, 70 * PAGE);
	if (!err && umm_mmap(task, A, 70 * PAGE, RW, MAP_SHARED | MAP_FIXED, fd, 0) != (s64)A)
		err = -ENOMEM;
	if (!err && umm_mmap(task, B, 2 * PAGE, RW, MAP_PRIVATE | MAP_FIXED, fd, 0) != (s64)B)
		err = -ENOMEM;
	if (!err)
		err = umm_store(task, A, 8, 1, NULL);
	if (!err)
		err = umm_store(task, B, 8, 2, NULL);
	if (!err)
		err = umm_mprotect(task, A + PAGE, PAGE, PROT_READ);
	if (!err)
		err = umm_fork(task, &child);
	if (!err) {
		err = umm_store(child, B, 8, 3, NULL);
		umm_task_exit(child);
	}
	if (!err && umm_pwrite(task, fd, &value, 8, 69 * PAGE) != 8)
		err = -ENOMEM;
	if (!err && umm_mremap(task, A, PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, C) < 0)
		err = -ENOMEM;
	if (!err)
		err = umm_fsync(task, fd);
	if (!err)
		err = umm_ftruncate(task, fd, 100);
	return err;
}

static void every_allocation_fails(void **state)
{
	u64 nth = 0, seen, failed;

	(void)state;
	do {
		struct umm_fail fail = { .order = -1, .nth = ++nth };

		assert_int_equal(umm_fail_set(machine, &fail), 0);
		(void)life_of_a_file();
		umm_fail_stats(machine, &seen, &failed);
		assert_int_equal(umm_fail_set(machine, NULL), 0);
		verify_clean();
		assert_int_equal(umm_munmap(task, 0, TASK_SIZE), 0);
		for (int fd = 3; fd < 8; fd++)
			(void)umm_close(task, fd);
		verify_clean();
		assert_int_equal(kmem_cache_in_use((struct machine *)machine, CACHE_INODE), 0);
		assert_int_equal(kmem_cache_in_use((struct machine *)machine, CACHE_XA_NODE), 0);
	} while (failed);
	assert_true(nth > 30);
	print_message("%llu failures\n", (unsigned long long)nth - 1);
	assert_int_equal(host_size(), 100);
}

#ifdef UMM_SIM
static struct umm_task *opener;
static int opened;

static void close_fiber(void *arg)
{
	assert_int_equal(umm_close(task, (int)(intptr_t)arg), 0);
}

static void open_fiber(void *arg)
{
	(void)arg;
	opened = umm_open(opener, path, O_RDWR, 0);
	assert_true(opened >= 0);
}

static void close_and_open(void *fd)
{
	int closer = umm_sim_spawn("close", close_fiber, fd);
	int open = umm_sim_spawn("open", open_fiber, NULL);

	umm_sim_join(closer);
	umm_sim_join(open);
}

/* Who opens it while the last user writes back what made it longer finds all of that. */
static void opened_while_it_goes(void **state)
{
	const u64 word = 0x1122334455667788;
	u64 found;

	(void)state;
	assert_int_equal(umm_process_create(machine, &opener), 0);
	for (u64 seed = 1; seed <= 300; seed++) {
		intptr_t fd = open_file(O_RDWR | O_TRUNC);

		assert_int_equal(umm_pwrite(task, (int)fd, &word, sizeof(word), 0), sizeof(word));
		if (umm_sim_run(seed, close_and_open, (void *)fd))
			fail_msg("seed %llu: %s", (unsigned long long)seed, umm_sim_report());
		assert_int_equal(umm_fstat_size(opener, opened, NULL), sizeof(word));
		assert_int_equal(umm_pread(opener, opened, &found, sizeof(found), 0),
				 sizeof(found));
		assert_int_equal(found, word);
		assert_int_equal(umm_close(opener, opened), 0);
	}
	umm_task_exit(opener);
}
#endif

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_file_is_an_array),
		TEST(one_inode_by_any_name),
		TEST(what_cannot_be_opened),
		TEST(the_last_user_writes_back),
		TEST(a_written_page_is_noticed_again),
		TEST(a_failed_read_is_a_signal),
		TEST(a_failed_write_is_told_once),
		TEST(an_untold_error_waits),
		TEST(a_machine_put_back_finds_its_file),
		TEST(a_file_replaced_is_not_the_file),
		TEST(every_allocation_fails),
#ifdef UMM_SIM
		TEST(opened_while_it_goes),
#endif
	};

	return cmocka_run_group_tests_name("filemap", tests, NULL, NULL);
}
