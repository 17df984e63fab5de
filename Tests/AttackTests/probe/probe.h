/* The attack suite's probes: each tries something that must not work in a workspace, and prints what it saw, one line a try:
 * "name=ok", "name=EPERM", "name=SIGSYS" or a value. What must be seen is the test's business; the same program runs outside
 * a workspace to show that it can tell. */
#ifndef ISE_PROBE_H
#define ISE_PROBE_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

struct probe {
    const char *name;
    void (*run)(int count, char **arguments);
};
/* See controls.c: the only one that may run outside a workspace. */
void controls(int count, char **arguments);
extern const struct probe file_probes[], process_probes[], syscall_probes[], network_probes[], resource_probes[];

const char *errno_name(int error);
/* "ok" when `result` is not negative, else the name of errno. */
void report(const char *name, long result);
void report_text(const char *name, const char *text);
void report_number(const char *name, long long value);

/* Runs `try` in a child of its own, so that a signal is a result and what it opens or changes is gone after it. */
void report_child(const char *name, long (*try)(void *), void *context);

#define TRY(name, expression)                                                                                          \
    do {                                                                                                               \
        errno = 0;                                                                                                     \
        report(name, (long)(expression));                                                                              \
    } while (0)

#endif
