/* Shared by the fuzz targets: turns the fuzzer's bytes into a received message, by the same code as in the init. */
#ifndef ISE_FUZZ_COMMON_H
#define ISE_FUZZ_COMMON_H

#include "init.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

/* The first byte says how the rest arrives: bit 0 in a memory file, bits 1 to 3 with so many descriptors. False: as a broken
 * packet. The caller frees the message. */
static bool arrive(const uint8_t *data, size_t size, struct message *message)
{
    static int sockets[2] = {-1, -1};
    if (sockets[0] < 0 && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) != 0)
        abort();
    if (size < 1)
        return false;
    uint8_t how = data[0];
    data++, size--;
    int fds[ISE_MAX_FDS + 1], count = (how >> 1 & 7), given = 0, memory = -1;
    for (int i = 0; i < count; i++)
        fds[given++] = 0;
    struct ise_header header = {0};
    if ((how & 1) && size >= sizeof header) {
        memory = memfd_create("fuzz", MFD_CLOEXEC);
        memcpy(&header, data, sizeof header);
        header.flags |= ISE_IN_MEMFD;
        (void)!write(memory, data + sizeof header, size - sizeof header);
        fds[given++] = memory;
        data = (const uint8_t *)&header, size = sizeof header;
    }
    union {
        char space[CMSG_SPACE(sizeof fds)];
        struct cmsghdr align;
    } control;
    memset(&control, 0, sizeof control);
    struct iovec part = {(void *)data, size > 200000 ? 200000 : size};
    struct msghdr packet = {.msg_iov = &part, .msg_iovlen = 1};
    if (given > 0) {
        packet.msg_control = control.space;
        packet.msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)given);
        struct cmsghdr *c = CMSG_FIRSTHDR(&packet);
        c->cmsg_level = SOL_SOCKET, c->cmsg_type = SCM_RIGHTS, c->cmsg_len = CMSG_LEN(sizeof(int) * (size_t)given);
        memcpy(CMSG_DATA(c), fds, sizeof(int) * (size_t)given);
    }
    ssize_t sent = part.iov_len == 0 ? -1 : sendmsg(sockets[1], &packet, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (memory >= 0)
        close(memory);
    return sent >= 0 && message_receive(sockets[0], message) == 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
