/* SPDX-License-Identifier: MIT */
/* The stress on processes that all workers share. */
#include <sched.h>
#include <string.h>

#include "stress.h"

#define MMAP_FLAGS (MAP_PRIVATE | MAP_ANONYMOUS)

static uint64_t page_at(uint64_t page)
{
	return COUNTERS + page * PAGE;
}

/* An access that others can make fail, by what they do to the mapping, and for no other reason. */
static bool access_done(struct worker *worker, int err, const struct umm_fault *fault)
{
	if (!err)
		return true;
	EXPECT(worker, err == -EFAULT, err, -EFAULT);
	EXPECT(worker, fault->signo == SIGSEGV, fault->signo, SIGSEGV);
	worker->faults++;
	return false;
}

/* ---- counters ---- */

static void publish_reached(uint32_t p, uint64_t page, uint64_t value)
{
	_Atomic uint64_t *reached = &shared[p].reached[page];
	uint64_t seen = atomic_load(reached);

	while (seen < value && !atomic_compare_exchange_weak(reached, &seen, value))
		;
}

static void add_shared(struct worker *worker, uint32_t p, uint64_t page)
{
	struct umm_fault fault;
	uint64_t old;
	int err = umm_fetch_add(shared[p].tasks[worker->id], page_at(page), 8, 1, &old, &fault);

	if (!access_done(worker, err, &fault))
		return;
	worker->added[p][page]++;
	publish_reached(p, page, old + 1);
}

/* A page that another thread has copied in the meantime must not be seen as it was. */
static void look_at_counter(struct worker *worker, uint32_t p, uint64_t page)
{
	uint64_t reached = atomic_load(&shared[p].reached[page]), value;
	struct umm_fault fault;
	int err = umm_load(shared[p].tasks[worker->id], page_at(page), 8, &value, &fault);

	if (access_done(worker, err, &fault))
		EXPECT(worker, value >= reached, value, reached);
}

/* A loop of compare-and-exchange adds two. */
static void add_by_cmpxchg(struct worker *worker, uint32_t p, uint64_t page)
{
	struct umm_task *task = shared[p].tasks[worker->id];
	struct umm_fault fault;
	uint64_t expected, old;

	if (!access_done(worker, umm_load(task, page_at(page), 8, &expected, &fault), &fault))
		return;
	while (access_done(
		worker, umm_cmpxchg(task, page_at(page), 8, expected, expected + 2, &old, &fault),
		&fault)) {
		if (old == expected) {
			worker->added[p][page] += 2;
			return;
		}
		expected = old;
	}
}

static void add_own_slot(struct worker *worker, uint32_t p, uint64_t page)
{
	struct umm_task *task = shared[p].tasks[worker->id];
	uint64_t addr = page_at(page) + 8 * (worker->id + 1);
	struct umm_fault fault;
	uint64_t value;

	if (!access_done(worker, umm_load(task, addr, 8, &value, &fault), &fault))
		return;
	EXPECT(worker, value == worker->slot[p][page], value, worker->slot[p][page]);
	if (access_done(worker, umm_store(task, addr, 8, value + 1, &fault), &fault))
		worker->slot[p][page]++;
}

/* From the worker's own process, through any of the threads of the shared one. */
static void add_remote_slot(struct worker *worker, uint32_t p, uint64_t page)
{
	struct umm_task *remote = shared[p].members[pick(worker, nr_workers)];
	struct umm_iovec range = { page_at(page) + 8 * (worker->id + 9), 8 };
	uint64_t value = 0, next;
	int64_t got = umm_process_vm_readv(worker->own, remote, &value, 8, &range, 1, 0);

	if (got == -EFAULT)
		return;
	EXPECT(worker, got == 8, got, 8);
	EXPECT(worker, value == worker->remote[p][page], value, worker->remote[p][page]);
	next = value + 1;
	got = umm_process_vm_writev(worker->own, remote, &next, 8, &range, 1, 0);
	if (got == -EFAULT)
		return;
	EXPECT(worker, got == 8, got, 8);
	worker->remote[p][page] = next;
}

static void use_counters(struct worker *worker, uint32_t p)
{
	for (uint64_t i = pick(worker, 32); i > 0; i--) {
		uint64_t page = pick(worker, COUNTER_PAGES);

		switch (pick(worker, 10)) {
		case 0:
		case 1:
		case 2:
			add_shared(worker, p, page);
			break;
		case 5:
		case 6:
		case 7:
			look_at_counter(worker, p, page);
			break;
		case 3:
			add_by_cmpxchg(worker, p, page);
			break;
		case 4:
			add_remote_slot(worker, p, page);
			break;
		default:
			add_own_slot(worker, p, page);
		}
	}
}

/* The words of the counters at base, as seen by task. Nobody may be changing them. */
static void read_counters(struct worker *worker, struct umm_task *task, uint64_t base,
			  uint64_t *ret_words)
{
	for (uint64_t page = 0; page < COUNTER_PAGES; page++)
		for (uint64_t word = 0; word < 32; word++) {
			uint64_t addr = base + page * PAGE + word * 8;
			int err = umm_load(task, addr, 8, &ret_words[page * 32 + word], NULL);

			EXPECT(worker, !err, err, 0);
		}
}

#define COUNTER_WORDS (COUNTER_PAGES * 32)

enum still {
	STILL_ALL,
	/*
	 * All but the words written by process_vm_writev: it holds on to a page that it has found,
	 * and may write it after the mapping has changed.
	 */
	STILL_LOCAL,
};

/* Read twice with time in between: nobody can write here. */
static void expect_still(struct worker *worker, struct umm_task *task, uint64_t base,
			 enum still still)
{
	uint64_t before[COUNTER_WORDS], after[COUNTER_WORDS];

	read_counters(worker, task, base, before);
	for (uint64_t i = pick(worker, 4); i > 0; i--)
		sched_yield();
	read_counters(worker, task, base, after);
	for (uint32_t i = 0; i < COUNTER_WORDS; i++) {
		if (still == STILL_ALL || i % 32 < 9)
			EXPECT(worker, before[i] == after[i], after[i], before[i]);
	}
}

/* Once mprotect has returned, no thread can write any more. */
static void protect_counters(struct worker *worker, uint32_t p)
{
	struct umm_task *task = shared[p].tasks[worker->id];
	uint64_t page = pick(worker, COUNTER_PAGES);
	struct umm_fault fault;
	int err;

	err = umm_mprotect(task, COUNTERS, COUNTER_PAGES * PAGE, PROT_READ);
	EXPECT(worker, !err, err, 0);
	err = umm_store(task, page_at(page), 8, 0, &fault);
	EXPECT(worker, err == -EFAULT && fault.code == SEGV_ACCERR, fault.code, SEGV_ACCERR);
	EXPECT(worker, fault.addr == page_at(page), fault.addr, page_at(page));
	expect_still(worker, task, COUNTERS, STILL_LOCAL);
	if (pick(worker, 2)) {
		/* In the middle: the mapping is split, and merged again. */
		err = umm_mprotect(task, page_at(page), PAGE, PROT_NONE);
		EXPECT(worker, !err, err, 0);
		err = umm_load(task, page_at(page), 8, &(uint64_t){ 0 }, &fault);
		EXPECT(worker, err == -EFAULT && fault.code == SEGV_ACCERR, err, -EFAULT);
	}
	err = umm_mprotect(task, COUNTERS, COUNTER_PAGES * PAGE, PROT_READ | PROT_WRITE);
	EXPECT(worker, !err, err, 0);
}

/* While the pages are elsewhere, nobody who knows only the old address can write them. */
static void move_counters(struct worker *worker, uint32_t p)
{
	struct umm_task *task = shared[p].tasks[worker->id];
	uint64_t bytes = COUNTER_PAGES * PAGE;
	int flags = MREMAP_MAYMOVE | MREMAP_FIXED;
	int64_t at = umm_mremap(task, COUNTERS, bytes, bytes, flags, COUNTERS_AWAY);

	EXPECT(worker, at == (int64_t)COUNTERS_AWAY, at, COUNTERS_AWAY);
	expect_still(worker, task, COUNTERS_AWAY, STILL_LOCAL);
	at = umm_mremap(task, COUNTERS_AWAY, bytes, bytes, flags, COUNTERS);
	EXPECT(worker, at == (int64_t)COUNTERS, at, COUNTERS);
}

static void change_layout(struct worker *worker, uint32_t p)
{
	struct umm_task *task = shared[p].tasks[worker->id];
	uint64_t bytes = COUNTER_PAGES * PAGE;
	int err = 0;

	if (pthread_mutex_trylock(&shared[p].layout))
		return;
	switch (pick(worker, 4)) {
	case 0:
		move_counters(worker, p);
		break;
	case 1:
		err = umm_mlock2(task, COUNTERS, bytes, pick(worker, 2) ? MLOCK_ONFAULT : 0);
		if (!err)
			err = umm_munlock(task, COUNTERS, bytes);
		break;
	default:
		protect_counters(worker, p);
	}
	EXPECT(worker, !err, err, 0);
	pthread_mutex_unlock(&shared[p].layout);
}

/* ---- fork ---- */

static void check_child(struct worker *worker, struct umm_task *child, uint32_t p)
{
	uint64_t page = pick(worker, COUNTER_PAGES);
	uint64_t slot = page_at(page) + 8 * (worker->id + 1);
	uint64_t value;
	int err;

	/* Nobody moves or protects them: the worker has the layout lock, and the child. */
	err = umm_load(child, slot, 8, &value, NULL);
	EXPECT(worker, !err, err, 0);
	EXPECT(worker, value == worker->slot[p][page], value, worker->slot[p][page]);
	expect_still(worker, child, COUNTERS, STILL_ALL);
	/* What the child writes is the child's alone: add_own_slot would find a value too high. */
	err = umm_store(child, slot, 8, value + 1000000, NULL);
	EXPECT(worker, !err, err, 0);
	add_own_slot(worker, p, page);
	err = umm_load(child, slot, 8, &value, NULL);
	EXPECT(worker, !err && value >= 1000000, value, 1000000);
}

static void fork_shared(struct worker *worker, uint32_t p)
{
	struct umm_task *child, *grandchild = NULL;
	int err;

	if (pthread_mutex_trylock(&shared[p].layout))
		return;
	err = umm_fork(shared[p].tasks[worker->id], &child);
	EXPECT(worker, !err, err, 0);
	check_child(worker, child, p);
	if (pick(worker, 4) == 0) {
		err = umm_fork(child, &grandchild);
		EXPECT(worker, !err, err, 0);
	}
	pthread_mutex_unlock(&shared[p].layout);
	if (grandchild) {
		umm_task_exit(child);
		expect_still(worker, grandchild, COUNTERS, STILL_ALL);
		child = grandchild;
	}
	umm_task_exit(child);
}

/* A pinned page stays the process's page across a fork. */
static void pin_and_fork(struct worker *worker, uint32_t p)
{
	struct umm_task *task = shared[p].tasks[worker->id];
	uint64_t page = pick(worker, COUNTER_PAGES);
	int64_t pin;
	int err;

	if (pthread_mutex_trylock(&shared[p].layout))
		return;
	pin = umm_pin(task, page_at(page), PAGE);
	EXPECT(worker, pin >= 0, pin, 0);
	if (pick(worker, 2)) {
		struct umm_task *child;

		err = umm_fork(task, &child);
		EXPECT(worker, !err, err, 0);
		add_own_slot(worker, p, page);
		umm_task_exit(child);
	}
	add_own_slot(worker, p, page);
	err = umm_unpin(task, pin);
	EXPECT(worker, !err, err, 0);
	pthread_mutex_unlock(&shared[p].layout);
}

/* ---- scratch mappings ---- */

/* Says process and address above, a number of the writer below. */
static uint64_t tag_of(uint32_t p, uint64_t addr)
{
	uint64_t z = (addr / PAGE) * 0x9e3779b97f4a7c15ull + shared[p].id;

	z = (z ^ (z >> 31)) * 0x94d049bb133111ebull;
	return (z ^ (z >> 29)) << 20;
}

static void expect_tag_or_zero(struct worker *worker, uint32_t p, uint64_t addr, uint64_t value)
{
	EXPECT(worker, value == 0 || (value & ~0xfffffull) == tag_of(p, addr), value,
	       tag_of(p, addr));
}

static void publish(struct worker *worker, uint32_t p, uint64_t addr)
{
	atomic_store_explicit(&shared[p].recent[pick(worker, NR_RECENT)], addr,
			      memory_order_relaxed);
}

static void write_scratch(struct worker *worker, uint32_t p, uint64_t addr, uint64_t pages)
{
	struct umm_task *task = shared[p].tasks[worker->id];

	for (uint64_t i = 0; i < pages; i++) {
		uint64_t at = addr + i * PAGE;
		uint64_t tag = tag_of(p, at) | (worker->nonce++ & 0xfffff);
		uint64_t value;
		int err = umm_load(task, at + 8, 8, &value, NULL);

		EXPECT(worker, !err && value == 0, value, 0);
		err = umm_store(task, at, 8, tag, NULL) | umm_store(task, at + 4088, 8, tag, NULL);
		EXPECT(worker, !err, err, 0);
		err = umm_load(task, at + 4088, 8, &value, NULL);
		EXPECT(worker, !err && value == tag, value, tag);
	}
}

static void expect_fresh(struct worker *worker, struct umm_task *task, uint64_t addr,
			 uint64_t pages)
{
	for (uint64_t i = 0; i < pages; i++) {
		static const uint32_t offsets[] = { 0, 2048, 4088 };

		for (uint32_t k = 0; k < 3; k++) {
			uint64_t value = 1;
			int err = umm_load(task, addr + i * PAGE + offsets[k], 8, &value, NULL);

			EXPECT(worker, !err && value == 0, value, 0);
		}
	}
}

/* Only this worker knows where it is: mapped, used, emptied, used again, cut, unmapped. */
static void use_scratch(struct worker *worker, uint32_t p)
{
	struct umm_task *task = shared[p].tasks[worker->id];
	uint64_t pages = 1 + pick(worker, 96);
	uint64_t cut = pick(worker, pages);
	int populate = pick(worker, 4) ? 0 : MAP_POPULATE;
	int64_t addr = umm_mmap(task, 0, pages * PAGE, PROT_READ | PROT_WRITE,
				MMAP_FLAGS | populate, -1, 0);
	int err = 0;

	EXPECT(worker, addr > 0, addr, 0);
	if (pick(worker, 2))
		expect_fresh(worker, task, (uint64_t)addr, pages);
	write_scratch(worker, p, (uint64_t)addr, pages);
	publish(worker, p, (uint64_t)addr + pick(worker, pages) * PAGE);
	if (pick(worker, 2)) {
		int advice = pick(worker, 2) ? MADV_DONTNEED : MADV_COLD;

		err = umm_madvise(task, (uint64_t)addr, pages * PAGE, advice);
		EXPECT(worker, !err, err, 0);
		if (advice == MADV_DONTNEED) {
			expect_fresh(worker, task, (uint64_t)addr, pages);
			write_scratch(worker, p, (uint64_t)addr, pages);
		}
	}
	if (cut)
		err = umm_munmap(task, (uint64_t)addr, cut * PAGE);
	EXPECT(worker, !err, err, 0);
	err = umm_munmap(task, (uint64_t)addr + cut * PAGE, (pages - cut) * PAGE);
	EXPECT(worker, !err, err, 0);
}

/* Look where others map and unmap: not mapped, fresh, or written for this very place. */
static void look_at_scratch(struct worker *worker, uint32_t p)
{
	struct umm_task *task = shared[p].tasks[worker->id];

	for (uint32_t i = 0; i < 16; i++) {
		uint64_t addr = atomic_load_explicit(&shared[p].recent[pick(worker, NR_RECENT)],
						     memory_order_relaxed);
		struct umm_fault fault;
		uint64_t value = 0;
		int64_t got = 8;

		if (!addr)
			continue;
		addr += pick(worker, 2) ? 4088 : 0;
		if (pick(worker, 4)) {
			if (!access_done(worker, umm_load(task, addr, 8, &value, &fault), &fault))
				continue;
		} else {
			struct umm_iovec range = { addr, 8 };

			got = umm_process_vm_readv(worker->own, task, &value, 8, &range, 1, 0);
			if (got == -EFAULT)
				continue;
		}
		EXPECT(worker, got == 8, got, 8);
		expect_tag_or_zero(worker, p, addr & ~(uint64_t)(PAGE - 1), value);
	}
}

/* ---- threads and texts ---- */

static void short_thread(struct worker *worker, uint32_t p)
{
	struct umm_task *main_task = shared[p].tasks[worker->id], *thread;
	int err = umm_thread_create(main_task, &thread);

	EXPECT(worker, !err, err, 0);
	shared[p].tasks[worker->id] = thread;
	use_counters(worker, p);
	if (pick(worker, 2))
		use_scratch(worker, p);
	shared[p].tasks[worker->id] = main_task;
	umm_task_exit(thread);
}

static void look_at_proc(struct worker *worker, uint32_t p)
{
	static _Thread_local char text[65536];
	struct umm_task *task = shared[p].tasks[worker->id];
	uint64_t words[COUNTER_PAGES];
	int64_t len = umm_proc_maps(task, text, sizeof(text));
	int err;

	EXPECT(worker, len > 0, len, 1);
	len = umm_proc_smaps(task, COUNTERS, COUNTERS + PAGE, text, sizeof(text));
	EXPECT(worker, len >= 0, len, 0);
	len = umm_proc_smaps_rollup(task, text, sizeof(text));
	EXPECT(worker, len > 0, len, 1);
	err = umm_proc_pagemap(task, COUNTERS, COUNTER_PAGES, words);
	EXPECT(worker, !err, err, 0);
}

/* ---- */

void shared_step(struct worker *worker)
{
	uint32_t p = (uint32_t)pick(worker, NR_SHARED);

	switch (pick(worker, 16)) {
	case 0:
		change_layout(worker, p);
		break;
	case 1:
		fork_shared(worker, p);
		break;
	case 2:
		pin_and_fork(worker, p);
		break;
	case 3:
		short_thread(worker, p);
		break;
	case 4:
		look_at_proc(worker, p);
		break;
	case 5:
	case 6:
	case 7:
		use_scratch(worker, p);
		break;
	case 8:
	case 9:
		look_at_scratch(worker, p);
		break;
	default:
		use_counters(worker, p);
	}
}

void shared_check(uint32_t p)
{
	struct umm_task *task = shared[p].tasks[0];

	for (uint64_t page = 0; page < COUNTER_PAGES; page++) {
		uint64_t words[32], sum = 0;
		int err = umm_read(task, page_at(page), words, sizeof(words), NULL);

		EXPECT(&workers[0], !err, err, 0);
		for (uint32_t w = 0; w < nr_workers; w++) {
			const struct worker *worker = &workers[w];

			sum += worker->added[p][page];
			EXPECT(worker, words[w + 1] == worker->slot[p][page], words[w + 1],
			       worker->slot[p][page]);
			EXPECT(worker, words[w + 9] == worker->remote[p][page], words[w + 9],
			       worker->remote[p][page]);
		}
		EXPECT(&workers[0], words[0] == sum, words[0], sum);
	}
}
