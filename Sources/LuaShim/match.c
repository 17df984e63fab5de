// Lua patterns with the semantics and error texts of lstrlib.c (Lua 5.4, MIT licence), and a check for a stop in every
// step: matching takes exponential time on hostile patterns, inside C, where no hook runs.

#include "match.h"

#include <ctype.h>
#include <stdlib.h>

enum { ESCAPE = '%', DEPTH_MAXIMUM = 200 };

static inline unsigned char byte(char c) { return (unsigned char)c; }

void match_prepare(Match *m, lua_State *L, const char *subject, size_t length, const char *pattern_end)
{
    m->L = L;
    m->subject = subject;
    m->subject_end = subject + length;
    m->pattern_end = pattern_end;
    match_restart(m);
}

void match_restart(Match *m)
{
    m->level = 0;
    m->depth = DEPTH_MAXIMUM;
}

// MARK: single characters

static const char *class_end(Match *m, const char *p)
{
    if (*p++ == ESCAPE) {
        if (p == m->pattern_end) luaL_error(m->L, "malformed pattern (ends with '%%')");
        return p + 1;
    }
    if (p[-1] != '[') return p;
    if (*p == '^') p++;
    do { // a ']' that comes first stands for itself
        if (p == m->pattern_end) luaL_error(m->L, "malformed pattern (missing ']')");
        if (*p++ == ESCAPE && p < m->pattern_end) p++;
    } while (*p != ']');
    return p + 1;
}

static bool in_class(int c, int class)
{
    bool result;
    switch (tolower(class)) {
    case 'a': result = isalpha(c); break;
    case 'c': result = iscntrl(c); break;
    case 'd': result = isdigit(c); break;
    case 'g': result = isgraph(c); break;
    case 'l': result = islower(c); break;
    case 'p': result = ispunct(c); break;
    case 's': result = isspace(c); break;
    case 'u': result = isupper(c); break;
    case 'w': result = isalnum(c); break;
    case 'x': result = isxdigit(c); break;
    default: return class == c;
    }
    return isupper(class) ? !result : result;
}

// `p` is at the '[', `end` at the ']'.
static bool in_set(int c, const char *p, const char *end)
{
    bool positive = true;
    if (p[1] == '^') {
        positive = false;
        p++;
    }
    while (++p < end) {
        if (*p == ESCAPE) {
            p++;
            if (in_class(c, byte(*p))) return positive;
        } else if (p[1] == '-' && p + 2 < end) {
            p += 2;
            if (byte(p[-2]) <= c && c <= byte(*p)) return positive;
        } else if (byte(*p) == c) {
            return positive;
        }
    }
    return !positive;
}

// Does the character at `s` fit the single-character class [p, end)?
static bool fits(Match *m, const char *s, const char *p, const char *end)
{
    if (s >= m->subject_end) return false;
    int c = byte(*s);
    switch (*p) {
    case '.': return true;
    case ESCAPE: return in_class(c, byte(p[1]));
    case '[': return in_set(c, p, end - 1);
    default: return byte(*p) == c;
    }
}

// MARK: captures

static int captured_before(Match *m, int digit)
{
    int index = digit - '1';
    if (index < 0 || index >= m->level || m->capture[index].length == CAPTURE_OPEN) {
        return luaL_error(m->L, "invalid capture index %%%d", index + 1);
    }
    return index;
}

static int capture_to_close(Match *m)
{
    for (int level = m->level - 1; level >= 0; level--) {
        if (m->capture[level].length == CAPTURE_OPEN) return level;
    }
    return luaL_error(m->L, "invalid pattern capture");
}

static const char *start_capture(Match *m, const char *s, const char *p, int kind)
{
    if (m->level >= CAPTURES_MAXIMUM) luaL_error(m->L, "too many captures");
    m->capture[m->level].start = s;
    m->capture[m->level].length = kind;
    m->level++;
    const char *end = match_at(m, s, p);
    if (!end) m->level--;
    return end;
}

static const char *end_capture(Match *m, const char *s, const char *p)
{
    int index = capture_to_close(m);
    m->capture[index].length = s - m->capture[index].start;
    const char *end = match_at(m, s, p);
    if (!end) m->capture[index].length = CAPTURE_OPEN;
    return end;
}

static const char *match_capture(Match *m, const char *s, int digit)
{
    int index = captured_before(m, digit);
    size_t length = (size_t)m->capture[index].length;
    if ((size_t)(m->subject_end - s) < length || memcmp(m->capture[index].start, s, length)) return NULL;
    return s + length;
}

void match_push_capture(Match *m, int index, const char *start, const char *end)
{
    if (index >= m->level) {
        if (index != 0) luaL_error(m->L, "invalid capture index %%%d", index + 1);
        lua_pushlstring(m->L, start, (size_t)(end - start));
        return;
    }
    ptrdiff_t length = m->capture[index].length;
    if (length == CAPTURE_OPEN) luaL_error(m->L, "unfinished capture");
    if (length == CAPTURE_POSITION) {
        lua_pushinteger(m->L, m->capture[index].start - m->subject + 1);
    } else {
        lua_pushlstring(m->L, m->capture[index].start, (size_t)length);
    }
}

int match_push_captures(Match *m, const char *start, const char *end)
{
    int count = m->level == 0 && start ? 1 : m->level;
    luaL_checkstack(m->L, count, "too many captures");
    for (int i = 0; i < count; i++) match_push_capture(m, i, start, end);
    return count;
}

// MARK: repetition

static const char *match_balance(Match *m, const char *s, const char *p)
{
    if (p >= m->pattern_end - 1) luaL_error(m->L, "malformed pattern (missing arguments to '%%b')");
    if (s >= m->subject_end || *s != *p) return NULL;
    int open = *p, close = p[1], nesting = 1;
    while (++s < m->subject_end) {
        shim_check_stop(m->L);
        if (*s == close) {
            if (--nesting == 0) return s + 1;
        } else if (*s == open) {
            nesting++;
        }
    }
    return NULL;
}

static const char *match_longest(Match *m, const char *s, const char *p, const char *end)
{
    ptrdiff_t count = 0;
    while (fits(m, s + count, p, end)) {
        count++;
        shim_check_stop(m->L);
    }
    for (; count >= 0; count--) {
        const char *rest = match_at(m, s + count, end + 1);
        if (rest) return rest;
    }
    return NULL;
}

static const char *match_shortest(Match *m, const char *s, const char *p, const char *end)
{
    for (;;) {
        const char *rest = match_at(m, s, end + 1);
        if (rest) return rest;
        if (!fits(m, s, p, end)) return NULL;
        s++;
    }
}

static bool at_frontier(Match *m, const char *s, const char *p, const char *end)
{
    int previous = s == m->subject ? '\0' : byte(s[-1]), current = s == m->subject_end ? '\0' : byte(*s);
    return !in_set(previous, p, end - 1) && in_set(current, p, end - 1);
}

// MARK: the engine

// One item of the pattern. Returns true to go on with the rest of the pattern at *s and *p, false when *s is the
// answer.
static bool match_item(Match *m, const char **s, const char **p)
{
    const char *end = class_end(m, *p);
    char suffix = end < m->pattern_end ? *end : '\0';
    bool fit;
    switch (suffix) {
    case '+':
        *s = fits(m, *s, *p, end) ? match_longest(m, *s + 1, *p, end) : NULL;
        return false;
    case '*': *s = match_longest(m, *s, *p, end); return false;
    case '-': *s = match_shortest(m, *s, *p, end); return false;
    case '?': {
        const char *rest;
        if (fits(m, *s, *p, end) && (rest = match_at(m, *s + 1, end + 1))) {
            *s = rest;
            return false;
        }
        *p = end + 1;
        return true;
    }
    default:
        fit = fits(m, *s, *p, end);
        *s = fit ? *s + 1 : NULL;
        *p = end;
        return fit;
    }
}

// %b, %f and %1; false when the escape is an ordinary item. Otherwise *s and *p stand behind it; *s is NULL on failure.
static bool match_escape(Match *m, const char **s, const char **p)
{
    switch ((*p)[1]) {
    case 'b':
        *s = match_balance(m, *s, *p + 2);
        *p += 4;
        return true;
    case 'f': {
        const char *set = *p + 2;
        if (set >= m->pattern_end || *set != '[') luaL_error(m->L, "missing '[' after '%%f' in pattern");
        const char *end = class_end(m, set);
        if (!at_frontier(m, *s, set, end)) *s = NULL;
        *p = end;
        return true;
    }
    case '0': case '1': case '2': case '3': case '4': case '5': case '6': case '7': case '8': case '9':
        *s = match_capture(m, *s, byte((*p)[1]));
        *p += 2;
        return true;
    default: return false;
    }
}

const char *match_at(Match *m, const char *s, const char *p)
{
    if (m->depth-- == 0) luaL_error(m->L, "pattern too complex");
    while (s && p < m->pattern_end) {
        shim_check_stop(m->L);
        if (*p == '(') {
            s = p + 1 < m->pattern_end && p[1] == ')' ? start_capture(m, s, p + 2, CAPTURE_POSITION)
                                                      : start_capture(m, s, p + 1, CAPTURE_OPEN);
            break;
        }
        if (*p == ')') {
            s = end_capture(m, s, p + 1);
            break;
        }
        if (*p == '$' && p + 1 == m->pattern_end) {
            if (s != m->subject_end) s = NULL;
            break;
        }
        if (*p == ESCAPE && p + 1 < m->pattern_end && match_escape(m, &s, &p)) continue;
        if (!match_item(m, &s, &p)) break;
    }
    m->depth++;
    return s;
}
