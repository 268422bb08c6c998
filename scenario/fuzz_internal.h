/* SPDX-License-Identifier: MIT */
/* What the files that make up ops share: chance, places, and the ops on files and swap. */
#ifndef SCENARIO_FUZZ_INTERNAL_H
#define SCENARIO_FUZZ_INTERNAL_H

#include "scenario/fuzz.h"

#define PAGE ((uint64_t)UMM_PAGE_SIZE)
#define NR(array) ((unsigned)(sizeof(array) / sizeof((array)[0])))
/* One of an array, each as likely as the other. */
#define PICK(gen, array) ((array)[fuzz_below(gen, NR(array))])

uint64_t fuzz_draw(struct fuzz_gen *gen);
uint64_t fuzz_below(struct fuzz_gen *gen, uint64_t bound);
bool fuzz_chance(struct fuzz_gen *gen, unsigned percent);
/* Something wrong on purpose, in the cases that have such. */
bool fuzz_bad(struct fuzz_gen *gen, unsigned percent);
/* A page: absolute, or relative to what an earlier op returned (*ret_base). */
uint64_t fuzz_some_page(struct fuzz_gen *gen, uint32_t *ret_base);
uint64_t fuzz_some_length(struct fuzz_gen *gen);
uint8_t fuzz_some_fill(struct fuzz_gen *gen);
uint64_t fuzz_some_prot(struct fuzz_gen *gen);

/* ---- fuzz_files.c --------------------------------------------------------------------- */

/* Whether the case has files by now. */
bool fuzz_uses_files(const struct fuzz_gen *gen);
/* Make an mmap one of a file. */
void fuzz_map_file(struct fuzz_gen *gen, struct fuzz_op *op);
void fuzz_gen_memfd(struct fuzz_gen *gen, struct fuzz_op *op);
void fuzz_gen_ftruncate(struct fuzz_gen *gen, struct fuzz_op *op);
void fuzz_gen_fallocate(struct fuzz_gen *gen, struct fuzz_op *op);
void fuzz_gen_transfer(struct fuzz_gen *gen, struct fuzz_op *op);
void fuzz_gen_seals(struct fuzz_gen *gen, struct fuzz_op *op);
void fuzz_gen_close(struct fuzz_gen *gen, struct fuzz_op *op);
void fuzz_gen_sync(struct fuzz_gen *gen, struct fuzz_op *op);
void fuzz_gen_move_pages(struct fuzz_gen *gen, struct fuzz_op *op);
void fuzz_gen_swap(struct fuzz_gen *gen, struct fuzz_op *op);
void fuzz_swap_on(struct fuzz_op *op);

/* ---- fuzz_uffd.c ---------------------------------------------------------------------- */

/* The numbers of the ioctls. */
enum {
	FUZZ_UFFD_REGISTER,
	FUZZ_UFFD_UNREGISTER,
	FUZZ_UFFD_WAKE,
	FUZZ_UFFD_COPY,
	FUZZ_UFFD_ZEROPAGE,
	FUZZ_UFFD_MOVE,
	FUZZ_UFFD_WRITEPROTECT,
	FUZZ_UFFD_CONTINUE,
	FUZZ_UFFD_POISON,
	FUZZ_UFFD_NR_PLAIN,
	FUZZ_UFFD_API = 0x3f,
};

/* The command with that number. */
uint64_t fuzz_uffd_command(unsigned nr);
/* How the messages that an op may lead to are answered: fuzz_op.answers. */
uint64_t fuzz_some_answers(struct fuzz_gen *gen);
/* The class of cases whose descriptors make who faults wait, for a handler. */
void fuzz_gen_handled(struct fuzz_gen *gen, struct fuzz_op *op);
void fuzz_gen_uffd(struct fuzz_gen *gen, struct fuzz_op *op);
/* The first ops of most cases with userfaultfds: something mapped, registered. */
void fuzz_open_uffd(struct fuzz_gen *gen, struct fuzz_op *op);
/* The handshake of a descriptor, or register something, most likely what was mapped last. */
void fuzz_register_again(struct fuzz_gen *gen, struct fuzz_op *op);
/* A page of a place; with it the op that it is relative to. */
uint64_t fuzz_page_of(struct fuzz_gen *gen, const struct fuzz_places *places, uint32_t *ret_base);
void fuzz_learn_uffd(struct fuzz_gen *gen, const struct fuzz_op *op);

#endif
