// Opening a state and giving it its host functions.

#include "shim.h"

#include <stdlib.h>

const char shim_key_module, shim_key_context, shim_key_array, shim_key_object, shim_key_error, shim_key_identity,
    shim_key_loaded, shim_key_call, shim_key_denied;

// MARK: opening and closing

static int open_state(lua_State *L)
{
    shim_error_open(L);
    lua_newtable(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &shim_key_context);
    lua_newtable(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &shim_key_loaded);
    lua_newtable(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &shim_key_denied);
    shim_open_libraries(L);
    return 0;
}

int shim_protect(LuaShim *shim, lua_CFunction function, void *argument)
{
    lua_settop(shim->main, 0);
    lua_pushcfunction(shim->main, function);
    lua_pushlightuserdata(shim->main, argument);
    return lua_pcall(shim->main, 1, 0, 0);
}

LuaShim *lua_shim_open(const LuaShimOptions *options, LuaShimHost host, void *context)
{
    LuaShim *shim = calloc(1, sizeof *shim);
    if (!shim) return NULL;
    shim->host = host;
    shim->context = context;
    shim->memory_limit = options->memory_bytes;
    shim->cpu_limit = options->cpu_nanoseconds;
    shim->seed = options->seed;
    shim->out.limit = options->request_bytes;
    shim->in.limit = options->reply_bytes;
    shim->traceback.limit = 64 * 1024;
    shim->main = lua_newstate(shim_allocate, shim);
    if (shim->main) {
        *(LuaShim **)lua_getextraspace(shim->main) = shim;
        if (shim_protect(shim, open_state, NULL) == LUA_OK) return shim;
    }
    lua_shim_close(shim);
    return NULL;
}

void lua_shim_close(LuaShim *shim)
{
    if (shim->main) lua_close(shim->main);
    tape_free(&shim->out);
    tape_free(&shim->in);
    tape_free(&shim->traceback);
    free(shim);
}

// MARK: host functions

typedef struct {
    const char *name;
    uint32_t function;
    const char *code, *message;
} Registration;

// Pushes the table that holds the last part of a dotted name, making it if need be; returns that part.
static const char *push_owner(lua_State *L, const char *name)
{
    const char *dot = strchr(name, '.');
    if (!dot) {
        lua_pushglobaltable(L);
        return name;
    }
    lua_pushlstring(L, name, (size_t)(dot - name));
    if (!strcmp(lua_tostring(L, -1), "ctx")) {
        lua_rawgetp(L, LUA_REGISTRYINDEX, &shim_key_context);
        return dot + 1;
    }
    lua_pushglobaltable(L);
    lua_pushvalue(L, -2);
    if (lua_rawget(L, -2) != LUA_TTABLE) {
        lua_pop(L, 1);
        lua_newtable(L);
        shim_seal(L, -1, lua_tostring(L, -3));
        lua_pushvalue(L, -3);
        lua_pushvalue(L, -2);
        lua_rawset(L, -4);
    }
    return dot + 1;
}

static int register_function(lua_State *L)
{
    const Registration *r = lua_touserdata(L, 1);
    const char *last = push_owner(L, r->name);
    lua_pushstring(L, last);
    lua_pushinteger(L, r->function);
    lua_pushstring(L, r->name);
    lua_pushcclosure(L, shim_host_call, 2);
    if (!strcmp(r->name, "print")) lua_pushcclosure(L, shim_print, 1);
    if (!strcmp(r->name, "require")) lua_pushcclosure(L, shim_require, 1);
    lua_rawset(L, -3);
    return 0;
}

bool lua_shim_register(LuaShim *shim, const char *name, uint32_t function)
{
    Registration r = {.name = name, .function = function};
    return shim_protect(shim, register_function, &r) == LUA_OK;
}

static int deny_function(lua_State *L)
{
    const Registration *r = lua_touserdata(L, 1);
    push_owner(L, r->name);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &shim_key_denied);
    lua_createtable(L, 0, 2);
    lua_pushstring(L, r->code);
    lua_setfield(L, -2, "code");
    lua_pushstring(L, r->message);
    lua_setfield(L, -2, "message");
    lua_setfield(L, -2, r->name);
    return 0;
}

bool lua_shim_deny(LuaShim *shim, const char *name, const char *code, const char *message)
{
    Registration r = {.name = name, .code = code, .message = message};
    return shim_protect(shim, deny_function, &r) == LUA_OK;
}

// MARK: looking at the state

bool lua_shim_reply(LuaShim *shim, const uint8_t *value, size_t count)
{
    shim->in.count = 0;
    return tape_append(&shim->in, value, count);
}

const uint8_t *lua_shim_output(const LuaShim *shim, size_t *count)
{
    *count = shim->out.count;
    return shim->out.bytes;
}

uint32_t lua_shim_waiting(const LuaShim *shim) { return shim->waiting; }

LuaShimFailure lua_shim_failure(const LuaShim *shim)
{
    const char *traceback = shim->traceback.count ? (const char *)shim->traceback.bytes : "";
    return (LuaShimFailure){.kind = shim->kind, .file = shim->file, .line = shim->line, .traceback = traceback};
}

size_t lua_shim_memory_used(const LuaShim *shim) { return shim->memory_used; }

int64_t lua_shim_cpu_used(const LuaShim *shim) { return shim->cpu_used; }

const char *lua_shim_version(void) { return LUA_RELEASE; }
