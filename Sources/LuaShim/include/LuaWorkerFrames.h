// What a Lua worker process (Sources/LuaWorker) and its host say to each other, over the worker's standard input and
// output. A frame is a u32 length, one byte that tells its kind, and that length less one of content. Integers are
// little-endian, a text is a u32 length and its bytes, a value is a tape (LuaShim.h).
//
// The host asks, the worker answers, one thing at a time. While it works on LOAD, CALL or ANSWER the worker may ask
// back, with ASK or WAITING, any number of times.

#ifndef LUA_WORKER_FRAMES_H
#define LUA_WORKER_FRAMES_H

enum {
    // To the worker.
    LUA_FRAME_OPEN = 1, // i64 memory, cpu, request, reply, u64 seed (LuaShimOptions); u32 count, host functions; -> DONE
    LUA_FRAME_LOAD = 2, // text chunk, the source; -> DONE or FAILED
    LUA_FRAME_CALL = 3, // u8 context, text function, value arguments; -> DONE or FAILED
    LUA_FRAME_ANSWER = 4, // u8 LuaShimReply, value; to ASK and WAITING
    LUA_FRAME_CANCEL = 5, // drops the call that is WAITING; no answer
    LUA_FRAME_VALUE = 6, // text member; -> DONE or FAILED
    LUA_FRAME_HAS = 7, // text member; -> FOUND
    LUA_FRAME_CHECK = 8, // text chunk, the source, which is parsed only; -> DONE or FAILED

    // From the worker.
    LUA_FRAME_DONE = 64, // i64 memory used, cpu used, value (nothing: null)
    LUA_FRAME_FAILED = 65, // i64 memory used, cpu used, u32 LuaShimErrorKind, u32 line, text file, text traceback, value
    LUA_FRAME_ASK = 66, // u32 function, value arguments; the worker does nothing else meanwhile
    LUA_FRAME_WAITING = 67, // the same; the call is suspended
    LUA_FRAME_FOUND = 68, // u8
};

// How a host function is answered, in OPEN: u8 of these, text name. Reading the name of a denied one or of a value asks
// the host, as with ASK; of a denied one the answer is an error.
enum {
    LUA_FUNCTION_ASK = 0,
    LUA_FUNCTION_WAITING = 1,
    LUA_FUNCTION_DENIED = 2,
    LUA_FUNCTION_VALUE = 3,
};

#endif
