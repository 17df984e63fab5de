/* Starts one command. The child shares the init's memory until it execs (CLONE_VM|CLONE_VFORK), which costs the same however
 * large the init is, and lets it report a failed step by a plain variable. */
#include "init.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { STACK = 64 * 1024, MAX_STRINGS = 65536 };

struct start {
    char **arguments, **environment;
    const char *directory, *path;
    int streams[3];
    bool user_switch;
    uint64_t mark;
    const char *volatile stage; /* what failed; NULL: nothing */
    volatile int error;
};

static int stop(struct start *start, const char *stage)
{
    start->error = errno;
    start->stage = stage;
    return 127;
}

/* As execvp(3), with the command's own PATH. */
static void exec_along_path(struct start *start)
{
    const char *name = start->arguments[0];
    if (strchr(name, '/') != NULL) {
        execve(name, start->arguments, start->environment);
        return;
    }
    int error = ENOENT;
    const char *at = start->path;
    while (at != NULL && *at != 0) {
        char file[PATH_MAX];
        size_t length = strcspn(at, ":");
        if (snprintf(file, sizeof file, "%.*s/%s", (int)length, at, name) < (int)sizeof file) {
            execve(file, start->arguments, start->environment);
            if (errno == EACCES)
                error = EACCES;
            else if (errno != ENOENT && errno != ENOTDIR)
                return;
        }
        at += length + (at[length] == ':');
    }
    errno = error;
}

static int child(void *context)
{
    struct start *start = context;
    if (setsid() < 0)
        return stop(start, "start a session");
    for (int i = 0; i < 3; i++)
        if (dup2(start->streams[i], i) < 0)
            return stop(start, "connect the standard streams");
    if (syscall(SYS_close_range, 3u, ~0u, 0) != 0)
        return stop(start, "close the init's descriptors");
    if (start->user_switch && (syscall(SYS_setresgid, ID_USER, ID_USER, ID_USER) != 0 ||
                               syscall(SYS_setresuid, ID_USER, ID_USER, ID_USER) != 0))
        return stop(start, "become the user");
    if (mark_process(start->mark) != 0)
        return stop(start, "mark the process");
    if (chdir(start->directory) != 0)
        return stop(start, "change to the directory");
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    exec_along_path(start);
    return stop(start, "execute");
}

static int add(char **list, int *count, const struct field *field)
{
    const char *text = field_string(field);
    if (text == NULL || *count >= MAX_STRINGS)
        return -1;
    list[(*count)++] = (char *)text;
    return 0;
}

static int read_request(struct message *message, struct start *start, struct command *command, char **arguments,
                        char **environment)
{
    int argument_count = 0, environment_count = 0;
    struct field field;
    size_t offset = 0;
    while (field_next(message, &offset, &field)) {
        int result = 0;
        switch (field.tag) {
        case ISE_T_ARGUMENT: result = add(arguments, &argument_count, &field); break;
        case ISE_T_ENVIRONMENT:
            result = add(environment, &environment_count, &field);
            if (result == 0 && strncmp((const char *)field.data, "PATH=", 5) == 0)
                start->path = (const char *)field.data + 5;
            break;
        case ISE_T_CWD: start->directory = field_string(&field); break;
        case ISE_T_TIMEOUT_NS: command->deadline_ns = (int64_t)field_number(&field); break;
        default: result = -1; break;
        }
        if (result != 0)
            return -1;
    }
    arguments[argument_count] = environment[environment_count] = NULL;
    return argument_count > 0 && start->directory != NULL && message->fd_count >= 2 ? 0 : -1;
}

static struct command *free_slot(struct init *init)
{
    for (int i = 0; i < MAX_COMMANDS; i++)
        if (init->commands[i].id == 0)
            return &init->commands[i];
    return NULL;
}

void run_command(struct init *init, struct message *message)
{
    static char *arguments[MAX_STRINGS + 1], *environment[MAX_STRINGS + 1];
    static char stack[STACK] __attribute__((aligned(16)));
    uint32_t id = message->header.id;
    struct start start = {.arguments = arguments, .environment = environment, .user_switch = init->user_switch};
    struct command *command = free_slot(init);
    struct command new = {.killed_after_ns = -1};
    if (command == NULL) {
        reply_failed(init->socket, id, "start one more command at once", EAGAIN);
        return;
    }
    if (read_request(message, &start, &new, arguments, environment) != 0) {
        reply_failed(init->socket, id, "read the command", EINVAL);
        return;
    }
    /* Two descriptors: no standard input. The last one moves up. */
    if (message->fd_count == 2) {
        message->fds[message->fd_count++] = message->fds[1];
        message->fds[1] = message->fds[0];
        message->fds[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
    }
    memcpy(start.streams, message->fds, sizeof start.streams);
    new.id = id;
    new.mark = mark_next();
    new.started_ns = now_ns();
    if (new.deadline_ns != 0)
        new.deadline_ns += new.started_ns;
    start.mark = new.mark;
    new.pid = clone(child, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD, &start);
    if (new.pid < 0) {
        reply_failed(init->socket, id, "start a process", errno);
        return;
    }
    if (start.stage != NULL) {
        /* It is a zombie now, and not in the table: the reaper takes it silently. */
        reply_failed(init->socket, id, start.stage, start.error);
        return;
    }
    *command = new;
    reply_begin(&init->reply, ISE_STARTED, id);
    reply_number(&init->reply, ISE_T_PID, (uint64_t)new.pid);
    if (reply_send(init->socket, &init->reply, NULL, 0) != 0)
        _exit(0);
}
