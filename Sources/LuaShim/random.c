// Random numbers that are the same on every machine: xoshiro256** streams, each seeded from the state's seed and its
// name. math.random and the functions of `random` draw from two streams of their own.

#include "shim.h"

typedef struct {
    uint64_t s[4];
} Stream;

static uint64_t splitmix(uint64_t *state)
{
    uint64_t z = *state += 0x9E3779B97F4A7C15;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9;
    z = (z ^ z >> 27) * 0x94D049BB133111EB;
    return z ^ z >> 31;
}

static Stream seeded(uint64_t seed, const char *name, size_t length)
{
    uint64_t hash = 0xCBF29CE484222325; // FNV-1a
    for (size_t i = 0; i < length; i++) hash = (hash ^ (uint8_t)name[i]) * 0x100000001B3;
    uint64_t state = splitmix(&seed) ^ hash;
    Stream stream;
    for (int i = 0; i < 4; i++) stream.s[i] = splitmix(&state);
    return stream;
}

static uint64_t rotate(uint64_t x, int k) { return x << k | x >> (64 - k); }

static uint64_t draw(Stream *stream)
{
    uint64_t *s = stream->s, result = rotate(s[1] * 5, 7) * 9, t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return result;
}

// Uniform in 0...maximum: draws again above the largest multiple of the range.
static uint64_t draw_below(Stream *stream, uint64_t maximum)
{
    if (maximum == UINT64_MAX) return draw(stream);
    uint64_t range = maximum + 1, limit = UINT64_MAX - (UINT64_MAX % range + 1) % range, value;
    do {
        value = draw(stream);
    } while (value > limit);
    return value % range;
}

static lua_Number draw_unit(Stream *stream) { return (lua_Number)(draw(stream) >> 11) * 0x1p-53; }

static Stream *stream_of(lua_State *L) { return lua_touserdata(L, lua_upvalueindex(1)); }

static int push_between(lua_State *L, lua_Integer low, lua_Integer high, int argument)
{
    luaL_argcheck(L, low <= high, argument, "the interval is empty");
    uint64_t offset = draw_below(stream_of(L), (uint64_t)high - (uint64_t)low);
    lua_pushinteger(L, (lua_Integer)((uint64_t)low + offset));
    return 1;
}

static int random_int(lua_State *L) { return push_between(L, luaL_checkinteger(L, 1), luaL_checkinteger(L, 2), 2); }

static int random_float(lua_State *L)
{
    lua_pushnumber(L, draw_unit(stream_of(L)));
    return 1;
}

static int random_pick(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_Unsigned count = lua_rawlen(L, 1);
    luaL_argcheck(L, count > 0, 1, "the list is empty");
    lua_rawgeti(L, 1, (lua_Integer)draw_below(stream_of(L), count - 1) + 1);
    return 1;
}

// In place; returns the list.
static int random_shuffle(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    for (lua_Integer i = (lua_Integer)lua_rawlen(L, 1); i > 1; i--) {
        lua_Integer j = (lua_Integer)draw_below(stream_of(L), (uint64_t)i - 1) + 1;
        lua_rawgeti(L, 1, i);
        lua_rawgeti(L, 1, j);
        lua_rawseti(L, 1, i);
        lua_rawseti(L, 1, j);
        shim_check_stop(L);
    }
    return 1;
}

// math.random with the arguments of the stock one.
static int math_random(lua_State *L)
{
    switch (lua_gettop(L)) {
    case 0: return random_float(L);
    case 1: {
        lua_Integer high = luaL_checkinteger(L, 1);
        if (high == 0) return push_between(L, LUA_MININTEGER, LUA_MAXINTEGER, 1);
        return push_between(L, 1, high, 1);
    }
    case 2: return random_int(L);
    default: return luaL_error(L, "wrong number of arguments");
    }
}

static const luaL_Reg stream_functions[] = {
    {"int", random_int},
    {"float", random_float},
    {"pick", random_pick},
    {"shuffle", random_shuffle},
    {NULL, NULL},
};

static void push_stream(lua_State *L, const char *name, size_t length)
{
    Stream *stream = lua_newuserdatauv(L, sizeof *stream, 0);
    *stream = seeded(shim_of(L)->seed, name, length);
}

// A table of functions that draw from the stream of this name; the same table for the same name. Upvalue: tables by
// name.
static int random_stream(lua_State *L)
{
    size_t length;
    const char *name = luaL_checklstring(L, 1, &length);
    lua_settop(L, 1);
    lua_pushvalue(L, 1);
    if (lua_rawget(L, lua_upvalueindex(1)) == LUA_TTABLE) return 1;
    lua_newtable(L);
    push_stream(L, name, length);
    luaL_setfuncs(L, stream_functions, 1);
    shim_seal(L, -1, "stream");
    lua_pushvalue(L, 1);
    lua_pushvalue(L, -2);
    lua_rawset(L, lua_upvalueindex(1));
    return 1;
}

void shim_open_math(lua_State *L)
{
    static const char *const math_names[] = {"abs", "acos", "asin", "atan", "ceil", "cos", "deg", "exp", "floor",
        "fmod", "huge", "log", "max", "maxinteger", "min", "mininteger", "modf", "pi", "rad", "sin", "sqrt", "tan",
        "tointeger", "type", "ult", NULL};
    static const luaL_Reg nothing[] = {{NULL, NULL}};

    shim_open_library(L, "math", luaopen_math, math_names, nothing);
    lua_pushliteral(L, "random");
    push_stream(L, "math", 4);
    lua_pushcclosure(L, math_random, 1);
    lua_rawset(L, -3);
}

void shim_open_random(lua_State *L)
{
    static const luaL_Reg nothing[] = {{NULL, NULL}};
    shim_open_library(L, "random", NULL, NULL, nothing);
    push_stream(L, "random", 6);
    for (const luaL_Reg *entry = stream_functions; entry->name; entry++) {
        lua_pushstring(L, entry->name);
        lua_pushvalue(L, -2);
        lua_pushcclosure(L, entry->func, 1);
        lua_rawset(L, -4);
    }
    lua_pop(L, 1);
    lua_pushliteral(L, "stream");
    lua_newtable(L);
    lua_pushcclosure(L, random_stream, 1);
    lua_rawset(L, -3);
}
