// json.null, json.array, json.object: how a plugin says what an empty table is. Encoding and decoding belong to the
// host.

#include "shim.h"

static int mark(lua_State *L, const char *key)
{
    if (lua_isnoneornil(L, 1)) {
        lua_settop(L, 0);
        lua_newtable(L);
    }
    luaL_checktype(L, 1, LUA_TTABLE);
    if (luaL_getmetafield(L, 1, "__metatable") == LUA_TBOOLEAN) {
        return luaL_error(L, "this table's metatable is protected");
    }
    lua_settop(L, 1);
    lua_rawgetp(L, LUA_REGISTRYINDEX, key);
    lua_setmetatable(L, 1);
    return 1;
}

static int json_array(lua_State *L) { return mark(L, &shim_key_array); }

static int json_object(lua_State *L) { return mark(L, &shim_key_object); }

void shim_open_json(lua_State *L)
{
    static const luaL_Reg own[] = {{"array", json_array}, {"object", json_object}, {NULL, NULL}};
    shim_open_library(L, "json", NULL, NULL, own);
    lua_pushliteral(L, "null");
    lua_pushlightuserdata(L, NULL);
    lua_rawset(L, -3);
}

// The metatables by which values that cross know an array from an object: there before anything has asked for `json`.
void shim_open_marks(lua_State *L)
{
    static const char *const keys[] = {&shim_key_array, &shim_key_object};
    static const char *const names[] = {"json.array", "json.object"};
    for (int i = 0; i < 2; i++) {
        lua_createtable(L, 0, 1);
        lua_pushstring(L, names[i]);
        lua_setfield(L, -2, "__name");
        lua_rawsetp(L, LUA_REGISTRYINDEX, keys[i]);
    }
}
