#include "model/legacy.h"

#include "model/check.h"
#include "model/legacy_readers.h"

#include <string.h>

/*
 * Frames of the profiler and the allocator themselves, which old profiles hold in their stacks: dropped with
 * all they call once names are known. As expressions for drop_frames, which match a whole name.
 */
static const char allocators[] =
    "(__libc_|(tc_|malloc_zone_)?)(calloc|cfree|malloc|free|(posix_)?memalign|"
    "pvalloc|valloc|realloc)|__posix_memalign|do_memalign|"
    "tc_(new|delete)(array)?(_nothrow)?|tcmalloc::.*|runtime\\..*|BaseArena::.*|"
    "(::)?do_malloc(_no_errno|_pages)?|DoSampledAllocation|_M_allocate|"
    "MallocedMemBlock::MallocedMemBlock|__builtin_(vec_)?(new|delete)|"
    "(__gnu_cxx::new_allocator::|__malloc_alloc_template::|simple_alloc::)?allocate|"
    "cpp_alloc|operator new(\\[\\])?";
static const char go_entries[] = "runtime\\.(panic|reflectcall|call[0-9]*)";
static const char locks[] = "(base::)?(RecordLockProfileData|Submit(Mutex|SpinLock)ProfileData).*|"
                            "((base::)?Mutex::)?(AwaitCommon|Unlock|UnlockSlow|ReaderUnlock).*|"
                            "((base::)?MutexLock::)?~MutexLock.*|(SpinLock::)?(Unlock|SlowUnlock).*|"
                            "(SpinLockHolder::)?~SpinLockHolder.*";
static const char handlers[] = "(ProfileData::Add|ProfileData::prof_handler|CpuProfiler::prof_handler|"
                               "__pthread_sighandler|__restore)";

static int set_dropped_frames(struct legacy *l)
{
    struct profile *p = l->p;
    const char *first = p->sample_types.items[0].type;
    bool heap = strstr(first, "objects") != NULL, contention = strcmp(first, "contentions") == 0;
    p->drop_frames = profile_string(p, heap ? allocators : contention ? locks : handlers);
    p->keep_frames = profile_string(p, heap ? go_entries : "");
    return p->drop_frames && p->keep_frames ? 0 : legacy_nomem(l);
}

static void legacy_fini(struct legacy *l)
{
    table_fini(&l->by_address);
    vec_fini(&l->locs);
    buf_fini(&l->line);
}

static int read_with(
    int (*read)(struct legacy *), const void *bytes, size_t len, struct profile **out, struct error *error)
{
    struct legacy l = {.at = bytes, .end = (const unsigned char *)bytes + len, .error = error};
    l.p = profile_new(NULL);
    int code = l.p ? read(&l) : legacy_nomem(&l);
    if (!code && l.line.failed)
        code = legacy_nomem(&l);
    if (!code && !l.says_drops)
        code = set_dropped_frames(&l);
    if (!code)
        code = profile_check(l.p, error);
    legacy_fini(&l);
    if (code)
        profile_free(l.p);
    else
        *out = l.p;
    return code;
}

int legacy_decode(const void *bytes, size_t len, struct profile **out, struct error *error)
{
    static int (*const readers[])(struct legacy *) = {legacy_read_cpu, legacy_read_heap, legacy_read_count,
        legacy_read_threads, legacy_read_contention, legacy_read_java, legacy_read_jemalloc,
        legacy_read_perf};
    int code = ERR_UNSUPPORTED;
    for (size_t i = 0; i < sizeof readers / sizeof *readers && code == ERR_UNSUPPORTED; i++)
        code = read_with(readers[i], bytes, len, out, error);
    return code == ERR_UNSUPPORTED ? error_set(error, code, "not a profile of any known format") : code;
}
