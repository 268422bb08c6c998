/* SPDX-License-Identifier: MIT */
	.section .rodata
	.globl linux_puppet_start, linux_puppet_end
	.balign 16
linux_puppet_start:
	.incbin PUPPET_FILE
linux_puppet_end:
	.section .note.GNU-stack, "", @progbits
