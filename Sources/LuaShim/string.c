// The string library: the linear functions of the stock one (the allocator and the hook bound them), and our own
// versions of those that can run long without either, or show an address.

#include "shim.h"

static int string_rep(lua_State *L)
{
    size_t length, separator_length;
    const char *text = luaL_checklstring(L, 1, &length);
    lua_Integer count = luaL_checkinteger(L, 2);
    const char *separator = luaL_optlstring(L, 3, "", &separator_length);
    if (count <= 0 || length + separator_length == 0) {
        lua_pushliteral(L, "");
        return 1;
    }
    size_t limit = shim_of(L)->memory_limit;
    if (length + separator_length > limit || (lua_Unsigned)count > limit / (length + separator_length)) {
        return luaL_error(L, "resulting string too large");
    }
    size_t total = (size_t)count * length + (size_t)(count - 1) * separator_length;
    luaL_Buffer buffer;
    char *start = luaL_buffinitsize(L, &buffer, total);
    memcpy(start, text, length);
    if (count > 1) memcpy(start + length, separator, separator_length);
    for (size_t done = length + (count > 1 ? separator_length : 0); done < total;) { // doubles what is there
        shim_check_stop(L);
        size_t more = done < total - done ? done : total - done;
        memcpy(start + done, start, more);
        done += more;
    }
    luaL_pushresultsize(&buffer, total);
    return 1;
}

// The argument that the conversion at `text` takes, converted if the stock format would show an address for it.
static const char *convert(lua_State *L, const char *text, const char *end, int argument)
{
    while (text < end && strchr("-+ #0123456789.", *text) && *text) text++;
    if (text == end) return text;
    if (*text == 'p') luaL_error(L, "format '%%p' would show an address");
    if (*text == 's' && argument <= lua_gettop(L)) {
        shim_tostring(L, argument, NULL);
        lua_replace(L, argument);
    }
    return text + 1;
}

// Upvalue: the stock function.
static int string_format(lua_State *L)
{
    size_t length;
    const char *text = luaL_checklstring(L, 1, &length), *end = text + length;
    int argument = 1;
    while (text < end) {
        if (*text++ != '%') continue;
        if (text < end && *text == '%') {
            text++;
        } else {
            text = convert(L, text, end, ++argument);
        }
    }
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
    return lua_gettop(L);
}

void shim_open_string(lua_State *L)
{
    static const char *const kept[] = {"byte", "char", "len", "lower", "pack", "packsize", "reverse", "sub", "unpack",
        "upper", NULL};
    static const luaL_Reg own[] = {
        {"rep", string_rep},
        {"find", shim_find},
        {"match", shim_match},
        {"gmatch", shim_gmatch},
        {"gsub", shim_gsub},
        {NULL, NULL},
    };
    shim_open_library(L, "string", luaopen_string, kept, own);
    int library = lua_gettop(L);

    lua_pushliteral(L, "");
    lua_getmetatable(L, -1); // made by luaopen_string
    lua_getfield(L, -1, "__index");
    lua_pushliteral(L, "format");
    lua_getfield(L, -2, "format");
    lua_pushcclosure(L, string_format, 1);
    lua_rawset(L, library);
    lua_pop(L, 1);
    lua_pushvalue(L, library);
    lua_setfield(L, -2, "__index");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_settop(L, library);
}
