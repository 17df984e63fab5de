/* What the other probes try, outside a workspace, on things of their own: that it works here shows that the probes can tell. Every
 * try runs in a child of its own; those that change anything do so in namespaces of their own. */
#include "probe.h"

#include <fcntl.h>
#include <linux/fanotify.h>
#include <linux/io_uring.h>
#include <linux/sched.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/wait.h>

/* A mount namespace of its own in which nothing spreads; an ordinary user needs a user namespace for it. */
static int private_mounts(void)
{
    if (unshare(CLONE_NEWNS | (geteuid() == 0 ? 0 : CLONE_NEWUSER)) != 0)
        return -1;
    return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
}

static long mount_tmpfs(void *c) { (void)c; return private_mounts() != 0 ? -1 : mount("probe", "/tmp", "tmpfs", 0, "size=4k"); }
static long bind_mount(void *c) { (void)c; return private_mounts() != 0 ? -1 : mount("/usr", "/tmp", NULL, MS_BIND, NULL); }

static long unmount(void *c)
{
    return mount_tmpfs(c) != 0 ? -1 : umount2("/tmp", MNT_DETACH);
}

static long fs_open(void *c) { (void)c; return private_mounts() != 0 ? -1 : syscall(SYS_fsopen, "tmpfs", 0); }
static long clone_tree(void *c) { (void)c; return private_mounts() != 0 ? -1 : syscall(SYS_open_tree, AT_FDCWD, "/tmp", 1); }

static long leave_chroot(void *c)
{
    if (mount_tmpfs(c) != 0 || mkdir("/tmp/jail", 0755) != 0)
        return -1;
    int root = open("/", O_RDONLY | O_DIRECTORY);
    if (root < 0 || chroot("/tmp/jail") != 0 || fchdir(root) != 0)
        return -1;
    return access("usr", F_OK); /* seen from below the jail: it is out */
}

static long unshare_user(void *c) { (void)c; return unshare(CLONE_NEWUSER); }
static long unshare_all(void *c) { (void)c; return unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET); }

static long clone_user(void *c)
{
    (void)c;
    long pid = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
    if (pid == 0)
        _exit(0);
    return pid < 0 ? -1 : waitpid((pid_t)pid, NULL, 0);
}

static long clone3_user(void *c)
{
    (void)c;
    struct clone_args arguments = {.flags = CLONE_NEWUSER, .exit_signal = SIGCHLD};
    long pid = syscall(SYS_clone3, &arguments, sizeof arguments);
    if (pid == 0)
        _exit(0);
    return pid < 0 ? -1 : waitpid((pid_t)pid, NULL, 0);
}

static long enter_own(void *c)
{
    if (unshare_all(c) != 0)
        return -1;
    return setns(open("/proc/self/ns/net", O_RDONLY), CLONE_NEWNET);
}

static long open_family(void *c) { const int *f = c; return socket(f[0], f[1] | SOCK_CLOEXEC, f[2]); }

static long open_family_in_namespace(void *c)
{
    return unshare_all(c) != 0 ? -1 : open_family(c);
}

/* With a child that waits. */
static long with_child(long (*try)(pid_t))
{
    pid_t pid = fork();
    if (pid == 0) {
        pause();
        _exit(0);
    }
    long result = pid < 0 ? -1 : try(pid);
    int error = errno;
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    errno = error;
    return result;
}

static char here[8] = "target";
static long seize(pid_t pid) { return ptrace(PTRACE_SEIZE, pid, 0, 0); }
static long compare(pid_t pid) { return syscall(SYS_kcmp, pid, getpid(), 0, 0, 0); }
static long take_fd(pid_t pid) { return syscall(SYS_pidfd_getfd, syscall(SYS_pidfd_open, pid, 0), 1, 0); }

static long read_other(pid_t pid)
{
    char buffer[8];
    struct iovec local = {buffer, sizeof buffer}, remote = {here, sizeof here};
    return process_vm_readv(pid, &local, 1, &remote, 1, 0);
}

static long open_memory(pid_t pid)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/mem", pid);
    return open(path, O_RDWR);
}

static long try_seize(void *c) { (void)c; return with_child(seize); }
static long try_compare(void *c) { (void)c; return with_child(compare); }
static long try_take_fd(void *c) { (void)c; return with_child(take_fd); }
static long try_read_other(void *c) { (void)c; return with_child(read_other); }
static long try_open_memory(void *c) { (void)c; return with_child(open_memory); }
static long renice(pid_t pid) { return setpriority(PRIO_PROCESS, (id_t)pid, 19); }
static long try_renice(void *c) { (void)c; return with_child(renice); }

static long randomize(void *c) { (void)c; return personality(ADDR_NO_RANDOMIZE); }
static long key_id(void *c) { (void)c; return syscall(SYS_keyctl, 0, -5, 0); }
static long fault_fd(void *c) { (void)c; return syscall(SYS_userfaultfd, 1); }
static long secret(void *c) { (void)c; return syscall(447, 0); }
static long fanotify(void *c) { (void)c; return syscall(SYS_fanotify_init, FAN_REPORT_FID, 0); }

static long ring(void *c)
{
    struct io_uring_params parameters = {0};
    (void)c;
    return syscall(SYS_io_uring_setup, 1, &parameters);
}

static long count_events(void *c)
{
    struct perf_event_attr attributes = {.type = PERF_TYPE_SOFTWARE, .size = sizeof attributes,
                                         .config = PERF_COUNT_SW_TASK_CLOCK, .exclude_kernel = 1, .exclude_hv = 1};
    (void)c;
    return syscall(SYS_perf_event_open, &attributes, 0, -1, -1, 0);
}

static long gift(void *c)
{
    int ends[2];
    struct iovec part = {here, sizeof here};
    (void)c;
    return pipe(ends) != 0 ? -1 : syscall(SYS_vmsplice, ends[1], &part, 1, 0);
}

static long handle(void *c)
{
    union {
        struct file_handle head;
        char space[sizeof(struct file_handle) + 128];
    } space = {.head = {.handle_bytes = 128}};
    int mount_id;
    (void)c;
    return name_to_handle_at(AT_FDCWD, "/usr", &space.head, &mount_id, 0);
}

static long push_input(void *c)
{
    int master = open("/dev/ptmx", O_RDWR | O_NOCTTY), unlock = 0;
    (void)c;
    if (master < 0 || ioctl(master, 0x40045431, &unlock) != 0 || setsid() < 0)
        return -1;
    int slave = open(ptsname(master), O_RDWR); /* the new session's terminal */
    return slave < 0 ? -1 : ioctl(slave, TIOCSTI, "x");
}

static long node(void *c)
{
    return mount_tmpfs(c) != 0 ? -1 : mknod("/tmp/null", S_IFCHR | 0666, makedev(1, 3));
}

static long old_shm(void *c)
{
    int id = shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600);
    (void)c;
    return id < 0 ? -1 : shmctl(id, IPC_RMID, NULL);
}

static long ptrace_me(void *c) { (void)c; return ptrace(PTRACE_TRACEME, 0, 0, 0); }
static long set_tsc(void *c) { (void)c; return prctl(PR_SET_TSC, PR_TSC_ENABLE, 0, 0, 0); }
static long policy(void *c) { (void)c; return syscall(SYS_set_mempolicy, 0, NULL, 0); }
static long asynchronous(void *c) { unsigned long context = 0; (void)c; return syscall(SYS_io_setup, 1, &context); }
static long leave_name(void *c) { (void)c; return unshare(CLONE_NEWUSER | CLONE_NEWUTS) != 0 ? -1 : sethostname("probe", 5); }

#if defined(__x86_64__)
static long int80(void *c)
{
    long result;
    (void)c;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(20l) : "memory", "r8", "r9", "r10", "r11");
    return result > 0 ? 0 : -1;
}

static long set_ldt(void *c)
{
    char space[64];
    (void)c;
    return syscall(SYS_modify_ldt, 0, space, sizeof space);
}
#endif

void controls(int count, char **arguments)
{
    (void)count, (void)arguments;
    static const struct {
        const char *name;
        long (*try)(void *);
        int family[3];
    } all[] = {
        {"mount a tmpfs", mount_tmpfs, {0}}, {"bind a directory", bind_mount, {0}}, {"unmount", unmount, {0}},
        {"fsopen", fs_open, {0}}, {"clone a mount", clone_tree, {0}}, {"leave a chroot", leave_chroot, {0}},
        {"unshare a user namespace", unshare_user, {0}}, {"unshare several", unshare_all, {0}},
        {"clone into a user namespace", clone_user, {0}}, {"clone3 into a user namespace", clone3_user, {0}},
        {"setns", enter_own, {0}}, {"trace a process", try_seize, {0}}, {"be traced", ptrace_me, {0}},
        {"kcmp", try_compare, {0}}, {"take a descriptor", try_take_fd, {0}}, {"read another's memory", try_read_other, {0}},
        {"open another's memory", try_open_memory, {0}}, {"renice another", try_renice, {0}},
        {"switch off randomization", randomize, {0}}, {"keyctl", key_id, {0}}, {"userfaultfd", fault_fd, {0}},
        {"memfd_secret", secret, {0}}, {"fanotify", fanotify, {0}}, {"io_uring", ring, {0}},
        {"perf events", count_events, {0}}, {"vmsplice", gift, {0}}, {"name a handle", handle, {0}},
        {"TIOCSTI", push_input, {0}}, {"make a device", node, {0}}, {"System V memory", old_shm, {0}},
        {"PR_SET_TSC", set_tsc, {0}}, {"set_mempolicy", policy, {0}}, {"io_setup", asynchronous, {0}},
        {"sethostname", leave_name, {0}},
        {"vsock", open_family, {AF_VSOCK, SOCK_STREAM, 0}}, {"AF_ALG", open_family, {AF_ALG, SOCK_SEQPACKET, 0}},
        {"mptcp", open_family, {AF_INET, SOCK_STREAM, 262}}, {"udplite", open_family, {AF_INET, SOCK_DGRAM, 136}},
        {"netfilter netlink", open_family_in_namespace, {AF_NETLINK, SOCK_RAW, 12}},
        {"xfrm netlink", open_family_in_namespace, {AF_NETLINK, SOCK_RAW, 6}},
        {"packet socket", open_family_in_namespace, {AF_PACKET, SOCK_RAW, 0}},
        {"raw socket", open_family_in_namespace, {AF_INET, SOCK_RAW, 1}},
#if defined(__x86_64__)
        {"int 0x80", int80, {0}}, {"modify_ldt", set_ldt, {0}},
#endif
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        report_child(all[i].name, all[i].try, (void *)all[i].family);
}
