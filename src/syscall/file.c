/* SPDX-License-Identifier: MIT */
/*
 * Calls on files: opening and closing, sizes, reading and writing. A file is found by its
 * descriptor, and held until the call is over; what it is of answers (filemap.h: inode_ops).
 */
#include "base/format.h"
#include "filemap/filemap.h"
#include "shmem/shmem.h"
#include "syscall/syscall_internal.h"
#include "uffd/uffd.h"

/* "memfd:" and the name have to fit into a file's name. */
#define MEMFD_PREFIX "/memfd:"
#define MEMFD_NAME_BYTES 249
#define MEMFD_FLAGS (MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL | MFD_EXEC)

static const struct inode_ops *ops_of(const struct file *file)
{
	return inode_operations[file->inode->kind];
}

/* Give a new file a descriptor; without one it goes. */
static int install(struct task *task, struct file *file)
{
	int fd = fd_install(task->files, file);

	if (fd < 0)
		fput(file);
	return fd;
}

/* ---- opening ----------------------------------------------------------------------------- */

static int check_memfd(const char *name, u32 flags)
{
	if (flags & ~(u32)MEMFD_FLAGS)
		return -EINVAL;
	if ((flags & MFD_EXEC) && (flags & MFD_NOEXEC_SEAL))
		return -EINVAL;
	return strnlen(name, MEMFD_NAME_BYTES + 1) > MEMFD_NAME_BYTES ? -EINVAL : 0;
}

static int do_memfd_create(struct task *task, const char *name, u32 flags)
{
	char full_name[sizeof(MEMFD_PREFIX) + MEMFD_NAME_BYTES];
	struct strbuf text;
	struct file *file;
	int err = check_memfd(name, flags);

	if (err)
		return err;
	strbuf_init(&text, full_name, sizeof(full_name));
	strbuf_puts(&text, MEMFD_PREFIX);
	strbuf_puts(&text, name);
	err = shmem_file_setup(machine_of(task), full_name, 0, VM_NORESERVE, &file);
	if (err)
		return err;
	/* Nobody else has it yet. */
	if (flags & MFD_NOEXEC_SEAL)
		file->inode->seals = F_SEAL_EXEC;
	else if (flags & MFD_ALLOW_SEALING)
		file->inode->seals = 0;
	return install(task, file);
}

int umm_memfd_create(struct umm_task *handle, const char *name, unsigned flags)
{
	struct task *task = (struct task *)handle;
	struct syscall call = syscall_enter(task, NR_MEMFD_CREATE, flags, 0, 0, 0);

	return (int)syscall_exit(&call, do_memfd_create(task, name, flags));
}

int umm_open(struct umm_task *handle, const char *path, int flags, unsigned mode)
{
	struct task *task = (struct task *)handle;
	struct syscall call = syscall_enter(task, NR_OPEN, (u32)flags, mode, 0, 0);
	struct file *file;
	int ret = regular_open(machine_of(task), path, (u32)flags, mode, &file);

	if (!ret)
		ret = install(task, file);
	return (int)syscall_exit(&call, ret);
}

int umm_close(struct umm_task *handle, int fd)
{
	struct task *task = (struct task *)handle;
	struct syscall call = syscall_enter(task, NR_CLOSE, (u32)fd, 0, 0, 0);

	return (int)syscall_exit(&call, fd_close(task->files, fd));
}

/* ---- size -------------------------------------------------------------------------------- */

static int ftruncate_file(struct file *file, s64 size_bytes)
{
	struct inode *inode = file->inode;
	int err;

	if (!(file->mode & FMODE_WRITE) || file->uffd)
		return -EINVAL;
	down_write(&inode->rwsem);
	err = ops_of(file)->set_size(inode, (u64)size_bytes);
	up_write(&inode->rwsem);
	return err;
}

static int do_ftruncate(struct task *task, int fd, s64 size_bytes)
{
	struct file *file;
	int err;

	if (size_bytes < 0)
		return -EINVAL;
	file = fget(task->files, fd);
	if (!file)
		return -EBADF;
	err = ftruncate_file(file, size_bytes);
	fput(file);
	return err;
}

int umm_ftruncate(struct umm_task *handle, int fd, int64_t size_bytes)
{
	struct task *task = (struct task *)handle;
	struct syscall call = syscall_enter(task, NR_FTRUNCATE, (u32)fd, (u64)size_bytes, 0, 0);

	return (int)syscall_exit(&call, do_ftruncate(task, fd, size_bytes));
}

/* Whether this is a mode that there is, whatever a file makes of it; as Linux sorts them. */
static int check_fallocate_mode(u32 mode)
{
	u32 operation = mode & ~(u32)FALLOC_FL_KEEP_SIZE;

	switch (operation) {
	case 0:
	case FALLOC_FL_UNSHARE_RANGE:
	case FALLOC_FL_ZERO_RANGE:
		return 0;
	case FALLOC_FL_PUNCH_HOLE:
		return mode & FALLOC_FL_KEEP_SIZE ? 0 : -EOPNOTSUPP;
	case FALLOC_FL_COLLAPSE_RANGE:
	case FALLOC_FL_INSERT_RANGE:
	case FALLOC_FL_WRITE_ZEROES:
		return mode & FALLOC_FL_KEEP_SIZE ? -EOPNOTSUPP : 0;
	default:
		return -EOPNOTSUPP;
	}
}

static int fallocate_file(struct file *file, u32 mode, s64 offset, s64 len)
{
	int err;

	if (offset < 0 || len <= 0)
		return -EINVAL;
	err = check_fallocate_mode(mode);
	if (err)
		return err;
	if (!(file->mode & FMODE_WRITE))
		return -EBADF;
	if ((u64)offset + (u64)len > MAX_FILE_BYTES)
		return -EFBIG;
	return ops_of(file)->fallocate(file->inode, mode, (u64)offset, (u64)len);
}

int umm_fallocate(struct umm_task *handle, int fd, int mode, int64_t offset_bytes,
		  int64_t len_bytes)
{
	struct task *task = (struct task *)handle;
	struct syscall call = syscall_enter(task, NR_FALLOCATE, (u32)fd, (u32)mode,
					    (u64)offset_bytes, (u64)len_bytes);
	struct file *file = fget(task->files, fd);
	int ret = -EBADF;

	if (file) {
		ret = fallocate_file(file, (u32)mode, offset_bytes, len_bytes);
		fput(file);
	}
	return (int)syscall_exit(&call, ret);
}

int64_t umm_fstat_size(struct umm_task *handle, int fd, uint64_t *ret_blocks)
{
	struct task *task = (struct task *)handle;
	struct syscall call = syscall_enter(task, NR_FSTAT, (u32)fd, 0, 0, 0);
	struct file *file = fget(task->files, fd);
	s64 ret = -EBADF;

	if (file) {
		ret = file->uffd ? 0 : (s64)READ_ONCE(file->inode->size);
		if (ret_blocks)
			*ret_blocks = file->uffd ? 0 : ops_of(file)->blocks(file->inode);
		fput(file);
	}
	return syscall_exit(&call, ret);
}

/* ---- seals ------------------------------------------------------------------------------- */

static int fcntl_file(struct file *file, int command, u64 arg)
{
	if (command != F_ADD_SEALS && command != F_GET_SEALS)
		return -EINVAL;
	if (file->uffd)
		return command == F_ADD_SEALS ? -EPERM : -EINVAL;
	if (!inode_is_shmem(file->inode))
		return -EINVAL;
	if (command == F_GET_SEALS)
		return shmem_get_seals(file);
	/* The system call looks at the lower half of the word only. */
	return shmem_add_seals(file, (u32)arg);
}

int umm_fcntl(struct umm_task *handle, int fd, int command, uint64_t arg)
{
	struct task *task = (struct task *)handle;
	struct syscall call = syscall_enter(task, NR_FCNTL, (u32)fd, (u32)command, arg, 0);
	struct file *file = fget(task->files, fd);
	int ret = -EBADF;

	if (file) {
		ret = fcntl_file(file, command, arg);
		fput(file);
	}
	return (int)syscall_exit(&call, ret);
}

/* ---- reading, writing, storing ----------------------------------------------------------- */

/* The file for reading or writing so much, held; NULL: not to be done, *ret_err says why. */
static struct file *get_rw_file(struct task *task, int fd, enum file_mode mode, u64 len, s64 offset,
				int *ret_err)
{
	struct file *file;

	*ret_err = -EINVAL;
	if (offset < 0)
		return NULL;
	file = fget(task->files, fd);
	*ret_err = -EBADF;
	if (!file)
		return NULL;
	if (file->uffd) {
		*ret_err = -ESPIPE;
	} else if (file->mode & mode) {
		if (len <= MAX_FILE_BYTES - (u64)offset)
			return file;
		*ret_err = -EINVAL;
	}
	fput(file);
	return NULL;
}

int64_t umm_pread(struct umm_task *handle, int fd, void *ret_buf, uint64_t len_bytes,
		  int64_t offset_bytes)
{
	struct task *task = (struct task *)handle;
	struct syscall call =
		syscall_enter(task, NR_PREAD64, (u32)fd, len_bytes, (u64)offset_bytes, 0);
	int err;
	struct file *file = get_rw_file(task, fd, FMODE_READ, len_bytes, offset_bytes, &err);
	s64 ret = err;

	if (file) {
		ret = generic_file_read(file, ret_buf, len_bytes, (u64)offset_bytes);
		fput(file);
	}
	return syscall_exit(&call, ret);
}

/* From where the last one ended; who shares the open file, also after a fork, shares that. */
static s64 read_on(struct file *file, void *buf, u64 len)
{
	s64 ret;

	if (!(file->mode & FMODE_READ))
		return -EBADF;
	mutex_lock(&file->pos_lock);
	ret = generic_file_read(file, buf, MIN(len, MAX_FILE_BYTES - file->pos), file->pos);
	file->pos += ret > 0 ? (u64)ret : 0;
	mutex_unlock(&file->pos_lock);
	return ret;
}

int64_t umm_fd_read(struct umm_task *handle, int fd, void *ret_buf, uint64_t len_bytes)
{
	struct task *task = (struct task *)handle;
	struct syscall call = syscall_enter(task, NR_READ, (u32)fd, len_bytes, 0, 0);
	struct file *file = fget(task->files, fd);
	s64 ret = -EBADF;

	if (file) {
		ret = file->uffd ? userfaultfd_read(file->uffd, task->files, ret_buf, len_bytes) :
				   read_on(file, ret_buf, len_bytes);
		fput(file);
	}
	return syscall_exit(&call, ret);
}

int64_t umm_pwrite(struct umm_task *handle, int fd, const void *buf, uint64_t len_bytes,
		   int64_t offset_bytes)
{
	struct task *task = (struct task *)handle;
	struct syscall call =
		syscall_enter(task, NR_PWRITE64, (u32)fd, len_bytes, (u64)offset_bytes, 0);
	int err;
	struct file *file = get_rw_file(task, fd, FMODE_WRITE, len_bytes, offset_bytes, &err);
	s64 ret = err;

	if (file) {
		ret = generic_file_write(file, buf, len_bytes, (u64)offset_bytes);
		fput(file);
	}
	return syscall_exit(&call, ret);
}

int umm_fsync(struct umm_task *handle, int fd)
{
	struct task *task = (struct task *)handle;
	struct syscall call = syscall_enter(task, NR_FSYNC, (u32)fd, 0, 0, 0);
	struct file *file = fget(task->files, fd);
	int ret = -EBADF;

	if (file) {
		ret = file->uffd ? -EINVAL : file_fsync_range(file, 0, ~0ull >> PAGE_SHIFT);
		fput(file);
	}
	return (int)syscall_exit(&call, ret);
}
