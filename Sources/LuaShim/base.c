// The global names of a plugin, built from an empty table: what stands in no list here does not exist.

#include "shim.h"

#include <stdlib.h>

// MARK: protected calls that let a fatal stop pass

static int finish_pcall(lua_State *L, int status, lua_KContext skipped)
{
    if (status != LUA_OK && status != LUA_YIELD) {
        shim_pass_fatal(L, status);
        lua_pushboolean(L, 0);
        lua_pushvalue(L, -2);
        return 2;
    }
    shim_check_stop(L);
    return lua_gettop(L) - (int)skipped;
}

static int base_pcall(lua_State *L)
{
    luaL_checkany(L, 1);
    lua_pushboolean(L, 1); // first result when there is no error
    lua_insert(L, 1);
    int status = lua_pcallk(L, lua_gettop(L) - 2, LUA_MULTRET, 0, 0, finish_pcall);
    return finish_pcall(L, status, 0);
}

// Upvalue: the plugin's handler. An error raised by the hook runs it with hooks off, so it must not see a fatal stop.
static int guarded_handler(lua_State *L)
{
    if (shim_of(L)->stop) return 1;
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, lua_gettop(L) - 1, 1);
    return 1;
}

static int base_xpcall(lua_State *L)
{
    int count = lua_gettop(L);
    luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_pushvalue(L, 2);
    lua_pushcclosure(L, guarded_handler, 1);
    lua_replace(L, 2);
    lua_pushboolean(L, 1); // first result
    lua_pushvalue(L, 1); // function
    lua_rotate(L, 3, 2); // below the arguments
    int status = lua_pcallk(L, count - 2, LUA_MULTRET, 2, 2, finish_pcall);
    return finish_pcall(L, status, 2);
}

// MARK: text of values, without addresses

// "table#3": a number given at the first look, in an ephemeron table of the registry.
static void push_identity(lua_State *L, int index)
{
    LuaShim *shim = shim_of(L);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &shim_key_identity);
    lua_pushvalue(L, index);
    if (lua_rawget(L, -2) != LUA_TNUMBER) {
        lua_pop(L, 1);
        lua_pushvalue(L, index);
        lua_pushinteger(L, ++shim->next_identity);
        lua_rawset(L, -3);
        lua_pushinteger(L, shim->next_identity);
    }
    lua_remove(L, -2);
}

const char *shim_tostring(lua_State *L, int index, size_t *length)
{
    index = lua_absindex(L, index);
    if (luaL_callmeta(L, index, "__tostring")) {
        if (!lua_isstring(L, -1)) luaL_error(L, "'__tostring' must return a string");
        return lua_tolstring(L, -1, length);
    }
    switch (lua_type(L, index)) {
    case LUA_TNIL:
    case LUA_TBOOLEAN:
    case LUA_TNUMBER:
    case LUA_TSTRING: return luaL_tolstring(L, index, length);
    case LUA_TLIGHTUSERDATA: lua_pushliteral(L, "null"); break;
    default:
        if (luaL_getmetafield(L, index, "__name") == LUA_TNIL) lua_pushnil(L);
        push_identity(L, index);
        lua_pushfstring(L, "%s#%I", lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : luaL_typename(L, index),
            (LUAI_UACINT)lua_tointeger(L, -1));
        lua_replace(L, -3);
        lua_pop(L, 1);
    }
    return lua_tolstring(L, -1, length);
}

static int base_tostring(lua_State *L)
{
    luaL_checkany(L, 1);
    shim_tostring(L, 1, NULL);
    return 1;
}

// MARK: metatables

static int base_setmetatable(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_argexpected(L, lua_isnoneornil(L, 2) || lua_istable(L, 2), 2, "nil or table");
    if (luaL_getmetafield(L, 1, "__metatable") != LUA_TNIL) return luaL_error(L, "cannot change a protected metatable");
    if (lua_istable(L, 2)) {
        static const char *const refused[] = {"__gc", "__mode"};
        for (int i = 0; i < 2; i++) {
            lua_pushstring(L, refused[i]);
            if (lua_rawget(L, 2) != LUA_TNIL) {
                return luaL_error(L, "%s is not available to plugins: it would depend on the garbage collector",
                    refused[i]);
            }
            lua_pop(L, 1);
        }
    }
    lua_settop(L, 2);
    lua_setmetatable(L, 1);
    return 1;
}

static int base_getmetatable(lua_State *L)
{
    luaL_checkany(L, 1);
    if (!lua_getmetatable(L, 1)) return 0;
    luaL_getmetafield(L, 1, "__metatable"); // leaves nothing when there is none
    return 1;
}

static int base_collectgarbage(lua_State *L)
{
    const char *option = luaL_optstring(L, 1, "collect");
    if (strcmp(option, "count")) return luaL_error(L, "collectgarbage can only \"count\" here");
    lua_pushnumber(L, (double)shim_of(L)->memory_used / 1024);
    return 1;
}

// MARK: unknown names

enum { NAME_MAXIMUM = 32 };

static size_t edit_distance(const char *a, size_t n, const char *b, size_t m)
{
    size_t row[NAME_MAXIMUM + 1];
    for (size_t j = 0; j <= m; j++) row[j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t best = diagonal + (a[i - 1] != b[j - 1]);
            if (row[j] + 1 < best) best = row[j] + 1;
            if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
            diagonal = row[j];
            row[j] = best;
        }
    }
    return row[m];
}

// Pushes the key of the table at 1 that is most like `name` (the first by bytes among equals), or nothing.
static bool push_similar(lua_State *L, const char *name, size_t length)
{
    if (length > NAME_MAXIMUM || length < 2) return false;
    size_t best = length / 3 + 2; // worse is no help
    const char *found = NULL;
    lua_pushnil(L);
    while (lua_next(L, 1)) {
        lua_pop(L, 1);
        if (lua_type(L, -1) != LUA_TSTRING) continue;
        size_t n;
        const char *key = lua_tolstring(L, -1, &n);
        if (n > NAME_MAXIMUM) continue;
        size_t distance = edit_distance(name, length, key, n);
        if (distance > best || (distance == best && (!found || strcmp(key, found) >= 0))) continue;
        best = distance;
        found = key;
    }
    if (found) lua_pushstring(L, found);
    return found;
}

static const struct {
    const char *name, *advice;
} gone[] = {
    {"os", "clock.now() tells the time; programs run through ws.exec"},
    {"io", "ws.read and ws.write reach the files of the workspace"},
    {"load", "code is loaded with require, from the plugin's folder"},
    {"loadstring", "code is loaded with require, from the plugin's folder"},
    {"dofile", "code is loaded with require, from the plugin's folder"},
    {"package", "code is loaded with require, from the plugin's folder"},
    {"debug", "error objects and the record carry the traceback"},
    {"unpack", "it is table.unpack"},
    {"_G", "use a local table"},
    {"math.randomseed", "the run gives the seed"},
    {"string.dump", "bytecode cannot be loaded"},
};

// The name of the sealed table at 1, "" for the globals.
static const char *push_owner(lua_State *L)
{
    luaL_getmetafield(L, 1, "__name");
    return lua_tostring(L, -1);
}

static int unknown_name(lua_State *L)
{
    if (lua_type(L, 2) != LUA_TSTRING) return 0;
    const char *owner = push_owner(L);
    size_t length;
    const char *key = lua_tolstring(L, 2, &length);
    const char *name = *owner ? lua_pushfstring(L, "%s.%s", owner, key) : key;

    if (strlen(key) == length && shim_add_name(L, owner, key)) {
        lua_pushvalue(L, 2);
        lua_rawget(L, 1);
        return 1;
    }
    for (size_t i = 0; i < sizeof gone / sizeof *gone; i++) {
        if (!strcmp(gone[i].name, name)) {
            return luaL_error(L, "'%s' is not available to plugins; %s", name, gone[i].advice);
        }
    }
    shim_add_all_names(L, owner);
    if (push_similar(L, key, length)) {
        return luaL_error(L, "unknown name '%s'; did you mean '%s%s%s'?", name, owner, *owner ? "." : "",
            lua_tostring(L, -1));
    }
    return luaL_error(L, "unknown name '%s'", name);
}

static int new_name(lua_State *L)
{
    const char *owner = push_owner(L);
    const char *key = shim_tostring(L, 2, NULL);
    if (*owner) return luaL_error(L, "cannot add '%s' to '%s'", key, owner);
    return luaL_error(L, "cannot set the global '%s'; write 'local %s'", key, key);
}

const char *shim_sealed_name(lua_State *L, int index)
{
    const char *name = NULL;
    if (luaL_getmetafield(L, index, "__index") == LUA_TNIL) return NULL;
    if (lua_tocfunction(L, -1) == unknown_name && luaL_getmetafield(L, index, "__name") == LUA_TSTRING) {
        name = lua_tostring(L, -1); // held by the metatable
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    return name;
}

void shim_seal(lua_State *L, int index, const char *name)
{
    index = lua_absindex(L, index);
    lua_createtable(L, 0, 4);
    lua_pushstring(L, name);
    lua_setfield(L, -2, "__name");
    lua_pushcfunction(L, unknown_name);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, new_name);
    lua_setfield(L, -2, "__newindex");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_setmetatable(L, index);
}

// MARK: opening

static const char *const kept[] = {"assert", "error", "ipairs", "rawequal", "rawget", "rawlen", "rawset", "select",
    "tonumber", "type", NULL};

static const luaL_Reg own[] = {
    {"pcall", base_pcall},
    {"xpcall", base_xpcall},
    {"tostring", base_tostring},
    {"setmetatable", base_setmetatable},
    {"getmetatable", base_getmetatable},
    {"collectgarbage", base_collectgarbage},
    {"pairs", shim_pairs},
    {"next", shim_next},
    {NULL, NULL},
};

static void copy_names(lua_State *L, int from, int to, const char *const *names)
{
    from = lua_absindex(L, from);
    to = lua_absindex(L, to);
    for (; *names; names++) {
        lua_getfield(L, from, *names);
        lua_setfield(L, to, *names);
    }
}

void shim_open_library(
    lua_State *L, const char *name, lua_CFunction opener, const char *const *names, const luaL_Reg *added)
{
    if (opener) {
        lua_pushcfunction(L, opener);
        lua_call(L, 0, 1);
    } else {
        lua_newtable(L);
    }
    lua_newtable(L);
    if (names) copy_names(L, -2, -1, names);
    luaL_setfuncs(L, added, 0);
    shim_seal(L, -1, name);
    lua_pushstring(L, name);
    lua_pushvalue(L, -2);
    lua_rawset(L, 1); // the globals are sealed by now, but for those of the first moment
    lua_remove(L, -2);
}

void shim_open_utf8(lua_State *L)
{
    static const char *const names[] = {"char", "charpattern", "codepoint", "codes", "len", "offset", NULL};
    static const luaL_Reg nothing[] = {{NULL, NULL}};
    shim_open_library(L, "utf8", luaopen_utf8, names, nothing);
}

// The other libraries come with their first use (names.c). That of strings cannot: arithmetic on strings and their
// methods go through their metatable.
void shim_open_libraries(lua_State *L)
{
    lua_newtable(L);
    lua_newtable(L);
    lua_pushliteral(L, "k");
    lua_setfield(L, -2, "__mode");
    lua_setmetatable(L, -2);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &shim_key_identity);

    lua_settop(L, 0);
    lua_newtable(L); // the new globals, at 1 for all that follows
    lua_pushcfunction(L, luaopen_base);
    lua_call(L, 0, 1);
    copy_names(L, 2, 1, kept);
    lua_settop(L, 1);
    luaL_setfuncs(L, own, 0);
    lua_pushliteral(L, "Lua 5.4");
    lua_setfield(L, 1, "_VERSION");
    shim_open_string(L);
    shim_open_marks(L);
    lua_settop(L, 1);
    shim_seal(L, 1, "");
    lua_rawseti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
}
