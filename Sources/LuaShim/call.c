// The entry points for Swift that run Lua. Everything that may raise runs below lua_pcall or lua_resume; what stands
// outside them is limited to calls that the manual marks as never raising.

#include "shim.h"

#include <stdio.h>

// MARK: results and failures

static int encode_top(lua_State *L) // what the value is called, the value
{
    shim_encode(L, 2, lua_touserdata(L, 1));
    return 0;
}

// Moves the value on top of `from` to the out tape. When it cannot cross, false, and the reason is on the main stack.
static bool encode_result(LuaShim *shim, lua_State *from, const char *what)
{
    lua_State *main = shim->main;
    if (from != main) {
        lua_settop(main, 0);
        lua_xmove(from, main, 1);
    }
    lua_pushcfunction(main, encode_top);
    lua_insert(main, -2);
    lua_pushlightuserdata(main, (void *)what);
    lua_insert(main, -2);
    return lua_pcall(main, 2, 0, 0) == LUA_OK;
}

static void put_text(LuaShim *shim, const char *text)
{
    uint8_t tag = LUA_TAPE_BYTES;
    uint32_t length = (uint32_t)strlen(text);
    shim->out.count = 0;
    tape_append(&shim->out, &tag, 1);
    tape_append(&shim->out, &length, sizeof length);
    tape_append(&shim->out, text, length);
}

static LuaShimStatus fail(LuaShim *shim, LuaShimErrorKind kind, const char *message)
{
    shim->kind = kind;
    put_text(shim, message);
    return LUA_SHIM_FAILED;
}

// An error value is converted by its type; its own __tostring must not run any more.
static LuaShimStatus fail_with_value(LuaShim *shim, LuaShimErrorKind kind, lua_State *from)
{
    shim->kind = kind;
    int type = lua_type(from, -1);
    bool data = type == LUA_TSTRING || type == LUA_TTABLE || type == LUA_TNUMBER || type == LUA_TBOOLEAN;
    if (data && encode_result(shim, from, "error value")) return LUA_SHIM_FAILED;
    char text[100];
    const char *name = lua_typename(shim->main, type);
    snprintf(text, sizeof text, "(the error object is a %s value that cannot be shown)", name);
    return fail(shim, kind, text);
}

// Of a function run by shim_protect.
static LuaShimStatus fail_protected(LuaShim *shim, int status, LuaShimErrorKind kind)
{
    if (status == LUA_ERRMEM) return fail(shim, LUA_SHIM_ERROR_MEMORY, "the memory is used up");
    return fail_with_value(shim, kind, shim->main);
}

static LuaShimStatus fail_stopped(LuaShim *shim)
{
    LuaShimErrorKind kind = (LuaShimErrorKind)shim->stop;
    shim->stop = 0; // the allocator must serve the traceback
    const char *message = kind == LUA_SHIM_ERROR_CPU ? "the CPU time is used up"
        : kind == LUA_SHIM_ERROR_MEMORY              ? "the memory is used up"
                                                     : "the host ended the call";
    return fail(shim, kind, message);
}

static int append_traceback(lua_State *L)
{
    luaL_traceback(L, lua_touserdata(L, 1), NULL, 0);
    size_t length;
    const char *text = lua_tolstring(L, -1, &length);
    tape_append(&shim_of(L)->traceback, text, length + 1);
    return 0;
}

void shim_note_position(LuaShim *shim, lua_State *L)
{
    lua_Debug frame;
    for (int level = 0; !shim->line && lua_getstack(L, level, &frame); level++) {
        lua_getinfo(L, "Sl", &frame);
        if (frame.currentline <= 0) continue;
        memcpy(shim->file, frame.short_src, sizeof shim->file);
        shim->line = frame.currentline;
    }
}

// The coroutine is dropped, not closed: after a stop its __close handlers have no right to run.
static void forget_call(LuaShim *shim)
{
    lua_State *main = shim->main;
    shim->call = NULL;
    shim->suspended = false;
    shim->wait++; // a coroutine that still waits for a host call has waited in vain
    lua_settop(main, 0);
    lua_pushnil(main);
    lua_rawsetp(main, LUA_REGISTRYINDEX, &shim_key_call); // storing nil takes no memory
}

// The plugin's __close handlers of a call that failed by itself; they run on the rest of its time.
static void close_call(LuaShim *shim)
{
    if (!shim_enter(shim)) return;
    shim->running = shim->call;
    shim_arm_hook(shim->call);
    lua_resetthread(shim->call);
    shim_leave(shim);
}

static LuaShimStatus fail_call(LuaShim *shim, int status)
{
    lua_State *call = shim->call;
    if (status == LUA_ERRMEM && !shim->stop) shim->stop = LUA_SHIM_ERROR_MEMORY;
    shim_note_position(shim, call);
    lua_sethook(call, NULL, 0, 0);
    bool stopped = shim->stop;
    LuaShimStatus result = stopped ? fail_stopped(shim) : fail_with_value(shim, LUA_SHIM_ERROR_RUNTIME, call);
    shim_protect(shim, append_traceback, call);
    if (!stopped) {
        close_call(shim);
        if (shim->stop) result = fail_stopped(shim);
    }
    forget_call(shim);
    return result;
}

// MARK: running

static int keep_module(lua_State *L)
{
    lua_xmove(shim_of(L)->call, L, 1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &shim_key_module);
    return 0;
}

static LuaShimStatus finish_load(LuaShim *shim)
{
    if (!lua_istable(shim->call, -1)) return fail(shim, LUA_SHIM_ERROR_VALUE, "the file does not return a table");
    int status = shim_protect(shim, keep_module, NULL);
    if (status != LUA_OK) return fail_protected(shim, status, LUA_SHIM_ERROR_RUNTIME);
    shim->out.count = 0;
    return LUA_SHIM_DONE;
}

static LuaShimStatus run(LuaShim *shim, int arguments)
{
    int results = 0;
    if (!shim_enter(shim)) {
        forget_call(shim);
        return fail(
            shim, LUA_SHIM_ERROR_TIMER, "this thread can have no CPU timer, so the time limit could not be kept");
    }
    shim->running = shim->call;
    shim_arm_hook(shim->call);
    int status = lua_resume(shim->call, shim->main, arguments, &results);
    shim_leave(shim);
    if (shim->stop || (status != LUA_OK && status != LUA_YIELD)) return fail_call(shim, status);
    if (status == LUA_YIELD) { // for a host call: the plugin's own yield refuses to yield from here
        shim->suspended = true;
        lua_pop(shim->call, results);
        return LUA_SHIM_WAITING;
    }
    shim->suspended = false;
    if (!results) lua_pushnil(shim->call); // the stack had room for the function
    if (results > 1) lua_pop(shim->call, results - 1);
    if (shim->loading) return finish_load(shim);
    if (encode_result(shim, shim->call, "result")) return LUA_SHIM_DONE;
    return fail_with_value(shim, shim->oversized ? LUA_SHIM_ERROR_SIZE : LUA_SHIM_ERROR_VALUE, shim->main);
}

static void begin(LuaShim *shim, bool loading)
{
    if (shim->suspended) forget_call(shim);
    shim->loading = loading;
    shim->stop = 0;
    shim->cpu_used = 0;
    shim->line = 0;
    shim->file[0] = '\0';
    shim->traceback.count = 0;
    shim->close_depth = 0;
}

// The coroutine of the last call serves again when that call ended well.
static lua_State *call_thread(lua_State *L)
{
    LuaShim *shim = shim_of(L);
    if (!shim->call) {
        lua_State *thread = lua_newthread(L);
        lua_rawsetp(L, LUA_REGISTRYINDEX, &shim_key_call);
        shim->call = thread;
    }
    lua_settop(shim->call, 0);
    return shim->call;
}

// MARK: load

typedef struct {
    const uint8_t *source;
    size_t count;
    const char *chunk;
} Load;

static void push_chunk(lua_State *L, const Load *load)
{
    const char *name = lua_pushfstring(L, "@%s", load->chunk);
    if (luaL_loadbufferx(L, (const char *)load->source, load->count, name, "t")) lua_error(L);
}

static int prepare_load(lua_State *L)
{
    push_chunk(L, lua_touserdata(L, 1));
    lua_xmove(L, call_thread(L), 1);
    return 0;
}

LuaShimStatus lua_shim_load(LuaShim *shim, const uint8_t *source, size_t count, const char *chunk)
{
    begin(shim, true);
    Load load = {source, count, chunk};
    int status = shim_protect(shim, prepare_load, &load);
    if (status != LUA_OK) return fail_protected(shim, status, LUA_SHIM_ERROR_SYNTAX);
    return run(shim, 0);
}

static int parse(lua_State *L)
{
    push_chunk(L, lua_touserdata(L, 1));
    return 0;
}

LuaShimStatus lua_shim_check(LuaShim *shim, const uint8_t *source, size_t count, const char *chunk)
{
    begin(shim, false);
    shim->out.count = 0;
    Load load = {source, count, chunk};
    int status = shim_protect(shim, parse, &load);
    return status == LUA_OK ? LUA_SHIM_DONE : fail_protected(shim, status, LUA_SHIM_ERROR_SYNTAX);
}

// MARK: call

typedef struct {
    const char *function;
    const uint8_t *arguments;
    size_t count;
    bool context;
    int pushed;
    bool missing;
} Call;

static void add_context_functions(lua_State *L)
{
    luaL_checktype(L, -1, LUA_TTABLE);
    shim_push_context_functions(L);
    lua_pushnil(L);
    while (lua_next(L, -2)) {
        lua_pushvalue(L, -2);
        lua_insert(L, -2);
        lua_rawset(L, -5);
    }
    lua_pop(L, 1);
}

static int prepare_call(lua_State *L)
{
    Call *call = lua_touserdata(L, 1);
    lua_settop(L, 0);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &shim_key_module);
    call->missing = true;
    if (!lua_istable(L, 1)) return luaL_error(L, "nothing is loaded");
    lua_pushstring(L, call->function);
    if (lua_rawget(L, 1) != LUA_TFUNCTION) return luaL_error(L, "there is no function '%s'", call->function);
    call->missing = false;
    call->pushed = shim_decode_arguments(L, call->arguments, call->count);
    if (call->context) add_context_functions(L);
    lua_State *thread = call_thread(L);
    luaL_checkstack(thread, call->pushed + 1, "too many arguments");
    lua_xmove(L, thread, call->pushed + 1);
    return 0;
}

LuaShimStatus lua_shim_call(LuaShim *shim, const char *function, const uint8_t *arguments, size_t count, bool context)
{
    begin(shim, false);
    Call call = {.function = function, .arguments = arguments, .count = count, .context = context};
    int status = shim_protect(shim, prepare_call, &call);
    if (status != LUA_OK) {
        return fail_protected(shim, status, call.missing ? LUA_SHIM_ERROR_MISSING : LUA_SHIM_ERROR_VALUE);
    }
    return run(shim, call.pushed);
}

LuaShimStatus lua_shim_resume(LuaShim *shim, LuaShimReply reply)
{
    if (!shim->suspended) return fail(shim, LUA_SHIM_ERROR_RUNTIME, "no call is suspended");
    shim->reply = reply;
    return run(shim, 0);
}

void lua_shim_cancel(LuaShim *shim)
{
    if (shim->suspended) forget_call(shim);
}

// MARK: values

static int push_member(lua_State *L)
{
    const char *member = lua_touserdata(L, 1);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &shim_key_module);
    if (!lua_istable(L, -1)) return luaL_error(L, "nothing is loaded");
    lua_pushstring(L, member);
    lua_rawget(L, -2);
    shim_encode(L, lua_gettop(L), member);
    return 0;
}

LuaShimStatus lua_shim_value(LuaShim *shim, const char *member)
{
    begin(shim, false);
    int status = shim_protect(shim, push_member, (void *)member);
    if (status == LUA_OK) return LUA_SHIM_DONE;
    return fail_protected(shim, status, shim->oversized ? LUA_SHIM_ERROR_SIZE : LUA_SHIM_ERROR_VALUE);
}

typedef struct {
    const char *member;
    bool found;
} Look;

static int look_for_function(lua_State *L)
{
    Look *look = lua_touserdata(L, 1);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &shim_key_module);
    if (!lua_istable(L, -1)) return 0;
    lua_pushstring(L, look->member);
    look->found = lua_rawget(L, -2) == LUA_TFUNCTION;
    return 0;
}

bool lua_shim_has_function(LuaShim *shim, const char *member)
{
    Look look = {.member = member};
    shim_protect(shim, look_for_function, &look);
    return look.found;
}

typedef struct {
    const uint8_t *value;
    size_t count;
} Echo;

static int echo(lua_State *L)
{
    Echo *tape = lua_touserdata(L, 1);
    shim_decode(L, tape->value, tape->count);
    shim_encode(L, lua_gettop(L), "value");
    return 0;
}

LuaShimStatus lua_shim_echo(LuaShim *shim, const uint8_t *value, size_t count)
{
    begin(shim, false);
    Echo tape = {value, count};
    int status = shim_protect(shim, echo, &tape);
    return status == LUA_OK ? LUA_SHIM_DONE : fail_protected(shim, status, LUA_SHIM_ERROR_VALUE);
}
