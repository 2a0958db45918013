#ifndef SYMBOL_MAPS_H
#define SYMBOL_MAPS_H

#include "base/error.h"
#include "base/vec.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Which executable file, or which piece of memory, an address of this process lies in.
 *
 * Two sources are joined: /proc/self/maps has true ranges and absolute paths; dl_iterate_phdr has the build
 * IDs, read from the PT_NOTE segments in memory, so that they are those of what runs and not of what lies on
 * the disk by now; in a child that cannot list objects (LOADER_LOCKED) that of the program alone. Only
 * executable ranges are kept. Reading costs milliseconds when there are thousands of threads (two lines
 * each), so callers ask maps_is_current first, which costs less than a microsecond.
 */
struct maps_entry {
    uint64_t start, limit, offset; /* offset of start in the file */
    uint64_t bias;                 /* what the loader added to the file's addresses; 0 when not its own */
    char *path;                    /* absolute; "[vdso]" and the like; "//anon" when there is no name */
    char build_id[129];            /* lower-case hex, "" when there is none */
    bool is_main;                  /* the program itself: /proc/self/exe opens it, even when deleted */
};

struct maps {
    VEC(struct maps_entry) entries;  /* by start; the program itself first */
    unsigned long long loads, drops; /* the loader's counts of objects that came and went */
};

/* `struct maps m = {0};` first. What was in *m is replaced; on failure (ERR_IO, ERR_NOMEM) it is kept. */
int maps_read_self(struct maps *m, struct error *error);
void maps_fini(struct maps *m);

/* Whether no object was loaded or dropped since maps_read_self. */
bool maps_is_current(const struct maps *m);

/* Reads the text of a maps file: len bytes. No build IDs, nothing is main. ERR_FORMAT names the line. */
int maps_parse(const char *text, size_t len, struct maps *out, struct error *error);

/* The entry holding address, or -1. */
int maps_find(const struct maps *m, uint64_t address);

/* The GNU build ID in the notes of `len` bytes at notes, as hex; false when there is none. */
bool maps_build_id(const void *notes, size_t len, char hex[129]);

#endif
