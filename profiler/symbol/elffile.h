#ifndef SYMBOL_ELFFILE_H
#define SYMBOL_ELFFILE_H

#include "base/error.h"
#include "base/vec.h"
#include "symbol/fileguard.h"

#include <libelf.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

struct elf_function {
    uint64_t start, limit; /* vaddr; start < limit: symbols without a size name nothing */
    const char *name;      /* in the file's string table */
    uint8_t rank;          /* which of several names for one place is the best; low is good */
    bool is_plt;           /* name is what the entry jumps to */
};

typedef VEC(struct elf_function) elf_functions; /* sorted */

/*
 * One ELF file, open: its build ID, where its segments go, and the names of its functions from .symtab (or
 * .dynsym when that is all a stripped file has) and from the entries of its PLT. The file's own addresses
 * are called vaddr here. Everything is read lazily from a guarded mapping of the file and goes with
 * elffile_close. Whatever a file says is checked: garbage gives no names, or an error, and no crash. A file
 * that is written to while it is open is garbage, too, and elffile_is_whole tells.
 */
struct elffile {
    void *image; /* the whole file */
    size_t len;
    struct fileguard *guard; /* NULL for an image in memory */
    char *path;              /* what was opened; NULL for an image in memory */
    struct stat opened;      /* as it was then */
    Elf *elf;
    bool sorted; /* functions and exported are read */
    elf_functions functions, exported;
    size_t max_functions; /* of both together; those behind are not read. SIZE_MAX when just opened */
    bool has_more;        /* there were such */
};

/* ERR_NOTFOUND, ERR_IO, ERR_FORMAT. */
int elffile_open(const char *path, struct elffile **out, struct error *error);
/* An image in this process' memory (the vDSO's), which must stay there. */
int elffile_open_memory(const void *image, size_t len, struct elffile **out, struct error *error);
void elffile_close(struct elffile *f); /* NULL is allowed */

/* Whether what was read so far was one file: not truncated, nor written to since it was opened. */
bool elffile_is_whole(const struct elffile *f);

/* Gives back the memory of the pages touched so far; they are read again from the file when needed. */
void elffile_drop_pages(struct elffile *f);

/* How much memory the tables of functions take. */
uint64_t elffile_bytes(const struct elffile *f);

/* Hex; "" when the file has none. */
void elffile_build_id(struct elffile *f, char hex[129]);

/* The vaddr of the byte at `offset` in the file, if a segment loads it. */
bool elffile_vaddr(struct elffile *f, uint64_t offset, uint64_t *vaddr);

/* Whether there is any DWARF in the file itself. */
bool elffile_has_debug_info(struct elffile *f);

/* The contents of a section, decompressed if somebody did that, and where in the file they are; NULL when it
 * has none. Valid until elffile_close. */
Elf_Data *elffile_section(struct elffile *f, const char *name);

/* How much memory it takes to decompress the sections .debug_*. */
uint64_t elffile_compressed_bytes(struct elffile *f);

/* The function whose bytes contain vaddr, or NULL. Valid until elffile_close. */
const struct elf_function *elffile_function(struct elffile *f, uint64_t vaddr);

/* The best of the names under which the dynamic symbol table exports the function that begins at vaddr, or
 * NULL. Valid until elffile_close. */
const char *elffile_exported_name(struct elffile *f, uint64_t vaddr);

/* Calls visit with each dynamic symbol that is an IFUNC: its public name. */
void elffile_each_ifunc(struct elffile *f, void (*visit)(const char *name, void *arg), void *arg);

#endif
