/* Builds the root of one workspace and moves into it. Runs with all capabilities of the new user namespace. */
#include "launcher.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PLAIN = MS_NOSUID | MS_NODEV };

/* Parts of /proc that only tell about the host, hidden. All of it is read-only: its switches would be refused anyhow, since the ids
 * are unprivileged on the host, so this is the second wall. */
static const char *const masked_files[] = {"kcore", "keys", "key-users", "sysrq-trigger", "timer_list", "kallsyms",
                                           "kmsg",  "sched_debug", "latency_stats", "interrupts", "cmdline"};
static const char *const masked_directories[] = {"acpi", "scsi", "asound", "dynamic_debug"};

static int bind_over(const char *source, const char *const *names, size_t count, struct failure *failure)
{
    char path[128];
    for (size_t i = 0; i < count; i++) {
        snprintf(path, sizeof path, "/new/proc/%s", names[i]);
        if (mount(source, path, NULL, MS_BIND, NULL) != 0 && errno != ENOENT)
            return fail(failure, errno, "hide %s", path + 4);
    }
    return 0;
}

/* Of the new user namespace: whose they are goes by who asks, not by which /proc. Written through a /proc of its own all the same: in
 * the launcher's, every namespace adds an entry of the same name, and finding one takes longer with each. */
static int set_user_limits(struct failure *failure)
{
    /* No user namespace below this one: most ways to the kernel's weak spots start there. */
    if (write_file_at(AT_FDCWD, "/new/proc/sys/user/max_user_namespaces", "0") != 0 && errno != ENOENT)
        return fail(failure, errno, "forbid nested user namespaces");
    /* These count against the launcher's user on the host, too, who would have none left. */
    if ((write_file_at(AT_FDCWD, "/new/proc/sys/user/max_inotify_instances", "16") != 0 && errno != ENOENT) ||
        (write_file_at(AT_FDCWD, "/new/proc/sys/user/max_inotify_watches", "16384") != 0 && errno != ENOENT))
        return fail(failure, errno, "bound the use of inotify");
    return 0;
}

static int build_proc(struct failure *failure)
{
    enum { FLAGS = PLAIN | MS_NOEXEC };
    if (mount("proc", "/new/proc", "proc", FLAGS, NULL) != 0)
        return fail(failure, errno,
                    "mount /proc (where a container hides parts of its own /proc the kernel refuses a new one)");
    if (set_user_limits(failure) != 0)
        return -1;
    if (mount(NULL, "/new/proc", NULL, MS_BIND | MS_REMOUNT | MS_RDONLY | FLAGS, NULL) != 0)
        return fail(failure, errno, "make /proc read-only");
    if (bind_over("/blank", masked_files, sizeof masked_files / sizeof masked_files[0], failure) != 0)
        return -1;
    return bind_over("/empty", masked_directories, sizeof masked_directories / sizeof masked_directories[0], failure);
}

static int build_devices(struct failure *failure)
{
    /* One /dev for all workspaces, so nobody may leave anything in it. */
    if (mount("/dev", "/new/dev", NULL, MS_BIND | MS_REC, NULL) != 0 ||
        mount(NULL, "/new/dev", NULL, MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NOEXEC, NULL) != 0)
        return fail(failure, errno, "bind /dev");
    if (mount("devpts", "/new/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620,max=64") != 0)
        return fail(failure, errno, "mount /dev/pts");
    if (mount("/upper/shm", "/new/dev/shm", NULL, MS_BIND, NULL) != 0)
        return fail(failure, errno, "bind /dev/shm");
    return 0;
}

/* `lower`, and above it the layers of the snapshot that have something of it. */
static int write_lower(char *out, size_t size, const struct opening *opening, const char *name, const char *lower)
{
    size_t length = 0;
    for (int i = opening->layer_count - 1; i >= 0; i--) {
        char path[64];
        snprintf(path, sizeof path, "/layers/%u/%s", opening->layers[i], name);
        if (access(path, F_OK) == 0)
            length += (size_t)snprintf(out + length, length < size ? size - length : 0, "%s:", path);
    }
    length += (size_t)snprintf(out + length, length < size ? size - length : 0, "%s", lower);
    return length < size ? 0 : -1;
}

static int overlay(const struct opening *opening, const char *lower, const char *name, const char *at,
                   struct failure *failure)
{
    char options[2048], layers[1500], upper[64], work[64];
    snprintf(upper, sizeof upper, "/upper/%s", name);
    snprintf(work, sizeof work, "/upper/work-%s", name);
    if (mkdir(upper, 0755) != 0 || mkdir(work, 0755) != 0)
        return fail(failure, errno, "make the overlay's directories for %s", at);
    if (write_lower(layers, sizeof layers, opening, name, lower) != 0)
        return fail(failure, E2BIG, "stack the layers of %s", at + 4);
    snprintf(options, sizeof options, "lowerdir=%s,upperdir=%s,workdir=%s,userxattr", layers, upper, work);
    if (mount("overlay", at, "overlay", PLAIN, options) != 0)
        return fail(failure, errno, "mount the overlay on %s", at + 4);
    return 0;
}

static int build_root(const struct template *template, const struct policy *policy, const struct opening *opening,
                      struct failure *failure)
{
    char options[128], path[300], name[32];
    snprintf(options, sizeof options, "size=%llu,nr_inodes=%llu,mode=755", (unsigned long long)policy->disk_bytes,
             (unsigned long long)policy->inodes);
    if (mount("workspace", "/upper", "tmpfs", PLAIN, options) != 0)
        return fail(failure, errno, "mount a tmpfs (%s)", options);
    if (mkdir("/upper/shm", 01777) != 0 || chmod("/upper/shm", 01777) != 0)
        return fail(failure, errno, "make /dev/shm");
    /* Where a directory serves as the root, the template only adds to it. */
    char lower[64] = "/template";
    for (int i = 0; i < template->bind_count; i++)
        if (template->binds[i].kind == BIND_ROOT)
            snprintf(lower, sizeof lower, "/template:%s", template->binds[i].lower);
    if (overlay(opening, lower, "root", "/new", failure) != 0)
        return -1;
    for (int i = 0; i < template->bind_count; i++) {
        const struct bind *bind = &template->binds[i];
        if (bind->kind == BIND_ROOT)
            continue;
        snprintf(path, sizeof path, "/new/%s", bind->path);
        snprintf(name, sizeof name, "%d", i);
        /* `user` cannot write system files anyhow: a read-only bind is cheaper and one thing less to get wrong. */
        if (policy->root_identity && template->privileged && bind->directory && bind->kind == BIND_SYSTEM) {
            if (overlay(opening, bind->lower, name, path, failure) != 0)
                return -1;
        } else if (mount(bind->lower, path, NULL, MS_BIND | MS_REC, NULL) != 0) {
            return fail(failure, errno, "bind %s", bind->path);
        }
    }
    return binds_attach("/new", opening->binds, opening->bind_count, failure);
}

/* The tmpfs of the upper layer stays mounted, to be frozen later, where nobody inside can get at it: below /proc. */
static int keep_upper(struct upper *upper, struct failure *failure)
{
    upper->directory = open("/upper", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    upper->namespace = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
    if (upper->directory < 0 || upper->namespace < 0 || mount("/upper", "/new/proc", NULL, MS_MOVE, NULL) != 0)
        return fail(failure, errno, "keep the upper layer");
    return 0;
}

/* Waits for the kernel (a grace period of RCU), which takes as long as much of the rest. */
static int unmount_old_root(void *context)
{
    (void)context;
    return umount2(".", MNT_DETACH) == 0 ? 0 : 1;
}

/* The old root lies on top of the new one, where no name leads to it any more. */
static pid_t start_unmounting(void)
{
    static char stack[16 * 1024] __attribute__((aligned(16)));
    return clone(unmount_old_root, stack + sizeof stack, CLONE_VM | SIGCHLD, NULL);
}

int mounts_build(const struct template *template, const struct policy *policy, const struct opening *opening,
                 struct upper *upper, pid_t *helper, struct failure *failure)
{
    umask(0);
    if (sethostname(policy->hostname, strlen(policy->hostname)) != 0)
        return fail(failure, errno, "set the hostname");
    if (build_root(template, policy, opening, failure) != 0 || build_devices(failure) != 0 ||
        keep_upper(upper, failure) != 0 || build_proc(failure) != 0)
        return -1;
    if (chdir("/new") != 0 || syscall(SYS_pivot_root, ".", ".") != 0 || (*helper = start_unmounting()) < 0 ||
        chdir("/") != 0)
        return fail(failure, errno, "enter the root");
    umask(022);
    return 0;
}
