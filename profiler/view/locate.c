#include "view/locate.h"

#include "symbol/elffile.h"
#include "view/path.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct search {
    struct profile *p;
    struct mapping *mapping;
    struct buf *notes;
    bool found;
};

/* Takes the file for the mapping's if it is. */
static int try_file(struct search *s, const struct buf *path)
{
    struct elffile *f;
    char id[129];
    if (path->failed)
        return ERR_NOMEM;
    if (s->found || elffile_open(path->data, &f, NULL))
        return 0;
    elffile_build_id(f, id);
    elffile_close(f);
    if (*s->mapping->build_id && strcmp(id, s->mapping->build_id) != 0) {
        buf_printf(s->notes, "Ignoring local file %s: build-id mismatch (%s != %s)\n", path->data,
            s->mapping->build_id, id);
        return 0;
    }
    const char *file = profile_string(s->p, path->data);
    if (!file)
        return ERR_NOMEM;
    s->mapping->file = file;
    s->found = true;
    return 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Any file in DIR/BUILD-ID. */
static int try_all(struct search *s, const char *dir, size_t len)
{
    struct buf path = {0};
    VEC(char *) names = {0};
    int code = 0;
    buf_printf(&path, "%.*s/%s", (int)len, dir, s->mapping->build_id);
    DIR *d = path.data ? opendir(path.data) : NULL;
    for (struct dirent *e; d && !code && (e = readdir(d));) {
        char *name = *e->d_name == '.' ? NULL : strdup(e->d_name);
        if (name && !vec_push(&names, name)) {
            free(name);
            code = ERR_NOMEM;
        }
    }
    if (d)
        closedir(d);
    if (names.len)
        qsort(names.items, names.len, sizeof *names.items, by_name);
    size_t base = path.len;
    for (size_t i = 0; i < names.len; i++) {
        path.len = base;
        buf_printf(&path, "/%s", names.items[i]);
        code = code ? code : try_file(s, &path);
        free(names.items[i]);
    }
    vec_fini(&names);
    buf_fini(&path);
    return code;
}

static int try_dir(struct search *s, const char *dir, size_t len)
{
    const struct mapping *m = s->mapping;
    const char *id = m->build_id, *file = m->file;
    struct buf base = {0}, path = {0};
    if (*file)
        path_put_base(file, &base);
    const char *name = base.data ? base.data : "";
    file += strspn(file, "/");
    int code = 0;
    for (int way = 0; way < 6 && !code && !s->found; way++) {
        path.len = 0;
        buf_printf(&path, "%.*s/", (int)len, dir);
        if (way == 0 && *id && *name)
            buf_printf(&path, "%s/%s", id, name);
        else if (way == 1 && *id)
            code = try_all(s, dir, len);
        else if (way == 2 && *id && *file)
            buf_printf(&path, "%s/%s", file, id);
        else if (way == 3 && strlen(id) > 2)
            buf_printf(&path, "%.2s/%s.debug", id, id + 2);
        else if (way == 4 && *name)
            buf_puts(&path, name);
        else if (way == 5 && *file)
            buf_puts(&path, file);
        if (!code && !s->found && path.len > len + 1)
            code = try_file(s, &path);
    }
    buf_fini(&base);
    buf_fini(&path);
    return code;
}

int locate_binaries(struct profile *p, const char *search, struct buf *notes)
{
    int code = 0;
    for (size_t i = 0; i < p->mappings.len && !code; i++) {
        struct search s = {.p = p, .mapping = &p->mappings.items[i], .notes = notes};
        for (const char *dir = search; *dir && !code && !s.found;) {
            const char *end = strchrnul(dir, ':');
            struct stat st;
            char *name = strndup(dir, (size_t)(end - dir));
            if (name && stat(name, &st) == 0) /* nearly nobody has any */
                code = try_dir(&s, dir, (size_t)(end - dir));
            free(name);
            dir = *end ? end + 1 : end;
        }
    }
    return code;
}
