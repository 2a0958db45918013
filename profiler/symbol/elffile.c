#include "symbol/elffile.h"

#include "symbol/maps.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int adopt(struct elffile *f, const char *what, struct elffile **out, struct error *error)
{
    GElf_Ehdr header;
    elf_version(EV_CURRENT);
    f->elf = elf_memory(f->image, f->len);
    if (!f->elf || elf_kind(f->elf) != ELF_K_ELF || !gelf_getehdr(f->elf, &header)) {
        elffile_close(f);
        return error_set(error, ERR_FORMAT, "%s: not an ELF file", what);
    }
    *out = f;
    return 0;
}

static int open_regular(const char *path, int *fd, struct stat *st, struct error *error)
{
    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (*fd < 0)
        return error_set(error, errno == ENOENT ? ERR_NOTFOUND : ERR_IO, "%s: %s", path, strerror(errno));
    if (fstat(*fd, st) == 0 && S_ISREG(st->st_mode) && st->st_size >= (off_t)sizeof(Elf32_Ehdr))
        return 0;
    close(*fd);
    return error_set(error, ERR_FORMAT, "%s: not an ELF file", path);
}

/* Mapped by us and not by libelf, so that it is guarded, and pages can be given back in between. */
int elffile_open(const char *path, struct elffile **out, struct error *error)
{
    struct stat st;
    int fd, code = open_regular(path, &fd, &st, error);
    if (code)
        return code;
    struct elffile *f = calloc(1, sizeof *f);
    char *copy = f ? strdup(path) : NULL;
    code = copy ? fileguard_map(fd, (size_t)st.st_size, &f->guard) : ERR_NOMEM;
    close(fd);
    if (code) {
        free(copy);
        free(f);
        return error_set(error, code, "%s: %s", path, error_text(code));
    }
    f->image = fileguard_image(f->guard);
    f->len = (size_t)st.st_size;
    f->path = copy;
    f->opened = st;
    f->max_functions = SIZE_MAX;
    return adopt(f, path, out, error);
}

int elffile_open_memory(const void *image, size_t len, struct elffile **out, struct error *error)
{
    struct elffile *f = calloc(1, sizeof *f);
    if (!f)
        return error_set(error, ERR_NOMEM, "out of memory");
    f->image = (void *)image;
    f->len = len;
    f->max_functions = SIZE_MAX;
    return adopt(f, "memory", out, error);
}

void elffile_close(struct elffile *f)
{
    if (!f)
        return;
    vec_fini(&f->functions);
    vec_fini(&f->exported);
    elf_end(f->elf);
    fileguard_unmap(f->guard);
    free(f->path);
    free(f);
}

/* One that was replaced meanwhile is another file under that name: ours is the old one, which nobody writes
 * to. */
bool elffile_is_whole(const struct elffile *f)
{
    struct stat now;
    if (!f->guard)
        return true;
    if (fileguard_torn(f->guard))
        return false;
    if (stat(f->path, &now) || now.st_ino != f->opened.st_ino || now.st_dev != f->opened.st_dev)
        return true;
    return now.st_size == f->opened.st_size && now.st_mtim.tv_sec == f->opened.st_mtim.tv_sec &&
           now.st_mtim.tv_nsec == f->opened.st_mtim.tv_nsec;
}

/*
 * libelf writes to an image it was given: when it decompresses a section it changes that section's header in
 * place. So the mapping is writable, and private, and the table of section headers keeps its pages; in all
 * others there is nothing that the file does not have.
 */
void elffile_drop_pages(struct elffile *f)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    GElf_Ehdr header;
    size_t n;
    if (!f->guard || !gelf_getehdr(f->elf, &header) || elf_getshdrnum(f->elf, &n))
        return;
    size_t from = header.e_shoff < f->len ? (size_t)header.e_shoff : f->len;
    size_t bytes = n * header.e_shentsize < f->len - from ? n * header.e_shentsize : f->len - from;
    fileguard_drop(f->guard, 0, from & ~(page - 1));
    fileguard_drop(f->guard, from + bytes, f->len);
}

uint64_t elffile_bytes(const struct elffile *f)
{
    return (f->functions.cap + f->exported.cap) * sizeof *f->functions.items;
}

void elffile_build_id(struct elffile *f, char hex[129])
{
    hex[0] = '\0';
    size_t n = 0;
    if (elf_getphdrnum(f->elf, &n))
        return;
    for (size_t i = 0; i < n; i++) {
        GElf_Phdr ph;
        if (!gelf_getphdr(f->elf, (int)i, &ph) || ph.p_type != PT_NOTE)
            continue;
        Elf_Data *d = elf_getdata_rawchunk(f->elf, (int64_t)ph.p_offset, ph.p_filesz, ELF_T_BYTE);
        if (d && d->d_buf && maps_build_id(d->d_buf, d->d_size, hex))
            return;
    }
}

/* In a debug file the segments are empty, or have but the headers and notes that they begin with, and only
 * where they go is known: as a linker lays a file out, at the same distance from the first one. */
static bool emptied_segment_vaddr(const GElf_Phdr *ph, uint64_t base, uint64_t offset, uint64_t *vaddr)
{
    uint64_t at = ph->p_vaddr - base;
    if (ph->p_filesz >= ph->p_memsz || offset < at || offset - at >= ph->p_memsz)
        return false;
    *vaddr = ph->p_vaddr + (offset - at);
    return true;
}

bool elffile_vaddr(struct elffile *f, uint64_t offset, uint64_t *vaddr)
{
    size_t n = 0;
    bool based = false;
    uint64_t base = 0;
    if (elf_getphdrnum(f->elf, &n))
        return false;
    for (size_t i = 0; i < n; i++) {
        GElf_Phdr ph;
        if (!gelf_getphdr(f->elf, (int)i, &ph) || ph.p_type != PT_LOAD)
            continue;
        base = based ? base : ph.p_vaddr & ~UINT64_C(4095);
        based = true;
        if (!(ph.p_flags & PF_X))
            continue;
        /* The loader maps whole pages, so the bytes before p_offset on its page belong to it, too. */
        uint64_t first = ph.p_offset & ~UINT64_C(4095);
        if (offset >= first && offset - first < ph.p_filesz + (ph.p_offset - first)) {
            *vaddr = offset - ph.p_offset + ph.p_vaddr;
            return true;
        }
        if (emptied_segment_vaddr(&ph, base, offset, vaddr))
            return true;
    }
    return false;
}

/* ---- sections -------------------------------------------------------------------------------------------
 */

static const char *section_name(struct elffile *f, GElf_Shdr *header)
{
    size_t names;
    const char *name =
        elf_getshdrstrndx(f->elf, &names) == 0 ? elf_strptr(f->elf, names, header->sh_name) : NULL;
    return name ? name : "";
}

static Elf_Scn *section_of_type(struct elffile *f, uint32_t type, GElf_Shdr *header)
{
    for (Elf_Scn *s = NULL; (s = elf_nextscn(f->elf, s));)
        if (gelf_getshdr(s, header) && header->sh_type == type)
            return s;
    return NULL;
}

static Elf_Scn *section_named(struct elffile *f, const char *prefix, size_t len)
{
    GElf_Shdr header;
    for (Elf_Scn *s = NULL; (s = elf_nextscn(f->elf, s));)
        if (gelf_getshdr(s, &header) && header.sh_type == SHT_PROGBITS &&
            strncmp(section_name(f, &header), prefix, len) == 0)
            return s;
    return NULL;
}

bool elffile_has_debug_info(struct elffile *f)
{
    return section_named(f, ".debug_info", 11) || section_named(f, ".zdebug_info", 12);
}

Elf_Data *elffile_section(struct elffile *f, const char *name)
{
    Elf_Scn *s = section_named(f, name, strlen(name) + 1);
    Elf_Data *d = s ? elf_getdata(s, NULL) : NULL;
    return d && d->d_buf ? d : NULL;
}

/* Those that say how large they become. The older .zdebug_* say it in 8 bytes, the high one first, after
 * "ZLIB". */
static uint64_t decompressed_bytes(struct elffile *f, Elf_Scn *section, GElf_Shdr *header)
{
    GElf_Chdr compressed;
    const char *name = section_name(f, header);
    uint64_t bytes = 0;
    if (header->sh_flags & SHF_COMPRESSED && strncmp(name, ".debug_", 7) == 0)
        return gelf_getchdr(section, &compressed) ? compressed.ch_size : 0;
    Elf_Data *d = strncmp(name, ".zdebug_", 8) == 0 ? elf_rawdata(section, NULL) : NULL;
    for (size_t i = 4; d && d->d_buf && d->d_size >= 12 && i < 12; i++)
        bytes = bytes << 8 | ((const unsigned char *)d->d_buf)[i];
    return bytes;
}

uint64_t elffile_compressed_bytes(struct elffile *f)
{
    uint64_t sum = 0;
    GElf_Shdr header;
    for (Elf_Scn *s = NULL; (s = elf_nextscn(f->elf, s));) {
        uint64_t bytes = gelf_getshdr(s, &header) ? decompressed_bytes(f, s, &header) : 0;
        sum = bytes < UINT64_MAX - sum ? sum + bytes : UINT64_MAX;
    }
    return sum;
}

/* ---- symbols --------------------------------------------------------------------------------------------
 */

/* Of `write`, `__write` and `__libc_write` at one place a reader wants the first; the vDSO's public names are
 * those of libc's functions, so there the longer one is the one that tells them apart. */
static uint8_t name_rank(const char *name, int binding)
{
    if (strncmp(name, "__vdso_", 7) == 0)
        return 0;
    size_t underscores = strspn(name, "_");
    return (uint8_t)(1 + 3 * (underscores > 20 ? 20 : underscores) +
                     (binding == STB_LOCAL ? 2 : binding == STB_WEAK));
}

static bool has_room(struct elffile *f)
{
    f->has_more |= f->functions.len + f->exported.len >= f->max_functions;
    return !f->has_more;
}

/* Symbols are 24 bytes, and a name of C++ has a hundred. */
enum { DROP_EVERY = 1 << 14 };

static bool add_symbols(struct elffile *f, uint32_t type, elf_functions *to)
{
    GElf_Shdr header;
    Elf_Scn *section = section_of_type(f, type, &header);
    Elf_Data *data = section ? elf_getdata(section, NULL) : NULL;
    if (!data || !header.sh_entsize)
        return false;
    size_t n = data->d_size / header.sh_entsize, before = to->len;
    for (size_t i = 0; i < n; i++) {
        GElf_Sym sym;
        if (!gelf_getsym(data, (int)i, &sym) || GELF_ST_TYPE(sym.st_info) != STT_FUNC || sym.st_size == 0 ||
            sym.st_shndx == SHN_UNDEF || sym.st_value > UINT64_MAX - sym.st_size)
            continue;
        const char *name = elf_strptr(f->elf, header.sh_link, sym.st_name);
        if (!name || !*name)
            continue;
        struct elf_function e = {.start = sym.st_value,
            .limit = sym.st_value + sym.st_size,
            .name = name,
            .rank = name_rank(name, GELF_ST_BIND(sym.st_info))};
        if (!has_room(f) || !vec_push(to, e))
            break;
        if (i % DROP_EVERY == DROP_EVERY - 1)
            elffile_drop_pages(f);
    }
    return to->len > before;
}

/* ---- the PLT --------------------------------------------------------------------------------------------
 */

struct got_slot {
    uint64_t vaddr;
    const char *name;
};

typedef VEC(struct got_slot) got_slots;

static void add_slots(struct elffile *f, Elf_Scn *section, GElf_Shdr *header, got_slots *slots)
{
    Elf_Data *data = elf_getdata(section, NULL);
    GElf_Shdr syms_header;
    Elf_Scn *syms_section = elf_getscn(f->elf, header->sh_link);
    Elf_Data *syms =
        syms_section && gelf_getshdr(syms_section, &syms_header) ? elf_getdata(syms_section, NULL) : NULL;
    if (!data || !syms || !header->sh_entsize)
        return;
    for (size_t i = 0; i < data->d_size / header->sh_entsize; i++) {
        GElf_Rela rela;
        GElf_Sym sym;
        if (!gelf_getrela(data, (int)i, &rela) || !gelf_getsym(syms, (int)GELF_R_SYM(rela.r_info), &sym))
            continue;
        const char *name = elf_strptr(f->elf, syms_header.sh_link, sym.st_name);
        if (name && *name && !vec_push(slots, ((struct got_slot){rela.r_offset, name})))
            return;
    }
}

static int by_vaddr(const void *a, const void *b)
{
    const struct got_slot *x = a, *y = b;
    return x->vaddr < y->vaddr ? -1 : x->vaddr > y->vaddr;
}

/* Every entry has a `jmp *slot(%rip)` (ff 25 and a 32-bit distance) in it, whatever surrounds it. */
static void add_plt(struct elffile *f, Elf_Scn *section, GElf_Shdr *header, got_slots *slots)
{
    Elf_Data *data = elf_getdata(section, NULL);
    uint64_t entry = header->sh_entsize >= 8 ? header->sh_entsize : 16;
    if (!data || !data->d_buf)
        return;
    const unsigned char *code = data->d_buf;
    for (uint64_t at = 0; at + entry <= data->d_size; at += entry) {
        for (uint64_t i = at; i + 6 <= at + entry; i++) {
            if (code[i] != 0xff || code[i + 1] != 0x25)
                continue;
            int32_t distance;
            memcpy(&distance, code + i + 2, sizeof distance);
            struct got_slot key = {header->sh_addr + i + 6 + (uint64_t)(int64_t)distance, ""};
            struct got_slot *slot = bsearch(&key, slots->items, slots->len, sizeof key, by_vaddr);
            struct elf_function e = {
                header->sh_addr + at, header->sh_addr + at + entry, slot ? slot->name : "", 100, true};
            if (slot && (!has_room(f) || !vec_push(&f->functions, e)))
                return;
            break;
        }
    }
}

static void add_plts(struct elffile *f)
{
    GElf_Ehdr elf_header;
    if (!gelf_getehdr(f->elf, &elf_header) || elf_header.e_machine != EM_X86_64)
        return;
    got_slots slots = {0};
    GElf_Shdr header;
    for (Elf_Scn *s = NULL; (s = elf_nextscn(f->elf, s));)
        if (gelf_getshdr(s, &header) && header.sh_type == SHT_RELA && (header.sh_flags & SHF_ALLOC))
            add_slots(f, s, &header, &slots);
    if (slots.len)
        qsort(slots.items, slots.len, sizeof *slots.items, by_vaddr);
    for (Elf_Scn *s = NULL; slots.len && (s = elf_nextscn(f->elf, s));)
        if (gelf_getshdr(s, &header) && header.sh_type == SHT_PROGBITS &&
            strncmp(section_name(f, &header), ".plt", 4) == 0)
            add_plt(f, s, &header, &slots);
    vec_fini(&slots);
}

/* ---- lookup ---------------------------------------------------------------------------------------------
 */

static int by_start(const void *a, const void *b)
{
    const struct elf_function *x = a, *y = b;
    if (x->start != y->start)
        return x->start < y->start ? -1 : 1;
    if (x->limit != y->limit) /* the wider first, so that a search backwards meets the narrower first */
        return x->limit > y->limit ? -1 : 1;
    if (x->rank != y->rank) /* and the better name before the worse */
        return x->rank > y->rank ? -1 : 1;
    size_t p = strlen(x->name), q = strlen(y->name);
    return p != q ? (p > q ? -1 : 1) : strcmp(y->name, x->name);
}

static void sort_functions(elf_functions *v)
{
    if (v->len)
        qsort(v->items, v->len, sizeof *v->items, by_start);
}

static void read_functions(struct elffile *f)
{
    f->sorted = true;
    if (!add_symbols(f, SHT_SYMTAB, &f->functions))
        add_symbols(f, SHT_DYNSYM, &f->functions);
    add_symbols(f, SHT_DYNSYM, &f->exported);
    add_plts(f);
    sort_functions(&f->functions);
    sort_functions(&f->exported);
}

/* The last of those that begin at or before vaddr, plus one. */
static size_t functions_until(const elf_functions *v, uint64_t vaddr)
{
    size_t low = 0, high = v->len;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (v->items[middle].start <= vaddr)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct elf_function *elffile_function(struct elffile *f, uint64_t vaddr)
{
    if (!f->sorted)
        read_functions(f);
    size_t low = functions_until(&f->functions, vaddr);
    /* Symbols may nest (entry points inside a function in assembly), but not deeply. */
    for (size_t back = 0; low > 0 && back < 16; back++, low--)
        if (vaddr < f->functions.items[low - 1].limit)
            return &f->functions.items[low - 1];
    return NULL;
}

const char *elffile_exported_name(struct elffile *f, uint64_t vaddr)
{
    if (!f->sorted)
        read_functions(f);
    size_t end = functions_until(&f->exported, vaddr);
    return end && f->exported.items[end - 1].start == vaddr ? f->exported.items[end - 1].name : NULL;
}

void elffile_each_ifunc(struct elffile *f, void (*visit)(const char *name, void *arg), void *arg)
{
    GElf_Shdr header;
    Elf_Scn *section = section_of_type(f, SHT_DYNSYM, &header);
    Elf_Data *data = section ? elf_getdata(section, NULL) : NULL;
    if (!data || !header.sh_entsize)
        return;
    for (size_t i = 0; i < data->d_size / header.sh_entsize; i++) {
        GElf_Sym sym;
        if (!gelf_getsym(data, (int)i, &sym) || GELF_ST_TYPE(sym.st_info) != STT_GNU_IFUNC ||
            sym.st_shndx == SHN_UNDEF)
            continue;
        const char *name = elf_strptr(f->elf, header.sh_link, sym.st_name);
        if (name && *name)
            visit(name, arg);
    }
}
