/* SPDX-License-Identifier: MIT */
/* mincore: which pages are in memory. */
#include "base/uapi.h"
#include "range/range.h"
#include "syscall/syscall_internal.h"

static int do_mincore(struct mm *mm, vaddr_t addr, u64 len, u8 *ret_vec)
{
	vaddr_t end;
	int err = 0;

	if (PAGE_OFFSET_OF(addr))
		return -EINVAL;
	if (addr > TASK_SIZE || len > TASK_SIZE - addr)
		return -ENOMEM;
	end = addr + PAGE_ALIGN(len);
	down_read(&mm->mmap_lock);
	while (addr < end) {
		struct vm_area *vma = vma_lookup(mm, addr);
		vaddr_t stop;

		if (!vma) {
			err = -ENOMEM;
			break;
		}
		stop = MIN(vma->end, end);
		mincore_range(vma, addr, stop, ret_vec);
		ret_vec += (stop - addr) >> PAGE_SHIFT;
		addr = stop;
	}
	up_read(&mm->mmap_lock);
	return err;
}

int umm_mincore(struct umm_task *handle, uint64_t addr, uint64_t len_bytes, uint8_t *ret_vec)
{
	struct task *task = (struct task *)handle;
	struct syscall call = syscall_enter(task, NR_MINCORE, addr, len_bytes, 0, 0);

	return (int)syscall_exit(&call, do_mincore(task->mm, addr, len_bytes, ret_vec));
}
