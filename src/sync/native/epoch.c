/* SPDX-License-Identifier: MIT */
/*
 * Epochs by Concurrency Kit. Its atomics are invisible to the thread sanitizer, so that is told
 * what orders what: a closed section comes before the end of a wait and before deferred calls.
 */
#include "sync/epoch.h"
#include "host/host.h"

#ifdef SYNC_NO_FENCE
void __tsan_acquire(void *addr);
void __tsan_release(void *addr);
#define SECTION_ENDS(epoch) __tsan_release(epoch)
#define SECTIONS_ENDED(epoch) __tsan_acquire(epoch)
#else
#define SECTION_ENDS(epoch) ((void)(epoch))
#define SECTIONS_ENDED(epoch) ((void)(epoch))
#endif

void epoch_init(struct epoch *epoch)
{
	ck_epoch_init(&epoch->ck);
}

void epoch_register(struct epoch *epoch, struct epoch_record *record)
{
	ck_epoch_register(&epoch->ck, &record->ck, NULL);
}

void epoch_enter(struct epoch_record *record)
{
	ck_epoch_begin(&record->ck, NULL);
}

void epoch_exit(struct epoch_record *record)
{
	VM_BUG_ON(record->ck.active == 0);
	SECTION_ENDS(record->ck.global);
	ck_epoch_end(&record->ck, NULL);
}

/* Called while a section is still open: its thread may need our processor. */
static void let_others_run(ck_epoch_t *epoch, ck_epoch_record_t *record, void *arg)
{
	(void)epoch;
	(void)record;
	(void)arg;
	host_thread_yield();
}

void epoch_wait(struct epoch_record *record)
{
	might_sleep();
	VM_BUG_ON(record->ck.active != 0);
	ck_epoch_synchronize_wait(record->ck.global, let_others_run, NULL);
	SECTIONS_ENDED(record->ck.global);
}

static void call(ck_epoch_entry_t *entry)
{
	struct epoch_head *head = container_of(entry, struct epoch_head, entry);

	SECTIONS_ENDED(&head->epoch->ck);
	head->fn(head);
}

void epoch_defer(struct epoch_record *record, struct epoch_head *head, epoch_fn *fn)
{
	head->fn = fn;
	head->epoch = container_of(record->ck.global, struct epoch, ck);
	ck_epoch_call(&record->ck, &head->entry, call);
}

void epoch_poll(struct epoch_record *record)
{
	ck_epoch_poll(&record->ck);
}

void epoch_barrier(struct epoch_record *record)
{
	might_sleep();
	VM_BUG_ON(record->ck.active != 0);
	ck_epoch_barrier_wait(&record->ck, let_others_run, NULL);
}

unsigned epoch_pending(const struct epoch_record *record)
{
	return record->ck.n_pending;
}
