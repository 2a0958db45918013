#include "ui/store.h"

#include "model/codec.h"
#include "ui/output.h"
#include "view/path.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool store_make_dirs(const char *dir)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s", dir) >= (int)sizeof path)
        return false;
    for (char *slash = path + 1; *slash; slash++) {
        if (*slash != '/')
            continue;
        *slash = '\0';
        mkdir(path, 0700); /* what matters is the last one */
        *slash = '/';
    }
    return mkdir(path, 0700) == 0 || errno == EEXIST;
}

static bool try_dir(const char *dir, char *out, size_t size)
{
    if (!dir || !*dir)
        return false;
    snprintf(out, size, "%s", dir);
    if (store_make_dirs(out) && access(out, W_OK) == 0)
        return true;
    fprintf(stderr, "Could not use %s for profiles: %s\n", out, strerror(errno));
    return false;
}

static bool find_dir(char *out, size_t size)
{
    const char *home = getenv("HOME"), *tmp = getenv("TMPDIR");
    char below_home[PATH_MAX] = "";
    if (home && *home)
        snprintf(below_home, sizeof below_home, "%s/pprof", home);
    return try_dir(getenv("PPROF_TMPDIR"), out, size) || try_dir(below_home, out, size) ||
           try_dir(tmp && *tmp ? tmp : "/tmp", out, size);
}

/* A profile says what its types are called: no slash of theirs may lead out of the directory. */
static void put_safely(struct buf *out, const char *text)
{
    for (; *text; text++)
        buf_putc(out, *text == '/' || (unsigned char)*text < ' ' ? '_' : *text);
    buf_putc(out, '.');
}

static char *make_prefix(const struct profile *p)
{
    struct buf prefix = {0}, base = {0};
    buf_puts(&prefix, "pprof.");
    if (p->mappings.len && *p->mappings.items[0].file) {
        path_put_base(p->mappings.items[0].file, &base);
        put_safely(&prefix, base.data ? base.data : "");
    }
    for (size_t i = 0; i < p->sample_types.len; i++)
        put_safely(&prefix, p->sample_types.items[i].type);
    buf_fini(&base);
    char *text = buf_take(&prefix);
    if (text && strlen(text) > NAME_MAX - 16)
        text[NAME_MAX - 16] = '\0';
    return text;
}

int store_save(const struct profile *p, char **file, struct error *error)
{
    char dir[PATH_MAX], *name = NULL;
    struct buf bytes = {0};
    if (!find_dir(dir, sizeof dir))
        return error_set(error, ERR_IO, "no directory to keep profiles in");
    char *prefix = make_prefix(p);
    int code = prefix ? profile_encode(p, true, &bytes, error) : error_set(error, ERR_NOMEM, "out of memory");
    if (!code) {
        int fd = output_create_numbered(dir, prefix, ".pb.gz", 0600, &name, error);
        code = fd < 0 ? error->code : output_finish_file(fd, name, &bytes, error);
    }
    buf_fini(&bytes);
    free(prefix);
    if (code)
        free(name);
    else
        *file = name;
    return code;
}

int store_make_folder(const char *prefix, char **folder, struct error *error)
{
    char dir[PATH_MAX];
    if (!find_dir(dir, sizeof dir))
        return error_set(error, ERR_IO, "no directory to keep profiles in");
    for (int i = 1; i < 10000; i++) {
        char *path;
        if (asprintf(&path, "%s/%s.%03d", dir, prefix, i) < 0)
            return error_set(error, ERR_NOMEM, "out of memory");
        if (mkdir(path, 0700) == 0) {
            *folder = path;
            return 0;
        }
        int why = errno;
        if (why != EEXIST)
            error_set(error, ERR_IO, "%s: %s", path, strerror(why));
        free(path);
        if (why != EEXIST)
            return error->code;
    }
    return error_set(error, ERR_LIMIT, "no free name %s/%s.NNN", dir, prefix);
}
