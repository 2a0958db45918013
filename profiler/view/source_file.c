#include "view/source_file.h"

#include "base/buf.h"
#include "view/path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_BYTES = 64 << 20 };

/* A profile says what its files are called, and may name a pipe that nobody writes to, or a device: only what
 * is a file, and no larger than sources are, is read. NULL with errno. */
static FILE *open_regular(const char *name)
{
    struct stat s;
    int fd = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return NULL;
    bool usable = fstat(fd, &s) == 0 && S_ISREG(s.st_mode);
    int why = !usable ? EINVAL : s.st_size > MAX_BYTES ? EFBIG : 0;
    FILE *f = why ? NULL : fdopen(fd, "r");
    if (!f) {
        close(fd);
        errno = why ? why : ENOMEM;
    }
    return f;
}

static FILE *open_below(const char *dir, size_t len, const char *file)
{
    char name[PATH_MAX];
    if (len == 0 && *dir != '/') /* not the root */
        return NULL;
    if (snprintf(name, sizeof name, "%.*s/%s", (int)len, dir, file) >= (int)sizeof name)
        return NULL;
    return open_regular(name);
}

/* In dir, then in its parent, and so on; above a relative dir, in the current one. */
static FILE *open_upwards(const char *dir, size_t len, const char *file)
{
    bool relative = *dir != '/';
    for (;;) {
        FILE *f = open_below(dir, len, file);
        if (f || len == 0)
            return f ? f : relative ? open_regular(file) : NULL;
        while (len > 0 && dir[len - 1] != '/')
            len--;
        while (len > 0 && dir[len - 1] == '/')
            len--;
    }
}

static FILE *open_source(
    const char *file, const char *source_path, const char *trim_path, struct error *error)
{
    char here[PATH_MAX];
    if (!*source_path)
        source_path = getcwd(here, sizeof here) ? here : ".";
    file = path_trim(file, trim_path, source_path);
    if (*file == '/') {
        FILE *f = open_regular(file);
        if (!f) {
            const char *reason = errno == ENOENT   ? "no such file or directory"
                                 : errno == EINVAL ? "not a regular file"
                                                   : strerror(errno);
            error_set(error, ERR_NOTFOUND, "open %s: %s", file, reason);
        }
        return f;
    }
    for (const char *dir = source_path; *dir;) {
        const char *end = strchrnul(dir, ':');
        FILE *f = open_upwards(dir, (size_t)(end - dir), file);
        if (f)
            return f;
        dir = *end ? end + 1 : end;
    }
    error_set(error, ERR_NOTFOUND, "could not find file %s on path %s", file, source_path);
    return NULL;
}

static int split_lines(struct source_file *s, size_t len)
{
    for (char *at = s->text, *end = s->text + len; at < end;) {
        char *next = memchr(at, '\n', (size_t)(end - at));
        if (!vec_push(&s->lines, at))
            return ERR_NOMEM;
        if (!next)
            break;
        *next = '\0';
        if (next > at && next[-1] == '\r')
            next[-1] = '\0';
        at = next + 1;
    }
    return 0;
}

int source_file_read(const char *file, const char *source_path, const char *trim_path,
    struct source_file *out, struct error *error)
{
    FILE *f = open_source(file, source_path, trim_path, error);
    if (!f)
        return ERR_NOTFOUND;
    struct buf text = {0};
    char chunk[16 * 1024];
    for (size_t n; (n = fread(chunk, 1, sizeof chunk, f)) > 0 && !text.failed;)
        buf_append(&text, chunk, n);
    fclose(f);
    size_t len = text.len;
    struct source_file s = {.text = buf_take(&text)};
    if (!s.text || split_lines(&s, len)) {
        source_file_fini(&s);
        return error_set(error, ERR_NOMEM, "out of memory");
    }
    *out = s;
    return 0;
}

void source_file_fini(struct source_file *s)
{
    vec_fini(&s->lines);
    free(s->text);
    *s = (struct source_file){0};
}
