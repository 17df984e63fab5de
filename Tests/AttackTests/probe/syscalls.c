/* The kernel's entry points: foreign ABIs, calls that must be refused, all numbers. */
#include "probe.h"

#include <fcntl.h>
#include <linux/io_uring.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <sys/wait.h>
#include <time.h>

#ifndef TIOCLINUX
#define TIOCLINUX 0x541C
#endif
#ifndef SYS_memfd_secret
#define SYS_memfd_secret 447
#endif

#if defined(__x86_64__)
static long int80(long number, long first)
{
    long result;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(number), "b"(first), "c"(0), "d"(0) : "memory", "r8", "r9", "r10", "r11");
    if (result < 0 && result > -4096) {
        errno = (int)-result;
        return -1;
    }
    return result;
}

static long try_int80(void *context) { return int80(((long *)context)[0], ((long *)context)[1]); }

static long try_x32(void *context)
{
    return syscall(0x40000000 | *(long *)context, 0, 0, 0, 0, 0, 0);
}

static long try_vsyscall(void *context)
{
    (void)context;
    time_t (*call)(time_t *) = (time_t(*)(time_t *))0xffffffffff600400ul;
    return (long)call(NULL);
}

static void foreign(int count, char **arguments)
{
    (void)count, (void)arguments;
    long getpid32[2] = {20, 0}, unshare32[2] = {310, 0x10000000}, socket32[2] = {102, 1}, mount32[2] = {21, 0};
    report_child("int80_getpid", try_int80, getpid32);
    report_child("int80_unshare", try_int80, unshare32);
    report_child("int80_socketcall", try_int80, socket32);
    report_child("int80_mount", try_int80, mount32);
    long getpid64 = SYS_getpid, ptrace64 = 521;
    report_child("x32_getpid", try_x32, &getpid64);
    report_child("x32_ptrace", try_x32, &ptrace64);
    report_child("vsyscall_time", try_vsyscall, NULL);
    TRY("modify_ldt", syscall(SYS_modify_ldt, 1, "0123456789abcdef", 16));
}
#else
/* A program of AArch32, whose first act is a call: exit(42). Processors without AArch32 refuse to start it. */
static const uint32_t program32[] = {
    0x464c457f, 0x00010101, 0, 0, /* ELF, 32 bits */
    0x00280002, 1, 0x10054, 52, 0, 0x05000200, 0x00200034, 1, 0,
    1, 0, 0x10000, 0x10000, 96, 96, 5, 0x10000, /* all of it is loaded at 0x10000 */
    0xe3a0002a, 0xe3a07001, 0xef000000,         /* mov r0, #42; mov r7, #1; svc 0 */
};

static long try_arm(void *context)
{
    (void)context;
    char *argv[] = {"arm", NULL}, *environment[] = {NULL};
    int fd = open("/tmp/arm", O_WRONLY | O_CREAT | O_TRUNC, 0755);
    if (fd < 0 || write(fd, program32, sizeof program32) != sizeof program32 || close(fd) != 0)
        return -1;
    return execve("/tmp/arm", argv, environment);
}

static void foreign(int count, char **arguments)
{
    (void)count, (void)arguments;
    report_child("arm", try_arm, NULL);
}
#endif

/* TIOCSTI puts bytes into a terminal's input; the upper half of the argument is not looked at by the kernel. */
static void terminals(int count, char **arguments)
{
    (void)count, (void)arguments;
    int master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC), unlock = 0, slave = -1;
    if (master >= 0 && grantpt(master) == 0 && ioctl(master, 0x40045431 /* TIOCSPTLCK */, &unlock) == 0)
        slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
    report("pty", slave);
    int discipline = 15;
    TRY("TIOCSTI", syscall(SYS_ioctl, slave, (long)TIOCSTI, "x"));
    TRY("TIOCSTI_high", syscall(SYS_ioctl, slave, (long)TIOCSTI | 1l << 32, "x"));
    TRY("TIOCLINUX", syscall(SYS_ioctl, slave, (long)TIOCLINUX, "\002"));
    TRY("TIOCLINUX_high", syscall(SYS_ioctl, slave, (long)TIOCLINUX | 5l << 32, "\002"));
    TRY("TIOCSETD", syscall(SYS_ioctl, slave, (long)TIOCSETD, &discipline));
    TRY("TIOCCONS", syscall(SYS_ioctl, slave, (long)TIOCCONS, 0));
    TRY("controlling", open("/dev/tty", O_RDWR | O_CLOEXEC));
}

/* What must be refused whatever its arguments are: they are chosen so that an allowed call would fail otherwise than by EPERM,
 * or do no harm. */
static void forbidden(int count, char **arguments)
{
    (void)count, (void)arguments;
    struct io_uring_params parameters = {0};
    char attribute[128] = {0};
    TRY("bpf", syscall(SYS_bpf, 0, attribute, sizeof attribute));
    TRY("perf_event_open", syscall(SYS_perf_event_open, attribute, 0, -1, -1, 0));
    TRY("userfaultfd", syscall(SYS_userfaultfd, 0));
    TRY("userfaultfd_user", syscall(SYS_userfaultfd, 1));
    TRY("io_uring_setup", syscall(SYS_io_uring_setup, 1, &parameters));
    TRY("io_uring_enter", syscall(SYS_io_uring_enter, -1, 0, 0, 0, NULL, 0));
    TRY("io_uring_register", syscall(SYS_io_uring_register, -1, 0, NULL, 0));
    TRY("keyctl", syscall(SYS_keyctl, 0, -3, 0));
    TRY("keyctl_session_to_parent", syscall(SYS_keyctl, 18));
    TRY("add_key", syscall(SYS_add_key, "user", "probe", "x", 1, -2));
    TRY("request_key", syscall(SYS_request_key, "user", "probe", NULL, -2));
    TRY("kexec_load", syscall(SYS_kexec_load, 0, 0, NULL, ~0ul));
    TRY("kexec_file_load", syscall(SYS_kexec_file_load, -1, -1, 0, NULL, ~0ul));
    TRY("init_module", syscall(SYS_init_module, NULL, 0, ""));
    TRY("finit_module", syscall(SYS_finit_module, -1, "", 0));
    TRY("delete_module", syscall(SYS_delete_module, "no-such-module", O_NONBLOCK));
    TRY("swapon", syscall(SYS_swapon, "/no-such-file", 0));
    TRY("swapoff", syscall(SYS_swapoff, "/no-such-file"));
    TRY("reboot", syscall(SYS_reboot, 0, 0, 0, 0));
    TRY("acct", syscall(SYS_acct, "/no-such-file"));
    TRY("quotactl", syscall(SYS_quotactl, 0, NULL, 0, NULL));
    TRY("syslog", syscall(SYS_syslog, 10, NULL, 0));
#ifdef SYS_iopl
    TRY("iopl", syscall(SYS_iopl, 3));
    TRY("ioperm", syscall(SYS_ioperm, 0, 1, 1));
#endif
    TRY("vhangup", syscall(SYS_vhangup));
    TRY("sethostname", syscall(SYS_sethostname, "evil", 4));
    TRY("setdomainname", syscall(SYS_setdomainname, "evil", 4));
    TRY("memfd_secret", syscall(SYS_memfd_secret, 0));
    TRY("vmsplice", syscall(SYS_vmsplice, -1, NULL, 0, 0));
    TRY("move_pages", syscall(SYS_move_pages, 0, 0, NULL, NULL, NULL, 0));
    TRY("migrate_pages", syscall(SYS_migrate_pages, 0, 0, NULL, NULL));
    TRY("mbind", syscall(SYS_mbind, NULL, 0, 0, NULL, 0, 0));
    TRY("set_mempolicy", syscall(SYS_set_mempolicy, 0, NULL, 0));
    TRY("fanotify_init", syscall(SYS_fanotify_init, 0, 0));
    TRY("setns", syscall(SYS_setns, -1, 0));
    TRY("ptrace", syscall(SYS_ptrace, 16, 0, 0, 0));
    TRY("lookup_dcookie", syscall(SYS_lookup_dcookie, 0, NULL, 0));
}

static void clocks(int count, char **arguments)
{
    (void)count, (void)arguments;
    /* Impossible times: where the call is allowed, it fails otherwise. */
    struct timespec time = {0, -1};
    struct timeval value = {0, -1};
    struct timex exchange = {.modes = ADJ_FREQUENCY};
    timer_t timer;
    TRY("clock_settime", syscall(SYS_clock_settime, CLOCK_REALTIME, &time));
    TRY("settimeofday", syscall(SYS_settimeofday, &value, NULL));
    exchange.modes = 0;
    TRY("adjtimex_read", syscall(SYS_adjtimex, &exchange));
    TRY("clock_adjtime", syscall(SYS_clock_adjtime, CLOCK_REALTIME, &exchange));
    struct sigevent event = {.sigev_notify = SIGEV_NONE};
    TRY("realtime_alarm", syscall(SYS_timer_create, CLOCK_REALTIME_ALARM, &event, &timer));
    TRY("boottime_alarm", syscall(SYS_timer_create, CLOCK_BOOTTIME_ALARM, &event, &timer));
}

static void memory(int count, char **arguments)
{
    (void)count, (void)arguments;
    void *zero = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    report("page_0", zero == MAP_FAILED ? -1 : 0);
    TRY("memfd", syscall(SYS_memfd_create, "probe", 0));
    TRY("memfd_secret", syscall(SYS_memfd_secret, 0));
}

/* ---- every number ---- */

static void scan_child(int number, int out)
{
    struct itimerval alarm = {{0, 20000}, {0, 500000}}; /* a refusal is read by the host, which may be busy */
    setitimer(ITIMER_REAL, &alarm, NULL); /* whatever waits is ended */
    pid_t self = getpid();
    errno = 0;
    long result = syscall(number, 0, 0, 0, 0, 0, 0);
    int code = result < 0 ? errno : 0;
    if (getpid() != self)
        _exit(0); /* fork and the like have returned twice */
    (void)!write(out, &code, sizeof code);
    _exit(0);
}

/* Prints "number=verdict" for every call with six zeros. */
static void scan(int count, char **arguments)
{
    int last = count > 0 ? atoi(arguments[0]) : 1023;
    for (int number = 0; number <= last; number++) {
        int ends[2], code = -1, status;
        char name[16];
        snprintf(name, sizeof name, "%d", number);
        if (pipe2(ends, O_CLOEXEC) != 0) {
            report(name, -1);
            continue;
        }
        pid_t pid = fork();
        if (pid == 0) {
            setpgid(0, 0);
            close(ends[0]);
            scan_child(number, ends[1]);
        }
        close(ends[1]);
        ssize_t length = pid < 0 ? -1 : read(ends[0], &code, sizeof code);
        close(ends[0]);
        while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
            ;
        if (length == sizeof code)
            report_text(name, code == 0 ? "ok" : errno_name(code));
        else if (pid > 0 && WIFSIGNALED(status))
            report_text(name, WTERMSIG(status) == SIGSYS ? "SIGSYS" : "signal");
        else
            report_text(name, "exited");
    }
}

/* ---- chosen calls ---- */

static long try_call(void *context)
{
    long *words = context;
    return syscall(words[0], words[1], words[2], words[3], words[4], words[5], words[6]);
}

/* "number:argument:…", in hexadecimal, each. */
static void calls(int count, char **arguments)
{
    for (int i = 0; i < count; i++) {
        long words[7] = {0};
        char *at = arguments[i];
        for (int word = 0; word < 7 && *at != '\0'; word++) {
            words[word] = (long)strtoull(at, &at, 16);
            at += *at == ':';
        }
        report_child(arguments[i], try_call, words);
    }
}

const struct probe syscall_probes[] = {{"foreign", foreign}, {"terminals", terminals}, {"forbidden", forbidden},
                                       {"clocks", clocks},   {"memory", memory},       {"scan", scan},
                                       {"calls", calls},     {NULL, NULL}};
