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
static const struct {
    const char *name;
    bool directory;
} masked[] = {{"kcore", false},       {"keys", false},          {"key-users", false},  {"sysrq-trigger", false},
              {"timer_list", false},  {"kallsyms", false},      {"kmsg", false},       {"sched_debug", false},
              {"latency_stats", false}, {"interrupts", false},  {"cmdline", false},    {"acpi", true},
              {"scsi", true},         {"asound", true},         {"dynamic_debug", true}};
enum { MASKED = sizeof masked / sizeof masked[0] };

uint32_t mounts_find_masked(void)
{
    uint32_t found = 0;
    char path[64];
    for (unsigned i = 0; i < MASKED; i++) {
        snprintf(path, sizeof path, "/proc/%s", masked[i].name);
        if (access(path, F_OK) == 0 || errno != ENOENT)
            found |= 1u << i;
    }
    return found;
}

static int mask_proc(uint32_t found, struct failure *failure)
{
    char path[64];
    for (unsigned i = 0; i < MASKED; i++) {
        if ((found & (1u << i)) == 0)
            continue;
        snprintf(path, sizeof path, "/made/%s", masked[i].name);
        if (mount(masked[i].directory ? "/empty" : "/blank", path, NULL, MS_BIND, NULL) != 0)
            return fail(failure, errno, "hide /proc/%s", masked[i].name);
    }
    return 0;
}

/* Of the new user namespace: whose they are goes by who asks, not by which /proc. Written through a /proc of its own all the same: in
 * the launcher's, every namespace adds an entry of the same name, and finding one takes longer with each. */
static int set_user_limits(struct failure *failure)
{
    /* No user namespace below this one: most ways to the kernel's weak spots start there. */
    if (write_file_at(AT_FDCWD, "/made/sys/user/max_user_namespaces", "0") != 0 && errno != ENOENT)
        return fail(failure, errno, "forbid nested user namespaces");
    /* These count against the launcher's user on the host, too, who would have none left. */
    if ((write_file_at(AT_FDCWD, "/made/sys/user/max_inotify_instances", "16") != 0 && errno != ENOENT) ||
        (write_file_at(AT_FDCWD, "/made/sys/user/max_inotify_watches", "16384") != 0 && errno != ENOENT))
        return fail(failure, errno, "bound the use of inotify");
    return 0;
}

int mounts_make_proc(const struct template *template, struct failure *failure)
{
    enum { FLAGS = PLAIN | MS_NOEXEC };
    if (mount("proc", "/made", "proc", FLAGS, NULL) != 0)
        return fail(failure, errno,
                    "mount /proc (where a container hides parts of its own /proc the kernel refuses a new one)");
    if (set_user_limits(failure) != 0)
        return -1;
    if (mount(NULL, "/made", NULL, MS_BIND | MS_REMOUNT | MS_RDONLY | FLAGS, NULL) != 0)
        return fail(failure, errno, "make /proc read-only");
    return mask_proc(template->masked, failure);
}

static int build_devices(struct failure *failure)
{
    if (mount("/dev", "/new/dev", NULL, MS_BIND | MS_REC, NULL) != 0)
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

/* The directory `lower` as it is, but through inodes of this workspace's own: what is watched, locked or leased here is not what the
 * host and the other workspaces use, and no socket or pipe leads to them. Not every file system can be the lower one. */
int overlay_read_only(const char *lower, const char *at)
{
    char options[600];
    snprintf(options, sizeof options, "lowerdir=%s:/empty,redirect_dir=nofollow", lower);
    return mount("overlay", at, "overlay", PLAIN | MS_RDONLY, options);
}

/* A file is shown by way of its directory, since it cannot be under an overlay itself. */
static int bind_by_overlay(const struct bind *bind, const char *path)
{
    char source[300];
    snprintf(source, sizeof source, "%s/%s", bind->lower, bind->name);
    if (bind->directory && overlay_read_only(bind->lower, path) == 0)
        return 0;
    if (bind->name[0] == 0)
        return mount(bind->lower, path, NULL, MS_BIND | MS_REC, NULL);
    int plain = open(source, O_PATH | O_NOFOLLOW | O_CLOEXEC), result = -1;
    if (overlay_read_only(bind->lower, bind->lower) == 0)
        result = mount(source, path, NULL, MS_BIND, NULL);
    if (result != 0) {
        snprintf(source, sizeof source, "/proc/self/fd/%d", plain);
        result = mount(source, path, NULL, MS_BIND, NULL);
    }
    int error = errno;
    close(plain);
    errno = error;
    return result;
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
        } else if (bind_by_overlay(bind, path) != 0) {
            return fail(failure, errno, "bind %s", bind->path);
        }
    }
    return binds_attach("/new", opening->binds, opening->bind_count, failure);
}

/* The tmpfs of the upper layer stays mounted, to be frozen later, where nobody inside can get at it: below /proc. */
static int keep_upper(int *upper, struct failure *failure)
{
    *upper = open("/upper", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*upper < 0 || mount("/upper", "/new/proc", NULL, MS_MOVE, NULL) != 0)
        return fail(failure, errno, "keep the upper layer");
    if (mount("/made", "/new/proc", NULL, MS_MOVE, NULL) != 0)
        return fail(failure, errno, "attach /proc");
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
                 int *upper, pid_t *helper, struct failure *failure)
{
    umask(0);
    if (sethostname(policy->hostname, strlen(policy->hostname)) != 0)
        return fail(failure, errno, "set the hostname");
    if (build_root(template, policy, opening, failure) != 0 || build_devices(failure) != 0 ||
        keep_upper(upper, failure) != 0)
        return -1;
    if (chdir("/new") != 0 || syscall(SYS_pivot_root, ".", ".") != 0 || (*helper = start_unmounting()) < 0 ||
        chdir("/") != 0)
        return fail(failure, errno, "enter the root");
    umask(022);
    return 0;
}
