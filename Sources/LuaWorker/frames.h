// Frames as bytes; see LuaWorkerFrames.h.

#ifndef FRAMES_H
#define FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint8_t *bytes;
    size_t count, capacity;
} Buffer;

void buffer_append(Buffer *buffer, const void *bytes, size_t count);

// A frame being read. Taking more than there is ends the process: the host does not write such frames.
typedef struct {
    uint8_t kind;
    const uint8_t *next, *end;
} Frame;

uint8_t take_byte(Frame *frame);
uint32_t take_u32(Frame *frame);
uint64_t take_u64(Frame *frame);
const char *take_text(Frame *frame, Buffer *into); // ends with a zero, valid until `into` is used again

// Reads the next frame from standard input; it is valid until the next read. The end of input ends the process.
Frame read_frame(void);

// A frame being written.
void begin_frame(uint8_t kind);
void put_byte(uint8_t byte);
void put_u32(uint32_t word);
void put_u64(uint64_t word);
void put_bytes(const void *bytes, size_t count);
void put_text(const char *text);
void send_frame(void); // to standard output

#endif
