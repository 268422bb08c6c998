/* SPDX-License-Identifier: MIT */
/* The puppet's ELF header, entry point, and what C cannot say. */
#include "puppet.h"

	.section .elfheader, "a"
	.byte 0x7f, 'E', 'L', 'F', 2, 1, 1, 0
	.quad 0
	.short 2, 62		/* ET_EXEC, x86-64 */
	.long 1
	.quad puppet_entry
	.quad 64, 0		/* program headers follow; no sections */
	.long 0
	.short 64, 56, 3, 64, 0, 0
	/* the image: read, write, execute, zero-filled up to its end */
	.long 1, 7
	.quad 0, PUPPET_IMAGE, PUPPET_IMAGE
	.quad puppet_file_bytes, PUPPET_OVERHEAD, 4096
	/* the guard: no access, gone after start-up */
	.long 1, 0
	.quad 0, PUPPET_IMAGE_END, PUPPET_IMAGE_END
	.quad PUPPET_BRK - PUPPET_IMAGE_END, PUPPET_BRK - PUPPET_IMAGE_END, 4096
	/* PT_GNU_STACK, not executable: otherwise readable would mean executable */
	.long 0x6474e551, 6
	.quad 0, 0, 0, 0, 0, 16

	.text
	.globl puppet_entry
puppet_entry:
	mov $(PUPPET_SLOTS + PUPPET_CONTROL), %rsp
	xor %ebp, %ebp
	call puppet_main
	ud2

/* long puppet_syscall(long nr, const uint64_t args[6]) */
	.globl puppet_syscall
puppet_syscall:
	mov %rdi, %rax
	mov %rsi, %r11
	mov 0(%r11), %rdi
	mov 8(%r11), %rsi
	mov 16(%r11), %rdx
	mov 24(%r11), %r10
	mov 32(%r11), %r8
	mov 40(%r11), %r9
	syscall
	ret

/* long puppet_clone(long flags, void *stack_top, long slot): in the child, puppet_child(slot) */
	.globl puppet_clone
puppet_clone:
	mov %rdx, %r9
	mov $56, %eax
	xor %edx, %edx
	xor %r10d, %r10d
	xor %r8d, %r8d
	syscall
	test %rax, %rax
	jz 1f
	ret
1:	xor %ebp, %ebp
	mov %r9, %rdi
	call puppet_child
	ud2

/* int puppet_setjmp(uint64_t save[8]); a handler resumes at puppet_resume with rdi = save */
	.globl puppet_setjmp
puppet_setjmp:
	mov %rbx, 0(%rdi)
	mov %rbp, 8(%rdi)
	mov %r12, 16(%rdi)
	mov %r13, 24(%rdi)
	mov %r14, 32(%rdi)
	mov %r15, 40(%rdi)
	lea 8(%rsp), %rax
	mov %rax, 48(%rdi)
	mov (%rsp), %rax
	mov %rax, 56(%rdi)
	xor %eax, %eax
	ret

	.globl puppet_resume
puppet_resume:
	mov 0(%rdi), %rbx
	mov 8(%rdi), %rbp
	mov 16(%rdi), %r12
	mov 24(%rdi), %r13
	mov 32(%rdi), %r14
	mov 40(%rdi), %r15
	mov 48(%rdi), %rsp
	cld
	mov $1, %eax
	jmp *56(%rdi)

/*
 * void puppet_fetch(uint64_t addr, void *scratch): run the instruction at addr with the trap
 * flag on and every register pointing at harmless memory. Always left through a signal.
 */
	.globl puppet_fetch
puppet_fetch:
	mov %rsi, %rax
	mov %rsi, %rbx
	mov %rsi, %rcx
	mov %rsi, %rdx
	mov %rsi, %rbp
	mov %rsi, %r8
	mov %rsi, %r9
	mov %rsi, %r10
	mov %rsi, %r11
	mov %rsi, %r12
	mov %rsi, %r13
	mov %rsi, %r14
	mov %rsi, %r15
	push %rdi
	mov %rsi, %rdi
	pushfq
	orq $0x100, (%rsp)
	popfq
	ret

/* void *memset(void *to, int byte, size_t n): compilers call it for what C assigns as a whole */
	.globl memset
memset:
	mov %rdi, %r8
	mov %esi, %eax
	mov %rdx, %rcx
	rep stosb
	mov %r8, %rax
	ret

/* void *memcpy(void *to, const void *from, size_t n): for the same reason */
	.globl memcpy
memcpy:
	mov %rdi, %rax
	mov %rdx, %rcx
	rep movsb
	ret

	.globl puppet_restorer
puppet_restorer:
	mov $15, %eax
	syscall
	.section .note.GNU-stack, "", @progbits
