#include "ui/viewer.h"

#include "base/clock.h"
#include "base/vec.h"
#include "ui/output.h"
#include "ui/subprocess.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static VEC(char *) files; /* to be removed in the end: programs read them when they please */

static int64_t last_start_ns;

static int write_file(const struct buf *report, const char *suffix, char **name, struct error *error)
{
    const char *dir = getenv("TMPDIR");
    char *path;
    if (asprintf(&path, "%s/pprof-XXXXXX.%s", dir && *dir ? dir : "/tmp", suffix) < 0)
        return error_set(error, ERR_NOMEM, "out of memory");
    int fd = mkstemps(path, (int)strlen(suffix) + 1);
    int code = fd < 0 ? error_set(error, ERR_IO, "%s: %s", path, strerror(errno))
                      : output_finish_file(fd, path, report, error);
    if (!code && !vec_push(&files, path))
        code = error_set(error, ERR_NOMEM, "out of memory");
    if (code) {
        if (fd >= 0)
            unlink(path);
        free(path);
        return code;
    }
    *name = path;
    return 0;
}

/* The words of line, which are cut apart, and then the file. */
static int start(char *line, char *file, pid_t *pid, struct error *error)
{
    char *argv[16], *state;
    size_t n = 0;
    for (char *word = strtok_r(line, " ", &state); word && n < 14; word = strtok_r(NULL, " ", &state))
        argv[n++] = word;
    if (n == 0)
        return ERR_NOTFOUND;
    argv[n] = file;
    argv[n + 1] = NULL;
    return subprocess_start(argv, pid, error);
}

static int start_first(const char *const programs[], char *file, pid_t *pid, struct error *error)
{
    static const char desktop[] = "desktop:";
    int code = ERR_NOTFOUND;
    for (size_t i = 0; programs[i] && code == ERR_NOTFOUND; i++) {
        const char *line = programs[i];
        if (*line == '$')
            line = getenv(line + 1);
        else if (strncmp(line, desktop, strlen(desktop)) == 0)
            line = getenv("DISPLAY") || getenv("WAYLAND_DISPLAY") ? line + strlen(desktop) : NULL;
        char *copy = line ? strdup(line) : NULL;
        if (copy)
            code = start(copy, file, pid, error);
        free(copy);
    }
    return code;
}

int viewer_show(const struct buf *report, const char *suffix, const char *const what[], bool wait,
    const volatile sig_atomic_t *cancel, struct error *error)
{
    char *file = NULL;
    pid_t pid;
    int code = write_file(report, suffix, &file, error);
    if (!code)
        code = start_first(what + 1, file, &pid, error);
    if (code == ERR_NOTFOUND)
        return error_set(
            error, code, "there is no %s here to show it in: -output=FILE keeps it instead", what[0]);
    if (code)
        return code;
    last_start_ns = clock_monotonic_ns();
    return wait ? subprocess_wait(pid, cancel) : 0;
}

int viewer_open(const char *url, const char *const what[], struct error *error)
{
    char *copy = strdup(url);
    pid_t pid;
    int code = copy ? start_first(what + 1, copy, &pid, error) : ERR_NOMEM;
    free(copy);
    return code;
}

/* Programs that hand the file to one that runs already return at once: they get a second to read it. */
void viewer_remove_files(void)
{
    const int64_t second = 1000000000;
    int64_t left = last_start_ns + second - clock_monotonic_ns();
    if (files.len && left > 0)
        usleep((useconds_t)(left / 1000));
    for (size_t i = 0; i < files.len; i++) {
        unlink(files.items[i]);
        free(files.items[i]);
    }
    vec_fini(&files);
}
