/* SPDX-License-Identifier: MIT */
/*
 * Slab caches. An object is followed by a tag, one word that says whether it is in use and of
 * which cache and place it is, so that freeing twice, or into the wrong cache, or a wild
 * pointer is found in every build. With config.poison a free object is also filled with
 * POISON behind its link, and what does not hold POISON when it is handed out again was
 * written after it was freed.
 *
 *   in use   | object .................... | tag in use |
 *   free     | link | 6b 6b 6b 6b 6b 6b 6b | tag free   |
 *
 * Memory comes from the heap in ever larger pieces and stays with its cache.
 */
#include "machine/slab.h"

#include "machine/machine.h"
#include "sync/watch.h"

#define POISON 0x6b
#define TAG_IN_USE 0x75736564u /* "used" */
#define TAG_FREE 0x66726565u   /* "free" */
#define PIECE_MIN 4096u
#define PIECE_MAX 65536u

struct slab_words {
	const char *name, *twice, *foreign, *poison, *uninitialised;
};

static const struct slab_words words[NR_KMEM_CACHES] = {
#define X(id, n)                                                                 \
	[id] = { n, n ": object freed twice", n ": not an object of this cache", \
		 n ": object written after it was freed",                        \
		 n ": cache used before it was initialised" },
	KMEM_CACHES(X)
#undef X
};

#define SLAB_BUG(text, object, value) \
	umm_bug(text, __FILE__, __LINE__, __func__, (u64)(uintptr_t)(object), (u64)(value))

static u64 *tag_of(const struct kmem_cache *cache, const void *object)
{
	return (u64 *)((uintptr_t)object + cache->stride_bytes - sizeof(u64));
}

/* The place is part of it, so that a copied or shifted object does not pass. */
static u64 tag_value(enum kmem_id id, const void *object, u32 state)
{
	return ((u64)state << 32 | (u32)id) ^ ((u64)(uintptr_t)object << 8);
}

void kmem_cache_init(struct machine *m, enum kmem_id id, u32 object_bytes)
{
	struct kmem_cache *cache = &m->caches[id];
	u32 bytes = (u32)ALIGN_UP(MAX(object_bytes, sizeof(void *)), sizeof(u64)) + sizeof(u64);

	VM_BUG_ON2(cache->stride_bytes != 0, id, cache->stride_bytes);
	VM_BUG_ON2(object_bytes == 0 || bytes > PIECE_MIN, id, object_bytes);
	spin_lock_init(&cache->lock, LC_SLAB);
	cache->object_bytes = object_bytes;
	cache->stride_bytes = (u32)ALIGN_UP(bytes, bytes < CACHELINE ? 16u : CACHELINE);
}

bool kmem_cache_matches(const struct machine *m, enum kmem_id id, u32 object_bytes)
{
	return m->caches[id].object_bytes == object_bytes;
}

u64 kmem_cache_in_use(const struct machine *m, enum kmem_id id)
{
	return m->caches[id].objects_in_use;
}

void kmem_cache_hold(struct machine *m, enum kmem_id id)
{
	spin_lock(&m->caches[id].lock);
}

void kmem_cache_release(struct machine *m, enum kmem_id id)
{
	spin_unlock(&m->caches[id].lock);
}

const char *kmem_cache_name(enum kmem_id id)
{
	return words[id].name;
}

static void poison_object(const struct kmem_cache *cache, void *object)
{
	memset((u8 *)object + sizeof(void *), POISON,
	       cache->stride_bytes - sizeof(u64) - sizeof(void *));
}

static void check_poison(const struct kmem_cache *cache, enum kmem_id id, const void *object)
{
	const u64 *word = object;
	u64 nr = (cache->stride_bytes - sizeof(u64)) / sizeof(u64);

	for (u64 i = 1; i < nr; i++) {
		if (word[i] != 0x6b6b6b6b6b6b6b6bull)
			SLAB_BUG(words[id].poison, &word[i], word[i]);
	}
}

/* Cache locked. Cuts another piece of the heap into free objects, the first one on top. */
static bool cache_grow(struct machine *m, struct kmem_cache *cache, enum kmem_id id)
{
	u64 piece = cache->objects_total * cache->stride_bytes / 4;

	piece = MIN(MAX(piece, PIECE_MIN), PIECE_MAX);
	u64 nr = piece / cache->stride_bytes;
	u8 *base = machine_alloc_forever(m, nr * cache->stride_bytes);

	if (!base)
		return false;
	for (u64 i = nr; i-- > 0;) {
		void *object = base + i * cache->stride_bytes;

		*(void **)object = cache->free;
		cache->free = object;
		*tag_of(cache, object) = tag_value(id, object, TAG_FREE);
		if (m->config.poison)
			poison_object(cache, object);
	}
	cache->objects_total += nr;
	return true;
}

void *kmem_cache_alloc(struct machine *m, enum kmem_id id)
{
	struct kmem_cache *cache = &m->caches[id];

	if (unlikely(!cache->stride_bytes))
		SLAB_BUG(words[id].uninitialised, cache, id);
	if (should_fail(m, (enum fail_site)(FAIL_SLAB_FIRST + id), 0))
		return NULL;

	spin_lock(&cache->lock);
	void *object = cache->free;

	if (unlikely(!object)) {
		if (!cache_grow(m, cache, id)) {
			spin_unlock(&cache->lock);
			return NULL;
		}
		object = cache->free;
	}
	u64 *tag = tag_of(cache, object);

	if (unlikely(*tag != tag_value(id, object, TAG_FREE)))
		SLAB_BUG(words[id].poison, tag, *tag);
	sync_watch_used(object, cache->stride_bytes);
	cache->free = *(void **)object;
	cache->objects_in_use++;
	*tag = tag_value(id, object, TAG_IN_USE);
	spin_unlock(&cache->lock);

	if (m->config.poison)
		check_poison(cache, id, object);
	memset(object, 0, cache->stride_bytes - sizeof(u64));
	return object;
}

/* The tag of an object in use, or the end of the program. */
static u64 *checked_tag(struct machine *m, struct kmem_cache *cache, enum kmem_id id, void *object)
{
	u64 offset = (u64)(uintptr_t)object - (u64)(uintptr_t)m;

	if (unlikely(offset >= VMEMMAP_OFFSET || !IS_ALIGNED(offset, 16) || !cache->stride_bytes))
		SLAB_BUG(words[id].foreign, object, offset);
	u64 *tag = tag_of(cache, object);

	if (unlikely(*tag == tag_value(id, object, TAG_FREE)))
		SLAB_BUG(words[id].twice, object, *tag);
	if (unlikely(*tag != tag_value(id, object, TAG_IN_USE)))
		SLAB_BUG(words[id].foreign, object, *tag);
	return tag;
}

void kmem_cache_free(struct machine *m, enum kmem_id id, void *object)
{
	struct kmem_cache *cache = &m->caches[id];

	spin_lock(&cache->lock);
	u64 *tag = checked_tag(m, cache, id, object);

	if (m->config.poison)
		poison_object(cache, object);
	*tag = tag_value(id, object, TAG_FREE);
	*(void **)object = cache->free;
	cache->free = object;
	sync_watch_freed(object, cache->object_bytes);
	cache->objects_in_use--;
	spin_unlock(&cache->lock);
}
