#include "WorkspaceShim.h"

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif

/* Descriptors 0 to 3 have a meaning in what is started; ours must be none of them. Closes the old one; -1 and errno on failure. */
static int move_up(int fd)
{
    if (fd < 0 || fd > 3)
        return fd;
    int moved = fcntl(fd, F_DUPFD_CLOEXEC, 4);
    int error = errno;
    close(fd);
    errno = error;
    return moved;
}

static int sealed_copy(const void *image, size_t length)
{
    int fd = memfd_create("ise-init", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);
    if (fd < 0 && errno == EINVAL) /* before Linux 6.3 */
        fd = memfd_create("ise-init", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    fd = move_up(fd);
    if (fd < 0)
        return -1;
    for (size_t done = 0; done < length;) {
        ssize_t written = write(fd, (const char *)image + done, length - done);
        if (written <= 0) {
            close(fd);
            return -1;
        }
        done += (size_t)written;
    }
    if (fchmod(fd, 0555) != 0 || fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static int spawn(int image, int socket, pid_t *pid)
{
    char path[64], *const arguments[] = {"ise-launcher", NULL}, *const environment[] = {NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t all, none;
    sigfillset(&all);
    sigemptyset(&none);
    snprintf(path, sizeof path, "/proc/self/fd/%d", image);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    int error = 0;
    for (int fd = 0; fd < 3 && error == 0; fd++)
        error = posix_spawn_file_actions_addopen(&actions, fd, "/dev/null", O_RDWR, 0);
    if (error == 0)
        error = posix_spawn_file_actions_adddup2(&actions, socket, 3);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSID);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setsigmask(&attributes, &none);
    if (error == 0)
        error = posix_spawn(pid, path, &actions, &attributes, arguments, environment);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return error;
}

int ise_socket_pair(int sockets[2])
{
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) != 0)
        return errno;
    for (int i = 0; i < 2; i++)
        if ((sockets[i] = move_up(sockets[i])) < 0) {
            int error = errno;
            close(sockets[1 - i]);
            return error;
        }
    return 0;
}

int ise_launch(const void *image, size_t length, int *socket, pid_t *pid)
{
    int sockets[2];
    int fd = sealed_copy(image, length);
    if (fd < 0)
        return errno;
    int error = ise_socket_pair(sockets);
    if (error == 0) {
        error = spawn(fd, sockets[1], pid);
        close(sockets[1]);
        if (error != 0)
            close(sockets[0]);
        *socket = sockets[0];
    }
    close(fd);
    return error;
}

static int fields_to_memory(const void *bytes, size_t length)
{
    int fd = memfd_create("ise-message", MFD_CLOEXEC);
    const char *fields = (const char *)bytes + sizeof(struct ise_header);
    size_t left = length - sizeof(struct ise_header);
    while (fd >= 0 && left > 0) {
        ssize_t written = write(fd, fields, left);
        if (written <= 0) {
            close(fd);
            return -1;
        }
        fields += written;
        left -= (size_t)written;
    }
    return fd;
}

int ise_send(int socket, const void *bytes, size_t length, const int *fds, int fd_count)
{
    int all[ISE_MAX_FDS], memory = -1;
    struct ise_header header;
    if (length < sizeof header || length > ISE_MAX_MESSAGE || fd_count >= ISE_MAX_FDS)
        return EMSGSIZE;
    memcpy(&header, bytes, sizeof header);
    if (fd_count > 0)
        memcpy(all, fds, sizeof(int) * (size_t)fd_count);
    struct iovec part = {(void *)bytes, length};
    if (length > ISE_MAX_PACKET) {
        memory = fields_to_memory(bytes, length);
        if (memory < 0)
            return errno;
        header.flags |= ISE_IN_MEMFD;
        part = (struct iovec){&header, sizeof header};
        all[fd_count++] = memory;
    }
    union {
        char space[CMSG_SPACE(sizeof(int) * ISE_MAX_FDS)];
        struct cmsghdr align;
    } control;
    memset(&control, 0, sizeof control);
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (fd_count > 0) {
        message.msg_control = control.space;
        message.msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)fd_count);
        struct cmsghdr *c = CMSG_FIRSTHDR(&message);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int) * (size_t)fd_count);
        memcpy(CMSG_DATA(c), all, sizeof(int) * (size_t)fd_count);
    }
    ssize_t sent;
    do
        sent = sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (sent < 0 && errno == EINTR);
    int error = sent < 0 ? errno : 0;
    if (memory >= 0)
        close(memory);
    return error;
}

ssize_t ise_receive(int socket, void *bytes, size_t capacity, int fds[ISE_MAX_FDS], int *fd_count)
{
    union {
        char space[CMSG_SPACE(sizeof(int) * ISE_MAX_FDS)];
        struct cmsghdr align;
    } control;
    struct iovec part = {bytes, capacity};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.space, .msg_controllen = sizeof control.space};
    ssize_t length;
    *fd_count = 0;
    do
        length = recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    while (length < 0 && errno == EINTR);
    if (length < 0)
        return errno == ECONNRESET ? 0 : -errno;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c != NULL; c = CMSG_NXTHDR(&message, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        int count = (int)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
        memcpy(fds, CMSG_DATA(c), (size_t)count * sizeof(int));
        *fd_count = count;
    }
    return length;
}

int ise_pipe(int ends[2], bool read_end_waits)
{
    if (pipe2(ends, O_CLOEXEC) != 0)
        return errno;
    int ours = read_end_waits ? ends[1] : ends[0];
    if (fcntl(ours, F_SETFL, O_NONBLOCK) == 0)
        return 0;
    int error = errno;
    close(ends[0]);
    close(ends[1]);
    return error;
}

int ise_bytes_waiting(int fd)
{
    int count = 0;
    return ioctl(fd, FIONREAD, &count) == 0 ? count : 0;
}

bool ise_tmpfs_has_attributes(void)
{
    int file = memfd_create("ise-attributes", MFD_CLOEXEC); /* is one of a tmpfs */
    bool has = file >= 0 && fsetxattr(file, "user.ise", "", 0, 0) == 0;
    if (file >= 0)
        close(file);
    return has;
}

unsigned long ise_raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 0;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur;
}
