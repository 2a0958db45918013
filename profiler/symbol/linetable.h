#ifndef SYMBOL_LINETABLE_H
#define SYMBOL_LINETABLE_H

#include "symbol/elffile.h"

#include <stddef.h>
#include <stdint.h>

/*
 * What must be known of a unit's line table before libdw reads it, and kept as it is while libdw does. That
 * is the one place where it makes something large, a hundred bytes of each that the file has, and cannot be
 * told to stop; and where it takes the length of a text, and copies it later: should somebody have written to
 * the mapped file in between, it ends the process. So it reads a copy of ours, which is where the section's
 * data is said to be for as long as that takes. The names of the files in it, of all units, stay copied.
 */
struct linetables {
    struct elffile *file;
    Elf_Data *table, *names; /* .debug_line and .debug_line_str, NULL when there is none */
    void *mapped_names;      /* where the file has them; NULL when they are not copied */
};

/* One unit's. */
struct linetable {
    uint64_t offset;
    size_t len;
    void *copy; /* NULL when it needs none: it was decompressed into memory of libelf's */
    uint64_t rows, header_bytes;
};

/* After libdw has begun, which decompresses sections. ERR_LIMIT when there are more than max_bytes of names;
 * ERR_NOMEM. */
int linetables_init(struct linetables *t, struct elffile *file, uint64_t max_bytes);
/* After libdw has ended. */
void linetables_fini(struct linetables *t);
uint64_t linetables_bytes(const struct linetables *t);

/* The table at offset. ERR_NOTFOUND when there is none, ERR_LIMIT when its bytes alone are more than
 * max_bytes. */
int linetable_init(struct linetable *l, struct linetables *t, uint64_t offset, uint64_t max_bytes);
void linetable_fini(struct linetable *l);

/* Between these two, libdw reads l, and must read no other table. */
void linetable_lend(const struct linetable *l, struct linetables *t, Elf_Data *saved);
void linetable_take_back(const struct linetable *l, struct linetables *t, const Elf_Data *saved);

/*
 * How many rows the line table at `offset` of a .debug_line section expands to, DWARF 2 to 5, without making
 * them. 0 when there is no table that libdw would read. *header_bytes: how long the list of files and what
 * else precedes them is.
 */
uint64_t linetable_rows(const void *section, size_t bytes, uint64_t offset, uint64_t *header_bytes);

#endif
