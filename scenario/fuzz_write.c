/* SPDX-License-Identifier: MIT */
/* A case as a scenario that a person can read. */
#include <inttypes.h>
#include <linux/userfaultfd.h>
#include <string.h>

#include "scenario/fuzz_internal.h"
#include "scenario/words.h"

struct writer {
	FILE *out;
	const struct fuzz_case *c;
	unsigned process_nr[FUZZ_MAX_OPS + 1]; /* by op; 0: it made none */
	unsigned nr_processes;
	bool is_thread[FUZZ_MAX_OPS + 1]; /* process_nr is its process's */
	bool named[FUZZ_MAX_OPS + 1];     /* its result has a name in the scenario */
	bool wanted[FUZZ_MAX_OPS + 1];    /* and is spoken of later */
};

static void put_number(struct writer *w, uint64_t value)
{
	static const struct {
		uint64_t unit;
		const char *name;
	} units[] = { { 1u << 20, "M" }, { 1u << 10, "K" } };

	for (unsigned i = 0; i < 2; i++) {
		if (value && value % units[i].unit == 0 && value / units[i].unit < 1024) {
			fprintf(w->out, "%" PRIu64 "*%s", value / units[i].unit, units[i].name);
			return;
		}
	}
	fprintf(w->out, value < 65536 ? "%" PRIu64 : "0x%" PRIx64, value);
}

static void put_address(struct writer *w, uint32_t base, uint64_t offset)
{
	if (base && w->named[base]) {
		fprintf(w->out, "a%u", base);
		if (!offset)
			return;
		fprintf(w->out, " + ");
		put_number(w, offset);
		return;
	}
	fprintf(w->out, "0x%" PRIx64, offset);
}

static void put_words(struct writer *w, enum scn_vocabulary which, uint64_t value)
{
	char text[256];

	fprintf(w->out, "\"%s\"", scn_words_format(which, value, text, sizeof(text)));
}

static void put_bytes(struct writer *w, const struct fuzz_op *op)
{
	if (op->fill >= 'a' && op->fill <= 'z')
		fprintf(w->out, "(\"%c\")", op->fill);
	else
		fprintf(w->out, "(\"\\x%02x\")", op->fill);
	fprintf(w->out, ":rep(%u)", op->bytes);
}

static void put_mmap(struct writer *w, const struct fuzz_op *op)
{
	fprintf(w->out, ":mmap{ ");
	if (op->base || op->args[0]) {
		fprintf(w->out, "addr = ");
		put_address(w, op->base, op->args[0]);
		fprintf(w->out, ", ");
	}
	fprintf(w->out, "len = ");
	put_number(w, op->args[1]);
	fprintf(w->out, ", prot = ");
	put_words(w, WORDS_PROT, op->args[2]);
	fprintf(w->out, ", flags = ");
	put_words(w, WORDS_MAP, op->args[3]);
	if (!(op->args[3] & 0x20) || op->args[4] != UINT64_MAX)
		fprintf(w->out, ", fd = %d", (int)op->args[4]);
	if (op->args[5]) {
		fprintf(w->out, ", offset = ");
		put_number(w, op->args[5]);
	}
	fprintf(w->out, " }");
}

static void put_vm(struct writer *w, const struct fuzz_op *op)
{
	bool write = op->kind == SCN_VM_WRITEV;

	fprintf(w->out, ":%s(p%u, { ", scn_kind_name(op->kind), w->process_nr[op->remote]);
	for (unsigned i = 0; i < op->nr_ranges; i++) {
		fprintf(w->out, "%s{ ", i ? ", " : "");
		put_address(w, op->range_base[i], op->ranges[i].addr);
		fprintf(w->out, ", ");
		put_number(w, op->ranges[i].len_bytes);
		fprintf(w->out, " }");
	}
	fprintf(w->out, " }, ");
	if (write)
		put_bytes(w, op);
	else
		put_number(w, op->bytes);
	if (op->args[0])
		fprintf(w->out, ", %" PRIu64, op->args[0]);
	fprintf(w->out, ")");
}

/*
 * The arguments of each call in Lua's order: letter and index into args[].
 *   a address (0: with base, 4: with base_new)  n number  p m v r 2 l y R words  b bytes
 *   s size or unlimited  t truth  c count of bytes  i number with its sign
 *   F fallocate mode  S seals  A fadvise advice  M memfd flags  V move flags
 */
static const char *const shapes[SCN_NR_KINDS] = {
	[SCN_MUNMAP] = "a0n1",
	[SCN_MPROTECT] = "a0n1p2",
	[SCN_MADVISE] = "a0n1v2",
	[SCN_MLOCK] = "a0n1",
	[SCN_MLOCK2] = "a0n122",
	[SCN_MUNLOCK] = "a0n1",
	[SCN_MREMAP] = "a0n1n2r3a4",
	[SCN_MLOCKALL] = "l0",
	[SCN_MINCORE] = "a0n1",
	[SCN_BRK] = "a0",
	[SCN_MSYNC] = "a0n1y2",
	[SCN_PIN] = "a0n1",
	[SCN_UNPIN] = "a0",
	[SCN_SETRLIMIT] = "R0s1",
	[SCN_CAP_IPC_LOCK] = "t0",
	[SCN_READ] = "a0c0",
	[SCN_WRITE] = "a0b0",
	[SCN_LOAD] = "a0n1",
	[SCN_STORE] = "a0n2n1",
	[SCN_XCHG] = "a0n2n1",
	[SCN_FETCH_ADD] = "a0n2n1",
	[SCN_CMPXCHG] = "a0n3n2n1",
	[SCN_FETCH] = "a0",
	[SCN_MEMFD] = "b0M0",
	[SCN_CLOSE] = "i0",
	[SCN_FTRUNCATE] = "i0i1",
	[SCN_FALLOCATE] = "i0F1i2i3",
	[SCN_ADD_SEALS] = "i0S1",
	[SCN_GET_SEALS] = "i0",
	[SCN_PREAD] = "i0c0i1",
	[SCN_PWRITE] = "i0b0i1",
	[SCN_FSYNC] = "i0",
	[SCN_FADVISE] = "i0i1i2A3",
	[SCN_FSTAT] = "i0",
	[SCN_MOVE_PAGES] = "a0n1i2V3",
	[SCN_SWAPON] = "n0i1",
	[SCN_SWAPOFF] = "n0",
	[SCN_USERFAULTFD] = "U0",
	[SCN_READ_FD] = "a0",
	[SCN_POLL] = "a0",
};

/* An ioctl is a method of its own, and its structure are the arguments. */
static void put_ioctl(struct writer *w, const struct fuzz_op *op)
{
	const char *method, *shape = fuzz_uffd_shape(op, &method);

	fprintf(w->out, ":%s(", method);
	if (op->base && w->named[op->base])
		put_address(w, op->base, op->args[0]);
	else
		fprintf(w->out, "%d", (int)op->args[0]);
	for (; *shape && *shape != 'r'; shape++) {
		fprintf(w->out, ", ");
		if (*shape == 'a' || *shape == 's')
			put_address(w, op->range_base[*shape == 's'],
				    op->ranges[*shape == 's'].addr);
		else
			put_number(w, *shape == 'l' ? op->ranges[0].len_bytes :
				      *shape == 'f' ? op->args[3] :
						      op->args[2]);
	}
	fprintf(w->out, ")");
}

static void put_argument(struct writer *w, const struct fuzz_op *op, char shape, unsigned i)
{
	static const char letters[] = "pmvr2lyRFSAMVU";
	static const enum scn_vocabulary words[] = { WORDS_PROT,   WORDS_MAP,     WORDS_ADVICE,
						     WORDS_MREMAP, WORDS_MLOCK2,  WORDS_MLOCKALL,
						     WORDS_MSYNC,  WORDS_RLIMIT,  WORDS_FALLOCATE,
						     WORDS_SEALS,  WORDS_FADVISE, WORDS_MEMFD,
						     WORDS_MOVE,   WORDS_UFFD };
	const char *letter = strchr(letters, shape);

	if (letter)
		put_words(w, words[letter - letters], op->args[i]);
	else if (shape == 'a')
		put_address(w, i ? op->base_new : op->base, op->args[i]);
	else if (shape == 'b')
		put_bytes(w, op);
	else if (shape == 'c')
		put_number(w, op->bytes);
	else if (shape == 'i')
		fprintf(w->out, "%" PRId64, (int64_t)op->args[i]);
	else if (shape == 't')
		fprintf(w->out, op->args[i] ? "true" : "false");
	else if (shape == 's' && op->args[i] == SCN_UNLIMITED)
		fprintf(w->out, "\"unlimited\"");
	else
		put_number(w, op->args[i]);
}

static void put_call(struct writer *w, const struct fuzz_op *op)
{
	const char *shape = shapes[op->kind];

	if (op->kind == SCN_PROCESS) {
		fprintf(w->out, "process()");
		return;
	}
	fprintf(w->out, "p%u", w->process_nr[op->task]);
	if (op->kind == SCN_MMAP) {
		put_mmap(w, op);
		return;
	}
	if (op->kind == SCN_IOCTL) {
		put_ioctl(w, op);
		return;
	}
	if (op->kind == SCN_VM_READV || op->kind == SCN_VM_WRITEV) {
		put_vm(w, op);
		return;
	}
	fprintf(w->out, ":%s(", scn_kind_name(op->kind));
	for (; shape && *shape; shape += 2) {
		/* Where mremap shall go is said only when it is asked. */
		if (shape[0] == 'a' && shape[1] == '4' && !(op->args[3] & 6))
			break;
		put_argument(w, op, shape[0], (unsigned)(shape[1] - '0'));
		if (shape[2] && !(shape[2] == 'a' && shape[3] == '4' && !(op->args[3] & 6)))
			fprintf(w->out, ", ");
	}
	fprintf(w->out, ")");
}

static bool is_refused(const struct fuzz_op *op)
{
	return op->ran && op->result < 0 && op->result > -4096 && op->kind != SCN_BRK;
}

/* The name that the result gets, or "" when nobody asks for it. */
static void name_result(struct writer *w, const struct fuzz_op *op, char *name, size_t size)
{
	name[0] = '\0';
	if (op->kind == SCN_PROCESS || op->kind == SCN_FORK) {
		w->process_nr[op->id] = ++w->nr_processes;
		snprintf(name, size, "p%u", w->nr_processes);
	} else if (w->wanted[op->id] && op->result > 0) {
		w->named[op->id] = true;
		snprintf(name, size, "a%u", op->id);
	}
}

/* ---- what handlers do ----------------------------------------------------------------- */

static void put_wait(struct writer *w, const struct fuzz_op *act)
{
	fprintf(w->out, "p%u:uffd_wait(%d)\n", w->process_nr[act->task], (int)act->args[0]);
}

static void put_message(struct writer *w, const struct fuzz_op *act)
{
	const uint64_t *words = act->args + 1;
	char flags[256] = "";

	put_wait(w, act);
	fprintf(w->out, "m = p%u:uffd_read(%d)\n", w->process_nr[act->task], (int)act->args[0]);
	switch (words[0] & 0xff) {
	case UFFD_EVENT_PAGEFAULT:
		if (words[1])
			scn_words_format(WORDS_UFFD_FAULT, words[1], flags, sizeof(flags));
		fprintf(w->out, "expect(m.event == \"pagefault\" and m.flags == \"%s\" and ",
			flags);
		fprintf(w->out, "m.addr == 0x%" PRIx64 ")\n", words[2]);
		break;
	case UFFD_EVENT_FORK:
		fprintf(w->out, "expect(m.event == \"fork\" and m.fd == %d)\n", (int)words[1]);
		break;
	case UFFD_EVENT_REMAP:
		fprintf(w->out, "expect(m.event == \"remap\" and m.from == 0x%" PRIx64, words[1]);
		fprintf(w->out, " and m.to == 0x%" PRIx64 " and m.len == ", words[2]);
		put_number(w, words[3]);
		fprintf(w->out, ")\n");
		break;
	default:
		fprintf(w->out, "expect(m.event == \"%s\"",
			(words[0] & 0xff) == UFFD_EVENT_REMOVE ? "remove" : "unmap");
		fprintf(w->out, " and m.start == 0x%" PRIx64 " and m.stop == 0x%" PRIx64 ")\n",
			words[1], words[2]);
	}
}

static void put_expected(struct writer *w, const struct fuzz_op *op)
{
	bool refused = is_refused(op);

	if (op->signo)
		fprintf(w->out, "expect_signal(\"%s\", function() ", scn_signal_name(op->signo));
	else if (refused)
		fprintf(w->out, "expect_errno(\"%s\", function() ",
			scn_errno_name((int)-op->result));
	put_call(w, op);
	fprintf(w->out, "%s", op->signo || refused ? " end)" : "");
}

static void put_act(struct writer *w, const struct fuzz_op *act)
{
	if (act->kind == SCN_POLL) {
		put_wait(w, act);
	} else if (act->kind == SCN_READ_FD && !is_refused(act)) {
		put_message(w, act);
	} else {
		put_expected(w, act);
		fprintf(w->out, "\n");
	}
}

/* Those of an op; whether there are any. */
static bool put_acts(struct writer *w, const struct fuzz_op *op, bool only_look)
{
	bool any = false;

	for (unsigned i = 0; i < w->c->nr_acts; i++) {
		if (w->c->acts[i].id != op->id)
			continue;
		any = true;
		if (!only_look)
			put_act(w, &w->c->acts[i]);
	}
	return any;
}

/* ---- ops ------------------------------------------------------------------------------ */

/*
 * A thread of a scenario is a function: it runs each of its ops as a thread of its own, which is
 * over before the next op. So does an op that handlers have to do with, which are the scenario's
 * main function; but for the handshake, after which they get ready.
 */
static void put_op(struct writer *w, const struct fuzz_op *op)
{
	bool names = !op->signo && !is_refused(op);
	bool readied = op->kind == SCN_IOCTL && (op->args[1] & 0xff) == FUZZ_UFFD_API;
	bool attended = !readied && put_acts(w, op, true);
	bool threaded = attended || w->is_thread[op->task];
	char name[32];

	if (op->kind == SCN_THREAD && names) {
		w->process_nr[op->id] = w->process_nr[op->task];
		w->is_thread[op->id] = true;
		return;
	}
	if (op->kind == SCN_EXIT && threaded)
		return;
	name_result(w, op, name, sizeof(name));
	if (name[0] && names)
		fprintf(w->out, threaded ? "local %s\n" : "local %s = ", name);
	if (threaded)
		fprintf(w->out, "%sp%u:thread(function() ", attended ? "t = " : "",
			w->process_nr[op->task]);
	if (threaded && name[0] && names)
		fprintf(w->out, "%s = ", name);
	put_expected(w, op);
	fprintf(w->out, "%s\n", attended ? " end)" : threaded ? " end):join()" : "");
	if (attended || readied)
		put_acts(w, op, false);
	if (attended)
		fprintf(w->out, "t:join()\n");
}

static void find_wanted(struct writer *w)
{
	for (unsigned i = 0; i < w->c->nr; i++) {
		const struct fuzz_op *op = &w->c->ops[i];

		w->wanted[op->base] = true;
		w->wanted[op->base_new] = true;
		for (unsigned r = 0; r < op->nr_ranges; r++)
			w->wanted[op->range_base[r]] = true;
	}
}

/* What the runs said, as comment lines. */
static void put_comment(FILE *out, const char *text)
{
	while (*text) {
		size_t len = strcspn(text, "\n");

		fprintf(out, "--%s%.*s\n", len && text[0] != ' ' ? " " : "", (int)len, text);
		text += len + (text[len] == '\n');
	}
}

void fuzz_write(FILE *out, const struct fuzz_setup *setup, const struct fuzz_case *c,
		const struct fuzz_report *report)
{
	static struct writer w;

	memset(&w, 0, sizeof(w));
	w.out = out;
	w.c = c;
	find_wanted(&w);
	fprintf(out, "-- Found by usermm fuzz%s%s, seed %" PRIu64,
		setup->vs_linux ? " --vs linux" : "", setup->fail ? " --fail" : "", c->seed);
	if (report->fail_nth)
		fprintf(out, ", with allocation %" PRIu64 " failing", report->fail_nth);
	fprintf(out, ".\n");
	put_comment(out, report->text);
	fprintf(out, "\n%s", c->nr_acts ? "local t, m\n" : "");
	for (unsigned i = 0; i < c->nr; i++) {
		if (c->ops[i].ran || i == report->at)
			put_op(&w, &c->ops[i]);
	}
}
