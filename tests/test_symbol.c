#include "symbol/symbol.h"

#include "harness.h"
#include "symbol/maps.h"

#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct intern *strings;
static struct symbolizer *self;

static void open_self(void)
{
    struct error e = {0};
    strings = intern_new();
    ck_assert_msg(symbolizer_new_self(strings, &self, &e) == 0, "%s", e.text);
    symbolizer_bound(self, 0, SYMBOL_MAX_BYTES); /* a busy machine must not change the answers */
}

static void close_self(void)
{
    symbolizer_free(self);
    intern_unref(strings);
}

static const char *name_of(const void *address)
{
    static struct symbol_frame f[SYMBOL_MAX_INLINE];
    size_t n = symbolizer_frames(self, (uintptr_t)address, f, SYMBOL_MAX_INLINE);
    return n ? f[n - 1].function : "";
}

/* libc's own, whoever else has one of that name. */
static void *libc_function(const char *name)
{
    static void *libc;
    if (!libc)
        libc = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
    ck_assert_ptr_nonnull(libc);
    return dlsym(libc, name);
}

/* Where a call returns to, less 1: an address inside the call instruction. */
static uintptr_t here(void) __attribute__((noinline));
static uintptr_t here(void)
{
    return (uintptr_t)__builtin_return_address(0) - 1;
}

static int inner_line, outer_line;

static inline __attribute__((always_inline)) uintptr_t inlined_twice(void)
{
    uintptr_t pc = (inner_line = __LINE__, here());
    __asm__ volatile("" ::: "memory");
    return pc;
}

static inline __attribute__((always_inline)) uintptr_t inlined_once(void)
{
    return inlined_twice();
}

static __attribute__((noinline)) uintptr_t not_inlined(void)
{
    uintptr_t pc = (outer_line = __LINE__, inlined_once());
    __asm__ volatile("" ::: "memory");
    return pc;
}

START_TEST(inlined_frames_with_file_and_line)
{
    open_self();
    struct symbol_frame f[SYMBOL_MAX_INLINE];
    uintptr_t pc = not_inlined();
    ck_assert_uint_eq(symbolizer_frames(self, pc, f, SYMBOL_MAX_INLINE), 3);
    ck_assert_str_eq(f[0].function, "inlined_twice");
    ck_assert_int_eq(f[0].line, inner_line);
    ck_assert_str_eq(f[1].function, "inlined_once");
    ck_assert_str_eq(f[2].function, "not_inlined");
    ck_assert_int_eq(f[2].line, outer_line);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(f[i].file[0], '/');
        ck_assert_ptr_nonnull(strstr(f[i].file, "/tests/test_symbol.c"));
        ck_assert_uint_eq(f[i].entry, (uintptr_t)not_inlined);
        ck_assert_str_eq(f[i].linkage, f[i].function);
    }
    ck_assert_int_eq(f[2].start_line, outer_line - 2);
    ck_assert_int_eq(f[0].start_line, inner_line - 2);
    ck_assert_uint_eq(symbolizer_frames(self, pc, f, 2), 2);
    ck_assert_str_eq(f[1].function, "inlined_once");
    close_self();
}
END_TEST

START_TEST(answers_are_the_same_after_a_rest)
{
    open_self();
    uintptr_t pc = not_inlined();
    struct symbol_frame first[SYMBOL_MAX_INLINE], again[SYMBOL_MAX_INLINE];
    size_t n = symbolizer_frames(self, pc, first, SYMBOL_MAX_INLINE);
    symbolizer_rest(self);
    ck_assert(!symbolizer_refresh(self));
    ck_assert_uint_eq(symbolizer_frames(self, pc, again, SYMBOL_MAX_INLINE), n);
    ck_assert_mem_eq(first, again, n * sizeof *first);
    ck_assert_str_eq(name_of((void *)(uintptr_t)here), "here"); /* opens the file again */
    close_self();
}
END_TEST

START_TEST(functions_of_libc)
{
    open_self();
    static const char *const names[] = {"strtol", "qsort", "write", "open", "pthread_create", "memcpy",
        "strlen", "memset", "strchr", "memcmp"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *f = libc_function(names[i]);
        ck_assert_ptr_nonnull(f);
        const char *first = name_of(f), *inside = name_of(f + 1);
        /* one place may have several public names, all of them true */
        ck_assert_msg(libc_function(first) == f, "%s is called '%s'", names[i], first);
        ck_assert_str_eq(first, inside);
    }
    ck_assert_str_eq(name_of(libc_function("write")), "write");
    close_self();
}
END_TEST

/* Readers look for the public name, in profiles of machines with libc's debug information and without. */
START_TEST(functions_of_libc_have_their_public_names)
{
    open_self();
    static const char *const names[] = {"strtol", "qsort", "write", "read", "malloc_usable_size",
        "pthread_create", "pthread_mutex_lock", "pthread_cond_wait", "nanosleep", "memcpy", "strlen",
        "memset", "strchr", "memcmp", "poll", "puts"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct symbol_frame f[SYMBOL_MAX_INLINE];
        char *at = libc_function(names[i]);
        size_t n = symbolizer_frames(self, (uintptr_t)at, f, SYMBOL_MAX_INLINE);
        ck_assert_msg(n > 0, "%s has no name", names[i]);
        ck_assert_str_eq(f[n - 1].function, names[i]);
        ck_assert_str_eq(f[n - 1].linkage, names[i]);
        ck_assert_uint_eq(f[n - 1].entry, (uintptr_t)at);
    }
    close_self();
}
END_TEST

/*
 * Every address of libc is named by the symbol that contains it or by an IFUNC's choice, else by nothing; or
 * by its DWARF where that is installed, which names the parts that the compiler split off as well: what is
 * known of these is not how far they are from their function's beginning.
 */
START_TEST(no_name_goes_beyond_its_function)
{
    open_self();
    char *f = libc_function("qsort"); /* a short function: a jump to qsort_r */
    Dl_info info;
    Elf64_Sym *sym = NULL;
    ck_assert(dladdr1(f, &info, (void **)&sym, RTLD_DL_SYMENT) && sym);
    ck_assert_uint_gt(sym->st_size, 0);
    ck_assert_str_eq(name_of(f + sym->st_size - 1), "qsort");
    ck_assert_str_ne(name_of(f + sym->st_size), "qsort");

    size_t unnamed = 0, named = 0, lines = 0, parts = 0;
    struct symbol_frame frame;
    const struct symbol_object *libc = symbolizer_object(self, (size_t)symbolizer_find(self, (uintptr_t)f));
    for (uint64_t at = libc->start; at < libc->limit; at += 61) {
        if (!symbolizer_frames(self, at, &frame, 1)) {
            unnamed++;
            continue;
        }
        named++;
        lines += *frame.file && frame.line > 0;
        parts += frame.entry == 0;
        ck_assert(frame.entry == 0 || at >= frame.entry);
        ck_assert(frame.entry == 0 || at - frame.entry < 1 << 16);
    }
    ck_assert_uint_gt(named, 1000);
    if (harness_has_debug_file(libc->build_id)) {
        ck_assert_uint_gt(lines, named * 9 / 10);
        ck_assert_uint_lt(unnamed, named / 20); /* the padding in between */
        ck_assert_uint_gt(parts, 0);
        ck_assert_uint_lt(parts, named / 20);
    } else {
        ck_assert_uint_eq(lines, 0);
        ck_assert_uint_eq(parts, 0);
        ck_assert_uint_gt(unnamed, 100); /* a stripped libc has static functions that nobody can name */
    }
    close_self();
}
END_TEST

START_TEST(plt_vdso_and_nowhere)
{
    open_self();
    ck_assert_str_eq(name_of(NULL), "");
    ck_assert_str_eq(name_of(&self), "");
    ck_assert_str_eq(name_of((void *)UINTPTR_MAX), "");

    /* the PLT of this program: some entry must be getauxval's, which only this file calls */
    const struct symbol_object *main_object = symbolizer_object(self, 0);
    size_t entries = 0, ours = 0;
    for (uint64_t at = main_object->start; at < main_object->limit; at += 16) {
        const char *name = name_of((void *)at);
        entries += strstr(name, "@plt") != NULL;
        ours += strcmp(name, "getauxval@plt") == 0;
    }
    ck_assert_uint_ge(entries, 10);
    ck_assert_uint_eq(ours, 1);

    uint64_t vdso = getauxval(AT_SYSINFO_EHDR);
    const struct symbol_object *o = symbolizer_object(self, (size_t)symbolizer_find(self, vdso));
    size_t clocks = 0;
    for (uint64_t at = o->start; at < o->limit; at++)
        clocks += strcmp(name_of((void *)at), "__vdso_clock_gettime") == 0;
    ck_assert_uint_gt(clocks, 0);
    close_self();
}
END_TEST

/* ---- files that are not what they should be -------------------------------------------------------------
 */

static unsigned char *read_self(size_t *len)
{
    int fd = open("/proc/self/exe", O_RDONLY);
    struct stat st;
    ck_assert_int_eq(fstat(fd, &st), 0);
    *len = (size_t)st.st_size;
    unsigned char *bytes = mmap(NULL, *len, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    ck_assert_ptr_ne(bytes, MAP_FAILED);
    close(fd);
    return bytes;
}

static int try_file(const void *bytes, size_t len, const char *build_id, struct error *e)
{
    int fd = memfd_create("elf", 0);
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    ck_assert_int_eq(write(fd, bytes, len), (ssize_t)len);
    struct intern *pool = intern_new();
    struct symbolizer *s;
    symbolizer_new(pool, &s, NULL);
    struct symbol_object o = {0x100000, 0x100001 + len, 0, path, build_id};
    int code = symbolizer_add_object(s, &o, e);
    struct symbol_frame f[SYMBOL_MAX_INLINE];
    for (uint64_t at = o.start; !code && at < o.limit; at += 1 + len / 500)
        symbolizer_frames(s, at, f, SYMBOL_MAX_INLINE);
    symbolizer_free(s);
    intern_unref(pool);
    close(fd);
    return code;
}

START_TEST(garbage_is_an_error_and_no_crash)
{
    struct error e = {0};
    char junk[4096];
    memset(junk, 0x5a, sizeof junk);
    ck_assert_int_eq(try_file("", 0, "", &e), ERR_FORMAT);
    ck_assert_int_eq(try_file(junk, sizeof junk, "", &e), ERR_FORMAT);
    ck_assert_ptr_nonnull(strstr(e.text, "not an ELF file"));
    ck_assert_int_eq(try_file("\177ELF", 4, "", &e), ERR_FORMAT);
    size_t len;
    unsigned char *bytes = read_self(&len);
    ck_assert_int_eq(try_file(bytes, len, "", &e), 0);
    ck_assert_int_eq(try_file(bytes, len, "00112233", &e), ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(e.text, "00112233"));
    for (size_t part = 1; part < 16; part++)
        try_file(bytes, len * part / 16, "", &e);
    uint32_t random = 12345; /* the same damage in every run */
    for (int round = 0; round < 60; round++) {
        unsigned char *copy = malloc(len);
        memcpy(copy, bytes, len);
        for (int hit = 0; hit < 200; hit++) {
            random = random * 1664525 + 1013904223;
            size_t at = (size_t)((uint64_t)random * len >> 32);
            copy[round % 2 ? at : at % 4096] = (unsigned char)(random >> 8);
        }
        try_file(copy, len, "", &e);
        free(copy);
    }
}
END_TEST

START_TEST(missing_file_and_empty_mapping)
{
    struct intern *pool = intern_new();
    struct symbolizer *s;
    struct error e = {0};
    symbolizer_new(pool, &s, NULL);
    struct symbol_object gone = {0x1000, 0x2000, 0, "/nonexistent/file", ""};
    ck_assert_int_eq(symbolizer_add_object(s, &gone, &e), ERR_NOTFOUND);
    ck_assert_str_eq(e.text, "/nonexistent/file: No such file or directory");
    struct symbol_object empty = {0x1000, 0x1000, 0, "/proc/self/exe", ""};
    ck_assert_int_eq(symbolizer_add_object(s, &empty, &e), ERR_INVALID);
    ck_assert_uint_eq(symbolizer_objects(s), 0);
    symbolizer_free(s);
    intern_unref(pool);
}
END_TEST

START_TEST(a_library_that_comes_later)
{
    open_self();
    size_t before = symbolizer_objects(self);
    void *library = dlopen("libBrokenLocale.so.1", RTLD_NOW);
    void *f = dlsym(library, "__ctype_get_mb_cur_max");
    ck_assert_ptr_nonnull(f);
    ck_assert(symbolizer_refresh(self));
    ck_assert_uint_eq(symbolizer_objects(self), before + 1);
    ck_assert_str_eq(name_of(f), "__ctype_get_mb_cur_max");
    dlclose(library);
    ck_assert(symbolizer_refresh(self));
    ck_assert_str_eq(name_of(f), "");
    close_self();
}
END_TEST

enum { LOADS = 600 };
static atomic_bool all_loaded;
static _Atomic(uintptr_t) last_loaded;

static void *load_and_unload(void *arg)
{
    (void)arg;
    for (int i = 0; i < LOADS; i++) {
        void *library = dlopen("libBrokenLocale.so.1", RTLD_NOW);
        last_loaded = library ? (uintptr_t)dlsym(library, "__ctype_get_mb_cur_max") : 0;
        dlclose(library);
    }
    all_loaded = true;
    return NULL;
}

/* As a profile has addresses of what is no longer there. */
START_TEST(an_address_whose_library_is_going)
{
    pthread_t other;
    size_t there = 0, gone = 0;
    open_self();
    pthread_create(&other, NULL, load_and_unload, NULL);
    while (!all_loaded) {
        uintptr_t f = last_loaded;
        bool is_there = f && symbolizer_start(self, f + 1) == f;
        there += is_there;
        gone += f && !is_there;
        for (volatile int rest = 0; rest < 1000; rest++) /* a lock is not fair: the other wants it, too */
            ;
    }
    pthread_join(other, NULL);
    ck_assert_uint_gt(there, 0);
    ck_assert_uint_gt(gone, 0);
    close_self();
}
END_TEST

/* As a child finds it that was forked while another thread was in dlopen(). */
START_TEST(a_child_whose_loader_is_in_the_midst_of_something)
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        struct symbol_frame frames[SYMBOL_MAX_INLINE];
        void *library = dlopen("libthread_db.so.1", RTLD_LAZY);
        uintptr_t function = (uintptr_t)dlsym(library, "td_ta_new");
        symbolizer_after_fork_in_child();
        open_self();
        _r_debug.r_state = RT_ADD;
        _exit(symbolizer_frames(self, function + 1, frames, SYMBOL_MAX_INLINE) ? 3 : 4);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 3, "it ends with %#x", (unsigned)status);
}
END_TEST

Suite *suite(void)
{
    const TTest *const tests[] = {inlined_frames_with_file_and_line, answers_are_the_same_after_a_rest,
        functions_of_libc, functions_of_libc_have_their_public_names, no_name_goes_beyond_its_function,
        plt_vdso_and_nowhere, garbage_is_an_error_and_no_crash, missing_file_and_empty_mapping,
        a_library_that_comes_later, an_address_whose_library_is_going,
        a_child_whose_loader_is_in_the_midst_of_something};
    return HARNESS_SUITE("symbol", 30, tests);
}
