/* SPDX-License-Identifier: MIT */
/*
 * A snapshot of memory that is being written to, as a hypervisor takes one of a running guest:
 *
 *   stop the writer for a moment, write-protect everything, let it go on
 *   page after page is saved and unprotected; a page that the writer wants first is saved at once,
 *   because its fault says so
 *
 * What is saved must be what was there at that moment, though the writer goes on all the time,
 * half of the memory is anonymous and half is shared, and there is less RAM than memory: pages
 * go to swap and come back, and their protection with them.
 * Covers: H3
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <usermm/usermm.h>

#define PAGE UMM_PAGE_SIZE
#define PAGES 2048u /* of each half: 16 MiB in all */
#define RAM_BYTES (12u << 20)
#define ROUNDS 4u
#ifndef UFFD_FEATURE_WP_HUGETLBFS_SHMEM
#define UFFD_FEATURE_WP_HUGETLBFS_SHMEM (1 << 12)
#endif
#define FEATURES (UFFD_FEATURE_PAGEFAULT_FLAG_WP | UFFD_FEATURE_WP_HUGETLBFS_SHMEM)
#define EXIT_SKIPPED 77 /* as test harnesses have it */

static struct umm_task *guest, *handler;
static uint64_t memory[2]; /* the anonymous half, the shared one */
static int uffd;

/* What the guest has written last to each page; what a snapshot has to find, and what it found. */
static uint64_t written[2 * PAGES], expected[2 * PAGES], saved[2 * PAGES];
static bool is_saved[2 * PAGES];
static pthread_mutex_t running = PTHREAD_MUTEX_INITIALIZER;
static bool stop; /* by running */

static _Noreturn void fail(const char *what, int64_t result)
{
	fprintf(stderr, "%s: %lld\n", what, (long long)result);
	exit(1);
}

static void good(const char *what, int64_t result)
{
	if (result < 0)
		fail(what, result);
}

static uint64_t page_address(unsigned page)
{
	return memory[page / PAGES] + (uint64_t)(page % PAGES) * PAGE;
}

/* ---- the guest ------------------------------------------------------------------------ */

static void *guest_main(void *arg)
{
	uint64_t value = 1, random = 88172645463325252ull;

	(void)arg;
	for (bool go_on = true; go_on; value++) {
		unsigned page;

		random ^= random << 13;
		random ^= random >> 7;
		random ^= random << 17;
		page = (unsigned)(random % (2 * PAGES));
		/* The store may wait for the handler, which does not need this lock to serve it. */
		pthread_mutex_lock(&running);
		good("store", umm_store(guest, page_address(page), 8, value, NULL));
		written[page] = value;
		go_on = !stop;
		pthread_mutex_unlock(&running);
	}
	return NULL;
}

/* ---- the snapshot --------------------------------------------------------------------- */

static void protect(uint64_t addr, uint64_t pages, bool on)
{
	struct uffdio_writeprotect range = {
		.range = { .start = addr, .len = pages * PAGE },
		.mode = on ? UFFDIO_WRITEPROTECT_MODE_WP : 0,
	};

	good("UFFDIO_WRITEPROTECT", umm_ioctl(handler, uffd, UFFDIO_WRITEPROTECT, &range));
}

/* Unprotecting lets who waits for the page go on. */
static void save(unsigned page)
{
	if (is_saved[page])
		return;
	good("load", umm_load(handler, page_address(page), 8, &saved[page], NULL));
	is_saved[page] = true;
	protect(page_address(page), 1, false);
}

static unsigned page_of(uint64_t addr)
{
	unsigned half = addr - memory[0] < PAGES * (uint64_t)PAGE ? 0 : 1;

	return half * PAGES + (unsigned)((addr - memory[half]) / PAGE);
}

/* What the guest waits for comes first. Returns how many there were. */
static unsigned serve_faults(void)
{
	struct uffd_msg message;
	unsigned served = 0;
	int64_t got;

	while ((got = umm_fd_read(handler, uffd, &message, sizeof(message))) > 0) {
		if (message.event != UFFD_EVENT_PAGEFAULT)
			fail("unexpected event", message.event);
		save(page_of(message.arg.pagefault.address));
		served++;
	}
	if (got != -EAGAIN)
		good("read", got);
	return served;
}

static unsigned take_snapshot(void)
{
	unsigned first = 0;

	memset(is_saved, 0, sizeof(is_saved));
	pthread_mutex_lock(&running);
	protect(memory[0], PAGES, true);
	protect(memory[1], PAGES, true);
	memcpy(expected, written, sizeof(expected));
	pthread_mutex_unlock(&running);
	for (unsigned page = 0; page < 2 * PAGES; page++) {
		first += serve_faults();
		save(page);
	}
	for (unsigned page = 0; page < 2 * PAGES; page++) {
		if (saved[page] != expected[page])
			fail("a page is not what it was when the snapshot began", page);
	}
	return first;
}

/* ---- the machine ---------------------------------------------------------------------- */

static struct umm_machine *build(void)
{
	struct uffdio_api api = {
		.api = UFFD_API,
		.features = FEATURES,
	};
	struct umm_machine *machine;
	struct umm_config config;

	umm_config_init(&config);
	config.ram_bytes = RAM_BYTES;
	good("machine", umm_machine_create(&config, &machine));
	good("swap", umm_swap_create(machine, 4 * PAGES, -1));
	good("process", umm_process_create(machine, &guest));
	good("thread", umm_thread_create(guest, &handler));
	uffd = umm_userfaultfd(handler, O_NONBLOCK);
	good("userfaultfd", uffd);
	if (umm_ioctl(handler, uffd, UFFDIO_API, &api) == -EINVAL) {
		printf("skipped: entries of this architecture have no bit for write protection\n");
		exit(77);
	}
	for (int half = 0; half < 2; half++) {
		struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_WP };
		int64_t addr = umm_mmap(guest, 0, PAGES * (uint64_t)PAGE, PROT_READ | PROT_WRITE,
					MAP_ANONYMOUS | (half ? MAP_SHARED : MAP_PRIVATE), -1, 0);

		good("mmap", addr);
		memory[half] = (uint64_t)addr;
		for (unsigned page = 0; page < PAGES; page++)
			good("store",
			     umm_store(guest, memory[half] + (uint64_t)page * PAGE, 8, 0, NULL));
		reg.range = (struct uffdio_range){ memory[half], PAGES * (uint64_t)PAGE };
		good("UFFDIO_REGISTER", umm_ioctl(handler, uffd, UFFDIO_REGISTER, &reg));
	}
	return machine;
}

static uint64_t counter(struct umm_machine *machine, const char *name)
{
	struct umm_counter counters[128];
	unsigned nr = umm_counters(machine, counters, 128);

	for (unsigned i = 0; i < nr && i < 128; i++) {
		if (!strcmp(counters[i].name, name))
			return counters[i].value;
	}
	return 0;
}

int main(void)
{
	struct umm_machine *machine;
	pthread_t thread;
	char text[4096];

	if ((umm_userfaultfd_features() & FEATURES) != FEATURES) {
		printf("skipped: libusermm was built without write-protection by userfaultfd\n");
		return EXIT_SKIPPED;
	}
	machine = build();
	if (pthread_create(&thread, NULL, guest_main, NULL))
		fail("pthread_create", 0);
	for (unsigned round = 1; round <= ROUNDS; round++) {
		unsigned first = take_snapshot();

		printf("snapshot %u: consistent; %u of %u pages the guest wanted first\n", round,
		       first, 2 * PAGES);
	}
	pthread_mutex_lock(&running);
	stop = true;
	pthread_mutex_unlock(&running);
	pthread_join(thread, NULL);
	printf("%llu pages went to swap, %llu came back\n",
	       (unsigned long long)counter(machine, "pswpout"),
	       (unsigned long long)counter(machine, "pswpin"));
	if (umm_verify(machine, text, sizeof(text))) {
		fprintf(stderr, "%s", text);
		return 1;
	}
	umm_machine_destroy(machine);
	return 0;
}
