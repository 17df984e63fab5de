/* What a workspace sees of the host besides the template. The launcher has left the host's root behind, so it goes back for a
 * moment, into a mount namespace kept for that, to take hold of the source; the workspace's init attaches it. */
#include "launcher.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef AT_RECURSIVE
#define AT_RECURSIVE 0x8000
#endif
#ifndef MOVE_MOUNT_T_EMPTY_PATH
#define MOVE_MOUNT_T_EMPTY_PATH 0x00000040
#endif

static int clone_read_only(int directory, const char *path, unsigned flags, const char *source, int mapping,
                           bool *idmapped, struct failure *failure)
{
    /* Without what is mounted below it: that was not asked for. Where the kernel refuses (mounts inherited from another
     * user's namespace stay together), they come along. */
    flags |= OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC;
    int tree = (int)syscall(SYS_open_tree, directory, path, flags);
    if (tree < 0)
        tree = (int)syscall(SYS_open_tree, directory, path, flags | AT_RECURSIVE);
    if (tree < 0)
        return fail(failure, errno, "clone the mount of %s", source);
    struct mount_attr attributes = {.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV};
    if (syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &attributes, sizeof attributes) != 0) {
        fail(failure, errno, "make the mount of %s read-only", source);
        close(tree);
        return -1;
    }
    /* Some file systems cannot; then their files are nobody's inside, which is safe. */
    if (mapping >= 0 && ids_map_mount(tree, mapping) != 0)
        *idmapped = false;
    return tree;
}

static bool leads_to(int directory, const char *name, const struct stat *wanted)
{
    struct stat st;
    return fstatat(directory, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_dev == wanted->st_dev &&
           st.st_ino == wanted->st_ino;
}

/* Where `fd` is a file in a directory of the same mount: the directory's, to put an overlay on; -1: not so. */
static int clone_directory_of(int fd, const char *source, char name[256], int mapping, bool *idmapped)
{
    struct stat st;
    struct failure failure;
    char link[64], path[PATH_SIZE];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? readlink(link, path, sizeof path - 1) : -1;
    path[length > 0 ? length : 0] = 0;
    char *slash = strrchr(path, '/');
    if (slash == NULL || strlen(slash + 1) > NAME_MAX)
        return -1;
    *slash = 0;
    int parent = open(slash == path ? "/" : path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int tree = parent < 0 ? -1 : clone_read_only(parent, "", AT_EMPTY_PATH, source, mapping, idmapped, &failure);
    close(parent);
    if (tree >= 0 && !leads_to(tree, slash + 1, &st)) {
        close(tree);
        return -1;
    }
    strcpy(name, slash + 1);
    return tree;
}

int bind_clone(int fd, const char *source, char name[256], int mapping, bool *idmapped, struct failure *failure)
{
    int tree = clone_directory_of(fd, source, name, mapping, idmapped);
    if (tree >= 0)
        return tree;
    name[0] = 0;
    return clone_read_only(fd, "", AT_EMPTY_PATH, source, mapping, idmapped, failure);
}

static int open_source(const struct template *template, struct own_bind *bind, struct failure *failure)
{
    struct stat st;
    struct open_how how = {.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC, .resolve = RESOLVE_NO_MAGICLINKS};
    int fd = (int)syscall(SYS_openat2, AT_FDCWD, bind->source, &how, sizeof how);
    if (fd < 0 || fstat(fd, &st) != 0)
        return fail(failure, errno, "take hold of %s", bind->source);
    bool idmapped = true;
    if (st.st_dev != bind->device || st.st_ino != bind->inode)
        fail(failure, ESTALE, "bind %s, which is not what it was a moment ago,", bind->source);
    else
        bind->tree = bind_clone(fd, bind->source, bind->name, template->mapping, &idmapped, failure);
    bind->directory = S_ISDIR(st.st_mode);
    close(fd);
    return bind->tree < 0 ? -1 : 0;
}

int binds_open(const struct template *template, struct own_bind *binds, int count, struct failure *failure)
{
    if (count == 0)
        return 0;
    int own = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC), result = 0;
    if (own < 0 || setns(template->source, CLONE_NEWNS) != 0) {
        result = fail(failure, errno, "look at the host's files");
        close(own);
        return result;
    }
    for (int i = 0; i < count && result == 0; i++)
        result = open_source(template, &binds[i], failure);
    if (setns(own, CLONE_NEWNS) != 0)
        _exit(73); /* a launcher that stays among the host's files would start workspaces there */
    close(own);
    return result;
}

void binds_close(struct own_bind *binds, int count)
{
    for (int i = 0; i < count; i++)
        if (binds[i].tree >= 0)
            close(binds[i].tree);
}

/* The place, made if it is not there: a link on the way would be the root's maker's, who may mean no good. */
static int open_place(const char *root, const struct own_bind *bind)
{
    const char *path = bind->path;
    int place = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    while (place >= 0 && *(path += strspn(path, "/")) != 0) {
        char name[NAME_MAX + 1];
        size_t length = strcspn(path, "/");
        if (length > NAME_MAX) {
            close(place);
            errno = ENAMETOOLONG;
            return -1;
        }
        memcpy(name, path, length);
        name[length] = 0;
        path += length;
        bool directory = bind->directory || path[strspn(path, "/")] != 0;
        if (directory) {
            mkdirat(place, name, 0755);
        } else {
            int made = openat(place, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
            if (made >= 0)
                close(made);
        }
        struct open_how how = {.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC | (directory ? O_DIRECTORY : 0),
                               .resolve = RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH};
        int below = (int)syscall(SYS_openat2, place, name, &how, sizeof how);
        int error = errno;
        close(place);
        errno = error;
        place = below;
    }
    return place;
}

/* What to attach: the bind by way of an overlay where that can be (mounts.c), or itself. */
static int open_covered(const struct own_bind *bind, int number)
{
    char at[300];
    snprintf(at, sizeof at, "/own/%d", number);
    if (!bind->directory && bind->name[0] == 0)
        return dup(bind->tree);
    if (syscall(SYS_move_mount, bind->tree, "", AT_FDCWD, at, MOVE_MOUNT_F_EMPTY_PATH) != 0)
        return -1;
    int covered = -1;
    if (overlay_read_only(at, at) == 0) {
        snprintf(at, sizeof at, "/own/%d/%s", number, bind->name);
        covered = (int)syscall(SYS_open_tree, AT_FDCWD, at, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW);
    }
    return covered >= 0 ? covered
                        : (int)syscall(SYS_open_tree, bind->tree, bind->name,
                                       OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW);
}

int binds_attach(const char *root, const struct own_bind *binds, int count, struct failure *failure)
{
    for (int i = 0; i < count; i++) {
        int place = open_place(root, &binds[i]);
        if (place < 0)
            return fail(failure, errno, "make %s to bind %s there", binds[i].path, binds[i].source);
        int tree = open_covered(&binds[i], i);
        long result = tree < 0 ? -1
                               : syscall(SYS_move_mount, tree, "", place, "",
                                         MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
        int error = errno;
        close(tree);
        close(place);
        if (result != 0)
            return fail(failure, error, "bind %s at %s", binds[i].source, binds[i].path);
    }
    return 0;
}
