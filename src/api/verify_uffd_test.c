/* SPDX-License-Identifier: MIT */
/* Covers: B17, R6 */
/*
 * As verify_test.c, for userfaultfds: every check of verify_uffd.c is proven by a planted fault.
 *
 *     task: 3   a userfaultfd of its own      A registered, B not
 *     heir: 3   one of a process that has ended
 */
#include "filemap/file.h"
#include "uffd/uffd.h"

/* Last: it has a machine m. */
#include "api/planted_test.h"

#define PAGE 4096ull
#define A 0x100000ull
#define B 0x200000ull

static struct task *task, *heir;
static struct userfaultfd_ctx *ctx, *orphan;

static struct umm_task *handle(struct task *t)
{
	return (struct umm_task *)t;
}

static struct userfaultfd_ctx *open_uffd(struct task *t)
{
	struct uffdio_api api = { .api = UFFD_API };
	int fd = umm_userfaultfd(handle(t), O_NONBLOCK);

	assert_int_equal(fd, 3);
	assert_int_equal(umm_ioctl(handle(t), fd, UFFDIO_API, &api), 0);
	return t->files->fd[fd]->uffd;
}

static int set_up(void **state)
{
	struct uffdio_register reg = {
		.range = { .start = A, .len = 2 * PAGE },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	struct umm_config config;
	struct task *parent;

	(void)state;
	umm_config_init(&config);
	config.ram_bytes = 2 << 20;
	assert_int_equal(umm_machine_create(&config, (struct umm_machine **)&m), 0);
	assert_int_equal(umm_process_create((struct umm_machine *)m, (struct umm_task **)&task), 0);
	ctx = open_uffd(task);
	for (u64 addr = A; addr <= B; addr += B - A)
		assert_int_equal(umm_mmap(handle(task), addr, 2 * PAGE, PROT_READ | PROT_WRITE,
					  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
				 addr);
	assert_int_equal(umm_ioctl(handle(task), 3, UFFDIO_REGISTER, &reg), 0);
	assert_int_equal(umm_process_create((struct umm_machine *)m, (struct umm_task **)&parent),
			 0);
	orphan = open_uffd(parent);
	assert_int_equal(umm_fork(handle(parent), (struct umm_task **)&heir), 0);
	umm_task_exit(handle(parent));
	assert_int_equal(umm_snapshot_take((struct umm_machine *)m, &snapshot), 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	umm_snapshot_free(snapshot);
	umm_task_exit(handle(task));
	umm_task_exit(handle(heir));
	assert_int_equal(kmem_cache_in_use(m, CACHE_UFFD_CTX), 0);
	assert_int_equal(kmem_cache_in_use(m, CACHE_MM), 0);
	umm_machine_destroy((struct umm_machine *)m);
	return 0;
}

/* ---- contexts ---------------------------------------------------------------------------- */

static void one_reference_too_many(void)
{
	ctx->refs.v++;
	WANT("userfaultfd of mm %u: refs is 2, counted 1", ctx->mm->id);
}

static void one_that_nobody_has(void)
{
	task->files->fd[3]->uffd = NULL;
	WANT("userfaultfd of mm %u: refs is 1, counted 0", ctx->mm->id);
}

static void descriptor_of_two_kinds(void)
{
	task->files->fd[3]->inode = (struct inode *)ctx;
	WANT("task %d: its file has no inode", task->tid);
}

static void context_forgotten(void)
{
	list_del_init(&ctx->ctxs);
	WANT("cache userfaultfd_ctx: 2 objects in use, found 1");
}

static void note_leaked(void)
{
	assert_non_null(kmem_cache_alloc(m, CACHE_UFFD_WAIT));
	WANT("cache userfaultfd_wait: 1 objects in use, found 0");
}

static void change_without_end(void)
{
	atomic_inc(&ctx->mmap_changing);
	WANT("userfaultfd of mm %u: mmap_changing is 1, counted 0", ctx->mm->id);
}

static void closed_and_kept(void)
{
	orphan->released = UFFD_GONE;
	WANT("userfaultfd of mm %u: released is 2, counted 0", orphan->mm->id);
}

static void lock_held(void)
{
	ctx->lock.word = 1;
	WANT("userfaultfd of mm %u: its lock is held (0x1)", ctx->mm->id);
}

static void unread_fault(void)
{
	list_add(&task->uffd_wait.queue, &ctx->pending);
	WANT("userfaultfd of mm %u: somebody is among the unread faults while idle", ctx->mm->id);
}

static void read_fault(void)
{
	list_add(&task->uffd_wait.queue, &ctx->faulting);
	WANT("userfaultfd of mm %u: somebody is among the faults while idle", ctx->mm->id);
}

static void untold_event(void)
{
	list_add(&task->uffd_wait.queue, &ctx->events);
	WANT("userfaultfd of mm %u: somebody is among the events while idle", ctx->mm->id);
}

static void feature_unknown(void)
{
	ctx->features |= 1ull << 40;
	WANT("userfaultfd of mm %u: its features are 0x8000010000000000", ctx->mm->id);
}

static void features_unasked(void)
{
	orphan->features = UFFD_FEATURE_SIGBUS;
	WANT("userfaultfd of mm %u: its features are 0x80", orphan->mm->id);
}

/* ---- address spaces ---------------------------------------------------------------------- */

static void mm_of_nothing(void)
{
	orphan->mm = NULL;
	WANT("a userfaultfd has an mm that is none");
}

static void mm_kept_too_long(void)
{
	task->mm->refs.v++;
	WANT("mm %u: refs is 3, counted 2", task->mm->id);
}

static void dead_mm_leaked(void)
{
	orphan->mm = ctx->mm;
	WANT("cache mm_struct: 3 objects in use, found 2");
}

/* ---- vmas -------------------------------------------------------------------------------- */

static struct vm_area *vma_at(vaddr_t addr)
{
	struct vm_area *vma = vma_first(task->mm);

	while (vma->start != addr)
		vma = vma_next(vma);
	return vma;
}

static void registered_for_nothing(void)
{
	vma_at(B)->uffd = ctx;
	WANT("mm %u: vma 0x200000: registered for 0, with a userfaultfd", task->mm->id);
}

static void registered_with_none(void)
{
	vma_at(A)->uffd = NULL;
	WANT("mm %u: vma 0x100000: registered for 0x200, with none", task->mm->id);
}

static void registered_with_what_is_gone(void)
{
	vma_at(A)->uffd = (struct userfaultfd_ctx *)task;
	WANT("mm %u: vma 0x100000: registered with a userfaultfd that is none", task->mm->id);
}

static void registered_with_anothers(void)
{
	vma_at(A)->uffd = orphan;
	WANT("mm %u: vma 0x100000: registered with one of mm %u", task->mm->id, orphan->mm->id);
}

static void registered_too_early(void)
{
	ctx->features = 0;
	WANT("mm %u: vma 0x100000: registered before UFFDIO_API", task->mm->id);
}

/* ---- the loop ---------------------------------------------------------------------------- */

static const struct planted faults[] = {
	FAULT(one_reference_too_many),
	FAULT(one_that_nobody_has),
	FAULT(descriptor_of_two_kinds),
	FAULT(context_forgotten),
	FAULT(note_leaked),
	FAULT(change_without_end),
	FAULT(closed_and_kept),
	FAULT(lock_held),
	FAULT(unread_fault),
	FAULT(read_fault),
	FAULT(untold_event),
	FAULT(feature_unknown),
	FAULT(features_unasked),
	FAULT(mm_of_nothing),
	FAULT(mm_kept_too_long),
	FAULT(dead_mm_leaked),
	FAULT(registered_for_nothing),
	FAULT(registered_with_none),
	FAULT(registered_with_what_is_gone),
	FAULT(registered_with_anothers),
	FAULT(registered_too_early),
};

static void every_planted_fault_is_found(void **state)
{
	(void)state;
	find_planted(faults, ARRAY_SIZE(faults));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_healthy_machine_is_clean),
		cmocka_unit_test(every_planted_fault_is_found),
	};

	return cmocka_run_group_tests_name("verify_uffd", tests, set_up, tear_down);
}
