/* SPDX-License-Identifier: MIT */
/*
 * Ops on userfaultfds. In some cases every descriptor is told to end faults with SIGBUS, and asks
 * for no events, so that nobody waits; in the others handlers answer (fuzz_handler.h).
 */
#include <linux/mman.h>
#include <string.h>
#include <sys/mman.h>

#include "scenario/fuzz_handler.h"
#include "scenario/fuzz_internal.h"

#define API_VERSION 0xaa
#define NONBLOCK 04000
#define USER_MODE_ONLY 1

#define REGISTER_WP 2
#define REGISTER_MINOR 4
#define PROTECT 1

#define FEATURE_EVENTS (0xeu | 1u << 6)
#define FEATURE_SIGBUS (1u << 7)
#define FEATURE_WP_UNPOPULATED (1u << 13)
#define FEATURE_WP_ASYNC (1u << 15)
#define FEATURES_KNOWN 0x1ffffu

/* What each structure holds, in words: a start, s source, l length, m mode, r result. */
static const char *const shapes[FUZZ_UFFD_NR_PLAIN] = {
	[FUZZ_UFFD_REGISTER] = "almr",    [FUZZ_UFFD_UNREGISTER] = "al",
	[FUZZ_UFFD_WAKE] = "al",          [FUZZ_UFFD_COPY] = "aslmr",
	[FUZZ_UFFD_ZEROPAGE] = "almr",    [FUZZ_UFFD_MOVE] = "aslmr",
	[FUZZ_UFFD_WRITEPROTECT] = "alm", [FUZZ_UFFD_CONTINUE] = "almr",
	[FUZZ_UFFD_POISON] = "almr",
};

/* As the kernel's headers make it. */
uint64_t fuzz_uffd_command(unsigned nr)
{
	uint64_t direction = nr == FUZZ_UFFD_UNREGISTER || nr == FUZZ_UFFD_WAKE ? 2 : 3;
	size_t words = nr == FUZZ_UFFD_API ? 3 : strlen(shapes[nr]);

	return direction << 30 | words * sizeof(uint64_t) << 16 | 0xaa << 8 | nr;
}

static uint64_t some_features(struct fuzz_gen *gen)
{
	bool waits = gen->handled && fuzz_chance(gen, 85);
	uint64_t features = waits ? 0 : FEATURE_SIGBUS;

	if (waits && fuzz_chance(gen, 60))
		features |= fuzz_draw(gen) & FEATURE_EVENTS;
	if (fuzz_chance(gen, 30))
		features |= FEATURE_WP_UNPOPULATED;
	if (fuzz_chance(gen, 10))
		features |= FEATURE_WP_ASYNC;
	if (fuzz_chance(gen, 20))
		features |= fuzz_draw(gen) & FEATURES_KNOWN & ~(FEATURE_EVENTS | FEATURE_WP_ASYNC);
	if (fuzz_bad(gen, 3))
		features |= 1ull << (17 + fuzz_below(gen, 47));
	return features;
}

static void gen_api(struct fuzz_gen *gen, struct fuzz_op *op)
{
	op->args[1] = fuzz_uffd_command(FUZZ_UFFD_API);
	op->args[2] = fuzz_bad(gen, 3) ? 0xab : API_VERSION;
	op->args[3] = some_features(gen);
}

static unsigned some_command(struct fuzz_gen *gen)
{
	static const uint8_t usual[] = {
		FUZZ_UFFD_REGISTER,     FUZZ_UFFD_REGISTER,   FUZZ_UFFD_REGISTER,
		FUZZ_UFFD_COPY,         FUZZ_UFFD_COPY,       FUZZ_UFFD_ZEROPAGE,
		FUZZ_UFFD_MOVE,         FUZZ_UFFD_MOVE,       FUZZ_UFFD_WRITEPROTECT,
		FUZZ_UFFD_WRITEPROTECT, FUZZ_UFFD_CONTINUE,   FUZZ_UFFD_POISON,
		FUZZ_UFFD_WRITEPROTECT, FUZZ_UFFD_UNREGISTER, FUZZ_UFFD_WAKE
	};

	return PICK(gen, usual);
}

static uint64_t some_mode(struct fuzz_gen *gen, unsigned nr, bool shared)
{
	uint64_t mode = 0;

	if (nr == FUZZ_UFFD_REGISTER)
		/* Minor faults are of shared memory. */
		mode = 1 + fuzz_below(gen, shared || fuzz_bad(gen, 5) ? 7 : 3);
	else if (nr == FUZZ_UFFD_WRITEPROTECT)
		mode = fuzz_chance(gen, 60) ? 1 : 0;
	else if (nr == FUZZ_UFFD_COPY || nr == FUZZ_UFFD_CONTINUE || nr == FUZZ_UFFD_MOVE)
		mode = fuzz_chance(gen, 40) ? 2 : 0;
	/* Nobody waits, so waking makes no difference but in what is refused. */
	if (nr != FUZZ_UFFD_REGISTER && fuzz_chance(gen, 10))
		mode |= nr == FUZZ_UFFD_WRITEPROTECT ? 2 : 1;
	if (fuzz_bad(gen, 3))
		mode = fuzz_below(gen, 16);
	if (nr == FUZZ_UFFD_REGISTER && gen->no_minor)
		mode &= ~(uint64_t)REGISTER_MINOR;
	return mode;
}

uint64_t fuzz_page_of(struct fuzz_gen *gen, const struct fuzz_places *places, uint32_t *ret_base)
{
	const struct fuzz_place *place = &places->all[fuzz_below(gen, places->nr)];

	*ret_base = place->base;
	return place->addr + fuzz_below(gen, place->pages) * PAGE;
}

static void remember(struct fuzz_gen *gen, struct fuzz_places *places, struct fuzz_place place)
{
	unsigned i = places->nr;

	if (!place.pages)
		return;
	if (i < NR(places->all))
		places->nr++;
	else
		i = (unsigned)fuzz_below(gen, NR(places->all));
	places->all[i] = place;
}

/* Most of the time what is registered is mapped, all of it. Whether it is shared memory. */
static bool aim(struct fuzz_gen *gen, struct fuzz_op *op)
{
	const struct fuzz_place *place = gen->mapped.all;

	if (!gen->mapped.nr || fuzz_chance(gen, 20))
		return fuzz_chance(gen, 50);
	place += fuzz_chance(gen, 50) ? gen->mapped.nr - 1 : fuzz_below(gen, gen->mapped.nr);
	op->range_base[0] = place->base;
	op->ranges[0] = (struct umm_iovec){ place->addr, place->pages * PAGE };
	if (fuzz_chance(gen, 40)) {
		uint64_t skipped = fuzz_below(gen, place->pages);

		op->ranges[0].addr += skipped * PAGE;
		op->ranges[0].len_bytes = (1 + fuzz_below(gen, place->pages - skipped)) * PAGE;
	}
	return place->shared;
}

/* The first range is where, the second one from where. */
static void gen_plain(struct fuzz_gen *gen, struct fuzz_op *op, unsigned nr)
{
	op->args[1] = fuzz_uffd_command(nr);
	op->nr_ranges = 2;
	for (unsigned i = 0; i < 2; i++) {
		op->ranges[i].addr = fuzz_some_page(gen, &op->range_base[i]);
		if (fuzz_bad(gen, 2))
			op->ranges[i].addr += 1 + fuzz_below(gen, PAGE - 1);
	}
	if (gen->registered.nr && fuzz_chance(gen, 40))
		op->ranges[0].addr = fuzz_page_of(gen, &gen->registered, &op->range_base[0]);
	op->ranges[0].len_bytes = fuzz_some_length(gen);
	op->args[2] = some_mode(gen, nr, nr == FUZZ_UFFD_REGISTER && aim(gen, op));
}

static uint32_t some_descriptor(struct fuzz_gen *gen)
{
	return gen->uffds[fuzz_below(gen, gen->nr_uffds)];
}

/* Some time after it was registered: with what is there by then. */
static void gen_protect(struct fuzz_gen *gen, struct fuzz_op *op)
{
	const struct fuzz_place *place = &gen->registered.all[gen->registered.nr - 1];

	gen->to_protect = false;
	op->kind = SCN_IOCTL;
	op->args[1] = fuzz_uffd_command(FUZZ_UFFD_WRITEPROTECT);
	op->args[2] = PROTECT;
	op->nr_ranges = 2;
	op->range_base[0] = place->base;
	op->ranges[0] = (struct umm_iovec){ place->addr, place->pages * PAGE };
}

void fuzz_gen_uffd(struct fuzz_gen *gen, struct fuzz_op *op)
{
	if (!gen->nr_uffds || (gen->nr_uffds < FUZZ_MAX_UFFDS && fuzz_chance(gen, 5))) {
		op->kind = SCN_USERFAULTFD;
		op->args[0] = NONBLOCK | (fuzz_chance(gen, 10) ? USER_MODE_ONLY : 0);
		if (fuzz_bad(gen, 3))
			op->args[0] |= 2;
		return;
	}
	op->base = some_descriptor(gen);
	if (gen->to_protect && gen->registered.nr) {
		gen_protect(gen, op);
		return;
	}
	op->kind = fuzz_chance(gen, 3) ? SCN_READ_FD : fuzz_chance(gen, 3) ? SCN_POLL : SCN_IOCTL;
	if (op->kind == SCN_READ_FD)
		op->bytes = 32;
	if (op->kind != SCN_IOCTL)
		return;
	if (fuzz_chance(gen, 2))
		gen_api(gen, op);
	else
		gen_plain(gen, op, some_command(gen));
}

void fuzz_gen_handled(struct fuzz_gen *gen, struct fuzz_op *op)
{
	fuzz_gen_uffd(gen, op);
}

uint64_t fuzz_some_answers(struct fuzz_gen *gen)
{
	/* What takes memory away is rare: little would be left of a case. */
	static const uint8_t usual[] = {
		FUZZ_FILL,       FUZZ_FILL,    FUZZ_FILL,       FUZZ_FILL,   FUZZ_FILL,
		FUZZ_FILL_WP,    FUZZ_FILL_WP, FUZZ_ZEROPAGE,   FUZZ_POISON, FUZZ_WAKE_LATER,
		FUZZ_WAKE_LATER, FUZZ_AROUND,  FUZZ_AROUND,     FUZZ_BEFORE, FUZZ_MOVE,
		FUZZ_MOVE,       FUZZ_WRONG,   FUZZ_WRONG,      FUZZ_DROP,   FUZZ_READONLY,
		FUZZ_REGISTER,   FUZZ_FILL,    FUZZ_UNREGISTER,
	};
	static const uint8_t rare[] = { FUZZ_NO_ACCESS, FUZZ_UNMAP, FUZZ_CLOSE };
	uint64_t answers = 0;

	for (unsigned i = 0; i < 16; i++) {
		uint64_t how = PICK(gen, usual);

		if (fuzz_chance(gen, 3))
			how = PICK(gen, rare);
		answers = answers << 4 | how;
	}
	return answers;
}

/* Some of the pages that are to be registered are there already. */
static void open_with_pages(struct fuzz_gen *gen, struct fuzz_op *op)
{
	op->kind = SCN_MADVISE;
	op->args[0] = gen->window + fuzz_below(gen, FUZZ_PAGES) * PAGE;
	op->args[1] = fuzz_some_length(gen);
	op->args[2] = MADV_POPULATE_WRITE;
}

/* Some go again: of shared memory they stay cached, for minor faults. */
static void open_with_holes(struct fuzz_gen *gen, struct fuzz_op *op)
{
	open_with_pages(gen, op);
	op->args[2] = MADV_DONTNEED;
}

static void open_with_mapping(struct fuzz_gen *gen, struct fuzz_op *op)
{
	static const uint64_t kinds[] = { MAP_PRIVATE, MAP_SHARED };

	op->kind = SCN_MMAP;
	op->args[0] = gen->window;
	op->args[1] = FUZZ_PAGES * PAGE;
	op->args[2] = PROT_READ | PROT_WRITE;
	op->args[3] = MAP_ANONYMOUS | MAP_FIXED | PICK(gen, kinds);
	op->args[4] = UINT64_MAX;
}

static void open_with_descriptor(struct fuzz_gen *gen, struct fuzz_op *op)
{
	(void)gen;
	op->kind = SCN_USERFAULTFD;
	op->args[0] = NONBLOCK;
}

static void open_with_ioctl(struct fuzz_gen *gen, struct fuzz_op *op)
{
	op->kind = SCN_IOCTL;
	op->base = gen->uffd_fresh ? gen->uffd_fresh : some_descriptor(gen);
	if (gen->uffd_fresh)
		gen_api(gen, op);
	else
		gen_plain(gen, op, FUZZ_UFFD_REGISTER);
	gen->uffd_fresh = 0;
}

void fuzz_open_uffd(struct fuzz_gen *gen, struct fuzz_op *op)
{
	static void (*const steps[])(struct fuzz_gen * gen, struct fuzz_op * op) = {
		open_with_mapping, open_with_pages, open_with_descriptor,
		open_with_ioctl,   open_with_ioctl, open_with_holes,
	};
	unsigned step = gen->opening++;

	if (gen->opening == NR(steps))
		gen->opening = 0;
	if (steps[step] == open_with_ioctl && !gen->nr_uffds)
		open_with_descriptor(gen, op);
	else
		steps[step](gen, op);
}

void fuzz_register_again(struct fuzz_gen *gen, struct fuzz_op *op)
{
	gen->to_register &= gen->uffd_fresh != 0;
	open_with_ioctl(gen, op);
}

void fuzz_learn_uffd(struct fuzz_gen *gen, const struct fuzz_op *op)
{
	unsigned type = op->args[3] & MAP_TYPE;
	bool absolute = (op->args[3] & MAP_FIXED) && !op->base;

	if (op->kind == SCN_USERFAULTFD && gen->nr_uffds < FUZZ_MAX_UFFDS) {
		gen->uffds[gen->nr_uffds++] = op->id;
		gen->uffd_fresh = op->id;
		gen->uffd_maker = op->task;
	} else if (op->kind == SCN_MMAP) {
		remember(gen, &gen->mapped,
			 (struct fuzz_place){ .base = absolute ? 0 : op->id,
					      .addr = absolute ? op->args[0] : 0,
					      .pages = op->args[1] / PAGE,
					      .shared = type != MAP_PRIVATE });
		/* Soon registered, or else the next ones take its place. */
		gen->to_register = gen->nr_uffds && fuzz_chance(gen, 50);
	} else if (op->kind == SCN_IOCTL && op->args[1] == fuzz_uffd_command(FUZZ_UFFD_REGISTER)) {
		gen->to_protect = (op->args[2] & REGISTER_WP) && fuzz_chance(gen, 50);
		remember(gen, &gen->registered,
			 (struct fuzz_place){ .base = op->range_base[0],
					      .addr = op->ranges[0].addr,
					      .pages = op->ranges[0].len_bytes / PAGE });
	}
}

size_t fuzz_uffd_structure(const struct fuzz_op *op, const struct umm_iovec *ranges,
			   uint64_t *words)
{
	unsigned nr = op->args[1] & 0xff;
	size_t count = 0;

	if (nr == FUZZ_UFFD_API) {
		words[0] = op->args[2];
		words[1] = op->args[3];
		words[2] = 0;
		return 3 * sizeof(*words);
	}
	for (const char *shape = shapes[nr]; *shape; shape++) {
		words[count++] = *shape == 'a' ? ranges[0].addr :
				 *shape == 's' ? ranges[1].addr :
				 *shape == 'l' ? ranges[0].len_bytes :
				 *shape == 'm' ? op->args[2] :
						 0;
	}
	return count * sizeof(*words);
}

const char *fuzz_uffd_shape(const struct fuzz_op *op, const char **ret_method)
{
	static const char *const methods[FUZZ_UFFD_NR_PLAIN] = {
		"uffd_register",     "uffd_unregister", "uffd_wake",
		"uffd_copy",         "uffd_zeropage",   "uffd_move",
		"uffd_writeprotect", "uffd_continue",   "uffd_poison",
	};
	unsigned nr = op->args[1] & 0xff;

	*ret_method = nr == FUZZ_UFFD_API ? "uffd_api" : methods[nr];
	return nr == FUZZ_UFFD_API ? "fv" : shapes[nr];
}
