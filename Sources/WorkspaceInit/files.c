/* The host's file requests, served inside the workspace's root as the commands' user: so no link can lead out, and permissions
 * are the ones a command would meet. A file goes to the host as a descriptor; it moves the bytes itself. */
#include "init.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

enum { MAX_DEPTH = 64 };

struct file_request {
    const char *path;
    uint64_t flags, limit;
    mode_t mode;
};

static int read_request(const struct message *message, struct file_request *request)
{
    struct field field;
    size_t offset = 0;
    *request = (struct file_request){.mode = 0644, .limit = UINT64_MAX};
    while (field_next(message, &offset, &field))
        switch (field.tag) {
        case ISE_T_PATH: request->path = field_string(&field); break;
        case ISE_T_FLAGS: request->flags = field_number(&field); break;
        case ISE_T_LIMIT: request->limit = field_number(&field); break;
        case ISE_T_MODE: request->mode = (mode_t)field_number(&field) & 0777; break;
        default: return -1;
        }
    return request->path != NULL && request->path[0] == '/' ? 0 : -1;
}

/* Magic links (/proc/self/fd/N) would be the init's, not the command's. */
static int open_inside(int directory, const char *path, int flags, mode_t mode)
{
    struct open_how how = {.flags = (uint64_t)flags | O_CLOEXEC, .mode = mode, .resolve = RESOLVE_NO_MAGICLINKS};
    return (int)syscall(SYS_openat2, directory, path, &how, sizeof how);
}

/* /proc shows the init to itself: what a command may see there, it can read with a command. */
static int refuse_special(int fd)
{
    struct statfs fs;
    struct stat st;
    if (fstat(fd, &st) != 0 || fstatfs(fd, &fs) != 0)
        return -1;
    if (S_ISDIR(st.st_mode))
        errno = EISDIR;
    else if (!S_ISREG(st.st_mode) || fs.f_type == PROC_SUPER_MAGIC)
        errno = EINVAL;
    else
        return 0;
    return -1;
}

/* Opens the directory that the path's last name is in, and makes those on the way if asked to: step by step, so that nothing is
 * looked up but by open_inside. `name` gets the last name, never empty nor with a slash; "." stands for the root itself. */
static int open_parent(const char *path, bool make, char name[NAME_MAX + 1])
{
    int directory = open_inside(AT_FDCWD, "/", O_PATH | O_DIRECTORY, 0);
    strcpy(name, ".");
    while (directory >= 0) {
        path += strspn(path, "/");
        size_t length = strcspn(path, "/");
        if (length == 0)
            return directory;
        if (length > NAME_MAX) {
            close(directory);
            errno = ENAMETOOLONG;
            return -1;
        }
        memcpy(name, path, length);
        name[length] = 0;
        path += length;
        if (path[strspn(path, "/")] == 0)
            return directory;
        int below = -1;
        if (!make || mkdirat(directory, name, 0755) == 0 || errno == EEXIST)
            below = open_inside(directory, name, O_PATH | O_DIRECTORY, 0);
        int error = errno;
        close(directory);
        errno = error;
        directory = below;
    }
    return -1;
}

static int open_file(const struct file_request *request)
{
    char name[NAME_MAX + 1];
    if (request->flags & ISE_MAKE_PARENTS) {
        int parent = open_parent(request->path, true, name);
        if (parent < 0)
            return -1;
        close(parent);
    }
    int flags = O_RDONLY;
    if (request->flags & ISE_OPEN_WRITE)
        flags = O_WRONLY | O_CREAT | (request->flags & ISE_OPEN_APPEND ? O_APPEND : O_TRUNC) |
                (request->flags & ISE_OPEN_EXCLUSIVE ? O_EXCL : 0);
    /* Never waits for a pipe's other end, never takes a terminal. O_TRUNC of anything but a regular file does nothing. */
    int fd = open_inside(AT_FDCWD, request->path, flags | O_NONBLOCK | O_NOCTTY, flags & O_CREAT ? request->mode : 0);
    if (fd >= 0 && refuse_special(fd) != 0) {
        int error = errno;
        close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

/* ---- listing ---- */

struct listing {
    FILE *out;
    uint64_t left;
    bool truncated, recursive;
};

/* Saturates: a file's time may be thousands of years off. */
static int64_t nanoseconds(const struct timespec *time)
{
    int64_t value;
    if (__builtin_mul_overflow((int64_t)time->tv_sec, 1000000000, &value) ||
        __builtin_add_overflow(value, time->tv_nsec, &value))
        return time->tv_sec < 0 ? INT64_MIN : INT64_MAX;
    return value;
}

static void add_entry(struct listing *listing, const struct stat *st, const char *path)
{
    struct ise_entry entry = {(uint64_t)st->st_size, nanoseconds(&st->st_mtim),
                              st->st_mode, (uint32_t)st->st_nlink};
    uint32_t head[2] = {ISE_T_ENTRY, (uint32_t)(sizeof entry + strlen(path))};
    fwrite(head, sizeof head, 1, listing->out);
    fwrite(&entry, sizeof entry, 1, listing->out);
    fwrite(path, strlen(path), 1, listing->out);
}

static int list_directory(struct listing *listing, int fd, const char *prefix, int depth)
{
    DIR *directory = fdopendir(fd);
    if (directory == NULL) {
        close(fd);
        return -1;
    }
    struct dirent *item;
    while ((item = readdir(directory)) != NULL) {
        char path[PATH_SIZE];
        struct stat st;
        if (strcmp(item->d_name, ".") == 0 || strcmp(item->d_name, "..") == 0)
            continue;
        if (listing->left == 0 ||
            snprintf(path, sizeof path, "%s%s%s", prefix, *prefix ? "/" : "", item->d_name) >= (int)sizeof path) {
            listing->truncated = true;
            break;
        }
        if (fstatat(fd, item->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
            continue; /* it went away meanwhile */
        listing->left--;
        add_entry(listing, &st, path);
        if (!listing->recursive || !S_ISDIR(st.st_mode))
            continue;
        int below = depth < MAX_DEPTH ? openat(fd, item->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
        if (below < 0 || list_directory(listing, below, path, depth + 1) != 0)
            listing->truncated = true;
    }
    closedir(directory);
    return 0;
}

/* The listing may be long, so it goes by a memory file whose contents are fields. */
static int list(const struct file_request *request)
{
    int directory = open_inside(AT_FDCWD, request->path, O_RDONLY | O_DIRECTORY, 0);
    if (directory < 0)
        return -1;
    int fd = memfd_create("listing", MFD_CLOEXEC);
    int copy = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 3);
    FILE *out = copy < 0 ? NULL : fdopen(copy, "w");
    if (out == NULL) {
        int error = errno;
        close(directory);
        close(fd);
        errno = error;
        return -1;
    }
    struct listing listing = {out, request->limit, false, (request->flags & ISE_RECURSIVE) != 0};
    list_directory(&listing, directory, "", 0);
    uint32_t end[3] = {ISE_T_TRUNCATED, sizeof(uint32_t), listing.truncated};
    fwrite(end, sizeof end, 1, out);
    if (fclose(out) != 0) {
        close(fd);
        errno = ENOMEM;
        return -1;
    }
    return fd;
}

/* ---- changes ---- */

static int remove_tree(int parent, const char *name, int depth)
{
    if (unlinkat(parent, name, 0) == 0)
        return 0;
    if (errno != EISDIR && errno != EPERM)
        return -1;
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -1;
    if (depth == MAX_DEPTH) {
        close(fd);
        errno = ELOOP;
        return -1;
    }
    DIR *directory = fdopendir(fd);
    struct dirent *item;
    int result = directory == NULL ? -1 : 0;
    while (result == 0 && (item = readdir(directory)) != NULL)
        if (strcmp(item->d_name, ".") != 0 && strcmp(item->d_name, "..") != 0)
            result = remove_tree(fd, item->d_name, depth + 1);
    int error = errno;
    if (directory != NULL)
        closedir(directory);
    else
        close(fd);
    errno = error;
    return result == 0 ? unlinkat(parent, name, AT_REMOVEDIR) : -1;
}

static int remove_path(const struct file_request *request)
{
    char name[NAME_MAX + 1];
    int parent = open_parent(request->path, false, name);
    if (parent < 0)
        return -1;
    int result;
    if (request->flags & ISE_RECURSIVE)
        result = remove_tree(parent, name, 0);
    else if ((result = unlinkat(parent, name, 0)) != 0 && errno == EISDIR)
        result = unlinkat(parent, name, AT_REMOVEDIR);
    int error = errno;
    close(parent);
    errno = error;
    return result;
}

static int make_directory(const struct file_request *request)
{
    char name[NAME_MAX + 1];
    int parent = open_parent(request->path, true, name);
    if (parent < 0)
        return -1;
    int result = mkdirat(parent, name, 0755), error = errno;
    if (result != 0 && error == EEXIST) {
        int there = open_inside(parent, name, O_PATH | O_DIRECTORY, 0);
        result = there >= 0 ? 0 : -1;
        if (there >= 0)
            close(there);
    }
    close(parent);
    errno = error;
    return result;
}

static void answer_stat(struct init *init, uint32_t id, const struct file_request *request)
{
    struct stat st;
    int fd = open_inside(AT_FDCWD, request->path, O_PATH | O_NOFOLLOW, 0);
    if (fd < 0 || fstat(fd, &st) != 0) {
        reply_failed(init->socket, id, "look at the file", errno);
        if (fd >= 0)
            close(fd);
        return;
    }
    close(fd);
    struct ise_entry entry = {(uint64_t)st.st_size, (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec,
                              st.st_mode, (uint32_t)st.st_nlink};
    reply_begin(&init->reply, ISE_FILE, id);
    reply_bytes(&init->reply, ISE_T_ENTRY, &entry, sizeof entry);
    reply_send(init->socket, &init->reply, NULL, 0);
}

static void answer_descriptor(struct init *init, uint32_t id, int fd, const char *stage)
{
    if (fd < 0) {
        reply_failed(init->socket, id, stage, errno);
        return;
    }
    reply_begin(&init->reply, ISE_FILE, id);
    if (reply_send(init->socket, &init->reply, &fd, 1) != 0)
        reply_failed(init->socket, id, "hand over the file", errno); /* the host must not wait for nothing */
    close(fd);
}

static void answer_done(struct init *init, uint32_t id, int result, const char *stage)
{
    if (result != 0) {
        reply_failed(init->socket, id, stage, errno);
        return;
    }
    reply_begin(&init->reply, ISE_DONE, id);
    reply_send(init->socket, &init->reply, NULL, 0);
}

void serve_file(struct init *init, struct message *message)
{
    struct file_request request;
    uint32_t id = message->header.id;
    if (read_request(message, &request) != 0) {
        reply_failed(init->socket, id, "read the file request", EINVAL);
        return;
    }
    if (init->user_switch) {
        setfsgid(ID_USER);
        setfsuid(ID_USER);
    }
    switch (message->header.type) {
    case ISE_OPEN_FILE: answer_descriptor(init, id, open_file(&request), "open the file"); break;
    case ISE_LIST: answer_descriptor(init, id, list(&request), "list the directory"); break;
    case ISE_STAT: answer_stat(init, id, &request); break;
    case ISE_REMOVE: answer_done(init, id, remove_path(&request), "remove"); break;
    default: answer_done(init, id, make_directory(&request), "make the directory"); break;
    }
    if (init->user_switch) {
        setfsuid(0);
        setfsgid(0);
    }
}
