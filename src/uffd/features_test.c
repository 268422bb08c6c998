/* SPDX-License-Identifier: MIT */
/* Covers: A4, B17 */
/* What a build leaves out, or an architecture has no bit for, is neither offered nor granted. */
#include "machine/bug_test.h"

#include "arch/arch.h"
#include "base/uapi.h"
#include "uffd/uffd.h"

#define PAGE 4096ull
#define A 0x3f00000000ull
#define RW (PROT_READ | PROT_WRITE)
#define OF_WP                                                                     \
	((u64)(UFFD_FEATURE_PAGEFAULT_FLAG_WP | UFFD_FEATURE_WP_HUGETLBFS_SHMEM | \
	       UFFD_FEATURE_WP_UNPOPULATED | UFFD_FEATURE_WP_ASYNC))
#define NR_FEATURES 17

static struct umm_machine *machine;
static struct umm_task *task;

static int set_up(void **state)
{
	struct umm_config config;

	(void)state;
	umm_config_init(&config);
	config.ram_bytes = 2 << 20;
	assert_int_equal(umm_machine_create(&config, &machine), 0);
	assert_int_equal(umm_process_create(machine, &task), 0);
	assert_int_equal(
		umm_mmap(task, A, 2 * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0), A);
	return 0;
}

static int tear_down(void **state)
{
	char text[2048];

	(void)state;
	if (umm_verify(machine, text, sizeof(text)))
		fail_msg("%s", text);
	umm_machine_destroy(machine);
	return 0;
}

static int handshake(int fd, u64 features, u64 *ret_features)
{
	struct uffdio_api api = { .api = UFFD_API, .features = features };
	int err = umm_ioctl(task, fd, UFFDIO_API, &api);

	*ret_features = api.features;
	return err;
}

static int enroll(int fd, u64 mode, u64 *ret_ioctls)
{
	struct uffdio_register reg = { .range = { A, PAGE }, .mode = mode };
	int err = umm_ioctl(task, fd, UFFDIO_REGISTER, &reg);

	*ret_ioctls = reg.ioctls;
	return err;
}

static void what_is_offered(void **state)
{
	u64 want = BIT(NR_FEATURES) - 1;

	(void)state;
	if (!ARCH_HAS_UFFD_WP)
		want &= ~OF_WP;
	if (!BUILD_USERFAULTFD)
		want = 0;
	assert_int_equal(umm_userfaultfd_features(), want);
}

static void each_feature(void **state)
{
	(void)state;
	for (unsigned i = 0; BUILD_USERFAULTFD && i <= NR_FEATURES; i++) {
		bool has = umm_userfaultfd_features() & BIT(i);
		int fd = umm_userfaultfd(task, O_NONBLOCK);
		u64 features;

		assert_true(fd >= 0);
		assert_int_equal(handshake(fd, BIT(i), &features), has ? 0 : -EINVAL);
		assert_int_equal(features, has ? umm_userfaultfd_features() : 0);
		assert_int_equal(umm_close(task, fd), 0);
	}
}

static void write_protection(void **state)
{
	u64 protect = 1ull << _UFFDIO_WRITEPROTECT, ioctls;
	struct uffdio_writeprotect wp = { .range = { A, PAGE }, .mode = 1 };
	int fd;

	(void)state;
	if (!BUILD_USERFAULTFD) {
		print_message("skipped: a build without userfaultfd\n");
		skip();
	}
	fd = umm_userfaultfd(task, O_NONBLOCK);
	assert_int_equal(handshake(fd, 0, &ioctls), 0);
	assert_int_equal(enroll(fd, UFFDIO_REGISTER_MODE_WP, &ioctls),
			 ARCH_HAS_UFFD_WP ? 0 : -EINVAL);
	assert_int_equal(ioctls, ARCH_HAS_UFFD_WP ? ioctls | protect : 0);
	assert_int_equal(umm_ioctl(task, fd, UFFDIO_WRITEPROTECT, &wp),
			 ARCH_HAS_UFFD_WP ? 0 : -ENOENT);
	assert_int_equal(enroll(fd, UFFDIO_REGISTER_MODE_MISSING, &ioctls), 0);
	assert_int_equal(ioctls & protect, 0);
	assert_int_equal(umm_close(task, fd), 0);
}

/* Linux without CONFIG_USERFAULTFD: no such call, and no descriptor that knows the ioctls. */
static void without(void **state)
{
	struct uffdio_api api = { .api = UFFD_API };
	int file;

	(void)state;
	if (BUILD_USERFAULTFD) {
		print_message("skipped: a build with userfaultfd\n");
		skip();
	}
	assert_int_equal(umm_userfaultfd(task, 0), -ENOSYS);
	assert_int_equal(umm_userfaultfd(task, -1), -ENOSYS);
	file = umm_memfd_create(task, "file", 0);
	assert_int_equal(file, 3);
	assert_int_equal(umm_ioctl(task, file, UFFDIO_API, &api), -ENOTTY);
	assert_int_equal(umm_ioctl(task, file + 1, UFFDIO_API, &api), -EBADF);
	assert_int_equal(umm_poll(task, file), UFFD_POLLIN);
	assert_int_equal(umm_poll(task, file + 1), -EBADF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_offered, set_up, tear_down),
		cmocka_unit_test_setup_teardown(each_feature, set_up, tear_down),
		cmocka_unit_test_setup_teardown(write_protection, set_up, tear_down),
		cmocka_unit_test_setup_teardown(without, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
