/* Mounts, devices, descriptors, the parts of /proc. */
#include "probe.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <time.h>

#ifndef OPEN_TREE_CLONE
#define OPEN_TREE_CLONE 1
#endif
#ifndef SYS_open_tree_attr
#define SYS_open_tree_attr 467
#endif

static void mounts(int count, char **arguments)
{
    (void)count, (void)arguments;
    TRY("tmpfs", mount("probe", "/tmp", "tmpfs", 0, "size=4k"));
    TRY("bind", mount("/usr", "/tmp", NULL, MS_BIND, NULL));
    TRY("proc", mount("probe", "/tmp", "proc", 0, NULL));
    TRY("sysfs", mount("probe", "/tmp", "sysfs", 0, NULL));
    TRY("cgroup", mount("probe", "/tmp", "cgroup", 0, "memory"));
    TRY("cgroup2", mount("probe", "/tmp", "cgroup2", 0, NULL));
    TRY("overlay", mount("probe", "/tmp", "overlay", 0, "lowerdir=/usr:/bin"));
    TRY("binfmt_misc", mount("probe", "/tmp", "binfmt_misc", 0, NULL));
    TRY("devtmpfs", mount("probe", "/tmp", "devtmpfs", 0, NULL));
    TRY("mqueue", mount("probe", "/tmp", "mqueue", 0, NULL));
    TRY("debugfs", mount("probe", "/tmp", "debugfs", 0, NULL));
    TRY("usr_writable", mount(NULL, "/usr", NULL, MS_REMOUNT | MS_BIND, NULL));
    TRY("proc_sys_writable", mount(NULL, "/proc/sys", NULL, MS_REMOUNT | MS_BIND, NULL));
    TRY("root_suid", mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND, NULL));
    TRY("shared", mount(NULL, "/", NULL, MS_SHARED | MS_REC, NULL));
    TRY("moved", mount("/proc", "/tmp", NULL, MS_MOVE, NULL));
}

static void new_mounts(int count, char **arguments)
{
    (void)count, (void)arguments;
    struct mount_attr attributes = {.attr_clr = MOUNT_ATTR_RDONLY};
    TRY("fsopen", syscall(SYS_fsopen, "tmpfs", 0));
    TRY("fsconfig", syscall(SYS_fsconfig, -1, 6, NULL, NULL, 0));
    TRY("fsmount", syscall(SYS_fsmount, -1, 0, 0));
    TRY("fspick", syscall(SYS_fspick, AT_FDCWD, "/tmp", 0));
    TRY("open_tree", syscall(SYS_open_tree, AT_FDCWD, "/usr", OPEN_TREE_CLONE));
    TRY("open_tree_plain", syscall(SYS_open_tree, AT_FDCWD, "/usr", 0));
    TRY("open_tree_attr", syscall(SYS_open_tree_attr, AT_FDCWD, "/usr", OPEN_TREE_CLONE, &attributes, sizeof attributes));
    TRY("move_mount", syscall(SYS_move_mount, AT_FDCWD, "/usr", AT_FDCWD, "/tmp", 0));
    TRY("mount_setattr", syscall(SYS_mount_setattr, AT_FDCWD, "/usr", 0, &attributes, sizeof attributes));
}

static void unmounts(int count, char **arguments)
{
    (void)count, (void)arguments;
    static const char *const paths[] = {"/proc/kcore", "/proc/sys", "/proc", "/usr", "/dev/shm", "/dev", "/"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        TRY(paths[i], umount2(paths[i], MNT_DETACH));
}

static void roots(int count, char **arguments)
{
    (void)count, (void)arguments;
    mkdir("/tmp/jail", 0755);
    TRY("pivot_root", syscall(SYS_pivot_root, ".", "."));
    TRY("chroot_here", chroot("."));
    /* The classic: hold the root, go below, climb. */
    int root = open("/", O_RDONLY | O_DIRECTORY);
    TRY("chroot_below", chroot("/tmp/jail"));
    if (root >= 0 && fchdir(root) == 0)
        for (int i = 0; i < 64; i++)
            (void)!chdir("..");
    struct stat here, inside;
    report_text("climbed", stat(".", &here) == 0 && stat("/", &inside) == 0 && here.st_ino == inside.st_ino &&
                                   here.st_dev == inside.st_dev
                               ? "same root"
                               : "other root");
}

static void handles(int count, char **arguments)
{
    (void)count, (void)arguments;
    struct {
        struct file_handle head;
        unsigned char bytes[128];
    } handle = {.head = {.handle_bytes = 128}};
    int mount_id, fd = open("/usr", O_RDONLY);
    TRY("name_to_handle_at", name_to_handle_at(AT_FDCWD, "/usr", &handle.head, &mount_id, 0));
    /* Shocker: a guessed handle of the file system's root, inode 2. */
    handle.head.handle_bytes = 8, handle.head.handle_type = 1;
    uint32_t guess[2] = {2, 0};
    memcpy(handle.head.f_handle, guess, sizeof guess);
    TRY("open_by_handle_at", open_by_handle_at(fd, &handle.head, O_RDONLY));
}

static void nodes(int count, char **arguments)
{
    (void)count, (void)arguments;
    static const struct {
        const char *name;
        mode_t type;
        unsigned major, minor;
    } tries[] = {{"mem", S_IFCHR, 1, 1},   {"null", S_IFCHR, 1, 3},      {"disk", S_IFBLK, 253, 0},
                 {"sda", S_IFBLK, 8, 0},   {"kvm", S_IFCHR, 10, 232},    {"fuse", S_IFCHR, 10, 229},
                 {"tty0", S_IFCHR, 4, 0},  {"whiteout", S_IFCHR, 0, 0}};
    for (size_t i = 0; i < sizeof tries / sizeof tries[0]; i++) {
        char path[64];
        snprintf(path, sizeof path, "%s/node-%s", count > 0 ? arguments[0] : ".", tries[i].name);
        unlink(path);
        TRY(tries[i].name, mknod(path, tries[i].type | 0666, makedev(tries[i].major, tries[i].minor)));
        unlink(path);
    }
}

/* Opens each path for reading, or for writing after "-w". Nothing is written, and what hangs is not waited for. */
static void open_paths(int count, char **arguments)
{
    int flags = O_RDONLY;
    for (int i = 0; i < count; i++) {
        if (strcmp(arguments[i], "-w") == 0) {
            flags = O_WRONLY;
            continue;
        }
        int fd = open(arguments[i], flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        report(arguments[i], fd);
        if (fd >= 0)
            close(fd);
    }
}

static void descriptors(int count, char **arguments)
{
    (void)count, (void)arguments;
    int open = 0;
    for (int fd = 3; fd < 4096; fd++)
        if (fcntl(fd, F_GETFD) >= 0)
            open++;
    report_number("above_2", open);
    for (int i = 0; i < 3; i++) {
        char path[64], target[256];
        snprintf(path, sizeof path, "/proc/self/fd/%d", i);
        ssize_t length = readlink(path, target, sizeof target - 1);
        target[length < 0 ? 0 : length] = 0;
        report_text(path, target);
    }
}

/* The init, seen through /proc. */
static void init_files(int count, char **arguments)
{
    (void)count, (void)arguments;
    static const char *const files[] = {"mem",     "environ", "maps",       "auxv", "io",
                                        "pagemap", "syscall", "stack",      "smaps", "personality"};
    static const char *const links[] = {"exe", "root", "cwd", "fd/0", "fd/3", "ns/mnt", "ns/user"};
    char path[64], target[256];
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char byte;
        snprintf(path, sizeof path, "/proc/1/%s", files[i]);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        /* Some check when they are read. */
        report(files[i], fd < 0 ? -1 : read(fd, &byte, 1));
        if (fd >= 0)
            close(fd);
    }
    TRY("mem_write", open("/proc/1/mem", O_RDWR | O_CLOEXEC));
    for (size_t i = 0; i < sizeof links / sizeof links[0]; i++) {
        snprintf(path, sizeof path, "/proc/1/%s", links[i]);
        TRY(links[i], readlink(path, target, sizeof target));
    }
    report("fd", opendir("/proc/1/fd") == NULL ? -1 : 0);
    TRY("chdir_root", chdir("/proc/1/root"));
    TRY("oom_score_adj", open("/proc/1/oom_score_adj", O_WRONLY | O_CLOEXEC));
    TRY("uid_map", open("/proc/1/uid_map", O_WRONLY | O_CLOEXEC));
}

static void attributes(int count, char **arguments)
{
    const char *path = count > 0 ? arguments[0] : ".";
    static const char *const tried[] = {
        "user.overlay.opaque", "user.overlay.redirect", "user.overlay.metacopy", "user.overlay.origin",
        "trusted.overlay.opaque", "trusted.overlay.redirect", "security.capability", "security.ima"};
    for (size_t i = 0; i < sizeof tried / sizeof tried[0]; i++)
        TRY(tried[i], setxattr(path, tried[i], "y", 1, 0));
}

static void runtime(int count, char **arguments)
{
    (void)count, (void)arguments;
    TRY("self_exe", open("/proc/self/exe", O_WRONLY | O_CLOEXEC));
    TRY("init_exe", open("/proc/1/exe", O_WRONLY | O_CLOEXEC));
    TRY("init_exe_read", open("/proc/1/exe", O_RDONLY | O_CLOEXEC));
    TRY("parent_exe", open("/proc/self/task/1/exe", O_WRONLY | O_CLOEXEC));
}

static void links(int count, char **arguments)
{
    (void)count, (void)arguments;
    TRY("hardlink_usr", link("/usr/bin/env", "env"));
    TRY("hardlink_etc", link("/etc/passwd", "/dev/shm/passwd"));
    int fd = open("/usr/bin/env", O_RDONLY | O_CLOEXEC);
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    TRY("hardlink_descriptor", linkat(AT_FDCWD, path, AT_FDCWD, "env", AT_SYMLINK_FOLLOW));
    TRY("rename_usr", rename("/usr/bin/env", "/usr/bin/env2"));
    TRY("tmpfile_usr", open("/usr/bin", O_TMPFILE | O_WRONLY, 0644));
    fd = open("/dev/shm", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0644);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    TRY("tmpfile_across", linkat(AT_FDCWD, path, AT_FDCWD, "across", AT_SYMLINK_FOLLOW));
}

/* swap A B SECONDS: exchanges two names in the background, over and over. */
static void swap(int count, char **arguments)
{
    if (count < 3)
        return;
    TRY("swap", syscall(SYS_renameat2, AT_FDCWD, arguments[0], AT_FDCWD, arguments[1], 2 /* RENAME_EXCHANGE */));
    if (fork() != 0)
        return;
    close(0), close(1), close(2);
    for (time_t end = time(NULL) + atoi(arguments[2]); time(NULL) < end;)
        for (int i = 0; i < 1000; i++)
            syscall(SYS_renameat2, AT_FDCWD, arguments[0], AT_FDCWD, arguments[1], 2);
}

/* grow FILE SECONDS: appends in the background. */
static void grow(int count, char **arguments)
{
    static char block[1 << 16];
    int fd = count < 2 ? -1 : open(arguments[0], O_WRONLY | O_CREAT | O_APPEND, 0644);
    report("grow", fd);
    if (fork() != 0)
        return;
    close(0), close(1), close(2);
    for (time_t end = time(NULL) + atoi(arguments[1]); time(NULL) < end;)
        (void)!write(fd, block, sizeof block);
}

/* lease FILE SECONDS: whoever opens it for writing has to wait for us. */
static void lease(int count, char **arguments)
{
    int fd = count < 2 ? -1 : open(arguments[0], O_WRONLY | O_CREAT, 0644);
    signal(SIGIO, SIG_IGN);
    TRY("lease", fcntl(fd, F_SETLEASE, F_WRLCK));
    sleep((unsigned)atoi(arguments[1]));
}

const struct probe file_probes[] = {
    {"mounts", mounts},   {"new-mounts", new_mounts}, {"unmounts", unmounts}, {"roots", roots},
    {"handles", handles}, {"nodes", nodes},           {"open", open_paths},   {"descriptors", descriptors},
    {"init-files", init_files}, {"attributes", attributes}, {"runtime", runtime}, {"links", links},
    {"swap", swap}, {"grow", grow}, {"lease", lease},
    {NULL, NULL}};
