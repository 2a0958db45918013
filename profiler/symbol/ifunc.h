#ifndef SYMBOL_IFUNC_H
#define SYMBOL_IFUNC_H

#include "base/intern.h"
#include "base/vec.h"
#include "symbol/elffile.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Names for the functions that an IFUNC picks. `memcpy` in libc is no code but a chooser; what runs is a
 * variant for this processor that a stripped libc has no symbol for. The loader knows which: dlsym answers
 * with the chosen one's address. The unwind tables (an FDE for each function, with its start and length) say
 * how far it goes: an address whose FDE starts exactly there is inside `memcpy`, and no other is.
 *
 * Only for objects of this process.
 */
struct ifunc_names {
    VEC(struct ifunc_name) names; /* a few dozen, in no order */
};

struct ifunc_name {
    uintptr_t address;
    const char *name;
};

/* Adds what the loader chose for each IFUNC of the object loaded from path. Nothing when it is not loaded. */
void ifunc_add_object(struct ifunc_names *t, struct elffile *f, const char *path, struct intern *strings);
void ifunc_fini(struct ifunc_names *t);

/* The public name of the function at address and where it starts, or NULL. */
const char *ifunc_find(const struct ifunc_names *t, uintptr_t address, uintptr_t *start);

#endif
