/* SPDX-License-Identifier: MIT */
/*
 * Which op comes next.
 *
 * Most of a case happens in a window of few pages, so that its steps meet: neighbours merge,
 * ranges overlap, a fork's child and its parent write the same page. Where the window lies
 * differs from case to case: in the middle of nowhere, across the border of a page table of
 * each level, right above the heap. Some addresses are left to the kernel and spoken of
 * relative to what it returned.
 *
 * Every case leaves a random part of the classes of ops out: what happens only when nothing
 * ever calls mlock, say, would else be rare. What a machine could suffer from is not made at
 * all: poisoning of real memory, populating or locking more than a few MiB.
 */
#include <linux/mman.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "scenario/fuzz_internal.h"

#ifndef MAP_DROPPABLE
#define MAP_DROPPABLE 0x08
#endif
#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#define MADV_GUARD_REMOVE 103
#endif

/* ---- chance --------------------------------------------------------------------------- */

uint64_t fuzz_draw(struct fuzz_gen *gen)
{
	uint64_t z = gen->rng += 0x9e3779b97f4a7c15ull;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

uint64_t fuzz_below(struct fuzz_gen *gen, uint64_t bound)
{
	return fuzz_draw(gen) % bound;
}

bool fuzz_chance(struct fuzz_gen *gen, unsigned percent)
{
	return fuzz_below(gen, 100) < percent;
}

bool fuzz_bad(struct fuzz_gen *gen, unsigned percent)
{
	return fuzz_chance(gen, percent) && gen->bad_input;
}

#define FUZZ_FINAL_READS 6

/* ---- places --------------------------------------------------------------------------- */

static const uint64_t windows[] = {
	0x10000000,
	0x20000000 - 8 * PAGE,   /* two tables of entries */
	0x80000000 - 8 * PAGE,   /* two of middle directories; the end of MAP_32BIT */
	0x8000000000 - 8 * PAGE, /* two of upper directories */
	WINDOW_BRK_START + 6 * PAGE,
	0x10000, /* the lowest address there is to have */
};

static const uint64_t odd_addresses[] = {
	0,
	PAGE,
	0x7fffffffe000,
	0x7ffffffff000,
	0x800000000000,
	0xffff800000000000,
	0xfffffffffffff000,
	0xffffffffffffffff,
};

static const uint64_t odd_lengths[] = {
	0,
	1,
	PAGE - 1,
	PAGE + 1,
	3 * PAGE - 5,
	0x7fffffffffff,
	0x800000000000,
	0xfffffffffffff000,
	0xffffffffffffffff,
	0x8000000000000000,
};

static uint64_t some_pages(struct fuzz_gen *gen)
{
	uint64_t most = fuzz_chance(gen, 70) ? 4 : fuzz_chance(gen, 80) ? 8 : FUZZ_PAGES;

	return 1 + fuzz_below(gen, most);
}

uint64_t fuzz_some_length(struct fuzz_gen *gen)
{
	if (fuzz_bad(gen, 4))
		return PICK(gen, odd_lengths);
	return some_pages(gen) * PAGE - (fuzz_chance(gen, 5) ? fuzz_below(gen, PAGE) : 0);
}

static uint64_t window_page(struct fuzz_gen *gen)
{
	return gen->window + fuzz_below(gen, FUZZ_PAGES) * PAGE;
}

/* A page: absolute, or relative to what an earlier op returned (*ret_base). */
uint64_t fuzz_some_page(struct fuzz_gen *gen, uint32_t *ret_base)
{
	*ret_base = 0;
	if (gen->registered.nr && fuzz_chance(gen, 40))
		return fuzz_page_of(gen, &gen->registered, ret_base);
	if (gen->nr_regions && fuzz_chance(gen, 30)) {
		const struct fuzz_region *region = &gen->regions[fuzz_below(gen, gen->nr_regions)];
		uint64_t pages = region->pages + (fuzz_chance(gen, 10) ? 2 : 0);

		*ret_base = region->op;
		return fuzz_below(gen, pages) * PAGE;
	}
	if (fuzz_chance(gen, 3))
		return WINDOW_BRK_START + fuzz_below(gen, 4) * PAGE;
	return window_page(gen);
}

static uint64_t some_address(struct fuzz_gen *gen, uint32_t *ret_base)
{
	uint64_t page;

	if (fuzz_bad(gen, 2)) {
		*ret_base = 0;
		return PICK(gen, odd_addresses);
	}
	page = fuzz_some_page(gen, ret_base);
	return page + (fuzz_bad(gen, 2) ? 1 + fuzz_below(gen, PAGE - 1) : 0);
}

/* The range of a call: args 0 and 1. */
static void some_range(struct fuzz_gen *gen, struct fuzz_op *op)
{
	op->args[0] = some_address(gen, &op->base);
	op->args[1] = fuzz_some_length(gen);
}

/* Where an access goes: near the ends of a page most of the time. */
static void some_byte(struct fuzz_gen *gen, struct fuzz_op *op)
{
	op->args[0] = fuzz_some_page(gen, &op->base);
	if (fuzz_bad(gen, 2)) {
		op->base = 0;
		op->args[0] = PICK(gen, odd_addresses);
	} else if (fuzz_chance(gen, 20)) {
		op->args[0] += PAGE - 1 - fuzz_below(gen, 16);
	} else if (fuzz_chance(gen, 40)) {
		op->args[0] += fuzz_below(gen, 8) * 8;
	}
}

uint8_t fuzz_some_fill(struct fuzz_gen *gen)
{
	/* Instructions of one byte that change nothing but flags and registers. */
	static const uint8_t harmless[] = { 0x90, 0x98, 0x99, 0xf5, 0xf8, 0xf9, 0xfc };

	return gen->printable ? (uint8_t)('a' + fuzz_below(gen, 26)) : PICK(gen, harmless);
}

static unsigned nr_processes(const struct fuzz_gen *gen)
{
	unsigned nr = 0;

	for (unsigned i = 0; i < gen->nr_tasks; i++)
		nr += gen->tasks[i].op == gen->tasks[i].process;
	return nr;
}

static const struct fuzz_task *some_task(struct fuzz_gen *gen)
{
	return &gen->tasks[fuzz_below(gen, gen->nr_tasks)];
}

static uint32_t process_of(const struct fuzz_gen *gen, uint32_t task)
{
	for (unsigned i = 0; i < gen->nr_tasks; i++) {
		if (gen->tasks[i].op == task)
			return gen->tasks[i].process;
	}
	return task;
}

static bool has_threads(const struct fuzz_gen *gen, uint32_t process)
{
	for (unsigned i = 0; i < gen->nr_tasks; i++) {
		if (gen->tasks[i].process == process && gen->tasks[i].op != process)
			return true;
	}
	return false;
}

/* Classes that others look at; by their place in the table below. */
#define CLASS_MLOCK 1u
#define CLASS_MREMAP 2u

/* ---- the classes of ops --------------------------------------------------------------- */

uint64_t fuzz_some_prot(struct fuzz_gen *gen)
{
	static const uint8_t usual[] = { 1, 3, 3, 3, 3, 7, 0, 2, 4, 5, 6 };

	return PICK(gen, usual);
}

/*
 * A stack above the image of the puppet would meet a fault below the image in the model, but
 * not in the puppet, where the image is in between.
 */
static bool may_grow(const struct fuzz_gen *gen, uint64_t placement)
{
	if (gen->window >= WINDOW_HOLE_END)
		return true;
	return (placement & MAP_FIXED) && !(gen->classes & CLASS_MREMAP);
}

static uint64_t map_flags(struct fuzz_gen *gen, uint64_t placement)
{
	static const struct {
		uint32_t flag;
		unsigned percent;
	} extra[] = {
		{ MAP_GROWSDOWN, 4 },  { MAP_POPULATE, 8 }, { MAP_NORESERVE, 5 },
		{ MAP_LOCKED, 3 },     { MAP_NONBLOCK, 3 }, { MAP_STACK, 3 },
		{ MAP_32BIT, 3 },      { 0x80, 1 },         { MAP_DENYWRITE, 1 },
		{ MAP_EXECUTABLE, 1 }, { MAP_SYNC, 1 },
	};
	uint64_t flags = MAP_ANONYMOUS | (fuzz_chance(gen, 4)  ? MAP_DROPPABLE :
					  fuzz_chance(gen, 12) ? MAP_SHARED :
								 MAP_PRIVATE);

	for (unsigned i = 0; i < NR(extra); i++) {
		if (!fuzz_chance(gen, extra[i].percent) ||
		    (extra[i].flag == MAP_LOCKED && !(gen->classes & CLASS_MLOCK)) ||
		    (extra[i].flag == MAP_GROWSDOWN && !may_grow(gen, placement)))
			continue;
		flags |= extra[i].flag;
	}
	if (fuzz_bad(gen, 2))
		flags = (flags & ~0xfull) | fuzz_below(gen, 16);
	if (fuzz_bad(gen, 1))
		flags &= ~(uint64_t)MAP_ANONYMOUS;
	if (fuzz_bad(gen, 1))
		flags |= 1ull << (24 + fuzz_below(gen, 2));
	return flags;
}

static void mmap_common(struct fuzz_gen *gen, struct fuzz_op *op, uint64_t placement)
{
	op->kind = SCN_MMAP;
	op->args[1] = fuzz_some_length(gen);
	op->args[2] = fuzz_some_prot(gen);
	op->args[3] = map_flags(gen, placement) | placement;
	op->args[4] = UINT64_MAX;
	op->args[5] = fuzz_bad(gen, 2) ? fuzz_below(gen, 3) * 2048 : 0;
	if (gen->nr_uffds && fuzz_chance(gen, 50))
		op->args[2] = PROT_READ | PROT_WRITE;
	if (fuzz_uses_files(gen) && fuzz_chance(gen, 40))
		fuzz_map_file(gen, op);
}

static void gen_mmap(struct fuzz_gen *gen, struct fuzz_op *op)
{
	mmap_common(gen, op, 0);
	if (fuzz_chance(gen, 3))
		op->args[1] = (512 + fuzz_below(gen, 3) - 1) * PAGE;
	if (fuzz_chance(gen, 30))
		op->args[0] = some_address(gen, &op->base);
}

static void gen_mmap_fixed(struct fuzz_gen *gen, struct fuzz_op *op)
{
	mmap_common(gen, op, fuzz_chance(gen, 85) ? MAP_FIXED : MAP_FIXED_NOREPLACE);
	op->args[0] = fuzz_bad(gen, 2) ? some_address(gen, &op->base) : window_page(gen);
}

static void gen_munmap(struct fuzz_gen *gen, struct fuzz_op *op)
{
	op->kind = SCN_MUNMAP;
	some_range(gen, op);
}

static void gen_mprotect(struct fuzz_gen *gen, struct fuzz_op *op)
{
	op->kind = SCN_MPROTECT;
	some_range(gen, op);
	op->args[2] = fuzz_some_prot(gen);
	if (fuzz_chance(gen, 3))
		op->args[2] |= PROT_GROWSDOWN;
	if (fuzz_bad(gen, 2))
		op->args[2] |= PROT_GROWSUP;
	if (fuzz_bad(gen, 2))
		op->args[2] |= 1ull << fuzz_below(gen, 8);
}

static void gen_mremap(struct fuzz_gen *gen, struct fuzz_op *op)
{
	static const uint8_t usual[] = { 0, 1, 1, 1, 3, 3, 5, 5, 7 };

	op->kind = SCN_MREMAP;
	some_range(gen, op);
	op->args[2] = fuzz_chance(gen, 30) ? op->args[1] : fuzz_some_length(gen);
	op->args[3] = PICK(gen, usual);
	if (fuzz_bad(gen, 4))
		op->args[3] = fuzz_below(gen, 16);
	if ((op->args[3] & 4) && fuzz_chance(gen, 80))
		op->args[2] = op->args[1];
	if (op->args[3] & 6)
		op->args[4] = some_address(gen, &op->base_new);
}

static void gen_madvise(struct fuzz_gen *gen, struct fuzz_op *op)
{
	static const uint8_t usual[] = {
		MADV_DONTNEED,
		MADV_DONTNEED,
		MADV_FREE,
		MADV_DONTFORK,
		MADV_DOFORK,
		MADV_WIPEONFORK,
		MADV_KEEPONFORK,
		MADV_COLD,
		MADV_POPULATE_READ,
		MADV_POPULATE_WRITE,
		MADV_DONTNEED_LOCKED,
		MADV_GUARD_INSTALL,
		MADV_GUARD_REMOVE,
		MADV_NORMAL,
		MADV_RANDOM,
		MADV_SEQUENTIAL,
		MADV_WILLNEED,
		MADV_DONTDUMP,
		MADV_DODUMP,
		MADV_REMOVE,
		MADV_PAGEOUT,
		MADV_HUGEPAGE,
		MADV_NOHUGEPAGE,
		MADV_MERGEABLE,
		MADV_UNMERGEABLE,
		MADV_COLLAPSE,
	};
	/* Known to nobody: between the blocks of numbers that mean something. */
	static const uint8_t unknown[] = { 5, 6, 7, 26, 50, 99, 104, 255 };

	op->kind = SCN_MADVISE;
	some_range(gen, op);
	op->args[2] = fuzz_bad(gen, 2) ? PICK(gen, unknown) : PICK(gen, usual);
	/* Over a marker in shared memory the kernel tries for ever to put a guard. */
	if (gen->nr_uffds && op->args[2] == MADV_GUARD_INSTALL)
		op->args[2] = MADV_COLD;
}

static void gen_mlock(struct fuzz_gen *gen, struct fuzz_op *op)
{
	static const enum scn_kind kinds[] = { SCN_MLOCK, SCN_MLOCK2, SCN_MLOCK2, SCN_MUNLOCK,
					       SCN_MUNLOCK };

	op->kind = PICK(gen, kinds);
	some_range(gen, op);
	if (op->kind == SCN_MLOCK2)
		op->args[2] = fuzz_bad(gen, 4) ? 2 : fuzz_below(gen, 2);
}

static void gen_mlockall(struct fuzz_gen *gen, struct fuzz_op *op)
{
	op->kind = fuzz_chance(gen, 40) ? SCN_MUNLOCKALL : SCN_MLOCKALL;
	if (op->kind == SCN_MLOCKALL)
		op->args[0] = fuzz_bad(gen, 5) ? fuzz_below(gen, 16) : 1 + fuzz_below(gen, 7);
}

static void gen_mincore(struct fuzz_gen *gen, struct fuzz_op *op)
{
	op->kind = SCN_MINCORE;
	some_range(gen, op);
	if (op->args[1] / PAGE > 1024 && op->args[1] < WINDOW_END)
		op->args[1] = PAGE;
}

static void gen_brk(struct fuzz_gen *gen, struct fuzz_op *op)
{
	op->kind = SCN_BRK;
	op->args[0] = WINDOW_BRK_START + fuzz_below(gen, 12) * PAGE;
	if (fuzz_chance(gen, 20))
		op->args[0] += fuzz_below(gen, PAGE);
	if (fuzz_chance(gen, 5))
		op->args[0] = 0;
}

static void gen_msync(struct fuzz_gen *gen, struct fuzz_op *op)
{
	op->kind = SCN_MSYNC;
	some_range(gen, op);
	op->args[2] = fuzz_below(gen, fuzz_bad(gen, 10) ? 16 : 8);
}

static void gen_process(struct fuzz_gen *gen, struct fuzz_op *op)
{
	(void)gen;
	op->kind = SCN_PROCESS;
	op->task = 0;
}

static void gen_thread(struct fuzz_gen *gen, struct fuzz_op *op)
{
	(void)gen;
	op->kind = SCN_THREAD;
}

static void gen_fork(struct fuzz_gen *gen, struct fuzz_op *op)
{
	(void)gen;
	op->kind = SCN_FORK;
}

/* A thread, or a process that has none and is not the only one; else nothing much. */
static void gen_exit(struct fuzz_gen *gen, struct fuzz_op *op)
{
	const struct fuzz_task *task = some_task(gen);

	op->kind = SCN_EXIT;
	op->task = task->op;
	if (task->op == task->process &&
	    (has_threads(gen, task->process) || nr_processes(gen) == 1))
		op->kind = SCN_MUNLOCKALL;
}

static void gen_vm(struct fuzz_gen *gen, struct fuzz_op *op)
{
	uint64_t total = 0;

	op->kind = fuzz_chance(gen, 50) ? SCN_VM_READV : SCN_VM_WRITEV;
	op->remote = some_task(gen)->op;
	op->nr_ranges = (uint8_t)(1 + fuzz_below(gen, fuzz_chance(gen, 80) ? 1 : FUZZ_MAX_RANGES));
	for (unsigned i = 0; i < op->nr_ranges; i++) {
		struct umm_iovec *range = &op->ranges[i];

		range->addr = some_address(gen, &op->range_base[i]);
		range->addr += fuzz_chance(gen, 50) ? PAGE - fuzz_below(gen, 16) : 0;
		range->len_bytes =
			fuzz_chance(gen, 60) ? 1 + fuzz_below(gen, 32) : fuzz_below(gen, PAGE);
		if (fuzz_bad(gen, 2))
			range->len_bytes = PICK(gen, odd_lengths);
		if (range->len_bytes <= 2 * PAGE)
			total += range->len_bytes;
	}
	if (fuzz_bad(gen, 5))
		total = total / 2 + fuzz_below(gen, 16);
	op->bytes = (uint32_t)(total < 2 * PAGE ? total : 2 * PAGE);
	op->fill = fuzz_some_fill(gen);
	op->args[0] = fuzz_bad(gen, 2) ? 1 : 0;
}

static void gen_pin(struct fuzz_gen *gen, struct fuzz_op *op)
{
	op->kind = SCN_PIN;
	some_range(gen, op);
	if (op->args[1] > 1ull << 28)
		op->args[1] = PAGE;
}

static void gen_unpin(struct fuzz_gen *gen, struct fuzz_op *op)
{
	op->kind = SCN_UNPIN;
	if (gen->nr_pins) {
		unsigned i = (unsigned)fuzz_below(gen, gen->nr_pins);

		op->base = gen->pins[i].op;
		op->task = gen->pins[i].task;
	}
	if (!gen->nr_pins || fuzz_bad(gen, 5)) {
		op->base = 0;
		op->args[0] = 12345;
	}
}

static void gen_read(struct fuzz_gen *gen, struct fuzz_op *op)
{
	op->kind = SCN_READ;
	some_byte(gen, op);
	op->bytes = (uint32_t)(1 + fuzz_below(gen, fuzz_chance(gen, 70) ? 16 : 3 * PAGE));
}

static void gen_write(struct fuzz_gen *gen, struct fuzz_op *op)
{
	op->kind = SCN_WRITE;
	some_byte(gen, op);
	op->bytes = (uint32_t)(1 + fuzz_below(gen, fuzz_chance(gen, 70) ? 16 : 3 * PAGE));
	op->fill = fuzz_some_fill(gen);
}

static void gen_access(struct fuzz_gen *gen, struct fuzz_op *op)
{
	static const enum scn_kind kinds[] = { SCN_LOAD, SCN_STORE,     SCN_STORE,
					       SCN_XCHG, SCN_FETCH_ADD, SCN_CMPXCHG };

	op->kind = PICK(gen, kinds);
	some_byte(gen, op);
	op->args[1] = 1ull << fuzz_below(gen, 4);
	if (op->kind >= SCN_XCHG && fuzz_chance(gen, 95))
		op->args[0] -= op->args[0] % op->args[1];
	if (op->kind != SCN_LOAD)
		op->args[2] = fuzz_chance(gen, 50) ? fuzz_below(gen, 4) : fuzz_draw(gen);
	if (op->kind == SCN_CMPXCHG)
		op->args[3] = fuzz_below(gen, 3);
}

static void gen_fetch(struct fuzz_gen *gen, struct fuzz_op *op)
{
	op->kind = SCN_FETCH;
	/* Where only whole blocks are ever written, so that what is there is harmless. */
	op->args[0] = fuzz_some_page(gen, &op->base) + PAGE / 2;
}

static bool uses(const struct fuzz_gen *gen, void (*fn)(struct fuzz_gen *, struct fuzz_op *));

static void gen_limit(struct fuzz_gen *gen, struct fuzz_op *op)
{
	static const uint8_t resources[] = { RLIMIT_AS, RLIMIT_DATA, RLIMIT_STACK, RLIMIT_MEMLOCK,
					     RLIMIT_MEMLOCK };

	/* The right is each thread's own to the kernel, the process's in the model. */
	if (fuzz_chance(gen, 20) && !has_threads(gen, process_of(gen, op->task))) {
		op->kind = SCN_CAP_IPC_LOCK;
		op->args[0] = fuzz_below(gen, 2);
		return;
	}
	op->kind = SCN_SETRLIMIT;
	op->args[0] = PICK(gen, resources);
	/* What pins on the kernel has memory of its own that counts with them. */
	if (op->args[0] == RLIMIT_MEMLOCK && uses(gen, gen_pin))
		op->args[0] = RLIMIT_AS;
	op->args[1] = fuzz_chance(gen, 15) ? 4u << 20 : fuzz_below(gen, 40) * PAGE;
}

/* The first two are CLASS_MLOCK and CLASS_MREMAP. */
static const struct op_class {
	const char *name;
	void (*gen)(struct fuzz_gen *gen, struct fuzz_op *op);
	unsigned weight;
	unsigned percent; /* of the cases have it */
} classes[] = {
	{ "mlock", gen_mlock, 5, 50 },
	{ "mremap", gen_mremap, 8, 65 },
	{ "mlockall", gen_mlockall, 1, 15 },
	{ "mmap", gen_mmap, 6, 80 },
	{ "mmap-fixed", gen_mmap_fixed, 14, 100 },
	{ "munmap", gen_munmap, 5, 75 },
	{ "mprotect", gen_mprotect, 9, 70 },
	{ "madvise", gen_madvise, 12, 75 },
	{ "mincore", gen_mincore, 1, 50 },
	{ "brk", gen_brk, 3, 40 },
	{ "msync", gen_msync, 1, 30 },
	{ "process", gen_process, 1, 30 },
	{ "fork", gen_fork, 3, 65 },
	{ "thread", gen_thread, 2, 25 },
	{ "exit", gen_exit, 2, 65 },
	{ "process-vm", gen_vm, 4, 60 },
	{ "pin", gen_pin, 2, 30 },
	{ "unpin", gen_unpin, 1, 80 },
	{ "read", gen_read, 10, 90 },
	{ "write", gen_write, 16, 100 },
	{ "access", gen_access, 6, 70 },
	{ "fetch", gen_fetch, 1, 25 },
	{ "limit", gen_limit, 2, 8 },
	{ "memfd", fuzz_gen_memfd, 3, 60 },
	{ "ftruncate", fuzz_gen_ftruncate, 3, 70 },
	{ "fallocate", fuzz_gen_fallocate, 3, 60 },
	{ "transfer", fuzz_gen_transfer, 6, 80 },
	{ "seals", fuzz_gen_seals, 1, 20 },
	{ "close", fuzz_gen_close, 1, 40 },
	{ "sync", fuzz_gen_sync, 1, 30 },
	{ "move-pages", fuzz_gen_move_pages, 1, 20 },
	{ "swap", fuzz_gen_swap, 1, 100 },
	{ "userfaultfd", fuzz_gen_uffd, 14, 55 },
	{ "handler", fuzz_gen_handled, 6, 70 },
};

const char *fuzz_class_name(unsigned index)
{
	return index < NR(classes) ? classes[index].name : NULL;
}

static bool uses(const struct fuzz_gen *gen, void (*fn)(struct fuzz_gen *, struct fuzz_op *))
{
	for (unsigned i = 0; i < NR(classes); i++) {
		if (classes[i].gen == fn)
			return gen->classes >> i & 1;
	}
	return false;
}

void fuzz_gen_init(struct fuzz_gen *gen, uint64_t seed, unsigned nr_ops, uint64_t allowed)
{
	memset(gen, 0, sizeof(*gen));
	gen->rng = seed;
	fuzz_draw(gen);
	gen->nr_ops = nr_ops < FUZZ_MAX_OPS ? nr_ops : FUZZ_MAX_OPS;
	gen->window = PICK(gen, windows);
	gen->bad_input = fuzz_chance(gen, 70);
	for (unsigned i = 0; i < NR(classes); i++) {
		if (fuzz_chance(gen, classes[i].percent))
			gen->classes |= 1ull << i;
	}
	gen->classes &= allowed;
	gen->printable = !uses(gen, gen_fetch);
	gen->files = uses(gen, fuzz_gen_memfd);
	gen->handled = uses(gen, fuzz_gen_uffd) && uses(gen, fuzz_gen_handled);
	gen->begins = uses(gen, fuzz_gen_uffd) && fuzz_chance(gen, 75);
	/* Making an area takes long: many cases in a row have swap, or none has. */
	gen->swap = uses(gen, fuzz_gen_swap) && fuzz_seed_swaps(seed);
}

/* Is it a thing to do now? */
static bool fits(const struct fuzz_gen *gen, unsigned class)
{
	void (*fn)(struct fuzz_gen *, struct fuzz_op *) = classes[class].gen;

	if (fn == gen_process || fn == gen_fork)
		return nr_processes(gen) < FUZZ_MAX_PROCESSES && gen->nr_tasks < FUZZ_MAX_TASKS;
	if (fn == gen_thread)
		return gen->nr_tasks < FUZZ_MAX_TASKS;
	if (fn == gen_exit)
		return gen->nr_tasks > 1;
	if (fn == fuzz_gen_swap)
		return gen->swap;
	if (fn == fuzz_gen_handled)
		return gen->handled;
	/* What has gone to swap may be in memory still, or not. */
	if (fn == gen_mincore)
		return !gen->swap;
	if (fn == fuzz_gen_ftruncate || fn == fuzz_gen_fallocate || fn == fuzz_gen_transfer ||
	    fn == fuzz_gen_seals || fn == fuzz_gen_close || fn == fuzz_gen_sync)
		return gen->files;
	return true;
}

static const struct op_class *some_class(struct fuzz_gen *gen)
{
	unsigned total = 0;
	uint64_t at;

	for (unsigned i = 0; i < NR(classes); i++)
		total += (gen->classes >> i & 1) && fits(gen, i) ? classes[i].weight : 0;
	if (!total)
		return NULL;
	at = fuzz_below(gen, total);
	for (unsigned i = 0; i < NR(classes); i++) {
		if (!(gen->classes >> i & 1) || !fits(gen, i))
			continue;
		if (at < classes[i].weight)
			return &classes[i];
		at -= classes[i].weight;
	}
	return NULL;
}

/* At the end some of the window is read, whole pages. */
static bool final_read(struct fuzz_gen *gen, struct fuzz_op *op)
{
	if (gen->nr_final++ >= FUZZ_FINAL_READS)
		return false;
	op->kind = SCN_VM_READV;
	op->task = op->remote = some_task(gen)->op;
	op->nr_ranges = 2;
	op->bytes = 2 * UMM_PAGE_SIZE;
	for (unsigned i = 0; i < 2; i++) {
		op->ranges[i].addr = fuzz_some_page(gen, &op->range_base[i]);
		op->ranges[i].len_bytes = PAGE;
	}
	return true;
}

/*
 * A range that wraps or ends in no man's land may still have a part that the call works on;
 * from a low address that part would be the program that a real process runs.
 */
static void keep_off_image(struct fuzz_op *op)
{
	bool low = op->base || op->args[0] < WINDOW_BRK_START;

	if (op->kind >= SCN_MUNMAP && op->kind <= SCN_MSYNC && low && op->args[1] > 2u << 20)
		op->args[1] = PAGE;
	for (unsigned i = 0; i < op->nr_ranges; i++) {
		low = op->range_base[i] || op->ranges[i].addr < WINDOW_BRK_START;
		if (low && op->ranges[i].len_bytes > 2u << 20)
			op->ranges[i].len_bytes = PAGE;
	}
}

bool fuzz_gen_next(struct fuzz_gen *gen, unsigned done, struct fuzz_op *ret_op)
{
	struct fuzz_op op = { .id = done + 1 };
	const struct op_class *class;

	if (done >= FUZZ_MAX_OPS)
		return false;
	if (!gen->nr_tasks) {
		gen_process(gen, &op);
	} else if (done == 1 && gen->swap) {
		op.task = gen->tasks[0].op;
		fuzz_swap_on(&op);
	} else if (gen->nr_final || done + FUZZ_FINAL_READS >= gen->nr_ops) {
		if (!final_read(gen, &op))
			return false;
	} else if (gen->begins) {
		op.task = gen->tasks[0].op;
		fuzz_open_uffd(gen, &op);
		gen->begins = gen->opening != 0;
	} else if (gen->uffd_fresh || gen->to_register) {
		op.task = gen->uffd_fresh ? gen->uffd_maker : some_task(gen)->op;
		fuzz_register_again(gen, &op);
	} else {
		class = some_class(gen);
		if (!class)
			return false;
		op.task = some_task(gen)->op;
		class->gen(gen, &op);
	}
	keep_off_image(&op);
	if (gen->handled)
		op.answers = fuzz_some_answers(gen);
	*ret_op = op;
	return true;
}

static void remember_region(struct fuzz_gen *gen, uint32_t op, uint64_t bytes)
{
	unsigned i = gen->nr_regions;

	if (i < FUZZ_MAX_REGIONS)
		gen->nr_regions++;
	else
		i = (unsigned)fuzz_below(gen, FUZZ_MAX_REGIONS);
	gen->regions[i].op = op;
	gen->regions[i].pages = bytes / PAGE + (bytes % PAGE != 0);
}

void fuzz_gen_learn(struct fuzz_gen *gen, const struct fuzz_op *op)
{
	bool placed_by_kernel;

	if (!op->ran || op->result < 0)
		return;
	if (uses(gen, fuzz_gen_uffd))
		fuzz_learn_uffd(gen, op);
	switch (op->kind) {
	case SCN_PROCESS:
	case SCN_FORK:
		gen->tasks[gen->nr_tasks++] = (struct fuzz_task){ op->id, op->id };
		break;
	case SCN_THREAD:
		gen->tasks[gen->nr_tasks++] =
			(struct fuzz_task){ op->id, process_of(gen, op->task) };
		break;
	case SCN_EXIT:
		for (unsigned i = 0; i < gen->nr_tasks; i++) {
			if (gen->tasks[i].op == op->task)
				gen->tasks[i] = gen->tasks[--gen->nr_tasks];
		}
		break;
	case SCN_MMAP:
	case SCN_MREMAP:
		placed_by_kernel = (uint64_t)op->result < gen->window ||
				   (uint64_t)op->result >= gen->window + FUZZ_PAGES * PAGE;
		if (placed_by_kernel && op->result)
			remember_region(gen, op->id, op->args[op->kind == SCN_MMAP ? 1 : 2]);
		break;
	case SCN_MEMFD:
		gen->nr_files++;
		break;
	case SCN_PIN:
		if (gen->nr_pins < FUZZ_MAX_REGIONS) {
			gen->pins[gen->nr_pins].op = op->id;
			gen->pins[gen->nr_pins++].task = op->task;
		}
		break;
	default:
		break;
	}
}
