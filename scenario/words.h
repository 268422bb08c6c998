/* SPDX-License-Identifier: MIT */
/* Names for numbers and numbers for names: flags, advice, errnos, signals, whole steps. */
#ifndef SCENARIO_WORDS_H
#define SCENARIO_WORDS_H

#include "scenario/backend.h"

enum scn_vocabulary {
	WORDS_PROT, /* "rwx" in letters, "none", "growsdown" ... */
	WORDS_MAP,
	WORDS_ADVICE, /* one of several, not a set */
	WORDS_MREMAP,
	WORDS_MLOCK2,
	WORDS_MLOCKALL,
	WORDS_MSYNC,
	WORDS_RLIMIT, /* one of several */
	WORDS_MEMFD,
	WORDS_OPEN,
	WORDS_FALLOCATE,
	WORDS_SEALS,
	WORDS_FADVISE, /* one of several */
	WORDS_MOVE,
	WORDS_UFFD,
	WORDS_UFFD_FEATURES,
	WORDS_UFFD_MODES, /* of UFFDIO_REGISTER */
	WORDS_UFFD_COPY,  /* of COPY and CONTINUE; the others have one of their own */
	WORDS_UFFD_ZERO,  /* and POISON */
	WORDS_UFFD_PROTECT,
	WORDS_UFFD_MOVE,
	WORDS_UFFD_EVENT, /* one of several */
	WORDS_UFFD_FAULT, /* in the message of a page fault */
	WORDS_SCAN,       /* flags of PAGEMAP_SCAN */
	WORDS_CATEGORIES, /* of pages */
	WORDS_NR,
};

struct scn_word {
	const char *name;
	uint64_t value;
};

/* The words of a vocabulary, up to one without a name. */
const struct scn_word *scn_words(enum scn_vocabulary which);

/* "private|anonymous" and the like; what has no name is shown in hex. Returns buf. */
char *scn_words_format(enum scn_vocabulary which, uint64_t value, char *buf, size_t size);
/* The reverse; also takes numbers. False: *ret_bad points at the word that is none. */
bool scn_words_parse(enum scn_vocabulary which, const char *text, uint64_t *ret_value,
		     const char **ret_bad);

/* "EINVAL"; "errno 4242" when unknown (in a static buffer). */
const char *scn_errno_name(int number);
/* 0: unknown. */
int scn_errno_number(const char *name);
const char *scn_signal_name(int signo);
const char *scn_signal_code_name(int signo, int code);

const char *scn_kind_name(enum scn_kind kind);
/* "UFFDIO_WAKE"; NULL: no command of userfaultfd. */
const char *scn_uffdio_name(uint64_t command);
/* SCN_NR_KINDS: unknown. */
enum scn_kind scn_kind_of(const char *name);

/* Why umm_config_set refused the value with ret, and what it would take. Returns buf. */
char *scn_option_error(int ret, const char *name, const char *value, char *buf, size_t size);

/* "4K", "0x1234" and the like. Returns buf. */
char *scn_size_format(uint64_t bytes, char *buf, size_t size);

/* "mmap(16K, rw, private|anonymous)"; without the task. Returns buf. */
char *scn_step_format(const struct scn_step *step, char *buf, size_t size);
/* "0x7ffff7ffb000", "-EINVAL", "SIGSEGV (SEGV_MAPERR) at 0x10", "\"abc\"". Returns buf. */
char *scn_result_format(const struct scn_step *step, char *buf, size_t size);

#endif
