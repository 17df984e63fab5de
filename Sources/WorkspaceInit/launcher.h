#ifndef ISE_LAUNCHER_H
#define ISE_LAUNCHER_H

#include "message.h"

#include <stdint.h>
#include <sys/types.h>

enum {
    MAX_POLICIES = 4096,
    MAX_BINDS = 64,
    MAX_RLIMITS = 16,
    MAX_CONTROLLERS = 4,
    MAX_LAYERS = 32,
    POOLED_NETWORKS = 8,
    ID_USER = 1000, /* the uid and gid of `user` inside */
    PATH_SIZE = 4096
};

/* Where a step failed, for the host's error: the innermost call wins. */
struct failure {
    char stage[160];
    int error;
};
int fail(struct failure *failure, int error, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* A directory of the host, mounted at /lower/N of the launcher's own root, seen read-only at `path` inside. */
struct bind {
    char path[256];
    char lower[32];
    char name[256]; /* of a file that is seen by way of its directory, which is what is at `lower`; otherwise empty */
    bool directory;
    enum { BIND_READ_ONLY = 0, BIND_SYSTEM, BIND_ROOT } kind;
};

/* What every workspace of this launcher is made of. */
struct template {
    bool privileged;   /* root in the initial user namespace: id ranges, idmapped mounts, cgroups */
    uint32_t id_base;  /* the first host id for workspaces; 0 when unprivileged */
    uint32_t id_count; /* of one workspace */
    bool own_ids;      /* a range a workspace, not one for all */
    bool idmapped;
    int mapping; /* a user namespace with the ids of the workspaces, when they share them; or -1 */
    int source;  /* a mount namespace in which the host's paths still have a meaning */
    bool host_network; /* this launcher never leaves the host's network, and its workspaces don't either */
    struct bind binds[MAX_BINDS];
    int bind_count;
    uint32_t masked; /* see mounts.c */
    char cgroup_name[64];
};

struct policy {
    uint64_t disk_bytes, inodes;
    enum ise_network network;
    char hostname[65];
    uint8_t *filter;
    size_t filter_length;
    bool listener;
    uint32_t secret[2];
    bool root_identity;
    struct {
        int resource;
        uint64_t value;
    } rlimits[MAX_RLIMITS];
    int rlimit_count;
    uint64_t memory, processes, cpu_percent; /* 0: no limit */
    uint32_t openings;                       /* workspaces that were asked for */
};

/* template.c */
int template_build(struct template *template, const struct message *message, struct failure *failure);

/* binds.c: directories and files of the host that one workspace alone sees, read-only. */
struct own_bind {
    const char *path, *source;
    uint64_t device, inode; /* what `source` must lead to: between the host's look and this one it may have been replaced */
    int tree;
    char name[256]; /* as in struct bind */
    bool directory;
};
/* A detached clone of the mount of `fd`, without what is mounted below it; of a file, that of its directory where it is found there. */
int bind_clone(int fd, const char *source, char name[256], int mapping, bool *idmapped, struct failure *failure);
int binds_open(const struct template *template, struct own_bind *binds, int count, struct failure *failure);
void binds_close(struct own_bind *binds, int count);
/* In the workspace, whose root is at `root`: makes the place, step by step and through no link, and attaches the mount there. */
int binds_attach(const char *root, const struct own_bind *binds, int count, struct failure *failure);

/* policy.c */
int policy_read(struct policy *policy, const struct message *message, struct failure *failure);
void policy_free(struct policy *policy); /* NULL too */

/* cgroups.c: one directory a workspace in each hierarchy that can hold a limit; its name is a number. */
struct cgroups {
    int count;
    struct {
        const char *controller; /* "memory", "pids", "cpu", or "v2" */
        int directory;          /* of this launcher */
    } hierarchies[MAX_CONTROLLERS];
};
/* `delegated`: the one group of version 2 that may be divided; NULL: all that root finds. */
int cgroups_open(struct cgroups *cgroups, const char *name, const char *delegated);
/* Of the hierarchy of version 2, when that is what is used. */
bool cgroups_can(const struct cgroups *cgroups, const char *controller);
void cgroups_reap(const char *prefix, const char *delegated);
void cgroups_remove_all(struct cgroups *cgroups, const char *name);
/* Makes the workspace's groups and opens what its first process writes "0" to; returns how many. */
int cgroups_make(struct cgroups *cgroups, const struct policy *policy, uint32_t group, int *joins,
                 struct failure *failure);
void cgroups_remove(struct cgroups *cgroups, uint32_t group);

/* network.c: namespaces made ahead, `lo` up. */
int network_take(void); /* a namespace's descriptor, or -1 with errno */
void network_give_back(int fd);
bool network_refill(void); /* makes one if more are wanted; false otherwise */
bool network_pool_is_low(void);
int network_empty(void);   /* the one that workspaces without a network share */
int listen_here(uint16_t port); /* on 127.0.0.1; 0: any that is free */
int network_listen(int fd); /* a socket that listens inside, on the proxy's port; or -1 with errno */

/* What one workspace is started with, besides the template and its policy. */
struct opening {
    uint32_t id;
    int socket, network; /* the init's end, or negative; a namespace or negative */
    int channel;         /* without a socket: where one will come from */
    int listener;        /* for the host's proxy, or negative */
    int joins[MAX_CONTROLLERS], join_count;
    uint32_t group; /* of the control groups; 0: none */
    uint32_t layers[MAX_LAYERS]; /* frozen ones below its own, the lowest first */
    int layer_count;
    struct own_bind binds[ISE_MAX_OWN_BINDS];
    int bind_count;
    uint32_t id_base; /* host id of uid 0 inside */
    int trees[2 + MAX_BINDS], tree_count;
};

/* ids.c */
uint32_t ids_take(const struct template *template, const struct opening *opening);
void ids_give_back(const struct template *template, uint32_t base);
int ids_map(const struct template *template, const struct policy *policy, uint32_t base, pid_t pid);
int ids_namespace(const struct template *template); /* with the first range */
int ids_map_mount(int tree, int namespace);
bool ids_map_tmpfs(int namespace); /* can this kernel? */

/* trees.c */
int trees_clone(const struct template *template, struct opening *opening, struct failure *failure);
void trees_close(struct opening *opening);
int trees_map(const struct opening *opening, pid_t pid);
/* In the workspace, before its root is built. */
int trees_attach(const struct template *template, const struct opening *opening, struct failure *failure);

/* workspaces.c */
struct ended {
    uint32_t id; /* 0: not the host's */
    int status;
};
pid_t workspaces_open(const struct template *template, struct cgroups *cgroups, struct policy *policy,
                      struct opening *opening, struct failure *failure);
void workspaces_kill(uint32_t id);
bool workspaces_reap(const struct template *template, struct cgroups *cgroups, struct ended *ended); /* one that has ended; false: none */
void workspaces_end(struct cgroups *cgroups);
bool workspaces_make_spare(const struct template *template, struct cgroups *cgroups); /* false: there is nothing to make */
void workspaces_drop_spares(struct policy *policy);

/* start.c */
pid_t workspace_start(const struct template *template, const struct policy *policy, const struct opening *opening,
                      struct failure *failure);

/* What freezing a workspace takes: held by its init, handed to the launcher by the host. */
struct upper {
    int directory; /* of all that the workspace writes */
    int namespace; /* of its mounts */
};

/* mounts.c */
uint32_t mounts_find_masked(void); /* the parts of /proc that this kernel has and workspaces shall not see, a bit each */
/* Runs in the new namespaces, and needs no id in them. */
int mounts_make_proc(const struct template *template, struct failure *failure);
/* After that; leaves the process inside the finished root, which a helper separates from the old one meanwhile: nothing may be
 * started before it has ended. `upper`: the directory of all that the workspace writes. */
int mounts_build(const struct template *template, const struct policy *policy, const struct opening *opening, int *upper,
                 pid_t *helper, struct failure *failure);

int overlay_read_only(const char *lower, const char *at);

/* layers.c: the frozen upper layers of workspaces, mounted at /layers/N of the launcher. */
int layer_freeze(uint32_t number, const struct upper *upper, struct failure *failure);
void layer_release(uint32_t number);

/* privileges.c */
int privileges_drop(const struct template *template, const struct policy *policy, int *listener,
                    struct failure *failure);

/* landlock.c */
int landlock_version(void); /* 0: the kernel has none */
int landlock_restrict(const struct policy *policy, struct failure *failure);
struct landlock_rules {
    uint64_t fs, net, scoped;
};
/* A rule set that the kernel enforces as a whole, or -1. */
int landlock_make(const struct landlock_rules *rules);
/* A place that is not there needs no rule. */
int landlock_allow(int ruleset, const char *path, uint64_t access);
/* Whatever changes a file system, as far as the kernel's Landlock knows it. */
uint64_t landlock_writes(void);

/* init.c: serves the host until it hangs up. */
_Noreturn void init_serve(const struct opening *opening, const struct template *template, const struct policy *policy,
                          int listener, int upper, pid_t helper);

/* util.c */
int write_file_at(int directory, const char *path, const char *text);
int read_file_at(int directory, const char *path, char *buffer, size_t size);

#endif
