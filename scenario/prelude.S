/* SPDX-License-Identifier: MIT */
	.section .rodata
	.globl scn_prelude_start, scn_prelude_end
scn_prelude_start:
	.incbin PRELUDE_FILE
scn_prelude_end:
	.section .note.GNU-stack, "", @progbits
