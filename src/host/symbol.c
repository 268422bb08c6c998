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

void host_symbol(const void *pc, char *buf, u64 size)
{
	u64 address = (uintptr_t)pc - 1;
	const ElfW(Sym) *best = NULL;
	struct strbuf sb;

	if (!table.tried)
		load_table();
	address -= table.base;
	for (u64 i = 0; i < table.nr; i++) {
		const ElfW(Sym) *symbol = &table.symbols[i];

		if ((symbol->st_info & 15) == STT_FUNC && symbol->st_value <= address &&
		    address < symbol->st_value + symbol->st_size)
			best = symbol;
	}
	strbuf_init(&sb, buf, size);
	if (best)
		strbuf_printf(&sb, "%s+%#llx", table.names + best->st_name,
			      (unsigned long long)(address - best->st_value));
	else
		strbuf_printf(&sb, "%#llx", (unsigned long long)address);
}
