/* SPDX-License-Identifier: MIT */
/*
 * Epochs out of words that the scheduler sees: the outermost enter and exit of a record each
 * move its sequence, odd inside; a wait reads every word, and awaits another value of those that
 * were odd.
 */
#include "sync/epoch.h"

void epoch_init(struct epoch *epoch)
{
	*epoch = (struct epoch){ 0 };
}

void epoch_register(struct epoch *epoch, struct epoch_record *record)
{
	*record = (struct epoch_record){ .epoch = epoch, .next = epoch->records };
	epoch->records = record;
}

void epoch_enter(struct epoch_record *record)
{
	if (record->depth++ > 0)
		return;
	WRITE_ONCE(record->sequence, record->sequence + 1);
	smp_mb();
}

void epoch_exit(struct epoch_record *record)
{
	VM_BUG_ON(record->depth == 0);
	if (--record->depth == 0)
		smp_store_release(&record->sequence, record->sequence + 1);
}

void epoch_wait(struct epoch_record *record)
{
	might_sleep();
	VM_BUG_ON(record->depth > 0);
	smp_mb();
	for (struct epoch_record *other = record->epoch->records; other; other = other->next) {
		u32 sequence = smp_load_acquire(&other->sequence);

		while (sequence % 2 && smp_load_acquire(&other->sequence) == sequence)
			cpu_relax();
	}
	smp_mb();
}

void epoch_defer(struct epoch_record *record, struct epoch_head *head, epoch_fn *fn)
{
	head->fn = fn;
	head->next = record->pending;
	record->pending = head;
	record->nr_pending++;
}

/* What a call defers in turn is not run: its readers have not been waited for. */
static void run_pending(struct epoch_record *record)
{
	struct epoch_head *head = record->pending;

	record->pending = NULL;
	record->nr_pending = 0;
	while (head) {
		struct epoch_head *next = head->next;

		head->fn(head);
		head = next;
	}
}

void epoch_poll(struct epoch_record *record)
{
	if (!record->pending)
		return;
	smp_mb();
	for (struct epoch_record *other = record->epoch->records; other; other = other->next) {
		if (smp_load_acquire(&other->sequence) % 2)
			return;
	}
	run_pending(record);
}

void epoch_barrier(struct epoch_record *record)
{
	epoch_wait(record);
	run_pending(record);
}

unsigned epoch_pending(const struct epoch_record *record)
{
	return record->nr_pending;
}
