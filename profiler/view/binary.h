#ifndef VIEW_BINARY_H
#define VIEW_BINARY_H

#include "model/profile.h"
#include "symbol/symbol.h"
#include "view/regex.h"

/*
 * The file of a mapping, for reports on instructions: where addresses are in it, which functions it has, and
 * which source lines an address is from. Reads the file (and its separate debug file); runs nothing.
 */
struct binary;

/* ERR_NOTFOUND, ERR_FORMAT, ERR_INVALID on another build id or a mapping that is none. */
int binary_open(const struct mapping *m, struct intern *strings, struct binary **out, struct error *error);
void binary_close(struct binary *b); /* NULL is allowed */

/* The file's own number for an address. */
bool binary_vaddr(struct binary *b, uint64_t address, uint64_t *vaddr);

struct binary_function {
    const char *name;       /* readable where the expression matched that, else as in the file; in the pool */
    uint64_t start, stop;   /* vaddr */
    const char *aliases[4]; /* other names of the same place; NULL for none */
};

typedef VEC(struct binary_function) binary_functions;

/* The functions that match under any of their names, as the file has them or as C++ has them, with parameters
 * or without; and those that hold *vaddr (NULL: none). ERR_NOMEM. */
int binary_find(struct binary *b, struct regex *match, const uint64_t *vaddr, binary_functions *found);

/* As symbolizer_frames(). */
size_t binary_frames(struct binary *b, uint64_t address, struct symbol_frame *frames, size_t max);

#endif
