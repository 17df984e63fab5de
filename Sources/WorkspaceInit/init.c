/* PID 1 of a workspace: starts commands, ends them at their deadlines, reaps, tells the host. It has dropped everything that it
 * doesn't need, and lies under the same filter as the commands. */
#include "init.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static struct command *find(struct init *init, uint32_t id)
{
    for (int i = 0; i < MAX_COMMANDS; i++)
        if (init->commands[i].id == id)
            return &init->commands[i];
    return NULL;
}

static void end_tree(struct command *command, uint64_t reason)
{
    int64_t decided = now_ns();
    command->ended_by = reason;
    command->deadline_ns = 0;
    kill_marked(command->mark, SIGKILL);
    command->killed_after_ns = now_ns() - decided;
}

static void signal_command(struct init *init, struct message *message)
{
    uint64_t signal_number = SIGKILL, reason = ISE_ENDED_CANCELLED;
    struct field field;
    size_t offset = 0;
    while (field_next(message, &offset, &field))
        if (field.tag == ISE_T_SIGNAL)
            signal_number = field_number(&field);
        else if (field.tag == ISE_T_REASON)
            reason = field_number(&field);
    struct command *command = message->header.id != 0 ? find(init, message->header.id) : NULL;
    if (command == NULL)
        return; /* it ended meanwhile; the host has been told */
    if (signal_number == SIGKILL)
        end_tree(command, reason);
    else
        kill_marked(command->mark, (int)signal_number);
}

static void report_exit(struct init *init, struct command *command, int status, const struct rusage *usage)
{
    struct reply *reply = &init->reply;
    reply_begin(reply, ISE_EXITED, command->id);
    reply_number(reply, ISE_T_STATUS, (uint64_t)status);
    reply_number(reply, ISE_T_WALL_NS, (uint64_t)(now_ns() - command->started_ns));
    reply_number(reply, ISE_T_USER_US, (uint64_t)usage->ru_utime.tv_sec * 1000000 + (uint64_t)usage->ru_utime.tv_usec);
    reply_number(reply, ISE_T_SYSTEM_US, (uint64_t)usage->ru_stime.tv_sec * 1000000 + (uint64_t)usage->ru_stime.tv_usec);
    reply_number(reply, ISE_T_RSS_KB, (uint64_t)usage->ru_maxrss);
    reply_number(reply, ISE_T_ENDED_BY, command->ended_by);
    reply_number(reply, ISE_T_MARK, command->mark);
    if (command->ended_by != ISE_ENDED_ITSELF)
        reply_number(reply, ISE_T_KILL_NS, (uint64_t)command->killed_after_ns);
    else if (processes_exist())
        report_marked(reply, command->mark);
    command->id = 0;
    if (reply_send(init->socket, reply, NULL, 0) != 0)
        _exit(0);
}

/* The old root is gone, or nothing is to run here. */
static void join_helper(struct init *init, int status)
{
    init->helper = 0;
    if (status != 0)
        _exit(74);
}

static void reap(struct init *init)
{
    int status;
    struct rusage usage;
    pid_t pid;
    while ((pid = (pid_t)syscall(SYS_wait4, -1, &status, WNOHANG, &usage)) > 0) {
        if (pid == init->helper)
            join_helper(init, status);
        for (int i = 0; i < MAX_COMMANDS; i++)
            if (init->commands[i].id != 0 && init->commands[i].pid == pid) {
                report_exit(init, &init->commands[i], status, &usage);
                break;
            }
    }
}

/* Milliseconds until the next deadline, rounded up; -1 without one. */
static int end_overdue(struct init *init)
{
    int64_t now = now_ns(), next = 0;
    for (int i = 0; i < MAX_COMMANDS; i++) {
        struct command *command = &init->commands[i];
        if (command->id == 0 || command->deadline_ns == 0)
            continue;
        if (command->deadline_ns <= now)
            end_tree(command, ISE_ENDED_TIMEOUT);
        else if (next == 0 || command->deadline_ns < next)
            next = command->deadline_ns;
    }
    if (next == 0)
        return -1;
    int64_t wait = (next - now) / 1000000 + 1;
    return wait > 3600000 ? 3600000 : (int)wait;
}

/* Whoever still runs could write while the layer is being frozen. */
static void give_upper(struct init *init, uint32_t id)
{
    reap(init);
    if (processes_exist()) {
        reply_failed(init->socket, id, "freeze the workspace: processes are running in it", EBUSY);
        return;
    }
    int mounts = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
    if (mounts < 0) {
        reply_failed(init->socket, id, "take hold of the mount namespace", errno);
        return;
    }
    reply_begin(&init->reply, ISE_FILE, id);
    if (reply_send(init->socket, &init->reply, (int[]){init->upper, mounts}, 2) != 0)
        _exit(0);
    close(mounts);
}

/* For the host's proxy: a port of its own tells it who asks. */
static void give_listener(struct init *init, uint32_t id)
{
    int fd = listen_here(0);
    if (fd < 0) {
        reply_failed(init->socket, id, "listen for the proxy", errno);
        return;
    }
    reply_begin(&init->reply, ISE_FILE, id);
    if (reply_send(init->socket, &init->reply, &fd, 1) != 0)
        _exit(0);
    close(fd);
}

static void handle(struct init *init, struct message *message)
{
    int status = -1;
    if (init->helper != 0 && (waitpid(init->helper, &status, 0) == init->helper || errno != EINTR))
        join_helper(init, status);
    switch (message->header.type) {
    case ISE_EXEC: run_command(init, message); break;
    case ISE_SIGNAL: signal_command(init, message); break;
    case ISE_LOOK:
        reply_begin(&init->reply, ISE_FILE, message->header.id);
        if (reply_send(init->socket, &init->reply, &init->upper, 1) != 0)
            _exit(0);
        break;
    case ISE_LISTEN: give_listener(init, message->header.id); break;
    case ISE_UPPER: give_upper(init, message->header.id); break;
    case ISE_OPEN_FILE:
    case ISE_LIST:
    case ISE_STAT:
    case ISE_REMOVE:
    case ISE_MKDIR: serve_file(init, message); break;
    default: reply_failed(init->socket, message->header.id, "understand the request", ENOSYS); break;
    }
}

_Noreturn void init_serve(const struct opening *opening, const struct template *template, const struct policy *policy,
                          int listener, int upper, pid_t helper)
{
    static struct init init;
    static struct message message;
    int socket = opening->socket, channel = socket < 0 ? opening->channel : -1;
    init.helper = helper;
    memcpy(init.secret, policy->secret, sizeof init.secret);
    init.user_switch = template->privileged && !policy->root_identity;
    for (int i = 0; i < policy->rlimit_count; i++)
        if (policy->rlimits[i].resource == RLIMIT_NOFILE)
            init.open_files = policy->rlimits[i].value;
    prctl(PR_SET_NAME, "init");
    sigset_t children;
    sigemptyset(&children);
    sigaddset(&children, SIGCHLD);
    int signals = signalfd(-1, &children, SFD_CLOEXEC | SFD_NONBLOCK);
    /* The template's descriptors and the launcher's are none of a workspace's business. */
    init.upper = upper;
    int keep[] = {socket, channel, signals, listener, upper};
    enum { KEPT = sizeof keep / sizeof keep[0] };
    int highest = 2;
    for (int i = 0; i < KEPT; i++)
        highest = keep[i] > highest ? keep[i] : highest;
    for (int fd = 3; fd < highest; fd++) {
        bool kept = false;
        for (int i = 0; i < KEPT; i++)
            kept |= fd == keep[i];
        if (!kept)
            close(fd);
    }
    syscall(SYS_close_range, (unsigned)highest + 1, ~0u, 0);

    if (channel >= 0) {
        socket = message_receive(channel, &message) > 0 ? message_take_fd(&message, 0) : -1;
        message_free(&message);
        close(channel);
    }
    init.socket = socket;
    reply_begin(&init.reply, ISE_READY, 0);
    if (signals < 0 || reply_send(socket, &init.reply, &listener, listener >= 0 ? 1 : 0) != 0)
        _exit(1);
    if (listener >= 0)
        close(listener);
    struct pollfd waits[2] = {{.fd = socket, .events = POLLIN}, {.fd = signals, .events = POLLIN}};
    for (;;) {
        int timeout = end_overdue(&init);
        if (poll(waits, 2, timeout) < 0 && errno != EINTR)
            _exit(1);
        if (waits[1].revents & POLLIN) {
            struct signalfd_siginfo info;
            while (read(signals, &info, sizeof info) > 0)
                ;
            reap(&init);
        }
        if (waits[0].revents & POLLIN) {
            if (message_receive(socket, &message) <= 0)
                _exit(0); /* the host is gone: with PID 1 goes the whole workspace */
            handle(&init, &message);
            message_free(&message);
        } else if (waits[0].revents & (POLLHUP | POLLERR)) {
            _exit(0);
        }
    }
}
