/* SPDX-License-Identifier: MIT */
/*
 * The calls of userfaultfd.c in a build without: the one that makes descriptors is none that the
 * kernel knows, and every descriptor there is, is a file's.
 */
#include "base/uapi.h"
#include "filemap/file.h"
#include "syscall/syscall_internal.h"
#include "uffd/uffd.h"

/* What a call on a file answers: otherwise, or -EBADF. */
static s64 on_file(struct task *task, enum syscall_nr nr, int fd, u64 arg, int otherwise)
{
	struct syscall call = syscall_enter(task, nr, (u32)fd, arg, 0, 0);
	struct file *file = fget(task->files, fd);

	if (file)
		fput(file);
	return syscall_exit(&call, file ? otherwise : -EBADF);
}

int umm_userfaultfd(struct umm_task *handle, int flags)
{
	struct syscall call =
		syscall_enter((struct task *)handle, NR_USERFAULTFD, (u32)flags, 0, 0, 0);

	return (int)syscall_exit(&call, -ENOSYS);
}

uint64_t umm_userfaultfd_features(void)
{
	return userfaultfd_features();
}

int umm_ioctl(struct umm_task *handle, int fd, uint64_t command, void *arg)
{
	(void)arg;
	return (int)on_file((struct task *)handle, NR_IOCTL, fd, command, -ENOTTY);
}

int umm_poll(struct umm_task *handle, int fd)
{
	return (int)on_file((struct task *)handle, NR_POLL, fd, 0, UFFD_POLLIN);
}

int umm_uffd_host_fd(struct umm_task *handle, int fd)
{
#ifdef UMM_SIM
	(void)handle;
	(void)fd;
	return -ENOSYS;
#else
	return (int)on_file((struct task *)handle, NR_POLL, fd, 1, -EINVAL);
#endif
}
