/* What can be learned of a process from outside, by a user who made the namespace that it is in. */
#include "WorkspaceShim.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>

/* Younger than some kernel headers (Linux 6.13, the exit status 6.15). */
struct pidfd_information {
    uint64_t mask, group;
    uint32_t ids[11];
    int32_t exit_code;
};
enum { INFORMATION_EXIT = 1 << 3 };
#define PIDFD_GET_INFORMATION _IOWR(0xFF, 11, struct pidfd_information)

int ise_pidfd_open(pid_t pid)
{
    return (int)syscall(SYS_pidfd_open, pid, 0);
}

int ise_pidfd_status(int pidfd)
{
    struct pidfd_information information = {.mask = INFORMATION_EXIT};
    if (ioctl(pidfd, PIDFD_GET_INFORMATION, &information) != 0 || !(information.mask & INFORMATION_EXIT))
        return -1;
    return information.exit_code;
}

uint64_t ise_process_mark(pid_t pid)
{
    struct rlimit limit;
    return prlimit(pid, RLIMIT_MSGQUEUE, NULL, &limit) == 0 ? limit.rlim_max : 0;
}

/* The clocks of a whole process that the kernel keeps, as clock_getcpuclockid(3) numbers them. */
enum clock { TICKS_ALL, TICKS_USER, EXACT };

static int64_t process_clock(pid_t pid, enum clock which)
{
    struct timespec time;
    clockid_t clock = (clockid_t)((~(unsigned)pid << 3) | which);
    return clock_gettime(clock, &time) == 0 ? (int64_t)time.tv_sec * 1000000000 + time.tv_nsec : -1;
}

int ise_process_cpu(pid_t pid, int64_t *user_ns, int64_t *system_ns)
{
    int64_t all = process_clock(pid, TICKS_ALL), user = process_clock(pid, TICKS_USER), exact = process_clock(pid, EXACT);
    if (all < 0 || user < 0 || exact < 0)
        return -1;
    /* As getrusage(2) does it: what the ticks met in the kernel has that share; without any, all was in user mode. */
    double share = all > 0 && user < all ? (double)user / (double)all : 1;
    *user_ns = (int64_t)((double)exact * share);
    *system_ns = exact - *user_ns;
    return 0;
}

static long number_after(const char *text, const char *name)
{
    const char *at = strstr(text, name);
    return at != NULL ? strtol(at + strlen(name), NULL, 10) : 0;
}

int ise_process_status(pid_t thread, struct ise_process_status *status)
{
    char path[64], text[4096];
    snprintf(path, sizeof path, "/proc/%d/status", thread);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    ssize_t length = read(fd, text, sizeof text - 1);
    close(fd);
    if (length <= 0)
        return -1;
    text[length] = 0;
    /* The name comes first, and holds no line end. */
    const char *state = strstr(text, "\nState:\t"), *inside = strstr(text, "\nNStgid:");
    status->zombie = state != NULL && state[8] == 'Z';
    status->pid = (pid_t)number_after(text, "\nTgid:\t");
    status->parent = (pid_t)number_after(text, "\nPPid:\t");
    status->peak = number_after(text, "\nVmHWM:\t") * 1024;
    status->inside = 0;
    if (inside != NULL) /* the last of the line is the innermost */
        for (const char *at = inside + 8; *at != 0 && *at != '\n'; at++)
            if (*at == '\t')
                status->inside = (pid_t)strtol(at, NULL, 10);
    return status->pid != 0 ? 0 : -1;
}

static bool read_memory(pid_t pid, uint64_t address, void *bytes, size_t length, size_t *got)
{
    struct iovec own = {bytes, length}, its = {(void *)(uintptr_t)address, length};
    ssize_t count = process_vm_readv(pid, &own, 1, &its, 1, 0);
    *got = count > 0 ? (size_t)count : 0;
    return count > 0;
}

size_t ise_read_arguments(pid_t pid, uint64_t list, char *text, size_t capacity)
{
    enum { MOST = 256 };
    uint64_t pointers[MOST];
    size_t got, used = 0;
    /* A list near the end of a mapping is read as far as it goes. */
    if (list == 0 || !read_memory(pid, list, pointers, sizeof pointers, &got))
        return 0;
    for (size_t i = 0; i < got / sizeof pointers[0] && pointers[i] != 0 && used < capacity; i++) {
        size_t length;
        if (!read_memory(pid, pointers[i], text + used, capacity - used, &length))
            break;
        const char *end = memchr(text + used, 0, length);
        used += end != NULL ? (size_t)(end - (text + used)) + 1 : length;
    }
    return used;
}
