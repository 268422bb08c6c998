/* SPDX-License-Identifier: MIT */
/* The parts of the linux backend: puppets and their channels, /proc, and the steps. */
#ifndef SCENARIO_LINUX_LINUX_H
#define SCENARIO_LINUX_LINUX_H

#include <sys/types.h>

#include "scenario/backend.h"
#include "scenario/directory.h"
#include "scenario/linux/puppet.h"

#define LINUX_MAX_PINS 64
#define LINUX_MAX_AREAS 8
/* Where the runner keeps a puppet's descriptors of its own out of the scenario's way. */
#define LINUX_OWN_FDS 200

/* A pin: the io_uring that holds it, one each. */
struct linux_pin {
	int64_t handle; /* 0: free */
	int ring_fd;
};

#define LINUX_PATH_BYTES 256

/* A swap area of the scenario. */
struct linux_area {
	char path[LINUX_PATH_BYTES];
	uint64_t pages; /* 0: off */
};

#define LINUX_MAX_SUMS 48

/* What smaps says of the puppet's image, added up, and how far the window's vmas reach. */
struct linux_sums {
	unsigned nr;
	struct {
		char name[24];
		uint64_t kb;
	} field[LINUX_MAX_SUMS];
	uint64_t start, end; /* both 0: there are none */
};

struct linux_process {
	pid_t pid;
	int first_slot; /* of the puppet that was launched, which calls it slot 0 */
	int fd_dir;     /* /proc/PID */
	int fd_text[4]; /* by enum scn_text; -1: not opened yet */
	int fd_pagemap;
	bool image_locked; /* so that RLIMIT_MEMLOCK has one constant overhead */
	bool cap_dropped;
	bool memlock_set; /* RLIMIT_MEMLOCK, by the scenario */
	bool killed;      /* by the scenario */
	bool reaped;
	struct linux_pin pins[LINUX_MAX_PINS];
	struct linux_sums sums;
	uint64_t sums_at; /* the number of commands at that time */
};

struct linux_task {
	int slot; /* ours; linux_own_slot() is the puppet's name for it */
	pid_t tid;
	struct linux_process *process;
};

struct scn_backend {
	char reason[256];
	int socks[PUPPET_NR_SLOTS]; /* our ends; -1: not opened */
	int ends[PUPPET_NR_SLOTS];  /* the puppets' ends, which a first puppet inherits */
	bool used[PUPPET_NR_SLOTS];
	pid_t waiting[PUPPET_NR_SLOTS]; /* the thread whose reply is awaited in a fiber; 0: none */
	bool capable;                   /* we may set and drop CAP_IPC_LOCK */
	int64_t last_pin;
	uint64_t commands; /* sent so far */
	void (*wait)(void);
	struct scn_directory directory; /* of the scenario's files */
	struct linux_area areas[LINUX_MAX_AREAS];
	unsigned nr_areas;
	char *text; /* scratch for reading /proc */
	size_t text_size;
};

static inline int linux_own_slot(const struct linux_process *process, int slot)
{
	return (slot - process->first_slot + PUPPET_NR_SLOTS) % PUPPET_NR_SLOTS;
}

static inline uint64_t linux_scratch(const struct linux_task *task)
{
	return PUPPET_SCRATCH_ADDR(linux_own_slot(task->process, task->slot));
}

int linux_skip(struct scn_backend *backend, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
int linux_broken(struct scn_backend *backend, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* ---- channel.c ------------------------------------------------------------------------ */

int linux_channels_open(struct scn_backend *backend);
void linux_channels_close(struct scn_backend *backend);
/* -1: none left. */
int linux_slot_take(struct scn_backend *backend);
/* Start a first puppet in the slot; 0, SCN_SKIPPED or SCN_BROKEN. */
int linux_launch(struct scn_backend *backend, int slot, struct puppet_reply *ret_hello);
/* Wait for the first words of a task that another one made. */
int linux_hello(struct scn_backend *backend, struct linux_task *task,
		struct puppet_reply *ret_hello);
/*
 * One command and its reply. out has room for out_bytes. A puppet that died meanwhile answers
 * with the signal that killed it.
 */
int linux_command(struct scn_backend *backend, struct linux_task *task, struct puppet_cmd *cmd,
		  const void *in, struct puppet_reply *ret_reply, void *out, uint64_t out_bytes);
/* Send only, to a task that will not answer. */
int linux_send(struct scn_backend *backend, struct linux_task *task, struct puppet_cmd *cmd,
	       const void *in);
/* The result of a system call made by the task; *ret_value is what the kernel returned. */
int linux_syscall(struct scn_backend *backend, struct linux_task *task, long nr,
		  const uint64_t *args, unsigned nr_args, int64_t *ret_value);
void linux_reap(struct linux_process *process);
/* Until a child of ours has ended. */
void linux_wait_for(pid_t pid);

/* ---- files.c, swap.c ------------------------------------------------------------------- */

int linux_file_call(struct scn_backend *backend, struct scn_step *step);
/* A descriptor as the scenario numbers it; one that is the puppet's own is none to a scenario. */
uint64_t linux_descriptor(uint64_t fd);
int linux_swap_call(struct scn_backend *backend, struct scn_step *step);
/* For the life of a backend: nobody else swaps on meanwhile. */
void linux_swap_open(void);
/* After a step that may have sent pages out. */
void linux_swap_settle(const struct scn_backend *backend);
void linux_swap_close(struct scn_backend *backend);

/* ---- signals.c ------------------------------------------------------------------------ */

/* SIGKILL; on return the process is dead, its descriptors closed, and not waited for yet. */
void linux_kill(struct scn_step *step);
void linux_signal(struct scn_step *step);
/* A task of it ends. Its slot stays taken: a command may be in it that nobody has read. */
void linux_end_killed(struct scn_task *task);

/* ---- limits.c ------------------------------------------------------------------------- */

/* So that what is locked of the process has one constant overhead. */
int linux_lock_image(struct scn_backend *backend, struct linux_task *task);
int linux_setrlimit(struct scn_backend *backend, struct scn_step *step);
int linux_cap_ipc_lock(struct scn_backend *backend, struct scn_step *step);

/* ---- proc.c --------------------------------------------------------------------------- */

/* After each step: let what it did show. */
void linux_settle(void);
int linux_proc_open(struct scn_backend *backend, struct linux_process *process);
void linux_proc_close(struct linux_process *process);
int64_t linux_text(struct scn_backend *backend, struct scn_task *task, enum scn_text which,
		   uint64_t start, uint64_t end, char *buf, size_t size);
int linux_pagemap(struct scn_backend *backend, struct scn_task *task, uint64_t addr,
		  uint64_t nr_pages, uint64_t *ret_words);
int linux_pagemap_scan(struct scn_backend *backend, struct scn_step *step);

#endif
