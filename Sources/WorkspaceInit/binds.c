/* What a workspace sees of the host besides the template. The launcher has left the host's root behind, so it goes back for a
 * moment, into a mount namespace kept for that, to take hold of the source; the workspace's init attaches it. */
#include "launcher.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <sched.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef MOUNT_ATTR_IDMAP
#define MOUNT_ATTR_IDMAP 0x00100000
#endif
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
    struct mount_attr map = {.attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t)mapping};
    /* Some file systems cannot; then their files are nobody's inside, which is safe. */
    if (mapping >= 0 && syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &map, sizeof map) != 0)
        *idmapped = false;
    return tree;
}

int bind_clone(const char *source, int mapping, bool *idmapped, struct failure *failure)
{
    return clone_read_only(AT_FDCWD, source, 0, source, mapping, idmapped, failure);
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
        bind->tree = clone_read_only(fd, "", AT_EMPTY_PATH, bind->source, template->mapping, &idmapped, failure);
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

int binds_attach(const char *root, const struct own_bind *binds, int count, struct failure *failure)
{
    for (int i = 0; i < count; i++) {
        int place = open_place(root, &binds[i]);
        if (place < 0)
            return fail(failure, errno, "make %s to bind %s there", binds[i].path, binds[i].source);
        long result = syscall(SYS_move_mount, binds[i].tree, "", place, "",
                              MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
        int error = errno;
        close(place);
        if (result != 0)
            return fail(failure, error, "bind %s at %s", binds[i].source, binds[i].path);
    }
    return 0;
}
