/* Which processes belong to which command. Sessions, groups and parents can all be left by a program that wants to; without
 * control groups (an ordinary user has none) something else has to stick. So every command gets a limit of its own on the bytes
 * of POSIX message queues: children inherit it, /proc shows it, and the filter lets nobody change it who does not know the policy's
 * secret. */
#include "init.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { LAST_MARK = 500000, SWEEPS = 10000, EMPTY_SWEEPS = 3, REPORTED = 32 };

uint64_t mark_next(void)
{
    static uint64_t mark;
    mark = mark % LAST_MARK + 1;
    return mark;
}

int mark_process(uint64_t mark, const uint32_t secret[2])
{
    struct rlimit limit = {mark, mark};
    return (int)syscall(SYS_prlimit64, 0, RLIMIT_MSGQUEUE, &limit, NULL, secret[0], secret[1]);
}

static uint64_t mark_of(int proc, const char *pid)
{
    char path[64], text[2048];
    snprintf(path, sizeof path, "%s/limits", pid);
    if (read_file_at(proc, path, text, sizeof text) <= 0)
        return 0;
    const char *line = strstr(text, "Max msgqueue size");
    return line != NULL ? strtoull(line + strlen("Max msgqueue size"), NULL, 10) : 0;
}

/* A process whose first thread has ended shows as a zombie while others run on: it is one only when it has a single thread left. */
static bool is_zombie(int proc, const char *pid)
{
    char path[64], text[512];
    snprintf(path, sizeof path, "%s/stat", pid);
    if (read_file_at(proc, path, text, sizeof text) <= 0)
        return true;
    const char *at = strrchr(text, ')');
    if (at == NULL || at[1] == 0)
        return true;
    char state = at[2];
    for (int field = 2; at != NULL && field < 20; field++) /* the 20th is the number of threads */
        at = strchr(at + 1, ' ');
    return (state == 'Z' || state == 'X') && (at == NULL || strtol(at, NULL, 10) <= 1);
}

/* Calls `each` for every living process with the mark; returns how many there were. */
static int for_marked(uint64_t mark, void (*each)(int proc, const char *pid, void *context), void *context)
{
    int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *directory = proc < 0 ? NULL : fdopendir(proc);
    if (directory == NULL)
        return 0;
    int count = 0;
    struct dirent *item;
    while ((item = readdir(directory)) != NULL) {
        if (!isdigit((unsigned char)item->d_name[0]) || strcmp(item->d_name, "1") == 0)
            continue;
        if (mark_of(proc, item->d_name) == mark && !is_zombie(proc, item->d_name)) {
            count++;
            each(proc, item->d_name, context);
        }
    }
    closedir(directory);
    return count;
}

static void send_signal(int proc, const char *pid, void *context)
{
    (void)proc;
    kill(atoi(pid), *(int *)context);
}

void kill_marked(uint64_t mark, int signal)
{
    /* A fork may slip between reading the directory and the kill; its child bears the mark and falls in the next sweep. A process
     * that starts the next and ends at once may not be met in one: several have to find none. */
    int sweeps = signal == SIGKILL ? SWEEPS : 1;
    for (int empty = 0; sweeps > 0 && empty < EMPTY_SWEEPS; sweeps--)
        empty = for_marked(mark, send_signal, &signal) != 0 ? 0 : processes_exist() ? empty + 1 : EMPTY_SWEEPS;
}

bool processes_exist(void)
{
    return kill(-1, 0) == 0 || errno != ESRCH;
}

struct left {
    struct reply *reply;
    int count;
};

static void report(int proc, const char *pid, void *context)
{
    struct left *left = context;
    struct {
        uint32_t pid;
        char command[256];
    } entry;
    char path[64];
    if (left->count++ >= REPORTED)
        return;
    entry.pid = (uint32_t)atoi(pid);
    snprintf(path, sizeof path, "%s/cmdline", pid);
    int length = read_file_at(proc, path, entry.command, sizeof entry.command);
    if (length <= 0) {
        snprintf(path, sizeof path, "%s/comm", pid);
        length = read_file_at(proc, path, entry.command, sizeof entry.command);
    }
    length = length < 0 ? 0 : length;
    while (length > 0 && (entry.command[length - 1] == 0 || entry.command[length - 1] == '\n'))
        length--;
    for (int i = 0; i < length; i++)
        if (entry.command[i] == 0)
            entry.command[i] = ' ';
    reply_bytes(left->reply, ISE_T_LEFT, &entry, sizeof entry.pid + (size_t)length);
}

void report_marked(struct reply *reply, uint64_t mark)
{
    struct left left = {reply, 0};
    for_marked(mark, report, &left);
}
