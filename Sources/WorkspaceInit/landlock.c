/* A second wall, where the kernel has it (Landlock, Linux 5.13): even if a mount turned out writable or the filter had a hole, the
 * system's directories could not be written, no device be made, no abstract socket or process outside be reached. */
#include "launcher.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Younger than some kernel headers. */
#define ACCESS_REFER (1ull << 13)
#define ACCESS_TRUNCATE (1ull << 14)
#define SCOPE_ABSTRACT_UNIX_SOCKET (1ull << 0)
#define SCOPE_SIGNAL (1ull << 1)

enum {
    DEVICES = LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_BLOCK,
    WRITES = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |
             LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK |
             LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_SYM
};

/* What `user` may write in, as far as the permissions let it. */
static const char *const writable[] = {"/home", "/tmp", "/var", "/run", "/mnt", "/srv", "/opt", "/root", "/dev"};

int landlock_version(void)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    return version < 0 ? 0 : (int)version;
}

int landlock_make(const struct landlock_rules *rules)
{
    int version = landlock_version();
    size_t size = version >= 6 ? sizeof *rules : version >= 4 ? 2 * sizeof(uint64_t) : sizeof(uint64_t);
    if (version == 0 || (rules->net != 0 && version < 4) || (rules->scoped != 0 && version < 6)) {
        errno = EOPNOTSUPP;
        return -1;
    }
    return (int)syscall(SYS_landlock_create_ruleset, rules, size, 0);
}

uint64_t landlock_writes(void)
{
    int version = landlock_version();
    return DEVICES | WRITES | (version >= 3 ? ACCESS_TRUNCATE : 0) | (version >= 2 ? ACCESS_REFER : 0);
}

int landlock_allow(int ruleset, const char *path, uint64_t access)
{
    struct landlock_path_beneath_attr rule = {.allowed_access = access,
                                              .parent_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC)};
    if (rule.parent_fd < 0)
        return 0;
    long result = syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
    int error = errno;
    close(rule.parent_fd);
    errno = error;
    return (int)result;
}

int landlock_restrict(const struct policy *policy, struct failure *failure)
{
    int version = landlock_version();
    if (version == 0)
        return 0;
    /* Nothing about the network: its namespace answers better, with "unreachable". */
    struct landlock_rules rules = {.fs = landlock_writes(),
                                   .scoped = version >= 6 ? SCOPE_ABSTRACT_UNIX_SOCKET | SCOPE_SIGNAL : 0};
    uint64_t writes = rules.fs & ~(uint64_t)(DEVICES | ACCESS_REFER);
    int ruleset = landlock_make(&rules);
    if (ruleset < 0)
        return fail(failure, errno, "make the Landlock rules");
    int result = 0;
    if (policy->root_identity) {
        result = landlock_allow(ruleset, "/", writes | (rules.fs & ACCESS_REFER));
    } else {
        for (size_t i = 0; i < sizeof writable / sizeof writable[0] && result == 0; i++)
            result = landlock_allow(ruleset, writable[i], writes);
        if (result == 0 && version >= 2)
            result = landlock_allow(ruleset, "/", ACCESS_REFER);
    }
    if (result == 0)
        result = (int)syscall(SYS_landlock_restrict_self, ruleset, 0);
    int error = errno;
    close(ruleset);
    return result == 0 ? 0 : fail(failure, error, "put the Landlock rules in force");
}
