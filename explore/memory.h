/* SPDX-License-Identifier: MIT */
/*
 * memory: executions in which a load may read an old value. Theory: memory.c.
 *
 * memory_words.c remembers what each word has held; memory.c asks the engine which of it an
 * operation reads; memory_graph.c says what it may read, by the models of weak.h.
 */
#ifndef EXPLORE_MEMORY_H
#define EXPLORE_MEMORY_H

#include "explore/engine.h"
#include "explore/weak.h"

#define MEMORY_WORDS (1u << 14)
#define MEMORY_MESSAGES (1u << 15)
#define MEMORY_LOG (1u << 13)
#define MEMORY_PAGES 64u
#define MEMORY_COPIES 128u
#define MEMORY_MIXED 256u
#define NO_MESSAGE (-1)
/* How many changes a load can be behind, at most; a schedule has three bits for it. */
#define MEMORY_AGES 8u

/* A value that eight bytes have held. The newest one is in memory, and not here. */
struct message {
	u64 value;
	u32 seq;     /* 0: from before the start */
	u32 version; /* of race.c */
	s32 event;   /* of the engine, in which it was written */
	s32 older;
	s32 entry; /* a release: of the log; or NO_MESSAGE */
	u8 mask;   /* the bytes written */
	u8 thread;
	bool plain; /* no marked access */
	/* Scratch of memory_graph.c: of its halves. */
	s16 events[2];
	u16 places[2];
};

/* Eight bytes. */
struct word {
	u64 key; /* address / 8 */
	u32 generation;
	u32 read_seq; /* the last marked read */
	s32 newest;   /* message */
	u32 users[2]; /* threads that access each half */
	u8 pages_seen;
	bool wide;   /* there are marked accesses to both halves at once */
	bool halved; /* and to one */
	bool direct; /* never read but as it is */
	/* Scratch of memory_graph.c. */
	u32 stamp;
	u16 location[2];
};

/* A marked access, a lock, a barrier. */
struct entry {
	u32 seq;
	u8 thread, kind, size;
	u8 mask; /* of its word */
	bool reads, writes;
	int order;
	const void *object;
	const char *site;
	struct word *word; /* NULL: a barrier */
	s32 from;          /* message */
	s32 wrote;         /* message */
	u64 value;         /* read */
	u64 arg;
};

struct memory {
	enum weak_memory model;
	u32 generation;
	u32 seq;
	u32 nr_messages, nr_entries, nr_copies, nr_pages;
	unsigned nr_mixed;
	u64 mixed[MEMORY_MIXED]; /* keys of words that are used whole and by halves */
	bool full;               /* there was no room, or no check, for something */
	s32 chosen;              /* the event that has chosen its age, or has none to choose */
	/* How far each thread knows the others, by releases it has acquired: by seq. */
	u32 known[MAX_THREADS][MAX_THREADS], pending[MAX_THREADS][MAX_THREADS];
	/* What a busy wait was told of: no older value of it is read again. */
	const struct word *waited[MAX_THREADS];
	s32 waited_for[MAX_THREADS];
	struct message messages[MEMORY_MESSAGES];
	struct entry log[MEMORY_LOG];
	u32 released[MEMORY_LOG][MAX_THREADS]; /* what a release of the log makes known */
	struct word words[MEMORY_WORDS];
};

extern struct memory memory;

/* Before all; before an exploration, with the engine's program and options; each execution. */
void memory_open(void);
void memory_begin(void);
void memory_start(void);
/* From here on nothing is noticed: the execution is over. */
void memory_stop(void);

/* ---- memory_graph.c ---- */

/* Whether the model lets the last entry of the log read and write the messages that it names. */
bool memory_allows(const struct entry *entry);

/* ---- memory_words.c ---- */

/* The thread that is under way, and its event. */
static inline unsigned memory_self(void)
{
	return (unsigned)(sim_current() - sim.slots);
}

static inline s32 memory_event(void)
{
	return engine.nr_events - 1;
}

/* Of the bytes in their word. */
static inline u8 memory_mask_of(const void *p, unsigned size)
{
	return (u8)((BIT(size) - 1) << ((uintptr_t)p & 7));
}

void memory_words_reset(void);
/* The word at p, up to date; NULL: no room. */
struct word *memory_word_at(const void *p);
/* A thread accesses these bytes of the word. */
void memory_used_by(struct word *word, u8 mask, unsigned thread);
/* The word is used whole and by halves: all begins anew with that knowledge. */
void memory_add_mixed(u64 key);
/* A message that would follow the newest of the word; not yet in it. NO_MESSAGE: no room. */
s32 memory_message_new(const struct word *word, unsigned thread, u32 seq, s32 event, u8 mask);
/* The newest message that has to do with these bytes, from this one on to older ones. */
s32 message_of(s32 message, u8 mask);
/* The newest message of the word is about to be overwritten by a write to p. */
void memory_keep_value(const struct word *word, const void *p);
u64 memory_value_of(const struct word *word, s32 message, const void *p, unsigned size);
/* Hooks: an access that is not marked is about to write; a page to be made anew. */
void memory_plain(const void *p, u64 bytes);
void memory_page_made(const void *p);

#endif
