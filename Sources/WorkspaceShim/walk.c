#include "WorkspaceShim.h"

#include <dirent.h>
#include <errno.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

enum { WALK_DEPTH = 256, WALK_PATH = 4096 };

struct walk {
    ise_walk_visit *visit;
    void *context;
    char path[WALK_PATH];
    int incomplete;
};

/* Overlayfs notes these on what it copied up from a lower layer, and on directories that hide one. */
static int has_attribute(int directory, const char *name, const char *attribute)
{
    char path[64], value;
    int fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return 0;
    snprintf(path, sizeof path, "user.overlay.%s", attribute);
    ssize_t length = fgetxattr(fd, path, &value, 1);
    int error = errno;
    close(fd);
    return length > 0 || (length < 0 && error == ERANGE);
}

/* Saturates: a file's time may be thousands of years off. */
static int64_t nanoseconds(const struct timespec *time)
{
    int64_t value;
    if (__builtin_mul_overflow((int64_t)time->tv_sec, 1000000000, &value) ||
        __builtin_add_overflow(value, time->tv_nsec, &value))
        return time->tv_sec < 0 ? INT64_MIN : INT64_MAX;
    return value;
}

static void walk_directory(struct walk *walk, int fd, size_t length, int depth)
{
    DIR *directory = fdopendir(fd);
    if (directory == NULL) {
        close(fd);
        walk->incomplete = 1;
        return;
    }
    struct dirent *item;
    while ((item = readdir(directory)) != NULL) {
        struct stat st;
        if (strcmp(item->d_name, ".") == 0 || strcmp(item->d_name, "..") == 0)
            continue;
        size_t name = strlen(item->d_name);
        if (length + 1 + name >= sizeof walk->path || fstatat(fd, item->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
            walk->incomplete = 1;
            continue;
        }
        walk->path[length] = '/';
        memcpy(walk->path + length + 1, item->d_name, name + 1);
        struct ise_walk_entry entry = {
            .path = walk->path,
            .path_length = length + 1 + name,
            .inode = st.st_ino,
            .mode = st.st_mode,
            .size = (uint64_t)st.st_size,
            .modified_ns = nanoseconds(&st.st_mtim),
            .changed_ns = nanoseconds(&st.st_ctim),
            .whiteout = S_ISCHR(st.st_mode) && st.st_rdev == 0,
        };
        if (S_ISREG(st.st_mode))
            entry.copied_up = has_attribute(fd, item->d_name, "origin");
        else if (S_ISDIR(st.st_mode))
            entry.opaque = has_attribute(fd, item->d_name, "opaque");
        walk->visit(walk->context, &entry);
        if (!S_ISDIR(st.st_mode))
            continue;
        int below = depth < WALK_DEPTH
                        ? openat(fd, item->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
                        : -1;
        if (below >= 0)
            walk_directory(walk, below, length + 1 + name, depth + 1);
        else
            walk->incomplete = 1;
    }
    closedir(directory);
}

int ise_walk(int directory, const char *below, ise_walk_visit *visit, void *context)
{
    struct walk walk = {.visit = visit, .context = context};
    int fd = openat(directory, below, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 0 : 1;
    walk_directory(&walk, fd, 0, 0);
    return walk.incomplete;
}

int ise_open_regular(int directory, const char *path)
{
    struct stat st;
    /* A directory may have become a link since it was walked: followed here, it would lead to the host's own files. */
    struct open_how how = {.flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV};
    int fd = (int)syscall(SYS_openat2, directory, path, &how, sizeof how);
    if (fd >= 0 && (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))) {
        close(fd);
        fd = -1;
    }
    return fd;
}
