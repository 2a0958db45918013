#ifndef UI_OPTIONS_H
#define UI_OPTIONS_H

#include "base/vec.h"
#include "ui/commands.h"
#include "view/limit.h"

/*
 * The command line: options first (-x, --x, -x=v, -x v), then sources. Strings point into argv or into the
 * settings.
 */
struct options {
    struct settings settings;
    const struct command *command; /* NULL: the shell */
    const char *pattern;           /* of list and peek */
    VEC(const char *) sources, bases;
    const char *exec_name, *build_id; /* of the first mapping; NULL as recorded */
    bool diff_base, all_frames, triage, compare, help, version;
    int seconds, timeout_s; /* -1: not given */
    const char *symbolize, *comment, *tools;
    const char *source_label; /* the key of a label that says where each sample is from; "" for none */
    const char *http;         /* [HOST]:[PORT] to serve the browser at, NULL when not given */
    bool no_browser;
    const char *stats; /* with triage: a URL, or a port, of the server's own figures; NULL when not given */
    const char *completions;                         /* a shell, NULL when not given */
    const char *help_on;                             /* of `pprof help NAME`, NULL for all */
    const char *token, *tls_cert, *tls_key, *tls_ca; /* "" when not given */
    VEC(struct limit) limits;                        /* of -fail_if */
    struct buf warnings;                             /* lines for the user */
};

/* ERR_INVALID with one line that says what to type instead. Caller calls options_fini in any case. */
int options_parse(struct options *o, int argc, char **argv, struct error *error);
void options_fini(struct options *o);

/* Every option there is, one by one, of all tables: for completion, and for who has misspelled one. */
struct option_info {
    const char *name, *help; /* the first line of help is the summary */
    bool takes_value;
};
void options_each(void (*visit)(const struct option_info *option, void *context), void *context);

/* What is most needed, with examples: -help. */
void options_print_usage(struct buf *out);

/* Every command and option: help all. */
void options_print_all(struct buf *out);

/* `pprof help NAME`. ERR_NOTFOUND, naming the nearest, when there is none of that name. */
int options_print_help(const char *name, struct buf *out, struct error *error);

#endif
