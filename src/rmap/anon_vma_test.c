/* SPDX-License-Identifier: MIT */
/* Covers: P2 */
/*
 * Families of anon_vmas: what a fork adds, what an exit leaves, what stays bounded. The counts
 * of every object are recomputed by umm_verify() after each step.
 */
#include "machine/bug_test.h"

#include <usermm/usermm.h>

#include "base/prng.h"
#include "base/uapi.h"
#include "rmap/anon_vma.h"

#define ADDR 0x3f00000000ull /* user space on every architecture */
#define MMAP_FLAGS (MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED)

static struct umm_machine *machine;
static struct umm_task *task;

static void verify_clean(void)
{
	char text[2048];

	if (umm_verify(machine, text, sizeof(text)))
		fail_msg("%s", text);
}

static void build(void)
{
	struct umm_config config;

	umm_config_init(&config);
	config.ram_bytes = 8 << 20;
	assert_int_equal(umm_machine_create(&config, &machine), 0);
	assert_int_equal(umm_process_create(machine, &task), 0);
	assert_int_equal(umm_mmap(task, ADDR, 4 * PAGE_SIZE, PROT_READ | PROT_WRITE, MMAP_FLAGS, -1,
				  0),
			 ADDR);
}

static void touch(struct umm_task *who, unsigned page)
{
	assert_int_equal(umm_store(who, ADDR + page * PAGE_SIZE, 8, page, NULL), 0);
}

static struct umm_task *fork_of(struct umm_task *parent)
{
	struct umm_task *child;

	assert_int_equal(umm_fork(parent, &child), 0);
	verify_clean();
	return child;
}

static struct vm_area *vma_of(struct umm_task *who)
{
	return vma_first(((struct task *)who)->mm);
}

static u64 in_use(enum kmem_id id)
{
	return ((struct machine *)machine)->caches[id].objects_in_use;
}

static u64 chain_length(const struct vm_area *vma)
{
	const struct list_head *pos;
	u64 n = 0;

	for (pos = vma->anon_vma_chain.next; pos != &vma->anon_vma_chain; pos = pos->next)
		n++;
	return n;
}

static void finish(void)
{
	verify_clean();
	assert_int_equal(in_use(CACHE_ANON_VMA), 0);
	assert_int_equal(in_use(CACHE_AVC), 0);
	umm_machine_destroy(machine);
}

static void test_first_touch(void **state)
{
	const struct anon_vma *anon_vma;

	(void)state;
	build();
	assert_null(vma_of(task)->anon_vma);
	touch(task, 0);
	anon_vma = vma_of(task)->anon_vma;
	assert_non_null(anon_vma);
	assert_ptr_equal(anon_vma->root, anon_vma);
	assert_ptr_equal(anon_vma->parent, anon_vma);
	assert_int_equal(anon_vma->num_children, 1);
	assert_int_equal(anon_vma->num_active_vmas, 1);
	assert_int_equal(atomic_read(&anon_vma->refcount), 1);
	assert_false(vma_had_uncowed_parents(vma_of(task)));
	umm_task_exit(task);
	finish();
}

static void test_fork_adds_a_child(void **state)
{
	const struct anon_vma *anon_vma, *child_anon_vma;
	struct umm_task *child;

	(void)state;
	build();
	touch(task, 0);
	child = fork_of(task);
	anon_vma = vma_of(task)->anon_vma;
	child_anon_vma = vma_of(child)->anon_vma;
	assert_ptr_not_equal(anon_vma, child_anon_vma);
	assert_ptr_equal(child_anon_vma->parent, anon_vma);
	assert_ptr_equal(child_anon_vma->root, anon_vma);
	assert_int_equal(anon_vma->num_children, 2);
	assert_int_equal(anon_vma->num_active_vmas, 1);
	/* Two chains of vmas, one child. */
	assert_int_equal(atomic_read(&anon_vma->refcount), 3);
	assert_int_equal(chain_length(vma_of(child)), 2);
	assert_true(vma_had_uncowed_parents(vma_of(child)));
	/* The parent may go first. */
	umm_task_exit(task);
	verify_clean();
	touch(child, 0);
	verify_clean();
	umm_task_exit(child);
	finish();
}

static void test_no_pages_no_family(void **state)
{
	struct umm_task *child;

	(void)state;
	build();
	child = fork_of(task);
	assert_null(vma_of(child)->anon_vma);
	umm_task_exit(child);
	umm_task_exit(task);
	finish();
}

static void test_wipe_on_fork(void **state)
{
	struct umm_task *child;

	(void)state;
	build();
	touch(task, 0);
	assert_int_equal(umm_madvise(task, ADDR, 4 * PAGE_SIZE, MADV_WIPEONFORK), 0);
	child = fork_of(task);
	assert_null(vma_of(child)->anon_vma);
	assert_int_equal(chain_length(vma_of(child)), 0);
	umm_task_exit(child);
	umm_task_exit(task);
	finish();
}

/*
 * Each process forks and ends: without taking over what idle ancestors left, the chains would
 * grow by one each time.
 */
static void test_generations_stay_bounded(void **state)
{
	(void)state;
	build();
	touch(task, 0);
	for (unsigned i = 0; i < 64; i++) {
		struct umm_task *child = fork_of(task);

		umm_task_exit(task);
		task = child;
		touch(task, i % 4);
		verify_clean();
		assert_true(in_use(CACHE_ANON_VMA) <= 3);
		assert_true(chain_length(vma_of(task)) <= 3);
	}
	umm_task_exit(task);
	finish();
}

/* One parent with many children: each has an anon_vma of its own, and none reuses another's. */
static void test_many_children(void **state)
{
	struct umm_task *children[8];

	(void)state;
	build();
	touch(task, 0);
	for (unsigned i = 0; i < ARRAY_SIZE(children); i++) {
		children[i] = fork_of(task);
		touch(children[i], i % 4);
	}
	assert_int_equal(in_use(CACHE_ANON_VMA), 1 + ARRAY_SIZE(children));
	assert_int_equal(vma_of(task)->anon_vma->num_children, 1 + ARRAY_SIZE(children));
	umm_task_exit(task);
	for (unsigned i = 0; i < ARRAY_SIZE(children); i++) {
		umm_task_exit(children[i]);
		verify_clean();
	}
	finish();
}

/* Splitting and merging copy and drop chains. */
static void test_split_and_merge(void **state)
{
	struct umm_task *child;
	u64 avcs;

	(void)state;
	build();
	touch(task, 0);
	child = fork_of(task);
	avcs = in_use(CACHE_AVC);
	assert_int_equal(umm_mprotect(child, ADDR + PAGE_SIZE, PAGE_SIZE, PROT_READ), 0);
	verify_clean();
	assert_int_equal(in_use(CACHE_AVC), avcs + 4);
	assert_int_equal(vma_of(child)->anon_vma->num_active_vmas, 3);
	assert_int_equal(umm_mprotect(child, ADDR + PAGE_SIZE, PAGE_SIZE, PROT_READ | PROT_WRITE),
			 0);
	verify_clean();
	assert_int_equal(in_use(CACHE_AVC), avcs);
	umm_task_exit(child);
	umm_task_exit(task);
	finish();
}

/* Each allocation of a fork fails in turn: nothing is left of the child. */
static void test_fork_without_memory(void **state)
{
	struct umm_task *child;
	u64 failed = 1;

	(void)state;
	build();
	touch(task, 0);
	task = fork_of(task);
	touch(task, 1);
	assert_int_equal(umm_mprotect(task, ADDR, PAGE_SIZE, PROT_READ), 0);
	for (u64 nth = 1; failed; nth++) {
		struct umm_fail fail = { .order = -1, .nth = nth };
		u64 objects = in_use(CACHE_AVC) + in_use(CACHE_ANON_VMA) + in_use(CACHE_VMA);
		u64 seen;
		int err;

		assert_int_equal(umm_fail_set(machine, &fail), 0);
		err = umm_fork(task, &child);
		umm_fail_stats(machine, &seen, &failed);
		assert_int_equal(umm_fail_set(machine, NULL), 0);
		assert_int_equal(err, failed ? -ENOMEM : 0);
		verify_clean();
		if (failed)
			assert_int_equal(in_use(CACHE_AVC) + in_use(CACHE_ANON_VMA) +
						 in_use(CACHE_VMA),
					 objects);
	}
	umm_task_exit(child);
	umm_task_exit(task);
	task = umm_task_next(machine, NULL);
	umm_task_exit(task);
	finish();
}

/* Random forks, touches, splits and exits over a few processes. */
static void test_random(void **state)
{
	struct umm_task *tasks[5] = { NULL };
	struct prng rng;

	(void)state;
	build();
	prng_seed(&rng, 3);
	tasks[0] = task;
	for (unsigned i = 0; i < 3000; i++) {
		unsigned which = (unsigned)prng_below(&rng, ARRAY_SIZE(tasks));
		unsigned other = (unsigned)prng_below(&rng, ARRAY_SIZE(tasks));
		u64 page = prng_below(&rng, 4);
		vaddr_t addr = ADDR + page * PAGE_SIZE;

		if (!tasks[which])
			continue;
		switch (prng_below(&rng, 6)) {
		case 0:
			if (!tasks[other])
				tasks[other] = fork_of(tasks[which]);
			break;
		case 1:
			if (tasks[other] && other != which) {
				umm_task_exit(tasks[other]);
				tasks[other] = NULL;
			}
			break;
		case 2:
			(void)umm_mprotect(tasks[which], addr, PAGE_SIZE, PROT_READ);
			break;
		case 3:
			(void)umm_mmap(tasks[which], addr, PAGE_SIZE, PROT_READ | PROT_WRITE,
				       MMAP_FLAGS, -1, 0);
			break;
		default:
			(void)umm_mprotect(tasks[which], ADDR, 4 * PAGE_SIZE,
					   PROT_READ | PROT_WRITE);
			(void)umm_store(tasks[which], addr, 8, i, NULL);
			break;
		}
		verify_clean();
	}
	for (unsigned i = 0; i < ARRAY_SIZE(tasks); i++) {
		if (tasks[i])
			umm_task_exit(tasks[i]);
	}
	finish();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_touch),
		cmocka_unit_test(test_fork_adds_a_child),
		cmocka_unit_test(test_no_pages_no_family),
		cmocka_unit_test(test_wipe_on_fork),
		cmocka_unit_test(test_generations_stay_bounded),
		cmocka_unit_test(test_many_children),
		cmocka_unit_test(test_split_and_merge),
		cmocka_unit_test(test_fork_without_memory),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
