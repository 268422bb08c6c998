/* SPDX-License-Identifier: MIT */
/* Running litmus tests: their language, thread by thread, on marked accesses. */
#include "explore/litmus.h"

#include "sync/sync.h"

#define NR_REGISTERS 5 /* a b c d e */
/* So far apart that a pointer to one is none to the other. */
#define APART 4096

enum { WORD_X, WORD_Y, WORD_Z, WORD_P, NR_WORDS };

static union {
	u64 value;
	u8 room[APART];
} words[NR_WORDS] __attribute__((aligned(APART)));
static u64 registers[NR_REGISTERS];
static spinlock_t locks[2];

static struct {
	const struct litmus *test;
	const char *without;
	u64 with_outcome;
} now;

static u64 *word(char name)
{
	return &words[name == 'p' ? WORD_P : WORD_X + (name - 'x')].value;
}

static bool is_register(char name)
{
	return name >= 'a' && name < 'a' + NR_REGISTERS;
}

static u64 number(const char *text)
{
	return *text == '&' ? (u64)(uintptr_t)word(text[1]) : (u64)(*text - '0');
}

/* "mb", "rmb", "wmb" */
static void barrier_of(const char *token)
{
	if (*token == 'r')
		smp_rmb();
	else if (*token == 'w')
		smp_wmb();
	else
		smp_mb();
}

static void access_of(const char *token)
{
	bool ordered = token[1] == ':';
	const char *from = token + (ordered ? 3 : 2);
	u64 *target = is_register(token[0]) ? &registers[token[0] - 'a'] : word(token[0]);

	if (now.without && !strcmp(now.without, ":="))
		ordered = false;
	if (!is_register(token[0])) {
		if (ordered)
			smp_store_release(target, number(from));
		else
			WRITE_ONCE(*target, number(from));
		return;
	}
	if (*from == '*') {
		u64 *pointer = (u64 *)(uintptr_t)registers[from[1] - 'a'];

		*target = READ_ONCE(*pointer);
	} else if (ordered) {
		*target = smp_load_acquire(word(*from));
	} else {
		*target = READ_ONCE(*word(*from));
	}
}

static bool same_token(const char *token, const char *other)
{
	while (*other && *token == *other) {
		token++;
		other++;
	}
	return !*other && (!*token || *token == ' ');
}

static void run_token(const char *token)
{
	if (now.without && same_token(token, now.without))
		return;
	if (*token == '+')
		spin_lock(&locks[token[1] - 's']);
	else if (*token == '-')
		spin_unlock(&locks[token[1] - 's']);
	else if (token[1] == '=' || token[1] == ':')
		access_of(token);
	else
		barrier_of(token);
}

static const char *next_token(const char *token)
{
	while (*token && *token != ' ')
		token++;
	while (*token == ' ')
		token++;
	return token;
}

static void litmus_thread(void *arg, unsigned self)
{
	(void)arg;
	for (const char *token = now.test->threads[self]; *token; token = next_token(token))
		run_token(token);
}

static void litmus_reset(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < NR_WORDS; i++)
		words[i].value = 0;
	words[WORD_P].value = number("&z");
	memset(registers, 0, sizeof(registers));
	/* Two ranks, so that they may nest. */
	spin_lock_init(&locks[0], LC_PTL);
	spin_lock_init(&locks[1], LC_PTL);
}

static void litmus_check(void *arg)
{
	(void)arg;
	for (const char *part = now.test->outcome; *part; part = next_token(part)) {
		u64 value = is_register(*part) ? registers[*part - 'a'] : *word(*part);

		if (value != number(part + 2))
			return;
	}
	now.with_outcome++;
}

enum litmus_verdict litmus_expected(const struct litmus *test, enum weak_memory memory)
{
	switch (memory) {
	case WEAK_SC:
		return LITMUS_NEVER;
	case WEAK_TSO:
		return test->tso;
	default:
		return test->overtakes ? LITMUS_NEVER : test->linux_says;
	}
}

/* As a graph; with a memory model among the options: step by step. */
static int run_test(const struct litmus *test, enum weak_memory memory, const char *without,
		    const struct explore_options *options, struct litmus_result *ret_result)
{
	static struct explore_result result;
	struct explore_program program = {
		.name = test->name,
		.reset = litmus_reset,
		.thread = litmus_thread,
		.check = litmus_check,
	};
	int err;

	while (program.threads < LITMUS_MAX_THREADS && test->threads[program.threads])
		program.threads++;
	now.test = test;
	now.without = without;
	now.with_outcome = 0;
	if (options->memory != WEAK_SC)
		err = explore(&program, options, &result);
	else
		err = weak_explore(&program, options, memory, &result);
	if (err)
		return err;
	ret_result->graphs = result.executions;
	ret_result->with_outcome = now.with_outcome;
	ret_result->verdict = now.with_outcome ? LITMUS_SOMETIMES : LITMUS_NEVER;
	return 0;
}

int litmus_run(const struct litmus *test, enum weak_memory memory, const char *without,
	       struct litmus_result *ret_result)
{
	struct explore_options options = { .keep_going = true };

	return run_test(test, memory, without, &options, ret_result);
}

int litmus_run_stepped(const struct litmus *test, enum weak_memory memory, enum explore_mode mode,
		       u64 executions, struct litmus_result *ret_result)
{
	struct explore_options options = {
		.mode = mode,
		.memory = memory,
		.keep_going = true,
		.max_preemptions = -1,
		.max_executions = executions,
	};

	return run_test(test, memory, NULL, &options, ret_result);
}
