/* SPDX-License-Identifier: MIT */
/*
 * The switch by hand saves what the System V ABI says a function preserves: six registers and
 * the control words of SSE and x87, on the stack that is left. It jumps instead of returning,
 * since the processor's return predictor would be wrong every time. UMM_FIBER_UCONTEXT selects
 * the way of other processors, swapcontext(3), which does two system calls.
 */
#include "sync/sim/fiber.h"
#include "base/assert.h"

#if !defined(__x86_64__) && !defined(UMM_FIBER_UCONTEXT)
#define UMM_FIBER_UCONTEXT 1
#endif

#ifdef UMM_FIBER_UCONTEXT
#include <ucontext.h>
#endif

#if defined(__SANITIZE_ADDRESS__)
#define FIBER_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FIBER_ASAN 1
#endif
#endif

#if defined(__SANITIZE_THREAD__) && defined(UMM_TSAN_HOST)
#define FIBER_TSAN 1
#elif defined(__has_feature) && defined(UMM_TSAN_HOST)
#if __has_feature(thread_sanitizer)
#define FIBER_TSAN 1
#endif
#endif

#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#else
#define VALGRIND_STACK_REGISTER(start, end) 0
#define VALGRIND_STACK_DEREGISTER(id) ((void)(id))
#endif

#ifdef FIBER_ASAN
void __sanitizer_start_switch_fiber(void **fake_stack_save, const void *bottom, size_t size);
void __sanitizer_finish_switch_fiber(void *fake_stack, const void **bottom_old, size_t *size_old);
void __asan_unpoison_memory_region(const volatile void *p, size_t bytes);
#endif
#ifdef FIBER_TSAN
void *__tsan_get_current_fiber(void);
void *__tsan_create_fiber(unsigned flags);
void __tsan_destroy_fiber(void *fiber);
void __tsan_switch_to_fiber(void *fiber, unsigned flags);
#endif

/* Who was left last: the one that runs next learns the bounds of its stack. */
static struct fiber *switched_from;

/* Inline, as what it calls changes the stack of calls that the thread sanitizer keeps. */
static inline __attribute__((always_inline)) void before_switch(struct fiber *from,
								struct fiber *to, bool last)
{
	switched_from = from;
#ifdef FIBER_ASAN
	__sanitizer_start_switch_fiber(last ? NULL : &from->asan_fake_stack, to->stack,
				       to->stack_bytes);
#else
	(void)last;
	(void)to;
#endif
#ifdef FIBER_TSAN
	__tsan_switch_to_fiber(to->tsan_fiber, 0);
#endif
}

static void after_switch(struct fiber *self)
{
#ifdef FIBER_ASAN
	const void *bottom;
	size_t bytes;

	__sanitizer_finish_switch_fiber(self->asan_fake_stack, &bottom, &bytes);
	switched_from->stack = (void *)(uintptr_t)bottom;
	switched_from->stack_bytes = bytes;
#else
	(void)self;
#endif
}

#ifndef UMM_FIBER_UCONTEXT

void umm_fiber_swap(void **save_sp, void *load_sp);
void umm_fiber_start(void);

__asm__(".text\n"
	".p2align 4\n"
	".globl umm_fiber_swap\n"
	".hidden umm_fiber_swap\n"
	".type umm_fiber_swap, @function\n"
	"umm_fiber_swap:\n"
	"	pushq %rbp\n"
	"	pushq %rbx\n"
	"	pushq %r12\n"
	"	pushq %r13\n"
	"	pushq %r14\n"
	"	pushq %r15\n"
	"	subq $8, %rsp\n"
	"	stmxcsr (%rsp)\n"
	"	fnstcw 4(%rsp)\n"
	"	movq %rsp, (%rdi)\n"
	"	movq %rsi, %rsp\n"
	"	ldmxcsr (%rsp)\n"
	"	fldcw 4(%rsp)\n"
	"	addq $8, %rsp\n"
	"	popq %r15\n"
	"	popq %r14\n"
	"	popq %r13\n"
	"	popq %r12\n"
	"	popq %rbx\n"
	"	popq %rbp\n"
	"	popq %rcx\n"
	"	jmp *%rcx\n"
	".size umm_fiber_swap, . - umm_fiber_swap\n"
	".globl umm_fiber_start\n"
	".hidden umm_fiber_start\n"
	".type umm_fiber_start, @function\n"
	"umm_fiber_start:\n"
	"	.cfi_startproc\n"
	"	.cfi_undefined rip\n"
	"	movq %r13, %rdi\n"
	"	xorl %ebp, %ebp\n"
	"	call *%r12\n"
	"	ud2\n"
	"	.cfi_endproc\n"
	".size umm_fiber_start, . - umm_fiber_start\n");

/* What umm_fiber_swap leaves on a stack, lowest address first. */
struct saved {
	u32 mxcsr;
	u16 x87_control;
	u16 unused;
	u64 r15, r14, r13, r12, rbx, rbp;
	u64 rip;
};

static void context_init(struct fiber *fiber, void (*entry)(void *arg), void *arg)
{
	uintptr_t top = ALIGN_DOWN((uintptr_t)fiber->stack + fiber->stack_bytes, 16);
	struct saved *saved = (struct saved *)(top - sizeof(*saved));

	*saved = (struct saved){
		.r12 = (uintptr_t)entry,
		.r13 = (uintptr_t)arg,
		.rip = (uintptr_t)umm_fiber_start,
	};
	__asm__("stmxcsr %0" : "=m"(saved->mxcsr));
	__asm__("fnstcw %0" : "=m"(saved->x87_control));
	fiber->sp = saved;
}

static inline __attribute__((always_inline)) void context_swap(struct fiber *from, struct fiber *to)
{
	umm_fiber_swap(&from->sp, to->sp);
}

static void context_init_host(struct fiber *fiber)
{
	(void)fiber;
}

#else

/* The context lies at the low end of the stack that it is for. */
struct context {
	ucontext_t ucontext;
	void (*entry)(void *arg);
	void *arg;
};

static ucontext_t host_context;

/* makecontext passes ints only. */
static void context_start(unsigned high, unsigned low)
{
	struct context *context = (struct context *)((u64)high << 32 | low);

	context->entry(context->arg);
	VM_UNREACHABLE();
}

static void context_init(struct fiber *fiber, void (*entry)(void *arg), void *arg)
{
	struct context *context = fiber->stack;
	u64 address = (uintptr_t)context;

	getcontext(&context->ucontext);
	context->entry = entry;
	context->arg = arg;
	context->ucontext.uc_stack.ss_sp = (char *)fiber->stack + ALIGN_UP(sizeof(*context), 64);
	context->ucontext.uc_stack.ss_size = fiber->stack_bytes - ALIGN_UP(sizeof(*context), 64);
	context->ucontext.uc_link = NULL;
	makecontext(&context->ucontext, (void (*)(void))context_start, 2, (unsigned)(address >> 32),
		    (unsigned)address);
	fiber->ucontext = &context->ucontext;
}

static inline __attribute__((always_inline)) void context_swap(struct fiber *from, struct fiber *to)
{
	swapcontext(from->ucontext, to->ucontext);
}

static void context_init_host(struct fiber *fiber)
{
	fiber->ucontext = &host_context;
}

#endif

void fiber_init_host(struct fiber *fiber)
{
	*fiber = (struct fiber){ 0 };
	context_init_host(fiber);
#ifdef FIBER_TSAN
	fiber->tsan_fiber = __tsan_get_current_fiber();
#endif
}

void fiber_init(struct fiber *fiber, void *stack, u64 stack_bytes, void (*entry)(void *arg),
		void *arg)
{
	*fiber = (struct fiber){ .stack = stack, .stack_bytes = stack_bytes };
	fiber->valgrind_id = VALGRIND_STACK_REGISTER(stack, (char *)stack + stack_bytes);
	context_init(fiber, entry, arg);
#ifdef FIBER_TSAN
	fiber->tsan_fiber = __tsan_create_fiber(0);
#endif
}

void fiber_destroy(struct fiber *fiber)
{
	VALGRIND_STACK_DEREGISTER(fiber->valgrind_id);
#ifdef FIBER_ASAN
	/* The frames that it was left in are still marked. */
	__asan_unpoison_memory_region(fiber->stack, fiber->stack_bytes);
#endif
#ifdef FIBER_TSAN
	__tsan_destroy_fiber(fiber->tsan_fiber);
#endif
	*fiber = (struct fiber){ 0 };
}

void fiber_entered(struct fiber *self)
{
	after_switch(self);
}

void fiber_switch(struct fiber *from, struct fiber *to)
{
	before_switch(from, to, false);
	context_swap(from, to);
	after_switch(from);
}

_Noreturn void fiber_switch_last(struct fiber *from, struct fiber *to)
{
	before_switch(from, to, true);
	context_swap(from, to);
	VM_UNREACHABLE();
}
