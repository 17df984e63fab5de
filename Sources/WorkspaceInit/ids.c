/* Whose a workspace's processes and files are on the host. Started as root, each workspace has a range of ids of its own, so that
 * nothing the kernel counts a user (descriptors on their way, pages of pipes, watches) is shared with another; forks have their
 * parent's, since its files are theirs. Where tmpfs cannot be idmapped (before Linux 6.3) all share one range. */
#include "launcher.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef MOUNT_ATTR_IDMAP
#define MOUNT_ATTR_IDMAP 0x00100000
#endif

enum { RANGES = 16384 };

static uint16_t users[RANGES]; /* workspaces that live on each range */

uint32_t ids_take(const struct template *template, const struct opening *opening)
{
    if (!template->own_ids)
        return template->id_base;
    static uint32_t next;
    static bool begun;
    if (!begun)
        next = (uint32_t)getpid() * 1031 % RANGES; /* other launchers begin elsewhere */
    begun = true;
    uint32_t range = next;
    char path[64];
    struct stat st;
    if (opening->layer_count > 0) {
        snprintf(path, sizeof path, "/layers/%u", opening->layers[0]);
        if (stat(path, &st) == 0 && st.st_uid >= template->id_base)
            range = (st.st_uid - template->id_base) / template->id_count % RANGES;
    } else {
        /* When all are in use, some are shared. */
        for (int tried = 0; tried < RANGES && users[range] != 0; tried++)
            range = (range + 1) % RANGES;
        next = (range + 1) % RANGES;
    }
    users[range]++;
    return template->id_base + range * template->id_count;
}

void ids_give_back(const struct template *template, uint32_t base)
{
    if (template->own_ids)
        users[(base - template->id_base) / template->id_count % RANGES]--;
}

int ids_map(const struct template *template, const struct policy *policy, uint32_t base, pid_t pid)
{
    char path[64], map[64];
    if (template->privileged)
        snprintf(map, sizeof map, "0 %u %u", base, template->id_count);
    else
        snprintf(map, sizeof map, "%d 0 1", policy->root_identity ? 0 : ID_USER);
    snprintf(path, sizeof path, "/proc/%d/uid_map", pid);
    if (write_file_at(AT_FDCWD, path, map) != 0)
        return -1;
    snprintf(path, sizeof path, "/proc/%d/gid_map", pid);
    return write_file_at(AT_FDCWD, path, map);
}

int ids_map_mount(int tree, int namespace)
{
    struct mount_attr map = {.attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t)namespace};
    return (int)syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &map, sizeof map);
}

bool ids_map_tmpfs(int namespace)
{
    int filesystem = (int)syscall(SYS_fsopen, "tmpfs", FSOPEN_CLOEXEC), tree = -1;
    if (filesystem >= 0 && syscall(SYS_fsconfig, filesystem, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
        tree = (int)syscall(SYS_fsmount, filesystem, FSMOUNT_CLOEXEC, 0);
    bool can = tree >= 0 && ids_map_mount(tree, namespace) == 0;
    if (tree >= 0)
        close(tree);
    if (filesystem >= 0)
        close(filesystem);
    return can;
}

/* A user namespace with the workspaces' mapping, for idmapped mounts: it lives as long as its descriptor. */
int ids_namespace(const struct template *template)
{
    int gate[2];
    if (pipe2(gate, O_CLOEXEC) != 0)
        return -1;
    pid_t pid = fork();
    if (pid == 0) {
        char byte;
        if (unshare(CLONE_NEWUSER) != 0)
            _exit(1);
        close(gate[1]);
        (void)!read(gate[0], &byte, 1);
        _exit(0);
    }
    close(gate[0]);
    int fd = -1;
    char path[64], map[64];
    snprintf(map, sizeof map, "0 %u %u", template->id_base, template->id_count);
    /* The child may not have unshared yet: its map can be written only once it has. */
    for (int attempt = 0; pid > 0 && attempt < 2000; attempt++) {
        snprintf(path, sizeof path, "/proc/%d/uid_map", pid);
        char own[64];
        if (read_file_at(AT_FDCWD, path, own, sizeof own) == 0) {
            if (write_file_at(AT_FDCWD, path, map) == 0) {
                snprintf(path, sizeof path, "/proc/%d/gid_map", pid);
                write_file_at(AT_FDCWD, path, map);
                snprintf(path, sizeof path, "/proc/%d/ns/user", pid);
                fd = open(path, O_RDONLY | O_CLOEXEC);
            }
            break;
        }
        usleep(500);
    }
    close(gate[1]);
    if (pid > 0)
        waitpid(pid, NULL, 0);
    return fd;
}
