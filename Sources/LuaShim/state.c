// Opening a state, naming its host functions, looking at it.

#include "shim.h"

#include <stdlib.h>

const char shim_key_module, shim_key_context, shim_key_array, shim_key_object, shim_key_error, shim_key_identity,
    shim_key_loaded, shim_key_call;

// MARK: opening and closing

static int open_state(lua_State *L)
{
    shim_error_open(L);
    lua_newtable(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &shim_key_loaded);
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
    for (uint32_t i = 0; i < shim->function_count; i++) free(shim->functions[i].name);
    free(shim->functions);
    free(shim);
}

// MARK: host functions

bool lua_shim_register(LuaShim *shim, const char *name, uint32_t number, LuaShimName kind)
{
    if (shim->function_count == shim->function_capacity) {
        uint32_t capacity = shim->function_capacity ? 2 * shim->function_capacity : 64;
        HostFunction *grown = realloc(shim->functions, capacity * sizeof *grown);
        if (!grown) return false;
        shim->functions = grown;
        shim->function_capacity = capacity;
    }
    char *copy = strdup(name);
    if (!copy) return false;
    shim->functions[shim->function_count++] = (HostFunction){copy, number, kind};
    return true;
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
