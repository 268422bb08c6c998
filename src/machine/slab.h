/* SPDX-License-Identifier: MIT */
/* Slab caches: fixed-size objects carved from the arena heap. */
#ifndef MACHINE_SLAB_H
#define MACHINE_SLAB_H

#include "base/list.h"
#include "sync/sync.h"

struct machine;

/* Every kind of object the core allocates; the name is also a failure-injection site. */
#define KMEM_CACHES(X)                       \
	X(CACHE_MM, "mm_struct")             \
	X(CACHE_VMA, "vm_area_struct")       \
	X(CACHE_ANON_VMA, "anon_vma")        \
	X(CACHE_AVC, "anon_vma_chain")       \
	X(CACHE_TASK, "task_struct")         \
	X(CACHE_PIN, "pin")                  \
	X(CACHE_XA_NODE, "xa_node")          \
	X(CACHE_INODE, "inode")              \
	X(CACHE_FILE, "file")                \
	X(CACHE_FILES, "files_struct")       \
	X(CACHE_UFFD_CTX, "userfaultfd_ctx") \
	X(CACHE_UFFD_WAIT, "userfaultfd_wait")

enum kmem_id {
#define X(id, name) id,
	KMEM_CACHES(X)
#undef X
		NR_KMEM_CACHES
};

struct kmem_cache {
	/* constant */
	u32 object_bytes; /* as asked for */
	u32 stride_bytes; /* rounded, with the object's tag; 0: not initialised */
	/* lock */
	spinlock_t lock;
	u64 objects_in_use;
	u64 objects_total;
	void *free; /* first free object, linked through its first word */
};

/* Called once when the machine is built. */
void kmem_cache_init(struct machine *m, enum kmem_id id, u32 object_bytes);
/* Whether the cache was built for objects of this size: a loaded machine may not have been. */
bool kmem_cache_matches(const struct machine *m, enum kmem_id id, u32 object_bytes);
/* Zeroed; NULL when the heap is full or the injected failure says so. */
void *kmem_cache_alloc(struct machine *m, enum kmem_id id);
void kmem_cache_free(struct machine *m, enum kmem_id id, void *object);
/*
 * Between the two no object of the cache is freed: for who finds one by a pointer that does not
 * keep it alive, to take a reference. A spinlock.
 */
void kmem_cache_hold(struct machine *m, enum kmem_id id);
void kmem_cache_release(struct machine *m, enum kmem_id id);
u64 kmem_cache_in_use(const struct machine *m, enum kmem_id id);
const char *kmem_cache_name(enum kmem_id id);

#endif
