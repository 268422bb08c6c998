/* SPDX-License-Identifier: MIT */
/* What is written can be read back, for every word and for sets of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "scenario/words.h"

static uint64_t parsed(enum scn_vocabulary which, const char *text)
{
	const char *bad = "";
	uint64_t value = UINT64_MAX;

	if (!scn_words_parse(which, text, &value, &bad))
		fail_msg("'%s' was refused at '%s'", text, bad);
	return value;
}

static void assert_refused(enum scn_vocabulary which, const char *text, const char *at)
{
	uint64_t value = 42;
	const char *bad = NULL;

	assert_false(scn_words_parse(which, text, &value, &bad));
	assert_string_equal(bad, at);
	assert_int_equal(value, 42);
}

static void every_word_both_ways(void **state)
{
	char text[256];

	(void)state;
	for (unsigned which = 0; which < WORDS_NR; which++) {
		const struct scn_word *word = scn_words((enum scn_vocabulary)which);

		for (; word->name; word++) {
			scn_words_format((enum scn_vocabulary)which, word->value, text,
					 sizeof(text));
			assert_int_equal(parsed((enum scn_vocabulary)which, text), word->value);
			assert_int_equal(parsed((enum scn_vocabulary)which, word->name),
					 word->value);
		}
	}
}

static void sets_both_ways(void **state)
{
	char text[256];

	(void)state;
	for (uint64_t flags = 0; flags < 1u << 22; flags += 37) {
		scn_words_format(WORDS_MAP, flags, text, sizeof(text));
		assert_int_equal(parsed(WORDS_MAP, text), flags);
	}
	for (uint64_t prot = 0; prot < 32; prot++) {
		scn_words_format(WORDS_PROT, prot, text, sizeof(text));
		assert_int_equal(parsed(WORDS_PROT, text), prot);
	}
}

static void how_sets_read(void **state)
{
	char text[256];

	(void)state;
	assert_string_equal(scn_words_format(WORDS_MAP, 0x32, text, sizeof(text)),
			    "private|fixed|anonymous");
	assert_string_equal(scn_words_format(WORDS_PROT, 3, text, sizeof(text)), "rw");
	assert_string_equal(scn_words_format(WORDS_PROT, 0, text, sizeof(text)), "none");
	assert_string_equal(scn_words_format(WORDS_ADVICE, 4, text, sizeof(text)), "dontneed");
	assert_string_equal(scn_words_format(WORDS_ADVICE, 77, text, sizeof(text)), "77");
	assert_string_equal(scn_words_format(WORDS_MREMAP, 0x81, text, sizeof(text)),
			    "maymove|0x80");
	assert_int_equal(parsed(WORDS_PROT, "rw|growsdown"), 0x01000003);
	assert_int_equal(parsed(WORDS_MAP, "0x20|private"), 0x22);
}

static void what_is_refused(void **state)
{
	(void)state;
	assert_refused(WORDS_MAP, "private|anonymos", "anonymos");
	assert_refused(WORDS_MAP, "private|", "");
	assert_refused(WORDS_MAP, "|private", "|private");
	assert_refused(WORDS_PROT, "rwz", "rwz");
	assert_refused(WORDS_PROT, "", "");
	assert_refused(WORDS_ADVICE, "free|cold", "free|cold");
	assert_refused(WORDS_ADVICE, "12x", "12x");
}

static void errnos_and_signals(void **state)
{
	(void)state;
	assert_string_equal(scn_errno_name(EINVAL), "EINVAL");
	assert_int_equal(scn_errno_number("ENOMEM"), ENOMEM);
	assert_int_equal(scn_errno_number("ENONSENSE"), 0);
	assert_string_equal(scn_signal_name(SIGSEGV), "SIGSEGV");
	assert_string_equal(scn_signal_code_name(SIGSEGV, SEGV_ACCERR), "SEGV_ACCERR");
	assert_string_equal(scn_signal_code_name(SIGSEGV, SI_KERNEL), "SI_KERNEL");
}

static void steps_as_lines(void **state)
{
	struct scn_step mmap = { .kind = SCN_MMAP, .args = { 0, 8192, 3, 0x22, UINT64_MAX, 0 } };
	struct scn_step write = {
		.kind = SCN_WRITE, .args = { 0x1000 }, .in = "a\0\"", .in_bytes = 3
	};
	struct scn_step limit = { .kind = SCN_SETRLIMIT, .args = { 9 } };
	char text[256], small[8];

	(void)state;
	limit.args[1] = mmap.args[1] = SCN_UNLIMITED;
	assert_string_equal(scn_step_format(&limit, text, sizeof(text)),
			    "setrlimit(as, unlimited)");
	assert_string_equal(scn_step_format(&mmap, text, sizeof(text)),
			    "mmap(0xffffffffffffffff, rw, private|anonymous)");
	mmap.args[1] = 8192;
	mmap.result = 0x7ffff7ffd000;
	assert_string_equal(scn_step_format(&mmap, text, sizeof(text)),
			    "mmap(8K, rw, private|anonymous)");
	assert_string_equal(scn_result_format(&mmap, text, sizeof(text)), "0x7ffff7ffd000");
	mmap.result = -ENOMEM;
	assert_string_equal(scn_result_format(&mmap, text, sizeof(text)), "-ENOMEM");
	assert_string_equal(scn_step_format(&write, text, sizeof(text)),
			    "write(0x1000, \"a\\x00\\x22\")");
	write.fault = (struct umm_fault){ SIGSEGV, SEGV_MAPERR, 0x1000 };
	assert_string_equal(scn_result_format(&write, text, sizeof(text)),
			    "SIGSEGV (SEGV_MAPERR) at 0x1000");
	scn_step_format(&write, small, sizeof(small));
	assert_string_equal(small, "write(0");
	assert_string_equal(scn_size_format(3ull << 30, text, sizeof(text)), "3G");
	assert_string_equal(scn_size_format(4097, text, sizeof(text)), "4097");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_word_both_ways), cmocka_unit_test(sets_both_ways),
		cmocka_unit_test(how_sets_read),        cmocka_unit_test(what_is_refused),
		cmocka_unit_test(errnos_and_signals),   cmocka_unit_test(steps_as_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
