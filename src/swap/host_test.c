/* SPDX-License-Identifier: MIT */
/* Covers: P3 */
/* Areas on files of the host, and what a snapshot holds of areas in memory. */
#include "swap/fixture_test.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static char path[] = "/tmp/usermm-swap-XXXXXX";

static void write_header(u32 version, u32 last_page, u32 bad_pages, const char *signature,
			 u64 file_pages)
{
	u8 header[PAGE_SIZE] = { 0 };
	int fd = open(path, O_RDWR | O_TRUNC | O_CREAT, 0600);

	assert_true(fd >= 0);
	memcpy(header + 1024, &version, 4);
	memcpy(header + 1028, &last_page, 4);
	memcpy(header + 1032, &bad_pages, 4);
	memcpy(header + PAGE_SIZE - 10, signature, 10);
	assert_int_equal(pwrite(fd, header, sizeof(header), 0), sizeof(header));
	assert_int_equal(ftruncate(fd, (off_t)(file_pages * PAGE_SIZE)), 0);
	close(fd);
}

static int add_file(u32 *ret_type)
{
	return swap_area_add(m, path, 0, 9, ret_type);
}

static void files_of_the_host(void **state)
{
	swp_entry_t entries[7];
	u32 type = 99;

	(void)state;
	build(256);
	assert_int_equal(add_file(&type), -ENOENT);
	write_header(1, 7, 0, "SWAPSPACE1", 8);
	assert_int_equal(add_file(&type), -EINVAL);
	write_header(2, 7, 0, "SWAPSPACE2", 8);
	assert_int_equal(add_file(&type), -EINVAL);
	write_header(1, 0, 0, "SWAPSPACE2", 8);
	assert_int_equal(add_file(&type), -EINVAL);
	write_header(1, 7, 1, "SWAPSPACE2", 8);
	assert_int_equal(add_file(&type), -EINVAL);
	write_header(1, 8, 0, "SWAPSPACE2", 8);
	assert_int_equal(add_file(&type), -EINVAL);
	assert_int_equal(type, 99);
	write_header(1, 7, 0, "SWAPSPACE2", 8);
	assert_int_equal(add_file(&type), 0);
	assert_int_equal(add_file(&type), -EBUSY);
	for (u64 i = 0; i < 7; i++)
		entries[i] = swap_away(i * 10);
	assert_int_equal(swap_free_pages(m), 0);
	for (u64 i = 0; i < 7; i++)
		swap_in_and_free(entries[i], i * 10);
	type = 99;
	assert_int_equal(swap_area_find(m, path, &type), 0);
	remove_area(type);
	assert_int_equal(swap_area_find(m, path, &type), -EINVAL);
	unlink(path);
	finish();
}

static void a_file_that_is_gone_is_an_error(void **state)
{
	struct page *page;
	u32 type;

	(void)state;
	build(256);
	write_header(1, 7, 0, "SWAPSPACE2", 8);
	assert_int_equal(add_file(&type), 0);
	page = page_of(3);
	page_lock(page);
	assert_int_equal(add_to_swap(page), 0);
	host_file_close(&m->swap->areas[type]->host);
	unlink(path);
	assert_int_equal(swap_writeout(page), -EIO);
	assert_true(page_test_dirty(page));
	delete_from_swap_cache(page);
	page_unlock(page);
	put_page(page);
	remove_area(type);
	finish();
}

static void memory_of_the_machine_is_in_snapshots(void **state)
{
	struct umm_snapshot *snapshot;
	swp_entry_t entry;

	(void)state;
	build(256);
	(void)area_of(8, -1);
	entry = swap_away(1000);
	assert_int_equal(umm_snapshot_take(machine, &snapshot), 0);
	swap_in_and_free(entry, 1000);
	for (u64 i = 0; i < 8; i++)
		(void)swap_away(2000 + i);
	umm_snapshot_restore(machine, snapshot);
	verify();
	swap_in_and_free(entry, 1000);
	umm_snapshot_free(snapshot);
	remove_area(0);
	finish();
}

static int make_path(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	if (fd < 0)
		return -1;
	close(fd);
	return unlink(path);
}
int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_of_the_host),
		cmocka_unit_test(a_file_that_is_gone_is_an_error),
		cmocka_unit_test(memory_of_the_machine_is_in_snapshots),
	};

	return cmocka_run_group_tests(tests, make_path, NULL);
}
