/* SPDX-License-Identifier: MIT */
/*
 * What words have held, and pages as wholes, and what has been done to them by accesses that are
 * not marked. A page that was made anew is told to its words when somebody looks at them.
 */
#include "explore/memory.h"

#include "sync/sim/race.h"

#include <string.h>

#define MEMORY_PAGE_BYTES 4096u
#define PAGE_TIMES 8
#define MAX_PROBES 64

/* A page that was made anew as a whole: what it held right before, each time. */
struct page_record {
	u64 key;
	u32 generation;
	u8 nr;
	struct {
		u32 seq;
		s32 event;
		u16 copy;
		u8 thread;
	} times[PAGE_TIMES];
};

static struct page_record pages[MEMORY_PAGES];
static u64 copies[MEMORY_COPIES][MEMORY_PAGE_BYTES / sizeof(u64)];

/* All of it, whatever objects share it. */
__attribute__((no_sanitize("address"))) static u64 in_memory(const struct word *word)
{
	return *(const volatile u64 *)(uintptr_t)(word->key << 3);
}

static u64 hash_of(u64 key)
{
	return (key * 0x9e3779b97f4a7c15ull) >> 40;
}

/* ---- messages ---- */

s32 memory_message_new(const struct word *word, unsigned thread, u32 seq, s32 event, u8 mask)
{
	struct message *message;

	if (memory.nr_messages == MEMORY_MESSAGES) {
		memory.full = true;
		return NO_MESSAGE;
	}
	message = &memory.messages[memory.nr_messages];
	*message = (struct message){
		.seq = seq,
		.event = event,
		.older = word->newest,
		.entry = NO_MESSAGE,
		.mask = mask,
		.thread = (u8)thread,
	};
	return (s32)memory.nr_messages++;
}

s32 message_of(s32 message, u8 mask)
{
	while (message != NO_MESSAGE && !(memory.messages[message].mask & mask))
		message = memory.messages[message].older;
	return message;
}

/* ---- pages ---- */

static struct page_record *page_of(u64 key, bool make)
{
	for (u64 probe = 0; probe < MEMORY_PAGES; probe++) {
		struct page_record *page = &pages[(hash_of(key) + probe) % MEMORY_PAGES];

		if (page->generation == memory.generation) {
			if (page->key == key)
				return page;
			continue;
		}
		if (!make)
			return NULL;
		page->key = key;
		page->generation = memory.generation;
		page->nr = 0;
		return page;
	}
	memory.full |= make;
	return NULL;
}

static u64 copied(const struct page_record *page, unsigned nr, const struct word *word)
{
	return copies[page->times[nr].copy][word->key % (MEMORY_PAGE_BYTES / 8)];
}

void memory_page_made(const void *p)
{
	struct page_record *page = page_of((u64)(uintptr_t)p / MEMORY_PAGE_BYTES, true);
	unsigned t = memory_self();

	if (!page || page->nr == PAGE_TIMES || memory.nr_copies == MEMORY_COPIES) {
		memory.full = true;
		return;
	}
	memcpy(copies[memory.nr_copies], p, MEMORY_PAGE_BYTES);
	page->times[page->nr].copy = (u16)memory.nr_copies++;
	page->times[page->nr].seq = ++memory.seq;
	page->times[page->nr].event = memory_event();
	page->times[page->nr].thread = (u8)t;
	page->nr++;
}

/* What has happened to the page of the word since it was last looked at. */
static void catch_up(struct word *word)
{
	const struct page_record *page;

	if (!memory.nr_copies)
		return;
	page = page_of(word->key / (MEMORY_PAGE_BYTES / 8), false);
	for (; page && word->pages_seen < page->nr; word->pages_seen++) {
		unsigned nr = word->pages_seen;
		unsigned t = page->times[nr].thread;
		s32 message = memory_message_new(word, t, page->times[nr].seq,
						 page->times[nr].event, 0xff);

		if (message == NO_MESSAGE)
			return;
		memory.messages[word->newest].value = copied(page, nr, word);
		memory.messages[message].plain = true;
		word->newest = message;
		word->users[0] |= bit_of(t);
		word->users[1] |= bit_of(t);
	}
}

/* ---- words ---- */

static bool is_mixed(u64 key)
{
	for (unsigned i = 0; i < memory.nr_mixed; i++)
		if (memory.mixed[i] == key)
			return true;
	return false;
}

/*
 * What is possible must not depend on when it turns out that the word is also used whole: all
 * begins anew with that knowledge.
 */
void memory_add_mixed(u64 key)
{
	if (memory.nr_mixed == MEMORY_MIXED) {
		memory.full = true;
		return;
	}
	memory.mixed[memory.nr_mixed++] = key;
	engine.end = END_ANEW;
}

static struct word *word_new(struct word *word, u64 key)
{
	*word = (struct word){
		.key = key,
		.generation = memory.generation,
		.newest = NO_MESSAGE,
		.wide = memory.nr_mixed && is_mixed(key),
	};
	word->newest = memory_message_new(word, 0, 0, NO_EVENT, 0xff);
	return word->newest == NO_MESSAGE ? NULL : word;
}

/* The word at p, up to date; NULL: no room. */
struct word *memory_word_at(const void *p)
{
	u64 key = (u64)(uintptr_t)p >> 3;

	for (u64 probe = 0; probe < MAX_PROBES; probe++) {
		struct word *word = &memory.words[(hash_of(key) + probe) % MEMORY_WORDS];

		if (word->generation != memory.generation)
			word = word_new(word, key);
		else if (word->key != key)
			continue;
		if (word)
			catch_up(word);
		return word;
	}
	memory.full = true;
	return NULL;
}

void memory_used_by(struct word *word, u8 mask, unsigned thread)
{
	if (mask & 0x0f)
		word->users[0] |= bit_of(thread);
	if (mask & 0xf0)
		word->users[1] |= bit_of(thread);
}

/* The newest message of the word is about to be overwritten. */
void memory_keep_value(const struct word *word, const void *p)
{
	struct message *message = &memory.messages[word->newest];

	message->value = in_memory(word);
	message->version = race_version(p);
}

u64 memory_value_of(const struct word *word, s32 message, const void *p, unsigned size)
{
	u64 value = memory.messages[message].value >> (8 * ((uintptr_t)p & 7));

	if (message == word->newest)
		return sim_peek(p, size);
	return size < 8 ? value & (BIT(8 * size) - 1) : value;
}

/* ---- accesses that are not marked ---- */

static void plain_word(const void *p, u8 mask)
{
	struct word *word = memory_word_at(p);
	struct message *newest;
	unsigned t = memory_self();
	s32 message;

	if (!word)
		return;
	newest = &memory.messages[word->newest];
	memory_used_by(word, mask, t);
	/* Nobody could have told it from the one before. */
	if (newest->plain && newest->thread == t && newest->seq > memory.known[t][t] &&
	    word->read_seq < newest->seq) {
		newest->mask |= mask;
		return;
	}
	message = memory_message_new(word, t, ++memory.seq, memory_event(), mask);
	if (message == NO_MESSAGE)
		return;
	memory.messages[message].plain = true;
	memory_keep_value(word, p);
	word->newest = message;
}

void memory_plain(const void *p, u64 bytes)
{
	u64 address = (uintptr_t)p, end = address + bytes;

	while (address < end) {
		u64 next = MIN(end, (address | 7) + 1);

		plain_word((const void *)(uintptr_t)address,
			   memory_mask_of((const void *)(uintptr_t)address,
					  (unsigned)(next - address)));
		address = next;
	}
}

void memory_words_reset(void)
{
	memory.generation++;
	memory.nr_messages = 0;
	memory.nr_copies = 0;
}
