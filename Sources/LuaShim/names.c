// Names come into being when they are looked at: a state that uses three host functions does not pay for sixty. A sealed
// table asks here for a name that it does not have (base.c).

#include "shim.h"

#include <stdlib.h>

// What stands behind "ws." in "ws.exec"; NULL when the name is not the owner's.
static const char *member(const char *name, const char *owner)
{
    size_t length = strlen(owner);
    if (!length) return strchr(name, '.') ? NULL : name;
    return !strncmp(name, owner, length) && name[length] == '.' ? name + length + 1 : NULL;
}

static void push_named(lua_State *L, const HostFunction *function)
{
    if (function->kind == LUA_SHIM_NAME_VALUE) {
        shim_push_value(L, function->number);
        return;
    }
    lua_pushinteger(L, function->number);
    lua_pushstring(L, function->name);
    lua_pushcclosure(L, shim_host_call, 2);
    if (!strcmp(function->name, "print")) lua_pushcclosure(L, shim_print, 1);
    if (!strcmp(function->name, "require")) lua_pushcclosure(L, shim_require, 1);
}

static void set(lua_State *L, const char *key) // in the table at 1, to the value on top
{
    lua_pushstring(L, key);
    lua_insert(L, -2);
    lua_rawset(L, 1);
}

// MARK: libraries

static const struct {
    const char *name;
    void (*open)(lua_State *L);
} libraries[] = {
    {"coroutine", shim_open_coroutine},
    {"json", shim_open_json},
    {"math", shim_open_math},
    {"random", shim_open_random},
    {"table", shim_open_table},
    {"utf8", shim_open_utf8},
};

static bool add_library(lua_State *L, const char *key)
{
    for (size_t i = 0; i < sizeof libraries / sizeof *libraries; i++) {
        if (strcmp(libraries[i].name, key)) continue;
        int top = lua_gettop(L);
        libraries[i].open(L);
        lua_settop(L, top);
        return true;
    }
    return false;
}

// The table of host functions that begin with `key` and a dot.
static bool add_host_table(lua_State *L, const char *key)
{
    const LuaShim *shim = shim_of(L);
    for (uint32_t i = 0; i < shim->function_count; i++) {
        if (!strcmp(key, "ctx") || !member(shim->functions[i].name, key)) continue;
        lua_newtable(L);
        shim_seal(L, -1, key);
        set(L, key);
        return true;
    }
    return false;
}

// MARK: asking

bool shim_add_name(lua_State *L, const char *owner, const char *key)
{
    const LuaShim *shim = shim_of(L);
    luaL_checkstack(L, 20, "too many names");
    for (uint32_t i = 0; i < shim->function_count; i++) {
        const HostFunction *function = &shim->functions[i];
        const char *last = member(function->name, owner);
        if (!last || strcmp(last, key)) continue;
        if (function->kind == LUA_SHIM_NAME_DENIED) shim_raise_denied(L, function->number);
        push_named(L, function);
        set(L, key);
        return true;
    }
    return !*owner && *key && (add_library(L, key) || add_host_table(L, key));
}

// All that can be had without an error, for who wants to see the names.
void shim_add_all_names(lua_State *L, const char *owner)
{
    const LuaShim *shim = shim_of(L);
    luaL_checkstack(L, 20, "too many names");
    for (size_t i = 0; !*owner && i < sizeof libraries / sizeof *libraries; i++) {
        lua_pushstring(L, libraries[i].name);
        bool there = lua_rawget(L, 1) != LUA_TNIL;
        lua_pop(L, 1);
        if (!there) add_library(L, libraries[i].name);
    }
    for (uint32_t i = 0; i < shim->function_count; i++) {
        const HostFunction *function = &shim->functions[i];
        const char *last = member(function->name, owner), *dot = strchr(function->name, '.');
        if (!last && !*owner && dot) {
            lua_pushlstring(L, function->name, (size_t)(dot - function->name)); // a table of its own
        } else if (last && function->kind != LUA_SHIM_NAME_DENIED) {
            lua_pushstring(L, last);
        } else {
            continue;
        }
        lua_pushvalue(L, -1);
        if (lua_rawget(L, 1) == LUA_TNIL) {
            if (last) {
                push_named(L, function);
                set(L, last);
            } else {
                add_host_table(L, lua_tostring(L, -2));
            }
        }
        lua_pop(L, 2);
    }
}

// Pushes the table of the functions below "ctx.", which each call's context gets.
void shim_push_context_functions(lua_State *L)
{
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &shim_key_context) == LUA_TTABLE) return;
    lua_pop(L, 1);
    lua_newtable(L);
    const LuaShim *shim = shim_of(L);
    for (uint32_t i = 0; i < shim->function_count; i++) {
        const char *last = member(shim->functions[i].name, "ctx");
        if (!last || shim->functions[i].kind == LUA_SHIM_NAME_DENIED) continue;
        push_named(L, &shim->functions[i]);
        lua_setfield(L, -2, last);
    }
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &shim_key_context);
}
