/* SPDX-License-Identifier: MIT */
/*
 * Which changes of page table entries a corpus makes. A step may write an entry several times
 * (cleared, flushed, set anew): what counts is what it was before the step and after it.
 */
#include "scenario/transitions.h"

#include <stdlib.h>
#include <string.h>

#define MAX_ADDRESSES 4096
#define RING_EVENTS (1u << 14)

/*      state of an entry, as far as its bits tell */
#define STATES(X)                 \
	X(NONE, "none")           \
	X(ZERO, "zero page")      \
	X(READ_ONLY, "read-only") \
	X(WRITABLE, "writable")   \
	X(NO_ACCESS, "no access") \
	X(SWAP, "swap")           \
	X(GUARD, "guard")         \
	X(MARKER, "marker")       \
	X(OTHER, "other")

enum state {
#define X(id, name) id,
	STATES(X)
#undef X
		NR_STATES
};

static const char *const state_names[] = {
#define X(id, name) name,
	STATES(X)
#undef X
};

/*
 * What one step can do on both backends. Not: what only several nodes make (migration), or a step
 * that is one on the model alone.
 */
static const struct {
	enum state from, to;
} possible[] = {
	{ NONE, ZERO },           { NONE, READ_ONLY },     { NONE, WRITABLE },
	{ NONE, NO_ACCESS },      { NONE, SWAP },          { NONE, GUARD },
	{ ZERO, NONE },           { ZERO, WRITABLE },      { ZERO, GUARD },
	{ READ_ONLY, NONE },      { READ_ONLY, WRITABLE }, { READ_ONLY, SWAP },
	{ READ_ONLY, NO_ACCESS }, { READ_ONLY, GUARD },    { WRITABLE, NONE },
	{ WRITABLE, READ_ONLY },  { WRITABLE, SWAP },      { WRITABLE, NO_ACCESS },
	{ WRITABLE, GUARD },      { NO_ACCESS, NONE },     { NO_ACCESS, READ_ONLY },
	{ NO_ACCESS, WRITABLE },  { NO_ACCESS, SWAP },     { NO_ACCESS, GUARD },
	{ SWAP, NONE },           { SWAP, READ_ONLY },     { SWAP, WRITABLE },
	{ SWAP, NO_ACCESS },      { SWAP, GUARD },         { GUARD, NONE },
	{ NONE, MARKER },         { READ_ONLY, MARKER },   { MARKER, NONE },
	{ MARKER, ZERO },         { MARKER, READ_ONLY },   { MARKER, WRITABLE },
	{ MARKER, GUARD },        { GUARD, READ_ONLY },    { GUARD, WRITABLE },
};

static bool seen[NR_STATES][NR_STATES];

/* The entries that the step has written. */
static struct {
	uint64_t mm, addr, before, after;
} written[MAX_ADDRESSES];
static unsigned nr_written;
static uint64_t cursor;

static enum state state_of(uint64_t entry)
{
	char words[96];
	const char *letters;

	umm_entry_describe(entry, words, sizeof(words));
	if (!strcmp(words, "none"))
		return NONE;
	if (!strncmp(words, "swap ", 5))
		return SWAP;
	if (!strncmp(words, "marker ", 7))
		return strchr(words + 7, 'g') ? GUARD : MARKER;
	if (strncmp(words, "present ", 8) != 0)
		return OTHER;
	letters = words + 8;
	if (memchr(letters, 's', strcspn(letters, " ")))
		return ZERO;
	if (memchr(letters, 'N', strcspn(letters, " ")))
		return NO_ACCESS;
	return memchr(letters, 'W', strcspn(letters, " ")) ? WRITABLE : READ_ONLY;
}

static void note_write(uint64_t mm, uint64_t addr, uint64_t before, uint64_t after)
{
	for (unsigned i = 0; i < nr_written; i++) {
		if (written[i].addr == addr && written[i].mm == mm) {
			written[i].after = after;
			return;
		}
	}
	if (nr_written == MAX_ADDRESSES)
		return;
	written[nr_written].mm = mm;
	written[nr_written].addr = addr;
	written[nr_written].before = before;
	written[nr_written++].after = after;
}

/* "... umm_set_pte: mm_id=1 address=0x... old=0x... new=0x..." */
static void read_line(const char *line)
{
	static const char *const fields[] = { "mm_id=", "address=", "old=", "new=" };
	uint64_t values[4];

	line = strstr(line, "umm_set_pte: ");
	for (int i = 0; line && i < 4; i++) {
		line = strstr(line, fields[i]);
		if (line)
			values[i] = strtoull(line + strlen(fields[i]), NULL, 0);
	}
	if (line)
		note_write(values[0], values[1], values[2], values[3]);
}

void scn_transitions_prepare(struct umm_config *config)
{
	if (config->trace_events < RING_EVENTS)
		config->trace_events = RING_EVENTS;
	cursor = 0;
}

void scn_transitions_step(struct umm_machine *machine, bool alone)
{
	char text[4096], *line, *end;
	size_t len;

	nr_written = 0;
	while ((len = umm_trace_read(machine, &cursor, text, sizeof(text))) != 0) {
		for (line = text; line < text + len; line = end + 1) {
			end = memchr(line, '\n', (size_t)(text + len - line));
			if (!end)
				break;
			*end = '\0';
			read_line(line);
		}
	}
	/* Where steps overlap, an entry may be caught in the middle of another one. */
	for (unsigned i = 0; alone && i < nr_written; i++)
		seen[state_of(written[i].before)][state_of(written[i].after)] = true;
}

void scn_transitions_print(FILE *stream, unsigned *reached, unsigned *missed, unsigned *unlisted)
{
	const size_t nr = sizeof(possible) / sizeof(possible[0]);

	fprintf(stream, "changes of entries by one step (! was not reached):\n");
	for (size_t i = 0; i < nr; i++) {
		bool found = seen[possible[i].from][possible[i].to];

		fprintf(stream, "  %s%s to %s\n", found ? "" : "!", state_names[possible[i].from],
			state_names[possible[i].to]);
		*(found ? reached : missed) += 1;
	}
	for (unsigned from = 0; from < NR_STATES; from++) {
		for (unsigned to = 0; to < NR_STATES; to++) {
			bool listed = from == to;

			for (size_t i = 0; i < nr; i++)
				listed |= possible[i].from == from && possible[i].to == to;
			if (!seen[from][to] || listed)
				continue;
			fprintf(stream, "  ?%s to %s\n", state_names[from], state_names[to]);
			*unlisted += 1;
		}
	}
}
