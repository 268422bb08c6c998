/* SPDX-License-Identifier: MIT */
/*
 * Bad input: scenarios that are no scenarios. Each must end with a verdict and a message that
 * names the file and the line, never with a crash, and leave nothing behind.
 *
 * First a table of known mistakes, each with what its message must say. Then thousands of
 * files made from a seed: bytes, words in any order, calls with any arguments, good scenarios
 * with a few characters changed. They run in worker processes, many in each, so that a crash
 * can be told from a verdict and named.
 *
 *   bad-input [COUNT [SEED]]     bad-input --show INDEX [SEED]
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "scenario/script.h"

#define NR(array) ((unsigned)(sizeof(array) / sizeof((array)[0])))
#define PATH "bad.lua"
#define MAX_TEXT 4096
#define PER_WORKER 500
#define HUNG_SECONDS 200
/* Allocators keep a little of what they were given. */
#define SLACK_BYTES (512 << 10)

static void run_text(const struct scn_backend_ops *ops, const char *text, size_t size,
		     struct scn_outcome *outcome)
{
	struct scn_file file = { .path = PATH, .size = size };
	struct scn_session session;
	struct umm_config config;

	umm_config_init(&config);
	config.ram_bytes = 16u << 20;
	file.text = malloc(size + 1);
	if (!file.text)
		abort();
	memcpy(file.text, text, size);
	file.text[size] = '\0';
	scn_session_init(&session, ops, &config);
	scn_script_run(&session, &file, outcome);
	scn_session_close(&session);
	scn_file_free(&file);
}

/* What Lua itself says without a line. */
static bool has_no_line(const char *message)
{
	static const char *const such[] = { "not enough memory", "binary chunk", "overflow" };

	for (unsigned i = 0; i < NR(such); i++) {
		if (!strncmp(message, PATH ": ", strlen(PATH) + 2) && strstr(message, such[i]))
			return true;
	}
	return false;
}

/* "bad.lua:12:" at the start of the message. */
static bool names_line(const char *message)
{
	const char *digits = message + strlen(PATH) + 1;

	if (has_no_line(message))
		return true;
	return !strncmp(message, PATH ":", strlen(PATH) + 1) &&
	       digits[strspn(digits, "0123456789")] == ':' && *digits != ':';
}

/* ---- known mistakes ------------------------------------------------------------------- */

#define P "local p = process() "

static const struct mistake {
	const char *text;
	enum scn_verdict verdict;
	const char *says;
} mistakes[] = {
	/* not Lua */
	{ "local p = = process()", SCN_BAD_INPUT, "unexpected symbol" },
	{ "p:mmap{", SCN_BAD_INPUT, "expected" },
	{ "\x1bLua", SCN_BAD_INPUT, "" },
	{ "x = \"unfinished", SCN_BAD_INPUT, "unfinished string" },
	{ "nosuch()", SCN_BAD_INPUT, "nosuch" },
	{ "goto nowhere", SCN_BAD_INPUT, "nowhere" },
	/* without an end */
	{ "while true do end", SCN_BAD_INPUT, "does not end" },
	{ "local function f() return f() + 1 end f()", SCN_BAD_INPUT, "stack overflow" },
	{ "local t = {} while true do t[#t + 1] = (\"x\"):rep(1 << 20) end", SCN_BAD_INPUT,
	  "memory" },
	{ "pcall(function() while true do end end)", SCN_BAD_INPUT, "does not end" },
	{ "string.rep(\"\", 1 << 46)", SCN_BAD_INPUT, "too often" },
	/* not for scenarios */
	{ "io.open(\"/etc/passwd\")", SCN_BAD_INPUT, "io" },
	{ "os.execute(\"true\")", SCN_BAD_INPUT, "os" },
	{ "require \"x\"", SCN_BAD_INPUT, "require" },
	{ "load(\"return 1\")()", SCN_BAD_INPUT, "load" },
	/* calls as they should not be */
	{ P "p:mmap{}", SCN_BAD_INPUT, "len" },
	{ P "p:mmap(1, 2)", SCN_BAD_INPUT, "table expected" },
	{ P "p:mmap{ len = 4*K, size = 1 }", SCN_BAD_INPUT, "size" },
	{ P "p:mmap{ len = \"many\" }", SCN_BAD_INPUT, "number expected" },
	{ P "p:mmap{ len = 1.5 }", SCN_BAD_INPUT, "no integer representation" },
	{ P "p:mmap{ len = 4*K, prot = \"rq\" }", SCN_BAD_INPUT, "rq" },
	{ P "p:mmap{ len = 4*K, flags = \"private|sticky\" }", SCN_BAD_INPUT, "sticky" },
	{ P "p:madvise(0, 4*K, \"dontwant\")", SCN_BAD_INPUT, "dontwant" },
	{ P "p:munmap(1)", SCN_BAD_INPUT, "number expected" },
	{ P "p:munmap(1, 2, 3)", SCN_BAD_INPUT, "munmap takes 2 arguments" },
	{ P "p:nosuch()", SCN_BAD_INPUT, "nosuch" },
	{ P "p.munmap(1, 2)", SCN_BAD_INPUT, "process" },
	{ P "p:read(0, -1)", SCN_BAD_INPUT, "" },
	{ P "p:read(0, 1 << 40)", SCN_BAD_INPUT, "16M" },
	{ P "p:write(0, {})", SCN_BAD_INPUT, "string expected" },
	{ P "p:write(0, (\"x\"):rep(9 << 20):rep(2))", SCN_BAD_INPUT, "16M" },
	{ P "p:vm_readv(p, { 1, 2 })", SCN_BAD_INPUT, "range" },
	{ P "p:vm_readv(1, {})", SCN_BAD_INPUT, "" },
	{ P "expect_errno(\"EWRONG\", function() end)", SCN_BAD_INPUT, "EWRONG" },
	{ P "expect_errno(\"EINVAL\", 5)", SCN_BAD_INPUT, "function" },
	{ P "p:exit() p:mmap{ len = 4*K }", SCN_BAD_INPUT, "has ended" },
	{ P "p:pagemap(0, 1 << 40)", SCN_BAD_INPUT, "1M pages" },
	/* two threads of p that have q do something at once */
	{ P "local q = process() local a = q:mmap{ len = 64*K } "
	    "for i = 1, 2 do p:thread(function() for k = 0, 15 do q:store(a + k * 4*K, i) end end) "
	    "end",
	  SCN_BAD_INPUT, "one thing at a time" },
	{ "machine{ ram = 1 }", SCN_BAD_INPUT, "" },
	{ "machine{ nosuch = 1 }", SCN_BAD_INPUT, "nosuch" },
	{ "setmetatable(_G, { __index = error }) nosuch()", SCN_BAD_INPUT, "" },
	/* good calls that fail, as they must, and end the scenario */
	{ P "p:mmap{ len = 0 }", SCN_FAILED, "EINVAL" },
	{ P "p:mmap{ len = 1 << 62 }", SCN_FAILED, "ENOMEM" },
	{ P "p:mmap{ len = -1 }", SCN_FAILED, "ENOMEM" },
	{ P "p:munmap(1, 4*K)", SCN_FAILED, "EINVAL" },
	{ P "p:munmap(0x7ffffffff000, 4*K)", SCN_FAILED, "EINVAL" },
	{ P "p:mprotect(-4096, 8192, \"r\")", SCN_FAILED, "ENOMEM" },
	{ P "p:madvise(1, 1, \"dontneed\")", SCN_FAILED, "EINVAL" },
	{ P "p:mlock(-1, 2)", SCN_FAILED, "E" },
	{ P "p:mincore(0, 1 << 63)", SCN_FAILED, "ENOMEM" },
	{ P "p:unpin(99)", SCN_FAILED, "EINVAL" },
	{ P "p:pin(0, 0)", SCN_FAILED, "EINVAL" },
	{ P "local c = p:fork() c:exit() p:vm_readv(c, { { 0, 1 } })", SCN_FAILED, "ESRCH" },
	{ P "p:read(0, 1)", SCN_FAILED, "SIGSEGV" },
	{ P "p:read(-1, 8)", SCN_FAILED, "SIG" },
	{ P "p:fetch_add(1, 1, 8)", SCN_FAILED, "EINVAL" },
	{ P "p:load(0, 3)", SCN_FAILED, "EINVAL" },
	{ P "expect(1 == 2)", SCN_FAILED, "1 == 2" },
	{ P "expect(p:brk(0) == 1)", SCN_FAILED, "does not hold" },
	{ P "expect_errno(\"EINVAL\", function() end)", SCN_FAILED, "succeeded" },
	{ P "expect_signal(\"SIGBUS\", function() p:read(0, 1) end)", SCN_FAILED, "SIGSEGV" },
	{ "error(\"enough\")", SCN_FAILED, "enough" },
	/* odd, but nothing wrong with it */
	{ "", SCN_PASSED, "" },
	{ "-- nothing but a comment", SCN_PASSED, "" },
	{ "return", SCN_PASSED, "" },
	{ "process = nil", SCN_PASSED, "" },
};

static bool judge(const struct mistake *mistake, const struct scn_outcome *outcome)
{
	if (outcome->verdict != mistake->verdict)
		return false;
	if (mistake->verdict == SCN_PASSED)
		return true;
	return names_line(outcome->message) && strstr(outcome->message, mistake->says);
}

static unsigned known_mistakes(void)
{
	unsigned wrong = 0;

	for (unsigned i = 0; i < NR(mistakes); i++) {
		struct scn_outcome outcome;

		run_text(&scn_model, mistakes[i].text, strlen(mistakes[i].text), &outcome);
		if (judge(&mistakes[i], &outcome))
			continue;
		wrong++;
		printf("%s\n  verdict %d, expected %d\n  message: %s\n  expected in it: %s\n",
		       mistakes[i].text, outcome.verdict, mistakes[i].verdict, outcome.message,
		       mistakes[i].says);
	}
	printf("%u known mistakes, %u told wrong\n", NR(mistakes), wrong);
	return wrong;
}

/* ---- files from a seed ---------------------------------------------------------------- */

struct maker {
	uint64_t rng;
	char text[MAX_TEXT + 1];
	size_t len;
};

static uint64_t draw(struct maker *maker)
{
	uint64_t z = maker->rng += 0x9e3779b97f4a7c15ull;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

static unsigned below(struct maker *maker, unsigned bound)
{
	return (unsigned)(draw(maker) % bound);
}

#define PICK(maker, array) ((array)[below(maker, NR(array))])

static void put(struct maker *maker, const char *text)
{
	size_t len = strlen(text);

	if (maker->len + len > MAX_TEXT)
		return;
	memcpy(maker->text + maker->len, text, len);
	maker->len += len;
}

static void make_bytes(struct maker *maker)
{
	bool printable = below(maker, 2);
	size_t len = below(maker, 300);

	for (; maker->len < len; maker->len++)
		maker->text[maker->len] =
			(char)(printable ? 32 + below(maker, 95) : below(maker, 256));
}

static const char *const words[] = {
	"local",
	"function",
	"end",
	"if",
	"then",
	"else",
	"for",
	"in",
	"do",
	"return",
	"not",
	"and",
	"or",
	"nil",
	"true",
	"false",
	"p",
	"a",
	"K",
	"M",
	"PAGE",
	"process",
	"()",
	"(",
	")",
	"{",
	"}",
	"[",
	"]",
	"=",
	"==",
	"~=",
	",",
	";",
	":",
	".",
	"..",
	"...",
	"+",
	"-",
	"*",
	"//",
	"<<",
	"%",
	"#",
	"\"r\"",
	"\"rw\"",
	"'",
	"\"",
	"--",
	"[[",
	"]]",
	"::x::",
	"goto x",
	"0",
	"1",
	"4096",
	"-1",
	"1e308",
	"0x7fffffffffff",
	"expect",
	"expect_errno",
	"expect_signal",
	"pcall",
	"error",
	"print",
	"string",
	"table",
	"math",
	"tostring",
	"setmetatable",
	"p:mmap",
	"p:fork",
	"p:munmap",
	"p:smaps",
	"machine",
	"verify",
	"\n",
	"coroutine.wrap",
	"break",
	"while",
	"repeat",
	"until",
	"\\",
	"\0x",
	"\xff",
};

static void make_words(struct maker *maker)
{
	for (unsigned n = 1 + below(maker, 40); n; n--) {
		put(maker, PICK(maker, words));
		put(maker, " ");
	}
}

static const char *const values[] = {
	"0",
	"1",
	"-1",
	"a",
	"a + 1",
	"a + PAGE",
	"a - PAGE",
	"4*K",
	"8*K",
	"3",
	"4095",
	"4097",
	"1 << 47",
	"1 << 62",
	"1 << 63",
	"math.maxinteger",
	"math.mininteger",
	"0x7ffffffff000",
	"0x400000",
	"1.5",
	"0/0",
	"1/0",
	"nil",
	"true",
	"false",
	"{}",
	"{ { a, 8 } }",
	"{ { a, 1 << 40 }, { a, -1 } }",
	"{ 1 }",
	"p",
	"c",
	"dead",
	"print",
	"function() end",
	"function() p:read(0, 1) end",
	"\"\"",
	"\"r\"",
	"\"rw\"",
	"\"rwx\"",
	"\"none\"",
	"\"private|anonymous\"",
	"\"private|anonymous|fixed|populate\"",
	"\"droppable|anonymous\"",
	"\"maymove\"",
	"\"maymove|fixed\"",
	"\"maymove|dontunmap\"",
	"\"dontneed\"",
	"\"free\"",
	"\"guard_install\"",
	"\"populate_write\"",
	"\"current|future\"",
	"\"sync\"",
	"\"memlock\"",
	"\"unlimited\"",
	"\"EINVAL\"",
	"\"SIGSEGV\"",
	"(\"x\"):rep(5000)",

	"{ len = 4*K }",
	"{ len = 64*M, flags = \"private|anonymous|locked\" }",
	"{ len = 4*K, addr = a, flags = \"private|anonymous|fixed\" }",
	"{ len = 1 << 46 }",
	"setmetatable({}, { __index = error, __len = error })",
	"print, print",
};

static const char *const calls[] = {
	"p:mmap",       "p:munmap",       "p:mprotect",     "p:mremap",      "p:madvise",
	"p:mlock",      "p:mlock2",       "p:munlock",      "p:mlockall",    "p:munlockall",
	"p:mincore",    "p:brk",          "p:msync",        "p:fork",        "p:thread",
	"p:exit",       "p:read",         "p:write",        "p:load",        "p:store",
	"p:cmpxchg",    "p:xchg",         "p:fetch_add",    "p:exec",        "p:vm_readv",
	"p:vm_writev",  "p:pin",          "p:unpin",        "p:setrlimit",   "p:cap_ipc_lock",
	"p:maps",       "p:smaps",        "p:smaps_rollup", "p:pagemap",     "p:status",
	"p:try",        "p:alive",        "dead:read",      "dead:mmap",     "c:fork",
	"c:exit",       "c:mmap",         "c:write",        "p.mmap",        "p.__gc",
	"tostring",     "expect",         "expect_eq",      "expect_errno",  "expect_signal",
	"print",        "machine",        "verify",         "process",       "error",
	"pcall",        "setmetatable",   "string.rep",     "string.format", "table.concat",
	"table.unpack", "coroutine.wrap", "p:model_page",   "math.random",   "rawset",
	"select",       "next",
};

/* Calls with any arguments; most failures are caught, so that the next ones run too. */
static void make_calls(struct maker *maker)
{
	put(maker, "local p = process()\nlocal a = p:mmap{ len = 64*K }\n"
		   "local c, dead = p:fork(), p:fork()\ndead:exit()\n");
	for (unsigned n = 1 + below(maker, 12); n; n--) {
		bool caught = below(maker, 8) != 0;
		unsigned nr = below(maker, 6);

		put(maker, caught ? "pcall(function() return " : "local _ = ");
		put(maker, PICK(maker, calls));
		put(maker, "(");
		for (unsigned i = 0; i < nr; i++) {
			put(maker, i ? ", " : "");
			put(maker, PICK(maker, values));
		}
		put(maker, caught ? ") end)\n" : ")\n");
	}
}

static const char good[] =
	"local p = process()\n"
	"local a = p:mmap{ len = 16*K, prot = \"rw\", flags = \"private|anonymous\" }\n"
	"p:write(a, \"before\")\n"
	"local c = p:fork()\n"
	"c:write(a, \"child\")\n"
	"expect(p:read(a, 6) == \"before\")\n"
	"expect_signal(\"SIGSEGV\", function() p:read(0x10, 1) end)\n"
	"expect_errno(\"EINVAL\", function() p:mprotect(a + 1, 4*K, \"r\") end)\n"
	"for i = 0, 3 do p:store(a + i * 4*K, i, 8) end\n"
	"p:madvise(a, 8*K, \"dontneed\")\n"
	"local b = p:mremap(a, 16*K, 32*K, \"maymove\")\n"
	"local t = p:thread(function() p:fetch_add(b, 1, 8) end)\n"
	"t:join()\n"
	"print(p:smaps(b).rss, p:pagemap(b).present, p:mincore(b, 32*K))\n"
	"p:munmap(b, 32*K)\n";

static void change_one(struct maker *maker)
{
	static const char *const numbers[] = { "-1", "0", "1 << 63", "1e400", "4095", "nil" };
	size_t at = below(maker, (unsigned)maker->len), more;

	switch (below(maker, 5)) {
	case 0: /* another byte */
		maker->text[at] = (char)below(maker, 256);
		break;
	case 1: /* some fewer */
		more = 1 + below(maker, 20);
		more = at + more > maker->len ? maker->len - at : more;
		memmove(maker->text + at, maker->text + at + more, maker->len - at - more);
		maker->len -= more;
		break;
	case 2: /* some twice */
		more = 1 + below(maker, 40);
		more = at + more > maker->len ? maker->len - at : more;
		if (maker->len + more > MAX_TEXT)
			break;
		memmove(maker->text + at + more, maker->text + at, maker->len - at);
		maker->len += more;
		break;
	case 3: /* another end */
		maker->len = at;
		put(maker, PICK(maker, words));
		break;
	default: /* another number */
		while (at < maker->len && (maker->text[at] < '0' || maker->text[at] > '9'))
			at++;
		if (at < maker->len) {
			const char *number = PICK(maker, numbers);
			size_t len = strlen(number);

			if (at + len <= maker->len)
				memcpy(maker->text + at, number, len);
		}
	}
}

static void make_changed(struct maker *maker)
{
	put(maker, good);
	for (unsigned n = 1 + below(maker, 5); n && maker->len; n--)
		change_one(maker);
}

static void make(struct maker *maker, uint64_t seed, uint64_t index)
{
	maker->rng = seed * 1000003 + index;
	maker->len = 0;
	draw(maker);
	switch (index % 5) {
	case 0:
		make_bytes(maker);
		break;
	case 1:
		make_words(maker);
		break;
	case 2:
		make_changed(maker);
		break;
	default:
		make_calls(maker);
	}
	maker->text[maker->len] = '\0';
}

/* ---- nothing left behind -------------------------------------------------------------- */

static unsigned open_files(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned nr = 0;

	while (dir && readdir(dir))
		nr++;
	if (dir)
		closedir(dir);
	return nr;
}

/* Each machine has its place, of which there are few: one left behind is one less. */
static bool all_machines_free(void)
{
	struct umm_machine *machines[8];
	struct umm_config config;
	unsigned nr = 0;

	umm_config_init(&config);
	while (nr < 8 && umm_machine_create(&config, &machines[nr]) == 0)
		nr++;
	for (unsigned i = 0; i < nr; i++)
		umm_machine_destroy(machines[i]);
	return nr == 8;
}

struct shared {
	uint64_t now;
	uint64_t verdicts[SCN_INTERNAL + 1];
	unsigned wrong;
};

static void check_outcome(struct shared *shared, uint64_t index, const struct scn_outcome *outcome)
{
	bool told = outcome->verdict == SCN_PASSED ||
		    (outcome->verdict == SCN_SKIPPED_HERE && outcome->message[0]) ||
		    names_line(outcome->message);

	if (outcome->verdict > SCN_INTERNAL || outcome->verdict == SCN_INTERNAL) {
		printf("file %" PRIu64 ": verdict %d: %s\n", index, outcome->verdict,
		       outcome->message);
		shared->wrong++;
	} else if (!told) {
		printf("file %" PRIu64 ": no line is named: %s\n", index, outcome->message);
		shared->wrong++;
	}
	shared->verdicts[outcome->verdict]++;
}

static void work(struct shared *shared, uint64_t seed, uint64_t end)
{
	static struct maker maker;
	struct scn_outcome outcome;
	unsigned files;
	size_t bytes;

	/* What is allocated once and for all is not left behind. */
	run_text(&scn_model, good, strlen(good), &outcome);
	files = open_files();
	bytes = mallinfo2().uordblks;
	while (shared->now < end) {
		alarm(HUNG_SECONDS);
		make(&maker, seed, shared->now);
		run_text(&scn_model, maker.text, maker.len, &outcome);
		check_outcome(shared, shared->now, &outcome);
		shared->now++;
	}
	if (open_files() != files) {
		printf("before file %" PRIu64 ": descriptors left open\n", end);
		shared->wrong++;
	}
	if (mallinfo2().uordblks > bytes + SLACK_BYTES) {
		printf("before file %" PRIu64 ": %zu bytes of memory left behind\n", end,
		       mallinfo2().uordblks - bytes);
		shared->wrong++;
	}
	if (!all_machines_free()) {
		printf("before file %" PRIu64 ": machines left behind\n", end);
		shared->wrong++;
	}
	fflush(stdout);
}

static void run_workers(struct shared *shared, uint64_t seed, uint64_t count)
{
	while (shared->now < count) {
		uint64_t end = shared->now + PER_WORKER < count ? shared->now + PER_WORKER : count;
		int status = 0;
		pid_t pid;

		fflush(stdout);
		pid = fork();
		if (pid < 0) {
			perror("fork");
			exit(1);
		}
		if (pid == 0) {
			work(shared, seed, end);
			_exit(0);
		}
		waitpid(pid, &status, 0);
		if (status == 0)
			continue;
		/* The last resort has said so and taken the process with it. */
		if (WIFEXITED(status) && WEXITSTATUS(status) == 2) {
			shared->verdicts[SCN_BAD_INPUT]++;
			shared->now++;
			continue;
		}
		printf("file %" PRIu64 ": %s (signal %d, status %d)\n", shared->now,
		       WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM ? "no end" : "a crash",
		       WIFSIGNALED(status) ? WTERMSIG(status) : 0, WEXITSTATUS(status));
		shared->wrong++;
		shared->now++;
	}
}

int main(int argc, char **argv)
{
	bool show = argc > 1 && !strcmp(argv[1], "--show");
	uint64_t count = argc > 1 + show ? strtoull(argv[1 + show], NULL, 0) : 10000;
	uint64_t seed = argc > 2 + show ? strtoull(argv[2 + show], NULL, 0) : 1;
	struct shared *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	static struct maker maker;
	unsigned wrong;

	if (shared == MAP_FAILED)
		return 1;
	if (show) {
		make(&maker, seed, count);
		fwrite(maker.text, 1, maker.len, stdout);
		return 0;
	}
	wrong = known_mistakes();
	run_workers(shared, seed, count);
	printf("%" PRIu64 " made files, seed %" PRIu64 ": %" PRIu64 " passed, %" PRIu64
	       " failed, %" PRIu64 " bad, %" PRIu64 " skipped; %u wrong\n",
	       count, seed, shared->verdicts[SCN_PASSED], shared->verdicts[SCN_FAILED],
	       shared->verdicts[SCN_BAD_INPUT], shared->verdicts[SCN_SKIPPED_HERE], shared->wrong);
	if (waitpid(-1, NULL, WNOHANG) >= 0 || errno != ECHILD) {
		printf("a process is left behind\n");
		wrong++;
	}
	return wrong || shared->wrong ? 1 : 0;
}
