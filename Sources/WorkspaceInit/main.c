/* The launcher: a single-threaded program, started once by the host, that starts workspaces on request. It holds what they are
 * made of, makes network namespaces and workspaces ahead while idle, reaps the inits and clears up after them. Descriptor 3 is the
 * host. When the host is gone, everything ends. */
#include "launcher.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    HOST = 3,
    PAUSE_MS = 10 /* without a request: what was handed out last is being used now, and shall not be disturbed */
};

static struct template template;
static struct policy *policies[MAX_POLICIES]; /* NULL: not known */
static struct cgroups cgroups;
static struct message request;
static struct reply answer;

static void clean_up_and_exit(void)
{
    workspaces_end(&cgroups);
    cgroups_remove_all(&cgroups, template.cgroup_name);
    _exit(0);
}

static void add_fact(const char *name, const char *value)
{
    char text[128];
    snprintf(text, sizeof text, "%s=%s", name, value);
    reply_string(&answer, ISE_T_FACT, text);
}

static void set_template(void)
{
    struct failure failure;
    struct field field;
    size_t offset = 0;
    const char *group = NULL, *delegated = NULL;
    while (field_next(&request, &offset, &field))
        if (field.tag == ISE_T_CGROUP_NAME)
            group = field_string(&field);
        else if (field.tag == ISE_T_CGROUP_ROOT)
            delegated = field_string(&field);
    /* The groups are made while /sys/fs/cgroup can still be named. */
    if (group != NULL && (geteuid() == 0 || delegated != NULL)) {
        cgroups_reap("ise", delegated);
        cgroups_open(&cgroups, group, delegated);
    }
    if (template_build(&template, &request, &failure) != 0) {
        reply_failed(HOST, 0, failure.stage, failure.error);
        clean_up_and_exit();
    }
    reply_begin(&answer, ISE_TEMPLATE_READY, 0);
    add_fact("started_as", template.privileged ? "root" : "user");
    char version[16];
    snprintf(version, sizeof version, "%d", landlock_version());
    add_fact("landlock", version);
    add_fact("own_ids", template.own_ids ? "yes" : "no");
    add_fact("idmapped", template.idmapped ? "yes" : "no");
    for (int i = 0; i < cgroups.count; i++)
        add_fact("cgroup", cgroups.hierarchies[i].controller);
    static const char *const controllers[] = {"memory", "pids", "cpu"};
    for (size_t i = 0; i < sizeof controllers / sizeof controllers[0]; i++)
        if (cgroups_can(&cgroups, controllers[i]))
            add_fact("v2", controllers[i]);
    /* A launcher in the host's network must not leave it: an ordinary user could not come back. */
    bool can = !template.host_network && network_empty() >= 0;
    add_fact("network_namespaces", can ? "yes" : "no");
    if (reply_send(HOST, &answer, NULL, 0) != 0)
        clean_up_and_exit();
}

static void set_policy(void)
{
    struct failure failure;
    uint32_t id = request.header.id;
    if (id >= MAX_POLICIES) {
        reply_failed(HOST, id | 0x80000000u, "keep one more policy", E2BIG);
        return;
    }
    if (policies[id] == NULL)
        policies[id] = calloc(1, sizeof *policies[id]);
    else
        workspaces_drop_spares(policies[id]);
    int result = policies[id] == NULL ? fail(&failure, ENOMEM, "keep one more policy")
                                      : policy_read(policies[id], &request, &failure);
    if (result != 0) {
        /* Workspaces that ask for it are told that it is not known. */
        policy_free(policies[id]);
        policies[id] = NULL;
        reply_failed(HOST, id | 0x80000000u, failure.stage, failure.error);
    }
}

/* False: there is no room for one more. The strings stay the request's. */
static bool add_bind(struct opening *opening, const struct own_bind *next, const struct field *file)
{
    uint64_t pair[2];
    if (opening->bind_count == ISE_MAX_OWN_BINDS || next->path == NULL || next->source == NULL || file->length != sizeof pair)
        return false;
    memcpy(pair, file->data, sizeof pair);
    opening->binds[opening->bind_count++] = (struct own_bind){
        .path = next->path, .source = next->source, .device = pair[0], .inode = pair[1], .tree = -1};
    return true;
}

/* NULL: the request names no policy that is known, or too many layers or binds. */
static struct policy *read_opening(struct opening *opening)
{
    struct field field;
    size_t offset = 0;
    uint64_t number = MAX_POLICIES;
    struct own_bind next = {0};
    *opening = (struct opening){.id = request.header.id, .socket = message_take_fd(&request, 0), .listener = -1};
    while (field_next(&request, &offset, &field))
        if (field.tag == ISE_T_POLICY)
            number = field_number(&field);
        else if (field.tag == ISE_T_LAYER && opening->layer_count < MAX_LAYERS)
            opening->layers[opening->layer_count++] = (uint32_t)field_number(&field);
        else if (field.tag == ISE_T_PATH)
            next.path = field_string(&field);
        else if (field.tag == ISE_T_SOURCE)
            next.source = field_string(&field);
        else if (field.tag == ISE_T_SOURCE_FILE && add_bind(opening, &next, &field))
            ;
        else
            return NULL;
    return number < MAX_POLICIES && opening->socket >= 0 ? policies[number] : NULL;
}

static void open_workspace(void)
{
    struct failure failure = {{0}, 0};
    struct opening opening;
    struct policy *policy = read_opening(&opening);
    if (policy == NULL)
        fail(&failure, EINVAL, "read the request (a policy that is known, at most %d layers and %d binds)", MAX_LAYERS,
             ISE_MAX_OWN_BINDS);
    int pid = policy == NULL ? -1 : workspaces_open(&template, &cgroups, policy, &opening, &failure);
    binds_close(opening.binds, opening.bind_count);
    if (pid < 0) {
        reply_failed(HOST, opening.id, failure.stage, failure.error);
    } else {
        reply_begin(&answer, ISE_OPENED, opening.id);
        reply_number(&answer, ISE_T_PID, (uint64_t)pid);
        reply_number(&answer, ISE_T_GROUP, opening.group);
        reply_number(&answer, ISE_T_ID_BASE, opening.id_base);
        if (reply_send(HOST, &answer, &opening.listener, opening.listener >= 0 ? 1 : 0) != 0)
            clean_up_and_exit();
    }
    if (opening.listener >= 0)
        close(opening.listener);
    close(opening.socket); /* last: its end tells the host less than a reason does */
}

static void freeze_layer(void)
{
    struct failure failure = {"read the request", EINVAL};
    uint32_t number = request.header.id;
    int result = -1;
    if (request.fd_count == 2)
        result = layer_freeze(number, &(struct upper){request.fds[0], request.fds[1]}, &failure);
    reply_begin(&answer, result == 0 ? ISE_FROZEN : ISE_NOT_FROZEN, number);
    if (result != 0) {
        reply_string(&answer, ISE_T_STAGE, failure.stage);
        reply_number(&answer, ISE_T_ERRNO, (uint64_t)failure.error);
    }
    if (reply_send(HOST, &answer, NULL, 0) != 0)
        clean_up_and_exit();
}

static void reap(void)
{
    struct ended ended;
    while (workspaces_reap(&template, &cgroups, &ended)) {
        if (ended.id == 0)
            continue;
        reply_begin(&answer, ISE_CLOSED, ended.id);
        reply_number(&answer, ISE_T_STATUS, (uint64_t)ended.status);
        if (reply_send(HOST, &answer, NULL, 0) != 0)
            clean_up_and_exit();
    }
}

static void handle_request(void)
{
    int result = message_receive(HOST, &request);
    if (result <= 0)
        clean_up_and_exit();
    switch (request.header.type) {
    case ISE_TEMPLATE: set_template(); break;
    case ISE_POLICY: set_policy(); break;
    case ISE_OPEN: open_workspace(); break;
    case ISE_KILL: workspaces_kill(request.header.id); break;
    case ISE_FREEZE: freeze_layer(); break;
    case ISE_RELEASE: layer_release(request.header.id); break;
    default: reply_failed(HOST, request.header.id, "understand the request", ENOSYS); break;
    }
    message_free(&request);
}

int main(void)
{
    setsid();
    /* Every descriptor but the host's socket is somebody else's. */
    if (syscall(SYS_close_range, HOST + 1, ~0u, 0) != 0)
        return 71;
    if (fcntl(HOST, F_SETFD, FD_CLOEXEC) != 0)
        return 70; /* nobody to serve: a command may find and execute this image, too */
    prctl(PR_SET_NAME, "ise-launcher");
    prctl(PR_SET_DUMPABLE, 1); /* the maps of a clone are written through /proc, which belongs to root otherwise */
    sigset_t signals;
    sigfillset(&signals);
    sigprocmask(SIG_SETMASK, &signals, NULL);
    sigemptyset(&signals);
    sigaddset(&signals, SIGCHLD);
    int children = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    if (children < 0)
        return 72;
    struct pollfd waits[2] = {{.fd = HOST, .events = POLLIN}, {.fd = children, .events = POLLIN}};
    bool work_left = false, paused = false;
    for (;;) {
        int patience = !work_left ? -1 : paused || network_pool_is_low() ? 0 : PAUSE_MS;
        int ready = poll(waits, 2, patience);
        if (ready < 0 && errno != EINTR)
            clean_up_and_exit();
        if (ready == 0) {
            paused |= patience == PAUSE_MS;
            work_left = network_refill() || workspaces_make_spare(&template, &cgroups) || !paused;
            continue;
        }
        if (waits[1].revents & POLLIN) {
            struct signalfd_siginfo info;
            while (read(children, &info, sizeof info) > 0)
                ;
            reap();
        }
        if (waits[0].revents & (POLLIN | POLLHUP | POLLERR))
            handle_request();
        work_left = template.id_count != 0 && !template.host_network;
        paused = false;
    }
}
