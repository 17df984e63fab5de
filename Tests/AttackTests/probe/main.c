#include "probe.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define NAME(code) {code, #code}
static const struct {
    int code;
    const char *name;
} names[] = {
    NAME(EPERM),        NAME(ENOENT),  NAME(ESRCH),     NAME(EINTR),           NAME(EIO),          NAME(ENXIO),
    NAME(E2BIG),        NAME(ENOEXEC), NAME(EBADF),     NAME(ECHILD),          NAME(EAGAIN),       NAME(ENOMEM),
    NAME(EACCES),       NAME(EFAULT),  NAME(EBUSY),     NAME(EEXIST),          NAME(EXDEV),        NAME(ENODEV),
    NAME(ENOTDIR),      NAME(EISDIR),  NAME(EINVAL),    NAME(ENFILE),          NAME(EMFILE),       NAME(ENOTTY),
    NAME(ETXTBSY),      NAME(EFBIG),   NAME(ENOSPC),    NAME(ESPIPE),          NAME(EROFS),        NAME(EMLINK),
    NAME(EPIPE),        NAME(EDOM),    NAME(ERANGE),    NAME(EDEADLK),         NAME(ENAMETOOLONG), NAME(ENOSYS),
    NAME(ENOTEMPTY),    NAME(ELOOP),   NAME(ENODATA),   NAME(EPROTONOSUPPORT), NAME(EOPNOTSUPP),   NAME(EAFNOSUPPORT),
    NAME(EADDRINUSE),   NAME(ENETDOWN), NAME(ENETUNREACH), NAME(ECONNREFUSED), NAME(EHOSTUNREACH), NAME(ETIMEDOUT),
    NAME(ETOOMANYREFS), NAME(ENOKEY),  NAME(ESOCKTNOSUPPORT), NAME(EADDRNOTAVAIL), NAME(ENOBUFS), NAME(EPROTOTYPE),
    NAME(EINPROGRESS),  NAME(EDQUOT),  NAME(EUSERS),    NAME(EOVERFLOW),       NAME(ENOPROTOOPT),  NAME(EDESTADDRREQ),
};

const char *errno_name(int error)
{
    static char number[16];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (names[i].code == error)
            return names[i].name;
    snprintf(number, sizeof number, "E%d", error);
    return number;
}

void report_text(const char *name, const char *text)
{
    printf("%s=%s\n", name, text);
    fflush(stdout);
}

void report_number(const char *name, long long value)
{
    printf("%s=%lld\n", name, value);
    fflush(stdout);
}

void report(const char *name, long result)
{
    report_text(name, result >= 0 ? "ok" : errno_name(errno));
}

void report_child(const char *name, long (*try)(void *), void *context)
{
    int ends[2], code = -1, status = 0;
    if (pipe(ends) != 0) {
        report(name, -1);
        return;
    }
    pid_t pid = fork();
    if (pid == 0) {
        errno = 0;
        int result = try(context) >= 0 ? 0 : errno;
        (void)!write(ends[1], &result, sizeof result);
        _exit(0);
    }
    if (pid < 0) {
        report(name, -1);
        return;
    }
    close(ends[1]);
    ssize_t length = read(ends[0], &code, sizeof code);
    close(ends[0]);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (length == sizeof code)
        report_text(name, code == 0 ? "ok" : errno_name(code));
    else if (WIFSIGNALED(status))
        report_text(name, WTERMSIG(status) == SIGSYS ? "SIGSYS" : WTERMSIG(status) == SIGSEGV ? "SIGSEGV" : "killed");
    else
        report_text(name, "exited");
}

/* Some probes shoot at whatever they can reach: outside a workspace that would be the machine. */
static bool in_workspace(void)
{
    char name[64] = "", comm[64] = "";
    FILE *file = fopen("/proc/1/comm", "re");
    if (file == NULL || fgets(comm, sizeof comm, file) == NULL)
        return false;
    fclose(file);
    return gethostname(name, sizeof name) == 0 && strcmp(name, "workspace") == 0 && strcmp(comm, "init\n") == 0 &&
           prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 && prctl(PR_GET_SECCOMP, 0, 0, 0, 0) == 2;
}

int main(int count, char **arguments)
{
    if (count == 2 && strcmp(arguments[1], "controls") == 0) {
        controls(0, NULL);
        return 0;
    }
    if (!in_workspace()) {
        fprintf(stderr, "probe: this runs in a workspace only\n");
        return 65;
    }
    static const struct probe *const all[] = {file_probes, process_probes, syscall_probes, network_probes,
                                              resource_probes};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        for (const struct probe *probe = all[i]; probe->name != NULL; probe++)
            if (count > 1 && strcmp(probe->name, arguments[1]) == 0) {
                probe->run(count - 2, arguments + 2);
                return 0;
            }
    fprintf(stderr, "probe: there is no probe %s\n", count > 1 ? arguments[1] : "");
    return 64;
}
