/* Namespaces, privileges, other processes. */
#include "probe.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <sys/wait.h>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

static const struct {
    const char *name;
    unsigned flag;
} kinds[] = {{"user", CLONE_NEWUSER}, {"mount", CLONE_NEWNS}, {"pid", CLONE_NEWPID},       {"net", CLONE_NEWNET},
             {"ipc", CLONE_NEWIPC},   {"uts", CLONE_NEWUTS},  {"cgroup", CLONE_NEWCGROUP}, {"time", CLONE_NEWTIME}};

static long try_unshare(void *context) { return unshare((int)*(const unsigned *)context); }

static long try_clone(void *context)
{
    long pid = syscall(SYS_clone, *(const unsigned *)context | SIGCHLD, 0, 0, 0, 0);
    if (pid == 0)
        _exit(0);
    if (pid > 0)
        waitpid((pid_t)pid, NULL, 0);
    return pid;
}

static long try_clone3(void *context)
{
    struct clone_args arguments = {.flags = *(const unsigned *)context, .exit_signal = SIGCHLD};
    long pid = syscall(SYS_clone3, &arguments, sizeof arguments);
    if (pid == 0)
        _exit(0);
    if (pid > 0)
        waitpid((pid_t)pid, NULL, 0);
    return pid;
}

static void namespaces(int count, char **arguments)
{
    (void)count, (void)arguments;
    char name[32];
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        unsigned flag = kinds[i].flag;
        snprintf(name, sizeof name, "unshare_%s", kinds[i].name);
        report_child(name, try_unshare, &flag);
        if (flag != CLONE_NEWTIME) { /* that bit belongs to clone's exit signal */
            snprintf(name, sizeof name, "clone_%s", kinds[i].name);
            report_child(name, try_clone, &flag);
        }
        snprintf(name, sizeof name, "clone3_%s", kinds[i].name);
        report_child(name, try_clone3, &flag);
    }
    unsigned all = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET, none = 0;
    report_child("unshare_all", try_unshare, &all);
    report_child("clone_plain", try_clone, &none);
}

static void enter(int count, char **arguments)
{
    (void)count, (void)arguments;
    char path[64];
    static const char *const spaces[] = {"user", "mnt", "pid", "net", "ipc", "uts", "cgroup"};
    for (size_t i = 0; i < sizeof spaces / sizeof spaces[0]; i++) {
        snprintf(path, sizeof path, "/proc/self/ns/%s", spaces[i]);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        TRY(spaces[i], setns(fd, 0));
        close(fd);
    }
    int pidfd = (int)syscall(SYS_pidfd_open, 1, 0);
    TRY("pidfd", setns(pidfd, CLONE_NEWNS | CLONE_NEWUSER));
}

static void capabilities(int count, char **arguments)
{
    (void)count, (void)arguments;
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2] = {{~0u, ~0u, ~0u}, {~0u, ~0u, ~0u}};
    TRY("capset", syscall(SYS_capset, &header, data));
    TRY("ambient", prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_SYS_ADMIN, 0, 0));
    TRY("securebits", prctl(PR_SET_SECUREBITS, 0, 0, 0, 0));
    int bounding = 0;
    for (int i = 0; i < 64; i++)
        bounding += prctl(PR_CAPBSET_READ, i, 0, 0, 0) == 1;
    report_number("bounding", bounding);
    memset(data, 0, sizeof data);
    syscall(SYS_capget, &header, data);
    report_number("effective", data[0].effective | data[1].effective);
    report_number("permitted", data[0].permitted | data[1].permitted);
    report_number("no_new_privs", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
}

static void identities(int count, char **arguments)
{
    (void)count, (void)arguments;
    gid_t none[1] = {0};
    TRY("setuid_0", setresuid(0, 0, 0));
    TRY("setuid_other", setresuid(4242, 4242, 4242));
    TRY("setgid_0", setresgid(0, 0, 0));
    TRY("setgid_tty", setresgid(5, 5, 5));
    TRY("setgroups_none", setgroups(0, none));
    TRY("setgroups_0", setgroups(1, none));
    /* setfsuid tells the old id, never an error. */
    syscall(SYS_setfsuid, 0);
    report_number("fsuid", syscall(SYS_setfsuid, -1));
}

static void trace(int count, char **arguments)
{
    (void)count, (void)arguments;
    pid_t sibling = fork();
    if (sibling == 0) {
        pause();
        _exit(0);
    }
    char buffer[8] = {0};
    static char here[8] = "target";
    struct iovec local = {buffer, sizeof buffer}, remote = {here, sizeof here};
    int pidfd = (int)syscall(SYS_pidfd_open, 1, 0), own = (int)syscall(SYS_pidfd_open, sibling, 0);
    TRY("seize_sibling", ptrace(PTRACE_SEIZE, sibling, 0, 0));
    TRY("attach_sibling", ptrace(PTRACE_ATTACH, sibling, 0, 0));
    TRY("seize_init", ptrace(PTRACE_SEIZE, 1, 0, 0));
    TRY("vm_read", process_vm_readv(sibling, &local, 1, &remote, 1, 0));
    TRY("vm_write", process_vm_writev(sibling, &local, 1, &remote, 1, 0));
    TRY("vm_read_init", process_vm_readv(1, &local, 1, &remote, 1, 0));
    TRY("getfd_sibling", syscall(SYS_pidfd_getfd, own, 0, 0));
    TRY("getfd_init", syscall(SYS_pidfd_getfd, pidfd, 3, 0));
    TRY("kcmp", syscall(SYS_kcmp, sibling, getpid(), 0, 0, 0));
    TRY("madvise_init", syscall(SYS_process_madvise, pidfd, &remote, 1, MADV_COLD, 0));
    kill(sibling, SIGKILL);
    waitpid(sibling, NULL, 0);
    TRY("traceme", ptrace(PTRACE_TRACEME, 0, 0, 0));
}

static void signals(int count, char **arguments)
{
    pid_t host = count > 0 ? atoi(arguments[0]) : 4194303;
    /* 0: the kernel takes it; the init must not. */
    kill(1, SIGKILL);
    kill(1, SIGSTOP);
    kill(1, SIGSEGV);
    kill(1, SIGTERM);
    int pidfd = (int)syscall(SYS_pidfd_open, 1, 0);
    syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
    TRY("host_process", kill(host, 0));
    siginfo_t forged = {.si_signo = SIGKILL, .si_code = 0};
    TRY("forged", syscall(SYS_rt_sigqueueinfo, 1, SIGUSR1, &forged));
    report_text("alive", getppid() == 1 || kill(1, 0) == 0 || errno == EPERM ? "yes" : "no");
}

static void process_options(int count, char **arguments)
{
    (void)count, (void)arguments;
    TRY("PR_SET_MM", prctl(PR_SET_MM, PR_SET_MM_START_CODE, 0x10000, 0, 0));
    TRY("PR_SET_PTRACER", prctl(PR_SET_PTRACER, 1, 0, 0, 0));
    TRY("PR_SET_TSC", prctl(PR_SET_TSC, PR_TSC_SIGSEGV, 0, 0, 0));
    TRY("PR_SCHED_CORE", prctl(62, 1, 0, 0, 0));
    TRY("READ_IMPLIES_EXEC", personality(READ_IMPLIES_EXEC));
    TRY("ADDR_NO_RANDOMIZE", personality(ADDR_NO_RANDOMIZE));
    TRY("PER_LINUX32", personality(PER_LINUX32));
    TRY("personality_query", personality(0xffffffff));
}

static long lower_oom_score(void)
{
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    return fd < 0 ? -1 : write(fd, "-1000", 5);
}

static void priorities(int count, char **arguments)
{
    (void)count, (void)arguments;
    struct sched_param first = {.sched_priority = 1}, idle = {.sched_priority = 0};
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    CPU_SET(0, &cpus);
    TRY("nice", setpriority(PRIO_PROCESS, 0, -20));
    TRY("fifo", syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &first));
    TRY("round_robin", syscall(SYS_sched_setscheduler, 0, SCHED_RR, &first));
    TRY("ioprio_rt", syscall(SYS_ioprio_set, 1, 0, 1 << 13));
    TRY("oom_score_adj", lower_oom_score());
    TRY("init_nice", setpriority(PRIO_PROCESS, 1, 19));
    TRY("init_nice_user", setpriority(PRIO_USER, getuid(), 19));
    TRY("init_nice_group", setpriority(PRIO_PGRP, 1, 19));
    TRY("init_idle", syscall(SYS_sched_setscheduler, 1, SCHED_IDLE, &idle));
    TRY("init_affinity", sched_setaffinity(1, sizeof cpus, &cpus));
    TRY("init_ioprio", syscall(SYS_ioprio_set, 1, 1, 3 << 13));
    TRY("init_ioprio_user", syscall(SYS_ioprio_set, 3, getuid(), 3 << 13));
}

static void limits(int count, char **arguments)
{
    (void)count, (void)arguments;
    static const struct {
        const char *name;
        int resource;
    } tried[] = {{"core", RLIMIT_CORE}, {"files", RLIMIT_NOFILE}, {"processes", RLIMIT_NPROC},
                 {"signals", RLIMIT_SIGPENDING}, {"queues", RLIMIT_MSGQUEUE}, {"rtprio", RLIMIT_RTPRIO},
                 {"nice", RLIMIT_NICE}};
    for (size_t i = 0; i < sizeof tried / sizeof tried[0]; i++) {
        struct rlimit limit;
        getrlimit(tried[i].resource, &limit);
        limit.rlim_max = RLIM_INFINITY;
        TRY(tried[i].name, setrlimit(tried[i].resource, &limit));
    }
    struct rlimit limit = {0, 0};
    setrlimit(RLIMIT_CORE, &limit);
    prlimit(0, RLIMIT_CORE, &limit, NULL);
    getrlimit(RLIMIT_CORE, &limit);
    report_number("core_stays", (long long)limit.rlim_max);
    limit = (struct rlimit){1, 1};
    TRY("queues_lower", setrlimit(RLIMIT_MSGQUEUE, &limit));
    TRY("queues_lower_prlimit", prlimit(0, RLIMIT_MSGQUEUE, &limit, NULL));
    TRY("queues_lower_self", prlimit(getpid(), RLIMIT_MSGQUEUE, &limit, NULL));
    TRY("init", prlimit(1, RLIMIT_NOFILE, &limit, NULL));
}

static long try_listener(void *context)
{
    static struct sock_filter code[] = {BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
    struct sock_fprog program = {1, code};
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, *(unsigned *)context, &program);
}

/* A filter of one's own that allows everything must not lift the policy's. */
static long try_own_filter(void *context)
{
    (void)context;
    unsigned none = 0;
    return try_listener(&none) < 0 ? 0 : unshare(CLONE_NEWUSER);
}

static void filters(int count, char **arguments)
{
    (void)count, (void)arguments;
    unsigned none = 0, listener = SECCOMP_FILTER_FLAG_NEW_LISTENER, sync = SECCOMP_FILTER_FLAG_TSYNC;
    report_child("plain", try_listener, &none);
    report_child("listener", try_listener, &listener);
    report_child("tsync", try_listener, &sync);
    report_child("unshare_under_own_filter", try_own_filter, NULL);
    TRY("strict", prctl(PR_SET_SECCOMP, 0, 0, 0, 0));
}

const struct probe process_probes[] = {
    {"namespaces", namespaces}, {"enter", enter},       {"capabilities", capabilities}, {"identities", identities},
    {"trace", trace},           {"signals", signals},   {"options", process_options},         {"priorities", priorities},
    {"limits", limits},         {"filters", filters},   {NULL, NULL}};
