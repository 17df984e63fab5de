/* File requests and policies, as far as they are read: nothing is opened, no filter is loaded. */
#include "common.h"

#include "files.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct message message;
    static struct policy policy;
    struct file_request request;
    struct failure failure;
    if (!arrive(data, size, &message))
        return 0;
    /* What a string is must be one: the sanitizer sees a byte too far. */
    if (read_request(&message, &request) == 0 && strlen(request.path) >= message.length)
        abort();
    if (policy_read(&policy, &message, &failure) == 0 && policy.filter == NULL)
        abort();
    message_free(&message);
    return 0;
}
