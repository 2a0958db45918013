#ifndef SYMBOL_SYMBOL_H
#define SYMBOL_SYMBOL_H

#include "base/error.h"
#include "base/intern.h"
#include "symbol/effort.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Addresses in; functions, files, lines and inlined frames out. One symbolizer serves one set of mapped
 * objects: those of the running process (symbolizer_new_self), or one file at a given place for the tool
 * (symbolizer_add_object). Names are true or absent: an address beyond its symbol's size gets no name.
 *
 * Uses libdw for DWARF, the symbol tables otherwise, and what the loader resolved for IFUNCs. Separate
 * debug files are found, see debugfile.h. One thread at a time. Not signal-safe. Allocates with
 * malloc; the caller keeps that out of the heap profile.
 *
 * In somebody's program the cost is bounded: from one rest to the next, SYMBOL_MAX_NS and SYMBOL_MAX_BYTES of
 * resident memory, whatever the files are. Where that is not enough, the symbol table alone names the
 * function, and symbolizer_last_end says so. What there was no time for is tried again after a rest; the
 * answers given meanwhile need no more time, so that it comes to an end.
 */
struct symbolizer;

struct symbol_object {
    uint64_t start, limit, offset; /* the executable mapping, as in /proc/PID/maps */
    const char *path, *build_id;   /* build_id: lower-case hex, "" when there is none */
};

struct symbol_frame {
    const char *function;     /* demangled; "" when unknown */
    const char *linkage;      /* as in the symbol table; "" when unknown */
    const char *file;         /* "" when unknown */
    int64_t line, start_line; /* 0 when unknown */
    uint64_t entry;           /* where the (outermost) function begins; 0 when unknown */
};

enum { SYMBOL_MAX_INLINE = 32, SYMBOL_MAX_BYTES = 32 << 20 };
#define SYMBOL_MAX_NS INT64_C(2000000000)

/* Strings go to `strings`, of which a reference is taken. ERR_NOMEM, ERR_IO. */
int symbolizer_new_self(struct intern *strings, struct symbolizer **out, struct error *error);
int symbolizer_new(struct intern *strings, struct symbolizer **out, struct error *error);
void symbolizer_free(struct symbolizer *s);

/* What a batch may take; 0 is without bounds, as it is for symbolizer_new. In force from the next batch on.
 */
void symbolizer_bound(struct symbolizer *s, int64_t max_ns, uint64_t max_bytes);

/* Brings symbolizer_new_self's objects up to date with what is loaded now; costs next to nothing when that
 * is unchanged. Call it before each batch of addresses. Indexes and objects from before are invalid when it
 * says true. */
bool symbolizer_refresh(struct symbolizer *s);

/* Closes the files and drops all that was parsed from them; answers given stay cached (up to a bound). Call
 * it after each batch of addresses, in a program that has better uses for memory. */
void symbolizer_rest(struct symbolizer *s);

/* Adds the file at path, mapped as object says. ERR_NOTFOUND, ERR_FORMAT, ERR_INVALID on another build id. */
int symbolizer_add_object(struct symbolizer *s, const struct symbol_object *object, struct error *error);

/* Which object holds address: an index below symbolizer_objects(), or -1. */
int symbolizer_find(struct symbolizer *s, uint64_t address);
size_t symbolizer_objects(const struct symbolizer *s);
const struct symbol_object *symbolizer_object(const struct symbolizer *s, size_t index);

/* For an address that has no name: where the function it is in begins (of this process: the unwind tables of
 * stripped objects say so), else the address itself. */
uint64_t symbolizer_start(const struct symbolizer *s, uint64_t address);

/* address as the file of object `index` numbers it, for people to look up: what follows the + where there is
 * no name (libc.so.6+0x1d2a0). */
uint64_t symbolizer_offset(const struct symbolizer *s, size_t index, uint64_t address);

/* Whether symbolizer_frames has the answer already, one that was not cut short for want of time apart. Those
 * that are new are best asked for in ascending order: then each part of the DWARF is read once, however
 * little of it is kept. */
bool symbolizer_knows(const struct symbolizer *s, uint64_t address);

/* The frames at address (a PC inside the instruction, so return addresses less 1), innermost inlined
 * function first. Returns how many, at most max; 0 when there is no name. An entry of
 * the PLT is called `NAME@plt`. */
size_t symbolizer_frames(struct symbolizer *s, uint64_t address, struct symbol_frame *frames, size_t max);

/* Why the last answer of symbolizer_frames is less than the files have, or EFFORT_DONE. */
enum effort_end symbolizer_last_end(const struct symbolizer *s);

/* Around fork: waits until no thread of ours has the loader's lock, which the child would have for ever. All
 * symbolizers are left behind as they are in the child. */
void symbolizer_before_fork(void);
void symbolizer_after_fork_in_parent(void);
void symbolizer_after_fork_in_child(void);

#endif
