/* SPDX-License-Identifier: MIT */
/*
 * Ops on files and swap. A file is a memfd of a few pages; descriptors are spoken of by number,
 * the lowest that a process has, so that an op still means something when others are left out.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

#include "scenario/fuzz_internal.h"

#define FIRST_FD 3
#define NR_FDS 3
#define FILE_PAGES 8
#define SWAP_PAGES 512
#define SEED_BLOCK 64
#define SEED_BLOCKS 4

bool fuzz_seed_swaps(uint64_t seed)
{
	return seed / SEED_BLOCK % SEED_BLOCKS == SEED_BLOCKS - 1;
}

bool fuzz_uses_files(const struct fuzz_gen *gen)
{
	return gen->files && gen->nr_files;
}

static uint64_t some_fd(struct fuzz_gen *gen)
{
	static const uint64_t odd[] = { UINT64_MAX, 0x7fffffff, 60 };

	if (fuzz_bad(gen, 2))
		return PICK(gen, odd);
	return FIRST_FD + (fuzz_chance(gen, 70) ? 0 : fuzz_below(gen, NR_FDS));
}

/* Within the file or just beyond, at the border of a page most of the time. */
static uint64_t some_offset(struct fuzz_gen *gen)
{
	static const uint64_t odd[] = { UINT64_MAX, INT64_MAX, INT64_MAX - UMM_PAGE_SIZE + 1,
					1ull << 40, 1ull << 63 };
	uint64_t offset = fuzz_below(gen, FILE_PAGES + 1) * PAGE;

	if (fuzz_bad(gen, 2))
		return PICK(gen, odd);
	return offset + (fuzz_chance(gen, 25) ? fuzz_below(gen, PAGE) : 0);
}

void fuzz_map_file(struct fuzz_gen *gen, struct fuzz_op *op)
{
	uint64_t type = op->args[3] & 0xf;

	op->args[3] &= ~(uint64_t)MAP_ANONYMOUS;
	if (type == MAP_PRIVATE && fuzz_chance(gen, 60))
		op->args[3] ^= MAP_PRIVATE ^ MAP_SHARED;
	op->args[4] = some_fd(gen);
	op->args[5] = fuzz_below(gen, FILE_PAGES) * PAGE;
	if (fuzz_bad(gen, 2))
		op->args[5] = some_offset(gen);
}

void fuzz_gen_memfd(struct fuzz_gen *gen, struct fuzz_op *op)
{
	op->kind = SCN_MEMFD;
	op->args[0] = fuzz_chance(gen, 50) ? 2 : 0;
	if (fuzz_chance(gen, 10))
		op->args[0] |= 1;
	if (fuzz_bad(gen, 4))
		op->args[0] |= 1ull << fuzz_below(gen, 8);
	/* No huge pages. */
	op->args[0] &= ~4ull;
	op->bytes = (uint32_t)fuzz_below(gen, 8);
	op->fill = (uint8_t)('a' + fuzz_below(gen, 26));
}

void fuzz_gen_ftruncate(struct fuzz_gen *gen, struct fuzz_op *op)
{
	op->kind = SCN_FTRUNCATE;
	op->args[0] = some_fd(gen);
	op->args[1] = some_offset(gen);
	if (fuzz_chance(gen, 60))
		op->args[1] = (FILE_PAGES - fuzz_below(gen, 3)) * PAGE;
}

void fuzz_gen_fallocate(struct fuzz_gen *gen, struct fuzz_op *op)
{
	static const uint8_t usual[] = { 0, 1, 3, 3, 3, 3 };

	op->kind = SCN_FALLOCATE;
	op->args[0] = some_fd(gen);
	op->args[1] = fuzz_bad(gen, 5) ? fuzz_below(gen, 64) : PICK(gen, usual);
	op->args[2] = some_offset(gen);
	op->args[3] = fuzz_some_length(gen);
	/* No more than a few pages are made ahead. */
	if (!(op->args[1] & 2)) {
		op->args[2] %= FILE_PAGES * PAGE;
		op->args[3] %= FILE_PAGES * PAGE;
	}
}

void fuzz_gen_transfer(struct fuzz_gen *gen, struct fuzz_op *op)
{
	op->kind = fuzz_chance(gen, 50) ? SCN_PREAD : SCN_PWRITE;
	op->args[0] = some_fd(gen);
	op->args[1] = some_offset(gen);
	/* Not a file of half the machine's memory. */
	if (op->kind == SCN_PWRITE && op->args[1] > FILE_PAGES * PAGE && !(op->args[1] >> 63))
		op->args[1] = FILE_PAGES * PAGE;
	op->bytes = (uint32_t)(1 + fuzz_below(gen, fuzz_chance(gen, 60) ? 16 : 3 * PAGE));
	op->fill = fuzz_some_fill(gen);
}

void fuzz_gen_seals(struct fuzz_gen *gen, struct fuzz_op *op)
{
	op->kind = fuzz_chance(gen, 30) ? SCN_GET_SEALS : SCN_ADD_SEALS;
	op->args[0] = some_fd(gen);
	if (op->kind == SCN_ADD_SEALS)
		op->args[1] = 1ull << (1 + fuzz_below(gen, fuzz_bad(gen, 10) ? 8 : 4));
}

void fuzz_gen_close(struct fuzz_gen *gen, struct fuzz_op *op)
{
	op->kind = SCN_CLOSE;
	op->args[0] = FIRST_FD + fuzz_below(gen, NR_FDS);
}

void fuzz_gen_sync(struct fuzz_gen *gen, struct fuzz_op *op)
{
	static const enum scn_kind kinds[] = { SCN_FSYNC, SCN_FADVISE, SCN_FSTAT, SCN_FSTAT };

	op->kind = PICK(gen, kinds);
	op->args[0] = some_fd(gen);
	if (op->kind == SCN_FADVISE) {
		op->args[1] = some_offset(gen);
		op->args[2] = some_offset(gen);
		op->args[3] = fuzz_below(gen, fuzz_bad(gen, 10) ? 10 : 6);
	}
}

/* Where they are: on the one node that there is. */
void fuzz_gen_move_pages(struct fuzz_gen *gen, struct fuzz_op *op)
{
	op->kind = SCN_MOVE_PAGES;
	op->args[0] = fuzz_some_page(gen, &op->base);
	op->args[1] = 1 + fuzz_below(gen, 8);
	op->args[2] = fuzz_chance(gen, 50) ? UINT64_MAX : 0;
	op->args[3] = fuzz_bad(gen, 5) ? fuzz_below(gen, 16) : fuzz_chance(gen, 30) ? 4 : 2;
}

void fuzz_swap_on(struct fuzz_op *op)
{
	op->kind = SCN_SWAPON;
	op->args[0] = SWAP_PAGES;
	op->args[1] = UINT64_MAX;
}

/* Mostly something goes out; now and then everything has to come home. */
void fuzz_gen_swap(struct fuzz_gen *gen, struct fuzz_op *op)
{
	if (fuzz_chance(gen, 90)) {
		op->kind = SCN_MADVISE;
		op->args[0] = fuzz_some_page(gen, &op->base);
		op->args[1] = fuzz_some_length(gen);
		op->args[2] = MADV_PAGEOUT;
		return;
	}
	op->kind = SCN_SWAPOFF;
	op->args[0] = 1 + fuzz_below(gen, 2);
}
