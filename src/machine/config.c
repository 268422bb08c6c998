/* SPDX-License-Identifier: MIT */
/*
 * The configuration of a machine: one table says of each field what it is called, how it is
 * written and in which range it must be. Setting an option and checking a whole configuration
 * both read it.
 */
#include "arch/arch.h"
#include "base/uapi.h"
#include "machine/machine.h"

enum option_kind {
	OPTION_NUMBER,
	OPTION_POWER, /* a power of two; 0 when the range allows it */
	OPTION_BYTES, /* with a suffix; whole pages */
	OPTION_SWITCH,
	OPTION_TLB_FLUSH,
};

struct option {
	const char *name; /* NULL: a field that has no name outside */
	enum option_kind kind;
	u16 offset, size;
	u64 min, max;
	const char *takes; /* in words */
};

#define FIELD(field) offsetof(struct umm_config, field), sizeof(((struct umm_config *)0)->field)
#define MAX_RAM_BYTES (ARENA_SLOT_BYTES - RAM_OFFSET)
/* A node must hold a few tables and pages, a machine a process or two. */
#define MIN_NODE_BYTES (16 * PAGE_SIZE)
#define MIN_RAM_BYTES (64 * PAGE_SIZE)
#define BLOCK_BYTES (1ull << SECTION_SHIFT)

static const struct option options[] = {
	{ "nodes", OPTION_NUMBER, FIELD(nodes), 1, MAX_NODES, "1 to 8" },
	{ "cpus", OPTION_NUMBER, FIELD(cpus), 1, MAX_CPUS, "1 to 64" },
	{ "ram", OPTION_BYTES, FIELD(ram_bytes), MIN_NODE_BYTES, MAX_RAM_BYTES,
	  "bytes of each node, whole pages, from 64K; suffixes K M G T" },
	{ "movable", OPTION_BYTES, FIELD(movable_bytes), 0, MAX_RAM_BYTES,
	  "bytes of each node, whole pages; suffixes K M G T" },
	{ "tlb", OPTION_POWER, FIELD(tlb_entries), 16, 65536, "a power of two, 16 to 65536" },
	{ "trace", OPTION_POWER, FIELD(trace_events), 0, 1u << 24,
	  "0 or a power of two, to 16777216" },
	{ "tlb_flush", OPTION_TLB_FLUSH, FIELD(tlb_flush), UMM_TLB_IPI, UMM_TLB_BROADCAST,
	  "ipi, paravirt or broadcast" },
	{ "seed", OPTION_NUMBER, FIELD(seed), 0, ~0ull, "a number of 64 bits" },
	{ "soft_dirty", OPTION_SWITCH, FIELD(soft_dirty), 0, 1, "on or off" },
	{ "poison", OPTION_SWITCH, FIELD(poison), 0, 1, "on or off" },
	{ "max_map_count", OPTION_NUMBER, FIELD(max_map_count), 1, 0x7fffffff, "1 to 2147483647" },
	{ "overcommit", OPTION_NUMBER, FIELD(overcommit), 0, 2, "0, 1 or 2" },
	{ "stack_guard_gap", OPTION_NUMBER, FIELD(stack_guard_gap_pages), 0, 1u << 20,
	  "pages, 0 to 1048576" },
	{ "swappiness", OPTION_NUMBER, FIELD(swappiness), 0, 200, "0 to 200" },
	{ "page_cluster", OPTION_NUMBER, FIELD(page_cluster), 0, 5,
	  "0 to 5: swap is read 2^n pages at once" },
	{ "fault_around", OPTION_POWER, FIELD(fault_around_bytes), PAGE_SIZE, 1u << 21,
	  "a power of two, 4096 to 2097152" },
	{ "accurate_shmem_swap", OPTION_SWITCH, FIELD(accurate_shmem_swap), 0, 1, "on or off" },
	{ "shmem_swap_bit", OPTION_SWITCH, FIELD(shmem_swap_bit), 0, 1, "on or off" },
	{ "pagemap_marker_swap", OPTION_SWITCH, FIELD(pagemap_marker_swap), 0, 1, "on or off" },
	{ NULL, OPTION_BYTES, FIELD(mmap_base), PAGE_SIZE, TASK_SIZE, NULL },
	{ NULL, OPTION_BYTES, FIELD(mmap_min_addr), 0, TASK_SIZE, NULL },
	{ NULL, OPTION_BYTES, FIELD(brk_start), PAGE_SIZE, TASK_SIZE, NULL },
};

static const char *const tlb_flush_names[] = {
	[UMM_TLB_IPI] = "ipi",
	[UMM_TLB_PARAVIRT] = "paravirt",
	[UMM_TLB_BROADCAST] = "broadcast",
};

void umm_config_init(struct umm_config *config)
{
	*config = (struct umm_config){
		.nodes = 1,
		.cpus = 2,
		.ram_bytes = 256ull << 20,
		.tlb_entries = 1024,
		.tlb_flush = UMM_TLB_IPI,
#ifdef UMM_DEBUG
		.poison = true,
#endif
		/* Where Linux puts them for a process without randomisation. */
		.mmap_base = ARCH_MMAP_BASE,
		.mmap_min_addr = 65536,
		.brk_start = 0x10000000,
		.max_map_count = 65530,
		.stack_guard_gap_pages = 256,
		.swappiness = 60,
		.page_cluster = 3,
		.fault_around_bytes = 65536,
		.pagemap_marker_swap = true,
	};
}

static u64 field_get(const struct umm_config *config, const struct option *option)
{
	const u8 *field = (const u8 *)config + option->offset;
	u64 value = 0;

	memcpy(&value, field, option->size); /* little endian, as the machine simulated */
	return value;
}

static bool in_range(const struct option *option, u64 value)
{
	if (value < option->min || value > option->max)
		return false;
	if (option->kind == OPTION_POWER)
		return (value & (value - 1)) == 0;
	if (option->kind == OPTION_BYTES)
		return IS_ALIGNED(value, PAGE_SIZE);
	return true;
}

/* Decimal, or hexadecimal after 0x. Moves *text behind the digits. */
static bool parse_digits(const char **text, u64 *ret_value)
{
	const char *p = *text;
	u64 base = 10, value = 0;

	if (p[0] == '0' && (p[1] == 'x' || p[1] == 'X')) {
		base = 16;
		p += 2;
	}
	const char *first = p;

	for (;; p++) {
		u64 digit;

		if (*p >= '0' && *p <= '9')
			digit = (u64)*p - '0';
		else if (base == 16 && ((*p | 0x20) >= 'a' && (*p | 0x20) <= 'f'))
			digit = (u64)(*p | 0x20) - 'a' + 10;
		else
			break;
		if (__builtin_mul_overflow(value, base, &value) ||
		    __builtin_add_overflow(value, digit, &value))
			return false;
	}
	if (p == first)
		return false;
	*text = p;
	*ret_value = value;
	return true;
}

static bool parse_bytes(const char *text, u64 *ret_bytes)
{
	static const char suffixes[] = "KMGT";
	u64 bytes;

	if (!parse_digits(&text, &bytes))
		return false;
	if (*text) {
		const char *suffix = strchr(suffixes, *text & ~0x20);

		if (!suffix || !*suffix || text[1] ||
		    __builtin_mul_overflow(bytes, 1ull << (10 * (suffix - suffixes + 1)), &bytes))
			return false;
	}
	*ret_bytes = bytes;
	return true;
}

static bool parse_word(const char *text, const char *const *words, u64 nr_words, u64 *ret_value)
{
	for (u64 i = 0; i < nr_words; i++) {
		if (strcmp(text, words[i]) == 0) {
			*ret_value = i;
			return true;
		}
	}
	return false;
}

static bool parse_value(const struct option *option, const char *text, u64 *ret_value)
{
	static const char *const switches[] = { "off", "on" };

	switch (option->kind) {
	case OPTION_NUMBER:
	case OPTION_POWER:
		return parse_digits(&text, ret_value) && !*text;
	case OPTION_BYTES:
		return parse_bytes(text, ret_value);
	case OPTION_SWITCH:
		return parse_word(text, switches, ARRAY_SIZE(switches), ret_value);
	case OPTION_TLB_FLUSH:
		return parse_word(text, tlb_flush_names, ARRAY_SIZE(tlb_flush_names), ret_value);
	}
	VM_UNREACHABLE();
}

int umm_config_set(struct umm_config *config, const char *name, const char *value)
{
	for (u64 i = 0; i < ARRAY_SIZE(options); i++) {
		const struct option *option = &options[i];
		u64 number;

		if (!option->name || strcmp(option->name, name) != 0)
			continue;
		if (!parse_value(option, value, &number) || !in_range(option, number))
			return -EINVAL;
		memcpy((u8 *)config + option->offset, &number, option->size);
		return 0;
	}
	return -ENOENT;
}

const char *umm_config_option(unsigned index, const char **ret_takes)
{
	for (u64 i = 0; i < ARRAY_SIZE(options); i++) {
		if (!options[i].name || index--)
			continue;
		*ret_takes = options[i].takes;
		return options[i].name;
	}
	return NULL;
}

int machine_config_check(const struct umm_config *config)
{
	for (u64 i = 0; i < ARRAY_SIZE(options); i++) {
		if (!in_range(&options[i], field_get(config, &options[i])))
			return -EINVAL;
	}
	if (config->ram_bytes >= BLOCK_BYTES && !IS_ALIGNED(config->ram_bytes, BLOCK_BYTES))
		return -EINVAL;
	if (config->ram_bytes > MAX_RAM_BYTES / config->nodes ||
	    config->ram_bytes * config->nodes < MIN_RAM_BYTES)
		return -EINVAL;
	/* What the core itself needs can only come from ZONE_NORMAL. */
	if (config->movable_bytes > config->ram_bytes - MIN_NODE_BYTES)
		return -EINVAL;
	if (config->mmap_min_addr >= config->mmap_base || config->brk_start >= config->mmap_base)
		return -EINVAL;
	return 0;
}
