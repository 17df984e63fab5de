// The pattern matcher, shared by match.c (the engine) and find.c (the library functions).

#ifndef MATCH_H
#define MATCH_H

#include "shim.h"

enum { CAPTURES_MAXIMUM = 32, CAPTURE_OPEN = -1, CAPTURE_POSITION = -2 };

typedef struct {
    lua_State *L;
    const char *subject, *subject_end, *pattern_end;
    int depth; // C calls that are left
    int level; // captures, finished or not
    struct {
        const char *start;
        ptrdiff_t length;
    } capture[CAPTURES_MAXIMUM];
} Match;

void match_prepare(Match *m, lua_State *L, const char *subject, size_t length, const char *pattern_end);
void match_restart(Match *m);
// The end of the match that starts at `s`, or NULL.
const char *match_at(Match *m, const char *s, const char *p);
void match_push_capture(Match *m, int index, const char *start, const char *end);
// Pushes all captures; the whole match when there are none and `start` is given.
int match_push_captures(Match *m, const char *start, const char *end);

#endif
