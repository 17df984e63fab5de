// The compiled form of a source text, for tools that look at code without running it. Nothing here loads bytecode.

#include "shim.h"

typedef struct {
    const uint8_t *source;
    size_t count;
    const char *chunk;
} Dump;

static int append(lua_State *L, const void *bytes, size_t count, void *tape)
{
    (void)L;
    return !tape_append(tape, bytes, count);
}

static int dump(lua_State *L)
{
    const Dump *d = lua_touserdata(L, 1);
    const char *name = lua_pushfstring(L, "@%s", d->chunk);
    if (luaL_loadbufferx(L, (const char *)d->source, d->count, name, "t")) lua_error(L);
    shim_of(L)->out.count = 0;
    if (lua_dump(L, append, &shim_of(L)->out, 0)) return luaL_error(L, "the compiled form is too large");
    return 0;
}

bool lua_shim_dump(LuaShim *shim, const uint8_t *source, size_t count, const char *chunk)
{
    Dump d = {source, count, chunk};
    return shim_protect(shim, dump, &d) == LUA_OK;
}
