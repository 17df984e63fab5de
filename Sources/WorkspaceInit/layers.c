/* A frozen layer is the tmpfs that a workspace has written to, mounted read-only in the launcher's own namespace: the mount
 * namespaces of workspaces started later are copies of that one, so they find it at the same place, and the kernel keeps it alive
 * for as long as one of them lives. Nothing is copied. */
#include "launcher.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A clone of a mount can only be made in the namespace that the mount is in. */
static int clone_mount(const struct upper *upper)
{
    int own = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
    int tree = -1, error = errno;
    if (own >= 0 && setns(upper->namespace, CLONE_NEWNS) == 0) {
        tree = (int)syscall(SYS_open_tree, upper->directory, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
        error = errno;
        if (setns(own, CLONE_NEWNS) != 0)
            _exit(73); /* a launcher in a workspace's namespace would start the next ones from there */
    }
    close(own);
    errno = error;
    return tree;
}

int layer_freeze(uint32_t number, const struct upper *upper, struct failure *failure)
{
    char path[64];
    int tree = clone_mount(upper);
    if (tree < 0)
        return fail(failure, errno, "clone the mount of the upper layer");
    struct mount_attr attributes = {.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV};
    snprintf(path, sizeof path, "/layers/%u", number);
    int result = mkdir(path, 0755);
    if (result == 0)
        result = (int)syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attributes, sizeof attributes);
    if (result == 0)
        result = (int)syscall(SYS_move_mount, tree, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH);
    int error = errno;
    close(tree);
    if (result != 0) {
        rmdir(path);
        return fail(failure, error, "attach the frozen layer");
    }
    return 0;
}

void layer_release(uint32_t number)
{
    char path[64];
    snprintf(path, sizeof path, "/layers/%u", number);
    umount2(path, MNT_DETACH);
    rmdir(path);
}
