/* The messages between the host, the launcher and the inits.
 *
 * One SOCK_SEQPACKET message = struct ise_header, then fields. A field = tag, length, bytes (host byte order, no padding).
 * Numbers are fields of 4 or 8 bytes; strings end with a NUL byte that counts. File descriptors ride beside, by SCM_RIGHTS.
 * A message too long for a packet is a bare header with ISE_IN_MEMFD set; its fields are the contents of the last descriptor. */
#ifndef ISE_PROTOCOL_H
#define ISE_PROTOCOL_H

#include <stdint.h>

enum { ISE_MAX_PACKET = 64 * 1024, ISE_MAX_MESSAGE = 8 * 1024 * 1024, ISE_MAX_FDS = 8, ISE_MAX_OWN_BINDS = 32, ISE_MAX_PROGRAMS = 256 };

struct ise_header {
    uint16_t type;
    uint16_t flags;
    uint32_t id; /* of the request; an answer repeats it */
};

enum { ISE_IN_MEMFD = 1 };

enum ise_type {
    /* host -> launcher */
    ISE_TEMPLATE = 1, /* once, first: what every workspace of this launcher is made of */
    ISE_POLICY,       /* id = the policy's number */
    /* id = the workspace's number; POLICY, LAYER …, (PATH, SOURCE, SOURCE_FILE) …; fd: the init's end of a socket pair */
    ISE_OPEN,
    ISE_KILL,         /* id = the workspace's number */
    ISE_FREEZE,       /* id = the layer's number; fds: the workspace's upper directory, its mount namespace */
    ISE_RELEASE,      /* id = the layer's number */
    /* launcher -> host */
    ISE_TEMPLATE_READY = 16, /* id 0; FACT fields */
    ISE_OPENED,              /* PID; fd: the proxy's listening socket, when the network is ISE_NETWORK_ALLOW_LIST */
    ISE_CLOSED,              /* STATUS */
    ISE_FROZEN,              /* the layer is kept; failures have the layer's number, too */
    ISE_NOT_FROZEN,          /* STAGE, ERRNO */
    /* host -> init */
    /* FLAGS 1: STARTED is wanted; it costs the host a turn */
    ISE_EXEC = 32, /* fds: [stdin,] stdout, stderr; none with TERMINAL */
    ISE_SIGNAL,    /* id = the command's; SIGNAL; REASON: kills the whole tree when SIGNAL is SIGKILL */
    ISE_OPEN_FILE,
    ISE_LIST,
    ISE_STAT,
    ISE_REMOVE,
    ISE_MKDIR,
    ISE_LOOK,  /* answered by FILE with the upper directory, to be read only */
    ISE_LISTEN, /* answered by FILE with a socket that listens on 127.0.0.1, on a port that was free */
    ISE_UPPER, /* answered by FILE with what FREEZE takes, or by FAILED while processes run */
    /* init -> host */
    ISE_READY = 64, /* fd: the seccomp listener, when the policy has one */
    ISE_STARTED,    /* PID; fd: the terminal's master, with TERMINAL */
    ISE_EXITED,     /* STATUS … */
    ISE_FILE,       /* fd, or ENTRY fields */
    ISE_DONE,
    /* any -> host */
    ISE_FAILED = 127 /* STAGE, ERRNO */
};

enum ise_tag {
    /* facts and failures */
    ISE_T_STAGE = 1,
    ISE_T_ERRNO,
    ISE_T_FACT, /* "name=value" */
    ISE_T_PID,
    ISE_T_GROUP, /* the number of a workspace's control groups; 0: it has none */
    /* template: PATH names the place inside, SOURCE the host's; each kind of entry ends with its own tag */
    ISE_T_PATH = 16,
    ISE_T_SOURCE,
    ISE_T_MODE,
    ISE_T_OWNER,   /* 0: root, 1: the user */
    ISE_T_CONTENT, /* of a file; ends a file entry */
    ISE_T_DIRECTORY,
    ISE_T_LINK,
    ISE_T_COPY, /* copies SOURCE (small, world-readable files and links) */
    ISE_T_BIND, /* SOURCE seen at PATH: 0 read-only, 1 copy-on-write for the root identity, 2 as the root itself */
    ISE_T_ID_BASE,
    ISE_T_ID_COUNT,
    ISE_T_CGROUP_NAME,
    ISE_T_CGROUP_ROOT, /* a delegated group of cgroup v2; none: what root may use */
    ISE_T_HOST_NETWORK, /* this launcher's workspaces are all in the host's network */
    /* open */
    ISE_T_POLICY,
    ISE_T_LAYER, /* a frozen layer's number; the lowest first */
    ISE_T_SOURCE_FILE, /* uint64_t[2]: device and inode that SOURCE must lead to; ends a bind of this workspace alone */
    /* policy */
    ISE_T_DISK_BYTES = 48,
    ISE_T_INODES,
    ISE_T_NETWORK,
    ISE_T_HOSTNAME,
    ISE_T_FILTER, /* BPF program */
    ISE_T_RLIMIT, /* uint64_t[2]: resource, value */
    ISE_T_MEMORY,
    ISE_T_PROCESSES,
    ISE_T_CPU_PERCENT,
    ISE_T_ROOT_IDENTITY,
    ISE_T_LISTENER, /* the filter has user notifications */
    ISE_T_SECRET, /* uint32_t[2]: the filter lets who knows it mark processes */
    /* exec */
    ISE_T_ARGUMENT = 80,
    ISE_T_ENVIRONMENT,
    ISE_T_CWD,
    ISE_T_TIMEOUT_NS,
    ISE_T_SIGNAL,
    ISE_T_REASON,
    ISE_T_TERMINAL, /* rows << 16 | columns */
    /* exec: the command's confinement */
    ISE_T_READ_ONLY,
    ISE_T_ONLY_PROGRAMS, /* those that PROGRAM fields name; there may be none */
    ISE_T_PROGRAM,
    ISE_T_NO_NETWORK,
    ISE_T_PROXY_PORT, /* all that it may connect to */
    ISE_T_PROBE, /* instead of executing ARGUMENT, a directory's path, the child writes what it meets: see probe.c */
    /* exited */
    ISE_T_STATUS = 96,
    ISE_T_WALL_NS,
    ISE_T_USER_US,
    ISE_T_SYSTEM_US,
    ISE_T_RSS_KB,
    ISE_T_ENDED_BY,
    ISE_T_KILL_NS, /* from the decision to kill until the last process of the command was gone */
    ISE_T_LEFT,    /* uint32_t pid, then its command line */
    ISE_T_MARK,    /* which all processes of the command bear; also with FAILED */
    /* files */
    ISE_T_FLAGS = 112,
    ISE_T_LIMIT,
    ISE_T_ENTRY, /* struct ise_entry, then the path relative to the one asked for */
    ISE_T_TRUNCATED
};

enum ise_network { ISE_NETWORK_NONE = 0, ISE_NETWORK_LOOPBACK, ISE_NETWORK_HOST, ISE_NETWORK_ALLOW_LIST };

/* Where a workspace with an allow-list finds its proxy: on its own 127.0.0.1, so no two of them can be in each other's way. */
enum { ISE_PROXY_PORT = 3128 };

/* Why a command's tree was killed; 0 = it ended by itself. Values above 1 are the host's reasons. */
enum ise_ended_by { ISE_ENDED_ITSELF = 0, ISE_ENDED_TIMEOUT, ISE_ENDED_SILENCE, ISE_ENDED_OUTPUT, ISE_ENDED_CANCELLED };

enum ise_open_flags {
    ISE_OPEN_READ = 0,
    ISE_OPEN_WRITE = 1,
    ISE_OPEN_APPEND = 2,
    ISE_OPEN_EXCLUSIVE = 4,
    ISE_MAKE_PARENTS = 8,
    ISE_RECURSIVE = 16
};

struct ise_entry {
    uint64_t size;
    int64_t mtime_ns;
    uint32_t mode; /* st_mode: type and permission bits */
    uint32_t links;
};

#endif
