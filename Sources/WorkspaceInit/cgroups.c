/* Control groups, v1 (one hierarchy a controller) or v2 (one for all). The launcher makes a group of its own in each, and one
 * below it for every workspace. A process joins by writing "0" through a descriptor opened here, while it has one thread:
 * moving it from outside waits for an RCU grace period (5-16 ms). */
#include "launcher.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const roots_v1[] = {"memory", "pids", "cpu"};
static const char *const roots_v2[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"};

static int open_directory(const char *path)
{
    return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* One write each: a controller that is not there would take the others along. */
static void pass_down(int group)
{
    static const char *const all[] = {"+memory", "+pids", "+cpu"};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        write_file_at(group, "cgroup.subtree_control", all[i]);
}

static bool lists(int group, const char *file, const char *controller)
{
    char text[512];
    if (read_file_at(group, file, text, sizeof text) <= 0)
        return false;
    for (char *next, *word = strtok_r(text, " \n", &next); word != NULL; word = strtok_r(NULL, " \n", &next))
        if (strcmp(word, controller) == 0)
            return true;
    return false;
}

/* The v2 hierarchy serves only where it may pass memory and pids down. */
static int open_v2(const char *name, const char *place)
{
    int fd = -1, root = open_directory(place);
    if (root < 0)
        return -1;
    if (lists(root, "cgroup.controllers", "memory") && lists(root, "cgroup.controllers", "pids")) {
        pass_down(root);
        if (mkdirat(root, name, 0755) == 0)
            fd = openat(root, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    }
    close(root);
    if (fd < 0)
        return -1;
    pass_down(fd);
    if (lists(fd, "cgroup.subtree_control", "memory") && lists(fd, "cgroup.subtree_control", "pids"))
        return fd;
    close(fd);
    return -1;
}

bool cgroups_can(const struct cgroups *cgroups, const char *controller)
{
    return cgroups->count > 0 && lists(cgroups->hierarchies[0].directory, "cgroup.subtree_control", controller);
}

int cgroups_open(struct cgroups *cgroups, const char *name, const char *delegated)
{
    cgroups->count = 0;
    int v2 = delegated != NULL ? open_v2(name, delegated) : -1;
    for (size_t i = 0; delegated == NULL && v2 < 0 && i < sizeof roots_v2 / sizeof roots_v2[0]; i++)
        v2 = open_v2(name, roots_v2[i]);
    if (v2 >= 0) {
        cgroups->hierarchies[cgroups->count].controller = "v2";
        cgroups->hierarchies[cgroups->count++].directory = v2;
    }
    if (v2 >= 0 || delegated != NULL)
        return cgroups->count;
    for (size_t i = 0; i < sizeof roots_v1 / sizeof roots_v1[0]; i++) {
        char path[128];
        snprintf(path, sizeof path, "/sys/fs/cgroup/%s", roots_v1[i]);
        int root = open_directory(path);
        if (root < 0)
            continue;
        if (faccessat(root, "cgroup.clone_children", F_OK, 0) == 0 && mkdirat(root, name, 0755) == 0) {
            int fd = openat(root, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
            if (fd >= 0) {
                cgroups->hierarchies[cgroups->count].controller = roots_v1[i];
                cgroups->hierarchies[cgroups->count++].directory = fd;
            }
        }
        close(root);
    }
    return cgroups->count;
}

static int set_number(int directory, const char *file, uint64_t value)
{
    char text[32];
    snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    return write_file_at(directory, file, text);
}

/* The files differ, the limits do not. */
static int set_limits(int group, const char *controller, const struct policy *policy)
{
    bool v2 = strcmp(controller, "v2") == 0;
    int result = 0;
    if (policy->memory != 0 && (v2 || strcmp(controller, "memory") == 0)) {
        result |= set_number(group, v2 ? "memory.max" : "memory.limit_in_bytes", policy->memory);
        /* Swap would only put the limit off; where it isn't accounted there is nothing to set. */
        set_number(group, v2 ? "memory.swap.max" : "memory.memsw.limit_in_bytes", v2 ? 0 : policy->memory);
    }
    if (policy->processes != 0 && (v2 || strcmp(controller, "pids") == 0))
        result |= set_number(group, "pids.max", policy->processes);
    if (policy->cpu_percent != 0 && v2) {
        char text[64];
        snprintf(text, sizeof text, "%llu 100000", (unsigned long long)policy->cpu_percent * 1000);
        result |= write_file_at(group, "cpu.max", text);
    } else if (policy->cpu_percent != 0 && strcmp(controller, "cpu") == 0) {
        result |= set_number(group, "cpu.cfs_quota_us", policy->cpu_percent * 1000);
    }
    return result;
}

static bool is_needed(const char *controller, const struct policy *policy)
{
    return strcmp(controller, "v2") == 0 || (strcmp(controller, "memory") == 0 && policy->memory != 0) ||
           (strcmp(controller, "pids") == 0 && policy->processes != 0) ||
           (strcmp(controller, "cpu") == 0 && policy->cpu_percent != 0);
}

int cgroups_make(struct cgroups *cgroups, const struct policy *policy, uint32_t id, int *joins, struct failure *failure)
{
    int count = 0;
    char name[16];
    snprintf(name, sizeof name, "%u", id);
    for (int i = 0; i < cgroups->count; i++) {
        const char *controller = cgroups->hierarchies[i].controller;
        int parent = cgroups->hierarchies[i].directory;
        if (!is_needed(controller, policy))
            continue;
        int group = -1, join = -1;
        if (mkdirat(parent, name, 0755) == 0)
            group = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (group >= 0 && set_limits(group, controller, policy) == 0)
            join = openat(group, strcmp(controller, "v2") == 0 ? "cgroup.procs" : "tasks", O_WRONLY | O_CLOEXEC);
        int error = errno;
        close(group);
        if (join < 0) {
            for (int j = 0; j < count; j++)
                close(joins[j]);
            cgroups_remove(cgroups, id);
            return fail(failure, error, "make the %s control group", controller);
        }
        joins[count++] = join;
    }
    return count;
}

void cgroups_remove(struct cgroups *cgroups, uint32_t id)
{
    char name[16];
    snprintf(name, sizeof name, "%u", id);
    for (int i = 0; i < cgroups->count; i++)
        unlinkat(cgroups->hierarchies[i].directory, name, AT_REMOVEDIR);
}

/* Removes the groups below `directory`/`name`, then it. */
static void remove_group(int parent, const char *name)
{
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *directory = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *item;
    while (directory != NULL && (item = readdir(directory)) != NULL)
        if (isdigit((unsigned char)item->d_name[0]))
            unlinkat(fd, item->d_name, AT_REMOVEDIR);
    if (directory != NULL)
        closedir(directory);
    unlinkat(parent, name, AT_REMOVEDIR);
}

void cgroups_remove_all(struct cgroups *cgroups, const char *name)
{
    for (int i = 0; i < cgroups->count; i++) {
        int parent = openat(cgroups->hierarchies[i].directory, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        remove_group(parent, name);
        close(parent);
        close(cgroups->hierarchies[i].directory);
    }
    cgroups->count = 0;
}

/* A name is PREFIX-PID-START: the group is an orphan when no such process started then. */
static bool is_orphan(const char *name, const char *prefix)
{
    int pid;
    unsigned long long start;
    size_t length = strlen(prefix);
    if (strncmp(name, prefix, length) != 0 || sscanf(name + length, "-%d-%llu", &pid, &start) != 2)
        return false;
    char path[64], text[1024];
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    if (read_file_at(AT_FDCWD, path, text, sizeof text) <= 0)
        return true;
    /* Field 22, counted after the command's name, which may hold anything. */
    const char *at = strrchr(text, ')');
    for (int field = 2; at != NULL && field < 22; field++)
        at = strchr(at + 1, ' ');
    return at == NULL || strtoull(at + 1, NULL, 10) != start;
}

void cgroups_reap(const char *prefix, const char *delegated)
{
    const char *const places[] = {"/sys/fs/cgroup",      "/sys/fs/cgroup/unified", "/sys/fs/cgroup/memory",
                                  "/sys/fs/cgroup/pids", "/sys/fs/cgroup/cpu",     delegated};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        int fd = places[i] != NULL ? open_directory(places[i]) : -1;
        DIR *directory = fd < 0 ? NULL : fdopendir(fd);
        struct dirent *item;
        while (directory != NULL && (item = readdir(directory)) != NULL)
            if (is_orphan(item->d_name, prefix))
                remove_group(fd, item->d_name);
        if (directory != NULL)
            closedir(directory);
    }
}
