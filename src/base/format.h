/* SPDX-License-Identifier: MIT */
/*
 * Text without stdio: a bounded buffer that also counts what did not fit, as snprintf does, so
 * that a caller learns the size it should have offered. The text is NUL-terminated whenever the
 * buffer has room for one byte.
 *
 * Conversions: %d %i %u %x %X %o %c %s %p %%, with the lengths hh h l ll j z t, the flags '-',
 * '0', '+', ' ' and '#' (hexadecimal and octal), a width and a precision (numbers or '*'), with
 * the meaning that printf gives them.
 */
#ifndef BASE_FORMAT_H
#define BASE_FORMAT_H

#include <stdarg.h>

#include "base/types.h"

struct strbuf {
	char *p;
	size_t size; /* of the buffer */
	size_t len;  /* of the whole text, which may exceed size */
};

void strbuf_init(struct strbuf *sb, char *p, size_t size);
void strbuf_putc(struct strbuf *sb, char c);
void strbuf_puts(struct strbuf *sb, const char *text);
void strbuf_write(struct strbuf *sb, const char *text, size_t len);
/* Blanks until the text of this line, begun at offset `start`, is `column` long. */
void strbuf_pad_to(struct strbuf *sb, size_t start, size_t column);
void strbuf_printf(struct strbuf *sb, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void strbuf_vprintf(struct strbuf *sb, const char *fmt, va_list args)
	__attribute__((format(printf, 2, 0)));

/* Whether everything fitted, the terminating NUL included. */
static inline bool strbuf_complete(const struct strbuf *sb)
{
	return sb->len < sb->size;
}

#endif
