// Lua values to bytes and back. The encoder works on raw tables (no metamethod runs); the decoder trusts nothing.

#include "shim.h"

#include <stdlib.h>

bool tape_append(Tape *tape, const void *bytes, size_t count)
{
    if (count > tape->limit - tape->count) return false;
    if (count > tape->capacity - tape->count) {
        size_t capacity = tape->capacity ? tape->capacity : 256;
        while (capacity - tape->count < count) capacity *= 2;
        uint8_t *grown = realloc(tape->bytes, capacity);
        if (!grown) return false;
        tape->bytes = grown;
        tape->capacity = capacity;
    }
    if (count) memcpy(tape->bytes + tape->count, bytes, count);
    tape->count += count;
    return true;
}

void tape_free(Tape *tape)
{
    free(tape->bytes);
    tape->bytes = NULL;
    tape->count = tape->capacity = 0;
}

// MARK: Lua to tape

typedef struct {
    const char *key; // NULL: the index counts
    lua_Integer index;
} Step;

typedef struct {
    lua_State *L;
    LuaShim *shim;
    const char *what;
    int depth;
    Step path[LUA_TAPE_DEPTH];
} Encoder;

_Noreturn static void refuse(Encoder *e, const char *reason)
{
    lua_State *L = e->L;
    luaL_Buffer text;
    luaL_buffinit(L, &text);
    luaL_addstring(&text, e->what);
    for (int i = 0; i < e->depth; i++) {
        if (i == 0) luaL_addstring(&text, " at ");
        if (e->path[i].key) {
            lua_pushfstring(L, ".%s", e->path[i].key);
        } else {
            lua_pushfstring(L, "[%I]", (LUAI_UACINT)e->path[i].index);
        }
        luaL_addvalue(&text);
    }
    luaL_addstring(&text, ": ");
    luaL_addstring(&text, reason);
    luaL_pushresult(&text);
    luaL_where(L, 1);
    lua_insert(L, -2);
    lua_concat(L, 2);
    lua_error(L);
    abort(); // not reached: lua_error does not return
}

static void put(Encoder *e, const void *bytes, size_t count)
{
    if (tape_append(&e->shim->out, bytes, count)) return;
    e->shim->oversized = true;
    e->depth = 0;
    refuse(e, lua_pushfstring(e->L, "larger than the %I bytes allowed", (LUAI_UACINT)e->shim->out.limit));
}

static void put_tag(Encoder *e, uint8_t tag) { put(e, &tag, 1); }

static void put_count(Encoder *e, size_t count)
{
    if (count > UINT32_MAX) refuse(e, "too large");
    uint32_t word = (uint32_t)count;
    put(e, &word, sizeof word);
}

typedef struct {
    const char *text;
    size_t length;
} Key;

// Once the call must stop all keys are equal: the sort, which nothing can leave, is soon done then.
static int compare_keys(const void *a, const void *b, void *shim)
{
    const Key *x = a, *y = b;
    if (((LuaShim *)shim)->stop) return 0;
    size_t shorter = x->length < y->length ? x->length : y->length;
    int order = memcmp(x->text, y->text, shorter);
    if (order) return order;
    return (x->length > y->length) - (x->length < y->length);
}

static void encode_value(Encoder *e, int index);

static void encode_array(Encoder *e, int index, lua_Integer count)
{
    put_tag(e, LUA_TAPE_ARRAY);
    put_count(e, (size_t)count);
    for (lua_Integer i = 1; i <= count; i++) {
        e->path[e->depth - 1] = (Step){NULL, i};
        lua_rawgeti(e->L, index, i);
        encode_value(e, lua_gettop(e->L));
        lua_pop(e->L, 1);
    }
}

// The keys are held by the table itself, which nothing can change meanwhile.
static void encode_object(Encoder *e, int index, size_t count)
{
    lua_State *L = e->L;
    Key *keys = lua_newuserdatauv(L, (count ? count : 1) * sizeof *keys, 0);
    size_t n = 0;
    lua_pushnil(L);
    while (lua_next(L, index)) {
        lua_pop(L, 1);
        keys[n].text = lua_tolstring(L, -1, &keys[n].length);
        n++;
    }
    qsort_r(keys, n, sizeof *keys, compare_keys, e->shim);
    shim_check_stop(L);
    put_tag(e, LUA_TAPE_OBJECT);
    put_count(e, n);
    for (size_t i = 0; i < n; i++) {
        e->path[e->depth - 1] = (Step){keys[i].text, 0};
        put_count(e, keys[i].length);
        put(e, keys[i].text, keys[i].length);
        lua_pushlstring(L, keys[i].text, keys[i].length);
        lua_rawget(L, index);
        encode_value(e, lua_gettop(L));
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
}

static bool has_marker(lua_State *L, int index, const char *key)
{
    if (!lua_getmetatable(L, index)) return false;
    lua_rawgetp(L, LUA_REGISTRYINDEX, key);
    bool same = lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
    return same;
}

// A sequence is an array, string keys make an object, an empty table is an object unless json.array marked it.
static void encode_table(Encoder *e, int index)
{
    lua_State *L = e->L;
    size_t strings = 0, integers = 0;
    lua_Integer highest = 0;
    lua_pushnil(L);
    while (lua_next(L, index)) {
        lua_pop(L, 1);
        if (lua_type(L, -1) == LUA_TSTRING) {
            strings++;
        } else if (lua_isinteger(L, -1) && lua_tointeger(L, -1) >= 1) {
            integers++;
            if (lua_tointeger(L, -1) > highest) highest = lua_tointeger(L, -1);
        } else {
            refuse(e, lua_pushfstring(L, "a key must be a string or part of a sequence 1..n, not a %s",
                lua_isinteger(L, -1) ? "number below 1" : luaL_typename(L, -1)));
        }
        shim_check_stop(L);
    }
    if (strings && integers) refuse(e, "a table has string keys and numbers as well");
    if (integers && (size_t)highest != integers) refuse(e, "a sequence has holes; fill them with json.null");
    if (e->depth == LUA_TAPE_DEPTH) refuse(e, "nested too deeply (does it contain itself?)");
    e->depth++;
    if (integers || (!strings && has_marker(L, index, &shim_key_array))) {
        encode_array(e, index, (lua_Integer)integers);
    } else {
        encode_object(e, index, strings);
    }
    e->depth--;
}

static void encode_value(Encoder *e, int index)
{
    lua_State *L = e->L;
    luaL_checkstack(L, 8, "value nested too deeply");
    switch (lua_type(L, index)) {
    case LUA_TNIL: put_tag(e, LUA_TAPE_NULL); break;
    case LUA_TBOOLEAN: put_tag(e, lua_toboolean(L, index) ? LUA_TAPE_TRUE : LUA_TAPE_FALSE); break;
    case LUA_TNUMBER:
        if (lua_isinteger(L, index)) {
            int64_t integer = lua_tointeger(L, index);
            put_tag(e, LUA_TAPE_INTEGER);
            put(e, &integer, sizeof integer);
        } else {
            double number = lua_tonumber(L, index);
            put_tag(e, LUA_TAPE_NUMBER);
            put(e, &number, sizeof number);
        }
        break;
    case LUA_TSTRING: {
        size_t length;
        const char *text = lua_tolstring(L, index, &length);
        put_tag(e, LUA_TAPE_BYTES);
        put_count(e, length);
        put(e, text, length);
        break;
    }
    case LUA_TLIGHTUSERDATA: put_tag(e, LUA_TAPE_NULL); break; // json.null is the only one that plugins can hold
    case LUA_TTABLE: encode_table(e, index); break;
    default: refuse(e, lua_pushfstring(L, "a %s cannot be passed, only data", luaL_typename(L, index)));
    }
}

static Encoder encoder(lua_State *L, const char *what)
{
    LuaShim *shim = shim_of(L);
    shim->out.count = 0;
    shim->oversized = false;
    return (Encoder){.L = L, .shim = shim, .what = what};
}

void shim_encode(lua_State *L, int index, const char *what)
{
    Encoder e = encoder(L, what);
    encode_value(&e, lua_absindex(L, index));
}

void shim_encode_arguments(lua_State *L, const char *function)
{
    int count = lua_gettop(L);
    Encoder e = encoder(L, function);
    put_tag(&e, LUA_TAPE_ARRAY);
    put_count(&e, (size_t)count);
    for (int i = 1; i <= count; i++) {
        int type = lua_type(L, i);
        if (type == LUA_TTABLE || type > LUA_TTABLE) {
            e.what = lua_pushfstring(L, "argument #%d of %s", i, function);
            encode_value(&e, i);
            lua_pop(L, 1);
        } else {
            e.what = function;
            encode_value(&e, i);
        }
    }
}

// MARK: tape to Lua

typedef struct {
    lua_State *L;
    const uint8_t *next, *end;
    int depth;
} Decoder;

_Noreturn static void malformed(Decoder *d)
{
    luaL_error(d->L, "malformed value on the tape");
    abort(); // not reached: luaL_error does not return
}

static void take(Decoder *d, void *into, size_t count)
{
    if ((size_t)(d->end - d->next) < count) malformed(d);
    memcpy(into, d->next, count);
    d->next += count;
}

static uint32_t take_count(Decoder *d)
{
    uint32_t count;
    take(d, &count, sizeof count);
    return count;
}

static void push_bytes(Decoder *d)
{
    uint32_t length = take_count(d);
    if ((size_t)(d->end - d->next) < length) malformed(d);
    lua_pushlstring(d->L, (const char *)d->next, length);
    d->next += length;
}

// Room to reserve ahead: never more than the bytes that are left could fill.
static int capacity(Decoder *d, uint32_t count, size_t smallest)
{
    size_t possible = (size_t)(d->end - d->next) / smallest;
    size_t room = count < possible ? count : possible;
    return room > 1 << 20 ? 1 << 20 : (int)room;
}

static void decode_value(Decoder *d);

static void decode_array(Decoder *d)
{
    uint32_t count = take_count(d);
    lua_createtable(d->L, capacity(d, count, 1), 0);
    lua_rawgetp(d->L, LUA_REGISTRYINDEX, &shim_key_array);
    lua_setmetatable(d->L, -2);
    for (uint32_t i = 1; i <= count; i++) {
        decode_value(d);
        lua_rawseti(d->L, -2, i);
    }
}

static void decode_object(Decoder *d)
{
    uint32_t count = take_count(d);
    lua_createtable(d->L, 0, capacity(d, count, 5));
    for (uint32_t i = 0; i < count; i++) {
        push_bytes(d);
        decode_value(d);
        lua_rawset(d->L, -3);
    }
}

static void decode_value(Decoder *d)
{
    uint8_t tag;
    luaL_checkstack(d->L, 4, "value nested too deeply");
    take(d, &tag, 1);
    switch (tag) {
    case LUA_TAPE_NULL: lua_pushlightuserdata(d->L, NULL); break;
    case LUA_TAPE_FALSE: lua_pushboolean(d->L, 0); break;
    case LUA_TAPE_TRUE: lua_pushboolean(d->L, 1); break;
    case LUA_TAPE_INTEGER: {
        int64_t integer;
        take(d, &integer, sizeof integer);
        lua_pushinteger(d->L, integer);
        break;
    }
    case LUA_TAPE_NUMBER: {
        double number;
        take(d, &number, sizeof number);
        lua_pushnumber(d->L, number);
        break;
    }
    case LUA_TAPE_BYTES: push_bytes(d); break;
    case LUA_TAPE_ARRAY:
    case LUA_TAPE_OBJECT:
        if (d->depth == LUA_TAPE_DEPTH) luaL_error(d->L, "nested deeper than %d levels", LUA_TAPE_DEPTH);
        d->depth++;
        if (tag == LUA_TAPE_ARRAY) decode_array(d); else decode_object(d);
        d->depth--;
        break;
    default: malformed(d);
    }
}

// At the top a null is nil; inside a table it is json.null, so that arrays have no holes.
static void decode_top(Decoder *d)
{
    decode_value(d);
    if (!lua_islightuserdata(d->L, -1)) return;
    lua_pop(d->L, 1);
    lua_pushnil(d->L);
}

void shim_decode(lua_State *L, const uint8_t *bytes, size_t count)
{
    Decoder d = {.L = L, .next = bytes, .end = bytes + count};
    decode_top(&d);
    if (d.next != d.end) malformed(&d);
}

int shim_decode_arguments(lua_State *L, const uint8_t *bytes, size_t count)
{
    Decoder d = {.L = L, .next = bytes, .end = bytes + count};
    uint8_t tag;
    take(&d, &tag, 1);
    if (tag != LUA_TAPE_ARRAY) malformed(&d);
    uint32_t n = take_count(&d);
    if (n > 200) malformed(&d);
    luaL_checkstack(L, (int)n + 8, "too many arguments");
    for (uint32_t i = 0; i < n; i++) decode_top(&d);
    if (d.next != d.end) malformed(&d);
    return (int)n;
}
