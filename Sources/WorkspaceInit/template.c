/* Turns the launcher's mount namespace into a workshop: a tmpfs that holds the files every workspace starts from
 * (/template), the host directories it may see (/lower/N), a /dev (/dev) and a /proc to make others from. Nothing else of
 * the host is mounted there, so nothing else can be reached from a workspace, and copying the namespace stays cheap. */
#include "launcher.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#ifndef AT_RECURSIVE
#define AT_RECURSIVE 0x8000
#endif

enum { COPY_LIMIT = 4 << 20, COPY_DEPTH = 8 };

static const char *const device_names[] = {"null", "zero", "full", "random", "urandom", "tty"};
enum { DEVICES = sizeof device_names / sizeof device_names[0] };

static int clone_tree(const char *path, unsigned flags)
{
    return (int)syscall(SYS_open_tree, AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | flags);
}

static int attach(int tree, const char *path)
{
    return (int)syscall(SYS_move_mount, tree, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH);
}

/* Ids inside the template as the host sees them. With ids of their own, workspaces see them mapped. */
static uid_t owner_id(const struct template *template, uint64_t owner)
{
    uid_t first = template->own_ids ? 0 : template->id_base;
    return template->privileged ? first + (owner ? ID_USER : 0) : 0;
}

/* ---- the files of the template ---- */

struct entry {
    const char *path, *source;
    mode_t mode;
    uint64_t owner;
};

static int make_file(const struct template *template, const struct entry *entry, const void *content, size_t length)
{
    int fd = open(entry->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return -1;
    uid_t owner = owner_id(template, entry->owner);
    int result = write(fd, content, length) == (ssize_t)length && fchown(fd, owner, owner) == 0 &&
                         fchmod(fd, entry->mode) == 0
                     ? 0
                     : -1;
    close(fd);
    return result;
}

static int make_directory(const struct template *template, const struct entry *entry)
{
    uid_t owner = owner_id(template, entry->owner);
    if (mkdir(entry->path, 0700) != 0 && errno != EEXIST)
        return -1;
    return chown(entry->path, owner, owner) == 0 && chmod(entry->path, entry->mode) == 0 ? 0 : -1;
}

static int make_link(const struct template *template, const struct entry *entry)
{
    uid_t owner = owner_id(template, 0);
    return symlink(entry->source, entry->path) == 0 && lchown(entry->path, owner, owner) == 0 ? 0 : -1;
}

/* Copies what anybody may read: the template must not show more than the host shows to everyone. */
static int copy_tree(const struct template *template, int from_directory, const char *name, const char *to, int depth)
{
    struct stat st;
    if (fstatat(from_directory, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? 0 : -1;
    uid_t owner = owner_id(template, 0);
    if (S_ISLNK(st.st_mode)) {
        char target[PATH_SIZE];
        ssize_t length = readlinkat(from_directory, name, target, sizeof target - 1);
        if (length < 0)
            return -1;
        target[length] = 0;
        return symlink(target, to) == 0 && lchown(to, owner, owner) == 0 ? 0 : -1;
    }
    if (S_ISREG(st.st_mode)) {
        if (!(st.st_mode & S_IROTH) || st.st_size > COPY_LIMIT)
            return 0;
        int from = openat(from_directory, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        char buffer[16384];
        ssize_t length = 0;
        while (from >= 0 && out >= 0 && (length = read(from, buffer, sizeof buffer)) > 0)
            if (write(out, buffer, (size_t)length) != length)
                length = -1;
        int ok = from >= 0 && out >= 0 && length == 0 && fchown(out, owner, owner) == 0 &&
                 fchmod(out, st.st_mode & 0755) == 0;
        close(from);
        close(out);
        return ok ? 0 : -1;
    }
    if (!S_ISDIR(st.st_mode) || depth == COPY_DEPTH || (st.st_mode & 5) != 5)
        return 0;
    struct entry entry = {to, NULL, 0755, 0};
    int fd = openat(from_directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *directory = fd < 0 ? NULL : fdopendir(fd);
    int result = directory != NULL ? make_directory(template, &entry) : -1;
    struct dirent *item;
    while (result == 0 && (item = readdir(directory)) != NULL) {
        char path[PATH_SIZE];
        if (strcmp(item->d_name, ".") == 0 || strcmp(item->d_name, "..") == 0)
            continue;
        snprintf(path, sizeof path, "%s/%s", to, item->d_name);
        result = copy_tree(template, fd, item->d_name, path, depth + 1);
    }
    if (directory != NULL)
        closedir(directory);
    return result;
}

/* ---- binds ---- */

/* Takes hold of the host's directory while it can still be named. */
static int open_bind(struct template *template, const struct entry *entry, uint64_t kind, int mapping,
                     struct failure *failure)
{
    if (template->bind_count == MAX_BINDS)
        return fail(failure, E2BIG, "too many binds, the limit is %d", MAX_BINDS);
    struct stat st;
    int source = open(entry->source, O_PATH | O_CLOEXEC);
    if (source < 0 || fstat(source, &st) != 0)
        return fail(failure, errno, "look at %s", entry->source);
    struct bind *bind = &template->binds[template->bind_count];
    bind->directory = S_ISDIR(st.st_mode);
    bind->kind = kind;
    if (kind == BIND_ROOT && !bind->directory)
        return fail(failure, ENOTDIR, "use %s as the root", entry->source);
    int tree = bind_clone(source, entry->source, bind->name, mapping, &template->idmapped, failure);
    if (tree >= 0 && template->own_ids) {
        /* That was to see whether it can be mapped; each workspace does it anew. */
        close(tree);
        tree = bind_clone(source, entry->source, bind->name, -1, &template->idmapped, failure);
    }
    close(source);
    if (tree < 0)
        return -1;
    snprintf(bind->path, sizeof bind->path, "%s", entry->path);
    snprintf(bind->lower, sizeof bind->lower, "/lower/%d", template->bind_count);
    template->bind_count++;
    return tree;
}

/* ---- /dev ---- */

static int make_devices(const struct template *template, const int *trees, struct failure *failure)
{
    const dev_t numbers[DEVICES] = {
        makedev(1, 3), makedev(1, 5), makedev(1, 7), makedev(1, 8), makedev(1, 9), makedev(5, 0)};
    uid_t owner = owner_id(template, 0);
    if (mkdir("dev", 0755) != 0 || mount("dev", "dev", "tmpfs", MS_NOSUID | MS_NOEXEC, "size=64k,mode=755") != 0 ||
        chown("dev", owner, owner) != 0)
        return fail(failure, errno, "mount a tmpfs for /dev");
    for (int i = 0; i < DEVICES; i++) {
        char path[64];
        snprintf(path, sizeof path, "dev/%s", device_names[i]);
        if (template->privileged && mknod(path, S_IFCHR | 0666, numbers[i]) == 0 && chown(path, owner, owner) == 0)
            continue;
        /* An ordinary user cannot make nodes: the host's own are bound over empty files. */
        int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
        close(fd);
        if (fd < 0 || trees[i] < 0 || attach(trees[i], path) != 0)
            return fail(failure, errno, "make /dev/%s", device_names[i]);
    }
    static const char *const links[][2] = {{"/proc/self/fd", "dev/fd"},
                                           {"/proc/self/fd/0", "dev/stdin"},
                                           {"/proc/self/fd/1", "dev/stdout"},
                                           {"/proc/self/fd/2", "dev/stderr"},
                                           {"pts/ptmx", "dev/ptmx"}};
    for (size_t i = 0; i < sizeof links / sizeof links[0]; i++)
        if (symlink(links[i][0], links[i][1]) != 0 || lchown(links[i][1], owner, owner) != 0)
            return fail(failure, errno, "link %s", links[i][1]);
    if (mkdir("dev/pts", 0755) != 0 || mkdir("dev/shm", 0755) != 0)
        return fail(failure, errno, "make the directories of /dev");
    /* All workspaces have it, so nobody may leave anything in it. */
    if (mount(NULL, "dev", NULL, MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NOEXEC, NULL) != 0)
        return fail(failure, errno, "make /dev read-only");
    return 0;
}

/* Read-only: all workspaces have it, so none may leave its mark on it. */
static int make_mask(const char *path)
{
    unsigned long flags = MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC;
    return mount(path, path, NULL, MS_BIND, NULL) != 0 ? -1 : mount(NULL, path, NULL, flags, NULL);
}

/* ---- the whole ---- */

static int enter_namespaces(struct template *template, struct failure *failure)
{
    uid_t uid = geteuid();
    gid_t gid = getegid();
    template->privileged = uid == 0 && unshare(CLONE_NEWNS) == 0;
    if (template->privileged)
        return 0;
    if (uid == 0)
        return fail(failure, EPERM,
                    "root without the right to mount would be the host's root inside too: run as an ordinary user");
    /* Its own network too: into the host's, an ordinary user could not come back after making one for a workspace. */
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS | (template->host_network ? 0 : CLONE_NEWNET)) != 0)
        return fail(failure, errno, "create a user namespace");
    char map[64];
    snprintf(map, sizeof map, "0 %u 1", uid);
    if (write_file_at(AT_FDCWD, "/proc/self/uid_map", map) != 0)
        return fail(failure, errno, "map uid %u", uid);
    snprintf(map, sizeof map, "0 %u 1", gid);
    if (write_file_at(AT_FDCWD, "/proc/self/setgroups", "deny") != 0 ||
        write_file_at(AT_FDCWD, "/proc/self/gid_map", map) != 0)
        return fail(failure, errno, "map gid %u", gid);
    return 0;
}

static int build_entries(struct template *template, const struct message *message, int *trees, bool binds, int mapping,
                         struct failure *failure)
{
    struct entry entry = {0};
    struct field field;
    size_t offset = 0;
    while (field_next(message, &offset, &field)) {
        int result = 0;
        switch (field.tag) {
        case ISE_T_PATH: entry = (struct entry){.path = field_string(&field), .mode = 0755}; break;
        case ISE_T_SOURCE: entry.source = field_string(&field); break;
        case ISE_T_MODE: entry.mode = (mode_t)field_number(&field); break;
        case ISE_T_OWNER: entry.owner = field_number(&field); break;
        case ISE_T_BIND:
            if (!binds)
                break;
            if (entry.path == NULL || entry.source == NULL)
                return fail(failure, EINVAL, "a bind needs a path and a source");
            trees[template->bind_count] = open_bind(template, &entry, field_number(&field), mapping, failure);
            if (trees[template->bind_count - 1] < 0)
                return -1;
            break;
        case ISE_T_CONTENT:
            if (!binds)
                result = make_file(template, &entry, field.data, field.length);
            break;
        case ISE_T_DIRECTORY:
            if (!binds)
                result = make_directory(template, &entry);
            break;
        case ISE_T_LINK:
            if (!binds)
                result = make_link(template, &entry);
            break;
        default: break;
        }
        if (result != 0)
            return fail(failure, errno, "make %s in the template", entry.path);
    }
    return 0;
}

/* The copies are made while the host's root is still the root: `to` is the template's directory. */
static int copy_entries(struct template *template, const struct message *message, const char *to,
                        struct failure *failure)
{
    const char *path = NULL, *source = NULL;
    struct field field;
    size_t offset = 0;
    while (field_next(message, &offset, &field)) {
        if (field.tag == ISE_T_PATH)
            path = field_string(&field);
        else if (field.tag == ISE_T_SOURCE)
            source = field_string(&field);
        else if (field.tag == ISE_T_COPY) {
            char target[PATH_SIZE];
            snprintf(target, sizeof target, "%s/%s", to, path);
            if (copy_tree(template, AT_FDCWD, source, target, 0) != 0)
                return fail(failure, errno, "copy %s into the template", source);
        }
    }
    return 0;
}

int template_build(struct template *template, const struct message *message, struct failure *failure)
{
    struct field field;
    size_t offset = 0;
    while (field_next(message, &offset, &field)) {
        if (field.tag == ISE_T_ID_BASE)
            template->id_base = (uint32_t)field_number(&field);
        else if (field.tag == ISE_T_ID_COUNT)
            template->id_count = (uint32_t)field_number(&field);
        else if (field.tag == ISE_T_HOST_NETWORK)
            template->host_network = true;
        else if (field.tag == ISE_T_CGROUP_NAME && field_string(&field) != NULL)
            snprintf(template->cgroup_name, sizeof template->cgroup_name, "%s", field_string(&field));
    }
    umask(0);
    if (enter_namespaces(template, failure) != 0)
        return -1;
    /* What the host unmounts goes away there, too, so that it holds nothing up. */
    if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) != 0)
        return fail(failure, errno, "part the mounts from the host's");
    template->source = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
    if (template->source < 0 || unshare(CLONE_NEWNS) != 0)
        return fail(failure, errno, "make the workshop's mount namespace");
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
        return fail(failure, errno, "make the mounts private");

    int mapping = template->mapping = template->privileged ? ids_namespace(template) : -1;
    template->idmapped = mapping >= 0;
    template->own_ids = mapping >= 0 && ids_map_tmpfs(mapping);
    int trees[MAX_BINDS + 1], devices[DEVICES];
    if (build_entries(template, message, trees, true, mapping, failure) != 0)
        return -1;
    for (int i = 0; i < DEVICES; i++) {
        char path[64];
        snprintf(path, sizeof path, "/dev/%s", device_names[i]);
        devices[i] = template->privileged ? -1 : clone_tree(path, 0);
    }
    template->masked = mounts_find_masked();
    int proc = clone_tree("/proc", AT_RECURSIVE);
    if (proc < 0)
        return fail(failure, errno, "clone the mount of /proc");

    /* The workshop: any directory will do to put it on, since it becomes the root. */
    static char copies[] = "/tmp/template";
    if (mount("ise", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV, "mode=755") != 0)
        return fail(failure, errno, "mount the workshop's tmpfs");
    if (mkdir(copies, 0755) != 0 || chdir(copies) != 0)
        return fail(failure, errno, "make the template's directory");
    uid_t owner = owner_id(template, 0);
    if (chown(".", owner, owner) != 0)
        return fail(failure, errno, "own the template's directory");
    if (build_entries(template, message, trees, false, -1, failure) != 0 ||
        copy_entries(template, message, copies, failure) != 0)
        return -1;
    if (chdir("/tmp") != 0 || mkdir("lower", 0755) != 0 || mkdir("proc", 0755) != 0 || mkdir("new", 0755) != 0 ||
        mkdir("upper", 0755) != 0 || mkdir("made", 0755) != 0 || mkdir("layers", 0755) != 0 || mkdir("empty", 0555) != 0)
        return fail(failure, errno, "make the workshop's directories");
    int blank = open("blank", O_CREAT | O_CLOEXEC | O_RDONLY, 0444);
    if (blank < 0 || make_mask("blank") != 0 || make_mask("empty") != 0)
        return fail(failure, errno, "make the empty file and directory that hide others");
    close(blank);
    for (int i = 0; i < template->bind_count; i++) {
        const char *path = template->binds[i].lower + 1;
        bool directory = template->binds[i].directory || template->binds[i].name[0] != 0;
        int made = directory ? mkdir(path, 0755) : open(path, O_CREAT | O_CLOEXEC | O_RDONLY, 0644);
        if (made < 0 || attach(trees[i], path) != 0)
            return fail(failure, errno, "attach %s", template->binds[i].path);
        if (!directory)
            close(made);
        close(trees[i]);
    }
    for (int i = 0; i < ISE_MAX_OWN_BINDS; i++) {
        char path[32];
        snprintf(path, sizeof path, "own/%d", i);
        if ((i == 0 && mkdir("own", 0755) != 0) || mkdir(path, 0755) != 0)
            return fail(failure, errno, "make the directories for a workspace's own binds");
    }
    if (attach(proc, "proc") != 0)
        return fail(failure, errno, "attach /proc");
    close(proc);
    if (make_devices(template, devices, failure) != 0)
        return -1;
    for (int i = 0; i < DEVICES; i++)
        if (devices[i] >= 0)
            close(devices[i]);
    if (syscall(SYS_pivot_root, ".", ".") != 0 || umount2(".", MNT_DETACH) != 0 || chdir("/") != 0)
        return fail(failure, errno, "make the workshop the root");
    if (template->own_ids) {
        close(template->mapping);
        template->mapping = -1;
    }
    return 0;
}
