/* Sockets. Packets go to loopback addresses and to 192.0.2.0/24 and 2001:db8::/32, which are nobody's; the latter only in a
 * workspace, where there is no route to them. */
#include "probe.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/un.h>

static void families(int count, char **arguments)
{
    (void)count, (void)arguments;
    static const struct {
        const char *name;
        int family, type, protocol;
    } tried[] = {
        {"vsock", AF_VSOCK, SOCK_STREAM, 0},     {"alg", AF_ALG, SOCK_SEQPACKET, 0},
        {"packet", AF_PACKET, SOCK_RAW, 0},      {"key", AF_KEY, SOCK_RAW, 2},
        {"rxrpc", AF_RXRPC, SOCK_DGRAM, AF_INET}, {"xdp", 44, SOCK_RAW, 0},
        {"tipc", AF_TIPC, SOCK_STREAM, 0},       {"can", AF_CAN, SOCK_RAW, 1},
        {"smc", 43, SOCK_STREAM, 0},             {"bluetooth", AF_BLUETOOTH, SOCK_RAW, 1},
        {"kcm", AF_KCM, SOCK_DGRAM, 0},          {"qipcrtr", 42, SOCK_DGRAM, 0},
        {"nfc", AF_NFC, SOCK_SEQPACKET, 0},      {"netlink_xfrm", AF_NETLINK, SOCK_RAW, 6},
        {"netlink_audit", AF_NETLINK, SOCK_RAW, 9}, {"netlink_netfilter", AF_NETLINK, SOCK_RAW, 12},
        {"netlink_generic", AF_NETLINK, SOCK_RAW, 16}, {"netlink_uevent", AF_NETLINK, SOCK_RAW, 15},
        {"netlink_diag", AF_NETLINK, SOCK_RAW, 4}, {"netlink_crypto", AF_NETLINK, SOCK_RAW, 21},
        {"raw_icmp", AF_INET, SOCK_RAW, 1},      {"raw_ip", AF_INET, SOCK_RAW, 255},
        {"raw6", AF_INET6, SOCK_RAW, 58},        {"mptcp", AF_INET, SOCK_STREAM, 262},
        {"sctp", AF_INET, SOCK_STREAM, 132},     {"sctp_seqpacket", AF_INET, SOCK_SEQPACKET, 132},
        {"dccp", AF_INET, 6, 33},                {"udplite", AF_INET, SOCK_DGRAM, 136},
        {"smc_inet", AF_INET, SOCK_STREAM, 256}, {"l2tp", AF_INET, SOCK_DGRAM, 115},
    };
    for (size_t i = 0; i < sizeof tried / sizeof tried[0]; i++) {
        int fd = socket(tried[i].family, tried[i].type | SOCK_CLOEXEC, tried[i].protocol);
        report(tried[i].name, fd);
        if (fd >= 0)
            close(fd);
    }
    TRY("socketpair_vsock", socketpair(AF_VSOCK, SOCK_STREAM, 0, (int[2]){0}));
    TRY("high_bits", syscall(SYS_socket, (long)AF_VSOCK | 1l << 32, SOCK_STREAM, 0));
}

static void usual(int count, char **arguments)
{
    (void)count, (void)arguments;
    TRY("tcp", socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    TRY("tcp_named", socket(AF_INET, SOCK_STREAM, IPPROTO_TCP));
    TRY("udp", socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP));
    TRY("tcp6", socket(AF_INET6, SOCK_STREAM, 0));
    TRY("udp6", socket(AF_INET6, SOCK_DGRAM, 0));
    TRY("unix", socket(AF_UNIX, SOCK_SEQPACKET, 0));
    TRY("route", socket(AF_NETLINK, SOCK_RAW, 0));
}

static long try_connect(const char *address, int port)
{
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
    bool is_four = inet_pton(AF_INET, address, &four.sin_addr) == 1;
    if (!is_four && inet_pton(AF_INET6, address, &six.sin6_addr) != 1) {
        errno = EINVAL;
        return -1;
    }
    int fd = socket(is_four ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    long result = is_four ? connect(fd, (struct sockaddr *)&four, sizeof four)
                          : connect(fd, (struct sockaddr *)&six, sizeof six);
    int error = errno;
    close(fd);
    errno = error;
    return result;
}

/* connect ADDRESS PORT [ADDRESS PORT …] */
static void connects(int count, char **arguments)
{
    for (int i = 0; i + 1 < count; i += 2)
        TRY(arguments[i], try_connect(arguments[i], atoi(arguments[i + 1])));
}

static socklen_t unix_address(struct sockaddr_un *address, const char *name)
{
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    snprintf(address->sun_path, sizeof address->sun_path, "%s", name);
    socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
    if (name[0] == '@')
        address->sun_path[0] = 0;
    return name[0] == '@' ? length : length + 1;
}

/* unix-connect NAME …: "@name" is an abstract one. */
static void unix_connects(int count, char **arguments)
{
    for (int i = 0; i < count; i++) {
        struct sockaddr_un address;
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        socklen_t length = unix_address(&address, arguments[i]);
        TRY(arguments[i], connect(fd, (struct sockaddr *)&address, length));
        close(fd);
    }
}

/* unix-listen NAME: listens, says so, and stays. */
static void unix_listen(int count, char **arguments)
{
    struct sockaddr_un address;
    if (count < 1)
        return;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    socklen_t length = unix_address(&address, arguments[0]);
    TRY("listening", bind(fd, (struct sockaddr *)&address, length) == 0 ? listen(fd, 16) : -1);
    pause();
}

/* System V objects of others, by key. */
static void old_ipc(int count, char **arguments)
{
    key_t key = count > 0 ? (key_t)strtol(arguments[0], NULL, 0) : 1;
    TRY("shm", shmget(key, 0, 0));
    TRY("sem", semget(key, 0, 0));
    TRY("msg", msgget(key, 0));
}

/* Keeps the segment until it is told to remove it: KEY remove. */
static void make_ipc(int count, char **arguments)
{
    key_t key = count > 0 ? (key_t)strtol(arguments[0], NULL, 0) : 1;
    int id = shmget(key, 4096, IPC_CREAT | 0666);
    report("shm", id);
    if (count > 1)
        shmctl(id, IPC_RMID, NULL);
}

const struct probe network_probes[] = {{"families", families},         {"usual-sockets", usual},
                                       {"connect", connects},          {"unix-connect", unix_connects},
                                       {"unix-listen", unix_listen},   {"ipc", old_ipc},
                                       {"make-ipc", make_ipc},         {NULL, NULL}};
