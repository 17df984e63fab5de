/* What the init reads of a program that a command is confined to: its head, which anybody inside may have written. */
#include "common.h"

#include "confine.c"

/* What confine.c needs of the others: rules are taken and forgotten. */
int landlock_make(const struct landlock_rules *rules) { (void)rules; return -1; }
int landlock_allow(int ruleset, const char *path, uint64_t access) { (void)ruleset, (void)path, (void)access; return 0; }
uint64_t landlock_writes(void) { return 0; }

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int file = -1;
    if (file < 0)
        file = memfd_create("fuzz", MFD_CLOEXEC);
    if (ftruncate(file, 0) != 0 || pwrite(file, data, size, 0) != (ssize_t)size)
        return 0;
    struct search search = {-1, -1, "/usr/bin:/bin"};
    allow_needs(&search, file, 1); /* looks for what it names, and stops there */
    struct confinement confinement = {.read_only = size & 1, .only_programs = size & 2, .no_network = size & 4,
                                      .proxy_port = (uint16_t)(size & 8)};
    struct program p = {.length = 0};
    build_filter(&p, &confinement);
    if (p.length > sizeof p.code / sizeof p.code[0])
        abort();
    return 0;
}
