#ifndef VIEW_ASSEMBLY_H
#define VIEW_ASSEMBLY_H

#include "base/buf.h"
#include "base/error.h"
#include "base/vec.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Instructions of a file, as a disassembler lists them. Whoever runs it is handed to a report, which itself
 * runs nothing.
 */
struct disassembler {
    /* Appends the listing of [start, stop), the file's own addresses, with lines in between that say which
     * function and source line follows. ERR_NOTFOUND when there is no disassembler, ERR_IO, ERR_CANCELLED. */
    int (*run)(void *context, const char *file, uint64_t start, uint64_t stop, bool intel, struct buf *text,
        struct error *error);
    void *context;
};

struct instruction {
    uint64_t address;
    const char *text, *function, *file; /* "" when the listing does not say */
    int64_t line;
};

struct assembly {
    char *text;                           /* backs the strings */
    VEC(struct instruction) instructions; /* by address, each once */
};

/* The instructions in [start, stop). What run returns, or ERR_NOMEM. Finish with assembly_fini in any case.
 */
int assembly_read(struct assembly *a, const struct disassembler *d, const char *file, uint64_t start,
    uint64_t stop, bool intel, struct error *error);
void assembly_fini(struct assembly *a);

#endif
