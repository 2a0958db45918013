#include "symbol/maps.h"

#include "harness.h"

#include <dlfcn.h>
#include <elf.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

START_TEST(parses_executable_ranges)
{
    static const char text[] =
        "00400000-00452000 r-xp 00001000 08:02 173521      /usr/bin/a name with spaces\n"
        "00651000-00652000 r--p 00051000 08:02 173521      /usr/bin/dbus-daemon\n"
        "7f0000000000-7f0000001000 rwxp 00000000 00:00 0 \n"
        "7f0000002000-7f0000003000 r-xp 00000000 103:02 9   /lib/x.so (deleted)\n"
        "7fff0000-7fff1000 r-xp 00000000 00:00 0           [vdso]";
    struct maps m = {0};
    ck_assert_int_eq(maps_parse(text, sizeof text - 1, &m, NULL), 0);
    ck_assert_uint_eq(m.entries.len, 4);
    ck_assert_str_eq(m.entries.items[0].path, "/usr/bin/a name with spaces");
    ck_assert_uint_eq(m.entries.items[0].start, 0x400000);
    ck_assert_uint_eq(m.entries.items[0].limit, 0x452000);
    ck_assert_uint_eq(m.entries.items[0].offset, 0x1000);
    ck_assert_str_eq(m.entries.items[1].path, "//anon");
    ck_assert_str_eq(m.entries.items[2].path, "/lib/x.so");
    ck_assert_str_eq(m.entries.items[3].path, "[vdso]");
    ck_assert_int_eq(maps_find(&m, 0x452000 - 1), 0);
    ck_assert_int_eq(maps_find(&m, 0x452000), -1);
    maps_fini(&m);
}
END_TEST

START_TEST(rejects_garbage_and_keeps_what_was)
{
    static const char good[] = "1000-2000 r-xp 00000000 00:00 0 /a\n";
    static const char *const bad[] = {"nonsense\n", "1000-2000 r-xp\n", "2000-1000 r-xp 0 00:00 0 /a\n", "\n",
        "1000-2000 r-xpzz 00000000 00:00 0 /a\n", "1000-2000 r-xp 00000000 00:00"};
    struct maps m = {0};
    ck_assert_int_eq(maps_parse(good, sizeof good - 1, &m, NULL), 0);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct error e = {0};
        char text[200] = "3000-4000 r-xp 00000000 00:00 0 /b\n";
        strcat(text, bad[i]);
        ck_assert_msg(maps_parse(text, strlen(text), &m, &e) == ERR_FORMAT, "accepted: %s", bad[i]);
        ck_assert_str_eq(e.text, "maps, line 2: malformed data");
        ck_assert_str_eq(m.entries.items[0].path, "/a");
    }
    maps_fini(&m);
}
END_TEST

START_TEST(knows_this_process)
{
    struct maps m = {0};
    struct error e = {0};
    char exe[4096];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
    exe[n] = '\0';
    ck_assert_int_eq(maps_read_self(&m, &e), 0);
    ck_assert(m.entries.items[0].is_main);
    ck_assert_str_eq(m.entries.items[0].path, exe);
    ck_assert_int_eq(maps_find(&m, (uintptr_t)&suite), 0);
    ck_assert_uint_eq(strlen(m.entries.items[0].build_id), 40);

    int libc = maps_find(&m, (uintptr_t)dlsym(dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD), "strtol"));
    ck_assert_int_gt(libc, 0);
    ck_assert_ptr_nonnull(strstr(m.entries.items[libc].path, "/libc.so.6"));
    ck_assert_uint_eq(strlen(m.entries.items[libc].build_id), 40);
    ck_assert_str_ne(m.entries.items[libc].build_id, m.entries.items[0].build_id);
    ck_assert(!m.entries.items[libc].is_main);

    int vdso = maps_find(&m, getauxval(AT_SYSINFO_EHDR));
    ck_assert_int_gt(vdso, 0);
    ck_assert_str_eq(m.entries.items[vdso].path, "[vdso]");

    int on_the_stack = 0;
    ck_assert_int_eq(maps_find(&m, (uintptr_t)&on_the_stack), -1);
    maps_fini(&m);
}
END_TEST

START_TEST(notices_objects_that_come_and_go)
{
    struct maps m = {0};
    ck_assert(!maps_is_current(&m));
    ck_assert_int_eq(maps_read_self(&m, NULL), 0);
    ck_assert(maps_is_current(&m));
    size_t before = m.entries.len;
    void *library = dlopen("libBrokenLocale.so.1", RTLD_NOW);
    ck_assert_ptr_nonnull(library);
    ck_assert(!maps_is_current(&m));
    ck_assert_int_eq(maps_read_self(&m, NULL), 0);
    ck_assert_uint_eq(m.entries.len, before + 1);
    dlclose(library);
    ck_assert(!maps_is_current(&m));
    maps_fini(&m);
}
END_TEST

START_TEST(build_id_in_notes)
{
    struct {
        Elf64_Nhdr head;
        char name[4];
        unsigned char id[4];
    } note = {{4, 4, NT_GNU_BUILD_ID}, "GNU", {0xde, 0xad, 0x00, 0x0f}};
    char hex[129] = "";
    ck_assert(maps_build_id(&note, sizeof note, hex));
    ck_assert_str_eq(hex, "dead000f");
    for (size_t len = 0; len < sizeof note; len++)
        ck_assert(!maps_build_id(&note, len, hex));
    note.head.n_descsz = 0xfffffff0;
    ck_assert(!maps_build_id(&note, sizeof note, hex));
}
END_TEST

Suite *suite(void)
{
    const TTest *const tests[] = {parses_executable_ranges, rejects_garbage_and_keeps_what_was,
        knows_this_process, notices_objects_that_come_and_go, build_id_in_notes};
    return HARNESS_SUITE("maps", 20, tests);
}
