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

void fuzz_gen_uffd(struct fuzz_gen *gen, struct fuzz_op *op);
void fuzz_learn_uffd(struct fuzz_gen *gen, const struct fuzz_op *op);

#endif
