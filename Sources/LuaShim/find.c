// string.find, match, gmatch and gsub over the interruptible matcher.

#include "match.h"

// 1-based, from the end when negative; at most one past the end counts as a place to search from.
static size_t start_position(lua_Integer position, size_t length)
{
    if (position > 0) return (size_t)position;
    if (position == 0 || position < -(lua_Integer)length) return 1;
    return length + (size_t)position + 1;
}

static bool is_plain(const char *pattern, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (pattern[i] && strchr("^$*+?.([%-", pattern[i])) return false;
    }
    return true;
}

static int find_or_match(lua_State *L, bool find)
{
    size_t length, pattern_length;
    const char *subject = luaL_checklstring(L, 1, &length), *pattern = luaL_checklstring(L, 2, &pattern_length);
    size_t from = start_position(luaL_optinteger(L, 3, 1), length) - 1;
    if (from > length) {
        luaL_pushfail(L);
        return 1;
    }
    const char *s = subject + from, *end;
    if (find && (lua_toboolean(L, 4) || is_plain(pattern, pattern_length))) {
        s = pattern_length ? memmem(s, length - from, pattern, pattern_length) : s; // linear, unlike the stock search
        if (!s) {
            luaL_pushfail(L);
            return 1;
        }
        lua_pushinteger(L, s - subject + 1);
        lua_pushinteger(L, s - subject + (lua_Integer)pattern_length);
        return 2;
    }
    Match m;
    bool anchored = pattern_length && *pattern == '^';
    match_prepare(&m, L, subject, length, pattern + pattern_length);
    do {
        match_restart(&m);
        if ((end = match_at(&m, s, pattern + anchored))) {
            if (!find) return match_push_captures(&m, s, end);
            lua_pushinteger(L, s - subject + 1);
            lua_pushinteger(L, end - subject);
            return match_push_captures(&m, NULL, NULL) + 2;
        }
    } while (s++ < m.subject_end && !anchored);
    luaL_pushfail(L);
    return 1;
}

int shim_find(lua_State *L) { return find_or_match(L, true); }

int shim_match(lua_State *L) { return find_or_match(L, false); }

// Upvalues: subject, pattern, position to search from, end of the last match (-1: none). An empty match never follows a
// match that ends in the same place.
static int next_match(lua_State *L)
{
    size_t length, pattern_length;
    const char *subject = lua_tolstring(L, lua_upvalueindex(1), &length);
    const char *pattern = lua_tolstring(L, lua_upvalueindex(2), &pattern_length);
    lua_Integer last = lua_tointeger(L, lua_upvalueindex(4));
    Match m;
    match_prepare(&m, L, subject, length, pattern + pattern_length);
    for (const char *s = subject + lua_tointeger(L, lua_upvalueindex(3)); s <= m.subject_end; s++) {
        match_restart(&m);
        const char *end = match_at(&m, s, pattern);
        if (!end || end - subject == last) continue;
        lua_pushinteger(L, end - subject);
        lua_copy(L, -1, lua_upvalueindex(3));
        lua_replace(L, lua_upvalueindex(4));
        return match_push_captures(&m, s, end);
    }
    return 0;
}

int shim_gmatch(lua_State *L)
{
    size_t length;
    luaL_checklstring(L, 1, &length);
    luaL_checkstring(L, 2);
    size_t from = start_position(luaL_optinteger(L, 3, 1), length) - 1;
    lua_settop(L, 2);
    lua_pushinteger(L, (lua_Integer)(from > length ? length + 1 : from));
    lua_pushinteger(L, -1);
    lua_pushcclosure(L, next_match, 4);
    return 1;
}

// MARK: gsub

static void add_template(Match *m, luaL_Buffer *out, const char *start, const char *end)
{
    lua_State *L = m->L;
    size_t length;
    const char *text = lua_tolstring(L, 3, &length), *escape;
    while ((escape = memchr(text, '%', length))) {
        luaL_addlstring(out, text, (size_t)(escape - text));
        char c = (size_t)(escape - text) + 1 < length ? escape[1] : '\0';
        if (c == '%') {
            luaL_addchar(out, '%');
        } else if (c == '0') {
            luaL_addlstring(out, start, (size_t)(end - start));
        } else if (c >= '1' && c <= '9') {
            match_push_capture(m, c - '1', start, end);
            luaL_tolstring(L, -1, NULL); // a position is a number
            lua_remove(L, -2);
            luaL_addvalue(out);
        } else {
            luaL_error(L, "invalid use of '%%' in replacement string");
        }
        length -= (size_t)(escape + 2 - text);
        text = escape + 2;
    }
    luaL_addlstring(out, text, length);
}

// Appends what replaces the match [start, end); true when it differs from the match.
static bool add_replacement(Match *m, luaL_Buffer *out, const char *start, const char *end, int type)
{
    lua_State *L = m->L;
    switch (type) {
    case LUA_TFUNCTION:
        lua_pushvalue(L, 3);
        lua_call(L, match_push_captures(m, start, end), 1);
        break;
    case LUA_TTABLE:
        match_push_capture(m, 0, start, end);
        lua_gettable(L, 3);
        break;
    default: add_template(m, out, start, end); return true;
    }
    if (!lua_toboolean(L, -1)) {
        lua_pop(L, 1);
        luaL_addlstring(out, start, (size_t)(end - start));
        return false;
    }
    if (!lua_isstring(L, -1)) luaL_error(L, "invalid replacement value (a %s)", luaL_typename(L, -1));
    luaL_addvalue(out);
    return true;
}

int shim_gsub(lua_State *L)
{
    size_t length, pattern_length;
    const char *s = luaL_checklstring(L, 1, &length), *pattern = luaL_checklstring(L, 2, &pattern_length), *last = NULL;
    int type = lua_type(L, 3);
    luaL_argexpected(L, type == LUA_TNUMBER || type == LUA_TSTRING || type == LUA_TFUNCTION || type == LUA_TTABLE, 3,
        "string/function/table");
    if (type == LUA_TNUMBER) lua_tostring(L, 3); // converts in place
    lua_Integer maximum = luaL_optinteger(L, 4, (lua_Integer)length + 1), count = 0;
    bool anchored = pattern_length && *pattern == '^', changed = false;
    Match m;
    luaL_Buffer out;
    match_prepare(&m, L, s, length, pattern + pattern_length);
    luaL_buffinit(L, &out);
    while (count < maximum) {
        match_restart(&m);
        const char *end = match_at(&m, s, pattern + anchored);
        if (end && end != last) {
            count++;
            changed = add_replacement(&m, &out, s, end, type) || changed;
            s = last = end;
        } else if (s < m.subject_end) {
            luaL_addchar(&out, *s++);
        } else {
            break;
        }
        if (anchored) break;
    }
    if (changed) {
        luaL_addlstring(&out, s, (size_t)(m.subject_end - s));
        luaL_pushresult(&out);
    } else {
        lua_pushvalue(L, 1);
    }
    lua_pushinteger(L, count);
    return 2;
}
