#include "message.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static void take_descriptors(struct msghdr *header, struct message *message)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c != NULL; c = CMSG_NXTHDR(header, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        int count = (int)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
        for (int i = 0; i < count; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(c) + (size_t)i * sizeof(int), sizeof fd);
            if (message->fd_count < ISE_MAX_FDS)
                message->fds[message->fd_count++] = fd;
            else
                close(fd);
        }
    }
}

/* The fields are in the last descriptor. */
static int map_fields(struct message *message)
{
    struct stat st;
    if (message->fd_count == 0 || fstat(message->fds[message->fd_count - 1], &st) != 0) {
        errno = EBADMSG;
        return -1;
    }
    if (st.st_size <= 0 || st.st_size > ISE_MAX_MESSAGE) {
        errno = EMSGSIZE;
        return -1;
    }
    int fd = message->fds[--message->fd_count];
    void *mapping = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    if (mapping == MAP_FAILED)
        return -1;
    message->mapping = mapping;
    message->fields = mapping;
    message->length = (size_t)st.st_size;
    return 0;
}

int message_receive(int socket, struct message *message)
{
    message->fd_count = 0;
    message->mapping = NULL;
    union {
        char space[CMSG_SPACE(sizeof(int) * ISE_MAX_FDS)];
        struct cmsghdr align;
    } control;
    struct iovec part = {message->packet, sizeof message->packet};
    struct msghdr header = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.space, .msg_controllen = sizeof control.space};
    ssize_t length;
    do
        length = recvmsg(socket, &header, MSG_CMSG_CLOEXEC);
    while (length < 0 && errno == EINTR);
    if (length < 0)
        return errno == ECONNRESET ? 0 : -1;
    if (length == 0)
        return 0;
    take_descriptors(&header, message);
    if ((size_t)length < sizeof message->header || (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC))) {
        message_free(message);
        errno = EBADMSG;
        return -1;
    }
    memcpy(&message->header, message->packet, sizeof message->header);
    message->fields = message->packet + sizeof message->header;
    message->length = (size_t)length - sizeof message->header;
    if ((message->header.flags & ISE_IN_MEMFD) && map_fields(message) != 0) {
        int error = errno;
        message_free(message);
        errno = error;
        return -1;
    }
    return 1;
}

void message_free(struct message *message)
{
    for (int i = 0; i < message->fd_count; i++)
        if (message->fds[i] >= 0)
            close(message->fds[i]);
    message->fd_count = 0;
    if (message->mapping != NULL)
        munmap(message->mapping, message->length);
    message->mapping = NULL;
}

int message_take_fd(struct message *message, int index)
{
    if (index >= message->fd_count)
        return -1;
    int fd = message->fds[index];
    message->fds[index] = -1;
    return fd;
}

bool field_next(const struct message *message, size_t *offset, struct field *field)
{
    uint32_t head[2];
    if (message->length - *offset < sizeof head)
        return false;
    memcpy(head, message->fields + *offset, sizeof head);
    if (head[1] > message->length - *offset - sizeof head)
        return false;
    field->tag = head[0];
    field->length = head[1];
    field->data = message->fields + *offset + sizeof head;
    *offset += sizeof head + head[1];
    return true;
}

uint64_t field_number(const struct field *field)
{
    if (field->length == sizeof(uint32_t)) {
        uint32_t value;
        memcpy(&value, field->data, sizeof value);
        return value;
    }
    uint64_t value = 0;
    if (field->length == sizeof value)
        memcpy(&value, field->data, sizeof value);
    return value;
}

const char *field_string(const struct field *field)
{
    if (field->length == 0 || memchr(field->data, 0, field->length) != field->data + field->length - 1)
        return NULL;
    return (const char *)field->data;
}

void reply_begin(struct reply *reply, enum ise_type type, uint32_t id)
{
    reply->header = (struct ise_header){.type = (uint16_t)type, .id = id};
    reply->length = 0;
    reply->overflow = false;
}

void reply_bytes(struct reply *reply, enum ise_tag tag, const void *data, size_t length)
{
    uint32_t head[2] = {(uint32_t)tag, (uint32_t)length};
    if (sizeof reply->fields - reply->length < sizeof head + length) {
        reply->overflow = true;
        return;
    }
    memcpy(reply->fields + reply->length, head, sizeof head);
    memcpy(reply->fields + reply->length + sizeof head, data, length);
    reply->length += sizeof head + length;
}

void reply_number(struct reply *reply, enum ise_tag tag, uint64_t value)
{
    reply_bytes(reply, tag, &value, sizeof value);
}

void reply_string(struct reply *reply, enum ise_tag tag, const char *text)
{
    reply_bytes(reply, tag, text, strlen(text) + 1);
}

int reply_send(int socket, struct reply *reply, const int *fds, int fd_count)
{
    union {
        char space[CMSG_SPACE(sizeof(int) * ISE_MAX_FDS)];
        struct cmsghdr align;
    } control;
    struct iovec parts[2] = {{&reply->header, sizeof reply->header}, {reply->fields, reply->length}};
    struct msghdr header = {.msg_iov = parts, .msg_iovlen = 2};
    if (fd_count > 0) {
        memset(&control, 0, sizeof control);
        header.msg_control = control.space;
        header.msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)fd_count);
        struct cmsghdr *c = CMSG_FIRSTHDR(&header);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int) * (size_t)fd_count);
        memcpy(CMSG_DATA(c), fds, sizeof(int) * (size_t)fd_count);
    }
    ssize_t sent;
    do
        sent = sendmsg(socket, &header, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? -1 : 0;
}

int reply_failed(int socket, uint32_t id, const char *stage, int error)
{
    static struct reply reply; /* too large for a small stack; the program has one thread */
    reply_begin(&reply, ISE_FAILED, id);
    reply_string(&reply, ISE_T_STAGE, stage);
    reply_number(&reply, ISE_T_ERRNO, (uint64_t)error);
    return reply_send(socket, &reply, NULL, 0);
}
