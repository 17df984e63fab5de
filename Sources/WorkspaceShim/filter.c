/* The seccomp policy: what is not listed does not exist (ENOSYS: programs probe and fall back); what is known to be dangerous is
 * refused with EPERM and reported; another ABI kills. libseccomp compiles the lists. The few rules that look at an argument are
 * written here by hand and stand before its program: they compare the 32 bits that the kernel will use, whatever is above. */
#include "WorkspaceShim.h"

#include <asm/ioctls.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sched.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#if defined(__x86_64__)
#define NATIVE_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define NATIVE_ARCH AUDIT_ARCH_AARCH64
#else
#error "the seccomp policy is written for x86_64 and aarch64"
#endif

#define COUNT(list) (sizeof(list) / sizeof(list)[0])

static const char *const allowed[] = {
    /* files */
    "access", "chdir", "chmod", "chown", "close", "close_range", "copy_file_range", "creat", "dup", "dup2", "dup3",
    "faccessat", "faccessat2", "fadvise64", "fallocate", "fchdir", "fchmod", "fchmodat", "fchmodat2", "fchown",
    "fchownat", "fcntl", "fdatasync", "fgetxattr", "flistxattr", "flock", "fremovexattr", "fsetxattr", "fstat",
    "fstatfs", "fsync", "ftruncate", "futimesat", "getcwd", "getdents", "getdents64", "getxattr", "getxattrat",
    "lchown", "lgetxattr", "link", "linkat", "listxattr", "listxattrat", "llistxattr", "lremovexattr", "lseek",
    "lsetxattr", "lstat", "mkdir", "mkdirat", "mknod", "mknodat", "newfstatat", "open", "openat", "openat2", "pread64",
    "preadv", "preadv2", "pwrite64", "pwritev", "pwritev2", "read", "readahead", "readlink", "readlinkat", "readv",
    "removexattr", "removexattrat", "rename", "renameat", "renameat2", "rmdir", "sendfile", "setxattr", "setxattrat",
    "splice", "stat", "statfs", "statx", "symlink", "symlinkat", "sync", "sync_file_range", "syncfs", "tee", "truncate",
    "umask", "unlink", "unlinkat", "utime", "utimensat", "utimes", "write", "writev",
    /* memory */
    "brk", "madvise", "membarrier", "memfd_create", "mincore", "mlock", "mlock2", "mlockall", "mmap", "mprotect",
    "mremap", "mseal", "msync", "munlock", "munlockall", "munmap", "pkey_alloc", "pkey_free", "pkey_mprotect",
    "get_mempolicy", "map_shadow_stack",
    /* processes */
    "arch_prctl", "capget", "capset", "clone", "execve", "execveat", "exit", "exit_group", "fork", "getegid", "geteuid",
    "getgid", "getgroups", "getpgid", "getpgrp", "getpid", "getppid", "getpriority", "getresgid", "getresuid",
    "getrlimit", "getrusage", "getsid", "gettid", "getuid", "ioprio_get", "ioprio_set", "kill", "pidfd_open",
    "pidfd_send_signal", "prctl", "prlimit64", "personality", "sched_get_priority_max", "sched_get_priority_min",
    "sched_getaffinity", "sched_getattr", "sched_getparam", "sched_getscheduler", "sched_rr_get_interval",
    "sched_setaffinity", "sched_setattr", "sched_setparam", "sched_setscheduler", "sched_yield", "seccomp",
    "set_robust_list", "get_robust_list", "set_tid_address", "setfsgid", "setfsuid", "setgid", "setgroups", "setpgid",
    "setpriority", "setregid", "setresgid", "setresuid", "setreuid", "setrlimit", "setsid", "setuid", "tgkill", "times",
    "tkill", "uname", "vfork", "wait4", "waitid", "rseq", "process_mrelease",
    /* signals, time, waiting */
    "alarm", "clock_getres", "clock_gettime", "clock_nanosleep", "epoll_create", "epoll_create1", "epoll_ctl",
    "epoll_pwait", "epoll_pwait2", "epoll_wait", "eventfd", "eventfd2", "futex", "futex_requeue", "futex_wait",
    "futex_waitv", "futex_wake", "getitimer", "gettimeofday", "inotify_add_watch", "inotify_init", "inotify_init1",
    "inotify_rm_watch", "nanosleep", "pause", "pipe", "pipe2", "poll", "ppoll", "pselect6", "restart_syscall",
    "rt_sigaction", "rt_sigpending", "rt_sigprocmask", "rt_sigqueueinfo", "rt_sigreturn", "rt_sigsuspend",
    "rt_sigtimedwait", "rt_tgsigqueueinfo", "select", "setitimer", "sigaltstack", "signalfd", "signalfd4", "time",
    "timer_create", "timer_delete", "timer_getoverrun", "timer_gettime", "timer_settime", "timerfd_create",
    "timerfd_gettime", "timerfd_settime",
    /* System V IPC in the workspace's own namespace. No asynchronous I/O of the old kind: its contexts come out of one number for
     * the whole machine (fs.aio-max-nr), and programs do without it. */
    "msgctl", "msgget", "msgrcv", "msgsnd", "semctl", "semget", "semop", "semtimedop", "shmat", "shmctl", "shmdt", "shmget",
    /* sockets */
    "accept", "accept4", "bind", "connect", "getpeername", "getsockname", "getsockopt", "listen", "recvfrom",
    "recvmmsg", "recvmsg", "sendmmsg", "sendmsg", "sendto", "setsockopt", "shutdown", "socket", "socketpair",
    /* the rest */
    "getcpu", "getrandom", "ioctl", "landlock_add_rule", "landlock_create_ruleset", "landlock_restrict_self", "sysinfo",
};

static const char *const refused[] = {
    /* mounts and roots */
    "mount", "umount2", "pivot_root", "fsopen", "fsconfig", "fsmount", "fspick", "open_tree", "open_tree_attr",
    "move_mount", "mount_setattr", "name_to_handle_at", "open_by_handle_at", "quotactl", "quotactl_fd", "swapon",
    "swapoff", "fanotify_init", "fanotify_mark", "statmount", "listmount",
    /* namespaces and other processes */
    "unshare", "setns", "ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "kcmp", "pidfd_getfd",
    /* the kernel's soft spots */
    "bpf", "perf_event_open", "userfaultfd", "io_uring_setup", "io_uring_enter", "io_uring_register", "vmsplice",
    "memfd_secret", "modify_ldt", "add_key", "keyctl", "request_key", "uselib",
    /* the machine */
    "kexec_load", "kexec_file_load", "init_module", "finit_module", "delete_module", "create_module", "reboot", "acct",
    "syslog", "iopl", "ioperm", "sethostname", "setdomainname", "vhangup", "sysfs", "ustat", "_sysctl", "nfsservctl",
    "lookup_dcookie", "clock_settime", "settimeofday", "stime", "adjtimex", "clock_adjtime", "move_pages",
    "migrate_pages", "set_mempolicy_home_node", "lsm_set_self_attr",
};

/* Refused without a word: libraries try these at every start, and take no for an answer. */
static const char *const refused_quietly[] = {"mbind", "set_mempolicy"};

/* ---- rules on arguments ---- */

enum { MAX_PROLOGUE = 320 };

struct prologue {
    struct sock_filter code[MAX_PROLOGUE];
    unsigned length;
    uint32_t refuse; /* the verdict for what is dangerous */
};

static void emit(struct prologue *p, uint16_t code, uint32_t k, uint8_t yes, uint8_t no)
{
    p->code[p->length++] = (struct sock_filter){code, yes, no, k};
}

static void load(struct prologue *p, uint32_t offset)
{
    emit(p, BPF_LD | BPF_W | BPF_ABS, offset, 0, 0);
}

static uint32_t argument(unsigned index)
{
    return (uint32_t)(offsetof(struct seccomp_data, args) + index * sizeof(uint64_t));
}

/* `number` with (argument & mask) equal to one of `values`: verdict. Other values pass on to the next rule. */
static void refuse_values(struct prologue *p, int number, unsigned index, uint32_t mask, const uint32_t *values,
                          size_t count, uint32_t verdict)
{
    load(p, offsetof(struct seccomp_data, nr));
    emit(p, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)number, 0, (uint8_t)(count * 2 + 2));
    load(p, argument(index));
    emit(p, BPF_ALU | BPF_AND | BPF_K, mask, 0, 0);
    for (size_t i = 0; i < count; i++) {
        emit(p, BPF_JMP | BPF_JEQ | BPF_K, values[i], 0, 1);
        emit(p, BPF_RET | BPF_K, verdict, 0, 0);
    }
}

/* `number` with an argument that is none of `values`: verdict. */
static void refuse_others(struct prologue *p, int number, unsigned index, uint32_t mask, const uint32_t *values,
                          size_t count, uint32_t verdict)
{
    load(p, offsetof(struct seccomp_data, nr));
    emit(p, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)number, 0, (uint8_t)(count + 3));
    load(p, argument(index));
    emit(p, BPF_ALU | BPF_AND | BPF_K, mask, 0, 0);
    for (size_t i = 0; i < count; i++)
        emit(p, BPF_JMP | BPF_JEQ | BPF_K, values[i], (uint8_t)(count - i), 0);
    emit(p, BPF_RET | BPF_K, verdict, 0, 0);
}

/* Programs that change accounts ask for it, and go on only where the kernel has none. */
static void say_no_audit(struct prologue *p)
{
    load(p, offsetof(struct seccomp_data, nr));
    emit(p, BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 5);
    load(p, argument(0));
    emit(p, BPF_JMP | BPF_JEQ | BPF_K, AF_NETLINK, 0, 3);
    load(p, argument(2));
    emit(p, BPF_JMP | BPF_JEQ | BPF_K, 9 /* NETLINK_AUDIT */, 0, 1);
    emit(p, BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPROTONOSUPPORT, 0, 0);
}

/* Of the internet families only TCP, UDP and echo requests: asking for anything else would load rarely used protocols (SCTP, DCCP,
 * MPTCP …) into the kernel. */
static void refuse_internet_oddities(struct prologue *p)
{
    static const uint32_t protocols[] = {0, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP, IPPROTO_ICMPV6};
    enum { COUNTED = COUNT(protocols) };
    load(p, offsetof(struct seccomp_data, nr));
    emit(p, BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 10 + COUNTED);
    load(p, argument(0));
    emit(p, BPF_JMP | BPF_JEQ | BPF_K, AF_INET, 1, 0);
    emit(p, BPF_JMP | BPF_JEQ | BPF_K, AF_INET6, 0, 7 + COUNTED);
    load(p, argument(1));
    emit(p, BPF_ALU | BPF_AND | BPF_K, 0xf, 0, 0); /* without SOCK_CLOEXEC and SOCK_NONBLOCK */
    emit(p, BPF_JMP | BPF_JEQ | BPF_K, SOCK_STREAM, 2, 0);
    emit(p, BPF_JMP | BPF_JEQ | BPF_K, SOCK_DGRAM, 1, 0);
    emit(p, BPF_RET | BPF_K, p->refuse, 0, 0);
    load(p, argument(2));
    for (unsigned i = 0; i < COUNTED; i++)
        emit(p, BPF_JMP | BPF_JEQ | BPF_K, protocols[i], (uint8_t)(COUNTED - i), 0);
    emit(p, BPF_RET | BPF_K, p->refuse, 0, 0);
}

/* Where the init has no user of its own, a command could make it so unimportant that it comes too late to every deadline. */
static void refuse_touching_init(struct prologue *p)
{
    static const uint32_t init[] = {1}, process_user[] = {PRIO_USER}, io_user[] = {3 /* IOPRIO_WHO_USER */};
    refuse_values(p, SYS_sched_setaffinity, 0, ~0u, init, 1, p->refuse);
    refuse_values(p, SYS_sched_setscheduler, 0, ~0u, init, 1, p->refuse);
    refuse_values(p, SYS_sched_setparam, 0, ~0u, init, 1, p->refuse);
    refuse_values(p, SYS_sched_setattr, 0, ~0u, init, 1, p->refuse);
    refuse_values(p, SYS_setpriority, 0, ~0u, process_user, 1, p->refuse);
    refuse_values(p, SYS_setpriority, 1, ~0u, init, 1, p->refuse);
    refuse_values(p, SYS_ioprio_set, 0, ~0u, io_user, 1, p->refuse);
    refuse_values(p, SYS_ioprio_set, 1, ~0u, init, 1, p->refuse);
}

/* A limit of 1 byte is the only one that keeps the kernel from starting the host's handler of core dumps (core(5)); who sets
 * another is told that it was done, since what they want is no dump. Asking is let through. */
static void pin_core_limit(struct prologue *p)
{
    load(p, offsetof(struct seccomp_data, nr));
    emit(p, BPF_JMP | BPF_JEQ | BPF_K, SYS_setrlimit, 0, 3);
    load(p, argument(0));
    emit(p, BPF_JMP | BPF_JEQ | BPF_K, RLIMIT_CORE, 0, 1);
    emit(p, BPF_RET | BPF_K, SECCOMP_RET_ERRNO, 0, 0);
    load(p, offsetof(struct seccomp_data, nr));
    emit(p, BPF_JMP | BPF_JEQ | BPF_K, SYS_prlimit64, 0, 7);
    load(p, argument(1));
    emit(p, BPF_JMP | BPF_JEQ | BPF_K, RLIMIT_CORE, 0, 5);
    load(p, argument(2));
    emit(p, BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 2);
    load(p, argument(2) + 4);
    emit(p, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0);
    emit(p, BPF_RET | BPF_K, SECCOMP_RET_ERRNO, 0, 0);
}

/* A process that ends otherwise (by a signal) is missed here, and found by its pidfd. */
static void report_processes(struct prologue *p)
{
    static const int numbers[] = {SYS_execve, SYS_execveat, SYS_exit_group};
    load(p, offsetof(struct seccomp_data, nr));
    for (size_t i = 0; i < COUNT(numbers); i++) {
        emit(p, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)numbers[i], 0, 1);
        emit(p, BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF, 0, 0);
    }
}

/* Which processes belong to which command is told by a limit that each command gets for itself (WorkspaceInit/processes.c):
 * whoever changed his own would get lost. Others' limits may not be set either: without a user of its own, the init is one of
 * those others. */
static void guard_mark(struct prologue *p, const uint32_t secret[2])
{
    load(p, offsetof(struct seccomp_data, nr));
    emit(p, BPF_JMP | BPF_JEQ | BPF_K, SYS_setrlimit, 0, 3);
    load(p, argument(0));
    emit(p, BPF_JMP | BPF_JEQ | BPF_K, RLIMIT_MSGQUEUE, 0, 1);
    emit(p, BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM, 0, 0);
    load(p, offsetof(struct seccomp_data, nr));
    emit(p, BPF_JMP | BPF_JEQ | BPF_K, SYS_prlimit64, 0, 13);
    load(p, argument(2)); /* asking only is harmless */
    emit(p, BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 2);
    load(p, argument(2) + 4);
    emit(p, BPF_JMP | BPF_JEQ | BPF_K, 0, 9, 0);
    load(p, argument(0));
    emit(p, BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 6);
    load(p, argument(1));
    emit(p, BPF_JMP | BPF_JEQ | BPF_K, RLIMIT_MSGQUEUE, 0, 5);
    load(p, argument(4)); /* the call has four arguments: these registers are free */
    emit(p, BPF_JMP | BPF_JEQ | BPF_K, secret[0], 0, 2);
    load(p, argument(5));
    emit(p, BPF_JMP | BPF_JEQ | BPF_K, secret[1], 1, 0);
    emit(p, BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM, 0, 0);
}

/* Most calls have no rule here: they pass by at once, which is a third of the time that the kernel takes to load the filter. */
static unsigned begin_rules(struct prologue *p)
{
    static const int ruled[] = {
        SYS_ioctl, SYS_prctl, SYS_personality, SYS_clone, SYS_socket, SYS_socketpair, SYS_setrlimit, SYS_prlimit64,
        SYS_sched_setaffinity, SYS_sched_setscheduler, SYS_sched_setparam, SYS_sched_setattr, SYS_setpriority,
        SYS_ioprio_set, SYS_execve, SYS_execveat, SYS_exit_group,
    };
    load(p, offsetof(struct seccomp_data, nr));
    for (size_t i = 0; i < COUNT(ruled); i++)
        emit(p, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)ruled[i], (uint8_t)(COUNT(ruled) - i), 0);
    emit(p, BPF_JMP | BPF_JA, 0, 0, 0);
    return p->length - 1;
}

static void write_prologue(struct prologue *p, unsigned flags, const uint32_t secret[2])
{
    static const uint32_t terminal[] = {TIOCSTI, TIOCLINUX, TIOCSETD, TIOCCONS};
    static const uint32_t options[] = {PR_SET_MM, PR_SET_PTRACER, PR_SET_TSC, 62 /* PR_SCHED_CORE */};
    static const uint32_t personalities[] = {0, 0xffffffff};
    static const uint32_t namespaces = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC |
                                       CLONE_NEWUTS | CLONE_NEWCGROUP;
    static const uint32_t no_flags[] = {0};
    static const uint32_t families[] = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK};
    static const uint32_t route[] = {0 /* NETLINK_ROUTE */};
    size_t family_count = COUNT(families) - (flags & ISE_FILTER_ROUTE_NETLINK ? 0 : 1);

    p->length = 0;
    p->refuse = flags & ISE_FILTER_NOTIFY ? SECCOMP_RET_USER_NOTIF : SECCOMP_RET_ERRNO | EPERM;
    load(p, offsetof(struct seccomp_data, arch));
    unsigned skip = p->length;
    emit(p, BPF_JMP | BPF_JEQ | BPF_K, NATIVE_ARCH, 1, 0);
    emit(p, BPF_JMP | BPF_JA, 0, 0, 0); /* to libseccomp's program, which kills */

    unsigned pass = begin_rules(p);
    refuse_values(p, SYS_ioctl, 1, ~0u, terminal, COUNT(terminal), p->refuse);
    refuse_values(p, SYS_prctl, 0, ~0u, options, COUNT(options), p->refuse);
    refuse_others(p, SYS_personality, 0, ~0u, personalities, COUNT(personalities), p->refuse);
    refuse_others(p, SYS_clone, 0, namespaces, no_flags, 1, p->refuse);
    say_no_audit(p);
    refuse_others(p, SYS_socket, 0, ~0u, families, family_count, p->refuse);
    refuse_others(p, SYS_socketpair, 0, ~0u, families, 1, p->refuse);
    if (flags & ISE_FILTER_ROUTE_NETLINK) {
        /* socket(AF_NETLINK, …, protocol): only questions about interfaces and routes. */
        load(p, offsetof(struct seccomp_data, nr));
        emit(p, BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 5);
        load(p, argument(0));
        emit(p, BPF_JMP | BPF_JEQ | BPF_K, AF_NETLINK, 0, 3);
        load(p, argument(2));
        emit(p, BPF_JMP | BPF_JEQ | BPF_K, route[0], 1, 0);
        emit(p, BPF_RET | BPF_K, p->refuse, 0, 0);
    }
    pin_core_limit(p);
    guard_mark(p, secret);
    refuse_internet_oddities(p);
    refuse_touching_init(p);
    if (flags & ISE_FILTER_PROCESSES)
        report_processes(p);
    p->code[skip + 1].k = p->length - (skip + 2);
    p->code[pass].k = p->length - (pass + 1);
}

/* ---- the whole ---- */

static int add_all(scmp_filter_ctx filter, uint32_t action, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int number = seccomp_syscall_resolve_name(names[i]);
        if (number < 0)
            continue; /* not on this architecture, or newer than libseccomp */
        int error = seccomp_rule_add(filter, action, number, 0);
        if (error != 0)
            return -error;
    }
    return 0;
}

static int export_program(scmp_filter_ctx filter, const struct prologue *prologue, void **program, size_t *length)
{
    struct stat st;
    size_t head = prologue->length * sizeof(struct sock_filter);
    int fd = memfd_create("ise-filter", MFD_CLOEXEC);
    if (fd < 0)
        return errno;
    int error = -seccomp_export_bpf(filter, fd);
    if (error == 0 && fstat(fd, &st) != 0)
        error = errno;
    uint8_t *bytes = error == 0 ? malloc(head + (size_t)st.st_size) : NULL;
    if (error == 0 && bytes == NULL)
        error = ENOMEM;
    if (error == 0) {
        memcpy(bytes, prologue->code, head);
        if (pread(fd, bytes + head, (size_t)st.st_size, 0) != st.st_size)
            error = EIO;
    }
    close(fd);
    if (error != 0) {
        free(bytes);
        return error;
    }
    *program = bytes;
    *length = head + (size_t)st.st_size;
    return 0;
}

void ise_random(void *bytes, size_t length)
{
    for (size_t done = 0; done < length;) {
        ssize_t count = getrandom((char *)bytes + done, length - done, 0);
        done += count > 0 ? (size_t)count : 0;
    }
}

int ise_filter_compile(unsigned flags, const uint32_t secret[2], void **program, size_t *length)
{
    struct prologue prologue;
    write_prologue(&prologue, flags, secret);
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
    if (filter == NULL)
        return ENOMEM;
    uint32_t refuse = flags & ISE_FILTER_NOTIFY ? SCMP_ACT_NOTIFY : SCMP_ACT_ERRNO(EPERM);
    static const char *const chroot_only[] = {"chroot"};
    int error = -seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    if (error == 0)
        error = -seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* a tree: a third of the time to load */
    if (error == 0)
        error = add_all(filter, SCMP_ACT_ALLOW, allowed, COUNT(allowed));
    if (error == 0)
        error = add_all(filter, refuse, refused, COUNT(refused));
    if (error == 0)
        error = add_all(filter, SCMP_ACT_ERRNO(EPERM), refused_quietly, COUNT(refused_quietly));
    if (error == 0)
        error = add_all(filter, flags & ISE_FILTER_ROOT ? SCMP_ACT_ALLOW : refuse, chroot_only, 1);
    if (error == 0)
        error = export_program(filter, &prologue, program, length);
    seccomp_release(filter);
    return error;
}

char *ise_syscall_name(int number)
{
    return seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, number);
}
