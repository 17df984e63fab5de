#include "frames.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// The status tells the reader of a core-less death what happened.
enum { STATUS_NO_MEMORY = 70, STATUS_BAD_FRAME = 71, STATUS_BROKEN_PIPE = 72 };

enum { LARGEST_FRAME = 64 << 20 };

void buffer_append(Buffer *buffer, const void *bytes, size_t count)
{
    if (count > buffer->capacity - buffer->count) {
        size_t capacity = buffer->capacity ? buffer->capacity : 4096;
        while (capacity - buffer->count < count) capacity *= 2;
        uint8_t *grown = realloc(buffer->bytes, capacity);
        if (!grown) _exit(STATUS_NO_MEMORY);
        buffer->bytes = grown;
        buffer->capacity = capacity;
    }
    if (count) memcpy(buffer->bytes + buffer->count, bytes, count);
    buffer->count += count;
}

// MARK: taking apart

static const uint8_t *take(Frame *frame, size_t count)
{
    if ((size_t)(frame->end - frame->next) < count) _exit(STATUS_BAD_FRAME);
    const uint8_t *bytes = frame->next;
    frame->next += count;
    return bytes;
}

uint8_t take_byte(Frame *frame) { return *take(frame, 1); }

uint32_t take_u32(Frame *frame)
{
    uint32_t word;
    memcpy(&word, take(frame, sizeof word), sizeof word);
    return word;
}

uint64_t take_u64(Frame *frame)
{
    uint64_t word;
    memcpy(&word, take(frame, sizeof word), sizeof word);
    return word;
}

const char *take_text(Frame *frame, Buffer *into)
{
    uint32_t length = take_u32(frame);
    const uint8_t *bytes = take(frame, length);
    into->count = 0;
    buffer_append(into, bytes, length);
    buffer_append(into, "", 1);
    return (const char *)into->bytes;
}

// MARK: reading

static Buffer input; // [0, start) is the frame handed out last, [start, count) is what came behind it
static size_t start;

static void read_more(void)
{
    uint8_t chunk[64 << 10];
    ssize_t count = read(STDIN_FILENO, chunk, sizeof chunk);
    if (count < 0 && errno == EINTR) return;
    if (count <= 0) _exit(0); // the host is done with this worker
    buffer_append(&input, chunk, (size_t)count);
}

Frame read_frame(void)
{
    memmove(input.bytes, input.bytes + start, input.count - start);
    input.count -= start;
    start = 0;
    uint32_t length = 0;
    while (input.count < sizeof length) read_more();
    memcpy(&length, input.bytes, sizeof length);
    if (length < 1 || length > LARGEST_FRAME) _exit(STATUS_BAD_FRAME);
    while (input.count - sizeof length < length) read_more();
    start = sizeof length + length;
    const uint8_t *body = input.bytes + sizeof length;
    return (Frame){.kind = body[0], .next = body + 1, .end = body + length};
}

// MARK: writing

static Buffer output;

void begin_frame(uint8_t kind)
{
    output.count = 0;
    put_u32(0);
    put_byte(kind);
}

void put_byte(uint8_t byte) { buffer_append(&output, &byte, 1); }
void put_u32(uint32_t word) { buffer_append(&output, &word, sizeof word); }
void put_u64(uint64_t word) { buffer_append(&output, &word, sizeof word); }
void put_bytes(const void *bytes, size_t count) { buffer_append(&output, bytes, count); }

void put_text(const char *text)
{
    size_t length = strlen(text);
    put_u32((uint32_t)length);
    put_bytes(text, length);
}

void send_frame(void)
{
    uint32_t length = (uint32_t)(output.count - sizeof length);
    memcpy(output.bytes, &length, sizeof length);
    size_t sent = 0;
    while (sent < output.count) {
        ssize_t count = write(STDOUT_FILENO, output.bytes + sent, output.count - sent);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) _exit(STATUS_BROKEN_PIPE);
        sent += (size_t)count;
    }
}
