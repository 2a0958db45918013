#include "symbol/linetable.h"

#include <dwarf.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* ---- reading --------------------------------------------------------------------------------------------
 */

/* What is left to read; past the end everything is 0 and `at` stays there. */
struct bytes {
    const unsigned char *at, *end;
};

static uint64_t take(struct bytes *b, size_t n)
{
    uint64_t value = 0;
    if ((size_t)(b->end - b->at) < n) {
        b->at = b->end;
        return 0;
    }
    memcpy(&value, b->at, n); /* little-endian, as is this processor */
    b->at += n;
    return value;
}

static void skip(struct bytes *b, uint64_t n)
{
    b->at = n < (uint64_t)(b->end - b->at) ? b->at + n : b->end;
}

static uint64_t take_uleb(struct bytes *b)
{
    uint64_t value = 0;
    for (unsigned shift = 0; b->at < b->end; shift += 7) {
        unsigned char byte = *b->at++;
        value |= shift < 64 ? (uint64_t)(byte & 0x7f) << shift : 0;
        if (!(byte & 0x80))
            break;
    }
    return value;
}

/* A table's length, and how wide its offsets are; b is narrowed to it. */
static bool narrow(struct bytes *b, size_t *offset_bytes)
{
    uint64_t length = take(b, 4);
    *offset_bytes = length == UINT32_MAX ? 8 : 4;
    if (length == UINT32_MAX)
        length = take(b, 8);
    if (length > (uint64_t)(b->end - b->at))
        return false;
    b->end = b->at + length;
    return true;
}

struct opcodes {
    uint64_t base; /* the first special one */
    uint64_t header_bytes;
    const unsigned char *operands;
};

static bool read_header(struct bytes *b, struct opcodes *codes)
{
    size_t offset_bytes;
    if (!narrow(b, &offset_bytes))
        return false;
    uint64_t version = take(b, 2);
    if (version < 2 || version > 5)
        return false;
    if (version == 5)
        skip(b, 2); /* sizes of an address and of a segment */
    uint64_t rest = take(b, offset_bytes);
    if (rest > (uint64_t)(b->end - b->at))
        return false;
    const unsigned char *program = b->at + rest;
    codes->header_bytes = rest;
    skip(b, version >= 4 ? 5 : 4); /* what the registers begin with and special opcodes add */
    codes->base = take(b, 1);
    codes->operands = b->at;
    if (codes->base == 0 || codes->base - 1 > (uint64_t)(b->end - b->at))
        return false;
    b->at = program;
    return true;
}

uint64_t linetable_rows(const void *section, size_t bytes, uint64_t offset, uint64_t *header_bytes)
{
    struct bytes b = {.at = section};
    struct opcodes codes = {0};
    uint64_t rows = 0;
    *header_bytes = 0;
    b.end = b.at + bytes;
    skip(&b, offset);
    if (!read_header(&b, &codes))
        return 0;
    *header_bytes = codes.header_bytes;
    while (b.at < b.end) {
        uint64_t code = take(&b, 1);
        if (code >= codes.base) {
            rows++;
        } else if (code == 0) {
            uint64_t n = take_uleb(&b);
            rows += n && b.at < b.end && *b.at == DW_LNE_end_sequence;
            skip(&b, n);
        } else if (code == DW_LNS_fixed_advance_pc) {
            skip(&b, 2);
        } else {
            rows += code == DW_LNS_copy;
            for (unsigned i = 0; i < codes.operands[code - 1]; i++)
                take_uleb(&b);
        }
    }
    return rows;
}

/* ---- copies ---------------------------------------------------------------------------------------------
 */

static Elf_Data *section(struct elffile *f, const char *name, const char *older_name)
{
    Elf_Data *d = elffile_section(f, name);
    return d ? d : elffile_section(f, older_name);
}

static bool is_mapped(const struct elffile *f, const Elf_Data *d)
{
    uintptr_t at = (uintptr_t)d->d_buf, image = (uintptr_t)f->image;
    return f->guard && at >= image && at - image < f->len;
}

int linetables_init(struct linetables *t, struct elffile *file, uint64_t max_bytes)
{
    *t = (struct linetables){.file = file,
        .table = section(file, ".debug_line", ".zdebug_line"),
        .names = section(file, ".debug_line_str", ".zdebug_line_str")};
    if (!t->names || !is_mapped(file, t->names))
        return 0;
    void *copy = t->names->d_size <= max_bytes ? malloc(t->names->d_size) : NULL;
    if (!copy)
        return t->names->d_size <= max_bytes ? ERR_NOMEM : ERR_LIMIT;
    memcpy(copy, t->names->d_buf, t->names->d_size);
    t->mapped_names = t->names->d_buf;
    t->names->d_buf = copy;
    return 0;
}

void linetables_fini(struct linetables *t)
{
    if (!t->mapped_names)
        return;
    free(t->names->d_buf);
    t->names->d_buf = t->mapped_names;
    t->mapped_names = NULL;
}

uint64_t linetables_bytes(const struct linetables *t)
{
    return t->mapped_names ? t->names->d_size : 0;
}

/* Its length precedes it, and is 4 bytes, or 12. */
static uint64_t whole_length(const Elf_Data *d, uint64_t offset)
{
    struct bytes b = {.at = d->d_buf};
    size_t offset_bytes;
    b.end = b.at + d->d_size;
    skip(&b, offset);
    const unsigned char *start = b.at;
    return narrow(&b, &offset_bytes) ? (uint64_t)(b.end - start) : 0;
}

int linetable_init(struct linetable *l, struct linetables *t, uint64_t offset, uint64_t max_bytes)
{
    uint64_t len = t->table ? whole_length(t->table, offset) : 0;
    *l = (struct linetable){.offset = offset, .len = (size_t)len};
    if (len == 0)
        return ERR_NOTFOUND;
    if (len > max_bytes)
        return ERR_LIMIT;
    const char *from = (const char *)t->table->d_buf + offset;
    if (is_mapped(t->file, t->table)) {
        l->copy = malloc(l->len);
        if (!l->copy)
            return ERR_NOMEM;
        from = memcpy(l->copy, from, l->len);
    }
    l->rows = linetable_rows(from, l->len, 0, &l->header_bytes);
    return 0;
}

void linetable_fini(struct linetable *l)
{
    free(l->copy);
    l->copy = NULL;
}

void linetable_lend(const struct linetable *l, struct linetables *t, Elf_Data *saved)
{
    *saved = *t->table;
    if (!l->copy)
        return;
    t->table->d_buf = (void *)((uintptr_t)l->copy - l->offset); /* so that it is found at its offset */
    t->table->d_size = l->offset + l->len;
}

void linetable_take_back(const struct linetable *l, struct linetables *t, const Elf_Data *saved)
{
    if (l->copy)
        *t->table = *saved;
}
