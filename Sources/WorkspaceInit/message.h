#ifndef ISE_MESSAGE_H
#define ISE_MESSAGE_H

#include "protocol.h"

#include <stdbool.h>
#include <stddef.h>

struct field {
    uint32_t tag;
    uint32_t length;
    const uint8_t *data;
};

/* A received message. `fds` belong to the receiver; `message_free` closes those that were not taken (set to -1). */
struct message {
    struct ise_header header;
    const uint8_t *fields;
    size_t length;
    int fds[ISE_MAX_FDS];
    int fd_count;
    void *mapping;
    uint8_t packet[ISE_MAX_PACKET];
};

/* 1: a message; 0: the peer is gone; -1: a broken packet, errno set. Blocks. */
int message_receive(int socket, struct message *message);
void message_free(struct message *message);
int message_take_fd(struct message *message, int index);

/* Walks the fields: `*offset` starts at 0. False at the end, and at a field that runs over the end. */
bool field_next(const struct message *message, size_t *offset, struct field *field);
uint64_t field_number(const struct field *field);
/* NULL unless the field is one string: NUL at its end and nowhere else. */
const char *field_string(const struct field *field);

/* A message being written; too much for one packet sets `overflow` and drops the field. */
struct reply {
    struct ise_header header;
    size_t length;
    bool overflow;
    uint8_t fields[ISE_MAX_PACKET - sizeof(struct ise_header)];
};

void reply_begin(struct reply *reply, enum ise_type type, uint32_t id);
void reply_number(struct reply *reply, enum ise_tag tag, uint64_t value);
void reply_bytes(struct reply *reply, enum ise_tag tag, const void *data, size_t length);
void reply_string(struct reply *reply, enum ise_tag tag, const char *text);
/* -1 when the peer is gone. */
int reply_send(int socket, struct reply *reply, const int *fds, int fd_count);
int reply_failed(int socket, uint32_t id, const char *stage, int error);

#endif
