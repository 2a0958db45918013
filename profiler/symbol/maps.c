#include "symbol/maps.h"

#include "base/buf.h"
#include "symbol/loader.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

void maps_fini(struct maps *m)
{
    for (size_t i = 0; i < m->entries.len; i++)
        free(m->entries.items[i].path);
    vec_fini(&m->entries);
    *m = (struct maps){0};
}

/* ---- /proc/self/maps ------------------------------------------------------------------------------------
 */

static int add_line(struct maps *m, const char *line, size_t len)
{
    char text[PATH_MAX + 128], rights[8];
    int path_at = -1;
    struct maps_entry e = {0};
    if (len >= sizeof text)
        return ERR_FORMAT;
    memcpy(text, line, len);
    text[len] = '\0';
    if (sscanf(text, "%" SCNx64 "-%" SCNx64 " %7s %" SCNx64 " %*x:%*x %*u %n", &e.start, &e.limit, rights,
            &e.offset, &path_at) != 4 ||
        path_at < 0 || e.start >= e.limit || strlen(rights) != 4)
        return ERR_FORMAT;
    if (rights[2] != 'x')
        return 0;
    char *path = text + path_at;
    static const char gone[] = " (deleted)";
    size_t n = strlen(path);
    if (n > sizeof gone - 1 && strcmp(path + n - (sizeof gone - 1), gone) == 0)
        path[n - (sizeof gone - 1)] = '\0';
    e.path = strdup(*path ? path : "//anon");
    if (!e.path || !vec_push(&m->entries, e)) {
        free(e.path);
        return ERR_NOMEM;
    }
    /* cppcheck-suppress memleak ; the entry has it now */
    return 0;
}

int maps_parse(const char *text, size_t len, struct maps *out, struct error *error)
{
    struct maps m = {0};
    const char *end = text + len;
    int number = 1;
    for (const char *line = text; line < end; number++) {
        const char *newline = memchr(line, '\n', (size_t)(end - line));
        const char *stop = newline ? newline : end;
        int code = add_line(&m, line, (size_t)(stop - line));
        if (code) {
            maps_fini(&m);
            return error_set(error, code, "maps, line %d: %s", number, error_text(code));
        }
        line = stop + 1;
    }
    maps_fini(out);
    *out = m;
    return 0;
}

static int read_file(const char *path, struct buf *out, struct error *error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_set(error, ERR_IO, "%s: %s", path, strerror(errno));
    char chunk[16384];
    ssize_t n;
    while ((n = read(fd, chunk, sizeof chunk)) > 0 || (n < 0 && errno == EINTR))
        if (n > 0)
            buf_append(out, chunk, (size_t)n);
    int code = n < 0 ? error_set(error, ERR_IO, "%s: %s", path, strerror(errno)) : 0;
    close(fd);
    return code ? code : out->failed ? error_set(error, ERR_NOMEM, "out of memory") : 0;
}

/* ---- the loader's view ----------------------------------------------------------------------------------
 */

bool maps_build_id(const void *notes, size_t len, char hex[129])
{
    const unsigned char *p = notes;
    while (len >= sizeof(ElfW(Nhdr))) {
        ElfW(Nhdr) note;
        memcpy(&note, p, sizeof note);
        size_t name = (note.n_namesz + 3ul) & ~3ul, desc = (note.n_descsz + 3ul) & ~3ul;
        p += sizeof note;
        len -= sizeof note;
        if (name > len || desc > len - name)
            return false;
        if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 && memcmp(p, "GNU", 4) == 0 &&
            note.n_descsz > 0 && note.n_descsz <= 64) {
            for (size_t i = 0; i < note.n_descsz; i++)
                sprintf(hex + 2 * i, "%02x", p[name + i]);
            return true;
        }
        p += name + desc;
        len -= name + desc;
    }
    return false;
}

struct loader_walk {
    struct maps *maps;
    bool first; /* the loader lists the program itself first */
};

static int note_object(struct dl_phdr_info *info, size_t size, void *arg)
{
    (void)size;
    struct loader_walk *walk = arg;
    char hex[129] = "";
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
        if (ph->p_type == PT_NOTE &&
            maps_build_id((const void *)(info->dlpi_addr + ph->p_vaddr), ph->p_memsz, hex))
            break;
    }
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
        if (ph->p_type != PT_LOAD || !(ph->p_flags & PF_X))
            continue;
        int at = maps_find(walk->maps, info->dlpi_addr + ph->p_vaddr);
        if (at < 0)
            continue;
        strcpy(walk->maps->entries.items[at].build_id, hex);
        walk->maps->entries.items[at].is_main = walk->first;
        walk->maps->entries.items[at].bias = info->dlpi_addr;
    }
    walk->first = false;
    walk->maps->loads = info->dlpi_adds;
    walk->maps->drops = info->dlpi_subs;
    return 0;
}

/* The program itself, as the kernel told it where it is. */
static void note_program(struct loader_walk *walk)
{
    struct dl_phdr_info program = {
        .dlpi_phdr = (const void *)getauxval(AT_PHDR), .dlpi_phnum = (ElfW(Half))getauxval(AT_PHNUM)};
    for (int i = 0; i < program.dlpi_phnum; i++)
        if (program.dlpi_phdr[i].p_type == PT_PHDR)
            program.dlpi_addr = (uintptr_t)program.dlpi_phdr - program.dlpi_phdr[i].p_vaddr;
    note_object(&program, sizeof program, walk);
}

static void main_first(struct maps *m)
{
    for (size_t i = 1; i < m->entries.len; i++) {
        if (!m->entries.items[i].is_main)
            continue;
        struct maps_entry e = m->entries.items[i];
        memmove(m->entries.items + 1, m->entries.items, i * sizeof e);
        m->entries.items[0] = e;
        return;
    }
}

int maps_read_self(struct maps *m, struct error *error)
{
    struct buf text = {0};
    struct maps fresh = {0};
    int code = read_file("/proc/self/maps", &text, error);
    if (!code)
        code = maps_parse(text.data ? text.data : "", text.len, &fresh, error);
    buf_fini(&text);
    if (code)
        return code;
    struct loader_walk walk = {.maps = &fresh, .first = true};
    if (loader_walk(note_object, &walk) == LOADER_LOCKED)
        note_program(&walk);
    main_first(&fresh);
    maps_fini(m);
    *m = fresh;
    return 0;
}

static int same_counts(struct dl_phdr_info *info, size_t size, void *arg)
{
    (void)size;
    const struct maps *m = arg;
    return info->dlpi_adds == m->loads && info->dlpi_subs == m->drops ? 1 : 2;
}

bool maps_is_current(const struct maps *m)
{
    int same = m->entries.len ? loader_walk(same_counts, (void *)m) : 0;
    return same == 1 || same == LOADER_LOCKED; /* where nothing can come or go, either */
}

int maps_find(const struct maps *m, uint64_t address)
{
    for (size_t i = 0; i < m->entries.len; i++)
        if (address >= m->entries.items[i].start && address < m->entries.items[i].limit)
            return (int)i;
    return -1;
}
