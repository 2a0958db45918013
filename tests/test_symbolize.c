#include "harness.h"

#include "model/check.h"
#include "symbol/elffile.h"
#include "view/locate.h"
#include "view/symbolize.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A profile of this very process: an address inside a function of ours, and the mapping it is in. */

static volatile int answer;

__attribute__((noinline)) static void a_function_to_be_named(void)
{
    answer = answer * 3 + 1;
}

static char self[400];

static struct mapping own_mapping(struct profile *p, uint64_t address)
{
    struct mapping found = {0};
    char line[600];
    FILE *maps = fopen("/proc/self/maps", "re");
    while (fgets(line, sizeof line, maps)) {
        unsigned long start, limit, offset;
        if (sscanf(line, "%lx-%lx %*s %lx %*s %*s %399s", &start, &limit, &offset, self) == 4 &&
            address >= start && address < limit) {
            found = (struct mapping){
                .start = start, .limit = limit, .offset = offset, .file = profile_string(p, self)};
            break;
        }
    }
    fclose(maps);
    ck_assert(found.file != NULL);
    return found;
}

static struct profile *own_profile(const char *file, const char *build_id)
{
    struct profile *p = profile_new(NULL);
    uint64_t address = (uint64_t)(uintptr_t)a_function_to_be_named + 1;
    struct mapping m = own_mapping(p, address);
    if (file)
        m.file = profile_string(p, file);
    m.build_id = profile_string(p, build_id);
    uint32_t loc;
    profile_add_sample_type(p, profile_string(p, "samples"), profile_string(p, "count"));
    profile_add_mapping(p, &m, NULL);
    profile_add_function(p, &(struct function){.id = 900, .name = profile_string(p, "other")}, NULL);
    profile_add_location(p, &(struct location){.address = address}, NULL, 0, &loc);
    profile_add_sample(p, &loc, 1, (int64_t[]){1}, NULL, 0);
    return p;
}

static struct buf notes;

static struct profile *named(const struct profile *p, const char *mode)
{
    struct profile *q;
    struct error e;
    notes.len = 0;
    ck_assert(symbolize_needed(p, mode, NULL));
    ck_assert_msg(symbolize_profile(p, mode, NULL, &q, &notes, &e) == 0, "%s", e.text);
    ck_assert_msg(profile_check(q, &e) == 0, "%s", e.text);
    ck_assert_uint_eq(p->locations.items[0].nlines, 0);
    return q;
}

static const struct function *leaf(const struct profile *q)
{
    const struct location *l = &q->locations.items[0];
    ck_assert_msg(l->nlines == 1, "%u lines; notes: %s", l->nlines, notes.data ? notes.data : "");
    return &q->functions.items[q->lines.items[l->first_line].function];
}

START_TEST(addresses_get_names_and_lines)
{
    struct profile *p = own_profile(NULL, ""), *q = named(p, "");
    ck_assert_str_eq(leaf(q)->name, "a_function_to_be_named");
    ck_assert_msg(strstr(leaf(q)->file, "test_symbolize.c") != NULL, "%s", leaf(q)->file);
    ck_assert_uint_eq(leaf(q)->id, 901);
    ck_assert_int_gt(q->lines.items[0].line, 10);
    ck_assert(q->mappings.items[0].has_functions && q->mappings.items[0].has_line_numbers);
    ck_assert(!symbolize_needed(q, "", NULL) && symbolize_needed(q, "force", NULL));
    profile_free(q);
    q = named(p, "fastlocal");
    ck_assert_str_eq(leaf(q)->file, "");
    ck_assert_int_eq(q->lines.items[0].line, 0);
    profile_free(q);
    profile_free(p);
}
END_TEST

static void make_copy(const char *how, const char *to)
{
    char command[2000];
    snprintf(command, sizeof command, "d='%s' && mkdir -p \"${d%%/*}\" && %s '%s' \"$d\"", to, how, self);
    ck_assert_int_eq(system(command), 0);
}

/* Each of the places where a binary may lie, in the order in which they are looked at. */
START_TEST(files_are_searched_for)
{
    char dir[] = "/tmp/pprof-test-XXXXXX", search[200], path[300], command[100];
    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(search, sizeof search, "/nonexistent:%s", dir);
    struct profile *p = own_profile("/somewhere/else/prog", "");
    ck_assert_int_eq(locate_binaries(p, search, &notes), 0);
    struct profile *q = named(p, "");
    ck_assert_uint_eq(q->locations.items[0].nlines, 0);
    ck_assert_msg(strstr(notes.data, "/somewhere/else/prog: not found here") != NULL, "%s", notes.data);
    profile_free(q);
    profile_free(p);
    struct elffile *f;
    char id[129];
    ck_assert_int_eq(elffile_open(self, &f, NULL), 0);
    elffile_build_id(f, id);
    elffile_close(f);
    ck_assert_int_gt((int)strlen(id), 8);
    static const char *const places[] = {"%s/somewhere/else/prog", "%s/prog", "%s/%.2s/%s.debug",
        "%s/somewhere/else/prog2/%s", "%s/%s/other", "%s/%s/prog"};
    for (int i = 0; i < 6; i++) {
        bool debug = i == 2, by_id = i >= 2;
        if (debug)
            snprintf(path, sizeof path, places[i], dir, id, id + 2);
        else
            snprintf(path, sizeof path, places[i], dir, id);
        make_copy(debug ? "objcopy --only-keep-debug" : "cp", path);
        p = own_profile(i == 3 ? "/somewhere/else/prog2" : "/somewhere/else/prog", by_id ? id : "");
        ck_assert_int_eq(locate_binaries(p, search, &notes), 0);
        ck_assert_str_eq(p->mappings.items[0].file, path);
        q = named(p, "local");
        ck_assert_str_eq(leaf(q)->name, "a_function_to_be_named");
        ck_assert_int_gt(q->lines.items[0].line, 10);
        profile_free(q);
        profile_free(p);
    }
    p = own_profile("/somewhere/else/prog", "00112233");
    notes.len = 0;
    ck_assert_int_eq(locate_binaries(p, search, &notes), 0);
    ck_assert_str_eq(p->mappings.items[0].file, "/somewhere/else/prog");
    ck_assert_msg(strstr(notes.data, "/prog: build-id mismatch (00112233 != ") != NULL, "%s", notes.data);
    profile_free(p);
    snprintf(command, sizeof command, "rm -r %s", dir);
    ck_assert_int_eq(system(command), 0);
}
END_TEST

/* Of a stripped program the names are in a file of their own, which it names, with a checksum. */
START_TEST(separate_debug_files_are_found)
{
    char dir[] = "/tmp/pprof-test-XXXXXX", command[2000], file[100];
    ck_assert_ptr_nonnull(mkdtemp(dir));
    struct profile *p = own_profile(NULL, "");
    profile_free(p);
    snprintf(command, sizeof command,
        "cd %s && mkdir .debug && objcopy --only-keep-debug %s .debug/x.dbg && cp .debug/x.dbg . &&"
        " objcopy --strip-all --remove-section=.note.gnu.build-id --add-gnu-debuglink=x.dbg %s x && rm x.dbg",
        dir, self, self);
    ck_assert_int_eq(system(command), 0);
    snprintf(file, sizeof file, "%s/x", dir);
    p = own_profile(file, "");
    struct profile *q = named(p, "");
    ck_assert_str_eq(leaf(q)->name, "a_function_to_be_named");
    ck_assert_int_gt(q->lines.items[0].line, 10);
    profile_free(q);
    snprintf(command, sizeof command, "echo more >>%s/.debug/x.dbg", dir); /* another one, by its checksum */
    ck_assert_int_eq(system(command), 0);
    q = named(p, "");
    ck_assert_uint_eq(q->locations.items[0].nlines, 0);
    profile_free(q);
    profile_free(p);
    snprintf(command, sizeof command, "rm -r %s", dir);
    ck_assert_int_eq(system(command), 0);
}
END_TEST

START_TEST(another_build_is_not_used)
{
    struct profile *p = own_profile(NULL, "00112233"), *q = named(p, "");
    ck_assert_uint_eq(q->locations.items[0].nlines, 0);
    ck_assert_msg(strstr(notes.data, "Ignoring local file") != NULL, "%s", notes.data);
    profile_free(q);
    profile_free(p);
}
END_TEST

static void expect_name(const char *system_name, const char *name, const char *mode, const char *want)
{
    struct profile *p = profile_new(NULL), *q;
    struct error e;
    struct function f = {.name = profile_string(p, name), .system_name = profile_string(p, system_name)};
    profile_add_function(p, &f, NULL);
    ck_assert(symbolize_needed(p, mode, NULL) || strcmp(want, name) == 0);
    ck_assert_msg(symbolize_profile(p, mode, NULL, &q, &notes, &e) == 0, "%s", e.text);
    ck_assert_str_eq(q->functions.items[0].name, want);
    ck_assert_str_eq(q->functions.items[0].system_name, system_name);
    profile_free(q);
    profile_free(p);
}

START_TEST(names_become_readable)
{
    static const char mangled[] = "_Z3maxIiET_S0_S0_";
    expect_name(mangled, mangled, "", "max");
    expect_name(mangled, mangled, "demangle=templates", "max<int>");
    expect_name(mangled, mangled, "local:demangle=full", "int max<int>(int, int)");
    expect_name(mangled, mangled, "demangle=none", mangled);
    expect_name(mangled, mangled, "none", mangled);
    expect_name(mangled, "chosen", "", "chosen");
    expect_name(mangled, "chosen", "force", "max");
    expect_name(mangled, "chosen", "demangle=none", mangled);
    expect_name("ns::f(int)", "ns::f(int)", "", "ns::f");
    expect_name("main.(*T).f", "main.(*T).f", "force", "main.(*T).f");
}
END_TEST

START_TEST(modes)
{
    struct profile *p = own_profile(NULL, ""), *q;
    struct error e;
    ck_assert(!symbolize_needed(p, "none", NULL) && !symbolize_needed(p, "remote", NULL));
    ck_assert(
        symbolize_needed(p, "Local:Demangle=Full", NULL) && symbolize_needed(p, "demangle=default", NULL));
    ck_assert_int_eq(symbolize_profile(p, "demangle=what", NULL, &q, &notes, &e), ERR_INVALID);
    ck_assert_int_eq(symbolize_profile(p, "sometimes", NULL, &q, &notes, &e), ERR_INVALID);
    ck_assert_msg(strstr(e.text, "\"sometimes\" is not one of none, local") != NULL, "%s", e.text);
    profile_free(p);
}
END_TEST

Suite *suite(void)
{
    a_function_to_be_named();
    const TTest *tests[] = {addresses_get_names_and_lines, files_are_searched_for,
        separate_debug_files_are_found, another_build_is_not_used, names_become_readable, modes};
    return HARNESS_SUITE("symbolize", 20, tests);
}
