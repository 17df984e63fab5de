#include "launcher.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int policy_read(struct policy *policy, const struct message *message, struct failure *failure)
{
    free(policy->filter);
    *policy = (struct policy){.hostname = "workspace"};
    struct field field;
    size_t offset = 0;
    while (field_next(message, &offset, &field)) {
        switch (field.tag) {
        case ISE_T_DISK_BYTES: policy->disk_bytes = field_number(&field); break;
        case ISE_T_INODES: policy->inodes = field_number(&field); break;
        case ISE_T_NETWORK:
            policy->network = (enum ise_network)field_number(&field);
            /* A kind that is not known must not become another one. */
            if (field_number(&field) > ISE_NETWORK_ALLOW_LIST)
                return fail(failure, EINVAL, "read the kind of network");
            break;
        case ISE_T_HOSTNAME:
            if (field_string(&field) == NULL)
                return fail(failure, EINVAL, "read the hostname");
            snprintf(policy->hostname, sizeof policy->hostname, "%s", field_string(&field));
            break;
        case ISE_T_FILTER:
            free(policy->filter); /* the last one counts */
            policy->filter = malloc(field.length);
            if (policy->filter == NULL)
                return fail(failure, ENOMEM, "keep the seccomp filter");
            memcpy(policy->filter, field.data, field.length);
            policy->filter_length = field.length;
            break;
        case ISE_T_RLIMIT: {
            uint64_t pair[2];
            if (field.length != sizeof pair || policy->rlimit_count == MAX_RLIMITS)
                return fail(failure, EINVAL, "read a resource limit");
            memcpy(pair, field.data, sizeof pair);
            policy->rlimits[policy->rlimit_count].resource = (int)pair[0];
            policy->rlimits[policy->rlimit_count++].value = pair[1];
            break;
        }
        case ISE_T_MEMORY: policy->memory = field_number(&field); break;
        case ISE_T_PROCESSES: policy->processes = field_number(&field); break;
        case ISE_T_CPU_PERCENT: policy->cpu_percent = field_number(&field); break;
        case ISE_T_ROOT_IDENTITY: policy->root_identity = field_number(&field) != 0; break;
        case ISE_T_SECRET:
            if (field.length != sizeof policy->secret)
                return fail(failure, EINVAL, "read the policy's secret");
            memcpy(policy->secret, field.data, sizeof policy->secret);
            break;
        case ISE_T_LISTENER: policy->listener = field_number(&field) != 0; break;
        default: return fail(failure, EINVAL, "read the policy's field %u", field.tag);
        }
    }
    if (policy->filter == NULL)
        return fail(failure, EINVAL, "find a seccomp filter in the policy");
    return 0;
}

void policy_free(struct policy *policy)
{
    if (policy != NULL)
        free(policy->filter);
    free(policy);
}
