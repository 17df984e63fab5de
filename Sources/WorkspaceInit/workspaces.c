/* The workspaces that the launcher has started: the host's, and spares. A spare is made while the launcher is idle, for a policy that
 * was asked for more than once: its init is complete, filter and all, and waits for the host's socket. */
#include "launcher.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WISHES = 4 };

struct workspace {
    uint32_t id; /* the host's; 0: a spare */
    pid_t pid;
    int network;    /* to be used again; -1: none */
    uint32_t group; /* of the control groups; 0: none */
    uint32_t id_base;
    int channel;    /* of a spare: where it waits for the host's socket; -1: none */
    struct policy *policy;
};

static struct workspace *workspaces;
static size_t count, capacity;
static struct policy *wishes[WISHES]; /* worth a spare, the one that was asked for last first */

static struct workspace *add(void)
{
    if (count == capacity) {
        size_t larger = capacity ? capacity * 2 : 64;
        struct workspace *moved = realloc(workspaces, larger * sizeof *moved);
        if (moved == NULL)
            return NULL;
        workspaces = moved;
        capacity = larger;
    }
    return &workspaces[count++];
}

/* -2: the host's own network; -1: failed. */
static int choose_network(const struct template *template, const struct policy *policy, struct opening *opening)
{
    if (template->host_network != (policy->network == ISE_NETWORK_HOST)) {
        errno = EOPNOTSUPP; /* the host asks the wrong launcher */
        return -1;
    }
    if (policy->network == ISE_NETWORK_HOST)
        return -2;
    if (policy->network == ISE_NETWORK_NONE)
        return network_empty();
    int network = network_take();
    if (network < 0 || policy->network != ISE_NETWORK_ALLOW_LIST)
        return network;
    opening->listener = network_listen(network);
    if (opening->listener >= 0)
        return network;
    int error = errno;
    close(network);
    errno = error;
    return -1;
}

static pid_t start(const struct template *template, struct cgroups *cgroups, struct policy *policy, struct opening *opening,
                   struct failure *failure)
{
    static uint32_t groups;
    uint32_t group = ++groups;
    if (binds_open(template, opening->binds, opening->bind_count, failure) != 0)
        return -1;
    opening->network = choose_network(template, policy, opening);
    if (opening->network == -1)
        return fail(failure, errno,
                    policy->network == ISE_NETWORK_ALLOW_LIST ? "make a network namespace with a socket that listens in it"
                                                              : "make a network namespace");
    opening->id_base = ids_take(template, opening);
    opening->join_count = cgroups_make(cgroups, policy, group, opening->joins, failure);
    struct workspace *workspace = opening->join_count < 0 ? NULL : add();
    pid_t pid = -1;
    if (workspace != NULL && trees_clone(template, opening, failure) == 0)
        pid = workspace_start(template, policy, opening, failure);
    else if (workspace == NULL && opening->join_count >= 0)
        fail(failure, ENOMEM, "note one more workspace");
    trees_close(opening);
    for (int i = 0; i < opening->join_count; i++)
        close(opening->joins[i]);
    bool again = policy->network == ISE_NETWORK_LOOPBACK; /* a namespace that had a proxy is not used again */
    bool owned = again || policy->network == ISE_NETWORK_ALLOW_LIST;
    if (pid < 0) {
        if (workspace != NULL)
            count--;
        if (opening->join_count > 0)
            cgroups_remove(cgroups, group);
        ids_give_back(template, opening->id_base);
        if (again)
            network_give_back(opening->network);
        else if (owned)
            close(opening->network);
        return -1;
    }
    opening->group = opening->join_count > 0 ? group : 0;
    *workspace = (struct workspace){.id = opening->id, .pid = pid, .group = opening->group, .policy = policy,
                                    .id_base = opening->id_base, .network = -1, .channel = -1};
    /* Descriptors held here are copied by every clone: only so many networks are kept to be used again. */
    if (again && count <= POOLED_NETWORKS * 4)
        workspace->network = opening->network;
    else if (owned)
        close(opening->network);
    return pid;
}

/* ---- spares ---- */

static void drop(struct workspace *spare)
{
    close(spare->channel);
    spare->channel = -1;
    kill(spare->pid, SIGKILL);
}

static bool fits(const struct workspace *workspace, const struct policy *policy)
{
    return workspace->channel >= 0 && workspace->policy == policy;
}

static int give_socket(const struct workspace *spare, int socket)
{
    static struct reply reply;
    reply_begin(&reply, ISE_OPEN, 0);
    return reply_send(spare->channel, &reply, &socket, 1);
}

/* Its mounts are those of the moment when it was made: no layers, no binds. */
static pid_t hand_out_spare(const struct policy *policy, struct opening *opening)
{
    if (opening->layer_count > 0 || opening->bind_count > 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        struct workspace *spare = &workspaces[i];
        if (!fits(spare, policy))
            continue;
        if (give_socket(spare, opening->socket) != 0) {
            drop(spare);
            continue;
        }
        close(spare->channel);
        spare->channel = -1;
        spare->id = opening->id;
        opening->group = spare->group;
        opening->id_base = spare->id_base;
        return spare->pid;
    }
    return -1;
}

static void drop_spares(const struct policy *policy)
{
    for (size_t i = 0; i < count; i++)
        if (fits(&workspaces[i], policy))
            drop(&workspaces[i]);
}

/* Moves it to the front; the last one falls off. */
static void wish_for(struct policy *policy)
{
    int at = 0;
    while (at < WISHES - 1 && wishes[at] != policy)
        at++;
    if (wishes[at] != NULL && wishes[at] != policy)
        drop_spares(wishes[at]);
    for (; at > 0; at--)
        wishes[at] = wishes[at - 1];
    wishes[0] = policy;
}

/* Until it is asked for twice again. */
static void forget_wish(struct policy *policy)
{
    int kept = 0;
    for (int i = 0; i < WISHES; i++)
        if (wishes[i] != policy)
            wishes[kept++] = wishes[i];
    while (kept < WISHES)
        wishes[kept++] = NULL;
    policy->openings = 0;
}

static struct policy *next_wish(void)
{
    for (int i = 0; i < WISHES && wishes[i] != NULL; i++) {
        int spares = 0;
        for (size_t j = 0; j < count; j++)
            spares += fits(&workspaces[j], wishes[i]);
        if (spares < (i == 0 ? 2 : 1))
            return wishes[i];
    }
    return NULL;
}

bool workspaces_make_spare(const struct template *template, struct cgroups *cgroups)
{
    struct policy *policy = next_wish();
    int channel[2];
    if (policy == NULL || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel) != 0)
        return false;
    struct failure failure;
    struct opening opening = {.socket = -1, .channel = channel[1], .listener = -1};
    pid_t pid = start(template, cgroups, policy, &opening, &failure);
    close(channel[1]);
    if (pid < 0) {
        close(channel[0]);
        forget_wish(policy); /* who opens next is told why */
        return true;
    }
    workspaces[count - 1].channel = channel[0];
    return true;
}

void workspaces_drop_spares(struct policy *policy)
{
    drop_spares(policy);
    forget_wish(policy);
}

/* ---- the host's ---- */

pid_t workspaces_open(const struct template *template, struct cgroups *cgroups, struct policy *policy,
                      struct opening *opening, struct failure *failure)
{
    /* An allow-list's listener is made with its workspace. */
    if (policy->network != ISE_NETWORK_ALLOW_LIST && ++policy->openings > 1)
        wish_for(policy);
    pid_t pid = hand_out_spare(policy, opening);
    return pid > 0 ? pid : start(template, cgroups, policy, opening, failure);
}

void workspaces_kill(uint32_t id)
{
    for (size_t i = 0; i < count; i++)
        if (id != 0 && workspaces[i].id == id)
            kill(workspaces[i].pid, SIGKILL); /* not reaped yet, so the pid is still its own */
}

bool workspaces_reap(const struct template *template, struct cgroups *cgroups, struct ended *ended)
{
    pid_t pid = waitpid(-1, &ended->status, WNOHANG);
    if (pid <= 0)
        return false;
    ended->id = 0;
    for (size_t i = 0; i < count; i++) {
        if (workspaces[i].pid != pid)
            continue;
        struct workspace gone = workspaces[i];
        workspaces[i] = workspaces[--count];
        if (gone.group != 0)
            cgroups_remove(cgroups, gone.group);
        if (gone.network >= 0)
            network_give_back(gone.network);
        ids_give_back(template, gone.id_base);
        if (gone.channel >= 0) {
            close(gone.channel);
            forget_wish(gone.policy); /* it could not be made: who opens next is told why */
        }
        ended->id = gone.id;
        break;
    }
    return true;
}

void workspaces_end(struct cgroups *cgroups)
{
    for (size_t i = 0; i < count; i++)
        kill(workspaces[i].pid, SIGKILL);
    while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
        ;
    for (size_t i = 0; i < count; i++)
        if (workspaces[i].group != 0)
            cgroups_remove(cgroups, workspaces[i].group);
}
