/* SPDX-License-Identifier: MIT */
/*
 * Ops on userfaultfds. Nobody is there to resolve a fault, as a case has one op at a time: every
 * descriptor is told to end faults with SIGBUS, and asks for no events, which would be waited for.
 */
#include <string.h>

#include "scenario/fuzz_internal.h"

enum { REGISTER, UNREGISTER, WAKE, COPY, ZEROPAGE, MOVE, WRITEPROTECT, CONTINUE, POISON, NR_PLAIN };
#define API 0x3f
#define API_VERSION 0xaa
#define NONBLOCK 04000
#define USER_MODE_ONLY 1

#define FEATURE_WP (1u << 0)
#define FEATURE_EVENTS (0xeu | 1u << 6)
#define FEATURE_SIGBUS (1u << 7)
#define FEATURE_WP_UNPOPULATED (1u << 13)
#define FEATURE_WP_ASYNC (1u << 15)
#define FEATURES_KNOWN 0x1ffffu

/* What each structure holds, in words: a start, s source, l length, m mode, r result. */
static const char *const shapes[NR_PLAIN] = {
	[REGISTER] = "almr",    [UNREGISTER] = "al", [WAKE] = "al",
	[COPY] = "aslmr",       [ZEROPAGE] = "almr", [MOVE] = "aslmr",
	[WRITEPROTECT] = "alm", [CONTINUE] = "almr", [POISON] = "almr",
};

/* The number of the ioctl, as the kernel's headers make it. */
static uint64_t command(unsigned nr, size_t words)
{
	uint64_t direction = nr == UNREGISTER || nr == WAKE ? 2 : 3;

	return direction << 30 | words * sizeof(uint64_t) << 16 | 0xaa << 8 | nr;
}

/* The feature bits of a descriptor that makes nobody wait. */
static uint64_t some_features(struct fuzz_gen *gen)
{
	uint64_t features = FEATURE_SIGBUS;

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
	op->args[1] = command(API, 3);
	op->args[2] = fuzz_bad(gen, 3) ? 0xab : API_VERSION;
	op->args[3] = some_features(gen);
}

static unsigned some_command(struct fuzz_gen *gen)
{
	static const uint8_t usual[] = { REGISTER,     REGISTER,     REGISTER, COPY,
					 COPY,         ZEROPAGE,     MOVE,     MOVE,
					 WRITEPROTECT, WRITEPROTECT, CONTINUE, POISON,
					 WRITEPROTECT, UNREGISTER,   WAKE };

	return PICK(gen, usual);
}

static uint64_t some_mode(struct fuzz_gen *gen, unsigned nr)
{
	uint64_t mode = 0;

	if (nr == REGISTER)
		mode = 1 + fuzz_below(gen, 7);
	else if (nr == WRITEPROTECT)
		mode = fuzz_chance(gen, 60) ? 1 : 0;
	else if (nr == COPY || nr == CONTINUE || nr == MOVE)
		mode = fuzz_chance(gen, 40) ? 2 : 0;
	/* Nobody waits, so waking makes no difference but in what is refused. */
	if (nr != REGISTER && fuzz_chance(gen, 10))
		mode |= nr == WRITEPROTECT ? 2 : 1;
	if (fuzz_bad(gen, 3))
		mode = fuzz_below(gen, 16);
	return mode;
}

/* The first range is where, the second one from where. */
static void gen_plain(struct fuzz_gen *gen, struct fuzz_op *op)
{
	unsigned nr = some_command(gen);

	op->args[1] = command(nr, strlen(shapes[nr]));
	op->args[2] = some_mode(gen, nr);
	op->nr_ranges = 2;
	for (unsigned i = 0; i < 2; i++) {
		op->ranges[i].addr = fuzz_some_page(gen, &op->range_base[i]);
		if (fuzz_bad(gen, 2))
			op->ranges[i].addr += 1 + fuzz_below(gen, PAGE - 1);
	}
	op->ranges[0].len_bytes = fuzz_some_length(gen);
}

static uint32_t some_descriptor(struct fuzz_gen *gen)
{
	return gen->uffds[fuzz_below(gen, gen->nr_uffds)];
}

void fuzz_gen_uffd(struct fuzz_gen *gen, struct fuzz_op *op)
{
	if (!gen->nr_uffds || (gen->nr_uffds < FUZZ_MAX_UFFDS && fuzz_chance(gen, 8))) {
		op->kind = SCN_USERFAULTFD;
		op->args[0] = NONBLOCK | (fuzz_chance(gen, 10) ? USER_MODE_ONLY : 0);
		if (fuzz_bad(gen, 3))
			op->args[0] |= 2;
		return;
	}
	op->base = some_descriptor(gen);
	if (gen->uffd_fresh) {
		/* Nothing goes before the handshake. */
		op->base = gen->uffd_fresh;
		gen->uffd_fresh = 0;
		op->kind = SCN_IOCTL;
		gen_api(gen, op);
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
		gen_plain(gen, op);
}

void fuzz_learn_uffd(struct fuzz_gen *gen, const struct fuzz_op *op)
{
	if (gen->nr_uffds == FUZZ_MAX_UFFDS)
		return;
	gen->uffds[gen->nr_uffds++] = op->id;
	gen->uffd_fresh = op->id;
}

size_t fuzz_uffd_structure(const struct fuzz_op *op, const struct umm_iovec *ranges,
			   uint64_t *words)
{
	unsigned nr = op->args[1] & 0xff;
	size_t count = 0;

	if (nr == API) {
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
	static const char *const methods[NR_PLAIN] = {
		"uffd_register",     "uffd_unregister", "uffd_wake",
		"uffd_copy",         "uffd_zeropage",   "uffd_move",
		"uffd_writeprotect", "uffd_continue",   "uffd_poison",
	};
	unsigned nr = op->args[1] & 0xff;

	*ret_method = nr == API ? "uffd_api" : methods[nr];
	return nr == API ? "fv" : shapes[nr];
}
