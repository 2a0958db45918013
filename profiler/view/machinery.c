#include "view/machinery.h"

#include <string.h>
#include <strings.h>

static bool starts_with_any(const char *text, const char *const *prefixes)
{
    for (; *prefixes; prefixes++)
        if (strncmp(text, *prefixes, strlen(*prefixes)) == 0)
            return true;
    return false;
}

static bool contains_any(const char *text, const char *const *parts)
{
    for (; *parts; parts++)
        if (strstr(text, *parts))
            return true;
    return false;
}

static bool is_any(const char *text, const char *const *names)
{
    for (; *names; names++)
        if (strcmp(text, *names) == 0)
            return true;
    return false;
}

static bool is_system_library(const char *mapping)
{
    static const char *const libraries[] = {"libc.so", "libc-2", "libpthread", "libm.so", "libm-2",
        "librt.so", "ld-linux", "ld-musl", "libstdc++", "libc++", "libgcc_s", "libjemalloc", "libtcmalloc",
        "libmimalloc", "libcprof", "[vdso]", "[vsyscall]", "linux-vdso", NULL};
    const char *slash = strrchr(mapping, '/');
    return starts_with_any(slash ? slash + 1 : mapping, libraries);
}

/* Names that libc has, wherever they are: linked in, interposed, or inlined from a header. */
static bool is_system_function(const char *name)
{
    static const char *const prefixes[] = {"pthread_", "__pthread_", "___pthread_", "__GI_", "lll_", "__lll_",
        "sem_", "mtx_", "cnd_", "futex_", "__futex_", "operator new", "operator delete", "std::", "__gthread",
        "__gnu_cxx::", "core::", "alloc::", "<core::", "<alloc::", "<std::", "runtime.", "sync.", "sync/",
        "internal/", "syscall.", "_dl_", "__libc_", NULL};
    static const char *const functions[] = {"malloc", "calloc", "realloc", "free", "posix_memalign",
        "aligned_alloc", "strdup", "strndup", "memcpy", "memmove", "memset", "memcmp", "memchr", "strlen",
        "strcmp", "strchr", "read", "write", "readv", "writev", "recv", "recvfrom", "recvmsg", "send",
        "sendto", "sendmsg", "accept", "accept4", "connect", "poll", "ppoll", "select", "pselect",
        "epoll_wait", "epoll_pwait", "nanosleep", "clock_nanosleep", "usleep", "sleep", "sigwait",
        "sigtimedwait", "sigwaitinfo", "pause", "wait4", "waitpid", "flock", "fcntl", "syscall", "clone",
        "clone3", "start_thread", "futex", "abort", NULL};
    return is_any(name, functions) || starts_with_any(name, prefixes);
}

static bool takes_lock(const char *name)
{
    static const char *const parts[] = {"mutex_lock", "mutex_timedlock", "mutex_clocklock", "rwlock_rdlock",
        "rwlock_wrlock", "rwlock_timed", "rwlock_clock", "spin_lock", "mtx_lock", "mtx_timedlock", "lll_lock",
        "mutex::lock", "Mutex).Lock", "Mutex).lockSlow", "Mutex).RLock", NULL};
    return contains_any(name, parts);
}

enum machinery machinery_of(const char *name, const char *source, const char *mapping)
{
    bool ours = strstr(source, "profiler/capture/interpose") != NULL; /* libcprof.a's, in the program */
    if (!ours && !is_system_library(mapping) && !is_system_function(name))
        return MACHINERY_NONE;
    return takes_lock(name) ? MACHINERY_LOCK : MACHINERY_PLAIN;
}

bool machinery_is_lock_wrapper(const char *name)
{
    static const char *const ends[] = {"lock", "acquire", "release", NULL}; /* and so unlock */
    size_t len = strcspn(name, "("), end;
    for (int i = 0; ends[i]; i++) {
        end = strlen(ends[i]);
        if (len >= end && strncasecmp(name + len - end, ends[i], end) == 0)
            return true;
    }
    return false;
}
