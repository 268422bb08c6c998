/* SPDX-License-Identifier: MIT */
/*
 * The puppet: does to its own address space what the runner says (see puppet.h).
 *
 * It has no C library and keeps everything it owns inside its image. It breaks the sharing
 * of its own pages after each fork, so that what /proc says about the image is always whole
 * private pages that the runner can subtract.
 *
 * A fault in an access comes back as a signal on the slot's own signal stack; the handler
 * notes it and resumes at the place that the access was started from.
 */
#include <asm/unistd.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "puppet.h"

enum {
	SIG_ILL = 4,
	SIG_TRAP = 5,
	SIG_BUS = 7,
	SIG_FPE = 8,
	SIG_KILL = 9,
	SIG_USR1 = 10,
	SIG_SEGV = 11
};
enum { MINUS_EINTR = -4 };

/* The kernel's layouts, as far as they are looked at. */
struct kernel_sigaction {
	void *handler;
	uint64_t flags;
	void *restorer;
	uint64_t mask;
};

struct kernel_stack {
	void *sp;
	int32_t flags;
	uint64_t size;
};

struct kernel_siginfo {
	int32_t signo, err, code, pad;
	uint64_t addr;
};

enum { REG_RDI = 8, REG_RSP = 15, REG_RIP = 16, REG_FLAGS = 17, REG_ERR = 19 };

struct kernel_ucontext {
	uint64_t flags;
	void *link;
	struct kernel_stack stack;
	uint64_t regs[23];
};

/* The control words of a slot. */
struct control {
	uint64_t save[8];
	int64_t fd;
	bool armed;             /* a fault now belongs to an access */
	bool fetching, stepped; /* the access is an instruction fetch; its first trap is over */
	uint64_t fetch_addr;
	int32_t signo, code;
	uint64_t addr;
	uint64_t done; /* bytes of a block copied so far */
	struct puppet_cmd cmd;
	struct puppet_reply reply;
};

long puppet_syscall(long nr, const uint64_t args[6]);
long puppet_clone(long flags, void *stack_top, long slot);
int puppet_setjmp(uint64_t save[8]) __attribute__((returns_twice));
extern char puppet_resume[], puppet_restorer[];
void puppet_fetch(uint64_t addr, void *scratch);
void puppet_main(void);
void puppet_child(long slot);
extern char puppet_data_end[];

static long sys(long nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	uint64_t args[6] = { a, b, c, d, 0, 0 };

	return puppet_syscall(nr, args);
}

static struct control *control_of(long slot)
{
	return (struct control *)(PUPPET_SLOT_ADDR(slot) + PUPPET_CONTROL);
}

static char *scratch_of(long slot)
{
	return (char *)PUPPET_SCRATCH_ADDR(slot);
}

/* Runs on a slot's signal stack, which tells the slot. */
static void on_signal(int signo, struct kernel_siginfo *info, struct kernel_ucontext *uc)
{
	long slot = ((uintptr_t)__builtin_frame_address(0) - PUPPET_SLOTS) / PUPPET_SLOT_BYTES;
	struct control *ctl = control_of(slot);

	if (!ctl->armed)
		sys(__NR_exit_group, 128 + signo, 0, 0, 0);
	if (ctl->fetching) {
		bool fetch_refused = (signo == SIG_SEGV || signo == SIG_BUS) &&
				     ((uc->regs[REG_ERR] & 0x10) ||
				      (!ctl->stepped && uc->regs[REG_RIP] != ctl->fetch_addr));

		if (signo == SIG_TRAP && !ctl->stepped && uc->regs[REG_RIP] == ctl->fetch_addr) {
			ctl->stepped = true;
			return;
		}
		if (!fetch_refused)
			signo = 0;
	}
	ctl->signo = signo;
	ctl->code = info->code;
	ctl->addr = info->addr;
	ctl->armed = false;
	uc->regs[REG_FLAGS] = 0x202;
	uc->regs[REG_RDI] = (uint64_t)ctl->save;
	uc->regs[REG_RIP] = (uint64_t)puppet_resume;
}

/* What is sent to interrupt a wait. */
static void on_usr1(int signo)
{
	(void)signo;
}

/* Byte by byte but for aligned runs, so that the fault is at the first byte that cannot be. */
static void copy_counted(char *to, const char *from, uint64_t len, volatile uint64_t *done)
{
	uint64_t i = 0;

	while (i < len) {
		if ((((uintptr_t)to + i) & 7) == 0 && (((uintptr_t)from + i) & 7) == 0 &&
		    len - i >= 8) {
			*(volatile uint64_t *)(to + i) = *(const volatile uint64_t *)(from + i);
			i += 8;
		} else {
			((volatile char *)to)[i] = ((const volatile char *)from)[i];
			i++;
		}
		*done = i;
	}
}

static uint64_t load(uint64_t addr, uint64_t size)
{
	switch (size) {
	case 1:
		return *(volatile uint8_t *)addr;
	case 2:
		return *(volatile uint16_t *)addr;
	case 4:
		return *(volatile uint32_t *)addr;
	default:
		return *(volatile uint64_t *)addr;
	}
}

static void store(uint64_t addr, uint64_t size, uint64_t value)
{
	switch (size) {
	case 1:
		*(volatile uint8_t *)addr = (uint8_t)value;
		break;
	case 2:
		*(volatile uint16_t *)addr = (uint16_t)value;
		break;
	case 4:
		*(volatile uint32_t *)addr = (uint32_t)value;
		break;
	default:
		*(volatile uint64_t *)addr = value;
	}
}

#define RMW(type, addr, op, value, expected)                                                   \
	__extension__({                                                                        \
		type *rmw_p = (type *)(addr);                                                  \
		type rmw_old = (type)(expected);                                               \
		if ((op) == PUPPET_XCHG)                                                       \
			rmw_old = __atomic_exchange_n(rmw_p, (type)(value), __ATOMIC_SEQ_CST); \
		else if ((op) == PUPPET_FETCHADD)                                              \
			rmw_old = __atomic_fetch_add(rmw_p, (type)(value), __ATOMIC_SEQ_CST);  \
		else                                                                           \
			__atomic_compare_exchange_n(rmw_p, &rmw_old, (type)(value), false,     \
						    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);       \
		(uint64_t) rmw_old;                                                            \
	})

static uint64_t rmw(uint32_t op, const uint64_t *args)
{
	uint64_t addr = args[PUPPET_ARG_ADDR], value = args[PUPPET_ARG_VALUE];
	uint64_t expected = args[PUPPET_ARG_EXPECTED];

	switch (args[PUPPET_ARG_SIZE]) {
	case 1:
		return RMW(uint8_t, addr, op, value, expected);
	case 2:
		return RMW(uint16_t, addr, op, value, expected);
	case 4:
		return RMW(uint32_t, addr, op, value, expected);
	default:
		return RMW(uint64_t, addr, op, value, expected);
	}
}

static void do_access(struct control *ctl, char *scratch)
{
	const uint64_t *args = ctl->cmd.args;
	uint64_t addr = args[PUPPET_ARG_ADDR], size = args[PUPPET_ARG_SIZE];

	switch (ctl->cmd.op) {
	case PUPPET_READ:
		copy_counted(scratch, (const char *)addr, size, &ctl->done);
		break;
	case PUPPET_WRITE:
		copy_counted((char *)addr, scratch, size, &ctl->done);
		break;
	case PUPPET_LOAD:
		ctl->reply.value = load(addr, size);
		break;
	case PUPPET_STORE:
		store(addr, size, args[PUPPET_ARG_VALUE]);
		break;
	case PUPPET_FETCH:
		ctl->fetching = true;
		ctl->fetch_addr = addr;
		puppet_fetch(addr, scratch);
		break;
	default:
		ctl->reply.value = rmw(ctl->cmd.op, args);
	}
}

static void access_memory(struct control *ctl, char *scratch)
{
	ctl->done = 0;
	ctl->signo = 0;
	ctl->fetching = false;
	ctl->stepped = false;
	if (!puppet_setjmp(ctl->save)) {
		ctl->armed = true;
		do_access(ctl, scratch);
		ctl->armed = false;
	}
	if (ctl->cmd.op == PUPPET_READ || ctl->cmd.op == PUPPET_WRITE)
		ctl->reply.value = ctl->done;
	if (ctl->cmd.op == PUPPET_READ)
		ctl->reply.payload_bytes = (uint32_t)ctl->done;
	ctl->reply.signo = ctl->signo;
	ctl->reply.code = ctl->code;
	ctl->reply.addr = ctl->addr;
}

/* Pairs of (address, pages) in scratch become their vectors; a refused one reads 0xff. */
static void mincore_all(struct control *ctl, char *scratch)
{
	uint64_t *pairs = (uint64_t *)scratch;
	uint64_t nr = ctl->cmd.payload_bytes / 16;
	char *vec = scratch + ctl->cmd.payload_bytes;
	char *out = vec;

	for (uint64_t i = 0; i < nr; i++) {
		if (sys(__NR_mincore, pairs[2 * i], pairs[2 * i + 1] * 4096, (uint64_t)out, 0))
			for (uint64_t k = 0; k < pairs[2 * i + 1]; k++)
				out[k] = (char)0xff;
		out += pairs[2 * i + 1];
	}
	ctl->reply.payload_bytes = (uint32_t)(out - vec);
	ctl->reply.value = (uint64_t)(vec - scratch);
}

static void set_signal_stack(long slot)
{
	struct kernel_stack stack = {
		.sp = (void *)PUPPET_SLOT_ADDR(slot),
		.size = PUPPET_ALTSTACK_BYTES,
	};

	sys(__NR_sigaltstack, (uint64_t)&stack, 0, 0, 0);
}

static void set_handlers(void)
{
	static const int signals[] = { SIG_SEGV, SIG_BUS, SIG_TRAP, SIG_ILL, SIG_FPE };
	struct kernel_sigaction action = {
		.handler = on_signal,
		.flags = 4 | 0x08000000 | 0x04000000, /* SIGINFO, ONSTACK, RESTORER */
		.restorer = puppet_restorer,
	};

	for (unsigned i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sys(__NR_rt_sigaction, signals[i], (uint64_t)&action, 0, 8);
	action.handler = on_usr1;
	sys(__NR_rt_sigaction, SIG_USR1, (uint64_t)&action, 0, 8);
	sys(__NR_rt_sigprocmask, 2, (uint64_t)&action.mask, 0, 8);
}

/* Make the pages of code, data and of this slot's stacks this process's own. */
static void own_image(long slot)
{
	volatile char *p;

	for (p = (char *)PUPPET_IMAGE; p < (char *)puppet_data_end; p += 4096)
		*p = *p;
	for (p = (char *)PUPPET_SLOT_ADDR(slot); p < scratch_of(slot); p += 4096)
		*p = *p;
}

/* A reply's payload starts at scratch + offset. */
static void answer(struct control *ctl, char *payload)
{
	struct {
		void *base;
		uint64_t len;
	} iov[2] = { { &ctl->reply, sizeof(ctl->reply) }, { payload, ctl->reply.payload_bytes } };

	long ret;

	do {
		ret = sys(__NR_writev, (uint64_t)ctl->fd, (uint64_t)iov,
			  ctl->reply.payload_bytes ? 2 : 1, 0);
	} while (ret == MINUS_EINTR);
	if (ret < 0)
		sys(__NR_exit_group, 1, 0, 0, 0);
}

static void say_hello(struct control *ctl, int64_t result)
{
	ctl->reply = (struct puppet_reply){ .result = result };
	ctl->reply.value = (uint64_t)sys(__NR_gettid, 0, 0, 0, 0);
	answer(ctl, 0);
}

static void make_task(struct control *ctl)
{
	/* fork: SIGCHLD | CLONE_PARENT; thread: VM FS FILES SIGHAND THREAD SYSVSEM */
	long flags = ctl->cmd.op == PUPPET_FORK ? 17 | 0x8000 : 0x50f00;
	uint64_t slot = ctl->cmd.nr;

	if (ctl->cmd.op == PUPPET_FORK)
		sys(__NR_madvise, PUPPET_SLOT_ADDR(slot), PUPPET_SLOT_BYTES, 4, 0);
	*control_of((long)slot) = (struct control){ .reply.value = ctl->cmd.op };
	ctl->reply.result = puppet_clone(flags, control_of((long)slot), (long)slot);
}

/* False: the task is to end. */
static bool serve(long slot, struct control *ctl)
{
	char *scratch = scratch_of(slot), *payload = scratch;

	ctl->reply = (struct puppet_reply){ 0 };
	switch (ctl->cmd.op) {
	case PUPPET_SYSCALL:
		ctl->reply.result = puppet_syscall((long)ctl->cmd.nr, ctl->cmd.args);
		ctl->reply.payload_bytes = ctl->cmd.reply_bytes;
		break;
	case PUPPET_MINCORE:
		mincore_all(ctl, scratch);
		payload += ctl->reply.value;
		break;
	case PUPPET_FORK:
	case PUPPET_THREAD:
		make_task(ctl);
		break;
	case PUPPET_EXIT:
		sys(__NR_exit_group, 0, 0, 0, 0);
		break;
	case PUPPET_EXIT_THREAD:
		return false;
	default:
		access_memory(ctl, scratch);
	}
	answer(ctl, payload);
	return true;
}

static void serve_forever(long slot)
{
	struct control *ctl = control_of(slot);
	struct {
		void *base;
		uint64_t len;
	} iov[2] = { { &ctl->cmd, sizeof(ctl->cmd) }, { scratch_of(slot), PUPPET_SCRATCH_BYTES } };
	long got;

	ctl->fd = PUPPET_FD0 + slot;
	do {
		do {
			got = sys(__NR_readv, (uint64_t)ctl->fd, (uint64_t)iov, 2, 0);
		} while (got == MINUS_EINTR);
		if (got < (long)sizeof(ctl->cmd))
			sys(__NR_exit_group, 1, 0, 0, 0);
	} while (serve(slot, ctl));
	sys(__NR_exit, 0, 0, 0, 0);
}

void puppet_child(long slot)
{
	struct control *ctl = control_of(slot);
	bool forked = ctl->reply.value == PUPPET_FORK;

	ctl->fd = PUPPET_FD0 + slot;
	set_signal_stack(slot);
	if (forked) {
		uint64_t here = PUPPET_SLOT_ADDR(slot), scratch = PUPPET_SCRATCH_ADDR(slot);
		uint64_t end = ((uint64_t)puppet_data_end + 4095) & ~4095ul;

		sys(__NR_prctl, 1, SIG_KILL, 0, 0); /* die with the runner */
		/* All but the data and this slot's stacks may be there, if all was locked. */
		sys(__NR_madvise, end, here - end, 4, 0);
		sys(__NR_madvise, scratch, PUPPET_IMAGE_END - scratch, 4, 0);
		own_image(slot);
	}
	say_hello(ctl, sys(__NR_getppid, 0, 0, 0, 0));
	serve_forever(slot);
}

void puppet_main(void)
{
	struct control *ctl = control_of(0);
	long ret;

	own_image(0);
	set_handlers();
	set_signal_stack(0);
	sys(__NR_prctl, 41, 1, 0, 0); /* no transparent huge pages */
	/* The guard, the initial stack and the vdso: nothing but the image stays. */
	ret = sys(__NR_munmap, PUPPET_IMAGE_END, 0x7ffffffff000ul - PUPPET_IMAGE_END, 0, 0);
	ctl->fd = PUPPET_FD0;
	say_hello(ctl, ret ? ret : sys(__NR_getppid, 0, 0, 0, 0));
	serve_forever(0);
}
