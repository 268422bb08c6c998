/* SPDX-License-Identifier: MIT */
#include "base/assert.h"
#include "base/format.h"

static umm_bug_handler *bug_handler;

umm_bug_handler *umm_bug_set_handler(umm_bug_handler *handler)
{
	umm_bug_handler *old = bug_handler;

	bug_handler = handler;
	return old;
}

_Noreturn void umm_bug_text(const char *text)
{
	if (bug_handler)
		bug_handler(text);
	__builtin_trap();
}

_Noreturn void umm_bug(const char *what, const char *file, int line, const char *func, u64 a, u64 b)
{
	char text[512];
	struct strbuf sb;

	strbuf_init(&sb, text, sizeof(text));
	strbuf_printf(&sb, "usermm: BUG: %s, at %s:%d in %s", what, file, line, func);
	if (a || b)
		strbuf_printf(&sb, " (%#llx, %#llx)", (unsigned long long)a, (unsigned long long)b);
	strbuf_putc(&sb, '\n');
	umm_bug_text(text);
}
