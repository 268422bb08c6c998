/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scenario/scan.h"
#include "scenario/words.h"

static const struct scn_word prot_words[] = {
	{ "growsdown", 0x01000000 },
	{ "growsup", 0x02000000 },
	{ "sem", 8 },
	{ NULL, 0 },
};

static const struct scn_word map_words[] = {
	{ "shared", 1 },
	{ "private", 2 },
	{ "shared_validate", 3 },
	{ "droppable", 8 },
	{ "fixed", 0x10 },
	{ "anonymous", 0x20 },
	{ "32bit", 0x40 },
	{ "above4g", 0x80 },
	{ "growsdown", 0x100 },
	{ "denywrite", 0x800 },
	{ "executable", 0x1000 },
	{ "locked", 0x2000 },
	{ "noreserve", 0x4000 },
	{ "populate", 0x8000 },
	{ "nonblock", 0x10000 },
	{ "stack", 0x20000 },
	{ "hugetlb", 0x40000 },
	{ "sync", 0x80000 },
	{ "fixed_noreplace", 0x100000 },
	{ NULL, 0 },
};

static const struct scn_word advice_words[] = {
	{ "normal", 0 },          { "random", 1 },
	{ "sequential", 2 },      { "willneed", 3 },
	{ "dontneed", 4 },        { "free", 8 },
	{ "remove", 9 },          { "dontfork", 10 },
	{ "dofork", 11 },         { "mergeable", 12 },
	{ "unmergeable", 13 },    { "hugepage", 14 },
	{ "nohugepage", 15 },     { "dontdump", 16 },
	{ "dodump", 17 },         { "wipeonfork", 18 },
	{ "keeponfork", 19 },     { "cold", 20 },
	{ "pageout", 21 },        { "populate_read", 22 },
	{ "populate_write", 23 }, { "dontneed_locked", 24 },
	{ "collapse", 25 },       { "hwpoison", 100 },
	{ "soft_offline", 101 },  { "guard_install", 102 },
	{ "guard_remove", 103 },  { NULL, 0 },
};

static const struct scn_word mremap_words[] = {
	{ "maymove", 1 },
	{ "fixed", 2 },
	{ "dontunmap", 4 },
	{ NULL, 0 },
};
static const struct scn_word mlock2_words[] = { { "onfault", 1 }, { NULL, 0 } };
static const struct scn_word mlockall_words[] = {
	{ "current", 1 },
	{ "future", 2 },
	{ "onfault", 4 },
	{ NULL, 0 },
};
static const struct scn_word msync_words[] = {
	{ "async", 1 },
	{ "invalidate", 2 },
	{ "sync", 4 },
	{ NULL, 0 },
};
static const struct scn_word rlimit_words[] = {
	{ "data", 2 }, { "stack", 3 }, { "memlock", 8 }, { "as", 9 }, { NULL, 0 },
};

static const struct scn_word memfd_words[] = {
	{ "cloexec", 1 },     { "allow_sealing", 2 }, { "hugetlb", 4 },
	{ "noexec_seal", 8 }, { "exec", 16 },         { NULL, 0 },
};
/* Reading alone is no bit. */
static const struct scn_word open_words[] = {
	{ "rdonly", 0 },   { "wronly", 1 },    { "rdwr", 2 },
	{ "creat", 0100 }, { "trunc", 01000 }, { NULL, 0 },
};
static const struct scn_word fallocate_words[] = {
	{ "keep_size", 1 },     { "punch_hole", 2 },      { "collapse_range", 8 },
	{ "zero_range", 0x10 }, { "insert_range", 0x20 }, { NULL, 0 },
};
static const struct scn_word seal_words[] = {
	{ "seal", 1 },          { "shrink", 2 }, { "grow", 4 }, { "write", 8 },
	{ "future_write", 16 }, { "exec", 32 },  { NULL, 0 },
};
static const struct scn_word fadvise_words[] = {
	{ "normal", 0 },   { "random", 1 },  { "sequential", 2 }, { "willneed", 3 },
	{ "dontneed", 4 }, { "noreuse", 5 }, { NULL, 0 },
};
static const struct scn_word move_words[] = { { "move", 2 }, { "move_all", 4 }, { NULL, 0 } };

static const struct scn_word uffd_words[] = {
	{ "user_mode_only", 1 },
	{ "nonblock", 04000 },
	{ "cloexec", 02000000 },
	{ NULL, 0 },
};
static const struct scn_word uffd_feature_words[] = {
	{ "pagefault_flag_wp", 1 << 0 },
	{ "event_fork", 1 << 1 },
	{ "event_remap", 1 << 2 },
	{ "event_remove", 1 << 3 },
	{ "missing_hugetlbfs", 1 << 4 },
	{ "missing_shmem", 1 << 5 },
	{ "event_unmap", 1 << 6 },
	{ "sigbus", 1 << 7 },
	{ "thread_id", 1 << 8 },
	{ "minor_hugetlbfs", 1 << 9 },
	{ "minor_shmem", 1 << 10 },
	{ "exact_address", 1 << 11 },
	{ "wp_hugetlbfs_shmem", 1 << 12 },
	{ "wp_unpopulated", 1 << 13 },
	{ "poison", 1 << 14 },
	{ "wp_async", 1 << 15 },
	{ "move", 1 << 16 },
	{ NULL, 0 },
};
static const struct scn_word uffd_mode_words[] = {
	{ "missing", 1 }, { "wp", 2 }, { "minor", 4 }, { NULL, 0 }
};
static const struct scn_word uffd_copy_words[] = { { "dontwake", 1 }, { "wp", 2 }, { NULL, 0 } };
static const struct scn_word uffd_zero_words[] = { { "dontwake", 1 }, { NULL, 0 } };
static const struct scn_word uffd_protect_words[] = { { "wp", 1 }, { "dontwake", 2 }, { NULL, 0 } };
static const struct scn_word uffd_move_words[] = { { "dontwake", 1 },
						   { "allow_src_holes", 2 },
						   { NULL, 0 } };
static const struct scn_word uffd_event_words[] = {
	{ "pagefault", 0x12 }, { "fork", 0x13 },  { "remap", 0x14 },
	{ "remove", 0x15 },    { "unmap", 0x16 }, { NULL, 0 },
};
static const struct scn_word uffd_fault_words[] = {
	{ "write", 1 }, { "wp", 2 }, { "minor", 4 }, { NULL, 0 }
};
static const struct scn_word scan_words[] = { { "wp_matching", 1 },
					      { "check_wpasync", 2 },
					      { NULL, 0 } };
static const struct scn_word category_words[] = {
	{ "wpallowed", 1 << 0 }, { "written", 1 << 1 },
	{ "file", 1 << 2 },      { "present", 1 << 3 },
	{ "swapped", 1 << 4 },   { "pfnzero", 1 << 5 },
	{ "huge", 1 << 6 },      { "soft_dirty", 1 << 7 },
	{ "guard", 1 << 8 },     { NULL, 0 },
};
/* By the number in the command. */
static const char *const uffdio_names[] = {
	[0x00] = "UFFDIO_REGISTER",     [0x01] = "UFFDIO_UNREGISTER", [0x02] = "UFFDIO_WAKE",
	[0x03] = "UFFDIO_COPY",         [0x04] = "UFFDIO_ZEROPAGE",   [0x05] = "UFFDIO_MOVE",
	[0x06] = "UFFDIO_WRITEPROTECT", [0x07] = "UFFDIO_CONTINUE",   [0x08] = "UFFDIO_POISON",
	[0x3f] = "UFFDIO_API",
};

static const struct {
	const struct scn_word *words;
	bool one_of;        /* a value, not a set of bits */
	uint64_t type_bits; /* of a set: these hold one of the words up to their value */
} vocabularies[WORDS_NR] = {
	[WORDS_PROT] = { prot_words, false, 0 },
	[WORDS_MAP] = { map_words, false, 0xf },
	[WORDS_ADVICE] = { advice_words, true, 0 },
	[WORDS_MREMAP] = { mremap_words, false, 0 },
	[WORDS_MLOCK2] = { mlock2_words, false, 0 },
	[WORDS_MLOCKALL] = { mlockall_words, false, 0 },
	[WORDS_MSYNC] = { msync_words, false, 0 },
	[WORDS_RLIMIT] = { rlimit_words, true, 0 },
	[WORDS_MEMFD] = { memfd_words, false, 0 },
	[WORDS_OPEN] = { open_words, false, 3 },
	[WORDS_FALLOCATE] = { fallocate_words, false, 0 },
	[WORDS_SEALS] = { seal_words, false, 0 },
	[WORDS_FADVISE] = { fadvise_words, true, 0 },
	[WORDS_MOVE] = { move_words, false, 0 },
	[WORDS_UFFD] = { uffd_words, false, 0 },
	[WORDS_UFFD_FEATURES] = { uffd_feature_words, false, 0 },
	[WORDS_UFFD_MODES] = { uffd_mode_words, false, 0 },
	[WORDS_UFFD_COPY] = { uffd_copy_words, false, 0 },
	[WORDS_UFFD_ZERO] = { uffd_zero_words, false, 0 },
	[WORDS_UFFD_PROTECT] = { uffd_protect_words, false, 0 },
	[WORDS_UFFD_MOVE] = { uffd_move_words, false, 0 },
	[WORDS_UFFD_EVENT] = { uffd_event_words, true, 0 },
	[WORDS_UFFD_FAULT] = { uffd_fault_words, false, 0 },
	[WORDS_SCAN] = { scan_words, false, 0 },
	[WORDS_CATEGORIES] = { category_words, false, 0 },
};

static const char *const kind_names[SCN_NR_KINDS] = {
	[SCN_PROCESS] = "process",
	[SCN_FORK] = "fork",
	[SCN_THREAD] = "thread",
	[SCN_EXIT] = "exit",
	[SCN_MMAP] = "mmap",
	[SCN_MUNMAP] = "munmap",
	[SCN_MPROTECT] = "mprotect",
	[SCN_MREMAP] = "mremap",
	[SCN_MADVISE] = "madvise",
	[SCN_MLOCK] = "mlock",
	[SCN_MLOCK2] = "mlock2",
	[SCN_MUNLOCK] = "munlock",
	[SCN_MLOCKALL] = "mlockall",
	[SCN_MUNLOCKALL] = "munlockall",
	[SCN_MINCORE] = "mincore",
	[SCN_PAGEMAP_SCAN] = "pagemap_scan",
	[SCN_BRK] = "brk",
	[SCN_MSYNC] = "msync",
	[SCN_VM_READV] = "vm_readv",
	[SCN_VM_WRITEV] = "vm_writev",
	[SCN_PIN] = "pin",
	[SCN_UNPIN] = "unpin",
	[SCN_SETRLIMIT] = "setrlimit",
	[SCN_CAP_IPC_LOCK] = "cap_ipc_lock",
	[SCN_KILL] = "kill",
	[SCN_SIGNAL] = "signal",
	[SCN_MEMFD] = "memfd_create",
	[SCN_OPEN] = "open",
	[SCN_CLOSE] = "close",
	[SCN_FTRUNCATE] = "ftruncate",
	[SCN_FALLOCATE] = "fallocate",
	[SCN_ADD_SEALS] = "add_seals",
	[SCN_GET_SEALS] = "get_seals",
	[SCN_PREAD] = "pread",
	[SCN_PWRITE] = "pwrite",
	[SCN_FSYNC] = "fsync",
	[SCN_FADVISE] = "fadvise",
	[SCN_FSTAT] = "fsize",
	[SCN_MOVE_PAGES] = "move_pages",
	[SCN_SWAPON] = "swapon",
	[SCN_SWAPOFF] = "swapoff",
	[SCN_USERFAULTFD] = "userfaultfd",
	[SCN_IOCTL] = "ioctl",
	[SCN_READ_FD] = "read_fd",
	[SCN_POLL] = "poll",
	[SCN_READ] = "read",
	[SCN_WRITE] = "write",
	[SCN_LOAD] = "load",
	[SCN_STORE] = "store",
	[SCN_XCHG] = "xchg",
	[SCN_FETCH_ADD] = "fetch_add",
	[SCN_CMPXCHG] = "cmpxchg",
	[SCN_FETCH] = "exec",
};

const struct scn_word *scn_words(enum scn_vocabulary which)
{
	return vocabularies[which].words;
}

const char *scn_kind_name(enum scn_kind kind)
{
	return kind_names[kind];
}

enum scn_kind scn_kind_of(const char *name)
{
	unsigned kind = 0;

	while (kind < SCN_NR_KINDS && strcmp(kind_names[kind], name))
		kind++;
	return (enum scn_kind)kind;
}

/* ---- a text that is cut at its end ---------------------------------------------------- */

struct line {
	char *buf;
	size_t size, len;
};

static void add(struct line *line, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct line *line, const char *format, ...)
{
	va_list list;
	int more;

	if (line->len + 1 >= line->size)
		return;
	va_start(list, format);
	more = vsnprintf(line->buf + line->len, line->size - line->len, format, list);
	va_end(list);
	line->len += more > 0 ? (size_t)more : 0;
	if (line->len >= line->size)
		line->len = line->size - 1;
}

/* ---- options of the machine ----------------------------------------------------------- */

char *scn_option_error(int ret, const char *name, const char *value, char *buf, size_t size)
{
	struct line line = { buf, size, 0 };
	const char *known, *takes, *between = "";

	if (ret == -ENOENT)
		add(&line, "there is no option '%s'; there are: ", name);
	else
		add(&line, "'%s' cannot be '%s'", name, value);
	for (unsigned i = 0; (known = umm_config_option(i, &takes)) != NULL; i++) {
		if (ret == -ENOENT)
			add(&line, "%s%s", between, known);
		else if (!strcmp(known, name))
			add(&line, ", only: %s", takes);
		between = ", ";
	}
	return buf;
}

/* ---- flags ---------------------------------------------------------------------------- */

static void add_word(struct line *line, const char *word)
{
	add(line, "%s%s", line->len ? "|" : "", word);
}

char *scn_words_format(enum scn_vocabulary which, uint64_t value, char *buf, size_t size)
{
	const struct scn_word *word = vocabularies[which].words;
	struct line line = { buf, size, 0 };

	buf[0] = '\0';
	if (which == WORDS_PROT && (value & 7)) {
		add(&line, "%s%s%s", value & 1 ? "r" : "", value & 2 ? "w" : "",
		    value & 4 ? "x" : "");
		value &= ~7ull;
	} else if (which == WORDS_PROT && !value) {
		add(&line, "none");
	}
	if (vocabularies[which].one_of) {
		while (word->name && word->value != value)
			word++;
		if (word->name)
			add(&line, "%s", word->name);
		else
			add(&line, "%" PRId64, (int64_t)value);
		return buf;
	}
	for (; word->name; word++) {
		uint64_t bits = word->value;

		if (bits <= vocabularies[which].type_bits) {
			if ((value & vocabularies[which].type_bits) != bits)
				continue;
			add_word(&line, word->name);
			value &= ~vocabularies[which].type_bits;
		} else if ((value & bits) == bits) {
			add_word(&line, word->name);
			value &= ~bits;
		}
	}
	if (value || !line.len)
		add(&line, value ? "%s0x%" PRIx64 : "%s%" PRIx64, line.len ? "|" : "", value);
	return buf;
}

static bool parse_word(enum scn_vocabulary which, const char *text, size_t len, uint64_t *value)
{
	const struct scn_word *word = vocabularies[which].words;
	char copy[32], *end;

	if (!len || len >= sizeof(copy))
		return false;
	memcpy(copy, text, len);
	copy[len] = '\0';
	for (; word->name; word++) {
		if (!strcmp(word->name, copy)) {
			*value |= word->value;
			return true;
		}
	}
	if (copy[0] >= '0' && copy[0] <= '9') {
		*value |= strtoull(copy, &end, 0);
		return !*end;
	}
	if (which != WORDS_PROT)
		return false;
	if (!strcmp(copy, "none"))
		return true;
	if (strspn(copy, "rwx") != len)
		return false;
	*value |= (strchr(copy, 'r') ? 1u : 0u) | (strchr(copy, 'w') ? 2u : 0u) |
		  (strchr(copy, 'x') ? 4u : 0u);
	return true;
}

bool scn_words_parse(enum scn_vocabulary which, const char *text, uint64_t *ret_value,
		     const char **ret_bad)
{
	uint64_t value = 0;

	if (!*text && !vocabularies[which].one_of && which != WORDS_PROT) {
		*ret_value = 0;
		return true;
	}
	for (;;) {
		size_t len = strcspn(text, "|");

		if (!parse_word(which, text, len, &value) ||
		    (vocabularies[which].one_of && text[len])) {
			*ret_bad = text;
			return false;
		}
		if (!text[len])
			break;
		text += len + 1;
	}
	*ret_value = value;
	return true;
}

/* ---- errnos and signals --------------------------------------------------------------- */

const char *scn_errno_name(int number)
{
	static char unknown[32];
	const char *name = strerrorname_np(number);

	if (name)
		return name;
	snprintf(unknown, sizeof(unknown), "errno %d", number);
	return unknown;
}

int scn_errno_number(const char *name)
{
	for (int number = 1; number < 134; number++) {
		const char *known = strerrorname_np(number);

		if (known && !strcmp(known, name))
			return number;
	}
	return 0;
}

const char *scn_signal_name(int signo)
{
	static char unknown[32];
	const char *name = sigabbrev_np(signo);

	snprintf(unknown, sizeof(unknown), name ? "SIG%s" : "signal %.0s%d", name ? name : "",
		 signo);
	return unknown;
}

const char *scn_signal_code_name(int signo, int code)
{
	static char unknown[32];
	static const char *const segv[] = { NULL, "SEGV_MAPERR", "SEGV_ACCERR", "SEGV_BNDERR",
					    "SEGV_PKUERR" };
	static const char *const bus[] = { NULL,         "BUS_ADRALN",    "BUS_ADRERR",
					   "BUS_OBJERR", "BUS_MCEERR_AR", "BUS_MCEERR_AO" };

	if (signo == SIGSEGV && code > 0 && code < 5)
		return segv[code];
	if (signo == SIGBUS && code > 0 && code < 6)
		return bus[code];
	if (code == SI_KERNEL)
		return "SI_KERNEL";
	snprintf(unknown, sizeof(unknown), "code %d", code);
	return unknown;
}

/* ---- steps ---------------------------------------------------------------------------- */

char *scn_size_format(uint64_t bytes, char *buf, size_t size)
{
	static const struct {
		uint64_t unit;
		const char *name;
	} units[] = { { 1ull << 40, "T" }, { 1 << 30, "G" }, { 1 << 20, "M" }, { 1 << 10, "K" } };

	if (bytes > 1ull << 47) {
		snprintf(buf, size, "0x%" PRIx64, bytes);
		return buf;
	}
	for (size_t i = 0; bytes && i < sizeof(units) / sizeof(units[0]); i++) {
		if (bytes % units[i].unit == 0) {
			snprintf(buf, size, "%" PRIu64 "%s", bytes / units[i].unit, units[i].name);
			return buf;
		}
	}
	snprintf(buf, size, "%" PRIu64, bytes);
	return buf;
}

static void add_bytes(struct line *line, const uint8_t *bytes, uint64_t len)
{
	const uint64_t most = 32;
	uint64_t same = 1;

	while (same < len && bytes[same] == bytes[0])
		same++;
	if (len > 4 && same == len) {
		if (bytes[0] >= 0x20 && bytes[0] < 0x7f && bytes[0] != '"' && bytes[0] != '\\')
			add(line, "\"%c\" x %" PRIu64, bytes[0], len);
		else
			add(line, "0x%02x x %" PRIu64, bytes[0], len);
		return;
	}
	add(line, "\"");
	for (uint64_t i = 0; i < len && i < most; i++) {
		if (bytes[i] >= 0x20 && bytes[i] < 0x7f && bytes[i] != '"' && bytes[i] != '\\')
			add(line, "%c", bytes[i]);
		else
			add(line, "\\x%02x", bytes[i]);
	}
	add(line, "\"%s", len > most ? "..." : "");
	if (len > most)
		add(line, " (%" PRIu64 " bytes)", len);
}

/*
 * How a step's arguments read: one letter each of args[].
 *   a address  s size  p prot  m map flags  v advice  r mremap flags  2 mlock2 flags
 *   l mlockall flags  y msync flags  R rlimit  u size or unlimited  d decimal  x value
 *   M memfd flags  O open flags  F fallocate mode  S seals  A fadvise advice  V move flags
 *   U userfaultfd flags  I ioctl
 */
static const char *const shapes[SCN_NR_KINDS] = {
	[SCN_MMAP] = "aspm",       [SCN_MUNMAP] = "as",       [SCN_MPROTECT] = "asp",
	[SCN_MREMAP] = "assra",    [SCN_MADVISE] = "asv",     [SCN_MLOCK] = "as",
	[SCN_MLOCK2] = "as2",      [SCN_MUNLOCK] = "as",      [SCN_MLOCKALL] = "l",
	[SCN_MINCORE] = "as",      [SCN_BRK] = "a",           [SCN_MSYNC] = "asy",
	[SCN_PIN] = "as",          [SCN_UNPIN] = "d",         [SCN_SETRLIMIT] = "Ru",
	[SCN_READ] = "a",          [SCN_WRITE] = "a",         [SCN_LOAD] = "ad",
	[SCN_STORE] = "adx",       [SCN_XCHG] = "adx",        [SCN_FETCH_ADD] = "adx",
	[SCN_CMPXCHG] = "adxx",    [SCN_FETCH] = "a",         [SCN_CAP_IPC_LOCK] = "d",
	[SCN_MEMFD] = "M",         [SCN_OPEN] = "O",          [SCN_CLOSE] = "d",
	[SCN_FTRUNCATE] = "du",    [SCN_FALLOCATE] = "dFss",  [SCN_ADD_SEALS] = "dS",
	[SCN_GET_SEALS] = "d",     [SCN_PREAD] = "ds",        [SCN_PWRITE] = "ds",
	[SCN_FSYNC] = "d",         [SCN_FADVISE] = "dssA",    [SCN_FSTAT] = "d",
	[SCN_MOVE_PAGES] = "addV", [SCN_SWAPON] = "dd",       [SCN_SWAPOFF] = "d",
	[SCN_USERFAULTFD] = "U",   [SCN_IOCTL] = "dI",        [SCN_READ_FD] = "d",
	[SCN_POLL] = "d",          [SCN_PAGEMAP_SCAN] = "as",
};

const char *scn_uffdio_name(uint64_t command)
{
	const unsigned nr = command & 0xff;

	if ((command >> 8 & 0xff) != 0xaa || nr >= sizeof(uffdio_names) / sizeof(uffdio_names[0]))
		return NULL;
	return uffdio_names[nr];
}

/* "UFFDIO_WAKE", or the number. */
static void add_ioctl(struct line *line, uint64_t command)
{
	const char *name = scn_uffdio_name(command);

	if (name)
		add(line, "%s", name);
	else
		add(line, "0x%" PRIx64, command);
}

/* Of a userfaultfd; what is read of a file in that length looks like one too. */
#define MESSAGE_BYTES 32

/* A structure of 64-bit words. */
static void add_structure(struct line *line, const void *bytes, uint64_t len)
{
	for (uint64_t i = 0; i + 8 <= len; i += 8) {
		uint64_t word;

		memcpy(&word, (const char *)bytes + i, sizeof(word));
		add(line, word ? "%s0x%" PRIx64 : "%s%" PRIx64, i ? " " : "{", word);
	}
	add(line, "}");
}

static void add_read(struct line *line, const struct scn_step *step)
{
	if (step->kind == SCN_IOCTL || step->done == MESSAGE_BYTES)
		add_structure(line, step->out, step->done);
	else
		add_bytes(line, step->out, step->done);
}

static void add_categories(struct line *line, const char *name, uint64_t categories)
{
	char words[128];

	if (categories)
		add(line, ", %s %s", name,
		    scn_words_format(WORDS_CATEGORIES, categories, words, sizeof(words)));
}

/* What is not as it would be without being said. */
static void add_scan(struct line *line, const struct scn_scan *scan)
{
	char words[64];

	if (scan->size != sizeof(*scan))
		add(line, ", size %" PRIu64, scan->size);
	if (scan->flags)
		add(line, ", %s", scn_words_format(WORDS_SCAN, scan->flags, words, sizeof(words)));
	if (!scan->vec)
		add(line, ", no vec");
	if (scan->vec_len != (scan->vec ? SCN_SCAN_REGIONS : 0))
		add(line, ", vec_len %" PRIu64, scan->vec_len);
	if (scan->max_pages)
		add(line, ", max_pages %" PRIu64, scan->max_pages);
	add_categories(line, "inverted", scan->category_inverted);
	add_categories(line, "mask", scan->category_mask);
	add_categories(line, "anyof", scan->category_anyof_mask);
	if (scan->return_mask != SCN_SCAN_ALL)
		add_categories(line, "return", scan->return_mask);
}

/* "[0x1000,0x2000) written|present ... to 0x8000" */
static void add_regions(struct line *line, const struct scn_step *step)
{
	const struct scn_region *region = step->out;
	char words[128];

	for (uint64_t i = 0; i < step->done / sizeof(*region) && i < 4; i++)
		add(line, "[0x%" PRIx64 ",0x%" PRIx64 ") %s ", region[i].start, region[i].end,
		    scn_words_format(WORDS_CATEGORIES, region[i].categories, words, sizeof(words)));
	if (step->done / sizeof(*region) > 4)
		add(line, "... (%" PRIu64 " regions) ", step->done / sizeof(*region));
	add(line, "to 0x%" PRIx64, step->value);
}

static void add_arg(struct line *line, char shape, uint64_t arg)
{
	static const struct {
		char shape;
		enum scn_vocabulary words;
	} flags[] = {
		{ 'p', WORDS_PROT },    { 'm', WORDS_MAP },       { 'v', WORDS_ADVICE },
		{ 'r', WORDS_MREMAP },  { '2', WORDS_MLOCK2 },    { 'l', WORDS_MLOCKALL },
		{ 'y', WORDS_MSYNC },   { 'R', WORDS_RLIMIT },    { 'M', WORDS_MEMFD },
		{ 'O', WORDS_OPEN },    { 'F', WORDS_FALLOCATE }, { 'S', WORDS_SEALS },
		{ 'A', WORDS_FADVISE }, { 'V', WORDS_MOVE },      { 'U', WORDS_UFFD },
	};
	char buf[160];

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		if (flags[i].shape == shape) {
			add(line, "%s", scn_words_format(flags[i].words, arg, buf, sizeof(buf)));
			return;
		}
	}
	if (shape == 'I')
		add_ioctl(line, arg);
	else if (shape == 'u' && arg == SCN_UNLIMITED)
		add(line, "unlimited");
	else if (shape == 's' || shape == 'u')
		add(line, "%s", scn_size_format(arg, buf, sizeof(buf)));
	else if (shape == 'd')
		add(line, "%" PRId64, (int64_t)arg);
	else
		add(line, arg ? "0x%" PRIx64 : "%" PRIx64, arg);
}

char *scn_step_format(const struct scn_step *step, char *buf, size_t size)
{
	const char *shape = shapes[step->kind] ? shapes[step->kind] : "";
	struct line line = { buf, size, 0 };
	char number[32];
	const char *between = "";

	add(&line, "%s(", kind_names[step->kind]);
	for (unsigned i = 0; shape[i]; i++) {
		if (step->kind == SCN_MREMAP && i == 4 && !(step->args[3] & 6))
			break;
		if (step->kind == SCN_MMAP && i == 0 && !step->args[0])
			continue;
		add(&line, "%s", between);
		add_arg(&line, shape[i], step->args[i]);
		between = ", ";
	}
	if (step->kind == SCN_MMAP && ((int)step->args[4] != -1 || step->args[5]))
		add(&line, ", fd %d, offset %s", (int)step->args[4],
		    scn_size_format(step->args[5], number, sizeof(number)));
	if (step->kind == SCN_READ || step->kind == SCN_PREAD ||
	    (step->kind == SCN_READ_FD && step->out_bytes != MESSAGE_BYTES))
		add(&line, ", %s", scn_size_format(step->out_bytes, number, sizeof(number)));
	if (step->kind == SCN_VM_READV || step->kind == SCN_VM_WRITEV) {
		add(&line, "%s", step->remote->label);
		for (uint64_t i = 0; i < step->nr_ranges && i < 4; i++)
			add(&line, ", 0x%" PRIx64 "+%s", step->ranges[i].addr,
			    scn_size_format(step->ranges[i].len_bytes, number, sizeof(number)));
		if (step->nr_ranges > 4)
			add(&line, ", ... (%" PRIu64 " ranges)", step->nr_ranges);
		if (step->args[0])
			add(&line, ", flags 0x%" PRIx64, step->args[0]);
		between = ", ";
	}
	if (step->kind == SCN_IOCTL) {
		add(&line, ", ");
		add_structure(&line, step->in, step->in_bytes);
	}
	if (step->kind == SCN_PAGEMAP_SCAN)
		add_scan(&line, step->in);
	if (step->kind == SCN_MEMFD || step->kind == SCN_OPEN)
		add(&line, ", \"%.*s\"", (int)step->in_bytes, (const char *)step->in);
	if (step->kind == SCN_WRITE || step->kind == SCN_VM_WRITEV || step->kind == SCN_PWRITE) {
		add(&line, "%s", between);
		add_bytes(&line, step->in, step->in_bytes);
	}
	add(&line, ")");
	return buf;
}

static void add_statuses(struct line *line, const int32_t *statuses, uint64_t nr)
{
	for (uint64_t i = 0; i < nr && i < 16; i++)
		add(line, "%s%d", i ? " " : "", statuses[i]);
	add(line, "%s", nr > 16 ? " ..." : "");
}

char *scn_result_format(const struct scn_step *step, char *buf, size_t size)
{
	struct line line = { buf, size, 0 };
	const uint8_t *vec = step->out;

	buf[0] = '\0';
	if (step->fault.signo) {
		add(&line, "%s", scn_signal_name(step->fault.signo));
		add(&line, " (%s) at 0x%" PRIx64,
		    scn_signal_code_name(step->fault.signo, step->fault.code), step->fault.addr);
		return buf;
	}
	if (step->result < 0 && step->result > -4096 && step->kind != SCN_BRK) {
		add(&line, "-%s", scn_errno_name((int)-step->result));
		return buf;
	}
	switch (step->kind) {
	case SCN_MMAP:
	case SCN_MREMAP:
	case SCN_BRK:
		add(&line, "0x%" PRIx64, (uint64_t)step->result);
		break;
	case SCN_PROCESS:
	case SCN_FORK:
	case SCN_THREAD:
		add(&line, "%s", step->made->label);
		break;
	case SCN_LOAD:
	case SCN_XCHG:
	case SCN_FETCH_ADD:
	case SCN_CMPXCHG:
		add(&line, "0x%" PRIx64, step->value);
		break;
	case SCN_READ:
		add_bytes(&line, step->out, step->done);
		break;
	case SCN_IOCTL:
	case SCN_READ_FD:
		add_read(&line, step);
		break;
	case SCN_PREAD:
	case SCN_VM_READV:
		add(&line, "%" PRId64 " ", step->result);
		add_bytes(&line, step->out, step->done);
		break;
	case SCN_MOVE_PAGES:
		add_statuses(&line, step->out, step->done / sizeof(int32_t));
		break;
	case SCN_PAGEMAP_SCAN:
		add_regions(&line, step);
		break;
	case SCN_MINCORE:
		for (uint64_t i = 0; i < step->done && i < 64; i++)
			add(&line, "%u", vec[i] & 1u);
		add(&line, "%s", step->done > 64 ? "..." : "");
		break;
	default:
		add(&line, "%" PRId64, step->result);
	}
	return buf;
}
