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

struct ruleset {
    uint64_t fs, net, scoped; /* net stays 0: the network namespace answers better, with "unreachable" */
};

enum {
    DEVICES = LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_BLOCK,
    WRITES = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |
             LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK |
             LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_SYM
};

/* What `user` may write in, as far as the permissions let it. */
static const char *const writable[] = {"/home", "/tmp", "/var", "/run", "/mnt", "/srv", "/opt", "/root", "/dev", "/proc"};

int landlock_version(void)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    return version < 0 ? 0 : (int)version;
}

/* A place that is not there needs no rule. */
static int allow(int ruleset, const char *path, uint64_t access)
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
    uint64_t writes = WRITES | (version >= 3 ? ACCESS_TRUNCATE : 0);
    struct ruleset rules = {.fs = DEVICES | writes};
    if (version >= 2)
        rules.fs |= ACCESS_REFER; /* else nothing could be moved from one directory to another */
    if (version >= 6)
        rules.scoped = SCOPE_ABSTRACT_UNIX_SOCKET | SCOPE_SIGNAL;
    size_t size = version >= 6 ? sizeof rules : version >= 4 ? 2 * sizeof(uint64_t) : sizeof(uint64_t);
    int ruleset = (int)syscall(SYS_landlock_create_ruleset, &rules, size, 0);
    if (ruleset < 0)
        return fail(failure, errno, "make the Landlock rules");
    int result = 0;
    if (policy->root_identity) {
        result = allow(ruleset, "/", writes | (rules.fs & ACCESS_REFER));
    } else {
        for (size_t i = 0; i < sizeof writable / sizeof writable[0] && result == 0; i++)
            result = allow(ruleset, writable[i], writes);
        if (result == 0 && version >= 2)
            result = allow(ruleset, "/", ACCESS_REFER);
    }
    if (result == 0)
        result = (int)syscall(SYS_landlock_restrict_self, ruleset, 0);
    int error = errno;
    close(ruleset);
    return result == 0 ? 0 : fail(failure, error, "put the Landlock rules in force");
}
