#include "ui/triage_run.h"

#include "ui/collection.h"
#include "ui/output.h"
#include "ui/terminal.h"

#include <stdio.h>
#include <string.h>

enum { ROWS = 12 };

static int report(const struct options *o, const char *folder, struct error *error)
{
    struct collection c;
    struct triage t;
    struct buf out = {0};
    const struct config *config = &o->settings.config;
    bool to_file = *config->output != '\0';
    struct triage_style style = {.width = terminal_width(!to_file),
        .rows = config->nodecount >= 0 ? config->nodecount : ROWS,
        .colour = !to_file && terminal_has_colour()};
    int code = collection_open(&c, o, folder, error);
    if (!code) {
        struct triage_input input = {.source = c.title};
        memcpy(input.profiles, c.profiles, sizeof input.profiles);
        memcpy(input.missing, c.missing, sizeof input.missing);
        code = triage_init(&t, &input, error);
        if (!code)
            triage_put(&t, &style, &out);
        triage_fini(&t);
    }
    if (!code && out.failed)
        code = error_set(error, ERR_NOMEM, "out of memory");
    if (!code)
        code = to_file ? output_write_file(config->output, &out, error) : output_write_stdout(&out, error);
    collection_fini(&c);
    buf_fini(&out);
    return code;
}

int triage_run(const struct options *o, const volatile sig_atomic_t *cancel, struct error *error)
{
    char *base = collection_base(o->sources.items[0]), *folder = NULL;
    struct error cancelled;
    int taken = 0, code = 0;
    if (!base)
        return report(o, o->sources.items[0], error);
    free(base);
    taken = collection_take(o, o->sources.items[0], cancel, &folder, &cancelled);
    if (taken && !(taken == ERR_CANCELLED && folder)) {
        *error = cancelled;
        code = taken;
    } else {
        fprintf(stderr, "Saved profiles in %s; pprof -triage %s shows this again\n", folder, folder);
        code = report(o, folder, error);
        if (!code && taken) {
            *error = cancelled;
            code = taken;
        }
    }
    free(folder);
    return code;
}
