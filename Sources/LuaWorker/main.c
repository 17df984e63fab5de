// One sandboxed Lua state in a process of its own: the same LuaShim that ISE has linked in, told what to do by frames.
// It runs inside a workspace, so a fault of the interpreter is contained like any program that an agent starts.

#include "LuaShim.h"
#include "frames.h"

#include <stdlib.h>
#include <unistd.h>

static uint8_t *ways; // how each host function is answered, LUA_FUNCTION_...
static uint32_t function_count;

// MARK: host functions

static LuaShimReply take_answer(LuaShim *shim, Frame *frame)
{
    LuaShimReply reply = (LuaShimReply)take_byte(frame);
    // The host keeps to the limit of replies; what is left of a broken promise is an error value.
    if (reply == LUA_SHIM_REPLY_LATER || !lua_shim_reply(shim, frame->next, (size_t)(frame->end - frame->next))) {
        return LUA_SHIM_REPLY_ERROR;
    }
    return reply;
}

static void put_request(uint8_t kind, uint32_t function, const uint8_t *arguments, size_t count)
{
    begin_frame(kind);
    put_u32(function);
    put_bytes(arguments, count);
    send_frame();
}

static LuaShimReply answer_host_call(void *context, uint32_t function, const uint8_t *arguments, size_t count)
{
    LuaShim *shim = *(LuaShim **)context;
    if (function >= function_count || ways[function] == LUA_FUNCTION_WAITING) return LUA_SHIM_REPLY_LATER;
    put_request(LUA_FRAME_ASK, function, arguments, count);
    for (;;) {
        Frame frame = read_frame();
        if (frame.kind == LUA_FRAME_ANSWER) return take_answer(shim, &frame);
    }
}

// MARK: answers

static void put_use(const LuaShim *shim)
{
    put_u64(lua_shim_memory_used(shim));
    put_u64((uint64_t)lua_shim_cpu_used(shim));
}

static void put_failure(const LuaShim *shim)
{
    LuaShimFailure failure = lua_shim_failure(shim);
    begin_frame(LUA_FRAME_FAILED);
    put_use(shim);
    put_u32((uint32_t)failure.kind);
    put_u32((uint32_t)failure.line);
    put_text(failure.file);
    put_text(failure.traceback);
}

static void send_outcome(const LuaShim *shim, LuaShimStatus status)
{
    size_t count = 0;
    const uint8_t *output = lua_shim_output(shim, &count);
    if (status == LUA_SHIM_WAITING) {
        put_request(LUA_FRAME_WAITING, lua_shim_waiting(shim), output, count);
        return;
    }
    if (status == LUA_SHIM_DONE) {
        begin_frame(LUA_FRAME_DONE);
        put_use(shim);
    } else {
        put_failure(shim);
    }
    if (count) put_bytes(output, count); else put_byte(LUA_TAPE_NULL);
    send_frame();
}

// MARK: opening

static bool add_function(LuaShim *shim, Frame *frame, uint32_t number)
{
    static Buffer name;
    ways[number] = take_byte(frame);
    take_text(frame, &name);
    LuaShimName kind = ways[number] == LUA_FUNCTION_DENIED ? LUA_SHIM_NAME_DENIED
        : ways[number] == LUA_FUNCTION_VALUE               ? LUA_SHIM_NAME_VALUE
                                                           : LUA_SHIM_NAME_FUNCTION;
    return lua_shim_register(shim, (char *)name.bytes, number, kind);
}

// A state that does not fit into its memory is answered as one that is not there.
static LuaShim *open_state(Frame *frame, LuaShim **place)
{
    LuaShimOptions options = {0};
    options.memory_bytes = take_u64(frame);
    options.cpu_nanoseconds = (int64_t)take_u64(frame);
    options.request_bytes = take_u64(frame);
    options.reply_bytes = take_u64(frame);
    options.seed = take_u64(frame);
    function_count = take_u32(frame);
    if (function_count > 10000) _exit(71);
    free(ways);
    ways = calloc(function_count + 1, 1);
    if (!ways) _exit(70);
    LuaShim *shim = lua_shim_open(&options, answer_host_call, place);
    for (uint32_t i = 0; shim && i < function_count; i++) {
        if (add_function(shim, frame, i)) continue;
        lua_shim_close(shim);
        shim = NULL;
    }
    begin_frame(shim ? LUA_FRAME_DONE : LUA_FRAME_FAILED);
    put_u64(shim ? lua_shim_memory_used(shim) : 0);
    put_u64(0);
    if (!shim) {
        put_u32(0);
        put_u32(0);
        put_text("");
        put_text("");
    }
    put_byte(LUA_TAPE_NULL);
    send_frame();
    return shim;
}

// MARK: work

static void serve(LuaShim *shim, Frame *frame)
{
    static Buffer name;
    switch (frame->kind) {
    case LUA_FRAME_LOAD: {
        const char *chunk = take_text(frame, &name);
        send_outcome(shim, lua_shim_load(shim, frame->next, (size_t)(frame->end - frame->next), chunk));
        break;
    }
    case LUA_FRAME_CHECK: {
        const char *chunk = take_text(frame, &name);
        send_outcome(shim, lua_shim_check(shim, frame->next, (size_t)(frame->end - frame->next), chunk));
        break;
    }
    case LUA_FRAME_CALL: {
        bool context = take_byte(frame);
        const char *function = take_text(frame, &name);
        send_outcome(shim, lua_shim_call(shim, function, frame->next, (size_t)(frame->end - frame->next), context));
        break;
    }
    case LUA_FRAME_ANSWER: send_outcome(shim, lua_shim_resume(shim, take_answer(shim, frame))); break;
    case LUA_FRAME_CANCEL: lua_shim_cancel(shim); break;
    case LUA_FRAME_VALUE: send_outcome(shim, lua_shim_value(shim, take_text(frame, &name))); break;
    case LUA_FRAME_HAS:
        begin_frame(LUA_FRAME_FOUND);
        put_byte(lua_shim_has_function(shim, take_text(frame, &name)));
        send_frame();
        break;
    default: _exit(71);
    }
}

int main(void)
{
    LuaShim *shim = NULL;
    for (;;) {
        Frame frame = read_frame();
        if (frame.kind == LUA_FRAME_OPEN) {
            if (shim) lua_shim_close(shim);
            shim = NULL;
            shim = open_state(&frame, &shim);
        } else if (shim) {
            serve(shim, &frame);
        } else {
            _exit(71);
        }
    }
}
