/* SPDX-License-Identifier: MIT */
/*
 * A lock that two threads can have at once: found, shown in as few switches as it takes, mended,
 * and every interleaving of the mended one seen.
 */
#include <stdio.h>

#include <usermm/explore.h>

static struct {
	int lock, inside;
} shared;

static void reset(void *arg)
{
	(void)arg;
	shared.lock = 0;
	shared.inside = 0;
}

/* Between the look and the store somebody else may look. */
static void lock_broken(void)
{
	umm_await_not(&shared.lock, 1, UMM_ACQUIRE);
	umm_store(&shared.lock, 1, UMM_RELAXED);
}

static void lock_mended(void)
{
	while (umm_exchange(&shared.lock, 1, UMM_ACQUIRE))
		umm_await_not(&shared.lock, 1, UMM_RELAXED);
}

static void thread(void *lock, unsigned self)
{
	(void)self;
	((void (*)(void))lock)();
	umm_expect(umm_fetch_add(&shared.inside, 1, UMM_RELAXED) == 0);
	umm_fetch_add(&shared.inside, -1, UMM_RELAXED);
	umm_store(&shared.lock, 0, UMM_RELEASE);
}

/* True: no failure, and nothing left to see. */
static bool explore_lock(const char *name, void (*lock)(void))
{
	struct umm_exploration exploration;
	struct umm_explored explored;
	static char listing[8192];

	umm_exploration_init(&exploration);
	exploration.name = name;
	exploration.arg = (void *)lock;
	exploration.threads = 2;
	exploration.reset = reset;
	exploration.thread = thread;
	exploration.stack_only = true;
	if (umm_explore(&exploration, &explored))
		return false;
	printf("%s: %llu executions, %s\n", name, (unsigned long long)explored.executions,
	       explored.failures ? explored.failure : "no failure");
	if (explored.failures && !umm_explore_minimise(&exploration) &&
	    umm_explore_listing(&exploration, listing, sizeof(listing)))
		printf("%s\n", listing);
	return !explored.failures && explored.complete;
}

int main(void)
{
	bool broken = explore_lock("broken", lock_broken);
	bool mended = explore_lock("mended", lock_mended);

	return broken || !mended;
}
