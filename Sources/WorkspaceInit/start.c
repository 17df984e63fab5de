/* Starts a workspace: clones the init into its namespaces, maps its ids, lets it go. */
#include "launcher.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* In the new namespaces. Failures go to the host by the init's own socket; a spare has none, and ends. */
static _Noreturn void run_init(const struct template *template, const struct policy *policy,
                               const struct opening *opening, int gate)
{
    struct failure failure = {{0}, 0};
    char byte;
    int listener = -1, upper = -1;
    pid_t helper = 0;
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    for (int i = 0; i < opening->join_count; i++)
        if (write(opening->joins[i], "0", 1) != 1) {
            fail(&failure, errno, "join a control group");
            goto failed;
        }
    /* While the launcher maps the ids: */
    if (mounts_make_proc(template, &failure) != 0)
        goto failed;
    if (read(gate, &byte, 1) != 1)
        _exit(1);
    /* Only now: where it is when it unshares is what it sees as the root of all groups. */
    if (unshare(CLONE_NEWCGROUP) != 0) {
        fail(&failure, errno, "make a control group namespace");
        goto failed;
    }
    /* Without a network there is nothing to share either: in a common namespace, abstract sockets would reach the others. */
    if (policy->network == ISE_NETWORK_NONE && unshare(CLONE_NEWNET) != 0) {
        fail(&failure, errno, "make an empty network namespace");
        goto failed;
    }
    /* From the mapped-to-nobody id of the clone to the root of the new user namespace, or to the one id that it has. */
    uid_t id = !template->privileged && !policy->root_identity ? ID_USER : 0;
    if ((template->privileged && setgroups(0, NULL) != 0) || setresgid(id, id, id) != 0 || setresuid(id, id, id) != 0) {
        fail(&failure, errno, "become root in the user namespace");
        goto failed;
    }
    if (trees_attach(template, opening, &failure) != 0 || mounts_build(template, policy, opening, &upper, &helper, &failure) != 0 ||
        privileges_drop(template, policy, &listener, &failure) != 0)
        goto failed;
    init_serve(opening, template, policy, listener, upper, helper);
failed:
    if (opening->socket >= 0)
        reply_failed(opening->socket, 0, failure.stage, failure.error);
    _exit(1);
}

static pid_t clone_into_namespaces(void)
{
    struct clone_args arguments = {
        .flags = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS,
        .exit_signal = SIGCHLD};
    return (pid_t)syscall(SYS_clone3, &arguments, sizeof arguments);
}

pid_t workspace_start(const struct template *template, const struct policy *policy, const struct opening *opening,
                      struct failure *failure)
{
    int network = opening->network;
    static int own_network = -1;
    if (own_network < 0)
        own_network = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    int gate[2];
    if (pipe2(gate, O_CLOEXEC) != 0)
        return fail(failure, errno, "make the start gate");
    /* The network namespace belongs to the launcher's user namespace, so it has to be entered before the clone. */
    if (network >= 0 && setns(network, CLONE_NEWNET) != 0) {
        close(gate[0]);
        close(gate[1]);
        return fail(failure, errno, "enter the network namespace");
    }
    pid_t pid = clone_into_namespaces();
    if (pid == 0) {
        close(gate[1]);
        run_init(template, policy, opening, gate[0]);
    }
    int error = errno;
    if (network >= 0 && setns(own_network, CLONE_NEWNET) != 0)
        _exit(70); /* in the wrong network, every next workspace would be too */
    close(gate[0]);
    if (pid < 0) {
        close(gate[1]);
        return fail(failure, error, "clone a process into new namespaces");
    }
    if (ids_map(template, policy, opening->id_base, pid) != 0 || trees_map(opening, pid) != 0) {
        error = errno;
        kill(pid, SIGKILL);
        close(gate[1]);
        return fail(failure, error, "map the ids of a workspace"); /* the launcher reaps it */
    }
    (void)!write(gate[1], "", 1);
    close(gate[1]);
    return pid;
}
