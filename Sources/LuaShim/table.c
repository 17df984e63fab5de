// The table library over raw accesses, with loops that a stop can interrupt, and a sort that is stable: the stock one
// picks pivots by the clock.

#include "shim.h"

enum { UNPACK_MAXIMUM = 8000 };

static lua_Integer check_list(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    return (lua_Integer)lua_rawlen(L, 1);
}

static int table_insert(lua_State *L)
{
    lua_Integer count = check_list(L), position;
    switch (lua_gettop(L)) {
    case 2: position = count + 1; break;
    case 3:
        position = luaL_checkinteger(L, 2);
        luaL_argcheck(L, (lua_Unsigned)position - 1u < (lua_Unsigned)count + 1, 2, "position out of bounds");
        for (lua_Integer i = count + 1; i > position; i--) {
            lua_rawgeti(L, 1, i - 1);
            lua_rawseti(L, 1, i);
            shim_check_stop(L);
        }
        break;
    default: return luaL_error(L, "wrong number of arguments to 'insert'");
    }
    lua_rawseti(L, 1, position);
    return 0;
}

static int table_remove(lua_State *L)
{
    lua_Integer count = check_list(L), position = luaL_optinteger(L, 2, count);
    if (position != count) {
        luaL_argcheck(L, (lua_Unsigned)position - 1u <= (lua_Unsigned)count, 2, "position out of bounds");
    }
    lua_rawgeti(L, 1, position);
    for (; position < count; position++) {
        lua_rawgeti(L, 1, position + 1);
        lua_rawseti(L, 1, position);
        shim_check_stop(L);
    }
    lua_pushnil(L);
    lua_rawseti(L, 1, position);
    return 1;
}

static int table_concat(lua_State *L)
{
    lua_Integer count = check_list(L);
    size_t length;
    const char *separator = luaL_optlstring(L, 2, "", &length);
    lua_Integer first = luaL_optinteger(L, 3, 1), last = luaL_optinteger(L, 4, count);
    luaL_Buffer text;
    luaL_buffinit(L, &text);
    for (lua_Integer i = first; i <= last; i++) {
        shim_check_stop(L);
        int type = lua_rawgeti(L, 1, i);
        if (type != LUA_TSTRING && type != LUA_TNUMBER) {
            return luaL_error(L, "invalid value (a %s at index %I) in table for 'concat'", luaL_typename(L, -1),
                (LUAI_UACINT)i);
        }
        luaL_addvalue(&text);
        if (i == last) break; // also keeps i from overflowing
        luaL_addlstring(&text, separator, length);
    }
    luaL_pushresult(&text);
    return 1;
}

static int table_unpack(lua_State *L)
{
    lua_Integer count = check_list(L), first = luaL_optinteger(L, 2, 1), last = luaL_optinteger(L, 3, count);
    if (first > last) return 0;
    lua_Unsigned results = (lua_Unsigned)last - (lua_Unsigned)first;
    if (results >= UNPACK_MAXIMUM || !lua_checkstack(L, (int)results + 1)) {
        return luaL_error(L, "too many results to unpack");
    }
    for (lua_Unsigned i = 0; i <= results; i++) lua_rawgeti(L, 1, (lua_Integer)((lua_Unsigned)first + i));
    return (int)results + 1;
}

static int table_move(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_Integer first = luaL_checkinteger(L, 2), last = luaL_checkinteger(L, 3), to = luaL_checkinteger(L, 4);
    int target = lua_isnoneornil(L, 5) ? 1 : 5;
    luaL_checktype(L, target, LUA_TTABLE);
    if (last >= first) {
        luaL_argcheck(L, first > 0 || last < LUA_MAXINTEGER + first, 3, "too many elements to move");
        luaL_argcheck(L, to <= LUA_MAXINTEGER - (last - first), 4, "destination wrap around");
        bool backwards = to > first && to <= last && (target == 1 || lua_rawequal(L, 1, target));
        for (lua_Integer n = 0; n <= last - first; n++) {
            lua_Integer i = backwards ? last - first - n : n;
            lua_rawgeti(L, 1, first + i);
            lua_rawseti(L, target, to + i);
            shim_check_stop(L);
        }
    }
    lua_pushvalue(L, target);
    return 1;
}

// MARK: sort

// Stack while sorting: 1 the list, 2 the comparator or nil, 3 and 4 the buffers that the runs are merged between.
static bool comes_before(lua_State *L, int a, int b)
{
    if (lua_isnil(L, 2)) return lua_compare(L, a, b, LUA_OPLT);
    a = lua_absindex(L, a);
    b = lua_absindex(L, b);
    lua_pushvalue(L, 2);
    lua_pushvalue(L, a);
    lua_pushvalue(L, b);
    lua_call(L, 2, 1);
    bool result = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return result;
}

// Merges from[low, middle) and from[middle, high) into `to`. The heads of the two runs stand at 5 and 6.
static void merge(lua_State *L, int from, int to, lua_Integer low, lua_Integer middle, lua_Integer high)
{
    lua_Integer left = low, right = middle;
    lua_rawgeti(L, from, left);
    lua_rawgeti(L, from, right);
    for (lua_Integer i = low; i < high; i++) {
        shim_check_stop(L);
        bool take_right = left == middle || (right < high && comes_before(L, 6, 5));
        if (take_right) {
            lua_pushvalue(L, 6);
            lua_rawseti(L, to, i);
            if (++right < high) {
                lua_rawgeti(L, from, right);
                lua_replace(L, 6);
            }
        } else {
            lua_pushvalue(L, 5);
            lua_rawseti(L, to, i);
            if (++left < middle) {
                lua_rawgeti(L, from, left);
                lua_replace(L, 5);
            }
        }
    }
    lua_settop(L, 4);
}

static void copy_run(lua_State *L, int from, int to, lua_Integer low, lua_Integer high)
{
    for (lua_Integer i = low; i < high; i++) {
        lua_rawgeti(L, from, i);
        lua_rawseti(L, to, i);
        shim_check_stop(L);
    }
}

// Bottom-up merge sort over copies: the list itself changes only when all comparisons are done.
static int table_sort(lua_State *L)
{
    lua_Integer count = check_list(L);
    if (!lua_isnoneornil(L, 2)) luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_settop(L, 2);
    if (count < 2) return 0;
    int room = count < 1 << 26 ? (int)count : 0;
    lua_createtable(L, room, 0);
    lua_createtable(L, room, 0);
    int from = 3, to = 4;
    copy_run(L, 1, from, 1, count + 1);
    for (lua_Integer width = 1; width < count; width *= 2) {
        for (lua_Integer low = 1; low <= count; low += 2 * width) {
            lua_Integer middle = low + width, high = middle + width;
            if (high > count + 1) high = count + 1;
            if (middle > count) {
                copy_run(L, from, to, low, high);
            } else {
                merge(L, from, to, low, middle, high);
            }
        }
        from = 7 - from;
        to = 7 - to;
    }
    copy_run(L, from, 1, 1, count + 1);
    return 0;
}

void shim_open_table(lua_State *L)
{
    static const char *const kept[] = {"pack", NULL};
    static const luaL_Reg own[] = {
        {"insert", table_insert},
        {"remove", table_remove},
        {"concat", table_concat},
        {"unpack", table_unpack},
        {"move", table_move},
        {"sort", table_sort},
        {NULL, NULL},
    };
    shim_open_library(L, "table", luaopen_table, kept, own);
}
