#include "harness.h"
#include "symbol/elffile.h"
#include "symbol/linetable.h"
#include "symbol/symbol.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/*
 * What symbolization may cost somebody's program: memory, time, and never its life. All of it is asked about
 * copies of this program, except the memory for a large library, which tests/big_library.sh makes and
 * BIG_LIBRARY names.
 */

static struct intern *strings;
static struct symbolizer *made[32]; /* NULL: free */

static struct symbolizer *new_symbolizer(int64_t max_ns, uint64_t max_bytes)
{
    size_t at = 0;
    while (made[at])
        at++;
    strings = strings ? strings : intern_new();
    ck_assert_int_eq(symbolizer_new(strings, &made[at], NULL), 0);
    symbolizer_bound(made[at], max_ns, max_bytes);
    return made[at];
}

static void drop(struct symbolizer *s)
{
    for (size_t i = 0; i < sizeof made / sizeof *made; i++)
        if (made[i] && (made[i] == s || !s)) {
            symbolizer_free(made[i]);
            made[i] = NULL;
        }
}

static void drop_all(void)
{
    drop(NULL);
    intern_unref(strings);
    strings = NULL;
}

/* Where the code of this program lies. */
static struct symbol_object own_object(void)
{
    struct symbolizer *s;
    strings = strings ? strings : intern_new();
    ck_assert_int_eq(symbolizer_new_self(strings, &s, NULL), 0);
    struct symbol_object o = *symbolizer_object(s, 0);
    symbolizer_free(s);
    return o;
}

static void add_file(struct symbolizer *s, const char *path, uint64_t shift)
{
    struct symbol_object o = own_object();
    struct error e = {0};
    o.path = path;
    o.start += shift;
    o.limit += shift;
    ck_assert_msg(symbolizer_add_object(s, &o, &e) == 0, "%s", e.text);
}

static char *copy_of_self(char path[32])
{
    char bytes[1 << 16];
    strcpy(path, "/tmp/cprof-copy-XXXXXX");
    int in = open("/proc/self/exe", O_RDONLY), out = mkstemp(path);
    ck_assert_int_ge(out, 0);
    for (ssize_t n; (n = read(in, bytes, sizeof bytes)) > 0;)
        ck_assert_int_eq(write(out, bytes, (size_t)n), n);
    close(in);
    close(out);
    return path;
}

struct answer {
    struct symbol_frame frames[SYMBOL_MAX_INLINE];
    size_t n;
    enum effort_end end;
};

static struct answer ask(struct symbolizer *s, uint64_t address)
{
    struct answer a;
    a.n = symbolizer_frames(s, address, a.frames, SYMBOL_MAX_INLINE);
    a.end = symbolizer_last_end(s);
    return a;
}

static bool same(const struct answer *a, const struct answer *b)
{
    return a->n == b->n && (a->n == 0 || memcmp(a->frames, b->frames, a->n * sizeof *a->frames) == 0);
}

/* Less than `whole` and true: the function that is there, or nothing, and no lines. */
static void check_less(const struct answer *a, const struct answer *whole)
{
    ck_assert_uint_le(a->n, 1);
    if (a->n && whole->n) {
        ck_assert_str_eq(a->frames[0].file, "");
        ck_assert_int_eq(a->frames[0].line, 0);
    }
}

/* ---- memory ---------------------------------------------------------------------------------------------
 */

/* The less memory there is, the more is named by the symbol table alone, and what has lines has the right
 * ones. */
START_TEST(answers_within_bounds_are_the_same_or_say_that_they_are_not)
{
    enum { KB = 1 << 10, BASE = 8 << 20, BOUNDS = 9 };
    static const uint64_t bounds[BOUNDS] = {1 << 20, BASE, BASE + 50 * KB, BASE + 100 * KB, BASE + 150 * KB,
        BASE + 200 * KB, BASE + 300 * KB, BASE + 1000 * KB, SYMBOL_MAX_BYTES};
    struct symbol_object own = own_object();
    struct symbolizer *whole = new_symbolizer(0, 0), *less[BOUNDS];
    size_t asked = 0, with_lines[BOUNDS] = {0};
    add_file(whole, "/proc/self/exe", 0);
    for (size_t i = 0; i < BOUNDS; i++)
        add_file(less[i] = new_symbolizer(0, bounds[i]), "/proc/self/exe", 0);
    for (uint64_t at = own.start; at < own.limit; at += 97) {
        struct answer truth = ask(whole, at);
        ck_assert_int_eq(truth.end, EFFORT_DONE);
        asked += truth.n && *truth.frames[0].file;
        for (size_t i = 0; i < BOUNDS; i++) {
            struct answer a = ask(less[i], at);
            ck_assert(a.end == EFFORT_DONE || a.end == EFFORT_TOO_LARGE);
            ck_assert(a.end == EFFORT_TOO_LARGE || same(&a, &truth));
            if (a.end == EFFORT_TOO_LARGE)
                check_less(&a, &truth);
            with_lines[i] += a.n && *a.frames[0].file;
        }
    }
    ck_assert_uint_gt(asked, 100);
    ck_assert_uint_eq(with_lines[0], 0);
    size_t between = 0;
    for (size_t i = 1; i < BOUNDS; i++) {
        ck_assert_uint_ge(with_lines[i], with_lines[i - 1]);
        between += with_lines[i] > 0 && with_lines[i] < asked;
    }
    ck_assert_uint_gt(between, 0); /* some parts of the file were read, and some were too large */
    ck_assert_uint_eq(with_lines[BOUNDS - 1], asked);
    drop_all();
}
END_TEST

static size_t check_rows(Dwarf *dwarf)
{
    Dwarf_Off at = 0, next;
    size_t header, tables = 0;
    Elf_Data *lines = NULL;
    Elf *elf = dwarf_getelf(dwarf);
    size_t names;
    elf_getshdrstrndx(elf, &names);
    for (Elf_Scn *s = NULL; (s = elf_nextscn(elf, s));) {
        const Elf64_Shdr *h = elf64_getshdr(s);
        if (strcmp(elf_strptr(elf, names, h->sh_name), ".debug_line") == 0)
            lines = elf_rawdata(s, NULL);
    }
    ck_assert_ptr_nonnull(lines);
    for (; dwarf_nextcu(dwarf, at, &next, &header, NULL, NULL, NULL) == 0; at = next) {
        Dwarf_Die unit;
        Dwarf_Lines *table;
        Dwarf_Attribute attribute;
        Dwarf_Word offset;
        size_t n;
        uint64_t header_bytes;
        if (!dwarf_offdie(dwarf, at + header, &unit) || dwarf_getsrclines(&unit, &table, &n) ||
            !dwarf_attr(&unit, DW_AT_stmt_list, &attribute) || dwarf_formudata(&attribute, &offset))
            continue;
        ck_assert_uint_eq(linetable_rows(lines->d_buf, lines->d_size, offset, &header_bytes), n);
        ck_assert_uint_gt(header_bytes, 10);
        for (size_t part = 0; part < lines->d_size && part < 3000; part++) /* cut off: fewer, and no crash */
            ck_assert_uint_le(linetable_rows(lines->d_buf, part, offset, &header_bytes), n);
        tables++;
    }
    return tables;
}

/* What a table will take is known from its rows, which are counted without libdw, and as it counts them. */
START_TEST(rows_of_line_tables_are_counted_as_libdw_does)
{
    size_t tables = 0;
    for (int version = 1; version <= 5; version++) {
        char path[] = "/tmp/cprof-rows-XXXXXX", command[200];
        int fd = version == 1 ? open("/proc/self/exe", O_RDONLY) : mkstemp(path);
        ck_assert_int_ge(fd, 0);
        if (version > 1) {
            snprintf(command, sizeof command,
                "printf 'static inline int a(int x)\\n{ return x & 7; }\\nint f(int x)\\n{\\n  while (x)\\n "
                "x = "
                "a(x) + a(3);\\n return x; }\\n' | gcc -O2 -gdwarf-%d -fPIC -shared -xc - -o %s",
                version, path);
            ck_assert_int_eq(system(command), 0);
            close(fd);
            fd = open(path, O_RDONLY);
            unlink(path);
        }
        Dwarf *dwarf = dwarf_begin(fd, DWARF_C_READ);
        ck_assert_ptr_nonnull(dwarf);
        tables += check_rows(dwarf);
        dwarf_end(dwarf);
        close(fd);
    }
    ck_assert_uint_ge(tables, 6);
    drop_all();
}
END_TEST

/* libdw reads a table as it was when it was weighed, whatever somebody writes to the file since. */
START_TEST(line_tables_are_read_as_they_were)
{
    char path[32], junk[4096];
    struct elffile *f;
    struct linetables tables;
    memset(junk, 0x5a, sizeof junk);
    ck_assert_int_eq(elffile_open(copy_of_self(path), &f, NULL), 0);
    Dwarf *dwarf = dwarf_begin_elf(f->elf, DWARF_C_READ, NULL);
    Dwarf_Off next;
    size_t header, n, nfiles, ours = 0;
    Dwarf_Die unit;
    ck_assert_int_eq(dwarf_nextcu(dwarf, 0, &next, &header, NULL, NULL, NULL), 0);
    ck_assert_ptr_nonnull(dwarf_offdie(dwarf, header, &unit));
    Dwarf_Attribute attribute;
    Dwarf_Word offset;
    ck_assert_int_eq(dwarf_formudata(dwarf_attr(&unit, DW_AT_stmt_list, &attribute), &offset), 0);
    ck_assert_int_eq(linetables_init(&tables, f, 10), ERR_LIMIT);
    ck_assert_int_eq(linetables_init(&tables, f, UINT64_MAX), 0);
    ck_assert_uint_gt(linetables_bytes(&tables), 10);
    struct linetable l;
    ck_assert_int_eq(linetable_init(&l, &tables, UINT64_C(1) << 40, UINT64_MAX), ERR_NOTFOUND);
    Elf_Data cut = *tables.table; /* the section ends before the table does */
    cut.d_size = offset + 10;
    ck_assert_int_eq(
        linetable_init(&l, &(struct linetables){.file = f, .table = &cut}, offset, UINT64_MAX), ERR_NOTFOUND);
    ck_assert_int_eq(linetable_init(&l, &tables, offset, 10), ERR_LIMIT);
    ck_assert_int_eq(linetable_init(&l, &tables, offset, UINT64_MAX), 0);

    int fd = open(path, O_WRONLY);
    for (off_t at = (char *)tables.mapped_names - (char *)f->image; at > 0; at = 0)
        ck_assert_int_gt(pwrite(fd, junk, tables.names->d_size < 4096 ? tables.names->d_size : 4096, at), 0);
    ck_assert_int_gt(pwrite(fd, junk, 4096, (char *)tables.table->d_buf - (char *)f->image), 0);
    close(fd);
    ck_assert_int_eq(((char *)tables.table->d_buf)[offset], 0x5a); /* the mapping has it */

    Elf_Data saved;
    Dwarf_Lines *lines;
    Dwarf_Files *files;
    linetable_lend(&l, &tables, &saved);
    ck_assert_int_eq(dwarf_getsrclines(&unit, &lines, &n), 0);
    linetable_take_back(&l, &tables, &saved);
    ck_assert_uint_eq(n, l.rows);
    ck_assert_int_eq(dwarf_getsrcfiles(&unit, &files, &nfiles), 0);
    for (size_t i = 0; i < nfiles; i++)
        ours += strstr(dwarf_filesrc(files, i, NULL, NULL), ".c") != NULL;
    ck_assert_uint_gt(ours, 0);
    linetable_fini(&l);
    dwarf_end(dwarf);
    linetables_fini(&tables);
    elffile_close(f);
    unlink(path);
    drop_all();
}
END_TEST

static long status_kb(const char *field)
{
    char line[256];
    long kb = -1;
    FILE *f = fopen("/proc/self/status", "r");
    while (kb < 0 && fgets(line, sizeof line, f))
        if (strncmp(line, field, strlen(field)) == 0)
            kb = atol(line + strlen(field));
    fclose(f);
    return kb;
}

static int64_t now_ns(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

/* Some thousand addresses all over it, as of a profile and in order, then in none. */
static void ask_many(const char *path, uint64_t offset, uint64_t bytes, size_t n, bool in_order)
{
    struct symbol_object o = {.start = 1 << 20, .limit = (1 << 20) + bytes, .offset = offset, .path = path};
    struct symbolizer *s = new_symbolizer(SYMBOL_MAX_NS, SYMBOL_MAX_BYTES);
    size_t ends[EFFORT_ENDS] = {0}, named = 0, with_lines = 0;
    ck_assert_int_eq(symbolizer_add_object(s, &o, NULL), 0);
    long before = status_kb("VmRSS:");
    int64_t wall = now_ns(CLOCK_MONOTONIC), cpu = now_ns(CLOCK_PROCESS_CPUTIME_ID);
    for (size_t i = 0; i < n; i++) {
        struct answer a = ask(s, o.start + (in_order ? i : i * 7919 % n) * (bytes / n));
        ends[a.end]++;
        named += a.n > 0;
        with_lines += a.n && a.frames[0].line > 0;
        ck_assert(a.end == EFFORT_DONE || a.n == 0 || !*a.frames[0].file);
    }
    long peak = status_kb("VmHWM:") - before;
    printf("%zu addresses in %s: %zu named, %zu with lines, %zu for which there was no time; %.2f s, %.2f s "
           "of a "
           "processor, %ld KB more at the peak\n",
        n, in_order ? "order" : "none", named, with_lines, ends[EFFORT_TOO_LONG],
        (double)(now_ns(CLOCK_MONOTONIC) - wall) / 1e9,
        (double)(now_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu) / 1e9, peak);
    ck_assert_uint_eq(ends[EFFORT_DONE] + ends[EFFORT_TOO_LONG], n);
    ck_assert_uint_gt(named, n * 9 / 10);
    ck_assert_uint_gt(with_lines, 0);
    ck_assert_int_lt(peak, SYMBOL_MAX_BYTES >> 10);
    drop(s);
}

START_TEST(a_large_library_takes_no_more_than_is_allowed)
{
    const char *path = getenv("BIG_LIBRARY");
    if (!path)
        return; /* `make stress` makes one */
    char command[5000];
    uint64_t offset, bytes;
    snprintf(command, sizeof command, "readelf -lW '%s' | awk '/LOAD.*R E/ { print $2, $5 }'", path);
    FILE *f = popen(command, "r");
    ck_assert_int_eq(fscanf(f, "%lx %lx", &offset, &bytes), 2);
    pclose(f);
    for (int order = 0; order < 2; order++) {
        pid_t child = fork(); /* whose peak is its own */
        if (child == 0) {
            ask_many(path, offset, bytes, 10000, order == 0);
            drop_all();
            exit(0);
        }
        int status;
        waitpid(child, &status, 0);
        ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "see above");
    }
    drop_all();
}
END_TEST

/* ---- time -----------------------------------------------------------------------------------------------
 */

/* Two copies: one takes all the time, and the other comes when there is none left. */
START_TEST(who_comes_late_is_asked_again_and_who_is_too_slow_is_not)
{
    const uint64_t at = (uintptr_t)own_object, shift = UINT64_C(1) << 40;
    struct symbolizer *s = new_symbolizer(1, 0), *whole = new_symbolizer(0, 0);
    add_file(s, "/proc/self/exe", 0);
    add_file(s, "/proc/self/exe", shift);
    add_file(whole, "/proc/self/exe", 0);
    struct answer truth = ask(whole, at), slow, late;
    ck_assert_int_gt(truth.frames[0].line, 0);

    slow = ask(s, at);
    late = ask(s, at + shift);
    ck_assert_int_eq(slow.end, EFFORT_TOO_LONG);
    ck_assert_int_eq(late.end, EFFORT_TOO_LONG);
    check_less(&slow, &truth);
    check_less(&late, &truth);
    ck_assert_str_eq(slow.frames[0].function, "own_object");
    ck_assert_str_eq(late.frames[0].function, "own_object");
    ck_assert(symbolizer_knows(s, at + shift)); /* for as long as the batch goes on */

    symbolizer_rest(s);
    symbolizer_bound(s, 0, 0);
    ck_assert(!symbolizer_knows(s, at + shift));
    late = ask(s, at + shift);
    ck_assert_int_eq(late.end, EFFORT_DONE);
    ck_assert_int_eq(late.frames[0].line, truth.frames[0].line);
    symbolizer_rest(s);
    ck_assert(symbolizer_knows(s, at + shift));
    drop_all();
}
END_TEST

/* ---- files that change ----------------------------------------------------------------------------------
 */

static void run(const char *format, const char *a, const char *b)
{
    char command[400];
    snprintf(command, sizeof command, format, a, b);
    ck_assert_msg(system(command) == 0, "%s", command);
}

/* What was known stays known; nothing else has a name, and the process goes on. */
START_TEST(a_file_that_is_truncated_while_it_is_read)
{
    char path[32];
    struct symbol_object own = own_object();
    struct symbolizer *s = new_symbolizer(0, SYMBOL_MAX_BYTES);
    sigset_t all;
    add_file(s, copy_of_self(path), 0);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL); /* as our own threads have it */
    struct answer before = ask(s, (uintptr_t)own_object);
    ck_assert_int_gt(before.frames[0].line, 0);
    ck_assert_int_eq(truncate(path, 5000), 0);
    struct answer a = ask(s, (uintptr_t)symbolizer_frames); /* another unit, whose pages are gone */
    ck_assert(a.end == EFFORT_FILE_CHANGED && a.n == 0);
    for (uint64_t at = own.start; at < own.limit; at += 997) {
        a = ask(s, at);
        ck_assert(a.end == EFFORT_FILE_CHANGED && a.n == 0);
    }
    struct answer after = ask(s, (uintptr_t)own_object);
    ck_assert(same(&before, &after) && after.end == EFFORT_DONE);
    symbolizer_rest(s);
    ck_assert(!symbolizer_knows(s, own.start));
    ck_assert_uint_eq(ask(s, own.start).n, 0);
    unlink(path);
    drop_all();
}
END_TEST

/* The symbols of the file itself are still there when its debug file is not. */
START_TEST(a_debug_file_that_is_truncated_while_it_is_read)
{
    char path[32], debug[64];
    struct symbol_object own = own_object();
    struct symbolizer *s = new_symbolizer(0, SYMBOL_MAX_BYTES);
    snprintf(debug, sizeof debug, "%s.debug", copy_of_self(path));
    run("objcopy --only-keep-debug %s %s", path, debug);
    run("objcopy --strip-debug --add-gnu-debuglink=%2$s %1$s", path, debug);
    add_file(s, path, 0);
    struct answer before = ask(s, (uintptr_t)own_object);
    ck_assert_int_gt(before.frames[0].line, 0);
    ck_assert_int_eq(truncate(debug, 5000), 0);
    struct answer gone = ask(s, (uintptr_t)symbolizer_frames); /* another unit, whose pages are gone */
    ck_assert_int_eq(gone.end, EFFORT_FILE_CHANGED);
    ck_assert_str_eq(gone.frames[0].function, "symbolizer_frames");
    check_less(&gone, &before);
    size_t named = 0;
    for (uint64_t at = own.start; at < own.limit; at += 997) {
        struct answer a = ask(s, at);
        ck_assert_int_eq(a.end, EFFORT_FILE_CHANGED);
        check_less(&a, &before);
        named += a.n;
    }
    ck_assert_uint_gt(named, 10);
    unlink(debug);
    unlink(path);
    drop_all();
}
END_TEST

/* Another process cuts off more and more of it. Whatever has lines has the right ones. */
START_TEST(a_file_that_becomes_shorter_and_shorter)
{
    char path[32];
    struct symbol_object o = own_object();
    struct symbolizer *whole = new_symbolizer(0, 0);
    size_t answers[EFFORT_ENDS] = {0};
    add_file(whole, "/proc/self/exe", 0);
    o.path = copy_of_self(path);
    for (int round = 0; round < 40; round++) {
        struct symbolizer *s = new_symbolizer(0, SYMBOL_MAX_BYTES);
        ck_assert_int_eq(symbolizer_add_object(s, &o, NULL), 0);
        pid_t child = fork();
        if (child == 0)
            for (int part = 63 + round;; part--) {
                struct stat st;
                if (part == 0 || stat(path, &st) || truncate(path, st.st_size * part / (part + 1)))
                    _exit(part);
                usleep(20);
            }
        for (uint64_t at = o.start + (uint64_t)round; at < o.limit; at += 499) {
            struct answer a = ask(s, at), truth = ask(whole, at);
            ck_assert(a.end != EFFORT_DONE || a.n <= 1 || same(&a, &truth));
            answers[a.end]++;
        }
        ck_assert_int_eq(waitpid(child, NULL, 0), child);
        drop(s);
        unlink(path);
        copy_of_self(path);
    }
    printf("a file that becomes shorter: %zu answers before, %zu after\n", answers[EFFORT_DONE],
        answers[EFFORT_FILE_CHANGED]);
    unlink(path);
    drop_all();
}
END_TEST

static sigjmp_buf escape;
static void *volatile reported;

static void theirs(int number, siginfo_t *info, void *context)
{
    (void)number, (void)context;
    reported = info->si_addr;
    siglongjmp(escape, 1);
}

/* A program may use SIGBUS for its own mappings: it gets its own, and finds its handler where it was. */
START_TEST(other_bus_errors_are_the_programs)
{
    struct sigaction action = {.sa_sigaction = theirs, .sa_flags = SA_SIGINFO}, now;
    char path[32];
    int fd = memfd_create("short", 0);
    char *page = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
    struct symbolizer *s = new_symbolizer(0, SYMBOL_MAX_BYTES);
    sigaction(SIGBUS, &action, NULL);
    add_file(s, copy_of_self(path), 0);
    ck_assert_uint_gt(ask(s, (uintptr_t)own_object).n, 0);
    sigaction(SIGBUS, NULL, &now);
    ck_assert(now.sa_sigaction != theirs);
    if (sigsetjmp(escape, 1) == 0)
        ck_assert_int_eq(*(volatile char *)page, 1);
    ck_assert_ptr_eq(reported, page);
    reported = NULL;
    if (sigsetjmp(escape, 1) == 0)
        raise(SIGBUS);
    ck_assert(sigaction(SIGBUS, NULL, &now) == 0 && now.sa_sigaction != theirs);
    symbolizer_rest(s);
    sigaction(SIGBUS, NULL, &now);
    ck_assert(now.sa_sigaction == theirs);
    unlink(path);
    drop_all();
}
END_TEST

/* And one that has no handler dies of it, as it would have without us. */
START_TEST(other_bus_errors_are_deadly_as_before)
{
    for (int sent = 0; sent < 2; sent++) {
        pid_t child = fork();
        if (child == 0) {
            struct rlimit none = {0};
            setrlimit(RLIMIT_CORE, &none);
            signal(SIGBUS, SIG_DFL);
            char path[32];
            struct symbolizer *s = new_symbolizer(0, SYMBOL_MAX_BYTES);
            add_file(s, copy_of_self(path), 0);
            size_t n = ask(s, (uintptr_t)own_object).n;
            unlink(path);
            char *page = mmap(NULL, 4096, PROT_READ, MAP_SHARED, memfd_create("short", 0), 0);
            if (sent)
                raise(SIGBUS);
            else
                n += (size_t) * (volatile char *)page;
            _exit(n ? 1 : 2);
        }
        int status;
        waitpid(child, &status, 0);
        ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
    }
    drop_all();
}
END_TEST

/* A debug file cut off anywhere, and with bytes changed, is read without harm. */
START_TEST(debug_files_that_are_cut_off_or_damaged)
{
    char path[32], debug[64];
    snprintf(debug, sizeof debug, "%s.debug", copy_of_self(path));
    run("objcopy --only-keep-debug --compress-debug-sections=zlib %s %s", path, debug);
    run("objcopy --strip-debug --add-gnu-debuglink=%2$s %1$s", path, debug);
    struct symbol_object own = own_object();
    int fd = open(debug, O_RDWR);
    off_t len = lseek(fd, 0, SEEK_END);
    uint32_t random = 4711;
    for (int round = 24; round > 0; round--) {
        struct symbolizer *s = new_symbolizer(0, SYMBOL_MAX_BYTES);
        for (int hit = 0; round % 2 && hit < 20; hit++) {
            random = random * 1664525 + 1013904223;
            ck_assert_int_eq(pwrite(fd, &random, 1, 1000 + random % (uint32_t)(len - 1000)), 1);
        }
        if (round % 2 == 0)
            ck_assert_int_eq(ftruncate(fd, len * round / 24), 0);
        add_file(s, path, 0);
        for (uint64_t at = own.start; at < own.limit; at += 4999)
            ask(s, at);
        drop(s);
    }
    close(fd);
    unlink(debug);
    unlink(path);
    drop_all();
}
END_TEST

Suite *suite(void)
{
    const TTest *const tests[] = {answers_within_bounds_are_the_same_or_say_that_they_are_not,
        rows_of_line_tables_are_counted_as_libdw_does, line_tables_are_read_as_they_were,
        a_large_library_takes_no_more_than_is_allowed,
        who_comes_late_is_asked_again_and_who_is_too_slow_is_not, a_file_that_is_truncated_while_it_is_read,
        a_debug_file_that_is_truncated_while_it_is_read, a_file_that_becomes_shorter_and_shorter,
        other_bus_errors_are_the_programs, other_bus_errors_are_deadly_as_before,
        debug_files_that_are_cut_off_or_damaged};
    return HARNESS_SUITE("bounds", 60, tests);
}
