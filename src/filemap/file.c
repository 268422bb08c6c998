/* SPDX-License-Identifier: MIT */
/*
 * Inodes, open files and descriptors come and go. What is counted:
 *
 *   inode.refs    files, and whoever is about to make one
 *   file.refs     descriptors, vmas, and calls under way
 *   files.refs    the threads of a process
 *
 * An inode whose last user has gone stays on the machine's list, with refs 0, until what it holds
 * has been given back: who opens the same file of the host meanwhile waits for that, so that there
 * are never two page caches of one file.
 */
#include "filemap/file.h"

#include "base/format.h"
#include "base/uapi.h"
#include "filemap/filemap.h"

/* Numbers of inodes start here: small ones look like something else in maps. */
#define FIRST_INO 1024

void files_init(struct machine *m)
{
	spin_lock_init(&m->files_lock, LC_FILES);
	list_init(&m->inodes);
	list_init(&m->uffds);
	m->next_ino = FIRST_INO;
	mutex_init(&m->shmem_lock, LC_SHMEM_LIST);
	list_init(&m->shmem_swaplist);
}

/* ---- inodes ------------------------------------------------------------------------------ */

static void mapping_init(struct address_space *mapping, struct inode *host)
{
	mapping->host = host;
	xa_init(&mapping->pages, LC_XA);
	init_rwsem(&mapping->invalidate_lock, LC_INVALIDATE);
	init_rwsem(&mapping->i_mmap_rwsem, LC_I_MMAP);
	RB_INIT(&mapping->i_mmap);
}

/* Not on the machine's list: nobody finds it. */
static struct inode *inode_alloc_unlisted(struct machine *m, enum inode_kind kind)
{
	struct inode *inode = kmem_cache_alloc(m, CACHE_INODE);

	if (!inode)
		return NULL;
	inode->kind = kind;
	atomic_set(&inode->refs, 1);
	init_rwsem(&inode->rwsem, LC_INODE);
	mapping_init(&inode->mapping, inode);
	spin_lock_init(&inode->info_lock, LC_SHMEM);
	list_init(&inode->swaplist);
	list_init(&inode->inodes);
	return inode;
}

/* files_lock held. */
static void inode_list(struct machine *m, struct inode *inode)
{
	inode->ino = ++m->next_ino;
	list_add_tail(&inode->inodes, &m->inodes);
}

struct inode *inode_alloc(struct machine *m, enum inode_kind kind)
{
	struct inode *inode = inode_alloc_unlisted(m, kind);

	if (!inode)
		return NULL;
	spin_lock(&m->files_lock);
	inode_list(m, inode);
	spin_unlock(&m->files_lock);
	return inode;
}

/* files_lock held. */
static struct inode *find_host_inode(struct machine *m, const struct host_file *host_file)
{
	struct inode *inode;

	list_for_each_entry(inode, &m->inodes, inodes)
		if (inode->kind == INODE_REGULAR && inode->host_file.dev == host_file->dev &&
		    inode->host_file.ino == host_file->ino)
			return inode;
	return NULL;
}

/*
 * files_lock held, which is what makes the size the right one: pages of an inode before this one
 * have been written by the time that it has left the list, and nobody makes another one.
 */
static int inode_list_sized(struct machine *m, struct inode *inode)
{
	u64 blocks;
	int err = host_file_stat(&inode->host_file, inode->name, &inode->size, &blocks);

	if (!err)
		inode_list(m, inode);
	return err;
}

int inode_of_host_file(struct machine *m, const struct host_file *host_file, const char *name,
		       struct inode **ret_inode)
{
	struct inode *fresh = inode_alloc_unlisted(m, INODE_REGULAR), *inode;
	bool going = true;
	struct strbuf text;
	int err = 0;

	if (!fresh)
		return -ENOMEM;
	fresh->host_file = *host_file;
	strbuf_init(&text, fresh->name, sizeof(fresh->name));
	strbuf_puts(&text, name);
	while (going) {
		spin_lock(&m->files_lock);
		inode = find_host_inode(m, host_file);
		going = inode && !atomic_inc_not_zero(&inode->refs);
		if (!inode)
			err = inode_list_sized(m, fresh);
		spin_unlock(&m->files_lock);
		if (going)
			cpu_relax();
	}
	if (inode || err)
		kmem_cache_free(m, CACHE_INODE, fresh);
	if (!err)
		*ret_inode = inode ? inode : fresh;
	return err;
}

void inode_get(struct inode *inode)
{
	VM_BUG_ON2(atomic_read(&inode->refs) <= 0, atomic_read(&inode->refs), inode->ino);
	atomic_inc(&inode->refs);
}

void inode_put(struct inode *inode)
{
	struct machine *m = machine_of(inode);

	VM_BUG_ON2(atomic_read(&inode->refs) <= 0, atomic_read(&inode->refs), inode->ino);
	if (!atomic_dec_and_test(&inode->refs))
		return;
	VM_BUG_ON2(!RB_EMPTY(&inode->mapping.i_mmap), inode->ino, 0);
	inode_operations[inode->kind]->evict(inode);
	VM_BUG_ON2(inode->mapping.nr_pages, inode->mapping.nr_pages, inode->ino);
	VM_BUG_ON2(!xa_empty(&inode->mapping.pages), inode->ino, 0);
	VM_BUG_ON2(!list_empty(&inode->swaplist), inode->ino, 0);
	spin_lock(&m->files_lock);
	list_del_init(&inode->inodes);
	spin_unlock(&m->files_lock);
	kmem_cache_free(m, CACHE_INODE, inode);
}

/* ---- open files -------------------------------------------------------------------------- */

/* An error that nobody was told of yet is told to the next file too. */
static u32 sample_wb_errors(const struct address_space *mapping)
{
	u32 errors = READ_ONCE(((struct address_space *)mapping)->wb_errors);
	u32 told = READ_ONCE(((struct address_space *)mapping)->wb_told);

	return errors == told ? errors : errors - 1;
}

struct file *file_alloc(struct inode *inode, u32 mode)
{
	struct file *file = kmem_cache_alloc(machine_of(inode), CACHE_FILE);

	if (!file)
		return NULL;
	file->inode = inode;
	file->mode = mode;
	file->wb_seen = sample_wb_errors(&inode->mapping);
	mutex_init(&file->pos_lock, LC_FILE_POS);
	atomic_set(&file->refs, 1);
	return file;
}

void get_file(struct file *file)
{
	VM_BUG_ON2(atomic_read(&file->refs) <= 0, atomic_read(&file->refs), 0);
	atomic_inc(&file->refs);
}

struct file *file_alloc_uffd(struct machine *m, struct userfaultfd_ctx *ctx)
{
	struct file *file = kmem_cache_alloc(m, CACHE_FILE);

	if (!file)
		return NULL;
	file->uffd = ctx;
	file->mode = FMODE_READ;
	atomic_set(&file->refs, 1);
	return file;
}

void file_free_uffd(struct file *file)
{
	VM_BUG_ON2(!file->uffd || atomic_read(&file->refs) != 1, atomic_read(&file->refs), 0);
	kmem_cache_free(machine_of(file), CACHE_FILE, file);
}

void fput(struct file *file)
{
	struct userfaultfd_ctx *uffd = file->uffd;
	struct inode *inode = file->inode;

	VM_BUG_ON2(atomic_read(&file->refs) <= 0, atomic_read(&file->refs), 0);
	VM_BUG_ON(!inode == !uffd);
	if (!atomic_dec_and_test(&file->refs))
		return;
	kmem_cache_free(machine_of(file), CACHE_FILE, file);
	if (uffd)
		file_uffd_ops.release(uffd);
	else
		inode_put(inode);
}

/* ---- descriptors ------------------------------------------------------------------------- */

struct files_struct *files_alloc(struct machine *m)
{
	struct files_struct *files = kmem_cache_alloc(m, CACHE_FILES);

	if (!files)
		return NULL;
	atomic_set(&files->refs, 1);
	spin_lock_init(&files->lock, LC_FILES);
	return files;
}

struct files_struct *files_dup(struct files_struct *files)
{
	struct files_struct *dup = files_alloc(machine_of(files));

	if (!dup)
		return NULL;
	spin_lock(&files->lock);
	for (int fd = FIRST_FD; fd < MAX_FDS; fd++) {
		dup->fd[fd] = files->fd[fd];
		if (dup->fd[fd])
			get_file(dup->fd[fd]);
	}
	spin_unlock(&files->lock);
	return dup;
}

void files_get(struct files_struct *files)
{
	VM_BUG_ON2(atomic_read(&files->refs) <= 0, atomic_read(&files->refs), 0);
	atomic_inc(&files->refs);
}

void files_put(struct files_struct *files)
{
	VM_BUG_ON2(atomic_read(&files->refs) <= 0, atomic_read(&files->refs), 0);
	if (!atomic_dec_and_test(&files->refs))
		return;
	for (int fd = FIRST_FD; fd < MAX_FDS; fd++)
		if (files->fd[fd])
			fput(files->fd[fd]);
	kmem_cache_free(machine_of(files), CACHE_FILES, files);
}

int fd_install(struct files_struct *files, struct file *file)
{
	int fd = FIRST_FD;

	spin_lock(&files->lock);
	while (fd < MAX_FDS && files->fd[fd])
		fd++;
	if (fd < MAX_FDS)
		files->fd[fd] = file;
	spin_unlock(&files->lock);
	return fd < MAX_FDS ? fd : -EMFILE;
}

struct file *fget(struct files_struct *files, int fd)
{
	struct file *file;

	if (fd < FIRST_FD || fd >= MAX_FDS)
		return NULL;
	spin_lock(&files->lock);
	file = files->fd[fd];
	if (file)
		get_file(file);
	spin_unlock(&files->lock);
	return file;
}

int fd_close(struct files_struct *files, int fd)
{
	struct file *file;

	if (fd < FIRST_FD || fd >= MAX_FDS)
		return -EBADF;
	spin_lock(&files->lock);
	file = files->fd[fd];
	files->fd[fd] = NULL;
	spin_unlock(&files->lock);
	if (!file)
		return -EBADF;
	fput(file);
	return 0;
}
