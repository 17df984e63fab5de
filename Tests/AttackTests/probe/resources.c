/* Things that run out, and processes that are hard to end. Every probe stops at a limit of its own, far below what could harm a
 * machine without a limit. */
#include "probe.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

/* Reports how often `step` succeeded before it failed or `most` was reached, and why it ended. */
static void until_it_fails(const char *name, long most, long (*step)(long))
{
    char end[64];
    long done = 0;
    errno = 0;
    while (done < most && step(done) >= 0)
        done++;
    snprintf(end, sizeof end, "%s_end", name);
    report_text(end, done == most ? "never" : errno_name(errno));
    report_number(name, done);
}

static long open_null(long i) { (void)i; return open("/dev/null", O_RDONLY); }
static long make_event(long i) { (void)i; return eventfd(0, 0); }
static long make_inotify(long i) { (void)i; return inotify_init1(IN_CLOEXEC); }
static long make_pty(long i) { (void)i; return open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC); }

static long make_aio(long i)
{
    static unsigned long contexts[4096];
    return syscall(SYS_io_setup, 256, &contexts[i]);
}

static long queue_signal(long i)
{
    siginfo_t info = {.si_signo = SIGRTMIN, .si_code = SI_QUEUE};
    info.si_value.sival_int = (int)i;
    return syscall(SYS_rt_sigqueueinfo, getpid(), SIGRTMIN, &info);
}

static long make_process(long i)
{
    (void)i;
    pid_t pid = fork();
    if (pid == 0) {
        pause();
        _exit(0);
    }
    return pid;
}

static long make_zombie(long i)
{
    (void)i;
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    return pid;
}

static void exhaust(int count, char **arguments)
{
    static const struct {
        const char *name;
        long most;
        long (*step)(long);
    } kinds[] = {{"descriptors", 100000, open_null}, {"eventfds", 100000, make_event}, {"inotify", 1000, make_inotify},
                 {"ptys", 900, make_pty},            {"aio", 32, make_aio},            {"signals", 20000, queue_signal},
                 {"processes", 5000, make_process},  {"zombies", 5000, make_zombie}};
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    for (int i = 0; i < count; i++)
        for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++)
            if (strcmp(kinds[k].name, arguments[i]) == 0)
                until_it_fails(kinds[k].name, kinds[k].most, kinds[k].step);
    signal(SIGTERM, SIG_DFL);
    kill(0, SIGKILL); /* the processes that were made, and this one */
}

/* ---- memory ---- */

static void touch_heap(size_t bytes)
{
    char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    for (size_t i = 0; memory != MAP_FAILED && i < bytes; i += 4096)
        memory[i] = 1;
    report("heap", memory == MAP_FAILED ? -1 : 0);
}

static void fill_file(const char *name, int fd, size_t bytes)
{
    static char block[1 << 16];
    memset(block, 1, sizeof block);
    size_t done = 0;
    ssize_t written = 0;
    while (done < bytes && (written = write(fd, block, sizeof block)) > 0)
        done += (size_t)written;
    report(name, fd < 0 || written < 0 ? -1 : 0);
    report_number("bytes", (long long)done);
}

static void fill_pipes(size_t bytes)
{
    static char block[1 << 16];
    size_t done = 0;
    for (int i = 0; i < 400 && done < bytes; i++) {
        int ends[2];
        ssize_t written = 0;
        if (pipe2(ends, O_NONBLOCK) != 0)
            break;
        fcntl(ends[1], F_SETPIPE_SZ, 1 << 20);
        while ((written = write(ends[1], block, sizeof block)) > 0)
            done += (size_t)written;
    }
    report_number("pipes", (long long)done);
}

static void fill_sockets(size_t bytes)
{
    static char block[1 << 16];
    size_t done = 0;
    for (int i = 0; i < 400 && done < bytes; i++) {
        int ends[2], size = 1 << 22;
        ssize_t written = 0;
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) != 0)
            break;
        setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
        while ((written = write(ends[0], block, sizeof block)) > 0)
            done += (size_t)written;
    }
    report_number("sockets", (long long)done);
}

/* One page each 2 MiB: the tables weigh as much as the pages. */
static void fill_page_tables(size_t bytes)
{
    size_t span = bytes / 4096 / 2 * (2 << 20);
    char *memory = mmap(NULL, span, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    volatile char sum = 0;
    for (size_t i = 0; memory != MAP_FAILED && i < span; i += 2 << 20)
        sum += memory[i];
    report("page-tables", memory == MAP_FAILED ? -1 : 0);
}

static void fill_names(size_t bytes)
{
    char path[280];
    struct stat st;
    memset(path, 'n', sizeof path);
    memcpy(path, "/tmp/", 5);
    for (size_t i = 0; i < bytes / 512; i++) {
        snprintf(path + 200, 40, "%zu", i);
        stat(path, &st);
    }
    report_text("names", "ok");
}

/* memory KIND MEGABYTES */
static void memory_bomb(int count, char **arguments)
{
    if (count < 2)
        return;
    const char *kind = arguments[0];
    size_t bytes = (size_t)atol(arguments[1]) << 20;
    if (strcmp(kind, "heap") == 0)
        touch_heap(bytes);
    else if (strcmp(kind, "memfd") == 0)
        fill_file(kind, memfd_create("probe", 0), bytes);
    else if (strcmp(kind, "tmp") == 0)
        fill_file(kind, open("/tmp/bomb", O_WRONLY | O_CREAT, 0644), bytes);
    else if (strcmp(kind, "shm") == 0)
        fill_file(kind, open("/dev/shm/bomb", O_WRONLY | O_CREAT, 0644), bytes);
    else if (strcmp(kind, "pipes") == 0)
        fill_pipes(bytes);
    else if (strcmp(kind, "sockets") == 0)
        fill_sockets(bytes);
    else if (strcmp(kind, "page-tables") == 0)
        fill_page_tables(bytes);
    else if (strcmp(kind, "names") == 0)
        fill_names(bytes);
    else if (strcmp(kind, "sysv") == 0) {
        int id = shmget(IPC_PRIVATE, bytes, IPC_CREAT | 0600);
        char *memory = id < 0 ? (char *)-1 : shmat(id, NULL, 0);
        for (size_t i = 0; memory != (char *)-1 && i < bytes; i += 4096)
            memory[i] = 1;
        report(kind, memory == (char *)-1 ? -1 : 0);
    }
}

/* ---- processes that are hard to end ---- */

static void *wait_long(void *context)
{
    (void)context;
    struct timespec long_time = {100000, 0};
    while (nanosleep(&long_time, NULL) != 0)
        ;
    return NULL;
}

/* The first thread ends, another one goes on: /proc shows a zombie that isn't dead. */
static void headless(int count, char **arguments)
{
    (void)count, (void)arguments;
    pthread_t thread;
    TRY("headless", -pthread_create(&thread, NULL, wait_long, NULL));
    syscall(SYS_exit, 0);
}

static long last_pid(void)
{
    char text[128] = "";
    int fd = open("/proc/loadavg", O_RDONLY);
    (void)!read(fd, text, sizeof text - 1);
    close(fd);
    const char *last = strrchr(text, ' ');
    return last != NULL ? atol(last) : 0;
}

/* Each link starts the next and ends, in the same memory and without a stack: there is always one, and none for long. */
static void link_chain(void)
{
#if defined(__x86_64__)
    __asm__ volatile("1: mov $56, %%eax; mov $0x100, %%edi; xor %%esi, %%esi; xor %%edx, %%edx; xor %%r10d, %%r10d; "
                     "xor %%r8d, %%r8d; syscall; test %%eax, %%eax; jle 1b; mov $60, %%eax; xor %%edi, %%edi; syscall" ::
                         : "memory");
#else
    while (syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0) <= 0)
        ;
#endif
    _exit(0);
}

static void chains(int count, char **arguments)
{
    signal(SIGCHLD, SIG_IGN);
    for (int i = 0; i < (count > 0 ? atoi(arguments[0]) : 1); i++)
        if (fork() == 0) {
            setsid();
            link_chain();
        }
    long before = last_pid();
    usleep(200000);
    report_number("links", last_pid() - before);
    pause();
}


/* In the background: stops whatever it may, over and over. */
static void stop_storm(int count, char **arguments)
{
    int seconds = count > 0 ? atoi(arguments[0]) : 5;
    if (fork() != 0) {
        report_text("storm", "ok");
        return;
    }
    setsid();
    close(0), close(1), close(2);
    time_t end = time(NULL) + seconds;
    while (time(NULL) < end)
        kill(-1, SIGSTOP);
    for (int i = 0; i < 100; i++) {
        kill(-1, SIGCONT);
        usleep(1000);
    }
}

/* In the background: makes the init believe that a child ended, over and over, from several processes. */
static void child_storm(int count, char **arguments)
{
    int seconds = count > 0 ? atoi(arguments[0]) : 5;
    TRY("storm", kill(1, SIGCHLD));
    for (int i = 0; i < 8; i++)
        if (fork() == 0) {
            close(0), close(1), close(2);
            time_t end = time(NULL) + seconds;
            while (time(NULL) < end)
                for (int j = 0; j < 1000; j++)
                    kill(1, SIGCHLD);
            _exit(0);
        }
}

static bool give_descriptors(int socket, int count)
{
    union {
        char space[CMSG_SPACE(sizeof(int) * 250)];
        struct cmsghdr align;
    } control = {0};
    char byte = 0;
    struct iovec part = {&byte, 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.space,
                             .msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)count)};
    struct cmsghdr *c = CMSG_FIRSTHDR(&message);
    c->cmsg_level = SOL_SOCKET, c->cmsg_type = SCM_RIGHTS, c->cmsg_len = CMSG_LEN(sizeof(int) * (size_t)count);
    int fds[250];
    for (int i = 0; i < count; i++)
        fds[i] = 0;
    memcpy(CMSG_DATA(c), fds, sizeof(int) * (size_t)count);
    return sendmsg(socket, &message, MSG_DONTWAIT) >= 0;
}

/* Descriptors on their way count against the user, whoever else passes some. Holds them for some seconds. */
static void in_flight(int count, char **arguments)
{
    int seconds = count > 0 ? atoi(arguments[0]) : 1, sent = 0;
    for (int i = 0; i < 30; i++) {
        int ends[2];
        if (socketpair(AF_UNIX, SOCK_DGRAM, 0, ends) != 0)
            break;
        while (sent < 20000 && give_descriptors(ends[0], 250))
            sent += 250;
        if (errno == ETOOMANYREFS)
            break;
    }
    report_text("end", errno_name(errno));
    report_number("in_flight", sent);
    sleep((unsigned)seconds);
}

/* Calls that are refused, by processes that are killed meanwhile. */
static void refusal_storm(int count, char **arguments)
{
    int rounds = count > 0 ? atoi(arguments[0]) : 20;
    for (int i = 0; i < rounds; i++) {
        pid_t pids[8];
        for (int j = 0; j < 8; j++)
            if ((pids[j] = fork()) == 0)
                for (;;)
                    unshare(CLONE_NEWUSER);
        usleep(5000);
        for (int j = 0; j < 8; j++) {
            kill(pids[j], SIGKILL);
            waitpid(pids[j], NULL, 0);
        }
    }
    report_text("storm", "ok");
}

static void crash(int count, char **arguments)
{
    (void)count, (void)arguments;
    struct rlimit core;
    getrlimit(RLIMIT_CORE, &core);
    report_number("core_limit", (long long)core.rlim_max);
    abort();
}

const struct probe resource_probes[] = {{"exhaust", exhaust},       {"memory-bomb", memory_bomb}, {"headless", headless},
                                        {"stop-storm", stop_storm}, {"chains", chains}, {"child-storm", child_storm}, {"in-flight", in_flight},
                                        {"refusal-storm", refusal_storm}, {"crash", crash},      {NULL, NULL}};
