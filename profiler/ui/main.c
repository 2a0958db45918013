#include "ui/ci.h"
#include "ui/compare.h"
#include "ui/completions.h"
#include "ui/gather.h"
#include "ui/interrupt.h"
#include "ui/largepages.h"
#include "ui/produce.h"
#include "ui/session.h"
#include "ui/triage_run.h"
#include "ui/viewer.h"
#include "ui/web.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/*
 * pprof: reads profiles from files and over the network, and reports on them. Exit status: 0, 2 when
 * something was wrong, 3 when a limit of -fail_if was passed, 130 when it was interrupted.
 */

enum { EXIT_WRONG = 2, EXIT_LIMIT = 3, EXIT_INTERRUPTED = 130 };

static int print(struct buf *out)
{
    fputs(out->data ? out->data : "", stdout);
    buf_fini(out);
    return 0;
}

static int print_help(const struct options *o, struct error *error)
{
    struct buf out = {0};
    int code = 0;
    if (o->help_on)
        code = options_print_help(o->help_on, &out, error);
    else
        options_print_usage(&out);
    return code ? code : print(&out);
}

static int print_completions(const struct options *o, struct error *error)
{
    struct buf out = {0};
    if (!completions_put(o->completions, &out))
        return error_set(
            error, ERR_INVALID, "-completions: there are bash, zsh and fish, not \"%s\"", o->completions);
    return print(&out);
}

static int report(const struct profile *p, struct options *o, struct error *error)
{
    if (o->http)
        return web_serve(p, o, error);
    if (!o->command)
        return session_run(p, &o->settings, o->tools, error);
    struct production what = {.command = o->command,
        .pattern = o->pattern,
        .config = &o->settings.config,
        .tools = o->tools,
        .on_screen = isatty(STDOUT_FILENO),
        .cancel = &interrupted};
    return produce(p, &what, error);
}

static int report_sources(struct options *o, bool *passed, struct error *error)
{
    struct profile *p;
    bool wanted = o->command || !o->limits.len;
    int code = gather_profile(o, &interrupted, &p, error);
    if (code)
        return code;
    if (wanted)
        code = report(p, o, error);
    if (!code && o->limits.len)
        code = ci_check(p, o, wanted ? stderr : stdout, passed, error);
    profile_free(p);
    return code;
}

/* -http -triage: what was collected in a browser, or the folder. */
static int serve_triage(const struct options *o, struct error *error)
{
    struct web_all *all;
    int code = web_all_open(o, &interrupted, &all, error);
    if (code)
        return code;
    code = web_serve_all(all, o, error);
    web_all_free(all);
    return code;
}

/* *passed: a limit was. */
static int run(struct options *o, bool *passed, struct error *error)
{
    if (o->warnings.data)
        fputs(o->warnings.data, stderr);
    interrupt_catch();
    int code = o->compare   ? compare_run(o, &interrupted, error)
               : !o->triage ? report_sources(o, passed, error)
               : o->http    ? serve_triage(o, error)
                            : triage_run(o, &interrupted, error);
    viewer_remove_files();
    return code;
}

int main(int argc, char **argv)
{
    struct options o;
    struct error error = {0};
    bool passed = false;
    largepages_use();
    int code = options_parse(&o, argc, argv, &error);
    if (!code && o.help)
        code = print_help(&o, &error);
    else if (!code && o.completions)
        code = print_completions(&o, &error);
    else if (!code && o.version)
        puts("pprof of Read All Three");
    else if (!code)
        code = run(&o, &passed, &error);
    options_fini(&o);
    if (!code)
        return passed ? EXIT_LIMIT : EXIT_SUCCESS;
    fprintf(stderr, "pprof: %s\n", error.text);
    return code == ERR_CANCELLED ? EXIT_INTERRUPTED : EXIT_WRONG;
}
