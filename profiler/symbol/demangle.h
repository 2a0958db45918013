#ifndef SYMBOL_DEMANGLE_H
#define SYMBOL_DEMANGLE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * C++ names as people write them: `_ZN2ns3getERKSs` is `ns::get`, without parameters and template arguments,
 * as pprof shows them.
 *
 * The only demangler on a Debian machine that is not C++ source is libstdc++'s own, so it is borrowed: a
 * C++ program has it in memory already. may_load says that the library may be brought in when it is not
 * (right for a tool, wrong inside somebody's program). Without it names stay mangled, which pprof then
 * demangles itself.
 */
struct demangler {
    char *(*demangle)(const char *mangled, char *space, size_t *len, int *status);
    void *library;
    bool may_load, tried;
};

/* How much of a name is shown: of `int ns::max<int>(int, int)`, ns::max, ns::max<int>, or all. */
enum demangle_style { DEMANGLE_SIMPLE, DEMANGLE_TEMPLATES, DEMANGLE_FULL };

/* The name, to be freed by the caller; NULL when it is not a mangled one or nobody can tell. */
char *demangle_name(struct demangler *d, const char *linkage);
char *demangle_name_as(struct demangler *d, const char *linkage, enum demangle_style style);

/* Takes the same parts from a name that somebody has demangled in full; one that does not look like C++ stays
 * as it is. */
void demangle_shorten(char *name, enum demangle_style style);
void demangler_fini(struct demangler *d);

#endif
