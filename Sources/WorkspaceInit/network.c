/* Network namespaces cost 0.4 ms to make and their end is the kernel's slow, asynchronous work: so they are made ahead, and
 * one that no packet ever crossed is used again. */
#include "launcher.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static int pool[POOLED_NETWORKS];
static int pooled, wanted = 1; /* the more, the more were taken: one command needs one */
static int own = -1; /* the launcher's own namespace, to come back to */

static int raise_loopback(void)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    struct ifreq request;
    memset(&request, 0, sizeof request);
    strcpy(request.ifr_name, "lo");
    request.ifr_flags = IFF_UP | IFF_RUNNING;
    int result = ioctl(fd, SIOCSIFFLAGS, &request);
    close(fd);
    return result;
}

static int make(bool loopback)
{
    if (own < 0)
        own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    if (own < 0 || unshare(CLONE_NEWNET) != 0)
        return -1;
    int fd = -1;
    if (!loopback || raise_loopback() == 0)
        fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    int error = errno;
    /* Staying in the new namespace would only give the next workspace the wrong one: that must not go on. */
    if (setns(own, CLONE_NEWNET) != 0)
        abort();
    errno = error;
    return fd;
}

int network_take(void)
{
    if (wanted < POOLED_NETWORKS)
        wanted *= 2;
    return pooled > 0 ? pool[--pooled] : make(true);
}

bool network_refill(void)
{
    if (pooled >= wanted)
        return false;
    int fd = make(true);
    if (fd < 0)
        return false;
    pool[pooled++] = fd;
    return true;
}

bool network_pool_is_low(void)
{
    return pooled < (wanted + 1) / 2;
}

int network_empty(void)
{
    static int empty = -1;
    if (empty < 0)
        empty = make(false);
    return empty;
}

int listen_here(uint16_t port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0 && listen(fd, 128) == 0)
        return fd;
    int error = errno;
    if (fd >= 0)
        close(fd);
    errno = error;
    return -1;
}

/* A socket stays in the namespace that it was made in, whoever holds it: this one is the workspace's only way out. */
int network_listen(int fd)
{
    if (setns(fd, CLONE_NEWNET) != 0)
        return -1;
    int listener = listen_here(ISE_PROXY_PORT);
    int error = errno;
    if (setns(own, CLONE_NEWNET) != 0)
        abort();
    errno = error;
    return listener;
}

/* The third column of each "Name: …" pair of lines is a counter; all that count traffic must be 0. */
static bool counts_nothing(const char *text, const char *name, int first, int last)
{
    char head[16];
    snprintf(head, sizeof head, "%s: ", name);
    const char *names = strstr(text, head);
    const char *values = names != NULL ? strstr(names + 1, head) : NULL;
    if (values == NULL)
        return false;
    values += strlen(head);
    for (int column = 0; column <= last; column++) {
        long value = strtol(values, (char **)&values, 10);
        if (column >= first && value != 0)
            return false;
    }
    return true;
}

/* Was it never used? A port in TIME_WAIT or a counter would be seen by the next workspace. */
static bool is_virgin(int fd)
{
    static char text[8192];
    if (setns(fd, CLONE_NEWNET) != 0)
        return false;
    int length = read_file_at(AT_FDCWD, "/proc/thread-self/net/snmp", text, sizeof text);
    if (setns(own, CLONE_NEWNET) != 0)
        abort();
    /* Ip: InReceives … OutRequests; Tcp: ActiveOpens PassiveOpens AttemptFails; Udp: InDatagrams … OutDatagrams. */
    return length > 0 && counts_nothing(text, "Ip", 2, 9) && counts_nothing(text, "Tcp", 4, 6) &&
           counts_nothing(text, "Udp", 0, 3);
}

void network_give_back(int fd)
{
    if (pooled < POOLED_NETWORKS && is_virgin(fd))
        pool[pooled++] = fd;
    else
        close(fd);
}
