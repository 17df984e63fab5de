/* What one command may do less than its workspace (Confinement.swift): a Landlock layer of its own and a small filter, both put on
 * before it executes, both inherited by all that it starts. What neither knows: metadata, which Landlock leaves alone, is the
 * filter's; a program in anonymous memory, which is on no mount that Landlock looks at, must not come to be.
 *
 * What they refuse, nobody is told, and the result says that it doesn't list it. A filter on top of the policy's cannot have a
 * listener: the kernel takes one in a chain of filters (EBUSY), and answers ENOSYS for a filter that notifies without its own. The
 * policy's filter, which has it, cannot tell a confined caller from another, so it would have to notify of every chmod. Loading
 * the policy's filter with each command instead would cost every command. Landlock tells its refusals to the audit log only, which
 * is the machine's, not a workspace's. */
#include "init.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { HEAD = 4096, SCRIPT_DEPTH = 4 };

/* Younger than some kernel headers. */
#define RULE_NET_PORT 2
#define NET_BIND_TCP (1ull << 0)
#define NET_CONNECT_TCP (1ull << 1)
struct net_port {
    uint64_t allowed_access, port;
};

/* ---- programs ---- */

struct search {
    int ruleset, directory; /* where relative names begin */
    const char *path;       /* PATH */
};

/* Readable if it may be read, since then it tells what it needs. */
static int open_file(int directory, const char *name)
{
    struct stat st;
    struct open_how how = {.flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, .resolve = RESOLVE_NO_MAGICLINKS};
    int fd = (int)syscall(SYS_openat2, directory, name, &how, sizeof how);
    if (fd < 0 && errno == EACCES) {
        how.flags = O_PATH | O_CLOEXEC;
        fd = (int)syscall(SYS_openat2, directory, name, &how, sizeof how);
    }
    if (fd >= 0 && (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || (st.st_mode & 0111) == 0)) {
        close(fd);
        errno = EACCES;
        return -1;
    }
    return fd;
}

/* As exec_along_path finds it. */
static int find_program(const struct search *search, const char *name)
{
    if (strchr(name, '/') != NULL)
        return open_file(search->directory, name);
    for (const char *at = search->path; at != NULL && *at != 0;) {
        char file[PATH_MAX];
        size_t length = strcspn(at, ":");
        int fd = -1;
        if (snprintf(file, sizeof file, "%.*s/%s", (int)length, at, name) < (int)sizeof file)
            fd = open_file(search->directory, file);
        if (fd >= 0 || errno == ELOOP)
            return fd;
        at += length + (at[length] == ':');
    }
    errno = ENOENT;
    return -1;
}

static int allow_needs(const struct search *search, int fd, int depth);

static int allow_program(const struct search *search, int fd, int depth)
{
    struct landlock_path_beneath_attr rule = {.allowed_access = LANDLOCK_ACCESS_FS_EXECUTE, .parent_fd = fd};
    int result = (int)syscall(SYS_landlock_add_rule, search->ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
    return result != 0 ? -1 : allow_needs(search, fd, depth);
}

/* One that is not there cannot be executed: nothing to allow. */
static int allow_by_name(const struct search *search, const char *name, int depth)
{
    int fd = depth > 0 ? find_program(search, name) : -1;
    if (fd < 0)
        return 0;
    int result = allow_program(search, fd, depth);
    close(fd);
    return result;
}

/* `#!interpreter argument`; of env(1) the argument names the interpreter. */
static int allow_interpreter(const struct search *search, char *line, int depth)
{
    line[strcspn(line, "\n")] = 0;
    char *next, *interpreter = strtok_r(line, " \t", &next);
    if (interpreter == NULL || allow_by_name(search, interpreter, depth - 1) != 0)
        return interpreter == NULL ? 0 : -1;
    const char *base = strrchr(interpreter, '/');
    if (strcmp(base != NULL ? base + 1 : interpreter, "env") != 0)
        return 0;
    for (char *word; (word = strtok_r(NULL, " \t", &next)) != NULL;)
        if (word[0] != '-' && strchr(word, '=') == NULL)
            return allow_by_name(search, word, depth - 1);
    return 0;
}

static int allow_loader(const struct search *search, int fd, const char *head, size_t length)
{
    Elf64_Ehdr header;
    memcpy(&header, head, sizeof header);
    for (size_t i = 0; i < header.e_phnum; i++) {
        Elf64_Phdr part;
        size_t at = header.e_phoff + i * sizeof part;
        if (header.e_phentsize != sizeof part || at > length || length - at < sizeof part)
            return 0;
        memcpy(&part, head + at, sizeof part);
        char name[256];
        if (part.p_type != PT_INTERP || part.p_filesz == 0 || part.p_filesz > sizeof name)
            continue;
        if (pread(fd, name, part.p_filesz, (off_t)part.p_offset) != (ssize_t)part.p_filesz || name[part.p_filesz - 1] != 0)
            return 0;
        return allow_by_name(search, name, 1);
    }
    return 0;
}

/* What the kernel itself has to execute for it. */
static int allow_needs(const struct search *search, int fd, int depth)
{
    char head[HEAD + 1];
    ssize_t length = pread(fd, head, HEAD, 0);
    if (length < 2)
        return 0;
    head[length] = 0;
    if (memcmp(head, "#!", 2) == 0)
        return allow_interpreter(search, head + 2, depth);
    if ((size_t)length > sizeof(Elf64_Ehdr) && memcmp(head, ELFMAG, SELFMAG) == 0 && head[EI_CLASS] == ELFCLASS64)
        return allow_loader(search, fd, head, (size_t)length);
    return 0;
}

/* 1: `wanted` is none of the programs. */
static int allow_programs(const struct search *search, const struct confinement *confinement, const char *wanted)
{
    struct stat st, listed;
    int fd = find_program(search, wanted), result = 0;
    /* Executing one that is not there says why not; but a magic link, which is not followed here, would be followed then. */
    bool found = fd < 0 && errno != ELOOP;
    if (fd >= 0 && fstat(fd, &st) != 0)
        result = -1;
    if (fd >= 0)
        close(fd);
    for (int i = 0; i < confinement->program_count && result == 0; i++) {
        int program = find_program(search, confinement->programs[i]);
        if (program < 0)
            continue;
        result = allow_program(search, program, SCRIPT_DEPTH);
        found |= fstat(program, &listed) == 0 && fd >= 0 && listed.st_dev == st.st_dev && listed.st_ino == st.st_ino;
        close(program);
    }
    return result != 0 ? -1 : !found;
}

/* ---- the layer ---- */

static int fill(int ruleset, const struct confinement *confinement, const char *directory, const char *path,
                const char *wanted)
{
    if (confinement->read_only && landlock_allow(ruleset, "/dev", landlock_writes()) != 0)
        return -1;
    struct net_port port = {NET_CONNECT_TCP, confinement->proxy_port};
    if (confinement->proxy_port != 0 && syscall(SYS_landlock_add_rule, ruleset, RULE_NET_PORT, &port, 0) != 0)
        return -1;
    if (!confinement->only_programs)
        return 0;
    struct search search = {ruleset, open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC), path};
    int result = allow_programs(&search, confinement, wanted);
    close(search.directory);
    return result;
}

int confinement_prepare(struct confinement *confinement, const char *directory, const char *path, const char *wanted,
                        bool as_user)
{
    confinement->ruleset = -1;
    struct landlock_rules rules = {
        .fs = (confinement->read_only ? landlock_writes() : 0) |
              (confinement->only_programs ? LANDLOCK_ACCESS_FS_EXECUTE : 0),
        .net = confinement->proxy_port != 0 ? NET_BIND_TCP | NET_CONNECT_TCP : 0};
    if (rules.fs == 0 && rules.net == 0)
        return 0;
    int ruleset = landlock_make(&rules);
    if (ruleset < 0)
        return -1;
    if (as_user) {
        setfsgid(ID_USER);
        setfsuid(ID_USER);
    }
    int result = fill(ruleset, confinement, directory, path, wanted);
    int error = errno;
    if (as_user) {
        setfsuid(0);
        setfsgid(0);
    }
    if (result != 0) {
        close(ruleset);
        errno = error;
        return result;
    }
    confinement->ruleset = ruleset;
    return 0;
}

/* ---- the filter ---- */

struct program {
    struct sock_filter code[128];
    unsigned short length;
};

static void emit(struct program *p, uint16_t code, uint32_t k, uint8_t yes, uint8_t no)
{
    p->code[p->length++] = (struct sock_filter){code, yes, no, k};
}

static void load_argument(struct program *p, unsigned index)
{
    emit(p, BPF_LD | BPF_W | BPF_ABS, (uint32_t)(offsetof(struct seccomp_data, args) + index * sizeof(uint64_t)), 0, 0);
}

/* The accumulator holds the call's number, and does so again afterwards for every other call. */
static void refuse(struct program *p, long number, int error)
{
    emit(p, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)number, 0, 1);
    emit(p, BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (uint32_t)error, 0, 0);
}

/* Names are fixed by the file system; the ones that are younger than some headers have the same number everywhere. */
static void refuse_metadata(struct program *p)
{
    static const long calls[] = {
#ifdef SYS_chmod
        SYS_chmod, SYS_chown, SYS_lchown, SYS_utime, SYS_utimes, SYS_futimesat,
#endif
        SYS_fchmod, SYS_fchmodat, 452 /* fchmodat2 */, SYS_fchown, SYS_fchownat, SYS_utimensat, SYS_setxattr,
        SYS_lsetxattr, SYS_fsetxattr, SYS_removexattr, SYS_lremovexattr, SYS_fremovexattr, 463 /* setxattrat */,
        466 /* removexattrat */, 469 /* file_setattr */};
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
        refuse(p, calls[i], EROFS);
    /* FS_IOC_SETFLAGS, FS_IOC_FSSETXATTR: a descriptor that only reads is enough for them. */
    emit(p, BPF_JMP | BPF_JEQ | BPF_K, SYS_ioctl, 0, 5);
    load_argument(p, 1);
    emit(p, BPF_JMP | BPF_JEQ | BPF_K, 0x40086602, 1, 0);
    emit(p, BPF_JMP | BPF_JEQ | BPF_K, 0x401c5820, 0, 1);
    emit(p, BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EROFS, 0, 0);
    emit(p, BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
}

/* A memory file could be filled with a program and executed; not with MFD_NOEXEC_SEAL. */
static void refuse_memory_programs(struct program *p)
{
    emit(p, BPF_JMP | BPF_JEQ | BPF_K, SYS_memfd_create, 0, 4);
    load_argument(p, 1);
    emit(p, BPF_JMP | BPF_JSET | BPF_K, 8, 0, 1);
    emit(p, BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
    emit(p, BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EACCES, 0, 0);
}

/* Other families are refused by the policy's filter, which reports it. */
static void refuse_sockets(struct program *p, bool streams)
{
    emit(p, BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, streams ? 9 : 6);
    load_argument(p, 0);
    emit(p, BPF_JMP | BPF_JEQ | BPF_K, AF_NETLINK, streams ? 5 : 2, 0);
    emit(p, BPF_JMP | BPF_JEQ | BPF_K, AF_INET, 1, 0);
    emit(p, BPF_JMP | BPF_JEQ | BPF_K, AF_INET6, 0, streams ? 4 : 1);
    if (streams) {
        load_argument(p, 1);
        emit(p, BPF_ALU | BPF_AND | BPF_K, 0xf, 0, 0);
        emit(p, BPF_JMP | BPF_JEQ | BPF_K, SOCK_STREAM, 1, 0);
    }
    emit(p, BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EACCES, 0, 0);
    emit(p, BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
}

/* MSG_FASTOPEN connects where no Landlock rule is asked. */
static void refuse_fast_open(struct program *p, long number, unsigned flags)
{
    emit(p, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)number, 0, 4);
    load_argument(p, flags);
    emit(p, BPF_JMP | BPF_JSET | BPF_K, 0x20000000, 0, 1);
    emit(p, BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EOPNOTSUPP, 0, 0);
    emit(p, BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
}

static void build_filter(struct program *p, const struct confinement *confinement)
{
    emit(p, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr), 0, 0);
    if (confinement->read_only)
        refuse_metadata(p);
    if (confinement->only_programs)
        refuse_memory_programs(p);
    if (confinement->no_network || confinement->proxy_port != 0)
        refuse_sockets(p, confinement->proxy_port != 0);
    if (confinement->proxy_port != 0) {
        refuse_fast_open(p, SYS_sendto, 3);
        refuse_fast_open(p, SYS_sendmsg, 2);
        refuse_fast_open(p, SYS_sendmmsg, 3);
    }
    emit(p, BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
}

int confinement_enter(const struct confinement *confinement)
{
    return confinement->ruleset < 0 ? 0 : (int)syscall(SYS_landlock_restrict_self, confinement->ruleset, 0);
}

int confinement_seal(const struct confinement *confinement)
{
    static struct program p;
    p.length = 0;
    build_filter(&p, confinement);
    struct sock_fprog program = {p.length, p.code};
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
}
