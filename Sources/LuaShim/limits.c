// Memory by a counting allocator, CPU time by a timer of the thread's own CPU clock. The signal only sets a flag and
// arms the hook of the running coroutine, so plugin code pays nothing until its time is up (a count hook costs 10 to
// 130 % always).
//
// The timer of a thread stays armed between calls. A signal that finds nobody at work disarms it, one that comes too
// early for the shim at work arms it again. The CPU clock is a system call, so between two reads of it, a fifth of a
// millisecond at most, the wall clock stands in: the thread cannot have used more than that. A call costs two reads of
// the wall clock and seldom a system call.

#include "shim.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

// MARK: memory

// Blocks of this size and more are refused once the call must stop: building large values is work that no hook sees.
enum { LARGE_BLOCK = 4096 };

void *shim_allocate(void *context, void *block, size_t old_size, size_t new_size)
{
    LuaShim *shim = context;
    if (!block) old_size = 0; // Lua passes the type of the new object here
    if (new_size == 0) {
        free(block);
        shim->memory_used -= old_size;
        return NULL;
    }
    if (new_size > old_size) {
        if (new_size - old_size > shim->memory_limit - shim->memory_used) return NULL;
        if (shim->stop && new_size >= LARGE_BLOCK) return NULL;
    }
    void *moved = realloc(block, new_size);
    if (!moved) return new_size <= old_size ? block : NULL; // Lua counts on shrinking to succeed
    shim->memory_used = shim->memory_used - old_size + new_size;
    return moved;
}

// MARK: stopping

static char stop_value; // its address is the error value of a fatal stop; what it was is in shim->stop

// Where the coroutine can yield, a stop is a yield that nobody answers: own resume and the entry points look at
// shim->stop. Unwinding pcall by pcall would be quadratic in their depth, which a coroutine does not bound. Elsewhere
// it is an error, until the next place that can yield.
_Noreturn void shim_raise_stop(lua_State *L)
{
    shim_note_position(shim_of(L), L);
    if (lua_isyieldable(L)) lua_yield(L, 0);
    lua_pushlightuserdata(L, &stop_value);
    lua_error(L);
    abort(); // not reached: neither returns from a C function
}

static void stop_hook(lua_State *L, lua_Debug *event)
{
    (void)event;
    LuaShim *shim = shim_of(L);
    if (!shim->stop) {
        lua_sethook(L, NULL, 0, 0); // left over from a call that was stopped
    } else if (lua_isyieldable(L)) {
        shim_note_position(shim, L);
        lua_yield(L, 0); // from a hook this returns; the interpreter yields afterwards
    } else {
        shim_raise_stop(L);
    }
}

static void line_hook(lua_State *L, lua_Debug *event)
{
    LuaShim *shim = shim_of(L);
    if (shim->stop) {
        stop_hook(L, event);
    } else if (lua_getinfo(L, "S", event)) {
        shim->line_hit(shim->context, event->short_src, event->currentline);
    }
}

void lua_shim_watch_lines(LuaShim *shim, LuaShimLine line) { shim->line_hit = line; }

void shim_arm_hook(lua_State *L)
{
    LuaShim *shim = shim_of(L);
    if (shim->stop) {
        lua_sethook(L, stop_hook, LUA_MASKCOUNT, 1);
    } else if (shim->line_hit) {
        lua_sethook(L, line_hook, LUA_MASKLINE, 0);
    }
}

void shim_pass_fatal(lua_State *L, int status)
{
    LuaShim *shim = shim_of(L);
    if (status == LUA_ERRMEM && !shim->stop) shim->stop = LUA_SHIM_ERROR_MEMORY;
    if (shim->stop) shim_raise_stop(L);
}

// MARK: CPU time

struct ThreadTimer {
    timer_t timer;
    volatile int64_t armed; // thread CPU clock; 0 when not armed
    int64_t read_cpu, read_wall; // both clocks at the last read of the first
    LuaShim *volatile current;
    int signal;
};

static _Thread_local ThreadTimer *thread_timer;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t timer_key;
static int timer_signal; // 0: none was free

static const int64_t RETRY_NANOSECONDS = 10 * 1000 * 1000;
static const int64_t FRESH_NANOSECONDS = 200 * 1000;

static int64_t read_clock(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int64_t cpu_clock(void) { return read_clock(CLOCK_THREAD_CPUTIME_ID); }

// The thread's CPU clock, or up to a fifth of a millisecond more.
static int64_t estimated_cpu(ThreadTimer *timer)
{
    int64_t wall = read_clock(CLOCK_MONOTONIC);
    if (!timer->read_wall || wall - timer->read_wall > FRESH_NANOSECONDS) {
        timer->read_cpu = cpu_clock();
        timer->read_wall = wall;
    }
    return timer->read_cpu + (wall - timer->read_wall);
}

static void arm(ThreadTimer *timer, int64_t at)
{
    struct itimerspec when = {.it_value = {.tv_sec = at / 1000000000, .tv_nsec = at % 1000000000}};
    timer->armed = at;
    timer_settime(timer->timer, TIMER_ABSTIME, &when, NULL);
}

// Runs on the thread that runs the interpreter, between two of its instructions as far as the program can tell;
// lua_sethook is made for this.
static void on_timer(int number, siginfo_t *info, void *machine)
{
    (void)number, (void)machine;
    if (info->si_code != SI_TIMER) return;
    int saved_errno = errno;
    ThreadTimer *timer = info->si_value.sival_ptr;
    LuaShim *shim = timer->current;
    timer->armed = 0;
    if (shim) {
        int64_t now = cpu_clock();
        if (now < shim->deadline) {
            arm(timer, shim->deadline);
        } else {
            if (!shim->stop) shim->stop = LUA_SHIM_ERROR_CPU;
            lua_State *running = shim->running;
            if (running) lua_sethook(running, stop_hook, LUA_MASKCOUNT, 1);
            arm(timer, now + RETRY_NANOSECONDS); // in case another coroutine has taken over just now
        }
    }
    errno = saved_errno;
}

static void free_timer(void *value)
{
    ThreadTimer *timer = value;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, timer->signal);
    pthread_sigmask(SIG_BLOCK, &set, NULL); // a signal on its way must not find the freed timer
    timer_delete(timer->timer);
    free(timer);
}

// Takes a real-time signal that nobody uses; the first few are left to others by custom.
static void prepare_process(void)
{
    if (pthread_key_create(&timer_key, free_timer)) return;
    for (int number = SIGRTMIN + 4; number <= SIGRTMAX; number++) {
        struct sigaction old, action = {.sa_sigaction = on_timer, .sa_flags = SA_SIGINFO | SA_RESTART};
        if (sigaction(number, NULL, &old) || old.sa_handler != SIG_DFL) continue;
        sigemptyset(&action.sa_mask);
        if (sigaction(number, &action, NULL)) continue;
        timer_signal = number;
        return;
    }
}

static ThreadTimer *create_timer(void)
{
    pthread_once(&once, prepare_process);
    if (!timer_signal) return NULL;
    ThreadTimer *timer = calloc(1, sizeof *timer);
    if (!timer) return NULL;
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = timer_signal};
    event.sigev_value.sival_ptr = timer;
    event.sigev_notify_thread_id = (pid_t)syscall(SYS_gettid);
    timer->signal = timer_signal;
    if (timer_create(CLOCK_THREAD_CPUTIME_ID, &event, &timer->timer)) {
        free(timer);
        return NULL;
    }
    if (pthread_setspecific(timer_key, timer)) {
        timer_delete(timer->timer);
        free(timer);
        return NULL;
    }
    sigset_t set; // threads of libdispatch start with nearly all signals blocked
    sigemptyset(&set);
    sigaddset(&set, timer_signal);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    return thread_timer = timer;
}

bool shim_enter(LuaShim *shim)
{
    ThreadTimer *timer = thread_timer ? thread_timer : create_timer();
    if (!timer) return false;
    shim->timer = timer;
    shim->outer = timer->current;
    shim->entered = estimated_cpu(timer);
    shim->deadline = shim->entered + shim->cpu_limit - shim->cpu_used;
    if (shim->cpu_used >= shim->cpu_limit) shim->stop = LUA_SHIM_ERROR_CPU;
    atomic_signal_fence(memory_order_seq_cst); // the signal handler sees the deadline before the shim
    timer->current = shim;
    atomic_signal_fence(memory_order_seq_cst);
    int64_t armed = timer->armed;
    if (!armed || armed > shim->deadline) arm(timer, shim->deadline);
    return true;
}

void shim_leave(LuaShim *shim)
{
    shim->timer->current = shim->outer;
    atomic_signal_fence(memory_order_seq_cst);
    int64_t used = estimated_cpu(shim->timer) - shim->entered;
    if (used > 0) shim->cpu_used += used;
    shim->running = NULL;
}
