#ifndef SYMBOL_DEBUGFILE_H
#define SYMBOL_DEBUGFILE_H

#include "symbol/elffile.h"

/*
 * The separate file in which a distribution keeps the .symtab and the DWARF of a stripped one:
 *
 *     /usr/lib/debug/.build-id/AB/CDEF....debug       by build ID
 *     DIR/NAME, DIR/.debug/NAME, /usr/lib/debug/DIR/NAME    by the name in .gnu_debuglink
 *
 * Only the one that belongs to it: with the same build ID or, for files that have none, the checksum that the
 * link has. ERR_NOTFOUND when there is none; path is where f was opened from.
 */
int debugfile_open(struct elffile *f, const char *path, struct elffile **out);

#endif
