/* What the files that make the seccomp filter share. */
#ifndef ISE_FILTER_H
#define ISE_FILTER_H

#include "WorkspaceShim.h"

#include <linux/filter.h>
#include <seccomp.h>

#define COUNT(list) (sizeof(list) / sizeof(list)[0])

/* Since Linux 5.1, a new call has the same number on every architecture. */
struct ise_young_call {
    uint32_t number;
    const char *name;
    bool allowed; /* or refused, and reported */
};
extern const struct ise_young_call ise_young_calls[]; /* the lowest number first */
extern const size_t ise_young_call_count;

/* Adds the lists of calls.c. 0, or an errno. */
int ise_add_calls(scmp_filter_ctx filter, unsigned flags);

enum { ISE_MAX_RULES = 320 };

struct ise_rules {
    struct sock_filter code[ISE_MAX_RULES];
    unsigned length;
    uint32_t architecture;
    uint32_t refuse; /* the verdict for what is dangerous */
};
void ise_write_rules(struct ise_rules *rules, uint32_t architecture, unsigned flags, const uint32_t secret[2]);

#endif
