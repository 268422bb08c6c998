/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "scenario/coverage.h"
#include "scenario/scan.h"
#include "scenario/transitions.h"
#include "scenario/words.h"

#define MAX_WORDS 40
#define MAX_ERRORS 12

/*
 * Rows of the list: the kinds of steps, and behind them each ioctl by the number in its command;
 * the handshake, whose number is far from the others, comes last.
 */
#define NR_UFFDIO 9
#define UFFDIO(nr) (SCN_NR_KINDS + (nr))
#define UFFDIO_HANDSHAKE UFFDIO(NR_UFFDIO)
#define NR_ROWS (UFFDIO_HANDSHAKE + 1)
/* Where flags are, beyond the arguments: in a word of the structure given, or of the one got. */
#define GIVEN(word) (16 + (word))
#define GOT(word) (32 + (word))
/* In the regions got: all their categories together. */
#define CATEGORIES 64

/* A call's flags: where they are, and which of the vocabulary the model knows. */
struct flags {
	int arg; /* its number, GIVEN, GOT, CATEGORIES; -1: none */
	enum scn_vocabulary words;
	const char *names; /* "all", or those that count, separated by spaces */
};

struct coverage {
	struct flags flags[2];
	int errors[MAX_ERRORS]; /* errnos, up to a 0 */
	const char *signals;    /* codes that an access can end with */
};

/* What an access to a page may end with; an instruction that is not fetched is one too. */
#define SIGNALS "SEGV_MAPERR SEGV_ACCERR SI_KERNEL BUS_ADRERR"
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

/* Of the ioctls that fill. */
#define FILLING EEXIST, ENOENT, EAGAIN, ESRCH

/*
 * Left out, as no scenario can reach it on both sides: what needs memory to run out (EAGAIN of
 * mlock, ENOMEM of fork and vm_readv), and mappings that the model does not have (huge pages).
 */
static const struct coverage table[NR_ROWS] = {
	[SCN_MMAP] = { { { 3, WORDS_MAP,
			   "shared private shared_validate droppable fixed anonymous 32bit above4g "
			   "growsdown locked noreserve populate nonblock stack fixed_noreplace "
			   "denywrite executable sync" },
			 { 2, WORDS_PROT, "r w x none" } },
		       { EINVAL, ENOMEM, EEXIST, EBADF, EAGAIN, EPERM, EACCES, EOVERFLOW,
			 EOPNOTSUPP, ENODEV },
		       NULL },
	[SCN_MUNMAP] = { { NO_FLAGS, NO_FLAGS }, { EINVAL, ENOMEM }, NULL },
	[SCN_MPROTECT] = { { { 2, WORDS_PROT, "r w x none growsdown growsup sem" }, NO_FLAGS },
			   { EINVAL, ENOMEM, EACCES },
			   NULL },
	[SCN_MREMAP] = { { { 3, WORDS_MREMAP, "all" }, NO_FLAGS },
			 { EINVAL, ENOMEM, EFAULT, EAGAIN },
			 NULL },
	[SCN_MADVISE] = { { { 2, WORDS_ADVICE, "all" }, NO_FLAGS },
			  { EINVAL, ENOMEM, EAGAIN, EFAULT, EACCES, EHWPOISON },
			  NULL },
	[SCN_MLOCK] = { { NO_FLAGS, NO_FLAGS }, LOCK_ERRNOS, NULL },
	[SCN_MLOCK2] = { { { 2, WORDS_MLOCK2, "all" }, NO_FLAGS }, LOCK_ERRNOS, NULL },
	[SCN_MUNLOCK] = { { NO_FLAGS, NO_FLAGS }, { EINVAL, ENOMEM }, NULL },
	[SCN_MLOCKALL] = { { { 0, WORDS_MLOCKALL, "all" }, NO_FLAGS }, LOCK_ERRNOS, NULL },
	[SCN_MINCORE] = { { NO_FLAGS, NO_FLAGS }, { EINVAL, ENOMEM }, NULL },
	[SCN_PAGEMAP_SCAN] = { { { GIVEN(1), WORDS_SCAN, "all" },
				 { CATEGORIES, WORDS_CATEGORIES,
				   "wpallowed written file present swapped pfnzero guard" } },
			       { EINVAL, EFAULT, EPERM },
			       NULL },
	[SCN_MSYNC] = { { { 2, WORDS_MSYNC, "all" }, NO_FLAGS }, MSYNC_ERRNOS, NULL },
	[SCN_VM_READV] = { { NO_FLAGS, NO_FLAGS }, { EINVAL, EFAULT, ESRCH }, NULL },
	[SCN_VM_WRITEV] = { { NO_FLAGS, NO_FLAGS }, { EINVAL, EFAULT, ESRCH }, NULL },
	[SCN_PIN] = { { NO_FLAGS, NO_FLAGS }, { EINVAL, EFAULT, ENOMEM }, NULL },
	[SCN_UNPIN] = { { NO_FLAGS, NO_FLAGS }, { EINVAL }, NULL },
	[SCN_SETRLIMIT] = { { { 0, WORDS_RLIMIT, "all" }, NO_FLAGS }, { EINVAL }, NULL },
	[SCN_MEMFD] = { { { 0, WORDS_MEMFD, "cloexec allow_sealing noexec_seal exec" }, NO_FLAGS },
			{ EINVAL },
			NULL },
	[SCN_OPEN] = { { { 0, WORDS_OPEN, "rdonly wronly rdwr creat trunc" }, NO_FLAGS },
		       { ENOENT },
		       NULL },
	[SCN_CLOSE] = { { NO_FLAGS, NO_FLAGS }, { EBADF }, NULL },
	[SCN_FTRUNCATE] = { { NO_FLAGS, NO_FLAGS }, { EINVAL, EBADF, EPERM }, NULL },
	[SCN_FALLOCATE] = { { { 1, WORDS_FALLOCATE, "keep_size punch_hole" }, NO_FLAGS },
			    { EINVAL, EBADF, EPERM, EFBIG, EOPNOTSUPP },
			    NULL },
	[SCN_ADD_SEALS] = { { { 1, WORDS_SEALS, "all" }, NO_FLAGS },
			    { EINVAL, EBADF, EPERM, EBUSY },
			    NULL },
	[SCN_GET_SEALS] = { { NO_FLAGS, NO_FLAGS }, { EINVAL, EBADF }, NULL },
	[SCN_PREAD] = { { NO_FLAGS, NO_FLAGS }, { EINVAL, EBADF, ESPIPE }, NULL },
	[SCN_PWRITE] = { { NO_FLAGS, NO_FLAGS }, { EINVAL, EBADF, EPERM, EIO }, NULL },
	[SCN_FSYNC] = { { NO_FLAGS, NO_FLAGS }, { EBADF }, NULL },
	[SCN_FADVISE] = { { { 3, WORDS_FADVISE, "all" }, NO_FLAGS }, { EINVAL, EBADF }, NULL },
	[SCN_FSTAT] = { { NO_FLAGS, NO_FLAGS }, { EBADF }, NULL },
	[SCN_MOVE_PAGES] = { { { 3, WORDS_MOVE, "all" }, NO_FLAGS }, { EINVAL, ENODEV }, NULL },
	[SCN_SWAPON] = { { NO_FLAGS, NO_FLAGS }, { EINVAL }, NULL },
	[SCN_SWAPOFF] = { { NO_FLAGS, NO_FLAGS }, { EINVAL }, NULL },
	[SCN_READ] = { { NO_FLAGS, NO_FLAGS }, { 0 }, SIGNALS },
	[SCN_WRITE] = { { NO_FLAGS, NO_FLAGS }, { 0 }, SIGNALS },
	[SCN_LOAD] = { { NO_FLAGS, NO_FLAGS }, { EINVAL }, SIGNALS },
	[SCN_STORE] = { { NO_FLAGS, NO_FLAGS }, { EINVAL }, SIGNALS },
	[SCN_XCHG] = { { NO_FLAGS, NO_FLAGS }, { EINVAL }, SIGNALS },
	[SCN_FETCH_ADD] = { { NO_FLAGS, NO_FLAGS }, { EINVAL }, SIGNALS },
	[SCN_CMPXCHG] = { { NO_FLAGS, NO_FLAGS }, { EINVAL }, SIGNALS },
	[SCN_FETCH] = { { NO_FLAGS, NO_FLAGS }, { 0 }, SIGNALS },
	[SCN_USERFAULTFD] = { { { 0, WORDS_UFFD, "all" }, NO_FLAGS }, { EINVAL }, NULL },
	[SCN_IOCTL] = { { NO_FLAGS, NO_FLAGS },
			{ EINVAL, EBADF, ENOTTY, EFAULT, EPERM, EBUSY, ENOMEM, FILLING },
			NULL },
	[SCN_READ_FD] = { { { GOT(0), WORDS_UFFD_EVENT, "all" },
			    { GOT(1), WORDS_UFFD_FAULT, "all" } },
			  { EINVAL, EAGAIN, EBADF },
			  NULL },
	[UFFDIO(0)] = { { { GIVEN(2), WORDS_UFFD_MODES, "all" }, NO_FLAGS },
			{ EINVAL, EBADF, ENOTTY, EPERM, EBUSY, ENOMEM },
			NULL },
	[UFFDIO(1)] = { { NO_FLAGS, NO_FLAGS }, { EINVAL, EBADF, ENOTTY, ENOMEM }, NULL },
	[UFFDIO(2)] = { { NO_FLAGS, NO_FLAGS }, { EINVAL, EBADF, ENOTTY }, NULL },
	[UFFDIO(3)] = { { { GIVEN(3), WORDS_UFFD_COPY, "all" }, NO_FLAGS },
			{ EINVAL, EBADF, ENOTTY, EFAULT, FILLING },
			NULL },
	[UFFDIO(4)] = { { { GIVEN(2), WORDS_UFFD_ZERO, "all" }, NO_FLAGS },
			{ EINVAL, EBADF, ENOTTY, EFAULT, FILLING },
			NULL },
	[UFFDIO(5)] = { { { GIVEN(3), WORDS_UFFD_MOVE, "all" }, NO_FLAGS },
			{ EINVAL, EBADF, ENOTTY, EFAULT, EBUSY, EEXIST, ENOENT, EAGAIN },
			NULL },
	[UFFDIO(6)] = { { { GIVEN(2), WORDS_UFFD_PROTECT, "all" }, NO_FLAGS },
			{ EINVAL, EBADF, ENOTTY, EAGAIN, ENOENT, ESRCH },
			NULL },
	[UFFDIO(7)] = { { { GIVEN(2), WORDS_UFFD_COPY, "all" }, NO_FLAGS },
			{ EINVAL, EBADF, ENOTTY, EFAULT, FILLING },
			NULL },
	[UFFDIO(8)] = { { { GIVEN(2), WORDS_UFFD_ZERO, "all" }, NO_FLAGS },
			{ EINVAL, EBADF, ENOTTY, EFAULT, FILLING },
			NULL },
	[UFFDIO_HANDSHAKE] = { { { GIVEN(1), WORDS_UFFD_FEATURES,
				   "pagefault_flag_wp event_fork event_remap event_remove "
				   "missing_shmem event_unmap sigbus thread_id minor_shmem "
				   "exact_address "
				   "wp_hugetlbfs_shmem wp_unpopulated poison wp_async move" },
				 NO_FLAGS },
			       { EINVAL, EBADF, ENOTTY },
			       NULL },
};

/* ---- what was reached ----------------------------------------------------------------- */

#define MAX_VALUES 128
#define NR_ERRORS 256

static struct {
	uint64_t times[NR_ROWS];
	uint64_t bits[NR_ROWS][2];           /* seen set in the flags */
	bool values[NR_ROWS][2][MAX_VALUES]; /* seen as the whole argument */
	bool errors[NR_ROWS][NR_ERRORS];
	bool codes[NR_ROWS][4]; /* by code_names */
} reached;

static struct scn_watcher passed_on;

static const char *const code_names[] = { "SEGV_MAPERR", "SEGV_ACCERR", "SI_KERNEL", "BUS_ADRERR" };
#define NR_CODES (int)(sizeof(code_names) / sizeof(code_names[0]))

static const char *row_name(unsigned row)
{
	if (row < SCN_NR_KINDS)
		return scn_kind_name((enum scn_kind)row);
	return scn_uffdio_name(0xaa00 | (row == UFFDIO_HANDSHAKE ? 0x3f : row - SCN_NR_KINDS));
}

static uint64_t word_of(const void *bytes, uint64_t len_bytes, int word)
{
	uint64_t value = 0;

	if ((unsigned)word * sizeof(value) + sizeof(value) <= len_bytes)
		memcpy(&value, (const char *)bytes + (unsigned)word * sizeof(value), sizeof(value));
	return value;
}

static uint64_t categories_of(const struct scn_step *step)
{
	const struct scn_region *regions = step->out;
	uint64_t categories = 0;

	for (uint64_t i = 0; i < step->done / sizeof(*regions); i++)
		categories |= regions[i].categories;
	return categories;
}

/* The flags of a step; of a message only what its event means by the word. */
static uint64_t flags_of(const struct scn_step *step, int arg)
{
	uint64_t value;

	if (arg < GIVEN(0))
		return step->args[arg];
	if (arg < GOT(0))
		return word_of(step->in, step->in_bytes, arg - GIVEN(0));
	if (arg == CATEGORIES)
		return categories_of(step);
	value = word_of(step->out, step->done, arg - GOT(0));
	if (arg == GOT(0))
		return value & 0xff;
	return flags_of(step, GOT(0)) == 0x12 ? value : 0;
}

static void note_row(unsigned row, const struct scn_step *step)
{
	const struct coverage *coverage = &table[row];

	reached.times[row]++;
	for (int i = 0; i < 2; i++) {
		uint64_t value;

		if (!coverage->flags[i].names || coverage->flags[i].arg < 0)
			continue;
		value = flags_of(step, coverage->flags[i].arg);
		reached.bits[row][i] |= value;
		if (value < MAX_VALUES)
			reached.values[row][i][value] = true;
	}
	if (step->fault.signo) {
		const char *name = scn_signal_code_name(step->fault.signo, step->fault.code);

		for (int i = 0; i < NR_CODES; i++)
			reached.codes[row][i] |= !strcmp(name, code_names[i]);
	} else if (step->result < 0 && step->result > -NR_ERRORS) {
		reached.errors[row][-step->result] = true;
	}
}

static void note(const struct scn_step *step)
{
	uint64_t nr = step->args[1] & 0xff;

	note_row(step->kind, step);
	if (step->kind != SCN_IOCTL || !scn_uffdio_name(step->args[1]))
		return;
	note_row(nr < NR_UFFDIO ? UFFDIO((unsigned)nr) : UFFDIO_HANDSHAKE, step);
}

static int on_step(void *arg, struct scn_session *session, const struct scn_step *step)
{
	(void)arg;
	note(step);
	if (session->ops->machine)
		scn_transitions_step(session->ops->machine(session->backend),
				     !scn_session_concurrent(session));
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
	scn_transitions_prepare(&session->config);
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

static bool flag_seen(unsigned row, int which, const struct scn_word *word)
{
	enum scn_vocabulary words = table[row].flags[which].words;

	if (words == WORDS_ADVICE || words == WORDS_RLIMIT || words == WORDS_FADVISE ||
	    words == WORDS_UFFD_EVENT)
		return reached.values[row][which][word->value];
	return (reached.bits[row][which] & word->value) == word->value;
}

/* Letters of prot are no words of a vocabulary. */
static bool letter_seen(unsigned row, int which, const char *name, bool *ret_seen)
{
	static const char letters[] = "rwx";
	const char *letter = strchr(letters, name[0]);

	if (!strcmp(name, "none")) {
		*ret_seen = reached.values[row][which][0];
		return true;
	}
	if (name[1] || !letter)
		return false;
	*ret_seen = (reached.bits[row][which] >> (letter - letters) & 1) != 0;
	return true;
}

static void print_named(struct counts *counts, unsigned row, int which, const char *names)
{
	const struct scn_word *word;
	char name[32];
	bool seen;

	while (*names) {
		size_t len = strcspn(names, " ");

		memcpy(name, names, len);
		name[len] = '\0';
		names += len + (names[len] == ' ');
		if (table[row].flags[which].words == WORDS_PROT &&
		    letter_seen(row, which, name, &seen)) {
			item(counts, name, seen);
			continue;
		}
		for (word = scn_words(table[row].flags[which].words); word->name; word++) {
			if (!strcmp(word->name, name))
				item(counts, name, flag_seen(row, which, word));
		}
	}
}

static void print_flags(struct counts *counts, unsigned row, int which)
{
	const struct flags *flags = &table[row].flags[which];
	const struct scn_word *word;

	if (flags->arg < 0 || !flags->names)
		return;
	fprintf(counts->stream, "%s", counts->first ? "" : "; ");
	counts->first = true;
	if (strcmp(flags->names, "all")) {
		print_named(counts, row, which, flags->names);
		return;
	}
	for (word = scn_words(flags->words); word->name; word++)
		item(counts, word->name, flag_seen(row, which, word));
}

static bool listed(unsigned row, int error)
{
	for (int i = 0; i < MAX_ERRORS && table[row].errors[i]; i++) {
		if (table[row].errors[i] == error)
			return true;
	}
	return false;
}

/* What was returned although the table does not know it: nobody would miss it. */
static void print_unlisted(struct counts *counts, unsigned row)
{
	for (int error = 1; error < NR_ERRORS; error++) {
		if (!reached.errors[row][error] || listed(row, error))
			continue;
		fprintf(counts->stream, "%s?%s", counts->first ? "" : " ", scn_errno_name(error));
		counts->first = false;
		counts->unlisted++;
	}
}

static void print_row(struct counts *counts, unsigned row)
{
	const char *signals = table[row].signals;
	char head[32];

	counts->first = true;
	snprintf(head, sizeof(head), "%s%s", reached.times[row] ? "" : "!", row_name(row));
	fprintf(counts->stream, "  %-18s ", head);
	if (reached.times[row])
		counts->reached++;
	else
		counts->missed++;
	for (int which = 0; which < 2; which++)
		print_flags(counts, row, which);
	if (table[row].errors[0] || signals) {
		fprintf(counts->stream, "%s", counts->first ? "" : "; ");
		counts->first = true;
	}
	for (int i = 0; i < MAX_ERRORS && table[row].errors[i]; i++)
		item(counts, scn_errno_name(table[row].errors[i]),
		     reached.errors[row][table[row].errors[i]]);
	for (int i = 0; signals && i < NR_CODES; i++) {
		if (strstr(signals, code_names[i]))
			item(counts, code_names[i], reached.codes[row][i]);
	}
	print_unlisted(counts, row);
	fprintf(counts->stream, "\n");
}

bool scn_coverage_print(FILE *stream)
{
	struct counts counts = { .stream = stream };

	fprintf(stream, "coverage of calls, flags and errors (! was not reached):\n");
	for (unsigned row = 0; row < NR_ROWS; row++)
		print_row(&counts, row);
	scn_transitions_print(stream, &counts.reached, &counts.missed, &counts.unlisted);
	fprintf(stream, "%u reached, %u not reached\n", counts.reached, counts.missed);
	if (counts.unlisted)
		fprintf(stream,
			"%u marked ? were returned, but the list of what is possible lacks "
			"them\n",
			counts.unlisted);
	return counts.missed == 0 && counts.unlisted == 0;
}
