/* SPDX-License-Identifier: MIT */
/*
 * fiber: a stack and a place to go on at, switched to by hand. Knows nothing of scheduling.
 * The stack belongs to the caller. Tells the address sanitizer, the thread sanitizer and
 * valgrind what happens when they watch.
 */
#ifndef SYNC_SIM_FIBER_H
#define SYNC_SIM_FIBER_H

#include "base/types.h"

struct fiber {
	void *sp; /* while it does not run: everything else is on its stack */
	void *stack;
	u64 stack_bytes;
	void *asan_fake_stack;
	void *tsan_fiber;
	void *ucontext; /* where there is no switch by hand */
	unsigned valgrind_id;
};

/* The one that the program started on: it needs no stack of ours. */
void fiber_init_host(struct fiber *fiber);
/* When first switched to it calls entry(arg), which must not return. */
void fiber_init(struct fiber *fiber, void *stack, u64 stack_bytes, void (*entry)(void *arg),
		void *arg);
void fiber_destroy(struct fiber *fiber);
/* First thing in entry. */
void fiber_entered(struct fiber *self);
/* Returns when somebody switches back to `from`. */
void fiber_switch(struct fiber *from, struct fiber *to);
/* The same from a fiber that will never run again. */
_Noreturn void fiber_switch_last(struct fiber *from, struct fiber *to);

#endif
