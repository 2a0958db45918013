#include "symbol/demangle.h"

#include "harness.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

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
        {"_ZN1AmmEv", "A::operator--"},
        {"_ZZN1A3runEiENKUljjE_clEjj", "A::run::{lambda(unsigned int, unsigned int)#1}::operator()"},
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

START_TEST(names_with_more_of_them)
{
    static const char *const names[][3] = {
        {"_Z3maxIiET_S0_S0_", "max<int>", "int max<int>(int, int)"},
        {"_ZN2ns3getERKSs", "ns::get", "ns::get(std::string const&)"},
        {"_ZNSt8functionIFviEEclEi", "std::function<void (int)>::operator()", NULL},
        {"_ZlsRSoRK1A", "operator<<", NULL},
    };
    struct demangler d = {.may_load = true};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *name = demangle_name_as(&d, names[i][0], DEMANGLE_TEMPLATES);
        ck_assert_str_eq(name, names[i][1]);
        free(name);
        name = demangle_name_as(&d, names[i][0], DEMANGLE_FULL);
        if (names[i][2] && strstr(names[i][2], "string") == NULL)
            ck_assert_str_eq(name, names[i][2]);
        ck_assert_ptr_nonnull(strchr(name, '('));
        free(name);
    }
    demangler_fini(&d);
}
END_TEST

START_TEST(demangled_names_are_shortened)
{
    static const char *const names[][3] = {
        {"ns::get(int, char const*) const", "ns::get", "ns::get"},
        {"std::vector<int, std::allocator<int> >::push_back(int&&)", "std::vector::push_back",
            "std::vector<int, std::allocator<int> >::push_back"},
        {"main", "main", "main"},
        {"main.(*T[...]).f", "main.(*T[...]).f", "main.(*T[...]).f"},
        {"a.b.<init>", "a.b.<init>", "a.b.<init>"},
        {"LazyCompile:~go a.js:1", "LazyCompile:~go a.js:1", "LazyCompile:~go a.js:1"},
        {"broken::name(int", "broken::name(int", "broken::name(int"},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char name[100];
        for (int style = DEMANGLE_SIMPLE; style <= DEMANGLE_FULL; style++) {
            strcpy(name, names[i][0]);
            demangle_shorten(name, style);
            ck_assert_str_eq(name, style == DEMANGLE_FULL ? names[i][0] : names[i][1 + style]);
        }
    }
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
    const TTest *const tests[] = {names_as_people_write_them, names_with_more_of_them,
        demangled_names_are_shortened, what_is_not_mangled_stays, nothing_is_loaded_into_a_host};
    return HARNESS_SUITE("demangle", 20, tests);
}
