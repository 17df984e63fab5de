/* What all workspaces share (the template, /dev, the host's directories) is seen by each through mounts of its own, on which the
 * kernel maps the owners to its ids. They are cloned before the init is, which so inherits them, and mapped as soon as its user
 * namespace is. */
#include "launcher.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The order in `opening->trees`. */
static const char *path_of(const struct template *template, int index)
{
    return index == 0 ? "/template" : index == 1 ? "/dev" : template->binds[index - 2].lower;
}

int trees_clone(const struct template *template, struct opening *opening, struct failure *failure)
{
    opening->tree_count = 0;
    for (int i = 0; template->own_ids && i < 2 + template->bind_count; i++) {
        const char *path = path_of(template, i);
        int tree = (int)syscall(SYS_open_tree, AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
        if (tree < 0) {
            fail(failure, errno, "clone the mount of %s", path);
            trees_close(opening);
            return -1;
        }
        opening->trees[opening->tree_count++] = tree;
    }
    return 0;
}

void trees_close(struct opening *opening)
{
    for (int i = 0; i < opening->tree_count; i++)
        close(opening->trees[i]);
    opening->tree_count = 0;
}

int trees_map(const struct opening *opening, pid_t pid)
{
    if (opening->tree_count == 0)
        return 0;
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/ns/user", pid);
    int namespace = open(path, O_RDONLY | O_CLOEXEC), result = namespace < 0 ? -1 : 0;
    for (int i = 0; i < opening->tree_count && result == 0; i++)
        /* Some of the host's file systems cannot; then their files are nobody's inside, which is safe. */
        if (ids_map_mount(opening->trees[i], namespace) != 0 && i < 2)
            result = -1;
    for (int i = 0; i < opening->bind_count && result == 0; i++)
        ids_map_mount(opening->binds[i].tree, namespace);
    int error = errno;
    close(namespace);
    errno = error;
    return result;
}

int trees_attach(const struct template *template, const struct opening *opening, struct failure *failure)
{
    for (int i = 0; i < opening->tree_count; i++) {
        const char *path = path_of(template, i);
        if (syscall(SYS_move_mount, opening->trees[i], "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH) != 0)
            return fail(failure, errno, "attach %s", path);
    }
    return 0;
}
