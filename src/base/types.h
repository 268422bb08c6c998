/* SPDX-License-Identifier: MIT */
/* Sized integers, the address and frame types, and the few macros that every room uses. */
#ifndef BASE_TYPES_H
#define BASE_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;

#define PAGE_SHIFT 12
#define PAGE_SIZE (1ull << PAGE_SHIFT)
#define PAGE_MASK (~(PAGE_SIZE - 1))

/* A virtual address of a simulated process. */
typedef u64 vaddr_t;
/* A page offset within an object (a file, or an anonymous mapping's own numbering). */
typedef u64 pgoff_t;
/* A physical frame number; a structure so that it mixes with nothing else. */
typedef struct {
	u64 n;
} pfn_t;

static inline pfn_t pfn_of(u64 n)
{
	return (pfn_t){ n };
}

#define PAGE_ALIGN(addr) (((addr) + PAGE_SIZE - 1) & PAGE_MASK)
#define PAGE_OFFSET_OF(addr) ((addr) & (PAGE_SIZE - 1))
#define IS_ALIGNED(x, a) (((x) & ((a)-1)) == 0)
#define ALIGN_UP(x, a) (((x) + (a)-1) & ~((a)-1))
#define ALIGN_DOWN(x, a) ((x) & ~((a)-1))

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))
#define BIT(n) (1ull << (n))

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#define container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#define CACHELINE 64
#define __cacheline_aligned __attribute__((aligned(CACHELINE)))

#endif
