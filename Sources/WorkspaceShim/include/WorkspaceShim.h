/* System calls and constants that Swift's Glibc module lacks, and the seccomp compiler. */
#ifndef ISE_WORKSPACE_SHIM_H
#define ISE_WORKSPACE_SHIM_H

#include "protocol.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/xattr.h>
#include <unistd.h>

/* ---- launch.c ---- */

/* Starts the launcher from a sealed memory file. 0, or an errno; `*socket` is the host's end. */
int ise_launch(const void *image, size_t length, int *socket, pid_t *pid);

/* One packet, or a memory file when it is too long for one. `bytes` begins with an ise_header. 0, or an errno. */
int ise_send(int socket, const void *bytes, size_t length, const int *fds, int fd_count);

/* Length of the packet; 0 at the end; -errno. Does not wait. `*fd_count` is set to the number of descriptors received. */
ssize_t ise_receive(int socket, void *bytes, size_t capacity, int fds[ISE_MAX_FDS], int *fd_count);

int ise_socket_pair(int sockets[2]);
int ise_pipe(int ends[2], bool read_end_waits);
int ise_bytes_waiting(int fd);
/* Highest number of descriptors this process may have; raises the soft limit to the hard one. */
unsigned long ise_raise_descriptor_limit(void);
/* Files on a tmpfs have extended attributes that belong to users. */
bool ise_tmpfs_has_attributes(void);

/* ---- accept.c ---- */

/* The next connection, whose calls do not wait; or -errno. */
int ise_accept(int listener);

/* ---- filter.c, with calls.c and rules.c ---- */

enum ise_filter_flags {
    ISE_FILTER_NOTIFY = 1,       /* refused calls are reported to a listener */
    ISE_FILTER_ROUTE_NETLINK = 2, /* the network namespace is private: let programs ask about it */
    ISE_FILTER_ROOT = 4,         /* the root identity: chroot for package managers */
    ISE_FILTER_PROCESSES = 8     /* programs that begin and processes that end are reported to the listener, and go on */
};

/* As the kernel names them: AUDIT_ARCH_* of <linux/audit.h>. */
#define ISE_X86_64 0xc000003eu
#define ISE_AARCH64 0xc00000b7u
#if defined(__x86_64__)
#define ISE_NATIVE ISE_X86_64
#elif defined(__aarch64__)
#define ISE_NATIVE ISE_AARCH64
#else
#error "the seccomp policy is written for x86_64 and aarch64"
#endif

/* Compiles the policy into BPF bytes that the caller frees. 0, or an errno. `secret` is known to the init alone: with it, and
 * not otherwise, it may mark a command's processes. */
int ise_filter_compile(uint32_t architecture, unsigned flags, const uint32_t secret[2], void **program, size_t *length);
void ise_random(void *bytes, size_t length);
/* To be freed; NULL when the number has none there. */
char *ise_syscall_name(uint32_t architecture, int number);

/* ---- walk.c: reads a tree that untrusted programs have written; follows no link ---- */

struct ise_walk_entry {
    const char *path; /* from the top, beginning with a slash */
    size_t path_length;
    uint64_t inode, size;
    int64_t modified_ns, changed_ns;
    uint32_t mode;
    bool whiteout, opaque, copied_up; /* as overlayfs marks them */
};
typedef void ise_walk_visit(void *context, const struct ise_walk_entry *entry);
/* Parents come before their children. Nonzero: something could not be read. */
int ise_walk(int directory, const char *below, ise_walk_visit *visit, void *context);
/* -1 for anything but a regular file. */
int ise_open_regular(int directory, const char *path);

/* ---- beneath.c: names in trees that somebody else has made; -1 and errno on failure ---- */

/* Follows no link at all and cannot leave the directory. */
int ise_open_beneath(int directory, const char *path, int flags, mode_t mode);
/* Follows links as a process whose root directory this is. */
int ise_open_in_root(int root, const char *path, int flags);
/* As ise_open_in_root, but only to see whether it is there. */
int ise_exists_in_root(int root, const char *path);
/* All of it, however often it takes: 0, or -1 and errno. */
int ise_write_all(int fd, const void *bytes, size_t length);
/* syncfs(2): -1 and errno when something could not be written. */
int ise_sync_file_system(int fd);

/* ---- notify.c ---- */

enum { ISE_NR_EXECVE = SYS_execve, ISE_NR_EXECVEAT = SYS_execveat, ISE_NR_EXIT_GROUP = SYS_exit_group };

struct ise_denial {
    uint64_t cookie;
    int pid;
    int number;
    uint64_t arguments[6];
};
/* 0: `*denial` was read; otherwise an errno. */
int ise_denial_receive(int listener, struct ise_denial *denial);
/* Makes the call fail with EPERM. */
int ise_denial_answer(int listener, uint64_t cookie);
/* Lets the call go on. Not for a decision: what its pointers lead to may change meanwhile. */
int ise_denial_continue(int listener, uint64_t cookie);
/* The caller is woken on the listener's processor, which costs it less; where the kernel knows that. */
void ise_denial_wake_near(int listener);

/* ---- watch.c: processes of a workspace, seen from the host ---- */

int ise_pidfd_open(pid_t pid);
/* As wait(2) tells it, of a process that is gone; -1: it isn't, or the kernel does not say. */
int ise_pidfd_status(int pidfd);
/* Its command's mark (WorkspaceInit/processes.c); 0: unknown. */
uint64_t ise_process_mark(pid_t pid);
/* Of all its threads. The sum is exact, the kernel divides it by what its clock ticks met. -1: unknown. */
int ise_process_cpu(pid_t pid, int64_t *user_ns, int64_t *system_ns);
struct ise_process_status {
    pid_t pid, parent, inside; /* the last: in its own numbering */
    long peak;                 /* resident bytes; 0: unknown */
    bool zombie;
};
/* A thread's number will do. -1: there is no such process. */
int ise_process_status(pid_t thread, struct ise_process_status *status);
/* The strings of an argv in its memory, each with its NUL byte, as far as they fit; returns their length. */
size_t ise_read_arguments(pid_t pid, uint64_t list, char *text, size_t capacity);

#endif
