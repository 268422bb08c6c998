/* SPDX-License-Identifier: MIT */
#include "sync/sync.h"
#include "base/format.h"

static const struct {
	const char *name;
	bool nests;
} classes[NR_LOCK_CLASSES] = {
#define X(id, name, nests) [id] = { name, nests },
	LOCK_CLASSES(X)
#undef X
};

const char *lock_class_name(unsigned cls)
{
	return cls < NR_LOCK_CLASSES ? classes[cls].name : "(no such class)";
}

#ifdef SYNC_CHECKED

static const char *const kind_names[] = {
	[LOCKDEP_SPIN] = "spinlock",
	[LOCKDEP_SLEEP] = "exclusive",
	[LOCKDEP_READ] = "shared",
};

static void describe(struct strbuf *sb, const struct lockdep_held *held)
{
	strbuf_printf(sb, "  %s (%s, rank %u) %p at %s\n", lock_class_name(held->class),
		      kind_names[held->kind], held->class, (void *)(uintptr_t)held->lock,
		      held->site ? held->site : "(unknown)");
}

/* Says what is wrong with `one` and lists what the thread holds. */
static _Noreturn void complain(const char *wrong, const struct lockdep_held *one)
{
	struct lockdep_stack *stack = sync_lockdep_stack();
	char text[4096];
	struct strbuf sb;

	strbuf_init(&sb, text, sizeof(text));
	strbuf_printf(&sb, "usermm: lock order: %s\n", wrong);
	describe(&sb, one);
	strbuf_printf(&sb, "held by this thread, outermost first:%s\n",
		      stack->depth ? "" : " nothing");
	for (unsigned i = 0; i < stack->depth; i++)
		describe(&sb, &stack->held[i]);
	umm_bug_text(text);
}

static struct lockdep_held *find(struct lockdep_stack *stack, const void *lock)
{
	for (unsigned i = stack->depth; i-- > 0;) {
		if (stack->held[i].lock == lock)
			return &stack->held[i];
	}
	return NULL;
}

static void check_order(const struct lockdep_stack *stack, const struct lockdep_held *one)
{
	for (unsigned i = 0; i < stack->depth; i++) {
		const struct lockdep_held *held = &stack->held[i];

		if (held->lock == one->lock)
			complain("taken again by its holder", one);
		if (held->class > one->class)
			complain("taken while a lock that ranks after it is held", one);
		if (held->class == one->class && !classes[one->class].nests)
			complain("taken while another of its class is held", one);
	}
	if (one->kind != LOCKDEP_SPIN && stack->spins > 0)
		complain("may sleep, taken while a spinlock is held", one);
}

void lockdep_before(const void *lock, unsigned cls, enum lockdep_kind kind, const char *site)
{
	struct lockdep_stack *stack = sync_lockdep_stack();
	struct lockdep_held one = { lock, site, (u8)cls, (u8)kind };

	VM_BUG_ON2(cls >= NR_LOCK_CLASSES, cls, (uintptr_t)lock);
	if (stack->depth > 0)
		check_order(stack, &one);
}

void lockdep_acquired(const void *lock, unsigned cls, enum lockdep_kind kind, const char *site)
{
	struct lockdep_stack *stack = sync_lockdep_stack();
	struct lockdep_held one = { lock, site, (u8)cls, (u8)kind };

	if (stack->depth == LOCKDEP_DEPTH)
		complain("too many locks held at once", &one);
	stack->held[stack->depth++] = one;
	if (kind == LOCKDEP_SPIN)
		stack->spins++;
}

void lockdep_released(const void *lock, unsigned cls, const char *site)
{
	struct lockdep_stack *stack = sync_lockdep_stack();
	struct lockdep_held *held = find(stack, lock);
	struct lockdep_held one = { lock, site, (u8)cls, LOCKDEP_SLEEP };

	if (!held)
		complain("released by a thread that does not hold it", &one);
	if (held->kind == LOCKDEP_SPIN)
		stack->spins--;

	unsigned at = (unsigned)(held - stack->held);

	stack->depth--;
	memmove(held, held + 1, (stack->depth - at) * sizeof(*held));
}

void lockdep_downgraded(const void *lock, unsigned cls, const char *site)
{
	struct lockdep_held *held = find(sync_lockdep_stack(), lock);
	struct lockdep_held one = { lock, site, (u8)cls, LOCKDEP_SLEEP };

	if (!held || held->kind != LOCKDEP_SLEEP)
		complain("downgraded by a thread that does not hold it for write", &one);
	held->kind = LOCKDEP_READ;
}

void lockdep_may_sleep(const char *site)
{
	struct lockdep_stack *stack = sync_lockdep_stack();

	if (stack->spins == 0)
		return;
	for (unsigned i = stack->depth; i-- > 0;) {
		struct lockdep_held one = stack->held[i];

		if (one.kind != LOCKDEP_SPIN)
			continue;
		one.site = site;
		complain("a spinlock is held where one may sleep", &one);
	}
}

bool lockdep_is_held(const void *lock)
{
	return find(sync_lockdep_stack(), lock) != NULL;
}

bool lockdep_is_held_write(const void *lock)
{
	const struct lockdep_held *held = find(sync_lockdep_stack(), lock);

	return held && held->kind != LOCKDEP_READ;
}

unsigned lockdep_held_count(void)
{
	return sync_lockdep_stack()->depth;
}

#endif
