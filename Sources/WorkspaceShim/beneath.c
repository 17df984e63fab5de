#include "WorkspaceShim.h"

#include <errno.h>
#include <linux/openat2.h>
#include <sys/syscall.h>

int ise_open_beneath(int directory, const char *path, int flags, mode_t mode)
{
    struct open_how how = {.flags = (uint64_t)(unsigned)flags | O_CLOEXEC | O_NOFOLLOW,
                           .mode = (flags & O_CREAT) != 0 ? mode : 0,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};
    return (int)syscall(SYS_openat2, directory, path, &how, sizeof how);
}

int ise_open_in_root(int root, const char *path, int flags)
{
    struct open_how how = {.flags = (uint64_t)(unsigned)flags | O_CLOEXEC,
                           .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
    return (int)syscall(SYS_openat2, root, path, &how, sizeof how);
}

int ise_sync_file_system(int fd)
{
    return syncfs(fd);
}

int ise_exists_in_root(int root, const char *path)
{
    int fd = ise_open_in_root(root, path, O_PATH);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

int ise_write_all(int fd, const void *bytes, size_t length)
{
    const char *rest = bytes;
    while (length > 0) {
        ssize_t written = write(fd, rest, length);
        if (written < 0 && errno != EINTR)
            return -1;
        if (written > 0) {
            rest += written;
            length -= (size_t)written;
        }
    }
    return 0;
}
