/* SPDX-License-Identifier: MIT */
/* A switch keeps what a function call keeps: registers, the stack, the floating-point modes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sync/sim/fiber.h"
#include "host/host.h"

#define STACK (256u << 10)
#define ROUNDS 100

static struct fiber host_fiber, fibers[2];
static int steps;

/* Deep, and with values that live across each switch. */
static u64 dig(struct fiber *self, int depth, u64 a, u64 b, u64 c)
{
	volatile u64 local = a * 3;

	steps++;
	fiber_switch(self, &host_fiber);
	if (depth == 0)
		return a + b + c;
	a += dig(self, depth - 1, a + 1, b + 2, c + 3);
	return local ? a + b + c : 0;
}

static u64 expected(int depth, u64 a, u64 b, u64 c)
{
	if (depth == 0)
		return a + b + c;
	a += expected(depth - 1, a + 1, b + 2, c + 3);
	return a + b + c;
}

static u64 results[2];

static void digger(void *arg)
{
	struct fiber *self = arg;
	int me = (int)(self - fibers);

	fiber_entered(self);
	results[me] = dig(self, ROUNDS, 1, (u64)me, 5);
	fiber_switch_last(self, &host_fiber);
}

static void start(void (*entry)(void *arg), int nr)
{
	fiber_init_host(&host_fiber);
	for (int i = 0; i < nr; i++) {
		void *stack = host_stack_alloc(STACK);

		assert_non_null(stack);
		fiber_init(&fibers[i], stack, STACK, entry, &fibers[i]);
	}
}

static void end(int nr)
{
	for (int i = 0; i < nr; i++) {
		void *stack = fibers[i].stack;

		fiber_destroy(&fibers[i]);
		host_stack_free(stack, STACK);
	}
}

static void test_stacks_are_kept(void **state)
{
	(void)state;
	start(digger, 2);
	steps = 0;
	for (int i = 0; i < ROUNDS + 2; i++) {
		fiber_switch(&host_fiber, &fibers[0]);
		fiber_switch(&host_fiber, &fibers[1]);
	}
	assert_int_equal(steps, 2 * (ROUNDS + 1));
	assert_true(results[0] == expected(ROUNDS, 1, 0, 5));
	assert_true(results[1] == expected(ROUNDS, 1, 1, 5));
	end(2);
}

#if defined(__x86_64__)

#define MXCSR_ROUND_UP 0x4000u
#define X87_ROUND_DOWN 0x0400u

static u32 mxcsr_inside;

static u16 x87_control(void)
{
	u16 word;

	__asm__ volatile("fnstcw %0" : "=m"(word));
	return word;
}

static void rounder(void *arg)
{
	struct fiber *self = arg;

	fiber_entered(self);
	__builtin_ia32_ldmxcsr(__builtin_ia32_stmxcsr() | MXCSR_ROUND_UP);
	fiber_switch(self, &host_fiber);
	mxcsr_inside = __builtin_ia32_stmxcsr();
	fiber_switch_last(self, &host_fiber);
}

static void test_rounding_modes_are_kept(void **state)
{
	u32 mxcsr = __builtin_ia32_stmxcsr();
	u16 x87 = x87_control();
	u16 down = x87 | X87_ROUND_DOWN;

	(void)state;
	start(rounder, 1);
	fiber_switch(&host_fiber, &fibers[0]);
	assert_int_equal(__builtin_ia32_stmxcsr() & MXCSR_ROUND_UP, 0);
	__asm__ volatile("fldcw %0" : : "m"(down));
	fiber_switch(&host_fiber, &fibers[0]);
	assert_int_equal(x87_control(), down);
	assert_int_equal(__builtin_ia32_stmxcsr() & MXCSR_ROUND_UP, 0);
	assert_true(mxcsr_inside & MXCSR_ROUND_UP);
	__builtin_ia32_ldmxcsr(mxcsr);
	__asm__ volatile("fldcw %0" : : "m"(x87));
	end(1);
}

#else

static void test_rounding_modes_are_kept(void **state)
{
	(void)state;
	skip();
}

#endif

/* The ABI wants the stack 16-aligned at a call; vector code faults otherwise. */
static uintptr_t frame;

static void aligner(void *arg)
{
	struct fiber *self = arg;

	fiber_entered(self);
	frame = (uintptr_t)__builtin_frame_address(0);
	fiber_switch_last(self, &host_fiber);
}

static void test_alignment(void **state)
{
	(void)state;
	start(aligner, 1);
	fiber_switch(&host_fiber, &fibers[0]);
	assert_int_equal(frame % 16, 0);
	end(1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stacks_are_kept),
		cmocka_unit_test(test_rounding_modes_are_kept),
		cmocka_unit_test(test_alignment),
	};

	return cmocka_run_group_tests_name("sync/sim/fiber", tests, NULL, NULL);
}
