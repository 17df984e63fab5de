/* Gives up, for good, everything that set-up needed. */
#include "launcher.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define WAIT_KILLABLE (1u << 5) /* SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, younger than some kernel headers */

/* What stays in the bounding set. The init keeps three to start commands as another user and to end them; `root` inside may do
 * what a package manager does, to its own files only. */
static uint64_t kept_capabilities(const struct template *template, const struct policy *policy)
{
#define BIT(capability) (1ull << (capability))
    uint64_t init = BIT(CAP_SETUID) | BIT(CAP_SETGID) | BIT(CAP_KILL);
    if (!template->privileged)
        return 0;
    if (!policy->root_identity)
        return init;
    return init | BIT(CAP_CHOWN) | BIT(CAP_DAC_OVERRIDE) | BIT(CAP_FOWNER) | BIT(CAP_FSETID) | BIT(CAP_SYS_CHROOT);
#undef BIT
}

static int drop_capabilities(const struct template *template, const struct policy *policy, struct failure *failure)
{
    uint64_t kept = kept_capabilities(template, policy);
    uint64_t bounding = policy->root_identity ? kept : 0;
    for (int capability = 0; capability < 64; capability++) {
        if (bounding & (1ull << capability))
            continue;
        if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0) {
            if (errno == EINVAL)
                break; /* past the last one that the kernel knows */
            return fail(failure, errno, "drop capability %d from the bounding set", capability);
        }
    }
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    /* With `user`, uid 0 means nothing: no file and no change of id gives a capability back. */
    unsigned long bits = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE |
                         SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED | SECBIT_KEEP_CAPS_LOCKED;
    if (!policy->root_identity && prctl(PR_SET_SECUREBITS, bits, 0, 0, 0) != 0)
        return fail(failure, errno, "set the securebits");
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2] = {
        {(uint32_t)kept, (uint32_t)kept, 0}, {(uint32_t)(kept >> 32), (uint32_t)(kept >> 32), 0}};
    if (syscall(SYS_capset, &header, data) != 0)
        return fail(failure, errno, "drop the capabilities");
    return 0;
}

static int set_limits(const struct policy *policy, struct failure *failure)
{
    for (int i = 0; i < policy->rlimit_count; i++) {
        struct rlimit limit;
        int resource = policy->rlimits[i].resource;
        /* That one is the commands' (run.c): descriptors on their way through sockets count against it a user, and what a command
         * sends off must not keep the init from answering. */
        if (resource == RLIMIT_NOFILE)
            continue;
        if (getrlimit(resource, &limit) != 0)
            return fail(failure, errno, "read resource limit %d", resource);
        /* A hard limit can only be lowered here, which is what is wanted. */
        if (limit.rlim_max > policy->rlimits[i].value)
            limit.rlim_max = policy->rlimits[i].value;
        limit.rlim_cur = limit.rlim_max;
        if (setrlimit(resource, &limit) != 0)
            return fail(failure, errno, "set resource limit %d", resource);
    }
    return 0;
}

static int load_filter(const struct policy *policy, int *listener, struct failure *failure)
{
    struct sock_fprog program = {(unsigned short)(policy->filter_length / sizeof(struct sock_filter)),
                                 (struct sock_filter *)policy->filter};
    unsigned flags = policy->listener ? SECCOMP_FILTER_FLAG_NEW_LISTENER : 0;
    long result = -1;
    /* A signal must not make the host see the same call twice (Linux 5.19). */
    if (policy->listener)
        result = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags | WAIT_KILLABLE, &program);
    if (!policy->listener || (result < 0 && errno == EINVAL))
        result = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
    if (result < 0)
        return fail(failure, errno, "load the seccomp filter");
    *listener = policy->listener ? (int)result : -1;
    return 0;
}

int privileges_drop(const struct template *template, const struct policy *policy, int *listener,
                    struct failure *failure)
{
    if (setsid() < 0 && errno != EPERM)
        return fail(failure, errno, "start a session");
    if (set_limits(policy, failure) != 0)
        return -1;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return fail(failure, errno, "set no_new_privs");
    if (drop_capabilities(template, policy, failure) != 0)
        return -1;
    /* After the last change of credentials, which clears both. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        return fail(failure, errno, "tie the init to the launcher");
    if (landlock_restrict(policy, failure) != 0)
        return -1;
    return load_filter(policy, listener, failure);
}
