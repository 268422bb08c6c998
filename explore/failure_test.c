/* SPDX-License-Identifier: MIT */
/* What is done with a failure: had again, made small, shown, kept as text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/uapi.h"
#include "explore/engine.h"
#include "explore/programs/programs.h"
#include "explore/render.h"

static struct explore_result result, again;
static struct explore_minimised small;
static struct explore_schedule parsed;
static char text[16384], error[200];

/* The first failure of a mode. */
static struct explore_program failing(const char *name, unsigned n, enum explore_mode mode,
				      u64 seed)
{
	struct explore_program program;
	struct explore_options options = {
		.mode = mode,
		.seed = seed,
		.max_preemptions = -1,
		.max_executions = 1000000,
	};

	assert_true(program_make(name, n, &program));
	assert_int_equal(explore(&program, &options, &result), 0);
	assert_int_equal(result.failures, 1);
	return program;
}

static void replay(const struct explore_program *program, const u8 *schedule, unsigned len)
{
	struct explore_options options = {
		.mode = EXPLORE_REPLAY,
		.max_preemptions = -1,
		.max_executions = 1,
		.schedule = schedule,
		.schedule_len = len,
	};

	assert_int_equal(explore(program, &options, &again), 0);
}

static void test_replay_is_the_same(void **state)
{
	static const struct {
		const char *name;
		unsigned n;
	} programs_[] = { { "reorder", 5 }, { "twostage", 3 }, { "wronglock", 4 }, { "phil", 4 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(programs_); i++) {
		for (int mode = EXPLORE_OPTIMAL; mode <= EXPLORE_URW; mode++) {
			struct explore_program program =
				failing(programs_[i].name, programs_[i].n, mode, 3);

			for (int rewinds = 0; rewinds < 2; rewinds++) {
				program.stack_only = rewinds;
				replay(&program, result.schedule, result.schedule_len);
				assert_int_equal(again.failure, result.failure);
				assert_string_equal(again.failure_text, result.failure_text);
				assert_int_equal(again.schedule_len, result.schedule_len);
				assert_memory_equal(again.schedule, result.schedule,
						    result.schedule_len);
				assert_int_equal(again.switches, result.switches);
				assert_int_equal(again.preemptions, result.preemptions);
			}
		}
	}
}

/* Philosopher 1 cannot have the fork that 0 has: 0 goes on. */
static void test_infeasible_goes_on(void **state)
{
	static const u8 schedule[] = { 0, 0, 1, 1, 1, 1 };
	struct explore_program program;

	(void)state;
	assert_true(program_make("phil", 2, &program));
	replay(&program, schedule, sizeof(schedule));
	assert_int_equal(again.failures, 0);
	assert_int_equal(again.events, 8);
}

static void minimise(const struct explore_program *program)
{
	struct explore_options limits = { .max_executions = 1000000 };

	assert_int_equal(explore_minimise(program, &limits, result.schedule, result.schedule_len,
					  &small),
			 0);
	assert_true(small.preemptions <= small.preemptions_before);
	replay(program, small.schedule, small.schedule_len);
	assert_int_equal(again.failure, result.failure);
	assert_int_equal(again.preemptions, small.preemptions);
	assert_int_equal(again.switches, small.switches);
	assert_int_equal(again.schedule_len, small.schedule_len);
}

static void test_minimised(void **state)
{
	static const struct {
		const char *name;
		unsigned n, preemptions, switches;
	} known[] = {
		{ "reorder", 5, 1, 1 },  { "reorder", 7, 1, 1 },   { "twostage", 2, 1, 1 },
		{ "twostage", 5, 1, 1 }, { "wronglock", 4, 1, 2 }, { "phil", 2, 1, 1 },
		{ "phil", 4, 1, 3 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		for (u64 seed = 1; seed <= 5; seed++) {
			struct explore_program program =
				failing(known[i].name, known[i].n, EXPLORE_RANDOM, seed);

			minimise(&program);
			assert_int_equal(small.preemptions, known[i].preemptions);
			assert_int_equal(small.switches, known[i].switches);
			assert_true(small.proven);
		}
	}
}

static void test_nothing_to_minimise(void **state)
{
	struct explore_program program;
	struct explore_options limits = { .max_executions = 10 };

	(void)state;
	assert_true(program_make("phil", 2, &program));
	assert_int_equal(explore_minimise(&program, &limits, NULL, 0, &small), -ENOENT);
}

/* ---- shown ---- */

static const struct explore_view everything = { .all_events = true };

/* A line that says so, with its place before it. */
static void check_line(const char *function, const char *words)
{
	const char *line = text;

	for (; *line; line += strcspn(line, "\n") + 1) {
		size_t len = strcspn(line, "\n"), words_len = strlen(words);

		if (len > words_len && !strncmp(line + len - words_len, words, words_len) &&
		    strstr(line, function) && strstr(line, function) < line + len &&
		    strspn(strstr(line, ".c:") + 3, "0123456789") > 0)
			return;
	}
	fail_msg("no %s in %s of\n%s", words, function, text);
}

static void test_rendered(void **state)
{
	struct explore_program program = failing("twostage", 2, EXPLORE_OPTIMAL, 1);
	size_t len;

	(void)state;
	minimise(&program);
	len = explore_render(&program, small.schedule, small.schedule_len, &everything, text,
			     sizeof(text));
	assert_int_equal(len, strlen(text));
	assert_int_equal(strspn(text, " "), strstr(text, "thread 0  ") - text);
	assert_non_null(strstr(text, "thread 1\n"));
	check_line("twostage_thread", "takes the mutex lock");
	check_line("twostage_thread", "writes a: 0 -> 1");
	check_line("twostage_thread", "reads b: 0");
	check_line("twostage_thread", "releases the mutex lock+8");
	/* What did not fit is counted. */
	assert_int_equal(explore_render(&program, small.schedule, small.schedule_len, &everything,
					text, 10),
			 len);
	assert_int_equal(strlen(text), 9);
}

static void test_deadlock_rendered(void **state)
{
	struct explore_program program = failing("phil", 2, EXPLORE_OPTIMAL, 1);

	(void)state;
	explore_render(&program, result.schedule, result.schedule_len, NULL, text, sizeof(text));
	check_line("phil_thread", "waits: takes the mutex lock+8");
	check_line("phil_thread", "waits: takes the mutex lock");
}

static void test_failed_try_rendered(void **state)
{
	static const u8 schedule[] = { 1, 0 };
	struct explore_program program;

	(void)state;
	assert_true(program_make("casrot", 2, &program));
	explore_render(&program, schedule, sizeof(schedule), &everything, text, sizeof(text));
	check_line("casrot_thread", "updates x: 0, in vain");
	check_line("casrot_thread", "updates x: 0 -> 1");
}

/* ---- as text ---- */

static void test_schedule_text(void **state)
{
	static const u8 schedule[] = { 0, 0, 2, 1, 1, 1, 0 };
	static const char expected[] = "usermm schedule 1\n"
				       "program x 3\n"
				       "mutant a\n"
				       "mutant b\n"
				       "thread 0 2\n"
				       "thread 2 1\n"
				       "thread 1 3\n"
				       "thread 0 1\n"
				       "end\n";

	(void)state;
	assert_int_equal(explore_schedule_write(schedule, sizeof(schedule),
						"program x 3\nmutant a\nmutant b\n", text,
						sizeof(text)),
			 strlen(expected));
	assert_string_equal(text, expected);
	assert_int_equal(explore_schedule_parse(text, &parsed, error, sizeof(error)), 0);
	assert_int_equal(parsed.len, sizeof(schedule));
	assert_memory_equal(parsed.threads, schedule, sizeof(schedule));
	assert_string_equal(parsed.about, "program x 3\nmutant a\nmutant b\n");
	assert_true(explore_schedule_about(&parsed, "program", 0, error, sizeof(error)));
	assert_string_equal(error, "x 3");
	assert_true(explore_schedule_about(&parsed, "mutant", 1, error, sizeof(error)));
	assert_string_equal(error, "b");
	assert_false(explore_schedule_about(&parsed, "mutant", 2, error, sizeof(error)));
	assert_false(explore_schedule_about(&parsed, "mut", 0, error, sizeof(error)));
}

static void test_bad_schedules(void **state)
{
	static const struct {
		const char *text, *error;
	} bad[] = {
		{ "", "line 1: ends without a line: end" },
		{ "hello\n", "line 1: not a schedule: expected usermm schedule 1" },
		{ "usermm schedule 1\nthread 0 1\n", "line 3: ends without a line: end" },
		{ "usermm schedule 1\nthread 0 1", "line 2: the line has no end" },
		{ "usermm schedule 1\nthread 0\nend\n", "line 2: expected: thread NUMBER EVENTS" },
		{ "usermm schedule 1\nthread 0 1 2\nend\n",
		  "line 2: expected: thread NUMBER EVENTS" },
		{ "usermm schedule 1\nthread -1 1\nend\n",
		  "line 2: expected: thread NUMBER EVENTS" },
		{ "usermm schedule 1\nthread 32 1\nend\n", "line 2: there are no so many threads" },
		{ "usermm schedule 1\nthread 99999999999999999999 1\nend\n",
		  "line 2: there are no so many threads" },
		{ "usermm schedule 1\nthread 0 4097\nend\n",
		  "line 2: a schedule has 1 to 4096 events" },
		{ "usermm schedule 1\nthread 0 0\nend\n",
		  "line 2: a schedule has 1 to 4096 events" },
		{ "usermm schedule 1\nthread 0 1\nprogram x\nend\n",
		  "line 3: expected: thread NUMBER EVENTS, or end" },
		{ "usermm schedule 1\nnonsense\nend\n",
		  "line 2: expected: thread NUMBER EVENTS, a word and its value, or end" },
		{ "usermm schedule 1\nend\nmore\n", "line 3: something after the end" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(explore_schedule_parse(bad[i].text, &parsed, error, sizeof(error)),
				 -EINVAL);
		assert_string_equal(error, bad[i].error);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_replay_is_the_same),
		cmocka_unit_test(test_infeasible_goes_on),
		cmocka_unit_test(test_minimised),
		cmocka_unit_test(test_nothing_to_minimise),
		cmocka_unit_test(test_rendered),
		cmocka_unit_test(test_deadlock_rendered),
		cmocka_unit_test(test_failed_try_rendered),
		cmocka_unit_test(test_schedule_text),
		cmocka_unit_test(test_bad_schedules),
	};

	return cmocka_run_group_tests_name("explore/failure", tests, NULL, NULL);
}
