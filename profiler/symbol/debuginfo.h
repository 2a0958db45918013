#ifndef SYMBOL_DEBUGINFO_H
#define SYMBOL_DEBUGINFO_H

#include "base/intern.h"
#include "symbol/effort.h"
#include "symbol/elffile.h"

#include <stddef.h>
#include <stdint.h>

/*
 * Function, file and line of a vaddr from DWARF, with the functions that were inlined there.
 *
 * libdw reads a compilation unit when it is first asked about it and keeps what it read. So that the memory
 * stays bounded whatever is asked, we keep an index of our own (which unit and, inside the units that were
 * asked about, which function covers which addresses), work out what a unit will cost before libdw is asked
 * about it, and begin libdw anew, with the file's pages given back, when that would be too much: a unit asked
 * about again is then read again. A unit that is too large by itself is left alone, and so is a file with too
 * many of them, or whose compressed sections are too large.
 *
 * Rejected: dwarf_addrdie, which knows only what .debug_aranges lists (clang writes none), and
 * dwarf_getscopes, which walks the whole unit for each address.
 */
struct debuginfo;

struct debuginfo_frame {
    const char *name, *linkage, *file; /* interned; "" when unknown */
    int64_t line, start_line;
    uint64_t entry; /* vaddr of the function's first instruction; of the outer one for those inlined. A part
                       that was split off (foo.cold) may lie before it */
};

/*
 * file stays the caller's and open; effort, too, and says what may be spent, of which others hold `held`
 * bytes. NULL when it has no DWARF, memory runs out, or the bounds do: *why.
 */
struct debuginfo *debuginfo_new(
    struct elffile *file, struct intern *strings, struct effort *effort, uint64_t held, enum effort_end *why);
void debuginfo_free(struct debuginfo *d); /* NULL is allowed */

/* How much memory it holds, about. */
uint64_t debuginfo_bytes(const struct debuginfo *d);

/* The frames at vaddr, innermost first; how many, at most max; 0 when no unit tells, or when it would take
 * too much: *why. */
size_t debuginfo_frames(
    struct debuginfo *d, uint64_t vaddr, struct debuginfo_frame *frames, size_t max, enum effort_end *why);

#endif
