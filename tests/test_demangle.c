#include "symbol/demangle.h"

#include "harness.h"

#include <dlfcn.h>
#include <stdlib.h>

START_TEST(names_as_people_write_them)
{
    static const char *const names[][2] = {
        {"_ZN2ns3getERKSs", "ns::get"},
        {"_Z3addii", "add"},
        {"_ZNK5cache4sizeEv", "cache::size"},
        {"_Z3maxIiET_S0_S0_", "max"}, /* int max<int>(int, int) */
        {"_ZNSt6vectorIiSaIiEE9push_backERKi", "std::vector::push_back"},
        {"_ZN12_GLOBAL__N_16hiddenEi", "(anonymous namespace)::hidden"},
        {"_ZN1AclEi", "A::operator()"},
        {"_ZlsRSoRK1A", "operator<<"},
        {"_ZN1AcvbEv", "A::operator bool"},
        {"_ZN1AD1Ev", "A::~A"},
        {"_ZTV1A", "vtable for A"},
    };
    struct demangler d = {.may_load = true};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *name = demangle_name(&d, names[i][0]);
        ck_assert_msg(name != NULL, "%s: nothing", names[i][0]);
        ck_assert_str_eq(name, names[i][1]);
        free(name);
    }
    demangler_fini(&d);
}
END_TEST

START_TEST(what_is_not_mangled_stays)
{
    static const char *const names[] = {"", "main", "_start", "_Z", "_Zxyzzy", "_ZN", "__ZN2ns3getEv"};
    struct demangler d = {.may_load = true};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        ck_assert_msg(demangle_name(&d, names[i]) == NULL, "%s", names[i]);
    demangler_fini(&d);
}
END_TEST

START_TEST(nothing_is_loaded_into_a_host)
{
    struct demangler d = {0};
    ck_assert_ptr_null(dlopen("libstdc++.so.6", RTLD_LAZY | RTLD_NOLOAD)); /* else this says nothing */
    ck_assert_ptr_null(demangle_name(&d, "_Z3addii"));
    ck_assert_ptr_null(dlopen("libstdc++.so.6", RTLD_LAZY | RTLD_NOLOAD));
    demangler_fini(&d);

    void *host = dlopen("libstdc++.so.6", RTLD_LAZY | RTLD_LOCAL); /* a C++ program has it anyway */
    ck_assert_ptr_nonnull(host);
    char *name = demangle_name(&d, "_Z3addii");
    ck_assert_str_eq(name, "add");
    free(name);
    demangler_fini(&d);
}
END_TEST

Suite *suite(void)
{
    const TTest *const tests[] = {
        names_as_people_write_them, what_is_not_mangled_stays, nothing_is_loaded_into_a_host};
    return HARNESS_SUITE("demangle", 20, tests);
}
