#ifndef SYMBOL_LINEROWS_H
#define SYMBOL_LINEROWS_H

#include <stddef.h>
#include <stdint.h>

/*
 * How many rows the line table at `offset` of a .debug_line section expands to, DWARF 2 to 5, without making
 * them: libdw makes a hundred bytes of what is a byte or two in the file, and cannot be told to stop. 0 when
 * there is no table that libdw would read. *header_bytes: how long the list of files and what else precedes
 * them is.
 */
uint64_t linerows_count(const void *section, size_t bytes, uint64_t offset, uint64_t *header_bytes);

#endif
