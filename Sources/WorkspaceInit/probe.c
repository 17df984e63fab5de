/* The live probe: what a command meets, found out by a process that has gone through all that a command goes through but for the
 * execve. It tries what must be refused, and writes to its standard output what the kernel says, one NAME=VALUE a line; the host
 * judges. It needs no program of the root and leaves nothing behind. */
#include "init.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

struct text {
    char bytes[8192];
    size_t length;
};

__attribute__((format(printf, 2, 3))) static void put(struct text *text, const char *format, ...)
{
    va_list arguments;
    size_t room = sizeof text->bytes - text->length;
    va_start(arguments, format);
    int length = vsnprintf(text->bytes + text->length, room, format, arguments);
    va_end(arguments);
    if (length > 0 && (size_t)length < room)
        text->length += (size_t)length;
}

static void put_status(struct text *text)
{
    static const char *const wanted[] = {"Uid:\t", "NoNewPrivs:\t", "Seccomp:\t", "CapPrm:\t", "CapEff:\t", "CapBnd:\t"};
    static char status[4096];
    if (read_file_at(AT_FDCWD, "/proc/self/status", status, sizeof status) <= 0)
        return;
    char *next;
    for (char *line = strtok_r(status, "\n", &next); line != NULL; line = strtok_r(NULL, "\n", &next))
        for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
            if (strncmp(line, wanted[i], strlen(wanted[i])) == 0)
                put(text, "%.*s=%s\n", (int)strlen(wanted[i]) - 2, wanted[i], line + strlen(wanted[i]));
}

static void put_namespaces(struct text *text)
{
    static const char *const kinds[] = {"cgroup", "ipc", "mnt", "net", "pid", "user", "uts"};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        char path[64], target[64];
        snprintf(path, sizeof path, "/proc/self/ns/%s", kinds[i]);
        ssize_t length = readlink(path, target, sizeof target);
        if (length > 0)
            put(text, "namespace=%.*s\n", (int)length, target);
    }
}

static void put_interfaces(struct text *text)
{
    static char devices[4096];
    int fd = open("/proc/self/net/dev", O_RDONLY | O_CLOEXEC);
    ssize_t length;
    /* The kernel gives whole lines, as many as have room. */
    while (fd >= 0 && (length = read(fd, devices, sizeof devices - 1)) > 0) {
        devices[length] = 0;
        char *next;
        for (char *line = strtok_r(devices, "\n", &next); line != NULL; line = strtok_r(NULL, "\n", &next)) {
            const char *name = line + strspn(line, " "), *end = strchr(name, ':'); /* not in the two lines of the heading */
            if (end != NULL)
                put(text, "interface=%.*s\n", (int)(end - name), name);
        }
    }
    close(fd);
}

/* With arguments that do little should one of them be let through. */
static void put_refusals(struct text *text)
{
    const struct {
        const char *name;
        long number, arguments[5];
    } calls[] = {
        {"mount", SYS_mount, {(long)"none", (long)"/", (long)"tmpfs", 0, 0}},
        {"unshare", SYS_unshare, {CLONE_NEWUSER}},
        {"setns", SYS_setns, {-1, 0}},
        {"ptrace", SYS_ptrace, {PTRACE_TRACEME, 0, 0, 0}},
        {"bpf", SYS_bpf, {5 /* BPF_PROG_LOAD */, 0, 0}},
        {"keyctl", SYS_keyctl, {0 /* KEYCTL_GET_KEYRING_ID */, -3, 0}},
    };
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        const long *a = calls[i].arguments;
        put(text, "%s=%d\n", calls[i].name, syscall(calls[i].number, a[0], a[1], a[2], a[3], a[4]) < 0 ? errno : 0);
    }
}

/* What tells a directory from others wherever it is seen, also through an overlay, where its inode is another: when it was changed
 * last, and how many entries it has. */
static void put_home(struct text *text, const char *home)
{
    struct stat st;
    if (stat(home, &st) != 0 || !S_ISDIR(st.st_mode))
        return;
    put(text, "home=%lld.%ld", (long long)st.st_ctim.tv_sec, (long)st.st_ctim.tv_nsec);
    int fd = open(home, O_RDONLY | O_DIRECTORY | O_CLOEXEC), count = 0;
    struct linux_dirent64 {
        uint64_t inode;
        int64_t offset;
        unsigned short length;
    } *entry;
    static char entries[4096] __attribute__((aligned(8)));
    long length;
    while (fd >= 0 && (length = syscall(SYS_getdents64, fd, entries, sizeof entries)) > 0)
        for (long at = 0; at < length; at += entry->length, count++)
            entry = (struct linux_dirent64 *)(entries + at);
    put(text, fd >= 0 ? " %d\n" : "\n", count);
    close(fd);
}

_Noreturn void probe_walls(const char *home)
{
    static struct text text; /* shared with the init, which waits, and no command has run between */
    text.length = 0;
    put_status(&text);
    put_namespaces(&text);
    put_interfaces(&text);
    put_refusals(&text);
    put_home(&text, home);
    const char *at = text.bytes;
    for (size_t left = text.length; left > 0;) {
        ssize_t written = write(1, at, left);
        if (written <= 0)
            _exit(1);
        at += written;
        left -= (size_t)written;
    }
    _exit(0);
}
