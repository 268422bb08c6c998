/* SPDX-License-Identifier: MIT */
#include "base/format.h"

/* One conversion of a format, parsed. */
struct spec {
	bool left, zero, plus, blank, alt;
	int width;
	int precision;  /* -1: none given */
	unsigned bytes; /* of an integer argument */
	char conversion;
};

void strbuf_init(struct strbuf *sb, char *p, size_t size)
{
	sb->p = p;
	sb->size = size;
	sb->len = 0;
	if (size > 0)
		p[0] = '\0';
}

void strbuf_write(struct strbuf *sb, const char *text, size_t len)
{
	if (sb->len + 1 < sb->size) {
		size_t room = sb->size - sb->len - 1;
		size_t fits = MIN(room, len);

		memcpy(sb->p + sb->len, text, fits);
		sb->p[sb->len + fits] = '\0';
	}
	sb->len += len;
}

void strbuf_putc(struct strbuf *sb, char c)
{
	strbuf_write(sb, &c, 1);
}

void strbuf_puts(struct strbuf *sb, const char *text)
{
	strbuf_write(sb, text, strlen(text));
}

static void put_repeated(struct strbuf *sb, char c, int n)
{
	for (; n > 0; n--)
		strbuf_putc(sb, c);
}

void strbuf_pad_to(struct strbuf *sb, size_t start, size_t column)
{
	while (sb->len < start + column)
		strbuf_putc(sb, ' ');
}

static void put_field(struct strbuf *sb, const struct spec *spec, const char *text, size_t len)
{
	int pad = spec->width > (int)len ? spec->width - (int)len : 0;

	if (!spec->left)
		put_repeated(sb, ' ', pad);
	strbuf_write(sb, text, len);
	if (spec->left)
		put_repeated(sb, ' ', pad);
}

static void put_text(struct strbuf *sb, const struct spec *spec, const char *text)
{
	size_t len = 0;

	if (!text)
		text = "(null)";
	while ((spec->precision < 0 || len < (size_t)spec->precision) && text[len])
		len++;
	put_field(sb, spec, text, len);
}

/* Digits of value into the end of buf; returns where they begin. No digits for zero. */
static char *put_digits(char *end, u64 value, unsigned base, bool upper)
{
	const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";

	for (; value; value /= base)
		*--end = digits[value % base];
	return end;
}

static const char *sign_of(const struct spec *spec, bool negative)
{
	if (negative)
		return "-";
	if (spec->plus)
		return "+";
	return spec->blank ? " " : "";
}

/* prefix: a sign, or 0x. */
static void put_number(struct strbuf *sb, const struct spec *spec, u64 value, const char *prefix)
{
	char buf[24];
	char *end = buf + sizeof(buf);
	bool upper = spec->conversion == 'X';
	unsigned base = 10;

	if (spec->conversion == 'x' || spec->conversion == 'X' || spec->conversion == 'p')
		base = 16;
	else if (spec->conversion == 'o')
		base = 8;

	char *text = put_digits(end, value, base, upper);
	int digits = (int)(end - text);
	int least = spec->precision >= 0 ? spec->precision : 1;
	int zeros = least > digits ? least - digits : 0;

	if (base == 8 && spec->alt && zeros == 0 && (digits == 0 || *text != '0'))
		zeros = 1;

	int total = (int)strlen(prefix) + zeros + digits;

	if (spec->zero && !spec->left && spec->precision < 0 && spec->width > total) {
		zeros += spec->width - total;
		total = spec->width;
	}

	int pad = spec->width > total ? spec->width - total : 0;

	if (!spec->left)
		put_repeated(sb, ' ', pad);
	strbuf_puts(sb, prefix);
	put_repeated(sb, '0', zeros);
	strbuf_write(sb, text, (size_t)digits);
	if (spec->left)
		put_repeated(sb, ' ', pad);
}

static const char *parse_flags(const char *fmt, struct spec *spec)
{
	for (;; fmt++) {
		switch (*fmt) {
		case '-':
			spec->left = true;
			break;
		case '0':
			spec->zero = true;
			break;
		case '+':
			spec->plus = true;
			break;
		case ' ':
			spec->blank = true;
			break;
		case '#':
			spec->alt = true;
			break;
		default:
			return fmt;
		}
	}
}

static const char *parse_int(const char *fmt, int *ret_value)
{
	int value = 0;

	for (; *fmt >= '0' && *fmt <= '9'; fmt++)
		value = value * 10 + (*fmt - '0');
	*ret_value = value;
	return fmt;
}

static const char *parse_length(const char *fmt, struct spec *spec)
{
	spec->bytes = sizeof(int);
	switch (*fmt) {
	case 'h':
		spec->bytes = fmt[1] == 'h' ? sizeof(char) : sizeof(short);
		return fmt + (fmt[1] == 'h' ? 2 : 1);
	case 'l':
		spec->bytes = sizeof(long);
		return fmt + (fmt[1] == 'l' ? 2 : 1);
	case 'j':
	case 'z':
	case 't':
		spec->bytes = sizeof(long);
		return fmt + 1;
	default:
		return fmt;
	}
}

static s64 narrow_signed(s64 value, unsigned bytes)
{
	switch (bytes) {
	case 1:
		return (signed char)value;
	case 2:
		return (short)value;
	default:
		return value;
	}
}

static void put_signed(struct strbuf *sb, const struct spec *spec, s64 value)
{
	value = narrow_signed(value, spec->bytes);
	put_number(sb, spec, value < 0 ? 0 - (u64)value : (u64)value, sign_of(spec, value < 0));
}

static void put_unsigned(struct strbuf *sb, const struct spec *spec, u64 value)
{
	const char *prefix = "";

	if (spec->bytes < sizeof(value))
		value &= (1ull << (8 * spec->bytes)) - 1;
	if (spec->alt && value && spec->conversion == 'x')
		prefix = "0x";
	else if (spec->alt && value && spec->conversion == 'X')
		prefix = "0X";
	put_number(sb, spec, value, prefix);
}

static const char *parse_spec(const char *fmt, struct spec *spec, va_list *args)
{
	*spec = (struct spec){ .precision = -1 };
	fmt = parse_flags(fmt, spec);
	if (*fmt == '*') {
		spec->width = va_arg(*args, int);
		if (spec->width < 0) {
			spec->left = true;
			spec->width = -spec->width;
		}
		fmt++;
	} else {
		fmt = parse_int(fmt, &spec->width);
	}
	if (*fmt == '.') {
		fmt++;
		if (*fmt == '*') {
			spec->precision = va_arg(*args, int);
			fmt++;
		} else {
			fmt = parse_int(fmt, &spec->precision);
		}
	}
	fmt = parse_length(fmt, spec);
	spec->conversion = *fmt;
	return *fmt ? fmt + 1 : fmt;
}

static void put_conversion(struct strbuf *sb, const struct spec *spec, va_list *args)
{
	bool wide = spec->bytes == sizeof(long);
	char c;

	switch (spec->conversion) {
	case 'd':
	case 'i':
		put_signed(sb, spec, wide ? va_arg(*args, long) : va_arg(*args, int));
		break;
	case 'u':
	case 'x':
	case 'X':
	case 'o':
		put_unsigned(sb, spec,
			     wide ? va_arg(*args, unsigned long) : va_arg(*args, unsigned int));
		break;
	case 'p':
		put_number(sb, spec, (u64)(uintptr_t)va_arg(*args, void *), "0x");
		break;
	case 'c':
		c = (char)va_arg(*args, int);
		put_field(sb, spec, &c, 1);
		break;
	case 's':
		put_text(sb, spec, va_arg(*args, const char *));
		break;
	default:
		strbuf_putc(sb, '%');
		if (spec->conversion && spec->conversion != '%')
			strbuf_putc(sb, spec->conversion);
		break;
	}
}

void strbuf_vprintf(struct strbuf *sb, const char *fmt, va_list args)
{
	va_list ap;

	va_copy(ap, args);
	while (*fmt) {
		const char *start = fmt;
		struct spec spec;

		while (*fmt && *fmt != '%')
			fmt++;
		strbuf_write(sb, start, (size_t)(fmt - start));
		if (!*fmt)
			break;
		fmt = parse_spec(fmt + 1, &spec, &ap);
		put_conversion(sb, &spec, &ap);
	}
	va_end(ap);
}

void strbuf_printf(struct strbuf *sb, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	strbuf_vprintf(sb, fmt, args);
	va_end(args);
}
