/* The seccomp policy: what is not listed does not exist (calls.c), a few calls are looked at closely (rules.c), another ABI kills.
 * libseccomp compiles the lists; the rules stand before its program. */
#include "filter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

static int choose_architecture(scmp_filter_ctx filter, uint32_t architecture)
{
    if (architecture == seccomp_arch_native())
        return 0;
    int error = -seccomp_arch_add(filter, architecture);
    return error != 0 ? error : -seccomp_arch_remove(filter, SCMP_ARCH_NATIVE);
}

static int export_program(scmp_filter_ctx filter, const struct ise_rules *rules, void **program, size_t *length)
{
    struct stat st;
    size_t head = rules->length * sizeof(struct sock_filter);
    int fd = memfd_create("ise-filter", MFD_CLOEXEC);
    if (fd < 0)
        return errno;
    int error = -seccomp_export_bpf(filter, fd);
    if (error == 0 && fstat(fd, &st) != 0)
        error = errno;
    uint8_t *bytes = error == 0 ? malloc(head + (size_t)st.st_size) : NULL;
    if (error == 0 && bytes == NULL)
        error = ENOMEM;
    if (error == 0) {
        memcpy(bytes, rules->code, head);
        if (pread(fd, bytes + head, (size_t)st.st_size, 0) != st.st_size)
            error = EIO;
    }
    close(fd);
    if (error != 0) {
        free(bytes);
        return error;
    }
    *program = bytes;
    *length = head + (size_t)st.st_size;
    return 0;
}

void ise_random(void *bytes, size_t length)
{
    for (size_t done = 0; done < length;) {
        ssize_t count = getrandom((char *)bytes + done, length - done, 0);
        done += count > 0 ? (size_t)count : 0;
    }
}

int ise_filter_compile(uint32_t architecture, unsigned flags, const uint32_t secret[2], void **program, size_t *length)
{
    struct ise_rules rules;
    ise_write_rules(&rules, architecture, flags, secret);
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
    if (filter == NULL)
        return ENOMEM;
    int error = choose_architecture(filter, architecture);
    if (error == 0)
        error = -seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    if (error == 0)
        error = -seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* a tree: a third of the time to load */
    if (error == 0)
        error = ise_add_calls(filter, flags);
    if (error == 0)
        error = export_program(filter, &rules, program, length);
    seccomp_release(filter);
    return error;
}
