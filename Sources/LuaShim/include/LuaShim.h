// One sandboxed Lua state behind a face of plain bytes.
//
// Swift never sees a lua_State: values cross as a "tape" (see below) and every call returns a status. No Lua error can
// jump over a Swift frame, because whatever can raise runs inside a protected call on this side.
//
// A shim belongs to one thread at a time. It may move to another thread between two calls.

#ifndef LUA_SHIM_H
#define LUA_SHIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "LuaWorkerFrames.h"

typedef struct LuaShim LuaShim;

// The tape: one tag byte, then the payload; integers are little-endian.
//   array:  u32 count, the elements        object: u32 count, then for each member u32 length, key bytes, value
enum {
    LUA_TAPE_NULL = 0,
    LUA_TAPE_FALSE = 1,
    LUA_TAPE_TRUE = 2,
    LUA_TAPE_INTEGER = 3, // i64
    LUA_TAPE_NUMBER = 4, // IEEE double
    LUA_TAPE_BYTES = 5, // u32 length, bytes
    LUA_TAPE_ARRAY = 6,
    LUA_TAPE_OBJECT = 7,
};

// Deeper values are refused in both directions.
enum { LUA_TAPE_DEPTH = 64 };

typedef enum {
    LUA_SHIM_DONE = 0, // the result is in lua_shim_output
    LUA_SHIM_WAITING = 1, // a host call waits: lua_shim_waiting tells which, its arguments are in lua_shim_output
    LUA_SHIM_FAILED = 2, // see lua_shim_failure; the error value is in lua_shim_output
} LuaShimStatus;

typedef enum {
    LUA_SHIM_REPLY_VALUE = 0,
    LUA_SHIM_REPLY_ERROR = 1, // the value becomes a Lua error: an object {code, message, details}
    LUA_SHIM_REPLY_LATER = 2, // suspends the caller until lua_shim_resume
    LUA_SHIM_REPLY_STOP = 3, // ends the call with LUA_SHIM_ERROR_HOST, which no pcall catches
} LuaShimReply;

typedef enum {
    LUA_SHIM_ERROR_RUNTIME = 1, // an error of the plugin's code
    LUA_SHIM_ERROR_SYNTAX = 2,
    LUA_SHIM_ERROR_CPU = 3, // the CPU time of the call is used up
    LUA_SHIM_ERROR_MEMORY = 4,
    LUA_SHIM_ERROR_SIZE = 5, // an argument or a result is larger than the tape may be
    LUA_SHIM_ERROR_VALUE = 6, // the result holds something that cannot cross (a function, a cycle, ...)
    LUA_SHIM_ERROR_MISSING = 7, // no such function in the loaded table
    LUA_SHIM_ERROR_TIMER = 8, // this machine gave no CPU timer, so the limit could not be enforced
    LUA_SHIM_ERROR_HOST = 9, // a host function ended the call
} LuaShimErrorKind;

typedef struct {
    LuaShimErrorKind kind;
    const char *file; // the chunk's name, "" when unknown
    int line; // 0 when unknown
    const char *traceback; // "" when there is none
} LuaShimFailure;

typedef struct {
    size_t memory_bytes;
    int64_t cpu_nanoseconds; // for one load or call, time spent waiting for the host not counted
    size_t request_bytes; // largest tape that Lua hands out (arguments of one host call, one result)
    size_t reply_bytes; // largest tape that Lua takes in
    uint64_t seed; // of math.random and the random table
} LuaShimOptions;

// Answers one host call. The arguments are an array on the tape. The answer is given with lua_shim_reply before
// returning, except for LUA_SHIM_REPLY_LATER. Must not call into the same shim otherwise.
typedef LuaShimReply (*LuaShimHost)(void *context, uint32_t function, const uint8_t *arguments, size_t count);

// Is told of each line before it runs, with the chunk's name and the context of the host. Must not call into the shim.
typedef void (*LuaShimLine)(void *context, const char *chunk, int line);

// From the next load or call on. Lua then takes several times as long: for test coverage.
void lua_shim_watch_lines(LuaShim *shim, LuaShimLine line);

// NULL when the memory limit is too small for a state, or the machine has no memory.
LuaShim *lua_shim_open(const LuaShimOptions *options, LuaShimHost host, void *context);
void lua_shim_close(LuaShim *shim);

typedef enum {
    LUA_SHIM_NAME_FUNCTION,
    LUA_SHIM_NAME_DENIED,
    LUA_SHIM_NAME_VALUE,
} LuaShimName;

// Makes the host function number `function` callable as `name` ("log", "ws.exec"). Names below "ctx." are not global:
// they are put into the context table of each call. Two names are special: "print" gets one string, and "require" must
// answer with an object {chunk, source} whose source is then run once. Reading the name of a denied one asks the host for
// its answer, which becomes an error; that of a value asks the host once, and its answer is what stands there. False when
// the machine has no memory.
bool lua_shim_register(LuaShim *shim, const char *name, uint32_t function, LuaShimName kind);

// Runs a source text (never bytecode) that must return a table, whose functions lua_shim_call can call.
LuaShimStatus lua_shim_load(LuaShim *shim, const uint8_t *source, size_t count, const char *chunk);

// Parses a source text; DONE or FAILED.
LuaShimStatus lua_shim_check(LuaShim *shim, const uint8_t *source, size_t count, const char *chunk);

// Compiles a source text and leaves the bytecode, as luac writes it, in lua_shim_output: to be looked at, never to be
// loaded. False when the text is no Lua.
bool lua_shim_dump(LuaShim *shim, const uint8_t *source, size_t count, const char *chunk);

// `arguments` is an array on the tape. With `context`, its last element is an object that gets the functions below
// "ctx.".
LuaShimStatus lua_shim_call(
    LuaShim *shim, const char *function, const uint8_t *arguments, size_t count, bool context);

// After LUA_SHIM_WAITING: goes on with the answer given by lua_shim_reply. `reply` is VALUE, ERROR or STOP.
LuaShimStatus lua_shim_resume(LuaShim *shim, LuaShimReply reply);

// After LUA_SHIM_WAITING: drops the suspended call.
void lua_shim_cancel(LuaShim *shim);

// A member of the loaded table: DONE with its value, or FAILED when it cannot cross.
LuaShimStatus lua_shim_value(LuaShim *shim, const char *member);
bool lua_shim_has_function(LuaShim *shim, const char *member);

// Copies the answer of a host call. False when it is larger than the limit.
bool lua_shim_reply(LuaShim *shim, const uint8_t *value, size_t count);

const uint8_t *lua_shim_output(const LuaShim *shim, size_t *count);
uint32_t lua_shim_waiting(const LuaShim *shim);
LuaShimFailure lua_shim_failure(const LuaShim *shim);

size_t lua_shim_memory_used(const LuaShim *shim);
int64_t lua_shim_cpu_used(const LuaShim *shim); // nanoseconds of the last load or call

// The version of the linked interpreter, "Lua 5.4.4".
const char *lua_shim_version(void);

// Decodes a tape and encodes it again in a throw-away run: for tests of the decoder.
LuaShimStatus lua_shim_echo(LuaShim *shim, const uint8_t *value, size_t count);

#endif
