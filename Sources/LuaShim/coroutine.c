// Coroutines through which a host call can wait, which never swallow a fatal stop, and whose closing cannot exhaust the
// C stack (Lua 5.4.4 crashes on long chains of coroutine.close).

#include "shim.h"

// Each level may use the full C stack allowance of the interpreter (about 400 KB).
enum { CLOSE_DEPTH = 8 };

static lua_State *check_thread(lua_State *L)
{
    lua_State *co = lua_tothread(L, 1);
    luaL_argexpected(L, co, 1, "coroutine");
    return co;
}

static bool waits_for_host(lua_State *co, int status, int results)
{
    return status == LUA_YIELD && results == 1 && lua_touserdata(co, -1) == &shim_await;
}

// Runs `co` until it ends, yields to the plugin, or waits for the host while L can wait too.
static int run(lua_State *L, lua_State *co, int arguments, int *results)
{
    LuaShim *shim = shim_of(L);
    for (;;) {
        shim->running = co;
        shim_arm_hook(co);
        int status = lua_resume(co, L, arguments, results);
        shim->running = L;
        if (!waits_for_host(co, status, *results) || lua_isyieldable(L)) return status;
        // Something between L and the call's own coroutine cannot yield: the host call fails where it stands.
        lua_pop(co, *results);
        arguments = 0;
        shim->reply = LUA_SHIM_REPLY_LATER;
    }
}

static int finish_resume(lua_State *L, int status, lua_KContext wraps);

// After a run: moves results or error to L. Returns their number, -1 for an error (one value), or does not return when
// the host call inside `co` waits: then L yields too, and finish_resume goes on.
static int settle(lua_State *L, lua_State *co, int status, int results, lua_KContext wraps)
{
    if (waits_for_host(co, status, results)) {
        lua_pop(co, results);
        lua_pushlightuserdata(L, &shim_await);
        return lua_yieldk(L, 1, wraps, finish_resume);
    }
    if (status != LUA_OK && status != LUA_YIELD) {
        shim_pass_fatal(L, status);
        lua_xmove(co, L, 1);
        return -1;
    }
    shim_check_stop(L);
    if (!lua_checkstack(L, results + 1)) {
        lua_pop(co, results);
        lua_pushliteral(L, "too many results to resume");
        return -1;
    }
    lua_xmove(co, L, results);
    return results;
}

static int close_thread(lua_State *L, lua_State *co);

static int answer_resume(lua_State *L, int count)
{
    lua_pushboolean(L, count >= 0);
    lua_insert(L, -(count < 0 ? 1 : count) - 1);
    return (count < 0 ? 1 : count) + 1;
}

// An error passes on to the caller; a string gets the position, as in stock Lua.
static int answer_wrap(lua_State *L, lua_State *co, int count)
{
    if (count >= 0) return count;
    int status = lua_status(co);
    if (status != LUA_OK && status != LUA_YIELD) {
        lua_pushvalue(L, -1);
        lua_xmove(L, co, 1); // closing reports the error that is on top
        if (close_thread(L, co) != LUA_OK) lua_xmove(co, L, 1);
    }
    if (lua_type(L, -1) == LUA_TSTRING) {
        luaL_where(L, 1);
        lua_insert(L, -2);
        lua_concat(L, 2);
    }
    return lua_error(L);
}

static int finish(lua_State *L, lua_State *co, int count, lua_KContext wraps)
{
    return wraps ? answer_wrap(L, co, count) : answer_resume(L, count);
}

// The coroutine is the first upvalue of a wrap, the first argument of a resume.
static lua_State *subject(lua_State *L, lua_KContext wraps)
{
    return lua_tothread(L, wraps ? lua_upvalueindex(1) : 1);
}

static int finish_resume(lua_State *L, int status, lua_KContext wraps)
{
    (void)status;
    lua_State *co = subject(L, wraps);
    int results = 0;
    lua_settop(L, wraps ? 0 : 1);
    int outcome = run(L, co, 0, &results);
    return finish(L, co, settle(L, co, outcome, results, wraps), wraps);
}

static int resume(lua_State *L, lua_State *co, int arguments, lua_KContext wraps)
{
    int results = 0;
    if (!lua_checkstack(co, arguments)) {
        lua_pushliteral(L, "too many arguments to resume");
        return finish(L, co, -1, wraps);
    }
    lua_xmove(L, co, arguments);
    int status = run(L, co, arguments, &results);
    return finish(L, co, settle(L, co, status, results, wraps), wraps);
}

static int coroutine_resume(lua_State *L)
{
    lua_State *co = check_thread(L);
    return resume(L, co, lua_gettop(L) - 1, 0);
}

static int call_wrapped(lua_State *L)
{
    return resume(L, subject(L, 1), lua_gettop(L), 1);
}

static int coroutine_wrap(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_State *co = lua_newthread(L);
    lua_pushvalue(L, 1);
    lua_xmove(L, co, 1);
    lua_pushcclosure(L, call_wrapped, 1);
    return 1;
}

static int coroutine_yield(lua_State *L)
{
    if (L == shim_of(L)->call) return luaL_error(L, "attempt to yield outside a coroutine");
    return lua_yield(L, lua_gettop(L));
}

// MARK: closing

// The hook of `co` is armed while its __close handlers run.
static int close_thread(lua_State *L, lua_State *co)
{
    LuaShim *shim = shim_of(L);
    if (shim->close_depth >= CLOSE_DEPTH) luaL_error(L, "too many nested coroutine.close");
    shim->close_depth++;
    shim->running = co;
    shim_arm_hook(co);
    int status = lua_resetthread(co);
    shim->running = L;
    shim->close_depth--;
    if (status != LUA_OK) shim_pass_fatal(L, status);
    shim_check_stop(L);
    return status;
}

static bool can_close(lua_State *L, lua_State *co)
{
    lua_Debug frame;
    if (co == L) return false;
    switch (lua_status(co)) {
    case LUA_YIELD: return true;
    case LUA_OK: return !lua_getstack(co, 0, &frame); // dead or not started; otherwise it has resumed somebody
    default: return true;
    }
}

static int coroutine_close(lua_State *L)
{
    lua_State *co = check_thread(L);
    if (!can_close(L, co)) return luaL_error(L, "cannot close a running coroutine");
    if (close_thread(L, co) == LUA_OK) {
        lua_pushboolean(L, 1);
        return 1;
    }
    lua_pushboolean(L, 0);
    lua_xmove(co, L, 1);
    return 2;
}

void shim_open_coroutine(lua_State *L)
{
    static const char *const kept[] = {"create", "isyieldable", "running", "status", NULL};
    static const luaL_Reg own[] = {
        {"resume", coroutine_resume},
        {"wrap", coroutine_wrap},
        {"yield", coroutine_yield},
        {"close", coroutine_close},
        {NULL, NULL},
    };
    shim_open_library(L, "coroutine", luaopen_coroutine, kept, own);
}
