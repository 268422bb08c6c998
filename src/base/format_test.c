/* SPDX-License-Identifier: MIT */
/* The formatter against the one of the C library, and its own bounds. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/format.h"

/* Unchecked by the compiler, so that combinations it finds odd can be compared too. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static void same(const char *fmt, ...)
{
	char ours[256], theirs[256];
	struct strbuf sb;
	va_list args, again;
	int len;

	va_start(args, fmt);
	va_copy(again, args);
	strbuf_init(&sb, ours, sizeof(ours));
	strbuf_vprintf(&sb, fmt, args);
	len = vsnprintf(theirs, sizeof(theirs), fmt, again);
	va_end(again);
	va_end(args);
	assert_string_equal(ours, theirs);
	assert_int_equal(sb.len, len);
}
#pragma GCC diagnostic pop

static void test_against_printf(void **state)
{
	static const long long values[] = { 0,     1,         -1,        7,         9,
					    10,    -10,       255,       4095,      -128,
					    65536, INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		long long v = values[i];
		int w = (int)v;

		same("%d|%i|%5d|%-5d|%05d|%+d|% d", w, w, w, w, w, w, w);
		same("%u|%8u|%-8u|%08u|%x|%X|%#x|%#X|%o|%#o", w, w, w, w, w, w, w, w, w, w);
		same("%lld|%llu|%llx|%016llx|%-18llX|%20lld", v, v, v, v, v, v);
		same("%ld|%lu|%lx|%08lx|%08lx-%08lx", (long)v, (long)v, (long)v, (long)v, (long)v,
		     (long)v);
		same("%hd|%hu|%hhd|%hhu|%hhx", w, w, w, w, w);
		same("%zu|%zd|%jd|%td", (size_t)v, (size_t)v, (intmax_t)v, (ptrdiff_t)v);
		same("%.3d|%8.3d|%-8.3d|%08.3d|%.0d|%.10x", w, w, w, w, w, w);
		same("%*d|%-*d|%.*d|%*.*x", 7, w, 7, w, 4, w, 9, 5, w);
	}
	same("%s|%10s|%-10s|%.2s|%.*s|%-6.3s|", "text", "text", "text", "text", 3, "text", "text");
	same("%c%c|%3c|%-3c|%%|100%%", 'a', 'b', 'c', 'd');
	same("%p %p", (void *)0x1234, (void *)&values);
	same("plain");
	same("%s", "");
	same("%08lx-%08lx %c%c%c%c %08llx %02x:%02x %lu %s", 0x7f0000000000ul, 0x7f0000001000ul,
	     'r', 'w', '-', 'p', 0x10ull, 0xfd, 1, 12345ul, "[heap]");
	same("%-16s%8lu kB\n", "Rss:", 1024ul);
}

static void test_bounds(void **state)
{
	char buf[8];
	struct strbuf sb;

	(void)state;
	for (size_t size = 0; size <= sizeof(buf); size++) {
		memset(buf, '#', sizeof(buf));
		strbuf_init(&sb, buf, size);
		strbuf_printf(&sb, "%s%d", "abc", 45678);
		assert_int_equal(sb.len, 8);
		assert_int_equal(strbuf_complete(&sb), 0);
		if (size > 0)
			assert_int_equal(strlen(buf), size - 1);
		for (size_t i = size; i < sizeof(buf); i++)
			assert_int_equal(buf[i], '#');
	}
	strbuf_init(&sb, NULL, 0);
	strbuf_puts(&sb, "counted only");
	assert_int_equal(sb.len, 12);
}

static void test_pad_to(void **state)
{
	char buf[32];
	struct strbuf sb;

	(void)state;
	strbuf_init(&sb, buf, sizeof(buf));
	strbuf_puts(&sb, "first\n");
	strbuf_puts(&sb, "ab");
	strbuf_pad_to(&sb, 6, 5);
	strbuf_putc(&sb, 'c');
	strbuf_pad_to(&sb, 6, 3);
	assert_string_equal(buf, "first\nab   c");
	assert_true(strbuf_complete(&sb));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_against_printf),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_pad_to),
	};

	return cmocka_run_group_tests_name("base/format", tests, NULL, NULL);
}
