#include "symbol/debugfile.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char root[] = "/usr/lib/debug";

enum { DROP_EVERY = 4 << 20 };

static bool has_id(const char *path, const char *id, struct elffile **out)
{
    char found[129];
    struct elffile *file;
    if (elffile_open(path, &file, NULL))
        return false;
    elffile_build_id(file, found);
    if (strcmp(found, id) == 0) {
        *out = file;
        return true;
    }
    elffile_close(file);
    return false;
}

/* That of .gnu_debuglink: reflected, 0xedb88320. What has been read is given back. */
static uint32_t checksum(struct elffile *f)
{
    const unsigned char *bytes = f->image;
    uint32_t table[256], crc = UINT32_MAX;
    for (uint32_t i = 0; i < 256; i++) {
        table[i] = i;
        for (int k = 0; k < 8; k++)
            table[i] = table[i] >> 1 ^ (table[i] & 1 ? UINT32_C(0xedb88320) : 0);
    }
    for (size_t i = 0; i < f->len; i++) {
        crc = crc >> 8 ^ table[(crc ^ bytes[i]) & 0xff];
        if (i % DROP_EVERY == DROP_EVERY - 1)
            elffile_drop_pages(f);
    }
    elffile_drop_pages(f);
    return ~crc;
}

static bool has_checksum(const char *path, uint32_t crc, struct elffile **out)
{
    struct elffile *file;
    if (elffile_open(path, &file, NULL))
        return false;
    if (checksum(file) == crc) {
        *out = file;
        return true;
    }
    elffile_close(file);
    return false;
}

/* The name in .gnu_debuglink, and the checksum behind it on the next multiple of four. */
static const char *read_link(struct elffile *f, uint32_t *crc)
{
    Elf_Data *d = elffile_section(f, ".gnu_debuglink");
    size_t len = d && d->d_buf ? strnlen(d->d_buf, d->d_size) : 0, at = (len + 4) & ~(size_t)3;
    const unsigned char *bytes = d ? d->d_buf : NULL;
    if (len == 0 || at + 4 > d->d_size || memchr(bytes, '/', len))
        return NULL;
    *crc = bytes[at] | bytes[at + 1] << 8 | bytes[at + 2] << 16 | (uint32_t)bytes[at + 3] << 24;
    return d->d_buf;
}

static bool open_link(struct elffile *f, const char *path, const char *id, struct elffile **out)
{
    static const struct {
        const char *root, *below;
    } places[] = {{"", ""}, {"", "/.debug"}, {root, ""}};
    char real[PATH_MAX], name[3 * PATH_MAX];
    uint32_t crc;
    const char *link = read_link(f, &crc);
    if (!link || !realpath(path, real))
        return false;
    char *slash = strrchr(real, '/');
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        snprintf(name, sizeof name, "%s%.*s%s/%s", places[i].root, (int)(slash - real), real, places[i].below,
            link);
        if (strcmp(name, path) != 0 && (*id ? has_id(name, id, out) : has_checksum(name, crc, out)))
            return true;
    }
    return false;
}

int debugfile_open(struct elffile *f, const char *path, struct elffile **out)
{
    char id[129], name[200];
    elffile_build_id(f, id);
    if (strlen(id) >= 4) {
        snprintf(name, sizeof name, "%s/.build-id/%.2s/%s.debug", root, id, id + 2);
        if (has_id(name, id, out))
            return 0;
    }
    return open_link(f, path, id, out) ? 0 : ERR_NOTFOUND;
}
