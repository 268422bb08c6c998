/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <lauxlib.h>
#include <lualib.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "scenario/memory.h"
#include "scenario/script_internal.h"
#include "scenario/words.h"

#define MAX_FILE_BYTES (1u << 20)
#define MAX_MEMORY_BYTES (128u << 20)
#define MAX_SECONDS 300               /* of processor time */
#define MAX_VOLUME_BYTES (4ull << 30) /* allocated in all, freed or not */
#define MAX_INSTRUCTIONS 400000000ull
#define HOOK_EVERY 10000

extern const char scn_prelude_start[], scn_prelude_end[];

/* ---- files ---------------------------------------------------------------------------- */

bool scn_file_read(const char *path, struct scn_file *file, char *message, size_t size)
{
	FILE *stream = fopen(path, "rb");

	memset(file, 0, sizeof(*file));
	file->path = path;
	if (!stream) {
		snprintf(message, size, "%s: %s", path, strerror(errno));
		return false;
	}
	file->text = malloc(MAX_FILE_BYTES + 1);
	if (file->text)
		file->size = fread(file->text, 1, MAX_FILE_BYTES + 1, stream);
	if (!file->text || ferror(stream)) {
		snprintf(message, size, "%s: %s", path, strerror(file->text ? errno : ENOMEM));
	} else if (file->size > MAX_FILE_BYTES) {
		snprintf(message, size, "%s: larger than 1 MiB, which no scenario is", path);
	} else {
		fclose(stream);
		file->text[file->size] = '\0';
		return true;
	}
	fclose(stream);
	scn_file_free(file);
	return false;
}

void scn_file_free(struct scn_file *file)
{
	free(file->text);
	file->text = NULL;
}

enum scn_only scn_file_only(const struct scn_file *file, char *ret_reason, size_t size)
{
	const char *line = file->text;

	ret_reason[0] = '\0';
	while (!strncmp(line, "--", 2)) {
		size_t len = strcspn(line, "\n");
		const char *word = line + 2 + strspn(line + 2, " ");

		if (!strncmp(word, "only:", 5)) {
			word += 5;
			word += strspn(word, " ");
			snprintf(ret_reason, size, "%.*s", (int)(line + len - word), word);
			if (!strncmp(word, "model", 5))
				return SCN_ONLY_MODEL;
			if (!strncmp(word, "linux", 5))
				return SCN_ONLY_LINUX;
		}
		line += len + (line[len] == '\n');
	}
	return SCN_ANYWHERE;
}

/* ---- limits --------------------------------------------------------------------------- */

static void *allocate(void *arg, void *old, size_t old_size, size_t size)
{
	struct script *script = arg;
	void *memory;

	if (!old)
		old_size = 0;
	if (!size) {
		scn_resize(old, old_size, 0);
		script->memory_used -= old_size;
		return NULL;
	}
	if (size > old_size && script->memory_used + (size - old_size) > MAX_MEMORY_BYTES)
		return NULL;
	script->memory_volume += size;
	if (size > old_size && script->memory_volume > MAX_VOLUME_BYTES)
		return NULL;
	memory = scn_resize(old, old_size, size);
	if (memory)
		script->memory_used += size - old_size;
	return memory;
}

static void on_count(lua_State *L, lua_Debug *ar)
{
	struct script *script = script_of(L);

	(void)ar;
	script->instructions += HOOK_EVERY;
	if (script->ending)
		script_end(L, script->ending);
	if (script->instructions > MAX_INSTRUCTIONS || script->memory_volume > MAX_VOLUME_BYTES) {
		script->session->line = script_line(L);
		snprintf(script->session->reason, sizeof(script->session->reason),
			 "the scenario does not end: %llu million instructions have run, %llu MiB "
			 "were allocated",
			 (unsigned long long)script->instructions / 1000000,
			 (unsigned long long)script->memory_volume >> 20);
		script_end(L, SCRIPT_RUNAWAY);
	}
}

int script_end(lua_State *L, int code)
{
	struct script *script = script_of(L);

	script->ending = code;
	/* From here on every instruction raises, so that no pcall goes on. */
	lua_sethook(L, on_count, LUA_MASKCOUNT, 1);
	lua_pushliteral(L, "the scenario has ended");
	return lua_error(L);
}

unsigned script_line(lua_State *L)
{
	lua_Debug ar;

	for (int level = 0; lua_getstack(L, level, &ar); level++) {
		lua_getinfo(L, "Sl", &ar);
		if (ar.source[0] == '@' && ar.currentline > 0)
			return (unsigned)ar.currentline;
	}
	return 0;
}

/*
 * The last resort against a file that is caught in a function of Lua's library, where nothing
 * of ours runs: nothing can be unwound from there, so the process ends, as for bad input.
 */
static char late_words[512];

static void on_late(int signo)
{
	ssize_t written = write(STDERR_FILENO, late_words, strlen(late_words));

	(void)signo;
	(void)written;
	_exit(2);
}

static void watch_time(const char *path, unsigned seconds)
{
	struct itimerval timer = { .it_value = { .tv_sec = seconds } };

	snprintf(late_words, sizeof(late_words),
		 "usermm: %.400s: runs for %u s of processor time and does not end\n", path,
		 seconds);
	signal(SIGVTALRM, seconds ? on_late : SIG_DFL);
	setitimer(ITIMER_VIRTUAL, &timer, NULL);
}

/* ---- running -------------------------------------------------------------------------- */

static void open_libraries(lua_State *L)
{
	static const luaL_Reg libraries[] = {
		{ LUA_GNAME, luaopen_base },          { LUA_TABLIBNAME, luaopen_table },
		{ LUA_STRLIBNAME, luaopen_string },   { LUA_MATHLIBNAME, luaopen_math },
		{ LUA_UTF8LIBNAME, luaopen_utf8 },    { LUA_DBLIBNAME, luaopen_debug },
		{ LUA_COLIBNAME, luaopen_coroutine },
	};

	for (size_t i = 0; i < sizeof(libraries) / sizeof(libraries[0]); i++) {
		luaL_requiref(L, libraries[i].name, libraries[i].func, 1);
		lua_pop(L, 1);
	}
}

/* Everything that may raise, called protected. Leaves the file's function on the stack. */
static int run_file(lua_State *L)
{
	struct script *script = lua_touserdata(L, 1);
	const struct scn_file *file = script->file;
	char name[512];

	open_libraries(L);
	api_open(L);
	lua_pushlstring(L, file->text, file->size);
	lua_setglobal(L, "_source");
	lua_pushinteger(L, (lua_Integer)script->session->config.seed);
	lua_setglobal(L, "_seed");
	if (luaL_loadbufferx(L, scn_prelude_start, (size_t)(scn_prelude_end - scn_prelude_start),
			     "=prelude", "t"))
		lua_error(L);
	lua_call(L, 0, 0);
	lua_sethook(L, on_count, LUA_MASKCOUNT, HOOK_EVERY);
	snprintf(name, sizeof(name), "@%s", file->path);
	if (luaL_loadbufferx(L, file->text, file->size, name, "t"))
		lua_error(L);
	lua_call(L, 0, 0);
	return 0;
}

struct script_fiber *script_current_fiber(struct script *script)
{
	int id = umm_sim_self();

	for (unsigned i = 0; id >= 0 && i < script->nr_fibers; i++) {
		if (script->fibers[i].id == id)
			return &script->fibers[i];
	}
	return NULL;
}

static bool idle(void *arg)
{
	struct script *script = arg;

	return script->session->ops->idle && script->session->ops->idle(script->session->backend);
}

struct taken_error {
	char *buf;
	size_t size;
	bool failed;
};

/* Protected: the error may be any value, with any metatable, and memory may be short. */
static int take_error(lua_State *L)
{
	struct taken_error *taken = lua_touserdata(L, 1);
	const char *text;

	taken->failed = lua_type(L, 2) == LUA_TTABLE;
	if (taken->failed) {
		lua_pushliteral(L, "message");
		lua_rawget(L, 2);
	}
	text = lua_tostring(L, -1);
	snprintf(taken->buf, taken->size, "%s",
		 text ? text : "an error that is neither text nor has a message");
	return 0;
}

bool script_take_error(lua_State *L, char *buf, size_t size)
{
	struct taken_error taken = { buf, size, false };

	snprintf(buf, size, "not enough memory");
	lua_pushcfunction(L, take_error);
	lua_pushlightuserdata(L, &taken);
	lua_rotate(L, -3, 2);
	if (lua_pcall(L, 2, 0, 0))
		lua_pop(L, 1);
	return taken.failed;
}

/* The text of an error value; NULL: it is a failure that has a place already. */
static const char *error_text(lua_State *L)
{
	if (lua_type(L, 1) == LUA_TTABLE) {
		lua_pushliteral(L, "message");
		if (lua_rawget(L, 1) == LUA_TSTRING)
			return NULL;
	}
	if (lua_type(L, 1) == LUA_TSTRING || lua_type(L, 1) == LUA_TNUMBER)
		return lua_tostring(L, 1);
	return "an error that is neither text nor has a message";
}

/* Errors of C functions, and of what the prelude was given, are those of the calling line. */
int script_place_error(lua_State *L)
{
	static const char prelude[] = "prelude:";
	const char *path = script_of(L)->file->path, *text = error_text(L);

	if (!text || !strncmp(text, path, strlen(path))) {
		lua_settop(L, 1);
		return 1;
	}
	if (!strncmp(text, prelude, sizeof(prelude) - 1) && strstr(text, ": "))
		text = strstr(text, ": ") + 2;
	lua_pushfstring(L, "%s:%d: %s", path, (int)script_line(L), text);
	return 1;
}

void script_main(struct script *script)
{
	lua_pushcfunction(script->L, script_place_error);
	lua_pushcfunction(script->L, run_file);
	lua_pushlightuserdata(script->L, script);
	script->status = lua_pcall(script->L, 1, 0, 1);
	if (script->status != LUA_OK)
		script->failed = script_take_error(script->L, script->error, sizeof(script->error));
}

/* The first fiber: the scenario itself, then whatever threads it did not join. */
static void main_fiber(void *arg)
{
	struct script *script = arg;

	umm_sim_set_idle(idle, script);
	script_main(script);
	script_join_all(script);
}

/* A thread that failed and was never joined fails the scenario. */
static void judge_threads(struct script *script)
{
	for (unsigned i = 0; i < script->nr_fibers; i++) {
		struct script_fiber *fiber = &script->fibers[i];

		if (fiber->joined || !fiber->error[0])
			continue;
		script->outcome->verdict = fiber->failed ? SCN_FAILED : SCN_BAD_INPUT;
		snprintf(script->outcome->message, sizeof(script->outcome->message), "%s",
			 fiber->error);
		return;
	}
}

void script_judge(struct script *script)
{
	struct scn_outcome *outcome = script->outcome;

	switch (script->ending) {
	case SCN_SKIPPED:
		outcome->verdict = SCN_SKIPPED_HERE;
		break;
	case SCN_BROKEN:
		outcome->verdict = SCN_INTERNAL;
		break;
	case SCN_CONTRADICTS:
		outcome->verdict = SCN_FAILED;
		break;
	case SCN_MISUSED:
	case SCRIPT_RUNAWAY:
		outcome->verdict = SCN_BAD_INPUT;
		break;
	case SCN_STOPPED:
		outcome->verdict = SCN_DIFFERED;
		break;
	}
	if (script->ending) {
		snprintf(outcome->message, sizeof(outcome->message), "%s:%u: %s",
			 script->file->path, script->session->line, script->session->reason);
		return;
	}
	if (script->status == LUA_OK) {
		judge_threads(script);
		return;
	}
	outcome->verdict = script->failed ? SCN_FAILED : SCN_BAD_INPUT;
	/* What has no place of its own, such as an overflow of the parser, gets the file's. */
	if (!strncmp(script->error, script->file->path, strlen(script->file->path)))
		snprintf(outcome->message, sizeof(outcome->message), "%s", script->error);
	else
		snprintf(outcome->message, sizeof(outcome->message), "%s: %s", script->file->path,
			 script->error);
}

struct script *script_new(struct scn_session *session, const struct scn_file *file,
			  struct scn_outcome *outcome)
{
	struct script *script = scn_alloc(sizeof(*script));

	memset(outcome, 0, sizeof(*outcome));
	if (script)
		script->L = lua_newstate(allocate, script);
	if (!script || !script->L) {
		outcome->verdict = SCN_INTERNAL;
		snprintf(outcome->message, sizeof(outcome->message), "out of memory");
		scn_free(script);
		return NULL;
	}
	script->session = session;
	script->file = file;
	script->outcome = outcome;
	*(struct script **)lua_getextraspace(script->L) = script;
	return script;
}

void scn_script_run(struct scn_session *session, const struct scn_file *file,
		    struct scn_outcome *outcome)
{
	struct script *script = script_new(session, file, outcome);
	int ret;

	if (!script)
		return;
	watch_time(file->path, MAX_SECONDS);
	ret = umm_sim_run(session->config.seed, main_fiber, script);
	watch_time(file->path, 0);
	script_judge(script);
	if (ret == -EDEADLK && outcome->verdict == SCN_PASSED) {
		outcome->verdict = SCN_FAILED;
		snprintf(outcome->message, sizeof(outcome->message), "%s: threads are stuck: %s",
			 file->path, umm_sim_report());
	}
	/* Whatever still runs on the way out may do nothing. */
	script->ending = script->ending ? script->ending : SCRIPT_RUNAWAY;
	/* A fiber that is stuck still runs on this state. */
	if (ret != -EDEADLK)
		lua_close(script->L);
	scn_free(ret != -EDEADLK ? script : NULL);
}
