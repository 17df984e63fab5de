// Calls from Lua to the host. The Swift function has returned before anything here can raise or yield.

#include "shim.h"

#include <stdlib.h>

char shim_await;

// MARK: error objects

static int error_tostring(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    lua_pushliteral(L, "where");
    lua_rawget(L, 1);
    lua_pushliteral(L, "code");
    lua_rawget(L, 1);
    lua_pushliteral(L, "message");
    lua_rawget(L, 1);
    const char *where = lua_tostring(L, 2), *code = lua_tostring(L, 3), *message = lua_tostring(L, 4);
    lua_pushfstring(L, "%s%s: %s", where ? where : "", code ? code : "error", message ? message : "");
    return 1;
}

void shim_error_open(lua_State *L)
{
    lua_createtable(L, 0, 3);
    lua_pushcfunction(L, error_tostring);
    lua_setfield(L, -2, "__tostring");
    lua_pushliteral(L, "error");
    lua_setfield(L, -2, "__name");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_rawsetp(L, LUA_REGISTRYINDEX, &shim_key_error);
}

// Turns the table on top into an error object that knows the line of the caller.
static void finish_error(lua_State *L, int level)
{
    luaL_where(L, level);
    lua_setfield(L, -2, "where");
    lua_rawgetp(L, LUA_REGISTRYINDEX, &shim_key_error);
    lua_setmetatable(L, -2);
}

// MARK: host calls

static int deliver(lua_State *L, LuaShimReply reply)
{
    LuaShim *shim = shim_of(L);
    if (reply == LUA_SHIM_REPLY_STOP && !shim->stop) shim->stop = LUA_SHIM_ERROR_HOST;
    if (shim->stop) shim_raise_stop(L);
    shim_decode(L, shim->in.bytes, shim->in.count);
    if (reply == LUA_SHIM_REPLY_VALUE) return 1;
    if (lua_istable(L, -1)) finish_error(L, 1);
    return lua_error(L);
}

_Noreturn static void refuse_to_wait(lua_State *L, const char *name)
{
    luaL_error(L,
        "%s waits for the host and cannot be used in a sort comparator, a gsub callback, __tostring, an error handler "
        "or while a library function calls back", name);
    abort(); // not reached: luaL_error does not return
}

static int host_continue(lua_State *L, int status, lua_KContext context)
{
    (void)status;
    LuaShim *shim = shim_of(L);
    if (context != shim->wait) return luaL_error(L, "this host call was cancelled");
    if (shim->reply == LUA_SHIM_REPLY_LATER) refuse_to_wait(L, lua_tostring(L, lua_upvalueindex(2))); // see coroutine.c
    return deliver(L, shim->reply);
}

static LuaShimReply ask_about(lua_State *L, uint32_t function)
{
    static const uint8_t nothing[] = {LUA_TAPE_ARRAY, 0, 0, 0, 0};
    LuaShim *shim = shim_of(L);
    shim_check_stop(L);
    shim->in.count = 0;
    return shim->host(shim->context, function, nothing, sizeof nothing);
}

void shim_push_value(lua_State *L, uint32_t function) { deliver(L, ask_about(L, function)); }

// Asks the host for the error that stands in the place of a function.
int shim_raise_denied(lua_State *L, uint32_t function)
{
    LuaShimReply reply = ask_about(L, function);
    deliver(L, reply == LUA_SHIM_REPLY_STOP ? reply : LUA_SHIM_REPLY_ERROR);
    return lua_error(L); // not reached: delivering an error raises it
}

// Upvalues: the function's number, its name.
int shim_host_call(lua_State *L)
{
    LuaShim *shim = shim_of(L);
    uint32_t function = (uint32_t)lua_tointeger(L, lua_upvalueindex(1));
    const char *name = lua_tostring(L, lua_upvalueindex(2));
    if (shim->stop) shim_raise_stop(L);
    shim_encode_arguments(L, name);
    shim->in.count = 0;
    LuaShimReply reply = shim->host(shim->context, function, shim->out.bytes, shim->out.count);
    lua_settop(L, 0);
    if (reply != LUA_SHIM_REPLY_LATER) return deliver(L, reply);
    if (!lua_isyieldable(L)) refuse_to_wait(L, name);
    shim->waiting = function;
    lua_pushlightuserdata(L, &shim_await);
    return lua_yieldk(L, 1, ++shim->wait, host_continue);
}

// Upvalue: the host function "print", which gets one string.
int shim_print(lua_State *L)
{
    int count = lua_gettop(L);
    luaL_Buffer text;
    luaL_buffinit(L, &text);
    for (int i = 1; i <= count; i++) {
        if (i > 1) luaL_addchar(&text, '\t');
        shim_tostring(L, i, NULL);
        luaL_addvalue(&text);
    }
    luaL_pushresult(&text);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, -2);
    lua_call(L, 1, 0);
    return 0;
}

// MARK: require

// Stack: name, modules, [source object], the module's result.
static int finish_require(lua_State *L, int status, lua_KContext context)
{
    (void)status, (void)context;
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        lua_pushboolean(L, 1);
    }
    lua_pushvalue(L, 1);
    lua_pushvalue(L, -2);
    lua_rawset(L, 2);
    return 1;
}

// Upvalue: the host function "require", which answers a name with {chunk, source}. A module runs once.
int shim_require(lua_State *L)
{
    luaL_checkstring(L, 1);
    lua_settop(L, 1);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &shim_key_loaded);
    lua_pushvalue(L, 1);
    lua_rawget(L, 2);
    if (lua_islightuserdata(L, 3)) {
        return luaL_error(L, "module '%s' requires itself, or has failed before", lua_tostring(L, 1));
    }
    if (!lua_isnil(L, 3)) return 1;
    lua_pop(L, 1);

    lua_pushvalue(L, lua_upvalueindex(1));
    lua_pushvalue(L, 1);
    lua_call(L, 1, 1);
    size_t length = 0;
    lua_getfield(L, 3, "source");
    const char *source = luaL_checklstring(L, -1, &length);
    lua_getfield(L, 3, "chunk");
    const char *chunk = luaL_checkstring(L, -1);
    lua_pushvalue(L, 1);
    lua_pushlightuserdata(L, &shim_await); // marks a module being loaded
    lua_rawset(L, 2);
    if (luaL_loadbufferx(L, source, length, lua_pushfstring(L, "@%s", chunk), "t")) return lua_error(L);
    lua_replace(L, 3);
    lua_settop(L, 3);
    lua_callk(L, 0, 1, 0, finish_require);
    return finish_require(L, LUA_OK, 0);
}
