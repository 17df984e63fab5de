// What the files of this target share. Nothing here is visible to Swift.

#ifndef SHIM_H
#define SHIM_H

#include "LuaShim.h"

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <signal.h>
#include <string.h>

typedef struct {
    uint8_t *bytes;
    size_t count, capacity, limit;
} Tape;

typedef struct ThreadTimer ThreadTimer;

typedef struct {
    char *name;
    uint32_t number;
    LuaShimName kind;
} HostFunction;

struct LuaShim {
    lua_State *main; // holds the state; plugin code runs in coroutines only
    lua_State *call; // the coroutine of the call under way, kept for the next call when it ended well
    lua_State *volatile running; // the innermost coroutine at work: where the timer signal sets its hook
    volatile sig_atomic_t stop; // a LuaShimErrorKind once plugin code must end; cleared by the next call

    HostFunction *functions; // made as Lua closures when they are first looked at
    uint32_t function_count, function_capacity;

    LuaShimHost host;
    void *context;
    LuaShimLine line_hit; // NULL: nobody wants to know
    uint32_t waiting; // the host function that the suspended call waits for
    lua_KContext wait; // counts the waits: an answer is for the last one only
    bool suspended, loading;
    LuaShimReply reply;
    Tape out, in;
    bool oversized; // the last encoding failed for its size

    size_t memory_used, memory_limit;

    int64_t cpu_limit, cpu_used; // nanoseconds, of the call under way
    int64_t entered; // thread CPU clock
    volatile int64_t deadline; // thread CPU clock
    ThreadTimer *timer;
    LuaShim *outer; // the shim whose host function called into this one, on the same thread

    int close_depth;
    lua_Integer next_identity; // for tostring of tables and functions
    uint64_t seed;

    LuaShimErrorKind kind;
    char file[LUA_IDSIZE];
    int line;
    Tape traceback;
};

static inline LuaShim *shim_of(lua_State *L) { return *(LuaShim **)lua_getextraspace(L); }

// Keys of the registry are the addresses of these.
extern const char shim_key_module, shim_key_context, shim_key_array, shim_key_object, shim_key_error, shim_key_identity,
    shim_key_loaded, shim_key_call;

// state.c
// Runs a function of the shim that may raise, with one light userdata. Its error value is left on the main stack.
int shim_protect(LuaShim *shim, lua_CFunction function, void *argument);

// names.c: what sealed tables get when it is first looked at. The table is at 1; `owner` is its name, "" for the
// globals.
bool shim_add_name(lua_State *L, const char *owner, const char *key);
void shim_add_all_names(lua_State *L, const char *owner);
void shim_push_context_functions(lua_State *L);

// call.c
void shim_note_position(LuaShim *shim, lua_State *L); // of the innermost Lua function, unless one is noted already

// tape.c
bool tape_append(Tape *tape, const void *bytes, size_t count);
void tape_free(Tape *tape);
// Both raise; `what` names the value in the message ("argument #2 of ws.write").
void shim_encode(lua_State *L, int index, const char *what);
void shim_encode_arguments(lua_State *L, const char *function);
// Pushes one value (which must be the whole tape), or the elements of an array; the latter returns their number.
void shim_decode(lua_State *L, const uint8_t *bytes, size_t count);
int shim_decode_arguments(lua_State *L, const uint8_t *bytes, size_t count);

// limits.c
void *shim_allocate(void *shim, void *block, size_t old_size, size_t new_size);
bool shim_enter(LuaShim *shim); // false when the thread can have no timer
void shim_leave(LuaShim *shim);
void shim_arm_hook(lua_State *L); // before running L: honours a stop that came early, and who counts lines
_Noreturn void shim_raise_stop(lua_State *L);
// In loops of C functions that can be long.
static inline void shim_check_stop(lua_State *L)
{
    if (shim_of(L)->stop) shim_raise_stop(L);
}
// After a protected call inside plugin code: passes on what the plugin must not catch.
void shim_pass_fatal(lua_State *L, int status);

// host.c
extern char shim_await; // its address, yielded, means "a host call waits"
int shim_host_call(lua_State *L);
int shim_raise_denied(lua_State *L, uint32_t function); // does not return
void shim_push_value(lua_State *L, uint32_t function); // what the host says stands under a name
void shim_error_open(lua_State *L);
int shim_require(lua_State *L);
int shim_print(lua_State *L);

// libraries
void shim_open_libraries(lua_State *L);
// Puts a sealed table of this name into the globals at 1: the given names of a stock library, and functions of our own.
void shim_open_library(
    lua_State *L, const char *name, lua_CFunction opener, const char *const *names, const luaL_Reg *added);
void shim_open_coroutine(lua_State *L);
void shim_open_string(lua_State *L);
void shim_open_table(lua_State *L);
void shim_open_math(lua_State *L);
void shim_open_random(lua_State *L);
void shim_open_utf8(lua_State *L);
void shim_open_json(lua_State *L);
void shim_open_marks(lua_State *L);
// Unknown names in this table become errors with a suggestion.
void shim_seal(lua_State *L, int index, const char *name);
const char *shim_sealed_name(lua_State *L, int index); // NULL when it is no such table
const char *shim_tostring(lua_State *L, int index, size_t *length); // pushes; without addresses
int shim_find(lua_State *L);
int shim_match(lua_State *L);
int shim_gmatch(lua_State *L);
int shim_gsub(lua_State *L);
int shim_pairs(lua_State *L);
int shim_next(lua_State *L);

#endif
