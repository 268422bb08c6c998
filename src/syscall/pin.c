/* SPDX-License-Identifier: MIT */
/* Long-term pins, as a registered buffer takes them: all pages of the range or none. */
#include "syscall/pin.h"

#include "base/uapi.h"
#include "gup/gup.h"
#include "syscall/syscall_internal.h"

static void pin_free(struct mm *mm, struct pin *pin)
{
	for (u64 i = 0; i < pin->nr; i++)
		unpin_user_page(pin->pages[i]);
	atomic64_sub(&mm->pinned_pages, (s64)pin->nr);
	atomic64_sub(&machine_of(mm)->user_pinned, (s64)pin->charged);
	list_del_init(&pin->pins);
	kmem_cache_free(machine_of(mm), CACHE_PIN, pin);
}

/* Give back all parts of one pin; false: there is none with this id. mmap_lock write. */
static bool pin_release(struct mm *mm, s64 id)
{
	struct pin *pin, *tmp;
	bool found = false;

	list_for_each_entry_safe(pin, tmp, &mm->pins, pins) {
		if (pin->id != id)
			continue;
		pin_free(mm, pin);
		found = true;
	}
	return found;
}

void release_pins(struct mm *mm)
{
	struct pin *pin, *tmp;

	list_for_each_entry_safe(pin, tmp, &mm->pins, pins)
		pin_free(mm, pin);
}

/* As many pages from *addr on as one object holds, added to `pins`. Each may be waited for. */
static int pin_some(struct mm *mm, s64 id, vaddr_t *addr, vaddr_t end, struct list_head *pins)
{
	struct pin *pin = kmem_cache_alloc(machine_of(mm), CACHE_PIN);
	u64 want = MIN((end - *addr) >> PAGE_SHIFT, PIN_PAGES);
	s64 got;

	if (!pin)
		return -ENOMEM;
	down_read(&mm->mmap_lock);
	got = get_user_pages_remote(
		mm, *addr, want,
		FOLL_PIN | FOLL_WRITE | FOLL_LONGTERM | FOLL_FAST | FOLL_UNLOCKABLE, pin->pages);
	up_read(&mm->mmap_lock);
	pin->id = id;
	pin->charged = 0;
	pin->nr = got > 0 ? (u64)got : 0;
	list_add_tail(&pin->pins, pins);
	atomic64_add(&mm->pinned_pages, (s64)pin->nr);
	*addr += pin->nr << PAGE_SHIFT;
	if (got < 0)
		return (int)got;
	/* The next one says why it cannot be had. */
	return pin->nr ? 0 : -EFAULT;
}

/* Only what was had is held against the limit, and the pins of all processes together. */
static int charge_pins(struct mm *mm, s64 id)
{
	u64 limit = mm->rlimit[MM_RLIMIT_MEMLOCK] >> PAGE_SHIFT;
	struct machine *m = machine_of(mm);
	struct pin *pin;

	if (mm->cap_ipc_lock)
		return 0;
	list_for_each_entry(pin, &mm->pins, pins) {
		if (pin->id != id)
			continue;
		pin->charged = pin->nr;
		if ((u64)atomic64_add_return(&m->user_pinned, (s64)pin->nr) > limit)
			return -ENOMEM;
	}
	return 0;
}

static s64 next_pin_id(struct machine *m)
{
	s64 id;

	mutex_lock(&m->tasks_lock);
	id = m->next_pin++;
	mutex_unlock(&m->tasks_lock);
	return id;
}

static s64 do_pin(struct mm *mm, vaddr_t addr, u64 len)
{
	struct list_head pins;
	struct pin *pin, *tmp;
	vaddr_t end;
	s64 id;
	int err = 0;

	if (!len || addr + len < addr || PAGE_ALIGN(addr + len) < addr)
		return -EINVAL;
	end = PAGE_ALIGN(addr + len);
	addr &= PAGE_MASK;
	id = next_pin_id(machine_of(mm));
	list_init(&pins);
	while (!err && addr < end)
		err = pin_some(mm, id, &addr, end, &pins);
	down_write(&mm->mmap_lock);
	list_for_each_entry_safe(pin, tmp, &pins, pins) {
		list_del_init(&pin->pins);
		list_add_tail(&pin->pins, &mm->pins);
	}
	if (!err)
		err = charge_pins(mm, id);
	if (err)
		(void)pin_release(mm, id);
	up_write(&mm->mmap_lock);
	return err ? err : id;
}

int64_t umm_pin(struct umm_task *handle, uint64_t addr, uint64_t len_bytes)
{
	struct task *task = (struct task *)handle;
	struct syscall call = syscall_enter(task, NR_IO_URING_REGISTER, addr, len_bytes, 0, 0);

	return syscall_exit(&call, do_pin(task->mm, addr, len_bytes));
}

int umm_unpin(struct umm_task *handle, int64_t pin)
{
	struct task *task = (struct task *)handle;
	struct syscall call = syscall_enter(task, NR_IO_URING_REGISTER, (u64)pin, 0, 0, 1);
	struct mm *mm = task->mm;
	bool found;

	down_write(&mm->mmap_lock);
	found = pin_release(mm, pin);
	up_write(&mm->mmap_lock);
	return (int)syscall_exit(&call, found ? 0 : -EINVAL);
}
