/* Which system calls there are inside: what is not listed does not exist (ENOSYS: programs probe and fall back); what is known to
 * be dangerous is refused with EPERM and reported. One list serves every architecture: a call that one lacks (open, fork, poll on
 * aarch64) is passed over there. */
#include "filter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *const allowed[] = {
    /* files */
    "access", "chdir", "chmod", "chown", "close", "close_range", "copy_file_range", "creat", "dup", "dup2", "dup3",
    "faccessat", "faccessat2", "fadvise64", "fallocate", "fchdir", "fchmod", "fchmodat", "fchown", "fchownat",
    "fcntl", "fdatasync", "fgetxattr", "flistxattr", "flock", "fremovexattr", "fsetxattr", "fstat", "fstatfs",
    "fsync", "ftruncate", "futimesat", "getcwd", "getdents", "getdents64", "getxattr", "lchown", "lgetxattr",
    "link", "linkat", "listxattr", "llistxattr", "lremovexattr", "lseek", "lsetxattr", "lstat", "mkdir", "mkdirat",
    "mknod", "mknodat", "newfstatat", "open", "openat", "openat2", "pread64", "preadv", "preadv2", "pwrite64",
    "pwritev", "pwritev2", "read", "readahead", "readlink", "readlinkat", "readv", "removexattr", "rename",
    "renameat", "renameat2", "rmdir", "sendfile", "setxattr", "splice", "stat", "statfs", "statx", "symlink",
    "symlinkat", "sync", "sync_file_range", "syncfs", "tee", "truncate", "umask", "unlink", "unlinkat", "utime",
    "utimensat", "utimes", "write", "writev",
    /* memory */
    "brk", "madvise", "membarrier", "memfd_create", "mincore", "mlock", "mlock2", "mlockall", "mmap", "mprotect",
    "mremap", "msync", "munlock", "munlockall", "munmap", "pkey_alloc", "pkey_free", "pkey_mprotect",
    "get_mempolicy",
    /* processes */
    "arch_prctl", "capget", "capset", "clone", "execve", "execveat", "exit", "exit_group", "fork", "getegid",
    "geteuid", "getgid", "getgroups", "getpgid", "getpgrp", "getpid", "getppid", "getpriority", "getresgid",
    "getresuid", "getrlimit", "getrusage", "getsid", "gettid", "getuid", "ioprio_get", "ioprio_set", "kill",
    "pidfd_open", "pidfd_send_signal", "prctl", "prlimit64", "personality", "sched_get_priority_max",
    "sched_get_priority_min", "sched_getaffinity", "sched_getattr", "sched_getparam", "sched_getscheduler",
    "sched_rr_get_interval", "sched_setaffinity", "sched_setattr", "sched_setparam", "sched_setscheduler",
    "sched_yield", "seccomp", "set_robust_list", "get_robust_list", "set_tid_address", "setfsgid", "setfsuid",
    "setgid", "setgroups", "setpgid", "setpriority", "setregid", "setresgid", "setresuid", "setreuid", "setrlimit",
    "setsid", "setuid", "tgkill", "times", "tkill", "uname", "vfork", "wait4", "waitid", "rseq",
    /* signals, time, waiting */
    "alarm", "clock_getres", "clock_gettime", "clock_nanosleep", "epoll_create", "epoll_create1", "epoll_ctl",
    "epoll_pwait", "epoll_pwait2", "epoll_wait", "eventfd", "eventfd2", "futex", "getitimer", "gettimeofday",
    "inotify_add_watch", "inotify_init", "inotify_init1", "inotify_rm_watch", "nanosleep", "pause", "pipe", "pipe2",
    "poll", "ppoll", "pselect6", "restart_syscall", "rt_sigaction", "rt_sigpending", "rt_sigprocmask",
    "rt_sigqueueinfo", "rt_sigreturn", "rt_sigsuspend", "rt_sigtimedwait", "rt_tgsigqueueinfo", "select",
    "setitimer", "sigaltstack", "signalfd", "signalfd4", "time", "timer_create", "timer_delete", "timer_getoverrun",
    "timer_gettime", "timer_settime", "timerfd_create", "timerfd_gettime", "timerfd_settime",
    /* System V IPC in the workspace's own namespace. No asynchronous I/O of the old kind: its contexts come out of one number for
     * the whole machine (fs.aio-max-nr), and programs do without it. */
    "msgctl", "msgget", "msgrcv", "msgsnd", "semctl", "semget", "semop", "semtimedop", "shmat", "shmctl", "shmdt",
    "shmget",
    /* sockets */
    "accept", "accept4", "bind", "connect", "getpeername", "getsockname", "getsockopt", "listen", "recvfrom",
    "recvmmsg", "recvmsg", "sendmmsg", "sendmsg", "sendto", "setsockopt", "shutdown", "socket", "socketpair",
    /* the rest */
    "getcpu", "getrandom", "ioctl", "landlock_add_rule", "landlock_create_ruleset", "landlock_restrict_self",
    "sysinfo",
};

static const char *const refused[] = {
    /* mounts and roots */
    "mount", "umount2", "pivot_root", "fsopen", "fsconfig", "fsmount", "fspick", "open_tree", "move_mount",
    "mount_setattr", "name_to_handle_at", "open_by_handle_at", "quotactl", "quotactl_fd", "swapon", "swapoff",
    "fanotify_init", "fanotify_mark",
    /* namespaces and other processes */
    "unshare", "setns", "ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "kcmp", "pidfd_getfd",
    /* the kernel's soft spots */
    "bpf", "perf_event_open", "userfaultfd", "io_uring_setup", "io_uring_enter", "io_uring_register", "vmsplice",
    "memfd_secret", "modify_ldt", "add_key", "keyctl", "request_key", "uselib",
    /* the machine */
    "kexec_load", "kexec_file_load", "init_module", "finit_module", "delete_module", "create_module", "reboot",
    "acct", "syslog", "iopl", "ioperm", "sethostname", "setdomainname", "vhangup", "sysfs", "ustat", "_sysctl",
    "nfsservctl", "lookup_dcookie", "clock_settime", "settimeofday", "stime", "adjtimex", "clock_adjtime",
    "move_pages", "migrate_pages", "set_mempolicy_home_node",
};

/* Refused without a word: libraries try these at every start, and take no for an answer. */
static const char *const refused_quietly[] = {"mbind", "set_mempolicy"};

/* Newer than libseccomp of today's distributions, which therefore never hears of them. Left out, so that they do not exist:
 * cachestat (tells what others read), futex_wait and its kind (no libc needs them), statmount, listmount, listns and lsm_* (programs
 * read /proc instead), file_getattr, file_setattr (ioctl does that). */
const struct ise_young_call ise_young_calls[] = {
    {452, "fchmodat2", true},    {453, "map_shadow_stack", true}, {462, "mseal", true},
    {463, "setxattrat", true},   {464, "getxattrat", true},       {465, "listxattrat", true},
    {466, "removexattrat", true}, {467, "open_tree_attr", false},
};
const size_t ise_young_call_count = COUNT(ise_young_calls);

/* libseccomp takes this machine's numbers, and translates them by their names. */
static int add_all(scmp_filter_ctx filter, uint32_t action, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int number = seccomp_syscall_resolve_name(names[i]);
        if (number == __NR_SCMP_ERROR)
            continue; /* newer than libseccomp */
        int error = seccomp_rule_add(filter, action, number, 0);
        if (error != 0)
            return -error;
    }
    return 0;
}

int ise_add_calls(scmp_filter_ctx filter, unsigned flags)
{
    uint32_t refuse = flags & ISE_FILTER_NOTIFY ? SCMP_ACT_NOTIFY : SCMP_ACT_ERRNO(EPERM);
    static const char *const chroot_only[] = {"chroot"};
    int error = add_all(filter, SCMP_ACT_ALLOW, allowed, COUNT(allowed));
    if (error == 0)
        error = add_all(filter, refuse, refused, COUNT(refused));
    if (error == 0)
        error = add_all(filter, SCMP_ACT_ERRNO(EPERM), refused_quietly, COUNT(refused_quietly));
    if (error == 0)
        error = add_all(filter, flags & ISE_FILTER_ROOT ? SCMP_ACT_ALLOW : refuse, chroot_only, 1);
    return error;
}

char *ise_syscall_name(uint32_t architecture, int number)
{
    for (size_t i = 0; i < COUNT(ise_young_calls); i++)
        if (ise_young_calls[i].number == (uint32_t)number)
            return strdup(ise_young_calls[i].name);
    return seccomp_syscall_resolve_num_arch(architecture, number);
}
