/* SPDX-License-Identifier: MIT */
/*
 * Machines as the outside sees them. Building one is machine/'s part (the arena, its header,
 * the caches' memory) and then each room's own, in the order of the house plan.
 */
#include "machine/machine.h"

#include "base/uapi.h"
#include "filemap/file.h"
#include "mmu/tlb.h"
#include "phys/group.h"
#include "rmap/anon_vma.h"
#include "swap/swap.h"
#include "sync/membarrier.h"
#include "syscall/pin.h"
#include "uffd/uffd.h"

static const u32 object_bytes[NR_KMEM_CACHES] = {
	[CACHE_MM] = sizeof(struct mm),
	[CACHE_VMA] = sizeof(struct vm_area),
	[CACHE_ANON_VMA] = sizeof(struct anon_vma),
	[CACHE_AVC] = sizeof(struct anon_vma_chain),
	[CACHE_TASK] = sizeof(struct task),
	[CACHE_PIN] = sizeof(struct pin),
	[CACHE_XA_NODE] = sizeof(struct xa_node),
	[CACHE_INODE] = sizeof(struct inode),
	[CACHE_FILE] = sizeof(struct file),
	[CACHE_FILES] = sizeof(struct files_struct),
	[CACHE_UFFD_CTX] = sizeof(struct userfaultfd_ctx),
	[CACHE_UFFD_WAIT] = sizeof(struct uffd_wait),
};

static void init_caches(struct machine *m)
{
	for (u32 id = 0; id < NR_KMEM_CACHES; id++)
		kmem_cache_init(m, (enum kmem_id)id, object_bytes[id]);
}

/* Whether a machine out of a file was built with the objects that this build has. */
static bool caches_match(const struct machine *m)
{
	for (u32 id = 0; id < NR_KMEM_CACHES; id++)
		if (!kmem_cache_matches(m, (enum kmem_id)id, object_bytes[id]))
			return false;
	return true;
}

/* The page of zeros that every first read maps: never freed, never counted. */
static int init_zero_page(struct machine *m)
{
	struct page *page = alloc_page(m, GFP_ZERO, FAIL_OTHER_PAGE);

	if (!page)
		return -ENOMEM;
	page_set_reserved(page);
	m->zero_pfn = page_to_pfn(page);
	return 0;
}

static int init_rooms(struct machine *m)
{
	int err;

	init_caches(m);
	files_init(m);
	err = phys_init(m);
	if (!err)
		err = groups_init(m);
	if (!err)
		err = lru_init(m);
	if (!err)
		err = swap_init(m);
	if (!err)
		err = cpus_init(m);
	if (!err)
		err = init_zero_page(m);
	return err;
}

int umm_machine_create(const struct umm_config *config, struct umm_machine **ret_machine)
{
	struct machine *m;
	int err = machine_create(config, &m);

	if (err)
		return err;
	err = init_rooms(m);
	if (err) {
		machine_destroy(m);
		return err;
	}
	*ret_machine = (struct umm_machine *)m;
	return 0;
}

void umm_machine_destroy(struct umm_machine *machine)
{
	if (machine)
		machine_destroy((struct machine *)machine);
}

const struct umm_config *umm_machine_config(const struct umm_machine *machine)
{
	return &((const struct machine *)machine)->config;
}

int umm_snapshot_take(struct umm_machine *machine, struct umm_snapshot **ret_snapshot)
{
	return machine_snapshot_take((struct machine *)machine, ret_snapshot);
}

void umm_snapshot_restore(struct umm_machine *machine, const struct umm_snapshot *snapshot)
{
	machine_snapshot_restore((struct machine *)machine, snapshot);
}

void umm_snapshot_free(struct umm_snapshot *snapshot)
{
	machine_snapshot_free(snapshot);
}

int umm_machine_save(struct umm_machine *machine, const char *path)
{
	return machine_save((struct machine *)machine, path);
}

int umm_machine_load(const char *path, struct umm_machine **ret_machine)
{
	struct machine *m;
	int err = machine_load(path, &m);

	if (err)
		return err;
	if (!caches_match(m)) {
		machine_destroy(m);
		return -EINVAL;
	}
	/* What a process does once, and a machine that was not built here has not seen. */
	sync_membarrier_init();
	*ret_machine = (struct umm_machine *)m;
	return 0;
}

const char *umm_version(void)
{
	return UMM_VERSION;
}
