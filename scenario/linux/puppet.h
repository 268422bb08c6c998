/* SPDX-License-Identifier: MIT */
/*
 * What the runner and the puppet say to each other.
 *
 * The puppet is a tiny static program whose address space is empty but for its image at a
 * fixed place, so that the kernel places a scenario's mappings exactly where it would in an
 * empty process. Each of its tasks (a process's main thread, or a further thread) serves one
 * slot: a socket, inherited under a fixed number, and a piece of the image for its stacks and
 * buffers. One message each way per command.
 *
 *      0x400000        0x410000                        0x800000      0xc00000
 *      | header, code, |  slot 0 | slot 1 | …          | guard       | heap (brk) …
 *      | data          |                               | (unmapped   |
 *      |<------------ the image, one rwx segment ----->|  at start)  |
 *
 * The guard exists only so that the kernel's loader puts the heap away from the image, and
 * counts as much "data" for RLIMIT_DATA's brk check as the image has writable memory.
 */
#ifndef SCENARIO_LINUX_PUPPET_H
#define SCENARIO_LINUX_PUPPET_H

#ifndef __ASSEMBLER__
#include <stdint.h>
#endif

#define PUPPET_IMAGE 0x400000
#define PUPPET_SLOTS 0x410000
#define PUPPET_IMAGE_END 0x800000
#define PUPPET_BRK 0xc00000
/* What the image adds to total_vm, data_vm and, locked, to locked_vm. */
#define PUPPET_OVERHEAD (PUPPET_IMAGE_END - PUPPET_IMAGE)

#define PUPPET_NR_SLOTS 60
#define PUPPET_SLOT_BYTES 0x10000
#define PUPPET_FIRST_FD 3 /* of those of a scenario; below it are the three of any program */
#define PUPPET_FD0 100    /* slot i reads and writes descriptor PUPPET_FD0 + i */

/* Inside a slot: signal stack, stack, control words, then the scratch buffer. */
#define PUPPET_ALTSTACK_BYTES 0x4000
#define PUPPET_STACK_BYTES 0x3000
#define PUPPET_CONTROL (PUPPET_ALTSTACK_BYTES + PUPPET_STACK_BYTES)
#define PUPPET_SCRATCH (PUPPET_CONTROL + 0x1000)
#define PUPPET_SCRATCH_BYTES (PUPPET_SLOT_BYTES - PUPPET_SCRATCH)

#define PUPPET_SLOT_ADDR(slot) (PUPPET_SLOTS + (uint64_t)(slot)*PUPPET_SLOT_BYTES)
#define PUPPET_SCRATCH_ADDR(slot) (PUPPET_SLOT_ADDR(slot) + PUPPET_SCRATCH)

#ifndef __ASSEMBLER__

enum puppet_op {
	PUPPET_SYSCALL,  /* nr, args[6]; payload goes to scratch first */
	PUPPET_READ,     /* addr, len: bytes come back as payload */
	PUPPET_WRITE,    /* addr; payload are the bytes */
	PUPPET_LOAD,     /* addr, size */
	PUPPET_STORE,    /* addr, size, value */
	PUPPET_XCHG,     /* addr, size, value */
	PUPPET_FETCHADD, /* addr, size, value */
	PUPPET_CMPXCHG,  /* addr, size, expected, value */
	PUPPET_FETCH,    /* addr: run the one instruction there */
	PUPPET_FORK,     /* slot of the child */
	PUPPET_THREAD,   /* slot of the thread */
	PUPPET_MINCORE,  /* payload: pairs (addr, pages); the vectors come back end to end */
	PUPPET_EXIT,     /* the process ends; no reply */
	PUPPET_EXIT_THREAD,
};

struct puppet_cmd {
	uint32_t op;
	uint32_t payload_bytes; /* that follow in the same message */
	uint64_t nr;            /* PUPPET_SYSCALL: number; PUPPET_FORK/THREAD: slot */
	uint64_t args[6];
	uint32_t reply_bytes; /* of scratch, wanted back */
	uint32_t pad;
};

/* args[] of the memory operations */
#define PUPPET_ARG_ADDR 0
#define PUPPET_ARG_SIZE 1
#define PUPPET_ARG_VALUE 2
#define PUPPET_ARG_EXPECTED 3

/* Also a task's first words, not asked for: value is its tid, result -errno if it cannot start. */
struct puppet_reply {
	int64_t result;
	uint64_t value; /* loaded or old value; bytes done of a block */
	int32_t signo;  /* nonzero: the access ended with this signal */
	int32_t code;
	uint64_t addr;
	uint32_t payload_bytes;
	uint32_t pad;
};

_Static_assert(sizeof(struct puppet_cmd) == 72, "no holes: both sides are built alike");
_Static_assert(sizeof(struct puppet_reply) == 40, "no holes: both sides are built alike");

/* The largest payload of one message. */
#define PUPPET_MAX_PAYLOAD (PUPPET_SCRATCH_BYTES - 4096)

#endif
#endif
