/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "scenario/coverage.h"
#include "scenario/words.h"

#define MAX_WORDS 40
#define MAX_ERRORS 12

/* A call's flags: which argument they are in, and which of the vocabulary the model knows. */
struct flags {
	int arg; /* -1: none */
	enum scn_vocabulary words;
	const char *names; /* "all", or those that count, separated by spaces */
};

struct coverage {
	struct flags flags[2];
	int errors[MAX_ERRORS]; /* errnos, up to a 0 */
	const char *signals;    /* codes that an access can end with */
};

#define NO_FLAGS                     \
	{                            \
		-1, WORDS_PROT, NULL \
	}
/* Of the calls that lock memory, and of msync. */
#define LOCK_ERRNOS                   \
	{                             \
		EINVAL, ENOMEM, EPERM \
	}
#define MSYNC_ERRNOS                  \
	{                             \
		EINVAL, ENOMEM, EBUSY \
	}

/*
 * Left out, as no scenario can reach it on both sides: what needs memory to run out (EAGAIN of
 * mlock, ENOMEM of fork and vm_readv), and mappings that the model does not have (shared,
 * of files, of huge pages).
 */
static const struct coverage table[SCN_NR_KINDS] = {
	[SCN_MMAP] = { { { 3, WORDS_MAP,
			   "private droppable fixed anonymous 32bit above4g growsdown locked "
			   "noreserve populate nonblock stack fixed_noreplace denywrite "
			   "executable" },
			 { 2, WORDS_PROT, "r w x none" } },
		       { EINVAL, ENOMEM, EEXIST, EBADF, EAGAIN, EPERM },
		       NULL },
	[SCN_MUNMAP] = { { NO_FLAGS, NO_FLAGS }, { EINVAL, ENOMEM }, NULL },
	[SCN_MPROTECT] = { { { 2, WORDS_PROT, "r w x none growsdown growsup sem" }, NO_FLAGS },
			   { EINVAL, ENOMEM },
			   NULL },
	[SCN_MREMAP] = { { { 3, WORDS_MREMAP, "all" }, NO_FLAGS },
			 { EINVAL, ENOMEM, EFAULT, EAGAIN },
			 NULL },
	[SCN_MADVISE] = { { { 2, WORDS_ADVICE, "all" }, NO_FLAGS },
			  { EINVAL, ENOMEM, EAGAIN, EFAULT },
			  NULL },
	[SCN_MLOCK] = { { NO_FLAGS, NO_FLAGS }, LOCK_ERRNOS, NULL },
	[SCN_MLOCK2] = { { { 2, WORDS_MLOCK2, "all" }, NO_FLAGS }, LOCK_ERRNOS, NULL },
	[SCN_MUNLOCK] = { { NO_FLAGS, NO_FLAGS }, { EINVAL, ENOMEM }, NULL },
	[SCN_MLOCKALL] = { { { 0, WORDS_MLOCKALL, "all" }, NO_FLAGS }, LOCK_ERRNOS, NULL },
	[SCN_MINCORE] = { { NO_FLAGS, NO_FLAGS }, { EINVAL, ENOMEM }, NULL },
	[SCN_MSYNC] = { { { 2, WORDS_MSYNC, "all" }, NO_FLAGS }, MSYNC_ERRNOS, NULL },
	[SCN_VM_READV] = { { NO_FLAGS, NO_FLAGS }, { EINVAL, EFAULT, ESRCH }, NULL },
	[SCN_VM_WRITEV] = { { NO_FLAGS, NO_FLAGS }, { EINVAL, EFAULT, ESRCH }, NULL },
	[SCN_PIN] = { { NO_FLAGS, NO_FLAGS }, { EINVAL, EFAULT, ENOMEM }, NULL },
	[SCN_UNPIN] = { { NO_FLAGS, NO_FLAGS }, { EINVAL }, NULL },
	[SCN_SETRLIMIT] = { { { 0, WORDS_RLIMIT, "all" }, NO_FLAGS }, { EINVAL }, NULL },
	[SCN_READ] = { { NO_FLAGS, NO_FLAGS }, { 0 }, "SEGV_MAPERR SEGV_ACCERR SI_KERNEL" },
	[SCN_WRITE] = { { NO_FLAGS, NO_FLAGS }, { 0 }, "SEGV_MAPERR SEGV_ACCERR SI_KERNEL" },
	[SCN_LOAD] = { { NO_FLAGS, NO_FLAGS }, { EINVAL }, "SEGV_MAPERR SEGV_ACCERR SI_KERNEL" },
	[SCN_STORE] = { { NO_FLAGS, NO_FLAGS }, { EINVAL }, "SEGV_MAPERR SEGV_ACCERR SI_KERNEL" },
	[SCN_XCHG] = { { NO_FLAGS, NO_FLAGS }, { EINVAL }, "SEGV_MAPERR SEGV_ACCERR SI_KERNEL" },
	[SCN_FETCH_ADD] = { { NO_FLAGS, NO_FLAGS },
			    { EINVAL },
			    "SEGV_MAPERR SEGV_ACCERR SI_KERNEL" },
	[SCN_CMPXCHG] = { { NO_FLAGS, NO_FLAGS }, { EINVAL }, "SEGV_MAPERR SEGV_ACCERR SI_KERNEL" },
	[SCN_FETCH] = { { NO_FLAGS, NO_FLAGS }, { 0 }, "SEGV_MAPERR SEGV_ACCERR SI_KERNEL" },
};

/* ---- what was reached ----------------------------------------------------------------- */

#define MAX_VALUES 128
#define NR_ERRORS 256

static struct {
	uint64_t times[SCN_NR_KINDS];
	uint64_t bits[SCN_NR_KINDS][2];           /* seen set in the flags */
	bool values[SCN_NR_KINDS][2][MAX_VALUES]; /* seen as the whole argument */
	bool errors[SCN_NR_KINDS][NR_ERRORS];
	bool codes[SCN_NR_KINDS][3]; /* by code_names */
} reached;

static struct scn_watcher passed_on;

static const char *const code_names[] = { "SEGV_MAPERR", "SEGV_ACCERR", "SI_KERNEL" };

static void note(const struct scn_step *step)
{
	const struct coverage *coverage = &table[step->kind];

	reached.times[step->kind]++;
	for (int i = 0; i < 2; i++) {
		uint64_t value;

		if (!coverage->flags[i].names || coverage->flags[i].arg < 0)
			continue;
		value = step->args[coverage->flags[i].arg];
		reached.bits[step->kind][i] |= value;
		if (value < MAX_VALUES)
			reached.values[step->kind][i][value] = true;
	}
	if (step->fault.signo == SIGSEGV) {
		const char *name = scn_signal_code_name(SIGSEGV, step->fault.code);

		for (int i = 0; i < 3; i++)
			reached.codes[step->kind][i] |= !strcmp(name, code_names[i]);
	} else if (step->result < 0 && step->result > -NR_ERRORS) {
		reached.errors[step->kind][-step->result] = true;
	}
}

static int on_step(void *arg, struct scn_session *session, const struct scn_step *step)
{
	(void)arg;
	note(step);
	return passed_on.step ? passed_on.step(passed_on.arg, session, step) : 0;
}

static int on_print(void *arg, struct scn_session *session, const char *text)
{
	(void)arg;
	return passed_on.print ? passed_on.print(passed_on.arg, session, text) : 0;
}

void scn_coverage_watch(struct scn_session *session)
{
	passed_on = session->watcher;
	session->watcher = (struct scn_watcher){ on_step, on_print, NULL };
}

/* ---- the list ------------------------------------------------------------------------- */

struct counts {
	FILE *stream;
	unsigned reached, missed, unlisted;
	bool first;
};

static void item(struct counts *counts, const char *name, bool seen)
{
	fprintf(counts->stream, "%s%s%s", counts->first ? "" : " ", seen ? "" : "!", name);
	counts->first = false;
	if (seen)
		counts->reached++;
	else
		counts->missed++;
}

static bool flag_seen(enum scn_kind kind, int which, const struct scn_word *word)
{
	enum scn_vocabulary words = table[kind].flags[which].words;

	if (words == WORDS_ADVICE || words == WORDS_RLIMIT)
		return reached.values[kind][which][word->value];
	return (reached.bits[kind][which] & word->value) == word->value;
}

/* Letters of prot are no words of a vocabulary. */
static bool letter_seen(enum scn_kind kind, int which, const char *name, bool *ret_seen)
{
	static const char letters[] = "rwx";
	const char *letter = strchr(letters, name[0]);

	if (!strcmp(name, "none")) {
		*ret_seen = reached.values[kind][which][0];
		return true;
	}
	if (name[1] || !letter)
		return false;
	*ret_seen = (reached.bits[kind][which] >> (letter - letters) & 1) != 0;
	return true;
}

static void print_named(struct counts *counts, enum scn_kind kind, int which, const char *names)
{
	const struct scn_word *word;
	char name[32];
	bool seen;

	while (*names) {
		size_t len = strcspn(names, " ");

		memcpy(name, names, len);
		name[len] = '\0';
		names += len + (names[len] == ' ');
		if (table[kind].flags[which].words == WORDS_PROT &&
		    letter_seen(kind, which, name, &seen)) {
			item(counts, name, seen);
			continue;
		}
		for (word = scn_words(table[kind].flags[which].words); word->name; word++) {
			if (!strcmp(word->name, name))
				item(counts, name, flag_seen(kind, which, word));
		}
	}
}

static void print_flags(struct counts *counts, enum scn_kind kind, int which)
{
	const struct flags *flags = &table[kind].flags[which];
	const struct scn_word *word;

	if (flags->arg < 0 || !flags->names)
		return;
	fprintf(counts->stream, "%s", counts->first ? "" : "; ");
	counts->first = true;
	if (strcmp(flags->names, "all")) {
		print_named(counts, kind, which, flags->names);
		return;
	}
	for (word = scn_words(flags->words); word->name; word++)
		item(counts, word->name, flag_seen(kind, which, word));
}

static bool listed(enum scn_kind kind, int error)
{
	for (int i = 0; i < MAX_ERRORS && table[kind].errors[i]; i++) {
		if (table[kind].errors[i] == error)
			return true;
	}
	return false;
}

/* What was returned although the table does not know it: nobody would miss it. */
static void print_unlisted(struct counts *counts, enum scn_kind kind)
{
	for (int error = 1; error < NR_ERRORS; error++) {
		if (!reached.errors[kind][error] || listed(kind, error))
			continue;
		fprintf(counts->stream, "%s?%s", counts->first ? "" : " ", scn_errno_name(error));
		counts->first = false;
		counts->unlisted++;
	}
}

static void print_kind(struct counts *counts, enum scn_kind kind)
{
	const char *signals = table[kind].signals;
	char head[32];

	counts->first = true;
	snprintf(head, sizeof(head), "%s%s", reached.times[kind] ? "" : "!", scn_kind_name(kind));
	fprintf(counts->stream, "  %-14s ", head);
	if (reached.times[kind])
		counts->reached++;
	else
		counts->missed++;
	for (int which = 0; which < 2; which++)
		print_flags(counts, kind, which);
	if (table[kind].errors[0] || signals) {
		fprintf(counts->stream, "%s", counts->first ? "" : "; ");
		counts->first = true;
	}
	for (int i = 0; i < MAX_ERRORS && table[kind].errors[i]; i++)
		item(counts, scn_errno_name(table[kind].errors[i]),
		     reached.errors[kind][table[kind].errors[i]]);
	for (int i = 0; signals && i < 3; i++) {
		if (strstr(signals, code_names[i]))
			item(counts, code_names[i], reached.codes[kind][i]);
	}
	print_unlisted(counts, kind);
	fprintf(counts->stream, "\n");
}

bool scn_coverage_print(FILE *stream)
{
	struct counts counts = { .stream = stream };

	fprintf(stream, "coverage of calls, flags and errors (! was not reached):\n");
	for (unsigned kind = 0; kind < SCN_NR_KINDS; kind++)
		print_kind(&counts, (enum scn_kind)kind);
	fprintf(stream, "%u reached, %u not reached\n", counts.reached, counts.missed);
	if (counts.unlisted)
		fprintf(stream,
			"%u marked ? were returned, but the list of what is possible lacks "
			"them\n",
			counts.unlisted);
	return counts.missed == 0 && counts.unlisted == 0;
}
