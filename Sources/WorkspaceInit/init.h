#ifndef ISE_INIT_H
#define ISE_INIT_H

#include "launcher.h"

#include <sys/resource.h>

enum { MAX_COMMANDS = 512 };

/* A command that was started: its first process is not reaped yet. */
struct command {
    uint32_t id; /* 0: a free slot */
    pid_t pid;
    uint64_t mark; /* see processes.c */
    int64_t started_ns, deadline_ns;
    uint64_t ended_by;
    int64_t killed_after_ns; /* from the decision to kill until the last process was gone; -1: not killed */
};

struct init {
    int socket;
    int upper; /* the directory; no command can reach it */
    bool user_switch; /* commands run as `user`, the init doesn't */
    uint64_t open_files; /* of a command; 0: the init's own limit */
    uint32_t secret[2];  /* the policy's */
    pid_t helper;        /* of mounts_build; 0: it has ended */
    struct command commands[MAX_COMMANDS];
    struct reply reply;
};

int64_t now_ns(void);

/* run.c: starts a command; answers STARTED, or FAILED with the stage. */
void run_command(struct init *init, struct message *message);

/* confine.c: what one command may do less. */
struct confinement {
    bool any, read_only, only_programs, no_network;
    uint16_t proxy_port; /* the only one that it may connect to; 0: no such rule */
    const char *programs[ISE_MAX_PROGRAMS];
    int program_count;
    int ruleset;
};
/* Makes the Landlock layer. 1: `wanted` is a program that is not allowed. */
int confinement_prepare(struct confinement *confinement, const char *directory, const char *path, const char *wanted,
                        bool as_user);
/* In the child: the layer, while its descriptor is still there; and, when nothing else is left to do, the filter. */
int confinement_enter(const struct confinement *confinement);
int confinement_seal(const struct confinement *confinement);

/* probe.c: in the child, at the very place where a command would be executed. */
_Noreturn void probe_walls(const char *home);

/* processes.c */
uint64_t mark_next(void);
/* Marks the caller and, for good, all that it starts. */
int mark_process(uint64_t mark, const uint32_t secret[2]);
/* Kills every process that bears the mark, until none is left. */
void kill_marked(uint64_t mark, int signal);
/* True while any process but the init is there: the cheap question. */
bool processes_exist(void);
/* Adds a LEFT field for each process that bears the mark. */
void report_marked(struct reply *reply, uint64_t mark);

/* files.c: answers FILE, DONE or FAILED. */
void serve_file(struct init *init, struct message *message);

#endif
