#include "ui/output.h"

#include "ui/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int write_all(int fd, const char *bytes, size_t len)
{
    while (len) {
        ssize_t n = write(fd, bytes, len);
        if (n < 0 && errno != EINTR)
            return -1;
        if (n > 0) {
            bytes += n;
            len -= (size_t)n;
        }
    }
    return 0;
}

/* What a terminal gets of it: malloc'd, NULL when there is no memory. */
static char *tame_copy(const char *bytes, size_t len)
{
    char *copy = malloc(len + 1);
    if (copy) {
        memcpy(copy, bytes, len);
        terminal_tame(copy, len);
    }
    return copy;
}

int output_write_stdout(const struct buf *text, struct error *error)
{
    bool shown = text->len && isatty(STDOUT_FILENO);
    char *copy = shown ? tame_copy(text->data, text->len) : NULL;
    fflush(stdout);
    int failed = shown && !copy ? -1 : write_all(STDOUT_FILENO, shown ? copy : text->data, text->len);
    int why = errno;
    free(copy);
    return failed ? error_set(error, ERR_IO, "standard output: %s", strerror(why)) : 0;
}

void output_say(const char *text, size_t len)
{
    bool shown = len && isatty(STDERR_FILENO);
    char *copy = shown ? tame_copy(text, len) : NULL;
    if (!shown || copy)
        fwrite(shown ? copy : text, 1, len, stderr);
    free(copy);
}

int output_finish_file(int fd, const char *file, const struct buf *text, struct error *error)
{
    int failed = write_all(fd, text->data, text->len);
    int why = errno;
    if (close(fd) && !failed) {
        failed = -1;
        why = errno;
    }
    return failed ? error_set(error, ERR_IO, "%s: %s", file, strerror(why)) : 0;
}

int output_open_file(const char *file, int *fd, struct error *error)
{
    fprintf(stderr, "Generating report in %s\n", file);
    *fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    return *fd < 0 ? error_set(error, ERR_IO, "%s: %s", file, strerror(errno)) : 0;
}

int output_append(int fd, const char *file, const struct buf *text, struct error *error)
{
    return write_all(fd, text->data, text->len) ? error_set(error, ERR_IO, "%s: %s", file, strerror(errno))
                                                : 0;
}

int output_write_file(const char *file, const struct buf *text, struct error *error)
{
    int fd, code = output_open_file(file, &fd, error);
    return code ? code : output_finish_file(fd, file, text, error);
}

int output_create_numbered(
    const char *dir, const char *prefix, const char *suffix, mode_t mode, char **name, struct error *error)
{
    for (int i = 1; i < 10000; i++) {
        char *path;
        if (asprintf(&path, "%s%s%s%03d%s", dir, *dir ? "/" : "", prefix, i, suffix) < 0) {
            error_set(error, ERR_NOMEM, "out of memory");
            return -1;
        }
        int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
        if (fd >= 0) {
            *name = path;
            return fd;
        }
        int why = errno;
        if (why != EEXIST)
            error_set(error, ERR_IO, "%s: %s", path, strerror(why));
        free(path);
        if (why != EEXIST)
            return -1;
    }
    error_set(error, ERR_LIMIT, "no free name %s%s%sNNN%s", dir, *dir ? "/" : "", prefix, suffix);
    return -1;
}

int output_write_new_file(
    const char *prefix, const char *extension, const struct buf *text, struct error *error)
{
    char suffix[32], *name;
    snprintf(suffix, sizeof suffix, ".%s", extension);
    int fd = output_create_numbered("", prefix, suffix, 0666, &name, error);
    if (fd < 0)
        return error->code;
    fprintf(stderr, "Generating report in %s\n", name);
    int code = output_finish_file(fd, name, text, error);
    free(name);
    return code;
}
