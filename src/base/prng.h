/* SPDX-License-Identifier: MIT */
/* A small seeded generator (SplitMix64): one word of state, equal on every build. */
#ifndef BASE_PRNG_H
#define BASE_PRNG_H

#include "base/types.h"

struct prng {
	u64 state;
};

static inline void prng_seed(struct prng *rng, u64 seed)
{
	rng->state = seed;
}

static inline u64 prng_next(struct prng *rng)
{
	u64 z = rng->state += 0x9e3779b97f4a7c15ull;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

/* Uniform in [0, bound), bound > 0; the bias for the bounds in use is below 2^-32. */
static inline u64 prng_below(struct prng *rng, u64 bound)
{
	return (u64)(((unsigned __int128)prng_next(rng) * bound) >> 64);
}

#endif
