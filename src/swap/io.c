/* SPDX-License-Identifier: MIT */
/*
 * swap: reading and writing. Everything is synchronous, under the folio lock.
 */
#include "base/mutant.h"
#include "base/uapi.h"
#include "machine/fail.h"
#include "swap/swap_internal.h"
#include "sync/copy.h"

/* Where an area in the machine has a slot's data; NULL: a file has it. */
static u8 *slot_data(const struct swap_area *area, u64 slot)
{
	const struct swap_memory *memory = READ_ONCE(((struct swap_area *)area)->memory);

	VM_BUG_ON2(!memory || slot == 0 || slot >= area->nr_slots, slot, area->nr_slots);
	return memory->data ? memory->data + ((slot - 1) << PAGE_SHIFT) : NULL;
}

int swap_read_page(struct page *page)
{
	struct machine *m = machine_of(page);
	swp_entry_t entry = page_swap_entry(page);
	const struct swap_area *area = swap_area_of(m, entry.type);
	u8 *data = slot_data(area, entry.offset);

	VM_BUG_ON2(page_test_uptodate(page), page->flags, page_to_pfn(page).n);
	if (should_fail(m, FAIL_SWAP_READ, 0))
		return -EIO;
	if (data)
		copy_relaxed(page_address(page), data, PAGE_SIZE);
	else if (host_file_read(&area->host, area->path, page_address(page), PAGE_SIZE,
				entry.offset << PAGE_SHIFT))
		return -EIO;
	count_vm_event(m, PSWPIN);
	return 0;
}

int swap_write_page(struct page *page)
{
	struct machine *m = machine_of(page);
	swp_entry_t entry = page_swap_entry(page);
	const struct swap_area *area = swap_area_of(m, entry.type);
	u8 *data = slot_data(area, entry.offset);

	if (should_fail(m, FAIL_SWAP_WRITE, 0))
		return -EIO;
	if (data)
		copy_relaxed(data, page_address(page), PAGE_SIZE);
	else if (host_file_write(&area->host, area->path, page_address(page), PAGE_SIZE,
				 entry.offset << PAGE_SHIFT))
		return -EIO;
	count_vm_event(m, PSWPOUT);
	return 0;
}

int swap_writeout(struct page *page)
{
	int err;

	VM_BUG_ON2(!page_test_locked(page) || !page_test_uptodate(page), page->flags,
		   page_to_pfn(page).n);
	VM_BUG_ON2(page_test_writeback(page), page->flags, page_to_pfn(page).n);
	/* What makes it dirty from here on is not lost: it is written again. */
	page_clear_dirty(page);
	page_set_writeback(page);
	err = swap_write_page(page);
	if (err && !MUTANT(swap_write_error_forgotten))
		page_set_dirty(page);
	page_clear_writeback(page);
	return err;
}

/* ---- the header that mkswap writes ---------------------------------------------------- */

#define SWAP_SIGNATURE "SWAPSPACE2"
#define SIGNATURE_BYTES 10
#define SWAP_VERSION 1

struct swap_header {
	u8 boot[1024];
	u32 version;
	u32 last_page;
	u32 nr_badpages;
	u8 rest[PAGE_SIZE - 1024 - 12 - SIGNATURE_BYTES];
	char signature[SIGNATURE_BYTES];
};
_Static_assert(sizeof(struct swap_header) == PAGE_SIZE, "the header is a page");

static int check_header(const struct swap_header *header, u64 file_bytes)
{
	if (memcmp(header->signature, SWAP_SIGNATURE, SIGNATURE_BYTES) != 0 ||
	    header->version != SWAP_VERSION)
		return -EINVAL;
	/* Bad pages are for disks; a file that is shorter than its header says was cut. */
	if (!header->last_page || header->nr_badpages ||
	    header->last_page >= file_bytes >> PAGE_SHIFT)
		return -EINVAL;
	return 0;
}

int swap_file_open(const char *path, struct swap_file *ret_file)
{
	struct swap_file *file = ret_file;
	struct swap_header header;
	u64 size, blocks;
	int err = host_file_open(path, O_RDWR, 0, &file->host, file->path, sizeof(file->path));

	if (err)
		return err;
	err = host_file_stat(&file->host, file->path, &size, &blocks);
	if (!err)
		err = host_file_read(&file->host, file->path, &header, sizeof(header), 0);
	if (!err)
		err = check_header(&header, size);
	if (err)
		host_file_close(&file->host);
	else
		file->pages = header.last_page;
	return err;
}
