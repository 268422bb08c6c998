/* SPDX-License-Identifier: MIT */
/* Names of addresses, out of the symbol table of the running program's file. */
#define _GNU_SOURCE
#include "host/symbol.h"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/format.h"

static struct {
	bool tried;
	u64 base; /* added to the file's addresses */
	const ElfW(Sym) * symbols;
	u64 nr;
	const char *names;
} table;

static int find_base(struct dl_phdr_info *info, size_t size, void *arg)
{
	(void)size;
	*(u64 *)arg = info->dlpi_addr;
	return 1; /* the program comes first */
}

static void find_symbols(const u8 *file, u64 size)
{
	const ElfW(Ehdr) *header = (const void *)file;
	const ElfW(Shdr) * sections;

	if (size < sizeof(*header) || memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 ||
	    header->e_shoff + (u64)header->e_shnum * sizeof(*sections) > size)
		return;
	sections = (const void *)(file + header->e_shoff);
	for (unsigned i = 0; i < header->e_shnum; i++) {
		const ElfW(Shdr) *section = &sections[i];

		if (section->sh_type != SHT_SYMTAB || section->sh_link >= header->e_shnum ||
		    section->sh_offset + section->sh_size > size)
			continue;
		table.symbols = (const void *)(file + section->sh_offset);
		table.nr = section->sh_size / sizeof(*table.symbols);
		table.names = (const char *)file + sections[section->sh_link].sh_offset;
	}
}

static void load_table(void)
{
	struct stat st;
	void *file;
	int fd;

	table.tried = true;
	fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (fstat(fd, &st) == 0) {
		file = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (file != MAP_FAILED) {
			dl_iterate_phdr(find_base, &table.base);
			find_symbols(file, (u64)st.st_size);
		}
	}
	close(fd);
}

const char *host_symbol_find(const void *address, u64 *ret_offset, u64 *ret_size)
{
	const ElfW(Sym) *best = NULL;
	u64 at;

	if (!table.tried)
		load_table();
	at = (uintptr_t)address - table.base;
	for (u64 i = 0; i < table.nr; i++) {
		const ElfW(Sym) *symbol = &table.symbols[i];
		unsigned type = symbol->st_info & 15;

		if ((type == STT_FUNC || type == STT_OBJECT) && symbol->st_value <= at &&
		    at - symbol->st_value < symbol->st_size)
			best = symbol;
	}
	if (!best)
		return NULL;
	*ret_offset = at - best->st_value;
	*ret_size = best->st_size;
	return table.names + best->st_name;
}

void host_symbol(const void *pc, char *buf, u64 size)
{
	const void *address = (const u8 *)pc - 1;
	u64 offset, whole;
	const char *name = host_symbol_find(address, &offset, &whole);
	struct strbuf sb;

	strbuf_init(&sb, buf, size);
	if (name)
		strbuf_printf(&sb, "%s+%#llx", name, (unsigned long long)offset);
	else
		strbuf_printf(&sb, "%#llx", (unsigned long long)((uintptr_t)address - table.base));
}
