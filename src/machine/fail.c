/* SPDX-License-Identifier: MIT */
#include "machine/fail.h"

#include "base/uapi.h"
#include "machine/machine.h"

static const char *const site_names[NR_FAIL_SITES] = {
#define X(id, name) [id] = name,
	PAGE_FAIL_SITES(X)
#undef X
#define X(id, name) [FAIL_SLAB_FIRST + id] = name,
		KMEM_CACHES(X)
#undef X
};

_Static_assert(NR_FAIL_SITES <= 64, "a set of sites is one word");

#define PAGE_SITES (BIT(NR_PAGE_FAIL_SITES) - 1)
#define ALL_SITES (BIT(NR_FAIL_SITES) - 1)

void fail_init(struct machine *m)
{
	spin_lock_init(&m->fail.lock, LC_FAIL);
	m->fail.armed = 0;
}

const char *fail_site_name(unsigned site)
{
	return site < NR_FAIL_SITES ? site_names[site] : NULL;
}

/* The set that a name stands for; 0: none. */
static u64 site_set(const char *name)
{
	if (!name)
		return ALL_SITES;
	if (strcmp(name, "page") == 0)
		return PAGE_SITES;
	if (strcmp(name, "slab") == 0)
		return ALL_SITES & ~PAGE_SITES;
	for (unsigned site = 0; site < NR_FAIL_SITES; site++) {
		if (strcmp(name, site_names[site]) == 0)
			return BIT(site);
	}
	return 0;
}

int fail_set(struct machine *m, const struct umm_fail *fail)
{
	struct fail_state *state = &m->fail;

	if (!fail) {
		spin_lock(&state->lock);
		quiet_store(&state->armed, 0);
		spin_unlock(&state->lock);
		return 0;
	}
	u64 sites = site_set(fail->site);

	/* Written so that a NaN is refused too. */
	if (!sites || fail->order < -1 || !(fail->probability >= 0 && fail->probability <= 1))
		return -EINVAL;

	spin_lock(&state->lock);
	state->site_mask = sites;
	state->order = fail->order;
	state->nth = fail->nth;
	state->probability_32 = fail->nth ? 0 : (u64)(fail->probability * 4294967296.0);
	state->seen = 0;
	state->failed = 0;
	prng_seed(&state->rng, m->config.seed ^ 0x6661696c);
	quiet_store(&state->armed, 1);
	spin_unlock(&state->lock);
	return 0;
}

void fail_stats(struct machine *m, u64 *ret_seen, u64 *ret_failed)
{
	spin_lock(&m->fail.lock);
	*ret_seen = m->fail.seen;
	*ret_failed = m->fail.failed;
	spin_unlock(&m->fail.lock);
}

bool should_fail_slow(struct machine *m, enum fail_site site, unsigned order)
{
	struct fail_state *state = &m->fail;
	bool fails = false;

	spin_lock(&state->lock);
	if (state->armed && (state->site_mask & BIT(site)) &&
	    (state->order < 0 || (unsigned)state->order == order)) {
		state->seen++;
		if (state->nth)
			fails = --state->nth == 0;
		else if (state->probability_32)
			fails = (prng_next(&state->rng) >> 32) < state->probability_32;
		state->failed += fails;
	}
	spin_unlock(&state->lock);
	if (fails)
		trace(m, TRACE_FAIL, site, order);
	return fails;
}
