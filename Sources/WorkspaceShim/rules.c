/* The few rules that look at an argument, and the calls that libseccomp does not know. They stand before its program and are written
 * by hand: they compare the 32 bits that the kernel will use, whatever is above. The constants are the same on x86_64 and aarch64. */
#include "filter.h"

#include <asm/ioctls.h>
#include <errno.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

static void emit(struct ise_rules *p, uint16_t code, uint32_t k, uint8_t yes, uint8_t no)
{
    p->code[p->length++] = (struct sock_filter){code, yes, no, k};
}

static void load(struct ise_rules *p, uint32_t offset)
{
    emit(p, BPF_LD | BPF_W | BPF_ABS, offset, 0, 0);
}

static uint32_t argument(unsigned index)
{
    return (uint32_t)(offsetof(struct seccomp_data, args) + index * sizeof(uint64_t));
}

static uint32_t number(const struct ise_rules *p, const char *call)
{
    return (uint32_t)seccomp_syscall_resolve_name_arch(p->architecture, call);
}

/* Passes over the next `count` instructions, unless it is this call. */
static void unless_call(struct ise_rules *p, const char *call, size_t count)
{
    load(p, offsetof(struct seccomp_data, nr));
    emit(p, BPF_JMP | BPF_JEQ | BPF_K, number(p, call), 0, (uint8_t)count);
}

/* `call` with (argument & mask) equal to one of `values`: verdict. Other values pass on to the next rule. */
static void refuse_values(struct ise_rules *p, const char *call, unsigned index, uint32_t mask, const uint32_t *values,
                          size_t count, uint32_t verdict)
{
    unless_call(p, call, count * 2 + 2);
    load(p, argument(index));
    emit(p, BPF_ALU | BPF_AND | BPF_K, mask, 0, 0);
    for (size_t i = 0; i < count; i++) {
        emit(p, BPF_JMP | BPF_JEQ | BPF_K, values[i], 0, 1);
        emit(p, BPF_RET | BPF_K, verdict, 0, 0);
    }
}

/* `call` with an argument that is none of `values`: verdict. */
static void refuse_others(struct ise_rules *p, const char *call, unsigned index, uint32_t mask, const uint32_t *values,
                          size_t count, uint32_t verdict)
{
    unless_call(p, call, count + 3);
    load(p, argument(index));
    emit(p, BPF_ALU | BPF_AND | BPF_K, mask, 0, 0);
    for (size_t i = 0; i < count; i++)
        emit(p, BPF_JMP | BPF_JEQ | BPF_K, values[i], (uint8_t)(count - i), 0);
    emit(p, BPF_RET | BPF_K, verdict, 0, 0);
}

/* Programs that change accounts ask for it, and go on only where the kernel has none. */
static void say_no_audit(struct ise_rules *p)
{
    unless_call(p, "socket", 5);
    load(p, argument(0));
    emit(p, BPF_JMP | BPF_JEQ | BPF_K, AF_NETLINK, 0, 3);
    load(p, argument(2));
    emit(p, BPF_JMP | BPF_JEQ | BPF_K, 9 /* NETLINK_AUDIT */, 0, 1);
    emit(p, BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPROTONOSUPPORT, 0, 0);
}

/* Of the internet families only TCP, UDP and echo requests: asking for anything else would load rarely used protocols (SCTP, DCCP,
 * MPTCP …) into the kernel. */
static void refuse_internet_oddities(struct ise_rules *p)
{
    static const uint32_t protocols[] = {0, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP, IPPROTO_ICMPV6};
    enum { COUNTED = COUNT(protocols) };
    unless_call(p, "socket", 10 + COUNTED);
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

/* TLS in the kernel: much code for what libraries do as well. */
static void refuse_protocols_above_tcp(struct ise_rules *p)
{
    unless_call(p, "setsockopt", 5);
    load(p, argument(1));
    emit(p, BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_TCP, 0, 3);
    load(p, argument(2));
    emit(p, BPF_JMP | BPF_JEQ | BPF_K, TCP_ULP, 0, 1);
    emit(p, BPF_RET | BPF_K, p->refuse, 0, 0);
}

/* Where the init has no user of its own, a command could make it so unimportant that it comes too late to every deadline. */
static void refuse_touching_init(struct ise_rules *p)
{
    static const uint32_t init[] = {1}, process_user[] = {PRIO_USER}, io_user[] = {3 /* IOPRIO_WHO_USER */};
    refuse_values(p, "sched_setaffinity", 0, ~0u, init, 1, p->refuse);
    refuse_values(p, "sched_setscheduler", 0, ~0u, init, 1, p->refuse);
    refuse_values(p, "sched_setparam", 0, ~0u, init, 1, p->refuse);
    refuse_values(p, "sched_setattr", 0, ~0u, init, 1, p->refuse);
    refuse_values(p, "setpriority", 0, ~0u, process_user, 1, p->refuse);
    refuse_values(p, "setpriority", 1, ~0u, init, 1, p->refuse);
    refuse_values(p, "ioprio_set", 0, ~0u, io_user, 1, p->refuse);
    refuse_values(p, "ioprio_set", 1, ~0u, init, 1, p->refuse);
}

/* A limit of 1 byte is the only one that keeps the kernel from starting the host's handler of core dumps (core(5)); who sets
 * another is told that it was done, since what they want is no dump. Asking is let through. */
static void pin_core_limit(struct ise_rules *p)
{
    unless_call(p, "setrlimit", 3);
    load(p, argument(0));
    emit(p, BPF_JMP | BPF_JEQ | BPF_K, RLIMIT_CORE, 0, 1);
    emit(p, BPF_RET | BPF_K, SECCOMP_RET_ERRNO, 0, 0);
    unless_call(p, "prlimit64", 7);
    load(p, argument(1));
    emit(p, BPF_JMP | BPF_JEQ | BPF_K, RLIMIT_CORE, 0, 5);
    load(p, argument(2));
    emit(p, BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 2);
    load(p, argument(2) + 4);
    emit(p, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0);
    emit(p, BPF_RET | BPF_K, SECCOMP_RET_ERRNO, 0, 0);
}

/* A process that ends otherwise (by a signal) is missed here, and found by its pidfd. */
static void report_processes(struct ise_rules *p)
{
    static const char *const calls[] = {"execve", "execveat", "exit_group"};
    load(p, offsetof(struct seccomp_data, nr));
    for (size_t i = 0; i < COUNT(calls); i++) {
        emit(p, BPF_JMP | BPF_JEQ | BPF_K, number(p, calls[i]), 0, 1);
        emit(p, BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF, 0, 0);
    }
}

/* Which processes belong to which command is told by a limit that each command gets for itself (WorkspaceInit/processes.c):
 * whoever changed his own would get lost. Others' limits may not be set either: without a user of its own, the init is one of
 * those others. */
static void guard_mark(struct ise_rules *p, const uint32_t secret[2])
{
    unless_call(p, "setrlimit", 3);
    load(p, argument(0));
    emit(p, BPF_JMP | BPF_JEQ | BPF_K, RLIMIT_MSGQUEUE, 0, 1);
    emit(p, BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM, 0, 0);
    unless_call(p, "prlimit64", 13);
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

/* What libseccomp does not know. The rest above goes on to its program: other new numbers do not exist, those of x32 kill. */
static void judge_young_calls(struct ise_rules *p)
{
    load(p, offsetof(struct seccomp_data, nr));
    emit(p, BPF_JMP | BPF_JGE | BPF_K, ise_young_calls[0].number, 0, (uint8_t)(ise_young_call_count * 2));
    for (size_t i = 0; i < ise_young_call_count; i++) {
        emit(p, BPF_JMP | BPF_JEQ | BPF_K, ise_young_calls[i].number, 0, 1);
        emit(p, BPF_RET | BPF_K, ise_young_calls[i].allowed ? SECCOMP_RET_ALLOW : p->refuse, 0, 0);
    }
}

/* Most calls have no rule here: they pass by at once, which is a third of the time that the kernel takes to load the filter. */
static unsigned begin_rules(struct ise_rules *p)
{
    static const char *const ruled[] = {
        "ioctl", "prctl", "personality", "clone", "socket", "socketpair", "setsockopt", "madvise", "setrlimit",
        "prlimit64", "sched_setaffinity", "sched_setscheduler", "sched_setparam", "sched_setattr", "setpriority",
        "ioprio_set", "execve", "execveat", "exit_group",
    };
    for (size_t i = 0; i < COUNT(ruled); i++)
        emit(p, BPF_JMP | BPF_JEQ | BPF_K, number(p, ruled[i]), (uint8_t)(COUNT(ruled) - i), 0);
    emit(p, BPF_JMP | BPF_JA, 0, 0, 0);
    return p->length - 1;
}

void ise_write_rules(struct ise_rules *p, uint32_t architecture, unsigned flags, const uint32_t secret[2])
{
    static const uint32_t terminal[] = {TIOCSTI, TIOCLINUX, TIOCSETD, TIOCCONS};
    static const uint32_t options[] = {PR_SET_MM, PR_SET_PTRACER, PR_SET_TSC, 62 /* PR_SCHED_CORE */,
                                       67 /* PR_SET_MEMORY_MERGE */};
    static const uint32_t advice[] = {MADV_MERGEABLE}; /* how long a page takes to be merged tells what others have in theirs */
    static const uint32_t personalities[] = {0, 0xffffffff};
    static const uint32_t namespaces = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC |
                                       CLONE_NEWUTS | CLONE_NEWCGROUP;
    static const uint32_t no_flags[] = {0};
    static const uint32_t families[] = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK};
    static const uint32_t route[] = {0 /* NETLINK_ROUTE */};
    size_t family_count = COUNT(families) - (flags & ISE_FILTER_ROUTE_NETLINK ? 0 : 1);

    p->length = 0;
    p->architecture = architecture;
    p->refuse = flags & ISE_FILTER_NOTIFY ? SECCOMP_RET_USER_NOTIF : SECCOMP_RET_ERRNO | EPERM;
    load(p, offsetof(struct seccomp_data, arch));
    unsigned skip = p->length;
    emit(p, BPF_JMP | BPF_JEQ | BPF_K, architecture, 1, 0);
    emit(p, BPF_JMP | BPF_JA, 0, 0, 0); /* to libseccomp's program, which kills */

    judge_young_calls(p);
    unsigned pass = begin_rules(p);
    refuse_values(p, "ioctl", 1, ~0u, terminal, COUNT(terminal), p->refuse);
    refuse_values(p, "prctl", 0, ~0u, options, COUNT(options), p->refuse);
    refuse_values(p, "madvise", 2, ~0u, advice, COUNT(advice), p->refuse);
    refuse_others(p, "personality", 0, ~0u, personalities, COUNT(personalities), p->refuse);
    refuse_others(p, "clone", 0, namespaces, no_flags, 1, p->refuse);
    say_no_audit(p);
    refuse_others(p, "socket", 0, ~0u, families, family_count, p->refuse);
    refuse_others(p, "socketpair", 0, ~0u, families, 1, p->refuse);
    if (flags & ISE_FILTER_ROUTE_NETLINK) {
        /* socket(AF_NETLINK, …, protocol): only questions about interfaces and routes. */
        unless_call(p, "socket", 5);
        load(p, argument(0));
        emit(p, BPF_JMP | BPF_JEQ | BPF_K, AF_NETLINK, 0, 3);
        load(p, argument(2));
        emit(p, BPF_JMP | BPF_JEQ | BPF_K, route[0], 1, 0);
        emit(p, BPF_RET | BPF_K, p->refuse, 0, 0);
    }
    pin_core_limit(p);
    guard_mark(p, secret);
    refuse_internet_oddities(p);
    refuse_protocols_above_tcp(p);
    refuse_touching_init(p);
    if (flags & ISE_FILTER_PROCESSES)
        report_processes(p);
    p->code[skip + 1].k = p->length - (skip + 2);
    p->code[pass].k = p->length - (pass + 1);
}

