#include "view/path.h"

#include <stdlib.h>
#include <string.h>

void path_put_base(const char *path, struct buf *out)
{
    size_t end = strlen(path);
    if (end == 0) {
        buf_putc(out, '.');
        return;
    }
    while (end > 0 && path[end - 1] == '/')
        end--;
    if (end == 0) {
        buf_putc(out, '/');
        return;
    }
    size_t start = end;
    while (start > 0 && path[start - 1] != '/')
        start--;
    buf_append(out, path + start, end - start);
}

/* Takes the last element off what was written from `start` on, but never below `floor`. */
static void drop_element(struct buf *out, size_t floor)
{
    while (out->len > floor && out->data[--out->len] != '/')
        ;
}

void path_put_clean(const char *path, struct buf *out)
{
    size_t start = out->len;
    bool rooted = path[0] == '/';
    if (rooted)
        buf_putc(out, '/');
    size_t floor = out->len; /* nothing before it can be taken off by ".." */
    while (*path) {
        const char *end = strchrnul(path, '/');
        size_t len = (size_t)(end - path);
        bool dots = len == 2 && path[0] == '.' && path[1] == '.';
        if (dots && out->len > floor) {
            drop_element(out, floor);
        } else if (dots && !rooted) {
            if (out->len > start)
                buf_putc(out, '/');
            buf_puts(out, "..");
            floor = out->len;
        } else if (len && !dots && !(len == 1 && path[0] == '.')) {
            if (out->len > start && !(rooted && out->len == start + 1))
                buf_putc(out, '/');
            buf_append(out, path, len);
        }
        path = *end ? end + 1 : end;
    }
    if (out->len == start)
        buf_putc(out, '.');
    if (out->data)
        out->data[out->len] = '\0';
}

/* What follows the first "/BASE/" in path, where BASE is the last element of dir. NULL when there is none. */
static const char *after_base(const char *path, const char *dir, size_t dir_len)
{
    struct buf want = {0};
    char *copy = strndup(dir, dir_len);
    if (!copy)
        return NULL;
    buf_putc(&want, '/');
    path_put_base(copy, &want);
    buf_putc(&want, '/');
    const char *found = want.data ? strstr(path, want.data) : NULL;
    if (found)
        found += want.len;
    free(copy);
    buf_fini(&want);
    return found;
}

static const char *after_prefix(const char *path, const char *prefix, size_t len)
{
    if (strncmp(path, prefix, len) != 0)
        return NULL;
    if (len && prefix[len - 1] == '/')
        return path + len;
    return path[len] == '/' ? path + len + 1 : NULL;
}

const char *path_trim(const char *path, const char *trim_path, const char *source_path)
{
    const char *found;
    for (const char *dir = source_path; !*trim_path && *dir;) {
        const char *end = strchrnul(dir, ':');
        if ((found = after_base(path, dir, (size_t)(end - dir))))
            return found;
        dir = *end ? end + 1 : end;
    }
    for (const char *dir = trim_path; *dir;) {
        const char *end = strchrnul(dir, ':');
        if ((found = after_prefix(path, dir, (size_t)(end - dir))))
            return found;
        dir = *end ? end + 1 : end;
    }
    static const char *const common[] = {"/proc/self/cwd/./", "/proc/self/cwd/"};
    for (size_t i = 0; i < 2; i++)
        if ((found = after_prefix(path, common[i], strlen(common[i]))))
            return found;
    return path;
}
