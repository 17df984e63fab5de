// pairs and next in an order that does not depend on addresses or the hash seed: booleans, numbers, strings by bytes.

#include "shim.h"

#include <stdlib.h>

typedef struct {
    uint8_t rank; // boolean, number, string
    uint32_t place; // in the list of keys
    long double number; // holds every integer and every double exactly
    const char *text;
    size_t length;
} Key;

enum { RANK_BOOLEAN, RANK_NUMBER, RANK_STRING };

static Key read_key(lua_State *L, int index)
{
    Key key = {0};
    switch (lua_type(L, index)) {
    case LUA_TBOOLEAN:
        key.rank = RANK_BOOLEAN;
        key.number = lua_toboolean(L, index);
        break;
    case LUA_TNUMBER:
        key.rank = RANK_NUMBER;
        key.number = lua_isinteger(L, index) ? (long double)lua_tointeger(L, index)
                                             : (long double)lua_tonumber(L, index);
        break;
    case LUA_TSTRING:
        key.rank = RANK_STRING;
        key.text = lua_tolstring(L, index, &key.length);
        break;
    default:
        luaL_error(L, "the order of %s keys is not defined; use strings, numbers or booleans as keys, or a list",
            luaL_typename(L, index));
    }
    return key;
}

// Once the call must stop all keys are equal: the sort, which nothing can leave, is soon done then.
static int compare(const void *a, const void *b, void *shim)
{
    const Key *x = a, *y = b;
    if (((LuaShim *)shim)->stop) return 0;
    if (x->rank != y->rank) return x->rank < y->rank ? -1 : 1;
    if (x->rank != RANK_STRING) return (x->number > y->number) - (x->number < y->number);
    size_t shorter = x->length < y->length ? x->length : y->length;
    int order = shorter ? memcmp(x->text, y->text, shorter) : 0;
    if (order) return order;
    return (x->length > y->length) - (x->length < y->length);
}

// A library shows all that it has, also what nobody has looked at yet. Its table is at 1.
static void add_names(lua_State *L)
{
    const char *owner = shim_sealed_name(L, 1);
    if (owner) shim_add_all_names(L, owner);
}

// MARK: pairs

// Upvalues: table, position, count. For a table that is a plain sequence.
static int next_of_sequence(lua_State *L)
{
    lua_Integer position = lua_tointeger(L, lua_upvalueindex(2)), count = lua_tointeger(L, lua_upvalueindex(3));
    while (position < count) {
        position++;
        if (lua_rawgeti(L, lua_upvalueindex(1), position) != LUA_TNIL) {
            lua_pushinteger(L, position);
            lua_copy(L, -1, lua_upvalueindex(2));
            lua_insert(L, -2);
            return 2;
        }
        lua_pop(L, 1);
        shim_check_stop(L);
    }
    lua_pushinteger(L, position);
    lua_replace(L, lua_upvalueindex(2));
    return 0;
}

// Upvalues: table, position, list of keys. Keys that have gone since are passed over.
static int next_of_keys(lua_State *L)
{
    lua_Integer position = lua_tointeger(L, lua_upvalueindex(2));
    for (;;) {
        position++;
        if (lua_rawgeti(L, lua_upvalueindex(3), position) == LUA_TNIL) return 0;
        lua_pushvalue(L, -1);
        if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL) {
            lua_pushinteger(L, position);
            lua_replace(L, lua_upvalueindex(2));
            return 2;
        }
        lua_pop(L, 2);
        shim_check_stop(L);
    }
}

static bool is_sequence(lua_State *L, int index, lua_Integer *count)
{
    *count = 0;
    lua_pushnil(L);
    while (lua_next(L, index)) {
        lua_pop(L, 1);
        if (!lua_isinteger(L, -1) || lua_tointeger(L, -1) != *count + 1) {
            lua_pop(L, 1);
            return false;
        }
        ++*count;
    }
    return true;
}

static void push_sorted_keys(lua_State *L, int table)
{
    lua_Integer count = 0;
    lua_newtable(L);
    int list = lua_gettop(L);
    lua_pushnil(L);
    while (lua_next(L, table)) {
        lua_pop(L, 1);
        lua_pushvalue(L, -1);
        lua_rawseti(L, list, ++count);
    }
    if (count > UINT32_MAX / (lua_Integer)sizeof(Key)) luaL_error(L, "table too large for pairs");
    Key *keys = lua_newuserdatauv(L, (size_t)(count ? count : 1) * sizeof *keys, 0);
    for (lua_Integer i = 0; i < count; i++) {
        lua_rawgeti(L, list, i + 1);
        keys[i] = read_key(L, -1); // its text is held by the list
        keys[i].place = (uint32_t)i + 1;
        lua_pop(L, 1);
    }
    qsort_r(keys, (size_t)count, sizeof *keys, compare, shim_of(L));
    shim_check_stop(L);
    lua_createtable(L, (int)count, 0);
    for (lua_Integer i = 0; i < count; i++) {
        lua_rawgeti(L, list, keys[i].place);
        lua_rawseti(L, -2, i + 1);
    }
}

static int finish_metamethod(lua_State *L, int status, lua_KContext context)
{
    (void)L, (void)status, (void)context;
    return 3;
}

int shim_pairs(lua_State *L)
{
    luaL_checkany(L, 1);
    if (luaL_getmetafield(L, 1, "__pairs") != LUA_TNIL) {
        lua_pushvalue(L, 1);
        lua_callk(L, 1, 3, 0, finish_metamethod);
        return 3;
    }
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_Integer count;
    lua_settop(L, 1);
    add_names(L);
    if (is_sequence(L, 1, &count)) {
        lua_pushvalue(L, 1);
        lua_pushinteger(L, 0);
        lua_pushinteger(L, count);
        lua_pushcclosure(L, next_of_sequence, 3);
    } else {
        push_sorted_keys(L, 1);
        lua_pushvalue(L, 1);
        lua_pushinteger(L, 0);
        lua_pushvalue(L, -3);
        lua_pushcclosure(L, next_of_keys, 3);
    }
    lua_pushvalue(L, 1);
    lua_pushnil(L);
    return 3;
}

// MARK: next

// The smallest key above the given one: linear, so a loop over next is quadratic; pairs is the way to iterate.
int shim_next(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 2);
    add_names(L);
    bool first = lua_isnil(L, 2);
    LuaShim *shim = shim_of(L);
    Key after = {0}, best = {0};
    if (!first) after = read_key(L, 2);
    bool found = false;
    lua_pushnil(L); // 3: the best key
    lua_pushnil(L);
    while (lua_next(L, 1)) {
        lua_pop(L, 1);
        Key key = read_key(L, -1);
        if ((first || compare(&key, &after, shim) > 0) && (!found || compare(&key, &best, shim) < 0)) {
            best = key;
            found = true;
            lua_copy(L, -1, 3);
        }
        shim_check_stop(L);
    }
    if (!found) return 0;
    lua_settop(L, 3);
    lua_pushvalue(L, 3);
    lua_rawget(L, 1);
    return 2;
}
