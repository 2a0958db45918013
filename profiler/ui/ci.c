#include "ui/ci.h"

#include "ui/interrupt.h"
#include "ui/output.h"

int ci_check(const struct profile *p, struct options *o, FILE *into, bool *passed, struct error *error)
{
    struct report_request request = {.format = REPORT_LIMITS,
        .config = o->settings.config,
        .limits = o->limits.items,
        .n_limits = o->limits.len,
        .cancel = &interrupted};
    struct buf lines = {0}, notes = {0};
    int code = report_generate(p, &request, &lines, &notes, error);
    if (code)
        error_prefix(error, "-fail_if");
    if (!code && !o->command && notes.data)
        output_say(notes.data, notes.len);
    if (!code && lines.data)
        fputs(lines.data, into);
    for (size_t i = 0; i < o->limits.len && !code; i++)
        *passed |= o->limits.items[i].failed;
    buf_fini(&lines);
    buf_fini(&notes);
    return code;
}
