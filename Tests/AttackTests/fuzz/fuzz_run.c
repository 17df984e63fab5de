/* Commands and signals, as far as they are read: nothing is executed. */
#include "common.h"

#include "run.c"

/* What run.c needs of the others. */
int64_t now_ns(void) { return 0; }
uint64_t mark_next(void) { return 1; }
int mark_process(uint64_t mark, const uint32_t secret[2]) { (void)mark, (void)secret; return 0; }
int confinement_prepare(struct confinement *confinement, const char *directory, const char *path, const char *wanted, bool as_user)
{
    (void)confinement, (void)directory, (void)path, (void)wanted, (void)as_user;
    return 0;
}
int confinement_enter(const struct confinement *confinement) { (void)confinement; return 0; }
int confinement_seal(const struct confinement *confinement) { (void)confinement; return 0; }
_Noreturn void probe_walls(const char *home) { (void)home; abort(); }

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct message message;
    static char *arguments[MAX_STRINGS + 1], *environment[MAX_STRINGS + 1];
    if (!arrive(data, size, &message))
        return 0;
    struct start start = {.arguments = arguments, .environment = environment, .terminal = -1};
    struct command command = {.killed_after_ns = -1};
    if (read_request(&message, &start, &command, arguments, environment) == 0) {
        size_t total = strlen(start.directory);
        for (char **text = arguments; *text != NULL; text++)
            total += strlen(*text) + 1;
        for (char **text = environment; *text != NULL; text++)
            total += strlen(*text) + 1;
        if (total > message.length || start.limit_count > MAX_RLIMITS || arguments[0] == NULL)
            abort();
        if (start.confinement.program_count > ISE_MAX_PROGRAMS)
            abort();
        for (int i = 0; i < start.confinement.program_count; i++)
            if (strlen(start.confinement.programs[i]) > message.length)
                abort();
        if (start.path != NULL && strlen(start.path) > message.length)
            abort();
    }
    /* Every field, taken for every kind. */
    struct field field;
    size_t offset = 0, last = 0;
    while (field_next(&message, &offset, &field)) {
        if (offset <= last || offset > message.length)
            abort();
        last = offset;
        const char *text = field_string(&field);
        if (text != NULL && strlen(text) + 1 != field.length)
            abort();
        (void)field_number(&field);
    }
    message_free(&message);
    return 0;
}
