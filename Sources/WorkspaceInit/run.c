/* Starts one command. The child shares the init's memory until it execs (CLONE_VM), which costs the same however large the init
 * is, and lets it report a failed step by a plain variable. The init waits for that as vfork does, but not for ever: a process of
 * the same user may stop the child before it execs. */
#include "init.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#ifndef TIOCGPTN
#define TIOCGPTN _IOR('T', 0x30, unsigned int)
#define TIOCSPTLCK _IOW('T', 0x31, int)
#endif

enum { STACK = 64 * 1024, MAX_STRINGS = 65536, PATIENCE_NS = 20 * 1000 * 1000 };
static const int64_t longest_start_ns = 60ll * 1000 * 1000 * 1000;

struct start {
    char **arguments, **environment;
    const char *directory, *path;
    int streams[3];
    int terminal; /* the master; -1: none */
    uint32_t window;
    struct {
        int resource;
        struct rlimit limit;
    } limits[MAX_RLIMITS];
    int limit_count;
    bool user_switch;
    bool announced; /* the host wants to know when it runs */
    bool probes;    /* it looks at the walls and executes nothing */
    uint64_t open_files;
    uint64_t mark;
    const uint32_t *secret;
    struct confinement confinement;
    const char *volatile stage; /* what failed; NULL: nothing */
    volatile int error;
};

static int stop(struct start *start, const char *stage)
{
    start->error = errno;
    start->stage = stage;
    return 127;
}

/* Who has written the file may not have closed it yet, or a process that is just being started somewhere holds a copy. */
static void execute(const char *file, const struct start *start)
{
    static const struct timespec moment = {0, 1000 * 1000};
    for (int attempt = 0; attempt < 10; attempt++) {
        execve(file, start->arguments, start->environment);
        if (errno != ETXTBSY)
            return;
        nanosleep(&moment, NULL);
    }
    errno = ETXTBSY;
}

/* As execvp(3), with the command's own PATH. */
static void exec_along_path(struct start *start)
{
    const char *name = start->arguments[0];
    if (strchr(name, '/') != NULL) {
        execute(name, start);
        return;
    }
    int error = ENOENT;
    const char *at = start->path;
    while (at != NULL && *at != 0) {
        char file[PATH_MAX];
        size_t length = strcspn(at, ":");
        /* Looking first is cheaper than an execve in vain. */
        if (snprintf(file, sizeof file, "%.*s/%s", (int)length, at, name) < (int)sizeof file &&
            access(file, F_OK) == 0) {
            execute(file, start);
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
    if (start->terminal >= 0 && ioctl(start->streams[0], TIOCSCTTY, 0) != 0)
        return stop(start, "take the terminal");
    struct rlimit files;
    if (start->open_files != 0 && getrlimit(RLIMIT_NOFILE, &files) == 0 && start->open_files < files.rlim_max) {
        files.rlim_cur = files.rlim_max = start->open_files;
        if (setrlimit(RLIMIT_NOFILE, &files) != 0)
            return stop(start, "set the limit of open files");
    }
    for (int i = 0; i < start->limit_count; i++)
        if (setrlimit(start->limits[i].resource, &start->limits[i].limit) != 0)
            return stop(start, "set a resource limit");
    for (int i = 0; i < 3; i++)
        if (dup2(start->streams[i], i) < 0)
            return stop(start, "connect the standard streams");
    if (start->confinement.any && confinement_enter(&start->confinement) != 0)
        return stop(start, "put its confinement's Landlock rules in force");
    if (syscall(SYS_close_range, 3u, ~0u, 0) != 0)
        return stop(start, "close the init's descriptors");
    if (start->user_switch && (syscall(SYS_setresgid, ID_USER, ID_USER, ID_USER) != 0 ||
                               syscall(SYS_setresuid, ID_USER, ID_USER, ID_USER) != 0))
        return stop(start, "become the user");
    if (mark_process(start->mark, start->secret) != 0)
        return stop(start, "mark the process");
    if (chdir(start->directory) != 0)
        return stop(start, "change to the directory");
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (start->confinement.any && confinement_seal(&start->confinement) != 0)
        return stop(start, "load its confinement's filter");
    if (start->probes)
        probe_walls(start->arguments[0]);
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

/* A new pair of terminal ends, the user's own. */
static int open_terminal(struct start *start)
{
    int number, unlock = 0;
    char path[32];
    struct winsize size = {(unsigned short)(start->window >> 16), (unsigned short)start->window, 0, 0};
    if (start->user_switch) {
        setfsgid(ID_USER);
        setfsuid(ID_USER);
    }
    int slave = -1;
    start->terminal = open("/dev/pts/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (start->terminal >= 0 && ioctl(start->terminal, TIOCSPTLCK, &unlock) == 0 &&
        ioctl(start->terminal, TIOCGPTN, &number) == 0 && ioctl(start->terminal, TIOCSWINSZ, &size) == 0) {
        snprintf(path, sizeof path, "/dev/pts/%d", number);
        slave = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
    }
    int error = errno;
    if (start->user_switch) {
        setfsuid(0);
        setfsgid(0);
    }
    errno = error;
    for (int i = 0; i < 3; i++)
        start->streams[i] = slave;
    return slave < 0 ? -1 : 0;
}

static int add_limit(struct start *start, const struct field *field)
{
    uint64_t pair[2];
    if (field->length != sizeof pair || start->limit_count == MAX_RLIMITS)
        return -1;
    memcpy(pair, field->data, sizeof pair);
    /* At the soft limit of processor time comes SIGXCPU, which tells what happened; a second later, SIGKILL. */
    uint64_t hard = pair[0] == RLIMIT_CPU ? pair[1] + 1 : pair[1];
    start->limits[start->limit_count].resource = (int)pair[0];
    start->limits[start->limit_count++].limit = (struct rlimit){pair[1], hard};
    return 0;
}

static int add_confinement(struct confinement *confinement, const struct field *field)
{
    confinement->any = true;
    switch (field->tag) {
    case ISE_T_READ_ONLY: confinement->read_only = true; return 0;
    case ISE_T_ONLY_PROGRAMS: confinement->only_programs = true; return 0;
    case ISE_T_NO_NETWORK: confinement->no_network = true; return 0;
    case ISE_T_PROXY_PORT: confinement->proxy_port = (uint16_t)field_number(field); return 0;
    default: break;
    }
    const char *name = field_string(field);
    if (name == NULL || confinement->program_count == ISE_MAX_PROGRAMS)
        return -1;
    confinement->programs[confinement->program_count++] = name;
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
        case ISE_T_FLAGS: start->announced = field_number(&field) != 0; break;
        case ISE_T_PROBE: start->probes = true; break;
        case ISE_T_TERMINAL: start->window = (uint32_t)field_number(&field); break;
        case ISE_T_RLIMIT: result = add_limit(start, &field); break;
        case ISE_T_READ_ONLY:
        case ISE_T_ONLY_PROGRAMS:
        case ISE_T_PROGRAM:
        case ISE_T_NO_NETWORK:
        case ISE_T_PROXY_PORT: result = add_confinement(&start->confinement, &field); break;
        default: result = -1; break;
        }
        if (result != 0)
            return -1;
    }
    arguments[argument_count] = environment[environment_count] = NULL;
    return argument_count > 0 && start->directory != NULL && (start->window != 0 || message->fd_count >= 2) ? 0 : -1;
}

static struct command *free_slot(struct init *init)
{
    for (int i = 0; i < MAX_COMMANDS; i++)
        if (init->commands[i].id == 0)
            return &init->commands[i];
    return NULL;
}

/* Two descriptors: no standard input. */
static void take_streams(struct start *start, struct message *message)
{
    if (message->fd_count == 2) {
        message->fds[message->fd_count++] = message->fds[1];
        message->fds[1] = message->fds[0];
        message->fds[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
    }
    memcpy(start->streams, message->fds, sizeof start->streams);
}

/* Until the child has executed or ended, at which the kernel clears `memory_shared` and wakes who waits for it. */
static void wait_for_exec(pid_t pid, int *memory_shared, int64_t deadline_ns)
{
    struct timespec patience = {0, PATIENCE_NS};
    while (__atomic_load_n(memory_shared, __ATOMIC_ACQUIRE) != 0)
        if (syscall(SYS_futex, memory_shared, FUTEX_WAIT, 1, &patience, NULL, 0) != 0 && errno == ETIMEDOUT)
            kill(pid, now_ns() < deadline_ns ? SIGCONT : SIGKILL);
}

/* Answers the request when it cannot be, or must not be. */
static int confine(struct init *init, uint32_t id, struct start *start)
{
    start->confinement.ruleset = -1;
    if (!start->confinement.any)
        return 0;
    int result = confinement_prepare(&start->confinement, start->directory, start->path, start->arguments[0],
                                     start->user_switch);
    if (result != 0)
        reply_failed(init->socket, id, result > 0 ? "run a program that it may not" : "make its confinement's Landlock rules",
                     result > 0 ? EACCES : errno);
    return result;
}

void run_command(struct init *init, struct message *message)
{
    static char *arguments[MAX_STRINGS + 1], *environment[MAX_STRINGS + 1];
    static char stack[STACK] __attribute__((aligned(16)));
    uint32_t id = message->header.id;
    struct start start = {.arguments = arguments, .environment = environment, .user_switch = init->user_switch,
                          .open_files = init->open_files, .terminal = -1, .secret = init->secret};
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
    if (confine(init, id, &start) != 0)
        return;
    if (start.window != 0) {
        if (open_terminal(&start) != 0) {
            reply_failed(init->socket, id, "open a terminal", errno);
            close(start.terminal);
            close(start.confinement.ruleset);
            return;
        }
    } else {
        take_streams(&start, message);
    }
    new.id = id;
    new.mark = mark_next();
    new.started_ns = now_ns();
    if (new.deadline_ns != 0) /* may be as far off as a caller likes */
        new.deadline_ns = new.deadline_ns > INT64_MAX - new.started_ns ? INT64_MAX : new.started_ns + new.deadline_ns;
    start.mark = new.mark;
    static int memory_shared;
    memory_shared = 1;
    new.pid = clone(child, stack + sizeof stack, CLONE_VM | CLONE_CHILD_CLEARTID | SIGCHLD, &start, NULL, NULL,
                    &memory_shared);
    int error = errno;
    if (new.pid > 0)
        wait_for_exec(new.pid, &memory_shared,
                      new.deadline_ns != 0 ? new.deadline_ns : new.started_ns + longest_start_ns);
    if (start.terminal >= 0)
        close(start.streams[0]);
    if (start.confinement.ruleset >= 0)
        close(start.confinement.ruleset);
    if (new.pid < 0 || start.stage != NULL) {
        /* A child that failed is a zombie now, and not in the table: the reaper takes it silently. */
        close(start.terminal);
        reply_begin(&init->reply, ISE_FAILED, id);
        reply_string(&init->reply, ISE_T_STAGE, new.pid < 0 ? "start a process" : start.stage);
        reply_number(&init->reply, ISE_T_ERRNO, (uint64_t)(new.pid < 0 ? error : start.error));
        reply_number(&init->reply, ISE_T_MARK, new.mark);
        if (reply_send(init->socket, &init->reply, NULL, 0) != 0)
            _exit(0);
        return;
    }
    *command = new;
    if (!start.announced)
        return;
    reply_begin(&init->reply, ISE_STARTED, id);
    reply_number(&init->reply, ISE_T_PID, (uint64_t)new.pid);
    if (reply_send(init->socket, &init->reply, &start.terminal, start.terminal >= 0 ? 1 : 0) != 0)
        _exit(0);
    if (start.terminal >= 0)
        close(start.terminal);
}
