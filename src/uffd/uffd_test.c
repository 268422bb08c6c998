/* SPDX-License-Identifier: MIT */
/* Covers: B17 */
/*
 * Real threads and their handler: every fault is told and served, many threads on one page are
 * woken by one filling, closing and killing let everybody go.
 */
#include "machine/bug_test.h"

#include <poll.h>

#include "base/uapi.h"
#include "filemap/file.h"
#include "host/host.h"
#include "uffd/uffd.h"
#include "vma/mm.h"

#define PAGE 4096ull
#define A 0x3f00000000ull
#define SRC 0x3f10000000ull
#define THREADS 4
#define PAGES 64
#define RW (PROT_READ | PROT_WRITE)

static struct umm_machine *machine;
static struct umm_task *handler, *threads[THREADS];
static int uffd;

static void open_uffd(u64 features, u64 mode, int flags)
{
	struct uffdio_api api = { .api = UFFD_API, .features = features };
	struct uffdio_register reg = { .range = { A, PAGES * PAGE }, .mode = mode };

	uffd = umm_userfaultfd(handler, flags);
	assert_true(uffd >= 0);
	assert_int_equal(umm_ioctl(handler, uffd, UFFDIO_API, &api), 0);
	assert_int_equal(umm_ioctl(handler, uffd, UFFDIO_REGISTER, &reg), 0);
}

static void build(u64 features, u64 mode)
{
	struct umm_config config;

	umm_config_init(&config);
	config.ram_bytes = 4 << 20;
	config.cpus = THREADS + 1;
	assert_int_equal(umm_machine_create(&config, &machine), 0);
	assert_int_equal(umm_process_create(machine, &handler), 0);
	assert_int_equal(umm_mmap(handler, A, PAGES * PAGE, RW,
				  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
			 A);
	assert_int_equal(umm_mmap(handler, SRC, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
				  -1, 0),
			 SRC);
	assert_int_equal(umm_store(handler, SRC, 8, 0x5eed, NULL), 0);
	open_uffd(features, mode, 0);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(umm_thread_create(handler, &threads[i]), 0);
}

static void finish(void)
{
	struct machine *m = (struct machine *)machine;
	char text[4096];

	if (umm_verify(machine, text, sizeof(text)))
		fail_msg("%s", text);
	for (int i = 0; i < THREADS; i++)
		umm_task_exit(threads[i]);
	umm_task_exit(handler);
	assert_int_equal(kmem_cache_in_use(m, CACHE_UFFD_CTX), 0);
	assert_int_equal(kmem_cache_in_use(m, CACHE_MM), 0);
	umm_machine_destroy(machine);
}

#ifndef UMM_SIM
struct toucher {
	struct host_thread *thread;
	struct umm_task *task;
	bool one_page;
	u64 wrong, killed;
};

static void touch(void *arg)
{
	struct toucher *toucher = arg;

	for (u64 page = 0; page < (toucher->one_page ? 1 : PAGES); page++) {
		struct umm_fault fault;
		u64 value = 0;

		if (umm_load(toucher->task, A + page * PAGE, 8, &value, &fault))
			toucher->killed += fault.signo == SIGKILL;
		else
			toucher->wrong += value != 0x5eed;
	}
}

static void start(struct toucher *touchers, bool one_page)
{
	for (int i = 0; i < THREADS; i++) {
		touchers[i] = (struct toucher){ .task = threads[i], .one_page = one_page };
		assert_int_equal(host_thread_start(touch, &touchers[i], &touchers[i].thread), 0);
	}
}

static void join(struct toucher *touchers)
{
	for (int i = 0; i < THREADS; i++)
		host_thread_join(touchers[i].thread);
}

static u64 read_fault(void)
{
	struct uffd_msg msg;

	assert_int_equal(umm_fd_read(handler, uffd, &msg, sizeof(msg)), sizeof(msg));
	assert_int_equal(msg.event, UFFD_EVENT_PAGEFAULT);
	return msg.arg.pagefault.address;
}

static int copy_to(u64 addr)
{
	struct uffdio_copy copy = { .dst = addr, .src = SRC, .len = PAGE };

	return umm_ioctl(handler, uffd, UFFDIO_COPY, &copy);
}

static void every_fault_is_served(void **state)
{
	struct toucher touchers[THREADS];
	unsigned served = 0;

	(void)state;
	build(0, UFFDIO_REGISTER_MODE_MISSING);
	start(touchers, false);
	while (served < PAGES) {
		int err = copy_to(read_fault());

		/* Who came late has been woken by the filling that was there first. */
		assert_true(err == 0 || err == -EEXIST);
		served += !err;
	}
	join(touchers);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(touchers[i].wrong + touchers[i].killed, 0);
	finish();
}

static void one_filling_wakes_all(void **state)
{
	struct toucher touchers[THREADS];

	(void)state;
	build(0, UFFDIO_REGISTER_MODE_MISSING);
	start(touchers, true);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(read_fault(), A);
	assert_int_equal(copy_to(A), 0);
	join(touchers);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(touchers[i].wrong, 0);
	finish();
}

static unsigned nr_pending(void)
{
	struct file *file = fget(((struct task *)handler)->files, uffd);
	struct userfaultfd_ctx *ctx = file->uffd;
	struct list_head *at;
	unsigned nr = 0;

	spin_lock(&ctx->lock);
	for (at = ctx->pending.next; at != &ctx->pending; at = at->next)
		nr++;
	spin_unlock(&ctx->lock);
	fput(file);
	return nr;
}

static void one_read_takes_what_fits(void **state)
{
	struct uffd_msg messages[THREADS] = { 0 };
	struct toucher touchers[THREADS];

	(void)state;
	build(0, UFFDIO_REGISTER_MODE_MISSING);
	start(touchers, true);
	while (nr_pending() < THREADS)
		host_thread_yield();
	assert_int_equal(umm_fd_read(handler, uffd, messages, sizeof(messages[0]) - 1), -EINVAL);
	assert_int_equal(umm_fd_read(handler, uffd, messages, 3 * sizeof(messages[0]) + 8),
			 3 * sizeof(messages[0]));
	assert_int_equal(nr_pending(), THREADS - 3);
	assert_int_equal(umm_fd_read(handler, uffd, &messages[3], sizeof(messages[0])),
			 sizeof(messages[0]));
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(messages[i].arg.pagefault.address, A);
	assert_int_equal(copy_to(A), 0);
	join(touchers);
	finish();
}

static void closing_lets_everybody_go(void **state)
{
	struct toucher touchers[THREADS];

	(void)state;
	build(0, UFFDIO_REGISTER_MODE_MISSING);
	start(touchers, true);
	for (int i = 0; i < THREADS; i++)
		(void)read_fault();
	assert_int_equal(umm_close(handler, uffd), 0);
	join(touchers);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(touchers[i].wrong, 1); /* zeros, as memory that nobody watches */
	finish();
}

static bool is_readable(int fd)
{
	struct pollfd pollfd = { .fd = fd, .events = POLLIN };

	assert_true(poll(&pollfd, 1, 0) >= 0);
	return pollfd.revents & POLLIN;
}

static void an_event_loop_is_told(void **state)
{
	struct toucher touchers[THREADS];
	struct pollfd pollfd = { .events = POLLIN };

	(void)state;
	build(0, UFFDIO_REGISTER_MODE_MISSING);
	assert_int_equal(umm_uffd_host_fd(handler, uffd), -EINVAL);
	assert_int_equal(umm_close(handler, uffd), 0);
	open_uffd(0, UFFDIO_REGISTER_MODE_MISSING, O_NONBLOCK);
	pollfd.fd = umm_uffd_host_fd(handler, uffd);
	assert_true(pollfd.fd >= 0);
	assert_int_equal(umm_uffd_host_fd(handler, uffd), pollfd.fd);
	assert_false(is_readable(pollfd.fd));
	start(touchers, true);
	for (int i = 0; i < THREADS; i++) {
		assert_int_equal(poll(&pollfd, 1, -1), 1);
		assert_int_equal(umm_poll(handler, uffd), POLLIN);
		assert_int_equal(read_fault(), A);
	}
	assert_false(is_readable(pollfd.fd));
	assert_int_equal(copy_to(A), 0);
	join(touchers);
	assert_false(is_readable(pollfd.fd));
	finish();
}

static void who_is_killed_waits_no_longer(void **state)
{
	struct toucher touchers[THREADS];

	(void)state;
	build(0, UFFDIO_REGISTER_MODE_MISSING);
	start(touchers, true);
	for (int i = 0; i < THREADS; i++)
		(void)read_fault();
	assert_int_equal(umm_tgkill(threads[0], SIGKILL), 0);
	join(touchers);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(touchers[i].killed, 1);
	finish();
}

/* The message that nobody has read yet goes, the one that was read is told again. */
static void a_signal_has_it_told_again(void **state)
{
	struct toucher touchers[THREADS];
	struct uffd_msg msg;

	(void)state;
	build(UFFD_FEATURE_THREAD_ID, UFFDIO_REGISTER_MODE_MISSING);
	start(touchers, true);
	for (int i = 0; i < THREADS; i++)
		(void)read_fault();
	assert_int_equal(umm_tgkill(threads[1], SIGUSR1), 0);
	assert_int_equal(umm_fd_read(handler, uffd, &msg, sizeof(msg)), sizeof(msg));
	assert_int_equal(msg.arg.pagefault.address, A);
	assert_int_equal(msg.arg.pagefault.feat.ptid, umm_task_tid(threads[1]));
	assert_int_equal(copy_to(A), 0);
	join(touchers);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(touchers[i].wrong + touchers[i].killed, 0);
	finish();
}

static void read_message(void *arg)
{
	struct uffd_msg msg;

	s64 got = umm_fd_read(threads[0], uffd, &msg, sizeof(msg));

	__atomic_store_n((s64 *)arg, got, __ATOMIC_RELEASE);
}

/* A signal that comes before the call is over when it begins: sent until one finds it waiting. */
static void a_signal_ends_a_read(void **state)
{
	struct host_thread *thread;
	s64 result = 0;

	(void)state;
	build(0, UFFDIO_REGISTER_MODE_MISSING);
	assert_int_equal(host_thread_start(read_message, &result, &thread), 0);
	while (!__atomic_load_n(&result, __ATOMIC_ACQUIRE))
		assert_int_equal(umm_tgkill(threads[0], SIGUSR1), 0);
	host_thread_join(thread);
	assert_int_equal(result, -EINTR);
	finish();
}
#endif

/* What may not be done leaves everything as it was. */
/* What is refused for want of a descriptor leaves no context behind: finish() counts. */
static void descriptors_run_out(void **state)
{
	int fd, last = -1;

	(void)state;
	build(0, UFFDIO_REGISTER_MODE_MISSING);
	while ((fd = umm_userfaultfd(handler, 0)) >= 0)
		last = fd;
	assert_int_equal(fd, -EMFILE);
	assert_int_equal(last, MAX_FDS - 1);
	assert_int_equal(umm_close(handler, last), 0);
	assert_int_equal(umm_userfaultfd(handler, 0), last);
	finish();
}

static void refusals_change_nothing(void **state)
{
	struct uffdio_register reg = { .range = { A + 1, PAGE }, .mode = 1 };
	struct uffdio_copy copy = { .dst = SRC, .src = SRC, .len = PAGE };
	struct uffd_msg msg;

	(void)state;
	build(0, UFFDIO_REGISTER_MODE_MISSING);
	assert_int_equal(umm_ioctl(handler, uffd, UFFDIO_REGISTER, &reg), -EINVAL);
	assert_int_equal(umm_ioctl(handler, uffd, UFFDIO_REGISTER, NULL), -EFAULT);
	assert_int_equal(umm_ioctl(handler, uffd, UFFDIO_COPY, &copy), -ENOENT);
	assert_int_equal(copy.copy, -ENOENT);
	assert_int_equal(umm_ioctl(handler, uffd, 0, &copy), -EINVAL);
	assert_int_equal(umm_ioctl(handler, 77, UFFDIO_API, &copy), -EBADF);
	assert_int_equal(umm_fd_read(handler, uffd, &msg, sizeof(msg) - 1), -EINVAL);
	assert_int_equal(umm_fd_read(handler, 77, &msg, sizeof(msg)), -EBADF);
	assert_int_equal(umm_poll(handler, 77), -EBADF);
	assert_int_equal(umm_tgkill(handler, 65), -EINVAL);
	assert_int_equal(umm_tgkill(handler, -1), -EINVAL);
	assert_int_equal(umm_tgkill(handler, 0), 0);
	assert_int_equal(umm_tgkill(handler, SIGUSR1), 0);
	finish();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refusals_change_nothing),
		cmocka_unit_test(descriptors_run_out),
#ifndef UMM_SIM
		cmocka_unit_test(every_fault_is_served),
		cmocka_unit_test(one_filling_wakes_all),
		cmocka_unit_test(one_read_takes_what_fits),
		cmocka_unit_test(closing_lets_everybody_go),
		cmocka_unit_test(an_event_loop_is_told),
		cmocka_unit_test(who_is_killed_waits_no_longer),
		cmocka_unit_test(a_signal_has_it_told_again),
		cmocka_unit_test(a_signal_ends_a_read),
#endif
	};

	return cmocka_run_group_tests_name("uffd", tests, NULL, NULL);
}
